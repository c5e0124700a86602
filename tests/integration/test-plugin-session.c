/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What plugins have to do with a transaction: calls that they hold or make again, and their own. */

#include "integration/hook-plugin.h"

/* Holds the call of a name until the test lets it go on. */
static gboolean
hold_hook (HookPlugin *self,
           Hook hook,
           TornadisClient *client,
           TornadisCall *call)
{
  if (hook != CALL || self->kept != NULL || !g_str_equal (tornadis_call_get_name (call), self->data))
    return FALSE;

  self->kept = g_object_ref (call);
  return TRUE;
}

static void
let_go_on (HookPlugin *self)
{
  g_autoptr (TornadisCall) call = g_steal_pointer (&self->kept);

  tornadis_call_proceed (call);
}

static gboolean
is_settled (TornadisClient *client)
{
  return tornadis_client_is_session_settled (client);
}

static gboolean
is_in_transaction (TornadisClient *client)
{
  return tornadis_client_is_in_transaction (client);
}

/* A command was called, though a plugin has it still. */
static void
test_held (Fixture *fixture,
           gconstpointer data)
{
  static const struct
  {
    const char *line;
    gboolean settled;
    gboolean in_transaction;
    gboolean in_transaction_afterwards;
  } cases[] = {
    { "GET k", TRUE, FALSE, FALSE },
    { "SELECT 1", FALSE, FALSE, FALSE },
    { "WATCH k", FALSE, TRUE, TRUE },
    { "UNWATCH", FALSE, TRUE, FALSE },
    { "MULTI", FALSE, TRUE, TRUE },
    { "EXEC", FALSE, TRUE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (GStrv) words = g_strsplit (cases[i].line, " ", -1);
      g_auto (Calls) calls = { 0 };
      HookPlugin *plugin = add_calling (fixture->client, "p", hold_hook, words[0]);

      g_test_message ("%s", cases[i].line);
      submit (fixture->client, cases[i].line, &calls);
      g_assert_nonnull (plugin->kept);
      g_assert_cmpint (is_settled (fixture->client), ==, cases[i].settled);
      g_assert_cmpint (is_in_transaction (fixture->client), ==, cases[i].in_transaction);
      g_assert_cmpint (tornadis_call_is_in_transaction (plugin->kept), ==, cases[i].in_transaction);
      let_go_on (plugin);
      wait_for_calls (&calls);
      g_assert_no_error (calls.error);
      g_assert_true (is_settled (fixture->client));
      g_assert_cmpint (is_in_transaction (fixture->client), ==, cases[i].in_transaction_afterwards);
      take_off (fixture->client, plugin);
    }
}

/* Whatever ends a hold, nothing is left of it. */
static void
test_hold_ends (Fixture *fixture,
                gconstpointer data)
{
  HookPlugin *plugin = add_calling (fixture->client, "p", hold_hook, (gpointer) "MULTI");
  g_autoptr (TornadisCommand) multi = tornadis_command_new ("MULTI");
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "no");

  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) result = NULL;

      g_object_set (fixture->client, "call-timeout-msec", i == 1 ? 20 : 0, NULL);
      tornadis_client_call_async (fixture->client, multi, cancellable, store_result, &result);
      g_assert_true (is_in_transaction (fixture->client));
      if (i == 0)
        g_cancellable_cancel (cancellable);
      else if (i == 2)
        tornadis_client_close (fixture->client);
      else if (i == 3)
        tornadis_call_return_error (plugin->kept, error);
      wait_for_result (&result);
      g_clear_object (&plugin->kept);
      g_assert_false (is_in_transaction (fixture->client));
      g_assert_true (is_settled (fixture->client));
    }
  take_off (fixture->client, plugin);
}

