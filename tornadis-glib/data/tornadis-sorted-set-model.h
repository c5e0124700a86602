/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/data/tornadis-live-model.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_SORTED_SET_MODEL (tornadis_sorted_set_model_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisSortedSetModel, tornadis_sorted_set_model, TORNADIS, SORTED_SET_MODEL, TornadisLiveModel)

TORNADIS_AVAILABLE_IN_1_0
TornadisSortedSetModel *tornadis_sorted_set_model_new (TornadisClient *client,
                                                       const char *key,
                                                       gboolean descending);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_sorted_set_model_get_descending (TornadisSortedSetModel *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_sorted_set_model_add_async (TornadisSortedSetModel *self,
                                          GBytes *member,
                                          double score,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_sorted_set_model_add_finish (TornadisSortedSetModel *self,
                                               GAsyncResult *result,
                                               GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_sorted_set_model_remove_async (TornadisSortedSetModel *self,
                                             GBytes *member,
                                             GCancellable *cancellable,
                                             GAsyncReadyCallback callback,
                                             gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_sorted_set_model_remove_finish (TornadisSortedSetModel *self,
                                                  GAsyncResult *result,
                                                  GError **error);

G_END_DECLS
