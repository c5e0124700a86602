// SPDX-License-Identifier: LGPL-2.1-or-later

// What bench-loop.c measures, on libuv with ioredis: node bench-loop.mjs WORKLOAD SOCKET [OPTION=NUMBER…]

import {createRequire} from 'node:module';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';

const require = createRequire(join(process.env.BENCH_NODE_MODULES, 'x.js'));
const {Redis} = require('ioredis');
const [workload, path, ...rest] = process.argv.slice(2);
const options = Object.fromEntries(rest.map(option => option.split('=')));
const number = name => Number(options[name] ?? 0);
const key = 'bench:32', largeKey = 'bench:100k', channel = 'bench:channel';
const openAtOnce = 100, tickMsec = 16, frameMsec = 1000 / 60;

const now = () => performance.now();

function work(msec) {
    for (const end = now() + msec; now() < end;)
        ;
}

function check(value, length = 32) {
    if (value.length !== length)
        throw new Error('not the value');
}

async function open() {
    const client = new Redis(path, {lazyConnect: true});
    await client.connect();
    return client;
}

// Milliseconds that this thread was ready and had no processor, where the kernel tells.
function runDelay() {
    try {
        return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[1]) / 1e6;
    } catch {
        return 0;
    }
}

// The longest from tick to tick of a timer; or frames of 60 Hz that take so long. Node tells the CPU time of all its threads
// only: no more of it is this one's than time has passed.
class Probe {
    counting = false;
    gapWall = 0;
    gapCpu = 0;
    latest = 0;
    frames = 0;
    late = 0;
    ownLate = 0;

    constructor(draw) {
        this.draw = draw;
        this.wall = now();
        this.cpu = process.cpuUsage();
        this.runDelay = runDelay();
        setInterval(() => this.count(), tickMsec);
        if (draw) {
            this.due = now() + frameMsec;
            setTimeout(() => this.frame(), frameMsec);
        }
    }

    count() {
        const wall = now(), cpu = process.cpuUsage();
        if (this.counting) {
            const used = (cpu.user + cpu.system - this.cpu.user - this.cpu.system) / 1e3;
            this.gapWall = Math.max(this.gapWall, wall - this.wall);
            this.gapCpu = Math.max(this.gapCpu, Math.min(wall - this.wall, used));
        }
        this.wall = wall;
        this.cpu = cpu;
    }

    frame() {
        const start = now();
        const missed = Math.floor(Math.max(0, start - this.due) / frameMsec);
        work(this.draw);
        const end = now(), delay = runDelay();
        if (this.counting) {
            this.frames += missed + 1;
            this.late += missed + (end > this.due + (missed + 1) * frameMsec ? 1 : 0);
            this.ownLate += Math.floor(Math.max(0, end - (delay - this.runDelay) - this.due) / frameMsec);
            this.latest = Math.max(this.latest, start - this.due);
        }
        this.runDelay = delay;
        this.due += (Math.floor(Math.max(0, end - this.due) / frameMsec) + 1) * frameMsec;
        setTimeout(() => this.frame(), Math.max(0, this.due - now()));
    }

    report() {
        this.count();
        const missed = this.draw ? Math.floor(Math.max(0, now() - this.due) / frameMsec) : 0;
        if (missed > 0) {
            // Those that were due and never came are late too.
            this.frames += missed;
            this.late += missed;
            this.ownLate += missed;
            this.latest = Math.max(this.latest, now() - this.due);
        }
        return {
            gap_cpu_ms: this.gapCpu, gap_wall_ms: this.gapWall, frames: this.frames, late: this.late,
            own_late: this.ownLate, latest_ms: this.latest,
        };
    }
}

// Calls a second, and microseconds of CPU for each.
async function measure(client, inFlight, seconds) {
    const start = now(), end = start + seconds * 1e3, cpu = process.cpuUsage();
    let n = 0;
    const worker = async () => {
        while (now() < end) {
            check(await client.get(key));
            n++;
        }
    };
    await Promise.all(Array.from({length: inFlight}, worker));
    const {user, system} = process.cpuUsage(cpu);
    return [n / (now() - start) * 1e3, (user + system) / n];
}

async function idle() {
    const client = await open();
    const clients = [];
    const figures = {1: {}, 100: {}, '1 cpu': {}, '100 cpu': {}};
    // Until it is compiled.
    await measure(client, 100, 0.5);
    await measure(client, 1, 0.5);
    for (const level of options.levels.split(',').map(Number)) {
        while (clients.length < level)
            clients.push(...await Promise.all(Array.from({length: Math.min(openAtOnce, level - clients.length)}, open)));
        for (const inFlight of [1, 100]) {
            await measure(client, inFlight, number('seconds') / 10);
            [figures[inFlight][level], figures[`${inFlight} cpu`][level]] = await measure(client, inFlight, number('seconds'));
        }
        const info = await client.info('clients');
        if (Number(info.match(/connected_clients:(\d+)/)[1]) <= level)
            throw new Error('not all clients are connected');
    }
    return figures;
}

async function flood() {
    const nSubscribers = number('subscribers'), nEach = number('messages');
    const late = Array.from({length: nSubscribers}, () => ({sum: 0, n: 0}));
    const probe = new Probe(number('draw'));
    let n = 0, started, end;
    const ended = new Promise(resolve => (end = resolve));
    for (let i = 0; i < nSubscribers; i++) {
        const client = await open();
        client.on('message', (_channel, text) => {
            check(text);
            if (n++ === 0) {
                probe.count();
                probe.counting = true;
                started = now();
            }
            if (text[0] === 't') {
                late[i].sum += performance.timeOrigin + now() - parseInt(text.slice(1), 10) / 1e3;
                late[i].n++;
            }
            if (n === nSubscribers * nEach)
                end();
        });
        await client.subscribe(channel);
    }
    console.log('ready');
    await ended;
    const means = late.map(one => one.sum / one.n);
    return {rate: n / (now() - started) * 1e3, ...probe.report(), first_ms: Math.min(...means), last_ms: Math.max(...means)};
}

async function busy() {
    const client = await open();
    const calls = number('calls');
    const frame = () => {
        work(number('frame'));
        setImmediate(frame);
    };
    const timer = () => {
        work(number('timer'));
        setTimeout(timer, 1);
    };
    let answered = 0;
    if ('frame' in options)
        setImmediate(frame);
    else
        setTimeout(timer, 1);
    const start = now();
    const limit = new Promise(resolve => setTimeout(resolve, number('seconds') * 1e3));
    const all = Promise.all(Array.from({length: calls}, async () => {
        check(await client.get(largeKey), 100000);
        answered++;
    }));
    await Promise.race([all, limit]);
    return {rate: answered / (now() - start) * 1e3, answered, of: calls};
}

console.log(JSON.stringify(await {idle, flood, busy}[workload]()));
process.exit(0);
