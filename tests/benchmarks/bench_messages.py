# SPDX-License-Identifier: LGPL-2.1-or-later

"""Rows of messages: into handlers and iterators, of 32 bytes, of 1 KiB, and from 100 channels."""

import pathlib

from bench_report import Workload
from bench_tree import Ours

HERE = pathlib.Path(__file__).resolve().parent
# (suffix, what is said of it, bytes of a message, channels)
KINDS = (('', 'of 32 B', 32, 1), ('-1k', 'of 1 KiB', 1024, 1), ('-100ch', 'of 32 B from 100 channels', 32, 100))
# Seconds after which a receiver hangs: it has fewer than 4,000 messages a second, where its peers have 100,000 and more.
LONGEST_RUN = 60


class Messages:
    """The publisher is redis-benchmark -c 1 -P 1000, for our receivers and the peers' alike, and is never what is measured:
    a receiver is stopped (SIGSTOP) from when it has subscribed until everything is published and waits at the server. What is
    left is Redis writing its buffer: a program that reads and throws away had 17 M messages/s of 32 B (2.7 M of 1 KiB, 13 M
    from 100 channels), where redis-benchmark published 0.8 M (0.4 M, 1.0 M) meanwhile: fewer than some of these take.
    Beside a receiver that is running it would also be a third program on two processors."""

    def __init__(self, bench):
        self.bench = bench
        programs = bench.programs
        self.c = [programs / 'bench-messages-tornadis']
        self.hiredis = [programs / 'bench-messages-hiredis']
        self.python = ['/usr/bin/python3', '-B', HERE / 'bench-messages.py', 'tornadis']
        self.redis_py = [*self.python[:-1], 'redis-py']
        self.gjs = ['gjs', '-m', HERE / 'bench-messages-gjs.js']
        self.ioredis = ['node', HERE / 'bench-messages.mjs']

    def receive(self, command, workload, n, size, n_channels, last_channel=None):
        server = self.bench.server
        last = {'last_channel': last_channel} if last_channel else {}

        def measure(tree):
            return self.bench.run(tree, [*command, workload, server.path, n, n_channels, size],
                                  lambda: server.publish_beforehand(n, size, n_channels, **last),
                                  held=True, longest=LONGEST_RUN)
        return Ours(measure) if command in (self.c, self.python, self.gjs) else measure

    def receive_from_memory(self, command, n, size, n_channels):
        """What stands for a server sends the same bytes again and again, and makes none."""
        stream = self.bench.stream
        channels = [f'bench:{i:012}' for i in range(n_channels)]

        def measure(tree):
            stream.serve(channels, size)
            return self.bench.run(tree, [*command, 'handler', stream.path, n, n_channels, size], lambda: stream.publish(n),
                                  longest=LONGEST_RUN)
        return Ours(measure) if command is self.c else measure

    def row(self, name, title, ours, peer, n, kind, target):
        """Ours and the peer: (driver, command, workload)."""
        suffix, of_size, size, n_channels = kind
        return Workload(f'messages-{name}{suffix}', f'messages {of_size} {title}', 'messages/s', {
            driver: self.receive(command, workload, n, size, n_channels) for driver, command, workload in (ours, peer)
        }, [(ours[0], peer[0], target)])

    def workloads(self):
        count = self.bench.count
        scripts = count(200_000, 50_000) // 1000 * 1000
        listen = ('redis-py listen()', self.redis_py, 'handler')
        on_message = ("ioredis on('message')", self.ioredis, 'handler')
        hiredis = ('hiredis async + GLib adapter', self.hiredis, 'handler')
        for kind in KINDS:
            suffix, of_size, size, n_channels = kind
            # The server keeps all of them. An engine is to have compiled what it runs, before most of them.
            programs = count(250_000 if size > 32 else 1_000_000, 50_000) // 1000 * 1000
            compiled = count(250_000 if size > 32 else 500_000, 50_000) // 1000 * 1000
            yield self.row('c-handler', 'into a handler', ('tornadis-glib', self.c, 'handler'), hiredis, programs, kind, 1.0)
            yield self.row('c-detail', 'into the handlers of a channel each', ('tornadis-glib', self.c, 'detail'), hiredis,
                           programs, kind, None)
            yield self.row('c-pattern', "into a pattern's handler", ('tornadis-glib', self.c, 'pattern'),
                           ('hiredis async + GLib adapter', self.hiredis, 'pattern'), programs, kind, None)
            yield Workload(f'messages-c-memory{suffix}', f'messages {of_size} into a handler, from memory', 'messages/s', {
                'tornadis-glib': self.receive_from_memory(self.c, 2 * programs, size, n_channels),
                hiredis[0]: self.receive_from_memory(self.hiredis, 2 * programs, size, n_channels),
            }, [('tornadis-glib', hiredis[0], 1.1)])
            yield self.row('python-handler', 'into a handler, Python',
                           ('tornadis-glib message::channel', self.python, 'handler'), listen, scripts, kind, 3)
            yield self.row('python-iterator', 'out of an iterator, Python', ('tornadis-glib async for', self.python, 'iterator'),
                           listen, scripts, kind, 2.5)
            yield self.row('python-pattern', "into a pattern's handler, Python",
                           ('tornadis-glib message', self.python, 'pattern'),
                           ('redis-py psubscribe, listen()', self.redis_py, 'pattern'), scripts, kind, 3)
            yield self.row('gjs-handler', 'into a handler, JavaScript',
                           ('tornadis-glib message::channel', self.gjs, 'handler'), on_message, compiled, kind, 1.2)
            yield self.row('gjs-iterator', 'out of an iterator, JavaScript', ('tornadis-glib for await', self.gjs, 'iterator'),
                           on_message, scripts, kind, 0.2)
            yield self.row('gjs-batches', 'out of an iterator of batches, JavaScript',
                           ('tornadis-glib for await, batches', self.gjs, 'batches'), on_message, compiled, kind, 1.0)
            yield self.row('gjs-pattern', "into a pattern's handler, JavaScript",
                           ('tornadis-glib message', self.gjs, 'pattern'),
                           ("ioredis on('pmessage')", self.ioredis, 'pattern'), compiled, kind, 1.2)

    def live(self, command, workload, n):
        """Published while it is received, by the server itself: no more than it makes."""
        measure = lambda tree: self.bench.run(tree, [*command, workload, self.bench.server.path, n, 1, 32],
                                              lambda: self.bench.server.publish(n))
        return Ours(measure) if command is self.c else measure

    def queued(self, n):
        return self.receive(self.c, 'queued-messages', n, 32, 1, 'bench-last')
