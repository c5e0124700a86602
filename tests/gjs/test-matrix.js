// SPDX-License-Identifier: LGPL-2.1-or-later
// Cases of the fault matrix that go through JavaScript, see tests/README.md.

import Tornadis from 'gi://Tornadis?version=1.0';
import TornadisHarness from 'gi://TornadisHarness?version=0';

import {equal, rejects, until} from './tap.js';

const GOOD = '---\nhandshake\necho-server\n';
const {LOST, PROTOCOL, TIMEOUT} = Tornadis.Error;

function meet(script) {
    const peer = TornadisHarness.Peer.new(script);
    return [peer, new Tornadis.Client({host: '127.0.0.1', port: peer.get_port()})];
}

// With a value, or an error of this code.
async function assertEnds(call, expected) {
    if (typeof expected === 'string')
        equal(await call, expected);
    else
        await rejects(Tornadis.TornadisException, call, expected);
}

async function assertIsNew(peer, client) {
    await until(() => !client.is_connected());
    equal(await client.call('ECHO', 'further'), 'further');
    equal(peer.get_n_connections(), 2);
}

async function assertThreeEnd(script, ...expected) {
    const [peer, client] = meet(`handshake\nexpect ECHO\nexpect ECHO\nexpect ECHO\n${script}${GOOD}`);
    const calls = ['first', 'second', 'third'].map(name => client.call('ECHO', name));
    await Promise.all(calls.map((call, i) => assertEnds(call, expected[i])));
    await assertIsNew(peer, client);
}

export default {
    async lost() {
        for (const end of ['reset', 'close', 'half-close\ndrain'])
            await assertThreeEnd(`send "$5\\r\\nfirst\\r\\n"\n${end}\n`, 'first', LOST, LOST);
    },

    async garbage() {
        await assertThreeEnd('send "$5\\r\\nfirst\\r\\nHTTP/1.1 400 Bad Request\\r\\n\\r\\n"\ndrain\n', 'first', PROTOCOL, LOST);
    },

    async unasked() {
        const [peer, client] = meet(`handshake\necho-server 1\nwait\nsend "+forged\\r\\n"\ndrain\n${GOOD}`);
        equal(await client.call('ECHO', 'early'), 'early');
        peer.go();
        await assertIsNew(peer, client);
    },

    async forged() {
        const [peer, client] = meet(`handshake\nexpect GET\nsend "-ERR no such user: x\\r\\n+forged\\r\\n"\ndrain\n${GOOD}`);
        const error = await rejects(Tornadis.ReplyError, client.call('GET', 'x'));
        equal(error.message, 'ERR no such user: x');
        await assertIsNew(peer, client);
    },

    async blackHole() {
        const [peer, client] = meet('handshake\necho-server 1\nexpect ECHO\nwait\nsend "$4\\r\\nlate\\r\\n"\necho-server\n');
        equal(await client.call('ECHO', 'early'), 'early');
        client.call_timeout_msec = 100;
        await assertEnds(client.call('ECHO', 'late'), TIMEOUT);
        client.call_timeout_msec = 0;
        const further = client.call('ECHO', 'further');
        peer.go();
        equal(await further, 'further');
        equal(peer.get_n_connections(), 1);
    },

    async pool() {
        const [peer, template] = meet(`handshake\nexpect ECHO\nclose\n${GOOD}`);
        const pool = new Tornadis.ClientPool({template, max_size: 1});
        const calls = ['first', 'second'].map(name => pool.call('ECHO', name));
        await assertEnds(calls[0], LOST);
        await assertEnds(calls[1], 'second');
        equal(peer.get_n_connections(), 2);
        pool.destroy();
    },
};
