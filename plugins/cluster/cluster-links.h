/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-topology.h"

G_BEGIN_DECLS

/* The nodes that one client of the application is connected to: a TornadisClient for each, made when it is first needed, with
 * the properties of the application's and the plugins that stand behind this one. */
typedef struct _ClusterLinks ClusterLinks;

/* A node was lost, or its connection came up or was closed. @error (nullable) is why it was lost. */
typedef void (*ClusterLinksFunc) (ClusterLinks *self,
                                  const GError *error,
                                  gpointer      user_data);

/* A node that is used has not answered for a while. */
typedef void (*ClusterLinksSilent) (ClusterLinks *self,
                                    gpointer      user_data);

/* @plugin (unowned) is on @client (unowned). @setup (nullable) (transfer none) is put before the plugins of each node. */
ClusterLinks   *cluster_links_new          (TornadisPlugin     *plugin,
                                            TornadisClient     *client,
                                            TornadisPlugin     *setup,
                                            ClusterLinksFunc    func,
                                            ClusterLinksSilent  silent,
                                            gpointer            user_data);
void            cluster_links_free         (ClusterLinks       *self);
TornadisClient *cluster_links_get_client   (ClusterLinks       *self);
/* (transfer none): of the node, which belongs to the topology that was set last. */
TornadisClient *cluster_links_get          (ClusterLinks       *self,
                                            const ClusterNode  *node);
/* Whether the last attempt to connect to a node, if there was any, has not failed. If it has there will be others, for which no call
 * has to wait. */
gboolean cluster_links_can_reach (ClusterLinks *self,
                                  const ClusterNode *node);
/* (transfer none): of a node that may not be in the topology. */
TornadisClient *cluster_links_get_at       (ClusterLinks       *self,
                                            const char         *host,
                                            guint16             port);
void            cluster_links_set_topology (ClusterLinks       *self,
                                            ClusterTopology    *topology);
/* What comes of that, when the links of all clients have it: the client of a node that has failed is not believed any more, and
 * what waits for it is lost. @has_moved: slots have left nodes, as for cluster_links_invalidate(). Whoever is told may do anything,
 * and remove the plugin. */
void            cluster_links_follow_topology (ClusterLinks    *self,
                                            gboolean            has_moved);
/* Slots have left a node, which does not announce changes of their keys any more: the plugins behind this one are told what a
 * server says after FLUSHALL. */
void            cluster_links_invalidate   (ClusterLinks       *self);
gboolean        cluster_links_is_connected (ClusterLinks       *self);
/* Whether one is being made: other plugins are put on it, which may do anything. */
gboolean        cluster_links_is_making    (ClusterLinks       *self);
/* Calls @func from the main loop when none is being made any more, as one is now. */
void            cluster_links_do_later     (ClusterLinks       *self,
                                            GSourceFunc         func,
                                            gpointer            user_data);
/* Whether the connection of a node's client was closed because the cluster says that the node has failed, and there was none
 * since. */
gboolean        cluster_links_has_given_up (TornadisClient     *node);
/* Closes all. */
void            cluster_links_close        (ClusterLinks       *self);

G_END_DECLS
