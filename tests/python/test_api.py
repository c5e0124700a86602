# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library as introspection alone gives it, and whether the tests in Python leave anything out."""

import ast
import marshal
import os
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

from tap import equal, main, raises, raises_async

from gi.repository import Gio, GLib, GObject, Tornadis, TornadisBridge

HERE = pathlib.Path(__file__).resolve().parent


def wait(start, finish, *args):
    """What an _async/_finish pair gives."""
    results = []
    start(*args, None, lambda source, result: results.append(result))
    while not results:
        GLib.MainContext.default().iteration(True)
    return finish(results[0])


def test_client(server):
    client = Tornadis.Client.new_for_unix_socket(server.get_socket_path())
    equal(wait(client.connect_async, client.connect_finish), True)
    command = Tornadis.Command.new_bytes([GLib.Bytes.new(b'ECHO'), GLib.Bytes.new(b'\0\xff')])
    reply = wait(client.call_async, client.call_finish, command)
    equal(reply.get_kind(), Tornadis.ReplyKind.STRING)
    equal(reply.get_bytes().get_data(), b'\0\xff')
    equal((reply.get_text(), bytes(reply.get_data()), reply.is_error()), (None, b'\0\xff', False))

    pipeline = Tornadis.Pipeline()
    pipeline.set_atomic(True)
    equal(pipeline.get_atomic(), True)
    pipeline.stack_command(command)
    pipeline.stack_call('PING')
    reply = wait(client.call_pipeline_async, client.call_pipeline_finish, pipeline)
    equal(reply.unpack(), [b'\0\xff', b'PONG'])
    outcomes = []
    client.submit_pipeline(pipeline, lambda client, reply, error: outcomes.append(reply.to_string()))
    while not outcomes:
        GLib.MainContext.default().iteration(True)
    equal(outcomes, ['1) "\\x00\\xff"\n2) PONG'])
    client.close()
    equal(client.is_connected(), False)


def test_reply(server):
    def parse(resp):
        return Tornadis.Reply.new_from_resp(GLib.Bytes.new(resp))

    reply = parse(b'*4\r\n#t\r\n,1.5\r\n:7\r\n-OOPS no\r\n')
    equal([reply.get_element(i).get_kind() for i in range(reply.get_n_elements())],
          [Tornadis.ReplyKind.BOOLEAN, Tornadis.ReplyKind.DOUBLE, Tornadis.ReplyKind.INTEGER, Tornadis.ReplyKind.ERROR])
    equal(reply.get_element(0).get_boolean(), True)
    equal(reply.get_element(1).get_double(), 1.5)
    equal(reply.get_element(2).get_integer(), 7)
    equal(reply.get_element(3).is_error(), True)
    equal(Tornadis.error_dup_prefix(reply.get_element(3).dup_error()), 'OOPS')
    equal(reply.to_variant().print_(False).startswith('['), True)
    equal(Tornadis.Reply.new_from_variant(reply.to_variant()).to_string(), reply.to_string())
    for kind, value, native in (('s', 'text', b'text'), ('x', -7, -7), ('d', 1.5, 1.5), ('b', True, True),
                                ('as', ['a', 'b'], [b'a', b'b']), ('a{sv}', {'k': GLib.Variant('i', 1)}, {b'k': 1}),
                                ('ay', b'\0\xff', b'\0\xff'), ('(is)', (1, 'a'), [1, b'a']), ('()', (), None),
                                ('mv', None, None)):
        equal(Tornadis.Reply.new_from_variant(GLib.Variant(kind, value)).unpack(), native)
    error = Tornadis.Reply.new_from_variant(GLib.Variant('(ss)', ('OOPS', 'OOPS no'))).unpack()
    equal((type(error), error.prefix, error.message), (Tornadis.ReplyError, 'OOPS', 'OOPS no'))
    equal(parse(b'%1\r\n+k\r\n+v\r\n').lookup('k').get_text(), 'v')
    raises(GLib.Error, parse, b'nonsense')


