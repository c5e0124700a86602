// SPDX-License-Identifier: LGPL-2.1-or-later
// The plugin mock: no test here has a server for its clients.

import GLib from 'gi://GLib';
import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, logging, rejects} from './tap.js';

const {Variant} = GLib;

function makeMocked() {
    const client = new Tornadis.Client({port: 1});
    return [client, client.add_plugin_by_name('mock')];
}

export default {
    async answers() {
        const [client, mock] = makeMocked();
        mock.answers = new Variant('a{sv}', {
            'GET name': new Variant('s', 'Ann'),
            'GET *': new Variant('()', []),
            'HGETALL *': new Variant('a{ss}', {k: 'v'}),
            'LPUSH *': new Variant('(ss)', ['WRONGTYPE', 'not a list']),
            'INCR *': new Variant('(ss)', ['error', 'LOST']),
        });
        equal([await client.call('GET', 'name'), await client.call('GET', 'x')], ['Ann', null]);
        equal(await client.call('HGETALL', 'h'), new Map([['k', 'v']]));
        equal((await rejects(Tornadis.ReplyError, client.call('LPUSH', 'l', 1))).prefix, 'WRONGTYPE');
        await rejects(Tornadis.ConnectionError, client.call('INCR', 'n'), Tornadis.Error.LOST);
        await rejects(Tornadis.ClientError, client.call('DEL', 'n'), Tornadis.Error.PLUGIN);
        equal(mock.n_calls, 6);
        equal(mock.calls.deepUnpack().slice(0, 2), [['GET', 'name'], ['GET', 'x']]);
        mock.emit('clear');
        equal([mock.n_calls, mock.calls.deepUnpack()], [0, []]);
        equal(client.protocol_version, 0);
    },

    async handlers() {
        const [client, mock] = makeMocked();
        const kept = [];
        mock.connect('answer', () => {});
        mock.connect('answer', () => null);
        mock.connect('answer::ECHO', (object, command) => {
            kept.push(command);
            return command.get_n_args() === 2
                ? Tornadis.Reply.new_from_variant(new Variant('ay', command.get_arg(1).toArray())) : null;
        });
        for (let i = 0; i < 100; i++)
            equal(await client.call('ECHO', i), `${i}`);
        imports.system.gc();
        equal(kept.slice(0, 3).map(command => new TextDecoder().decode(command.get_arg(1).toArray())), ['0', '1', '2']);
        await rejects(Tornadis.ClientError, client.call('ECHO'));
        mock.connect('answer::GET', () => {
            throw new Error('in a handler');
        });
        await logging(GLib.LogLevelFlags.LEVEL_CRITICAL, 1, 'in a handler', async () => {
            await rejects(Tornadis.ClientError, client.call('GET', 'k'));
        });
    },

    async script() {
        const [client, mock] = makeMocked();
        mock.delay_msec = 1;
        mock.script = new Variant('a(sv)', [['GET n', new Variant('i', 1)], ['GET n', new Variant('i', 2)]]);
        equal(await Promise.all([client.call('GET', 'n'), client.call('GET', 'n')]), [1, 2]);
        equal(mock.script.deepUnpack(), []);
        await rejects(Tornadis.ClientError, client.call('GET', 'n'));
    },

    async pipeline() {
        const [client, mock] = makeMocked();
        mock.answers = new Variant('a{ss}', {'GET *': 'v', 'SET *': 'OK'});
        const pipeline = new Tornadis.Pipeline({atomic: true});
        pipeline.stack_call('SET', 'a', 'v');
        pipeline.stack_call('GET', 'a');
        equal(await client.call(pipeline), ['OK', 'v']);
        equal(mock.n_calls, 2);
    },

    async fault15Refused() {
        const [client, mock] = makeMocked();
        mock.answers = new Variant('a{ss}', {'*': 'OK'});
        for (const words of [['SUBSCRIBE', 'news'], ['HELLO', 3], ['CLIENT', 'REPLY', 'OFF'], [new Tornadis.Pipeline()]])
            await rejects(Tornadis.ClientError, client.call(...words), Tornadis.Error.USAGE);
        equal(mock.n_calls, 0);
    },

    async fault15Connects() {
        const [client, mock] = makeMocked();
        mock.answers = new Variant('a{ss}', {PING: 'PONG'});
        mock.script = new Variant('a(s(ss))', [['HELLO', ['error', 'CONNECT']]]);
        await rejects(Tornadis.ConnectionError, client.connect_client(), Tornadis.Error.CONNECT);
        equal(await client.connect_client(), client);
        equal([client.connected, client.state], [true, Tornadis.ClientState.CONNECTED]);
        client.close();
        equal(client.connected, false);
        const pool = Tornadis.ClientPool.new(client);
        equal(await pool.withClient(taken => taken.call('PING')), 'PONG');
        equal(await pool.call('PING'), 'PONG');
        equal([pool.size, pool.idle], [1, 1]);
    },

    async fault15Transactions() {
        const [client, mock] = makeMocked();
        mock.answers = new Variant('a{sv}', {
            '*': new Variant('s', 'OK'),
            'NOPE': new Variant('(ss)', ['ERR', 'unknown command']),
        });
        const transaction = new Tornadis.Pipeline({atomic: true});
        transaction.stack_call('SET', 'a', 1);
        mock.script = new Variant('a(sv)', [['EXEC', new Variant('()', [])]]);
        equal(await client.call('WATCH', 'a'), 'OK');
        equal(await client.call(transaction), null);
        equal(await client.call(transaction), ['OK']);
        transaction.stack_call('NOPE');
        equal((await rejects(Tornadis.ReplyError, client.call(transaction))).prefix, 'EXECABORT');
        equal([await client.call('MULTI'), await client.call('GET', 'a'), await client.call('EXEC')], ['OK', 'QUEUED', ['OK']]);
    },
};
