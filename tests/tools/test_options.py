# SPDX-License-Identifier: LGPL-2.1-or-later
"""The options that all subcommands have."""

import csv
import fcntl
import io
import os
import signal
import subprocess
import sys
import termios

from tap import equal, main
from tool import COMMANDS, TOOL, environment, good, publish, read_terminal, read_terminal_until, run, start, terminal, wait_for

from gi.repository import TornadisHarness


def uri_of(server, path=''):
    return f'redis://127.0.0.1:{server.get_port()}{path}'


def address_of(server):
    return '-h', '127.0.0.1', '-p', str(server.get_port())


def fails(result, status, *words):
    assert result.status == status and result.out == b'' and result.err.startswith('tornadis: '), result
    for word in words:
        assert word in result.err, (word, result.err)


def test_server(server):
    path, port = server.get_socket_path(), str(server.get_port())
    for options in (address_of(server), ('-p', port), ('--host=localhost', '--port', port), ('-s', path), ('--socket=' + path,),
                    ('-u', uri_of(server)), ('--uri', uri_of(server))):
        equal(good(run(None, 'call', *options, 'PING')), b'PONG\n')
        # The server of the environment is another one, whose password is not for this.
        equal(good(run(None, 'call', *options, 'PING', TORNADIS_URI='redis://:hush@127.0.0.1:1')), b'PONG\n')
        # Options may stand before the subcommand.
        equal(good(run(None, *options, 'call', 'PING')), b'PONG\n')
        equal(good(run(None, *options, 'pipe', '-q', stdin=b'PING\n')), b'1 command, 0 errors\n')
    assert '-h, --host=HOST' in good(run(None, '-p', '1', 'call', '--help')).decode()
    assert '-h, --host=HOST' in good(run(None, '-p', '1', 'help')).decode()
    fails(run(server, '-s', path, 'PING'), 2, 'There is no command “PING”', 'tornadis call')
    fails(run(server, '--nothing', 'call', 'PING'), 2, 'Unknown option --nothing')
    fails(run(None, 'call', '-h'), 2, 'Missing argument for -h', '--help')


def test_conflicts(server):
    for options, problem in (
            (['-u', 'redis://h', '-h', 'h'], 'Either a URI, or a host'), (['-u', 'redis://h', '-p', '1'], 'Either a URI'),
            (['-u', 'redis://h', '-s', '/x'], 'Either a URI'), (['-s', '/x', '-h', 'h'], 'Either a unix socket'),
            (['-s', '/x', '-p', '1'], 'Either a unix socket'), (['-s', '/x', '-c'], 'The nodes of a cluster'),
            (['-p', '0'], 'The port'), (['-p', '-1'], 'The port'), (['-p', '65536'], 'The port'), (['-p', 'x'], 'integer'),
            (['-h', ''], 'The host'), (['-s', ''], 'The unix socket'), (['-n', '-1'], 'The database'), (['-n', 'x'], 'integer'),
            (['-a', 'hush', '--askpass'], '--askpass'), (['--tls', '--key', '/x'], '--cert'),
            (['--tls', '--cacert', '/x', '--insecure'], '--insecure'), (['-2', '-3'], 'Either --resp2'),
            (['--json', '--csv'], 'One of'), (['--csv', '--raw'], 'One of'), (['--quoted', '--csv'], 'One of'),
            (['-r', '0'], 'times'), (['-r', '-2'], 'times'), (['-i', '-1'], 'interval'), (['-i', 'nan'], 'interval'),
            (['-i', '1e9'], 'interval'), (['--cacert', '/x'], 'need --tls'), (['--insecure'], 'need --tls'),
            (['-c', '-u', 'unix:///x'], 'none of a node'), (['-c', '-u', 'redis-sentinel://h/x'], 'none of a node'),
            (['-x', '--no-stdin'], 'Either -x')):
        result = run(server, 'call', *options, 'PING')
        fails(result, 2, problem)
        assert 'hush' not in result.err


