#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis, Valkey: what a replica refuses need not begin with READONLY, and what it refuses with READONLY need not
# write.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3), all alike.
#
# What one would think: a client whose server has become a replica is answered -READONLY for what writes, and may ask
# there for all that only reads, at least by EVAL_RO and FCALL_RO, which are made for replicas.
#
# What comes:
#   - EXEC of a write that was queued before the change is -EXECABORT with READONLY far behind in the text. A script
#     that was queued is a READONLY in the array of EXEC, which itself is no error.
#   - A script that catches the error and raises its text by error () answers -ERR user_script:1: READONLY ...; one
#     that returns error_reply () with words of its own begins with these.
#   - A script with #! in its first line, and a function, count as writing until they say no-writes: EVAL, EVAL_RO,
#     FCALL and FCALL_RO of one that does GET are READONLY. The same script without that line runs. On the master EVAL
#     and FCALL run them, EVAL_RO and FCALL_RO do not, and say ERR.
#
# Output seen, twice (each server the same):
#   master  EVAL of GET                              (nil)
#   master  EVAL of #!lua, GET                       (nil)
#   master  FCALL of GET                             (nil)
#   master  EVAL_RO of GET                           (nil)
#   master  EVAL_RO of #!lua, GET                    -ERR Can not execute a script with write flag using *_ro command.
#   master  FCALL_RO of GET                          -ERR Can not execute a script with write flag using *_ro command.
#   master  EVAL_RO of #!lua flags=no-writes, GET    (nil)
#   replica SET                                      -READONLY You ...
#   replica EXEC of a SET queued before              -EXECABORT Transaction discarded because of: READONLY You ...
#   replica EXEC of an EVAL queued before            [-READONLY You ... script: ...]
#   replica EVAL of SET                              -READONLY You ... script: ...
#   replica EVAL of SET, error (text)                -ERR user_script:1: READONLY You ... script: ...
#   replica EVAL of SET, error_reply (words .. text) -Not stored: READONLY You ...
#   replica EVAL of GET                              (nil)
#   replica EVAL of #!lua, GET                       -READONLY You ...
#   replica FCALL of GET                             -READONLY You ...
#   replica EVAL_RO of GET                           (nil)
#   replica EVAL_RO of #!lua, GET                    -READONLY You ...
#   replica FCALL_RO of GET                          -READONLY You ...
#   replica EVAL_RO of #!lua flags=no-writes, GET    (nil)
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

SET = "redis.{}('SET', KEYS[1], 1)"
GET = "return redis.call('GET', KEYS[1])"
LIBRARY = "#!lua name=library\nredis.register_function('get', function(k) return redis.call('GET', k[1]) end)"
REFUSED = "READONLY You can't write against a read only replica."


class Connection:
    def __init__(self, server):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(server)
        self.file = self.socket.makefile('rb')

    def ask(self, *words):
        self.socket.sendall(b'*%d\r\n' % len(words)
                            + b''.join(b'$%d\r\n%s\r\n' % (len(word), word.encode()) for word in words))
        return self.read()

    def read(self):
        """The reply in RESP2 as it came, nil as (nil), elements in brackets."""
        line = self.file.readline().decode().rstrip()
        if line in ('$-1', '*-1'):
            return '(nil)'
        if line[0] == '$':
            return self.file.read(int(line[1:]) + 2).decode().rstrip()
        if line[0] == '*':
            return f'[{", ".join(self.read() for _ in range(int(line[1:])))}]'
        return line


outputs = []
for server in sys.argv[1:]:
    connection, admin = Connection(server), Connection(server)
    queued = {}
    admin.ask('FUNCTION', 'LOAD', LIBRARY)
    for words in (('SET', 'key', '1'), ('EVAL', 'return ' + SET.format('call'), '1', 'key')):
        queued[words[0]] = Connection(server)
        queued[words[0]].ask('MULTI')
        assert queued[words[0]].ask(*words) == '+QUEUED'

    reading = {'EVAL of GET': ('EVAL', GET, '1', 'key'),
               'EVAL of #!lua, GET': ('EVAL', '#!lua\n' + GET, '1', 'key'),
               'FCALL of GET': ('FCALL', 'get', '1', 'key'),
               'EVAL_RO of GET': ('EVAL_RO', GET, '1', 'key'),
               'EVAL_RO of #!lua, GET': ('EVAL_RO', '#!lua\n' + GET, '1', 'key'),
               'FCALL_RO of GET': ('FCALL_RO', 'get', '1', 'key'),
               'EVAL_RO of #!lua flags=no-writes, GET': ('EVAL_RO', '#!lua flags=no-writes\n' + GET, '1', 'key')}
    output = [('master', title, connection.ask(*words)) for title, words in reading.items()]

    # Its master is nobody.
    assert admin.ask('REPLICAOF', '127.0.0.1', '1') == '+OK'
    output += [('replica', 'SET', connection.ask('SET', 'key', '1')),
               ('replica', 'EXEC of a SET queued before', queued['SET'].ask('EXEC')),
               ('replica', 'EXEC of an EVAL queued before', queued['EVAL'].ask('EXEC'))]
    for title, script in (('SET', 'return ' + SET.format('call')),
                          ('SET, error (text)', f'local r = {SET.format("pcall")} error(r.err)'),
                          ('SET, error_reply (words .. text)',
                           f'local r = {SET.format("pcall")} return redis.error_reply("Not stored: " .. r.err)')):
        output.append(('replica', 'EVAL of ' + title, connection.ask('EVAL', script, '1', 'key')))
    output += [('replica', title, connection.ask(*words)) for title, words in reading.items()]
    outputs.append([(where, title, re.sub(' script: [0-9a-f]{40}, on .*?:1[.]', ' script: ...', reply))
                    for where, title, reply in output])

for where, title, reply in outputs[0]:
    print(f'  {where:8}{title:41}{reply.replace(REFUSED, "READONLY You ...")}')

RO = '-ERR Can not execute a script with write flag using *_ro command.'
seen = ['(nil)', '(nil)', '(nil)', '(nil)', RO, RO, '(nil)',
        '-' + REFUSED, '-EXECABORT Transaction discarded because of: ' + REFUSED, f'[-{REFUSED} script: ...]',
        f'-{REFUSED} script: ...', f'-ERR user_script:1: {REFUSED} script: ...', '-Not stored: ' + REFUSED,
        '(nil)', '-' + REFUSED, '-' + REFUSED, '(nil)', '-' + REFUSED, '-' + REFUSED, '(nil)']
as_seen = all([reply for _, _, reply in output] == seen for output in outputs)
print('Redis 7.0, Redis 8.0 and Valkey 8.1 alike:', as_seen)
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END
