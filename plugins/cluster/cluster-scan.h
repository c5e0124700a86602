/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-client.h"

G_BEGIN_DECLS

/* Holds a SCAN and answers it. Servers that have CLUSTERSCAN go from slot to slot, with a cursor that names the slot and finds
 * its way when that moves. With others the nodes are scanned one after the other, in the order of their first slots, so that a
 * cursor holds when a replica takes a master's place; it names the node in its lowest bits. */
void cluster_scan (ClusterClient *client,
                   TornadisCall  *call);

G_END_DECLS
