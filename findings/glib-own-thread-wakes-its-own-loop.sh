#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GLib: changing a source from a callback of the same loop wakes that loop, which costs a whole turn more.
#
# Seen with: GLib 2.74.6 (Debian 2.74.6-2+deb12u9), Python 3.11 (ctypes).
#
# What one would think: a loop needs a wake-up when another thread changes its sources. In a callback, the loop is
# awake: it looks at all sources before it polls again. And a source that is kept and given a new ready time is
# cheaper than a new one each time.
#
# What comes: of calls in the callback of another source of the same context, in the thread that runs it,
#   - g_source_set_ready_time () with a new time, g_source_modify_unix_fd (), g_source_add_unix_fd (),
#     g_source_set_priority () of a source with a descriptor, and g_source_attach () of a source with a descriptor
#     write to the context's eventfd. The next poll returns at once, the eventfd is read, every source is prepared
#     and checked, nothing is dispatched, and the loop polls again: two polls a turn instead of one.
#   - g_source_attach () of a new timeout source, g_source_set_ready_time () of the source that is being
#     dispatched, with -1, or with the time that it has already, do not.
# So to create, attach and destroy a timeout costs a loop fewer system calls than to set the time of the one there is.
#
# Output seen, twice: polls of 200 turns, and how many of them an eventfd ended
#   set_ready_time, a new time             400 polls, 200 woken
#   modify_unix_fd                         400 polls, 200 woken
#   add_unix_fd and remove                 400 polls, 200 woken
#   set_priority                           400 polls, 200 woken
#   attach a source with a descriptor      400 polls, 200 woken
#   nothing                                200 polls,   0 woken
#   set_ready_time, the time it has        200 polls,   0 woken
#   set_ready_time, -1                     201 polls,   1 woken
#   set_ready_time of the dispatched one   200 polls,   0 woken
#   attach a new timeout                   200 polls,   0 woken
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update), python3. Takes 5 s.

set -euo pipefail

