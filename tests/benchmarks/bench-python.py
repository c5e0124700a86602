# SPDX-License-Identifier: LGPL-2.1-or-later

"""The workloads in Python: bench-python.py {tornadis|async_call|gbulb|redis-py} WORKLOAD SOCKET COUNT IN-FLIGHT"""

import itertools
import json
import os
import sys

import bench_clock

NAME, WORKLOAD, PATH = sys.argv[1:4]
N, IN_FLIGHT = int(sys.argv[4]), int(sys.argv[5])
KEY = 'bench:32'
# Of a cluster: where it is, and keys on all of its nodes.
URI = os.environ.get('BENCH_URI')
KEYS = itertools.cycle((os.environ.get('BENCH_KEYS') or KEY).split(','))
LIST_KEY = 'bench:list'
LONG_LIST_KEY = 'bench:long-list'


def get_peak():
    """Of memory, since the program began. What getrusage() says is of the program before exec, too."""
    with open('/proc/self/status', encoding='ascii') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('VmHWM:')) * 1024 / 1e6


def check(value):
    if len(value) != 32:
        raise ValueError('not the value')


async def measure(call, batch, list_range, gather):
    check(await call())
    left = N

    async def worker():
        nonlocal left
        while left > 0:
            left -= 1
            check(await call())

    if WORKLOAD == 'long-range':
        if len(await list_range(LONG_LIST_KEY, -1)) != N:
            raise ValueError('not the list')
        print(json.dumps({'ops': N, 'peak_mb': round(get_peak(), 1)}))
        return

    began = bench_clock.get_clocks()
    if WORKLOAD == 'pipeline':
        for _ in range(N // 100):
            for value in await batch():
                check(value)
    elif WORKLOAD == 'range':
        for _ in range(N):
            if len(await list_range(LIST_KEY, 9_999)) != 10_000:
                raise ValueError('not the list')
    elif IN_FLIGHT == 1:
        await worker()
    else:
        await gather(worker() for _ in range(IN_FLIGHT))
    bench_clock.report(began, N)


def run_redis_py():
    import asyncio
    import redis.asyncio

    # With a pool of its own, as it comes: one connection serves one call at a time.
    client = redis.asyncio.RedisCluster.from_url(URI.split(',')[0].replace('-cluster', '')) if URI else \
        redis.asyncio.Redis(unix_socket_path=PATH)

    async def batch():
        pipeline = client.pipeline(transaction=False)
        for _ in range(100):
            pipeline.get(KEY)
        return await pipeline.execute()

    async def gather(workers):
        await asyncio.gather(*workers)

    async def main():
        await measure((lambda: client.get(next(KEYS))) if URI else (lambda: client.get(KEY)), batch, lambda key, last: client.lrange(key, 0, last), gather)
        await client.close()
        if not URI:
            await client.connection_pool.disconnect()

    asyncio.run(main())


def run_tornadis():
    import gi
    gi.require_version('Tornadis', '1.0')
    from gi.repository import GLib, Tornadis

    client = Tornadis.Client.new_for_uri(URI) if URI else Tornadis.Client(unix_domain_socket=PATH)

    async def gather(workers):
        if NAME == 'gbulb':
            import asyncio
            await asyncio.gather(*workers)
            return
        for worker in [Tornadis.spawn(worker) for worker in workers]:
            await worker

    async def batch():
        pipeline = Tornadis.Pipeline()
        for _ in range(100):
            pipeline.stack_call('GET', KEY)
        return await client.call(pipeline)

    def run_async_call():
        loop = GLib.MainLoop()
        sent = done = 0

        def submit():
            nonlocal sent
            sent += 1
            client.async_call('GET', KEY, callback=answered)

        def answered(value):
            nonlocal done
            check(value)
            if sent < N:
                submit()
            done += 1
            if done == N:
                loop.quit()

        Tornadis.run(client.call('PING'))
        began = bench_clock.get_clocks()
        for _ in range(IN_FLIGHT):
            submit()
        loop.run()
        bench_clock.report(began, N)

    if NAME == 'async_call':
        run_async_call()
        return
    workload = measure((lambda: client.call('GET', next(KEYS))) if URI else (lambda: client.call('GET', KEY)), batch, lambda key, last: client.call('LRANGE', key, 0, last),
                       gather)
    if NAME == 'gbulb':
        import asyncio
        import gbulb
        gbulb.install()
        asyncio.get_event_loop().run_until_complete(workload)
    else:
        Tornadis.run(workload)


run_redis_py() if NAME == 'redis-py' else run_tornadis()
