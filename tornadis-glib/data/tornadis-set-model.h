/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/data/tornadis-live-model.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_SET_MODEL (tornadis_set_model_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisSetModel, tornadis_set_model, TORNADIS, SET_MODEL, TornadisLiveModel)

TORNADIS_AVAILABLE_IN_1_0
TornadisSetModel *tornadis_set_model_new (TornadisClient *client, const char *key);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_set_model_add_async (TornadisSetModel *self, GBytes *member, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_set_model_add_finish (TornadisSetModel *self, GAsyncResult *result, GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_set_model_remove_async (TornadisSetModel *self, GBytes *member, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_set_model_remove_finish (TornadisSetModel *self, GAsyncResult *result, GError **error);

G_END_DECLS
