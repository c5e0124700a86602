/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clusters that are set up otherwise, those of which nothing is left for a while, and who waits for a node when it goes. */

#include <string.h>

#include "integration/util.h"
#include "plugins/cluster-util.h"

#define N_KEYS 30

/* Keys of all nodes; whether anybody had to be told where one is. */
static void
assert_values (TornadisClient *client)
{
  for (guint i = 0; i < N_KEYS; i++)
    {
      g_autofree char *key = g_strdup_printf ("key:%u", i);
      g_autofree char *text = g_strdup_printf ("\"%s\"", key);

      assert_call (client, "OK", "SET", key, key, NULL);
      assert_call (client, text, "GET", key, NULL);
    }
}

/* Its keys go from one node to the other, of which the client knows nothing. */
static void
move_slot (TornadisHarnessCluster *cluster,
           const char *key)
{
  guint slot = (guint) tornadis_harness_cluster_find_slot (cluster, key, NULL);
  guint from = (guint) tornadis_harness_cluster_find_master (cluster, slot, NULL);

  assert_done (tornadis_harness_cluster_migrate_slot, cluster, slot, (from + 1) % 2);
}

/* The nodes speak TLS with each other too: else Redis 7 knows of no ports with TLS, and sends its clients to those without. */
static void
test_tls (void)
{
  static const char *const args[] = { "--tls-cluster", "yes", "--tls-replication", "yes", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisHarnessCluster) cluster = tornadis_harness_cluster_new_tls (2, 0, args, &error);
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (GTlsDatabase) database = NULL;
  g_autofree char *path = NULL;
  g_autofree char *hosts = NULL;
  g_autofree char *uri = NULL;

  g_assert_no_error (error);
  path = tornadis_harness_redis_get_file (tornadis_harness_cluster_get_node (cluster, 0), "ca.pem");
  database = g_tls_file_database_new (path, &error);
  g_assert_no_error (error);
  hosts = tornadis_harness_cluster_get_hosts (cluster, TRUE);
  uri = g_strconcat ("rediss-cluster://", hosts, NULL);
  client = tornadis_client_new_for_uri (uri, &error);
  g_assert_no_error (error);
  g_object_set (client, "tls-database", database, NULL);
  assert_values (client);
  g_assert_cmpuint (get_redirects (client), ==, 0);

  move_slot (cluster, "key:0");
  assert_values (client);
  g_assert_cmpuint (get_redirects (client), >, 0);
}

static void
test_password (void)
{
  static const char *const args[] = { "--requirepass", "secret", "--masterauth", "secret", NULL };
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (2, 0, args);
  g_autofree char *hosts = tornadis_harness_cluster_get_hosts (cluster, FALSE);
  g_autofree char *uri = g_strconcat ("redis-cluster://:secret@", hosts, NULL);
  g_autofree char *wrong = g_strconcat ("redis-cluster://:wrong@", hosts, NULL);
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri (uri, NULL);
  g_autoptr (TornadisClient) intruder = tornadis_client_new_for_uri (wrong, NULL);
  g_autoptr (TornadisClient) stranger = make_cluster_client (cluster, NULL);

  assert_values (client);
  assert_refused (intruder, "GET k", TORNADIS_ERROR_AUTHENTICATION, "WRONGPASS");
  assert_refused (stranger, "GET k", TORNADIS_ERROR_AUTHENTICATION, "NOAUTH");
}

/* Nodes that have no name of the kind that the cluster prefers, or say none at all. */
static void
test_endpoints (gconstpointer data)
{
  const char *const args[] = { "--cluster-preferred-endpoint-type", data, NULL };
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (2, 0, args);
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);

  assert_values (client);
  g_assert_cmpuint (get_redirects (client), ==, 0);
  move_slot (cluster, "key:0");
  move_slot (cluster, "key:1");
  assert_values (client);
  g_assert_cmpuint (get_redirects (client), >, 0);
}

/* A cluster has one database, but for Valkey 9. What the server says of it is said at once: no other node would know better. */
static void
test_database (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (1, 0, NULL);
  g_autofree char *hosts = tornadis_harness_cluster_get_hosts (cluster, FALSE);
  g_autofree char *first = g_strconcat ("redis-cluster://", hosts, "/0", NULL);
  g_autofree char *second = g_strconcat ("redis-cluster://", hosts, "/1", NULL);
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri (first, NULL);
  g_autoptr (TornadisClient) other = tornadis_client_new_for_uri (second, NULL);
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  assert_values (client);
  g_object_set (get_cluster_plugin (other), "failover-timeout-msec", G_MAXINT, NULL);
  reply = call (other, &error, "SET", "k", "v", NULL);
  if (reply == NULL)
    {
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
      g_assert_nonnull (strstr (error->message, "SELECT: ERR "));
    }
  else
    {
      assert_call (client, "(nil)", "GET", "k", NULL);
    }
}

