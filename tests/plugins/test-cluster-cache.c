/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plugin cache behind the plugin cluster: what is kept of each node, and what becomes of it when slots move, connections are
 * lost and masters change. */

#include "plugins/cluster-util.h"

#include <string.h>

#include "integration/util.h"
#include "plugins/util.h"

#define PLUGINS "plugins=cluster,cache"

/* One client with a cache, and that of the scene, which writes what others write. */
typedef struct
{
  Scene scene;
  TornadisClient *client;
  TornadisPlugin *cache; /* (unowned) */
} CacheScene;

static TornadisPlugin *
get_plugin (TornadisClient *client,
            guint i)
{
  g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (tornadis_client_get_plugins (client), i);

  return plugin;
}

static void
cache_set_up (CacheScene *self,
              gconstpointer options)
{
  g_autofree char *uri = NULL;
  g_autoptr (GError) error = NULL;

  scene_set_up (&self->scene, NULL);
  uri = make_cluster_uri (self->scene.cluster, options);
  self->client = tornadis_client_new_for_uri_full (uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);
  g_assert_no_error (error);
  self->cache = get_plugin (self->client, 1);
}

static void
cache_tear_down (CacheScene *self,
                 gconstpointer options)
{
  tornadis_client_close (self->client);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_client_finalized (self->client);
  scene_tear_down (&self->scene, options);
}

/* Every master is connected, and announces changes. */
static void
warm_up (CacheScene *self)
{
  g_autofree char *problem = NULL;

  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *text G_GNUC_UNUSED = call_text (self->client, "TYPE", self->scene.keys[i], NULL);
    }
  wait_until (get_count (self->cache, "connections") == N_MASTERS);
  g_object_get (self->cache, "problem", &problem, NULL);
  g_assert_cmpstr (problem, ==, NULL);
  g_signal_emit_by_name (self->cache, "clear");
}

/* What the call answers, from memory or not. */
static void
assert_get (CacheScene *self,
            const char *key,
            const char *expected,
            gboolean from_memory)
{
  guint64 hits = get_count (self->cache, "hits");

  assert_call (self->client, expected, "GET", key, NULL);
  g_assert_cmpuint (get_count (self->cache, "hits") - hits, ==, from_memory ? 1 : 0);
}

static void
set_by_other (CacheScene *self,
              const char *key,
              const char *value)
{
  assert_call (self->scene.client, "OK", "SET", key, value, NULL);
}

/* Each node announces changes of its keys, on its own connection. */
static void
test_nodes (CacheScene *self,
            gconstpointer options)
{
  warm_up (self);
  for (guint i = 0; i < N_MASTERS; i++)
    {
      set_by_other (self, self->scene.keys[i], "old");
      assert_get (self, self->scene.keys[i], "\"old\"", FALSE);
      assert_get (self, self->scene.keys[i], "\"old\"", TRUE);
    }
  g_assert_cmpuint (get_count (self->cache, "entries"), ==, N_MASTERS);

  for (guint i = 0; i < N_MASTERS; i++)
    {
      guint64 invalidations = get_count (self->cache, "invalidations");

      set_by_other (self, self->scene.keys[i], "new");
      wait_until (get_count (self->cache, "invalidations") > invalidations);
      g_assert_cmpuint (get_count (self->cache, "entries"), ==, N_MASTERS - 1);
      assert_get (self, self->scene.keys[i], "\"new\"", FALSE);
      assert_get (self, self->scene.keys[i], "\"new\"", TRUE);
    }
  g_assert_cmpuint (get_count (self->cache, "connections"), ==, N_MASTERS);

  /* What the program writes itself is known at once. */
  assert_call (self->client, "OK", "SET", self->scene.keys[1], "own", NULL);
  assert_get (self, self->scene.keys[1], "\"own\"", FALSE);
}

/* Of a command that is split the parts are kept. */
static void
test_split (CacheScene *self,
            gconstpointer options)
{
  const char *const *keys = (const char *const *) self->scene.keys;
  guint64 hits;

  warm_up (self);
  assert_call (self->scene.client, "OK", "MSET", keys[0], "a", keys[1], "b", keys[2], "c", NULL);
  assert_call (self->client, "1) \"a\"\n2) \"b\"", "MGET", keys[0], keys[1], NULL);
  hits = get_count (self->cache, "hits");
  assert_call (self->client, "1) \"c\"\n2) \"b\"\n3) \"a\"", "MGET", keys[2], keys[1], keys[0], NULL);
  g_assert_cmpuint (get_count (self->cache, "hits"), ==, hits + 2);
  set_by_other (self, keys[1], "new");
  wait_until (get_count (self->cache, "entries") == 2);
  assert_call (self->client, "1) \"c\"\n2) \"new\"\n3) \"a\"", "MGET", keys[2], keys[1], keys[0], NULL);
  g_assert_cmpuint (get_count (self->cache, "hits"), ==, hits + 4);
}

