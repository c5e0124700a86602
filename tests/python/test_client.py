# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same story as the C tests, through introspection and the override; tornadis' names throughout."""

import functools
import gc
import subprocess
import sys
import types
import weakref

from tap import count_blocked, equal, main, raises, raises_async, wait_until

from gi.repository import Gio, GLib, Tornadis, TornadisHarness


def options(server):
    return {'unix_domain_socket': server.get_socket_path()}


async def test_call(server):
    client = Tornadis.Client(**options(server))
    equal(await client.call('PING'), b'PONG')
    equal(await client.call('SET', 'k', b'\x00\xff', 'EX', 100), b'OK')
    equal(await client.call('GET', 'k'), b'\x00\xff')
    equal(await client.call('INCRBY', 'n', 2 ** 62), 2 ** 62)
    equal(await client.call('GET', 'nothing'), None)
    equal(await client.call('HSET', 'h', 'f', 1.5, 'g', True), 2)
    equal(await client.call('HGETALL', 'h'), {b'f': b'1.5', b'g': b'1'})
    equal(await client.call('LRANGE', 'nothing', 0, -1), [])
    equal(client.is_connected(), True)


async def test_decode(server):
    client = Tornadis.Client(decode=True, **options(server))
    await client.call('SET', 'k', 'grün')
    equal(await client.call('GET', 'k'), 'grün')


async def test_arguments(server):
    client = Tornadis.Client(**options(server))
    for bad in (None, [1], {'a': 1}, object()):
        raises(TypeError, client.call, 'SET', 'k', bad)
    equal(client.is_connected(), False)
    equal(await client.call('ECHO', bytearray(b'ab')), b'ab')
    equal(await client.call('ECHO', memoryview(b'ab')), b'ab')
    equal(await client.call('ECHO', False), b'0')


async def test_errors(server):
    client = Tornadis.Client(**options(server))
    await client.call('SET', 'k', 'v')
    error = await raises_async(Tornadis.ReplyError, client.call('LPUSH', 'k', 'x'))
    equal(error.prefix, 'WRONGTYPE')
    assert isinstance(error, Tornadis.ClientError) and isinstance(error, Tornadis.TornadisException)
    await raises_async(Tornadis.ClientError, client.call('SUBSCRIBE', 'a'))

    nowhere = Tornadis.Client(host='127.0.0.1', port=1)
    error = await raises_async(Tornadis.ConnectionError, nowhere.call('PING'))
    equal(error.matches(Tornadis.error_quark(), Tornadis.Error.CONNECT), True)


async def test_async_call(server):
    client = Tornadis.Client(**options(server))
    results = []
    client.async_call('SET', 'k', 'v')
    client.async_call('GET', 'k', callback=results.append)
    client.async_call('LPUSH', 'k', 'x', callback=results.append)
    while len(results) < 2:
        await Tornadis.sleep(0.01)
    equal(results[0], b'v')
    assert isinstance(results[1], Tornadis.TornadisException)


async def test_connect(server):
    client = Tornadis.Client(autoconnect=False, **options(server))
    await raises_async(Tornadis.ConnectionError, client.call('PING'))
    equal(await client.connect_client(), client)
    equal(await client.call('PING'), b'PONG')
    client.disconnect_client()
    equal(client.is_connected(), False)


async def test_uri(server):
    client = Tornadis.Client.new_for_uri(f'redis://127.0.0.1:{server.get_port()}/4?client-name=py')
    equal(await client.call('CLIENT', 'GETNAME'), b'py')
    equal(client.props.db, 4)
    raises(GLib.Error, Tornadis.Client.new_for_uri, 'redis://h?nonsense=1')


async def test_fault_01_username_alone(server):
    await Tornadis.Client(**options(server)).call('ACL', 'SETUSER', 'reader', 'reset', 'on', 'nopass', '+@all')
    port = server.get_port()
    for client in (Tornadis.Client.new_for_uri(f'redis://reader@127.0.0.1:{port}'),
                   Tornadis.Client.new_for_uri(f'redis://reader:@127.0.0.1:{port}?protocol=2'),
                   Tornadis.Client(username='reader', **options(server)),
                   Tornadis.Client(username='reader', password='', **options(server))):
        equal(await client.call('ACL', 'WHOAMI'), b'reader')
    for client in (Tornadis.Client.new_for_uri(f'redis://nobody@127.0.0.1:{port}'),
                   Tornadis.Client(username='nobody', **options(server))):
        error = await raises_async(Tornadis.ConnectionError, client.call('ACL', 'WHOAMI'))
        assert error.matches(Tornadis.error_quark(), Tornadis.Error.AUTHENTICATION), error

    pool = Tornadis.ClientPool(username='reader', **options(server))
    equal(await pool.call('ACL', 'WHOAMI'), b'reader')
    pubsub = Tornadis.PubSubClient(username='nobody', **options(server))
    error = await raises_async(Tornadis.ConnectionError, pubsub.subscribe('news'))
    assert error.matches(Tornadis.error_quark(), Tornadis.Error.AUTHENTICATION), error


