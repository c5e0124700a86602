# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every language has alike, under names of its own: docs/languages.md has the table."""

import asyncio
import inspect
import os
import pathlib
import re
import sys

import gi
from tap import count_blocked, equal, main, raises, raises_async, wait_until

from gi.repository import Gio, GLib, GObject, Tornadis

PAGE = pathlib.Path(os.environ['G_TEST_SRCDIR']).parent / 'docs' / 'languages.md'


def options(server):
    return {'unix_domain_socket': server.get_socket_path()}


# Names


def read_table(column):
    """The names in a column of the table: of classes and functions, and CLASS.MEMBER."""
    rows = [line.strip('|\n').split('|') for line in PAGE.read_text().splitlines() if line.startswith('|')]
    number = next(index for row in rows for index, cell in enumerate(row) if cell.strip() == column)
    cells = [row[number] for row in rows if len(row) > number]
    return {name for cell in cells for code in re.findall('`([^`]+)`', cell)
            for name in re.findall(r'^(?:async with )?([A-Z]\w+(?:\.\w+)*|[a-z]\w+(?=\(\)))', code)}


def find(path):
    value = Tornadis
    for name in path.split('.'):
        value = getattr(value, name)
    return value


def test_names_are_there(server):
    names = read_table('Python')
    assert len(names) > 50
    for name in names:
        find(name)


def list_added():
    """What the override adds to what introspection gives."""
    known = {*dir(GObject.Object), *dir(GLib.Error), *dir(GObject.GBoxed)}
    for name in dir(Tornadis):
        kind = getattr(Tornadis, name)
        if name.startswith('_') or getattr(kind, '__module__', '').split('.')[-1] not in (
                'Tornadis', '_tornadis_values', '_tornadis_loop'):
            continue
        if not isinstance(kind, type):
            if inspect.isfunction(kind):
                yield name, kind
            continue
        if kind.__module__ == 'gi.repository.Tornadis':
            continue
        below = {key for part in kind.__mro__[1:] for key in vars(part) if part.__module__ == 'gi.repository.Tornadis'}
        yield name, kind
        for key, value in vars(kind).items():
            if not key.startswith('_') and key not in known and key not in below and name != 'Future':
                yield f'{name}.{key}', value


def test_names_are_complete(server):
    names = read_table('Python')
    # What both clients have stands there once.
    equal(sorted(name for name, _ in list_added()
                 if name not in names and name.replace('PubSubClient.', 'Client.') not in names), [])


def test_docstrings(server):
    """All that is public and is the override's own has one: pydoc and the reference show it."""
    missing = []
    for name in ('Client', 'PubSubClient', 'ClientPool', 'Pipeline', 'Message', 'Reply', 'TornadisException',
                 'ConnectionError', 'ClientError', 'ReplyError', 'Future', 'run', 'spawn', 'sleep'):
        thing = getattr(Tornadis, name)
        missing += [name] * (not thing.__doc__)
        for key, value in vars(thing).items() if isinstance(thing, type) else ():
            value = getattr(value, '__func__', value)
            if not key.startswith('_') and key not in ('get_property', 'get_properties') and (inspect.isfunction(value) or isinstance(value, property)) and not value.__doc__:
                missing.append(f'{name}.{key}')
    equal(missing, [])
    assert 'timeout' in sys.modules['gi.overrides.Tornadis'].__doc__


# Errors


def test_all_methods_convert_errors(server):
    """None is left that raises what introspection alone makes of an error."""
    walked = 0
    for name in dir(Tornadis):
        for part in getattr(getattr(Tornadis, name), '__mro__', ()):
            for key, value in vars(part).items() if part.__module__ == 'gi.repository.Tornadis' else ():
                assert not (type(value) is gi._gi.FunctionInfo and (value.can_throw_gerror() or key == 'dup_error')), key
                walked += 1
    assert walked > 150


