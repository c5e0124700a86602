#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# XACK: an acknowledgement to a group, or of a stream, that is not there is answered as one of an entry that is not pending.
#
# Seen with: Redis 7.0.15 (Debian 5:7.0.15-1~deb12u10).
#
# What one would think: XACK says NOGROUP where there is no such group, as XREADGROUP, XPENDING, XCLAIM, XAUTOCLAIM and XGROUP
# do. Who gets a number knows that the group has seen it, and one who makes a group again on NOGROUP is asked by XACK too.
#
# What comes: 0, which is also the answer for what was acknowledged before. So an acknowledgement that is on its way when a group
# is deleted and made again is lost without a word: the new group delivers the entry once more, and a consumer that takes this for
# what it has just acknowledged leaves it pending for good. Nor does XACK tell that the stream is gone.
#
# Output seen, twice:
#   XACK, pending: 1
#   XACK, again: 0
#   XACK, group deleted: 0
#   XREADGROUP, group deleted: NOGROUP
#   XPENDING, group deleted: NOGROUP
#   XCLAIM, group deleted: NOGROUP
#   XAUTOCLAIM, group deleted: NOGROUP
#   XGROUP DELCONSUMER, group deleted: NOGROUP
#   XACK, no stream: 0
#   XREADGROUP, no stream: NOGROUP
#   made again, delivers: 1-1
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

# Its number, or the first word of its error.
call ()
{
  root/usr/bin/redis-cli -s "$tmp/socket" "$@" | sed -n '1s/ .*//;1p'
}

{
  call XGROUP CREATE s g 0 MKSTREAM >/dev/null
  call XADD s 1-1 a b >/dev/null
  call XREADGROUP GROUP g c STREAMS s '>' >/dev/null
  echo "XACK, pending: $(call XACK s g 1-1)"
  echo "XACK, again: $(call XACK s g 1-1)"
  call XGROUP DESTROY s g >/dev/null
  echo "XACK, group deleted: $(call XACK s g 1-1)"
  echo "XREADGROUP, group deleted: $(call XREADGROUP GROUP g c STREAMS s '>')"
  echo "XPENDING, group deleted: $(call XPENDING s g)"
  echo "XCLAIM, group deleted: $(call XCLAIM s g c 0 1-1)"
  echo "XAUTOCLAIM, group deleted: $(call XAUTOCLAIM s g c 0 0)"
  echo "XGROUP DELCONSUMER, group deleted: $(call XGROUP DELCONSUMER s g c)"
  call DEL s >/dev/null
  echo "XACK, no stream: $(call XACK s g 1-1)"
  echo "XREADGROUP, no stream: $(call XREADGROUP GROUP g c STREAMS s '>')"
  call XGROUP CREATE s g 0 MKSTREAM >/dev/null
  call XADD s 1-1 a b >/dev/null
  call XREADGROUP GROUP g c STREAMS s '>' >/dev/null
  call XGROUP DESTROY s g >/dev/null
  call XACK s g 1-1 >/dev/null
  call XGROUP CREATE s g 0 >/dev/null
  echo "made again, delivers: $(root/usr/bin/redis-cli -s "$tmp/socket" XREADGROUP GROUP g c STREAMS s '>' | sed -n 2p)"
} | tee now

cat >seen <<'END'
XACK, pending: 1
XACK, again: 0
XACK, group deleted: 0
XREADGROUP, group deleted: NOGROUP
XPENDING, group deleted: NOGROUP
XCLAIM, group deleted: NOGROUP
XAUTOCLAIM, group deleted: NOGROUP
XGROUP DELCONSUMER, group deleted: NOGROUP
XACK, no stream: 0
XREADGROUP, no stream: NOGROUP
made again, delivers: 1-1
END
if ! diff seen now; then
  echo 'CHANGED: this is no longer what happens' >&2
  exit 1
fi
