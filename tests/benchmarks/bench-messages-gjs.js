// SPDX-License-Identifier: LGPL-2.1-or-later

// Messages in GJS: gjs -m bench-messages-gjs.js {handler|iterator|batches|pattern} SOCKET COUNT CHANNELS SIZE
// The text of each message is read. The last one has another length than those before it, which are counted then: none may be
// missing, and none come twice.

import GLib from 'gi://GLib';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

import {getClocks, report} from './bench-run.js';

const [workload, path, ...numbers] = System.programArgs;
const [count, nChannels, size] = numbers.map(Number);
const channels = Array.from({length: nChannels}, (_, i) => `bench:${String(i).padStart(12, '0')}`);
const loop = new GLib.MainLoop(null, false);
const pubsub = new Tornadis.PubSubClient({unix_domain_socket: path});
let n = 0, began, failed = false, skipped = false;

function begin() {
    began = getClocks();
}

function finish() {
    if (n !== count)
        throw new Error(`${n} messages of ${count}`);
    report(began, n);
}

function onMessage(_pubsub, message) {
    if (message.text.length !== size) {
        loop.quit();
        return;
    }
    if (n++ === 0)
        begin();
}

async function iterate() {
    for await (const message of pubsub.messages()) {
        if (message.text.length !== size)
            break;
        if (n++ === 0)
            begin();
    }
}

async function iterateBatches() {
    for await (const batch of pubsub.messages({batches: true})) {
        if (!Array.isArray(batch)) {
            skipped = true;
            return;
        }
        for (const message of batch) {
            if (message.text.length !== size)
                return;
            if (n++ === 0)
                begin();
        }
    }
}

async function run() {
    if (workload === 'pattern') {
        pubsub.connect('message', onMessage);
        await pubsub.psubscribe('bench:*');
    } else {
        if (workload === 'handler')
            channels.forEach(channel => pubsub.connect(`message::${channel}`, onMessage));
        await pubsub.subscribe(...channels);
    }
    print('ready');
    if (workload === 'iterator')
        await iterate().finally(() => loop.quit());
    else if (workload === 'batches')
        await iterateBatches().finally(() => loop.quit());
}

run().catch(error => {
    logError(error);
    failed = true;
    loop.quit();
});
loop.run();
if (failed)
    System.exit(1);
if (skipped)
    print('skip: messages() has no option batches');
else
    finish();
