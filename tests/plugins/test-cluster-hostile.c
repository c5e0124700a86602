/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What programs do to clients of a cluster at the worst moments, and nodes that mean no good. */

#include <string.h>

#include "integration/hook-plugin.h"

#define N_PEERS 2
/* Of these keys the one has a slot of the first peer, the other one of the second. */
#define FIRST_KEY "k"
#define SECOND_KEY "a"
#define SECOND_SLOT 8192
/* All that is needed of COMMAND. */
#define COMMAND(name, flag) "*6\r\n+" name "\r\n:2\r\n*1\r\n+" flag "\r\n:1\r\n:1\r\n:1\r\n"
#define COMMANDS "*3\r\n" COMMAND ("get", "readonly") COMMAND ("set", "write") COMMAND ("watch", "fast")

typedef struct
{
  TornadisHarnessPeer *peers[N_PEERS];
  TornadisClient *client;
} Nodes;

static void
answer (TornadisHarnessPeer *peer,
        const char *name,
        const char *text)
{
  tornadis_harness_peer_set_answers (peer, name, (const char *[]){ text, NULL });
}

static char *
make_shard (guint first,
            guint last,
            TornadisHarnessPeer *peer,
            const char *health)
{
  return g_strdup_printf ("*4\r\n+slots\r\n*2\r\n:%u\r\n:%u\r\n+nodes\r\n*1\r\n*8\r\n+endpoint\r\n+127.0.0.1\r\n+port\r\n:%u\r\n"
                          "+role\r\n+master\r\n+health\r\n+%s\r\n",
                          first, last, tornadis_harness_peer_get_port (peer), health);
}

/* Each of the two has a half. */
static void
say_shards (Nodes *self,
            const char *health)
{
  g_autofree char *first = make_shard (0, SECOND_SLOT - 1, self->peers[0], health);
  g_autofree char *second = make_shard (SECOND_SLOT, 16383, self->peers[1], "online");
  g_autofree char *shards = g_strdup_printf ("*2\r\n%s%s", first, second);

  for (guint i = 0; i < N_PEERS; i++)
    answer (self->peers[i], "CLUSTER SHARDS", shards);
}

static TornadisPlugin *
get_plugin (TornadisClient *client)
{
  g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (tornadis_client_get_plugins (client), 0);

  return plugin;
}

static void
set_up (Nodes *self,
        gconstpointer options)
{
  g_autofree char *uri = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_PEERS; i++)
    self->peers[i] = make_peer ("handshake3\nserve\n");
  say_shards (self, "online");
  for (guint i = 0; i < N_PEERS; i++)
    answer (self->peers[i], "COMMAND", COMMANDS);
  uri = g_strdup_printf ("redis-cluster://127.0.0.1:%u?%s", tornadis_harness_peer_get_port (self->peers[0]),
                         options != NULL ? (const char *) options : "failover-timeout-msec=60000");
  self->client = tornadis_client_new_for_uri (uri, &error);
  g_assert_no_error (error);
}

static void
tear_down (Nodes *self,
           gconstpointer options)
{
  spin_for (1);
  if (self->client != NULL)
    assert_client_finalized (self->client);
  for (guint i = 0; i < N_PEERS; i++)
    g_clear_object (&self->peers[i]);
}

/* Clients that share a plugin, before anything is known. */
static void
test_shared (Nodes *self,
             gconstpointer data)
{
  TornadisClient *clients[3];
  Calls calls = { 0 };

  submit (self->client, "GET " FIRST_KEY, &calls);
  for (gsize i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      clients[i] = tornadis_client_new ("127.0.0.1", 1);
      g_assert_true (tornadis_client_add_plugin (clients[i], get_plugin (self->client), NULL));
      submit (clients[i], "GET " FIRST_KEY, &calls);
    }
  wait_for_calls (&calls);
  g_assert_no_error (calls.error);
  calls_clear (&calls);
  for (gsize i = 0; i < G_N_ELEMENTS (clients); i++)
    assert_client_finalized (clients[i]);
}

