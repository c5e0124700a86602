// SPDX-License-Identifier: LGPL-2.1-or-later
// Uses all of the library, and is checked, not run. Most of it is there for its name and its types.

import Gio from 'gi://Gio?version=2.0';
import GLib from 'gi://GLib?version=2.0';
import GObject from 'gi://GObject?version=2.0';
import Tornadis from 'gi://Tornadis?version=1.0';
import Unversioned from 'gi://Tornadis';

const {Client, PubSubClient, Pipeline, ClientPool, Command, ClientState, Protocol, ReplyKind, UriFlags} = Tornadis;
const same: typeof Tornadis = imports.gi.Tornadis;
const client: Tornadis.Client = new Unversioned.Client();

const version: number[] = [Tornadis.MAJOR_VERSION, Tornadis.MINOR_VERSION, Tornadis.MICRO_VERSION];
const texts: string[] = [Tornadis.VERSION_S, Tornadis.PLUGIN_EXTENSION_POINT_NAME];
const states: Tornadis.ClientState[] =
    [ClientState.DISCONNECTED, ClientState.CONNECTING, ClientState.CONNECTED, ClientState.WAITING];
const codes: number[] = [
    Tornadis.Error.CONNECT, Tornadis.Error.AUTHENTICATION, Tornadis.Error.CLOSED, Tornadis.Error.LOST,
    Tornadis.Error.TIMEOUT, Tornadis.Error.PROTOCOL, Tornadis.Error.REPLY, Tornadis.Error.USAGE, Tornadis.Error.BUSY,
    Tornadis.Error.PLUGIN];
const protocols: Tornadis.Protocol[] = [Protocol.AUTO, Protocol.RESP2, Protocol.RESP3];
const kinds: Tornadis.ReplyKind[] = [
    ReplyKind.NIL, ReplyKind.STATUS, ReplyKind.ERROR, ReplyKind.INTEGER, ReplyKind.STRING, ReplyKind.ARRAY,
    ReplyKind.DOUBLE, ReplyKind.BOOLEAN, ReplyKind.BIG_NUMBER, ReplyKind.VERBATIM, ReplyKind.MAP, ReplyKind.SET,
    ReplyKind.PUSH];
const domains: GLib.Quark[] = [Tornadis.Error.quark(), Tornadis.error_quark()];
const types: GObject.GType[] = [Client.$gtype, Command.$gtype, ReplyKind.$gtype, Tornadis.Error.$gtype];
print(same, version, texts, states, codes, protocols, kinds, domains, types);

function commands(): Tornadis.Command[] {
    const command = Command.new('SET');
    command.append_string('key');
    command.append_bytes(new Uint8Array(1));
    command.append_bytes(new GLib.Bytes(new Uint8Array(1)));
    command.append_int64(1);
    command.append_double(1.5);
    const first: GLib.Bytes | null = command.get_arg(0);
    const bytes: Uint8Array | null = command.get_arg_data(0);
    const all: GLib.Bytes[] = command.get_args();
    print(all.length, first, bytes, command.get_n_args() + command.get_size(), command.get_name().toLowerCase());
    command.ref().unref();
    return [command, new Command('PING'), Command.new_strv(['GET', 'key']), Command.new_bytes([new Uint8Array(1)])];
}

function read(reply: Tornadis.Reply): void {
    const kind: Tornadis.ReplyKind = reply.get_kind();
    const numbers: number[] = [reply.get_integer(), reply.get_double(), reply.get_n_elements()];
    const truths: boolean[] = [reply.get_boolean(), reply.is_error(), kind === ReplyKind.MAP];
    const text: (string | null)[] = [reply.get_text(), reply.to_string()];
    const data: Uint8Array | null = reply.get_data();
    const held: GLib.Bytes | null = reply.get_bytes();
    const inner: (Tornadis.Reply | null)[] = [reply.get_element(0), reply.lookup('key'), reply.ref()];
    const error: Tornadis.AnyError | null = reply.dup_error();
    const variant: GLib.Variant = reply.to_variant();
    const again: Tornadis.Reply = Tornadis.Reply.new_from_variant(variant);
    reply.unref();
    print(numbers, truths, text, data, held, inner, error, again, show(reply.unpack()));
    print(Tornadis.Reply.new_from_resp(new Uint8Array(1)), new Tornadis.Reply(new Uint8Array(1)));
    print(Tornadis.Reply.new_nested(ReplyKind.ARRAY, [Tornadis.Reply.new_string(new Uint8Array(1))]));
}

function show(value: Tornadis.NativeReply): string {
    if (value === null || typeof value === 'string')
        return value ?? '';
    if (value instanceof Uint8Array)
        return new Array(...value).join(' ');
    if (Array.isArray(value))
        return value.map(show).join(' ');
    if (value instanceof Map)
        return [...value.keys()].map(show).join(' ');
    if (value instanceof Tornadis.ReplyError)
        return value.prefix ?? value.message;
    if (typeof value === 'bigint')
        return String(value + 1n);
    return String(value);
}

