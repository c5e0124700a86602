// SPDX-License-Identifier: LGPL-2.1-or-later
// What Tornadis for JavaScript has for data that programs keep on a server: scripts.

/* exported create */

// GJS looks up the names of such a module each time they are used, but not those of a function.
var create = function (Tornadis, {start, makeCommand, toArgument, handOver}, {NO_OPTIONS, checkOptions, takeOptions}) {
    const list = (script, args) => [script.read_only ? 'EVAL_RO' : 'EVAL', script.source, script.n_keys, ...args];

    /**
     * Calls the script on a client or a pool, with its keys and then other arguments.
     *
     * @param {Tornadis.Client|Tornadis.ClientPool} caller - on what
     * @param {...*} args - its keys and other arguments, then perhaps `{timeout, cancellable}`
     * @returns {Promise<*>} the native reply
     */
    Tornadis.Script.prototype.call = async function (caller, ...args) {
        const options = takeOptions(args) ?? NO_OPTIONS;
        const command = makeCommand(list(this, args).map(toArgument));
        return await start(caller, options, 'call_script', [command, this]);
    };

    /**
     * Adds a call of the script to a pipeline.
     *
     * @param {Tornadis.Pipeline} pipeline - the pipeline
     * @param {...*} args - its keys and other arguments
     */
    Tornadis.Script.prototype.stack = function (pipeline, ...args) {
        pipeline.stack_call(...list(this, args));
    };

    /**
     * Calls a pipeline with several calls of the script, whose source is then sent once. Sent by client.call() each has it.
     *
     * @param {Tornadis.Client|Tornadis.ClientPool} caller - on what
     * @param {Tornadis.Pipeline} pipeline - the pipeline
     * @param {{timeout: ?number, cancellable: ?Gio.Cancellable}} options - as of client.call()
     * @returns {Promise<Array>} the native replies
     */
    Tornadis.Script.prototype.call_pipeline = async function (caller, pipeline, options = {}) {
        handOver(pipeline);
        return await start(caller, checkOptions(options), 'call_script_pipeline', [pipeline, this]);
    };
};
