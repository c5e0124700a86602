# SPDX-License-Identifier: LGPL-2.1-or-later

"""The plugin cluster: against the same client without it, and against the peers' clients of clusters."""

import re
import subprocess

from bench_server import await_reply, call, find_free_port, launch
from bench_tree import Ours

# What the hook that routes a GET takes of the instructions.
ROUTING_BUDGET = 350
# With what link-time optimization puts behind its name.
ROUTING_HOOK = 'tornadis_cluster_plugin_route*'
# What one more node's client may cost while it is idle, in KiB.
NODE_BUDGET = 6
# Eight on each of three nodes.
SPREAD_KEYS = [f'bench:{i}' for i in (32, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 22, 23, 26, 27, 31)]


class Cluster:
    """Masters of a private cluster, ended by pid; they go down with us."""

    def __init__(self, directory, n_nodes):
        self.ports = [find_free_port() for _ in range(n_nodes)]
        self.processes = [launch(directory, port, '--cluster-enabled', 'yes') for port in self.ports]
        first = 0
        for i, port in enumerate(self.ports):
            last = 16384 * (i + 1) // n_nodes - 1
            await_reply(port, 'PING')
            call(port, 'CLUSTER', 'ADDSLOTSRANGE', first, last)
            call(port, 'CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
            call(port, 'CLUSTER', 'MEET', '127.0.0.1', self.ports[0])
            first = last + 1
        for port in self.ports:
            await_reply(port, 'CLUSTER', 'INFO', says='cluster_state:ok')
            await_reply(port, 'CLUSTER', 'INFO', says=f'cluster_known_nodes:{n_nodes}')
        for key in SPREAD_KEYS:
            # All but the one that has it say where it is.
            for port in self.ports:
                call(port, 'SET', key, 'v' * 32)
        self.hosts = ','.join(f'127.0.0.1:{port}' for port in self.ports)

    def find_port(self, key):
        """Of the node that has it."""
        slot = int(call(self.ports[0], 'CLUSTER', 'KEYSLOT', key)[1:])
        return self.ports[(slot * len(self.ports) + len(self.ports) - 1) // 16384]

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


class ClusterRows:
    def __init__(self, bench):
        self.bench = bench
        self.clusters = {}

    def get(self, n_nodes):
        """Started when it is first needed."""
        if n_nodes not in self.clusters:
            self.clusters[n_nodes] = Cluster(self.bench.server.directory, n_nodes)
        return self.clusters[n_nodes]

    def stop(self):
        for cluster in self.clusters.values():
            cluster.stop()

    def env(self, n_nodes, scheme):
        """One that is no cluster's is of the first node."""
        cluster = self.get(n_nodes)
        hosts = cluster.hosts if scheme == 'redis-cluster' else f'127.0.0.1:{cluster.ports[0]}'
        nodes = {cluster.find_port(key): key for key in SPREAD_KEYS}
        return {'BENCH_URI': f'{scheme}://{hosts}', 'BENCH_KEYS': ','.join(SPREAD_KEYS) if n_nodes > 1 else '',
                'BENCH_PORT': str(cluster.find_port(SPREAD_KEYS[0])),
                'BENCH_NODES': ','.join(f'{port}={key}' for port, key in nodes.items())}

    def driver(self, command, n_nodes, scheme='redis-cluster', ours=True, renew=False):
        def measure(tree):
            if renew and n_nodes in self.clusters:
                self.clusters.pop(n_nodes).stop()
            return self.bench.run(tree, command, env=self.env(n_nodes, scheme))
        return Ours(measure) if ours else measure

    def c(self, scheme, n, in_flight):
        return self.driver([self.bench.programs / 'bench-tornadis', 'submit', '-', n, in_flight], 1, scheme)

    def workloads(self, here):
        bench = self.bench
        fast, slow, one = bench.count(600_000, 20_000), bench.count(50_000, 2_000), bench.count(60_000, 5_000)
        for name, title, n, in_flight, target in (('cluster-100', '100 in flight', fast, 100, 0.92),
                                                  ('cluster-1', '1 in flight', one, 1, 0.95)):
            yield (name, f'GET 32 B, {title}, to a cluster of one node', 'calls/s', {
                'redis-cluster://': self.c('redis-cluster', n, in_flight),
                'redis://': self.c('redis', n, in_flight),
            }, [('redis-cluster://', 'redis://', target)])
        # On few processors it depends on which of them the nodes happen to be: other ones in each round.
        yield ('cluster-pipeline', 'pipelines of 100 GETs over three nodes, one after the other', 'calls/s', {
            'hiredis synchronous, one node': self.driver([self.bench.programs / 'bench-hiredis', 'pipeline', '-', fast, 1], 3,
                                                         ours=False, renew=True),
            'redis-cluster://': self.driver([self.bench.programs / 'bench-tornadis', 'pipeline', '-', fast, 1], 3),
            'hiredis by hand, three nodes': self.driver([self.bench.programs / 'bench-hiredis', 'pipeline-nodes', '-', fast, 1], 3,
                                                        ours=False),
        }, [('redis-cluster://', 'hiredis synchronous, one node', 1.2),
            ('redis-cluster://', 'hiredis by hand, three nodes', None)], 'rate', bench.count(15, 1))
        python = ['/usr/bin/python3', '-B', here / 'bench-python.py']
        yield ('cluster-python', 'GET 32 B, 100 in flight over three nodes, Python', 'calls/s', {
            'tornadis-glib await': self.driver([*python, 'tornadis', 'get', '-', slow, 100], 3),
            'redis-py asyncio cluster': self.driver([*python, 'redis-py', 'get', '-', slow // 2, 100], 3, ours=False),
        }, [('tornadis-glib await', 'redis-py asyncio cluster', 8)])
        yield ('cluster-javascript', 'GET 32 B, 100 in flight over three nodes, JavaScript', 'calls/s', {
            'tornadis-glib await': self.driver(['gjs', '-m', here / 'bench-gjs.js', 'get', '-', slow, 100], 3),
            'ioredis Cluster': self.driver(['node', here / 'bench-node.mjs', 'ioredis', 'get', '-', slow, 100], 3, ours=False),
        }, [('tornadis-glib await', 'ioredis Cluster', 1.2)])

    def singles(self):
        yield ('cluster-memory', 'a client of a node that is connected and idle', Ours(self.measure_idle), [
            ('kib_each', 'KiB each', NODE_BUDGET, True)])
        yield ('cluster-instructions', 'routing a GET to its node', Ours(self.count_routing), [
            ('routing', 'instructions', ROUTING_BUDGET, True)])

    def measure_idle(self, tree):
        cluster = self.get(3)
        keys = {cluster.find_port(key): key for key in SPREAD_KEYS}.values()
        return self.bench.run(tree, [self.bench.programs / 'bench-tornadis', 'idle-nodes', '-', self.bench.count(150, 50), 1],
                              env=self.env(3, 'redis-cluster') | {'BENCH_KEYS': ','.join(keys)})

    def count_routing(self, tree):
        """Of the hook with all that it calls, by the difference between two runs."""
        few, many = 10_000, 30_000
        totals = []
        for n in (few, many):
            said = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', f'--toggle-collect={ROUTING_HOOK}',
                                   self.bench.programs / 'bench-tornadis', 'submit', '-', str(n), '100'],
                                  env=tree.env | self.env(1, 'redis-cluster'), capture_output=True, text=True, check=True).stderr
            totals.append(int(re.search(r'Collected : (\d+)', said).group(1)))
        if totals[0] == 0:
            raise RuntimeError(f'{ROUTING_HOOK}: there is no such function, or nothing calls it')
        return {'routing': round((totals[1] - totals[0]) / (many - few))}
