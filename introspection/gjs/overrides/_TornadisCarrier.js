// SPDX-License-Identifier: LGPL-2.1-or-later
// Carries calls of Tornadis for JavaScript to the library, those of one turn of the main loop together, and what comes back.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (Tornadis, TornadisBridge, {toArguments, makeCommand, toException, toNative, revive, handOver}) {
    const {Array, Error, JSON, Map, Math, Promise, String} = globalThis;

    // How many calls of one main-context iteration wait for its end, and how many targets are in one batch.
    const MOST_CALLS = 256;
    const MAX_NUMBER = 0x7fffffff;

    // Those that have calls, by their ids.
    const busy = new Map();
    let nCarriers = 0;

    /** The function for the bridge, which must keep no JavaScript object alive without calls. The owner that it passes
      * may have been disposed, and then is another object to GJS. Returns that it was called, which GJS refuses to do
      * during a garbage collection. */
    function makeTake(number) {
        return (owner, text) => {
            try {
                (busy.get(number) ?? owner._carrier)?.take(owner, text);
            } catch (error) {
                logError(error instanceof Error ? error : new Error(String(error)));
            }
            return true;
        };
    }

    class Carrier {
        constructor(owner) {
            this.id = ++nCarriers;
            this.bridge = TornadisBridge.Carrier.new_text(owner, makeTake(this.id));
            this.calls = [];
            // For each call the function for its result and the one for its error.
            this.targets = [];
            // The targets of calls in flight, in batches with the number of the first call.
            this.batches = [];
            this.number = 0;
            // What has come, each part with how much of it was dealt with; a callback may run a main loop meanwhile.
            this.parts = [];
            this.asks = false;
            this.flushSoon = () => this.flush();
            // Set by who takes messages.
            this.messages = null;
        }

        add(args, resolve, reject) {
            if (!toArguments(args)) {
                this.startCall(makeCommand(args), resolve, reject, null);
                return;
            }
            this.targets.push(resolve, reject);
            const n = this.calls.push(args);
            if (n >= MOST_CALLS)
                this.flush();
            else if (n === 1)
                this.expectFlush();
        }

        expectFlush() {
            busy.set(this.id, this);
            // After the promises that are ready now; the bridge asks if a main loop runs before that.
            Promise.resolve().then(this.flushSoon);
            try {
                this.bridge.expect();
            } catch {
                // The client is disposed, and so submitting fails too.
            }
        }

        /** Stores the targets first: a plugin may make other calls before this returns. */
        submit(operation, args, targets) {
            this.asks = false;
            busy.set(this.id, this);
            this.expectOutcomes(targets);
            try {
                this.bridge[operation](...args);
            } catch (error) {
                // None of the calls was submitted.
                for (let i = 1; i < targets.length; i += 2)
                    Promise.resolve(toException(error)).then(targets[i]);
                this.forgetLast(targets.length / 2);
                this.rest();
            }
        }

        /** Begins anything that is no call of a list of arguments; returns its number. */
        start(operation, args, resolve, reject, cancellable = null) {
            this.flush();
            const {number} = this;
            this.submit(operation, [...args, cancellable], [resolve, reject]);
            return number;
        }

        /** Calls a Command or a Pipeline. */
        startCall(what, resolve, reject, cancellable) {
            if (what instanceof Tornadis.Pipeline)
                handOver(what);
            this.start(what instanceof Tornadis.Pipeline ? 'submit_pipeline' : 'submit_command', [what], resolve, reject,
                cancellable);
        }

        /** When there are no calls any more only the client keeps it alive. */
        rest() {
            if (this.calls.length > 0 || this.batches.length > 0)
                return;
            this.asks = false;
            busy.delete(this.id);
        }

        flush() {
            const {calls, targets} = this;
            if (calls.length === 0)
                return;
            this.calls = [];
            this.targets = [];
            this.submit('submit_text', [JSON.stringify(calls)], targets);
        }

        expectOutcomes(targets) {
            const n = targets.length / 2;
            const last = this.batches.at(-1);
            if (last !== undefined && last.n + n <= MOST_CALLS) {
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
            last.targets.length -= 2 * n;
            last.n -= n;
            last.left -= n;
            if (last.left === 0)
                this.batches.pop();
            this.number = (this.number - n) & MAX_NUMBER;
        }

        take(owner, text) {
            if (text === '') {
                this.asks = false;
            } else {
                const brought = JSON.parse(text);
                if (brought.handler !== undefined) {
                    this.messages.tellEmitted(owner, brought);
                    return;
                }
                this.receive(brought);
            }
            this.deal(owner);
            if (text === '')
                this.flush();
            this.rest();
        }

        /** Deals with what has come, within a callback of it with the rest. */
        deal(owner) {
            while (this.parts.length > 0) {
                const [part] = this.parts;
                if (part.payloads === undefined)
                    this.settleAll(part);
                else
                    this.messages.tell(owner, part);
                if (this.parts[0] === part)
                    this.parts.shift();
            }
        }

        receive(brought) {
            if (Array.isArray(brought)) {
                this.parts.push({items: brought, nSettled: 0});
                return;
            }
            const part = this.messages.receive(brought);
            if (part === null)
                return;
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
