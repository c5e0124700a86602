# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records: classes of Python whose properties are the fields of a hash."""

import sys

from tap import equal, main, raises_async, wait_until

from gi.repository import Gio, GLib, GObject, Tornadis


class Lamp(Tornadis.Record):
    on = GObject.Property(type=bool, default=False)
    level = GObject.Property(type=int, default=5, minimum=0, maximum=100)
    ratio = GObject.Property(type=float, default=0.5)
    label = GObject.Property(type=str)
    byte_order = GObject.Property(type=Gio.DataStreamByteOrder, default=Gio.DataStreamByteOrder.HOST_ENDIAN)
    # An object of Python is no field.
    anything = GObject.Property(type=object)
    told = 0

    @GObject.Property(type=str)
    def shout(self):
        return getattr(self, '_shout', None)

    @shout.setter
    def shout(self, text):
        self._shout = None if text is None else text.upper()


async def make_client(server):
    client = Tornadis.Client(unix_domain_socket=server.get_socket_path())
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA')
    return client


async def test_follow(server):
    client, other = await make_client(server), await make_client(server)
    one, two = Lamp(client, 'lamp'), Lamp(key='lamp')
    two.props.client = other
    equal(await one.load(timeout=60), one)
    await two.load()
    equal((two.props.loaded, two.props.live, two.props.exists, two.level), (True, True, False, 5))
    equal(repr(one), "<Tornadis.Lamp 'lamp', loaded>")
    equal(Lamp(client, b'lamp').props.key, 'lamp')

    button = Gio.SimpleAction(name='button', enabled=False)
    two.bind_property('on', button, 'enabled', GObject.BindingFlags.BIDIRECTIONAL | GObject.BindingFlags.SYNC_CREATE)
    one.on, one.level, one.ratio, one.label, one.anything = True, 7, .25, 'Küche', object()
    one.byte_order = Gio.DataStreamByteOrder.BIG_ENDIAN
    equal(await one.flush(timeout=60), one)
    equal(await client.call('HGETALL', 'lamp'), {
        b'on': b'1', b'level': b'7', b'ratio': b'0.25', b'label': 'Küche'.encode(), b'byte-order': b'big-endian'})
    await wait_until(lambda: two.level == 7)
    equal((two.on, two.ratio, two.label, two.byte_order, two.anything, button.get_enabled(), two.props.exists),
          (True, .25, 'Küche', Gio.DataStreamByteOrder.BIG_ENDIAN, None, True, True))
    button.set_enabled(False)
    await wait_until(lambda: not one.on)

    # A setter that makes another value of it writes nothing by itself.
    await client.call('HSET', 'lamp', 'shout', 'hey', 'level', 8)
    await wait_until(lambda: two.level == 8)
    equal((two.shout, await client.call('HGET', 'lamp', 'shout')), ('HEY', b'hey'))
    two.shout = 'you'
    await two.flush()
    equal(await client.call('HGET', 'lamp', 'shout'), b'YOU')


async def test_told(server):
    client = await make_client(server)
    lamp = Lamp(client, 'lamp')
    await lamp.load()
    told = []
    lamp.connect('invalid', lambda lamp, name, text: told.append((name, text.get_data())))
    lamp.connect('write-failed', lambda lamp, error: told.append(error.message))
    lamp.connect('conflict', lambda lamp, name, value: told.append((name, value.unpack())))
    await client.call('HSET', 'lamp', 'level', 'x', 'ratio', '101')
    await wait_until(lambda: lamp.ratio == 101)
    equal((told, lamp.level), ([('level', b'x')], 5))
    del told[:]
    lamp.level = 9

    # Behind the write of the record, and before it reads.
    def interfere():
        client.call_async(Tornadis.Command.new_strv(['HSET', 'lamp', 'level', '3']), None, None)

    GLib.idle_add(interfere, priority=GLib.PRIORITY_DEFAULT)
    await wait_until(lambda: lamp.level == 3)
    equal(told, [('level', 9)])
    await client.call('SET', 'lamp', 'x')
    await wait_until(lambda: lamp.get_error() is not None)
    equal(lamp.get_error().prefix, 'WRONGTYPE')
    del told[:]
    lamp.level = 1
    error = await raises_async(Tornadis.ReplyError, lamp.flush())
    equal((error.prefix, len(told)), ('WRONGTYPE', 1))


async def test_dictionary(server):
    client = await make_client(server)
    fields = {'level': GLib.Variant('i', 5), 'label': GLib.Variant('s', '')}
    one, two = Tornadis.Record(client, 'lamp', fields), Tornadis.Record.new(client, 'lamp', GLib.Variant('a{sv}', fields))
    equal((one.get_fields().unpack(), two.props.fields.unpack()), ({'level': 5, 'label': ''},) * 2)
    await one.load()
    loaded = []
    two.load_async(None, lambda two, result: loaded.append(two.load_finish(result)))
    await wait_until(lambda: loaded)
    changed = []
    two.connect('field-changed::level', lambda two, name: changed.append(name))
    equal((one.set_field('level', GLib.Variant('i', 6)), one.set_field('level', GLib.Variant('s', '6'))), (True, False))
    flushed = []
    one.flush_async(None, lambda one, result: flushed.append(one.flush_finish(result)))
    await wait_until(lambda: changed and flushed)
    equal((two.get_field('level').unpack(), two.get_field('none'), changed, loaded, flushed), (6, None, ['level'], [True], [True]))


async def test_load(server):
    client = await make_client(server)
    record = Tornadis.Record()
    try:
        record.load()
    except ValueError:
        pass
    else:
        raise AssertionError('it has no client')
    equal((record.get_client(), record.get_key(), record.get_loaded(), record.get_live(), record.get_exists(), record.get_error(),
           record.props.error, record.props.key), (None, None, False, False, False, None, None, None))
    record.set_client(client)
    await raises_async(Tornadis.ClientError, record.load())
    record.set_key('lamp')
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', '')
    client.close()
    client.props.protocol = Tornadis.Protocol.RESP2
    error = await raises_async(Tornadis.ClientError, record.load())
    assert error.matches(Tornadis.error_quark(), Tornadis.Error.USAGE), error


main(sys.modules[__name__])
