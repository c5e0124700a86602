#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis 8.0, Valkey 8.1: an AUTH with a wrong password is not answered if anything else waits to be sent to the
# client.
#
# Seen with: redis-server 8.0.2 (Debian 5:8.0.2-3+deb13u3), valkey-server 8.1.1 (8.1.1+dfsg1-3+deb13u3). Not with
# redis-server 7.0.15 (5:7.0.15-1~deb12u10).
#
# What one would think: every command has one reply, in order. Commands that are sent at once are answered as those
# are that are sent one by one.
#
# What comes: behind a PING that the server read together with it, AUTH (HELLO with AUTH, too) with a wrong password
# has no reply at all: of three commands the client gets two replies, and every later reply is taken for the one
# before its own. In MULTI the array of EXEC lacks that element, and the next reply becomes part of it. A right
# password is answered everywhere, and so is AUTH where no password is needed.
# To wait for all replies before AUTH is not enough where pushes arrive: a message that the server has not yet sent
# when it reads AUTH has the same effect. Both projects know of this.
#
# Output seen, twice:
#   redis-8.0, and valkey-8.1 the same
#     AUTH alice no, PING                  -WRONGPASS, +PONG
#     PING, AUTH alice no, PING            +PONG, +PONG
#     PING, HELLO 3 AUTH alice no, PING    +PONG, +PONG
#     MULTI, AUTH alice no, EXEC, PING     +OK, +QUEUED, *1, +PONG
#     PING, AUTH alice secret, PING        +PONG, +OK, +PONG
#     PING, AUTH no, PING                  +PONG, -ERR, +PONG
#     AUTH alice no, behind a message      nothing
#   redis-7.0: -WRONGPASS for each "AUTH alice no"
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

python3 - "redis-7.0 ${servers[0]}" "redis-8.0 ${servers[1]}" "valkey-8.1 ${servers[2]}" <<'END'
import os
import re
import signal
import socket
import sys
import time

WRONG = '-WRONGPASS'


def ask(server, *lines):
    """What one connection gets for these lines, sent at once: lengths of strings left out, QUIT's answer cut off."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(server)
        s.sendall(b''.join(line.encode() + b'\r\n' for line in (*lines, 'QUIT')))
        data = b''.join(iter(lambda: s.recv(65536), b''))
    words = re.sub(r'\$\d+\r\n', '', data.decode()).split('\r\n')
    assert words[-2:] == ['+OK', ''], words
    return '  '.join(words[:-2])


def ask_with_a_message(server, pid, line):
    """What a subscriber gets for a line that the server reads while the message is not yet sent."""
    with socket.socket(socket.AF_UNIX) as subscriber, socket.socket(socket.AF_UNIX) as publisher:
        for s in (subscriber, publisher):
            s.settimeout(20)
            s.connect(server)
        subscriber.sendall(b'HELLO 3\r\nSUBSCRIBE channel\r\n')
        publisher.sendall(b'PING\r\n')
        received = publisher.recv(100)
        while not received.endswith(b':1\r\n'):
            received = subscriber.recv(65536)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.1)
        publisher.sendall(b'PUBLISH channel text\r\n')
        subscriber.sendall(line.encode() + b'\r\n')
        os.kill(pid, signal.SIGCONT)
        publisher.recv(100)
        subscriber.sendall(b'QUIT\r\n')
        words = b''.join(iter(lambda: subscriber.recv(65536), b'')).decode().split('\r\n')
    behind = words[words.index('message') + 5:-2]
    # If AUTH was read first, it had its answer before the message: try again.
    return behind if WRONG not in ' '.join(words[:words.index('message')]) else ask_with_a_message(server, pid, line)


as_seen = True
for server, pid in (argument.split() for argument in sys.argv[1:]):
    print(server)
    ask(server, 'ACL SETUSER alice on >secret ~* +@all')
    for lines, seen in (
            (('AUTH alice no', 'PING'), [WRONG, '+PONG']),
            (('PING', 'AUTH alice no', 'PING'), ['+PONG', WRONG, '+PONG']),
            (('PING', 'HELLO 3 AUTH alice no', 'PING'), ['+PONG', WRONG, '+PONG']),
            (('MULTI', 'AUTH alice no', 'EXEC', 'PING'), ['+OK', '+QUEUED', '*1', WRONG, '+PONG']),
            (('PING', 'AUTH alice secret', 'PING'), ['+PONG', '+OK', '+PONG']),
            (('PING', 'AUTH no', 'PING'), ['+PONG', '-ERR', '+PONG'])):
        if server != 'redis-7.0' and lines[0] != 'AUTH alice no':
            seen = [word for word in seen if word != WRONG]
        came = [reply.split()[0] for reply in ask(server, *lines).split('  ')]
        as_seen = as_seen and came == seen
        print(f'  {", ".join(lines):36} {", ".join(came)}')
    came = [word.split()[0] for word in ask_with_a_message(server, int(pid), 'AUTH alice no')]
    as_seen = as_seen and came == ([WRONG] if server == 'redis-7.0' else [])
    print(f'  {"AUTH alice no, behind a message":36} {", ".join(came) or "nothing"}')
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END
