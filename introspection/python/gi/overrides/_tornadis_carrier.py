# SPDX-License-Identifier: LGPL-2.1-or-later
"""Carries calls of Tornadis for Python to the library, those of one turn of the main loop together, and what comes back."""

import functools
import marshal
import math
from itertools import repeat

from gi.repository import GLib

from ._tornadis_loop import Future, _call_soon, _in_task, _report
from ._tornadis_values import (
    ConnectionError, Tornadis, TornadisBridge, _check_cancellable, _check_seconds, _describe_timeout, _encode, _is_large,
    _LARGE, _make_exception, _revive, _take_native, _to_bytes, _to_command, _to_exception)

# How many calls of one turn of the main loop wait for its end.
_MOST_CALLS = 256
_LAST_CALL = _MOST_CALLS - 1
# What the carrier counts to.
_MAX_NUMBER = 0x7fffffff


def _check_timeout(timeout):
    """The timeout as a float: what is too large for one is without an end."""
    _check_seconds('a timeout', timeout)
    if not timeout >= 0:
        raise ValueError(f'a timeout is a number of seconds from 0, not {timeout}')
    try:
        return float(timeout)
    except OverflowError:
        return math.inf


class CallFuture(Future):
    """The future of a call. Cancelling it cancels the call."""

    _carrier = None

    # No call of Python's for each: what is set is set by who makes it.
    __init__ = object.__init__

    def _canceller(self):
        return self._carrier is None or self._carrier.cancel(self)

    def __await__(self):
        if not self._done:
            self._asyncio_future_blocking = True
            yield self
        if self._done and self._exception is None:
            return self._result
        return self.result()

    __iter__ = __await__


class _Limited:
    """The target of a call with a timeout."""

    _limit = None
    _timeout = None
    # Of its command, in a list.
    _name = None

    def _describe(self):
        return _describe_timeout(self._timeout, 'submit_command', _to_command(self._name))

    def _end(self):
        limit, self._limit = self._limit, None
        if limit is not None:
            limit.end(self)


class LimitedFuture(_Limited, CallFuture):
    def __call__(self, outcome):
        self._end()
        self._settle(outcome)


class LimitedCallback(_Limited):
    def __init__(self, callback):
        self._callback = callback

    def __call__(self, outcome):
        self._end()
        if self._callback is not None:
            self._callback(outcome)


class Limit:
    """One time for the calls of a turn that have the same, from when they are submitted."""

    def __init__(self, carrier, timeout, numbers):
        self.carrier = carrier
        # Of those whose outcomes are not there, by their targets.
        self.numbers = numbers
        self.timer = None
        for target in numbers:
            target._limit = self
        self.timer = carrier.start(self.expire, carrier.bridge.wait, timeout)
        if not numbers:
            # A plugin has run a main loop meanwhile.
            carrier.bridge.cancel(self.timer)

    def end(self, target):
        del self.numbers[target]
        if not self.numbers and self.timer is not None:
            self.carrier.bridge.cancel(self.timer)

    def expire(self, outcome):
        # Another outcome is that nobody waits any more.
        if outcome is True:
            self.carrier.bridge.expire([*self.numbers.values()], [target._describe() for target in self.numbers])


def _take(owner, data, *_):
    """The function of every carrier; it holds no reference to a Python object."""
    owner._carrier.take(data)


