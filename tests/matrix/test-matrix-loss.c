/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What ends a connection on which nothing moves: nobody says anything, or the buffers are full. */

#include <string.h>

#include "matrix/matrix.h"
#include "tornadis-glib/client/tornadis-client-private.h"

/* More than the system keeps for a connection whose peer does not read. */
#define LARGE (24 * 1024 * 1024)
/* In seconds and one more: as long as a peer may be silent, and a timeout that is far away. */
#define SILENCE 31
#define FAR 600

#define V MATRIX_VALUE
#define L MATRIX_LOST
#define T MATRIX_TIMEOUT
#define B MATRIX_BUSY
#define SAME MATRIX_SAME
#define NEW MATRIX_NEW

typedef enum
{
  IDLE,
  SUBSCRIBED,
  POOL,
  FULL,  /* the first call is larger than all buffers, two are behind it */
  QUEUE, /* the same, and no more calls are taken */
} Situation;

typedef struct
{
  const char *fault;
  const char *steps; /* of the peer, up to the end of the connection */
  Situation situation;
  guint first;
  guint others; /* 0: there are none */
  MatrixAfter after;
} Row;

#define RESET "reset", "reset\n"
#define CLOSE "close", "close\n"
#define HALF_CLOSE "half-close", "half-close\ndrain\n"
#define BLACK_HOLE "black-hole", "deaf\nstop-reading\n"
#define HEALS "black-hole", "serve\n"

static const Row rows[] = {
  { RESET, IDLE, V, 0, NEW },
  { CLOSE, IDLE, V, 0, NEW },
  { HALF_CLOSE, IDLE, V, 0, NEW },
  { BLACK_HOLE, IDLE, L, 0, NEW },
  { RESET, SUBSCRIBED, V, 0, NEW },
  { CLOSE, SUBSCRIBED, V, 0, NEW },
  { HALF_CLOSE, SUBSCRIBED, V, 0, NEW },
  { BLACK_HOLE, SUBSCRIBED, V, 0, NEW },
  { RESET, POOL, V, 0, NEW },
  { CLOSE, POOL, V, 0, NEW },
  { HALF_CLOSE, POOL, V, 0, NEW },
  { BLACK_HOLE, POOL, L, 0, NEW },
  { RESET, FULL, L, V, NEW },
  { CLOSE, FULL, L, V, NEW },
  { HALF_CLOSE, FULL, L, V, NEW },
  { HEALS, FULL, T, V, SAME },
  { RESET, QUEUE, L, B, NEW },
  { HEALS, QUEUE, T, B, SAME },
};

static const char *const situation_names[] = { "idle", "subscribed", "pool", "full-buffers", "full-queue" };
static const char *const situation_words[] = {
  "idle, then a call", "subscribed, no message", "idle in a pool, then a call", "full buffers, two calls that are not written yet",
  "full buffers and a full queue, two calls more",
};

#define SUBSCRIBED3 ">3\\r\\n$9\\r\\nsubscribe\\r\\n$4\\r\\nnews\\r\\n:1\\r\\n"

static TornadisHarnessPeer *
meet (const Row *row)
{
  /* It reads no more than it has to. */
  g_autofree char *script = g_strconcat (
    "expect HELLO\nsend \"%0\\r\\n\"\n", row->situation == SUBSCRIBED ? "expect SUBSCRIBE\nsend \"" SUBSCRIBED3 "\"\n" : "",
    row->situation == IDLE || row->situation == POOL ? "expect ECHO\nsend \"$5\\r\\nearly\\r\\n\"\n" : "", "wait\n", row->steps,
    "---\nhandshake3\nserve\nanswer SUBSCRIBE \"" SUBSCRIBED3 "\"\n", NULL);

  return make_peer (script);
}

/* The peer does it, and nobody looks meanwhile. */
static void
go (TornadisHarnessPeer *peer)
{
  guint n_steps = tornadis_harness_peer_get_n_steps (peer);

  tornadis_harness_peer_go (peer);
  while (tornadis_harness_peer_get_n_steps (peer) < n_steps + 2)
    g_usleep (1000);
}

static void
wait_for_silence (gboolean *flag)
{
  for (guint i = 0; i < 10 && !*flag; i++)
    {
      matrix_advance_clock (SILENCE);
      spin_for (5);
    }
}

