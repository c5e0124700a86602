/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client of a cluster as an application has it: its connection, how its calls end, other plugins, pools, who is read from. */

#include "plugins/cluster-util.h"

#include <string.h>

#include "integration/util.h"
#include "plugins/gauge.h"
#include "plugins/util.h"

static TornadisClientState
get_state (TornadisClient *client)
{
  TornadisClientState state;

  g_object_get (client, "state", &state, NULL);
  return state;
}

static void
count_cb (guint *n)
{
  ++*n;
}

/* It says so once, however many nodes it is connected to. */
static void
test_connect (Scene *scene,
              gconstpointer data)
{
  guint n_connected = 0, n_disconnected = 0;
  g_autoptr (GError) error = NULL;

  g_signal_connect_swapped (scene->client, "notify::connected", G_CALLBACK (count_cb), &n_connected);
  g_signal_connect_swapped (scene->client, "disconnected", G_CALLBACK (count_cb), &n_disconnected);
  g_assert_cmpint (get_state (scene->client), ==, TORNADIS_CLIENT_STATE_DISCONNECTED);
  g_assert_true (connect_and_wait (scene->client, &error));
  g_assert_no_error (error);
  g_assert_true (tornadis_client_is_connected (scene->client));
  g_assert_cmpint (get_state (scene->client), ==, TORNADIS_CLIENT_STATE_CONNECTED);
  for (guint i = 0; i < N_MASTERS; i++)
    assert_call (scene->client, "(nil)", "GET", scene->keys[i], NULL);
  g_assert_cmpuint (n_connected, ==, 1);

  tornadis_client_close (scene->client);
  g_assert_false (tornadis_client_is_connected (scene->client));
  g_assert_cmpuint (n_connected, ==, 2);
  g_assert_cmpuint (n_disconnected, ==, 1);
  assert_call (scene->client, "(nil)", "GET", scene->keys[0], NULL);
  g_assert_true (tornadis_client_is_connected (scene->client));
  g_assert_cmpuint (n_connected, ==, 3);
}