async def test_fault_06_client_name(server):
    client = Tornadis.Client(client_name='good', **options(server))
    equal(await client.call('CLIENT', 'GETNAME'), b'good')
    raises(Tornadis.ClientError, Tornadis.Client.new_for_uri, 'redis://h?client-name=two%20words')

    await client.call('ACL', 'SETUSER', 'poor', 'reset', 'on', 'nopass', '+ping')
    equal(await Tornadis.Client(username='poor', client_name='good', **options(server)).call('PING'), b'PONG')


async def test_fault_09_last_words(server):
    peer = TornadisHarness.Peer.new('expect HELLO\nsend "-DENIED Redis is running in protected mode\\r\\n"\nreset\n')
    for _ in range(8):
        client = Tornadis.Client(host='127.0.0.1', port=peer.get_port())
        error = await raises_async(Tornadis.ConnectionError, client.call('PING'))
        assert 'The server said: DENIED Redis is running in protected mode' in error.message, error

    await Tornadis.Client(**options(server)).call('CONFIG', 'SET', 'requirepass', 'secret')
    error = await raises_async(Tornadis.ConnectionError, Tornadis.Client(**options(server)).call('PING'))
    assert 'requires a password' in error.message and 'HELLO' not in error.message, error


async def test_fault_13_proxy_named(server):
    peer = TornadisHarness.Peer.new('send "HTTP/1.0 403 Forbidden\\r\\n\\r\\n"\nclose\n')
    proxy = f'http://127.0.0.1:{peer.get_port()}'
    client = Tornadis.Client(host='127.0.0.1', port=server.get_port(),
                             proxy_resolver=Gio.SimpleProxyResolver.new(proxy, None))
    error = await raises_async(Tornadis.ConnectionError, client.call('PING'))
    assert f' through the proxy {proxy}: ' in error.message, error
    client.props.proxy_resolver = None
    equal(await client.call('PING'), b'PONG')


async def test_fault_18_uri_plugins(server):
    uri = 'redis://h?plugins=log,retry&retry.idempotent=SET,DEL'
    for kind in Tornadis.Client, Tornadis.PubSubClient:
        client = kind.new_for_uri_full(uri, Tornadis.UriFlags.ALLOW_PLUGINS)
        plugins = client.get_plugins()
        equal(plugins.get_n_items(), 2)
        equal(plugins.get_item(1).props.idempotent, ['SET', 'DEL'])
        for error in (raises(Tornadis.ClientError, kind.new_for_uri, uri),
                      raises(Tornadis.ClientError, kind.new_for_uri_full, uri, Tornadis.UriFlags.NONE)):
            assert error.matches(Tornadis.error_quark(), Tornadis.Error.USAGE) and 'plugins' in error.message, error


async def test_pipeline(server):
    client = Tornadis.Client(**options(server))
    pipeline = Tornadis.Pipeline()
    raises(Tornadis.ClientError, client.call, pipeline)
    pipeline.stack_call('SET', 'foo', 'bar')
    pipeline.stack_call('GET', 'foo')
    pipeline.stack_call('LPUSH', 'foo', 1)
    equal(pipeline.number_of_stacked_calls, 3)
    replies = await client.call(pipeline)
    equal(replies[:2], [b'OK', b'bar'])
    equal(replies[2].prefix, 'WRONGTYPE')


async def test_transaction(server):
    client = Tornadis.Client(**options(server))
    other = Tornadis.Client(**options(server))
    pipeline = Tornadis.Pipeline(atomic=True)
    pipeline.stack_call('INCR', 'n')
    pipeline.stack_call('INCR', 'n')
    equal(await client.call(pipeline), [1, 2])
    await client.call('WATCH', 'n')
    await other.call('SET', 'n', 10)
    equal(await client.call(pipeline), None)
    pipeline.stack_call('NOSUCHCOMMAND')
    error = await raises_async(Tornadis.ReplyError, client.call(pipeline))
    equal(error.prefix, 'EXECABORT')


async def test_pubsub(server):
    client = Tornadis.Client(**options(server))
    pubsub = Tornadis.PubSubClient(**options(server))
    seen = []
    pubsub.connect('message::news', lambda _, message: seen.append((message.channel, message.payload)))
    equal(await pubsub.pubsub_subscribe('news', 'other'), pubsub)
    equal(await pubsub.pubsub_psubscribe('p*'), pubsub)
    equal(pubsub.props.subscribed, True)
    await client.call('PUBLISH', 'news', b'\x00\xff')
    await client.call('PUBLISH', 'other', 'plain')
    await client.call('PUBLISH', 'pp', 'by pattern')
    message = await pubsub.pubsub_pop_message(30)
    equal((message.channel, message.text, message.pattern), ('other', 'plain', None))
    message = await pubsub.pubsub_pop_message(deadline=30)
    equal((message.channel, message.text, message.pattern), ('pp', 'by pattern', 'p*'))
    equal(await pubsub.pubsub_pop_message(0.05), None)
    equal(seen, [('news', b'\x00\xff')])

    raises(Tornadis.ClientError, pubsub.call, 'PING')
    raises(Tornadis.ClientError, pubsub.async_call, 'PING')
    equal(await pubsub.pubsub_unsubscribe(), pubsub)
    equal(await pubsub.pubsub_punsubscribe('p*'), pubsub)
    equal(pubsub.props.subscribed, False)
    await raises_async(Tornadis.ClientError, pubsub.pubsub_pop_message(1))


