/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A call that is cancelled, or timed out, never gives its reply to another. */

#include "integration/util.h"

#include <string.h>

typedef struct
{
  GCancellable *cancellable; /* (owned) (nullable) */
  guint key;
  guint *n_ended;
  guint *n_answered;
  guint *n_cancelled;
} Get;

static void
got_cb (GObject *object,
        GAsyncResult *result,
        gpointer user_data)
{
  Get *get = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);

  if (reply != NULL)
    {
      g_autofree char *expected = g_strdup_printf ("value-of-key-%u", get->key);

      g_assert_cmpstr (tornadis_reply_get_text (reply), ==, expected);
      (*get->n_answered)++;
    }
  else
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      (*get->n_cancelled)++;
    }

  (*get->n_ended)++;
  g_clear_object (&get->cancellable);
  g_free (get);
}

static gboolean
cancel_cb (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

/* A thousand keys through a peer that delays bytes at random, cancelled at random. */
static void
test_storm (void)
{
  g_autofree char *script = g_strdup_printf ("handshake\ndelay-server 3 %d\n", g_test_rand_int_range (0, G_MAXINT32));
  g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
  TornadisClient *client = make_client (peer);
  guint n_ended = 0, n_answered = 0, n_cancelled = 0;

  for (guint i = 0; i < 1000; i++)
    {
      Get *get = g_new0 (Get, 1);
      g_autofree char *key = g_strdup_printf ("key-%u", i);
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "GET", key, NULL });

      *get = (Get) { NULL, i, &n_ended, &n_answered, &n_cancelled };
      if (g_test_rand_int_range (0, 2) == 0)
        {
          int when = g_test_rand_int_range (-1, 120);

          get->cancellable = g_cancellable_new ();
          if (when < 0)
            g_cancellable_cancel (get->cancellable);
          else
            g_timeout_add_full (G_PRIORITY_DEFAULT, (guint) when, cancel_cb, g_object_ref (get->cancellable), g_object_unref);
        }

      tornadis_client_call_async (client, command, get->cancellable, got_cb, get);
      if (i % 50 == 0)
        spin_for (1);
    }

  while (n_ended < 1000)
    g_main_context_iteration (NULL, TRUE);

  g_test_message ("%u answered, %u cancelled", n_answered, n_cancelled);
  g_assert_cmpuint (n_answered + n_cancelled, ==, 1000);
  g_assert_cmpuint (n_answered, >=, 400);
  g_assert_cmpuint (n_cancelled, >=, 100);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 1);
  assert_call (client, "\"after\"", "ECHO", "after", NULL);
  spin_for (500);
  assert_finalized (client);
}

