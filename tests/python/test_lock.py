# SPDX-License-Identifier: LGPL-2.1-or-later
"""Locks: acquired, waited for, in a block, lost, and given back when nobody takes them after all."""

import gc
import sys

from tap import equal, main, raises_async

from gi.repository import Gio, GLib, Tornadis


def make_client(server, **options):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path(), **options)


async def until_free(client):
    while await client.call('EXISTS', 'lock'):
        await Tornadis.sleep(0.01)


async def test_block(server):
    client = make_client(server)
    lock = Tornadis.Lock(client, 'lock', expiry_msec=20000, fencing_key='count')
    other = Tornadis.Lock(client, 'lock')
    equal([lock.props.held, lock.props.token, lock.props.fencing_number], [False, None, 0])
    assert repr(lock) == '<Tornadis.Lock lock, not held>', repr(lock)
    async with lock as same:
        assert same is lock and lock.is_held() and lock.props.held
        equal(await client.call('GET', 'lock'), lock.props.token.encode())
        equal(await other.try_acquire(), False)
        equal(lock.props.fencing_number, 1)
        assert repr(lock) == '<Tornadis.Lock lock, held>', repr(lock)
    equal(await client.call('EXISTS', 'lock'), 0)
    equal(await other.try_acquire(), True)
    assert await other.release() is other
    pool = Tornadis.ClientPool(template=client)
    async with Tornadis.Lock(pool, 'lock'):
        equal(await lock.try_acquire(), False)
    pool.destroy()


async def test_wait(server):
    client = make_client(server)
    lock, other = Tornadis.Lock(client, 'lock'), Tornadis.Lock(client, 'lock')
    assert await lock.acquire() is lock
    waiting = other.acquire()
    error = await raises_async(Tornadis.ConnectionError, Tornadis.Lock(client, 'lock').acquire(timeout=0.05))
    equal(error.code, Tornadis.Error.TIMEOUT)
    equal(error.message, 'Acquiring the lock took longer than 0.05 s')
    assert not waiting.done()
    await lock.release()
    await waiting
    assert other.is_held() and not lock.is_held()
    await other.release()


async def test_errors(server):
    client = make_client(server)
    lock = Tornadis.Lock(client, 'lock')
    await raises_async(Tornadis.ClientError, lock.release())
    await lock.acquire()
    await raises_async(Tornadis.ClientError, lock.acquire())
    await raises_async(Tornadis.ClientError, lock.try_acquire())
    await client.call('DEL', 'lock')
    error = await raises_async(Tornadis.ConnectionError, lock.release())
    equal(error.code, Tornadis.Error.LOST)


async def test_lost(server):
    client = make_client(server)
    lock = Tornadis.Lock(client, 'lock')

    async def use(error=None):
        async with lock:
            await client.call('SET', 'lock', 'another')
            if error:
                raise error

    equal((await raises_async(Tornadis.ConnectionError, use())).code, Tornadis.Error.LOST)
    await client.call('DEL', 'lock')
    # What the block raises is not hidden by that.
    await raises_async(KeyError, use(KeyError()))
    await client.call('DEL', 'lock')

    lock = Tornadis.Lock(client, 'lock', expiry_msec=3000)
    lost = Tornadis.Future()
    lock.connect('lost', lambda _, error: lost.set_result(error))
    await lock.acquire()
    await client.call('SET', 'lock', 'another')
    error = await lost
    assert error.matches(Tornadis.error_quark(), Tornadis.Error.LOST), error
    assert not lock.is_held()


async def test_cancelled(server):
    client = make_client(server)
    lock, other = Tornadis.Lock(client, 'lock'), Tornadis.Lock(client, 'lock')
    await lock.acquire()
    waiting = other.acquire()
    await client.call('PING')
    waiting.cancel()
    cancellable = Gio.Cancellable()
    waiting = other.acquire(cancellable=cancellable)
    await client.call('PING')
    cancellable.cancel()
    error = await raises_async(GLib.Error, waiting)
    assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), error
    await lock.release()
    await other.acquire()
    await other.release()


async def test_given_back(server):
    """What nobody has taken is not held."""
    client = make_client(server)
    for take in Tornadis.Lock.acquire, Tornadis.Lock.try_acquire:
        lock = Tornadis.Lock(client, 'lock', expiry_msec=3600000)
        future = take(lock)
        while not future.done():
            await Tornadis.sleep(0.01)
        assert lock.is_held()
        del future
        gc.collect()
        await until_free(client)
        assert not lock.is_held()


async def test_collected(server):
    client = make_client(server)
    lock = Tornadis.Lock(client, 'lock', expiry_msec=3600000)
    await lock.acquire()
    equal(await client.call('EXISTS', 'lock'), 1)
    del lock
    gc.collect()
    await until_free(client)


async def test_as_in_c(server):
    client = make_client(server)
    lock = Tornadis.Lock.new(client, 'lock')
    equal([lock.get_name(), lock.get_expiry_msec(), lock.get_fencing_key(), lock.get_fencing_number(), lock.get_token()],
          ['lock', 30000, None, 0, None])
    assert lock.get_caller() is client
    for begin, finish in ((lock.acquire_async, lock.acquire_finish), (lock.release_async, lock.release_finish),
                          (lock.try_acquire_async, lock.try_acquire_finish), (lock.release_async, lock.release_finish)):
        finished = Tornadis.Future()
        begin(None, lambda lock, result: finished.set_result(result))
        equal(finish(await finished), True)
    finished = Tornadis.Future()
    lock.release_async(None, lambda lock, result: finished.set_result(result))
    result = await finished
    try:
        lock.release_finish(result)
    except Tornadis.ClientError:
        return
    raise AssertionError('it is not held')


main(sys.modules[__name__])