/* With the connection of a node goes what it has said. */
static void
test_lost_link (CacheScene *self,
                gconstpointer options)
{
  warm_up (self);
  for (guint i = 0; i < N_MASTERS; i++)
    assert_get (self, self->scene.keys[i], "(nil)", FALSE);
  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *killed G_GNUC_UNUSED = NULL;

      warm_up (self);
      assert_get (self, self->scene.keys[i], "(nil)", FALSE);
      assert_get (self, self->scene.keys[i], "(nil)", TRUE);
      killed = node_command (self->scene.cluster, i, "CLIENT KILL TYPE normal");
      wait_until (get_count (self->cache, "connections") == N_MASTERS - 1);
      g_assert_cmpuint (get_count (self->cache, "entries"), ==, 0);
      {
        g_autoptr (TornadisReply) reply G_GNUC_UNUSED = call (self->scene.client, NULL, "GET", self->scene.keys[i], NULL);
      }
      set_by_other (self, self->scene.keys[i], "new");
      assert_get (self, self->scene.keys[i], "\"new\"", FALSE);
      assert_call (self->scene.client, "(integer) 1", "DEL", self->scene.keys[i], NULL);
    }
}

/* A slot goes to another node and comes back. Nobody announces that a key which was not there was made at the new one: what is
 * kept goes as soon as the client hears of the move, by any key of the slot. */
static void
test_slot_moves (CacheScene *self,
                 gconstpointer options)
{
  g_autofree char *there = g_strdup_printf ("{%s}there", self->scene.keys[1]);
  g_autofree char *absent = g_strdup_printf ("{%s}absent", self->scene.keys[1]);
  g_autofree char *third = g_strdup_printf ("{%s}third", self->scene.keys[1]);
  int slot = tornadis_harness_cluster_find_slot (self->scene.cluster, there, NULL);

  warm_up (self);
  set_by_other (self, there, "old");
  for (guint round = 0; round < 2; round++)
    {
      guint to = round == 0 ? 2 : 1;

      assert_get (self, there, "\"old\"", FALSE);
      assert_get (self, there, "\"old\"", TRUE);
      assert_get (self, absent, "(nil)", FALSE);
      assert_get (self, absent, "(nil)", TRUE);
      assert_done (tornadis_harness_cluster_migrate_slot, self->scene.cluster, (guint) slot, to);
      set_by_other (self, there, "new");
      set_by_other (self, absent, "new");
      assert_get (self, third, "(nil)", FALSE);
      g_assert_cmpuint (get_count (self->cache, "entries"), <=, 1);
      assert_get (self, absent, "\"new\"", FALSE);
      assert_get (self, there, "\"new\"", FALSE);
      assert_get (self, there, "\"new\"", TRUE);

      /* It is the new node that announces changes. */
      set_by_other (self, there, "newer");
      wait_until (get_count (self->cache, "entries") == 2);
      assert_get (self, there, "\"newer\"", FALSE);
      set_by_other (self, there, "old");
      assert_call (self->scene.client, "(integer) 1", "DEL", absent, NULL);
      wait_until (get_count (self->cache, "entries") == 1);
      g_signal_emit_by_name (self->cache, "clear");
    }
}

