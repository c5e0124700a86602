// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that has changed its URI and nothing else, while the master dies.

import Tornadis from 'gi://Tornadis?version=1.0';
import TornadisHarness from 'gi://TornadisHarness?version=0';

import {equal, rejects, throws, until} from './tap.js';

/** Everything that fails does so in a way that is promised. */
async function callUntilOk(client, ...args) {
    let reply = null;
    await until(async () => {
        try {
            reply = await client.call(...args);
            return true;
        } catch (error) {
            if (![Tornadis.Error.LOST, Tornadis.Error.CLOSED, Tornadis.Error.CONNECT].includes(error.code))
                throw error;
            return false;
        }
    });
    return reply;
}

const killMaster = group => group.get_server(group.find_master()).kill();

export default {
    async client() {
        const group = TornadisHarness.Sentinel.new(null, null);
        const client = Tornadis.Client.new_for_uri(group.make_uri(null));
        equal(await client.call('SET', 'key', 'value'), 'OK');
        equal(await client.call('WAIT', 2, 0), 2);
        killMaster(group);
        equal(await callUntilOk(client, 'GET', 'key'), 'value');
        equal((await client.call('ROLE'))[0], 'master');
        client.close();
    },

    async pool() {
        const group = TornadisHarness.Sentinel.new(null, null);
        const pool = new Tornadis.ClientPool({template: Tornadis.Client.new_for_uri(group.make_uri(null)), max_size: 3});
        equal(await pool.call('SET', 'key', 'value'), 'OK');
        killMaster(group);
        equal((await callUntilOk(pool, 'ROLE'))[0], 'master');
        pool.destroy();
    },

    async pubSub() {
        const group = TornadisHarness.Sentinel.new(null, null);
        const subscriber = Tornadis.PubSubClient.new_for_uri(group.make_uri(null));
        const client = Tornadis.Client.new_for_uri(group.make_uri(null));
        const texts = [];
        let gaps = 0;
        subscriber.connect('gap', () => gaps++);
        subscriber.connect('message', (_, message) => texts.push(message.get_text()));
        await subscriber.subscribe('news');
        killMaster(group);
        await until(() => gaps === 1);
        equal(await callUntilOk(client, 'PUBLISH', 'news', 'after'), 1);
        await until(() => texts.length === 1);
        equal(texts, ['after']);
        subscriber.close();
        client.close();
    },

    async errors() {
        const client = Tornadis.Client.new_for_uri('redis-sentinel://127.0.0.1:1/main');
        await rejects(Tornadis.ConnectionError, client.call('PING'));
        throws(Tornadis.ClientError, () => Tornadis.Client.new_for_uri('redis-sentinel://127.0.0.1:1'));
    },
};
