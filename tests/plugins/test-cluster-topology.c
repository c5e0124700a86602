/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

#include "cluster/cluster-redirect.h"
#include "cluster/cluster-topology.h"
#include "plugins/reply-text.h"

#define HOST "asked"

static ClusterTopology *
from_shards (const char *text,
             gboolean use_tls)
{
  g_autoptr (TornadisReply) reply = make_reply (text);
  g_autoptr (TornadisReply) flat = flatten_reply (reply);
  g_autoptr (ClusterTopology) other = NULL;
  g_autoptr (GError) error = NULL;
  ClusterTopology *topology = cluster_topology_new_from_shards (reply, HOST, use_tls, &error);

  g_assert_no_error (error);
  other = cluster_topology_new_from_shards (flat, HOST, use_tls, &error);
  g_assert_no_error (error);
  g_assert_true (cluster_topology_equal (topology, other));

  return topology;
}

static ClusterTopology *
from_slots (const char *text)
{
  g_autoptr (TornadisReply) reply = make_reply (text);
  g_autoptr (GError) error = NULL;
  ClusterTopology *topology = cluster_topology_new_from_slots (reply, HOST, &error);

  g_assert_no_error (error);
  return topology;
}

static void
append_nodes (GString *text,
              const GPtrArray *nodes)
{
  for (guint i = 0; i < nodes->len; i++)
    g_string_append_printf (text, " %s", ((ClusterNode *) g_ptr_array_index (nodes, i))->key);
}

static char *
describe_slot (ClusterTopology *topology,
               guint slot)
{
  const ClusterNode *master = cluster_topology_get_master (topology, slot);
  GString *text = g_string_new (master != NULL ? master->key : "none");

  append_nodes (text, cluster_topology_get_replicas (topology, slot));
  return g_string_free (text, FALSE);
}

/* Each run of slots with its master and its replicas, but for those that are nobody's; then all nodes. */
static char *
describe (ClusterTopology *topology)
{
  static const char *const healths[] = { "failed", "loading", "online" };
  const GPtrArray *nodes = cluster_topology_get_nodes (topology);
  GString *text = g_string_new (NULL);
  guint begin = 0;

  for (guint slot = 1; slot <= CLUSTER_N_SLOTS; slot++)
    {
      g_autofree char *before = NULL;
      g_autofree char *here = NULL;

      /* Of one shard: there are too many to write them all down. */
      if (slot < CLUSTER_N_SLOTS && cluster_topology_get_replicas (topology, slot) == cluster_topology_get_replicas (topology, slot - 1))
        continue;

      before = describe_slot (topology, slot - 1);
      here = slot < CLUSTER_N_SLOTS ? describe_slot (topology, slot) : g_strdup ("");
      if (strcmp (before, here) == 0)
        continue;
      if (strcmp (before, "none") != 0)
        g_string_append_printf (text, "%u-%u %s\n", begin, slot - 1, before);
      begin = slot;
    }

  for (guint i = 0; i < nodes->len; i++)
    {
      const ClusterNode *node = g_ptr_array_index (nodes, i);

      g_string_append_printf (text, "%s %s %s%s%s\n", node->key, node->is_master ? "master" : "replica", healths[node->health],
                              node->zone != NULL ? " in " : "", node->zone != NULL ? node->zone : "");
      g_assert_true (cluster_topology_lookup (topology, node->host, node->port) == node);
      g_assert_true (cluster_topology_lookup_key (topology, node->key) == node);
    }

  return g_string_free (text, FALSE);
}

static void
assert_topology (ClusterTopology *topology,
                 const char *expected)
{
  g_autofree char *text = describe (topology);

  g_assert_cmpstr (text, ==, expected);
}

/* With a comma, which does no harm behind the last one. */
#define NODE(id, host, port, role, health)                                                            \
  "{'id': '" id "', 'port': " port ", 'ip': '" host "', 'endpoint': '" host "', 'role': '" role "', " \
  "'replication-offset': 7, 'health': '" health "'}, "

