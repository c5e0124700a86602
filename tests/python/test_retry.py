# SPDX-License-Identifier: LGPL-2.1-or-later
"""The plugins retry and limit, from Python."""

import sys

from tap import count_blocked, equal, main, raises_async, wait_until

from gi.repository import GLib, Tornadis, TornadisHarness


def make_client(server):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path())


async def test_retry(server):
    client = make_client(server)
    retry = client.add_plugin_by_name('retry')
    retry.props.max_attempts = 100
    retry.props.idempotent = ['set']
    equal(retry.props.idempotent, ['SET'])
    log = []

    def restart():
        server.restart()
        return GLib.SOURCE_REMOVE

    def retrying(plugin, client, name, attempt, delay_msec, error):
        if attempt == 3:
            GLib.idle_add(restart)
        log.append((name, attempt, error.matches(Tornadis.error_quark(), Tornadis.Error.CONNECT)))

    retry.connect('retrying', retrying)
    equal(await client.call('SET', 'k', 'v'), b'OK')
    equal(retry.props.retries, 0)

    server.kill()
    equal(await client.call('SET', 'k', 'new'), b'OK')
    equal(await client.call('GET', 'k'), b'new')
    equal(log[0], ('SET', 2, True))
    equal(retry.props.retries, len(log))
    equal(retry.props.gave_up, 0)


async def test_fault_14_pool(server):
    template = make_client(server)
    retry, metrics = template.add_plugin_by_name('retry'), template.add_plugin_by_name('metrics')
    retry.props.max_attempts = 1000
    retry.props.max_delay_msec = 10

    def restart():
        server.restart()
        return GLib.SOURCE_REMOVE

    async def take(pool):
        async with pool.connected_client() as client:
            return await client.call('PING')

    async def preconnect(pool):
        return (await pool.preconnect(2)).props.size

    ways = [lambda pool: pool.call('PING'), take, preconnect, lambda pool: template.connect_client()]
    for way, expected in zip(ways, (b'PONG', b'PONG', 2, template)):
        pool = Tornadis.ClientPool.new(template)
        before = retry.props.retries
        server.kill()
        failures = metrics.props.failures
        GLib.timeout_add(50, restart)
        equal(await way(pool), expected)
        assert retry.props.retries > before
        # And what is asked in the background.
        assert metrics.props.failures - failures >= retry.props.retries - before
        template.close()


async def test_fault_14_circuit(server):
    for way in (lambda pool: pool.call('PING'), lambda pool: pool.get_connected_client(), lambda pool: pool.preconnect(1)):
        template = Tornadis.Client(port=1)
        limit = template.add_plugin_by_name('limit')
        limit.props.error_rate = 0.5
        limit.props.min_calls = 2
        pool = Tornadis.ClientPool.new(template)
        for code in (Tornadis.Error.CONNECT, Tornadis.Error.CONNECT, Tornadis.Error.BUSY):
            try:
                await way(pool)
            except GLib.Error as error:
                equal(error.code, code)
        equal(limit.props.state.value_nick, 'open')
        equal(pool.props.size, 0)


async def test_timeout_of_one_call(server):
    """To plugins a call with a time of its own ends as with the client's: what counts failures counts this."""
    silent = TornadisHarness.Peer.new('drain\n')
    peer = {'host': '127.0.0.1', 'port': silent.get_port()}
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('PING')
    ways = {
        'client': lambda template: template.call('PING', timeout=.05),
        'pipeline': lambda template: template.call(pipeline, timeout=.05),
        'connect': lambda template: template.connect_client(timeout=.05),
        'pool': lambda template: Tornadis.ClientPool.new(template).call('PING', timeout=.05),
        'take': lambda template: Tornadis.ClientPool.new(template).get_connected_client(timeout=.05),
        'preconnect': lambda template: Tornadis.ClientPool.new(template).preconnect(1, timeout=.05),
    }
    for name, way in ways.items():
        template = Tornadis.Client(**peer)
        metrics, limit = template.add_plugin_by_name('metrics'), template.add_plugin_by_name('limit')
        limit.props.error_rate = 0.5
        limit.props.min_calls = 1
        error = await raises_async(Tornadis.ConnectionError, way(template))
        equal((name, error.code), (name, Tornadis.Error.TIMEOUT))
        equal((name, limit.props.state.value_nick), (name, 'open'))
        equal((name, metrics.props.failures), (name, 1))
        assert 'error_type="timeout"' in metrics.props.prometheus, (name, metrics.props.prometheus)
        template.close()
    # One that is cancelled says nothing about the server.
    template = Tornadis.Client(**peer)
    limit = template.add_plugin_by_name('limit')
    limit.props.error_rate = 0.5
    limit.props.min_calls = 1
    calls = [template.call('PING'), template.call('PING', timeout=60)]
    equal([call.cancel() for call in calls], [True, True])
    await Tornadis.sleep(0)
    equal(limit.props.state.value_nick, 'closed')
    template.close()


async def test_timeout_is_not_retried(server):
    """Nor while a plugin has it, where the server has no part in it."""
    template = make_client(server)
    retry, limit = template.add_plugin_by_name('retry'), template.add_plugin_by_name('limit')
    limit.props.max_in_flight = 1
    blocked = template.call('BLPOP', 'list', 0)
    await wait_until(lambda: count_blocked(server) == 1)
    error = await raises_async(Tornadis.ConnectionError, template.call('PING', timeout=.02))
    equal(error.code, Tornadis.Error.TIMEOUT)
    equal((retry.props.retries, limit.props.queued), (0, 0))
    blocked.cancel()


async def test_limit(server):
    client = make_client(server)
    limit = client.add_plugin_by_name('limit')
    limit.props.max_in_flight = 2
    limit.props.max_queued = 3
    calls = [client.call('ECHO', str(i)) for i in range(10)]
    for i, call in enumerate(calls[:5]):
        equal(await call, b'%d' % i)
    for call in calls[5:]:
        error = await raises_async(Tornadis.ClientError, call)
        equal(error.matches(Tornadis.error_quark(), Tornadis.Error.BUSY), True)
    equal((limit.props.in_flight, limit.props.queued, limit.props.refused), (0, 0, 5))


async def test_circuit(server):
    client = make_client(server)
    retry = client.add_plugin_by_name('retry')
    retry.props.max_delay_msec = 10
    limit = client.add_plugin_by_name('limit')
    limit.props.error_rate = 0.5
    limit.props.min_calls = 1
    limit.props.open_msec = 500
    states = []
    limit.connect('notify::state', lambda limit, pspec: states.append(limit.props.state.value_nick))
    equal(limit.props.state.value_nick, 'closed')

    server.kill()
    error = await raises_async(Tornadis.ClientError, client.call('GET', 'k'))
    equal(error.matches(Tornadis.error_quark(), Tornadis.Error.BUSY), True)
    equal(retry.props.retries, 1)

    server.restart()
    while limit.props.state.value_nick != 'half-open':
        await Tornadis.sleep(0.01)
    equal(await client.call('GET', 'k'), None)
    equal(states, ['open', 'half-open', 'closed'])


main(sys.modules[__name__])
