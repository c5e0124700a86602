# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Tornadis for Python has for data that programs keep on a server: scripts."""

from ..overrides import override
from ._tornadis_carrier import get_carrier
from ._tornadis_values import Tornadis, _convert_errors, _OVERRIDES, _to_command, _to_text

_convert_errors(Tornadis.Script)


class Script(Tornadis.Script):
    """A script in Lua that the server runs: sent by its digest, and with its source when the server does not have it.

    `take = Tornadis.Script("return redis.call('DECRBY', KEYS[1], ARGV[1])", 1)` has one key, the first of the arguments of
    `await take.call(client, 'stock', 2)`. With `read_only` it may run on a replica.
    """

    __module__ = _OVERRIDES

    def __init__(self, source, n_keys=0, *, read_only=False):
        super().__init__(source=_to_text(source, 'a script'), n_keys=n_keys, read_only=read_only)

    def _list(self, args):
        return ('EVAL_RO' if self.props.read_only else 'EVAL', self.props.source, self.props.n_keys, *args)

    def call(self, caller, *args, timeout=None, cancellable=None):
        """Calls the script on a client or a pool, with its keys and then other arguments: an awaitable of the native reply.

        `timeout` and `cancellable` are as of `Client.call()`.
        """
        carrier = get_carrier(caller)
        return carrier.start_future_within(timeout, cancellable, carrier.bridge.call_script, _to_command(self._list(args)), self)

    def stack(self, pipeline, *args):
        """Adds a call of the script to a pipeline, with the arguments of `call()`."""
        pipeline.stack_call(*self._list(args))

    def call_pipeline(self, caller, pipeline, *, timeout=None, cancellable=None):
        """Calls a pipeline with several calls of the script, whose source is then sent once: an awaitable of the replies.

        Sent by `Client.call()` each has the source.
        """
        carrier = get_carrier(caller)
        pipeline._hand_over()
        return carrier.start_future_within(timeout, cancellable, carrier.bridge.call_script_pipeline, pipeline, self)

    def __repr__(self):
        n = self.props.n_keys
        return f'<Tornadis.Script of {n} key{"s" * (n != 1)}, {self.props.digest or "not sent yet"}>'


Script = override(Script)
