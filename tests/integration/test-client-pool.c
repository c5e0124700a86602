/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

typedef struct
{
  TornadisHarnessRedis *redis;
  TornadisClientPool *pool;
} Pool;

static void
set_up (Pool *fixture,
        gconstpointer data)
{
  g_autoptr (TornadisClient) template = NULL;
  g_autoptr (GError) error = NULL;

  fixture->redis = tornadis_harness_redis_new (NULL, &error);
  g_assert_no_error (error);
  template = g_object_new (TORNADIS_TYPE_CLIENT,
                           "unix-domain-socket", tornadis_harness_redis_get_socket_path (fixture->redis),
                           "client-name", "pooled", "call-timeout-msec", 20000, "db", 1, "busy-poll", FALSE, NULL);
  fixture->pool = tornadis_client_pool_new (template);
}

static void
tear_down (Pool *fixture,
           gconstpointer data)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_finalized (fixture->pool);
  g_clear_object (&fixture->redis);
}

static void
assert_counts (TornadisClientPool *pool,
               guint size,
               guint idle,
               guint waiting)
{
  guint now[3];

  g_object_get (pool, "size", &now[0], "idle", &now[1], "waiting", &now[2], NULL);
  g_assert_cmpuint (now[0], ==, size);
  g_assert_cmpuint (now[1], ==, idle);
  g_assert_cmpuint (now[2], ==, waiting);
}

static void
test_reuse (Pool *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisClient) first = assert_take (fixture->pool);
  g_autoptr (TornadisClient) second = assert_take (fixture->pool);
  g_autoptr (TornadisClient) again = NULL;
  gboolean busy_poll;

  g_assert_true (first != second);
  assert_call (first, "\"pooled\"", "CLIENT", "GETNAME", NULL);
  g_object_get (first, "busy-poll", &busy_poll, NULL);
  g_assert_false (busy_poll);
  assert_counts (fixture->pool, 2, 0, 0);
  tornadis_client_pool_release_client (fixture->pool, first);
  assert_counts (fixture->pool, 2, 1, 0);
  again = assert_take (fixture->pool);
  g_assert_true (again == first);
  tornadis_client_pool_release_client (fixture->pool, again);
  tornadis_client_pool_release_client (fixture->pool, second);
  assert_counts (fixture->pool, 2, 2, 0);
}

static void
test_waiting (Pool *fixture,
              gconstpointer data)
{
  GAsyncResult *results[3] = { NULL };
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->pool, "max-size", 1, NULL);
  client = assert_take (fixture->pool);
  g_assert_null (tornadis_client_pool_get_client_nowait (fixture->pool));

  for (guint i = 0; i < 3; i++)
    tornadis_client_pool_get_connected_client_async (fixture->pool, i == 0 ? cancellable : NULL, store_result, &results[i]);
  assert_counts (fixture->pool, 1, 0, 3);

  /* One who gives up leaves his place to the next. */
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_pool_get_connected_client_finish (fixture->pool, wait_for_result (&results[0]), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_counts (fixture->pool, 1, 0, 2);

  for (guint i = 1; i < 3; i++)
    {
      g_autoptr (TornadisClient) next = NULL;

      spin_for (20);
      g_assert_null (results[i]);
      tornadis_client_pool_release_client (fixture->pool, client);
      next = tornadis_client_pool_get_connected_client_finish (fixture->pool, wait_for_result (&results[i]), NULL);
      g_assert_true (next == client);
    }
  tornadis_client_pool_release_client (fixture->pool, client);
  assert_counts (fixture->pool, 1, 1, 0);
  for (guint i = 0; i < 3; i++)
    g_object_unref (results[i]);
}