/* Of all clients that share what is known one hears of the move: a pub/sub client, or another one. */
static void
test_slot_moves_for_others (CacheScene *self,
                            gconstpointer options)
{
  g_autofree char *absent = g_strdup_printf ("{%s}absent", self->scene.keys[1]);
  g_autofree char *third = g_strdup_printf ("{%s}third", self->scene.keys[1]);
  guint slot = (guint) tornadis_harness_cluster_find_slot (self->scene.cluster, absent, NULL);
  g_autoptr (TornadisClient) other = tornadis_client_new ("localhost", 1);
  g_autoptr (TornadisPubSubClient) listener = tornadis_pub_sub_client_new ("localhost", 1);
  TornadisPlugin *cluster = get_plugin (self->client, 0);
  g_autoptr (GAsyncResult) subscribed = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (tornadis_client_add_plugin (other, cluster, &error));
  g_assert_true (tornadis_client_add_plugin (TORNADIS_CLIENT (listener), cluster, &error));
  g_assert_no_error (error);
  warm_up (self);
  for (guint round = 0; round < 2; round++)
    {
      assert_get (self, absent, "(nil)", FALSE);
      assert_get (self, absent, "(nil)", TRUE);
      assert_done (tornadis_harness_cluster_migrate_slot, self->scene.cluster, slot, round == 0 ? 2 : 1);
      set_by_other (self, absent, "new");
      if (round == 0)
        {
          assert_call (other, "(nil)", "GET", third, NULL);
        }
      else
        {
          tornadis_pub_sub_client_ssubscribe_async (listener, (const char *[]){ third, NULL }, NULL, store_result, &subscribed);
          g_assert_true (tornadis_pub_sub_client_ssubscribe_finish (listener, wait_for_result (&subscribed), &error));
          g_assert_no_error (error);
        }
      g_assert_cmpuint (get_count (self->cache, "entries"), ==, 0);
      assert_get (self, absent, "\"new\"", FALSE);
      assert_call (self->scene.client, "(integer) 1", "DEL", absent, NULL);
      wait_until (get_count (self->cache, "entries") == 0);
    }

  tornadis_client_close (TORNADIS_CLIENT (listener));
  tornadis_client_close (other);
}

/* Step by step: what has left its node is announced there, and is not kept while it is asked for with ASKING. */
static void
test_slot_moving (CacheScene *self,
                  gconstpointer options)
{
  g_autofree char *key = g_strdup_printf ("{%s}key", self->scene.keys[1]);
  guint slot = (guint) tornadis_harness_cluster_find_slot (self->scene.cluster, key, NULL);

  warm_up (self);
  set_by_other (self, key, "old");
  assert_get (self, key, "\"old\"", FALSE);
  assert_done (tornadis_harness_cluster_begin_migration, self->scene.cluster, slot, 2);
  assert_get (self, key, "\"old\"", TRUE);
  g_assert_cmpint (tornadis_harness_cluster_migrate_keys (self->scene.cluster, slot, 2, 10, NULL), ==, 1);
  wait_until (get_count (self->cache, "entries") == 0);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *value = g_strdup_printf ("%u", i);
      g_autofree char *text = g_strdup_printf ("\"%u\"", i);

      set_by_other (self, key, value);
      assert_get (self, key, text, FALSE);
    }
  assert_done (tornadis_harness_cluster_end_migration, self->scene.cluster, slot, 2);
  assert_get (self, key, "\"2\"", FALSE);
  assert_get (self, key, "\"2\"", TRUE);
  assert_done (tornadis_harness_cluster_migrate_slot, self->scene.cluster, slot, 1);
  wait_until (get_count (self->cache, "entries") == 0);
  assert_get (self, key, "\"2\"", FALSE);
}

/* It would see calls without a connection. */
static void
test_before (CacheScene *self,
             gconstpointer options)
{
  g_autofree char *uri = make_cluster_uri (self->scene.cluster, "plugins=cache");
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri_full (uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);

  g_assert_null (client);
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_assert_nonnull (strstr (error->message, "behind cluster"));
}

/* Whether the reply that the client gets is kept. */
static gboolean
get_kept (CacheScene *self,
          TornadisPlugin *cache,
          TornadisClient *client)
{
  g_autofree char *text = NULL;

  g_signal_emit_by_name (cache, "clear");
  text = call_text (client, "GET", self->scene.keys[0], NULL);

  return get_count (cache, "entries") == 1;
}

