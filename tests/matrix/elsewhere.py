# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows of the fault matrix whose tests are not in tests/matrix.

A test is named PROGRAM:PATH, a C program of the build and what it lists with -l; FILE:NAME of tests/python; or FILE:NAME
of tests/gjs. All of them are looked for.
"""

# What happens, to what peer, what calls end with, and the tests.
ROWS = [
    # A server, or its system, says nothing.
    ('SIGSTOP, a call in flight', 'redis-server',
     '`LOST`, may have run: the `PING` is not answered; then a new connection',
     ['integration-silence:/silence/stopped', 'integration-silence:/silence/stopped-when-idle']),
    ('SIGSTOP and SIGCONT, calls behind a command that may take long', 'redis-server', 'its own value; then the same connection',
     ['integration-silence:/silence/behind-blocking', 'integration-link:/link/blocking-call']),
    ('SIGSTOP, subscribed', 'redis-server', '`gap`; restored on a new connection', ['integration-link:/link/silent-subscription']),
    ('SIGSTOP and SIGCONT, full buffers: a server that takes nothing, whose system lives', 'redis-server',
     'its own value; then the same connection', ['integration-silence:/silence/full-window']),
    ('full buffers or a call in flight, nothing is acknowledged', 'scripted', '`LOST`, may have run, after `tcp-user-timeout-msec`',
     ['integration-silence:/silence/cut-off']),
    ('a peer that does not read, then the client is closed', 'scripted', '`LOST`, may have run, or `CLOSED`, not run',
     ['integration-bad-input:/bad-input/server-stops-reading']),
    ('SIGSTOP, a lock is held', 'redis-server', '`lost` with `TIMEOUT`, when it has expired', ['integration-lock:/lock/silent-server']),
    ('a lock, whose answer comes too late', 'scripted', '`TIMEOUT`, may have run; it is given back', ['integration-lock:/lock/late-reply']),
    ('the loop is blocked past a timeout, the answer is there', 'scripted', 'its own value',
     ['integration-share:/share/deadlines-after-block', 'integration-share:/share/replies-before-reset']),
    ('a write that blocks within a TLS record, timeouts', 'a TLS server', '`TIMEOUT`, may have run; later ones: its own value; the same connection',
     ['integration-tls:/tls/timed-out-while-blocked']),

    # Slow ones.
    ('byte by byte', 'scripted', 'its own value', ['integration-bad-input:/bad-input/dripped', 'integration-cancel:/cancel/dripping']),
    ('32 MiB both ways at once', 'scripted', 'its own value', ['integration-bad-input:/bad-input/full-duplex']),
    ('a subscriber that does not read', 'redis-server', 'nothing is lost, the client stops reading',
     ['integration-pub-sub-client:/pub-sub-client/resp3/back-pressure', 'integration-pub-sub-client:/pub-sub-client/resp2/back-pressure',
      'test_messages.py:test_bounds', 'test-pub-sub-client.js:overflow']),
    ('half a million messages at once', 'scripted', 'all messages, and other sources have their turns', ['integration-link:/link/flood']),

    # An error of the server.
    ('an error is the reply to a call', 'redis-server', '`REPLY`, the server\'s words; the same connection',
     ['integration-client:/client/error-reply', 'test_client.py:test_errors', 'test-client.js:errors']),

    # What is too much.
    ('`max-pending` reached', 'redis-server', '`BUSY`, not run; the same connection',
     ['integration-client:/client/max-pending', 'test-client.js:bounds']),
    ('`max-queued-bytes` reached', 'redis-server', '`BUSY`, not run; the same connection', ['integration-client:/client/max-queued-bytes']),
    ('a reply above `max-reply-size`', 'redis-server', '`PROTOCOL`, may have run; behind it: `LOST`, may have run; then a new connection',
     ['integration-session:/session/fault-10/too-large', 'test_session.py:test_fault_10_protocol', 'test-session.js:fault10Protocol']),
    ('a line that does not end', 'scripted', '`PROTOCOL`, may have run; then a new connection', ['integration-bad-input:/bad-input/garbage/endless-line']),
    ('a million arrays, maps or sets in each other', 'scripted', '`PROTOCOL`, may have run; then a new connection',
     [f'integration-bad-input:/bad-input/garbage/nested-{kind}' for kind in ('arrays', 'maps', 'sets')]),
    ('a length that is declared and does not come', 'scripted', '`LOST`, may have run, and no memory is taken for it',
     ['integration-bad-input:/bad-input/garbage/declared-bulk', 'integration-bad-input:/bad-input/garbage/huge-array']),

    # What is not the protocol.
    ('numbers and lengths that overflow', 'scripted', '`PROTOCOL`, may have run; behind it: `LOST`, may have run; then a new connection',
     [f'integration-bad-input:/bad-input/garbage/{kind}' for kind in
      ('overflowing-array', 'overflowing-map', 'overflowing-integer', 'huge-bulk', 'bad-integer', 'negative-array')]),
    ('a TLS alert, to a client without TLS', 'scripted', '`PROTOCOL`, may have run; then a new connection',
     ['integration-bad-input:/bad-input/garbage/tls-alert']),
    ('two replies to one command', 'scripted', 'the first its own value; the next call: its own value; then a new connection',
     ['integration-bad-input:/bad-input/two-replies', 'integration-bad-input:/bad-input/stale']),
    ('one reply too many, `verify-replies`', 'scripted', '`PROTOCOL`, may have run; then a new connection',
     ['integration-verify-replies:/verify-replies/error']),
    ('confirmations and pushes that do not fit', 'scripted', 'a message or nothing; SUBSCRIBE ends with its confirmation, or `PROTOCOL`',
     ['integration-subscriptions:/subscriptions/hostile/resp2', 'integration-subscriptions:/subscriptions/hostile/resp3']),
    ('nonsense to a scan, a stream, a lock, a record', 'scripted', '`PROTOCOL`, may have run',
     ['integration-scanner:/scanner/bad-replies', 'integration-stream-reader:/stream-reader/bad-shapes',
      'integration-lock:/lock/bad-replies', 'integration-record:/record/bad-replies']),

    # A transaction.
    ('the connection is lost after WATCH', 'redis-server', '`LOST`, not run, up to EXEC; then a new connection',
     ['integration-session:/session/fault-03/watch-lost', 'test_session.py:test_fault_03_watch_lost', 'test-session.js:fault03WatchLost']),
    ('the connection is lost within MULTI', 'redis-server', '`LOST`, not run, up to EXEC; then a new connection',
     ['integration-session:/session/fault-03/multi-lost', 'test_session.py:test_fault_03_multi_lost', 'test-session.js:fault03MultiLost']),
    ('a command that waits for data is given up', 'redis-server', '`TIMEOUT`, takes nothing; then a new connection',
     ['integration-session:/session/fault-17/given-up', 'test_session.py:test_fault_17_given_up', 'test-session.js:fault17GivenUp']),
    ('a pipeline is cut half-way', 'scripted', '`LOST`, may have run; then a new connection', ['integration-pipeline:/pipeline/cut']),

    # Cancelling.
    ('a call is cancelled, its reply comes late', 'redis-server', '`G_IO_ERROR_CANCELLED`; behind it: its own value; the same connection',
     ['integration-cancel:/cancel/late-reply', 'test_client.py:test_cancellable', 'test-client.js:cancellable']),
    ('cancelling and timeouts at random', 'scripted', 'its own value, or the error asked for', ['integration-cancel:/cancel/storm']),

    # Connecting.
    ('nobody listens; no such name, no such socket', 'none', '`CONNECT`, not run', ['integration-bad-input:/bad-input/no-connection']),
    ('the handshake is not answered: HELLO, AUTH, SELECT', 'scripted', '`CONNECT`, not run, after `connect-timeout`',
     [f'integration-bad-input:/bad-input/connect-timeout/{stage}' for stage in ('silent', 'auth', 'select')]),
    ('protected mode, maxclients: words, then the connection is closed or reset', 'scripted', '`CONNECT`, not run; with the server\'s words',
     ['integration-connector:/connect/fault-09-last-words', 'test_client.py:test_fault_09_last_words', 'test-client.js:fault09LastWords']),
    ('a password is needed', 'redis-server', '`AUTHENTICATION`, not run', ['integration-connector:/connect/fault-09-password-needed']),
    ('a server that accepts and closes, again and again', 'scripted', '`LOST`, may have run; attempts are spaced',
     ['integration-bad-input:/bad-input/accept-and-close']),
    ('a server that is away for long', 'redis-server', '`CONNECT`, not run; attempts are spaced', ['integration-link:/link/backoff']),
    ('the network comes back', 'redis-server', 'its own value; the wait ends at once', ['integration-link:/link/network-changed']),
    ('TLS: certificates that are wrong, too old, of another host', 'redis-server', '`CONNECT`, not run; with what is wrong',
     ['integration-tls:/tls/untrusted', 'integration-tls:/tls/fault-12-wrong-host', 'integration-tls:/tls/fault-12-expired',
      'integration-tls:/tls/fault-12-causes']),
    ('TLS to a port without, and the other way round', 'redis-server', '`CONNECT`, not run', ['integration-tls:/tls/mismatch']),
    ('TLS: a peer that says nothing', 'scripted', '`CONNECT`, not run, after `connect-timeout`; holds nobody else up',
     ['integration-tls:/tls/silent', 'integration-tls:/tls/dead-peers']),
    ('a proxy that refuses', 'scripted', '`CONNECT`, not run; names the proxy',
     ['integration-connector:/connect/fault-13-proxy-named', 'test_client.py:test_fault_13_proxy_named']),

    # A restart.
    ('restart, idle', 'redis-server', 'its own value; then a new connection',
     ['integration-client:/client/restart', 'integration-tls:/tls/restart', 'test_client.py:test_restart', 'test-client.js:restart']),
    ('restart, subscribed', 'redis-server', '`gap`; restored on a new connection',
     ['integration-pub-sub-client:/pub-sub-client/resp3/restored', 'test_client.py:test_restart', 'test-pub-sub-client.js:restart']),
    ('killed twice in a moment, a thousand subscriptions', 'redis-server', '`gap`; all are restored',
     ['integration-pub-sub-client:/pub-sub-client/resp3/killed-twice', 'integration-pub-sub-client:/pub-sub-client/resp2/killed-twice']),
    ('restart, reading a stream', 'redis-server', 'every entry once', ['integration-stream-reader:/stream-reader/restart']),
    ('killed, a lock is held', 'redis-server', '`lost` with `TIMEOUT`, when it has expired', ['integration-lock:/lock/dead-server']),

    # Failovers.
    ('Sentinel: the master is killed, stopped, or failed over by hand, writes in flight', 'redis-server, redis-sentinel',
     '`LOST`, may have run, `CLOSED` or `CONNECT`, not run, or `REPLY` (UNBLOCKED, READONLY, LOADING, MASTERDOWN); '
     'then the new master: what a replica has acknowledged is there',
     [f'plugin-sentinel-failover:/sentinel-failover/{kind}' for kind in ('kill', 'stop', 'failover')]),
    ('Sentinel: sentinels die', 'redis-server, redis-sentinel', 'its own value, as long as one lives',
     ['plugin-sentinel-failover:/sentinel-failover/sentinels']),
    ('Sentinel: all sentinels are down, and then all servers', 'redis-server, redis-sentinel', 'its own value; then `CONNECT`, not run, until they are back', ['plugin-sentinel-failover:/sentinel-failover/all-down']),
    ('Sentinel: a pool and subscriptions in a failover', 'redis-server, redis-sentinel', 'clients of the new master; `gap`',
     ['plugin-sentinel-clients:/sentinel-clients/pool', 'plugin-sentinel-clients:/sentinel-clients/pub-sub']),
    ('Cluster: a master is killed or stopped, under load', 'redis-server, cluster',
     '`LOST`, may have run, for what was under way; others: its own value, at the heir',
     ['plugin-cluster-change:/cluster-change/kill', 'plugin-cluster-change:/cluster-change/pause']),
    ('Cluster: a failover by hand, under load', 'redis-server, cluster', 'its own value',
     ['plugin-cluster-change:/cluster-change/failover', 'plugin-cluster-change:/cluster-change/takeover']),
    ('Cluster: a failover, BLPOP and the like in flight', 'redis-server, cluster', '`REPLY` (UNBLOCKED); then the heir',
     ['plugin-cluster-failover:/cluster-failover/blocked']),
    ('Cluster: a failover within WATCH and MULTI', 'redis-server, cluster', '`REPLY` or `LOST`, none of it has run',
     ['plugin-cluster-failover:/cluster-failover/transaction']),
    ('Cluster: a part of it is cut off, under load', 'redis-server, cluster', 'each call ends; then its own value',
     ['plugin-cluster-change:/cluster-change/isolation', 'plugin-cluster-change:/cluster-change/isolation-from-clients']),
    ('Cluster: slots migrate, under load', 'redis-server, cluster', 'its own value', ['plugin-cluster-change:/cluster-change/migration']),
    ('Cluster: sharded subscriptions in a failover', 'redis-server, cluster', '`gap`; restored at the heir',
     [f'plugin-cluster-shard:/cluster-shard/failover/{kind}' for kind in ('by-hand', 'killed', 'asleep')]),
    ('Cluster: MOVED and ASK that go round, or nowhere', 'scripted', '`REPLY`, the server\'s words',
     ['plugin-cluster-follow:/cluster-follow/loop', 'plugin-cluster-follow:/cluster-follow/nonsense']),

    # Repeated.
    ('READONLY behind a name, with the plugin retry', 'scripted', 'its own value, from the other server',
     ['plugin-retry:/retry/fault-05/wrong-server', 'integration-session:/session/fault-05/wrong-server',
      'integration-session:/session/fault-05/wrong-server-in-pool']),
    ('errors that pass, with the plugin retry', 'scripted', 'its own value, later', ['plugin-retry:/retry/loading']),
    ('a server that is away, with the plugin retry', 'redis-server', 'its own value, when it is back',
     ['plugin-retry:/retry/restart', 'test_retry.py:test_retry']),
    ('lost, with the plugin retry', 'redis-server', 'its own value for what may run twice, others `LOST`', ['plugin-retry:/retry/may-have-run']),

    # Processes.
    ('fork, the child goes on with what it has inherited', 'none', 'the parent is not disturbed', ['unit-poller:/poller/fork']),
    ('a thousand connections that are lost', 'scripted', '`LOST`, may have run; nothing is left of them', ['integration-bad-input:/bad-input/nothing-left']),
]

# Rows of the programs in tests/matrix that other languages have too.
ALSO = {
    '/matrix/link/reply/reset/calls': ['test_matrix.py:test_lost', 'test-matrix.js:lost'],
    '/matrix/link/reply/close/calls': ['test_matrix.py:test_lost', 'test-matrix.js:lost'],
    '/matrix/link/reply/half-close/calls': ['test_matrix.py:test_lost', 'test-matrix.js:lost'],
    '/matrix/link/reply/black-hole/calls': ['test_matrix.py:test_black_hole', 'test-matrix.js:blackHole'],
    '/matrix/link/request/close/pool': ['test_matrix.py:test_pool', 'test-matrix.js:pool'],
    '/matrix/replies/garbage/pending': ['test_matrix.py:test_garbage', 'test-matrix.js:garbage'],
    '/matrix/replies/unasked-status/idle': ['test_matrix.py:test_unasked', 'test-matrix.js:unasked'],
    '/matrix/replies/forged/idle': ['test_matrix.py:test_forged', 'test-matrix.js:forged'],
}
