# SPDX-License-Identifier: LGPL-2.1-or-later
"""The plugin key-prefix, with all commands that the server says to have keys, held against what MONITOR shows.

The arguments are made up from COMMAND DOCS, in many shapes of each command. Whether they make sense to the server does not
matter: it shows what it was sent before it finds out.
"""

import itertools
import re
import socket
import sys

from tap import equal, main

from gi.repository import GLib, Tornadis

PREFIX = 'prefix:'

# By the name of the argument, where 1 will not do: nothing may block, nor last.
NUMBERS = {'cursor': '0', 'timeout': '0.01', 'milliseconds': '1', 'port': '1'}
# What a command that is looked through for words might take for one of them.
WORDS = ['STREAMS', 'STORE', 'KEYS', 'GET', 'BY', 'LIMIT', 'COUNT']


class Shape:
    """One call: what is given, and what the server is to see."""

    def __init__(self, names, words):
        self.given, self.expected = list(names), list(names)
        self.words = itertools.cycle(words) if words else None
        self.n_keys = 0
        self.number = None

    def add(self, value, expected=None):
        self.given.append(value)
        self.expected.append(value if expected is None else expected)

    def add_key(self):
        self.n_keys += 1
        self.add(f'k{self.n_keys}', f'{PREFIX}k{self.n_keys}')

    def add_value(self, argument):
        kind, name = argument['type'], argument['name']
        if 'key_spec_index' in argument:
            if kind == 'pattern':
                self.add('w_*', f'{PREFIX}w_*')
            else:
                self.add_key()
        elif kind in ('integer', 'double', 'unix-time'):
            if name == 'numkeys':
                self.number = len(self.given)
            self.add(NUMBERS.get(name, '1'))
        elif kind == 'string' and self.words:
            self.add(next(self.words))
        else:
            self.add({'pattern': '*', 'string': f'v{len(self.given)}'}[kind])

    def add_argument(self, argument, choose):
        """choose tells which of several are meant, and whether an optional one is."""
        kind, token, flags = argument['type'], argument.get('token'), argument.get('flags', ())
        if 'optional' in flags and not choose(argument, None):
            return
        for i in range(2 if 'multiple' in flags else 1):
            if token is not None and (i == 0 or 'multiple_token' in flags):
                self.add('' if token == '""' else token)
            if kind == 'oneof':
                self.add_argument(choose(argument, argument['arguments']), choose)
            elif kind == 'block':
                self.add_arguments(argument['arguments'], choose)
            elif kind != 'pure-token':
                self.add_value(argument)

    def add_arguments(self, arguments, choose):
        for argument in arguments:
            number, before = self.number, self.n_keys
            self.add_argument(argument, choose)
            # The keys that it counts are the argument behind it, which may be left out.
            if number is not None:
                self.given[number] = self.expected[number] = str(self.n_keys - before)
                self.number = None


def find_choices(arguments):
    """All that may be there or not, and each of several, with what they are within."""
    for argument in arguments:
        if 'optional' in argument.get('flags', ()):
            yield [(argument['name'], None)]
        inner = argument.get('arguments', ())
        for part in inner:
            here = [(argument['name'], part['name'])] if argument['type'] == 'oneof' else []
            if 'optional' in argument.get('flags', ()):
                here.append((argument['name'], None))
            if here:
                yield here
            for further in find_choices([part]):
                yield here + further


def make_shapes(names, arguments):
    """The smallest one, one with each choice and with each two, and one with all that may be there."""
    choices = list(find_choices(arguments))
    for words in ([], WORDS):
        for chosen in [[], *choices, *(one + two for one, two in itertools.combinations(choices, 2)), None]:
            def choose(argument, parts, chosen=chosen):
                if parts is None:
                    return chosen is None or (argument['name'], None) in chosen
                return next((part for part in parts if (argument['name'], part['name']) in (chosen or ())), parts[0])

            shape = Shape(names, words)
            shape.add_arguments(arguments, choose)
            yield shape