/* Asks for another attempt whatever the outcome is, twice. */
static gboolean
insist_hook (HookPlugin *self,
             Hook hook,
             TornadisClient *client,
             TornadisCall *call)
{
  GString *seen = self->data;

  if (hook == CALL_DONE)
    {
      g_string_append_printf (seen, "%s%s ", tornadis_call_get_name (call),
                              tornadis_call_is_in_transaction (call) ? "!" : "");
      if (tornadis_call_get_attempt (call) < 3)
        tornadis_call_retry (call, 0);
    }

  return FALSE;
}

static gboolean
answer_hook (HookPlugin *self,
             Hook hook,
             TornadisClient *client,
             TornadisCall *call)
{
  g_autoptr (GBytes) resp = g_bytes_new_static ("+OK\r\n", 5);
  g_autoptr (TornadisReply) reply = tornadis_reply_new_from_resp (resp, NULL);

  if (hook != CALL)
    return FALSE;

  tornadis_call_return_reply (call, reply);
  return TRUE;
}

/* Of commands between bars; an exclamation mark before them makes it atomic. */
static TornadisPipeline *
parse_pipeline (const char *text)
{
  gboolean atomic = text[0] == '!';
  g_auto (GStrv) lines = g_strsplit (text + atomic, " | ", -1);

  return make_pipeline (atomic, (const char *const *) lines);
}

