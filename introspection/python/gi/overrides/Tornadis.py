# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tornadis for Python: native arguments and replies, awaitable calls.

Awaitables complete from the GLib main loop. They work under any event loop that runs on it, and without one
under :func:`run`.
"""

import functools
import marshal
import operator

import gi
from gi.repository import Gio, GLib

from ..module import get_introspection_module
from ..overrides import override
from ._tornadis_loop import Future, _call_soon, _CallFuture, _in_task, _LentFuture, _report, run, sleep, spawn

gi.require_version('TornadisBridge', '1.0')
from gi.repository import TornadisBridge

Tornadis = get_introspection_module('Tornadis')

__all__ = ['Future', 'run', 'sleep', 'spawn']


def export(thing):
    globals()[thing.__name__] = thing
    __all__.append(thing.__name__)
    return thing


_DOMAIN = GLib.quark_to_string(Tornadis.error_quark())


@export
class TornadisException(GLib.Error):
    """Base of all errors, as in tornadis; a GLib.Error, with its domain, code and message."""

    def __init__(self, message='', domain=_DOMAIN, code=int(Tornadis.Error.USAGE)):
        super().__init__(message, domain, code)

    def __str__(self):
        return self.message


@export
class ConnectionError(TornadisException):
    """There is no connection, or it was lost, or it took too long."""


@export
class ClientError(TornadisException):
    """The library was asked for what it does not do, or a bound is reached."""


@export
class ReplyError(ClientError):
    """The server answered with an error; ``prefix`` is its first word."""

    def __init__(self, message='', domain=_DOMAIN, code=int(Tornadis.Error.REPLY)):
        super().__init__(message, domain, code)

    @property
    def prefix(self):
        return Tornadis.error_dup_prefix(self)


_EXCEPTIONS = dict.fromkeys(map(int, (
    Tornadis.Error.CONNECT, Tornadis.Error.AUTHENTICATION, Tornadis.Error.CLOSED, Tornadis.Error.LOST,
    Tornadis.Error.TIMEOUT, Tornadis.Error.PROTOCOL)), ConnectionError)
_EXCEPTIONS[int(Tornadis.Error.REPLY)] = ReplyError


def _make_exception(domain, code, message):
    if domain != _DOMAIN:
        return GLib.Error(message, domain, code)
    return _EXCEPTIONS.get(code, ClientError)(message, domain, code)


def _to_exception(error):
    return _make_exception(error.domain, error.code, error.message)


# Arguments of this many bytes are passed to the library without marshalling.
_LARGE = 16384
# How many calls of one main-context iteration wait for its end.
_MOST_CALLS = 256
# What the bridge counts to.
_MAX_NUMBER = 0x7fffffff


def _to_bytes(value):
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, bool):
        return b'1' if value else b'0'
    if isinstance(value, int):
        return b'%d' % value
    if isinstance(value, float):
        return float.__repr__(value).encode()
    if isinstance(value, GLib.Bytes):
        return value.get_data() or b''
    if hasattr(value, '__index__'):
        return b'%d' % operator.index(value)
    raise TypeError(f"don't know what to do with {type(value).__name__} as an argument")


def _encode(args):
    encoded = []
    for arg in args:
        kind = type(arg)
        if kind is str:
            arg = arg.encode()
        elif kind is not bytes:
            arg = _to_bytes(arg)
        encoded.append(arg)
    return encoded


def _to_command(args):
    if len(args) == 1 and isinstance(args[0], Tornadis.Command):
        return args[0]
    return Tornadis.Command.new_bytes([GLib.Bytes.new(arg) for arg in _encode(args)])


def _is_large(encoded):
    return any(len(arg) >= _LARGE for arg in encoded)


def _revive(value):
    """Turns the tuples in a value, which stand for errors, into exceptions."""
    if type(value) is tuple:
        return _make_exception(*value)
    if type(value) is list:
        return [_revive(item) for item in value]
    if type(value) is dict:
        return {key: _revive(item) for key, item in value.items()}
    return value


def _get_bytes(reply, decode):
    data = reply.get_bytes().get_data() or b''
    return data.decode() if decode else data


def _freeze(value):
    """Makes a key hashable."""
    if type(value) is list:
        return tuple(map(_freeze, value))
    if type(value) is dict:
        return tuple(_freeze(item) for pair in value.items() for item in pair)
    return value


def _build(reply, decode):
    """Converts a reply that is nested too deep for marshal and for recursion; raises for bytes that are not text."""
    built = []
    rest = [(reply, built.append)]
    while rest:
        reply, put = rest.pop()
        elements = [reply.get_element(i) for i in range(reply.get_n_elements())]
        if not elements:
            put(_to_native(reply, decode))
        elif reply.get_kind() == Tornadis.ReplyKind.MAP:
            pairs = {}
            put(pairs)
            keys = [_freeze(_to_native(key, decode)) for key in elements[::2]]
            rest.extend((value, functools.partial(pairs.__setitem__, key))
                        for key, value in zip(reversed(keys), elements[::-2]))
        else:
            items = []
            put(items)
            rest.extend((element, items.append) for element in reversed(elements))
    return built[0]


def _to_native(reply, decode):
    if reply.get_kind() == Tornadis.ReplyKind.STRING:
        return _get_bytes(reply, decode)
    data = TornadisBridge.dup_data(reply, decode)
    if not data:
        return _build(reply, decode) if reply.get_n_elements() else _get_bytes(reply, decode)
    (number, value), = marshal.loads(data).items()
    return _revive(value) if number < 0 else value


def _take(client, data, *_):
    """The function of every bridge; it holds no reference to a Python object."""
    client._batcher.take(data)


class _CallBatcher:
    """Carries the calls of a client to the library, those of one main-context iteration together, and outcomes back."""

    def __init__(self, client, decode):
        self.bridge = TornadisBridge.Carrier.new_data(client, _take)
        self.calls = []
        self.targets = []
        self.pending = {}
        self.number = 0
        # Outcomes that have come; the callback of one may run a main loop before the others are settled.
        self.parts = []
        self.set_decode(decode)

    def set_decode(self, decode):
        self.decode = decode
        self.bridge.set_decode(decode)

    def add(self, encoded, target):
        self.calls.append(encoded)
        self.targets.append(target)
        n = len(self.calls)
        if n == 1:
            try:
                self.bridge.expect()
            except GLib.Error:
                self.flush()
        elif n >= _MOST_CALLS:
            self.flush()

    def submit(self, submit, what, targets):
        """Stores the targets first: a plugin may make other calls before submit returns."""
        first = self.number
        for target in targets:
            self.pending[self.number] = target
            self.number = (self.number + 1) & _MAX_NUMBER
        try:
            submit(what) if submit == self.bridge.submit_data else submit(what, None)
        except GLib.Error as error:
            # None of the calls was submitted.
            for i in range(len(targets)):
                del self.pending[(first + i) & _MAX_NUMBER]
            self.number = first
            exception = _to_exception(error)
            _call_soon(lambda: self.settle_all([(target, None, exception) for target in targets]))

    def add_whole(self, submit, what, target):
        """Adds a Command object or a pipeline."""
        self.flush()
        self.submit(submit, what, [target])

    def flush(self):
        calls, targets = self.calls, self.targets
        if not calls:
            return
        self.calls, self.targets = [], []
        data = marshal.dumps(calls, 2)
        if len(data) < _LARGE or not any(map(_is_large, calls)):
            self.submit(self.bridge.submit_data, data, targets)
            return
        del data
        for call, target in zip(calls, targets):
            if _is_large(call):
                self.submit(self.bridge.submit_command, _to_command(call), [target])
            else:
                self.submit(self.bridge.submit_data, marshal.dumps([call], 2), [target])

    def take(self, data):
        if data:
            outcomes = marshal.loads(data)
            self.parts.append(map(self.open, outcomes, outcomes.values()))
            if len(outcomes) > 1:
                # A callback may run a main loop, which then asks for calls and so settles the other outcomes.
                self.bridge.expect()
        while self.parts:
            part = self.parts[0]
            try:
                self.settle_all(part)
            finally:
                if self.parts and self.parts[0] is part:
                    del self.parts[0]
        self.flush()

    def open(self, number, value):
        """The target, the value and the exception of an outcome."""
        if number >= 0:
            return self.pending.pop(number), value, None
        target = self.pending.pop(~number)
        try:
            if type(value) is not tuple:
                return target, _revive(value), None
            if value:
                return target, None, _make_exception(*value)
            return target, _to_native(self.bridge.take_reply(~number), self.decode), None
        except Exception as exception:
            return target, None, exception

    def settle_all(self, outcomes):
        at_once = not _in_task()
        raised = None
        for target, value, exception in outcomes:
            try:
                if type(target) is _CallFuture:
                    if not target._done:
                        target._finish(value, exception, at_once)
                elif target is not None:
                    target(value if exception is None else exception)
            except Exception as error:
                # The others must be settled all the same.
                _report(error)
            except BaseException as error:
                raised = error
        if raised is not None:
            raise raised


def _given(options):
    return {name: value for name, value in options.items() if value is not None}


class Reply(Tornadis.Reply):
    def unpack(self, decode=False):
        """The reply as Python values: bytes (str with decode), int, float, bool, None, list, dict, exceptions."""
        return _to_native(self, decode)

    def __str__(self):
        return self.to_string()


Reply = override(Reply)
__all__.append('Reply')


class Message(Tornadis.Message):
    channel = property(lambda self: self.get_channel())
    pattern = property(lambda self: self.get_pattern())
    text = property(lambda self: self.get_text())

    @property
    def payload(self):
        """The bytes that were published; None in a message about keys."""
        payload = self.get_payload()
        return None if payload is None else payload.get_data() or b''

    @property
    def keys(self):
        """The keys that have changed, in a message of ``__redis__:invalidate`` of the server's; None: any of them."""
        return None if self.get_payload() is not None else self.get_reply().unpack()