def test_pub_sub(server):
    client = Tornadis.Client.new_for_unix_socket(server.get_socket_path())
    pubsub = Tornadis.PubSubClient.new_for_unix_socket(server.get_socket_path())
    equal(wait(pubsub.subscribe_async, pubsub.subscribe_finish, ['a']), True)
    equal(wait(pubsub.psubscribe_async, pubsub.psubscribe_finish, ['p*']), True)
    equal(wait(pubsub.ssubscribe_async, pubsub.ssubscribe_finish, ['s']), True)
    for channel in ('a', 'pq'):
        wait(client.call_async, client.call_finish, Tornadis.Command.new_strv(['PUBLISH', channel, 'text']))
    wait(client.call_async, client.call_finish, Tornadis.Command.new_strv(['SPUBLISH', 's', 'text']))
    seen = set()
    for _ in range(3):
        message = wait(pubsub.pop_message_async, pubsub.pop_message_finish, 5)
        seen.add((message.get_channel(), message.get_pattern(), message.get_text()))
        equal(message.get_channel_bytes().get_data(), message.get_channel().encode())
        equal(message.get_payload().get_data(), b'text')
    equal(seen, {('a', None, 'text'), ('pq', 'p*', 'text'), ('s', None, 'text')})
    equal(wait(pubsub.unsubscribe_async, pubsub.unsubscribe_finish, None), True)
    equal(wait(pubsub.punsubscribe_async, pubsub.punsubscribe_finish, ['p*']), True)
    equal(wait(pubsub.sunsubscribe_async, pubsub.sunsubscribe_finish, ['s']), True)
    pubsub.unpop_message(message)
    equal(wait(pubsub.pop_message_async, pubsub.pop_message_finish, 5).get_reply().get_text(), 'text')

    names = [GLib.Bytes.new(b'\xff'), GLib.Bytes.new(b'a\0b'), GLib.Bytes.new(b'')]
    for kind in (Tornadis.SubscriptionKind.CHANNEL, Tornadis.SubscriptionKind.PATTERN, Tornadis.SubscriptionKind.SHARD):
        equal(wait(pubsub.subscribe_bytes_async, pubsub.subscribe_bytes_finish, kind, names), True)
        equal(wait(pubsub.unsubscribe_bytes_async, pubsub.unsubscribe_bytes_finish, kind, names[:1]), True)
        equal(wait(pubsub.unsubscribe_bytes_async, pubsub.unsubscribe_bytes_finish, kind, []), True)
    equal(pubsub.get_property('subscribed'), False)
    pubsub.close()


async def test_pub_sub_names(server):
    pubsub = Tornadis.PubSubClient(unix_domain_socket=server.get_socket_path())
    for names in (('subscribe', 'unsubscribe'), ('psubscribe', 'punsubscribe'), ('ssubscribe', 'sunsubscribe'),
                  ('pubsub_subscribe', 'pubsub_unsubscribe'), ('pubsub_psubscribe', 'pubsub_punsubscribe')):
        subscribe, unsubscribe = (getattr(pubsub, name) for name in names)
        equal(await subscribe('a', 'b'), pubsub)
        equal(await unsubscribe('a', 'b'), pubsub)
        # In one list, of whatever sort, likewise.
        for several in (['a', 'b'], ('a',), {b'a'}, {'a': 1}.keys(), (name for name in 'ab')):
            equal(await subscribe(several), pubsub)
        await unsubscribe([])
        equal(pubsub.props.subscribed, True)
        await unsubscribe(['a', 'b'])
        equal(pubsub.props.subscribed, False)
    await pubsub.psubscribe('x*')
    await pubsub.punsubscribe()
    await pubsub.sunsubscribe()
    raises(Tornadis.ClientError, pubsub.call, 'PING')
    raises(Tornadis.ClientError, pubsub.async_call, 'PING')


def test_pool(server):
    pool = Tornadis.ClientPool(unix_domain_socket=server.get_socket_path(), max_size=2)
    equal(wait(pool.preconnect_async, pool.preconnect_finish, 2), True)
    client = wait(pool.get_connected_client_async, pool.get_connected_client_finish)
    equal(client.is_connected(), True)
    pool.release_client(client)
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('PING')
    equal(wait(pool.call_pipeline_async, pool.call_pipeline_finish, pipeline).unpack(), [b'PONG'])


