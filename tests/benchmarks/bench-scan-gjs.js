// SPDX-License-Identifier: LGPL-2.1-or-later

// A scan of all keys in GJS: gjs -m bench-scan-gjs.js {batches|elements} SOCKET KEYS COUNT
// With a COUNT of 0 none is given.

import GLib from 'gi://GLib';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

const [workload, path, ...numbers] = System.programArgs;
const [nKeys, count] = numbers.map(Number);
const DATABASE = 1;
const loop = new GLib.MainLoop(null, false);
let failed = false;

// Of this thread, in microseconds.
function getCpu() {
    const [, text] = GLib.file_get_contents('/proc/thread-self/schedstat');
    return parseInt(new TextDecoder().decode(text), 10) / 1e3;
}

async function run() {
    if (!Tornadis.Scanner) {
        print('skip: there is no scanner');
        return;
    }
    const client = new Tornadis.Client({unix_domain_socket: path, db: DATABASE});
    await client.call('PING');
    const scanner = new Tornadis.Scanner({caller: client, count});
    const cpu = getCpu(), start = GLib.get_monotonic_time();
    let n = 0;
    if (workload === 'batches') {
        for (let batch; (batch = await scanner.next()) !== null;)
            n += batch.length;
    } else {
        for await (const key of scanner)
            n += key.length > 0 ? 1 : 0;
    }
    const seconds = (GLib.get_monotonic_time() - start) / 1e6;
    if (n < nKeys)
        throw new Error(`${n} keys of ${nKeys}`);
    print(JSON.stringify({ops: n, seconds, rate: n / seconds, cpu_usec: (getCpu() - cpu) / n}));
}

run().catch(error => {
    logError(error);
    failed = true;
}).finally(() => loop.quit());
loop.run();
if (failed)
    System.exit(1);
