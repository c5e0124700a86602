/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-client.h"
#include "cluster/cluster-map.h"

G_BEGIN_DECLS

/* A pub/sub client of the application. It is connected to any node, where its channels and patterns are; its shard channels
 * are at the masters of their slots, and notifications of keys at all masters, each with a pub/sub client of its own. */
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
/* What is to be at every master is so at places: a master keeps its place, which its heir, or another that joins, gets after it. */
guint cluster_listener_count_places (ClusterListener *self);
/* (transfer none) (nullable): who is to have such a name at a place. FALSE: no master has that place. */
gboolean cluster_listener_route_place (ClusterListener *self,
                                       guint place,
                                       TornadisPubSubClient **target);
/* @target does not have a name although it should. Whether it is to be routed again. */
gboolean         cluster_listener_fail   (ClusterListener       *self,
                                          TornadisPubSubClient  *target,
                                          const GError          *error);

G_END_DECLS
