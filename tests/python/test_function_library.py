# SPDX-License-Identifier: LGPL-2.1-or-later
"""Libraries of functions: loaded when they are missing, replaced when they are older."""

import sys

from tap import equal, main, raises, raises_async

from gi.repository import Tornadis

HEAD = '#!lua name=stock\n'
TAKE = "redis.register_function('take', function(keys, args) return redis.call('DECRBY', keys[1], args[1]) end)\n"
LEFT = """redis.register_function{
  function_name = 'left', callback = function(keys) return redis.call('GET', keys[1]) end, flags = {'no-writes'}
}"""


def make_client(server, **options):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path(), **options)


async def test_call(server):
    client = make_client(server)
    stock = Tornadis.FunctionLibrary(HEAD + TAKE + LEFT, 1)
    equal(await stock.call(client, 'take', ['apples'], 2), -2)
    equal(await stock.call(client, b'take', (b'apples',), b'3'), -5)
    await client.call('FUNCTION', 'FLUSH')
    equal(await stock.call_read_only(client, 'left', ['apples'], timeout=60), b'-5')
    pool = Tornadis.ClientPool(template=client)
    equal(await stock.call(pool, 'take', ['apples'], 1), -6)
    pool.destroy()
    assert repr(stock) == '<Tornadis.FunctionLibrary stock, version 1>', repr(stock)


async def test_ensure(server):
    client = make_client(server)
    first = Tornadis.FunctionLibrary(HEAD + TAKE, version=1)
    second = Tornadis.FunctionLibrary(HEAD + TAKE + LEFT, version=2**64 - 1)
    assert await first.ensure(client) is first
    assert await second.ensure(client) is second
    await first.ensure(client, timeout=60)
    code = (await client.call('FUNCTION', 'LIST', 'WITHCODE'))[0][b'library_code']
    assert code.endswith(b'\n-- tornadis-version: 18446744073709551615'), code


async def test_errors(server):
    client = make_client(server)
    await raises_async(Tornadis.ClientError, Tornadis.FunctionLibrary(TAKE, 1).ensure(client))
    await raises_async(Tornadis.ReplyError, Tornadis.FunctionLibrary(HEAD + 'no Lua', 1).ensure(client))
    stock = Tornadis.FunctionLibrary(HEAD + TAKE)
    error = await raises_async(Tornadis.ReplyError, stock.call(client, 'left', ['apples']))
    equal(error.message, 'ERR Function not found')
    await raises_async(Tornadis.ReplyError, stock.call_read_only(client, 'take', ['apples'], 1))
    raises(TypeError, lambda: stock.call(client, 'take', 'apples', 1))
    raises(TypeError, lambda: stock.call(client, 'take', b'apples', 1))
    raises(TypeError, lambda: stock.call(client, 'take', [None], 1))


async def test_as_in_c(server):
    client = make_client(server)
    stock = Tornadis.FunctionLibrary.new(HEAD + TAKE + LEFT, 3)
    equal([stock.get_name(), stock.get_code(), stock.get_version()], ['stock', HEAD + TAKE + LEFT, 3])
    finished = Tornadis.Future()
    stock.ensure_async(client, None, lambda stock, result: finished.set_result(result))
    assert stock.ensure_finish(await finished)
    for command, expected in ((stock.create_command('take', 1, ['apples', '4']), -4),
                              (stock.create_read_only_command('left', 1, ['apples']), b'-4')):
        finished = Tornadis.Future()
        stock.call_async(client, command, None, lambda stock, result: finished.set_result(result))
        equal(stock.call_finish(await finished).unpack(), expected)


main(sys.modules[__name__])
