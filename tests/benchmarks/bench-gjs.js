// SPDX-License-Identifier: LGPL-2.1-or-later

// The workloads on this library from GJS: gjs -m bench-gjs.js WORKLOAD SOCKET COUNT IN-FLIGHT

import GLib from 'gi://GLib';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

import {getClocks, report, run} from './bench-run.js';

const [workload, path, count, inFlight] = System.programArgs;
const n = Number(count);
const key = 'bench:32';
// Of a cluster: where it is, and keys on all of its nodes.
const uri = GLib.getenv('BENCH_URI');
const keys = (GLib.getenv('BENCH_KEYS') || key).split(',');
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

async function measure() {
    check(await client.call('GET', key));
    const began = getClocks();
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
    report(began, n);
}

run(measure);
