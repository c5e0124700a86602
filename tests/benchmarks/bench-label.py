# SPDX-License-Identifier: LGPL-2.1-or-later

"""A window whose label shows the last message, and what frames it gets: bench-label.py SOCKET COUNT"""

import sys

import gi

gi.require_version('Gtk', '4.0')
gi.require_version('Tornadis', '1.0')
gi.require_version('TornadisBench', '0')
from gi.repository import GLib, Gtk, Tornadis, TornadisBench

PATH, COUNT = sys.argv[1], int(sys.argv[2])


class Window(Gtk.Window):
    def __init__(self):
        super().__init__(default_width=400, default_height=100)
        self.label = Gtk.Label()
        self.set_child(self.label)
        self.loop = GLib.MainLoop()
        self.n = 0
        self.n_wrong = 0
        self.client = Tornadis.PubSubClient(unix_domain_socket=PATH)
        self.client.connect('message::news', self.show_message)
        self.add_tick_callback(self.tick)

    def tick(self, widget, clock):
        interval, _ = clock.get_refresh_info(0)
        TornadisBench.add_frame(interval)
        return GLib.SOURCE_CONTINUE

    def show_message(self, client, message):
        text = message.text
        self.label.set_text(text)
        self.n_wrong += int(text) != self.n
        self.n += 1
        if self.n == COUNT:
            self.loop.quit()

    async def subscribe(self):
        await self.client.subscribe('news')
        # The first frames, which make the fonts and the style, are none of anybody's concern.
        await Tornadis.sleep(1)
        self.started = TornadisBench.start()
        print('ready', flush=True)


window = Window()
window.present()
task = Tornadis.spawn(window.subscribe())
window.loop.run()
figures = TornadisBench.stop()
if window.n_wrong or not window.started or window.label.get_text() != f'{COUNT - 1:032}':
    sys.exit('not the messages')
print(f'{{"messages": {window.n}, {figures}}}')
