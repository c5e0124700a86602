# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Tornadis for Python has for libraries of functions."""

from ..overrides import override
from ._tornadis_carrier import get_carrier
from ._tornadis_values import Tornadis, _convert_errors, _OVERRIDES, _to_command, _to_text

_convert_errors(Tornadis.FunctionLibrary)


class FunctionLibrary(Tornadis.FunctionLibrary):
    """A library of functions in Lua that the server keeps, in the version that the program has.

    Its code begins with the line `#!lua name=NAME`; the version is a number that is raised with each change of the code.
    """

    __module__ = _OVERRIDES

    def __init__(self, code, version=0):
        super().__init__(code=_to_text(code, 'a library'), version=version)

    def ensure(self, caller, *, timeout=None, cancellable=None):
        """Sees to it that the server of a client or a pool has the library in this version or a newer one.

        An awaitable of the library. `timeout` and `cancellable` are as of `Client.call()`.
        """
        carrier = get_carrier(caller)
        return carrier.start_future_within(timeout, cancellable, carrier.bridge.ensure_library, self, result=self)

    def _call(self, caller, words, keys, args, timeout, cancellable):
        if isinstance(keys, (str, bytes)):
            raise TypeError('the keys of a function are a list of them')
        keys = list(keys)
        carrier = get_carrier(caller)
        command = _to_command((*words, len(keys), *keys, *args))
        return carrier.start_future_within(timeout, cancellable, carrier.bridge.call_function, command, self)

    def call(self, caller, function, keys=(), *args, timeout=None, cancellable=None):
        """Calls a function of the library on a client or a pool, with its keys and other arguments: an awaitable of the reply.

        When the server does not have it the library is loaded, as by `ensure()`. `timeout` and `cancellable` are as of
        `Client.call()`.
        """
        return self._call(caller, ('FCALL', function), keys, args, timeout, cancellable)

    def call_read_only(self, caller, function, keys=(), *args, timeout=None, cancellable=None):
        """As `call()`, for a function that only reads, which may then run on a replica."""
        return self._call(caller, ('FCALL_RO', function), keys, args, timeout, cancellable)

    def __repr__(self):
        return f'<Tornadis.FunctionLibrary {self.props.name}, version {self.props.version}>'


FunctionLibrary = override(FunctionLibrary)
