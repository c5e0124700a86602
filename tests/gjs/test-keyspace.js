// SPDX-License-Identifier: LGPL-2.1-or-later
// Keys that change: started, told of, and turned on.

import Gio from 'gi://Gio';
import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, finish, rejects, until} from './tap.js';

const makeClient = server => new Tornadis.Client({unix_domain_socket: server.get_socket_path()});
const decode = bytes => new TextDecoder().decode(bytes.toArray());

export default {
    async changed(server) {
        const client = makeClient(server);
        await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA');
        const told = [], expired = [];
        const keyspace = Tornadis.Keyspace.new(client, 'user:*');
        keyspace.connect('changed', (source, key, event) => told.push(`${event} ${decode(key)}`));
        keyspace.connect('changed::expired', (source, key) => expired.push(decode(key)));
        equal(await keyspace.start({timeout: 60}), keyspace);
        equal([keyspace.active, keyspace.checked, keyspace.has_subkeys], [true, true, false]);
        equal(String(keyspace), "<Tornadis.Keyspace of 'user:*', active>");
        await client.call('SET', 'user:1', 'x', 'PX', 1);
        await client.call('SET', 'other', 'x');
        await until(() => expired.length > 0);
        equal(told, ['set user:1', 'expire user:1', 'expired user:1']);
        equal(expired, ['user:1']);
        keyspace.stop();
        equal(keyspace.get_active(), false);
    },

    async off(server) {
        const client = makeClient(server);
        await client.call('CONFIG', 'SET', 'notify-keyspace-events', '');
        await rejects(Tornadis.Error, new Tornadis.Keyspace({client}).start(), Tornadis.Error.USAGE);
        const keyspace = new Tornadis.Keyspace({client, event: 'set', db: 0, configure: true, classes: '$', subkeys: true});
        equal([keyspace.get_client() === client, keyspace.get_pattern(), keyspace.get_event(), keyspace.get_db(), keyspace.get_subkeys(),
            keyspace.get_configure(), keyspace.get_classes(), keyspace.get_checked(), keyspace.get_has_subkeys()],
        [true, null, 'set', 0, true, true, '$', false, false]);
        equal([keyspace.event, keyspace.db, keyspace.subkeys, keyspace.configure, keyspace.classes], ['set', 0, true, true, '$']);
        await keyspace.start();
        equal((await client.call('CONFIG', 'GET', 'notify-keyspace-events')).get('notify-keyspace-events'), '$E');
        keyspace.stop();
    },

    async asInC(server) {
        const client = makeClient(server);
        await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA');
        const keyspace = Tornadis.Keyspace.new(client, null);
        equal(await finish(keyspace, 'start', null), true);
        keyspace.stop();
        equal(Tornadis.PubSubClient.new_like(client).unix_domain_socket, server.get_socket_path());
        const cancellable = new Gio.Cancellable();
        cancellable.cancel();
        await rejects(Gio.IOErrorEnum, keyspace.start({cancellable}), Gio.IOErrorEnum.CANCELLED);
    },
};
