# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Tornadis for Python has of a record: an object whose properties are the fields of a hash."""

from gi.repository import GLib

from ..overrides import override
from ._tornadis_carrier import get_carrier
from ._tornadis_values import Tornadis, _convert_errors, _OVERRIDES, _to_exception, _to_text

_convert_errors(Tornadis.Record)


class Record(Tornadis.Record):
    """A hash on a server as an object: `class Lamp(Tornadis.Record): on = GObject.Property(type=bool, default=False)`.

    `Lamp(client, 'lamp')` follows the hash once `await lamp.load()` is done: who sets `lamp.on` writes the field, and what
    others write sets it. Without a class of its own `fields` is a dictionary of names and defaults, each a `GLib.Variant`.
    """

    __module__ = _OVERRIDES

    def __init__(self, client=None, key=None, fields=None, **properties):
        if isinstance(fields, dict):
            fields = GLib.Variant('a{sv}', fields)
        super().__init__(client=client, key=_to_text(key, 'the key of a record'), fields=fields, **properties)

    def _start(self, timeout, cancellable, operation):
        if self.props.client is None:
            raise ValueError('the record has no client')
        carrier = get_carrier(self.props.client)
        return carrier.start_future_within(timeout, cancellable, getattr(carrier.bridge, operation), self, result=self)

    def load(self, *, timeout=None, cancellable=None):
        """Reads all fields and begins to follow them: an awaitable of the record.

        `timeout` and `cancellable` are as of `Client.call()`.
        """
        return self._start(timeout, cancellable, 'load_record')

    def flush(self, *, timeout=None, cancellable=None):
        """Waits until all that was set is on the server: an awaitable of the record.

        `timeout` and `cancellable` are as of `Client.call()`, and end the waiting alone.
        """
        return self._start(timeout, cancellable, 'flush_record')

    def get_error(self):
        """Why it could not be read the last time, or does not follow any more; or None."""
        error = super().get_error()
        return None if error is None else _to_exception(error)

    def __repr__(self):
        return f'<Tornadis.{type(self).__name__} {self.props.key!r}, {"loaded" if self.props.loaded else "not loaded"}>'


Record = override(Record)
