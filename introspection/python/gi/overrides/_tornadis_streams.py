# SPDX-License-Identifier: LGPL-2.1-or-later
"""Streams of Tornadis for Python: their entries, which come many at a time, for those who wait for them."""

import collections
import itertools
import weakref

from gi.repository import GLib

from ..overrides import override
from ._tornadis_carrier import _check_timeout, get_carrier
from ._tornadis_loop import Future, _call_soon, _in_task, _LentFuture
from ._tornadis_values import (
    ConnectionError, Tornadis, TornadisException, _check_cancellable, _convert_errors, _OVERRIDES)

_convert_errors(Tornadis.StreamReader)


class Entry:
    """An entry as it comes in a batch, with the members of Tornadis.StreamEntry, whose instance it counts as."""

    __slots__ = ('stream', 'delivery_count', '_parts')

    def __init__(self, stream, parts, delivery_count):
        self.stream = stream
        self.delivery_count = delivery_count
        # The id and the list of names and values; perhaps more.
        self._parts = parts

    @property
    def id(self):
        id = self._parts[0]
        return id.decode() if type(id) is bytes else id

    @property
    def fields(self):
        parts = iter(self._parts[1])
        return dict(zip(parts, parts))

    @property
    def pairs(self):
        parts = iter(self._parts[1])
        return [*zip(parts, parts)]

    def get_stream(self):
        return self.stream

    def get_id(self):
        return self.id

    def get_delivery_count(self):
        return self.delivery_count

    def get_n_fields(self):
        return len(self._parts[1]) // 2

    def get_field_name(self, i):
        return self._get_part(2 * i)

    def get_field_value(self, i):
        return self._get_part(2 * i + 1)

    def _get_part(self, i):
        part = self._parts[1][i]
        return GLib.Bytes.new(part.encode() if type(part) is str else part)

    def lookup(self, name):
        name = name.encode()
        return next((self.get_field_value(i) for i in range(self.get_n_fields()) if self.get_field_name(i).get_data() == name),
                    None)

    def lookup_text(self, name):
        value = self.lookup(name)
        try:
            return None if value is None else (value.get_data() or b'').decode()
        except UnicodeDecodeError:
            return None

    def get_reply(self):
        fields = [GLib.Variant('ay', part.encode() if type(part) is str else part) for part in self._parts[1]]
        return Tornadis.Reply.new_from_variant(GLib.Variant('(sav)', (self.id, fields)))

    def copy(self):
        return self

    ref = copy

    def unref(self):
        pass

    def __repr__(self):
        return _show_entry(self)


def _show_entry(entry):
    n = entry.get_n_fields()
    return f'<Tornadis.StreamEntry {entry.id} of {entry.stream!r}, {n} field{"s" * (n != 1)}>'


class _StreamEntryMeta(type(Tornadis.StreamEntry)):
    def __instancecheck__(cls, instance):
        return type(instance) is Entry or super().__instancecheck__(instance)


class StreamEntry(Tornadis.StreamEntry, metaclass=_StreamEntryMeta):
    """An entry of a stream, from a `StreamReader` or a `StreamConsumer`."""

    __module__ = _OVERRIDES

    stream = property(lambda self: self.get_stream(), doc='The key of the stream.')
    id = property(lambda self: self.get_id(), doc='The id, such as `1526919030474-55`.')
    delivery_count = property(lambda self: self.get_delivery_count(),
                              doc='How often it was delivered to a consumer of its group, this time included.')

    @property
    def pairs(self):
        """The fields as a list of names and values, `bytes` or, with `decode` of the client or the pool, `str`.

        In a handler of the signal `entry` they are `bytes`.
        """
        parts = iter(self.get_reply().get_element(1).unpack())
        return [*zip(parts, parts)]

    @property
    def fields(self):
        """Likewise as a dict: of a name that is there twice the last value."""
        return dict(self.pairs)

    def __repr__(self):
        return _show_entry(self)


StreamEntry = override(StreamEntry)


class AckFuture(Future):
    """Of one acknowledgement. Cancelling it ends the waiting alone."""

    # No call of Python's for each.
    __init__ = object.__init__

    def _canceller(self):
        return True


