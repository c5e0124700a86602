# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that has changed its URI and nothing else: the same story with one server and with a cluster."""

import sys

from tap import equal, main, raises, raises_async, wait_until

from gi.repository import Tornadis, TornadisHarness

# In slots of all masters.
NAMES = [f'name-{number}' for number in range(30)]


def flatten(pairs):
    return [part for pair in pairs for part in pair]


async def tell_of_values(client):
    equal(await client.connect_client(), client)
    equal((client.is_connected(), client.props.state), (True, Tornadis.ClientState.CONNECTED))
    for name in NAMES:
        equal(await client.call('SET', name, name.encode() + b'\0\xff'), b'OK')
    for name in NAMES:
        equal(await client.call('GET', name), name.encode() + b'\0\xff')
    equal(await client.call('INCRBY', 'number', 5), 5)
    equal(await client.call('HSET', 'hash', 'a', 1, 'b', 2), 2)
    equal(await client.call('HGETALL', 'hash'), {b'a': b'1', b'b': b'2'})
    equal(await client.call('EVAL', 'return {KEYS[1], ARGV[1]}', 1, 'key', 'value'), [b'key', b'value'])
    error = await raises_async(Tornadis.ReplyError, client.call('INCR', 'hash'))
    equal(error.prefix, 'WRONGTYPE')


async def tell_of_many_keys(client):
    await client.call('FLUSHALL')
    equal(await client.call('MSET', *flatten((name, name[5:]) for name in NAMES)), b'OK')
    equal(await client.call('MGET', 'none', *NAMES, 'none', NAMES[0]),
          [None, *(name[5:].encode() for name in NAMES), None, b'0'])
    equal(await client.call('EXISTS', *NAMES, 'none', NAMES[0]), 31)
    equal(await client.call('DBSIZE'), 30)
    names = sorted(name.encode() for name in NAMES)
    equal(sorted(await client.call('KEYS', '*')), names)
    cursor, scanned = b'0', set()
    while True:
        cursor, keys = await client.call('SCAN', cursor, 'COUNT', 3)
        scanned.update(keys)
        if cursor == b'0':
            break
    equal(sorted(scanned), names)
    equal(await client.call('DEL', *NAMES, 'none'), 30)
    equal(await client.call('DBSIZE'), 0)


async def tell_of_pipelines(client):
    pipeline = Tornadis.Pipeline()
    for name in NAMES:
        pipeline.stack_call('SET', name, name)
        pipeline.stack_call('INCR', name)
        pipeline.stack_call('GET', name)
    replies = await client.call(pipeline)
    equal(len(replies), 90)
    for index, name in enumerate(NAMES):
        equal((replies[3 * index], replies[3 * index + 2]), (b'OK', name.encode()))
        equal((type(replies[3 * index + 1]), replies[3 * index + 1].prefix), (Tornadis.ReplyError, 'ERR'))
    # What is for several nodes keeps its place among the others.
    mixed = Tornadis.Pipeline()
    for value in 'new', 'newer':
        mixed.stack_call('SET', NAMES[0], value)
        mixed.stack_call('MGET', NAMES[0], NAMES[1])
    mixed.stack_call('DEL', *NAMES)
    mixed.stack_call('MSET', *flatten((name, name) for name in NAMES))
    mixed.stack_call('GET', NAMES[2])
    equal(await client.call(mixed), [b'OK', [b'new', b'name-1'], b'OK', [b'newer', b'name-1'], 30, b'OK', b'name-2'])


async def tell_of_transactions(client):
    pipeline = Tornadis.Pipeline(atomic=True)
    pipeline.stack_call('SET', '{order:1}:state', 'paid')
    pipeline.stack_call('RPUSH', '{order:1}:log', 'a', 'b')
    pipeline.stack_call('LRANGE', '{order:1}:log', 0, -1)
    equal(await client.call(pipeline), [b'OK', 2, [b'a', b'b']])


async def tell_of_watches(pool, client):
    """By hand, on a client of one's own; a change between the two makes it void."""
    async with pool.connected_client() as own:
        for changes in True, False:
            await own.call('WATCH', '{order:1}:state')
            equal(own.is_in_transaction(), True)
            state = await own.call('GET', '{order:1}:state')
            if changes:
                await client.call('SET', '{order:1}:state', 'sent')
            equal(await own.call('MULTI'), b'OK')
            equal(await own.call('SET', '{order:1}:before', state), b'QUEUED')
            equal(await own.call('GET', '{order:1}:before'), b'QUEUED')
            equal(await own.call('EXEC'), None if changes else [b'OK', b'sent'])
            equal(own.is_in_transaction(), False)


