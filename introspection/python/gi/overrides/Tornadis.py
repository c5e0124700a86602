# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tornadis for Python: native arguments and replies, awaitable calls.

What is awaited completes from the GLib main loop. It works under any event loop of asyncio that runs on that, and
without asyncio under `Tornadis.run()`.

A call is given `str` (sent as UTF-8), `bytes` and its kin, `int`, `float`, `bool` (as 1 or 0) and `GLib.Bytes`. It brings
`bytes` for strings (`str` with `decode`), `int`, `float`, `bool`, `None`, `list`, `dict`, and an exception for an error
within a reply. Its own error is raised, as a `TornadisException`.

Where there is a `timeout`, in seconds, what takes longer is given up and raises `ConnectionError` with the code
`TIMEOUT`; with 0 it is not begun, and nothing is sent. With a `cancellable`, a `Gio.Cancellable`, it raises `GLib.Error`
with `Gio.IOErrorEnum.CANCELLED` when that is cancelled, as `asyncio.CancelledError` is raised when the awaitable is. The
command may have run none the less. A reply that comes later is dropped and reaches no other call. The connection stays, but
for commands that wait for data, such as `BLPOP`: those would go on waiting.
"""

import collections.abc
import functools
import marshal

from gi.repository import GLib, GObject

from ..overrides import override
from ._tornadis_carrier import LimitedCallback, LimitedFuture, get_carrier as _get_carrier
from ._tornadis_data import Script
from ._tornadis_function_library import FunctionLibrary
from ._tornadis_keyspace import Keyspace
from ._tornadis_lock import Lock
from ._tornadis_loop import Future, _in_task, _LentFuture, _report, run, sleep, spawn
from ._tornadis_messages import Message as _Message, Messages
from ._tornadis_models import HashModel, KeyModel, ListModel, SetModel, SortedSetModel, StreamModel
from ._tornadis_record import Record
from ._tornadis_scanner import Scanner
from ._tornadis_streams import StreamConsumer, StreamEntry, StreamReader
from ._tornadis_values import (
    ClientError, ConnectionError, ReplyError, Tornadis, TornadisBridge, TornadisException, _check_decode, _convert_errors,
    _describe, _encode, _is_large, _to_bytes, _to_command, _to_exception, _to_native)

__all__ = ['ClientError', 'ConnectionError', 'FunctionLibrary', 'Future', 'HashModel', 'KeyModel', 'Keyspace',
           'ListModel', 'Lock', 'Record', 'ReplyError', 'Scanner', 'Script', 'SetModel', 'SortedSetModel',
           'StreamConsumer', 'StreamEntry', 'StreamModel', 'StreamReader', 'TornadisException', 'run', 'sleep',
           'spawn']


def _given(options):
    return {name: value for name, value in options.items() if value is not None}


_convert_errors(Tornadis.Reply)

# How much of a text a repr shows.
_MOST_SHOWN = 60


def _show(value):
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f'{text[:_MOST_SHOWN]}…'


class Reply(Tornadis.Reply):
    """A reply of the server, as it came. `Client.call()` gives the value of it; this is for `submit()` and plugins."""

    def unpack(self, decode=False):
        """The reply as Python values: `bytes`, `int`, `float`, `bool`, `None`, `list`, `dict`, exceptions.

        With `decode` strings are `str`, but for those that are not UTF-8, which stay `bytes`. A map is a list of pairs
        when a dict would merge keys of different types, such as 1 and True.
        """
        return _to_native(self, _check_decode(decode))

    def __str__(self):
        """The reply as `redis-cli` shows it."""
        return self.to_string()

    def __repr__(self):
        kind = self.get_kind()
        if kind in (Tornadis.ReplyKind.ARRAY, Tornadis.ReplyKind.MAP, Tornadis.ReplyKind.SET, Tornadis.ReplyKind.PUSH):
            return f'<Tornadis.Reply {kind.value_nick} of {self.get_n_elements()}>'
        return f'<Tornadis.Reply {kind.value_nick} {_show(self.unpack())}>'


Reply = override(Reply)
__all__.append('Reply')


class _MessageMeta(type(Tornadis.Message)):
    def __instancecheck__(cls, instance):
        return type(instance) is _Message or super().__instancecheck__(instance)


class Message(Tornadis.Message, metaclass=_MessageMeta):
    """A message of a channel, from a `PubSubClient`."""

    channel = property(lambda self: self.get_channel(), doc='The name of the channel, with U+FFFD for what is no text.')
    pattern = property(lambda self: self.get_pattern(), doc='The pattern by which it came; `None`: by the channel.')
    text = property(lambda self: self.get_text(), doc='What was published, if it is UTF-8 text; else `None`.')
    shard = property(lambda self: self.is_shard(), doc='Whether the channel is a shard channel.')

    @property
    def payload(self):
        """The bytes that were published; `None` in a message about keys."""
        payload = self.get_payload()
        return None if payload is None else payload.get_data() or b''

    @property
    def keys(self):
        """The keys that have changed, in a message of the server's channel `__redis__:invalidate`; `None`: any of them."""
        return None if self.get_payload() is not None else self.get_reply().unpack()

    def __repr__(self):
        return f'<Tornadis.Message {self.channel!r} {_show(self.payload if self.text is None else self.text)}>'


