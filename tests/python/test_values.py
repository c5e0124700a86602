# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replies as values of Python: every kind, in both modes, on each of the ways that they come."""

import math
import sys

from tap import equal, main, raises, raises_async, wait_until

from gi.repository import GLib, Tornadis, TornadisBridge, TornadisHarness


# Since there is one, long lists of short strings come packed.
BRIDGE = TornadisBridge.Carrier.new_data(Tornadis.Client(), lambda *_: None)


def parse(resp):
    return Tornadis.Reply.new_from_resp(GLib.Bytes.new(resp))


def string(data):
    return b'$%d\r\n%s\r\n' % (len(data), data)


def array(*elements):
    return b'*%d\r\n%s' % (len(elements), b''.join(elements))


def options(server):
    return {'unix_domain_socket': server.get_socket_path()}


def to_text(value):
    """What a value in bytes is when strings are decoded."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (list, tuple)):
        return type(value)(map(to_text, value))
    if isinstance(value, dict):
        return {to_text(key): to_text(item) for key, item in value.items()}
    return value


def same(resp, expected):
    """Also as the last element behind so many that the reply is long."""
    for decode in (False, True):
        value = to_text(expected) if decode else expected
        for before in ([], [string(b'x')] * 20):
            got = parse(array(*before, resp)).unpack(decode)[-1]
            equal((got, type(got)), (value, type(value)))
        equal(parse(resp).unpack(decode), value)


def test_kinds(server):
    for resp, value in ((b'_\r\n', None), (b'$-1\r\n', None), (b'*-1\r\n', None), (b'+OK\r\n', b'OK'), (b'$0\r\n\r\n', b''),
                        (b'#t\r\n', True), (b'#f\r\n', False), (b',1.5\r\n', 1.5), (b',-inf\r\n', -math.inf),
                        (b'=7\r\ntxt:abc\r\n', b'abc'), (string('ä\0€'.encode()), 'ä\0€'.encode()),
                        (string(b'x' * 300), b'x' * 300), (string(b'x' * 100_000), b'x' * 100_000),
                        (b'*0\r\n', []), (b'~2\r\n:1\r\n:1\r\n', [1, 1]), (b'%0\r\n', {}), (b'>1\r\n+a\r\n', [b'a'])):
        # Nothing but a reply may be a push.
        if resp[0:1] == b'>':
            equal((parse(resp).unpack(), parse(resp).unpack(True)), (value, to_text(value)))
        else:
            same(resp, value)
    equal(math.isnan(parse(b',nan\r\n').unpack()), True)


def test_integers(server):
    for bits in (0, 1, 14, 15, 16, 29, 30, 31, 32, 44, 45, 59, 60, 62, 63, 64, 75, 100, 500, 1000, 1900):
        for number in (2 ** bits - 1, 2 ** bits, 2 ** bits + 1):
            for number in (number, -number):
                if -2 ** 63 <= number < 2 ** 63:
                    same(b':%d\r\n' % number, number)
                same(b'(%d\r\n' % number, number)
    same(b'(+12\r\n', 12)
    same(b'(-0\r\n', 0)
    same(b'(' + b'0' * 500 + b'7\r\n', 7)
    same(b'(' + b'9' * 600 + b'\r\n', 10 ** 600 - 1)
    # Longer ones stay text.
    same(b'(' + b'9' * 601 + b'\r\n', b'9' * 601)


def test_fault_10_spellings(server):
    """Servers before 7.2 spell what is not a number, and infinity, as their C library does."""
    for text in (b'nan', b'-nan', b'NaN', b'NAN', b'nan()', b'nan(0x1)', b'-nan(ind)'):
        for value in parse(b',%s\r\n' % text).unpack(), *parse(array(b',%s\r\n' % text)).unpack(True):
            assert isinstance(value, float) and math.isnan(value), (text, value)
    for text in (b'inf', b'+inf', b'Inf', b'infinity', b'INFINITY'):
        same(b',%s\r\n' % text, math.inf)
    same(b',-Infinity\r\n', -math.inf)


async def test_fault_10_spelling_of_the_server(server):
    """Redis 7.0 says -nan."""
    client = Tornadis.Client(**options(server))
    value = await client.call('EVAL', 'redis.setresp(3) return {double=0/0}', 0)
    assert isinstance(value, float) and math.isnan(value), value
    equal(await client.call('EVAL', 'redis.setresp(3) return {double=-1/0}', 0), -math.inf)


async def test_fault_10_long_lines(server):
    client = Tornadis.Client(**options(server))
    text = 'x' * 1_000_000
    equal(await client.call('EVAL', 'return redis.status_reply(ARGV[1])', 0, text), text.encode())
    error = await raises_async(Tornadis.ReplyError, client.call('EVAL', 'return redis.error_reply(ARGV[1])', 0, f'OOPS {text}'))
    equal((str(error), error.prefix), (f'OOPS {text}', 'OOPS'))
    equal(await client.call('PING'), b'PONG')


def test_maps(server):
    same(b'%2\r\n' + string(b'a') + b':1\r\n' + b':2\r\n' + array(string(b'b')), {b'a': 1, 2: [b'b']})
    # Keys are to be hashable.
    same(b'%3\r\n*2\r\n:1\r\n*1\r\n+a\r\n:1\r\n%1\r\n+k\r\n+v\r\n:2\r\n*0\r\n:3\r\n',
         {(1, (b'a',)): 1, (b'k', b'v'): 2, (): 3})
    equal(parse(b'%1\r\n-E x\r\n:1\r\n').unpack(), {b'E x': 1})
    strings = [b'%d' % i for i in range(100)]
    same(b'%50\r\n' + b''.join(map(string, strings)), dict(zip(strings[::2], strings[1::2])))
    # The last counts.
    same(b'%20\r\n' + string(b'a') * 38 + string(b'a') + string(b'b'), {b'a': b'b'})
    same(b'%1\r\n' + array(*map(string, strings)) + b':1\r\n', {tuple(strings): 1})


MERGED = (
    (b'%2\r\n:1\r\n+one\r\n#t\r\n+yes\r\n', [(1, b'one'), (True, b'yes')]),
    (b'%3\r\n:0\r\n:1\r\n#f\r\n:2\r\n,0\r\n:3\r\n', [(0, 1), (False, 2), (0.0, 3)]),
    # All of its pairs.
    (b'%4\r\n,2\r\n*1\r\n:5\r\n+k\r\n:1\r\n+k\r\n:2\r\n:2\r\n%1\r\n:7\r\n_\r\n',
     [(2.0, [5]), (b'k', 1), (b'k', 2), (2, {7: None})]),
    (b'%2\r\n(36893488147419103232\r\n:1\r\n,36893488147419103232\r\n:2\r\n', [(2 ** 65, 1), (2.0 ** 65, 2)]),
    (b'%2\r\n*2\r\n+k\r\n:1\r\n:1\r\n*2\r\n+k\r\n#t\r\n:2\r\n', [((b'k', 1), 1), ((b'k', True), 2)]),
    (b'%2\r\n%1\r\n#t\r\n#f\r\n:1\r\n%1\r\n#t\r\n:0\r\n:2\r\n', [((True, False), 1), ((True, 0), 2)]),
    # Within others.
    (b'%1\r\n:1\r\n%2\r\n:1\r\n:2\r\n#t\r\n:3\r\n', {1: [(1, 2), (True, 3)]}),
    (b'*2\r\n%2\r\n:1\r\n:2\r\n,1\r\n~0\r\n%1\r\n+k\r\n#t\r\n', [[(1, 2), (1.0, [])], {b'k': True}]),
    # A dict when it loses nothing; of keys that are the same the last counts.
    (b'%3\r\n:1\r\n:1\r\n#f\r\n:2\r\n,0.5\r\n:3\r\n', {1: 1, False: 2, 0.5: 3}),
    (b'%3\r\n:1\r\n:1\r\n#f\r\n:2\r\n:1\r\n:3\r\n', {1: 3, False: 2}),
    (b'%3\r\n:1\r\n:1\r\n(1\r\n:2\r\n:1\r\n:3\r\n', {1: 3}),
    (b'%2\r\n,0\r\n:1\r\n,-0\r\n:2\r\n', {0.0: 2}),
    (b'%2\r\n+k\r\n:1\r\n$1\r\nk\r\n:2\r\n', {b'k': 2}),
    (b'%2\r\n-E x\r\n:1\r\n*1\r\n#t\r\n*1\r\n,1\r\n', {b'E x': 1, (True,): [1.0]}),
    (b'%3\r\n-E x\r\n:1\r\n#t\r\n*1\r\n,1\r\n:0\r\n_\r\n', {b'E x': 1, True: [1.0], 0: None}),
)


def to_exact(value):
    """Equal only to what has the same types."""
    if isinstance(value, dict):
        return dict, [(to_exact(key), to_exact(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), list(map(to_exact, value))
    return type(value), value


def test_merged_keys(server):
    for resp, value in MERGED:
        for decode in (False, True):
            expected = to_exact(to_text(value) if decode else value)
            equal(to_exact(parse(resp).unpack(decode)), expected)
            equal(to_exact(parse(array(*[string(b'x')] * 20, resp)).unpack(decode)[-1]), expected)
    equal(len(parse(b'%3\r\n,nan\r\n:1\r\n,nan\r\n:2\r\n:1\r\n:3\r\n').unpack()), 3)
    # Errors among its values are exceptions as elsewhere.
    error = parse(b'%2\r\n:1\r\n-OOPS x\r\n#t\r\n:1\r\n').unpack()[0][1]
    equal((type(error), error.prefix), (Tornadis.ReplyError, 'OOPS'))
    # Deeper than the bridge goes.
    value = parse(b'*1\r\n' * 500 + MERGED[0][0]).unpack()
    for _ in range(500):
        value, = value
    equal(to_exact(value), to_exact(MERGED[0][1]))


async def test_merged_keys_of_calls(server):
    """On each of the ways that a reply comes."""
    lines = [resp.decode().replace('\r\n', '\\r\\n') for resp, _ in MERGED]
    script = ''.join(f'expect GET\nsend "{line}"\n' for line in lines)
    for way in ('call', 'callback', 'pipeline', 'pool'):
        peer = TornadisHarness.Peer.new('handshake3\n' + script)
        address = {'host': '127.0.0.1', 'port': peer.get_port()}
        client = Tornadis.Client(**address)
        outcomes = []
        if way == 'call':
            outcomes = [await client.call('GET', 'k') for _ in MERGED]
        elif way == 'callback':
            for _ in MERGED:
                client.async_call('GET', 'k', callback=outcomes.append)
            await wait_until(lambda: len(outcomes) == len(MERGED))
        elif way == 'pipeline':
            pipeline = Tornadis.Pipeline()
            for _ in MERGED:
                pipeline.stack_call('GET', 'k')
            outcomes = await client.call(pipeline)
        else:
            pool = Tornadis.ClientPool(max_size=1, **address)
            outcomes = [await pool.call('GET', 'k') for _ in MERGED]
        equal(peer.get_failure(), None)
        equal(to_exact(outcomes), to_exact([value for _, value in MERGED]))


def test_errors(server):
    for decode in (False, True):
        first, (second,), names = parse(array(b'-WRONG x\r\n', array(b'!6\r\nOOPS y\r\n'), array(string(b'a')))).unpack(decode)
        equal([(type(error), str(error), error.prefix) for error in (first, second)],
              [(Tornadis.ReplyError, 'WRONG x', 'WRONG'), (Tornadis.ReplyError, 'OOPS y', 'OOPS')])
        equal(names, ['a' if decode else b'a'])
        equal(parse(b'%1\r\n+k\r\n-E\r\n').unpack(decode)['k' if decode else b'k'].prefix, 'E')


def test_not_text(server):
    for resp in (string(b'\xff'), b'+\xff\r\n', array(string(b'\xff')), array(array(b':1\r\n', string(b'\xff'))),
                 array(*[string(b'a')] * 30, string(b'\xff')), b'%1\r\n' + string(b'\xff') + b':1\r\n',
                 b'%1\r\n*1\r\n' + string(b'\xed\xa0\x80') + b':1\r\n', array(string(b'\xff' * 100_000))):
        # It stays bytes, among text.
        expected = parse(resp).unpack()
        equal(parse(resp).unpack(True), ['a'] * 30 + [b'\xff'] if resp.startswith(b'*31') else expected)


def test_nul_among_many(server):
    same(array(*[string(b'a\0b')] * 30), [b'a\0b'] * 30)


def test_deep(server):
    """Deeper than marshal goes, and than Python's own calls, to where the reader ends."""
    for depth in (199, 200, 201, 500, 1000, 2001, 16384):
        for head, step in ((b'*1\r\n', lambda value: value[0]), (b'*2\r\n:1\r\n', lambda value: value[1]),
                           (b'%1\r\n+k\r\n', lambda value: value[b'k'])):
            value = parse(head * depth + b'$1\r\nx\r\n').unpack()
            for _ in range(depth):
                value = step(value)
            equal(value, b'x')
    value = parse(b'*2\r\n' * 300 + b'%2\r\n+a\r\n-E x\r\n*1\r\n:1\r\n+b\r\n' + b'+next\r\n' * 300).unpack(True)
    for _ in range(300):
        equal(value[1], 'next')
        value = value[0]
    equal((value['a'].prefix, value[(1,)]), ('E', 'b'))