def make_plain_shape(names, arity):
    """Of a command that a module has not documented: it begins with its key."""
    shape = Shape(names, [])
    shape.add_key()
    while len(shape.given) < abs(arity):
        shape.add('1')
    return shape


def is_sane(shape):
    """With KEYS the key of MIGRATE is empty; else the plugin refuses what the server would."""
    return shape.given[0] != 'migrate' or shape.n_keys == (2 if shape.given[3] == '' else 1)


def find_commands(commands, docs):
    """Names, arity and arguments of those with keys."""
    for name, arity, flags, first, _, _, _, _, specs, subcommands in commands:
        about = docs.get(name, {})
        if first and not specs or 'movablekeys' in flags or any('not_key' not in spec['flags'] for spec in specs):
            yield name.split('|'), arity, about.get('arguments')
        yield from find_commands(subcommands, about.get('subcommands', {}))


def is_expected(seen, expected):
    """MONITOR does not show passwords."""
    return len(seen) == 1 and len(seen[0]) == len(expected) and all(
        part in (wanted, '(redacted)') for part, wanted in zip(seen[0], expected))


class Monitor:
    def __init__(self, path):
        self.stream, self.other = (self.connect(path) for _ in range(2))
        self.say(self.stream, 'MONITOR')
        self.n_marks = 0

    @staticmethod
    def connect(path):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        return sock.makefile('rwb')

    @staticmethod
    def say(stream, line):
        stream.write(line.encode() + b'\r\n')
        stream.flush()
        return stream.readline()

    @staticmethod
    def unescape(text):
        return re.sub(r'\\(x..|.)', lambda match: {'"': '"', '\\': '\\'}[match[1]], text)

    def read(self):
        """What has come since: of each command its arguments."""
        self.n_marks += 1
        self.say(self.other, f'ECHO mark-{self.n_marks}')
        seen = []
        while True:
            arguments = [self.unescape(text) for text in re.findall(r'"((?:[^"\\]|\\.)*)"', self.stream.readline().decode())]
            if arguments == ['ECHO', f'mark-{self.n_marks}']:
                return seen
            seen.append(arguments)


async def test_fault_16_all_commands(server):
    path = server.get_socket_path()
    plain = Tornadis.Client(unix_domain_socket=path, decode=True)
    client = Tornadis.Client(unix_domain_socket=path)
    client.add_plugin_by_name('key-prefix').props.prefix = PREFIX
    await client.call('PING')
    # Every command is in the slow log, and some are not shown by MONITOR.
    await plain.call('CONFIG', 'SET', 'slowlog-log-slower-than', 0)
    hidden, n_shapes, wrong = set(), 0, []
    monitor = Monitor(path)

    for names, arity, arguments in find_commands(await plain.call('COMMAND'), await plain.call('COMMAND', 'DOCS')):
        shapes = [make_plain_shape(names, arity)] if arguments is None else make_shapes(names, arguments)
        for shape in filter(is_sane, shapes):
            outcome = None
            try:
                await client.call(*shape.given)
            except GLib.Error as error:
                outcome = error
            seen = [arguments for arguments in monitor.read() if arguments[0] != 'COMMAND']
            if not seen and not (outcome and outcome.matches(Tornadis.error_quark(), Tornadis.Error.PLUGIN)):
                hidden.add(names[0])
                seen = [entry[3] for entry in await plain.call('SLOWLOG', 'GET', 5) if entry[3][0] == names[0]][:1]
                monitor.read()
            n_shapes += 1
            if not is_expected(seen, shape.expected):
                wrong.append(f'{shape.given}: {seen} ({outcome})')

    print(f'# {n_shapes} shapes; not shown by MONITOR: {sorted(hidden)}')
    print('# ' + '\n# '.join(wrong), file=sys.stderr)
    equal(wrong, [])
    assert n_shapes > 1000


main(sys.modules[__name__])
