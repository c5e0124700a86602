/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/data/tornadis-live-model.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_HASH_MODEL (tornadis_hash_model_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisHashModel, tornadis_hash_model, TORNADIS, HASH_MODEL, TornadisLiveModel)

TORNADIS_AVAILABLE_IN_1_0
TornadisHashModel *tornadis_hash_model_new (TornadisClient *client, const char *key);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_hash_model_put_async (TornadisHashModel *self, GBytes *field, GBytes *value, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_hash_model_put_finish (TornadisHashModel *self, GAsyncResult *result, GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_hash_model_remove_async (TornadisHashModel *self, GBytes *field, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_hash_model_remove_finish (TornadisHashModel *self, GAsyncResult *result, GError **error);

G_END_DECLS
