# SPDX-License-Identifier: LGPL-2.1-or-later
"""A list of a million rows in a window: all of it is scrolled through, in frames that cost little, in little memory."""

import json
import os
import subprocess
import sys

import desktop

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXAMPLE = os.path.join(os.path.dirname(TESTS), 'examples', 'gtk', 'rows.py')
N_ROWS = 1_000_000

reason = desktop.missing()
if reason:
    print(f'1..0 # SKIP {reason}')
    sys.exit(0)

sys.path.insert(0, os.path.join(TESTS, 'python'))
from tap import equal, main

from gi.repository import Tornadis


async def test_million(server):
    client = Tornadis.Client(unix_domain_socket=server.get_socket_path())
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA')
    for first in range(0, N_ROWS, 100_000):
        await client.call('EVAL', "for i = ARGV[1], ARGV[1] + 99999 do redis.call('RPUSH', 'log', string.format('row %d', i)) end",
                          0, first)
    done = subprocess.run([sys.executable, os.path.join(TESTS, 'gtk', 'scroll.py'), EXAMPLE,
                           f'redis://127.0.0.1:{server.get_port()}', 'log'],
                          stdout=subprocess.PIPE, timeout=desktop.PATIENCE * 5, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    times = sorted(told['times'])
    print(f'# {len(times)} frames, {1000 * times[len(times) // 2]:.1f} ms of CPU for the median, {1000 * times[-1]:.1f} ms for '
          f'the longest, {sum(each > 1 / 60 for each in times)} over 16.7 ms; {told["memory"]} KiB more')
    equal(told['n'], N_ROWS)
    equal(told['last'][-1], f'row {N_ROWS - 1}')
    assert f'row {N_ROWS - 1}' in told['texts'], told['texts']
    assert told['memory'] < 50 * 1024, told['memory']


with desktop.session():
    main(sys.modules[__name__])
