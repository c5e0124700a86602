// SPDX-License-Identifier: LGPL-2.1-or-later
// Calls of one turn of the main loop go over together, and so do their outcomes: in order, each to its own.

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';
import TornadisBridge from 'gi://TornadisBridge?version=1.0';
import TornadisHarness from 'gi://TornadisHarness?version=0';

import {atEnd, countBlocked, equal, finish, logging, rejects, sleep, throws, until} from './tap.js';

const options = server => ({unix_domain_socket: server.get_socket_path()});
const makeClient = server => new Tornadis.Client(options(server));
const push = i => Tornadis.Command.new_strv(['RPUSH', 'list', String(i)]);
const range = n => [...Array(n).keys()];

function pipelineOf(...args) {
    const pipeline = new Tornadis.Pipeline();
    pipeline.stack_call(...args);
    return pipeline;
}

/** Every way to make a call. */
const WAYS = [
    (client, i) => client.call('RPUSH', 'list', i),
    (client, i) => client.call('RPUSH', 'list', new TextEncoder().encode(String(i))),
    (client, i) => client.async_call('RPUSH', 'list', i),
    (client, i) => client.call(push(i)),
    (client, i) => client.submit(push(i), null),
    (client, i) => finish(client, 'call', push(i), null),
    (client, i) => client.call('EVAL', 'return redis.call("RPUSH", "list", ARGV[1])', 0, i, 'x'.repeat(20000)),
    (client, i) => client.call(pipelineOf('RPUSH', 'list', i)),
    (client, i) => client.async_call(pipelineOf('RPUSH', 'list', i)),
    (client, i) => client.submit_pipeline(pipelineOf('RPUSH', 'list', i), null),
    (client, i) => finish(client, 'call_pipeline', pipelineOf('RPUSH', 'list', i), null),
];

/** Runs a main loop within another until something holds; whether it does in time. */
function iterateUntil(condition) {
    const loop = new GLib.MainLoop(null, false);
    const check = GLib.timeout_add(GLib.PRIORITY_DEFAULT, 5, () => {
        if (condition())
            loop.quit();
        return GLib.SOURCE_CONTINUE;
    });
    const end = GLib.timeout_add(GLib.PRIORITY_DEFAULT, 20000, () => {
        loop.quit();
        return GLib.SOURCE_CONTINUE;
    });
    loop.run();
    GLib.source_remove(check);
    GLib.source_remove(end);
    return condition();
}

const Asking = GObject.registerClass({GTypeName: 'TornadisTestJsAsking'}, class extends Tornadis.Plugin {
    ask = () => {};

    vfunc_call(call) {
        if (call.get_name() === 'GET')
            this.ask(call.get_client());
        return false;
    }
});

/** Answers a call itself, and runs a main loop before it is heard. */
const Answering = GObject.registerClass({GTypeName: 'TornadisTestJsAnsweringMeanwhile'}, class extends Tornadis.Plugin {
    meanwhile = null;

    vfunc_call(call) {
        if (call.get_name() === 'GET')
            call.return_reply(Tornadis.Reply.new_from_resp(new TextEncoder().encode('+mine\r\n')));
        else if (call.get_name() === 'SET')
            call.return_error(new GLib.Error(Tornadis.Error, Tornadis.Error.USAGE, 'mine'));
        else
            return false;
        this.nested = null;
        this.meanwhile(call.get_client(), value => (this.nested = value));
        return iterateUntil(() => this.nested !== null);
    }
});

const Naming = GObject.registerClass({GTypeName: 'TornadisTestJsNaming'}, class extends Tornadis.Plugin {
    names = [];

    vfunc_call(call) {
        this.names.push(call.get_name());
        return false;
    }
});

