# SPDX-License-Identifier: LGPL-2.1-or-later
"""Credentials that are a class of Python's: who answers at once, later, in vain or never."""

import sys
import threading
import time

from tap import equal, main, raises_async

from gi.repository import GLib, GObject, Tornadis


class Login(GObject.Object, Tornadis.Credentials):
    """Gives what it is told to, with a function that may also keep the request."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.asked = 0

    def do_request_login(self, request):
        self.asked += 1
        self.answer(request)


def add_user(server, name, password):
    server.command(f'ACL SETUSER {name} on >{password} ~* &* +@all')


def make_client(server, login, **options):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path(), credentials=login, **options)


async def until_user(client, name):
    while await client.call('ACL', 'WHOAMI') != name:
        await Tornadis.sleep(0.01)


async def test_rotation(server):
    add_user(server, 'ann', 'one')
    add_user(server, 'bob', 'two')
    login = Login(lambda request: request.return_login('ann', 'one', 0))
    client = make_client(server, login, decode=True)
    equal(await client.call('ACL', 'WHOAMI'), 'ann')
    assert client.props.credentials is login
    login.answer = lambda request: request.return_login('bob', 'two', int((time.time() + 3600) * 1e6))
    login.emit('changed')
    await until_user(client, 'bob')
    server.command('ACL DELUSER ann')
    equal(await client.call('ACL', 'WHOAMI'), 'bob')
    equal(login.asked, 2)


async def test_later(server):
    """Also from another thread."""
    add_user(server, 'ann', 'one')

    def answer(request):
        threading.Thread(target=lambda: request.return_login('ann', 'one', 0)).start()

    client = make_client(server, Login(answer), decode=True)
    equal(await client.call('ACL', 'WHOAMI'), 'ann')


async def test_coroutine(server):
    add_user(server, 'ann', 'one')

    async def answer(request):
        await Tornadis.sleep(0.01)
        request.return_login('ann', 'one', 0)

    client = make_client(server, Login(lambda request: Tornadis.spawn(answer(request))), decode=True)
    equal(await client.call('ACL', 'WHOAMI'), 'ann')


async def test_failures(server):
    def refuse(request):
        request.return_error(GLib.Error('there is no token', 'token', 1))

    login = Login(refuse)
    client = make_client(server, login)
    error = await raises_async(Tornadis.ConnectionError, client.call('PING'))
    equal(error.code, Tornadis.Error.AUTHENTICATION)
    assert 'there is no token' in str(error), error
    # One that is dropped has failed.
    login.answer = lambda request: None
    error = await raises_async(Tornadis.ConnectionError, client.call('PING'))
    assert 'no login' in str(error), error


async def test_raises(server):
    """No answer either, and at once: the time that connecting may take is not over."""
    def fail(request):
        raise ValueError('mine')

    reported = []
    excepthook, sys.excepthook = sys.excepthook, lambda kind, error, traceback: reported.append(str(error))
    try:
        client = make_client(server, Login(fail), connect_timeout=0)
        error = await raises_async(Tornadis.ConnectionError, client.call('PING'))
    finally:
        sys.excepthook = excepthook
    equal([error.code, reported], [Tornadis.Error.AUTHENTICATION, ['mine']])
    assert 'no login' in str(error), error


async def test_cancelled(server):
    kept = []
    client = make_client(server, Login(kept.append))
    call = client.call('PING')
    while not kept:
        await Tornadis.sleep(0.01)
    assert not kept[0].get_cancellable().is_cancelled()
    client.close()
    await raises_async(Tornadis.ConnectionError, call)
    while not kept[0].get_cancellable().is_cancelled():
        await Tornadis.sleep(0.01)


async def test_passed_on(server):
    """Credentials that are made of others."""
    add_user(server, 'ann', 'one')
    inner = Login(lambda request: request.return_login('ann', 'one', 0))
    client = make_client(server, Login(inner.request_login), decode=True)
    equal(await client.call('ACL', 'WHOAMI'), 'ann')


if __name__ == '__main__':
    main(sys.modules[__name__])
