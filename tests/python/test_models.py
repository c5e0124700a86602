# SPDX-License-Identifier: LGPL-2.1-or-later
"""Live models: a list and a sorted set as a Gio.ListModel, followed and edited."""

import sys

from tap import equal, main, raises, raises_async, wait_until

from gi.repository import Gio, GLib, Tornadis


async def make_client(server):
    client = Tornadis.Client(unix_domain_socket=server.get_socket_path())
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA')
    await client.call('FLUSHALL')
    return client


def show(model):
    return [(item.props.text, item.props.score) if isinstance(model, Tornadis.SortedSetModel) else item.props.text for item in model]


async def test_list(server):
    client = await make_client(server)
    await client.call('RPUSH', 'log', 'a', 'b', 'c')
    model = Tornadis.ListModel(client, b'log')
    assert isinstance(model, Gio.ListModel)
    equal(model.props.key, 'log')
    equal(len(model), 0)
    changes = []
    model.connect('items-changed', lambda _, *change: changes.append(change))
    await wait_until(lambda: model.props.live and model.props.ready)
    equal(len(model), 3)
    item = model[0]
    equal((item.props.loading, item.props.text), (True, None))
    await wait_until(lambda: not item.props.loading)
    assert model[0] is item
    equal(show(model), ['a', 'b', 'c'])
    await client.call('LPUSH', 'log', b'\xff')
    await wait_until(lambda: len(model) == 4 and model[0].props.bytes is not None)
    equal((model[0].props.text, model[0].props.bytes.get_data()), (None, b'\xff'))
    assert model[1] is item
    equal(changes, [(0, 0, 3), (0, 0, 1)])


async def test_edit_list(server):
    client = await make_client(server)
    model = Tornadis.ListModel(client, 'log')
    await wait_until(lambda: model.props.live and model.props.ready)
    waiting = model.append('a')
    equal(show(model), ['a'])
    equal(await waiting, True)
    await model.insert(0, 1)
    await model.replace(1, b'b', timeout=60)
    equal(show(model), ['1', 'b'])
    await model.remove(0, cancellable=Gio.Cancellable())
    equal(show(model), ['b'])
    equal(await client.call('LRANGE', 'log', 0, -1), [b'b'])
    await client.call('ACL', 'SETUSER', 'default', '-rpush')
    waiting = model.append('x')
    equal(show(model), ['b', 'x'])
    error = await raises_async(Tornadis.ReplyError, waiting)
    equal(error.prefix, 'NOPERM')
    equal(show(model), ['b'])
    await client.call('ACL', 'SETUSER', 'default', '+rpush')
    await raises_async(Tornadis.ClientError, model.remove(7))
    # None is no value.
    raises(TypeError, model.append, None)
    raises(TypeError, model.replace, 0, None)
    raises(TypeError, Tornadis.HashModel(client, 'hash').put, 'field', None)


async def test_sorted_set(server):
    client = await make_client(server)
    await client.call('ZADD', 'best', 1, 'a', 2, 'b')
    model = Tornadis.SortedSetModel(client, 'best', descending=True)
    await wait_until(lambda: model.props.live and model.props.ready)
    items = [*model]
    await wait_until(lambda: not items[0].props.loading)
    equal(show(model), [('b', 2), ('a', 1)])
    waiting = model.add('c', 1.5)
    equal(show(model), [('b', 2), ('c', 1.5), ('a', 1)])
    await waiting
    await model.remove('b')
    equal(show(model), [('c', 1.5), ('a', 1)])
    await client.call('ZADD', 'best', 3, 'a')
    await wait_until(lambda: show(model) == [('a', 3), ('c', 1.5)])
    equal(items[1].props.name, 'a')


