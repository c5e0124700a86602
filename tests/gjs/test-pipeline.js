// SPDX-License-Identifier: LGPL-2.1-or-later
// Pipelines and transactions.

import GObject from 'gi://GObject';
import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, finish, rejects, throws} from './tap.js';

const makeClient = server => new Tornadis.Client({unix_domain_socket: server.get_socket_path()});

export default {
    async pipeline(server) {
        const client = makeClient(server);
        const pipeline = new Tornadis.Pipeline();
        await rejects(Tornadis.ClientError, client.call(pipeline), Tornadis.Error.USAGE);
        pipeline.stack_call('SET', 'foo', 'bar');
        pipeline.stack_call('GET', 'foo');
        pipeline.stack_call('LPUSH', 'foo', 1);
        equal(pipeline.number_of_stacked_calls, 3);
        const replies = await client.call(pipeline);
        equal(replies.slice(0, 2), ['OK', 'bar']);
        equal(replies[2] instanceof Tornadis.ReplyError, true);
        equal(replies[2].prefix, 'WRONGTYPE');
    },

    async stack(server) {
        const client = makeClient(server);
        const pipeline = Tornadis.Pipeline.new();
        const another = new Tornadis.Pipeline();
        for (const each of [pipeline, another]) {
            each.stack_call('ECHO', 0);
            each.stack_strv(['ECHO', '1']);
            each.stack_call('ECHO', new Uint8Array([255]));
            each.stack_call('ECHO', 'x'.repeat(20000));
            each.stack_command(Tornadis.Command.new_strv(['ECHO', '4']));
            each.stack_call(Tornadis.Command.new_strv(['ECHO', '5']));
            each.stack_call('ECHO', 6);
            for (const bad of [null, undefined, {}])
                throws(TypeError, () => each.stack_call('ECHO', bad));
            equal(each.number_of_stacked_calls, 7);
            equal(each.numberOfStackedCalls, 7);
            equal(each['number-of-stacked-calls'], 7);
            const value = new GObject.Value();
            value.init(GObject.TYPE_UINT);
            each.get_property('number-of-stacked-calls', value);
            equal(value.get_uint(), 7);
            equal(each.get_number_of_stacked_calls(), 7);
            equal(each.get_command(6).get_arg(1).toArray(), new Uint8Array([54]));
            equal(each.get_command(7), null);
            const expected = ['0', '1', new Uint8Array([255]), 'x'.repeat(20000), '4', '5', '6'];
            equal(await client.call(each), expected);
            equal(await client.call(each), expected);
            each.stack_call('ECHO', 7);
            each.clear();
            equal(each.number_of_stacked_calls, 0);
            each.stack_call('ECHO', 0);
            each.stack_commands(['1', '2'].map(text => Tornadis.Command.new_strv(['ECHO', text])));
            each.stack_call('ECHO', 3);
            equal(await client.call(each), ['0', '1', '2', '3']);
            equal(each.get_commands().map(command => command.get_arg(1).toArray()[0]), [48, 49, 50, 51]);
        }
    },

    async ways(server) {
        const client = makeClient(server);
        const pool = new Tornadis.ClientPool({template: client});
        const submitted = pipeline => new Promise((resolve, reject) => {
            client.submit_pipeline(pipeline, (_, reply, error) => error ? reject(error) : resolve(reply.unpack()));
        });
        const called = pipeline => new Promise((resolve, reject) => {
            client.async_call(pipeline, result => result instanceof Error ? reject(result) : resolve(result));
        });
        const ways = [
            pipeline => client.call(pipeline),
            called,
            submitted,
            pipeline => finish(client, 'call_pipeline', pipeline, null).then(reply => reply.unpack()),
            pipeline => pool.call(pipeline),
            pipeline => finish(pool, 'call_pipeline', pipeline, null).then(reply => reply.unpack()),
        ];
        for (const send of ways) {
            const pipeline = new Tornadis.Pipeline();
            pipeline.stack_call('ECHO', 'a');
            equal(await send(pipeline), ['a']);
            pipeline.stack_call('ECHO', 'b');
            equal(await send(pipeline), ['a', 'b']);
        }
    },

    async changedWhileUnderWay(server) {
        const client = makeClient(server);
        const pipeline = new Tornadis.Pipeline();
        pipeline.stack_call('ECHO', 'a');
        const first = client.call(pipeline);
        pipeline.stack_call('ECHO', 'b');
        const second = client.call(pipeline);
        pipeline.clear();
        equal(await first, ['a']);
        equal(await second, ['a', 'b']);
    },

    async many(server) {
        const client = makeClient(server);
        const pipeline = new Tornadis.Pipeline();
        const wanted = [...Array(5000).keys()].map(String);
        for (const each of wanted)
            pipeline.stack_call('ECHO', each);
        equal(await client.call(pipeline), wanted);
    },

    async transaction(server) {
        const client = makeClient(server);
        const other = makeClient(server);
        const pipeline = new Tornadis.Pipeline({atomic: true});
        equal([pipeline.atomic, pipeline.get_atomic()], [true, true]);
        pipeline.stack_call('INCR', 'n');
        pipeline.stack_call('INCR', 'n');
        equal(await client.call(pipeline), [1, 2]);
        await client.call('WATCH', 'n');
        await other.call('SET', 'n', 10);
        equal(await client.call(pipeline), null);
        pipeline.stack_call('LPUSH', 'n', 1);
        const replies = await client.call(pipeline);
        equal([replies[0], replies[1], replies[2].prefix], [11, 12, 'WRONGTYPE']);
        pipeline.stack_call('NOSUCHCOMMAND');
        equal((await rejects(Tornadis.ReplyError, client.call(pipeline))).prefix, 'EXECABORT');
        equal(await client.call('GET', 'n'), '12');
        pipeline.set_atomic(false);
        equal(pipeline.atomic, false);
        equal((await client.call(pipeline)).length, 4);
    },
};
