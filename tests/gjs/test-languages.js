// SPDX-License-Identifier: LGPL-2.1-or-later
// What every language has alike, under names of its own: docs/languages.md has the table.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Tornadis from 'gi://Tornadis?version=1.0';
import TornadisHarness from 'gi://TornadisHarness?version=0';

import {countBlocked, equal, rejects, throws, until} from './tap.js';

const options = server => ({unix_domain_socket: server.get_socket_path()});
const makeClient = server => new Tornadis.Client(options(server));
const makePool = (server, properties = {}) => new Tornadis.ClientPool({...options(server), ...properties});

function readFile(path) {
    const [, bytes] = GLib.file_get_contents(path);
    return new TextDecoder().decode(bytes);
}

/** The names in a column of the table: of classes and functions, and CLASS.MEMBER. */
function readTable(column) {
    const page = readFile(`${GLib.path_get_dirname(GLib.getenv('G_TEST_SRCDIR'))}/docs/languages.md`);
    const rows = page.split('\n').filter(line => line.startsWith('|')).map(line => line.split('|'));
    const number = rows[0].findIndex(cell => cell.trim() === column);
    const codes = rows.flatMap(row => [...row[number].matchAll(/`([^`]+)`/g)].map(([, code]) => code));
    return new Set(codes.map(code => /^[A-Z]\w+(\.\w+)*/.exec(code)?.[0]).filter(name => name));
}

/** What introspection has of each class: [name, whether it is of an object, whether it can fail]. */
function readGir() {
    const directory = GLib.getenv('GI_TYPELIB_PATH').split(':').find(
        path => GLib.file_test(`${path}/Tornadis-1.0.gir`, GLib.FileTest.EXISTS));
    const gir = readFile(`${directory}/Tornadis-1.0.gir`);
    const classes = {};
    for (const [, , kind, body] of gir.matchAll(/<(class|record) name="(\w+)"(.*?)<\/\1>/gs)) {
        const members = body.matchAll(/<(constructor|function|method|property|virtual-method) name="([\w-]+)"([^>]*)>/gs);
        classes[kind] = [...members].filter(([, sort]) => sort !== 'virtual-method').map(([, sort, name, rest]) =>
            [name.replace(/-/g, '_'), sort === 'method', rest.includes('throws="1"')]);
    }
    return classes;
}

/** The method itself, whose uses may be counted. */
const isNative = method => (method.original ?? method).toString().includes('native symbol');

// Answers, and runs the main loop.
const Nesting = GObject.registerClass({GTypeName: 'TornadisTestJsNesting'}, class extends Tornadis.Plugin {
    vfunc_call(call) {
        call.return_error(new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.FAILED, 'no'));
        for (let i = 0; i < 30; i++)
            GLib.MainContext.default().iteration(false);
        return true;
    }
});

const Failing = GObject.registerClass({GTypeName: 'TornadisTestFailing'}, class extends Tornadis.Plugin {
    _init() {
        super._init();
        this.errors = [];
    }

    vfunc_call_done(call) {
        this.errors.push(call.dup_error());
    }

    vfunc_call(call) {
        if (call.get_name() !== 'REFUSED')
            return false;
        call.return_error(new Tornadis.ConnectionError('ours', 'tornadis-error-quark', Tornadis.Error.LOST));
        return true;
    }
});

const Named = GObject.registerClass({GTypeName: 'TornadisTestNamed'}, class extends Tornadis.Client {
    _init(properties = {}) {
        super._init({client_name: 'named', db: 3, read_page_size: 4096, ...properties});
        this.mine = true;
    }
});

export default {
    async namesAreThere() {
        const names = readTable('JavaScript');
        equal(names.size > 40, true);
        for (const path of names) {
            const [name, member] = path.split('.');
            const kind = Tornadis[name];
            const object = kind?.prototype instanceof Error ? new kind('', 'tornadis-error-quark', 0) : kind?.prototype;
            if (!kind || (member && !(member in object) && !(member in kind)))
                throw new Error(`there is no ${path}`);
        }
    },

    async namesAreComplete() {
        const names = readTable('JavaScript');
        const missing = [];
        for (const [kind, members] of Object.entries(readGir())) {
            const known = new Set(members.map(([name]) => name));
            for (const name of Object.getOwnPropertyNames(Tornadis[kind]?.prototype ?? {})) {
                const canonical = name.replace(/-/g, '_').replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
                // What both clients have stands there once.
                if (!known.has(canonical) && !/^(_|vfunc_)/.test(name) && !(name in GObject.Object.prototype) &&
                    !(name in Tornadis.Caller.prototype) && !(name in Gio.ListModel.prototype) &&
                    !names.has(`${kind}.${name}`) && !names.has(`Client.${name}`))
                    missing.push(`${kind}.${name}`);
            }
        }
        equal(missing, []);
    },

    async allMethodsConvertErrors() {
        const kinds = [];
        for (const [kind, members] of Object.entries(readGir())) {
            for (const [name, isMethod, fails] of members) {
                if (!fails && name !== 'dup_error')
                    continue;
                kinds.push(kind);
                if (isNative((isMethod ? Tornadis[kind].prototype : Tornadis[kind])[name]))
                    throw new Error(`${kind}.${name} throws what introspection makes of an error`);
            }
        }
        equal([...new Set(kinds)].sort(), ['Call', 'Client', 'ClientPool', 'FunctionLibrary', 'HashModel',
            'KeyModel', 'Keyspace', 'ListModel', 'Lock', 'Plugin', 'PubSubClient', 'Record', 'Reply', 'Scanner',
            'Script', 'SetModel', 'SortedSetModel', 'StreamConsumer', 'StreamReader']);
        // It would be seen.
        equal(isNative(Tornadis.Client.prototype.is_connected), true);
    },

    async errorsOfMethods(server) {
        const client = makeClient(server);
        throws(Tornadis.ClientError, () => client.add_plugin_by_name('nothing'), Tornadis.Error.PLUGIN);
        const plugin = new Failing();
        equal(client.add_plugin(plugin), true);
        throws(Tornadis.ClientError, () => client.add_plugin(plugin));
        throws(Tornadis.ClientError, () => Tornadis.Plugin.new_by_name('nothing'));
        throws(Tornadis.ClientError, () => Tornadis.Plugin.new_with_options('retry', ['nothing=1']));
        throws(Tornadis.ConnectionError, () => Tornadis.Reply.new_from_resp(new GLib.Bytes(new Uint8Array([110]))));
        for (const kind of [Tornadis.Client, Tornadis.PubSubClient]) {
            throws(Tornadis.ClientError, () => kind.new_for_uri('nonsense'));
            throws(Tornadis.ClientError, () => kind.new_for_uri_full('redis://h?nothing=1', Tornadis.UriFlags.NONE));
        }
        const command = Tornadis.Command.new('NOSUCH');
        const called = await new Promise(resolve => client.call_async(command, null, (_, result) => resolve(result)));
        const thrown = throws(Tornadis.ReplyError, () => client.call_finish(called));
        equal(thrown.prefix, 'ERR');
        const told = await new Promise(resolve => client.submit(command, (_, reply, error) => resolve(error)));
        equal(told instanceof Tornadis.ReplyError, true);
        equal(plugin.errors.every(error => error instanceof Tornadis.ReplyError), true);
        // Ours can be given to what takes an error.
        equal([Tornadis.error_dup_prefix(told), Tornadis.Error.dup_prefix(told)], ['ERR', 'ERR']);
        equal((await rejects(Tornadis.ConnectionError, client.call('REFUSED'), Tornadis.Error.LOST)).message, 'ours');
    },

    async matches(server) {
        const client = makeClient(server);
        const error = await rejects(Tornadis.ReplyError, client.call('NOSUCH'));
        equal([error.matches(Tornadis.Error, Tornadis.Error.REPLY), error.matches(Tornadis.Error, Tornadis.Error.LOST),
            error.matches(Tornadis.error_quark(), Tornadis.Error.REPLY),
            error.matches(Gio.IOErrorEnum, Tornadis.Error.REPLY)], [true, false, true, false]);
        equal(new Tornadis.ClientError('mine').matches(Tornadis.Error, Tornadis.Error.USAGE), true);
        // It is one of the domain's to whoever asks so, as is that of a signal.
        equal([error instanceof Tornadis.Error, new Tornadis.ClientError('mine') instanceof Tornadis.Error,
            new Error('mine') instanceof Tornadis.Error], [true, true, false]);
        const lost = new Promise(resolve => client.connect('disconnected', (_, why) => resolve(why)));
        server.kill();
        const why = await lost;
        equal([why instanceof Tornadis.Error, why.matches(Tornadis.Error, why.code)], [true, true]);
        equal(String(error).startsWith('ReplyError: ERR unknown command'), true);
    },

    async words(server) {
        const client = makeClient(server);
        const pubSub = new Tornadis.PubSubClient(options(server));
        for (const [bad, words] of [
            [null, 'null can not be an argument of a command: give a string, a number, a boolean or bytes'],
            [undefined, 'undefined can not be an argument of a command: give a string, a number, a boolean or bytes'],
            [[1], 'an Array can not be an argument of a command: spread it, as in ...values'],
            [() => 1, 'a function can not be an argument of a command: give a string, a number, a boolean or bytes'],
            [{timeuot: 1}, 'timeuot is no option, as timeout and cancellable are, and no argument can be an object'],
            [{timeout: '1'}, 'a timeout is a number of seconds, not a string'],
        ])
            equal((await rejects(TypeError, client.call('SET', 'k', bad))).message, words);
        for (const timeout of [-1, NaN])
            await rejects(RangeError, client.call('PING', {timeout}));
        equal((await rejects(TypeError, pubSub.subscribe(3))).message,
            'a number can not be the name of a channel: give a string or bytes');
        await rejects(TypeError, pubSub.subscribe(['a', null]));
        const generator = function* () {
            yield 'a';
        };
        equal((await rejects(TypeError, pubSub.subscribe('a', generator()))).message,
            'a Generator can not be the name of a channel: give a string or bytes');
        await rejects(TypeError, client.connect_client(5));
        // What is no option of a method is said by its name, and what is none of a Cancellable too.
        const pool = makePool(server);
        const use = () => equal(1, 2);
        for (const start of [
            bad => client.call('PING', bad), bad => client.connect_client(bad), bad => client.withClient(use, bad),
            bad => pool.call('PING', bad), bad => pool.get_connected_client(bad), bad => pool.withClient(use, bad),
            bad => pool.preconnect(bad), bad => pool.preconnect(1, bad), bad => pubSub.subscribe('a', bad),
            bad => pubSub.unsubscribe(bad), bad => pubSub.pop_message(bad), bad => pubSub.pop_message(1, bad),
            async bad => client.async_call('PING', bad), async bad => pool.async_call('PING', bad),
            async bad => pubSub.messages(bad),
        ]) {
            equal((await rejects(TypeError, start({timeuot: 1}))).message.startsWith('timeuot is no option, as '), true);
            const {message} = await rejects(TypeError, start({cancellable: 'x'}));
            if (!message.includes('deadline'))
                equal(message, 'a cancellable is a Gio.Cancellable, not a string');
        }
        equal((await rejects(TypeError, pubSub.pop_message({timeout: 1}))).message,
            'timeout is no option, as cancellable is: the time is the first argument, and when it is over there is null');
        for (const bad of [{timeout: 1}, {cancellable: new Gio.Cancellable()}]) {
            equal(throws(TypeError, () => pubSub.messages(bad)).message.endsWith(
                'is no option, as deadline and batches are: a loop over messages ends by leaving it, or with the deadline'), true);
        }
        equal(throws(TypeError, () => pubSub.messages(generator())).message,
            'options are an object such as {deadline: …}, and not a Generator');
        for (const bad of [5, 'a', null])
            throws(TypeError, () => pubSub.messages(bad));
        for (const bad of ['5', NaN, []]) {
            await rejects(TypeError, pubSub.pop_message(bad));
            throws(TypeError, () => pubSub.messages({deadline: bad}));
        }
        for (const either of [client, pool]) {
            equal((await rejects(TypeError, either.withClient({timeout: 1}, use))).message,
                'withClient() is given a function, and then perhaps options, not an Object');
        }
        equal([client.is_connected(), pool.size, pool.waiting], [false, 0, 0]);
        // What GObject has under these names.
        for (const either of [client, pubSub]) {
            for (const name of ['connect', 'disconnect'])
                equal(throws(TypeError, () => either[name]()).message.includes(`${name}_client()`), true);
            either.disconnect(either.connect('disconnected', () => {}));
        }
        throws(Tornadis.ClientError, () => new Tornadis.Pipeline().stack_call(), Tornadis.Error.USAGE);
        equal((await rejects(TypeError, client.call('ECHO', new Tornadis.Pipeline()))).message.startsWith('a Tornadis.Pipeline '),
            true);
        equal(client.pending, 0);
        equal(throws(TypeError, () => new Tornadis.ClientPool({template: client, host: 'h', db: 1})).message,
            'a pool with a template has its properties from that, not host, db');
    },

    async texts(server) {
        const path = server.get_socket_path();
        const secret = {username: 'default', password: 'hunter2'};
        const client = new Tornadis.Client({db: 3, ...secret, ...options(server)});
        equal(`${client}`, `<Tornadis.Client ${path}, database 3, disconnected>`);
        equal(`${new Tornadis.PubSubClient({host: 'example.org', port: 7000, password: 'hunter2'})}`,
            '<Tornadis.PubSubClient example.org:7000, disconnected>');
        equal(`${makePool(server, {max_size: 4, password: 'hunter2'})}`, `<Tornadis.ClientPool ${path}, 0 of 4 clients, 0 idle>`);
        equal(`${await makePool(server).preconnect(1)}`, `<Tornadis.ClientPool ${path}, 1 client, 1 idle>`);
        equal(`${Tornadis.Client.new_for_uri('rediss://default:hunter2@example.org')}`,
            '<Tornadis.Client example.org:6379, disconnected>');
        const pubSub = await new Tornadis.PubSubClient(options(server)).subscribe('news');
        equal(`${pubSub}`, `<Tornadis.PubSubClient ${path}, connected, subscribed>`);
        server.command('PUBLISH news hello');
        const message = await pubSub.pop_message();
        equal([`${message}`, `${message._toBoxed()}`], Array(2).fill('<Tornadis.Message "news" "hello">'));
        equal(`${Tornadis.Command.new_strv(['AUTH', 'default', 'hunter2'])}`, '<Tornadis.Command AUTH, 2 arguments>');
        equal(`${Tornadis.Command.new('PING')}`, '<Tornadis.Command PING, 0 arguments>');
        const pipeline = new Tornadis.Pipeline({atomic: true});
        pipeline.stack_call('AUTH', 'hunter2');
        equal([`${pipeline}`, `${new Tornadis.Pipeline()}`],
            ['<Tornadis.Pipeline of 1 command, atomic>', '<Tornadis.Pipeline of 0 commands>']);
        const reply = Tornadis.Reply.new_from_variant(new GLib.Variant('as', ['a', 'b']));
        equal([`${reply}`, reply.to_string()], Array(2).fill('1) a\n2) b'));
        // What is of no use any more is what GJS says of it.
        client.run_dispose();
        equal(`${client}`.startsWith('[object'), true);
        equal(Tornadis.Client.prototype.toString().startsWith('['), true);
    },

    async timeout(server) {
        const client = makeClient(server);
        const number = await client.call('CLIENT', 'ID');
        server.pause();
        const before = client.call('ECHO', 1), waiting = client.call('ECHO', 2, {timeout: 0.05});
        const after = client.call('ECHO', 3);
        const error = await rejects(Tornadis.ConnectionError, waiting, Tornadis.Error.TIMEOUT);
        equal(error.message, 'ECHO took longer than 0.05 s');
        server.resume();
        equal([await before, await after, await client.call('ECHO', 4)], ['1', '3', '4']);
        equal(await client.call('CLIENT', 'ID'), number);
        // What waits for data is not left waiting.
        await rejects(Tornadis.ConnectionError, client.call('BLPOP', 'list', 0, {timeout: 0.01}), Tornadis.Error.TIMEOUT);
        await until(() => countBlocked(server) === 0);
        // In time.
        equal(await client.call('ECHO', 'in time', {timeout: 60}), 'in time');
        equal(await client.call('ECHO', 'ever', {timeout: null, cancellable: null}), 'ever');
        equal(await client.call('ECHO', 'ever', {}), 'ever');
        equal(await client.call(Tornadis.Command.new('PING'), {timeout: 60}), 'PONG');
        const pipeline = new Tornadis.Pipeline();
        pipeline.stack_call('PING');
        equal(await client.call(pipeline, {timeout: 60}), ['PONG']);
        await rejects(Tornadis.ReplyError, client.call('NOSUCH', {timeout: 60}));
        const told = await new Promise(resolve => client.async_call('BLPOP', 'list', 0, {timeout: 0}, resolve));
        equal(told.code, Tornadis.Error.TIMEOUT);
        equal(await new Promise(resolve => client.async_call('ECHO', 'a', {timeout: 60}, resolve)), 'a');
        client.async_call('ECHO', 'b', {timeout: 60});
        equal(await client.call('ECHO', 'c'), 'c');
        await until(() => client.pending === 0);
    },

    /** With a timeout of 0 nothing is begun, though there may be what is asked for. */
    async noTime(server) {
        const client = makeClient(server);
        const pool = await makePool(server, {max_size: 1}).preconnect();
        const pubSub = await new Tornadis.PubSubClient(options(server)).subscribe('a');
        await client.call('PING');
        const pipeline = new Tornadis.Pipeline();
        pipeline.stack_call('RPUSH', 'list', 'piped');
        const command = Tornadis.Command.new_strv(['RPUSH', 'list', 'command']);
        const cancellable = new Gio.Cancellable();
        const none = {timeout: 0}, given = {timeout: 0, cancellable}, args = ['RPUSH', 'list', 'a'];
        const all = {
            'RPUSH': [client.call(...args, none), client.call(...args, given), client.call(command, none),
                client.call('RPUSH', 'list', 'x'.repeat(100000), none), pool.call(...args, none)],
            'The pipeline': [client.call(pipeline, none), pool.call(pipeline, given)],
            'Connecting': [client.connect_client(none), pool.preconnect(none)],
            'Getting a client': [pool.get_connected_client(none), pool.withClient(() => equal(1, 2), none)],
            'Subscribing': [pubSub.subscribe('b', none)],
            'Unsubscribing': [pubSub.unsubscribe('a', none)],
        };
        const expected = Object.entries(all).flatMap(([words, late]) => late.map(() => `${words} took longer than 0 s`));
        const outcomes = await Promise.allSettled(Object.values(all).flat());
        equal(outcomes.map(({reason}) => reason.message), expected);
        equal(outcomes.every(({reason}) => reason.code === Tornadis.Error.TIMEOUT), true);
        const told = [];
        for (const owner of [client, pool]) {
            owner.async_call(...args, none, error => told.push(error.code));
            owner.async_call(pipeline, none, error => told.push(error.code));
            owner.async_call(...args, none);
        }
        equal(told, []);
        await until(() => told.length === 4);
        equal(told, Array(4).fill(Tornadis.Error.TIMEOUT));
        // What was cancelled before is cancelled.
        cancellable.cancel();
        const cancelled = [client.call(...args, given), pool.call(pipeline, given), pool.get_connected_client(given)];
        for (const {reason} of await Promise.allSettled(cancelled))
            equal(reason.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED), true);
        equal(await client.call('EXISTS', 'list'), 0);
        equal(server.command('PUBSUB CHANNELS').trim().split(/\s+/), ['*1', '$1', 'a']);
        equal([pool.size, pool.idle], [1, 1]);
    },

    /** A plugin that has ended them before they are all submitted leaves no time running. */
    async timeoutsOfWhatIsOver(server) {
        const client = makeClient(server);
        client.add_plugin(new Nesting());
        for (let i = 0; i < 3; i++) {
            const calls = [0, 1, 2].map(n => client.call('ECHO', n, {timeout: 1000}));
            equal((await Promise.allSettled(calls)).map(({status}) => status), Array(3).fill('rejected'));
        }
        await until(() => client._carrier.batches.length === 0);
    },

    /** Calls with a time go with the others of their turn, and each has its own. */
    async timeoutsOfATurn(server) {
        const client = makeClient(server);
        await client.call('PING');
        const numbers = [...Array(200).keys()];
        const calls = numbers.map(i => client.call('ECHO', i, {timeout: [null, 60, 70][i % 3]}));
        const told = new Promise(resolve => client.async_call('ECHO', 'told', {timeout: 60}, resolve));
        // They are gathered, not written one by one, but for the first, which is alone.
        equal(client.pending, 1);
        equal(await Promise.all(calls), numbers.map(String));
        equal(await told, 'told');
        await until(() => client.pending === 0);

        // Those that are over, and the others.
        server.pause();
        const over = [0, 1, 2].map(i => client.call('ECHO', i, {timeout: 0.05}));
        const rest = [0, 1, 2].map(i => client.call('ECHO', i, {timeout: 60}));
        const toldOver = new Promise(resolve => client.async_call('ECHO', 'over', {timeout: 0.05}, resolve));
        for (const outcome of await Promise.allSettled(over)) {
            equal([outcome.reason instanceof Tornadis.ConnectionError, outcome.reason.code, outcome.reason.message],
                [true, Tornadis.Error.TIMEOUT, 'ECHO took longer than 0.05 s']);
        }
        equal((await toldOver).code, Tornadis.Error.TIMEOUT);
        server.resume();
        equal(await Promise.all(rest), ['0', '1', '2']);

        // The connection of one that waits is closed: the time of the others is over, too.
        const waits = [['BLPOP', 'list', 0], ['GET', 'a'], ['BLPOP', 'list', 0]].map(args => client.call(...args, {timeout: 0.05}));
        equal((await Promise.allSettled(waits)).map(({reason}) => reason.code), Array(3).fill(Tornadis.Error.TIMEOUT));

        // One after the other; what is large, or no text, or no call of a name, goes as it did.
        for (let i = 0; i < 5; i++)
            equal(await client.call('ECHO', i, {timeout: 60}), `${i}`);
        for (let i = 0; i < 5; i++)
            equal(await client.call('ECHO', i, i % 2 ? {timeout: 60} : {}), `${i}`);
        const large = 'x'.repeat(100000);
        equal(await Promise.all(['a', large, new Uint8Array([98])].map(text => client.call('ECHO', text, {timeout: 60}))),
            ['a', large, 'b']);
        await rejects(Tornadis.ReplyError, client.call('NOSUCH', {timeout: 60}));
        await rejects(TypeError, client.call('ECHO', null, {timeout: 60}));
        await rejects(Tornadis.ClientError, client.call('SUBSCRIBE', 'a', {timeout: 60}));
        await rejects(Tornadis.ClientError, client.call({timeout: 60}));
        const waiting = client.call('BLPOP', 'list', 0, {timeout: 60});
        waiting.catch(() => {});
        await until(() => countBlocked(server) === 1);
        client.close();
        await rejects(Tornadis.ConnectionError, waiting);
        // The time of what is not submitted keeps nothing.
        client.run_dispose();
        await rejects(Tornadis.ConnectionError, client.call('PING', {timeout: 60}), Tornadis.Error.CLOSED);
    },

    async cancellable(server) {
        const client = makeClient(server);
        const pool = makePool(server, {max_size: 1});
        const pubSub = await new Tornadis.PubSubClient(options(server)).subscribe('a');
        const taken = await pool.get_connected_client();
        for (const start of [
            given => client.call('BLPOP', 'list', 0, given),
            given => client.call('BLPOP', 'list', 0, {timeout: 1000, ...given}),
            given => pool.call('PING', given),
            given => pool.get_connected_client(given),
            given => pool.withClient(() => equal(1, 2), given),
            given => pubSub.pop_message(given),
            given => pubSub.pop_message(1000, given),
            given => pubSub.pop_message(null, given),
        ]) {
            const cancellable = new Gio.Cancellable();
            const waiting = start({cancellable});
            cancellable.cancel();
            const error = await rejects(GLib.Error, waiting);
            equal(error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED), true);
            // One that is so from the start.
            await rejects(GLib.Error, start({cancellable}));
        }
        pool.release_client(taken);
        equal(await pool.call('PING', {cancellable: new Gio.Cancellable()}), 'PONG');
        await until(() => pool.waiting === 0);
        equal(pool.size, 1);
    },

    async timeoutOfOthers(server) {
        const pool = makePool(server, {max_size: 1});
        const taken = await pool.get_connected_client({timeout: 60});
        for (const late of [pool.get_connected_client({timeout: 0}), pool.call('PING', {timeout: 0})])
            await rejects(Tornadis.ConnectionError, late, Tornadis.Error.TIMEOUT);
        await rejects(Tornadis.ConnectionError, pool.withClient(() => equal(1, 2), {timeout: 0}), Tornadis.Error.TIMEOUT);
        await until(() => pool.waiting === 0);
        // It is free in the very moment in which the time is over: nobody is to have it for ever.
        const late = pool.get_connected_client({timeout: 0.001});
        pool.release_client(taken);
        await late.then(client => pool.release_client(client), error => equal(error.code, Tornadis.Error.TIMEOUT));
        equal(await pool.withClient(client => client.call('PING')), 'PONG');
        equal(await new Promise(resolve => pool.async_call('PING', {timeout: 60}, resolve)), 'PONG');
        equal(await new Promise(resolve => pool.async_call('PING', resolve)), 'PONG');
        equal(await pool.preconnect(1, {timeout: 60}), pool);
        equal(await pool.preconnect({timeout: 60}), pool);
        equal(await pool.withClient(client => client.call('PING'), {timeout: 60}), 'PONG');
        // When the caller is told, the server gives the next element to nobody else any more.
        const pipeline = new Tornadis.Pipeline();
        pipeline.stack_call('BLPOP', 'list', 0);
        for (let i = 0; i < 20; i++) {
            const args = i % 2 ? ['BLPOP', 'list', 0] : [pipeline];
            await rejects(Tornadis.ConnectionError, pool.call(...args, {timeout: 0.01}), Tornadis.Error.TIMEOUT);
            equal(await pool.call('RPUSH', 'list', i), 1);
            equal(await pool.call('LPOP', 'list'), `${i}`);
        }

        const silent = new Gio.SocketListener();
        const port = silent.add_any_inet_port(null);
        const client = new Tornadis.Client({host: '127.0.0.1', port});
        await rejects(Tornadis.ConnectionError, client.connect_client({timeout: 0.05}), Tornadis.Error.TIMEOUT);
        await rejects(Tornadis.ConnectionError, client.withClient(() => equal(1, 2), {timeout: 0.05}),
            Tornadis.Error.TIMEOUT);
        const waiting = new Tornadis.ClientPool({host: '127.0.0.1', port, max_size: 1});
        await rejects(Tornadis.ConnectionError, waiting.preconnect({timeout: 0.05}), Tornadis.Error.TIMEOUT);
        const pubSub = new Tornadis.PubSubClient({host: '127.0.0.1', port});
        await rejects(Tornadis.ConnectionError, pubSub.subscribe('a', {timeout: 0.05}), Tornadis.Error.TIMEOUT);
        pubSub.close();
        silent.close();
    },

    async timeoutForPlugins(server) {
        // A call with a time of its own ends as with the client's: what counts failures counts this.
        const silent = TornadisHarness.Peer.new('drain\n');
        const peer = {host: '127.0.0.1', port: silent.get_port()};
        const timeout = 0.02;
        const ways = {
            call: template => template.call('PING', {timeout}),
            connect: template => template.connect_client({timeout}),
            pool: template => Tornadis.ClientPool.new(template).call('PING', {timeout}),
            take: template => Tornadis.ClientPool.new(template).get_connected_client({timeout}),
            preconnect: template => Tornadis.ClientPool.new(template).preconnect(1, {timeout}),
        };
        for (const [name, way] of Object.entries(ways)) {
            const template = new Tornadis.Client(peer);
            const metrics = template.add_plugin_by_name('metrics');
            const limit = template.add_plugin_by_name('limit');
            Object.assign(limit, {error_rate: 0.5, min_calls: 1});
            await rejects(Tornadis.ConnectionError, way(template), Tornadis.Error.TIMEOUT);
            equal([name, limit.open_servers.length, metrics.failures], [name, 1, 1]);
            equal([name, metrics.prometheus.includes('error_type="timeout"')], [name, true]);
            template.close();
        }
        // Nor is the place of the pool's occupied, and the caller's cancellable is theirs.
        const pool = new Tornadis.ClientPool({max_size: 1, ...peer});
        const cancellable = new Gio.Cancellable();
        for (let i = 0; i < 2; i++) {
            await rejects(Tornadis.ConnectionError, pool.get_connected_client({timeout, cancellable}), Tornadis.Error.TIMEOUT);
            equal([pool.size, cancellable.is_cancelled()], [0, false]);
        }
    },

    async withClient(server) {
        const client = makeClient(server);
        let waiting;
        equal(await client.withClient(async same => {
            equal([same === client, client.is_connected(), await client.call('PING')], [true, true, 'PONG']);
            waiting = client.call('BLPOP', 'list', 0).catch(error => error);
            return 'value';
        }), 'value');
        equal([client.is_connected(), (await waiting) instanceof Tornadis.ConnectionError], [false, true]);
        // It is closed, whatever happens.
        await rejects(RangeError, client.withClient(() => {
            throw new RangeError();
        }));
        equal(client.is_connected(), false);
        await rejects(Tornadis.ConnectionError,
            new Tornadis.Client({host: '127.0.0.1', port: 1}).withClient(() => equal(1, 2)), Tornadis.Error.CONNECT);
        const pubSub = new Tornadis.PubSubClient(options(server));
        await pubSub.withClient(() => pubSub.subscribe('a'));
        equal(pubSub.is_connected(), false);

        await client.connect_client();
        client.disconnect_client();
        equal(client.is_connected(), false);
        if (Symbol.asyncDispose !== undefined) {
            await (await client.connect_client())[Symbol.asyncDispose]();
            equal(client.is_connected(), false);
            const pool = await makePool(server).preconnect(1);
            await pool[Symbol.asyncDispose]();
            equal(pool.size, 0);
        }
    },

    /** What lists an object's properties shows no argument of a command. */
    async unlisted(server) {
        const client = makeClient(server);
        const pipeline = new Tornadis.Pipeline();
        pipeline.stack_call('SET', 'session', 'secret');
        client.call('PING');
        const reply = client.call('ECHO', 'secret');
        for (const object of [client, pipeline])
            equal([Object.keys(object), JSON.stringify(object)], [[], '{}']);
        equal(await reply, 'secret');
    },

    /** An error that a program creates is one of the library's, and a plugin refuses a call with it. */
    async ownErrors(server) {
        const Refusing = GObject.registerClass({GTypeName: 'TornadisTestJsRefusingOwn'}, class extends Tornadis.Plugin {
            vfunc_call(call) {
                if (call.get_name() === 'FLUSHDB')
                    call.return_error(new Tornadis.ClientError('denied'));
                return call.get_name() === 'FLUSHDB';
            }
        });
        const client = makeClient(server);
        client.add_plugin(new Refusing());
        await client.call('SET', 'k', 'v');
        const error = await rejects(Tornadis.ClientError, client.call('FLUSHDB'), Tornadis.Error.USAGE);
        equal([error.message, await client.call('GET', 'k')], ['denied', 'v']);
        for (const [made, code] of [
            [new Tornadis.TornadisException('x'), Tornadis.Error.USAGE],
            [new Tornadis.ConnectionError('x'), Tornadis.Error.CONNECT],
            [new Tornadis.ReplyError('x'), Tornadis.Error.REPLY],
        ])
            equal([made.matches(Tornadis.Error, code), made instanceof Tornadis.Error], [true, true]);
    },

    async pools(server) {
        const {unix_domain_socket: unixDomainSocket} = options(server);
        const pool = new Tornadis.ClientPool({unixDomainSocket, 'client-name': 'pooled', maxSize: 2, client_timeout: 9});
        equal([pool.max_size, pool.client_timeout, pool.template.client_name], [2, 9, 'pooled']);
        equal(await pool.call('CLIENT', 'GETNAME'), 'pooled');
        equal(new Tornadis.ClientPool().template.port, 6379);
        throws(Error, () => new Tornadis.ClientPool({hots: 'localhost'}));
    },

    async lists(server) {
        const pubSub = new Tornadis.PubSubClient(options(server));
        for (const prefix of ['', 'p', 's']) {
            const change = (name, ...names) => pubSub[`${prefix}${name}`](...names);
            equal(await change('subscribe', 'a', 'b'), pubSub);
            equal(await change('subscribe', ['a', new Uint8Array([255])], {timeout: 60}), pubSub);
            equal(await change('subscribe', new Set(['c'])), pubSub);
            equal(await change('subscribe', (function* () {
                yield 'd';
                yield new GLib.Bytes(new Uint8Array([101]));
            })(), {timeout: 60}), pubSub);
            equal(await change('unsubscribe', new Map([['d', 1], ['e', 1]]).keys()), pubSub);
            // An empty one is none, while nothing is all.
            equal(await change('unsubscribe', []), pubSub);
            equal(pubSub.subscribed, true);
            equal(await change('unsubscribe', ['a', 'b', 'c', new Uint8Array([255])]), pubSub);
            equal(pubSub.subscribed, false);
        }
        await rejects(Tornadis.ClientError, pubSub.subscribe([]), Tornadis.Error.USAGE);
        await rejects(Tornadis.ClientError, pubSub.subscribe(), Tornadis.Error.USAGE);
    },

    /** What the URI says counts, and for the rest what the subclass has. */
    async subclassOfUri(server) {
        for (const make of [uri => Named.new_for_uri(uri), uri => Named.new_for_uri_full(uri, Tornadis.UriFlags.NONE)]) {
            const client = make('rediss://user:pass@example.org:7000?call-timeout-msec=5&read-page-size=8192');
            equal([client.constructor === Named, client.mine], [true, true]);
            equal([client.username, client.password, client.host, client.port, client.db, client.tls, client.client_name,
                client.call_timeout_msec, client.read_page_size],
            ['user', 'pass', 'example.org', 7000, 0, true, 'named', 5, 8192]);
        }
        const path = server.get_socket_path();
        const client = Named.new_for_uri(`unix://${path}`);
        equal([client.unix_domain_socket, await client.call('CLIENT', 'GETNAME')], [path, 'named']);
        for (const kind of [Tornadis.Client, Tornadis.PubSubClient])
            equal(kind.new_for_uri('redis://h').constructor === kind, true);
        // And its plugins, in their order.
        const list = object => Array.from({length: object.get_plugins().get_n_items()},
            (_, i) => GObject.type_name(object.get_plugins().get_item(i).constructor.$gtype));
        const many = Named.new_for_uri_full('redis-sentinel://a,b/main?plugins=log,retry&retry.max-attempts=7',
            Tornadis.UriFlags.ALLOW_PLUGINS);
        equal(list(many), ['TornadisLogPlugin', 'TornadisRetryPlugin', 'TornadisSentinelPlugin']);
        equal(many.get_plugins().get_item(1).max_attempts, 7);
        equal(list(Named.new_for_uri('redis-cluster://a,b')), ['TornadisClusterPlugin']);
        throws(Tornadis.ClientError, () => Named.new_for_uri('nonsense'));
    },

    /** It is Python's alone, and says so. */
    async decodeInUri() {
        for (const kind of [Tornadis.Client, Tornadis.PubSubClient, Named]) {
            equal(throws(Tornadis.ClientError, () => kind.new_for_uri('redis://:hunter2@h?decode=true'),
                Tornadis.Error.USAGE).message, 'Unknown option “decode” in the URI: it is one of Python’s alone, while ' +
                'JavaScript has text wherever it is text');
            equal(throws(Tornadis.ClientError, () => kind.new_for_uri('redis://h?nothing=true')).message,
                'Unknown option “nothing” in the URI');
        }
    },
};
