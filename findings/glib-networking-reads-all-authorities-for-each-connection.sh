#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# glib-networking: every new TLS client connection reads and parses all authorities of the system, whatever database it is
# given later.
#
# Seen with: glib-networking 2.74.0 (Debian 2.74.0-4, GnuTLS), PyGObject 3.42.2.
#
# What one would think: the default database is one object, which is read once. A connection that has a database of its own
# before its handshake has nothing to do with the system's. Making the object costs nothing; the handshake, which runs in a
# thread, is what takes time.
#
# What comes: g_tls_client_connection_new () reads the system's file of authorities, each time, and parses it, in the thread
# that calls: about 15 ms of CPU. g_tls_connection_set_database () with a file of one certificate does not take that back.
# Only a connection that is constructed with the property "database" set (g_initable_new () of the backend's type) reads no
# more than that. GSocketClient makes its connections in the first way, in the main loop: 30 at once stall it for half a
# second.
#
# Output seen, twice (bytes that the process has read, by the size of the file; CPU time differs by machine):
#   10 connections by g_tls_client_connection_new ()          read the file of authorities 10.0 times, 12.8 ms of CPU each
#   10 connections with a database of their own set behind    read the file of authorities 10.1 times, 12.8 ms of CPU each
#   10 connections constructed with a database of their own   read the file of authorities  0.1 times, 0.2 ms of CPU each
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update), python3-gi, ca-certificates. Takes 5 s.

set -euo pipefail

package=glib-networking=2.74.0-4

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "$package" >/dev/null
dpkg-deb -x ./*.deb root
export GIO_MODULE_DIR=$tmp/root/usr/lib/x86_64-linux-gnu/gio/modules

/usr/bin/python3 - <<'END'
import os
import socket
import sys
import time

import gi
gi.require_version('Gio', '2.0')
from gi.repository import Gio, GObject

N = 10
AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'
size = os.path.getsize(AUTHORITIES)

# One certificate of the system's, as a database of the program's own.
with open(AUTHORITIES) as file:
    one = file.read().split('-----END CERTIFICATE-----')[0] + '-----END CERTIFICATE-----\n'
with open('one.pem', 'w') as file:
    file.write(one)
own = Gio.TlsFileDatabase.new(os.path.abspath('one.pem'))
backend = Gio.TlsBackend.get_default()
identity = Gio.NetworkAddress.new('localhost', 6379)
kept = []


def bytes_read():
    """By this process, from any file."""
    with open('/proc/self/io') as file:
        return int(file.readline().split()[1])


def make_base():
    pair = socket.socketpair()
    kept.append(pair)
    return Gio.SimpleIOStream.new(Gio.UnixInputStream.new(pair[0].fileno(), False),
                                  Gio.UnixOutputStream.new(pair[0].fileno(), False))


def by_new():
    return Gio.TlsClientConnection.new(make_base(), identity)


def by_new_and_set():
    connection = Gio.TlsClientConnection.new(make_base(), identity)
    connection.set_database(own)
    return connection


def constructed():
    connection = GObject.new(backend.get_client_connection_type(), base_io_stream=make_base(), server_identity=identity,
                             database=own)
    connection.init(None)
    return connection


# The default database itself is read with the first.
kept.append(by_new())
print('backend:', type(backend).__name__)
seen = []
for title, make in (('by g_tls_client_connection_new ()', by_new),
                    ('with a database of their own set behind', by_new_and_set),
                    ('constructed with a database of their own', constructed)):
    before, cpu = bytes_read(), time.process_time()
    kept.extend(make() for _ in range(N))
    times = (bytes_read() - before) / size
    seen.append(round(times))
    print(f'  {N} connections {title:42} read the file of authorities {times:4.1f} times, '
          f'{1000 * (time.process_time() - cpu) / N:.1f} ms of CPU each')

sys.exit(0 if seen == [N, N, 0] else 'CHANGED: this is no longer what happens')
END
