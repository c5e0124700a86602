/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/data/tornadis-live-model.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_KEY_MODEL (tornadis_key_model_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisKeyModel, tornadis_key_model, TORNADIS, KEY_MODEL, TornadisLiveModel)

TORNADIS_AVAILABLE_IN_1_0
TornadisKeyModel *tornadis_key_model_new (TornadisClient *client, const char *pattern);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_key_model_remove_async (TornadisKeyModel *self, GBytes *key, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_key_model_remove_finish (TornadisKeyModel *self, GAsyncResult *result, GError **error);

G_END_DECLS