static void
test_without_autoconnect (Scene *scene,
                          gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_object_set (scene->client, "autoconnect", FALSE, NULL);
  assert_refused (scene->client, "GET k", TORNADIS_ERROR_CLOSED, "not connected");
  g_assert_true (connect_and_wait (scene->client, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < N_MASTERS; i++)
    assert_call (scene->client, "(nil)", "GET", scene->keys[i], NULL);
  tornadis_client_close (scene->client);
  assert_refused (scene->client, "GET k", TORNADIS_ERROR_CLOSED, "not connected");
}

/* All ways in, of clients and of pools. */
static void
test_ways (Scene *scene,
           gconstpointer data)
{
  for (Way way = WAY_CONNECT; way < N_WAYS; way++)
    {
      g_autoptr (TornadisClient) client = make_cluster_client (scene->cluster, NULL);
      g_autoptr (GError) error = NULL;

      connect_by (way, client, &error);
      g_assert_no_error (error);
    }
}

/* Nobody listens on any of the seeds: all ways in say so. */
static void
test_no_cluster (Scene *scene,
                 gconstpointer data)
{
  for (Way way = WAY_CONNECT; way < N_WAYS; way++)
    {
      g_autoptr (TornadisClient) client = tornadis_client_new_for_uri ("redis-cluster://127.0.0.1:1,127.0.0.1:2", NULL);
      g_autoptr (GError) error = NULL;

      g_assert_false (connect_by (way, client, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
      g_assert_false (tornadis_client_is_connected (client));
    }
}

static void
kill_clients (Scene *scene)
{
  for (guint i = 0; i < 2 * N_MASTERS; i++)
    {
      g_autofree char *killed G_GNUC_UNUSED = node_command (scene->cluster, i, "CLIENT KILL TYPE normal");
    }
}

/* The connection is lost with the last one to a node. */
static void
test_disconnected (Scene *scene,
                   gconstpointer data)
{
  guint n = 0;
  g_autofree char *killed = NULL;

  g_signal_connect_swapped (scene->client, "disconnected", G_CALLBACK (count_cb), &n);
  for (guint i = 0; i < N_MASTERS; i++)
    assert_call (scene->client, "(nil)", "GET", scene->keys[i], NULL);

  killed = node_command (scene->cluster, 0, "CLIENT KILL TYPE normal");
  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autoptr (TornadisReply) reply G_GNUC_UNUSED = call (scene->client, NULL, "GET", scene->keys[i], NULL);
    }
  g_assert_cmpuint (n, ==, 0);
  g_assert_true (tornadis_client_is_connected (scene->client));

  kill_clients (scene);
  wait_until (n >= 1);
  g_assert_false (tornadis_client_is_connected (scene->client));
  for (guint i = 0; i < N_MASTERS; i++)
    assert_call (scene->client, "(nil)", "GET", scene->keys[i], NULL);
}

/* Closing ends every call that is under way, of all nodes and of several; what was written may have run. */
static void
test_close_under_way (Scene *scene,
                      gconstpointer data)
{
  Tally tally = { 0 };
  TornadisHarnessRedis *node = tornadis_harness_cluster_get_node (scene->cluster, 1);
  g_autofree char *set = g_strdup_printf ("SET %s 1", scene->keys[1]);
  g_autofree char *mget = g_strdup_printf ("MGET %s %s", scene->keys[0], scene->keys[1]);
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, set, mget, "DBSIZE");
  g_autoptr (TornadisPipeline) atomic = PIPELINE (TRUE, set);
  g_autoptr (TornadisCommand) size = tornadis_command_new ("DBSIZE");

  assert_call (scene->client, "(integer) 0", "EXISTS", scene->keys[0], scene->keys[1], scene->keys[2], NULL);
  tornadis_harness_redis_pause (node);
  tally.n_expected = 1;
  tornadis_client_submit (scene->client, size, tally_count_cb, &tally, NULL);
  tally_submit_pipeline (&tally, scene->client, pipeline);
  tally_submit_pipeline (&tally, scene->client, atomic);
  /* What the other nodes answer is not waited for. */
  tornadis_client_close (scene->client);
  tally_wait (&tally);
  tornadis_harness_redis_resume (node);
  g_assert_cmpuint (tally.ok, ==, 0);
  g_assert_cmpuint (tally.lost + tally.other, ==, 3);
  g_assert_cmpuint (tally.busy, ==, 0);
  assert_call (scene->client, "(nil)", "GET", scene->keys[0], NULL);
}

static void
cancelled_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply G_GNUC_UNUSED = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);

  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ++*(guint *) user_data;
}

/* What has come before it is cancelled is the caller's. */
static void
answered_or_cancelled_cb (GObject *object,
                          GAsyncResult *result,
                          gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);

  if (reply == NULL)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ++*(guint *) user_data;
}

/* Before the cluster is known, and while nodes are asked: of one node, of all, of a command that is split. */
static void
test_cancel (Scene *scene,
             gconstpointer data)
{
  const char *const get[] = { "GET", scene->keys[1], NULL };
  const char *const mget[] = { "MGET", scene->keys[0], scene->keys[1], NULL };
  const char *const size[] = { "DBSIZE", NULL };
  const char *const scan[] = { "SCAN", "0", NULL };
  const char *const *const all[] = { get, mget, size, scan };
  guint n = 0;

  for (guint known = 0; known < 2; known++)
    for (guint paused = 0; paused <= known; paused++)
      {
        g_autoptr (GCancellable) cancellable = g_cancellable_new ();
        GAsyncReadyCallback callback = known && !paused ? answered_or_cancelled_cb : cancelled_cb;

        for (guint i = 0; paused && i < N_MASTERS; i++)
          tornadis_harness_redis_pause (tornadis_harness_cluster_get_node (scene->cluster, i));
        n = 0;
        for (gsize i = 0; i < G_N_ELEMENTS (all); i++)
          {
            g_autoptr (TornadisCommand) command = tornadis_command_new_strv (all[i]);

            tornadis_client_call_async (scene->client, command, cancellable, callback, &n);
          }
        if (paused)
          spin_for (10);
        g_cancellable_cancel (cancellable);
        wait_until (n == G_N_ELEMENTS (all));
        for (guint i = 0; paused && i < N_MASTERS; i++)
          tornadis_harness_redis_resume (tornadis_harness_cluster_get_node (scene->cluster, i));
        assert_call (scene->client, "1) (nil)\n2) (nil)", "MGET", scene->keys[0], scene->keys[1], NULL);
      }
}

