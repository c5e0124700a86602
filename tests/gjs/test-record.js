// SPDX-License-Identifier: LGPL-2.1-or-later
// Records: classes of JavaScript whose properties are the fields of a hash.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, finish, rejects, until} from './tap.js';

const FLAGS = GObject.ParamFlags.READWRITE;

const Lamp = GObject.registerClass({
    GTypeName: 'TestRecordLamp',
    Properties: {
        'on': GObject.ParamSpec.boolean('on', '', '', FLAGS, false),
        'level': GObject.ParamSpec.int('level', '', '', FLAGS, 0, 100, 5),
        'full-name': GObject.ParamSpec.string('full-name', '', '', FLAGS, null),
        'byte-order': GObject.ParamSpec.enum('byte-order', '', '', FLAGS, Gio.DataStreamByteOrder.$gtype,
            Gio.DataStreamByteOrder.HOST_ENDIAN),
    },
}, class Lamp extends Tornadis.Record {
    get level() {
        return this._level ?? 5;
    }

    set level(level) {
        if (level === this.level)
            return;
        this._level = level;
        this.notify('level');
    }
});

async function makeClient(server) {
    const client = new Tornadis.Client({unix_domain_socket: server.get_socket_path()});
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA');
    return client;
}

export default {
    async follow(server) {
        const client = await makeClient(server), other = await makeClient(server);
        const one = new Lamp({client, key: 'lamp'}), two = new Lamp();
        two.key = 'lamp';
        two.client = other;
        equal(await one.load({timeout: 60}), one);
        await two.load();
        equal([two.loaded, two.live, two.exists, two.level], [true, true, false, 5]);
        equal(String(one), '<Tornadis.Record "lamp", loaded>');

        const button = new Gio.SimpleAction({name: 'button', enabled: false});
        two.bind_property('on', button, 'enabled', GObject.BindingFlags.BIDIRECTIONAL | GObject.BindingFlags.SYNC_CREATE);
        one.on = true;
        one.level = 7;
        one.full_name = 'Küche';
        one.byte_order = Gio.DataStreamByteOrder.BIG_ENDIAN;
        equal(await one.flush({timeout: 60}), one);
        equal(await client.call('HMGET', 'lamp', 'on', 'level', 'full-name', 'byte-order'), ['1', '7', 'Küche', 'big-endian']);
        await until(() => two.level === 7);
        equal([two.on, two.full_name, two.byte_order, button.enabled, two.exists],
            [true, 'Küche', Gio.DataStreamByteOrder.BIG_ENDIAN, true, true]);
        button.enabled = false;
        await until(() => !one.on);
        await one.flush();
        await two.flush();
        equal(await client.call('HGET', 'lamp', 'on'), '0');
    },

    async told(server) {
        const client = await makeClient(server);
        const lamp = new Lamp({client, key: 'lamp'});
        await lamp.load();
        const told = [];
        lamp.connect('invalid', (source, name, text) => told.push([name, new TextDecoder().decode(text.toArray())]));
        lamp.connect('write-failed', () => told.push('failed'));
        lamp.connect('conflict', (source, name, value) => told.push([name, value.deepUnpack()]));
        await client.call('HSET', 'lamp', 'level', 'x', 'full-name', 'a');
        await until(() => lamp.full_name === 'a');
        equal([told, lamp.level], [[['level', 'x']], 5]);
        told.length = 0;
        lamp.level = 9;
        GLib.idle_add(GLib.PRIORITY_DEFAULT, () => {
            // Behind the write of the record, and before it reads.
            client.call_async(Tornadis.Command.new_strv(['HSET', 'lamp', 'level', '3']), null, null);
            return GLib.SOURCE_REMOVE;
        });
        await until(() => lamp.level === 3);
        equal(told, [['level', 9]]);
        await client.call('SET', 'lamp', 'x');
        await until(() => lamp.get_error() !== null);
        equal(lamp.get_error().prefix, 'WRONGTYPE');
        told.length = 0;
        lamp.level = 1;
        await rejects(Tornadis.ReplyError, lamp.flush());
        equal(told, ['failed']);
    },

    async dictionary(server) {
        const client = await makeClient(server);
        const fields = new GLib.Variant('a{sv}', {level: GLib.Variant.new_int32(5)});
        const one = new Tornadis.Record({client, key: 'lamp', fields}), two = Tornadis.Record.new(client, 'lamp', fields);
        equal([one.get_fields().equal(fields), two.fields.equal(fields)], [true, true]);
        await one.load();
        equal(await finish(two, 'load', null), true);
        const changed = [];
        two.connect('field-changed::level', (source, name) => changed.push(name));
        equal([one.set_field('level', GLib.Variant.new_int32(6)), one.set_field('level', GLib.Variant.new_string('6'))], [true, false]);
        equal(await finish(one, 'flush', null), true);
        await until(() => changed.length > 0);
        equal([two.get_field('level').unpack(), two.get_field('none'), changed], [6, null, ['level']]);
    },

    async load(server) {
        const client = await makeClient(server);
        const record = new Tornadis.Record();
        await rejects(TypeError, record.load());
        equal([record.get_client(), record.get_key(), record.get_loaded(), record.get_live(), record.get_exists(), record.get_error(),
            record.client, record.key, record.error], [null, null, false, false, false, null, null, null, null]);
        record.set_client(client);
        await rejects(Tornadis.ClientError, record.load(), Tornadis.Error.USAGE);
        record.set_key('lamp');
        await client.call('CONFIG', 'SET', 'notify-keyspace-events', '');
        client.close();
        client.protocol = Tornadis.Protocol.RESP2;
        await rejects(Tornadis.ClientError, record.load(), Tornadis.Error.USAGE);
    },
};
