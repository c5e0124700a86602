# SPDX-License-Identifier: LGPL-2.1-or-later
"""How Tornadis.run() is left: by Ctrl+C, and by what else goes past a coroutine.

Each case interrupts a story, which is run by a process of its own and tells line by line what it has seen.
"""

import asyncio
import contextlib
import logging
import signal
import subprocess
import sys
import threading
import time
import warnings

import gi
from tap import count_blocked, equal, main

from gi.repository import GLib, Tornadis

HERE = sys.modules[__name__]


def tell(*words):
    print(*words, flush=True)


class Telling:
    """A context manager whose end waits for the server."""

    def __init__(self, client, name):
        self.client, self.name = client, name

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        tell(self.name, kind and kind.__name__, await self.client.call('ECHO', self.name))


async def wait(client):
    """Until the parent, which sees it wait, interrupts."""
    return await client.call('BLPOP', 'nothing', 0)


async def wait_twice(client):
    """As wait(), with two at the server: another number than that of those who were interrupted before."""
    Tornadis.Client(**options()).async_call('BLPOP', 'nothing', 0)
    await wait(client)


def run(coroutine):
    try:
        tell('value', Tornadis.run(coroutine))
    except BaseException as error:
        tell('raised', type(error).__name__, error)


def story_clean_up(client, other):
    async def story():
        try:
            async with Telling(other, 'with'):
                await inner()
        finally:
            await Tornadis.sleep(0)
            tell('finally')

    async def inner():
        try:
            await wait(client)
        finally:
            tell('inner')

    run(story())
    # The process goes on as before.
    run(other.call('PING'))
    equal(signal.getsignal(signal.SIGINT), signal.default_int_handler)


def story_spawned(client, other):
    async def worker(name):
        async with Telling(other, name):
            await Tornadis.sleep(600)

    async def failing():
        try:
            await Tornadis.sleep(600)
        finally:
            raise ValueError('of the worker')

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            await other.call('PING')
            tell('generator')

    async def story():
        nonlocal generator
        Tornadis.spawn(worker('a'))
        Tornadis.spawn(worker('b'))
        Tornadis.spawn(failing())
        generator = numbers()
        tell(await generator.__anext__())
        await wait(client)

    generator = None
    before = Tornadis.spawn(Tornadis.sleep(600))
    sys.excepthook = lambda kind, error, traceback: tell('reported', error)
    run(story())
    # What was begun before is not its own.
    tell(before.done())


def story_awaited(client, other):
    """What is cancelled with the coroutine that waits for it is not cancelled once more."""
    async def worker():
        async with Telling(other, 'worker'):
            await wait(client)

    async def story():
        await Tornadis.spawn(worker())

    run(story())


def story_generator_left(client, other):
    """What nobody iterates over any more ends as well as it can, without an interruption too."""
    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            await other.call('PING')
            tell('generator')

    async def story():
        async for number in numbers():
            break
        tell('left')
        await other.call('PING')
        await wait(client)

    run(story())


def story_again(client, other):
    """The clean-up waits for what does not come."""
    async def story():
        try:
            await wait(client)
        finally:
            try:
                await wait_twice(other)
            finally:
                tell('second')

    run(story())
    equal(signal.getsignal(signal.SIGINT), signal.default_int_handler)


def story_again_busy(client, other):
    """The clean-up does not come back to the main loop."""
    async def story():
        try:
            await wait(client)
        finally:
            await other.call('PING')
            tell('busy')
            while True:
                time.sleep(0.001)

    run(story())


def story_caught(client, other):
    async def story():
        try:
            await wait(client)
        except BaseException as error:
            tell('caught', type(error).__name__)
        return 'value'

    run(story())


def story_failing(client, other):
    async def story():
        try:
            await wait(client)
        finally:
            raise ValueError('of the clean-up')

    run(story())


def story_busy(client, other):
    """It comes while the coroutine runs, which waits no more."""
    async def story():
        await other.call('PING')
        tell('busy')
        while not interrupted.is_set():
            time.sleep(0.001)

    interrupted = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), interrupted.set()), daemon=True).start()
    run(story())


