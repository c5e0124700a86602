/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/client/tornadis-client.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_CLIENT_POOL (tornadis_client_pool_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisClientPool, tornadis_client_pool, TORNADIS, CLIENT_POOL, GObject)

TORNADIS_AVAILABLE_IN_1_0
TornadisClientPool *tornadis_client_pool_new                         (TornadisClient      *template_client);
TORNADIS_AVAILABLE_IN_1_0
void                tornadis_client_pool_get_connected_client_async  (TornadisClientPool  *self,
                                                                      GCancellable        *cancellable,
                                                                      GAsyncReadyCallback  callback,
                                                                      gpointer             user_data);
TORNADIS_AVAILABLE_IN_1_0
TornadisClient     *tornadis_client_pool_get_connected_client_finish (TornadisClientPool  *self,
                                                                      GAsyncResult        *result,
                                                                      GError             **error);
TORNADIS_AVAILABLE_IN_1_0
TornadisClient     *tornadis_client_pool_get_client_nowait           (TornadisClientPool  *self);
TORNADIS_AVAILABLE_IN_1_0
void                tornadis_client_pool_release_client              (TornadisClientPool  *self,
                                                                      TornadisClient      *client);
TORNADIS_AVAILABLE_IN_1_0
void                tornadis_client_pool_preconnect_async            (TornadisClientPool  *self,
                                                                      int                  size,
                                                                      GCancellable        *cancellable,
                                                                      GAsyncReadyCallback  callback,
                                                                      gpointer             user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean            tornadis_client_pool_preconnect_finish           (TornadisClientPool  *self,
                                                                      GAsyncResult        *result,
                                                                      GError             **error);
TORNADIS_AVAILABLE_IN_1_0
void                tornadis_client_pool_destroy                     (TornadisClientPool  *self);
TORNADIS_AVAILABLE_IN_1_0
void                tornadis_client_pool_call_async                  (TornadisClientPool  *self,
                                                                      TornadisCommand     *command,
                                                                      GCancellable        *cancellable,
                                                                      GAsyncReadyCallback  callback,
                                                                      gpointer             user_data);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply      *tornadis_client_pool_call_finish                 (TornadisClientPool  *self,
                                                                      GAsyncResult        *result,
                                                                      GError             **error);
TORNADIS_AVAILABLE_IN_1_0
void                tornadis_client_pool_call_pipeline_async         (TornadisClientPool  *self,
                                                                      TornadisPipeline    *pipeline,
                                                                      GCancellable        *cancellable,
                                                                      GAsyncReadyCallback  callback,
                                                                      gpointer             user_data);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply      *tornadis_client_pool_call_pipeline_finish        (TornadisClientPool  *self,
                                                                      GAsyncResult        *result,
                                                                      GError             **error);

G_END_DECLS
