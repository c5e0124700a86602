# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scripts: by their digest, with their source when the server has none, in pipelines and with options."""

import sys

from tap import equal, main, raises, raises_async

from gi.repository import Tornadis, TornadisHarness

COUNT = "return redis.call('INCRBY', KEYS[1], ARGV[1])"


def make_client(server, **options):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path(), **options)


async def test_call(server):
    client = make_client(server)
    count = Tornadis.Script(COUNT, 1)
    equal(await count.call(client, 'n', 2), 2)
    equal(await count.call(client, b'n', 3), 5)
    equal(await client.call('SCRIPT', 'EXISTS', count.props.digest), [1])
    await client.call('SCRIPT', 'FLUSH')
    equal(await count.call(client, 'n', 1), 6)
    pool = Tornadis.ClientPool(template=client)
    equal(await count.call(pool, 'n', 1), 7)
    pool.destroy()
    assert repr(count) == f'<Tornadis.Script of 1 key, {count.props.digest}>', repr(count)


async def test_binary(server):
    client = make_client(server)
    echo = Tornadis.Script('return {KEYS[1], ARGV[1]}', n_keys=1)
    equal(await echo.call(client, b'a\0b', b'\xff'), [b'a\0b', b'\xff'])
    equal(await Tornadis.Script(b'return ARGV[1]').call(client, 1), b'1')
    client = make_client(server, decode=True)
    equal(await echo.call(client, 'k', 'ä'), ['k', 'ä'])


async def test_pipeline(server):
    client = make_client(server)
    count = Tornadis.Script(COUNT, 1)
    for atomic in False, True:
        pipeline = Tornadis.Pipeline(atomic=atomic)
        pipeline.stack_call('SET', 'n', 1)
        count.stack(pipeline, 'n', 2)
        count.stack(pipeline, 'n', 3)
        equal(await count.call_pipeline(client, pipeline), [b'OK', 3, 6])
        equal(await client.call(pipeline), [b'OK', 3, 6])


async def test_as_in_c(server):
    client = make_client(server)
    count = Tornadis.Script.new(COUNT, 1)
    equal([count.get_source(), count.get_n_keys(), count.get_read_only(), count.get_digest()], [COUNT, 1, False, None])
    command = count.create_command(['n', '2'])
    pipeline = Tornadis.Pipeline()
    for _ in range(2):
        pipeline.stack_command(command)
    for start, finish, what, expected in ((count.call_async, 'call_finish', command, 2),
                                          (count.call_pipeline_async, 'call_pipeline_finish', pipeline, [4, 6])):
        future = Tornadis.Future()
        start(client, what, None, lambda script, result: future.set_result(getattr(script, finish)(result).unpack()))
        equal(await future, expected)


async def test_errors(server):
    client = make_client(server)
    fails = Tornadis.Script("return redis.error_reply('MINE of my own')")
    error = await raises_async(Tornadis.ReplyError, fails.call(client))
    equal(error.prefix, 'MINE')
    writes = Tornadis.Script("return redis.call('SET', KEYS[1], 1)", 1, read_only=True)
    await raises_async(Tornadis.ReplyError, writes.call(client, 'n'))
    await raises_async(Tornadis.ClientError, Tornadis.Script(COUNT, 2).call(client, 'n'))
    raises(TypeError, lambda: fails.call(client, None))


async def test_timeout(server):
    peer = TornadisHarness.Peer.new('handshake\nstop-reading\n')
    client = Tornadis.Client(port=peer.get_port())
    error = await raises_async(Tornadis.ConnectionError, Tornadis.Script(COUNT, 1).call(client, 'n', 1, timeout=.05))
    equal(error.code, Tornadis.Error.TIMEOUT)
    equal(error.message, 'EVAL took longer than 0.05 s')
    client.close()


main(sys.modules[__name__])