static void
test_waiting_bounded (Pool *fixture,
                      gconstpointer data)
{
  g_autoptr (TornadisClient) template = NULL;
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  GAsyncResult *results[6] = { NULL };
  g_autoptr (GError) error = NULL;

  g_test_summary ("Of those who wait for a client there are as many as a client may have calls");

  g_object_set (fixture->pool, "max-size", 1, NULL);
  g_object_get (fixture->pool, "template", &template, NULL);
  g_object_set (template, "max-pending", 4, NULL);
  client = assert_take (fixture->pool);
  for (guint i = 0; i < 5; i++)
    tornadis_client_pool_call_async (fixture->pool, ping, NULL, store_result, &results[i]);
  tornadis_client_pool_get_connected_client_async (fixture->pool, NULL, store_result, &results[5]);
  assert_counts (fixture->pool, 1, 0, 4);

  g_assert_null (tornadis_client_pool_call_finish (fixture->pool, wait_for_result (&results[4]), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_null (tornadis_client_pool_get_connected_client_finish (fixture->pool, wait_for_result (&results[5]), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);

  g_assert_null (results[0]);
  tornadis_client_pool_release_client (fixture->pool, client);
  for (guint i = 0; i < 4; i++)
    tornadis_reply_unref (tornadis_client_pool_call_finish (fixture->pool, wait_for_result (&results[i]), NULL));
  assert_counts (fixture->pool, 1, 1, 0);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    g_object_unref (results[i]);
}

/* A client that was given and never fetched goes back. */
static void
test_never_fetched (Pool *fixture,
                    gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->pool, "max-size", 1, NULL);
  tornadis_client_pool_get_connected_client_async (fixture->pool, NULL, store_result, &result);
  wait_for_result (&result);
  assert_counts (fixture->pool, 1, 0, 0);
  g_clear_object (&result);
  assert_counts (fixture->pool, 1, 1, 0);

  /* Nobody can fetch it. */
  tornadis_client_pool_get_connected_client_async (fixture->pool, NULL, NULL, NULL);
  assert_counts (fixture->pool, 1, 0, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_counts (fixture->pool, 1, 1, 0);

  /* Cancelled after it was given, before it was fetched. */
  tornadis_client_pool_get_connected_client_async (fixture->pool, cancellable, store_result, &result);
  wait_for_result (&result);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_pool_get_connected_client_finish (fixture->pool, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_object (&result);
  assert_counts (fixture->pool, 1, 1, 0);
}

static void
test_connect_fails (Pool *fixture,
                    gconstpointer data)
{
  g_object_set (fixture->pool, "max-size", 2, NULL);
  tornadis_harness_redis_kill (fixture->redis);

  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (take (fixture->pool, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
      assert_counts (fixture->pool, 0, 0, 0);
    }

  g_assert_true (tornadis_harness_redis_restart (fixture->redis, NULL));
  {
    g_autoptr (TornadisClient) first = assert_take (fixture->pool);
    g_autoptr (TornadisClient) second = assert_take (fixture->pool);

    tornadis_client_pool_release_client (fixture->pool, first);
    tornadis_client_pool_release_client (fixture->pool, second);
  }
}

static void
test_released_twice (Pool *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisClient) client = assert_take (fixture->pool);
  g_autoptr (TornadisClient) stranger = tornadis_client_new ("localhost", 1);

  tornadis_client_pool_release_client (fixture->pool, client);
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*g_hash_table_contains*");
  tornadis_client_pool_release_client (fixture->pool, client);
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*g_hash_table_contains*");
  tornadis_client_pool_release_client (fixture->pool, stranger);
  g_test_assert_expected_messages ();
  assert_counts (fixture->pool, 1, 1, 0);
}

/* Nobody gets a client that another left in the middle of something. */
static void
test_dirty (Pool *fixture,
            gconstpointer data)
{
  static const char *const commands[][4] = {
    { "MULTI" }, { "WATCH", "k" }, { "SELECT", "5" }, { NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autoptr (TornadisClient) client = assert_take (fixture->pool);
      g_autoptr (TornadisClient) next = NULL;
      g_autofree char *info = NULL;

      if (commands[i][0] != NULL)
        g_free (call_text (client, commands[i][0], commands[i][1], commands[i][2], NULL));
      else
        {
          g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "BLPOP", "nothing", "0", NULL });

          tornadis_client_submit (client, command, NULL, NULL, NULL);
        }
      tornadis_client_pool_release_client (fixture->pool, client);
      assert_counts (fixture->pool, 0, 0, 0);
      g_assert_false (tornadis_client_is_connected (client));

      next = assert_take (fixture->pool);
      g_assert_true (next != client);
      info = call_text (next, "CLIENT", "INFO", NULL);
      g_assert_nonnull (strstr (info, " db=1 "));
      g_assert_nonnull (strstr (info, " multi=-1 "));
      tornadis_client_pool_release_client (fixture->pool, next);
      tornadis_client_pool_destroy (fixture->pool);
    }

  /* Back in order, it is as good as any. */
  {
    g_autoptr (TornadisClient) client = assert_take (fixture->pool);

    g_free (call_text (client, "WATCH", "k", NULL));
    g_free (call_text (client, "MULTI", NULL));
    g_free (call_text (client, "DISCARD", NULL));
    tornadis_client_pool_release_client (fixture->pool, client);
    assert_counts (fixture->pool, 1, 1, 0);
  }
}

static void
test_dead_idle (Pool *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisClient) client = assert_take (fixture->pool);
  g_autoptr (TornadisClient) next = NULL;
  g_autofree char *answer = NULL;

  tornadis_client_pool_release_client (fixture->pool, client);
  answer = tornadis_harness_redis_command (fixture->redis, "CLIENT KILL TYPE normal SKIPME yes", NULL);
  wait_until (!tornadis_client_is_connected (client));
  next = assert_take (fixture->pool);
  assert_call (next, "PONG", "PING", NULL);
  assert_counts (fixture->pool, 1, 0, 0);
  tornadis_client_pool_release_client (fixture->pool, next);
}

static gboolean
preconnect (TornadisClientPool *pool,
            int size,
            GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_client_pool_preconnect_async (pool, size, NULL, store_result, &result);
  return tornadis_client_pool_preconnect_finish (pool, wait_for_result (&result), error);
}

static void
test_preconnect (Pool *fixture,
                 gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (preconnect (fixture->pool, -1, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_clear_error (&error);

  g_assert_true (preconnect (fixture->pool, 3, &error));
  assert_counts (fixture->pool, 3, 3, 0);
  g_assert_true (preconnect (fixture->pool, 2, &error));
  assert_counts (fixture->pool, 3, 3, 0);
  g_object_set (fixture->pool, "max-size", 5, NULL);
  g_assert_true (preconnect (fixture->pool, 100, &error));
  assert_counts (fixture->pool, 5, 5, 0);
  tornadis_client_pool_destroy (fixture->pool);
  assert_counts (fixture->pool, 0, 0, 0);
  g_assert_true (preconnect (fixture->pool, -1, &error));
  assert_counts (fixture->pool, 5, 5, 0);

  tornadis_client_pool_destroy (fixture->pool);
  tornadis_harness_redis_kill (fixture->redis);
  g_assert_false (preconnect (fixture->pool, 2, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  assert_counts (fixture->pool, 0, 0, 0);
}

typedef struct
{
  TornadisClientPool *pool; /* (unowned) */
  GAsyncResult *result;     /* (owned) (nullable) */
  guint size;               /* of the pool when it was called back */
} Waiting;

static void
noted_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  Waiting *waiting = user_data;

  g_object_get (waiting->pool, "size", &waiting->size, NULL);
  waiting->result = g_object_ref (result);
}

/* A pool of a peer whose first connections say nothing. */
static TornadisClientPool *
make_silent_pool (TornadisHarnessPeer *peer,
                  int max_size)
{
  g_autoptr (TornadisClient) template = make_client (peer);
  TornadisClientPool *pool = tornadis_client_pool_new (template);

  g_object_set (pool, "max-size", max_size, NULL);
  return pool;
}

/* Who waits for a connection in vain leaves no place occupied. */
static void
test_given_up (Pool *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("drain\n---\nhandshake\necho-server\n");
  TornadisClientPool *pool = make_silent_pool (peer, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (GError) error = NULL;
  Waiting waiting = { pool, NULL, 99 };

  tornadis_client_pool_get_connected_client_async (pool, cancellable, noted_cb, &waiting);
  assert_counts (pool, 1, 0, 1);
  wait_until (tornadis_harness_peer_get_n_connections (peer) == 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_pool_get_connected_client_finish (pool, wait_for_result (&waiting.result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (waiting.size, ==, 0);
  assert_counts (pool, 0, 0, 0);

  client = tornadis_client_pool_get_client_nowait (pool);
  g_assert_nonnull (client);
  tornadis_client_pool_release_client (pool, client);
  g_clear_object (&client);
  client = assert_take (pool);
  assert_call (client, "PONG", "PING", NULL);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 2);
  tornadis_client_pool_release_client (pool, client);
  g_clear_object (&waiting.result);
  assert_finalized (pool);
}

/* The others who wait keep as many attempts as they are, the oldest, which is the first to be up. */
static void
test_given_up_by_one (Pool *fixture,
                      gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("wait\nhandshake\necho-server\n---\ndrain\n");
  TornadisClientPool *pool = make_silent_pool (peer, 2);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_client_pool_get_connected_client_async (pool, cancellable, store_result, &first);
  wait_until (tornadis_harness_peer_get_n_connections (peer) == 1);
  tornadis_client_pool_get_connected_client_async (pool, NULL, store_result, &second);
  wait_until (tornadis_harness_peer_get_n_connections (peer) == 2);
  assert_counts (pool, 2, 0, 2);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_pool_get_connected_client_finish (pool, wait_for_result (&first), &error));
  assert_counts (pool, 1, 0, 1);
  tornadis_harness_peer_go (peer);
  client = tornadis_client_pool_get_connected_client_finish (pool, wait_for_result (&second), NULL);
  assert_call (client, "PONG", "PING", NULL);
  tornadis_client_pool_release_client (pool, client);
  assert_counts (pool, 1, 1, 0);
  g_clear_object (&first);
  g_clear_object (&second);
  assert_finalized (pool);
}

static void
test_preconnect_given_up (Pool *fixture,
                          gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("wait\nhandshake\necho-server\n");
  TornadisClientPool *pool = make_silent_pool (peer, 3);
  GCancellable *cancellables[2] = { g_cancellable_new (), g_cancellable_new () };
  GAsyncResult *results[2] = { NULL };
  g_autoptr (GAsyncResult) taken = NULL;
  g_autoptr (TornadisClient) client = NULL;

  tornadis_client_pool_preconnect_async (pool, 3, cancellables[0], store_result, &results[0]);
  tornadis_client_pool_preconnect_async (pool, 2, cancellables[1], store_result, &results[1]);
  assert_counts (pool, 3, 0, 0);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      if (i == 1)
        tornadis_client_pool_get_connected_client_async (pool, NULL, store_result, &taken);
      g_cancellable_cancel (cancellables[i]);
      g_assert_false (tornadis_client_pool_preconnect_finish (pool, wait_for_result (&results[i]), &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      /* What the other has joined stays, and what one waits for. */
      assert_counts (pool, i == 0 ? 2 : 1, 0, i);
      g_object_unref (results[i]);
      g_object_unref (cancellables[i]);
    }
  for (guint i = 0; i < 3; i++)
    tornadis_harness_peer_go (peer);
  client = tornadis_client_pool_get_connected_client_finish (pool, wait_for_result (&taken), NULL);
  assert_call (client, "PONG", "PING", NULL);
  tornadis_client_pool_release_client (pool, client);
  assert_counts (pool, 1, 1, 0);
  g_clear_object (&taken);
  assert_finalized (pool);
}

static void
test_timeout (Pool *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (TornadisClient) next = NULL;

  g_object_set (fixture->pool, "client-timeout", 1, NULL);
  client = assert_take (fixture->pool);
  tornadis_client_pool_release_client (fixture->pool, client);
  spin_for (1200);
  assert_counts (fixture->pool, 1, 1, 0);
  next = assert_take (fixture->pool);
  g_assert_true (next != client);
  g_assert_false (tornadis_client_is_connected (client));

  /* And on release. */
  spin_for (1200);
  tornadis_client_pool_release_client (fixture->pool, next);
  g_assert_false (tornadis_client_is_connected (next));
  assert_counts (fixture->pool, 0, 0, 0);
}

static void
test_autoclose (Pool *fixture,
                gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();
  guint size;

  g_object_set (fixture->pool, "client-timeout", 1, "autoclose", TRUE, NULL);
  g_assert_true (preconnect (fixture->pool, 3, &error));
  assert_counts (fixture->pool, 3, 3, 0);
  wait_until ((g_object_get (fixture->pool, "size", &size, NULL), size == 0));
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 999 * G_TIME_SPAN_MILLISECOND);
  assert_counts (fixture->pool, 0, 0, 0);
}

static void
test_destroy (Pool *fixture,
              gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->pool, "max-size", 1, NULL);
  client = assert_take (fixture->pool);
  tornadis_client_pool_get_connected_client_async (fixture->pool, NULL, store_result, &result);
  tornadis_client_pool_destroy (fixture->pool);
  g_assert_null (tornadis_client_pool_get_connected_client_finish (fixture->pool, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);

  g_assert_true (tornadis_client_is_connected (client));
  tornadis_client_pool_release_client (fixture->pool, client);
  g_assert_false (tornadis_client_is_connected (client));
  assert_counts (fixture->pool, 0, 0, 0);

  g_clear_object (&client);
  client = assert_take (fixture->pool);
  tornadis_client_pool_release_client (fixture->pool, client);
}

static void
test_calls (Pool *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "INCR", "n", NULL });
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  GAsyncResult *results[20] = { NULL };
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->pool, "max-size", 3, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    tornadis_client_pool_call_async (fixture->pool, command, NULL, store_result, &results[i]);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autoptr (TornadisReply) count = tornadis_client_pool_call_finish (fixture->pool, wait_for_result (&results[i]), &error);

      g_assert_no_error (error);
      g_assert_cmpint (tornadis_reply_get_integer (count), >=, 1);
      g_object_unref (results[i]);
    }
  assert_counts (fixture->pool, 3, 3, 0);

  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "GET", "n", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "LPUSH", "n", "x", NULL });
  tornadis_client_pool_call_pipeline_async (fixture->pool, pipeline, NULL, store_result, &result);
  reply = tornadis_client_pool_call_pipeline_finish (fixture->pool, wait_for_result (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (reply, 0)), ==, "20");
  g_assert_true (tornadis_reply_is_error (tornadis_reply_get_element (reply, 1)));
  assert_counts (fixture->pool, 3, 3, 0);
}

/* A blocking command holds up nobody but its own client. */
static void
test_blocking (Pool *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisClient) client = assert_take (fixture->pool);
  g_autoptr (TornadisCommand) pop = tornadis_command_new_strv ((const char *[]) { "BLPOP", "list", "10", NULL });
  g_autoptr (TornadisCommand) push = tornadis_command_new_strv ((const char *[]) { "LPUSH", "list", "x", NULL });
  g_autoptr (GAsyncResult) popped = NULL;
  g_autoptr (GAsyncResult) pushed = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  tornadis_client_call_async (client, pop, NULL, store_result, &popped);
  tornadis_client_pool_call_async (fixture->pool, push, NULL, store_result, &pushed);
  wait_for_result (&pushed);
  reply = tornadis_client_call_finish (client, wait_for_result (&popped), NULL);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (reply, 1)), ==, "x");
  tornadis_client_pool_release_client (fixture->pool, client);
}

