/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the nodes of a cluster publish of their keys, each at itself. */

#include "plugins/cluster-util.h"

#include <string.h>

#include "integration/util.h"

typedef struct
{
  Scene scene;
  TornadisPubSubClient *listener;
  TornadisKeyspace *keyspace;
  GHashTable *told; /* (owned) (element-type utf8 guint) how often each key was set */
  guint n_messages;
  guint n_gaps;
} Watch;

static void
message_cb (TornadisPubSubClient *listener,
            TornadisMessage *message,
            gpointer user_data)
{
  ((Watch *) user_data)->n_messages++;
}

static void
set_cb (TornadisKeyspace *keyspace,
        GBytes *key,
        const char *event,
        gpointer user_data)
{
  Watch *self = user_data;
  char *text = g_strndup (g_bytes_get_data (key, NULL), g_bytes_get_size (key));
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (self->told, text));

  g_hash_table_insert (self->told, text, GUINT_TO_POINTER (n + 1));
}

static void
changed_cb (TornadisKeyspace *keyspace,
            GBytes *key,
            const char *event,
            gpointer user_data)
{
  ((Watch *) user_data)->n_messages++;
}

static void
gap_cb (gpointer source,
        gpointer user_data)
{
  ((Watch *) user_data)->n_gaps++;
}

static void
watch_begin (Watch *self)
{
  g_autoptr (GError) error = NULL;

  self->told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->listener = tornadis_pub_sub_client_new_like (self->scene.client, &error);
  g_assert_no_error (error);
  self->keyspace = g_object_new (TORNADIS_TYPE_KEYSPACE, "client", self->scene.client, "configure", TRUE, NULL);
  g_signal_connect (self->listener, "gap", G_CALLBACK (gap_cb), self);
  g_signal_connect (self->keyspace, "changed", G_CALLBACK (changed_cb), self);
  g_signal_connect (self->keyspace, "changed::set", G_CALLBACK (set_cb), self);
  g_signal_connect (self->keyspace, "gap", G_CALLBACK (gap_cb), self);
}

static void
watch_end (Watch *self)
{
  g_signal_handlers_disconnect_by_data (self->listener, self);
  tornadis_client_close (TORNADIS_CLIENT (self->listener));
  g_clear_object (&self->listener);
  assert_finalized (g_steal_pointer (&self->keyspace));
  g_hash_table_unref (self->told);
}

static void
set_up (Watch *self,
        gconstpointer options)
{
  scene_set_up (&self->scene, options);
  watch_begin (self);
}

static void
tear_down (Watch *self,
           gconstpointer options)
{
  watch_end (self);
  for (guint i = 0; i < 2 * N_MASTERS; i++)
    g_free (node_command (self->scene.cluster, i, "CONFIG SET notify-keyspace-events \"\""));
  scene_tear_down (&self->scene, options);
}

/* With a cluster that is not the same afterwards. */
static void
own_set_up (Watch *self,
            gconstpointer how)
{
  self->scene.cluster = start_cluster (N_MASTERS, 1, (const char *[]){ "--cluster-node-timeout", "1000", NULL });
  self->scene.client = make_cluster_client (self->scene.cluster, NULL);
  for (guint i = 0; i < N_MASTERS; i++)
    self->scene.keys[i] = make_key (i, "key");
  watch_begin (self);
}

static void
own_tear_down (Watch *self,
               gconstpointer how)
{
  watch_end (self);
  for (guint i = 0; i < N_MASTERS; i++)
    g_free (self->scene.keys[i]);
  tornadis_client_close (self->scene.client);
  g_clear_object (&self->scene.client);
  g_clear_object (&self->scene.cluster);
}

static void
start (Watch *self)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_keyspace_start_async (self->keyspace, NULL, store_result, &result);
  tornadis_keyspace_start_finish (self->keyspace, wait_for_result (&result), &error);
  g_assert_no_error (error);
}

static void
psubscribe (Watch *self,
            const char *const *patterns)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_pub_sub_client_psubscribe_async (self->listener, patterns, NULL, store_result, &result);
  tornadis_pub_sub_client_psubscribe_finish (self->listener, wait_for_result (&result), &error);
  g_assert_no_error (error);
}

static guint
get_told (Watch *self,
          guint i)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->told, self->scene.keys[i]));
}

/* Keys of all nodes, each told once, and they are turned on at all of them. */
static void
test_everywhere (Watch *self,
                 gconstpointer data)
{
  start (self);
  for (guint i = 0; i < 2 * N_MASTERS; i++)
    {
      g_autofree char *setting = node_command (self->scene.cluster, i, "CONFIG GET notify-keyspace-events");

      g_assert_nonnull (strstr (setting, "AK"));
    }

  for (guint i = 0; i < N_MASTERS; i++)
    assert_call (self->scene.client, "OK", "SET", self->scene.keys[i], "x", NULL);
  wait_until (self->n_messages == N_MASTERS);
  for (guint i = 0; i < N_MASTERS; i++)
    g_assert_cmpuint (get_told (self, i), ==, 1);

  /* Twice is what a replica would say. */
  for (guint i = 0; i < N_MASTERS; i++)
    assert_call (self->scene.client, "(integer) 1", "DEL", self->scene.keys[i], NULL);
  wait_until (self->n_messages == 2 * N_MASTERS);
  spin_for (20);
  g_assert_cmpuint (self->n_messages, ==, 2 * N_MASTERS);
  g_assert_cmpuint (self->n_gaps, ==, 0);
}

