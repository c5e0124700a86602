// SPDX-License-Identifier: LGPL-2.1-or-later
import GLib from 'gi://GLib';
import Tornadis from 'gi://Tornadis?version=1.0';

const loop = new GLib.MainLoop(null, false);
const client = Tornadis.Client.new_for_uri(ARGV[0] ?? 'redis://localhost');

async function main() {
    await client.call('SET', 'greeting', 'hello');
    print(await client.call('GET', 'greeting'));
}
main().catch(logError).finally(() => loop.quit());
loop.run();
