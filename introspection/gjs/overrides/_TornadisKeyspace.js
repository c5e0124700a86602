// SPDX-License-Identifier: LGPL-2.1-or-later
// What Tornadis for JavaScript has to hear of keys that change.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (Tornadis, {start}, {checkOptions}) {
    /**
     * Starts to tell what becomes of keys, by the signals `changed` and `changed::expired`.
     *
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<Tornadis.Keyspace>} the keyspace, when notifications are told
     */
    Tornadis.Keyspace.prototype.start = async function (options = {}) {
        await start(this.client, checkOptions(options), 'start_keyspace', [this]);
        return this;
    };
};
