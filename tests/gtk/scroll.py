# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scrolls through all rows of the window of examples/gtk/rows.py, whose path is the first argument, and prints what that took:
as JSON the texts that are shown at the end, the memory in KiB and the CPU of each frame in seconds."""

import json
import os
import sys
import time

N_FRAMES = 300

sys.path.insert(0, os.path.dirname(sys.argv[1]))
import rows as example

from gi.repository import GLib, Gtk, Tornadis


def get_memory():
    with open('/proc/self/status', encoding='ascii') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmRSS'))


def find_labels(widget):
    if isinstance(widget, Gtk.Label):
        yield widget
    child = widget.get_first_child()
    while child is not None:
        yield from find_labels(child)
        child = child.get_next_sibling()


class Scroll:
    def __init__(self, window):
        self.window = window
        self.adjustment = window.get_child().get_vadjustment()
        self.times, self.before, self.frame = [], None, 0
        clock = window.get_frame_clock()
        clock.connect('before-paint', self.begin)
        clock.connect('after-paint', self.end)
        window.add_tick_callback(lambda *_: GLib.SOURCE_CONTINUE)

    def begin(self, _):
        self.cpu = time.process_time()

    def end(self, _):
        spent = time.process_time() - self.cpu
        model = self.window.rows
        if not (model.props.ready and model.props.n_items):
            return
        if self.before is None:
            # Once the window has been drawn.
            self.before = get_memory()
        self.frame += 1
        self.times.append(spent)
        room = self.adjustment.props.upper - self.adjustment.props.page_size
        self.adjustment.props.value = room * min(1, self.frame / N_FRAMES)
        texts = [label.props.label for label in find_labels(self.window.view) if label.get_mapped()]
        if self.frame > N_FRAMES + 10 and texts and all(texts):
            items = [model[i].props.text for i in range(len(model) - 5, len(model))]
            print(json.dumps({'n': len(model), 'memory': get_memory() - self.before, 'times': self.times,
                              'texts': texts, 'last': items}), flush=True)
            self.window.get_application().quit()


def activate(application):
    client = Tornadis.Client.new_for_uri(sys.argv[2])
    window = example.Window(client, sys.argv[3], application=application)
    window.present()
    application.scroll = Scroll(window)


application = Gtk.Application()
application.connect('activate', activate)
sys.exit(application.run([]))
