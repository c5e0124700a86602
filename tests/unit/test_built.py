# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was built: the libraries and modules are hardened, and export what is promised."""

import pathlib
import re
import subprocess
import sys

import cases

ROOT = pathlib.Path(sys.argv[1])
OPTIMIZED = sys.argv[2] == 'optimized'
OBJECTS = [pathlib.Path(name) for name in sys.argv[3:]]
ENV = {'PATH': '/usr/bin:/bin', 'LC_ALL': 'C'}


def read(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, env=ENV).stdout


def symbols(path, *arguments):
    return {line.split()[-1].partition('@')[0] for line in read('nm', '-D', *arguments, path).splitlines()}


def test_there_is_something():
    assert any(path.name.startswith('libtornadis-glib-1.0.so') for path in OBJECTS), OBJECTS


def test_relocations_are_read_only():
    for path in OBJECTS:
        assert 'GNU_RELRO' in read('readelf', '-lW', path), path
        dynamic = read('readelf', '-dW', path)
        assert re.search(r'\(FLAGS(_1)?\).*NOW', dynamic), dynamic
        assert 'TEXTREL' not in dynamic, path


def test_no_stack_is_executable():
    for path in OBJECTS:
        stack, = [line for line in read('readelf', '-lW', path).splitlines() if 'GNU_STACK' in line]
        assert 'E' not in stack.split()[6], stack


def test_the_stack_is_protected():
    for path in OBJECTS:
        assert '__stack_chk_fail' in symbols(path, '--undefined-only'), path


def test_functions_of_c_are_checked():
    checked = {name for path in OBJECTS for name in symbols(path, '--undefined-only')
               if name.startswith('__') and name.endswith('_chk')}
    assert bool(checked) == OPTIMIZED, checked


def test_exported_is_what_is_promised():
    """debian/ has the list, by which packages say which version they need. Nothing is taken from it within an API."""
    path, = [path for path in OBJECTS if path.name.startswith('libtornadis-glib-1.0.so')]
    lines = (ROOT / 'debian/libtornadis-glib-1.0-0.symbols').read_text().splitlines()
    promised = {match[1] for match in (re.match(r' (tornadis_\w+)@Base ', line) for line in lines) if match}
    exported = symbols(path, '--defined-only')
    assert exported == promised, f'not promised: {sorted(exported - promised)}; not there: {sorted(promised - exported)}'


cases.run(globals())
