// SPDX-License-Identifier: LGPL-2.1-or-later

// The workloads on ioredis and node-redis: node bench-node.mjs CLIENT WORKLOAD SOCKET COUNT IN-FLIGHT

import {createRequire} from 'node:module';
import process from 'node:process';
import {join} from 'node:path';

const require = createRequire(join(process.env.BENCH_NODE_MODULES, 'x.js'));
const [name, workload, path, count, inFlight] = process.argv.slice(2);
const n = Number(count);
const key = 'bench:32';
// Of a cluster: where it is, and keys on all of its nodes.
const uri = process.env.BENCH_URI;
const keys = (process.env.BENCH_KEYS || key).split(',');
let client, batch;

if (name === 'ioredis') {
    const {Cluster, Redis} = require('ioredis');
    client = uri ? new Cluster([uri.split(',')[0].replace('-cluster', '')], {lazyConnect: true})
        : new Redis(path, {lazyConnect: true});
    batch = async () => {
        const pipeline = client.pipeline();
        for (let i = 0; i < 100; i++)
            pipeline.get(key);
        return (await pipeline.exec()).map(([, value]) => value);
    };
} else {
    const {createClient} = require('redis');
    client = createClient({socket: {path}});
    client.on('error', error => {
        throw error;
    });
    batch = () => Promise.all(Array.from({length: 100}, () => client.get(key)));
}
await client.connect();

function check(value) {
    if (value.length !== 32)
        throw new Error('not the value');
}

const start = process.hrtime.bigint(), startCpu = process.cpuUsage();
if (workload === 'pipeline') {
    for (let i = 0; i < n; i += 100)
        (await batch()).forEach(check);
} else {
    let left = n;
    const worker = async () => {
        while (left-- > 0)
            check(await client.get(keys[left % keys.length]));
    };
    await Promise.all(Array.from({length: Number(inFlight)}, worker));
}
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
const cpu = process.cpuUsage(startCpu);
console.log(JSON.stringify({ops: n, seconds, rate: n / seconds, cpu_usec: (cpu.user + cpu.system) / n}));
process.exit(0);
