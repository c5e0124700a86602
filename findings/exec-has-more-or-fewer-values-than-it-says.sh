#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis, Valkey: the array that answers EXEC can have more values than its length says, or fewer.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3).
#
# What one would think: EXEC has as many elements as commands were queued, each of them one value: the length is sent
# first. Commands that have no single reply, SUBSCRIBE and CLIENT REPLY, are refused in MULTI. In RESP3 a push stands
# between answers, never in one.
#
# What comes: both are queued. The length counts commands; then each command sends what it would have sent by itself:
#   - SUBSCRIBE with two channels sends two values. The last element of EXEC is read as the reply to the next command.
#   - In RESP3 these are pushes in the middle of the array. Who keeps pushes out of arrays lacks one element, who
#     counts them as elements has one too many; and SUBSCRIBE with one channel is right for the latter only.
#   - A message published to one's own channel is a push in the array, too, in Redis 7.0, but one that does not count.
#     Redis 8.0 and Valkey 8.1 send it behind the array.
#   - CLIENT REPLY SKIP and OFF, and what is run while it is off, send nothing: the next replies become elements. SKIP
#     in MULTI skips nothing in it, but the reply to the command behind EXEC.
#
# Output seen, twice (EXEC's answer and that to the PING behind it, without the lengths of strings):
#   RESP2: SUBSCRIBE a b, ECHO x
#     *2 *3 subscribe a :1 *3 subscribe b :2 x *2 pong
#   RESP3: SUBSCRIBE a b, ECHO x
#     *2 >3 subscribe a :1 >3 subscribe b :2 x +PONG
#   RESP3: SUBSCRIBE a, ECHO x
#     *2 >3 subscribe a :1 x +PONG
#   RESP3: PUBLISH own m, ECHO x
#     *2 :1 x >3 message own m +PONG              (8.0 and 8.1)
#     *2 >3 message own m :1 x +PONG              (7.0)
#   RESP2: CLIENT REPLY SKIP, ECHO x, ECHO y
#     *3 x y
#   RESP2: ECHO x, CLIENT REPLY OFF, ECHO y, CLIENT REPLY ON, ECHO z
#     *5 x +OK z +PONG
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
    (2, 'SUBSCRIBE a b, ECHO x', '*2  *3  subscribe  a  :1  *3  subscribe  b  :2  x  *2  pong  '),
    (3, 'SUBSCRIBE a b, ECHO x', '*2  >3  subscribe  a  :1  >3  subscribe  b  :2  x  +PONG'),
    (3, 'SUBSCRIBE a, ECHO x', '*2  >3  subscribe  a  :1  x  +PONG'),
    (3, 'PUBLISH own m, ECHO x', '*2  :1  x  >3  message  own  m  +PONG'),
    (2, 'CLIENT REPLY SKIP, ECHO x, ECHO y', '*3  x  y'),
    (2, 'ECHO x, CLIENT REPLY OFF, ECHO y, CLIENT REPLY ON, ECHO z', '*5  x  +OK  z  +PONG'))
as_seen = True
for server in sys.argv[1:]:
    print(server)
    for protocol, queued, seen in CASES:
        if server == 'redis-7.0' and 'PUBLISH' in queued:
            seen = '*2  >3  message  own  m  :1  x  +PONG'
        before = [f'HELLO {protocol}'] + ['SUBSCRIBE own'] * ('PUBLISH' in queued)
        replies = ask(server, *before, 'MULTI', *queued.split(', '), 'EXEC', 'PING')
        came = replies[replies.rindex('+QUEUED  ') + 9:]
        as_seen = as_seen and came == seen
        print(f'  RESP{protocol}: {queued}\n    {came.replace("  ", " ")}')
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END
