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
/* A pipeline that is no transaction: what is for one node goes to it as a pipeline. The first is for one of which each command
 * goes to the node of its one key, whether or not it was checked; FALSE: nothing was sent. */
gboolean cluster_gather_keys (ClusterClient  *client,
                             TornadisCall    *call);
void cluster_gather_pipeline (ClusterClient  *client,
                             TornadisCall    *call);

G_END_DECLS
