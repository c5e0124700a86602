# SPDX-License-Identifier: LGPL-2.1-or-later
"""Streams: entries in batches, acknowledged, given back, and what ends the waiting for them."""

import gc
import sys
import weakref

from tap import equal, main, raises_async

from gi.repository import Gio, GLib, Tornadis


def make_client(server, **options):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path(), **options)


async def fill(client, n):
    pipeline = Tornadis.Pipeline()
    for i in range(1, n + 1):
        pipeline.stack_call('XADD', 's', f'{i}-0', 'f', i, b'\xff', b'\0')
    await client.call(pipeline)


async def get_n_pending(client):
    return (await client.call('XPENDING', 's', 'g'))[0]


async def test_reader(server):
    for decode in False, True:
        client = make_client(server, decode=decode)
        await client.call('FLUSHALL')
        await fill(client, 600)
        reader = Tornadis.StreamReader(client, 's', '0')
        entry = await reader.next()
        assert isinstance(entry, Tornadis.StreamEntry)
        equal((entry.id, entry.stream, entry.delivery_count), ('1-0', 's', 1))
        equal(entry.fields, {'f': '1', b'\xff': '\0'} if decode else {b'f': b'1', b'\xff': b'\0'})
        equal(entry.pairs, [*entry.fields.items()])
        equal(repr(entry), "<Tornadis.StreamEntry 1-0 of 's', 2 fields>")
        equal(reader.last_id, '1-0')
        ids = [entry.id]
        async for entry in reader:
            ids.append(entry.id)
            equal(reader.last_id, entry.id)
            if len(ids) == 600:
                break
        equal(ids, [f'{i}-0' for i in range(1, 601)])
        waiting = reader.next()
        await client.call('XADD', 's', '601-0', 'f', 'new')
        equal((await waiting).id, '601-0')
        equal(repr(reader), "<Tornadis.StreamReader of 's'>")
        await reader.close()
        equal(repr(reader), "<Tornadis.StreamReader of 's', closed>")
        equal([entry async for entry in reader], [])
        equal((await raises_async(Tornadis.ConnectionError, reader.next())).code, Tornadis.Error.CLOSED)


async def test_entry_as_in_c(server):
    client = make_client(server)
    await fill(client, 2)
    reader = Tornadis.StreamReader(client, 's', start_id='0')
    future = Tornadis.Future()
    handler = reader.connect('entry', lambda reader, entry: future.done() or future.set_result(entry))
    reader.start()
    boxed = await future
    reader.disconnect(handler)
    batched = await Tornadis.StreamReader(client, 's', start_id='0').next()
    for entry in boxed, batched:
        equal((entry.get_id(), entry.get_stream(), entry.get_delivery_count(), entry.get_n_fields()), ('1-0', 's', 1, 2))
        equal((entry.id, entry.stream, entry.delivery_count, entry.fields), ('1-0', 's', 1, {b'f': b'1', b'\xff': b'\0'}))
        equal((entry.get_field_name(1).get_data(), entry.get_field_value(1).get_data()), (b'\xff', b'\0'))
        equal((entry.lookup('f').get_data(), entry.lookup('g'), entry.lookup_text('f'), entry.lookup_text('g')),
              (b'1', None, '1', None))
        equal(entry.get_reply().unpack(), [b'1-0', [b'f', b'1', b'\xff', b'\0']])
        equal(repr(entry), "<Tornadis.StreamEntry 1-0 of 's', 2 fields>")


async def test_timeout(server):
    client = make_client(server)
    reader = Tornadis.StreamReader(client, 's', '0')
    error = await raises_async(Tornadis.ConnectionError, reader.next(timeout=0.01))
    equal((error.code, str(error)), (Tornadis.Error.TIMEOUT, 'No entry of the stream came within 0.01 s'))
    cancellable = Gio.Cancellable()
    waiting = reader.next(cancellable=cancellable)
    cancellable.cancel()
    assert (await raises_async(GLib.Error, waiting)).matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)
    assert (await raises_async(GLib.Error, reader.next(cancellable=cancellable))).matches(
        Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)
    # Nothing is lost by that, nor by a future that is cancelled.
    waiting = reader.next()
    waiting.cancel()
    await client.call('XADD', 's', '1-0', 'f', 'x')
    equal((await reader.next(timeout=60)).id, '1-0')
    await reader.close(timeout=60)


async def test_batches(server):
    client = make_client(server)
    await fill(client, 600)
    reader = Tornadis.StreamReader(client, 's', '0')
    batches = []
    async for batch in reader.batches():
        batches.append(batch)
        equal(reader.last_id, batch[-1].id)
        if sum(map(len, batches)) == 600:
            break
    equal([entry.id for batch in batches for entry in batch], [f'{i}-0' for i in range(1, 601)])
    assert len(batches) < 20, len(batches)
    await reader.close()
    equal([batch async for batch in reader.batches()], [])


async def test_failed(server):
    client = make_client(server)
    await client.call('SET', 's', 'no stream')
    reader = Tornadis.StreamReader(client, 's', '0')
    equal((await raises_async(Tornadis.ReplyError, reader.next())).prefix, 'WRONGTYPE')
    await client.call('DEL', 's')
    await fill(client, 1)
    equal((await reader.next()).id, '1-0')