static void
gap_cb (TornadisPubSubClient *client,
        gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

static void
run_subscribed (const Row *row,
                TornadisHarnessPeer *peer)
{
  TornadisClient *client =
    TORNADIS_CLIENT (tornadis_pub_sub_client_new ("127.0.0.1", (guint16) tornadis_harness_peer_get_port (peer)));
  MatrixCall calls[] = { { .serial = "news" }, { .serial = "more" } };
  gboolean has_gap = FALSE;

  g_signal_connect (client, "gap", G_CALLBACK (gap_cb), &has_gap);
  matrix_call_subscribe (&calls[0], client, "news");
  matrix_call_assert (&calls[0], row->first, row->fault);
  go (peer);
  if (strstr (row->steps, "deaf") != NULL)
    wait_for_silence (&has_gap);
  spin_until (&has_gap, 60000);
  g_assert_true (has_gap);
  matrix_assert_once (calls, 2);
  tornadis_client_close (client);
  assert_client_finalized (client);
}

static void
run_pool (const Row *row,
          TornadisHarnessPeer *peer)
{
  g_autoptr (TornadisClient) template = make_client (peer);
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (template);
  MatrixCall calls[] = { { .serial = "early" }, { .serial = "first" }, { .serial = "further" } };

  g_object_set (pool, "max-size", 1, NULL);
  matrix_call_pool (&calls[0], pool);
  matrix_call_assert (&calls[0], V, row->fault);
  go (peer);
  matrix_call_pool (&calls[1], pool);
  if (row->first == L)
    wait_for_silence (&calls[1].ended);
  matrix_call_assert (&calls[1], row->first, row->fault);
  matrix_call_pool (&calls[2], pool);
  matrix_call_assert (&calls[2], V, row->fault);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 2);
  matrix_assert_once (calls, 3);
  tornadis_client_pool_destroy (pool);
}

static void
run_idle (const Row *row,
          TornadisHarnessPeer *peer,
          TornadisClient *client)
{
  MatrixCall calls[] = { { .serial = "early" }, { .serial = "first" } };

  matrix_call_submit (&calls[0], client);
  matrix_call_assert (&calls[0], V, row->fault);
  go (peer);
  matrix_call_submit (&calls[1], client);
  if (row->first == L)
    wait_for_silence (&calls[1].ended);
  matrix_call_assert (&calls[1], row->first, row->fault);
  matrix_assert_once (calls, 2);
}

/* The peer reads what is in the queue. */
static void
wait_for_room (TornadisClient *client)
{
  MatrixCall again = { .serial = "again" };

  do
    {
      matrix_assert_once (&again, 1);
      again.ended = FALSE;
      matrix_call_submit (&again, client);
      matrix_call_assert (&again, V | B, "full queue");
    }
  while (again.ending == B);
  matrix_assert_once (&again, 1);
}

static void
run_full (const Row *row,
          TornadisHarnessPeer *peer,
          TornadisClient *client)
{
  MatrixCall calls[] = { { .serial = "first" }, { .serial = "second" }, { .serial = "third" } };
  g_autofree char *value = g_strnfill (LARGE, 'x');

  g_assert_true (connect_and_wait (client, NULL));
  if (row->situation == QUEUE)
    g_object_set (client, "max-queued-bytes", (guint64) LARGE / 2, NULL);
  g_object_set (client, "call-timeout-msec", FAR * 1000, NULL);
  /* A PING that goes out behind all this has time, on a slow machine too. */
  tornadis_link_get_settings (tornadis_client_get_link (client))->ping_interval_msec = FAR * 1000;
  matrix_call_submit_strv (&calls[0], client, (const char *[]){ "SET", "k", value, NULL });
  g_object_set (client, "call-timeout-msec", 0, NULL);
  for (guint i = 1; i < G_N_ELEMENTS (calls); i++)
    matrix_call_submit (&calls[i], client);
  spin_for (20);
  g_assert_false (calls[0].ended);
  if (row->first == T)
    {
      matrix_advance_clock (FAR + 1);
      matrix_call_assert (&calls[0], T, row->fault);
    }
  tornadis_harness_peer_go (peer);
  matrix_call_assert (&calls[0], row->first, row->fault);
  for (guint i = 1; i < G_N_ELEMENTS (calls); i++)
    matrix_call_assert (&calls[i], row->others, row->fault);
  matrix_assert_once (calls, G_N_ELEMENTS (calls));
  if (row->situation == QUEUE)
    wait_for_room (client);
}

static void
run_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (TornadisHarnessPeer) peer = meet (row);
  TornadisClient *client;

  if (row->situation == SUBSCRIBED)
    run_subscribed (row, peer);
  else if (row->situation == POOL)
    run_pool (row, peer);
  else
    {
      client = make_client (peer);
      if (row->situation == IDLE)
        run_idle (row, peer, client);
      else
        run_full (row, peer, client);
      matrix_assert_works (client, row->fault);
      g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, row->after == SAME ? 1 : 2);
      assert_client_finalized (client);
    }
}

static void
add_row (const Row *row)
{
  g_autofree char *path = g_strdup_printf ("/matrix/loss/%s/%s", situation_names[row->situation], row->fault);
  g_autofree char *what = g_strdup_printf ("%s: %s", row->fault, situation_words[row->situation]);
  g_autofree char *first = matrix_describe (row->first);
  g_autofree char *others = matrix_describe (row->others);
  g_autoptr (GString) ends = g_string_new (NULL);

  if (row->situation == SUBSCRIBED)
    g_string_append (ends, "`gap`");
  else
    g_string_append (ends, first);
  if (row->others != 0)
    g_string_append_printf (ends, "; the two: %s", others);
  g_string_append_printf (ends, "; %s", matrix_describe_after (row->after));
  matrix_add (path, "scripted", what, ends->str, row, run_row);
}

int
main (int argc,
      char **argv)
{
  matrix_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    add_row (&rows[i]);

  return matrix_run ();
}
