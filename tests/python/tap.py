# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the functions named test_* of a module as TAP, each with a private server of its own."""

import inspect
import sys
import traceback

import gi
gi.require_version('Tornadis', '1.0')
gi.require_version('TornadisHarness', '0')
from gi.repository import Tornadis, TornadisHarness


def main(module):
    tests = [(name, value) for name, value in vars(module).items() if name.startswith('test_')]
    failed = 0
    print(f'1..{len(tests)}')
    for number, (name, test) in enumerate(tests, 1):
        try:
            server = TornadisHarness.Redis.new(None)
            outcome = test(server)
            if inspect.iscoroutine(outcome):
                Tornadis.run(outcome)
            print(f'ok {number} - {name}', flush=True)
        except BaseException:
            failed += 1
            print(f'not ok {number} - {name}', flush=True)
            print('# ' + traceback.format_exc().replace('\n', '\n# '), flush=True)
    sys.exit(1 if failed else 0)


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


def equal(value, expected):
    assert value == expected, f'{value!r} is not {expected!r}'
