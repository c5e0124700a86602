/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is disposed emits nothing: the owner of a handler may be half freed by then. Calls end all the same. */

#include "integration/hook-plugin.h"

/* Every signal of an object, notify for all properties among them, in one count. */

static void
count_marshal (GClosure *closure,
               GValue *return_value,
               guint n_values,
               const GValue *values,
               gpointer hint,
               gpointer marshal_data)
{
  const GSignalInvocationHint *emission = hint;

  g_test_message ("%s::%s", G_OBJECT_TYPE_NAME (g_value_get_object (&values[0])), g_signal_name (emission->signal_id));
  (*(guint *) closure->data)++;
}

static void
watch_type (gpointer object,
            GType type,
            guint *n_emitted)
{
  g_autofree guint *ids = NULL;
  guint n_ids;

  ids = g_signal_list_ids (type, &n_ids);
  for (guint i = 0; i < n_ids; i++)
    {
      GClosure *closure = g_closure_new_simple (sizeof (GClosure), n_emitted);

      g_closure_set_marshal (closure, count_marshal);
      g_signal_connect_closure_by_id (object, ids[i], 0, closure, FALSE);
    }
}

static void
watch (gpointer object,
       guint *n_emitted)
{
  g_autofree GType *interfaces = NULL;
  guint n_interfaces;

  for (GType type = G_OBJECT_TYPE (object); type != G_TYPE_INVALID; type = g_type_parent (type))
    watch_type (object, type, n_emitted);

  interfaces = g_type_interfaces (G_OBJECT_TYPE (object), &n_interfaces);
  for (guint i = 0; i < n_interfaces; i++)
    watch_type (object, interfaces[i], n_emitted);

  *n_emitted = 0;
}

/* Lets go of the last reference, or disposes the object, keeps it for a while, and lets go of it then. */
static void
dispose (gpointer object,
         gboolean run)
{
  if (run)
    {
      g_object_run_dispose (object);
      spin_for (20);
    }
  assert_finalized (object);
}

static void
check_idle (Fixture *fixture,
            gboolean run)
{
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  guint n_emitted;

  watch (client, &n_emitted);
  assert_call (client, "PONG", "PING", NULL);
  g_assert_cmpuint (n_emitted, >, 0);
  n_emitted = 0;
  dispose (client, run);
  g_assert_cmpuint (n_emitted, ==, 0);
}

/* One call that may have run, and one that was not sent. */
static void
check_busy (Fixture *fixture,
            gboolean run)
{
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_auto (Calls) calls = { 0 };
  guint n_emitted;

  watch (client, &n_emitted);
  submit (client, "BLPOP nothing 0", &calls);
  wait_until (count_blocked (fixture->redis) == 1);
  submit (client, "PING", &calls);
  n_emitted = 0;
  dispose (client, run);
  g_assert_cmpuint (calls.n_ended, ==, 2);
  g_assert_nonnull (calls.error);
  g_assert_cmpuint (n_emitted, ==, 0);
}

static void
test_connecting (gconstpointer run)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("expect HELLO\nstop-reading\n");
  TornadisClient *client = make_client (peer);
  g_auto (Calls) calls = { 0 };
  guint n_emitted;

  watch (client, &n_emitted);
  submit (client, "PING", &calls);
  wait_until (count_received (peer, "HELLO") == 1);
  n_emitted = 0;
  dispose (client, run != NULL);
  g_assert_cmpuint (calls.n_ended, ==, 1);
  g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  g_assert_cmpuint (n_emitted, ==, 0);
}

/* The properties of a session are notified from the main loop. */
static void
test_session (Fixture *fixture,
              gconstpointer data)
{
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_auto (Calls) calls = { 0 };
  int db;
  guint n_emitted;

  watch (client, &n_emitted);
  submit (client, "PING", &calls);
  wait_for_calls (&calls);
  submit (client, "SELECT 3", &calls);
  do
    {
      g_main_context_iteration (NULL, TRUE);
      g_object_get (client, "db", &db, NULL);
    }
  while (db != 3);
  n_emitted = 0;
  dispose (client, TRUE);
  g_assert_cmpuint (n_emitted, ==, 0);
}