export default {
    async inOrder(server) {
        const client = makeClient(server);
        const wanted = [];
        for (const first of WAYS) {
            for (const second of WAYS) {
                first(client, wanted.length);
                second(client, wanted.length + 1);
                wanted.push(String(wanted.length), String(wanted.length + 1));
            }
            if (wanted.length % 3 === 0)
                await sleep(0);
        }
        equal(await client.call('LRANGE', 'list', 0, -1), wanted);
    },

    async outcomesInOrder(server) {
        const client = makeClient(server);
        const order = [];
        const wanted = range(600);
        for (const i of wanted) {
            const argument = i % 7 === 0 ? new Uint8Array([255, i]) : i % 50 === 0 ? 'x'.repeat(70000) : i;
            client.async_call('ECHO', argument, () => order.push(i));
        }
        await until(() => order.length === wanted.length);
        equal(order, wanted);
    },

    async many(server) {
        const client = makeClient(server);
        const calls = range(5000).map(i => client.call('ECHO', i));
        equal(await Promise.all(calls), range(5000).map(String));
    },

    async manyOfAllKinds(server) {
        const client = makeClient(server);
        await client.call('SET', 'text', 'x');
        const kinds = [
            [i => client.call('ECHO', `text ${i}`), i => `text ${i}`],
            [i => client.call('ECHO', new Uint8Array([254, i])), i => new Uint8Array([254, i])],
            [i => client.call('LPUSH', 'text', i).catch(error => error.prefix), () => 'WRONGTYPE'],
            [i => client.call(pipelineOf('ECHO', i)), i => [String(i)]],
            [i => client.call('EVAL', 'return {ARGV[1], {tonumber(ARGV[1])}}', 0, i), i => [String(i), [i]]],
            [i => client.call('ECHO', String(i).repeat(30000)), i => String(i).repeat(30000)],
        ];
        const calls = range(250).map(i => kinds[i % kinds.length][0](i));
        const values = await Promise.all(calls);
        for (const i of range(250))
            equal(values[i], kinds[i % kinds.length][1](i));
    },

    /** One that is called when nothing is under way goes at once, where it was so before; with others it waits for them. */
    async oneByOne(server) {
        const client = makeClient(server);
        for (const i of range(50)) {
            equal(await client.call('ECHO', String(i)), String(i));
            equal(await client.call('ECHO', i), String(i));
            await rejects(Tornadis.ReplyError, client.call('NOTHING'));
            const result = await new Promise(resolve => client.async_call('ECHO', 'x', resolve));
            equal(result, 'x');
            if (i % 3 === 0) {
                const bytes = new Uint8Array([i, 255]);
                equal(await client.call('ECHO', bytes), bytes);
                equal(await Promise.all(range(i).map(k => client.call('ECHO', `${k}`))), range(i).map(String));
                equal(await client.call('ECHO', 'y'.repeat(20000)), 'y'.repeat(20000));
            }
            const ways = WAYS.filter((_, k) => (k + i) % 4 > 0);
            const before = await client.call('LLEN', 'list');
            ways.forEach(way => way(client, i));
            equal(await client.call('LLEN', 'list'), before + ways.length);
        }
    },

    /** What such a call is passed with, and its reply, is a short way that is not for everything. */
    async oneByOneWhatever(server) {
        const client = makeClient(server);
        const texts = ['', 'a', 'a b', 'a\nb', '\x1f', 'a\x1fb', '\x1f\x1f', '\0', 'a\0', '\0a', 'a\x1f\0b', 'é', '😀', '\ufeff',
            '"\\', 'x'.repeat(5000), 'x'.repeat(16383), 'x'.repeat(70000)];
        await client.call('PING');
        for (const text of texts) {
            equal(await client.call('ECHO', text), text);
            equal(await client.call('EVAL', 'return {#ARGV, ARGV[1], ARGV[2], ARGV[3]}', '0', text, 'x', text),
                [3, text, 'x', text]);
            equal(await client.call('SET', text, text), 'OK');
            equal(await client.call('GET', text), text);
            equal(await client.call('STRLEN', text), new TextEncoder().encode(text).length);
        }
        equal(await client.call('ECHO', '\ud800'), '\ufffd');
        equal(await client.call('GET', 'none'), null);
        equal(await client.call('EVAL', 'return "a\\0b"', '0'), 'a\0b');
        equal(await client.call('EVAL', 'return "\\255"', '0'), new Uint8Array([255]));
        equal(await client.call('EVAL', 'return ("x"):rep(70000)', '0'), 'x'.repeat(70000));
        equal(await client.call('EVAL', 'return {ok = "fine"}', '0'), 'fine');
        await rejects(Tornadis.ReplyError, client.call('EVAL', 'return {err = "ERR a"}', '0'));
        await rejects(Tornadis.ReplyError, client.call(''));
    },

    async oneByOneDropped(server) {
        const told = [];
        for (const i of range(10)) {
            await (async () => {
                const client = makeClient(server);
                await client.call('PING');
                client.call('EVAL', 'for i = 1, 1e6 do end return ARGV[1]', '0', `${i}`).then(value => told.push(value));
            })();
            System.gc();
        }
        await until(() => {
            System.gc();
            return told.length === 10;
        });
        equal(told.sort(), range(10).map(String));
    },

    async oneByOneDisposed(server) {
        const client = makeClient(server);
        await client.call('PING');
        await client.call('PING');
        const waiting = client.call('ECHO', 'x');
        client.run_dispose();
        await rejects(Tornadis.ConnectionError, waiting);
        await rejects(Tornadis.ConnectionError, client.call('PING'), Tornadis.Error.CLOSED);
    },

    /** Others that are called meanwhile have their outcomes behind it, also in a main loop within its callback. */
    async oneByOneInOrder(server) {
        const client = makeClient(server);
        for (const nested of [false, true]) {
            const order = [];
            await client.call('PING');
            await client.call('PING');
            client.async_call('ECHO', 'lone', value => {
                order.push(value);
                if (nested)
                    equal(iterateUntil(() => order.length === 4), true);
                order.push('end');
            });
            for (const i of range(3))
                client.async_call('ECHO', i, value => order.push(value));
            await until(() => order.length === 5);
            equal(order, nested ? ['lone', '0', '1', '2', 'end'] : ['lone', 'end', '0', '1', '2']);
        }
    },

    async oneByOneUnderCollection(server) {
        const client = makeClient(server);
        const collecting = setInterval(() => System.gc(), 1);
        atEnd(() => clearInterval(collecting));
        for (const i of range(500))
            equal(await client.call('ECHO', `${i}`), String(i));
    },

    async oneByOneWithAnotherSoon(server) {
        const client = makeClient(server);
        for (const i of range(50)) {
            await client.call('PING');
            const first = client.call('ECHO', 'first');
            const others = [client.call('ECHO', 'second'), client.call('ECHO', 'third')];
            equal(await first.then(async value => [value, await client.call('ECHO', i)]), ['first', String(i)]);
            equal(await Promise.all(others), ['second', 'third']);
        }
    },

    /** However long a plugin runs a main loop meanwhile, no outcome comes before the call that it is of has returned. */
    async oneByOneAnsweredMeanwhile(server) {
        const client = makeClient(server);
        const plugin = new Answering();
        client.add_plugin(plugin);
        const ways = [
            each => each.call('GET', 'k'),
            each => each.call('SET', 'k', 'v').catch(({message}) => message),
            each => new Promise(resolve => each.async_call('GET', 'k', resolve)),
            each => new Promise(resolve => each.async_call('SET', 'k', 'v', ({message}) => resolve(message))),
        ];
        for (plugin.meanwhile of [
            (each, end) => each.async_call('ECHO', 'nested', end),
            (each, end) => {
                each.close();
                end('closed');
            },
        ]) {
            for (const call of ways) {
                await client.call('PING');
                await client.call('PING');
                equal(await call(client), 'mine');
                equal(['nested', 'closed'].includes(plugin.nested), true);
            }
        }
    },

    async callbacksThatThrow(server) {
        const client = makeClient(server);
        const results = [];
        await logging(GLib.LogLevelFlags.LEVEL_WARNING, 4, 'mine', async () => {
            for (const i of range(12)) {
                client.async_call('ECHO', i, result => {
                    results.push(result);
                    if (i % 3 === 1)
                        throw new Error('mine');
                });
            }
            await until(() => results.length === 12);
        });
        equal(results, range(12).map(String));
        equal(await client.call('ECHO', 'x'), 'x');
    },

    async callsFromCallbacks(server) {
        const client = makeClient(server);
        const results = [];
        client.async_call('ECHO', 0, function next(result) {
            results.push(result);
            if (results.length < 50)
                client.async_call('ECHO', results.length, next);
        });
        await until(() => results.length === 50);
        equal(results, range(50).map(String));
    },

    async nestedLoop(server) {
        const client = makeClient(server);
        let inner = null;
        let done = null;
        client.async_call('ECHO', 'outer', () => {
            client.async_call('ECHO', 'inner', result => (inner = result));
            done = iterateUntil(() => inner !== null);
        });
        await until(() => done !== null);
        equal([done, inner], [true, 'inner']);
    },

    async nestedLoopOverOthers(server) {
        const client = makeClient(server);
        const others = [];
        let done = null;
        client.async_call('ECHO', 'first', () => {
            done = iterateUntil(() => others.length === 3);
        });
        for (const i of range(3))
            client.async_call('ECHO', i, result => others.push(result));
        await until(() => done !== null && others.length === 3);
        // Those of the same turn have theirs within the inner loop, once.
        equal([done, others], [true, range(3).map(String)]);
        await client.call('PING');
        equal(others.length, 3);
    },

    async closing(server) {
        const client = makeClient(server);
        await client.call('PING');
        const blocked = client.call('BLPOP', 'nothing', 0);
        await until(() => countBlocked(server) === 1);
        let told = 0;
        const calls = range(1000).map(i => client.call('ECHO', i));
        calls.push(client.call(pipelineOf('PING')), client.call('ECHO', new Uint8Array([0])), blocked);
        client.async_call('PING', result => {
            told++;
            equal(result instanceof Tornadis.ConnectionError, true);
        });
        // What has an outcome by then is told before it returns.
        client.close();
        equal(told, 1);
        for (const outcome of await Promise.allSettled(calls)) {
            equal(outcome.reason instanceof Tornadis.ConnectionError, true);
            equal([Tornadis.Error.CLOSED, Tornadis.Error.LOST].includes(outcome.reason.code), true);
        }
        equal(await client.call('ECHO', 'again'), 'again');
        equal(told, 1);
    },

    async closingFromCallback(server) {
        const client = makeClient(server);
        const outcomes = [];
        client.async_call('ECHO', 0, () => client.close());
        for (const i of range(300))
            client.async_call('BLPOP', 'nothing', 0, result => outcomes.push(result));
        await until(() => outcomes.length === 300);
        equal(outcomes.every(outcome => outcome instanceof Tornadis.ConnectionError), true);
    },

    async dropped(server) {
        const makeDropped = () => new Tornadis.Client({...options(server), client_name: 'dropped'});
        const count = () => server.command('CLIENT LIST').split(' name=dropped ').length - 1;
        const told = [];
        const calls = range(20).map(i => makeDropped().call('EVAL', 'for i = 1, 1e5 do end return ARGV[1]', 0, i));
        (() => {
            const client = makeDropped();
            client.async_call('ECHO', 'text', result => told.push(result));
            client.async_call('ECHO', new Uint8Array([255]), result => told.push(result));
            client.async_call(pipelineOf('ECHO', 'a'), result => told.push(result));
        })();
        await until(() => {
            System.gc();
            return told.length === 3;
        });
        equal(await Promise.all(calls), range(20).map(String));
        equal(told, ['text', new Uint8Array([255]), ['a']]);
        // Clients that nobody has go, and their connections with them.
        calls.length = 0;
        await until(() => {
            System.gc();
            return count() <= 1;
        });
    },

    async repliesUnderCollection(server) {
        const client = makeClient(server);
        const large = 'x'.repeat(100000);
        await client.call('SET', 'large', large);
        const calls = range(50).map(i => client.call(i % 2 ? 'GET' : 'ECHO', i % 2 ? 'large' : i));
        const collecting = setInterval(() => System.gc(), 1);
        atEnd(() => clearInterval(collecting));
        const values = await Promise.all(calls);
        equal(values.every((value, i) => value === (i % 2 ? large : String(i))), true);
    },

    /** However busy the main loop is with others: a timer that is always due, a window that is always drawn. */
    async besideOthers(server) {
        const client = makeClient(server);
        const large = 'x'.repeat(100000);
        await client.call('SET', 'large', large);
        for (const [priority, msec] of [[GLib.PRIORITY_DEFAULT, 3], [GLib.PRIORITY_HIGH_IDLE + 20, 40]]) {
            const neighbour = GLib.timeout_add(priority, 0, () => {
                for (const end = GLib.get_monotonic_time() + msec * 1000; GLib.get_monotonic_time() < end;)
                    ;
                return GLib.SOURCE_CONTINUE;
            });
            let running = true;
            const stop = () => {
                if (running)
                    GLib.source_remove(neighbour);
                running = false;
            };
            atEnd(stop);
            const calls = range(200).map(i => client.call(i % 2 ? 'GET' : 'ECHO', i % 2 ? 'large' : i));
            const values = await Promise.all(calls);
            equal(values.every((value, i) => value === (i % 2 ? large : String(i))), true);
            // One that waits for another.
            for (const i of range(5))
                equal(await client.call('ECHO', i), String(i));
            stop();
        }
    },

    async pluginsThatCall(server) {
        const client = makeClient(server);
        const plugin = new Asking();
        client.add_plugin(plugin);
        await client.call('SET', 'k', 'value');
        for (const ask of [
            each => each.call('ECHO', 'asked'),
            each => each.call(Tornadis.Command.new_strv(['ECHO', 'asked'])),
            each => each.call('ECHO', new TextEncoder().encode('asked')),
            each => each.call(pipelineOf('ECHO', 'asked')).then(replies => replies[0]),
            each => finish(each, 'call', Tornadis.Command.new_strv(['ECHO', 'asked']), null)
                .then(reply => reply.get_text()),
        ]) {
            const asked = [];
            plugin.ask = each => asked.push(ask(each));
            const calls = [['ECHO', 'a'], ['GET', 'k'], ['GET', 'k'], ['ECHO', 'b']].map(args => client.call(...args));
            equal(await Promise.all(calls), ['a', 'value', 'value', 'b']);
            equal(await Promise.all(asked), ['asked', 'asked']);
        }
    },

    async pluginsBetween(server) {
        const client = makeClient(server);
        const plugin = new Naming();
        const before = client.call('ECHO', 'before');
        client.add_plugin(plugin);
        const meanwhile = client.call('PING');
        client.remove_plugin(plugin);
        equal(await Promise.all([before, meanwhile, client.call('ECHO', 'after')]), ['before', 'PONG', 'after']);
        equal(plugin.names, ['PING']);
    },

    async twoClients(server) {
        const clients = [makeClient(server), makeClient(server)];
        const calls = range(400).map(i => clients[i % 2].call('ECHO', i));
        equal(await Promise.all(calls), range(400).map(String));
    },

    async lostOnTheWay() {
        const peer = TornadisHarness.Peer.new('handshake\nexpect GET\nsend "$1\\r\\na\\r\\n"\nexpect GET\nclose\n');
        const client = new Tornadis.Client({host: '127.0.0.1', port: peer.get_port()});
        const outcomes = await Promise.allSettled(range(100).map(() => client.call('GET', 'k')));
        equal(outcomes[0].value, 'a');
        equal(outcomes.slice(1).every(each => each.reason instanceof Tornadis.ConnectionError), true);
    },

    async disposed(server) {
        const closed = promise => rejects(Tornadis.ConnectionError, promise, Tornadis.Error.CLOSED);
        const used = makeClient(server);
        await used.call('PING');
        used.run_dispose();
        await closed(used.call('PING'));
        const made = Tornadis.Command.new_strv(['PING']);
        await Promise.all([used.call('PING'), used.call(made), used.call(pipelineOf('PING'))].map(closed));

        const unused = makeClient(server);
        unused.run_dispose();
        await Promise.all(range(20).map(() => closed(unused.call('PING'))));
    },

    async disposedUnderWay(server) {
        const client = makeClient(server);
        await client.call('PING');
        const sent = client.call('BLPOP', 'none', 0);
        await until(() => countBlocked(server) === 1);
        const told = [];
        client.async_call('PING', error => told.push(error));
        const waiting = client.call('PING');
        client.run_dispose();
        await rejects(Tornadis.ConnectionError, sent, Tornadis.Error.LOST);
        await rejects(Tornadis.ConnectionError, waiting);
        equal(told.map(error => error instanceof Tornadis.ConnectionError), [true]);
    },

    /** Those behind the first few of a turn have promises that were made ahead. */
    async crowd(server) {
        const clients = [makeClient(server), makeClient(server)];
        const promises = range(600).map(i => clients[i % 2].call(...i % 7 ? ['ECHO', i] : [`NO${i}`]));
        equal(promises.every(promise => promise instanceof Promise), true);
        equal(new Set(promises).size, 600);
        const outcomes = await Promise.allSettled(promises);
        outcomes.forEach(({value, reason}, i) => {
            if (i % 7)
                equal(value, String(i));
            else
                equal([reason instanceof Tornadis.ReplyError, reason.message.includes(`NO${i}'`)], [true, true]);
        });
        // An argument that cannot be sent fails by itself, in the place of its call.
        const mixed = await Promise.allSettled(range(20).map(i => clients[0].call('ECHO', i === 15 ? [] : i)));
        equal(mixed.map(({status}) => status).indexOf('rejected'), 15);
        equal(mixed[15].reason instanceof TypeError, true);
        equal(mixed[19].value, '19');
    },

    async bridge(server) {
        const client = makeClient(server);
        const told = [];
        const bridge = TornadisBridge.Carrier.new_text(client, (_, outcomes) => told.push(outcomes) > 0);
        equal(bridge.expect(), true);
        await until(() => told.length === 1);
        equal(told.pop(), '');
        equal(bridge.submit_text('[["ECHO","a"],["INCR"]]'), true);
        bridge.submit_command(Tornadis.Command.new_strv(['ECHO', 'b']), null);
        const strv = new Tornadis.Pipeline();
        strv.stack_strv(['ECHO', 'c']);
        bridge.submit_pipeline(strv, null);
        bridge.submit_text(JSON.stringify([['ECHO', 'x'.repeat(70000)]]));
        const items = [];
        while (items.length < 10) {
            await until(() => told.length > 0);
            items.push(...JSON.parse(told.shift()));
        }
        equal([items[0], items[1], items[2], items[3].e[0]], [1, 'a', -2, 'tornadis-error-quark']);
        equal(items.slice(4, 9), [3, 'b', 4, ['c'], -5]);
        equal(items[9].kept, true);
        equal(bridge.take_reply(4).get_text().length, 70000);
        equal(bridge.take_reply(4), null);
        throws(Tornadis.Error, () => bridge.submit_text('[1]'), Tornadis.Error.USAGE);

        const texts = [];
        TornadisBridge.set_lone_func(bridge, text => texts.push(text) > 0);
        equal(bridge.submit_lone('ECHO\x1fa b', 2), true);
        await until(() => texts.length === 1);
        equal(texts, ['a b']);
        equal([bridge.submit_lone('ECHO\x1fa\x1fb', 2), bridge.submit_lone('ECHO', 2), bridge.submit_lone('', 0)],
            [false, false, false]);
        // Any other outcome goes the other way, with the number of the call: those that were not made have none.
        equal(bridge.submit_lone('STRLEN\x1fnone', 2), true);
        bridge.submit_text('[["ECHO","c"]]');
        await until(() => told.length > 0 && JSON.parse(told.at(-1)).at(-1) === 'c');
        equal(told.splice(0).flatMap(text => JSON.parse(text)), [7, 0, 8, 'c']);
        equal(texts.length, 1);

        const pipeline = new Tornadis.Pipeline();
        equal(TornadisBridge.stack_text(pipeline, '[["ECHO","a"]]'), true);
        throws(Tornadis.Error, () => TornadisBridge.stack_text(pipeline, '{}'), Tornadis.Error.USAGE);
        equal(pipeline.number_of_stacked_calls, 1);
    },
};