async def test_fault_08_names_of_bytes(server):
    """Names that are not UTF-8 text, or have a NUL, are given as bytes; text with a NUL is refused, not cut off."""
    client = Tornadis.Client(**options(server))
    pubsub = Tornadis.PubSubClient(**options(server))
    names = [b'\xc3\x28', b'a\x00b', b'']
    equal(await pubsub.subscribe(names[0], bytearray(names[1]), GLib.Bytes.new(names[2])), pubsub)
    for name in (*names, b'a'):
        equal(await client.call('PUBLISH', name, name), 0 if name == b'a' else 1)
    for name in names:
        message = await pubsub.pop_message(30)
        equal((message.get_channel_bytes().get_data() or b'', message.payload, message.keys), (name, name, None))
        equal(message.channel, name.replace(b'\0', b'\xff').decode(errors='replace'))
    equal(await pubsub.unsubscribe(*names), pubsub)
    equal(pubsub.props.subscribed, False)

    await pubsub.psubscribe(b'\xff*')
    await pubsub.ssubscribe(memoryview(b'\xff'))
    equal(await client.call('PUBLISH', b'\xff\0', 'x'), 1)
    equal(await client.call('SPUBLISH', b'\xff', 'x'), 1)
    equal((await pubsub.pop_message(30)).get_pattern(), '\ufffd*')
    await pubsub.pop_message(30)
    await pubsub.punsubscribe()
    await pubsub.sunsubscribe(b'\xff')
    equal(pubsub.props.subscribed, False)

    for method in ('subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe', 'sunsubscribe'):
        raises(Tornadis.ClientError, getattr(pubsub, method), 'a', 'a\0b')
        raises(TypeError, getattr(pubsub, method), 5)
        raises(Tornadis.ClientError, getattr(pubsub, f'{method}_async'), ['a\0b'], None, print)
        named = {'patterns' if method[0] == 'p' else 'channels': ['a\0b']}
        raises(Tornadis.ClientError, functools.partial(getattr(pubsub, f'{method}_async'), callback=print, **named))
    equal(await client.call('PUBSUB', 'CHANNELS'), [])


async def test_fault_08_keys(server):
    """Where the server says which keys have changed there is no payload, but keys."""
    for protocol in (Tornadis.Protocol.RESP2, Tornadis.Protocol.RESP3):
        client = Tornadis.Client(**options(server))
        pubsub = Tornadis.PubSubClient(protocol=protocol, **options(server))
        await pubsub.subscribe('__redis__:invalidate')
        subscriber = (await client.call('CLIENT', 'LIST', 'TYPE', 'pubsub')).split()[0]
        await client.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', subscriber.removeprefix(b'id='))
        await client.call('GET', b'k\xff\0')
        await client.call('SET', b'k\xff\0', 1)
        message = await pubsub.pop_message(30)
        equal((message.channel, message.payload, message.text, message.keys),
              ('__redis__:invalidate', None, None, [b'k\xff\0']))
        await client.call('FLUSHALL')
        message = await pubsub.pop_message(30)
        equal((message.payload, message.keys, message.get_reply().get_kind()), (None, None, Tornadis.ReplyKind.NIL))
        await client.call('PUBLISH', '__redis__:invalidate', 'by hand')
        message = await pubsub.pop_message(30)
        equal((message.payload, message.keys), (b'by hand', None))
        pubsub.close()
        while await client.call('CLIENT', 'LIST', 'TYPE', 'pubsub'):
            pass


async def test_fault_08_pop_in_order(server):
    """Messages do not change places, whoever of those that wait for them gives up."""
    client = Tornadis.Client(**options(server))
    pubsub = Tornadis.PubSubClient(**options(server))
    await pubsub.subscribe('a')
    for i in range(0, 60, 3):
        waiting = [pubsub.pop_message(30) for _ in range(4)]
        for n in range(i, i + 3):
            server.command(f'PUBLISH a {n}')
        waiting[0].cancel()
        waiting[2].cancel()
        texts = [(await each).text for each in (waiting[1], waiting[3], pubsub.pop_message(30))]
        equal(texts, [str(n) for n in range(i, i + 3)])


