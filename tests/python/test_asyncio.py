# SPDX-License-Identifier: LGPL-2.1-or-later
"""The awaitables of the override in tasks of asyncio, whose loop is GLib's: PyGObject's own, or gbulb's before 3.50."""

import asyncio
import contextvars
import functools
import gc
import selectors
import sys
import time
import warnings

from tap import count_blocked, equal, main, raises, raises_async

from gi.repository import Gio, GLib, Tornadis

try:
    from gi.events import GLibEventLoop, GLibEventLoopPolicy
    NATIVE = True
except ImportError:
    from gbulb.glib_events import GLibEventLoop, GLibEventLoopPolicy
    NATIVE = False

with warnings.catch_warnings():
    warnings.simplefilter('ignore', DeprecationWarning)  # gbulb makes asyncio's default policy on the way
    policy = GLibEventLoopPolicy()
    asyncio.set_event_loop_policy(policy)
    loop = policy.get_event_loop()
warnings.simplefilter('error')


def run(coroutine):
    """Runs a coroutine on the loop; what went wrong beside it fails the test too."""
    problems = []

    def note(kind, value, traceback):
        problems.append(value)

    hooks = sys.excepthook, sys.unraisablehook
    sys.excepthook, sys.unraisablehook = note, lambda unraisable: problems.append(unraisable.exc_value)
    loop.set_exception_handler(lambda loop, context: problems.append(context))
    try:
        value = loop.run_until_complete(asyncio.wait_for(coroutine, 60))
        gc.collect()
    finally:
        sys.excepthook, sys.unraisablehook = hooks
    equal(problems, [])
    return value


def on_asyncio(test):
    @functools.wraps(test)
    def wrapper(server):
        run(test(server))

    return wrapper


def options(server):
    return {'unix_domain_socket': server.get_socket_path()}


async def start(coroutine):
    """A task that has come to its first wait."""
    task = asyncio.create_task(coroutine)
    await asyncio.sleep(0)
    return task


async def wait_until(condition):
    while not condition():
        await asyncio.sleep(0.005)


async def wait_until_blocked(server, count=1):
    await wait_until(lambda: count_blocked(server) == count)


@on_asyncio
async def test_calls(server):
    client = Tornadis.Client(**options(server))
    equal(await client.connect_client(), client)
    equal(await client.call('SET', 'k', b'\x00\xff'), b'OK')
    equal(await client.call('GET', 'k'), b'\x00\xff')
    equal(await client.call('HSET', 'h', 'f', 1, 'g', 2), 2)
    equal(await client.call('HGETALL', 'h'), {b'f': b'1', b'g': b'2'})
    client.decode = True
    equal(await client.call('ECHO', 'grün'), 'grün')


@on_asyncio
async def test_gather(server):
    client = Tornadis.Client(**options(server))
    equal(await asyncio.gather(*(client.call('ECHO', i) for i in range(500))), [b'%d' % i for i in range(500)])

    results = await asyncio.gather(client.call('NONSENSE'), client.call('PING'), return_exceptions=True)
    equal((type(results[0]), results[1]), (Tornadis.ReplyError, b'PONG'))
    await raises_async(Tornadis.ReplyError, asyncio.gather(client.call('PING'), client.call('NONSENSE')))