package=libglib2.0-0=2.74.6-2+deb12u9

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "$package" >/dev/null
dpkg-deb -x ./*.deb root

python3 - "$tmp/root/usr/lib/x86_64-linux-gnu/libglib-2.0.so.0" <<'EOF'
import ctypes
import os
import sys
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_int, c_int64, c_uint, c_ushort, c_void_p

glib = ctypes.CDLL(sys.argv[1])
version = tuple(c_uint.in_dll(glib, 'glib_%s_version' % part).value for part in ('major', 'minor', 'micro'))
print('GLib %d.%d.%d' % version)

TURNS = 200
HOUR = 3600 * 1000000
IN, HUP = 1, 16


class PollFD(Structure):
    _fields_ = [('fd', c_int), ('events', c_ushort), ('revents', c_ushort)]


PollFunc = CFUNCTYPE(c_int, POINTER(PollFD), c_uint, c_int)
SourceFunc = CFUNCTYPE(c_int, c_void_p)
Dispatch = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p)


class SourceFuncs(Structure):
    _fields_ = [('prepare', c_void_p), ('check', c_void_p), ('dispatch', Dispatch), ('finalize', c_void_p),
                ('closure_callback', c_void_p), ('closure_marshal', c_void_p)]


def declare(name, result, *arguments):
    function = getattr(glib, name)
    function.restype = result
    function.argtypes = arguments
    return function


new_context = declare('g_main_context_new', c_void_p)
acquire = declare('g_main_context_acquire', c_int, c_void_p)
release = declare('g_main_context_release', None, c_void_p)
prepare = declare('g_main_context_prepare', c_int, c_void_p, POINTER(c_int))
query = declare('g_main_context_query', c_int, c_void_p, c_int, POINTER(c_int), POINTER(PollFD), c_int)
set_poll = declare('g_main_context_set_poll_func', None, c_void_p, PollFunc)
iterate = declare('g_main_context_iteration', c_int, c_void_p, c_int)
free_context = declare('g_main_context_unref', None, c_void_p)
poll = declare('g_poll', c_int, POINTER(PollFD), c_uint, c_int)
new_source = declare('g_source_new', c_void_p, POINTER(SourceFuncs), c_uint)
new_timeout = declare('g_timeout_source_new', c_void_p, c_uint)
attach = declare('g_source_attach', c_uint, c_void_p, c_void_p)
destroy = declare('g_source_destroy', None, c_void_p)
unref = declare('g_source_unref', None, c_void_p)
set_callback = declare('g_source_set_callback', None, c_void_p, SourceFunc, c_void_p, c_void_p)
set_ready_time = declare('g_source_set_ready_time', None, c_void_p, c_int64)
add_fd = declare('g_source_add_unix_fd', c_void_p, c_void_p, c_int, c_int)
modify_fd = declare('g_source_modify_unix_fd', None, c_void_p, c_void_p, c_int)
remove_fd = declare('g_source_remove_unix_fd', None, c_void_p, c_void_p)
set_priority = declare('g_source_set_priority', None, c_void_p, c_int)
now = declare('g_get_monotonic_time', c_int64)

# More than sizeof (GSource), which g_source_new () allows.
SOURCE_SIZE = 256
functions = SourceFuncs(dispatch=Dispatch(lambda source, callback, data: 1))
pipe = os.pipe()


def nothing(it):
    pass


def new_time(it):
    set_ready_time(it.other, now() + HOUR)


def same_time(it):
    set_ready_time(it.other, 1000000 * HOUR)


def no_time(it):
    set_ready_time(it.other, -1)


def own_time(it):
    set_ready_time(it.ticker, now() + 1000)


def modify(it):
    modify_fd(it.other, it.tag, IN | HUP if it.turns % 2 else IN)


def add(it):
    remove_fd(it.other, add_fd(it.other, pipe[0], IN))


def priority(it):
    set_priority(it.other, 10 + it.turns % 2)


def attach_timeout(it):
    source = new_timeout(3600000)
    attach(source, it.context)
    destroy(source)
    unref(source)


def attach_fd(it):
    source = new_source(byref(functions), SOURCE_SIZE)
    add_fd(source, pipe[0], IN)
    attach(source, it.context)
    destroy(source)
    unref(source)


class Loop:
    def __init__(self, action):
        self.turns = self.polls = self.woken = 0
        self.context = new_context()
        acquire(self.context)
        # An empty context polls its eventfd alone.
        (fds, number, timeout) = ((PollFD * 4)(), c_int(), c_int())
        prepare(self.context, byref(number))
        assert query(self.context, number, byref(timeout), fds, 4) == 1
        self.eventfd = fds[0].fd
        release(self.context)

        self.poll_func = PollFunc(self.poll)
        set_poll(self.context, self.poll_func)
        self.other = new_source(byref(functions), SOURCE_SIZE)
        self.tag = add_fd(self.other, pipe[0], IN)
        attach(self.other, self.context)
        same_time(self)
        self.ticker = new_timeout(2)
        self.action = action
        self.callback = SourceFunc(self.tick)
        set_callback(self.ticker, self.callback, None, None)
        attach(self.ticker, self.context)

    def poll(self, fds, count, timeout):
        result = poll(fds, count, timeout)
        self.polls += 1
        self.woken += any(fds[i].fd == self.eventfd and fds[i].revents for i in range(count))
        return result

    def tick(self, data):
        self.turns += 1
        self.action(self)
        return 1

    def run(self):
        while self.turns == 0:
            iterate(self.context, 1)
        self.turns = self.polls = self.woken = 0
        while self.turns < TURNS:
            iterate(self.context, 1)
        for source in (self.ticker, self.other):
            destroy(source)
            unref(source)
        free_context(self.context)
        return self.polls, self.woken


waking = [('set_ready_time, a new time', new_time),
          ('modify_unix_fd', modify),
          ('add_unix_fd and remove', add),
          ('set_priority', priority),
          ('attach a source with a descriptor', attach_fd)]
quiet = [('nothing', nothing),
         ('set_ready_time, the time it has', same_time),
         ('set_ready_time, -1', no_time),
         ('set_ready_time of the dispatched one', own_time),
         ('attach a new timeout', attach_timeout)]

as_seen = version == (2, 74, 6)
for group in (waking, quiet):
    for name, action in group:
        polls, woken = Loop(action).run()
        print('  %-38s %3d polls, %3d woken' % (name, polls, woken))
        # A first call may change something once; the last turn's wake-up comes after the count.
        if group is waking:
            as_seen = as_seen and woken >= TURNS - 2 and polls >= 2 * TURNS - 2
        else:
            as_seen = as_seen and woken <= 2 and polls <= TURNS + 2
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
EOF
