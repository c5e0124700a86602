#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis and Valkey Cluster, CLIENT TRACKING: who has read that a key is not there is never told that it is made after its slot
# has moved to another node; and Redis 7.0 deletes keys, of a slot that another node has claimed, without a word.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3).
#
# What one would think: a node that gives a slot away tells those who track keys of it, whatever they have read, since it
# cannot speak for these keys any more. One invalidation may come late or too often, but none is missing.
#
# What comes:
#   - MIGRATE of a key that was read is announced, as its deletion would be.
#   - Of a key that was read as absent nothing is announced, neither when the slot is another node's (CLUSTER SETSLOT NODE)
#     nor when that node makes the key: the reply that it is not there is kept for as long as the connection lasts.
#   - Where another node claims the slot while the keys are still here (SETSLOT NODE there alone), this node deletes them.
#     Redis 8.0 and Valkey 8.1 announce each; Redis 7.0 announces none.
#
# Output seen, twice:
#   redis-7.0    migrated: announced; absent, then made at the new node: nothing; claimed: 0 keys left, nothing
#   redis-8.0    migrated: announced; absent, then made at the new node: nothing; claimed: 0 keys left, announced
#   valkey-8.1   migrated: announced; absent, then made at the new node: nothing; claimed: 0 keys left, announced
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update) and the keys of Debian 13 (debian-archive-keyring of
# 2025), python3. Takes a minute.

set -euo pipefail

redis7=(redis-server=5:7.0.15-1~deb12u10 redis-tools=5:7.0.15-1~deb12u10
        libjemalloc2=5.3.0-1 liblzf1=3.6-3 libatomic1=12.2.0-14+deb12u1)
debian13=(redis-server=5:8.0.2-3+deb13u3 valkey-server=8.1.1+dfsg1-3+deb13u3)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

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

cat >cluster.py <<'END'
import os
import pathlib
import socket
import subprocess
import sys
import time

command = sys.argv[1:]
PATIENCE = 60
KEY = '{user:7}'


def free_port():
    """One whose cluster bus has a free port too."""
    while True:
        with socket.socket() as probe, socket.socket() as bus:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
            if port < 55000:
                try:
                    bus.bind(('127.0.0.1', port + 10000))
                    return port
                except OSError:
                    pass


class Connection:
    def __init__(self, port):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.socket = socket.create_connection(('127.0.0.1', port), timeout=20)
                break
            except OSError:
                assert time.monotonic() < end, 'it does not start'
                time.sleep(.02)
        self.file = self.socket.makefile('rb')
        self.pushes = []

    def send(self, line):
        self.socket.sendall(line.encode() + b'\r\n')

    def read(self):
        line = self.file.readline().decode().rstrip()
        if line[0] in '_$' and line[1:] in ('', '-1'):
            return None
        if line[0] in '$=':
            return self.file.read(int(line[1:]) + 2).decode(errors='replace').rstrip()
        if line[0] == '%':
            return [self.read() for _ in range(2 * int(line[1:]))]
        if line[0] == '>':
            self.pushes.append([self.read() for _ in range(int(line[1:]))])
            return self.read()
        if line[0] == '*':
            return [self.read() for _ in range(int(line[1:]))]
        return line[1:]

    def ask(self, line):
        self.send(line)
        return self.read()

    def announced(self, key):
        """What came before the reply to a command that is sent now."""
        assert self.ask('PING') == 'PONG'
        pushes, self.pushes = self.pushes, []
        return ['invalidate', [key]] in pushes


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(.02)


processes = []
try:
    ports = [free_port() for _ in range(2)]
    for i, port in enumerate(ports):
        directory = pathlib.Path(f'{os.getpid()}-{i}')
        directory.mkdir()
        processes.append(subprocess.Popen(
            [*command, '--port', str(port), '--bind', '127.0.0.1', '--dir', str(directory), '--save', '', '--cluster-enabled', 'yes'],
            stdout=subprocess.DEVNULL))
    nodes = [Connection(port) for port in ports]
    ids = [node.ask('CLUSTER MYID') for node in nodes]
    for i, slots in enumerate(('0 8191', '8192 16383')):
        assert nodes[i].ask(f'CLUSTER ADDSLOTSRANGE {slots}') == 'OK'
        nodes[i].ask(f'CLUSTER SET-CONFIG-EPOCH {i + 1}')
    nodes[0].ask(f'CLUSTER MEET 127.0.0.1 {ports[1]}')
    until(lambda: all('cluster_state:ok' in node.ask('CLUSTER INFO') and 'cluster_known_nodes:2' in node.ask('CLUSTER INFO')
                      for node in nodes))
    slot = int(nodes[0].ask(f'CLUSTER KEYSLOT {KEY}'))
    old, new = (0, 1) if slot < 8192 else (1, 0)

    reader = Connection(ports[old])
    reader.ask('HELLO 3')
    reader.ask('CLIENT TRACKING ON')

    # The slot moves as it should.
    assert nodes[old].ask(f'SET {KEY}there 1') == 'OK'
    assert reader.ask(f'GET {KEY}there') == '1'
    assert reader.ask(f'GET {KEY}absent') is None
    assert nodes[new].ask(f'CLUSTER SETSLOT {slot} IMPORTING {ids[old]}') == 'OK'
    assert nodes[old].ask(f'CLUSTER SETSLOT {slot} MIGRATING {ids[new]}') == 'OK'
    assert nodes[old].ask(f'MIGRATE 127.0.0.1 {ports[new]} {KEY}there 0 5000') == 'OK'
    migrated = reader.announced(f'{KEY}there')
    for i in (new, old):
        assert nodes[i].ask(f'CLUSTER SETSLOT {slot} NODE {ids[new]}') == 'OK'
    assert nodes[new].ask(f'SET {KEY}absent 2') == 'OK'
    time.sleep(1)
    made = reader.announced(f'{KEY}absent')

    # Another slot is claimed by the node that has not been given it.
    other = next(name for name in (f'{{other:{i}}}' for i in range(1000))
                 if (int(nodes[0].ask(f'CLUSTER KEYSLOT {name}')) < 8192) == (old == 0))
    slot = int(nodes[0].ask(f'CLUSTER KEYSLOT {other}'))
    assert nodes[old].ask(f'SET {other}there 1') == 'OK'
    assert reader.ask(f'GET {other}there') == '1'
    assert nodes[new].ask(f'CLUSTER SETSLOT {slot} IMPORTING {ids[old]}') == 'OK'
    assert nodes[new].ask(f'CLUSTER SETSLOT {slot} NODE {ids[new]}') == 'OK'
    nodes[new].ask('CLUSTER BUMPEPOCH')
    until(lambda: nodes[old].ask(f'GET {other}there').startswith('MOVED'))
    time.sleep(1)
    left = nodes[old].ask(f'CLUSTER COUNTKEYSINSLOT {slot}')
    claimed = reader.announced(f'{other}there')

    word = {True: 'announced', False: 'nothing'}
    print(f'migrated: {word[migrated]}; absent, then made at the new node: {word[made]}; claimed: {left} keys left, {word[claimed]}')
    as_seen = migrated and not made and left == '0' and claimed == (os.environ['SERVER'] != 'redis-7.0')
finally:
    for process in processes:
        process.kill()
        process.wait()
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END

for server in redis-7.0 redis-8.0 valkey-8.1; do
  export SERVER=$server
  printf '  %-12s ' "$server"
  case $server in
    redis-7.0) LD_LIBRARY_PATH=$tmp/root/usr/lib/x86_64-linux-gnu python3 cluster.py "$tmp/root/usr/bin/redis-server" ;;
    redis-8.0) python3 cluster.py "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" "$tmp/root13/usr/bin/redis-server" ;;
    valkey-8.1) python3 cluster.py "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" "$tmp/root13/usr/bin/valkey-server" ;;
  esac
done
