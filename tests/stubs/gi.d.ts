// SPDX-License-Identifier: LGPL-2.1-or-later
// As much of @girs/gjs and @girs/gio-2.0 as the programs here need.

declare module 'gi://GObject?version=2.0' {
    namespace GObject {
        type GType<T = unknown> = {__type__(arg: never): T; name: string};
        class ParamSpec {
            get_name(): string;
        }
        class Object {
            connect(signal: string, callback: (...args: any[]) => any): number;
            connect_after(signal: string, callback: (...args: any[]) => any): number;
            disconnect(id: number): void;
        }
        function registerClass<T extends new (...args: any[]) => Object>(info: {GTypeName?: string}, type: T): T;
    }
    export default GObject;
}

declare module 'gi://GLib?version=2.0' {
    namespace GLib {
        type Quark = number;
        class Bytes {
            constructor(data: Uint8Array);
            toArray(): Uint8Array;
        }
        class Error {
            constructor(options: {message: string; code: number});
            domain: Quark;
            code: number;
            message: string;
            matches(domain: Quark | typeof Error, code: number): boolean;
        }
        class Variant {
            deepUnpack(): unknown;
        }
    }
    export default GLib;
}

declare module 'gi://Gio?version=2.0' {
    import type GObject from 'gi://GObject?version=2.0';
    namespace Gio {
        interface AsyncReadyCallback<A = GObject.Object> {
            (source: A | null, result: AsyncResult): void;
        }
        interface AsyncResult {
            get_source_object(): GObject.Object | null;
        }
        interface ListModel {
            get_n_items(): number;
        }
        interface ProxyResolver {
            is_supported(): boolean;
        }
        interface SocketConnectable {
            to_string(): string;
        }
        class Cancellable extends GObject.Object {
            cancel(): void;
        }
        class TlsCertificate extends GObject.Object {
            get_issuer(): TlsCertificate | null;
        }
        class TlsDatabase extends GObject.Object {
            lookup(): void;
        }
    }
    export default Gio;
}

interface GjsGiImports {}
declare const imports: {gi: GjsGiImports};
declare function print(...args: unknown[]): void;
