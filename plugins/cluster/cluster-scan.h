/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-client.h"

G_BEGIN_DECLS

/* Holds a SCAN and answers it: the nodes are scanned one after the other, in the order of their first slots, so that a cursor
 * holds when a replica takes a master's place. The cursor that the program sees names the node in its lowest bits. */
void cluster_scan (ClusterClient *client,
                   TornadisCall  *call);

G_END_DECLS
