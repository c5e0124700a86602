# SPDX-License-Identifier: LGPL-2.1-or-later

"""Rows of live models: a long list that is looked at from one end to the other, and one that is followed."""

import pathlib

from bench_report import Workload
from bench_tree import Ours

HERE = pathlib.Path(__file__).resolve().parent
LIST = 'bench:model'
N_ROWS = 100_000


class Models:
    """Peers have no such thing: their programs do by hand what a window needs, pages by LRANGE and notifications by pub/sub."""

    def __init__(self, bench):
        self.bench = bench

    def list(self, command, workload, n):
        def measure(tree):
            server = self.bench.server
            server.call('EVAL', "for i = 1, ARGV[1] do redis.call('RPUSH', KEYS[1], string.format('%032d', i)) end", '1', LIST,
                        str(N_ROWS))
            server.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA')
            try:
                return self.bench.run(tree, [*command, workload, server.path, n])
            finally:
                server.call('CONFIG', 'SET', 'notify-keyspace-events', '')
                server.call('DEL', LIST)
        return measure

    def row(self, language, title, workload, unit, n, ours, peer):
        """`peer` is (driver, command)."""
        return Workload(f'models-{language.lower()}-{workload}', f'a list of {N_ROWS:,} rows {title}, {language}', unit, {
            'tornadis-glib ListModel': Ours(self.list(ours, workload, n)),
            f'{peer[0]} by hand': self.list(peer[1], workload, n),
        }, [('tornadis-glib ListModel', f'{peer[0]} by hand', None)])

    def workloads(self):
        changes = self.bench.count(5_000, 500)
        python = ['/usr/bin/python3', '-B', HERE / 'bench-models.py']
        for language, ours, peer in (
                ('Python', [*python, 'tornadis'], ('redis-py', [*python, 'redis-py'])),
                ('JavaScript', ['gjs', '-m', HERE / 'bench-models-gjs.js'], ('ioredis', ['node', HERE / 'bench-models.mjs']))):
            yield self.row(language, 'that is looked at page by page', 'fill', 'rows/s', N_ROWS, ours, peer)
            yield self.row(language, 'of which 50 are shown and one changes, each change awaited', 'follow', 'changes/s', changes,
                           ours, peer)
