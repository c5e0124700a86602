#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# MONITOR: the connection is a replica to the server, which refuses all that needs keys; the lines are simple strings in RESP3,
# too, and one's own commands are among them, behind their replies.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3).
#
# What one would think: a connection that monitors takes commands as before, or refuses all with an error that says so, as one
# that subscribes with RESP2 does. In RESP3 what a server sends unasked is a push, so that it is not taken for a reply.
#
# What comes: GET is answered by an error about replicas, in a server that has none; PING, SUBSCRIBE and even MULTI and EXEC
# are carried out. The lines are simple strings, as +PONG is: a client that has sent a command can tell a line from its reply
# only by how it looks. A command that was refused is in no line. RESET ends it.
#
# Output seen, twice, of all three and with HELLO 2 and HELLO 3:
#   MONITOR        +OK
#   (SET, another) +TIME "SET" "k" "v"
#   GET k          -ERR Replica can't interact with the keyspace
#   PING           +PONG +TIME "PING"
#   MULTI          +OK +TIME "MULTI"
#   GET k          -ERR Replica can't interact with the keyspace
#   EXEC           -EXECABORT Transaction discarded because of previous errors. +TIME "EXEC"
#   RESET          +RESET
#   GET k          v
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

SEEN = """MONITOR        +OK
(SET, another) +TIME "SET" "k" "v"
GET k          -ERR Replica can't interact with the keyspace
PING           +PONG +TIME "PING"
MULTI          +OK +TIME "MULTI"
GET k          -ERR Replica can't interact with the keyspace
EXEC           -EXECABORT Transaction discarded because of previous errors. +TIME "EXEC"
RESET          +RESET
GET k          v
""".splitlines()


class Connection:
    def __init__(self, server):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(server)
        self.stream = self.socket.makefile('rb')

    def read(self):
        """One reply: a map's pairs are read, too, and a string's length is left out."""
        line = self.stream.readline().decode().rstrip('\r\n')
        if line[0] in '*%':
            return [self.read() for _ in range(int(line[1:]) * (2 if line[0] == '%' else 1))]
        if line[0] == '$':
            return self.stream.read(int(line[1:]) + 2).decode()[:-2]
        return line

    def ask(self, line):
        self.socket.sendall(line.encode() + b'\r\n')
        return self.read()


def without_time(line):
    return re.sub(r'^\+\d+\.\d+ \[[^]]*\]', '+TIME', line)


def watch(server, protocol):
    monitor, other = Connection(server), Connection(server)
    monitor.ask(f'HELLO {protocol}')
    said = [f'{"MONITOR":14} {monitor.ask("MONITOR")}']
    other.ask('SET k v')
    said.append(f'{"(SET, another)":14} {without_time(monitor.read())}')
    for line in ('GET k', 'PING', 'MULTI', 'GET k', 'EXEC', 'RESET', 'GET k'):
        replies = [monitor.ask(line)]
        # It is seen by the one that monitors, too.
        if replies[0] in ('+PONG', '+OK') or line == 'EXEC':
            replies.append(without_time(monitor.read()))
        said.append(f'{line:14} {" ".join(replies)}')
    return said


as_seen = True
for server in sys.argv[1:]:
    for protocol in (2, 3):
        said = watch(server, protocol)
        print(f'{server}, HELLO {protocol}')
        print(''.join(f'  {line}\n' for line in said), end='')
        as_seen = as_seen and said == SEEN
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END