async def tell_of_pools(pool):
    tasks = [Tornadis.spawn(pool.call('INCR', name)) for name in ['count', *NAMES] for _ in range(3)]
    values = [await task for task in tasks if not await is_refused(task)]
    equal(sorted(values), [1, 2, 3])
    blocked = Tornadis.spawn(pool.call('BLPOP', 'queue', 0))
    await pool.call('RPUSH', 'queue', 'job')
    equal(await blocked, [b'queue', b'job'])


async def is_refused(task):
    """What the other keys have is no number."""
    try:
        await task
    except Tornadis.ReplyError:
        return True
    return False


async def tell_of_messages(uri, client):
    pubsub = Tornadis.PubSubClient.new_for_uri(uri)
    equal(await pubsub.subscribe('news', 'other'), pubsub)
    equal(await pubsub.psubscribe('p*'), pubsub)
    await client.call('PUBLISH', 'news', b'\0\xff')
    await client.call('PUBLISH', 'pp', 'by pattern')
    first, second = await pubsub.pop_message(60), await pubsub.pop_message(60)
    equal(sorted((each.channel, each.payload, each.pattern) for each in (first, second)),
          [('news', b'\0\xff', None), ('pp', b'by pattern', 'p*')])
    equal(await pubsub.unsubscribe('news'), pubsub)
    await pubsub.punsubscribe()
    await pubsub.unsubscribe()

    # Shard channels of as many nodes as there are.
    equal(await pubsub.ssubscribe(*NAMES, b'\xff'), pubsub)
    for name in [*NAMES, b'\xff']:
        await client.call('SPUBLISH', name, name)
    messages = [await pubsub.pop_message(60) for _ in range(len(NAMES) + 1)]
    equal(sorted((each.get_channel_bytes().get_data(), each.payload, each.shard) for each in messages),
          sorted((name, name, True) for name in [*(name.encode() for name in NAMES), b'\xff']))
    equal(await pubsub.sunsubscribe(), pubsub)
    await client.call('SPUBLISH', NAMES[0], 'nobody')
    equal(pubsub.props.subscribed, False)
    pubsub.close()


async def tell(uri):
    client = Tornadis.Client.new_for_uri(uri)
    pool = Tornadis.ClientPool(template=client, max_size=4)
    await tell_of_values(client)
    await tell_of_many_keys(client)
    await tell_of_pipelines(client)
    await tell_of_transactions(client)
    await tell_of_watches(pool, client)
    await tell_of_pools(pool)
    await tell_of_messages(uri, client)
    pool.destroy()
    client.close()
    equal(client.is_connected(), False)
    equal(await client.call('GET', NAMES[0]), NAMES[0].encode())
    client.close()


async def test_one_server(server):
    await tell(f'redis://127.0.0.1:{server.get_port()}')


async def test_cluster(server):
    cluster = TornadisHarness.Cluster.new(3, 0, None)
    await tell(f'redis-cluster://{cluster.get_hosts(False)}')


async def test_shard_channels_move(server):
    """One channel goes to another node and back: none of its messages comes twice, and a gap is told of."""
    cluster = TornadisHarness.Cluster.new(3, 0, None)
    uri = f'redis-cluster://{cluster.get_hosts(False)}'
    client, pubsub = Tornadis.Client.new_for_uri(uri), Tornadis.PubSubClient.new_for_uri(uri)
    seen, gaps = [], []
    pubsub.connect('message', lambda _, message: seen.append((message.channel, int(message.text))))
    pubsub.connect('gap', lambda _: gaps.append(len(seen)))
    await pubsub.ssubscribe(*NAMES)
    slot = cluster.find_slot(NAMES[0])
    home = cluster.find_master(slot)
    number = 0
    for node in (home + 1) % 3, home:
        before = len(gaps)
        cluster.migrate_slot(slot, node)
        while len(gaps) == before or (NAMES[0], number) not in seen:
            number += 1
            for name in NAMES:
                await client.call('SPUBLISH', name, number)
            await Tornadis.sleep(0.001)
    while seen.count((NAMES[-1], number)) == 0:
        await Tornadis.sleep(0.001)
    equal(len(seen), len(set(seen)))
    others = [each for each in seen if each[0] in NAMES[1:2]]
    equal(others, [(NAMES[1], n) for n in range(1, number + 1)])
    client.close()
    pubsub.close()


