/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What parts of the cluster's plugin tell one another, and calls that have parts. */

#include "plugins/cluster-peers.h"

#include <string.h>

#include "integration/hook-plugin.h"
#include "plugins/cluster-util.h"
#include "plugins/util.h"

typedef struct
{
  TornadisClient *client;  /* (unowned) that is called on */
  TornadisPlugin *cluster; /* (unowned) (nullable) that is removed from it instead */
  Calls calls;
} Told;

/* Many shards that nobody serves, and one of @peer. */
static void
say_another_cluster (Nodes *self,
                     guint n,
                     TornadisHarnessPeer *peer)
{
  g_autofree char *last = make_shard (n, 16383, port_of (peer));
  g_autoptr (GString) shards = g_string_new (NULL);

  g_string_printf (shards, "*%u\r\n", n + 1);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *shard = make_shard (i, i, i + 1);

      g_string_append (shards, shard);
    }
  for (guint i = 0; i < N_PEERS; i++)
    answer (self->peers[i], "CLUSTER SHARDS", "%s%s", shards->str, last);
}

static gboolean
told_hook (HookPlugin *self,
           Hook hook,
           TornadisClient *client,
           TornadisCall *call)
{
  Told *told = self->data;

  if (told == NULL || (hook != PUSH && (hook != CALL || !g_str_equal (tornadis_call_get_name (call), "PING"))))
    return FALSE;

  self->data = NULL;
  if (told->cluster != NULL)
    g_assert_true (tornadis_client_remove_plugin (told->client, told->cluster));
  for (guint i = 0; told->cluster == NULL && i < 2; i++)
    submit (told->client, i == 0 ? "GET " FIRST_KEY : "GET " SECOND_KEY, &told->calls);

  return FALSE;
}

/* A redirection has the cluster looked at. */
static void
make_it_look (Nodes *self,
              TornadisClient *client,
              Told *told)
{
  for (guint i = 0; i < N_PEERS; i++)
    answer_once (self->peers[i], "GET", "-MOVED 7629 127.0.0.1:1\r\n", "$1\r\nv\r\n");
  submit (client, "GET " FIRST_KEY, &told->calls);
}

/* Two clients share what is known of the cluster, which turns out to be a larger one: who is told of that by the one calls on the
 * other. */
static void
test_told_by_another (Nodes *self,
                      gconstpointer data)
{
  TornadisClient *clients[2] = { self->client, tornadis_client_new ("127.0.0.1", 1) };

  g_assert_true (tornadis_client_add_plugin (clients[1], get_cluster_plugin (self->client), NULL));
  for (guint i = 0; i < 2; i++)
    {
      assert_call (clients[i], "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
      assert_call (clients[i], "\"value-of-" SECOND_KEY "\"", "GET", SECOND_KEY, NULL);
    }

  /* It is not known which of the two hears of it first. */
  for (guint i = 0; i < 2; i++)
    {
      HookPlugin *behind = add_looking (clients[i], "b", told_hook, NULL);
      Told told = { .client = clients[1 - i] };

      behind->data = &told;
      say_another_cluster (self, 64 << i, self->peers[1 - i]);
      make_it_look (self, clients[i], &told);
      wait_until (behind->data == NULL);
      wait_for_calls (&told.calls);
      calls_clear (&told.calls);
      take_off (clients[i], behind);
    }
  assert_client_finalized (clients[1]);
}

/* All nodes that were known leave, and a plugin on their clients that sees what is called on them removes this one. */
static void
test_removed_when_nodes_leave (Nodes *self,
                               gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) third = make_peer ("handshake3\nserve\n---\nhandshake3\nserve\n");
  Told told = { .client = self->client, .cluster = get_cluster_plugin (self->client) };
  HookPlugin *behind = add_calling (self->client, "b", told_hook, NULL);

  nodes_describe (self, third);
  assert_both (self);
  behind->data = &told;
  say_another_cluster (self, 1, third);
  make_it_look (self, self->client, &told);
  wait_until (behind->data == NULL);
  wait_for_calls (&told.calls);
  calls_clear (&told.calls);
  take_off (self->client, behind);
}

#define N_COMMANDS 30
/* So many are served between two times of refusal. */
#define N_SERVED 10

