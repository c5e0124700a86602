#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis and Valkey Cluster: the epoch of a replica that is cut off from all others grows by itself, so that the node that knows
# least has the greatest one.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3), all alike.
#
# What one would think: cluster_current_epoch is what the masters have agreed on, as the term of a leader is elsewhere; of two
# nodes that say different things of the cluster the one with the greater epoch has the newer view.
#
# What comes: a replica whose master has failed begins an election by taking the next epoch for itself, asks for votes, hears
# nothing, and begins another one with the epoch after that, without end. It says cluster_state:fail all the while.
#
# Output seen, twice (each server the same):
#   before: 3; a replica that is alone: 4, 5, 6, state fail
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update) and the keys of Debian 13 (debian-archive-keyring of
# 2025), python3. Takes two minutes.

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
import signal
import socket
import subprocess
import sys
import time

command = sys.argv[1:]
PATIENCE = 60


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

    def send(self, line):
        self.socket.sendall(line.encode() + b'\r\n')

    def read(self):
        line = self.file.readline().decode().rstrip()
        if line[0] == '$':
            return self.file.read(int(line[1:]) + 2).decode(errors='replace').rstrip()
        if line[0] == '*':
            return [self.read() for _ in range(int(line[1:]))]
        return line[1:]

    def ask(self, line):
        self.send(line)
        return self.read()

    def about(self, field):
        return self.ask('CLUSTER INFO').partition(f'cluster_{field}:')[2].split()[0]


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(.02)


processes = []
try:
    ports = [free_port() for _ in range(4)]
    for i, port in enumerate(ports):
        directory = pathlib.Path(f'{os.getpid()}-{i}')
        directory.mkdir()
        processes.append(subprocess.Popen(
            [*command, '--port', str(port), '--bind', '127.0.0.1', '--dir', str(directory), '--save', '', '--cluster-enabled', 'yes',
             '--cluster-node-timeout', '1000',
             '--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0'], stdout=subprocess.DEVNULL))
    nodes = [Connection(port) for port in ports]
    for i, slots in enumerate(('0 5460', '5461 10922', '10923 16383')):
        assert nodes[i].ask(f'CLUSTER ADDSLOTSRANGE {slots}') == 'OK'
        nodes[i].ask(f'CLUSTER SET-CONFIG-EPOCH {i + 1}')
    home = 0
    for port in ports[1:]:
        nodes[0].ask(f'CLUSTER MEET 127.0.0.1 {port}')
    until(lambda: all('cluster_known_nodes:4' in node.ask('CLUSTER INFO') for node in nodes))
    until(lambda: nodes[3].ask(f'CLUSTER REPLICATE {nodes[home].ask("CLUSTER MYID")}') == 'OK')
    until(lambda: all('cluster_state:ok' in node.ask('CLUSTER INFO') for node in nodes))
    until(lambda: nodes[home].ask('INFO replication').count('state=online') == 1)
    until(lambda: len({node.about('current_epoch') for node in nodes}) == 1)
    before = int(nodes[3].about('current_epoch'))

    # The others agree that the master has failed, and are not there to vote.
    processes[0].kill()
    until(lambda: 'master,fail ' in nodes[3].ask('CLUSTER NODES'))
    for process in processes[1:3]:
        process.send_signal(signal.SIGSTOP)
    epochs = []
    end = time.monotonic() + PATIENCE
    while len(epochs) < 3 and time.monotonic() < end:
        epoch = int(nodes[3].about('current_epoch'))
        if epoch > before and epoch not in epochs:
            epochs.append(epoch)
        time.sleep(.02)
    state = nodes[3].about('state')
    print(f'  before: {before}; a replica that is alone: {", ".join(map(str, epochs))}, state {state}')
    as_seen = epochs == [before + 1, before + 2, before + 3] and state == 'fail'
finally:
    for process in processes:
        process.kill()
        process.wait()
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END

for server in redis-7.0 redis-8.0 valkey-8.1; do
  echo "$server"
  case $server in
    redis-7.0) LD_LIBRARY_PATH=$tmp/root/usr/lib/x86_64-linux-gnu python3 cluster.py "$tmp/root/usr/bin/redis-server" ;;
    redis-8.0) python3 cluster.py "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" "$tmp/root13/usr/bin/redis-server" ;;
    valkey-8.1) python3 cluster.py "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" "$tmp/root13/usr/bin/valkey-server" ;;
  esac
done
