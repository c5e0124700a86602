// SPDX-License-Identifier: LGPL-2.1-or-later

// A scan of all keys on ioredis: node bench-scan.mjs SOCKET KEYS COUNT
// With a COUNT of 0 none is given.

import {createRequire} from 'node:module';
import process from 'node:process';
import {join} from 'node:path';

const require = createRequire(join(process.env.BENCH_NODE_MODULES, 'x.js'));
const {Redis} = require('ioredis');
const [path, ...numbers] = process.argv.slice(2);
const [nKeys, count] = numbers.map(Number);
const DATABASE = 1;
const client = new Redis(path, {db: DATABASE});

await client.ping();
const start = process.hrtime.bigint(), startCpu = process.cpuUsage();
let n = 0;
for await (const keys of client.scanStream(count > 0 ? {count} : {}))
    n += keys.length;
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
const cpu = process.cpuUsage(startCpu);
if (n < nKeys)
    throw new Error(`${n} keys of ${nKeys}`);
console.log(JSON.stringify({ops: n, seconds, rate: n / seconds, cpu_usec: (cpu.user + cpu.system) / n}));
client.disconnect();
