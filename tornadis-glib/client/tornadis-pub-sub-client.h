/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/client/tornadis-client.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_PUB_SUB_CLIENT (tornadis_pub_sub_client_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisPubSubClient, tornadis_pub_sub_client, TORNADIS, PUB_SUB_CLIENT, TornadisClient)

TORNADIS_AVAILABLE_IN_1_0
TornadisPubSubClient *tornadis_pub_sub_client_new (const char *host,
                                                   guint16 port);
TORNADIS_AVAILABLE_IN_1_0
TornadisPubSubClient *tornadis_pub_sub_client_new_for_uri (const char *uri,
                                                           GError **error);
TORNADIS_AVAILABLE_IN_1_0
TornadisPubSubClient *tornadis_pub_sub_client_new_for_uri_full (const char       *uri,
                                                                TornadisUriFlags  flags,
                                                                GError          **error);
TORNADIS_AVAILABLE_IN_1_0
TornadisPubSubClient *tornadis_pub_sub_client_new_for_unix_socket (const char *path);
TORNADIS_AVAILABLE_IN_1_0
TornadisPubSubClient *tornadis_pub_sub_client_new_like (TornadisClient *model,
                                                        GError **error);
TORNADIS_AVAILABLE_IN_1_0
void                 tornadis_pub_sub_client_subscribe_async (TornadisPubSubClient *self,
                                                              const char * const *channels,
                                                              GCancellable *cancellable,
                                                              GAsyncReadyCallback callback,
                                                              gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean             tornadis_pub_sub_client_subscribe_finish (TornadisPubSubClient *self,
                                                               GAsyncResult *result,
                                                               GError **error);
TORNADIS_AVAILABLE_IN_1_0
void                 tornadis_pub_sub_client_psubscribe_async (TornadisPubSubClient *self,
                                                               const char * const *patterns,
                                                               GCancellable *cancellable,
                                                               GAsyncReadyCallback callback,
                                                               gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean             tornadis_pub_sub_client_psubscribe_finish (TornadisPubSubClient *self,
                                                                GAsyncResult *result,
                                                                GError **error);
TORNADIS_AVAILABLE_IN_1_0
void                 tornadis_pub_sub_client_ssubscribe_async (TornadisPubSubClient *self,
                                                               const char * const *channels,
                                                               GCancellable *cancellable,
                                                               GAsyncReadyCallback callback,
                                                               gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean             tornadis_pub_sub_client_ssubscribe_finish (TornadisPubSubClient *self,
                                                                GAsyncResult *result,
                                                                GError **error);
TORNADIS_AVAILABLE_IN_1_0
void                 tornadis_pub_sub_client_unsubscribe_async (TornadisPubSubClient *self,
                                                                const char * const *channels,
                                                                GCancellable *cancellable,
                                                                GAsyncReadyCallback callback,
                                                                gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean             tornadis_pub_sub_client_unsubscribe_finish (TornadisPubSubClient *self,
                                                                 GAsyncResult *result,
                                                                 GError **error);
TORNADIS_AVAILABLE_IN_1_0
void                 tornadis_pub_sub_client_punsubscribe_async (TornadisPubSubClient *self,
                                                                 const char * const *patterns,
                                                                 GCancellable *cancellable,
                                                                 GAsyncReadyCallback callback,
                                                                 gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean             tornadis_pub_sub_client_punsubscribe_finish (TornadisPubSubClient *self,
                                                                  GAsyncResult *result,
                                                                  GError **error);
TORNADIS_AVAILABLE_IN_1_0
void                 tornadis_pub_sub_client_sunsubscribe_async (TornadisPubSubClient *self,
                                                                 const char * const *channels,
                                                                 GCancellable *cancellable,
                                                                 GAsyncReadyCallback callback,
                                                                 gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean             tornadis_pub_sub_client_sunsubscribe_finish (TornadisPubSubClient *self,
                                                                  GAsyncResult *result,
                                                                  GError **error);
TORNADIS_AVAILABLE_IN_1_0
void                 tornadis_pub_sub_client_subscribe_bytes_async (TornadisPubSubClient *self,
                                                              TornadisSubscriptionKind kind,
                                                              GBytes **names,
                                                              gsize n_names,
                                                              GCancellable *cancellable,
                                                              GAsyncReadyCallback callback,
                                                              gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean             tornadis_pub_sub_client_subscribe_bytes_finish (TornadisPubSubClient *self,
                                                               GAsyncResult *result,
                                                               GError **error);
TORNADIS_AVAILABLE_IN_1_0
void                 tornadis_pub_sub_client_unsubscribe_bytes_async (TornadisPubSubClient *self,
                                                              TornadisSubscriptionKind kind,
                                                              GBytes **names,
                                                              gsize n_names,
                                                              GCancellable *cancellable,
                                                              GAsyncReadyCallback callback,
                                                              gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean             tornadis_pub_sub_client_unsubscribe_bytes_finish (TornadisPubSubClient *self,
                                                               GAsyncResult *result,
                                                               GError **error);
TORNADIS_AVAILABLE_IN_1_0
void                 tornadis_pub_sub_client_pop_message_async (TornadisPubSubClient *self,
                                                                double timeout,
                                                                GCancellable *cancellable,
                                                                GAsyncReadyCallback callback,
                                                                gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
TornadisMessage *    tornadis_pub_sub_client_pop_message_finish (TornadisPubSubClient *self,
                                                                 GAsyncResult *result,
                                                                 GError **error);
TORNADIS_AVAILABLE_IN_1_0
void                 tornadis_pub_sub_client_unpop_message (TornadisPubSubClient *self,
                                                            TornadisMessage *message);

G_END_DECLS
