// SPDX-License-Identifier: LGPL-2.1-or-later
// Messages come many at a time: to handlers as GObject would emit each, and to those who wait, each once and in order.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';
import TornadisBridge from 'gi://TornadisBridge?version=1.0';
import TornadisHarness from 'gi://TornadisHarness?version=0';

import {countBlocked, equal, finish, logging, rejects, sleep, throws, until} from './tap.js';

const options = server => ({unix_domain_socket: server.get_socket_path()});
const makeClient = (server, more = {}) => new Tornadis.Client({...options(server), ...more});
const makePubSub = (server, more = {}) => new Tornadis.PubSubClient({...options(server), ...more});
const range = n => [...Array(n).keys()];
const toText = n => range(n).map(String);
const bytesOf = text => new GLib.Bytes(new TextEncoder().encode(text));
const makeMessage = (channel, text) => TornadisBridge.make_message(bytesOf(channel), null, bytesOf(text), null, false);

/** Publishes [channel, text] at once, so that many are read in one turn of the main loop. */
async function publish(client, messages) {
    const pipeline = new Tornadis.Pipeline();
    for (const [channel, text] of messages)
        pipeline.stack_call('PUBLISH', channel, text);
    return await client.call(pipeline);
}

const flood = (client, channel, texts) => publish(client, texts.map(text => [channel, text]));

/** The server confirms it after all that was published before; who published it may have the reply earlier than that. */
const fence = (pubSub, name = 'fence') => pubSub.subscribe(name);

/** Of those that are kept, the texts; the last of all is "end". */
async function popTexts(pubSub, pop = each => each.pop_message(30)) {
    const texts = [];
    for (;;) {
        const {text} = await pop(pubSub);
        if (text === 'end')
            return texts;
        texts.push(text);
    }
}

/** Iterates a main loop within a callback until something holds. */
function iterateUntil(condition) {
    const context = GLib.MainContext.default();
    while (!condition())
        context.iteration(true);
}

/** Numbers from 0 to n - 1, the same for each seed. */
function makeRandom(seed) {
    let state = seed;
    return n => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) % n;
    };
}

const CHANNELS = ['a', 'b', 'c'];
const PLAIN = GObject.Object.prototype;

/** Runs a random program over a flood of messages; what it saw, as text. The handlers are connected by `connect`. With
  * a handler of all messages nothing is kept; without, handlers connect no others meanwhile. */
function makeProgram(seed, n, all) {
    const random = makeRandom(seed);
    const handlers = range(6).map(name => ({name, channel: [...CHANNELS, null][random(4)], after: random(2) === 1,
        at: random(3)}));
    const actions = range(n).map(() => {
        const kinds = ['block', 'unblock', 'disconnect', 'blockFunc', 'unblockFunc', 'disconnectFunc', 'stop', 'emit',
            'find', ...all ? ['connect', 'connect'] : []];
        return random(5) > 0 ? null : {by: random(8), kind: kinds[random(kinds.length)], on: random(8), way: random(3),
            channel: [...CHANNELS, null][random(4)], after: random(2) === 1};
    });
    return {handlers, actions, all};
}

