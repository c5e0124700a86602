// SPDX-License-Identifier: LGPL-2.1-or-later

// A long list as a window shows it, in GJS: gjs -m bench-models-gjs.js {fill|follow} SOCKET COUNT
// As bench-models.py.

import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

import {getClocks, report, run} from './bench-run.js';

const [workload, path, number] = System.programArgs;
const count = Number(number);
const LIST = 'bench:model';
const PAGE = 50;

// Waits for one of the signals: [object, signal].
async function changed(...sources) {
    let handlers = null;
    await new Promise(resolve => {
        handlers = sources.map(([source, signal]) => [source, source.connect(signal, () => resolve())]);
    });
    for (const [source, handler] of handlers)
        source.disconnect(handler);
}

async function fill(model) {
    const length = model.get_n_items();
    let n = 0;
    for (let first = 0; first < length; first += PAGE) {
        const items = [];
        for (let i = first; i < Math.min(first + PAGE, length); i++)
            items.push(model.get_item(i));
        for (const item of items) {
            while (item.loading)
                await changed([item, 'notify::loading']);
            n += item.text.length === 32;
        }
    }
    if (n !== count)
        throw new Error(`${n} rows of ${count}`);
}

async function follow(model, writer) {
    const shown = [];
    for (let i = 0; i < PAGE; i++)
        shown.push(model.get_item(i));
    for (let i = 0; i < count; i++) {
        await writer.call('LSET', LIST, 0, `change ${i}`);
        while (shown[0].text !== `change ${i}`) {
            await changed([model, 'items-changed'], [shown[0], 'notify::text']);
            shown[0] = model.get_item(0);
        }
    }
}

async function show() {
    const client = new Tornadis.Client({unix_domain_socket: path});
    const writer = new Tornadis.Client({unix_domain_socket: path});
    await client.call('PING');
    await writer.call('PING');
    const model = new Tornadis.ListModel({client, key: LIST});
    while (!model.live)
        await changed([model, 'notify::live']);
    while (!model.ready)
        await changed([model, 'notify::ready']);
    const began = getClocks();
    await (workload === 'fill' ? fill(model) : follow(model, writer));
    report(began, count);
}

run(show);
