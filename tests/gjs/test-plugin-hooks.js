// SPDX-License-Identifier: LGPL-2.1-or-later
// What plugins in JavaScript do in their hooks: calls of their own, exceptions, answers that come late.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';
import TornadisHarness from 'gi://TornadisHarness?version=0';

import {equal, logging, rejects, throws, until} from './tap.js';

const makeClient = server => new Tornadis.Client({unix_domain_socket: server.get_socket_path()});
const makeReply = text => Tornadis.Reply.new_from_resp(new TextEncoder().encode(text));
const command = (...args) => Tornadis.Command.new_strv(args);

/** Runs functions in its hooks. */
const Acting = GObject.registerClass({GTypeName: 'TornadisTestJsActing'}, class extends Tornadis.Plugin {
    _init(hooks) {
        super._init();
        this.hooks = hooks;
    }

    vfunc_setup(commands) {
        this.hooks.setup?.(commands);
    }

    vfunc_call(call) {
        return this.hooks.call?.(call) ?? false;
    }

    vfunc_call_done(call) {
        this.hooks.done?.(call);
    }

    vfunc_push(push) {
        return this.hooks.push?.(push) ?? false;
    }
});

const Looking = GObject.registerClass({GTypeName: 'TornadisTestJsLooking'}, class extends Tornadis.Plugin {
    log = [];

    vfunc_observe(client, sent, pipeline, reply, error, elapsed) {
        equal(elapsed >= 0, true);
        // What is kept for after the hook needs a reference of its own.
        this.log.push([client, sent?.ref(), pipeline, reply?.ref(), error]);
    }

    vfunc_client_acquired(client, elapsed) {
        equal(elapsed >= 0, true);
        this.log.push(['client_acquired', client]);
    }
});

/** Hands on what it sees. */
const Showing = GObject.registerClass({GTypeName: 'TornadisTestJsShowing'}, class extends Tornadis.Plugin {
    inner = new Looking();

    vfunc_observe(...args) {
        this.inner.vfunc_observe(...args);
    }

    vfunc_client_acquired(...args) {
        this.inner.vfunc_client_acquired(...args);
    }
});

/** Named by a scheme, and asked whether a server is the right one, which is the test's to say. */
const Choosing = GObject.registerClass({
    GTypeName: 'TornadisTestJsChoosing',
    Properties: {
        uri: GObject.ParamSpec.string('uri', null, null, GObject.ParamFlags.READWRITE | GObject.ParamFlags.CONSTRUCT_ONLY, null),
        level: GObject.ParamSpec.uint('level', null, null, GObject.ParamFlags.READWRITE, 0, 9, 0),
    },
}, class extends Tornadis.Plugin {
    commands = [];
    judges = [];
    kept = [];

    vfunc_attach(client) {
        const where = /^[^:]+:[/][/](.+):(\d+)[/]there$/.exec(this.uri ?? '');
        if (where)
            Object.assign(client, {host: where[1], port: Number(where[2])});
        return true;
    }

    vfunc_setup(commands) {
        for (const args of this.commands)
            commands.stack_call(...args);
    }

    vfunc_setup_done(client, replies) {
        this.kept.push([client, replies]);
        return this.judges.length > 0 ? this.judges.shift()(client, replies) : true;
    }
});

Tornadis.Plugin.register('js-choosing', Choosing.$gtype);

/** Hands on what it is asked. */
const Deferring = GObject.registerClass({GTypeName: 'TornadisTestJsDeferring'}, class extends Tornadis.Plugin {
    inner = new Choosing();

    vfunc_setup_done(...args) {
        return this.inner.vfunc_setup_done(...args);
    }
});

const SLAVE = 'handshake\nexpect ROLE\nsend "*1\\r\\n$5\\r\\nslave\\r\\n"\nwait\n';
const makeError = (code, message) => new Tornadis.Error({code, message});

const thrown = new Map();

function fail(hook) {
    thrown.set(hook, (thrown.get(hook) ?? 0) + 1);
    throw new Error('from a hook');
}

