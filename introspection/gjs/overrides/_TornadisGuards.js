// SPDX-License-Identifier: LGPL-2.1-or-later
// What keeps GJS before 1.82 from dropping handlers that are due while its garbage collector sweeps.

/* exported guardHandlers */

var guardHandlers = (function () {
    const {Map, Math, WeakMap} = globalThis;
    const {GObject} = imports.gi;

    /** GJS before 1.82 drops what is due while its collector sweeps, and a sweep may begin in any handler. So each handler
      * has a guard: a handler right before it, in C, that brings the sweep to its end. */
    return function guardHandlers(TornadisBridge, classes) {
        // For each object its guards, by the ids of the handlers, and with how many those without a handler are looked for.
        const guarded = new WeakMap();
        const disconnect = GObject.signal_handler_disconnect;

        function dropGuard(object, id) {
            const guards = guarded.get(object)?.guards;
            if (!guards?.has(id))
                return;
            disconnect(object, guards.get(id));
            guards.delete(id);
        }

        function keepGuard(object, id, guard) {
            let all = guarded.get(object);
            if (all === undefined)
                guarded.set(object, all = {guards: new Map(), most: 16});
            if (all.guards.size >= all.most) {
                for (const other of all.guards.keys()) {
                    if (!GObject.signal_handler_is_connected(object, other))
                        dropGuard(object, other);
                }
                all.most = Math.max(16, 2 * all.guards.size);
            }
            all.guards.set(id, guard);
        }

        function makeConnect(connect, after) {
            return function (signal, handler) {
                // Messages do not come by way of a signal.
                if (typeof signal !== 'string' || /^message(::|$)/.test(signal))
                    return connect.call(this, signal, handler);
                const guard = TornadisBridge.collector_guard(this, signal, after);
                let id = 0;
                try {
                    id = connect.call(this, signal, handler);
                } finally {
                    if (guard && id)
                        keepGuard(this, id, guard);
                    else if (guard)
                        disconnect(this, guard);
                }
                return id;
            };
        }

        for (const name of ['connect', 'connect_after']) {
            const connect = makeConnect(GObject.Object.prototype[name], name === 'connect_after');
            const connectAny = GObject[`signal_${name}`];
            for (const kind of classes)
                kind.prototype[name] = connect;
            GObject[`signal_${name}`] = (object, ...args) => {
                if (classes.some(kind => object instanceof kind))
                    return connect.apply(object, args);
                return connectAny(object, ...args);
            };
        }
        GObject.signal_handler_disconnect = (object, id) => {
            disconnect(object, id);
            dropGuard(object, id);
        };
    };
})();