class Entries:
    """Of a reader: what was taken from it and is not handed out, and those who wait."""

    def __init__(self, reader):
        # It has this, and all is freed without a garbage collection.
        self.get_reader = weakref.ref(reader)
        self.stream = reader.get_stream()
        self.carrier = get_carrier(reader.get_caller())
        self.inbox = collections.deque()
        self.waiters = collections.deque()
        # What the library was asked for entries with, until they come; its number.
        self.fetching = None
        self.number = -1
        self.closed = False
        self.last = None
        # Ids to be acknowledged at the end of the turn, and the futures of that.
        self.acks = []
        self.ack_futures = []

    def fetch(self):
        if self.fetching is None:
            fetching = self.fetching = object()
            self.number = self.carrier.start(
                lambda outcome: self.fetched(fetching, outcome), self.carrier.bridge.next_entries, self.get_reader())

    def fetched(self, fetching, outcome):
        current = self.fetching is fetching
        if current:
            self.fetching = None
        if not isinstance(outcome, Exception):
            # Also what nobody waits for any more: it was taken.
            counts, *entries = outcome
            self.inbox.extend(map(Entry, itertools.repeat(self.stream), entries, counts or itertools.repeat(1)))
            if self.closed:
                self.drop()
        elif current:
            waiters, self.waiters = self.waiters, collections.deque()
            for waiter in waiters:
                waiter._finish(None, outcome, not _in_task())
        self.serve()

    def serve(self):
        while self.waiters and self.inbox:
            waiter = self.waiters.popleft()
            waiter._finish(self.pop(), None, not _in_task())
        if self.waiters:
            self.fetch()

    def pop(self):
        entry = self.inbox.popleft()
        self.last = entry
        return entry

    def wait(self, timeout=None, cancellable=None):
        _check_cancellable(cancellable)
        if timeout is not None:
            timeout = _check_timeout(timeout)
        waiter = _LentFuture(lambda: self.forsake(waiter), self.give_back)
        if cancellable is not None:
            try:
                cancellable.set_error_if_cancelled()
            except GLib.Error as error:
                waiter.set_exception(error)
                return waiter
        if self.inbox and not self.waiters:
            waiter.set_result(self.pop())
            return waiter
        self.waiters.append(waiter)
        if self.inbox:
            _call_soon(self.serve)
        else:
            self.fetch()
        if timeout is not None or cancellable is not None:
            number = self.carrier.start(
                lambda outcome: self.expire(waiter, outcome, timeout), self.carrier.bridge.wait,
                -1 if timeout is None else timeout, cancellable=cancellable)
            waiter.add_done_callback(lambda _: self.carrier.bridge.cancel(number))
        return waiter

    def expire(self, waiter, outcome, timeout):
        if waiter.done():
            return
        self.forsake(waiter)
        if not isinstance(outcome, Exception):
            outcome = ConnectionError(f'No entry of the stream came within {timeout:g} s', code=Tornadis.Error.TIMEOUT)
        waiter._finish(None, outcome, not _in_task())

    def forsake(self, waiter):
        try:
            self.waiters.remove(waiter)
        except ValueError:
            return
        # What waits in the library keeps the reader.
        if not self.waiters and self.fetching is not None:
            self.fetching = None
            self.carrier.bridge.cancel(self.number)

    def give_back(self, entry):
        """One that was handed to who does not take it: behind it are those that came later."""
        self.inbox.appendleft(entry)
        if self.closed:
            self.drop()
        elif self.waiters:
            _call_soon(self.serve)

    def drop(self):
        """Nobody will have them."""
        ids = [entry.id for entry in self.inbox]
        self.inbox.clear()
        reader = self.get_reader()
        if ids and isinstance(reader, Tornadis.StreamConsumer):
            reader.release_ids(ids)

    async def iterate(self, batches=False):
        inbox = self.inbox
        while True:
            # Many for each time that the main loop comes round.
            while inbox and not batches and not self.waiters:
                yield self.pop()
            try:
                entry = await self.wait()
            except TornadisException as exception:
                if exception.code == Tornadis.Error.CLOSED and self.closed:
                    return
                raise
            yield [entry, *self.pop_all()] if batches else entry

    def pop_all(self):
        entries = [*self.inbox]
        self.inbox.clear()
        if entries:
            self.last = entries[-1]
        return entries

    def ack(self, entries):
        if not self.acks:
            _call_soon(self.flush_acks)
        for entry in entries:
            self.acks.append(entry.id)
        future = AckFuture()
        self.ack_futures.append(future)
        return future

    def flush_acks(self):
        ids, self.acks = self.acks, []
        futures, self.ack_futures = self.ack_futures, []
        reader = self.get_reader()
        if reader is None:
            return

        def settle(outcome):
            failed = isinstance(outcome, Exception)
            for future in futures:
                if failed or future._callback is not None:
                    future._settle(outcome if failed else None)
                else:
                    # What that does for one that nobody waits for.
                    future._done = True

        self.carrier.start(settle, self.carrier.bridge.ack_entries, ' '.join(ids), reader)