function start(program, pubSub, ways) {
    const trace = [];
    const ids = [];
    const names = new Map();
    // A function for each name: what connects again with a name connects the same function.
    const funcs = range(8).map(name => (client, message) => {
        trace.push(`${name}:${message.channel}:${message.text}:${client === pubSub}`);
        const action = program.actions[Number(message.text)];
        if (action?.by % 8 === name)
            act(action, name, message);
    });
    const connect = (name, channel, after, way) => {
        const signal = channel === null ? 'message' : `message::${channel}`;
        const id = ways[after ? 'after' : 'before'][way % ways.before.length](pubSub, signal, funcs[name]);
        names.set(id, name);
        ids[name] = id;
    };
    const blocks = new Map();
    const isThere = id => id !== undefined && GObject.signal_handler_is_connected(pubSub, id);
    const kinds = {
        block(id, {way}) {
            blocks.set(id, (blocks.get(id) ?? 0) + 1);
            if (way > 0)
                pubSub.block_signal_handler(id);
            else
                GObject.signal_handler_block(pubSub, id);
        },
        unblock(id, {way}) {
            if (!blocks.get(id))
                return;
            blocks.set(id, blocks.get(id) - 1);
            if (way > 0)
                pubSub.unblock_signal_handler(id);
            else
                GObject.signal_handler_unblock(pubSub, id);
        },
        disconnect(id, {way}) {
            if (way > 0)
                pubSub.disconnect(id);
            else
                GObject.signal_handler_disconnect(pubSub, id);
        },
    };
    const act = (action, name, message) => {
        const {kind, on, way, channel, after} = action;
        const func = funcs[on];
        // The handler of all messages stays.
        if (program.all && on === 7 && kind !== 'emit' && kind !== 'find' && kind !== 'stop')
            return;
        const match = [{func}, {func, signalId: 'message'}, {func, signalId: 'message', detail: channel ?? 'a'}][way];
        const {detail} = match;
        if (kind === 'connect') {
            if (on < 6)
                connect(on, channel, after, way);
        } else if (kind === 'stop') {
            pubSub.stop_emission_by_name(`message::${message.channel}`);
        } else if (kind === 'emit') {
            const where = channel ?? 'a';
            pubSub.emit(`message::${where}`, makeMessage(where, `emitted ${name}`));
        } else if (kind === 'find') {
            const id = GObject.signal_handler_find(pubSub, match);
            trace.push(`found ${id ? names.get(id) : null}`);
        } else if (kind === 'blockFunc' || kind === 'disconnectFunc') {
            if (kind === 'blockFunc') {
                trace.push(`blocked ${GObject.signal_handlers_block_matched(pubSub, match)}`);
                trace.push(`unblocked ${GObject.signal_handlers_unblock_matched(pubSub, match)}`);
                trace.push(`blocked ${detail ? 0 : GObject.signal_handlers_block_by_func(pubSub, func)}`);
                if (!detail)
                    GObject.signal_handlers_unblock_by_func(pubSub, func);
            } else {
                trace.push(`disconnected ${way ? GObject.signal_handlers_disconnect_matched(pubSub, match)
                    : GObject.signal_handlers_disconnect_by_func(pubSub, func)}`);
            }
        } else if (kinds[kind] && isThere(ids[on])) {
            kinds[kind](ids[on], action);
        }
    };
    program.handlers.forEach(({name, channel, after, at}) => connect(name, channel, after, at));
    if (program.all)
        connect(7, null, false, 0);
    return trace;
}

const OURS = {
    before: [(...args) => args[0].connect(...args.slice(1)), GObject.signal_connect],
    after: [(...args) => args[0].connect_after(...args.slice(1)), GObject.signal_connect_after],
};
OURS.before[1] = (...args) => GObject.signal_connect(...args);
OURS.after[1] = (...args) => GObject.signal_connect_after(...args);
const GOBJECTS = {
    before: [(pubSub, ...args) => PLAIN.connect.call(pubSub, ...args)],
    after: [(pubSub, ...args) => PLAIN.connect_after.call(pubSub, ...args)],
};

