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

from tap import count_blocked, equal, main, raises, raises_async, wait_until

from gi.repository import Gio, GLib, GObject, Tornadis, TornadisHarness

CHANNELS = ('a', 'b', 'c')


def options(server):
    return {'unix_domain_socket': server.get_socket_path()}


def do(server, lines):
    """Has the server do all of it before the main loop goes on."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(server.get_socket_path())
        connection.sendall(''.join(line + '\r\n' for line in lines).encode())
        left = len(lines)
        while left > 0:
            left -= connection.recv(65536).count(b'\n')


def publish(server, messages):
    do(server, [f'PUBLISH {channel} {text}' for channel, text in messages])


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
        # Some have a handler of all messages that stays, others only lose theirs: what comes while no handler is connected, or
        # all are blocked, is kept, or dropped, when it comes.
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
        elif action == 13 and self.stays:
            self.block(chosen, way)
        elif action in (14, 15) and self.stays and self.handlers[chosen][2] > 0:
            self.unblock(chosen, way)
        elif action == 16 and self.depth < 2:
            handler_id = self.handlers[chosen][0]
            block = client.handler_block(handler_id) if way == 0 else GObject.signal_handler_block(client, handler_id)
            self.emit(client, message, way)
            # It may be gone by now, and GLib would complain.
            if GObject.signal_handler_is_connected(client, handler_id):
                with block:
                    pass
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
        if {'closed', 'disposed'} & set(plain.log):
            continue
        for channel in CHANNELS:
            equal((seed, [text for name, text in ours_kept if name == channel]),
                  (seed, [text for name, text in plain_kept if name == channel]))


async def test_emitted_by_handlers(server):
    client = await subscribe(server, 'a')
    log = []

    def first(client, message):
        log.append(('first', message.channel, message.text))
        if message.channel == 'a':
            client.emit('message::b', make_message(client, 'b', message.text))

    client.connect('message', first)
    client.connect('message::b', lambda client, message: log.append(('second', message.channel, message.text)))
    client.connect_after('message', lambda client, message: log.append(('last', message.channel, message.text)))
    publish_numbers(server, 'a', 600)
    await fence(client)
    equal(log, [(who, channel, str(i)) for i in range(600) for who, channel in (
        ('first', 'a'), ('first', 'b'), ('second', 'b'), ('last', 'b'), ('last', 'a'))])
    # Ahead of nothing, and the same one twice.
    log.clear()
    message = make_message(client, 'b', 'again')
    client.emit('message::b', message)
    client.emit('message::b', message)
    equal(log, [(who, 'b', 'again') for who in ('first', 'second', 'last')] * 2)


def make_message(client, channel, text):
    """One that a program emits."""
    from gi.repository import TornadisBridge
    return TornadisBridge.make_message(GLib.Bytes.new(channel.encode()), None, GLib.Bytes.new(text.encode()), None, False)


async def test_kept_in_order(server):
    client = await subscribe(server, 'a', 'b')
    publish_numbers(server, 'a', 5)
    await fence(client)
    taken = []

    def on_message(client, message):
        taken.append(message.text)
        if message.text == '10':
            client.disconnect(handler_id)

    handler_id = client.connect('message::a', on_message)
    publish_numbers(server, 'a', 700)
    await fence(client, 'other')
    publish(server, [('a', 'last')])
    await fence(client, 'another')
    equal(taken, [str(i) for i in range(11)])
    equal(await pop_texts(client), [*'01234', *map(str, range(11, 700)), 'last'])


async def test_kept_between_handlers(server):
    client = await subscribe(server, 'a', 'b')
    taken = []

    def on_a(client, message):
        taken.append(message.text)
        if message.text == '3':
            client.disconnect(handler_id)

    handler_id = client.connect('message::a', on_a)
    client.connect('message::b', lambda client, message: client.connect('message::a', on_a))
    publish(server, [*(('a', str(i)) for i in range(10)), ('b', 'x'), *(('a', str(i)) for i in range(10, 20))])
    await fence(client)
    equal(taken, [str(i) for i in (0, 1, 2, 3, *range(10, 20))])
    equal(await pop_texts(client), [str(i) for i in range(4, 10)])


async def test_taken_by_others(server):
    """What a handler that is not ours has had is not kept."""
    client = await subscribe(server, 'a')
    taken = []
    GObject.Object.connect(client, 'message', lambda client, message: taken.append(message.text))
    handler_id = client.connect('message', lambda client, message: client.disconnect(handler_id))
    publish_numbers(server, 'a', 10)
    await fence(client)
    equal((len(taken), await pop_texts(client)), (10, []))


async def test_changed_behind_our_back(server):
    client = await subscribe(server, 'a')
    matched = GObject.SignalMatchType.ID
    signal = GObject.signal_lookup('message', client)

    def run(change):
        log = []

        def on_message(name):
            def handle(client, message):
                log.append(name)
                if log == ['one']:
                    change(ids[1])

            return handle

        ids = [client.connect('message', on_message(name)) for name in ('one', 'two', 'three')]
        return log, ids

    def change_matched(change):
        # GLib takes no such mask before 2.84.
        n = getattr(GObject, f'signal_handlers_{change}_matched')(client, matched, signal, 0, None, None, None)
        if n == 0:
            GObject.signal_handlers_destroy(client)

    for change, expected in [
            (lambda handler_id: GObject.signal_handler_disconnect(client, handler_id), ['one', 'three'] * 3),
            (lambda handler_id: GObject.signal_handler_block(client, handler_id), ['one', 'three'] * 3),
            (lambda _: change_matched('block'), ['one']),
            (lambda _: change_matched('disconnect'), ['one']),
            (lambda _: GObject.signal_handlers_destroy(client), ['one'])]:
        log, ids = run(change)
        publish_numbers(server, 'a', 3)
        await client.subscribe('fence')
        await client.unsubscribe('fence')
        equal(log, expected)
        for handler_id in ids:
            if client.handler_is_connected(handler_id):
                client.disconnect(handler_id)
        await pop_all(client)

    # What does not go by way of anything of ours is seen when something comes.
    log, ids = run(lambda _: None)
    GObject.Object.disconnect(client, ids[0])
    publish_numbers(server, 'a', 2)
    await fence(client)
    equal(log, ['two', 'three'] * 2)


async def test_stopped_with_a_loop_in_between(server):
    client = await subscribe(server, 'a')
    log = []

    def first(client, message):
        log.append('first ' + message.text)
        if message.text == '0':
            client.stop_emission_by_name('message::a')
            future = client.subscribe('fence')
            while not future.done():
                GLib.MainContext.default().iteration(True)

    client.connect('message', first)
    client.connect('message', lambda client, message: log.append('second ' + message.text))
    publish_numbers(server, 'a', 3)
    await wait_until(lambda: len(log) >= 5)
    equal(log, ['first 0', 'first 1', 'second 1', 'first 2', 'second 2'])


EXIT = """
import sys
from gi.repository import GLib, GObject, Tornadis

