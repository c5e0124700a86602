/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-client.h"

G_BEGIN_DECLS

/* Calls that wait for the cluster: until it is known, or until there is somebody to serve them. They count for max-pending and
 * max-queued-bytes of their client, as those do that wait for a connection. */

/* FALSE: there is no room for it, and it is to end with @error. One that is put off again and again keeps its place meanwhile. */
gboolean cluster_wait_begin (ClusterClient  *client,
                             TornadisCall   *call,
                             GError        **error);
/* The same of so much more that waits with it. */
gboolean cluster_wait_add   (ClusterClient  *client,
                             TornadisCall   *call,
                             guint           n_commands,
                             gsize           n_bytes,
                             GError        **error);
void     cluster_wait_take_back (TornadisCall *call,
                                 guint         n_commands,
                                 gsize         n_bytes);
/* If it does. One that is freed does not wait any more, either. */
void     cluster_wait_end   (TornadisCall   *call);

G_END_DECLS
