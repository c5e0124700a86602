/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which of several nodes is believed, and when they are asked. */

#include "cluster/cluster-map.h"

#include "integration/util.h"
#include "plugins/cluster-peers.h"
#include "plugins/table-plugin.h"

#define N_NODES 3
#define COMMANDS "*1\r\n*6\r\n+get\r\n:2\r\n*1\r\n+readonly\r\n:1\r\n:1\r\n:1\r\n"

/* A map whose seeds are all nodes, so that each look asks all. */
typedef struct
{
  TornadisHarnessPeer *peers[N_NODES];
  TornadisClient *model;
  TablePlugin *plugin;
  ClusterMap *map;
  gboolean is_used;
  gboolean is_silent; /* not all nodes answer */
  guint n_looks;
  GError *error; /* of the last */
} Scene;

static gboolean
used_cb (gpointer user_data)
{
  return ((Scene *) user_data)->is_used;
}

static void
changed_cb (ClusterTopology *before,
            gpointer user_data)
{
}

static void
looked_cb (const GError *error,
           gpointer user_data)
{
  Scene *self = user_data;

  self->n_looks++;
  g_clear_error (&self->error);
  self->error = error != NULL ? g_error_copy (error) : NULL;
}

static void
scene_set_up (Scene *self,
              gconstpointer data)
{
  g_autoptr (GPtrArray) seeds = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < N_NODES; i++)
    {
      self->peers[i] = make_peer ("handshake3\nserve\n");
      answer (self->peers[i], "COMMAND", "%s", COMMANDS);
      g_ptr_array_add (seeds, g_network_address_new ("127.0.0.1", (guint16) port_of (self->peers[i])));
    }
  self->is_used = TRUE;
  self->model = make_client (self->peers[0]);
  /* The first connection of a program takes longer. */
  assert_call (self->model, "PONG", "PING", NULL);
  self->plugin = make_table (self->model);
  self->map = cluster_map_new (TORNADIS_PLUGIN (self->plugin), "cluster", g_steal_pointer (&seeds), changed_cb, NULL, used_cb, self);
  cluster_map_set_model (self->map, self->model);
}

static void
scene_tear_down (Scene *self,
                 gconstpointer data)
{
  cluster_map_free (self->map);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  drop_table (self->model, self->plugin);
  assert_client_finalized (self->model);
  for (guint i = 0; i < N_NODES; i++)
    g_object_unref (self->peers[i]);
  g_clear_error (&self->error);
}

/* From now on the node says that @owner has all slots. */
static void
say (Scene *self,
     guint node,
     const char *state,
     guint epoch,
     guint owner)
{
  g_autofree char *info = g_strdup_printf ("cluster_enabled:1\r\ncluster_state:%s\r\ncluster_size:1\r\n"
                                           "cluster_current_epoch:%u\r\ncluster_my_epoch:1\r\n",
                                           state, epoch);
  g_autofree char *shard = make_shard (0, 16383, port_of (self->peers[owner]));

  answer (self->peers[node], "CLUSTER INFO", "$%zu\r\n%s\r\n", strlen (info), info);
  answer (self->peers[node], "CLUSTER SHARDS", "*1\r\n%s", shard);
}

static GSource *
find_source (Scene *self,
             const char *name)
{
  GSource *source = g_main_context_find_source_by_user_data (NULL, self->map);

  return source != NULL && g_str_has_suffix (g_source_get_name (source), name) ? source : NULL;
}

/* Of the next look, NULL: there will be none. */
static GSource *
find_timer (Scene *self)
{
  return find_source (self, "looks at it");
}

/* The next look need not wait. */
static void
hurry (Scene *self)
{
  GSource *timer = find_timer (self);

  if (timer != NULL)
    g_source_set_ready_time (timer, 0);
}

/* All nodes answer: they are waited for, however busy the machine is. */
static gboolean
has_looked (Scene *self,
            guint n)
{
  GSource *patience = find_source (self, "waits for nodes");

  if (patience != NULL && !self->is_silent)
    g_source_set_ready_time (patience, -1);

  return self->n_looks > n;
}

static void
look (Scene *self)
{
  guint n = self->n_looks;

  cluster_map_refresh (self->map, NULL, looked_cb, self);
  hurry (self);
  wait_until (has_looked (self, n));
}

