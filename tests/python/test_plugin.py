# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plugins written in Python."""

import contextlib
import sys
import urllib.parse

from tap import count_blocked, equal, main, raises, raises_async, wait_until

from gi.repository import Gio, GLib, GObject, Tornadis, TornadisHarness


def make_client(server):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path())


class Recorder(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestRecorder'

    def __init__(self):
        super().__init__()
        self.log = []

    def do_call(self, call):
        self.log.append(('call', call.get_name(), call.get_attempt()))
        return False

    def do_call_done(self, call):
        error = call.dup_error()
        self.log.append(('done', call.get_name(), error is None))

    def do_setup(self, commands):
        commands.stack_strv(['CLIENT', 'SETNAME', 'recorder'])

    def do_push(self, push):
        self.log.append(('push', push.get_element(0).get_text()))
        return True


async def test_recorder(server):
    client = make_client(server)
    plugin = Recorder()
    equal(client.add_plugin(plugin), True)
    equal(client.get_plugins().get_n_items(), 1)
    equal(await client.call('CLIENT', 'GETNAME'), b'recorder')
    await raises_async(Tornadis.ReplyError, client.call('NOSUCHCOMMAND'))
    equal(plugin.log, [('call', 'CLIENT', 1), ('done', 'CLIENT', True),
                       ('call', 'NOSUCHCOMMAND', 1), ('done', 'NOSUCHCOMMAND', False)])
    await client.call('CLIENT', 'TRACKING', 'ON')
    await client.call('GET', 'k')
    await client.call('SET', 'k', 1)
    await client.call('PING')
    assert ('push', 'invalidate') in plugin.log
    equal(client.remove_plugin(plugin), True)


class Answering(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestAnswering'

    def do_call(self, call):
        call.return_reply(Tornadis.Reply.new_from_resp(GLib.Bytes.new(b'$5\r\nmagic\r\n')))
        return True


async def test_answering(server):
    client = make_client(server)
    client.add_plugin(Answering())
    equal(await client.call('GET', 'k'), b'magic')
    equal(client.is_connected(), False)


async def test_fault_15_stands_in(server):
    client = make_client(server)
    plugin = Answering()
    client.add_plugin(plugin)
    log = []
    client.connect('disconnected', lambda client, error: log.append(error and error.message))
    client.connect('notify::state', lambda client, pspec: log.append(client.props.state.value_nick))
    error = await raises_async(Tornadis.ClientError, client.call('SUBSCRIBE', 'news'))
    equal(error.code, Tornadis.Error.USAGE)
    equal(await client.connect_client(), client)
    equal(client.is_connected(), True)
    lost = GLib.Error.new_literal(Tornadis.error_quark(), 'gone', Tornadis.Error.LOST)
    plugin.set_client_lost(client, lost)
    plugin.set_client_state(client, Tornadis.ClientState.WAITING)
    plugin.set_client_state(client, Tornadis.ClientState.CONNECTED)
    client.close()
    equal(log, ['connected', 'disconnected', 'gone', 'waiting', 'connected', 'disconnected', None])
    equal(await client.connect_client(), client)
    plugin.set_client_in_transaction(client, True)
    equal(client.is_in_transaction(), True)
    client.close()
    equal(client.is_in_transaction(), False)
    equal(await client.connect_client(), client)
    plugin.set_client_in_transaction(client, True)
    client.remove_plugin(plugin)
    equal((client.is_connected(), client.is_in_transaction()), (False, False))


class Insisting(Tornadis.Plugin):
    """Asks for everything three times."""
    __gtype_name__ = 'TornadisTestInsisting'

    def __init__(self):
        super().__init__()
        self.log = []

    def do_call_done(self, call):
        self.log.append(call.get_name() + ('!' if call.is_in_transaction() else ''))
        if call.get_attempt() < 3:
            call.retry(0)


async def test_fault_03_not_repeated(server):
    """No plugin makes a part of a transaction run by itself."""
    client = make_client(server)
    plugin = Insisting()
    client.add_plugin(plugin)
    await client.call('MULTI')
    equal((client.is_in_transaction(), client.is_session_settled()), (True, True))
    await client.call('INCR', 'n')
    equal(await client.call('EXEC'), [1])
    equal(client.is_in_transaction(), False)
    equal(await client.call('INCR', 'n'), 4)
    equal(plugin.log, ['MULTI!', 'INCR!', 'EXEC!', 'INCR', 'INCR', 'INCR'])


class Delaying(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestDelaying'

    def do_call(self, call):
        def proceed():
            call.proceed()
            return GLib.SOURCE_REMOVE

        GLib.timeout_add(20, proceed)
        return True


async def test_delaying(server):
    client = make_client(server)
    client.add_plugin(Delaying())
    equal(await client.call('ECHO', 'x'), b'x')


class Retrying(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestRetrying'

    def do_call_done(self, call):
        if call.get_attempt() < 3:
            call.retry(1)


async def test_retrying(server):
    client = make_client(server)
    client.add_plugin(Retrying())
    equal(await client.call('INCR', 'n'), 3)


class Asking(Tornadis.Plugin):
    """Asks the server, and another client, before a GET goes on as an ECHO of both answers."""
    __gtype_name__ = 'TornadisTestAsking'

    def __init__(self, other):
        super().__init__()
        self.other = other
        self.calls = []

    def do_call(self, call):
        self.calls.append(call.get_name())
        if call.get_name() != 'GET':
            return False

        def have_both(theirs):
            call.set_command(Tornadis.Command.new_strv(['ECHO', self.own + theirs.decode()]))
            call.proceed()

        def have_own(client, reply, error):
            assert error is None
            self.own = reply.get_text()
            self.other.async_call('GET', 'theirs', callback=have_both)

        self.submit(call.get_client(), Tornadis.Command.new_strv(['GET', 'own']), have_own)
        return True


async def test_asking(server):
    other = make_client(server)
    await other.call('MSET', 'own', 'a', 'theirs', 'b')
    client = make_client(server)
    plugin, inner = Asking(other), Recorder()
    client.add_plugin(plugin)
    client.add_plugin(inner)
    equal(await client.call('GET', 'k'), b'ab')
    # Its own call was not told to itself, but to the one behind.
    equal(plugin.calls, ['GET'])
    equal([entry[:2] for entry in inner.log], [('call', 'GET'), ('done', 'GET'), ('call', 'ECHO'), ('done', 'ECHO')])


class Reading(Tornadis.Plugin):
    """Sends reads, and pipelines, over the connections of others: to the next when one cannot be reached."""
    __gtype_name__ = 'TornadisTestReading'

    def __init__(self, *others):
        super().__init__()
        self.others = others
        self.log = []

    def do_call(self, call):
        equal(call.get_target(), None)
        if call.get_name() not in ('GET', 'INCR', 'PIPELINE'):
            return False
        tried = sum(entry[0] is call for entry in self.log)
        call.forward(self.others[tried])
        return True

    def do_call_done(self, call):
        error = call.dup_error()
        self.log.append((call, call.get_name(), call.get_target(), call.get_attempt(), error and error.code))
        if error is not None and error.code == Tornadis.Error.CONNECT:
            call.retry(0)


async def test_forward(server):
    there = TornadisHarness.Redis.new(None)
    nowhere, other = Tornadis.Client(unix_domain_socket='/nonexistent'), make_client(there)
    client, plugin, behind = make_client(server), Reading(nowhere, other), Recorder()
    client.add_plugin(plugin)
    client.add_plugin(behind)
    await other.call('SET', 'k', 'there')
    equal(await client.call('SET', 'k', 'here'), b'OK')
    equal(await client.call('GET', 'k'), b'there')
    error = await raises_async(Tornadis.ReplyError, client.call('INCR', 'k'))
    equal(error.prefix, 'ERR')
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('GET', 'k')
    pipeline.stack_call('INCR', 'n')
    equal(await client.call(pipeline), [b'there', 1])
    connect, reply = Tornadis.Error.CONNECT, Tornadis.Error.REPLY
    equal([entry[1:] for entry in plugin.log], [
        ('SET', None, 1, None), ('GET', nowhere, 1, connect), ('GET', other, 1, None), ('INCR', nowhere, 1, connect),
        ('INCR', other, 1, reply), ('PIPELINE', nowhere, 1, connect), ('PIPELINE', other, 1, None)])
    equal(behind.log, [('call', 'SET', 1), ('done', 'SET', True)])


async def test_forward_later(server):
    """A call that is kept is forwarded when the plugin likes, and once."""
    kept = []
    client, other = Tornadis.Client(unix_domain_socket='/nonexistent'), make_client(server)
    client.add_plugin(Acting(call=lambda call: kept.append(call) or True))
    task = Tornadis.spawn(client.call('ECHO', 'x'))
    await wait_until(lambda: kept)
    kept[0].forward(other)
    GLib.test_expect_message('Tornadis', GLib.LogLevelFlags.LEVEL_WARNING, '*forward ECHO*answered already*')
    kept[0].forward(other)
    equal(await task, b'x')
    GLib.test_assert_expected_messages_internal('Tornadis', __file__, 0, 'test_forward_later')
    equal(kept[0].get_target(), other)
    # Connecting is the client's own.
    kept.clear()
    task = Tornadis.spawn(client.connect_client())
    await wait_until(lambda: kept)
    GLib.test_expect_message('Tornadis', GLib.LogLevelFlags.LEVEL_WARNING, '*forward the connecting*')
    kept[0].forward(other)
    GLib.test_assert_expected_messages_internal('Tornadis', __file__, 0, 'test_forward_later')
    kept.clear()
    await raises_async(Tornadis.ClientError, task)


class Acting(Tornadis.Plugin):
    """Runs functions in its hooks."""
    __gtype_name__ = 'TornadisTestActing'

    def __init__(self, call=lambda call: False, done=lambda call: None, setup=lambda commands: None,
                 push=lambda push: False):
        super().__init__()
        self.on_call, self.on_done, self.on_setup, self.on_push = call, done, setup, push

    def do_call(self, call):
        return self.on_call(call)

    def do_call_done(self, call):
        self.on_done(call)

    def do_setup(self, commands):
        self.on_setup(commands)

    def do_push(self, push):
        return self.on_push(push)


async def test_failing(server):
    failure = GLib.Error.new_literal(Tornadis.error_quark(), 'not now', Tornadis.Error.BUSY)

    def fail(call):
        call.return_error(failure)
        return True

    client = make_client(server)
    client.add_plugin(Acting(call=fail))
    error = await raises_async(Tornadis.ClientError, client.call('PING'))
    equal((error.code, error.message), (Tornadis.Error.BUSY, 'not now'))


async def test_retry_sees(server):
    """The plugins behind see the number of the attempt, and why the one before failed."""
    def retry(call):
        if call.dup_error() is not None and call.get_attempt() < 3:
            call.retry(0)

    seen = []

    def look(call):
        error = call.dup_error()
        equal(call.is_in_transaction(), False)
        seen.append((call.get_attempt(), error and error.message.split()[0]))
        if call.get_attempt() == 3:
            call.set_command(Tornadis.Command.new_strv(['ECHO', 'given up']))
        return False

    client = make_client(server)
    client.add_plugin(Acting(done=retry))
    client.add_plugin(Acting(call=look))
    equal(await client.call('NOSUCHCOMMAND'), b'given up')
    equal(seen, [(1, None), (2, 'ERR'), (3, 'ERR')])


async def test_replacing(server):
    def replace(call):
        if call.dup_error() is not None:
            call.return_reply(Tornadis.Reply.new_from_resp(GLib.Bytes.new(b'+nothing\r\n')))

    client = make_client(server)
    client.add_plugin(Acting(done=replace))
    equal(await client.call('NOSUCHCOMMAND'), b'nothing')
    equal(await client.call('PING'), b'PONG')


async def test_setup_and_push(server):
    """Commands of several plugins, in order; a push is for the first that takes it."""
    pushes = []

    def take(name, taken):
        def push(push):
            pushes.append((name, push.get_element(0).get_text()))
            return taken
        return push

    client = make_client(server)
    for name, taken in ('a', False), ('b', True), ('c', True):
        client.add_plugin(Acting(setup=lambda commands, name=name: commands.stack_strv(['APPEND', 'order', name]),
                                 push=take(name, taken)))
    client.add_plugin(Acting(setup=lambda commands: commands.stack_call('CLIENT', 'TRACKING', 'ON')))
    equal(await client.call('GET', 'order'), b'abc')
    await client.call('SET', 'order', '')
    await client.call('PING')
    equal(pushes, [('a', 'invalidate'), ('b', 'invalidate')])


class Looking(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestLooking'

    def __init__(self):
        super().__init__()
        self.log = []
        self.clients = set()

    def do_observe(self, client, command, pipeline, reply, error, elapsed):
        assert elapsed >= 0
        self.log.append((command, pipeline, reply, error))
        self.clients.add(client)

    def do_client_acquired(self, client, elapsed):
        assert elapsed >= 0
        self.log.append('client_acquired')
        self.clients.add(client)


async def test_looking(server):
    client = make_client(server)
    plugin = Looking()
    client.add_plugin(plugin)
    await client.call('SET', 'k', 'v')
    await raises_async(Tornadis.ReplyError, client.call('INCR', 'k'))
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('PING')
    await client.call(pipeline)
    (first, _, ok, none), (second, _, nothing, error), (no_command, sent, replies, _) = plugin.log
    equal((first.get_name(), ok.get_text(), none), ('SET', 'OK', None))
    equal((second.get_name(), nothing, error.matches(Tornadis.error_quark(), Tornadis.Error.REPLY)), ('INCR', None, True))
    equal((no_command, sent.get_command(0).get_name(), replies.get_element(0).get_text()), (None, 'PING', 'PONG'))

    plugin.log.clear()
    pool = Tornadis.ClientPool(template=client)
    await pool.call('PING')
    equal((plugin.log[0], plugin.log[1][0].get_name(), len(plugin.clients)), ('client_acquired', 'PING', 2))


class Raising(Tornadis.Plugin):
    """Raises in all hooks."""
    __gtype_name__ = 'TornadisTestRaising'

    def __init__(self):
        super().__init__()
        self.hooks = []

    def fail(self, hook):
        self.hooks.append(hook)
        raise ValueError('from a hook')

    def do_detach(self, client):
        self.fail('detach')

    def do_setup(self, commands):
        commands.stack_call('CLIENT', 'SETNAME', 'raising')
        self.fail('setup')

    def do_call(self, call):
        self.fail('call')

    def do_call_done(self, call):
        self.fail('call_done')

    def do_push(self, push):
        self.fail('push')

    def do_observe(self, client, command, pipeline, reply, error, elapsed):
        self.fail('observe')

    def do_client_acquired(self, client, elapsed):
        self.fail('client_acquired')


class RaisingAtOnce(Raising):
    __gtype_name__ = 'TornadisTestRaisingAtOnce'

    def do_attach(self, client):
        self.fail('attach')


@contextlib.contextmanager
def printed_exceptions():
    """What the hooks raise, which PyGObject hands to sys.excepthook."""
    raised = []
    hook, sys.excepthook = sys.excepthook, lambda kind, value, trace: raised.append(str(value))
    try:
        yield raised
    finally:
        sys.excepthook = hook


async def test_raising(server):
    """A hook that raises does nothing: calls go on, and the other plugins have their turns."""
    client = make_client(server)
    plugin, recorder, looking = Raising(), Recorder(), Looking()
    with printed_exceptions() as raised:
        error = raises(GLib.Error, client.add_plugin, RaisingAtOnce())
        equal(error.matches(Tornadis.error_quark(), Tornadis.Error.PLUGIN), True)
        for each in plugin, recorder, looking:
            client.add_plugin(each)
        equal(await client.call('CLIENT', 'GETNAME'), b'recorder')
        await client.call('CLIENT', 'TRACKING', 'ON')
        await client.call('GET', 'k')
        await client.call('SET', 'k', 1)
        await client.call('PING')
        assert ('push', 'invalidate') in recorder.log and len(looking.log) == 5
        pool = Tornadis.ClientPool(template=client)
        equal(await pool.call('PING'), b'PONG')
        pool.destroy()
        client.remove_plugin(plugin)
        equal(await client.call('PING'), b'PONG')
    equal(set(raised), {'from a hook'})
    equal(set(plugin.hooks), {'detach', 'setup', 'call', 'call_done', 'push', 'observe', 'client_acquired'})
    equal(len(raised), len(plugin.hooks) + 1)


class Hoarding(Tornadis.Plugin):
    """Keeps all that it is given, and raises."""
    __gtype_name__ = 'TornadisTestHoarding'

    def __init__(self):
        super().__init__()
        self.hoard = []

    def keep(self, *what):
        self.hoard += what
        raise ValueError('from a hook')

    def do_push(self, push):
        self.keep(push)

    def do_observe(self, client, command, pipeline, reply, error, elapsed):
        self.keep(command, reply)


async def test_hoarding(server):
    """What a hook or a function keeps is there for as long, even when it raises."""
    client = make_client(server)
    plugin = Hoarding()
    client.add_plugin(plugin)
    with printed_exceptions():
        await client.call('CLIENT', 'TRACKING', 'ON')
        await client.call('GET', 'k')
        await client.call('SET', 'k', 1)
        await client.call('PING')
        await client.call('ECHO', 'x' * 100)
    names = [each.get_name() for each in plugin.hoard if isinstance(each, Tornadis.Command)]
    equal(names, ['CLIENT', 'GET', 'SET', 'PING', 'ECHO'])
    replies = [each.unpack() for each in plugin.hoard if isinstance(each, Tornadis.Reply)]
    equal(sorted(map(str, replies)), sorted(map(str, [b'OK', None, b'OK', [b'invalidate', [b'k']], b'PONG', b'x' * 100])))

    client = make_client(server)
    plugin = Choosing()
    client.add_plugin(plugin)
    hoard = []

    def keep(client, reply, error, *data):
        hoard.append((reply, *data))
        raise ValueError('from a function')

    with printed_exceptions() as raised:
        echo = Tornadis.Command.new_strv(['ECHO', 'x' * 100])
        pipeline = Tornadis.Pipeline()
        pipeline.stack_command(echo)
        client.submit(echo, keep, 'a')
        client.submit(func=keep, command=echo)
        client.submit_pipeline(pipeline, keep)
        plugin.submit(client, echo, keep, 'b', 'c')
        plugin.submit(client, echo, func=keep)
        plugin.submit(client, echo, None)
        await wait_until(lambda: len(hoard) == 5)
    equal(raised, ['from a function'] * 5)
    equal([(reply.unpack(), *data) for reply, *data in hoard],
          [(b'x' * 100, 'a'), (b'x' * 100,), ([b'x' * 100],), (b'x' * 100, 'b', 'c'), (b'x' * 100,)])


class Choosing(Tornadis.Plugin):
    """Named by a scheme, and asked whether a server is the right one, which is the test's to say."""
    __gtype_name__ = 'TornadisTestChoosing'

    uri = GObject.Property(type=str, flags=GObject.ParamFlags.READWRITE | GObject.ParamFlags.CONSTRUCT_ONLY)
    level = GObject.Property(type=int)

    def __init__(self, commands=()):
        super().__init__()
        self.commands = commands
        self.verdicts = []
        self.kept = []

    def do_attach(self, client):
        where = urllib.parse.urlsplit(self.uri or '')
        if where.path == '/there':
            client.props.host, client.props.port = where.hostname, where.port
        return True

    def do_setup(self, commands):
        for args in self.commands:
            commands.stack_call(*args)

    def do_setup_done(self, client, replies):
        self.kept.append((client, replies, *map(replies.get_element, range(replies.get_n_elements()))))
        verdict = self.verdicts.pop(0) if self.verdicts else True
        if callable(verdict):
            verdict = verdict(client, replies)
        if isinstance(verdict, Exception):
            raise verdict
        return verdict


Tornadis.Plugin.register('python-choosing', Choosing.__gtype__)


async def test_schemes(server):
    for kind in Tornadis.Client, Tornadis.PubSubClient:
        client = kind.new_for_uri('valkeys-python-choosing://joe:s%40@[::1]:7,h2/x?level=3&client-name=a&db=4')
        plugin = client.get_plugins().get_item(0)
        equal((type(plugin), plugin.uri, plugin.level), (Choosing, 'valkeys-python-choosing://[::1]:7,h2/x', 3))
        props = client.props
        equal((props.username, props.password, props.client_name, props.db, props.tls), ('joe', 's@', 'a', 4, True))
        for uri, code in (('redis-python-choosing://h?level=x', Tornadis.Error.PLUGIN),
                          ('redis-python-choosing://h?uri=x', Tornadis.Error.PLUGIN),
                          ('redis-python-choosing://h?nothing=x', Tornadis.Error.USAGE),
                          ('redis-no-such://h', Tornadis.Error.PLUGIN), ('redis-log://h', Tornadis.Error.USAGE),
                          ('redis-python-choosing://h,,g', Tornadis.Error.USAGE), ('valkey:h', Tornadis.Error.USAGE)):
            equal(raises(Tornadis.ClientError, kind.new_for_uri, uri).code, code)

    for uri in (f'redis-python-choosing://127.0.0.1:{server.get_port()}/there', f'valkey://127.0.0.1:{server.get_port()}',
                f'VALKEY-python-choosing://127.0.0.1:{server.get_port()}/there', f'valkey+unix://{server.get_socket_path()}'):
        client = Tornadis.Client.new_for_uri(uri)
        equal(await client.call('PING'), b'PONG')
        equal(await Tornadis.ClientPool(template=client).call('PING'), b'PONG')
    equal(Tornadis.Client.new_for_uri('valkeys://h').props.tls, True)


async def test_setup_done(server):
    """Each sees the replies to its own commands, errors too, and may keep them."""
    client = make_client(server)
    plugin, silent, other = Choosing([('ECHO', 'one'), ('NOTHING',), ('GET', 'none')]), Choosing(), Choosing([('ECHO', 'two')])
    for each in plugin, silent, other:
        client.add_plugin(each)
    equal(await client.call('PING'), b'PONG')
    (of, replies, one, error, none), = plugin.kept
    equal((of, one.get_text(), error.unpack().prefix, none.unpack()), (client, 'one', 'ERR', None))
    equal((replies.unpack()[0], replies.unpack()[1].prefix, replies.unpack()[2]), (b'one', 'ERR', None))
    equal([kept[1].unpack() for kept in silent.kept + other.kept], [[], [b'two']])
    client.close()
    equal(await client.call('PING'), b'PONG')
    equal([len(each.kept) for each in (plugin, silent, other)], [2, 2, 2])


async def test_setup_refused(server):
    client = make_client(server)
    plugin, inner = Choosing([('ECHO', 'one')]), Choosing()
    client.add_plugin(plugin)
    client.add_plugin(inner)
    refusals = [
        (GLib.Error.new_literal(Tornadis.error_quark(), 'a replica', Tornadis.Error.AUTHENTICATION), Tornadis.Error.AUTHENTICATION),
        (Tornadis.ConnectionError('a replica', code=int(Tornadis.Error.PROTOCOL)), Tornadis.Error.PROTOCOL),
        (Tornadis.ConnectionError('a replica'), Tornadis.Error.CONNECT),
        (GLib.Error('a replica', 'tornadis-test', 3), Tornadis.Error.CONNECT)]
    for refusal, code in refusals:
        plugin.verdicts = [refusal]
        error = await raises_async(Tornadis.ConnectionError, client.call('PING'))
        equal((error.code, error.message.split(': ')[-1], client.is_connected()), (code, 'a replica', False))

    # Another exception is printed; it says no more than false does.
    with printed_exceptions() as raised:
        for verdict in ValueError('from a hook'), False, None:
            plugin.verdicts = [verdict]
            error = await raises_async(Tornadis.ClientError, client.connect_client())
            equal((error.code, 'refused' in error.message), (Tornadis.Error.PLUGIN, True))
    equal((raised, inner.kept), (['from a hook'], []))

    equal(await client.call('PING'), b'PONG')
    equal([(replies.unpack(), one.get_text()) for _, replies, one in plugin.kept], [([b'one'], 'one')] * 8)
    equal(len(inner.kept), 1)


async def test_reconnect_client(server):
    """What was written is lost, and what was not goes to the other server."""
    peer = TornadisHarness.Peer.new('handshake\nexpect PING\nsend "+PONG\\r\\n"\nexpect ECHO\nwait\n')
    client = Tornadis.Client(host='127.0.0.1', port=peer.get_port())
    plugin = Choosing()
    client.add_plugin(plugin)
    lost = []
    client.connect('disconnected', lambda client, error: lost.append((error.code, error.message)))
    equal(await client.call('PING'), b'PONG')
    written = client.call('ECHO', 'written')
    await wait_until(lambda: 'ECHO' in peer.get_received())
    waiting = client.call('ECHO', 'waiting')
    client.props.port = server.get_port()
    wrong = GLib.Error.new_literal(Tornadis.error_quark(), 'another is the master', Tornadis.Error.PROTOCOL)
    Choosing().reconnect_client(client, wrong)
    equal(client.is_connected(), True)
    plugin.reconnect_client(client, wrong)
    equal(client.is_connected(), False)
    error = await raises_async(Tornadis.ConnectionError, written)
    equal((error.code, 'another is the master' in error.message), (Tornadis.Error.LOST, True))
    equal(await waiting, b'waiting')
    equal(lost, [(Tornadis.Error.LOST, 'another is the master')])
    equal((peer.get_failure(), peer.get_received().count('ECHO')), (None, 1))


async def test_reconnect_in_setup_done(server):
    """The caller learns nothing of the servers that are not the right one."""
    for verdict in False, True:
        peer = TornadisHarness.Peer.new('handshake\nexpect ROLE\nsend "*1\\r\\n$5\\r\\nslave\\r\\n"\nwait\n')
        client = Tornadis.Client(host='127.0.0.1', port=peer.get_port())
        plugin = Choosing([('ROLE',)])

        def move(client, replies):
            equal(replies.get_element(0).unpack(), [b'slave'])
            client.props.port = server.get_port()
            plugin.reconnect_client(client, GLib.Error.new_literal(Tornadis.error_quark(), 'a slave', Tornadis.Error.CONNECT))
            return verdict

        plugin.verdicts = [move]
        client.add_plugin(plugin)
        equal(await client.call('INCR', 'n'), 1 + verdict)
        equal([replies.unpack()[0][0] for _, replies, _ in plugin.kept], [b'slave', b'master'])


class Keeping(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestKeeping'

    def __init__(self):
        super().__init__()
        self.done = []
        self.kept = None

    def do_call(self, call):
        self.kept = call
        return True

    def do_call_done(self, call):
        self.done.append(call.dup_error().code)
        self.kept = None


async def test_keeping(server):
    """A call that is kept for ever ends with its timeout, and with the client that is closed."""
    client = make_client(server)
    plugin = Keeping()
    client.add_plugin(plugin)
    client.props.call_timeout_msec = 30
    await raises_async(Tornadis.ConnectionError, client.call('PING'))
    client.props.call_timeout_msec = 0
    call = client.call('PING')
    GLib.idle_add(client.close)
    await raises_async(Tornadis.ConnectionError, call)
    equal(plugin.done, [Tornadis.Error.TIMEOUT, Tornadis.Error.CLOSED])


async def test_explaining(server):
    """The error that a plugin gives a call that is over is the outcome, whatever made an end of it."""
    def explain(call):
        error = call.dup_error()
        if error is not None and error.code in (Gio.IOErrorEnum.CANCELLED, Tornadis.Error.TIMEOUT):
            call.return_error(GLib.Error.new_literal(Tornadis.error_quark(), 'explained', Tornadis.Error.BUSY))

    client = make_client(server)
    client.add_plugin(Acting(done=explain))
    pool = Tornadis.ClientPool(template=client)
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('BLPOP', 'none', 0)
    for owner in client, pool:
        for args in ('BLPOP', 'none', 0), (pipeline,):
            equal((await raises_async(Tornadis.ClientError, owner.call(*args, timeout=.02))).message, 'explained')
            cancellable = Gio.Cancellable()
            call = owner.call(*args, cancellable=cancellable)
            await wait_until(lambda: count_blocked(server) == 1)
            cancellable.cancel()
            equal((await raises_async(Tornadis.ClientError, call)).message, 'explained')


async def test_cancelled_and_closed(server):
    """What is cancelled first is cancelled, though the main loop has not come to it."""
    client = make_client(server)
    for _ in range(2):
        cancellable = Gio.Cancellable()
        call = client.call('BLPOP', 'none', 0, cancellable=cancellable)
        cancellable.cancel()
        client.close()
        error = await raises_async(GLib.Error, call)
        equal(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), True)
        client.add_plugin(Acting())


async def test_twice(server):
    """What is answered cannot be answered again; that is a warning."""
    calls = []

    def answer_twice(call):
        calls.append(call)
        call.return_reply(Tornadis.Reply.new_from_resp(GLib.Bytes.new(b'+once\r\n')))
        call.proceed()
        return True

    client = make_client(server)
    client.add_plugin(Acting(call=answer_twice))
    for what in '*proceed with PING*answered already*', '*retry PING outside*':
        GLib.test_expect_message('Tornadis', GLib.LogLevelFlags.LEVEL_WARNING, what)
    equal(await client.call('PING'), b'once')
    calls[0].retry(0)
    GLib.test_assert_expected_messages_internal('Tornadis', __file__, 0, 'test_twice')


async def test_changing_the_chain(server):
    """Plugins that come and go while a call is under way."""
    client = make_client(server)
    log = []

    def call(name, use):
        def hook(call):
            log.append(name)
            use()
            return False
        return hook

    added = Acting(call=call('added', lambda: None))
    first = Acting(call=call('first', lambda: client.remove_plugin(first)))
    second = Acting(call=call('second', lambda: client.add_plugin(added)), done=lambda call: client.remove_plugin(second))
    client.add_plugin(first)
    client.add_plugin(second)
    equal(await client.call('ECHO', 'x'), b'x')
    equal(log, ['first', 'second'])
    equal(await client.call('ECHO', 'y'), b'y')
    equal(log, ['first', 'second', 'added'])


async def test_calling_in_hooks(server):
    """Calls of the client from within its hooks, in the ways that a program has."""
    client = make_client(server)
    ended = []

    def use(hook):
        def call_once(what):
            if hook not in (name for name, _ in ended):
                ended.append((hook, None))
                client.async_call('ECHO', hook, callback=lambda reply: ended.append((hook, reply)))
                client.submit(Tornadis.Command.new_strv(['ECHO', hook]),
                              lambda client, reply, error: ended.append((hook, reply.get_text())))
            return False
        return call_once

    client.add_plugin(Acting(**{hook: use(hook) for hook in ('call', 'done', 'setup', 'push')}))
    await client.call('CLIENT', 'TRACKING', 'ON')
    await client.call('GET', 'k')
    await client.call('SET', 'k', 1)
    await client.call('PING')
    while len(ended) < 12:
        await client.call('PING')
    equal({hook for hook, reply in ended if reply in (hook, hook.encode())}, {'call', 'done', 'setup', 'push'})


async def test_main_loop_in_hooks(server):
    """Hooks that run the main loop: the calls that end meanwhile are others."""
    client = make_client(server)

    def nest(call):
        for _ in range(20):
            GLib.MainContext.default().iteration(False)
        return False

    client.add_plugin(Acting(call=nest, done=nest))
    calls = [client.call('ECHO', str(number)) for number in range(20)]
    for number, call in enumerate(calls):
        equal(await call, str(number).encode())


class Refusing(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestRefusing'

    def do_attach(self, client):
        return False


async def test_refusing(server):
    client = make_client(server)
    error = raises(GLib.Error, client.add_plugin, Refusing())
    equal(error.matches(Tornadis.error_quark(), Tornadis.Error.PLUGIN), True)


class Forgetting(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestForgetting'

    def do_call(self, call):
        return True


async def test_forgetting(server):
    client = make_client(server)
    client.add_plugin(Forgetting())
    await raises_async(Tornadis.ClientError, client.call('PING'))


async def test_description(server):
    class Described(Tornadis.Plugin):
        pass

    class Below(Described):
        pass

    equal(Below().get_description(), None)
    Described.set_description('says what it does')
    equal([plugin().get_description() for plugin in (Described, Below)], ['says what it does'] * 2)
    equal(Tornadis.Plugin.new_by_name('cache').get_description(), 'answers reads from memory, which the server keeps up to date')


async def test_monitor(server):
    """What other clients ask is pushed to plugins."""
    lines = []

    class Listening(Tornadis.Plugin):
        def do_push(self, push):
            lines.append((push.get_kind(), push.get_text().split('] ')[1]))
            return True

    client, other = make_client(server), make_client(server)
    client.add_plugin(Listening())
    equal(await client.call('MONITOR'), b'OK')
    await other.call('SET', 'k', 'v')
    await wait_until(lambda: (Tornadis.ReplyKind.STATUS, '"SET" "k" "v"') in lines)


async def test_registry(server):
    equal(Tornadis.Plugin.register('python-recorder', Recorder.__gtype__), True)
    equal(Tornadis.Plugin.register('python-recorder', Recorder.__gtype__), False)
    names = Tornadis.Plugin.list_names()
    assert 'python-recorder' in names and 'log' in names, names
    client = make_client(server)
    plugin = client.add_plugin_by_name('python-recorder')
    equal(isinstance(plugin, Recorder), True)
    raises(GLib.Error, client.add_plugin_by_name, 'no-such-plugin')
    raises(GLib.Error, client.add_plugin_by_name, '../log')


async def test_key_prefix(server):
    everything, client = make_client(server), make_client(server)
    await everything.call('FLUSHALL')
    plugin = client.add_plugin_by_name('key-prefix')
    plugin.props.prefix = 'app:'
    equal(plugin.props.prefix, 'app:')
    await client.call('SET', 'greeting', 'hello')
    equal(await client.call('KEYS', '*'), [b'greeting'])
    equal(await everything.call('KEYS', '*'), [b'app:greeting'])
    pipeline = Tornadis.Pipeline(atomic=True)
    pipeline.stack_call('RPUSH', 'list', 'a')
    pipeline.stack_call('BLPOP', 'list', 1)
    equal(await client.call(pipeline), [1, [b'list', b'a']])
    error = await raises_async(Tornadis.ClientError, client.call('EVAL', 'return 1', 'none'))
    equal(error.matches(Tornadis.error_quark(), Tornadis.Error.PLUGIN), True)
    pool = Tornadis.ClientPool(template=client)
    equal(await pool.call('GET', 'greeting'), b'hello')
    client.remove_plugin(plugin)
    equal(await client.call('GET', 'greeting'), None)


async def test_cache(server):
    client = make_client(server)
    other = make_client(server)
    problems = []
    cache = client.add_plugin_by_name('cache')
    cache.props.exclude_keys = ['session:*']
    cache.connect('notify::problem', lambda plugin, pspec: problems.append(plugin.props.problem))
    equal('MGET' in cache.props.commands, True)
    await client.call('SET', 'greeting', 'hello')
    while cache.props.connections == 0:
        await client.call('PING')

    for i in range(3):
        equal(await client.call('GET', 'greeting'), b'hello')
    equal((cache.props.misses, cache.props.hits, cache.props.entries), (1, 2, 1))

    await other.call('SET', 'greeting', 'good bye')
    while cache.props.entries > 0:
        await client.call('PING')
    equal(await client.call('GET', 'greeting'), b'good bye')
    cache.emit('clear')
    equal(cache.props.bytes, 0)
    equal(problems, [])


main(sys.modules[__name__])
