/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-client.h"
#include "cluster/cluster-policy.h"

G_BEGIN_DECLS

/* Calls that several nodes answer. All hold @call and answer it. */

/* Sends the command to each of the nodes (element-type ClusterNode), and makes one reply of theirs. */
void cluster_gather_nodes   (ClusterClient   *client,
                             TornadisCall    *call,
                             ClusterResponse  response,
                             const GPtrArray *nodes);
/* Sends the parts (element-type ClusterPart), each to its node. */
void cluster_gather_parts   (ClusterClient   *client,
                             TornadisCall    *call,
                             ClusterResponse  response,
                             const GPtrArray *parts);

G_END_DECLS
