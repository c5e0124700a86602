/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Any node of a cluster: which one is chosen anew for each attempt to connect. */
#define CLUSTER_TYPE_CONNECTABLE (cluster_connectable_get_type ())
G_DECLARE_FINAL_TYPE (ClusterConnectable, cluster_connectable, CLUSTER, CONNECTABLE, GObject)

/* (transfer full) */
typedef GNetworkAddress *(*ClusterChooseFunc) (gpointer user_data);

/* @title is what the cluster is called in errors. */
ClusterConnectable *cluster_connectable_new   (const char          *title,
                                               ClusterChooseFunc    choose,
                                               gpointer             user_data);
/* Always of the same node. */
ClusterConnectable *cluster_connectable_new_fixed (const char      *title,
                                               GNetworkAddress     *node);
/* From now on nobody is asked any more: attempts fail, since the plugin was removed. */
void                cluster_connectable_close (ClusterConnectable  *self);

G_END_DECLS
