# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages come many at a time; nothing of that is to be seen but in how fast they are."""

import asyncio
import gc
import os
import random
import socket
import subprocess
import sys
import weakref

from tap import equal, main, raises, raises_async, wait_until

from gi.repository import Gio, GLib, GObject, Tornadis

CHANNELS = ('a', 'b', 'c')


def options(server):
    return {'unix_domain_socket': server.get_socket_path()}


def publish(server, messages):
    """Publishes all of them before the main loop goes on."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(server.get_socket_path())
        connection.sendall(b''.join(b'PUBLISH %b %b\r\n' % (channel.encode(), text.encode()) for channel, text in messages))
        left = len(messages)
        while left > 0:
            left -= connection.recv(65536).count(b'\n')


def publish_numbers(server, channel, n):
    publish(server, [(channel, str(i)) for i in range(n)])


async def subscribe(server, *channels):
    client = Tornadis.PubSubClient(**options(server))
    await client.subscribe(*channels)
    return client


async def fence(client, name='fence'):
    """The server confirms it after all that was published before."""
    await client.subscribe(name)


async def pop_all(client):
    messages = []
    while True:
        message = await client.pop_message(0)
        if message is None:
            return messages
        messages.append(message)


async def pop_texts(client):
    return [message.text for message in await pop_all(client)]


def catch(function):
    """What is reported, as of handlers that raise."""
    reported = []

    async def call(*args):
        hook = sys.excepthook
        sys.excepthook = lambda kind, value, traceback: reported.append(kind.__name__)
        try:
            await function(*args)
        finally:
            sys.excepthook = hook

    return reported, call


# Handlers, beside those of GObject itself: random programs, which change them while messages come.

class PlainMessage(GObject.Object):
    def __init__(self, channel, text):
        super().__init__()
        self.channel = channel
        self.text = text


class Plain(GObject.Object):
    """What a client does with what comes, one by one."""

    __gsignals__ = {'message': (GObject.SignalFlags.RUN_LAST | GObject.SignalFlags.DETAILED, None, (object,))}

    def __init__(self):
        super().__init__()
        self.messages = []
        self.kept = []
        self.closed = False
        for channel in CHANNELS:
            GLib.quark_from_string(channel)

    def deliver_all(self):
        while self.messages and not self.closed:
            message = self.messages.pop(0)
            signal = GObject.signal_lookup('message', self)
            if any(GObject.signal_has_handler_pending(self, signal, detail, True)
                   for detail in (0, GLib.quark_from_string(message.channel))):
                self.emit('message::' + message.channel, message)
            else:
                self.kept.append(message)

    def close(self):
        self.closed = True


class Holder:
    """Has a handler that is a bound method."""

    def __init__(self, program, name):
        self.program = program
        self.name = name

    def on_message(self, client, message):
        self.program.handle(self.name, client, message)


class Program:
    """Does the same with any client, for as long as its handlers are called in the same order."""

    def __init__(self, client, seed, run_rest):
        self.client = client
        self.random = random.Random(seed)
        self.run_rest = run_rest
        self.log = []
        self.handlers = {}
        self.n_handlers = 0
        self.depth = 0
        # Some have a handler of all messages that stays, others only lose theirs.
        self.stays = self.random.random() < .6
        self.calm = self.random.random() < .3
        self.n_nested = 0
        self.kept = None
        if self.stays:
            client.connect('message', self.base)
        for _ in range(self.random.randrange(1, 6)):
            self.connect()

    def base(self, client, message):
        self.handle('base', client, message)

    def connect(self):
        client = self.client
        name = str(self.n_handlers)
        self.n_handlers += 1
        signal = self.random.choice(['message', *('message::' + channel for channel in CHANNELS)])
        way = self.random.randrange(9)

        def on_message(client, message, *args):
            equal(args, data)
            self.handle(name, client, message)

        def on_message_swapped(swapped, message, *args):
            equal((swapped is gobject, args), (True, data))
            self.handle(name, self.client, message)

        def on_message_with_data(swapped, message, client):
            equal(swapped, 'data')
            self.handle(name, client, message)

        data = self.random.choice([(), (1, 'two')])
        gobject = Gio.SimpleAction(name='object')
        holder = Holder(self, name)
        after = GObject.ConnectFlags.AFTER
        swapped = GObject.ConnectFlags.SWAPPED
        function = on_message
        if way == 0:
            handler_id = client.connect(signal, on_message, *data)
        elif way == 1:
            handler_id = client.connect_after(signal, on_message, *data)
        elif way == 2:
            function = on_message_swapped
            handler_id = client.connect_object(signal, function, gobject, *data)
        elif way == 3:
            function = on_message_swapped
            handler_id = client.connect_object_after(signal, function, gobject, *data)
        elif way == 4:
            handler_id = client.connect_data(signal, on_message, *data)
        elif way == 5:
            handler_id = client.connect_data(signal, on_message, *data, connect_flags=after)
        elif way == 6:
            function = None
            handler_id = client.connect_data(signal, on_message_with_data, 'data', connect_flags=swapped)
        elif way == 7:
            function = None
            handler_id = client.connect_data(signal, on_message_with_data, 'data', connect_flags=swapped | after)
        else:
            function = holder.on_message
            handler_id = client.connect(signal, holder.on_message)
        self.handlers[name] = [handler_id, function, 0]

    def handle(self, name, client, message):
        assert client is self.client
        self.log.append((name, message.channel, message.text))
        if self.calm and self.random.random() < .8:
            return
        action = self.random.randrange(24)
        chosen = self.random.choice(sorted(self.handlers) or [None])
        way = self.random.randrange(3)
        if action < 12 or chosen is None:
            if action == 0 and self.stays and len(self.handlers) < 8:
                self.connect()
        elif action == 12:
            self.disconnect(chosen, way)
        elif action == 13:
            self.block(chosen, way)
        elif action in (14, 15) and self.stays and self.handlers[chosen][2] > 0:
            self.unblock(chosen, way)
        elif action == 16 and self.depth < 2:
            handler_id = self.handlers[chosen][0]
            with client.handler_block(handler_id) if way == 0 else GObject.signal_handler_block(client, handler_id):
                self.emit(client, message, way)
        elif action == 17:
            stop = client.stop_emission_by_name if way == 0 else lambda name: GObject.signal_stop_emission_by_name(client, name)
            stop('message::' + message.channel)
        elif action == 18:
            raise ValueError(name)
        elif action == 19:
            raise KeyboardInterrupt
        elif action == 20 and self.depth < 2:
            self.emit(client, message, way)
        elif action == 21 and self.depth == 0 and self.n_nested == 0 and int(message.text) > 100:
            self.n_nested += 1
            self.run_rest()
        elif action == 22 and int(message.text) > 300 and way == 0:
            self.log.append('closed')
            client.close()
        elif action == 23 and int(message.text) > 300 and way == 0:
            self.log.append('disposed')
            self.handlers.clear()
            self.stays = False
            client.close()
            client.run_dispose()

    def emit(self, client, message, way):
        self.depth += 1
        self.log.append('emits')
        # The detail is what is said here, not the channel.
        client.emit(['message', 'message::' + message.channel, 'message::' + CHANNELS[0]][way], message)
        self.log.append('has emitted')
        self.depth -= 1

    def disconnect(self, name, way):
        handler_id, function, _ = self.handlers.pop(name)
        if way == 0:
            self.client.disconnect(handler_id)
        elif way == 1 or function is None:
            GObject.signal_handler_disconnect(self.client, handler_id)
        else:
            self.client.disconnect_by_func(function)

    def block(self, name, way):
        handler_id, function, _ = self.handlers[name]
        self.handlers[name][2] += 1
        if way == 0:
            self.client.handler_block(handler_id)
        elif way == 1 or function is None:
            GObject.signal_handler_block(self.client, handler_id)
        else:
            self.client.handler_block_by_func(function)

    def unblock(self, name, way):
        handler_id, function, _ = self.handlers[name]
        self.handlers[name][2] -= 1
        if way == 0:
            self.client.handler_unblock(handler_id)
        elif way == 1 or function is None:
            GObject.signal_handler_unblock(self.client, handler_id)
        else:
            self.client.handler_unblock_by_func(function)


def run_plain(seed, published):
    plain = Plain()
    plain.messages = [PlainMessage(channel, text) for channel, text in published]
    program = Program(plain, seed, plain.deliver_all)
    plain.deliver_all()
    return program, [(message.channel, message.text) for message in plain.kept]


async def run_client(server, seed, published):
    client = await subscribe(server, *CHANNELS)

    def run_rest():
        future = client.subscribe('fence')
        while not future.done():
            GLib.MainContext.default().iteration(True)

    program = Program(client, seed, run_rest)
    publish(server, published)
    if not program.log:
        run_rest()
    kept = []
    if not {'closed', 'disposed'} & set(program.log):
        await fence(client, 'other')
        kept = [(message.channel, message.text) for message in await pop_all(client)]
    client.close()
    return program, kept


def test_handlers_are_those_of_gobject(server):
    for seed in range(int(os.environ.get('TORNADIS_TEST_SEEDS', '40'))):
        published = [(random.Random(seed + i).choice(CHANNELS), str(i)) for i in range(700)]
        outcomes = []
        for kind in 'plain', 'client':
            reported = []
            hook = sys.excepthook
            sys.excepthook = lambda kind, value, traceback: reported.append(kind.__name__)
            try:
                outcome = run_plain(seed, published) if kind == 'plain' else Tornadis.run(run_client(server, seed, published))
            finally:
                sys.excepthook = hook
            outcomes.append((*outcome, reported))
        (plain, plain_kept, plain_reported), (ours, ours_kept, ours_reported) = outcomes
        for i, (expected, seen) in enumerate(zip([*plain.log, 'end'], [*ours.log, 'end'])):
            assert expected == seen, (
                f'seed {seed}, step {i}: {seen} is not {expected}, after {plain.log[max(i - 6, 0):i]}; reported {plain_reported[-2:]} {ours_reported[-2:]}')
        equal((seed, ours_reported), (seed, plain_reported))
        for channel in CHANNELS:
            equal((seed, [text for name, text in ours_kept if name == channel]),
                  (seed, [text for name, text in plain_kept if name == channel]))


main(sys.modules[__name__])
