#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GJS: no class can implement a virtual function that is given a callback, and so none of the pairs _async and _finish.
#
# Seen with: GJS 1.74.2 (Debian 1.74.2-1+deb12u1), PyGObject 3.42.2 (3.42.2-3+b1), GLib 2.74.6.
#
# What one would think: what a language can call it can implement, too. What has the usual pair of an asynchronous operation,
# a class such as Gio.SocketAddressEnumerator, has its virtual functions vfunc_next_async and vfunc_next_finish.
#
# What comes: the class is refused when it is registered. PyGObject implements it, and hands the callback over to be called.
# An interface that all languages are to implement has no callback in its virtual functions: it gives them an object that is
# answered later.
#
# Output seen, twice:
#   JavaScript, vfunc_next_async: refused, VFunc next_async accepts another callback as a parameter. This is not supported
#   JavaScript, vfunc_next_finish: taken
#   Python, do_next_async: taken, given a callable
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

cat >implements.js <<'END'
const {Gio, GObject} = imports.gi;
const System = imports.system;

if (System.version !== 17402)
    throw new Error(`GJS ${System.version}`);
for (const name of ['next_async', 'next_finish']) {
    try {
        GObject.registerClass({GTypeName: name}, {
            next_async: class extends Gio.SocketAddressEnumerator {
                vfunc_next_async() {}
            },
            next_finish: class extends Gio.SocketAddressEnumerator {
                vfunc_next_finish() {
                    return null;
                }
            },
        }[name]);
        print(`JavaScript, vfunc_${name}: taken`);
    } catch (error) {
        print(`JavaScript, vfunc_${name}: refused, ${error.message}`);
    }
}
END

cat >implements.py <<'END'
import gi
from gi.repository import Gio

assert gi.__version__ == '3.42.2', gi.__version__


class Implements(Gio.SocketAddressEnumerator):
    def do_next_async(self, cancellable, callback, *data):
        print(f'Python, do_next_async: taken, given a {"callable" if callable(callback) else type(callback).__name__}')


Implements().next_async(None, lambda *_: None)
END

{
  root/usr/bin/gjs-console implements.js
  PYTHONPATH=$tmp/root/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1 PYTHONNOUSERSITE=1 python3.11 implements.py
} | tee now

cat >seen <<'END'
JavaScript, vfunc_next_async: refused, VFunc next_async accepts another callback as a parameter. This is not supported
JavaScript, vfunc_next_finish: taken
Python, do_next_async: taken, given a callable
END
if ! diff seen now; then
  echo 'CHANGED: this is no longer what happens' >&2
  exit 1
fi
