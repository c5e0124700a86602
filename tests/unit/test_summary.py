# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is said at the end of tests/run, of programs that fail in each of the ways there are."""

import json
import pathlib
import subprocess
import sys
import tempfile

import cases

SUMMARY = pathlib.Path(sys.argv[1]) / 'tests' / 'summary.py'


def summarize(*programs):
    """Of programs with a name, a result, the cases by what comes after their number, and what they write to either."""
    with tempfile.TemporaryDirectory() as directory:
        log = pathlib.Path(directory) / 'testlog.json'
        suites = ''
        with log.open('w', encoding='utf-8') as stream:
            for name, result, cases, stdout, stderr in programs:
                stream.write(json.dumps({'name': name, 'result': result, 'stdout': stdout, 'stderr': stderr}) + '\n')
                entries = ''.join(f'<testcase name="{number} {case}">{inside}</testcase>'
                                  for number, (case, inside) in enumerate(cases.items(), 1))
                suites += f'<testsuite name="project.{name}">{entries}</testsuite>' if cases else ''
        log.with_suffix('.junit.xml').write_text(f'<testsuites>{suites}</testsuites>', encoding='utf-8')
        status = 1 if any(program[1] != 'OK' for program in programs) else 0
        done = subprocess.run([sys.executable, SUMMARY, str(status), log], capture_output=True, text=True,
                              env={'LC_ALL': 'C', 'PATH': '/usr/bin:/bin'})
        assert done.stderr == '', done.stderr
        return done.returncode, done.stdout.splitlines()


def test_all_passed():
    status, lines = summarize(('one', 'OK', {'/a': '', '/b': '<skipped/>'}, '', ''), ('two', 'OK', {}, '', ''))
    assert (status, lines) == (0, ['', '!!! SKIPPED  one: /b', '2 passed, 0 failed, 1 skipped']), lines


def test_case_of_c():
    stdout = '1..2\nok 1 /a\n# GLib-INFO: \u201cquoted\u201d\n# value 3 is not 4\nnot ok 2 /b\n'
    status, lines = summarize(('unit', 'FAIL', {'/a': '', '/b': '<failure/>'}, stdout, 'noise\n'))
    assert status == 1 and lines[1] == '!!! FAILED   unit: /b' and lines[3].strip() == 'value 3 is not 4', lines
    assert lines[-1] == '1 passed, 1 failed, 0 skipped', lines


def test_case_that_aborts():
    stdout = '1..3\nok 1 /a\nBail out! ERROR:test.c:7:test_b: assertion failed (x == 1): (2 == 1)\n'
    status, lines = summarize(('unit', 'ERROR', {'/a': ''}, stdout, '**\n'))
    assert lines[1] == '!!! FAILED   unit: ERROR after /a, 2 did not run', lines
    assert lines[2].strip() == 'ERROR:test.c:7:test_b: assertion failed (x == 1): (2 == 1)', lines
    assert status == 1


def test_case_of_python():
    name = 'test_b - AssertionError: 1 is not 2'
    stderr = '# test_b\n# Traceback (most recent call last):\n#   File "t.py", line 3\n# AssertionError: 1 is not 2\n'
    status, lines = summarize(('python', 'FAIL', {'- test_a': '', f'- {name}': '<failure/>'}, f'1..2\nok 1 - test_a\nnot ok 2 - {name}\n',
                               '# test_a\n# other\nnothing\n' + stderr))
    assert lines[1] == f'!!! FAILED   python: {name}', lines
    assert [line.strip() for line in lines[3:-1]] == ['File "t.py", line 3', 'AssertionError: 1 is not 2'], lines
    assert status == 1


def test_program_without_cases():
    status, lines = summarize(('docs', 'TIMEOUT', {}, '', 'first\n' + 'more\n' * 9 + 'it waits for the server\n'))
    assert lines[1] == '!!! FAILED   docs: TIMEOUT' and lines[-2].strip() == 'it waits for the server', lines
    assert 'first' not in ''.join(lines) and status == 1


cases.run(globals())
