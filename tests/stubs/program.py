# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uses all of the library, and is checked, not run. Most of it is there for its name and its types."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable

import gi
gi.require_version('Tornadis', '1.0')
from gi.repository import Gio, GLib, GObject, Tornadis

VERSION: tuple[int, int, int] = (Tornadis.MAJOR_VERSION, Tornadis.MINOR_VERSION, Tornadis.MICRO_VERSION)
TEXTS: list[str] = [Tornadis.VERSION_S, Tornadis.PLUGIN_EXTENSION_POINT_NAME]
STATES: list[Tornadis.ClientState] = [
    Tornadis.ClientState.DISCONNECTED, Tornadis.ClientState.CONNECTING, Tornadis.ClientState.CONNECTED,
    Tornadis.ClientState.WAITING]
CODES: list[Tornadis.Error] = [
    Tornadis.Error.CONNECT, Tornadis.Error.AUTHENTICATION, Tornadis.Error.CLOSED, Tornadis.Error.LOST,
    Tornadis.Error.TIMEOUT, Tornadis.Error.PROTOCOL, Tornadis.Error.REPLY, Tornadis.Error.USAGE, Tornadis.Error.BUSY,
    Tornadis.Error.PLUGIN]
PROTOCOLS: list[Tornadis.Protocol] = [Tornadis.Protocol.AUTO, Tornadis.Protocol.RESP2, Tornadis.Protocol.RESP3]
KINDS: list[Tornadis.ReplyKind] = [
    Tornadis.ReplyKind.NIL, Tornadis.ReplyKind.STATUS, Tornadis.ReplyKind.ERROR, Tornadis.ReplyKind.INTEGER,
    Tornadis.ReplyKind.STRING, Tornadis.ReplyKind.ARRAY, Tornadis.ReplyKind.DOUBLE, Tornadis.ReplyKind.BOOLEAN,
    Tornadis.ReplyKind.BIG_NUMBER, Tornadis.ReplyKind.VERBATIM, Tornadis.ReplyKind.MAP, Tornadis.ReplyKind.SET,
    Tornadis.ReplyKind.PUSH]
NAMES: list[str] = [Tornadis.Error.USAGE.value_name, Tornadis.Error.USAGE.value_nick,
                    Tornadis.UriFlags.NONE.first_value_name, Tornadis.UriFlags.ALLOW_PLUGINS.first_value_nick,
                    *Tornadis.UriFlags.ALLOW_PLUGINS.value_names, *Tornadis.UriFlags.ALLOW_PLUGINS.value_nicks]
DOMAINS: list[int] = [Tornadis.Error.quark(), Tornadis.error_quark()]


def commands() -> list[Tornadis.Command]:
    command = Tornadis.Command.new('SET')
    command.append_string('key')
    command.append_bytes(GLib.Bytes.new(b'value'))
    command.append_int64(1)
    command.append_double(1.5)
    first: GLib.Bytes | None = command.get_arg(0)
    data: bytes | None = command.get_arg_data(0)
    args: list[GLib.Bytes] = command.get_args()
    print(args, first, data, command.get_n_args() + command.get_size(), command.get_name().lower())
    command.ref()
    command.unref()
    return [command, command.copy(), Tornadis.Command('PING'), Tornadis.Command.new_strv(['GET', 'key']),
            Tornadis.Command.new_bytes([GLib.Bytes.new(b'PING')])]


def read(reply: Tornadis.Reply) -> None:
    kind: Tornadis.ReplyKind = reply.get_kind()
    numbers: list[float] = [reply.get_integer(), reply.get_double(), reply.get_n_elements()]
    truths: list[bool] = [reply.get_boolean(), reply.is_error(), kind == Tornadis.ReplyKind.MAP]
    texts: list[str | None] = [reply.get_text(), reply.to_string(), str(reply)]
    data: list[bytes | None] = [reply.get_data()]
    held: GLib.Bytes | None = reply.get_bytes()
    inner: list[Tornadis.Reply | None] = [reply.get_element(0), reply.lookup('key'), reply.copy(), reply.ref()]
    error: GLib.Error | None = reply.dup_error()
    variant: GLib.Variant = reply.to_variant()
    again: Tornadis.Reply = Tornadis.Reply.new_from_variant(variant)
    reply.unref()
    print(numbers, truths, texts, data, held, inner, error, again)
    print(Tornadis.Reply.new_from_resp(GLib.Bytes.new(b'+OK\r\n')))
    print(Tornadis.Reply.new_nested(Tornadis.ReplyKind.ARRAY, [Tornadis.Reply.new_string(GLib.Bytes.new(b'x'))]))
    show(reply.unpack())
    show(reply.unpack(decode=True))


def show(value: bytes | str | int | float | bool | None | list[object] | object) -> str:
    return repr(value)