/* The plugin is removed while calls are held for want of a master, and while their parts are on their way. */
static void
test_removed (Nodes *self,
              gconstpointer data)
{
  static const char *const errors[] = { "-CLUSTERDOWN The cluster is down\r\n", "-TRYAGAIN later\r\n", "-ASK 7629 127.0.0.1:1\r\n" };

  for (guint dropped = 0; dropped < 2; dropped++)
    for (gsize i = 0; i < G_N_ELEMENTS (errors); i++)
      {
        Nodes nodes;
        g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "GET " FIRST_KEY, "GET " SECOND_KEY, "SET " FIRST_KEY " 1");
        Calls calls = { 0 };
        guint n;

        set_up (&nodes, NULL);
        free (call_text (nodes.client, "GET", SECOND_KEY, NULL));
        for (guint k = 0; k < N_PEERS; k++)
          {
            answer (nodes.peers[k], "GET", errors[i]);
            answer (nodes.peers[k], "SET", errors[i]);
          }
        submit (nodes.client, "GET " FIRST_KEY, &calls);
        calls.n_made++;
        tornadis_client_submit_pipeline (nodes.client, pipeline, count_ended_cb, &calls, count_freed_cb);
        n = count_received (nodes.peers[0], "GET");
        wait_until (count_received (nodes.peers[0], "GET") > n);
        spin_for (5);
        if (dropped)
          {
            tornadis_client_close (nodes.client);
            g_clear_object (&nodes.client);
          }
        else
          {
            tornadis_client_remove_plugin (nodes.client, get_plugin (nodes.client));
          }
        wait_for_calls (&calls);
        g_assert_nonnull (calls.error);
        calls_clear (&calls);
        spin_for (20);
        tear_down (&nodes, NULL);
      }
}

static void
remove_cb (TornadisClient *client,
           GParamSpec *pspec,
           gpointer user_data)
{
  guint *left = user_data;

  if (*left > 0 && --*left == 0)
    tornadis_client_remove_plugin (client, get_plugin (client));
}

/* Whoever is told of the state removes the plugin. */
static void
test_removed_by_state (Nodes *self,
                       gconstpointer data)
{
  for (guint i = 1; i <= 3; i++)
    {
      Nodes nodes;
      Calls calls = { 0 };
      guint left = i;

      set_up (&nodes, NULL);
      g_object_set (nodes.client, "host", "127.0.0.1", "port", 1, NULL);
      g_signal_connect (nodes.client, "notify::state", G_CALLBACK (remove_cb), &left);
      submit (nodes.client, "GET " FIRST_KEY, &calls);
      wait_for_calls (&calls);
      if (left > 0)
        tornadis_client_close (nodes.client);
      calls_clear (&calls);
      g_signal_handlers_disconnect_by_data (nodes.client, &left);
      tear_down (&nodes, NULL);
    }
}

static void
close_cb (TornadisClient *client,
          GParamSpec *pspec,
          gpointer user_data)
{
  if (tornadis_client_is_connected (client))
    tornadis_client_close (client);
}

/* Whoever is told that it is connected closes it: the nodes are closed too. */
static void
test_closed_by_state (Nodes *self,
                      gconstpointer data)
{
  Calls calls = { 0 };
  gulong handler = g_signal_connect (self->client, "notify::state", G_CALLBACK (close_cb), NULL);

  submit (self->client, "GET " FIRST_KEY, &calls);
  wait_for_calls (&calls);
  g_assert_nonnull (calls.error);
  calls_clear (&calls);
  g_assert_false (tornadis_client_is_connected (self->client));
  g_signal_handler_disconnect (self->client, handler);
  free (call_text (self->client, "GET", FIRST_KEY, NULL));
  g_assert_true (tornadis_client_is_connected (self->client));
}

static void
remove_plugin_cb (TornadisClient *client,
                  TornadisReply *reply,
                  GError *error,
                  gpointer user_data)
{
  guint *n = user_data;

  if ((*n)++ == 0)
    tornadis_client_remove_plugin (client, get_plugin (client));
}

/* A node has failed, its calls end with that, and the first callback removes the plugin. */
static void
test_removed_by_failure (Nodes *self,
                         gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) third = make_peer ("handshake3\nserve GET\nexpect GET\nwait\n");
  g_autofree char *online = make_shard (0, 16383, third, "online");
  g_autofree char *failed = make_shard (0, SECOND_SLOT - 1, third, "fail");
  g_autofree char *rest = make_shard (SECOND_SLOT, 16383, self->peers[0], "online");
  g_autofree char *one = g_strdup_printf ("*1\r\n%s", online);
  g_autofree char *two = g_strdup_printf ("*2\r\n%s%s", failed, rest);
  g_autoptr (TornadisCommand) command = make_command ("GET " FIRST_KEY);
  guint n = 0;

  answer (self->peers[0], "CLUSTER SHARDS", one);
  tornadis_client_submit (self->client, command, remove_plugin_cb, &n, NULL);
  wait_until (count_received (third, "GET") == 1);
  tornadis_client_submit (self->client, command, remove_plugin_cb, &n, NULL);
  answer (self->peers[0], "CLUSTER SHARDS", two);
  wait_until (n == 2);
}

