// SPDX-License-Identifier: LGPL-2.1-or-later
// Handlers of Tornadis for JavaScript, where GJS does not call them while its garbage collector sweeps: before 1.82.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (TornadisBridge) {
    const {Map, WeakMap} = globalThis;
    const {GObject} = imports.gi;
    const Gi = imports._gi;

    // A sweep may begin in any handler. So each has a guard: a handler right before it, in C, that ends the sweep. For each
    // object its guards, by the ids of their handlers.
    const guarded = new WeakMap();
    const disconnect = GObject.signal_handler_disconnect;

    function keepGuard(object, id, guard) {
        if (!guarded.has(object))
            guarded.set(object, new Map());
        guarded.get(object).set(id, guard);
    }

    function dropGuard(object, id) {
        const guards = guarded.get(object);
        if (!guards?.has(id))
            return;
        disconnect(object, guards.get(id));
        guards.delete(id);
    }

    /** Those whose handlers are gone. */
    function dropGuards(object) {
        for (const id of guarded.get(object)?.keys() ?? []) {
            if (!GObject.signal_handler_is_connected(object, id))
                dropGuard(object, id);
        }
    }

    function makeConnect(method, after) {
        return function (signal, handler) {
            const guard = typeof signal === 'string' ? TornadisBridge.collector_guard(this, signal, after) : 0;
            let id = 0;
            try {
                id = method.call(this, signal, handler);
            } finally {
                if (guard && id)
                    keepGuard(this, id, guard);
                else if (guard)
                    disconnect(this, guard);
            }
            return id;
        };
    }

    return function (classes) {
        for (const name of ['connect', 'connect_after']) {
            const connect = makeConnect(GObject.Object.prototype[name], name === 'connect_after');
            const original = GObject[`signal_${name}`];
            for (const kind of classes)
                kind.prototype[name] = connect;
            GObject[`signal_${name}`] = (object, ...args) => {
                if (classes.some(kind => object instanceof kind))
                    return connect.apply(object, args);
                return original(object, ...args);
            };
        }
        // By function, and the like.
        const disconnectAll = GObject.Object.prototype[Gi.signals_disconnect_symbol];
        for (const kind of classes) {
            kind.prototype[Gi.signals_disconnect_symbol] = function (match) {
                const n = disconnectAll.call(this, match);
                dropGuards(this);
                return n;
            };
        }
        GObject.signal_handler_disconnect = (object, id) => {
            disconnect(object, id);
            dropGuard(object, id);
        };
    };
};
