// SPDX-License-Identifier: LGPL-2.1-or-later
// What a JavaScript block that is less than a program runs in. It goes on until as many lines are printed as are
// expected, and a little longer, so that one too many is seen.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

let seen = 0;

function print(...values) {
    const text = `${values.map(String).join(' ')}\n`;
    seen += text.split(GLib.getenv('DOCS_MARK')).length - 1;
    globalThis.print(...values);
}

function inspect(value) {
    if (typeof value === 'string')
        return `'${value}'`;
    if (typeof value === 'bigint')
        return `${value}n`;
    if (Array.isArray(value))
        return `[${value.map(inspect).join(', ')}]`;
    if (value instanceof Uint8Array)
        return `Uint8Array [${value.join(', ')}]`;
    if (value instanceof Map)
        return `Map {${[...value].map(([key, item]) => `${inspect(key)} => ${inspect(item)}`).join(', ')}}`;
    return String(value);
}

function show(number, value) {
    print(`@@${number}`, inspect(value));
}

function sleep(msec) {
    return new Promise(resolve => GLib.timeout_add(GLib.PRIORITY_DEFAULT, msec, () => {
        resolve();
        return GLib.SOURCE_REMOVE;
    }));
}

const server = {unix_domain_socket: GLib.getenv('DOCS_SOCKET')};
const client = new Tornadis.Client(server);
const other = new Tornadis.Client(server);
const pubsub = new Tornadis.PubSubClient(server);
const pool = new Tornadis.ClientPool({template: client, max_size: 4});
const label = {set_text: text => print(text)};
const loop = new GLib.MainLoop(null, false);
let status = 0;

async function block() {
    // BLOCK
    for (let waited = 0; waited < 5000 && seen < Number(GLib.getenv('DOCS_LINES')); waited += 5)
        await sleep(5);
    await sleep(50);
}

async function main() {
    await block();
}

main().catch(error => {
    logError(error);
    status = 1;
}).finally(() => loop.quit());
loop.run();
System.exit(status);