async def test_messages(server):
    client = Tornadis.Client(**options(server))
    pubsub = Tornadis.PubSubClient(**options(server))
    await pubsub.ssubscribe('shard')
    for i in range(3):
        await client.call('SPUBLISH', 'shard', i)
    texts = []
    async for message in pubsub.messages():
        texts.append(message.text)
        if len(texts) == 3:
            break
    equal(texts, ['0', '1', '2'])


async def test_pool(server):
    pool = Tornadis.ClientPool(max_size=2, client_timeout=10, autoclose=True, **options(server))
    await pool.preconnect()
    equal((pool.props.size, pool.props.idle), (2, 2))
    async with pool.connected_client() as first:
        async with pool.connected_client() as second:
            equal(await first.call('PING'), b'PONG')
            assert first is not second
            equal(pool.get_client_nowait(), None)
            waiting = pool.get_connected_client()
            equal(pool.props.waiting, 1)
        third = await waiting
        equal(await third.call('PING'), b'PONG')
        pool.release_client(third)
    equal(await pool.call('ECHO', 'x'), b'x')
    pool.destroy()
    equal(pool.props.size, 0)
    await raises_async(Tornadis.ClientError, Tornadis.ClientPool(**options(server)).preconnect())


async def test_restart(server):
    client = Tornadis.Client(**options(server))
    pubsub = Tornadis.PubSubClient(**options(server))
    gaps = []
    pubsub.connect('gap', lambda _: gaps.append(True))
    await pubsub.subscribe('a')
    await client.call('PING')
    server.restart()
    reply = None
    while reply is None:
        try:
            reply = await client.call('PING')
        except Tornadis.ConnectionError:
            pass
    while not gaps:
        await Tornadis.sleep(0.01)
    equal(await client.call('PUBLISH', 'a', 'x'), 1)
    equal((await pubsub.pop_message(30)).text, 'x')


async def test_cancellable(server):
    client = Tornadis.Client(**options(server))
    cancellable = Gio.Cancellable()
    errors = []

    def done(source, result):
        try:
            source.call_finish(result)
        except GLib.Error as error:
            errors.append(error)

    client.call_async(Tornadis.Command.new_strv(['BLPOP', 'list', '0']), cancellable, done)
    while count_blocked(server) == 0:
        await Tornadis.sleep(0.01)
    cancellable.cancel()
    while not errors:
        await Tornadis.sleep(0.01)
    equal(errors[0].matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), True)
    server.command('RPUSH list x')
    equal(await client.call('ECHO', 'mine'), b'mine')


async def test_values(server):
    reply = Tornadis.Reply.new_from_resp(GLib.Bytes.new(b'%1\r\n+k\r\n*2\r\n:1\r\n#t\r\n'))
    equal(reply.unpack(), {b'k': [1, True]})
    equal(str(reply), '1# k => \n   1) (integer) 1\n   2) (true)')
    equal(reply.lookup('k').get_n_elements(), 2)
    raises(GLib.Error, Tornadis.Reply.new_from_resp, GLib.Bytes.new(b'*2\r\n'))
    command = Tornadis.Command.new('SET')
    command.append_string('k')
    command.append_bytes(GLib.Bytes.new(b'\x00'))
    command.append_int64(-5)
    command.append_double(0.5)
    equal(command.get_n_args(), 5)
    assert command.get_size() > 5
    equal(command.get_arg(2).get_data(), b'\x00')
    equal([command.get_arg(i).get_data() for i in (3, 4)], [b'-5', b'0.5'])
    equal([command.get_arg_data(i) for i in (1, 2, 4)], [b'k', b'\x00', b'0.5'])


def run_asyncio(coroutine):
    """asyncio with its own loop, and the GLib main context turned by a task: enough to wait for both."""
    import asyncio

    async def turn():
        while True:
            GLib.MainContext.default().iteration(False)
            await asyncio.sleep(0.001)

    async def both():
        # Else what is awaited would say that nobody does.
        asyncio.get_running_loop().runs_glib = True
        turning = asyncio.ensure_future(turn())
        try:
            return await asyncio.wait_for(coroutine, 60)
        finally:
            turning.cancel()

    return asyncio.run(both())


def test_cancelled_under_asyncio(server):
    """What a task that was cancelled had asked for is not lost."""
    import asyncio

    async def story():
        pool = Tornadis.ClientPool(max_size=1, **options(server))
        first = await pool.get_connected_client()

        async def use():
            async with pool.connected_client():
                pass

        waiting = asyncio.ensure_future(use())
        while pool.props.waiting == 0:
            await asyncio.sleep(0.001)
        waiting.cancel()
        try:
            await waiting
            raise AssertionError('not cancelled')
        except asyncio.CancelledError:
            pass
        pool.release_client(first)
        # It may have been given to the one that was cancelled, and come back.
        while pool.props.idle == 0:
            await asyncio.sleep(0.01)
        equal((pool.props.size, pool.props.idle, pool.props.waiting), (1, 1, 0))

        pubsub = Tornadis.PubSubClient(**options(server))
        await pubsub.subscribe('a')
        try:
            await asyncio.wait_for(pubsub.pop_message(), 0.05)
            raise AssertionError('no timeout')
        except asyncio.TimeoutError:
            pass
        client = Tornadis.Client(**options(server))
        await client.call('PUBLISH', 'a', 'kept')
        equal((await pubsub.pop_message()).text, 'kept')

        try:
            await asyncio.wait_for(client.call('BLPOP', 'list', 0), 0.05)
            raise AssertionError('no timeout')
        except asyncio.TimeoutError:
            pass
        server.command('RPUSH list x')
        equal(await client.call('ECHO', 'mine'), b'mine')

    run_asyncio(story())


