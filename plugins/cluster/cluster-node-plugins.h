/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* The plugins of an application's client that are on those of the nodes: what stands behind the plugin @cluster, in this order, and
 * what only looks on (element-type TornadisPlugin) (transfer full). @first (nullable) comes before them. */
GPtrArray *cluster_node_plugins_get (TornadisClient *client,
                                     TornadisPlugin *cluster,
                                     TornadisPlugin *first);
/* @node has these plugins and no others from now on. */
void       cluster_node_plugins_set (TornadisClient *node,
                                     GPtrArray      *plugins);
/* (transfer full): has replicas serve what they have. */
TornadisPlugin *cluster_node_plugins_new_read_only (void);

G_END_DECLS
