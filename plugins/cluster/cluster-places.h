/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-topology.h"

G_BEGIN_DECLS

/* The masters in an order in which none of them moves: each has a place for as long as it is one. One that is new gets the place
 * of one that is none any more, so that an heir comes where its predecessor was, or else another. */
typedef struct _ClusterPlaces ClusterPlaces;

ClusterPlaces *cluster_places_new (void);
void cluster_places_free (ClusterPlaces *self);
/* @topology (nullable): NULL: nothing is known, and nothing changes. */
void cluster_places_update (ClusterPlaces *self,
                            ClusterTopology *topology);
guint cluster_places_get_n (ClusterPlaces *self);
/* (nullable): the key of the master that has the place; it may have failed, without an heir. NULL: nobody has it. */
const char *cluster_places_get_key (ClusterPlaces *self,
                                    guint place);

G_END_DECLS
