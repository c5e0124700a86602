// SPDX-License-Identifier: LGPL-2.1-or-later

// Entries of a stream on ioredis: node bench-streams.mjs {group-batches|read} SOCKET COUNT
// Each entry has its field looked at; with a group each is acknowledged, those of a batch together. As many are read at a time as come over at
// a time in our drivers. ioredis makes no objects of the fields, so this does.

import {createRequire} from 'node:module';
import process from 'node:process';
import {join} from 'node:path';

const require = createRequire(join(process.env.BENCH_NODE_MODULES, 'x.js'));
const {Redis} = require('ioredis');
const [workload, path, number] = process.argv.slice(2);
const count = Number(number);
const client = new Redis(path);
const stream = 'bench:stream';

function getFields(list) {
    const fields = {};
    for (let i = 0; i < list.length; i += 2)
        fields[list[i]] = list[i + 1];
    return fields;
}

await client.ping();
if (workload === 'group-batches')
    await client.xgroup('CREATE', stream, 'g', '0');
const startCpu = process.cpuUsage();
const start = process.hrtime.bigint();
let n = 0;
let last = '0';
while (n < count) {
    const replies = workload === 'group-batches'
        ? await client.xreadgroup('GROUP', 'g', 'c', 'COUNT', 256, 'BLOCK', 5000, 'STREAMS', stream, '>')
        : await client.xread('COUNT', 256, 'BLOCK', 5000, 'STREAMS', stream, last);
    const [[, entries]] = replies;
    for (const [, list] of entries)
        n += getFields(list).value.length === 32;
    last = entries[entries.length - 1][0];
    if (workload === 'group-batches')
        await client.xack(stream, 'g', ...entries.map(([id]) => id));
}
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
const cpu = process.cpuUsage(startCpu);
console.log(JSON.stringify({ops: n, seconds, rate: n / seconds, cpu_usec: (cpu.user + cpu.system) / n}));
process.exit(0);