Message = override(Message)
__all__.append('Message')


def _await_finish(start, finish, *args, give_back=None):
    """An awaitable of an _async/_finish pair; give_back(value) is called when nobody waits for the value any more."""
    cancellable = Gio.Cancellable()
    future = Future(cancellable.cancel) if give_back is None else _LentFuture(cancellable.cancel, give_back)

    def done(source, result):
        try:
            value = finish(result)
        except GLib.Error as error:
            future.set_exception(_to_exception(error))
        except UnicodeDecodeError as error:
            future.set_exception(error)
        else:
            if future.done():
                if give_back is not None and value is not None:
                    give_back(value)
            else:
                future._finish(value, None, not _in_task())

    start(*args, cancellable, done)
    return future


def _hand_over(args):
    """Hands the stacked commands of pipelines among the arguments to the library."""
    for arg in args:
        if isinstance(arg, Pipeline):
            arg._hand_over()


def _check_pipeline(pipeline):
    if pipeline.get_number_of_stacked_calls() == 0:
        raise ClientError('empty pipeline')


def _flushing(name):
    """Wraps a method so that calls made before it are sent first."""
    method = getattr(Tornadis.Client, name)

    def call(self, *args, **options):
        if self._batcher is not None:
            self._batcher.flush()
        _hand_over((*args, *options.values()))
        return method(self, *args, **options)

    call.__name__, call.__doc__ = name, method.__doc__
    return call