function readMessage(message: Tornadis.Message): void {
    const text: (string | null)[] = [message.channel.toUpperCase(), message.pattern, message.text,
        message.get_channel(), message.get_pattern(), message.get_text()];
    const shard: boolean = message.is_shard();
    const data: Uint8Array[] =
        [message.payload ?? new Uint8Array(), ...message.keys ?? [], message.get_channel_bytes().toArray(),
            message.get_payload()?.toArray() ?? new Uint8Array(), message.get_reply().get_data() ?? new Uint8Array()];
    message.ref().unref();
    print(text, data, shard);
}

function failed(error: unknown): string {
    if (error instanceof Tornadis.ReplyError)
        return error.prefix ?? '';
    if (error instanceof Tornadis.ConnectionError || error instanceof Tornadis.ClientError) {
        const inner: GLib.Error | null = error.error;
        if (inner)
            return Tornadis.error_dup_prefix(inner) ?? Tornadis.Error.dup_prefix(inner) ?? '';
        return error.matches(Tornadis.Error, Tornadis.Error.LOST) ? error.domain ?? '' : Tornadis.error_dup_prefix(error) ?? '';
    }
    if (error instanceof Tornadis.TornadisException)
        return error.code === Tornadis.Error.LOST ? error.message : error.name;
    throw new Tornadis.ClientError('one', 'domain', new Tornadis.Error({message: 'two', code: 1}).code);
}

async function calls(): Promise<Tornadis.NativeReply> {
    await client.call('SET', new Uint8Array(1), 1, 1n, true, 'text', new GLib.Bytes(new Uint8Array(1)));
    const args: Tornadis.Arguments = ['GET', 'key'];
    const connected: Tornadis.Client = await client.connect_client();
    const both: Tornadis.CallOptions = {timeout: 1.5, cancellable: new Gio.Cancellable()};
    await client.connect_client({timeout: 1});
    await client.call('GET', 'key', {timeout: 1});
    await client.call(new Command('PING'), both);
    await client.call(new Pipeline(), both);
    const inner: string = await client.withClient(async each => String(await each.call('PING')), both);
    client.disconnect_client();
    print(inner);
    const value: Tornadis.NativeReply = await client.call('GET', 'k', {cancellable: new Gio.Cancellable()});
    print(value);
    const reply: Tornadis.NativeReply = await client.call(...args);
    print(connected, await client.call(new Command('PING')));
    return typeof reply === 'number' ? reply + 1 : reply;
}

function callbacks(pipeline: Tornadis.Pipeline): void {
    client.async_call('PING');
    client.async_call('PING', result => print(result instanceof Error));
    client.async_call('PING', {timeout: 1}, result => print(result instanceof Error));
    client.async_call('PING', {timeout: 1});
    client.async_call(pipeline, {timeout: 1}, replies => print(replies));
    client.async_call('GET', 'key', (result: Tornadis.Outcome) => print(typeof result === 'string' && result.length));
    client.async_call(new Command('PING'), result => print(result));
    client.async_call(pipeline);
    client.async_call(pipeline, replies => print(Array.isArray(replies) && replies.map(show)));
    const command = new Command('PING');
    const submitted: Tornadis.ReplyFunc = (each, reply, error) => print(each.is_connected(), reply, error);
    client.submit(command, submitted);
    client.submit(command, null);
    client.submit_pipeline(pipeline, (_, reply, error) => print(reply?.get_text(), error?.message));
    client.call_async(command, null, (source, result) => source && read(source.call_finish(result)));
    client.call_async(command, new Gio.Cancellable(), null);
    client.call_pipeline_async(pipeline, null, (_, result) => read(client.call_pipeline_finish(result)));
    client.connect_async(null, (_, result) => print(client.connect_finish(result) === true));
}

function properties(): void {
    const booleans: boolean[] = [
        client.aggressive_write, client.aggressiveWrite, client.autoconnect, client.busy_poll, client.busyPoll, client.connected,
        client.tcp_nodelay, client.tcpNodelay, client.tls, client.in_transaction, client.inTransaction,
        client.session_settled, client.sessionSettled, client.is_in_transaction(), client.is_session_settled()];
    const numbers: number[] = [
        client.call_timeout_msec, client.callTimeoutMsec, client.connect_timeout, client.connectTimeout, client.db,
        client.max_pending, client.maxPending, client.max_queued_bytes, client.maxQueuedBytes, client.max_reply_size,
        client.maxReplySize, client.port, client.protocol_version, client.protocolVersion, client.read_page_size,
        client.readPageSize, client.read_timeout, client.readTimeout, client.tcp_user_timeout_msec,
        client.tcpUserTimeoutMsec, client.write_page_size, client.writePageSize,
        client.bytes_read, client.bytesRead, client.bytes_written, client.bytesWritten, client.connection_id,
        client.connectionId, client.pending, client.verify_replies, client.verifyReplies];
    const text: (string | null)[] = [
        client.client_name, client.clientName, client.host, client.password, client.title, client.unix_domain_socket,
        client.unixDomainSocket, client.username];
    const objects: unknown[] = [
        client.connectable?.to_string(), client.proxy_resolver, client.proxyResolver, client.tls_certificate,
        client.tlsCertificate, client.tls_database, client.tlsDatabase, client.tls_server_identity,
        client.tlsServerIdentity];
    const protocol: Tornadis.Protocol = client.protocol;
    const state: Tornadis.ClientState = client.state;
    client.port = 6380;
    client.unixDomainSocket = null;
    print(booleans, numbers, text, objects, protocol, state);
}

