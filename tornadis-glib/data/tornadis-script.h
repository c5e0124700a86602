/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_SCRIPT (tornadis_script_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisScript, tornadis_script, TORNADIS, SCRIPT, GObject)

TORNADIS_AVAILABLE_IN_1_0
TornadisScript *tornadis_script_new (const char *source,
                                     guint n_keys);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_script_get_source (TornadisScript *self);
TORNADIS_AVAILABLE_IN_1_0
guint tornadis_script_get_n_keys (TornadisScript *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_script_get_read_only (TornadisScript *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_script_get_digest (TornadisScript *self);
TORNADIS_AVAILABLE_IN_1_0
TornadisCommand *tornadis_script_create_command (TornadisScript *self,
                                                 const char *const *arguments);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_script_call_async (TornadisScript *self,
                                 TornadisCaller *caller,
                                 TornadisCommand *command,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply *tornadis_script_call_finish (TornadisScript *self,
                                            GAsyncResult *result,
                                            GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_script_call_pipeline_async (TornadisScript *self,
                                          TornadisCaller *caller,
                                          TornadisPipeline *pipeline,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply *tornadis_script_call_pipeline_finish (TornadisScript *self,
                                                     GAsyncResult *result,
                                                     GError **error);

G_END_DECLS
