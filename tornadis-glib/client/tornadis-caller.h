/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_CALLER (tornadis_caller_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_INTERFACE (TornadisCaller, tornadis_caller, TORNADIS, CALLER, GObject)

/**
 * TornadisCallerInterface:
 * @g_iface: the parent interface
 * @call_async: for [method@Tornadis.Caller.call_async]
 * @call_finish: for [method@Tornadis.Caller.call_finish]
 * @call_pipeline_async: for [method@Tornadis.Caller.call_pipeline_async]
 * @call_pipeline_finish: for [method@Tornadis.Caller.call_pipeline_finish]
 *
 * The virtual functions of [iface@Tornadis.Caller].
 *
 * Since: 1.0
 */
struct _TornadisCallerInterface
{
  GTypeInterface g_iface;

  void (*call_async) (TornadisCaller *self,
                      TornadisCommand *command,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data);
  TornadisReply *(*call_finish) (TornadisCaller *self,
                                 GAsyncResult *result,
                                 GError **error);
  void (*call_pipeline_async) (TornadisCaller *self,
                               TornadisPipeline *pipeline,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
  TornadisReply *(*call_pipeline_finish) (TornadisCaller *self,
                                          GAsyncResult *result,
                                          GError **error);
};

TORNADIS_AVAILABLE_IN_1_0
void tornadis_caller_call_async (TornadisCaller *self,
                                 TornadisCommand *command,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply *tornadis_caller_call_finish (TornadisCaller *self,
                                            GAsyncResult *result,
                                            GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_caller_call_pipeline_async (TornadisCaller *self,
                                          TornadisPipeline *pipeline,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply *tornadis_caller_call_pipeline_finish (TornadisCaller *self,
                                                     GAsyncResult *result,
                                                     GError **error);

G_END_DECLS