class Named extends Client {
    mine = true;
}

async function callers(): Promise<void> {
    const named: Named = Named.new_for_uri('redis://localhost');
    const callers: Tornadis.Calling[] = [named, Named.new_for_uri_full('redis://localhost', UriFlags.NONE), new ClientPool()];
    const pubSub: Tornadis.PubSubClient = PubSubClient.new_for_uri('redis://localhost');
    print(named.mine, pubSub.subscribed, await callers[0].call('PING', {timeout: 1}));
}

function clients(): Tornadis.Client[] {
    return [
        new Client({host: 'localhost', port: 6379, unix_domain_socket: null}),
        new Client({unixDomainSocket: '/tmp/socket', 'client-name': 'one', protocol: Protocol.RESP3}),
        Client.new('localhost', 6379), Client.new_for_uri('redis://localhost'),
        Client.new_for_uri_full('redis://localhost', UriFlags.ALLOW_PLUGINS),
        Client.new_for_unix_socket('/tmp/socket'), new PubSubClient({host: 'localhost'}),
        PubSubClient.new('localhost', 6379), PubSubClient.new_for_uri('redis://localhost'),
        PubSubClient.new_for_uri_full('redis://localhost', UriFlags.NONE), PubSubClient.new_like(new Tornadis.Client()),
        PubSubClient.new_for_unix_socket('/tmp/socket')];
}

function signals(pubSub: Tornadis.PubSubClient, channel: string): number {
    client.connect('disconnected', (each, error) => print(each.close(), error?.message));
    client.connect_after('disconnected', () => print());
    client.connect('reconnect-scheduled', (_, attempt, delay, error) => print(attempt + delay, error.message));
    client.connect('notify::connected', (_, pspec) => print(pspec.get_name()));
    pubSub.connect('disconnected', each => print(each.subscribed));
    pubSub.connect('message', (_, message) => readMessage(message));
    pubSub.connect('message::news', (_, message) => print(message.text));
    pubSub.connect(`message::${channel}`, (_, message) => readMessage(message));
    pubSub.connect('gap', each => each.close());
    pubSub.connect('overflow', each => each.close());
    pubSub.connect('subscription-added', (_, name, count) => print(name.length + count));
    pubSub.connect('subscription-removed', (_, name, count) => print(name.length + count));
    const thing: GObject.Object = pubSub;
    thing.disconnect(thing.connect('any', () => print()));
    return pubSub.connect_after('notify', (_, pspec) => print(pspec.get_name()));
}

async function subscriptions(pubSub: Tornadis.PubSubClient): Promise<void> {
    const done: Tornadis.PubSubClient[] = await Promise.all([
        pubSub.subscribe(['one', new Uint8Array(1)]), pubSub.unsubscribe(new Set(['one']), {timeout: 1}),
        pubSub.subscribe('one', 'two'), pubSub.psubscribe('o*'), pubSub.ssubscribe('one'), pubSub.unsubscribe(),
        pubSub.punsubscribe('o*'), pubSub.sunsubscribe(), pubSub.subscribe(new Uint8Array([255]), new GLib.Bytes(new Uint8Array([1])), 'a')]);
    function* channels(): Generator<string> {
        yield 'one';
    }
    await pubSub.subscribe(channels());
    await pubSub.unsubscribe(channels(), {timeout: 1});
    const message: Tornadis.Message | null = await pubSub.pop_message(1.5) ?? await pubSub.pop_message();
    for await (const batch of pubSub.messages({batches: true, deadline: 1}))
        batch.forEach(each => print(each.text));
    const cancellable = new Gio.Cancellable();
    const cancelled: Tornadis.PubSubClient[] = [await pubSub.subscribe('a', {cancellable}), await pubSub.punsubscribe({cancellable})];
    const inTime: Tornadis.Message | null = await pubSub.pop_message(1, {cancellable});
    const ever: Tornadis.Message | null = await pubSub.pop_message({cancellable}) ?? await pubSub.pop_message(null);
    print(cancelled, inTime, ever);
    for await (const each of pubSub.messages({deadline: 1}))
        readMessage(each);
    if (message !== null)
        pubSub.unpop_message(message);
    const finish = (_: unknown, result: Gio.AsyncResult) => {
        const popped: Tornadis.Message | null = pubSub.pop_message_finish(result);
        const finished: boolean[] = [
            pubSub.subscribe_finish(result), pubSub.psubscribe_finish(result), pubSub.ssubscribe_finish(result),
            pubSub.unsubscribe_finish(result), pubSub.punsubscribe_finish(result), pubSub.sunsubscribe_finish(result),
            pubSub.subscribe_bytes_finish(result), pubSub.unsubscribe_bytes_finish(result)];
        print(popped, finished);
    };
    pubSub.subscribe_async(['one'], null, finish);
    pubSub.psubscribe_async(['o*'], null, finish);
    pubSub.ssubscribe_async(['one'], null, finish);
    pubSub.unsubscribe_async(null, null, finish);
    pubSub.punsubscribe_async(null, null, finish);
    pubSub.sunsubscribe_async(['one'], null, finish);
    pubSub.subscribe_bytes_async(Tornadis.SubscriptionKind.PATTERN, [new GLib.Bytes(new Uint8Array([255]))], null, finish);
    pubSub.subscribe_bytes_async(Tornadis.SubscriptionKind.SHARD, [new GLib.Bytes(new Uint8Array([255]))], null, finish);
    pubSub.unsubscribe_bytes_async(Tornadis.SubscriptionKind.CHANNEL, null, null, finish);
    pubSub.pop_message_async(-1, null, finish);
    print(done, message);
}

