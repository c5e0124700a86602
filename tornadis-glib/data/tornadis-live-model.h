/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_LIVE_MODEL (tornadis_live_model_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (TornadisLiveModel, tornadis_live_model, TORNADIS, LIVE_MODEL, GObject)

struct _TornadisLiveModelClass
{
  GObjectClass parent_class;

  /*< private >*/
  const struct _TornadisLiveModelVirtuals *virtuals;
  gpointer padding[15];
};

TORNADIS_AVAILABLE_IN_1_0
TornadisClient *tornadis_live_model_get_client (TornadisLiveModel *self);
TORNADIS_AVAILABLE_IN_1_0
GBytes *tornadis_live_model_get_key_bytes (TornadisLiveModel *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_live_model_get_key (TornadisLiveModel *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_live_model_get_ready (TornadisLiveModel *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_live_model_get_live (TornadisLiveModel *self);
TORNADIS_AVAILABLE_IN_1_0
const GError *tornadis_live_model_get_error (TornadisLiveModel *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_live_model_refresh (TornadisLiveModel *self);

G_END_DECLS
