// SPDX-License-Identifier: LGPL-2.1-or-later
// Plugins written in JavaScript.

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, rejects, run} from './tap.js';

const makeClient = server => new Tornadis.Client({unix_domain_socket: server.get_socket_path()});

const Recorder = GObject.registerClass({GTypeName: 'TornadisTestJsRecorder'}, class extends Tornadis.Plugin {
    log = [];

    vfunc_call(call) {
        this.log.push(`call ${call.get_name()} ${call.get_attempt()}`);
        return false;
    }

    vfunc_call_done(call) {
        this.log.push(`done ${call.get_name()} ${call.get_error() === null}`);
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

const Delaying = GObject.registerClass({GTypeName: 'TornadisTestJsDelaying'}, class extends Tornadis.Plugin {
    vfunc_call(call) {
        GLib.timeout_add(GLib.PRIORITY_DEFAULT, 20, () => {
            call.proceed();
            return GLib.SOURCE_REMOVE;
        });
        return true;
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

run({
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
        let code = null;
        try {
            client.add_plugin(new Refusing());
        } catch (error) {
            code = error.code;
        }
        equal(code, Tornadis.Error.PLUGIN);
    },

    async registry(server) {
        equal(Tornadis.Plugin.register('js-recorder', Recorder.$gtype), true);
        equal(Tornadis.Plugin.register('js-recorder', Recorder.$gtype), false);
        equal(Tornadis.Plugin.list_names().includes('js-recorder'), true);
        equal(makeClient(server).add_plugin_by_name('js-recorder') instanceof Recorder, true);
    },
});
