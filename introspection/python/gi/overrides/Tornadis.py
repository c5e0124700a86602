# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tornadis for Python: native arguments and replies, awaitable calls.

Awaitables complete from the GLib main loop. They work under any event loop that runs on it, and without one
under :func:`run`.
"""

import inspect

from gi.repository import Gio, GLib

from ..module import get_introspection_module
from ..overrides import override

Tornadis = get_introspection_module('Tornadis')

__all__ = []


def export(thing, name=None):
    name = name or thing.__name__
    globals()[name] = thing
    __all__.append(name)
    return thing


class TornadisException(Exception):
    """Base of all errors, as in tornadis; ``error`` is the GLib.Error behind it."""

    def __init__(self, error):
        super().__init__(error.message if isinstance(error, GLib.Error) else error)
        self.error = error if isinstance(error, GLib.Error) else None


class ConnectionError(TornadisException):
    """There is no connection, or it was lost, or it took too long."""


class ClientError(TornadisException):
    """The library was asked for what it does not do, or a bound is reached."""


class ReplyError(ClientError):
    """The server answered with an error; ``prefix`` is its first word."""

    @property
    def prefix(self):
        if self.error is not None:
            return Tornadis.error_get_prefix(self.error)
        word = str(self).partition(' ')[0]
        return word if word.isupper() else None


for _exception in (TornadisException, ConnectionError, ClientError, ReplyError):
    export(_exception)

_CONNECTION_CODES = frozenset((
    Tornadis.Error.CONNECT, Tornadis.Error.AUTHENTICATION, Tornadis.Error.CLOSED, Tornadis.Error.LOST,
    Tornadis.Error.TIMEOUT, Tornadis.Error.PROTOCOL))
_DOMAIN = GLib.quark_to_string(Tornadis.error_quark())


def _to_exception(error):
    if error.domain != _DOMAIN:
        return error
    if error.code == Tornadis.Error.REPLY:
        return ReplyError(error)
    if error.code in _CONNECTION_CODES:
        return ConnectionError(error)
    return ClientError(error)


class Future:
    """The outcome of a call. Awaitable once or more; holds callbacks until it is there."""

    # asyncio's protocol for objects that a task waits for.
    _asyncio_future_blocking = False

    def __init__(self, canceller=None):
        self._done = False
        self._cancelled = False
        self._canceller = canceller
        self._result = None
        self._exception = None
        self._callbacks = []
        self._loop = _running_loop()

    def done(self):
        return self._done

    def cancelled(self):
        return self._cancelled

    def cancel(self, msg=None):
        """Ends the waiting, with asyncio.CancelledError; False when it is too late."""
        if self._done or self._canceller is None:
            return False
        from asyncio import CancelledError
        self._cancelled = True
        self._canceller()
        self.set_exception(CancelledError() if msg is None else CancelledError(msg))
        return True

    def get_loop(self):
        return self._loop

    def result(self):
        if self._exception is not None:
            raise self._exception
        return self._result

    def exception(self):
        return self._exception

    def add_done_callback(self, callback, *, context=None):
        if self._done:
            self._schedule(callback, context)
        else:
            self._callbacks.append((callback, context))

    def remove_done_callback(self, callback):
        kept = [entry for entry in self._callbacks if entry[0] != callback]
        removed = len(self._callbacks) - len(kept)
        self._callbacks = kept
        return removed

    def set_result(self, result):
        self._finish(result, None)

    def set_exception(self, exception):
        self._finish(None, exception)

    def _finish(self, result, exception):
        if self._done:
            return
        self._done = True
        self._result = result
        self._exception = exception
        callbacks, self._callbacks = self._callbacks, []
        for callback, context in callbacks:
            self._schedule(callback, context)

    def _schedule(self, callback, context):
        if self._loop is not None:
            self._loop.call_soon(callback, self, context=context)
        else:
            callback(self)

    def __await__(self):
        if not self._done:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    __iter__ = __await__


export(Future)


def _running_loop():
    try:
        from asyncio import get_running_loop
        return get_running_loop()
    except RuntimeError:
        return None


class _Runner:
    """Steps one coroutine, or what it waits for, on the GLib main loop."""

    def __init__(self, awaitable):
        if not hasattr(awaitable, '__await__'):
            raise TypeError(f'{awaitable!r} can not be awaited')
        self.steps = awaitable.__await__()
        self.future = Future()

    def start(self):
        self.step(None)
        return self.future

    def step(self, waited):
        try:
            # The coroutine takes the outcome from the future itself.
            awaited = self.steps.send(None)
        except StopIteration as stop:
            self.future.set_result(stop.value)
        except BaseException as error:
            self.future.set_exception(error)
        else:
            if awaited is None:
                GLib.idle_add(self.step, None, priority=GLib.PRIORITY_DEFAULT)
            else:
                awaited.add_done_callback(self.step)


def spawn(awaitable):
    """Starts a coroutine on the GLib main loop, without asyncio; returns its Future."""
    return _Runner(awaitable).start()


def run(awaitable):
    """Runs a coroutine to its end on the default GLib main context, without asyncio, and returns its value."""
    context = GLib.MainContext.default()
    future = spawn(awaitable)
    while not future.done():
        context.iteration(True)
    return future.result()


def sleep(seconds):
    """Waits on the GLib main loop, without asyncio."""
    future = Future()

    def wake():
        future.set_result(None)
        return GLib.SOURCE_REMOVE

    GLib.timeout_add(int(seconds * 1000), wake)
    return future


for _function in (spawn, run, sleep):
    export(_function)


def _to_bytes(value):
    if isinstance(value, str):
        return GLib.Bytes.new(value.encode())
    if isinstance(value, (bytes, bytearray, memoryview)):
        return GLib.Bytes.new(bytes(value))
    if isinstance(value, bool):
        return GLib.Bytes.new(b'1' if value else b'0')
    if isinstance(value, int):
        return GLib.Bytes.new(b'%d' % value)
    if isinstance(value, float):
        return GLib.Bytes.new(repr(value).encode())
    if isinstance(value, GLib.Bytes):
        return value
    raise TypeError(f"don't know what to do with {type(value).__name__} as an argument")


def _to_command(args):
    if len(args) == 1 and isinstance(args[0], Tornadis.Command):
        return args[0]
    return Tornadis.Command.new_bytes([_to_bytes(arg) for arg in args])


_KIND = Tornadis.ReplyKind


def _to_native(reply, decode):
    kind = reply.get_kind()
    if kind in (_KIND.STRING, _KIND.STATUS, _KIND.VERBATIM):
        data = reply.get_bytes().get_data() or b''
        return data.decode() if decode else data
    if kind == _KIND.INTEGER:
        return reply.get_integer()
    if kind == _KIND.NIL:
        return None
    if kind == _KIND.ERROR:
        return _to_exception(reply.get_error())
    if kind == _KIND.DOUBLE:
        return reply.get_double()
    if kind == _KIND.BOOLEAN:
        return reply.get_boolean()
    if kind == _KIND.BIG_NUMBER:
        return int(reply.get_text())
    items = [_to_native(reply.get_element(i), decode) for i in range(reply.get_n_elements())]
    if kind == _KIND.MAP:
        return dict(zip(map(_to_key, items[::2]), items[1::2]))
    return items


def _to_key(value):
    if isinstance(value, list):
        return tuple(map(_to_key, value))
    if isinstance(value, dict):
        return tuple((key, _to_key(item)) for key, item in value.items())
    return value


def _snake_options(options):
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
    payload = property(lambda self: self.get_payload().get_data() or b'')
    text = property(lambda self: self.get_text())


Message = override(Message)
__all__.append('Message')


def _nothing():
    pass


class _Calls:
    """What a client and a pool have in common: calls with native arguments and replies."""

    decode = False

    def _submit(self, args, future):
        raise NotImplementedError

    def call(self, *args):
        """Calls a command, or a Pipeline, and returns an awaitable of the native reply."""
        # A reply that comes later is dropped.
        future = Future(_nothing)
        self._start(args, lambda reply, error: self._settle(future, reply, error))
        return future

    def async_call(self, *args, callback=None):
        """Calls a command, or a Pipeline; callback(result) gets the reply, or an exception object."""
        if callback is None:
            self._start(args, None)
            return

        def done(reply, error):
            try:
                result = _to_exception(error) if error is not None else _to_native(reply, self.decode)
            except Exception as exception:
                result = exception
            callback(result)

        self._start(args, done)

    def _settle(self, future, reply, error):
        if error is not None:
            future.set_exception(_to_exception(error))
            return
        try:
            future.set_result(_to_native(reply, self.decode))
        except Exception as exception:
            future.set_exception(exception)


def _await_finish(start, finish, *args, give_back=None):
    """An awaitable of an _async/_finish pair; give_back(value) takes what comes though nobody waits any more."""
    cancellable = Gio.Cancellable()
    future = Future(cancellable.cancel)

    def done(source, result):
        try:
            value = finish(result)
        except GLib.Error as error:
            future.set_exception(_to_exception(error))
        else:
            if future.cancelled() and give_back is not None:
                give_back(value)
            else:
                future.set_result(value)

    start(*args, cancellable, done)
    return future


class Client(_Calls, Tornadis.Client):
    def __init__(self, *, decode=False, **options):
        super().__init__(**_snake_options(options))
        self.decode = decode

    def _start(self, args, done):
        func = None if done is None else lambda client, reply, error: done(reply, error)
        if len(args) == 1 and isinstance(args[0], Tornadis.Pipeline):
            if args[0].get_number_of_stacked_calls() == 0:
                raise ClientError('empty pipeline')
            self.submit_pipeline(args[0], func)
        else:
            self.submit(_to_command(args), func)

    def connect_client(self):
        """Connects now; returns an awaitable of True. (`connect` is how GObject connects signals.)"""
        return _await_finish(self.connect_async, self.connect_finish)

    def disconnect_client(self):
        """Closes the connection. (`disconnect` is how GObject disconnects signals.)"""
        self.close()


Client = override(Client)
__all__.append('Client')


class PubSubClient(Tornadis.PubSubClient):
    _given_back = None

    def __init__(self, **options):
        super().__init__(**_snake_options(options))

    def call(self, *args):
        raise ClientError('not allowed with PubSubClient object')

    async_call = call

    connect_client = Client.connect_client
    disconnect_client = Client.disconnect_client

    def subscribe(self, *channels):
        return _await_finish(self.subscribe_async, self.subscribe_finish, list(channels))

    def psubscribe(self, *patterns):
        return _await_finish(self.psubscribe_async, self.psubscribe_finish, list(patterns))

    def ssubscribe(self, *channels):
        return _await_finish(self.ssubscribe_async, self.ssubscribe_finish, list(channels))

    def unsubscribe(self, *channels):
        return _await_finish(self.unsubscribe_async, self.unsubscribe_finish, list(channels))

    def punsubscribe(self, *patterns):
        return _await_finish(self.punsubscribe_async, self.punsubscribe_finish, list(patterns))

    def sunsubscribe(self, *channels):
        return _await_finish(self.sunsubscribe_async, self.sunsubscribe_finish, list(channels))

    def pop_message(self, deadline=None):
        """An awaitable of the next message, or of None after deadline seconds."""
        if self._given_back:
            future = Future()
            future.set_result(self._given_back.pop(0))
            return future
        return _await_finish(self.pop_message_async, self.pop_message_finish, -1 if deadline is None else deadline,
                             give_back=self._give_back)

    def _give_back(self, message):
        if message is not None:
            self._given_back = [*(self._given_back or ()), message]

    async def messages(self):
        """Iterates over messages for as long as there are subscriptions and the client is not closed."""
        while True:
            try:
                message = await self.pop_message()
            except TornadisException as exception:
                if exception.error is not None and exception.error.code in (Tornadis.Error.USAGE, Tornadis.Error.CLOSED):
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


class Pipeline(Tornadis.Pipeline):
    def stack_call(self, *args):
        """Stacks a command, with the arguments of Client.call()."""
        self.stack_command(_to_command(args))

    @property
    def number_of_stacked_calls(self):
        return self.get_number_of_stacked_calls()


Pipeline = override(Pipeline)
__all__.append('Pipeline')


class _ConnectedClient:
    """``async with pool.connected_client() as client``"""

    def __init__(self, pool):
        self.pool = pool
        self.client = None

    async def __aenter__(self):
        future = self.pool.get_connected_client()
        try:
            self.client = await future
        except BaseException:
            # Cancelled between the client's coming and this being told.
            if future.done() and future.exception() is None:
                self.pool.release_client(future.result())
            raise
        return self.client

    async def __aexit__(self, *exception):
        self.pool.release_client(self.client)
        self.client = None


class ClientPool(_Calls, Tornadis.ClientPool):
    def __init__(self, *, max_size=-1, client_timeout=-1, autoclose=False, decode=False, template=None, **options):
        if template is None:
            template = Tornadis.Client(**_snake_options(options))
        super().__init__(template=template, max_size=max_size, client_timeout=client_timeout, autoclose=autoclose)
        self.decode = decode

    def _start(self, args, done):
        if len(args) == 1 and isinstance(args[0], Tornadis.Pipeline):
            start, finish, what = self.call_pipeline_async, self.call_pipeline_finish, args[0]
        else:
            start, finish, what = self.call_async, self.call_finish, _to_command(args)

        def finished(source, result):
            try:
                reply, error = finish(result), None
            except GLib.Error as glib_error:
                reply, error = None, glib_error
            if done is not None:
                done(reply, error)

        start(what, None, finished)

    def connected_client(self):
        """An async context manager of a connected client, which goes back to the pool at the end."""
        return _ConnectedClient(self)

    def get_connected_client(self):
        return _await_finish(self.get_connected_client_async, self.get_connected_client_finish,
                             give_back=self.release_client)

    def preconnect(self, size=-1):
        return _await_finish(self.preconnect_async, self.preconnect_finish, size)


ClientPool = override(ClientPool)
__all__.append('ClientPool')