@on_asyncio
async def test_cancelled_iterations(server):
    """At any moment: before it waits, while it does, when its message is there and when it has it."""
    client = Tornadis.PubSubClient(**options(server))
    await client.subscribe('a')
    texts = []
    published = 0

    async def take(n):
        async for message in client.messages():
            texts.append(message.text)
            if len(texts) >= n:
                break

    async def take_one():
        texts.append((await client.pop_message()).text)

    for n_steps in range(12):
        for coroutine in take(len(texts) + 3), take_one():
            task = await start(coroutine)
            for _ in range(4):
                server.command(f'PUBLISH a {published}')
                published += 1
            for _ in range(n_steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
    # The server confirms it after all that was published before.
    await client.subscribe('fence')
    texts += [message.text async for message in client.messages(deadline=0)]
    equal(texts, [str(i) for i in range(published)])
    await raises_async(asyncio.TimeoutError, asyncio.wait_for(client.pop_message(), .001))


@on_asyncio
async def test_gather_with_cancelled(server):
    client = Tornadis.Client(**options(server))
    waiting = client.call('BLPOP', 'none', 0)

    async def cancel():
        await wait_until_blocked(server)
        waiting.cancel()

    outcomes = await asyncio.gather(waiting, cancel(), return_exceptions=True)
    equal([type(outcome) for outcome in outcomes], [asyncio.CancelledError, type(None)])
    sleeper = asyncio.ensure_future(Tornadis.sleep(60))
    sleeper.cancel()
    try:
        await sleeper
        raise AssertionError('was not cancelled')
    except asyncio.CancelledError:
        pass


@on_asyncio
async def test_tasks(server):
    client = Tornadis.Client(**options(server))

    async def worker(i):
        return [await client.call('ECHO', f'{i}.{n}') for n in range(20)]

    tasks = [asyncio.create_task(worker(i)) for i in range(50)]
    for i, task in enumerate(tasks):
        equal(await task, [f'{i}.{n}'.encode() for n in range(20)])


@on_asyncio
async def test_waiting_in_other_ways(server):
    client = Tornadis.Client(**options(server))
    equal({await call for call in asyncio.as_completed([client.call('ECHO', i) for i in range(3)])}, {b'0', b'1', b'2'})

    blocked, quick = client.call('BLPOP', 'list', 20), Tornadis.Client(**options(server)).call('RPUSH', 'list', 'x')
    done, pending = await asyncio.wait([blocked, quick], return_when=asyncio.FIRST_COMPLETED)
    assert quick in done or blocked in done
    done, pending = await asyncio.wait([blocked, quick])
    equal((blocked.result(), quick.result(), pending), ([b'list', b'x'], 1, set()))

    equal(await asyncio.shield(client.call('PING')), b'PONG')
    future = client.call('PING')
    equal([await future, await future], [b'PONG', b'PONG'])

    # A callback may end a future of asyncio's own.
    future = loop.create_future()
    client.async_call('ECHO', 'told', callback=future.set_result)
    equal(await future, b'told')


@on_asyncio
async def test_task_group(server):
    client = Tornadis.Client(**options(server))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(start_and_echo(client, i)) for i in range(100)]
    equal([task.result() for task in tasks], [b'%d' % i for i in range(100)])

    blocking = Tornadis.Client(**options(server))

    async def fail():
        await wait_until_blocked(server)
        await client.call('NONSENSE')

    async def block():
        await blocking.call('BLPOP', 'list', 0)

    try:
        async with asyncio.TaskGroup() as group:
            blocked = group.create_task(block())
            group.create_task(fail())
        raise AssertionError('has not failed')
    except* Tornadis.ReplyError as caught:
        equal([error.prefix for error in caught.exceptions], ['ERR'])
    equal(blocked.cancelled(), True)
    server.command('RPUSH list x')
    equal(await blocking.call('ECHO', 'mine'), b'mine')


async def start_and_echo(client, value):
    await asyncio.sleep(0)
    return await client.call('ECHO', value)


@on_asyncio
async def test_timeout(server):
    client = Tornadis.Client(**options(server))
    await client.connect_client()
    for name, wait in (('a', lambda call: asyncio.wait_for(call, 0.05)), ('b', within)):
        # If it waited for the server, it would not end.
        await raises_async(TimeoutError, wait(client.call('BLPOP', name, 0)))
        server.command(f'RPUSH {name} x')
        equal(await client.call('ECHO', 'mine'), b'mine')
    equal(await asyncio.wait_for(client.call('PING'), 30), b'PONG')


async def within(awaitable):
    async with asyncio.timeout(0.05):
        return await awaitable


@on_asyncio
async def test_cancelled_call(server):
    client = Tornadis.Client(**options(server))

    async def block():
        return await client.call('BLPOP', 'list', 0)

    for awaitable in (block(), client.connect_client(), client.call('ECHO', 'no')):
        task = asyncio.ensure_future(awaitable)
        task.cancel()
        await raises_async(asyncio.CancelledError, task)
        equal(task.cancelled(), True)
    task = await start(block())
    await wait_until_blocked(server)
    task.cancel()
    await raises_async(asyncio.CancelledError, task)
    # It does not block any more, and takes nothing.
    await wait_until(lambda: count_blocked(server) == 0)
    server.command('RPUSH list x')
    equal(await client.call('ECHO', 'mine'), b'mine')
    equal(await client.call('LPOP', 'list'), b'x')

    # Of many that wait only those end that are cancelled.
    tasks = [await start(block()), *(asyncio.create_task(start_and_echo(client, i)) for i in range(100))]
    await wait_until_blocked(server)
    for _ in range(3):
        await asyncio.sleep(0)
    for task in tasks[2::2]:
        task.cancel()
    server.command('RPUSH list x')
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    equal(outcomes[0], [b'list', b'x'])
    equal([type(outcome) for outcome in outcomes[2::2]], [asyncio.CancelledError] * 50)
    equal(outcomes[1::2], [b'%d' % i for i in range(0, 100, 2)])


