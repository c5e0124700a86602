/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-client-pool.h"

G_BEGIN_DECLS

/* A client that is being connected. It counts as long as it is in @connecting. */
typedef struct
{
  GCancellable *cancellable; /* (owned) */
  GSList *preconnects;       /* (element-type GTask) (unowned) those who want it besides who waits for a client */
  guint64 serial;
} TornadisPoolAttempt;

struct _TornadisClientPool
{
  GObject parent_instance;

  GMainContext *context;    /* (owned) */
  TornadisClient *template; /* (owned) (nullable) */
  GHashTable *busy;         /* (owned) (element-type TornadisClient guint) those that are taken, and in which generation */
  GHashTable *connecting;   /* (owned) (element-type TornadisClient TornadisPoolAttempt) for whoever waits first when they are up */
  GQueue idle;              /* (element-type TornadisClient) (owned) the last released first */
  GQueue waiters;           /* (element-type GTask) (owned) in order */
  GSource *check;           /* (owned) (nullable) while autoclose has something to close */
  int max_size;             /* -1: no bound */
  int client_timeout_sec;   /* -1: none */
  gboolean autoclose;
  guint64 n_attempts;
  guint generation; /* increased when the pool is destroyed: clients that were taken before are closed on release */
  gboolean disposed; /* nothing is emitted any more */
  guint notified_size;
  guint notified_idle;
  guint notified_waiting;
};

/* The context that its clients belong to. */
GMainContext   *tornadis_client_pool_get_context  (TornadisClientPool  *self);
guint           tornadis_client_pool_get_size     (TornadisClientPool  *self);
void            tornadis_client_pool_notify_counts (TornadisClientPool  *self);
/* Gives idle clients to those who wait, and creates new ones for the others as long as there is room. */
void            tornadis_client_pool_serve        (TornadisClientPool  *self);
/* Closes idle clients that are not reusable, or all. */
void            tornadis_client_pool_drop_idle    (TornadisClientPool  *self,
                                                   gboolean             all);
/* Of a pool that is disposed nobody is notified, nor of a client that goes with it. */
void            tornadis_client_pool_close_client (TornadisClientPool  *self,
                                                   TornadisClient      *client);
/* Creates a client like the template; (transfer full). */
TornadisClient *tornadis_client_pool_make_client  (TornadisClientPool  *self,
                                                   GError             **error);
/* Takes a client for a call, which connects it if need be; finished as tornadis_client_pool_get_connected_client_async(). */
void            tornadis_client_pool_get_client_async (TornadisClientPool *self,
                                                   GCancellable        *cancellable,
                                                   GAsyncReadyCallback  callback,
                                                   gpointer             user_data);
/* What the callback of tornadis_client_pool_connect() calls. */
gboolean        tornadis_client_pool_connected    (TornadisClientPool  *self,
                                                   TornadisClient      *client,
                                                   GAsyncResult        *result,
                                                   GError             **error);

/* tornadis-client-pool-attempts.c */

GHashTable     *tornadis_client_pool_new_attempts (void);
/* Connects @client (transfer full), for @preconnect or, if that is %NULL, who waits; @callback calls
 * tornadis_client_pool_connected(). */
void            tornadis_client_pool_connect      (TornadisClientPool  *self,
                                                   TornadisClient      *client,
                                                   GTask               *preconnect,
                                                   GAsyncReadyCallback  callback,
                                                   gpointer             user_data);
/* A preconnecting wants none of them any more. */
void            tornadis_client_pool_leave_attempts (TornadisClientPool *self,
                                                   GTask               *preconnect);
/* Somebody does not wait any more, because of @reason: ends the attempts that nobody needs now. */
void            tornadis_client_pool_give_up      (TornadisClientPool  *self,
                                                   const GError        *reason);

G_END_DECLS
