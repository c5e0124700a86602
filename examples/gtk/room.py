# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page of channels.py with what all windows that show the server edit together: a room, and a queue of guests.

room.js is the same in JavaScript; room.ui is the page of both.
"""

import os
import time

from gi.repository import Adw, Gio, GObject, Gtk, Tornadis

MAX_GUESTS = 100
UI_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'room.ui')


class Room(Tornadis.Record):
    """Its properties are the fields of a hash."""

    __gtype_name__ = 'ChannelsRoom'

    topic = GObject.Property(type=str, default='')
    open = GObject.Property(type=bool, default=False)
    seats = GObject.Property(type=int, default=0, minimum=0, maximum=1000)


class Guest(Adw.ActionRow):
    """A line of the list, with a button that removes it."""

    def __init__(self, item, remove):
        super().__init__(use_markup=False, title_lines=1)
        button = Gtk.Button(icon_name='user-trash-symbolic', tooltip_text='Remove Guest', valign=Gtk.Align.CENTER,
                            css_classes=['flat'])
        button.connect('clicked', lambda _: remove(item.props.bytes))
        self.connect('notify::title', lambda *_: button.update_property([Gtk.AccessibleProperty.LABEL],
                                                                        [f'Remove {self.get_title()}']))
        self.add_suffix(button)
        # Empty while it is loading.
        item.bind_property('text', self, 'title', GObject.BindingFlags.SYNC_CREATE)


@Gtk.Template(filename=UI_FILE)
class RoomPage(Adw.Bin):
    """What cannot be done is told by the signal 'problem'."""

    __gtype_name__ = 'ChannelsRoomPage'
    __gsignals__ = {'problem': (GObject.SignalFlags.RUN_LAST, None, (str,))}

    guest_list = Gtk.Template.Child()
    guest_row = Gtk.Template.Child()
    off = Gtk.Template.Child()
    open_switch = Gtk.Template.Child()
    page = Gtk.Template.Child()
    seats_spin = Gtk.Template.Child()
    topic_row = Gtk.Template.Child()

    def __init__(self):
        super().__init__()
        self.room = None
        self.guests = None
        # Widgets and fields follow each other, in both directions.
        self.bindings = GObject.BindingGroup()
        for field, widget, name in (('topic', self.topic_row, 'text'), ('open', self.open_switch, 'active'),
                                    ('seats', self.seats_spin, 'value')):
            self.bindings.bind(field, widget, name, GObject.BindingFlags.BIDIRECTIONAL)
        actions = Gio.SimpleActionGroup()
        action = Gio.SimpleAction(name='add-guest')
        action.connect('activate', lambda *_: self.on_add_guest())
        actions.add_action(action)
        self.insert_action_group('room', actions)
        self.guest_row.connect('entry-activated', lambda _: self.on_add_guest())

    def follow(self, client):
        """Shows what the client's server has, and follows it from now on."""
        if self.room is None or self.room.props.client is not client:
            self.clear()
            room = self.room = Room(client, 'channels:room')
            room.connect('conflict', lambda _, name, value: self.emit('problem', f'Somebody else has changed the {name}'))
            room.connect('write-failed', lambda _, error: self.emit('problem', error.message))
            room.connect('notify::error', lambda room, _: self.update(room, room.get_error()))
            self.bindings.set_source(room)
            self.guests = Tornadis.SortedSetModel(client, 'channels:guests')
            # A list box has a row for each, looked at or not.
            self.guest_list.bind_model(Gtk.SliceListModel(model=self.guests, size=MAX_GUESTS),
                                       lambda item: Guest(item, self.remove_guest))
        if not self.room.props.live:
            self.start(self.load(self.room))

    def clear(self):
        self.bindings.set_source(None)
        self.guest_list.bind_model(None)
        self.room = self.guests = None
        self.page.set_sensitive(False)

    def start(self, coroutine):
        """Runs it beside all else; what fails is told."""
        def done(future):
            try:
                future.result()
            except Tornadis.TornadisException as exception:
                self.emit('problem', exception.message)

        Tornadis.spawn(coroutine).add_done_callback(done)

    async def load(self, room):
        try:
            await room.load()
        except Tornadis.ConnectionError:
            # It is loaded when the connection is there again.
            return
        except Tornadis.ReplyError:
            raise
        except Tornadis.ClientError as exception:
            self.update(room, exception)
        else:
            self.update(room, None)

    def update(self, room, error):
        """The room, or that the server does not tell of its changes: an old one, which it may become while it is shown, too."""
        if room is self.room:
            is_off = error is not None and error.matches(Tornadis.Error, Tornadis.Error.USAGE)
            self.off.set_visible(is_off)
            self.page.set_visible(not is_off)
            self.page.set_sensitive(room.props.loaded)

    def on_add_guest(self):
        name = self.guest_row.get_text().strip()
        if name:
            # The list is in the order of the scores, which are times.
            self.start(self.edit(self.guests.add(name, time.time())))
            self.guest_row.set_text('')

    def remove_guest(self, name):
        self.start(self.edit(self.guests.remove(name.get_data())))

    async def edit(self, editing):
        await editing
