// SPDX-License-Identifier: LGPL-2.1-or-later
// Tornadis for TypeScript. Types of other libraries come from the packages @girs/gjs and @girs/gio-2.0 of npm, which
// are to be in "types" of tsconfig.json (with "moduleResolution": "bundler" or "nodenext"), as this file in "files".

declare module 'gi://Tornadis?version=1.0' {
    import type Gio from 'gi://Gio?version=2.0';
    import type GLib from 'gi://GLib?version=2.0';
    import type GObject from 'gi://GObject?version=2.0';

    namespace Tornadis {
        /** What a call can be given. */
        type Argument = string | number | bigint | boolean | Uint8Array | GLib.Bytes;
        /** The name of a channel or a pattern. */
        type Name = string | Uint8Array | GLib.Bytes;
        /** The name of a command and its arguments. */
        type Arguments = [name: Argument, ...args: Argument[]];
        /** What a call may have as its last argument: after so many seconds it is given up. */
        type CallOptions = { timeout?: number | null; cancellable?: Gio.Cancellable | null };
        /** A Command, or a name and arguments, then perhaps options. */
        type CallArguments = [Command] | [Command, CallOptions] | Arguments | [...Arguments, CallOptions];
        /** Names one by one, or anything with some that can be iterated over, then perhaps options. */
        type Names = Name[] | [...Name[], CallOptions] | [Iterable<Name>] | [Iterable<Name>, CallOptions];
        /** What waiting for a message may be cancelled with. */
        type Cancelling = { cancellable?: Gio.Cancellable | null };
        /** What a call brings: a string of the server that is not text is a Uint8Array. */
        type NativeReply =
            string | number | bigint | boolean | null | Uint8Array | NativeReply[] | Map<NativeReply, NativeReply> |
            TornadisException;
        /** What a callback gets has the error instead. */
        type Outcome = NativeReply | globalThis.Error | GLib.Error;
        /** What a scanner gives: a key or a member, or a field or a member with its value or score. */
        type ScanElement = string | Uint8Array | [NativeReply, NativeReply];
        /** An error: of this library, but for those that signals hand over. */
        type AnyError = TornadisException | GLib.Error;
        /** The replies of a pipeline; `null` when a transaction was given up. */
        type Replies = NativeReply[] | null;

        /** The base of all errors of this library, with the `domain` (a string) and `code` of the GLib.Error behind it: `error`. */
        class TornadisException extends globalThis.Error {
            constructor(message?: string, domain?: string, code?: number);
            domain: string;
            code: number;
            get error(): GLib.Error;
            /** As of a GLib.Error: `error.matches(Tornadis.Error, Tornadis.Error.LOST)`. */
            matches(domain: GLib.Quark | (new (...args: any[]) => GLib.Error), code: number): boolean;
        }

        /** There is no connection, or it was lost, or it took too long. */
        class ConnectionError extends TornadisException {
        }

        /** The library was asked for what it does not do, or a bound is reached. */
        class ClientError extends TornadisException {
        }

        /** The server answered with an error; `prefix` is its first word. */
        class ReplyError extends ClientError {
            get prefix(): string | null;
        }

        class Reply {
            /** The reply as values of JavaScript. */
            unpack(): NativeReply;
        }

        class Message {
            get channel(): string;
            get pattern(): string | null;
            get text(): string | null;
            /** Whether the channel is a shard channel. */
            get shard(): boolean;
            /** The bytes that were published; `null` in a message about keys. */
            get payload(): Uint8Array | null;
            /** The keys that have changed, in a message of `__redis__:invalidate` of the server's; `null`: any of them. */
            get keys(): Uint8Array[] | null;
        }

        /** What calls, as a client and a pool do, which takes a client for each call. */
        interface Calling {
            /** Calls a Pipeline; a promise of the native replies. */
            call(pipeline: Pipeline, options?: CallOptions): Promise<Replies>;
            /** Calls a command; a promise of the native reply. */
            call(...args: CallArguments): Promise<NativeReply>;
            /** Calls a Pipeline; callback(result) gets the replies, or an Error. */
            async_call(pipeline: Pipeline, callback?: (result: Outcome | Replies) => unknown): void;
            async_call(pipeline: Pipeline, options: CallOptions, callback?: (result: Outcome | Replies) => unknown): void;
            /** Calls a command; callback(result) gets the reply, or an Error. */
            async_call(...args: [...([Command] | Arguments), (result: Outcome) => unknown]): void;
            async_call(...args: [...([Command] | Arguments), CallOptions, (result: Outcome) => unknown]): void;
            async_call(...args: CallArguments): void;
        }

        interface Client extends Calling {}

        interface ClientPool extends Calling {}