def read_message(message: Tornadis.Message) -> None:
    texts: list[str | None] = [message.channel, message.pattern, message.text, message.get_channel(),
                               message.get_pattern(), message.get_text()]
    payload = message.get_payload()
    data: list[bytes] = [message.payload or b'', *(message.keys or ()), message.get_channel_bytes().get_data(),
                         b'' if payload is None else payload.get_data()]
    reply: Tornadis.Reply = message.get_reply()
    message.ref()
    message.copy()
    message.unref()
    shards: list[bool] = [message.shard, message.is_shard()]
    print(texts, data, reply, shards)


def errors() -> None:
    try:
        raise Tornadis.ClientError('one')
    except Tornadis.ReplyError as error:
        prefix: str | None = error.prefix
        print(prefix, Tornadis.error_dup_prefix(error), Tornadis.Error.dup_prefix(error))
    except (Tornadis.ConnectionError, Tornadis.TornadisException) as error:
        code: int = error.code
        print(error.message, error.domain, code == Tornadis.Error.LOST, error.copy())
        print(error.matches(Tornadis.error_quark(), Tornadis.Error.LOST), error.matches(Tornadis.Error, Tornadis.Error.LOST))


async def calls(client: Tornadis.Client) -> str:
    number: int = 1
    await client.call('SET', b'key', bytearray(1), memoryview(b''), number, 1.5, True, GLib.Bytes.new(b''))
    reply = await client.call('GET', 'key')
    if isinstance(reply, bytes):
        return reply.decode()
    if isinstance(reply, dict):
        return str(list(reply.values())[0])
    if isinstance(reply, list):
        return ' '.join(show(each) for each in reply)
    if isinstance(reply, Tornadis.TornadisException):
        return reply.message
    future: Tornadis.Future[Tornadis.Client] = client.connect_client()
    connected: Tornadis.Client = await future
    print(connected, await client.call(Tornadis.Command('PING')))
    count: int = await client.call('INCR', 'n', timeout=1.5, cancellable=Gio.Cancellable())
    await client.call(Tornadis.Command('PING'), timeout=1)
    await client.call(Tornadis.Pipeline(), timeout=None, cancellable=None)
    await client.connect_client(timeout=1, cancellable=Gio.Cancellable())
    async with Tornadis.Client(host='localhost') as other:
        await other.call('PING')
    return str((await client.call('GET', 'key')).decode() * count)


def callbacks(client: Tornadis.Client, pipeline: Tornadis.Pipeline) -> None:
    def got(result: object) -> None:
        if isinstance(result, Exception):
            raise result

    def got_replies(replies: object) -> None:
        print(replies)

    client.async_call('PING')
    client.async_call('PING', callback=got)
    client.async_call('PING', callback=got, timeout=1, cancellable=Gio.Cancellable())
    client.async_call(pipeline, timeout=1)
    client.async_call('GET', 'key', callback=lambda result: print(isinstance(result, bytes)))
    client.async_call(Tornadis.Command('PING'), callback=got)
    client.async_call(pipeline, callback=got_replies)

    def submitted(client: Tornadis.Client, reply: Tornadis.Reply | None, error: GLib.Error | None) -> None:
        print(client.is_connected(), reply, error)

    def finish(client: Tornadis.Client, result: Gio.AsyncResult) -> None:
        reply: Tornadis.Reply = client.call_finish(result)
        read(reply)

    def finish_with(client: Tornadis.Client, result: Gio.AsyncResult, name: str) -> None:
        print(client.connect_finish(result), name)

    command = Tornadis.Command('PING')
    client.submit(command)
    client.submit(command, submitted)
    client.submit(command, lambda client, reply, error, name: print(name), 'a name')
    client.submit_pipeline(pipeline, submitted)
    client.call_async(command, None, finish)
    client.call_async(command, Gio.Cancellable(), finish)
    client.call_async(command, callback=finish)
    client.call_pipeline_async(pipeline, None, lambda client, result: read(client.call_pipeline_finish(result)))
    client.connect_async(None, finish_with, 'a name')


def properties(client: Tornadis.Client) -> None:
    booleans: list[bool] = [
        client.props.aggressive_write, client.props.autoconnect, client.props.busy_poll, client.props.connected, client.props.tcp_nodelay,
        client.props.tls, client.decode, Tornadis.Pipeline().props.atomic, Tornadis.PubSubClient().props.subscribed,
        client.props.in_transaction, client.props.session_settled, client.is_in_transaction(), client.is_session_settled()]
    numbers: list[int] = [
        client.props.call_timeout_msec, client.props.connect_timeout, client.props.db, client.props.max_pending,
        client.props.max_queued_bytes, client.props.max_reply_size, client.props.port, client.props.protocol_version,
        client.props.read_page_size, client.props.read_timeout, client.props.tcp_user_timeout_msec, client.props.write_page_size, client.props.bytes_read,
        client.props.bytes_written, client.props.connection_id, client.props.pending, client.props.verify_replies]
    texts: list[str | None] = [
        client.props.client_name, client.props.host, client.props.password, client.props.title,
        client.props.unix_domain_socket, client.props.username]
    objects: list[object] = [
        client.props.connectable, client.props.proxy_resolver, client.props.tls_certificate, client.props.tls_database,
        client.props.tls_server_identity]
    protocol: Tornadis.Protocol = client.props.protocol
    state: Tornadis.ClientState = client.props.state
    client.props.port = 6380
    client.props.host = None
    client.props.protocol = Tornadis.Protocol.RESP2
    client.decode = True
    print(booleans, numbers, texts, objects, protocol, state)


