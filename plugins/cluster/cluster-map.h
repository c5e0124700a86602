/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-redirect.h"
#include "cluster/cluster-topology.h"
#include "common/command-table.h"

G_BEGIN_DECLS

/* What all clients of one plugin know of the cluster: its topology and its commands. Several nodes are asked how new their view
 * is, and the one with the newest for it, on connections of the map's own that last no longer than that: one that is stuck, or
 * knows only what was, holds nobody up. */
typedef struct _ClusterMap ClusterMap;

/* The topology is another one than @before (nullable). */
typedef void (*ClusterMapChanged) (ClusterTopology *before,
                                   gpointer         user_data);
/* A slot has left its node: the topology says so now. */
typedef void (*ClusterMapMoved)   (gpointer user_data);
/* Whether any client has a use for what is known. While none has, nobody is asked in the time, until cluster_map_wake(). */
typedef gboolean (*ClusterMapUsed) (gpointer user_data);
/* The cluster was looked at. @error (nullable): no node could say. Called from the main loop. */
typedef void (*ClusterMapFunc)    (const GError *error,
                                   gpointer      user_data);

/* @seeds (transfer full) (element-type GNetworkAddress) are asked again whenever the nodes that are known do not answer.
 * @title is what the cluster is called in errors. */
ClusterMap      *cluster_map_new          (TornadisPlugin    *plugin,
                                           const char        *title,
                                           GPtrArray         *seeds,
                                           ClusterMapChanged  changed,
                                           ClusterMapMoved    moved,
                                           ClusterMapUsed     is_used,
                                           gpointer           user_data);
void             cluster_map_free         (ClusterMap        *self);
/* @model (unowned) (nullable): the client whose properties the connections have; while there is none nobody is asked. */
void             cluster_map_set_model    (ClusterMap        *self,
                                           TornadisClient    *model);
/* Whether the topology and the commands are known. */
gboolean         cluster_map_is_ready     (ClusterMap        *self);
/* (nullable) the last one that was usable. */
ClusterTopology *cluster_map_get_topology (ClusterMap        *self);
/* NULL: the servers do not know the command, or nothing is known yet. */
const CommandEntry *cluster_map_find_command (ClusterMap     *self,
                                           TornadisCommand   *command);
/* Looks at the cluster, which happens one at a time and not too often, and calls @func (nullable) when that was done.
 * @hint (nullable) is a node that knows more than others. */
void             cluster_map_refresh      (ClusterMap        *self,
                                           GNetworkAddress   *hint,
                                           ClusterMapFunc     func,
                                           gpointer           user_data);
/* A node has said that a slot is that of the one at @host (MOVED). That one is looked at, and believed if it is known. Whoever
 * is told of that may do anything, and remove the plugin. */
void             cluster_map_move         (ClusterMap        *self,
                                           const ClusterRedirect *redirect,
                                           const char        *host);
/* There is a client again that has a use for it. */
void             cluster_map_wake         (ClusterMap        *self);
/* No @func with this data is called any more. */
void             cluster_map_forget       (ClusterMap        *self,
                                           gpointer           user_data);
/* Any node that may be connected to (transfer full): a master with slots, at random, or one of the seeds. */
GNetworkAddress *cluster_map_choose_node  (ClusterMap        *self);
/* How often the cluster was looked at. */
guint64          cluster_map_get_n_refreshes (ClusterMap     *self);

G_END_DECLS
