# SPDX-License-Identifier: LGPL-2.1-or-later
"""A window from a .ui description, whose switch and entry are bound to a record of the socket that is the first argument.

Prints what the widgets show, whenever that changes; a line `switch` or `text WORD` of the standard input is what a user does."""

import sys

import gi
gi.require_version('Gtk', '4.0')
gi.require_version('Tornadis', '1.0')
from gi.repository import GLib, GObject, Gtk, Tornadis

UI = """
<interface>
  <object class="Lamp" id="lamp">
    <property name="key">lamp</property>
  </object>
  <object class="GtkWindow" id="window">
    <child>
      <object class="GtkBox">
        <child>
          <object class="GtkSwitch" id="switch">
            <property name="active" bind-source="lamp" bind-property="on" bind-flags="sync-create|bidirectional"/>
          </object>
        </child>
        <child>
          <object class="GtkEntry" id="entry">
            <property name="text" bind-source="lamp" bind-property="label" bind-flags="sync-create|bidirectional"/>
          </object>
        </child>
      </object>
    </child>
  </object>
</interface>
"""


class Lamp(Tornadis.Record):
    __gtype_name__ = 'Lamp'

    on = GObject.Property(type=bool, default=False)
    label = GObject.Property(type=str, default='')


def tell(*_):
    print('on' if switch.get_active() else 'off', entry.get_text(), flush=True)


def told(channel, condition):
    words = sys.stdin.readline().split()
    if not words:
        loop.quit()
        return GLib.SOURCE_REMOVE
    if words[0] == 'switch':
        switch.activate()
    else:
        entry.set_text(words[1])
    return GLib.SOURCE_CONTINUE


def loaded(lamp, result):
    lamp.load_finish(result)
    tell()
    switch.connect('notify::active', tell)
    entry.connect('notify::text', tell)
    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, told)


Gtk.init()
loop = GLib.MainLoop()
builder = Gtk.Builder.new_from_string(UI, -1)
switch, entry, lamp = map(builder.get_object, ('switch', 'entry', 'lamp'))
builder.get_object('window').present()
client = Tornadis.Client(unix_domain_socket=sys.argv[1])
lamp.props.client = client
lamp.load_async(None, loaded)
loop.run()
