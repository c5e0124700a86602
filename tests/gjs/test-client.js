// SPDX-License-Identifier: LGPL-2.1-or-later
// The same story as the C tests, through introspection and the override.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Tornadis from 'gi://Tornadis?version=1.0';
import TornadisHarness from 'gi://TornadisHarness?version=0';

import {countBlocked, equal, finish, rejects, throws, until} from './tap.js';

const options = server => ({unix_domain_socket: server.get_socket_path()});
const makeClient = server => new Tornadis.Client(options(server));

export default {
    async call(server) {
        const client = makeClient(server);
        equal(await client.call('PING'), 'PONG');
        equal(await client.call('SET', 'k', new Uint8Array([0, 255]), 'EX', 100), 'OK');
        equal(await client.call('GET', 'k'), new Uint8Array([0, 255]));
        equal(await client.call('SET', 'k', new Uint8Array([0]), 12).catch(error => error.prefix), 'ERR');
        equal(await client.call('INCR', 'n'), 1);
        equal(await client.call('INCRBY', 'n', 2n ** 60n), 2n ** 60n + 1n);
        equal(await client.call('GET', 'nothing'), null);
        equal(await client.call('HSET', 'h', '__proto__', 1, 'constructor', true), 2);
        equal(await client.call('HGETALL', 'h'), new Map([['__proto__', '1'], ['constructor', '1']]));
        equal(await client.call('LRANGE', 'nothing', 0, -1), []);
    },

    async disposedSilently(server) {
        const told = [];
        const watch = (object, ...names) => names.forEach(name => object.connect(name, () => {
            told.push(`${object.constructor.name}::${name}`);
        }));
        const client = makeClient(server);
        watch(client, 'disconnected', 'notify');
        await client.call('PING');
        equal(told.includes('Tornadis_Client::notify'), true);
        const pubsub = new Tornadis.PubSubClient(options(server));
        watch(pubsub, 'disconnected', 'notify', 'subscription-removed', 'gap', 'overflow');
        await pubsub.subscribe('news');
        const pool = new Tornadis.ClientPool({template: makeClient(server)});
        const pooled = await pool.get_connected_client();
        watch(pooled, 'disconnected', 'notify');
        pool.release_client(pooled);
        watch(pool, 'notify');
        told.length = 0;

        const sent = client.call('BLPOP', 'nothing', 0);
        await until(() => countBlocked(server) === 1);
        [client, pubsub, pool].forEach(each => each.run_dispose());
        await rejects(Tornadis.ConnectionError, sent, Tornadis.Error.LOST);
        await until(() => countBlocked(server) === 0);
        equal(told, []);
        equal(pooled.is_connected(), false);
    },

    async arguments(server) {
        const client = makeClient(server);
        for (const bad of [null, undefined, [1], {a: 1}, Symbol('s'), () => 1, new ArrayBuffer(1)]) {
            await rejects(TypeError, client.call('SET', 'k', bad, 'PX'));
            throws(TypeError, () => client.async_call('SET', 'k', bad, 'PX'));
        }
        await rejects(TypeError, client.call(Tornadis.Command.new('PING'), 'x'));
        equal(client.is_connected(), false);
        await rejects(Tornadis.ClientError, client.call(), Tornadis.Error.USAGE);
        await rejects(Tornadis.ClientError, client.call(''), Tornadis.Error.REPLY);
    },

    async errors(server) {
        const client = makeClient(server);
        await client.call('SET', 'k', 'v');
        const error = await rejects(Tornadis.ReplyError, client.call('LPUSH', 'k', 'x'));
        equal(error.prefix, 'WRONGTYPE');
        equal(error.name, 'ReplyError');
        equal(error instanceof Tornadis.ClientError, true);
        equal(error instanceof Tornadis.TornadisException && error instanceof Error, true);
        equal(error instanceof Tornadis.ConnectionError, false);
        equal(error.domain, GLib.quark_to_string(Tornadis.error_quark()));
        equal(Tornadis.Error.quark(), Tornadis.error_quark());
        equal(Tornadis.Error.dup_prefix(error.error), 'WRONGTYPE');
        equal(Tornadis.error_dup_prefix(error.error), 'WRONGTYPE');
        equal(new Tornadis.TornadisException('mine').error.message, 'mine');
        await rejects(Tornadis.ClientError, client.call('SUBSCRIBE', 'a'), Tornadis.Error.USAGE);
        const nowhere = new Tornadis.Client({host: '127.0.0.1', port: 1});
        const refused = await rejects(Tornadis.ConnectionError, nowhere.call('PING'));
        equal(refused.error.matches(Tornadis.Error, Tornadis.Error.CONNECT), true);
        equal(Tornadis.Error.dup_prefix(refused.error), null);
    },

    async async_call(server) {
        const client = makeClient(server);
        const results = [];
        client.async_call('SET', 'k', 'v');
        client.async_call('GET', 'k', result => results.push(result));
        client.async_call('LPUSH', 'k', 'x', result => results.push(result));
        client.async_call(Tornadis.Command.new_strv(['ECHO', 'x']), result => results.push(result));
        equal(results, []);
        await until(() => results.length === 3);
        equal(results[0], 'v');
        equal(results[1] instanceof Tornadis.ReplyError, true);
        equal(results[2], 'x');
    },

    async connect(server) {
        const client = new Tornadis.Client({...options(server), autoconnect: false});
        await rejects(Tornadis.ConnectionError, client.call('PING'), Tornadis.Error.CLOSED);
        equal(await client.connect_client(), client);
        equal(await client.connect_client(), client);
        equal(await client.call('PING'), 'PONG');
        client.close();
        client.close();
        equal(client.is_connected(), false);
        const nowhere = new Tornadis.Client({host: '127.0.0.1', port: 1});
        await rejects(Tornadis.ConnectionError, nowhere.connect_client(), Tornadis.Error.CONNECT);
    },

    async constructors(server) {
        const byUri = Tornadis.Client.new_for_uri(`redis://127.0.0.1:${server.get_port()}/4?client-name=js`);
        equal(await byUri.call('CLIENT', 'GETNAME'), 'js');
        equal(byUri.db, 4);
        const error = throws(Tornadis.ClientError, () => Tornadis.Client.new_for_uri('http://a'));
        equal(error.code, Tornadis.Error.USAGE);
        equal(await Tornadis.Client.new('127.0.0.1', server.get_port()).call('PING'), 'PONG');
        equal(await Tornadis.Client.new_for_unix_socket(server.get_socket_path()).call('PING'), 'PONG');
    },

    async fault01UsernameAlone(server) {
        await makeClient(server).call('ACL', 'SETUSER', 'reader', 'reset', 'on', 'nopass', '+@all');
        const port = server.get_port();
        for (const client of [
            Tornadis.Client.new_for_uri(`redis://reader@127.0.0.1:${port}`),
            Tornadis.Client.new_for_uri(`redis://reader:@127.0.0.1:${port}?protocol=2`),
            new Tornadis.Client({...options(server), username: 'reader'}),
            new Tornadis.Client({...options(server), username: 'reader', password: ''}),
        ])
            equal(await client.call('ACL', 'WHOAMI'), 'reader');
        for (const client of [
            Tornadis.Client.new_for_uri(`redis://nobody@127.0.0.1:${port}`),
            new Tornadis.Client({...options(server), username: 'nobody'}),
        ])
            await rejects(Tornadis.ConnectionError, client.call('ACL', 'WHOAMI'), Tornadis.Error.AUTHENTICATION);
    },

    async fault06ClientName(server) {
        const client = new Tornadis.Client({...options(server), client_name: 'good'});
        equal(await client.call('CLIENT', 'GETNAME'), 'good');
        throws(Tornadis.ClientError, () => Tornadis.Client.new_for_uri('redis://h?client-name=two%20words'), Tornadis.Error.USAGE);
        await client.call('ACL', 'SETUSER', 'poor', 'reset', 'on', 'nopass', '+ping');
        const poor = new Tornadis.Client({...options(server), username: 'poor', client_name: 'good'});
        equal(await poor.call('PING'), 'PONG');
    },

    async fault09LastWords(server) {
        const peer = TornadisHarness.Peer.new(
            'expect HELLO\nsend "-DENIED Redis is running in protected mode\\r\\n"\nreset\n');
        for (let i = 0; i < 8; i++) {
            const denied = Tornadis.Client.new('127.0.0.1', peer.get_port());
            const error = await rejects(Tornadis.ConnectionError, denied.call('PING'), Tornadis.Error.CONNECT);
            equal(error.message.includes('The server said: DENIED Redis is running in protected mode'), true);
        }

        await makeClient(server).call('CONFIG', 'SET', 'requirepass', 'secret');
        const error = await rejects(Tornadis.ConnectionError, makeClient(server).call('PING'), Tornadis.Error.AUTHENTICATION);
        equal([error.message.includes('requires a password'), error.message.includes('HELLO')], [true, false]);
    },

    async fault18UriPlugins() {
        const uri = 'redis://h?plugins=log,retry&retry.idempotent=SET,DEL';
        for (const kind of [Tornadis.Client, Tornadis.PubSubClient]) {
            const client = kind.new_for_uri_full(uri, Tornadis.UriFlags.ALLOW_PLUGINS);
            const plugins = client.get_plugins();
            equal(plugins.get_n_items(), 2);
            equal(plugins.get_item(1).idempotent, ['SET', 'DEL']);
            throws(Tornadis.ClientError, () => kind.new_for_uri(uri), Tornadis.Error.USAGE);
            throws(Tornadis.ClientError, () => kind.new_for_uri_full(uri, Tornadis.UriFlags.NONE), Tornadis.Error.USAGE);
        }
    },

    async properties(server) {
        const values = {
            aggressive_write: true, autoconnect: false, busy_poll: false, call_timeout_msec: 12000, client_name: 'js', connect_timeout: 7,
            connectable: Gio.UnixSocketAddress.new(server.get_socket_path()), db: 3, host: 'example.invalid',
            max_pending: 100, max_queued_bytes: 1000000, max_reply_size: 2000000, password: null, port: 1,
            protocol: Tornadis.Protocol.RESP2, proxy_resolver: Gio.SimpleProxyResolver.new(null, null),
            read_page_size: 4096, read_timeout: 60, tcp_nodelay: false, tcp_user_timeout_msec: 7000, tls: false,
            tls_certificate: null, tls_database: null, tls_server_identity: null, unix_domain_socket: '/nowhere', username: null,
            verify_replies: 50, write_page_size: 8192,
        };
        const made = new Tornadis.Client(values);
        const client = new Tornadis.Client();
        for (const [name, value] of Object.entries(values)) {
            client[name] = value;
            equal(client[name], value);
            equal(made[name], value);
        }
        equal([client.connected, client.state, client.protocol_version],
            [false, Tornadis.ClientState.DISCONNECTED, 0]);
        await client.connect_client();
        equal([client.connected, client.state, client.protocol_version], [true, Tornadis.ClientState.CONNECTED, 2]);
        equal(typeof client.title, 'string');
        equal(await client.call('CLIENT', 'GETNAME'), 'js');
        equal(await client.call('CONFIG', 'GET', 'port'), ['port', String(server.get_port())]);
        equal((await client.call('CLIENT', 'INFO')).includes(' db=3 '), true);
    },

    async passwords(server) {
        await makeClient(server).call('ACL', 'SETUSER', 'reader', 'on', '>secret', '+@all', '~*');
        const client = new Tornadis.Client({...options(server), username: 'reader', password: 'secret'});
        equal(await client.call('ACL', 'WHOAMI'), 'reader');
        client.close();
        client.password = 'wrong';
        const error = await rejects(Tornadis.ConnectionError, client.call('PING'), Tornadis.Error.AUTHENTICATION);
        equal(error.message.includes('wrong'), false);
    },

    async signals(server) {
        const client = makeClient(server);
        const seen = [];
        client.connect('disconnected', (_, error) => seen.push(error?.code ?? null));
        client.connect('reconnect-scheduled', (_, attempt, delay, error) => seen.push([attempt, error]));
        client.connect('notify::connected', () => seen.push(client.connected));
        await client.call('PING');
        client.close();
        await until(() => seen.length >= 3);
        equal([true, false, null].every(each => seen.includes(each)), true);
        seen.length = 0;
        await client.connect_client();
        server.kill();
        await until(() => seen.length >= 3);
        equal(seen.includes(Tornadis.Error.LOST) || seen.includes(Tornadis.Error.CLOSED), true);
        seen.length = 0;
        await rejects(Tornadis.ConnectionError, client.call('PING'), Tornadis.Error.CONNECT);
        client.call('PING').catch(() => {});
        await until(() => seen.length > 0);
        // On a busy machine the first wait is over before the second call, which then fails too.
        equal([[1, 2].includes(seen[0][0]), seen[0][1] instanceof GLib.Error], [true, true]);
    },

    async plain(server) {
        const client = makeClient(server);
        const ping = Tornadis.Command.new('PING');
        const reply = await finish(client, 'call', ping, null);
        equal([reply.get_text(), reply.unpack()], ['PONG', 'PONG']);
        const outcome = await new Promise(resolve => {
            client.submit(ping, (each, pong, error) => resolve([each, pong.get_text(), error]));
        });
        equal(outcome[0] === client, true);
        equal(outcome.slice(1), ['PONG', null]);
        client.submit(Tornadis.Command.new_strv(['SET', 'k', 'v']), null);
        const error = await rejects(Tornadis.Error,
            finish(client, 'call', Tornadis.Command.new_strv(['INCR', 'k']), null), Tornadis.Error.REPLY);
        equal(error.matches(Tornadis.Error, Tornadis.Error.REPLY), true);
        const refused = await new Promise(resolve => {
            client.submit(Tornadis.Command.new_strv(['INCR', 'k']), (_, nothing, why) => resolve([nothing, why.code]));
        });
        equal(refused, [null, Tornadis.Error.REPLY]);
    },

    async cancellable(server) {
        const client = makeClient(server);
        const cancellable = new Gio.Cancellable();
        const cancelled = finish(client, 'call', Tornadis.Command.new_strv(['BLPOP', 'list', '0']), cancellable);
        await until(() => countBlocked(server) === 1);
        cancellable.cancel();
        const error = await rejects(GLib.Error, cancelled);
        equal(error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED), true);
        server.command('RPUSH list x');
        equal(await client.call('ECHO', 'mine'), 'mine');
    },

    async bounds(server) {
        const client = new Tornadis.Client({...options(server), max_pending: 10});
        const calls = [...Array(15).keys()].map(i => client.call('ECHO', i).catch(error => error.code));
        const outcomes = await Promise.all(calls);
        equal(outcomes.slice(0, 10), [...Array(10).keys()].map(String));
        equal(outcomes.slice(10), Array(5).fill(Tornadis.Error.BUSY));
        client.call_timeout_msec = 50;
        await rejects(Tornadis.ConnectionError, client.call('BLPOP', 'nothing', 0), Tornadis.Error.TIMEOUT);
    },

    async restart(server) {
        const client = makeClient(server);
        await client.call('PING');
        server.restart();
        await until(async () => await client.call('PING').catch(() => null) === 'PONG');
    },

    async lost() {
        const peer = TornadisHarness.Peer.new('handshake\nexpect GET\nclose\n---\necho-server\n');
        const client = Tornadis.Client.new('127.0.0.1', peer.get_port());
        await rejects(Tornadis.ConnectionError, client.call('GET', 'a'), Tornadis.Error.LOST);
        equal(await client.call('ECHO', 'b').catch(() => client.call('ECHO', 'b')), 'b');
    },

    async subclass(server) {
        const Counting = GObject.registerClass({GTypeName: 'TornadisTestJsCounting'}, class extends Tornadis.Client {
            n = 0;

            count(key) {
                this.n++;
                return this.call('INCR', key);
            }
        });
        const client = new Counting(options(server));
        equal([await client.count('a'), await client.count('a'), client.n], [1, 2, 2]);
    },

    async tls() {
        const server = TornadisHarness.Redis.new_tls(['--tls-auth-clients', 'yes']);
        const client = new Tornadis.Client({
            host: 'localhost', port: server.get_tls_port(), tls: true,
            tls_certificate: Gio.TlsCertificate.new_from_file(server.get_file('client-both.pem')),
            tls_server_identity: Gio.NetworkAddress.new('localhost', 0),
        });
        // The system does not trust the authority of the test.
        await rejects(Tornadis.ConnectionError, client.call('PING'), Tornadis.Error.CONNECT);
        client.tls_database = Gio.TlsFileDatabase.new(server.get_file('ca.pem'));
        equal(await client.call('PING'), 'PONG');
    },

    async repliesAreKept(server) {
        const client = makeClient(server);
        const replies = [];
        for (let i = 0; i < 100; i++)
            client.submit(Tornadis.Command.new_strv(['ECHO', String(i)]), (_, reply) => replies.push(reply));
        await until(() => replies.length === 100);
        equal(replies.map(reply => reply.get_text()), [...Array(100).keys()].map(String));
    },

    /** The name of the first is longer each time: what is told of them is made longer at any point of it once. */
    async manyFailTogether(server) {
        const client = makeClient(server);
        for (let length = 1; length <= 200; length++) {
            const calls = [client.call('X'.repeat(length))];
            for (let i = 0; i < 50; i++)
                calls.push(client.call('ECHO', 'text'));
            client.close();
            for (const outcome of await Promise.allSettled(calls))
                equal(outcome.status, 'rejected');
        }
    },
};
