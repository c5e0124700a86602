# SPDX-License-Identifier: LGPL-2.1-or-later
"""tornadis bench."""

import json
import re
import signal
import sys
import time

from tap import equal, main
from tool import SLOW, good, read_terminal, read_terminal_until, run, start, terminal, wait_for

from gi.repository import TornadisHarness


def calls(server, name):
    found = re.search(f'cmdstat_{name}:calls=([0-9]+)', server.command('INFO commandstats'))
    return int(found.group(1)) if found else 0


def test_text(server):
    text = good(run(server, 'bench', '--requests', '1000', '--clients', '3', '-b', '10', '-d', '20')).decode()
    assert re.fullmatch('1000 SET of 20 bytes, 3 clients, batches of 10: [0-9]+\\.[0-9]{3} s, 0 errors\n'
                        '[1-9][0-9]* calls/s\n'
                        'latency of a call: p50 [0-9.]+ ms, p99 [0-9.]+ ms, p99\\.9 [0-9.]+ ms\n', text), text


def test_counts(server):
    """As many calls as were asked for, whatever does not divide what, and nothing is left behind."""
    done = 0
    for arguments, n in ((['--requests', '1000', '--clients', '3', '-b', '7'], 1000),
                         (['--requests', '2', '--clients', '5'], 2), (['--requests', '1'], 1),
                         (['--requests', '1001', '--clients', '4', '-b', '10', '-P'], 1001),
                         (['--requests', '100', '-P'], 100),
                         (['--requests=50', '--clients=2', '--batch-size=5', '--pipeline', '--data-size=0'], 50)):
        sums = json.loads(good(run(server, 'bench', '--json', *arguments)))
        equal((sums['requests'], sums['errors']), (n, 0))
        equal(calls(server, 'set') - done, n)
        done += n
        latency = sums['latency_ms']
        assert 0 < latency['p50'] <= latency['p99'] <= latency['p99.9'] < 60000, latency
        assert abs(sums['calls_per_second'] * sums['seconds'] - n) < n * 0.02 + 1, sums
        equal(server.command('DBSIZE'), ':0\r\n')


def test_latency(server):
    """A server that takes 20 ms for each answer but the last one: no less, and not much more, is measured."""
    answer = 'expect SET\nsleep {}\nsend "+OK\\r\\n"\n'
    peer = TornadisHarness.Peer.new('handshake\n' + answer.format(20) * 19 + answer.format(400) +
                                    'expect DEL\nsend ":1\\r\\n"')
    begin = time.monotonic()
    sums = json.loads(good(run(None, 'bench', '--json', '-p', str(peer.get_port()), '--clients', '1', '--requests', '20',
                               '-b', '1')))
    assert 0.78 <= sums['seconds'] <= time.monotonic() - begin, sums
    equal(peer.get_failure(), None)
    latency = sums['latency_ms']
    assert 19 < latency['p50'] and 385 < latency['p99'] <= latency['p99.9'], sums
    # One after the other, they take no longer than all of them.
    assert 9 * latency['p50'] + latency['p99.9'] < 1050 * sums['seconds'], sums


def test_server(server):
    where = ['-h', '127.0.0.1', '-p', str(server.get_port())]
    uri = f'redis://127.0.0.1:{server.get_port()}'
    for arguments in (where, ['--host=localhost', f'--port={server.get_port()}'], ['-s', server.get_socket_path()],
                      ['--socket', server.get_socket_path()], ['--uri', uri]):
        before = calls(server, 'set')
        good(run(None, 'bench', '--requests', '10', *arguments))
        equal(calls(server, 'set') - before, 10)
    # What is given counts more than the environment.
    good(run(None, 'bench', '--requests', '10', *where, TORNADIS_URI='redis://127.0.0.1:1'))

    guarded = TornadisHarness.Redis.new(['--requirepass', 's3cret'])
    where = ['-h', '127.0.0.1', '-p', str(guarded.get_port()), '--requests', '10']
    good(run(None, 'bench', *where, '-a', 's3cret'))
    good(run(None, 'bench', *where, '--pass=s3cret'))
    good(run(None, 'bench', *where, TORNADIS_PASSWORD='s3cret'))
    good(run(guarded, 'bench', '--requests', '10', '-a', 's3cret'))
    for result in run(None, 'bench', *where, '-a', 'hush'), run(None, 'bench', *where):
        assert result.status == 1 and result.out == b'' and result.err.count('\n') == 1, result
        assert 'hush' not in result.err


def test_usage(server):
    for arguments in (['--clients', '0'], ['--clients', '-1'], ['--clients', '10001'], ['--requests', '0'],
                      ['--requests', 'x'], ['-b', '-1'], ['-b', '0'], ['-d', '-1'],
                      ['argument'], ['--plugin', 'nothing']):
        result = run(server, 'bench', *arguments)
        assert result.status == 2 and result.out == b'' and result.err.startswith('tornadis: '), (arguments, result)


def test_errors(server):
    result = run(None, 'bench', '-p', '1')
    assert result.status == 1 and result.out == b'' and result.err.count('\n') == 1, result

    full = TornadisHarness.Redis.new(['--maxmemory', '1'])
    for options in [], ['-P']:
        result = run(full, 'bench', '--json', '--requests', '100', '-b', '10', *options)
        equal((result.status, json.loads(result.out)['errors']), (1, 100))
        assert 'OOM' in result.err and result.err.count('\n') == 1, result

    peer = TornadisHarness.Peer.new('handshake\nexpect SET\nclose\n---\nhandshake\nexpect DEL\nsend ":1\\r\\n"')
    result = run(None, 'bench', '-p', str(peer.get_port()), '--clients', '1', '--requests', '100', '-b', '10')
    assert result.status == 1 and result.out == b'' and result.err.count('\n') == 1, result