@on_asyncio
async def test_messages(server):
    client = Tornadis.Client(**options(server))
    pubsub = Tornadis.PubSubClient(**options(server))
    signalled, texts = [], []
    pubsub.connect('message::signalled', lambda _, message: signalled.append(message.text))
    equal(await pubsub.subscribe('news', 'signalled'), pubsub)
    equal(await pubsub.psubscribe('p*'), pubsub)

    async def publish():
        for i in range(100):
            await client.call('PUBLISH', 'news', i)
            await client.call('PUBLISH', 'signalled', i)
        await client.call('PUBLISH', 'pattern', 'last')

    async def read():
        async for message in pubsub.messages():
            texts.append(message.text)

    reading = await start(read())
    async with asyncio.TaskGroup() as group:
        group.create_task(publish())
    await wait_until(lambda: len(texts) == 101)
    equal(texts, [*map(str, range(100)), 'last'])
    equal(signalled, [*map(str, range(100))])

    await pubsub.unsubscribe('news', 'signalled')
    await pubsub.punsubscribe('p*')
    equal(await asyncio.wait_for(reading, 30), None)


@on_asyncio
async def test_cancelled_messages(server):
    """The message that came to one that no longer waits is the next one's."""
    client = Tornadis.Client(**options(server))
    pubsub = Tornadis.PubSubClient(**options(server))
    await pubsub.subscribe('a')

    async def read():
        async for message in pubsub.messages():
            raise AssertionError(message.text)

    reading = await start(read())
    reading.cancel()
    await raises_async(asyncio.CancelledError, reading)
    await raises_async(TimeoutError, asyncio.wait_for(pubsub.pop_message(), 0.05))
    equal(await pubsub.pop_message(0.05), None)
    for i in range(50):
        popping = asyncio.create_task(pop_text(pubsub))
        await client.call('PUBLISH', 'a', i)
        popping.cancel()
        try:
            text = await popping
        except asyncio.CancelledError:
            text = await pop_text(pubsub)
        equal(text, str(i))


@on_asyncio
async def test_fault_08_pop_cancelled_as_it_comes(server):
    """What came to a task that is cancelled before it hears of it goes to the next one, ahead of what came after it."""
    client = Tornadis.Client(**options(server))
    pubsub = Tornadis.PubSubClient(**options(server))
    await pubsub.subscribe('a')
    for i in range(0, 40, 2):
        future = pubsub.pop_message(30)

        async def take(future=future):
            return (await future).text

        tasks = [asyncio.create_task(each) for each in (take(), pop_text(pubsub), pop_text(pubsub))]
        await asyncio.sleep(0)
        server.command(f'PUBLISH a {i}')
        # What comes while a task runs is for the next iteration.
        while not future.done():
            GLib.MainContext.default().iteration(True)
        tasks[0].cancel()
        await client.call('PUBLISH', 'a', i + 1)
        equal(await asyncio.gather(*tasks[1:]), [str(i), str(i + 1)])
        await raises_async(asyncio.CancelledError, tasks[0])


async def pop_text(pubsub):
    return (await pubsub.pop_message(30)).text


@on_asyncio
async def test_pool(server):
    pool = Tornadis.ClientPool(max_size=2, **options(server))
    await pool.preconnect()
    used = 0

    async def work():
        nonlocal used
        async with pool.connected_client() as client:
            used += 1
            assert used <= 2, 'more than the pool has'
            number = await client.call('INCR', 'n')
            await asyncio.sleep(0)
            used -= 1
        return number

    equal(sorted(await asyncio.gather(*(work() for _ in range(50)))), list(range(1, 51)))
    equal((pool.props.size, pool.props.idle), (2, 2))
    equal(await asyncio.gather(*(pool.call('ECHO', i) for i in range(50))), [b'%d' % i for i in range(50)])

    async with pool.connected_client(), pool.connected_client():
        waiting = [await start(work()) for _ in range(2)]
        equal(pool.props.waiting, 2)
        waiting[0].cancel()
        await raises_async(asyncio.CancelledError, waiting[0])
        await wait_until(lambda: pool.props.waiting == 1)
    equal(await waiting[1], 51)

    try:
        async with pool.connected_client():
            raise KeyError('of the user')
    except KeyError:
        pass
    equal((pool.props.size, pool.props.idle, pool.props.waiting), (2, 2, 0))
    pool.destroy()


