# SPDX-License-Identifier: LGPL-2.1-or-later

"""A window whose label shows each message, 100,000 a second, and the frames that are left to it: of the display that the
tests of the desktop example have."""

import contextlib
import os
import pathlib
import socket
import sys
import threading
import time

from bench_server import encode
from bench_tree import Ours

HERE = pathlib.Path(__file__).resolve().parent
RATE = 100_000
# So many are published at a time; a moment has more than one of these if the server, or the machine, had none to spare.
EACH = 100
MESSAGES = """for i = ARGV[1], ARGV[1] + ARGV[2] - 1 do
redis.call('PUBLISH', 'news', string.format('%032d', i)) end"""

sys.path.insert(0, str(HERE.parent / 'gtk'))
import desktop

COMMANDS = {'python': ['/usr/bin/python3', '-B', HERE / 'bench-label.py'], 'javascript': ['gjs', '-m', HERE / 'bench-label.js']}


def publish(path, n):
    """Publishes n messages, numbered, as many as are due by the clock."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)
        replies = link.makefile('rb')
        start = time.monotonic()
        for i in range(0, n, EACH):
            time.sleep(max(0, start + i / RATE - time.monotonic()))
            link.sendall(encode(['EVAL', MESSAGES, '0', str(i), str(EACH)]))
            replies.readline()


@contextlib.contextmanager
def display(bench, tree):
    """The variables of a program on a display of its own, with the library of that tree."""
    before = dict(os.environ)
    try:
        with desktop.session():
            env = {name: value for name, value in os.environ.items() if before.get(name) != value}
            for name in ('GI_TYPELIB_PATH', 'LD_LIBRARY_PATH'):
                env[name] = f'{tree.env[name]}:{bench.programs}'
            yield env
    finally:
        os.environ.clear()
        os.environ.update(before)


def measure(bench, tree, language, seconds):
    n = int(seconds * RATE)
    publisher = threading.Thread(target=publish, args=(bench.server.path, n), daemon=True)
    with display(bench, tree) as env:
        return bench.run(tree, [*COMMANDS[language], bench.server.path, n], publisher.start, env, longest=60 + 3 * seconds)


def singles(bench, seconds):
    """(name, title, measure, [(key, unit, target, is below)], as those of bench.py; none without a display"""
    reason = desktop.missing()
    if reason:
        print(f'No rows of a label: {reason}', file=sys.stderr)
        return
    for language, title in (('python', 'Python'), ('javascript', 'JavaScript')):
        yield (f'label-{language}', f'a label set to each of {RATE:,} messages a second, {seconds} s, {title}',
               Ours(lambda tree, language=language: measure(bench, tree, language, seconds)), [
                   ('turn_cpu_ms', 'ms of CPU in the longest turn of ours', 4, True),
                   ('turns_over', 'turns longer than 4 ms', 0, True),
                   ('on_time', 'of the frames on time', 0.999, False),
                   ('own_on_time', 'of the frames on time, but for what this thread had no processor', 0.999, False)])