async def main():
    client = Tornadis.PubSubClient(unix_domain_socket=sys.argv[1])
    publisher = Tornadis.Client(unix_domain_socket=sys.argv[1])

    def on_message(client, message):
        print(message.text, flush=True)
        if message.text == '1':
            {action}

    {connect}(client, 'message', on_message)
    await client.subscribe('a')
    for i in range(4):
        publisher.call('PUBLISH', 'a', i)
    await publisher.call('PING')
    await client.subscribe('fence')
    print('ends')

Tornadis.run(main())
"""


def test_exit_in_handler(server):
    """As with a handler of any other signal: sys.exit() ends the program, anything else is reported."""
    outcomes = {}
    for action in 'sys.exit(3)', 'raise KeyboardInterrupt', 'raise ValueError':
        for connect in 'GObject.Object.connect', 'Tornadis.PubSubClient.connect':
            program = '\n'.join(['import gi', 'gi.require_version("Tornadis", "1.0")', EXIT.format(action=action, connect=connect)])
            done = subprocess.run([sys.executable, '-c', program, server.get_socket_path()], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
            outcomes[action, connect] = done.returncode, done.stdout.split(), done.stderr.strip().rpartition('\n')[2]
        equal(outcomes[action, 'Tornadis.PubSubClient.connect'], outcomes[action, 'GObject.Object.connect'])
    equal(outcomes['sys.exit(3)', 'GObject.Object.connect'][:2], (3, ['0', '1']))


class Listener:
    def on_message(self, client, message):
        pass


async def test_released(server):
    """Without a garbage collection: handlers when they are disconnected, a client when it is dropped."""
    gc.collect()
    gc.disable()
    try:
        ways = [
            lambda client, handler_id, function: client.disconnect(handler_id),
            lambda client, handler_id, function: client.disconnect_by_func(function),
            lambda client, handler_id, function: GObject.signal_handler_disconnect(client, handler_id),
            lambda client, handler_id, function: client.run_dispose(),
        ]
        for way in ways:
            client = await subscribe(server, 'a')
            listener = Listener()
            handler_id = client.connect('message', listener.on_message)
            publish_numbers(server, 'a', 300)
            await fence(client)
            gone = weakref.ref(listener)
            way(client, handler_id, listener.on_message)
            del listener
            equal(gone(), None)

        client = await subscribe(server, 'a')
        listener = Listener()
        client.connect('message', listener.on_message)
        client.connect_object('message::a', lambda listener, message: None, listener)
        publish_numbers(server, 'a', 300)
        await fence(client)
        finalized = []
        client.weak_ref(lambda: finalized.append(True))
        gone = weakref.ref(client), weakref.ref(listener)
        del client, listener
        # The carrier that is telling the outcome of the last call has it until that returns.
        await wait_until(lambda: gone[0]() is None)
        equal((gone[1](), finalized), (None, [True]))

        # One that its handler has is garbage, to be collected.
        listener = Listener()
        listener.client = await subscribe(server, 'a')
        listener.client.connect('message', listener.on_message)
        gone = weakref.ref(listener)
        del listener
        await Tornadis.sleep(0)
        gc.collect()
        equal(gone(), None)
    finally:
        gc.enable()


async def test_last_reference_goes_in_handler(server):
    held = [await subscribe(server, 'a')]
    gone = weakref.ref(held[0])
    seen = []

    def on_message(client, message):
        seen.append(message.text)
        held.clear()

    held[0].connect('message', on_message)
    publish_numbers(server, 'a', 600)
    await wait_until(lambda: gone() is None)
    equal((seen[0], seen), ('0', [str(i) for i in range(len(seen))]))


# Those who wait.

async def test_iterator_loses_nothing(server):
    client = await subscribe(server, 'a')
    publish_numbers(server, 'a', 700)
    texts = []

    async def take(n, end):
        async for message in client.messages():
            texts.append(message.text)
            n -= 1
            if n == 0:
                if end == 'raise':
                    raise ValueError
                if end == 'return':
                    return
                break

    await take(10, 'break')
    await take(300, 'return')
    await raises_async(ValueError, take(5, 'raise'))
    texts.append((await client.pop_message()).text)
    iterator = client.messages()
    texts.append((await iterator.__anext__()).text)
    await iterator.aclose()
    future = Tornadis.Future()
    client.pop_message_async(-1, None, lambda client, result: future._finish(client.pop_message_finish(result), None, True))
    texts.append((await future).text)
    await fence(client)
    texts += await pop_texts(client)
    equal(texts, [str(i) for i in range(700)])


async def test_iterators_share(server):
    client = await subscribe(server, 'a')
    taken = [], []

    async def take(index):
        async for message in client.messages():
            taken[index].append(message.text)

    tasks = [Tornadis.spawn(take(index)) for index in range(2)]
    publish_numbers(server, 'a', 600)
    await wait_until(lambda: len(taken[0]) + len(taken[1]) == 600)
    equal(taken, ([str(i) for i in range(0, 600, 2)], [str(i) for i in range(1, 600, 2)]))
    # Each of them ends when there are no subscriptions.
    await client.unsubscribe('a')
    for task in tasks:
        equal(await task, None)


async def test_iterator_with_deadline(server):
    client = await subscribe(server, 'a')
    publish_numbers(server, 'a', 300)
    await fence(client)
    equal([message.text async for message in client.messages(deadline=0)], [str(i) for i in range(300)])
    equal([message.text async for message in client.messages(deadline=0)], [])
    equal(await client.pop_message(0), None)
    publish_numbers(server, 'a', 2)
    await fence(client, 'other')
    equal((await client.pop_message(0)).text, '0')
    equal((await client.pop_message(0)).text, '1')


async def test_given_back(server):
    client = await subscribe(server, 'a')
    publish_numbers(server, 'a', 6)
    await fence(client)
    messages = [await client.pop_message() for _ in range(3)]
    for message in messages:
        client.unpop_message(message)
    # Those that were popped in the library too.
    future = Tornadis.Future()
    client.pop_message_async(-1, None, lambda client, result: future._finish(client.pop_message_finish(result), None, True))
    first = await future
    equal((first.text, isinstance(first, Tornadis.Message)), ('0', True))
    equal((await client.pop_message()).text, '1')
    client.unpop_message(first)
    equal(await pop_texts(client), ['0', '2', '3', '4', '5'])


async def test_cancelled_waiting(server):
    client = await subscribe(server, 'a')
    one, two = client.pop_message(), client.pop_message()
    one.cancel()
    publish_numbers(server, 'a', 3)
    equal((await two).text, '0')
    await raises_async(asyncio.CancelledError, one)
    # With nobody else who waits, and before the library knows.
    three = client.pop_message()
    three.cancel()
    equal((await client.pop_message(60)).text, '1')
    equal((await client.pop_message(60)).text, '2')

    async def take():
        return (await client.pop_message()).text

    task = Tornadis.spawn(take())
    task.cancel()
    publish(server, [('a', 'last')])
    await fence(client)
    equal(await pop_texts(client), ['last'])


async def test_waiting_ends(server):
    client = await subscribe(server, 'a')
    waiting = client.pop_message()
    await client.unsubscribe('a')
    equal((await raises_async(Tornadis.ClientError, waiting)).code, int(Tornadis.Error.USAGE))
    await client.subscribe('a')
    waiting = client.pop_message()
    client.close()
    equal((await raises_async(Tornadis.ConnectionError, waiting)).code, int(Tornadis.Error.CLOSED))

    lost = Tornadis.PubSubClient(autoconnect=False, **options(server))
    await lost.connect_client()
    await lost.subscribe('a')
    iterator = lost.messages()
    first, waiting = Tornadis.spawn(iterator.__anext__()), lost.pop_message()
    server.command('CLIENT KILL TYPE pubsub')
    equal((await raises_async(Tornadis.ConnectionError, waiting)).code, int(Tornadis.Error.LOST))
    equal((await raises_async(Tornadis.ConnectionError, first)).code, int(Tornadis.Error.LOST))


async def test_closed_while_iterating(server):
    """Though nobody waits then: what is left is for who asks next."""
    client = await subscribe(server, 'a')
    publish_numbers(server, 'a', 5)
    await fence(client)
    for n in 2, 1:
        texts = []
        async for message in client.messages():
            texts.append(message.text)
            if len(texts) == n:
                client.close()
        equal(len(texts), n)
    equal((client.props.state, (await client.pop_message()).text), (Tornadis.ClientState.DISCONNECTED, '3'))


async def test_bounds(server):
    client = Tornadis.PubSubClient(max_pending=10, **options(server))
    overflows = []
    client.connect('overflow', lambda client: overflows.append(True))
    await client.subscribe('a')
    publish_numbers(server, 'a', 1000)
    await wait_until(lambda: overflows)
    # So many are kept here, and the others by the server.
    texts = []
    async for message in client.messages():
        texts.append(message.text)
        assert len(client._messages.inbox) <= 10
        if len(texts) == 1000:
            break
    equal(texts, [str(i) for i in range(1000)])
    assert len(overflows) > 1


# The message itself.

def describe(message):
    payload, channel = message.get_payload(), message.get_channel_bytes()
    reply = message.get_reply()
    return (message.channel, message.pattern, message.text, message.payload, message.keys, message.shard,
            message.get_channel(), message.get_pattern(), message.get_text(), message.is_shard(),
            None if payload is None else payload.get_data(), channel.get_data(),
            reply.get_kind(), reply.unpack(), isinstance(message, Tornadis.Message), isinstance(message, Tornadis.Reply))


async def test_message_is_as_in_the_library(server):
    """What handlers and those who wait get, beside what a handler of GObject's does."""
    names = ['text', 'ümlaut', b'\xff\xfe', b'null\0there', '']
    payloads = ['text', 'grün', '', b'\xff\xfe', b'null\0there', b'\0', 'x' * 256, 'x' * 257, 'y' * 1048576, b'\xff' * 1048576]
    publisher = Tornadis.Client(**options(server))
    seen = {}
    for kind in 'plain', 'handler', 'iterator', 'raw':
        client = await subscribe(server, *names, '__redis__:invalidate')
        await client.psubscribe(b'*\xff*', 't*')
        await client.ssubscribe('text')
        seen[kind] = described = []
        note = lambda client, message: described.append(describe(message))
        if kind == 'plain':
            GObject.Object.connect(client, 'message', note)
        elif kind == 'handler':
            client.connect('message', note)
        for name in names:
            for payload in payloads:
                await publisher.call('PUBLISH', name, payload)
        await publisher.call('SPUBLISH', 'text', 'to a shard')
        await publisher.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', client.props.connection_id)
        for key in 'key', b'\xff\0':
            await publisher.call('GET', key)
            await publisher.call('SET', key, 'value')
        await publisher.call('GET', 'key')
        await publisher.call('FLUSHALL')
        await publisher.call('CLIENT', 'TRACKING', 'OFF')
        await fence(client)
        if kind == 'iterator':
            described += [describe(message) async for message in client.messages(deadline=0)]
        elif kind == 'raw':
            first = await client.pop_message()
            client.unpop_message(first)
            while len(described) < len(seen['plain']):
                future = Tornadis.Future()
                client.pop_message_async(0, None, lambda client, result: future._finish(client.pop_message_finish(result), None, True))
                described.append(describe(await future))
    plain = seen.pop('plain')
    # Two of the names match a pattern.
    equal(len(plain), (len(names) + 2) * len(payloads) + 4)
    equal([each[:6] for each in plain[-4:]], [
        ('text', None, 'to a shard', b'to a shard', None, True), *(
            ('__redis__:invalidate', None, None, None, keys, False) for keys in ([b'key'], [b'\xff\0'], None))])
    for kind, described in seen.items():
        for i, (one, other) in enumerate(zip(described, plain)):
            equal((kind, i, one), (kind, i, other))
        equal(len(described), len(plain))


