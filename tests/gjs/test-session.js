// SPDX-License-Identifier: LGPL-2.1-or-later
// What a server keeps for a connection, and what becomes of it when the connection is lost or handed on.

import Gio from 'gi://Gio';
import Tornadis from 'gi://Tornadis?version=1.0';

import {countBlocked, equal, rejects, until} from './tap.js';

const makeClient = (server, options = {}) => new Tornadis.Client({unix_domain_socket: server.get_socket_path(), ...options});

async function cut(server, client) {
    server.command(`CLIENT KILL ID ${client.connection_id}`);
    await until(() => !client.is_connected());
}

export default {
    async fault02Pristine(server) {
        const pool = Tornadis.ClientPool.new(makeClient(server));
        for (const commands of [[['MULTI'], ['SELECT', 5], ['EXEC']], [['CLIENT', 'SETNAME', 'billing']],
            [['CLIENT', 'TRACKING', 'ON']], [['WATCH', 'k']]]) {
            let client = await pool.get_connected_client();
            const before = client.connection_id;
            for (const command of commands)
                await client.call(...command);
            pool.release_client(client);
            client = await pool.get_connected_client();
            equal(client.connection_id === before, false);
            equal(/ db=0 /.test(await client.call('CLIENT', 'INFO')), true);
            pool.release_client(client);
        }
    },

    async fault03WatchLost(server) {
        const client = makeClient(server);
        const other = makeClient(server);
        const transaction = new Tornadis.Pipeline({atomic: true});
        transaction.stack_call('SET', 'stock', 0);
        await other.call('SET', 'stock', 1);
        await client.call('WATCH', 'stock');
        equal(await client.call('GET', 'stock'), '1');
        equal([client.in_transaction, client.is_in_transaction()], [true, true]);
        await cut(server, client);
        await other.call('SET', 'stock', 100);
        await rejects(Tornadis.ConnectionError, client.call(transaction), Tornadis.Error.LOST);
        equal(await other.call('GET', 'stock'), '100');
        equal(client.in_transaction, false);
        await client.call('WATCH', 'stock');
        equal(await client.call(transaction), ['OK']);
    },

    async fault03MultiLost(server) {
        const client = makeClient(server);
        await client.call('MULTI');
        await client.call('INCR', 'n');
        await cut(server, client);
        for (const command of [['INCR', 'n'], ['GET', 'n'], ['EXEC']])
            await rejects(Tornadis.ConnectionError, client.call(...command), Tornadis.Error.LOST);
        equal(await client.call('INCR', 'n'), 1);
    },

    async fault10Protocol(server) {
        const client = makeClient(server, {max_reply_size: 65536});
        await client.call('SET', 'large', 'x'.repeat(100000));
        await rejects(Tornadis.TornadisException, client.call('GET', 'large'), Tornadis.Error.PROTOCOL);
    },

    async fault17GivenUp(server) {
        const client = makeClient(server);
        const cancellable = new Gio.Cancellable();
        let ended = false;
        client.call_async(Tornadis.Command.new_strv(['BLPOP', 'list', '0']), cancellable, () => (ended = true));
        await until(() => countBlocked(server) === 1);
        cancellable.cancel();
        await until(() => ended && countBlocked(server) === 0);
        equal(await client.call('RPUSH', 'list', 'x'), 1);
        equal(await client.call('LPOP', 'list'), 'x');
    },

    async settled(server) {
        const client = makeClient(server);
        await client.call('PING');
        await client.call('SELECT', 3);
        equal([client.session_settled, client.is_session_settled(), client.db], [true, true, 3]);
    },
};