static void
test_shards (void)
{
  g_autofree char *shards = g_strconcat ("[{'slots': [0, 99, 200, 16383], 'nodes': [",
                                         NODE ("a", "10.0.0.1", "1", "master", "online"),
                                         NODE ("b", "10.0.0.2", "2", "replica", "online"),
                                         NODE ("c", "10.0.0.3", "3", "replica", "loading"),
                                         NODE ("d", "10.0.0.0", "4", "replica", "online"),
                                         "]}, {'slots': [100, 199], 'nodes': [",
                                         NODE ("e", "2001:db8::1", "5", "master", "online"),
                                         NODE ("f", "10.0.0.6", "6", "replica", "fail"),
                                         "]}, {'slots': [], 'nodes': [",
                                         NODE ("g", "10.0.0.7", "7", "master", "online"),
                                         "]}]",
                                         NULL);
  g_autoptr (ClusterTopology) topology = from_shards (shards, FALSE);
  g_autofree char *masters = NULL;
  GString *text = g_string_new (NULL);

  assert_topology (topology,
                   "0-99 10.0.0.1:1 10.0.0.0:4 10.0.0.2:2\n"
                   "100-199 [2001:db8::1]:5\n"
                   "200-16383 10.0.0.1:1 10.0.0.0:4 10.0.0.2:2\n"
                   "10.0.0.0:4 replica online\n"
                   "10.0.0.1:1 master online\n"
                   "10.0.0.2:2 replica online\n"
                   "10.0.0.3:3 replica loading\n"
                   "10.0.0.6:6 replica failed\n"
                   "10.0.0.7:7 master online\n"
                   "[2001:db8::1]:5 master online\n");
  g_assert_cmpuint (cluster_topology_get_n_slots (topology), ==, CLUSTER_N_SLOTS);
  g_assert_cmpstr (cluster_topology_lookup (topology, "10.0.0.1", 1)->id, ==, "a");
  g_assert_cmpstr (cluster_topology_lookup (topology, "2001:DB8::1", 5)->host, ==, "2001:db8::1");
  g_assert_null (cluster_topology_lookup (topology, "10.0.0.1", 2));
  g_assert_null (cluster_topology_lookup_key (topology, "10.0.0.1"));

  append_nodes (text, cluster_topology_get_masters (topology));
  masters = g_string_free (text, FALSE);
  g_assert_cmpstr (masters, ==, " 10.0.0.1:1 [2001:db8::1]:5");
}

static void
test_slots (void)
{
  g_autoptr (ClusterTopology) topology = from_slots (
    "[[200, 16383, ['h1', 1, 'a', []], ['h2', 2, 'b', []]], [0, 99, ['h1', 1, 'a'], ['h2', 2]], [100, 199, ['h3', 3]]]");
  g_autoptr (ClusterTopology) same = NULL;
  g_autofree char *shards = g_strconcat ("[{'slots': [100, 199], 'nodes': [{'endpoint': 'h3', 'port': 3, 'role': 'master'}]}, ",
                                         "{'slots': [0, 99, 200, 16383], 'nodes': [",
                                         NODE ("b", "h2", "2", "replica", "online"),
                                         NODE ("a", "h1", "1", "master", "online"),
                                         "]}]",
                                         NULL);

  assert_topology (topology,
                   "0-99 h1:1 h2:2\n100-199 h3:3\n200-16383 h1:1 h2:2\n"
                   "h1:1 master online\nh2:2 replica online\nh3:3 master online\n");
  same = from_shards (shards, FALSE);
  g_assert_true (cluster_topology_equal (topology, same));
}

