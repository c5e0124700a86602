/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What callers see of the GAsyncResult of a call. It is the same whether the call can be cancelled or not, though the one
 * is a GTask and the other is none. */

#include "integration/util.h"

/* The tests' data. */
#define PLAIN GINT_TO_POINTER (FALSE)
#define CANCELLABLE GINT_TO_POINTER (TRUE)

static void
set_up (Fixture *fixture,
        gconstpointer data)
{
  fixture_set_up (fixture, NULL);
}

static void
echo (TornadisClient *client,
      guint i,
      gconstpointer data,
      GAsyncReadyCallback callback,
      gpointer user_data)
{
  g_autoptr (GCancellable) cancellable = data == CANCELLABLE ? g_cancellable_new () : NULL;
  g_autofree char *text = g_strdup_printf ("%u", i);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "ECHO", text, NULL });

  tornadis_client_call_async (client, command, cancellable, callback, user_data);
}

static void
assert_echoed (TornadisClient *client,
               GAsyncResult *result,
               guint i)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (client, result, &error);

  g_assert_no_error (error);
  g_assert_cmpint (tornadis_reply_get_integer (reply), ==, i);
}

static void
test_accessors (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = data == CANCELLABLE ? g_cancellable_new () : NULL;
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "PING");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) of_pipeline = NULL;
  g_autoptr (GObject) source = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  echo (fixture->client, 7, data, store_result, &result);
  wait_for_result (&result);
  source = g_async_result_get_source_object (result);
  g_assert_true (source == G_OBJECT (fixture->client));
  g_assert_true (g_async_result_get_user_data (result) == &result);
  g_assert_true (g_async_result_is_tagged (result, tornadis_client_call_async));
  g_assert_false (g_async_result_is_tagged (result, tornadis_client_call_pipeline_async));
  assert_echoed (fixture->client, result, 7);

  tornadis_client_call_pipeline_async (fixture->client, pipeline, cancellable, store_result, &of_pipeline);
  wait_for_result (&of_pipeline);
  g_assert_true (g_async_result_is_tagged (of_pipeline, tornadis_client_call_pipeline_async));
  reply = tornadis_client_call_pipeline_finish (fixture->client, of_pipeline, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, 1);
}

/* A finish function that is given what is not its own says so. */
static void
test_misused (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisClient) other = tornadis_client_new ("127.0.0.1", 1);
  g_autoptr (GAsyncResult) result = NULL;

  echo (fixture->client, 7, data, store_result, &result);
  wait_for_result (&result);

  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*assertion*failed*");
  g_assert_null (tornadis_client_call_finish (other, result, NULL));
  g_test_assert_expected_messages ();

  assert_echoed (fixture->client, result, 7);
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*assertion*failed*");
  g_assert_null (tornadis_client_call_finish (fixture->client, result, NULL));
  g_test_assert_expected_messages ();
}

#define N_KEPT 100

/* Results that callers keep are theirs: no later call gets one of them. */
static void
test_kept (Fixture *fixture,
           gconstpointer data)
{
  GAsyncResult *results[N_KEPT] = { NULL };

  for (guint round = 0; round < 3; round++)
    {
      for (guint i = 0; i < N_KEPT; i++)
        echo (fixture->client, round * N_KEPT + i, data, store_result, &results[i]);
      for (guint i = 0; i < N_KEPT; i++)
        wait_for_result (&results[i]);
      /* Others come and go meanwhile. */
      for (guint i = 0; i < N_KEPT; i++)
        assert_call (fixture->client, "PONG", "PING", NULL);
      for (guint i = 0; i < N_KEPT; i++)
        {
          assert_echoed (fixture->client, results[i], round * N_KEPT + i);
          g_clear_object (&results[i]);
        }
    }
}

static void
watch_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  GAsyncResult **watched = user_data;

  *watched = result;
  g_object_add_weak_pointer (G_OBJECT (result), (gpointer *) watched);
}

static void
ignore_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  (*(guint *) user_data)++;
}

/* An outcome that nobody takes goes with its result, whose end can be waited for. */
static void
test_not_finished (Fixture *fixture,
                   gconstpointer data)
{
  TornadisClient *client = tornadis_client_new ("127.0.0.1", tornadis_harness_redis_get_port (fixture->redis));
  GAsyncResult *watched = NULL;
  guint n = 0;

  echo (client, 0, data, watch_cb, &watched);
  for (guint i = 1; i <= N_KEPT; i++)
    echo (client, i, data, ignore_cb, &n);
  wait_until (n == N_KEPT);
  g_assert_null (watched);
  g_assert_finalize_object (client);
}

