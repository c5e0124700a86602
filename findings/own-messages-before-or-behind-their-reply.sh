#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis, Valkey, RESP3: what a connection is sent because of its own command comes before the reply, behind it, or behind
# those of all commands that came with it: that depends on the server, on the command and on where it stands.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3).
#
# What one would think: a command has its effects and then its reply, or its reply and then what else it leads to; in either
# case the same for all of them. So who caches may take an invalidation that comes behind the reply to a read as newer than
# what was read, and who publishes to a channel of his own knows whether the message is still to come.
#
# What comes: the message of one's own PUBLISH is before the reply in Redis 7.0, and within the array of EXEC, and behind both
# elsewhere. One's own FLUSHALL and FLUSHDB are announced before the reply by Redis 8.0, unless it is ASYNC or stands in a
# transaction or a script; other servers announce them behind the reply, as all do writes of a key. NOLOOP keeps one's own
# writes back, and not those two. With BCAST what was written is announced when all is answered that the server has read with it:
# all keys in one push, and none twice.
#
# Output seen, twice (of the commands, sent at once, what comes):
#                                  redis-7.0                 redis-8.0                 valkey-8.1
#   PUBLISH, PING                  message :1 +PONG          :1 message +PONG          :1 message +PONG
#   MULTI, PUBLISH, PING, EXEC     *2 message :1 +PONG       *2 :1 +PONG message       *2 :1 +PONG message
#   EVAL of PUBLISH, PING          message _ +PONG           _ message +PONG           _ message +PONG
#   SET, PING                      +OK k +PONG               +OK k +PONG               +OK k +PONG
#   NOLOOP: SET, PING              +OK +PONG                 +OK +PONG                 +OK +PONG
#   FLUSHALL, PING                 +OK all +PONG             all +OK +PONG             +OK all +PONG
#   NOLOOP: FLUSHALL, PING         +OK all +PONG             all +OK +PONG             +OK all +PONG
#   FLUSHDB, PING                  +OK all +PONG             all +OK +PONG             +OK all +PONG
#   FLUSHALL ASYNC, PING           +OK all +PONG             +OK all +PONG             +OK all +PONG
#   EVAL of FLUSHALL, PING         _ all +PONG               _ all +PONG               _ all +PONG
#   MULTI, FLUSHALL, PING, EXEC    *2 +OK +PONG all          *2 +OK +PONG all          *2 +OK +PONG all
#   BCAST: SET, PING, SET j, SET   +OK +PONG +OK +OK, j k    +OK +PONG +OK +OK, j k    +OK +PONG +OK +OK, j k
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
        self.rest = b''
        self.ask(f'HELLO {protocol}')

    def ask(self, *lines):
        """What comes for these lines, sent at once, and an ECHO behind them: lengths of strings left out."""
        self.socket.sendall(b''.join(line.encode() + b'\r\n' for line in (*lines, 'ECHO end')))
        data = self.rest
        while b'\r\nend\r\n' not in data:
            data += self.socket.recv(65536)
        data, _, self.rest = data.partition(b'\r\nend\r\n')
        return ' '.join(re.sub(r'[$]\d+\r\n', '', data.decode()).split('\r\n')[:-1])


PUBLISH, FLUSHALL = 'EVAL "redis.call(\'PUBLISH\', \'c\', \'m\')" 0', 'EVAL "redis.call(\'FLUSHALL\')" 0'
# Name, what is on, commands; what comes of Redis 7.0, Redis 8.0 and Valkey 8.1.
CASES = (
    ('PUBLISH, PING', 'SUBSCRIBE c', ('PUBLISH c m', 'PING'), 'message :1 +PONG', ':1 message +PONG', ':1 message +PONG'),
    ('MULTI, PUBLISH, PING, EXEC', 'SUBSCRIBE c', ('MULTI', 'PUBLISH c m', 'PING', 'EXEC'),
     '*2 message :1 +PONG', '*2 :1 +PONG message', '*2 :1 +PONG message'),
    ('EVAL of PUBLISH, PING', 'SUBSCRIBE c', (PUBLISH, 'PING'), 'message _ +PONG', '_ message +PONG', '_ message +PONG'),
    ('SET, PING', 'CLIENT TRACKING ON', ('SET k 2', 'PING'), '+OK k +PONG', '+OK k +PONG', '+OK k +PONG'),
    ('NOLOOP: SET, PING', 'CLIENT TRACKING ON NOLOOP', ('SET k 2', 'PING'), '+OK +PONG', '+OK +PONG', '+OK +PONG'),
    ('FLUSHALL, PING', 'CLIENT TRACKING ON', ('FLUSHALL', 'PING'), '+OK all +PONG', 'all +OK +PONG', '+OK all +PONG'),
    ('NOLOOP: FLUSHALL, PING', 'CLIENT TRACKING ON NOLOOP', ('FLUSHALL', 'PING'),
     '+OK all +PONG', 'all +OK +PONG', '+OK all +PONG'),
    ('FLUSHDB, PING', 'CLIENT TRACKING ON', ('FLUSHDB', 'PING'), '+OK all +PONG', 'all +OK +PONG', '+OK all +PONG'),
    ('FLUSHALL ASYNC, PING', 'CLIENT TRACKING ON', ('FLUSHALL ASYNC', 'PING'), '+OK all +PONG', '+OK all +PONG', '+OK all +PONG'),
    ('EVAL of FLUSHALL, PING', 'CLIENT TRACKING ON', (FLUSHALL, 'PING'), '_ all +PONG', '_ all +PONG', '_ all +PONG'),
    ('MULTI, FLUSHALL, PING, EXEC', 'CLIENT TRACKING ON', ('MULTI', 'FLUSHALL', 'PING', 'EXEC'),
     '*2 +OK +PONG all', '*2 +OK +PONG all', '*2 +OK +PONG all'))
TOGETHER = ('SET k 2', 'PING', 'SET j 1', 'SET k 3')


def shorten(text):
    """A message and an invalidation in a word, without what MULTI has been answered."""
    text = text.replace('>3 message c m', 'message').replace('>2 invalidate _', 'all')
    text = re.sub(r'>2 invalidate \*\d+ (\w+(?: \w+)*)', r'\1', text)
    return text.replace('+OK +QUEUED +QUEUED ', '')


def run(server):
    for name, on, lines, *seen in CASES:
        connection = Connection(server, 3)
        connection.ask('SET k 1', on, 'GET k')
        yield name, shorten(connection.ask(*lines)), seen[sys.argv[1:].index(server)]
    # Behind the ECHO, too.
    connection = Connection(server, 3)
    connection.ask('CLIENT TRACKING ON BCAST')
    yield ('BCAST: SET, PING, SET j, SET', ', '.join((shorten(connection.ask(*TOGETHER)), shorten(connection.ask()))),
           '+OK +PONG +OK +OK, j k')


as_seen = True
for server in sys.argv[1:]:
    print(server)
    for name, came, seen in run(server):
        as_seen = as_seen and came == seen
        print(f'  {name}: {came}')
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END