@on_asyncio
async def test_cancelled_pool(server):
    """A client is given back whenever the one that waits for it is cancelled, also as it comes."""
    pool = Tornadis.ClientPool(max_size=1, **options(server))

    async def use():
        async with pool.connected_client() as client:
            await client.call('PING')

    for pause in range(20):
        client = await pool.get_connected_client()
        using = asyncio.create_task(use())
        await asyncio.sleep(0)
        pool.release_client(client)
        for _ in range(pause):
            await asyncio.sleep(0)
        using.cancel()
        await asyncio.wait([using])
        # One with a call under way is closed; its place is free.
        await wait_until(lambda: pool.props.idle == pool.props.size)
        equal(pool.props.waiting, 0)


@on_asyncio
async def test_errors(server):
    client = Tornadis.Client(**options(server))
    await client.call('SET', 'k', 'v')
    error = await raises_async(Tornadis.ReplyError, client.call('LPUSH', 'k', 'x'))
    equal(error.prefix, 'WRONGTYPE')
    await raises_async(Tornadis.ConnectionError, Tornadis.Client(host='127.0.0.1', port=1).call('PING'))
    await raises_async(Tornadis.ClientError, Tornadis.PubSubClient(**options(server)).pop_message())

    waiting = [await start(start_and_echo(client, 'x'))]
    await asyncio.sleep(0)
    waiting += [client.call('BLPOP', 'none', 0) for _ in range(10)]
    await wait_until_blocked(server)
    server.kill()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    equal(outcomes[0], b'x')
    for outcome in outcomes[1:]:
        assert isinstance(outcome, Tornadis.ConnectionError), outcome
    server.restart()
    equal(await client.call('PING'), b'PONG')


@on_asyncio
async def test_fairness(server):
    """Neither GLib's timeouts nor asyncio's stand still while there are calls."""
    client = Tornadis.Client(**options(server))
    await client.connect_client()
    ticks = [0, 0]

    def tick():
        ticks[0] += 1
        return GLib.SOURCE_CONTINUE

    async def tick_too():
        while True:
            await asyncio.sleep(0.005)
            ticks[1] += 1

    counts = [0] * 50

    async def work(i):
        while min(*ticks, *counts) < 100:
            equal(await client.call('ECHO', counts[i]), b'%d' % counts[i])
            counts[i] += 1

    source, ticking = GLib.timeout_add(5, tick), asyncio.create_task(tick_too())
    try:
        await asyncio.gather(*(work(i) for i in range(50)))
    finally:
        GLib.source_remove(source)
        ticking.cancel()
    # In the time of a tick a fast machine makes some hundred calls, and a slow one less.
    assert sum(counts) < 5000 * min(ticks), (ticks, counts)
    assert max(counts) < 2 * min(counts), counts


@on_asyncio
async def test_tasks_of_handlers(server):
    """A handler of a signal, and a callback, may start a task."""
    client = Tornadis.Client(**options(server))
    pubsub = Tornadis.PubSubClient(**options(server))
    tasks = []

    def on_message(_, message):
        tasks.append(asyncio.create_task(client.call_and_double(message.text)))

    async def call_and_double(text):
        return 2 * await client.call('ECHO', text)

    client.call_and_double = call_and_double
    pubsub.connect('message', on_message)
    await pubsub.subscribe('a')
    for i in range(3):
        await client.call('PUBLISH', 'a', i)
    client.async_call('PING', callback=lambda reply: tasks.append(asyncio.create_task(call_and_double(reply))))
    await wait_until(lambda: len(tasks) == 4)
    equal(sorted(await asyncio.gather(*tasks)), [b'00', b'11', b'22', b'PONGPONG'])


