// SPDX-License-Identifier: LGPL-2.1-or-later
// What Tornadis for JavaScript has for libraries of functions.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (Tornadis, {start, makeCommand, toArgument}, {NO_OPTIONS, checkOptions, takeOptions}) {
    const {Array, TypeError} = globalThis;

    async function call(library, caller, words, keys, args) {
        const options = takeOptions(args) ?? NO_OPTIONS;
        if (!Array.isArray(keys))
            throw new TypeError('the keys of a function are an array of them');
        const command = makeCommand([...words, keys.length, ...keys, ...args].map(toArgument));
        return await start(caller, options, 'call_function', [command, library]);
    }

    /**
     * Sees to it that the server of a client or a pool has the library in this version or a newer one.
     *
     * @param {Tornadis.Client|Tornadis.ClientPool} caller - on what
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<Tornadis.FunctionLibrary>} the library
     */
    Tornadis.FunctionLibrary.prototype.ensure = async function (caller, options = {}) {
        await start(caller, checkOptions(options), 'ensure_library', [this]);
        return this;
    };

    /**
     * Calls a function of the library on a client or a pool. When the server does not have it the library is loaded.
     *
     * @param {Tornadis.Client|Tornadis.ClientPool} caller - on what
     * @param {string} name - the name of the function
     * @param {Array} keys - its keys
     * @param {...*} args - other arguments, then perhaps `{timeout, cancellable}`
     * @returns {Promise<*>} the native reply
     */
    Tornadis.FunctionLibrary.prototype.call = async function (caller, name, keys = [], ...args) {
        return await call(this, caller, ['FCALL', name], keys, args);
    };

    /**
     * As call(), for a function that only reads, which may then run on a replica.
     *
     * @param {Tornadis.Client|Tornadis.ClientPool} caller - on what
     * @param {string} name - the name of the function
     * @param {Array} keys - its keys
     * @param {...*} args - other arguments, then perhaps `{timeout, cancellable}`
     * @returns {Promise<*>} the native reply
     */
    Tornadis.FunctionLibrary.prototype.call_read_only = async function (caller, name, keys = [], ...args) {
        return await call(this, caller, ['FCALL_RO', name], keys, args);
    };
};