class Carrier:
    """Of a client or a pool, which has it as ``_carrier``."""

    def __init__(self, owner, decode):
        self.bridge = TornadisBridge.Carrier.new_data(owner, _take)
        self.calls = []
        self.targets = []
        # The futures or functions of calls under way, by their numbers.
        self.pending = {}
        # The numbers of targets by their ids, when they were last asked for: no target is kept by it.
        self.numbers = {}
        self.number = 0
        # Whether some of those that are not submitted have a timeout.
        self.limited = False
        # What has come, with what deals with it; a callback may run a main loop before all of it is dealt with.
        self.parts = []
        # Set by who takes messages.
        self.get_messages = None
        self.bridge.set_decode(decode)

    def set_decode(self, decode):
        """Sets it for calls from now on, which is not those that wait to be submitted."""
        self.flush()
        self.bridge.set_decode(decode)

    def call(self, args):
        """Calls a command; returns its future."""
        # What _encode() does.
        encoded = []
        for arg in args:
            kind = type(arg)
            if kind is str:
                arg = arg.encode()
            elif kind is not bytes:
                arg = _to_bytes(arg)
            encoded.append(arg)
        future = CallFuture()
        future._carrier = self
        # What is looked at while it is waited for is found sooner in the object than in its class.
        future._done, future._plain, future._callback, future._exception = False, True, None, None
        calls = self.calls
        if calls and len(calls) < _LAST_CALL:
            # What add() does, of most calls.
            calls.append(encoded)
            self.targets.append(future)
        else:
            self.add(encoded, future)
        return future

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

    def call_within(self, timeout, args, target):
        """As add(), of arguments, for a call that has a time: this begins when it is submitted, with the others."""
        target._timeout = _check_timeout(timeout)
        encoded = _encode(args)
        target._name = encoded[:1]
        if target._timeout == 0:
            self.be_late(target, target._describe())
            return
        self.limited = True
        self.add(encoded, target)

    def be_late(self, target, message):
        """Has that time out which is not begun, since there is no time for it."""
        exception = ConnectionError(message, code=Tornadis.Error.TIMEOUT)
        _call_soon(lambda: self.settle_all([(target, None, exception)]))

    def limit(self, numbered):
        """Begins the times of those with a timeout that were submitted."""
        limits = {}
        for number, target in numbered:
            number &= _MAX_NUMBER
            # One that was refused, or is done already, is not there.
            if isinstance(target, _Limited) and self.pending.get(number) is target:
                limits.setdefault(target._timeout, {})[target] = number
        for timeout, numbers in limits.items():
            Limit(self, timeout, numbers)

    def submit(self, targets, submit, *args):
        """Stores the targets first: a plugin may make other calls before submit returns."""
        first = self.number
        n = len(targets)
        if first + n <= _MAX_NUMBER:
            self.number += n
            self.pending.update(zip(range(first, self.number), targets))
        else:
            for target in targets:
                self.pending[self.number] = target
                self.number = (self.number + 1) & _MAX_NUMBER
        try:
            submit(*args)
        except GLib.Error as error:
            self.take_back(first, targets)
            exception = _to_exception(error)
            _call_soon(lambda: self.settle_all([(target, None, exception) for target in targets]))
        except (TypeError, ValueError, OverflowError):
            # Of PyGObject, which did not take an argument: the bridge has not counted it.
            self.take_back(first, targets)
            raise

    def take_back(self, first, targets):
        """None of the calls was submitted."""
        for i in range(len(targets)):
            del self.pending[(first + i) & _MAX_NUMBER]
        self.number = first

    def start(self, target, submit, *args, cancellable=None):
        """Begins anything that is no call of a list of arguments; returns its number."""
        _check_cancellable(cancellable)
        self.flush()
        number = self.number
        self.submit([target], submit, *args, cancellable)
        return number

    def start_within(self, timeout, target, submit, *args, cancellable=None):
        """Begins what ends after so many seconds, for plugins too; returns its number, or None when that is none.

        The target is told when that has come to its end: only then is nobody waiting any more, in the server either, and
        what has come none the less is not lost.
        """
        if timeout is None:
            return self.start(target, submit, *args, cancellable=cancellable)
        timeout = _check_timeout(timeout)
        _check_cancellable(cancellable)
        describe = functools.partial(_describe_timeout, timeout, submit.__name__, args[0] if args else None)
        if timeout == 0 and not (cancellable is not None and cancellable.is_cancelled()):
            self.be_late(target, describe())
            return None
        ended = False
        timer = None

        def end(outcome):
            nonlocal ended
            ended = True
            if timer is not None:
                self.bridge.cancel(timer)
            if target is not None:
                target(outcome)

        def expire(outcome):
            # Another outcome is that nobody waits any more.
            if not ended and outcome is True:
                self.bridge.expire([number], [describe()])

        number = self.start(end, submit, *args, cancellable=cancellable)
        timer = self.start(expire, self.bridge.wait, timeout)
        if ended:
            # A plugin has run a main loop meanwhile.
            self.bridge.cancel(timer)
        return number

    def start_future(self, submit, *args):
        future = CallFuture()
        future._carrier = self
        self.start(future, submit, *args)
        return future

    def start_future_within(self, timeout, cancellable, submit, *args, result=None, convert=None):
        """Likewise; with a result that is not the outcome, where that only says that it was done, or is made of it."""
        number = None
        future = Future(lambda: self.cancel_number(number))

        def settle(outcome):
            if not isinstance(outcome, Exception):
                if result is not None:
                    outcome = result
                elif convert is not None:
                    outcome = convert(outcome)
            future._settle(outcome)

        number = self.start_within(timeout, settle, submit, *args, cancellable=cancellable)
        return future

    def cancel(self, target):
        """Cancels a call; one that was not submitted yet is taken back. False: its outcome is there or on its way."""
        try:
            index = self.targets.index(target)
        except ValueError:
            number = self.numbers.get(id(target))
            if number is None or self.pending.get(number) is not target:
                self.numbers = {id(target): number for number, target in self.pending.items()}
                number = self.numbers.get(id(target))
            return number is not None and self.bridge.cancel(number)
        else:
            del self.targets[index], self.calls[index]
            return True

    def cancel_number(self, number):
        """Likewise, of what was begun with start_within()."""
        return number is not None and self.bridge.cancel(number)

    def flush(self):
        calls, targets = self.calls, self.targets
        if not calls:
            return
        self.calls, self.targets = [], []
        limited, self.limited = self.limited, False
        data = marshal.dumps(calls, 2)
        if len(data) < _LARGE or not any(map(_is_large, calls)):
            first = self.number
            self.submit(targets, self.bridge.submit_data, data)
            if limited:
                self.limit(enumerate(targets, first))
            return
        del data
        numbered = []
        for call, target in zip(calls, targets):
            numbered.append((self.number, target))
            if _is_large(call):
                self.submit([target], self.bridge.submit_command, _to_command(call), None)
            else:
                self.submit([target], self.bridge.submit_data, marshal.dumps([call], 2))
        if limited:
            self.limit(numbered)

    def take(self, data):
        if data:
            brought = marshal.loads(data)
            if type(brought) is dict:
                self.parts.append((self.settle_all, self.open_all(brought)))
                n = len(brought)
            else:
                n = self.get_messages().receive(brought)
                if n == 0:
                    self.flush()
                    return
            if n > 1:
                # A callback may run a main loop, which then asks for calls and so goes on with the rest.
                self.bridge.expect()
        self.deal()
        self.flush()

    def deal(self):
        """Deals with what has come, within a callback of it with the rest."""
        while self.parts:
            part = self.parts[0]
            try:
                part[0](part[1])
            finally:
                if self.parts and self.parts[0] is part:
                    del self.parts[0]

    def open_all(self, brought):
        """What open() says of each, when it is asked for."""
        if min(brought) >= 0:
            return zip(map(self.pending.pop, brought), brought.values(), repeat(None))
        return map(self.open, brought, brought.values())

    def open(self, number, value):
        """The target, the value and the exception of an outcome."""
        if number >= 0:
            return self.pending.pop(number), value, None
        target = self.pending.pop(~number)
        try:
            if type(value) is not tuple:
                return target, _revive(value), None
            if len(value) > 1:
                return target, None, _make_exception(*value)
            # What is to be asked for comes with whether it is decoded.
            return target, _take_native(self.bridge.take_reply(~number), *value), None
        except Exception as exception:
            return target, None, exception

    def settle_all(self, outcomes):
        at_once = not _in_task()
        raised = None
        for target, value, exception in outcomes:
            try:
                if type(target) is not CallFuture:
                    if target is not None:
                        target(value if exception is None else exception)
                elif target._done:
                    pass
                elif at_once and exception is None and target._plain:
                    # What _finish() does, of most calls.
                    target._done = True
                    target._result = value
                    callback = target._callback
                    if callback is not None:
                        target._callback = None
                        callback(target)
                else:
                    target._finish(value, exception, at_once)
            except Exception as error:
                # The others must be settled all the same.
                _report(error)
            except BaseException as error:
                raised = error
        if raised is not None:
            raise raised


def get_carrier(owner):
    """That of a client or a pool, whose class has None."""
    carrier = owner._carrier
    if carrier is None:
        carrier = owner._carrier = Carrier(owner, owner._decode)
    return carrier
