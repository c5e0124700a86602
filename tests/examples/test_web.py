# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples that serve: real requests, and real websockets."""

import http.client
import os
import signal
import socket
import struct
import sys
import threading

from tap import equal, main

import gi
from gi.repository import GLib, Tornadis

from programs import DIRECTORY, NOWHERE, SUFFIX, Program, admin, fails_clearly, until, uri

try:
    gi.require_version('Soup', '3.0')
except ValueError:
    print('1..0 # SKIP gir1.2-soup-3.0 is not installed')
    sys.exit(0)
if not os.path.exists(os.path.join(DIRECTORY, 'web' + SUFFIX)):
    print('1..0 # SKIP libsoup-3.0-dev was not installed when this was built')
    sys.exit(0)
from gi.repository import Soup


def start(name, server):
    program = Program(name, uri(server), '0')
    address = program.line()
    assert address.startswith('http://127.0.0.1:') and address.endswith('/'), address
    program.port = int(address[17:-1])
    return program


def request(port, method='GET', path='/'):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
    connection.request(method, path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


def only_says(end):
    """It ended well, having said no more than that Redis was not there."""
    status, stdout, stderr = end
    equal((status, stdout), (0, ''))
    assert all(line.startswith('web: ') for line in stderr.splitlines()), stderr
    return stderr


async def test_web(server):
    client = admin(server)
    with start('web', server) as program:
        connection = http.client.HTTPConnection('127.0.0.1', program.port, timeout=30)
        for visit in (1, 2, 3):
            connection.request('GET', '/')
            response = connection.getresponse()
            equal((response.status, response.getheader('Content-Type')), (200, 'text/plain'))
            equal(response.read(), b'Visit %d\n' % visit)
        connection.close()
        equal(request(program.port, path='/favicon.ico'), (404, 'Not found\n'))
        equal(request(program.port, method='POST'), (501, 'Only GET\n'))
        equal(await client.call('GET', 'visits'), '3')
        program.signal(signal.SIGTERM)
        equal(await program.end(), (0, '', ''))


async def test_web_many(server):
    """Requests do not wait for each other, and none is answered with another's reply."""
    with start('web', server) as program:
        answers = []
        server.pause()
        threads = [threading.Thread(target=lambda: answers.append(request(program.port))) for _ in range(30)]
        for thread in threads:
            thread.start()
        equal(request(program.port, path='/nothing')[0], 404)
        equal(answers, [])
        server.resume()
        for thread in threads:
            thread.join()
        equal(sorted(answers), sorted((200, f'Visit {i}\n') for i in range(1, 31)))
        program.signal(signal.SIGINT)
        equal(await program.end(), (0, '', ''))


async def test_web_visitor_gone(server):
    """A visitor who does not wait for the answer."""
    with start('web', server) as program:
        server.pause()
        for abrupt in (False, True):
            connection = http.client.HTTPConnection('127.0.0.1', program.port, timeout=30)
            connection.request('GET', '/')
            equal(request(program.port, path='/nothing')[0], 404)
            if abrupt:
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            connection.close()
        equal(request(program.port, path='/nothing')[0], 404)
        server.resume()
        equal(request(program.port)[0], 200)
        program.signal()
        equal(await program.end(), (0, '', ''))


async def test_web_stop_while_waiting(server):
    with start('web', server) as program:
        server.pause()
        connection = http.client.HTTPConnection('127.0.0.1', program.port, timeout=30)
        connection.request('GET', '/')
        equal(request(program.port, path='/nothing')[0], 404)
        program.signal()
        only_says(await program.end())
        server.resume()
        connection.close()


async def test_web_redis_gone(server):
    with start('web', server) as program:
        equal(request(program.port), (200, 'Visit 1\n'))
        server.kill()
        equal(request(program.port), (503, 'Try again later\n'))
        server.restart()
        await until(lambda: request(program.port)[0] == 200)
        program.signal()
        stderr = only_says(await program.end())
        assert 'while INCR waited' in stderr or 'Could not connect' in stderr, stderr


def test_no_server(_server):
    for name in ('web', 'websocket'):
        fails_clearly(name, NOWHERE, '0', message='Could not connect to 127.0.0.1:1: Connection refused')


def test_bad_uri(_server):
    for name in ('web', 'websocket'):
        fails_clearly(name, 'gopher://localhost', '0', message='Invalid URI')


def test_port_taken(server):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        for name in ('web', 'websocket'):
            fails_clearly(name, uri(server), str(taken.getsockname()[1]), message='Address already in use')


class Page:
    """The other end of a websocket."""

    def __init__(self, connection):
        self.connection = connection
        self.received = []
        connection.connect('message', lambda _, _kind, message: self.received.append(message.get_data()))

    @classmethod
    async def open(cls, port):
        opened = Tornadis.Future()

        def done(session, result):
            try:
                opened.set_result(session.websocket_connect_finish(result))
            except GLib.Error as error:
                opened.set_exception(error)

        message = Soup.Message.new('GET', f'ws://127.0.0.1:{port}/')
        Soup.Session().websocket_connect_async(message, None, None, GLib.PRIORITY_DEFAULT, None, done)
        return cls(await opened)

    def is_closed(self):
        return self.connection.get_state() == Soup.WebsocketState.CLOSED

    async def close(self):
        self.connection.close(Soup.WebsocketCloseCode.NORMAL, None)
        await until(self.is_closed)


async def waiting(client, count):
    """Waits until so many clients are in BLPOP."""
    async def has_count():
        return f'blocked_clients:{count}\r\n' in await client.call('INFO', 'clients')

    await until(has_count)


async def test_websocket(server):
    """Elements come in order, whatever bytes they are."""
    client = admin(server)
    elements = [b'one', 'zwölf'.encode(), b'\xff\x00', b'', b'x' * 100000, *(b'%d' % i for i in range(200))]
    await client.call('RPUSH', 'jobs', *elements[:3])
    with start('websocket', server) as program:
        page = await Page.open(program.port)
        await until(lambda: len(page.received) == 3)
        await waiting(client, 1)
        for element in elements[3:]:
            await client.call('RPUSH', 'jobs', element)
        await until(lambda: len(page.received) == len(elements))
        equal(page.received, elements)
        program.signal(signal.SIGTERM)
        equal(await program.end(), (0, '', ''))
        await until(page.is_closed)
        equal(page.connection.get_close_code(), Soup.WebsocketCloseCode.GOING_AWAY)


async def test_websocket_two(server):
    """Each element goes to one of them, in turns when both wait."""
    client = admin(server)
    with start('websocket', server) as program:
        pages = [await Page.open(program.port) for _ in range(2)]
        for i in range(10):
            await waiting(client, 2)
            await client.call('RPUSH', 'jobs', i)
            await until(lambda: sum(len(page.received) for page in pages) == i + 1)
        equal(sorted(pages[0].received + pages[1].received), [b'%d' % i for i in range(10)])
        assert all(page.received == sorted(page.received) and page.received for page in pages)
        program.signal(signal.SIGINT)
        equal(await program.end(), (0, '', ''))


async def test_websocket_close_one(server):
    """What the one that was closed still waits for comes to the other."""
    client = admin(server)
    with start('websocket', server) as program:
        pages = [await Page.open(program.port) for _ in range(2)]
        await waiting(client, 2)
        await pages[0].close()
        elements = [b'%d' % i for i in range(10)]
        for element in elements:
            await client.call('RPUSH', 'jobs', element)
        await until(lambda: len(pages[1].received) == len(elements))
        equal(sorted(pages[1].received), elements)
        equal(pages[0].received, [])
        await waiting(client, 1)
        equal(await client.call('EXISTS', 'jobs'), 0)
        program.signal()
        equal(await program.end(), (0, '', ''))


def vanishing(port, abrupt):
    """A websocket that goes away without a word."""
    plain = socket.create_connection(('127.0.0.1', port), 30)
    plain.sendall(b'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                  b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n')
    assert plain.recv(4096).startswith(b'HTTP/1.1 101 ')
    if abrupt:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    return plain


async def nothing_is_lost(client, leave):
    """Has a websocket leave(), and looks where the elements are that are pushed then."""
    async def are_back():
        return await client.call('LRANGE', 'jobs', 0, -1) == ['first', 'second']

    await waiting(client, 1)
    before = len((await client.call('CLIENT', 'LIST')).splitlines())
    await leave()
    await client.call('RPUSH', 'jobs', 'first', 'second')
    await until(are_back)
    await waiting(client, 0)
    equal(await are_back(), True)
    equal(len((await client.call('CLIENT', 'LIST')).splitlines()), before)
    await client.call('DEL', 'jobs')


async def test_websocket_close_last(server):
    """What comes too late goes back to its place, and the client to the pool."""
    client = admin(server)
    with start('websocket', server) as program:
        # Until it was more than luck: elements were popped, and pushed back.
        rounds = 0
        while rounds < 3 or 'cmdstat_lpush:' not in await client.call('INFO', 'commandstats'):
            rounds += 1
            page = await Page.open(program.port)
            await nothing_is_lost(client, page.close)
            equal(page.received, [])
        program.signal()
        equal(await program.end(), (0, '', ''))


async def test_websocket_vanished(server):
    client = admin(server)
    with start('websocket', server) as program:
        for abrupt in (False, True):
            plain = vanishing(program.port, abrupt)

            async def leave():
                # Until the program has seen it, the websocket is as good as open.
                before = program.count_files()
                plain.close()
                await until(lambda: program.count_files() < before)

            await nothing_is_lost(client, leave)
        program.signal()
        equal(await program.end(), (0, '', ''))


async def test_websocket_stop(server):
    """What comes while the program ends stays in the list."""
    client = admin(server)
    with start('websocket', server) as program:
        pages = [await Page.open(program.port) for _ in range(3)]
        await waiting(client, 3)
        program.signal()
        await until(lambda: refused(program.port))
        await client.call('RPUSH', 'jobs', 'a', 'b', 'c', 'd')
        equal(await program.end(), (0, '', ''))
        equal(sorted(await client.call('LRANGE', 'jobs', 0, -1)), ['a', 'b', 'c', 'd'])
        await until(lambda: all(page.is_closed() for page in pages))
        equal({page.connection.get_close_code() for page in pages}, {Soup.WebsocketCloseCode.GOING_AWAY})
        equal([page.received for page in pages], [[]] * 3)


def refused(port):
    """Whether nobody listens any more. While that comes to be, a connection may also be made, and reset."""
    try:
        socket.create_connection(('127.0.0.1', port), 30).close()
    except ConnectionRefusedError:
        return True
    except ConnectionError:
        pass
    return False


async def test_websocket_redis_gone(server):
    """Websockets are told by the code of the closing; the next one gets what comes when Redis is back."""
    client = admin(server)
    with start('websocket', server) as program:
        page = await Page.open(program.port)
        await waiting(client, 1)
        server.kill()
        await until(page.is_closed)
        equal(page.connection.get_close_code(), Soup.WebsocketCloseCode.SERVER_ERROR)
        server.restart()
        page = await Page.open(program.port)
        client = admin(server)
        await client.call('RPUSH', 'jobs', 'back')
        await until(lambda: page.received == [b'back'])
        program.signal()
        status, stdout, stderr = await program.end()
        equal((status, stdout), (0, ''))
        assert stderr.startswith('websocket: ') and stderr.count('\n') == 1, stderr


main(sys.modules[__name__])