static void
test_late_reply (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect GET\nwait\nsend \"$4\\r\\nlate\\r\\n\"\nexpect GET\nsend \"$4\\r\\nmine\\r\\n\"\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "GET", "a", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (connect_and_wait (client, &error));
  tornadis_client_call_async (client, command, cancellable, store_result, &result);
  wait_until (count_received (peer, "GET") == 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (result);
  g_assert_null (tornadis_client_call_finish (client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  tornadis_harness_peer_go (peer);
  assert_call (client, "\"mine\"", "GET", "b", NULL);
  g_clear_object (&result);
  assert_finalized (client);
}

static void
test_timed_out (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect GET\nwait\nsend \"$4\\r\\nlate\\r\\n\"\nexpect GET\nsend \"$4\\r\\nmine\\r\\n\"\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (GError) error = NULL;

  g_assert_true (connect_and_wait (client, &error));
  g_object_set (client, "call-timeout-msec", 500, NULL);
  g_assert_null (call (client, &error, "GET", "a", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  g_object_set (client, "call-timeout-msec", 60000, NULL);
  tornadis_harness_peer_go (peer);
  assert_call (client, "\"mine\"", "GET", "b", NULL);
  assert_finalized (client);
}

/* A peer that sends a byte now and then does not put a deadline off. */
static void
test_dripping (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect GET\ndrip 100 \"$20\\r\\n01234567890123456789\\r\\n\"\nexpect GET\nsend \"$4\\r\\nmine\\r\\n\"\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (GError) error = NULL;

  g_assert_true (connect_and_wait (client, &error));
  g_object_set (client, "call-timeout-msec", 300, NULL);
  g_assert_null (call (client, &error, "GET", "a", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  g_object_set (client, "call-timeout-msec", 0, NULL);
  assert_call (client, "\"mine\"", "GET", "b", NULL);
  assert_finalized (client);
}

static void
test_already_cancelled (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "GET", "never", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *received = NULL;

  g_cancellable_cancel (cancellable);
  tornadis_client_call_async (client, command, cancellable, store_result, &result);
  g_assert_null (result);
  g_assert_null (tornadis_client_call_finish (client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  assert_call (client, "PONG", "PING", NULL);
  received = tornadis_harness_peer_get_received (peer);
  g_assert_null (strstr (received, "never"));
  g_clear_object (&result);
  assert_finalized (client);
}

/* One that waits for the connection is cancelled before a byte of it is sent. */
static void
test_while_connecting (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("wait\nhandshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "GET", "never", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *received = NULL;

  tornadis_client_call_async (client, command, cancellable, store_result, &result);
  wait_until (tornadis_harness_peer_get_n_connections (peer) == 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_call_finish (client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  tornadis_harness_peer_go (peer);
  assert_call (client, "PONG", "PING", NULL);
  received = tornadis_harness_peer_get_received (peer);
  g_assert_null (strstr (received, "never"));
  g_clear_object (&result);
  assert_finalized (client);
}

static gpointer
cancel_thread (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return NULL;
}

/* Cancelling comes from any thread. */
static void
test_other_thread (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect GET\nwait\nsend \"+x\\r\\n\"\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "GET", "a", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  g_assert_true (connect_and_wait (client, &error));
  tornadis_client_call_async (client, command, cancellable, store_result, &result);
  wait_until (count_received (peer, "GET") == 1);
  thread = g_thread_new ("cancel", cancel_thread, cancellable);
  g_assert_null (tornadis_client_call_finish (client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  tornadis_harness_peer_go (peer);
  assert_call (client, "\"value-of-b\"", "GET", "b", NULL);
  g_clear_object (&result);
  assert_finalized (client);
}

typedef struct
{
  GCancellable *cancellable; /* (unowned) */
  guint n_replies;
} ReadTogether;

static void
cancel_the_rest_cb (GObject *object,
                    GAsyncResult *result,
                    gpointer user_data)
{
  ReadTogether *together = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, together->n_replies == 0 ? "x" : "y");
  together->n_replies++;
  g_cancellable_cancel (together->cancellable);
}

/* What came with the reply that made somebody cancel was read, and is the outcome. */
static void
test_read_before (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect GET\nexpect GET\nsend \"+x\\r\\n+y\\r\\n\"\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "GET", "a", NULL });
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  ReadTogether together = { cancellable, 0 };

  for (guint i = 0; i < 2; i++)
    tornadis_client_call_async (client, command, cancellable, cancel_the_rest_cb, &together);
  wait_until (together.n_replies == 2);
  assert_finalized (client);
}

/* Somebody uses the cancellable again before the main loop has come to that. */
static void
test_reset (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect GET\nexpect GET\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (GMainContext) other = g_main_context_new ();
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "GET", "a", NULL });

  /* The second result is a GTask. */
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;

      if (i == 1)
        g_main_context_push_thread_default (other);
      tornadis_client_call_async (client, command, cancellable, store_result, &result);
      if (i == 1)
        g_main_context_pop_thread_default (other);
      wait_until (count_received (peer, "GET") == i + 1);
      g_cancellable_cancel (cancellable);
      g_cancellable_reset (cancellable);
      wait_until ((g_main_context_iteration (other, FALSE), result != NULL));
      g_assert_null (tornadis_client_call_finish (client, result, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
  assert_finalized (client);
}

static guint64
get_bytes_read (TornadisClient *client)
{
  guint64 n;

  g_object_get (client, "bytes-read", &n, NULL);
  return n;
}

/* A pipeline half of whose replies are in. */
static void
test_pipeline (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect GET\nexpect GET\nexpect GET\nsend \"+one\\r\\n+tw\"\nwait\nsend \"o\\r\\n+three\\r\\n\"\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint64 before;

  for (guint i = 0; i < 3; i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "GET", "k", NULL });
  g_assert_true (connect_and_wait (client, &error));
  before = get_bytes_read (client);
  tornadis_client_call_pipeline_async (client, pipeline, cancellable, store_result, &result);
  wait_until (get_bytes_read (client) == before + strlen ("+one\r\n+tw"));
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_call_pipeline_finish (client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  tornadis_harness_peer_go (peer);
  assert_call (client, "\"value-of-z\"", "GET", "z", NULL);
  g_clear_object (&result);
  assert_finalized (client);
}

typedef struct
{
  GCancellable *cancellable; /* (unowned) of a call that was lost, and is not yet notified */
  guint n_answered;
  gboolean nested;
} Reused;

static void
answered_cb (TornadisClient *client,
             TornadisReply *reply,
             GError *error,
             gpointer user_data)
{
  Reused *reused = user_data;

  g_assert_no_error (error);
  reused->n_answered++;
}

/* Makes as many calls as were lost, and runs a main loop in which one of those is cancelled. */
static void
lost_cb (TornadisClient *client,
         TornadisReply *reply,
         GError *error,
         gpointer user_data)
{
  Reused *reused = user_data;

  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new ("PING");

      tornadis_client_submit (client, command, answered_cb, reused, NULL);
    }
  g_cancellable_cancel (reused->cancellable);
  wait_until (reused->n_answered == 2);
  reused->nested = TRUE;
}

/* Nor does cancelling reach another call, which has its place in the queue. */
static void
test_place_used_again (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (TornadisCommand) command = tornadis_command_new ("PING");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  Reused reused = { cancellable, 0, FALSE };

  tornadis_client_submit (client, command, lost_cb, &reused, NULL);
  tornadis_client_call_async (client, command, cancellable, store_result, &result);
  tornadis_client_close (client);
  g_assert_true (reused.nested);
  g_assert_null (tornadis_client_call_finish (client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_object (&result);
  assert_finalized (client);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cancel/storm", test_storm);
  g_test_add_func ("/cancel/late-reply", test_late_reply);
  g_test_add_func ("/cancel/timed-out", test_timed_out);
  g_test_add_func ("/cancel/dripping", test_dripping);
  g_test_add_func ("/cancel/already-cancelled", test_already_cancelled);
  g_test_add_func ("/cancel/while-connecting", test_while_connecting);
  g_test_add_func ("/cancel/other-thread", test_other_thread);
  g_test_add_func ("/cancel/read-before", test_read_before);
  g_test_add_func ("/cancel/reset", test_reset);
  g_test_add_func ("/cancel/pipeline", test_pipeline);
  g_test_add_func ("/cancel/place-used-again", test_place_used_again);

  return g_test_run ();
}