async def test_consumer(server):
    client = make_client(server)
    await fill(client, 600)
    for caller in client, Tornadis.ClientPool(template=client):
        await client.call('XGROUP', 'DESTROY', 's', 'g')
        await client.call('CONFIG', 'RESETSTAT')
        consumer = Tornadis.StreamConsumer(caller, 's', 'g', 'c', max_pending=300)
        assert isinstance(consumer, Tornadis.StreamReader)
        equal(repr(consumer), "<Tornadis.StreamConsumer 'c' of 'g' of 's'>")
        n = 0
        async for entry in consumer:
            n += 1
            equal(entry.id, f'{n}-0')
            done = consumer.ack(entry)
            if n == 600:
                break
        equal(await done, None)
        equal((consumer.get_n_pending(), await get_n_pending(client)), (0, 0))
        stats = (await client.call('INFO', 'commandstats')).decode()
        assert int(stats.split('cmdstat_xack:calls=')[1].split(',')[0]) < 20, stats
        await consumer.close()


async def test_release(server):
    client = make_client(server)
    await fill(client, 3)
    buried = Tornadis.Future()
    consumer = Tornadis.StreamConsumer(
        client, 's', 'g', 'c', claim_idle_msec=10, max_deliveries=2, dead_letter_stream='dead')
    consumer.connect('entry-buried', lambda consumer, entry: buried.set_result(entry.id))
    told = []
    async for entry in consumer:
        told.append((entry.id, entry.delivery_count))
        if entry.id == '2-0':
            consumer.release(entry)
        else:
            await consumer.ack(entry)
        if len(told) == 4:
            break
    equal(sorted(told), [('1-0', 1), ('2-0', 1), ('2-0', 2), ('3-0', 1)])
    waiting = consumer.next()
    equal(await buried, '2-0')
    waiting.cancel()
    (id, fields), = await client.call('XRANGE', 'dead', '-', '+')
    equal(fields[fields.index(b'dead-letter:id') + 1], b'2-0')
    await consumer.close()
    equal(await get_n_pending(client), 0)


async def test_close(server):
    """It waits for what was handed out, and not for what was only read ahead."""
    client = make_client(server)
    await fill(client, 10)
    consumer = Tornadis.StreamConsumer(client, 's', 'g', 'c')
    entry = await consumer.next()
    closing = consumer.close()
    await client.call('PING')
    assert not closing.done()
    error = await raises_async(Tornadis.ConnectionError, consumer.close(timeout=0))
    equal((error.code, str(error)), (Tornadis.Error.TIMEOUT, 'Closing the reader took longer than 0 s'))
    consumer.ack(entry)
    await closing
    equal(await get_n_pending(client), 9)
    # One that comes again gets them.
    again = Tornadis.StreamConsumer(client, 's', 'g', 'c')
    equal([(entry.id, entry.delivery_count) for entry in [await again.next() for _ in range(9)]],
          [(f'{i}-0', 2) for i in range(2, 11)])


def finish(begin, end, *args):
    """An asynchronous function of C, and its finish function."""
    future = Tornadis.Future()
    begin(*args, lambda source, result: future.set_result(result))
    return future, end


async def test_as_in_c(server):
    client = make_client(server)
    await fill(client, 3)
    reader = Tornadis.StreamReader(client, 's', '0', max_pending=5)
    equal((reader.get_caller(), reader.get_stream(), reader.get_start_id(), reader.get_max_pending(), reader.get_last_id()),
          (client, 's', '0', 5, None))
    reader.set_max_pending(6)
    equal((reader.get_max_pending(), reader.is_closed(), reader.take_entry()), (6, False, None))
    future, end = finish(reader.next_async, reader.next_finish, None)
    equal(end(await future).get_id(), '1-0')
    equal((reader.take_entry().get_id(), reader.get_last_id()), ('2-0', '2-0'))
    future, end = finish(reader.close_async, reader.close_finish, None)
    equal((end(await future), reader.is_closed()), (True, True))

    consumer = Tornadis.StreamConsumer.new(client, 's', 'g', 'c')
    consumer.set_claim_idle_msec(7)
    consumer.set_max_deliveries(8)
    consumer.set_dead_letter_stream('dead')
    equal((consumer.get_group(), consumer.get_consumer_name(), consumer.get_claim_idle_msec(), consumer.get_max_deliveries(),
           consumer.get_dead_letter_stream()), ('g', 'c', 7, 8, 'dead'))
    future, end = finish(consumer.next_async, consumer.next_finish, None)
    entry = end(await future)
    future, end = finish(consumer.ack_ids_async, consumer.ack_ids_finish, [entry.id], None)
    equal(end(await future), True)
    consumer.release_ids([consumer.take_entry().id])
    await consumer.close()
    equal(await get_n_pending(client), 2)


async def test_errors(server):
    client = make_client(server)
    await fill(client, 1)
    consumer = Tornadis.StreamConsumer(client, 's', 'g', 'c')
    entry = await consumer.next()
    await client.call('ACL', 'SETUSER', 'default', '-xack')
    equal((await raises_async(Tornadis.ReplyError, consumer.ack(entry))).prefix, 'NOPERM')
    await client.call('ACL', 'SETUSER', 'default', '+xack')
    await consumer.ack(entry)
    # Once more is nothing.
    await consumer.ack(entry)
    await consumer.close()


async def test_freed(server):
    """A reader that nobody has any more stops, and what waited for it is gone."""
    client = make_client(server)
    await fill(client, 1)
    reader = Tornadis.StreamReader(client, 's', '0')
    await reader.next()
    waiting = reader.next()
    waiting.cancel()
    await client.call('PING')
    gone = weakref.ref(reader)
    del reader, waiting
    while gone() is not None:
        await Tornadis.sleep(0.001)
        gc.collect()


main(sys.modules[__name__])