def _new_for_uri(construct, *args):
    try:
        return construct(*args)
    except GLib.Error as error:
        raise _to_exception(error) from None


class Client(Tornadis.Client):
    _batcher = None
    _decode = False

    def __init__(self, *, decode=False, **options):
        super().__init__(**_given(options))
        self._decode = decode

    @classmethod
    def new_for_uri(cls, uri):
        return _new_for_uri(Tornadis.Client.new_for_uri, uri)

    @classmethod
    def new_for_uri_full(cls, uri, flags):
        return _new_for_uri(Tornadis.Client.new_for_uri_full, uri, flags)

    @property
    def decode(self):
        """Whether strings of the server are str, not bytes."""
        return self._decode

    @decode.setter
    def decode(self, decode):
        self._decode = decode
        if self._batcher is not None:
            self._batcher.flush()
            self._batcher.set_decode(decode)

    def _send(self, args, target):
        batcher = self._batcher
        if batcher is None:
            batcher = self._batcher = _CallBatcher(self, self._decode)
        if len(args) == 1 and isinstance(args[0], Tornadis.Pipeline):
            _check_pipeline(args[0])
            batcher.add_whole(batcher.bridge.submit_pipeline, args[0], target)
        elif len(args) == 1 and isinstance(args[0], Tornadis.Command):
            batcher.add_whole(batcher.bridge.submit_command, args[0], target)
        else:
            batcher.add(_encode(args), target)

    def call(self, *args):
        """Calls a command, or a Pipeline, and returns an awaitable of the native reply."""
        future = _CallFuture()
        self._send(args, future)
        return future

    def async_call(self, *args, callback=None):
        """Calls a command, or a Pipeline; callback(result) gets the reply, or an exception object."""
        self._send(args, callback)

    def connect_client(self):
        """Connects now; returns an awaitable of True. (`connect` is how GObject connects signals.)"""
        return _await_finish(self.connect_async, self.connect_finish)

    def disconnect_client(self):
        """Closes the connection. (`disconnect` is how GObject disconnects signals.)"""
        self.close()

    submit = _flushing('submit')
    submit_pipeline = _flushing('submit_pipeline')
    call_async = _flushing('call_async')
    call_pipeline_async = _flushing('call_pipeline_async')
    connect_async = _flushing('connect_async')
    close = _flushing('close')
    add_plugin = _flushing('add_plugin')
    add_plugin_by_name = _flushing('add_plugin_by_name')
    remove_plugin = _flushing('remove_plugin')


