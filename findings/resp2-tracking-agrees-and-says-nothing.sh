#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis, Valkey: CLIENT TRACKING in RESP2 answers OK without a REDIRECT, and then tells of nothing.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3).
#
# What one would think: RESP2 has no form for what the server would say by itself, so tracking needs REDIRECT there, to a
# connection that has subscribed to __redis__:invalidate, and is an error without.
#
# What comes: OK. CLIENT TRACKINGINFO says that it is on. A key that begins with the prefix changes, and
# nothing is sent. Redirected to itself, a connection that subscribes to the channel is told; and in RESP3 it is told without
# that. Which database the key is in does not matter: it is told of one in another, too.
#
# Output seen, twice, on all three (what comes for CLIENT TRACKING ON BCAST PREFIX k, and before the answer to the next
# command when somebody has set k1):
#   RESP2: +OK, then nothing
#   RESP2, REDIRECT to itself, subscribed: +OK, then *3 message __redis__:invalidate *1 k1
#   RESP3: +OK, then >2 invalidate *1 k1
#   RESP3, k1 in another database: >2 invalidate *1 k1
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
    def __init__(self, server):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(server)

    def ask(self, *lines):
        """What comes for these lines, and an ECHO behind them: lengths of strings left out."""
        self.socket.sendall(b''.join(line.encode() + b'\r\n' for line in (*lines, 'ECHO end')))
        data = b''
        while not data.endswith(b'\r\nend\r\n'):
            data += self.socket.recv(65536)
        return ' '.join(re.sub(r'\$\d+\r\n', '', data.decode()).split('\r\n')[:-2])


def run(server):
    other = Connection(server)
    silent, own, told = Connection(server), Connection(server), Connection(server)
    told.ask('HELLO 3')
    number = own.ask('CLIENT ID').removeprefix(':')
    yield 'RESP2', silent.ask('CLIENT TRACKING ON BCAST PREFIX k'), '+OK'
    yield 'RESP2, REDIRECT', own.ask(f'CLIENT TRACKING ON REDIRECT {number} BCAST PREFIX k'), '+OK'
    yield 'RESP3', told.ask('CLIENT TRACKING ON BCAST PREFIX k'), '+OK'
    yield 'RESP2, TRACKINGINFO', 'on' if ' on ' in f' {silent.ask("CLIENT TRACKINGINFO")} ' else 'off', 'on'
    # Of RESP2, who has subscribed may not echo.
    own.socket.sendall(b'SUBSCRIBE __redis__:invalidate\r\n')
    own.socket.recv(65536)
    other.ask('SET k1 v')
    yield 'RESP2, k1 is set', silent.ask(), ''
    data = b''
    while b'k1\r\n' not in data:
        data += own.socket.recv(65536)
    words = ' '.join(re.sub(r'\$\d+\r\n', '', data.decode()).split('\r\n')[:-1])
    yield 'RESP2, REDIRECT, k1 is set', words, '*3 message __redis__:invalidate *1 k1'
    yield 'RESP3, k1 is set', told.ask(), '>2 invalidate *1 k1'
    other.ask('SELECT 3', 'SET k1 v')
    yield 'RESP3, k1 is set in another database', told.ask(), '>2 invalidate *1 k1'


as_seen = True
for server in sys.argv[1:]:
    print(server)
    for name, came, seen in run(server):
        as_seen = as_seen and came == seen
        print(f'  {name}: {came}')
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END