async def test_messages_end(server):
    pubsub = Tornadis.PubSubClient(**options(server))
    await pubsub.subscribe('a')

    async def read():
        return [message async for message in pubsub.messages()]

    reading = Tornadis.spawn(read())
    await Tornadis.sleep(0)
    await pubsub.unsubscribe('a')
    equal(await reading, [])


async def test_callback_gets_every_failure(server):
    client = Tornadis.Client(decode=True, **options(server))
    results = []
    await client.call('SET', 'binary', b'\xff')
    client.async_call('GET', 'binary', callback=results.append)
    await client.call('PING')
    client.async_call('NOSUCH', callback=results.append)
    await client.call('PING')
    equal((results[0], type(results[1])), (b'\xff', Tornadis.ReplyError))


async def test_exception_in_handler(server):
    """What a handler raises is printed, and nothing else happens."""
    client = Tornadis.Client(**options(server))
    hook, sys.excepthook = sys.excepthook, lambda *args: None
    try:
        client.async_call('PING', callback=lambda result: 1 / 0)
        equal(await client.call('PING'), b'PONG')
    finally:
        sys.excepthook = hook


async def test_dropped(server):
    client = Tornadis.Client(**options(server))
    gone = []
    client.weak_ref(lambda: gone.append(True))
    await client.call('PING')
    del client
    # What is awaited goes on from within the callback, whose frames still hold it.
    while not gone:
        await Tornadis.sleep(0.01)
        gc.collect()


async def test_call_keeps_its_client(server):
    equal(await Tornadis.Client(**options(server)).call('PING'), b'PONG')
    future = Tornadis.Client(**options(server)).call('PING')
    gc.collect()
    equal(await future, b'PONG')


async def test_order(server):
    """What is sent past the calls of a turn does not overtake them."""
    client = Tornadis.Client(**options(server))
    order = []
    first = client.call('RPUSH', 'order', 1)
    command = Tornadis.Command.new_strv(['RPUSH', 'order', '2'])
    client.submit(command, lambda client, reply, error: order.append(reply.get_integer()))
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('RPUSH', 'order', 3)
    third = client.call(pipeline)
    fourth = client.call('RPUSH', 'order', b'x' * 20000)
    fifth = client.call(Tornadis.Command.new_strv(['RPUSH', 'order', '5']))
    equal([await first, await third, await fourth, await fifth], [1, [3], 4, 5])
    equal(order, [2])


async def test_nested_loop(server):
    """A main loop that runs within a callback gets the calls that were made in it."""
    client = Tornadis.Client(**options(server))
    results = []

    def callback(result):
        if not results:
            results.append(result)
            client.async_call('ECHO', 'nested', callback=results.append)
            context = GLib.MainContext.default()
            while len(results) < 2:
                context.iteration(True)

    client.async_call('ECHO', 'outer', callback=callback)
    while len(results) < 2:
        await Tornadis.sleep(0.01)
    equal(results, [b'outer', b'nested'])


async def test_nested_loop_over_others(server):
    """Those whose outcomes came together have theirs within the inner loop, once."""
    client = Tornadis.Client(**options(server))
    others = []
    seen = []

    def callback(result):
        context = GLib.MainContext.default()
        until = GLib.get_monotonic_time() + 30_000_000
        while len(others) < 3 and GLib.get_monotonic_time() < until:
            context.iteration(False)
        seen.append(list(others))

    client.async_call('ECHO', 'first', callback=callback)
    for i in range(3):
        client.async_call('ECHO', i, callback=others.append)
    while not seen:
        await Tornadis.sleep(0.01)
    equal(seen, [[b'0', b'1', b'2']])
    await client.call('PING')
    equal(others, [b'0', b'1', b'2'])


async def test_pop_given_back(server):
    """A message that comes to one that no longer waits goes to the one that waits already."""
    pubsub = Tornadis.PubSubClient(**options(server))
    await pubsub.subscribe('a')
    for i in range(50):
        gone = pubsub.pop_message(30)
        # It is there before the main loop hears of the cancelling.
        server.command(f'PUBLISH a {i}')
        gone.cancel()
        equal((await pubsub.pop_message(30)).text, str(i))


