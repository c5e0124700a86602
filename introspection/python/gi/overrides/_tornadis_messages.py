# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages of Tornadis for Python, which come many at a time: for handlers and for those who wait for them."""

import collections
import itertools
import weakref

from gi.repository import GLib, GObject

from ._tornadis_loop import _call_soon, _in_task, _LentFuture, _report
from ._tornadis_values import Tornadis, TornadisBridge, TornadisException, _check_cancellable, _check_seconds

# How many routes are kept, and for how many channels the handlers that were found.
_MOST_ROUTES = 1000
_MOST_MATCHES = 1000


class Route:
    """What messages of one channel, by one pattern, have in common."""

    __slots__ = ('channel', 'channel_bytes', 'pattern', 'pattern_bytes', 'shard', 'handlers', 'version')

    def __init__(self, channel, channel_bytes, pattern, pattern_bytes, shard):
        self.channel = channel
        self.channel_bytes = channel_bytes
        self.pattern = pattern
        self.pattern_bytes = pattern_bytes
        self.shard = shard
        self.handlers = None
        self.version = False


class Message:
    """A message as it comes in a batch, with the members of Tornadis.Message, whose instance it counts as."""

    __slots__ = ('text', '_route', '_payload', '_serial')

    channel = property(lambda self: self._route.channel)
    pattern = property(lambda self: self._route.pattern)
    shard = property(lambda self: self._route.shard, doc='Whether the channel is a shard channel.')

    @property
    def payload(self):
        """The bytes that were published; `None` in a message about keys."""
        if self.text is not None:
            return self.text.encode()
        return None if type(self._payload) is tuple else self._payload

    @property
    def keys(self):
        """The keys that have changed, in a message of the server's channel `__redis__:invalidate`; `None`: any of them."""
        return self._payload[0] if self.text is None and type(self._payload) is tuple else None

    def get_channel(self):
        return self._route.channel

    def get_pattern(self):
        return self._route.pattern

    def get_text(self):
        return self.text

    def is_shard(self):
        return self._route.shard

    def copy(self):
        return self

    ref = copy

    def unref(self):
        pass

    def get_channel_bytes(self):
        route = self._route
        return GLib.Bytes.new(route.channel.encode() if route.channel_bytes is None else route.channel_bytes)

    def get_payload(self):
        payload = self.payload
        return None if payload is None else GLib.Bytes.new(payload)

    def get_reply(self):
        return self._to_boxed().get_reply()

    def _to_boxed(self):
        route = self._route
        pattern = route.pattern
        if pattern is not None:
            pattern = GLib.Bytes.new(pattern.encode() if route.pattern_bytes is None else route.pattern_bytes)
        about_keys = self.text is None and type(self._payload) is tuple
        keys = [GLib.Bytes.new(key) for key in self.keys] if about_keys and self.keys is not None else None
        return TornadisBridge.make_message(self.get_channel_bytes(), pattern, self.get_payload(), keys, route.shard)

    def __repr__(self):
        return f'<Tornadis.Message {self.channel!r} {self.payload if self.text is None else self.text!r}>'


_new_message = Message.__new__


def _make_message(route, payload):
    message = _new_message(Message)
    message._route = route
    if type(payload) is str:
        message.text = payload
    else:
        message.text = None
        message._payload = payload
    return message


class Handler:
    """One of the signal ``message``, in Python. GObject has one in C of the same id in its place."""

    __slots__ = ('id', 'detail', 'after', 'function', 'call', 'listening')

    def __init__(self, detail, after, function, call):
        self.detail = detail
        self.after = after
        self.function = function
        self.call = call
        self.listening = True


class Emission:
    """Of what is being told: its detail, and whether no other handler is to be called for it."""

    __slots__ = ('detail', 'stopped')


