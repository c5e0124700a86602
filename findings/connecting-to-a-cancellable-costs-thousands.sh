#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GIO: to connect to a GCancellable and to disconnect from it, which every cancellable operation does, takes 2,400
# instructions, six times as many as to put the same into a list and to take it out again. A whole call to a server, with its
# command and its reply, can be made of fewer.
#
# Seen with: GLib 2.74.6 (Debian 2.74.6-2+deb12u9), glibc 2.36, valgrind 3.19.0.
#
# What one would think: a function and its data are put into a list and taken out of it, under a lock: some hundred
# instructions; and so an operation may connect for its own time, as the documentation of g_cancellable_connect () shows.
#
# What comes: a GClosure is made, its notifications are set, a handler goes into a list and a hash table of all handlers of the
# process, under the lock of all signals; and back. One handler that stays, with a list of one's own behind it, is what one
# would think.
#
# Output seen, twice:
#   connect and disconnect          2399 instructions
#   a list and a lock of its own    388 instructions
#
# Needs: Debian 12 on amd64 with gcc and apt's lists (apt-get update). Takes 15 s.

set -euo pipefail

packages=(libglib2.0-0=2.74.6-2+deb12u9 valgrind=1:3.19.0-1)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null
for deb in ./*.deb; do dpkg-deb -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu

# The headers are another package: these are their declarations.
cat >cost.c <<'END'
#include <stdlib.h>
#include <string.h>

typedef struct { void *data, *next, *prev; } List;
typedef struct { List *head, *tail; unsigned int length; } Queue;

void *g_cancellable_new (void);
unsigned long g_cancellable_connect (void *cancellable, void (*callback) (void), void *data, void (*destroy) (void *));
void g_cancellable_disconnect (void *cancellable, unsigned long id);
void g_mutex_lock (void *mutex);
void g_mutex_unlock (void *mutex);
void g_queue_push_tail (Queue *queue, void *data);
void g_queue_delete_link (Queue *queue, List *link);

static void
cancelled_cb (void)
{
}

int
main (int argc, char **argv)
{
  void *cancellable = g_cancellable_new ();
  void *mutex[1] = { 0 };
  Queue queue = { 0 };
  int connects = strcmp (argv[1], "connect") == 0;

  for (int n = atoi (argv[2]); n > 0; n--)
    if (connects)
      {
        g_cancellable_disconnect (cancellable, g_cancellable_connect (cancellable, cancelled_cb, cancellable, 0));
      }
    else
      {
        g_mutex_lock (mutex);
        g_queue_push_tail (&queue, cancellable);
        g_mutex_unlock (mutex);
        g_mutex_lock (mutex);
        g_queue_delete_link (&queue, queue.tail);
        g_mutex_unlock (mutex);
      }
  return 0;
}
END
gcc -O2 cost.c -o cost "$lib/libgio-2.0.so.0" "$lib/libgobject-2.0.so.0" "$lib/libglib-2.0.so.0" -Wl,-rpath-link,"$lib"

# Instructions of one: the difference of two runs, so that starting and stopping do not count.
count ()
{
  local n totals=()

  for n in 1000 11000; do
    totals+=("$(LD_LIBRARY_PATH=$lib VALGRIND_LIB=$tmp/root/usr/libexec/valgrind \
      root/usr/bin/valgrind.bin --tool=callgrind --callgrind-out-file=/dev/null ./cost "$1" "$n" 2>&1 |
      sed -n 's/.*Collected : \([0-9]*\)$/\1/p')")
  done
  echo $(((totals[1] - totals[0]) / 10000))
}

pair=$(count connect)
list=$(count list)
printf '  connect and disconnect          %d instructions\n  a list and a lock of its own    %d instructions\n' "$pair" "$list"

if [ "$pair" -lt 2000 ] || [ "$pair" -lt $((5 * list)) ]; then
  echo 'CHANGED: it is not so much any more' >&2
  exit 1
fi