async def test_beside_others(server):
    """However busy the main loop is with others: a timer that is always due, a window that is always drawn."""
    client = Tornadis.Client(**options(server))
    large = b'x' * 100000
    await client.call('SET', 'large', large)
    for priority, msec in ((GLib.PRIORITY_DEFAULT, 3), (GLib.PRIORITY_HIGH_IDLE + 20, 40)):
        def work():
            end = GLib.get_monotonic_time() + msec * 1000
            while GLib.get_monotonic_time() < end:
                pass
            return GLib.SOURCE_CONTINUE

        neighbour = GLib.timeout_add(0, work, priority=priority)
        try:
            calls = [client.call(*(('GET', 'large') if i % 2 else ('ECHO', i))) for i in range(200)]
            for i, call in enumerate(calls):
                equal(await call, large if i % 2 else str(i).encode())
            # One that waits for another.
            for i in range(5):
                equal(await client.call('ECHO', i), str(i).encode())
        finally:
            GLib.source_remove(neighbour)


async def test_lazy_pipeline(server):
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('SET', 'lazy', b'\0\xff')
    equal(pipeline.number_of_stacked_calls, 1)
    pipeline.stack_call('GET', 'lazy')
    equal(pipeline.props.number_of_stacked_calls, 2)
    pipeline.stack_call('STRLEN', 'lazy')
    equal(pipeline.get_property('number-of-stacked-calls'), 3)
    pipeline.stack_strv(['PING'])
    pipeline.stack_call('ECHO', b'x' * 20000)
    equal(pipeline.get_command(0).get_name(), 'SET')
    equal([command.get_name() for command in pipeline.get_commands()], ['SET', 'GET', 'STRLEN', 'PING', 'ECHO'])
    client = Tornadis.Client(**options(server))
    equal(await client.call(pipeline), [b'OK', b'\0\xff', 2, b'PONG', b'x' * 20000])
    pipeline.stack_call('PING')
    pipeline.clear()
    equal(pipeline.get_number_of_stacked_calls(), 0)
    pipeline.stack_call('ECHO', 0)
    pipeline.stack_commands([Tornadis.Command.new_strv(['ECHO', each]) for each in '12'])
    pipeline.stack_call('ECHO', 3)
    equal(await client.call(pipeline), [b'0', b'1', b'2', b'3'])


async def test_big(server):
    client = Tornadis.Client(**options(server))
    value = bytes(range(256)) * 4096
    equal(await client.call('SET', 'big', value), b'OK')
    equal(await client.call('GET', 'big') == value, True)
    client.decode = True
    # What is no text stays bytes.
    equal(await client.call('GET', 'big') == value, True)
    equal(await client.call('MGET', 'none', 'big') == [None, value], True)
    equal(await client.call('ECHO', 'ä'), 'ä')


async def test_decode_from_now_on(server):
    """A call has what it was made with, whatever is set before its reply comes."""
    client = Tornadis.Client(**options(server))
    large, many = 'ä' * 100000, ['ö' * 1000] * 2000
    await client.call('SET', 'large', large)
    await client.call('RPUSH', 'many', *many)
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('ECHO', 'ü')

    def make_calls():
        return [client.call('ECHO', 'ä'), client.call('GET', 'large'), client.call('LRANGE', 'many', 0, -1),
                client.call(pipeline), client.call('ECHO', b'\xff'), client.call('ECHO', 'ä', timeout=60)]

    text = ['ä', large, many, ['ü'], b'\xff', 'ä']
    data = ['ä'.encode(), large.encode(), [one.encode() for one in many], ['ü'.encode()], b'\xff', 'ä'.encode()]
    server.pause()
    before = make_calls()
    client.decode = True
    after = make_calls()
    client.decode = False
    again = make_calls()
    server.resume()
    for calls, expected in (before, data), (after, text), (again, data):
        for call, one in zip(calls, expected):
            equal(await call == one, True)


async def test_lone_surrogate(server):
    client = Tornadis.Client(**options(server))
    try:
        client.call('ECHO', '\ud800')
        raise AssertionError('is no text')
    except UnicodeEncodeError:
        pass
    equal(await client.call('PING'), b'PONG')


class Calling(Tornadis.Plugin):
    """Makes a call of its own while another is being made."""

    __gtype_name__ = 'TornadisTestCalling'

    def __init__(self, make):
        super().__init__()
        self.make = make

    def do_call(self, call):
        if call.get_command().get_arg(1).get_data() != b'inner':
            self.make(call.get_client())
        return False