Message = override(Message)
__all__.append('Message')


def _hand_over(args):
    """Hands the stacked commands of pipelines among the arguments to the library."""
    for arg in args:
        if isinstance(arg, Pipeline):
            arg._hand_over()


def _check_pipeline(pipeline):
    if pipeline.get_number_of_stacked_calls() == 0:
        raise ClientError('empty pipeline')


def _set_decode(owner, decode):
    owner._decode = _check_decode(decode)
    if owner._carrier is not None:
        owner._carrier.set_decode(decode)


def _flushing(name):
    """Wraps a method so that calls made before it are sent first."""
    method = getattr(Tornadis.Client, name)

    def call(self, *args, **options):
        if self._carrier is not None:
            self._carrier.flush()
        _hand_over((*args, *options.values()))
        return method(self, *args, **options)

    call.__name__, call.__doc__ = name, method.__doc__
    return call


# PyGObject references what a function keeps of its arguments when this returns, but not when it raises.


def _own(arg):
    if isinstance(arg, (Tornadis.Reply, Tornadis.Command)):
        return arg.copy()
    return _to_exception(arg) if isinstance(arg, GLib.Error) else arg


def _submitting(method, position):
    """Wraps a method so that the function in that position is given a reply to keep."""

    @functools.wraps(method)
    def call(self, *args, **options):
        func = args[position] if len(args) > position else options.get('func')
        if func is None:
            return method(self, *args, **options)

        def keep(client, reply, error, *more):
            func(client, _own(reply), _to_exception(error), *more)

        if len(args) > position:
            args = (*args[:position], keep, *args[position + 1:])
        else:
            options['func'] = keep
        return method(self, *args, **options)

    return call


def _get_submit(carrier, what):
    """The function that submits a Pipeline or a Command, and this."""
    if isinstance(what, Tornadis.Command):
        return carrier.bridge.submit_command, what
    _check_pipeline(what)
    return carrier.bridge.submit_pipeline, what


# What a URI says, in lower case, as the library has it.
_WORDS = {**dict.fromkeys(('true', 'yes', 'on', '1'), True), **dict.fromkeys(('false', 'no', 'off', '0'), False)}


def _take_decode(uri):
    """The URI without its option decode, which is Python's alone, and what that says or None."""
    if not isinstance(uri, str) or 'decode' not in uri:
        return uri, None
    from urllib.parse import unquote

    start, _, query = uri.partition('?')
    options = query.split('&')
    said = [option.partition('=')[2] for option in options if option.startswith('decode=')]
    if not said:
        return uri, None
    if len(said) > 1:
        raise ClientError('The option “decode” is twice in the URI')
    decode = _WORDS.get(unquote(said[0]).lower())
    if decode is None:
        raise ClientError('Not a value for the option “decode” in the URI')
    query = '&'.join(option for option in options if not option.startswith('decode='))
    return f'{start}?{query}' if query else start, decode


# What a URI always decides on, whatever a subclass has for it. The first is before those that count for less.
_OF_URI = 'unix_domain_socket', 'host', 'port', 'username', 'password', 'db', 'tls'


def _take_over(client, other):
    """Gives the client what a URI has decided of another one, which is dropped: its properties and plugins."""
    plugins = [*other.get_plugins()]
    for plugin in plugins:
        other.remove_plugin(plugin)
    for spec in Tornadis.Client.list_properties():
        if spec.flags & GObject.ParamFlags.READWRITE != GObject.ParamFlags.READWRITE:
            continue
        value = other.get_property(spec.name)
        # PyGObject 3.50 knows of none for objects.
        if spec.name.replace('-', '_') in _OF_URI or value != getattr(spec, 'default_value', None):
            client.set_property(spec.name, value)
    for plugin in plugins:
        client.add_plugin(plugin)


def _new_for_uri(cls, construct, uri, *args, decode):
    uri, said = _take_decode(uri)
    client = construct(uri, *args)
    if not isinstance(client, cls):
        other, client = client, cls()
        _take_over(client, other)
    decode = said if decode is None else _check_decode(decode)
    if decode is not None:
        client.decode = decode
    return client


def _goes_with_others(owner, args, cancellable):
    """Whether such a call of a client is submitted together with those of its turn: it is a list of arguments."""
    return (cancellable is None and isinstance(owner, Tornadis.Client)
            and not (len(args) == 1 and isinstance(args[0], (Tornadis.Pipeline, Tornadis.Command))))