static void
take_again_cb (TornadisClient *client,
               const GError *error,
               gpointer user_data)
{
  GAsyncResult **result = user_data;

  if (*result == NULL)
    tornadis_client_pool_get_connected_client_async (g_object_get_data (G_OBJECT (client), "pool"), NULL, store_result, result);
}

/* A handler of a client that is closed asks for another. */
static void
test_asked_in_handler (Pool *fixture,
                       gconstpointer data)
{
  TornadisClient *client = assert_take (fixture->pool);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisClient) other = NULL;

  g_object_set_data (G_OBJECT (client), "pool", fixture->pool);
  g_signal_connect (client, "disconnected", G_CALLBACK (take_again_cb), &result);
  tornadis_client_pool_release_client (fixture->pool, client);
  g_object_unref (client);
  tornadis_client_pool_destroy (fixture->pool);
  other = tornadis_client_pool_get_connected_client_finish (fixture->pool, wait_for_result (&result), NULL);
  g_assert_nonnull (other);
  tornadis_client_pool_release_client (fixture->pool, other);
}

static void
release_cb (TornadisClient *client,
            const GError *error,
            gpointer user_data)
{
  TornadisClient **other = user_data;

  if (*other != NULL)
    tornadis_client_pool_release_client (g_object_get_data (G_OBJECT (client), "pool"), *other);
  g_clear_object (other);
}

