// SPDX-License-Identifier: LGPL-2.1-or-later
// Messages of Tornadis for JavaScript, which come many at a time: for handlers and for those who wait for them.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (Tornadis, TornadisBridge, showMessage, checks) {
    const {Error, Function, Map, Object, Promise, String, Symbol, Uint8Array} = globalThis;
    const {isPlain, checkNames, checkCancellable, checkDeadline} = checks;
    const {GLib, GObject} = imports.gi;
    const Gi = imports._gi;

    const unpop = Tornadis.PubSubClient.prototype.unpop_message;
    const encoder = new TextEncoder();
    const toBytes = text => Uint8Array.from(text, character => character.charCodeAt(0));

    // For how many channels the handlers that were found are kept.
    const MOST_MATCHES = 1000;

    /** A message as it comes in a batch, with the members of Tornadis.Message, whose instance it counts as. */
    class Message {
        // What is known of all messages of its route; a string, or an object for what is not text.
        constructor(route, data) {
            this._route = route;
            this._data = data;
        }

        /** The name of the channel, with U+FFFD for what is no text. */
        get channel() {
            return this._route.channel;
        }

        /** The pattern by which it came; null: by the channel. */
        get pattern() {
            return this._route.pattern;
        }

        /** Whether the channel is a shard channel. */
        get shard() {
            return this._route.shard;
        }

        /** What was published, if it is UTF-8 text; else null. */
        get text() {
            return typeof this._data === 'string' ? this._data : null;
        }

        /** The bytes that were published, as Uint8Array; null in a message about keys. */
        get payload() {
            if (typeof this._data === 'string')
                return encoder.encode(this._data);
            return this._data.b === undefined ? null : toBytes(this._data.b);
        }

        /** The keys that have changed, as Uint8Array, in a message of the server's channel `__redis__:invalidate`; null: any. */
        get keys() {
            return this._data.k?.map(({b}) => toBytes(b)) ?? null;
        }

        get_channel() {
            return this.channel;
        }

        get_pattern() {
            return this.pattern;
        }

        get_text() {
            return this.text;
        }

        is_shard() {
            return this._route.shard;
        }

        get_channel_bytes() {
            return this._route.channelBytes;
        }

        get_payload() {
            const payload = this.payload;
            return payload === null ? null : new GLib.Bytes(payload);
        }

        get_reply() {
            return this._toBoxed().get_reply();
        }

        toString() {
            return `<Tornadis.${showMessage(this)}>`;
        }

        _toBoxed() {
            const keys = this._data.k?.map(({b}) => new GLib.Bytes(toBytes(b))) ?? null;
            return TornadisBridge.make_message(this._route.channelBytes, this._route.patternBytes, this.get_payload(), keys,
                this._route.shard);
        }
    }

    /** What messages of one channel, by one pattern, have in common. */
    class Route {
        constructor([channel, channelBytes, pattern, patternBytes, shard]) {
            this.channel = channel;
            this.pattern = pattern;
            this.shard = shard;
            this._names = [channelBytes, patternBytes];
            this.handlers = null;
            this.version = -1;
        }

        get channelBytes() {
            return new GLib.Bytes(this._names[0] === null ? encoder.encode(this.channel) : toBytes(this._names[0].b));
        }

        get patternBytes() {
            if (this.pattern === null)
                return null;
            return new GLib.Bytes(this._names[1] === null ? encoder.encode(this.pattern) : toBytes(this._names[1].b));
        }
    }

    /** Messages in order, of which the first is taken again and again. */
    class Inbox {
        constructor() {
            this._items = [];
            this._first = 0;
        }

        get length() {
            return this._items.length - this._first;
        }

        push(message) {
            this._items.push(message);
        }

        shift() {
            const message = this._items[this._first];
            this._items[this._first++] = null;
            if (this._first === this._items.length) {
                this._items.length = 0;
                this._first = 0;
            }
            return message;
        }

        takeAll() {
            const items = this._first === 0 ? this._items : this._items.slice(this._first);
            this._items = [];
            this._first = 0;
            return items;
        }

        /** To its place among those that are left, by their serials; one without, that was popped elsewhere, goes first. */
        insert(message) {
            const serial = message._serial ?? -1;
            let i = this._first;
            while (i < this._items.length && (this._items[i]._serial ?? -1) < serial)
                i++;
            this._items.splice(i, 0, message);
        }
    }

    /** What iterates over messages, or over arrays of them. */
    class MessageIterator {
        constructor(messages, deadline, batches) {
            this._messages = messages;
            this._deadline = deadline;
            this._batches = batches;
            this._started = false;
            this._ended = false;
        }

        [Symbol.asyncIterator]() {
            return this;
        }

        next() {
            const messages = this._messages;
            if (!this._started && !this._ended) {
                this._started = true;
                messages.nIterators++;
            }
            if (this._ended)
                return Promise.resolve({value: undefined, done: true});
            // Many for each time that the main loop comes round, unless others are to have their share.
            if (messages.inbox.length > 0 && messages.nIterators === 1 && messages.waiters.length === 0)
                return Promise.resolve({value: this._batches ? messages.inbox.takeAll() : messages.inbox.shift(), done: false});
            return this._wait();
        }

        async _wait() {
            let value;
            try {
                value = await this._messages.wait(this._deadline, null, this);
            } catch (error) {
                this._end();
                if (error instanceof Tornadis.TornadisException &&
                    (error.code === Tornadis.Error.USAGE || error.code === Tornadis.Error.CLOSED))
                    return {value: undefined, done: true};
                throw error;
            }
            return value === null ? this.return() : {value, done: false};
        }

        _end() {
            if (this._started && !this._ended)
                this._messages.nIterators--;
            this._ended = true;
            this._messages.endAll(this);
        }

        return(value) {
            this._end();
            return Promise.resolve({value, done: true});
        }

        throw(error) {
            this._end();
            return Promise.reject(error);
        }
    }

    function call({func, connected, nBlocks}, client, message) {
        if (!connected || nBlocks > 0)
            return;
        try {
            func(client, message);
        } catch (error) {
            logError(error instanceof Error ? error : new Error(String(error)));
        }
    }

    /** Of a pub/sub client: its handlers, and what is there for those who wait for messages. */
    class Messages {
        constructor(carrier) {
            this.carrier = carrier;
            this.handlers = new Map();
            // Increases whenever handlers, or what they are to be called for, have changed.
            this.version = 0;
            // Handlers by their details, and those that were found for a channel, as of the version `matched`.
            this.matched = -1;
            this.byDetail = new Map();
            this.matches = new Map();
            this.telling = 0;
            // Whether it is a message told here whose emission a handler would stop, and whether one has.
            this.stoppable = false;
            this.stopped = false;
            // Messages that were popped and are not handed out, and those who wait for one.
            this.inbox = new Inbox();
            this.waiters = [];
            this.serial = 0;
            this.nIterators = 0;
            this.popping = false;
            // Calls of pop_message_async(), which wait elsewhere.
            this.nPopping = 0;
            this.popNumber = -1;
            this.forsaken = false;
        }

        /** A part that the carrier goes through, or null. */
        receive({popped, all, routes, indices, payloads, kept}) {
            const part = {routes: routes.map(route => new Route(route)), indices, payloads, kept, next: 0};
            if (!popped)
                return part;
            for (let i = 0; i < payloads.length; i++) {
                const message = new Message(part.routes[indices === null ? 0 : indices[i]], payloads[i]);
                message._serial = this.serial++;
                this.inbox.push(message);
            }
            if (all)
                this.popping = this.forsaken = false;
            this.serve();
            return null;
        }

        // Handlers.

        connect(detailedSignal, after, func) {
            const [name, detail = null] = String(detailedSignal).split(/::(.*)/s);
            if (name !== 'message' || detail === '' || typeof func !== 'function')
                return 0;
            const id = this.carrier.bridge.listen(detail, after);
            if (id !== 0) {
                this.handlers.set(id, {id, detail, after, func, connected: true, nBlocks: 0});
                this.change();
            }
            return id;
        }

        /** What was found of handlers, and keeps them, is not right any more. */
        change() {
            this.version++;
            this.byDetail.clear();
            this.matches.clear();
        }

        find({func, detail, signalId}) {
            if (typeof func !== 'function' || (signalId !== undefined && signalId !== 'message'))
                return [];
            return [...this.handlers.values()].filter(
                handler => handler.func === func && (detail === undefined || handler.detail === detail));
        }

        forget(id) {
            const handler = this.handlers.get(id);
            if (handler === undefined)
                return;
            handler.connected = false;
            this.handlers.delete(id);
            this.change();
        }

        /** Whether it could be done: it is one of these handlers, and was blocked if it is to be unblocked. The one in
          * C is not blocked, since its messages may be told when this one is not blocked any more. */
        block(id, n) {
            const handler = this.handlers.get(id);
            if (handler === undefined || handler.nBlocks + n < 0)
                return false;
            handler.nBlocks += n;
            return true;
        }

        forgetAll() {
            for (const id of [...this.handlers.keys()])
                this.forget(id);
        }

        /** What to call for a message of the route, unless it is blocked: in the order in which it was connected, those
          * after the others. */
        match(route) {
            if (this.matched !== this.version || this.matches.size >= MOST_MATCHES) {
                this.matched = this.version;
                this.matches.clear();
                this.byDetail.clear();
                for (const handler of this.handlers.values()) {
                    const same = this.byDetail.get(handler.detail);
                    if (same === undefined)
                        this.byDetail.set(handler.detail, [handler]);
                    else
                        same.push(handler);
                }
            }
            let found = this.matches.get(route.channel);
            if (found === undefined) {
                const handlers = [...this.byDetail.get(null) ?? [], ...this.byDetail.get(route.channel) ?? []];
                // Ids grow from one to the next.
                handlers.sort((one, other) => one.after - other.after || one.id - other.id);
                found = handlers.length === 0 ? null : handlers;
                this.matches.set(route.channel, found);
            }
            route.version = this.version;
            route.handlers = found;
            return found;
        }

        tell(client, part) {
            const {routes, indices, payloads} = part;
            // Of what is being told when a handler of it runs a main loop.
            const {stopped, stoppable} = this;
            this.telling++;
            this.stoppable = true;
            while (part.next < payloads.length) {
                const i = part.next++;
                const route = routes[indices === null ? 0 : indices[i]];
                const handlers = route.version === this.version ? route.handlers : this.match(route);
                const message = new Message(route, payloads[i]);
                if (handlers === null) {
                    // No handler is connected for it any more: it is kept, unless one that is not of these has had it.
                    this.carrier.bridge.keep(message._toBoxed(), part.kept);
                    continue;
                }
                this.stopped = false;
                for (let j = 0; j < handlers.length && !this.stopped; j++)
                    call(handlers[j], client, message);
            }
            this.telling--;
            this.stopped = stopped;
            this.stoppable = stoppable;
        }

        /** What the program emits itself, within that: GObject goes through the handlers. */
        tellEmitted(client, {handler, routes, payloads}) {
            const {stoppable} = this;
            this.stoppable = false;
            if (this.handlers.has(handler))
                call(this.handlers.get(handler), client, new Message(new Route(routes[0]), payloads[0]));
            this.stoppable = stoppable;
        }

        /** Drops what a handler that closes the client would not have seen had it come one by one. */
        drop() {
            if (this.telling === 0)
                return;
            for (const part of this.carrier.parts) {
                if (part.payloads !== undefined)
                    part.next = part.payloads.length;
            }
            this.carrier.bridge.drop_messages();
        }

        // Those who wait.

        /** Hands out to those who wait, in order, what is there. */
        serve() {
            while (this.waiters.length > 0 && this.inbox.length > 0) {
                const [waiter] = this.waiters;
                const error = getCancelled(waiter.cancellable);
                // One who waits for many gets all of them, unless others are to have their share.
                const alone = this.waiters.length === 1 && this.nIterators === 1;
                this.end(waiter);
                if (error !== null)
                    waiter.reject(error);
                else if (!waiter.batches)
                    waiter.resolve(this.inbox.shift());
                else
                    waiter.resolve(alone ? this.inbox.takeAll() : [this.inbox.shift()]);
            }
            if (this.waiters.length > 0)
                this.pop();
        }

        serveSoon() {
            this.carrier.soon(() => {
                this.serve();
                this.forsake();
            });
        }

        /** Takes a waiter out of the queue. */
        end(waiter) {
            this.waiters.splice(this.waiters.indexOf(waiter), 1);
            waiter.ended = true;
            if (waiter.number !== -1)
                this.carrier.bridge.cancel(waiter.number);
            return waiter;
        }

        /** Asks the library for messages. What comes ends it, with `all`; an outcome does if nothing has come. */
        pop() {
            if (this.popping)
                return;
            this.popping = true;
            this.popNumber = this.carrier.start('pop', [], () => {}, error => {
                const {forsaken} = this;
                this.popping = this.forsaken = false;
                if (forsaken) {
                    this.serve();
                    return;
                }
                for (const waiter of [...this.waiters])
                    this.end(waiter).reject(error);
            });
        }

        /** Nobody waits any more: what waits in the library would keep the client. */
        forsake() {
            if (this.waiters.length > 0 || !this.popping || this.forsaken)
                return;
            this.forsaken = true;
            this.carrier.bridge.cancel(this.popNumber);
        }

        /** A promise of the next message, or of null after so many seconds. */
        wait(deadline = -1, cancellable = null, iterator = null) {
            const cancelled = getCancelled(cancellable);
            if (cancelled !== null)
                return Promise.reject(cancelled);
            if (this.inbox.length > 0 && this.waiters.length === 0 && this.nIterators === 0)
                return Promise.resolve(this.inbox.shift());
            return new Promise((resolve, reject) => {
                const batches = iterator !== null && iterator._batches;
                const waiter = {resolve, reject, cancellable, iterator, batches, number: -1, ended: false};
                this.waiters.push(waiter);
                if (this.inbox.length > 0)
                    this.serveSoon();
                else
                    this.pop();
                // After popping: what is there already comes before the time is over, however short that is.
                if (deadline >= 0 || cancellable !== null) {
                    const over = settle => value => {
                        if (waiter.ended)
                            return;
                        waiter.number = -1;
                        this.end(waiter);
                        this.forsake();
                        settle(value);
                    };
                    waiter.number = this.carrier.start('wait', [deadline], over(() => resolve(null)), over(reject), cancellable);
                }
            });
        }

        /** Nothing more is for the iterator. */
        endAll(iterator) {
            const waiters = this.waiters.filter(waiter => waiter.iterator === iterator);
            if (waiters.length === 0)
                return;
            waiters.forEach(waiter => this.end(waiter).resolve(null));
            this.forsake();
        }

        giveBack(client, message) {
            if (this.nPopping > 0) {
                this.giveBackAll(client);
                unpop.call(client, toBoxed(message));
                return;
            }
            this.inbox.insert(message);
            if (this.waiters.length > 0)
                this.serveSoon();
        }

        /** To the library, for who pops them there. */
        giveBackAll(client) {
            this.inbox.takeAll().reverse().forEach(message => unpop.call(client, toBoxed(message)));
        }
    }

    function toBoxed(message) {
        return message.constructor === Message ? message._toBoxed() : message;
    }

    function getCancelled(cancellable) {
        try {
            cancellable?.set_error_if_cancelled();
        } catch (error) {
            return error;
        }
        return null;
    }

    /** Makes functions of GObject heed messages: use(messages, original, arguments behind the client). */
    function adapt(name, use) {
        const original = GObject[name];
        GObject[name] = function (instance, ...args) {
            const messages = instance instanceof Tornadis.PubSubClient ? instance._messages : undefined;
            const proceed = () => original.call(this, instance, ...args);
            return messages ? use(messages, proceed, ...args) : proceed();
        };
    }

    function extend(getMessages) {
        const {prototype} = Tornadis.PubSubClient;

        Object.defineProperty(Tornadis.Message, Symbol.hasInstance, {
            value(instance) {
                return instance instanceof Message || Function.prototype[Symbol.hasInstance].call(this, instance);
            },
        });

        adapt('signal_handler_disconnect', (messages, proceed, id) => {
            proceed();
            messages.forget(id);
        });
        adapt('signal_handler_block', (messages, proceed, id) => messages.block(id, 1) || proceed());
        adapt('signal_handler_unblock', (messages, proceed, id) => messages.block(id, -1) || proceed());
        adapt('signal_stop_emission_by_name', (messages, proceed, detailedSignal) => {
            if (messages.stoppable && detailedSignal.split('::')[0] === 'message')
                messages.stopped = true;
            else
                proceed();
        });
        for (const name of ['connect', 'connect_after']) {
            const method = prototype[name];
            prototype[name] = function (detailedSignal, func, ...rest) {
                return getMessages(this).connect(detailedSignal, name === 'connect_after', func) ||
                    method.call(this, detailedSignal, func, ...rest);
            };
            const original = GObject[`signal_${name}`];
            GObject[`signal_${name}`] = function (instance, ...args) {
                return instance instanceof Tornadis.PubSubClient ? instance[name](...args) : original.call(this, instance, ...args);
            };
        }
        for (const [symbol, name] of [[Gi.signals_block_symbol, 'signal_handler_block'],
            [Gi.signals_unblock_symbol, 'signal_handler_unblock'],
            [Gi.signals_disconnect_symbol, 'signal_handler_disconnect']]) {
            const method = prototype[symbol];
            prototype[symbol] = function (match) {
                const found = getMessages(this).find(match);
                found.forEach(({id}) => GObject[name](this, id));
                return found.length + method.call(this, match);
            };
        }
        const find = prototype[Gi.signal_find_symbol];
        prototype[Gi.signal_find_symbol] = function (match) {
            return getMessages(this).find(match)[0]?.id ?? find.call(this, match);
        };
        /**
         * Waits for the next message.
         *
         * @param {number} deadline - after so many seconds it is null; negative, or nothing before the options: never
         * @param {{cancellable: ?Gio.Cancellable}} options - what it may be cancelled with
         * @returns {Promise<?Tornadis.Message>} the message
         */
        prototype.pop_message = function (deadline = -1, options = {}) {
            try {
                if (isPlain(deadline))
                    [deadline, options] = [-1, deadline];
                checkNames(options, ['cancellable'], ': the time is the first argument, and when it is over there is null');
                return getMessages(this).wait(checkDeadline(deadline), checkCancellable(options.cancellable ?? null));
            } catch (error) {
                return Promise.reject(error);
            }
        };
        /**
         * Iterates over messages, `for await (const message of pubSub.messages())`, for as long as there are subscriptions and
         * the client is not closed.
         *
         * @param {{deadline: number, batches: boolean}} options - with a `deadline` it ends when no message has come for so
         * many seconds; with `batches` there are arrays of as many messages as have come
         * @returns {AsyncIterator<Tornadis.Message>} the messages
         */
        prototype.messages = function (options = {}) {
            checkNames(options, ['deadline', 'batches'], ': a loop over messages ends by leaving it, or with the deadline');
            return new MessageIterator(getMessages(this), checkDeadline(options.deadline), options.batches ?? false);
        };
        const popAsync = prototype.pop_message_async;
        prototype.pop_message_async = function (deadline, cancellable, callback, ...rest) {
            const messages = getMessages(this);
            messages.giveBackAll(this);
            messages.nPopping++;
            return popAsync.call(this, deadline, cancellable, (...args) => {
                messages.nPopping--;
                callback?.(...args);
            }, ...rest);
        };
        prototype.unpop_message = function (message) {
            if (message instanceof Tornadis.Message)
                getMessages(this).giveBack(this, message);
            else
                unpop.call(this, message);
        };
    }

    return {Messages, extend};
};
