// SPDX-License-Identifier: LGPL-2.1-or-later
// Locks: acquired, waited for, with a function, and lost.

import Gio from 'gi://Gio?version=2.0';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

import {equal, finish, rejects} from './tap.js';

const makeClient = server => new Tornadis.Client({unix_domain_socket: server.get_socket_path()});

let kept = null;

export default {
    async acquire(server) {
        const client = makeClient(server);
        const lock = new Tornadis.Lock({caller: client, name: 'lock', expiry_msec: 20000, fencing_key: 'count'});
        const other = Tornadis.Lock.new(client, 'lock');
        equal([lock.held, lock.token, lock.fencing_number], [false, null, 0]);
        equal([lock.expiry_msec, lock.fencing_key], [20000, 'count']);
        equal(String(lock), '<Tornadis.Lock lock, not held>');
        equal(await lock.acquire() === lock, true);
        equal([lock.held, lock.is_held(), lock.fencing_number], [true, true, 1]);
        equal(await client.call('GET', 'lock'), lock.token);
        equal(await other.try_acquire(), false);
        equal(String(lock), '<Tornadis.Lock lock, held>');
        const waiting = other.acquire({timeout: 60});
        equal(await lock.release() === lock, true);
        await waiting;
        equal([lock.is_held(), other.is_held()], [false, true]);
        await other.release({timeout: 60});
        equal(await lock.try_acquire({cancellable: new Gio.Cancellable()}), true);
        await lock.release();
        const pool = new Tornadis.ClientPool({template: client});
        await Tornadis.Lock.new(pool, 'lock').withLock(async () => equal(await other.try_acquire(), false));
        pool.destroy();
    },

    async withLock(server) {
        const client = makeClient(server);
        const lock = Tornadis.Lock.new(client, 'lock');
        equal(await lock.withLock(async same => {
            equal([same === lock, lock.is_held()], [true, true]);
            return await client.call('EXISTS', 'lock');
        }), 1);
        equal(await client.call('EXISTS', 'lock'), 0);
        await rejects(RangeError, lock.withLock(() => {
            throw new RangeError('mine');
        }));
        equal(await client.call('EXISTS', 'lock'), 0);
        await rejects(Tornadis.ConnectionError, lock.withLock(() => client.call('DEL', 'lock')), Tornadis.Error.LOST);
        await rejects(RangeError, lock.withLock(async () => {
            await client.call('DEL', 'lock');
            throw new RangeError('mine');
        }));
        const error = await rejects(TypeError, lock.withLock({timeout: 1}));
        equal(error.message, 'withLock() is given a function, and then perhaps options, not an Object');
    },

    async errors(server) {
        const client = makeClient(server);
        const lock = Tornadis.Lock.new(client, 'lock');
        await rejects(Tornadis.ClientError, lock.release(), Tornadis.Error.USAGE);
        await lock.acquire();
        await rejects(Tornadis.ClientError, lock.acquire(), Tornadis.Error.USAGE);
        const other = Tornadis.Lock.new(client, 'lock');
        const error = await rejects(Tornadis.ConnectionError, other.acquire({timeout: 0.05}), Tornadis.Error.TIMEOUT);
        equal(error.message, 'Acquiring the lock took longer than 0.05 s');
        await rejects(TypeError, other.acquire({deadline: 1}));
        await rejects(TypeError, other.release(1));
        const cancellable = new Gio.Cancellable();
        const waiting = other.acquire({cancellable});
        await client.call('PING');
        cancellable.cancel();
        await rejects(Gio.IOErrorEnum, waiting, Gio.IOErrorEnum.CANCELLED);
        await lock.release();
    },

    async lost(server) {
        const client = makeClient(server);
        const lock = new Tornadis.Lock({caller: client, name: 'lock', expiry_msec: 3000});
        // Who waits for a signal of an object that nobody else has is garbage.
        kept = lock;
        const lost = new Promise(resolve => lock.connect('lost', (_, error) => resolve(error)));
        await lock.acquire();
        await client.call('SET', 'lock', 'another');
        const error = await lost;
        equal([error instanceof Tornadis.Error, error.code, lock.is_held()], [true, Tornadis.Error.LOST, false]);
        await rejects(Tornadis.ConnectionError, kept.release(), Tornadis.Error.LOST);
        kept = null;
    },

    /** Nobody refers to a lock that is held: it is no garbage. */
    async collected(server) {
        const client = makeClient(server);
        for (const name of ['acquire', 'try_acquire']) {
            // Not in the function of the case, which would keep it.
            await (() => Tornadis.Lock.new(client, name)[name]().then(() => {}))();
            for (let i = 0; i < 5; i++) {
                await client.call('PING');
                System.gc();
            }
            equal(await client.call('EXISTS', name), 1);
        }
    },

    async asInC(server) {
        const client = makeClient(server);
        const lock = Tornadis.Lock.new(client, 'lock');
        equal([lock.get_name(), lock.get_expiry_msec(), lock.get_fencing_key(), lock.get_fencing_number(), lock.get_token(),
            lock.get_caller() === client], ['lock', 30000, null, 0, null, true]);
        for (const name of ['acquire', 'release', 'try_acquire', 'release'])
            equal(await finish(lock, name, null), true);
        await rejects(Tornadis.ClientError, finish(lock, 'release', null), Tornadis.Error.USAGE);
    },
};
