# SPDX-License-Identifier: LGPL-2.1-or-later

"""The builds that are measured, and how: one after the other in each round."""

import json
import os
import statistics
import subprocess
import sys


class Tree:
    """A build of the library: this one, or another that is measured beside it by the same programs."""

    def __init__(self, build, node_modules):
        self.build = build.resolve()
        source = json.loads((build / 'meson-info/meson-info.json').read_text())['directories']['source']
        self.env = dict(os.environ,
                        PYTHONPATH=f'{source}/introspection/python',
                        GJS_PATH=f'{source}/introspection/gjs',
                        GI_TYPELIB_PATH=self.folders('introspection/**/*.typelib'),
                        LD_LIBRARY_PATH=self.folders('tornadis-glib/*.so', 'introspection/**/*.so'),
                        TORNADIS_PLUGIN_PATH=str(self.build / 'plugins'),
                        BENCH_NODE_MODULES=str(node_modules),
                        NODE_ENV='production')

    def folders(self, *patterns):
        return ':'.join(dict.fromkeys(str(path.parent) for pattern in patterns for path in sorted(self.build.glob(pattern))))


class Ours:
    """Measures this library, of the tree that it is given; what is not of this class measures a peer."""

    def __init__(self, measure):
        self.measure = measure

    def __call__(self, tree):
        return self.measure(tree)


class Skipped(Exception):
    """What the library of the tree does not have."""


class Hangs(RuntimeError):
    """Not tried again: each try takes as long."""


def measure_rounds(name, drivers, rounds, trees, failures):
    """{driver: [the figures of the first tree, those of the second]}, each a list with an entry a round.
    A B C A B C …; what is measured of two trees is so in turn, first the one first and then the other. `failures` gets a
    line for each figure of the first tree's library that is missing."""
    figures = {driver: [[] for _ in (trees if isinstance(measure, Ours) else trees[:1])] for driver, measure in drivers.items()}
    ours = {driver for driver, measure in drivers.items() if isinstance(measure, Ours)}
    given_up = set()
    for turn in range(rounds):
        for driver, measure in drivers.items():
            # A peer alone says nothing.
            if driver not in ours and all((one, trees[0]) in given_up for one in ours):
                continue
            of_trees = list(zip(trees, figures[driver]))
            for tree, of_tree in reversed(of_trees) if turn % 2 else of_trees:
                if (driver, tree) in given_up:
                    continue
                try:
                    of_tree.append(measure(tree))
                except Skipped as skipped:
                    given_up.add((driver, tree))
                    print(f'\n{name}: {driver}{"" if tree is trees[0] else ", beside"}: skipped, {skipped}')
                except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                    print(f'!!! {name}: {driver}: {error}', file=sys.stderr)
                    if isinstance(error, Hangs):
                        given_up.add((driver, tree))
                    if driver in ours and tree is trees[0]:
                        failures.append(f'{name}: {driver}, round {turn + 1} of {rounds}: {error}')
    return figures


def compare(ours, theirs):
    """The ratio of the medians, and of single rounds where there are as many."""
    ratio = statistics.median(ours) / statistics.median(theirs)
    if len(ours) != len(theirs) or len(ours) == 1:
        return f'{ratio:.2f}'
    of_rounds = [one / other for one, other in zip(ours, theirs)]
    return f'{ratio:.2f} ({min(of_rounds):.2f} to {max(of_rounds):.2f})'


def short(rate):
    for limit, suffix in ((1e6, ' M'), (1e3, ' k')):
        if rate >= limit:
            return f'{rate / limit:.2f}{suffix}' if rate < limit * 100 else f'{rate / limit:.0f}{suffix}'
    return f'{rate:.2f}'