/* No plugin makes a part of a transaction run by itself. */
static void
test_not_repeated (Fixture *fixture,
                   gconstpointer data)
{
  static const struct
  {
    const char *lines;
    const char *seen;
  } cases[] = {
    { "PING", "PING PING PING " },
    { "WATCH k; GET k; !GET k; GET k", "WATCH! GET! MULTI! GET GET GET " },
    { "MULTI; GET k; EXEC; PING", "MULTI! GET! EXEC! PING PING PING " },
    { "WATCH k; UNWATCH; PING", "WATCH! UNWATCH! PING PING PING " },
    { "PING | WATCH k; PING; DISCARD", "PIPELINE! PING! DISCARD! " },
    { "MULTI | GET k | EXEC; GET k | PING", "PIPELINE! PIPELINE PIPELINE PIPELINE " },
    { "!GET k", "MULTI MULTI MULTI " },
    { "EXEC", "EXEC! " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (GStrv) calls = g_strsplit (cases[i].lines, "; ", -1);
      g_autoptr (GString) seen = g_string_new (NULL);
      HookPlugin *plugin = add_calling (fixture->client, "p", insist_hook, seen);

      g_test_message ("%s", cases[i].lines);
      for (guint j = 0; calls[j] != NULL; j++)
        {
          g_autoptr (TornadisPipeline) pipeline = parse_pipeline (calls[j]);
          g_autoptr (TornadisCommand) command = make_command (calls[j]);
          g_autoptr (TornadisReply) reply = NULL;
          g_autoptr (GAsyncResult) result = NULL;

          if (strchr (calls[j], '|') != NULL || calls[j][0] == '!')
            {
              reply = call_pipeline (fixture->client, pipeline, NULL, NULL);
              continue;
            }
          tornadis_client_call_async (fixture->client, command, NULL, store_result, &result);
          reply = tornadis_client_call_finish (fixture->client, wait_for_result (&result), NULL);
        }
      g_assert_cmpstr (seen->str, ==, cases[i].seen);
      take_off (fixture->client, plugin);
      tornadis_client_close (fixture->client);
    }
}

static gboolean
multi_hook (HookPlugin *self,
            Hook hook,
            TornadisClient *client,
            TornadisCall *call)
{
  if (hook == CALL_DONE && self->n[CALL_DONE] == 1)
    submit (client, "MULTI", self->data);

  return FALSE;
}

/* One that waits for its next attempt while its user begins a transaction stays out of it. */
static void
test_comes_between (Fixture *fixture,
                    gconstpointer data)
{
  g_autoptr (GString) seen = g_string_new (NULL);
  g_auto (Calls) multi = { 0 };
  HookPlugin *insisting = add_calling (fixture->client, "p", insist_hook, seen);
  HookPlugin *calling = add_calling (fixture->client, "q", multi_hook, &multi);
  guint n_pings = count_calls (fixture->redis, "ping");

  assert_call (fixture->client, "PONG", "PING", NULL);
  wait_for_calls (&multi);
  g_assert_no_error (multi.error);
  g_assert_nonnull (strstr (seen->str, "MULTI!"));
  g_assert_cmpuint (calling->n[CALL_DONE], ==, 4);
  g_assert_cmpuint (count_calls (fixture->redis, "ping"), ==, n_pings + 1);
  assert_call (fixture->client, "(empty array)", "EXEC", NULL);
  take_off (fixture->client, calling);
  take_off (fixture->client, insisting);
}

/* A plugin that stands for the connection says how that is, and what it answers then belongs to a transaction or not. */
static void
test_stand_in (void)
{
  g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", 1);
  g_autoptr (GString) seen = g_string_new (NULL);
  HookPlugin *insisting = add_calling (client, "p", insist_hook, seen);
  HookPlugin *answering = add_calling (client, "q", answer_hook, NULL);
  TornadisPlugin *plugin = (TornadisPlugin *) answering;

  /* It does not stand for it yet, or another one does. */
  tornadis_plugin_set_client_in_transaction (plugin, client, TRUE);
  g_assert_false (is_in_transaction (client));
  g_assert_true (connect_and_wait (client, NULL));
  tornadis_plugin_set_client_in_transaction ((TornadisPlugin *) insisting, client, TRUE);
  g_assert_false (is_in_transaction (client));

  assert_call (client, "OK", "GET", "k", NULL);
  tornadis_plugin_set_client_in_transaction (plugin, client, TRUE);
  g_assert_true (is_in_transaction (client));
  assert_call (client, "OK", "GET", "k", NULL);
  g_assert_cmpstr (seen->str, ==, "HELLO HELLO HELLO GET GET GET GET! ");

  tornadis_client_close (client);
  g_assert_false (is_in_transaction (client));
  g_assert_true (connect_and_wait (client, NULL));
  tornadis_plugin_set_client_in_transaction (plugin, client, TRUE);
  take_off (client, answering);
  g_assert_false (is_in_transaction (client));
  take_off (client, insisting);
}

static void
count_lost_cb (TornadisClient *client,
               TornadisReply *reply,
               GError *error,
               gpointer user_data)
{
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  ++*(guint *) user_data;
}

static void
count_done_cb (TornadisClient *client,
               TornadisReply *reply,
               GError *error,
               gpointer user_data)
{
  g_assert_no_error (error);
  ++*(guint *) user_data;
}

/* The connection is lost with a call of a plugin's own, or with one whose outcome nobody wants: the program does not know
 * of it yet, and what it goes on with does not run as if nothing had been watched. */
static void
test_own_call_lost (gconstpointer watched)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect WATCH\nsend \"+OK\\r\\n\"\nexpect ECHO\nclose\n---\nhandshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  HookPlugin *plugin = watched != NULL ? add_looking (client, "p", NULL, NULL) : add_calling (client, "p", NULL, NULL);
  g_autoptr (TornadisCommand) echo = make_command ("ECHO own");
  g_autoptr (GError) error = NULL;
  guint n_lost = 0;
  guint n_done = 0;

  assert_call (client, "OK", "WATCH", "k", NULL);
  if (watched != NULL)
    tornadis_client_submit (client, echo, NULL, NULL, NULL);
  else
    tornadis_plugin_submit ((TornadisPlugin *) plugin, client, echo, count_lost_cb, &n_lost, NULL);
  wait_until (!tornadis_client_is_connected (client));
  g_assert_cmpuint (n_lost, ==, watched == NULL);
  /* The next one has nothing to do with the transaction. */
  tornadis_plugin_submit ((TornadisPlugin *) plugin, client, echo, count_done_cb, &n_done, NULL);
  wait_until (n_done == 1);

  g_assert_null (call (client, &error, "MULTI", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_clear_error (&error);
  /* Now it does, and the peer, which knows no MULTI, is asked. */
  g_assert_null (call (client, &error, "MULTI", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  take_off (client, plugin);
  assert_finalized (client);
}

static void
begin_again_cb (TornadisClient *client,
                TornadisReply *reply,
                GError *error,
                gpointer user_data)
{
  g_autoptr (TornadisCommand) multi = make_command ("MULTI");

  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  tornadis_client_submit (client, multi, count_lost_cb, user_data, NULL);
}

/* Two transactions are lost at once. Who is notified of the first does not know of the second, for which the MULTI may be meant
 * that it calls. */
static void
test_both_lost (gconstpointer asks_plugin)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect WATCH\nexpect UNWATCH\nexpect WATCH\nclose\n---\nhandshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  HookPlugin *plugin = asks_plugin != NULL ? add_calling (client, "p", NULL, NULL) : NULL;
  g_autoptr (TornadisCommand) unwatch = make_command ("UNWATCH");
  g_autoptr (TornadisCommand) watch = make_command ("WATCH k");
  g_autoptr (GError) error = NULL;
  guint n_lost = 0;

  tornadis_client_submit (client, watch, begin_again_cb, &n_lost, NULL);
  tornadis_client_submit (client, unwatch, count_lost_cb, &n_lost, NULL);
  tornadis_client_submit (client, watch, count_lost_cb, &n_lost, NULL);
  wait_until (n_lost == 3);

  /* Now it knows of both, and the peer, which knows no MULTI, is asked. */
  g_assert_null (call (client, &error, "MULTI", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  if (plugin != NULL)
    take_off (client, plugin);
  assert_finalized (client);
}

static gboolean
forward_hook (HookPlugin *self,
              Hook hook,
              TornadisClient *client,
              TornadisCall *call)
{
  if (hook != CALL)
    return FALSE;

  tornadis_call_forward (call, self->data);
  return TRUE;
}

/* Who does not look at outcomes knows of no loss, by whatever way the calls go. */
static void
test_blind_forwarded (gconstpointer asks_plugin)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect WATCH\nclose\n---\nhandshake\necho-server\n");
  g_autoptr (TornadisClient) target = make_client (peer);
  TornadisClient *client = tornadis_client_new ("127.0.0.1", 1);
  HookPlugin *forwarder = add_calling (client, "forwarder", forward_hook, target);
  HookPlugin *plugin = asks_plugin != NULL ? add_calling (target, "p", NULL, NULL) : NULL;
  g_autoptr (TornadisCommand) watch = make_command ("WATCH k");
  g_autoptr (TornadisCommand) multi = make_command ("MULTI");
  g_autoptr (GError) error = NULL;

  tornadis_client_submit (client, watch, NULL, NULL, NULL);
  wait_until (count_received (peer, "WATCH") == 1 && !tornadis_client_is_connected (target));
  tornadis_client_submit (client, multi, NULL, NULL, NULL);
  g_assert_null (call (client, &error, "GET", "k", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);

  if (plugin != NULL)
    take_off (target, plugin);
  take_off (client, forwarder);
  assert_finalized (client);
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/plugin-session/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("held", test_held);
  ADD ("hold-ends", test_hold_ends);
  ADD ("fault-03-not-repeated", test_not_repeated);
  ADD ("fault-03-comes-between", test_comes_between);
  g_test_add_func ("/plugin-session/fault-15-stand-in", test_stand_in);
  g_test_add_data_func ("/plugin-session/fault-03-own-call-lost", NULL, test_own_call_lost);
  g_test_add_data_func ("/plugin-session/fault-03-unwanted-call-lost", "watched", test_own_call_lost);
  g_test_add_data_func ("/plugin-session/both-lost", NULL, test_both_lost);
  g_test_add_data_func ("/plugin-session/both-lost-behind-plugin", "asked", test_both_lost);
  g_test_add_data_func ("/plugin-session/blind-forwarded", NULL, test_blind_forwarded);
  g_test_add_data_func ("/plugin-session/blind-forwarded-to-plugin", "asked", test_blind_forwarded);

  return g_test_run ();
}
