/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-client.h"

G_BEGIN_DECLS

/* WATCH and MULTI by hand: the first key says which node serves it all, until EXEC, DISCARD or UNWATCH. */

/* Why a command cannot be in one. */
#define CLUSTER_TRANSACTION_SEVERAL "it is answered by several nodes of the cluster, and a transaction by one"

/* Whether a command begins or ends one. */
gboolean cluster_transaction_has   (TornadisCommand *command);
/* TRUE: @call belongs to a transaction, and was sent or answered. */
gboolean cluster_transaction_route (ClusterClient *client,
                                    TornadisCall  *call);
/* Likewise, of a call that was redirected to @node. */
gboolean cluster_transaction_follow (ClusterClient *client,
                                     TornadisCall  *call,
                                     TornadisClient *node,
                                     gboolean       asking);
/* The call that has begun it, the @opener, has ended. */
void     cluster_transaction_multi_done (ClusterClient *client,
                                         TornadisCall  *call);
void     cluster_transaction_reset (ClusterClient *client);

G_END_DECLS
