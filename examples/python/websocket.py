# SPDX-License-Identifier: LGPL-2.1-or-later
"""A websocket server: every websocket gets elements of the list "jobs", and every element is sent to one of them.

websocket.py [URI [PORT]]; with 0 for the port it takes a free one
"""

import signal
import sys

import gi
gi.require_version('Soup', '3.0')
gi.require_version('Tornadis', '1.0')
from gi.repository import GLib, Soup, Tornadis


async def feed(websocket, pool, stopped):
    """Sends what BLPOP brings, which blocks its connection: hence a client that is this websocket's alone.

    BLPOP waits one second at a time, so that it completes soon after the websocket is closed. Cancelling it, or closing
    its connection, would lose an element that is just being sent; so it is waited for, and an element that comes too late
    is pushed back. What was sent counts as delivered, and waits in memory for a page that is slow: to be sure of both,
    use BLMOVE to a second list, and wait until the page confirms.
    """
    def is_open():
        return websocket.get_state() == Soup.WebsocketState.OPEN and not stopped.done()

    async with pool.connected_client() as client:
        while is_open():
            popped = await client.call('BLPOP', 'jobs', 1)
            if popped is not None and is_open():
                # Elements may be any bytes; a text message must be UTF-8.
                websocket.send_message(Soup.WebsocketDataType.BINARY, GLib.Bytes.new(popped[1]))
            elif popped is not None:
                await client.call('LPUSH', 'jobs', popped[1])


async def serve(websocket, pool, stopped):
    closed = Tornadis.Future()
    websocket.connect('closed', closed.set_result)
    code = Soup.WebsocketCloseCode.GOING_AWAY
    try:
        await feed(websocket, pool, stopped)
    except Tornadis.TornadisException as error:
        print('websocket:', error, file=sys.stderr)
        code = Soup.WebsocketCloseCode.SERVER_ERROR
    if websocket.get_state() == Soup.WebsocketState.OPEN:
        websocket.close(code, None)
    await closed


async def main(uri='redis://localhost', port='8080'):
    # From the hundredth on, websockets wait for a client.
    pool = Tornadis.ClientPool(template=Tornadis.Client.new_for_uri(uri), max_size=100)
    await pool.preconnect(1)
    sessions = set()
    stopped = Tornadis.Future()

    def on_websocket(_server, _message, _path, websocket):
        session = Tornadis.spawn(serve(websocket, pool, stopped))
        sessions.add(session)
        session.add_done_callback(sessions.discard)

    server = Soup.Server()
    server.add_websocket_handler('/', None, None, on_websocket)
    server.listen_local(int(port), Soup.ServerListenOptions.IPV4_ONLY)
    print(server.get_uris()[0].to_string(), flush=True)

    # A second signal terminates the program at once.
    for number in (signal.SIGINT, signal.SIGTERM):
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, stopped.set_result, None)
    await stopped
    server.disconnect()
    pool.destroy()
    for session in list(sessions):
        await session


try:
    Tornadis.run(main(*sys.argv[1:]))
except (GLib.Error, Tornadis.TornadisException) as error:
    sys.exit(f'websocket: {error}')
