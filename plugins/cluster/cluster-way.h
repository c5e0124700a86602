/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-map.h"
#include "cluster/cluster-policy.h"

G_BEGIN_DECLS

/* Which nodes a call goes to. */
typedef enum
{
  /* The node of @slot. */
  CLUSTER_WAY_SLOT,
  /* Any, it has no key. */
  CLUSTER_WAY_ANY,
  /* It is split by its keys. */
  CLUSTER_WAY_SPLIT,
  CLUSTER_WAY_NODES,
  CLUSTER_WAY_SHARDS,
  CLUSTER_WAY_CURSOR,
  /* None: its keys are in several slots. */
  CLUSTER_WAY_NONE,
} ClusterWayKind;

typedef struct
{
  ClusterWayKind kind;
  ClusterResponse response; /* what becomes of several replies */
  guint slot;
  gboolean reads; /* it changes nothing, and a replica may answer it */
  const CommandEntry *entry; /* (nullable) */
} ClusterWay;

ClusterWay cluster_way_find          (ClusterMap       *map,
                                      TornadisCommand  *command);
/* Of the commands of a pipeline together: CLUSTER_WAY_SLOT, CLUSTER_WAY_ANY, or CLUSTER_WAY_NONE; or that of @several (out) (transfer
 * none) (optional), the first for which one node is not enough. */
ClusterWay cluster_way_find_for_all (ClusterMap *map,
                                     TornadisPipeline *pipeline,
                                     TornadisCommand **several);
/* Why a command cannot be called, since it is about one connection of which there are many. FALSE with
 * TORNADIS_ERROR_USAGE. */
gboolean   cluster_way_check         (TornadisCommand  *command,
                                      GError          **error);

G_END_DECLS
