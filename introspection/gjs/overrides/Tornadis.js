// SPDX-License-Identifier: LGPL-2.1-or-later
// Tornadis for JavaScript: native arguments and replies, promises.

/* exported _init */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var _init = (function () {
    const {Array, BigInt, Error, JSON, Map, Math, Number} = globalThis;
    const {Object, Promise, String, TypeError, Uint8Array, WeakMap} = globalThis;
    const {GLib, GObject} = imports.gi;
    const System = imports.system;

    let Tornadis, TornadisBridge;

    // Arguments of this many characters or bytes are passed to the library without JSON.
    const LARGE = 16384;
    // How many calls of one main-context iteration wait for its end, and how many targets are in one batch.
    const MOST_CALLS = 256;
    // After so many calls in one iteration the others get promises that were created ahead, so many at a time.
    const CROWD = 8;
    const MADE_AHEAD = 64;
    const MAX_NUMBER = 0x7fffffff;

    /** Base of all errors, with the `domain` (a string) and `code` of the GLib.Error behind it, which is `error`. */
    class TornadisException extends Error {
        constructor(message, domain = null, code = 0) {
            super(message);
            this.name = this.constructor.name;
            this.domain = domain;
            this.code = code;
        }

        get error() {
            if (this.domain === null)
                return null;
            return new GLib.Error(GLib.quark_from_string(this.domain), this.code, this.message);
        }
    }

    /** There is no connection, or it was lost, or it took too long. */
    class ConnectionError extends TornadisException {}

    /** The library was asked for what it does not do, or a bound is reached. */
    class ClientError extends TornadisException {}

    /** The server answered with an error; `prefix` is its first word. */
    class ReplyError extends ClientError {
        get prefix() {
            return /^[A-Z0-9_-]+(?= |$)/.exec(this.message)?.[0] ?? null;
        }
    }

    function makeException(domain, code, message) {
        if (domain !== 'tornadis-error-quark')
            return new GLib.Error(GLib.quark_from_string(domain), code, message);
        switch (code) {
        case Tornadis.Error.REPLY:
            return new ReplyError(message, domain, code);
        case Tornadis.Error.CONNECT:
        case Tornadis.Error.AUTHENTICATION:
        case Tornadis.Error.CLOSED:
        case Tornadis.Error.LOST:
        case Tornadis.Error.TIMEOUT:
        case Tornadis.Error.PROTOCOL:
            return new ConnectionError(message, domain, code);
        default:
            return new ClientError(message, domain, code);
        }
    }

    function toException(error) {
        if (!(error instanceof Tornadis.Error))
            return error;
        return makeException(GLib.quark_to_string(error.domain), error.code, error.message);
    }

    /** A string, or bytes in a Uint8Array. */
    function toArgument(value) {
        switch (typeof value) {
        case 'string':
            return value;
        case 'number':
        case 'bigint':
            return String(value);
        case 'boolean':
            return value ? '1' : '0';
        }
        if (value instanceof Uint8Array)
            return value;
        if (value instanceof GLib.Bytes)
            return value.toArray();
        throw new TypeError(`don't know what to do with ${value === null ? 'null' : typeof value} as an argument`);
    }

    /** Converts the arguments of a call in place; returns whether JSON can carry them. */
    function toArguments(args) {
        let light = true;
        for (let i = 0; i < args.length; i++) {
            let arg = args[i];
            if (typeof arg !== 'string')
                arg = args[i] = toArgument(arg);
            if (typeof arg !== 'string' || arg.length >= LARGE)
                light = false;
        }
        return light;
    }

    const encoder = new TextEncoder();

    function makeCommand(args) {
        const bytes = args.map(arg => typeof arg === 'string' ? encoder.encode(arg) : arg);
        return Tornadis.Command.new_bytes(bytes.map(arg => new GLib.Bytes(arg)));
    }

    function checkName(name) {
        if (typeof name === 'string' && name.includes('\0'))
            throw new ClientError('a name that is text can not have a NUL in it: give it as bytes');
    }

    /** The name of a channel, as a string or bytes. */
    function toName(name) {
        checkName(name);
        if (name instanceof GLib.Bytes)
            return name;
        if (typeof name !== 'string' && !(name instanceof Uint8Array))
            throw new TypeError(`${name === null ? 'null' : typeof name} can not be the name of a channel`);
        return new GLib.Bytes(typeof name === 'string' ? encoder.encode(name) : name);
    }

    function toCommand(args) {
        if (args.length === 1 && args[0] instanceof Tornadis.Command)
            return args[0];
        return makeCommand(args.map(toArgument));
    }

    /** Converts the objects in a value that stand for what JSON does not know. */
    function revive(value) {
        if (value === null || typeof value !== 'object')
            return value;
        if (Array.isArray(value))
            return value.map(revive);
        if (value.m !== undefined) {
            const map = new Map();
            for (let i = 0; i < value.m.length; i += 2)
                map.set(revive(value.m[i]), revive(value.m[i + 1]));
            return map;
        }
        if (value.b !== undefined)
            return Uint8Array.from(value.b, character => character.charCodeAt(0));
        if (value.i !== undefined)
            return BigInt(value.i);
        if (value.d !== undefined)
            return Number(value.d);
        return makeException(...value.e);
    }

    function toNative(reply) {
        if (reply.get_kind() === Tornadis.ReplyKind.STRING) {
            const data = reply.get_data();
            try {
                return reply.get_text() ?? new TextDecoder('utf-8', {fatal: true}).decode(data);
            } catch {
                return data;
            }
        }
        const [number, value] = JSON.parse(TornadisBridge.dup_text(reply));
        return number < 0 ? revive(value) : value;
    }

    // One function for all promises: creating one for each takes longer than what it does.
    const executed = {resolve: null, reject: null};
    const ahead = [];

    function execute(resolve, reject) {
        executed.resolve = resolve;
        executed.reject = reject;
    }

    /** Returns a promise, whose functions are then in `executed`. For each that is created the engine records the stack,
      * for its message about a rejection that nobody handles, and that takes a fifth of a call. Promises that are created
      * one after the other in a loop have the same stack, which is quick. So where there are many calls those after the
      * first have promises that were created ahead, and only the stacks of the first say where they were created. */
    function makePromise(inCrowd) {
        if (!inCrowd)
            return new Promise(execute);
        if (ahead.length === 0) {
            for (let i = 0; i < MADE_AHEAD; i++) {
                const promise = new Promise(execute);
                ahead.push(executed.reject, executed.resolve, promise);
            }
        }
        const promise = ahead.pop();
        executed.resolve = ahead.pop();
        executed.reject = ahead.pop();
        return promise;
    }

    // The batchers that have calls, by their ids.
    const busy = new Map();
    let nBatchers = 0;

    /** The function for the bridge, which must keep no JavaScript object alive without calls. The client that it passes
      * may have been disposed, and then is another object to GJS. Returns that it was called, which GJS refuses to do
      * during a garbage collection. */
    function makeTake(number) {
        return (client, outcomes) => {
            try {
                busy.get(number)?.take(outcomes);
            } catch (error) {
                logError(error);
            }
            return true;
        };
    }

    /** Carries the calls of a client to the library, those of one main-context iteration together, and the outcomes
      * back. */
    class CallBatcher {
        constructor(client) {
            this.id = ++nBatchers;
            this.bridge = TornadisBridge.Carrier.new_text(client, makeTake(this.id));
            this.calls = [];
            // For each call the function for its result and the one for its error.
            this.targets = [];
            // The targets of calls in flight, in batches with the number of the first call.
            this.batches = [];
            this.number = 0;
            // Outcomes that have come, each part with how much of it was settled; a callback may run a main loop meanwhile.
            this.parts = [];
            this.asks = false;
            this.flushSoon = () => this.flush();
        }

        add(args, resolve, reject) {
            if (!toArguments(args)) {
                this.addWhole('submit_command', makeCommand(args), resolve, reject);
                return;
            }
            this.targets.push(resolve, reject);
            const n = this.calls.push(args);
            if (n >= MOST_CALLS)
                this.flush();
            else if (n === 1)
                this.expectFlush();
        }

        expectFlush() {
            busy.set(this.id, this);
            // After the promises that are ready now; the bridge asks if a main loop runs before that.
            Promise.resolve().then(this.flushSoon);
            try {
                this.bridge.expect();
            } catch {
                // The client is disposed, and so submitting fails too.
            }
        }

        /** Adds a Command object or a pipeline. */
        addWhole(submit, what, resolve, reject) {
            this.flush();
            this.submit(submit, what, [resolve, reject]);
        }

        /** Stores the targets first: a plugin may make other calls before this returns. */
        submit(submit, what, targets) {
            this.asks = false;
            busy.set(this.id, this);
            this.expectOutcomes(targets);
            try {
                submit === 'submit_text' ? this.bridge[submit](what) : this.bridge[submit](what, null);
            } catch (error) {
                // None of the calls was submitted.
                for (let i = 1; i < targets.length; i += 2)
                    Promise.resolve(toException(error)).then(targets[i]);
                this.forgetLast(targets.length / 2);
                this.rest();
            }
        }

        /** When there are no calls any more only the client keeps it alive. */
        rest() {
            if (this.calls.length > 0 || this.batches.length > 0)
                return;
            this.asks = false;
            busy.delete(this.id);
        }

        flush() {
            const {calls, targets} = this;
            if (calls.length === 0)
                return;
            this.calls = [];
            this.targets = [];
            this.submit('submit_text', JSON.stringify(calls), targets);
        }

        expectOutcomes(targets) {
            const n = targets.length / 2;
            const last = this.batches.at(-1);
            if (last !== undefined && last.n + n <= MOST_CALLS) {
                last.targets.push(...targets);
                last.n += n;
                last.left += n;
            } else {
                this.batches.push({first: this.number, n, left: n, targets});
            }
            this.number = (this.number + n) & MAX_NUMBER;
        }

        forgetLast(n) {
            const last = this.batches.at(-1);
            last.targets.length -= 2 * n;
            last.n -= n;
            last.left -= n;
            if (last.left === 0)
                this.batches.pop();
            this.number = (this.number - n) & MAX_NUMBER;
        }

        take(outcomes) {
            if (outcomes !== '')
                this.parts.push({items: JSON.parse(outcomes), nSettled: 0});
            else
                this.asks = false;
            while (this.parts.length > 0) {
                const [part] = this.parts;
                this.settleAll(part);
                if (this.parts[0] === part)
                    this.parts.shift();
            }
            if (outcomes === '')
                this.flush();
            this.rest();
        }

        settleAll(part) {
            const {items} = part;
            let batch = null;
            while (part.nSettled < items.length) {
                const i = part.nSettled;
                const number = Math.abs(items[i]) - 1;
                let index = batch === null ? 0 : (number - batch.first) & MAX_NUMBER;
                part.nSettled += 2;
                if (batch === null || index >= batch.n) {
                    batch = this.batches.find(each => ((number - each.first) & MAX_NUMBER) < each.n);
                    index = (number - batch.first) & MAX_NUMBER;
                }
                const resolve = batch.targets[2 * index];
                const reject = batch.targets[2 * index + 1];
                batch.targets[2 * index] = batch.targets[2 * index + 1] = null;
                if (--batch.left === 0) {
                    this.batches.splice(this.batches.indexOf(batch), 1);
                    batch = null;
                }
                // A callback, which runs at once: if it runs a main loop, that asks for calls and so settles the others.
                if (resolve === reject && !this.asks && part.nSettled < items.length) {
                    this.asks = true;
                    this.expectFlush();
                }
                if (items[i] > 0)
                    resolve(items[i + 1]);
                else
                    this.settle(number, items[i + 1], resolve, reject);
            }
        }

        /** Settles a call whose outcome JSON could not carry as it is. */
        settle(number, value, resolve, reject) {
            let native;
            try {
                native = value.kept ? toNative(this.bridge.take_reply(number)) : revive(value);
            } catch (error) {
                reject(error);
                return;
            }
            if (value.e)
                reject(native);
            else
                resolve(native);
        }
    }

    function getCallBatcher(client) {
        return client._batcher ?? (client._batcher = new CallBatcher(client));
    }

    function send(client, args, resolve, reject) {
        const first = args[0];
        if (args.length === 1 && first instanceof Tornadis.Pipeline) {
            handOver(first);
            getCallBatcher(client).addWhole('submit_pipeline', first, resolve, reject);
        } else if (args.length === 1 && first instanceof Tornadis.Command) {
            getCallBatcher(client).addWhole('submit_command', first, resolve, reject);
        } else {
            getCallBatcher(client).add(args, resolve, reject);
        }
    }

    /** Gives the library what was stacked so far. */
    function handOver(pipeline) {
        const stacked = pipeline._stacked;
        if (stacked?.length > 0) {
            pipeline._stacked = [];
            TornadisBridge.stack_text(pipeline, JSON.stringify(stacked));
        }
    }

    /** Makes methods do something first. */
    function precede(prototype, names, first) {
        for (const name of names) {
            const method = prototype[name];
            prototype[name] = function (...args) {
                first(this, args);
                return method.apply(this, args);
            };
        }
    }

    /** GJS before 1.82 drops what is due while its collector sweeps, and a sweep may begin in any handler. So each handler
      * has a guard: a handler right before it, in C, that brings the sweep to its end. */
    function guardHandlers(classes) {
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
    }

    /** A promise of an _async/_finish pair. */
    function finished(object, name, ...args) {
        return new Promise((resolve, reject) => {
            object[`${name}_async`](...args, null, (source, result) => {
                try {
                    resolve(object[`${name}_finish`](result));
                } catch (error) {
                    reject(toException(error));
                }
            });
        });
    }

    return function _init() {
        Tornadis = this;
        imports.gi.versions.TornadisBridge = '1.0';
        TornadisBridge = imports.gi.TornadisBridge;

        Object.assign(Tornadis, {TornadisException, ConnectionError, ClientError, ReplyError});
        TornadisBridge.expect_collector();
        if (System.version < 18190 && TornadisBridge.collector_watch())
            guardHandlers([Tornadis.Client, Tornadis.ClientPool, Tornadis.Plugin, Tornadis.Call, Tornadis.Pipeline]);

        precede(Tornadis.Client.prototype,
            ['submit', 'submit_pipeline', 'call_async', 'call_pipeline_async', 'connect_async', 'close', 'add_plugin',
                'add_plugin_by_name', 'remove_plugin'],
            (client, [what]) => {
                client._batcher?.flush();
                if (what instanceof Tornadis.Pipeline)
                    handOver(what);
            });
        // GJS sets no properties on a client that was disposed: the batcher has to exist before.
        precede(Tornadis.Client.prototype, ['run_dispose'], client => getCallBatcher(client).flush());
        // GJS does not reference the reply that it passes to a callback: it may be freed when the callback returns.
        for (const name of ['submit', 'submit_pipeline']) {
            const method = Tornadis.Client.prototype[name];
            Tornadis.Client.prototype[name] = function (what, func = null) {
                return method.call(this, what, func === null ? null : (client, reply, error) => {
                    func(client, reply?.ref() ?? null, error);
                });
            };
        }
        const keep = arg => arg instanceof Tornadis.Reply || arg instanceof Tornadis.Command ? arg.ref() : arg;
        Tornadis.Plugin._classInit = function (klass) {
            for (const name of ['vfunc_push', 'vfunc_observe']) {
                if (!Object.hasOwn(klass.prototype, name))
                    continue;
                const hook = klass.prototype[name];
                klass.prototype[name] = function (...args) {
                    return hook.apply(this, args.map(keep));
                };
            }
            return GObject.Object._classInit(klass);
        };
        precede(Tornadis.ClientPool.prototype, ['call_pipeline_async'], (pool, [pipeline]) => handOver(pipeline));
        precede(Tornadis.ClientPool.prototype, ['release_client'], (pool, [client]) => client._batcher?.flush());
        precede(Tornadis.Pipeline.prototype,
            ['stack_command', 'stack_strv', 'get_command', 'get_number_of_stacked_calls', 'get_property', 'clear'],
            handOver);
        for (const kind of [Tornadis.Client, Tornadis.PubSubClient]) {
            for (const name of ['new_for_uri', 'new_for_uri_full']) {
                const construct = kind[name];
                kind[name] = (...args) => {
                    try {
                        return construct(...args);
                    } catch (error) {
                        throw toException(error);
                    }
                };
            }
        }

        const initPipeline = Tornadis.Pipeline.prototype._init;
        Tornadis.Pipeline.prototype._init = function (...args) {
            const pipeline = initPipeline.apply(this, args) ?? this;
            // One that is created here collects commands here; another, of a plugin's setup, is the library's.
            pipeline._stacked = [];
            return pipeline;
        };
        for (const name of ['number_of_stacked_calls', 'numberOfStackedCalls', 'number-of-stacked-calls']) {
            Object.defineProperty(Tornadis.Pipeline.prototype, name, {
                get() {
                    return this.get_number_of_stacked_calls();
                },
            });
        }

        Tornadis.Reply.prototype.unpack = function () {
            return toNative(this);
        };

        for (const name of ['channel', 'pattern', 'text']) {
            Object.defineProperty(Tornadis.Message.prototype, name, {
                get() {
                    return this[`get_${name}`]();
                },
            });
        }
        Object.defineProperty(Tornadis.Message.prototype, 'payload', {
            get() {
                return this.get_payload()?.toArray() ?? null;
            },
        });
        Object.defineProperty(Tornadis.Message.prototype, 'keys', {
            get() {
                const reply = this.get_reply();
                if (reply.get_kind() !== Tornadis.ReplyKind.ARRAY)
                    return null;
                return Array.from({length: reply.get_n_elements()}, (_, i) => reply.get_element(i).get_data());
            },
        });

        /** Calls a command, or a Pipeline; a promise of the native reply. */
        Tornadis.Client.prototype.call = function (...args) {
            const promise = makePromise(this._batcher?.calls.length >= CROWD);
            const reject = executed.reject;
            try {
                send(this, args, executed.resolve, reject);
            } catch (error) {
                reject(error);
            }
            return promise;
        };

        /** Calls a command, or a Pipeline; callback(result) gets the reply, or an Error. */
        Tornadis.Client.prototype.async_call = function (...args) {
            const callback = typeof args.at(-1) === 'function' ? args.pop() : null;
            const settle = value => {
                try {
                    callback?.(value);
                } catch (error) {
                    // As in any other callback of the main loop: the others must be settled all the same.
                    logError(error instanceof Error ? error : new Error(String(error)));
                }
            };
            send(this, args, settle, settle);
        };

        /** Connects now. (`connect` is how GObject connects signals.) */
        Tornadis.Client.prototype.connect_client = function () {
            return finished(this, 'connect');
        };

        Tornadis.PubSubClient.prototype.call = function () {
            return Promise.reject(new ClientError('not allowed with PubSubClient object'));
        };
        Tornadis.PubSubClient.prototype.async_call = function () {
            throw new ClientError('not allowed with PubSubClient object');
        };
        for (const [prefix, kind] of [['', 'CHANNEL'], ['p', 'PATTERN'], ['s', 'SHARD']]) {
            for (const change of ['subscribe', 'unsubscribe']) {
                const name = prefix + change;
                Tornadis.PubSubClient.prototype[name] = async function (...names) {
                    return await finished(this, `${change}_bytes`, Tornadis.SubscriptionKind[kind], names.map(toName));
                };
                // Introspection would cut them off.
                precede(Tornadis.PubSubClient.prototype, [`${name}_async`], (_, [names]) => names?.forEach(checkName));
            }
        }
        /** A promise of the next message, or of null after so many seconds. */
        Tornadis.PubSubClient.prototype.pop_message = function (deadline = -1) {
            return finished(this, 'pop_message', deadline);
        };
        Tornadis.PubSubClient.prototype.messages = async function* () {
            for (;;) {
                let message;
                try {
                    message = await this.pop_message();
                } catch (error) {
                    if ([Tornadis.Error.USAGE, Tornadis.Error.CLOSED].includes(error.error?.code))
                        return;
                    throw error;
                }
                yield message;
            }
        };

        /** Stacks a command, with the arguments of client.call(). */
        Tornadis.Pipeline.prototype.stack_call = function (...args) {
            if (args.length === 1 && args[0] instanceof Tornadis.Command)
                this.stack_command(args[0]);
            else if (!toArguments(args))
                this.stack_command(makeCommand(args));
            else if (this._stacked)
                this._stacked.push(args);
            else
                TornadisBridge.stack_text(this, JSON.stringify([args]));
        };

        Tornadis.ClientPool.prototype.call = async function (...args) {
            if (args.length === 1 && args[0] instanceof Tornadis.Pipeline)
                return toNative(await finished(this, 'call_pipeline', args[0]));
            return toNative(await finished(this, 'call', toCommand(args)));
        };
        Tornadis.ClientPool.prototype.get_connected_client = function () {
            return finished(this, 'get_connected_client');
        };
        Tornadis.ClientPool.prototype.preconnect = function (size = -1) {
            return finished(this, 'preconnect', size);
        };
        /** Runs an async function with a connected client, which is released at the end. */
        Tornadis.ClientPool.prototype.withClient = async function (use) {
            const client = await this.get_connected_client();
            try {
                return await use(client);
            } finally {
                this.release_client(client);
            }
        };
    }
})();
