# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the functions named test_* of a module as TAP, each with a private server of its own.

Why a case failed is told on standard error: of a program that writes TAP, Meson shows that alone.
"""

import faulthandler
import inspect
import os
import re
import sys
import traceback
import unittest

import gi
gi.require_version('Tornadis', '1.0')
gi.require_version('TornadisHarness', '0')
from gi.repository import GLib, Tornadis, TornadisHarness

# No case takes so long on the slowest machine: it waits for what does not come.
CASE_SECONDS = 100 * float(os.environ.get('TORNADIS_TEST_SLOW', '1'))


def run_in_time(coroutine):
    """Where the coroutine waits when the time is over is in the traceback of its CancelledError."""
    future = Tornadis.spawn(coroutine)
    if not future.done():
        loop = GLib.MainLoop()
        timer = GLib.timeout_add(int(1000 * CASE_SECONDS), lambda: future.cancel() and False)
        future.add_done_callback(lambda _: loop.quit())
        loop.run()
        if not future.cancelled():
            GLib.source_remove(timer)
    future.result()


def summary(error):
    """In one line, without what has a meaning to a reader of TAP."""
    if type(error).__name__ == 'CancelledError':
        return 'it does not end'
    return f'{type(error).__name__}: {error}'.replace('#', ' ').replace('\n', ' ')[:200].rstrip()


def main(module):
    tests = [(name, value) for name, value in vars(module).items() if name.startswith('test_')]
    failed = 0
    print(f'1..{len(tests)}')
    for number, (name, test) in enumerate(tests, 1):
        # One that does not come back to the main loop ends here, with all others.
        faulthandler.dump_traceback_later(CASE_SECONDS + 20, exit=True)
        server = None
        try:
            server = TornadisHarness.Redis.new(None)
            outcome = test(server)
            if inspect.iscoroutine(outcome):
                run_in_time(outcome)
            print(f'ok {number} - {name}', flush=True)
        except unittest.SkipTest as reason:
            print(f'ok {number} - {name} # SKIP {reason}', flush=True)
        except BaseException as error:
            failed += 1
            print(f'not ok {number} - {name} - {summary(error)}', flush=True)
            print(f'# {name}\n# ' + traceback.format_exc().rstrip().replace('\n', '\n# '), file=sys.stderr, flush=True)
            # What the case has left waiting ends, and not in the middle of the next.
            if server is not None:
                server.kill()
        faulthandler.cancel_dump_traceback_later()
    sys.exit(1 if failed else 0)


def count_blocked(server):
    """How many clients wait for the server, as in BLPOP."""
    return int(re.search('blocked_clients:([0-9]+)', server.command('INFO clients'))[1])


def raises(kind, function, *args):
    try:
        function(*args)
    except kind as error:
        return error
    raise AssertionError(f'{kind.__name__} was not raised')


async def raises_async(kind, awaitable):
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f'{kind.__name__} was not raised')


async def wait_until(condition):
    """As long as a case may take, which ends it."""
    while not condition():
        await Tornadis.sleep(.001)


def equal(value, expected):
    assert value == expected, f'{value!r} is not {expected!r}'
