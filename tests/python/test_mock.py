# SPDX-License-Identifier: LGPL-2.1-or-later
"""The plugin mock in Python: no test here has a server for its clients."""

import asyncio
import sys

from tap import equal, main, raises_async

from gi.repository import GLib, Tornadis


def make_mocked():
    client = Tornadis.Client(port=1)
    return client, client.add_plugin_by_name('mock')


async def test_answers(server):
    client, mock = make_mocked()
    mock.props.answers = GLib.Variant('a{sv}', {
        'GET name': GLib.Variant('s', 'Ann'),
        'GET data': GLib.Variant('ay', b'\0\xff'),
        'GET *': GLib.Variant('()', ()),
        'HGETALL *': GLib.Variant('a{ss}', {'k': 'v'}),
        'LPUSH *': GLib.Variant('(ss)', ('WRONGTYPE', 'not a list')),
        'INCR *': GLib.Variant('(ss)', ('error', 'LOST')),
    })
    equal([await client.call('GET', key) for key in ('name', 'data', 'x')], [b'Ann', b'\0\xff', None])
    equal(await client.call('HGETALL', 'h'), {b'k': b'v'})
    error = await raises_async(Tornadis.ReplyError, client.call('LPUSH', 'l', 1))
    equal((error.prefix, error.message), ('WRONGTYPE', 'WRONGTYPE not a list'))
    error = await raises_async(Tornadis.ConnectionError, client.call('INCR', 'n'))
    equal(error.code, Tornadis.Error.LOST)
    error = await raises_async(Tornadis.ClientError, client.call('DEL', 'n'))
    equal((error.code, error.message), (Tornadis.Error.PLUGIN, 'The mock has no answer to DEL'))
    equal(mock.props.n_calls, 7)
    equal(mock.props.calls.unpack()[1:3], [['GET', 'data'], ['GET', 'x']])
    mock.emit('clear')
    equal((mock.props.n_calls, mock.props.calls.unpack()), (0, []))
    equal(client.props.protocol_version, 0)


async def test_handlers(server):
    client, mock = make_mocked()
    kept = []

    def echo(mock, command):
        kept.append(command)
        if command.get_n_args() == 2:
            return Tornadis.Reply.new_from_variant(GLib.Variant('ay', command.get_arg(1).get_data()))

    def fails(mock, command):
        raise ValueError('in a handler')

    mock.connect('answer', fails)
    mock.connect('answer', lambda mock, command: None)
    mock.connect('answer::ECHO', echo)
    told = []
    hook, sys.excepthook = sys.excepthook, lambda kind, *_: told.append(kind)
    try:
        for i in range(100):
            equal(await client.call('ECHO', b'%d' % i), b'%d' % i)
    finally:
        sys.excepthook = hook
    await raises_async(Tornadis.ClientError, client.call('ECHO'))
    await raises_async(Tornadis.ClientError, client.call('GET', 'k'))
    # A handler may keep what it was given.
    equal([command.get_arg(1).get_data() for command in kept[:3]], [b'0', b'1', b'2'])


