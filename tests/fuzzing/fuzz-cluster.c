/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "cluster/cluster-merge.h"
#include "cluster/cluster-redirect.h"
#include "cluster/cluster-topology.h"
#include "tests/fuzzing/fuzz.h"
#include "tornadis-glib/wire/tornadis-reader.h"

#define MAX_ANSWERS 8

static void
check_nodes (ClusterTopology *topology,
             const GPtrArray *nodes)
{
  for (guint i = 0; i < nodes->len; i++)
    {
      const ClusterNode *node = g_ptr_array_index (nodes, i);

      g_assert_true (cluster_topology_lookup_key (topology, node->key) == node);
      g_assert_true (cluster_topology_lookup (topology, node->host, node->port) == node);
      g_assert_true (cluster_host_is_valid (node->host, strlen (node->host)));
      g_assert_cmpuint (node->port, >, 0);
      if (i > 0)
        g_assert_cmpstr (((const ClusterNode *) g_ptr_array_index (nodes, i - 1))->key, <, node->key);
    }
}

/* @topology (transfer full) (nullable) */
static void
use_topology (ClusterTopology *topology,
              GError *error)
{
  guint n_slots = 0;

  fuzz_check_error (topology != NULL, error, TORNADIS_ERROR);
  if (topology == NULL)
    {
      g_assert_cmpint (error->code, ==, TORNADIS_ERROR_PROTOCOL);
      g_error_free (error);
      return;
    }

  check_nodes (topology, cluster_topology_get_nodes (topology));
  check_nodes (topology, cluster_topology_get_masters (topology));
  for (guint slot = 0; slot < CLUSTER_N_SLOTS; slot++)
    {
      const ClusterNode *master = cluster_topology_get_master (topology, slot);

      g_assert_true (master == NULL || master->is_master);
      n_slots += master != NULL;
      if (slot % 256 == 0)
        check_nodes (topology, cluster_topology_get_replicas (topology, slot));
    }
  g_assert_cmpuint (cluster_topology_get_n_slots (topology), ==, n_slots);
  g_assert_true (cluster_topology_equal (topology, topology));

  cluster_topology_unref (topology);
}

static void
use_redirect (const char *text,
              gsize length)
{
  ClusterRedirect redirect;

  g_assert_cmpint (cluster_redirect_parse (text, length, &redirect), ==, redirect.kind);
  if (redirect.kind != CLUSTER_REDIRECT_MOVED && redirect.kind != CLUSTER_REDIRECT_ASK)
    return;

  g_assert_cmpuint (redirect.slot, <, CLUSTER_N_SLOTS);
  g_assert_cmpuint (redirect.port, >, 0);
  g_assert_true (redirect.host[0] == '\0' || cluster_host_is_valid (redirect.host, strlen (redirect.host)));
  g_assert_true (!redirect.host_is_unknown || redirect.host[0] == '\0');
}

/* Whatever nodes answer, one reply or one error comes of it. */
static void
use_answers (const guint8 *data,
             gsize size)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new (size, 1024 * 1024);
  g_autoptr (GPtrArray) replies = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_reply_unref);
  g_autoptr (GPtrArray) positions = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  ClusterAnswer answers[MAX_ANSWERS];
  TornadisReply *reply;
  gsize room;
  guint8 *place = tornadis_reader_reserve (reader, &room);
  guint n_keys = 0;

  memcpy (place, data, size);
  tornadis_reader_commit (reader, size);
  while (replies->len < MAX_ANSWERS && (reply = tornadis_reader_next (reader, NULL)) != NULL)
    {
      GArray *array = g_array_new (FALSE, FALSE, sizeof (guint));

      /* As if it were right. */
      for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++, n_keys++)
        g_array_append_val (array, n_keys);
      answers[replies->len] = (ClusterAnswer){ "host:1", reply, NULL, size % 2 == 0 ? array : NULL };
      g_ptr_array_add (replies, reply);
      g_ptr_array_add (positions, array);
    }

  for (guint response = CLUSTER_RESPONSE_NONE; response <= CLUSTER_RESPONSE_BY_NODE; response++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) merged = cluster_merge ((ClusterResponse) response, answers, replies->len, &error);

      fuzz_check_error (merged != NULL, error, TORNADIS_ERROR);
      g_assert_true (error == NULL || error->code == TORNADIS_ERROR_PROTOCOL);
      if (merged != NULL)
        g_free (tornadis_reply_to_string (merged));
    }
}

/* The bytes are the text of an error, the reply of a node that was asked for its cluster, and the replies of several. */
int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize size)
{
  /* With nothing behind it. */
  g_autofree char *text = g_memdup2 (data, size);
  g_autoptr (GBytes) resp = g_bytes_new (data, size);
  g_autoptr (TornadisReply) reply = NULL;
  ClusterTopology *topology;
  GError *error = NULL;

  use_redirect (text, size);
  use_answers (data, size);

  reply = tornadis_reply_new_from_resp (resp, NULL);
  if (reply == NULL)
    return 0;

  topology = cluster_topology_new_from_shards (reply, "asked", FALSE, &error);
  use_topology (topology, g_steal_pointer (&error));
  topology = cluster_topology_new_from_shards (reply, "asked", TRUE, &error);
  use_topology (topology, g_steal_pointer (&error));
  topology = cluster_topology_new_from_slots (reply, "asked", &error);
  use_topology (topology, g_steal_pointer (&error));

  return 0;
}