class Messages:
    """Of a pub/sub client: its handlers, and what is there for those who wait for messages."""

    def __init__(self, client, carrier):
        # It has this and the carrier, and all is freed without a garbage collection.
        self.get_client = weakref.ref(client)
        self.carrier = carrier
        carrier.get_messages = weakref.ref(self)
        self.handlers = {}
        # All handlers, in another list whenever something has changed; None: it is not made yet.
        self.version = None
        # Handlers by their details, and those to call for a channel, as of that.
        self.by_detail = {}
        self.matches = {}
        self.routes = {}
        # One within the other.
        self.emissions = []
        # Messages that were popped and are not handed out, and those who wait for one.
        self.inbox = collections.deque()
        self.waiters = collections.deque()
        self.n_popped = 0
        self.n_iterators = 0
        self.n_closed = 0
        # What the library was asked for messages with, until they or its outcome come; its number.
        self.popping = None
        self.pop_number = -1

    def receive(self, brought):
        """A batch; returns how many messages there are to be told, or 0: it was dealt with."""
        popped, routes, indices, payloads, n_kept = brought
        routes = [self.routes.get(route) or self.make_route(route) for route in routes]
        items = zip(itertools.repeat(0) if indices is None else indices, payloads)
        if popped is True:
            self.keep(items, routes, all_came=n_kept)
            return 0
        if popped is not False:
            self.tell_emitted(popped, routes[0], payloads[0])
            return 0
        if self.carrier.bridge.count_listeners() != len(self.handlers):
            self.check_handlers()
        part = items, routes, [], n_kept
        self.carrier.parts.append((self.tell, part))
        return len(payloads)

    def make_route(self, parts):
        """One that most likely comes again with the next batch."""
        if len(self.routes) >= _MOST_ROUTES:
            self.routes.clear()
        route = self.routes[parts] = Route(*parts)
        return route

    # Handlers. What is connected and what is blocked is GObject's to say.

    def connect(self, detailed_signal, after, function, call):
        """The id of a new handler; None: it is one of another signal."""
        name, _, detail = detailed_signal.partition('::')
        if name != 'message':
            return None
        if not callable(function):
            raise TypeError('second argument must be callable')
        handler = Handler(detail or None, after, function, call)
        handler.id = self.carrier.bridge.listen(handler.detail, after)
        if handler.id == 0:
            # The client is disposed of: nothing will come.
            return None
        self.handlers[handler.id] = handler
        self.change()
        return handler.id

    def change(self):
        """Something has changed: what was found of handlers, and keeps them, is not right any more."""
        self.version = None
        self.by_detail = {}
        self.matches = {}
        self.routes = {}

    def find(self, function):
        return [handler for handler in self.handlers.values() if handler.function == function]

    def forget(self, handler_id):
        handler = self.handlers.pop(handler_id, None)
        if handler is not None:
            handler.listening = False
            self.change()

    def refresh(self, handler_id):
        """It may have been blocked or unblocked."""
        handler = self.handlers.get(handler_id)
        if handler is not None:
            handler.listening = self.carrier.bridge.is_listening(handler_id)
            self.change()

    def check_handlers(self):
        """Forgets those that were disconnected behind our back."""
        for handler_id in [*self.handlers]:
            if not GObject.signal_handler_is_connected(self.get_client(), handler_id):
                self.forget(handler_id)

    def refresh_all(self):
        self.check_handlers()
        for handler_id in self.handlers:
            self.refresh(handler_id)

    @staticmethod
    def order(handlers, route):
        """Those for the route in the order of an emission, blocked ones too."""
        found = [handler for handler in handlers if handler.detail in (None, route.channel)]
        # Ids grow from one to the next.
        found.sort(key=lambda handler: (handler.after, handler.id))
        return found

    def match(self, route):
        """What to call for a message of the route; None: no handler is connected for it."""
        if self.version is None:
            self.version = [*self.handlers.values()]
            for handler in self.version:
                self.by_detail.setdefault(handler.detail, []).append(handler)
        route.version = self.version
        channel = route.channel
        try:
            route.handlers = self.matches[channel]
        except KeyError:
            found = self.order(self.by_detail.get(None, []) + self.by_detail.get(channel, []), route)
            route.handlers = [handler for handler in found if handler.listening] if found else None
            if len(self.matches) < _MOST_MATCHES:
                self.matches[channel] = route.handlers
        return route.handlers

    def tell(self, part):
        items, routes, rest, n_kept = part
        client = self.get_client()
        emission = Emission()
        emission.stopped = False
        self.emissions.append(emission)
        try:
            for index, payload in items:
                route = routes[index]
                handlers = route.handlers if route.version is self.version else self.match(route)
                message = _new_message(Message)
                message._route = route
                if type(payload) is str:
                    message.text = payload
                else:
                    message.text = None
                    message._payload = payload
                if handlers is None:
                    rest.append(message)
                    continue
                version = self.version
                emission.detail = route.channel
                for handler in handlers:
                    try:
                        handler.call(client, message)
                    except SystemExit:
                        raise
                    except BaseException as error:
                        _report(error)
                    if self.version is not version:
                        self.go_on(client, message, route, version, handler, emission)
                        break
        finally:
            self.emissions.pop()
        # What no handler is connected for any more is kept, unless one in C has had it.
        kept = rest.copy()
        rest.clear()
        for message in kept:
            self.carrier.bridge.keep(message._to_boxed(), n_kept)

    def tell_emitted(self, handler_id, route, payload):
        """The program emits it, and it is this handler's turn."""
        handler = self.handlers.get(handler_id)
        if handler is None:
            return
        self.emissions.append(None)
        try:
            self.call(handler, self.get_client(), _make_message(route, payload))
        finally:
            self.emissions.pop()

    @staticmethod
    def call(handler, client, message):
        try:
            handler.call(client, message)
        except SystemExit:
            raise
        except BaseException as error:
            _report(error)

    def go_on(self, client, message, route, version, last, emission):
        """Calls what is left of the handlers there were, after the last one has changed some or stopped an emission."""
        handlers = self.order(version, route)
        for handler in handlers[handlers.index(last) + 1:]:
            if emission.stopped:
                break
            if handler.listening:
                self.call(handler, client, message)
        emission.stopped = False

    def stop(self, detailed_signal):
        """Whether there is such an emission of what is being told, which is stopped. Without a detail: the innermost."""
        name, _, detail = detailed_signal.partition('::')
        if name != 'message':
            return False
        for emission in reversed(self.emissions):
            if emission is None:
                # One of the program's, which GObject knows.
                hint = GObject.signal_get_invocation_hint(self.get_client())
                if hint is not None and GLib.quark_to_string(hint.detail) == (detail or None):
                    return False
            elif emission.detail == detail:
                break
        else:
            emission = None if detail else next(filter(None, reversed(self.emissions)), None)
        if emission is None:
            return False
        emission.stopped = True
        self.change()
        return True

    def close(self):
        """Ends iterations, and drops what a handler that closes the client would not have seen had it come one by one."""
        self.n_closed += 1
        if not self.emissions:
            return
        for tell, part in self.carrier.parts:
            if tell == self.tell:
                collections.deque(part[0], maxlen=0)
        self.carrier.bridge.drop_messages()

    # Those who wait.

    def keep(self, items, routes, all_came):
        append = self.inbox.append
        number = self.n_popped
        for index, payload in items:
            message = _new_message(Message)
            message._route = routes[index]
            if type(payload) is str:
                message.text = payload
            else:
                message.text = None
                message._payload = payload
            number += 1
            message._serial = number
            append(message)
        self.n_popped = number
        # Its outcome is behind them. Until then nothing more is popped: it would stand before those who pop in the library.
        if all_came:
            self.popping = None
        self.serve()

    def serve(self):
        """Hands out to those who wait, in order, what is there."""
        while self.waiters and self.inbox:
            waiter = self.waiters.popleft()
            waiter._finish(self.inbox.popleft(), None, not _in_task())
        if self.waiters:
            self.pop()

    def pop(self):
        """Asks the library for messages."""
        if self.popping is None:
            popping = self.popping = object()
            self.pop_number = self.carrier.start(lambda outcome: self.popped(popping, outcome), self.carrier.bridge.pop)

    def popped(self, popping, outcome):
        if self.popping is not popping:
            return
        self.popping = None
        if isinstance(outcome, Exception):
            waiters, self.waiters = self.waiters, collections.deque()
            for waiter in waiters:
                waiter._finish(None, outcome, not _in_task())
        elif self.waiters:
            self.serve()

    def wait(self, deadline=None, cancellable=None):
        """A future of the next message, or of None after so many seconds."""
        if deadline is not None:
            _check_seconds('a deadline', deadline)
        _check_cancellable(cancellable)
        waiter = _LentFuture(lambda: self.forsake(waiter), self.give_back)
        if cancellable is not None:
            try:
                cancellable.set_error_if_cancelled()
            except GLib.Error as error:
                waiter.set_exception(error)
                return waiter
        if self.inbox and not self.waiters and not self.n_iterators:
            waiter.set_result(self.inbox.popleft())
            return waiter
        self.waiters.append(waiter)
        # Before the time begins: what is kept comes first.
        if self.inbox:
            _call_soon(self.serve)
        else:
            self.pop()
        if deadline is not None or cancellable is not None:
            try:
                number = self.carrier.start(
                    lambda outcome: self.expire(waiter, outcome), self.carrier.bridge.wait,
                    -1 if deadline is None else deadline, cancellable=cancellable)
            except BaseException:
                # It is a number that C has no room for, or the client is gone: nobody gets this waiter.
                self.forsake(waiter)
                raise
            waiter.add_done_callback(lambda _: self.carrier.bridge.cancel(number))
        return waiter

    def forsake(self, waiter):
        try:
            self.waiters.remove(waiter)
        except ValueError:
            return
        # What waits in the library keeps the client.
        if not self.waiters and self.popping is not None:
            self.popping = None
            self.carrier.bridge.cancel(self.pop_number)

    def expire(self, waiter, outcome):
        """The time is over, or it was cancelled."""
        self.serve()
        if not waiter.done():
            self.forsake(waiter)
            waiter._finish(None, outcome if isinstance(outcome, Exception) else None, not _in_task())

    def give_back(self, message):
        """To its place among those that are not handed out."""
        serial = getattr(message, '_serial', -1)
        for index, other in enumerate(self.inbox):
            if getattr(other, '_serial', -1) > serial:
                self.inbox.insert(index, message)
                break
        else:
            self.inbox.append(message)
        if self.waiters:
            _call_soon(self.serve)

    def take_inbox(self):
        """For who pops them in the library: the last first."""
        self.carrier.bridge.bring_popped()
        while self.inbox:
            message = self.inbox.pop()
            yield message._to_boxed() if type(message) is Message else message

    async def iterate(self, deadline):
        inbox = self.inbox
        n_closed = self.n_closed
        self.n_iterators += 1
        try:
            while True:
                # Many for each time that the main loop comes round, unless others are to have their share.
                while inbox and self.n_iterators == 1 and not self.waiters:
                    yield inbox.popleft()
                    if self.n_closed != n_closed:
                        return
                try:
                    message = await self.wait(deadline)
                except TornadisException as exception:
                    if exception.code in (Tornadis.Error.USAGE, Tornadis.Error.CLOSED):
                        return
                    raise
                if message is None:
                    return
                yield message
                if self.n_closed != n_closed:
                    return
        finally:
            self.n_iterators -= 1
