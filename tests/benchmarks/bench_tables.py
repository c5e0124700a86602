# SPDX-License-Identifier: LGPL-2.1-or-later

"""A main loop that a library shares: what many connections cost it, and how it shares the loop with the program."""

import pathlib
import resource
import statistics
from typing import NamedTuple

from bench_tree import Ours, short

HERE = pathlib.Path(__file__).resolve().parent
# Milliseconds. Messages that come sooner than a frame later come at once.
FRAME = 16
# Replies a second. The socket holds two of 100 KB: one after each frame of 40 ms is the least, and two in 16 ms beside what
# gives the loop back sooner.
BUSY_TARGETS = {'frame': 24, 'timer': 120}


class Figure(NamedTuple):
    key: str
    title: str
    text: object = '{:.1f}'.format
    relative: bool = False  # to the first column; the targets are of the ratio
    below: bool = True      # the targets are what it is at most
    targets: dict = {}      # of this library, by column


class Table(NamedTuple):
    name: str
    title: str
    columns: dict  # {name: how it is told}
    figures: list
    drivers: dict  # each measures {figure: {column: value}}
    rounds: int

    def print_row(self, label, texts):
        print(f'  {label:34}' + ''.join(f'{text:>12}' for text in texts))

    def get_values(self, of_tree, figure):
        """The medians by column, and those of the ratios to the first column, each within its round."""
        first = next(iter(self.columns))
        values = {column: statistics.median(measured[figure.key][column] for measured in of_tree) for column in self.columns}
        ratios = {column: statistics.median(measured[figure.key][column] / measured[figure.key][first] for measured in of_tree)
                  for column in self.columns} if figure.relative else None
        return values, ratios

    def report(self, figures, judge):
        """Prints, and returns what is kept."""
        kept = {'title': self.title, 'columns': list(self.columns), 'figures': {}}
        print(f'\n{self.title}')
        for figure in self.figures:
            of_figure = kept['figures'][figure.key] = {'title': figure.title, 'medians': {}}
            self.print_row(figure.title, self.columns.values())
            for driver, of_trees in figures.items():
                for which, of_tree in enumerate(of_trees):
                    if not of_tree:
                        continue
                    label = driver if which == 0 else f'{driver}, beside'
                    values, ratios = self.get_values(of_tree, figure)
                    of_figure['medians'][label] = values
                    self.print_row(f'  {label}', map(figure.text, values.values()))
                    if ratios:
                        self.print_row('    of the first', map('{:.3f}'.format, ratios.values()))
                        of_figure.setdefault('ratios', {})[label] = ratios
                    if which == 0 and isinstance(self.drivers[driver], Ours):
                        self.judge_targets(figure, driver, ratios or values, judge)
        return kept

    def judge_targets(self, figure, driver, values, judge):
        verdicts = []
        for column, target in figure.targets.items():
            if column in values:
                text = f'{values[column]:.2f}'
                verdict = judge(f'{self.title}: {figure.title}, {driver}, {self.columns[column]}: {text}, not {target}',
                                values[column], target, figure.below)
                verdicts.append(f'{self.columns[column]}: {target} {verdict}')
        if verdicts:
            print(f'      {"at most" if figure.below else "at least"}, by column: {"; ".join(verdicts)}')


