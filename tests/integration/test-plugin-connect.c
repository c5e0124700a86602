/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What plugins can answer and what the client refuses before them, and who stands for the connection. */

#include "integration/hook-plugin.h"

#include <string.h>

/* Nobody listens there. */
static TornadisClient *
make_lone_client (void)
{
  return tornadis_client_new ("127.0.0.1", 1);
}

static gboolean
is_call (TornadisCall *call,
         const char *name)
{
  return g_str_equal (tornadis_call_get_name (call), name);
}

/* Answers whatever it sees. */
static gboolean
answer_hook (HookPlugin *self,
             Hook hook,
             TornadisClient *client,
             TornadisCall *call)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("+MAGIC\r\n", 8);
  g_autoptr (TornadisReply) reply = NULL;

  if (hook != CALL)
    return FALSE;

  reply = tornadis_reply_new_from_resp (bytes, NULL);
  tornadis_call_return_reply (call, reply);
  return TRUE;
}

static gboolean
keep_hook (HookPlugin *self,
           Hook hook,
           TornadisClient *client,
           TornadisCall *call)
{
  if (hook == CALL)
    g_set_object (&self->kept, call);
  return hook == CALL;
}

static const char *const refused[] = {
  "SUBSCRIBE news",
  "psubscribe n*",
  "UNSUBSCRIBE",
  "HELLO 3",
  "CLIENT REPLY OFF",
  "client reply skip",
  "RESET",
  "SYNC",
};

static void
assert_refused (TornadisReply *reply,
                const GError *error)
{
  g_assert_null (reply);
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
}

/* Each way to make a call, with a command or with a pipeline that has it. */
static void
assert_client_refuses (TornadisClient *client,
                       TornadisCommand *command,
                       TornadisPipeline *pipeline)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  for (guint cancellation = 0; cancellation < 2; cancellation++)
    {
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (TornadisReply) reply = NULL;
      g_autoptr (GError) error = NULL;

      if (command != NULL)
        tornadis_client_call_async (client, command, cancellation != 0 ? cancellable : NULL, store_result, &result);
      else
        tornadis_client_call_pipeline_async (client, pipeline, cancellation != 0 ? cancellable : NULL, store_result, &result);
      g_assert_null (result);
      reply = tornadis_client_call_finish (client, wait_for_result (&result), &error);
      assert_refused (reply, error);
    }

  {
    g_auto (Calls) calls = { 0 };

    calls.n_made++;
    if (command != NULL)
      tornadis_client_submit (client, command, count_ended_cb, &calls, count_freed_cb);
    else
      tornadis_client_submit_pipeline (client, pipeline, count_ended_cb, &calls, count_freed_cb);
    g_assert_cmpuint (calls.n_ended, ==, 0);
    wait_for_calls (&calls);
    g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  }
}

static void
test_refusals_first (void)
{
  g_autoptr (TornadisClient) client = make_lone_client ();
  g_autoptr (TornadisPipeline) empty = tornadis_pipeline_new ();
  g_autoptr (TornadisPubSubClient) subscriber = tornadis_pub_sub_client_new ("127.0.0.1", 1);
  g_autoptr (TornadisCommand) ping = make_command ("PING");
  HookPlugin *plugin = add_calling (client, "p", answer_hook, NULL);
  HookPlugin *looking = add_looking (client, "l", NULL, NULL);
  HookPlugin *behind = add_calling (TORNADIS_CLIENT (subscriber), "p", answer_hook, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (TornadisCommand) command = make_command (refused[i]);
      g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

      tornadis_pipeline_stack_command (pipeline, ping);
      tornadis_pipeline_stack_command (pipeline, command);
      assert_client_refuses (client, command, NULL);
      assert_client_refuses (client, NULL, pipeline);
      tornadis_pipeline_set_atomic (pipeline, TRUE);
      assert_client_refuses (client, NULL, pipeline);
    }
  assert_client_refuses (client, NULL, empty);
  assert_client_refuses (TORNADIS_CLIENT (subscriber), ping, NULL);

  g_assert_cmpuint (plugin->n[CALL], ==, 0);
  g_assert_cmpuint (plugin->n[CALL_DONE], ==, 0);
  g_assert_cmpuint (behind->n[CALL], ==, 0);
  /* As without plugins that take part. */
  g_assert_cmpuint (looking->n[OBSERVE], ==, 3 * (3 * G_N_ELEMENTS (refused) + 1));

  assert_call (client, "MAGIC", "PING", NULL);
  take_off (client, plugin);
  take_off (client, looking);
  take_off (TORNADIS_CLIENT (subscriber), behind);
}