async def test_native(server):
    client = await make_client(server)
    model = Tornadis.ListModel.new(client, 'log')
    best = Tornadis.SortedSetModel.new(client, 'best', True)
    await wait_until(lambda: model.get_live() and model.get_ready() and best.get_live() and best.get_ready())
    value = GLib.Bytes.new(b'a')
    done = []

    def take(name):
        return lambda model, result: done.append(getattr(model, name)(result))

    model.append_async(value, None, take('append_finish'))
    model.insert_async(0, value, None, take('insert_finish'))
    model.replace_async(0, value, None, take('replace_finish'))
    model.remove_async(0, None, take('remove_finish'))
    best.add_async(value, 2, None, take('add_finish'))
    await wait_until(lambda: len(done) == 5)
    best.remove_async(value, None, take('remove_finish'))
    await wait_until(lambda: len(done) == 6)
    equal(done, 6 * [True])
    equal((model.get_key(), model.get_key_bytes().get_data(), model.props.key_bytes.get_data()), ('log', b'log', b'log'))
    equal((model.get_client(), best.get_descending(), model.props.n_items), (client, True, 1))
    equal((model.get_item_type(), model.get_n_items()), (Tornadis.Item.__gtype__, 1))
    item = model.get_item(0)
    equal((item.get_text(), item.get_bytes().get_data(), item.get_name(), item.get_field()), ('a', b'a', None, None))
    equal((item.get_key().get_data(), item.get_score(), item.get_loading()), (b'log', 0, False))
    model.refresh()
    equal(hasattr(model, 'items_changed'), True)


async def test_tables(server):
    client = await make_client(server)
    settings, tags = Tornadis.HashModel(client, 'settings'), Tornadis.SetModel(client, 'tags')
    jobs = Tornadis.KeyModel(client, 'job:*')
    for model in settings, tags, jobs:
        await wait_until(lambda model=model: model.props.live and model.props.ready)
    waiting = settings.put('size', 12)
    equal([(item.props.name, item.props.text) for item in settings], [('size', '12')])
    equal(await waiting, True)
    await settings.put('colour', 'red')
    await settings.remove('size')
    equal([(item.props.name, item.props.text) for item in settings], [('colour', 'red')])
    await tags.add('a')
    await tags.add('b')
    await tags.remove('a')
    equal(show(tags), ['b'])
    await client.call('MSET', 'job:1', 1, 'job:2', 2, 'other', 3)
    await wait_until(lambda: sorted(show(jobs)) == ['job:1', 'job:2'])
    await jobs.remove('job:1')
    equal(show(jobs), ['job:2'])
    value, done = GLib.Bytes.new(b'x'), []

    def take(name):
        return lambda model, result: done.append(getattr(model, name)(result))

    Tornadis.HashModel.new(client, 'settings').put_async(value, value, None, take('put_finish'))
    Tornadis.SetModel.new(client, 'tags').add_async(value, None, take('add_finish'))
    Tornadis.KeyModel.new(client, 'x*').remove_async(value, None, take('remove_finish'))
    await wait_until(lambda: done == 3 * [True])


async def test_stream(server):
    client = await make_client(server)
    first = await client.call('XADD', 'events', '*', 'what', 'start', 'level', 3)
    model = Tornadis.StreamModel(client, b'events', max_items=2)
    equal((model.get_max_items(), model.props.max_items), (2, 2))
    await wait_until(lambda: model.props.live and model.props.ready)
    equal(show(model), ['start'])
    item = model[0]
    equal((item.props.name, item.get_entry().get_id()), (first.decode(), first.decode()))
    entry = item.props.entry
    assert isinstance(entry, Tornadis.StreamEntry)
    equal((entry.lookup_text('level'), entry.get_n_fields()), ('3', 2))
    await client.call('XADD', 'events', '*', 'what', 'more')
    await client.call('XADD', 'events', '*', 'what', 'end')
    await wait_until(lambda: show(model) == ['more', 'end'])
    await client.call('XTRIM', 'events', 'MAXLEN', 1)
    await wait_until(lambda: show(model) == ['end'])
    equal(Tornadis.StreamModel.new(client, 'events', 7).get_max_items(), 7)
    equal(Tornadis.StreamModel(client, 'events').get_max_items(), 10000)


async def test_error(server):
    client = await make_client(server)
    await client.call('SET', 'log', 'text')
    model = Tornadis.ListModel(client, 'log')
    await wait_until(lambda: model.get_error() is not None)
    equal(model.get_error().prefix, 'WRONGTYPE')
    await client.call('DEL', 'log')
    await wait_until(lambda: model.get_error() is None)


main(sys.modules[__name__])