def _call(owner, args, timeout, cancellable):
    """A call with options, by the less light way but where it goes with others."""
    carrier = _get_carrier(owner)
    if _goes_with_others(owner, args, cancellable):
        future = LimitedFuture()
        future._carrier = carrier
        carrier.call_within(timeout, args, future)
        return future
    what = args[0] if len(args) == 1 and isinstance(args[0], Tornadis.Pipeline) else _to_command(args)
    return carrier.start_future_within(timeout, cancellable, *_get_submit(carrier, what))


def _async_call(owner, args, callback, timeout, cancellable):
    carrier = _get_carrier(owner)
    # That of a pool comes here without options, too.
    if timeout is not None and _goes_with_others(owner, args, cancellable):
        carrier.call_within(timeout, args, LimitedCallback(callback))
        return
    what = args[0] if len(args) == 1 and isinstance(args[0], Tornadis.Pipeline) else _to_command(args)
    carrier.start_within(timeout, callback, *_get_submit(carrier, what), cancellable=cancellable)


def _check_signal(name, args):
    if not args:
        raise TypeError(f'{name}() is about signals, as GObject has it: of the connection it is {name}_client()')


def _show_client(client):
    """Where it connects to, without any secret."""
    return client.props.title + (f', database {client.props.db}' if client.props.db else '')


_convert_errors(Tornadis.Caller)
_convert_errors(Tornadis.Client)


class Client(Tornadis.Client):
    """A client of one server, or through a plugin of many: any number of calls at a time over one connection.

    It is given properties as keyword arguments, `Tornadis.Client(host='localhost', port=6379)`, and `decode`: whether
    strings of the server are `str`, not `bytes`. What is not UTF-8 text is `bytes` all the same.

    It connects when a call needs it. `async with Tornadis.Client(host='localhost') as client:` connects at the beginning,
    and closes it at the end.
    """

    _carrier = None
    _decode = False

    def __init__(self, *, decode=None, **options):
        super().__init__(**_given(options))
        self._decode = decode is not None and _check_decode(decode)

    @classmethod
    def new_for_uri(cls, uri, *, decode=None):
        """A client for a URI such as `redis://user:password@localhost:6379/0?call-timeout-msec=500`.

        The option `decode` of the URI, as in `?decode=true`, is that of the client, unless it is given here. It is known
        in Python alone. What is wrong with the URI raises `ClientError`, which does not repeat it. A subclass gives one of
        its own, which is created without arguments; what the URI says counts for more than what that has set.
        """
        return _new_for_uri(cls, Tornadis.Client.new_for_uri, uri, decode=decode)

    @classmethod
    def new_for_uri_full(cls, uri, flags, *, decode=None):
        """Likewise; `flags`, of `Tornadis.UriFlags`, say what the URI may decide, such as the plugins."""
        return _new_for_uri(cls, Tornadis.Client.new_for_uri_full, uri, flags, decode=decode)

    decode = property(lambda self: self._decode, _set_decode,
                      doc='Whether strings of the server are `str`, not `bytes`, to calls that are made from now on.')

    def call(self, *args, timeout=None, cancellable=None):
        """Calls a command, and returns an awaitable of the native reply.

        `await client.call('SET', 'key', 'value', 'EX', 60)` gives what the server answers; an error of the server's
        raises `ReplyError`. Instead of a name and arguments there may be one `Command`, or one `Pipeline`, whose replies
        are a list; an error among them is not raised. It is `None` when a transaction was given up (`WATCH`).

        `timeout` is in seconds; see the module for this and `cancellable`.
        """
        carrier = self._carrier
        if carrier is None:
            carrier = _get_carrier(self)
        if timeout is not None or cancellable is not None:
            return _call(self, args, timeout, cancellable)
        if len(args) == 1 and isinstance(args[0], (Tornadis.Pipeline, Tornadis.Command)):
            return carrier.start_future(*_get_submit(carrier, args[0]))
        return carrier.call(args)

    def async_call(self, *args, callback=None, timeout=None, cancellable=None):
        """As `call()`, but nothing is awaited: `callback(result)` gets the reply, or the exception."""
        carrier = _get_carrier(self)
        if timeout is not None or cancellable is not None:
            _async_call(self, args, callback, timeout, cancellable)
        elif len(args) == 1 and isinstance(args[0], (Tornadis.Pipeline, Tornadis.Command)):
            carrier.start(callback, *_get_submit(carrier, args[0]))
        else:
            carrier.add(_encode(args), callback)

    def connect_client(self, *, timeout=None, cancellable=None):
        """Connects now; an awaitable of the client. (`connect` is how GObject connects signals.)

        `client = await Tornadis.Client(host='localhost').connect_client()` is a client that is connected.
        """
        carrier = _get_carrier(self)
        return carrier.start_future_within(timeout, cancellable, carrier.bridge.connect, result=self)

    def connect(self, *args):
        """Connects a handler to a signal, as GObject has it, and returns its id. (`connect_client()` connects to the server.)"""
        _check_signal('connect', args)
        return super().connect(*args)

    def disconnect(self, *args):
        """Disconnects a handler by its id. (`disconnect_client()` closes the connection.)"""
        _check_signal('disconnect', args)
        return super().disconnect(*args)

    def disconnect_client(self):
        """Closes the connection, as `close()`. (`disconnect` is how GObject disconnects signals.)"""
        self.close()

    def close(self):
        """Closes the connection. Calls that have no reply yet raise `ConnectionError`; the next call connects again."""
        if self._carrier is not None:
            self._carrier.flush()
            # What came before goes before: this may be called by a callback.
            self._carrier.deal()
        super().close()

    async def __aenter__(self):
        try:
            return await self.connect_client()
        except BaseException:
            self.close()
            raise

    async def __aexit__(self, *exception):
        self.close()

    def __repr__(self):
        return f'<Tornadis.Client {_show_client(self)}, {self.props.state.value_nick}>'

    submit = _submitting(_flushing('submit'), 1)
    submit_pipeline = _submitting(_flushing('submit_pipeline'), 1)
    call_async = _flushing('call_async')
    call_pipeline_async = _flushing('call_pipeline_async')
    connect_async = _flushing('connect_async')
    add_plugin = _flushing('add_plugin')
    add_plugin_by_name = _flushing('add_plugin_by_name')
    remove_plugin = _flushing('remove_plugin')


