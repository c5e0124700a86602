# SPDX-License-Identifier: LGPL-2.1-or-later
"""tornadis call, and the options that all subcommands have."""

import json
import os
import subprocess
import sys
import time

from tap import equal, main
from tool import TOOL, environment, good, read_terminal, read_terminal_until, run, settle, shell, start, terminal

from gi.repository import TornadisHarness

BINARY = bytes(range(256)) + b'\r\n'


def fails(result, status, *words):
    """A failure says what is wrong, in one or two lines on standard error."""
    assert result.status == status and result.out == b'' and result.err.startswith('tornadis: '), result
    for word in words:
        assert word in result.err, (word, result.err)


def peer_uri(peer):
    return f'redis://127.0.0.1:{peer.get_port()}'


def test_raw(server):
    equal(good(run(server, 'call', 'SET', 'k', 'grün')), b'OK\n')
    equal(good(run(server, 'call', 'GET', 'k')), 'grün\n'.encode())
    equal(good(run(server, 'call', 'GET', 'nothing')), b'\n')
    equal(good(run(server, 'call', 'INCRBY', 'n', '-5')), b'-5\n')
    equal(good(run(server, 'call', 'RPUSH', 'l', 'a', '', 'b c')), b'3\n')
    equal(good(run(server, 'call', 'LRANGE', 'l', '0', '-1')), b'a\n\nb c\n')
    equal(good(run(server, 'call', 'LRANGE', 'nothing', '0', '-1')), b'')
    equal(good(run(server, 'call', '--no-newline', 'GET', 'k')), 'grün'.encode())
    equal(good(run(server, 'call', 'ECHO', '--json')), b'--json\n')
    equal(good(run(server, 'call', '--', 'ECHO', '--')), b'--\n')
    equal(good(run(server, 'call', 'ECHO', '')), b'\n')
    good(run(server, 'call', 'ZADD', 'z', '1.5', 'a'))
    for protocol in '--resp2', '--resp3':
        equal(good(run(server, 'call', protocol, 'ZSCORE', 'z', 'a')), b'1.5\n')
        good(run(server, 'call', protocol, 'HSET', 'h', 'f', 'v'))
        equal(good(run(server, 'call', protocol, 'HGETALL', 'h')), b'f\nv\n')


def test_terminal(server):
    good(run(server, 'call', 'RPUSH', 'l', 'a', '\x1b[1m"'))
    quoted = b'1) "a"\n2) "\\x1b[1m\\""\n'
    with terminal() as (master, slave):
        with start(server, 'call', 'LRANGE', 'l', '0', '-1', stdout=slave) as process:
            equal(process.wait(60), 0)
            equal(read_terminal(master).replace(b'\r\n', b'\n'), quoted)
        with start(server, 'call', '--raw', 'LRANGE', 'l', '0', '-1', stdout=slave) as process:
            equal(process.wait(60), 0)
            equal(read_terminal(master).replace(b'\r\n', b'\n'), b'a\n\x1b[1m"\n')
    equal(good(run(server, 'call', '--quoted', 'LRANGE', 'l', '0', '-1')), quoted)


def test_text(server):
    """Text for people is printed as lines on a terminal, whichever the protocol; elsewhere as it is."""
    for protocol in '-2', '-3':
        for words, begin in ((['INFO', 'server'], b'# Server\nredis_'), (['info', 'SERVER'], b'# Server\nredis_'), (['CLIENT', 'LIST'], b'id='),
                             (['client', 'info'], b'id='), (['MEMORY', 'DOCTOR'], b'Hi Sam'), (['LATENCY', 'DOCTOR'], b''),
                             (['LOLWUT'], b'')):
            shown = good(run(server, 'call', protocol, '--quoted', *words))
            assert shown.startswith(begin) and b'\\' not in shown and b'\r' not in shown, shown
            assert shown[-1:] == b'\n' and shown[-2:] != b'\n\n' and not shown.startswith(b'"'), shown
        info = good(run(server, 'call', protocol, 'INFO', 'server'))
        assert info.startswith(b'# Server\r\nredis_'), info
        good(run(server, 'call', protocol, 'SET', 'k', 'a\r\nb'))
        equal(good(run(server, 'call', protocol, '--quoted', 'GET', 'k')), b'"a\\r\\nb"\n')
    with terminal() as (master, slave):
        with start(server, 'call', '-2', 'INFO', 'server', stdout=slave) as process:
            equal(process.wait(60), 0)
            assert read_terminal(master).startswith(b'# Server\r\nredis_')
    peer = TornadisHarness.Peer.new('handshake\nexpect INFO\nsend "$12\\r\\na\\x1b[1m\\r\\n\\r\\x09b\\r\\n\\r\\n"')
    equal(good(run(None, 'call', '--uri', peer_uri(peer), '--quoted', 'INFO')), b'a\\x1b[1m\n\\x0d\tb\n')