async function pipelines(): Promise<void> {
    const pipeline = new Pipeline({atomic: true});
    pipeline.stack_call('SET', 'key', 1);
    pipeline.stack_call(new Command('PING'));
    pipeline.stack_command(new Command('PING'));
    pipeline.stack_commands([new Command('PING'), new Command('PING')]);
    pipeline.stack_strv(['GET', 'key']);
    const command: Tornadis.Command | null = pipeline.get_command(0);
    const commands: Tornadis.Command[] = pipeline.get_commands();
    const count: number =
        pipeline.number_of_stacked_calls + pipeline.numberOfStackedCalls + pipeline.get_number_of_stacked_calls();
    const replies: Tornadis.Replies = await client.call(pipeline);
    print(replies?.map(show), command, count);
    pipeline.set_atomic(!pipeline.get_atomic());
    pipeline.atomic = false;
    pipeline.connect('notify::atomic', each => each.clear());
    pipeline.connect_after('notify', () => Pipeline.new().clear());
}

async function pools(template: Tornadis.Client): Promise<void> {
    const pool = new ClientPool({template, max_size: 4, clientTimeout: 60, autoclose: true});
    print(ClientPool.new(template), new ClientPool({host: 'localhost', maxSize: 4}), new ClientPool());
    pool.async_call('PING', {timeout: 1}, result => print(result instanceof Error));
    pool.async_call(new Pipeline(), replies => print(replies));
    pool.async_call(new Command('PING'));
    const connected: Tornadis.ClientPool[] = [await pool.preconnect(), await pool.preconnect(2),
        await pool.preconnect({timeout: 1})];
    const reply: Tornadis.NativeReply = await pool.withClient(async each => await each.call('PING'));
    const number: number = await pool.withClient(each => each.port, {timeout: 1});
    const taken: Tornadis.Client = await pool.get_connected_client();
    pool.release_client(taken);
    const maybe: Tornadis.Client | null = pool.get_client_nowait();
    const replies: Tornadis.Replies = await pool.call(new Pipeline());
    print(await pool.call('PING'), await pool.call(new Command('PING')), connected, reply, number, maybe, replies);
    const numbers: number[] = [pool.idle, pool.size, pool.waiting, pool.max_size, pool.maxSize, pool.client_timeout];
    print(numbers, pool.autoclose, pool.template.host);
    pool.connect('notify::idle', each => each.destroy());
    pool.connect_after('notify::idle', each => each.destroy());
    pool.call_async(new Command('PING'), null, (_, result) => read(pool.call_finish(result)));
    pool.call_pipeline_async(new Pipeline(), null, (_, result) => read(pool.call_pipeline_finish(result)));
    pool.get_connected_client_async(null, (_, result) => print(pool.get_connected_client_finish(result).title));
    pool.preconnect_async(-1, null, (_, result) => print(pool.preconnect_finish(result) === true));
}