Client = override(Client)
__all__.append('Client')


def _check_name(name):
    if isinstance(name, str) and '\0' in name:
        raise ClientError('a name that is text can not have a NUL in it: give it as bytes')


_NAMES = str, bytes, bytearray, memoryview, GLib.Bytes


def _to_names(names):
    for name in names:
        _check_name(name)
        if not isinstance(name, _NAMES):
            raise TypeError(f'{_describe(name)} can not be the name of a channel: give str or bytes')
    return [GLib.Bytes.new(_to_bytes(name)) for name in names]


def _spread(names):
    """Names that are given one by one, or in one list."""
    if len(names) == 1 and not isinstance(names[0], _NAMES) and isinstance(names[0], collections.abc.Iterable):
        return [*names[0]]
    return names


def _naming(name):
    """Wraps a method that takes names as text, which introspection would cut off at a NUL."""
    method = getattr(Tornadis.PubSubClient, name)

    def call(self, *args, **options):
        for names in (*args[:1], options.get('channels'), options.get('patterns')):
            for each in names or ():
                _check_name(each)
        return method(self, *args, **options)

    call.__name__, call.__doc__ = name, method.__doc__
    return call


def _by_function(change):
    """A method that changes all handlers of a function, ours and others."""
    method = getattr(Tornadis.PubSubClient, change)

    def call(self, function):
        found = self._get_messages().find(function)
        for handler in found:
            {'disconnect_by_func': self.disconnect, 'handler_block_by_func': self.handler_block,
             'handler_unblock_by_func': self.handler_unblock}[change](handler.id)
        try:
            return len(found) + method(self, function)
        except TypeError:
            # There is none but ours.
            if not found:
                raise
            return len(found)

    call.__name__, call.__doc__ = change, f'As `{change[:-8]}()` of all handlers that are this function; how many there were.'
    return call


class _Block:
    """``with client.handler_block(handler_id):``"""

    def __init__(self, client, handler_id):
        self.client = client
        self.handler_id = handler_id

    def __enter__(self):
        pass

    def __exit__(self, *exception):
        self.client.handler_unblock(self.handler_id)


_convert_errors(Tornadis.PubSubClient)


