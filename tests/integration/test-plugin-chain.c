/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of a plugin's own, long chains, and answers that come at odd times. */

#include "integration/hook-plugin.h"

#include <string.h>

static TornadisReply *
make_reply (const char *resp)
{
  g_autoptr (GBytes) bytes = g_bytes_new (resp, strlen (resp));

  return tornadis_reply_new_from_resp (bytes, NULL);
}

static gboolean
is_call (TornadisCall *call,
         const char *name)
{
  return g_str_equal (tornadis_call_get_name (call), name);
}

/* Goes on with the call that the plugin holds. */
static void
proceed_with_reply_cb (TornadisClient *client,
                       TornadisReply *reply,
                       GError *error,
                       gpointer user_data)
{
  HookPlugin *self = user_data;
  g_autoptr (TornadisCall) call = g_steal_pointer (&self->kept);
  g_autoptr (TornadisCommand) command = NULL;

  g_assert_no_error (error);
  command = tornadis_command_new_strv ((const char *[]){ "ECHO", tornadis_reply_get_text (reply), NULL });
  tornadis_call_set_command (call, command);
  tornadis_call_proceed (call);
}

static gboolean
own_call_hook (HookPlugin *self,
               Hook hook,
               TornadisClient *client,
               TornadisCall *call)
{
  TornadisClient *other = self->data;
  g_autoptr (TornadisCommand) own = make_command ("GET own");

  if (hook != CALL || !is_call (call, "GET"))
    return FALSE;

  self->kept = g_object_ref (call);
  if (other != NULL)
    tornadis_client_submit (other, own, proceed_with_reply_cb, self, NULL);
  else
    tornadis_plugin_submit ((TornadisPlugin *) self, client, own, proceed_with_reply_cb, self, NULL);
  return TRUE;
}

/* Before a call proceeds: one of the plugin's own, which goes through those behind it only, or one on another client. */
static void
test_own_call (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisClient) other =
    tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (GString) log = g_string_new (NULL);
  HookPlugin *outer = add_calling (fixture->client, "o", NULL, NULL);
  HookPlugin *plugin = add_calling (fixture->client, "p", own_call_hook, NULL);
  HookPlugin *inner = add_calling (fixture->client, "i", NULL, NULL);

  outer->log = plugin->log = inner->log = log;
  assert_call (fixture->client, "OK", "SET", "own", "value", NULL);
  g_string_truncate (log, 0);
  assert_call (fixture->client, "\"value\"", "GET", "x", NULL);
  g_assert_nonnull (strstr (log->str, "o>GET p>GET i>GET "));
  g_assert_nonnull (strstr (log->str, "i<GET i>ECHO "));
  g_assert_nonnull (strstr (log->str, "i<ECHO p<ECHO o<ECHO "));
  g_assert_cmpuint (plugin->n[CALL], ==, 2);

  plugin->data = other;
  g_string_truncate (log, 0);
  assert_call (fixture->client, "\"value\"", "GET", "x", NULL);
  g_assert_cmpstr (log->str, ==, "o>GET p>GET i>ECHO ECHO=\"value\" ECHO=\"value\" ECHO=\"value\" i<ECHO p<ECHO o<ECHO ");

  take_off (fixture->client, outer);
  take_off (fixture->client, plugin);
  take_off (fixture->client, inner);
}