/* A handler of a client that turns out to be unusable releases another, while a waiter is being served. */
static void
test_released_in_handler (Pool *fixture,
                          gconstpointer data)
{
  g_autoptr (TornadisClient) unusable = NULL;
  TornadisClient *fit, *other;
  g_autoptr (TornadisClient) taken = NULL;

  unusable = assert_take (fixture->pool);
  fit = assert_take (fixture->pool);
  other = assert_take (fixture->pool);
  g_object_set_data (G_OBJECT (unusable), "pool", fixture->pool);
  g_signal_connect (unusable, "disconnected", G_CALLBACK (release_cb), &other);
  tornadis_client_pool_release_client (fixture->pool, fit);
  tornadis_client_pool_release_client (fixture->pool, unusable);
  g_clear_object (&fit);
  /* It is idle; only now is it no longer like the others. */
  g_object_set (unusable, "db", 3, NULL);
  taken = assert_take (fixture->pool);
  g_assert_null (other);
  g_assert_true (taken != unusable);
  assert_counts (fixture->pool, 2, 1, 0);
  tornadis_client_pool_release_client (fixture->pool, taken);
  assert_counts (fixture->pool, 2, 2, 0);
}

/* What was made of one that was taken before it was connected. */
static void
test_other_login (Pool *fixture,
                  gconstpointer data)
{
  g_autoptr (TornadisClient) client = tornadis_client_pool_get_client_nowait (fixture->pool);
  g_autoptr (TornadisClient) next = NULL;

  g_object_set (client, "db", 5, NULL);
  assert_call (client, "OK", "SET", "k", "v", NULL);
  tornadis_client_pool_release_client (fixture->pool, client);
  next = assert_take (fixture->pool);
  g_assert_true (next != client);
  assert_call (next, "(nil)", "GET", "k", NULL);
  tornadis_client_pool_release_client (fixture->pool, next);
}

