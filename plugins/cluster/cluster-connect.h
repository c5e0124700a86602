/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-client.h"

G_BEGIN_DECLS

/* Whether a call is that of tornadis_client_connect_async(). */
gboolean cluster_is_connect (TornadisCall  *call);
/* Answers it, which is held, when a node is connected, or when none of those that are known can be. The cluster is known. */
void     cluster_connect    (ClusterClient *client,
                             TornadisCall  *call);

G_END_DECLS
