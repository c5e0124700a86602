# SPDX-License-Identifier: LGPL-2.1-or-later
"""How Tornadis for Python goes through keys and elements."""

from gi.repository import GLib

from ..overrides import override
from ._tornadis_carrier import get_carrier
from ._tornadis_values import ConnectionError, Tornadis, _convert_errors, _OVERRIDES, _to_bytes, _to_text

_convert_errors(Tornadis.Scanner)

_OF_PAIRS = Tornadis.ScannerKind.HASH, Tornadis.ScannerKind.SORTED_SET


def _pair(parts):
    """Of a flat list, and of the end nothing."""
    if parts is None:
        return None
    parts = iter(parts)
    return [*zip(parts, parts)]


class Scanner(Tornadis.Scanner):
    """Goes through the keys of a database, or the elements of a hash, a set or a sorted set, without holding up the server.

    `async for key in Tornadis.Scanner(client, pattern='user:*')` gives keys, with `kind` and `key` members, of a hash tuples of
    a field and a value, of a sorted set tuples of a member and a score. A loop that was left can be gone on with by another.
    """

    __module__ = _OVERRIDES

    _carrier = None
    # Of the last batch that a loop has asked for, an iterator of what it has not given yet.
    _elements = iter(())

    def __init__(self, caller, kind=Tornadis.ScannerKind.KEYS, key=None, *, pattern=None, key_type=None, count=0,
                 unique=False, max_unique_bytes=None):
        more = {} if max_unique_bytes is None else {'max_unique_bytes': max_unique_bytes}
        super().__init__(caller=caller, kind=kind, key=None if key is None else GLib.Bytes.new(_to_bytes(key)),
                         pattern=_to_text(pattern, 'a pattern'), key_type=_to_text(key_type, 'a type of keys'), count=count,
                         unique=unique, **more)

    def next(self, *, timeout=None, cancellable=None):
        """The next batch, an awaitable of a list of elements, or of `None` at the end.

        `timeout` and `cancellable` are as of `Client.call()`. After an error it can be asked for again.
        """
        carrier = self._carrier
        if carrier is None:
            caller = self.props.caller
            if caller is None:
                raise ConnectionError('the scanner is closed', code=Tornadis.Error.CLOSED)
            carrier = self._carrier = get_carrier(caller)
        return carrier.start_future_within(timeout, cancellable, carrier.bridge.scan, self,
                                           convert=_pair if self.props.kind in _OF_PAIRS else None)

    async def __aiter__(self):
        # Nothing is awaited for an element, of which there may be millions.
        while True:
            for element in self._elements:
                yield element
            batch = await self.next()
            if batch is None:
                return
            self._elements = iter(batch)

    def __repr__(self):
        kind = self.props.kind.value_nick
        return f'<Tornadis.Scanner of {"keys" if self.props.kind == Tornadis.ScannerKind.KEYS else f"a {kind}"}>'


Scanner = override(Scanner)