static void
start_call (TornadisClientPool *pool,
            const char *line,
            GCancellable *cancellable,
            GAsyncResult **result)
{
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) argv);

  tornadis_client_pool_call_async (pool, command, cancellable, store_result, result);
}

static TornadisReply *
finish_call (TornadisClientPool *pool,
             GAsyncResult **location,
             GError **error)
{
  g_autoptr (GAsyncResult) result = wait_for_result (location);

  *location = NULL;
  return tornadis_client_pool_call_finish (pool, result, error);
}

/* A client that a call could not connect is not kept, whoever waits. */
static void
test_call_fails (Pool *fixture,
                 gconstpointer data)
{
  GAsyncResult *results[6] = { NULL };
  g_autoptr (TornadisReply) reply = NULL;

  g_object_set (fixture->pool, "max-size", 2, NULL);
  tornadis_harness_redis_kill (fixture->redis);

  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    start_call (fixture->pool, "PING", NULL, &results[i]);
  assert_counts (fixture->pool, 2, 0, 4);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (finish_call (fixture->pool, &results[i], &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
    }
  assert_counts (fixture->pool, 0, 0, 0);

  g_assert_true (tornadis_harness_redis_restart (fixture->redis, NULL));
  start_call (fixture->pool, "PING", NULL, &results[0]);
  reply = finish_call (fixture->pool, &results[0], NULL);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "PONG");
  assert_counts (fixture->pool, 1, 1, 0);
}