/* After a failover, Redis 8 and Valkey 8 leave the master that is dead in its shard. */
static void
test_two_masters (void)
{
  static const struct
  {
    const char *health[2];
    const char *offset[2];
    const char *expected;
  } cases[] = {
    { { "fail", "online" }, { "9", "1" }, "h2:2" },
    { { "online", "fail" }, { "1", "9" }, "h1:1" },
    { { "fail", "loading" }, { "9", "1" }, "h2:2" },
    { { "online", "loading" }, { "1", "9" }, "h1:1" },
    /* It came back, and does not know yet. */
    { { "online", "online" }, { "1", "9" }, "h2:2" },
    { { "online", "online" }, { "9", "1" }, "h1:1" },
    { { "online", "online" }, { "1", "1" }, "h1:1" },
    { { "fail", "fail" }, { "1", "1" }, "h1:1" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strdup_printf (
        "[{'slots': [0, 16383], 'nodes': ["
        "{'endpoint': 'h1', 'port': 1, 'role': 'master', 'health': '%s', 'replication-offset': %s}, "
        "{'endpoint': 'h2', 'port': 2, 'role': 'master', 'health': '%s', 'replication-offset': %s}]}]",
        cases[i].health[0], cases[i].offset[0], cases[i].health[1], cases[i].offset[1]);
      g_autoptr (ClusterTopology) topology = from_shards (text, FALSE);
      g_autofree char *slot = describe_slot (topology, 5);

      g_assert_cmpstr (slot, ==, cases[i].expected);
      g_assert_cmpuint (cluster_topology_get_masters (topology)->len, ==, 1);
      g_assert_cmpuint (cluster_topology_get_nodes (topology)->len, ==, 2);
    }
}

static void
test_endpoints (void)
{
  static const struct
  {
    const char *shards;
    const char *slots;
    const char *expected; /* NULL: the node is left out */
  } cases[] = {
    { "'endpoint': 'name', 'ip': '10.0.0.1'", "'name'", "name:1" },
    { "'endpoint': null, 'ip': '10.0.0.1', 'hostname': 'name'", "null", "asked:1" },
    { "'ip': '10.0.0.1'", "null", "asked:1" },
    { "'endpoint': '', 'ip': ''", "''", "asked:1" },
    { "'endpoint': '', 'ip': '10.0.0.1'", "''", "10.0.0.1:1" },
    { "'endpoint': '?', 'ip': '10.0.0.1'", "'?'", "10.0.0.1:1" },
    { "'endpoint': '?', 'ip': '10.0.0.1', 'hostname': ''", "'?'", "10.0.0.1:1" },
    { "'endpoint': '?', 'ip': '10.0.0.1', 'hostname': 'name'", "'?'", "name:1" },
    { "'endpoint': '?', 'ip': '?', 'hostname': 5", "'?'", "asked:1" },
    { "'endpoint': '?', 'ip': ['10.0.0.1']", "'?'", "asked:1" },
    { "'endpoint': 'Name.Example.COM'", "'Name.Example.COM'", "name.example.com:1" },
    { "'endpoint': '::1'", "'::1'", "[::1]:1" },
    { "'endpoint': '[::1]'", "'[::1]'", NULL },
    { "'endpoint': 'a b'", "'a b'", NULL },
    { "'endpoint': 'a:1'", "'a:1'", NULL },
    { "'endpoint': 5", "5", NULL },
    { "'endpoint': ['h']", "['h']", NULL },
    { "'endpoint': -ERR no; ", "-ERR no; ", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *shards = g_strdup_printf ("[{'slots': [0, 16383], 'nodes': [{%s, 'port': 1, 'role': 'master'}]}]", cases[i].shards);
      g_autofree char *slots = g_strdup_printf ("[[0, 16383, [%s, 1, 'id', {%s}]]]", cases[i].slots, cases[i].shards);
      g_autofree char *expected = cases[i].expected != NULL ? g_strdup (cases[i].expected) : g_strdup ("none");
      g_autoptr (ClusterTopology) by_shards = from_shards (shards, FALSE);
      g_autoptr (ClusterTopology) by_slots = from_slots (slots);
      g_autofree char *shards_slot = describe_slot (by_shards, 0);
      g_autofree char *slots_slot = describe_slot (by_slots, 16383);

      g_test_message ("%s", shards);
      g_assert_cmpstr (shards_slot, ==, expected);
      g_assert_cmpstr (slots_slot, ==, expected);
      g_assert_cmpuint (cluster_topology_get_n_slots (by_slots), ==, cases[i].expected != NULL ? CLUSTER_N_SLOTS : 0);
    }
}

static void
test_ports (void)
{
#define PORTS(one, two)                                                                                                        \
  "[{'slots': [0, 16383], 'nodes': [{'endpoint': 'h1', 'role': 'master', " one "}, {'endpoint': 'h2', 'role': 'replica', " two \
  "}]}]"
  static const struct
  {
    const char *shards;
    gboolean use_tls;
    const char *expected;
  } cases[] = {
    { PORTS ("'port': 1, 'tls-port': 11", "'port': 2, 'tls-port': 12"), FALSE, "h1:1 h2:2" },
    { PORTS ("'port': 1, 'tls-port': 11", "'port': 2, 'tls-port': 12"), TRUE, "h1:11 h2:12" },
    { PORTS ("'port': 1, 'tls-port': 11", "'port': 2"), TRUE, "h1:11" },
    { PORTS ("'port': 1", "'port': 2, 'tls-port': 12"), TRUE, "none h2:12" },
    { PORTS ("'port': 1", "'tls-port': 12"), FALSE, "h1:1" },
    /* Nobody knows of TLS, and yet it is spoken. */
    { PORTS ("'port': 1", "'port': 2"), TRUE, "h1:1 h2:2" },
    { PORTS ("'port': 1, 'tls-port': 0", "'port': 2, 'tls-port': 65536"), TRUE, "h1:1 h2:2" },
    { PORTS ("'port': 0", "'port': 65535"), FALSE, "none h2:65535" },
    { PORTS ("'port': 65536", "'port': -1"), FALSE, "none" },
    { PORTS ("'port': 65537", "'port': 9223372036854775807"), FALSE, "none" },
    { PORTS ("'port': '1'", "'port': null"), FALSE, "none" },
    { PORTS ("'port': [1]", "'port': 1.0"), FALSE, "none" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ClusterTopology) topology = from_shards (cases[i].shards, cases[i].use_tls);
      g_autofree char *slot = describe_slot (topology, 0);

      g_test_message ("%s", cases[i].shards);
      g_assert_cmpstr (slot, ==, cases[i].expected);
    }
}

/* Nodes of which something is wrong are left out, or are not read from. */
static void
test_odd_nodes (void)
{
  g_autoptr (ClusterTopology) topology = from_shards (
    "[{'what': 1, 'slots': [0, 16383], 'nodes': [1, null, [], {}, 'text', ~['role', 'master'], {'role': 'master'}, "
    "{'endpoint': 'h1', 'port': 1}, {'endpoint': 'h2', 'port': 2, 'role': 'handshake'}, {'endpoint': 'h3', 'port': 3, 'role': 3}, "
    "{'endpoint': 'h4', 'port': 4, 'role': 'replica', 'health': 'new word'}, "
    "{'endpoint': 'h5', 'port': 5, 'role': 'replica', 'health': null}, "
    "{'endpoint': 'h6', 'port': 6, 'role': 'slave', 'id': 6, 'availability-zone': ''}, "
    "{'endpoint': 'h7', 'port': 7, 'role': 'primary', 'health': 'online', 'replication-offset': 'x', 'availability-zone': 'zone-a'}, "
    "{'endpoint': 'h6', 'port': 6, 'role': 'replica'}]}]",
    FALSE);
  g_autoptr (ClusterTopology) slots = from_slots (
    "[[0, 1, null, ['h2', 2, 'id', ['availability-zone', 'zone-b']], ['h3', 0], 5], [3, 4, ['h4', 4, 4, {'ip': 4}], ['h2', 2]]]");

  assert_topology (topology,
                   "0-16383 h7:7 h6:6\nh4:4 replica failed\nh5:5 replica failed\nh6:6 replica online\nh7:7 master online in zone-a\n");
  assert_topology (slots, "0-1 none h2:2\n3-4 h4:4 h2:2\nh2:2 replica online in zone-b\nh4:4 master online\n");
  g_assert_cmpuint (cluster_topology_get_n_slots (slots), ==, 2);
  g_assert_cmpuint (cluster_topology_get_masters (slots)->len, ==, 1);
}

/* A node was lost, and another started at its address: the cluster remembers both. And all may be behind one address. */
static void
test_same_address (void)
{
  g_autofree char *shards = g_strconcat ("[{'slots': [0, 16383], 'nodes': [",
                                         NODE ("a", "h1", "1", "master", "online"),
                                         NODE ("old", "h2", "2", "replica", "fail"),
                                         "]}, {'slots': [], 'nodes': [",
                                         NODE ("new", "h2", "2", "master", "online"),
                                         "]}]",
                                         NULL);
  g_autoptr (ClusterTopology) restarted = from_shards (shards, FALSE);
  g_autoptr (ClusterTopology) behind_one = from_slots ("[[0, 99, [null, 1, 'a']], [100, 16383, [null, 1, 'b']]]");

  assert_topology (restarted, "0-16383 h1:1\nh1:1 master online\nh2:2 master online\n");
  g_assert_cmpstr (cluster_topology_lookup (restarted, "h2", 2)->id, ==, "new");
  assert_topology (behind_one, "0-16383 asked:1\nasked:1 master online\n");
}

static void
test_empty (void)
{
  g_autoptr (ClusterTopology) shards = from_shards ("[{'slots': [], 'nodes': [" NODE ("a", "h", "1", "master", "online") "]}]", FALSE);
  g_autoptr (ClusterTopology) slots = from_slots ("[]");

  assert_topology (shards, "h:1 master online\n");
  g_assert_cmpuint (cluster_topology_get_n_slots (shards), ==, 0);
  g_assert_cmpuint (cluster_topology_get_masters (shards)->len, ==, 0);
  assert_topology (slots, "");
}

#define MASTER "[{'endpoint': 'h', 'port': 1, 'role': 'master'}]"

static void
test_malformed (void)
{
  static const char *const shards[] = {
    "null",
    "5",
    "+OK",
    "-ERR unknown command",
    "'text'",
    "{'slots': [0, 1]}",
    "~[]",
    "[1]",
    "[null]",
    "[[]]",
    "[{}]",
    "[[1, 2]]",
    "[{'slots': [0, 1]}]",
    "[{'nodes': " MASTER "}]",
    "[{'slots': 1, 'nodes': " MASTER "}]",
    "[{'slots': null, 'nodes': " MASTER "}]",
    "[{'slots': [0, 1], 'nodes': {}}]",
    "[{'slots': [0, 1], 'nodes': 'h'}]",
    "[{'slots': [0], 'nodes': " MASTER "}]",
    "[{'slots': [0, 1, 5], 'nodes': " MASTER "}]",
    "[{'slots': [[0, 1]], 'nodes': " MASTER "}]",
    "[{'slots': [[0, 1], [2, 3]], 'nodes': " MASTER "}]",
    "[{'slots': ['0', '1'], 'nodes': " MASTER "}]",
    "[{'slots': [0.0, 1.0], 'nodes': " MASTER "}]",
    "[{'slots': [null, null], 'nodes': " MASTER "}]",
    "[{'slots': [1, 0], 'nodes': " MASTER "}]",
    "[{'slots': [-1, 0], 'nodes': " MASTER "}]",
    "[{'slots': [0, 16384], 'nodes': " MASTER "}]",
    "[{'slots': [16384, 16384], 'nodes': " MASTER "}]",
    "[{'slots': [0, 9223372036854775807], 'nodes': " MASTER "}]",
    "[{'slots': [-9223372036854775808, 5], 'nodes': " MASTER "}]",
    "[{'slots': [0, 5, 5, 9], 'nodes': " MASTER "}]",
    "[{'slots': [0, 5], 'nodes': " MASTER "}, {'slots': [5, 9], 'nodes': " MASTER "}]",
    "[{'slots': [0, 5], 'nodes': []}, {'slots': [0, 5], 'nodes': []}]",
  };
  static const char *const slots[] = {
    "null",
    "5",
    "-ERR unknown command",
    "{}",
    "[1]",
    "[null]",
    "[[]]",
    "[{}]",
    "[[0, 1]]",
    "[[0]]",
    "[['0', '1', ['h', 1]]]",
    "[[['h', 1], 0, 1]]",
    "[[1, 0, ['h', 1]]]",
    "[[-1, 0, ['h', 1]]]",
    "[[0, 16384, ['h', 1]]]",
    "[[0, 5, ['h', 1]], [5, 6, ['h', 1]]]",
    "[[0, 5, ['h', 1]], [5, 6, ['other', 1]]]",
    "[[0, 5, ['h', 1]], [0, 5]]",
    "[>[0, 5, ['h', 1]]]",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (shards); i++)
    {
      g_autoptr (TornadisReply) reply = make_reply (shards[i]);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", shards[i]);
      g_assert_null (cluster_topology_new_from_shards (reply, HOST, i % 2 == 0, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (slots); i++)
    {
      g_autoptr (TornadisReply) reply = make_reply (slots[i]);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", slots[i]);
      g_assert_null (cluster_topology_new_from_slots (reply, HOST, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
    }
}

/* Bytes that make_reply() has no words for. */
static void
test_odd_hosts (void)
{
  g_autofree char *long_name = g_strnfill (1024 * 1024, 'h');
  g_autofree char *longest_name = g_strnfill (255, 'h');
  const struct
  {
    const char *data;
    gsize length;
    gboolean valid;
  } hosts[] = {
    { "h\0i", 3, FALSE },
    { "\0", 1, FALSE },
    { "\xff\xfe", 2, FALSE },
    { long_name, strlen (long_name), FALSE },
    { long_name, 256, FALSE },
    { longest_name, 255, TRUE },
    { "h\n", 2, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (hosts[i].data, hosts[i].length);
      g_autoptr (TornadisReply) host = tornadis_reply_new_string (bytes);
      g_autoptr (TornadisReply) port = make_reply ("1");
      g_autoptr (TornadisReply) last = make_reply ("16383");
      g_autoptr (TornadisReply) node = tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, (TornadisReply *[]){ host, port }, 2);
      g_autoptr (TornadisReply) range =
        tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, (TornadisReply *[]){ port, last, node }, 3);
      g_autoptr (TornadisReply) reply = tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, &range, 1);
      g_autoptr (GError) error = NULL;
      g_autoptr (ClusterTopology) topology = cluster_topology_new_from_slots (reply, HOST, &error);

      g_assert_no_error (error);
      g_assert_cmpint (cluster_topology_get_master (topology, 1) != NULL, ==, hosts[i].valid);
    }
}

/* The list of @n replies, each of which @make makes (transfer full). */
static TornadisReply *
make_list (guint n,
           TornadisReply *(*make) (guint i))
{
  g_autoptr (GPtrArray) elements = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_reply_unref);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (elements, make (i));

  return tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, (TornadisReply **) elements->pdata, n);
}

static TornadisReply *
make_range (guint i)
{
  g_autofree char *text = g_strdup_printf ("[%u, %u, ['h', %u]]", i, i, i % 5000 + 1);

  return make_reply (text);
}

static TornadisReply *
make_shard (guint i)
{
  g_autofree char *text =
    g_strdup_printf ("{'slots': [%u, %u], 'nodes': [{'endpoint': 'h', 'port': %u, 'role': 'master'}]}", i, i, i % 5000 + 1);

  return make_reply (text);
}

static TornadisReply *
make_empty_shard (guint i)
{
  return make_reply ("{'slots': [], 'nodes': []}");
}

/* Each slot a range of its own, and nodes by the thousands. */
static void
test_many (void)
{
  g_autoptr (TornadisReply) slots = make_list (CLUSTER_N_SLOTS, make_range);
  g_autoptr (TornadisReply) shards = make_list (CLUSTER_N_SLOTS, make_shard);
  g_autoptr (TornadisReply) too_many = make_list (G_MAXUINT16 + 1, make_empty_shard);
  g_autoptr (TornadisReply) just_enough = make_list (G_MAXUINT16, make_empty_shard);
  g_autoptr (ClusterTopology) by_slots = NULL;
  g_autoptr (ClusterTopology) by_shards = NULL;
  g_autoptr (ClusterTopology) empty = NULL;
  g_autoptr (GError) error = NULL;

  by_slots = cluster_topology_new_from_slots (slots, HOST, &error);
  g_assert_no_error (error);
  by_shards = cluster_topology_new_from_shards (shards, HOST, FALSE, &error);
  g_assert_no_error (error);
  g_assert_true (cluster_topology_equal (by_slots, by_shards));
  g_assert_cmpuint (cluster_topology_get_nodes (by_slots)->len, ==, 5000);
  g_assert_cmpuint (cluster_topology_get_masters (by_slots)->len, ==, 5000);
  g_assert_cmpuint (cluster_topology_get_master (by_slots, 16383)->port, ==, 16383 % 5000 + 1);

  empty = cluster_topology_new_from_shards (just_enough, HOST, FALSE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (cluster_topology_get_n_slots (empty), ==, 0);
  g_assert_null (cluster_topology_new_from_shards (too_many, HOST, FALSE, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
}

static void
test_equal (void)
{
  static const char *const texts[] = {
    "[[0, 16383, ['a', 1, 'id'], ['b', 2, 'id2']]]",
    "[[0, 16383, ['a', 1, 'id']]]",
    "[[0, 16382, ['a', 1, 'id'], ['b', 2, 'id2']]]",
    "[[0, 16383, ['b', 2, 'id2'], ['a', 1, 'id']]]",
    "[[0, 16383, ['a', 1, 'other'], ['b', 2, 'id2']]]",
    "[[0, 16383, ['a', 1, 'id'], ['b', 3, 'id2']]]",
    "[[0, 16383, ['a', 1, 'id', {'availability-zone': 'z'}], ['b', 2, 'id2']]]",
    "[[0, 99, ['a', 1, 'id'], ['b', 2, 'id2']], [100, 16383, ['a', 1, 'id']]]",
    "[[0, 99, ['a', 1, 'id']], [100, 16383, ['a', 1, 'id'], ['b', 2, 'id2']]]",
    "[]",
  };
  g_autoptr (ClusterTopology) pieces = from_slots (
    "[[100, 16383, ['a', 1, 'id'], ['b', 2, 'id2']], [0, 99, ['a', 1, 'id'], ['b', 2, 'id2'], ['b', 2, 'id2']]]");

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (ClusterTopology) one = from_slots (texts[i]);

      g_assert_cmpint (cluster_topology_equal (one, pieces), ==, i == 0);
      g_assert_cmpint (cluster_topology_equal (pieces, one), ==, i == 0);
      for (gsize j = 0; j < G_N_ELEMENTS (texts); j++)
        {
          g_autoptr (ClusterTopology) other = from_slots (texts[j]);

          g_assert_cmpint (cluster_topology_equal (one, other), ==, i == j);
        }
    }
}

/* The last reference goes after the first. */
static void
test_references (void)
{
  ClusterTopology *topology = from_slots ("[[0, 16383, ['a', 1]]]");
  g_autoptr (ClusterTopology) kept = cluster_topology_ref (topology);

  cluster_topology_unref (topology);
  g_assert_true (cluster_topology_equal (kept, kept));
  assert_topology (kept, "0-16383 a:1\na:1 master online\n");
}

static TornadisReply *
make_odd_reply (void)
{
  static const char *const odd[] = {
    "0",
    "-1",
    "1",
    "16383",
    "16384",
    "9223372036854775807",
    "null",
    "''",
    "'?'",
    "[]",
    "{}",
    "[1]",
    "'master'",
    "true",
    "1.5",
    "-ERR x",
    "'fail'",
    "~[1]",
  };

  return make_reply (odd[g_test_rand_int_range (0, G_N_ELEMENTS (odd))]);
}

static void
test_mutated (void)
{
  g_autofree char *text = g_strconcat ("[{'slots': [0, 99, 200, 16383], 'nodes': [",
                                       NODE ("a", "h1", "1", "master", "online"),
                                       NODE ("b", "h2", "2", "replica", "online"),
                                       "]}, {'slots': [100, 199], 'nodes': [",
                                       NODE ("e", "h5", "5", "master", "online"),
                                       NODE ("f", "h6", "6", "replica", "fail"),
                                       "]}]",
                                       NULL);
  g_autoptr (TornadisReply) shards = make_reply (text);
  g_autoptr (TornadisReply) slots = make_reply (
    "[[0, 99, ['h1', 1, 'a', {'ip': '1.1.1.1'}], ['h2', 2, 'b', []]], [100, 199, ['h3', 3]], [200, 16383, ['h1', 1, 'a']]]");
  guint understood = 0;

  for (guint round = 0; round < 2000; round++)
    {
      g_autoptr (TornadisReply) reply = mutate_reply (round % 2 == 0 ? shards : slots, 5 + (int) round % 40, make_odd_reply);
      g_autoptr (GError) error = NULL;
      g_autoptr (ClusterTopology) topology = round % 2 == 0 ? cluster_topology_new_from_shards (reply, HOST, round % 4 == 0, &error)
                                                            : cluster_topology_new_from_slots (reply, HOST, &error);

      if (topology == NULL)
        {
          g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
          continue;
        }
      g_assert_no_error (error);
      understood++;
      if (round % 20 < 2)
        g_free (describe (topology));
    }
  g_assert_cmpuint (understood, >, 0);
}

/* What a real node says, in both protocols. */
static TornadisReply *
ask (TornadisHarnessRedis *redis,
     const char *subcommand,
     TornadisProtocol protocol)
{
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (redis));
  g_autoptr (GError) error = NULL;
  TornadisReply *reply;

  g_object_set (client, "protocol", protocol, NULL);
  reply = call (client, &error, "CLUSTER", subcommand, NULL);
  g_assert_no_error (error);
  assert_client_finalized (client);

  return reply;
}

static ClusterTopology *
ask_topology (TornadisHarnessRedis *redis,
              gboolean slots,
              TornadisProtocol protocol)
{
  g_autoptr (TornadisReply) reply = ask (redis, slots ? "SLOTS" : "SHARDS", protocol);
  g_autoptr (GError) error = NULL;
  ClusterTopology *topology = slots ? cluster_topology_new_from_slots (reply, "127.0.0.1", &error)
                                    : cluster_topology_new_from_shards (reply, "127.0.0.1", FALSE, &error);

  g_assert_no_error (error);
  return topology;
}

static gboolean
knows_all (TornadisHarnessRedis *redis,
           guint n_replicas)
{
  g_autoptr (ClusterTopology) shards = ask_topology (redis, FALSE, TORNADIS_PROTOCOL_AUTO);

  return cluster_topology_get_n_slots (shards) == CLUSTER_N_SLOTS && cluster_topology_get_nodes (shards)->len == 3 &&
         cluster_topology_get_replicas (shards, 0)->len == n_replicas;
}

/* CLUSTER SLOTS does not name a node that has none, nor a replica that is loading. */
static gboolean
says_the_same (TornadisHarnessRedis *redis)
{
  g_autoptr (ClusterTopology) shards = ask_topology (redis, FALSE, TORNADIS_PROTOCOL_AUTO);
  g_autoptr (ClusterTopology) slots = ask_topology (redis, TRUE, TORNADIS_PROTOCOL_AUTO);

  return cluster_topology_equal (shards, slots);
}

static gboolean
is_ok (TornadisHarnessRedis *redis,
       const char *line)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = tornadis_harness_redis_command (redis, line, &error);

  g_assert_no_error (error);
  return g_str_has_prefix (answer, "+OK");
}

/* Two masters and a replica; all say the same, and what a redirection names is among it. */
static void
test_real (void)
{
  static const char *const args[] = { "--cluster-enabled", "yes", "--cluster-node-timeout", "30000", NULL };
  TornadisHarnessRedis *redis[3];
  g_autoptr (ClusterTopology) topology = NULL;
  g_autoptr (TornadisReply) id = NULL;
  g_autofree char *replicate = NULL;
  g_autofree char *moved = NULL;
  g_autoptr (GError) error = NULL;
  const ClusterNode *node;
  ClusterRedirect redirect;

  for (guint i = 0; i < 3; i++)
    {
      redis[i] = tornadis_harness_redis_new (args, &error);
      g_assert_no_error (error);
    }

  g_assert_true (is_ok (redis[0], "CLUSTER ADDSLOTSRANGE 0 99 200 8000"));
  g_assert_true (is_ok (redis[1], "CLUSTER ADDSLOTSRANGE 100 199 8001 16383"));
  for (guint i = 1; i < 3; i++)
    {
      g_autofree char *meet = g_strdup_printf ("CLUSTER MEET 127.0.0.1 %u", tornadis_harness_redis_get_port (redis[i]));

      g_assert_true (is_ok (redis[0], meet));
    }
  for (guint i = 0; i < 3; i++)
    wait_until (knows_all (redis[i], 0));

  id = ask (redis[0], "MYID", TORNADIS_PROTOCOL_AUTO);
  replicate = g_strdup_printf ("CLUSTER REPLICATE %s", tornadis_reply_get_text (id));
  g_assert_true (is_ok (redis[2], replicate));
  /* A replica is loading until it has an offset; and a cluster is down for a while after it is up. */
  wait_until (is_ok (redis[0], "SET {8f}x value"));
  for (guint i = 0; i < 3; i++)
    wait_until (knows_all (redis[i], 1) && says_the_same (redis[i]));

  topology = ask_topology (redis[0], FALSE, TORNADIS_PROTOCOL_AUTO);
  g_assert_cmpuint (cluster_topology_get_nodes (topology)->len, ==, 3);
  g_assert_cmpuint (cluster_topology_get_masters (topology)->len, ==, 2);
  for (guint i = 0; i < 3; i++)
    {
      for (guint j = 0; j < 4; j++)
        {
          g_autoptr (ClusterTopology) other =
            ask_topology (redis[i], j % 2 == 1, j < 2 ? TORNADIS_PROTOCOL_RESP2 : TORNADIS_PROTOCOL_RESP3);

          g_assert_true (cluster_topology_equal (topology, other));
        }
    }

  node = cluster_topology_get_master (topology, 0);
  g_assert_cmpuint (node->port, ==, tornadis_harness_redis_get_port (redis[0]));
  g_assert_cmpstr (node->id, ==, tornadis_reply_get_text (id));
  node = cluster_topology_get_master (topology, 150);
  g_assert_cmpuint (node->port, ==, tornadis_harness_redis_get_port (redis[1]));
  node = g_ptr_array_index (cluster_topology_get_replicas (topology, 0), 0);
  g_assert_cmpuint (node->port, ==, tornadis_harness_redis_get_port (redis[2]));
  g_assert_cmpuint (cluster_topology_get_replicas (topology, 150)->len, ==, 0);

  moved = tornadis_harness_redis_command (redis[0], "GET foo", &error);
  g_assert_no_error (error);
  g_assert_cmpint (moved[0], ==, '-');
  g_assert_cmpint (cluster_redirect_parse (moved + 1, strcspn (moved + 1, "\r\n"), &redirect), ==, CLUSTER_REDIRECT_MOVED);
  g_assert_cmpuint (redirect.slot, ==, cluster_slot_of ("foo", 3));
  g_assert_true (cluster_topology_lookup (topology, redirect.host, redirect.port) ==
                 cluster_topology_get_master (topology, redirect.slot));

  for (guint i = 0; i < 3; i++)
    g_object_unref (redis[i]);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cluster-topology/shards", test_shards);
  g_test_add_func ("/cluster-topology/slots", test_slots);
  g_test_add_func ("/cluster-topology/two-masters", test_two_masters);
  g_test_add_func ("/cluster-topology/endpoints", test_endpoints);
  g_test_add_func ("/cluster-topology/ports", test_ports);
  g_test_add_func ("/cluster-topology/odd-nodes", test_odd_nodes);
  g_test_add_func ("/cluster-topology/same-address", test_same_address);
  g_test_add_func ("/cluster-topology/empty", test_empty);
  g_test_add_func ("/cluster-topology/malformed", test_malformed);
  g_test_add_func ("/cluster-topology/odd-hosts", test_odd_hosts);
  g_test_add_func ("/cluster-topology/many", test_many);
  g_test_add_func ("/cluster-topology/equal", test_equal);
  g_test_add_func ("/cluster-topology/references", test_references);
  g_test_add_func ("/cluster-topology/mutated", test_mutated);
  g_test_add_func ("/cluster-topology/real", test_real);

  return g_test_run ();
}
