// SPDX-License-Identifier: LGPL-2.1-or-later
// What Tornadis for JavaScript has of a record: an object whose properties are the fields of a hash.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (Tornadis, {start}, {checkOptions}) {
    const {TypeError} = globalThis;

    const act = async (record, operation, options) => {
        const checked = checkOptions(options);
        if (!record.get_client())
            throw new TypeError('the record has no client');
        await start(record.get_client(), checked, operation, [record]);
        return record;
    };

    /**
     * Reads all fields and begins to follow them.
     *
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<Tornadis.Record>} the record, when it has been read
     */
    Tornadis.Record.prototype.load = function (options = {}) {
        return act(this, 'load_record', options);
    };

    /**
     * Waits until all that was set is on the server.
     *
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call(); they end the waiting alone
     * @returns {Promise<Tornadis.Record>} the record, when all is written
     */
    Tornadis.Record.prototype.flush = function (options = {}) {
        return act(this, 'flush_record', options);
    };
};
