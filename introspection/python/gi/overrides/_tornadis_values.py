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


def _freeze(value):
    """Makes a key hashable."""
    if type(value) is list:
        return tuple(map(_freeze, value))
    if type(value) is dict:
        return tuple(_freeze(item) for pair in value.items() for item in pair)
    return value


def _build(reply, decode):
    """Converts a reply that is nested too deep for marshal and for recursion; raises for bytes that are not text."""
    built = []
    rest = [(reply, built.append)]
    while rest:
        reply, put = rest.pop()
        elements = [reply.get_element(i) for i in range(reply.get_n_elements())]
        if not elements:
            put(_to_native(reply, decode))
        elif reply.get_kind() == Tornadis.ReplyKind.MAP:
            pairs = {}
            put(pairs)
            keys = [_freeze(_to_native(key, decode)) for key in elements[::2]]
            rest.extend((value, functools.partial(pairs.__setitem__, key))
                        for key, value in zip(reversed(keys), elements[::-2]))
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