async def test_message_is_light(server):
    client = await subscribe(server, 'a')
    publish(server, [('a', 'one'), ('a', 'one')])
    one, other = await client.pop_message(), await client.pop_message()
    equal((repr(one), one == other, one == one, isinstance(1, Tornadis.Message)), ("<Tornadis.Message 'a' 'one'>", False, True, False))
    raises(AttributeError, setattr, one, 'channel', 'b')


# Outcomes, which come in batches too.

async def test_outcomes_come_first(server):
    client = Tornadis.Client(autoconnect=False, **options(server))
    log = []
    client.connect('disconnected', lambda client, error: log.append('disconnected'))
    client.connect('notify::connected', lambda client, _: log.append(client.props.connected))
    await client.connect_client()
    number = client.props.connection_id
    for i in range(300):
        client.async_call('INCR', 'n', callback=log.append)
    client.async_call('CLIENT', 'KILL', 'ID', number, 'SKIPME', 'no', callback=log.append)
    await wait_until(lambda: 'disconnected' in log)
    equal(log[:302], [True, *range(1, 301), 1])
    equal(set(log[302:]), {False, 'disconnected'})

    await client.connect_client()
    log.clear()
    future = client.call('BLPOP', 'none', 0)
    last = client.call('PING')
    client.close()
    equal((future.done(), last.done()), (True, True))
    equal([type(future.exception()), type(last.exception())], [Tornadis.ConnectionError] * 2)


