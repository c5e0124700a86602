# SPDX-License-Identifier: LGPL-2.1-or-later
"""tornadis scan and tornadis keys."""

import csv
import io
import json
import signal
import sys

from tap import equal, main
from tool import good, read_terminal, read_terminal_until, run, settle, shell, start, terminal, wait_for

from gi.repository import TornadisHarness

FILL = ('for i = 1, {} do redis.call("SET", "key:" .. i, string.rep("x", i % 10)) end '
        'for i = 1, 3 do redis.call("HSET", "hash:" .. i, "a", 1, "b", i) redis.call("RPUSH", "list:" .. i, 1, 2, 3) end')
EVIL = '\x1b[31mred\n"'


def fill(server, n=20):
    good(run(server, 'call', 'EVAL', FILL.format(n), '0'))


def names(n=20):
    return sorted([f'key:{i}' for i in range(1, n + 1)] + [f'{kind}:{i}' for kind in ('hash', 'list') for i in (1, 2, 3)])


def lines(result):
    return sorted(good(result).decode().splitlines())


def fails(result, status, *words):
    assert result.status == status and result.err.startswith('tornadis: '), result
    for word in words:
        assert word in result.err, (word, result.err)


def test_scan(server):
    equal(good(run(server, 'scan')), b'')
    fill(server)
    equal(lines(run(server, 'scan')), names())
    equal(lines(run(server, 'scan', '--count', '1')), names())
    equal(lines(run(server, 'scan', '--pattern', 'hash:*')), ['hash:1', 'hash:2', 'hash:3'])
    equal(lines(run(server, 'scan', '--type', 'list', '--pattern', '*:[12]')), ['list:1', 'list:2'])
    equal(lines(run(server, 'scan', '-i', '0.001', '--count', '5')), names())
    equal(good(run(server, 'scan', '-n', '1')), b'')
    equal(sorted(json.loads(line) for line in lines(run(server, 'scan', '--json'))), names())
    equal(lines(run(server, 'scan', '--csv')), [f'"{name}"' for name in names()])


def test_scan_evil_keys(server):
    for name in EVIL, b'\xff':
        good(run(server, 'call', 'SET', name, 'x'))
    out = good(run(server, 'scan', '--pattern', '*red*'))
    equal(out, EVIL.encode() + b'\n')
    equal(json.loads(good(run(server, 'scan', '--json', '--pattern', '*red*'))), EVIL)
    with terminal() as (master, slave):
        for options, expected in (([], b'\\x1b[31mred\\n"\r\n'), (['--csv'], b'"\\x1b[31mred\\n"""\r\n'),
                                  (['--raw'], b'\x1b[31mred\r\n"\r\n')):
            with start(server, 'scan', '--pattern', '*red*', *options, stdout=slave) as process:
                equal(process.wait(60), 0)
                equal(read_terminal(master), expected)


def test_scan_usage(server):
    for arguments in ['x'], ['--count', '-1'], ['--count', '0'], ['--count', 'x'], ['-i', '-1']:
        fails(run(server, 'scan', *arguments), 2)
    fails(run(None, 'scan', '-p', '1'), 1, 'Could not connect')
    server.command('ACL SETUSER joe on >right -@all')
    fails(run(server, 'scan', '--user', 'joe', '-a', 'right'), 1, 'NOPERM')


def test_scan_reader(server):
    """Nobody reads on, or not for a long time."""
    good(run(server, 'call', 'EVAL', 'for i = 1, 3000 do redis.call("SET", string.rep("k", 1000) .. i, i) end', '0'))
    equal(good(shell(server, 'tornadis scan | head -n 1 | wc -l; echo "${PIPESTATUS[0]}"')), b'1\n141\n')
    with start(server, 'scan') as process:
        settle(process)
        # It does not ask for what it cannot write.
        assert int(server.command('INFO commandstats').split('cmdstat_scan:calls=')[1].split(',')[0]) < 250
        equal(len(process.stdout.read().splitlines()), 3000)
        equal(process.wait(60), 0)


