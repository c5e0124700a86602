# SPDX-License-Identifier: LGPL-2.1-or-later

"""Rows of entries of a stream: read, and shared by a group and acknowledged."""

import pathlib

from bench_report import Workload
from bench_tree import Ours

HERE = pathlib.Path(__file__).resolve().parent
STREAM = 'bench:stream'


class Streams:
    """The entries are there before they are read: who adds them is not measured."""

    def __init__(self, bench):
        self.bench = bench
        self.python = ['/usr/bin/python3', '-B', HERE / 'bench-streams.py', 'tornadis']
        self.redis_py = [*self.python[:-1], 'redis-py']
        self.gjs = ['gjs', '-m', HERE / 'bench-streams-gjs.js']
        self.ioredis = ['node', HERE / 'bench-streams.mjs']

    def read(self, command, workload, n):
        def measure(tree):
            server = self.bench.server
            server.call('DEL', STREAM)
            server.call('EVAL', "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], i .. '-0', 'value', ARGV[2]) end", '1', STREAM,
                        str(n), 'v' * 32)
            try:
                return self.bench.run(tree, [*command, workload, server.path, n])
            finally:
                server.call('DEL', STREAM)
        return Ours(measure) if command in (self.python, self.gjs) else measure

    def row(self, name, title, workload, n, ours, peer, target):
        """Ours and the peer: (driver, command)."""
        return Workload(f'streams-{name}', f'entries of a stream {title}', 'entries/s', {
            driver: self.read(command, workload, n) for driver, command in (ours, peer)
        }, [(ours[0], peer[0], target)])

    def workloads(self):
        n = self.bench.count(200_000, 20_000)
        each = self.bench.count(50_000, 10_000)
        python, redis_py = ('tornadis-glib', self.python), ('redis-py', self.redis_py)
        gjs, ioredis = ('tornadis-glib', self.gjs), ('ioredis', self.ioredis)
        yield self.row('python-group', 'of a group, each acknowledged when it is dealt with, Python', 'group', each, python,
                       redis_py, 4)
        yield self.row('python-batches', 'of a group in batches, acknowledged together, Python', 'group-batches', n, python,
                       redis_py, None)
        yield self.row('python-read', 'that are read, Python', 'read', n, python, redis_py, None)
        yield self.row('gjs-batches', 'of a group in batches, acknowledged together, JavaScript', 'group-batches', n, gjs, ioredis,
                       1.2)
        yield self.row('gjs-read', 'that are read in batches, JavaScript', 'read', n, gjs, ioredis, 1.2)
