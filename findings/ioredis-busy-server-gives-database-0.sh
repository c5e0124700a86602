#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ioredis: a client of database 5 that connects while a script runs writes to database 0.
#
# Seen with: ioredis 5.4.1 (and 6.0.0: give it as the argument) with enableReadyCheck: false,
# redis-server 7.0.15 (Debian 5:7.0.15-1~deb12u10), Node.js 20.20.
#
# What one would think: "db: 5" is kept or the connection fails. A server that is busy refuses commands; what is
# answered OK went where the options say.
#
# What comes: past busy-reply-threshold (5 s by default) of a script the server answers -BUSY to all but a few
# commands; HELLO and AUTH are among the few, SELECT and PING are not. The client's SELECT 5 is refused; an "error"
# event says so, but the client is ready all the same and stays connected. When the script has ended, SET is
# answered OK and CLIENT INFO says db=0: the key is in database 0, and all later commands go there.
# With the ready check (the default) the INFO that it sends is refused, too, and the client connects anew until
# it is answered.
#
# Output seen, twice:
#   enableReadyCheck: false  errors BUSY; SET: OK; db=0; key in database 0: 1
#   default                  errors BUSY; SET: OK; db=5; key in database 0: 0
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update), Node.js 18 or later with npm. Takes 15 s.

set -euo pipefail

packages=(redis-server=5:7.0.15-1~deb12u10 redis-tools=5:7.0.15-1~deb12u10
          libjemalloc2=5.3.0-1 liblzf1=3.6-3 libatomic1=12.2.0-14+deb12u1)
ioredis=${1:-5.4.1}

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
npm install --prefix "$tmp" --no-audit --no-fund --silent "ioredis@$ioredis" >/dev/null

LD_LIBRARY_PATH=$tmp/root/usr/lib/x86_64-linux-gnu "$tmp/root/usr/bin/redis-server" \
  --port 0 --unixsocket "$tmp/socket" --save '' --busy-reply-threshold 100 --dir "$tmp" >"$tmp/log" 2>&1 &
server=$!
for _ in $(seq 100); do [ -S "$tmp/socket" ] && break; sleep 0.05; done

cat >run.js <<'EOF'
const Redis = require ('ioredis');
const path = process.argv[2];

const script = "local t = redis.call ('TIME'); local till = t[1] * 1e6 + t[2] + 1500000; "
  + "repeat t = redis.call ('TIME') until t[1] * 1e6 + t[2] >= till; return 1";
const later = (msec) => new Promise ((done) => setTimeout (done, msec));

async function connectWhileBusy (other, options)
{
  const errors = new Set ();
  const busy = other.eval (script, 0);
  await later (400);

  const client = new Redis (path, { db: 5, ...options });
  client.on ('error', (error) => errors.add (error.message.split (' ')[0]));
  await busy;
  await later (300);

  const reply = await client.set ('key', 'value');
  const database = /db=(\d+)/.exec (await client.client ('INFO'))[1];
  const inZero = await other.exists ('key');
  await other.flushall ();
  client.disconnect ();
  return `errors ${[...errors]}; SET: ${reply}; db=${database}; key in database 0: ${inZero}`;
}

(async () =>
{
  const other = new Redis (path);
  await other.ping ();
  const without = await connectWhileBusy (other, { enableReadyCheck: false });
  const checked = await connectWhileBusy (other, {});
  other.disconnect ();

  console.log ('enableReadyCheck: false  ' + without);
  console.log ('default                  ' + checked);
  if (without !== 'errors BUSY; SET: OK; db=0; key in database 0: 1'
      || checked !== 'errors BUSY; SET: OK; db=5; key in database 0: 0')
    {
      console.error ('CHANGED: this is no longer what happens');
      process.exitCode = 1;
    }
}) ();
EOF
timeout 60 node run.js "$tmp/socket"
