// SPDX-License-Identifier: LGPL-2.1-or-later
// Libraries of functions: loaded when they are missing, replaced when they are older.

import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, finish, rejects} from './tap.js';

const HEAD = '#!lua name=stock\n';
const TAKE = "redis.register_function('take', function(keys, args) return redis.call('DECRBY', keys[1], args[1]) end)\n";
const LEFT = `redis.register_function{
  function_name = 'left', callback = function(keys) return redis.call('GET', keys[1]) end, flags = {'no-writes'}
}`;
const makeClient = server => new Tornadis.Client({unix_domain_socket: server.get_socket_path()});

export default {
    async call(server) {
        const client = makeClient(server);
        const stock = Tornadis.FunctionLibrary.new(HEAD + TAKE + LEFT, 1);
        equal(await stock.call(client, 'take', ['apples'], 2), -2);
        await client.call('FUNCTION', 'FLUSH');
        equal(await stock.call_read_only(client, 'left', [new TextEncoder().encode('apples')], {timeout: 60}), '-2');
        const pool = new Tornadis.ClientPool({template: client});
        equal(await stock.call(pool, 'take', ['apples'], 1), -3);
        pool.destroy();
        equal(String(stock), '<Tornadis.FunctionLibrary stock, version 1>');
    },

    async ensure(server) {
        const client = makeClient(server);
        const first = new Tornadis.FunctionLibrary({code: HEAD + TAKE, version: 1});
        const second = new Tornadis.FunctionLibrary({code: HEAD + TAKE + LEFT, version: 2});
        equal([first.code, first.version], [HEAD + TAKE, 1]);
        equal(await first.ensure(client) === first, true);
        await second.ensure(client, {timeout: 60});
        await first.ensure(client);
        const [library] = await client.call('FUNCTION', 'LIST', 'WITHCODE');
        equal(library.get('library_code').endsWith('\n-- tornadis-version: 2'), true);
    },

    async errors(server) {
        const client = makeClient(server);
        await rejects(Tornadis.ClientError, Tornadis.FunctionLibrary.new(TAKE, 1).ensure(client), Tornadis.Error.USAGE);
        await rejects(Tornadis.ReplyError, Tornadis.FunctionLibrary.new(`${HEAD}no Lua`, 1).ensure(client));
        const stock = Tornadis.FunctionLibrary.new(HEAD + TAKE, 1);
        const error = await rejects(Tornadis.ReplyError, stock.call(client, 'left', ['apples']));
        equal(error.message, 'ERR Function not found');
        await rejects(Tornadis.ReplyError, stock.call_read_only(client, 'take', ['apples'], 1));
        await rejects(TypeError, stock.call(client, 'take', 'apples', 1));
        await rejects(TypeError, stock.call(client, 'take', [null], 1));
        await rejects(TypeError, stock.ensure(client, 1));
    },

    async asInC(server) {
        const client = makeClient(server);
        const stock = Tornadis.FunctionLibrary.new(HEAD + TAKE + LEFT, 3);
        equal([stock.get_name(), stock.get_code(), stock.get_version()], ['stock', HEAD + TAKE + LEFT, 3]);
        equal(await finish(stock, 'ensure', client, null), true);
        equal((await finish(stock, 'call', client, stock.create_command('take', 1, ['apples', '4']), null)).unpack(), -4);
        const command = stock.create_read_only_command('left', 1, ['apples']);
        equal((await finish(stock, 'call', client, command, null)).unpack(), '-4');
    },
};