@on_asyncio
async def test_slow_handlers(server):
    """Of what has come, a handler that takes long gets few messages before others have their turn: frames are drawn."""
    client = Tornadis.Client(**options(server))
    pubsub = Tornadis.PubSubClient(**options(server))
    seen, frames = [], [0]

    def on_message(_, message):
        time.sleep(0.002)
        seen.append((message.channel, message.pattern, message.text))

    def draw():
        frames.append(len(seen))
        return GLib.SOURCE_CONTINUE

    pubsub.connect('message', on_message)
    await pubsub.subscribe('a')
    await pubsub.psubscribe('*')
    frame = GLib.idle_add(draw, priority=GLib.PRIORITY_HIGH_IDLE + 20)
    await client.call('EVAL', "redis.call('PUBLISH', 'b', 0) for i = 1, 100 do redis.call('PUBLISH', 'a', i) end", 0)
    await wait_until(lambda: len(seen) == 201)
    GLib.source_remove(frame)
    equal(seen, [('b', '*', '0'), *(('a', pattern, str(i)) for i in range(1, 101) for pattern in (None, '*'))])
    # A turn that was waited for may come right behind one that nobody else wanted.
    assert max(later - earlier for earlier, later in zip(frames, [*frames[1:], len(seen)])) <= 2 * 16, frames


@on_asyncio
async def test_contexts(server):
    client = Tornadis.Client(**options(server))
    variable = contextvars.ContextVar('variable')

    async def work(i):
        variable.set(i)
        await client.call('ECHO', i)
        equal(variable.get(), i)
        await asyncio.sleep(0)
        await client.call('ECHO', i)
        return variable.get()

    equal(await asyncio.gather(*map(work, range(100))), list(range(100)))


@on_asyncio
async def test_threads(server):
    client = Tornadis.Client(**options(server))
    equal(await asyncio.gather(asyncio.to_thread(time.sleep, 0.05), client.call('PING')), [None, b'PONG'])


@on_asyncio
async def test_debug_mode(server):
    client = Tornadis.Client(**options(server))
    loop.set_debug(True)
    try:
        equal(await asyncio.gather(*(start_and_echo(client, i) for i in range(10))), [b'%d' % i for i in range(10)])
        await raises_async(TimeoutError, asyncio.wait_for(client.call('BLPOP', 'none', 0), 0.02))
    finally:
        loop.set_debug(False)


@on_asyncio
async def test_without_asyncio_meanwhile(server):
    """What the override has of its own goes together with asyncio's."""
    client = Tornadis.Client(**options(server))

    async def twice():
        await Tornadis.sleep(0.001)
        return [await client.call('ECHO', 1), await client.call('ECHO', 2)]

    equal(await asyncio.gather(Tornadis.spawn(twice()), twice()), [[b'1', b'2']] * 2)
    await raises_async(TimeoutError, asyncio.wait_for(asyncio.shield(sleeper := Tornadis.sleep(60)), 0.02))
    sleeper.cancel()


async def nothing():
    pass


@on_asyncio
async def test_run_is_refused(server):
    """In the middle of asyncio's turn its loop cannot be waited for."""
    raises(RuntimeError, Tornadis.run, nothing())
    refused = loop.create_future()

    def try_to_run():
        refused.set_result(raises(RuntimeError, Tornadis.run, nothing()))

    loop.call_soon(try_to_run)
    assert 'await' in str(await refused)
    equal(await Tornadis.Client(**options(server)).call('PING'), b'PONG')


def test_run_before_and_after(server):
    async def story():
        return await Tornadis.Client(**options(server)).call('PING')

    equal([Tornadis.run(story()), run(story()), Tornadis.run(story())], [b'PONG'] * 3)