async def test_called(server):
    """The same through a client, in both modes."""
    for decode in (False, True):
        client = Tornadis.Client(decode=decode, **options(server))

        def told(value):
            return to_text(value) if decode else value

        values = [b'%d' % i * (i % 50) for i in range(20_000)]
        await client.call('DEL', 'list', 'hash')
        await client.call('RPUSH', 'list', *values)
        equal(await client.call('LRANGE', 'list', 0, -1), told(values))
        equal(await client.call('LRANGE', 'list', 0, 16), told(values[:17]))
        await client.call('HSET', 'hash', *(f'{i}' for i in range(1000)))
        equal(await client.call('HGETALL', 'hash'), told({b'%d' % i: b'%d' % (i + 1) for i in range(0, 1000, 2)}))
        await client.call('MSET', *(f'k{i}' for i in range(40)))
        equal(await client.call('MGET', *(f'k{i}' for i in range(40))),
              told([None if i % 2 else b'k%d' % (i + 1) for i in range(40)]))
        pipeline = Tornadis.Pipeline()
        pipeline.stack_call('LRANGE', 'list', 100, 199)
        pipeline.stack_call('LPUSH', 'hash', 1)
        pipeline.stack_call('LRANGE', 'none', 0, -1)
        many, error, none = await client.call(pipeline)
        equal((many, error.prefix, none), (told(values[100:200]), 'WRONGTYPE', []))
        equal(await client.call('EVAL', 'return {1, {2, {3, {"x"}}}, false}', 0), told([1, [2, [3, [b'x']]], None]))
        pipeline = Tornadis.Pipeline(atomic=True)
        for i in range(30):
            pipeline.stack_call('GET', 'k0')
        equal(await client.call(pipeline), told([b'k1'] * 30))
        # Strings that are no text are told one by one.
        await client.call('RPUSH', 'list', b'\xff')
        equal((await client.call('LRANGE', 'list', 0, -1))[-2:], [told(values[-1]), b'\xff'])
        equal(await client.call('LRANGE', 'list', -1, -1), [b'\xff'])
        equal(await client.call('ECHO', 'next'), told(b'next'))


