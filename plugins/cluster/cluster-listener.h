/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-client.h"
#include "cluster/cluster-map.h"

G_BEGIN_DECLS

/* A pub/sub client of the application. It is connected to any node, where its channels and patterns are; its shard channels
 * are at the masters of their slots, each with a pub/sub client of its own. */
typedef struct _ClusterListener ClusterListener;

/* All (unowned). @title is what the cluster is called in errors. */
ClusterListener *cluster_listener_new    (TornadisPlugin        *plugin,
                                          TornadisPubSubClient  *client,
                                          const char            *title,
                                          ClusterMap            *map,
                                          const ClusterSettings *settings,
                                          ClusterCounters       *counters);
void             cluster_listener_free   (ClusterListener       *self);
/* The map has another topology. */
void             cluster_listener_update (ClusterListener       *self);
/* (transfer none) (nullable): who is to have the shard channel @name. */
TornadisPubSubClient *
                 cluster_listener_route  (ClusterListener       *self,
                                          GBytes                *name);
/* @target does not have a shard channel although it should. Whether it is to be routed again. */
gboolean         cluster_listener_fail   (ClusterListener       *self,
                                          TornadisPubSubClient  *target,
                                          const GError          *error);

G_END_DECLS
