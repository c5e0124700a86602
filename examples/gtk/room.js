// SPDX-License-Identifier: LGPL-2.1-or-later
// The page of channels.js with what all windows that show the server edit together: a room, and a queue of guests.
//
// room.py is the same in Python; room.ui is the page of both.

import Adw from 'gi://Adw?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Gtk from 'gi://Gtk?version=4.0';
import Tornadis from 'gi://Tornadis?version=1.0';

const MAX_GUESTS = 100;
const UI_URI = GLib.uri_resolve_relative(import.meta.url, 'room.ui', GLib.UriFlags.NONE);

// Its properties are the fields of a hash.
const {READWRITE} = GObject.ParamFlags;
const Room = GObject.registerClass({
    GTypeName: 'ChannelsRoom',
    Properties: {
        topic: GObject.ParamSpec.string('topic', null, null, READWRITE, ''),
        open: GObject.ParamSpec.boolean('open', null, null, READWRITE, false),
        seats: GObject.ParamSpec.int('seats', null, null, READWRITE, 0, 1000, 0),
    },
}, class Room extends Tornadis.Record {});

// A line of the list, with a button that removes it.
const Guest = GObject.registerClass(class Guest extends Adw.ActionRow {
    constructor(item, remove) {
        super({use_markup: false, title_lines: 1});
        const button = new Gtk.Button({
            icon_name: 'user-trash-symbolic', tooltip_text: 'Remove Guest', valign: Gtk.Align.CENTER, css_classes: ['flat'],
        });
        button.connect('clicked', () => remove(item.bytes));
        this.connect('notify::title', () =>
            button.update_property([Gtk.AccessibleProperty.LABEL], [`Remove ${this.title}`]));
        this.add_suffix(button);
        // Empty while it is loading.
        item.bind_property('text', this, 'title', GObject.BindingFlags.SYNC_CREATE);
    }
});

// What cannot be done is told by the signal 'problem'.
export const RoomPage = GObject.registerClass({
    GTypeName: 'ChannelsRoomPage',
    Template: UI_URI,
    InternalChildren: ['guest_list', 'guest_row', 'off', 'open_switch', 'page', 'seats_spin', 'topic_row'],
    Signals: {problem: {param_types: [GObject.TYPE_STRING]}},
}, class RoomPage extends Adw.Bin {
    constructor(properties) {
        super(properties);
        this._room = null;
        this._guests = null;
        // Widgets and fields follow each other, in both directions.
        this._bindings = new GObject.BindingGroup();
        for (const [field, widget, name] of [['topic', this._topic_row, 'text'], ['open', this._open_switch, 'active'],
            ['seats', this._seats_spin, 'value']])
            this._bindings.bind(field, widget, name, GObject.BindingFlags.BIDIRECTIONAL);
        const actions = new Gio.SimpleActionGroup();
        const action = new Gio.SimpleAction({name: 'add-guest'});
        action.connect('activate', () => this._onAddGuest());
        actions.add_action(action);
        this.insert_action_group('room', actions);
        this._guest_row.connect('entry-activated', () => this._onAddGuest());
    }

    /** Shows what the client's server has, and follows it from now on. */
    follow(client) {
        if (this._room?.client !== client) {
            this.clear();
            this._room = new Room({client, key: 'channels:room'});
            this._room.connect('conflict', (_, name) => this.emit('problem', `Somebody else has changed the ${name}`));
            this._room.connect('write-failed', (_, error) => this.emit('problem', error.message));
            this._room.connect('notify::error', room => this._update(room, room.get_error()));
            this._bindings.source = this._room;
            this._guests = new Tornadis.SortedSetModel({client, key: 'channels:guests'});
            // A list box has a row for each, looked at or not.
            this._guest_list.bind_model(new Gtk.SliceListModel({model: this._guests, size: MAX_GUESTS}),
                item => new Guest(item, name => this._try(this._guests.remove(name))));
        }
        if (!this._room.live)
            this._try(this._load(this._room));
    }

    clear() {
        this._bindings.source = null;
        this._guest_list.bind_model(null, null);
        // They would go on until they are collected.
        this._room?.run_dispose();
        this._guests?.run_dispose();
        this._room = this._guests = null;
        this._page.sensitive = false;
    }

    _try(promise) {
        promise.catch(error => this.emit('problem', error.message));
    }

    async _load(room) {
        try {
            await room.load();
            this._update(room, null);
        } catch (error) {
            if (error instanceof Tornadis.ReplyError)
                throw error;
            // Without a connection, it is loaded when that is there again.
            if (!(error instanceof Tornadis.ConnectionError))
                this._update(room, error);
        }
    }

    // The room, or that the server does not tell of its changes: an old one, which it may become while it is shown, too.
    _update(room, error) {
        if (room === this._room) {
            const isOff = error?.matches(Tornadis.Error, Tornadis.Error.USAGE) ?? false;
            this._off.visible = isOff;
            this._page.visible = !isOff;
            this._page.sensitive = room.loaded;
        }
    }

    _onAddGuest() {
        const name = this._guest_row.text.trim();
        if (name !== '') {
            // The list is in the order of the scores, which are times.
            this._try(this._guests.add(name, GLib.get_real_time() / 1e6));
            this._guest_row.text = '';
        }
    }
});
