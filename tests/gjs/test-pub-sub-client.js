// SPDX-License-Identifier: LGPL-2.1-or-later
// Subscriptions, and messages as signals, popped and iterated over.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Tornadis from 'gi://Tornadis?version=1.0';
import TornadisBridge from 'gi://TornadisBridge?version=1.0';

import {equal, finish, logging, rejects, sleep, throws, until} from './tap.js';

const options = server => ({unix_domain_socket: server.get_socket_path()});
const makeClient = server => new Tornadis.Client(options(server));

export default {
    async pubSub(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        const seen = [];
        pubSub.connect('message::news', (_, message) => seen.push(message.payload));
        equal(await pubSub.subscribe('news', 'other'), pubSub);
        equal(await pubSub.psubscribe('p*'), pubSub);
        equal(pubSub.subscribed, true);
        await client.call('PUBLISH', 'news', new Uint8Array([0, 255]));
        await client.call('PUBLISH', 'other', 'plain');
        await client.call('PUBLISH', 'pp', 'by pattern');
        const plain = await pubSub.pop_message(30);
        equal([plain.channel, plain.text, plain.pattern], ['other', 'plain', null]);
        equal([plain.get_channel(), plain.get_text(), plain.get_pattern()], ['other', 'plain', null]);
        equal(plain.get_channel_bytes().toArray(), new TextEncoder().encode('other'));
        equal(plain.get_payload().toArray(), plain.payload);
        const byPattern = await pubSub.pop_message(30);
        equal([byPattern.channel, byPattern.text, byPattern.pattern], ['pp', 'by pattern', 'p*']);
        equal(await pubSub.pop_message(0.05), null);
        equal(seen, [new Uint8Array([0, 255])]);
        equal(await pubSub.unsubscribe(), pubSub);
        equal(await pubSub.punsubscribe('p*'), pubSub);
        equal(pubSub.subscribed, false);
        await rejects(Tornadis.ClientError, pubSub.pop_message(1), Tornadis.Error.USAGE);
        const pipeline = new Tornadis.Pipeline();
        pipeline.stack_call('PING');
        const error = await rejects(Tornadis.ClientError, finish(pubSub, 'call_pipeline', pipeline, null), Tornadis.Error.USAGE);
        equal(error.message.includes('empty'), false);
    },

    async refused(server) {
        const pubSub = new Tornadis.PubSubClient(options(server));
        await rejects(Tornadis.ClientError, pubSub.call('PING'));
        throws(Tornadis.ClientError, () => pubSub.async_call('PING'));
        await rejects(Tornadis.Error, finish(pubSub, 'call', Tornadis.Command.new('PING'), null),
            Tornadis.Error.USAGE);
        await rejects(Tornadis.ClientError, pubSub.subscribe(), Tornadis.Error.USAGE);
        const nowhere = new Tornadis.PubSubClient({host: '127.0.0.1', port: 1});
        await rejects(Tornadis.ConnectionError, nowhere.subscribe('a'), Tornadis.Error.CONNECT);
    },

    async messages(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        await pubSub.ssubscribe('shard');
        for (let i = 0; i < 3; i++)
            await client.call('SPUBLISH', 'shard', i);
        const texts = [];
        for await (const message of pubSub.messages()) {
            texts.push(message.text);
            equal([message.shard, message.is_shard()], [true, true]);
            if (texts.length === 3)
                break;
        }
        equal(texts, ['0', '1', '2']);
        // As the library has it.
        const boxed = TornadisBridge.make_message(new GLib.Bytes([97]), null, new GLib.Bytes([98]), null, true);
        equal([boxed.shard, boxed.is_shard()], [true, true]);
        equal(await pubSub.sunsubscribe('shard'), pubSub);
        equal(pubSub.subscribed, false);
    },

    async messagesEnd(server) {
        for (const end of [each => each.unsubscribe('a'), each => each.close()]) {
            const pubSub = new Tornadis.PubSubClient(options(server));
            await pubSub.subscribe('a');
            const reading = (async () => {
                const messages = [];
                for await (const message of pubSub.messages())
                    messages.push(message);
                return messages;
            })();
            await sleep(0);
            await end(pubSub);
            equal(await reading, []);
        }
    },

    async messagesAreKept(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        const messages = [];
        pubSub.connect('message', (_, message) => messages.push(message));
        await pubSub.subscribe('a');
        for (let i = 0; i < 500; i++)
            client.async_call('PUBLISH', 'a', `message ${i}`);
        await until(() => messages.length === 500);
        imports.system.gc();
        equal(messages.map(message => message.text), [...Array(500).keys()].map(i => `message ${i}`));
    },

    /** Of what has come, a handler that takes long gets few messages before others have their turn: frames are drawn. */
    async slowHandlers(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        const seen = [];
        const frames = [0];
        pubSub.connect('message', (_, message) => {
            GLib.usleep(2000);
            seen.push([message.channel, message.pattern, message.text]);
        });
        await pubSub.subscribe('a');
        await pubSub.psubscribe('*');
        const frame = GLib.idle_add(GLib.PRIORITY_HIGH_IDLE + 20, () => {
            frames.push(seen.length);
            return GLib.SOURCE_CONTINUE;
        });
        await client.call('EVAL', 'redis.call("PUBLISH", "b", 0) for i = 1, 100 do redis.call("PUBLISH", "a", i) end', 0);
        await until(() => seen.length === 201);
        GLib.source_remove(frame);
        equal(seen, [['b', '*', '0'], ...[...Array(200).keys()].map(i => ['a', i % 2 ? '*' : null, String(1 + (i >> 1))])]);
        // A turn that was waited for may come right behind one that nobody else wanted.
        frames.push(seen.length);
        equal(frames.slice(1).every((n, i) => n - frames[i] <= 2 * 16), true);
    },

    async handlersThatThrow(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        const texts = [];
        pubSub.connect('message::a', () => {
            throw new Error('mine');
        });
        pubSub.connect('message::a', (_, message) => texts.push(message.text));
        await pubSub.subscribe('a');
        await logging(GLib.LogLevelFlags.LEVEL_WARNING, 2, 'mine', async () => {
            await client.call('PUBLISH', 'a', 'x');
            await client.call('PUBLISH', 'a', 'y');
            await until(() => texts.length === 2);
        });
        equal(texts, ['x', 'y']);
    },

    async constructors(server) {
        for (const pubSub of [
            Tornadis.PubSubClient.new('127.0.0.1', server.get_port()),
            Tornadis.PubSubClient.new_for_uri(`unix://${server.get_socket_path()}`),
            Tornadis.PubSubClient.new_for_unix_socket(server.get_socket_path()),
        ]) {
            equal(await pubSub.subscribe('a'), pubSub);
            pubSub.close();
        }
        throws(Tornadis.ClientError, () => Tornadis.PubSubClient.new_for_uri('http://a'), Tornadis.Error.USAGE);
    },

    async signals(server) {
        const pubSub = new Tornadis.PubSubClient(options(server));
        const seen = [];
        pubSub.connect('subscription-added', (_, name, count) => seen.push([name, count]));
        pubSub.connect('subscription-removed', (_, name, count) => seen.push([name, -count]));
        await pubSub.subscribe('a', 'b');
        await pubSub.unsubscribe('a');
        equal(seen, [['a', 1], ['b', 2], ['a', -1]]);
    },

    async overflow(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient({...options(server), max_pending: 4});
        let overflows = 0;
        pubSub.connect('overflow', () => overflows++);
        await pubSub.subscribe('a');
        const wanted = [...Array(50).keys()].map(String);
        for (const each of wanted)
            await client.call('PUBLISH', 'a', each);
        await until(() => overflows > 0);
        const texts = [];
        while (texts.length < wanted.length)
            texts.push((await pubSub.pop_message(30)).text);
        equal(texts, wanted);
    },

    async restart(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        let gaps = 0;
        pubSub.connect('gap', () => gaps++);
        await pubSub.subscribe('a');
        await client.call('PING');
        server.restart();
        await until(async () => await client.call('PING').catch(() => null) === 'PONG');
        await until(() => gaps > 0);
        equal(await client.call('PUBLISH', 'a', 'x'), 1);
        equal((await pubSub.pop_message(30)).text, 'x');
    },

    async fault08NamesOfBytes(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        const names = [[0xc3, 0x28], [97, 0, 98], []].map(bytes => new Uint8Array(bytes));
        equal(await pubSub.subscribe(names[0], names[1], new GLib.Bytes(names[2])), pubSub);
        for (const name of names)
            equal(await client.call('PUBLISH', name, name), 1);
        equal(await client.call('PUBLISH', 'a', 'x'), 0);
        for (const name of names) {
            const message = await pubSub.pop_message(30);
            equal([message.get_channel_bytes().toArray(), message.payload, message.keys], [name, name, null]);
        }
        equal(await pubSub.unsubscribe(...names), pubSub);
        equal(pubSub.subscribed, false);

        for (const name of ['subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe', 'sunsubscribe']) {
            await rejects(Tornadis.ClientError, pubSub[name]('a', 'a\0b'));
            await rejects(TypeError, pubSub[name](5));
            throws(Tornadis.ClientError, () => pubSub[`${name}_async`](['a\0b'], null, () => {}));
        }
        equal(await client.call('PUBSUB', 'CHANNELS'), []);

        const kind = Tornadis.SubscriptionKind.PATTERN;
        equal(await finish(pubSub, 'subscribe_bytes', kind, [new GLib.Bytes([255])], null), true);
        equal(await finish(pubSub, 'unsubscribe_bytes', kind, null, null), true);
        equal(pubSub.subscribed, false);
    },

    async fault08Keys(server) {
        for (const protocol of [Tornadis.Protocol.RESP2, Tornadis.Protocol.RESP3]) {
            const client = makeClient(server);
            const pubSub = new Tornadis.PubSubClient({protocol, ...options(server)});
            await pubSub.subscribe('__redis__:invalidate');
            const [, subscriber] = /^id=(\d+)/.exec(await client.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
            await client.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', subscriber);
            const key = new Uint8Array([107, 255, 0]);
            await client.call('GET', key);
            await client.call('SET', key, 1);
            let message = await pubSub.pop_message(30);
            equal([message.channel, message.payload, message.text, message.keys], ['__redis__:invalidate', null, null, [key]]);
            await client.call('FLUSHALL');
            message = await pubSub.pop_message(30);
            equal([message.payload, message.keys, message.get_reply().get_kind()], [null, null, Tornadis.ReplyKind.NIL]);
            pubSub.close();
            await until(async () => await client.call('CLIENT', 'LIST', 'TYPE', 'pubsub') === '');
        }
    },

    async fault08GivenBack(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        await pubSub.subscribe('a');
        for (let i = 0; i < 3; i++)
            await client.call('PUBLISH', 'a', i);
        const [first, second] = [await pubSub.pop_message(30), await pubSub.pop_message(30)];
        pubSub.unpop_message(second);
        pubSub.unpop_message(first);
        for (let i = 0; i < 3; i++)
            equal((await pubSub.pop_message(30)).text, String(i));
    },

    async plain(server) {
        const pubSub = new Tornadis.PubSubClient(options(server));
        for (const name of ['subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe', 'sunsubscribe'])
            equal(await finish(pubSub, name, ['a'], null), true);
        await pubSub.subscribe('a');
        const cancellable = new Gio.Cancellable();
        const popping = finish(pubSub, 'pop_message', -1, cancellable);
        cancellable.cancel();
        const error = await rejects(GLib.Error, popping);
        equal(error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED), true);
    },
};