def clients() -> list[Tornadis.Client]:
    return [
        Tornadis.Client(), Tornadis.Client(host='localhost', port=6379, db=1, decode=True),
        Tornadis.Client(host=None, protocol=Tornadis.Protocol.RESP3, tls=True),
        Tornadis.Client(connectable=Gio.NetworkAddress.new('localhost', 6379)),
        Tornadis.Client.new('localhost', 6379), Tornadis.Client.new_for_uri('redis://localhost', decode=True),
        Tornadis.Client.new_for_uri_full('redis://localhost', Tornadis.UriFlags.ALLOW_PLUGINS),
        Tornadis.Client.new_for_unix_socket('/tmp/socket'), Tornadis.PubSubClient(host='localhost', decode=True),
        Tornadis.PubSubClient.new('localhost', 6379), Tornadis.PubSubClient.new_for_uri('redis://localhost'),
        Tornadis.PubSubClient.new_for_uri_full('redis://localhost', Tornadis.UriFlags.NONE),
        Tornadis.PubSubClient.new_like(Tornadis.Client.new('localhost', 6379)),
        Tornadis.PubSubClient.new_for_unix_socket('/tmp/socket')]


def signals(client: Tornadis.Client, pub_sub: Tornadis.PubSubClient) -> int:
    def on_disconnected(client: Tornadis.Client, error: GLib.Error | None) -> None:
        client.disconnect_client()
        client.close()

    def on_message(client: Tornadis.PubSubClient, message: Tornadis.Message) -> None:
        read_message(message)

    def on_scheduled(client: Tornadis.Client, attempt: int, delay_msec: int, error: GLib.Error) -> None:
        print(attempt + delay_msec, error.message)

    handler = client.connect('disconnected', on_disconnected)
    client.connect_after('disconnected', on_disconnected)
    client.connect('reconnect-scheduled', on_scheduled)
    client.connect('notify::connected', lambda client, pspec: print(client.is_connected(), pspec.name))
    client.connect('disconnected', lambda client, error, name: print(name), 'a name')
    pub_sub.connect('disconnected', on_disconnected)
    pub_sub.connect('message', on_message)
    pub_sub.connect('message::news', on_message)
    pub_sub.connect('message::' + str(1), lambda client, message: print(message.channel))
    pub_sub.connect('gap', lambda client: print(client.props.subscribed))
    pub_sub.connect('overflow', lambda client: client.close())
    pub_sub.connect('subscription-added', lambda client, name, count: print(name.upper(), count + 1))
    pub_sub.connect('subscription-removed', lambda client, name, count: print(name.upper(), count + 1))
    pub_sub.connect_after('notify', lambda client, pspec: print(pspec.name))
    connect_any(client)
    return handler


def connect_any(thing: GObject.Object) -> None:
    thing.connect('any', print)


async def subscriptions(client: Tornadis.PubSubClient) -> None:
    done: Tornadis.PubSubClient = await client.subscribe('one', 'two')
    done = await client.subscribe(['one', b'two'], timeout=1)
    done = await client.subscribe(('one', 'two'))
    done = await client.subscribe({'one': 1}.keys())
    done = await client.unsubscribe({'one', b'two'}, cancellable=Gio.Cancellable())
    for future in (client.psubscribe('o*'), client.ssubscribe('one'), client.unsubscribe(), client.punsubscribe('o*'),
                   client.sunsubscribe(), client.pubsub_subscribe('one'), client.pubsub_psubscribe('o*'),
                   client.pubsub_unsubscribe('one'), client.pubsub_punsubscribe(),
                   client.subscribe(b'\xff', bytearray(b'a'), memoryview(b'b'), GLib.Bytes.new(b'c'), 'd')):
        done = await future
    message: Tornadis.Message | None = await client.pop_message(1.5, cancellable=Gio.Cancellable())
    async with Tornadis.PubSubClient() as other:
        done = other
    message = message or await client.pubsub_pop_message(deadline=1)
    if message is not None:
        client.unpop_message(message)
    async for each in client.messages():
        read_message(each)
    async for each in client.messages(deadline=1.5):
        read_message(each)


