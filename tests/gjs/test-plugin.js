// SPDX-License-Identifier: LGPL-2.1-or-later
// Plugins written in JavaScript.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, logging, rejects, throws, until} from './tap.js';

const makeClient = server => new Tornadis.Client({unix_domain_socket: server.get_socket_path()});

const Watcher = GObject.registerClass(class Watcher extends Tornadis.Plugin {
    log = [];
    waits = 0;

    vfunc_observe(client, command, pipeline, reply, error, elapsed) {
        this.log.push(command.get_name());
        if (command.get_name() === 'SET')
            this.submit(client, Tornadis.Command.new_strv(['GET', 'k']), () => {});
    }

    vfunc_client_acquired(client, elapsed) {
        this.waits++;
    }
});

// Asks for everything three times.
const Insisting = GObject.registerClass({GTypeName: 'TornadisTestJsInsisting'}, class extends Tornadis.Plugin {
    log = [];

    vfunc_call_done(call) {
        this.log.push(call.get_name() + (call.is_in_transaction() ? '!' : ''));
        if (call.get_attempt() < 3)
            call.retry(0);
    }
});

const Recorder = GObject.registerClass({GTypeName: 'TornadisTestJsRecorder'}, class extends Tornadis.Plugin {
    log = [];

    vfunc_call(call) {
        this.log.push(`call ${call.get_name()} ${call.get_attempt()}`);
        return false;
    }

    vfunc_call_done(call) {
        equal(call.is_abandoned(), false);
        this.log.push(`done ${call.get_name()} ${call.dup_error() === null}`);
    }

    vfunc_setup(commands) {
        commands.stack_strv(['CLIENT', 'SETNAME', 'recorder']);
    }

    vfunc_push(push) {
        this.log.push(`push ${push.get_element(0).get_text()}`);
        return true;
    }
});

const Answering = GObject.registerClass({GTypeName: 'TornadisTestJsAnswering'}, class extends Tornadis.Plugin {
    vfunc_call(call) {
        call.return_reply(Tornadis.Reply.new_from_resp(new TextEncoder().encode('$5\r\nmagic\r\n')));
        return true;
    }
});

const Holding = GObject.registerClass({GTypeName: 'TornadisTestJsHolding'}, class extends Tornadis.Plugin {
    vfunc_call(call) {
        if (call.get_name() !== 'GET')
            return false;
        this.held = call;
        return true;
    }
});

const Delaying = GObject.registerClass({GTypeName: 'TornadisTestJsDelaying'}, class extends Tornadis.Plugin {
    vfunc_call(call) {
        GLib.timeout_add(GLib.PRIORITY_DEFAULT, 20, () => {
            call.proceed();
            return GLib.SOURCE_REMOVE;
        });
        return true;
    }
});

const Detaching = GObject.registerClass({GTypeName: 'TornadisTestJsDetaching'}, class extends Tornadis.Plugin {
    _init(told) {
        super._init();
        this.told = told;
    }

    vfunc_detach(client) {
        this.told.push(client instanceof Tornadis.Client);
    }
});

const Retrying = GObject.registerClass({GTypeName: 'TornadisTestJsRetrying'}, class extends Tornadis.Plugin {
    vfunc_call_done(call) {
        if (call.get_attempt() < 3)
            call.retry(1);
    }
});

const Refusing = GObject.registerClass({GTypeName: 'TornadisTestJsRefusing'}, class extends Tornadis.Plugin {
    vfunc_attach() {
        return false;
    }
});

const Attaching = GObject.registerClass({GTypeName: 'TornadisTestJsAttaching'}, class extends Recorder {
    clients = [];

    vfunc_attach(client) {
        this.clients.push(client);
        return true;
    }

    vfunc_detach(client) {
        this.clients.splice(this.clients.indexOf(client), 1);
    }
});

/** Hands every hook on to a plugin of its own. */
const Forwarding = GObject.registerClass({GTypeName: 'TornadisTestJsForwarding'}, class extends Tornadis.Plugin {
    inner = new Attaching();

    vfunc_attach(client) {
        return this.inner.vfunc_attach(client);
    }

    vfunc_detach(client) {
        this.inner.vfunc_detach(client);
    }

    vfunc_setup(commands) {
        this.inner.vfunc_setup(commands);
    }

    vfunc_call(call) {
        return this.inner.vfunc_call(call);
    }

    vfunc_call_done(call) {
        this.inner.vfunc_call_done(call);
    }

    vfunc_push(push) {
        return this.inner.vfunc_push(push);
    }
});