async def make_list(client, n):
    values = [b'%d' % i + b'x' * (i % 50) for i in range(n)]
    await client.call('DEL', 'long')
    for i in range(0, n, 10_000):
        await client.call('RPUSH', 'long', *values[i:i + 10_000])
    return values


async def test_long_call(server):
    """A list of megabytes, which comes in parts."""
    values = await make_list(Tornadis.Client(**options(server)), 300_000)
    for decode in (False, True):
        client = Tornadis.Client(decode=decode, **options(server))
        expected = to_text(values) if decode else values
        # Several at once, and other calls in between.
        calls = [client.call('LRANGE', 'long', 0, -1), client.call('LRANGE', 'long', 0, 1),
                 client.call('LRANGE', 'long', 1, -1)]
        equal(await calls[1], expected[:2])
        got = await calls[0]
        equal((len(got), got == expected), (300_000, True))
        equal(await calls[2] == expected[1:], True)
        # Within other values, and as a reply that stays whole.
        pipeline = Tornadis.Pipeline()
        pipeline.stack_call('LRANGE', 'long', 0, -1)
        pipeline.stack_call('PING')
        first, second = await client.call(pipeline)
        equal((first == expected, second), (True, 'PONG' if decode else b'PONG'))
        reply = parse(array(*map(string, values)))
        for _ in range(2):
            equal(reply.unpack(decode) == expected, True)
        # A NUL is text; the last bytes are not.
        await client.call('RPUSH', 'long', b'a\0b', b'\xff')
        equal((await client.call('LRANGE', 'long', 0, -2))[-1], 'a\0b' if decode else b'a\0b')
        equal((await client.call('LRANGE', 'long', 0, -1))[-2:], ['a\0b' if decode else b'a\0b', b'\xff'])
        await client.call('LTRIM', 'long', 0, -3)
        equal(await client.call('ECHO', 'next'), 'next' if decode else b'next')


