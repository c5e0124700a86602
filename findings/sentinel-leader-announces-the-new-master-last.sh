#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Redis Sentinel, Valkey: the sentinel that carries out a failover is the last to publish +switch-master, and names the new
# master to those who ask long before; the old master, when it comes back meanwhile, takes writes and loses them.
#
# Seen with: redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), redis-server 8.0.2 (5:8.0.2-3+deb13u3), valkey-server
# 8.1.1 (8.1.1+dfsg1-3+deb13u3), all alike.
#
# What one would think: +switch-master of any sentinel is the moment to go to the new master, and the one that has made it
# the master knows first. A client that listens to one sentinel is as well off as one that listens to three. And a server
# that sentinels watch and have replaced is a replica as soon as it is back.
#
# What comes:
#   - The leader answers SENTINEL GET-MASTER-ADDR-BY-NAME with the new master as soon as it is one. It publishes
#     +switch-master when the other replicas have been reconfigured, about a second after all other sentinels.
#   - The others publish it at the moment from which they name the new master.
#   - The old master comes back as a master, because nobody has told it otherwise: it says so in ROLE and takes writes for
#     seconds: ten most times, three once. Then it is made a replica, and what was written is gone.
#   - While all this happens, a replica that has become the master is a master by ROLE before any sentinel names it.
#
# Output seen, twice, but for the times (each server the same):
#   heir is a master by ROLE      0.3 s
#   leader names the heir         1.1 s
#   others name the heir          1.3 s   publish +switch-master  1.3 s
#   leader                                publishes +switch-master  2.3 s
#   old master comes back: ROLE says master, SET is OK; after 10 s it is a replica, and the key is gone
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

cat >group.py <<'END'
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
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=20)
        self.file = self.socket.makefile('rb')

    def send(self, line):
        self.socket.sendall(line.encode() + b'\r\n')

    def read(self):
        line = self.file.readline().decode().rstrip()
        if line[0] == '$':
            return None if line == '$-1' else self.file.read(int(line[1:]) + 2).decode(errors='replace').rstrip()
        if line[0] == '*':
            return [self.read() for _ in range(int(line[1:]))]
        return line[1:]

    def ask(self, line):
        self.send(line)
        return self.read()


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(.005)


def connect(port):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            connection = Connection(port)
            connection.ask('PING')
            return connection
        except (OSError, IndexError):
            time.sleep(.02)
    raise AssertionError('it does not start')


class Link:
    """One that is made anew when the server has cut it, as those of servers are whose role changes."""

    def __init__(self, port):
        self.port = port
        self.connection = connect(port)

    def ask(self, line):
        while True:
            try:
                return self.connection.ask(line)
            except (OSError, IndexError):
                self.connection = connect(self.port)


processes = []


def start(port, name, *words, config=None):
    directory = pathlib.Path(f'{os.getpid()}-{name}')
    directory.mkdir(exist_ok=True)
    if config is not None:
        (directory / 'sentinel.conf').write_text(config)
        words = (str(directory / 'sentinel.conf'), '--sentinel', *words)
    process = subprocess.Popen([*command, *words, '--port', str(port), '--bind', '127.0.0.1', '--dir', str(directory)],
                               stdout=subprocess.DEVNULL)
    processes.append(process)
    return process


