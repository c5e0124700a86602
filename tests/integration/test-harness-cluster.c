/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

/* The slot of the key "k". */
#define SLOT 7629

static void
assert_reply (TornadisHarnessCluster *cluster,
              guint i,
              const char *line,
              const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *reply = tornadis_harness_cluster_command (cluster, i, line, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (reply, ==, expected);
}

static guint
find_master (TornadisHarnessCluster *cluster,
             guint slot)
{
  g_autoptr (GError) error = NULL;
  int i = tornadis_harness_cluster_find_master (cluster, slot, &error);

  g_assert_no_error (error);
  return (guint) i;
}

static guint
find_replica (TornadisHarnessCluster *cluster,
              guint master)
{
  g_autoptr (GError) error = NULL;
  int i = tornadis_harness_cluster_find_replica (cluster, master, &error);

  g_assert_no_error (error);
  return (guint) i;
}

static char *
moved (TornadisHarnessCluster *cluster,
       const char *kind,
       guint to)
{
  return g_strdup_printf ("-%s %u 127.0.0.1:%u\r\n", kind, SLOT,
                          tornadis_harness_redis_get_port (tornadis_harness_cluster_get_node (cluster, to)));
}

static guint
get_port (TornadisHarnessCluster *cluster,
          guint i)
{
  return tornadis_harness_redis_get_port (tornadis_harness_cluster_get_node (cluster, i));
}

/* Who has what, and that one node tells where a key is that it has not. */
static void
test_start (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 1, NULL);
  g_autofree char *elsewhere = moved (cluster, "MOVED", 1);
  g_autofree char *hosts = tornadis_harness_cluster_get_hosts (cluster, FALSE);
  g_auto (GStrv) each = g_strsplit (hosts, ",", -1);

  g_assert_cmpuint (tornadis_harness_cluster_get_n_nodes (cluster), ==, 6);
  g_assert_cmpuint (g_strv_length (each), ==, 6);
  g_assert_cmpint (tornadis_harness_cluster_find_slot (cluster, "k", NULL), ==, SLOT);
  for (guint i = 0; i < 6; i++)
    {
      g_autofree char *host = g_strdup_printf ("127.0.0.1:%u", get_port (cluster, i));

      g_assert_cmpstr (each[i], ==, host);
    }
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpuint (find_master (cluster, 16384 * i / 3), ==, i);
      g_assert_cmpuint (find_master (cluster, 16384 * (i + 1) / 3 - 1), ==, i);
      g_assert_cmpuint (find_replica (cluster, i), ==, 3 + i);
    }

  assert_reply (cluster, 1, "SET k v", "+OK\r\n");
  for (guint i = 0; i < 6; i++)
    if (i != 1)
      assert_reply (cluster, i, "GET k", elsewhere);
}

/* A master dies and comes back elsewhere as the replica of its heir. */
static void
test_kill (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 1, NULL);
  TornadisHarnessRedis *old = tornadis_harness_cluster_get_node (cluster, 1);
  guint port = get_port (cluster, 1);

  assert_reply (cluster, 1, "SET k v\nWAIT 1 0", ":1\r\n");
  tornadis_harness_redis_kill (old);
  g_assert_false (tornadis_harness_redis_is_running (old));
  assert_done (tornadis_harness_cluster_wait_for_master, cluster, 4);
  assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
  g_assert_cmpuint (find_master (cluster, SLOT), ==, 4);
  assert_reply (cluster, 4, "GET k", "$1\r\nv\r\n");

  assert_done (tornadis_harness_redis_move, old);
  g_assert_cmpuint (get_port (cluster, 1), !=, port);
  assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
  g_assert_cmpuint (find_replica (cluster, 4), ==, 1);
  assert_reply (cluster, 1, "READONLY\nGET k", "$1\r\nv\r\n");
}

/* A master sleeps until it has an heir. */
static void
test_pause (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 1, NULL);
  TornadisHarnessRedis *old = tornadis_harness_cluster_get_node (cluster, 0);

  tornadis_harness_redis_pause (old);
  assert_done (tornadis_harness_cluster_wait_for_master, cluster, 3);
  tornadis_harness_redis_resume (old);
  assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
  g_assert_cmpuint (find_replica (cluster, 3), ==, 0);
}