class Failing(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestFailing'

    def __init__(self):
        super().__init__()
        self.errors = []

    def do_call_done(self, call):
        self.errors.append(call.dup_error())

    def do_observe(self, client, command, reply, error, sent, came):
        self.errors.append(error)


async def test_errors_of_methods(server):
    client = Tornadis.Client(**options(server))
    error = raises(Tornadis.ClientError, client.add_plugin_by_name, 'nothing')
    equal(error.code, Tornadis.Error.PLUGIN)
    plugin = Failing()
    equal(client.add_plugin(plugin), True)
    raises(Tornadis.ClientError, client.add_plugin, plugin)
    raises(Tornadis.ClientError, Tornadis.Plugin.new_by_name, 'nothing')
    raises(Tornadis.ClientError, Tornadis.Plugin.new_with_options, 'retry', ['nothing=1'])
    raises(Tornadis.ConnectionError, Tornadis.Reply.new_from_resp, GLib.Bytes.new(b'nonsense'))
    for kind in (Tornadis.Client, Tornadis.PubSubClient):
        raises(Tornadis.ClientError, kind.new_for_uri, 'nonsense')
        raises(Tornadis.ClientError, kind.new_for_uri_full, 'redis://h?nothing=1', Tornadis.UriFlags.ALLOW_PLUGINS)

    results, told = [], []
    client.call_async(Tornadis.Command.new('NOSUCH'), None, lambda client, result: results.append(result))
    client.submit(Tornadis.Command.new('NOSUCH'), lambda client, reply, error: told.append((reply, error)))
    await wait_until(lambda: results and told)
    error = raises(Tornadis.ReplyError, client.call_finish, results[0])
    equal((error.prefix, type(told[0][1])), ('ERR', Tornadis.ReplyError))
    equal({type(error) for error in plugin.errors if error is not None}, {Tornadis.ReplyError})
    # Ours can be given to what takes an error.
    equal(Tornadis.error_dup_prefix(error), 'ERR')
    copy = error.copy()
    equal((type(copy), copy.message, copy.code), (Tornadis.ReplyError, error.message, error.code))
    # Another domain's is its own.
    cancellable = Gio.Cancellable()
    cancellable.cancel()
    results.clear()
    client.call_async(Tornadis.Command.new('PING'), cancellable, lambda client, result: results.append(result))
    await wait_until(lambda: results)
    error = raises(GLib.Error, client.call_finish, results[0])
    equal((type(error), error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)), (GLib.Error, True))


async def test_matches(server):
    """The domain is said by its class, its quark or its name."""
    client = Tornadis.Client(**options(server))
    error = await raises_async(Tornadis.ReplyError, client.call('NOSUCH'))
    for domain in (Tornadis.Error, Tornadis.error_quark(), 'tornadis-error-quark'):
        equal((error.matches(domain, Tornadis.Error.REPLY), error.matches(domain, Tornadis.Error.LOST)), (True, False))
    equal(error.matches(Gio.io_error_quark(), Tornadis.Error.REPLY), False)
    # Of those nobody knows the domain.
    for bad in (Gio.IOErrorEnum, None, Tornadis.ReplyError):
        assert 'Gio.io_error_quark()' in str(raises(TypeError, error.matches, bad, Tornadis.Error.REPLY))