def test_text_at_the_prompt(server):
    """There it is lines, too, and what is wrong with the file of its history is said of that."""
    with terminal() as (master, slave):
        process = subprocess.Popen([TOOL, '-2'], stdin=slave, stdout=slave, stderr=slave,
                                   env=environment(server, XDG_STATE_HOME='/dev/null', TERM='xterm', NO_COLOR='1'))
        try:
            shown = read_terminal_until(master, b'> ')
            os.write(master, b'INFO server\n')
            read_terminal_until(master, b'# Server\r\nredis_version:')
            os.write(master, b'ECHO "a\\r\\nb"\n')
            read_terminal_until(master, rb'"a\\r\\nb"\r\n')
            os.write(master, b'quit\n')
            equal(process.wait(60), 0)
        finally:
            process.kill()
            process.wait()
    if os.environ['TORNADIS_TOOL_READLINE'] == '1':
        assert b'The history is not kept: /dev/null/tornadis/history: Not a directory' in shown, shown


def test_binary(server):
    equal(good(run(server, 'call', 'SET', 'b', '-', stdin=BINARY)), b'OK\n')
    equal(good(run(server, 'call', '--no-newline', 'GET', 'b')), BINARY)
    equal(good(run(server, 'call', 'GET', 'b')), BINARY + b'\n')
    equal(good(run(server, 'call', 'SET', b'\xff\xfe', b'\xfd')), b'OK\n')
    equal(good(run(server, 'call', 'GET', b'\xff\xfe')), b'\xfd\n')
    equal(good(run(server, 'call', 'SET', 'empty', '-')), b'OK\n')
    equal(good(run(server, 'call', 'STRLEN', 'empty')), b'0\n')
    large = os.urandom(1 << 20) * 20
    equal(good(run(server, 'call', 'SET', 'large', '-', stdin=large)), b'OK\n')
    assert good(run(server, 'call', '--no-newline', 'GET', 'large')) == large
    good(run(server, 'call', 'XADD', 's', '1-1', 'f', 'v'))
    equal(good(run(server, 'call', '--no-stdin', 'XREVRANGE', 's', '+', '-')), b'1-1\nf\nv\n')
    equal(good(run(None, 'call', 'GET', 'empty', LC_ALL='C', TORNADIS_URI='unix://' + server.get_socket_path())), b'\n')


def test_json(server):
    def value(*args):
        lines = good(run(server, 'call', '--json', *args)).decode().split('\n')
        assert len(lines) == 2 and lines[1] == '', lines
        return json.loads(lines[0])

    text = 'quote " backslash \\ ü \u2028 \x7f ' + ''.join(chr(c) for c in range(1, 32))
    equal(value('ECHO', text), text)
    equal(value('ECHO', b'\xff'), {'base64': '/w=='})
    run(server, 'call', 'SET', 'b', '-', stdin=BINARY)
    assert set(value('GET', 'b')) == {'base64'}
    equal(value('GET', 'nothing'), None)
    equal(value('INCRBY', 'n', '9223372036854775807'), 2 ** 63 - 1)
    equal(value('LRANGE', 'nothing', '0', '-1'), [])
    equal(value('HSET', 'h', 'a', '1', 'b', '2'), 2)
    equal(value('HGETALL', 'h'), {'a': '1', 'b': '2'})
    equal(value('--resp2', 'HGETALL', 'h'), ['a', '1', 'b', '2'])
    equal(value('DEBUG', 'PROTOCOL', 'map'), [[0, False], [1, True], [2, False]])
    equal(value('DEBUG', 'PROTOCOL', 'set'), [0, 1, 2])
    equal(value('DEBUG', 'PROTOCOL', 'true'), True)
    equal(value('DEBUG', 'PROTOCOL', 'double'), 3.141)
    equal(value('DEBUG', 'PROTOCOL', 'bignum'), '1234567999999999999999999999999999999')
    equal(value('DEBUG', 'PROTOCOL', 'verbatim'), 'This is a verbatim\nstring')
    equal(value('ZADD', 'z', 'inf', 'a', '0.1', 'b'), 2)
    equal(value('ZMSCORE', 'z', 'a', 'b', 'c'), ['inf', 0.1, None])
    equal(value('EVAL', 'return {redis.error_reply("BAD \\"x\\""), 1}', '0'), [{'error': 'BAD "x"'}, 1])
    equal(value('EVAL', 'return {{{{}}, {1, {2}}}}', '0'), [[[[]], [1, [2]]]])