def story_own_handler(client, other):
    """A program's own handler is its own, also while the main loop sleeps."""
    def handle(*_):
        tell('handler')
        other.async_call('RPUSH', 'nothing', 'x')

    signal.signal(signal.SIGINT, handle)
    run(wait(client))
    equal(signal.getsignal(signal.SIGINT), handle)


def story_nested(client, other):
    """In a callback of a main loop of the program, which is left too."""
    async def story():
        async with Telling(other, 'with'):
            await wait(client)

    GLib.idle_add(lambda: run(story()))
    try:
        GLib.MainLoop().run()
    except KeyboardInterrupt:
        tell('main loop')


def story_nested_again(client, other):
    async def story():
        try:
            await wait(client)
        finally:
            await wait_twice(other)

    GLib.idle_add(lambda: run(story()))
    with contextlib.suppress(KeyboardInterrupt):
        GLib.MainLoop().run()


def story_exit(client, other):
    """Whatever is no Exception leaves as Ctrl+C does."""
    async def worker():
        async with Telling(other, 'worker'):
            await Tornadis.sleep(600)

    async def story():
        Tornadis.spawn(worker())
        await wait(client)
        sys.exit('of the story')

    def handle(*_):
        other.async_call('RPUSH', 'nothing', 'x')

    signal.signal(signal.SIGINT, handle)
    run(story())


def story_left_alone(client, other):
    """What was spawned goes on in the next main loop when the coroutine has just ended, or failed."""
    async def worker():
        await Tornadis.sleep(0)
        return await other.call('ECHO', 'worker')

    async def story(fail):
        nonlocal future
        future = Tornadis.spawn(worker())
        if fail:
            raise ValueError('of the story')

    future = None
    for fail in False, True:
        run(story(fail))
        tell(future.done())
        run(future)


def story_asyncio(client, other):
    """The loop of asyncio runs in the same main loop, which PyGObject sees to."""
    import asyncio
    from gi.events import GLibEventLoopPolicy

    asyncio.set_event_loop_policy(GLibEventLoopPolicy())
    asyncio.get_event_loop_policy().get_event_loop()

    async def story():
        await other.call('PING')
        try:
            await asyncio.sleep(0.001)
            await wait(client)
        finally:
            await asyncio.sleep(0.001)
            tell('asyncio', await other.call('ECHO', 'finally'))

    run(story())
    run(other.call('PING'))


def story_thread(client, other):
    """A thread hears of no Ctrl+C and may not listen for it."""
    def work():
        context = GLib.MainContext.new()
        context.push_thread_default()
        run(Tornadis.Client(**options()).call('PING'))
        context.pop_thread_default()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def story_functions_of_asyncio(client, other):
    """What needs a loop of asyncio, under Tornadis.run(), says what to use instead, and is caught like any error."""
    async def gather_calls():
        await asyncio.gather(client.call('PING'), client.call('PING'))

    async def gather_coroutines():
        async def ping():
            return await client.call('PING')

        try:
            await asyncio.gather(ping(), ping())
        except RuntimeError:
            tell('caught')
            raise

    async def sleep():
        await asyncio.sleep(1)

    async def shield():
        await asyncio.shield(client.call('PING'))

    async def wait_for():
        await asyncio.wait_for(client.call('PING'), 1)

    async def task():
        asyncio.create_task(asyncio.sleep(0))

    async def of_a_plain_loop():
        plain = asyncio.new_event_loop()
        try:
            await plain.create_future()
        finally:
            plain.close()

    async def spawned():
        await Tornadis.spawn(sleep())

    # Of coroutines that asyncio has and never runs.
    warnings.simplefilter('ignore')
    logging.disable()
    for start in (gather_calls, gather_coroutines, sleep, shield, wait_for, task, of_a_plain_loop, spawned):
        try:
            Tornadis.run(start())
        except RuntimeError as error:
            text = str(error)
            equal([word for word in ('Tornadis.run()', 'Tornadis.spawn()', 'Tornadis.sleep()', 'gbulb', 'Policy')
                   if word in text], ['Tornadis.run()', 'Tornadis.spawn()', 'Tornadis.sleep()',
                                      'Policy' if gi.version_info >= (3, 50) else 'gbulb'])
            tell(start.__name__)

    async def otherwise():
        # What asyncio does without a loop.
        await asyncio.sleep(0)
        return [await each for each in [client.call('ECHO', number) for number in range(2)]]

    run(otherwise())

    async def own():
        raise RuntimeError('of the story')

    run(own())
    # Nothing runs.
    try:
        asyncio.new_event_loop().run_until_complete(client.call('PING'))
    except RuntimeError as error:
        tell(error)


