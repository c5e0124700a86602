# SPDX-License-Identifier: LGPL-2.1-or-later
"""tornadis plugins, and --plugin with its options."""

import json
import os
import sys
import tempfile

from tap import equal, main
from tool import good, run


def test_list(server):
    text = good(run(None, 'plugins')).decode()
    assert '\nlog: logs a line' in text and '  prefix: text\n' in text, text
    assert '  boolean: true or false (default: false); A switch\n' in text, text
    assert '  int: a number from -100 to 100 (default: 7)\n' in text, text
    assert '  enum: one of auto, resp2, resp3 (default: auto)\n' in text, text
    assert '  object' not in text
    assert 'every-type: has a property of "every" type\n' in text, text
    # Those of the library all say what they do.
    assert 'cache: answers reads from memory, which the server keeps up to date\n' in text, text
    bare = [line for line in text.splitlines() if not line.startswith(' ') and ': ' not in line]
    equal(bare, [])
    names = good(run(None, 'plugins', '--names')).decode().split()
    assert 'log' in names and 'every-type' in names and names == sorted(names), names


def test_json(server):
    plugins = [json.loads(line) for line in good(run(None, 'plugins', '--json')).decode().splitlines()]
    every = next(plugin for plugin in plugins if plugin['name'] == 'every-type')
    equal(every['description'], 'has a property of "every" type')
    properties = {each['name']: each for each in every['properties']}
    equal(properties['boolean'], {'name': 'boolean', 'takes': 'true or false', 'default': 'false',
                                  'description': 'A switch'})
    equal(properties['strv']['default'], None)
    names = [json.loads(line) for line in good(run(None, 'plugins', '--json', '--names')).decode().splitlines()]
    equal(names, [plugin['name'] for plugin in plugins])


def test_none(server):
    result = run(None, 'plugins', 'log')
    assert result.status == 2 and result.out == b'', result
    assert run(None, 'plugins', '--uri', 'redis://h').status == 2


def test_broken(server):
    """One that cannot be loaded does not hide the others."""
    with tempfile.TemporaryDirectory() as directory:
        with open(f'{directory}/libtornadis-broken.so', 'wb') as file:
            file.write(b'not a module')
        path = directory + ':' + os.environ['TORNADIS_PLUGIN_PATH']
        result = run(None, 'plugins', TORNADIS_PLUGIN_PATH=path)
        equal((result.status, result.err.count('\n')), (1, 1))
        assert b'every-type: ' in result.out and b'log: ' in result.out and b'broken' not in result.out, result
        assert 'broken' in result.err
        assert 'broken' in good(run(None, 'plugins', '--names', TORNADIS_PLUGIN_PATH=path)).decode().split()
        result = run(None, 'call', '--plugin', 'broken', 'PING', TORNADIS_PLUGIN_PATH=path)
        assert result.status == 2 and 'broken' in result.err, result


def test_values(server):
    for name, text, shown in (
            ('boolean', 'true', 'TRUE'), ('boolean', 'off', 'FALSE'), ('char', '-10', '-10'), ('uchar', '255', '255'),
            ('int', '-100', '-100'), ('uint', '4294967295', '4294967295'),
            ('long', '-9223372036854775808', '-9223372036854775808'), ('ulong', '18446744073709551615',
                                                                      '18446744073709551615'),
            ('int64', '-9223372036854775808', '-9223372036854775808'),
            ('uint64', '18446744073709551615', '18446744073709551615'), ('float', '0.5', '0.500000'),
            ('double', '-1.5e3', '-1500.000000'), ('enum', 'resp3', '((TornadisProtocol) TORNADIS_PROTOCOL_RESP3)'),
            ('flags', 'bidirectional|sync-create', '((GBindingFlags) G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE)'),
            ('construct-only', 'a=b:c', '"a=b:c"'), ('construct-only', '', '""'),
            ('flags', 'bidirectional\\,sync-create', '((GBindingFlags) G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE)'),
            ('construct-only', 'a\\,b\\\\c\\d', '"a,b\\\\c\\\\d"'), ('strv', 'a;b', '["a", "b"]'),
            ('strv', 'a\\,b', '["a", "b"]')):
        equal(good(run(server, 'call', '--plugin', f'every-type:{name}={text}', 'SHOW', name)).decode(), shown + '\n')

    several = 'every-type:int=3,construct-only=x\\,y,boolean=yes'
    for name, shown in ('int', '3'), ('construct-only', '"x,y"'), ('boolean', 'TRUE'):
        equal(good(run(server, 'call', '--plugin', several, 'SHOW', name)).decode(), shown + '\n')
    equal(good(run(server, 'call', '--plugin', 'every-type', 'SHOW', 'construct-only')), b'"as made"\n')


def test_fault_18_uri(server):
    """The URI is the user's own: it may choose plugins."""
    for name, text, shown in (('strv', 'a,b;c', '["a", "b", "c"]'), ('strv', 'a%5C,b', '["a,b"]'),
                              ('flags', 'bidirectional,sync-create',
                               '((GBindingFlags) G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE)')):
        uri = f'unix://{server.get_socket_path()}?plugins=every-type&every-type.{name}={text}'
        equal(good(run(None, 'call', '--uri', uri, 'SHOW', name)).decode(), shown + '\n')
        equal(good(run(None, 'call', 'SHOW', name, TORNADIS_URI=uri)).decode(), shown + '\n')


def test_bad_values(server):
    for options in ('boolean=maybe', 'char=11', 'char=128', 'uchar=256', 'uchar=-1', 'int=101', 'int=1x', 'int=',
                    'int=99999999999999999999', 'uint=4294967296', 'uint=-1', 'int64=9223372036854775808', 'float=2',
                    'float=x', 'double=1e10', 'double=', 'double=1 ', 'enum=resp4', 'enum=', 'flags=a|b',
                    'object=x', 'nothing=1', 'int', '=1', 'int=1,,', 'int=1,uint'):
        result = run(server, 'call', '--plugin', f'every-type:{options}', 'PING')
        assert result.status == 2 and result.out == b'' and 'every-type' in result.err, (options, result)
    for name in 'no-such-plugin', '', '../log', 'Log', ':int=1':
        result = run(server, 'call', '--plugin', name, 'PING')
        assert result.status == 2 and result.out == b'' and result.err.startswith('tornadis: '), (name, result)
    assert '“int” of the plugin “every-type”' in run(server, 'call', '--plugin', 'every-type:int=101', 'PING').err


def test_log(server):
    """What a plugin logs is not among the replies, and several plugins are used."""
    result = run(server, 'call', '--plugin', 'log:prefix=one ', '--plugin', 'log:prefix=two ', 'PING')
    equal((result.status, result.out), (0, b'PONG\n'))
    assert 'one ' in result.err and 'two ' in result.err, result
    result = run(server, 'pipe', '--plugin', 'log', stdin=b'PING\nPING\n')
    equal((result.status, result.out, result.err.count('PING')), (0, b'PONG\nPONG\n', 2))
    result = run(server, 'bench', '--plugin', 'log', '--requests', '20', '--clients', '2')
    equal((result.status, result.err.count('SET')), (0, 20))


main(sys.modules[__name__])