def test_deep(server):
    script = 'handshake\nexpect GET\nsend-repeat 15000 "*1\\r\\n"\nsend ":1\\r\\n"'
    for options, expected in ((['--json'], b'[' * 15000 + b'1' + b']' * 15000 + b'\n'), ([], b'1\n')):
        peer = TornadisHarness.Peer.new(script)
        equal(good(run(None, 'call', *options, '--uri', peer_uri(peer), 'GET', 'k')), expected)


def test_errors(server):
    good(run(server, 'call', 'SET', 'k', 'v'))
    for options in [], ['--json'], ['--quoted']:
        fails(run(server, 'call', *options, 'LPUSH', 'k', 'x'), 1, 'WRONGTYPE')
    fails(run(server, 'call', 'SUBSCRIBE', 'a'), 2, 'SUBSCRIBE')
    fails(run(server, 'call', 'SET', 'k', '-', stdin=b'', TORNADIS_URI='redis://127.0.0.1:1'), 1, 'connect')
    fails(run(None, 'call', '--uri', 'unix:///nowhere/at/all', 'PING'), 1)
    server.kill()
    fails(run(server, 'call', 'PING'), 1)


def test_lost(server):
    peer = TornadisHarness.Peer.new('handshake\nexpect GET\nclose')
    fails(run(None, 'call', '--uri', peer_uri(peer), 'GET', 'k'), 1, 'GET')
    equal(peer.get_failure(), None)


def test_timeout(server):
    peer = TornadisHarness.Peer.new('handshake\nexpect GET\nstop-reading')
    begin = time.monotonic()
    fails(run(None, 'call', '--timeout', '0.3', '--uri', peer_uri(peer), 'GET', 'k'), 1, 'GET')
    assert 0.3 <= time.monotonic() - begin
    for bad in '-1', 'nan', 'inf', '1e30':
        fails(run(server, 'call', '--timeout', bad, 'PING'), 2, 'timeout')
    fails(run(server, 'call', '--timeout', 'soon', 'PING'), 2, 'soon')


def test_control_characters(server):
    """What a server says changes nothing on a terminal: neither its errors nor its statuses."""
    fails(run(server, 'call', '\x1b[31mfrob'), 1, r'\x1b[31mfrob')
    script = "return {ok = 'a\\27[31mred\\7'}"
    equal(good(run(server, 'call', '--quoted', 'EVAL', script, '0')), br'a\x1b[31mred\x07' + b'\n')
    equal(good(run(server, 'call', 'EVAL', script, '0')), b'a\x1b[31mred\x07\n')


def test_repeated_before(server):
    equal(good(run(server, '-r', '2', '-i', '0.01', 'call', 'INCR', 'n')), b'1\n2\n')
    assert '-r' in run(server, '-r', '2', 'scan').err


def test_usage(server):
    fails(run(server), 2, 'terminal', 'tornadis pipe')
    fails(run(server, 'frob'), 2, 'frob')
    fails(run(server, '--json', 'call'), 2)
    fails(run(server, 'call'), 2)
    fails(run(server, 'call', '--frob', 'PING'), 2, '--frob', 'tornadis call --help')
    fails(run(server, 'call', '--resp2', '--resp3', 'PING'), 2)
    fails(run(server, 'call', '--uri', 'http://x', 'PING'), 2)
    fails(run(server, 'help', 'frob'), 2, 'frob')
    for arguments in (['--help'], ['help']):
        help_text = good(run(None, *arguments)).decode()
        for name in 'call', 'pipe', 'subscribe', 'bench', 'plugins':
            assert name in help_text
            equal(good(run(None, 'help', name)), good(run(None, name, '--help')))
            assert f'tornadis {name} [OPTION…]' in good(run(None, name, '--help')).decode()
    assert good(run(None, '--version')).startswith(b'tornadis 1.')


def test_uri(server):
    uri = f'redis://127.0.0.1:{server.get_port()}/3?client-name=me'
    equal(good(run(None, 'call', '--uri', uri, 'CLIENT', 'GETNAME')), b'me\n')
    equal(good(run(None, 'call', 'CLIENT', 'GETNAME', TORNADIS_URI=uri)), b'me\n')
    equal(good(run(None, 'call', '--uri', uri, 'CLIENT', 'GETNAME', TORNADIS_URI='redis://127.0.0.1:1')), b'me\n')
    uris = (uri.replace('redis', 'valkey'), uri.replace('redis', 'VALKEY'),
            f'valkey+unix://{server.get_socket_path()}?client-name=me')
    for each in uris:
        equal(good(run(None, 'call', '--uri', each, 'CLIENT', 'GETNAME')), b'me\n')
    for each, text in (('redis-none://h', 'There is no plugin “none”'), ('valkeys-log://h', '“log” is not one that a scheme can name'),
                       ('redis-log://h,,h', 'between commas'), ('http://h', 'valkey+unix')):
        fails(run(server, 'call', '--uri', each, 'PING'), 2, text)
    equal(good(run(server, 'call', '--resp2', '--json', 'DEBUG', 'PROTOCOL', 'true')), b'1\n')
    equal(good(run(server, 'call', '--resp3', '--json', 'DEBUG', 'PROTOCOL', 'true')), b'true\n')


