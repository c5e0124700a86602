#!/usr/bin/env -S gjs -m
// SPDX-License-Identifier: LGPL-2.1-or-later
// Channels: watches what is published on a Redis or Valkey server.
//
//     channels.js [--subscribe=CHANNEL-OR-PATTERN]... [URI]
//
// channels.py is the same in Python; window.ui is the window of both.

import Adw from 'gi://Adw?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Graphene from 'gi://Graphene';
import Gtk from 'gi://Gtk?version=4.0';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

const MAX_ROWS = 5000;
const MAX_TEXT = 500;
const SECONDS = 60;

function addAction(map, name, activate) {
    const action = new Gio.SimpleAction({name});
    action.connect('activate', activate);
    map.add_action(action);
}

// A line of the list. It creates its texts when GTK asks for them, which it does for what is on the screen.
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
        const color = this.get_style_context().get_color();
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
    Template: GLib.uri_resolve_relative(import.meta.url, 'window.ui', GLib.UriFlags.NONE),
    InternalChildren: [
        'banner', 'banner_label', 'clients_label', 'commands_label', 'count_label', 'graph', 'memory_label',
        'name_row', 'rate_label', 'rows', 'scrolled', 'stack', 'subscriptions', 'toasts', 'uri_row',
        'version_label', 'window_title',
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
        this._follows = true;
        this._settling = false;
        this._received = 0;
        this._receivedBefore = 0;
        this._secondBegan = GLib.get_monotonic_time();

        addAction(this, 'clear', () => this._clear());
        addAction(this, 'subscribe', () => this._onSubscribe());
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
        const {title, state} = pubsub;
        if (state === Tornadis.ClientState.CONNECTED) {
            if (this._reason !== null)
                this._say('Connected');
            this._reason = null;
            for (const row of this._subscriptionRows.values()) {
                if (!row.confirmed)
                    this._subscribe(pubsub, row).catch(logError);
            }
            this._window_title.subtitle = title;
        } else {
            const connecting = state === Tornadis.ClientState.CONNECTING;
            this._window_title.subtitle = `${connecting ? 'Connecting to' : 'Waiting for'} ${title}`;
        }
        this._banner_label.label = this._reason !== null ? `Trying to connect again. ${this._reason}` : 'Connected';
        this._banner.revealed = this._reason !== null;
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

    // Subscriptions

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
            this._say(`${row.channel}: ${error.message}`);
        }
    }

    _dropSubscription(name) {
        if (this._subscriptionRows.has(name))
            this._subscriptions.remove(this._subscriptionRows.get(name));
        this._subscriptionRows.delete(name);
    }

    _onSubscriptionRemoved(name) {
        // By the server: what the user has removed is not in the sidebar, or there anew.
        if (this._subscriptionRows.get(name)?.confirmed)
            this._dropSubscription(name);
    }

    // Messages

    _append(message) {
        // As little as can be, for there may be a hundred thousand in a second. All that came since the last frame
        // is added to the list at once; of more than it holds, only the newest.
        if (this._pending.push([Date.now() / 1000, message]) > MAX_ROWS)
            this._pending.shift();
        if (message !== null)
            this._received++;
        if (this._tick === 0)
            this._tick = this.add_tick_callback(() => this._onFrame());
    }

    _onFrame() {
        this._tick = 0;
        const rows = this._pending.map(entry => new Row(entry));
        this._pending = [];
        this._rows.splice(0, Math.max(0, this._rows.get_n_items() + rows.length - MAX_ROWS), []);
        this._rows.splice(this._rows.get_n_items(), 0, rows);
        this._stack.visible_child_name = 'messages';
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
        this._settling = false;
        return GLib.SOURCE_REMOVE;
    }

    _onScrolled() {
        // When the user has scrolled up the list stays there, until they reach the end again.
        const {value, upper, page_size: pageSize} = this._position;
        if (!this._settling)
            this._follows = value >= upper - pageSize - 1;
    }

    _updateCount() {
        const rows = this._rows.get_n_items();
        const kept = rows === MAX_ROWS ? `, the last ${rows.toLocaleString()} kept` : '';
        this._count_label.label = `${this._received.toLocaleString()} received${kept}`;
    }

    _clear() {
        this._pending = [];
        this._rows.remove_all();
        this._received = this._receivedBefore = 0;
        this._stack.visible_child_name = 'empty';
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

    _onCloseRequest() {
        GLib.source_remove(this._timer);
        this._closeClients();
        return false;
    }
});

const Application = GObject.registerClass(class Application extends Adw.Application {
    constructor() {
        super({application_id: 'org.example.Channels.JavaScript', flags: Gio.ApplicationFlags.HANDLES_COMMAND_LINE});
        this.set_option_context_parameter_string('[URI]');
        this.add_main_option('uri', 'u'.charCodeAt(), GLib.OptionFlags.NONE, GLib.OptionArg.STRING,
            'The server, such as redis://localhost:6379', 'URI');
        this.add_main_option('subscribe', 's'.charCodeAt(), GLib.OptionFlags.NONE, GLib.OptionArg.STRING_ARRAY,
            'A channel or a pattern, as often as needed', 'NAME');
    }

    vfunc_startup() {
        super.vfunc_startup();
        this.set_accels_for_action('window.close', ['<Control>q', '<Control>w']);
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
});

System.exit(new Application().run([System.programInvocationName, ...ARGV]));
