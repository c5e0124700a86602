# SPDX-License-Identifier: LGPL-2.1-or-later

"""Runs the drivers against one private server and compares: see tests/benchmarks/run."""

import argparse
import contextlib
import csv
import io
import json
import os
import pathlib
import platform
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LARGE_SIZE = 64 * 1024 * 1024
LIST_LENGTH = 100_000
# Instructions of this thread for one GET at 100 in flight, from making the command to freeing the reply, GLib's and
# the C library's included. Measured by callgrind; more than this is a step back.
INSTRUCTION_BUDGET = 1800


class Server:
    """A redis-server on a unix socket, ended by pid; it goes down with us."""

    def __init__(self, directory):
        self.directory = directory
        self.path = str(directory / 'redis.sock')
        self.ca_file = str(directory / 'ca.pem')
        self.port = 0
        command = ['redis-server', '--port', '0', '--unixsocket', self.path, '--save', '', '--appendonly', 'no',
                   '--dir', str(directory), '--bind', '127.0.0.1', '--maxclients', '20000',
                   '--client-output-buffer-limit', 'pubsub 0 0 0']
        command += self.make_tls()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        preexec_fn=die_with_parent)
        for _ in range(200):
            with contextlib.suppress(OSError, AssertionError):
                assert self.call('PING') == b'+PONG'
                break
            time.sleep(0.05)
        else:
            raise SystemExit('the server does not come up')
        self.call('SET', 'bench:32', 'v' * 32)
        for start in range(0, LIST_LENGTH, 1000):
            self.call('RPUSH', 'bench:list', *(f'element:{i}' for i in range(start, start + 1000)))
        self.call('SET', 'bench:large', b'x' * LARGE_SIZE)

    def make_tls(self):
        """A certificate of a moment, for 'localhost'."""
        key, cert = self.directory / 'key.pem', self.directory / 'ca.pem'
        made = subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
             '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert], capture_output=True)
        if made.returncode != 0:
            return []
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        return ['--tls-port', str(self.port), '--tls-cert-file', str(cert), '--tls-key-file', str(key),
                '--tls-ca-cert-file', str(cert), '--tls-auth-clients', 'no']

    def call(self, *args):
        """The first line of the reply."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(30)
            link.connect(self.path)
            link.sendall(encode(args))
            return link.makefile('rb').readline().rstrip()

    def publish(self, n):
        """Publishes n messages as fast as the server can: from within it, so that no third program is busy."""
        script = "for i = 1, 1000 do redis.call('PUBLISH', 'bench:channel', ARGV[1]) end"
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self.path)
            replies = link.makefile('rb')
            link.sendall(encode(['EVAL', script, '0', 'm' * 32]) * (n // 1000))
            for _ in range(n // 1000):
                replies.readline()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Stream:
    """What a server sends to a subscriber of a busy channel, from memory: Redis itself makes messages more slowly than
    the drivers take them."""

    def __init__(self, directory):
        self.path = str(directory / 'stream.sock')
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()

    def publish(self, n):
        self.n = n
        self.go.set()

    def serve(self):
        """One subscriber, in a thread of its own, until it has what was published."""
        self.go = threading.Event()
        threading.Thread(target=self.converse, daemon=True).start()

    def converse(self):
        link, _ = self.listener.accept()
        opening, begun = b'*', b''
        with link:
            while b'SUBSCRIBE' not in begun:
                begun = link.recv(65536)
                if b'HELLO' in begun:
                    opening = b'>'
                    link.sendall(b'%1\r\n$5\r\nproto\r\n:3\r\n')
                link.sendall(b'+OK\r\n' * begun.count(b'SETINFO'))
            link.sendall(opening + b'3\r\n$9\r\nsubscribe\r\n$13\r\nbench:channel\r\n:1\r\n')
            self.go.wait()
            message = opening + b'3\r\n$7\r\nmessage\r\n$13\r\nbench:channel\r\n$32\r\n' + b'm' * 32 + b'\r\n'
            with contextlib.suppress(OSError):
                for _ in range(self.n // 1000):
                    link.sendall(message * 1000)
                link.recv(1)


def die_with_parent():
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def encode(args):
    parts = [f'*{len(args)}\r\n'.encode()]
    for arg in args:
        arg = arg.encode() if isinstance(arg, str) else arg
        parts.append(b'$%d\r\n%s\r\n' % (len(arg), arg))
    return b''.join(parts)


class Bench:
    def __init__(self, build, server, scale):
        self.build = build
        self.server = server
        self.stream = Stream(server.directory)
        self.scale = scale
        self.env = dict(os.environ,
                        PYTHONPATH=str(ROOT / 'introspection/python'),
                        GJS_PATH=str(ROOT / 'introspection/gjs'),
                        GI_TYPELIB_PATH=str(build / 'introspection'),
                        LD_LIBRARY_PATH=str(build / 'tornadis-glib'),
                        TORNADIS_PLUGIN_PATH=str(build / 'plugins'),
                        BENCH_NODE_MODULES=str(build / 'node'),
                        NODE_ENV='production')

    def count(self, n, least=1):
        return max(least, int(n * self.scale))

    def run(self, command, publish=0, publisher=None, plugins=''):
        """The figures that a driver prints."""
        command = [str(part) for part in command]
        process = subprocess.Popen(command, env=dict(self.env, BENCH_PLUGINS=plugins), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   text=True, preexec_fn=die_with_parent)
        with process:
            line = process.stdout.readline()
            if publish and line.strip() == 'ready':
                (publisher or self.server).publish(publish)
                line = process.stdout.readline()
            process.stdout.read()
            if process.wait() != 0 or not line.startswith('{'):
                raise RuntimeError(f'{" ".join(command)}: no figures')
        return json.loads(line)

    def tornadis(self, workload, n, in_flight=1, publish=0, tls=False, plugins=''):
        extra = [self.server.port, self.server.ca_file] if tls else []
        return lambda: self.run([self.build / 'tests/benchmarks/bench-tornadis', workload, self.server.path, n, in_flight,
                                 *extra], publish, plugins=plugins)

    def hiredis(self, workload, n, in_flight=1, publish=0):
        return lambda: self.run([self.build / 'tests/benchmarks/bench-hiredis', workload, self.server.path, n, in_flight],
                                publish)

    def from_stream(self, driver, n):
        def measure():
            self.stream.serve()
            return self.run([self.build / 'tests/benchmarks' / driver, 'pub-sub', self.stream.path, n, 1], n, self.stream)
        return measure

    def script(self, interpreter, name, *args):
        return lambda: self.run([*interpreter, HERE / name, *args])

    def python(self, name, workload, n, in_flight=1):
        return self.script(['/usr/bin/python3', '-B'], 'bench-python.py', name, workload, self.server.path, n, in_flight)

    def node(self, name, workload, n, in_flight=1):
        return self.script(['node'], 'bench-node.mjs', name, workload, self.server.path, n, in_flight)

    def gjs(self, workload, n, in_flight=1):
        return self.script(['gjs', '-m'], 'bench-gjs.js', workload, self.server.path, n, in_flight)

    def redis_benchmark(self, n, pipelined):
        def measure():
            done = subprocess.run(['redis-benchmark', '-s', self.server.path, '-n', str(n), '-c', '1', '-P', str(pipelined),
                                   '--csv', 'GET', 'bench:32'], capture_output=True, text=True, check=True)
            row = list(csv.reader(io.StringIO(done.stdout)))[-1]
            return {'rate': float(row[1])}
        return measure

    def reader(self, name, stream):
        return lambda: self.run([self.build / 'tests/benchmarks/bench-reader', name, stream, self.count(100, 5)])

    def workloads(self):
        """(name, title, unit, {driver: measure}, [(ours, peer, target)])"""
        fast, slow = self.count(600_000, 20_000), self.count(50_000, 2_000)
        one, large, lists = self.count(60_000, 5_000), self.count(12, 2), self.count(60, 5)
        messages = self.count(1_000_000, 50_000) // 1000 * 1000
        ours, peer = 'tornadis-glib submit', 'hiredis async + GLib adapter'

        yield ('get-100', 'GET 32 B, 100 in flight', 'calls/s', {
            ours: self.tornadis('submit', fast, 100),
            'tornadis-glib call_async': self.tornadis('call', fast, 100),
            peer: self.hiredis('get', fast, 100),
        }, [(ours, peer, 1.6), ('tornadis-glib call_async', peer, 0.9)])
        yield ('metrics', 'GET 32 B, 100 in flight, counted by the metrics plugin', 'calls/s', {
            'with metrics': self.tornadis('submit', fast, 100, plugins='metrics'),
            'without': self.tornadis('submit', fast, 100),
        }, [('with metrics', 'without', 0.97)])
        yield ('get-1', 'GET 32 B, 1 in flight', 'calls/s', {
            ours: self.tornadis('submit', one, 1),
            'tornadis-glib call_async': self.tornadis('call', one, 1),
            peer: self.hiredis('get', one, 1),
        }, [(ours, peer, 1.0), ('tornadis-glib call_async', peer, 1.0)])
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
        yield ('pub-sub', 'pub/sub, messages of 32 B into a handler', 'messages/s', {
            'tornadis-glib': self.tornadis('pub-sub', messages, publish=messages),
            peer: self.hiredis('pub-sub', messages, publish=messages),
        }, [('tornadis-glib', peer, 1.0)])
        yield ('pub-sub-stream', 'the same from memory, faster than Redis sends', 'messages/s', {
            'tornadis-glib': self.from_stream('bench-tornadis', 2 * messages),
            peer: self.from_stream('bench-hiredis', 2 * messages),
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
        for suffix, title, workload, n, in_flight, targets in (
                ('100', 'GET 32 B, 100 in flight', 'get', slow * 2, 100, (5, 6, 3, 1, 1.3)),
                ('1', 'GET 32 B, 1 in flight', 'get', slow // 5, 1, (2, None, None, 1, None)),
                ('pipeline', 'pipelines of 100 GETs', 'pipeline', slow * 2, 1, (2, None, None, None, None))):
            peer = 'redis-py asyncio'
            yield (f'python-{suffix}', f'{title}, Python', 'calls/s', {
                'tornadis-glib await': self.python('tornadis', workload, n, in_flight),
                **({'tornadis-glib async_call': self.python('async_call', workload, n, in_flight)} if workload == 'get' else {}),
                'tornadis-glib asyncio, gbulb': self.python('gbulb', workload, n, in_flight),
                peer: self.python('redis-py', workload, n // 4, in_flight),
            }, [('tornadis-glib await', peer, targets[0]), ('tornadis-glib async_call', peer, targets[1]),
                ('tornadis-glib asyncio, gbulb', peer, targets[2])])
            yield (f'javascript-{suffix}', f'{title}, JavaScript', 'calls/s', {
                'tornadis-glib await': self.gjs(workload, n, in_flight),
                'ioredis': self.node('ioredis', workload, n, in_flight),
                'node-redis': self.node('node-redis', workload, n, in_flight),
            }, [('tornadis-glib await', 'ioredis', targets[3]), ('tornadis-glib await', 'node-redis', targets[4])])
        yield ('python-range', 'LRANGE of 10,000 strings, Python', 'calls/s', {
            'tornadis-glib await': self.python('tornadis', 'range', slow // 200),
            'redis-py asyncio': self.python('redis-py', 'range', slow // 200),
        }, [('tornadis-glib await', 'redis-py asyncio', 1)])

    def singles(self):
        """(name, title, measure, [(key, unit, target, is below)]), measured on this library alone"""
        messages = self.count(1_000_000, 100_000) // 1000 * 1000
        clients = self.count(10_000, 1_000)
        yield ('flood', f'{messages:,} messages against a timer of 60 Hz', self.tornadis('flood', messages, publish=messages), [
            ('longest_ms', 'ms of CPU in the longest turn of the loop', 4, True),
            ('on_time', 'of the frames on time', 0.999, False)])
        yield ('idle', f'{clients:,} clients connected and idle', self.tornadis('idle', clients), [
            ('kib_each', 'KiB each', 6, True)])
        yield ('set-memory', 'SET of 64 MiB from a GBytes', self.tornadis('set-large', 3), [
            ('peak_kib', 'KiB more than the value', 16 * 1024, True)])
        yield ('get-memory', 'GET of 64 MiB', self.tornadis('get-large', 3), [
            ('peak_kib', 'KiB at most', int(1.3 * 64 * 1024), True)])
        yield ('instructions', 'a submitted GET at 100 in flight', self.count_instructions, [
            ('instructions', 'instructions', INSTRUCTION_BUDGET, True)])

    def count_instructions(self):
        """The difference between two runs, so that starting and stopping do not count."""
        totals = []
        few, many = 10_000, 30_000
        for n in (few, many):
            with tempfile.NamedTemporaryFile() as out:
                done = subprocess.run(
                    ['valgrind', '--tool=callgrind', f'--callgrind-out-file={out.name}',
                     self.build / 'tests/benchmarks/bench-tornadis', 'submit', self.server.path, str(n), '100'],
                    env=self.env, capture_output=True, text=True, check=True)
            totals.append(int(re.search(r'Collected : (\d+)', done.stderr).group(1)))
        return {'instructions': round((totals[1] - totals[0]) / (many - few))}


def measure_workload(name, drivers, rounds):
    """One after the other in each round: A B C A B C …; rates, and other figures that are told"""
    figures = {driver: [] for driver in drivers}
    others = {}
    for _ in range(rounds):
        for driver, measure in drivers.items():
            try:
                figure = measure()
                figures[driver].append(figure['rate'])
                for key in ('gb_per_second', 'cpu_usec'):
                    if key in figure:
                        others.setdefault(key, {}).setdefault(driver, []).append(figure[key])
            except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                print(f'!!! {name}: {driver}: {error}', file=sys.stderr)
    return ({driver: rates for driver, rates in figures.items() if rates},
            {key: {driver: statistics.median(values) for driver, values in by_driver.items()}
             for key, by_driver in others.items()})


def short(rate):
    for limit, suffix in ((1e6, ' M'), (1e3, ' k')):
        if rate >= limit:
            return f'{rate / limit:.2f}{suffix}' if rate < limit * 100 else f'{rate / limit:.0f}{suffix}'
    return f'{rate:.2f}'


def describe_machine():
    cpu = re.search(r'model name\s*: (.*)', pathlib.Path('/proc/cpuinfo').read_text())
    version = subprocess.run(['redis-server', '--version'], capture_output=True, text=True).stdout
    return {'processor': cpu.group(1) if cpu else platform.machine(), 'processors': os.cpu_count(),
            'redis': re.search(r'v=(\S+)', version).group(1)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', type=pathlib.Path, required=True)
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--only', default='')
    parser.add_argument('--rounds', type=int)
    parser.add_argument('--save', action='store_true')
    options = parser.parse_args()
    rounds = options.rounds or (3 if options.quick else 5)
    only = set(filter(None, options.only.split(',')))
    results = {'machine': describe_machine(), 'rounds': rounds, 'workloads': {}, 'single': {}}
    missed = []

    with tempfile.TemporaryDirectory(prefix='tornadis-bench.') as directory:
        server = Server(pathlib.Path(directory))
        try:
            bench = Bench(options.build.resolve(), server, 0.1 if options.quick else 1)
            for name, title, unit, drivers, ratios in bench.workloads():
                if only and name not in only:
                    continue
                rates, others = measure_workload(name, drivers, rounds)
                medians = {driver: statistics.median(values) for driver, values in rates.items()}
                entry = {'title': title, 'unit': unit, 'rates': rates, 'medians': medians, **others, 'ratios': []}
                results['workloads'][name] = entry
                print(f'\n{title}')
                for driver, median in medians.items():
                    print(f'  {driver:32} {short(median):>9} {unit:12} ({short(min(rates[driver]))} to {short(max(rates[driver]))})'
                          + ''.join(f'  {others[key][driver]:.2f} {label}'
                                    for key, label in (('gb_per_second', 'GB/s'), ('cpu_usec', 'us of CPU each'))
                                    if driver in others.get(key, ())))
                for ours, peer, target in ratios:
                    if ours not in medians or peer not in medians:
                        continue
                    ratio = medians[ours] / medians[peer]
                    entry['ratios'].append({'ours': ours, 'peer': peer, 'ratio': round(ratio, 3), 'target': target})
                    verdict = ''
                    if target is not None:
                        verdict = f'target {target}: ' + ('reached' if ratio >= target else 'MISSED')
                        if ratio < target:
                            missed.append(f'{title}: {ratio:.2f} x {peer}, not {target}')
                    print(f'    {ours} / {peer}: {ratio:.2f}  {verdict}')
                sys.stdout.flush()

            for name, title, measure, limits in bench.singles():
                if only and name not in only:
                    continue
                try:
                    figures = measure()
                except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                    print(f'!!! {name}: {error}', file=sys.stderr)
                    missed.append(f'{title}: not measured')
                    continue
                results['single'][name] = {'title': title, **figures}
                print(f'\n{title}')
                for key, unit, target, below in limits:
                    value = figures[key]
                    good = value <= target if below else value >= target
                    print(f'    {value:,} {unit}  {"at most" if below else "at least"} {target:,}: '
                          f'{"reached" if good else "MISSED"}')
                    if not good:
                        missed.append(f'{title}: {value:,} {unit}, not {target:,}')
                sys.stdout.flush()
        finally:
            server.stop()

    output = options.build / 'results.json'
    output.write_text(json.dumps(results, indent=1) + '\n')
    print(f'\n{len(missed)} targets missed; figures in {output}')
    for line in missed:
        print(f'  {line}')
    if options.save:
        (HERE / 'results.json').write_text(output.read_text())
        subprocess.run([sys.executable, HERE / 'chart.py', HERE / 'results.json', ROOT / 'docs/benchmark.svg'], check=True)


main()