const Plugin = GObject.registerClass({GTypeName: 'AnyPlugin'}, class extends Tornadis.Plugin {
    vfunc_attach(each: Tornadis.Client): boolean {
        return each.is_connected();
    }

    vfunc_detach(each: Tornadis.Client): void {
        each.remove_plugin(this);
    }

    vfunc_setup(commands: Tornadis.Pipeline): void {
        commands.stack_strv(['CLIENT', 'SETNAME', 'name']);
    }

    vfunc_setup_done(each: Tornadis.Client, replies: Tornadis.Reply): boolean {
        if (replies.get_n_elements() > 1)
            this.reconnect_client(each, new Tornadis.Error({message: 'no', code: Tornadis.Error.CONNECT}));
        return !replies.is_error();
    }

    vfunc_call(call: Tornadis.Call): boolean {
        const numbers: number[] = [call.get_attempt(), call.get_elapsed(), call.get_start_time()];
        const abandoned: boolean = call.is_abandoned();
        const inTransaction: boolean = call.is_in_transaction();
        print(numbers, abandoned, call.get_client().title, call.get_command(), call.get_pipeline(), call.get_name());
        call.set_command(new Command('PING'));
        call.set_pipeline(new Tornadis.Pipeline());
        this.set_client_state(call.get_client(), Tornadis.ClientState.CONNECTED);
        this.set_client_in_transaction(call.get_client(), inTransaction);
        this.set_client_lost(call.get_client(), new Tornadis.Error({message: 'no', code: Tornadis.Error.LOST}));
        const target: Tornadis.Client | null = call.get_target();
        if (target)
            call.forward(target);
        call.return_error(new Tornadis.Error({message: 'no', code: Tornadis.Error.USAGE}));
        call.return_error(new Tornadis.ClientError('no'));
        call.proceed();
        return false;
    }

    vfunc_call_done(call: Tornadis.Call): void {
        if (call.dup_error() !== null)
            call.retry(10);
    }

    vfunc_push(push: Tornadis.Reply): boolean {
        return push.is_error();
    }

    vfunc_observe(from: Tornadis.Client, command: Tornadis.Command | null, pipeline: Tornadis.Pipeline | null,
        reply: Tornadis.Reply | null, error: Tornadis.AnyError | null, elapsed: number): void {
        if (command)
            this.submit(from, command, null);
        print(pipeline, reply, error, elapsed + 1);
    }

    vfunc_client_acquired(from: Tornadis.Client, elapsed: number): void {
        print(from, elapsed + 1);
    }
});

function plugins(call: Tornadis.Call, push: Tornadis.Reply): void {
    const plugin = new Plugin();
    plugin.vfunc_setup(new Pipeline());
    plugin.vfunc_call_done(call);
    plugin.vfunc_detach(client);
    plugin.vfunc_observe(client, call.get_command(), null, push, null, 1);
    plugin.vfunc_client_acquired(client, 1);
    const truths: boolean[] = [plugin.vfunc_attach(client), plugin.vfunc_call(call), plugin.vfunc_push(push),
        plugin.vfunc_setup_done(client, push), client.add_plugin(plugin),
        Tornadis.Plugin.register('name', Plugin as unknown as {$gtype: GObject.GType})];
    const reply: Tornadis.Reply | null = call.get_reply();
    if (reply)
        call.return_reply(reply);
    const named: Tornadis.Plugin[] = [client.add_plugin_by_name('log'), Tornadis.Plugin.new_by_name('log'),
        Tornadis.Plugin.new_with_options('log', ['prefix=x'])];
    const names: string[] = Tornadis.Plugin.list_names();
    Plugin.set_description('says what it does');
    const description: string | null = plugin.get_description();
    print(truths, named, names, description, client.get_plugins().get_n_items());
}

async function scanners(caller: Tornadis.Caller, pool: Tornadis.ClientPool): Promise<void> {
    const {ScannerKind} = Tornadis;
    const scanner = new Tornadis.Scanner({caller: client, kind: ScannerKind.HASH, key: 'key', pattern: 'f*', key_type: 'hash',
        keyType: 'hash', count: 10, unique: true, max_unique_bytes: 1000, maxUniqueBytes: 1000});
    const batch: Tornadis.ScanElement[] | null = await scanner.next({timeout: 1});
    for await (const element of Tornadis.Scanner.new(pool))
        print(element);
    scanner.next_async(null, (source, result) => print(source?.next_finish(result)));
    scanner.set_max_unique_bytes(2000);
    scanner.max_unique_bytes = 3000;
    scanner.maxUniqueBytes = 3000;
    const texts: (string | null)[] = [scanner.get_pattern(), scanner.pattern, scanner.get_key_type(), scanner.key_type,
        scanner.keyType];
    const numbers: number[] = [scanner.get_count(), scanner.count, scanner.get_max_unique_bytes(), scanner.max_unique_bytes];
    const kinds: Tornadis.ScannerKind[] = [scanner.get_kind(), scanner.kind, ScannerKind.KEYS, ScannerKind.SET];
    const truths: boolean[] = [scanner.get_unique(), scanner.unique];
    const other: Tornadis.Scanner = Tornadis.Scanner.new_for_key(caller, ScannerKind.SORTED_SET, 'key');
    scanner.close();
    print(batch, texts, numbers, kinds, truths, other, scanner.get_caller(), scanner.caller, scanner.get_key(), scanner.key);
}