/* A master dies that has no heir: of its slots nothing can be had, and of the others what the cluster is set up for. */
static void
test_no_heir (gconstpointer data)
{
  const char *const args[] = { "--cluster-require-full-coverage", data, NULL };
  gboolean others_work = g_str_equal (data, "no");
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (N_MASTERS, 0, args);
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, "failover-timeout-msec=60000");
  g_autofree char *dead = make_key (0, "key");
  g_autofree char *alive = make_key (1, "key");
  g_autofree char *get_dead = g_strdup_printf ("GET %s", dead);
  g_autofree char *get_alive = g_strdup_printf ("GET %s", alive);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "GET", dead, NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  gboolean is_down = FALSE;

  assert_values (client);
  tornadis_harness_redis_kill (tornadis_harness_cluster_get_node (cluster, 0));
  while (!is_down)
    {
      g_autofree char *nodes = node_command (cluster, 1, "CLUSTER NODES");

      is_down = strstr (nodes, "master,fail ") != NULL;
      spin_for (1);
    }

  g_object_set (get_cluster_plugin (client), "failover-timeout-msec", 300, NULL);
  assert_refused (client, get_dead, TORNADIS_ERROR_CONNECT, "");
  if (others_work)
    assert_line (client, get_alive, "(nil)");
  else
    assert_refused (client, get_alive, TORNADIS_ERROR_REPLY, "CLUSTERDOWN");

  /* It comes back elsewhere, without its keys; who waits until then is served. */
  g_object_set (get_cluster_plugin (client), "failover-timeout-msec", 60000, NULL);
  tornadis_client_call_async (client, command, NULL, store_result, &result);
  assert_done (tornadis_harness_redis_move, tornadis_harness_cluster_get_node (cluster, 0));
  reply = tornadis_client_call_finish (client, wait_for_result (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpint (tornadis_reply_get_kind (reply), ==, TORNADIS_REPLY_KIND_NIL);
  assert_values (client);
}

/* All are down, and then they are back where they were. */
static void
test_all_down (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (2, 0, NULL);
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, "failover-timeout-msec=100");
  g_autoptr (TornadisClient) late = make_cluster_client (cluster, NULL);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "GET", "k", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  assert_values (client);
  for (guint i = 0; i < 2; i++)
    tornadis_harness_redis_kill (tornadis_harness_cluster_get_node (cluster, i));
  wait_until (!tornadis_client_is_connected (client));
  assert_refused (client, "GET k", TORNADIS_ERROR_CONNECT, "");
  assert_refused (late, "GET k", TORNADIS_ERROR_CONNECT, "");

  g_object_set (get_cluster_plugin (client), "failover-timeout-msec", 60000, NULL);
  tornadis_client_call_async (client, command, NULL, store_result, &result);
  for (guint i = 0; i < 2; i++)
    assert_done (tornadis_harness_redis_restart, tornadis_harness_cluster_get_node (cluster, i));
  reply = tornadis_client_call_finish (client, wait_for_result (&result), &error);
  g_assert_no_error (error);
  assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
  assert_values (client);
  assert_values (late);
}

/* Tells of the cluster, as one that is asked by name and always stays. */
static void
tell (TornadisHarnessPeer *seed,
      TornadisHarnessCluster *cluster)
{
  static const char *const questions[] = { "CLUSTER SHARDS", "CLUSTER SLOTS", "COMMAND" };

  for (gsize i = 0; i < G_N_ELEMENTS (questions); i++)
    {
      g_autofree char *answer = node_command (cluster, 0, "%s", questions[i]);

      tornadis_harness_peer_set_answers (seed, questions[i], (const char *[]){ answer, NULL });
    }
}

