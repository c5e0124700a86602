/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happens to clusters, under load: every call ends, no reply is that of another key, nothing runs twice, what was
 * acknowledged is there unless servers lose it, and all works again. */

#include "plugins/cluster-load.h"
#include "plugins/cluster-util.h"

#include <string.h>

#include "integration/util.h"

/* A cluster of its own, for each. */
typedef struct
{
  TornadisHarnessCluster *cluster;
  TornadisClient *client;
  Load *load;
} Change;

static void
change_set_up (Change *self,
               gconstpointer options)
{
  self->cluster = start_cluster (N_MASTERS, 1, NULL);
  self->client = make_cluster_client (self->cluster, options);
  self->load = load_start (self->client);
  load_wait_for_all (self->load);
  g_assert_cmpuint (self->load->n_errors, ==, 0);
  g_assert_cmpuint (get_redirects (self->client), ==, 0);
}

static void
change_tear_down (Change *self,
                  gconstpointer options)
{
  load_free (self->load);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_client_finalized (self->client);
  g_clear_object (&self->cluster);
}

/* What servers may have answered and not yet told their replicas when they died. */
#define MAX_UNTOLD (2 * LOAD_N_IN_FLIGHT)

static void
end (Change *self,
     guint64 n_missing)
{
  load_wait_for_all (self->load);
  load_stop (self->load);
  g_test_message ("%" G_GUINT64_FORMAT " calls, %u errors, %u lost, %u refused, %" G_GUINT64_FORMAT " redirects", self->load->n_calls,
                  self->load->n_errors, self->load->n_lost, self->load->n_refused, get_redirects (self->client));
  g_assert_cmpuint (load_count_missing (self->load), <=, n_missing);
  g_assert_true (tornadis_client_is_connected (self->client));
}

static gboolean
migrate_slots (TornadisHarnessCluster *cluster,
               GError **error)
{
  for (guint i = 0; i < LOAD_N_KEYS; i += 3)
    {
      g_autofree char *key = g_strdup_printf ("\"counter %u\"", i);
      int slot = tornadis_harness_cluster_find_slot (cluster, key, error);
      int from = slot >= 0 ? tornadis_harness_cluster_find_master (cluster, (guint) slot, error) : -1;

      if (from < 0 || !tornadis_harness_cluster_migrate_slot (cluster, (guint) slot, ((guint) from + 1) % N_MASTERS, error))
        return FALSE;
    }

  return TRUE;
}

static void
test_migration (Change *self,
                gconstpointer data)
{
  load_during (self->load, self->cluster, migrate_slots);
  g_assert_cmpuint (get_redirects (self->client), >, 0);
  end (self, 0);
  g_assert_cmpuint (self->load->n_errors, ==, 0);
}

static gboolean
wait_for_heir (TornadisHarnessCluster *cluster,
               GError **error)
{
  return tornadis_harness_cluster_wait_for_master (cluster, N_MASTERS, error) &&
         tornadis_harness_cluster_wait_until_ok (cluster, error);
}

static gboolean
kill_master (TornadisHarnessCluster *cluster,
             GError **error)
{
  tornadis_harness_redis_kill (tornadis_harness_cluster_get_node (cluster, 0));

  return wait_for_heir (cluster, error);
}

static gboolean
move_dead (TornadisHarnessCluster *cluster,
           GError **error)
{
  return tornadis_harness_redis_move (tornadis_harness_cluster_get_node (cluster, 0), error) &&
         tornadis_harness_cluster_wait_until_ok (cluster, error);
}

/* It comes back as a replica, elsewhere. */
static void
test_kill (Change *self,
           gconstpointer data)
{
  load_during (self->load, self->cluster, kill_master);
  load_wait_for_all (self->load);
  load_during (self->load, self->cluster, move_dead);
  end (self, MAX_UNTOLD);
  /* Nothing but what was under way, and what was written before the client saw it: the rest is kept until there is an heir. */
  g_assert_cmpuint (self->load->n_errors, <=, 2 * LOAD_N_IN_FLIGHT);
  g_assert_cmpuint (self->load->n_refused, ==, 0);
}

