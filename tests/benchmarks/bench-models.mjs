// SPDX-License-Identifier: LGPL-2.1-or-later

// A long list as a window shows it, on ioredis: node bench-models.mjs {fill|follow} SOCKET COUNT
// As the peer of bench-models.py.

import {createRequire} from 'node:module';
import process from 'node:process';
import {join} from 'node:path';

const require = createRequire(join(process.env.BENCH_NODE_MODULES, 'x.js'));
const {Redis} = require('ioredis');
const [workload, path, number] = process.argv.slice(2);
const count = Number(number);
const LIST = 'bench:model';
const PAGE = 50;
const client = new Redis(path);
const writer = new Redis(path);
const subscriber = new Redis(path);

async function fill() {
    const length = await client.llen(LIST);
    let n = 0;
    for (let first = 0; first < length; first += PAGE) {
        for (const text of await client.lrange(LIST, first, first + PAGE - 1))
            n += text.length === 32;
    }
    if (n !== count)
        throw new Error(`${n} rows of ${count}`);
}

async function follow() {
    let n_messages = 0;
    let wake = null;
    subscriber.on('message', () => {
        n_messages++;
        wake?.();
    });
    for (let i = 0; i < count; i++) {
        await writer.lset(LIST, 0, `change ${i}`);
        let rows = [null];
        while (rows[0] !== `change ${i}`) {
            if (n_messages === 0)
                await new Promise(resolve => (wake = resolve));
            n_messages = 0;
            [, [, rows]] = await client.pipeline().llen(LIST).lrange(LIST, 0, PAGE - 1).exec();
        }
    }
}

await client.ping();
await writer.ping();
await subscriber.subscribe(`__keyspace@0__:${LIST}`);
const startCpu = process.cpuUsage();
const start = process.hrtime.bigint();
await (workload === 'fill' ? fill() : follow());
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
const cpu = process.cpuUsage(startCpu);
console.log(JSON.stringify({ops: count, seconds, rate: count / seconds, cpu_usec: (cpu.user + cpu.system) / count}));
process.exit(0);
