// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that has changed its URI and nothing else: the same story with one server and with a cluster.

import Tornadis from 'gi://Tornadis?version=1.0';
import TornadisHarness from 'gi://TornadisHarness?version=0';

import {equal, rejects, throws, until} from './tap.js';

// In slots of all masters.
const NAMES = [...Array(30).keys()].map(number => `name-${number}`);

async function tellOfValues(client) {
    equal(await client.connect_client(), client);
    equal([client.connected, client.state], [true, Tornadis.ClientState.CONNECTED]);
    for (const name of NAMES)
        equal(await client.call('SET', name, name), 'OK');
    for (const name of NAMES)
        equal(await client.call('GET', name), name);
    await client.call('SET', 'bytes', new Uint8Array([0, 255]));
    equal(await client.call('GET', 'bytes'), new Uint8Array([0, 255]));
    equal(await client.call('HSET', 'hash', 'a', 1, 'b', 2), 2);
    equal(await client.call('HGETALL', 'hash'), new Map([['a', '1'], ['b', '2']]));
    equal(await client.call('EVAL', 'return {KEYS[1], ARGV[1]}', 1, 'key', 'value'), ['key', 'value']);
    equal((await rejects(Tornadis.ReplyError, client.call('INCR', 'hash'))).prefix, 'WRONGTYPE');
}

async function tellOfManyKeys(client) {
    await client.call('FLUSHALL');
    equal(await client.call('MSET', ...NAMES.flatMap(name => [name, name.slice(5)])), 'OK');
    equal(await client.call('MGET', 'none', ...NAMES, 'none', NAMES[0]),
        [null, ...NAMES.map(name => name.slice(5)), null, '0']);
    equal(await client.call('EXISTS', ...NAMES, 'none', NAMES[0]), 31);
    equal(await client.call('DBSIZE'), 30);
    equal((await client.call('KEYS', '*')).sort(), [...NAMES].sort());
    let cursor = '0';
    const scanned = new Set();
    do {
        const [next, keys] = await client.call('SCAN', cursor, 'COUNT', 3);
        keys.forEach(key => scanned.add(key));
        cursor = next;
    } while (cursor !== '0');
    equal([...scanned].sort(), [...NAMES].sort());
    equal(await client.call('DEL', ...NAMES, 'none'), 30);
    equal(await client.call('DBSIZE'), 0);
}

async function tellOfPipelines(client) {
    const pipeline = new Tornadis.Pipeline();
    for (const name of NAMES) {
        pipeline.stack_call('SET', name, name);
        pipeline.stack_call('INCR', name);
        pipeline.stack_call('GET', name);
    }
    const replies = await client.call(pipeline);
    equal(replies.length, 90);
    for (const [index, name] of NAMES.entries()) {
        const [set, incr, get] = replies.slice(3 * index, 3 * index + 3);
        equal([set, incr instanceof Tornadis.ReplyError, incr.prefix, get], ['OK', true, 'ERR', name]);
    }
    // What is for several nodes keeps its place among the others.
    const mixed = new Tornadis.Pipeline();
    for (const value of ['new', 'newer']) {
        mixed.stack_call('SET', NAMES[0], value);
        mixed.stack_call('MGET', NAMES[0], NAMES[1]);
    }
    mixed.stack_call('DEL', ...NAMES);
    mixed.stack_call('MSET', ...NAMES.flatMap(name => [name, name]));
    mixed.stack_call('GET', NAMES[2]);
    equal(await client.call(mixed), ['OK', ['new', 'name-1'], 'OK', ['newer', 'name-1'], 30, 'OK', 'name-2']);
}

async function tellOfTransactions(client) {
    const pipeline = new Tornadis.Pipeline({atomic: true});
    pipeline.stack_call('SET', '{order:1}:state', 'paid');
    pipeline.stack_call('RPUSH', '{order:1}:log', 'a', 'b');
    pipeline.stack_call('LRANGE', '{order:1}:log', 0, -1);
    equal(await client.call(pipeline), ['OK', 2, ['a', 'b']]);
}

// By hand, on a client of one's own; a change between the two makes it void.
async function tellOfWatches(pool, client) {
    await pool.withClient(async own => {
        for (const changes of [true, false]) {
            await own.call('WATCH', '{order:1}:state');
            equal(own.is_in_transaction(), true);
            const state = await own.call('GET', '{order:1}:state');
            if (changes)
                await client.call('SET', '{order:1}:state', 'sent');
            equal(await own.call('MULTI'), 'OK');
            equal(await own.call('SET', '{order:1}:before', state), 'QUEUED');
            equal(await own.call('EXEC'), changes ? null : ['OK']);
            equal(own.is_in_transaction(), false);
        }
    });
    equal(await client.call('GET', '{order:1}:before'), 'sent');
}

async function tellOfPools(pool) {
    const counts = NAMES.map(name => pool.call('INCR', `count-${name}`));
    equal(await Promise.all(counts), NAMES.map(() => 1));
    const blocked = pool.call('BLPOP', 'queue', 0);
    await pool.call('RPUSH', 'queue', 'job');
    equal(await blocked, ['queue', 'job']);
}