def test_words(server):
    """Wrong arguments are named, with what to do."""
    client, pubsub = Tornadis.Client(**options(server)), Tornadis.PubSubClient(**options(server))
    for bad, words in ((None, 'None can not be an argument of a command: give str, bytes, int or float'),
                       ([1], 'a list can not be an argument of a command: spread it, as in *values'),
                       (object(), 'an object can not be an argument of a command: give str, bytes, int or float')):
        equal(str(raises(TypeError, client.call, 'SET', 'k', bad)), words)
    assert 'spread it' in str(raises(TypeError, client.call, 'HSET', 'k', {'a': 1}))
    equal(str(raises(TypeError, pubsub.subscribe, 3)), 'an int can not be the name of a channel: give str or bytes')
    raises(TypeError, pubsub.subscribe, ['a', None])
    for bad in ('1', None, [1]):
        if bad is not None:
            raises(TypeError, lambda: client.call('PING', timeout=bad))
    for bad in (-1, float('nan')):
        raises(ValueError, lambda: client.call('PING', timeout=bad))
    raises(TypeError, lambda: client.call('PING', timout=1))
    for bad, words in (('1', 'a str'), ([], 'a list'), (True, 'a bool')):
        equal(str(raises(TypeError, pubsub.pop_message, bad)), f'a deadline is a number of seconds, not {words}')
        raises(TypeError, Tornadis.run, pubsub.messages(bad).__anext__())
    pool = Tornadis.ClientPool(**options(server))
    for start in (lambda **bad: client.call('PING', **bad), lambda **bad: client.async_call('PING', **bad),
                  lambda **bad: client.call('PING', timeout=1, **bad), client.connect_client, pool.get_connected_client,
                  lambda **bad: pool.call('PING', **bad), pool.preconnect, pubsub.pop_message,
                  lambda **bad: pubsub.subscribe('a', **bad)):
        equal(str(raises(TypeError, lambda: start(cancellable='x'))), 'a cancellable is a Gio.Cancellable, not a str')
    for start in (Tornadis.Client, Tornadis.PubSubClient, Tornadis.ClientPool,
                  lambda **bad: Tornadis.Client.new_for_uri('redis://h', **bad),
                  lambda decode: setattr(client, 'decode', decode), lambda decode: setattr(pool, 'decode', decode),
                  Tornadis.Reply.new_from_resp(GLib.Bytes.new(b'+OK\r\n')).unpack):
        equal(str(raises(TypeError, lambda: start(decode='false'))), 'decode is True or False, not a str')
    equal((client.decode, pool.decode, client.props.pending), (False, False, 0))
    # What GObject has under these names.
    for either in (client, pubsub):
        assert 'connect_client()' in str(raises(TypeError, either.connect))
        assert 'disconnect_client()' in str(raises(TypeError, either.disconnect))
    either.disconnect(either.connect('disconnected', print))
    client.disconnect(client.connect('disconnected', print))
    assert 'Client' in str(raises(Tornadis.ClientError, pubsub.call, 'PING'))
    raises(Tornadis.ClientError, Tornadis.Pipeline().stack_call)
    equal(str(raises(TypeError, pool.release_client, None)), 'None can not be a client of the pool')
    error = raises(TypeError, lambda: Tornadis.ClientPool(template=client, host='h', db=1))
    equal(str(error), 'a pool with a template has its properties from that, not host, db')


# What is shown


