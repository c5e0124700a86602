// SPDX-License-Identifier: LGPL-2.1-or-later

// What the programs in GJS share: how they run, and what they say of themselves on their last line.

import GLib from 'gi://GLib';
import System from 'system';

// Of this thread, in microseconds.
function getCpu() {
    const [, text] = GLib.file_get_contents('/proc/thread-self/schedstat');
    return parseInt(new TextDecoder().decode(text), 10) / 1e3;
}

export function getClocks() {
    return {cpu: getCpu(), start: GLib.get_monotonic_time()};
}

// That n were done since getClocks() said this.
export function report({cpu, start}, n) {
    const seconds = (GLib.get_monotonic_time() - start) / 1e6;
    print(JSON.stringify({ops: n, seconds, rate: n / seconds, cpu_usec: (getCpu() - cpu) / n}));
}

// An async function, to its end; with an error it is the program's.
export function run(main) {
    const loop = new GLib.MainLoop(null, false);
    let failed = false;
    main().catch(error => {
        logError(error);
        failed = true;
    }).finally(() => loop.quit());
    loop.run();
    if (failed)
        System.exit(1);
}
