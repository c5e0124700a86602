/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-client.h"

G_BEGIN_DECLS

/* A pipeline that is no transaction: what is for one node goes to it as a pipeline. Both hold @call and answer it. */

/* Of one of which each command goes to the node of its one key, whether or not it was checked; FALSE: nothing was sent. */
gboolean cluster_pipeline_send_keys (ClusterClient *client,
                                     TornadisCall  *call);
void     cluster_pipeline_send      (ClusterClient *client,
                                     TornadisCall  *call);

G_END_DECLS