Client = override(Client)
__all__.append('Client')


def _check_name(name):
    if isinstance(name, str) and '\0' in name:
        raise ClientError('a name that is text can not have a NUL in it: give it as bytes')


def _to_names(names):
    for name in names:
        _check_name(name)
        if not isinstance(name, (str, bytes, bytearray, memoryview, GLib.Bytes)):
            raise TypeError(f'{type(name).__name__} can not be the name of a channel')
    return [GLib.Bytes.new(_to_bytes(name)) for name in names]


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


class PubSubClient(Tornadis.PubSubClient):
    def __init__(self, **options):
        super().__init__(**_given(options))

    @classmethod
    def new_for_uri(cls, uri):
        return _new_for_uri(Tornadis.PubSubClient.new_for_uri, uri)

    @classmethod
    def new_for_uri_full(cls, uri, flags):
        return _new_for_uri(Tornadis.PubSubClient.new_for_uri_full, uri, flags)

    def call(self, *args):
        raise ClientError('not allowed with PubSubClient object')

    async_call = call

    connect_client = Client.connect_client
    disconnect_client = Client.disconnect_client

    def _subscribe(self, kind, names):
        return _await_finish(self.subscribe_bytes_async, self.subscribe_bytes_finish, kind, _to_names(names))

    def _unsubscribe(self, kind, names):
        return _await_finish(self.unsubscribe_bytes_async, self.unsubscribe_bytes_finish, kind, _to_names(names))

    def subscribe(self, *channels):
        return self._subscribe(Tornadis.SubscriptionKind.CHANNEL, channels)

    def psubscribe(self, *patterns):
        return self._subscribe(Tornadis.SubscriptionKind.PATTERN, patterns)

    def ssubscribe(self, *channels):
        return self._subscribe(Tornadis.SubscriptionKind.SHARD, channels)

    def unsubscribe(self, *channels):
        return self._unsubscribe(Tornadis.SubscriptionKind.CHANNEL, channels)

    def punsubscribe(self, *patterns):
        return self._unsubscribe(Tornadis.SubscriptionKind.PATTERN, patterns)

    def sunsubscribe(self, *channels):
        return self._unsubscribe(Tornadis.SubscriptionKind.SHARD, channels)

    subscribe_async = _naming('subscribe_async')
    psubscribe_async = _naming('psubscribe_async')
    ssubscribe_async = _naming('ssubscribe_async')
    unsubscribe_async = _naming('unsubscribe_async')
    punsubscribe_async = _naming('punsubscribe_async')
    sunsubscribe_async = _naming('sunsubscribe_async')

    def pop_message(self, deadline=None):
        """An awaitable of the next message, or of None after deadline seconds."""
        return _await_finish(self.pop_message_async, self.pop_message_finish, -1 if deadline is None else deadline,
                             give_back=self.unpop_message)

    async def messages(self):
        """Iterates over messages for as long as there are subscriptions and the client is not closed."""
        while True:
            try:
                message = await self.pop_message()
            except TornadisException as exception:
                if exception.code in (Tornadis.Error.USAGE, Tornadis.Error.CLOSED):
                    return
                raise
            yield message

    pubsub_subscribe = subscribe
    pubsub_psubscribe = psubscribe
    pubsub_unsubscribe = unsubscribe
    pubsub_punsubscribe = punsubscribe
    pubsub_pop_message = pop_message


