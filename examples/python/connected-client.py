# SPDX-License-Identifier: LGPL-2.1-or-later
"""A context manager: a client out of a pool, which is released at the end of the block.

connected-client.py [URI]
"""

import sys

import gi
gi.require_version('Tornadis', '1.0')
from gi.repository import GLib, Tornadis


async def double_number(pool):
    """Doubles a number, even while others change it.

    WATCH is a matter of the connection it was sent on, so that nobody else may use that until EXEC.
    """
    async with pool.connected_client() as client:
        while True:
            await client.call('WATCH', 'number')
            number = 2 * int(await client.call('GET', 'number') or 21)
            transaction = Tornadis.Pipeline(atomic=True)
            transaction.stack_call('SET', 'number', number)
            # None: somebody changed it meanwhile, and nothing was done.
            if await client.call(transaction) is not None:
                return number


async def main(uri='redis://localhost'):
    pool = Tornadis.ClientPool(template=Tornadis.Client.new_for_uri(uri), max_size=4)
    print('number:', await double_number(pool))
    pool.destroy()


try:
    Tornadis.run(main(*sys.argv[1:]))
except (GLib.Error, Tornadis.TornadisException) as error:
    sys.exit(f'connected-client: {error}')
