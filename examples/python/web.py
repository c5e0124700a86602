# SPDX-License-Identifier: LGPL-2.1-or-later
"""A web server that counts its visits in Redis.

web.py [URI [PORT]]; with 0 for the port it takes a free one
"""

import signal
import sys

import gi
gi.require_version('Soup', '3.0')
gi.require_version('Tornadis', '1.0')
from gi.repository import GLib, Soup, Tornadis


def respond(message, status, text):
    message.set_status(status, None)
    message.set_response('text/plain', Soup.MemoryUse.COPY, f'{text}\n'.encode())


async def count(client, message):
    """Answers one request. One client serves any number of them at a time."""
    try:
        respond(message, Soup.Status.OK, f'Visit {await client.call("INCR", "visits")}')
    except Tornadis.TornadisException as error:
        # The next call connects again. What went wrong is no business of the visitor's.
        print('web:', error, file=sys.stderr)
        respond(message, Soup.Status.SERVICE_UNAVAILABLE, 'Try again later')
    message.unpause()


def on_request(_server, message, path, _query, client):
    if path != '/':
        respond(message, Soup.Status.NOT_FOUND, 'Not found')
    elif message.get_method() != 'GET':
        respond(message, Soup.Status.NOT_IMPLEMENTED, 'Only GET')
    else:
        # Not answered when this returns, but by the coroutine.
        message.pause()
        Tornadis.spawn(count(client, message))


async def main(uri='redis://localhost', port='8080'):
    client = Tornadis.Client.new_for_uri(uri)
    # Calls connect by themselves; but without a server there is no use in starting.
    await client.connect_client()

    server = Soup.Server()
    server.add_handler('/', on_request, client)
    server.listen_local(int(port), Soup.ServerListenOptions.IPV4_ONLY)
    print(server.get_uris()[0].to_string(), flush=True)

    stopped = Tornadis.Future()
    for number in (signal.SIGINT, signal.SIGTERM):
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, stopped.set_result, None)
    await stopped
    server.disconnect()


try:
    Tornadis.run(main(*sys.argv[1:]))
except (GLib.Error, Tornadis.TornadisException) as error:
    sys.exit(f'web: {error}')
