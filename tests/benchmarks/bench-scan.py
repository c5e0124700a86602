# SPDX-License-Identifier: LGPL-2.1-or-later

"""A scan of all keys in Python: bench-scan.py {tornadis|unique|redis-py|redis-py-asyncio} SOCKET KEYS COUNT

With a COUNT of 0 none is given."""

import sys

import bench_clock

NAME, PATH = sys.argv[1:3]
N, COUNT = map(int, sys.argv[3:5])
DATABASE = 1


def report(began, n):
    if n < N:
        sys.exit(f'benchmark: {n} keys of {N}')
    bench_clock.report(began, n)


def run_redis_py():
    import redis

    client = redis.Redis(unix_socket_path=PATH, db=DATABASE)
    client.ping()
    began, n = bench_clock.get_clocks(), 0
    for _ in client.scan_iter(count=COUNT or None):
        n += 1
    report(began, n)


def run_redis_py_asyncio():
    import asyncio
    import redis.asyncio

    async def main():
        client = redis.asyncio.Redis(unix_socket_path=PATH, db=DATABASE)
        await client.ping()
        began, n = bench_clock.get_clocks(), 0
        async for _ in client.scan_iter(count=COUNT or None):
            n += 1
        report(began, n)
        await client.close()

    asyncio.run(main())


def run_tornadis():
    import gi
    gi.require_version('Tornadis', '1.0')
    from gi.repository import Tornadis

    if not hasattr(Tornadis, 'Scanner'):
        print('skip: there is no scanner')
        return

    async def main():
        client = Tornadis.Client(unix_domain_socket=PATH, db=DATABASE)
        await client.call('PING')
        began, n = bench_clock.get_clocks(), 0
        async for _ in Tornadis.Scanner(client, count=COUNT, unique=NAME == 'unique'):
            n += 1
        report(began, n)

    Tornadis.run(main())


{'redis-py': run_redis_py, 'redis-py-asyncio': run_redis_py_asyncio}.get(NAME, run_tornadis)()
