#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis, Valkey: SWAPDB is told to nobody who tracks keys, although to who watches them.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3).
#
# What one would think: CLIENT TRACKING tells of each key whose value a client may have that is another now. SWAPDB puts
# another database in the place of the one that was read: all that was read there is announced, as for FLUSHDB.
#
# What comes: nothing, with and without BCAST, and from one's own connection as from another. The next GET gives what the other
# database has. It is known to the server: WATCH fails for a key that was, or is, in either of them. FLUSHDB of any database is
# announced to all, also to those who have read only in others.
#
# Output seen, twice, on all three (k is 1 in database 0 and 2 in database 1; what comes before the answer to a PING):
#   GET k: 1
#   SWAPDB 0 1 by another: +PONG
#   GET k: 2
#   BCAST, SWAPDB 0 1 by another: +PONG
#   SWAPDB 0 1 by oneself: +OK +PONG
#   WATCH k, SWAPDB 0 1 by another, EXEC: _
#   FLUSHDB of database 5 by another: >2 invalidate _ +PONG
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update) and the keys of Debian 13 (debian-archive-keyring of
# 2025), python3. Takes 30 s.

set -euo pipefail

redis7=(redis-server=5:7.0.15-1~deb12u10 redis-tools=5:7.0.15-1~deb12u10
        libjemalloc2=5.3.0-1 liblzf1=3.6-3 libatomic1=12.2.0-14+deb12u1)
debian13=(redis-server=5:8.0.2-3+deb13u3 valkey-server=8.1.1+dfsg1-3+deb13u3)

tmp=$(mktemp -d)
servers=()
cleanup ()
{
  if [ ${#servers[@]} -gt 0 ]; then
    kill "${servers[@]}" 2>/dev/null || true
    wait "${servers[@]}" 2>/dev/null || true
  fi
  rm -rf "$tmp"
}
trap cleanup EXIT

cd "$tmp"
mkdir -p 12 lists cache
(cd 12 && apt-get -qq -o APT::Sandbox::User=root download "${redis7[@]}" >/dev/null)
for deb in 12/*.deb; do dpkg-deb -x "$deb" root; done

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
export APT_CONFIG=$tmp/apt.conf
apt-get -qq update
apt-get -qq -y --no-install-recommends --download-only install "${debian13[@]}" >/dev/null
for deb in cache/archives/*.deb; do dpkg-deb -x "$deb" root13; done
lib13=$tmp/root13/usr/lib/x86_64-linux-gnu

# start NAME PROGRAM...: the socket has the name.
start ()
{
  local name=$1
  shift
  "$@" --port 0 --unixsocket "$tmp/$name" --save '' --dir "$tmp" >"$name.log" 2>&1 &
  servers+=($!)
  for _ in $(seq 100); do [ -S "$name" ] && break; sleep 0.05; done
}
start redis-7.0 env LD_LIBRARY_PATH="$tmp/root/usr/lib/x86_64-linux-gnu" root/usr/bin/redis-server
start redis-8.0 "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" root13/usr/bin/redis-server
start valkey-8.1 "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" root13/usr/bin/valkey-server

python3 - redis-7.0 redis-8.0 valkey-8.1 <<'END'
import re
import socket
import sys


class Connection:
    def __init__(self, server, protocol=2):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(server)
        self.ask(f'HELLO {protocol}')

    def ask(self, *lines):
        """What comes for these lines, sent at once, and an ECHO behind them: lengths of strings left out."""
        self.socket.sendall(b''.join(line.encode() + b'\r\n' for line in (*lines, 'ECHO end')))
        data = b''
        while not data.endswith(b'\r\nend\r\n'):
            data += self.socket.recv(65536)
        return ' '.join(re.sub(r'[$]\d+\r\n', '', data.decode()).split('\r\n')[:-2])


def run(server):
    other, reader = Connection(server), Connection(server, 3)
    other.ask('FLUSHALL', 'SET k 1', 'SELECT 1', 'SET k 2')
    reader.ask('CLIENT TRACKING ON')
    yield 'GET k', reader.ask('GET k'), '1'
    other.ask('SWAPDB 0 1')
    yield 'SWAPDB 0 1 by another', reader.ask('PING'), '+PONG'
    yield 'GET k', reader.ask('GET k'), '2'

    reader.ask('CLIENT TRACKING OFF', 'CLIENT TRACKING ON BCAST')
    other.ask('SWAPDB 0 1')
    yield 'BCAST, SWAPDB 0 1 by another', reader.ask('PING'), '+PONG'
    yield 'SWAPDB 0 1 by oneself', reader.ask('SWAPDB 0 1', 'PING'), '+OK +PONG'

    reader.ask('WATCH k')
    other.ask('SWAPDB 0 1')
    yield 'WATCH k, SWAPDB 0 1 by another, EXEC', reader.ask('MULTI', 'PING', 'EXEC').replace('+OK +QUEUED ', ''), '_'
    other.ask('SELECT 5', 'FLUSHDB')
    yield 'FLUSHDB of database 5 by another', reader.ask('PING'), '>2 invalidate _ +PONG'


as_seen = True
for server in sys.argv[1:]:
    print(server)
    for name, came, seen in run(server):
        as_seen = as_seen and came == seen
        print(f'  {name}: {came}')
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END
