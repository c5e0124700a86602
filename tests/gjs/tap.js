// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs async functions as TAP, each with a private server of its own. Why a case failed is told on standard error: of a
// program that writes TAP, Meson shows that alone.

import GLib from 'gi://GLib';
import System from 'system';
import TornadisHarness from 'gi://TornadisHarness?version=0';

// No case takes so long on the slowest machine: it waits for what does not come.
const TIMEOUT_MSEC = 60000 * Number(GLib.getenv('TORNADIS_TEST_SLOW') ?? 1);

// Of the case that runs: its number, what it waits for, and what is to be done at its end.
let current = 0;
let awaited = null;
let cleanups = [];

function show(value) {
    if (value instanceof Uint8Array)
        return `bytes:${[...value.subarray(0, 100)].join(' ')}`;
    if (value instanceof Map)
        return `map:${show([...value])}`;
    if (Array.isArray(value))
        return `[${value.map(show).join(', ')}]`;
    return Object.is(value, -0) ? 'number:-0' : `${typeof value}:${value}`;
}

function isSame(a, b) {
    if (a instanceof Uint8Array && b instanceof Uint8Array)
        return a.length === b.length && a.every((byte, i) => byte === b[i]);
    if (a instanceof Map && b instanceof Map)
        return isSame([...a], [...b]);
    if (Array.isArray(a) && Array.isArray(b))
        return a.length === b.length && a.every((element, i) => isSame(element, b[i]));
    return Object.is(a, b);
}

export function equal(value, expected) {
    if (!isSame(value, expected))
        throw new Error(`${show(value).slice(0, 1000)} is not ${show(expected).slice(0, 1000)}`);
}

function asExpected(error, kind, code) {
    if (!(error instanceof kind))
        throw error;
    if (code !== null && error.code !== code)
        throw new Error(`${error} has the code ${error.code}, not ${code}`);
    return error;
}

/** The error of a promise. */
export async function rejects(kind, promise, code = null) {
    let value;
    try {
        value = await promise;
    } catch (error) {
        return asExpected(error, kind, code);
    }
    throw new Error(`${kind.name} was not thrown, but there is ${show(value)}`);
}

/** The error of a function that is not async. */
export function throws(kind, use, code = null) {
    try {
        use();
    } catch (error) {
        return asExpected(error, kind, code);
    }
    throw new Error(`${kind.name} was not thrown`);
}

export function sleep(msec) {
    return new Promise(resolve => GLib.timeout_add(GLib.PRIORITY_DEFAULT, msec, () => {
        resolve();
        return GLib.SOURCE_REMOVE;
    }));
}

/** Waits for a condition, which may be async, but not into the next case. */
export async function until(condition) {
    const mine = current;
    awaited = condition;
    while (!await condition()) {
        await sleep(5);
        if (mine !== current)
            throw new Error('the case is over');
    }
    awaited = null;
}

/** How many clients wait for the server, as in BLPOP. */
export function countBlocked(server) {
    return Number(/blocked_clients:(\d+)/.exec(server.command('INFO clients'))[1]);
}

/** A promise of what an _async/_finish pair gives, without the override. */
export function finish(object, name, ...args) {
    return new Promise((resolve, reject) => object[`${name}_async`](...args, (source, result) => {
        try {
            resolve(source[`${name}_finish`](result));
        } catch (error) {
            reject(error);
        }
    }));
}

/** Runs an async function as a main loop's only task until it has ended. */
export function block(use) {
    const loop = new GLib.MainLoop(null, false);
    use().catch(logError).finally(() => loop.quit());
    loop.run();
}

/** Runs an async function in which GJS logs exceptions, each with this in its message. */
export async function logging(level, n, text, use) {
    for (let i = 0; i < n; i++)
        GLib.test_expect_message('Gjs', level, `*${text}*`);
    await use();
    GLib.test_assert_expected_messages_internal('Gjs', 'tap.js', 0, 'logging');
}

/** Has a function called when the case is over, however it ends. */
export function atEnd(cleanup) {
    cleanups.push(cleanup);
}

function inTime(promise) {
    let timeout;
    const late = new Promise((_, reject) => {
        timeout = GLib.timeout_add(GLib.PRIORITY_DEFAULT, TIMEOUT_MSEC, () => {
            timeout = 0;
            reject(new Error(`it does not end${awaited ? `: until (${awaited})` : ''}`));
            return GLib.SOURCE_REMOVE;
        });
    });
    return Promise.race([promise, late]).finally(() => {
        if (timeout)
            GLib.source_remove(timeout);
    });
}

/** In one line, without what has a meaning to a reader of TAP. */
function summary(error) {
    return String(error).replace(/[#\s]+/g, ' ').slice(0, 200).trim();
}

/** A promise of how many have failed. */
export async function run(tests) {
    const names = Object.keys(tests);
    let failed = 0;

    print(`1..${names.length}`);
    for (const [index, name] of names.entries()) {
        // GJS refuses callbacks between the steps of a garbage collection that takes long: begin with little garbage.
        System.gc();
        current = index + 1;
        awaited = null;
        let server = null;
        try {
            server = TornadisHarness.Redis.new(null);
            await inTime(tests[name](server));
            print(`ok ${index + 1} - ${name}`);
        } catch (error) {
            failed++;
            print(`not ok ${index + 1} - ${name} - ${summary(error)}`);
            printerr(`# ${name}\n${error}\n${error?.stack ?? ''}`.trim().replaceAll('\n', '\n# '));
            // What the case has left waiting ends, and not in the middle of the next; it may say so in a warning.
            GLib.log_set_always_fatal(GLib.LogLevelFlags.LEVEL_ERROR | GLib.LogLevelFlags.LEVEL_CRITICAL);
            server?.kill();
        } finally {
            cleanups.splice(0).forEach(cleanup => cleanup());
        }
    }
    return failed;
}
