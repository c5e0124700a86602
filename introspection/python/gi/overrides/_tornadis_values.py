# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values of Tornadis for Python: arguments, replies and exceptions."""

import collections.abc
import functools
import marshal
import operator

import gi
from gi.repository import Gio, GLib

from ..module import get_introspection_module

gi.require_version('TornadisBridge', '1.0')
from gi.repository import TornadisBridge

Tornadis = get_introspection_module('Tornadis')

# The module of an override that stands in a file of its own: PyGObject finds the namespace by it.
_OVERRIDES = Tornadis.__name__.replace('.repository.', '.overrides.')

_DOMAIN = GLib.quark_to_string(Tornadis.error_quark())


class TornadisException(GLib.Error):
    """The base of all errors of this library, as in tornadis.

    It is a `GLib.Error`, with the `domain`, `code` (one of `Tornadis.Error`) and `message` of the library's error;
    `error.matches(Tornadis.Error, Tornadis.Error.LOST)` asks for one of them.
    """

    # The one that is not told, and so not shown.
    _usual_code = int(Tornadis.Error.USAGE)

    def __init__(self, message='', domain=_DOMAIN, code=None):
        super().__init__(message, domain, self._usual_code if code is None else code)

    def __str__(self):
        return self.message

    def __repr__(self):
        code = '' if self.code == self._usual_code else f', code={_get_code_name(self.code)}'
        return f'Tornadis.{type(self).__name__}({self.message!r}{code})'

    def matches(self, domain, code):
        """Whether it is the error with this code of a domain: `Tornadis.Error`, or the name or the quark of one."""
        if domain is Tornadis.Error:
            domain = _DOMAIN
        elif isinstance(domain, int) and not isinstance(domain, bool):
            domain = GLib.quark_to_string(domain)
        elif not isinstance(domain, str):
            # Of other classes nobody knows the domain.
            raise TypeError(f'a domain is Tornadis.Error, a name or a quark such as Gio.io_error_quark(), not {domain!r}')
        return (self.domain, self.code) == (domain, code)

    def copy(self):
        """Another error that says the same."""
        return _make_exception(self.domain, self.code, self.message)


def _get_code_name(code):
    try:
        return f'Tornadis.Error.{Tornadis.Error(code).value_nick.upper()}'
    except ValueError:
        return str(code)


class ConnectionError(TornadisException):
    """There is no connection, or it was lost, or it took too long.

    Its codes are `CONNECT`, `AUTHENTICATION`, `CLOSED`, `LOST`, `TIMEOUT` and `PROTOCOL`.
    """

    _usual_code = int(Tornadis.Error.CONNECT)


class ClientError(TornadisException):
    """The library was asked for what it does not do, or a bound is reached, or a plugin is at fault.

    Its codes are `USAGE`, `BUSY` and `PLUGIN`, and in `ReplyError` `REPLY`.
    """


class ReplyError(ClientError):
    """The server answered with an error, whose words are `message`."""

    _usual_code = int(Tornadis.Error.REPLY)

    @property
    def prefix(self):
        """The first word of the server's error, such as `'WRONGTYPE'`; `None` if that is not one in capitals."""
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
    """The error as one of our classes, if it is of our domain; it may be one already, or `None`."""
    if error is None or isinstance(error, TornadisException) or error.domain != _DOMAIN:
        return error
    return _make_exception(error.domain, error.code, error.message)


_OPERATIONS = {
    'acquire_lock': 'Acquiring the lock',
    'close_reader': 'Closing the reader',
    'connect': 'Connecting',
    'edit_list': 'The edit',
    'edit_sorted_set': 'The edit',
    'edit_table': 'The edit',
    'ensure_library': 'Loading the library',
    'flush_record': 'Writing the record',
    'get_client': 'Getting a client',
    'load_record': 'Loading the record',
    'preconnect': 'Connecting',
    'release_lock': 'Releasing the lock',
    'scan': 'A batch',
    'start_keyspace': 'Starting',
    'subscribe': 'Subscribing',
    'try_acquire_lock': 'Acquiring the lock',
    'unsubscribe': 'Unsubscribing',
}