        class Client {
            /** A client for a URI; of a subclass one of its own, which is created without properties. */
            static new_for_uri<T extends Client>(this: new () => T, uri: string): T;
            /** Likewise; `flags` say what the URI may decide, such as the plugins. */
            static new_for_uri_full<T extends Client>(this: new () => T, uri: string, flags: UriFlags): T;
            /** Connects now; a promise of the client. (`connect` is how GObject connects signals.) */
            connect_client(options?: CallOptions): Promise<this>;
            /** Closes the connection, as close(). (`disconnect` is how GObject disconnects signals.) */
            disconnect_client(): void;
            /** Connects, runs an async function, and closes the connection at its end. */
            withClient<T>(use: (client: this) => T | PromiseLike<T>, options?: CallOptions): Promise<T>;
        }

        class PubSubClient {
            /** A client for a URI, as Client.new_for_uri(). */
            static new_for_uri<T extends Client>(this: new () => T, uri: string): T;
            /** Likewise; `flags` say what the URI may decide, such as the plugins. */
            static new_for_uri_full<T extends Client>(this: new () => T, uri: string, flags: UriFlags): T;
            /** Not allowed: a promise that is rejected with ClientError. */
            call(this: never, ...args: any[]): Promise<never>;
            /** Not allowed: throws ClientError. */
            async_call(this: never, ...args: any[]): never;
            /** Subscribes to channels, one by one or in one array or other iterable; a promise of the client. */
            subscribe(...channels: Names): Promise<this>;
            /** As subscribe(), to all channels that match a pattern. */
            psubscribe(...patterns: Names): Promise<this>;
            /** As subscribe(), to shard channels. */
            ssubscribe(...channels: Names): Promise<this>;
            /** Ends subscriptions to those channels, or without any to all; a promise of the client. */
            unsubscribe(...channels: Names): Promise<this>;
            /** As unsubscribe(), for patterns. */
            punsubscribe(...patterns: Names): Promise<this>;
            /** As unsubscribe(), for shard channels. */
            sunsubscribe(...channels: Names): Promise<this>;
            /** A promise of the next message, or of null after so many seconds. */
            pop_message(deadline?: number | null, options?: Cancelling): Promise<Message | null>;
            pop_message(options: Cancelling): Promise<Message | null>;
            /** Iterates over messages for as long as there are subscriptions and the client is not closed. With a
              * `deadline` it ends when none has come for so many seconds; with `batches` there are arrays of as many as
              * have come. */
            messages(options?: { deadline?: number | null; batches?: false }): AsyncGenerator<Message, void, void>;
            messages(options: { deadline?: number | null; batches: true }): AsyncGenerator<Message[], void, void>;
        }

        class Pipeline {
            /** Stacks a command, with the arguments of client.call(). */
            stack_call(...args: [Command] | Arguments): void;
        }

        class Scanner {
            /** With a `key` of any bytes. */
            constructor(properties?: Partial<Omit<Scanner.ConstructorProps, 'key'>> & { key?: Argument | null });
            /** The next batch; a promise of an array of elements, or of null at the end. */
            next(options?: CallOptions): Promise<ScanElement[] | null>;
            /** One after the other the elements of which next() gives arrays. */
            [Symbol.asyncIterator](): AsyncIterableIterator<ScanElement>;
        }

        class Keyspace {
            /** Starts to tell what becomes of keys; a promise of the keyspace, when notifications are told. */
            start(options?: CallOptions): Promise<this>;
        }

        class Record {
            /** Reads all fields and begins to follow them; a promise of the record. */
            load(options?: CallOptions): Promise<this>;
            /** Waits until all that was set is on the server; a promise of the record. */
            flush(options?: CallOptions): Promise<this>;
            get_error(): AnyError | null;
        }

        class Script {
            /** Calls the script on a client or a pool, with its keys and then other arguments; a promise of the native reply. */
            call(caller: Client | ClientPool, ...args: Argument[] | [...Argument[], CallOptions]): Promise<NativeReply>;
            /** Adds a call of the script to a pipeline. */
            stack(pipeline: Pipeline, ...args: Argument[]): void;
            /** Calls a pipeline with several calls of the script, whose source is then sent once; a promise of the replies. */
            call_pipeline(caller: Client | ClientPool, pipeline: Pipeline, options?: CallOptions): Promise<Replies>;
        }

        class FunctionLibrary {
            /** Sees to it that the server has the library in this version or a newer one; a promise of the library. */
            ensure(caller: Client | ClientPool, options?: CallOptions): Promise<this>;
            /** Calls a function of the library, with its keys and other arguments; a promise of the native reply. */
            call(caller: Client | ClientPool, name: Argument, keys?: Argument[],
                ...args: Argument[] | [...Argument[], CallOptions]): Promise<NativeReply>;
            /** As call(), for a function that only reads, which may then run on a replica. */
            call_read_only(caller: Client | ClientPool, name: Argument, keys?: Argument[],
                ...args: Argument[] | [...Argument[], CallOptions]): Promise<NativeReply>;
        }

