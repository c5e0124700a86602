#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""slow-log in Python: import this module, and the name is known.

    import slow_log
    client.add_plugin_by_name('slow-log-python')

Run as a program it calls the server that its argument names, such as redis://localhost.
"""

import sys

import gi
gi.require_version('Tornadis', '1.0')
from gi.repository import GObject, Tornadis


class SlowLog(Tornadis.Plugin):
    """Prints which calls take longer than threshold-msec."""

    __gtype_name__ = 'SlowLogPythonPlugin'

    threshold_msec = GObject.Property(type=GObject.TYPE_UINT, default=100, blurb='How long a call may take without being logged')

    def __init__(self, **properties):
        super().__init__(**properties)
        self.n_pending = 0

    def do_call(self, call):
        self.n_pending += 1
        return False

    def do_call_done(self, call):
        self.n_pending -= 1
        elapsed = call.get_elapsed() / 1000
        if elapsed > self.threshold_msec:
            print(f'{call.get_name()} took {elapsed:.1f} ms, {self.n_pending} others are pending', file=sys.stderr)


Tornadis.Plugin.register('slow-log-python', SlowLog)


async def main(uri):
    client = Tornadis.Client.new_for_uri(uri)
    plugin = client.add_plugin_by_name('slow-log-python')
    plugin.props.threshold_msec = 20
    await client.call('PING')
    # Waits that long for an element of a list that nobody fills.
    await client.call('BLPOP', 'slow-log:nothing', 0.05)


if __name__ == '__main__':
    Tornadis.run(main(sys.argv[1] if len(sys.argv) > 1 else 'redis://localhost'))
