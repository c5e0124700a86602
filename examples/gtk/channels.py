#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Channels: watches what is published on a Redis or Valkey server.

    channels.py [--subscribe=CHANNEL-OR-PATTERN]... [URI]

channels.js is the same in JavaScript; window.ui is the window of both. What windows edit together is in room.py.
"""

import collections
import os
import platform
import sys
import time

import gi
gi.require_version('Adw', '1')
gi.require_version('Gtk', '4.0')
gi.require_version('Tornadis', '1.0')
from gi.repository import Adw, Gdk, Gio, GLib, GObject, Graphene, Gtk, Tornadis

# Its class is one that window.ui has.
import room

APPLICATION_ID = 'org.example.Channels'
VERSION = f'{Tornadis.MAJOR_VERSION}.{Tornadis.MINOR_VERSION}.{Tornadis.MICRO_VERSION}'
MAX_ROWS = 5000
MAX_TEXT = 500
# Nobody reads faster. Of each change GTK updates two hundred rows, which takes as long as many frames.
UPDATE_USEC = 100_000
SECONDS = 60
DIRECTORY = os.path.dirname(os.path.abspath(__file__))
UI_FILE = os.path.join(DIRECTORY, 'window.ui')
# Where the icon is as long as it is not installed.
ICONS = os.path.join(DIRECTORY, '..', '..', 'data', 'icons')
ACCELERATORS = {
    'app.quit': '<Control>q',
    'win.add-subscription': '<Control>n',
    'win.filter': '<Control>f',
    'win.show-help-overlay': '<Control>question',
    'win.sidebar': 'F9',
    'window.close': '<Control>w',
}


def start(coroutine):
    """Runs a coroutine beside all else; an exception that it does not deal with is printed."""
    Tornadis.spawn(coroutine).add_done_callback(Tornadis.Future.result)


def add_action(action_map, name, function):
    action = Gio.SimpleAction(name=name)
    action.connect('activate', lambda *_: function())
    action_map.add_action(action)


class Row(GObject.Object):
    """A line of the list."""

    __gtype_name__ = 'ChannelsRow'

    def __init__(self, seconds, message):
        super().__init__()
        self.seconds = seconds
        self.message = message

    @GObject.Property(type=bool, default=False)
    def gap(self):
        return self.message is None

    @GObject.Property(type=str)
    def time(self):
        return time.strftime('%H:%M:%S', time.localtime(self.seconds))

    @GObject.Property(type=str)
    def channel(self):
        return self.message.channel if self.message else ''

    @GObject.Property(type=str)
    def text(self):
        if not self.message:
            return 'The connection was lost: messages may be missing'
        text = self.message.text
        return f'{len(self.message.payload)} bytes' if text is None else text[:MAX_TEXT]


class Messages(GObject.Object, Gio.ListModel):
    """The newest messages. A row is created when GTK asks for it, which it does for what is on the screen: of a flood most
    never are."""

    __gtype_name__ = 'ChannelsMessages'

    def __init__(self):
        super().__init__()
        self.entries = []

    def do_get_item_type(self):
        return Row.__gtype__

    def do_get_n_items(self):
        return len(self.entries)

    def do_get_item(self, position):
        return Row(*self.entries[position]) if position < len(self.entries) else None

    def add(self, entries):
        position = len(self.entries)
        self.entries.extend(entries)
        self.items_changed(position, 0, len(entries))

    def trim(self):
        too_many = len(self.entries) - MAX_ROWS
        if too_many > 0:
            del self.entries[:too_many]
            self.items_changed(0, too_many, 0)

    def clear(self):
        removed = len(self.entries)
        self.entries.clear()
        self.items_changed(0, removed, 0)


class OldBanner(Gtk.InfoBar):
    """What serves as Adw.Banner with libadwaita 1.2, which has none."""

    def __init__(self):
        super().__init__(message_type=Gtk.MessageType.WARNING, visible=False)
        self.label = Gtk.Label(wrap=True, xalign=0, hexpand=True)
        self.add_child(self.label)

    def set_title(self, title):
        self.label.set_text(title)

    def set_revealed(self, revealed):
        # What is only not revealed a screen reader would still find.
        self.set_visible(revealed)


def create_banner():
    return Adw.Banner(use_markup=False) if hasattr(Adw, 'Banner') else OldBanner()


class Graph(Gtk.Widget):
    """A bar for each of the last sixty seconds, the newest at the right."""

    __gtype_name__ = 'ChannelsGraph'

    def __init__(self, **properties):
        super().__init__(**properties)
        self.rates = collections.deque([0] * SECONDS, SECONDS)

    def add(self, rate):
        self.rates.append(rate)
        self.queue_draw()

    def do_snapshot(self, snapshot):
        width, height = self.get_width() / SECONDS, self.get_height()
        # GTK 4.10 has a method for that, and deprecates the other.
        color = self.get_color() if hasattr(self, 'get_color') else self.get_style_context().get_color()
        peak = max(self.rates)
        for second, rate in enumerate(self.rates):
            bar = max(1, height * rate / peak) if rate else 1
            snapshot.append_color(color, Graphene.Rect().init(second * width, height - bar, width - 2, bar))


class Subscription(Adw.ActionRow):
    """A line of the sidebar, with a button that removes it."""

    def __init__(self, name, remove):
        super().__init__(title=name, use_markup=False, title_lines=1)
        self.name = name
        self.is_pattern = any(character in name for character in '*?[')
        self.set_confirmed(False)
        button = Gtk.Button(icon_name='user-trash-symbolic', tooltip_text=f'Unsubscribe from {name}',
                            valign=Gtk.Align.CENTER, css_classes=['flat'])
        button.update_property([Gtk.AccessibleProperty.LABEL], [button.get_tooltip_text()])
        button.connect('clicked', lambda _: start(remove(self)))
        self.add_suffix(button)

    def set_confirmed(self, confirmed):
        self.confirmed = confirmed
        self.set_subtitle(('Pattern' if self.is_pattern else 'Channel') + ('' if confirmed else ', waiting'))


@Gtk.Template(filename=UI_FILE)
class Window(Adw.ApplicationWindow):
    __gtype_name__ = 'ChannelsWindow'

    banner_place = Gtk.Template.Child()
    clients_label = Gtk.Template.Child()
    commands_label = Gtk.Template.Child()
    count_label = Gtk.Template.Child()
    filter_entry = Gtk.Template.Child()
    filtered = Gtk.Template.Child()
    flap = Gtk.Template.Child()
    graph = Gtk.Template.Child()
    list = Gtk.Template.Child()
    memory_label = Gtk.Template.Child()
    messages = Gtk.Template.Child()
    name_row = Gtk.Template.Child()
    narrow_rows = Gtk.Template.Child()
    rate_label = Gtk.Template.Child()
    room = Gtk.Template.Child()
    rows = Gtk.Template.Child()
    scrolled = Gtk.Template.Child()
    server = Gtk.Template.Child()
    shortcuts = Gtk.Template.Child()
    stack = Gtk.Template.Child()
    subscriptions = Gtk.Template.Child()
    toasts = Gtk.Template.Child()
    uri_row = Gtk.Template.Child()
    version_label = Gtk.Template.Child()
    views = Gtk.Template.Child()
    wide_rows = Gtk.Template.Child()
    window_title = Gtk.Template.Child()

    def __init__(self, application):
        super().__init__(application=application)
        self.pubsub = None          # messages
        self.client = None          # INFO: a pub/sub client's connection is for nothing else
        self.reason = None          # why there is no connection
        self.subscription_rows = {}
        self.pending = collections.deque(maxlen=MAX_ROWS)
        self.tick = 0
        self.updated = 0            # when messages were added to the list
        self.follows = True
        self.settling = False
        self.received = 0
        self.received_before = 0
        self.second_began = time.monotonic()

        self.banner = create_banner()
        self.banner_place.set_child(self.banner)
        self.shortcuts.set_transient_for(self)
        add_action(self, 'about', self.on_about)
        add_action(self, 'add-subscription', self.on_add_subscription)
        add_action(self, 'clear', self.clear)
        add_action(self, 'filter', self.on_filter)
        # Not set_help_overlay(): with GTK 4.8, GJS complains of that in the end.
        add_action(self, 'show-help-overlay', self.shortcuts.present)
        add_action(self, 'subscribe', self.on_subscribe)
        self.add_action(Gio.PropertyAction.new('sidebar', self.flap, 'reveal-flap'))
        self.flap.connect('notify::folded', self.on_folded)
        self.views.connect('notify::visible-child-name', lambda *_: self.on_view())
        self.room.connect('problem', lambda _, text: self.say(text))
        self.filter_entry.connect('stop-search', lambda entry: entry.set_text(''))
        for model in (self.rows, self.filtered):
            model.connect('items-changed', lambda *_: self.update_page())
        for signal in ('apply', 'entry-activated'):
            self.uri_row.connect(signal, lambda row: self.open(row.get_text()))
        self.position = self.scrolled.get_vadjustment()
        self.position.connect('changed', self.follow)
        self.position.connect('value-changed', self.on_scrolled)
        self.name_row.connect('entry-activated', lambda _: self.on_subscribe())
        self.timer = GLib.timeout_add_seconds(1, self.on_second)
        self.connect('close-request', self.on_close_request)

    # The connections

    def open(self, uri):
        """Watches the server at uri from now on."""
        if self.uri_row.get_text() != uri:
            self.uri_row.set_text(uri)
        try:
            pubsub, client = Tornadis.PubSubClient.new_for_uri(uri), Tornadis.Client.new_for_uri(uri)
        except GLib.Error as error:
            self.uri_row.add_css_class('error')
            self.say(error.message)
            return
        self.uri_row.remove_css_class('error')
        self.close_clients()
        self.reason = None
        self.pubsub, self.client = pubsub, client
        client.props.call_timeout_msec = 5000
        for row in self.subscription_rows.values():
            row.set_confirmed(False)

        pubsub.connect('notify::state', self.on_state)
        pubsub.connect('disconnected', lambda _, error: self.set_reason(pubsub, error))
        pubsub.connect('reconnect-scheduled', lambda _, attempt, delay, error: self.set_reason(pubsub, error))
        pubsub.connect('message', lambda _, message: self.append(message))
        pubsub.connect('gap', lambda _: self.append(None))
        pubsub.connect('subscription-removed', self.on_subscription_removed)
        start(self.connect_pubsub(pubsub))
        start(self.refresh_info(client))

    def close_clients(self):
        self.room.clear()
        for client in (self.pubsub, self.client):
            if client:
                client.close()
        self.pubsub = self.client = None

    async def connect_pubsub(self, pubsub):
        try:
            await pubsub.connect_client()
        except Tornadis.TornadisException as exception:
            self.set_reason(pubsub, exception)

    def set_reason(self, pubsub, error):
        if pubsub is self.pubsub:
            self.reason = error and error.message
            self.on_state(pubsub)

    def on_state(self, pubsub, *_):
        if pubsub is not self.pubsub:
            return
        title, state = pubsub.props.title, pubsub.props.state
        if state == Tornadis.ClientState.CONNECTED:
            self.reason = None
            for row in list(self.subscription_rows.values()):
                if not row.confirmed:
                    start(self.subscribe(pubsub, row))
            self.show_room()
        else:
            title = ('Connecting to ' if state == Tornadis.ClientState.CONNECTING else 'Waiting for ') + title
        # A narrow window has that in place of the pages' names.
        self.window_title.set_subtitle(title)
        self.server.set_description(GLib.markup_escape_text(title))
        # The banner alone tells of the connection: a toast would be there for a while when that is lost again.
        if self.reason:
            self.banner.set_title(f'Trying to connect again. {self.reason}')
        self.banner.set_revealed(self.reason is not None)
        self.update_page()

    async def refresh_info(self, client):
        try:
            reply = await client.call('INFO')
        except Tornadis.TornadisException:
            reply = b''
        # A cluster has that of each of its nodes.
        info = {}
        for line in reply.decode(errors='replace').splitlines():
            name, _, value = line.partition(':')
            info.setdefault(name, []).append(value)

        def total(name, form=str):
            return form(sum(map(int, info[name]))) if name in info else '–'

        if client is self.client:
            self.memory_label.set_text(total('used_memory', GLib.format_size))
            self.version_label.set_text(', '.join(sorted(set(info.get('redis_version', ['–'])))))
            self.clients_label.set_text(total('connected_clients'))
            self.commands_label.set_text(total('instantaneous_ops_per_sec'))

    # The pages

    def on_view(self):
        is_messages = self.views.get_visible_child_name() == 'messages'
        self.lookup_action('clear').set_enabled(is_messages)
        # For screen readers, as in update_page().
        self.messages.set_visible(is_messages)
        self.room.get_child().set_visible(not is_messages)
        self.show_room()

    def show_room(self):
        # Nothing is read, and no connection made for it, before it is looked at.
        if self.views.get_visible_child_name() == 'room' and self.pubsub and self.pubsub.is_connected():
            self.room.follow(self.client)

    # Subscriptions

    def on_add_subscription(self):
        self.flap.props.reveal_flap = True
        self.name_row.grab_focus()

    def on_subscribe(self):
        self.add_subscription(self.name_row.get_text().strip())
        self.name_row.set_text('')

    def add_subscription(self, name):
        if not name or name in self.subscription_rows:
            return
        row = self.subscription_rows[name] = Subscription(name, self.remove_subscription)
        self.subscriptions.add(row)
        self.update_page()
        if self.pubsub and self.pubsub.is_connected():
            start(self.subscribe(self.pubsub, row))

    async def subscribe(self, pubsub, row):
        try:
            await (pubsub.psubscribe if row.is_pattern else pubsub.subscribe)(row.name)
        except Tornadis.ConnectionError:
            # It is tried again when the connection is there.
            return
        except Tornadis.TornadisException as exception:
            self.say(f'{row.name}: {exception}')
            self.drop_subscription(row.name)
            return
        if pubsub is self.pubsub:
            row.set_confirmed(True)

    async def remove_subscription(self, row):
        self.drop_subscription(row.name)
        if self.pubsub:
            try:
                await (self.pubsub.punsubscribe if row.is_pattern else self.pubsub.unsubscribe)(row.name)
            except Tornadis.ConnectionError:
                # There is nothing to unsubscribe from any more, and the banner says why.
                return
            except Tornadis.TornadisException as exception:
                self.say(f'{row.name}: {exception}')

    def drop_subscription(self, name):
        row = self.subscription_rows.pop(name, None)
        if row:
            self.subscriptions.remove(row)
            self.update_page()

    def on_subscription_removed(self, _, name, count):
        # By the server: what the user has removed is not in the sidebar, or there anew.
        row = self.subscription_rows.get(name)
        if row and row.confirmed:
            self.drop_subscription(name)

    # Messages

    def append(self, message):
        # As little as can be, for there may be a hundred thousand in a second. All that came since the last update
        # is added to the list at once; of more than it holds, only the newest.
        self.pending.append((time.time(), message))
        if message:
            self.received += 1
        if not self.tick:
            self.tick = self.add_tick_callback(self.on_frame)

    def on_frame(self, _, clock):
        if clock.get_frame_time() - self.updated < UPDATE_USEC:
            return GLib.SOURCE_CONTINUE
        self.updated = clock.get_frame_time()
        self.tick = 0
        self.rows.add(self.pending)
        self.pending.clear()
        if not self.follows:
            self.rows.trim()
        self.follow()
        self.update_count()
        return GLib.SOURCE_REMOVE

    def follow(self, *_):
        # New rows are allocated, and the end moves, only later in this frame.
        if self.follows and not self.settling:
            self.settling = True
            GLib.idle_add(self.scroll_to_end, priority=GLib.PRIORITY_HIGH)

    def scroll_to_end(self):
        self.position.set_value(self.position.get_upper())
        # Not before: rows that are removed while they are in sight take their widgets with them.
        self.rows.trim()
        self.settling = False
        return GLib.SOURCE_REMOVE

    def on_scrolled(self, position):
        # When the user has scrolled up the list stays there, until they reach the end again.
        if not self.settling:
            self.follows = position.get_value() >= position.get_upper() - position.get_page_size() - 1

    def on_folded(self, flap, _):
        self.list.set_factory(self.narrow_rows if flap.props.folded else self.wide_rows)

    def on_filter(self):
        # Of a narrow window, the sidebar is above it.
        if self.flap.props.folded:
            self.flap.props.reveal_flap = False
        self.views.set_visible_child_name('messages')
        self.filter_entry.grab_focus()

    def update_page(self):
        """The messages, or why there are none."""
        if len(self.filtered):
            name = 'messages'
        elif len(self.rows):
            name = 'no-results'
        elif not self.subscription_rows:
            name = 'unsubscribed'
        elif self.pubsub and self.pubsub.is_connected():
            name = 'waiting'
        else:
            name = 'disconnected'
        # With GTK 4.8 a screen reader would find all that are visible, in sight or not.
        for page in self.stack:
            page.set_visible(self.stack.get_page(page).get_name() == name)

    def update_count(self):
        kept = f', the last {MAX_ROWS:,} kept' if len(self.rows) >= MAX_ROWS else ''
        self.count_label.set_text(f'{self.received:,} received{kept}')

    def clear(self):
        self.pending.clear()
        self.rows.clear()
        self.received = self.received_before = 0
        self.update_count()

    def on_second(self):
        now = time.monotonic()
        rate = round((self.received - self.received_before) / (now - self.second_began))
        self.received_before, self.second_began = self.received, now
        self.graph.add(rate)
        self.rate_label.set_text(f'Messages per second: {rate:,} now, {max(self.graph.rates):,} at most')
        if self.client:
            start(self.refresh_info(self.client))
        # With a subscription the client does this by itself.
        if self.pubsub and self.pubsub.props.state == Tornadis.ClientState.DISCONNECTED:
            start(self.connect_pubsub(self.pubsub))
        return GLib.SOURCE_CONTINUE

    def say(self, text):
        self.toasts.add_toast(Adw.Toast(title=GLib.markup_escape_text(text)))

    def on_about(self):
        about = {
            'application_icon': APPLICATION_ID,
            'application_name': 'Channels',
            'comments': 'Watches what is published on a Redis or Valkey server. An example for tornadis-glib.',
            'debug_info': f'Python {platform.python_version()}, PyGObject {gi.__version__}, '
                          f'GTK {Gtk.get_major_version()}.{Gtk.get_minor_version()}, '
                          f'libadwaita {Adw.get_major_version()}.{Adw.get_minor_version()}',
            'developer_name': 'tornadis-glib',
            'license_type': Gtk.License.LGPL_2_1,
            'version': VERSION,
        }
        if hasattr(Adw, 'AboutDialog'):
            Adw.AboutDialog(**about).present(self)
        else:
            Adw.AboutWindow(**about, destroy_with_parent=True, modal=True, transient_for=self).present()

    def on_close_request(self, _):
        self.shortcuts.destroy()
        GLib.source_remove(self.timer)
        self.close_clients()
        return False


class Application(Adw.Application):
    def __init__(self):
        super().__init__(application_id=APPLICATION_ID,
                         flags=Gio.ApplicationFlags.HANDLES_COMMAND_LINE | Gio.ApplicationFlags.CAN_OVERRIDE_APP_ID)
        GLib.set_application_name('Channels')
        self.set_option_context_parameter_string('[URI]')
        self.add_main_option('uri', ord('u'), GLib.OptionFlags.NONE, GLib.OptionArg.STRING,
                             'The server, such as redis://localhost:6379', 'URI')
        self.add_main_option('subscribe', ord('s'), GLib.OptionFlags.NONE, GLib.OptionArg.STRING_ARRAY,
                             'A channel or a pattern, as often as needed', 'NAME')

    def do_startup(self):
        Adw.Application.do_startup(self)
        Gtk.IconTheme.get_for_display(Gdk.Display.get_default()).add_search_path(ICONS)
        Gtk.Window.set_default_icon_name(APPLICATION_ID)
        add_action(self, 'quit', self.on_quit)
        for action, accelerator in ACCELERATORS.items():
            self.set_accels_for_action(action, [accelerator])

    def do_command_line(self, command_line):
        options = command_line.get_options_dict().end().unpack()
        arguments = command_line.get_arguments()[1:]
        window = Window(self)
        for name in options.get('subscribe', []):
            window.add_subscription(name)
        window.open(options.get('uri', arguments[0] if arguments else 'redis://localhost'))
        window.present()
        return 0

    def on_quit(self):
        # Not quit(): windows have something to do when they are closed.
        for window in self.get_windows():
            window.close()


if __name__ == '__main__':
    sys.exit(Application().run(sys.argv))
