// SPDX-License-Identifier: LGPL-2.1-or-later
// frames.py in JavaScript.

import Adw from 'gi://Adw?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';

const {present} = Adw.ApplicationWindow.prototype;
const file = Gio.File.new_for_path(GLib.getenv('TORNADIS_TEST_FRAMES'));
const lines = file.replace(null, false, Gio.FileCreateFlags.NONE, null);

let rows = 0;

// Every constructor calls it.
const {_init: init} = GObject.Object.prototype;
GObject.Object.prototype._init = function (...args) {
    if (this.constructor.name === 'Row')
        rows++;
    return init.apply(this, args);
};

Adw.ApplicationWindow.prototype.present = function () {
    present.call(this);
    this.get_frame_clock().connect('after-paint', () => {
        lines.write_all(`${this._received} ${rows}\n`, null);
        rows = 0;
    });
};
await import(Gio.File.new_for_path(ARGV.shift()).get_uri());
