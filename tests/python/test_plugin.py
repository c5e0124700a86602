# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plugins written in Python."""

import sys

from tap import equal, main, raises, raises_async

from gi.repository import GLib, Tornadis


def make_client(server):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path())


class Recorder(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestRecorder'

    def __init__(self):
        super().__init__()
        self.log = []

    def do_call(self, call):
        self.log.append(('call', call.get_name(), call.get_attempt()))
        return False

    def do_call_done(self, call):
        error = call.get_error()
        self.log.append(('done', call.get_name(), error is None))

    def do_setup(self, commands):
        commands.stack_strv(['CLIENT', 'SETNAME', 'recorder'])

    def do_push(self, push):
        self.log.append(('push', push.get_element(0).get_text()))
        return True


async def test_recorder(server):
    client = make_client(server)
    plugin = Recorder()
    equal(client.add_plugin(plugin), True)
    equal(client.get_plugins().get_n_items(), 1)
    equal(await client.call('CLIENT', 'GETNAME'), b'recorder')
    await raises_async(Tornadis.ReplyError, client.call('NOSUCHCOMMAND'))
    equal(plugin.log, [('call', 'CLIENT', 1), ('done', 'CLIENT', True),
                       ('call', 'NOSUCHCOMMAND', 1), ('done', 'NOSUCHCOMMAND', False)])
    await client.call('CLIENT', 'TRACKING', 'ON')
    await client.call('GET', 'k')
    await client.call('SET', 'k', 1)
    await client.call('PING')
    assert ('push', 'invalidate') in plugin.log
    equal(client.remove_plugin(plugin), True)


class Answering(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestAnswering'

    def do_call(self, call):
        call.return_reply(Tornadis.Reply.new_from_resp(GLib.Bytes.new(b'$5\r\nmagic\r\n')))
        return True


async def test_answering(server):
    client = make_client(server)
    client.add_plugin(Answering())
    equal(await client.call('GET', 'k'), b'magic')
    equal(client.is_connected(), False)


class Delaying(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestDelaying'

    def do_call(self, call):
        def proceed():
            call.proceed()
            return GLib.SOURCE_REMOVE

        GLib.timeout_add(20, proceed)
        return True


async def test_delaying(server):
    client = make_client(server)
    client.add_plugin(Delaying())
    equal(await client.call('ECHO', 'x'), b'x')


class Retrying(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestRetrying'

    def do_call_done(self, call):
        if call.get_attempt() < 3:
            call.retry(1)


async def test_retrying(server):
    client = make_client(server)
    client.add_plugin(Retrying())
    equal(await client.call('INCR', 'n'), 3)


class Raising(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestRaising'

    def do_call(self, call):
        raise ValueError('from a hook')

    def do_call_done(self, call):
        raise ValueError('from a hook')


async def test_raising(server):
    """A hook that raises lets the call go on."""
    client = make_client(server)
    client.add_plugin(Raising())
    hook, sys.excepthook = sys.excepthook, lambda *args: None
    try:
        equal(await client.call('ECHO', 'x'), b'x')
    finally:
        sys.excepthook = hook


class Refusing(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestRefusing'

    def do_attach(self, client):
        return False


async def test_refusing(server):
    client = make_client(server)
    error = raises(GLib.Error, client.add_plugin, Refusing())
    equal(error.matches(Tornadis.error_quark(), Tornadis.Error.PLUGIN), True)


class Forgetting(Tornadis.Plugin):
    __gtype_name__ = 'TornadisTestForgetting'

    def do_call(self, call):
        return True


async def test_forgetting(server):
    client = make_client(server)
    client.add_plugin(Forgetting())
    await raises_async(Tornadis.ClientError, client.call('PING'))


async def test_registry(server):
    equal(Tornadis.Plugin.register('python-recorder', Recorder.__gtype__), True)
    equal(Tornadis.Plugin.register('python-recorder', Recorder.__gtype__), False)
    names = Tornadis.Plugin.list_names()
    assert 'python-recorder' in names and 'log' in names, names
    client = make_client(server)
    plugin = client.add_plugin_by_name('python-recorder')
    equal(isinstance(plugin, Recorder), True)
    raises(GLib.Error, client.add_plugin_by_name, 'no-such-plugin')
    raises(GLib.Error, client.add_plugin_by_name, '../log')


main(sys.modules[__name__])
