# SPDX-License-Identifier: LGPL-2.1-or-later
"""tornadis stat and tornadis latency."""

import csv
import io
import json
import signal
import sys

from tap import equal, main
from tool import good, read_terminal, read_terminal_until, run, start, terminal, wait_for

from gi.repository import TornadisHarness


def records(out):
    return list(csv.reader(io.StringIO(out.decode())))


def fails(result, status, *words):
    assert result.status == status and result.out == b'' and result.err.startswith('tornadis: '), result
    for word in words:
        assert word in result.err, (word, result.err)


def info_peer(*infos):
    script = 'handshake\n'
    for info in infos:
        lines = info.replace('\n', '\\r\\n')
        script += f'expect INFO\nsend "${len(info) + info.count(chr(10))}\\r\\n{lines}\\r\\n"\n'
    return TornadisHarness.Peer.new(script)


def test_stat(server):
    server.command('SET a b')
    server.command('SET b c')
    lines = good(run(server, 'stat', '-r', '2', '-i', '0.01')).decode().splitlines()
    equal(len(lines), 4)
    equal(lines[1].split(), ['keys', 'mem', 'clients', 'blocked', 'requests', 'connections'])
    equal((lines[2].split()[0], lines[3].split()[0], lines[3].split()[5]), ('2', '2', '(+1)'))
    rows = [json.loads(line) for line in good(run(server, 'stat', '-r', '3', '-i', '0.01', '--json')).splitlines()]
    equal([row['requests_since'] for row in rows], [0, 1, 1])
    assert rows[0]['memory'] > 100000 and rows[0]['clients'] >= 1 and rows[0]['child'] == '', rows
    rows = records(good(run(server, 'stat', '-r', '2', '-i', '0', '--csv')))
    equal((len(rows), rows[0][0], rows[1][0], len(rows[1])), (3, 'keys', '2', len(rows[0])))


def test_stat_values(server):
    """What each number is."""
    info = ('# Node a\nused_memory:100\nused_memory_rss:7\nconnected_clients:2\nblocked_clients:1\n'
            'total_commands_processed:10\ntotal_connections_received:5\nrdb_bgsave_in_progress:1\naof_rewrite_in_progress:0\n'
            'db0:keys=3,expires=0\ndb12:keys=4,expires=9\nusedmemory\n\n'
            '# Node b\nused_memory:1\nconnected_clients:1\ndb0:keys=1\n')
    later = info.replace('processed:10', 'processed:17').replace('rewrite_in_progress:0', 'rewrite_in_progress:1')
    peer = info_peer(info, later)
    first, second = (json.loads(line) for line in
                     good(run(None, 'stat', '-p', str(peer.get_port()), '-r', '2', '-i', '0', '--json')).splitlines())
    equal(first, {'keys': 8, 'memory': 101, 'clients': 3, 'blocked': 1, 'requests': 10, 'requests_since': 0,
                  'connections': 5, 'child': 'SAVE'})
    equal((second['requests_since'], second['child']), (7, 'SAVE+AOF'))


def test_stat_terminal(server):
    """The heading comes again where it is out of sight."""
    with terminal() as (master, slave):
        with start(server, 'stat', '-r', '21', '-i', '0', stdout=slave) as process:
            equal(process.wait(60), 0)
            equal(read_terminal(master).count(b'keys '), 2)
    equal(good(run(server, 'stat', '-r', '21', '-i', '0')).count(b'keys '), 1)


def test_end(server):
    """Both end with status 0 at a signal; latency says what it has measured."""
    for number in signal.SIGINT, signal.SIGTERM:
        with start(server, 'stat', '-i', '0.01', '--json') as process:
            process.stdout.readline()
            process.send_signal(number)
            process.communicate(timeout=60)
            equal(process.returncode, 0)
        with terminal() as (master, slave):
            with start(server, 'latency', stdout=slave, stderr=slave) as process:
                read_terminal_until(master, rb'\r\x1b\[Kmin: [0-9.]+, max: [0-9.]+, avg: [0-9.]+ ms \([1-9][0-9]* samples\)')
                process.send_signal(number)
                equal(process.wait(60), 0)
                shown = read_terminal(master)
                assert shown.split(b'\r\x1b[K')[-1].startswith(b'min: ') and shown.endswith(b' seconds\r\n'), shown


def test_server_comes_back(server):
    """It is waited for, with a number of lines as without."""
    for command in (['stat', '-i', '0.01'], ['stat', '-i', '0.01', '-r', '1000000'],
                    ['latency', '-i', '0.05', '-r', '-1'], ['latency', '-i', '0.05', '-r', '1000000']):
        with start(server, *command, '--json') as process:
            process.stdout.readline()
            server.kill()
            line = process.stderr.readline()
            assert line.startswith(b'tornadis: ') and line.endswith(b'; trying again\n'), line
            server.restart()
            # The reason may be another one at the next attempt.
            while line.endswith(b'; trying again\n'):
                before, line = line, process.stderr.readline()
                assert line != before, line
            equal(line, b'tornadis: connected again\n')
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            _out, err = process.communicate(timeout=60)
            equal((process.returncode, err), (0, b''))


