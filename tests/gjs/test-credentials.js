// SPDX-License-Identifier: LGPL-2.1-or-later
// Credentials that are a class of JavaScript's.

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, rejects, sleep, until} from './tap.js';

const Login = GObject.registerClass({
    Implements: [Tornadis.Credentials],
}, class Login extends GObject.Object {
    answer = null;
    asked = 0;

    vfunc_request_login(request) {
        this.asked++;
        this.answer(request);
    }
});

const makeLogin = answer => Object.assign(new Login(), {answer});
const addUser = (server, name, password) =>
    server.command(`ACL SETUSER ${name} on >${password} ~* &* +@all`);
const makeClient = (server, credentials) => new Tornadis.Client({unix_domain_socket: server.get_socket_path(), credentials});

export default {
    async rotation(server) {
        addUser(server, 'ann', 'one');
        addUser(server, 'bob', 'two');
        const login = makeLogin(request => request.return_login('ann', 'one', 0));
        const client = makeClient(server, login);
        equal(await client.call('ACL', 'WHOAMI'), 'ann');
        equal(client.credentials === login, true);
        login.answer = request => request.return_login('bob', 'two', (Date.now() + 3600000) * 1000);
        login.emit('changed');
        await until(async () => await client.call('ACL', 'WHOAMI') === 'bob');
        equal(login.asked, 2);
    },

    async later(server) {
        addUser(server, 'ann', 'one');
        const client = makeClient(server, makeLogin(async request => {
            await sleep(10);
            request.return_login('ann', 'one', 0);
        }));
        equal(await client.call('ACL', 'WHOAMI'), 'ann');
        const outer = makeLogin(request => client.credentials.request_login(request));
        equal(await makeClient(server, outer).call('ACL', 'WHOAMI'), 'ann');
    },

    async failures(server) {
        const kept = [];
        const login = makeLogin(request => {
            kept.push(request);
            request.return_error(new GLib.Error(GLib.quark_from_string('token'), 1, 'there is no token'));
        });
        const error = await rejects(Tornadis.Error, makeClient(server, login).call('PING'),
            Tornadis.Error.AUTHENTICATION);
        equal(error.message.includes('there is no token'), true);
        equal(kept[0].get_cancellable().is_cancelled(), false);
    },
};