def run_plainly(story, *args):
    """On the loop of asyncio's own, which waits for sockets alone."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(asyncio.wait_for(story(*args), 60))


def test_loop_without_glib(server):
    """What would be waited for in vain raises, in whichever way it is waited for, and says what to do."""
    client = Tornadis.Client(**options(server))
    pubsub = Tornadis.PubSubClient(**options(server))
    pool = Tornadis.ClientPool(**options(server))

    async def use_pool():
        async with pool.connected_client():
            pass

    async def read():
        async for message in pubsub.messages():
            pass

    async def story():
        remedy = 'gi.events.GLibEventLoopPolicy' if NATIVE else 'python3-gbulb'
        for start in (
                lambda: client.call('PING'),
                lambda: asyncio.gather(client.call('PING'), client.call('PING')),
                lambda: asyncio.wait_for(client.call('PING'), 30),
                lambda: asyncio.shield(client.call('PING')),
                lambda: asyncio.create_task(start_and_echo(client, 'x')),
                lambda: next(asyncio.as_completed([client.call('PING')])),
                client.connect_client, use_pool, lambda: pool.call('PING'), lambda: pubsub.subscribe('a'),
                lambda: Tornadis.sleep(0), lambda: Tornadis.spawn(start_and_echo(client, 'x'))):
            error = await raises_async(RuntimeError, start())
            assert 'Tornadis.run' in str(error) and remedy in str(error), error
        done, pending = await asyncio.wait([client.call('PING')])
        equal((type(done.pop().exception()), pending), (RuntimeError, set()))
        async with asyncio.timeout(30):
            await raises_async(RuntimeError, client.call('PING'))
        # What has come needs no loop.
        future = Tornadis.Future()
        future.set_result('there')
        equal(await future, 'there')

    run_plainly(story)
    equal(run(start_and_echo(Tornadis.Client(**options(server)), 'x')), b'x')

    # Subscribed on the other loop.
    equal(Tornadis.run(pubsub.subscribe('a')), pubsub)
    run_plainly(lambda: raises_async(RuntimeError, read()))


def test_loop_in_main_loop(server):
    """asyncio's own loop does when it is turned by the main loop, or turns it and says so, or is made to."""
    client = Tornadis.Client(**options(server))
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        plain = runner.get_loop()
        task = plain.create_task(start_and_echo(client, 'turned'))

        def turn():
            plain.call_soon(plain.stop)
            plain.run_forever()
            return GLib.SOURCE_CONTINUE

        source = GLib.timeout_add(1, turn)
        while not task.done():
            GLib.MainContext.default().iteration(True)
        GLib.source_remove(source)
        equal(task.result(), b'turned')

    class Selector(selectors.SelectSelector):
        def select(self, timeout=None):
            GLib.MainContext.default().iteration(False)
            return super().select(0)

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Selector())) as runner:
        equal(runner.run(start_and_echo(client, 'made to')), b'made to')

    async def story():
        asyncio.get_running_loop().runs_glib = True
        task = asyncio.create_task(start_and_echo(client, 'said'))
        while not task.done():
            GLib.MainContext.default().iteration(False)
            await asyncio.sleep(0)
        return task.result()

    equal(run_plainly(story), b'said')


def test_loop_of_another_context(server):
    """A loop that runs GLib, and not the context where the outcomes come: as gbulb's second asyncio.run()."""
    client = Tornadis.Client(**options(server))

    async def story():
        return str(await raises_async(RuntimeError, client.call('PING')))

    context = GLib.MainContext.new()
    other = GLibEventLoop(context) if NATIVE else GLibEventLoop(context=context)
    try:
        assert 'Tornadis.run' in other.run_until_complete(asyncio.wait_for(story(), 60))
    finally:
        other.close()


def test_application(server):
    """The loop is that of the application, whose handlers start tasks."""
    application = Gio.Application(flags=Gio.ApplicationFlags.NON_UNIQUE)
    outcomes = []

    async def work():
        client = Tornadis.Client(**options(server))
        pubsub = Tornadis.PubSubClient(**options(server))
        await pubsub.subscribe('a')
        outcomes.extend(await asyncio.gather(*(start_and_echo(client, i) for i in range(100))))
        await client.call('PUBLISH', 'a', 'message')
        async for message in pubsub.messages():
            outcomes.append(message.text)
            break
        await raises_async(TimeoutError, asyncio.wait_for(client.call('BLPOP', 'none', 0), 0.02))
        application.release()

    def on_activate(application):
        application.hold()
        application.task = asyncio.create_task(work())

    application.connect('activate', on_activate)
    if NATIVE:
        equal(application.run(), 0)
    else:
        GLibEventLoop(context=GLib.MainContext.default(), application=application).run_forever()
    equal(application.task.result(), None)
    equal(outcomes, [*(b'%d' % i for i in range(100)), 'message'])


if hasattr(asyncio, 'eager_task_factory'):
    @on_asyncio
    async def test_eager_tasks(server):
        client = Tornadis.Client(**options(server))

        async def worker(i):
            return [await client.call('ECHO', f'{i}.{n}') for n in range(5)]

        loop.set_task_factory(asyncio.eager_task_factory)
        try:
            for i, replies in enumerate(await asyncio.gather(*map(worker, range(50)))):
                equal(replies, [f'{i}.{n}'.encode() for n in range(5)])
        finally:
            loop.set_task_factory(None)


