#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GIO: with http_proxy in the environment, GSocketClient sends TCP connections of every kind to that web proxy, those
# to 127.0.0.1, too; all_proxy, which is meant for that, has no effect.
#
# Seen with: GLib 2.74.6, glib-networking 2.74.0, libproxy 0.4.18 (Debian 2.74.6-2+deb12u9, 2.74.0-4, 0.4.18-1.2),
# PyGObject 3.42.2; GLib 2.84.4, glib-networking 2.80.1, libproxy 0.5.9 (2.84.4-3~deb13u5, 2.80.1-1, 0.5.9-1),
# PyGObject 3.50.0.
#
# What one would think: http_proxy is for http://, as with curl; a connection to an address and a port has no scheme,
# and what it is for is nobody's to guess. If anything catches all, it is all_proxy. One's own machine is never asked
# for by way of a proxy, a GInetSocketAddress, which is resolved already, neither.
#
# What comes: GSocketClient has proxies enabled and asks the resolver for none://HOST:PORT. libproxy, by
# glib-networking, takes http_proxy for every scheme (for https and ftp their own variable comes first), and does not
# know all_proxy. So a client of Redis says CONNECT 127.0.0.1:6379 to the web proxy.
# no_proxy is compared as text or as a network: "localhost" does not cover 127.0.0.1, nor 127.0.0.1 localhost, which the
# proxy then resolves on its machine. "*" is obeyed by libproxy 0.5, not by 0.4.
# Without glib-networking's modules, GLib connects to the server.
#
# Output seen, twice:
#   GLib 2.74, libproxy 0.4
#     nothing                          127.0.0.1              the server
#     http_proxy                       127.0.0.1              CONNECT 127.0.0.1:PORT
#     http_proxy                       localhost              CONNECT localhost:PORT
#     http_proxy                       a GInetSocketAddress   CONNECT 127.0.0.1:PORT
#     http_proxy                       redis://127.0.0.1      CONNECT 127.0.0.1:PORT
#     https_proxy                      127.0.0.1              the server
#     all_proxy                        127.0.0.1              the server
#     all_proxy                        redis://127.0.0.1      the server
#     http_proxy no_proxy=127.0.0.0/8  127.0.0.1              the server
#     http_proxy no_proxy=localhost    127.0.0.1              CONNECT 127.0.0.1:PORT
#     http_proxy no_proxy=127.0.0.1    localhost              CONNECT localhost:PORT
#     http_proxy no_proxy=*            127.0.0.1              CONNECT 127.0.0.1:PORT
#   GLib 2.84, libproxy 0.5
#     the same, but for the last: the server
#   without modules, GLib 2.74 and 2.84: the server in 24 of 24 cases
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update) and the keys of Debian 13 (debian-archive-keyring of
# 2025), python3-gi. Takes 40 s.

set -euo pipefail

debian12=(libglib2.0-0=2.74.6-2+deb12u9 glib-networking=2.74.0-4 libproxy1v5=0.4.18-1.2)
debian13=(libglib2.0-0t64=2.84.4-3~deb13u5 gir1.2-glib-2.0=2.84.4-3~deb13u5 glib-networking=2.80.1-1
          libproxy1v5=0.5.9-1 python3-gi=3.50.0-4+b1)

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

cat >whom.py <<'END'
import os
import select
import socket
import sys

CASES = (
    ('', '127.0.0.1', 'the server'),
    ('http_proxy', '127.0.0.1', 'CONNECT 127.0.0.1:PORT'),
    ('http_proxy', 'localhost', 'CONNECT localhost:PORT'),
    ('http_proxy', 'a GInetSocketAddress', 'CONNECT 127.0.0.1:PORT'),
    ('http_proxy', 'redis://127.0.0.1', 'CONNECT 127.0.0.1:PORT'),
    ('https_proxy', '127.0.0.1', 'the server'),
    ('all_proxy', '127.0.0.1', 'the server'),
    ('all_proxy', 'redis://127.0.0.1', 'the server'),
    ('http_proxy no_proxy=127.0.0.0/8', '127.0.0.1', 'the server'),
    ('http_proxy no_proxy=localhost', '127.0.0.1', 'CONNECT 127.0.0.1:PORT'),
    ('http_proxy no_proxy=127.0.0.1', 'localhost', 'CONNECT localhost:PORT'),
    ('http_proxy no_proxy=*', '127.0.0.1', 'CONNECT 127.0.0.1:PORT'))


# No proxy of this machine's, and no desktop whose settings count.
for name in list(os.environ):
    if name.lower().endswith('_proxy') or name in ('XDG_CURRENT_DESKTOP', 'GIO_USE_PROXY_RESOLVER'):
        del os.environ[name]


def connect(where, port):
    import gi
    gi.require_version('Gio', '2.0')
    from gi.repository import Gio
    client = Gio.SocketClient()
    if where == 'a GInetSocketAddress':
        client.connect(Gio.InetSocketAddress.new_from_string('127.0.0.1', port))
    elif '://' in where:
        client.connect_to_uri(f'{where}:{port}', port)
    else:
        client.connect_to_host(where, port)


def whom(environment, where):
    """Whom a GSocketClient connects to, in a child, which has an environment of its own."""
    server, proxy = (socket.create_server(('127.0.0.1', 0)) for _ in range(2))
    port = server.getsockname()[1]
    child = os.fork()
    if child == 0:
        try:
            for word in environment.split():
                name, is_set, value = word.partition('=')
                os.environ[name] = value if is_set else f'http://127.0.0.1:{proxy.getsockname()[1]}'
            connect(where, port)
        finally:
            os._exit(0)
    came = 'nobody'
    for ready in select.select([server, proxy], [], [], 30)[0]:
        stream = ready.accept()[0]
        came = 'the server'
        if ready is proxy:
            came = stream.recv(1000).decode().split(' HTTP/')[0].replace(str(port), 'PORT')
            stream.sendall(b'HTTP/1.0 200 Connected\r\n\r\n')
    os.waitpid(child, 0)
    return came


as_seen = True
for environment, where, seen in CASES:
    if sys.argv[1] == 'bare' or sys.argv[1] == '2.84' and environment.endswith('*'):
        seen = 'the server'
    came = whom(environment, where)
    as_seen = as_seen and came == seen
    print(f'  {environment or "nothing":32} {where:22} {came}')
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END

lib12=$tmp/root12/usr/lib/x86_64-linux-gnu
run_12 ()
{
  LD_LIBRARY_PATH=$lib12 GIO_MODULE_DIR=$1 /usr/bin/python3 whom.py "$2"
}
lib13=$tmp/root13/usr/lib/x86_64-linux-gnu
run_13 ()
{
  GIO_MODULE_DIR=$1 GI_TYPELIB_PATH=$lib13/girepository-1.0 PYTHONHOME=$tmp/root13/usr \
    PYTHONPATH=$tmp/root13/usr/lib/python3/dist-packages \
    "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13:$lib13/libproxy" root13/usr/bin/python3.13 whom.py "$2"
}

echo 'GLib 2.74, libproxy 0.4'
run_12 "$lib12/gio/modules" 2.74
echo 'GLib 2.84, libproxy 0.5'
run_13 "$lib13/gio/modules" 2.84
run_12 "$tmp/none" bare >bare.txt
run_13 "$tmp/none" bare >>bare.txt
echo "without modules, GLib 2.74 and 2.84: the server in $(grep -c 'the server$' bare.txt) of $(wc -l <bare.txt) cases"
