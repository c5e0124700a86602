#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# PyGObject: GLib.Error.matches() takes anything for a domain, and is False for the error's own.
#
# Seen with: PyGObject 3.42.2 (Debian 3.42.2-3+b1), Python 3.11.2, GJS 1.74.2 (1.74.2-1+deb12u1), GLib 2.74.6.
#
# What one would think: error.domain and error.code are what error.matches() asks for, so an error matches its own. The
# class of the enumeration does too, as in JavaScript, or it is a TypeError.
#
# What comes: error.domain is a string, and matches() compares what it is given with the number of the quark. So it is False
# for the error's own domain, for the class of the enumeration and for None, without a word. Only the number is right, as of
# Gio.io_error_quark(). JavaScript takes the class and the number. A handler that is tested in one language alone is never
# reached in the other.
#
# Output seen, twice:
#   Python: domain is a str
#   Python: matches(error.domain, error.code)      False
#   Python: matches(Gio.IOErrorEnum, error.code)   False
#   Python: matches(None, error.code)              False
#   Python: matches(Gio.io_error_quark(), …)       True
#   JavaScript: matches(error.domain, error.code)  true
#   JavaScript: matches(Gio.IOErrorEnum, …)        true
#
# Needs: Debian 12 on amd64 with Python 3.11 and apt's lists (apt-get update). Takes 5 s.

set -euo pipefail

packages=(python3-gi=3.42.2-3+b1 libgirepository-1.0-1=1.74.0-3 gir1.2-glib-2.0=1.74.0-3
  gjs=1.74.2-1+deb12u1 libgjs0g=1.74.2-1+deb12u1 libmozjs-102-0=102.15.1-1~deb12u1)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null
for deb in ./*.deb; do dpkg-deb -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$lib GI_TYPELIB_PATH=$lib/girepository-1.0

cat >error.py <<'END'
import gi
from gi.repository import Gio, GLib

assert gi.__version__ == '3.42.2', gi.__version__
try:
    Gio.File.new_for_path('/nonexistent').load_contents(None)
except GLib.Error as error:
    print(f'Python: domain is a {type(error.domain).__name__}')
    for title, domain in (('error.domain, error.code', error.domain), ('Gio.IOErrorEnum, error.code', Gio.IOErrorEnum),
                          ('None, error.code', None), ('Gio.io_error_quark(), …', Gio.io_error_quark())):
        print(f'Python: {f"matches({title})":38} {error.matches(domain, error.code)}')
END

cat >error.js <<'END'
const {Gio} = imports.gi;

try {
    Gio.File.new_for_path('/nonexistent').load_contents(null);
} catch (error) {
    for (const [title, domain] of [['error.domain, error.code', error.domain], ['Gio.IOErrorEnum, …', Gio.IOErrorEnum]])
        print(`JavaScript: ${`matches(${title})`.padEnd(34)} ${error.matches(domain, error.code)}`);
}
END

cat >seen <<'END'
Python: domain is a str
Python: matches(error.domain, error.code)      False
Python: matches(Gio.IOErrorEnum, error.code)   False
Python: matches(None, error.code)              False
Python: matches(Gio.io_error_quark(), …)       True
JavaScript: matches(error.domain, error.code)  true
JavaScript: matches(Gio.IOErrorEnum, …)        true
END
{
  PYTHONPATH=$tmp/root/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1 PYTHONNOUSERSITE=1 PYTHONIOENCODING=utf-8 \
    python3.11 error.py
  root/usr/bin/gjs-console error.js
} | tee now
if ! diff seen now; then
  echo 'CHANGED: this is no longer what happens' >&2
  exit 1
fi