class PubSubClient(Tornadis.PubSubClient):
    """A client that receives what is published on channels; a `Client` publishes.

    Messages are told by the signal `message`, or `message::CHANNEL` for one channel; those that have no handler are
    kept for `messages()` and `pop_message()`. Subscriptions are restored when the connection was lost.

    `async with Tornadis.PubSubClient(host='localhost') as pubsub:` connects at the beginning, and closes it at the end.
    """

    _messages = None

    def __init__(self, **options):
        super().__init__(**_given(options))

    @classmethod
    def new_for_uri(cls, uri, *, decode=None):
        """A client for a URI, as `Client.new_for_uri()`. Messages have both, `text` and `payload`, whatever `decode` is."""
        return _new_for_uri(cls, Tornadis.PubSubClient.new_for_uri, uri, decode=decode)

    @classmethod
    def new_for_uri_full(cls, uri, flags, *, decode=None):
        """Likewise; `flags`, of `Tornadis.UriFlags`, say what the URI may decide, such as the plugins."""
        return _new_for_uri(cls, Tornadis.PubSubClient.new_for_uri_full, uri, flags, decode=decode)

    def call(self, *args, **options):
        """Not allowed: raises `ClientError`. Publish and call with a `Client`."""
        raise ClientError('not allowed with PubSubClient object: call, and publish, with a Client')

    def async_call(self, *args, **options):
        """Not allowed: raises `ClientError`. Publish and call with a `Client`."""
        raise ClientError('not allowed with PubSubClient object: call, and publish, with a Client')

    connect_client = Client.connect_client
    disconnect_client = Client.disconnect_client

    def _get_messages(self):
        if self._messages is None:
            self._messages = Messages(self, _get_carrier(self))
        return self._messages

    # Handlers of messages, which come in batches, are Python's; in GObject's list are others in their place.

    def _connect(self, detailed_signal, after, function, call):
        return self._get_messages().connect(detailed_signal, after, function, call)

    def connect(self, detailed_signal=None, handler=None, *args):
        """Connects a handler to a signal, and returns its id. Of `message` it is `handler(client, message, *args)`."""
        _check_signal('connect', [] if detailed_signal is None else [detailed_signal])
        call = (lambda client, message: handler(client, message, *args)) if args else handler
        handler_id = self._connect(detailed_signal, False, handler, call)
        return super().connect(detailed_signal, handler, *args) if handler_id is None else handler_id

    def connect_after(self, detailed_signal, handler, *args):
        """As `connect()`, for a handler that is called after the others."""
        call = (lambda client, message: handler(client, message, *args)) if args else handler
        handler_id = self._connect(detailed_signal, True, handler, call)
        return super().connect_after(detailed_signal, handler, *args) if handler_id is None else handler_id

    def connect_object(self, detailed_signal, handler, gobject, *args):
        """As `connect()`, for a handler that gets the object instead of the client."""
        handler_id = self._connect(detailed_signal, False, handler, lambda _, message: handler(gobject, message, *args))
        return super().connect_object(detailed_signal, handler, gobject, *args) if handler_id is None else handler_id

    def connect_object_after(self, detailed_signal, handler, gobject, *args):
        """As `connect_after()`, for a handler that gets the object instead of the client."""
        handler_id = self._connect(detailed_signal, True, handler, lambda _, message: handler(gobject, message, *args))
        return super().connect_object_after(detailed_signal, handler, gobject, *args) if handler_id is None else handler_id

    def connect_data(self, detailed_signal, handler, *data, connect_flags=0):
        """As `connect()`, or `connect_after()` and with the data first, as `connect_flags` say."""
        swapped = connect_flags & GObject.ConnectFlags.SWAPPED
        if detailed_signal.partition('::')[0] != 'message' or (swapped and len(data) != 1):
            return super().connect_data(detailed_signal, handler, *data, connect_flags=connect_flags)
        connect = self.connect_after if connect_flags & GObject.ConnectFlags.AFTER else self.connect
        if swapped:
            return connect(detailed_signal, lambda client, message: handler(data[0], message, client))
        return connect(detailed_signal, handler, *data)

    def disconnect(self, handler_id=None):
        """Disconnects a handler by its id. (`disconnect_client()` closes the connection.)"""
        _check_signal('disconnect', [] if handler_id is None else [handler_id])
        super().disconnect(handler_id)
        self._get_messages().forget(handler_id)

    handler_disconnect = disconnect

    def handler_block(self, handler_id):
        """Keeps a handler from being called until `handler_unblock()`, or for a `with` block."""
        super().handler_block(handler_id)
        self._get_messages().refresh(handler_id)
        return _Block(self, handler_id)

    def handler_unblock(self, handler_id):
        """Ends what `handler_block()` began."""
        super().handler_unblock(handler_id)
        self._get_messages().refresh(handler_id)

    disconnect_by_func = _by_function('disconnect_by_func')
    handler_block_by_func = _by_function('handler_block_by_func')
    handler_unblock_by_func = _by_function('handler_unblock_by_func')

    def stop_emission_by_name(self, detailed_signal):
        """Has no other handler called for what a handler is being told."""
        if not self._get_messages().stop(detailed_signal):
            super().stop_emission_by_name(detailed_signal)

    def emit(self, detailed_signal, *args):
        """Emits a signal, such as `message` with a message to be told again."""
        return super().emit(detailed_signal, *(arg._to_boxed() if type(arg) is _Message else arg for arg in args))

    def close(self):
        """Closes the connection, which ends `messages()`. The subscriptions are kept for the next connection."""
        self._get_messages().close()
        super().close()

    def run_dispose(self):
        """Disposes of the client, as GObject has it; Python needs it hardly ever."""
        super().run_dispose()
        self._get_messages().check_handlers()

    def _change(self, operation, kind, names, timeout, cancellable):
        carrier = _get_carrier(self)
        change = getattr(carrier.bridge, operation)
        return carrier.start_future_within(timeout, cancellable, change, kind, _to_names(names), result=self)

    def _subscribe(self, kind, names, timeout, cancellable):
        return self._change('subscribe', kind, _spread(names), timeout, cancellable)

    def _unsubscribe(self, kind, names, timeout, cancellable):
        spread = _spread(names)
        if names and not spread:
            # To the library no name is all names, which an empty list does not mean.
            done = Future()
            done.set_result(self)
            return done
        return self._change('unsubscribe', kind, spread, timeout, cancellable)

    def subscribe(self, *channels, timeout=None, cancellable=None):
        """Subscribes to channels: `subscribe('a', 'b')` or `subscribe(['a', 'b'])`, of `str` or `bytes`.

        Returns an awaitable of the client, for when the server has confirmed all of them. What is restored later, after a
        lost connection, is not waited for here: see the signal `gap`.
        """
        return self._subscribe(Tornadis.SubscriptionKind.CHANNEL, channels, timeout, cancellable)

    def psubscribe(self, *patterns, timeout=None, cancellable=None):
        """As `subscribe()`, to all channels that match a pattern such as `'news.*'`."""
        return self._subscribe(Tornadis.SubscriptionKind.PATTERN, patterns, timeout, cancellable)

    def ssubscribe(self, *channels, timeout=None, cancellable=None):
        """As `subscribe()`, to shard channels, for what is published with `SPUBLISH`."""
        return self._subscribe(Tornadis.SubscriptionKind.SHARD, channels, timeout, cancellable)

    def unsubscribe(self, *channels, timeout=None, cancellable=None):
        """Ends subscriptions to channels, given as to `subscribe()`: those named, or without a name all.

        An empty list is no channel. Returns an awaitable of the client.
        """
        return self._unsubscribe(Tornadis.SubscriptionKind.CHANNEL, channels, timeout, cancellable)

    def punsubscribe(self, *patterns, timeout=None, cancellable=None):
        """As `unsubscribe()`, for patterns."""
        return self._unsubscribe(Tornadis.SubscriptionKind.PATTERN, patterns, timeout, cancellable)

    def sunsubscribe(self, *channels, timeout=None, cancellable=None):
        """As `unsubscribe()`, for shard channels."""
        return self._unsubscribe(Tornadis.SubscriptionKind.SHARD, channels, timeout, cancellable)

    subscribe_async = _naming('subscribe_async')
    psubscribe_async = _naming('psubscribe_async')
    ssubscribe_async = _naming('ssubscribe_async')
    unsubscribe_async = _naming('unsubscribe_async')
    punsubscribe_async = _naming('punsubscribe_async')
    sunsubscribe_async = _naming('sunsubscribe_async')

    def pop_message(self, deadline=None, *, cancellable=None):
        """An awaitable of the next message, or of `None` after `deadline` seconds."""
        return self._get_messages().wait(deadline, cancellable)

    def messages(self, deadline=None):
        """Iterates over messages: `async for message in pubsub.messages():`.

        It goes on for as long as there are subscriptions and the client is not closed. With a `deadline` it ends when
        no message has come for so many seconds.
        """
        return self._get_messages().iterate(deadline)

    def pop_message_async(self, *args, **options):
        """Pops a message as in C: for `pop_message_finish()`."""
        for message in self._get_messages().take_inbox():
            super().unpop_message(message)
        return super().pop_message_async(*args, **options)

    def unpop_message(self, message):
        """Gives back a message that was popped and is not wanted."""
        messages = self._get_messages()
        messages.carrier.bridge.bring_popped()
        # What was popped in the library goes back there, unless what came after it is here.
        if type(message) is _Message or messages.inbox:
            messages.give_back(message)
        else:
            super().unpop_message(message)

    # tornadis' names.
    pubsub_subscribe = subscribe
    pubsub_psubscribe = psubscribe
    pubsub_unsubscribe = unsubscribe
    pubsub_punsubscribe = punsubscribe
    pubsub_pop_message = pop_message

    def __repr__(self):
        subscribed = ', subscribed' if self.props.subscribed else ''
        return f'<Tornadis.PubSubClient {_show_client(self)}, {self.props.state.value_nick}{subscribed}>'


