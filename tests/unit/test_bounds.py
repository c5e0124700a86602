# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/bounds.md names each bound, and tests that exist."""

import pathlib
import re
import sys

import cases

ROOT = pathlib.Path(sys.argv[1])
PAGE = (ROOT / 'docs' / 'bounds.md').read_text(encoding='utf-8')
TESTS = {path.name: path.read_text(encoding='utf-8')
         for part in ('unit', 'integration', 'plugins') for path in sorted((ROOT / 'tests' / part).glob('test-*.c'))}


def is_in(name, text):
    """Whether a program has the test: by its name, or by a beginning and an end that a macro of it puts together."""
    if f'"{name}"' in text:
        return True
    parts = name.split('/')
    return any(f'"{"/".join(parts[:i])}/"' in text and f'"{"/".join(parts[i:])}"' in text for i in range(2, len(parts)))


def find_rows():
    for line in PAGE.splitlines():
        if line.startswith('|') and not line.startswith(('|---', '| what ')):
            cells = [cell.strip() for cell in line.strip('|').split('|')]
            yield cells[0], re.findall('`(/[^`]+)`', cells[-1])


def test_named_tests_exist():
    missing = [(what, name) for what, names in find_rows() for name in names
               if not any(is_in(name, text) for text in TESTS.values())]
    assert missing == [], missing


def test_each_has_a_test():
    without = [what for what, names in find_rows() if not names]
    assert without == [] and len(list(find_rows())) > 30, without


def test_each_overload_is_named():
    overloads = set(re.findall('"(/overload/[^"]+)"', TESTS['test-overload.c']))
    named = {name for what, names in find_rows() for name in names}
    assert overloads and overloads <= named, overloads - named


def test_each_property_is_named():
    """Those that say how much there may be."""
    properties = {name for part in ('tornadis-glib', 'plugins') for path in (ROOT / part).rglob('*.c')
                  for name in re.findall('g_param_spec_[a-z0-9]+ \\("(max-[^"]+)"', path.read_text(encoding='utf-8'))}
    missing = {name for name in properties if f'`{name}`' not in PAGE}
    assert properties and missing == set(), missing


def test_finds_what_it_looks_for():
    text = '#define ADD(name, func) g_test_add ("/queue/" name, func)\nADD ("lost/again", f);\ng_test_add_func ("/page/several", f);'
    assert is_in('/queue/lost/again', text) and is_in('/page/several', text)
    assert not is_in('/queue/again', text) and not is_in('/page/lost/again', text) and not is_in('/page', text)


cases.run(globals())