async def test_messages_come_before_disconnected(server):
    client = await subscribe(server, 'a')
    log = []
    client.connect('message', lambda client, message: log.append(message.text))
    client.connect('disconnected', lambda client, error: log.append('disconnected'))
    publish_numbers(server, 'a', 600)
    do(server, ['CLIENT KILL TYPE pubsub'])
    equal(log, [])
    await wait_until(lambda: 'disconnected' in log)
    equal(log, [*map(str, range(600)), 'disconnected'])


# Cancelling.

async def test_cancelled_calls_do_not_run(server):
    client = Tornadis.Client(**options(server))
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('INCR', 'cancelled')
    pool = Tornadis.ClientPool(max_size=1, **options(server))
    taken = await pool.get_connected_client()
    calls = [
        client.call('INCR', 'cancelled'), client.call(Tornadis.Command.new_strv(['INCR', 'cancelled'])), client.call(pipeline),
        client.connect_client(), pool.call('INCR', 'cancelled'), pool.call(pipeline), pool.get_connected_client(), pool.preconnect()]
    kept = client.call('INCR', 'kept')
    for call in calls:
        equal((call.cancel(), call.cancel(), call.cancelled()), (True, False, True))
    for call in calls:
        await raises_async(asyncio.CancelledError, call)
    equal(await kept, 1)
    pool.release_client(taken)
    equal(await pool.call('GET', 'cancelled'), None)
    equal(await client.call('GET', 'cancelled'), None)
    equal((pool.props.size, pool.props.idle, pool.props.waiting), (1, 1, 0))


