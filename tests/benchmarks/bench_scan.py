# SPDX-License-Identifier: LGPL-2.1-or-later

"""Rows of scans: all keys of a database, of which the server has many."""

import pathlib

from bench_report import Workload
from bench_tree import Ours

HERE = pathlib.Path(__file__).resolve().parent
# Seconds after which a scan hangs: peers make a call for every ten keys.
LONGEST_RUN = 300
FILL = """redis.call('SELECT', ARGV[1])
for i = 0, ARGV[2] - 1 do redis.call('SET', 'bench:key:' .. i, i) end
return redis.call('DBSIZE')"""
# The other workloads have the first for themselves.
DATABASE = 1


class Scans:
    """The server is busy for as long as the peers' programs are, or longer: with the COUNT that it has by itself, ten, which is
    what programs have that name none, most of it is going to and fro. Peers with a COUNT of 1,000 are told beside that."""

    def __init__(self, bench):
        self.bench = bench
        self.n_filled = 0

    def fill(self, n):
        if self.n_filled < n:
            self.bench.server.call('EVAL', FILL, '0', str(DATABASE), str(n))
            self.n_filled = n

    def scan(self, command, n, count=0):
        def measure(tree):
            self.fill(n)
            return self.bench.run(tree, [*command, self.bench.server.path, n, count], longest=LONGEST_RUN)
        return measure

    def workloads(self):
        n = self.bench.count(1_000_000, 100_000)
        python = ['/usr/bin/python3', '-B', HERE / 'bench-scan.py']
        gjs = ['gjs', '-m', HERE / 'bench-scan-gjs.js']
        node = ['node', HERE / 'bench-scan.mjs']
        yield Workload('scan-python', f'a scan of {n:,} keys, Python', 'keys/s', {
            'tornadis-glib async for': Ours(self.scan([*python, 'tornadis'], n)),
            'tornadis-glib async for, unique': Ours(self.scan([*python, 'unique'], n)),
            'redis-py scan_iter': self.scan([*python, 'redis-py'], n),
            'redis-py asyncio scan_iter': self.scan([*python, 'redis-py-asyncio'], n),
            'redis-py scan_iter, COUNT 1,000': self.scan([*python, 'redis-py'], n, 1000),
        }, [('tornadis-glib async for', 'redis-py scan_iter', 8),
            ('tornadis-glib async for', 'redis-py asyncio scan_iter', None),
            ('tornadis-glib async for', 'redis-py scan_iter, COUNT 1,000', None),
            ('tornadis-glib async for, unique', 'redis-py scan_iter', None)], rounds=3)
        yield Workload('scan-gjs', f'a scan of {n:,} keys, JavaScript', 'keys/s', {
            'tornadis-glib next()': Ours(self.scan([*gjs, 'batches'], n)),
            'tornadis-glib for await': Ours(self.scan([*gjs, 'elements'], n)),
            'ioredis scanStream': self.scan(node, n),
            'ioredis scanStream, COUNT 1,000': self.scan(node, n, 1000),
        }, [('tornadis-glib next()', 'ioredis scanStream', 1.5), ('tornadis-glib for await', 'ioredis scanStream', None),
            ('tornadis-glib next()', 'ioredis scanStream, COUNT 1,000', None)], rounds=3)