static void
remove_when_closed_cb (TornadisClient *client,
                       TornadisReply *reply,
                       GError *error,
                       gpointer user_data)
{
  guint *n = user_data;

  if ((*n)++ == 0 && tornadis_client_get_plugins (client) != NULL && get_plugin (client) != NULL)
    tornadis_client_remove_plugin (client, get_plugin (client));
}

/* The client is closed, and the first callback removes the plugin. */
static void
test_removed_by_close (Nodes *self,
                       gconstpointer data)
{
  g_autoptr (TornadisCommand) command = make_command ("GET " FIRST_KEY);
  g_autoptr (TornadisCommand) all = make_command ("DBSIZE");
  guint n = 0;

  free (call_text (self->client, "GET", FIRST_KEY, NULL));
  free (call_text (self->client, "GET", SECOND_KEY, NULL));
  for (guint i = 0; i < 3; i++)
    {
      tornadis_client_submit (self->client, command, remove_when_closed_cb, &n, NULL);
      tornadis_client_submit (self->client, all, remove_when_closed_cb, &n, NULL);
    }
  tornadis_client_close (self->client);
  wait_until (n == 6);
}

/* Each redirection names another host, of which nothing is kept for long. */
static void
test_moved_anywhere (Nodes *self,
                     gconstpointer data)
{
  HookPlugin *plugin = add_looking (self->client, "l", NULL, NULL);
  guint most = 0;

  for (guint i = 1; i <= 100; i++)
    {
      g_autofree char *moved = g_strdup_printf ("-MOVED 7629 127.0.1.%u:1\r\n", i);

      tornadis_harness_peer_set_answers (self->peers[0], "GET", (const char *[]){ moved, "$1\r\nv\r\n", NULL });
      assert_call (self->client, "\"v\"", "GET", FIRST_KEY, NULL);
      most = MAX (most, plugin->n[ATTACH] - plugin->n[DETACH]);
    }
  g_assert_cmpuint (plugin->n[ATTACH], >, 100);
  g_assert_cmpuint (most, <, 50);
  take_off (self->client, plugin);
}

