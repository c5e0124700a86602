# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the examples as a user would: the programs of the directory and with the suffix that the command line names."""

import os
import signal
import subprocess
import sys
import threading

from tap import equal

from gi.repository import GLib, Tornadis

DIRECTORY, SUFFIX = sys.argv[1:]
SECONDS = 60 * int(os.environ.get('TORNADIS_TEST_SLOW', '1'))
NOWHERE = 'redis://127.0.0.1:1'


def command(name, *args):
    path = os.path.join(DIRECTORY, name + SUFFIX)
    return [*([sys.executable] if SUFFIX == '.py' else []), path, *args]


def run(name, *args):
    """The exit status of an example that ends by itself, and what it wrote."""
    done = subprocess.run(command(name, *args), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=SECONDS)
    return done.returncode, done.stdout, done.stderr


class Program:
    """An example that goes on until it is told to end. What does not end in time is killed."""

    def __init__(self, name, *args):
        self.process = subprocess.Popen(command(name, *args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.timer = threading.Timer(2 * SECONDS, self.process.kill)
        self.timer.daemon = True
        self.timer.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.timer.cancel()
        if self.process.poll() is None:
            self.process.kill()
        _, stderr = self.process.communicate()
        if exception[0] is not None and stderr:
            print('# ' + stderr.rstrip().replace('\n', '\n# '), file=sys.stderr, flush=True)

    def line(self):
        return self.process.stdout.readline().rstrip('\n')

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def count_files(self):
        return len(os.listdir(f'/proc/{self.process.pid}/fd'))

    async def end(self):
        """The exit status, and what it wrote since; the main loop goes on meanwhile."""
        await until(lambda: self.process.poll() is not None)
        return (self.process.returncode, *self.process.communicate())


async def until(condition):
    """Waits for a condition, or for a coroutine function to give what is true; gives that."""
    deadline = GLib.get_monotonic_time() + SECONDS * GLib.USEC_PER_SEC
    while True:
        value = condition()
        if hasattr(value, '__await__'):
            value = await value
        if value:
            return value
        assert GLib.get_monotonic_time() < deadline, 'it does not happen'
        await Tornadis.sleep(0.01)


def fails_clearly(name, *args, message):
    """One line that says what is wrong, and nothing else."""
    status, stdout, stderr = run(name, *args)
    equal((status, stdout), (1, ''))
    assert message in stderr and stderr.startswith(f'{name}: ') and stderr.count('\n') == 1, stderr


def uri(server):
    return f'unix://{server.get_socket_path()}'


def admin(server):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path(), decode=True)