static gboolean
replace_hook (HookPlugin *self,
              Hook hook,
              TornadisClient *client,
              TornadisCall *call)
{
  const char *line = self->data;
  g_autoptr (TornadisCommand) command = make_command (line);

  if (hook == CALL && tornadis_call_get_pipeline (call) == NULL)
    tornadis_call_set_command (call, command);
  else if (hook == CALL)
    {
      g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

      tornadis_pipeline_stack_command (pipeline, command);
      tornadis_call_set_pipeline (call, pipeline);
    }
  return FALSE;
}

/* What a plugin makes of a call, or calls by itself, is refused before the next can answer it. */
static void
test_refusals_in_between (void)
{
  g_autoptr (TornadisClient) client = make_lone_client ();
  HookPlugin *outer = add_calling (client, "o", NULL, NULL);
  HookPlugin *inner = add_calling (client, "i", answer_hook, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
      g_autoptr (TornadisCommand) command = make_command (refused[i]);
      g_autoptr (TornadisReply) replies = NULL;
      g_autoptr (TornadisReply) reply = NULL;
      g_autoptr (GError) pipeline_error = NULL;
      g_autoptr (GError) error = NULL;
      g_auto (Calls) own = { 0 };

      outer->func = replace_hook;
      outer->data = (gpointer) refused[i];
      reply = call (client, &error, "PING", NULL);
      assert_refused (reply, error);

      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "PING", NULL });
      replies = call_pipeline (client, pipeline, NULL, &pipeline_error);
      assert_refused (replies, pipeline_error);

      outer->func = NULL;
      own.n_made++;
      tornadis_plugin_submit ((TornadisPlugin *) outer, client, command, count_ended_cb, &own, count_freed_cb);
      wait_for_calls (&own);
      g_assert_error (own.error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
    }

  /* It has begun by then, so it ends for who made it so. */
  g_assert_cmpuint (outer->n[CALL], ==, 2 * G_N_ELEMENTS (refused));
  g_assert_cmpuint (outer->n[CALL_DONE], ==, 2 * G_N_ELEMENTS (refused));
  g_assert_cmpuint (inner->n[CALL], ==, 0);
  take_off (client, outer);
  take_off (client, inner);
}

/* What the client has told of its state. */
typedef struct
{
  guint n_state;
  guint n_connected;
  guint n_disconnected;
  GError *error; /* (owned) (nullable) of the last disconnected */
} Told;

static void
count_state_cb (Told *told)
{
  told->n_state++;
}

static void
count_connected_cb (Told *told)
{
  told->n_connected++;
}

static void
disconnected_cb (TornadisClient *client,
                 const GError *error,
                 Told *told)
{
  told->n_disconnected++;
  g_clear_error (&told->error);
  told->error = error != NULL ? g_error_copy (error) : NULL;
}

static void
watch (TornadisClient *client,
       Told *told)
{
  g_signal_connect_swapped (client, "notify::state", G_CALLBACK (count_state_cb), told);
  g_signal_connect_swapped (client, "notify::connected", G_CALLBACK (count_connected_cb), told);
  g_signal_connect (client, "disconnected", G_CALLBACK (disconnected_cb), told);
}

static void
assert_state (TornadisClient *client,
              TornadisClientState expected)
{
  TornadisClientState state;
  gboolean connected;

  g_object_get (client, "state", &state, "connected", &connected, NULL);
  g_assert_cmpuint (state, ==, expected);
  g_assert_cmpint (connected, ==, expected == TORNADIS_CLIENT_STATE_CONNECTED);
  g_assert_cmpint (tornadis_client_is_connected (client), ==, connected);
}

static void
assert_connects (TornadisClient *client)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (connect_and_wait (client, &error));
  g_assert_no_error (error);
}

