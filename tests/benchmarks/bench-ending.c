/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long the main loop is kept when a connection is lost, or cannot be made, with very many calls pending:
 *
 *   bench-ending [CALLS] [--unsent]
 *
 * All were written to a peer that answers none; or, with --unsent, wait for a connection. Beside them a source of the same
 * priority is always due, and measures how long it has to wait for its turn. */

#include <tornadis-glib/tornadis-glib.h>

#include "bench.h"
#include "harness/harness.h"

#define GET "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n"

typedef struct
{
  guint n_ended;
  guint n_ended_before; /* at the last look */
  guint most;           /* ended between two looks */
  guint n_turns;        /* in which calls ended */
  gint64 last;          /* look, in nanoseconds */
  gint64 longest;       /* between two */
  gint64 last_cpu;      /* the same of this thread's time on a processor, which other programs do not add to */
  gint64 longest_cpu;
} Looks;

static gboolean
look_cb (gpointer user_data)
{
  Looks *looks = user_data;
  gint64 now = bench_clock (CLOCK_MONOTONIC);
  gint64 now_cpu = bench_clock (CLOCK_THREAD_CPUTIME_ID);

  looks->longest = MAX (looks->longest, now - looks->last);
  looks->longest_cpu = MAX (looks->longest_cpu, now_cpu - looks->last_cpu);
  looks->last_cpu = now_cpu;
  looks->most = MAX (looks->most, looks->n_ended - looks->n_ended_before);
  looks->n_turns += looks->n_ended != looks->n_ended_before;
  looks->n_ended_before = looks->n_ended;
  looks->last = now;
  return G_SOURCE_CONTINUE;
}

static void
ended_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  g_assert (error != NULL);
  (*(guint *) user_data)++;
}

static guint64
get_n_written (TornadisClient *client)
{
  guint64 n_written;

  g_object_get (client, "bytes-written", &n_written, NULL);
  return n_written;
}

int
main (int argc,
      char **argv)
{
  guint n = argc > 1 ? (guint) atoi (argv[1]) : 1000000;
  gboolean unsent = argc > 2;
  g_autoptr (GError) error = NULL;
  TornadisHarnessPeer *peer = tornadis_harness_peer_new ("handshake\ndrain\n", &error);
  g_autoptr (TornadisClient) client = NULL;
  Looks looks = { 0 };
  guint64 n_written;
  gint64 start;

  g_assert_no_error (error);
  client = unsent ? tornadis_client_new_for_unix_socket ("/nonexistent/socket")
                  : tornadis_client_new ("127.0.0.1", tornadis_harness_peer_get_port (peer));
  if (!unsent)
    {
      tornadis_client_connect_async (client, NULL, NULL, NULL);
      while (!tornadis_client_is_connected (client))
        g_main_context_iteration (NULL, TRUE);
    }

  n_written = get_n_written (client);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "GET", "key", NULL });

      tornadis_client_submit (client, command, ended_cb, &looks.n_ended, NULL);
    }
  while (!unsent && get_n_written (client) < n_written + n * strlen (GET))
    g_main_context_iteration (NULL, TRUE);
  g_object_unref (peer);

  start = looks.last = bench_clock (CLOCK_MONOTONIC);
  looks.last_cpu = bench_clock (CLOCK_THREAD_CPUTIME_ID);
  g_idle_add_full (G_PRIORITY_DEFAULT, look_cb, &looks, NULL);
  while (looks.n_ended < n || tornadis_client_is_connected (client))
    g_main_context_iteration (NULL, TRUE);
  /* What is freed last counts too. */
  for (guint i = 0; i < 10; i++)
    g_main_context_iteration (NULL, TRUE);

  g_print ("%u calls ended in %.1f ms, in %u turns, at most %u in one; the longest turn took %.2f ms, %.2f ms of processor\n",
           looks.n_ended, (double) (bench_clock (CLOCK_MONOTONIC) - start) / 1e6, looks.n_turns, looks.most,
           (double) looks.longest / 1e6, (double) looks.longest_cpu / 1e6);
  return 0;
}