/* All have moved, and but for the seed nobody is where he was. */
static void
test_all_moved (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (2, 0, NULL);
  g_autoptr (TornadisHarnessPeer) seed = make_peer ("handshake3\nserve\n");
  g_autofree char *uri = g_strdup_printf ("redis-cluster://127.0.0.1:%u", tornadis_harness_peer_get_port (seed));
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri (uri, NULL);

  tell (seed, cluster);
  assert_values (client);
  for (guint i = 0; i < 2; i++)
    {
      assert_done (tornadis_harness_cluster_move, cluster);
      tell (seed, cluster);
      g_object_set (get_cluster_plugin (client), "failover-timeout-msec", 60000, NULL);
      /* What a connection carried that is gone may be lost. */
      wait_until (!tornadis_client_is_connected (client));
      assert_values (client);
    }
}

static void
count_cb (guint *n)
{
  ++*n;
}

static int
find_listener (TornadisHarnessCluster *cluster)
{
  for (guint i = 0; i < tornadis_harness_cluster_get_n_nodes (cluster); i++)
    {
      g_autofree char *channels = tornadis_harness_cluster_command (cluster, i, "PUBSUB CHANNELS", NULL);

      if (channels != NULL && strstr (channels, "news") != NULL)
        return (int) i;
    }

  return -1;
}

/* The node of a subscription dies: there is a gap, and then another one has it. */
static void
test_listener (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (N_MASTERS, 1, NULL);
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);
  g_autofree char *uri = make_cluster_uri (cluster, NULL);
  g_autoptr (TornadisPubSubClient) listener = tornadis_pub_sub_client_new_for_uri (uri, NULL);
  g_autoptr (GAsyncResult) subscribed = NULL;
  g_autoptr (TornadisMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  guint n_gaps = 0;
  int before;

  g_signal_connect_swapped (listener, "gap", G_CALLBACK (count_cb), &n_gaps);
  tornadis_pub_sub_client_subscribe_async (listener, (const char *[]){ "news", NULL }, NULL, store_result, &subscribed);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (listener, wait_for_result (&subscribed), &error));
  g_assert_no_error (error);
  before = find_listener (cluster);
  g_assert_cmpint (before, >=, 0);
  tornadis_harness_redis_kill (tornadis_harness_cluster_get_node (cluster, (guint) before));
  wait_until (n_gaps == 1);
  wait_until (find_listener (cluster) >= 0);
  g_assert_cmpint (find_listener (cluster), !=, before);

  assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
  {
    g_autofree char *n G_GNUC_UNUSED = call_text (client, "PUBLISH", "news", "text", NULL);
  }
  message = pop_message (listener);
}

/* Calls that wait at a master that becomes a replica end with what it says: they have not run, but it is for the program to
 * know how long it still wants to wait. */
static void
test_blocked (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (N_MASTERS, 1, NULL);
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);
  g_autoptr (TornadisClient) waiter = make_cluster_client (cluster, NULL);
  g_autofree char *key = make_key (0, "list");
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "BLPOP", key, "0", NULL });

  for (guint heir = 0; heir < 2; heir++)
    {
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (TornadisReply) reply = NULL;
      g_autoptr (GError) error = NULL;

      tornadis_client_call_async (waiter, command, NULL, store_result, &result);
      wait_until (count_blocked (tornadis_harness_cluster_get_node (cluster, heir == 0 ? 0 : N_MASTERS)) == 1);
      if (heir == 0)
        assert_done (tornadis_harness_cluster_failover, cluster, N_MASTERS, "");
      else
        assert_call (client, "(integer) 1", "RPUSH", key, "value", NULL);
      reply = tornadis_client_call_finish (waiter, wait_for_result (&result), &error);
      if (heir == 0)
        {
          g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
          g_assert_true (g_str_has_prefix (error->message, "UNBLOCKED"));
        }
      else
        {
          g_assert_no_error (error);
        }
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cluster-settings/tls", test_tls);
  g_test_add_func ("/cluster-settings/password", test_password);
  g_test_add_data_func ("/cluster-settings/without-host-names", "hostname", test_endpoints);
  g_test_add_data_func ("/cluster-settings/unknown-endpoints", "unknown-endpoint", test_endpoints);
  g_test_add_func ("/cluster-settings/database", test_database);
  g_test_add_data_func ("/cluster-settings/no-heir", "yes", test_no_heir);
  g_test_add_data_func ("/cluster-settings/no-heir-and-others-work", "no", test_no_heir);
  g_test_add_func ("/cluster-settings/all-down", test_all_down);
  g_test_add_func ("/cluster-settings/all-moved", test_all_moved);
  g_test_add_func ("/cluster-settings/listener", test_listener);
  g_test_add_func ("/cluster-settings/blocked", test_blocked);

  return g_test_run ();
}