/* For who uses channels by themselves: as it is usually written, beside others, which come once. */
static void
test_channels (Watch *self,
               gconstpointer data)
{
  for (guint i = 0; i < 2 * N_MASTERS; i++)
    g_free (node_command (self->scene.cluster, i, "CONFIG SET notify-keyspace-events KA"));
  g_signal_connect (self->listener, "message", G_CALLBACK (message_cb), self);
  psubscribe (self, (const char *[]){ "news*", "__key*__:*", "*other", NULL });
  for (guint i = 0; i < N_MASTERS; i++)
    assert_call (self->scene.client, "OK", "SET", self->scene.keys[i], "x", NULL);
  g_free (call_text (self->scene.client, "PUBLISH", "news-1", "x", NULL));
  g_free (call_text (self->scene.client, "PUBLISH", "an-other", "x", NULL));
  wait_until (self->n_messages == N_MASTERS + 2);
  spin_for (20);
  g_assert_cmpuint (self->n_messages, ==, N_MASTERS + 2);
  g_assert_cmpuint (self->n_gaps, ==, 0);
}

/* A slot goes to another master: its keys are told of from there. */
static void
test_migration (Watch *self,
                gconstpointer data)
{
  guint slot = (guint) tornadis_harness_cluster_find_slot (self->scene.cluster, self->scene.keys[0], NULL);

  start (self);
  for (guint i = 0; i < 2; i++)
    {
      assert_done (tornadis_harness_cluster_migrate_slot, self->scene.cluster, slot, i == 0 ? 1 : 0);
      assert_call (self->scene.client, "OK", "SET", self->scene.keys[0], "x", NULL);
      wait_until (get_told (self, 0) == i + 1);
    }
}

/* A replica takes its master's place. */
static void
test_failover (Watch *self,
               gconstpointer how)
{
  TornadisHarnessRedis *node = tornadis_harness_cluster_get_node (self->scene.cluster, 0);
  guint n;

  start (self);
  assert_call (self->scene.client, "OK", "SET", self->scene.keys[0], "x", NULL);
  wait_until (get_told (self, 0) == 1);

  if (g_str_equal (how, "by hand"))
    assert_done (tornadis_harness_cluster_failover, self->scene.cluster, N_MASTERS, "");
  else
    tornadis_harness_redis_kill (node);
  /* A call is what is redirected. */
  wait_until ((g_free (call_text (self->scene.client, "GET", self->scene.keys[0], NULL)), self->n_gaps > 0));
  n = get_told (self, 0);
  assert_call (self->scene.client, "OK", "SET", self->scene.keys[0], "y", NULL);
  wait_until (get_told (self, 0) == n + 1);

  if (!g_str_equal (how, "by hand"))
    assert_done (tornadis_harness_redis_restart, node);
  assert_done (tornadis_harness_cluster_wait_until_ok, self->scene.cluster);
  for (guint i = 0; i < N_MASTERS; i++)
    {
      n = get_told (self, i);
      assert_call (self->scene.client, "OK", "SET", self->scene.keys[i], "z", NULL);
      wait_until (get_told (self, i) > n);
      g_assert_cmpuint (get_told (self, i), ==, n + 1);
    }
}

static gboolean
hears (Watch *self,
       guint i)
{
  guint n = get_told (self, i);

  g_free (call_text (self->scene.client, "SET", self->scene.keys[i], "x", NULL));
  spin_for (5);

  return get_told (self, i) > n;
}

/* A master joins, and gets a slot; then it leaves again. */
static void
test_join (Watch *self,
           gconstpointer data)
{
  guint slot = (guint) tornadis_harness_cluster_find_slot (self->scene.cluster, self->scene.keys[0], NULL);
  g_autoptr (GError) error = NULL;
  int joined;

  start (self);
  wait_until (hears (self, 0));
  joined = tornadis_harness_cluster_add_node (self->scene.cluster, &error);
  g_assert_no_error (error);
  g_free (node_command (self->scene.cluster, (guint) joined, "CONFIG SET notify-keyspace-events KA"));
  assert_done (tornadis_harness_cluster_migrate_slot, self->scene.cluster, slot, (guint) joined);
  /* The client is redirected, by which both learn of it. */
  wait_until (hears (self, 0));
  wait_until (self->n_gaps > 0);

  assert_done (tornadis_harness_cluster_migrate_slot, self->scene.cluster, slot, 0);
  assert_done (tornadis_harness_cluster_remove_node, self->scene.cluster, (guint) joined);
  wait_until (hears (self, 0));
  g_assert_true (tornadis_keyspace_get_active (self->keyspace));
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, data, test) g_test_add (path, Watch, data, set_up, test, tear_down)
  ADD ("/cluster-keyspace/everywhere", NULL, test_everywhere);
  ADD ("/cluster-keyspace/everywhere/resp2", "protocol=2", test_everywhere);
  ADD ("/cluster-keyspace/channels", NULL, test_channels);
  ADD ("/cluster-keyspace/migration", NULL, test_migration);
#undef ADD
#define ADD(path, how, test) g_test_add (path, Watch, how, own_set_up, test, own_tear_down)
  ADD ("/cluster-keyspace/failover/by-hand", "by hand", test_failover);
  ADD ("/cluster-keyspace/failover/killed", "killed", test_failover);
  ADD ("/cluster-keyspace/join", NULL, test_join);
#undef ADD

  return run_with_cluster (NULL);
}
