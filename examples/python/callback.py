# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callbacks: async_call() returns at once, and its callback gets the reply later, from the main loop.

callback.py [URI]
"""

import sys

import gi
gi.require_version('Tornadis', '1.0')
from gi.repository import GLib, Tornadis


def main(uri='redis://localhost'):
    client = Tornadis.Client.new_for_uri(uri)
    loop = GLib.MainLoop()
    failures = []

    def show(name, result):
        # A callback gets the exception instead of the reply: there is nobody to raise it to.
        if isinstance(result, Tornadis.TornadisException):
            failures.append(result)
        else:
            print(f'{name}:', result.decode())

    def got_ping(result):
        show('PING', result)

    def got_greeting(result):
        show('GET', result)
        # Replies come in the order of the calls, so this is the last one.
        loop.quit()

    client.async_call('PING', callback=got_ping)
    # Without a callback the reply is dropped, and so is an error.
    client.async_call('SET', 'greeting', 'hello')
    client.async_call('GET', 'greeting', callback=got_greeting)
    loop.run()

    if failures:
        sys.exit(f'callback: {failures[0]}')


try:
    main(*sys.argv[1:])
except GLib.Error as error:
    sys.exit(f'callback: {error}')
