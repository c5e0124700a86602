# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows of the fault matrix whose tests are not in tests/matrix.

A test is named PROGRAM:PATH, a C program of the build and what it lists with -l; FILE:NAME of tests/python; or FILE:NAME
of tests/gjs. All of them are looked for.
"""

# What happens, to what peer, what calls end with, and the tests.
ROWS = [
    ('a server that is stopped, a call in flight', 'redis-server, SIGSTOP', '`LOST`, may have run: the `PING` is not answered; then a new connection',
     ['integration-silence:/silence/stopped', 'integration-silence:/silence/stopped-when-idle']),
    ('a server that is stopped, behind a command that may take long', 'redis-server, SIGSTOP', 'its own value, when it goes on',
     ['integration-silence:/silence/behind-blocking']),
    ('a subscription at a server that is stopped', 'redis-server, SIGSTOP', '`gap`; restored on a new connection',
     ['integration-link:/link/silent-subscription']),
    ('full buffers: a server that takes nothing but whose system lives', 'redis-server, SIGSTOP', 'its own value, when it goes on',
     ['integration-silence:/silence/full-window']),
    ('full buffers: a peer whose system is gone', 'scripted', '`LOST`, may have run, after `tcp-user-timeout-msec`',
     ['integration-silence:/silence/cut-off']),
]

# Rows of the programs in tests/matrix that other languages have too.
ALSO = {
}
