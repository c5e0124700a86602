/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-candidates.h"

#include "common/uri-hosts.h"

/* So many are asked in all, the seeds among them: of hundreds of nodes some are up, or the network is not. */
#define MAX_ASKED 12

static void
shuffle (GPtrArray *array,
         guint from)
{
  for (guint i = array->len; i > from + 1; i--)
    {
      guint other = (guint) g_random_int_range ((gint32) from, (gint32) i);
      gpointer last = array->pdata[i - 1];

      array->pdata[i - 1] = array->pdata[other];
      array->pdata[other] = last;
    }
}

static gboolean
contains_node (GPtrArray *nodes,
               GNetworkAddress *node)
{
  for (guint i = 0; i < nodes->len; i++)
    {
      if (uri_host_equal (g_ptr_array_index (nodes, i), node))
        return TRUE;
    }

  return FALSE;
}

/* Takes @node (transfer full) if it is not there yet. */
static void
add_node (GPtrArray *nodes,
          GNetworkAddress *node)
{
  if (contains_node (nodes, node))
    g_object_unref (node);
  else
    g_ptr_array_add (nodes, node);
}

GNetworkAddress *
cluster_candidates_get_address (const ClusterNode *node)
{
  return G_NETWORK_ADDRESS (g_network_address_new (node->host, node->port));
}

GPtrArray *
cluster_candidates_new (GNetworkAddress *hint,
                        ClusterTopology *topology,
                        GPtrArray *seeds)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);
  const GPtrArray *known = topology != NULL ? cluster_topology_get_nodes (topology) : NULL;
  guint n_hints;

  if (hint != NULL)
    g_ptr_array_add (nodes, g_object_ref (hint));

  n_hints = nodes->len;
  for (guint i = 0; known != NULL && i < known->len; i++)
    {
      const ClusterNode *node = g_ptr_array_index (known, i);

      if (node->health != CLUSTER_HEALTH_FAILED)
        add_node (nodes, cluster_candidates_get_address (node));
    }
  shuffle (nodes, n_hints);
  if (nodes->len > MAX_ASKED / 2)
    g_ptr_array_set_size (nodes, MAX_ASKED / 2);

  n_hints = nodes->len;
  for (guint i = 0; i < seeds->len; i++)
    add_node (nodes, g_object_ref (g_ptr_array_index (seeds, i)));
  shuffle (nodes, n_hints);
  if (nodes->len > MAX_ASKED)
    g_ptr_array_set_size (nodes, MAX_ASKED);

  return nodes;
}