static void
test_failover (void)
{
  static const char *const ways[] = { "", "FORCE", "TAKEOVER" };
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 1, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      assert_done (tornadis_harness_cluster_failover, cluster, 3 + i, ways[i]);
      assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
      g_assert_cmpuint (find_master (cluster, 16384 * i / 3), ==, 3 + i);
      g_assert_cmpuint (find_replica (cluster, 3 + i), ==, i);
    }
}

/* The replica has been elected a moment ago: Redis does not do it at once. */
static void
test_failover_again (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 1, NULL);

  assert_done (tornadis_harness_cluster_failover, cluster, 3, "");
  assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
  assert_done (tornadis_harness_cluster_failover, cluster, 0, "TAKEOVER");
  assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
  assert_done (tornadis_harness_cluster_failover, cluster, 3, "");
  g_assert_cmpuint (find_master (cluster, 0), ==, 3);
}

/* What a thread that ends starts lives on. */
static gpointer
move_all (gpointer data)
{
  assert_done (tornadis_harness_cluster_move, data);
  return NULL;
}

static void
test_move (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 1, NULL);
  guint ports[6];

  for (guint i = 0; i < 6; i++)
    ports[i] = get_port (cluster, i);
  g_thread_join (g_thread_new ("move", move_all, cluster));
  for (guint i = 0; i < 6; i++)
    g_assert_cmpuint (get_port (cluster, i), !=, ports[i]);
  assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
  g_assert_cmpuint (find_master (cluster, SLOT), ==, 1);
  assert_reply (cluster, 1, "SET k v\nWAIT 1 0", ":1\r\n");
}

static void
test_migration (void)
{
  static const char *const args[] = { "--requirepass", "secret", "--masterauth", "secret", NULL };
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (2, 0, args);
  guint from = find_master (cluster, SLOT);
  guint to = 1 - from;
  g_autofree char *ask = moved (cluster, "ASK", to);
  g_autofree char *back = moved (cluster, "MOVED", from);
  g_autofree char *away = moved (cluster, "MOVED", to);
  int added;

  assert_reply (cluster, from, "SET k v", "+OK\r\n");
  assert_reply (cluster, from, "SET \"{k}\\r\\n\" w", "+OK\r\n");
  assert_done (tornadis_harness_cluster_begin_migration, cluster, SLOT, to);
  assert_reply (cluster, from, "GET k", "$1\r\nv\r\n");
  assert_reply (cluster, from, "GET {k}absent", ask);
  assert_reply (cluster, to, "GET k", back);
  g_assert_cmpint (tornadis_harness_cluster_migrate_keys (cluster, SLOT, to, 1, NULL), ==, 1);
  g_assert_cmpint (tornadis_harness_cluster_migrate_keys (cluster, SLOT, to, 100, NULL), ==, 1);
  g_assert_cmpint (tornadis_harness_cluster_migrate_keys (cluster, SLOT, to, 100, NULL), ==, 0);
  assert_reply (cluster, from, "GET k", ask);
  assert_reply (cluster, to, "ASKING\nGET k", "$1\r\nv\r\n");
  assert_reply (cluster, to, "ASKING\nGET \"{k}\\r\\n\"", "$1\r\nw\r\n");
  assert_done (tornadis_harness_cluster_end_migration, cluster, SLOT, to);
  assert_reply (cluster, from, "GET k", away);
  assert_reply (cluster, to, "GET k", "$1\r\nv\r\n");

  added = tornadis_harness_cluster_add_node (cluster, NULL);
  g_assert_cmpint (added, ==, 2);
  assert_done (tornadis_harness_cluster_migrate_slot, cluster, SLOT, 2);
  assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
  assert_reply (cluster, 2, "GET k", "$1\r\nv\r\n");
  assert_done (tornadis_harness_cluster_migrate_slot, cluster, SLOT, from);
  assert_done (tornadis_harness_cluster_remove_node, cluster, 2);
  assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
  assert_reply (cluster, from, "GET k", "$1\r\nv\r\n");
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *nodes = tornadis_harness_cluster_command (cluster, i, "CLUSTER NODES", NULL);

      g_assert_true ((strstr (nodes, tornadis_harness_cluster_get_node_id (cluster, 2)) != NULL) == FALSE);
    }
}

