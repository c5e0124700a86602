#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs after an installation. Lets the dynamic linker know of the library, and says in one line what has to be set
# where something was installed that nobody would look for there.

import argparse
import os
import shlex
import shutil
import subprocess
import sys


def run(*command):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
    except OSError:
        return ''


def is_searched(directory, path):
    """Whether a directory is in a path as of an environment variable."""
    return os.path.realpath(directory) in [os.path.realpath(entry) for entry in path.split(':') if entry]


def find_library(directory, name):
    """Whether the dynamic linker finds the library in the directory, and whether ldconfig makes it."""
    if is_searched(directory, os.environ.get('LD_LIBRARY_PATH', '')):
        return True, True
    # Users often have no directory of root's programs in their PATH.
    ldconfig = shutil.which('ldconfig', path=os.environ.get('PATH', os.defpath) + ':/sbin:/usr/sbin')
    if not ldconfig:
        found = directory in ('/lib', '/usr/lib', '/usr/local/lib')
        return found, found
    known = [line.split(':')[0] for line in run(ldconfig, '-v', '-N', '-X').splitlines() if line.startswith('/')]
    known = is_searched(directory, ':'.join(known))
    if known and os.geteuid() == 0:
        subprocess.run([ldconfig], stdin=subprocess.DEVNULL)
    # The first with the name is the one.
    for line in run(ldconfig, '-p').splitlines():
        words = line.split()
        if words and words[0] == name:
            return is_searched(directory, os.path.dirname(words[-1])), known
    return False, known


def say(text):
    """Meson 1.0 keeps what a script prints to itself: this goes to where Meson prints."""
    try:
        with open(f'/proc/{os.getppid()}/fd/1', 'a') as stream:
            stream.write(text)
    except OSError:
        print(text, end='')


def main():
    parser = argparse.ArgumentParser()
    # Not of an archive alone.
    parser.add_argument('--library', metavar='NAME')
    parser.add_argument('--libdir', required=True)
    parser.add_argument('--bindir', required=True)
    parser.add_argument('--datadir', required=True)
    parser.add_argument('--pkg-config', default='pkg-config')
    # Without introspection there are none of these. The first is where libgirepository looks.
    parser.add_argument('--typelibdir')
    parser.add_argument('--python', nargs=2, metavar=('PROGRAM', 'DIRECTORY'))
    arguments = parser.parse_args()

    # A package that is being made.
    if os.environ.get('DESTDIR'):
        return

    settings = []

    def prepend(variable, directory, default=''):
        # An empty entry would be the current directory.
        if default:
            rest = ':${%s:-%s}' % (variable, default)
        else:
            rest = '${%s:+:$%s}' % (variable, variable)
        settings.append(f'{variable}={shlex.quote(directory)}"{rest}"')

    found, known = find_library(arguments.libdir, arguments.library) if arguments.library else (True, True)
    if not found and not known:
        prepend('LD_LIBRARY_PATH', arguments.libdir)
    if not is_searched(arguments.bindir, os.environ.get('PATH', os.defpath)):
        prepend('PATH', arguments.bindir)
    directory = os.path.join(arguments.libdir, 'pkgconfig')
    if not is_searched(directory, os.environ.get('PKG_CONFIG_PATH', '') + ':' +
                       run(arguments.pkg_config, '--variable=pc_path', 'pkg-config').strip()):
        prepend('PKG_CONFIG_PATH', directory)
    if arguments.typelibdir:
        directory = os.path.join(arguments.libdir, 'girepository-1.0')
        if not is_searched(directory, os.environ.get('GI_TYPELIB_PATH', '') + ':' + arguments.typelibdir):
            prepend('GI_TYPELIB_PATH', directory)
        # Vala's bindings, the overrides of GJS.
        default = '/usr/local/share:/usr/share'
        if not is_searched(arguments.datadir, os.environ.get('XDG_DATA_DIRS') or default):
            prepend('XDG_DATA_DIRS', arguments.datadir, default)
    if arguments.python:
        program, directory = arguments.python
        if not is_searched(directory, ':'.join(run(program, '-c', 'import sys; print("\\n".join(sys.path[1:]))').split('\n'))):
            prepend('PYTHONPATH', directory)

    if not found and known:
        say('\nFor the dynamic linker to find the library, as root:\nldconfig\n')
    if settings:
        say('\nNot everything is looked for in this prefix. Set, in a shell or in ~/.profile:\n'
            'export ' + ' '.join(settings) + '\n')


if __name__ == '__main__':
    sys.exit(main())
