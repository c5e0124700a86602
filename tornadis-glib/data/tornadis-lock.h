/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_LOCK (tornadis_lock_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisLock, tornadis_lock, TORNADIS, LOCK, GObject)

TORNADIS_AVAILABLE_IN_1_0
TornadisLock *tornadis_lock_new (TornadisCaller *caller,
                                 const char *name);
TORNADIS_AVAILABLE_IN_1_0
TornadisCaller *tornadis_lock_get_caller (TornadisLock *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_lock_get_name (TornadisLock *self);
TORNADIS_AVAILABLE_IN_1_0
guint tornadis_lock_get_expiry_msec (TornadisLock *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_lock_get_fencing_key (TornadisLock *self);
TORNADIS_AVAILABLE_IN_1_0
gint64 tornadis_lock_get_fencing_number (TornadisLock *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_lock_get_token (TornadisLock *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_lock_is_held (TornadisLock *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_lock_acquire_async (TornadisLock *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_lock_acquire_finish (TornadisLock *self,
                                       GAsyncResult *result,
                                       GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_lock_try_acquire_async (TornadisLock *self,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_lock_try_acquire_finish (TornadisLock *self,
                                           GAsyncResult *result,
                                           GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_lock_release_async (TornadisLock *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_lock_release_finish (TornadisLock *self,
                                       GAsyncResult *result,
                                       GError **error);

G_END_DECLS
