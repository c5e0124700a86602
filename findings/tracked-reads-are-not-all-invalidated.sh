#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis, Valkey: with CLIENT TRACKING, a read-only script or SORT_RO reads keys that are never invalidated; and
# invalidations are no messages for who has subscribed to their channel in RESP3.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3).
#
# What one would think: a client that caches the reply to a read-only command is notified when any key changes that
# the server read for it, or else when any key changes that the command names. SUBSCRIBE __redis__:invalidate with
# CLIENT TRACKING ON REDIRECT gives messages of that channel, as of any other.
#
# What comes:
#   - Redis 7.0 remembers the keys that a script is given, if it reads any key at all: EVAL_RO of GET j with the keys
#     k1 and k2 is notified of k1 and k2, not of j; with no keys, or if it reads nothing, of none.
#   - Redis 8.0 and Valkey 8.1 remember what the script reads: of j only, and not of k1 and k2. So the reply of a
#     script that reads one of its two keys is invalidated by both in 7.0 and by that one in 8.0 and 8.1.
#   - EVALSHA_RO and FCALL_RO do as EVAL_RO does; so do EVAL and FCALL of the same scripts.
#   - SORT_RO l BY w_* GET d_* is notified of l only, never of the keys of its patterns, in all three.
#   - RESP2: the invalidation is a message of __redis__:invalidate, and without SUBSCRIBE there is none. RESP3: it is a
#     push `invalidate`, subscribed or not, and no message of the channel, while what PUBLISH sends there is one.
#
# Output seen, twice (the keys of the invalidations after each key was written; then what the connection of REDIRECT
# gets for a change of k1 and for PUBLISH __redis__:invalidate by-hand, without the lengths of strings):
#   EVAL_RO GET j, keys k1 k2       k1 k2 (7.0)   j  (8.0 and 8.1)
#   EVALSHA_RO GET j, keys k1 k2    k1 k2 (7.0)   j  (8.0 and 8.1)
#   FCALL_RO GET j, keys k1 k2      k1 k2 (7.0)   j  (8.0 and 8.1)
#   EVAL GET j, keys k1 k2          k1 k2 (7.0)   j  (8.0 and 8.1)
#   FCALL GET j, keys k1 k2         k1 k2 (7.0)   j  (8.0 and 8.1)
#   EVAL_RO GET k1, keys k1 k2      k1 k2 (7.0)   k1 (8.0 and 8.1)
#   EVAL_RO GET j, no keys          -     (7.0)   j  (8.0 and 8.1)
#   EVAL_RO nothing, keys k1 k2     -
#   SORT_RO l BY w_* GET d_*        l
#   RESP2                           nothing
#   RESP2, SUBSCRIBE                *3 message __redis__:invalidate *1 k1 *3 message __redis__:invalidate by-hand
#   RESP3                           >2 invalidate *1 k1
#   RESP3, SUBSCRIBE                >2 invalidate *1 k1 >3 message __redis__:invalidate by-hand
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

CHANNEL = '__redis__:invalidate'
READ_J, READ_K1, READ_NONE = "return redis.call('GET', 'j')", "return redis.call('GET', KEYS[1])", 'return 1'
LIBRARY = ("#!lua name=lib\nredis.register_function{function_name='read_j', flags={'no-writes'},"
           "callback=function() return redis.call('GET', 'j') end}")
KEYS = ('2', 'k1', 'k2')
READS = (
    ('EVAL_RO GET j, keys k1 k2', ('EVAL_RO', READ_J, *KEYS), 'k1 k2', 'j'),
    ('EVALSHA_RO GET j, keys k1 k2', ('EVALSHA_RO', 'sha', *KEYS), 'k1 k2', 'j'),
    ('FCALL_RO GET j, keys k1 k2', ('FCALL_RO', 'read_j', *KEYS), 'k1 k2', 'j'),
    ('EVAL GET j, keys k1 k2', ('EVAL', READ_J, *KEYS), 'k1 k2', 'j'),
    ('FCALL GET j, keys k1 k2', ('FCALL', 'read_j', *KEYS), 'k1 k2', 'j'),
    ('EVAL_RO GET k1, keys k1 k2', ('EVAL_RO', READ_K1, *KEYS), 'k1 k2', 'k1'),
    ('EVAL_RO GET j, no keys', ('EVAL_RO', READ_J, '0'), '-', 'j'),
    ('EVAL_RO nothing, keys k1 k2', ('EVAL_RO', READ_NONE, *KEYS), '-', '-'),
    ('SORT_RO l BY w_* GET d_*', ('SORT_RO', 'l', 'BY', 'w_*', 'GET', 'd_*'), 'l', 'l'))
