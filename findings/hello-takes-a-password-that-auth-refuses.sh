#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis, Valkey: HELLO takes a password that AUTH refuses, and a HELLO that is refused may have logged in.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3).
#
# What one would think: AUTH with a password alone means the user "default". So a client may log in by HELLO 3 AUTH
# default PASSWORD, or by AUTH PASSWORD where it speaks RESP2: what is wrong for one is wrong for the other. And a
# HELLO that is answered by an error has changed nothing.
#
# What comes: where "default" has no password,
#   - AUTH PASSWORD is an error, which says that the configuration may be wrong, for the empty password, too;
#   - AUTH default PASSWORD and HELLO with AUTH default PASSWORD are fine with every password.
# The same settings work in RESP3 and fail in RESP2; a client that falls back to AUTH, because HELLO failed for another
# reason, is refused for its password.
# Redis 7.0 carries out the options of HELLO as it reads them: a name that it refuses behind AUTH leaves the connection
# with the new user, in the old protocol; a wrong password behind SETNAME leaves it with the name. Redis 8.0 and Valkey
# 8.1 look at all of them first.
#
# Output seen, twice:
#   redis-7.0
#     AUTH ""                   -ERR AUTH <password> called without any password configured for the default user.
#     AUTH any                  -ERR AUTH <password> called without any password configured for the default user.
#     AUTH default any          +OK
#     HELLO 3 AUTH default ""   a map: accepted
#     HELLO 3 AUTH default any  a map: accepted
#     AUTH alice any            -WRONGPASS invalid username-password pair or user is disabled.
#     HELLO 3 AUTH alice secret SETNAME "a b"  -ERR Client names cannot conta...  then: alice, no name
#     HELLO 3 SETNAME fine AUTH alice any      -WRONGPASS invalid username-pa...  then: default, fine
#   redis-8.0 and valkey-8.1: the same, but for the end of the last two lines:
#     HELLO 3 AUTH alice secret SETNAME "a b"  -ERR Client names cannot conta...  then: default, no name
#     HELLO 3 SETNAME fine AUTH alice any      -WRONGPASS invalid username-pa...  then: default, no name
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


NO_PASSWORD = '-ERR AUTH <password> called without any password configured for the default user.'
as_seen = True
for server in sys.argv[1:]:
    print(server)
    ask(server, 'ACL SETUSER alice on >secret ~* +@all')
    for title, seen, *lines in (
            ('AUTH ""', NO_PASSWORD, 'AUTH ""'),
            ('AUTH any', NO_PASSWORD, 'AUTH any'),
            ('AUTH default any', '+OK', 'AUTH default any'),
            ('HELLO 3 AUTH default ""', '%', 'HELLO 3 AUTH default ""'),
            ('HELLO 3 AUTH default any', '%', 'HELLO 3 AUTH default any'),
            ('AUTH alice any', '-WRONGPASS', 'AUTH alice any')):
        reply = ask(server, *lines)
        as_seen = as_seen and reply.startswith(seen)
        print(f'  {title:25} {reply.split(" Are you sure")[0][:81] if reply[0] != "%" else "a map: accepted"}')

    # Which user and which name has the connection behind a refused HELLO?
    for options, early, late in (('AUTH alice secret SETNAME "a b"', 'alice, no name', 'default, no name'),
                                 ('SETNAME fine AUTH alice any', 'default, fine', 'default, no name')):
        error, user, name = re.fullmatch('(-.*)  (.*)  (.*)', ask(server, f'HELLO 3 {options}', 'ACL WHOAMI',
                                                                   'CLIENT GETNAME')).groups()
        came = f'{user}, {"no name" if name == "$-1" else name}'
        as_seen = as_seen and came == (early if server == 'redis-7.0' else late)
        print(f'  HELLO 3 {options:31}  {error[:30]}...  then: {came}')
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END
