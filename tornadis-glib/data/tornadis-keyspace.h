/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_KEYSPACE (tornadis_keyspace_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisKeyspace, tornadis_keyspace, TORNADIS, KEYSPACE, GObject)

TORNADIS_AVAILABLE_IN_1_0
TornadisKeyspace *tornadis_keyspace_new (TornadisClient *client,
                                         const char *pattern);
TORNADIS_AVAILABLE_IN_1_0
TornadisClient *tornadis_keyspace_get_client (TornadisKeyspace *self);
TORNADIS_AVAILABLE_IN_1_0
GBytes *tornadis_keyspace_get_pattern (TornadisKeyspace *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_keyspace_get_event (TornadisKeyspace *self);
TORNADIS_AVAILABLE_IN_1_0
int tornadis_keyspace_get_db (TornadisKeyspace *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_keyspace_get_subkeys (TornadisKeyspace *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_keyspace_get_configure (TornadisKeyspace *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_keyspace_get_classes (TornadisKeyspace *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_keyspace_get_active (TornadisKeyspace *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_keyspace_get_checked (TornadisKeyspace *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_keyspace_get_has_subkeys (TornadisKeyspace *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_keyspace_start_async (TornadisKeyspace *self,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_keyspace_start_finish (TornadisKeyspace *self,
                                         GAsyncResult *result,
                                         GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_keyspace_stop (TornadisKeyspace *self);

G_END_DECLS