def options():
    return {'unix_domain_socket': sys.argv[2]}


def play(server, name, *interruptions):
    """Runs a story; each interruption is sent when as many as it says wait for the server, or when it has told that."""
    program = subprocess.Popen(
        [sys.executable, __file__, name, server.get_socket_path()],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        # A shell may have it ignored in what it starts in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    told = []
    try:
        for interruption in interruptions:
            if isinstance(interruption, int):
                while count_blocked(server) != interruption:
                    assert program.poll() is None, program.stdout.read()
            else:
                while interruption not in told[-1:]:
                    told.append(program.stdout.readline().rstrip('\n'))
                    assert told[-1] or program.poll() is None, told
            program.send_signal(signal.SIGINT)
        rest, _ = program.communicate('on\n', timeout=90)
    finally:
        program.kill()
        program.wait()
    equal(program.returncode, 0)
    return told + rest.splitlines()


INTERRUPTED = 'raised KeyboardInterrupt '


def test_clean_up(server):
    equal(play(server, 'clean_up', 1),
          ['inner', "with CancelledError b'with'", 'finally', INTERRUPTED, "value b'PONG'"])


def test_spawned(server):
    equal(play(server, 'spawned', 1),
          ['1', "a CancelledError b'a'", "b CancelledError b'b'", 'reported of the worker', 'generator', INTERRUPTED,
           'False'])


def test_awaited(server):
    equal(play(server, 'awaited', 1), ["worker CancelledError b'worker'", INTERRUPTED])


def test_generator_left(server):
    equal(play(server, 'generator_left', 1), ['left', 'generator', INTERRUPTED])


def test_interrupted_again(server):
    equal(play(server, 'again', 1, 2), ['second', INTERRUPTED])
    equal(play(server, 'again_busy', 1, 'busy'), ['busy', INTERRUPTED])


def test_coroutine_decides(server):
    equal(play(server, 'caught', 1), ['caught CancelledError', 'value value'])
    equal(play(server, 'failing', 1), ['raised ValueError of the clean-up'])


def test_interrupted_while_it_runs(server):
    equal(play(server, 'busy', 'busy'), ['busy', INTERRUPTED])


def test_own_handler(server):
    equal(play(server, 'own_handler', 1), ['handler', "value [b'nothing', b'x']"])


def test_nested(server):
    equal(play(server, 'nested', 1), ["with CancelledError b'with'", INTERRUPTED, 'main loop'])
    equal(play(server, 'nested_again', 1, 2), [INTERRUPTED])


def test_exit(server):
    equal(play(server, 'exit', 1), ["worker CancelledError b'worker'", 'raised SystemExit of the story'])


def test_left_alone(server):
    equal(play(server, 'left_alone'),
          ['value None', 'False', "value b'worker'", 'raised ValueError of the story', 'False', "value b'worker'"])


if gi.version_info >= (3, 50):
    def test_asyncio(server):
        equal(play(server, 'asyncio', 1), ["asyncio b'finally'", INTERRUPTED, "value b'PONG'"])


def test_functions_of_asyncio(server):
    equal(play(server, 'functions_of_asyncio'),
          ['gather_calls', 'caught', 'gather_coroutines', 'sleep', 'shield', 'wait_for', 'task', 'of_a_plain_loop', 'spawned',
           "value [b'0', b'1']", 'raised RuntimeError of the story',
           'no loop of asyncio runs yet, nor the GLib main loop: await it in a coroutine that one of them runs'])


def test_thread(server):
    equal(play(server, 'thread'), ["value b'PONG'"])


if len(sys.argv) > 1:
    story = getattr(HERE, 'story_' + sys.argv[1])
    story(Tornadis.Client(**options()), Tornadis.Client(**options()))
else:
    main(HERE)
