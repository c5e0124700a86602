# SPDX-License-Identifier: LGPL-2.1-or-later
"""tornadis monitor."""

import csv
import io
import json
import re
import signal
import subprocess
import sys

from tap import equal, main
from tool import good, read_terminal_until, run, settle, shell, start, terminal, wait_for

from gi.repository import TornadisHarness


def wait_for_monitor(server):
    wait_for(lambda: 'flags=O' in server.command('CLIENT LIST'), 'the monitor')


def test_lines(server):
    with start(server, 'monitor', '--count', '3') as process:
        wait_for_monitor(server)
        server.command('SELECT 0')
        good(run(server, 'call', '-n', '3', 'SET', 'k', 'a "b"\n'))
        lines = [process.stdout.readline().decode() for _ in range(3)]
        equal(process.wait(60), 0)
    shape = r'[0-9]+\.[0-9]+ \[[0-9]+ [^\]]+\] ("[a-zA-Z]+").*\n'
    for line in lines:
        assert re.fullmatch(shape, line), line


def commands(process, count):
    return [json.loads(process.stdout.readline()) for _ in range(count)]


def test_json(server):
    for protocol in '-2', '-3':
        with start(server, 'monitor', '--json', protocol) as process:
            wait_for_monitor(server)
            good(run(None, 'call', '-2', '-p', str(server.get_port()), '-n', '3', 'SET', 'k]', 'a "b"\n\\ü'))
            good(run(server, 'call', '-2', 'EVAL', 'return redis.call("GET", "x")', '0'))
            seen = []
            while not seen or seen[-1]['command'] != ['GET', 'x']:
                seen += commands(process, 1)
            said = {line['command'][0]: line for line in seen}
            equal(said['SET']['command'], ['SET', 'k]', 'a "b"\n\\ü'])
            equal((said['SET']['db'], said['SET']['client'].split(':')[0]), (3, '127.0.0.1'))
            assert said['SET']['time'] > 1600000000, said
            equal(said['GET']['client'], 'lua')
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
            equal(process.returncode, -signal.SIGTERM)
        wait_for(lambda: 'flags=O' not in server.command('CLIENT LIST'), 'its end')


def test_csv(server):
    with start(server, 'monitor', '--csv') as process:
        wait_for_monitor(server)
        server.command('ECHO "a\\"b,c"')
        row = []
        while 'a"b,c' not in row:
            row = next(csv.reader(io.StringIO(process.stdout.readline().decode())))
        equal(row[1:2] + row[3:], ['0', 'ECHO', 'a"b,c'])


def test_terminal(server):
    """The server escapes what a client says; what a server says that does not is not obeyed, either."""
    with terminal() as (master, slave):
        with start(server, 'monitor', stdout=slave):
            wait_for_monitor(server)
            server.command('ECHO "\\x1b[1m"')
            read_terminal_until(master, rb'"ECHO" "\\x1b\[1m"\r\n')
        peer = TornadisHarness.Peer.new('handshake\nexpect MONITOR\nsend "+OK\\r\\n+1.2 [0 x] \\x1b[1m\\r\\n"\nclose')
        with start(None, 'monitor', '-p', str(peer.get_port()), stdout=slave) as process:
            read_terminal_until(master, rb'1\.2 \[0 x\] \?\[1m\r\n')
            equal(process.wait(60), 1)


def test_flood(server):
    """More than a slow reader takes waits at the server; all of it comes."""
    with start(server, 'monitor', '--count', '60000') as process:
        wait_for_monitor(server)
        lines = b'PING\n' * 60000
        good(run(server, 'pipe', '-q', stdin=lines))
        settle(process)
        out = process.stdout.read()
        equal((out.count(b'\n'), process.wait(60)), (60000, 0))


def test_reader_gone(server):
    script = ('(while kill -0 $$; do tornadis call PING; done) > /dev/null 2>&1 & '
              'tornadis monitor | head -n 1 | wc -l; echo "${PIPESTATUS[0]}"; kill $!')
    equal(good(shell(server, script)), b'1\n141\n')


def test_lost(server):
    with start(server, 'monitor') as process:
        wait_for_monitor(server)
        server.kill()
        out, err = process.communicate(timeout=60)
        equal((process.returncode, err.count(b'\n')), (1, 1))
        assert err.startswith(b'tornadis: '), err


def test_usage(server):
    for arguments in ['x'], ['--count', '-1'], ['--count', '0'], ['--count', 'x']:
        result = run(server, 'monitor', *arguments)
        assert result.status == 2 and result.out == b'' and result.err.startswith('tornadis: '), result
    result = run(None, 'monitor', '-p', '1')
    assert result.status == 1 and 'Could not connect' in result.err, result
    server.command('ACL SETUSER joe on >right -@all')
    result = run(server, 'monitor', '--user', 'joe', '-a', 'right')
    assert result.status == 1 and 'NOPERM' in result.err and result.err.count('\n') == 1, result
    cluster = TornadisHarness.Cluster.new(3, 0, None)
    result = run(None, 'monitor', '-u', f'redis-cluster://{cluster.get_hosts(False)}', stdin=b'')
    assert result.status == 2 and 'cannot be called on a cluster: it is about one server' in result.err, result
    # One of its nodes can be.
    host, port = cluster.get_hosts(False).split(',')[0].rsplit(':', 1)
    with start(None, 'monitor', '-h', host, '-p', port, '--count', '1', stdin=subprocess.DEVNULL) as process:
        wait_for(lambda: good(run(None, 'call', '-h', host, '-p', port, 'PING')) and process.poll() is not None, 'its end')
        equal(process.returncode, 0)


main(sys.modules[__name__])
