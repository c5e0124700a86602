// SPDX-License-Identifier: LGPL-2.1-or-later
// Does what a story says, and shows what programs show of it; see story.c.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Tornadis from 'gi://Tornadis?version=1.0';

let client = null;
let metrics = null;

const Note = GObject.registerClass({
    Properties: {field: GObject.ParamSpec.string('field', '', '', GObject.ParamFlags.READWRITE, '')},
}, class Note extends Tornadis.Record {});

// Of what the server says in its own words the first is what can be shown.
function tell(action, error) {
    if (error === null)
        print(`${action}: ok`);
    else if (error instanceof Tornadis.ReplyError)
        print(`${action}: ${error.constructor.name} ${error.code} ${error.prefix}`);
    else
        print(`${action}: ${error.constructor.name} ${error.code} ${error.message} ${error} ${JSON.stringify(error)}`);
}

// All that console.log() has of an object.
function show(object) {
    print(`${object}`, JSON.stringify(object));
    console.log(object);
}

const actions = {
    open(uri) {
        client = null;
        client = Tornadis.Client.new_for_uri_full(uri, Tornadis.UriFlags.ALLOW_PLUGINS);
        print(client.title);
        show(client);
        client.add_plugin_by_name('log');
        client.add_plugin_by_name('trace');
        metrics = client.add_plugin_by_name('metrics');
    },

    metrics() {
        print(metrics.snapshot.print(true), JSON.stringify(metrics.snapshot.recursiveUnpack()), metrics.prometheus);
    },

    async call(...words) {
        show(Tornadis.Command.new_strv(words));
        await client.call(...words);
    },

    async pipeline(...words) {
        const pipeline = new Tornadis.Pipeline();
        for (const command of words.join('\t').split('\t|\t'))
            pipeline.stack_call(...command.split('\t'));
        show(pipeline);
        for (const reply of await client.call(pipeline))
            tell('reply', reply instanceof Error ? reply : null);
    },

    connect: () => client.connect_client(),

    lock: key => new Tornadis.Lock({caller: client, name: key}).acquire(),

    record: key => new Note({client, key}).load(),

    reader: key => new Tornadis.StreamReader({caller: client, stream: key, start_id: '0'}).next(),

    async script(source, key) {
        const script = new Tornadis.Script({source, n_keys: 1});
        show(script);
        await script.call(client, key);
    },

    library: code => Tornadis.FunctionLibrary.new(code, 1).ensure(client),
};

const loop = new GLib.MainLoop(null, false);

async function main(path) {
    const [, bytes] = Gio.File.new_for_path(path).load_contents(null);
    for (const line of new TextDecoder().decode(bytes).trimEnd().split('\n')) {
        const [action, ...words] = line.split('\t');
        try {
            await actions[action](...words);
            tell(action, null);
        } catch (error) {
            tell(action, error);
        }
    }
    print('The end');
}

main(ARGV[0]).catch(logError).finally(() => loop.quit());
loop.run();
