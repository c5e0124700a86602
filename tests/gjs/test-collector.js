// SPDX-License-Identifier: LGPL-2.1-or-later
// GJS before 1.82 calls no JavaScript from C while its garbage collector is in the middle of a sweep. Nothing is lost
// nevertheless: here all that comes finds it there. That it says nothing, either, is looked at by G_DEBUG=fatal-warnings.

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';
import TornadisHarness from 'gi://TornadisHarness?version=0';

import {atEnd, countBlocked, equal, rejects, until} from './tap.js';

const options = server => ({unix_domain_socket: server.get_socket_path()});
const makeClient = server => new Tornadis.Client(options(server));
const makePool = server => new Tornadis.ClientPool({template: makeClient(server)});
const command = (...args) => Tornadis.Command.new_strv(args.map(String));
const range = n => [...Array(n).keys()];

/** What C calls next finds the collector in the middle of a sweep. */
function pause() {
    if (!TornadisHarness.collector_pause())
        throw new Error('no sweep was interrupted');
}

function collect() {
    System.gc();
    return GLib.SOURCE_REMOVE;
}

/** Has all garbage collected before anything else comes. The function is not one of the case: such a one would keep what
  * the case has. */
function collectSoon() {
    GLib.idle_add(GLib.PRIORITY_HIGH, collect);
}

/** Keeps a client that the case waits for by its signals alone: its handlers, and with them the case, are garbage once
  * nobody else has it. */
function keep(client) {
    atEnd(() => client.close());
}

/** Functions that each count how often they are called, and leave the collector in the middle of a sweep; a promise of the
  * end of so many calls. No timer waits for it: GJS may drop one that is due in the same iteration. */
function counters(n, nCalls = Infinity) {
    const counts = Array(n).fill(0);
    let resolve;
    const called = new Promise(it => (resolve = it));
    const functions = range(n).map(i => () => {
        counts[i]++;
        if (--nCalls === 0)
            resolve();
        pause();
    });
    return {counts, functions, called};
}

/** A promise that came while the collector was in the middle of a sweep. */
async function paused(promise) {
    pause();
    const value = await promise;
    return value;
}

/** A promise of an _async/_finish pair whose callback leaves the collector in the middle of a sweep. */
function finishPaused(object, name, ...args) {
    return new Promise((resolve, reject) => object[`${name}_async`](...args, null, (source, result) => {
        try {
            resolve(source[`${name}_finish`](result));
        } catch (error) {
            reject(error);
        }
        pause();
    }));
}

function pipelineOf(...args) {
    const pipeline = new Tornadis.Pipeline();
    pipeline.stack_call(...args);
    return pipeline;
}

/** Counts its hooks. */
const Counting = GObject.registerClass({GTypeName: 'TornadisTestJsSweeping'}, class extends Tornadis.Plugin {
    counts = {};

    count(name) {
        this.counts[name] = (this.counts[name] ?? 0) + 1;
        pause();
    }

    vfunc_attach(client) {
        this.count('attach');
        return client !== null;
    }

    vfunc_detach() {
        this.count('detach');
    }

    vfunc_setup(commands) {
        commands.stack_call('PING');
        this.count('setup');
    }

    vfunc_setup_done(_client, replies) {
        this.count('setup_done');
        return replies.get_n_elements() === 1;
    }

    vfunc_call(call) {
        if (call.get_name() !== 'ECHO')
            return false;
        this.count('call');
        return false;
    }

    vfunc_call_done(call) {
        if (call.get_name() === 'ECHO')
            this.count('call_done');
    }

    vfunc_push() {
        this.count('push');
        return true;
    }

    vfunc_observe(_client, sent) {
        if (sent?.get_name() === 'ECHO')
            this.count('observe');
    }

    vfunc_client_acquired() {
        this.count('client_acquired');
    }
});