/* Begins to connect, which ends when a cable that is cut is mended. */
static GSocket *
begin_to_connect (TornadisHarnessCluster *cluster,
                  guint i)
{
  g_autoptr (GSocket) client = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", get_port (cluster, i));

  g_socket_set_blocking (client, FALSE);
  g_socket_connect (client, address, NULL, NULL);

  return g_steal_pointer (&client);
}

/* A master without the others: it says no after a time, and its heir takes over though it lives. */
static void
test_isolation (gconstpointer data)
{
  const guint alone[] = { 0 };
  gboolean clients = GPOINTER_TO_INT (data);
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 1, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *state = NULL;
  g_autoptr (GSocket) client = NULL;

  if (!tornadis_harness_cluster_isolate (cluster, alone, 1, clients, &error))
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
      g_test_skip (error->message);
      return;
    }
  client = begin_to_connect (cluster, 0);
  assert_done (tornadis_harness_cluster_wait_for_master, cluster, 3);
  assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
  state = tornadis_harness_cluster_command (cluster, 0, "CLUSTER INFO", NULL);
  g_assert_nonnull (strstr (state, "cluster_state:fail"));
  g_assert_cmpuint (g_socket_condition_check (client, G_IO_OUT), ==, clients ? 0 : G_IO_OUT);

  assert_done (tornadis_harness_cluster_heal, cluster);
  g_assert_true (g_socket_condition_wait (client, G_IO_OUT, NULL, &error));
  assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
  g_assert_cmpuint (find_replica (cluster, 3), ==, 0);
}

/* With TLS, and what the nodes say about themselves. */
static void
test_arguments (void)
{
  static const char *const args[] = {
    "--tls-cluster", "yes", "--tls-replication", "yes", "--cluster-announce-hostname", "node-{i}.test", "--cluster-preferred-endpoint-type", "hostname",
    NULL
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisHarnessCluster) cluster = tornadis_harness_cluster_new_tls (1, 1, args, &error);
  TornadisHarnessRedis *node;
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (GTlsDatabase) database = NULL;
  g_autofree char *path = NULL;
  g_autofree char *slots = NULL;

  g_assert_no_error (error);
  node = tornadis_harness_cluster_get_node (cluster, 1);
  path = tornadis_harness_redis_get_file (node, "ca.pem");
  database = g_tls_file_database_new (path, &error);
  g_assert_no_error (error);
  client = g_object_new (TORNADIS_TYPE_CLIENT,
                         "host", "localhost", "port", tornadis_harness_redis_get_tls_port (node),
                         "tls", TRUE, "tls-database", database,
                         NULL);
  slots = call_text (client, "CLUSTER", "SLOTS", NULL);
  g_assert_nonnull (strstr (slots, "node-0.test"));
  g_assert_nonnull (strstr (slots, "node-1.test"));
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/harness-cluster/start", test_start);
  g_test_add_func ("/harness-cluster/kill", test_kill);
  g_test_add_func ("/harness-cluster/pause", test_pause);
  g_test_add_func ("/harness-cluster/failover", test_failover);
  g_test_add_func ("/harness-cluster/failover-again", test_failover_again);
  g_test_add_func ("/harness-cluster/move", test_move);
  g_test_add_func ("/harness-cluster/migration", test_migration);
  g_test_add_data_func ("/harness-cluster/isolation", GINT_TO_POINTER (FALSE), test_isolation);
  g_test_add_data_func ("/harness-cluster/isolation-with-clients-elsewhere", GINT_TO_POINTER (TRUE), test_isolation);
  g_test_add_func ("/harness-cluster/arguments", test_arguments);

  return g_test_run ();
}