static void
own_submit (HookPlugin *plugin,
            TornadisClient *client,
            const char *line,
            Calls *calls)
{
  g_autoptr (TornadisCommand) command = make_command (line);

  calls->n_made++;
  tornadis_plugin_submit ((TornadisPlugin *) plugin, client, command, count_ended_cb, calls, count_freed_cb);
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

/* How calls of a plugin's own end: a refused command, the call timeout, a plugin behind that lets go, or keeps it until
 * the client is closed. */
static void
test_own_call_ends (Fixture *fixture,
                    gconstpointer data)
{
  g_auto (Calls) calls = { 0 };
  g_autoptr (TornadisCommand) ping = make_command ("PING");
  HookPlugin *plugin = add_calling (fixture->client, "p", NULL, NULL);
  HookPlugin *inner = add_calling (fixture->client, "i", NULL, NULL);

  own_submit (plugin, fixture->client, "SUBSCRIBE channel", &calls);
  g_assert_cmpuint (calls.n_ended, ==, 0);
  wait_for_calls (&calls);
  g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  own_submit (plugin, fixture->client, "NOSUCHCOMMAND", &calls);
  wait_for_calls (&calls);
  g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  tornadis_plugin_submit ((TornadisPlugin *) plugin, fixture->client, ping, NULL, NULL, NULL);

  inner->func = keep_hook;
  g_object_set (fixture->client, "call-timeout-msec", 50, NULL);
  own_submit (plugin, fixture->client, "PING", &calls);
  wait_for_calls (&calls);
  g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  g_object_set (fixture->client, "call-timeout-msec", 0, NULL);

  own_submit (plugin, fixture->client, "PING", &calls);
  g_clear_object (&inner->kept);
  wait_for_calls (&calls);
  g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);

  own_submit (plugin, fixture->client, "PING", &calls);
  tornadis_client_close (fixture->client);
  g_assert_cmpuint (calls.n_freed, ==, calls.n_made);
  g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  g_clear_object (&inner->kept);

  /* Nothing is behind one that is not there. */
  g_assert_true (tornadis_client_remove_plugin (fixture->client, (TornadisPlugin *) plugin));
  own_submit (plugin, fixture->client, "PING", &calls);
  wait_for_calls (&calls);
  g_assert_no_error (calls.error);
  assert_finalized (plugin);
  take_off (fixture->client, inner);
}

/* How deep the stack gets in hooks. */
typedef struct
{
  guintptr lowest;
  guintptr highest;
  guint n_retries;
} Depth;

static void
depth_measure (Depth *depth)
{
  guintptr here = (guintptr) __builtin_frame_address (0);

  depth->lowest = depth->lowest == 0 ? here : MIN (depth->lowest, here);
  depth->highest = MAX (depth->highest, here);
}

static gboolean
proceed_cb (gpointer user_data)
{
  HookPlugin *self = user_data;
  g_autoptr (TornadisCall) call = g_steal_pointer (&self->kept);

  tornadis_call_proceed (call);
  return G_SOURCE_REMOVE;
}

/* By its number in the chain: holds a call and lets it proceed from another place, holds it and lets it proceed at once,
 * or looks at it. */
static gboolean
long_chain_hook (HookPlugin *self,
                 Hook hook,
                 TornadisClient *client,
                 TornadisCall *call)
{
  if (hook != CALL && hook != CALL_DONE)
    return FALSE;
  depth_measure (self->data);
  if (hook == CALL_DONE)
    return FALSE;

  switch (strlen (self->name) % 3)
    {
    case 0:
      self->kept = g_object_ref (call);
      g_idle_add (proceed_cb, self);
      return TRUE;
    case 1:
      tornadis_call_proceed (call);
      return TRUE;
    default:
      return FALSE;
    }
}

/* Asks once at most, at one time or another. */
static gboolean
retry_at_random_hook (HookPlugin *self,
                      Hook hook,
                      TornadisClient *client,
                      TornadisCall *call)
{
  Depth *depth = self->data;

  if (hook != CALL && hook != CALL_DONE)
    return FALSE;
  depth_measure (depth);
  if (hook == CALL_DONE && self->kept == NULL && g_test_rand_bit ())
    {
      g_assert_cmpuint (tornadis_call_get_attempt (call), ==, ++depth->n_retries);
      self->kept = g_object_ref (call);
      tornadis_call_retry (call, 0);
    }
  return FALSE;
}

#define CHAIN_LENGTH 1000

