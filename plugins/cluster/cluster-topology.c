/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-topology-private.h"

#include <string.h>

#include "cluster/cluster-endpoint.h"

/* What a shard may be named in the list of slots. */
#define NO_SHARD 0
#define MAX_SHARDS G_MAXUINT16

typedef struct
{
  ClusterNode *master;  /* (unowned) (nullable) */
  ClusterHealth health; /* of the master, as this shard has it */
  gint64 offset;        /* of its replication */
  GPtrArray *replicas;  /* (owned) (element-type ClusterNode) unowned */
  gboolean has_slots;
} Shard;

struct _ClusterTopology
{
  gatomicrefcount ref_count;
  GHashTable *by_key;             /* (owned) (element-type utf8 ClusterNode) */
  GPtrArray *shards;              /* (owned) (element-type Shard) the first is nobody's */
  GPtrArray *nodes;               /* (owned) (element-type ClusterNode) unowned, by key */
  GPtrArray *masters;             /* (owned) (element-type ClusterNode) unowned, by key */
  guint n_slots;                  /* that have a master */
  guint16 slots[CLUSTER_N_SLOTS]; /* the shard of each */
};

static void
node_free (gpointer data)
{
  ClusterNode *self = data;

  g_free (self->key);
  g_free (self->host);
  g_free (self->id);
  g_free (self->zone);
  g_free (self);
}

static void
shard_free (gpointer data)
{
  Shard *self = data;

  g_ptr_array_unref (self->replicas);
  g_free (self);
}

ClusterTopology *
cluster_topology_new (void)
{
  ClusterTopology *self = g_new0 (ClusterTopology, 1);
  guint nobodys;

  g_atomic_ref_count_init (&self->ref_count);
  self->by_key = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, node_free);
  self->shards = g_ptr_array_new_with_free_func (shard_free);
  self->nodes = g_ptr_array_new ();
  self->masters = g_ptr_array_new ();
  cluster_topology_add_shard (self, &nobodys);

  return self;
}

gboolean
cluster_topology_add_shard (ClusterTopology *self,
                            guint *index)
{
  Shard *shard;

  if (self->shards->len > MAX_SHARDS)
    return FALSE;

  shard = g_new0 (Shard, 1);
  shard->replicas = g_ptr_array_new ();
  *index = self->shards->len;
  g_ptr_array_add (self->shards, shard);

  return TRUE;
}

gboolean
cluster_topology_claim (ClusterTopology *self,
                        guint index,
                        guint first,
                        guint last)
{
  Shard *shard = g_ptr_array_index (self->shards, index);

  for (guint slot = first; slot <= last; slot++)
    {
      if (self->slots[slot] != NO_SHARD)
        return FALSE;
      self->slots[slot] = (guint16) index;
    }

  shard->has_slots = TRUE;
  return TRUE;
}

/* The node with this address, made if it is new. Of several that have it, such as one that was given up and the one that was
 * started in its place, the healthiest says what it is. */
static ClusterNode *
topology_take_node (ClusterTopology *self,
                    const ClusterEntry *entry)
{
  g_autofree char *key = cluster_endpoint_format (entry->host, entry->port);
  ClusterNode *node = g_hash_table_lookup (self->by_key, key);

  if (node == NULL)
    {
      node = g_new0 (ClusterNode, 1);
      node->key = g_steal_pointer (&key);
      node->host = g_strdup (entry->host);
      node->port = entry->port;
      g_hash_table_insert (self->by_key, node->key, node);
      g_ptr_array_add (self->nodes, node);
    }
  else if (entry->health <= node->health)
    return node;

  g_free (node->id);
  g_free (node->zone);
  node->id = g_strdup (entry->id);
  node->zone = g_strdup (entry->zone);
  node->health = entry->health;

  return node;
}

void
cluster_topology_add (ClusterTopology *self,
                      guint index,
                      const ClusterEntry *entry)
{
  Shard *shard = g_ptr_array_index (self->shards, index);
  ClusterNode *node = topology_take_node (self, entry);

  if (entry->is_master)
    {
      /* After a failover the one that failed may still be in its shard, a master; for a moment after it came back it is online
       * too, but it lacks what the other was told since. */
      if (shard->master == NULL || entry->health > shard->health ||
          (entry->health == shard->health && entry->offset > shard->offset))
        {
          shard->master = node;
          shard->health = entry->health;
          shard->offset = entry->offset;
        }
    }
  else if (entry->health == CLUSTER_HEALTH_ONLINE)
    g_ptr_array_add (shard->replicas, node);
}

static int
compare_nodes (gconstpointer a,
               gconstpointer b)
{
  return strcmp ((*(const ClusterNode *const *) a)->key, (*(const ClusterNode *const *) b)->key);
}

/* Sorts, and leaves each in once. */
static void
sort_nodes (GPtrArray *nodes)
{
  guint kept = 0;

  g_ptr_array_sort (nodes, compare_nodes);
  for (guint i = 0; i < nodes->len; i++)
    {
      if (kept == 0 || nodes->pdata[kept - 1] != nodes->pdata[i])
        nodes->pdata[kept++] = nodes->pdata[i];
    }
  g_ptr_array_set_size (nodes, (int) kept);
}

