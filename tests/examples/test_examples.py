# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each example prints, and that it does what it prints."""

import sys

from tap import equal, main

from gi.repository import TornadisHarness

from programs import NOWHERE, Program, admin, fails_clearly, run, uri

NAMES = ('callback', 'connected-client', 'coroutine', 'pipeline', 'pub-sub')


async def test_coroutine(server):
    client = admin(server)
    equal(run('coroutine', uri(server)), (0, 'Ada is user 1\n', ''))
    equal(run('coroutine', f'redis://127.0.0.1:{server.get_port()}'), (0, 'Ada is user 2\n', ''))
    equal(await client.call('HGETALL', 'user:2'), {'name': 'Ada'})


async def test_coroutine_error(server):
    """What the server refuses comes out at the end of the chain, whichever step it was."""
    client = admin(server)
    await client.call('SET', 'users', 'many')
    fails_clearly('coroutine', uri(server), message='not an integer')
    await client.call('SET', 'users', 4)
    await client.call('SET', 'user:5', 'a string')
    fails_clearly('coroutine', uri(server), message='WRONGTYPE')


async def test_callback(server):
    client = admin(server)
    equal(run('callback', uri(server)), (0, 'PING: PONG\nGET: hello\n', ''))
    equal(await client.call('GET', 'greeting'), 'hello')


async def test_connected_client(server):
    client = admin(server)
    equal(run('connected-client', uri(server)), (0, 'number: 42\n', ''))
    equal(run('connected-client', uri(server)), (0, 'number: 84\n', ''))
    equal(await client.call('GET', 'number'), '84')


def test_connected_client_again(_server):
    """The transaction that did nothing, because somebody else had changed the number, is tried again."""
    attempt = ['expect WATCH', 'send "+OK\\r\\n"', 'expect GET', 'send "$2\\r\\n{}\\r\\n"',
               'expect MULTI', 'expect SET', 'expect EXEC', 'send "+OK\\r\\n+QUEUED\\r\\n{}"']
    script = '\n'.join(['handshake', *attempt, *attempt, 'drain']).format(30, '*-1\\r\\n', 31, '*1\\r\\n+OK\\r\\n')
    peer = TornadisHarness.Peer.new(script)
    equal(run('connected-client', f'redis://127.0.0.1:{peer.get_port()}'), (0, 'number: 62\n', ''))
    equal(peer.get_failure(), None)


async def test_connected_client_error(server):
    client = admin(server)
    await client.call('RPUSH', 'number', 'a list')
    fails_clearly('connected-client', uri(server), message='WRONGTYPE')


async def test_pipeline(server):
    client = admin(server)
    equal(run('pipeline', uri(server)), (
        0, 'OK\nbar\nerror: WRONGTYPE Operation against a key holding the wrong kind of value\n3\n', ''))
    equal(await client.call('GET', 'foo'), 'bar')


async def test_pub_sub(server):
    publisher = admin(server)
    with Program('pub-sub', uri(server)) as program:
        equal(program.line(), 'subscribed')
        for channel, text in (('bar', 'hello'), ('foo1', 'by pattern'), ('other', 'nobody'), ('foo2', 'last')):
            equal(await publisher.call('PUBLISH', channel, text), 0 if channel == 'other' else 1)
        # The two ways in which C gets them are in no order.
        lines = [program.line() for _ in range(3)]
        equal(sorted(lines), ['bar: hello', 'foo1: by pattern', 'foo2: last'])
        assert lines.index('foo1: by pattern') < lines.index('foo2: last')
        await publisher.call('PUBLISH', 'bar', 'STOP')
        equal(await program.end(), (0, 'bar: STOP\n', ''))

    with Program('pub-sub', uri(server)) as program:
        equal(program.line(), 'subscribed')
        await publisher.call('PUBLISH', 'foo1', 'STOP')
        equal(await program.end(), (0, 'foo1: STOP\n', ''))
    equal(await publisher.call('PUBSUB', 'NUMPAT'), 0)


async def test_pub_sub_gap(server):
    publisher = admin(server)
    with Program('pub-sub', uri(server)) as program:
        equal(program.line(), 'subscribed')
        server.restart()
        equal(program.line(), 'there may be messages missing')
        equal(await publisher.call('PUBLISH', 'bar', 'STOP'), 1)
        equal(await program.end(), (0, 'bar: STOP\n', ''))


def test_no_server(_server):
    for name in NAMES:
        fails_clearly(name, NOWHERE, message='Could not connect to 127.0.0.1:1: Connection refused')


def test_bad_uri(_server):
    for name in NAMES:
        fails_clearly(name, 'gopher://localhost', message='Invalid URI')


main(sys.modules[__name__])
