# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scanners: batches, loops over elements, once each, and ended early."""

import sys

from tap import equal, main, raises, raises_async

from gi.repository import Gio, GLib, Tornadis, TornadisHarness

N_KEYS = 3000
HASH, SET, SORTED_SET = Tornadis.ScannerKind.HASH, Tornadis.ScannerKind.SET, Tornadis.ScannerKind.SORTED_SET


def make_client(server, **options):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path(), **options)


def make_peer_client(script):
    peer = TornadisHarness.Peer.new('handshake\n' + script)
    return peer, Tornadis.Client(port=peer.get_port())


async def fill(client, make):
    pipeline = Tornadis.Pipeline()
    for i in range(N_KEYS):
        pipeline.stack_call(*make(i))
    await client.call(pipeline)


async def test_keys(server):
    client = make_client(server)
    equal([key async for key in Tornadis.Scanner(client)], [])
    await fill(client, lambda i: ('SET', f'key:{i}', 1))
    await client.call('SADD', 'set', 1)
    expected = {b'key:%d' % i for i in range(N_KEYS)}
    equal({key async for key in Tornadis.Scanner(client, pattern='key:*')}, expected)
    equal({key async for key in Tornadis.Scanner(client, pattern=b'key:*')}, expected)
    equal([key async for key in Tornadis.Scanner(client, key_type='set', count=7)], [b'set'])
    equal([key async for key in Tornadis.Scanner(client, key_type=b'set')], [b'set'])
    raises(TypeError, lambda: Tornadis.Scanner(client, pattern=1))
    keys = [key async for key in Tornadis.Scanner(client, unique=True)]
    equal(len(keys), N_KEYS + 1)
    equal({*keys}, expected | {b'set'})

    batches = []
    scanner = Tornadis.Scanner(client)
    while (batch := await scanner.next(timeout=60)) is not None:
        assert type(batch) is list and len(batch) > 0
        batches += batch
    equal({*batches}, expected | {b'set'})
    equal(await scanner.next(), None)
    equal([key async for key in scanner], [])

    pool = Tornadis.ClientPool(template=make_client(server, decode=True))
    equal({key async for key in Tornadis.Scanner(pool, pattern='key:*')}, {key.decode() for key in expected})
    pool.destroy()


async def test_elements(server):
    client = make_client(server, decode=True)
    await fill(client, lambda i: ('HSET', 'hash', f'f{i}', i))
    await fill(client, lambda i: ('SADD', b's\xff', i))
    await fill(client, lambda i: ('ZADD', 'zset', i / 2, f'm{i}'))
    equal({field: value async for field, value in Tornadis.Scanner(client, HASH, 'hash')},
          {f'f{i}': str(i) for i in range(N_KEYS)})
    equal({member async for member in Tornadis.Scanner(client, SET, b's\xff')}, {str(i) for i in range(N_KEYS)})
    equal({member: score async for member, score in Tornadis.Scanner(client, kind=SORTED_SET, key='zset')},
          {f'm{i}': i / 2 for i in range(N_KEYS)})
    await client.call('ZADD', 'few', 'inf', 'a', 2, 'b')
    few = Tornadis.Scanner.new_for_key(client, SORTED_SET, 'few')
    equal(await few.next(), [('b', 2.0), ('a', float('inf'))])
    equal(await few.next(), None)


async def test_left(server):
    """A loop that is left can be gone on with, and asks for nothing more."""
    client = make_client(server)
    await fill(client, lambda i: ('SET', f'key:{i}', 1))
    scanner = Tornadis.Scanner(client, count=1000, unique=True)
    seen = []
    for n in 1, 10, 2000, N_KEYS:
        async for key in scanner:
            seen.append(key)
            if len(seen) == n:
                break
        equal(len(seen), n)
        if n == 1:
            equal((await client.call('INFO', 'commandstats')).count(b'cmdstat_scan:calls=1,'), 1)
    equal(len({*seen}), N_KEYS)
    equal([key async for key in scanner], [])


async def test_cancel(server):
    """A batch that is cancelled is asked for again."""
    peer, client = make_peer_client(
        'expect SCAN\nwait\nsend "*2\\r\\n+7\\r\\n*1\\r\\n$1\\r\\na\\r\\n"\nserve\n'
        'answer SCAN 0 "*2\\r\\n+7\\r\\n*1\\r\\n$1\\r\\na\\r\\n"\n'
        'answer SCAN 7 "*2\\r\\n+0\\r\\n*1\\r\\n$1\\r\\nb\\r\\n"\n')
    scanner = Tornadis.Scanner(client)
    future = scanner.next()
    error = await raises_async(Tornadis.ClientError, scanner.next())
    equal(error.code, Tornadis.Error.USAGE)
    future.cancel()
    error = await raises_async(Tornadis.ConnectionError, scanner.next(timeout=0.001))
    equal((error.code, error.message), (Tornadis.Error.TIMEOUT, 'A batch took longer than 0.001 s'))
    cancellable = Gio.Cancellable()
    future = scanner.next(cancellable=cancellable)
    cancellable.cancel()
    error = await raises_async(GLib.Error, future)
    assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)
    peer.go()
    equal([key async for key in scanner], [b'a', b'b'])


async def test_close(server):
    client = make_client(server)
    await client.call('SET', 'key', 1)
    scanner = Tornadis.Scanner(client)
    future = scanner.next()
    scanner.close()
    equal((await raises_async(Tornadis.ConnectionError, future)).code, Tornadis.Error.CLOSED)
    equal((await raises_async(Tornadis.ConnectionError, scanner.next())).code, Tornadis.Error.CLOSED)
    scanner = Tornadis.Scanner(client)
    scanner.close()
    try:
        async for key in scanner:
            raise AssertionError(key)
    except Tornadis.ConnectionError as error:
        equal(error.code, Tornadis.Error.CLOSED)


async def test_errors(server):
    client = make_client(server)
    await client.call('SET', 'text', 1)
    error = await raises_async(Tornadis.ReplyError, Tornadis.Scanner(client, HASH, 'text').next())
    equal(error.prefix, 'WRONGTYPE')
    await raises_async(Tornadis.ClientError, Tornadis.Scanner(client, HASH).next())
    bound = Tornadis.Scanner(client, unique=True, max_unique_bytes=1)
    equal((await raises_async(Tornadis.ClientError, bound.next())).code, Tornadis.Error.BUSY)
    bound.set_max_unique_bytes(1000)
    equal(await bound.next(), [b'text'])
    equal(repr(bound), '<Tornadis.Scanner of keys>')
    equal(repr(Tornadis.Scanner(client, SORTED_SET, 'z')), '<Tornadis.Scanner of a sorted-set>')


async def test_as_in_c(server):
    client = make_client(server)
    await client.call('SADD', 'set', 1)
    scanner = Tornadis.Scanner.new(client)
    future = Tornadis.Future()
    scanner.next_async(None, lambda scanner, result: future.set_result(scanner.next_finish(result)))
    equal((await future).unpack(), [b'set'])
    equal(await scanner.next(), None)


def test_getters(server):
    scanner = Tornadis.Scanner(Tornadis.Client(), key_type='hash', count=100, unique=True, max_unique_bytes=1000)
    equal([scanner.get_key_type(), scanner.get_count(), scanner.get_unique(), scanner.get_max_unique_bytes()],
          ['hash', 100, True, 1000])


main(sys.modules[__name__])