async def test_reprs(server):
    path = server.get_socket_path()
    secret = dict(username='default', password='hunter2')
    client = Tornadis.Client(db=3, **secret, **options(server))
    pubsub = Tornadis.PubSubClient(host='example.org', port=7000, password='hunter2')
    pool = Tornadis.ClientPool(max_size=4, password='hunter2', **options(server))
    equal(repr(client), f'<Tornadis.Client {path}, database 3, disconnected>')
    equal(repr(pubsub), '<Tornadis.PubSubClient example.org:7000, disconnected>')
    equal(repr(pool), f'<Tornadis.ClientPool {path}, 0 of 4 clients, 0 idle>')
    pool = Tornadis.ClientPool(**options(server))
    await pool.preconnect(1)
    equal(repr(pool), f'<Tornadis.ClientPool {path}, 1 client, 1 idle>')
    uri = Tornadis.Client.new_for_uri('rediss://default:hunter2@example.org')
    equal(repr(uri), '<Tornadis.Client example.org:6379, disconnected>')

    pubsub = await Tornadis.PubSubClient(**options(server)).subscribe('news')
    equal(repr(pubsub), f'<Tornadis.PubSubClient {path}, connected, subscribed>')
    server.command('PUBLISH news hello')
    message = await pubsub.pop_message()
    equal(repr(message), "<Tornadis.Message 'news' 'hello'>")
    equal(repr(message._to_boxed()), repr(message))

    equal(repr(Tornadis.Command.new_strv(['AUTH', 'default', 'hunter2'])), '<Tornadis.Command AUTH, 2 arguments>')
    equal(repr(Tornadis.Command.new('PING')), '<Tornadis.Command PING, 0 arguments>')
    pipeline = Tornadis.Pipeline(atomic=True)
    pipeline.stack_call('AUTH', 'hunter2')
    equal(repr(pipeline), '<Tornadis.Pipeline of 1 command, atomic>')
    equal(repr(Tornadis.Pipeline()), '<Tornadis.Pipeline of 0 commands>')

    for resp, text in ((b'+OK\r\n', "status b'OK'"), (b'$2\r\n\xff\xfe\r\n', r"string b'\xff\xfe'"), (b':5\r\n', 'integer 5'),
                       (b'_\r\n', 'nil None'), (b'#t\r\n', 'boolean True'), (b',1.5\r\n', 'double 1.5'),
                       (b'*2\r\n:1\r\n:2\r\n', 'array of 2'), (b'~1\r\n:1\r\n', 'set of 1'),
                       (b'-ERR no\r\n', "error Tornadis.ReplyError('ERR no')"),
                       (b'$99\r\n' + b'x' * 99 + b'\r\n', "string b'" + 'x' * 58 + '…')):
        equal(repr(Tornadis.Reply.new_from_resp(GLib.Bytes.new(resp))), f'<Tornadis.Reply {text}>')

    equal(repr(Tornadis.ReplyError('ERR no')), "Tornadis.ReplyError('ERR no')")
    equal(repr(Tornadis.ConnectionError('gone', code=Tornadis.Error.LOST)),
          "Tornadis.ConnectionError('gone', code=Tornadis.Error.LOST)")
    equal(repr(Tornadis.ClientError("it's")), 'Tornadis.ClientError("it\'s")')
    equal(repr(Tornadis.TornadisException('odd', code=99)), "Tornadis.TornadisException('odd', code=99)")
    for error in (Tornadis.ReplyError('ERR no'), Tornadis.ConnectionError('gone', code=Tornadis.Error.TIMEOUT)):
        again = eval(repr(error))
        equal((type(again), again.message, again.code), (type(error), error.message, error.code))


# Options of a call


async def test_timeout(server):
    """What took too long leaves the connection as it is, and its reply to nobody."""
    client = Tornadis.Client(**options(server))
    number = await client.call('CLIENT', 'ID')
    server.pause()
    before, waiting, after = client.call('ECHO', 1), client.call('ECHO', 2, timeout=.05), client.call('ECHO', 3)
    error = await raises_async(Tornadis.ConnectionError, waiting)
    equal((error.code, error.message), (Tornadis.Error.TIMEOUT, 'ECHO took longer than 0.05 s'))
    equal((before.done(), after.done()), (False, False))
    server.resume()
    equal([await before, await after, await client.call('ECHO', 4)], [b'1', b'3', b'4'])
    equal(await client.call('CLIENT', 'ID'), number)
    # What waits for data is not left waiting.
    await raises_async(Tornadis.ConnectionError, client.call('BLPOP', 'list', 0, timeout=.01))
    await wait_until(lambda: count_blocked(server) == 0)
    # In time.
    equal(await client.call('ECHO', 'in time', timeout=60), b'in time')
    equal(await client.call(Tornadis.Command.new('PING'), timeout=60), b'PONG')
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('PING')
    equal(await client.call(pipeline, timeout=60), [b'PONG'])
    await raises_async(Tornadis.ReplyError, client.call('NOSUCH', timeout=60))
    equal(client.props.pending, 0)

    told = []
    client.async_call('BLPOP', 'list', 0, callback=told.append, timeout=0)
    await wait_until(lambda: told)
    client.async_call('ECHO', 'a', callback=told.append, timeout=60)
    client.async_call('ECHO', 'b', timeout=60)
    await wait_until(lambda: len(told) == 2)
    equal((told[0].code, told[1]), (Tornadis.Error.TIMEOUT, b'a'))