static gboolean
pause_master (TornadisHarnessCluster *cluster,
              GError **error)
{
  tornadis_harness_redis_pause (tornadis_harness_cluster_get_node (cluster, 0));

  return wait_for_heir (cluster, error);
}

static gboolean
wake_master (TornadisHarnessCluster *cluster,
             GError **error)
{
  tornadis_harness_redis_resume (tornadis_harness_cluster_get_node (cluster, 0));

  return tornadis_harness_cluster_wait_until_ok (cluster, error);
}

/* What it acknowledges when it wakes is lost, so nobody listens any more: the heir has all that was acknowledged. */
static void
test_pause (Change *self,
            gconstpointer data)
{
  load_during (self->load, self->cluster, pause_master);
  load_wait_for_all (self->load);
  load_during (self->load, self->cluster, wake_master);
  end (self, MAX_UNTOLD);
  g_assert_cmpuint (self->load->n_refused, ==, 0);
}

/* It sleeps too shortly to have an heir. */
static gboolean
doze (TornadisHarnessCluster *cluster,
      GError **error)
{
  for (guint i = 0; i < N_MASTERS; i++)
    {
      tornadis_harness_redis_pause (tornadis_harness_cluster_get_node (cluster, i));
      g_usleep (20 * 1000);
      tornadis_harness_redis_resume (tornadis_harness_cluster_get_node (cluster, i));
    }

  return tornadis_harness_cluster_wait_until_ok (cluster, error);
}

static void
test_doze (Change *self,
           gconstpointer data)
{
  load_during (self->load, self->cluster, doze);
  end (self, 0);
  g_assert_cmpuint (self->load->n_errors, ==, 0);
}

static gboolean
fail_over (TornadisHarnessCluster *cluster,
           GError **error)
{
  return tornadis_harness_cluster_failover (cluster, N_MASTERS, "", error) &&
         tornadis_harness_cluster_failover (cluster, N_MASTERS + 1, "", error) &&
         tornadis_harness_cluster_wait_until_ok (cluster, error);
}

/* By hand nothing is lost, and nobody hears an error. */
static void
test_failover (Change *self,
               gconstpointer data)
{
  load_during (self->load, self->cluster, fail_over);
  end (self, 0);
  g_assert_cmpuint (self->load->n_errors, ==, 0);
}

static gboolean
take_over (TornadisHarnessCluster *cluster,
           GError **error)
{
  return tornadis_harness_cluster_failover (cluster, N_MASTERS, "TAKEOVER", error) &&
         tornadis_harness_cluster_failover (cluster, N_MASTERS + 1, "FORCE", error) &&
         tornadis_harness_cluster_wait_until_ok (cluster, error);
}

/* Here servers lose what they have acknowledged. */
static void
test_takeover (Change *self,
               gconstpointer data)
{
  load_during (self->load, self->cluster, take_over);
  end (self, G_MAXUINT64);
}

static gboolean
isolate (TornadisHarnessCluster *cluster,
         GError **error)
{
  const guint alone[] = { 0 };

  return tornadis_harness_cluster_isolate (cluster, alone, G_N_ELEMENTS (alone), FALSE, error) && wait_for_heir (cluster, error);
}

static gboolean
isolate_from_clients (TornadisHarnessCluster *cluster,
                      GError **error)
{
  const guint alone[] = { 0 };

  return tornadis_harness_cluster_isolate (cluster, alone, G_N_ELEMENTS (alone), TRUE, error) && wait_for_heir (cluster, error);
}

static gboolean
heal (TornadisHarnessCluster *cluster,
      GError **error)
{
  return tornadis_harness_cluster_heal (cluster, error) && tornadis_harness_cluster_wait_until_ok (cluster, error);
}

/* A master that is alone takes writes for a while, which are lost; and whom clients do not reach answers none. */
static void
test_isolation (Change *self,
                gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!tornadis_harness_cluster_isolate (self->cluster, NULL, 0, FALSE, &error))
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
      load_stop (self->load);
      g_test_skip (error->message);
      return;
    }

  load_during (self->load, self->cluster, data != NULL ? isolate_from_clients : isolate);
  load_wait_for_all (self->load);
  load_during (self->load, self->cluster, heal);
  end (self, G_MAXUINT64);
}

