# SPDX-License-Identifier: LGPL-2.1-or-later

"""What bench-loop.c measures, on asyncio with redis-py: bench-loop.py redis-py WORKLOAD SOCKET [OPTION=NUMBER…]
`busy` on the GLib main loop with this library too: bench-loop.py tornadis busy SOCKET …"""

import json
import os
import pathlib
import sys
import time

NAME, WORKLOAD, PATH = sys.argv[1:4]
OPTIONS = dict(option.split('=') for option in sys.argv[4:])
KEY, LARGE_KEY, CHANNEL = 'bench:32', 'bench:100k', 'bench:channel'
OPEN_AT_ONCE = 100
TICK = 0.016
FRAME = 1 / 60


def number(name):
    return int(OPTIONS.get(name, 0))


SECONDS = float(OPTIONS.get('seconds', 0))
# Clients that are connected and silent, until the program ends.
kept = []


def work(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def run_delay():
    """Seconds that this thread was ready and had no processor, where the kernel tells."""
    try:
        return int(pathlib.Path('/proc/thread-self/schedstat').read_text().split()[1]) / 1e9
    except OSError:
        return 0


class Probe:
    """The longest from tick to tick of a timer, also in CPU time of this thread; or frames of 60 Hz that take so long."""

    def __init__(self, loop, draw):
        self.loop = loop
        self.draw = draw
        self.counting = False
        self.gap_wall = self.gap_cpu = self.latest = 0
        self.n_due = self.n_late = self.n_own = 0
        self.wall, self.cpu, self.run_delay = time.perf_counter(), time.thread_time(), run_delay()
        loop.call_later(TICK, self.tick)
        if draw:
            self.due = loop.time() + FRAME
            loop.call_at(self.due, self.frame)

    def count(self):
        wall, cpu = time.perf_counter(), time.thread_time()
        if self.counting:
            self.gap_wall, self.gap_cpu = max(self.gap_wall, wall - self.wall), max(self.gap_cpu, cpu - self.cpu)
        self.wall, self.cpu = wall, cpu

    def tick(self):
        self.count()
        self.loop.call_later(TICK, self.tick)

    def frame(self):
        start = self.loop.time()
        missed = int(max(0, start - self.due) / FRAME)
        work(self.draw)
        end, delay = self.loop.time(), run_delay()
        if self.counting:
            self.n_due += missed + 1
            self.n_late += missed + (end > self.due + (missed + 1) * FRAME)
            self.n_own += int(max(0, end - (delay - self.run_delay) - self.due) / FRAME)
            self.latest = max(self.latest, start - self.due)
        self.run_delay = delay
        self.due += (int(max(0, end - self.due) / FRAME) + 1) * FRAME
        self.loop.call_at(self.due, self.frame)

    def report(self):
        self.count()
        # Those that were due and never came are late too.
        if self.draw and (missed := int(max(0, self.loop.time() - self.due) / FRAME)):
            self.n_due, self.n_late, self.n_own = self.n_due + missed, self.n_late + missed, self.n_own + missed
            self.latest = max(self.latest, self.loop.time() - self.due)
        return {'gap_cpu_ms': self.gap_cpu * 1e3, 'gap_wall_ms': self.gap_wall * 1e3, 'frames': self.n_due,
                'late': self.n_late, 'own_late': self.n_own, 'latest_ms': self.latest * 1e3}


def run_redis_py():
    import asyncio
    import redis.asyncio

    def check(value, length=32):
        if len(value) != length:
            raise ValueError('not the value')

    async def measure(client, in_flight, seconds):
        """Calls a second, and microseconds of CPU for each. With a pool of its own, as it comes: one connection serves
        one call at a time."""
        start, cpu = time.perf_counter(), time.process_time()
        n = 0

        async def worker():
            nonlocal n
            while time.perf_counter() < start + seconds:
                check(await client.get(KEY))
                n += 1

        await asyncio.gather(*(worker() for _ in range(in_flight)))
        return n / (time.perf_counter() - start), (time.process_time() - cpu) * 1e6 / n

    async def open_idle():
        client = redis.asyncio.Redis(unix_socket_path=PATH, single_connection_client=True)
        await client.ping()
        return client

    async def idle():
        client = redis.asyncio.Redis(unix_socket_path=PATH)
        kept.append(client)
        figures = {'1': {}, '100': {}, '1 cpu': {}, '100 cpu': {}}
        for level in OPTIONS['levels'].split(','):
            while (left := int(level) + 1 - len(kept)) > 0:
                kept.extend(await asyncio.gather(*(open_idle() for _ in range(min(OPEN_AT_ONCE, left)))))
            for in_flight in ('1', '100'):
                await measure(client, int(in_flight), SECONDS / 10)
                figures[in_flight][level], figures[f'{in_flight} cpu'][level] = await measure(client, int(in_flight), SECONDS)
            if (await client.info('clients'))['connected_clients'] <= int(level):
                raise ValueError('not all clients are connected')
        return figures

    async def flood():
        n_subscribers, n_each = number('subscribers'), number('messages')
        late = [0] * n_subscribers
        n_all = 0
        started = None
        client = redis.asyncio.Redis(unix_socket_path=PATH)
        kept.append(client)
        probe = Probe(asyncio.get_running_loop(), number('draw') / 1e3)

        async def listen(index, pubsub):
            nonlocal n_all, started
            n = n_stamped = 0
            async for message in pubsub.listen():
                data = message['data']
                if message['type'] != 'message':
                    continue
                check(data)
                if started is None:
                    probe.count()
                    probe.counting, started = True, time.perf_counter()
                n += 1
                n_all += 1
                if data.startswith(b't'):
                    late[index] += time.time() - int(data[1:17]) / 1e6
                    n_stamped += 1
                if n == n_each:
                    late[index] /= n_stamped
                    return

        pubsubs = [client.pubsub() for _ in range(n_subscribers)]
        for pubsub in pubsubs:
            await pubsub.subscribe(CHANNEL)
            await pubsub.get_message(timeout=10)
        listeners = [asyncio.ensure_future(listen(i, pubsub)) for i, pubsub in enumerate(pubsubs)]
        print('ready', flush=True)
        await asyncio.gather(*listeners)
        seconds = time.perf_counter() - started
        return {'rate': n_all / seconds, **probe.report(), 'first_ms': min(late) * 1e3, 'last_ms': max(late) * 1e3}

    async def busy():
        loop = asyncio.get_running_loop()
        client = redis.asyncio.Redis(unix_socket_path=PATH)
        kept.append(client)
        left, answered = number('calls'), 0
        await client.ping()

        def frame():
            work(number('frame') / 1e3)
            loop.call_soon(frame)

        def timer():
            work(number('timer') / 1e3)
            loop.call_later(0.001, timer)

        async def worker():
            nonlocal left, answered
            while left > 0:
                left -= 1
                check(await client.get(LARGE_KEY), 100_000)
                answered += 1

        loop.call_soon(frame if 'frame' in OPTIONS else timer)
        start = time.perf_counter()
        await asyncio.wait([asyncio.ensure_future(worker()) for _ in range(min(left, 100))], timeout=SECONDS)
        return {'rate': answered / (time.perf_counter() - start), 'answered': answered, 'of': number('calls')}

    return asyncio.run({'idle': idle, 'flood': flood, 'busy': busy}[WORKLOAD]())


def run_tornadis():
    import gi
    gi.require_version('Tornadis', '1.0')
    from gi.repository import GLib, Tornadis

    client = Tornadis.Client(unix_domain_socket=PATH)
    Tornadis.run(client.call('PING'))
    loop = GLib.MainLoop()
    n, answered = number('calls'), 0

    def busy():
        work((number('frame') or number('timer')) / 1e3)
        return GLib.SOURCE_CONTINUE

    async def call():
        nonlocal answered
        if len(await client.call('GET', LARGE_KEY)) != 100_000:
            raise ValueError('not the value')
        answered += 1
        if answered == n:
            loop.quit()

    if 'frame' in OPTIONS:
        GLib.idle_add(busy, priority=GLib.PRIORITY_HIGH_IDLE + 20)
    else:
        GLib.timeout_add(1, busy)
    GLib.timeout_add(int(SECONDS * 1e3), loop.quit, priority=GLib.PRIORITY_HIGH)
    start = time.perf_counter()
    tasks = [Tornadis.spawn(call()) for _ in range(n)]
    loop.run()
    seconds = time.perf_counter() - start
    return {'rate': answered / seconds, 'answered': answered, 'of': len(tasks)}


print(json.dumps(run_redis_py() if NAME == 'redis-py' else run_tornadis()), flush=True)
# Those that still wait are of no interest.
os._exit(0)
