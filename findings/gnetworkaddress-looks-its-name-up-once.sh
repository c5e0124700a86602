#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GIO: a GNetworkAddress asks the resolver once in its life. Whoever keeps one to connect again never sees that the name
# has got another address, not even when nobody answers at the old one.
#
# Seen with: GLib 2.74.6 (Debian 2.74.6-2+deb12u9), PyGObject 3.42.2; GLib 2.84.4 (2.84.4-3~deb13u5), PyGObject 3.50.0.
#
# What one would think: a GSocketConnectable with a name is looked up for each connection, as g_socket_client_connect_to_host ()
# does, or for as long as the resolver says that its answer is good; and in any case again when connecting has failed.
#
# What comes: the first enumeration keeps the addresses in the object; later ones, of any client, enumerate those. The signal
# reload of the resolver, emitted in between, changes nothing. g_socket_client_connect_to_host () is not concerned, because it
# makes a new object each time.
#
# Output seen, twice, with either version (the name has moved to another address after the first connection):
#   one GNetworkAddress       connected, refused, refused; the resolver was asked 1 time
#   after reload              refused; the resolver was asked 0 times more
#   by the host's name        connected, connected, connected; the resolver was asked 3 times
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update) and the keys of Debian 13 (debian-archive-keyring of
# 2025), python3-gi. Takes 20 s.

set -euo pipefail

debian12=(libglib2.0-0=2.74.6-2+deb12u9)
debian13=(libglib2.0-0t64=2.84.4-3~deb13u5 gir1.2-glib-2.0=2.84.4-3~deb13u5 python3-gi=3.50.0-4+b1)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd "$tmp"
mkdir -p 12 lists cache
(cd 12 && apt-get -qq -o APT::Sandbox::User=root download "${debian12[@]}" >/dev/null)
for deb in 12/*.deb; do dpkg-deb -x "$deb" root12; done

# Debian 13's, and what they need, from the mirror that apt has here; their own loader runs them.
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(ORIGIN)/$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "Debian/Debian" && !found++ { print $2 }')
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >sources.list
cat >apt.conf <<END
Dir::Etc::SourceList "$tmp/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$tmp/lists";
Dir::State::Status "/dev/null";
Dir::Cache "$tmp/cache";
APT::Sandbox::User "root";
Debug::NoLocking "true";
END
APT_CONFIG=$tmp/apt.conf apt-get -qq update
APT_CONFIG=$tmp/apt.conf apt-get -qq -y --no-install-recommends --download-only install "${debian13[@]}" >/dev/null
for deb in cache/archives/*.deb; do dpkg-deb -x "$deb" root13; done

cat >names.py <<'END'
import socket
import sys

import gi
gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib

NAME = 'server.example'


class Resolver(Gio.Resolver):
    """Has one name, which is where it is told to be."""
    address = None
    n_asked = 0

    def do_lookup_by_name(self, name, cancellable):
        assert name == NAME
        self.n_asked += 1
        return [Gio.InetAddress.new_from_string(self.address)]


resolver = Resolver()
Gio.Resolver.set_default(resolver)


def times(n):
    return f'{n} time{"s" * (n != 1)}'


def try_to(connect):
    client = Gio.SocketClient(enable_proxy=False)
    try:
        connect(client).close()
    except GLib.Error as error:
        assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CONNECTION_REFUSED), error
        return 'refused'
    return 'connected'


def follow(connect):
    """What comes of three connections, where the server moves after the first one."""
    resolver.address, resolver.n_asked = '127.0.0.1', 0
    came = []
    with socket.create_server(('127.0.0.1', 0)) as server:
        port = server.getsockname()[1]
        came.append(try_to(connect(port)))
    resolver.address = '127.0.0.2'
    moved = socket.create_server(('127.0.0.2', port))
    came += [try_to(connect(port)) for _ in range(2)]
    return f'{", ".join(came)}; the resolver was asked {times(resolver.n_asked)}', moved, port


kept = {}


def by_object(port):
    address = kept.setdefault(port, Gio.NetworkAddress.new(NAME, port))
    return lambda client: client.connect(address)


def by_name(port):
    return lambda client: client.connect_to_host(NAME, port)


lines = []
came, moved, port = follow(by_object)
lines.append(f'one GNetworkAddress       {came}')
before = resolver.n_asked
resolver.emit('reload')
came = try_to(by_object(port))
lines.append(f'after reload              {came}; the resolver was asked {times(resolver.n_asked - before)} more')
moved.close()
came, moved, port = follow(by_name)
lines.append(f'by the host\'s name        {came}')
moved.close()

print('\n'.join('  ' + line for line in lines))
sys.exit(0 if lines == [
    'one GNetworkAddress       connected, refused, refused; the resolver was asked 1 time',
    'after reload              refused; the resolver was asked 0 times more',
    'by the host\'s name        connected, connected, connected; the resolver was asked 3 times',
] else 'CHANGED: this is no longer what happens')
END

echo 'GLib 2.74'
LD_LIBRARY_PATH=$tmp/root12/usr/lib/x86_64-linux-gnu /usr/bin/python3 names.py
lib13=$tmp/root13/usr/lib/x86_64-linux-gnu
echo 'GLib 2.84'
GI_TYPELIB_PATH=$lib13/girepository-1.0 PYTHONHOME=$tmp/root13/usr PYTHONPATH=$tmp/root13/usr/lib/python3/dist-packages \
  "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" root13/usr/bin/python3.13 names.py
