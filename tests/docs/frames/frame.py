# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a Python block that is less than a program runs in. It goes on until as many lines are printed as are
expected, and a little longer, so that one too many is seen."""

import builtins
import os
import time

import gi
gi.require_version('Tornadis', '1.0')
from gi.repository import Gio, GLib, GObject, Tornadis

seen = 0


def print(*values, **options):
    global seen
    text = ' '.join(map(str, values)) + '\n'
    seen += text.count(os.environ['DOCS_MARK'])
    builtins.print(*values, flush=True, **options)


def show(number, value):
    print(f'@@{number}', repr(value))


class Label:
    def set_text(self, text):
        print(text)


def turn(seconds, enough=lambda: False):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not enough():
        GLib.MainContext.default().iteration(False)
        time.sleep(0.001)


server = {'unix_domain_socket': os.environ['DOCS_SOCKET']}
client = Tornadis.Client(**server)
other = Tornadis.Client(**server)
pubsub = Tornadis.PubSubClient(**server)
pool = Tornadis.ClientPool(max_size=4, **server)
label = Label()


async def block():
    # BLOCK
    turn(5, lambda: seen >= int(os.environ['DOCS_LINES']))


Tornadis.run(block())
turn(0.05)
# What the end of the interpreter makes of the objects is not part of the page.
os._exit(0)
