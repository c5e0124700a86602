# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the functions of a test whose names begin with test_, as TAP: for those that need no library and no server."""

import sys


def run(names):
    tests = [value for name, value in list(names.items()) if name.startswith('test_')]
    print(f'1..{len(tests)}')
    for number, test in enumerate(tests, 1):
        try:
            test()
            print(f'ok {number} - {test.__name__}')
        except AssertionError as error:
            print(f'not ok {number} - {test.__name__}')
            print(f'# {test.__name__}\n# {error}', file=sys.stderr)
