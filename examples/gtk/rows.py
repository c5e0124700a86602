#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A list on a server in a window, of any length: rows.py redis://localhost log

It follows what others do.
"""

import sys

import gi
gi.require_version('Gtk', '4.0')
gi.require_version('Tornadis', '1.0')
from gi.repository import GObject, Gtk, Tornadis


def make_factory():
    def bind(_, row):
        # Empty while the item is loading, and another text when the row has another value.
        row.binding = row.get_item().bind_property('text', row.get_child(), 'label', GObject.BindingFlags.SYNC_CREATE)

    factory = Gtk.SignalListItemFactory()
    factory.connect('setup', lambda _, row: row.set_child(Gtk.Label(xalign=0, margin_start=12)))
    factory.connect('bind', bind)
    factory.connect('unbind', lambda _, row: row.binding.unbind())
    return factory


class Window(Gtk.ApplicationWindow):
    def __init__(self, client, key, **properties):
        super().__init__(title=key, default_width=400, default_height=600, **properties)
        self.set_titlebar(Gtk.HeaderBar())
        self.rows = Tornadis.ListModel(client, key)
        self.view = Gtk.ListView(model=Gtk.NoSelection(model=self.rows), factory=make_factory())
        self.set_child(Gtk.ScrolledWindow(child=self.view))


def main(uri, key):
    application = Gtk.Application(application_id='org.example.Rows')
    application.connect('activate', lambda _: Window(Tornadis.Client.new_for_uri(uri), key, application=application).present())
    return application.run([])


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