def subscriptions_of_gio(client: Tornadis.PubSubClient) -> None:
    def done(client: Tornadis.PubSubClient, result: Gio.AsyncResult) -> None:
        message: Tornadis.Message | None = client.pop_message_finish(result)
        finished: list[bool] = [
            client.subscribe_finish(result), client.psubscribe_finish(result), client.ssubscribe_finish(result),
            client.unsubscribe_finish(result), client.punsubscribe_finish(result), client.sunsubscribe_finish(result),
            client.subscribe_bytes_finish(result), client.unsubscribe_bytes_finish(result)]
        print(message, finished)

    client.subscribe_async(['one'], None, done)
    client.psubscribe_async(('o*',), None, done)
    client.ssubscribe_async(['one'], Gio.Cancellable(), done)
    client.unsubscribe_async(None, None, done)
    client.punsubscribe_async(None, None, done)
    client.sunsubscribe_async(callback=done)
    client.subscribe_bytes_async(Tornadis.SubscriptionKind.PATTERN, [GLib.Bytes.new(b'\xff')], None, done)
    client.subscribe_bytes_async(Tornadis.SubscriptionKind.SHARD, [GLib.Bytes.new(b'\xff')], None, done)
    client.unsubscribe_bytes_async(Tornadis.SubscriptionKind.CHANNEL, None, None, done)
    client.pop_message_async(-1, None, done)


async def pipelines(client: Tornadis.Client) -> None:
    pipeline = Tornadis.Pipeline(atomic=True)
    pipeline.stack_call('SET', 'key', 1)
    pipeline.stack_call(Tornadis.Command('PING'))
    pipeline.stack_command(Tornadis.Command('PING'))
    pipeline.stack_commands([Tornadis.Command('PING'), Tornadis.Command('PING')])
    pipeline.stack_strv(['GET', 'key'])
    command: Tornadis.Command | None = pipeline.get_command(0)
    commands: list[Tornadis.Command] = pipeline.get_commands()
    count: int = pipeline.number_of_stacked_calls + pipeline.get_number_of_stacked_calls()
    replies = await client.call(pipeline)
    if replies is not None:
        print(len(replies), replies[0], command, count + pipeline.props.number_of_stacked_calls)
    pipeline.set_atomic(not pipeline.get_atomic())
    pipeline.connect('notify::atomic', lambda pipeline, pspec: pipeline.clear())
    pipeline.connect_after('notify', lambda pipeline, pspec: Tornadis.Pipeline.new().clear())


async def pools(template: Tornadis.Client) -> None:
    pool = Tornadis.ClientPool(template=template, max_size=4, client_timeout=60, autoclose=True, decode=True)
    pools = [pool, Tornadis.ClientPool(max_size=4, host='localhost'), Tornadis.ClientPool.new(template)]
    same: Tornadis.ClientPool = await pool.preconnect()
    text: str = await pool.with_client(calls)
    await pool.call('PING', timeout=1, cancellable=Gio.Cancellable())
    await pool.get_connected_client(timeout=1)
    async with Tornadis.ClientPool() as other:
        print(same, text, other)
    await pool.preconnect(2)
    async with pool.connected_client() as client:
        await client.call('PING')
    async with pool.connected_client(timeout=1, cancellable=Gio.Cancellable()) as client:
        text = await pool.with_client(calls, timeout=1, cancellable=Gio.Cancellable())
    taken: Tornadis.Client = await pool.get_connected_client()
    pool.release_client(taken)
    maybe: Tornadis.Client | None = pool.get_client_nowait()
    print(maybe, await pool.call('PING'), await pool.call(Tornadis.Pipeline()), await pool.call(Tornadis.Command('A')))
    pool.async_call('PING', callback=lambda result: print(isinstance(result, Exception)))
    pool.async_call(Tornadis.Pipeline(), callback=lambda result: print(result))
    pool.async_call(Tornadis.Command('PING'))
    numbers: list[int] = [pool.props.idle, pool.props.size, pool.props.waiting, pool.props.max_size,
                          pool.props.client_timeout]
    pool.props.autoclose = pool.decode
    pool.connect('notify::idle', lambda pool, pspec: pool.destroy())
    pool.connect_after('notify::idle', lambda pool, pspec: pool.destroy())
    print(pools, numbers, pool.props.template.props.host)


def pools_of_gio(pool: Tornadis.ClientPool) -> None:
    def done(pool: Tornadis.ClientPool, result: Gio.AsyncResult) -> None:
        replies: list[Tornadis.Reply] = [pool.call_finish(result), pool.call_pipeline_finish(result)]
        client: Tornadis.Client = pool.get_connected_client_finish(result)
        print(replies, client, pool.preconnect_finish(result))

    pool.call_async(Tornadis.Command('PING'), None, done)
    pool.call_pipeline_async(Tornadis.Pipeline(), None, done)
    pool.get_connected_client_async(None, done)
    pool.preconnect_async(-1, None, done)


class Named(Tornadis.Client):
    mine = True


def subclasses() -> tuple[Named, Named]:
    return Named.new_for_uri('redis://localhost'), Named.new_for_uri_full('redis://localhost', Tornadis.UriFlags.NONE)


