# SPDX-License-Identifier: LGPL-2.1-or-later
#
# python-directory.py PREFIX DIRECTORY: of the directories of Python packages in the prefix, one in which this Python
# looks; if there is none, the one that meson would take. For prefixes other than Python's own that of meson is wrong on
# Debian, where it is /usr/local/lib/python3.X/dist-packages, and for a user's own packages.

import os
import site
import sys

prefix, directory = (os.path.normpath(path) for path in sys.argv[1:])
searched = [os.path.normpath(path) for path in site.getsitepackages() + [site.getusersitepackages()]]
if directory not in searched:
    for path in searched:
        if os.path.relpath(path, prefix).startswith('lib'):
            directory = path
            break
print(directory, end='')
