// SPDX-License-Identifier: LGPL-2.1-or-later
// names.js {"Client": {"static": ["new"], "prototype": ["call"]}, ...}
//
// Prints the public names of the library as it is at runtime, and those given ones that it does not have.

import Tornadis from 'gi://Tornadis?version=1.0';

const declared = JSON.parse(ARGV[0]);
const own = new Set(['constructor', 'prototype', 'length', 'name', 'toString', 'valueOf', '$gtype']);
const names = {};
const missing = [];

function list(object, parent) {
    return Object.getOwnPropertyNames(object).filter(
        name => !own.has(name) && !name.startsWith('_') && !(parent && name in parent));
}

function has(object, key) {
    try {
        return key in object;
    } catch (error) {
        // A hook that the abstract class leaves to others.
        return error.message.startsWith('Virtual function not implemented');
    }
}

for (const name of Object.getOwnPropertyNames(Tornadis)) {
    const value = Tornadis[name];
    // GJS lists structures of classes, but does not have them.
    if (value === undefined || name.startsWith('_'))
        continue;
    names[name] = {static: [], prototype: []};
    if (typeof value === 'object')
        names[name].static = list(value);
    if (typeof value !== 'function' || !value.prototype)
        continue;
    names[name].static = list(value, Object.getPrototypeOf(value));
    names[name].prototype = list(value.prototype, Object.getPrototypeOf(value.prototype));
}

for (const [name, each] of Object.entries(declared)) {
    const value = Tornadis[name];
    if (value === undefined) {
        missing.push(name);
        continue;
    }
    // What an error has is its own.
    const instance = value.prototype instanceof Error ? new value('') : value.prototype;
    missing.push(...each.static.filter(key => !has(value, key)).map(key => `${name}.${key}`));
    missing.push(...each.prototype.filter(key => !has(instance, key)).map(key => `${name}.prototype.${key}`));
}

print(JSON.stringify({names, missing}));
