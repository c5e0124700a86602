// SPDX-License-Identifier: LGPL-2.1-or-later
// Scripts: by their digest, with their source when the server has none, in pipelines and with options.

import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, finish, rejects} from './tap.js';

const COUNT = "return redis.call('INCRBY', KEYS[1], ARGV[1])";
const makeClient = server => new Tornadis.Client({unix_domain_socket: server.get_socket_path()});

export default {
    async call(server) {
        const client = makeClient(server);
        const count = Tornadis.Script.new(COUNT, 1);
        equal(await count.call(client, 'n', 2), 2);
        equal(await count.call(client, new Uint8Array([110]), 3), 5);
        equal(await client.call('SCRIPT', 'EXISTS', count.digest), [1]);
        await client.call('SCRIPT', 'FLUSH');
        equal(await count.call(client, 'n', 1, {timeout: 60}), 6);
        const pool = new Tornadis.ClientPool({template: client});
        equal(await count.call(pool, 'n', 1), 7);
        pool.destroy();
        equal(String(count), `<Tornadis.Script of 1 key, ${count.digest}>`);
    },

    async pipeline(server) {
        const client = makeClient(server);
        const count = new Tornadis.Script({source: COUNT, n_keys: 1});
        for (const atomic of [false, true]) {
            const pipeline = new Tornadis.Pipeline({atomic});
            pipeline.stack_call('SET', 'n', 1);
            count.stack(pipeline, 'n', 2);
            count.stack(pipeline, 'n', 3);
            equal(await count.call_pipeline(client, pipeline), ['OK', 3, 6]);
            equal(await client.call(pipeline), ['OK', 3, 6]);
        }
    },

    async asInC(server) {
        const client = makeClient(server);
        const count = Tornadis.Script.new(COUNT, 1);
        equal([count.get_source(), count.get_n_keys(), count.get_read_only(), count.get_digest()], [COUNT, 1, false, null]);
        const command = count.create_command(['n', '2']);
        equal((await finish(count, 'call', client, command, null)).unpack(), 2);
        const pipeline = new Tornadis.Pipeline();
        pipeline.stack_command(command);
        pipeline.stack_command(command);
        equal((await finish(count, 'call_pipeline', client, pipeline, null)).unpack(), [4, 6]);
    },

    async errors(server) {
        const client = makeClient(server);
        const fails = Tornadis.Script.new("return redis.error_reply('MINE of my own')", 0);
        const error = await rejects(Tornadis.ReplyError, fails.call(client));
        equal(error.prefix, 'MINE');
        const writes = new Tornadis.Script({source: "return redis.call('SET', KEYS[1], 1)", n_keys: 1, read_only: true});
        await rejects(Tornadis.ReplyError, writes.call(client, 'n'));
        await rejects(Tornadis.ClientError, Tornadis.Script.new(COUNT, 2).call(client, 'n'));
        await rejects(TypeError, fails.call(client, null));
    },
};