static void
assert_owner (Scene *self,
              guint owner)
{
  const ClusterNode *master = cluster_topology_get_master (cluster_map_get_topology (self->map), 0);

  g_assert_nonnull (master);
  g_assert_cmpuint (master->port, ==, port_of (self->peers[owner]));
}

/* Whichever of them it is. */
static void
test_newest (Scene *self,
             gconstpointer data)
{
  for (guint round = 1; round < 10; round++)
    {
      guint newest = round % N_NODES;

      for (guint i = 0; i < N_NODES; i++)
        say (self, i, "ok", i == newest ? round : round - 1, i == newest ? newest : (newest + 1) % N_NODES);
      look (self);
      g_assert_no_error (self->error);
      assert_owner (self, newest);
    }
}

/* A node that is cut off has counted elections that nobody else took part in. */
static void
test_cut_off (Scene *self,
              gconstpointer data)
{
  for (guint alone = 0; alone < N_NODES; alone++)
    {
      for (guint i = 0; i < N_NODES; i++)
        say (self, i, i == alone ? "fail" : "ok", i == alone ? 9 : 7, i == alone ? alone : (alone + 1) % N_NODES);
      look (self);
      g_assert_no_error (self->error);
      assert_owner (self, (alone + 1) % N_NODES);
    }
}

