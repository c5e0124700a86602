/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "cluster/cluster-slot.h"

G_BEGIN_DECLS

/* What a node says of its cluster: which nodes there are, and whose each slot is. Nodes are the same when their host and port
 * are. */
typedef struct _ClusterTopology ClusterTopology;

typedef enum
{
  /* Failed, or of a kind that is not known. */
  CLUSTER_HEALTH_FAILED,
  /* It copies its master's data, and has none to read. */
  CLUSTER_HEALTH_LOADING,
  CLUSTER_HEALTH_ONLINE,
} ClusterHealth;

/* Belongs to the topology. */
typedef struct
{
  char *key;       /* (owned) "host:port", see cluster_endpoint_format() */
  char *host;      /* (owned) IPv6 without brackets */
  char *id;        /* (owned) (nullable) the cluster's own name of it */
  char *zone;      /* (owned) (nullable) availability zone */
  guint16 port;    /* the one for TLS if that was asked for */
  guint index;     /* among all nodes */
  gboolean is_master; /* of a shard, with or without slots */
  ClusterHealth health;
} ClusterNode;

/* Of the reply to CLUSTER SHARDS (Redis 7 and later) and to CLUSTER SLOTS, which say of all nodes that they are online.
 * @host is that of the node that said it: nodes without a known one have the same. @use_tls: whether ports for TLS are
 * wanted. CLUSTER SHARDS names both; a node that has none is left out then, unless no node at all has one: in front of such
 * servers something else speaks TLS, on the only ports that they know. CLUSTER SLOTS names those of the asking connection.
 *
 * Nodes with an impossible address, or without a port, are left out. Fails with TORNADIS_ERROR_PROTOCOL if the reply is not of
 * that form, or if a slot is named twice. A topology without slots is none to be used, but no error: a node that is not yet in
 * a cluster says so. */
ClusterTopology *cluster_topology_new_from_shards (TornadisReply   *reply,
                                                   const char      *host,
                                                   gboolean         use_tls,
                                                   GError         **error);
ClusterTopology *cluster_topology_new_from_slots  (TornadisReply   *reply,
                                                   const char      *host,
                                                   GError         **error);
ClusterTopology *cluster_topology_ref             (ClusterTopology *self);
void             cluster_topology_unref           (ClusterTopology *self);
/* Whether nothing differs that a client goes by. */
gboolean         cluster_topology_equal           (ClusterTopology *self,
                                                   ClusterTopology *other);
/* How many slots have a master. */
guint            cluster_topology_get_n_slots     (ClusterTopology *self);
/* The node that writes of a slot go to: of two masters in its shard the one that is online. NULL: nobody's. */
const ClusterNode *cluster_topology_get_master    (ClusterTopology *self,
                                                   guint            slot);
/* The replicas of its shard that may be read (element-type ClusterNode), by key; empty if there are none. */
const GPtrArray *cluster_topology_get_replicas    (ClusterTopology *self,
                                                   guint            slot);
/* Whether any slot has another master than it had @before, or none any more. */
gboolean         cluster_topology_has_moved_slots (ClusterTopology *self,
                                                   ClusterTopology *before);
/* The slot is said to have moved to @node, which has slots. FALSE: it is no master with slots. */
gboolean         cluster_topology_move_slot      (ClusterTopology   *self,
                                                  guint             slot,
                                                  const ClusterNode *node);
/* The masters that have slots (element-type ClusterNode), by key. */
const GPtrArray *cluster_topology_get_masters     (ClusterTopology *self);
/* All nodes (element-type ClusterNode), by key; those that failed too. */
const GPtrArray *cluster_topology_get_nodes       (ClusterTopology *self);
/* (nullable) */
const ClusterNode *cluster_topology_lookup        (ClusterTopology *self,
                                                   const char      *host,
                                                   guint16          port);
const ClusterNode *cluster_topology_lookup_key    (ClusterTopology *self,
                                                   const char      *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ClusterTopology, cluster_topology_unref)

G_END_DECLS
