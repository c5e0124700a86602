# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two windows of two programs that show one record follow each other."""

import os
import subprocess
import sys

import desktop

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

reason = desktop.missing()
if reason:
    print(f'1..0 # SKIP {reason}')
    sys.exit(0)

sys.path.insert(0, os.path.join(TESTS, 'python'))
from tap import equal, main

from gi.repository import Tornadis


class Window:
    """A program with a window."""

    def __init__(self, server):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(TESTS, 'gtk', 'lamp.py'), server.get_socket_path()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self):
        return self.process.stdout.readline().rstrip('\n')

    def do(self, what):
        self.process.stdin.write(f'{what}\n')
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        equal(self.process.wait(), 0)
        # Nothing was shown that was not looked at.
        equal(self.process.stdout.read(), '')


async def test_windows(server):
    client = Tornadis.Client(unix_domain_socket=server.get_socket_path())
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA')
    await client.call('HSET', 'lamp', 'on', 1, 'label', 'kitchen')
    one, two = Window(server), Window(server)
    equal((one.read(), two.read()), ('on kitchen', 'on kitchen'))
    one.do('switch')
    equal((one.read(), two.read()), ('off kitchen', 'off kitchen'))
    two.do('text hall')
    equal((two.read(), one.read()), ('off hall', 'off hall'))
    equal(await client.call('HMGET', 'lamp', 'on', 'label'), [b'0', b'hall'])
    one.close()
    two.close()


with desktop.session():
    main(sys.modules[__name__])