class Plugin(Tornadis.Plugin):
    def __init__(self) -> None:
        super().__init__()

    def do_attach(self, client: Tornadis.Client) -> bool:
        return True

    def do_detach(self, client: Tornadis.Client) -> None:
        client.remove_plugin(self)

    def do_setup(self, commands: Tornadis.Pipeline) -> None:
        commands.stack_strv(['CLIENT', 'SETNAME', 'name'])

    def do_setup_done(self, client: Tornadis.Client, replies: Tornadis.Reply) -> bool:
        if replies.get_n_elements() > 1:
            self.reconnect_client(client, GLib.Error())
        return not replies.is_error()

    def do_call(self, call: Tornadis.Call) -> bool:
        numbers: list[int] = [call.get_attempt(), call.get_elapsed(), call.get_start_time()]
        abandoned: bool = call.is_abandoned()
        in_transaction: bool = call.is_in_transaction()
        about: list[object] = [call.get_client().props.title, call.get_command(), call.get_pipeline(), call.get_name()]
        call.set_command(Tornadis.Command('PING'))
        call.set_pipeline(Tornadis.Pipeline())
        self.set_client_state(call.get_client(), Tornadis.ClientState.CONNECTED)
        self.set_client_lost(call.get_client(), GLib.Error())
        self.set_client_in_transaction(call.get_client(), in_transaction)
        target: Tornadis.Client | None = call.get_target()
        if target is not None:
            call.forward(target)
        call.return_error(Tornadis.ClientError('no'))
        call.proceed()
        return bool(numbers and about and not abandoned)

    def do_call_done(self, call: Tornadis.Call) -> None:
        if call.dup_error() is not None:
            call.retry(10)

    def do_push(self, push: Tornadis.Reply) -> bool:
        return False

    def do_observe(self, client: Tornadis.Client, command: Tornadis.Command | None, pipeline: Tornadis.Pipeline | None,
                   reply: Tornadis.Reply | None, error: GLib.Error | None, elapsed: int) -> None:
        if command is not None:
            self.submit(client, command, None)

    def do_client_acquired(self, client: Tornadis.Client, elapsed: int) -> None:
        print(client, elapsed + 1)


def plugins(client: Tornadis.Client, call: Tornadis.Call, push: Tornadis.Reply) -> None:
    plugin = Plugin()
    plugin.do_attach(client)
    plugin.do_setup(Tornadis.Pipeline())
    plugin.do_setup_done(client, push)
    plugin.do_call(call)
    plugin.do_call_done(call)
    plugin.do_push(push)
    plugin.do_observe(call.get_client(), call.get_command(), None, push, None, 1)
    plugin.do_client_acquired(client, 1)
    plugin.do_detach(client)
    reply: Tornadis.Reply | None = call.get_reply()
    if reply is not None:
        call.return_reply(reply)
    named: list[Tornadis.Plugin] = [client.add_plugin_by_name('log'), Tornadis.Plugin.new_by_name('log'),
                                    Tornadis.Plugin.new_with_options('log', ['prefix=x'])]
    registered: bool = Tornadis.Plugin.register('name', Plugin) and client.add_plugin(plugin)
    named[0].props.prefix = 'app: '
    names: list[str] = Tornadis.Plugin.list_names()
    Plugin.set_description('says what it does')
    description: str | None = plugin.get_description()
    print(named, registered, names, description, client.get_plugins().get_n_items())


async def scripts(client: Tornadis.Client, pool: Tornadis.ClientPool) -> None:
    script = Tornadis.Script('return ARGV[1]', 1, read_only=True)
    print(await script.call(client, 'key', 1, timeout=1), await script.call(pool, b'key', cancellable=Gio.Cancellable()))
    pipeline = Tornadis.Pipeline()
    script.stack(pipeline, 'key', 1)
    replies: list[object] | None = await script.call_pipeline(pool, pipeline, timeout=1)
    texts: list[str | None] = [script.get_source(), script.get_digest(), script.props.source, script.props.digest]
    numbers: list[int] = [script.get_n_keys(), script.props.n_keys]
    truths: list[bool] = [script.get_read_only(), script.props.read_only]
    other: Tornadis.Script = Tornadis.Script.new('return 1', 0)
    caller: Tornadis.Caller = pool
    command: Tornadis.Command = other.create_command(['key'])
    other.call_async(caller, command, None, lambda script, result: print(script.call_finish(result)))
    other.call_pipeline_async(caller, pipeline, None, lambda script, result: print(script.call_pipeline_finish(result)))
    caller.call_async(command, None, lambda caller, result: print(caller.call_finish(result)))
    caller.call_pipeline_async(pipeline, None, lambda caller, result: print(caller.call_pipeline_finish(result)))
    print(replies, texts, numbers, truths)


