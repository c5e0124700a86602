// SPDX-License-Identifier: LGPL-2.1-or-later
// Tornadis for JavaScript: native arguments and replies, promises.
//
// A call is given strings (sent as UTF-8), numbers, BigInts, booleans (as 1 or 0), and bytes as Uint8Array or GLib.Bytes. It
// brings strings (Uint8Array when it is not text), numbers, BigInts, booleans, null, arrays, Map, and an Error for an error
// within a reply. Its own error rejects the promise, as a TornadisException.
//
// Behind the arguments of a call there may be an object with options, `{timeout, cancellable}`: nothing else that is a
// plain object can be there. What takes longer than so many seconds is given up and rejects with a ConnectionError of the
// code TIMEOUT; with 0 it is not begun, and nothing is sent. What is cancelled by a Gio.Cancellable rejects with
// Gio.IOErrorEnum.CANCELLED. The command may have run none the less. A reply that comes later is dropped and reaches no
// other call. The connection stays, but for commands that wait for data, such as BLPOP: those would go on waiting.

/* exported _init */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var _init = (function () {
    const {Array, BigInt, Error, JSON, Map, Number} = globalThis;
    const {Function, Object, Promise, String, Symbol, TypeError, Uint8Array} = globalThis;
    const {GLib, GObject} = imports.gi;
    const System = imports.system;

    let Tornadis, TornadisBridge;

    const DOMAIN = 'tornadis-error-quark';

    // Arguments of this many characters or bytes are passed to the library without JSON.
    const LARGE = 16384;
    // After so many calls in one iteration the others get promises that were created ahead, so many at a time.
    const CROWD = 8;
    const MADE_AHEAD = 64;

    /**
     * The base of all errors of this library. It has the `domain` (a string), `code` (one of Tornadis.Error) and `message`
     * of the library's error.
     */
    class TornadisException extends Error {
        /**
         * @param {string} message - what is wrong
         * @param {string} domain - the domain of a GLib.Error
         * @param {number} code - its code; without it `USAGE`, of a ConnectionError `CONNECT`, of a ReplyError `REPLY`
         */
        constructor(message, domain = DOMAIN, code = new.target._getUsualCode()) {
            super(message);
            this.name = this.constructor.name;
            this.domain = domain;
            this.code = code;
        }

        static _getUsualCode() {
            return Tornadis.Error.USAGE;
        }

        /**
         * The same as a GLib.Error.
         */
        get error() {
            return new GLib.Error(GLib.quark_from_string(this.domain), this.code, this.message);
        }

        /**
         * As of a GLib.Error: `error.matches(Tornadis.Error, Tornadis.Error.LOST)`.
         *
         * @param {number|Function} domain - the quark of a domain, or its class
         * @param {number} code - a code of that
         * @returns {boolean} whether it is this error
         */
        matches(domain, code) {
            return this.error.matches(domain, code);
        }
    }

    /**
     * There is no connection, or it was lost, or it took too long: `CONNECT`, `AUTHENTICATION`, `CLOSED`, `LOST`, `TIMEOUT`
     * and `PROTOCOL`.
     */
    class ConnectionError extends TornadisException {
        static _getUsualCode() {
            return Tornadis.Error.CONNECT;
        }
    }

    /**
     * The library was asked for what it does not do, or a bound is reached, or a plugin is at fault: `USAGE`, `BUSY` and
     * `PLUGIN`, and in ReplyError `REPLY`.
     */
    class ClientError extends TornadisException {}

    /**
     * The server answered with an error, whose words are `message`.
     */
    class ReplyError extends ClientError {
        static _getUsualCode() {
            return Tornadis.Error.REPLY;
        }

        /**
         * The first word of the server's error, such as 'WRONGTYPE'; null if that is not one in capitals.
         */
        get prefix() {
            return /^[A-Z0-9_-]+(?= |$)/.exec(this.message)?.[0] ?? null;
        }
    }

    function makeException(domain, code, message) {
        if (domain !== DOMAIN)
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

    /** The error as one of our classes, if it is of our domain and not one already. */
    function toException(error) {
        if (!(error instanceof GLib.Error) || error.domain !== Tornadis.error_quark())
            return error;
        return makeException(DOMAIN, error.code, error.message);
    }

    /** The error as introspection takes it. */
    function toGError(error) {
        return error instanceof TornadisException ? error.error : error;
    }

    const OPERATIONS = {
        acquire_lock: 'Acquiring the lock',
        close_reader: 'Closing the reader',
        connect: 'Connecting',
        edit_list: 'The edit',
        edit_sorted_set: 'The edit',
        edit_table: 'The edit',
        ensure_library: 'Loading the library',
        flush_record: 'Writing the record',
        get_client: 'Getting a client',
        load_record: 'Loading the record',
        preconnect: 'Connecting',
        release_lock: 'Releasing the lock',
        scan: 'A batch',
        start_keyspace: 'Starting',
        subscribe: 'Subscribing',
        try_acquire_lock: 'Acquiring the lock',
        unsubscribe: 'Unsubscribing',
    };

    /** Of the operation of a carrier with that, a Command or a Pipeline for instance. */
    function describeTimeout(seconds, operation, what) {
        const words = OPERATIONS[operation] ?? (what instanceof Tornadis.Pipeline ? 'The pipeline' : what.get_name());
        return `${words} took longer than ${seconds} s`;
    }

    function describe(value) {
        if (value === null || value === undefined)
            return String(value);
        if (typeof value !== 'object')
            return `a ${typeof value}`;
        // What a generator has there is no class.
        const {constructor} = value;
        const name = typeof constructor === 'function' ? constructor.name : Object.prototype.toString.call(value).slice(8, -1);
        return `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name.replace('_', '.')}`;
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
        const advice = Array.isArray(value) ? 'spread it, as in ...values' : 'give a string, a number, a boolean or bytes';
        throw new TypeError(`${describe(value)} can not be an argument of a command: ${advice}`);
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

    /** Of a string, or bytes in a Uint8Array. */
    const toGBytes = argument => new GLib.Bytes(typeof argument === 'string' ? encoder.encode(argument) : argument);

    const makeCommand = args => Tornadis.Command.new_bytes(args.map(toGBytes));

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
            throw new TypeError(`${describe(name)} can not be the name of a channel: give a string or bytes`);
        return toGBytes(name);
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
        const text = TornadisBridge.dup_text(reply);
        if (text === null)
            throw new RangeError('There is no memory for the reply');
        const [number, value] = JSON.parse(text);
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
            getCarrier(client).startCall(first, resolve, reject);
        else
            getCarrier(client).add(args, resolve, reject);
    }

    /** A call with options: that of arguments with a time goes with the others of its turn. */
    function sendWith(options, client, args, resolve, reject) {
        const {timeout, cancellable} = options;
        const whole = args[0] instanceof Tornadis.Pipeline || args[0] instanceof Tornadis.Command;
        if (timeout === null && cancellable === null)
            send(client, args, resolve, reject);
        else if (cancellable !== null || args.length === 0 || whole)
            getCarrier(client).startCall(toWhole(args), resolve, reject, options);
        else
            getCarrier(client).addWithin(timeout, args, resolve, reject);
    }

    const checks = imports.overrides._TornadisOptions.create(describe);
    const {NO_OPTIONS, isPlain, checkOptions, checkUse, takeOptions} = checks;

    /** The function behind all other arguments, which is taken away, as one that does not throw. */
    function takeCallback(args) {
        const callback = typeof args.at(-1) === 'function' ? args.pop() : null;
        return value => {
            try {
                callback?.(value);
            } catch (error) {
                // As in any other callback of the main loop: the others must be settled all the same.
                logError(error instanceof Error ? error : new Error(String(error)));
            }
        };
    }

    /** A property that nobody lists: arguments of commands, which may be secrets, stay out of console.log() and JSON. */
    function hide(object, name, value) {
        Object.defineProperty(object, name, {value, writable: true, configurable: true});
        return value;
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

    /** A promise of the outcome of what the carrier of a client or a pool does. */
    const start = (owner, options, operation, args) => new Promise((resolve, reject) =>
        getCarrier(owner).startWithin(options, operation, args, resolve, reject));

    /** Likewise of the client or pool itself. */
    async function prepared(owner, operation, args, options) {
        await start(owner, options, operation, args);
        return owner;
    }

    /** Names that are given one by one, or by one object that can be iterated over, as what is a name can be, too. */
    function spread(names) {
        const [first] = names;
        if (names.length !== 1 || typeof first !== 'object' || first === null || first instanceof Uint8Array ||
            first instanceof GLib.Bytes || typeof first[Symbol.iterator] !== 'function')
            return names;
        return [...first];
    }

    // What of the properties of a pool is not its clients'.
    const OF_POOL = ['template', 'max_size', 'client_timeout', 'autoclose'];

    /** The properties of a pool, with a template for those of its clients. */
    function makePoolProperties(properties) {
        const own = {}, others = {};
        for (const [name, value] of Object.entries(properties)) {
            const canonical = name.replace(/-/g, '_').replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
            (OF_POOL.includes(canonical) ? own : others)[canonical] = value;
        }
        if (!own.template)
            own.template = new Tornadis.Client(others);
        else if (Object.keys(others).length > 0)
            throw new TypeError(`a pool with a template has its properties from that, not ${Object.keys(others).join(', ')}`);
        return own;
    }

    // Those that can fail beside what is named _finish.
    const FAILING = {
        Caller: [],
        Client: ['new_for_uri', 'new_for_uri_full', 'add_plugin', 'add_plugin_by_name'],
        PubSubClient: ['new_for_uri', 'new_for_uri_full', 'new_like'],
        ClientPool: [],
        FunctionLibrary: [],
        HashModel: [],
        KeyModel: [],
        Keyspace: [],
        ListModel: [],
        Lock: [],
        Plugin: ['new_by_name', 'new_with_options'],
        Record: [],
        Reply: ['new_from_resp'],
        Scanner: [],
        Script: [],
        SetModel: [],
        SortedSetModel: [],
        StreamConsumer: [],
        StreamReader: [],
    };
    // Those that are given errors, which may be ours; and those that return them.
    const GIVEN_ERRORS = {Call: ['return_error'], Error: ['dup_prefix'],
        Plugin: ['reconnect_client', 'reroute_subscriptions', 'set_client_lost']};
    const GIVING_ERRORS = {Call: ['dup_error'], LiveModel: ['get_error'], Record: ['get_error'], Reply: ['dup_error']};

    function wrapEach(names, find, wrap) {
        for (const [kind, each] of Object.entries(names)) {
            for (const holder of [Tornadis[kind], Tornadis[kind].prototype]) {
                for (const name of find ? find(holder, each) : each) {
                    if (Object.hasOwn(holder, name))
                        holder[name] = wrap(holder[name]);
                }
            }
        }
    }

    /** Has all methods throw, take and return errors of our classes. */
    function convertErrors() {
        const failing = (holder, names) =>
            [...names, ...Object.getOwnPropertyNames(holder).filter(name => name.endsWith('_finish'))];
        wrapEach(FAILING, failing, method => function (...args) {
            try {
                return method.apply(this, args);
            } catch (error) {
                throw toException(error);
            }
        });
        wrapEach(GIVEN_ERRORS, null, method => function (...args) {
            return method.apply(this, args.map(toGError));
        });
        wrapEach(GIVING_ERRORS, null, method => function () {
            return toException(method.call(this));
        });
        const dupPrefix = Tornadis.error_dup_prefix;
        Tornadis.error_dup_prefix = error => dupPrefix(toGError(error));
        // Of what is in a callback of a signal or caught here.
        const {[Symbol.hasInstance]: isInstance} = Function.prototype;
        Object.defineProperty(Tornadis.Error, Symbol.hasInstance, {
            value(instance) {
                return (instance instanceof TornadisException && instance.domain === DOMAIN) ||
                    isInstance.call(this, instance);
            },
        });
    }

    // What a URI always decides on, whatever a subclass has for it. The first is before those that count for less.
    const OF_URI = ['unix-domain-socket', 'host', 'port', 'username', 'password', 'db', 'tls'];

    /** Gives the client what a URI has decided of another one, which is dropped: its properties and plugins. */
    function takeOver(client, other) {
        const list = other.get_plugins();
        const plugins = Array.from({length: list.get_n_items()}, (_, i) => list.get_item(i));
        plugins.forEach(plugin => other.remove_plugin(plugin));
        const usual = new Tornadis.Client();
        for (const {name, flags} of GObject.Object.list_properties.call(Tornadis.Client)) {
            if ((flags & GObject.ParamFlags.READWRITE) === GObject.ParamFlags.READWRITE &&
                (OF_URI.includes(name) || other[name] !== usual[name]))
                client[name] = other[name];
        }
        plugins.forEach(plugin => client.add_plugin(plugin));
        return client;
    }

    /** Has the constructors for a URI create one of the subclass that they are called of. */
    function adaptConstructors(kind) {
        for (const name of ['new_for_uri', 'new_for_uri_full']) {
            const construct = kind[name];
            kind[name] = function (...args) {
                let client;
                try {
                    client = construct.apply(kind, args);
                } catch (error) {
                    if (error instanceof ClientError && error.message.includes('“decode”'))
                        error.message += ': it is one of Python’s alone, while JavaScript has text wherever it is text';
                    throw error;
                }
                return this?.prototype instanceof kind ? takeOver(new this(), client) : client;
            };
        }
    }

    const MOST_SHOWN = 60;

    function show(value) {
        const text = typeof value === 'string' ? JSON.stringify(value) : `${value?.length} bytes`;
        return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}…`;
    }

    const showMessage = message => `Message ${show(message.channel)} ${show(message.text ?? message.payload)}`;

    /** "3 clients" */
    const count = (n, noun) => `${n} ${noun}${n === 1 ? '' : 's'}`;

    const showEntry = entry =>
        `StreamEntry ${entry.id} of ${JSON.stringify(entry.stream)}, ${count(entry.get_n_fields(), 'field')}`;

    /** Where a client connects to, without any secret. */
    const showClient = client => `${client.title}${client.db === 0 ? '' : `, database ${client.db}`}`;

    function getNick(type, value) {
        return Object.keys(type).find(name => type[name] === value)?.toLowerCase().replace(/_/g, '-');
    }

    /** Gives a class a toString(). That of GJS is for what has been disposed, and for a prototype. */
    function describeBy(kind, describeIt) {
        const original = kind.prototype.toString;
        kind.prototype.toString = function () {
            const text = original.call(this);
            return /^\[(object|boxed) instance /.test(text) ? `<Tornadis.${describeIt(this)}>` : text;
        };
    }

    function describeAll() {
        const {ClientState} = Tornadis;
        // Before that which it would inherit.
        describeBy(Tornadis.PubSubClient, client => `PubSubClient ${showClient(client)}, ` +
            `${getNick(ClientState, client.state)}${client.subscribed ? ', subscribed' : ''}`);
        describeBy(Tornadis.Client, client => `Client ${showClient(client)}, ${getNick(ClientState, client.state)}`);
        describeBy(Tornadis.ClientPool, pool => {
            const number = pool.max_size < 0 ? count(pool.size, 'client') : `${pool.size} of ${pool.max_size} clients`;
            return `ClientPool ${showClient(pool.template)}, ${number}, ${pool.idle} idle`;
        });
        describeBy(Tornadis.Pipeline, pipeline =>
            `Pipeline of ${count(pipeline.number_of_stacked_calls, 'command')}${pipeline.atomic ? ', atomic' : ''}`);
        // No argument, which may be a secret.
        describeBy(Tornadis.Command, command =>
            `Command ${command.get_name()}, ${count(command.get_n_args() - 1, 'argument')}`);
        describeBy(Tornadis.Message, showMessage);
        describeBy(Tornadis.Scanner, scanner => {
            const kind = getNick(Tornadis.ScannerKind, scanner.kind);
            return `Scanner of ${kind === 'keys' ? kind : `a ${kind}`}`;
        });
        describeBy(Tornadis.FunctionLibrary, library => `FunctionLibrary ${library.name}, version ${library.version}`);
        describeBy(Tornadis.Lock, lock => `Lock ${lock.name}, ${lock.is_held() ? 'held' : 'not held'}`);
        describeBy(Tornadis.Script, script => `Script of ${count(script.n_keys, 'key')}, ${script.digest ?? 'not sent yet'}`);
        const showClosed = reader => reader.is_closed() ? ', closed' : '';
        describeBy(Tornadis.StreamConsumer, consumer => `StreamConsumer ${JSON.stringify(consumer.consumer_name)} of ` +
            `${JSON.stringify(consumer.group)} of ${JSON.stringify(consumer.stream)}${showClosed(consumer)}`);
        describeBy(Tornadis.StreamReader, reader => `StreamReader of ${JSON.stringify(reader.stream)}${showClosed(reader)}`);
        describeBy(Tornadis.StreamEntry, showEntry);
        describeBy(Tornadis.Keyspace, keyspace => {
            const keys = keyspace.pattern ? `'${new TextDecoder().decode(keyspace.pattern.toArray())}'` : 'all keys';
            return `Keyspace of ${keys}, ${keyspace.active ? 'active' : 'not started'}`;
        });
        describeBy(Tornadis.Record, record => `Record ${JSON.stringify(record.get_key())}, ` +
            `${record.get_loaded() ? 'loaded' : 'not loaded'}`);
        Tornadis.Reply.prototype.toString = function () {
            return this.to_string();
        };
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

        convertErrors();
        const makeTimeout = message => makeException(DOMAIN, Tornadis.Error.TIMEOUT, message);
        const values = {toArguments, makeCommand, toException, toNative, revive, handOver, describeTimeout, makeTimeout};
        const Carrier = imports.overrides._TornadisCarrier.create(Tornadis, TornadisBridge, values);
        const {Messages, extend} =
            imports.overrides._TornadisMessages.create(Tornadis, TornadisBridge, showMessage, checks);
        getCarrier = owner => owner._carrier ?? hide(owner, '_carrier', new Carrier(owner));
        const getMessages = client => {
            if (!client._messages) {
                hide(client, '_messages', new Messages(getCarrier(client)));
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
        // Without an argument GJS says nothing that helps.
        for (const name of ['connect', 'disconnect']) {
            for (const kind of [Tornadis.PubSubClient, Tornadis.Client]) {
                precede(kind.prototype, [name], (_, {length}) => {
                    if (length === 0)
                        throw new TypeError(`${name}() is about signals: of the connection it is ${name}_client()`);
                });
            }
        }
        // GJS does not reference the reply that it passes to a callback: it may be freed when the callback returns.
        const keeping = func =>
            func && ((client, reply, error) => func(client, reply?.ref() ?? null, toException(error)));
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
        const keep = arg => arg instanceof Tornadis.Reply || arg instanceof Tornadis.Command ? arg.ref() : toException(arg);
        const wrap = (prototype, name, wrapper) => {
            if (Object.hasOwn(prototype, name))
                prototype[name] = wrapper(prototype[name]);
        };
        Tornadis.Plugin._classInit = function (klass) {
            for (const name of ['vfunc_setup_done', 'vfunc_push', 'vfunc_observe', 'vfunc_subscription_failed']) {
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
            [
                'stack_command', 'stack_commands', 'stack_strv', 'get_command', 'get_commands', 'get_number_of_stacked_calls',
                'get_property', 'clear',
            ],
            handOver);
        const initPipeline = Tornadis.Pipeline.prototype._init;
        Tornadis.Pipeline.prototype._init = function (...args) {
            const pipeline = initPipeline.apply(this, args) ?? this;
            // One that is created here collects commands here; another, of a plugin's setup, is the library's.
            hide(pipeline, '_stacked', []);
            return pipeline;
        };
        for (const name of ['number_of_stacked_calls', 'numberOfStackedCalls', 'number-of-stacked-calls']) {
            Object.defineProperty(Tornadis.Pipeline.prototype, name, {
                get() {
                    return this.get_number_of_stacked_calls();
                },
            });
        }

        // To GJS a method of the interface is nearer to this class than that of its parent.
        for (const name of ['call_async', 'call_finish', 'call_pipeline_async', 'call_pipeline_finish'])
            Tornadis.PubSubClient.prototype[name] = Tornadis.Client.prototype[name];

        adaptConstructors(Tornadis.Client);
        adaptConstructors(Tornadis.PubSubClient);

        const initPool = Tornadis.ClientPool.prototype._init;
        Tornadis.ClientPool.prototype._init = function (properties = {}) {
            return initPool.call(this, makePoolProperties(properties)) ?? this;
        };

        /**
         * The reply as values of JavaScript: strings, Uint8Array for what is not text, numbers, BigInts, booleans, null,
         * arrays, Map, and an Error for an error.
         *
         * @returns {*} the value
         */
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

        /**
         * Calls a command: `await client.call('SET', 'key', 'value', 'EX', 60)`. Instead of a name and arguments there may
         * be one Command, or one Pipeline, whose replies are an array; an error among them does not reject. It is null when
         * a transaction was given up (`WATCH`).
         *
         * @param {...*} args - the name of the command and its arguments, then perhaps `{timeout, cancellable}`
         * @returns {Promise<*>} the native reply; it is rejected with a ReplyError when that is an error
         */
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
                const options = typeof args[args.length - 1] === 'object' ? takeOptions(args) : null;
                if (options === null)
                    send(this, args, resolve, reject);
                else
                    sendWith(options, this, args, resolve, reject);
            } catch (error) {
                reject(error);
            }
            return promise;
        };

        /**
         * As call(), but for a callback: `callback(result)` gets the reply, or the Error.
         *
         * @param {...*} args - the name of the command and its arguments, then perhaps `{timeout, cancellable}`, then perhaps
         * the callback
         */
        Tornadis.Client.prototype.async_call = function (...args) {
            const settle = takeCallback(args);
            const options = takeOptions(args);
            if (options === null)
                send(this, args, settle, settle);
            else
                sendWith(options, this, args, settle, settle);
        };

        /**
         * Connects now. (`connect` is how GObject connects signals.)
         *
         * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of call()
         * @returns {Promise<Tornadis.Client>} the client
         */
        Tornadis.Client.prototype.connect_client = async function (options = {}) {
            return await prepared(this, 'connect', [], checkOptions(options));
        };

        /**
         * Closes the connection, as close(). (`disconnect` is how GObject disconnects signals.)
         */
        Tornadis.Client.prototype.disconnect_client = function () {
            this.close();
        };

        /**
         * Connects, runs a function, and closes the connection at its end.
         *
         * @param {function(Tornadis.Client): Promise<*>} use - an async function
         * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - of connecting, as of call()
         * @returns {Promise<*>} what it returns
         */
        Tornadis.Client.prototype.withClient = async function (use, options = {}) {
            checkUse(use);
            const checked = checkOptions(options);
            try {
                await this.connect_client(checked);
                return await use(this);
            } finally {
                this.close();
            }
        };

        // Of engines that have `await using`.
        if (Symbol.asyncDispose !== undefined) {
            Tornadis.Client.prototype[Symbol.asyncDispose] = async function () {
                this.close();
            };
            Tornadis.ClientPool.prototype[Symbol.asyncDispose] = async function () {
                this.destroy();
            };
        }

        /**
         * Not allowed. Publish and call with a Client.
         *
         * @returns {Promise<never>} it is rejected with a ClientError
         */
        Tornadis.PubSubClient.prototype.call = function () {
            return Promise.reject(new ClientError('not allowed with PubSubClient object: call, and publish, with a Client',
                DOMAIN, Tornadis.Error.USAGE));
        };

        /**
         * Not allowed: throws a ClientError. Publish and call with a Client.
         */
        Tornadis.PubSubClient.prototype.async_call = function () {
            throw new ClientError('not allowed with PubSubClient object: call, and publish, with a Client',
                DOMAIN, Tornadis.Error.USAGE);
        };

        const change = async (client, operation, kind, names) => {
            const options = takeOptions(names) ?? NO_OPTIONS;
            const all = spread(names);
            // To the library no name is all names, which an empty array does not mean.
            if (operation === 'unsubscribe' && names.length > 0 && all.length === 0)
                return client;
            return await prepared(client, operation, [kind, all.map(toName)], options);
        };
        const {CHANNEL, PATTERN, SHARD} = Tornadis.SubscriptionKind;

        /**
         * Subscribes to channels: `subscribe('a', 'b')` or `subscribe(['a', 'b'])`. What is restored later, after a lost
         * connection, is not waited for here: see the signal `gap`.
         *
         * @param {...(string|Uint8Array|GLib.Bytes)} channels - their names, or one iterable of them, then perhaps
         * `{timeout, cancellable}`
         * @returns {Promise<Tornadis.PubSubClient>} the client, when the server has confirmed all of them
         */
        Tornadis.PubSubClient.prototype.subscribe = async function (...channels) {
            return await change(this, 'subscribe', CHANNEL, channels);
        };

        /**
         * As subscribe(), to all channels that match a pattern such as 'news.*'.
         *
         * @param {...(string|Uint8Array|GLib.Bytes)} patterns - the patterns, or one iterable of them, then perhaps
         * `{timeout, cancellable}`
         * @returns {Promise<Tornadis.PubSubClient>} the client
         */
        Tornadis.PubSubClient.prototype.psubscribe = async function (...patterns) {
            return await change(this, 'subscribe', PATTERN, patterns);
        };

        /**
         * As subscribe(), to shard channels, for what is published with `SPUBLISH`.
         *
         * @param {...(string|Uint8Array|GLib.Bytes)} channels - their names, or one iterable of them, then perhaps
         * `{timeout, cancellable}`
         * @returns {Promise<Tornadis.PubSubClient>} the client
         */
        Tornadis.PubSubClient.prototype.ssubscribe = async function (...channels) {
            return await change(this, 'subscribe', SHARD, channels);
        };

        /**
         * Ends subscriptions to channels, given as to subscribe(): those named, or without a name all. An empty array is no
         * channel.
         *
         * @param {...(string|Uint8Array|GLib.Bytes)} channels - their names, or one iterable of them, then perhaps
         * `{timeout, cancellable}`
         * @returns {Promise<Tornadis.PubSubClient>} the client
         */
        Tornadis.PubSubClient.prototype.unsubscribe = async function (...channels) {
            return await change(this, 'unsubscribe', CHANNEL, channels);
        };

        /**
         * As unsubscribe(), for patterns.
         *
         * @param {...(string|Uint8Array|GLib.Bytes)} patterns - the patterns, or one iterable of them, then perhaps
         * `{timeout, cancellable}`
         * @returns {Promise<Tornadis.PubSubClient>} the client
         */
        Tornadis.PubSubClient.prototype.punsubscribe = async function (...patterns) {
            return await change(this, 'unsubscribe', PATTERN, patterns);
        };

        /**
         * As unsubscribe(), for shard channels.
         *
         * @param {...(string|Uint8Array|GLib.Bytes)} channels - their names, or one iterable of them, then perhaps
         * `{timeout, cancellable}`
         * @returns {Promise<Tornadis.PubSubClient>} the client
         */
        Tornadis.PubSubClient.prototype.sunsubscribe = async function (...channels) {
            return await change(this, 'unsubscribe', SHARD, channels);
        };

        // Introspection would cut off the names.
        for (const prefix of ['', 'p', 's', 'un', 'pun', 'sun']) {
            precede(Tornadis.PubSubClient.prototype, [`${prefix}subscribe_async`],
                (_, [names]) => names?.forEach(checkName));
        }

        /**
         * Adds a command, a name and arguments as to client.call(), or a Command.
         *
         * @param {...*} args - the name of the command and its arguments
         */
        Tornadis.Pipeline.prototype.stack_call = function (...args) {
            if (args.length === 0)
                throw new ClientError('A command needs a name', DOMAIN, Tornadis.Error.USAGE);
            if (args.length === 1 && args[0] instanceof Tornadis.Command)
                this.stack_command(args[0]);
            else if (!toArguments(args))
                this.stack_command(makeCommand(args));
            else if (this._stacked)
                this._stacked.push(args);
            else
                TornadisBridge.stack_text(this, JSON.stringify([args]));
        };

        /**
         * Takes a client, calls on it as client.call(), and gives it back.
         *
         * @param {...*} args - as of client.call(); a `timeout` is that of all of it
         * @returns {Promise<*>} the native reply
         */
        Tornadis.ClientPool.prototype.call = async function (...args) {
            const options = takeOptions(args) ?? NO_OPTIONS;
            return await new Promise((resolve, reject) =>
                getCarrier(this).startCall(toWhole(args), resolve, reject, options));
        };

        /**
         * As call(), but for a callback: `callback(result)` gets the reply, or the Error.
         *
         * @param {...*} args - as of client.async_call()
         */
        Tornadis.ClientPool.prototype.async_call = function (...args) {
            const settle = takeCallback(args);
            const options = takeOptions(args) ?? NO_OPTIONS;
            getCarrier(this).startCall(toWhole(args), settle, settle, options);
        };

        /**
         * Takes a client, for release_client(): also where nobody waits for the promise any more, which it cannot know.
         * withClient() does that by itself.
         *
         * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of call()
         * @returns {Promise<Tornadis.Client>} a client that is connected
         */
        Tornadis.ClientPool.prototype.get_connected_client = async function (options = {}) {
            const checked = checkOptions(options);
            const carrier = getCarrier(this);
            let number;
            await new Promise((resolve, reject) => {
                number = carrier.startWithin(checked, 'get_client', [], resolve, reject);
            });
            return carrier.bridge.take_client(number);
        };

        /**
         * Connects clients ahead.
         *
         * @param {number} size - how many; -1, or nothing before the options: as many as `max_size`
         * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of call()
         * @returns {Promise<Tornadis.ClientPool>} the pool
         */
        Tornadis.ClientPool.prototype.preconnect = async function (size = -1, options = {}) {
            if (isPlain(size))
                [size, options] = [-1, size];
            return await prepared(this, 'preconnect', [size], checkOptions(options));
        };

        /**
         * Runs a function with a connected client, which is released at the end.
         *
         * @param {function(Tornadis.Client): Promise<*>} use - an async function
         * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - of waiting for the client, as of call()
         * @returns {Promise<*>} what it returns
         */
        Tornadis.ClientPool.prototype.withClient = async function (use, options = {}) {
            checkUse(use);
            const client = await this.get_connected_client(options);
            try {
                return await use(client);
            } finally {
                this.release_client(client);
            }
        };

        const makeClosed = message => makeException(DOMAIN, Tornadis.Error.CLOSED, message);
        const keepLock = lock => TornadisBridge.keep_lock(lock);
        const means = {getCarrier, start, makeCommand, toArgument, toGBytes, handOver, hide, makeClosed, makeTimeout, showEntry,
            keepLock};
        for (const name of ['Data', 'FunctionLibrary', 'Keyspace', 'Lock', 'Models', 'Record', 'Scanner', 'Streams'])
            imports.overrides[`_Tornadis${name}`].create(Tornadis, means, checks);
        describeAll();
    }
})();
