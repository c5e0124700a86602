# SPDX-License-Identifier: LGPL-2.1-or-later

"""Runs the drivers against one private server and compares: see tests/benchmarks/run."""

import argparse
import csv
import fnmatch
import io
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading

import bench_label
from bench_cluster import ClusterRows
from bench_messages import Messages
from bench_models import Models
from bench_report import Ratio, Report, Workload
from bench_scan import Scans
from bench_sentinel import SentinelRows
from bench_server import LONG_LIST_LENGTH, Server, Stream, die_with_parent
from bench_streams import Streams
from bench_tables import Tables
from bench_tree import Hangs, Ours, Skipped, Tree

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# What switches off that the client looks for a reply before the main loop sleeps.
ASLEEP = 'busy-poll=0'
# Instructions of this thread for one GET at 100 in flight, from making the command to freeing the reply, GLib's and
# the C library's included. Measured by callgrind, which says up to 8 more or less with how the replies come; more than
# this is a step back.
INSTRUCTION_BUDGET = 1490
# The same with call_async and call_finish.
CALL_INSTRUCTION_BUDGET = 2200
# And with a cancellable.
CANCELLABLE_INSTRUCTION_BUDGET = 3000
# What the plugin metrics adds to a submitted one: two counts, each of which has its own number of turns of the main loop.
METRICS_INSTRUCTION_BUDGET = 260
# Seconds after which a driver is taken to hang.
LONGEST_RUN = 150