/* The node of a transaction has failed, and its connection is given up: what comes then does not run by itself. */
static void
test_transaction_of_failed (Nodes *self,
                            gconstpointer data)
{
  g_autoptr (TornadisClient) other = tornadis_client_new ("127.0.0.1", 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  guint n;

  g_assert_true (tornadis_client_add_plugin (other, get_plugin (self->client), NULL));
  answer (self->peers[0], "MULTI", "+OK\r\n");
  answer (self->peers[0], "SET", "+QUEUED\r\n");
  assert_call (self->client, "OK", "MULTI", NULL);
  assert_call (self->client, "QUEUED", "SET", FIRST_KEY, "1", NULL);
  n = count_received (self->peers[0], "CLUSTER") + count_received (self->peers[1], "CLUSTER");
  say_shards (self, "fail");
  tornadis_harness_peer_set_answers (self->peers[1], "GET", (const char *[]){ "-CLUSTERDOWN x\r\n", "$1\r\nv\r\n", NULL });
  assert_call (other, "\"v\"", "GET", SECOND_KEY, NULL);
  wait_until (count_received (self->peers[0], "CLUSTER") + count_received (self->peers[1], "CLUSTER") > n);
  spin_for (50);
  n = count_received (self->peers[0], "SET");
  reply = call (self->client, &error, "SET", FIRST_KEY, "2", NULL);
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_cmpuint (count_received (self->peers[0], "SET"), ==, n);
  g_assert_false (tornadis_client_is_in_transaction (self->client));
  assert_call (self->client, "OK", "MULTI", NULL);
  assert_call (self->client, "QUEUED", "SET", FIRST_KEY, "3", NULL);
  g_assert_cmpuint (count_received (self->peers[0], "MULTI"), ==, 2);
  assert_client_finalized (g_steal_pointer (&other));
}

static gboolean
is_watched_at_first (Nodes *self)
{
  guint n = count_received (self->peers[0], "WATCH");

  answer (self->peers[0], "WATCH", "+OK\r\n");
  assert_call (self->client, "OK", "WATCH", FIRST_KEY, NULL);
  answer (self->peers[0], "UNWATCH", "+OK\r\n");
  answer (self->peers[1], "UNWATCH", "+OK\r\n");
  assert_call (self->client, "OK", "UNWATCH", NULL);

  return count_received (self->peers[0], "WATCH") > n;
}

/* The transaction is where WATCH was redirected to, or there is none; no node goes on watching for nobody. */
static void
test_watch_moved (Nodes *self,
                  gconstpointer data)
{
  g_autofree char *moved = g_strdup_printf ("-MOVED 7629 127.0.0.1:%u\r\n", tornadis_harness_peer_get_port (self->peers[1]));
  g_autofree char *ask = g_strdup_printf ("-ASK 7629 127.0.0.1:%u\r\n", tornadis_harness_peer_get_port (self->peers[1]));
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_PEERS; i++)
    {
      answer (self->peers[i], "WATCH", "+OK\r\n");
      answer (self->peers[i], "MULTI", "+OK\r\n");
      answer (self->peers[i], "SET", "+QUEUED\r\n");
      answer (self->peers[i], "EXEC", "*1\r\n+OK\r\n");
    }
  answer (self->peers[0], "WATCH", moved);
  assert_call (self->client, "OK", "WATCH", FIRST_KEY, NULL);
  assert_call (self->client, "OK", "MULTI", NULL);
  assert_call (self->client, "QUEUED", "SET", FIRST_KEY, "1", NULL);
  assert_call (self->client, "1) OK", "EXEC", NULL);
  g_assert_cmpuint (count_received (self->peers[1], "WATCH"), ==, 1);
  g_assert_cmpuint (count_received (self->peers[1], "MULTI"), ==, 1);
  g_assert_cmpuint (count_received (self->peers[1], "EXEC"), ==, 1);

  /* What one node watches cannot be of a transaction with what another one does. */
  /* Until what the cluster says of itself is known again. */
  wait_until (is_watched_at_first (self));
  tornadis_harness_peer_set_answers (self->peers[0], "WATCH", (const char *[]){ "+OK\r\n", moved, NULL });
  assert_call (self->client, "OK", "WATCH", FIRST_KEY, NULL);
  g_assert_null (call (self->client, &error, "WATCH", FIRST_KEY, NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_clear_error (&error);
  g_assert_false (tornadis_client_is_in_transaction (self->client));

  wait_until (is_watched_at_first (self));
  answer (self->peers[0], "WATCH", ask);
  g_assert_null (call (self->client, &error, "WATCH", FIRST_KEY, NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_false (tornadis_client_is_in_transaction (self->client));
}

/* A plugin of another instance behind it is on the nodes; in front of it nothing is left for it to do. */
static void
test_two_plugins (Nodes *self,
                  gconstpointer data)
{
  Nodes nodes;
  g_autoptr (TornadisPlugin) other = NULL;

  set_up (&nodes, NULL);
  other = g_object_ref (get_plugin (nodes.client));
  g_assert_true (tornadis_client_add_plugin (self->client, other, NULL));
  for (guint i = 0; i < 2; i++)
    {
      assert_call (self->client, "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
      assert_call (self->client, "\"value-of-" SECOND_KEY "\"", "GET", SECOND_KEY, NULL);
      assert_call (nodes.client, "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
      tornadis_client_close (self->client);
    }
  g_assert_cmpuint (count_received (nodes.peers[0], "GET"), >, 2);
  g_assert_true (tornadis_client_remove_plugin (self->client, other));
  assert_call (self->client, "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
  tear_down (&nodes, NULL);
}

/* Runs the main loop whenever a connection is set up. */
static gboolean
loop_hook (HookPlugin *self,
           Hook hook,
           TornadisClient *client,
           TornadisCall *call)
{
  if (hook == SETUP)
    spin_for (20);

  return FALSE;
}

/* Calls complete within the functions that send others. */
static void
test_loop_in_setup (Nodes *self,
                    gconstpointer data)
{
  HookPlugin *plugin = add_looking (self->client, "l", loop_hook, NULL);
  Calls calls = { 0 };

  for (guint i = 0; i < 3; i++)
    {
      free (call_text (self->client, "GET", FIRST_KEY, NULL));
      for (guint k = 0; k < 100; k++)
        {
          submit (self->client, "GET " FIRST_KEY, &calls);
          submit (self->client, "GET " SECOND_KEY, &calls);
        }
      wait_for_calls (&calls);
      g_assert_no_error (calls.error);
      submit (self->client, "GET " FIRST_KEY, &calls);
      tornadis_client_close (self->client);
      submit (self->client, "GET " FIRST_KEY, &calls);
      submit (self->client, "GET " SECOND_KEY, &calls);
      wait_for_calls (&calls);
      calls_clear (&calls);
      calls = (Calls){ 0 };
    }
  take_off (self->client, plugin);
}

/* Drops all others within the first callback. */
typedef struct
{
  TornadisClient *clients[4];
  guint n_ended;
} Group;

static void
drop_others_cb (TornadisClient *client,
                TornadisReply *reply,
                GError *error,
                gpointer user_data)
{
  Group *self = user_data;

  self->n_ended++;
  for (gsize i = 0; i < G_N_ELEMENTS (self->clients); i++)
    {
      g_autoptr (TornadisClient) other = g_steal_pointer (&self->clients[i]);

      if (other == NULL)
        continue;
      tornadis_client_close (other);
      tornadis_client_remove_plugin (other, get_plugin (other));
    }
}

/* No node says how the cluster is. The first that is told of that lets go of all that wait for it too, and of the plugin. */
static void
test_dropped_when_unknown (Nodes *self,
                           gconstpointer data)
{
  for (guint known = 0; known < 2; known++)
    {
      Group group = { 0 };
      Nodes nodes;

      set_up (&nodes, NULL);
      if (!known)
        answer (nodes.peers[0], "CLUSTER SHARDS", "-ERR no\r\n");
      for (gsize i = 0; i < G_N_ELEMENTS (group.clients); i++)
        {
          g_autoptr (TornadisCommand) command = make_command (i % 2 ? "GET " FIRST_KEY : "DBSIZE");

          group.clients[i] = i == 0 ? g_steal_pointer (&nodes.client) : tornadis_client_new ("127.0.0.1", 1);
          if (i > 0)
            g_assert_true (tornadis_client_add_plugin (group.clients[i], get_plugin (group.clients[0]), NULL));
          tornadis_client_submit (group.clients[i], command, drop_others_cb, &group, NULL);
        }
      wait_until (group.n_ended == G_N_ELEMENTS (group.clients));
      spin_for (20);
      tear_down (&nodes, NULL);
    }
}

/* What waits until the cluster is known counts. */
static void
test_bounded (Nodes *self,
              gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) third = make_peer ("handshake3\nserve CLUSTER\nexpect CLUSTER\nwait\n");
  g_autofree char *uri = g_strdup_printf ("redis-cluster://127.0.0.1:%u", tornadis_harness_peer_get_port (third));
  g_autoptr (GError) error = NULL;
  TornadisClient *client = tornadis_client_new_for_uri (uri, &error);
  Calls calls = { 0 };

  g_object_set (client, "max-pending", 10, NULL);
  for (guint i = 0; i < 1000; i++)
    submit (client, "GET " FIRST_KEY, &calls);
  wait_until (calls.n_ended == 990);
  g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);
  tornadis_client_close (client);
  wait_for_calls (&calls);
  calls_clear (&calls);
  assert_client_finalized (client);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add ("/cluster-hostile/" path, Nodes, NULL, set_up, func, tear_down)
  ADD ("shared", test_shared);
  ADD ("removed", test_removed);
  ADD ("removed-by-state", test_removed_by_state);
  ADD ("removed-by-failure", test_removed_by_failure);
  ADD ("removed-by-close", test_removed_by_close);
  ADD ("closed-by-state", test_closed_by_state);
  ADD ("moved-anywhere", test_moved_anywhere);
  ADD ("transaction-of-failed", test_transaction_of_failed);
  ADD ("watch-moved", test_watch_moved);
  ADD ("two-plugins", test_two_plugins);
  ADD ("loop-in-setup", test_loop_in_setup);
  ADD ("dropped-when-unknown", test_dropped_when_unknown);
  ADD ("bounded", test_bounded);
#undef ADD

  return g_test_run ();
}