static void
run_long_chain (Fixture *fixture,
                HookFunc func)
{
  Depth depth = { 0 };
  g_autoptr (GPtrArray) plugins = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *expected = NULL;
  g_autofree char *answer = NULL;

  for (guint i = 0; i < CHAIN_LENGTH; i++)
    {
      /* Names of different lengths. */
      char *name = g_strdup_printf ("%0*u", (int) (4 + i % 3), i);

      g_ptr_array_add (names, name);
      g_ptr_array_add (plugins, add_calling (fixture->client, name, func, &depth));
    }

  answer = call_text (fixture->client, "INCR", "n", NULL);
  expected = g_strdup_printf ("(integer) %u", depth.n_retries + 1);
  g_assert_cmpstr (answer, ==, expected);
  g_assert_cmpint (depth.n_retries > 0, ==, func == retry_at_random_hook);
  /* Some kilobytes for each plugin would be megabytes. */
  g_assert_cmpuint (depth.highest - depth.lowest, <, 64 * 1024);

  while (plugins->len > 0)
    {
      HookPlugin *last = g_ptr_array_index (plugins, plugins->len - 1);

      g_clear_object (&last->kept);
      g_assert_true (tornadis_client_remove_plugin (fixture->client, (TornadisPlugin *) last));
      g_ptr_array_remove_index (plugins, plugins->len - 1);
    }
}

static void
test_long_chain_of_holders (Fixture *fixture,
                            gconstpointer data)
{
  run_long_chain (fixture, long_chain_hook);
}

static void
test_long_chain_of_retries (Fixture *fixture,
                            gconstpointer data)
{
  run_long_chain (fixture, retry_at_random_hook);
}

/* Holds each call, and ends the one before from within the hook of the next. */
static gboolean
end_one_before_hook (HookPlugin *self,
                     Hook hook,
                     TornadisClient *client,
                     TornadisCall *call)
{
  g_autoptr (TornadisCall) before = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  if (hook != CALL)
    return FALSE;

  depth_measure (self->data);
  before = g_steal_pointer (&self->kept);
  self->kept = g_object_ref (call);
  if (before != NULL)
    {
      reply = make_reply ("+before\r\n");
      tornadis_call_return_reply (before, reply);
    }
  return TRUE;
}

typedef struct
{
  guint n_left;
  guint n_ended;
} Again;

static void
submit_again_cb (TornadisClient *client,
                 TornadisReply *reply,
                 GError *error,
                 gpointer user_data)
{
  Again *again = user_data;
  g_autoptr (TornadisCommand) ping = make_command ("PING");

  again->n_ended++;
  if (again->n_left == 0)
    return;
  again->n_left--;
  tornadis_client_submit (client, ping, submit_again_cb, again, NULL);
}

static void
test_end_from_another_hook (Fixture *fixture,
                            gconstpointer data)
{
  Depth depth = { 0 };
  Again again = { 10000, 0 };
  g_autoptr (TornadisCommand) ping = make_command ("PING");
  HookPlugin *plugin = add_calling (fixture->client, "p", end_one_before_hook, &depth);

  for (guint i = 0; i < 2; i++)
    tornadis_client_submit (fixture->client, ping, submit_again_cb, &again, NULL);
  while (again.n_ended < 10001)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (depth.highest - depth.lowest, <, 64 * 1024);
  tornadis_client_close (fixture->client);
  g_assert_cmpuint (again.n_ended, ==, 10002);
  g_clear_object (&plugin->kept);
  take_off (fixture->client, plugin);
}

