# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Tornadis for Python has to hear of keys that change."""

from gi.repository import GLib

from ..overrides import override
from ._tornadis_carrier import get_carrier
from ._tornadis_values import Tornadis, _convert_errors, _OVERRIDES, _to_bytes

_convert_errors(Tornadis.Keyspace)


class Keyspace(Tornadis.Keyspace):
    """What becomes of keys: `Tornadis.Keyspace(client, 'session:*')` tells by its signals `changed` and `changed::expired`.

    A handler is given the keyspace, the key as `GLib.Bytes`, and the event as `str`. `pattern` is `str` or `bytes`. With
    `configure` the server's notifications are turned on. `async with keyspace:` starts and stops it.
    """

    __module__ = _OVERRIDES

    def __init__(self, client, pattern=None, *, event=None, db=-1, subkeys=False, configure=False, classes=None):
        glob = None if pattern is None else GLib.Bytes.new(_to_bytes(pattern))
        super().__init__(client=client, pattern=glob, event=event, db=db, subkeys=subkeys, configure=configure, classes=classes)

    def start(self, *, timeout=None, cancellable=None):
        """An awaitable of the keyspace, for when notifications are told.

        `timeout` and `cancellable` are as of `Client.call()`.
        """
        carrier = get_carrier(self.props.client)
        return carrier.start_future_within(timeout, cancellable, carrier.bridge.start_keyspace, self, result=self)

    async def __aenter__(self):
        return await self.start()

    async def __aexit__(self, *_):
        self.stop()

    def __repr__(self):
        pattern = self.props.pattern
        keys = 'all keys' if pattern is None else repr(pattern.get_data() or b'')[1:]
        return f'<Tornadis.Keyspace of {keys}, {"active" if self.props.active else "not started"}>'


Keyspace = override(Keyspace)