async function keyspaces(client: Tornadis.Client): Promise<void> {
    const keyspace = new Tornadis.Keyspace({client, event: 'set', db: 1, subkeys: true, configure: true, classes: '$'});
    const started: Tornadis.Keyspace = await keyspace.start({timeout: 1, cancellable: new Gio.Cancellable()});
    keyspace.stop();
    Tornadis.Keyspace.new(client, null).start_async(null, (source, result) => print(source?.start_finish(result)));
    const truths: boolean[] = [keyspace.get_subkeys(), keyspace.get_configure(), keyspace.get_active(), keyspace.get_checked(),
        keyspace.get_has_subkeys(), keyspace.subkeys, keyspace.configure, keyspace.active, keyspace.checked, keyspace.has_subkeys,
        keyspace.hasSubkeys];
    const texts: (string | null)[] = [keyspace.get_event(), keyspace.event, keyspace.get_classes(), keyspace.classes];
    const patterns: (GLib.Bytes | null)[] = [keyspace.get_pattern(), keyspace.pattern];
    const numbers: number[] = [keyspace.get_db(), keyspace.db];
    const models: (Tornadis.Client | null)[] = [keyspace.get_client(), keyspace.client];
    keyspace.connect('changed', (source, key, event) => print(key, event));
    keyspace.connect('subkey-changed', (source, key, event, subkey) => print(key, event, subkey));
    keyspace.connect('gap', () => print('gap'));
    keyspace.connect('disabled', (source, error) => print(error));
    print(started, truths, texts, patterns, numbers, models);
}

async function records(client: Tornadis.Client, fields: GLib.Variant, value: GLib.Variant): Promise<void> {
    const record = new Tornadis.Record({client, key: 'lamp', fields});
    const loaded: Tornadis.Record = await record.load({timeout: 1, cancellable: new Gio.Cancellable()});
    const flushed: Tornadis.Record = await record.flush({timeout: 1});
    Tornadis.Record.new(client, 'lamp', null).load_async(null, (source, result) => print(source?.load_finish(result)));
    record.flush_async(null, (source, result) => print(source?.flush_finish(result)));
    record.set_client(client);
    record.set_key('lamp');
    record.client = client;
    record.key = 'lamp';
    const truths: boolean[] = [record.get_loaded(), record.get_live(), record.get_exists(), record.loaded, record.live, record.exists,
        record.set_field('level', value)];
    const texts: (string | null)[] = [record.get_key(), record.key];
    const values: (GLib.Variant | null)[] = [record.get_fields(), record.fields, record.get_field('level')];
    const models: (Tornadis.Client | null)[] = [record.get_client(), record.client];
    record.connect('field-changed', (source, name) => print(name));
    record.connect('write-failed', (source, error) => print(error));
    record.connect('conflict', (source, name, value) => print(name, value));
    record.connect('invalid', (source, name, text) => print(name, text));
    print(loaded, flushed, truths, texts, values, models, record.get_error(), record.error);
}

async function scripts(caller: Tornadis.Caller, pool: Tornadis.ClientPool): Promise<void> {
    const script = new Tornadis.Script({source: 'return ARGV[1]', n_keys: 1, nKeys: 1, read_only: true, readOnly: true});
    const reply: Tornadis.NativeReply = await script.call(client, 'key', 1, {timeout: 1});
    const pipeline = new Pipeline();
    script.stack(pipeline, 'key', 1);
    const replies: Tornadis.Replies = await script.call_pipeline(pool, pipeline, {timeout: 1});
    const texts: (string | null)[] = [script.get_source(), script.get_digest(), script.source, script.digest];
    const numbers: number[] = [script.get_n_keys(), script.n_keys, script.nKeys];
    const truths: boolean[] = [script.get_read_only(), script.read_only, script.readOnly];
    const command: Tornadis.Command = Tornadis.Script.new('return 1', 0).create_command(['key']);
    script.call_async(client, command, null, (source, result) => print(source?.call_finish(result)));
    script.call_pipeline_async(pool, pipeline, null, (source, result) => print(source?.call_pipeline_finish(result)));
    caller.call_async(command, null, (source, result) => print(source?.call_finish(result)));
    caller.call_pipeline_async(pipeline, null, (source, result) => print(source?.call_pipeline_finish(result)));
    print(reply, replies, texts, numbers, truths);
}

async function libraries(pool: Tornadis.ClientPool): Promise<void> {
    const library = new Tornadis.FunctionLibrary({code: '#!lua name=stock', version: 1});
    const same: Tornadis.FunctionLibrary = await library.ensure(client, {timeout: 1});
    const replies: Tornadis.NativeReply[] = [await same.call(client, 'take', ['key'], 1, {timeout: 1}),
        await same.call_read_only(pool, 'left', ['key'])];
    const texts: (string | null)[] = [library.get_code(), library.get_name(), library.code, library.name];
    const numbers: number[] = [library.get_version(), library.version];
    const other: Tornadis.FunctionLibrary = Tornadis.FunctionLibrary.new('#!lua name=stock', 1);
    const command: Tornadis.Command = other.create_command('take', 1, ['key']);
    other.call_async(client, command, null, (source, result) => print(source?.call_finish(result)));
    other.ensure_async(pool, null, (source, result) => print(source?.ensure_finish(result)));
    print(replies, texts, numbers, other.create_read_only_command('left', 1, ['key']));
}