def test_scan_lost(server):
    fill(server)
    with start(server, 'scan', '--count', '1', '-i', '0.05') as process:
        process.stdout.readline()
        server.kill()
        _out, err = process.communicate(timeout=60)
        equal((process.returncode, err.count(b'\n')), (1, 1))


def test_keys_big(server):
    fill(server)
    server.command('XADD stream 1-1 a b')
    server.command('SADD set a b c d e')
    server.command('ZADD zset 1 a')
    for options, sampled in ([], 29), (['--count', '1', '-i', '0.001'], 29):
        found = json.loads(good(run(server, 'keys', '--big', '--json', *options)))
        equal((found['sampled'], found['keys'], found['name_bytes']), (sampled, 29, sum(map(len, names())) + 13))
        equal({name: (kind['keys'], kind['total'], kind['unit'], kind['biggest']['size'])
               for name, kind in found['types'].items()},
              {'string': (20, 90, 'bytes', 9), 'hash': (3, 6, 'fields', 2), 'list': (3, 9, 'items', 3),
               'stream': (1, 1, 'entries', 1), 'set': (1, 5, 'members', 5), 'zset': (1, 1, 'members', 1)})
        assert found['types']['string']['biggest']['key'] in ('key:9', 'key:19'), found
    equal(json.loads(good(run(server, 'keys', '--big', '--json', '--pattern', 'set')))['types'],
          {'set': {'keys': 1, 'total': 5, 'unit': 'members', 'biggest': {'key': 'set', 'size': 5}}})
    equal(json.loads(good(run(server, 'keys', '--big', '--json', '--type', 'list')))['sampled'], 3)
    equal(json.loads(good(run(server, 'keys', '--big', '--json', '--sample', '7', '--count', '3')))['sampled'], 7)
    rows = list(csv.reader(io.StringIO(good(run(server, 'keys', '--big', '--csv')).decode())))
    equal(rows[0], ['type', 'keys', 'total', 'unit', 'biggest', 'key'])
    equal(['set', '1', '5', 'members', '5', 'set'] in rows, True)
    text = good(run(server, 'keys', '--big')).decode()
    assert text.startswith('29 of 29 keys, their names have ') and ' members set\n' in text, text


def test_keys_memory(server):
    fill(server)
    found = json.loads(good(run(server, 'keys', '--memory', '--json')))
    equal(found['types']['list']['biggest']['size'],
          max(int(good(run(server, 'call', 'MEMORY', 'USAGE', f'list:{i}'))) for i in (1, 2, 3)))
    equal(found['types']['string']['unit'], 'bytes')


def test_keys_hot(server):
    fill(server)
    fails(run(server, 'keys', '--hot'), 1, 'LFU')
    server.command('CONFIG SET maxmemory-policy allkeys-lfu')
    server.command('SET hottest x')
    for _ in range(300):
        server.command('GET hottest')
    found = json.loads(good(run(server, 'keys', '--hot', '--json')))
    equal((found['sampled'], len(found['hot']), found['hot'][0]['key']), (27, 16, 'hottest'))
    frequencies = [key['frequency'] for key in found['hot']]
    equal(frequencies, sorted(frequencies, reverse=True))
    assert ' hottest\n' in good(run(server, 'keys', '--hot')).decode()
    assert '"hottest"' in good(run(server, 'keys', '--hot', '--csv')).decode().splitlines()[1]


def test_keys_evil(server):
    good(run(server, 'call', 'SET', EVIL, 'x'))
    text = good(run(server, 'keys', '--big')).decode()
    assert text.endswith(' \\x1b[31mred\\n"\n') and '\x1b' not in text, text
    equal(json.loads(good(run(server, 'keys', '--big', '--json')))['types']['string']['biggest']['key'], EVIL)


def test_keys_empty(server):
    equal(good(run(server, 'keys', '--big')), b'0 of 0 keys, their names have 0 bytes, 0.00 on average\n')
    equal(json.loads(good(run(server, 'keys', '--memory', '--json')))['types'], {})