PubSubClient = override(PubSubClient)
__all__.append('PubSubClient')


def _follow(name, method):
    """Makes a function of GObject's that changes handlers of any object, or an emission, do so with ours."""
    function = getattr(GObject, name)

    @functools.wraps(function)
    def call(*args, **options):
        if args and isinstance(args[0], PubSubClient):
            return method(*args, **options)
        return function(*args, **options)

    setattr(GObject, name, call)


def _follow_matched(name):
    function = getattr(GObject, name)

    def call(client, *args, **options):
        n = function(client, *args, **options)
        client._get_messages().refresh_all()
        return n

    _follow(name, call)


_follow('signal_handler_block', PubSubClient.handler_block)
_follow('signal_handler_unblock', PubSubClient.handler_unblock)
_follow('signal_handler_disconnect', PubSubClient.disconnect)
_follow('signal_stop_emission_by_name', PubSubClient.stop_emission_by_name)
for _name in ('block_matched', 'unblock_matched', 'disconnect_matched', 'destroy'):
    _follow_matched('signal_handlers_' + _name)


def _keeping(hook):
    """Wraps a hook so that the replies and commands that it is given are ones to keep, and errors of our classes."""

    @functools.wraps(hook)
    def call(self, *args):
        return hook(self, *map(_own, args))

    return call


