// SPDX-License-Identifier: LGPL-2.1-or-later
// What Tornadis for JavaScript has for live models: how they are edited. Else each is a Gio.ListModel.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (Tornadis, {start, toArgument, toGBytes}, {checkOptions}) {
    const LAST = 0xffffffff;

    const toBytes = value => toGBytes(toArgument(value));

    const edit = (model, options, operation, ...args) => start(model.client, checkOptions(options), operation, [model, ...args]);

    /**
     * Adds a row at the end. It is shown at once, and taken back if this fails.
     *
     * @param {*} value - the new element
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<boolean>} true
     */
    Tornadis.ListModel.prototype.append = async function (value, options = {}) {
        return await edit(this, options, 'edit_list', 'insert', LAST, toBytes(value));
    };

    /**
     * Adds a row in front of another, which in the midst has to be loaded.
     *
     * @param {number} position - which row it is going to be
     * @param {*} value - the new element
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<boolean>} true
     */
    Tornadis.ListModel.prototype.insert = async function (position, value, options = {}) {
        return await edit(this, options, 'edit_list', 'insert', position, toBytes(value));
    };

    /**
     * Gives a row that is loaded another value.
     *
     * @param {number} position - which row
     * @param {*} value - its new value
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<boolean>} true
     */
    Tornadis.ListModel.prototype.replace = async function (position, value, options = {}) {
        return await edit(this, options, 'edit_list', 'replace', position, toBytes(value));
    };

    /**
     * Removes a row that is loaded.
     *
     * @param {number} position - which row
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<boolean>} true
     */
    Tornadis.ListModel.prototype.remove = async function (position, options = {}) {
        return await edit(this, options, 'edit_list', 'remove', position, null);
    };

    /**
     * Adds a member or gives it another score. It is shown at once, and taken back if this fails.
     *
     * @param {*} member - the member
     * @param {number} score - its score
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<boolean>} true
     */
    Tornadis.SortedSetModel.prototype.add = async function (member, score, options = {}) {
        return await edit(this, options, 'edit_sorted_set', 'add', toBytes(member), score);
    };

    /**
     * Removes a member.
     *
     * @param {*} member - the member
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<boolean>} true
     */
    Tornadis.SortedSetModel.prototype.remove = async function (member, options = {}) {
        return await edit(this, options, 'edit_sorted_set', 'remove', toBytes(member), 0);
    };

    /**
     * Gives a field a value. It is shown at once, and taken back if this fails.
     *
     * @param {*} field - the field
     * @param {*} value - its value
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<boolean>} true
     */
    Tornadis.HashModel.prototype.put = async function (field, value, options = {}) {
        return await edit(this, options, 'edit_table', 'put', toBytes(field), toBytes(value));
    };

    /**
     * Removes a field.
     *
     * @param {*} field - the field
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<boolean>} true
     */
    Tornadis.HashModel.prototype.remove = async function (field, options = {}) {
        return await edit(this, options, 'edit_table', 'remove', toBytes(field), null);
    };

    /**
     * Adds a member. It is shown at once, and taken back if this fails.
     *
     * @param {*} member - the member
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<boolean>} true
     */
    Tornadis.SetModel.prototype.add = async function (member, options = {}) {
        return await edit(this, options, 'edit_table', 'add', toBytes(member), null);
    };

    /**
     * Removes a member.
     *
     * @param {*} member - the member
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<boolean>} true
     */
    Tornadis.SetModel.prototype.remove = async function (member, options = {}) {
        return await edit(this, options, 'edit_table', 'remove', toBytes(member), null);
    };

    /**
     * Removes a key.
     *
     * @param {*} key - the key
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<boolean>} true
     */
    Tornadis.KeyModel.prototype.remove = async function (key, options = {}) {
        return await edit(this, options, 'edit_table', 'remove', toBytes(key), null);
    };
};
