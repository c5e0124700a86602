# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tornadis for Python: native arguments and replies, awaitable calls.

Awaitables complete from the GLib main loop. They work under any event loop that runs on it, and without one
under :func:`run`.
"""

import functools
import marshal

from gi.repository import GLib, GObject

from ..overrides import override
from ._tornadis_carrier import Carrier
from ._tornadis_loop import Future, _in_task, _LentFuture, run, sleep, spawn
from ._tornadis_messages import Message as _Message, Messages
from ._tornadis_values import (
    ClientError, ConnectionError, ReplyError, Tornadis, TornadisBridge, TornadisException, _encode, _is_large, _to_bytes,
    _to_command, _to_exception, _to_native)

__all__ = ['ClientError', 'ConnectionError', 'Future', 'ReplyError', 'TornadisException', 'run', 'sleep', 'spawn']


def _given(options):
    return {name: value for name, value in options.items() if value is not None}


class Reply(Tornadis.Reply):
    def unpack(self, decode=False):
        """The reply as Python values: bytes (str with decode), int, float, bool, None, list, dict, exceptions.

        A map is a list of pairs when a dict would merge keys of different types, such as 1 and True.
        """
        return _to_native(self, decode)

    def __str__(self):
        return self.to_string()


Reply = override(Reply)
__all__.append('Reply')


class _MessageMeta(type(Tornadis.Message)):
    def __instancecheck__(cls, instance):
        return type(instance) is _Message or super().__instancecheck__(instance)


class Message(Tornadis.Message, metaclass=_MessageMeta):
    channel = property(lambda self: self.get_channel())
    pattern = property(lambda self: self.get_pattern())
    text = property(lambda self: self.get_text())
    shard = property(lambda self: self.is_shard(), doc='Whether the channel is a shard channel.')

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


def _hand_over(args):
    """Hands the stacked commands of pipelines among the arguments to the library."""
    for arg in args:
        if isinstance(arg, Pipeline):
            arg._hand_over()


def _check_pipeline(pipeline):
    if pipeline.get_number_of_stacked_calls() == 0:
        raise ClientError('empty pipeline')


def _get_carrier(owner):
    """That of a client or a pool, whose class has None."""
    carrier = owner._carrier
    if carrier is None:
        carrier = owner._carrier = Carrier(owner, owner._decode)
    return carrier


def _set_decode(owner, decode):
    owner._decode = decode
    if owner._carrier is not None:
        owner._carrier.flush()
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
    return arg.copy() if isinstance(arg, (Tornadis.Reply, Tornadis.Command)) else arg


def _submitting(method, position):
    """Wraps a method so that the function in that position is given a reply to keep."""

    @functools.wraps(method)
    def call(self, *args, **options):
        func = args[position] if len(args) > position else options.get('func')
        if func is None:
            return method(self, *args, **options)

        def keep(client, reply, *more):
            func(client, _own(reply), *more)

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


def _new_for_uri(construct, *args):
    try:
        return construct(*args)
    except GLib.Error as error:
        raise _to_exception(error) from None


class Client(Tornadis.Client):
    _carrier = None
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

    decode = property(lambda self: self._decode, _set_decode, doc='Whether strings of the server are str, not bytes.')

    def call(self, *args):
        """Calls a command, or a Pipeline, and returns an awaitable of the native reply."""
        carrier = self._carrier
        if carrier is None:
            carrier = _get_carrier(self)
        if len(args) == 1 and isinstance(args[0], (Tornadis.Pipeline, Tornadis.Command)):
            return carrier.start_future(*_get_submit(carrier, args[0]))
        return carrier.call(args)

    def async_call(self, *args, callback=None):
        """Calls a command, or a Pipeline; callback(result) gets the reply, or an exception object."""
        carrier = _get_carrier(self)
        if len(args) == 1 and isinstance(args[0], (Tornadis.Pipeline, Tornadis.Command)):
            carrier.start(callback, *_get_submit(carrier, args[0]))
        else:
            carrier.add(_encode(args), callback)

    def connect_client(self):
        """Connects now; returns an awaitable of True. (`connect` is how GObject connects signals.)"""
        carrier = _get_carrier(self)
        return carrier.start_future(carrier.bridge.connect)

    def disconnect_client(self):
        """Closes the connection. (`disconnect` is how GObject disconnects signals.)"""
        self.close()

    def close(self):
        if self._carrier is not None:
            self._carrier.flush()
            # What came before goes before: this may be called by a callback.
            self._carrier.deal()
        super().close()

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

    call.__name__, call.__doc__ = change, method.__doc__
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


class PubSubClient(Tornadis.PubSubClient):
    _messages = None

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

    def _get_messages(self):
        if self._messages is None:
            self._messages = Messages(self, _get_carrier(self))
        return self._messages

    # Handlers of messages, which come in batches, are Python's; in GObject's list are others in their place.

    def _connect(self, detailed_signal, after, function, call):
        return self._get_messages().connect(detailed_signal, after, function, call)

    def connect(self, detailed_signal, handler, *args):
        call = (lambda client, message: handler(client, message, *args)) if args else handler
        handler_id = self._connect(detailed_signal, False, handler, call)
        return super().connect(detailed_signal, handler, *args) if handler_id is None else handler_id

    def connect_after(self, detailed_signal, handler, *args):
        call = (lambda client, message: handler(client, message, *args)) if args else handler
        handler_id = self._connect(detailed_signal, True, handler, call)
        return super().connect_after(detailed_signal, handler, *args) if handler_id is None else handler_id

    def connect_object(self, detailed_signal, handler, gobject, *args):
        handler_id = self._connect(detailed_signal, False, handler, lambda _, message: handler(gobject, message, *args))
        return super().connect_object(detailed_signal, handler, gobject, *args) if handler_id is None else handler_id

    def connect_object_after(self, detailed_signal, handler, gobject, *args):
        handler_id = self._connect(detailed_signal, True, handler, lambda _, message: handler(gobject, message, *args))
        return super().connect_object_after(detailed_signal, handler, gobject, *args) if handler_id is None else handler_id

    def connect_data(self, detailed_signal, handler, *data, connect_flags=0):
        swapped = connect_flags & GObject.ConnectFlags.SWAPPED
        if detailed_signal.partition('::')[0] != 'message' or (swapped and len(data) != 1):
            return super().connect_data(detailed_signal, handler, *data, connect_flags=connect_flags)
        connect = self.connect_after if connect_flags & GObject.ConnectFlags.AFTER else self.connect
        if swapped:
            return connect(detailed_signal, lambda client, message: handler(data[0], message, client))
        return connect(detailed_signal, handler, *data)

    def disconnect(self, handler_id):
        super().disconnect(handler_id)
        self._get_messages().forget(handler_id)

    handler_disconnect = disconnect

    def handler_block(self, handler_id):
        super().handler_block(handler_id)
        self._get_messages().refresh(handler_id)
        return _Block(self, handler_id)

    def handler_unblock(self, handler_id):
        super().handler_unblock(handler_id)
        self._get_messages().refresh(handler_id)

    disconnect_by_func = _by_function('disconnect_by_func')
    handler_block_by_func = _by_function('handler_block_by_func')
    handler_unblock_by_func = _by_function('handler_unblock_by_func')

    def stop_emission_by_name(self, detailed_signal):
        if not self._get_messages().stop(detailed_signal):
            super().stop_emission_by_name(detailed_signal)

    def emit(self, detailed_signal, *args):
        return super().emit(detailed_signal, *(arg._to_boxed() if type(arg) is _Message else arg for arg in args))

    def close(self):
        self._get_messages().close()
        super().close()

    def run_dispose(self):
        super().run_dispose()
        self._get_messages().check_handlers()

    def _subscribe(self, kind, names):
        carrier = _get_carrier(self)
        return carrier.start_future(carrier.bridge.subscribe, kind, _to_names(names))

    def _unsubscribe(self, kind, names):
        carrier = _get_carrier(self)
        return carrier.start_future(carrier.bridge.unsubscribe, kind, _to_names(names))

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
        return self._get_messages().wait(deadline)

    def messages(self, deadline=None):
        """Iterates over messages for as long as there are subscriptions and the client is not closed.

        With a deadline it ends when no message has come for so many seconds."""
        return self._get_messages().iterate(deadline)

    def pop_message_async(self, *args, **options):
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

    pubsub_subscribe = subscribe
    pubsub_psubscribe = psubscribe
    pubsub_unsubscribe = unsubscribe
    pubsub_punsubscribe = punsubscribe
    pubsub_pop_message = pop_message


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
    """Wraps a hook so that the replies and commands that it is given are ones to keep."""

    @functools.wraps(hook)
    def call(self, *args):
        return hook(self, *map(_own, args))

    return call


def _init_plugin(cls, **options):
    super(Tornadis.Plugin, cls).__init_subclass__(**options)
    for name in ('do_setup_done', 'do_push', 'do_observe'):
        if name in vars(cls):
            setattr(cls, name, _keeping(vars(cls)[name]))


Tornadis.Plugin.__init_subclass__ = classmethod(_init_plugin)
Tornadis.Plugin.submit = _submitting(Tornadis.Plugin.submit, 2)


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
    _carrier = None
    _decode = False

    def __init__(self, *, max_size=-1, client_timeout=-1, autoclose=False, decode=False, template=None, **options):
        if template is None:
            template = Tornadis.Client(**_given(options))
        super().__init__(template=template, max_size=max_size, client_timeout=client_timeout, autoclose=autoclose)
        self._decode = decode

    decode = property(lambda self: self._decode, _set_decode, doc='Whether strings of the server are str, not bytes.')

    def call(self, *args):
        """Takes a client, calls a command or a Pipeline on it and gives it back: an awaitable of the native reply."""
        carrier = _get_carrier(self)
        what = args[0] if len(args) == 1 and isinstance(args[0], Tornadis.Pipeline) else _to_command(args)
        return carrier.start_future(*_get_submit(carrier, what))

    def async_call(self, *args, callback=None):
        """As call(); callback(result) gets the reply, or an exception object."""
        carrier = _get_carrier(self)
        what = args[0] if len(args) == 1 and isinstance(args[0], Tornadis.Pipeline) else _to_command(args)
        carrier.start(callback, *_get_submit(carrier, what))

    def call_pipeline_async(self, *args, **options):
        _hand_over((*args, *options.values()))
        return super().call_pipeline_async(*args, **options)

    def release_client(self, client):
        """Gives a client back."""
        if client._carrier is not None:
            client._carrier.flush()
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
        """An awaitable of a connected client, for release_client()."""
        carrier = _get_carrier(self)
        number = None

        def take(outcome):
            client = None if isinstance(outcome, Exception) else self._prepare(carrier.bridge.take_client(number))
            if not future.done():
                future._finish(client, None if client is not None else outcome, not _in_task())
            elif client is not None:
                self.release_client(client)

        future = _LentFuture(lambda: carrier.bridge.cancel(number), self.release_client)
        number = carrier.start(take, carrier.bridge.get_client)
        return future

    def preconnect(self, size=-1):
        """Connects so many clients ahead; an awaitable of True."""
        carrier = _get_carrier(self)
        return carrier.start_future(carrier.bridge.preconnect, size)


ClientPool = override(ClientPool)
__all__.append('ClientPool')