def _init_plugin(cls, **options):
    super(Tornadis.Plugin, cls).__init_subclass__(**options)
    for name in ('do_setup_done', 'do_push', 'do_observe', 'do_subscription_failed'):
        if name in vars(cls):
            setattr(cls, name, _keeping(vars(cls)[name]))


_convert_errors(Tornadis.Plugin)
Tornadis.Plugin.__init_subclass__ = classmethod(_init_plugin)
Tornadis.Plugin.submit = _submitting(Tornadis.Plugin.submit, 2)


def _dropping(function):
    """Wraps what answers requests for a login so that the traceback of an exception does not keep the request."""

    @functools.wraps(function)
    def call(self, request):
        try:
            function(self, request)
        except Exception as error:
            _report(error)

    return call


def _init_credentials(cls, **options):
    super(Tornadis.Credentials, cls).__init_subclass__(**options)
    if 'do_request_login' in vars(cls):
        cls.do_request_login = _dropping(vars(cls)['do_request_login'])


Tornadis.Credentials.__init_subclass__ = classmethod(_init_credentials)


def _stacking(name):
    """Wraps a method so that commands stacked before it are handed to the library first."""
    method = getattr(Tornadis.Pipeline, name)

    def call(self, *args, **options):
        self._hand_over()
        return method(self, *args, **options)

    call.__name__, call.__doc__ = name, method.__doc__
    return call


class Pipeline(Tornadis.Pipeline):
    """Commands that are called together, in one write; with `atomic` as a transaction. It is given to `Client.call()`."""

    # The commands that the library does not have yet. None: it was not created here, as that of a plugin's setup.
    _stacked = None

    def __init__(self, **options):
        super().__init__(**options)
        self._stacked = []

    def stack_call(self, *args):
        """Adds a command, a name and arguments as to `Client.call()`, or a `Command`."""
        if len(args) == 1 and isinstance(args[0], Tornadis.Command):
            self.stack_command(args[0])
            return
        if not args:
            raise ClientError('A command needs a name')
        if self._stacked is not None:
            self._stacked.append(_encode(args))
        else:
            self.stack_command(_to_command(args))

    def _hand_over(self):
        stacked = self._stacked
        if not stacked:
            return
        self._stacked = []
        if not any(map(_is_large, stacked)):
            TornadisBridge.stack_data(self, marshal.dumps(stacked, 2))
            return
        for encoded in stacked:
            Tornadis.Pipeline.stack_command(self, _to_command(encoded))

    stack_command = _stacking('stack_command')
    stack_commands = _stacking('stack_commands')
    stack_strv = _stacking('stack_strv')
    get_command = _stacking('get_command')
    get_commands = _stacking('get_commands')
    get_number_of_stacked_calls = _stacking('get_number_of_stacked_calls')
    get_property = _stacking('get_property')
    get_properties = _stacking('get_properties')
    clear = _stacking('clear')

    @property
    def number_of_stacked_calls(self):
        """How many commands have been added."""
        return self.get_number_of_stacked_calls()

    @property
    def props(self):
        """The properties, as GObject has them."""
        self._hand_over()
        return super().props

    def __repr__(self):
        n = self.get_number_of_stacked_calls()
        return f'<Tornadis.Pipeline of {n} command{"s" * (n != 1)}{", atomic" if self.get_atomic() else ""}>'


Pipeline = override(Pipeline)
__all__.append('Pipeline')


_convert_errors(Tornadis.ClientPool)


class _ConnectedClient:
    """``async with pool.connected_client() as client``"""

    def __init__(self, pool, options):
        self.pool = pool
        self.options = options
        self.client = None

    async def __aenter__(self):
        self.client = await self.pool.get_connected_client(**self.options)
        return self.client

    async def __aexit__(self, *exception):
        self.pool.release_client(self.client)
        self.client = None