/* Those who call and those who take are served in one order, on one client. */
static void
test_call_order (Pool *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (TornadisClient) taken = NULL;
  g_autoptr (TornadisReply) first = NULL;
  g_autoptr (TornadisReply) second = NULL;
  GAsyncResult *calls[2] = { NULL };
  g_autoptr (GAsyncResult) take_result = NULL;

  g_object_set (fixture->pool, "max-size", 1, NULL);
  /* With nothing there yet, and with all taken. */
  for (guint round = 0; round < 2; round++)
    {
      if (round == 1)
        client = assert_take (fixture->pool);
      start_call (fixture->pool, "INCR order", NULL, &calls[0]);
      tornadis_client_pool_get_connected_client_async (fixture->pool, NULL, store_result, &take_result);
      start_call (fixture->pool, "INCR order", NULL, &calls[1]);
      assert_counts (fixture->pool, 1, 0, round == 0 ? 2 : 3);
      if (round == 1)
        tornadis_client_pool_release_client (fixture->pool, client);

      taken = tornadis_client_pool_get_connected_client_finish (fixture->pool, wait_for_result (&take_result), NULL);
      g_assert_true (tornadis_client_is_connected (taken));
      g_assert_nonnull (calls[0]);
      g_assert_null (calls[1]);
      assert_counts (fixture->pool, 1, 0, 1);
      assert_call (taken, "(integer) 2", "INCR", "order", NULL);
      tornadis_client_pool_release_client (fixture->pool, taken);

      first = finish_call (fixture->pool, &calls[0], NULL);
      second = finish_call (fixture->pool, &calls[1], NULL);
      g_assert_cmpint (tornadis_reply_get_integer (first), ==, 1);
      g_assert_cmpint (tornadis_reply_get_integer (second), ==, 3);
      assert_counts (fixture->pool, 1, 1, 0);
      assert_call (taken, "(integer) 1", "DEL", "order", NULL);
      g_clear_pointer (&first, tornadis_reply_unref);
      g_clear_pointer (&second, tornadis_reply_unref);
      g_clear_object (&take_result);
      g_clear_object (&taken);
    }
}