static void
test_stands_in (void)
{
  g_autoptr (TornadisClient) client = make_lone_client ();
  g_autoptr (GError) lost = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "gone");
  g_autoptr (GError) error = NULL;
  HookPlugin *plugin = add_calling (client, "p", answer_hook, NULL);
  Told told = { 0 };

  watch (client, &told);
  assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  assert_connects (client);
  assert_state (client, TORNADIS_CLIENT_STATE_CONNECTED);
  g_assert_cmpuint (plugin->n[CALL], ==, 1);
  /* It is connected. */
  assert_connects (client);
  g_assert_cmpuint (plugin->n[CALL], ==, 1);
  g_assert_cmpuint (told.n_state, ==, 1);
  g_assert_cmpuint (told.n_connected, ==, 1);

  tornadis_client_close (client);
  assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  g_assert_cmpuint (told.n_disconnected, ==, 1);
  g_assert_null (told.error);
  tornadis_client_close (client);
  g_assert_cmpuint (told.n_disconnected, ==, 1);

  /* It need not be told by an answer. */
  tornadis_plugin_set_client_state ((TornadisPlugin *) plugin, client, TORNADIS_CLIENT_STATE_CONNECTING);
  assert_state (client, TORNADIS_CLIENT_STATE_CONNECTING);
  tornadis_plugin_set_client_state ((TornadisPlugin *) plugin, client, TORNADIS_CLIENT_STATE_CONNECTED);
  assert_state (client, TORNADIS_CLIENT_STATE_CONNECTED);
  tornadis_plugin_set_client_lost ((TornadisPlugin *) plugin, client, lost);
  assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  tornadis_plugin_set_client_state ((TornadisPlugin *) plugin, client, TORNADIS_CLIENT_STATE_WAITING);
  assert_state (client, TORNADIS_CLIENT_STATE_WAITING);
  g_assert_cmpuint (told.n_disconnected, ==, 2);
  g_assert_error (told.error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_cmpuint (told.n_state, ==, 6);
  g_assert_cmpuint (told.n_connected, ==, 4);

  /* Without it the client's own connection counts, of which there is none. */
  assert_connects (client);
  g_object_ref (plugin);
  g_assert_true (tornadis_client_remove_plugin (client, (TornadisPlugin *) plugin));
  assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  g_assert_cmpuint (told.n_disconnected, ==, 3);
  tornadis_plugin_set_client_state ((TornadisPlugin *) plugin, client, TORNADIS_CLIENT_STATE_CONNECTED);
  assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  g_assert_false (connect_and_wait (client, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_object_unref (plugin);
  assert_finalized (plugin);
  g_clear_error (&told.error);
}

/* A pool asks as everybody does. */
static void
test_stands_in_pool (void)
{
  g_autoptr (TornadisClient) template = make_lone_client ();
  HookPlugin *plugin = add_calling (template, "p", answer_hook, NULL);
  TornadisClientPool *pool = tornadis_client_pool_new (template);
  g_autoptr (TornadisClient) first = NULL;
  guint idle;

  g_object_set (pool, "client-timeout", 3600, "max-size", 1, NULL);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (TornadisClient) client = NULL;
      g_autoptr (GError) error = NULL;

      tornadis_client_pool_get_connected_client_async (pool, NULL, store_result, &result);
      client = tornadis_client_pool_get_connected_client_finish (pool, wait_for_result (&result), &error);
      g_assert_no_error (error);
      assert_state (client, TORNADIS_CLIENT_STATE_CONNECTED);
      assert_call (client, "MAGIC", "PING", NULL);
      g_assert_true (first == NULL || first == client);
      g_set_object (&first, client);
      tornadis_client_pool_release_client (pool, client);
    }
  g_object_get (pool, "idle", &idle, NULL);
  g_assert_cmpuint (idle, ==, 1);
  /* One HELLO, three times PING. */
  g_assert_cmpuint (plugin->n[CALL], ==, 4);

  assert_finalized (pool);
  assert_state (first, TORNADIS_CLIENT_STATE_DISCONNECTED);
  assert_client_finalized (g_steal_pointer (&first));
  take_off (template, plugin);
}

/* Held, it may be let through, refused, cancelled, and is ended when the client is closed. */
static void
test_connect_held (Fixture *fixture,
                   gconstpointer data)
{
  TornadisClient *client = fixture->client;
  HookPlugin *plugin = add_calling (client, "p", keep_hook, NULL);
  g_autoptr (GError) refusal = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "not now");

  for (guint round = 0; round < 4; round++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;
      gboolean ok;

      tornadis_client_connect_async (client, cancellable, store_result, &result);
      wait_until (plugin->kept != NULL);
      g_assert_true (is_call (plugin->kept, "HELLO"));
      g_assert_cmpuint (tornadis_command_get_n_args (tornadis_call_get_command (plugin->kept)), ==, 1);
      assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);

      if (round == 0)
        tornadis_call_return_error (plugin->kept, refusal);
      else if (round == 1)
        g_cancellable_cancel (cancellable);
      else if (round == 2)
        tornadis_client_close (client);
      else
        tornadis_call_proceed (plugin->kept);
      ok = tornadis_client_connect_finish (client, wait_for_result (&result), &error);
      g_clear_object (&plugin->kept);

      if (round == 0)
        g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);
      else if (round == 1)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      else if (round == 2)
        g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
      else
        g_assert_no_error (error);
      g_assert_cmpint (ok, ==, round == 3);
      assert_state (client, round == 3 ? TORNADIS_CLIENT_STATE_CONNECTED : TORNADIS_CLIENT_STATE_DISCONNECTED);
    }

  take_off (client, plugin);
}

