// SPDX-License-Identifier: LGPL-2.1-or-later
// What goes over and what comes back.

import GLib from 'gi://GLib';
import Tornadis from 'gi://Tornadis?version=1.0';
import TornadisHarness from 'gi://TornadisHarness?version=0';

import {equal, rejects, throws} from './tap.js';

const makeClient = server => new Tornadis.Client({unix_domain_socket: server.get_socket_path()});
const parse = resp => Tornadis.Reply.new_from_resp(new GLib.Bytes(new TextEncoder().encode(resp)));
const allBytes = length => Uint8Array.from({length}, (_, i) => i);

// Around the lengths from which arguments and replies go over by themselves.
const LENGTHS = [0, 1, 16383, 16384, 65535, 65536, 2 ** 20];

// RESP3, and what it is in JavaScript.
const VALUES = [
    ['+OK\r\n', 'OK'],
    ['+\r\n', ''],
    ['_\r\n', null],
    ['$-1\r\n', null],
    ['*-1\r\n', null],
    ['#t\r\n', true],
    ['#f\r\n', false],
    [':-5\r\n', -5],
    [':9007199254740991\r\n', Number.MAX_SAFE_INTEGER],
    [':9007199254740992\r\n', 2n ** 53n],
    [':-9007199254740991\r\n', Number.MIN_SAFE_INTEGER],
    [':-9223372036854775808\r\n', -(2n ** 63n)],
    ['(3492890328409238509324850943850943825024385\r\n', 3492890328409238509324850943850943825024385n],
    ['(-12\r\n', -12n],
    [',1.5\r\n', 1.5],
    [',-0\r\n', -0],
    [',1e300\r\n', 1e300],
    [',5e-324\r\n', 5e-324],
    [',0.1\r\n', 0.1],
    [',inf\r\n', Infinity],
    [',-inf\r\n', -Infinity],
    [',nan\r\n', NaN],
    [',-nan\r\n', NaN],
    [',nan(0x1)\r\n', NaN],
    [',-Infinity\r\n', -Infinity],
    ['=8\r\ntxt:text\r\n', 'text'],
    ['$6\r\n"\\\n\t/\x7f\r\n', '"\\\n\t/\x7f'],
    ['$4\r\n😀\r\n', '😀'],
    ['$6\r\n\u2028\u2029\r\n', '\u2028\u2029'],
    ['*0\r\n', []],
    ['*2\r\n*1\r\n:1\r\n_\r\n', [[1], null]],
    ['~2\r\n:1\r\n+a\r\n', [1, 'a']],
    ['%0\r\n', new Map()],
    ['%1\r\n+k\r\n%1\r\n+inner\r\n,inf\r\n', new Map([['k', new Map([['inner', Infinity]])]])],
    ['%1\r\n*1\r\n:1\r\n(7\r\n', new Map([[[1], 7n]])],
    // All keys that are not the same; of those that are the last counts.
    ['%4\r\n:0\r\n:1\r\n#f\r\n:2\r\n#t\r\n:3\r\n:1\r\n:4\r\n', new Map([[0, 1], [false, 2], [true, 3], [1, 4]])],
    ['%3\r\n:1\r\n:1\r\n(1\r\n:2\r\n+1\r\n:3\r\n', new Map([[1, 1], [1n, 2], ['1', 3]])],
    ['%2\r\n*1\r\n:1\r\n:1\r\n*1\r\n:1\r\n:2\r\n', new Map([[[1], 1], [[1], 2]])],
    ['%2\r\n+k\r\n:1\r\n$1\r\nk\r\n:2\r\n', new Map([['k', 2]])],
    ['%2\r\n:1\r\n:1\r\n,1\r\n:2\r\n', new Map([[1, 2]])],
    ['*3\r\n+m\r\n%1\r\n+b\r\n$1\r\n\x01\r\n,nan\r\n', ['m', new Map([['b', '\x01']]), NaN]],
    ['*1\r\n%1\r\n+e\r\n+kept\r\n', [new Map([['e', 'kept']])]],
];

