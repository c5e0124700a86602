# SPDX-License-Identifier: LGPL-2.1-or-later
import sys

import gi
gi.require_version('Tornadis', '1.0')
from gi.repository import Tornadis


async def main():
    client = Tornadis.Client.new_for_uri(sys.argv[1] if len(sys.argv) > 1 else 'redis://localhost')
    await client.call('SET', 'greeting', b'hello')
    print((await client.call('GET', 'greeting')).decode())

Tornadis.run(main())