static gboolean
add_node (TornadisHarnessCluster *cluster,
          GError **error)
{
  int added = tornadis_harness_cluster_add_node (cluster, error);

  for (guint i = 0; added >= 0 && i < 12; i++)
    {
      g_autofree char *key = g_strdup_printf ("\"counter %u\"", i);
      int slot = tornadis_harness_cluster_find_slot (cluster, key, error);

      if (slot < 0 || !tornadis_harness_cluster_migrate_slot (cluster, (guint) slot, (guint) added, error))
        return FALSE;
    }

  return added >= 0;
}

static gboolean
remove_node (TornadisHarnessCluster *cluster,
             GError **error)
{
  const guint added = 2 * N_MASTERS;

  for (guint i = 0; i < 12; i++)
    {
      g_autofree char *key = g_strdup_printf ("\"counter %u\"", i);
      int slot = tornadis_harness_cluster_find_slot (cluster, key, error);

      if (slot < 0 || !tornadis_harness_cluster_migrate_slot (cluster, (guint) slot, i % N_MASTERS, error))
        return FALSE;
    }

  return tornadis_harness_cluster_remove_node (cluster, added, error) && tornadis_harness_cluster_wait_until_ok (cluster, error);
}

static gboolean
kill_removed (TornadisHarnessCluster *cluster,
              GError **error)
{
  tornadis_harness_redis_kill (tornadis_harness_cluster_get_node (cluster, 2 * N_MASTERS));

  return tornadis_harness_cluster_wait_until_ok (cluster, error);
}

static void
test_nodes (Change *self,
            gconstpointer data)
{
  load_during (self->load, self->cluster, add_node);
  load_wait_for_all (self->load);
  load_during (self->load, self->cluster, remove_node);
  load_wait_for_all (self->load);
  g_assert_cmpuint (self->load->n_errors, ==, 0);
  /* A node that has not heard of it yet may have said that the removed one has a slot: what was asked there then is lost. */
  load_during (self->load, self->cluster, kill_removed);
  end (self, 0);
  g_assert_cmpuint (self->load->n_errors, <=, 2 * LOAD_N_IN_FLIGHT);
  g_assert_cmpuint (self->load->n_refused, ==, 0);
}

/* One after the other, with its heir in its place: those that are known lead to those that are not. None of the seeds is left. */
static gboolean
move_one_by_one (TornadisHarnessCluster *cluster,
                 GError **error)
{
  for (guint i = N_MASTERS; i < 2 * N_MASTERS; i++)
    if (!tornadis_harness_redis_move (tornadis_harness_cluster_get_node (cluster, i), error) ||
        !tornadis_harness_cluster_wait_until_ok (cluster, error))
      return FALSE;
  for (guint i = 0; i < N_MASTERS; i++)
    if (!tornadis_harness_cluster_failover (cluster, N_MASTERS + i, "", error) ||
        !tornadis_harness_redis_move (tornadis_harness_cluster_get_node (cluster, i), error) ||
        !tornadis_harness_cluster_wait_until_ok (cluster, error))
      return FALSE;

  return TRUE;
}

static void
test_move_one_by_one (Change *self,
                      gconstpointer data)
{
  load_during (self->load, self->cluster, move_one_by_one);
  end (self, 0);
}

#define ADD_WITH(path, options, function) g_test_add (path, Change, options, change_set_up, function, change_tear_down)
#define ADD(path, function) ADD_WITH (path, NULL, function)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/cluster-change/migration", test_migration);
  ADD ("/cluster-change/kill", test_kill);
  ADD ("/cluster-change/pause", test_pause);
  ADD ("/cluster-change/doze", test_doze);
  ADD ("/cluster-change/failover", test_failover);
  ADD ("/cluster-change/takeover", test_takeover);
  ADD ("/cluster-change/isolation", test_isolation);
  ADD_WITH ("/cluster-change/isolation-from-clients", "failover-timeout-msec=10000", test_isolation);
  ADD ("/cluster-change/nodes", test_nodes);
  ADD ("/cluster-change/move-one-by-one", test_move_one_by_one);

  return g_test_run ();
}
