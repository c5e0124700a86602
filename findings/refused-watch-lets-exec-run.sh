#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis: a WATCH that is refused in MULTI lets EXEC run all the same; in Valkey it does not. An EXEC that is refused
# ends the transaction and all WATCHes; a DISCARD that is refused ends nothing.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3).
#
# What one would think: a command that is answered by an error while others are queued makes EXEC say EXECABORT. A
# command that the user may not run is answered by NOPERM and changes nothing, be it GET, EXEC or DISCARD.
#
# What comes:
#   - WATCH and MULTI in MULTI are refused. In Redis, EXEC runs the others nevertheless, without the key being
#     watched; in Valkey 8.1 it is EXECABORT, as it is after an ECHO without its argument.
#   - EXEC that the user may not run is answered by EXECABORT, with NOPERM in its text, also where no transaction is
#     open. It ends the transaction and unwatches everything: a later transaction runs though the key has changed. An
#     EXEC without MULTI by a user who may run it keeps what is watched.
#   - DISCARD that the user may not run leaves the transaction open; what follows is queued, and EXEC is EXECABORT.
#
# Output seen, twice:
#   redis-7.0, and redis-8.0 the same
#     MULTI, ECHO, SET key 1, EXEC
#       +OK -ERR +QUEUED -EXECABORT
#     MULTI, WATCH key, SET key 1, EXEC
#       +OK -ERR +QUEUED *1 +OK
#     MULTI, MULTI, SET key 1, EXEC
#       +OK -ERR +QUEUED *1 +OK
#     WATCH key, EXEC, SET key 1, MULTI, PING, EXEC
#       +OK -ERR +OK +OK +QUEUED *-1
#     AUTH no-exec any, WATCH key, EXEC, SET key 1, AUTH default any, MULTI, PING, EXEC
#       +OK +OK -EXECABORT +OK +OK +OK +QUEUED *1 +PONG
#     AUTH no-exec any, MULTI, PING, EXEC, PING
#       +OK +OK +QUEUED -EXECABORT +PONG
#     AUTH no-discard any, MULTI, PING, DISCARD, PING, EXEC
#       +OK +OK +QUEUED -NOPERM +QUEUED -EXECABORT
#   valkey-8.1: the same, but for the second and the third: +OK -ERR +QUEUED -EXECABORT
#   -EXECABORT Transaction discarded because of: NOPERM this user has no permissions to run the 'exec' command
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


CASES = (
    ('MULTI, ECHO, SET key 1, EXEC', '+OK -ERR +QUEUED -EXECABORT', None),
    ('MULTI, WATCH key, SET key 1, EXEC', '+OK -ERR +QUEUED *1 +OK', '+OK -ERR +QUEUED -EXECABORT'),
    ('MULTI, MULTI, SET key 1, EXEC', '+OK -ERR +QUEUED *1 +OK', '+OK -ERR +QUEUED -EXECABORT'),
    ('WATCH key, EXEC, SET key 1, MULTI, PING, EXEC', '+OK -ERR +OK +OK +QUEUED *-1', None),
    ('AUTH no-exec any, WATCH key, EXEC, SET key 1, AUTH default any, MULTI, PING, EXEC',
     '+OK +OK -EXECABORT +OK +OK +OK +QUEUED *1 +PONG', None),
    ('AUTH no-exec any, MULTI, PING, EXEC, PING', '+OK +OK +QUEUED -EXECABORT +PONG', None),
    ('AUTH no-discard any, MULTI, PING, DISCARD, PING, EXEC', '+OK +OK +QUEUED -NOPERM +QUEUED -EXECABORT', None))
as_seen = True
for server in sys.argv[1:]:
    print(server)
    ask(server, 'ACL SETUSER no-exec on nopass ~* +@all -exec', 'ACL SETUSER no-discard on nopass ~* +@all -discard')
    for lines, redis, valkey in CASES:
        replies = [reply.split()[0] for reply in ask(server, *lines.split(', ')).split('  ')]
        came = ' '.join(replies)
        as_seen = as_seen and came == (valkey or redis if server.startswith('valkey') else redis)
        print(f'  {lines}\n    {came}')
print(ask(sys.argv[1], 'AUTH no-exec any', 'EXEC')[5:])
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END