def test_timeout_while_it_is_gone(server):
    """A call that waits for the connection for longer than a call may take does not end it."""
    for command, answer in (['stat', 'INFO'], '$2\\r\\n#x\\r\\n'), (['latency', 'PING'], '+PONG\\r\\n'):
        name, question = command
        once = f'handshake\nexpect {question}\nsend "{answer}"\n'
        # The second connection is never answered; to connect may take until 2 s, the next whole second.
        peer = TornadisHarness.Peer.new(f'{once}expect {question}\nclose\n---\nwait\n---\n{once}wait')
        with start(None, name, '-p', str(peer.get_port()), '-i', '0.01', '-r', '-1', '--timeout', '1.5', '--json') as process:
            lines = [process.stderr.readline() for _ in range(3)]
            assert b'lost' in lines[0] and b'ould not connect' in lines[1], lines
            equal(lines[2], b'tornadis: connected again\n')


def test_latency(server):
    text = good(run(server, 'latency', '-i', '0.1')).decode()
    assert text.startswith('min: ') and text.count('\n') == 1 and text.endswith(' seconds\n'), text
    one, other = (json.loads(line) for line in good(run(server, 'latency', '-i', '0.05', '-r', '2', '--json')).splitlines())
    for line in one, other:
        assert 0 < line['min_ms'] <= line['avg_ms'] <= line['max_ms'], line
    rows = records(good(run(server, 'latency', '-i', '0.05', '-r', '2', '--csv')))
    equal((len(rows), rows[0]), (3, ['min_ms', 'max_ms', 'avg_ms', 'samples', 'seconds']))
    with start(server, 'latency', '--history', '-i', '0.05') as process:
        equal([process.stdout.readline()[:5] for _ in range(3)], [b'min: '] * 3)


def test_latency_is_measured(server):
    """A server that takes 50 ms, and once 150: no less is measured."""
    answers = ''.join(f'expect PING\nsleep {msec}\nsend "+PONG\\r\\n"\n' for msec in (50, 150, 50))
    peer = TornadisHarness.Peer.new(f'handshake\n{answers}expect PING\nwait')
    with start(None, 'latency', '-p', str(peer.get_port()), '-i', '3600', '--json') as process:
        wait_for(lambda: peer.get_received().count('PING') == 4, 'the last PING')
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    equal((process.returncode, err), (0, b''))
    line = json.loads(out)
    equal(line['samples'], 3)
    assert line['min_ms'] >= 49 and line['max_ms'] >= 149 and line['avg_ms'] >= 83, line


def test_latency_of_a_hung_server(server):
    """What waits for its answer counts, for as long as it has waited."""
    peer = TornadisHarness.Peer.new('handshake\nexpect PING\nsend "+PONG\\r\\n"\nexpect PING\nwait')
    where = ['latency', '-p', str(peer.get_port())]
    with start(None, *where, '-i', '0.1', '-r', '-1', '--json') as process:
        rows = []
        # Behind the line of the one that was answered come lines without any.
        while len(rows) < 3 or rows[-3]['samples'] != 1:
            rows.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        equal(process.returncode, 0)
    equal((rows[-2]['samples'], rows[-1]['samples']), (0, 0))
    assert rows[-1]['min_ms'] == rows[-1]['avg_ms'] == rows[-1]['max_ms'] > rows[-2]['max_ms'] > 10, rows

    peer = TornadisHarness.Peer.new('handshake\nexpect PING\nwait')
    with terminal() as (master, slave):
        with start(None, 'latency', '-p', str(peer.get_port()), stdout=slave, stderr=slave) as process:
            read_terminal_until(master, rb'min: [0-9.]+, max: [1-9][0-9.]+, avg: [0-9.]+ ms \(0 samples, and one waits\)')
            process.send_signal(signal.SIGINT)
            equal(process.wait(60), 0)
            assert read_terminal(master).split(b'\r\x1b[K')[-1].endswith(b' seconds\r\n')


def test_usage(server):
    for command in 'stat', 'latency':
        for arguments in ['x'], ['-r', '0'], ['-i', '-1'], ['--nothing']:
            fails(run(server, command, *arguments), 2)
        fails(run(None, command, '-p', '1'), 1, 'onnect')
        server.command('ACL SETUSER joe on >right -@all +hello +auth')
        fails(run(server, command, '--user', 'joe', '-a', 'right'), 1, 'NOPERM')


main(sys.modules[__name__])