/* It counts over everything that is done for the call. */
static void
test_call_timeout (Scene *scene,
                   gconstpointer data)
{
  g_autofree char *get = g_strdup_printf ("GET %s", scene->keys[1]);
  g_autofree char *mget = g_strdup_printf ("MGET %s %s", scene->keys[0], scene->keys[1]);
  const char *const lines[] = { get, mget, "DBSIZE", "KEYS *" };
  TornadisHarnessRedis *node = tornadis_harness_cluster_get_node (scene->cluster, 1);

  assert_line (scene->client, "DBSIZE", "(integer) 0");
  g_object_set (scene->client, "call-timeout-msec", 50, NULL);
  tornadis_harness_redis_pause (node);
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    assert_refused (scene->client, lines[i], TORNADIS_ERROR_TIMEOUT, "");
  tornadis_harness_redis_resume (node);
  g_object_set (scene->client, "call-timeout-msec", 0, NULL);
  for (gsize i = 0; i < 2; i++)
    assert_line (scene->client, lines[i], i == 0 ? "(nil)" : "1) (nil)\n2) (nil)");
}

/* What is before it sees the application's calls, what is behind it those of the nodes. */
static void
test_plugins (Scene *scene,
              gconstpointer data)
{
  g_autofree char *uri = make_cluster_uri (scene->cluster, NULL);
  g_autofree char *option = g_strconcat ("uri=", uri, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisPlugin) plugin =
    tornadis_plugin_new_with_options ("cluster", (const char *const[]){ option, NULL }, &error);
  g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", 1);
  Gauge *before = gauge_new ();
  Gauge *behind = gauge_new ();
  Gauge *late = gauge_new ();

  g_assert_no_error (error);
  gauge_add (before, client);
  g_assert_true (tornadis_client_add_plugin (client, plugin, &error));
  gauge_add (behind, client);

  assert_call (client, "OK", "MSET", scene->keys[0], "a", scene->keys[1], "b", scene->keys[2], "c", NULL);
  assert_call (client, "\"a\"", "GET", scene->keys[0], NULL);
  g_assert_cmpuint (before->calls, ==, 2);
  g_assert_cmpuint (behind->calls, ==, N_MASTERS + 1);

  /* Those that come and go later are on and off all nodes. */
  gauge_add (late, client);
  assert_call (client, "1) \"c\"\n2) \"a\"", "MGET", scene->keys[2], scene->keys[0], NULL);
  g_assert_cmpuint (before->calls, ==, 3);
  g_assert_cmpuint (behind->calls, ==, N_MASTERS + 3);
  g_assert_cmpuint (late->calls, ==, 2);
  gauge_take_off (behind, client);
  assert_call (client, "(integer) 3", "DBSIZE", NULL);
  g_assert_cmpuint (behind->calls, ==, N_MASTERS + 3);
  g_assert_cmpuint (late->calls, ==, 2 + N_MASTERS);
  g_assert_cmpuint (before->n + behind->n + late->n, ==, 0);

  gauge_take_off (late, client);
  gauge_take_off (before, client);
  assert_finalized (before);
  assert_finalized (behind);
  assert_finalized (late);
}

