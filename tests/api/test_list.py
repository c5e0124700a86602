# SPDX-License-Identifier: LGPL-2.1-or-later
"""The API is what tests/data/api.txt says: nothing of it goes, or changes, unnoticed. list.py writes the file."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(sys.argv[1]) / 'tests' / 'unit'))

import cases
from list import make_list

LIST = pathlib.Path(sys.argv[1]) / 'tests' / 'data' / 'api.txt'


def test_api():
    promised, there = LIST.read_text(encoding='utf-8').splitlines(), make_list(sys.argv[2])
    gone = [line for line in promised if line not in there]
    new = [line for line in there if line not in promised]
    assert gone == [] and new == [] and promised == there, (
        'tests/api/list.py says how the list is made anew, once the change is meant\n' +
        '\n'.join([f'- {line}' for line in gone] + [f'+ {line}' for line in new])).replace('\n', '\n# ')


cases.run(globals())