export default {
    async timers() {
        const {counts, functions: [count], called} = counters(1, 20);
        const start = () => GLib.timeout_add(GLib.PRIORITY_DEFAULT, counts[0] % 2, () => {
            count();
            if (counts[0] < 20)
                start();
            return GLib.SOURCE_REMOVE;
        });
        start();
        await called;
        equal(counts, [20]);
    },

    async promises(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        const pool = makePool(server);
        await paused(client.connect_client());
        await paused(pubSub.connect_client());
        equal(await paused(pool.preconnect(2)), pool);
        for (const i of range(20)) {
            equal(await paused(client.call('ECHO', i)), String(i));
            equal(await paused(client.call(command('ECHO', i))), String(i));
            equal(await paused(client.call(pipelineOf('ECHO', i))), [String(i)]);
            equal(await paused(new Promise(resolve => client.async_call('ECHO', i, resolve))), String(i));
            equal(await paused(pubSub.subscribe(`c${i}`)), pubSub);
            equal(await paused(pubSub.psubscribe(`p${i}*`)), pubSub);
            equal(await paused(pubSub.ssubscribe(`s${i}`)), pubSub);
            const message = pubSub.pop_message();
            server.command(`PUBLISH c${i} text`);
            equal((await paused(message)).text, 'text');
            equal(await paused(pubSub.pop_message(0.001)), null);
            equal(await paused(pubSub.unsubscribe(`c${i}`)), pubSub);
            equal(await paused(pool.call('ECHO', i)), String(i));
            equal(await paused(pool.call(pipelineOf('ECHO', i))), [String(i)]);
            const taken = await paused(pool.get_connected_client());
            equal(await paused(taken.call('ECHO', i)), String(i));
            pool.release_client(taken);
        }
    },

    // Many in one iteration: each leaves the collector in the middle of a sweep for the next.
    async together(server) {
        const client = makeClient(server);
        const pool = makePool(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        await pubSub.subscribe('news');
        const N = 20;
        const submitted = (name, what) => new Promise(resolve => client[name](what, () => {
            resolve();
            pause();
        }));
        const ways = {
            call: i => client.call('ECHO', i),
            async_call: i => new Promise(resolve => client.async_call('ECHO', i, () => {
                resolve();
                pause();
            })),
            submit: i => submitted('submit', command('ECHO', i)),
            submit_pipeline: i => submitted('submit_pipeline', pipelineOf('ECHO', i)),
            call_async: i => finishPaused(client, 'call', command('ECHO', i)),
            call_pipeline_async: i => finishPaused(client, 'call_pipeline', pipelineOf('ECHO', i)),
            pool_call: i => pool.call('ECHO', i),
            pool_call_async: i => finishPaused(pool, 'call', command('ECHO', i)),
            get_connected_client: async () => pool.release_client(await finishPaused(pool, 'get_connected_client')),
            preconnect: () => finishPaused(pool, 'preconnect', 1),
            subscribe: i => pubSub.subscribe(`c${i}`),
            subscribe_async: i => finishPaused(pubSub, 'subscribe', [`d${i}`]),
            pop_message: () => finishPaused(pubSub, 'pop_message', -1),
        };
        for (const [name, way] of Object.entries(ways)) {
            const settled = Array(N).fill(0);
            const all = range(N).map(i => way(i).then(() => {
                settled[i]++;
                pause();
            }));
            if (name === 'pop_message')
                range(N).forEach(() => server.command('PUBLISH news text'));
            await paused(Promise.all(all));
            equal(settled, Array(N).fill(1));
        }
    },

    async hooks(server) {
        const plugins = [new Counting(), new Counting()];
        const template = makeClient(server);
        pause();
        plugins.forEach(plugin => template.add_plugin(plugin));
        equal(plugins.map(({counts}) => counts.attach), [1, 1]);
        await paused(template.connect_client());
        for (const name of ['setup', 'setup_done'])
            equal(plugins.map(({counts}) => counts[name]), [1, 1]);
        for (const i of range(20))
            equal(await paused(template.call('ECHO', i)), String(i));
        equal(await paused(Promise.all(range(20).map(i => template.call('ECHO', i)))), range(20).map(String));
        for (const name of ['call', 'call_done', 'observe'])
            equal(plugins.map(({counts}) => counts[name]), [40, 40]);
        pause();
        plugins.forEach(plugin => template.remove_plugin(plugin));
        equal(plugins.map(({counts}) => counts.detach), [1, 1]);
    },

    async acquired(server) {
        const plugins = [new Counting(), new Counting()];
        const template = makeClient(server);
        plugins.forEach(plugin => template.add_plugin(plugin));
        const pool = new Tornadis.ClientPool({template});
        for (const i of range(20))
            equal(await paused(pool.call('ECHO', i)), String(i));
        equal(plugins.map(({counts}) => counts.client_acquired), [20, 20]);
        pool.destroy();
    },

    async pushes() {
        const peer = TornadisHarness.Peer.new(['handshake3', 'expect PING', 'send "+PONG\\r\\n"', 'expect GET',
            'send ">2\\r\\n+one\\r\\n+two\\r\\n>2\\r\\n+one\\r\\n+two\\r\\n$1\\r\\nx\\r\\n"', 'drain'].join('\n'));
        const client = new Tornadis.Client({host: '127.0.0.1', port: peer.get_port()});
        const plugin = new Counting();
        client.add_plugin(plugin);
        equal(await paused(client.call('GET', 'k')), 'x');
        equal([plugin.counts.push, peer.get_failure()], [2, null]);
        client.close();
    },

    async signals(server) {
        const client = makeClient(server);
        await client.connect_client();
        const {counts, functions, called} = counters(6, 6);
        client.connect('disconnected', functions[0]);
        client.connect_after('disconnected', functions[1]);
        client.connect('disconnected', functions[2]);
        GObject.signal_connect(client, 'disconnected', functions[3]);
        GObject.signal_connect_after(client, 'disconnected', functions[4]);
        client.connect('notify::connected', functions[5]);
        keep(client);
        pause();
        server.command('CLIENT KILL TYPE normal SKIPME yes');
        collectSoon();
        await called;
        equal(await paused(client.call('PING')), 'PONG');
        equal(counts, [1, 1, 1, 1, 1, 2]);
    },

    async pubSubSignals(server) {
        const pubSub = new Tornadis.PubSubClient(options(server));
        const {counts, functions} = counters(6);
        for (const [i, name] of ['subscription-added', 'subscription-removed', 'notify::subscribed'].entries()) {
            pubSub.connect(name, functions[2 * i]);
            pubSub.connect(name, functions[2 * i + 1]);
        }
        await paused(pubSub.subscribe('a', 'b'));
        await paused(pubSub.unsubscribe());
        equal(counts, [2, 2, 2, 2, 2, 2]);

        const {counts: gaps, functions: [first, second], called} = counters(2, 2);
        pubSub.connect('gap', first);
        pubSub.connect('gap', second);
        await pubSub.subscribe('a');
        keep(pubSub);
        pause();
        server.command('CLIENT KILL TYPE pubsub');
        collectSoon();
        await called;
        await paused(pubSub.subscribe('b'));
        equal(gaps, [1, 1]);
    },

    // Nobody has the client but what is waited for, and all garbage is collected meanwhile.
    async kept(server) {
        const collectUntil = condition => until(() => {
            System.gc();
            return condition();
        });
        const listSubscribers = () => server.command('CLIENT LIST TYPE pubsub').match(/\bid=\d+/g) ?? [];
        const waits = [
            async () => await makeClient(server).call('BLPOP', 'list', 0),
            async () => await makePool(server).call('BLPOP', 'list', 0),
            async () => {
                const client = await makePool(server).get_connected_client();
                return await client.call('BLPOP', 'list', 0);
            },
            async () => {
                const pubSub = new Tornadis.PubSubClient(options(server));
                await pubSub.subscribe('popped');
                return (await pubSub.pop_message()).text;
            },
            async () => {
                const pubSub = new Tornadis.PubSubClient(options(server));
                await pubSub.subscribe('iterated');
                for await (const {text} of pubSub.messages())
                    return text;
                return null;
            },
        ].map(wait => wait());
        await collectUntil(() => countBlocked(server) === 3 && listSubscribers().length === 2);
        const before = listSubscribers();
        server.command('CLIENT KILL TYPE pubsub');
        await collectUntil(() => {
            const now = listSubscribers();
            return now.length === 2 && !now.some(id => before.includes(id));
        });
        server.command('RPUSH list x x x');
        server.command('PUBLISH popped one');
        server.command('PUBLISH iterated one');
        equal(await Promise.all(waits), [['list', 'x'], ['list', 'x'], ['list', 'x'], 'one', 'one']);
    },

    async poolSignals(server) {
        const pool = makePool(server);
        const {counts, functions: [first, second]} = counters(2);
        pool.connect('notify::size', first);
        pool.connect('notify::size', second);
        equal(await paused(pool.call('PING')), 'PONG');
        equal(counts, [1, 1]);
    },

    async retrying() {
        const client = new Tornadis.Client({host: '127.0.0.1', port: 1});
        const retry = client.add_plugin_by_name('retry');
        const {counts, functions: [first, second]} = counters(2);
        Object.assign(retry, {max_attempts: 5, max_delay_msec: 1});
        retry.connect('retrying', first);
        retry.connect('retrying', second);
        await paused(rejects(Tornadis.ConnectionError, client.call('GET', 'k'), Tornadis.Error.CONNECT));
        equal(counts, [4, 4]);
    },

    async handlers(server) {
        const client = makeClient(server);
        const {counts, functions} = counters(7);
        const ids = functions.map(f => client.connect('notify::host', f));
        const change = () => {
            client.host += 'x';
        };
        change();
        equal(counts, [1, 1, 1, 1, 1, 1, 1]);
        client.disconnect(ids[0]);
        GObject.signal_handler_disconnect(client, ids[1]);
        equal(GObject.signal_handlers_disconnect_by_func(client, functions[2]), 1);
        client.block_signal_handler(ids[3]);
        equal(GObject.signal_handler_find(client, {signalId: 'notify', detail: 'host', func: functions[4]}), ids[4]);
        change();
        equal(counts, [1, 1, 1, 1, 2, 2, 2]);
        client.unblock_signal_handler(ids[3]);
        change();
        equal(counts, [1, 1, 1, 2, 3, 3, 3]);
        ids.slice(3).forEach(id => client.disconnect(id));
        const pending = GObject.signal_has_handler_pending(client, GObject.signal_lookup('notify', Tornadis.Client.$gtype),
            GLib.quark_from_string('host'), true);
        equal(pending, false);
        let error = null;
        try {
            client.connect('nothing', () => {});
        } catch (e) {
            error = e;
        }
        equal(error instanceof Error, true);
    },
};
