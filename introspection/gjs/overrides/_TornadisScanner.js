// SPDX-License-Identifier: LGPL-2.1-or-later
// How Tornadis for JavaScript goes through keys and elements.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (Tornadis, {getCarrier, toArgument, toGBytes, hide, makeClosed}, {checkOptions}) {
    const {Promise, Symbol} = globalThis;
    const {GLib} = imports.gi;

    const {HASH, SORTED_SET} = Tornadis.ScannerKind;

    function toBytes(key) {
        if (key === null || key === undefined || key instanceof GLib.Bytes)
            return key ?? null;
        return toGBytes(toArgument(key));
    }

    /** The parts of a batch two by two. */
    function pair(parts) {
        const pairs = new Array(parts.length / 2);
        for (let i = 0; i < pairs.length; i++)
            pairs[i] = [parts[2 * i], parts[2 * i + 1]];
        return pairs;
    }

    /** What iterates over elements. Nothing is waited for while there are some. */
    class ElementIterator {
        constructor(scanner) {
            this._scanner = scanner;
            // Promises of a batch: created together they take half the time.
            this._ready = [];
            this._index = 0;
            this._ended = false;
        }

        [Symbol.asyncIterator]() {
            return this;
        }

        next() {
            if (this._index < this._ready.length)
                return this._ready[this._index++];
            if (this._ended)
                return Promise.resolve({value: undefined, done: true});
            return this._fetch();
        }

        async _fetch() {
            let batch = null;
            try {
                batch = await this._scanner.next();
            } catch (error) {
                // What was left meanwhile is closed.
                if (!this._ended)
                    throw error;
            }
            this._ready = batch?.map(value => Promise.resolve({value, done: false})) ?? [];
            this._index = 0;
            this._ended ||= batch === null;
            return this.next();
        }

        return(value) {
            this._ended = true;
            this._ready = [];
            this._scanner.close();
            return Promise.resolve({value, done: true});
        }
    }

    const init = Tornadis.Scanner.prototype._init;
    Tornadis.Scanner.prototype._init = function (properties = {}) {
        const {key} = properties;
        return init.call(this, key === undefined ? properties : {...properties, key: toBytes(key)}) ?? this;
    };

    /**
     * The next batch. After an error it can be asked for again.
     *
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<?Array>} an array of elements: keys or members, of a hash arrays of a field and a value, of a sorted set
     * arrays of a member and a score; null at the end
     */
    Tornadis.Scanner.prototype.next = async function (options = {}) {
        const checked = checkOptions(options);
        const {caller, kind} = this;
        const carrier = this._carrier ?? (caller && hide(this, '_carrier', getCarrier(caller)));
        if (!carrier)
            throw makeClosed('the scanner is closed');
        const batch = await new Promise((resolve, reject) => carrier.startWithin(checked, 'scan', [this], resolve, reject));
        return batch !== null && (kind === HASH || kind === SORTED_SET) ? pair(batch) : batch;
    };

    /**
     * For `for await (const element of scanner)`: one after the other the elements of which next() gives arrays. A loop that is
     * left, by `break` for instance, closes the scanner.
     *
     * @returns {AsyncIterableIterator<*>} what iterates
     */
    Tornadis.Scanner.prototype[Symbol.asyncIterator] = function () {
        return new ElementIterator(this);
    };
};