export default {
    /** What GObject does with handlers that are connected to it directly is what ours are called for. */
    async asGObject(server) {
        const client = makeClient(server);
        const first = Number(GLib.getenv('TORNADIS_TEST_SEED') ?? 1);
        for (const seed of range(40).map(i => first + i)) {
            const n = 700;
            const program = makeProgram(seed, n, seed % 2 === 0);
            const random = makeRandom(-seed);
            const messages = range(n).map(i => [CHANNELS[random(3)], String(i)]);
            const pubSubs = [makePubSub(server), makePubSub(server)];
            const traces = pubSubs.map((pubSub, i) => start(program, pubSub, i === 0 ? OURS : GOBJECTS));
            for (const pubSub of pubSubs)
                await pubSub.subscribe(...CHANNELS, 'end', 'last');
            let ended = 0;
            for (const pubSub of pubSubs)
                pubSub.connect('message::end', () => ended++);
            await publish(client, [...messages, ['end', 'end']]);
            await until(() => ended === 2);
            try {
                equal(traces[0].length > 10, true);
                equal(traces[0], traces[1]);
                if (!program.all) {
                    // Of each channel in order: what was kept while others had handlers may be ahead.
                    const kept = [];
                    for (const pubSub of pubSubs) {
                        kept.push([]);
                        for (let message; (message = await pubSub.pop_message(0)) !== null;)
                            kept.at(-1).push(`${message.channel}:${message.text}`);
                    }
                    equal(kept[0].sort(), kept[1].sort());
                }
            } catch (error) {
                const i = traces[0].findIndex((each, index) => each !== traces[1][index]);
                throw new Error(`seed ${seed}: ${error.message.slice(0, 100)} at ${i}: ${traces[0].slice(i - 3, i + 3)} / ${traces[1].slice(i - 3, i + 3)}`);
            }
            pubSubs.forEach(pubSub => pubSub.close());
        }
    },

    /** Messages that a program emits itself, also within a handler of another. */
    async emitted(server) {
        const pubSub = makePubSub(server);
        const seen = [];
        const message = makeMessage('a', 'x');
        const first = pubSub.connect('message::a', (_, {text}) => {
            seen.push(`first ${text}`);
            if (text === 'x')
                pubSub.emit('message::a', makeMessage('a', 'y'));
        });
        pubSub.connect('message', (_, {text}) => seen.push(`second ${text}`));
        pubSub.emit('message::a', message);
        equal(seen, ['first x', 'first y', 'second y', 'second x']);
        pubSub.disconnect(first);
        pubSub.emit('message::a', message);
        GObject.signal_emit_by_name(pubSub, 'message::a', message);
        equal(seen.slice(4), ['second x', 'second x']);
        throws(Error, () => pubSub.connect('message', 5));
        throws(Error, () => pubSub.connect('message::', () => {}));
        throws(Error, () => pubSub.connect_after('message', 5));
        await finish(makeClient(server), 'connect', null);
    },

    async thrown(server) {
        const client = makeClient(server);
        const pubSub = makePubSub(server);
        const texts = [];
        pubSub.connect('message', (_, {text}) => {
            texts.push(text);
            throw text === '0' ? new TypeError('mine 0') : `mine ${text}`; // eslint-disable-line no-throw-literal
        });
        pubSub.connect('message', (_, {text}) => texts.push(text));
        await pubSub.subscribe('a');
        await logging(GLib.LogLevelFlags.LEVEL_WARNING, 3, 'mine', async () => {
            await flood(client, 'a', toText(3));
            await until(() => texts.length === 6);
        });
        equal(texts, ['0', '0', '1', '1', '2', '2']);
    },

    /** A handler that runs a main loop: what came with its message is told within, once, and stopping is its own. */
    async nested(server) {
        const client = makeClient(server);
        const pubSub = makePubSub(server);
        const seen = [];
        pubSub.connect('message', (_, {text}) => {
            seen.push(`first ${text}`);
            if (text === '10') {
                pubSub.stop_emission_by_name('message::a');
                iterateUntil(() => seen.includes('second 999'));
            } else if (text === '20') {
                GObject.signal_stop_emission_by_name(pubSub, 'message');
            }
        });
        pubSub.connect('message', (_, {text}) => seen.push(`second ${text}`));
        await pubSub.subscribe('a');
        await flood(client, 'a', toText(1000));
        await until(() => seen.includes('second 999'));
        const wanted = range(1000).flatMap(i => [`first ${i}`, ...i === 10 || i === 20 ? [] : [`second ${i}`]]);
        equal(seen, wanted);
    },

    async closedByHandler(server) {
        const client = makeClient(server);
        for (const [end, more] of [[each => each.close(), 1], [each => each.run_dispose(), 0]]) {
            const pubSub = makePubSub(server);
            const seen = [];
            pubSub.connect('message', (_, {text}) => {
                seen.push(text);
                if (text === '300')
                    end(pubSub);
            });
            pubSub.connect('message', (_, {text}) => seen.push(text));
            await pubSub.subscribe('a');
            await flood(client, 'a', toText(1000));
            await until(() => seen.includes('300'));
            await until(async () => await client.call('PUBSUB', 'NUMSUB', 'a').then(([, n]) => n) === 0);
            equal(seen, [...range(300).flatMap(i => [String(i), String(i)]), ...Array(1 + more).fill('300')]);
        }
    },

    async subscribedByHandlers(server) {
        const client = makeClient(server);
        const pubSub = makePubSub(server);
        const promises = [];
        let n = 0;
        pubSub.connect('message::a', () => {
            n++;
            if (n === 100)
                promises.push(pubSub.subscribe('b'), pubSub.unsubscribe('a'));
        });
        const b = [];
        pubSub.connect('message::b', (_, {text}) => b.push(text));
        await pubSub.subscribe('a');
        await flood(client, 'a', toText(1000));
        await until(() => promises.length === 2);
        equal(await Promise.all(promises), [pubSub, pubSub]);
        equal(n, 1000);
        equal(await client.call('PUBLISH', 'a', 'x'), 0);
        await client.call('PUBLISH', 'b', 'x');
        await until(() => b.length === 1);
    },

    /** What comes when no handler is connected any more is kept, in order, however many batches it came in. */
    async keptAfterDisconnecting(server) {
        const client = makeClient(server);
        const pubSub = makePubSub(server);
        const seen = [];
        const id = pubSub.connect('message::a', (_, {text}) => {
            seen.push(text);
            if (text === '99')
                pubSub.disconnect(id);
        });
        // One that is connected meanwhile gets no earlier ones, and they are not lost.
        let again = 0;
        pubSub.connect('message::b', () => (again = pubSub.connect('message::a', (_, {text}) => seen.push(text))));
        await pubSub.subscribe('a', 'b', 'end');
        await publish(client, [...toText(1500).map(text => ['a', text]), ['b', '']]);
        await until(() => again !== 0);
        await publish(client, [['a', 'late'], ['end', 'end']]);
        const kept = await popTexts(pubSub);
        await until(() => seen.includes('late'));
        equal(kept, toText(1500).slice(100));
        equal(seen, [...toText(100), 'late']);
    },

    async isFreed(server) {
        const client = makeClient(server);
        const count = name => server.command('CLIENT LIST').split(` name=${name} `).length - 1;
        const collectUntil = condition => until(() => {
            System.gc();
            return condition();
        });
        await (async () => {
            const pubSub = makePubSub(server, {client_name: 'freed'});
            pubSub.connect('message', () => pubSub);
            await pubSub.subscribe('a');
            await flood(client, 'a', toText(300));
            await fence(pubSub);
            pubSub.connect_after('message::b', () => pubSub);
            pubSub.pop_message(0);
        })();
        equal(count('freed'), 1);
        await collectUntil(() => count('freed') === 0);

        // What a handler has goes when that is disconnected.
        const pubSub = makePubSub(server);
        await pubSub.subscribe('a');
        const id = await (async () => {
            const its = makeClient(server, {client_name: 'freed'});
            await its.connect_client();
            return pubSub.connect('message', () => its);
        })();
        await client.call('PING');
        equal(count('freed'), 1);
        pubSub.disconnect(id);
        await collectUntil(() => count('freed') === 0);
        equal(pubSub.subscribed, true);
    },

    // Those who wait.

    async endedLoops(server) {
        const client = makeClient(server);
        const pubSub = makePubSub(server);
        await pubSub.subscribe('a');
        await flood(client, 'a', [...toText(600), 'end']);
        const texts = [];
        const take = async (n, end) => {
            for await (const {text} of pubSub.messages()) {
                texts.push(text);
                if (--n === 0)
                    end();
            }
        };
        for await (const {text} of pubSub.messages()) {
            texts.push(text);
            break;
        }
        await rejects(RangeError, take(3, () => {
            throw new RangeError('mine');
        }));
        await (async () => {
            for await (const {text} of pubSub.messages()) {
                texts.push(text);
                if (texts.length === 100)
                    return;
            }
        })();
        for await (const batch of pubSub.messages({batches: true})) {
            texts.push(...batch.map(({text}) => text));
            break;
        }
        texts.push((await pubSub.pop_message()).text, (await pubSub.pop_message(30)).text);
        texts.push((await finish(pubSub, 'pop_message', 5, null)).text);
        texts.push(...await popTexts(pubSub));
        equal(texts, toText(600));
    },

    /** An iterator that is ended while it waits takes nothing. */
    async endedWhileWaiting(server) {
        const client = makeClient(server);
        const pubSub = makePubSub(server);
        await pubSub.subscribe('a');
        for (const options of [{}, {batches: true}, {deadline: 1000}]) {
            const iterator = pubSub.messages(options);
            const waiting = iterator.next();
            await client.call('PING');
            equal((await iterator.return('x')).value, 'x');
            equal((await waiting).done, true);
            equal((await iterator.next()).done, true);
            await client.call('PUBLISH', 'a', 'x');
            equal((await pubSub.pop_message(30)).text, 'x');
        }
        const iterator = pubSub.messages();
        await rejects(RangeError, iterator.throw(new RangeError('mine')));
        equal((await iterator.next()).done, true);
    },

    async twoIterators(server) {
        const client = makeClient(server);
        for (const batches of [false, true]) {
            const pubSub = makePubSub(server);
            await pubSub.subscribe('a');
            const seen = [[], []];
            const reading = seen.map(async texts => {
                for await (const each of pubSub.messages({batches}))
                    texts.push(...(batches ? each : [each]).map(({text}) => text));
            });
            await flood(client, 'a', toText(1000));
            await until(() => seen[0].length + seen[1].length === 1000);
            equal(seen[0].length, 500);
            const isSorted = texts => texts.every((text, i) => i === 0 || Number(texts[i - 1]) < Number(text));
            equal(seen.map(isSorted), [true, true]);
            equal(seen.flat().sort(), toText(1000).sort());
            await pubSub.unsubscribe();
            await Promise.all(reading);
        }
    },

    async mixed(server) {
        const client = makeClient(server);
        const pubSub = makePubSub(server);
        await pubSub.subscribe('a');
        const texts = [];
        const take = message => texts.push(message.text);
        const reading = (async () => {
            for await (const message of pubSub.messages())
                take(message);
        })();
        const popping = range(50).map(() => pubSub.pop_message().then(take));
        const popping2 = range(50).map(() => pubSub.pop_message(600).then(take));
        const raw = range(50).map(() => finish(pubSub, 'pop_message', -1, null).then(take));
        const batch = pubSub.messages({batches: true}).next().then(({value}) => value.forEach(take));
        await flood(client, 'a', toText(400));
        await Promise.all([...popping, ...popping2, ...raw, batch]);
        await until(() => texts.length === 400);
        equal(texts.sort(), toText(400).sort());
        pubSub.close();
        await reading;
    },

    async deadlines(server) {
        const client = makeClient(server);
        const pubSub = makePubSub(server);
        await pubSub.subscribe('a');
        equal(await pubSub.pop_message(0), null);
        await flood(client, 'a', toText(700));
        await fence(pubSub);
        // What is there is taken, however short the time is.
        for (const text of toText(600))
            equal((await pubSub.pop_message(0)).text, text);
        const texts = [];
        for await (const {text} of pubSub.messages({deadline: 0}))
            texts.push(text);
        for await (const batch of pubSub.messages({deadline: 0.01, batches: true}))
            throw new Error(`there is a batch of ${batch.length}`);
        equal(texts, toText(700).slice(600));
        // The time is counted anew for each.
        const iterator = pubSub.messages({deadline: 600});
        for (const text of toText(3)) {
            const next = iterator.next();
            await client.call('PUBLISH', 'a', text);
            equal((await next).value.text, text);
        }
    },

    async cancelledPops(server) {
        const client = makeClient(server);
        const pubSub = makePubSub(server);
        await pubSub.subscribe('a');
        const isCancelled = error => error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
        for (const deadline of [-1, 600]) {
            const cancellable = new Gio.Cancellable();
            const popping = pubSub.pop_message(deadline, {cancellable});
            const others = range(3).map(() => pubSub.pop_message());
            await flood(client, 'a', ['x', 'y']);
            equal((await popping).text, 'x');
            equal((await others[0]).text, 'y');
            const cancelled = pubSub.pop_message(deadline, {cancellable});
            await client.call('PING');
            cancellable.cancel();
            await client.call('PUBLISH', 'a', 'z');
            equal(isCancelled(await rejects(GLib.Error, cancelled)), true);
            // One that was cancelled before takes none, whatever is there.
            equal(isCancelled(await rejects(GLib.Error, pubSub.pop_message(deadline, {cancellable}))), true);
            equal((await others[1]).text, 'z');
            await client.call('PUBLISH', 'a', 'last');
            equal((await others[2]).text, 'last');
            await flood(client, 'a', ['0', '1']);
            equal((await pubSub.pop_message(30)).text, '0');
            equal(isCancelled(await rejects(GLib.Error, pubSub.pop_message(deadline, {cancellable}))), true);
            equal((await pubSub.pop_message(deadline, {cancellable: new Gio.Cancellable()})).text, '1');
        }
    },

    async cancelledAsItComes(server) {
        const client = makeClient(server);
        const pubSub = makePubSub(server);
        await pubSub.subscribe('a', 'end');
        const cancellables = range(40).map(() => new Gio.Cancellable());
        const pops = cancellables.map(cancellable => pubSub.pop_message(-1, {cancellable}));
        const texts = [];
        pops.forEach((pop, i) => pop.then(({text}) => {
            texts.push(text);
            cancellables[i + 1]?.cancel();
        }, () => {}));
        await publish(client, [...toText(40).map(text => ['a', text]), ['end', 'end']]);
        equal([...await popTexts(pubSub), ...texts].sort(), toText(40).sort());
    },

    /** What is given back is the next one's, ahead of what came after it, wherever it was popped. */
    async givenBack(server) {
        const client = makeClient(server);
        const pubSub = makePubSub(server);
        await pubSub.subscribe('a');
        await flood(client, 'a', [...toText(8), 'end']);
        const pop = () => pubSub.pop_message(30);
        const popRaw = () => finish(pubSub, 'pop_message', 30, null);
        const raw = await popRaw();
        const [one, two, three] = [await pop(), await pop(), await pop()];
        equal([raw, one, two, three].map(({text}) => text), toText(4));
        pubSub.unpop_message(two);
        pubSub.unpop_message(three);
        pubSub.unpop_message(one);
        pubSub.unpop_message(raw);
        equal([(await pop()).text, (await popRaw()).text], ['0', '1']);
        equal((await pop()).text, '2');
        pubSub.unpop_message(one);
        equal([(await popRaw()).text, (await popRaw()).text], ['1', '3']);
        equal(await popTexts(pubSub), toText(8).slice(4));

        // For one who waits already, here or there.
        for (const wait of [pop, popRaw, async () => (await pubSub.messages().next()).value]) {
            const waiting = wait();
            await client.call('PING');
            pubSub.unpop_message(one);
            equal((await waiting).text, '1');
        }
        // A handler that is connected since then does not get it, nor does it get lost.
        await flood(client, 'a', toText(5));
        await fence(pubSub);
        equal((await pop()).text, '0');
        const id = pubSub.connect('message', () => {});
        equal((await popRaw()).text, '1');
        pubSub.disconnect(id);
        equal([(await pop()).text, (await popRaw()).text, (await pop()).text], ['2', '3', '4']);
        throws(Error, () => pubSub.unpop_message('x'));
    },

    async ends(server) {
        const client = makeClient(server);
        const kill = () => client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
        for (const [end, code, more] of [
            [each => each.close(), Tornadis.Error.CLOSED],
            [each => each.unsubscribe(), Tornadis.Error.USAGE],
            [kill, Tornadis.Error.LOST, {autoconnect: false}],
            [each => each.run_dispose(), Tornadis.Error.CLOSED],
        ]) {
            const pubSub = makePubSub(server, more);
            if (more)
                await pubSub.connect_client();
            await pubSub.subscribe('a');
            const waiting = [pubSub.pop_message(), pubSub.pop_message(600)];
            const iterator = pubSub.messages();
            const next = iterator.next();
            await client.call('PING');
            const ended = end(pubSub);
            const outcomes = await Promise.allSettled([...waiting, next]);
            equal(outcomes.slice(0, 2).map(({reason}) => reason.code), [code, code]);
            if (code === Tornadis.Error.LOST)
                equal(outcomes[2].reason.code, code);
            else
                equal(outcomes[2].value.done, true);
            await ended;
            equal((await iterator.next()).done, true);
        }
        // While it connects again they wait.
        const pubSub = makePubSub(server);
        let gaps = 0;
        pubSub.connect('gap', () => gaps++);
        await pubSub.subscribe('a');
        const waiting = [pubSub.pop_message(), pubSub.messages().next()];
        await client.call('PING');
        await kill();
        await until(() => gaps === 1);
        await flood(client, 'a', ['x', 'y']);
        equal([(await waiting[0]).text, (await waiting[1]).value.text], ['x', 'y']);
    },

    /** While nobody takes any the client stops reading, and with it the server. */
    async bounds(server) {
        const client = makeClient(server);
        const pubSub = makePubSub(server, {max_pending: 10});
        let overflows = 0;
        pubSub.connect('overflow', () => overflows++);
        await pubSub.subscribe('a');
        const large = 'x'.repeat(10000);
        const wanted = range(3000).map(i => `${i} ${large}`);
        const iterator = pubSub.messages();
        const first = iterator.next();
        await flood(client, 'a', wanted);
        equal((await first).value.text, wanted[0]);
        await until(() => overflows === 1);
        // What is read and not taken is no more than a batch and what the bounds allow: the rest is the server's.
        const [, left] = / omem=(\d+)/.exec(await client.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
        equal(Number(left) > 10000 * 1000, true);
        for (const text of wanted.slice(1))
            equal((await iterator.next()).value.text, text);
        equal(overflows > 1, true);
    },

    async many(server) {
        const client = makeClient(server);
        const n = 100000;
        for (const batches of [false, true]) {
            const pubSub = makePubSub(server);
            await pubSub.subscribe('a');
            let i = 0;
            const reading = (async () => {
                for await (const each of pubSub.messages({batches})) {
                    for (const {text} of batches ? each : [each]) {
                        if (text !== `message ${i++}`)
                            throw new Error(`${text} comes as number ${i - 1}`);
                    }
                    if (i === n)
                        return;
                }
            })();
            for (let first = 0; first < n; first += 1000)
                await flood(client, 'a', range(1000).map(k => `message ${first + k}`));
            await reading;
            pubSub.close();
        }
    },

    // A message.

    async members(server) {
        const client = makeClient(server);
        const byHandler = makePubSub(server);
        const byIterator = makePubSub(server);
        const raw = makePubSub(server);
        const handled = [];
        byHandler.connect('message', (_, message) => handled.push(message));
        const names = ['plain', '', 'ü€𝄞', new Uint8Array([255, 0, 1]), new Uint8Array([97, 0, 98])];
        const payloads = ['text', '', 'a\0b', 'ü€𝄞\u2028"\\\n\x01', 'x'.repeat(1 << 20), new Uint8Array([0, 255, 128]),
            new Uint8Array(1 << 20).fill(200), new Uint8Array([0xed, 0xa0, 0x80])];
        for (const pubSub of [byHandler, byIterator, raw]) {
            await pubSub.subscribe(...names);
            await pubSub.psubscribe('pl*', new Uint8Array([255, 42]));
        }
        let n = 0;
        for (const name of names) {
            for (const payload of payloads)
                n += await client.call('PUBLISH', name, payload) / 3;
        }
        const popped = [];
        for await (const message of byIterator.messages()) {
            popped.push(message);
            if (popped.length === n)
                break;
        }
        await until(() => handled.length === n);
        const seen = [];
        for (const i of range(n)) {
            const boxed = await finish(raw, 'pop_message', 30, null);
            for (const message of [handled[i], popped[i]]) {
                equal(message instanceof Tornadis.Message, true);
                for (const name of ['channel', 'pattern', 'text', 'payload', 'keys'])
                    equal(message[name], boxed[name]);
                for (const name of ['channel', 'pattern', 'text'])
                    equal(message[`get_${name}`](), boxed[`get_${name}`]());
                for (const name of ['payload', 'channel_bytes'])
                    equal(message[`get_${name}`]().toArray(), boxed[`get_${name}`]().toArray());
                equal(message.get_reply().get_data(), boxed.get_reply().get_data());
                equal(message.get_reply().get_kind(), Tornadis.ReplyKind.STRING);
            }
            seen.push(popped[i].get_channel_bytes().toArray());
        }
        equal(new Set(seen.map(bytes => bytes.join(' '))).size, names.length);
        equal({} instanceof Tornadis.Message, false);
        equal(null instanceof Tornadis.Message, false);
        // What is given back is the same when it is popped elsewhere.
        byIterator.unpop_message(popped[5]);
        const again = await finish(byIterator, 'pop_message', 30, null);
        equal([again.channel, again.payload, again.pattern], [popped[5].channel, popped[5].payload, popped[5].pattern]);
    },

    async invalidated(server) {
        const client = makeClient(server);
        const pubSub = makePubSub(server);
        const handled = [];
        pubSub.connect('message::__redis__:invalidate', (_, message) => handled.push(message));
        await pubSub.subscribe('__redis__:invalidate');
        await client.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', pubSub.connection_id);
        const key = new Uint8Array([107, 255, 0]);
        await client.call('GET', key);
        await client.call('SET', key, 1);
        await client.call('FLUSHALL');
        await until(() => handled.length === 2);
        for (const [message, keys, kind] of [[handled[0], [key], 'ARRAY'], [handled[1], null, 'NIL']]) {
            equal([message.channel, message.text, message.payload, message.get_payload()], ['__redis__:invalidate', null, null, null]);
            equal(message.keys, keys);
            equal(message.get_reply().get_kind(), Tornadis.ReplyKind[kind]);
        }
        equal(handled[0].get_reply().get_element(0).get_data(), key);
    },

    // Cancelling.

    async cancelledCalls(server) {
        const client = makeClient(server);
        const isCancelled = async promise => (await rejects(GLib.Error, promise)).matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
        const pipelineOf = (...args) => {
            const pipeline = new Tornadis.Pipeline();
            pipeline.stack_call(...args);
            return pipeline;
        };
        const ways = [['INCR', 'n'], [Tornadis.Command.new_strv(['INCR', 'n'])], [pipelineOf('INCR', 'n')]];
        for (const way of ways) {
            // While it connects nothing is written.
            client.close();
            const cancellable = new Gio.Cancellable();
            const call = client.call(...way, {cancellable});
            cancellable.cancel();
            equal(await isCancelled(call), true);
            equal(await isCancelled(client.call(...way, {cancellable})), true);
            equal(await client.call('GET', 'n'), null);
        }
        // Without being cancelled it is like any other, and in its place.
        const cancellable = new Gio.Cancellable();
        const mixed = [client.call('RPUSH', 'l', 0), client.call('RPUSH', 'l', 1, {cancellable}), client.call('RPUSH', 'l', 2)];
        equal(await Promise.all(mixed), [1, 2, 3]);
        equal(await client.call('LRANGE', 'l', 0, -1, {cancellable: null}), ['0', '1', '2']);
        await rejects(TypeError, client.call('GET', {cancellable}, 'n'));
        // One that waits for its reply.
        const blocked = client.call('BLPOP', 'none', 0, {cancellable});
        await until(() => countBlocked(server) === 1);
        cancellable.cancel();
        equal(await isCancelled(blocked), true);
        equal(await makeClient(server).call('GET', 'n'), null);
    },

    async cancelledBehindBounds(server) {
        const isCancelled = async promise => (await rejects(GLib.Error, promise)).matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
        const small = makeClient(server, {max_pending: 1});
        for (let i = 0; i < 3; i++) {
            small.close();
            const cancellable = new Gio.Cancellable();
            const call = small.call('BLPOP', 'nothing', 0, {cancellable});
            await rejects(Tornadis.ClientError, small.call('PING'), Tornadis.Error.BUSY);
            cancellable.cancel();
            equal(await isCancelled(call), true);
            equal(await small.call('PING'), 'PONG');
        }
        const limited = makeClient(server);
        const limit = limited.add_plugin_by_name('limit');
        limit.max_in_flight = 1;
        const blocked = limited.call('BLPOP', 'list', 0);
        const cancellable = new Gio.Cancellable();
        const queued = limited.call('INCR', 'n', {cancellable});
        const behind = limited.call('PING');
        await until(() => countBlocked(server) === 1);
        cancellable.cancel();
        equal(await isCancelled(queued), true);
        const client = makeClient(server);
        await client.call('RPUSH', 'list', 'x');
        equal(await blocked, ['list', 'x']);
        equal(await behind, 'PONG');
        equal(await client.call('GET', 'n'), null);
    },

    async cancelledOperations(server) {
        const isCancelled = async promise => (await rejects(GLib.Error, promise)).matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
        const client = makeClient(server);
        const pubSub = makePubSub(server);
        const pool = new Tornadis.ClientPool({max_size: 1, template: makeClient(server)});
        const kept = await pool.get_connected_client();
        const operations = {
            connect: cancellable => makeClient(server).connect_client({cancellable}),
            get: cancellable => pool.get_connected_client({cancellable}),
            call: cancellable => pool.call('INCR', 'n', {cancellable}),
            preconnect: cancellable => new Tornadis.ClientPool({max_size: 3, template: makeClient(server)}).preconnect(2, {cancellable}),
        };
        for (const prefix of ['', 'p', 's']) {
            operations[`${prefix}subscribe`] = cancellable => makePubSub(server)[`${prefix}subscribe`]('a', {cancellable});
            operations[`${prefix}unsubscribe`] = cancellable => pubSub[`${prefix}unsubscribe`]('a', {cancellable});
        }
        for (const [name, start] of Object.entries(operations)) {
            const cancellable = new Gio.Cancellable();
            const running = start(cancellable);
            cancellable.cancel();
            try {
                // There may be nothing that it waits for.
                if (name.includes('unsubscribe'))
                    await Promise.allSettled([running]);
                else
                    equal(await isCancelled(running), true);
                equal(await isCancelled(start(cancellable)), true);
            } catch (error) {
                throw new Error(`${name}: ${error}`);
            }
        }
        pool.release_client(kept);
        equal(await pool.call('GET', 'n', {cancellable: new Gio.Cancellable()}), null);
        equal(await pubSub.subscribe('a', {cancellable: new Gio.Cancellable()}), pubSub);
        equal(await client.call('PUBSUB', 'CHANNELS'), ['a']);
        equal(await pubSub.unsubscribe({cancellable: null}), pubSub);
        equal(await client.connect_client({cancellable: new Gio.Cancellable()}), client);
    },

    /** Outcomes come before what tells that there will be none any more. */
    async outcomesFirst(server) {
        const client = makeClient(server);
        const order = [];
        client.connect('disconnected', () => order.push('disconnected'));
        await client.connect_client();
        client.async_call('SET', 'k', 'v', result => order.push(result));
        client.async_call('CLIENT', 'KILL', 'ID', await makeClient(server).call('PING') && client.connection_id, 'SKIPME', 'no',
            () => order.push('killed'));
        await until(() => order.includes('disconnected'));
        equal(order, ['OK', 'killed', 'disconnected']);

        order.length = 0;
        await client.connect_client();
        client.async_call('BLPOP', 'none', 0, result => order.push(result.code));
        await until(() => countBlocked(server) === 1);
        client.close();
        order.push('closed');
        equal(order, [Tornadis.Error.LOST, 'disconnected', 'closed']);

        const texts = toText(600).map(text => `*3\\r\\n$7\\r\\nmessage\\r\\n$1\\r\\na\\r\\n$${text.length}\\r\\n${text}\\r\\n`).join('');
        const peer = TornadisHarness.Peer.new('handshake\nexpect SUBSCRIBE\nsend "*3\\r\\n$9\\r\\nsubscribe\\r\\n$1\\r\\na\\r\\n:1\\r\\n"\n' +
            `wait\nsend "${texts}"\nclose\n`);
        const pubSub = new Tornadis.PubSubClient({host: '127.0.0.1', port: peer.get_port()});
        pubSub.connect('message', (_, {text}) => order.push(text));
        pubSub.connect('disconnected', () => order.push('disconnected'));
        await pubSub.subscribe('a');
        order.length = 0;
        peer.go();
        await until(() => order.includes('disconnected'));
        equal(order, [...toText(600), 'disconnected']);
    },

    async deadlineThatIsNoNumber(server) {
        const pubSub = makePubSub(server);
        await pubSub.subscribe('a');
        for (const deadline of ['soon', '0', NaN])
            await rejects(TypeError, pubSub.pop_message(deadline));
        equal(await pubSub.pop_message(0), null);
    },

    async closeInCallback(server) {
        const client = makeClient(server);
        const order = [];
        client.connect('disconnected', () => order.push('disconnected'));
        await client.connect_client();
        client.async_call('ECHO', '1', reply => {
            order.push(reply);
            client.close();
            order.push('closed');
        });
        client.async_call('ECHO', '2', reply => order.push(reply));
        client.async_call('ECHO', '3', reply => order.push(reply));
        await until(() => order.length === 5);
        equal(order, ['1', '2', '3', 'disconnected', 'closed']);
    },
};
