// SPDX-License-Identifier: LGPL-2.1-or-later
// Streams: entries in batches, acknowledged, given back, and what ends the waiting for them.

import Gio from 'gi://Gio';
import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, finish, rejects} from './tap.js';

const makeClient = server => new Tornadis.Client({unix_domain_socket: server.get_socket_path()});
const makeReader = (caller, options = {}) => new Tornadis.StreamReader({caller, stream: 's', start_id: '0', ...options});
const makeConsumer = (caller, options = {}) => new Tornadis.StreamConsumer(
    {caller, stream: 's', group: 'g', consumer_name: 'c', start_id: '0', ...options});
const getNPending = async client => (await client.call('XPENDING', 's', 'g'))[0];

async function fill(client, n) {
    const pipeline = new Tornadis.Pipeline();
    for (let i = 1; i <= n; i++)
        pipeline.stack_call('XADD', 's', `${i}-0`, 'f', i, 'b', new Uint8Array([255, 0]));
    await client.call(pipeline);
}

export default {
    async reader(server) {
        const client = makeClient(server);
        await fill(client, 600);
        const reader = makeReader(client);
        const entry = await reader.next();
        equal(entry instanceof Tornadis.StreamEntry, true);
        equal([entry.id, entry.stream, entry.delivery_count], ['1-0', 's', 1]);
        equal(Object.entries(entry.fields), [['f', '1'], ['b', new Uint8Array([255, 0])]]);
        equal(entry.pairs, [['f', '1'], ['b', new Uint8Array([255, 0])]]);
        equal(String(entry), '<Tornadis.StreamEntry 1-0 of "s", 2 fields>');
        equal(reader.get_last_id(), '1-0');
        let n = 1;
        for await (const each of reader) {
            equal(each.id, `${++n}-0`);
            equal(reader.get_last_id(), each.id);
            if (n === 600)
                break;
        }
        const waiting = reader.next();
        await client.call('XADD', 's', '601-0', 'f', 'new');
        equal((await waiting).fields.f, 'new');
        equal(String(reader), '<Tornadis.StreamReader of "s">');
        await reader.close();
        equal(String(reader), '<Tornadis.StreamReader of "s", closed>');
        for await (const each of reader)
            throw new Error(`${each} came`);
        equal((await rejects(Tornadis.ConnectionError, reader.next())).code, Tornadis.Error.CLOSED);
    },

    async entryAsInC(server) {
        const client = makeClient(server);
        await fill(client, 2);
        const reader = Tornadis.StreamReader.new(client, 's', '0');
        const boxed = await new Promise(resolve => {
            reader.connect('entry', (_reader, entry) => resolve(entry));
            reader.start();
        });
        const batched = await makeReader(client).next();
        for (const entry of [boxed, batched]) {
            equal([entry.get_id(), entry.get_stream(), entry.get_delivery_count(), entry.get_n_fields()], ['1-0', 's', 1, 2]);
            equal([entry.id, entry.stream, entry.delivery_count], ['1-0', 's', 1]);
            equal(Object.entries(entry.fields), [['f', '1'], ['b', new Uint8Array([255, 0])]]);
            equal([entry.get_field_name(1).toArray(), entry.get_field_value(1).toArray()],
                [new Uint8Array([98]), new Uint8Array([255, 0])]);
            equal([entry.lookup('f').toArray(), entry.lookup('g')], [new Uint8Array([49]), null]);
            equal([entry.lookup_text('f'), entry.lookup_text('g'), entry.lookup_text('b')], ['1', null, null]);
            equal(entry.get_reply().unpack(), ['1-0', ['f', '1', 'b', new Uint8Array([255, 0])]]);
            equal(String(entry), '<Tornadis.StreamEntry 1-0 of "s", 2 fields>');
        }
    },

    async waiting(server) {
        const client = makeClient(server);
        const reader = makeReader(client);
        const error = await rejects(Tornadis.ConnectionError, reader.next({timeout: 0.01}));
        equal([error.code, error.message], [Tornadis.Error.TIMEOUT, 'No entry of the stream came within 0.01 s']);
        const cancellable = new Gio.Cancellable();
        const waiting = reader.next({cancellable});
        cancellable.cancel();
        await rejects(Gio.IOErrorEnum, waiting, Gio.IOErrorEnum.CANCELLED);
        await rejects(Gio.IOErrorEnum, reader.next({cancellable}), Gio.IOErrorEnum.CANCELLED);
        // Nothing is lost by that.
        await client.call('XADD', 's', '1-0', 'f', 'x');
        equal((await reader.next({timeout: 60})).id, '1-0');
        await reader.close({timeout: 60});
    },

    async batches(server) {
        const client = makeClient(server);
        await fill(client, 600);
        const reader = makeReader(client);
        const ids = [];
        let n = 0;
        for await (const batch of reader.batches()) {
            n++;
            ids.push(...batch.map(entry => entry.id));
            equal(reader.get_last_id(), ids.at(-1));
            if (ids.length === 600)
                break;
        }
        equal(ids, Array.from({length: 600}, (_, i) => `${i + 1}-0`));
        equal(n < 20, true);
        await reader.close();
        for await (const batch of reader.batches())
            throw new Error(`${batch} came`);
    },

    async failed(server) {
        const client = makeClient(server);
        await client.call('SET', 's', 'no stream');
        const reader = makeReader(client);
        equal((await rejects(Tornadis.ReplyError, reader.next())).prefix, 'WRONGTYPE');
        await client.call('DEL', 's');
        await fill(client, 1);
        equal((await reader.next()).id, '1-0');
    },

    async consumer(server) {
        const client = makeClient(server);
        await fill(client, 600);
        for (const caller of [client, new Tornadis.ClientPool({template: client})]) {
            await client.call('XGROUP', 'DESTROY', 's', 'g');
            await client.call('CONFIG', 'RESETSTAT');
            const consumer = makeConsumer(caller, {max_pending: 300});
            equal(String(consumer), '<Tornadis.StreamConsumer "c" of "g" of "s">');
            let n = 0;
            let done = null;
            for await (const entry of consumer) {
                equal(entry.id, `${++n}-0`);
                done = consumer.ack(entry);
                if (n === 600)
                    break;
            }
            equal(await done, undefined);
            equal([consumer.get_n_pending(), await getNPending(client)], [0, 0]);
            const stats = await client.call('INFO', 'commandstats');
            equal(Number(/cmdstat_xack:calls=(\d+)/.exec(stats)[1]) < 20, true);
            await consumer.close();
        }
    },

    async release(server) {
        const client = makeClient(server);
        await fill(client, 3);
        const consumer = makeConsumer(client, {claim_idle_msec: 10, max_deliveries: 2, dead_letter_stream: 'dead'});
        const buried = new Promise(resolve => consumer.connect('entry-buried', (_consumer, entry) => resolve(entry.id)));
        const told = [];
        for await (const entry of consumer) {
            told.push(`${entry.id} ${entry.delivery_count}`);
            if (entry.id === '2-0')
                consumer.release(entry);
            else
                await consumer.ack(entry);
            if (told.length === 4)
                break;
        }
        equal(told.sort(), ['1-0 1', '2-0 1', '2-0 2', '3-0 1']);
        const cancellable = new Gio.Cancellable();
        const waiting = consumer.next({cancellable});
        equal(await buried, '2-0');
        cancellable.cancel();
        await waiting.catch(() => {});
        await consumer.close();
        equal(await getNPending(client), 0);
    },

    async close(server) {
        const client = makeClient(server);
        await fill(client, 10);
        const consumer = makeConsumer(client);
        const entry = await consumer.next();
        let closed = false;
        const closing = consumer.close().then(() => (closed = true));
        await client.call('PING');
        equal(closed, false);
        const error = await rejects(Tornadis.ConnectionError, consumer.close({timeout: 0}));
        equal([error.code, error.message], [Tornadis.Error.TIMEOUT, 'Closing the reader took longer than 0 s']);
        consumer.ack(entry);
        await closing;
        equal(await getNPending(client), 9);
        const again = makeConsumer(client);
        for (let i = 2; i <= 10; i++) {
            const each = await again.next();
            equal([each.id, each.delivery_count], [`${i}-0`, 2]);
        }
    },

    async asInC(server) {
        const client = makeClient(server);
        await fill(client, 3);
        const reader = makeReader(client, {max_pending: 5});
        equal([reader.get_caller(), reader.get_stream(), reader.get_start_id(), reader.get_max_pending(), reader.is_closed()],
            [client, 's', '0', 5, false]);
        equal([reader.caller, reader.stream, reader.start_id, reader.startId, reader.max_pending, reader.maxPending],
            [client, 's', '0', '0', 5, 5]);
        reader.set_max_pending(6);
        equal([reader.max_pending, reader.last_id, reader.lastId], [6, null, null]);
        equal(reader.take_entry(), null);
        equal((await finish(reader, 'next', null)).get_id(), '1-0');
        equal(reader.take_entry().get_id(), '2-0');
        equal(reader.last_id, '2-0');
        equal(await finish(reader, 'close', null), true);

        const consumer = Tornadis.StreamConsumer.new(client, 's', 'g', 'c');
        consumer.set_claim_idle_msec(7);
        consumer.set_max_deliveries(8);
        consumer.set_dead_letter_stream('dead');
        equal([consumer.get_group(), consumer.get_consumer_name(), consumer.get_claim_idle_msec(), consumer.get_max_deliveries(),
            consumer.get_dead_letter_stream()], ['g', 'c', 7, 8, 'dead']);
        equal([consumer.group, consumer.consumer_name, consumer.claim_idle_msec, consumer.max_deliveries,
            consumer.dead_letter_stream], ['g', 'c', 7, 8, 'dead']);
        equal([consumer.consumerName, consumer.claimIdleMsec, consumer.maxDeliveries, consumer.deadLetterStream],
            ['c', 7, 8, 'dead']);
        const entry = await finish(consumer, 'next', null);
        equal(await finish(consumer, 'ack_ids', [entry.id], null), true);
        const other = await finish(consumer, 'next', null);
        consumer.release_ids([other.id]);
        await consumer.close();
    },

    async errors(server) {
        const client = makeClient(server);
        await fill(client, 1);
        const consumer = makeConsumer(client);
        const entry = await consumer.next();
        await client.call('ACL', 'SETUSER', 'default', '-xack');
        equal((await rejects(Tornadis.ReplyError, consumer.ack(entry))).prefix, 'NOPERM');
        await client.call('ACL', 'SETUSER', 'default', '+xack');
        await consumer.ack(entry);
        // Once more is nothing.
        await consumer.ack(entry);
        await consumer.close();
    },
};
