/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_FUNCTION_LIBRARY (tornadis_function_library_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisFunctionLibrary, tornadis_function_library, TORNADIS, FUNCTION_LIBRARY, GObject)

TORNADIS_AVAILABLE_IN_1_0
TornadisFunctionLibrary *tornadis_function_library_new (const char *code,
                                                        guint64 version);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_function_library_get_code (TornadisFunctionLibrary *self);
TORNADIS_AVAILABLE_IN_1_0
guint64 tornadis_function_library_get_version (TornadisFunctionLibrary *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_function_library_get_name (TornadisFunctionLibrary *self);
TORNADIS_AVAILABLE_IN_1_0
TornadisCommand *tornadis_function_library_create_command (TornadisFunctionLibrary *self,
                                                           const char *function_name,
                                                           guint n_keys,
                                                           const char *const *arguments);
TORNADIS_AVAILABLE_IN_1_0
TornadisCommand *tornadis_function_library_create_read_only_command (TornadisFunctionLibrary *self,
                                                                     const char *function_name,
                                                                     guint n_keys,
                                                                     const char *const *arguments);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_function_library_ensure_async (TornadisFunctionLibrary *self,
                                             TornadisCaller *caller,
                                             GCancellable *cancellable,
                                             GAsyncReadyCallback callback,
                                             gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_function_library_ensure_finish (TornadisFunctionLibrary *self,
                                                  GAsyncResult *result,
                                                  GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_function_library_call_async (TornadisFunctionLibrary *self,
                                           TornadisCaller *caller,
                                           TornadisCommand *command,
                                           GCancellable *cancellable,
                                           GAsyncReadyCallback callback,
                                           gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply *tornadis_function_library_call_finish (TornadisFunctionLibrary *self,
                                                      GAsyncResult *result,
                                                      GError **error);

G_END_DECLS
