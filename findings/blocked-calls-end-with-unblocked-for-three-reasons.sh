#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis, Valkey: UNBLOCKED, with which a call that blocks may end, is three errors in one word, and only one of them says that
# the server is no master any more.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3).
#
# What one would think: an error says by its first word what a client has to do, as READONLY, MOVED and LOADING do. So
# -UNBLOCKED is that of a failover: look for the new master, the connection is about to be closed. And XREADGROUP whose
# stream or group goes away ends with NOGROUP.
#
# What comes:
#   - A server that becomes a replica says -UNBLOCKED force unblock ..., and closes the connection. CLIENT UNBLOCK of
#     another client says -UNBLOCKED too, and the connection stays, as does its server.
#   - Redis 7.0 says -UNBLOCKED the stream key no longer exists to XREADGROUP whose stream was deleted or replaced by another
#     type; the connection stays. Redis 8.0 and Valkey 8.1 say NOGROUP and WRONGTYPE.
#   - Without ERROR, CLIENT UNBLOCK makes BLPOP nil, as its timeout would: nobody can tell the one from the other.
#
# Output seen, twice:
#   redis-7.0  BLPOP, CLIENT UNBLOCK ERROR    -UNBLOCKED client unblocked via CLIENT UNBLOCK   connection stays
#   redis-7.0  BLPOP, CLIENT UNBLOCK          (nil)                                            connection stays
#   redis-7.0  BLPOP, REPLICAOF               -UNBLOCKED force unblock from ...                connection is closed
#   redis-7.0  XREADGROUP, DEL of the stream  -UNBLOCKED the stream key no longer exists       connection stays
#   redis-7.0  XREADGROUP, SET in its place   -UNBLOCKED the stream key no longer exists       connection stays
#   redis-7.0  XREADGROUP, XGROUP DESTROY     -NOGROUP the consumer group this client was ...  connection stays
#   redis-8.0  XREADGROUP, DEL of the stream  -NOGROUP No such key 'stream' or consumer ...    connection stays
#   redis-8.0  XREADGROUP, SET in its place   -WRONGTYPE Operation against a key holding ...   connection stays
#   redis-8.0  XREADGROUP, XGROUP DESTROY     -NOGROUP No such key 'stream' or consumer ...    connection stays
#   (BLPOP of redis-8.0 as of 7.0; valkey-8.1 as redis-8.0)
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
import socket
import sys
import time


class Connection:
    def __init__(self, server):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(server)
        self.file = self.socket.makefile('rb')

    def send(self, *words):
        self.socket.sendall(b'*%d\r\n' % len(words)
                            + b''.join(b'$%d\r\n%s\r\n' % (len(word), word.encode()) for word in words))

    def ask(self, *words):
        self.send(*words)
        return self.read()

    def read(self):
        """The reply in RESP2 as it came, elements in brackets; '' at the end of the connection."""
        line = self.file.readline().decode().rstrip()
        if not line or line in ('$-1', '*-1'):
            return '(nil)' if line else ''
        if line[0] == '$':
            return self.file.read(int(line[1:]) + 2).decode().rstrip()
        if line[0] == '*':
            return f'[{", ".join(self.read() for _ in range(int(line[1:])))}]'
        return line


LIST = ('BLPOP', 'list', '0')
GROUP = ('XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', '0', 'STREAMS', 'stream', '>')


def measure(server, blocked, *end):
    """What a call that blocks ends with, and whether the connection is there afterwards."""
    admin, waiting = Connection(server), Connection(server)
    admin.ask('DEL', 'list', 'stream')
    admin.ask('XGROUP', 'CREATE', 'stream', 'g', '$', 'MKSTREAM')
    number = waiting.ask('CLIENT', 'ID')[1:]
    waiting.send(*blocked)
    while 'blocked_clients:1' not in admin.ask('INFO', 'clients'):
        time.sleep(0.01)
    admin.ask(*(number if word == 'ID' else word for word in end))
    said = waiting.read()
    try:
        lives = waiting.ask('PING') == '+PONG'
    except OSError:
        lives = False
    admin.ask('REPLICAOF', 'NO', 'ONE')
    return said, 'stays' if lives else 'is closed'


outputs = {}
for server in sys.argv[1:]:
    outputs[server] = [(title, *measure(server, blocked, *end)) for title, blocked, end in (
        ('BLPOP, CLIENT UNBLOCK ERROR', LIST, ('CLIENT', 'UNBLOCK', 'ID', 'ERROR')),
        ('BLPOP, CLIENT UNBLOCK', LIST, ('CLIENT', 'UNBLOCK', 'ID')),
        ('BLPOP, REPLICAOF', LIST, ('REPLICAOF', '127.0.0.1', '1')),
        ('XREADGROUP, DEL of the stream', GROUP, ('DEL', 'stream')),
        ('XREADGROUP, SET in its place', GROUP, ('SET', 'stream', '1')),
        ('XREADGROUP, XGROUP DESTROY', GROUP, ('XGROUP', 'DESTROY', 'stream', 'g')),
    )]
    for line in outputs[server]:
        print(f'  {server:11}{line[0]:31}{line[1][:46]:49}connection {line[2]}')
UNBLOCKED = '-UNBLOCKED '
blpop = [(UNBLOCKED + 'client unblocked via CLIENT UNBLOCK', 'stays'), ('(nil)', 'stays'),
         (UNBLOCKED + 'force unblock from blocking operation, instance state changed (master -> replica?)', 'is closed')]
gone = (UNBLOCKED + 'the stream key no longer exists', 'stays')
no_group = ("-NOGROUP No such key 'stream' or consumer group 'g' in XREADGROUP with GROUP option", 'stays')
newer = [*blpop, no_group, ('-WRONGTYPE Operation against a key holding the wrong kind of value', 'stays'), no_group]
seen = {'redis-7.0': [*blpop, gone, gone,
                      ('-NOGROUP the consumer group this client was blocked on no longer exists', 'stays')],
        'redis-8.0': newer, 'valkey-8.1': newer}
as_seen = {server: [tuple(line[1:]) for line in lines] for server, lines in outputs.items()} == seen
print('as seen:', as_seen)
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END
