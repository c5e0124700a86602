// SPDX-License-Identifier: LGPL-2.1-or-later

// Entries of a stream in GJS: gjs -m bench-streams-gjs.js {group-batches|read} SOCKET COUNT
// Each entry has its field looked at; with a group each is acknowledged, those of a batch together, and the last acknowledgement waited for.

import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

import {getClocks, report, run} from './bench-run.js';

const [workload, path, number] = System.programArgs;
const count = Number(number);

async function read() {
    const client = new Tornadis.Client({unix_domain_socket: path});
    await client.call('PING');
    const options = {caller: client, stream: 'bench:stream', start_id: '0'};
    const reader = workload === 'group-batches'
        ? new Tornadis.StreamConsumer({...options, group: 'g', consumer_name: 'c'}) : new Tornadis.StreamReader(options);
    const began = getClocks();
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
    report(began, n);
    await reader.close();
}

run(read);
