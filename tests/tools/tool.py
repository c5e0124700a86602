# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the built tornadis as a user does: arguments, standard streams, terminals, exit status."""

import collections
import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unittest

TOOL = os.environ['TORNADIS_TOOL']
SOURCE = os.environ['TORNADIS_TOOL_SRCDIR']
COMMANDS = ['call', 'pipe', 'subscribe', 'monitor', 'scan', 'keys', 'stat', 'latency', 'bench', 'plugins']
SLOW = int(os.environ.get('TORNADIS_TEST_SLOW', '1'))

Result = collections.namedtuple('Result', 'status out err')


def environment(server=None, **extra):
    """The test's environment, with the server where the user has it."""
    values = {name: value for name, value in os.environ.items()
              if name not in ('TORNADIS_URI', 'TORNADIS_PASSWORD', 'REDISCLI_AUTH')}
    values['LC_ALL'] = 'C.UTF-8'
    if server is not None:
        values['TORNADIS_URI'] = 'unix://' + server.get_socket_path()
    values.update(extra)
    return values


def run(server, *args, stdin=b'', **extra):
    done = subprocess.run([TOOL, *args], input=stdin, capture_output=True, env=environment(server, **extra),
                          timeout=60 * SLOW)
    return Result(done.returncode, done.stdout, done.stderr.decode())


def shell(server, script, **extra):
    """Runs a script of bash in which tornadis is found."""
    extra['PATH'] = os.path.dirname(TOOL) + ':' + os.environ['PATH']
    done = subprocess.run(['bash', '-c', script], capture_output=True, env=environment(server, **extra),
                          stdin=subprocess.DEVNULL, timeout=60 * SLOW)
    return Result(done.returncode, done.stdout, done.stderr.decode())


def good(result):
    """What a run that must go well wrote, without a word on standard error."""
    assert result.status == 0 and result.err == '', result
    return result.out


def options(*names):
    """The options of a subcommand, or of the program without one, as its help has them."""
    return re.findall('^ +(?:-., )?(--[a-z0-9-]+)', good(run(None, *names, '--help')).decode(), re.MULTILINE)


@contextlib.contextmanager
def start(server, *args, **options):
    """A tornadis that goes on while the test does."""
    options = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **options}
    process = subprocess.Popen([TOOL, *args], env=environment(server), **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in process.stdin, process.stdout, process.stderr:
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def wait_for(condition, what):
    end = time.monotonic() + 60 * SLOW
    while not condition():
        assert time.monotonic() < end, f'waited in vain for {what}'
        time.sleep(0.01)


def publish(server, channel, payload):
    """Publishes once somebody listens; that message is the only one that he gets."""
    wait_for(lambda: not server.command(f'PUBLISH {channel} {payload}').startswith(':0'), f'a subscriber of {channel}')


@contextlib.contextmanager
def terminal():
    """A pseudo terminal: its two ends. Where the system has none the case is skipped."""
    if not os.path.exists('/dev/ptmx'):
        raise unittest.SkipTest('there are no pseudo terminals')
    master, slave = pty.openpty()
    try:
        yield master, slave
    finally:
        os.close(master)
        os.close(slave)


def read_terminal(master):
    """What the terminal shows now."""
    text = b''
    while select.select([master], [], [], 0)[0]:
        text += os.read(master, 65536)
    return text


def read_terminal_until(master, pattern):
    """What the terminal shows, as soon as it has what the regular expression means."""
    text = b''

    def is_there():
        nonlocal text
        text += read_terminal(master)
        return re.search(pattern, text)

    wait_for(is_there, f'{pattern} on the terminal')
    return text


def count_unread(stream):
    """How many bytes are in a pipe."""
    return struct.unpack('i', fcntl.ioctl(stream, termios.FIONREAD, bytes(4)))[0]


def catches(process, number):
    """Whether the program has a handler of a signal."""
    with open(f'/proc/{process.pid}/status', encoding='ascii') as status:
        mask = next(line.split()[1] for line in status if line.startswith('SigCgt'))
    return int(mask, 16) >> (number - 1) & 1 == 1


def settle(process):
    """Waits until the program does not get on: it has not read or written anything for a while."""
    moved, last = time.monotonic(), None

    def has_settled():
        nonlocal moved, last
        with open(f'/proc/{process.pid}/io', encoding='ascii') as counters:
            now = counters.read()
        if now != last:
            moved, last = time.monotonic(), now
        return time.monotonic() - moved > 0.3

    wait_for(has_settled, 'the program to get stuck')


def peak_kib(process):
    """The most memory that the program, and not the one that started it, has had."""
    with open(f'/proc/{process.pid}/status', encoding='ascii') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('VmHWM'))