class ClientPool(Tornadis.ClientPool):
    """Clients for what needs a connection of its own: blocking commands, and transactions that watch.

    It is given the properties of its clients, `Tornadis.ClientPool(host='localhost', max_size=4)`, or a client that has
    them, with `decode`: `template=client`. `max_size` is how many there may be and `client_timeout` the age in seconds from which a
    connection is not used again; -1 is any.

    `async with Tornadis.ClientPool(host='localhost') as pool:` closes its connections at the end.
    """

    _carrier = None
    _decode = False

    def __init__(self, *, max_size=-1, client_timeout=-1, autoclose=False, decode=None, template=None, **options):
        options = _given(options)
        if template is None:
            template = Tornadis.Client(**options)
        elif options:
            raise TypeError(f'a pool with a template has its properties from that, not {", ".join(options)}')
        elif decode is None:
            decode = template.decode
        super().__init__(template=template, max_size=max_size, client_timeout=client_timeout, autoclose=autoclose)
        self._decode = decode is not None and _check_decode(decode)

    decode = property(lambda self: self._decode, _set_decode,
                      doc='As `Client.decode`: of calls that are made, and clients that are taken, from now on.')

    def call(self, *args, timeout=None, cancellable=None):
        """Takes a client, calls on it as `Client.call()`, and gives it back: an awaitable of the native reply.

        The `timeout` is that of all of it.
        """
        if timeout is not None or cancellable is not None:
            return _call(self, args, timeout, cancellable)
        carrier = _get_carrier(self)
        what = args[0] if len(args) == 1 and isinstance(args[0], Tornadis.Pipeline) else _to_command(args)
        return carrier.start_future(*_get_submit(carrier, what))

    def async_call(self, *args, callback=None, timeout=None, cancellable=None):
        """As `call()`, but nothing is awaited: `callback(result)` gets the reply, or the exception."""
        _async_call(self, args, callback, timeout, cancellable)

    def call_pipeline_async(self, *args, **options):
        """Calls a pipeline as in C: for `call_pipeline_finish()`."""
        _hand_over((*args, *options.values()))
        return super().call_pipeline_async(*args, **options)

    def release_client(self, client):
        """Gives back a client that was taken. It must not be used after that."""
        if not isinstance(client, Client):
            raise TypeError(f'{_describe(client)} can not be a client of the pool')
        if client._carrier is not None:
            client._carrier.flush()
        super().release_client(client)

    def get_client_nowait(self):
        """A client that is connected and free, for `release_client()`, or `None`."""
        return self._prepare(super().get_client_nowait())

    def _prepare(self, client):
        if client is not None:
            client.decode = self.decode
        return client

    def connected_client(self, *, timeout=None, cancellable=None):
        """A client for a while: `async with pool.connected_client() as client:`. It is connected, and released at the end.

        `timeout` and `cancellable` are of waiting for it, as of `get_connected_client()`.
        """
        return _ConnectedClient(self, {'timeout': timeout, 'cancellable': cancellable})

    async def with_client(self, use, *, timeout=None, cancellable=None):
        """Calls `use`, an async function, with a connected client, which is released at the end; gives what it returns.

        `timeout` and `cancellable` are of waiting for the client, as of `get_connected_client()`.
        """
        async with self.connected_client(timeout=timeout, cancellable=cancellable) as client:
            return await use(client)

    def get_connected_client(self, *, timeout=None, cancellable=None):
        """An awaitable of a connected client, for `release_client()`."""
        carrier = _get_carrier(self)
        number = None

        def take(outcome):
            client = None if isinstance(outcome, Exception) else self._prepare(carrier.bridge.take_client(number))
            if not future.done():
                future._finish(client, None if client is not None else outcome, not _in_task())
            elif client is not None:
                self.release_client(client)

        future = _LentFuture(lambda: carrier.cancel_number(number), self.release_client)
        number = carrier.start_within(timeout, take, carrier.bridge.get_client, cancellable=cancellable)
        return future

    def preconnect(self, size=-1, *, timeout=None, cancellable=None):
        """Connects so many clients ahead, or `max_size`; an awaitable of the pool."""
        carrier = _get_carrier(self)
        return carrier.start_future_within(timeout, cancellable, carrier.bridge.preconnect, size, result=self)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exception):
        self.destroy()

    def __repr__(self):
        size, most = self.props.size, self.props.max_size
        number = f'{size} client{"s" * (size != 1)}' if most < 0 else f'{size} of {most} clients'
        return f'<Tornadis.ClientPool {_show_client(self.props.template)}, {number}, {self.props.idle} idle>'


ClientPool = override(ClientPool)
__all__.append('ClientPool')


def _show_command(command):
    """No argument, which may be a secret."""
    n = command.get_n_args() - 1
    return f'<Tornadis.Command {command.get_name()}, {n} argument{"s" * (n != 1)}>'


Tornadis.Command.__repr__ = _show_command
_convert_errors(Tornadis.Command)
_convert_errors(Tornadis.Call)
_convert_errors(Tornadis.Pipeline)