/* What is known is not given up for what was, unless it is that of a cluster that works: that was made anew. */
static void
test_known (Scene *self,
            gconstpointer data)
{
  for (guint i = 0; i < N_NODES; i++)
    say (self, i, "ok", 7, 1);
  look (self);
  assert_owner (self, 1);

  for (guint i = 0; i < N_NODES; i++)
    say (self, i, "fail", 5, 0);
  look (self);
  g_assert_error (self->error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  assert_owner (self, 1);

  /* Slots without a master: nobody knows more. */
  for (guint i = 0; i < N_NODES; i++)
    say (self, i, "fail", 7, 2);
  look (self);
  g_assert_no_error (self->error);
  assert_owner (self, 2);

  for (guint i = 0; i < N_NODES; i++)
    say (self, i, "ok", 1, 0);
  look (self);
  g_assert_no_error (self->error);
  assert_owner (self, 0);
}

/* The newest view is none: the next is taken. */
static void
test_second (Scene *self,
             gconstpointer data)
{
  for (guint i = 0; i < N_NODES; i++)
    say (self, i, "ok", i, i);
  answer (self->peers[2], "CLUSTER SHARDS", "+OK\r\n");
  look (self);
  g_assert_no_error (self->error);
  assert_owner (self, 1);

  answer (self->peers[2], "CLUSTER SHARDS", "*0\r\n");
  answer (self->peers[1], "CLUSTER SHARDS", "-LOADING\r\n");
  look (self);
  g_assert_no_error (self->error);
  assert_owner (self, 0);
}

/* They do not say how new it is. */
static void
test_unknown (Scene *self,
              gconstpointer data)
{
  static const char *const texts[] = {
    "-NOPERM User default has no permissions to run the 'cluster|info' command\r\n",
    "-ERR unknown subcommand 'INFO'. Try CLUSTER HELP.\r\n",
    "+OK\r\n",
    "$0\r\n\r\n",
    ":1\r\n",
    "*0\r\n",
    "_\r\n",
    "$44\r\ncluster_state:\r\ncluster_current_epoch:-x\r\n\r\n\r\n",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      for (guint j = 0; j < N_NODES; j++)
        {
          say (self, j, "ok", 1, i % N_NODES);
          answer (self->peers[j], "CLUSTER INFO", "%s", texts[i]);
        }
      look (self);
      g_assert_no_error (self->error);
      assert_owner (self, i % N_NODES);
    }

  /* One who says it is preferred, but not waited for in vain. */
  say (self, 1, "ok", 1, 1);
  look (self);
  assert_owner (self, 1);
}

/* Two accept and say nothing. */
static void
test_silent (Scene *self,
             gconstpointer data)
{
  for (guint i = 0; i < N_NODES; i++)
    say (self, i, "ok", 1, 0);
  for (guint i = 1; i < N_NODES; i++)
    {
      g_object_unref (self->peers[i]);
      self->peers[i] = make_peer ("stop-reading\n");
    }
  {
    g_autoptr (GPtrArray) seeds = g_ptr_array_new_with_free_func (g_object_unref);

    for (guint i = 0; i < N_NODES; i++)
      g_ptr_array_add (seeds, g_network_address_new ("127.0.0.1", (guint16) port_of (self->peers[i])));
    cluster_map_free (self->map);
    self->map = cluster_map_new (TORNADIS_PLUGIN (self->plugin), "cluster", g_steal_pointer (&seeds), changed_cb, NULL, used_cb, self);
    cluster_map_set_model (self->map, self->model);
  }
  self->is_silent = TRUE;
  look (self);
  g_assert_no_error (self->error);
  assert_owner (self, 0);
}

static void
assert_pause (Scene *self,
              gint64 least_msec,
              gint64 most_msec)
{
  gint64 before = g_get_monotonic_time (), at;
  GSource *timer;

  cluster_map_refresh (self->map, NULL, NULL, NULL);
  timer = find_timer (self);
  g_assert_nonnull (timer);
  at = g_source_get_ready_time (timer);
  g_assert_cmpint (at - before, >=, least_msec * G_TIME_SPAN_MILLISECOND);
  g_assert_cmpint (at - g_get_monotonic_time (), <=, most_msec * G_TIME_SPAN_MILLISECOND);
}

/* Nobody answers: it is looked for less and less often, until somebody does. */
static void
test_pauses (Scene *self,
             gconstpointer data)
{
  for (guint i = 0; i < N_NODES; i++)
    say (self, i, "ok", 1, 0);
  look (self);
  assert_pause (self, 25, 50);
  for (guint i = 0; i < 10; i++)
    look (self);
  assert_pause (self, 200, 400);

  for (guint i = 0; i < N_NODES; i++)
    answer (self->peers[i], "CLUSTER SHARDS", "*0\r\n");
  for (guint i = 0; i < 5; i++)
    look (self);
  assert_pause (self, 800, 5000);

  for (guint i = 0; i < N_NODES; i++)
    say (self, i, "ok", 1, 0);
  look (self);
  assert_pause (self, 200, 400);
}

/* In the time the cluster is looked at while there is a use for it. */
static void
test_asleep (Scene *self,
             gconstpointer data)
{
  guint64 n;

  for (guint i = 0; i < N_NODES; i++)
    say (self, i, "ok", 1, 0);
  look (self);
  n = cluster_map_get_n_refreshes (self->map);
  cluster_map_wake (self->map);
  g_assert_cmpuint (cluster_map_get_n_refreshes (self->map), ==, n);
  hurry (self);
  wait_until (cluster_map_get_n_refreshes (self->map) == n + 1);
  wait_until (find_timer (self) != NULL);

  self->is_used = FALSE;
  hurry (self);
  wait_until (find_timer (self) == NULL);
  g_assert_cmpuint (cluster_map_get_n_refreshes (self->map), ==, n + 1);

  /* What is asked for is done all the same: calls may wait for it. */
  look (self);
  g_assert_cmpuint (cluster_map_get_n_refreshes (self->map), ==, n + 2);
  hurry (self);
  wait_until (find_timer (self) == NULL);

  self->is_used = TRUE;
  for (guint i = 0; i < N_NODES; i++)
    say (self, i, "ok", 2, 1);
  cluster_map_wake (self->map);
  g_assert_cmpuint (cluster_map_get_n_refreshes (self->map), ==, n + 3);
  look (self);
  assert_owner (self, 1);
}

#define ADD(path, function) g_test_add (path, Scene, NULL, scene_set_up, function, scene_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/cluster-map/newest", test_newest);
  ADD ("/cluster-map/cut-off", test_cut_off);
  ADD ("/cluster-map/known", test_known);
  ADD ("/cluster-map/second", test_second);
  ADD ("/cluster-map/unknown", test_unknown);
  ADD ("/cluster-map/silent", test_silent);
  ADD ("/cluster-map/pauses", test_pauses);
  ADD ("/cluster-map/asleep", test_asleep);

  return g_test_run ();
}
