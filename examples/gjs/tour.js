// SPDX-License-Identifier: LGPL-2.1-or-later
// A tour of the library in JavaScript, against a private server: its unix socket is in TORNADIS_TOUR_SOCKET, and
// the command in TORNADIS_TOUR_RESTART restarts it.

import GLib from 'gi://GLib';
import System from 'system';
import Tornadis from 'gi://Tornadis?version=1.0';

const server = {unix_domain_socket: GLib.getenv('TORNADIS_TOUR_SOCKET')};

function heading(text) {
    print(`\n-- ${text}`);
}

function text(value) {
    if (value instanceof Uint8Array)
        return `<bytes ${[...value].join(' ')}>`;
    if (value instanceof Map)
        return `{${[...value].map(pair => pair.map(text).join(': ')).join(', ')}}`;
    if (Array.isArray(value))
        return `[${value.map(text).join(', ')}]`;
    return String(value);
}

// The tour is a test too.
function expect(value, expected) {
    if (text(value) !== text(expected))
        throw new Error(`Not as expected: ${text(value)} instead of ${text(expected)}`);
}

async function show(client, ...args) {
    const reply = await client.call(...args);
    print(args.map(text).join(' '), '->', text(reply));
    return reply;
}

async function calls(client) {
    heading('Calls');
    expect(await show(client, 'SET', 'greeting', 'hello'), 'OK');
    await show(client, 'INCRBY', 'visits', 42);
    await show(client, 'HSET', 'planet', 'name', 'Earth', 'moons', 1);
    expect(await show(client, 'HGETALL', 'planet'), new Map([['name', 'Earth'], ['moons', '1']]));

    heading('A value of any bytes');
    const bytes = new Uint8Array([97, 0, 255, 13, 10]);
    await show(client, 'SET', 'binary', bytes);
    expect(await show(client, 'GET', 'binary'), bytes);

    heading('An error of the server');
    try {
        await client.call('LPUSH', 'greeting', 'x');
    } catch (error) {
        print('prefix', error.prefix, '-', error.message);
        expect(error.prefix, 'WRONGTYPE');
    }
}

async function pipelines(client) {
    heading('A pipeline, with an error among the replies');
    const pipeline = new Tornadis.Pipeline();
    pipeline.stack_call('SET', 'foo', 'bar');
    pipeline.stack_call('LPUSH', 'foo', 'x');
    pipeline.stack_call('GET', 'foo');
    const replies = await client.call(pipeline);
    print(text(replies));
    expect([replies[0], replies[1].prefix, replies[2]], ['OK', 'WRONGTYPE', 'bar']);

    heading('A transaction');
    const transaction = new Tornadis.Pipeline({atomic: true});
    transaction.stack_call('INCR', 'visits');
    transaction.stack_call('INCR', 'visits');
    const [first, second] = await client.call(transaction);
    print(first, second);
    expect(second - first, 1);
}

async function pubSubSignals(client, pubSub, received) {
    heading('Pub/sub: signals, and messages to pop');
    pubSub.connect('message::news', (_, message) => {
        print(`signal: ${message.channel} says "${message.text}"`);
        received.push(message.text);
    });
    await pubSub.subscribe('news');
    await pubSub.psubscribe('log.*');
    await show(client, 'PUBLISH', 'news', 'the sun is up');
    await show(client, 'PUBLISH', 'log.door', 'open');
    const message = await pubSub.pop_message(5);
    print(`popped: ${message.channel} says "${message.text}", by ${message.pattern}`);
    expect(received, ['the sun is up']);
}

async function pool(template) {
    heading('A pool: one client waits for a job, another brings it');
    const clients = new Tornadis.ClientPool({template, max_size: 4});
    await clients.withClient(async client => {
        const job = client.call('BLPOP', 'jobs', 10);
        await clients.call('LPUSH', 'jobs', 'paint the fence');
        expect(await job, ['jobs', 'paint the fence']);
        print(text(await job), `(${clients.size} clients)`);
    });
}

async function plugin(client) {
    heading('A plugin: one line for each call');
    const log = client.add_plugin_by_name('log');
    await client.call('GET', 'greeting');
    client.remove_plugin(log);
}

function sleep(msec) {
    return new Promise(resolve => GLib.timeout_add(GLib.PRIORITY_DEFAULT, msec, () => {
        resolve();
        return GLib.SOURCE_REMOVE;
    }));
}

async function restart(client, pubSub, received) {
    heading('The server is restarted');
    let gaps = 0;
    pubSub.connect('gap', () => gaps++);
    const [, , , status] = GLib.spawn_command_line_sync(GLib.getenv('TORNADIS_TOUR_RESTART'));
    expect(status, 0);

    for (let reply = null; reply === null;) {
        try {
            reply = await show(client, 'PING');
        } catch (error) {
            print('PING ->', error.message);
        }
    }
    while (gaps === 0)
        await sleep(50);
    print('signal: the subscriptions are restored, messages may be missing');
    await show(client, 'PUBLISH', 'news', 'all is well again');
    while (received.length < 2)
        await sleep(50);
}

async function main() {
    const client = new Tornadis.Client(server);
    const pubSub = new Tornadis.PubSubClient(server);
    const received = [];

    await calls(client);
    await pipelines(client);
    await pubSubSignals(client, pubSub, received);
    await pool(client);
    await plugin(client);
    await restart(client, pubSub, received);
}

const loop = new GLib.MainLoop(null, false);
let status = 0;
main().catch(error => {
    logError(error);
    status = 1;
}).finally(() => loop.quit());
loop.run();
System.exit(status);