/* The callback is not needed; the client is kept nevertheless until the reply is there. */
static void
test_no_callback (Fixture *fixture,
                  gconstpointer data)
{
  TornadisClient *client = tornadis_client_new ("127.0.0.1", tornadis_harness_redis_get_port (fixture->redis));
  g_autoptr (GCancellable) cancellable = data == CANCELLABLE ? g_cancellable_new () : NULL;
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "INCR", "called", NULL });

  g_object_add_weak_pointer (G_OBJECT (client), (gpointer *) &client);
  tornadis_client_call_async (client, command, cancellable, NULL, NULL);
  g_object_unref (client);
  g_assert_nonnull (client);
  wait_until (client == NULL);
  assert_call (fixture->client, "\"1\"", "GETDEL", "called", NULL);
}

typedef struct
{
  gconstpointer data;
  TornadisClient *client; /* (unowned) */
  guint n_failed;
  guint n_failed_within; /* before tornadis_client_close() returned */
  gboolean done;
} Closing;

static void
failed_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Closing *closing = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_null (tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  closing->n_failed++;
}

static gboolean
call_and_close_cb (gpointer user_data)
{
  Closing *closing = user_data;

  echo (closing->client, 1, closing->data, failed_cb, closing);
  tornadis_client_close (closing->client);
  closing->n_failed_within = closing->n_failed;
  closing->done = TRUE;

  return G_SOURCE_REMOVE;
}

static gboolean
close_cb (gpointer user_data)
{
  Closing *closing = user_data;

  tornadis_client_close (closing->client);
  closing->n_failed_within = closing->n_failed;
  closing->done = TRUE;

  return G_SOURCE_REMOVE;
}

/* A callback is called from the main context, and not in the iteration in which the call was made. */
static void
test_iteration (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("drain\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  Closing closing = { data, client };

  /* In none at all. */
  echo (client, 1, data, failed_cb, &closing);
  tornadis_client_close (client);
  g_assert_cmpuint (closing.n_failed, ==, 0);
  wait_until (closing.n_failed == 1);

  /* In one that makes the call and ends it. */
  closing = (Closing){ data, client };
  g_idle_add (call_and_close_cb, &closing);
  g_assert_true (spin_until (&closing.done, 60000));
  g_assert_cmpuint (closing.n_failed_within, ==, 0);
  wait_until (closing.n_failed == 1);

  /* In a later one. */
  closing = (Closing){ data, client };
  echo (client, 1, data, failed_cb, &closing);
  g_idle_add (close_cb, &closing);
  g_assert_true (spin_until (&closing.done, 60000));
  g_assert_cmpuint (closing.n_failed_within, ==, 1);
}

typedef struct
{
  GMainContext *expected;
  gboolean done;
} Placed;

static void
placed_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Placed *placed = user_data;
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  g_assert_true (context == placed->expected);
  g_assert_true (g_main_context_is_owner (context));
  assert_echoed (TORNADIS_CLIENT (object), result, 3);
  placed->done = TRUE;
}

/* The callback is called in the context that was the thread's default when the call was made, and with that as the
 * default. */
static void
test_contexts (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TornadisClient) client = NULL;
  Placed placed = { context, FALSE };

  /* One that nobody pushes while it runs. */
  g_main_context_push_thread_default (context);
  client = tornadis_client_new ("127.0.0.1", tornadis_harness_redis_get_port (fixture->redis));
  echo (client, 3, data, placed_cb, &placed);
  g_main_context_pop_thread_default (context);
  while (!placed.done)
    g_main_context_iteration (context, TRUE);

  /* One that is not the client's. */
  placed = (Placed){ g_main_context_default (), FALSE };
  echo (client, 3, data, placed_cb, &placed);
  while (!placed.done)
    {
      g_main_context_iteration (context, FALSE);
      g_main_context_iteration (NULL, FALSE);
    }

  placed = (Placed){ context, FALSE };
  g_main_context_push_thread_default (context);
  echo (fixture->client, 3, data, placed_cb, &placed);
  while (!placed.done)
    {
      g_main_context_iteration (context, FALSE);
      g_main_context_iteration (NULL, FALSE);
    }
  g_main_context_pop_thread_default (context);
}

#define ADD(name, func)                                                                                        \
  G_STMT_START                                                                                                 \
  {                                                                                                            \
    g_test_add ("/client-result/" name, Fixture, PLAIN, set_up, func, fixture_tear_down);                      \
    g_test_add ("/client-result/" name "/cancellable", Fixture, CANCELLABLE, set_up, func, fixture_tear_down); \
  }                                                                                                            \
  G_STMT_END

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("accessors", test_accessors);
  ADD ("misused", test_misused);
  ADD ("kept", test_kept);
  ADD ("not-finished", test_not_finished);
  ADD ("no-callback", test_no_callback);
  ADD ("iteration", test_iteration);
  ADD ("contexts", test_contexts);

  return g_test_run ();
}
