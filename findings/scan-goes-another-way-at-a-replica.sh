#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SCAN: the cursor of a master means other keys at its replica.
#
# Seen with: Redis 7.0.15 (Debian 5:7.0.15-1~deb12u10).
#
# What one would think: a replica has the keys of its master, and a cursor is a place among them, so a scan may go on at the
# replica, such as after a failover: keys that are there all the time are told at least once.
#
# What comes: each process has its keys in an order of its own, by a seed that it draws when it starts. The same cursor is
# taken without an error and goes through other keys. Of a scan that is half at the master and half at the replica a quarter of
# the keys are missing, and as many come twice. A client that scans has to begin a node again when another server is there.
#
# Output seen, twice:
#   keys at the master 1000, at the replica 1000
#   all at the master: 1000 different keys
#   all at the replica: 1000 different keys
#   half and half: more than 100 keys missing, no error
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update), python3. Takes 8 s.

set -euo pipefail

packages=(redis-server=5:7.0.15-1~deb12u10 redis-tools=5:7.0.15-1~deb12u10
  libjemalloc2=5.3.0-1 liblzf1=3.6-3 libatomic1=12.2.0-14+deb12u1)

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
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null
for deb in ./*.deb; do dpkg-deb -x "$deb" root; done
export LD_LIBRARY_PATH=$tmp/root/usr/lib/x86_64-linux-gnu

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
start ()
{
  root/usr/bin/redis-server --unixsocket "$tmp/$1.sock" --save '' --dir "$tmp" "${@:2}" >/dev/null &
  servers+=($!)
  until [ -S "$tmp/$1.sock" ]; do sleep 0.05; done
}
call ()
{
  root/usr/bin/redis-cli -s "$tmp/$1.sock" "${@:2}"
}
start master --bind 127.0.0.1 --port "$port"
start replica --port 0 --replicaof 127.0.0.1 "$port"
for i in $(seq 1000); do echo "SET key:$i 1"; done | call master >/dev/null
until [ "$(call replica DBSIZE)" = 1000 ]; do sleep 0.05; done

# scan SERVER CURSOR STEPS: keys, of so many steps; the cursor behind them is in the file.
scan ()
{
  local cursor=$2 steps=$3 page

  while
    page=$(call "$1" SCAN "$cursor" COUNT 50)
    cursor=$(head -n 1 <<<"$page")
    tail -n +2 <<<"$page"
    steps=$((steps - 1))
    [ "$cursor" != 0 ] && [ "$steps" != 0 ]
  do :; done
  echo "$cursor" >cursor
}

{
  echo "keys at the master $(call master DBSIZE), at the replica $(call replica DBSIZE)"
  echo "all at the master: $(scan master 0 0 | sort -u | grep -c key:) different keys"
  echo "all at the replica: $(scan replica 0 0 | sort -u | grep -c key:) different keys"
  {
    scan master 0 10
    scan replica "$(cat cursor)" 0
  } >keys
  different=$(sort -u keys | grep -c key:)
  if [ "$different" -lt 900 ] && ! grep -q ERR keys; then
    echo 'half and half: more than 100 keys missing, no error'
  else
    echo "half and half: $different different keys"
  fi
} | tee now

cat >seen <<'END'
keys at the master 1000, at the replica 1000
all at the master: 1000 different keys
all at the replica: 1000 different keys
half and half: more than 100 keys missing, no error
END
if ! diff seen now; then
  echo 'CHANGED: this is no longer what happens' >&2
  exit 1
fi
