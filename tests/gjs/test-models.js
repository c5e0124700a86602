// SPDX-License-Identifier: LGPL-2.1-or-later
// Live models: a list and a sorted set as a Gio.ListModel, followed and edited.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, finish, rejects, sleep} from './tap.js';

async function makeClient(server) {
    const client = new Tornadis.Client({unix_domain_socket: server.get_socket_path()});
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA');
    await client.call('FLUSHALL');
    return client;
}

function show(model) {
    const rows = [];
    for (let i = 0; i < model.get_n_items(); i++) {
        const item = model.get_item(i);
        rows.push(item.score ? `${item.text}:${item.score}` : item.text);
    }
    return rows;
}

/** As long as a case may take, which ends it. */
async function until(condition) {
    while (!condition())
        await sleep(1);
}

export default {
    async list(server) {
        const client = await makeClient(server);
        await client.call('RPUSH', 'log', 'a', 'b');
        const model = new Tornadis.ListModel({client, key: 'log'});
        const changes = [];
        model.connect('items-changed', (_, ...change) => changes.push(change));
        await until(() => model.ready && model.live);
        equal(model.get_item_type() === Tornadis.Item.$gtype, true);
        equal([model.key, model.key_bytes.get_size(), model.error], ['log', 3, null]);
        equal([model.n_items, model.get_live(), model.get_ready(), model.get_key(), model.get_client() === client],
            [2, true, true, 'log', true]);
        equal(model.get_key_bytes().toArray(), new Uint8Array([108, 111, 103]));
        const item = model.get_item(1);
        equal([item.loading, item.get_text()], [true, null]);
        await until(() => !item.get_loading());
        equal([item.text, item.get_name(), item.get_field(), item.get_score()], ['b', null, null, 0]);
        equal([item.get_bytes().get_size(), item.get_key().get_size()], [1, 3]);
        equal([item.bytes.get_size(), item.field, item.key.get_size(), item.name], [1, null, 3, null]);
        equal(model.get_item(1) === item, true);
        equal(show(model), ['a', 'b']);
        await client.call('LPUSH', 'log', 'z');
        await until(() => model.get_n_items() === 3);
        equal(model.get_item(2) === item, true);
        equal(changes, [[0, 0, 2], [0, 0, 1]]);
        model.refresh();
    },

    async edit_list(server) {
        const client = await makeClient(server);
        const model = Tornadis.ListModel.new(client, 'log');
        await until(() => model.ready && model.live);
        const appending = model.append('a');
        equal(show(model), ['a']);
        equal(await appending, true);
        await model.insert(0, 1, {timeout: 60});
        await model.replace(1, new Uint8Array([98]), {cancellable: new Gio.Cancellable()});
        equal(show(model), ['1', 'b']);
        await model.remove(0);
        equal(show(model), ['b']);
        equal(await client.call('LRANGE', 'log', 0, -1), ['b']);
        await client.call('ACL', 'SETUSER', 'default', '-rpush');
        const refused = model.append('x');
        equal(show(model), ['b', 'x']);
        const error = await rejects(Tornadis.ReplyError, refused);
        equal(error.prefix, 'NOPERM');
        equal(show(model), ['b']);
        await client.call('ACL', 'SETUSER', 'default', '+rpush');
        await rejects(Tornadis.TornadisException, model.remove(7));
    },

    async natively(server) {
        const client = await makeClient(server);
        const model = Tornadis.ListModel.new(client, 'log');
        const value = new GLib.Bytes(new Uint8Array([97]));
        await until(() => model.ready && model.live);
        equal(await finish(model, 'append', value, null), true);
        equal(await finish(model, 'insert', 0, value, null), true);
        equal(await finish(model, 'replace', 0, value, null), true);
        equal(await finish(model, 'remove', 0, null), true);
        const best = Tornadis.SortedSetModel.new(client, 'best', true);
        equal(await finish(best, 'add', value, 1, null), true);
        equal(await finish(best, 'remove', value, null), true);
        equal([best.get_descending(), best.descending], [true, true]);
        equal(best.get_item_type() === Tornadis.Item.$gtype, true);
    },

    async sorted_set(server) {
        const client = await makeClient(server);
        await client.call('ZADD', 'best', 1, 'a', 2, 'b');
        const model = new Tornadis.SortedSetModel({client, key: 'best', descending: true});
        await until(() => model.ready && model.live);
        const item = model.get_item(0);
        await until(() => !item.loading);
        equal(show(model), ['b:2', 'a:1']);
        const adding = model.add('c', 1.5);
        equal(show(model), ['b:2', 'c:1.5', 'a:1']);
        await adding;
        await model.remove('b');
        equal(show(model), ['c:1.5', 'a:1']);
        await client.call('DEL', 'best');
        await client.call('SET', 'best', 'text');
        await until(() => model.get_error() !== null);
        equal(model.get_error().prefix, 'WRONGTYPE');
    },

    async stream(server) {
        const client = await makeClient(server);
        const first = await client.call('XADD', 'events', '*', 'what', 'start', 'level', 3);
        const model = new Tornadis.StreamModel({client, key: 'events', max_items: 2});
        equal([model.get_max_items(), model.max_items], [2, 2]);
        await until(() => model.ready && model.live);
        equal(show(model), ['start']);
        const item = model.get_item(0);
        equal([item.name, item.get_entry().get_id(), item.entry.lookup_text('level')], [first, first, '3']);
        await client.call('XADD', 'events', '*', 'what', 'more');
        await client.call('XADD', 'events', '*', 'what', 'end');
        await until(() => show(model).join() === 'more,end');
        await client.call('XTRIM', 'events', 'MAXLEN', 1);
        await until(() => show(model).join() === 'end');
        equal(Tornadis.StreamModel.new(client, 'events', 7).max_items, 7);
    },

    async tables(server) {
        const client = await makeClient(server);
        const settings = new Tornadis.HashModel({client, key: 'settings'});
        const tags = Tornadis.SetModel.new(client, 'tags');
        const jobs = Tornadis.KeyModel.new(client, 'job:*');
        await until(() => [settings, tags, jobs].every(model => model.ready && model.live));
        const putting = settings.put('size', 12);
        equal(show(settings), ['12']);
        equal(settings.get_item(0).name, 'size');
        equal(await putting, true);
        await settings.remove('size');
        equal(show(settings), []);
        await tags.add('a');
        await tags.add('b', {timeout: 60});
        await tags.remove('a');
        equal(show(tags), ['b']);
        await client.call('MSET', 'job:1', 1, 'other', 2);
        await until(() => jobs.get_n_items() === 1);
        await jobs.remove('job:1');
        equal(show(jobs), []);
        const value = new GLib.Bytes(new Uint8Array([97]));
        equal(await finish(Tornadis.HashModel.new(client, 'settings'), 'put', value, value, null), true);
        equal(await finish(settings, 'remove', value, null), true);
        equal(await finish(tags, 'add', value, null), true);
        equal(await finish(tags, 'remove', value, null), true);
        equal(await finish(jobs, 'remove', value, null), true);
    },
};
