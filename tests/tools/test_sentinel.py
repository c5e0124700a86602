# SPDX-License-Identifier: LGPL-2.1-or-later
"""The URI of sentinels, also when the master has died."""

import sys
import time

from tap import equal, main
from tool import good, run

from gi.repository import TornadisHarness


def run_until_good(server, uri, *words):
    """A failover takes seconds, and the other replica some more."""
    result = run(server, 'call', uri, *words)
    while result.status != 0:
        assert 'Could not connect to main' in result.err, result
        time.sleep(.01)
        result = run(server, 'call', uri, *words)
    return good(result)


def test_call(server):
    group = TornadisHarness.Sentinel.new(None, None)
    uri = '--uri=' + group.make_uri('/1')
    equal(good(run(server, 'call', uri, 'SET', 'key', 'value')), b'OK\n')
    equal(good(run(server, 'call', uri, 'WAIT', '2', '0')), b'2\n')

    group.get_server(group.find_master()).kill()
    equal(run_until_good(server, uri, 'GET', 'key'), b'value\n')
    reader = '--uri=' + group.make_uri('?role=replica')
    equal(run_until_good(server, reader, 'ROLE').splitlines()[0], b'slave')


main(sys.modules[__name__])