export default {
    async kinds() {
        const escape = character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
        const script = VALUES.map(([resp]) => `expect GET\nsend "${resp.replace(/[\\"\0-\x1f\x7f]/g, escape)}"\n`);
        const peer = TornadisHarness.Peer.new(`handshake3\n${script.join('')}`);
        const client = Tornadis.Client.new('127.0.0.1', peer.get_port());
        const replies = await Promise.all(VALUES.map(() => client.call('GET', 'k')));
        equal(peer.get_failure(), null);
        for (const [i, [resp, value]] of VALUES.entries()) {
            equal(replies[i], value);
            equal(parse(resp).unpack(), value);
        }
    },

    async mixed(server) {
        const client = makeClient(server);
        const script = `redis.setresp(3)
            return {1, 'a', {map={k={map={inner={double=1.5}}}}}, {set={one=true}}, {double=1/0}, {double=-1/0},
                {big_number='12345678901234567890'}, {verbatim_string={format='txt', string='verbatim'}},
                true, ARGV[1]}`;
        equal(await client.call('EVAL', script, 0, new Uint8Array([255, 0])), [
            1, 'a', new Map([['k', new Map([['inner', 1.5]])]]), ['one'], Infinity, -Infinity,
            12345678901234567890n, 'verbatim', true, new Uint8Array([255, 0]),
        ]);
    },

    async fault10LongLines(server) {
        const client = makeClient(server);
        const text = 'x'.repeat(1_000_000);
        equal(await client.call('EVAL', 'return redis.status_reply(ARGV[1])', 0, text), text);
        const error = await rejects(Tornadis.ReplyError,
            client.call('EVAL', 'return redis.error_reply(ARGV[1])', 0, `OOPS ${text}`));
        equal(error.message, `OOPS ${text}`);
        equal(await client.call('PING'), 'PONG');
    },

    async text(server) {
        const client = makeClient(server);
        for (const length of LENGTHS) {
            for (const character of ['x', 'é', '"', '\\']) {
                const text = character.repeat(length);
                equal(await client.call('SET', 'k', text), 'OK');
                equal(await client.call('GET', 'k'), text);
                equal(await client.call('MGET', 'k', 'nothing'), [text, null]);
            }
        }
    },

    async bytes(server) {
        const client = makeClient(server);
        for (const length of LENGTHS.slice(1)) {
            // It begins with what is no UTF-8.
            const bytes = allBytes(length + 128).subarray(128);
            equal(await client.call('SET', 'k', bytes), 'OK');
            const replies = await Promise.all([client.call('GET', 'k'), client.call('MGET', 'k', 'nothing', 'k')]);
            equal(replies, [bytes, [bytes, null, bytes]]);
            equal(await client.call('STRLEN', 'k'), length);
        }
        equal(await client.call('SET', 'k', new Uint8Array()), 'OK');
        equal(await client.call('GET', 'k'), '');
    },

    async argumentsOfAllTypes(server) {
        const client = makeClient(server);
        const pairs = [[0, '0'], [-0, '0'], [1.5, '1.5'], [1e21, '1e+21'], [NaN, 'NaN'], [-Infinity, '-Infinity'],
            [2n ** 70n, String(2n ** 70n)], [true, '1'], [false, '0'], ['', ''], ['a b\r\n"\\\'', 'a b\r\n"\\\''],
            ['😀\u2028', '😀\u2028'], [new GLib.Bytes(new TextEncoder().encode('bytes')), 'bytes'],
            [new TextEncoder().encode('xabcx').subarray(1, 4), 'abc']];
        const calls = pairs.map(([argument]) => client.call('ECHO', argument));
        equal(await Promise.all(calls), pairs.map(([, text]) => text));
        for (const [argument, text] of pairs)
            equal(await client.call('ECHO', argument), text);
        // What is changed after the call does not count.
        const bytes = new Uint8Array([255, 1]);
        const call = client.call('ECHO', bytes);
        bytes.fill(0);
        equal(await call, new Uint8Array([255, 1]));
    },

    async nul(server) {
        const client = makeClient(server);
        const text = 'a\0b';
        equal(await client.call('SET', text, text), 'OK');
        equal(await client.call('STRLEN', text), 3);
        equal(await client.call('GET', text), text);
        equal(await client.call('MGET', text), [text]);
        const long = text.repeat(50000);
        equal(await client.call('ECHO', long), long);
        const pipeline = new Tornadis.Pipeline();
        pipeline.stack_call('STRLEN', text);
        equal(await client.call(pipeline), [3]);
        equal(await client.call('STRLEN', `${text}${'x'.repeat(20000)}`), 0);
    },

    async halfCharacters(server) {
        const client = makeClient(server);
        const long = 'x'.repeat(20000);
        for (const half of ['\ud83d', '\ude00', 'a\ud83db', '\ude00\ud83d', '\\\ud83d', '\ud83d\\ude00']) {
            const whole = half.replace(/[\ud800-\udfff]/g, '\ufffd');
            equal(await client.call('ECHO', half), whole);
            equal(await client.call('ECHO', half + long), whole + long);
            const pipeline = new Tornadis.Pipeline();
            pipeline.stack_call('ECHO', half);
            equal(await client.call(pipeline), [whole]);
        }
    },

    async deep(server) {
        const client = makeClient(server);
        // Deeper than the engine's stack, within what the reader takes; and what is told together with it.
        for (const inside of ["'a'", "ARGV[1]"]) {
            const script = `local a = {${inside}} local b = a for i = 1, 7000 do b[2] = {0} b = b[2] end return a`;
            const [deep, ...others] = await Promise.all([
                client.call('EVAL', script, 0, new Uint8Array([255])).catch(error => error),
                client.call('ECHO', 'mine'),
                client.call('ECHO', new Uint8Array([255])),
            ]);
            equal(others, ['mine', new Uint8Array([255])]);
            equal(Array.isArray(deep) || deep instanceof Error, true);
        }
    },

    async reply() {
        const list = parse('*4\r\n:7\r\n$2\r\n42\r\n,2.5\r\n#t\r\n');
        equal(list.get_kind(), Tornadis.ReplyKind.ARRAY);
        equal(list.get_n_elements(), 4);
        equal(list.get_element(0).get_integer(), 7);
        equal(list.get_element(1).get_integer(), 42);
        equal(list.get_element(1).get_bytes().toArray(), new Uint8Array([52, 50]));
        equal(list.get_element(1).get_data(), new Uint8Array([52, 50]));
        equal(list.get_element(2).get_double(), 2.5);
        equal(list.get_element(3).get_boolean(), true);
        equal(list.get_element(4), null);
        equal([list.get_text(), list.get_bytes(), list.dup_error()], [null, null, null]);
        equal(list.to_variant().get_type_string(), 'av');
        equal(Tornadis.Reply.new_from_variant(list.to_variant()).unpack(), list.unpack());
        equal(list.to_string(), '1) (integer) 7\n2) "42"\n3) (double) 2.5\n4) (true)');

        const map = parse('%1\r\n+k\r\n*2\r\n:1\r\n#t\r\n');
        equal(map.unpack(), new Map([['k', [1, true]]]));
        equal(map.lookup('k').unpack(), [1, true]);
        equal(map.lookup('nothing'), null);

        const error = parse('-WRONGTYPE no\r\n');
        equal(error.is_error(), true);
        equal(Tornadis.Error.dup_prefix(error.dup_error()), 'WRONGTYPE');
        equal(error.unpack() instanceof Tornadis.ReplyError, true);
        throws(Tornadis.Error, () => parse('nonsense'), Tornadis.Error.PROTOCOL);
    },

    async variants() {
        const values = [['s', 'text', 'text'], ['x', -7, -7], ['d', 1.5, 1.5], ['b', true, true],
            ['as', ['a', 'b'], ['a', 'b']], ['a{sv}', {k: new GLib.Variant('i', 1)}, new Map([['k', 1]])],
            ['ay', new Uint8Array([0, 255]), new Uint8Array([0, 255])], ['(is)', [1, 'a'], [1, 'a']],
            ['()', [], null], ['mv', null, null]];
        for (const [type, value, native] of values)
            equal(Tornadis.Reply.new_from_variant(new GLib.Variant(type, value)).unpack(), native);
        const error = Tornadis.Reply.new_from_variant(new GLib.Variant('(ss)', ['OOPS', 'OOPS no'])).unpack();
        equal([error instanceof Tornadis.ReplyError, error.prefix, error.message], [true, 'OOPS', 'OOPS no']);
    },

    async elementsOutliveTheirReply() {
        const element = (() => parse(`*1\r\n*1\r\n$3\r\nfoo\r\n`).get_element(0))();
        imports.system.gc();
        equal(element.unpack(), ['foo']);
    },

    async command(server) {
        const command = Tornadis.Command.new('set');
        command.append_string('k');
        command.append_bytes(new Uint8Array([0]));
        command.append_int64(-5);
        command.append_double(0.1);
        equal(command.get_name(), 'SET');
        equal(command.get_size() > 3, true);
        equal(command.get_n_args(), 5);
        equal([2, 3, 4].map(i => command.get_arg(i).toArray()),
            [new Uint8Array([0]), new Uint8Array([45, 53]), new Uint8Array([48, 46, 49])]);
        equal(command.get_arg(5), null);
        equal(command.get_arg_data(2), new Uint8Array([0]));
        equal(command.get_arg_data(3), new Uint8Array([45, 53]));
        equal(command.get_args().map(arg => arg.toArray().length), [3, 1, 1, 2, 3]);
        const client = makeClient(server);
        await rejects(Tornadis.ReplyError, client.call(command));
        const bytes = Tornadis.Command.new_bytes([new TextEncoder().encode('ECHO'), new Uint8Array([0, 255])]);
        equal(await client.call(bytes), new Uint8Array([0, 255]));
        equal(await client.call(bytes), new Uint8Array([0, 255]));
        equal(await client.call(Tornadis.Command.new_strv(['ECHO', 'a b'])), 'a b');
        await rejects(Tornadis.ClientError, client.call(Tornadis.Command.new_strv([])), Tornadis.Error.USAGE);
    },

    async constants() {
        equal(Tornadis.VERSION_S,
            [Tornadis.MAJOR_VERSION, Tornadis.MINOR_VERSION, Tornadis.MICRO_VERSION].join('.'));
        equal(Tornadis.PLUGIN_EXTENSION_POINT_NAME, 'tornadis-plugin');
    },
};
