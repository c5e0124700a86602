#!/usr/bin/env -S gjs -m
// SPDX-License-Identifier: LGPL-2.1-or-later
// Channels: watches what is published on a Redis or Valkey server.
//
//     channels.js [--subscribe=CHANNEL-OR-PATTERN]... [URI]
//
// channels.py is the same in Python; window.ui is the window of both. What windows edit together is in room.js.

import Adw from 'gi://Adw?version=1';
import Gdk from 'gi://Gdk?version=4.0';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Graphene from 'gi://Graphene';
import Gtk from 'gi://Gtk?version=4.0';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

// Its class is one that window.ui has.
import './room.js';

const APPLICATION_ID = 'org.example.Channels';
const VERSION = `${Tornadis.MAJOR_VERSION}.${Tornadis.MINOR_VERSION}.${Tornadis.MICRO_VERSION}`;
const MAX_ROWS = 5000;
const MAX_TEXT = 500;
// Nobody reads faster. Of each change GTK updates two hundred rows, which takes as long as many frames.
const UPDATE_USEC = 100_000;
const SECONDS = 60;
const UI_URI = GLib.uri_resolve_relative(import.meta.url, 'window.ui', GLib.UriFlags.NONE);
// Where the icon is as long as it is not installed.
const ICONS_URI = GLib.uri_resolve_relative(import.meta.url, '../../data/icons', GLib.UriFlags.NONE);
const ACCELERATORS = {
    'app.quit': '<Control>q',
    'win.add-subscription': '<Control>n',
    'win.filter': '<Control>f',
    'win.show-help-overlay': '<Control>question',
    'win.sidebar': 'F9',
    'window.close': '<Control>w',
};

function addAction(map, name, activate) {
    const action = new Gio.SimpleAction({name});
    action.connect('activate', activate);
    map.add_action(action);
}

// A line of the list.
const {READABLE} = GObject.ParamFlags;
const Row = GObject.registerClass({
    GTypeName: 'ChannelsRow',
    Properties: {
        gap: GObject.ParamSpec.boolean('gap', null, null, READABLE, false),
        time: GObject.ParamSpec.string('time', null, null, READABLE, null),
        channel: GObject.ParamSpec.string('channel', null, null, READABLE, null),
        text: GObject.ParamSpec.string('text', null, null, READABLE, null),
    },
}, class Row extends GObject.Object {
    constructor([seconds, message]) {
        super();
        this._seconds = seconds;
        this._message = message;
    }

    get gap() {
        return this._message === null;
    }

    get time() {
        return GLib.DateTime.new_from_unix_local(this._seconds).format('%H:%M:%S');
    }

    get channel() {
        return this._message?.channel ?? '';
    }

    get text() {
        if (this._message === null)
            return 'The connection was lost: messages may be missing';
        const text = this._message.text;
        return text !== null ? text.slice(0, MAX_TEXT) : `${this._message.payload.length} bytes`;
    }
});

// The newest messages. A row is created when GTK asks for it, which it does for what is on the screen: of a flood most
// never are.
const Messages = GObject.registerClass({
    GTypeName: 'ChannelsMessages',
    Implements: [Gio.ListModel],
}, class Messages extends GObject.Object {
    constructor(properties) {
        super(properties);
        this._entries = [];
    }

    vfunc_get_item_type() {
        return Row.$gtype;
    }

    vfunc_get_n_items() {
        return this._entries.length;
    }

    vfunc_get_item(position) {
        return position < this._entries.length ? new Row(this._entries[position]) : null;
    }

    add(entries) {
        const position = this._entries.length;
        this._entries.push(...entries);
        this.items_changed(position, 0, entries.length);
    }

    trim() {
        const tooMany = this._entries.length - MAX_ROWS;
        if (tooMany > 0) {
            this._entries.splice(0, tooMany);
            this.items_changed(0, tooMany, 0);
        }
    }

    clear() {
        const removed = this._entries.length;
        this._entries = [];
        this.items_changed(0, removed, 0);
    }
});

// What serves as Adw.Banner with libadwaita 1.2, which has none.
const OldBanner = GObject.registerClass(class OldBanner extends Gtk.InfoBar {
    constructor() {
        super({message_type: Gtk.MessageType.WARNING, visible: false});
        this._label = new Gtk.Label({wrap: true, xalign: 0, hexpand: true});
        this.add_child(this._label);
    }

    set title(title) {
        this._label.label = title;
    }

    // What is only not revealed a screen reader would still find.
    set revealed(revealed) {
        this.visible = revealed;
    }
});