class Retry(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestMockRetry'

    def do_call_done(self, call):
        if call.dup_error() and call.get_attempt() < 3:
            call.retry(1)


async def test_script_and_retry(server):
    """The plugins before the mock are tested with it."""
    client = Tornadis.Client(port=1)
    client.add_plugin(Retry())
    mock = client.add_plugin_by_name('mock')
    lost = GLib.Variant('(ss)', ('error', 'LOST'))
    mock.props.script = GLib.Variant('a(sv)', [('GET *', lost), ('GET *', lost), ('GET *', GLib.Variant('x', 3))])
    equal(await client.call('GET', 'k'), 3)
    equal(mock.props.n_calls, 3)
    equal(mock.props.script.unpack(), [])


async def test_pipeline(server):
    client, mock = make_mocked()
    mock.props.answers = GLib.Variant('a{sv}', {'GET *': GLib.Variant('s', 'v'), 'INCR *': GLib.Variant('(ss)', ('ERR', 'no'))})
    pipeline = Tornadis.Pipeline(atomic=True)
    pipeline.stack_call('GET', 'a')
    pipeline.stack_call('INCR', 'a')
    value, error = await client.call(pipeline)
    equal((value, error.message), (b'v', 'ERR no'))
    equal(mock.props.calls.unpack(), [['GET', 'a'], ['INCR', 'a']])


async def test_fault_15_refused(server):
    client, mock = make_mocked()
    mock.props.answers = GLib.Variant('a{ss}', {'*': 'OK'})
    for words in (('SUBSCRIBE', 'news'), ('HELLO', 3), ('CLIENT', 'REPLY', 'OFF')):
        error = await raises_async(Tornadis.ClientError, client.call(*words))
        equal(error.code, Tornadis.Error.USAGE)
    equal(mock.props.n_calls, 0)


async def test_fault_15_connects(server):
    client, mock = make_mocked()
    mock.props.answers = GLib.Variant('a{ss}', {'PING': 'PONG'})
    mock.props.script = GLib.Variant('a(s(ss))', [('HELLO', ('error', 'CONNECT'))])
    await raises_async(Tornadis.ConnectionError, client.connect_client())
    equal(await client.connect_client(), client)
    equal((client.is_connected(), client.props.state.value_nick), (True, 'connected'))
    client.close()
    equal(client.is_connected(), False)
    equal(await client.call('PING'), b'PONG')
    equal(client.is_connected(), True)

    pool = Tornadis.ClientPool.new(client)
    equal(await pool.preconnect(2), pool)
    async with pool.connected_client() as taken:
        equal(await taken.call('PING'), b'PONG')
    equal(await pool.call('PING'), b'PONG')
    equal(pool.props.idle, 2)


async def add_one(client):
    """The loop of docs/pipelines.md."""
    replies = None
    while replies is None:
        await client.call('WATCH', 'n')
        value = int(await client.call('GET', 'n') or 0)
        transaction = Tornadis.Pipeline(atomic=True)
        transaction.stack_call('SET', 'n', value + 1)
        replies = await client.call(transaction)
    return value + 1


async def test_fault_15_watch_loop(server):
    client, mock = make_mocked()
    mock.props.script = GLib.Variant('a(sv)', [
        ('GET n', GLib.Variant('s', '1')), ('EXEC', GLib.Variant('()', ())),
        ('GET n', GLib.Variant('s', '5')), ('SET n 6', GLib.Variant('s', 'OK'))])
    equal(await add_one(client), 6)
    equal(mock.props.script.unpack(), [])


async def test_fault_15_transactions(server):
    client, mock = make_mocked()
    mock.props.answers = GLib.Variant('a{sv}', {
        '*': GLib.Variant('s', 'OK'), 'NOPE': GLib.Variant('(ss)', ('ERR', 'unknown command'))})
    transaction = Tornadis.Pipeline(atomic=True)
    transaction.stack_call('SET', 'a', 1)
    transaction.stack_call('NOPE')
    error = await raises_async(Tornadis.ReplyError, client.call(transaction))
    equal(error.prefix, 'EXECABORT')
    equal([await client.call(*words) for words in (('MULTI',), ('SET', 'a', 1), ('EXEC',))], [b'OK', b'QUEUED', [b'OK']])
    equal([await client.call(*words) for words in (('MULTI',), ('SET', 'a', 1), ('DISCARD',))], [b'OK', b'QUEUED', b'OK'])
    error = await raises_async(Tornadis.ReplyError, client.call('EXEC'))
    equal(error.message, 'ERR EXEC without MULTI')


def make_policy():
    """That of PyGObject, or gbulb's before 3.50."""
    try:
        from gi.events import GLibEventLoopPolicy
    except ImportError:
        from gbulb import GLibEventLoopPolicy
    return GLibEventLoopPolicy()


def test_asyncio(server):
    client, mock = make_mocked()
    mock.props.answers = GLib.Variant('a{sv}', {'GET *': GLib.Variant('s', 'v')})
    mock.props.delay_msec = 20

    async def story():
        equal(await asyncio.gather(*(client.call('GET', i) for i in range(10))), [b'v'] * 10)
        task = asyncio.ensure_future(asyncio.wait_for(client.call('GET', 'k'), 0.001))
        await raises_async(asyncio.TimeoutError, task)
        equal(await client.call('GET', 'k'), b'v')

    before = asyncio.get_event_loop_policy()
    policy = make_policy()
    asyncio.set_event_loop_policy(policy)
    loop = policy.get_event_loop()
    try:
        loop.run_until_complete(story())
    finally:
        # PyGObject's has a critical when it is freed with the program.
        loop.close()
        asyncio.set_event_loop_policy(before)


main(sys.modules[__name__])
