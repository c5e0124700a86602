# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages of Tornadis for Python, which come many at a time: for handlers and for those who wait for them."""

import collections
import itertools
import weakref

from gi.repository import GLib, GObject

from ._tornadis_loop import _call_soon, _in_task, _LentFuture, _report
from ._tornadis_values import Tornadis, TornadisBridge, TornadisException, _to_exception


class Route:
    """What messages of one channel, by one pattern, have in common."""

    __slots__ = ('channel', 'channel_bytes', 'pattern', 'pattern_bytes', 'handlers', 'version')

    def __init__(self, channel, channel_bytes, pattern, pattern_bytes):
        self.channel = channel
        self.channel_bytes = channel_bytes
        self.pattern = pattern
        self.pattern_bytes = pattern_bytes
        self.handlers = ()
        self.version = None


class Message:
    """A message as it comes in a batch, with the members of Tornadis.Message, whose instance it counts as."""

    __slots__ = ('text', '_route', '_payload', '_serial')

    channel = property(lambda self: self._route.channel)
    pattern = property(lambda self: self._route.pattern)

    @property
    def payload(self):
        """The bytes that were published; None in a message about keys."""
        if self.text is not None:
            return self.text.encode()
        return None if type(self._payload) is tuple else self._payload

    @property
    def keys(self):
        """The keys that have changed, in a message of ``__redis__:invalidate`` of the server's; None: any of them."""
        return self._payload[0] if self.text is None and type(self._payload) is tuple else None

    def get_channel(self):
        return self._route.channel

    def get_pattern(self):
        return self._route.pattern

    def get_text(self):
        return self.text

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
        return TornadisBridge.make_message(self.get_channel_bytes(), pattern, self.get_payload(), keys)

    def __repr__(self):
        return f'<Tornadis.Message {self.channel!r} {self.payload if self.text is None else self.text!r}>'


_new_message = Message.__new__


class Handler:
    """One of the signal ``message``, in Python. GObject has one in C of the same id in its place."""

    __slots__ = ('id', 'detail', 'after', 'function', 'call', 'connected', 'n_blocks')

    def __init__(self, detail, after, function, call):
        self.detail = detail
        self.after = after
        self.function = function
        self.call = call
        self.connected = True
        self.n_blocks = 0


