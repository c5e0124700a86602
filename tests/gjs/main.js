// SPDX-License-Identifier: LGPL-2.1-or-later
// gjs -m main.js [STORY...]: runs the stories named, such as "pipeline", or all of them and then looks whether they
// have used all of the library.

import System from 'system';

import {block, run} from './tap.js';
import {findUnused, watch} from './coverage.js';

const STORIES = ['client', 'session', 'values', 'pipeline', 'pub-sub-client', 'client-pool', 'plugin', 'plugin-hooks',
    'mock', 'turns', 'messages', 'languages', 'models', 'keyspace', 'record', 'scanner', 'script', 'credentials', 'streams',
    'function-library', 'lock', 'matrix', 'sentinel', 'cluster', 'collector'];

let failed = 1;

block(async () => {
    const tests = {};

    watch();
    for (const name of ARGV.length > 0 ? ARGV : STORIES) {
        const {default: story} = await import(`./test-${name}.js`);
        for (const [key, test] of Object.entries(story))
            tests[`${name} ${key}`] = test;
    }
    if (ARGV.length === 0) {
        tests['all is used'] = async () => {
            const unused = findUnused();
            if (unused.length > 0)
                throw new Error(`no test uses ${unused.join(', ')}`);
        };
    }
    failed = await run(tests);
});
// Not in a promise: that would end with the main loop still running.
System.exit(failed ? 1 : 0);
