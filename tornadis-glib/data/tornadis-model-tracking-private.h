/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What lets a server tell of changed keys that sends no notifications: CLIENT TRACKING, on a connection of the client that
 * this is on. */

#pragma once

#include <tornadis-glib/client/tornadis-plugin.h>

G_BEGIN_DECLS

/* A key has been changed, if it begins so; or, with %NULL, any may have been. */
typedef void (*TornadisModelTrackingFunc) (GBytes *key,
                                           gpointer user_data);

#define TORNADIS_TYPE_MODEL_TRACKING (tornadis_model_tracking_get_type ())

G_DECLARE_FINAL_TYPE (TornadisModelTracking, tornadis_model_tracking, TORNADIS, MODEL_TRACKING, TornadisPlugin)

/* (transfer full): to be added to a client that is not connected yet. */
TornadisModelTracking *tornadis_model_tracking_new (GBytes *prefix,
                                                    TornadisModelTrackingFunc func,
                                                    gpointer user_data);
/* The function is not called after it. */
void tornadis_model_tracking_stop (TornadisModelTracking *self);
/* Whether the client is connected, and no server refuses it that it is connected to, or cannot tell. */
gboolean tornadis_model_tracking_is_on (TornadisModelTracking *self);

G_END_DECLS
