#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GJS: a method of an interface is nearer to a class than the same of its parent class, also one that was replaced there.
#
# Seen with: GJS 1.74.2 (Debian 1.74.2-1+deb12u1), GLib 2.74.6.
#
# What one would think: a method that a program, or an override of a library, replaces in the prototype of a class is what
# instances of its subclasses have, since those inherit it: Gio.InetSocketAddress from Gio.SocketAddress.
#
# What comes: so it is with a method of the class. But a method of an interface that the parent implements is looked for
# with each introspected class anew, which then has it itself: what was replaced in the parent is passed by. A class that is
# derived in JavaScript from the parent has the replaced one. So a wrapper around a method is in force, or not, by where the
# method happens to be declared.
#
# Output seen, twice:
#   a method of the class: replaced
#   a method of the interface: 127.0.0.1:6379
#   the subclass has it of its own: true
#   of a class derived in JavaScript: replaced
#
# Needs: Debian 12 on amd64 and apt's lists (apt-get update). Takes 5 s.

set -euo pipefail

packages=(libgirepository-1.0-1=1.74.0-3 gir1.2-glib-2.0=1.74.0-3 gjs=1.74.2-1+deb12u1 libgjs0g=1.74.2-1+deb12u1
  libmozjs-102-0=102.15.1-1~deb12u1)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null
for deb in ./*.deb; do dpkg-deb -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$lib GI_TYPELIB_PATH=$lib/girepository-1.0

cat >hides.js <<'END'
const {Gio, GObject} = imports.gi;
const System = imports.system;

if (System.version !== 17402)
    throw new Error(`GJS ${System.version}`);
Gio.SocketAddress.prototype.get_family = () => 'replaced';
Gio.SocketAddress.prototype.to_string = () => 'replaced';
const address = Gio.InetSocketAddress.new_from_string('127.0.0.1', 6379);
print(`a method of the class: ${address.get_family()}`);
print(`a method of the interface: ${address.to_string()}`);
print(`the subclass has it of its own: ${Object.hasOwn(Gio.InetSocketAddress.prototype, 'to_string')}`);
const Derived = GObject.registerClass(class Derived extends Gio.SocketAddress {});
print(`of a class derived in JavaScript: ${Derived.prototype.to_string()}`);
END

cat >expected <<'END'
a method of the class: replaced
a method of the interface: 127.0.0.1:6379
the subclass has it of its own: true
of a class derived in JavaScript: replaced
END

root/usr/bin/gjs hides.js >got
diff expected got
cat got