def run():
    ports = [free_port() for _ in range(6)]
    servers = [start(port, f'server{i}', '--save', '', '--repl-diskless-sync-delay', '0',
                     *(('--replicaof', '127.0.0.1', str(ports[0])) if i > 0 else ()))
               for i, port in enumerate(ports[:3])]
    links = [Link(port) for port in ports[:3]]
    until(lambda: links[0].ask('INFO replication').count('state=online') == 2)
    for i, port in enumerate(ports[3:]):
        start(port, f'sentinel{i}', config=f'sentinel monitor main 127.0.0.1 {ports[0]} 2\n'
              'sentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n')
    sentinels = [connect(port) for port in ports[3:]]
    listeners = [connect(port) for port in ports[3:]]
    until(lambda: all(len(sentinel.ask('SENTINEL SENTINELS main')) == 2 and
                      len(sentinel.ask('SENTINEL REPLICAS main')) == 2 for sentinel in sentinels))
    for listener in listeners:
        listener.ask('SUBSCRIBE +switch-master')
        listener.socket.setblocking(False)

    # The one that is told to is the leader.
    assert sentinels[0].ask('SENTINEL FAILOVER main') == 'OK'
    begun = time.monotonic()
    named, published, promoted = {}, {}, None
    while len(published) < 3:
        assert time.monotonic() < begun + PATIENCE, 'no failover'
        for link in links[1:]:
            if promoted is None and link.ask('ROLE')[0] == 'master':
                promoted = time.monotonic() - begun
        for i in range(3):
            if i not in named and sentinels[i].ask('SENTINEL GET-MASTER-ADDR-BY-NAME main')[1] != str(ports[0]):
                named[i] = time.monotonic() - begun
            try:
                if i not in published and listeners[i].socket.recv(1000):
                    published[i] = time.monotonic() - begun
            except BlockingIOError:
                pass
        time.sleep(.002)
    print(f'  heir is a master by ROLE    {promoted:4.1f} s')
    print(f'  leader names the heir       {named[0]:4.1f} s')
    print(f'  others name the heir        {max(named[1], named[2]):4.1f} s   '
          f'publish +switch-master {max(published[1], published[2]):4.1f} s')
    print(f'  leader                              publishes +switch-master {published[0]:4.1f} s')

    # A master that dies, and is back when another has been made one.
    master = ports.index(int(sentinels[0].ask('SENTINEL GET-MASTER-ADDR-BY-NAME main')[1]))
    until(lambda: all(sentinel.ask('SENTINEL GET-MASTER-ADDR-BY-NAME main')[1] == str(ports[master])
                      for sentinel in sentinels))
    until(lambda: links[master].ask('INFO replication').count('state=online') == 2)
    return ports, servers, sentinels, links, master, named, published, promoted


try:
    ports, servers, sentinels, links, master, named, published, promoted = run()
    last = (promoted <= min(named.values()) + .05 and named[0] < published[0] - .5 and
            published[0] > max(published[1], published[2]))

    servers[master].send_signal(signal.SIGKILL)
    servers[master].wait()
    until(lambda: all(sentinel.ask('SENTINEL GET-MASTER-ADDR-BY-NAME main')[1] != str(ports[master])
                      for sentinel in sentinels))
    start(ports[master], f'server{master}', '--save', '')
    link = Link(ports[master])
    back = time.monotonic()
    role, written = link.ask('ROLE')[0], link.ask('SET lost 1')

    until(lambda: link.ask('ROLE')[0] == 'slave')
    seconds = time.monotonic() - back
    until(lambda: 'master_link_status:up' in link.ask('INFO replication'))
    left = link.ask('GET lost')
    print(f'  old master comes back: ROLE says {role}, SET is {written}; after {seconds:.0f} s it is a replica, and the key is '
          f'{"gone" if left is None else "there"}')
    as_seen = last and role == 'master' and written == 'OK' and seconds > 1 and left is None
finally:
    for process in processes:
        process.kill()
        process.wait()
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END

for server in redis-7.0 redis-8.0 valkey-8.1; do
  echo "$server"
  case $server in
    redis-7.0) LD_LIBRARY_PATH=$tmp/root/usr/lib/x86_64-linux-gnu python3 group.py "$tmp/root/usr/bin/redis-server" ;;
    redis-8.0) python3 group.py "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" "$tmp/root13/usr/bin/redis-server" ;;
    valkey-8.1) python3 group.py "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" "$tmp/root13/usr/bin/valkey-server" ;;
  esac
done
