/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/data/tornadis-live-model.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_STREAM_MODEL (tornadis_stream_model_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisStreamModel, tornadis_stream_model, TORNADIS, STREAM_MODEL, TornadisLiveModel)

TORNADIS_AVAILABLE_IN_1_0
TornadisStreamModel *tornadis_stream_model_new (TornadisClient *client,
                                                const char *key,
                                                guint max_items);
TORNADIS_AVAILABLE_IN_1_0
guint tornadis_stream_model_get_max_items (TornadisStreamModel *self);

G_END_DECLS
