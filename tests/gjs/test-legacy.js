// SPDX-License-Identifier: LGPL-2.1-or-later
// The same story for programs that import with imports.gi.

imports.gi.versions.Tornadis = '1.0';
const {Gio, GLib, GObject, Tornadis} = imports.gi;
const System = imports.system;

const options = server => ({unix_domain_socket: server.get_socket_path()});
const makeClient = server => new Tornadis.Client(options(server));

const Counting = GObject.registerClass({GTypeName: 'TornadisTestLegacyCounting'}, class extends Tornadis.Plugin {
    _init() {
        super._init();
        this.n = 0;
    }

    vfunc_call() {
        this.n++;
        return false;
    }
});

const story = ({equal, finish, rejects, throws, until}) => ({
    async call(server) {
        const client = makeClient(server);
        equal(await client.call('SET', 'k', new Uint8Array([0, 255]), 'EX', 12), 'OK');
        equal(await client.call('GET', 'k'), new Uint8Array([0, 255]));
        equal(await client.call('INCRBY', 'n', 2n ** 60n), 2n ** 60n);
        equal(await client.call('GET', 'nothing'), null);
        await client.call('HSET', 'h', 'a', 1);
        equal(await client.call('HGETALL', 'h'), new Map([['a', '1']]));
        equal(await client.call('ECHO', 'x'.repeat(100000)), 'x'.repeat(100000));
        equal(await client.call('ECHO', '\ud800'), '\ufffd');
        const calls = [...Array(1000).keys()].map(i => client.call('ECHO', i));
        equal(await Promise.all(calls), [...Array(1000).keys()].map(String));
        await rejects(TypeError, client.call('GET', null));
    },

    async errors(server) {
        const client = makeClient(server);
        await client.call('SET', 'k', 'v');
        const error = await rejects(Tornadis.ReplyError, client.call('LPUSH', 'k', 'x'));
        equal([error.prefix, error.code, error instanceof Error], ['WRONGTYPE', Tornadis.Error.REPLY, true]);
        client.close();
        const nowhere = new Tornadis.Client({host: '127.0.0.1', port: 1});
        await rejects(Tornadis.ConnectionError, nowhere.call('PING'), Tornadis.Error.CONNECT);
        throws(Tornadis.ClientError, () => Tornadis.Client.new_for_uri('http://a'), Tornadis.Error.USAGE);
    },

    async callbacks(server) {
        const client = makeClient(server);
        const results = [];
        client.async_call('SET', 'k', 'v', result => results.push(result));
        client.async_call('INCR', 'k', result => results.push(result.prefix));
        await until(() => results.length === 2);
        equal(results, ['OK', 'ERR']);
    },

    async pipeline(server) {
        const client = makeClient(server);
        const pipeline = new Tornadis.Pipeline({atomic: true});
        pipeline.stack_call('SET', 'foo', 'bar');
        pipeline.stack_call('GET', 'foo');
        equal(pipeline.number_of_stacked_calls, 2);
        equal(await client.call(pipeline), ['OK', 'bar']);
    },

    async pubSub(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        const seen = [];
        pubSub.connect('message::news', (_, message) => seen.push(message.text));
        await pubSub.subscribe('news', 'other');
        await client.call('PUBLISH', 'news', 'a');
        await client.call('PUBLISH', 'other', 'b');
        for await (const message of pubSub.messages()) {
            equal([message.channel, message.text], ['other', 'b']);
            break;
        }
        equal(seen, ['a']);
    },

    async pool(server) {
        const pool = new Tornadis.ClientPool({template: makeClient(server), max_size: 1});
        equal(await pool.withClient(client => client.call('PING')), 'PONG');
        equal(await pool.call('ECHO', 'x'), 'x');
    },

    async plugin(server) {
        const client = makeClient(server);
        const plugin = new Counting();
        client.add_plugin(plugin);
        await client.call('PING');
        equal(plugin.n, 1);
    },

    async cancellable(server) {
        const client = makeClient(server);
        const cancellable = new Gio.Cancellable();
        const called = finish(client, 'call', Tornadis.Command.new('PING'), cancellable);
        cancellable.cancel();
        const error = await rejects(GLib.Error, called);
        equal(error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED), true);
    },
});

const loop = new GLib.MainLoop(null, false);
let failed = 1;
import('./tap.js')
    .then(async tap => (failed = await tap.run(story(tap))))
    .catch(logError)
    .finally(() => loop.quit());
loop.run();
System.exit(failed ? 1 : 0);
