// SPDX-License-Identifier: LGPL-2.1-or-later
// Counts which methods, properties and functions of the library are used.

import Tornadis from 'gi://Tornadis?version=1.0';

const CLASSES = ['Client', 'PubSubClient', 'Pipeline', 'ClientPool', 'Command', 'Reply', 'Message', 'Plugin', 'Call',
    'Keyspace', 'Record', 'Scanner', 'Script', 'Item', 'LiveModel', 'ListModel', 'SortedSetModel', 'HashModel',
    'SetModel', 'KeyModel', 'StreamModel', 'LoginRequest', 'StreamConsumer', 'StreamEntry', 'StreamReader',
    'FunctionLibrary', 'Lock', 'Error',
    'TornadisException', 'ReplyError'];

// Of the language itself; what it does for every object by itself; of GObject, where the override has its own.
const LEFT_OUT = ['prototype', '$gtype', 'length', 'name', 'constructor', '_init', 'valueOf', 'ref', 'unref', 'connect',
    'connect_after', 'get_item_type', 'get_n_items', 'get_item', 'items_changed'];
// What every GLib.Error and boxed type has.
const INHERITED = ['Error#domain', 'Error#code', 'Error#message', 'Error#toString', 'Command#toString',
    'Reply#toString', 'Message#toString'];

const uses = new Map();

function countCalls(holder, key, name) {
    const counted = holder[key];
    holder[key] = function (...args) {
        uses.set(name, uses.get(name) + 1);
        return counted.apply(this, args);
    };
    holder[key].original = counted;
}

function countAccess(holder, key, name, {get, set, enumerable}) {
    const count = accessor => accessor && function (...args) {
        uses.set(name, uses.get(name) + 1);
        return accessor.apply(this, args);
    };
    Object.defineProperty(holder, key, {get: count(get), set: count(set), enumerable, configurable: true});
}

function watchAll(holder, prefix) {
    for (const key of Object.getOwnPropertyNames(holder)) {
        const name = prefix + key;
        const descriptor = Object.getOwnPropertyDescriptor(holder, key);
        if (INHERITED.includes(name) || LEFT_OUT.includes(key))
            continue;
        if (typeof descriptor.value === 'function') {
            uses.set(name, 0);
            countCalls(holder, key, name);
        } else if (descriptor.configurable && descriptor.get) {
            uses.set(name, 0);
            countAccess(holder, key, name, descriptor);
        }
    }
}

/** Counts from now on. */
export function watch() {
    for (const name of CLASSES) {
        watchAll(Tornadis[name], `${name}.`);
        watchAll(Tornadis[name].prototype, `${name}#`);
    }
}

export function findUnused() {
    return [...uses].filter(([, count]) => count === 0).map(([name]) => name);
}