async def test_cancelled_calls_take_nothing(server):
    """From the very moment on in which it is cancelled: what comes then is somebody else's."""
    client = Tornadis.Client(**options(server))
    pool = Tornadis.ClientPool(max_size=1, **options(server))
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('BLPOP', 'list', 0)
    for owner in (client, pool):
        for what in (['BLPOP', 'list', 0], [pipeline]):
            for given in ({}, {'timeout': 60}, {'cancellable': Gio.Cancellable()}):
                waiting = owner.call(*what, **given)
                await wait_until(lambda: count_blocked(server) == 1)
                equal(waiting.cancel(), True)
                # Without the main loop.
                while count_blocked(server) > 0:
                    pass
                do(server, ['RPUSH list x'])
                equal(await owner.call('LPOP', 'list'), b'x')
                for cancellable in given.values():
                    # It may be that of others too.
                    equal(cancellable != 60 and cancellable.is_cancelled(), False)


async def test_cancelled_too_late(server):
    """What was read is not taken back by who did not wait for it."""
    peer = TornadisHarness.Peer.new('handshake\nexpect GET\nexpect GET\nsend "+a\\r\\n+b\\r\\n"\n')
    client = Tornadis.Client(host='127.0.0.1', port=peer.get_port())
    told = []
    later = None

    def callback(reply):
        # The other has come with it, and is told next.
        told.append((reply, later.cancel(), later.cancelled()))

    client.async_call('GET', 'a', callback=callback)
    later = client.call('GET', 'b')
    equal(await later, b'b')
    equal(told, [(b'a', False, False)])