async def scanners(client: Tornadis.Client, pool: Tornadis.ClientPool) -> None:
    scanner = Tornadis.Scanner(client, Tornadis.ScannerKind.HASH, b'key', pattern='f*', count=10, unique=True)
    batch: list[object] | None = await scanner.next(timeout=1, cancellable=Gio.Cancellable())
    async for element in Tornadis.Scanner(pool, key_type='stream', max_unique_bytes=1000):
        print(element)
    scanner.next_async(None, lambda scanner, result: print(scanner.next_finish(result)))
    scanner.set_max_unique_bytes(2000)
    scanner.props.max_unique_bytes = 3000
    callers: list[Tornadis.Caller | None] = [scanner.get_caller(), scanner.props.caller]
    keys: list[GLib.Bytes | None] = [scanner.get_key(), scanner.props.key]
    texts: list[str | None] = [
        scanner.get_pattern(), scanner.props.pattern, scanner.get_key_type(), scanner.props.key_type]
    numbers: list[int] = [scanner.get_count(), scanner.props.count, scanner.get_max_unique_bytes(), scanner.props.max_unique_bytes]
    kinds: list[Tornadis.ScannerKind] = [scanner.get_kind(), scanner.props.kind]
    truths: list[bool] = [scanner.get_unique(), scanner.props.unique]
    others: list[Tornadis.Scanner] = [
        Tornadis.Scanner.new(pool), Tornadis.Scanner.new_for_key(client, Tornadis.ScannerKind.SORTED_SET, 'key')]
    scanner.close()
    print(batch, callers, keys, texts, numbers, kinds, truths, others, Tornadis.ScannerKind.SET, Tornadis.ScannerKind.KEYS)


async def keyspaces(client: Tornadis.Client) -> None:
    keyspace = Tornadis.Keyspace(client, b'user:*', event='set', db=1, subkeys=True, configure=True, classes='$')
    started: Tornadis.Keyspace = await keyspace.start(timeout=1, cancellable=Gio.Cancellable())
    keyspace.stop()
    async with Tornadis.Keyspace.new(client, None) as other:
        other.start_async(None, lambda other, result: print(other.start_finish(result)))
    truths: list[bool] = [
        keyspace.get_subkeys(), keyspace.get_configure(), keyspace.get_active(), keyspace.get_checked(),
        keyspace.get_has_subkeys(), keyspace.props.subkeys, keyspace.props.configure, keyspace.props.active,
        keyspace.props.checked, keyspace.props.has_subkeys]
    texts: list[str | None] = [
        keyspace.get_event(), keyspace.props.event, keyspace.get_classes(), keyspace.props.classes]
    patterns: list[GLib.Bytes | None] = [keyspace.get_pattern(), keyspace.props.pattern]
    numbers: list[int] = [keyspace.get_db(), keyspace.props.db]
    models: list[Tornadis.Client | None] = [keyspace.get_client(), keyspace.props.client]
    keyspace.connect('changed', lambda keyspace, key, event: print(key, event))
    keyspace.connect('subkey-changed', lambda keyspace, key, event, subkey: print(key, event, subkey))
    keyspace.connect('gap', lambda keyspace: print('gap'))
    keyspace.connect('disabled', lambda keyspace, error: print(error))
    print(started, truths, texts, patterns, numbers, models)


async def records(client: Tornadis.Client, value: GLib.Variant) -> None:
    record = Tornadis.Record(client, 'lamp', {'level': value})
    loaded: Tornadis.Record = await record.load(timeout=1, cancellable=Gio.Cancellable())
    flushed: Tornadis.Record = await record.flush(timeout=1)
    Tornadis.Record.new(client, 'lamp', None).load_async(None, lambda record, result: print(record.load_finish(result)))
    record.flush_async(None, lambda record, result: print(record.flush_finish(result)))
    record.set_client(client)
    record.set_key('lamp')
    record.props.client = client
    record.props.key = 'lamp'
    truths: list[bool] = [
        record.get_loaded(), record.get_live(), record.get_exists(), record.props.loaded, record.props.live, record.props.exists,
        record.set_field('level', value)]
    texts: list[str | None] = [record.get_key(), record.props.key]
    values: list[GLib.Variant | None] = [record.get_fields(), record.props.fields, record.get_field('level')]
    models: list[Tornadis.Client | None] = [record.get_client(), record.props.client]
    error: Tornadis.TornadisException | None = record.get_error()
    record.connect('field-changed', lambda record, name: print(name))
    record.connect('write-failed', lambda record, error: print(error))
    record.connect('conflict', lambda record, name, value: print(name, value))
    record.connect('invalid', lambda record, name, text: print(name, text))
    print(loaded, flushed, truths, texts, values, models, error, record.props.error)


async def libraries(client: Tornadis.Client, pool: Tornadis.ClientPool) -> None:
    library = Tornadis.FunctionLibrary('#!lua name=stock', version=1)
    same: Tornadis.FunctionLibrary = await library.ensure(client, timeout=1, cancellable=Gio.Cancellable())
    print(await same.call(client, 'take', ['key'], 1, timeout=1), await same.call_read_only(pool, b'left', (b'key',)))
    texts: list[str | None] = [library.get_code(), library.get_name(), library.props.code, library.props.name]
    numbers: list[int] = [library.get_version(), library.props.version]
    other: Tornadis.FunctionLibrary = Tornadis.FunctionLibrary.new('#!lua name=stock', 1)
    command: Tornadis.Command = other.create_command('take', 1, ['key'])
    other.call_async(client, command, None, lambda library, result: print(library.call_finish(result)))
    command = other.create_read_only_command('left', 1, ['key'])
    other.ensure_async(pool, None, lambda library, result: print(library.ensure_finish(result)))
    print(texts, numbers)