PubSubClient = override(PubSubClient)
__all__.append('PubSubClient')


def _stacking(name):
    """Wraps a method so that commands stacked before it are handed to the library first."""
    method = getattr(Tornadis.Pipeline, name)

    def call(self, *args, **options):
        self._hand_over()
        return method(self, *args, **options)

    call.__name__, call.__doc__ = name, method.__doc__
    return call


class Pipeline(Tornadis.Pipeline):
    # The commands that the library does not have yet. None: it was not created here, as that of a plugin's setup.
    _stacked = None

    def __init__(self, **options):
        super().__init__(**options)
        self._stacked = []

    def stack_call(self, *args):
        """Stacks a command, with the arguments of Client.call()."""
        if len(args) == 1 and isinstance(args[0], Tornadis.Command):
            self.stack_command(args[0])
            return
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
    stack_strv = _stacking('stack_strv')
    get_command = _stacking('get_command')
    get_number_of_stacked_calls = _stacking('get_number_of_stacked_calls')
    get_property = _stacking('get_property')
    get_properties = _stacking('get_properties')
    clear = _stacking('clear')

    @property
    def number_of_stacked_calls(self):
        return self.get_number_of_stacked_calls()

    @property
    def props(self):
        self._hand_over()
        return super().props


Pipeline = override(Pipeline)
__all__.append('Pipeline')


class _ConnectedClient:
    """``async with pool.connected_client() as client``"""

    def __init__(self, pool):
        self.pool = pool
        self.client = None

    async def __aenter__(self):
        self.client = await self.pool.get_connected_client()
        return self.client

    async def __aexit__(self, *exception):
        self.pool.release_client(self.client)
        self.client = None


class ClientPool(Tornadis.ClientPool):
    decode = False

    def __init__(self, *, max_size=-1, client_timeout=-1, autoclose=False, decode=False, template=None, **options):
        if template is None:
            template = Tornadis.Client(**_given(options))
        super().__init__(template=template, max_size=max_size, client_timeout=client_timeout, autoclose=autoclose)
        self.decode = decode

    def call(self, *args):
        """Takes a client, calls a command or a Pipeline on it and gives it back: an awaitable of the native reply."""
        if len(args) == 1 and isinstance(args[0], Tornadis.Pipeline):
            _check_pipeline(args[0])
            start, finish, what = self.call_pipeline_async, self.call_pipeline_finish, args[0]
        else:
            start, finish, what = self.call_async, self.call_finish, _to_command(args)
        return _await_finish(start, lambda result: _to_native(finish(result), self.decode), what)

    def async_call(self, *args, callback=None):
        """As call(); callback(result) gets the reply, or an exception object."""
        future = self.call(*args)
        if callback is not None:
            future.add_done_callback(
                lambda _: callback(future._result if future._exception is None else future._exception))

    def call_pipeline_async(self, *args, **options):
        _hand_over((*args, *options.values()))
        return super().call_pipeline_async(*args, **options)

    def release_client(self, client):
        """Gives a client back."""
        if client._batcher is not None:
            client._batcher.flush()
        super().release_client(client)

    def get_client_nowait(self):
        """A client that is free, or None."""
        return self._prepare(super().get_client_nowait())

    def _prepare(self, client):
        if client is not None:
            client.decode = self.decode
        return client

    def connected_client(self):
        """An async context manager of a connected client, which is released at the end."""
        return _ConnectedClient(self)

    def get_connected_client(self):
        return _await_finish(self.get_connected_client_async,
                             lambda result: self._prepare(self.get_connected_client_finish(result)),
                             give_back=self.release_client)

    def preconnect(self, size=-1):
        return _await_finish(self.preconnect_async, self.preconnect_finish, size)


ClientPool = override(ClientPool)
__all__.append('ClientPool')
