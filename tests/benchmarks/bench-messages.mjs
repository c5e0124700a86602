// SPDX-License-Identifier: LGPL-2.1-or-later

// Messages on ioredis: node bench-messages.mjs {handler|pattern} SOCKET COUNT CHANNELS SIZE
// The text of each message is read. The last one has another length than those before it, which are counted then: none may be
// missing, and none come twice.

import {createRequire} from 'node:module';
import process from 'node:process';
import {join} from 'node:path';

const require = createRequire(join(process.env.BENCH_NODE_MODULES, 'x.js'));
const {Redis} = require('ioredis');
const [workload, path, ...numbers] = process.argv.slice(2);
const [count, nChannels, size] = numbers.map(Number);
const channels = Array.from({length: nChannels}, (_, i) => `bench:${String(i).padStart(12, '0')}`);
const client = new Redis(path);
let n = 0, start, startCpu;

function report() {
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    const cpu = process.cpuUsage(startCpu);
    if (n !== count)
        throw new Error(`${n} messages of ${count}`);
    console.log(JSON.stringify({ops: n, seconds, rate: n / seconds, cpu_usec: (cpu.user + cpu.system) / n}));
    process.exit(0);
}

function take(text) {
    if (text.length !== size) {
        report();
        return;
    }
    if (n++ === 0) {
        start = process.hrtime.bigint();
        startCpu = process.cpuUsage();
    }
}

if (workload === 'pattern') {
    client.on('pmessage', (_pattern, _channel, text) => take(text));
    await client.psubscribe('bench:*');
} else {
    client.on('message', (_channel, text) => take(text));
    await client.subscribe(...channels);
}
console.log('ready');