def test_db(server):
    for number, options in ((3, ['-n', '3']), (4, ['--db=4']), (5, ['-u', uri_of(server, '/5')]),
                            (6, ['-u', uri_of(server, '/7'), '-n', '6']), (0, ['-u', uri_of(server, '/7'), '-n', '0'])):
        good(run(server, 'call', *options, 'SET', 'number', str(number)))
        equal(good(run(server, 'call', '-n', str(number), 'GET', 'number')), f'{number}\n'.encode())
    equal(good(run(server, 'call', '-n', '7', 'DBSIZE')), b'0\n')
    fails(run(server, 'call', '-n', '99', 'PING'), 1, 'SELECT')


def test_login(server):
    server.command('ACL SETUSER joe on >right +@all ~*')
    whoami = ['call', *address_of(server), 'ACL', 'WHOAMI']

    def who(*options, **extra):
        return good(run(None, *options, *whoami, **extra)).decode().strip()

    equal(who('--user', 'joe', '-a', 'right'), 'joe')
    equal(who('--user=joe', '--pass=right'), 'joe')
    equal(who('--user', 'joe', TORNADIS_PASSWORD='right', REDISCLI_AUTH='hush'), 'joe')
    equal(who('--user', 'joe', REDISCLI_AUTH='right'), 'joe')
    equal(who('--user', 'joe', '-a', 'right', TORNADIS_PASSWORD='hush', REDISCLI_AUTH='hush'), 'joe')
    # An environment that is empty is none.
    equal(who(TORNADIS_PASSWORD='', REDISCLI_AUTH=''), 'default')

    # What stands beside the URI counts more.
    uri = f'redis://ann:hush@127.0.0.1:{server.get_port()}'
    equal(good(run(None, 'call', '-u', uri, '--user', 'joe', '-a', 'right', 'ACL', 'WHOAMI')), b'joe\n')
    uri = f'redis://joe:right@127.0.0.1:{server.get_port()}'
    equal(good(run(None, 'call', '-u', uri, 'ACL', 'WHOAMI', REDISCLI_AUTH='hush')), b'joe\n')
    for options in ['--user', 'joe'], ['--user', 'joe', '-a', 'hush'], ['-u', uri, '-a', 'hush']:
        address = () if '-u' in options else address_of(server)
        result = run(None, 'call', *options, *address, 'PING', '')
        fails(result, 1, 'WRONGPASS')
        assert 'hush' not in result.err


def test_hidden_password(server):
    """Nobody sees in the list of processes what was a password."""
    server.command('ACL SETUSER joe on >hush +@all ~*')
    socket = ['--user', 'joe', '-s', server.get_socket_path()]
    for options in ([*socket, '-a', 'hush'], [*socket, '--pass=hush'], [*socket, '--pass', 'hush'], [*socket, '-3a', 'hush'],
                    ['-u', f'redis://joe:hush@127.0.0.1:{server.get_port()}'],
                    [f'--uri=redis://joe:hush@127.0.0.1:{server.get_port()}']):
        words = [*options, 'call'] if '-a' in options else ['call', *options]
        with start(None, *words, 'BLPOP', 'nothing', '0') as process:
            wait_for(lambda: 'blocked_clients:1' in server.command('INFO clients'), 'the call')
            with open(f'/proc/{process.pid}/cmdline', 'rb') as file:
                line = file.read()
            assert b'hush' not in line and b'****' in line and b'BLPOP' in line, line
        wait_for(lambda: 'blocked_clients:0' in server.command('INFO clients'), 'its end')


