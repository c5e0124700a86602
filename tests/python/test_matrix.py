# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cases of the fault matrix that go through Python, see tests/README.md."""

import sys

from tap import equal, main, raises_async, wait_until

from gi.repository import Tornadis, TornadisHarness

GOOD = '---\nhandshake\necho-server\n'
THREE = 'handshake\nexpect ECHO\nexpect ECHO\nexpect ECHO\n'


def meet(script, **properties):
    peer = TornadisHarness.Peer.new(script)
    return peer, Tornadis.Client(host='127.0.0.1', port=peer.get_port(), **properties)


async def assert_ends(call, expected):
    """With a value, or an error of this code."""
    if isinstance(expected, bytes):
        equal(await call, expected)
    else:
        error = await raises_async(Tornadis.TornadisException, call)
        equal(error.matches(Tornadis.Error, expected), True)


async def assert_three_end(script, *expected):
    peer, client = meet(THREE + script + GOOD)
    calls = [client.call('ECHO', name) for name in ('first', 'second', 'third')]
    for call, each in zip(calls, expected):
        await assert_ends(call, each)
    await wait_until(lambda: not client.is_connected())
    equal(await client.call('ECHO', 'further'), b'further')
    equal(peer.get_n_connections(), 2)


async def test_lost(_):
    for end in 'reset', 'close', 'half-close\ndrain':
        await assert_three_end(f'send "$5\\r\\nfirst\\r\\n"\n{end}\n',
                               b'first', Tornadis.Error.LOST, Tornadis.Error.LOST)


async def test_garbage(_):
    await assert_three_end('send "$5\\r\\nfirst\\r\\nHTTP/1.1 400 Bad Request\\r\\n\\r\\n"\ndrain\n',
                           b'first', Tornadis.Error.PROTOCOL, Tornadis.Error.LOST)


async def test_unasked(_):
    peer, client = meet('handshake\necho-server 1\nwait\nsend "+forged\\r\\n"\ndrain\n' + GOOD)
    equal(await client.call('ECHO', 'early'), b'early')
    peer.go()
    await wait_until(lambda: not client.is_connected())
    equal(await client.call('ECHO', 'further'), b'further')
    equal(peer.get_n_connections(), 2)


async def test_forged(_):
    peer, client = meet('handshake\nexpect GET\nsend "-ERR no such user: x\\r\\n+forged\\r\\n"\ndrain\n' + GOOD)
    error = await raises_async(Tornadis.ReplyError, client.call('GET', 'x'))
    equal(error.message, 'ERR no such user: x')
    await wait_until(lambda: not client.is_connected())
    equal(await client.call('ECHO', 'further'), b'further')
    equal(peer.get_n_connections(), 2)


async def test_black_hole(_):
    """What comes too late is nobody's."""
    peer, client = meet('handshake\necho-server 1\nexpect ECHO\nwait\nsend "$4\\r\\nlate\\r\\n"\necho-server\n')
    equal(await client.call('ECHO', 'early'), b'early')
    client.props.call_timeout_msec = 100
    await assert_ends(client.call('ECHO', 'late'), Tornadis.Error.TIMEOUT)
    client.props.call_timeout_msec = 0
    further = client.call('ECHO', 'further')
    peer.go()
    equal(await further, b'further')
    equal(peer.get_n_connections(), 1)


async def test_pool(_):
    peer, template = meet('handshake\nexpect ECHO\nclose\n' + GOOD)
    pool = Tornadis.ClientPool(template=template, max_size=1)
    calls = [pool.call('ECHO', name) for name in ('first', 'second')]
    await assert_ends(calls[0], Tornadis.Error.LOST)
    await assert_ends(calls[1], b'second')
    pool.destroy()


main(sys.modules[__name__])