def _describe_timeout(seconds, operation, what):
    """Of the operation of a carrier with that, a Command or a Pipeline for instance."""
    if isinstance(what, Tornadis.Command):
        words = what.get_name()
    else:
        words = _OPERATIONS.get(operation, 'The pipeline')
    return f'{words} took longer than {seconds:g} s'


def _convert(method):
    """A method of introspection's that raises our classes of errors, or the same if it raises none."""
    name = method.__name__

    def call(*args, **options):
        try:
            return method(*args, **options)
        except GLib.Error as error:
            raise _to_exception(error) from None

    def construct(cls, *args, **options):
        try:
            return method(cls, *args, **options)
        except GLib.Error as error:
            raise _to_exception(error) from None

    def call_async(*args, **options):
        return _convert_awaitable(method(*args, **options))

    def dup_error(self):
        return _to_exception(method(self))

    if method.can_throw_gerror():
        function = construct if method.is_constructor() else call
    elif name.endswith('_async') and _RETURNS_AWAITABLES:
        function = call_async
    elif name == 'dup_error':
        function = dup_error
    else:
        return method
    function.__name__, function.__qualname__, function.__doc__ = name, name, method.__doc__
    return classmethod(function) if function is construct else function


class _Converted:
    """An awaitable of PyGObject's, since 3.50, that raises our classes of errors."""

    def __init__(self, awaitable):
        self._awaitable = awaitable

    def __await__(self):
        return self._convert().__await__()

    async def _convert(self):
        try:
            return await self._awaitable
        except GLib.Error as error:
            raise _to_exception(error) from None

    def __getattr__(self, name):
        return getattr(self._awaitable, name)


# What an asynchronous function without a callback returns, there.
_RETURNS_AWAITABLES = hasattr(gi._gi, 'Async')


def _convert_awaitable(outcome):
    return None if outcome is None else _Converted(outcome)


def _convert_errors(kind):
    """Has all methods of a class that introspection has made raise our classes of errors."""
    for name, method in [*vars(kind).items()]:
        if type(method) is gi._gi.FunctionInfo:
            converted = _convert(method)
            if converted is not method:
                setattr(kind, name, converted)


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
    raise TypeError(f'{_describe(value)} can not be an argument of a command{_get_advice(value)}')


def _describe(value):
    name = type(value).__name__
    return 'None' if value is None else f'{"an" if name[0] in "aeioAEIO" else "a"} {name}'


def _to_text(value, what):
    """The value of a property of text, for which PyGObject takes str() of anything: of bytes that is their repr()."""
    if isinstance(value, (bytes, bytearray)):
        return value.decode()
    if value is not None and not isinstance(value, str):
        raise TypeError(f'{what} is a str, not {_describe(value)}')
    return value


def _check_cancellable(cancellable):
    if cancellable is not None and not isinstance(cancellable, Gio.Cancellable):
        raise TypeError(f'a cancellable is a Gio.Cancellable, not {_describe(cancellable)}')


def _check_seconds(noun, seconds):
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f'{noun} is a number of seconds, not {_describe(seconds)}')


def _check_decode(decode):
    """Of text, such as 'false', any is true."""
    if not isinstance(decode, bool):
        raise TypeError(f'decode is True or False, not {_describe(decode)}')
    return decode


def _get_advice(value):
    if isinstance(value, dict):
        return ': spread it, as in *(part for item in values.items() for part in item)'
    if isinstance(value, collections.abc.Iterable):
        return ': spread it, as in *values'
    return ': give str, bytes, int or float'


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
    """What is no text stays bytes, also with decode: a reply that is there is not lost."""
    data = reply.get_bytes().get_data() or b''
    if decode:
        try:
            return data.decode()
        except UnicodeDecodeError:
            pass
    return data


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

    A map that a dict would not keep whole is a list of pairs.
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
