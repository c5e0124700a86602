// SPDX-License-Identifier: LGPL-2.1-or-later
// What calls and waits are given besides their arguments, and that it is nothing else.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (describe) {
    const {Number, Object, RangeError, TypeError} = globalThis;
    const {Gio} = imports.gi;

    const NO_OPTIONS = Object.freeze({timeout: null, cancellable: null});

    const isPlain = value => typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

    /** That there are no other options than those named; what is said of one after that. */
    function checkNames(options, names, more) {
        if (!isPlain(options))
            throw new TypeError(`options are an object such as {${names[0]}: …}, and not ${describe(options)}`);
        for (const name of Object.keys(options)) {
            const verb = names.length === 1 ? 'is' : 'are';
            if (!names.includes(name))
                throw new TypeError(`${name} is no option, as ${names.join(' and ')} ${verb}${more}`);
        }
    }

    function checkCancellable(cancellable) {
        if (cancellable !== null && !(cancellable instanceof Gio.Cancellable))
            throw new TypeError(`a cancellable is a Gio.Cancellable, not ${describe(cancellable)}`);
        return cancellable;
    }

    /** Without one it is negative, as one that is never over. */
    function checkDeadline(deadline) {
        if (deadline === null || deadline === undefined)
            return -1;
        if (typeof deadline !== 'number')
            throw new TypeError(`a deadline is a number of seconds, not ${describe(deadline)}`);
        // It would never be over.
        if (Number.isNaN(deadline))
            throw new TypeError('a deadline is a number of seconds, not NaN');
        return deadline;
    }

    function checkOptions(options, more = '') {
        checkNames(options, Object.keys(NO_OPTIONS), more);
        const {timeout = null, cancellable = null} = options;
        if (timeout !== null && typeof timeout !== 'number')
            throw new TypeError(`a timeout is a number of seconds, not ${describe(timeout)}`);
        if (timeout !== null && !(timeout >= 0))
            throw new RangeError(`a timeout is a number of seconds from 0, not ${timeout}`);
        return {timeout, cancellable: checkCancellable(cancellable)};
    }

    function checkUse(use, name = 'withClient') {
        if (typeof use !== 'function')
            throw new TypeError(`${name}() is given a function, and then perhaps options, not ${describe(use)}`);
    }

    /** The object with options behind all other arguments, which is taken away; else null. */
    function takeOptions(args) {
        const last = args[args.length - 1];
        if (!isPlain(last))
            return null;
        args.pop();
        return checkOptions(last, ', and no argument can be an object');
    }

    return {NO_OPTIONS, isPlain, checkNames, checkCancellable, checkDeadline, checkOptions, checkUse, takeOptions};
};
