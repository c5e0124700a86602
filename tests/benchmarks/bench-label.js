// SPDX-License-Identifier: LGPL-2.1-or-later

// A window whose label shows the last message, and what frames it gets: gjs -m bench-label.js SOCKET COUNT

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Gtk from 'gi://Gtk?version=4.0';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';
import TornadisBench from 'gi://TornadisBench?version=0';

const [path, count] = [System.programArgs[0], Number(System.programArgs[1])];

const Window = GObject.registerClass(class Window extends Gtk.Window {
    _init() {
        super._init({default_width: 400, default_height: 100});
        this.label = new Gtk.Label();
        this.set_child(this.label);
        this.loop = new GLib.MainLoop(null, false);
        this.n = 0;
        this.nWrong = 0;
        this.client = new Tornadis.PubSubClient({unix_domain_socket: path});
        this.client.connect('message::news', (client, message) => this.showMessage(message));
        this.add_tick_callback((widget, clock) => {
            const [interval] = clock.get_refresh_info(0);
            TornadisBench.add_frame(interval);
            return GLib.SOURCE_CONTINUE;
        });
    }

    showMessage(message) {
        const {text} = message;
        this.label.set_text(text);
        if (Number(text) !== this.n)
            this.nWrong++;
        this.n++;
        if (this.n === count)
            this.loop.quit();
    }

    async subscribe() {
        await this.client.subscribe('news');
        // The first frames, which make the fonts and the style, are none of anybody's concern.
        GLib.timeout_add(GLib.PRIORITY_DEFAULT, 1000, () => {
            this.started = TornadisBench.start();
            print('ready');
            return GLib.SOURCE_REMOVE;
        });
    }
});

Gtk.init();
const window = new Window();
window.present();
window.subscribe().catch(error => {
    logError(error);
    window.loop.quit();
});
window.loop.run();
const figures = TornadisBench.stop();
if (window.nWrong > 0 || !window.started || window.label.get_text() !== String(count - 1).padStart(32, '0'))
    throw new Error('not the messages');
print(`{"messages": ${window.n}, ${figures}}`);