/* A prefix of keys before it: the slots are those of what is sent. Metrics behind it: of each node. */
static void
test_other_plugins (Scene *scene,
                    gconstpointer data)
{
  g_autofree char *uri = make_cluster_uri (scene->cluster, "plugins=key-prefix,cluster,metrics&key-prefix.prefix=p:");
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri_full (uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < 30; i++)
    {
      g_autofree char *key = g_strdup_printf ("k%u", i);

      assert_call (client, "OK", "SET", key, key, NULL);
    }
  for (guint i = 0; i < 30; i++)
    {
      g_autofree char *key = g_strdup_printf ("p:k%u", i);
      g_autofree char *text = g_strdup_printf ("\"k%u\"", i);

      assert_call (scene->client, text, "GET", key, NULL);
    }
}

/* With calls under way: each ends. */
static void
test_removed (Scene *scene,
              gconstpointer data)
{
  for (guint known = 0; known < 2; known++)
    {
      g_autoptr (TornadisClient) client = make_cluster_client (scene->cluster, NULL);
      g_autoptr (TornadisPlugin) plugin = g_object_ref (get_cluster_plugin (client));
      g_autofree char *mget = g_strdup_printf ("MGET %s %s", scene->keys[0], scene->keys[1]);
      g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, mget, "DBSIZE", mget);
      Tally tally = { 0 };

      /* What was not written then goes where the client itself leads to. */
      g_object_set (client, "host", "127.0.0.1", "port", 1, NULL);
      if (known)
        assert_call (client, "(integer) 0", "DBSIZE", NULL);
      for (guint i = 0; i < 20; i++)
        tally_submit (&tally, client, "GET", i);
      tally_submit_pipeline (&tally, client, pipeline);
      g_assert_true (tornadis_client_remove_plugin (client, plugin));
      tally_wait (&tally);
      g_assert_cmpuint (tally.busy, ==, 0);
      assert_finalized (g_steal_pointer (&plugin));
      assert_client_finalized (g_steal_pointer (&client));
    }
}

/* Nobody holds the client any more but its calls. */
static void
test_dropped (Scene *scene,
              gconstpointer data)
{
  for (guint known = 0; known < 2; known++)
    {
      TornadisClient *client = make_cluster_client (scene->cluster, NULL);
      g_autofree char *mget = g_strdup_printf ("MGET %s %s", scene->keys[0], scene->keys[1]);
      g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, mget, "DBSIZE", mget);
      Tally tally = { 0 };

      if (known)
        assert_call (client, "(integer) 0", "DBSIZE", NULL);
      for (guint i = 0; i < 20; i++)
        tally_submit (&tally, client, "GET", i);
      tally_submit_pipeline (&tally, client, pipeline);
      g_object_add_weak_pointer (G_OBJECT (client), (gpointer *) &client);
      g_object_unref (client);
      tally_wait (&tally);
      wait_until (client == NULL);
      g_assert_cmpuint (tally.busy, ==, 0);
    }
}

/* Each client of a pool has its own connections; what they know of the cluster is one. */
static void
test_pool (Scene *scene,
           gconstpointer data)
{
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (scene->client);
  TornadisClient *clients[3];
  guint64 refreshes;
  Tally tally = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      clients[i] = assert_take (pool);
      assert_call (clients[i], "(integer) 0", "DBSIZE", NULL);
    }
  g_object_get (get_cluster_plugin (clients[0]), "refreshes", &refreshes, NULL);
  g_assert_cmpuint (refreshes, ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      tornadis_client_pool_release_client (pool, clients[i]);
      g_object_unref (clients[i]);
    }

  for (guint i = 0; i < 50; i++)
    tally_submit_to_pool (&tally, pool, "INCR", i % 10);
  tally_wait (&tally);
  g_assert_cmpuint (tally.ok, ==, 50);
  assert_call (scene->client, "(integer) 10", "DBSIZE", NULL);
  tornadis_client_pool_destroy (pool);
}