/* It may come and go later; and a pool's clients share it. */
static void
test_pool (CacheScene *self,
           gconstpointer options)
{
  TornadisPlugin *cache = tornadis_client_add_plugin_by_name (self->scene.client, "cache", NULL);
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (self->scene.client);
  TornadisClient *clients[2];
  guint64 hits;

  g_assert_nonnull (cache);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      clients[i] = assert_take (pool);
      assert_call (clients[i], "(nil)", "GET", self->scene.keys[0], NULL);
    }
  /* Each is connected to one node, or to two. */
  wait_until (get_kept (self, cache, clients[0]) && get_kept (self, cache, clients[1]));
  g_signal_emit_by_name (cache, "clear");
  assert_call (clients[0], "(nil)", "GET", self->scene.keys[0], NULL);
  g_assert_cmpuint (get_count (cache, "entries"), ==, 1);
  hits = get_count (cache, "hits");
  assert_call (clients[1], "(nil)", "GET", self->scene.keys[0], NULL);
  g_assert_cmpuint (get_count (cache, "hits"), ==, hits + 1);
  assert_call (clients[1], "OK", "SET", self->scene.keys[0], "value", NULL);
  assert_call (clients[0], "\"value\"", "GET", self->scene.keys[0], NULL);

  g_assert_true (tornadis_client_remove_plugin (clients[0], cache));
  g_assert_false (get_kept (self, cache, clients[0]));
  g_assert_true (get_kept (self, cache, clients[1]));
  assert_call (clients[0], "\"value\"", "GET", self->scene.keys[0], NULL);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      tornadis_client_pool_release_client (pool, clients[i]);
      g_object_unref (clients[i]);
    }
  tornadis_client_pool_destroy (pool);
  tornadis_client_remove_plugin (self->scene.client, cache);
}

/* What a replica says is kept, and it announces what its master sends it. */
static void
test_replicas (CacheScene *self,
               gconstpointer options)
{
  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *waited G_GNUC_UNUSED = NULL;

      set_by_other (self, self->scene.keys[i], "old");
      waited = node_command (self->scene.cluster, i, "WAIT 1 0");
    }
  warm_up (self);
  for (guint i = 0; i < N_MASTERS; i++)
    {
      assert_get (self, self->scene.keys[i], "\"old\"", FALSE);
      assert_get (self, self->scene.keys[i], "\"old\"", TRUE);
      set_by_other (self, self->scene.keys[i], "new");
      wait_until (get_count (self->cache, "entries") == i);
      assert_get (self, self->scene.keys[i], "\"new\"", FALSE);
      assert_get (self, self->scene.keys[i], "\"new\"", TRUE);
    }
}

/* A replica takes over, by hand: the old master's connection stays. */
static void
test_failover (void)
{
  TornadisHarnessCluster *cluster = start_cluster (N_MASTERS, 1, NULL);
  g_autofree char *uri = make_cluster_uri (cluster, PLUGINS);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri_full (uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);
  g_autoptr (TornadisClient) other = make_cluster_client (cluster, NULL);
  TornadisPlugin *cache = get_plugin (client, 1);
  g_autofree char *key = make_key (0, "key");
  g_autofree char *absent = make_key (0, "absent");

  g_assert_no_error (error);
  assert_call (other, "OK", "SET", key, "old", NULL);
  assert_call (client, "\"old\"", "GET", key, NULL);
  wait_until (get_count (cache, "connections") == 1);
  for (guint i = 0; i < 2; i++)
    {
      assert_call (client, "\"old\"", "GET", key, NULL);
      assert_call (client, "(nil)", "GET", absent, NULL);
    }
  g_assert_cmpuint (get_count (cache, "hits"), ==, 2);

  assert_done (tornadis_harness_cluster_failover, cluster, N_MASTERS, "");
  assert_call (other, "OK", "SET", key, "new", NULL);
  assert_call (other, "OK", "SET", absent, "new", NULL);
  /* By the old master, which is a replica now and hears of it, or by the first call that is sent to it. */
  {
    g_autofree char *text G_GNUC_UNUSED = call_text (client, "STRLEN", key, NULL);
  }
  wait_until (get_count (cache, "entries") == 0);
  assert_call (client, "\"new\"", "GET", key, NULL);
  assert_call (client, "\"new\"", "GET", absent, NULL);
  g_object_unref (cluster);
}

#define ADD_WITH(path, options, function) \
  g_test_add ("/cluster-cache/" path, CacheScene, options, cache_set_up, function, cache_tear_down)
#define ADD(path, function) ADD_WITH (path, PLUGINS, function)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("nodes", test_nodes);
  ADD_WITH ("nodes-resp2", PLUGINS "&protocol=resp2", test_nodes);
  ADD ("split", test_split);
  ADD ("lost-link", test_lost_link);
  ADD ("slot-moves", test_slot_moves);
  ADD ("slot-moves-for-others", test_slot_moves_for_others);
  ADD ("slot-moving", test_slot_moving);
  ADD ("before", test_before);
  ADD ("pool", test_pool);
  ADD_WITH ("replicas", PLUGINS "&read-from=replica", test_replicas);
  g_test_add_func ("/cluster-cache/failover", test_failover);

  return run_with_cluster (NULL);
}
