/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-topology.h"

G_BEGIN_DECLS

/* What one node says of its cluster, on a connection of its own that lasts no longer than the view: first, which is short, how
 * new that is, and then, if it is wanted, what. */
typedef struct _ClusterView ClusterView;

/* The node has answered, or will not. The view may be freed here. */
typedef void (*ClusterViewFunc) (ClusterView *self,
                                 gpointer     user_data);

/* Asks @node how new its view is; @heard is called for that, and @described for each cluster_view_describe(), from the main
 * loop and as long as the view is not freed. @title is what the cluster is called in errors. @model (transfer none): the client
 * whose properties the connection has. @timeout_msec, 0 for none, is for each of the questions. */
ClusterView         *cluster_view_new          (const char        *title,
                                                GNetworkAddress   *node,
                                                TornadisClient    *model,
                                                guint              timeout_msec,
                                                ClusterViewFunc    heard,
                                                ClusterViewFunc    described,
                                                gpointer           user_data);
void                 cluster_view_free         (ClusterView       *self);
/* Whether it was heard, and is of use as yet. */
gboolean             cluster_view_is_usable    (const ClusterView *self);
/* (transfer none) (nullable): why it is not. */
const GError        *cluster_view_get_error    (const ClusterView *self);
/* The epoch of the cluster's last change: the greater, the later. 0: the node does not say. */
guint64              cluster_view_get_epoch    (const ClusterView *self);
/* Whether the node knows that it is cut off from the others, or that slots have no master. */
gboolean             cluster_view_is_down      (const ClusterView *self);
/* Whether @self is to be preferred to @other. */
gboolean             cluster_view_is_better    (const ClusterView *self,
                                                const ClusterView *other);
/* Asks for the topology. */
void                 cluster_view_describe     (ClusterView       *self);
/* (transfer full) (nullable): what it has described, which has slots. */
ClusterTopology     *cluster_view_take_topology (ClusterView      *self);
/* (transfer none): connected to the node. */
TornadisClient      *cluster_view_get_client   (ClusterView       *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ClusterView, cluster_view_free)

G_END_DECLS
