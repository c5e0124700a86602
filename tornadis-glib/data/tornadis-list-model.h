/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/data/tornadis-live-model.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_LIST_MODEL (tornadis_list_model_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisListModel, tornadis_list_model, TORNADIS, LIST_MODEL, TornadisLiveModel)

TORNADIS_AVAILABLE_IN_1_0
TornadisListModel *tornadis_list_model_new (TornadisClient *client,
                                            const char *key);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_list_model_append_async (TornadisListModel *self,
                                       GBytes *value,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_list_model_append_finish (TornadisListModel *self,
                                            GAsyncResult *result,
                                            GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_list_model_insert_async (TornadisListModel *self,
                                       guint position,
                                       GBytes *value,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_list_model_insert_finish (TornadisListModel *self,
                                            GAsyncResult *result,
                                            GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_list_model_replace_async (TornadisListModel *self,
                                        guint position,
                                        GBytes *value,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_list_model_replace_finish (TornadisListModel *self,
                                             GAsyncResult *result,
                                             GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_list_model_remove_async (TornadisListModel *self,
                                       guint position,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_list_model_remove_finish (TornadisListModel *self,
                                            GAsyncResult *result,
                                            GError **error);

G_END_DECLS