/* One waits, the others go on; on a pool's client, as ever. */
static void
test_blocking (Scene *scene,
               gconstpointer data)
{
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (scene->client);

  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autoptr (TornadisClient) client = assert_take (pool);
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "BLPOP", scene->keys[i], "0", NULL });
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (TornadisReply) reply = NULL;
      g_autoptr (GError) error = NULL;

      tornadis_client_call_async (client, command, NULL, store_result, &result);
      wait_until (count_blocked (tornadis_harness_cluster_get_node (scene->cluster, i)) == 1);
      assert_call (scene->client, "(integer) 1", "RPUSH", scene->keys[i], "value", NULL);
      reply = tornadis_client_call_finish (client, wait_for_result (&result), &error);
      g_assert_no_error (error);
      g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (reply, 0)), ==, scene->keys[i]);
      tornadis_client_pool_release_client (pool, client);
    }
  tornadis_client_pool_destroy (pool);
}

/* Channels are those of any node. */
static void
test_pub_sub (Scene *scene,
              gconstpointer data)
{
  g_autofree char *uri = make_cluster_uri (scene->cluster, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisPubSubClient) listener = tornadis_pub_sub_client_new_for_uri (uri, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GAsyncResult) subscribed = NULL;
      g_autoptr (TornadisMessage) message = NULL;

      tornadis_pub_sub_client_subscribe_async (listener, (const char *[]){ "news", NULL }, NULL, store_result, &subscribed);
      g_assert_true (tornadis_pub_sub_client_subscribe_finish (listener, wait_for_result (&subscribed), &error));
      g_assert_no_error (error);
      assert_call (scene->client, "1) \"news\"\n2) (integer) 1", "PUBSUB", "NUMSUB", "news", NULL);
      {
        g_autofree char *n G_GNUC_UNUSED = call_text (scene->client, "PUBLISH", "news", "text", NULL);
      }
      message = pop_message (listener);
      tornadis_client_close (TORNADIS_CLIENT (listener));
      wait_until (count_calls_of_all (scene->cluster, "subscribe") > i);
    }
}

/* Reads go where the URI says, and only they. */
static void
test_read_from (Scene *scene,
                gconstpointer data)
{
  guint before[2 * N_MASTERS], n_masters = 0, n_replicas = 0;
  gboolean only_replicas = g_str_equal (data, "read-from=replica");
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *waited = NULL;

      assert_call (scene->client, "OK", "SET", scene->keys[i], scene->keys[i], NULL);
      waited = node_command (scene->cluster, i, "WAIT 1 0");
    }
  for (guint i = 0; i < 2 * N_MASTERS; i++)
    before[i] = count_calls (tornadis_harness_cluster_get_node (scene->cluster, i), "get");

  for (guint i = 0; i < 60; i++)
    {
      g_autofree char *text = g_strdup_printf ("\"%s\"", scene->keys[i % N_MASTERS]);

      assert_call (scene->client, text, "GET", scene->keys[i % N_MASTERS], NULL);
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", scene->keys[i % N_MASTERS], NULL });
    }
  replies = call_pipeline (scene->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 60; i++)
    g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (replies, i)), ==, scene->keys[i % N_MASTERS]);

  for (guint i = 0; i < 2 * N_MASTERS; i++)
    {
      guint n = count_calls (tornadis_harness_cluster_get_node (scene->cluster, i), "get") - before[i];

      *(i < N_MASTERS ? &n_masters : &n_replicas) += n;
      if (i >= N_MASTERS)
        g_assert_cmpuint (n, >, 0);
    }
  g_assert_cmpuint (n_masters + n_replicas, ==, 120);
  g_assert_true (only_replicas == (n_masters == 0));
  g_assert_cmpuint (get_redirects (scene->client), ==, 0);

  /* A transaction is one of the master, and so is a script that may write. */
  assert_call (scene->client, "\"1\"", "EVAL", "redis.call('SET',KEYS[1],1) return redis.call('GET',KEYS[1])", "1",
               scene->keys[0], NULL);
  assert_call (scene->client, "OK", "MULTI", NULL);
  assert_call (scene->client, "QUEUED", "GET", scene->keys[0], NULL);
  assert_call (scene->client, "1) \"1\"", "EXEC", NULL);
  g_assert_cmpuint (get_redirects (scene->client), ==, 0);
}