async def test_no_time(server):
    """With a timeout of 0 nothing is begun, though there may be what is asked for."""
    client = Tornadis.Client(**options(server))
    pool = await Tornadis.ClientPool(max_size=1, **options(server)).preconnect()
    pubsub = await Tornadis.PubSubClient(**options(server)).subscribe('a')
    await client.call('PING')
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('RPUSH', 'list', 'piped')
    command = Tornadis.Command.new_strv(['RPUSH', 'list', 'command'])
    cancellable = Gio.Cancellable()
    given = {'timeout': 0, 'cancellable': cancellable}

    def begin():
        return {
            'RPUSH': [client.call('RPUSH', 'list', 'a', timeout=0), client.call('RPUSH', 'list', 'a', **given),
                      client.call(command, timeout=0), client.call('RPUSH', 'list', 'x' * 100000, timeout=0),
                      pool.call('RPUSH', 'list', 'a', timeout=0)],
            'The pipeline': [client.call(pipeline, timeout=0), pool.call(pipeline, **given)],
            'Connecting': [client.connect_client(timeout=0), pool.preconnect(timeout=0)],
            'Getting a client': [pool.get_connected_client(timeout=0), pool.with_client(print, timeout=0)],
            'Subscribing': [pubsub.subscribe('b', timeout=0)],
            'Unsubscribing': [pubsub.unsubscribe('a', timeout=0)],
        }

    for words, late in begin().items():
        for each in late:
            error = await raises_async(Tornadis.ConnectionError, each)
            equal((error.code, error.message), (Tornadis.Error.TIMEOUT, f'{words} took longer than 0 s'))
    told = []
    for owner in client, pool:
        owner.async_call('RPUSH', 'list', 'a', callback=told.append, timeout=0)
        owner.async_call(pipeline, callback=told.append, timeout=0)
        owner.async_call('RPUSH', 'list', 'a', timeout=0)
    equal(told, [])
    await wait_until(lambda: len(told) == 4)
    equal({error.code for error in told}, {Tornadis.Error.TIMEOUT})
    # It is too late for that.
    for late in client.call('RPUSH', 'list', 'a', timeout=0), pool.get_connected_client(timeout=0):
        equal(late.cancel(), False)
        await raises_async(Tornadis.ConnectionError, late)
    # What was cancelled before is cancelled.
    cancellable.cancel()
    for late in client.call('RPUSH', 'list', 'a', **given), pool.call(pipeline, **given), pool.get_connected_client(**given):
        equal((await raises_async(GLib.Error, late)).matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), True)
    equal(await client.call('EXISTS', 'list'), 0)
    equal(server.command('PUBSUB CHANNELS').split(), ['*1', '$1', 'a'])
    equal((pool.props.size, pool.props.idle), (1, 1))


async def test_timeouts_of_a_turn(server):
    """Calls with a time go with the others of their turn, and each has its own."""
    client = Tornadis.Client(**options(server))
    await client.call('PING')
    told = []
    calls = [client.call('ECHO', number, timeout=(None, 60, 70)[number % 3]) for number in range(200)]
    client.async_call('ECHO', 'told', callback=told.append, timeout=60)
    # They are gathered, not written one by one.
    equal(client.props.pending, 0)
    equal([await call for call in calls], [b'%d' % number for number in range(200)])
    await wait_until(lambda: told)
    equal(told, [b'told'])
    equal(client.props.pending, 0)

    # Those that are over, that are given up before and after they are submitted, and the others.
    server.pause()
    early = client.call('ECHO', 'early', timeout=60)
    equal(early.cancel(), True)
    over = [client.call('ECHO', number, timeout=.05) for number in range(3)]
    rest = [client.call('ECHO', number, timeout=60) for number in range(3)]
    client.async_call('ECHO', 'over', callback=told.append, timeout=.05)
    for call in over:
        error = await raises_async(Tornadis.ConnectionError, call)
        equal((error.code, error.message), (Tornadis.Error.TIMEOUT, 'ECHO took longer than 0.05 s'))
    await wait_until(lambda: len(told) == 2)
    equal(told[1].code, Tornadis.Error.TIMEOUT)
    equal(rest[0].cancel(), True)
    server.resume()
    equal([await call for call in rest[1:]], [b'1', b'2'])

    # The connection of one that waits is closed: the time of the others is over, too.
    over = [client.call(*args, timeout=.05) for args in (('BLPOP', 'list', 0), ('GET', 'a'), ('BLPOP', 'list', 0))]
    for call in over:
        equal((await raises_async(Tornadis.ConnectionError, call)).code, Tornadis.Error.TIMEOUT)
    equal(await client.call('ECHO', 'endless', timeout=10 ** 400), b'endless')

    # What is large, or no call of a name, goes as it did.
    large = 'x' * 100000
    calls = [client.call('ECHO', text, timeout=60) for text in ('a', large, 'b')]
    equal([await call for call in calls], [b'a', large.encode(), b'b'])
    await raises_async(Tornadis.ReplyError, client.call('NOSUCH', timeout=60))
    raises(TypeError, lambda: client.call('ECHO', None, timeout=60))
    await raises_async(Tornadis.ClientError, client.call('SUBSCRIBE', 'a', timeout=60))
    await raises_async(Tornadis.ClientError, client.call(timeout=60))
    waiting = client.call('BLPOP', 'list', 0, timeout=60)
    await wait_until(lambda: count_blocked(server) == 1)
    client.close()
    await raises_async(Tornadis.ConnectionError, waiting)


