#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Valkey 8.1: a node's availability-zone is said by the node itself, in HELLO and INFO, to whoever is connected to it. What
# the cluster says of its nodes has none, so that nobody can choose a node nearby before connecting to all.
#
# Seen with: valkey-server 8.1.1 (Debian 8.1.1+dfsg1-3+deb13u3).
#
# What one would think: the zone is for clients of a cluster, to read from a replica nearby; they find out about nodes by
# CLUSTER SHARDS, which has a map for each node that new fields can be added to, and so there it is, as in CLUSTER SLOTS,
# whose nodes have such a map too.
#
# What comes: with availability-zone set, CLUSTER SHARDS, SLOTS and NODES are as without. HELLO in RESP2 and RESP3 has one
# field more, INFO server has a line, which is there and empty where no zone is set; HELLO has the field only when it is.
#
# Output seen, twice:
#   no zone:    HELLO 2 no   HELLO 3 no   INFO server availability_zone:   SHARDS no   SLOTS no   NODES no
#   zone-b:     HELLO 2 yes  HELLO 3 yes  INFO server availability_zone:zone-b   SHARDS no   SLOTS no   NODES no
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update) and the keys of Debian 13 (debian-archive-keyring of
# 2025), python3. Takes 20 s.

set -euo pipefail

debian13=(valkey-server=8.1.1+dfsg1-3+deb13u3)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd "$tmp"
mkdir -p lists cache
# Debian 13's, and what it needs, from the mirror that apt has here; its own loader runs it.
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

cat >zones.py <<'END'
import socket
import subprocess
import sys
import time

PATIENCE = 60
WORD = b'availability_zone'
OTHER_WORD = b'availability-zone'


def ask(*words):
    """All that comes to a command, and to an ECHO behind it. The zone's own name is in none of the words."""
    with socket.create_connection(('127.0.0.1', port)) as stream:
        for command in (words, ('ECHO', 'the-end')):
            stream.sendall(b'*%d\r\n' % len(command) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w.encode()) for w in command))
        came = b''
        while not came.endswith(b'the-end\r\n'):
            more = stream.recv(65536)
            if not more:
                raise ConnectionError
            came += more
        return came


def says(*words):
    came = ask(*words)
    return 'yes' if WORD in came or OTHER_WORD in came or b'zone-b' in came else 'no'


def describe(title):
    info = next(line for line in ask('INFO', 'server').decode().splitlines() if line.startswith(WORD.decode()))
    return (f'{title + ":":11} HELLO 2 {says("HELLO", "2"):4} HELLO 3 {says("HELLO", "3"):4} INFO server {info}   '
            + '   '.join(f'{what} {says("CLUSTER", what)}' for what in ('SHARDS', 'SLOTS', 'NODES')))


while True:
    with socket.socket() as probe, socket.socket() as bus:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
        if port + 10000 > 65535:
            continue
        try:
            bus.bind(('127.0.0.1', port + 10000))
        except OSError:
            continue
        break

server = subprocess.Popen([*sys.argv[1:], '--port', str(port), '--bind', '127.0.0.1', '--cluster-enabled', 'yes', '--save', ''],
                          stdout=subprocess.DEVNULL)
try:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            ask('PING')
            break
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
    ask('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    lines = [describe('no zone')]
    ask('CONFIG', 'SET', 'availability-zone', 'zone-b')
    lines.append(describe('zone-b'))
finally:
    server.kill()
    server.wait()

print('\n'.join('  ' + line for line in lines))
sys.exit(0 if lines == [
    'no zone:    HELLO 2 no   HELLO 3 no   INFO server availability_zone:   SHARDS no   SLOTS no   NODES no',
    'zone-b:     HELLO 2 yes  HELLO 3 yes  INFO server availability_zone:zone-b   SHARDS no   SLOTS no   NODES no',
] else 'CHANGED: this is no longer what happens')
END

/usr/bin/python3 zones.py "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" root13/usr/bin/valkey-server
