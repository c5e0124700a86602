# SPDX-License-Identifier: LGPL-2.1-or-later

"""Messages in Python: bench-messages.py {tornadis|redis-py} {handler|iterator|pattern} SOCKET COUNT CHANNELS SIZE

The text of each message is read. The last one has another length than those before it, which are counted then: none may be
missing, and none come twice."""

import sys

import bench_clock

NAME, WORKLOAD, PATH = sys.argv[1:4]
N, N_CHANNELS, SIZE = map(int, sys.argv[4:7])
CHANNELS = [f'bench:{i:012}' for i in range(N_CHANNELS)]
PATTERN = 'bench:*'


def report(began, n):
    if n != N:
        sys.exit(f'benchmark: {n} messages of {N}')
    bench_clock.report(began, N)


def run_redis_py():
    import asyncio
    import redis.asyncio

    async def main():
        # The texts are decoded by hiredis, which is faster than by hand.
        client = redis.asyncio.Redis(unix_socket_path=PATH, decode_responses=True)
        pubsub = client.pubsub()
        if WORKLOAD == 'pattern':
            await pubsub.psubscribe(PATTERN)
        else:
            await pubsub.subscribe(*CHANNELS)
        left, n, began = 1 if WORKLOAD == 'pattern' else N_CHANNELS, 0, None
        kind = 'pmessage' if WORKLOAD == 'pattern' else 'message'
        async for message in pubsub.listen():
            if message['type'] != kind:
                left -= 1
                if left == 0:
                    print('ready', flush=True)
            elif len(message['data']) != SIZE:
                break
            else:
                if n == 0:
                    began = bench_clock.get_clocks()
                n += 1
        report(began, n)
        await pubsub.close()
        await client.close()

    asyncio.run(main())


def run_tornadis():
    import gi
    gi.require_version('Tornadis', '1.0')
    from gi.repository import GLib, Tornadis

    pubsub = Tornadis.PubSubClient(unix_domain_socket=PATH)

    async def iterate():
        await pubsub.subscribe(*CHANNELS)
        print('ready', flush=True)
        n, began = 0, None
        async for message in pubsub.messages():
            if len(message.text) != SIZE:
                break
            if n == 0:
                began = bench_clock.get_clocks()
            n += 1
        report(began, n)

    def handle(names, subscribe):
        loop = GLib.MainLoop()
        n, began = 0, None

        def on_message(_pubsub, message):
            nonlocal n, began
            if len(message.text) != SIZE:
                loop.quit()
                return
            if n == 0:
                began = bench_clock.get_clocks()
            n += 1

        for name in names:
            pubsub.connect(name, on_message)
        Tornadis.run(subscribe)
        print('ready', flush=True)
        loop.run()
        report(began, n)

    if WORKLOAD == 'iterator':
        Tornadis.run(iterate())
    elif WORKLOAD == 'pattern':
        handle(['message'], pubsub.psubscribe(PATTERN))
    else:
        handle([f'message::{channel}' for channel in CHANNELS], pubsub.subscribe(*CHANNELS))


run_redis_py() if NAME == 'redis-py' else run_tornadis()
