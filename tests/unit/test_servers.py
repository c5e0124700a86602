# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which tests hold each row of docs/servers.md: each has some, or a reason why there can be none, and all of them run with
Redis 8 and with Valkey 8."""

import pathlib
import re
import sys

import cases

ROOT = pathlib.Path(sys.argv[1])

# By the title of the section and the first cell: programs, as Meson names their tests, with paths of theirs, which may be of
# several. Or why there is none.
ROWS = {
    'Logging in': {
        'a password where none is needed': {'integration-servers': ['/servers/needless-password']},
        '`HELLO` that is refused': {'integration-servers': ['/servers/hello-refused'],
                                    'integration-connector': ['/connect/fault-01-username-alone']},
        'a wrong password while another reply or push waits to be sent': {
            'integration-session': ['/session/auth-in-flight', '/session/auth-in-flight/resp2'],
            'integration-credentials': ['/credentials/unanswered']},
        "`HELLO`'s fields": {'integration-servers': ['/servers/hello-fields']},
        '`CLIENT SETINFO`': {
            'integration-connector': ['/connect/fault-06-no-errors-left', '/connect/fault-06-asked-by-version']},
        'role': {
            'plugin-sentinel-failover': ['/sentinel-failover/replicas'], 'plugin-cluster-topology': ['/cluster-topology/real']},
    },
    'Order of replies and messages': {
        'pushes in RESP3': {'integration-servers': ['/servers/order'], 'integration-pipeline': ['/pipeline/contiguous']},
        "a message that is published to one's own channel, in RESP3": {'integration-servers': ['/servers/refused-here']},
        "one's own write of a key that is tracked": {
            'integration-servers': ['/servers/order'], 'plugin-cache': ['/cache/resp2/own-writes', '/cache/resp3/own-writes']},
        "one's own write with tracking of prefixes (`BCAST`)": {
            'integration-servers': ['/servers/order'], 'integration-model-tracking': ['/model-tracking/edit']},
        "one's own `FLUSHALL` or `FLUSHDB` with tracking": {
            'integration-servers': ['/servers/order'], 'plugin-cache': ['/cache/resp2/flushes', '/cache/resp3/flushes']},
        '`SUBSCRIBE` in `MULTI`': {'integration-servers': ['/servers/refused-here']},
        '`CLIENT REPLY OFF`, `SKIP`': {'integration-servers': ['/servers/refused-here']},
        '`RESET`': {'integration-servers': ['/servers/refused-here']},
        '`MONITOR`': {'integration-plugin': ['/plugin/monitor', '/plugin/monitor/resp2']},
        '`CLIENT KILL` of the publisher, in one pipeline with `PUBLISH`': 'nobody can tell that there was a message',
        'a subscriber that is too slow': {'integration-servers': ['/servers/slow-subscriber']},
    },
    'Transactions and scripts': {
        '`WATCH` in `MULTI`': {'integration-servers': ['/servers/transactions']},
        '`EXEC` without permission': {'integration-servers': ['/servers/transactions']},
        '`BLPOP` and its like in a script': {'integration-servers': ['/servers/passed-on']},
        "`EVAL` on a cluster's replica with `READONLY`": {
            'integration-script': ['/script/read-only'], 'plugin-cluster-connect': ['/cluster-connect/read-from-replica']},
        'refusals of a replica': {
            'plugin-retry': ['/retry/replica', '/retry/transaction', '/retry/fault-05/wrong-server'],
            'integration-session': ['/session/fault-05/wrong-server']},
        'the text of an unknown command': {'integration-servers': ['/servers/passed-on']},
        'the text of a missing permission (`NOPERM`)': {'integration-servers': ['/servers/passed-on']},
        'the global `server` in scripts and functions': {'integration-servers': ['/servers/passed-on']},
    },
    'Blocked calls': {
        'the server becomes a replica': {
            'plugin-sentinel-clients': ['/sentinel-clients/pool'], 'plugin-cluster-failover': ['/cluster-failover/blocked']},
        '`CLIENT UNBLOCK ERROR`': {'integration-servers': ['/servers/unblocked']},
        'the stream is deleted (`XREADGROUP`)': {
            'integration-stream-consumer': ['/stream-consumer/no-group', '/stream-consumer/no-group/resp2']},
        'an element that `BLPOP` has taken for a connection that is killed': 'it is nowhere any more',
    },
    'Client-side caching and notifications': {
        'keys that a script reads': {'plugin-cache': ['/cache/resp2/fault-16-scripts', '/cache/resp3/fault-16-scripts']},
        '`SORT_RO` with patterns': {'plugin-cache': ['/cache/resp2/fault-16-sort', '/cache/resp3/fault-16-sort']},
        'reads by what may write: `GETEX`, `GETDEL`, `SET … GET`, `BITFIELD`': {
            'plugin-cache': ['/cache/resp2/kinds', '/cache/resp3/kinds']},
        'more keys than `tracking-table-max-keys`': {'plugin-cache': ['/cache/resp2/full-table', '/cache/resp3/full-table']},
        '`SWAPDB`': {
            'integration-servers': ['/servers/order'], 'plugin-cache': ['/cache/resp2/flushes', '/cache/resp3/flushes']},
        'tracking in RESP2 without `REDIRECT`': {'integration-model-tracking': ['/model-tracking/resp2']},
        '`REDIRECT` in RESP3': {'plugin-cache': ['/cache/resp2/basic', '/cache/resp2/kinds']},
        'an absent key that is made after its slot has moved': {
            'plugin-cluster-cache': ['/cluster-cache/slot-moves', '/cluster-cache/slot-moves-for-others']},
        'keys that are deleted as another node has claimed their slot': {'plugin-cluster-cache': ['/cluster-cache/slot-moves']},
        'keys of another database': {'integration-model-tracking': ['/model-tracking/other-database']},
        'the notification of a key that is to expire in the past (`EXPIRE k -1`)': {'integration-keyspace': ['/keyspace/past']},
    },
    'What `COMMAND` says': {
        '`SCAN`, `RANDOMKEY`': {'plugin-cluster-policy': ['/cluster-policy/real'], 'plugin-cluster': ['/cluster/scan']},
        '`MSETNX`': {'plugin-cluster-policy': ['/cluster-policy/real']},
        '`LATENCY RESET`': {'plugin-cluster-policy': ['/cluster-policy/real']},
        '`ACL SETUSER`, `CONFIG RESETSTAT`, `CLIENT SETNAME` and their like': {
            'plugin-cluster-policy': ['/cluster-policy/real', '/cluster-policy/merged-real']},
        '`XREAD`, `XREADGROUP`': {
            'plugin-command-table': ['/command-table/like-the-server', '/command-table/like-the-server-resp2',
                                     '/command-table/fault-16-incomplete']},
        '`GEORADIUS`, `GEORADIUSBYMEMBER` with `STORE`': {'plugin-command-table': ['/command-table/by-hand', '/command-table/fault-16-incomplete']},
        '`SPUBLISH`, `SSUBSCRIBE`': {
            'plugin-command-table': ['/command-table/by-hand'], 'plugin-cluster-shard': ['/cluster-shard/everywhere']},
        '`KEYS`, `MGET`, `SLOWLOG GET`': {
            'plugin-cluster-policy': ['/cluster-policy/real', '/cluster-policy/merged-real', '/cluster-split/merged'],
            'plugin-cluster': ['/cluster/split', '/cluster/all-nodes']},
    },
    'Shapes that depend on something': {
        '`ZRANGE … WITHSCORES`': {
            'integration-servers': ['/servers/shapes', '/servers/numbers'],
            'integration-sorted-set-model': ['/sorted-set-model/resp2']},
        '`ZPOPMIN`, `ZPOPMAX`': {'integration-servers': ['/servers/shapes']},
        '`ZMPOP`, `BZMPOP`': {'integration-servers': ['/servers/shapes']},
        '`HRANDFIELD … WITHVALUES`': {'integration-servers': ['/servers/shapes']},
        'the text of a number that is not whole': {'integration-servers': ['/servers/numbers']},
        '`GEOSEARCH … WITHDIST`, `GEODIST`, `INCRBYFLOAT`': {'integration-servers': ['/servers/shapes']},
        '`ZSCAN`': {'integration-servers': ['/servers/shapes'], 'integration-scanner': ['/scanner/elements']},
        '`HGETALL`, `CONFIG GET`, `XREAD`': {'integration-servers': ['/servers/shapes']},
        '`FUNCTION LIST LIBRARYNAME`': {
            'integration-function-library': ['/function-library/similar-names', '/function-library/similar-names/resp2']},
        '`XPENDING`': {'integration-servers': ['/servers/shapes']},
        '`XAUTOCLAIM`': {
            'integration-servers': ['/servers/shapes'],
            'integration-stream-consumer': ['/stream-consumer/deleted-claimed', '/stream-consumer/deleted-claimed/resp2',
                                            '/stream-consumer/claim-own', '/stream-consumer/claim-own/resp2']},
        '`XACK` where the group or the stream is gone': {
            'integration-servers': ['/servers/shapes'],
            'integration-stream-consumer': ['/stream-consumer/ack-overtakes', '/stream-consumer/ack-overtaken']},
        '`SRANDMEMBER`, `SPOP`': {'integration-servers': ['/servers/shapes']},
        'a count where there is nothing': {'integration-servers': ['/servers/shapes']},
        '`XREADGROUP` where there is nothing': {
            'integration-servers': ['/servers/shapes'], 'integration-stream-consumer': ['/stream-consumer/own']},
        '`XREADGROUP` of a pending entry that was deleted': {
            'integration-servers': ['/servers/shapes'],
            'integration-stream-consumer': ['/stream-consumer/deleted', '/stream-consumer/deleted/resp2']},
        '`CLUSTER SHARDS`': {
            'plugin-cluster-topology': ['/cluster-topology/two-masters'], 'plugin-cluster-change': ['/cluster-change/kill']},
        'the availability zone of a node': {
            'plugin-cluster-connect': ['/cluster-connect/read-from-zone'], 'plugin-cluster-peer': ['/cluster-peer/own-zone']},
        'host name preferred, but none set': {
            'plugin-cluster-settings': ['/cluster-settings/without-host-names', '/cluster-settings/unknown-endpoints']},
        'ports of nodes with TLS': {
            'plugin-cluster-settings': ['/cluster-settings/tls'], 'plugin-cluster-topology': ['/cluster-topology/ports']},
    },
    'Scans': {
        'a cursor of another server, or of one that was restarted': {
            'integration-scanner': ['/scanner/failover'], 'plugin-cluster-failover': ['/cluster-failover/scan']},
        'keys of a slot that moves from a node that is still to come to one that was gone through':
            'servers before Valkey 9.1 have no cursor that knows of it',
        '`SCAN` while a table is resized': {'integration-scanner': ['/scanner/unique', '/scanner/unique-keys']},
    },
    'Sentinels': {
        'the sentinel that leads a failover': {
            'plugin-sentinel-failover': ['/sentinel-failover/kill', '/sentinel-failover/failover'],
            'plugin-sentinel': ['/sentinel/epoch']},
        'an old master that comes back': {'plugin-sentinel-failover': ['/sentinel-failover/stop']},
        '`SENTINEL RESET`': {'plugin-sentinel-failover': ['/sentinel-failover/reset']},
        'no replica that could become the master': {'plugin-sentinel-failover': ['/sentinel-failover/all-down']},
        'a master that is restarted at once': {'plugin-sentinel-failover': ['/sentinel-failover/reset']},
        'what a sentinel refuses': {'plugin-sentinel-failover': ['/sentinel-failover/no-errors-left']},
        '`replica-announced no`': 'nobody tells a client that there is such a replica',
    },
    'A failover of a cluster, as clients see it': {
        '0': {'plugin-cluster-change': ['/cluster-change/kill']},
        '0 to 2.5; Valkey 8.1: to 3.3': {'plugin-cluster-change': ['/cluster-change/kill', '/cluster-change/pause']},
        '0.8 to 1 more': {'plugin-cluster-change': ['/cluster-change/kill', '/cluster-change/isolation'],
                          'plugin-cluster-settings': ['/cluster-settings/no-heir', '/cluster-settings/no-heir-and-others-work']},
        'after that': {'plugin-cluster-change': ['/cluster-change/kill']},
        'when the dead one comes back': {'plugin-cluster-change': ['/cluster-change/kill']},
        'shard channels of a replica that becomes the master': {
            'plugin-cluster-shard': ['/cluster-shard/failover/by-hand', '/cluster-shard/failover/killed',
                                     '/cluster-shard/failover/asleep']},
        'shard channels at a node that gets their slot': {
            'plugin-cluster-shard': ['/cluster-shard/migration', '/cluster-shard/migration/resp2']},
        'a key that has left, at a replica with `READONLY`': {'plugin-cluster-migration': ['/cluster-migration/replica']},
        'several manual failovers in a row': 'what servers do with themselves',
        '`CLUSTER SHARDS` and `SLOTS` at a node that loads its data': {
            'plugin-cluster-map': ['/cluster-map/second'], 'plugin-cluster-follow': ['/cluster-follow/passing']},
        'a script that reads a key which it does not name, and which is elsewhere, or while the cluster is down': {
            'plugin-cluster-migration': ['/cluster-migration/script']},
        'slots that nobody serves for 10 ms': {'plugin-cluster-change': ['/cluster-change/failover'],
                                               'plugin-cluster-peer': ['/cluster-peer/not-served']},
    },
}


def read_rows():
    """The first cells of the tables of each section."""
    rows, title, in_table = {}, None, False
    for line in (ROOT / 'docs/servers.md').read_text(encoding='utf-8').splitlines():
        if line.startswith('## '):
            title = line.removeprefix('## ')
        if not line.startswith('| ') or line.startswith('|-'):
            in_table = line.startswith('|-')
        elif in_table:
            rows.setdefault(title, []).append(line.split(' | ')[0].removeprefix('| '))
    return rows


def read_suites():
    """Those that run with each server on Debian 13."""
    lines = re.findall(r'^with (\S+-server) (.+)$', (ROOT / '.ci/debian13').read_text(encoding='utf-8'), re.MULTILINE)
    return {server: set(suites.split()) for server, suites in lines}


def find_source(program):
    suite, _, name = program.partition('-')
    return ROOT / 'tests' / {'plugin': 'plugins'}.get(suite, suite) / f'test-{name}.c'


def read_parts(source):
    """Of what paths are made of: all strings of a program, cut at slashes."""
    strings = re.findall(r'"((?:[^"\\\n]|\\.)*)"', source.read_text(encoding='utf-8'))
    return {part for string in strings for part in string.split('/')}


def all_tests():
    """Programs with all the paths that are named of them."""
    named = {}
    for rows in ROWS.values():
        for tests in rows.values():
            if not isinstance(tests, str):
                for program, paths in tests.items():
                    named.setdefault(program, set()).update(paths)
    return named


def test_each_row_has_tests():
    rows = read_rows()
    assert sum(map(len, rows.values())) > 50, rows
    listed = {title: list(entries) for title, entries in ROWS.items()}
    assert listed == rows, [f'{title}: {name}' for title in sorted({*rows, *listed})
                            for name in sorted({*rows.get(title, [])} ^ {*listed.get(title, [])})] or 'in another order'
    without = [f'{title}: {name}' for title, entries in ROWS.items() for name, tests in entries.items() if not tests]
    assert without == [], without


def test_all_are_there():
    missing = []
    for program, paths in all_tests().items():
        source = find_source(program)
        built = f"'{source.stem.removeprefix('test-')}': " in ''.join(
            (ROOT / 'tests' / path).read_text(encoding='utf-8') for path in ('meson.build', 'plugins/meson.build'))
        parts = read_parts(source) if built and source.exists() else set()
        missing += [f'{program} {path}' for path in sorted(paths) if not parts.issuperset(path.split('/'))]
    assert missing == [], missing


def test_all_run_with_both():
    suites = read_suites()
    assert set(suites) == {'redis-server', 'valkey-server'}, suites
    left_out = [f'{program} with {server}' for program in all_tests() for server, run in suites.items()
                if not run & {'c', find_source(program).parent.name}]
    assert left_out == [], left_out


cases.run(globals())
