# SPDX-License-Identifier: LGPL-2.1-or-later

"""The plugin sentinel: a call on an established link against the same client without it."""

import subprocess

from bench_server import await_reply, call, die_with_parent, find_free_port, launch
from bench_tree import Ours

NAME = 'bench'
# Instructions that it may add to a call. It takes no part in calls, but two runs differ by how many replies come in a turn: 20
# of 1,460 between two of the same client.
ADDED_BUDGET = 30


class Pair:
    """A master and its only sentinel, ended by pid; they go down with us."""

    def __init__(self, directory):
        self.ports = [find_free_port(), find_free_port()]
        self.processes = [launch(directory, self.ports[0]), self.launch_sentinel(directory)]
        for port in self.ports:
            await_reply(port, 'PING')
        call(self.ports[0], 'SET', 'bench:32', 'v' * 32)

    def launch_sentinel(self, directory):
        master, port = self.ports
        config = directory / f'{port}.conf'
        config.write_text(f'port {port}\nbind 127.0.0.1\ndir {directory}\nsentinel monitor {NAME} 127.0.0.1 {master} 1\n')
        return subprocess.Popen(['redis-server', str(config), '--sentinel'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                preexec_fn=die_with_parent)

    def get_uri(self, scheme):
        return f'{scheme}://127.0.0.1:{self.ports[1]}/{NAME}' if scheme == 'redis-sentinel' else f'redis://127.0.0.1:{self.ports[0]}'

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


class SentinelRows:
    def __init__(self, bench):
        self.bench = bench
        self.pair = None

    def env(self, scheme):
        """Started when it is first needed."""
        if self.pair is None:
            self.pair = Pair(self.bench.server.directory)
        return {'BENCH_URI': self.pair.get_uri(scheme)}

    def stop(self):
        if self.pair is not None:
            self.pair.stop()

    def driver(self, scheme, n, in_flight):
        command = [self.bench.programs / 'bench-tornadis', 'submit', '-', n, in_flight]
        return Ours(lambda tree: self.bench.run(tree, command, env=self.env(scheme)))

    def workloads(self):
        """Two that are alike differ by what the machine does besides: it is the instructions that are judged."""
        for in_flight, n in ((100, self.bench.count(600_000, 20_000)), (1, self.bench.count(60_000, 5_000))):
            yield (f'sentinel-{in_flight}', f'GET 32 B, {in_flight} in flight, of a master that a sentinel has named', 'calls/s', {
                'redis-sentinel://': self.driver('redis-sentinel', n, in_flight),
                'redis://': self.driver('redis', n, in_flight),
            }, [('redis-sentinel://', 'redis://', None)])

    def singles(self):
        yield ('sentinel-instructions', 'what the sentinel plugin adds to a submitted GET', Ours(self.count_added), [
            ('added', 'instructions', ADDED_BUDGET, True)])

    def count_added(self, tree):
        with_it, without = (self.bench.count_instructions(tree, 'submit', env=self.env(scheme))
                            for scheme in ('redis-sentinel', 'redis'))
        return {'instructions': with_it, 'added': with_it - without}
