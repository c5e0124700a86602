# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Tornadis for Python has for live models: how they are created and edited. Else each is a Gio.ListModel."""

from gi.repository import GLib

from ..overrides import override
from ._tornadis_carrier import get_carrier
from ._tornadis_values import Tornadis, _convert_errors, _OVERRIDES, _to_bytes, _to_exception

for _kind in Tornadis.HashModel, Tornadis.KeyModel, Tornadis.ListModel, Tornadis.SetModel, Tornadis.SortedSetModel:
    _convert_errors(_kind)

_get_error = Tornadis.LiveModel.get_error


def _get_our_error(self):
    error = _get_error(self)
    return None if error is None else _to_exception(error)


Tornadis.LiveModel.get_error = _get_our_error


def _make_bytes(value):
    return GLib.Bytes.new(_to_bytes(value))


def _make_key(key):
    return {'key_bytes': _make_bytes(key)}


def _edit(model, timeout, cancellable, operation, *args):
    carrier = get_carrier(model.props.client)
    return carrier.start_future_within(timeout, cancellable, getattr(carrier.bridge, operation), model, *args)


class ListModel(Tornadis.ListModel):
    """A list on a server as a `Gio.ListModel`: `Tornadis.ListModel(client, 'log')`.

    Its items are of the class `Item`. An edit is shown at once, and taken back if it fails.
    """

    __module__ = _OVERRIDES

    def __init__(self, client, key):
        super().__init__(client=client, **_make_key(key))

    def append(self, value, *, timeout=None, cancellable=None):
        """Adds a row at the end; an awaitable of True.

        `timeout` and `cancellable` are as of `Client.call()`.
        """
        return _edit(self, timeout, cancellable, 'edit_list', 'insert', GLib.MAXUINT, _make_bytes(value))

    def insert(self, position, value, *, timeout=None, cancellable=None):
        """Adds a row in front of another; an awaitable of True. In the midst that has to be loaded."""
        return _edit(self, timeout, cancellable, 'edit_list', 'insert', position, _make_bytes(value))

    def replace(self, position, value, *, timeout=None, cancellable=None):
        """Gives a row that is loaded another value; an awaitable of True."""
        return _edit(self, timeout, cancellable, 'edit_list', 'replace', position, _make_bytes(value))

    def remove(self, position, *, timeout=None, cancellable=None):
        """Removes a row that is loaded; an awaitable of True."""
        return _edit(self, timeout, cancellable, 'edit_list', 'remove', position, None)


ListModel = override(ListModel)


class SortedSetModel(Tornadis.SortedSetModel):
    """A sorted set on a server as a `Gio.ListModel`: `Tornadis.SortedSetModel(client, 'best', descending=True)`.

    Its items are of the class `Item`, with a `score`. An edit is shown at once, and taken back if it fails.
    """

    __module__ = _OVERRIDES

    def __init__(self, client, key, *, descending=False):
        super().__init__(client=client, descending=descending, **_make_key(key))

    def add(self, member, score, *, timeout=None, cancellable=None):
        """Adds a member or gives it another score; an awaitable of True.

        `timeout` and `cancellable` are as of `Client.call()`.
        """
        return _edit(self, timeout, cancellable, 'edit_sorted_set', 'add', _make_bytes(member), score)

    def remove(self, member, *, timeout=None, cancellable=None):
        """Removes a member; an awaitable of True."""
        return _edit(self, timeout, cancellable, 'edit_sorted_set', 'remove', _make_bytes(member), 0)


SortedSetModel = override(SortedSetModel)


class HashModel(Tornadis.HashModel):
    """A hash on a server as a `Gio.ListModel`: `Tornadis.HashModel(client, 'settings')`.

    Its items are of the class `Item`, with a field and a value, in the order in which they have come.
    """

    __module__ = _OVERRIDES

    def __init__(self, client, key):
        super().__init__(client=client, **_make_key(key))

    def put(self, field, value, *, timeout=None, cancellable=None):
        """Gives a field a value; an awaitable of True.

        `timeout` and `cancellable` are as of `Client.call()`.
        """
        return _edit(self, timeout, cancellable, 'edit_table', 'put', _make_bytes(field), _make_bytes(value))

    def remove(self, field, *, timeout=None, cancellable=None):
        """Removes a field; an awaitable of True."""
        return _edit(self, timeout, cancellable, 'edit_table', 'remove', _make_bytes(field), None)


HashModel = override(HashModel)


class SetModel(Tornadis.SetModel):
    """A set on a server as a `Gio.ListModel`: `Tornadis.SetModel(client, 'tags')`.

    Its items are of the class `Item`, in the order in which they have come.
    """

    __module__ = _OVERRIDES

    def __init__(self, client, key):
        super().__init__(client=client, **_make_key(key))

    def add(self, member, *, timeout=None, cancellable=None):
        """Adds a member; an awaitable of True.

        `timeout` and `cancellable` are as of `Client.call()`.
        """
        return _edit(self, timeout, cancellable, 'edit_table', 'add', _make_bytes(member), None)

    def remove(self, member, *, timeout=None, cancellable=None):
        """Removes a member; an awaitable of True."""
        return _edit(self, timeout, cancellable, 'edit_table', 'remove', _make_bytes(member), None)


SetModel = override(SetModel)


class StreamModel(Tornadis.StreamModel):
    """The newest entries of a stream as a `Gio.ListModel`: `Tornadis.StreamModel(client, 'events', max_items=1000)`.

    Its items are of the class `Item`, with an `entry` each; the newest is the last.
    """

    __module__ = _OVERRIDES

    def __init__(self, client, key, *, max_items=10000):
        super().__init__(client=client, max_items=max_items, **_make_key(key))


StreamModel = override(StreamModel)


class KeyModel(Tornadis.KeyModel):
    """The keys that match a pattern as a `Gio.ListModel`: `Tornadis.KeyModel(client, 'job:*')`.

    Its items are of the class `Item`, in the order in which they have come.
    """

    __module__ = _OVERRIDES

    def __init__(self, client, pattern):
        super().__init__(client=client, **_make_key(pattern))

    def remove(self, key, *, timeout=None, cancellable=None):
        """Removes a key; an awaitable of True.

        `timeout` and `cancellable` are as of `Client.call()`.
        """
        return _edit(self, timeout, cancellable, 'edit_table', 'remove', _make_bytes(key), None)


KeyModel = override(KeyModel)