class StreamReader(Tornadis.StreamReader):
    """Reads a stream from an id on, and what is added to it as it comes: `async for entry in reader`.

    `start_id` is the id behind which it begins: `'0'` for all that there is, `'$'` for what is added from now on. At most so
    many entries as `max_pending` are read ahead in the library, and one batch of 256 more here.
    """

    __module__ = _OVERRIDES

    _entries = None

    def __init__(self, caller, stream, start_id='$', **properties):
        super().__init__(caller=caller, stream=stream, start_id=start_id, **properties)

    def _get_entries(self):
        if self._entries is None:
            self._entries = Entries(self)
        return self._entries

    def next(self, *, timeout=None, cancellable=None):
        """Waits for the next entry: an awaitable of it. `timeout` and `cancellable` are as of `Client.call()`."""
        return self._get_entries().wait(timeout, cancellable)

    def __aiter__(self):
        """Iterates over the entries, until the reader is closed."""
        return self._get_entries().iterate()

    def batches(self):
        """Iterates likewise over lists of as many entries as have come."""
        return self._get_entries().iterate(batches=True)

    @property
    def last_id(self):
        """The id of the last entry that was handed out; `None` before the first."""
        return self.get_last_id()

    def get_last_id(self):
        entries = self._entries
        if entries is None or entries.last is None:
            return super().get_last_id()
        return entries.last.id

    def close(self, *, timeout=None, cancellable=None):
        """Closes the reader: an awaitable that is done when nothing is under way any more. See `close_async()`.

        What was not handed out is dropped, and iterations end.
        """
        entries = self._get_entries()
        entries.closed = True
        entries.drop()
        carrier = entries.carrier
        return carrier.start_future_within(timeout, cancellable, carrier.bridge.close_reader, self)

    def __repr__(self):
        return f'<Tornadis.StreamReader of {self.props.stream!r}{", closed" * self.is_closed()}>'


StreamReader = override(StreamReader)

# Of a class whose base is that.
_convert_errors(Tornadis.StreamConsumer)


class StreamConsumer(Tornadis.StreamConsumer):
    """One of several consumers that share the entries of a stream: `async for entry in consumer`, and `consumer.ack(entry)`.

    A `group` that is not there is made at `start_id`. The `consumer_name` is its own, and the same after a restart.
    """

    __module__ = _OVERRIDES

    def __init__(self, caller, stream, group, consumer_name, start_id='0', **properties):
        super().__init__(caller, stream, start_id, group=group, consumer_name=consumer_name, **properties)

    def ack(self, *entries):
        """Acknowledges entries, those of one turn of the main loop together: an awaitable that is done when it is confirmed.

        It need not be awaited: it is sent, and again after a lost connection.
        """
        return self._get_entries().ack(entries)

    def release(self, *entries):
        """Gives entries up that could not be dealt with: they come again, to any consumer, after `claim_idle_msec`."""
        self.release_ids([entry.id for entry in entries])

    def __repr__(self):
        name = f'{self.props.consumer_name!r} of {self.props.group!r} of {self.props.stream!r}'
        return f'<Tornadis.StreamConsumer {name}{", closed" * self.is_closed()}>'


StreamConsumer = override(StreamConsumer)