/* Valkey 8 says of its zone to those who are connected to it. Where nobody is in any, replicas are read from. */
static void
test_read_from_zone (Scene *scene,
                     gconstpointer data)
{
  static const char *const zones[] = { "of-masters", "of-replicas" };
  gboolean is_valkey;

  get_server_version (tornadis_harness_cluster_get_node (scene->cluster, 0), &is_valkey);
  for (guint i = 0; i < 2 * N_MASTERS && is_valkey; i++)
    {
      g_autofree char *done G_GNUC_UNUSED =
        node_command (scene->cluster, i, "CONFIG SET availability-zone %s", zones[i / N_MASTERS]);
    }

  for (guint zone = 0; zone < G_N_ELEMENTS (zones); zone++)
    {
      g_autofree char *options = g_strconcat ("read-from=az:", zones[zone], NULL);
      g_autoptr (TornadisClient) client = make_cluster_client (scene->cluster, options);
      TornadisHarnessRedis *expected = tornadis_harness_cluster_get_node (scene->cluster, is_valkey ? zone * N_MASTERS : N_MASTERS);
      guint n_right = 0, n_calls = 0;

      while (n_right < 50 && n_calls++ < 500)
        {
          guint n = count_calls (expected, "get");

          assert_call (client, "(nil)", "GET", scene->keys[0], NULL);
          n_right = count_calls (expected, "get") > n ? n_right + 1 : 0;
        }
      g_assert_cmpuint (n_right, ==, 50);
    }
}

static void
test_bad_uris (Scene *scene,
               gconstpointer data)
{
  static const char *const uris[] = {
    "redis-cluster://127.0.0.1:1?read-from=nobody",
    "redis-cluster://127.0.0.1:1?read-from=az:",
    "redis-cluster://127.0.0.1:1/name",
    "redis-cluster://127.0.0.1:1/0/1",
    "redis-cluster://127.0.0.1:1/0?db=1",
    "redis-cluster://127.0.0.1:1/1?db=0",
    "redis-cluster://127.0.0.1:0",
    "redis-cluster://h,,i",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisClient) client = tornadis_client_new_for_uri (uris[i], &error);

      if (client != NULL)
        g_error ("%s is one", uris[i]);
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
    }
}

#define ADD_WITH(path, options, function) g_test_add (path, Scene, options, scene_set_up, function, scene_tear_down)
#define ADD(path, function) ADD_WITH (path, NULL, function)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/cluster-connect/connect", test_connect);
  ADD ("/cluster-connect/without-autoconnect", test_without_autoconnect);
  ADD ("/cluster-connect/ways", test_ways);
  ADD ("/cluster-connect/no-cluster", test_no_cluster);
  ADD ("/cluster-connect/disconnected", test_disconnected);
  ADD ("/cluster-connect/close-under-way", test_close_under_way);
  ADD ("/cluster-connect/cancel", test_cancel);
  ADD ("/cluster-connect/call-timeout", test_call_timeout);
  ADD ("/cluster-connect/plugins", test_plugins);
  ADD ("/cluster-connect/other-plugins", test_other_plugins);
  ADD ("/cluster-connect/removed", test_removed);
  ADD ("/cluster-connect/dropped", test_dropped);
  ADD ("/cluster-connect/pool", test_pool);
  ADD ("/cluster-connect/blocking", test_blocking);
  ADD ("/cluster-connect/pub-sub", test_pub_sub);
  ADD_WITH ("/cluster-connect/read-from-replica", "read-from=replica", test_read_from);
  ADD_WITH ("/cluster-connect/read-from-any", "read-from=any", test_read_from);
  ADD ("/cluster-connect/read-from-zone", test_read_from_zone);
  ADD ("/cluster-connect/bad-uris", test_bad_uris);

  return run_with_cluster (NULL);
}
