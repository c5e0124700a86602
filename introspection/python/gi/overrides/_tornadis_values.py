# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values of Tornadis for Python: arguments, replies and exceptions."""

import functools
import marshal
import operator

import gi
from gi.repository import GLib

from ..module import get_introspection_module

gi.require_version('TornadisBridge', '1.0')
from gi.repository import TornadisBridge

Tornadis = get_introspection_module('Tornadis')

_DOMAIN = GLib.quark_to_string(Tornadis.error_quark())


class TornadisException(GLib.Error):
    """Base of all errors, as in tornadis; a GLib.Error, with its domain, code and message."""

    def __init__(self, message='', domain=_DOMAIN, code=int(Tornadis.Error.USAGE)):
        super().__init__(message, domain, code)

    def __str__(self):
        return self.message


class ConnectionError(TornadisException):
    """There is no connection, or it was lost, or it took too long."""

    def __init__(self, message='', domain=_DOMAIN, code=int(Tornadis.Error.CONNECT)):
        super().__init__(message, domain, code)


class ClientError(TornadisException):
    """The library was asked for what it does not do, or a bound is reached."""


class ReplyError(ClientError):
    """The server answered with an error; ``prefix`` is its first word."""

    def __init__(self, message='', domain=_DOMAIN, code=int(Tornadis.Error.REPLY)):
        super().__init__(message, domain, code)

    @property
    def prefix(self):
        return Tornadis.error_dup_prefix(self)


_EXCEPTIONS = dict.fromkeys(map(int, (
    Tornadis.Error.CONNECT, Tornadis.Error.AUTHENTICATION, Tornadis.Error.CLOSED, Tornadis.Error.LOST,
    Tornadis.Error.TIMEOUT, Tornadis.Error.PROTOCOL)), ConnectionError)
_EXCEPTIONS[int(Tornadis.Error.REPLY)] = ReplyError


def _make_exception(domain, code, message):
    if domain != _DOMAIN:
        return GLib.Error(message, domain, code)
    return _EXCEPTIONS.get(code, ClientError)(message, domain, code)


def _to_exception(error):
    return _make_exception(error.domain, error.code, error.message)


# Arguments of this many bytes are passed to the library without marshalling.
_LARGE = 16384

def _to_bytes(value):
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, bool):
        return b'1' if value else b'0'
    if isinstance(value, int):
        return b'%d' % value
    if isinstance(value, float):
        return float.__repr__(value).encode()
    if isinstance(value, GLib.Bytes):
        return value.get_data() or b''
    if hasattr(value, '__index__'):
        return b'%d' % operator.index(value)
    raise TypeError(f"don't know what to do with {type(value).__name__} as an argument")


def _encode(args):
    encoded = []
    for arg in args:
        kind = type(arg)
        if kind is str:
            arg = arg.encode()
        elif kind is not bytes:
            arg = _to_bytes(arg)
        encoded.append(arg)
    return encoded


def _to_command(args):
    if len(args) == 1 and isinstance(args[0], Tornadis.Command):
        return args[0]
    return Tornadis.Command.new_bytes([GLib.Bytes.new(arg) for arg in _encode(args)])


def _is_large(encoded):
    return any(len(arg) >= _LARGE for arg in encoded)


def _revive(value):
    """Turns the tuples in a value, which stand for errors, into exceptions."""
    if type(value) is tuple:
        return _make_exception(*value)
    if type(value) is list:
        return [_revive(item) for item in value]
    if type(value) is dict:
        return {key: _revive(item) for key, item in value.items()}
    return value


def _get_bytes(reply, decode):
    data = reply.get_bytes().get_data() or b''
    return data.decode() if decode else data


_AGGREGATES = (
    Tornadis.ReplyKind.ARRAY, Tornadis.ReplyKind.SET, Tornadis.ReplyKind.PUSH, Tornadis.ReplyKind.MAP)


def _build_key(reply, decode):
    """A key is hashable: a tuple for a list, and the text of an error."""
    kind = reply.get_kind()
    if kind == Tornadis.ReplyKind.ERROR:
        return _get_bytes(reply, decode)
    if kind in _AGGREGATES:
        return tuple(_build_key(reply.get_element(i), decode) for i in range(reply.get_n_elements()))
    return _to_native(reply, decode)


def _with_type(key):
    return tuple(map(_with_type, key)) if type(key) is tuple else (type(key), key)


def _are_merged(keys):
    """Whether a dict would take some that are of different types for one, as 1, 1.0 and True."""
    n_kept = len(set(keys))
    return n_kept < len(keys) and n_kept < len(set(map(_with_type, keys)))


def _build(reply, decode):
    """Converts what marshal is not given: nested too deep, with keys of several types, with bytes that are not text.

    A map that a dict would not keep whole is a list of pairs. Bytes that are no text raise.
    """
    built = []
    rest = [(reply, built.append)]
    while rest:
        reply, put = rest.pop()
        elements = [reply.get_element(i) for i in range(reply.get_n_elements())]
        if not elements:
            put(_to_native(reply, decode))
        elif reply.get_kind() == Tornadis.ReplyKind.MAP:
            keys = [_build_key(key, decode) for key in elements[::2]]
            if _are_merged(keys):
                pairs = []
                puts = [lambda value, pairs=pairs, key=key: pairs.append((key, value)) for key in keys]
            else:
                pairs = {}
                puts = [functools.partial(pairs.__setitem__, key) for key in keys]
            put(pairs)
            rest.extend(zip(elements[::-2], reversed(puts)))
        else:
            items = []
            put(items)
            rest.extend((element, items.append) for element in reversed(elements))
    return built[0]


def _to_native(reply, decode):
    if reply.get_kind() == Tornadis.ReplyKind.STRING:
        return _get_bytes(reply, decode)
    data = TornadisBridge.dup_data(reply, decode)
    if not data:
        return _build(reply, decode) if reply.get_n_elements() else _get_bytes(reply, decode)
    (number, value), = marshal.loads(data).items()
    return _revive(value) if number < 0 else value


def _take_native(reply, decode):
    """Converts a reply that nothing else refers to: what is long in parts, whose memory is given back one after the other."""
    taken = []
    while part := TornadisBridge.take_part(reply, decode):
        taken += marshal.loads(part)
    # Nothing, after all parts; or what is no text.
    rest = _to_native(reply, decode)
    if not taken:
        return rest
    taken += rest
    return taken
