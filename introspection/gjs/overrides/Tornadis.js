// SPDX-License-Identifier: LGPL-2.1-or-later
// Tornadis for JavaScript: native arguments and replies, promises.

/* exported _init */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var _init = (function () {
    const {Array, BigInt, Error, JSON, Map, Number} = globalThis;
    const {Object, Promise, String, TypeError, Uint8Array} = globalThis;
    const {GLib, GObject} = imports.gi;
    const System = imports.system;

    let Tornadis, TornadisBridge;

    // Arguments of this many characters or bytes are passed to the library without JSON.
    const LARGE = 16384;
    // After so many calls in one iteration the others get promises that were created ahead, so many at a time.
    const CROWD = 8;
    const MADE_AHEAD = 64;

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

    /** Whether arguments are strings that JSON can carry as they are. */
    function areShort(args) {
        for (let i = 0; i < args.length; i++) {
            if (typeof args[i] !== 'string' || args[i].length >= LARGE)
                return false;
        }
        return true;
    }

    /** Converts the arguments of a call in place; returns whether JSON can carry them. */
    function toArguments(args) {
        for (let i = 0; i < args.length; i++) {
            if (typeof args[i] !== 'string')
                args[i] = toArgument(args[i]);
        }
        return areShort(args);
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

    /** A Pipeline as it is, and anything else as a Command. */
    function toWhole(args) {
        if (args.length === 1 && (args[0] instanceof Tornadis.Command || args[0] instanceof Tornadis.Pipeline))
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
    function takeAhead() {
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

    let getCarrier;

    function send(client, args, resolve, reject) {
        const first = args[0];
        if (args.length === 1 && (first instanceof Tornadis.Pipeline || first instanceof Tornadis.Command))
            getCarrier(client).startCall(first, resolve, reject, null);
        else
            getCarrier(client).add(args, resolve, reject);
    }

    /** The cancellable in an object behind all other arguments, which is taken away. */
    function takeCancellable(args) {
        const last = args[args.length - 1];
        if (typeof last !== 'object' || last === null || Object.getPrototypeOf(last) !== Object.prototype ||
            !('cancellable' in last))
            return null;
        args.pop();
        return last.cancellable;
    }

    /** Gives the library what was stacked so far. */
    function handOver(pipeline) {
        const stacked = pipeline._stacked;
        if (stacked?.length > 0) {
            pipeline._stacked = [];
            TornadisBridge.stack_text(pipeline, JSON.stringify(stacked));
        }
    }

    /** Makes a hook refuse with the errors that it throws. To GJS any exception is one, but others than GLib's and ours are
      * faults of the plugin: they are logged, and it refuses without a word. */
    function refusing(hook) {
        return function (...args) {
            try {
                return hook.apply(this, args);
            } catch (error) {
                if (error instanceof TornadisException)
                    throw error.error ?? error;
                if (error instanceof GLib.Error)
                    throw error;
                logError(error instanceof Error ? error : new Error(String(error)));
                return false;
            }
        };
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

    /** A promise of what the carrier of a client or pool does. */
    function started(owner, operation, args, cancellable) {
        return new Promise((resolve, reject) => getCarrier(owner).start(operation, args, resolve, reject, cancellable));
    }

    return function _init() {
        Tornadis = this;
        imports.gi.versions.TornadisBridge = '1.0';
        TornadisBridge = imports.gi.TornadisBridge;

        Object.assign(Tornadis, {TornadisException, ConnectionError, ClientError, ReplyError});
        TornadisBridge.expect_collector();
        if (System.version < 18190 && TornadisBridge.collector_watch()) {
            const guardHandlers = imports.overrides._TornadisGuards.create(TornadisBridge);
            guardHandlers([Tornadis.Client, Tornadis.ClientPool, Tornadis.Plugin, Tornadis.Call, Tornadis.Pipeline]);
        }

        const values = {toArguments, makeCommand, toException, toNative, revive, handOver};
        const Carrier = imports.overrides._TornadisCarrier.create(Tornadis, TornadisBridge, values);
        const {Messages, extend} = imports.overrides._TornadisMessages.create(Tornadis, TornadisBridge);
        getCarrier = owner => owner._carrier ?? (owner._carrier = new Carrier(owner));
        const getMessages = client => {
            if (!client._messages) {
                client._messages = new Messages(getCarrier(client));
                client._messages.carrier.messages = client._messages;
            }
            return client._messages;
        };
        extend(getMessages);

        precede(Tornadis.Client.prototype,
            ['submit', 'submit_pipeline', 'call_async', 'call_pipeline_async', 'connect_async', 'close', 'add_plugin',
                'add_plugin_by_name', 'remove_plugin'],
            (client, [what]) => {
                client._carrier?.flush();
                if (what instanceof Tornadis.Pipeline)
                    handOver(what);
            });
        // What came before goes before: it may be closed by a callback.
        precede(Tornadis.Client.prototype, ['close'], client => client._carrier?.deal());
        // GJS sets no properties on a client that was disposed: the carrier has to exist before.
        precede(Tornadis.Client.prototype, ['run_dispose'], client => getCarrier(client).flush());
        precede(Tornadis.PubSubClient.prototype, ['run_dispose'], client => getMessages(client).forgetAll());
        precede(Tornadis.PubSubClient.prototype, ['close'], client => client._messages?.drop());
        // GJS does not reference the reply that it passes to a callback: it may be freed when the callback returns.
        const keeping = func => func && ((client, reply, error) => func(client, reply?.ref() ?? null, error));
        for (const name of ['submit', 'submit_pipeline']) {
            const method = Tornadis.Client.prototype[name];
            Tornadis.Client.prototype[name] = function (what, func = null) {
                return method.call(this, what, keeping(func));
            };
        }
        const submitBehind = Tornadis.Plugin.prototype.submit;
        Tornadis.Plugin.prototype.submit = function (client, command, func = null) {
            return submitBehind.call(this, client, command, keeping(func));
        };
        const keep = arg => arg instanceof Tornadis.Reply || arg instanceof Tornadis.Command ? arg.ref() : arg;
        const wrap = (prototype, name, wrapper) => {
            if (Object.hasOwn(prototype, name))
                prototype[name] = wrapper(prototype[name]);
        };
        Tornadis.Plugin._classInit = function (klass) {
            for (const name of ['vfunc_setup_done', 'vfunc_push', 'vfunc_observe']) {
                wrap(klass.prototype, name, hook => function (...args) {
                    return hook.apply(this, args.map(keep));
                });
            }
            wrap(klass.prototype, 'vfunc_setup_done', refusing);
            return GObject.Object._classInit(klass);
        };
        precede(Tornadis.ClientPool.prototype, ['call_pipeline_async'], (pool, [pipeline]) => handOver(pipeline));
        precede(Tornadis.ClientPool.prototype, ['release_client'], (pool, [client]) => client._carrier?.flush());
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
        Object.defineProperty(Tornadis.Message.prototype, 'shard', {
            get() {
                return this.is_shard();
            },
        });
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

        /** Calls a command, or a Pipeline; a promise of the native reply. An object `{cancellable}` may be the last argument. */
        Tornadis.Client.prototype.call = function (...args) {
            const carrier = this._carrier;
            const targets = carrier?.isAlone() && areShort(args) ? carrier.submitAlone(args) : null;
            const promise = carrier?.calls.length >= CROWD ? takeAhead() : new Promise(execute);
            const {resolve, reject} = executed;
            if (targets !== null) {
                targets[0] = resolve;
                targets[1] = reject;
                return promise;
            }
            try {
                const cancellable = takeCancellable(args);
                if (cancellable === null)
                    send(this, args, resolve, reject);
                else
                    getCarrier(this).startCall(toWhole(args), resolve, reject, cancellable);
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
        Tornadis.Client.prototype.connect_client = function ({cancellable = null} = {}) {
            return started(this, 'connect', [], cancellable);
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
                    const cancellable = takeCancellable(names);
                    return await started(this, change, [Tornadis.SubscriptionKind[kind], names.map(toName)], cancellable);
                };
                // Introspection would cut them off.
                precede(Tornadis.PubSubClient.prototype, [`${name}_async`], (_, [names]) => names?.forEach(checkName));
            }
        }
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

        /** Takes a client, calls a command or a Pipeline on it and gives it back; a promise of the native reply. */
        Tornadis.ClientPool.prototype.call = async function (...args) {
            const cancellable = takeCancellable(args);
            return await new Promise((resolve, reject) =>
                getCarrier(this).startCall(toWhole(args), resolve, reject, cancellable));
        };
        Tornadis.ClientPool.prototype.get_connected_client = async function ({cancellable = null} = {}) {
            const carrier = getCarrier(this);
            let number;
            await new Promise((resolve, reject) => {
                number = carrier.start('get_client', [], resolve, reject, cancellable);
            });
            return carrier.bridge.take_client(number);
        };
        Tornadis.ClientPool.prototype.preconnect = function (size = -1, {cancellable = null} = {}) {
            return started(this, 'preconnect', [size], cancellable);
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