/* The node refuses all for a while, serves some, refuses again and so on. Of a pipeline the commands that run do so in their order. */
static void
test_order (Nodes *self,
            gconstpointer data)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new ();
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *received = NULL;
  g_auto (GStrv) lines = NULL;
  guint n = 0, n_run = 0;

  for (guint i = 0; i < N_COMMANDS; i++)
    {
      g_autofree char *line = g_strdup_printf ("SET " FIRST_KEY " %u", i);
      g_autoptr (TornadisCommand) command = make_command (line);

      tornadis_pipeline_stack_command (pipeline, command);
      /* Those that are left, and then the first of them. */
      for (guint j = 0; i % N_SERVED == 0 && j < N_COMMANDS - i + 3; j++)
        g_ptr_array_add (texts, (char *) data);
      g_ptr_array_add (texts, (char *) "+OK\r\n");
    }
  g_ptr_array_add (texts, NULL);
  tornadis_harness_peer_set_answers (self->peers[0], "SET", (const char *const *) texts->pdata);

  replies = call_pipeline (self->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N_COMMANDS; i++)
    g_assert_cmpint (tornadis_reply_get_kind (tornadis_reply_get_element (replies, i)), ==, TORNADIS_REPLY_KIND_STATUS);

  received = tornadis_harness_peer_get_received (self->peers[0]);
  lines = g_strsplit (received, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *expected = g_strdup_printf ("SET " FIRST_KEY " %u", n_run);

      if (!g_str_has_prefix (lines[i], "SET ") || texts->pdata[n++] == data)
        continue;
      if (!g_str_equal (lines[i], expected))
        g_error ("“%s” has overtaken “%s”:\n%s", lines[i], expected, received);
      n_run++;
    }
  g_assert_cmpuint (n_run, ==, N_COMMANDS);
}

/* A pipeline that leaves room for two calls. */
static TornadisPipeline *
fill_up (Nodes *self)
{
  TornadisPipeline *pipeline = tornadis_pipeline_new ();

  for (guint i = 0; i < 8; i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "SET", FIRST_KEY, "1", NULL });
  assert_both (self);
  g_object_set (self->client, "max-pending", 10, NULL);

  return pipeline;
}

/* All of a pipeline count while the first is on its way, and until it was served. */
static void
test_waiting_counts (Nodes *self,
                     gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = fill_up (self);

  for (guint round = 0; round < 3; round++)
    {
      guint n = count_received (self->peers[0], "SET");
      Tally tally = { 0 };

      answer (self->peers[0], "SET", "-CLUSTERDOWN The cluster is down\r\n");
      answer (self->peers[0], "GET", "-CLUSTERDOWN The cluster is down\r\n");
      tally_submit_pipeline (&tally, self->client, pipeline);
      wait_until (count_received (self->peers[0], "SET") >= n + 8 + 2);
      for (guint i = 0; i < 5; i++)
        {
          g_autoptr (TornadisCommand) command = make_command ("GET " FIRST_KEY);

          tally.n_expected++;
          tornadis_client_submit (self->client, command, tally_count_cb, &tally, NULL);
        }
      wait_until (tally.n_ended == 3);
      g_assert_cmpuint (tally.busy, ==, 3);
      answer (self->peers[0], "SET", "+OK\r\n");
      answer (self->peers[0], "GET", "$1\r\nv\r\n");
      tally_wait (&tally);
      g_assert_cmpuint (tally.ok, ==, 3);
    }
}

/* A pipeline that is given up while it waits makes room, and nothing more of it is sent. */
static void
test_waiting_given_up (Nodes *self,
                       gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = fill_up (self);

  answer (self->peers[0], "SET", "-CLUSTERDOWN The cluster is down\r\n");
  for (guint by_closing = 0; by_closing < 2; by_closing++)
    {
      guint n = count_received (self->peers[0], "SET"), n_gets;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;
      Tally tally = { 0 };

      tornadis_client_call_pipeline_async (self->client, pipeline, cancellable, store_result, &result);
      wait_until (count_received (self->peers[0], "SET") >= n + 8 + 2);
      if (by_closing)
        tornadis_client_close (self->client);
      else
        g_cancellable_cancel (cancellable);
      g_assert_null (tornadis_client_call_pipeline_finish (self->client, wait_for_result (&result), &error));
      if (by_closing)
        g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
      else
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

      n = count_received (self->peers[0], "SET");
      n_gets = count_received (self->peers[0], "GET");
      answer (self->peers[0], "GET", "-CLUSTERDOWN The cluster is down\r\n");
      for (guint i = 0; i < 10; i++)
        {
          g_autoptr (TornadisCommand) command = make_command ("GET " FIRST_KEY);

          tally.n_expected++;
          tornadis_client_submit (self->client, command, tally_count_cb, &tally, NULL);
        }
      wait_until (tally.n_ended > 0 || count_received (self->peers[0], "GET") >= n_gets + 20);
      answer (self->peers[0], "GET", "$1\r\nv\r\n");
      tally_wait (&tally);
      g_assert_cmpuint (tally.ok, ==, 10);
      g_assert_cmpuint (count_received (self->peers[0], "SET"), <=, n + 1);
    }
}