async def test_timeout_is_let_go(server):
    """The time of a call that is done, or is waited for no more, keeps nothing."""
    client = Tornadis.Client(**options(server))
    gone = []
    client.weak_ref(lambda: gone.append(True))
    await client.call('PING', timeout=1000)
    future = client.call('BLPOP', 'list', 0, timeout=1000)
    await wait_until(lambda: count_blocked(server) == 1)
    equal(future.cancel(), True)
    del client, future
    await wait_until(lambda: gone)


async def test_cancellable(server):
    client = Tornadis.Client(**options(server))
    pool = Tornadis.ClientPool(max_size=1, **options(server))
    pubsub = await Tornadis.PubSubClient(**options(server)).subscribe('a')
    taken = await pool.get_connected_client()
    for start in (lambda **given: client.call('BLPOP', 'list', 0, **given),
                  lambda **given: client.call('BLPOP', 'list', 0, timeout=1000, **given),
                  lambda **given: pool.call('PING', **given),
                  lambda **given: pool.get_connected_client(**given),
                  lambda **given: pubsub.pop_message(**given),
                  lambda **given: pubsub.pop_message(1000, **given)):
        cancellable = Gio.Cancellable()
        waiting = start(cancellable=cancellable)
        cancellable.cancel()
        error = await raises_async(GLib.Error, waiting)
        equal(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), True)
        # One that is so from the start.
        await raises_async(GLib.Error, start(cancellable=cancellable))
    told = []
    client.async_call('PING', callback=told.append, cancellable=cancellable)
    await wait_until(lambda: told)
    equal(type(told[0]), GLib.Error)
    pool.release_client(taken)
    equal(await pool.call('PING', cancellable=Gio.Cancellable()), b'PONG')
    await wait_until(lambda: pool.props.waiting == 0)
    equal(pool.props.size, 1)


