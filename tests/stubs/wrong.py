# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must be rejected: each line that ends in “error”, and with stubs of PyGObject “error, of GObject”."""

from gi.repository import Gio, GLib, Tornadis


async def wrong(client: Tornadis.Client, pub_sub: Tornadis.PubSubClient, pool: Tornadis.ClientPool) -> None:
    Tornadis.Client(hots='localhost')  # error
    Tornadis.Client(port='6379')  # error
    Tornadis.Client(protocol=3.5)  # error
    Tornadis.Client('localhost', 6379)  # error
    Tornadis.Client.new('localhost')  # error
    Tornadis.Pipeline(atomic='yes')  # error
    Tornadis.ClientPool(template=client, host='localhost')  # error
    Tornadis.ClientPool(max_size='4')  # error
    Tornadis.Message()  # error
    Tornadis.Reply()  # error
    Tornadis.Command()  # error
    Tornadis.Command('GET', 'key')  # error
    Tornadis.Command.new_strv('GET key')  # error
    Tornadis.Command.new_bytes([b'GET'])  # error
    Tornadis.Reply.new_from_resp(b'+OK')  # error
    Tornadis.ReplyKind.NOTHING  # error
    Tornadis.nothing()  # error
    Tornadis.run(1)  # error
    Tornadis.sleep('1')  # error

    client.call()  # error
    client.call('SET', 'key', None)  # error
    client.call('SADD', 'key', ['one', 'two'])  # error
    client.call('SET', 'key', object())  # error
    client.call('GET', 'key', timeout='1')  # error
    client.call('GET', 'key', timeuot=1)  # error
    client.call('GET', 'key', cancellable=1)  # error, of GObject
    client.cal('GET', 'key')  # error
    client.connect_client(1)  # error
    Tornadis.Client.new_for_uri('redis://localhost', decode='yes')  # error
    client.call(Tornadis.Pipeline(), 'GET')  # error
    client.async_call('PING', print)  # error
    client.async_call('PING', callback=1)  # error
    client.async_call('PING', callback=lambda: None)  # error
    client.caall('PING')  # error
    replies = await client.call(Tornadis.Pipeline())
    replies[0]  # error
    connected: str = await client.connect_client()  # error
    client.call('GET', 'key').decode()  # error
    client.props.hots  # error
    client.props.port = '6379'  # error
    client.props.connected = True  # error
    client.decode = 'utf-8'  # error
    client.add_plugin('log')  # error

    client.call_async('PING', None, None)  # error
    client.call_async(Tornadis.Command('PING'), None, lambda: None)  # error
    client.submit(Tornadis.Command('PING'), lambda reply, error: None)  # error
    client.connect('disconected', lambda client, error: None)  # error
    client.connect('disconnected', lambda error: None)  # error
    client.connect('reconnect-scheduled', lambda client, attempt: None)  # error
    client.connect('notify::conected', lambda client, pspec: None)  # error
    pub_sub.connect('gap', 1)  # error
    pub_sub.connect('message::news', lambda message: print(message))  # error
    pub_sub.connect('message', lambda client, message: print(message.txt))  # error

    pub_sub.call('PING')  # error
    pub_sub.async_call('PING')  # error
    pub_sub.subscribe([1])  # error
    pub_sub.subscribe(['news'], 'other')  # error
    pub_sub.subscribe_async('news', None, None)  # error
    pub_sub.pop_message('1')  # error
    (await pub_sub.pop_message()).text  # error
    async for message in pub_sub.messages():
        message.text.upper()  # error
        message.payload.upper().encode()  # error
        message.channel = 'other'  # error

    async with pool.connected_client() as taken:
        taken.release()  # error
    pool.connected_client(timeuot=1)  # error
    await pool.with_client(print, timeout='1')  # error
    with pool.connected_client() as taken:  # error
        pass
    pool.release_client(pool)  # error
    (pool.get_client_nowait()).close()  # error
    await pool.preconnect('2')  # error
    await pool.with_client(1)  # error

    try:
        await client.call('PING')
    except Tornadis.ReplyError as error:
        error.prefix.upper()  # error
        error.prefx  # error
        error.matches(Tornadis.ReplyError, Tornadis.Error.LOST)  # error
    raise Tornadis.ClientError(code='USAGE')  # error


class Plugin(Tornadis.Plugin):
    def do_call(self, call: Tornadis.Call) -> str:  # error
        return call.get_command().get_name()  # error

    def do_push(self, push: Tornadis.Message) -> bool:  # error
        return True


def finish(client: Tornadis.Client, result: Gio.AsyncResult) -> GLib.Bytes:
    client.call_finish()  # error
    return client.call_finish(result).get_text()  # error