async def test_client_of_nobody(server):
    """A client that was asked for, and that nobody has or can take any more, goes back."""
    pool = Tornadis.ClientPool(max_size=1, **options(server))
    pool.get_connected_client()
    await wait_until(lambda: pool.props.idle == 1)
    future = pool.get_connected_client()
    await wait_until(future.done)
    equal(pool.props.idle, 0)
    future = None
    await wait_until(lambda: pool.props.idle == 1)
    # One that was taken does not, for as long as it is not given back.
    future = pool.get_connected_client()
    await wait_until(future.done)
    client, future = future.result(), None
    taken = client
    client = None
    equal(await taken.call('PING'), b'PONG')
    equal((pool.props.size, pool.props.idle), (1, 0))
    pool.release_client(taken)
    equal((pool.props.size, pool.props.idle), (1, 1))


async def test_place_of_who_gave_up(server):
    """Who does not get a connection in time, or cancels, leaves its place, and the next gets a connection of its own."""
    asks = (lambda pool, **given: pool.get_connected_client(**given), lambda pool, **given: pool.preconnect(1, **given))
    for ask in asks:
        silent = TornadisHarness.Peer.new('drain\n')
        pool = Tornadis.ClientPool(max_size=1, host='127.0.0.1', port=silent.get_port())
        equal((await raises_async(Tornadis.ConnectionError, ask(pool, timeout=.02))).code, Tornadis.Error.TIMEOUT)
        equal(pool.props.size, 0)

        for cancellable in (Gio.Cancellable(), None):
            peer = TornadisHarness.Peer.new('drain\n---\nhandshake\necho-server\n')
            pool = Tornadis.ClientPool(max_size=1, host='127.0.0.1', port=peer.get_port())
            waiting = ask(pool, cancellable=cancellable)
            await wait_until(lambda: peer.get_n_connections() == 1)
            equal(pool.props.size, 1)
            if cancellable is None:
                waiting.cancel()
                equal(pool.props.size, 0)
            else:
                cancellable.cancel()
                await raises_async(GLib.Error, waiting)
            equal(pool.props.size, 0)
            async with pool.connected_client() as client:
                equal(await client.call('PING'), b'PONG')
            pool.destroy()


