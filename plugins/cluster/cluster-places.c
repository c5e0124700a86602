/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-places.h"

struct _ClusterPlaces
{
  GPtrArray *keys;           /* (owned) (element-type utf8) owned, (nullable) each */
  GHashTable *drained;       /* (owned) (element-type utf8) masters that have no slots any more: they have become replicas, which
                              * not all nodes know yet, or are about to leave */
  ClusterTopology *topology; /* (owned) (nullable) that they are of */
};

/* That it has failed is no matter as long as nobody has its slots. */
static gboolean
has_slots (ClusterTopology *topology,
           const char *key)
{
  const ClusterNode *node = topology != NULL && key != NULL ? cluster_topology_lookup_key (topology, key) : NULL;

  return node != NULL && g_ptr_array_find ((GPtrArray *) cluster_topology_get_masters (topology), node, NULL);
}

static gboolean
is_up (ClusterTopology *topology,
       const char *key)
{
  const ClusterNode *node = key != NULL ? cluster_topology_lookup_key (topology, key) : NULL;

  return node != NULL && node->is_master && node->health != CLUSTER_HEALTH_FAILED;
}

/* Nothing is published at a master that has no slots yet, but it may get some any time. */
static gboolean
places_wants (ClusterPlaces *self,
              const char *key)
{
  return is_up (self->topology, key) && !g_hash_table_contains (self->drained, key);
}

static void
places_set (ClusterPlaces *self,
            guint place,
            const char *key)
{
  g_free (g_ptr_array_index (self->keys, place));
  g_ptr_array_index (self->keys, place) = g_strdup (key);
}

static gboolean
places_has (ClusterPlaces *self,
            const char *key)
{
  for (guint i = 0; i < self->keys->len; i++)
    if (g_strcmp0 (g_ptr_array_index (self->keys, i), key) == 0)
      return TRUE;

  return FALSE;
}

static void
places_add (ClusterPlaces *self,
            const char *key)
{
  for (guint i = 0; i < self->keys->len; i++)
    if (!places_wants (self, g_ptr_array_index (self->keys, i)))
      {
        places_set (self, i, key);
        return;
      }

  g_ptr_array_add (self->keys, g_strdup (key));
}

/* @topology comes after that of before. */
static void
places_find_drained (ClusterPlaces *self,
                     ClusterTopology *topology)
{
  GHashTableIter iter;
  const char *key;

  g_hash_table_iter_init (&iter, self->drained);
  while (g_hash_table_iter_next (&iter, (gpointer *) &key, NULL))
    if (!is_up (topology, key) || has_slots (topology, key))
      g_hash_table_iter_remove (&iter);

  for (guint i = 0; i < self->keys->len; i++)
    {
      key = g_ptr_array_index (self->keys, i);
      if (has_slots (self->topology, key) && is_up (topology, key) && !has_slots (topology, key))
        g_hash_table_add (self->drained, g_strdup (key));
    }
}

void
cluster_places_update (ClusterPlaces *self,
                       ClusterTopology *topology)
{
  const GPtrArray *nodes;

  if (topology == NULL || topology == self->topology)
    return;

  places_find_drained (self, topology);
  g_clear_pointer (&self->topology, cluster_topology_unref);
  self->topology = cluster_topology_ref (topology);
  nodes = cluster_topology_get_nodes (topology);
  for (guint i = 0; i < nodes->len; i++)
    {
      const char *key = ((const ClusterNode *) g_ptr_array_index (nodes, i))->key;

      if (places_wants (self, key) && !places_has (self, key))
        places_add (self, key);
    }
  for (guint i = 0; i < self->keys->len; i++)
    {
      const char *key = g_ptr_array_index (self->keys, i);

      if (!places_wants (self, key) && !has_slots (topology, key))
        places_set (self, i, NULL);
    }
}

guint
cluster_places_get_n (ClusterPlaces *self)
{
  return self->keys->len;
}

const char *
cluster_places_get_key (ClusterPlaces *self,
                        guint place)
{
  return g_ptr_array_index (self->keys, place);
}

ClusterPlaces *
cluster_places_new (void)
{
  ClusterPlaces *self = g_new0 (ClusterPlaces, 1);

  self->keys = g_ptr_array_new_with_free_func (g_free);
  self->drained = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  return self;
}

void
cluster_places_free (ClusterPlaces *self)
{
  g_ptr_array_unref (self->keys);
  g_hash_table_unref (self->drained);
  g_clear_pointer (&self->topology, cluster_topology_unref);
  g_free (self);
}