function createBanner() {
    return Adw.Banner ? new Adw.Banner({use_markup: false}) : new OldBanner();
}

// A bar for each of the last sixty seconds, the newest at the right.
const Graph = GObject.registerClass({GTypeName: 'ChannelsGraph'}, class Graph extends Gtk.Widget {
    constructor(properties) {
        super(properties);
        this._rates = new Array(SECONDS).fill(0);
    }

    get peak() {
        return Math.max(...this._rates);
    }

    add(rate) {
        this._rates = [...this._rates.slice(1), rate];
        this.queue_draw();
    }

    vfunc_snapshot(snapshot) {
        const width = this.get_width() / SECONDS;
        const height = this.get_height();
        // GTK 4.10 has a method for that, and deprecates the other.
        const color = this.get_color?.() ?? this.get_style_context().get_color();
        const peak = this.peak;
        this._rates.forEach((rate, second) => {
            const bar = rate > 0 ? Math.max(1, height * rate / peak) : 1;
            snapshot.append_color(color, new Graphene.Rect().init(second * width, height - bar, width - 2, bar));
        });
    }
});

// A line of the sidebar, with a button that removes it.
const Subscription = GObject.registerClass(class Subscription extends Adw.ActionRow {
    constructor(name, remove) {
        super({title: name, use_markup: false, title_lines: 1});
        this.channel = name;
        this.isPattern = /[*?[]/.test(name);
        this.setConfirmed(false);
        const button = new Gtk.Button({
            icon_name: 'user-trash-symbolic', tooltip_text: `Unsubscribe from ${name}`,
            valign: Gtk.Align.CENTER, css_classes: ['flat'],
        });
        button.update_property([Gtk.AccessibleProperty.LABEL], [button.tooltip_text]);
        button.connect('clicked', () => remove(this));
        this.add_suffix(button);
    }

    setConfirmed(confirmed) {
        this.confirmed = confirmed;
        this.subtitle = (this.isPattern ? 'Pattern' : 'Channel') + (confirmed ? '' : ', waiting');
    }
});

const Window = GObject.registerClass({
    GTypeName: 'ChannelsWindow',
    Template: UI_URI,
    InternalChildren: [
        'banner_place', 'clients_label', 'commands_label', 'count_label', 'filter_entry', 'filtered', 'flap', 'graph',
        'list', 'memory_label', 'messages', 'name_row', 'narrow_rows', 'rate_label', 'room', 'rows', 'scrolled', 'server',
        'shortcuts', 'stack', 'subscriptions', 'toasts', 'uri_row', 'version_label', 'views', 'wide_rows', 'window_title',
    ],
}, class Window extends Adw.ApplicationWindow {
    constructor(application) {
        super({application});
        this._pubsub = null; // messages
        this._client = null; // INFO: a pub/sub client's connection is for nothing else
        this._reason = null; // why there is no connection
        this._subscriptionRows = new Map();
        this._pending = [];
        this._tick = 0;
        this._updated = 0; // when messages were added to the list
        this._follows = true;
        this._settling = false;
        this._received = 0;
        this._receivedBefore = 0;
        this._secondBegan = GLib.get_monotonic_time();

        this._banner = createBanner();
        this._banner_place.child = this._banner;
        this._shortcuts.transient_for = this;
        this._children = [this._shortcuts];
        addAction(this, 'about', () => this._onAbout());
        addAction(this, 'add-subscription', () => this._onAddSubscription());
        addAction(this, 'clear', () => this._clear());
        addAction(this, 'filter', () => this._onFilter());
        // Not set_help_overlay(): with GTK 4.8, GJS complains of that in the end.
        addAction(this, 'show-help-overlay', () => this._shortcuts.present());
        addAction(this, 'subscribe', () => this._onSubscribe());
        this.add_action(Gio.PropertyAction.new('sidebar', this._flap, 'reveal-flap'));
        this._flap.connect('notify::folded', () => this._onFolded());
        this._views.connect('notify::visible-child-name', () => this._onView());
        this._room.connect('problem', (_, text) => this._say(text));
        this._filter_entry.connect('stop-search', entry => (entry.text = ''));
        for (const model of [this._rows, this._filtered])
            model.connect('items-changed', () => this._updatePage());
        for (const signal of ['apply', 'entry-activated'])
            this._uri_row.connect(signal, row => this.open(row.text));
        this._name_row.connect('entry-activated', () => this._onSubscribe());
        this._position = this._scrolled.vadjustment;
        this._position.connect('changed', () => this._follow());
        this._position.connect('value-changed', () => this._onScrolled());
        this._timer = GLib.timeout_add_seconds(GLib.PRIORITY_DEFAULT, 1, () => this._onSecond());
        this.connect('close-request', () => this._onCloseRequest());
    }

    // The connections

    /** Watches the server at uri from now on. */
    open(uri) {
        let pubsub, client;
        if (this._uri_row.text !== uri)
            this._uri_row.text = uri;
        try {
            pubsub = Tornadis.PubSubClient.new_for_uri(uri);
            client = Tornadis.Client.new_for_uri(uri);
        } catch (error) {
            this._uri_row.add_css_class('error');
            this._say(error.message);
            return;
        }
        this._uri_row.remove_css_class('error');
        this._closeClients();
        this._reason = null;
        this._pubsub = pubsub;
        this._client = client;
        client.call_timeout_msec = 5000;
        for (const row of this._subscriptionRows.values())
            row.setConfirmed(false);

        pubsub.connect('notify::state', () => this._onState(pubsub));
        pubsub.connect('disconnected', (_, error) => this._setReason(pubsub, error));
        pubsub.connect('reconnect-scheduled', (_, attempt, delay, error) => this._setReason(pubsub, error));
        pubsub.connect('message', (_, message) => this._append(message));
        pubsub.connect('gap', () => this._append(null));
        pubsub.connect('subscription-removed', (_, name) => this._onSubscriptionRemoved(name));
        this._connectPubsub();
        this._refreshInfo(client).catch(logError);
    }

    _closeClients() {
        this._room.clear();
        this._pubsub?.close();
        this._client?.close();
        this._pubsub = this._client = null;
    }

    _connectPubsub() {
        const pubsub = this._pubsub;
        pubsub.connect_client().catch(error => this._setReason(pubsub, error));
    }

    _setReason(pubsub, error) {
        if (pubsub === this._pubsub) {
            this._reason = error?.message ?? null;
            this._onState(pubsub);
        }
    }

    _onState(pubsub) {
        if (pubsub !== this._pubsub)
            return;
        const {state} = pubsub;
        let {title} = pubsub;
        if (state === Tornadis.ClientState.CONNECTED) {
            this._reason = null;
            for (const row of this._subscriptionRows.values()) {
                if (!row.confirmed)
                    this._subscribe(pubsub, row).catch(logError);
            }
            this._showRoom();
        } else {
            title = `${state === Tornadis.ClientState.CONNECTING ? 'Connecting to' : 'Waiting for'} ${title}`;
        }
        // A narrow window has that in place of the pages' names.
        this._window_title.subtitle = title;
        this._server.description = GLib.markup_escape_text(title, -1);
        // The banner alone tells of the connection: a toast would be there for a while when that is lost again.
        if (this._reason !== null)
            this._banner.title = `Trying to connect again. ${this._reason}`;
        this._banner.revealed = this._reason !== null;
        this._updatePage();
    }

    async _refreshInfo(client) {
        const reply = await client.call('INFO').catch(() => '');
        // A cluster has that of each of its nodes.
        const info = {};
        for (const [name, value] of String(reply).split('\r\n').map(line => line.split(':')))
            (info[name] ??= []).push(value);
        const total = (name, form = String) =>
            info[name] ? form(info[name].reduce((sum, value) => sum + Number(value), 0)) : '–';

        if (client === this._client) {
            this._memory_label.label = total('used_memory', GLib.format_size);
            this._version_label.label = [...new Set(info.redis_version ?? ['–'])].sort().join(', ');
            this._clients_label.label = total('connected_clients');
            this._commands_label.label = total('instantaneous_ops_per_sec');
        }
    }

    // The pages

    _onView() {
        const isMessages = this._views.visible_child_name === 'messages';
        this.lookup_action('clear').enabled = isMessages;
        // For screen readers, as in _updatePage().
        this._messages.visible = isMessages;
        this._room.child.visible = !isMessages;
        this._showRoom();
    }

    _showRoom() {
        // Nothing is read, and no connection made for it, before it is looked at.
        if (this._views.visible_child_name === 'room' && this._pubsub?.is_connected())
            this._room.follow(this._client);
    }

    // Subscriptions

    _onAddSubscription() {
        this._flap.set_reveal_flap(true);
        this._name_row.grab_focus();
    }

    _onSubscribe() {
        this.addSubscription(this._name_row.text.trim());
        this._name_row.text = '';
    }

    addSubscription(name) {
        if (name === '' || this._subscriptionRows.has(name))
            return;
        const row = new Subscription(name, () => this._removeSubscription(row));
        this._subscriptionRows.set(name, row);
        this._subscriptions.add(row);
        this._updatePage();
        if (this._pubsub?.is_connected())
            this._subscribe(this._pubsub, row).catch(logError);
    }

    async _subscribe(pubsub, row) {
        try {
            await (row.isPattern ? pubsub.psubscribe(row.channel) : pubsub.subscribe(row.channel));
        } catch (error) {
            // Without a connection, it is tried again when that is there.
            if (!(error instanceof Tornadis.ConnectionError)) {
                this._say(`${row.channel}: ${error.message}`);
                this._dropSubscription(row.channel);
            }
            return;
        }
        if (pubsub === this._pubsub)
            row.setConfirmed(true);
    }

    async _removeSubscription(row) {
        this._dropSubscription(row.channel);
        try {
            await (row.isPattern ? this._pubsub?.punsubscribe(row.channel) : this._pubsub?.unsubscribe(row.channel));
        } catch (error) {
            // Without a connection there is nothing to unsubscribe from any more, and the banner says why.
            if (!(error instanceof Tornadis.ConnectionError))
                this._say(`${row.channel}: ${error.message}`);
        }
    }

    _dropSubscription(name) {
        const row = this._subscriptionRows.get(name);
        if (row) {
            this._subscriptionRows.delete(name);
            this._subscriptions.remove(row);
            this._updatePage();
        }
    }

    _onSubscriptionRemoved(name) {
        // By the server: what the user has removed is not in the sidebar, or there anew.
        if (this._subscriptionRows.get(name)?.confirmed)
            this._dropSubscription(name);
    }

    // Messages

    _append(message) {
        // As little as can be, for there may be a hundred thousand in a second. All that came since the last update
        // is added to the list at once; of more than it holds, only the newest.
        if (this._pending.push([Date.now() / 1000, message]) > MAX_ROWS)
            this._pending.shift();
        if (message !== null)
            this._received++;
        if (this._tick === 0)
            this._tick = this.add_tick_callback((_, clock) => this._onFrame(clock));
    }

    _onFrame(clock) {
        if (clock.get_frame_time() - this._updated < UPDATE_USEC)
            return GLib.SOURCE_CONTINUE;
        this._updated = clock.get_frame_time();
        this._tick = 0;
        this._rows.add(this._pending);
        this._pending = [];
        if (!this._follows)
            this._rows.trim();
        this._follow();
        this._updateCount();
        return GLib.SOURCE_REMOVE;
    }

    _follow() {
        // New rows are allocated, and the end moves, only later in this frame.
        if (this._follows && !this._settling) {
            this._settling = true;
            GLib.idle_add(GLib.PRIORITY_HIGH, () => this._scrollToEnd());
        }
    }

    _scrollToEnd() {
        this._position.value = this._position.upper;
        // Not before: rows that are removed while they are in sight take their widgets with them.
        this._rows.trim();
        this._settling = false;
        return GLib.SOURCE_REMOVE;
    }

    _onScrolled() {
        // When the user has scrolled up the list stays there, until they reach the end again.
        const {value, upper, page_size: pageSize} = this._position;
        if (!this._settling)
            this._follows = value >= upper - pageSize - 1;
    }

    _onFolded() {
        this._list.factory = this._flap.get_folded() ? this._narrow_rows : this._wide_rows;
    }

    _onFilter() {
        // Of a narrow window, the sidebar is above it.
        if (this._flap.get_folded())
            this._flap.set_reveal_flap(false);
        this._views.visible_child_name = 'messages';
        this._filter_entry.grab_focus();
    }

    // The messages, or why there are none.
    _updatePage() {
        let name;
        if (this._filtered.get_n_items() > 0)
            name = 'messages';
        else if (this._rows.get_n_items() > 0)
            name = 'no-results';
        else if (this._subscriptionRows.size === 0)
            name = 'unsubscribed';
        else
            name = this._pubsub?.is_connected() ? 'waiting' : 'disconnected';
        // With GTK 4.8 a screen reader would find all that are visible, in sight or not.
        for (let page = this._stack.get_first_child(); page !== null; page = page.get_next_sibling())
            page.visible = this._stack.get_page(page).name === name;
    }

    _updateCount() {
        const kept = this._rows.get_n_items() < MAX_ROWS ? '' : `, the last ${MAX_ROWS.toLocaleString()} kept`;
        this._count_label.label = `${this._received.toLocaleString()} received${kept}`;
    }

    _clear() {
        this._pending = [];
        this._rows.clear();
        this._received = this._receivedBefore = 0;
        this._updateCount();
    }

    _onSecond() {
        const now = GLib.get_monotonic_time();
        const rate = Math.round((this._received - this._receivedBefore) * 1e6 / (now - this._secondBegan));
        this._receivedBefore = this._received;
        this._secondBegan = now;
        this._graph.add(rate);
        this._rate_label.label =
            `Messages per second: ${rate.toLocaleString()} now, ${this._graph.peak.toLocaleString()} at most`;
        if (this._client !== null)
            this._refreshInfo(this._client).catch(logError);
        // With a subscription the client does this by itself.
        if (this._pubsub?.state === Tornadis.ClientState.DISCONNECTED)
            this._connectPubsub();
        return GLib.SOURCE_CONTINUE;
    }

    _say(text) {
        this._toasts.add_toast(new Adw.Toast({title: GLib.markup_escape_text(text, -1)}));
    }

    _onAbout() {
        const about = {
            application_icon: APPLICATION_ID,
            application_name: 'Channels',
            comments: 'Watches what is published on a Redis or Valkey server. An example for tornadis-glib.',
            debug_info: `GJS ${System.version}, GTK ${Gtk.get_major_version()}.${Gtk.get_minor_version()}, ` +
                `libadwaita ${Adw.get_major_version()}.${Adw.get_minor_version()}`,
            developer_name: 'tornadis-glib',
            license_type: Gtk.License.LGPL_2_1,
            version: VERSION,
        };
        if (Adw.AboutDialog)
            new Adw.AboutDialog(about).present(this);
        else
            this._presentAboutWindow(about);
    }

    // Libadwaita 1.2 has no dialog for that.
    _presentAboutWindow(about) {
        const window = new Adw.AboutWindow({...about, modal: true, transient_for: this});
        this._children.push(window);
        window.present();
    }

    _onCloseRequest() {
        // The garbage collector may come for them when this window is no more, of which GTK 4.8 would complain.
        for (const window of this._children) {
            window.transient_for = null;
            window.destroy();
        }
        // While it collects a list, no model in JavaScript can answer.
        this._filtered.model = null;
        GLib.source_remove(this._timer);
        this._closeClients();
        return false;
    }
});

const Application = GObject.registerClass(class Application extends Adw.Application {
    constructor() {
        super({
            application_id: APPLICATION_ID,
            flags: Gio.ApplicationFlags.HANDLES_COMMAND_LINE | Gio.ApplicationFlags.CAN_OVERRIDE_APP_ID,
        });
        GLib.set_application_name('Channels');
        this.set_option_context_parameter_string('[URI]');
        this.add_main_option('uri', 'u'.charCodeAt(), GLib.OptionFlags.NONE, GLib.OptionArg.STRING,
            'The server, such as redis://localhost:6379', 'URI');
        this.add_main_option('subscribe', 's'.charCodeAt(), GLib.OptionFlags.NONE, GLib.OptionArg.STRING_ARRAY,
            'A channel or a pattern, as often as needed', 'NAME');
    }

    vfunc_startup() {
        super.vfunc_startup();
        const icons = Gtk.IconTheme.get_for_display(Gdk.Display.get_default());
        icons.add_search_path(Gio.File.new_for_uri(ICONS_URI).get_path());
        Gtk.Window.set_default_icon_name(APPLICATION_ID);
        addAction(this, 'quit', () => this._onQuit());
        for (const [action, accelerator] of Object.entries(ACCELERATORS))
            this.set_accels_for_action(action, [accelerator]);
    }

    vfunc_command_line(commandLine) {
        const options = commandLine.get_options_dict().end().recursiveUnpack();
        const window = new Window(this);
        for (const name of options.subscribe ?? [])
            window.addSubscription(name);
        window.open(options.uri ?? commandLine.get_arguments()[1] ?? 'redis://localhost');
        window.present();
        return 0;
    }

    _onQuit() {
        // Not quit(): windows have something to do when they are closed.
        for (const window of this.get_windows())
            window.close();
    }
});

System.exit(new Application().run([System.programInvocationName, ...ARGV]));
