/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-client-pool.h"

G_BEGIN_DECLS

struct _TornadisClientPool
{
  GObject parent_instance;

  GMainContext *context;    /* (owned) */
  TornadisClient *template; /* (owned) (nullable) */
  GHashTable *busy;         /* (owned) (element-type TornadisClient guint) taken, in which generation */
  GHashTable *connecting;   /* (owned) (element-type TornadisClient) for whoever is first when it is up */
  GQueue idle;              /* (element-type TornadisClient) (owned) the last released first */
  GQueue waiters;           /* (element-type GTask) (owned) in order */
  GSource *check;           /* (owned) (nullable) while autoclose has something to close */
  int max_size;             /* -1: no bound */
  int client_timeout;       /* seconds, -1: none */
  gboolean autoclose;
  guint generation; /* goes up when the pool is destroyed: what was taken before is not wanted back */
  guint notified_size;
  guint notified_idle;
  guint notified_waiting;
};

guint           tornadis_client_pool_get_size     (TornadisClientPool  *self);
void            tornadis_client_pool_notify_counts  (TornadisClientPool  *self);
/* Gives those who wait what there is, and makes what may still be made. */
void            tornadis_client_pool_serve        (TornadisClientPool  *self);
/* Closes idle clients that are not fit, or all. */
void            tornadis_client_pool_drop_idle    (TornadisClientPool  *self,
                                                   gboolean             all);
/* Makes a client like the template; (transfer full). */
TornadisClient *tornadis_client_pool_make_client  (TornadisClientPool  *self,
                                                   GError             **error);
/* Takes a client for a call, which connects it if need be; finished as tornadis_client_pool_get_connected_client_async(). */
void            tornadis_client_pool_get_client_async (TornadisClientPool *self,
                                                   GCancellable        *cancellable,
                                                   GAsyncReadyCallback  callback,
                                                   gpointer             user_data);
/* Connects @client (transfer full); @callback calls tornadis_client_pool_connected(). */
void            tornadis_client_pool_connect      (TornadisClientPool  *self,
                                                   TornadisClient      *client,
                                                   GAsyncReadyCallback  callback,
                                                   gpointer             user_data);
gboolean        tornadis_client_pool_connected    (TornadisClientPool  *self,
                                                   TornadisClient      *client,
                                                   GAsyncResult        *result,
                                                   GError             **error);

G_END_DECLS