async def test_timeout_of_others(server):
    pool = Tornadis.ClientPool(max_size=1, **options(server))
    taken = await pool.get_connected_client(timeout=60)
    for late in (pool.get_connected_client(timeout=0), pool.call('PING', timeout=0)):
        error = await raises_async(Tornadis.ConnectionError, late)
        equal(error.code, Tornadis.Error.TIMEOUT)
    await wait_until(lambda: pool.props.waiting == 0)
    # It is free in the very moment in which the time is over: nobody is to have it for ever.
    late = pool.get_connected_client(timeout=.001)
    pool.release_client(taken)
    try:
        pool.release_client(await late)
    except Tornadis.ConnectionError:
        pass
    async with pool.connected_client(timeout=60) as client:
        equal(await client.call('PING'), b'PONG')
        # No other is there to be had.
        cancelled = Gio.Cancellable()
        cancelled.cancel()
        for given, code in (({'timeout': 0}, Tornadis.Error.TIMEOUT), ({'cancellable': cancelled}, Gio.IOErrorEnum.CANCELLED)):
            equal((await raises_async(GLib.Error, pool.with_client(print, **given))).code, code)
            equal((await raises_async(GLib.Error, pool.connected_client(**given).__aenter__())).code, code)
        await wait_until(lambda: pool.props.waiting == 0)
    equal(await pool.with_client(lambda client: client.call('PING'), timeout=60), b'PONG')
    told = []
    pool.async_call('PING', callback=told.append, timeout=60)
    await wait_until(lambda: told)
    equal(told, [b'PONG'])
    equal(await pool.preconnect(1, timeout=60), pool)
    # When the caller is told, the server gives the next element to nobody else any more.
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('BLPOP', 'list', 0)
    for i in range(20):
        error = await raises_async(Tornadis.ConnectionError, pool.call(*(['BLPOP', 'list', 0] if i % 2 else [pipeline]), timeout=.01))
        equal(error.code, Tornadis.Error.TIMEOUT)
        async with pool.connected_client() as client:
            equal(await client.call('RPUSH', 'list', i), 1)
            equal(await client.call('LPOP', 'list'), b'%d' % i)

    silent = Gio.SocketListener()
    port = silent.add_any_inet_port(None)
    late = Tornadis.Client(host='127.0.0.1', port=port)
    equal((await raises_async(Tornadis.ConnectionError, late.connect_client(timeout=.05))).code, Tornadis.Error.TIMEOUT)
    late = Tornadis.PubSubClient(host='127.0.0.1', port=port)
    equal((await raises_async(Tornadis.ConnectionError, late.subscribe('a', timeout=.05))).code, Tornadis.Error.TIMEOUT)
    late.close()
    silent.close()


# Clients and pools


async def test_async_with(server):
    async with Tornadis.Client(**options(server)) as client:
        equal(client.is_connected(), True)
        equal(await client.call('PING'), b'PONG')
        waiting = client.call('BLPOP', 'list', 0)
    equal(client.is_connected(), False)
    await raises_async(Tornadis.ConnectionError, waiting)
    # It is closed, whatever happens.
    try:
        async with client:
            equal(client.is_connected(), True)
            raise KeyError
    except KeyError:
        equal(client.is_connected(), False)
    nowhere = Tornadis.Client(host='127.0.0.1', port=1)
    try:
        async with nowhere:
            raise AssertionError('it is not connected')
    except Tornadis.ConnectionError as error:
        equal(error.code, Tornadis.Error.CONNECT)

    async with Tornadis.PubSubClient(**options(server)) as pubsub:
        await pubsub.subscribe('a')
        server.command('PUBLISH a x')
        async for message in pubsub.messages():
            equal(message.text, 'x')
            break
    # For the next time.
    equal((pubsub.is_connected(), pubsub.props.subscribed), (False, True))

    async with Tornadis.ClientPool(**options(server)) as pool:
        await pool.preconnect(2)
    equal(pool.props.size, 0)


async def test_with_client(server):
    pool = Tornadis.ClientPool(max_size=1, **options(server))

    async def use(client):
        equal((await client.call('PING'), pool.props.idle), (b'PONG', 0))
        return 'value'

    async def fail(client):
        raise KeyError

    equal(await pool.with_client(use), 'value')
    await raises_async(KeyError, pool.with_client(fail))
    equal(pool.props.idle, 1)


async def test_asyncio_wait_for(server):
    """asyncio's own time ends a call likewise, where its loop is GLib's."""
    client = Tornadis.Client(**options(server))
    future = client.call('BLPOP', 'list', 0, timeout=1000)
    await wait_until(lambda: count_blocked(server) == 1)
    future.cancel()
    await raises_async(asyncio.CancelledError, future)
    server.command('RPUSH list x')
    equal(await client.call('PING'), b'PONG')


# Text


