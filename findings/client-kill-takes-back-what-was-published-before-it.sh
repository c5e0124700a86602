#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis, Valkey: who ends a client in the same pipeline takes back what the server has just sent to it: a message that
# PUBLISH has counted, an element that BLPOP has taken from the list.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3).
#
# What one would think: commands have their effects in their order. PUBLISH answers how many have got the message; a
# CLIENT KILL behind it comes too late for that.
#
# What comes: PUBLISH puts the message into the memory of the subscriber's connection. It is written when all that was
# read of the pipeline has been executed, and CLIENT KILL, ACL DELUSER of its user and ACL SETUSER that takes its
# channel away end the connection with what is not written; PUBLISH has answered 1. It is the same in MULTI, and for
# PUBLISH in a script. If the reply of PUBLISH is read before CLIENT KILL is sent, the message arrives.
# The element of a list that RPUSH gives to a waiting BLPOP is lost in the same way: it is in no list and at no client.
# In MULTI it is not: clients that wait are served after EXEC, and the element stays in the list.
#
# Output seen, twice, of all three (what the client still gets, and the length of the list after it):
#   PUBLISH, CLIENT KILL ID                 pipelined: 1 nothing         one by one: 1 the message
#   PUBLISH, CLIENT KILL TYPE pubsub        pipelined: 1 nothing         one by one: 1 the message
#   PUBLISH of 40,000 bytes, CLIENT KILL ID pipelined: 1 nothing         one by one: 1 the message
#   EVAL of PUBLISH, CLIENT KILL ID         pipelined: 1 nothing         one by one: 1 the message
#   PUBLISH, ACL DELUSER                    pipelined: 1 nothing         one by one: 1 the message
#   PUBLISH, ACL SETUSER resetchannels      pipelined: 1 nothing         one by one: 1 the message
#   MULTI, PUBLISH, CLIENT KILL ID, EXEC    1 nothing
#   RPUSH, CLIENT KILL ID of BLPOP          pipelined: 1 nothing, 0 left one by one: 1 the element, 0 left
#   MULTI, RPUSH, CLIENT KILL ID, EXEC      1 nothing, 1 left
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

KILL, EVAL = 'CLIENT KILL ID {id}', '''EVAL "return redis.call('PUBLISH', 'channel', 'text')" 0'''
LARGE = 40000 * 'm'
# Name, commands, what comes pipelined, what comes one by one.
TAKEN, GOT = '1 nothing', '1 the message'
PUBLISHED = (
    ('PUBLISH, CLIENT KILL ID', ('PUBLISH channel text', KILL), TAKEN, GOT),
    ('PUBLISH, CLIENT KILL TYPE pubsub', ('PUBLISH channel text', 'CLIENT KILL TYPE pubsub'), TAKEN, GOT),
    ('PUBLISH of 40,000 bytes, CLIENT KILL ID', (f'PUBLISH channel {LARGE}', KILL), TAKEN, GOT),
    ('EVAL of PUBLISH, CLIENT KILL ID', (EVAL, KILL), TAKEN, GOT),
    ('PUBLISH, ACL DELUSER', ('PUBLISH channel text', 'ACL DELUSER user'), TAKEN, GOT),
    ('PUBLISH, ACL SETUSER resetchannels', ('PUBLISH channel text', 'ACL SETUSER user resetchannels'), TAKEN, GOT),
    ('MULTI, PUBLISH, CLIENT KILL ID, EXEC', ('MULTI', 'PUBLISH channel text', KILL, 'EXEC'), TAKEN, None))
PUSHED = (
    ('RPUSH, CLIENT KILL ID of BLPOP', ('RPUSH list text', KILL), '1 nothing, 0 left', '1 the element, 0 left'),
    ('MULTI, RPUSH, CLIENT KILL ID, EXEC', ('MULTI', 'RPUSH list text', KILL, 'EXEC'), '1 nothing, 1 left', None))


class Connection:
    def __init__(self, server):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(server)
        self.file = self.socket.makefile('rb')

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()
        self.socket.close()

    def send(self, *lines):
        self.socket.sendall(b''.join(line.encode() + b'\r\n' for line in lines))

    def read(self):
        line = self.file.readline().decode()[:-2]
        kind, rest = line[:1], line[1:]
        assert kind and kind != '-', line
        if kind == '$':
            return self.file.read(int(rest) + 2)[:-2].decode()
        if kind == '*':
            return [self.read() for _ in range(int(rest))]
        return rest

    def ask(self, *lines):
        """The replies to these, sent at once."""
        self.send(*lines)
        return [self.read() for _ in lines]

    def rest(self, what):
        """What still comes until the server closes."""
        data = self.file.read()
        assert not data or b'text' in data or LARGE.encode() in data
        return what if data else 'nothing'


def run(admin, client, commands, pipelined, what):
    replies = admin.ask(*commands) if pipelined else [admin.ask(command)[0] for command in commands]
    if commands[0] == 'MULTI':
        replies = replies[-1]
    return f'{replies[0]} {client.rest(what)}'


def publish(server, commands, pipelined):
    with Connection(server) as admin, Connection(server) as client:
        admin.ask('ACL SETUSER user on nopass +@all ~* &*')
        client.ask('AUTH user any')
        identity, _ = client.ask('CLIENT ID', 'SUBSCRIBE channel')
        return run(admin, client, [line.format(id=identity) for line in commands], pipelined, 'the message')


def push(server, commands, pipelined):
    with Connection(server) as admin, Connection(server) as client:
        admin.ask('DEL list')
        identity, = client.ask('CLIENT ID')
        client.send('BLPOP list 0')
        while 'cmd=blpop' not in admin.ask(f'CLIENT LIST ID {identity}')[0]:
            pass
        came = run(admin, client, [line.format(id=identity) for line in commands], pipelined, 'the element')
        return f'{came}, {admin.ask("LLEN list")[0]} left'


as_seen = True
for server in sys.argv[1:]:
    print(server)
    for function, cases in (publish, PUBLISHED), (push, PUSHED):
        for name, commands, pipelined, apart in cases:
            came = function(server, commands, True)
            as_seen = as_seen and came == pipelined
            if apart is not None:
                came_apart = function(server, commands, False)
                as_seen = as_seen and came_apart == apart
                came = f'pipelined: {came:17} one by one: {came_apart}'
            print(f'  {name:39} {came}')
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END
