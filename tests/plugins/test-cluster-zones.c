/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is known of the zones that nodes say they are in. */

#include "integration/util.h"

#include "cluster/cluster-zones.h"
#include "plugins/reply-text.h"

/* A node says so with its connection. */
static gboolean
tell (ClusterZones *zones,
      guint port,
      const char *replies,
      GError **error)
{
  g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", (guint16) port);
  g_autoptr (TornadisReply) reply = make_reply (replies);

  return TORNADIS_PLUGIN_GET_CLASS (zones)->setup_done (TORNADIS_PLUGIN (zones), client, reply, error);
}

static const char *
find (ClusterZones *zones,
      guint port)
{
  g_autofree char *key = g_strdup_printf ("127.0.0.1:%u", port);
  const ClusterNode node = { .key = key };

  return cluster_zones_find (zones, &node);
}

static void
test_told (void)
{
  g_autoptr (ClusterZones) zones = cluster_zones_new ();
  const ClusterNode named = { .key = (char *) "127.0.0.1:1", .zone = (char *) "of-the-cluster" };
  g_autoptr (GError) error = NULL;

  g_assert_null (find (zones, 1));
  g_assert_true (tell (zones, 1, "[+OK, '# Server\r\navailability_zone:z 1\r\nx:y\r\n']", NULL));
  g_assert_cmpstr (find (zones, 1), ==, "z 1");
  g_assert_cmpstr (cluster_zones_find (zones, &named), ==, "of-the-cluster");
  g_assert_true (tell (zones, 1, "[+OK, ='\navailability_zone:']", NULL));
  g_assert_cmpstr (find (zones, 1), ==, "");
  g_assert_true (tell (zones, 2, "[+OK, 'my_availability_zone:x\r\n']", NULL));
  g_assert_cmpstr (find (zones, 2), ==, "");
  g_assert_true (tell (zones, 3, "[+OK, -NOPERM no;]", NULL));
  g_assert_cmpstr (find (zones, 3), ==, "");
  g_assert_true (tell (zones, 4, "[+OK, 5]", NULL));
  g_assert_cmpstr (find (zones, 4), ==, "");
  g_assert_false (tell (zones, 5, "[-NOPERM no;, 'text']", &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_assert_null (find (zones, 5));
}

/* Any number of nodes may be named by redirections. */
static void
test_bounded (void)
{
  g_autoptr (ClusterZones) zones = cluster_zones_new ();
  g_autoptr (ClusterTopology) topology = NULL;
  g_autoptr (TornadisReply) reply =
    make_reply ("[{'slots': [0, 16383], 'nodes': [{'endpoint': '127.0.0.1', 'port': 7, 'role': 'master'}]}]");
  guint n = 0;

  for (guint i = 1; i <= 3000; i++)
    g_assert_true (tell (zones, i, "[+OK, '\navailability_zone:z\r\n']", NULL));
  for (guint i = 1; i <= 3000; i++)
    n += find (zones, i) != NULL;
  g_assert_cmpuint (n, ==, 2000);
  g_assert_true (tell (zones, 7, "[+OK, '\navailability_zone:other\r\n']", NULL));
  g_assert_cmpstr (find (zones, 7), ==, "other");

  topology = cluster_topology_new_from_shards (reply, "127.0.0.1", FALSE, NULL);
  cluster_zones_keep (zones, topology);
  for (guint i = 1; i <= 3000; i++)
    g_assert_cmpstr (find (zones, i), ==, i == 7 ? "other" : NULL);
  g_assert_true (tell (zones, 3000, "[+OK, '\navailability_zone:z\r\n']", NULL));
  g_assert_cmpstr (find (zones, 3000), ==, "z");
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cluster-zones/told", test_told);
  g_test_add_func ("/cluster-zones/bounded", test_bounded);

  return g_test_run ();
}