async function locks(pool: Tornadis.ClientPool): Promise<void> {
    const lock = new Tornadis.Lock({caller: client, name: 'lock', expiry_msec: 1, expiryMsec: 1, fencing_key: 'n',
        fencingKey: 'n'});
    const length: number = await lock.withLock(async same => same.get_name().length, {timeout: 1});
    const same: Tornadis.Lock[] = [await lock.acquire({timeout: 1}), await lock.release()];
    const truths: boolean[] = [await lock.try_acquire(), lock.is_held(), lock.held];
    const other: Tornadis.Lock = Tornadis.Lock.new(pool, 'lock');
    other.acquire_async(null, (source, result) => print(source?.acquire_finish(result)));
    other.try_acquire_async(null, (source, result) => print(source?.try_acquire_finish(result)));
    other.release_async(null, (source, result) => print(source?.release_finish(result)));
    const callers: Tornadis.Caller[] = [lock.get_caller(), lock.caller];
    const texts: (string | null)[] = [lock.get_name(), lock.get_fencing_key(), lock.get_token(), lock.name, lock.fencing_key,
        lock.fencingKey, lock.token];
    const numbers: number[] = [lock.get_expiry_msec(), lock.get_fencing_number(), lock.expiry_msec, lock.expiryMsec,
        lock.fencing_number, lock.fencingNumber];
    lock.connect('lost', (source, error) => print(source.name, error?.message));
    print(length, same, truths, callers, texts, numbers);
}

async function streams(pool: Tornadis.ClientPool): Promise<void> {
    const reader = new Tornadis.StreamReader({caller: client, stream: 's', start_id: '0', startId: '0', max_pending: 1, maxPending: 1});
    let entry: Tornadis.StreamEntry = await reader.next({timeout: 1, cancellable: new Gio.Cancellable()});
    for await (const each of reader)
        entry = each;
    for await (const batch of reader.batches())
        entry = batch[0];
    reader.set_max_pending(5);
    reader.start();
    reader.next_async(null, (source, result) => print(source?.next_finish(result).get_id()));
    reader.close_async(null, (source, result) => print(source?.close_finish(result)));
    const taken: Tornadis.StreamEntry | null = reader.take_entry();
    const caller: Tornadis.Caller = reader.get_caller();
    const texts: (string | null)[] = [reader.get_stream(), reader.get_start_id(), reader.get_last_id(), reader.stream,
        reader.start_id, reader.startId, reader.last_id, reader.lastId];
    const numbers: number[] = [reader.get_max_pending(), reader.max_pending, reader.maxPending];
    const truths: boolean[] = [reader.is_closed()];
    reader.connect('entry', (source, each) => print(source.get_stream(), each.get_id()));
    reader.connect('interrupted', (_source, error) => print(error.message));
    reader.connect('failed', (_source, error) => print(error.message));
    await reader.close({timeout: 1});

    const consumer = new Tornadis.StreamConsumer({caller: pool, stream: 's', group: 'g', consumer_name: 'c', consumerName: 'c',
        claim_idle_msec: 1, claimIdleMsec: 1, max_deliveries: 1, maxDeliveries: 1, dead_letter_stream: 'd', deadLetterStream: 'd'});
    await consumer.ack(entry, await consumer.next());
    consumer.release(entry);
    consumer.release_ids(['1-0']);
    consumer.ack_ids_async(['1-0'], null, (source, result) => print(source?.ack_ids_finish(result)));
    consumer.set_claim_idle_msec(10);
    consumer.set_max_deliveries(10);
    consumer.set_dead_letter_stream(null);
    numbers.push(consumer.get_n_pending(), consumer.get_claim_idle_msec(), consumer.get_max_deliveries(), consumer.claim_idle_msec,
        consumer.claimIdleMsec, consumer.max_deliveries, consumer.maxDeliveries);
    texts.push(consumer.get_group(), consumer.get_consumer_name(), consumer.get_dead_letter_stream(), consumer.group,
        consumer.consumer_name, consumer.consumerName, consumer.dead_letter_stream, consumer.deadLetterStream);
    consumer.connect('entry-deleted', (source, id) => print(source.get_group(), id.toUpperCase()));
    consumer.connect('entry-buried', (_source, each) => print(each.get_id()));
    const others: Tornadis.StreamReader[] = [Tornadis.StreamConsumer.new(client, 's', 'g', 'c'), Tornadis.StreamReader.new(pool, 's', '$')];

    texts.push(entry.stream, entry.id, entry.get_stream(), entry.get_id(), entry.lookup_text('name'));
    numbers.push(entry.delivery_count, entry.get_delivery_count(), entry.get_n_fields());
    const parts: (GLib.Bytes | null)[] = [entry.get_field_name(0), entry.get_field_value(0), entry.lookup('name')];
    const reply: Tornadis.Reply = entry.get_reply();
    print(taken, caller, reader.caller, texts, numbers, truths, parts, reply, others, entry.fields.f, entry.pairs[0][1]);
}