static void
check_pub_sub (Fixture *fixture,
               gboolean run)
{
  TornadisPubSubClient *client =
    tornadis_pub_sub_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (GAsyncResult) subscribed = NULL;
  g_autoptr (GAsyncResult) late = NULL;
  g_autoptr (GAsyncResult) popped = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) late_error = NULL;
  guint n_emitted;

  watch (client, &n_emitted);
  tornadis_pub_sub_client_subscribe_async (client, (const char *[]){ "one", "two", NULL }, NULL, store_result, &subscribed);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (client, wait_for_result (&subscribed), &error));
  g_assert_no_error (error);
  g_clear_object (&subscribed);
  g_assert_cmpuint (n_emitted, >, 0);

  if (run)
    {
      tornadis_pub_sub_client_pop_message_async (client, -1, NULL, store_result, &popped);
      tornadis_harness_redis_pause (fixture->redis);
      tornadis_pub_sub_client_psubscribe_async (client, (const char *[]){ "t*", NULL }, NULL, store_result, &late);
    }
  n_emitted = 0;
  if (!run)
    g_assert_finalize_object (client);
  else
    {
      g_object_run_dispose (G_OBJECT (client));
      g_assert_null (tornadis_pub_sub_client_pop_message_finish (client, wait_for_result (&popped), &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
      g_assert_false (tornadis_pub_sub_client_psubscribe_finish (client, wait_for_result (&late), &late_error));
      g_assert_nonnull (late_error);
      tornadis_harness_redis_resume (fixture->redis);
      g_clear_object (&popped);
      g_clear_object (&late);
      spin_for (20);
      assert_finalized (client);
    }
  g_assert_cmpuint (n_emitted, ==, 0);
}

/* The pool, and the clients that go with it: nobody but their handlers' owner has them. */
static void
check_pool (Fixture *fixture,
            gboolean run)
{
  TornadisClientPool *pool = tornadis_client_pool_new (fixture->client);
  TornadisClient *idle = assert_take (pool);
  TornadisClient *busy = assert_take (pool);
  g_autoptr (GAsyncResult) waiting = NULL;
  g_autoptr (GError) error = NULL;
  guint n_emitted, n_pool, n_busy;

  watch (pool, &n_pool);
  watch (idle, &n_emitted);
  watch (busy, &n_busy);
  tornadis_client_pool_release_client (pool, idle);
  /* Idle, and yet somebody has it. */
  if (run)
    {
      g_object_set (pool, "max-size", 2, NULL);
      g_object_unref (idle);
      idle = assert_take (pool);
      tornadis_client_pool_get_connected_client_async (pool, NULL, store_result, &waiting);
    }
  else
    g_object_unref (idle);
  n_emitted = n_pool = n_busy = 0;

  if (run)
    {
      g_object_run_dispose (G_OBJECT (pool));
      g_assert_null (tornadis_client_pool_get_connected_client_finish (pool, wait_for_result (&waiting), &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
      g_clear_object (&waiting);
      spin_for (20);
      g_assert_cmpuint (n_pool, ==, 0);
      tornadis_client_pool_release_client (pool, idle);
      g_object_unref (idle);
    }
  assert_finalized (pool);
  if (!run)
    g_assert_cmpuint (n_emitted, ==, 0);
  g_assert_cmpuint (n_pool, ==, 0);

  /* What was taken is as it was. */
  g_assert_cmpuint (n_busy, ==, 0);
  assert_call (busy, "PONG", "PING", NULL);
  g_object_unref (busy);
}

/* An idle client that somebody has kept is closed, without a word. */
static void
test_pool_kept (Fixture *fixture,
                gconstpointer data)
{
  TornadisClientPool *pool = tornadis_client_pool_new (fixture->client);
  g_autoptr (TornadisClient) kept = assert_take (pool);
  guint n_emitted;

  watch (kept, &n_emitted);
  tornadis_client_pool_release_client (pool, kept);
  assert_finalized (pool);
  g_assert_cmpuint (n_emitted, ==, 0);
  g_assert_false (tornadis_client_is_connected (kept));
}

/* The list of plugins stays as it was shown; a plugin holds a call that ends. */
static void
test_plugins (Fixture *fixture,
              gconstpointer data)
{
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (HookPlugin) plugin = add_calling (client, "holds", NULL, NULL);
  g_autoptr (GListModel) plugins = g_object_ref (tornadis_client_get_plugins (client));
  guint n_emitted, n_listed;

  watch (client, &n_emitted);
  watch (plugins, &n_listed);
  g_assert_true (tornadis_client_remove_plugin (client, (TornadisPlugin *) plugin));
  g_assert_true (tornadis_client_add_plugin (client, (TornadisPlugin *) plugin, NULL));
  g_assert_cmpuint (n_listed, >, 0);
  n_listed = n_emitted = 0;
  g_object_run_dispose (G_OBJECT (client));
  spin_for (20);
  assert_client_finalized (client);
  g_assert_cmpuint (plugin->n[DETACH], ==, 2);
  g_assert_cmpuint (n_emitted, ==, 0);
  g_assert_cmpuint (n_listed, ==, 0);
  g_assert_cmpuint (g_list_model_get_n_items (plugins), ==, 1);
}

static gboolean
hold_hook (HookPlugin *self,
           Hook hook,
           TornadisClient *client,
           TornadisCall *call)
{
  if (hook != CALL || self->kept != NULL)
    return FALSE;
  self->kept = g_object_ref (call);
  return TRUE;
}

static void
test_held (Fixture *fixture,
           gconstpointer data)
{
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (HookPlugin) plugin = add_calling (client, "holds", hold_hook, NULL);
  g_auto (Calls) calls = { 0 };
  guint n_emitted;

  watch (client, &n_emitted);
  submit (client, "PING", &calls);
  g_assert_nonnull (plugin->kept);
  g_object_run_dispose (G_OBJECT (client));
  g_assert_cmpuint (calls.n_ended, ==, 1);
  g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  tornadis_call_proceed (plugin->kept);
  g_clear_object (&plugin->kept);
  spin_for (20);
  g_assert_cmpuint (calls.n_ended, ==, 1);
  assert_client_finalized (client);
  g_assert_cmpuint (n_emitted, ==, 0);
}

/* A plugin that stands for the connection is removed with the client. */
static void
test_stand_in (Fixture *fixture,
               gconstpointer data)
{
  TornadisClient *client = tornadis_client_new ("127.0.0.1", 1);
  g_autoptr (HookPlugin) plugin = add_calling (client, "stands in", NULL, NULL);
  guint n_emitted;

  watch (client, &n_emitted);
  tornadis_plugin_set_client_state ((TornadisPlugin *) plugin, client, TORNADIS_CLIENT_STATE_CONNECTED);
  g_assert_true (tornadis_client_is_connected (client));
  g_assert_cmpuint (n_emitted, >, 0);
  n_emitted = 0;
  g_object_run_dispose (G_OBJECT (client));
  spin_for (20);
  g_assert_false (tornadis_client_is_connected (client));
  assert_client_finalized (client);
  g_assert_cmpuint (n_emitted, ==, 0);
}

#define BOTH(name)                           \
  static void                                \
    test_##name##_unref (Fixture *fixture,   \
                         gconstpointer data) \
  {                                          \
    check_##name (fixture, FALSE);           \
  }                                          \
  static void                                \
    test_##name##_run (Fixture *fixture,     \
                       gconstpointer data)   \
  {                                          \
    check_##name (fixture, TRUE);            \
  }

BOTH (idle)
BOTH (busy)
BOTH (pub_sub)
BOTH (pool)

#define ADD(name, func) g_test_add ("/dispose/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
#define RUN GINT_TO_POINTER (TRUE)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("idle/unref", test_idle_unref);
  ADD ("idle/run", test_idle_run);
  ADD ("busy/unref", test_busy_unref);
  ADD ("busy/run", test_busy_run);
  g_test_add_data_func ("/dispose/connecting/unref", NULL, test_connecting);
  g_test_add_data_func ("/dispose/connecting/run", RUN, test_connecting);
  ADD ("session", test_session);
  ADD ("pub-sub/unref", test_pub_sub_unref);
  ADD ("pub-sub/run", test_pub_sub_run);
  ADD ("pool/unref", test_pool_unref);
  ADD ("pool/run", test_pool_run);
  ADD ("pool/kept", test_pool_kept);
  ADD ("plugins", test_plugins);
  ADD ("held", test_held);
  ADD ("stand-in", test_stand_in);

  return g_test_run ();
}