/* Of two plugins that hold a call one after the other. */
static void
test_answered_late (Fixture *fixture,
                    gconstpointer data)
{
  g_auto (Calls) calls = { 0 };
  g_autoptr (TornadisReply) reply = make_reply ("+mine\r\n");
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "not now");
  HookPlugin *outer = add_calling (fixture->client, "o", keep_hook, NULL);
  HookPlugin *inner = add_calling (fixture->client, "i", keep_hook, NULL);
  g_autoptr (TornadisCall) kept = NULL;

  /* Plugins come and go while the call is held; it goes through those that were there. */
  submit (fixture->client, "PING", &calls);
  kept = g_object_ref (outer->kept);
  g_assert_true (tornadis_client_remove_plugin (fixture->client, (TornadisPlugin *) inner));
  g_object_unref (add_calling (fixture->client, "late", NULL, NULL));
  tornadis_call_proceed (kept);
  g_assert_true (inner->kept == kept);
  tornadis_call_return_reply (kept, reply);
  wait_for_calls (&calls);
  g_assert_no_error (calls.error);
  g_assert_cmpuint (outer->n[CALL_DONE], ==, 1);
  g_assert_cmpuint (inner->n[CALL_DONE], ==, 1);

  /* And once more, each in every way. */
  for (guint i = 0; i < 4; i++)
    g_test_expect_message ("Tornadis", G_LOG_LEVEL_WARNING, i < 3 ? "*answered already*" : "*outside its call_done hook*");
  tornadis_call_proceed (kept);
  tornadis_call_return_reply (kept, reply);
  tornadis_call_return_error (kept, error);
  tornadis_call_retry (kept, 0);
  g_test_assert_expected_messages ();
  g_clear_object (&outer->kept);
  g_clear_object (&inner->kept);
  g_clear_object (&kept);
  assert_finalized (inner);

  /* The client goes for good meanwhile. */
  submit (fixture->client, "PING", &calls);
  g_object_run_dispose (G_OBJECT (fixture->client));
  tornadis_call_proceed (outer->kept);
  wait_for_calls (&calls);
  g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  g_clear_object (&outer->kept);
  assert_finalized (outer);
}

static gboolean
add_again_hook (HookPlugin *self,
                Hook hook,
                TornadisClient *client,
                TornadisCall *call)
{
  if (hook == DETACH)
    {
      own_submit (self, client, "PING", self->data);
      submit (client, "PING", self->data);
      tornadis_client_add_plugin (client, (TornadisPlugin *) self, NULL);
    }
  return FALSE;
}

/* A plugin that calls the client that goes, and wants to stay on it. */
static void
test_add_again_when_gone (Fixture *fixture,
                          gconstpointer data)
{
  g_auto (Calls) calls = { 0 };
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  HookPlugin *first = add_calling (client, "f", add_again_hook, &calls);
  HookPlugin *second = add_calling (client, "s", NULL, NULL);

  assert_call (client, "PONG", "PING", NULL);
  g_object_add_weak_pointer (G_OBJECT (client), (gpointer *) &client);
  g_object_unref (client);
  wait_for_calls (&calls);
  g_assert_null (client);
  g_assert_cmpuint (first->n[DETACH], ==, 1);
  g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  assert_finalized (first);
  assert_finalized (second);
}

static gboolean
nest_in_call_hook (HookPlugin *self,
                   Hook hook,
                   TornadisClient *client,
                   TornadisCall *call)
{
  if (hook == CALL)
    {
      g_cancellable_cancel (self->data);
      spin_for (20);
    }
  return FALSE;
}

/* The caller cancels while a hook runs a main loop of its own, before the function that made the call has returned. */
static void
test_cancel_in_hook (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisCommand) command = make_command ("BLPOP nothing 0");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  HookPlugin *outer = add_calling (fixture->client, "o", NULL, NULL);
  HookPlugin *plugin = add_calling (fixture->client, "p", nest_in_call_hook, cancellable);

  tornadis_client_call_async (fixture->client, command, cancellable, store_result, &result);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (outer->n[CALL_DONE], ==, 1);
  g_assert_cmpuint (plugin->n[OBSERVE], ==, 0);
  take_off (fixture->client, plugin);
  take_off (fixture->client, outer);
}

/* Fails what was cancelled in its own words. */
static gboolean
explain_hook (HookPlugin *self,
              Hook hook,
              TornadisClient *client,
              TornadisCall *call)
{
  g_autoptr (GError) error = hook == CALL_DONE ? tornadis_call_dup_error (call) : NULL;
  g_autoptr (GError) own = NULL;

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return FALSE;

  own = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "explained");
  tornadis_call_return_error (call, own);
  return FALSE;
}