function credentials(request: Tornadis.LoginRequest, failure: Tornadis.AnyError): void {
    const given: Tornadis.Credentials | null = client.credentials;
    given?.request_login(request);
    const cancellable: Gio.Cancellable = request.get_cancellable();
    request.return_login('user', null, 0);
    request.return_error(failure);
    client.credentials = given;
    print(cancellable);
}

async function models(client: Tornadis.Client): Promise<void> {
    const rows = new Tornadis.ListModel({client, key: 'log', key_bytes: null, keyBytes: null});
    rows.connect('items-changed', (model, position, removed, added) => print(position, removed, added));
    const truths: boolean[] = [await rows.append('a', {timeout: 1}), await rows.insert(0, 1), await rows.replace(0, 'b'),
        await rows.remove(0), rows.get_ready(), rows.get_live(), rows.ready, rows.live];
    rows.refresh();
    const best = new Tornadis.SortedSetModel({client, key: 'best', descending: true});
    truths.push(await best.add('a', 1.5), await best.remove('a', {timeout: 1}), best.get_descending(), best.descending);
    const other: Tornadis.ListModel = Tornadis.ListModel.new(client, 'log');
    const another: Tornadis.SortedSetModel = Tornadis.SortedSetModel.new(client, 'best', false);
    const live: Tornadis.LiveModel = other;
    const value = new GLib.Bytes(new Uint8Array([97]));
    other.append_async(value, null, (source, result) => print(source?.append_finish(result)));
    other.insert_async(0, value, null, (source, result) => print(source?.insert_finish(result)));
    other.replace_async(0, value, null, (source, result) => print(source?.replace_finish(result)));
    other.remove_async(0, null, (source, result) => print(source?.remove_finish(result)));
    another.add_async(value, 1, null, (source, result) => print(source?.add_finish(result)));
    another.remove_async(value, null, (source, result) => print(source?.remove_finish(result)));
    const item = live.get_item(0) as Tornadis.Item;
    print(live.get_item_type(), live.get_n_items());
    live.items_changed(0, 0, 0);
    const texts: (string | null)[] = [item.get_text(), item.get_name(), item.text, item.name, live.get_key(), live.key];
    const values: (GLib.Bytes | null)[] = [item.get_bytes(), item.get_field(), item.get_key(), item.bytes, item.field, item.key,
        live.get_key_bytes(), live.key_bytes, live.keyBytes];
    const numbers: number[] = [item.get_score(), item.score, live.n_items, live.nItems];
    truths.push(item.get_loading(), item.loading);
    const error = live.get_error();
    print(truths, texts, values, numbers, error, live.error, live.get_client(), live.client);
}

function streamModels(client: Tornadis.Client): void {
    const model = new Tornadis.StreamModel({client, key: 'events', max_items: 10});
    const other: Tornadis.StreamModel = Tornadis.StreamModel.new(client, 'events', 10);
    const numbers: number[] = [model.get_max_items(), model.max_items, other.maxItems];
    const item = other.get_item(0) as Tornadis.Item;
    const entries: (Tornadis.StreamEntry | null)[] = [item.get_entry(), item.entry];
    print(numbers, entries);
}

async function tables(client: Tornadis.Client): Promise<void> {
    const settings = new Tornadis.HashModel({client, key: 'settings'});
    const tags = new Tornadis.SetModel({client, key: 'tags'});
    const jobs = new Tornadis.KeyModel({client, key: 'job:*'});
    const truths: boolean[] = [await settings.put('a', 1, {timeout: 1}), await settings.remove('a'), await tags.add('a'),
        await tags.remove('a'), await jobs.remove('job:1')];
    const value = new GLib.Bytes(new Uint8Array([97]));
    const hashModel: Tornadis.HashModel = Tornadis.HashModel.new(client, 'settings');
    const setModel: Tornadis.SetModel = Tornadis.SetModel.new(client, 'tags');
    const keyModel: Tornadis.KeyModel = Tornadis.KeyModel.new(client, 'job:*');
    hashModel.put_async(value, value, null, (source, result) => print(source?.put_finish(result)));
    hashModel.remove_async(value, null, (source, result) => print(source?.remove_finish(result)));
    setModel.add_async(value, null, (source, result) => print(source?.add_finish(result)));
    setModel.remove_async(value, null, (source, result) => print(source?.remove_finish(result)));
    keyModel.remove_async(value, null, (source, result) => print(source?.remove_finish(result)));
    print(truths);
}

export {callbacks, calls, clients, failed, keyspaces, libraries, locks, pipelines, plugins, pools, properties,
    records, scanners, scripts, signals, streamModels, streams, subscriptions, tables};