MESSAGE = f'message {CHANNEL}'
REDIRECTS = (
    ('RESP2', '2', False, 'nothing'),
    ('RESP2, SUBSCRIBE', '2', True, f'*3 {MESSAGE} *1 k1 *3 {MESSAGE} by-hand'),
    ('RESP3', '3', False, '>2 invalidate *1 k1'),
    ('RESP3, SUBSCRIBE', '3', True, f'>2 invalidate *1 k1 >3 {MESSAGE} by-hand'))


class Connection:
    def __init__(self, server, protocol='2'):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(server)
        self.file = self.socket.makefile('rb')
        self.ask('HELLO', protocol)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()
        self.socket.close()

    def send(self, *words):
        self.socket.sendall(b'*%d\r\n' % len(words) +
                            b''.join(b'$%d\r\n%s\r\n' % (len(word), word) for word in map(str.encode, words)))

    def read(self):
        """One value or push."""
        line = self.file.readline().decode()[:-2]
        kind, rest = line[:1], line[1:]
        assert kind and kind != '-', line
        if kind == '$':
            return self.file.read(int(rest) + 2)[:-2].decode()
        if kind in '*>%':
            return [self.read() for _ in range(int(rest) * (2 if kind == '%' else 1))]
        return rest

    def ask(self, *words):
        self.send(*words)
        return self.read()

    def rest(self):
        """All that still comes, lengths of strings left out, QUIT's answer cut off."""
        self.send('QUIT')
        words = re.sub(r'\$\d+\r\n', '', self.file.read().decode()).split('\r\n')
        assert words[-2:] == ['+OK', ''], words
        return ' '.join(words[:-2])


def invalidated(server, command):
    """The keys of which a connection that has asked this is notified when each key is written."""
    with Connection(server) as writer, Connection(server, '3') as reader:
        writer.ask('FLUSHALL')
        writer.ask('RPUSH', 'l', '1')
        for key in ('k1', 'k2', 'j', 'w_1', 'd_1'):
            writer.ask('SET', key, '1')
        reader.ask('CLIENT', 'TRACKING', 'ON')
        reader.ask(*command)
        for key in ('k1', 'k2', 'j', 'w_1', 'd_1'):
            writer.ask('SET', key, '2')
        writer.ask('RPUSH', 'l', '2')
        return reader.rest().replace('>2 invalidate *1 ', '') or '-'


def redirected(server, protocol, subscribe):
    """What a connection gets that another one's invalidations are redirected to."""
    with Connection(server) as writer, Connection(server) as reader, Connection(server, protocol) as listener:
        listener_id = listener.ask('CLIENT', 'ID')
        if subscribe:
            listener.ask('SUBSCRIBE', CHANNEL)
        reader.ask('CLIENT', 'TRACKING', 'ON', 'REDIRECT', listener_id)
        reader.ask('GET', 'k1')
        writer.ask('SET', 'k1', '3')
        writer.ask('PUBLISH', CHANNEL, 'by-hand')
        return listener.rest() or 'nothing'


as_seen = True
for server in sys.argv[1:]:
    print(server)
    with Connection(server) as admin:
        admin.ask('FUNCTION', 'LOAD', LIBRARY)
        sha = admin.ask('SCRIPT', 'LOAD', READ_J)
    for name, command, seen7, seen8 in READS:
        came = invalidated(server, [sha if word == 'sha' else word for word in command])
        as_seen = as_seen and came == (seen7 if server == 'redis-7.0' else seen8)
        print(f'  {name:31} {came}')
    for name, protocol, subscribe, seen in REDIRECTS:
        came = redirected(server, protocol, subscribe)
        as_seen = as_seen and came == seen
        print(f'  {name:31} {came}')
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END