/* A connection that is being made for one who takes is not overtaken, and serves who calls when that one gives up. */
static void
test_call_behind (Pool *fixture,
                  gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  GAsyncResult *called = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->pool, "max-size", 1, NULL);
  tornadis_client_pool_get_connected_client_async (fixture->pool, cancellable, store_result, &first);
  tornadis_client_pool_get_connected_client_async (fixture->pool, NULL, store_result, &second);
  start_call (fixture->pool, "PING", NULL, &called);
  assert_counts (fixture->pool, 1, 0, 3);
  /* One who takes and one who calls have no room yet. */
  g_object_set (fixture->pool, "max-size", 2, NULL);
  assert_counts (fixture->pool, 2, 0, 3);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_pool_get_connected_client_finish (fixture->pool, wait_for_result (&first), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  client = tornadis_client_pool_get_connected_client_finish (fixture->pool, wait_for_result (&second), NULL);
  reply = finish_call (fixture->pool, &called, NULL);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "PONG");
  tornadis_client_pool_release_client (fixture->pool, client);
  assert_counts (fixture->pool, 2, 2, 0);
}

/* Cancelled, a call leaves its place to the next: while it waits, while it connects, and while it blocks. */
static void
test_call_cancelled (Pool *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("drain\n---\nhandshake\necho-server\n");
  g_autoptr (TornadisClient) template = make_client (peer);
  TornadisClientPool *pool = tornadis_client_pool_new (template);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *results[3] = { NULL };
  g_autoptr (TornadisReply) reply = NULL;

  g_object_set (pool, "max-size", 1, NULL);
  for (guint i = 0; i < 3; i++)
    start_call (pool, "PING", i < 2 ? cancellable : NULL, &results[i]);
  assert_counts (pool, 1, 0, 2);
  wait_until (tornadis_harness_peer_get_n_connections (peer) == 1);
  g_cancellable_cancel (cancellable);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (finish_call (pool, &results[i], &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
  reply = finish_call (pool, &results[2], NULL);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "PONG");
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 2);
  assert_counts (pool, 1, 1, 0);
  assert_finalized (pool);
}

/* What was read before the call was cancelled is the caller's: the server has it no more. */
static void
test_call_cancelled_late (Pool *fixture,
                          gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect BLPOP\nwait\nsend \"*2\\r\\n$4\\r\\njobs\\r\\n$5\\r\\npaint\\r\\n\"\necho-server\n");
  TornadisClientPool *pool = make_silent_pool (peer, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *called = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  start_call (pool, "BLPOP jobs 0", cancellable, &called);
  wait_until (count_received (peer, "BLPOP") == 1);
  tornadis_harness_peer_go (peer);
  wait_for_result (&called);
  g_cancellable_cancel (cancellable);
  reply = finish_call (pool, &called, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (reply, 1)), ==, "paint");
  assert_counts (pool, 1, 1, 0);
  assert_finalized (pool);
}

