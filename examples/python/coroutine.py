# SPDX-License-Identifier: LGPL-2.1-or-later
"""Coroutines: `await` waits for a reply while the main loop runs.

coroutine.py [URI]
"""

import sys

import gi
gi.require_version('Tornadis', '1.0')
from gi.repository import GLib, Tornadis


async def register(client, name):
    """A call that needs the reply of the one before it."""
    number = await client.call('INCR', 'users')
    await client.call('HSET', f'user:{number}', 'name', name)
    return number


async def main(uri='redis://localhost'):
    # Nothing is connected yet: the first call does that, as does the first one after the connection was lost.
    client = Tornadis.Client.new_for_uri(uri)
    print('Ada is user', await register(client, 'Ada'))


# Tornadis.run() is for programs without a main loop of their own. An application that has one, as all GTK
# applications do, starts its coroutines with Tornadis.spawn().
try:
    Tornadis.run(main(*sys.argv[1:]))
except (GLib.Error, Tornadis.TornadisException) as error:
    sys.exit(f'coroutine: {error}')