static void
assert_fails (GAsyncResult **result,
              GQuark domain,
              int code)
{
  g_autoptr (GObject) source = g_async_result_get_source_object (wait_for_result (result));
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  if (TORNADIS_IS_CLIENT (source))
    reply = tornadis_client_call_finish (TORNADIS_CLIENT (source), *result, &error);
  else
    reply = tornadis_client_pool_call_finish (TORNADIS_CLIENT_POOL (source), *result, &error);
  g_assert_null (reply);
  g_assert_error (error, domain, code);
  g_clear_object (result);
}

/* What a plugin makes of a call that was cancelled is its outcome, of a client's and of a pool's. */
static void
test_explain_cancelled (Fixture *fixture,
                        gconstpointer data)
{
  HookPlugin *plugin = add_calling (fixture->client, "p", explain_hook, NULL);
  TornadisClientPool *pool = tornadis_client_pool_new (fixture->client);
  g_autoptr (TornadisCommand) command = make_command ("BLPOP nothing 0");
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "BLPOP nothing 0");
  GAsyncResult *result = NULL;

  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();

      if (i == 0)
        tornadis_client_call_async (fixture->client, command, cancellable, store_result, &result);
      else if (i == 1)
        tornadis_client_call_pipeline_async (fixture->client, pipeline, cancellable, store_result, &result);
      else if (i == 2)
        tornadis_client_pool_call_async (pool, command, cancellable, store_result, &result);
      else
        tornadis_client_pool_call_pipeline_async (pool, pipeline, cancellable, store_result, &result);
      wait_until (count_blocked (fixture->redis) == 1);
      g_cancellable_cancel (cancellable);
      assert_fails (&result, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);
      wait_until (count_blocked (fixture->redis) == 0);
    }

  assert_finalized (pool);
  take_off (fixture->client, plugin);
}

/* A call that was cancelled, and ends before the main loop has come to that: with the plugin's own answer, or it is
 * cancelled, whatever else has ended it. */
static void
test_end_while_cancelled (Fixture *fixture,
                          gconstpointer data)
{
  HookPlugin *plugin = add_calling (fixture->client, "p", keep_hook, NULL);
  g_autoptr (TornadisCommand) command = make_command ("PING");
  g_autoptr (GError) own = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "not now");
  g_autoptr (TornadisReply) refusal = make_reply ("-ERR no\r\n");
  GAsyncResult *result = NULL;

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();

      tornadis_client_call_async (fixture->client, command, cancellable, store_result, &result);
      g_cancellable_cancel (cancellable);
      if (i == 0)
        tornadis_call_return_error (plugin->kept, own);
      else if (i == 1)
        tornadis_call_return_reply (plugin->kept, refusal);
      else
        tornadis_client_close (fixture->client);
      g_clear_object (&plugin->kept);
      if (i == 2)
        assert_fails (&result, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      else
        assert_fails (&result, TORNADIS_ERROR, i == 0 ? TORNADIS_ERROR_BUSY : TORNADIS_ERROR_REPLY);
    }

  take_off (fixture->client, plugin);
}

static void
test_observe_many (Fixture *fixture,
                   gconstpointer data)
{
  g_auto (Calls) calls = { 0 };
  HookPlugin *looking = add_looking (fixture->client, "l", NULL, NULL);

  for (guint i = 0; i < 10000; i++)
    submit (fixture->client, "PING", &calls);
  wait_for_calls (&calls);
  g_assert_no_error (calls.error);
  g_assert_cmpuint (looking->n[OBSERVE], ==, 10000);
  take_off (fixture->client, looking);
}

#define ADD(name, func) g_test_add ("/plugin-chain/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("own-call", test_own_call);
  ADD ("own-call-ends", test_own_call_ends);
  ADD ("long-chain", test_long_chain_of_holders);
  ADD ("long-chain-retries", test_long_chain_of_retries);
  ADD ("end-from-another-hook", test_end_from_another_hook);
  ADD ("answered-late", test_answered_late);
  ADD ("add-again-when-gone", test_add_again_when_gone);
  ADD ("cancel-in-hook", test_cancel_in_hook);
  ADD ("explain-cancelled", test_explain_cancelled);
  ADD ("end-while-cancelled", test_end_while_cancelled);
  ADD ("observe-many", test_observe_many);

  return g_test_run ();
}
