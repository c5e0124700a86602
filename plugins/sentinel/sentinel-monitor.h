/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sentinel/sentinel-view.h"

G_BEGIN_DECLS

/* The sentinels of one name: asks them, one after the other, and hears from all of them when they have made another server
 * the master. */
typedef struct _SentinelMonitor SentinelMonitor;

/* How sentinels are connected to. */
typedef struct
{
  char *username; /* (owned) (nullable) */
  char *password; /* (owned) (nullable) */
  gboolean plain; /* without TLS, even if the servers are asked for over TLS */
} SentinelLogin;

/* @view is what a sentinel says, or %NULL with an error: TORNADIS_ERROR_CONNECT, none of them knows. Called from the main
 * loop, once unless it is forgotten; may do anything, and free the monitor. */
typedef void (*SentinelViewFunc) (const SentinelView *view,
                                  const GError *error,
                                  gpointer user_data);
/* A sentinel says, and none has said before, that @view has another master. */
typedef void (*SentinelSwitchedFunc) (const SentinelView *view,
                                      gpointer user_data);

/* @seeds (element-type GNetworkAddress) are never forgotten. */
SentinelMonitor *sentinel_monitor_new (const char *name,
                                       GPtrArray *seeds,
                                       SentinelSwitchedFunc func,
                                       gpointer user_data);
void sentinel_monitor_free (SentinelMonitor *self);
SentinelLogin *sentinel_monitor_get_login (SentinelMonitor *self);
/* Asks, over connections as those of @model but for the login. Who asks meanwhile gets the same answer. */
void sentinel_monitor_look (SentinelMonitor *self,
                            TornadisClient *model,
                            SentinelViewFunc func,
                            gpointer user_data);
/* The function of one who asked will not be called. */
void sentinel_monitor_forget (SentinelMonitor *self,
                              gpointer user_data);
/* The server says itself that it is the master that a view with this epoch and this @is_old has: who says what was so before
 * is no longer heeded, unless there is nobody else. */
void sentinel_monitor_confirm (SentinelMonitor *self,
                               gint64 epoch,
                               gboolean is_old);
/* What a sentinel said has led nowhere: the others are asked before it. */
void sentinel_monitor_doubt (SentinelMonitor *self,
                             GNetworkAddress *sentinel);
/* Nobody is there to be told: hears nothing until somebody asks again. */
void sentinel_monitor_rest (SentinelMonitor *self);

/* How a connection is made, of one client for another. */
void sentinel_copy_properties (TornadisClient *from,
                               TornadisClient *to);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SentinelMonitor, sentinel_monitor_free)

G_END_DECLS