/* A server that accepts and says nothing. */
static void
test_connect_sent (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("drain\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  HookPlugin *plugin = add_calling (client, "p", NULL, NULL);
  HookPlugin *looking = add_looking (client, "l", NULL, NULL);

  for (guint round = 0; round < 2; round++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) first = NULL;
      g_autoptr (GAsyncResult) second = NULL;
      g_autoptr (GError) first_error = NULL;
      g_autoptr (GError) second_error = NULL;

      tornadis_client_connect_async (client, cancellable, store_result, &first);
      tornadis_client_connect_async (client, cancellable, store_result, &second);
      spin_for (10);
      assert_state (client, TORNADIS_CLIENT_STATE_CONNECTING);
      if (round == 0)
        g_cancellable_cancel (cancellable);
      else
        tornadis_client_close (client);
      g_assert_false (tornadis_client_connect_finish (client, wait_for_result (&first), &first_error));
      g_assert_false (tornadis_client_connect_finish (client, wait_for_result (&second), &second_error));
      g_assert_cmpint (first_error->code, ==, second_error->code);
      if (round == 0)
        g_assert_error (first_error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      else
        g_assert_error (first_error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
      /* Nobody waits for it any more. */
      wait_until (!tornadis_client_is_connected (client));
      assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);
      g_assert_cmpuint (plugin->n[CALL_DONE], ==, 2 * (round + 1));
      wait_until (looking->n[OBSERVE] == 2 * (round + 1));
    }

  take_off (client, plugin);
  take_off (client, looking);
}

static gboolean
retry_hook (HookPlugin *self,
            Hook hook,
            TornadisClient *client,
            TornadisCall *call)
{
  if (hook == CALL_DONE && tornadis_call_get_attempt (call) < 3)
    tornadis_call_retry (call, 1);
  return FALSE;
}

/* It fails, and is repeated, as any call; who looks on sees each attempt. */
static void
test_connect_fails (Fixture *fixture,
                    gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_lone_client ();
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  HookPlugin *plugin = add_calling (client, "p", retry_hook, NULL);
  HookPlugin *looking = add_looking (client, "l", NULL, NULL);

  plugin->log = log;
  g_assert_false (connect_and_wait (client, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_assert_cmpstr (log->str, ==, "p>HELLO HELLO=!connect p<HELLO HELLO=!connect p<HELLO HELLO=!connect p<HELLO ");
  g_assert_cmpuint (looking->n[OBSERVE], ==, 3);

  plugin->func = NULL;
  g_string_truncate (log, 0);
  g_object_set (client, "unix-domain-socket", tornadis_harness_redis_get_socket_path (fixture->redis), NULL);
  assert_connects (client);
  g_assert_cmpstr (log->str, ==, "p>HELLO HELLO=OK p<HELLO ");
  assert_call (client, "PONG", "PING", NULL);

  take_off (client, plugin);
  take_off (client, looking);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/plugin-connect/fault-15-refusals-first", test_refusals_first);
  g_test_add_func ("/plugin-connect/fault-15-refusals-in-between", test_refusals_in_between);
  g_test_add_func ("/plugin-connect/fault-15-stands-in", test_stands_in);
  g_test_add_func ("/plugin-connect/fault-15-stands-in-pool", test_stands_in_pool);
  g_test_add ("/plugin-connect/held", Fixture, NULL, fixture_set_up, test_connect_held, fixture_tear_down);
  g_test_add_func ("/plugin-connect/sent", test_connect_sent);
  g_test_add ("/plugin-connect/fault-14-fails", Fixture, NULL, fixture_set_up, test_connect_fails, fixture_tear_down);

  return g_test_run ();
}
