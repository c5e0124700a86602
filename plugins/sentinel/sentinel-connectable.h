/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sentinel/sentinel-monitor.h"

G_BEGIN_DECLS

#define SENTINEL_TYPE_CONNECTABLE (sentinel_connectable_get_type ())
G_DECLARE_FINAL_TYPE (SentinelConnectable, sentinel_connectable, SENTINEL, CONNECTABLE, GObject)

/* Where a client connects to: each attempt asks the sentinels anew. @monitor (unowned) is there until
 * sentinel_connectable_close(). */
SentinelConnectable *sentinel_connectable_new (SentinelMonitor *monitor,
                                               const char *name,
                                               SentinelRole role,
                                               TornadisClient *client);
/* The plugin is off the client. */
void sentinel_connectable_close (SentinelConnectable *self);
/* The server that was connected to is what it should be. */
void sentinel_connectable_confirm (SentinelConnectable *self);
/* The server that the last attempt was for, %NULL: there was none, or several. */
GNetworkAddress *sentinel_connectable_get_server (SentinelConnectable *self);

G_END_DECLS