async def test_cancelled_calls_are_given_up(server):
    """By what holds them: a bound, a plugin that has them wait, one that would call them again."""
    client = Tornadis.Client(max_pending=2, **options(server))
    calls = [client.call('BLPOP', 'none', 0) for _ in range(2)]
    await raises_async(Tornadis.ClientError, client.call('PING'))
    for call in calls:
        call.cancel()
    equal(await client.call('PING'), b'PONG')

    client = Tornadis.Client(**options(server))
    limit = client.add_plugin_by_name('limit')
    limit.props.max_per_second, limit.props.burst = 1, 1
    calls = [client.call('INCR', 'limited') for _ in range(5)]
    equal(await calls[0], 1)
    assert limit.props.queued > 0
    for call in calls[1:]:
        call.cancel()
    # In turn, it would have come after them.
    equal(await client.call('GET', 'limited'), b'1')
    equal(limit.props.queued, 0)

    client = Tornadis.Client(**options(server))
    retry = client.add_plugin_by_name('retry')
    retry.props.max_attempts, retry.props.max_delay_msec, retry.props.idempotent = 1000, 10, ['INCR']
    retrying = []
    retry.connect('retrying', lambda *args: retrying.append(True))
    server.kill()
    call = client.call('INCR', 'retried')
    await wait_until(lambda: retrying)
    call.cancel()
    server.restart()
    equal(await client.call('GET', 'retried'), None)


async def test_cancelled_subscribing(server):
    client = Tornadis.PubSubClient(**options(server))
    await client.subscribe('a')
    before = client.subscribe('b')
    before.cancel()
    await raises_async(asyncio.CancelledError, before)
    # As with a Gio.Cancellable: nobody waits for it, and what was on its way to the server is not undone.
    await fence(client)
    publish(server, [('b', 'x'), ('a', 'y')])
    await fence(client, 'other')
    equal([message.text async for message in client.messages(deadline=0)][-1:], ['y'])
    connecting = client.connect_client()
    connecting.cancel()
    unsubscribing = client.unsubscribe('a')
    unsubscribing.cancel()
    await raises_async(asyncio.CancelledError, connecting)
    await raises_async(asyncio.CancelledError, unsubscribing)


async def test_refused_deadline(server):
    """Nobody waits then, and what is asked for after it has its own outcome."""
    client = await subscribe(server, 'a')
    raises(TypeError, client.pop_message, 'soon')
    publish(server, [('a', '1')])
    equal((await client.pop_message(float('inf'))).text, '1')
    equal(await client.pop_message(float('nan')), None)
    await client.subscribe('b')


main(sys.modules[__name__])
