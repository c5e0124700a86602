// SPDX-License-Identifier: LGPL-2.1-or-later
// Streams of Tornadis for JavaScript: their entries, which come many at a time, for those who wait for them.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (Tornadis, {getCarrier, toGBytes, makeTimeout, showEntry}, {checkOptions, checkCancellable}) {
    const {Function, Object, Promise, Symbol} = globalThis;
    const {GLib} = imports.gi;

    const decoder = new TextDecoder('utf8', {fatal: true});

    function toPairs(parts) {
        const pairs = [];
        for (let i = 0; i < parts.length; i += 2)
            pairs.push([parts[i], parts[i + 1]]);
        return pairs;
    }

    /** An entry as it comes in a batch, with the members of Tornadis.StreamEntry, whose instance it counts as. */
    class Entry {
        constructor(stream, parts, deliveryCount) {
            this._stream = stream;
            this._count = deliveryCount;
            // The id and the list of names and values; perhaps more.
            this._parts = parts;
        }

        /** The key of the stream. */
        get stream() {
            return this._stream;
        }

        /** The id, such as `1526919030474-55`. */
        get id() {
            return this._parts[0];
        }

        /** How often it was delivered to a consumer of its group, this time included. */
        get delivery_count() {
            return this._count;
        }

        /** The fields as an object: strings, and Uint8Array for what is not UTF-8; of a name that is there twice the last value. */
        get fields() {
            return Object.fromEntries(this.pairs);
        }

        /** Likewise as an array of names and values. */
        get pairs() {
            return toPairs(this._parts[1]);
        }

        get_stream() {
            return this._stream;
        }

        get_id() {
            return this.id;
        }

        get_delivery_count() {
            return this._count;
        }

        get_n_fields() {
            return this._parts[1].length / 2;
        }

        get_field_name(i) {
            return toGBytes(this._parts[1][2 * i]);
        }

        get_field_value(i) {
            return toGBytes(this._parts[1][2 * i + 1]);
        }

        lookup(name) {
            const pair = this.pairs.find(each => each[0] === name);
            return pair === undefined ? null : toGBytes(pair[1]);
        }

        lookup_text(name) {
            const pair = this.pairs.find(each => each[0] === name);
            if (pair === undefined)
                return null;
            if (typeof pair[1] === 'string')
                return pair[1];
            try {
                return decoder.decode(pair[1]);
            } catch {
                return null;
            }
        }

        get_reply() {
            const fields = this._parts[1].map(part => GLib.Variant.new_from_bytes(new GLib.VariantType('ay'), toGBytes(part), true));
            return Tornadis.Reply.new_from_variant(GLib.Variant.new_tuple([
                GLib.Variant.new_string(this.id), GLib.Variant.new_array(new GLib.VariantType('ay'), fields)]));
        }

        toString() {
            return `<Tornadis.${showEntry(this)}>`;
        }
    }

    /** Of a reader: what was taken from it and is not handed out, and those who wait. */
    class Entries {
        constructor(reader) {
            this.reader = reader;
            this.stream = reader.get_stream();
            this.carrier = getCarrier(reader.get_caller());
            // What is before the first was handed out.
            this.inbox = [];
            this.first = 0;
            this.waiters = [];
            // The number of the call with which the library was asked for entries.
            this.number = -1;
            this.fetching = null;
            this.closed = false;
            this.last = null;
            this.acks = [];
            this.ackTargets = [];
        }

        get length() {
            return this.inbox.length - this.first;
        }

        fetch() {
            if (this.fetching !== null)
                return;
            const fetching = this.fetching = {};
            this.number = this.carrier.start('next_entries', [this.reader], batch => {
                if (this.fetching === fetching)
                    this.fetching = null;
                this.take(batch);
            }, error => {
                if (this.fetching !== fetching)
                    return;
                this.fetching = null;
                for (const waiter of this.waiters.splice(0))
                    this.end(waiter).reject(error);
            });
        }

        /** Also what nobody waits for any more: it was taken. */
        take(batch) {
            const counts = batch[0];
            if (this.length === 0) {
                this.inbox = [];
                this.first = 0;
            }
            for (let i = 1; i < batch.length; i++)
                this.inbox.push(new Entry(this.stream, batch[i], counts === null ? 1 : counts[i - 1]));
            if (this.closed)
                this.drop();
            this.serve();
        }

        serve() {
            while (this.waiters.length > 0 && this.length > 0)
                this.end(this.waiters.shift()).resolve(this.pop());
            if (this.waiters.length > 0)
                this.fetch();
        }

        pop() {
            this.last = this.inbox[this.first];
            this.inbox[this.first++] = null;
            return this.last;
        }

        popAll() {
            const entries = this.first === 0 ? this.inbox : this.inbox.slice(this.first);
            this.inbox = [];
            this.first = 0;
            this.last = entries.at(-1) ?? this.last;
            return entries;
        }

        end(waiter) {
            waiter.ended = true;
            if (waiter.number !== -1)
                this.carrier.bridge.cancel(waiter.number);
            return waiter;
        }

        wait(timeout = null, cancellable = null) {
            try {
                cancellable?.set_error_if_cancelled();
            } catch (error) {
                return Promise.reject(error);
            }
            if (this.length > 0 && this.waiters.length === 0)
                return Promise.resolve(this.pop());
            return new Promise((resolve, reject) => {
                const waiter = {resolve, reject, number: -1, ended: false};
                this.waiters.push(waiter);
                if (this.length > 0)
                    this.carrier.soon(() => this.serve());
                else
                    this.fetch();
                if (timeout === null && cancellable === null)
                    return;
                const over = makeError => value => {
                    if (waiter.ended)
                        return;
                    waiter.number = -1;
                    this.forsake(waiter);
                    reject(makeError(value));
                };
                waiter.number = this.carrier.start('wait', [timeout ?? -1],
                    over(() => makeTimeout(`No entry of the stream came within ${timeout} s`)), over(error => error), cancellable);
            });
        }

        forsake(waiter) {
            const index = this.waiters.indexOf(waiter);
            if (index === -1)
                return;
            this.waiters.splice(index, 1);
            this.end(waiter);
            // What waits in the library keeps the reader.
            if (this.waiters.length === 0 && this.fetching !== null) {
                this.fetching = null;
                this.carrier.bridge.cancel(this.number);
            }
        }

        /** Nobody will have them. */
        drop() {
            const ids = this.inbox.slice(this.first).map(entry => entry.id);
            this.inbox = [];
            this.first = 0;
            if (ids.length > 0 && this.reader instanceof Tornadis.StreamConsumer)
                this.reader.release_ids(ids);
        }

        ack(entries) {
            if (this.acks.length === 0)
                this.carrier.soon(() => this.flushAcks());
            for (const entry of entries)
                this.acks.push(entry.id);
            return new Promise((resolve, reject) => this.ackTargets.push({resolve, reject}));
        }

        flushAcks() {
            const ids = this.acks.splice(0);
            const targets = this.ackTargets.splice(0);
            this.carrier.start('ack_entries', [ids.join(' '), this.reader],
                () => targets.forEach(({resolve}) => resolve()), error => targets.forEach(({reject}) => reject(error)));
        }
    }

    /** What iterates over the entries of a reader. */
    class EntryIterator {
        constructor(entries, batches) {
            this._entries = entries;
            this._batches = batches;
            this._ended = false;
        }

        [Symbol.asyncIterator]() {
            return this;
        }

        next() {
            const entries = this._entries;
            if (this._ended)
                return Promise.resolve({value: undefined, done: true});
            // Many for each time that the main loop comes round.
            if (entries.length > 0 && entries.waiters.length === 0)
                return Promise.resolve({value: this._batches ? entries.popAll() : entries.pop(), done: false});
            return this._wait();
        }

        async _wait() {
            try {
                const entry = await this._entries.wait();
                return {value: this._batches ? [entry, ...this._entries.popAll()] : entry, done: false};
            } catch (error) {
                this._ended = true;
                if (error instanceof Tornadis.ConnectionError && error.code === Tornadis.Error.CLOSED && this._entries.closed)
                    return {value: undefined, done: true};
                throw error;
            }
        }

        return(value) {
            this._ended = true;
            return Promise.resolve({value, done: true});
        }
    }

    const getEntries = reader => (reader._entries ??= new Entries(reader));

    Object.defineProperty(Tornadis.StreamEntry, Symbol.hasInstance, {
        value(instance) {
            return instance instanceof Entry || Function.prototype[Symbol.hasInstance].call(this, instance);
        },
    });
    // Of those that come by the signal.
    const getParts = entry => entry.get_reply().get_element(1).unpack();
    Object.defineProperties(Tornadis.StreamEntry.prototype, {
        stream: {
            get() {
                return this.get_stream();
            },
        },
        id: {
            get() {
                return this.get_id();
            },
        },
        delivery_count: {
            get() {
                return this.get_delivery_count();
            },
        },
        pairs: {
            get() {
                return toPairs(getParts(this));
            },
        },
        fields: {
            get() {
                return Object.fromEntries(this.pairs);
            },
        },
    });

    /**
     * Waits for the next entry.
     *
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<Tornadis.StreamEntry>} the entry
     */
    Tornadis.StreamReader.prototype.next = async function (options = {}) {
        const {timeout, cancellable} = checkOptions(options);
        return await getEntries(this).wait(timeout, checkCancellable(cancellable));
    };

    /**
     * Iterates over the entries, `for await (const entry of reader)`, until the reader is closed.
     *
     * @returns {AsyncIterator<Tornadis.StreamEntry>} the entries
     */
    Tornadis.StreamReader.prototype[Symbol.asyncIterator] = function () {
        return new EntryIterator(getEntries(this), false);
    };

    /**
     * Iterates likewise over arrays of as many entries as have come.
     *
     * @returns {AsyncIterator<Tornadis.StreamEntry[]>} the entries
     */
    Tornadis.StreamReader.prototype.batches = function () {
        return new EntryIterator(getEntries(this), true);
    };

    /**
     * Closes the reader, as close_async(). What was not handed out is dropped, and iterations end.
     *
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise} fulfilled when nothing is under way any more
     */
    Tornadis.StreamReader.prototype.close = async function (options = {}) {
        const checked = checkOptions(options);
        const entries = getEntries(this);
        entries.closed = true;
        entries.drop();
        await new Promise((resolve, reject) =>
            entries.carrier.startWithin(checked, 'close_reader', [this], resolve, reject));
    };

    const getLastId = Tornadis.StreamReader.prototype.get_last_id;
    /**
     * Gets the id of the last entry that was handed out.
     *
     * @returns {?string} the id; null before the first
     */
    Tornadis.StreamReader.prototype.get_last_id = function () {
        return this._entries?.last?.id ?? getLastId.call(this);
    };

    /**
     * Acknowledges entries, those of one turn of the main loop together. It need not be awaited: it is sent, and again after a
     * lost connection.
     *
     * @param {...Tornadis.StreamEntry} entries - entries of the consumer
     * @returns {Promise} fulfilled when the server has confirmed it
     */
    Tornadis.StreamConsumer.prototype.ack = async function (...entries) {
        await getEntries(this).ack(entries);
    };

    /**
     * Gives entries up that could not be dealt with: they come again, to any consumer, after claim_idle_msec.
     *
     * @param {...Tornadis.StreamEntry} entries - entries of the consumer
     */
    Tornadis.StreamConsumer.prototype.release = function (...entries) {
        this.release_ids(entries.map(entry => entry.id));
    };
};
