# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an installation says is to be set, and that it is enough when it is copied."""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

import cases

SCRIPT = pathlib.Path(sys.argv[1]) / 'build-aux' / 'installed.py'


def install(prefix, typelibdir='/usr/lib/girepository-1.0', **environment):
    """What is said, in a shell that has the output, as Meson has."""
    command = [sys.executable, SCRIPT, '--library', 'libtornadis-nowhere.so.0', '--libdir', f'{prefix}/lib',
               '--bindir', f'{prefix}/bin', '--datadir', f'{prefix}/share', '--typelibdir', typelibdir,
               '--python', sys.executable, f'{prefix}/python']
    done = subprocess.run(['/bin/sh', '-c', shlex.join(map(str, command)) + '; exit $?'], capture_output=True, text=True,
                          env={'PATH': '/usr/bin:/bin', **environment})
    assert (done.returncode, done.stderr) == (0, ''), done.stderr
    return done.stdout


def settings(said):
    return [line for line in said.splitlines() if line.startswith('export ')]


def paste(line, **environment):
    """The variables that the line leaves in a new shell."""
    done = subprocess.run(['/bin/sh', '-euc', line + '\nenv'], capture_output=True, text=True, check=True,
                          env={'PATH': '/usr/bin:/bin', **environment})
    return dict(entry.split('=', 1) for entry in done.stdout.splitlines())


def test_one_line_is_enough():
    with tempfile.TemporaryDirectory(suffix=" it's") as prefix:
        lines = settings(install(prefix))
        assert len(lines) == 1, lines
        variables = paste(lines[0])
        assert variables['LD_LIBRARY_PATH'] == f'{prefix}/lib', variables
        assert variables['GI_TYPELIB_PATH'] == f'{prefix}/lib/girepository-1.0', variables
        assert variables['PKG_CONFIG_PATH'] == f'{prefix}/lib/pkgconfig', variables
        assert variables['PYTHONPATH'] == f'{prefix}/python', variables
        assert variables['XDG_DATA_DIRS'] == f'{prefix}/share:/usr/local/share:/usr/share', variables
        assert variables['PATH'] == f'{prefix}/bin:/usr/bin:/bin', variables
        # Where it is set there is nothing to say.
        os.mkdir(f'{prefix}/python')
        assert install(prefix, **{name: variables[name] for name in variables if name.isupper() and name != 'PWD'}) == ''


def test_what_was_set_stays():
    with tempfile.TemporaryDirectory() as prefix:
        line, = settings(install(prefix))
        variables = paste(line, GI_TYPELIB_PATH='/a', XDG_DATA_DIRS='/b', PYTHONPATH='/c')
        assert variables['GI_TYPELIB_PATH'].endswith('/girepository-1.0:/a'), variables
        assert variables['XDG_DATA_DIRS'].endswith('/share:/b'), variables
        assert variables['PYTHONPATH'].endswith('/python:/c'), variables


def test_only_what_is_needed():
    with tempfile.TemporaryDirectory() as prefix:
        line, = settings(install(prefix, typelibdir=f'{prefix}/lib/girepository-1.0', XDG_DATA_DIRS=f'/x:{prefix}/share'))
        assert 'GI_TYPELIB_PATH' not in line and 'XDG_DATA_DIRS' not in line and 'PYTHONPATH' in line, line


def test_packages_are_made_in_silence():
    with tempfile.TemporaryDirectory() as prefix:
        assert install(prefix, DESTDIR='/somewhere') == ''


cases.run(globals())
