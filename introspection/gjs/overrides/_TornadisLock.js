// SPDX-License-Identifier: LGPL-2.1-or-later
// What Tornadis for JavaScript has for locks.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (Tornadis, {start, keepLock}, {checkOptions, checkUse}) {
    const act = (lock, options, operation) => start(lock.caller, checkOptions(options), operation, [lock]);

    /**
     * Acquires the lock, and waits while another has it. What is held is no garbage, whether or not the program refers to it.
     *
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<Tornadis.Lock>} the lock
     */
    Tornadis.Lock.prototype.acquire = async function (options = {}) {
        await act(this, options, 'acquire_lock');
        keepLock(this);
        return this;
    };

    /**
     * Acquires the lock if it is free, and keeps it as acquire() does.
     *
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<boolean>} whether it was
     */
    Tornadis.Lock.prototype.try_acquire = async function (options = {}) {
        const acquired = await act(this, options, 'try_acquire_lock');
        keepLock(this);
        return acquired;
    };

    /**
     * Releases the lock. It is a ConnectionError when it was lost before.
     *
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<Tornadis.Lock>} the lock
     */
    Tornadis.Lock.prototype.release = async function (options = {}) {
        await act(this, options, 'release_lock');
        return this;
    };

    /**
     * Runs a function while the lock is held, which is released at the end. That it was lost meanwhile is a ConnectionError,
     * unless the function throws something itself.
     *
     * @param {function(Tornadis.Lock): Promise<*>} use - an async function
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - of acquiring it, as of client.call()
     * @returns {Promise<*>} what it returns
     */
    Tornadis.Lock.prototype.withLock = async function (use, options = {}) {
        checkUse(use, 'withLock');
        await this.acquire(options);
        let result;
        try {
            result = await use(this);
        } catch (error) {
            await this.release().catch(() => {});
            throw error;
        }
        await this.release();
        return result;
    };
};