static gboolean
count_pipelines_hook (HookPlugin *self,
                      Hook hook,
                      TornadisClient *client,
                      TornadisCall *call)
{
  if (hook == CALL && tornadis_call_get_pipeline (call) != NULL)
    ++*(guint *) self->data;

  return FALSE;
}

/* The replica that is read from is not there. Once the master has served the first, the others follow it there. */
static void
test_replica_gone (Nodes *self,
                   gconstpointer data)
{
  g_autofree char *master = make_node (port_of (self->peers[0]), "master", "online");
  g_autofree char *replica = make_node (1, "replica", "online");
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;
  guint n_pipelines = 0;
  HookPlugin *behind = add_calling (self->client, "b", count_pipelines_hook, &n_pipelines);

  for (guint i = 0; i < N_PEERS; i++)
    {
      answer (self->peers[i], "READONLY", "+OK\r\n");
      answer (self->peers[i], "CLUSTER SHARDS", "*1\r\n*4\r\n+slots\r\n*2\r\n:0\r\n:16383\r\n+nodes\r\n*2\r\n%s%s", master, replica);
    }
  for (guint i = 0; i < N_COMMANDS; i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", FIRST_KEY, NULL });
  replies = call_pipeline (self->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (tornadis_reply_get_n_elements (replies), ==, N_COMMANDS);
  g_assert_cmpuint (count_received (self->peers[0], "GET"), ==, N_COMMANDS);
  g_assert_cmpuint (n_pipelines, ==, 2);
  take_off (self->client, behind);
}

/* A command with keys, of COMMAND. */
#define ENTRY(name, arity, last, step) "*6\r\n+" name "\r\n:" arity "\r\n*1\r\n+write\r\n:1\r\n:" last "\r\n:" step "\r\n"

typedef struct
{
  const char *name; /* of a pipeline's commands, or of one that is split */
  gboolean is_pipeline;
  gboolean is_gone; /* the node that does not take its part; else it says that it is LOADING */
} InPart;

/* One node takes its part of a call, and the other does not: that is not the error of what has not run, which a plugin, or whoever
 * has called, would make again. */
static void
test_has_run_in_part (Nodes *self,
                      gconstpointer data)
{
  const InPart *part = data;
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "SET " FIRST_KEY " 1", "SET " SECOND_KEY " 1");
  g_autoptr (TornadisPlugin) cluster = g_object_ref (get_cluster_plugin (self->client));
  g_autofree char *first = make_shard (0, SECOND_SLOT - 1, port_of (self->peers[0]));
  g_autofree char *second = make_shard (SECOND_SLOT, 16383, part->is_gone ? 1 : port_of (self->peers[1]));
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (tornadis_client_remove_plugin (self->client, cluster));
  g_assert_nonnull (tornadis_client_add_plugin_by_name (self->client, "retry", NULL));
  g_assert_true (tornadis_client_add_plugin (self->client, cluster, NULL));
  for (guint i = 0; i < N_PEERS; i++)
    {
      answer (self->peers[i], "CLUSTER SHARDS", "*2\r\n%s%s", first, second);
      answer (self->peers[i], "COMMAND", "*2\r\n" ENTRY ("set", "3", "1", "1") ENTRY ("mset", "-3", "-1", "2"));
      answer (self->peers[i], part->name, i == 0 ? "+OK\r\n" : "-LOADING the data set\r\n");
    }

  if (part->is_pipeline)
    reply = call_pipeline (self->client, pipeline, NULL, &error);
  else
    reply = call (self->client, &error, part->name, FIRST_KEY, "1", SECOND_KEY, "1", NULL);
  g_assert_null (reply);
  g_assert_cmpuint (count_received (self->peers[0], part->name), ==, 1);
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_nonnull (strstr (error->message, part->is_gone ? "refused" : "LOADING"));
}

/* Transactions by hand. */

typedef struct
{
  TornadisClient *client;  /* (unowned) */
  TornadisPlugin *cluster; /* (unowned) (nullable) that is removed from it; NULL: MULTI is refused */
} Refusing;

static gboolean
refuse_multi_hook (HookPlugin *self,
                   Hook hook,
                   TornadisClient *client,
                   TornadisCall *call)
{
  const Refusing *refusing = self->data;
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "no room");

  if (hook != CALL || refusing == NULL || !g_str_equal (tornadis_call_get_name (call), "MULTI"))
    return FALSE;

  self->data = NULL;
  if (refusing->cluster != NULL)
    g_assert_true (tornadis_client_remove_plugin (refusing->client, refusing->cluster));
  else
    tornadis_call_return_error (call, error);

  return refusing->cluster == NULL;
}

