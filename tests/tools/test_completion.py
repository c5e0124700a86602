# SPDX-License-Identifier: LGPL-2.1-or-later
"""The completion for bash."""

import sys

from tap import equal, main
from tool import COMMANDS, SOURCE, good, options, run, shell


def complete(*words):
    """What bash would offer for the last word."""
    line = ' '.join(f"'{word}'" for word in ('tornadis', *words))
    script = (f'source {SOURCE}/tornadis.bash; complete -p tornadis >/dev/null || exit 9; '
              f'COMP_WORDS=({line}); COMP_CWORD={len(words)}; _tornadis tornadis; '
              'for word in "${COMPREPLY[@]}"; do echo "$word"; done')
    return good(shell(None, script)).decode().split('\n')[:-1]


def test_completion_of_commands(server):
    equal(complete(''), COMMANDS + ['help'])
    equal(complete('p'), ['pipe', 'plugins'])
    equal(complete('--v'), ['--version'])
    equal(complete('x'), [])
    equal(complete('help', 'b'), ['bench'])


def test_completion_of_options(server):
    for name in COMMANDS:
        equal(complete(name, '--'), options(name))
    equal(complete('call', '--resp'), ['--resp2', '--resp3'])
    # Options may stand before the subcommand, too.
    equal(complete('--'), options() + ['--version'])
    equal(complete('-h', 'localhost', 'pi'), ['pipe'])
    equal(complete('-h', 'localhost', 'pipe', '--qui'), ['--quiet'])
    equal(complete('bench', '--clients', '5', '--cli'), ['--clients'])
    equal(complete('call', 'GE'), [])


def test_completion_of_plugins(server):
    names = good(run(None, 'plugins', '--names')).decode().split()
    matching = [name for name in names if name.startswith('lo')]
    assert 'log' in matching, names
    equal(complete('call', '--plugin', ''), names)
    equal(complete('call', '--plugin', 'lo'), matching)
    # As bash splits --plugin=lo.
    equal(complete('call', '--plugin', '=', 'lo'), matching)
    equal(complete('call', '--plugin', '='), names)


def test_completion_of_files(server):
    for option in '-s', '--socket', '--cacert', '--cert', '--key':
        equal(complete('bench', option, f'{SOURCE}/tornadis.ba'), [f'{SOURCE}/tornadis.bash'])


main(sys.modules[__name__])
