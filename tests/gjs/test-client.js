// SPDX-License-Identifier: LGPL-2.1-or-later
// The same story as the C tests, through introspection and the override.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, rejects, run, sleep} from './tap.js';

const options = server => ({unix_domain_socket: server.get_socket_path()});
const makeClient = server => new Tornadis.Client(options(server));

run({
    async call(server) {
        const client = makeClient(server);
        equal(await client.call('PING'), 'PONG');
        equal(await client.call('SET', 'k', new Uint8Array([0, 255]), 'EX', 100), 'OK');
        equal(await client.call('GET', 'k'), new Uint8Array([0, 255]));
        equal(await client.call('INCR', 'n'), 1);
        equal(await client.call('INCRBY', 'n', 2n ** 60n), 2n ** 60n + 1n);
        equal(await client.call('GET', 'nothing'), null);
        equal(await client.call('HSET', 'h', '__proto__', 1, 'constructor', true), 2);
        equal(await client.call('HGETALL', 'h'), new Map([['__proto__', '1'], ['constructor', '1']]));
        equal(await client.call('LRANGE', 'nothing', 0, -1), []);
    },

    async arguments(server) {
        const client = makeClient(server);
        for (const bad of [null, undefined, [1], {a: 1}])
            await rejects(TypeError, client.call('SET', 'k', bad));
        equal(client.is_connected(), false);
    },

    async errors(server) {
        const client = makeClient(server);
        await client.call('SET', 'k', 'v');
        const error = await rejects(Tornadis.ReplyError, client.call('LPUSH', 'k', 'x'));
        equal(error.prefix, 'WRONGTYPE');
        equal(error instanceof Tornadis.TornadisException && error instanceof Error, true);
        await rejects(Tornadis.ClientError, client.call('SUBSCRIBE', 'a'));
        const nowhere = new Tornadis.Client({host: '127.0.0.1', port: 1});
        const refused = await rejects(Tornadis.ConnectionError, nowhere.call('PING'));
        equal(refused.error.matches(Tornadis.Error, Tornadis.Error.CONNECT), true);
    },

    async async_call(server) {
        const client = makeClient(server);
        const results = [];
        client.async_call('SET', 'k', 'v');
        client.async_call('GET', 'k', result => results.push(result));
        client.async_call('LPUSH', 'k', 'x', result => results.push(result));
        while (results.length < 2)
            await sleep(10);
        equal(results[0], 'v');
        equal(results[1] instanceof Tornadis.ReplyError, true);
    },

    async connect(server) {
        const client = new Tornadis.Client({...options(server), autoconnect: false});
        await rejects(Tornadis.ConnectionError, client.call('PING'));
        equal(await client.connect_client(), true);
        equal(await client.call('PING'), 'PONG');
        client.close();
        equal(client.is_connected(), false);
    },

    async uri(server) {
        const client = Tornadis.Client.new_for_uri(`redis://127.0.0.1:${server.get_port()}/4?client-name=js`);
        equal(await client.call('CLIENT', 'GETNAME'), 'js');
        equal(client.db, 4);
    },

    async pipeline(server) {
        const client = makeClient(server);
        const pipeline = new Tornadis.Pipeline();
        await rejects(Tornadis.ClientError, client.call(pipeline));
        pipeline.stack_call('SET', 'foo', 'bar');
        pipeline.stack_call('GET', 'foo');
        pipeline.stack_call('LPUSH', 'foo', 1);
        equal(pipeline.number_of_stacked_calls, 3);
        const replies = await client.call(pipeline);
        equal(replies.slice(0, 2), ['OK', 'bar']);
        equal(replies[2].prefix, 'WRONGTYPE');
    },

    async transaction(server) {
        const client = makeClient(server);
        const other = makeClient(server);
        const pipeline = new Tornadis.Pipeline({atomic: true});
        pipeline.stack_call('INCR', 'n');
        pipeline.stack_call('INCR', 'n');
        equal(await client.call(pipeline), [1, 2]);
        await client.call('WATCH', 'n');
        await other.call('SET', 'n', 10);
        equal(await client.call(pipeline), null);
        pipeline.stack_call('NOSUCHCOMMAND');
        equal((await rejects(Tornadis.ReplyError, client.call(pipeline))).prefix, 'EXECABORT');
    },

    async pubSub(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        const seen = [];
        pubSub.connect('message::news', (_, message) => seen.push(message.payload));
        equal(await pubSub.subscribe('news', 'other'), true);
        equal(await pubSub.psubscribe('p*'), true);
        equal(pubSub.subscribed, true);
        await client.call('PUBLISH', 'news', new Uint8Array([0, 255]));
        await client.call('PUBLISH', 'other', 'plain');
        await client.call('PUBLISH', 'pp', 'by pattern');
        const plain = await pubSub.pop_message(5);
        equal([plain.channel, plain.text, plain.pattern], ['other', 'plain', null]);
        const byPattern = await pubSub.pop_message(5);
        equal([byPattern.channel, byPattern.text, byPattern.pattern], ['pp', 'by pattern', 'p*']);
        equal(await pubSub.pop_message(0.05), null);
        equal(seen, [new Uint8Array([0, 255])]);
        await rejects(Tornadis.ClientError, pubSub.call('PING'));
        equal(await pubSub.unsubscribe(), true);
        equal(await pubSub.punsubscribe('p*'), true);
        equal(pubSub.subscribed, false);
        await rejects(Tornadis.ClientError, pubSub.pop_message(1));
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
            if (texts.length === 3)
                break;
        }
        equal(texts, ['0', '1', '2']);
    },

    async pool(server) {
        const pool = new Tornadis.ClientPool({template: makeClient(server), max_size: 2});
        await pool.preconnect();
        equal([pool.size, pool.idle], [2, 2]);
        await pool.withClient(async first => {
            await pool.withClient(async second => {
                equal(first !== second, true);
                equal(await second.call('PING'), 'PONG');
                equal(pool.get_client_nowait(), null);
            });
        });
        equal(await pool.call('ECHO', 'x'), 'x');
        await pool.withClient(() => Promise.reject(new Error('mine'))).catch(error => equal(error.message, 'mine'));
        equal([pool.size, pool.idle], [2, 2]);
        pool.destroy();
        equal(pool.size, 0);
    },

    async restart(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        let gaps = 0;
        pubSub.connect('gap', () => gaps++);
        await pubSub.subscribe('a');
        await client.call('PING');
        server.restart();
        for (let reply = null; reply === null;)
            reply = await client.call('PING').catch(() => null);
        while (gaps === 0)
            await sleep(10);
        equal(await client.call('PUBLISH', 'a', 'x'), 1);
        equal((await pubSub.pop_message(5)).text, 'x');
    },

    async cancellable(server) {
        const client = makeClient(server);
        const cancellable = new Gio.Cancellable();
        const command = Tornadis.Command.new_strv(['BLPOP', 'nothing', '1']);
        const cancelled = new Promise(resolve => client.call_async(command, cancellable, (source, result) => {
            try {
                source.call_finish(result);
            } catch (error) {
                resolve(error);
            }
        }));
        await sleep(50);
        cancellable.cancel();
        equal((await cancelled).matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED), true);
        equal(await client.call('ECHO', 'mine'), 'mine');
    },

    async tooDeep(server) {
        const client = makeClient(server);
        // Deeper than the engine's stack, within what the reader takes.
        const script = 'local a = {} local b = a for i = 1, 7000 do b[1] = {} b = b[1] end return a';
        const outcome = await client.call('EVAL', script, '0').then(() => 'value', () => 'error');
        equal(['value', 'error'].includes(outcome), true);
        equal(await client.call('ECHO', 'mine'), 'mine');
    },

    async messagesEnd(server) {
        const pubSub = new Tornadis.PubSubClient(options(server));
        await pubSub.subscribe('a');
        const reading = (async () => {
            const messages = [];
            for await (const message of pubSub.messages())
                messages.push(message);
            return messages;
        })();
        await sleep(20);
        await pubSub.unsubscribe('a');
        equal(await reading, []);
    },

    async values() {
        const reply = Tornadis.Reply.new_from_resp(new GLib.Bytes(new TextEncoder().encode('%1\r\n+k\r\n*2\r\n:1\r\n#t\r\n')));
        equal(reply.unpack(), new Map([['k', [1, true]]]));
        const command = Tornadis.Command.new('SET');
        command.append_string('k');
        command.append_bytes(new Uint8Array([0]));
        command.append_int64(-5);
        equal(command.get_n_args(), 4);
        equal(command.get_arg(2).toArray(), new Uint8Array([0]));
    },
});
