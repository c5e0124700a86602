#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Valkey 8.1: a key that is to expire in the past is notified as expired; Redis notifies that it was deleted.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3).
#
# What one would think: EXPIRE with a time that has passed deletes the key, as is documented of both, and is notified as del;
# expired is what the server says when it finds a key whose time has come. Who listens to del hears of all keys that a client
# has taken away.
#
# What comes: so it is in Redis. Valkey 8.1 says expired instead of del, of EXPIRE, PEXPIREAT and GETEX; of SET with PXAT it says
# nothing but expired, at once, where Redis says set, expire, and expired when the key is asked for.
#
# Output seen, twice (the events of the key):
#                        redis-7.0, redis-8.0          valkey-8.1
#   EXPIRE k -1          del                           expired
#   PEXPIREAT k 1        del                           expired
#   GETEX k EXAT 1       del                           expired
#   SET k v PXAT 1, GET  set expire expired            expired
#   DEL k                del                           del
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


CASES = (
    ('EXPIRE k -1', ('EXPIRE k -1',), 'del', 'expired'),
    ('PEXPIREAT k 1', ('PEXPIREAT k 1',), 'del', 'expired'),
    ('GETEX k EXAT 1', ('GETEX k EXAT 1',), 'del', 'expired'),
    ('SET k v PXAT 1, GET', ('SET k v PXAT 1', 'GET k'), 'set expire expired', 'expired'),
    ('DEL k', ('DEL k',), 'del', 'del'))


def run(server):
    writer, listener = Connection(server), Connection(server, 3)
    writer.ask('CONFIG SET notify-keyspace-events KA')
    for name, lines, redis, valkey in CASES:
        writer.ask('SET k v')
        listener.ask('SUBSCRIBE __keyspace@0__:k')
        writer.ask(*lines)
        events = ' '.join(re.findall(r'>3 message __keyspace@0__:k (\w+)', listener.ask('UNSUBSCRIBE')))
        yield name, events, valkey if server == 'valkey-8.1' else redis


as_seen = True
for server in sys.argv[1:]:
    print(server)
    for name, came, seen in run(server):
        as_seen = as_seen and came == seen
        print(f'  {name}: {came}')
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END
