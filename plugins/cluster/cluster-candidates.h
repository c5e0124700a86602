/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "cluster/cluster-topology.h"

G_BEGIN_DECLS

/* (transfer full) (element-type GNetworkAddress): the nodes that are to be asked what the cluster is, in this order: who is
 * said to know more, half of the room for those that are known and not known to be down, at random, and the seeds. @hint and
 * @topology are nullable. */
GPtrArray       *cluster_candidates_new         (GNetworkAddress   *hint,
                                                 ClusterTopology   *topology,
                                                 GPtrArray         *seeds);
/* (transfer full) */
GNetworkAddress *cluster_candidates_get_address (const ClusterNode *node);

G_END_DECLS
