# SPDX-License-Identifier: LGPL-2.1-or-later
"""A pipeline: many commands in one write, and their replies in one list.

pipeline.py [URI]
"""

import sys

import gi
gi.require_version('Tornadis', '1.0')
from gi.repository import GLib, Tornadis


async def main(uri='redis://localhost'):
    client = Tornadis.Client.new_for_uri(uri)

    # With Pipeline(atomic=True) it is a transaction: nothing of anybody else's runs in between.
    pipeline = Tornadis.Pipeline()
    pipeline.stack_call('SET', 'foo', 'bar')
    pipeline.stack_call('GET', 'foo')
    pipeline.stack_call('LPUSH', 'foo', 'x')
    pipeline.stack_call('STRLEN', 'foo')

    # Nothing has been sent so far. An error of the server is one of the replies, it is not raised.
    for reply in await client.call(pipeline):
        if isinstance(reply, Tornadis.ReplyError):
            print('error:', reply)
        else:
            print(reply.decode() if isinstance(reply, bytes) else reply)


try:
    Tornadis.run(main(*sys.argv[1:]))
except (GLib.Error, Tornadis.TornadisException) as error:
    sys.exit(f'pipeline: {error}')