def test_interrupted(server):
    """It says what it has measured by then, and no key is left."""
    for number in signal.SIGINT, signal.SIGTERM:
        with start(server, 'bench', '--json', '--requests', '1000000000', '-b', '10') as process:
            wait_for(lambda: calls(server, 'set') > 1000, 'some calls')
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        sums = json.loads(out)
        equal((process.returncode, sums['errors'], sums['requests']), (0, 0, calls(server, 'set')))
        equal(err.decode(), f'tornadis: interrupted after {sums["requests"]} of 1000000000 calls\n')
        equal(server.command('DBSIZE'), ':0\r\n')
        server.command('CONFIG RESETSTAT')


def test_lost(server):
    """No key is left when a connection is lost, either: another one deletes it."""
    peer = TornadisHarness.Peer.new('handshake\nexpect SET\nclose\n---\nhandshake\nexpect DEL\nsend ":1\\r\\n"')
    result = run(None, 'bench', '-p', str(peer.get_port()), '--requests', '100', '-b', '10', '--clients', '1')
    equal((result.status, result.out, result.err.count('\n')), (1, b'', 1))
    equal(peer.get_failure(), None)
    assert '\nDEL tornadis-bench-' in peer.get_received(), peer.get_received()


def test_lost_later(server):
    """What was measured before is printed."""
    peer = TornadisHarness.Peer.new('handshake\necho-server 50\nclose\n---\nhandshake\nserve DEL\nexpect DEL\nsend ":1\\r\\n"')
    result = run(None, 'bench', '-p', str(peer.get_port()), '--requests', '100', '-b', '10', '--clients', '1', '--json')
    n = json.loads(result.out)['requests']
    # Those that were sent before the loss was known are done by another connection.
    assert result.status == 1 and 50 <= n < 100, result
    lines = result.err.splitlines()
    assert len(lines) == 2 and 'lost' in lines[0], result
    equal(lines[1], f'tornadis: ended after {n} of 100 calls')
    equal(peer.get_failure(), None)


def test_key_left(server):
    """A key that cannot be deleted is named."""
    peer = TornadisHarness.Peer.new('handshake\necho-server')
    result = run(None, 'bench', '-p', str(peer.get_port()), '--requests', '1', '--clients', '1', '--csv')
    equal((result.status, result.out.count(b'\n')), (1, 2))
    assert re.fullmatch('tornadis: the key tornadis-bench-[0-9]+ may be left: .*\n', result.err), result


def test_hangs(server):
    """Of a server that does not answer any more it does not wait for ever; behind the last calls it is sent the deletion."""
    peer = TornadisHarness.Peer.new('handshake\necho-server 50\n' + 'expect SET\n' * 10 + 'wait\nexpect DEL\nwait')
    with start(None, 'bench', '-p', str(peer.get_port()), '--requests', '100', '-b', '10', '--clients', '1') as process:
        wait_for(lambda: peer.get_received().count('\nSET ') == 60, 'the calls')
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert time.monotonic() - begin < 5 * SLOW
    equal((process.returncode, out.startswith(b'50 SET of 2 bytes, 1 client, batches of 10: ')), (0, True))
    lines = err.decode().splitlines()
    equal(lines[0], 'tornadis: interrupted after 50 of 100 calls; the server does not answer the last ones')
    assert re.fullmatch('tornadis: the key tornadis-bench-[0-9]+ may be left: .*', lines[1]) and len(lines) == 2, err
    peer.go()
    wait_for(lambda: '\nDEL tornadis-bench-' in peer.get_received(), 'the deletion')


def test_interrupted_at_the_end(server):
    """Who waits for the deletion over another connection is not waited for, either."""
    peer = TornadisHarness.Peer.new('handshake\nexpect SET\nclose\n---\nwait')
    with start(None, 'bench', '-p', str(peer.get_port()), '--requests', '10', '-b', '10', '--clients', '1') as process:
        assert b'lost' in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    equal((process.returncode, out), (1, b''))
    assert b'may be left: it was interrupted\n' in err, err


def test_progress(server):
    peer = TornadisHarness.Peer.new('handshake\necho-server 100\nwait\necho-server 100\nexpect DEL\nsend ":1\\r\\n"')
    arguments = ['bench', '-p', str(peer.get_port()), '--requests', '200', '--clients', '1', '-b', '10']
    with terminal() as (master, slave):
        server.pause()
        with start(server, 'bench', '--requests', '1000', stderr=slave) as process:
            read_terminal_until(master, b'clients connected')
            server.resume()
            equal(process.wait(120), 0)
            assert read_terminal(master).endswith(b'\r\x1b[K')
        with start(None, *arguments, stderr=slave) as process:
            read_terminal_until(master, b'\r\x1b\\[K *50%  [0-9]+ calls/s')
            peer.go()
            equal(process.wait(120), 0)
            assert read_terminal(master).endswith(b'\r\x1b[K')
            equal(process.stdout.read().count(b'\n'), 3)
    with start(None, *arguments) as process:
        wait_for(lambda: peer.get_received().count('\nSET ') == 300, 'the calls')
        # Longer than it takes until progress is shown.
        time.sleep(0.7)
        peer.go()
        equal(process.communicate(timeout=120)[1], b'')


main(sys.modules[__name__])
