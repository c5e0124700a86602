// SPDX-License-Identifier: LGPL-2.1-or-later

// The workloads on this library from GJS: gjs -m bench-gjs.js WORKLOAD SOCKET COUNT IN-FLIGHT

import GLib from 'gi://GLib';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

const [workload, path, count, inFlight] = System.programArgs;
const n = Number(count);
const key = 'bench:32';
// Of a cluster: where it is, and keys on all of its nodes.
const uri = GLib.getenv('BENCH_URI');
const keys = (GLib.getenv('BENCH_KEYS') || key).split(',');
const loop = new GLib.MainLoop(null, false);
const client = uri ? Tornadis.Client.new_for_uri(uri) : new Tornadis.Client({unix_domain_socket: path});

function check(value) {
    if (value.length !== 32)
        throw new Error('not the value');
}

async function batch() {
    const pipeline = new Tornadis.Pipeline();
    for (let i = 0; i < 100; i++)
        pipeline.stack_call('GET', key);
    (await client.call(pipeline)).forEach(check);
}

// Of this thread, in microseconds.
function getCpu() {
    const [, text] = GLib.file_get_contents('/proc/thread-self/schedstat');
    return parseInt(new TextDecoder().decode(text), 10) / 1e3;
}

async function measure() {
    check(await client.call('GET', key));
    const cpu = getCpu();
    const start = GLib.get_monotonic_time();
    if (workload === 'pipeline') {
        for (let i = 0; i < n; i += 100)
            await batch();
    } else {
        let left = n;
        const worker = async () => {
            while (left-- > 0)
                check(await client.call('GET', keys[left % keys.length]));
        };
        await Promise.all(Array.from({length: Number(inFlight)}, worker));
    }
    const seconds = (GLib.get_monotonic_time() - start) / 1e6;
    print(JSON.stringify({ops: n, seconds, rate: n / seconds, cpu_usec: (getCpu() - cpu) / n}));
}

let failed = false;
measure().catch(error => {
    logError(error);
    failed = true;
}).finally(() => loop.quit());
loop.run();
if (failed)
    System.exit(1);