async function tellOfMessages(uri, client) {
    const pubSub = Tornadis.PubSubClient.new_for_uri(uri);
    const seen = [];
    pubSub.connect('message', (_, message) => seen.push(`${message.channel} ${message.text} ${message.pattern}`));
    equal(await pubSub.subscribe('news', 'other'), pubSub);
    equal(await pubSub.psubscribe('p*'), pubSub);
    await client.call('PUBLISH', 'news', 'plain');
    await client.call('PUBLISH', 'pp', 'by pattern');
    await until(() => seen.length === 2);
    equal(seen.sort(), ['news plain null', 'pp by pattern p*']);
    equal(await pubSub.unsubscribe('news'), pubSub);

    // Shard channels of as many nodes as there are.
    seen.length = 0;
    equal(await pubSub.ssubscribe(...NAMES), pubSub);
    for (const name of NAMES)
        await client.call('SPUBLISH', name, 'shard');
    await until(() => seen.length === NAMES.length);
    equal(seen.sort(), NAMES.map(name => `${name} shard null`).sort());
    equal(await pubSub.sunsubscribe(...NAMES), pubSub);
    pubSub.close();
}

async function tell(uri) {
    const client = Tornadis.Client.new_for_uri(uri);
    const pool = new Tornadis.ClientPool({template: client, max_size: 4});
    await tellOfValues(client);
    await tellOfManyKeys(client);
    await tellOfPipelines(client);
    await tellOfTransactions(client);
    await tellOfWatches(pool, client);
    await tellOfPools(pool);
    await tellOfMessages(uri, client);
    pool.destroy();
    client.close();
    equal(client.connected, false);
    equal(await client.call('GET', NAMES[0]), NAMES[0]);
    client.close();
}

export default {
    async oneServer(server) {
        await tell(`redis://127.0.0.1:${server.get_port()}`);
    },

    async cluster() {
        const cluster = TornadisHarness.Cluster.new(3, 0, null);
        await tell(`redis-cluster://${cluster.get_hosts(false)}`);
    },

    // One channel goes to another node: none of its messages comes twice, and a gap is told of.
    async shardChannelsMove() {
        const cluster = TornadisHarness.Cluster.new(3, 0, null);
        const uri = `redis-cluster://${cluster.get_hosts(false)}`;
        const client = Tornadis.Client.new_for_uri(uri);
        const pubSub = Tornadis.PubSubClient.new_for_uri(uri);
        const seen = [];
        let gaps = 0;
        let number = 0;
        pubSub.connect('message', (_, message) => seen.push(`${message.channel} ${message.text}`));
        pubSub.connect('gap', () => gaps++);
        await pubSub.ssubscribe(...NAMES);
        const slot = cluster.find_slot(NAMES[0]);
        cluster.migrate_slot(slot, (cluster.find_master(slot) + 1) % 3);
        while (gaps === 0 || !seen.includes(`${NAMES[0]} ${number}`)) {
            number++;
            for (const name of NAMES)
                await client.call('SPUBLISH', name, number);
            await until(() => true);
        }
        await until(() => seen.includes(`${NAMES[1]} ${number}`));
        equal(seen.length, new Set(seen).size);
        client.close();
        pubSub.close();
    },

    async refused() {
        const cluster = TornadisHarness.Cluster.new(3, 0, null);
        const client = Tornadis.Client.new_for_uri(`redis-cluster://${cluster.get_hosts(false)}`);
        const overTwoSlots = new Tornadis.Pipeline({atomic: true});
        overTwoSlots.stack_call('SET', NAMES[0], '');
        overTwoSlots.stack_call('SET', NAMES[1], '');
        const {USAGE, CONNECT} = Tornadis.Error;
        await rejects(Tornadis.ClientError, client.call(overTwoSlots), USAGE);
        for (const args of [['RENAME', NAMES[0], NAMES[1]], ['SELECT', 0], ['MSETNX', ...NAMES.slice(0, 4)]])
            await rejects(Tornadis.ClientError, client.call(...args), USAGE);
        equal(await client.call('DBSIZE'), 0);
        for (const bad of ['redis-cluster://h/name', 'redis-cluster://h,', 'redis-cluster://h?read-from=others'])
            throws(Tornadis.ClientError, () => Tornadis.Client.new_for_uri(bad), USAGE);
        const nowhere = Tornadis.Client.new_for_uri('redis-cluster://127.0.0.1:1');
        await rejects(Tornadis.ConnectionError, nowhere.call('PING'), CONNECT);
        equal(nowhere.title, 'cluster of 127.0.0.1:1');
    },

    // Without the plugin it is a client of one server, to which no call goes that was made before.
    async removed(server) {
        const peer = TornadisHarness.Peer.new('wait\n');
        const client = Tornadis.Client.new_for_uri(`redis-cluster://127.0.0.1:${peer.get_port()}`);
        client.host = '127.0.0.1';
        client.port = server.get_port();
        const calls = [client.call('SET', 'key', 'value'), client.call('PING')]
            .map(call => rejects(Tornadis.ConnectionError, call, Tornadis.Error.CLOSED));
        await until(() => peer.get_n_connections() === 1);
        equal(client.remove_plugin(client.get_plugins().get_item(0)), true);
        for (const call of calls)
            equal((await call).message.includes('the plugin was removed'), true);
        equal(client.title, `127.0.0.1:${server.get_port()}`);
        equal(await client.call('EXISTS', 'key'), 0);
    },
};