async def locks(client: Tornadis.Client, pool: Tornadis.ClientPool) -> None:
    lock = Tornadis.Lock(client, 'lock', expiry_msec=1000, fencing_key='count')
    async with lock as same:
        held: Tornadis.Lock = same
    locked: Tornadis.Lock = await lock.acquire(timeout=1)
    free: bool = await lock.try_acquire(cancellable=Gio.Cancellable())
    released: Tornadis.Lock = await lock.release(timeout=1)
    other: Tornadis.Lock = Tornadis.Lock.new(pool, 'lock')
    other.acquire_async(None, lambda lock, result: print(lock.acquire_finish(result)))
    other.try_acquire_async(None, lambda lock, result: print(lock.try_acquire_finish(result)))
    other.release_async(None, lambda lock, result: print(lock.release_finish(result)))
    caller: Tornadis.Caller = lock.get_caller()
    callers = [caller, lock.props.caller]
    texts: list[str | None] = [lock.get_name(), lock.get_fencing_key(), lock.get_token(),
                               lock.props.name, lock.props.fencing_key, lock.props.token]
    numbers: list[int] = [lock.get_expiry_msec(), lock.get_fencing_number(), lock.props.expiry_msec, lock.props.fencing_number]
    truths: list[bool] = [free, lock.is_held(), lock.props.held]

    def tell(lock: Tornadis.Lock, error: GLib.Error) -> None:
        print(lock, error)

    lock.connect('lost', tell)
    print(held, locked, released, callers, texts, numbers, truths)


async def streams(client: Tornadis.Client, pool: Tornadis.ClientPool) -> None:
    reader = Tornadis.StreamReader(client, 's', '0', max_pending=10)
    entry: Tornadis.StreamEntry = await reader.next(timeout=1, cancellable=Gio.Cancellable())
    async for entry in reader:
        print(entry.id)
    async for batch in reader.batches():
        entry = batch[0]
    reader.set_max_pending(5)
    reader.start()
    reader.next_async(None, lambda reader, result: print(reader.next_finish(result).get_id()))
    reader.close_async(None, lambda reader, result: print(reader.close_finish(result)))
    taken: Tornadis.StreamEntry | None = reader.take_entry()
    caller: Tornadis.Caller = reader.get_caller()
    texts: list[str | None] = [reader.get_stream(), reader.get_start_id(), reader.get_last_id(), reader.last_id,
                               reader.props.stream, reader.props.start_id, reader.props.last_id]
    numbers: list[int] = [reader.get_max_pending(), reader.props.max_pending]
    truths: list[bool] = [reader.is_closed()]
    reader.connect('entry', lambda reader, entry: print(reader.get_stream(), entry.get_id()))
    reader.connect('interrupted', lambda reader, error: print(error.message))
    reader.connect('failed', lambda reader, error: print(error.message))
    await reader.close(timeout=1)
    print(taken, caller, reader.props.caller, Tornadis.StreamReader.new(pool, 's', '$'))

    consumer = Tornadis.StreamConsumer(pool, 's', 'g', 'c', max_deliveries=2, claim_idle_msec=5, dead_letter_stream='d')
    await consumer.ack(entry, await consumer.next())
    consumer.release(entry)
    consumer.release_ids(['1-0'])
    consumer.ack_ids_async(['1-0'], None, lambda consumer, result: print(consumer.ack_ids_finish(result)))
    consumer.set_claim_idle_msec(10)
    consumer.set_max_deliveries(10)
    consumer.set_dead_letter_stream(None)
    numbers += [consumer.get_n_pending(), consumer.get_claim_idle_msec(), consumer.get_max_deliveries(),
                consumer.props.claim_idle_msec, consumer.props.max_deliveries]
    texts += [consumer.get_group(), consumer.get_consumer_name(), consumer.get_dead_letter_stream(), consumer.props.group,
              consumer.props.consumer_name, consumer.props.dead_letter_stream]
    consumer.connect('entry-deleted', lambda consumer, id: print(consumer.get_group(), id.upper()))
    consumer.connect('entry-buried', lambda consumer, entry: print(entry.get_id()))
    other: Tornadis.StreamConsumer = Tornadis.StreamConsumer.new(client, 's', 'g', 'c')

    texts += [entry.stream, entry.id, entry.get_stream(), entry.get_id(), entry.lookup_text('name')]
    numbers += [entry.delivery_count, entry.get_delivery_count(), entry.get_n_fields()]
    parts: list[GLib.Bytes | None] = [entry.get_field_name(0), entry.get_field_value(0), entry.lookup('name')]
    reply: Tornadis.Reply = entry.get_reply()
    print(texts, numbers, truths, parts, reply, other, entry.fields['f'], entry.pairs[0])


class Login(GObject.Object, Tornadis.Credentials):
    def do_request_login(self, request: Tornadis.LoginRequest) -> None:
        cancellable: Gio.Cancellable = request.get_cancellable()
        request.return_login('user', None, 0)
        request.return_error(GLib.Error())
        print(cancellable)


