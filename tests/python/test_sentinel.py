# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that has changed its URI and nothing else, while the master dies."""

import sys

from tap import equal, main, raises_async, wait_until

from gi.repository import Tornadis, TornadisHarness


async def call_until_ok(call, *args):
    """Everything that fails does so in a way that is promised."""
    while True:
        try:
            return await call(*args)
        except Tornadis.TornadisException as error:
            assert any(error.matches(Tornadis.error_quark(), code) for code in (
                Tornadis.Error.LOST, Tornadis.Error.CLOSED, Tornadis.Error.CONNECT)), error
            await Tornadis.sleep(.001)


def kill_master(group):
    group.get_server(group.find_master()).kill()


async def test_client(server):
    group = TornadisHarness.Sentinel.new(None, None)
    client = Tornadis.Client.new_for_uri(group.make_uri(None))
    equal(await client.call('SET', 'key', 'value'), b'OK')
    equal(await client.call('WAIT', 2, 0), 2)
    kill_master(group)
    equal(await call_until_ok(client.call, 'GET', 'key'), b'value')
    equal((await client.call('ROLE'))[0], b'master')
    equal(client.get_plugins().get_item(0).props.switches, 1)
    client.close()


async def test_pool(server):
    group = TornadisHarness.Sentinel.new(None, None)
    pool = Tornadis.ClientPool(template=Tornadis.Client.new_for_uri(group.make_uri(None)), max_size=5)
    for task in [Tornadis.spawn(pool.call('INCR', 'n')) for _ in range(50)]:
        await task
    kill_master(group)
    for task in [Tornadis.spawn(call_until_ok(pool.call, 'ROLE')) for _ in range(50)]:
        equal((await task)[0], b'master')
    pool.destroy()


async def test_pub_sub(server):
    group = TornadisHarness.Sentinel.new(None, None)
    subscriber = Tornadis.PubSubClient.new_for_uri(group.make_uri(None))
    client = Tornadis.Client.new_for_uri(group.make_uri(None))
    gaps, texts = [], []
    subscriber.connect('gap', lambda subscriber: gaps.append(None))
    subscriber.connect('message', lambda subscriber, message: texts.append(message.get_text()))
    await subscriber.subscribe('news')
    equal(await client.call('PUBLISH', 'news', 'before'), 1)
    await wait_until(lambda: texts == ['before'])
    kill_master(group)
    await wait_until(lambda: len(gaps) == 1)
    equal(await call_until_ok(client.call, 'PUBLISH', 'news', 'after'), 1)
    await wait_until(lambda: texts == ['before', 'after'])
    subscriber.close()
    client.close()


async def test_errors(server):
    error = await raises_async(Tornadis.ConnectionError,
                               Tornadis.Client.new_for_uri('redis-sentinel://127.0.0.1:1/main').call('PING'))
    assert 'no sentinel says where “main” is' in error.message, error.message
    try:
        Tornadis.Client.new_for_uri('redis-sentinel://127.0.0.1:1')
        raise AssertionError('a URI without a name')
    except Tornadis.ClientError as error:
        assert 'the name of the master is missing' in error.message, error.message


main(sys.modules[__name__])
