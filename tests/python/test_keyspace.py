# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys that change: started, told of, and turned on."""

import sys

from tap import equal, main, raises_async, wait_until

from gi.repository import Tornadis


def make_client(server, **options):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path(), **options)


async def test_changed(server):
    client = make_client(server)
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA')
    told, expired = [], []
    async with Tornadis.Keyspace(client, 'user:*') as keyspace:
        keyspace.connect('changed', lambda keyspace, key, event: told.append((event, key.get_data())))
        keyspace.connect('changed::expired', lambda keyspace, key, event: expired.append(key.get_data()))
        equal((keyspace.props.active, keyspace.props.checked, keyspace.props.has_subkeys), (True, True, False))
        equal(repr(keyspace), "<Tornadis.Keyspace of 'user:*', active>")
        await client.call('SET', b'user:\xff', 'x', 'PX', 1)
        await client.call('SET', 'other', 'x')
        await wait_until(lambda: expired)
        equal(told, [('set', b'user:\xff'), ('expire', b'user:\xff'), ('expired', b'user:\xff')])
        equal(expired, [b'user:\xff'])
    equal(keyspace.props.active, False)
    equal(repr(Tornadis.Keyspace(client)), '<Tornadis.Keyspace of all keys, not started>')


async def test_off(server):
    client = make_client(server)
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', '')
    error = await raises_async(Tornadis.ClientError, Tornadis.Keyspace(client).start())
    assert error.matches(Tornadis.error_quark(), Tornadis.Error.USAGE) and 'off' in str(error), error
    keyspace = Tornadis.Keyspace(client, b'\xff*', configure=True, classes='$')
    equal(await keyspace.start(timeout=60), keyspace)
    equal(await client.call('CONFIG', 'GET', 'notify-keyspace-events'), {b'notify-keyspace-events': b'$K'})
    told = []
    keyspace.connect('changed::set', lambda keyspace, key, event: told.append(key.get_data()))
    await client.call('SET', b'\xff\0', 'x')
    await wait_until(lambda: told)
    equal(told, [b'\xff\0'])
    await raises_async(Tornadis.ClientError, keyspace.start())
    keyspace.stop()


async def test_as_in_c(server):
    client = make_client(server)
    keyspace = Tornadis.Keyspace(client, event='set', db=0, subkeys=True, configure=True, classes='$')
    equal((keyspace.get_client(), keyspace.get_pattern(), keyspace.get_event(), keyspace.get_db(), keyspace.get_subkeys(),
           keyspace.get_configure(), keyspace.get_classes(), keyspace.get_active(), keyspace.get_checked(),
           keyspace.get_has_subkeys()), (client, None, 'set', 0, True, True, '$', False, False, False))
    started = []
    keyspace.start_async(None, lambda keyspace, result: started.append(keyspace.start_finish(result)))
    await wait_until(lambda: started)
    equal((started, keyspace.get_active(), keyspace.get_checked()), ([True], True, True))
    keyspace.stop()


async def test_like(server):
    """The pub/sub client that is like another."""
    client = make_client(server, db=3, client_name='ears')
    pubsub = Tornadis.PubSubClient.new_like(client)
    equal((type(pubsub), pubsub.props.db, pubsub.props.client_name), (Tornadis.PubSubClient, 3, 'ears'))
    await pubsub.subscribe('news')
    equal(await client.call('PUBLISH', 'news', 'x'), 1)
    equal((await pubsub.pop_message(60)).text, 'x')
    pubsub.close()


main(sys.modules[__name__])