async def test_read_from(server):
    """A replica answers what only reads, as soon as it has it."""
    cluster = TornadisHarness.Cluster.new(3, 1, None)
    writer, reader = (Tornadis.Client.new_for_uri(f'redis-cluster://{cluster.get_hosts(False)}?read-from={who}')
                      for who in ('master', 'replica'))
    for name in NAMES:
        await writer.call('SET', name, name)
    for name in NAMES:
        while await reader.call('GET', name) is None:
            pass
        equal(await reader.call('GET', name), name.encode())
    equal(await reader.call('INCR', 'n'), 1)
    plugin = reader.get_plugins().get_item(0)
    equal((plugin.props.read_from, plugin.props.redirects), ('replica', 0))
    reads = [int(cluster.command(index, 'INFO commandstats').partition('cmdstat_get:calls=')[2].partition(',')[0] or 0)
             for index in range(6)]
    masters = {cluster.find_master(slot) for slot in (0, 8000, 16000)}
    equal([reads[index] for index in masters], [0, 0, 0])
    assert sum(reads) >= 2 * len(NAMES), reads


async def test_what_is_refused(server):
    cluster = TornadisHarness.Cluster.new(3, 0, None)
    uri = f'redis-cluster://{cluster.get_hosts(False)}'
    client = Tornadis.Client.new_for_uri(uri)
    over_two_slots = Tornadis.Pipeline(atomic=True)
    over_two_slots.stack_call('SET', NAMES[0], '')
    over_two_slots.stack_call('SET', NAMES[1], '')
    for call in client.call(over_two_slots), client.call('RENAME', *NAMES[:2]), client.call('SELECT', 0), \
            client.call('MSETNX', *NAMES[:4]):
        equal((await raises_async(Tornadis.ClientError, call)).code, Tornadis.Error.USAGE)
    equal(await client.call('DBSIZE'), 0)
    for bad in 'redis-cluster://h/name', 'redis-cluster://h,', 'redis-cluster://h?read-from=others':
        raises(Tornadis.ClientError, Tornadis.Client.new_for_uri, bad)
    nowhere = Tornadis.Client.new_for_uri('redis-cluster://127.0.0.1:1')
    equal((await raises_async(Tornadis.ConnectionError, nowhere.call('PING'))).code, Tornadis.Error.CONNECT)
    equal(nowhere.props.title, 'cluster of 127.0.0.1:1')
    # One that is no cluster.
    alone = Tornadis.Client.new_for_uri(f'redis-cluster://127.0.0.1:{server.get_port()}')
    await raises_async(Tornadis.TornadisException, alone.call('PING'))


async def test_timeout(server):
    """What has a time of its own tells the plugins of its node when that is over."""
    cluster = TornadisHarness.Cluster.new(3, 0, None)
    node = cluster.get_node(cluster.find_master(cluster.find_slot(NAMES[0])))
    for args in ['GET', NAMES[0]], ['BLPOP', NAMES[0], 0]:
        client = Tornadis.Client.new_for_uri(f'redis-cluster://{cluster.get_hosts(False)}')
        limit = client.add_plugin_by_name('limit')
        await client.call('GET', NAMES[0])
        limit.props.error_rate, limit.props.min_calls, limit.props.open_msec = 0.1, 1, 60000
        node.pause()
        error = await raises_async(Tornadis.ConnectionError, client.call(*args, timeout=.05))
        node.resume()
        equal((error.code, len(limit.props.open_servers)), (Tornadis.Error.TIMEOUT, 1))
        client.close()


async def test_removed(server):
    """Without the plugin it is a client of one server, to which no call goes that was made before."""
    peer = TornadisHarness.Peer.new('wait\n')
    client = Tornadis.Client.new_for_uri(f'redis-cluster://127.0.0.1:{peer.get_port()}')
    client.props.host, client.props.port = '127.0.0.1', server.get_port()
    calls = [client.call('SET', 'key', 'value'), client.call('PING')]
    await wait_until(lambda: peer.get_n_connections() == 1)
    equal(client.remove_plugin(client.get_plugins().get_item(0)), True)
    for call in calls:
        error = await raises_async(Tornadis.ConnectionError, call)
        equal((error.code, 'the plugin was removed' in error.message), (Tornadis.Error.CLOSED, True))
    equal(client.props.title, f'127.0.0.1:{server.get_port()}')
    equal(await client.call('EXISTS', 'key'), 0)


main(sys.modules[__name__])