def test_password(server):
    guarded = TornadisHarness.Redis.new(['--requirepass', 's3cret'])
    equal(good(run(guarded, 'call', 'PING', TORNADIS_PASSWORD='s3cret')), b'PONG\n')
    uri = f'redis://:s3cret@127.0.0.1:{guarded.get_port()}'
    equal(good(run(None, 'call', '--uri', uri, 'PING', TORNADIS_PASSWORD='wrong')), b'PONG\n')
    for result in (run(guarded, 'call', 'PING'),
                   run(guarded, 'call', 'PING', TORNADIS_PASSWORD='hush'),
                   run(None, 'call', '--uri', uri.replace('s3cret', 'hush'), 'PING')):
        fails(result, 1)
        assert 'hush' not in result.err
    for arguments in (['--uri', 'redis://:hush@h:99999', 'PING'], ['--uri', 'redis://:hu/sh@h', 'PING'],
                      ['--pasword=hush', 'PING'], ['--plugin', 'every-type:int=hush', 'PING']):
        result = run(server, 'call', *arguments)
        fails(result, 2)
        assert 'hush' not in result.err and 'hu/' not in result.err, result.err


def test_output(server):
    run(server, 'call', 'SET', 'k', '-', stdin=b'x' * 1000000)
    result = shell(server, 'tornadis call GET k > /dev/full')
    fails(result, 1, 'standard output')
    result = shell(server, 'tornadis call SET closed v >&-')
    fails(result, 1, 'standard output')
    equal(good(run(server, 'call', 'GET', 'closed')), b'v\n')
    result = shell(server, 'tornadis call GET k | head -c 10; echo " ${PIPESTATUS[0]}"')
    equal(good(result), b'xxxxxxxxxx 141\n')
    result = shell(server, 'tornadis call SET k - <&-')
    fails(result, 1, 'standard input')


def test_slow_reader(server):
    run(server, 'call', 'SET', 'k', '-', stdin=b'x' * 1000000)
    with start(server, 'call', 'GET', 'k') as process:
        settle(process)
        equal(process.stdout.read(), b'x' * 1000000 + b'\n')
        equal(process.wait(60), 0)


def test_nonblocking_output(server):
    run(server, 'call', 'SET', 'k', '-', stdin=b'x' * 1000000)
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with subprocess.Popen([TOOL, 'call', 'GET', 'k'], stdout=write_end, env=environment(server)) as process:
        os.close(write_end)
        with os.fdopen(read_end, 'rb') as output:
            equal(output.read(), b'x' * 1000000 + b'\n')
        equal(process.wait(60), 0)


def test_connecting(server):
    """Of a server that hangs it is said on a terminal what is waited for."""
    server.pause()
    for command in ['call', 'PING'], ['scan'], ['keys', '--big', '--json'], ['stat', '-r', '1'], ['monitor', '--count', '1']:
        with start(server, *command) as process, terminal() as (master, slave):
            with start(server, *command, stderr=slave) as shown:
                read_terminal_until(master, b'tornadis: Connecting to .*\xe2\x80\xa6\r\n')
                shown.kill()
            process.kill()
            equal(process.stderr.read(), b'')
    server.resume()
    with terminal() as (master, slave):
        with start(server, 'call', 'PING', stderr=slave) as process:
            equal((process.stdout.read(), process.wait(60), read_terminal(master)), (b'PONG\n', 0, b''))


def test_shutdown(server):
    """A connection that ends for it is no error; what the server refuses is one."""
    fails(run(server, 'call', 'SHUTDOWN', 'ABORT'), 1, 'No shutdown in progress')
    fails(run(server, 'call', 'shutdown', 'frob'), 1, 'syntax')
    equal(good(run(server, 'call', '-r', '3', 'shutdown', 'nosave')), b'')
    fails(run(server, 'call', 'SHUTDOWN'), 1, 'onnect')
    peer = TornadisHarness.Peer.new('handshake\nexpect SHUTDOWN\nclose')
    fails(run(None, 'call', '--uri', peer_uri(peer), 'SHUTDOWN', 'ABORT'), 1, 'lost')


main(sys.modules[__name__])
