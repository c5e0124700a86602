# SPDX-License-Identifier: LGPL-2.1-or-later

"""The private server of the benchmarks, and what stands for a faster one."""

import contextlib
import itertools
import signal
import socket
import subprocess
import threading
import time

LARGE_SIZE = 64 * 1024 * 1024
LIST_LENGTH = 100_000
LONG_LIST_LENGTH = 2_000_000
# As redis-benchmark makes one of bench:__rand_int__.
CHANNEL = 'bench:000000000000'
# After all messages: of another length than they have, by which the drivers know it.
LAST = 'the last'
# Linux's, for who may; it is not in the module socket.
SO_SNDBUFFORCE = 32
STREAM_BACKLOG = 16 * 1024 * 1024
# One round of messages, the last of which says when it was published. The rest of its 32 bytes is filled up.
ROUND = """local now = redis.call('TIME')
for i = 1, ARGV[1] - 1 do redis.call('PUBLISH', 'bench:channel', ARGV[2]) end
redis.call('PUBLISH', 'bench:channel', string.format('t%s%06dxxxxxxxxxxxxxxx', now[1], now[2]))"""


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
        self.call('SET', 'bench:100k', 'v' * 100_000)
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

    def make_long_list(self):
        """What takes a while to make, and is only read by few."""
        if self.call('LLEN', 'bench:long-list') != b':%d' % LONG_LIST_LENGTH:
            self.call('EVAL', "for i = 0, ARGV[1] - 1 do redis.call('RPUSH', 'bench:long-list', 'element:' .. i) end", '0',
                      str(LONG_LIST_LENGTH))

    def publish(self, n):
        """Publishes n messages as fast as the server can: from within it, so that no third program is busy."""
        script = "for i = 1, 1000 do redis.call('PUBLISH', ARGV[2], ARGV[1]) end"
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self.path)
            replies = link.makefile('rb')
            link.sendall(encode(['EVAL', script, '0', 'm' * 32, CHANNEL]) * (n // 1000))
            for _ in range(n // 1000):
                replies.readline()
        self.call('PUBLISH', CHANNEL, LAST)

    def publish_beforehand(self, n, size, n_channels, last_channel=CHANNEL):
        """Publishes n messages, and the last."""
        subprocess.run(['redis-benchmark', '-s', self.path, '-n', str(n), '-c', '1', '-P', '1000', '-r', str(n_channels), '-q',
                        'PUBLISH', 'bench:__rand_int__', 'm' * size], stdout=subprocess.DEVNULL, check=True)
        self.call('PUBLISH', last_channel, LAST)

    def publish_rounds(self, n, each):
        """Publishes n messages in rounds of so many. Two rounds are under way at a time, so that the server sends what
        there is before it takes the next."""
        command = encode(['EVAL', ROUND, '0', str(each), 'm' * 32])
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self.path)
            replies = link.makefile('rb')
            link.sendall(command)
            for left in range(n // each, 0, -1):
                if left > 1:
                    link.sendall(command)
                replies.readline()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Stream:
    """What a server sends to a subscriber of busy channels, from memory: Redis itself makes messages more slowly than
    the drivers take them."""

    def __init__(self, directory):
        self.path = str(directory / 'stream.sock')
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()

    def publish(self, n):
        """None: until the subscriber has enough."""
        self.n = n
        self.go.set()

    def serve(self, channels=('bench:channel',), size=32):
        """One subscriber, in a thread of its own, until it has what was published."""
        self.go = threading.Event()
        threading.Thread(target=self.converse, args=(channels, size), daemon=True).start()

    def converse(self, channels, size):
        link, _ = self.listener.accept()
        opening, n_subscribed = b'*', 0
        with link:
            while n_subscribed < len(channels):
                begun = link.recv(65536)
                if b'HELLO' in begun:
                    opening = b'>'
                    link.sendall(b'%1\r\n$5\r\nproto\r\n:3\r\n')
                link.sendall(b'+OK\r\n' * begun.count(b'SETINFO'))
                # One or many by a command.
                for _ in range(begun.count(b'bench:')):
                    name = channels[n_subscribed].encode()
                    n_subscribed += 1
                    link.sendall(opening + b'3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:%d\r\n' % (len(name), name, n_subscribed))
            self.go.wait()
            if self.n is None:
                # As much waits as behind a server that is far ahead.
                with contextlib.suppress(OSError):
                    link.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, STREAM_BACKLOG)

            def message(i, text):
                return opening + encode(['message', channels[i % len(channels)], text])[1:]

            thousand = b''.join(message(i, 'm' * size) for i in range(1000))
            with contextlib.suppress(OSError):
                for _ in range(self.n // 1000) if self.n else itertools.count():
                    link.sendall(thousand)
                link.sendall(message(0, LAST))
                link.recv(1)


def find_free_port():
    """One from which the port of a cluster's bus, 10,000 above, is one too."""
    while True:
        with socket.socket() as free, socket.socket() as bus:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                bus.bind(('127.0.0.1', port + 10000))
                return port


def launch(directory, port, *options):
    """A redis-server on a port; it goes down with us."""
    own = directory / str(port)
    own.mkdir()
    return subprocess.Popen(['redis-server', *options, '--port', str(port), '--bind', '127.0.0.1', '--save', '',
                             '--appendonly', 'no', '--dir', str(own)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)


def call(port, *args):
    with socket.create_connection(('127.0.0.1', port), 5) as link:
        link.sendall(encode([str(arg) for arg in args]))
        return link.recv(65536).decode()


def await_reply(port, *args, says='PONG'):
    for _ in range(400):
        with contextlib.suppress(OSError):
            if says in call(port, *args):
                return
        time.sleep(0.05)
    raise SystemExit(f'the node of a cluster does not say {says}')


def die_with_parent():
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def encode(args):
    parts = [f'*{len(args)}\r\n'.encode()]
    for arg in args:
        arg = arg.encode() if isinstance(arg, str) else arg
        parts.append(b'$%d\r\n%s\r\n' % (len(arg), arg))
    return b''.join(parts)