/* When the caller is notified the server waits for nobody any more: the next element stays. */
static void
test_call_cancelled_in_time (Pool *fixture,
                             gconstpointer data)
{
  g_autoptr (TornadisClient) other = assert_take (fixture->pool);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *called = NULL;
  g_autoptr (GError) error = NULL;

  start_call (fixture->pool, "BLPOP jobs 0", cancellable, &called);
  wait_until (count_blocked (fixture->redis) == 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (finish_call (fixture->pool, &called, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_call (other, "(integer) 1", "RPUSH", "jobs", "paint", NULL);
  assert_call (other, "\"paint\"", "LPOP", "jobs", NULL);
  tornadis_client_pool_release_client (fixture->pool, other);
}

static void
test_call_destroyed (Pool *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisClient) client = NULL;
  GAsyncResult *called = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->pool, "max-size", 1, NULL);
  client = assert_take (fixture->pool);
  start_call (fixture->pool, "PING", NULL, &called);
  tornadis_client_pool_destroy (fixture->pool);
  g_assert_null (finish_call (fixture->pool, &called, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  tornadis_client_pool_release_client (fixture->pool, client);
  assert_counts (fixture->pool, 0, 0, 0);
}

/* What the class documentation shows. */

typedef struct
{
  TornadisClientPool *pool;
  guint n_left;
  gint64 connection_id;
} Uses;

static void
popped_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  Uses *uses = user_data;

  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (reply, 1)), ==, "paint");
  tornadis_client_pool_release_client (uses->pool, client);
  uses->n_left--;
}

static void
got_client_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  TornadisClientPool *pool = TORNADIS_CLIENT_POOL (object);
  g_autoptr (TornadisClient) client = tornadis_client_pool_get_connected_client_finish (pool, result, NULL);
  g_autoptr (TornadisCommand) pop = tornadis_command_new_format ("BLPOP jobs 5");
  Uses *uses = user_data;
  gint64 connection_id;

  g_object_get (client, "connection-id", &connection_id, NULL);
  g_assert_true (uses->connection_id == 0 || uses->connection_id == connection_id);
  uses->connection_id = connection_id;
  tornadis_client_submit (client, pop, popped_cb, uses, NULL);
}

static void
test_one_connection (Pool *fixture,
                     gconstpointer data)
{
  Uses uses = { fixture->pool, 5, 0 };

  g_object_set (fixture->pool, "max-size", 1, NULL);
  for (guint i = 0; i < 5; i++)
    {
      GAsyncResult *pushed = NULL;
      g_autoptr (TornadisReply) reply = NULL;

      start_call (fixture->pool, "RPUSH jobs paint", NULL, &pushed);
      reply = finish_call (fixture->pool, &pushed, NULL);
      tornadis_client_pool_get_connected_client_async (fixture->pool, NULL, got_client_cb, &uses);
      wait_until (uses.n_left == 4 - i);
    }
  assert_counts (fixture->pool, 1, 1, 0);
}

#define ADD(name, func) g_test_add ("/client-pool/" name, Pool, NULL, set_up, func, tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("reuse", test_reuse);
  ADD ("waiting", test_waiting);
  ADD ("waiting-bounded", test_waiting_bounded);
  ADD ("never-fetched", test_never_fetched);
  ADD ("connect-fails", test_connect_fails);
  ADD ("released-twice", test_released_twice);
  ADD ("dirty", test_dirty);
  ADD ("dead-idle", test_dead_idle);
  ADD ("preconnect", test_preconnect);
  ADD ("given-up", test_given_up);
  ADD ("given-up-by-one", test_given_up_by_one);
  ADD ("preconnect-given-up", test_preconnect_given_up);
  ADD ("timeout", test_timeout);
  ADD ("autoclose", test_autoclose);
  ADD ("destroy", test_destroy);
  ADD ("calls", test_calls);
  ADD ("blocking", test_blocking);
  ADD ("asked-in-handler", test_asked_in_handler);
  ADD ("released-in-handler", test_released_in_handler);
  ADD ("other-login", test_other_login);
  ADD ("fault-14-call-fails", test_call_fails);
  ADD ("fault-14-call-order", test_call_order);
  ADD ("fault-14-call-behind", test_call_behind);
  ADD ("fault-14-call-cancelled", test_call_cancelled);
  ADD ("call-cancelled-late", test_call_cancelled_late);
  ADD ("call-cancelled-in-time", test_call_cancelled_in_time);
  ADD ("fault-14-call-destroyed", test_call_destroyed);
  ADD ("fault-18-one-connection", test_one_connection);

  return g_test_run ();
}
