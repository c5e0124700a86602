/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-topology.h"

G_BEGIN_DECLS

/* How a topology is made: of shards, then of the slots and the nodes of each. Nobody else sees it before it is settled. */

/* What is said of a node in one place. */
typedef struct
{
  const char *host; /* (unowned) a valid one */
  const char *id;   /* (unowned) (nullable) */
  const char *zone; /* (unowned) (nullable) */
  guint16 port;
  gboolean is_master;
  ClusterHealth health;
  gint64 offset; /* of its replication */
} ClusterEntry;

ClusterTopology *cluster_topology_new       (void);
/* FALSE: there are too many. */
gboolean         cluster_topology_add_shard (ClusterTopology    *self,
                                             guint              *index);
/* FALSE: one of the slots is another's, or its own already. */
gboolean         cluster_topology_claim     (ClusterTopology    *self,
                                             guint               shard,
                                             guint               first,
                                             guint               last);
void             cluster_topology_add       (ClusterTopology    *self,
                                             guint               shard,
                                             const ClusterEntry *entry);
void             cluster_topology_settle    (ClusterTopology    *self);

G_END_DECLS
