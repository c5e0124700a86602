// SPDX-License-Identifier: LGPL-2.1-or-later
// Carries calls of Tornadis for JavaScript to the library, those of one turn of the main loop together, and what comes back.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (Tornadis, TornadisBridge, values) {
    const {toArguments, makeCommand, toException, toNative, revive, handOver, describeTimeout, makeTimeout} = values;
    const {Array, Error, JSON, Map, Math, Promise, String} = globalThis;

    // How many calls of one main-context iteration wait for its end, and how many targets are in one batch.
    const MOST_CALLS = 256;
    const MAX_NUMBER = 0x7fffffff;
    const NO_OPTIONS = {timeout: null, cancellable: null};
    // Between the arguments of a call that is submitted alone.
    const SEPARATOR = '\x1f';

    // Looked up in an object it would be looked for in C first, each time.
    const submitLone = TornadisBridge.Carrier.prototype.submit_lone;

    // One for all: the engine records two stacks for each promise.
    const READY = Promise.resolve();

    // Those that have calls, by their ids.
    const busy = new Map();
    let nCarriers = 0;

    /** The function for the bridge, which must keep no JavaScript object alive without calls. The owner that it passes,
      * but not with outcomes, may have been disposed, and then is another object to GJS. Returns that it was called, which
      * GJS refuses to do during a garbage collection. */
    function makeTake(number) {
        return (owner, text) => {
            try {
                const carrier = busy.get(number) ?? owner?._carrier;
                const brought = text === '' ? null : JSON.parse(text);
                // Resolved from here: the engine records the stack, and each frame costs it a microsecond.
                const resolve = carrier?.takeLone(brought);
                if (resolve)
                    resolve(brought[1]);
                else
                    carrier?.take(owner, brought);
            } catch (error) {
                logError(error instanceof Error ? error : new Error(String(error)));
            }
            return true;
        };
    }

    /** Likewise, for the reply of a call that was submitted alone, which is text. */
    function makeTakeLone(number) {
        return text => {
            try {
                const carrier = busy.get(number);
                const resolve = carrier?.takeLoneText();
                if (resolve)
                    resolve(text);
                else
                    carrier?.take(null, [carrier.loneNumber + 1, text]);
            } catch (error) {
                logError(error instanceof Error ? error : new Error(String(error)));
            }
            return true;
        };
    }

    const describeCall = ({timeout, name}) => describeTimeout(timeout, 'submit_command', makeCommand([name]));

    /** One time for calls of a turn that have the same, from when they are submitted. */
    class Limit {
        constructor(carrier, timeout, calls) {
            this.carrier = carrier;
            // Those whose outcomes are not there.
            this.calls = new Set(calls);
            this.timer = -1;
            for (const call of calls)
                call.limit = this;
            this.timer = carrier.start('wait', [timeout], () => this.expire(), () => {});
            if (this.calls.size === 0) {
                // A plugin has run a main loop meanwhile.
                carrier.bridge.cancel(this.timer);
            }
        }

        end(call) {
            this.calls.delete(call);
            if (this.calls.size === 0 && this.timer !== -1)
                this.carrier.bridge.cancel(this.timer);
        }

        expire() {
            const calls = [...this.calls];
            this.carrier.bridge.expire(calls.map(call => call.number), calls.map(describeCall));
        }
    }

    class Carrier {
        constructor(owner) {
            this.id = ++nCarriers;
            this.bridge = TornadisBridge.Carrier.new_text(owner, makeTake(this.id));
            this.calls = [];
            // Those of them that have a time, with their places as numbers.
            this.limited = [];
            // For each call the function for its result and the one for its error.
            this.targets = [];
            // The targets of calls in flight, in batches with the number of the first call.
            this.batches = [];
            this.number = 0;
            // What has come, each part with how much of it was dealt with; a callback may run a main loop meanwhile.
            this.parts = [];
            this.asks = false;
            this.flushSoon = () => this.flush();
            // Whether the last call was the only one under way, as where each waits for the one before it.
            this.alone = false;
            // Of the last such.
            this.loneNumber = -1;
            // Set by who takes messages.
            this.messages = null;
        }

        add(args, resolve, reject) {
            if (!toArguments(args)) {
                this.startCall(makeCommand(args), resolve, reject);
                return;
            }
            if (this.isAlone()) {
                this.submitAlone(args, [resolve, reject]);
                return;
            }
            if (this.batches.length > 0)
                this.alone = false;
            this.targets.push(resolve, reject);
            const n = this.calls.push(args);
            if (n >= MOST_CALLS)
                this.flush();
            else if (n === 1)
                this.expectFlush();
        }

        /** As add(), for a call that has a time: this begins when it is submitted, with the others. */
        addWithin(timeout, args, resolve, reject) {
            if (!toArguments(args)) {
                this.startCall(makeCommand(args), resolve, reject, {timeout, cancellable: null});
                return;
            }
            const call = {timeout, name: args[0], number: -1, limit: null, done: false};
            if (timeout === 0) {
                this.beLate(describeCall(call), reject);
                return;
            }
            const ending = settle => value => {
                call.done = true;
                call.limit?.end(call);
                settle(value);
            };
            const fulfil = ending(resolve);
            // What is the same function is a callback's.
            const targets = [fulfil, resolve === reject ? fulfil : ending(reject)];
            if (this.isAlone()) {
                call.number = this.number;
                this.submitAlone(args, targets);
                this.limit([call]);
                return;
            }
            call.number = this.calls.length;
            this.limited.push(call);
            this.add(args, ...targets);
        }

        /** Has that time out which is not begun, since there is no time for it. */
        beLate(message, reject) {
            this.soon(() => reject(makeTimeout(message)));
        }

        /** Begins the times of calls that were submitted. */
        limit(calls) {
            const limits = new Map();
            // A plugin may have run a main loop, in which some have ended.
            for (const call of calls.filter(each => !each.done)) {
                if (!limits.has(call.timeout))
                    limits.set(call.timeout, []);
                limits.get(call.timeout).push(call);
            }
            for (const [timeout, each] of limits)
                new Limit(this, timeout, each);
        }

        /** Whether a call is submitted at once: none is expected to go with it, and waiting for it took longer than the call. */
        isAlone() {
            return this.alone && this.batches.length === 0 && this.calls.length === 0;
        }

        /** Submits such a call, of strings, and returns where its functions are put after that, if they are not there yet:
          * what makes them need not be done before the server is at work, and no outcome comes within this. */
        submitAlone(args, targets = [null, null]) {
            if (this.loneNumber === -1)
                TornadisBridge.set_lone_func(this.bridge, makeTakeLone(this.id));
            // JSON is made and read in a time in which the whole call could be a tenth shorter.
            const words = args.join(SEPARATOR);
            this.loneNumber = this.number;
            this.expect(targets);
            if (words.includes('\0') || !submitLone.call(this.bridge, words, args.length))
                this.pass('submit_text', [JSON.stringify([args])], targets);
            return targets;
        }

        /** Has something done after the promises that are ready now. */
        soon(func) {
            READY.then(func);
        }

        expectFlush() {
            busy.set(this.id, this);
            // The bridge asks if a main loop runs before that.
            this.soon(this.flushSoon);
            try {
                this.bridge.expect();
            } catch {
                // The client is disposed, and so submitting fails too.
            }
        }

        submit(operation, args, targets) {
            this.expect(targets);
            return this.pass(operation, args, targets);
        }

        /** Stores the targets, before a call is passed: a plugin may make others before that returns. */
        expect(targets) {
            this.asks = false;
            busy.set(this.id, this);
            this.expectOutcomes(targets);
        }

        /** Whether it was submitted. */
        pass(operation, args, targets) {
            try {
                this.bridge[operation](...args);
                return true;
            } catch (error) {
                // None of the calls was submitted.
                const exception = toException(error);
                for (let i = 1; i < targets.length; i += 2)
                    this.soon(() => targets[i](exception));
                this.forgetLast(targets.length / 2);
                this.rest();
                return false;
            }
        }

        /** Begins anything that is no call of a list of arguments; returns its number. */
        start(operation, args, resolve, reject, cancellable = null) {
            this.flush();
            const {number} = this;
            this.submit(operation, [...args, cancellable], [resolve, reject]);
            return number;
        }

        /**
         * Begins what ends after so many seconds, for plugins too. It is settled when that has come to its end: only then is nobody
         * waiting any more, in the server either, and what has come none the less is not lost. Returns its number, or -1 when it is
         * not begun.
         */
        startWithin({timeout, cancellable}, operation, args, resolve, reject) {
            if (timeout === null)
                return this.start(operation, args, resolve, reject, cancellable);
            if (timeout === 0 && !cancellable?.is_cancelled()) {
                this.beLate(describeTimeout(0, operation, args[0]), reject);
                return -1;
            }
            let ended = false;
            let timer = -1;
            const ending = settle => value => {
                ended = true;
                if (timer !== -1)
                    this.bridge.cancel(timer);
                settle(value);
            };
            const fulfil = ending(resolve);
            // What is the same function is a callback's.
            const number = this.start(operation, args, fulfil, resolve === reject ? fulfil : ending(reject), cancellable);
            timer = this.start('wait', [timeout], () => {
                if (ended)
                    return;
                this.bridge.expire([number], [describeTimeout(timeout, operation, args[0])]);
            }, () => {});
            if (ended)
                this.bridge.cancel(timer);
            return number;
        }

        /** Calls a Command or a Pipeline. */
        startCall(what, resolve, reject, options = NO_OPTIONS) {
            if (what instanceof Tornadis.Pipeline)
                handOver(what);
            this.startWithin(options, what instanceof Tornadis.Pipeline ? 'submit_pipeline' : 'submit_command', [what], resolve,
                reject);
        }

        /** When there are no calls any more only the client keeps it alive. */
        rest() {
            if (this.calls.length > 0 || this.batches.length > 0)
                return;
            this.asks = false;
            busy.delete(this.id);
        }

        flush() {
            const {calls, targets, limited} = this;
            if (calls.length === 0)
                return;
            this.calls = [];
            this.targets = [];
            this.alone = calls.length === 1 && this.batches.length === 0;
            const first = this.number;
            if (limited.length === 0) {
                this.submit('submit_text', [JSON.stringify(calls)], targets);
                return;
            }
            this.limited = [];
            limited.forEach(call => {
                call.number = (first + call.number) & MAX_NUMBER;
            });
            if (this.submit('submit_text', [JSON.stringify(calls)], targets))
                this.limit(limited);
        }

        expectOutcomes(targets) {
            const n = targets.length / 2;
            const last = this.batches.at(-1);
            // The one that was the last may be done already, and the numbers that follow this one are gone with it.
            const follows = last !== undefined && ((last.first + last.n) & MAX_NUMBER) === this.number;
            if (follows && last.n + n <= MOST_CALLS) {
                last.targets.push(...targets);
                last.n += n;
                last.left += n;
            } else {
                this.batches.push({first: this.number, n, left: n, targets});
            }
            this.number = (this.number + n) & MAX_NUMBER;
        }

        forgetLast(n) {
            const last = this.batches.at(-1);
            // They are told later, from the array that may be this one.
            last.targets = last.targets.slice(0, -2 * n);
            last.n -= n;
            last.left -= n;
            if (last.left === 0)
                this.batches.pop();
            this.number = (this.number - n) & MAX_NUMBER;
        }

        /** The function for the result, when that is all that was brought, of the only call under way; else null. */
        takeLone(brought) {
            if (brought?.length !== 2 || brought[0] < 0 || this.parts.length > 0 || this.batches.length !== 1)
                return null;
            const [{first, left, targets}] = this.batches;
            if (left !== 1)
                return null;
            this.batches = [];
            this.rest();
            return targets[2 * ((brought[0] - 1 - first) & MAX_NUMBER)];
        }

        /** Likewise, of the call that was submitted alone: it is the first of its batch. */
        takeLoneText() {
            if (this.parts.length > 0 || this.batches.length !== 1)
                return null;
            const [{left, targets}] = this.batches;
            if (left !== 1)
                return null;
            this.batches = [];
            this.rest();
            return targets[0];
        }

        take(owner, brought) {
            if (brought === null) {
                this.asks = false;
            } else if (brought.handler !== undefined) {
                this.messages.tellEmitted(owner, brought);
                return;
            } else {
                this.receive(owner, brought);
            }
            this.deal();
            if (brought === null)
                this.flush();
            this.rest();
        }

        /** Deals with what has come, within a callback of it with the rest. */
        deal() {
            while (this.parts.length > 0) {
                const [part] = this.parts;
                if (part.payloads === undefined)
                    this.settleAll(part);
                else
                    this.messages.tell(part.owner, part);
                if (this.parts[0] === part)
                    this.parts.shift();
            }
        }

        receive(owner, brought) {
            if (Array.isArray(brought)) {
                this.parts.push({items: brought, nSettled: 0});
                return;
            }
            const part = this.messages.receive(brought);
            if (part === null)
                return;
            part.owner = owner;
            this.parts.push(part);
            // A handler may run a main loop, which then asks for calls and so goes on with the rest.
            if (part.payloads.length > 1 && !this.asks) {
                this.asks = true;
                this.expectFlush();
            }
        }

        settleAll(part) {
            const {items} = part;
            let batch = null;
            while (part.nSettled < items.length) {
                const i = part.nSettled;
                const number = Math.abs(items[i]) - 1;
                let index = batch === null ? 0 : (number - batch.first) & MAX_NUMBER;
                part.nSettled += 2;
                if (batch === null || index >= batch.n) {
                    batch = this.batches.find(each => ((number - each.first) & MAX_NUMBER) < each.n);
                    index = (number - batch.first) & MAX_NUMBER;
                }
                const resolve = batch.targets[2 * index];
                const reject = batch.targets[2 * index + 1];
                batch.targets[2 * index] = batch.targets[2 * index + 1] = null;
                if (--batch.left === 0) {
                    this.batches.splice(this.batches.indexOf(batch), 1);
                    batch = null;
                }
                // A callback, which runs at once: if it runs a main loop, that asks for calls and so settles the others.
                if (resolve === reject && !this.asks && part.nSettled < items.length) {
                    this.asks = true;
                    this.expectFlush();
                }
                if (items[i] > 0)
                    resolve(items[i + 1]);
                else
                    this.settle(number, items[i + 1], resolve, reject);
            }
        }

        /** Settles a call whose outcome JSON could not carry as it is. */
        settle(number, value, resolve, reject) {
            let native;
            try {
                native = value.kept ? toNative(this.bridge.take_reply(number)) : revive(value);
            } catch (error) {
                reject(error);
                return;
            }
            if (value.e)
                reject(native);
            else
                resolve(native);
        }
    }

    return Carrier;
};