class Tables:
    def __init__(self, bench, quick, rounds):
        self.bench = bench
        self.quick = quick
        self.rounds = rounds or (1 if quick else 3)
        programs = bench.programs
        python = ['/usr/bin/python3', '-B', HERE / 'bench-loop.py']
        self.ours = [programs / 'bench-loop-tornadis']
        self.ours_python = [*python, 'tornadis']
        self.ours_gjs = ['gjs', '-m', HERE / 'bench-loop-gjs.js']
        self.hiredis = [programs / 'bench-loop-hiredis']
        self.redis_py = [*python, 'redis-py']
        self.ioredis = ['node', HERE / 'bench-loop.mjs']

    def run(self, tree, command, workload, options, publish=None):
        options = [f'{name}={value}' for name, value in options.items()]
        return self.bench.run(tree, [*command, workload, self.bench.server.path, *options], publish)

    def drivers(self, make, **others):
        """What `make` makes of the driver's command, and of how many times more it does than redis-py in a second."""
        return {
            'tornadis-glib': Ours(make(self.ours, 20)),
            **others,
            'hiredis async + GLib adapter': make(self.hiredis, 20),
            'redis-py asyncio': make(self.redis_py, 2),
            'ioredis': make(self.ioredis, 4),
        }

    def idle(self):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 500
        levels = [level for level in (0, 100, 1000, *([] if self.quick else [5000])) if level <= limit]
        options = {'seconds': 0.1 if self.quick else 0.25, 'levels': ','.join(map(str, levels))}

        def make(command, _speed):
            return lambda tree: self.run(tree, command, 'idle', options)

        targets = {'1000': 0.85, '5000': 0.7}
        return Table('idle-clients', 'GET 32 B beside clients of the same main loop that are connected and idle',
                     {str(level): f'{level:,}' for level in levels}, [
                         Figure('1', '1 in flight, calls/s', short, True, False, targets),
                         Figure('1 cpu', '1 in flight, us of CPU each', '{:.2f}'.format),
                         Figure('100', '100 in flight, calls/s', short, True, False, targets),
                         Figure('100 cpu', '100 in flight, us of CPU each', '{:.2f}'.format),
                     ], self.drivers(make), self.rounds)

    def measure_flood(self, tree, command, speed, n_subscribers, **options):
        """Rounds of messages to all subscribers, until each has all."""
        each = max(50, 1000 // n_subscribers)
        n = max(each, int(50_000 * speed * self.bench.scale) // n_subscribers // each * each)
        options = {'subscribers': n_subscribers, 'messages': n, **options}
        figures = self.run(tree, command, 'flood', options, lambda: self.bench.server.publish_rounds(n, each))
        figures['factor'] = max(figures['last_ms'], FRAME) / max(figures['first_ms'], FRAME)
        for key in ('late', 'own_late'):
            figures[f'{key}_percent'] = 100 * figures[key] / max(figures['frames'], 1)
        return figures

    def flood_table(self, name, title, subscribers, figures, **options):
        columns = {str(n): str(n) for n in subscribers}

        def make(command, speed):
            def measure(tree):
                measured = {column: self.measure_flood(tree, command, speed, int(column), **options) for column in columns}
                return {figure.key: {column: measured[column][figure.key] for column in columns} for figure in figures}
            return measure

        return Table(name, title, columns, figures, self.drivers(make), self.rounds)

    def flood(self):
        subscribers = (1, 10, 50, 200)
        return self.flood_table(
            'flood-subscribers', 'a timer of 16 ms at priority 120 while so many subscribers are flooded', subscribers, [
                Figure('gap_cpu_ms', 'longest gap, ms of CPU', targets={str(n): 20 for n in subscribers}),
                Figure('gap_wall_ms', 'longest gap, ms'),
                Figure('last_ms', 'the last is late, ms'),
                Figure('factor', 'the last is later, times', '{:.2f}'.format,
                       targets={str(n): 2 for n in subscribers}),
                Figure('rate', 'messages/s', short),
            ])

    def draw(self):
        subscribers = (1, 50)
        return self.flood_table(
            'flood-frames', 'frames of 60 Hz at priority 120, each of 8 ms, while so many subscribers are flooded', subscribers, [
                Figure('own_late_percent', '% of frames late, by itself', targets={str(n): 0 for n in subscribers}),
                Figure('late_percent', '% of frames late, in all'),
                Figure('latest_ms', 'the latest, ms'),
            ], draw=8)

    def busy(self):
        seconds = 1 if self.quick else 1.5
        columns = {'frame': 'frame', 'timer': 'timer'}
        options = {'frame': {'frame': 40, 'calls': 200}, 'timer': {'timer': 3, 'calls': 2000}}

        def make(command, _speed):
            def measure(tree):
                figures = {column: self.run(tree, command, 'busy', {'seconds': seconds, **options[column]})
                           for column in columns}
                return {'rate': {column: figures[column]['rate'] for column in columns},
                        'percent': {column: 100 * figures[column]['answered'] / figures[column]['of'] for column in columns}}
            return measure

        return Table('busy', f'replies of 100 KB: 200 beside frames of 40 ms, 2,000 beside a timer of 1 ms that works 3 ms; {seconds} s',
                     columns, [
                         Figure('rate', 'replies/s', short, False, False, BUSY_TARGETS),
                         Figure('percent', '% answered', '{:.0f}'.format),
                     ], self.drivers(make, **{'tornadis-glib Python': Ours(make(self.ours_python, 0)),
                                              'tornadis-glib JavaScript': Ours(make(self.ours_gjs, 0))}), self.rounds)

    def all(self):
        yield self.idle()
        yield self.flood()
        yield self.draw()
        yield self.busy()
