# SPDX-License-Identifier: LGPL-2.1-or-later

"""A long list as a window shows it, in Python: bench-models.py {tornadis|redis-py} {fill|follow} SOCKET COUNT

fill looks at all rows, page by page, and follow makes changes of a row that is shown, each when the one before is there to be
shown. The peer reads a page with LRANGE, and again with the length when a notification comes."""

import sys

import bench_clock

NAME, WORKLOAD, PATH = sys.argv[1:4]
N = int(sys.argv[4])
LIST = 'bench:model'
PAGE = 50


def check(n):
    if n != N:
        sys.exit(f'benchmark: {n} rows of {N}')


def run_redis_py():
    import asyncio
    import redis.asyncio

    async def fill(client):
        n = 0
        for first in range(0, await client.llen(LIST), PAGE):
            n += sum(len(text) == 32 for text in await client.lrange(LIST, first, first + PAGE - 1))
        check(n)

    async def follow(client, writer, pubsub):
        for i in range(N):
            await writer.lset(LIST, 0, f'change {i}')
            rows = [None]
            while rows[0] != f'change {i}':
                message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=10)
                if message:
                    _, rows = await client.pipeline(transaction=False).llen(LIST).lrange(LIST, 0, PAGE - 1).execute()

    async def main():
        client, writer = (redis.asyncio.Redis(unix_socket_path=PATH, decode_responses=True) for _ in range(2))
        await client.ping()
        await writer.ping()
        pubsub = client.pubsub()
        await pubsub.subscribe(f'__keyspace@0__:{LIST}')
        began = bench_clock.get_clocks()
        await (fill(client) if WORKLOAD == 'fill' else follow(client, writer, pubsub))
        bench_clock.report(began, N)
        await pubsub.close()
        await client.close()
        await writer.close()

    asyncio.run(main())


def run_tornadis():
    import gi
    gi.require_version('Tornadis', '1.0')
    from gi.repository import Tornadis

    async def changed(*sources):
        """Waits for one of the signals: (object, signal)."""
        future = Tornadis.Future()
        handlers = [(source, source.connect(signal, lambda *_: future.done() or future.set_result(None)))
                    for source, signal in sources]
        await future
        for source, handler in handlers:
            source.disconnect(handler)

    async def fill(model):
        n = 0
        for first in range(0, len(model), PAGE):
            items = [model[i] for i in range(first, min(first + PAGE, len(model)))]
            for item in items:
                while item.props.loading:
                    await changed((item, 'notify::loading'))
                n += len(item.props.text) == 32
        check(n)

    async def follow(model, writer):
        shown = [model[i] for i in range(PAGE)]
        for i in range(N):
            await writer.call('LSET', LIST, 0, f'change {i}')
            while shown[0].props.text != f'change {i}':
                await changed((model, 'items-changed'), (shown[0], 'notify::text'))
                shown[0] = model[0]

    async def main():
        client, writer = (Tornadis.Client(unix_domain_socket=PATH) for _ in range(2))
        await client.call('PING')
        await writer.call('PING')
        model = Tornadis.ListModel(client, LIST)
        while not model.props.live:
            await changed((model, 'notify::live'))
        while not model.props.ready:
            await changed((model, 'notify::ready'))
        began = bench_clock.get_clocks()
        await (fill(model) if WORKLOAD == 'fill' else follow(model, writer))
        bench_clock.report(began, N)

    Tornadis.run(main())


run_redis_py() if NAME == 'redis-py' else run_tornadis()
