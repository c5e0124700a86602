# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Tornadis for Python has for locks."""

from gi.repository import GLib

from ..overrides import override
from ._tornadis_carrier import get_carrier
from ._tornadis_loop import _in_task, _LentFuture
from ._tornadis_values import Tornadis, _convert_errors, _OVERRIDES

_convert_errors(Tornadis.Lock)


class Lock(Tornadis.Lock):
    """A lock that programs share, by a key on a server: `async with Tornadis.Lock(client, 'lock:stock'):`.

    It is held, and renewed by the main loop, until the end of the block, or until `release()`. The signal `lost` tells that it
    is not held any more before that; the end of the block raises ConnectionError then, unless that has raised something itself.
    """

    __module__ = _OVERRIDES

    def __init__(self, caller, name, *, expiry_msec=30000, fencing_key=None):
        super().__init__(caller=caller, name=name, expiry_msec=expiry_msec, fencing_key=fencing_key)

    def _acquire(self, timeout, cancellable, operation, result=None):
        carrier = get_carrier(self.props.caller)
        number = None

        def give_back(acquired):
            if acquired:
                carrier.start(lambda outcome: None, carrier.bridge.release_lock, self)

        def take(outcome):
            failed = isinstance(outcome, Exception)
            if not future.done():
                value = outcome if result is None else result
                future._finish(None if failed else value, outcome if failed else None, not _in_task())
            elif not failed:
                give_back(outcome)

        future = _LentFuture(lambda: carrier.cancel_number(number), give_back)
        number = carrier.start_within(timeout, take, getattr(carrier.bridge, operation), self, cancellable=cancellable)
        return future

    def acquire(self, *, timeout=None, cancellable=None):
        """Acquires the lock, and waits while another has it: an awaitable of the lock. Cancelling it is not to wait any more.

        `timeout` and `cancellable` are as of `Client.call()`.
        """
        return self._acquire(timeout, cancellable, 'acquire_lock', self)

    def try_acquire(self, *, timeout=None, cancellable=None):
        """Acquires the lock if it is free: an awaitable of whether it was."""
        return self._acquire(timeout, cancellable, 'try_acquire_lock')

    def release(self, *, timeout=None, cancellable=None):
        """Releases the lock; an awaitable of the lock, which raises ConnectionError when it was lost before."""
        carrier = get_carrier(self.props.caller)
        return carrier.start_future_within(timeout, cancellable, carrier.bridge.release_lock, self, result=self)

    async def __aenter__(self):
        return await self.acquire()

    async def __aexit__(self, kind, exception, traceback):
        try:
            await self.release()
        except GLib.Error:
            if exception is None:
                raise

    def __repr__(self):
        return f'<Tornadis.Lock {self.props.name}, {"held" if self.is_held() else "not held"}>'


Lock = override(Lock)