/* No node was there for MULTI when it was called; when there is one a plugin refuses it, or removes this one. What is called
 * in the transaction is not sent without it. */
static void
test_multi_refused (Nodes *self,
                    gconstpointer data)
{
  gboolean removes = GPOINTER_TO_INT (data);
  Refusing refusing = { .client = self->client, .cluster = removes ? get_cluster_plugin (self->client) : NULL };
  HookPlugin *behind = add_calling (self->client, "b", refuse_multi_hook, NULL);

  assert_both (self);
  behind->data = &refusing;
  assert_line (self->client, "MULTI", "OK");
  assert_refused (self->client, "SET " FIRST_KEY " 1", removes ? TORNADIS_ERROR_CLOSED : TORNADIS_ERROR_LOST, "SET: ");
  g_assert_null (behind->data);
  g_assert_false (tornadis_client_is_in_transaction (self->client));
  g_assert_cmpuint (count_received (self->peers[0], "SET"), ==, 0);
  if (!removes)
    assert_both (self);
  take_off (self->client, behind);
}

/* A MULTI that was refused has begun nothing: it is still only watched. */
static void
test_multi_refused_behind_watch (Nodes *self,
                                 gconstpointer data)
{
  Refusing refusing = { .client = self->client };
  HookPlugin *behind = add_calling (self->client, "b", refuse_multi_hook, NULL);

  for (guint i = 0; i < N_PEERS; i++)
    {
      answer (self->peers[i], "WATCH", "+OK\r\n");
      answer (self->peers[i], "UNWATCH", "+OK\r\n");
    }
  assert_both (self);
  behind->data = &refusing;
  assert_line (self->client, "WATCH " FIRST_KEY, "OK");
  assert_refused (self->client, "MULTI", TORNADIS_ERROR_BUSY, "no room");
  g_assert_null (behind->data);
  g_assert_true (tornadis_client_is_in_transaction (self->client));
  assert_both (self);
  assert_line (self->client, "UNWATCH", "OK");
  g_assert_false (tornadis_client_is_in_transaction (self->client));
  assert_both (self);
  take_off (self->client, behind);
}

/* The cluster says that the first node has failed, and that the other has its slots too. Who hears of it is another client. */
static void
give_up_first (Nodes *self,
               TornadisClient *other)
{
  g_autofree char *failed = make_node (port_of (self->peers[0]), "master", "fail");
  g_autofree char *heir = make_node (port_of (self->peers[1]), "master", "online");
  Told told = { NULL };
  guint64 before = get_count (get_cluster_plugin (self->client), "refreshes");

  for (guint i = 0; i < N_PEERS; i++)
    answer (self->peers[i], "CLUSTER SHARDS", "*1\r\n*4\r\n+slots\r\n*2\r\n:0\r\n:16383\r\n+nodes\r\n*2\r\n%s%s", failed, heir);
  make_it_look (self, other, &told);
  wait_for_calls (&told.calls);
  wait_until (get_count (get_cluster_plugin (self->client), "refreshes") > before);
  spin_for (10);
  calls_clear (&told.calls);
}

typedef struct
{
  GString *outcomes; /* (owned) the codes of errors */
  guint n_ended;
} Outcomes;

static void
outcome_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  Outcomes *self = user_data;

  self->n_ended++;
  g_string_append_printf (self->outcomes, "%s ", error == NULL ? "ok" : error->code == TORNADIS_ERROR_LOST ? "lost"
                                                                                                           : error->message);
}

