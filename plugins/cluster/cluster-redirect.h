/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-endpoint.h"

G_BEGIN_DECLS

/* What a server's error asks for that is not an answer to the command. */
typedef enum
{
  /* It is an answer. */
  CLUSTER_REDIRECT_NONE,
  /* The slot is another node's, from now on. */
  CLUSTER_REDIRECT_MOVED,
  /* This once the other node is to be asked, after ASKING. */
  CLUSTER_REDIRECT_ASK,
  /* The keys are at two nodes, until the slot has moved. */
  CLUSTER_REDIRECT_TRYAGAIN,
  /* The node does not believe that the cluster, or the slot, has a master. */
  CLUSTER_REDIRECT_CLUSTERDOWN,
  CLUSTER_REDIRECT_LOADING,
  /* The node was thought to be a master. */
  CLUSTER_REDIRECT_READONLY,
  /* The replica has lost its master, and does not serve what is stale. */
  CLUSTER_REDIRECT_MASTERDOWN,
  /* The node became a replica while the command was blocked; it closes the connection. */
  CLUSTER_REDIRECT_UNBLOCKED,
} ClusterRedirectKind;

typedef struct
{
  ClusterRedirectKind kind;
  /* The rest is of MOVED and ASK only. */
  guint slot;
  guint16 port;
  /* "": that of the node that said so; the topology may know better if it does not know it either (@host_is_unknown, which
   * servers write as a question mark). */
  char host[CLUSTER_MAX_HOST_LENGTH + 1];
  gboolean host_is_unknown;
} ClusterRedirect;

/* @text (nullable) is the error, with or without a NUL behind it. What is cut off, too long or nonsense asks for nothing. */
ClusterRedirectKind cluster_redirect_parse (const char      *text,
                                            gsize            length,
                                            ClusterRedirect *redirect);

G_END_DECLS
