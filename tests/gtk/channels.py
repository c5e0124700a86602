# SPDX-License-Identifier: LGPL-2.1-or-later
"""The desktop example, in the language that the argument names, for the tests of what it does."""

import contextlib
import os
import shutil
import sys
import time

import desktop
from desktop import PATIENCE, until

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXAMPLE = os.path.join(os.path.dirname(TESTS), 'examples', 'gtk')
COMMAND = {
    'python': [sys.executable, os.path.join(EXAMPLE, 'channels.py')],
    'javascript': ['gjs', '-m', os.path.join(EXAMPLE, 'channels.js')],
}[sys.argv[1]]

reason = desktop.missing() or (shutil.which(COMMAND[0]) is None and f'no {COMMAND[0]}')
if reason:
    print(f'1..0 # SKIP {reason}')
    sys.exit(0)

sys.path.insert(0, os.path.join(TESTS, 'python'))
from tap import equal

from gi.repository import Tornadis


def uri(server):
    return f'redis://127.0.0.1:{server.get_port()}'


def publisher(server):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path())


@contextlib.asynccontextmanager
async def running(*arguments, command=COMMAND, close=lambda application: click(application, 'Close')):
    """The application, which is closed at the end, by its button, and has had nothing to complain about."""
    application = desktop.Application([*command, *arguments])
    try:
        try:
            await until(lambda: application.find('push button', 'Close'))
            yield application
            close(application)
            equal(application.wait(), 0)
        finally:
            output = application.get_output()
            if output:
                print('# ' + '\n# '.join(output), file=sys.stderr, flush=True)
        equal(output, [])
    finally:
        application.kill()


def click(application, button):
    """Clicks it, as soon as it is there."""
    until_then = time.monotonic() + PATIENCE
    while (widget := application.find('push button', button)) is None and time.monotonic() < until_then:
        time.sleep(0.02)
    equal(widget.do_action(0), True)