def start_on_terminal(slave, *words):
    """With a terminal of its own, but with other standard streams."""
    def own():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    return subprocess.Popen([TOOL, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=environment(), preexec_fn=own)


def test_askpass(server):
    server.command('CONFIG SET requirepass "hu sh"')
    words = ['call', '--askpass', *address_of(server), 'PING']
    # Without a terminal there is nobody to ask.
    done = subprocess.run([TOOL, *words], stdin=subprocess.DEVNULL, capture_output=True, env=environment(),
                          start_new_session=True, timeout=60)
    equal((done.returncode, done.stdout), (2, b''))
    assert b'There is no terminal' in done.stderr, done.stderr

    with terminal() as (master, slave):
        shown = termios.tcgetattr(slave)
        for answer, status in ((b'hu sh\n', 0), (b'wrong\n', 1), (b'\x03', -signal.SIGINT)):
            with start_on_terminal(slave, *words) as process:
                read_terminal_until(master, b'Password: ')
                wait_for(lambda: not termios.tcgetattr(slave)[3] & termios.ECHO, 'a terminal that shows nothing')
                os.write(master, answer)
                out, _err = process.communicate(timeout=60)
                equal((process.returncode, out), (status, b'PONG\n' if status == 0 else b''))
            equal(read_terminal(master).strip(), b'')
            equal(termios.tcgetattr(slave)[3], shown[3])


def test_tls(server):
    secure = TornadisHarness.Redis.new_tls(None)
    ca, other, cert, key = map(secure.get_file, ('ca.pem', 'other-ca.pem', 'client.pem', 'client.key'))
    address = ['-p', str(secure.get_tls_port())]
    mine = ['--cert', cert, '--key', key]

    def call(*options):
        return run(None, 'call', *options, 'PING')

    equal(good(call('--tls', '--cacert', ca, *mine, *address)), b'PONG\n')
    uri = f'rediss://127.0.0.1:{secure.get_tls_port()}'
    equal(good(call('-u', uri, '--cacert', ca, *mine)), b'PONG\n')
    equal(good(call('-u', uri.replace('rediss', 'redis'), '--tls', '--cacert', ca, *mine)), b'PONG\n')
    equal(good(call('--tls', '--insecure', *mine, *address)), b'PONG\n')
    # As a relative path, and both in one file.
    both = secure.get_file('client-both.pem')
    equal(good(call('--tls', '--cacert', os.path.relpath(ca), '--cert', both, *address)), b'PONG\n')

    fails(call('--tls', *mine, *address), 1, 'issuer')
    fails(call('--tls', '--cacert', other, *mine, *address), 1, 'issuer')
    fails(call('--tls', '--cacert', ca, '--sni', 'elsewhere.example', *mine, *address), 1, 'another host')
    equal(good(call('--tls', '--cacert', ca, '--sni', 'localhost', *mine, *address)), b'PONG\n')
    for options in ['--cacert', '/none', *mine], ['--cert', '/none', '--key', key], ['--cert', ca, '--key', ca]:
        fails(call('--tls', *options, *address), 2, options[1])


def test_attached(server):
    """A value behind its letter is none to redis-cli, either; that is said, without the value."""
    for words, shown in ((['-phush', 'call', 'PING'], '-p PORT'), (['call', '-hhush', '-p', '1', 'PING'], '-h HOST'),
                         (['call', '-3ahush', 'PING'], '-a PASSWORD'), (['-2nhush'], '-n NUMBER'), (['bench', '-bhush'], '-b N')):
        result = run(server, *words)
        fails(result, 2, f'The value of {shown[:2]} is a word of its own: {shown}\n')
        assert 'hush' not in result.err, result
    # Values and arguments look as they like.
    equal(good(run(server, 'call', '-3n', '1', 'ECHO', '-p1')), b'-p1\n')
    equal(good(run(server, 'call', '--', 'ECHO', '-p1')), b'-p1\n')
    equal(good(run(server, 'scan', '--pattern', '-p1')), b'')
    for options in ['-a', '-p1'], ['--pass', '-p1'], ['--pass=-p1']:
        fails(run(None, 'call', *options, *address_of(server), '--user', 'joe', 'PING'), 1, 'WRONGPASS')


def test_environment(server):
    """What is wrong with a variable is said of it."""
    for uri in 'http://h', 'redis://h:x', 'redis-none://h':
        fails(run(None, 'call', 'PING', TORNADIS_URI=uri), 2, 'tornadis: TORNADIS_URI: ')
        assert 'TORNADIS_URI' not in run(None, 'call', '-u', uri, 'PING', TORNADIS_URI='redis://h').err
    fails(run(None, 'call', '-c', 'PING', TORNADIS_URI='unix:///x'), 2, 'tornadis: TORNADIS_URI: ')


def test_version(server):
    fails(run(server, '--version', 'extra'), 2, '--version stands alone')


def test_one(server):
    """One is not many."""
    server.command('SET a b')
    assert '1 of 1 key, its name has 1 byte, ' in good(run(server, 'keys', '--big')).decode()
    text = good(run(server, 'bench', '--requests', '1', '--clients', '1', '-d', '1')).decode()
    assert text.startswith('1 SET of 1 byte, 1 client, batches of 1: ') and ', 0 errors\n' in text, text
    peer = TornadisHarness.Peer.new('handshake\nexpect PING\nsend "+PONG\\r\\n"\nexpect PING\nclose\n---\nwait')
    with start(None, 'latency', '-p', str(peer.get_port()), '-i', '3600') as process:
        assert b'trying again' in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        out = process.communicate(timeout=60)[0]
    assert b' ms (1 sample) -- ' in out, out


def test_ascii(server):
    """Where the locale has nothing but ASCII there is nothing else but what servers and users wrote."""
    server.command('SET a b')
    for words in (['stat', '-r', '1'], ['keys', '--big'], ['keys', '--memory'], ['latency', '-i', '0.01'], ['bench', '--requests', '2'],
                  ['help'], ['frob'], ['call', 'RESET'], ['stat', '--frob'], ['call', '-u', 'redis-none://h', 'PING'],
                  *([name, '--help'] for name in COMMANDS)):
        result = run(server, *words, LC_ALL='C')
        assert result.out.isascii() and result.err.isascii() and '?' not in result.err, (words, result)
    assert '“tornadis call”' in run(server, 'frob').err


def test_protocol(server):
    for options, version in (['-2'], 2), (['--resp2'], 2), (['-3'], 3), (['--resp3'], 3):
        equal(good(run(server, 'call', *options, '--json', 'DEBUG', 'PROTOCOL', 'true')), b'1\n' if version == 2 else b'true\n')


def test_cluster(server):
    cluster = TornadisHarness.Cluster.new(3, 0, None)
    hosts = cluster.get_hosts(False)
    host, port = hosts.split(',')[0].rsplit(':', 1)
    for options in (['-h', host, '-p', port], ['-p', port], ['-u', f'redis://{hosts.split(",")[0]}'],
                    ['-u', f'redis-cluster://{hosts}']):
        for name in 'abcdef':
            equal(good(run(None, 'call', '-c', *options, 'SET', name, name)), b'OK\n')
        equal(good(run(None, *options, '--cluster', 'call', 'DBSIZE')), b'6\n')


def test_repeat(server):
    equal(good(run(server, 'call', '-r', '3', 'INCR', 'n')), b'1\n2\n3\n')
    equal(good(run(server, 'call', '-r', '2', '-i', '0.01', '--json', 'INCR', 'n')), b'4\n5\n')
    equal(good(run(server, 'call', '-r', '2', '-x', 'APPEND', 'text', stdin=b'ab')), b'2\n4\n')
    equal(good(run(server, 'call', '-x', 'ECHO', stdin=b'a\0b\n')), b'a\0b\n\n')
    # A dash is a dash then.
    equal(good(run(server, 'call', '-x', 'MGET', '-', stdin=b'text')), b'\nabab\n')
    server.command('SET text x')
    result = run(server, 'call', '-r', '5', 'INCR', 'text')
    fails(result, 1, 'integer')
    equal(result.err.count('\n'), 1)
    with start(server, 'call', '-r', '-1', 'INCR', 'endless') as process:
        equal([process.stdout.readline() for _ in range(3)], [b'1\n', b'2\n', b'3\n'])


def test_repeat_lost(server):
    """An end of the server is an end of the calls."""
    with start(server, 'call', '-r', '-1', '-i', '0.01', 'INCR', 'n') as process:
        equal(process.stdout.readline(), b'1\n')
        server.kill()
        _out, err = process.communicate(timeout=60)
        equal(process.returncode, 1)
        assert err.startswith(b'tornadis: '), err


def records(out):
    return list(csv.reader(io.StringIO(out.decode(), newline='')))


def test_csv(server):
    def call(*words):
        return good(run(server, 'call', '--csv', *words))

    text = 'a "quoted"\r\nword, ü'
    equal(call('ECHO', text), f'"{text}"\n'.replace('"quoted"', '""quoted""').encode())
    equal(records(call('ECHO', text)), [[text]])
    equal(call('EVAL', 'return {1, "a", {2, false}, redis.error_reply("BAD x")}', '0'), b'1,"a",2,NULL,ERROR,"BAD x"\n')
    equal(call('-3', 'DEBUG', 'PROTOCOL', 'double'), b'3.141\n')
    equal(call('-3', 'DEBUG', 'PROTOCOL', 'true'), b'true\n')
    equal(call('SET', 'k', 'v'), b'"OK"\n')
    equal(call('LRANGE', 'none', '0', '-1'), b'\n')
    result = run(server, 'pipe', '--csv', stdin=b'ECHO "a\\"b"\nINCR k\nMGET k none\n')
    equal(records(result.out), [['a"b'], ['ERROR', 'ERR value is not an integer or out of range'], ['v', 'NULL']])
    equal(result.status, 1)
    with start(server, 'subscribe', '--csv', 'news', '--count', '1') as process:
        publish(server, 'news', '"a\\"b"')
        equal(process.communicate(timeout=60), (b'"news","a""b"\n', b''))
    names, values = records(good(run(server, 'bench', '--csv', '--requests', '10')))
    equal((names[0], values[0], len(names)), ('requests', '10', len(values)))

    # What a terminal would obey stays on paper.
    with terminal() as (master, slave):
        with start(server, 'call', '--csv', 'ECHO', '\x1b[1m"', stdout=slave) as process:
            equal(process.wait(60), 0)
            equal(read_terminal(master), b'"\\x1b[1m"""\r\n')


def test_old_meanings(server):
    """-n and -c are not what they are to tornadis-benchmark."""
    fails(run(server, 'bench', '-n', '10000'), 1, '--requests')
    fails(run(server, 'bench', '-c', '50'), 2, '--clients')


def test_other_subcommands(server):
    for name in 'SUBSCRIBE', 'subscribe', 'PSUBSCRIBE':
        fails(run(server, 'call', name, 'a'), 2, f'{name.upper()}: ', 'tornadis subscribe')
    for words, start_of_error, instead in (
            (['monitor'], 'MONITOR', 'tornadis monitor'), (['hello', '3'], 'HELLO', '--resp3'), (['RESET'], 'RESET', 'new connection'),
            (['client', 'reply', 'off'], 'CLIENT REPLY', 'tornadis pipe'), (['SSUBSCRIBE', 'a'], 'SSUBSCRIBE', 'prompt'),
            (['PUNSUBSCRIBE'], 'PUNSUBSCRIBE', 'tornadis subscribe'), (['SCRIPT', 'DEBUG', 'YES'], 'SCRIPT DEBUG', 'redis-cli'),
            (['PSYNC', '?', '-1'], 'PSYNC', 'replicas')):
        # None of it is sent.
        fails(run(None, 'call', '-p', '1', *words), 2, f'tornadis: {start_of_error}: ', instead)
        result = run(server, 'pipe', stdin=f'{" ".join(words)}\nPING\n'.encode())
        equal((result.status, result.err.startswith(f'tornadis: line 1: {start_of_error}: ')), (1, True))
        assert instead in result.err and result.out.endswith(b'\nPONG\n'), result


main(sys.modules[__name__])