async def test_plugin_that_calls(server):
    results = []

    def by_arguments(client):
        client.async_call('ECHO', 'inner', callback=lambda reply: results.append(('inner', reply)))

    def by_command(client):
        command = Tornadis.Command.new_strv(['ECHO', 'inner'])
        client.async_call(command, callback=lambda reply: results.append(('inner', reply)))

    for make in (by_arguments, by_command):
        client = Tornadis.Client(**options(server))
        client.add_plugin(Calling(make))
        results.clear()
        for i in range(10):
            client.async_call('ECHO', f'outer {i}', callback=lambda reply, i=i: results.append((f'outer {i}', reply)))
        while len(results) < 20:
            await Tornadis.sleep(0.01)
        equal([name.encode() == reply for name, reply in results], [True] * 20)


async def test_disposed(server):
    client = Tornadis.Client(**options(server))
    future = client.call('PING')
    client.run_dispose()
    equal((await raises_async(Tornadis.ConnectionError, future)).code, Tornadis.Error.CLOSED)
    equal((await raises_async(Tornadis.ConnectionError, client.call('PING'))).code, Tornadis.Error.CLOSED)
    command = Tornadis.Command.new_strv(['PING'])
    equal((await raises_async(Tornadis.ConnectionError, client.call(command))).code, Tornadis.Error.CLOSED)


# Its handlers are methods of what has the client, which goes with the interpreter, or before.
EXITS = '''
import sys
import gi
gi.require_version('Tornadis', '1.0')
from gi.repository import Tornadis

class Listener:
    def __init__(self):
        self.client = Tornadis.{kind}(unix_domain_socket=sys.argv[1])
        self.client.connect('disconnected', self.told)
        self.client.connect('notify::connected', self.told)
        self.heard = []

    def told(self, client, what):
        self.heard.append((client, what))
        print('told', client.is_connected(), flush=True)

    async def use(self):
        await self.client.{use}
        print('used', flush=True)

{keep}
Tornadis.run(main())
'''

GLOBAL = '''
listener = Listener()
main = listener.use
'''

LOCAL = '''
async def main():
    await Listener().use()
'''

IN_A_CYCLE = '''
async def main():
    listener = Listener()
    listener.client.listener = listener
    await listener.use()
'''


async def test_exit(server):
    for kind, use in (('Client', "call('PING')"), ('PubSubClient', "pubsub_subscribe('news')")):
        for keep in (GLOBAL, LOCAL, IN_A_CYCLE):
            done = subprocess.run([sys.executable, '-c', EXITS.format(kind=kind, use=use, keep=keep), server.get_socket_path()],
                                  capture_output=True, text=True)
            equal((done.returncode, done.stdout, done.stderr), (0, 'told True\nused\n', ''))


async def test_disposed_silently(server):
    told = []
    client = Tornadis.Client(**options(server))
    client.connect('disconnected', lambda *_: told.append('disconnected'))
    client.connect('notify', lambda _, pspec: told.append(pspec.name))
    await client.call('PING')
    equal('connected' in told, True)
    pubsub = Tornadis.PubSubClient(**options(server))
    for name in ('disconnected', 'notify', 'subscription-removed', 'gap', 'overflow'):
        pubsub.connect(name, lambda *_: told.append('pub/sub'))
    await pubsub.pubsub_subscribe('news')
    pool = Tornadis.ClientPool(**options(server))
    async with pool.connected_client() as pooled:
        pooled.connect('disconnected', lambda *_: told.append('pooled'))
        await pooled.call('PING')
    pool.connect('notify', lambda *_: told.append('pool'))
    told.clear()
    waiting = client.call('BLPOP', 'nothing', 0)
    while count_blocked(server) < 1:
        await Tornadis.sleep(0.01)
    for each in (client, pubsub, pool):
        each.run_dispose()
    equal((await raises_async(Tornadis.ConnectionError, waiting)).code, Tornadis.Error.LOST)
    await Tornadis.sleep(0.02)
    equal(told, [])


async def test_nul_is_text(server):
    client = Tornadis.Client(decode=True, **options(server))
    await client.call('HSET', 'nul', 'a', '1', 'b', 'x\0y')
    equal(await client.call('HGETALL', 'nul'), {'a': '1', 'b': 'x\0y'})
    await client.call('SET', 'long-nul', 'x\0' * 50000)
    equal(await client.call('GET', 'long-nul'), 'x\0' * 50000)


async def test_pool_gets_calls_first(server):
    """A client that is given back with calls not yet sent is not handed on as if it were fresh."""
    pool = Tornadis.ClientPool(max_size=1, decode=True, **options(server))
    async with pool.connected_client() as client:
        equal(client.decode, True)
        client.async_call('SELECT', 5)
    async with pool.connected_client() as client:
        equal('db=0' in await client.call('CLIENT', 'INFO'), True)


async def test_keywords(server):
    client = Tornadis.Client(**options(server))
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('PING')
    pipeline.stack_call('PING')
    replies = []
    client.submit_pipeline(pipeline=pipeline, func=lambda client, reply, error: replies.append(reply.unpack()))
    while not replies:
        await Tornadis.sleep(0.01)
    equal(replies, [[b'PONG', b'PONG']])


