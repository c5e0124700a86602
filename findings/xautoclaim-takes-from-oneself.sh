#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# XAUTOCLAIM: a consumer that looks for what others have left takes from itself, too, which counts as a delivery.
#
# Seen with: Redis 7.0.15 (Debian 5:7.0.15-1~deb12u10).
#
# What one would think: it takes entries over from consumers that are gone. One that works on an entry for longer than the
# idle time, and looks meanwhile for those of others, does not get its own once more; and how often an entry was delivered is how
# often it was given to somebody.
#
# What comes: its own entries that are idle come as if they were another's, with each look, and their count grows with it. A
# consumer that counts deliveries, to put away what nobody can deal with, so puts away what it is working on. And an entry that
# was deleted is read from the beginning (0) without being counted, unlike the one before it.
#
# Output seen, twice:
#   delivered to alone: 1 time
#   XAUTOCLAIM by alone, of alone: 1-1
#   delivered to alone: 2 times
#   read again from 0, with 2-1 deleted: 1-1 3 times, 2-1 1 time
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update). Takes 5 s.

set -euo pipefail

packages=(redis-server=5:7.0.15-1~deb12u10 redis-tools=5:7.0.15-1~deb12u10
  libjemalloc2=5.3.0-1 liblzf1=3.6-3 libatomic1=12.2.0-14+deb12u1)

tmp=$(mktemp -d)
server=
cleanup ()
{
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$tmp"
}
trap cleanup EXIT

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null
for deb in ./*.deb; do dpkg-deb -x "$deb" root; done
export LD_LIBRARY_PATH=$tmp/root/usr/lib/x86_64-linux-gnu
root/usr/bin/redis-server --port 0 --unixsocket "$tmp/socket" --save '' --dir "$tmp" >/dev/null &
server=$!
until [ -S socket ]; do sleep 0.05; done

call ()
{
  root/usr/bin/redis-cli -s "$tmp/socket" "$@"
}
# How often an entry was delivered.
count ()
{
  local n

  n=$(call XPENDING s g "$1" "$1" 1 | tail -n 1)
  if [ "$n" = 1 ]; then echo "$n time"; else echo "$n times"; fi
}

{
  call XGROUP CREATE s g 0 MKSTREAM >/dev/null
  call XADD s 1-1 a b >/dev/null
  call XREADGROUP GROUP g alone STREAMS s '>' >/dev/null
  echo "delivered to alone: $(count 1-1)"
  echo "XAUTOCLAIM by alone, of alone: $(call XAUTOCLAIM s g alone 0 0 JUSTID | sed -n 2p)"
  call XAUTOCLAIM s g alone 0 0 >/dev/null
  echo "delivered to alone: $(count 1-1)"
  call XADD s 2-1 a b >/dev/null
  call XREADGROUP GROUP g alone STREAMS s '>' >/dev/null
  call XDEL s 2-1 >/dev/null
  call XREADGROUP GROUP g alone STREAMS s 0 >/dev/null
  echo "read again from 0, with 2-1 deleted: 1-1 $(count 1-1), 2-1 $(count 2-1)"
} | tee now

cat >seen <<'END'
delivered to alone: 1 time
XAUTOCLAIM by alone, of alone: 1-1
delivered to alone: 2 times
read again from 0, with 2-1 deleted: 1-1 3 times, 2-1 1 time
END
if ! diff seen now; then
  echo 'CHANGED: this is no longer what happens' >&2
  exit 1
fi
