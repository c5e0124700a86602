# SPDX-License-Identifier: LGPL-2.1-or-later
"""table.py [--check] SOURCE BUILD PROGRAM...: writes tests/README.md, or says as TAP whether it is as it would be written.

The rows are what the programs of the matrix print with --table, and those of elsewhere.py.
"""

import difflib
import functools
import pathlib
import re
import subprocess
import sys

import elsewhere

HEAD = '''\
# The fault matrix

What happens to connections, and what each call ends with. Every row is a test, and this table is made of the tests: those
of `tests/matrix` assert what their rows say, and `tests/matrix/elsewhere.py` has the rows of others. Do not edit it; after a
change

    ninja -C build && ninja -C build matrix-table

writes it anew, and the test `matrix-table` fails as long as it is another one.

In every case each call ends exactly once, nothing is sent twice, and a call that is made afterwards gets its own value. No
call takes a reply that is another's, but where the table says so in bold: nothing in the protocol tells them apart.
`not run` means that the server has never got the command, `may have run` that only the server knows. What the codes mean to a
program is in [docs/errors.md](../docs/errors.md), what the tests stand on in `tests/harness/harness.h`; faults that have a
number are in [faults.md](faults.md).

Languages: the row itself is tested in C; Python and JavaScript are named where a test of theirs goes through it too.

'''
COLUMNS = '| case | peer | languages | what each call ends with |\n| --- | --- | --- | --- |\n'


@functools.cache
def list_paths(program):
    # GLib 2.84 lists them as comments of TAP.
    lines = subprocess.run([program, '-l'], capture_output=True, check=True, text=True).stdout.splitlines()
    return [path for path in (line.removeprefix('# ') for line in lines) if path.startswith('/')]


def assert_exists(source, build, test):
    """One of elsewhere.py."""
    holder, _, name = test.partition(':')
    if holder.endswith('.py'):
        text = (source / 'tests/python' / holder).read_text(encoding='utf-8')
        exists = re.search(rf'^(async )?def {re.escape(name)}\(', text, re.MULTILINE)
    elif holder.endswith('.js'):
        text = (source / 'tests/gjs' / holder).read_text(encoding='utf-8')
        exists = re.search(rf'^    (async )?{re.escape(name)}\(', text, re.MULTILINE)
    else:
        exists = name in list_paths(build / 'tests' / ('plugins' if holder.startswith('plugin-') else '') / holder)
    assert exists, f'there is no test {test}'


def get_language(test):
    holder = test.partition(':')[0]
    return {'.py': 'Python', '.js': 'JavaScript'}.get(pathlib.PurePath(holder).suffix, 'C')


def make_row(what, peer, ends, tests):
    languages = [language for language in ('C', 'Python', 'JavaScript') if language in map(get_language, tests)]
    names = ', '.join(f'`{test.partition(":")[2] if get_language(test) == "C" else test}`' for test in tests)
    return f'| {what}<br>{names} | {peer} | {", ".join(languages)} | {ends} |'


def make_table(source, build, programs):
    rows = []
    also = dict(elsewhere.ALSO)
    for program in programs:
        lines = subprocess.run([program, '--table'], capture_output=True, check=True, text=True).stdout.splitlines()
        paths = list_paths(program)
        for line in lines:
            path, what, peer, ends = line.strip('| ').split(' | ')
            path = path.strip('`')
            assert path in paths, path
            others = also.pop(path, [])
            for test in others:
                assert_exists(source, build, test)
            rows.append(make_row(what, peer, ends, [f'matrix:{path}', *others]))
        assert len(lines) == len(paths), f'{program} has cases without a row'
    assert not also, f'no case is called {", ".join(also)}'
    for what, peer, ends, tests in elsewhere.ROWS:
        for test in tests:
            assert_exists(source, build, test)
        rows.append(make_row(what, peer, ends, tests))
    return HEAD + f'{len(rows)} cases.\n\n' + COLUMNS + '\n'.join(rows) + '\n'


def main(check, source, build, *programs):
    path = pathlib.Path(source) / 'tests/README.md'
    made = make_table(pathlib.Path(source), pathlib.Path(build), sorted(programs))
    if not check:
        path.write_text(made, encoding='utf-8')
        return 0
    is_same = path.exists() and path.read_text(encoding='utf-8') == made
    print('1..1')
    print(f'{"ok" if is_same else "not ok"} 1 - README is of these tests')
    if not is_same:
        old = path.read_text(encoding='utf-8').splitlines() if path.exists() else []
        print('\n'.join(list(difflib.unified_diff(old, made.splitlines(), 'README.md', 'made', lineterm='', n=0))[:40]), file=sys.stderr)
        print('“ninja -C build matrix-table” writes it anew', file=sys.stderr)
    return 0 if is_same else 1


arguments = [argument for argument in sys.argv[1:] if argument != '--check']
sys.exit(main('--check' in sys.argv, *arguments))