class Counting(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestCounting'

    n = 0

    def do_call_done(self, call):
        self.n += 1


class Everything(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestEverything'

    def __init__(self):
        super().__init__()
        self.log = []
        self.inner = Counting()

    def do_attach(self, client):
        self.log.append('attach')
        return True

    def do_detach(self, client):
        self.log.append('detach')

    def do_call(self, call):
        if call.get_name() == 'OTHER':
            call.set_command(Tornadis.Command.new_strv(['PING']))
        elif call.get_name() == 'PIPELINE':
            other = Tornadis.Pipeline()
            args = [*call.get_pipeline().get_command(0).get_args(), GLib.Bytes.new(b'there')]
            other.stack_command(Tornadis.Command.new_bytes(args))
            call.set_pipeline(other)
        elif call.get_name() == 'NAMES':
            names = [Tornadis.Reply.new_string(GLib.Bytes.new(name)) for name in (b'a', b'\0')]
            call.return_reply(Tornadis.Reply.new_nested(Tornadis.ReplyKind.ARRAY, names))
            return True
        elif call.get_name() == 'REFUSED':
            call.return_error(GLib.Error('refused', 'tornadis-test', 3))
            return True
        return False

    def do_call_done(self, call):
        self.inner.do_call_done(call)
        self.log.append((call.get_client().is_connected(), call.get_pipeline(), call.get_start_time() > 0,
                         call.get_elapsed() >= 0, not call.is_abandoned() and call.get_reply() and call.get_reply().unpack()))

    def do_push(self, push):
        self.log.append(push.unpack())
        return True

    def do_setup(self, commands):
        commands.stack_call('CLIENT', 'SETNAME', 'everything')


async def test_plugin(server):
    client = Tornadis.Client(unix_domain_socket=server.get_socket_path())
    plugin = Everything()
    client.add_plugin(plugin)
    equal(await client.call('OTHER'), b'PONG')
    equal(await client.call('NAMES'), [b'a', b'\0'])
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('ECHO')
    equal(await client.call(pipeline), [b'there'])
    equal(pipeline.get_command(0).get_n_args(), 1)
    plugin.log[2:] = []
    try:
        await client.call('REFUSED')
        raise AssertionError('was not refused')
    except GLib.Error as error:
        equal((error.domain, error.code, error.message), ('tornadis-test', 3, 'refused'))
    equal(await client.call('CLIENT', 'GETNAME'), b'everything')
    client.remove_plugin(plugin)
    done = (True, None, True, True)
    equal(plugin.log, ['attach', (*done, b'PONG'), (*done, None), (*done, b'everything'), 'detach'])

    equal(plugin.inner.n, 5)

    # Hooks are overridden, and what they override can be called; nobody else invokes them.
    equal(Tornadis.Plugin.do_attach(plugin, client), True)
    hooks = ('attach', 'detach', 'setup', 'setup_done', 'call', 'call_done', 'push', 'observe', 'client_acquired')
    equal([hook for hook in hooks if hasattr(plugin, hook) or not hasattr(Tornadis.Plugin, f'do_{hook}')], [])
    raises(GLib.Error, Tornadis.Plugin.new_by_name, 'none-of-that-name')
    equal(Tornadis.Plugin.new_with_options('log', ['prefix=a=b']).props.prefix, 'a=b')


class Watcher(Tornadis.Plugin):
    """Looks on, and makes a call of its own for each that it sees."""

    def __init__(self):
        super().__init__()
        self.log = []
        self.waits = 0

    def do_observe(self, client, command, pipeline, reply, error, elapsed):
        assert elapsed >= 0
        name = command.get_name() if command else pipeline.props.number_of_stacked_calls
        self.log.append((name, reply.unpack() if reply else error.code))
        if name == 'SET':
            self.submit(client, Tornadis.Command.new_strv(['GET', 'k']), lambda client, reply, error: None)

    def do_client_acquired(self, client, elapsed):
        assert elapsed >= 0
        self.waits += 1


async def test_watcher(server):
    client = Tornadis.Client(unix_domain_socket=server.get_socket_path())
    watcher = Watcher()
    client.add_plugin(watcher)
    await client.call('SET', 'k', 'v')
    await client.call('PING')
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('PING')
    pipeline.stack_call('PING')
    await client.call(pipeline)
    equal(watcher.log, [('SET', b'OK'), ('GET', b'v'), ('PING', b'PONG'), (2, [b'PONG', b'PONG'])])
    await raises_async(Tornadis.ReplyError, client.call('INCR', 'k'))
    equal(watcher.log[-1], ('INCR', Tornadis.Error.REPLY))

    pool = Tornadis.ClientPool.new(client)
    async with pool.connected_client():
        equal(watcher.waits, 1)
    pool.destroy()

    equal(client.props.connection_id, await client.call('CLIENT', 'ID'))
    equal(client.props.pending, 0)
    assert client.props.bytes_read > 0 and client.props.bytes_written > 0


async def test_future(server):
    future = Tornadis.Future()
    seen = []
    future.add_done_callback(seen.append)
    future.add_done_callback(seen.append)
    equal(future.remove_done_callback(seen.append), 2)
    future.add_done_callback(seen.append)
    equal((future.done(), future.cancelled()), (False, False))
    assert 'no loop of asyncio' in str(raises(RuntimeError, future.get_loop))
    future.set_result(7)
    future.set_exception(ValueError())
    equal((future.result(), future.exception(), await future, seen), (7, None, 7, [future]))
    # What one of them raises is printed, and keeps no other from being called.
    several, hook, printed = Tornadis.Future(), sys.excepthook, []
    several.add_done_callback(lambda _: [].pop())
    several.add_done_callback(seen.append)
    sys.excepthook = lambda kind, *_: printed.append(kind)
    several.set_result(8)
    sys.excepthook = hook
    equal((seen[1:], printed), ([several], [IndexError]))
    failed = Tornadis.Future()
    failed.set_exception(ValueError('x'))
    raises(ValueError, failed.result)


def test_bridge(server):
    """A binding of its own."""
    client = Tornadis.Client(unix_domain_socket=server.get_socket_path())
    told = []

    def turn(n):
        while len(told) < n:
            GLib.MainContext.default().iteration(True)

    bridge = TornadisBridge.Carrier.new_data(client, lambda client, data, *_: told.append(bytes(data)))
    bridge.set_decode(True)
    bridge.expect()
    turn(1)
    equal(told.pop(), b'')
    equal(bridge.submit_data(marshal.dumps([[b'ECHO', b'x']], 2)), True)
    turn(1)
    equal(marshal.loads(told.pop()), {0: 'x'})
    bridge.submit_command(Tornadis.Command.new_strv(['ECHO', 'y' * 70000]), None)
    turn(1)
    equal(marshal.loads(told.pop()), {~1: (True,)})
    equal(bridge.take_reply(1).get_text(), 'y' * 70000)
    pipeline = Tornadis.Pipeline()
    TornadisBridge.stack_data(pipeline, marshal.dumps([[b'PING']], 2))
    TornadisBridge.stack_text(pipeline, '[["PING"]]')
    bridge.submit_pipeline(pipeline, None)
    turn(1)
    equal(marshal.loads(told.pop()), {2: ['PONG', 'PONG']})

    bridge = TornadisBridge.Carrier.new_text(client, lambda client, text, *_: told.append(text) or True)
    bridge.submit_text('[["ECHO","z"]]')
    turn(1)
    equal(told.pop(), '[ 1,"z"]')
    reply = Tornadis.Reply.new_from_resp(GLib.Bytes.new(b':5\r\n'))
    equal(TornadisBridge.dup_text(reply), '[ 1,5]')
    TornadisBridge.expect_collector()
    equal(marshal.loads(TornadisBridge.dup_data(reply, False)), {0: 5})


def test_version(server):
    version = (Tornadis.MAJOR_VERSION, Tornadis.MINOR_VERSION, Tornadis.MICRO_VERSION)
    equal('.'.join(map(str, version)), Tornadis.VERSION_S)
    equal(Gio.IOExtensionPoint.lookup(Tornadis.PLUGIN_EXTENSION_POINT_NAME) is not None, True)


CORE = '{http://www.gtk.org/introspection/core/1.0}'


def read_gir():
    path, = filter(os.path.exists, (f'{path}/Tornadis-1.0.gir' for path in os.environ['GI_TYPELIB_PATH'].split(':')))
    return ElementTree.parse(path)


def test_names_of_getters(server):
    """What is got belongs to its object, but for bytes and for what tornadis names so; a copy is duplicated."""
    taken = {'get_arg', 'get_args', 'get_bytes', 'get_channel_bytes', 'get_payload', 'get_field_name', 'get_field_value',
             'get_client_nowait', 'get_connected_client_finish'}
    got, duplicated = {}, {}
    for node in read_gir().iter():
        name = node.get('name', '')
        if node.tag in (f'{CORE}method', f'{CORE}function'):
            value = node.find(f'{CORE}return-value').get('transfer-ownership')
            if name.startswith('get_') and value != 'none':
                got[name] = value
            elif name.startswith('dup_'):
                duplicated[name] = value
    equal(set(got), taken)
    equal(set(duplicated.values()), {'full'})


def test_names_of_times(server):
    """Settings are whole milliseconds and say so, but for those that are tornadis' own."""
    seconds = {'connect-timeout', 'read-timeout', 'client-timeout'}
    times = {node.get('name'): node.find(f'{CORE}type').get('name') for node in read_gir().iter(f'{CORE}property')
             if re.search('time|delay(?!$)|interval|msec', node.get('name'))}
    equal(seconds - set(times), set())
    equal({name: kind for name, kind in times.items() if name not in seconds
           and not (name.endswith('-msec') and kind == 'guint')}, {})


def test_complete(server):
    """Every public name of the namespace, and of its classes, is used by a test in Python."""
    used = set()
    for path in HERE.glob('test_*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                used.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
            elif isinstance(node, ast.FunctionDef):
                used.add(node.name)

    inherited = {*dir(GObject.Object), *dir(GLib.Error), *dir(GObject.GBoxed), 'parent_instance'}
    missing = []
    for name in dir(Tornadis):
        thing = getattr(Tornadis, name)
        if name.startswith('_') or name.endswith(('Class', 'Interface')):
            continue
        if not isinstance(thing, type):
            if name not in used:
                missing.append(name)
        elif not issubclass(thing, int):
            missing += [f'{name}.{part}' for part in dir(thing)
                        if not part.startswith('_') and part not in inherited and part not in used]
    equal(missing, [])


main(sys.modules[__name__])