async def test_decode(server):
    equal(Tornadis.Client.new_for_uri('redis://h').decode, False)
    for uri, given, decode in (('redis://h?decode=true', None, True), ('redis://h?decode=NO', None, False),
                               ('redis://h?client-name=decode&decode=1', None, True), ('redis://h', True, True),
                               ('redis://h?decode=on&db=3', False, False), ('redis://h?decode=%74rue', None, True)):
        for kind in (Tornadis.Client, Tornadis.PubSubClient):
            equal(kind.new_for_uri(uri, decode=given).decode, decode)
            equal(kind.new_for_uri_full(uri, Tornadis.UriFlags.NONE, decode=given).decode, decode)
    client = Tornadis.Client.new_for_uri('redis://h?client-name=x&decode=1&db=3')
    equal((client.props.client_name, client.props.db), ('x', 3))
    for bad in ('redis://:hunter2@h?decode=maybe', 'redis://:hunter2@h?decode', 'redis://:hunter2@h?decode=',
                'redis://:hunter2@h?decode=1&decode=1', 'redis://:hunter2?decode=hunter2@h'):
        error = raises(Tornadis.ClientError, Tornadis.Client.new_for_uri, bad)
        equal((error.code, 'hunter2' in str(error)), (Tornadis.Error.USAGE, False))

    # A pool has it from its template.
    template = Tornadis.Client.new_for_uri(f'unix://{server.get_socket_path()}?decode=true')
    async with Tornadis.ClientPool(template=template) as pool, pool.connected_client() as client:
        equal((await pool.call('ECHO', 'x'), await client.call('ECHO', 'x')), ('x', 'x'))
    async with Tornadis.ClientPool(template=template, decode=False) as pool:
        equal(await pool.call('ECHO', 'x'), b'x')
    client = Tornadis.Client.new_for_uri(f'unix://{server.get_socket_path()}?decode=true')
    await client.call('HSET', 'h', 'text', 'grün', b'\xff', b'\xfe', 'nul', 'a\0b')
    equal(await client.call('HGETALL', 'h'), {'text': 'grün', b'\xff': b'\xfe', 'nul': 'a\0b'})
    equal(await client.call('HGET', 'h', b'\xff'), b'\xfe')


# Subclasses


class Named(Tornadis.Client):
    __gtype_name__ = 'TornadisTestNamed'

    def __init__(self, **options):
        super().__init__(**{'client_name': 'named', 'db': 3, 'read_page_size': 4096, **options})
        self.mine = True


def test_subclass_of_uri(server):
    """What the URI says counts, and for the rest what the subclass has."""
    for make in (Named.new_for_uri, lambda uri: Named.new_for_uri_full(uri, Tornadis.UriFlags.NONE)):
        client = make('rediss://user:pass@example.org:7000?call-timeout-msec=5&read-page-size=8192&decode=true')
        props = client.props
        equal((type(client), client.mine, client.decode), (Named, True, True))
        equal((props.username, props.password, props.host, props.port, props.db, props.tls, props.client_name,
               props.call_timeout_msec, props.read_page_size),
              ('user', 'pass', 'example.org', 7000, 0, True, 'named', 5, 8192))
    equal(Named.new_for_uri(f'unix://{server.get_socket_path()}').props.unix_domain_socket, server.get_socket_path())
    for kind in (Tornadis.Client, Tornadis.PubSubClient):
        equal(type(kind.new_for_uri('redis://h')), kind)
    # And its plugins, in their order.
    client = Named.new_for_uri_full('redis-sentinel://a,b/main?plugins=log,retry&retry.max-attempts=7',
                                    Tornadis.UriFlags.ALLOW_PLUGINS)
    names = ['TornadisLogPlugin', 'TornadisRetryPlugin', 'TornadisSentinelPlugin']
    equal([type(plugin).__gtype__.name for plugin in client.get_plugins()], names)
    equal(client.get_plugins()[1].get_property('max-attempts'), 7)
    equal([type(plugin).__gtype__.name for plugin in Named.new_for_uri('redis-cluster://a,b').get_plugins()],
          ['TornadisClusterPlugin'])
    raises(Tornadis.ClientError, Named.new_for_uri, 'nonsense')


main(sys.modules[__name__])
