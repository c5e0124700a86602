// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs async functions as TAP, each with a private server of its own.

import GLib from 'gi://GLib';
import System from 'system';
import TornadisHarness from 'gi://TornadisHarness?version=0';

function show(value) {
    if (value instanceof Uint8Array)
        return `bytes:${[...value].join(' ')}`;
    if (value instanceof Map)
        return `map:${show([...value])}`;
    if (Array.isArray(value))
        return `[${value.map(show).join(', ')}]`;
    return `${typeof value}:${value}`;
}

export function equal(value, expected) {
    if (show(value) !== show(expected))
        throw new Error(`${show(value)} is not ${show(expected)}`);
}

export async function rejects(kind, promise) {
    try {
        await promise;
    } catch (error) {
        if (error instanceof kind)
            return error;
        throw error;
    }
    throw new Error(`${kind.name} was not thrown`);
}

export function sleep(msec) {
    return new Promise(resolve => GLib.timeout_add(GLib.PRIORITY_DEFAULT, msec, () => {
        resolve();
        return GLib.SOURCE_REMOVE;
    }));
}

export function run(tests) {
    const loop = new GLib.MainLoop(null, false);
    let failed = 0;

    async function main() {
        print(`1..${Object.keys(tests).length}`);
        let number = 0;
        for (const [name, test] of Object.entries(tests)) {
            number++;
            try {
                await test(TornadisHarness.Redis.new(null));
                print(`ok ${number} - ${name}`);
            } catch (error) {
                failed++;
                print(`not ok ${number} - ${name}`);
                print(`# ${error}\n# ${error.stack.replaceAll('\n', '\n# ')}`);
            }
        }
    }

    main().finally(() => loop.quit());
    loop.run();
    System.exit(failed ? 1 : 0);
}
