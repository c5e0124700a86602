// SPDX-License-Identifier: LGPL-2.1-or-later

// Entries of a stream in GJS: gjs -m bench-streams-gjs.js {group-batches|read} SOCKET COUNT
// Each entry has its field looked at; with a group each is acknowledged, those of a batch together, and the last acknowledgement waited for.

import GLib from 'gi://GLib';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

const [workload, path, number] = System.programArgs;
const count = Number(number);
const loop = new GLib.MainLoop(null, false);
let failed = false;

// Of this thread, in microseconds.
function getCpu() {
    const [, text] = GLib.file_get_contents('/proc/thread-self/schedstat');
    return parseInt(new TextDecoder().decode(text), 10) / 1e3;
}

async function run() {
    const client = new Tornadis.Client({unix_domain_socket: path});
    await client.call('PING');
    const options = {caller: client, stream: 'bench:stream', start_id: '0'};
    const reader = workload === 'group-batches'
        ? new Tornadis.StreamConsumer({...options, group: 'g', consumer_name: 'c'}) : new Tornadis.StreamReader(options);
    const cpu = getCpu();
    const start = GLib.get_monotonic_time();
    let n = 0;
    let acknowledged = null;
    for await (const batch of reader.batches()) {
        for (const entry of batch)
            n += entry.fields.value.length === 32;
        if (workload === 'group-batches')
            acknowledged = reader.ack(...batch);
        if (n === count)
            break;
    }
    await acknowledged;
    const seconds = (GLib.get_monotonic_time() - start) / 1e6;
    print(JSON.stringify({ops: n, seconds, rate: n / seconds, cpu_usec: (getCpu() - cpu) / n}));
    await reader.close();
}

run().catch(error => {
    logError(error);
    failed = true;
}).finally(() => loop.quit());
loop.run();
if (failed)
    System.exit(1);