        class Lock {
            /** Acquires the lock, and waits while another has it; a promise of the lock. */
            acquire(options?: CallOptions): Promise<this>;
            /** Acquires the lock if it is free; a promise of whether it was. */
            try_acquire(options?: CallOptions): Promise<boolean>;
            /** Releases the lock; a promise of the lock. */
            release(options?: CallOptions): Promise<this>;
            /** Runs an async function while the lock is held, which is released at the end. */
            withLock<T>(use: (lock: this) => T | PromiseLike<T>, options?: CallOptions): Promise<T>;
        }

        class StreamEntry {
            /** The key of the stream. */
            get stream(): string;
            /** The id, such as 1526919030474-55. */
            get id(): string;
            /** How often it was delivered to a consumer of its group, this time included. */
            get delivery_count(): number;
            /** The names and values in turn of the fields: strings, Uint8Array for what is not UTF-8. */
            get pairs(): [string | Uint8Array, string | Uint8Array][];
            /** Likewise as an object: of a name that is there twice the last value. */
            get fields(): {[name: string]: string | Uint8Array};
        }

        class StreamReader {
            /** Waits for the next entry. */
            next(options?: CallOptions): Promise<StreamEntry>;
            /** Iterates over the entries, until the reader is closed. */
            [Symbol.asyncIterator](): AsyncIterableIterator<StreamEntry>;
            /** Iterates likewise over arrays of as many entries as have come. */
            batches(): AsyncIterableIterator<StreamEntry[]>;
            /** Closes the reader. Fulfilled when nothing is under way any more. */
            close(options?: CallOptions): Promise<void>;
        }

        class StreamConsumer {
            /** Creates a consumer. Nothing is sent before it is started. */
            static new(caller: Caller | Client | ClientPool, stream: string, group: string, consumer_name: string): StreamConsumer;
            /** That of its base has other arguments. */
            static new(...args: never[]): StreamConsumer;
            /** Acknowledges entries, those of one turn of the main loop together. It need not be awaited. */
            ack(...entries: StreamEntry[]): Promise<void>;
            /** Gives entries up that could not be dealt with: they come again after claim_idle_msec. */
            release(...entries: StreamEntry[]): void;
        }

        class LiveModel {
            /** Gets why it could not be read the last time. */
            get_error(): AnyError | null;
        }

        class ListModel {
            /** Adds a row at the end; a promise of true. */
            append(value: Argument, options?: CallOptions): Promise<boolean>;
            /** Adds a row in front of another, which in the midst has to be loaded; a promise of true. */
            insert(position: number, value: Argument, options?: CallOptions): Promise<boolean>;
            /** Gives a row that is loaded another value; a promise of true. */
            replace(position: number, value: Argument, options?: CallOptions): Promise<boolean>;
            /** Removes a row that is loaded; a promise of true. */
            remove(position: number, options?: CallOptions): Promise<boolean>;
        }

        class SortedSetModel {
            /** Adds a member or gives it another score; a promise of true. */
            add(member: Argument, score: number, options?: CallOptions): Promise<boolean>;
            /** Removes a member; a promise of true. */
            remove(member: Argument, options?: CallOptions): Promise<boolean>;
        }

        class HashModel {
            /** Gives a field a value; a promise of true. */
            put(field: Argument, value: Argument, options?: CallOptions): Promise<boolean>;
            /** Removes a field; a promise of true. */
            remove(field: Argument, options?: CallOptions): Promise<boolean>;
        }

        class SetModel {
            /** Adds a member; a promise of true. */
            add(member: Argument, options?: CallOptions): Promise<boolean>;
            /** Removes a member; a promise of true. */
            remove(member: Argument, options?: CallOptions): Promise<boolean>;
        }

        class KeyModel {
            /** Removes a key; a promise of true. */
            remove(key: Argument, options?: CallOptions): Promise<boolean>;
        }

        class ClientPool {
            /** With a template for its clients, or the properties of these. */
            constructor(properties?: Partial<ClientPool.ConstructorProps>);
            constructor(properties: Partial<Omit<ClientPool.ConstructorProps, 'template'> & Client.ConstructorProps>);
            /** A promise of a connected client, for release_client(). */
            get_connected_client(options?: CallOptions): Promise<Client>;
            /** Connects so many clients ahead, or `max_size`; a promise of the pool. */
            preconnect(size?: number, options?: CallOptions): Promise<this>;
            preconnect(options: CallOptions): Promise<this>;
            /** Runs an async function with a connected client, which is released at the end. */
            withClient<T>(use: (client: Client) => T | PromiseLike<T>, options?: CallOptions): Promise<T>;
        }
    }

    export default Tornadis;
}

declare module 'gi://Tornadis' {
    import Tornadis from 'gi://Tornadis?version=1.0';
    export default Tornadis;
}

// Of imports.gi.
interface GjsGiImports {
    Tornadis: typeof import('gi://Tornadis?version=1.0').default;
}
