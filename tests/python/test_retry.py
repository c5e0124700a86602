# SPDX-License-Identifier: LGPL-2.1-or-later
"""The plugins retry and limit, from Python."""

import sys

from tap import equal, main, raises_async

from gi.repository import GLib, Tornadis


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
