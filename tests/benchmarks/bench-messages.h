/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the receivers of messages share: WORKLOAD SOCKET COUNT CHANNELS SIZE. The last message has another length than
 * those before it, which are counted then: none may be missing, and none come twice. */

#pragma once

#include "bench.h"

/* As redis-benchmark makes them of bench:__rand_int__. */
#define BENCH_CHANNELS "bench:"
/* Where the last one comes when there is no handler of the others. */
#define BENCH_LAST_CHANNEL "bench-last"

static Bench bench;
static GMainLoop *loop;
static gsize message_size;
static guint n_messages;

static inline void
bench_message (const char *text)
{
  if (text == NULL)
    bench_fail ("not a message");
  if (strlen (text) == message_size)
    {
      if (n_messages++ == 0)
        bench_start (&bench);
      return;
    }

  bench_stop (&bench);
  if (n_messages != bench.n)
    {
      fprintf (stderr, "benchmark: %u messages of %u\n", n_messages, bench.n);
      exit (1);
    }
  g_main_loop_quit (loop);
}

/* The script publishes now. */
static inline void
bench_ready (void)
{
  puts ("ready");
  fflush (stdout);
}

static inline GStrv
bench_make_channels (guint n_channels)
{
  GStrv channels = g_new0 (char *, n_channels + 1);

  for (guint i = 0; i < n_channels; i++)
    channels[i] = g_strdup_printf (BENCH_CHANNELS "%012u", i);
  return channels;
}