class Bench:
    def __init__(self, tree, server, scale):
        self.programs = tree.build / 'tests/benchmarks'
        self.server = server
        self.stream = Stream(server.directory)
        self.scale = scale
        self.messages = Messages(self)
        self.scans = Scans(self)
        self.streams = Streams(self)
        self.models = Models(self)
        self.cluster = ClusterRows(self)
        self.sentinel = SentinelRows(self)

    def count(self, n, least=1):
        return max(least, int(n * self.scale))

    def run(self, tree, command, publish=None, env=None, held=False, longest=LONGEST_RUN):
        """The figures that a driver prints; what it waits for is published when it is ready. One that is held does not run
        meanwhile."""
        command = [str(part) for part in command]
        hung = threading.Event()
        # GJS writes a page for each message that it refuses.
        with tempfile.TemporaryFile('w+') as said:
            process = subprocess.Popen(command, env=tree.env | (env or {}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=said, text=True, preexec_fn=die_with_parent)
            # What never ends is no figure.
            limit = threading.Timer(longest, lambda: (hung.set(), process.kill()))
            limit.start()
            with process:
                line = process.stdout.readline()
                if publish and line.strip() == 'ready':
                    if held:
                        process.send_signal(signal.SIGSTOP)
                        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
                    publish()
                    process.send_signal(signal.SIGCONT)
                    line = process.stdout.readline()
                process.stdout.read()
                limit.cancel()
                status = process.wait()
            said.seek(0)
            lines = said.readlines()
        if len(lines) <= 10:
            sys.stderr.writelines(lines)
        else:
            sys.stderr.writelines([*lines[:5], f'… {len(lines) - 6:,} lines more …\n', lines[-1]])
        name = ' '.join(os.path.basename(part) for part in command)
        if hung.is_set():
            raise Hangs(f'{name}: hangs, no end within {longest} s')
        if line.startswith('skip: '):
            raise Skipped(line.removeprefix('skip: ').strip())
        if status != 0 or not line.startswith('{'):
            raise RuntimeError(f'{name}: no figures, exit status {status}, {lines[-1].strip() if lines else "without a word"}')
        return json.loads(line)

    def tornadis(self, workload, n, in_flight=1, tls=False, plugins='', properties=''):
        extra = [self.server.port, self.server.ca_file] if tls else []
        return Ours(lambda tree: self.run(tree, [self.programs / 'bench-tornadis', workload, self.server.path, n, in_flight,
                                                 *extra], env={'BENCH_PLUGINS': plugins, 'BENCH_PROPERTIES': properties}))

    def hiredis(self, workload, n, in_flight=1):
        return lambda tree: self.run(tree, [self.programs / 'bench-hiredis', workload, self.server.path, n, in_flight])

    def of_long_list(self, measure):
        def prepared(tree):
            self.server.make_long_list()
            return measure(tree)
        return Ours(prepared) if isinstance(measure, Ours) else prepared

    def flood_past_timers(self, seconds, read_timeout, call_timeout):
        """A flood from memory, and calls to the server beside it."""
        def measure(tree):
            self.stream.serve()
            return self.run(tree, [self.programs / 'bench-loop-tornadis', 'flood', self.stream.path, 'subscribers=1',
                                   f'seconds={seconds}', f'caller={self.server.path}'], lambda: self.stream.publish(None),
                            {'BENCH_READ_TIMEOUT': str(read_timeout), 'BENCH_CALL_TIMEOUT': str(call_timeout)})
        return Ours(measure)

    def script(self, interpreter, name, *args):
        return lambda tree: self.run(tree, [*interpreter, HERE / name, *args])

    def python(self, name, workload, n, in_flight=1):
        measure = self.script(['/usr/bin/python3', '-B'], 'bench-python.py', name, workload, self.server.path, n, in_flight)
        return measure if name == 'redis-py' else Ours(measure)

    def node(self, name, workload, n, in_flight=1):
        return self.script(['node'], 'bench-node.mjs', name, workload, self.server.path, n, in_flight)

    def gjs(self, workload, n, in_flight=1):
        return Ours(self.script(['gjs', '-m'], 'bench-gjs.js', workload, self.server.path, n, in_flight))

    def redis_benchmark(self, n, pipelined):
        def measure(tree):
            done = subprocess.run(['redis-benchmark', '-s', self.server.path, '-n', str(n), '-c', '1', '-P', str(pipelined),
                                   '--csv', 'GET', 'bench:32'], capture_output=True, text=True, check=True)
            row = list(csv.reader(io.StringIO(done.stdout)))[-1]
            return {'rate': float(row[1])}
        return measure

    def reader(self, name, stream):
        """The reader is no public class: it is linked into each tree's own program."""
        measure = lambda tree: self.run(tree, [tree.build / 'tests/benchmarks/bench-reader', name, stream, self.count(100, 5)])
        return Ours(measure) if name == 'tornadis' else measure

    def workloads(self):
        """What a Workload is made of."""
        fast, slow = self.count(600_000, 20_000), self.count(50_000, 2_000)
        one, large, lists = self.count(60_000, 5_000), self.count(12, 2), self.count(60, 5)
        ours, peer = 'tornadis-glib submit', 'hiredis async + GLib adapter'

        yield ('get-100', 'GET 32 B, 100 in flight', 'calls/s', {
            ours: self.tornadis('submit', fast, 100),
            'tornadis-glib call_async': self.tornadis('call', fast, 100),
            'tornadis-glib call_async, with a cancellable': self.tornadis('cancellable-call', fast, 100),
            peer: self.hiredis('get', fast, 100),
        }, [(ours, peer, 1.6), ('tornadis-glib call_async', peer, 0.9),
            ('tornadis-glib call_async, with a cancellable', 'tornadis-glib call_async', 0.75)])
        yield ('metrics', 'GET 32 B, 100 in flight, counted by the metrics plugin', 'calls/s', {
            'with metrics': self.tornadis('submit', fast, 100, plugins='metrics'),
            'without': self.tornadis('submit', fast, 100),
        }, [('with metrics', 'without', 0.97)])
        yield ('verify', 'GET 32 B, 100 in flight, replies verified', 'calls/s', {
            'every 100 commands': self.tornadis('submit', fast, 100, properties='verify-replies=100'),
            'every command': self.tornadis('submit', fast, 100, properties='verify-replies=1'),
            'not': self.tornadis('submit', fast, 100),
        }, [('every 100 commands', 'not', 0.95), ('every command', 'not', None)])
        yield ('get-1', 'GET 32 B, 1 in flight', 'calls/s', {
            ours: self.tornadis('submit', one, 1),
            'tornadis-glib call_async': self.tornadis('call', one, 1),
            peer: self.hiredis('get', one, 1),
        }, [(ours, peer, 1.0), ('tornadis-glib call_async', peer, 1.0)])
        yield ('get-1-asleep', 'GET 32 B, 1 in flight, the reply not looked for before sleeping', 'calls/s', {
            ours: self.tornadis('submit', one, 1, properties=ASLEEP),
            peer: self.hiredis('get', one, 1),
        }, [(ours, peer, 1.0)])
        yield ('get-1000', 'GET 32 B, 1,000 in flight', 'calls/s', {
            ours: self.tornadis('submit', fast, 1000),
            peer: self.hiredis('get', fast, 1000),
        }, [(ours, peer, 1.2)])
        yield ('pipeline', 'pipelines of 100 GETs, one after the other', 'calls/s', {
            'tornadis-glib pipeline': self.tornadis('pipeline', fast),
            'tornadis-glib pipeline, reused': self.tornadis('kept-pipeline', fast),
            'hiredis synchronous': self.hiredis('pipeline', fast),
            'redis-benchmark -P 100': self.redis_benchmark(fast, 100),
            'the same bytes, nothing parsed': self.hiredis('bare-pipeline', fast),
        }, [('tornadis-glib pipeline', 'hiredis synchronous', 1.4), ('tornadis-glib pipeline', 'redis-benchmark -P 100', 0.75),
            ('tornadis-glib pipeline, reused', 'hiredis synchronous', None),
            ('the same bytes, nothing parsed', 'hiredis synchronous', None)])
        messages = self.count(1_000_000, 50_000) // 1000 * 1000
        yield ('pub-sub', 'pub/sub, messages of 32 B into a handler while they are published', 'messages/s', {
            'tornadis-glib': self.messages.live(self.messages.c, 'handler', messages),
            peer: self.messages.live(self.messages.hiredis, 'handler', messages),
        }, [('tornadis-glib', peer, 1.0)])
        for name, title in (('set-large', 'SET of 64 MiB'), ('get-large', 'GET of 64 MiB')):
            yield (name, title, 'calls/s', {
                'tornadis-glib': self.tornadis(name, large),
                'hiredis synchronous': self.hiredis(name, large),
            }, [('tornadis-glib', 'hiredis synchronous', 1.0)])
        yield ('range', 'LRANGE of 100,000 strings, all read', 'calls/s', {
            'tornadis-glib': self.tornadis('range', lists),
            peer: self.hiredis('range', lists),
        }, [('tornadis-glib', peer, 1.0)])
        if self.server.port:
            yield ('tls', 'GET 32 B over TLS, 100 in flight', 'calls/s', {
                'tornadis-glib TLS': self.tornadis('submit', fast // 4, 100, tls=True),
                'tornadis-glib plain': self.tornadis('submit', fast, 100),
            }, [('tornadis-glib TLS', 'tornadis-glib plain', None)])
        for stream, title, target in (('strings', 'small strings', 1.5), ('array', 'arrays of 10,000 strings', 1.2),
                                      ('integers', 'integers', None), ('pairs', 'maps of 32 fields', None)):
            yield (f'reader-{stream}', f'the reader alone: {title}', 'replies/s', {
                'tornadis-glib': self.reader('tornadis', stream),
                'hiredis': self.reader('hiredis', stream),
            }, [('tornadis-glib', 'hiredis', target)])
        # One call at a time depends most on what else the machine does: many rounds, which are short.
        for suffix, title, workload, n, in_flight, targets, rounds in (
                ('100', 'GET 32 B, 100 in flight', 'get', slow * 2, 100, (5, 6, 3, 1, 1.3), None),
                ('1', 'GET 32 B, 1 in flight', 'get', slow // 5, 1, (2, None, None, 1.2, None), 15),
                ('pipeline', 'pipelines of 100 GETs', 'pipeline', slow * 2, 1, (2, None, None, None, None), None)):
            peer = 'redis-py asyncio'
            yield (f'python-{suffix}', f'{title}, Python', 'calls/s', {
                'tornadis-glib await': self.python('tornadis', workload, n, in_flight),
                **({'tornadis-glib async_call': self.python('async_call', workload, n, in_flight)} if workload == 'get' else {}),
                'tornadis-glib asyncio, gbulb': self.python('gbulb', workload, n, in_flight),
                peer: self.python('redis-py', workload, n // 4, in_flight),
            }, [('tornadis-glib await', peer, targets[0]), ('tornadis-glib async_call', peer, targets[1]),
                ('tornadis-glib asyncio, gbulb', peer, targets[2])])
            yield Workload(f'javascript-{suffix}', f'{title}, JavaScript', 'calls/s', {
                'tornadis-glib await': self.gjs(workload, n, in_flight),
                'ioredis': self.node('ioredis', workload, n, in_flight),
                'node-redis': self.node('node-redis', workload, n, in_flight),
            }, [('tornadis-glib await', 'ioredis', targets[3]), ('tornadis-glib await', 'node-redis', targets[4])], rounds=rounds)
        # GJS records stacks and formats what it would log for each promise, however long a program runs; V8 gets faster.
        yield ('javascript-1-long', 'GET 32 B, 1 in flight, JavaScript, four times as many', 'calls/s', {
            'tornadis-glib await': self.gjs('get', slow // 5 * 4, 1),
            'ioredis': self.node('ioredis', 'get', slow // 5 * 4, 1),
        }, [('tornadis-glib await', 'ioredis', None)])
        yield ('python-range', 'LRANGE of 10,000 strings, Python', 'calls/s', {
            'tornadis-glib await': self.python('tornadis', 'range', slow // 200),
            'redis-py asyncio': self.python('redis-py', 'range', slow // 200),
        }, [('tornadis-glib await', 'redis-py asyncio', 1)])
        yield from self.cluster.workloads(HERE)
        yield from self.sentinel.workloads()
        yield from self.messages.workloads()
        yield from self.scans.workloads()
        yield from self.streams.workloads()
        yield from self.models.workloads()
        yield from self.memory()

    def memory(self):
        """At the highest, of a process of its own each."""
        n = LONG_LIST_LENGTH
        for name, title, ours, peer, drivers, target in (
                ('memory-range', '', 'tornadis-glib', 'hiredis async + GLib adapter',
                 (self.tornadis('long-range', 1), self.hiredis('long-range', 1)), None),
                ('memory-range-python', ', Python', 'tornadis-glib await', 'redis-py asyncio',
                 (self.python('tornadis', 'long-range', n), self.python('redis-py', 'long-range', n)), 1.1)):
            yield Workload(name, f'peak memory of an LRANGE of {n:,} strings{title}', 'MB',
                           dict(zip((ours, peer), map(self.of_long_list, drivers))),
                           [Ratio(ours, peer, target, below=True)], 'peak_mb', 1 if self.scale < 1 else 3)

    def singles(self, long):
        """(name, title, measure, [(key, unit, target, is below)]), measured on this library alone"""
        messages = self.count(1_000_000, 100_000) // 1000 * 1000
        clients = self.count(10_000, 1_000)
        yield ('flood', f'{messages:,} messages against a timer of 60 Hz', self.messages.live(self.messages.c, 'flood', messages), [
            ('longest_ms', 'ms of CPU in the longest turn of the loop', 4, True),
            ('on_time', 'of the frames on time', 0.999, False)])
        timers = [('turn_cpu_ms', 'ms of CPU in the longest turn of the loop', 4, True),
                  ('gap_cpu_ms', 'ms of CPU between two ticks of a timer of 16 ms', 20, True),
                  ('reply_ms', 'ms until a reply beside it', 20, True)]
        yield ('flood-timers', 'a flood of 6 s with a read timeout of 2 s and calls of at most 1 s',
               self.flood_past_timers(6, 2, 1000), timers)
        if long:
            yield ('flood-long', 'a flood of 65 s, past two timers of silence', self.flood_past_timers(65, 0, 0), timers)
        yield from bench_label.singles(self, 66 if long else self.count(30, 5))
        yield ('idle', f'{clients:,} clients connected and idle', self.tornadis('idle', clients), [
            ('kib_each', 'KiB each', 6, True)])
        yield ('memory-queued', '1,000,000 messages of 32 B that wait for pop_message', self.messages.queued(1_000_000), [
            ('peak_mb', 'MB', 120, True)])
        yield ('set-memory', 'SET of 64 MiB from a GBytes', self.tornadis('set-large', 3), [
            ('peak_kib', 'KiB more than the value', 16 * 1024, True)])
        yield ('get-memory', 'GET of 64 MiB', self.tornadis('get-large', 3), [
            ('peak_kib', 'KiB at most', int(1.3 * 64 * 1024), True)])
        yield ('instructions', 'a submitted GET at 100 in flight', self.instructions('submit'), [
            ('instructions', 'instructions', INSTRUCTION_BUDGET, True)])
        yield ('call-instructions', 'a GET by call_async and call_finish at 100 in flight', self.instructions('call'), [
            ('instructions', 'instructions', CALL_INSTRUCTION_BUDGET, True)])
        yield ('cancellable-instructions', 'the same with a cancellable that all calls have', self.instructions('cancellable-call'), [
            ('instructions', 'instructions', CANCELLABLE_INSTRUCTION_BUDGET, True)])
        yield ('metrics-instructions', 'what the metrics plugin adds to a submitted GET', self.instructions('submit', 'metrics'), [
            ('added', 'instructions', METRICS_INSTRUCTION_BUDGET, True)])
        yield from self.cluster.singles()
        yield from self.sentinel.singles()

    def instructions(self, workload, plugins=''):
        def measure(tree):
            n = self.count_instructions(tree, workload, plugins)
            return {'instructions': n, 'added': n - self.count_instructions(tree, workload) if plugins else 0}
        return Ours(measure)

    def count_instructions(self, tree, workload, plugins='', env=None):
        """The difference between two runs, so that starting and stopping do not count."""
        totals = []
        few, many = 10_000, 30_000
        for n in (few, many):
            with tempfile.NamedTemporaryFile() as out:
                done = subprocess.run(
                    ['valgrind', '--tool=callgrind', f'--callgrind-out-file={out.name}',
                     self.programs / 'bench-tornadis', workload, self.server.path, str(n), '100'],
                    env=tree.env | {'BENCH_PLUGINS': plugins} | (env or {}), capture_output=True, text=True, check=True)
            totals.append(int(re.search(r'Collected : (\d+)', done.stderr).group(1)))
        return round((totals[1] - totals[0]) / (many - few))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', type=pathlib.Path, required=True)
    parser.add_argument('--beside', type=pathlib.Path, help='another build of the library, measured in the same rounds')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--long', action='store_true')
    parser.add_argument('--only', default='')
    parser.add_argument('--rounds', type=int)
    parser.add_argument('--save', action='store_true')
    options = parser.parse_args()
    only = list(filter(None, options.only.split(',')))
    trees = [Tree(build, options.build.resolve() / 'node') for build in (options.build, options.beside) if build]
    report = Report(trees, options.rounds or (3 if options.quick else 5))

    def wanted(name):
        return not only or any(fnmatch.fnmatchcase(name, pattern) for pattern in only)

    # Thousands of clients, here and at the server.
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    with tempfile.TemporaryDirectory(prefix='tornadis-bench.') as directory:
        server = Server(pathlib.Path(directory))
        bench = Bench(trees[0], server, 0.1 if options.quick else 1)
        try:
            for workload in bench.workloads():
                if wanted(workload[0]):
                    report.workload(*workload)
                    sys.stdout.flush()
            for table in Tables(bench, options.quick, options.rounds).all():
                if wanted(table.name):
                    report.table(table)
                    sys.stdout.flush()
            for single in bench.singles(options.long or 'flood-long' in only):
                if wanted(single[0]):
                    report.single(*single)
                    sys.stdout.flush()
        finally:
            bench.cluster.stop()
            bench.sentinel.stop()
            server.stop()

    output = options.build / 'results.json'
    output.write_text(json.dumps(report.results, indent=1) + '\n')
    print(f'\n{len(report.missed)} targets missed; figures in {output}')
    for line in report.missed:
        print(f'  {line}')
    if options.save:
        (HERE / 'results.json').write_text(output.read_text())
        subprocess.run([sys.executable, HERE / 'chart.py', HERE / 'results.json', ROOT / 'docs/benchmark.svg'], check=True)


main()
