// SPDX-License-Identifier: LGPL-2.1-or-later

// A scan of all keys in GJS: gjs -m bench-scan-gjs.js {batches|elements} SOCKET KEYS COUNT
// With a COUNT of 0 none is given.

import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

import {getClocks, report, run} from './bench-run.js';

const [workload, path, ...numbers] = System.programArgs;
const [nKeys, count] = numbers.map(Number);
const DATABASE = 1;

async function scan() {
    if (!Tornadis.Scanner) {
        print('skip: there is no scanner');
        return;
    }
    const client = new Tornadis.Client({unix_domain_socket: path, db: DATABASE});
    await client.call('PING');
    const scanner = new Tornadis.Scanner({caller: client, count});
    const began = getClocks();
    let n = 0;
    if (workload === 'batches') {
        for (let batch; (batch = await scanner.next()) !== null;)
            n += batch.length;
    } else {
        for await (const key of scanner)
            n += key.length > 0 ? 1 : 0;
    }
    if (n < nKeys)
        throw new Error(`${n} keys of ${nKeys}`);
    report(began, n);
}

run(scan);
