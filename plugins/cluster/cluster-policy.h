/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "common/command-table.h"

G_BEGIN_DECLS

/* Where a command goes. */
typedef enum
{
  /* To the node of its keys; if it has none, to any one. */
  CLUSTER_REQUEST_BY_KEY,
  /* To the node of the slot of its second argument, a shard channel or a cursor. It is no key. */
  CLUSTER_REQUEST_BY_CHANNEL,
  /* To the node of the slot that its third argument is, in digits. */
  CLUSTER_REQUEST_BY_SLOT,
  /* To masters and replicas. */
  CLUSTER_REQUEST_ALL_NODES,
  /* To the masters that have slots. */
  CLUSTER_REQUEST_ALL_SHARDS,
  /* As CLUSTER_REQUEST_BY_KEY; over several slots it may be split, see cluster_split(). */
  CLUSTER_REQUEST_MULTI_SHARD,
  /* From one node to the next, as its cursor says: SCAN. */
  CLUSTER_REQUEST_CURSOR,
} ClusterRequest;

/* What becomes of the replies of several nodes, see cluster_merge(). */
typedef enum
{
  /* Those of a split command: the elements where their keys were. Of others: as CLUSTER_RESPONSE_JOIN. */
  CLUSTER_RESPONSE_NONE,
  /* Lists are joined, as are maps; of other replies a list is made. */
  CLUSTER_RESPONSE_JOIN,
  /* Joined, each element once. */
  CLUSTER_RESPONSE_UNION,
  CLUSTER_RESPONSE_ONE_SUCCEEDED,
  CLUSTER_RESPONSE_ALL_SUCCEEDED,
  /* Of numbers, or each for itself of lists of numbers that are of one length. */
  CLUSTER_RESPONSE_AGG_LOGICAL_AND,
  CLUSTER_RESPONSE_AGG_LOGICAL_OR,
  CLUSTER_RESPONSE_AGG_MIN,
  CLUSTER_RESPONSE_AGG_MAX,
  CLUSTER_RESPONSE_AGG_SUM,
  /* Names and numbers in turn: the sum for each name. */
  CLUSTER_RESPONSE_SUM_BY_NAME,
  /* One that is not nil, at random. */
  CLUSTER_RESPONSE_ANY,
  /* The lines of all. */
  CLUSTER_RESPONSE_LINES,
  /* Texts one after the other, below "# Node host:port"; of other replies a map with the nodes' keys. */
  CLUSTER_RESPONSE_BY_NODE,
} ClusterResponse;

typedef struct
{
  ClusterRequest request;
  ClusterResponse response;
} ClusterPolicy;

/* What a command is to be done with: as the tips of the server say, unless they are missing or known to be wrong.
 * @entry (nullable) is what the server says of it. */
ClusterPolicy cluster_policy_find (const CommandEntry *entry,
                                   TornadisCommand    *command);

G_END_DECLS