/* The node of a transaction is given up. What was called for it before anybody knew of that is lost up to EXEC. */
static void
test_given_up (Nodes *self,
               gconstpointer data)
{
  gboolean by_watch = GPOINTER_TO_INT (data);
  const char *const lines[] = { by_watch ? "MULTI" : "SET " FIRST_KEY " 2", "SET " FIRST_KEY " 3", "SET " FIRST_KEY " 4", "EXEC" };
  TornadisClient *other = tornadis_client_new ("127.0.0.1", 1);
  g_autoptr (GString) texts = g_string_new (NULL);
  Outcomes outcomes = { texts, 0 };

  g_assert_true (tornadis_client_add_plugin (other, get_cluster_plugin (self->client), NULL));
  for (guint i = 0; i < N_PEERS; i++)
    {
      answer (self->peers[i], "COMMAND", "*3\r\n" ENTRY ("get", "2", "1", "1") ENTRY ("set", "3", "1", "1") ENTRY ("watch", "-2", "-1", "1"));
      answer (self->peers[i], "WATCH", "+OK\r\n");
      answer (self->peers[i], "MULTI", "+OK\r\n");
      answer (self->peers[i], "SET", i == 0 ? "+QUEUED\r\n" : "+OK\r\n");
    }
  if (by_watch)
    {
      assert_line (self->client, "WATCH " FIRST_KEY, "OK");
    }
  else
    {
      assert_line (self->client, "MULTI", "OK");
      assert_line (self->client, "SET " FIRST_KEY " 1", "QUEUED");
    }
  give_up_first (self, other);
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (TornadisCommand) command = make_command (lines[i]);

      tornadis_client_submit (self->client, command, outcome_cb, &outcomes, NULL);
    }
  wait_until (outcomes.n_ended == G_N_ELEMENTS (lines));
  g_assert_cmpstr (texts->str, ==, "lost lost lost lost ");
  g_assert_cmpuint (count_received (self->peers[1], "SET"), ==, 0);
  g_assert_false (tornadis_client_is_in_transaction (self->client));
  assert_line (self->client, "SET " FIRST_KEY " 5", "OK");
  assert_client_finalized (other);
}

#define ADD(path, options, function) g_test_add (path, Nodes, options, nodes_set_up, function, nodes_tear_down)

static void
nodes_set_up_patiently (Nodes *self,
                        gconstpointer data)
{
  nodes_set_up (self, "failover-timeout-msec=60000");
}

static void
nodes_set_up_plainly (Nodes *self,
                      gconstpointer data)
{
  nodes_set_up (self, NULL);
}

int
main (int argc,
      char **argv)
{
  static const InPart loading = { "MSET", FALSE, FALSE }, gone = { "MSET", FALSE, TRUE }, gone_of_pipeline = { "SET", TRUE, TRUE };

  g_test_init (&argc, &argv, NULL);

  ADD ("/cluster-parts/told-by-another", "failover-timeout-msec=100", test_told_by_another);
  ADD ("/cluster-parts/removed-when-nodes-leave", "failover-timeout-msec=100", test_removed_when_nodes_leave);
  g_test_add ("/cluster-parts/order", Nodes, "-CLUSTERDOWN The cluster is down\r\n", nodes_set_up_patiently, test_order, nodes_tear_down);
  g_test_add ("/cluster-parts/order-of-loading", Nodes, "-LOADING the data set\r\n", nodes_set_up_patiently, test_order, nodes_tear_down);
  g_test_add ("/cluster-parts/waiting-counts", Nodes, NULL, nodes_set_up_patiently, test_waiting_counts, nodes_tear_down);
  g_test_add ("/cluster-parts/waiting-given-up", Nodes, NULL, nodes_set_up_patiently, test_waiting_given_up, nodes_tear_down);
  ADD ("/cluster-parts/replica-gone", "read-from=replica&failover-timeout-msec=60000", test_replica_gone);
  g_test_add ("/cluster-parts/run-in-part-by-loading", Nodes, &loading, nodes_set_up_plainly, test_has_run_in_part, nodes_tear_down);
  g_test_add ("/cluster-parts/run-in-part-by-gone", Nodes, &gone, nodes_set_up_plainly, test_has_run_in_part, nodes_tear_down);
  g_test_add ("/cluster-parts/run-in-part-by-gone-of-pipeline", Nodes, &gone_of_pipeline, nodes_set_up_plainly, test_has_run_in_part,
              nodes_tear_down);
  g_test_add ("/cluster-parts/multi-refused", Nodes, NULL, nodes_set_up_plainly, test_multi_refused, nodes_tear_down);
  g_test_add ("/cluster-parts/multi-removes", Nodes, GINT_TO_POINTER (TRUE), nodes_set_up_plainly, test_multi_refused, nodes_tear_down);
  ADD ("/cluster-parts/multi-refused-behind-watch", NULL, test_multi_refused_behind_watch);
  g_test_add ("/cluster-parts/given-up-in-multi", Nodes, NULL, nodes_set_up_plainly, test_given_up, nodes_tear_down);
  g_test_add ("/cluster-parts/given-up-while-watched", Nodes, GINT_TO_POINTER (TRUE), nodes_set_up_plainly, test_given_up, nodes_tear_down);

  return g_test_run ();
}