if NATIVE:
    # PyGObject makes an awaitable of every method with a callback that is not given one.

    def command(*args):
        return Tornadis.Command.new_strv(list(map(str, args)))

    @on_asyncio
    async def test_native_calls(server):
        client = Tornadis.Client(**options(server))
        equal(await client.connect_async(), True)
        equal((await client.call_async(command('PING'))).unpack(), b'PONG')

        # PyGObject's awaitable is no future, which gather() would take it for.
        async def echo(i):
            return (await client.call_async(command('ECHO', i))).unpack()

        equal(await asyncio.gather(*map(echo, range(500))), [b'%d' % i for i in range(500)])

        pipeline = Tornadis.Pipeline()
        pipeline.stack_call('SET', 'k', 'v')
        pipeline.stack_call('GET', 'k')
        equal((await client.call_pipeline_async(pipeline)).unpack(), [b'OK', b'v'])

        # What was called before goes first.
        first, second = client.call('RPUSH', 'order', 1), client.call_async(command('RPUSH', 'order', 2))
        equal([(await second).get_integer(), await first], [2, 1])

    @on_asyncio
    async def test_native_errors(server):
        client = Tornadis.Client(**options(server))
        error = await raises_async(Tornadis.ReplyError, client.call_async(command('NONSENSE')))
        equal(error.matches(Tornadis.error_quark(), Tornadis.Error.REPLY), True)
        equal(error.prefix, 'ERR')
        error = await raises_async(Tornadis.ConnectionError, Tornadis.Client(host='127.0.0.1', port=1).connect_async())
        equal(error.matches(Tornadis.error_quark(), Tornadis.Error.CONNECT), True)

    @on_asyncio
    async def test_native_cancel(server):
        """By hand: in PyGObject 3.50.0 a task cannot cancel what comes from a method of GLib's kind, anybody's."""
        client = Tornadis.Client(**options(server))

        async def cancel_blocked(call):
            await wait_until_blocked(server)
            call.cancel()

        cancellable = Gio.Cancellable()
        canceller = asyncio.create_task(cancel_blocked(cancellable))
        await raises_cancelled(client.call_async(command('BLPOP', 'list', 0), cancellable))
        await canceller
        # It takes nothing any more.
        await wait_until_blocked(server, 0)
        server.command('RPUSH list x')
        equal(await client.call('LPOP', 'list'), b'x')
        call = client.call_async(command('BLPOP', 'list', 0))
        canceller = asyncio.create_task(cancel_blocked(call))
        await raises_cancelled(call)
        await canceller
        equal(await client.call('ECHO', 'mine'), b'mine')

    async def raises_cancelled(awaitable):
        error = await raises_async(GLib.Error, awaitable)
        equal(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), True)

    @on_asyncio
    async def test_native_pub_sub(server):
        client = Tornadis.Client(**options(server))
        pubsub = Tornadis.PubSubClient(**options(server))
        equal(await pubsub.connect_async(), True)
        for prefix, publish in (('', 'PUBLISH'), ('p', 'PUBLISH'), ('s', 'SPUBLISH')):
            equal(await getattr(pubsub, f'{prefix}subscribe_async')(['a']), True)
            await client.call(publish, 'a', 'text')
            equal((await pubsub.pop_message_async(5)).text, 'text')
            equal(await pubsub.pop_message_async(0.01), None)
            equal(await getattr(pubsub, f'{prefix}unsubscribe_async')(['a']), True)
        error = await raises_async(Tornadis.ClientError, pubsub.pop_message_async(5))
        equal(error.matches(Tornadis.error_quark(), Tornadis.Error.USAGE), True)

    @on_asyncio
    async def test_native_pool(server):
        pool = Tornadis.ClientPool(max_size=2, **options(server))
        equal(await pool.preconnect_async(2), True)
        client = await pool.get_connected_client_async()
        equal(await client.call('PING'), b'PONG')
        pool.release_client(client)
        equal((await pool.call_async(command('PING'))).unpack(), b'PONG')
        pipeline = Tornadis.Pipeline()
        pipeline.stack_call('PING')
        equal((await pool.call_pipeline_async(pipeline)).unpack(), [b'PONG'])
        equal((pool.props.size, pool.props.idle), (2, 2))
        pool.destroy()


main(sys.modules[__name__])