def credentials(client: Tornadis.Client, request: Tornadis.LoginRequest) -> None:
    other = Tornadis.Client(credentials=Login())
    given: Tornadis.Credentials | None = client.props.credentials
    if given is not None:
        given.request_login(request)
        other.props.credentials = given


async def models(client: Tornadis.Client) -> None:
    rows = Tornadis.ListModel(client, 'log')
    rows.connect('items-changed', lambda model, position, removed, added: print(position, removed, added))
    await rows.append('a', timeout=1)
    await rows.insert(0, b'b', cancellable=Gio.Cancellable())
    await rows.replace(0, 1)
    truths: list[bool] = [await rows.remove(0), rows.get_ready(), rows.get_live(), rows.props.ready, rows.props.live]
    rows.refresh()
    best = Tornadis.SortedSetModel(client, b'best', descending=True)
    truths += [await best.add('a', 1.5, timeout=1), await best.remove('a'), best.get_descending(), best.props.descending]
    other: Tornadis.ListModel = Tornadis.ListModel.new(client, 'log')
    another: Tornadis.SortedSetModel = Tornadis.SortedSetModel.new(client, 'best', False)
    live: Tornadis.LiveModel = other
    value: GLib.Bytes = GLib.Bytes.new(b'a')
    other.append_async(value, None, lambda model, result: print(model.append_finish(result)))
    other.insert_async(0, value, None, lambda model, result: print(model.insert_finish(result)))
    other.replace_async(0, value, None, lambda model, result: print(model.replace_finish(result)))
    other.remove_async(0, None, lambda model, result: print(model.remove_finish(result)))
    another.add_async(value, 1, None, lambda model, result: print(model.add_finish(result)))
    another.remove_async(value, None, lambda model, result: print(model.remove_finish(result)))
    print(live.get_item_type(), live.get_n_items())
    live.items_changed(0, 0, 0)
    item = live.get_item(0)
    assert isinstance(item, Tornadis.Item)
    texts: list[str | None] = [item.get_text(), item.get_name(), item.props.text, item.props.name, live.get_key(), live.props.key]
    values: list[GLib.Bytes | None] = [
        item.get_bytes(), item.get_field(), item.get_key(), item.props.bytes, item.props.field, item.props.key,
        live.get_key_bytes(), live.props.key_bytes]
    numbers: list[float] = [item.get_score(), item.props.score, live.props.n_items]
    truths += [item.get_loading(), item.props.loading]
    error: Tornadis.TornadisException | None = live.get_error()
    print(truths, texts, values, numbers, error, live.props.error, live.get_client(), live.props.client)


def stream_models(client: Tornadis.Client) -> None:
    model = Tornadis.StreamModel(client, b'events', max_items=10)
    other: Tornadis.StreamModel = Tornadis.StreamModel.new(client, 'events', 10)
    numbers: list[int] = [model.get_max_items(), model.props.max_items]
    item = other.get_item(0)
    assert isinstance(item, Tornadis.Item)
    entries: list[Tornadis.StreamEntry | None] = [item.get_entry(), item.props.entry]
    print(numbers, entries)


async def tables(client: Tornadis.Client) -> None:
    settings = Tornadis.HashModel(client, 'settings')
    tags = Tornadis.SetModel(client, b'tags')
    jobs = Tornadis.KeyModel(client, 'job:*')
    truths: list[bool] = [
        await settings.put('a', 1, timeout=1), await settings.remove('a'), await tags.add('a'), await tags.remove('a', timeout=1),
        await jobs.remove('job:1', cancellable=Gio.Cancellable())]
    value: GLib.Bytes = GLib.Bytes.new(b'a')
    hash_model: Tornadis.HashModel = Tornadis.HashModel.new(client, 'settings')
    set_model: Tornadis.SetModel = Tornadis.SetModel.new(client, 'tags')
    key_model: Tornadis.KeyModel = Tornadis.KeyModel.new(client, 'job:*')
    hash_model.put_async(value, value, None, lambda model, result: print(model.put_finish(result)))
    hash_model.remove_async(value, None, lambda model, result: print(model.remove_finish(result)))
    set_model.add_async(value, None, lambda model, result: print(model.add_finish(result)))
    set_model.remove_async(value, None, lambda model, result: print(model.remove_finish(result)))
    key_model.remove_async(value, None, lambda model, result: print(model.remove_finish(result)))
    print(truths)


async def futures() -> None:
    future: Tornadis.Future[int] = Tornadis.Future()
    future.add_done_callback(lambda future: print(future.result() + 1), context=contextvars.copy_context())
    future.remove_done_callback(print)
    future.set_result(1)
    future.set_exception(ValueError())
    print(future.done(), future.cancelled(), future.cancel(), future.exception(), future.get_loop())
    number: int = await future
    await Tornadis.sleep(0.1)
    spawned: Tornadis.Future[None] = Tornadis.spawn(Tornadis.sleep(number))
    await asyncio.wait_for(asyncio.ensure_future(spawned), 1)


def main() -> None:
    text: str = Tornadis.run(calls(Tornadis.Client()))
    then: Callable[[], None] = Tornadis.Client().disconnect_client
    print(text, then)
