# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tour of the library in Python, against a private server: its unix socket is in TORNADIS_TOUR_SOCKET, and the
command in TORNADIS_TOUR_RESTART restarts it."""

import os
import subprocess

import gi
gi.require_version('Tornadis', '1.0')
from gi.repository import Tornadis

SERVER = {'unix_domain_socket': os.environ['TORNADIS_TOUR_SOCKET']}


def heading(text):
    print(f'\n-- {text}', flush=True)


def expect(value, expected):
    """The tour is a test too."""
    if value != expected:
        raise SystemExit(f'Not as expected: {value!r} instead of {expected!r}')


async def show(client, *args):
    reply = await client.call(*args)
    print(*args, '->', reply, flush=True)
    return reply


async def calls(client):
    heading('Calls')
    expect(await show(client, 'SET', 'greeting', 'hello'), b'OK')
    await show(client, 'INCRBY', 'visits', 42)
    await show(client, 'HSET', 'planet', 'name', 'Earth', 'moons', 1)
    expect(await show(client, 'HGETALL', 'planet'), {b'name': b'Earth', b'moons': b'1'})

    heading('A value of any bytes')
    await show(client, 'SET', 'binary', b'a\0\xff\r\n')
    expect(await show(client, 'GET', 'binary'), b'a\0\xff\r\n')

    heading('An error of the server')
    try:
        await client.call('LPUSH', 'greeting', 'x')
    except Tornadis.ReplyError as error:
        print('prefix', error.prefix, '-', error)
        expect(error.prefix, 'WRONGTYPE')


async def pipelines(client):
    heading('A pipeline, with an error among the replies')
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('SET', 'foo', 'bar')
    pipeline.stack_call('LPUSH', 'foo', 'x')
    pipeline.stack_call('GET', 'foo')
    replies = await client.call(pipeline)
    print(replies)
    expect((replies[0], replies[2]), (b'OK', b'bar'))
    expect(isinstance(replies[1], Tornadis.ReplyError), True)

    heading('A transaction')
    pipeline = Tornadis.Pipeline(atomic=True)
    pipeline.stack_call('INCR', 'visits')
    pipeline.stack_call('INCR', 'visits')
    replies = await client.call(pipeline)
    print(replies)
    expect(replies[1] - replies[0], 1)


async def pub_sub_signals(client, pub_sub, received):
    heading('Pub/sub: signals, and messages to pop')

    def on_message(_, message):
        print(f'signal: {message.channel} says {message.text!r}', flush=True)
        received.append(message.text)

    pub_sub.connect('message::news', on_message)
    await pub_sub.subscribe('news')
    await pub_sub.psubscribe('log.*')
    await show(client, 'PUBLISH', 'news', 'the sun is up')
    await show(client, 'PUBLISH', 'log.door', 'open')
    message = await pub_sub.pop_message(5)
    print(f'popped: {message.channel} says {message.text!r}, by {message.pattern}')
    expect(received, ['the sun is up'])


async def pool(template):
    heading('A pool: one client waits for a job, another brings it')
    clients = Tornadis.ClientPool(max_size=4, template=template)
    async with clients.connected_client() as client:
        job = client.call('BLPOP', 'jobs', 10)
        await clients.call('LPUSH', 'jobs', 'paint the fence')
        expect((await job)[1], b'paint the fence')
        print(await job, f'({clients.props.size} clients)')


async def plugin(client):
    heading('A plugin: one line for each call')
    log = client.add_plugin_by_name('log')
    await client.call('GET', 'greeting')
    client.remove_plugin(log)


async def restart(client, pub_sub, received):
    heading('The server is restarted')
    gaps = []
    pub_sub.connect('gap', lambda _: gaps.append(True))
    subprocess.run(os.environ['TORNADIS_TOUR_RESTART'], shell=True, check=True)

    reply = None
    while reply is None:
        try:
            reply = await show(client, 'PING')
        except Tornadis.ConnectionError as error:
            print('PING ->', error)
    while not gaps:
        await Tornadis.sleep(0.05)
    print('signal: the subscriptions are restored, messages may be missing')
    await show(client, 'PUBLISH', 'news', 'all is well again')
    while len(received) < 2:
        await Tornadis.sleep(0.05)


async def main():
    client = Tornadis.Client(**SERVER)
    pub_sub = Tornadis.PubSubClient(**SERVER)
    received = []

    await calls(client)
    await pipelines(client)
    await pub_sub_signals(client, pub_sub, received)
    await pool(client)
    await plugin(client)
    await restart(client, pub_sub, received)


Tornadis.run(main())
