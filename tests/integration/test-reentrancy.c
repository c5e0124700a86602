/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Callbacks and handlers that close the client, drop it, or use it again, wherever they are called from. */

#include "integration/util.h"

#include <string.h>

static void
submit (TornadisClient *client,
        const char *name,
        TornadisReplyFunc func,
        gpointer user_data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { name, "x", NULL });

  tornadis_client_submit (client, command, func, user_data, NULL);
}

typedef struct
{
  TornadisClient *client; /* (owned) (nullable) */
  guint n_ended;
  gboolean done;
} Dropping;

static void
drop_first_cb (TornadisClient *client,
               TornadisReply *reply,
               GError *error,
               gpointer user_data)
{
  Dropping *dropping = user_data;

  g_assert_true (TORNADIS_IS_CLIENT (client));
  g_assert_nonnull (error);
  g_clear_object (&dropping->client);
  dropping->done = ++dropping->n_ended == 3;
}

/* The first of three calls that end drops the client. */
static void
test_dropped (gconstpointer script)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (script != NULL ? script : "close\n");
  Dropping dropping = { 0 };
  TornadisClient *client = make_client (peer);

  dropping.client = client;
  g_object_add_weak_pointer (G_OBJECT (client), (gpointer *) &client);
  if (script == NULL)
    g_object_set (client, "port", 1, NULL);
  for (guint i = 0; i < 3; i++)
    submit (client, "GET", drop_first_cb, &dropping);
  g_assert_true (spin_until (&dropping.done, 60000));
  spin_for (10);
  g_assert_null (client);
}

static void
close_client_cb (GCancellable *cancellable,
                 TornadisClient *client)
{
  tornadis_client_close (client);
}

/* In the emission that the call's own handler belongs to. */
static void
test_closed_when_cancelled (Fixture *fixture,
                            gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "BLPOP", "nothing", "0", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_signal_connect (cancellable, "cancelled", G_CALLBACK (close_client_cb), fixture->client);
  tornadis_client_call_async (fixture->client, command, cancellable, store_result, &result);
  wait_until (count_blocked (fixture->redis) == 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_signal_handlers_disconnect_by_data (cancellable, fixture->client);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
close_on_notify_cb (TornadisClient *client,
                    GParamSpec *pspec,
                    gpointer user_data)
{
  (*(guint *) user_data)++;
  tornadis_client_close (client);
}

/* A handler of the database that a pipeline selects closes the client: the pipeline ends once, with its replies. */
static void
test_closed_by_effect (Fixture *fixture,
                       gconstpointer data)
{
  for (guint atomic = 0; atomic < 2; atomic++)
    {
      g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
      g_autoptr (TornadisReply) replies = NULL;
      g_autoptr (GError) error = NULL;
      guint n_notified = 0;
      gulong id = g_signal_connect (fixture->client, "notify::db", G_CALLBACK (close_on_notify_cb), &n_notified);

      tornadis_pipeline_set_atomic (pipeline, atomic == 1);
      tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "SELECT", atomic == 1 ? "3" : "2", NULL });
      tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "PING", NULL });
      replies = call_pipeline (fixture->client, pipeline, NULL, &error);
      if (replies != NULL)
        g_assert_cmpuint (tornadis_reply_get_n_elements (replies), ==, 2);
      else
        g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
      spin_for (20);
      g_assert_cmpuint (n_notified, ==, 1);
      g_signal_handler_disconnect (fixture->client, id);
    }
}

static void
close_when_scheduled_cb (TornadisClient *client,
                         guint attempt,
                         guint delay_msec,
                         const GError *error,
                         gpointer user_data)
{
  tornadis_client_close (client);
}

static void
count_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  (*(guint *) user_data)++;
}

/* A call is never answered from within the function that makes it. */
static void
test_not_from_within (void)
{
  TornadisClient *client = tornadis_client_new ("127.0.0.1", 1);
  guint n_ended = 0;

  g_signal_connect (client, "reconnect-scheduled", G_CALLBACK (close_when_scheduled_cb), NULL);
  for (guint i = 1; i <= 10; i++)
    {
      submit (client, "GET", count_cb, &n_ended);
      g_assert_cmpuint (n_ended, ==, i - 1);
      while (n_ended < i)
        g_main_context_iteration (NULL, TRUE);
    }
  assert_finalized (client);
}

typedef struct
{
  guint port;
  GAsyncResult *result; /* (owned) (nullable) */
} Second;

static void
connect_again_cb (TornadisClient *client,
                  TornadisReply *reply,
                  GError *error,
                  gpointer user_data)
{
  Second *second = user_data;

  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_object_set (client, "port", second->port, NULL);
  tornadis_client_connect_async (client, NULL, store_result, &second->result);
}

/* Who connects again when a call has failed learns of the new attempt, not of the old one. */
static void
test_connect_again (Fixture *fixture,
                    gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (GError) error = NULL;
  Second second = { tornadis_harness_peer_get_port (peer), NULL };

  g_object_set (client, "port", 1, NULL);
  submit (client, "GET", connect_again_cb, &second);
  g_assert_true (tornadis_client_connect_finish (client, wait_for_result (&second.result), &error));
  g_assert_no_error (error);
  g_clear_object (&second.result);
  assert_finalized (client);
}

static void
call_when_closed_cb (GObject *object,
                     GAsyncResult *result,
                     gpointer user_data)
{
  g_assert_false (tornadis_client_connect_finish (TORNADIS_CLIENT (object), result, NULL));
  submit (TORNADIS_CLIENT (object), "ECHO", count_cb, user_data);
}

/* A call that is made when a client is closed opens it again, as always. */
static void
test_call_when_closed (Fixture *fixture,
                       gconstpointer data)
{
  guint n_ended = 0;

  tornadis_client_connect_async (fixture->client, NULL, call_when_closed_cb, &n_ended);
  tornadis_client_close (fixture->client);
  while (n_ended == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (tornadis_client_is_connected (fixture->client));
}

static void
expect_reply_cb (TornadisClient *client,
                 TornadisReply *reply,
                 GError *error,
                 gpointer user_data)
{
  g_assert_no_error (error);
  *(gboolean *) user_data = TRUE;
}

static void
close_and_repeat_cb (TornadisClient *client,
                     TornadisReply *reply,
                     GError *error,
                     gpointer user_data)
{
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  tornadis_client_close (client);
  g_object_set (client, "call-timeout-msec", 60000, NULL);
  submit (client, "ECHO", expect_reply_cb, user_data);
}

/* What is made in the callback of a call that timed out does not inherit the deadline of another. */
static void
test_timed_out (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("stop-reading\n---\nhandshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  gboolean answered = FALSE;

  g_object_set (client, "call-timeout-msec", 200, NULL);
  submit (client, "ECHO", close_and_repeat_cb, &answered);
  submit (client, "ECHO", NULL, NULL);
  g_assert_true (spin_until (&answered, 60000));
  assert_finalized (client);
}

#define ADD(name, func) g_test_add ("/reentrancy/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/reentrancy/dropped/refused", NULL, test_dropped);
  g_test_add_data_func ("/reentrancy/dropped/lost", "handshake\nexpect GET\nreset\n", test_dropped);
  ADD ("closed-when-cancelled", test_closed_when_cancelled);
  ADD ("closed-by-effect", test_closed_by_effect);
  g_test_add_func ("/reentrancy/not-from-within", test_not_from_within);
  ADD ("connect-again", test_connect_again);
  ADD ("call-when-closed", test_call_when_closed);
  g_test_add_func ("/reentrancy/timed-out", test_timed_out);

  return g_test_run ();
}
