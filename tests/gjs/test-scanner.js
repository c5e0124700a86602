// SPDX-License-Identifier: LGPL-2.1-or-later
// Scanners: batches, loops over elements, once each, and ended early.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Tornadis from 'gi://Tornadis?version=1.0';
import TornadisHarness from 'gi://TornadisHarness?version=0';

import {equal, finish, rejects} from './tap.js';

const N_KEYS = 3000;
const {HASH, SET, SORTED_SET} = Tornadis.ScannerKind;
const makeClient = server => new Tornadis.Client({unix_domain_socket: server.get_socket_path()});

async function fill(client, make) {
    const pipeline = new Tornadis.Pipeline();
    for (let i = 0; i < N_KEYS; i++)
        pipeline.stack_call(...make(i));
    await client.call(pipeline);
}

async function collect(scanner) {
    const elements = [];
    for await (const element of scanner)
        elements.push(element);
    return elements;
}

const sorted = elements => [...elements].map(String).sort();
const names = prefix => Array.from({length: N_KEYS}, (_, i) => `${prefix}${i}`);

export default {
    async keys(server) {
        const client = makeClient(server);
        equal(await collect(new Tornadis.Scanner({caller: client})), []);
        await fill(client, i => ['SET', `key:${i}`, 1]);
        await client.call('SADD', 'set', 1);
        equal(sorted(new Set(await collect(new Tornadis.Scanner({caller: client, pattern: 'key:*'})))), sorted(names('key:')));
        equal(await collect(new Tornadis.Scanner({caller: client, key_type: 'set', count: 7})), ['set']);
        equal(sorted(await collect(new Tornadis.Scanner({caller: client, unique: true}))), sorted(['set', ...names('key:')]));

        const scanner = Tornadis.Scanner.new(client);
        const keys = [];
        let batch;
        while ((batch = await scanner.next({timeout: 60})) !== null) {
            equal(batch.length > 0, true);
            keys.push(...batch);
        }
        equal(new Set(keys).size, N_KEYS + 1);
        equal(await scanner.next(), null);
        equal(await collect(scanner), []);

        const pool = new Tornadis.ClientPool({template: client});
        equal(new Set(await collect(new Tornadis.Scanner({caller: pool}))).size, N_KEYS + 1);
        pool.destroy();
    },

    async elements(server) {
        const client = makeClient(server);
        const binary = new Uint8Array([115, 255]);
        await fill(client, i => ['HSET', 'hash', `f${i}`, i]);
        await fill(client, i => ['SADD', binary, i]);
        await fill(client, i => ['ZADD', 'zset', i / 2, `m${i}`]);
        const map = new Map(await collect(new Tornadis.Scanner({caller: client, kind: HASH, key: 'hash'})));
        equal([map.size, map.get('f17')], [N_KEYS, '17']);
        equal(sorted(new Set(await collect(new Tornadis.Scanner({caller: client, kind: SET, key: binary})))), sorted(names('')));
        const scores = new Map(await collect(Tornadis.Scanner.new_for_key(client, SORTED_SET, 'zset')));
        equal([scores.size, scores.get('m17')], [N_KEYS, 8.5]);
        await client.call('ZADD', 'few', 'inf', 'a', 2, 'b');
        const few = new Tornadis.Scanner({caller: client, kind: SORTED_SET, key: new GLib.Bytes('few')});
        equal(await few.next(), [['b', 2], ['a', Infinity]]);
        equal(await few.next(), null);
    },

    async left(server) {
        const client = makeClient(server);
        await fill(client, i => ['SET', `key:${i}`, 1]);
        const scanner = new Tornadis.Scanner({caller: client, count: 100});
        let n = 0;
        for await (const key of scanner) {
            equal(key.startsWith('key:'), true);
            if (++n === 10)
                break;
        }
        equal((await client.call('INFO', 'commandstats')).includes('cmdstat_scan:calls=1,'), true);
        equal((await rejects(Tornadis.ConnectionError, scanner.next())).code, Tornadis.Error.CLOSED);

        // While it waits for a batch.
        const other = new Tornadis.Scanner({caller: client});
        const iterator = other[Symbol.asyncIterator]();
        const pending = iterator.next();
        const returned = await iterator.return('why');
        equal([returned.value, returned.done], ['why', true]);
        equal([(await pending).done, (await iterator.next()).done], [true, true]);
        await rejects(Tornadis.ConnectionError, collect(other));
    },

    async cancel() {
        const first = '"*2\\r\\n+7\\r\\n*1\\r\\n$1\\r\\na\\r\\n"';
        const second = '"*2\\r\\n+0\\r\\n*1\\r\\n$1\\r\\nb\\r\\n"';
        const peer = TornadisHarness.Peer.new(['handshake', 'expect SCAN', 'wait', `send ${first}`, 'serve',
            `answer SCAN 0 ${first}`, `answer SCAN 7 ${second}`, ''].join('\n'));
        const scanner = new Tornadis.Scanner({caller: new Tornadis.Client({port: peer.get_port()})});
        const cancellable = new Gio.Cancellable();
        const pending = scanner.next({cancellable});
        equal((await rejects(Tornadis.ClientError, scanner.next())).code, Tornadis.Error.USAGE);
        cancellable.cancel();
        const error = await rejects(GLib.Error, pending);
        equal(error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED), true);
        const late = await rejects(Tornadis.ConnectionError, scanner.next({timeout: 0.001}));
        equal([late.code, late.message], [Tornadis.Error.TIMEOUT, 'A batch took longer than 0.001 s']);
        peer.go();
        equal(await collect(scanner), ['a', 'b']);
    },

    async errors(server) {
        const client = makeClient(server);
        await client.call('SET', 'text', 1);
        const wrong = new Tornadis.Scanner({caller: client, kind: HASH, key: 'text'});
        equal((await rejects(Tornadis.ReplyError, wrong.next())).prefix, 'WRONGTYPE');
        await rejects(Tornadis.ReplyError, collect(wrong));
        await rejects(Tornadis.ClientError, new Tornadis.Scanner({caller: client, kind: HASH}).next());
        await rejects(TypeError, wrong.next({key: 1}));
        const bound = new Tornadis.Scanner({caller: client, unique: true, max_unique_bytes: 1});
        equal((await rejects(Tornadis.ClientError, bound.next())).code, Tornadis.Error.BUSY);
        bound.max_unique_bytes = 1000;
        equal(await bound.next(), ['text']);
        equal([String(bound), String(wrong)], ['<Tornadis.Scanner of keys>', '<Tornadis.Scanner of a hash>']);
    },

    async asInC(server) {
        const client = makeClient(server);
        await client.call('HSET', 'h', 'f', 'v');
        const scanner = new Tornadis.Scanner({caller: client, kind: HASH, key: 'h', pattern: 'f*'});
        equal((await finish(scanner, 'next', null)).unpack(), ['f', 'v']);
        equal(await finish(scanner, 'next', null), null);
        equal([scanner.get_caller() === client, scanner.get_kind(), scanner.get_key().get_size(), scanner.get_pattern(),
            scanner.get_key_type(), scanner.get_count(), scanner.get_unique(), scanner.get_max_unique_bytes()],
        [true, HASH, 1, 'f*', null, 0, false, 256 * 1024 * 1024]);
        equal([scanner.caller === client, scanner.kind, scanner.key.get_size(), scanner.pattern, scanner.key_type, scanner.count,
            scanner.unique], [true, HASH, 1, 'f*', null, 0, false]);
        scanner.set_max_unique_bytes(5);
        equal(scanner.max_unique_bytes, 5);
    },
};
