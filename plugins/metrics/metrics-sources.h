/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "metrics/metrics-server.h"

G_BEGIN_DECLS

/* What other plugins of the clients count, in read-only properties: cluster its redirects, refreshes and failovers, sentinel
 * its switches. A plugin that is on many clients counts once. */
typedef struct _MetricsSources MetricsSources;

MetricsSources *metrics_sources_new     (void);
void            metrics_sources_free    (MetricsSources *self);
/* Those that are on @client now (transfer full), to be freed with g_ptr_array_unref(). What they have counted before is not
 * counted, unless they are held already. */
GPtrArray      *metrics_sources_find    (MetricsSources *self,
                                         TornadisClient *client);
/* Adds to @server what they have counted since they were asked last. */
void            metrics_sources_collect (GPtrArray      *found,
                                         MetricsServer  *server);

G_END_DECLS
