# SPDX-License-Identifier: LGPL-2.1-or-later

"""What is measured, how it is told, and what is kept of it."""

import os
import pathlib
import platform
import re
import statistics
import subprocess
from typing import NamedTuple

from bench_tree import compare, measure_rounds, short


class Ratio(NamedTuple):
    ours: str
    peer: str
    target: object      # or None: only told
    below: bool = False  # the target is what it is at most


class Workload(NamedTuple):
    name: str
    title: str
    unit: str
    drivers: dict       # {driver: measure}
    ratios: list
    key: str = 'rate'   # of the figures that a driver prints
    rounds: object = None  # where it is not as many as of the others


def describe_machine():
    cpu = re.search(r'model name\s*: (.*)', pathlib.Path('/proc/cpuinfo').read_text())
    version = subprocess.run(['redis-server', '--version'], capture_output=True, text=True).stdout
    return {'processor': cpu.group(1) if cpu else platform.machine(), 'processors': os.cpu_count(),
            'redis': re.search(r'v=(\S+)', version).group(1)}


class Report:
    """Measures, prints, and keeps what results.json gets."""

    def __init__(self, trees, rounds):
        self.trees = trees
        self.rounds = rounds
        self.results = {'machine': describe_machine(), 'rounds': rounds, 'workloads': {}, 'tables': {}, 'single': {}}
        self.missed = []

    def judge(self, text, value, target, below):
        """What is said of a figure and its target."""
        if value <= target if below else value >= target:
            return 'reached'
        self.missed.append(text)
        return 'MISSED'

    def workload(self, name, title, unit, drivers, ratios, key='rate', rounds=None):
        figures = measure_rounds(name, drivers, rounds or self.rounds, self.trees, self.missed)
        figures = {driver: of_trees for driver, of_trees in figures.items() if of_trees[0]}
        if not figures:
            return
        rates = {driver: [figure[key] for figure in of_trees[0]] for driver, of_trees in figures.items()}
        medians = {driver: statistics.median(values) for driver, values in rates.items()}
        others = {}
        for other in ('gb_per_second', 'cpu_usec') if key == 'rate' else ():
            values = {driver: statistics.median([figure[other] for figure in of_trees[0]])
                      for driver, of_trees in figures.items() if other in of_trees[0][0]}
            others |= {other: values} if values else {}
        entry = {'title': title, 'unit': unit, 'rates': rates, 'medians': medians, **others, 'ratios': []}
        self.results['workloads'][name] = entry

        print(f'\n{title}')
        for driver, median in medians.items():
            print(f'  {driver:32} {short(median):>9} {unit:12} ({short(min(rates[driver]))} to {short(max(rates[driver]))})'
                  + ''.join(f'  {others[other][driver]:.2f} {label}'
                            for other, label in (('gb_per_second', 'GB/s'), ('cpu_usec', 'us of CPU each'))
                            if driver in others.get(other, ())))
            if len(figures[driver]) > 1 and figures[driver][1]:
                self.tell_beside(entry, driver, *figures[driver], key)
        for ratio in ratios:
            self.tell_ratio(entry, Ratio(*ratio))

    def tell_beside(self, entry, driver, this, that, key):
        beside = {other: [figure[other] for figure in that] for other in (key, *(['cpu_usec'] if key == 'rate' else []))
                  if other in that[0]}
        entry.setdefault('beside', {})[driver] = beside
        print(f'    the build beside it            {short(statistics.median(beside[key])):>9} {entry["unit"]:12}'
              f' this one / that one: {compare(entry["rates"][driver], beside[key])}')
        if 'cpu_usec' in beside:
            cpu = [figure['cpu_usec'] for figure in this]
            print(f'{"CPU":>37} {statistics.median(beside["cpu_usec"]):6.2f} us each     '
                  f' this one / that one: {compare(cpu, beside["cpu_usec"])}')

    def tell_ratio(self, entry, wanted):
        ours, peer, target, below = wanted
        medians = entry['medians']
        if ours not in medians or peer not in medians:
            return
        ratio = medians[ours] / medians[peer]
        kept = {'ours': ours, 'peer': peer, 'ratio': round(ratio, 3), 'target': target, **({'below': True} if below else {})}
        entry['ratios'].append(kept)
        verdict = ''
        if target is not None:
            limit = f'{"at most " if below else ""}{target}'
            verdict = f'target {limit}: ' + self.judge(f'{entry["title"]}: {ratio:.2f} x {peer}, not {limit}', ratio, target, below)
        print(f'    {ours} / {peer}: {ratio:.2f}  {verdict}')

    def single(self, name, title, measure, limits):
        of_trees = measure_rounds(name, {'tornadis-glib': measure}, 1, self.trees, self.missed)['tornadis-glib']
        if not of_trees[0]:
            return
        figures = of_trees[0][0]
        beside = of_trees[1][0] if of_trees[1:] and of_trees[1] else {}
        self.results['single'][name] = {'title': title, **figures, **({'beside': beside} if beside else {})}
        print(f'\n{title}')
        for key, unit, target, below in limits:
            value = figures[key]
            verdict = self.judge(f'{title}: {value:,} {unit}, not {target:,}', value, target, below)
            print(f'    {value:,} {unit}  {"at most" if below else "at least"} {target:,}: {verdict}'
                  + (f'  ({beside[key]:,} of the build beside it)' if key in beside else ''))

    def table(self, table):
        figures = measure_rounds(table.name, table.drivers, table.rounds, self.trees, self.missed)
        self.results['tables'][table.name] = table.report(figures, self.judge)
