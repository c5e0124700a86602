// SPDX-License-Identifier: LGPL-2.1-or-later
// What must be rejected: each line that ends in “error”.

import Gio from 'gi://Gio?version=2.0';
import Tornadis from 'gi://Tornadis?version=1.0';
import Other from 'gi://Tornadis?version=2.0';  // error

export async function wrong(client: Tornadis.Client, pubSub: Tornadis.PubSubClient, pool: Tornadis.ClientPool) {
    new Tornadis.Client({hots: 'localhost'});  // error
    new Tornadis.Client({port: '6379'});  // error
    new Tornadis.Client({connected: true});  // error
    new Tornadis.Client('localhost', 6379);  // error
    Tornadis.Client.new('localhost');  // error
    new Tornadis.Pipeline({atomic: 'yes'});  // error
    new Tornadis.ClientPool({template: pool});  // error
    new Tornadis.ClientPool({template: client, hots: 'localhost'});  // error
    new Tornadis.Plugin();  // error
    new Tornadis.Message();  // error
    new Tornadis.Reply();  // error
    new Tornadis.Command('GET', 'key');  // error
    Tornadis.Command.new_strv('GET key');  // error
    Tornadis.Reply.new_from_resp('+OK');  // error
    Tornadis.ReplyKind.NOTHING;  // error
    Tornadis.nothing();  // error
    Tornadis.Bridge;  // error

    client.call();  // error
    client.call('SET', 'key', null);  // error
    client.call('SET', 'key', undefined);  // error
    client.call('SADD', 'key', ['one', 'two']);  // error
    client.call('SET', 'key', {timeuot: 1});  // error
    client.call('SET', 'key', {timeout: '1'});  // error
    client.call({timeout: 1}, 'SET', 'key');  // error
    client.call(new Tornadis.Pipeline(), 'GET');  // error
    client.async_call('PING', (one: number) => one);  // error
    client.async_call(() => {});  // error
    client.caall('PING');  // error
    (await client.call('GET', 'key')).length;  // error
    const number: number = await client.call('INCR', 'key');  // error
    (await client.call(new Tornadis.Pipeline())).length;  // error
    const connected: string = await client.connect_client();  // error
    client.call('GET', 'key').length;  // error
    client.hots;  // error
    client.port = '6379';  // error
    client.connected = true;  // error
    client.add_plugin('log');  // error

    client.call_async('PING', null, null);  // error
    client.call_async(new Tornadis.Command('PING'));  // error
    client.call_async(new Tornadis.Command('PING'), null, (source: string) => {});  // error
    client.submit(new Tornadis.Command('PING'), (_, reply) => reply.get_text());  // error
    client.connect('disconected', () => {});  // error
    client.connect('disconnected', (_, error) => error.message);  // error
    client.connect('reconnect-scheduled', (_, attempt) => attempt.message);  // error
    client.connect('message::news', () => {});  // error
    pubSub.connect('gap', 1);  // error
    pubSub.connect('message::news', (_, message) => message.txt);  // error
    pubSub.connect('notify::subscribed', (_, message) => message.text);  // error

    pubSub.call('PING');  // error
    pubSub.async_call('PING');  // error
}

export async function wrongToo(client: Tornadis.Client, pubSub: Tornadis.PubSubClient, pool: Tornadis.ClientPool) {
    pubSub.subscribe([1]);  // error
    pubSub.subscribe(['news'], 'other');  // error
    pubSub.subscribe_async('news', null, null);  // error
    pubSub.pop_message('1');  // error
    pubSub.pop_message({timeout: 1});  // error
    pubSub.messages({timeout: 1});  // error
    pubSub.subscribe(new Set([1]));  // error
    await pool.preconnect({timeuot: 1});  // error
    await pool.withClient(each => each.port, {timeuot: 1});  // error
    (await pubSub.pop_message()).text;  // error
    for await (const message of pubSub.messages()) {
        message.text.length;  // error
        message.payload.toUpperCase();  // error
        message.channel = 'other';  // error
    }

    const taken: Tornadis.PubSubClient = await pool.get_connected_client();  // error
    await pool.withClient(each => each.release());  // error
    pool.release_client(pool);  // error
    pool.get_client_nowait().close();  // error
    await pool.preconnect('2');  // error
    new Tornadis.ReplyError('one').prefix.length;  // error
    throw new Tornadis.ClientError('one', 2);  // error
}

export class Plugin extends Tornadis.Plugin {
    vfunc_call(call: Tornadis.Call): string {  // error
        return call.get_command().get_name();  // error
    }

    vfunc_push(push: string): boolean {  // error
        return true;
    }
}

export function finish(client: Tornadis.Client, result: Gio.AsyncResult): number {
    client.call_finish();  // error
    return client.call_finish(result).get_text();  // error
}