const Throwing = GObject.registerClass({GTypeName: 'TornadisTestJsThrowing'}, class extends Tornadis.Plugin {
    vfunc_setup() {
        fail('setup');
    }

    vfunc_call() {
        fail('call');
    }

    vfunc_call_done() {
        fail('call_done');
    }

    vfunc_push() {
        fail('push');
    }

    vfunc_observe() {
        fail('observe');
    }

    vfunc_client_acquired() {
        fail('client_acquired');
    }
});

// A client that is collected cannot call this hook: what uses it removes it.
const ThrowingAtLast = GObject.registerClass({
    GTypeName: 'TornadisTestJsThrowingAtLast',
}, class extends Tornadis.Plugin {
    vfunc_detach() {
        fail('detach');
    }
});

const ThrowingAtOnce = GObject.registerClass({
    GTypeName: 'TornadisTestJsThrowingAtOnce',
}, class extends Tornadis.Plugin {
    vfunc_attach() {
        fail('attach');
    }
});

export default {
    async ownCalls(server) {
        const client = makeClient(server);
        const other = makeClient(server);
        await other.call('MSET', 'own', 'a', 'theirs', 'b');
        const seen = [];
        const behind = [];
        const plugin = new Acting({
            call(call) {
                seen.push(call.get_name());
                if (call.get_name() !== 'GET')
                    return false;
                plugin.submit(call.get_client(), command('GET', 'own'), async (source, reply, error) => {
                    equal(error, null);
                    const own = reply.get_text();
                    call.set_command(command('ECHO', own + await other.call('GET', 'theirs')));
                    call.proceed();
                });
                return true;
            },
        });
        client.add_plugin(plugin);
        client.add_plugin(new Acting({
            call(call) {
                behind.push(call.get_name());
            },
        }));
        equal(await client.call('GET', 'k'), 'ab');
        equal(seen, ['GET']);
        equal(behind, ['GET', 'ECHO']);
    },

    // Over the connections of others: to the next when one cannot be reached.
    async forward(server) {
        const there = TornadisHarness.Redis.new(null);
        const nowhere = new Tornadis.Client({unix_domain_socket: '/nonexistent'});
        const other = makeClient(there);
        const client = makeClient(server);
        const log = [];
        let seen = 0;
        client.add_plugin(new Acting({
            call(call) {
                equal(call.get_target(), null);
                if (!['GET', 'INCR', 'PIPELINE'].includes(call.get_name()))
                    return false;
                call.forward(log.at(-1)?.[1] === nowhere ? other : nowhere);
                return true;
            },
            done(call) {
                const code = call.dup_error()?.code ?? null;
                equal(call.get_attempt(), 1);
                log.push([call.get_name(), call.get_target(), code]);
                if (code === Tornadis.Error.CONNECT)
                    call.retry(0);
            },
        }));
        client.add_plugin(new Acting({
            call() {
                seen++;
            },
        }));
        await other.call('SET', 'k', 'there');
        equal(await client.call('SET', 'k', 'here'), 'OK');
        equal(await client.call('GET', 'k'), 'there');
        equal((await rejects(Tornadis.ReplyError, client.call('INCR', 'k'))).prefix, 'ERR');
        const pipeline = new Tornadis.Pipeline();
        pipeline.stack_call('GET', 'k');
        pipeline.stack_call('INCR', 'n');
        equal(await client.call(pipeline), ['there', 1]);
        const {CONNECT, REPLY} = Tornadis.Error;
        equal(log, [['SET', null, null], ['GET', nowhere, CONNECT], ['GET', other, null], ['INCR', nowhere, CONNECT],
            ['INCR', other, REPLY], ['PIPELINE', nowhere, CONNECT], ['PIPELINE', other, null]]);
        equal(seen, 1);
    },

    // A call that is kept is forwarded when the plugin likes.
    async forwardLater(server) {
        const client = new Tornadis.Client({unix_domain_socket: '/nonexistent'});
        let kept = null;
        client.add_plugin(new Acting({
            call(call) {
                kept = call;
                return true;
            },
        }));
        const echo = client.call('ECHO', 'x');
        await until(() => kept);
        kept.forward(makeClient(server));
        equal(await echo, 'x');
    },

    async retrySees(server) {
        const client = makeClient(server);
        const seen = [];
        client.add_plugin(new Acting({
            done(call) {
                if (call.dup_error() && call.get_attempt() < 3)
                    call.retry(0);
            },
        }));
        client.add_plugin(new Acting({
            call(call) {
                equal(call.is_in_transaction(), false);
                seen.push(call.get_attempt(), call.dup_error()?.code ?? null);
                if (call.get_attempt() === 3)
                    call.set_command(command('ECHO', 'given up'));
            },
        }));
        equal(await client.call('NOSUCHCOMMAND'), 'given up');
        equal(seen, [1, null, 2, Tornadis.Error.REPLY, 3, Tornadis.Error.REPLY]);
    },

    async setupAndPush(server) {
        const client = makeClient(server);
        const pushes = [];
        for (const [name, taken] of [['a', false], ['b', true], ['c', true]]) {
            client.add_plugin(new Acting({
                setup(commands) {
                    commands.stack_call('APPEND', 'order', name);
                },
                push(push) {
                    pushes.push(name, push.get_element(0).get_text());
                    return taken;
                },
            }));
        }
        client.add_plugin(new Acting({
            setup(commands) {
                commands.stack_strv(['CLIENT', 'TRACKING', 'ON']);
            },
        }));
        equal(await client.call('GET', 'order'), 'abc');
        await client.call('SET', 'order', '');
        await client.call('PING');
        equal(pushes, ['a', 'invalidate', 'b', 'invalidate']);
    },

    async looking(server) {
        const client = makeClient(server);
        const {inner} = client.add_plugin(new Showing()) && client.get_plugins().get_item(0);
        await client.call('SET', 'k', 'v');
        await rejects(Tornadis.ReplyError, client.call('INCR', 'k'));
        const pipeline = new Tornadis.Pipeline();
        pipeline.stack_call('PING');
        await client.call(pipeline);
        equal(inner.log.map(([of, sent, many, reply, error]) => [
            of === client, sent?.get_name() ?? many.number_of_stacked_calls, reply?.unpack() ?? error.code,
        ]), [[true, 'SET', 'OK'], [true, 'INCR', Tornadis.Error.REPLY], [true, 1, ['PONG']]]);
        inner.log.length = 0;
        const pool = new Tornadis.ClientPool({template: client});
        equal(await pool.call('PING'), 'PONG');
        equal([inner.log[0][0], inner.log[0][1] === inner.log[1][0]], ['client_acquired', true]);
        pool.destroy();
    },

    async throwing(server) {
        const client = makeClient(server);
        const looking = new Looking();
        const plugin = new Throwing();
        thrown.clear();
        equal(throws(Error, () => client.add_plugin(new ThrowingAtOnce())).message, 'from a hook');
        client.add_plugin(plugin);
        client.add_plugin(looking);
        // One in setup, three in each call; one more for the push.
        await logging(GLib.LogLevelFlags.LEVEL_CRITICAL, 17, 'from a hook', async () => {
            equal(await client.call('ECHO', 'x'), 'x');
            await client.call('CLIENT', 'TRACKING', 'ON');
            await client.call('GET', 'k');
            await client.call('SET', 'k', 1);
            await client.call('PING');
        });
        equal(looking.log.length, 5);
        await logging(GLib.LogLevelFlags.LEVEL_CRITICAL, 5, 'from a hook', async () => {
            const pool = new Tornadis.ClientPool({template: client});
            equal(await pool.call('PING'), 'PONG');
            pool.destroy();
        });
        client.remove_plugin(plugin);
        const last = new ThrowingAtLast();
        client.add_plugin(last);
        await logging(GLib.LogLevelFlags.LEVEL_CRITICAL, 1, 'from a hook', async () => client.remove_plugin(last));
        equal(await client.call('PING'), 'PONG');
        equal([...thrown.keys()].sort(),
            ['attach', 'call', 'call_done', 'client_acquired', 'detach', 'observe', 'push', 'setup']);
    },

    async schemes(server) {
        for (const kind of [Tornadis.Client, Tornadis.PubSubClient]) {
            const client = kind.new_for_uri('valkeys-js-choosing://joe:s%40@[::1]:7,h2/x?level=3&client-name=a&db=4');
            const plugin = client.get_plugins().get_item(0);
            equal([plugin instanceof Choosing, plugin.uri, plugin.level], [true, 'valkeys-js-choosing://[::1]:7,h2/x', 3]);
            equal([client.username, client.password, client.client_name, client.db, client.tls], ['joe', 's@', 'a', 4, true]);
            for (const [uri, code] of [
                ['redis-js-choosing://h?level=10', Tornadis.Error.PLUGIN],
                ['redis-js-choosing://h?uri=x', Tornadis.Error.PLUGIN],
                ['redis-js-choosing://h?nothing=x', Tornadis.Error.USAGE],
                ['redis-no-such://h', Tornadis.Error.PLUGIN],
                ['redis-log://h', Tornadis.Error.USAGE],
                ['redis-js-choosing://h,,g', Tornadis.Error.USAGE],
                ['valkey:h', Tornadis.Error.USAGE],
            ])
                throws(Tornadis.ClientError, () => kind.new_for_uri(uri), code);
        }
        const there = `127.0.0.1:${server.get_port()}`;
        for (const uri of [`redis-js-choosing://${there}/there`, `VALKEY-js-choosing://${there}/there`, `valkey://${there}`,
            `valkey+unix://${server.get_socket_path()}`]) {
            const template = Tornadis.Client.new_for_uri(uri);
            equal(await template.call('PING'), 'PONG');
            const pool = new Tornadis.ClientPool({template});
            equal(await pool.call('PING'), 'PONG');
            pool.destroy();
        }
        equal(Tornadis.Client.new_for_uri('valkeys://h').tls, true);
    },

    // Each sees the replies to its own commands, errors too, and may keep them.
    async setupDone(server) {
        const client = makeClient(server);
        const plugins = [new Choosing(), new Deferring(), new Choosing()];
        plugins[0].commands = [['ECHO', 'one'], ['NOTHING'], ['GET', 'none']];
        plugins[2].commands = [['ECHO', 'two']];
        plugins.forEach(plugin => client.add_plugin(plugin));
        equal(await client.call('PING'), 'PONG');
        client.close();
        equal(await client.call('PING'), 'PONG');
        const kept = [plugins[0], plugins[1].inner, plugins[2]].map(plugin => plugin.kept);
        System.gc();
        equal(kept.flat().every(([of]) => of === client), true);
        const [replies, none, others] = kept.map(all => all.map(([, each]) => each.unpack()));
        equal(replies.map(([one, error, nil]) => [one, error.prefix, nil]), [['one', 'ERR', null], ['one', 'ERR', null]]);
        equal([none, others], [[[], []], [['two'], ['two']]]);
    },

    async setupRefused(server) {
        const client = makeClient(server);
        const plugin = new Choosing();
        const inner = new Choosing();
        plugin.commands = [['ECHO', 'one']];
        client.add_plugin(plugin);
        client.add_plugin(inner);
        const refusals = [
            [makeError(Tornadis.Error.AUTHENTICATION, 'a replica'), Tornadis.Error.AUTHENTICATION],
            [new Tornadis.ConnectionError('a replica', 'tornadis-error-quark', Tornadis.Error.PROTOCOL), Tornadis.Error.PROTOCOL],
            [new Tornadis.ConnectionError('a replica'), Tornadis.Error.CONNECT],
            [new Gio.IOErrorEnum({message: 'a replica', code: Gio.IOErrorEnum.FAILED}), Tornadis.Error.CONNECT],
        ];
        for (const [refusal, code] of refusals) {
            plugin.judges = [() => {
                throw refusal;
            }];
            const error = await rejects(Tornadis.ConnectionError, client.call('PING'), code);
            equal([error.message.split(': ').at(-1), client.connected], ['a replica', false]);
        }

        // Another exception is logged; it says no more than false does.
        const judges = [() => fail('setup_done'), () => {
            throw null;
        }];
        for (const judge of judges) {
            plugin.judges = [judge];
            await logging(GLib.LogLevelFlags.LEVEL_WARNING, 1, judge === judges[0] ? 'from a hook' : 'null', () =>
                rejects(Tornadis.ClientError, client.connect_client(), Tornadis.Error.PLUGIN));
        }
        for (const verdict of [false, undefined]) {
            plugin.judges = [() => verdict];
            const error = await rejects(Tornadis.ClientError, client.call('PING'), Tornadis.Error.PLUGIN);
            equal(error.message.includes('refused'), true);
        }
        equal(inner.kept.length, 0);

        equal(await client.call('PING'), 'PONG');
        equal(plugin.kept.map(([, replies]) => replies.unpack()), Array(9).fill(['one']));
        equal(inner.kept.length, 1);
    },

    // What was written is lost, and what was not goes to the other server.
    async reconnectClient(server) {
        const peer = TornadisHarness.Peer.new('handshake\nexpect PING\nsend "+PONG\\r\\n"\nexpect ECHO\nwait\n');
        const client = new Tornadis.Client({host: '127.0.0.1', port: peer.get_port()});
        const plugin = new Choosing();
        const lost = [];
        client.add_plugin(plugin);
        client.connect('disconnected', (_, error) => lost.push(error.code, error.message));
        equal(await client.call('PING'), 'PONG');
        const written = rejects(Tornadis.ConnectionError, client.call('ECHO', 'written'), Tornadis.Error.LOST);
        await until(() => peer.get_received().includes('ECHO'));
        const waiting = client.call('ECHO', 'waiting');
        client.port = server.get_port();
        const wrong = makeError(Tornadis.Error.PROTOCOL, 'another is the master');
        new Choosing().reconnect_client(client, wrong);
        equal(client.connected, true);
        plugin.reconnect_client(client, wrong);
        equal(client.connected, false);
        equal((await written).message.includes('another is the master'), true);
        equal(await waiting, 'waiting');
        equal(lost, [Tornadis.Error.LOST, 'another is the master']);
        equal([peer.get_failure(), peer.get_received().split('ECHO').length], [null, 2]);
    },

    // The caller learns nothing of the servers that are not the right one.
    async reconnectInSetupDone(server) {
        for (const verdict of [false, true]) {
            const peer = TornadisHarness.Peer.new(SLAVE);
            const client = new Tornadis.Client({host: '127.0.0.1', port: peer.get_port()});
            const plugin = new Choosing();
            plugin.commands = [['ROLE']];
            plugin.judges = [(of, replies) => {
                equal(replies.unpack(), [['slave']]);
                of.port = server.get_port();
                plugin.reconnect_client(of, makeError(Tornadis.Error.CONNECT, 'a slave'));
                return verdict;
            }];
            client.add_plugin(plugin);
            equal(await client.call('INCR', 'n'), verdict ? 2 : 1);
            equal(plugin.kept.map(([, replies]) => replies.unpack()[0][0]), ['slave', 'master']);
        }
    },

    async keeping(server) {
        const client = makeClient(server);
        const codes = [];
        let kept;
        client.add_plugin(new Acting({
            call(call) {
                kept = call;
                return true;
            },
            done(call) {
                codes.push(call.dup_error().code);
                kept = null;
            },
        }));
        client.call_timeout_msec = 30;
        await rejects(Tornadis.ConnectionError, client.call('PING'), Tornadis.Error.TIMEOUT);
        client.call_timeout_msec = 0;
        const call = rejects(Tornadis.ConnectionError, client.call('PING'), Tornadis.Error.CLOSED);
        await until(() => kept);
        client.close();
        await call;
        equal(codes, [Tornadis.Error.TIMEOUT, Tornadis.Error.CLOSED]);
    },

    /** The error that a plugin gives a call that is over is the outcome, whatever made an end of it. */
    async explaining(server) {
        const client = makeClient(server);
        client.add_plugin(new Acting({
            done(call) {
                const error = call.dup_error();
                if (error !== null && [Gio.IOErrorEnum.CANCELLED, Tornadis.Error.TIMEOUT].includes(error.code))
                    call.return_error(new GLib.Error(Tornadis.Error, Tornadis.Error.BUSY, 'explained'));
            },
        }));
        const pool = Tornadis.ClientPool.new(client);
        const pipeline = new Tornadis.Pipeline();
        pipeline.stack_call('BLPOP', 'none', 0);
        for (const owner of [client, pool]) {
            for (const args of [['BLPOP', 'none', 0], [pipeline]]) {
                equal((await rejects(Tornadis.ClientError, owner.call(...args, {timeout: 0.02}))).message, 'explained');
                const cancellable = new Gio.Cancellable();
                const call = owner.call(...args, {cancellable});
                setTimeout(() => cancellable.cancel(), 20);
                equal((await rejects(Tornadis.ClientError, call)).message, 'explained');
            }
        }
    },

    async twice(server) {
        const client = makeClient(server);
        client.add_plugin(new Acting({
            call(call) {
                call.return_reply(makeReply('+once\r\n'));
                call.proceed();
                return true;
            },
        }));
        GLib.test_expect_message('Tornadis', GLib.LogLevelFlags.LEVEL_WARNING, '*proceed with PING*answered already*');
        equal(await client.call('PING'), 'once');
        GLib.test_assert_expected_messages_internal('Tornadis', 'test-plugin-hooks.js', 0, 'twice');
    },

    async changingTheChain(server) {
        const client = makeClient(server);
        const log = [];
        const acting = (name, use, done = () => {}) => new Acting({
            call() {
                log.push(name);
                use();
            },
            done,
        });
        const added = acting('added', () => {});
        const first = acting('first', () => client.remove_plugin(first));
        const second = acting('second', () => client.add_plugin(added), () => client.remove_plugin(second));
        client.add_plugin(first);
        client.add_plugin(second);
        equal(await client.call('ECHO', 'x'), 'x');
        equal(log, ['first', 'second']);
        equal(await client.call('ECHO', 'y'), 'y');
        equal(log, ['first', 'second', 'added']);
    },

    async callingInHooks(server) {
        const client = makeClient(server);
        const ended = new Map();
        const use = hook => () => {
            if (!ended.has(hook)) {
                ended.set(hook, []);
                client.call('ECHO', hook).then(text => ended.get(hook).push(text));
                client.submit(command('ECHO', hook), (source, reply) => ended.get(hook).push(reply.get_text()));
            }
        };
        const hooks = ['setup', 'call', 'done', 'push'];
        client.add_plugin(new Acting(Object.fromEntries(hooks.map(hook => [hook, use(hook)]))));
        await client.call('CLIENT', 'TRACKING', 'ON');
        await client.call('GET', 'k');
        await client.call('SET', 'k', 1);
        await client.call('PING');
        await until(() => ended.size === 4 && [...ended.values()].every(texts => texts.length === 2));
        for (const hook of hooks)
            equal(ended.get(hook), [hook, hook]);
    },

    async mainLoopInHooks(server) {
        const client = makeClient(server);
        const nest = () => {
            for (let i = 0; i < 20; i++)
                GLib.MainContext.default().iteration(false);
        };
        client.add_plugin(new Acting({call: nest, done: nest}));
        const calls = [];
        for (let i = 0; i < 20; i++)
            calls.push(client.call('ECHO', String(i)));
        equal(await Promise.all(calls), calls.map((_, i) => String(i)));
    },
};
