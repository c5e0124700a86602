# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual page."""

import os
import re
import shutil
import subprocess
import sys

from tap import equal, main
from tool import COMMANDS, SOURCE, options


def test_manual_warnings(server):
    """What groff and man have to say about the page: nothing."""
    page = f'{SOURCE}/tornadis.1'
    checks = [command for command in (['groff', '-man', '-ww', '-Tutf8', page], ['man', '--warnings', '-l', page])
              if shutil.which(command[0])]
    for command in checks:
        done = subprocess.run(command, capture_output=True, env={**os.environ, 'LC_ALL': 'C.UTF-8', 'MANPAGER': 'cat'},
                              check=True)
        equal(done.stderr, b'')
        # Bold letters may be overstruck.
        assert b'EXIT STATUS' in re.sub(b'.\x08', b'', done.stdout)


def test_manual_is_whole(server):
    """Every option and every subcommand is in the page, and no option that there is not."""
    with open(f'{SOURCE}/tornadis.1', encoding='utf-8') as file:
        page = file.read().replace('\\-', '-')
    known = {'--help', '--version'}.union(*(options(name) for name in COMMANDS))
    equal(sorted(known - set(re.findall('--[a-z][a-z0-9-]*', page))), [])
    equal(sorted(set(re.findall('--[a-z][a-z0-9-]*', page)) - known), [])
    for name in COMMANDS:
        assert f'.SH TORNADIS {name.upper()}' in page, name


if shutil.which('groff') or shutil.which('man'):
    main(sys.modules[__name__])
else:
    print('1..0 # SKIP neither groff nor man is installed')
