# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests/run says at the end: the cases that were skipped or failed, with the reason, and in the last line how many.

Meson's JUnit log has an entry for each case of a TAP program, but knows nothing of one that crashed between two cases or
ran into its timeout: that is in the JSON log, where such a program counts as one failure more.
"""

import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

# Of the reason for each.
LINES = 6


def read_logs(log):
    """The programs, and the cases of those that have some."""
    if not log.exists():
        return [], {}
    programs = [json.loads(line) for line in log.read_text(errors='replace').splitlines()]
    # Meson copies what a test wrote as it is, with characters that XML does not allow.
    text = log.with_suffix('.junit.xml').read_text(errors='replace')
    text = re.sub('[\x00-\x08\x0b\x0c\x0e-\x1f]', '?', text)
    suites = {element.get('name').partition('.')[2]: element.findall('testcase')
              for element in ElementTree.fromstring(text.encode()).iter('testsuite')}
    return programs, suites


def get_name(case):
    """As the program has it: in Meson's log it comes after the number, and after what TAP has between them."""
    return re.sub('^[0-9]+ (- )?', '', case.get('name'))


def last_lines(text):
    lines = [re.sub('^# ?', '', line).rstrip() for line in text.splitlines()]
    return [line for line in lines if line][-LINES:]


def find_reason(program, case=None):
    """What a program says on a case that failed, or on its own end."""
    stdout, stderr = program.get('stdout') or '', program.get('stderr') or ''
    if case is not None:
        # In Python and JavaScript: a comment with the name of the case, and what came of it.
        name = re.escape(case.partition(' - ')[0])
        told = re.search(f'^# {name}\n((?:# .*\n?)+)', stderr, re.MULTILINE)
        if told:
            return last_lines(told[1])
        # In C: comments before the line, after the line of the case before.
        told = re.search(f'((?:^#.*\n)*)^not ok [0-9]+ (?:- )?{re.escape(case)}.*\n((?:#.*\n)*)', stdout, re.MULTILINE)
        if told:
            lines = (told[1] + told[2]).splitlines(keepends=True)
            lines = [line for line in lines if not re.match('# (Start|End) of |# slow ', line)]
            if lines:
                return last_lines(''.join(lines))
    bail = re.findall('^Bail out! (.*)', stdout, re.MULTILINE)
    return last_lines('\n'.join(bail)) or last_lines(stderr) or last_lines(stdout)


def main(status, log):
    programs, suites = read_logs(log)
    passed = 0
    skipped = []
    failed = []
    for program in programs:
        name, result = program['name'], program['result']
        n_failed = len(failed)
        cases = suites.get(name, [])
        for case in cases:
            title = f'{name}: {get_name(case)}'
            if case.find('failure') is not None or case.find('error') is not None:
                failed.append((title, find_reason(program, get_name(case))))
            elif case.find('skipped') is not None:
                skipped.append(title)
            else:
                passed += 1
        if result not in ('OK', 'EXPECTEDFAIL', 'SKIP'):
            plan = re.search('^1\\.\\.([0-9]+)', program.get('stdout') or '', re.MULTILINE)
            missing = int(plan[1]) - len(cases) if plan else 0
            if missing > 0:
                after = f' after {get_name(cases[-1]).partition(" - ")[0]}' if cases else ''
                failed.append((f'{name}: {result}{after}, {missing} did not run', find_reason(program)))
            elif len(failed) == n_failed:
                failed.append((f'{name}: {result}', find_reason(program)))
        elif name not in suites:
            if result == 'SKIP':
                skipped.append(name)
            else:
                passed += 1

    print()
    for title in skipped:
        print(f'!!! SKIPPED  {title}')
    for title, reason in failed:
        print(f'!!! FAILED   {title}')
        for line in reason:
            print(f'               {line[:400]}')
    if not programs:
        print('!!! NOTHING RAN')
    elif status != 0 and not failed:
        failed.append(('meson test', []))
        print(f'!!! FAILED   meson test itself, with status {status}')
    print(f'{passed} passed, {len(failed)} failed, {len(skipped)} skipped')
    return 1 if failed or passed == 0 else 0


if __name__ == '__main__':
    # In a POSIX locale as well.
    sys.stdout.reconfigure(errors='backslashreplace')
    sys.exit(main(int(sys.argv[1]), pathlib.Path(sys.argv[2])))
