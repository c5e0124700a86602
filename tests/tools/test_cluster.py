# SPDX-License-Identifier: LGPL-2.1-or-later
"""The URI of a cluster, in all subcommands."""

import json
import subprocess
import sys

from tap import equal, main
from tool import good, run, start, wait_for

from gi.repository import TornadisHarness

NAMES = [f'name-{number}' for number in range(30)]


def make_cluster():
    cluster = TornadisHarness.Cluster.new(3, 0, None)
    return cluster, f'--uri=redis-cluster://{cluster.get_hosts(False)}'


def test_call(server):
    cluster, uri = make_cluster()
    for name in NAMES[:6]:
        equal(good(run(server, 'call', uri, 'SET', name, name)), b'OK\n')
    equal(good(run(server, 'call', uri, 'MGET', *NAMES[:6])).decode().split(), NAMES[:6])
    equal(good(run(server, 'call', uri, 'DBSIZE')), b'6\n')
    equal(sorted(json.loads(good(run(server, 'call', '-j', uri, 'KEYS', '*')))), NAMES[:6])
    info = good(run(server, 'call', uri, 'INFO', 'server')).decode()
    equal((info.count('# Node 127.0.0.1:'), info.count('redis_mode:cluster')), (3, 3))

    # It stays text for people.
    for protocol in '-2', '-3':
        shown = good(run(server, 'call', uri, protocol, '--quoted', 'INFO', 'server')).decode()
        equal((shown.count('# Node 127.0.0.1:'), shown.count('\nredis_mode:cluster\n'), '\\' in shown), (3, 3, False))

    for subcommand in ['call', 'PING'], ['pipe'], ['stat'], ['latency'], ['scan'], ['keys', '--big']:
        result = run(server, *subcommand[:1], uri, '-n', '3', *subcommand[1:])
        equal((result.status, result.out), (1, b''))
        assert result.err.endswith('cluster mode; this cluster has no database but 0: leave out --db\n'), (subcommand, result)
    assert run(server, 'bench', uri, '-n', '1000').err.endswith('the number of calls is --requests\n')

    for words, problem in (
            (('CLIENT', 'TRACKING', 'ON'), 'CLIENT TRACKING cannot be called on a cluster: the connections to the nodes are not for '
                                           'one command; “--plugin cache”'),
            (('READONLY',), 'redis-cluster://HOST:PORT?read-from=replica'),
            (('RENAME', *NAMES[:2]), 'The keys of RENAME are in several slots of the cluster'),
            (('SELECT', '1'), 'SELECT cannot be called on a cluster: the database of a cluster is chosen at the start: '
                              '“tornadis -c -n 1”')):
        result = run(server, 'call', uri, *words)
        equal((result.status, result.out), (2, b''))
        assert problem in result.err, result
    result = run(server, 'call', '--uri=redis-cluster://127.0.0.1:1', 'PING')
    equal(result.status, 1)
    assert 'Could not connect to cluster of 127.0.0.1:1' in result.err, result


def test_pipe(server):
    cluster, uri = make_cluster()
    result = run(server, 'pipe', uri, stdin=b'SELECT 1\n')
    equal(result.out.decode(), '(error) SELECT cannot be called on a cluster: the database of a cluster is chosen at the start: '
                               '“tornadis -c -n 1”\n')
    lines = ''.join(f'SET {name} {name}\nINCR {name}\nGET {name}\n' for name in NAMES)
    result = run(server, 'pipe', uri, stdin=lines.encode())
    equal((result.status, result.err.count('not an integer')), (1, 30))
    replies = result.out.decode().splitlines()
    equal([reply for reply in replies if not reply.startswith('(error)')],
          [reply for name in NAMES for reply in ('OK', name)])
    equal(good(run(server, 'call', uri, 'DBSIZE')), b'30\n')


def test_subscribe(server):
    cluster, uri = make_cluster()
    with start(server, 'subscribe', uri, '--count=2', 'news', 'log.*', stdin=subprocess.DEVNULL) as process:
        # PUBLISH counts those of one node.
        wait_for(lambda: good(run(server, 'call', uri, 'PUBSUB', 'NUMSUB', 'news')) == b'news\n1\n' and
                 good(run(server, 'call', uri, 'PUBSUB', 'NUMPAT')) == b'1\n', 'the subscriptions')
        good(run(server, 'call', uri, 'PUBLISH', 'news', 'from any node'))
        good(run(server, 'call', uri, 'PUBLISH', 'log.door', 'open'))
        out, err = process.communicate()
    equal((process.returncode, sorted(out.decode().splitlines()), err), (0, ['log.door\topen', 'news\tfrom any node'], b''))


def test_bench(server):
    cluster, uri = make_cluster()
    result = json.loads(good(run(server, 'bench', '-j', uri, '--requests', '500', '--clients', '2')))
    equal(result['errors'], 0)
    equal(good(run(server, 'call', uri, 'DBSIZE')), b'0\n')


def test_plugins(server):
    cluster, uri = make_cluster()
    assert '://\n  uri: text\n  read-from: text\n' in good(run(server, 'plugins')).decode()
    # Behind the cluster are the nodes, which each have their part.
    result = run(server, 'call', '--plugin=log', uri, 'MGET', *NAMES)
    equal((result.status, result.err.count(' MGET ')), (0, len(NAMES)))
    result = run(server, 'call', f'{uri}?plugins=log', 'MGET', *NAMES)
    equal((result.status, result.err.count(' MGET ')), (0, 1))


def test_no_cluster(server):
    """It is said which server is none of a cluster, and what to leave out."""
    where = f'127.0.0.1:{server.get_port()}'
    for command in (['call', 'PING'], ['stat'], ['latency'], ['scan'], ['keys', '--big'], ['bench'], ['pipe'], ['monitor']):
        for options, advice in ((['-c', '-p', str(server.get_port())], 'leave out -c'),
                                (['-u', f'redis-cluster://{where}'], 'its URI is redis://')):
            result = run(None, command[0], *options, *command[1:], stdin=b'PING\n')
            equal((result.status, result.out), (1, b''))
            equal(result.err, f'tornadis: cluster of {where}: ERR This instance has cluster support disabled; '
                              f'the server is none of a cluster: {advice}\n')


main(sys.modules[__name__])
