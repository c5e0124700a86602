#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# TCP_USER_TIMEOUT ends a connection on which replies arrive all the time.
#
# Seen with: Linux 6.18 (loopback), redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), Python 3.11.
#
# What one would think: the option ends a connection whose peer does not acknowledge for that long. The socket of
# this client is never full (send() takes all 489 KB), the server's kernel acknowledges all that it is sent, and
# replies arrive all the time, never more than 1.4 s apart.
#
# What comes: 60 pipelined commands of 8 KB that take the server 0.2 s each, with TCP_USER_TIMEOUT = 3 s, end in
# ETIMEDOUT after 3.2 to 3.5 s with 12 of the 60 replies. Without the option all 60 arrive.
#
# Why: the receive window is full, so the rest waits in the client's kernel, which asks the server's kernel by
# zero-window probes. The time counts from the first such probe. It begins anew only when the window opens far
# enough for the first whole buffer in the queue; a server that takes the bytes in smaller steps never gets there.
# Answers to the probes, acknowledged bytes and arriving replies do not count. TCP_INFO does not show that clock.
#
# Output seen (the second line has 2 s of what the server still had to do for the first):
#   TCP_USER_TIMEOUT 3000 ms: ETIMEDOUT after 3.2 s, 12 of 60 replies, never more than 1.3 s apart, 0 bytes not sent
#   without:                  no error, 60 of 60 replies in 13.6 s
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update), python3, Linux. Takes 20 s.

set -euo pipefail

packages=(redis-server=5:7.0.15-1~deb12u10 redis-tools=5:7.0.15-1~deb12u10
          libjemalloc2=5.3.0-1 liblzf1=3.6-3 libatomic1=12.2.0-14+deb12u1)

tmp=$(mktemp -d)
server=
cleanup ()
{
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$tmp"
}
trap cleanup EXIT

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null
for deb in *.deb; do dpkg-deb -x "$deb" root; done
export LD_LIBRARY_PATH=$tmp/root/usr/lib/x86_64-linux-gnu

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$tmp/root/usr/bin/redis-server" --port "$port" --bind 127.0.0.1 --save '' --busy-reply-threshold 60000 \
  --dir "$tmp" >"$tmp/log" 2>&1 &
server=$!

python3 - "$port" <<'EOF'
import errno
import select
import socket
import sys
import time

COUNT = 60
SCRIPT = (b"local t = redis.call('TIME'); local till = t[1] * 1e6 + t[2] + 200000; "
          b"repeat t = redis.call('TIME') until t[1] * 1e6 + t[2] >= till; return 1")


def connect(port):
    for _ in range(100):
        try:
            return socket.create_connection(('127.0.0.1', port))
        except ConnectionRefusedError:
            time.sleep(0.05)
    sys.exit('the server did not start')


def command(*words):
    return b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(word), word) for word in words)


def pipeline(port, user_timeout):
    s = connect(port)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, user_timeout)
    s.setblocking(False)
    rest = memoryview(command(b'EVAL', SCRIPT, b'0', b'x' * 8000) * COUNT)
    replies = 0
    begin = last = time.monotonic()
    gap = 0
    error = 0
    poll = select.poll()
    while replies < COUNT and not error:
        poll.register(s, select.POLLIN | (select.POLLOUT if rest else 0))
        for _, events in poll.poll():
            try:
                if events & select.POLLOUT:
                    rest = rest[s.send(rest):]
                if events & select.POLLIN:
                    data = s.recv(65536)
                    replies += data.count(b':1\r\n')
                    gap = max(gap, time.monotonic() - last)
                    last = time.monotonic()
                    if not data:
                        error = errno.ECONNRESET
            except BlockingIOError:
                pass
            except OSError as e:
                error = e.errno
    now = time.monotonic()
    s.close()
    return error, now - begin, replies, max(gap, now - last), len(rest)


port = int(sys.argv[1])
error, took, replies, gap, unsent = pipeline(port, 3000)
print('TCP_USER_TIMEOUT 3000 ms: %s after %.1f s, %d of %d replies, never more than %.1f s apart, %d bytes not sent'
      % (errno.errorcode.get(error, 'no error'), took, replies, COUNT, gap, unsent))
without = pipeline(port, 0)
print('without:                  %s, %d of %d replies in %.1f s'
      % (errno.errorcode.get(without[0], 'no error'), without[2], COUNT, without[1]))

as_seen = (error == errno.ETIMEDOUT and 0 < replies < COUNT and gap < 3 and unsent == 0
           and without[0] == 0 and without[2] == COUNT)
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
EOF
