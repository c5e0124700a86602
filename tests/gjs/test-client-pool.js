// SPDX-License-Identifier: LGPL-2.1-or-later
// Pools of clients.

import GLib from 'gi://GLib';
import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, finish, rejects, sleep, until} from './tap.js';

const makeClient = server => new Tornadis.Client({unix_domain_socket: server.get_socket_path()});
const makePool = (server, properties = {}) => new Tornadis.ClientPool({template: makeClient(server), ...properties});

export default {
    async withClient(server) {
        const pool = makePool(server, {max_size: 2});
        equal(await pool.preconnect(), pool);
        equal([pool.size, pool.idle], [2, 2]);
        const value = await pool.withClient(async first => {
            await pool.withClient(async second => {
                equal(first !== second, true);
                equal(await second.call('PING'), 'PONG');
                equal(pool.get_client_nowait(), null);
            });
            return 'value';
        });
        equal(value, 'value');
        await pool.withClient(() => Promise.reject(new Error('mine'))).catch(error => equal(error.message, 'mine'));
        await pool.withClient(() => {
            throw new Error('mine');
        }).catch(error => equal(error.message, 'mine'));
        equal([pool.size, pool.idle], [2, 2]);
        pool.destroy();
        equal(pool.size, 0);
    },

    async inTurn(server) {
        const pool = makePool(server, {max_size: 1});
        const order = [];
        await Promise.all([...Array(20).keys()].map(i => pool.withClient(async client => {
            order.push(i);
            await client.call('PING');
        })));
        equal(order, [...Array(20).keys()]);
        equal([pool.size, pool.idle, pool.waiting], [1, 1, 0]);
    },

    async call(server) {
        const pool = makePool(server, {max_size: 3});
        const calls = [...Array(50).keys()].map(i => pool.call('ECHO', i));
        equal(await Promise.all(calls), [...Array(50).keys()].map(String));
        equal(await pool.call('ECHO', new Uint8Array([255])), new Uint8Array([255]));
        equal(await pool.call(Tornadis.Command.new_strv(['ECHO', 'x'])), 'x');
        equal((await rejects(Tornadis.ReplyError, pool.call('INCR'))).prefix, 'ERR');
        await rejects(TypeError, pool.call('ECHO', null));
        const pipeline = new Tornadis.Pipeline();
        pipeline.stack_call('SET', 'k', 1);
        pipeline.stack_call('INCR', 'k');
        equal(await pool.call(pipeline), ['OK', 2]);
    },

    async take(server) {
        const pool = makePool(server, {max_size: 1});
        const client = await pool.get_connected_client();
        equal(client.connected, true);
        const waiting = pool.get_connected_client();
        equal(pool.waiting, 1);
        pool.release_client(client);
        equal(await waiting === client, true);
        const ended = rejects(Tornadis.ConnectionError, pool.get_connected_client(), Tornadis.Error.CLOSED);
        pool.destroy();
        await ended;
        pool.release_client(client);
        equal(pool.size, 0);
        const another = pool.get_client_nowait();
        equal(await another.call('PING'), 'PONG');
        pool.release_client(another);
    },

    async releasedUnderWay(server) {
        const pool = makePool(server, {max_size: 1});
        const client = await pool.get_connected_client();
        const call = rejects(Tornadis.ConnectionError, client.call('BLPOP', 'nothing', 5));
        pool.release_client(client);
        // It has a call under way: nobody else gets it.
        const another = await pool.get_connected_client();
        equal(another !== client, true);
        equal(await another.call('PING'), 'PONG');
        await call;
    },

    async fault14Plugins(server) {
        const template = makeClient(server);
        const retry = template.add_plugin_by_name('retry');
        const metrics = template.add_plugin_by_name('metrics');
        Object.assign(retry, {max_attempts: 1000, max_delay_msec: 10});
        const ways = [
            [pool => pool.call('PING'), 'PONG'],
            [pool => pool.withClient(client => client.call('PING')), 'PONG'],
            [pool => pool.preconnect(2).then(({size}) => size), 2],
            [pool => pool.template.connect_client(), template],
        ];
        for (const [way, expected] of ways) {
            const pool = Tornadis.ClientPool.new(template);
            const before = retry.retries;
            server.kill();
            const failures = metrics.failures;
            GLib.timeout_add(GLib.PRIORITY_DEFAULT, 50, () => {
                server.restart();
                return GLib.SOURCE_REMOVE;
            });
            equal(await way(pool), expected);
            equal(retry.retries > before, true);
            // And what is asked in the background.
            equal(metrics.failures - failures >= retry.retries - before, true);
            template.close();
        }
    },

    async properties(server) {
        const template = makeClient(server);
        const pool = new Tornadis.ClientPool({template, max_size: 5, client_timeout: 9, autoclose: true});
        equal([pool.template, pool.max_size, pool.client_timeout, pool.autoclose], [template, 5, 9, true]);
        pool.client_timeout = 0;
        pool.autoclose = false;
        pool.max_size = 1;
        equal([pool.max_size, pool.client_timeout, pool.autoclose], [1, 0, false]);
        const first = await pool.withClient(client => client.call('CLIENT', 'ID'));
        const second = await pool.withClient(client => client.call('CLIENT', 'ID'));
        equal(first !== second, true);
        equal(Tornadis.ClientPool.new(template).max_size, -1);
        await rejects(Tornadis.ClientError, Tornadis.ClientPool.new(template).preconnect(), Tornadis.Error.USAGE);
        equal((await Tornadis.ClientPool.new(template).preconnect(2)).idle, 2);
    },

    async plain(server) {
        const pool = makePool(server);
        equal(await finish(pool, 'preconnect', 1, null), true);
        const reply = await finish(pool, 'call', Tornadis.Command.new('PING'), null);
        equal(reply.get_text(), 'PONG');
        const client = await finish(pool, 'get_connected_client', null);
        pool.release_client(client);
        const pipeline = new Tornadis.Pipeline();
        pipeline.stack_strv(['PING']);
        equal((await finish(pool, 'call_pipeline', pipeline, null)).unpack(), ['PONG']);
    },

    async dropped(server) {
        const pool = makePool(server, {max_size: 1});
        let done = false;
        (async () => {
            const client = await pool.get_connected_client();
            await client.call('SET', 'k', 'v');
            done = true;
        })();
        await until(() => done);
        imports.system.gc();
        await sleep(20);
        // The pool keeps what nobody has released.
        equal([pool.size, pool.idle], [1, 0]);
    },
};
