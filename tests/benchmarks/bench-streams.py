# SPDX-License-Identifier: LGPL-2.1-or-later

"""Entries of a stream in Python: bench-streams.py {tornadis|redis-py} {group|group-batches|read} SOCKET COUNT

Each entry has its field looked at; with a group each is acknowledged, and the last acknowledgement waited for: one by one when it
is dealt with, or those of a batch together. The peer reads as many at a time as come over at a time here."""

import sys

import bench_clock

NAME, WORKLOAD, PATH = sys.argv[1:4]
N = int(sys.argv[4])
STREAM = 'bench:stream'
AT_A_TIME = 256


def report(began, n):
    if n != N:
        sys.exit(f'benchmark: {n} entries of {N}')
    bench_clock.report(began, N)


def run_redis_py():
    import asyncio
    import redis.asyncio

    async def main():
        client = redis.asyncio.Redis(unix_socket_path=PATH, decode_responses=True)
        await client.ping()
        if WORKLOAD != 'read':
            await client.xgroup_create(STREAM, 'g', '0')
        n, began, last = 0, bench_clock.get_clocks(), '0'
        while n < N:
            if WORKLOAD != 'read':
                replies = await client.xreadgroup('g', 'c', {STREAM: '>'}, count=AT_A_TIME, block=5000)
            else:
                replies = await client.xread({STREAM: last}, count=AT_A_TIME, block=5000)
            (_, entries), = replies
            for id, fields in entries:
                n += len(fields['value']) == 32
                if WORKLOAD == 'group':
                    await client.xack(STREAM, 'g', id)
            last = id
            if WORKLOAD == 'group-batches':
                await client.xack(STREAM, 'g', *(id for id, _ in entries))
        report(began, n)
        await client.close()

    asyncio.run(main())


def run_tornadis():
    import gi
    gi.require_version('Tornadis', '1.0')
    from gi.repository import Tornadis

    async def main():
        client = Tornadis.Client(unix_domain_socket=PATH, decode=True)
        await client.call('PING')
        if WORKLOAD == 'read':
            reader = Tornadis.StreamReader(client, STREAM, '0')
        else:
            reader = Tornadis.StreamConsumer(client, STREAM, 'g', 'c')
        n, began = 0, bench_clock.get_clocks()
        if WORKLOAD == 'group-batches':
            async for batch in reader.batches():
                for entry in batch:
                    n += len(entry.fields['value']) == 32
                acknowledged = reader.ack(*batch)
                if n == N:
                    break
        else:
            async for entry in reader:
                n += len(entry.fields['value']) == 32
                if WORKLOAD == 'group':
                    acknowledged = reader.ack(entry)
                if n == N:
                    break
        if WORKLOAD != 'read':
            await acknowledged
        report(began, n)
        await reader.close()

    Tornadis.run(main())


run_redis_py() if NAME == 'redis-py' else run_tornadis()
