# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pub/sub: the messages of a channel and of all channels of a pattern, until one says STOP.

pub-sub.py [URI]

    redis-cli PUBLISH bar hello
    redis-cli PUBLISH foo1 STOP
"""

import signal
import sys

import gi
gi.require_version('Tornadis', '1.0')
from gi.repository import GLib, Tornadis


async def main(uri='redis://localhost'):
    client = Tornadis.PubSubClient.new_for_uri(uri)

    # The client subscribes again by itself when the connection was lost, but what was published meanwhile is lost.
    client.connect('gap', lambda _: print('there may be messages missing', flush=True))

    await client.subscribe('bar')
    await client.psubscribe('foo*')
    print('subscribed', flush=True)

    # Closing the client ends the iteration.
    for number in (signal.SIGINT, signal.SIGTERM):
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, client.disconnect_client)

    # A callback is the other way to get them: client.connect('message::bar', callback)
    async for message in client.messages():
        # A payload that is not text is in message.payload alone.
        print(f'{message.channel}: {message.text}', flush=True)
        if message.text == 'STOP':
            break

    client.disconnect_client()


try:
    Tornadis.run(main(*sys.argv[1:]))
except (GLib.Error, Tornadis.TornadisException) as error:
    sys.exit(f'pub-sub: {error}')
