/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Live models of what the nodes of a cluster have, each of which tells of its own keys. */

#include <string.h>

#include "integration/model-util.h"
#include "plugins/cluster-util.h"

/* One cluster each: it is not the same afterwards. */
typedef struct
{
  TornadisHarnessCluster *cluster;
  TornadisClient *client;
  char *keys[N_MASTERS];
  TornadisListModel *models[N_MASTERS];
} Models;

static void
set_up_with (Models *self,
             gconstpointer options,
             const char *classes)
{
  const char *const args[] = { "--cluster-node-timeout", "1000", "--notify-keyspace-events", classes, NULL };

  self->cluster = start_cluster (N_MASTERS, 1, args);
  self->client = make_cluster_client (self->cluster, options);
  for (guint i = 0; i < N_MASTERS; i++)
    {
      self->keys[i] = make_key (i, "list");
      self->models[i] = tornadis_list_model_new (self->client, self->keys[i]);
    }
}

static void
set_up (Models *self,
        gconstpointer options)
{
  set_up_with (self, options, "KA");
}

/* No node sends notifications: each tells by tracking. */
static void
set_up_silent (Models *self,
               gconstpointer options)
{
  set_up_with (self, options, "");
}

static void
tear_down (Models *self,
           gconstpointer options)
{
  for (guint i = 0; i < N_MASTERS; i++)
    {
      assert_finalized (g_steal_pointer (&self->models[i]));
      g_free (self->keys[i]);
    }
  tornadis_client_close (self->client);
  g_clear_object (&self->client);
  g_clear_object (&self->cluster);
}

static void
push (Models *self,
      guint i,
      const char *value)
{
  g_free (call_text (self->client, "RPUSH", self->keys[i], value, NULL));
}

static void
test_everywhere (Models *self,
                 gconstpointer options)
{
  for (guint i = 0; i < N_MASTERS; i++)
    wait_for_live (self->models[i]);
  for (guint i = 0; i < N_MASTERS; i++)
    push (self, i, "a");
  for (guint i = 0; i < N_MASTERS; i++)
    wait_for_rows (self->models[i], "a");
}

/* Of all nodes, in one model. */
static void
test_keys (Models *self,
           gconstpointer options)
{
  g_autoptr (TornadisKeyModel) model = NULL;

  for (guint i = 0; i < N_MASTERS; i++)
    push (self, i, "a");
  model = tornadis_key_model_new (self->client, "list*");
  wait_for_live (model);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (model)), ==, N_MASTERS);
  for (guint i = 0; i < N_MASTERS; i++)
    {
      assert_call (self->client, "(integer) 1", "DEL", self->keys[i], NULL);
      wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == N_MASTERS - 1);
      push (self, i, "b");
      wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == N_MASTERS);
    }
}

static gboolean
has_heir_all (Models *self)
{
  g_autofree char *size = node_command (self->cluster, N_MASTERS, "DBSIZE");

  return strchr (size, '1') != NULL;
}

/* A stream is followed from the heir of its node on. */
static void
test_stream (Models *self,
             gconstpointer options)
{
  g_autofree char *key = make_key (0, "stream");
  g_autoptr (TornadisStreamModel) model = tornadis_stream_model_new (self->client, key, 10);

  wait_for_live (model);
  assert_call (self->client, "\"1-1\"", "XADD", key, "1-1", "what", "a", NULL);
  wait_for_rows (model, "1-1=a");
  assert_done (tornadis_harness_cluster_failover, self->cluster, N_MASTERS, "");
  assert_call (self->client, "\"1-2\"", "XADD", key, "1-2", "what", "b", NULL);
  wait_for_rows (model, "1-1=a 1-2=b");
  wait_for_live (model);
  assert_call (self->client, "(integer) 1", "XDEL", key, "1-1", NULL);
  wait_for_rows (model, "1-2=b");
}

/* What the replica tells that takes the place of a master is followed, and so are the others. */
static void
test_failover (Models *self,
               gconstpointer options)
{
  TornadisHarnessRedis *node = tornadis_harness_cluster_get_node (self->cluster, 0);
  g_autoptr (TornadisClient) other = make_cluster_client (self->cluster, options);

  for (guint i = 0; i < N_MASTERS; i++)
    {
      wait_for_live (self->models[i]);
      push (self, i, "a");
      wait_for_rows (self->models[i], "a");
    }
  /* The replica has them. */
  wait_until (has_heir_all (self));
  tornadis_harness_redis_kill (node);
  assert_done (tornadis_harness_cluster_wait_for_master, self->cluster, N_MASTERS);
  assert_done (tornadis_harness_cluster_wait_until_ok, self->cluster);
  /* By another program. */
  for (guint i = 0; i < N_MASTERS; i++)
    assert_call (other, "(integer) 2", "RPUSH", self->keys[i], "b", NULL);
  for (guint i = 0; i < N_MASTERS; i++)
    wait_for_rows (self->models[i], "a b");
  for (guint i = 0; i < N_MASTERS; i++)
    {
      wait_for_live (self->models[i]);
      assert_call (other, "(integer) 3", "RPUSH", self->keys[i], "c", NULL);
      wait_for_rows (self->models[i], "a b c");
    }
  tornadis_client_close (other);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, options, test) g_test_add ("/cluster-models/" path, Models, options, set_up, test, tear_down)
  ADD ("everywhere", NULL, test_everywhere);
  ADD ("everywhere/resp2", "protocol=2", test_everywhere);
  ADD ("keys", NULL, test_keys);
  ADD ("stream", NULL, test_stream);
  ADD ("failover", NULL, test_failover);
#undef ADD
#define ADD(path, test) g_test_add ("/cluster-models/tracking/" path, Models, NULL, set_up_silent, test, tear_down)
  ADD ("everywhere", test_everywhere);
  ADD ("keys", test_keys);
  ADD ("failover", test_failover);
#undef ADD

  return g_test_run ();
}