class Messages:
    """Of a pub/sub client: its handlers, and what is there for those who wait for messages."""

    def __init__(self, client, carrier):
        # It has this, and is freed without a garbage collection.
        self.get_client = weakref.ref(client)
        self.carrier = carrier
        carrier.messages = self
        self.handlers = {}
        # Another object whenever handlers, or what they are to be called for, have changed.
        self.version = object()
        self.telling = 0
        self.stopped = False
        # Messages that were popped and are not handed out, and those who wait for one.
        self.inbox = collections.deque()
        self.waiters = collections.deque()
        self.serials = itertools.count()
        self.n_iterators = 0
        self.pop_number = None
        self.pop_cancelled = False

    def receive(self, brought):
        """A batch; returns how many messages are in it."""
        popped, routes, indices, payloads = brought
        routes = [Route(*route) for route in routes]
        items = zip(itertools.repeat(0) if indices is None else indices, payloads)
        if popped:
            self.keep(items, routes)
        else:
            self.check_handlers()
            self.carrier.parts.append((self.tell, (items, routes, [])))
        return len(payloads)

    # Handlers.

    def connect(self, detailed_signal, after, function, call):
        """The id of a new handler; None: it is one of another signal."""
        name, _, detail = detailed_signal.partition('::')
        if name != 'message':
            return None
        handler = Handler(detail or None, after, function, call)
        handler.id = self.carrier.bridge.listen(handler.detail, after)
        self.handlers[handler.id] = handler
        self.version = object()
        return handler.id

    def find(self, function):
        return [handler for handler in self.handlers.values() if handler.function == function]

    def forget(self, handler_id):
        handler = self.handlers.pop(handler_id, None)
        if handler is not None:
            handler.connected = False
            self.version = object()

    def block(self, handler_id, n):
        handler = self.handlers.get(handler_id)
        if handler is not None:
            handler.n_blocks += n
            self.version = object()

    def check_handlers(self):
        """Forgets those that were disconnected behind our back."""
        for handler_id in [*self.handlers]:
            if not GObject.signal_handler_is_connected(self.get_client(), handler_id):
                self.forget(handler_id)

    def match(self, route):
        """What to call for a message of the route: in the order in which it was connected, those after the others."""
        found = [handler for handler in self.handlers.values() if handler.detail in (None, route.channel)]
        route.version = self.version
        if not found:
            route.handlers = None
            return None
        route.handlers = [handler for handler in found if not handler.n_blocks]
        if any(handler.after for handler in found):
            route.handlers.sort(key=lambda handler: handler.after)
        return route.handlers

    def tell(self, part):
        items, routes, rest = part
        client = self.get_client()
        raised = None
        self.telling += 1
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
            for handler in handlers:
                if self.version is not version and not (handler.connected and not handler.n_blocks):
                    continue
                try:
                    handler.call(client, message)
                except Exception as error:
                    _report(error)
                except BaseException as error:
                    raised = error
                if self.stopped:
                    self.stopped = False
                    break
        self.telling -= 1
        # What no handler is connected for any more is kept, unless one in C has had it.
        while rest:
            self.carrier.bridge.restore(rest.pop(0)._to_boxed())
        if raised is not None:
            raise raised

    def drop(self):
        """Drops what a handler that closes the client would not have seen had it come one by one."""
        if not self.telling:
            return
        for tell, part in self.carrier.parts:
            if tell == self.tell:
                collections.deque(part[0], maxlen=0)
        self.carrier.bridge.drop_messages()

    # Those who wait.

    def keep(self, items, routes):
        for index, payload in items:
            message = _new_message(Message)
            message._route = routes[index]
            if type(payload) is str:
                message.text = payload
            else:
                message.text = None
                message._payload = payload
            message._serial = next(self.serials)
            self.inbox.append(message)
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
        if self.pop_number is None:
            self.pop_number = -1
            self.pop_number = self.carrier.start(self.popped, self.carrier.bridge.pop)

    def popped(self, outcome):
        cancelled, self.pop_cancelled, self.pop_number = self.pop_cancelled, False, None
        if isinstance(outcome, Exception) and not cancelled:
            waiters, self.waiters = self.waiters, collections.deque()
            for waiter in waiters:
                waiter._finish(None, outcome, not _in_task())
        elif self.waiters:
            self.serve()

    def wait(self, deadline=None):
        """A future of the next message, or of None after so many seconds."""
        waiter = _LentFuture(lambda: self.forsake(waiter), self.give_back)
        if self.inbox and not self.waiters and not self.n_iterators:
            waiter.set_result(self.inbox.popleft())
            return waiter
        self.waiters.append(waiter)
        if deadline is not None:
            number = self.carrier.start(lambda outcome: self.expire(waiter), self.carrier.bridge.wait, deadline)
            waiter.add_done_callback(lambda _: self.carrier.bridge.cancel(number))
        if self.inbox:
            _call_soon(self.serve)
        else:
            self.pop()
        return waiter

    def forsake(self, waiter):
        try:
            self.waiters.remove(waiter)
        except ValueError:
            return
        # What waits in the library keeps the client.
        if not self.waiters and self.pop_number is not None and not self.pop_cancelled:
            self.pop_cancelled = True
            self.carrier.bridge.cancel(self.pop_number)

    def expire(self, waiter):
        if not waiter.done():
            self.forsake(waiter)
            waiter._finish(None, None, not _in_task())

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

    def give_back_all(self):
        """To the library, for who pops them there."""
        while self.inbox:
            message = self.inbox.popleft()
            self.carrier.bridge.restore(message._to_boxed())

    async def iterate(self, deadline):
        inbox = self.inbox
        self.n_iterators += 1
        try:
            while True:
                # Many for each time that the main loop comes round, unless others are to have their share.
                while inbox and self.n_iterators == 1 and not self.waiters:
                    yield inbox.popleft()
                try:
                    message = await self.wait(deadline)
                except TornadisException as exception:
                    if exception.code in (Tornadis.Error.USAGE, Tornadis.Error.CLOSED):
                        return
                    raise
                if message is None:
                    return
                yield message
        finally:
            self.n_iterators -= 1
