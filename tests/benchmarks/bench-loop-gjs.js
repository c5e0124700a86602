// SPDX-License-Identifier: LGPL-2.1-or-later

// `busy` of bench-loop.c on this library from GJS: gjs -m bench-loop-gjs.js busy SOCKET [OPTION=NUMBER…]

import GLib from 'gi://GLib';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

const [, path, ...rest] = System.programArgs;
const options = Object.fromEntries(rest.map(option => option.split('=')));
const calls = Number(options.calls);
const loop = new GLib.MainLoop(null, false);
const client = new Tornadis.Client({unix_domain_socket: path});
let answered = 0;

function busy() {
    for (const end = GLib.get_monotonic_time() + 1000 * Number(options.frame ?? options.timer); GLib.get_monotonic_time() < end;)
        ;
    return GLib.SOURCE_CONTINUE;
}

async function call() {
    if ((await client.call('GET', 'bench:100k')).length !== 100000)
        throw new Error('not the value');
    if (++answered === calls)
        loop.quit();
}

function fail(error) {
    logError(error);
    System.exit(1);
}

client.call('PING').then(() => {
    if ('frame' in options)
        GLib.idle_add(GLib.PRIORITY_HIGH_IDLE + 20, busy);
    else
        GLib.timeout_add(GLib.PRIORITY_DEFAULT, 1, busy);
    GLib.timeout_add(GLib.PRIORITY_HIGH, 1000 * Number(options.seconds), () => loop.quit());
    for (let i = 0; i < calls; i++)
        call().catch(fail);
}).catch(fail);
const start = GLib.get_monotonic_time();
loop.run();
print(JSON.stringify({rate: answered / ((GLib.get_monotonic_time() - start) / 1e6), answered, of: calls}));
System.exit(0);