/** Runs functions in its hooks. */
const Running = GObject.registerClass({GTypeName: 'TornadisTestJsRunning'}, class extends Tornadis.Plugin {
    _init({call = () => false, done = () => {}}) {
        super._init();
        Object.assign(this, {onCall: call, onDone: done});
    }

    vfunc_call(call) {
        return this.onCall(call);
    }

    vfunc_call_done(call) {
        this.onDone(call);
    }
});

export default {
    async recorder(server) {
        const client = makeClient(server);
        const plugin = new Recorder();
        equal(client.add_plugin(plugin), true);
        equal(await client.call('CLIENT', 'GETNAME'), 'recorder');
        await rejects(Tornadis.ReplyError, client.call('NOSUCHCOMMAND'));
        equal(plugin.log, ['call CLIENT 1', 'done CLIENT true', 'call NOSUCHCOMMAND 1', 'done NOSUCHCOMMAND false']);
        await client.call('CLIENT', 'TRACKING', 'ON');
        await client.call('GET', 'k');
        await client.call('SET', 'k', 1);
        await client.call('PING');
        equal(plugin.log.includes('push invalidate'), true);
        equal(client.remove_plugin(plugin), true);
    },

    async answering(server) {
        const client = makeClient(server);
        client.add_plugin(new Answering());
        equal(await client.call('GET', 'k'), 'magic');
        equal(client.is_connected(), false);
    },

    async fault15StandsIn(server) {
        const client = makeClient(server);
        const plugin = new Answering();
        client.add_plugin(plugin);
        const log = [];
        client.connect('disconnected', (object, error) => log.push(error?.message ?? null));
        client.connect('notify::state', () => log.push(client.state));
        await rejects(Tornadis.ClientError, client.call('SUBSCRIBE', 'news'), Tornadis.Error.USAGE);
        equal(await client.connect_client(), client);
        equal(client.connected, true);
        const {WAITING, CONNECTED, DISCONNECTED} = Tornadis.ClientState;
        const lost = GLib.Error.new_literal(Tornadis.error_quark(), Tornadis.Error.LOST, 'gone');
        plugin.set_client_lost(client, lost);
        plugin.set_client_state(client, WAITING);
        plugin.set_client_state(client, CONNECTED);
        client.close();
        equal(log, [CONNECTED, DISCONNECTED, 'gone', WAITING, CONNECTED, DISCONNECTED, null]);
        equal(await client.connect_client(), client);
        plugin.set_client_in_transaction(client, true);
        equal(client.is_in_transaction(), true);
        client.close();
        equal(client.is_in_transaction(), false);
        equal(await client.connect_client(), client);
        client.remove_plugin(plugin);
        equal(client.connected, false);
    },

    // No plugin makes a part of a transaction run by itself.
    async fault03NotRepeated(server) {
        const client = makeClient(server);
        const plugin = new Insisting();
        client.add_plugin(plugin);
        await client.call('MULTI');
        equal([client.is_in_transaction(), client.is_session_settled()], [true, true]);
        await client.call('INCR', 'n');
        equal(await client.call('EXEC'), [1]);
        equal(client.is_in_transaction(), false);
        equal(await client.call('INCR', 'n'), 4);
        equal(plugin.log, ['MULTI!', 'INCR!', 'EXEC!', 'INCR', 'INCR', 'INCR']);
    },

    async delaying(server) {
        const client = makeClient(server);
        client.add_plugin(new Delaying());
        equal(await client.call('ECHO', 'x'), 'x');
    },

    async retrying(server) {
        const client = makeClient(server);
        client.add_plugin(new Retrying());
        equal(await client.call('INCR', 'n'), 3);
    },

    async refusing(server) {
        const client = makeClient(server);
        throws(Tornadis.Error, () => client.add_plugin(new Refusing()), Tornadis.Error.PLUGIN);
        const plugin = new Delaying();
        client.add_plugin(plugin);
        throws(Tornadis.Error, () => client.add_plugin(plugin));
        equal(client.remove_plugin(plugin), true);
        equal(client.remove_plugin(plugin), false);
    },

    async forwarding(server) {
        const client = makeClient(server);
        const plugin = new Forwarding();
        client.add_plugin(plugin);
        equal(plugin.inner.clients, [client]);
        equal(client.get_plugins().get_n_items(), 1);
        equal(client.get_plugins().get_item(0) === plugin, true);
        equal(await client.call('CLIENT', 'GETNAME'), 'recorder');
        await rejects(Tornadis.ReplyError, client.call('NOSUCHCOMMAND'));
        await client.call('CLIENT', 'TRACKING', 'ON');
        await client.call('GET', 'k');
        await client.call('SET', 'k', 1);
        await client.call('PING');
        equal(plugin.inner.log.slice(0, 4),
            ['call CLIENT 1', 'done CLIENT true', 'call NOSUCHCOMMAND 1', 'done NOSUCHCOMMAND false']);
        equal(plugin.inner.log.includes('push invalidate'), true);
        client.remove_plugin(plugin);
        equal(plugin.inner.clients, []);
    },

    async token(server) {
        const client = makeClient(server);
        const seen = [];
        client.add_plugin(new Running({
            call(call) {
                equal(call.get_client() === client, true);
                equal(call.get_start_time() <= GLib.get_monotonic_time(), true);
                equal([call.get_reply(), call.dup_error()], [null, null]);
                seen.push(call.get_command()?.get_n_args() ?? call.get_pipeline().number_of_stacked_calls);
                if (call.get_name() === 'SET')
                    call.set_command(Tornadis.Command.new_strv(['SET', 'k', 'changed']));
                else if (call.get_name() === 'PIPELINE')
                    call.set_pipeline(pipeline);
                if (call.get_name() !== 'NAMES')
                    return false;
                call.return_reply(Tornadis.Reply.new_nested(Tornadis.ReplyKind.ARRAY,
                    ['a', 'b'].map(name => Tornadis.Reply.new_string(new TextEncoder().encode(name)))));
                return true;
            },
            done(call) {
                equal(call.get_elapsed() >= 0, true);
                seen.push(call.get_name(), call.get_reply()?.unpack() ?? call.dup_error().code);
            },
        }));
        await client.call('SET', 'k', 'v');
        equal(await client.call('GET', 'k'), 'changed');
        await rejects(Tornadis.ReplyError, client.call('INCR', 'k'));
        const pipeline = new Tornadis.Pipeline({atomic: true});
        pipeline.stack_call('PING');
        pipeline.stack_call('PING');
        equal(await client.call(pipeline), ['PONG', 'PONG']);
        equal(seen.splice(0), [3, 'SET', 'OK', 2, 'GET', 'changed', 2, 'INCR', Tornadis.Error.REPLY,
            2, 'MULTI', ['PONG', 'PONG']]);
        const replaced = new Tornadis.Pipeline();
        replaced.stack_call('GET', 'k');
        equal(await client.call(replaced), ['PONG', 'PONG']);
        equal(await client.call('NAMES'), ['a', 'b']);
    },

    async failing(server) {
        const client = makeClient(server);
        const failures = {
            GET: new GLib.Error(Tornadis.Error, Tornadis.Error.BUSY, 'not now'),
            SET: new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.NO_SPACE, 'full'),
        };
        client.add_plugin(new Running({
            call(call) {
                if (!failures[call.get_name()])
                    return false;
                call.return_error(failures[call.get_name()]);
                return true;
            },
        }));
        const busy = await rejects(Tornadis.ClientError, client.call('GET', 'k'), Tornadis.Error.BUSY);
        equal(busy.message, 'not now');
        const full = await rejects(GLib.Error, client.call('SET', 'k', 'v'));
        equal(full.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.NO_SPACE), true);
        equal(await client.call('PING'), 'PONG');
    },

    async replacing(server) {
        const client = makeClient(server);
        client.add_plugin(new Running({
            done(call) {
                if (call.dup_error())
                    call.return_reply(Tornadis.Reply.new_from_resp(new TextEncoder().encode('$2\r\nno\r\n')));
            },
        }));
        equal(await client.call('NOSUCHCOMMAND'), 'no');
        equal(await client.call('PING'), 'PONG');
    },

    async throwing(server) {
        const client = makeClient(server);
        const thrower = () => {
            throw new Error('mine');
        };
        client.add_plugin(new Running({call: thrower, done: thrower}));
        await logging(GLib.LogLevelFlags.LEVEL_CRITICAL, 2, 'mine', async () => {
            equal(await client.call('ECHO', 'x'), 'x');
        });
    },

    /** The collector lets the call go, and what the plugins are told must not be told while it runs. */
    async letGo(server) {
        const client = makeClient(server);
        const told = [];
        client.add_plugin(new Running({done: call => told.push(call.get_name(), call.dup_error()?.code ?? null)}));
        client.add_plugin(new Running({call: call => call.get_name() === 'GET'}));
        const call = rejects(Tornadis.ClientError, client.call('GET', 'k'), Tornadis.Error.PLUGIN);
        let ended = false;
        call.finally(() => (ended = true));
        await until(() => {
            System.gc();
            return ended;
        });
        await call;
        equal(told, ['GET', Tornadis.Error.PLUGIN]);
        equal(client.is_connected(), false);
        equal(await client.call('PING'), 'PONG');
    },

    async clientLetGo(server) {
        const told = [];
        (() => {
            const client = makeClient(server);
            client.add_plugin(new Detaching(told));
        })();
        await until(() => {
            System.gc();
            return told.length > 0;
        });
        equal(told, [true]);
    },

    async keptReplies(server) {
        const client = makeClient(server);
        const pushes = [], commands = [], replies = [];
        const Keeping = GObject.registerClass({GTypeName: 'TornadisTestJsKeeping'}, class extends Tornadis.Plugin {
            vfunc_push(push) {
                pushes.push(push);
                return true;
            }

            vfunc_observe(_client, command, _pipeline, reply) {
                if (command.get_name() !== 'SET')
                    return;
                commands.push(command);
                replies.push(reply);
            }
        });
        const plugin = new Keeping();
        const own = [];
        client.add_plugin(plugin);
        plugin.submit(client, Tornadis.Command.new('PING'), null);
        await client.call('CLIENT', 'TRACKING', 'ON', 'BCAST');
        const numbers = [...Array(100).keys()];
        for (const i of numbers) {
            plugin.submit(client, Tornadis.Command.new_strv(['ECHO', `own ${i}`]), (_, reply) => own.push(reply));
            await client.call('SET', `key:${i}`, i, 'GET');
        }
        await until(() => pushes.length >= 100);
        System.gc();
        equal(own.map(reply => reply.unpack()), numbers.map(i => `own ${i}`));
        equal(pushes.map(push => push.unpack()), numbers.map(i => ['invalidate', [`key:${i}`]]));
        equal(replies.map(reply => reply.unpack()), numbers.map(() => null));
        equal(commands.map(command => String.fromCharCode(...command.get_arg(2).toArray())), numbers.map(String));
    },

    async inPools(server) {
        const template = makeClient(server);
        const plugin = new Recorder();
        template.add_plugin(plugin);
        const pool = new Tornadis.ClientPool({template, max_size: 2});
        await Promise.all([pool.call('PING'), pool.call('PING')]);
        await until(() => plugin.log.length === 4);
        equal(plugin.log.filter(line => line === 'call PING 1').length, 2);
    },

    async registry(server) {
        equal(Tornadis.Plugin.register('js-recorder', Recorder.$gtype), true);
        equal(Tornadis.Plugin.register('js-recorder', Recorder.$gtype), false);
        equal(Tornadis.Plugin.list_names().includes('js-recorder'), true);
        equal(makeClient(server).add_plugin_by_name('js-recorder') instanceof Recorder, true);
        const plugin = Tornadis.Plugin.new_by_name('js-recorder');
        equal(plugin instanceof Recorder, true);
        throws(Tornadis.Error, () => Tornadis.Plugin.new_by_name('no-such-plugin'), Tornadis.Error.PLUGIN);
        throws(Tornadis.Error, () => makeClient(server).add_plugin_by_name('no-such-plugin'));
        equal(Tornadis.Plugin.new_by_name('log').prefix, null);
        equal(Tornadis.Plugin.new_with_options('log', ['prefix=a=b']).prefix, 'a=b');
    },

    async description() {
        const Described = GObject.registerClass({GTypeName: 'TornadisTestJsDescribed'}, class extends Tornadis.Plugin {});
        equal(new Described().get_description(), null);
        Described.set_description('says what it does');
        equal(new Described().get_description(), 'says what it does');
        equal(Tornadis.Plugin.new_by_name('retry').get_description(),
            'repeats calls that failed and may be repeated, after a growing delay');
    },

    async watcher(server) {
        const client = makeClient(server);
        const watcher = new Watcher();
        client.add_plugin(watcher);
        await client.call('SET', 'k', 'v');
        await client.call('PING');
        equal(watcher.log, ['SET', 'GET', 'PING']);
        await rejects(Tornadis.ReplyError, client.call('INCR', 'k'));
        equal(watcher.log.at(-1), 'INCR');

        const pool = Tornadis.ClientPool.new(client);
        await pool.withClient(async () => equal(watcher.waits, 1));
        pool.destroy();

        equal(client.connection_id, await client.call('CLIENT', 'ID'));
        equal(client.pending, 0);
        equal(client.bytes_read > 0 && client.bytes_written > 0, true);
    },

    // One call of a turn takes longer than all of the turns after it.
    async oneWaits(server) {
        const client = makeClient(server);
        const holding = new Holding();
        client.add_plugin(holding);
        const echo = n => client.call('ECHO', n);
        const waiting = client.call('GET', 'held');
        equal((await Promise.all([...Array(200).keys()].map(echo))).length, 200);
        equal((await Promise.all([...Array(100).keys()].map(echo))).length, 100);
        for (let turn = 0; turn < 30; turn++) {
            const numbers = [...Array(10).keys()].map(n => 10 * turn + n);
            equal(await Promise.all(numbers.map(echo)), numbers.map(String));
        }
        holding.held.proceed();
        equal(await waiting, null);
        client.close();
    },
};