async def test_long_call_cancelled(server):
    """Nobody waits for the list any more, or its client is disposed of with others under way."""
    client = Tornadis.Client(**options(server))
    values = await make_list(client, 100_000)
    first, second = client.call('LRANGE', 'long', 0, -1), client.call('LRANGE', 'long', 0, -1)
    await client.call('PING')
    first.cancel()
    equal(await second == values, True)
    seen = []

    def taken(value):
        seen.append(value)
        client.run_dispose()

    client.async_call('LRANGE', 'long', 0, -1, callback=taken)
    await raises_async(Tornadis.ConnectionError, client.call('BLPOP', 'nothing', 0))
    equal(seen == [values], True)


async def test_deep_call(server):
    client = Tornadis.Client(**options(server))
    client.async_call('PING')
    script = 'local t = {"x"} for i = 1, tonumber(ARGV[1]) do t = {t} end return t'
    # As deep as the server's stack for Lua lets it, with others told at the same time.
    others = [client.call('ECHO', i) for i in range(5)]
    futures = [client.call('EVAL', script, 0, depth) for depth in (100, 198, 199, 200, 201, 500, 3000)]
    for future, depth in zip(futures, (100, 198, 199, 200, 201, 500, 3000)):
        value = await future
        for _ in range(depth):
            value, = value
        equal(value, [b'x'])
    equal([await other for other in others], [b'%d' % i for i in range(5)])


main(sys.modules[__name__])
