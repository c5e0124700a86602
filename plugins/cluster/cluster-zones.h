/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "cluster/cluster-topology.h"

G_BEGIN_DECLS

/* Which availability zones the nodes are in. Valkey 8 says so of a node to those who are connected to it, and 9.1 of all in what it
 * says of the cluster. It stands on the clients of nodes, where it has replicas serve what they have, too. */
#define CLUSTER_TYPE_ZONES (cluster_zones_get_type ())
G_DECLARE_FINAL_TYPE (ClusterZones, cluster_zones, CLUSTER, ZONES, TornadisPlugin)

ClusterZones *cluster_zones_new (void);
/* The zone of a node, which is empty if it has none (transfer none); NULL: nobody has been connected to it yet. */
const char *cluster_zones_find (ClusterZones *self,
                                const ClusterNode *node);
/* Forgets nodes that are not among those of @topology. */
void cluster_zones_keep (ClusterZones *self,
                         ClusterTopology *topology);

G_END_DECLS