void
cluster_topology_settle (ClusterTopology *self)
{
  for (guint i = 0; i < self->shards->len; i++)
    {
      Shard *shard = g_ptr_array_index (self->shards, i);

      sort_nodes (shard->replicas);
      if (shard->master != NULL)
        {
          shard->master->is_master = TRUE;
          g_ptr_array_remove (shard->replicas, shard->master);
          if (shard->has_slots)
            g_ptr_array_add (self->masters, shard->master);
        }
    }

  for (guint slot = 0; slot < CLUSTER_N_SLOTS; slot++)
    self->n_slots += cluster_topology_get_master (self, slot) != NULL;
  sort_nodes (self->masters);
  sort_nodes (self->nodes);
  for (guint i = 0; i < self->nodes->len; i++)
    ((ClusterNode *) g_ptr_array_index (self->nodes, i))->index = i;
}

ClusterTopology *
cluster_topology_ref (ClusterTopology *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
cluster_topology_unref (ClusterTopology *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_ptr_array_unref (self->masters);
  g_ptr_array_unref (self->nodes);
  g_ptr_array_unref (self->shards);
  g_hash_table_unref (self->by_key);
  g_free (self);
}

static gboolean
nodes_are_equal (const GPtrArray *nodes,
                 const GPtrArray *others)
{
  if (nodes->len != others->len)
    return FALSE;

  for (guint i = 0; i < nodes->len; i++)
    {
      const ClusterNode *node = g_ptr_array_index (nodes, i);
      const ClusterNode *other = g_ptr_array_index (others, i);

      if (strcmp (node->key, other->key) != 0 || node->is_master != other->is_master || node->health != other->health ||
          g_strcmp0 (node->id, other->id) != 0 || g_strcmp0 (node->zone, other->zone) != 0)
        return FALSE;
    }

  return TRUE;
}

static gboolean
shards_are_equal (const Shard *shard,
                  const Shard *other)
{
  if ((shard->master != NULL) != (other->master != NULL) ||
      (shard->master != NULL && strcmp (shard->master->key, other->master->key) != 0))
    return FALSE;

  return nodes_are_equal (shard->replicas, other->replicas);
}

static const Shard *
topology_get_shard (ClusterTopology *self,
                    guint slot)
{
  return g_ptr_array_index (self->shards, self->slots[slot % CLUSTER_N_SLOTS]);
}

gboolean
cluster_topology_equal (ClusterTopology *self,
                        ClusterTopology *other)
{
  if (self == other)
    return TRUE;
  if (!nodes_are_equal (self->nodes, other->nodes))
    return FALSE;

  for (guint slot = 0; slot < CLUSTER_N_SLOTS; slot++)
    {
      /* Of neighbours that are alike, the first was compared. */
      if (slot > 0 && self->slots[slot] == self->slots[slot - 1] && other->slots[slot] == other->slots[slot - 1])
        continue;
      if (!shards_are_equal (topology_get_shard (self, slot), topology_get_shard (other, slot)))
        return FALSE;
    }

  return TRUE;
}

guint
cluster_topology_get_n_slots (ClusterTopology *self)
{
  return self->n_slots;
}

const ClusterNode *
cluster_topology_get_master (ClusterTopology *self,
                             guint slot)
{
  return topology_get_shard (self, slot)->master;
}

const GPtrArray *
cluster_topology_get_replicas (ClusterTopology *self,
                               guint slot)
{
  return topology_get_shard (self, slot)->replicas;
}

gboolean
cluster_topology_has_moved_slots (ClusterTopology *self,
                                  ClusterTopology *before)
{
  for (guint slot = 0; slot < CLUSTER_N_SLOTS; slot++)
    {
      const ClusterNode *master = cluster_topology_get_master (self, slot);
      const ClusterNode *former = cluster_topology_get_master (before, slot);

      if (former != NULL && (master == NULL || !g_str_equal (master->key, former->key)))
        return TRUE;
    }

  return FALSE;
}

gboolean
cluster_topology_move_slot (ClusterTopology *self,
                            guint slot,
                            const ClusterNode *node)
{
  for (guint i = NO_SHARD + 1; i < self->shards->len; i++)
    {
      const Shard *shard = g_ptr_array_index (self->shards, i);

      if (shard->master != node || !shard->has_slots)
        continue;
      self->n_slots += cluster_topology_get_master (self, slot) == NULL;
      self->slots[slot % CLUSTER_N_SLOTS] = (guint16) i;
      return TRUE;
    }

  return FALSE;
}

const GPtrArray *
cluster_topology_get_masters (ClusterTopology *self)
{
  return self->masters;
}

const GPtrArray *
cluster_topology_get_nodes (ClusterTopology *self)
{
  return self->nodes;
}

const ClusterNode *
cluster_topology_lookup (ClusterTopology *self,
                         const char *host,
                         guint16 port)
{
  g_autofree char *key = cluster_endpoint_format (host, port);

  return cluster_topology_lookup_key (self, key);
}

const ClusterNode *
cluster_topology_lookup_key (ClusterTopology *self,
                             const char *key)
{
  return g_hash_table_lookup (self->by_key, key);
}