def test_keys_usage(server):
    for arguments in ([], ['--big', '--hot'], ['--big', 'x'], ['--big', '--sample', '-1'], ['--big', '--sample', '0'],
                       ['--big', '--count', '-1'], ['--big', '--count', '0']):
        fails(run(server, 'keys', *arguments), 2)
    fails(run(None, 'keys', '--big', '-p', '1'), 1, 'Could not connect')


def test_keys_interrupted(server):
    """It prints what it has by then."""
    fill(server, 1000)
    with terminal() as (master, slave):
        with start(server, 'keys', '--big', '--json', '--count', '1', '-i', '0.02', stderr=slave) as process:
            read_terminal_until(master, rb'\r\x1b\[K\[#*\.+\] +[0-9]+%  [1-9][0-9]* of 1006 keys')
            process.send_signal(signal.SIGINT)
            out, _err = process.communicate(timeout=60)
            equal(process.returncode, 0)
            assert read_terminal(master).endswith(b'\r\x1b[K')
    found = json.loads(out)
    assert 0 < found['sampled'] < 1006 and found['keys'] == 1006, found


def test_keys_lost(server):
    """So it does when the server is lost, after saying so."""
    fill(server, 1000)
    with terminal() as (master, slave):
        with start(server, 'keys', '--big', '--json', '--count', '1', '-i', '0.02', stderr=slave) as process:
            read_terminal_until(master, rb'[1-9][0-9]* of 1006 keys')
            server.kill()
            out, _err = process.communicate(timeout=60)
            equal(process.returncode, 1)
            assert b'tornadis: ' in read_terminal(master)
    assert 0 < json.loads(out)['sampled'] < 1006


def test_keys_that_go(server):
    """A key may be another one, or none, since it was scanned."""
    ask = ('handshake\nexpect DBSIZE\nsend ":3\\r\\n"\nexpect SCAN\n'
           'send "*2\\r\\n$1\\r\\n0\\r\\n*3\\r\\n$1\\r\\na\\r\\n$1\\r\\nb\\r\\n$1\\r\\nc\\r\\n"\n'
           'expect TYPE\nexpect TYPE\nexpect TYPE\nsend "+string\\r\\n+none\\r\\n+list\\r\\n"\n'
           'expect STRLEN\nexpect LLEN\nsend ":5\\r\\n-WRONGTYPE Operation against a key\\r\\n"\n')
    peer = TornadisHarness.Peer.new(ask)
    found = json.loads(good(run(None, 'keys', '--big', '--json', '-p', str(peer.get_port()))))
    equal(found, {'sampled': 1, 'keys': 3, 'name_bytes': 1,
                  'types': {'string': {'keys': 1, 'total': 5, 'unit': 'bytes', 'biggest': {'key': 'a', 'size': 5}}}})
    equal(peer.get_failure(), None)


def test_strange_reply(server):
    peer = TornadisHarness.Peer.new('handshake\nexpect SCAN\nsend ":1\\r\\n"')
    fails(run(None, 'scan', '-p', str(peer.get_port())), 1, 'SCAN')


def test_cluster(server):
    cluster = TornadisHarness.Cluster.new(3, 0, None)
    uri = f'redis-cluster://{cluster.get_hosts(False)}'
    keys = [f'key:{i}' for i in range(50)]
    good(run(None, 'pipe', '-q', '-u', uri, stdin=''.join(f'SET {key} {key}\n' for key in keys).encode()))
    equal(lines(run(None, 'scan', '-u', uri)), sorted(keys))
    equal(lines(run(None, 'scan', '-u', uri, '--count', '3', '--pattern', 'key:1?')), sorted(keys[10:20]))
    for mode in '--big', '--memory':
        found = json.loads(good(run(None, 'keys', mode, '--json', '-u', uri)))
        equal((found['sampled'], found['keys'], found['types']['string']['keys']), (50, 50, 50))
    sums = json.loads(good(run(None, 'stat', '-r', '1', '--json', '-u', uri)))
    equal((sums['keys'], sums['clients'] >= 3), (50, True))
    assert json.loads(good(run(None, 'latency', '--json', '-i', '0.1', '-u', uri)))['samples'] > 0


main(sys.modules[__name__])
