/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* At which places masters are, and what is subscribed to there. */

#include "integration/util.h"

#include <string.h>

#include "cluster/cluster-notification.h"
#include "cluster/cluster-places.h"

/* A shard: its slots, and its nodes. */
static void
append_shard (GString *text,
              const char *slots,
              const char *const *nodes)
{
  guint n = g_strv_length ((char **) nodes);

  g_string_append (text, "*4\r\n+slots\r\n");
  if (*slots == '\0')
    g_string_append (text, "*0\r\n");
  else
    g_string_append_printf (text, "*2\r\n:%c\r\n:%c\r\n", slots[0], slots[2]);
  g_string_append_printf (text, "+nodes\r\n*%u\r\n", n);
  for (; *nodes != NULL; nodes++)
    {
      g_auto (GStrv) words = g_strsplit (*nodes, " ", 3);

      g_string_append_printf (text, "*10\r\n+endpoint\r\n+%s\r\n+port\r\n:1\r\n+role\r\n+%s\r\n+health\r\n+%s\r\n+replication-offset\r\n:1\r\n",
                              words[0], words[1], words[2]);
    }
}

/* Of shards, each of which is its slots and a node, and another that is there. */
static ClusterTopology *
make_topology (const char *const *shards)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GBytes) resp = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  ClusterTopology *topology;

  g_string_append_printf (text, "*%u\r\n", g_strv_length ((char **) shards) / 3);
  for (; *shards != NULL; shards += 3)
    append_shard (text, shards[0], (const char *[]){ shards[1], *shards[2] != '\0' ? shards[2] : NULL, NULL });
  resp = g_bytes_new (text->str, text->len);
  reply = tornadis_reply_new_from_resp (resp, &error);
  g_assert_no_error (error);
  topology = cluster_topology_new_from_shards (reply, "host", FALSE, &error);
  g_assert_no_error (error);

  return topology;
}

static void
assert_places (ClusterPlaces *places,
               const char *const *shards,
               const char *expected)
{
  g_autoptr (ClusterTopology) topology = make_topology (shards);
  g_autoptr (GString) text = g_string_new (NULL);

  cluster_places_update (places, topology);
  for (guint i = 0; i < cluster_places_get_n (places); i++)
    {
      const char *key = cluster_places_get_key (places, i);

      g_string_append_printf (text, "%s%.*s", i > 0 ? " " : "", key != NULL ? (int) strcspn (key, ":") : 1, key != NULL ? key : "-");
    }
  g_assert_cmpstr (text->str, ==, expected);
}

#define SHARDS(...) ((const char *[]){ __VA_ARGS__, NULL })

static void
test_places (void)
{
  ClusterPlaces *places = cluster_places_new ();

  cluster_places_update (places, NULL);
  g_assert_cmpuint (cluster_places_get_n (places), ==, 0);
  assert_places (places, SHARDS ("0 1", "a master online", "d replica online", "2 3", "b master online", ""), "a b");
  /* One that has no slots yet, which others come before. */
  assert_places (places, SHARDS ("0 1", "a master online", "d replica online", "2 3", "b master online", "", "", "z master online", ""),
                 "a b z");
  /* It fails, and nobody has its slots. */
  assert_places (places, SHARDS ("0 1", "a master fail", "d replica online", "2 3", "b master online", ""), "a b -");
  /* Its heir comes where it was. */
  assert_places (places, SHARDS ("0 1", "d master online", "a master fail", "2 3", "b master online", ""), "d b -");
  assert_places (places, SHARDS ("0 1", "d master online", "a replica online", "2 3", "b master online", ""), "d b -");
  /* By hand: for a moment not all know that a master is a replica now. */
  assert_places (places, SHARDS ("0 1", "a master online", "", "2 3", "b master online", "", "", "d master online", ""), "a b -");
  assert_places (places, SHARDS ("0 1", "a master online", "d replica online", "2 3", "b master online", ""), "a b -");
  /* One that has given its slots away has nothing to tell until it gets some. */
  assert_places (places, SHARDS ("0 3", "a master online", "", "", "b master online", ""), "a - -");
  assert_places (places, SHARDS ("0 1", "a master online", "", "2 3", "b master online", ""), "a b -");
  cluster_places_free (places);
}

static void
assert_one (TornadisSubscriptionKind kind,
            const char *name,
            gboolean expected)
{
  g_autoptr (GBytes) bytes = g_bytes_new (name, strlen (name));

  if (cluster_notification_is_one (kind, bytes) != expected)
    g_error ("%s", name);
}

static void
test_names (void)
{
  static const char *const both[] = { "__keyspace@0__:k", "__keyevent@15__:set", "__subkeyspace@0__:k", "__subkeyevent@0__:e",
                                      "__subkeyspaceitem@0__:k\ns", "__subkeyspaceevent@0__:e|k" };
  static const char *const patterns[] = { "__key*__:*", "__key*", "__keyspace*", "__keyspace?0__:*", "__subkey*", "__keys[op]ace@*" };
  static const char *const neither[] = { "", "*", "__*", "__ke*", "__keyboard", "__keyboard*", "keyspace@0__", "__keyspace", "__sub*" };

  for (guint i = 0; i < G_N_ELEMENTS (both); i++)
    {
      assert_one (TORNADIS_SUBSCRIPTION_KIND_CHANNEL, both[i], TRUE);
      assert_one (TORNADIS_SUBSCRIPTION_KIND_PATTERN, both[i], TRUE);
      assert_one (TORNADIS_SUBSCRIPTION_KIND_SHARD, both[i], FALSE);
    }
  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    {
      assert_one (TORNADIS_SUBSCRIPTION_KIND_PATTERN, patterns[i], TRUE);
      assert_one (TORNADIS_SUBSCRIPTION_KIND_CHANNEL, patterns[i], FALSE);
    }
  for (guint i = 0; i < G_N_ELEMENTS (neither); i++)
    {
      assert_one (TORNADIS_SUBSCRIPTION_KIND_PATTERN, neither[i], FALSE);
      assert_one (TORNADIS_SUBSCRIPTION_KIND_CHANNEL, neither[i], FALSE);
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cluster-places/places", test_places);
  g_test_add_func ("/cluster-places/names", test_names);

  return g_test_run ();
}
