// SPDX-License-Identifier: LGPL-2.1-or-later
// Messages of Tornadis for JavaScript, which come many at a time: for handlers and for those who wait for them.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (Tornadis, TornadisBridge) {
    const {Error, Function, Map, Object, Promise, String, Symbol, Uint8Array} = globalThis;
    const {GLib, GObject} = imports.gi;
    const Gi = imports._gi;

    const encoder = new TextEncoder();
    const toBytes = text => Uint8Array.from(text, character => character.charCodeAt(0));

    /** A message as it comes in a batch, with the members of Tornadis.Message, whose instance it counts as. */
    class Message {
        // What is known of all messages of its route; a string, or an object for what is not text.
        constructor(route, data) {
            this._route = route;
            this._data = data;
        }

        get channel() {
            return this._route.channel;
        }

        get pattern() {
            return this._route.pattern;
        }

        get text() {
            return typeof this._data === 'string' ? this._data : null;
        }

        get payload() {
            if (typeof this._data === 'string')
                return encoder.encode(this._data);
            return this._data.b === undefined ? null : toBytes(this._data.b);
        }

        /** The keys that have changed, in a message about keys; null: any of them. */
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

        /** To its place among those that are left, by their serials. */
        insert(message) {
            const serial = message._serial ?? -1;
            let i = this._first;
            while (i < this._items.length && (this._items[i]._serial ?? -1) <= serial)
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
            const {inbox} = this._messages;
            let message;
            try {
                message = await this._messages.wait(this._deadline);
            } catch (error) {
                this._end();
                if ([Tornadis.Error.USAGE, Tornadis.Error.CLOSED].includes(error.error?.code))
                    return {value: undefined, done: true};
                throw error;
            }
            if (message === null)
                return this.return();
            if (!this._batches)
                return {value: message, done: false};
            const alone = this._messages.nIterators === 1 && this._messages.waiters.length === 0;
            return {value: alone && inbox.length > 0 ? [message, ...inbox.takeAll()] : [message], done: false};
        }

        _end() {
            if (this._started && !this._ended)
                this._messages.nIterators--;
            this._ended = true;
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

    /** Of a pub/sub client: its handlers, and what is there for those who wait for messages. */
    class Messages {
        constructor(carrier) {
            this.carrier = carrier;
            this.handlers = new Map();
            // Increases whenever handlers, or what they are to be called for, have changed.
            this.version = 0;
            this.telling = 0;
            this.stopped = false;
            // Messages that were popped and are not handed out, and those who wait for one.
            this.inbox = new Inbox();
            this.waiters = [];
            this.serial = 0;
            this.nIterators = 0;
            this.popping = false;
            this.popNumber = -1;
            this.forsaken = false;
        }

        /** A part that the carrier goes through, or null. */
        receive({popped, routes, indices, payloads}) {
            const part = {routes: routes.map(route => new Route(route)), indices, payloads, next: 0, rest: []};
            if (!popped)
                return part;
            for (let i = 0; i < payloads.length; i++) {
                const message = new Message(part.routes[indices === null ? 0 : indices[i]], payloads[i]);
                message._serial = this.serial++;
                this.inbox.push(message);
            }
            this.serve();
            return null;
        }

        // Handlers.

        connect(detailedSignal, after, func) {
            const [name, detail = null] = detailedSignal.split(/::(.*)/s);
            if (name !== 'message')
                return 0;
            const id = this.carrier.bridge.listen(detail, after);
            if (id !== 0) {
                this.handlers.set(id, {id, detail, after, func, connected: true, nBlocks: 0});
                this.version++;
            }
            return id;
        }

        find({func = null, detail = null, signalId = null}) {
            if (func === null || (signalId !== null && signalId !== 'message'))
                return [];
            return [...this.handlers.values()].filter(
                handler => handler.func === func && (detail === null || handler.detail === detail));
        }

        forget(id) {
            const handler = this.handlers.get(id);
            if (handler === undefined)
                return;
            handler.connected = false;
            this.handlers.delete(id);
            this.version++;
        }

        block(id, n) {
            const handler = this.handlers.get(id);
            if (handler === undefined)
                return;
            handler.nBlocks += n;
            this.version++;
        }

        forgetAll() {
            for (const id of [...this.handlers.keys()])
                this.forget(id);
        }

        /** What to call for a message of the route: in the order in which it was connected, those after the others. */
        match(route) {
            const found = [...this.handlers.values()].filter(({detail}) => detail === null || detail === route.channel);
            route.version = this.version;
            route.handlers = found.length === 0 ? null : found.filter(({nBlocks}) => nBlocks === 0)
                .sort((one, other) => one.after - other.after);
            return route.handlers;
        }

        tell(client, part) {
            const {routes, indices, payloads, rest} = part;
            this.telling++;
            while (part.next < payloads.length) {
                const i = part.next++;
                const route = routes[indices === null ? 0 : indices[i]];
                const handlers = route.version === this.version ? route.handlers : this.match(route);
                const message = new Message(route, payloads[i]);
                if (handlers === null) {
                    rest.push(message);
                    continue;
                }
                const version = this.version;
                for (let j = 0; j < handlers.length; j++) {
                    const handler = handlers[j];
                    if (this.version !== version && (!handler.connected || handler.nBlocks > 0))
                        continue;
                    try {
                        handler.func(client, message);
                    } catch (error) {
                        logError(error instanceof Error ? error : new Error(String(error)));
                    }
                    if (this.stopped) {
                        this.stopped = false;
                        break;
                    }
                }
            }
            this.telling--;
            // What no handler is connected for any more is kept, unless one in C has had it.
            while (rest.length > 0)
                this.carrier.bridge.restore(rest.pop()._toBoxed());
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
            while (this.waiters.length > 0 && this.inbox.length > 0)
                this.end(this.waiters[0]).resolve(this.inbox.shift());
            if (this.waiters.length > 0)
                this.pop();
        }

        /** Takes a waiter out of the queue. */
        end(waiter) {
            this.waiters.splice(this.waiters.indexOf(waiter), 1);
            waiter.ended = true;
            if (waiter.number !== -1)
                this.carrier.bridge.cancel(waiter.number);
            return waiter;
        }

        /** Asks the library for messages. */
        pop() {
            if (this.popping)
                return;
            this.popping = true;
            this.popNumber = this.carrier.start('pop', [], () => {
                this.popping = this.forsaken = false;
                this.serve();
            }, error => {
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
        wait(deadline = -1, cancellable = null) {
            if (this.inbox.length > 0 && this.waiters.length === 0 && this.nIterators === 0 && !cancellable?.is_cancelled())
                return Promise.resolve(this.inbox.shift());
            return new Promise((resolve, reject) => {
                const waiter = {resolve, reject, number: -1, ended: false};
                this.waiters.push(waiter);
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
                if (this.inbox.length > 0)
                    Promise.resolve().then(() => this.serve());
                else
                    this.pop();
            });
        }

        giveBack(message) {
            this.inbox.insert(message);
            if (this.waiters.length > 0)
                Promise.resolve().then(() => this.serve());
        }

        /** To the library, for who pops them there. */
        giveBackAll() {
            for (const message of this.inbox.takeAll().reverse())
                this.carrier.bridge.restore(message._toBoxed());
        }
    }

    /** Makes the functions of GObject that change a handler do the same to one of messages. */
    function follow(name, change) {
        const original = GObject[name];
        GObject[name] = function (instance, id) {
            const result = original.call(this, instance, id);
            if (instance instanceof Tornadis.PubSubClient && instance._messages)
                change(instance._messages, id);
            return result;
        };
    }

    function extend(getMessages) {
        const {prototype} = Tornadis.PubSubClient;

        Object.defineProperty(Tornadis.Message, Symbol.hasInstance, {
            value(instance) {
                return instance instanceof Message || Function.prototype[Symbol.hasInstance].call(this, instance);
            },
        });

        follow('signal_handler_disconnect', (messages, id) => messages.forget(id));
        follow('signal_handler_block', (messages, id) => messages.block(id, 1));
        follow('signal_handler_unblock', (messages, id) => messages.block(id, -1));
        for (const name of ['connect', 'connect_after']) {
            const method = prototype[name];
            prototype[name] = function (detailedSignal, func, ...rest) {
                return getMessages(this).connect(detailedSignal, name === 'connect_after', func) ||
                    method.call(this, detailedSignal, func, ...rest);
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
        const stop = prototype.stop_emission_by_name;
        prototype.stop_emission_by_name = function (detailedSignal) {
            const messages = getMessages(this);
            if (messages.telling > 0 && detailedSignal.split('::')[0] === 'message')
                messages.stopped = true;
            else
                stop.call(this, detailedSignal);
        };

        /** A promise of the next message, or of null after so many seconds. */
        prototype.pop_message = function (deadline = -1, {cancellable = null} = {}) {
            return getMessages(this).wait(deadline, cancellable);
        };
        /** Iterates over messages for as long as there are subscriptions and the client is not closed. With a `deadline` it ends
          * when no message has come for so many seconds; with `batches` there are arrays of as many as have come. */
        prototype.messages = function ({deadline = -1, batches = false} = {}) {
            return new MessageIterator(getMessages(this), deadline, batches);
        };
        const popAsync = prototype.pop_message_async;
        prototype.pop_message_async = function (...args) {
            getMessages(this).giveBackAll();
            return popAsync.apply(this, args);
        };
        const unpop = prototype.unpop_message;
        prototype.unpop_message = function (message) {
            if (message.constructor === Message)
                getMessages(this).giveBack(message);
            else
                unpop.call(this, message);
        };
    }

    return {Messages, extend};
};