async def test_busy_poll(server):
    client = Tornadis.Client(busy_poll=False, **options(server))
    equal((client.props.busy_poll, Tornadis.Client().props.busy_poll), (False, True))
    equal(await client.call('PING'), b'PONG')
    client.props.busy_poll = True
    equal(await client.call('PING'), b'PONG')
    equal(Tornadis.Client.new_for_uri('redis://h?busy-poll=no').props.busy_poll, False)
    async with Tornadis.ClientPool(busy_poll=False, **options(server)).connected_client() as pooled:
        equal(pooled.props.busy_poll, False)


async def test_numbers(server):
    import enum

    class Level(enum.IntEnum):
        HIGH = 3

    class Index:
        def __index__(self):
            return 7

    class Share(float):
        def __repr__(self):
            return 'a share'

    client = Tornadis.Client(**options(server))
    for value, sent in ((Level.HIGH, b'3'), (Index(), b'7'), (Share(1.5), b'1.5'), (memoryview(b'abc')[::2], b'ac'),
                        (bytearray(b'x'), b'x'), (float('inf'), b'inf')):
        equal(await client.call('ECHO', value), sent)


async def test_big_number(server):
    client = Tornadis.Client(**options(server))
    digits = '9' * 1000
    script = "redis.setresp(3); return {big_number = ARGV[1]}"
    equal(await client.call('EVAL', script, 0, '1' * 50), int('1' * 50))
    # As text, because Python takes no number of any length.
    equal(await client.call('EVAL', script, 0, digits), digits.encode())
    equal(await client.call('PING'), b'PONG')


async def test_spawn(server):
    ended = []

    async def sleeper():
        try:
            await Tornadis.sleep(60)
        except BaseException as error:
            ended.append(type(error).__name__)
            raise

    future = Tornadis.spawn(sleeper())
    equal(future.cancel(), True)
    equal((future.cancelled(), ended), (True, ['CancelledError']))
    equal(future.cancel(), False)
    equal(Tornadis.sleep(60).cancel(), True)

    @types.coroutine
    def give_way():
        yield

    async def giver():
        try:
            while True:
                await give_way()
        except BaseException as error:
            ended.append(type(error).__name__)

    # It hears of it when its turn comes.
    equal(Tornadis.spawn(giver()).cancel(), True)
    await wait_until(lambda: len(ended) == 2)
    equal(ended[1], 'CancelledError')


async def test_spawn_cancelled_late(server):
    """A reply that was read is the coroutine's, which is cancelled where it waits next."""
    client = Tornadis.Client(**options(server))
    await client.call('RPUSH', 'jobs', 'paint', 'sweep')
    left = []

    async def worker(*more):
        item = None
        try:
            item = await client.call('LPOP', 'jobs')
            for _ in more:
                await Tornadis.sleep(60)
            left.append('end')
        except BaseException as error:
            left.append(type(error).__name__)
            raise
        finally:
            left.append(item)

    for more, expected in (((1,), ['CancelledError', b'paint']), ((), ['end', b'sweep'])):
        left.clear()
        # Both replies are read at once.
        client.async_call('PING', callback=lambda _: [future.cancel(), future.cancel(), left.append('cancelled')])
        future = Tornadis.spawn(worker(*more))
        await wait_until(lambda: len(left) == 3)
        equal(left, ['cancelled', *expected])
        equal(future.cancelled(), True)

    # Before it was read it is not.
    future = Tornadis.spawn(worker(1))
    left.clear()
    future.cancel()
    equal(left, ['CancelledError', None])


async def test_refused_argument(server):
    """What is no argument is not begun; what is called after it has its own outcome."""
    pool = Tornadis.ClientPool(max_size=2, **options(server))
    raises(TypeError, pool.preconnect, 'many')
    raises(OverflowError, pool.preconnect, 1 << 40)
    await raises_async(Tornadis.ClientError, pool.preconnect(-5))
    equal(await pool.call('PING'), b'PONG')


async def test_cancelled_is_not_kept(server):
    """That one was cancelled keeps neither the others nor their replies."""
    client = Tornadis.Client(**options(server))
    futures = [client.call('PING') for _ in range(3)]
    await Tornadis.sleep(0)
    futures[0].cancel()
    await futures[2]
    kept = weakref.ref(futures[1])
    del futures
    equal(kept(), None)


async def test_close_in_callback(server):
    """What came before that is told before the client says that it is disconnected."""
    client = Tornadis.Client(**options(server))
    order = []
    client.connect('disconnected', lambda *_: order.append('disconnected'))
    await client.connect_client()
    client.async_call('ECHO', '1', callback=lambda reply: (order.append(reply), client.close(), order.append('closed')))
    client.async_call('ECHO', '2', callback=order.append)
    client.async_call('ECHO', '3', callback=order.append)
    await wait_until(lambda: len(order) == 5)
    equal(order, [b'1', b'2', b'3', 'disconnected', 'closed'])


main(sys.modules[__name__])
