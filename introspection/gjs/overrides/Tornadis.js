// SPDX-License-Identifier: LGPL-2.1-or-later
// Tornadis for JavaScript: native arguments and replies, promises.

/* exported _init */

const {GLib} = imports.gi;

let Tornadis;

const encoder = new TextEncoder();

/** Base of all errors; `error` is the GLib.Error behind it. */
class TornadisException extends Error {
    constructor(error) {
        super(error.message ?? error);
        this.name = this.constructor.name;
        this.error = error instanceof GLib.Error ? error : null;
    }
}

/** There is no connection, or it was lost, or it took too long. */
class ConnectionError extends TornadisException {}

/** The library was asked for what it does not do, or a bound is reached. */
class ClientError extends TornadisException {}

/** The server answered with an error; `prefix` is its first word. */
class ReplyError extends ClientError {
    get prefix() {
        return this.error ? Tornadis.error_get_prefix(this.error) : null;
    }
}

function toException(error) {
    if (!(error instanceof Tornadis.Error))
        return error;
    switch (error.code) {
    case Tornadis.Error.REPLY:
        return new ReplyError(error);
    case Tornadis.Error.CONNECT:
    case Tornadis.Error.AUTHENTICATION:
    case Tornadis.Error.CLOSED:
    case Tornadis.Error.LOST:
    case Tornadis.Error.TIMEOUT:
    case Tornadis.Error.PROTOCOL:
        return new ConnectionError(error);
    default:
        return new ClientError(error);
    }
}

function toBytes(value) {
    if (typeof value === 'string')
        return new GLib.Bytes(encoder.encode(value));
    if (value instanceof Uint8Array)
        return new GLib.Bytes(value);
    if (typeof value === 'boolean')
        return new GLib.Bytes(encoder.encode(value ? '1' : '0'));
    if (typeof value === 'number' || typeof value === 'bigint')
        return new GLib.Bytes(encoder.encode(String(value)));
    if (value instanceof GLib.Bytes)
        return value;
    throw new TypeError(`don't know what to do with ${value === null ? 'null' : typeof value} as an argument`);
}

function toCommand(args) {
    if (args.length === 1 && args[0] instanceof Tornadis.Command)
        return args[0];
    return Tornadis.Command.new_bytes(args.map(toBytes));
}

function toInteger(reply) {
    // The text first: a number beyond 2^53 would be rounded on its way.
    const value = BigInt(reply.to_string().replace('(integer) ', ''));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function toNative(reply) {
    const Kind = Tornadis.ReplyKind;
    const kind = reply.get_kind();

    switch (kind) {
    case Kind.STRING:
    case Kind.STATUS:
    case Kind.VERBATIM: {
        const text = reply.get_text();
        return text !== null ? text : reply.get_data();
    }
    case Kind.INTEGER:
        return toInteger(reply);
    case Kind.NIL:
        return null;
    case Kind.ERROR:
        return toException(reply.get_error());
    case Kind.DOUBLE:
        return reply.get_double();
    case Kind.BOOLEAN:
        return reply.get_boolean();
    case Kind.BIG_NUMBER:
        return BigInt(reply.get_text());
    default: {
        const items = [];
        for (let i = 0, n = reply.get_n_elements(); i < n; i++)
            items.push(toNative(reply.get_element(i)));
        if (kind !== Kind.MAP)
            return items;
        const map = new Map();
        for (let i = 0; i < items.length; i += 2)
            map.set(items[i], items[i + 1]);
        return map;
    }
    }
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

function _init() {
    Tornadis = this;

    Object.assign(Tornadis, {TornadisException, ConnectionError, ClientError, ReplyError});

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
            return this.get_payload().toArray();
        },
    });

    /** Calls a command, or a Pipeline; a promise of the native reply. */
    Tornadis.Client.prototype.call = function (...args) {
        return new Promise((resolve, reject) => {
            const done = (client, reply, error) => {
                try {
                    if (error !== null)
                        reject(toException(error));
                    else
                        resolve(toNative(reply));
                } catch (tooDeep) {
                    reject(tooDeep);
                }
            };
            if (args.length === 1 && args[0] instanceof Tornadis.Pipeline)
                this.submit_pipeline(args[0], done);
            else
                this.submit(toCommand(args), done);
        });
    };

    /** Calls a command, or a Pipeline; callback(result) gets the reply, or an Error. */
    Tornadis.Client.prototype.async_call = function (...args) {
        const callback = typeof args.at(-1) === 'function' ? args.pop() : null;
        const done = callback === null ? null : (client, reply, error) => {
            let result;
            try {
                result = error !== null ? toException(error) : toNative(reply);
            } catch (tooDeep) {
                result = tooDeep;
            }
            callback(result);
        };
        if (args.length === 1 && args[0] instanceof Tornadis.Pipeline)
            this.submit_pipeline(args[0], done);
        else
            this.submit(toCommand(args), done);
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
    for (const name of ['subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe', 'sunsubscribe']) {
        Tornadis.PubSubClient.prototype[name] = function (...names) {
            return finished(this, name, names);
        };
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

    Tornadis.Pipeline.prototype.stack_call = function (...args) {
        this.stack_command(toCommand(args));
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
    /** Runs an async function with a connected client, which goes back to the pool at the end. */
    Tornadis.ClientPool.prototype.withClient = async function (use) {
        const client = await this.get_connected_client();
        try {
            return await use(client);
        } finally {
            this.release_client(client);
        }
    };
}
