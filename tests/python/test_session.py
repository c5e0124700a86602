# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a server keeps for a connection, and what becomes of it when the connection is lost or handed on."""

import sys

from tap import count_blocked, equal, main, raises_async, wait_until

from gi.repository import Gio, Tornadis


def make_client(server, **options):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path(), **options)


async def cut(server, client):
    server.command(f'CLIENT KILL ID {client.props.connection_id}')
    await wait_until(lambda: not client.is_connected())


async def test_fault_02_pristine(server):
    pool = Tornadis.ClientPool(unix_domain_socket=server.get_socket_path(), max_size=1)
    for commands in ([('MULTI',), ('SELECT', 5), ('EXEC',)], [('CLIENT', 'SETNAME', 'billing')],
                     [('CLIENT', 'TRACKING', 'ON')], [('WATCH', 'k')]):
        async with pool.connected_client() as own:
            before = own.props.connection_id
            for command in commands:
                await own.call(*command)
        async with pool.connected_client() as own:
            assert own.props.connection_id != before, commands
            info = await own.call('CLIENT', 'INFO')
            assert b' db=0 ' in info and b' name= ' in info, info


async def test_fault_03_watch_lost(server):
    other = make_client(server)
    pool = Tornadis.ClientPool(unix_domain_socket=server.get_socket_path())
    transaction = Tornadis.Pipeline(atomic=True)
    transaction.stack_call('SET', 'stock', 0)
    for retry in (False, True):
        async with pool.connected_client() as own:
            if retry:
                own.add_plugin_by_name('retry')
            await other.call('SET', 'stock', 1)
            await own.call('WATCH', 'stock')
            await own.call('GET', 'stock')
            equal((own.props.in_transaction, own.is_in_transaction()), (True, True))
            await cut(server, own)
            await other.call('SET', 'stock', 100)
            error = await raises_async(Tornadis.ConnectionError, own.call(transaction))
            equal(error.matches(Tornadis.error_quark(), Tornadis.Error.LOST), True)
            equal(await other.call('GET', 'stock'), b'100')
            equal(own.props.in_transaction, False)
            await own.call('WATCH', 'stock')
            equal(await own.call(transaction), [b'OK'])


async def test_fault_03_multi_lost(server):
    client = make_client(server)
    await client.call('MULTI')
    await client.call('INCR', 'n')
    await cut(server, client)
    for command in (('INCR', 'n'), ('GET', 'n'), ('EXEC',)):
        await raises_async(Tornadis.ConnectionError, client.call(*command))
    equal(await client.call('INCR', 'n'), 1)


async def test_fault_03_begin_again(server):
    """The loop of the documentation, with the connection lost in the middle of it."""
    client = make_client(server)
    attempts = 0
    while True:
        attempts += 1
        try:
            await client.call('WATCH', 'n')
            n = int(await client.call('GET', 'n') or 0)
            if attempts == 1:
                await cut(server, client)
            transaction = Tornadis.Pipeline(atomic=True)
            transaction.stack_call('SET', 'n', n + 1)
            if await client.call(transaction) is not None:
                break
        except Tornadis.ConnectionError:
            pass
    equal((attempts, await client.call('GET', 'n')), (2, b'1'))


async def test_fault_10_protocol(server):
    client = make_client(server, max_reply_size=65536)
    await client.call('SET', 'large', b'x' * 100000)
    error = await raises_async(Tornadis.TornadisException, client.call('GET', 'large'))
    equal(error.matches(Tornadis.error_quark(), Tornadis.Error.PROTOCOL), True)


async def test_fault_17_given_up(server):
    client = make_client(server)
    cancellable = Gio.Cancellable()
    ended = []
    client.call_async(Tornadis.Command.new_strv(['BLPOP', 'list', '0']), cancellable, lambda *_: ended.append(1))
    await wait_until(lambda: count_blocked(server) == 1)
    cancellable.cancel()
    await wait_until(lambda: ended and count_blocked(server) == 0)
    equal(await client.call('RPUSH', 'list', 'x'), 1)
    equal(await client.call('LPOP', 'list'), b'x')


async def test_settled(server):
    client = make_client(server)
    await client.call('PING')
    await client.call('SELECT', 3)
    equal((client.props.session_settled, client.is_session_settled(), client.props.db), (True, True, 3))


main(sys.modules[__name__])
