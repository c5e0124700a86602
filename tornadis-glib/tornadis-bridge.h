/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-client.h>

G_BEGIN_DECLS

/**
 * TornadisBridgeDataFunc:
 * @outcomes: (array length=length): a pickled list: the number of a call and its outcome in turn, or nothing
 * @length: the number of bytes
 * @user_data: (closure): what was given with the function
 *
 * Takes what a bridge of [ctor@Tornadis.Bridge.new_data] brings: outcomes of calls, or nothing, which asks for the
 * calls that were announced with [method@Tornadis.Bridge.expect].
 *
 * Since: 1.0
 */
typedef void (*TornadisBridgeDataFunc) (const guint8 *outcomes,
                                        gsize         length,
                                        gpointer      user_data);

/**
 * TornadisBridgeTextFunc:
 * @outcomes: a JSON array: the number of a call and its outcome in turn, or an empty text
 * @user_data: (closure): what was given with the function
 *
 * Takes what a bridge of [ctor@Tornadis.Bridge.new_text] brings: outcomes of calls, or nothing, which asks for the
 * calls that were announced with [method@Tornadis.Bridge.expect].
 *
 * Since: 1.0
 */
typedef void (*TornadisBridgeTextFunc) (const char *outcomes,
                                        gpointer    user_data);

#define TORNADIS_TYPE_BRIDGE (tornadis_bridge_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisBridge, tornadis_bridge, TORNADIS, BRIDGE, GObject)

TORNADIS_AVAILABLE_IN_1_0
TornadisBridge *tornadis_bridge_new_data        (TornadisClient         *client,
                                                 TornadisBridgeDataFunc  func,
                                                 gpointer                user_data,
                                                 GDestroyNotify          user_data_destroy);
TORNADIS_AVAILABLE_IN_1_0
TornadisBridge *tornadis_bridge_new_text        (TornadisClient         *client,
                                                 TornadisBridgeTextFunc  func,
                                                 gpointer                user_data,
                                                 GDestroyNotify          user_data_destroy);
TORNADIS_AVAILABLE_IN_1_0
void            tornadis_bridge_set_decode      (TornadisBridge         *self,
                                                 gboolean                decode);
TORNADIS_AVAILABLE_IN_1_0
void            tornadis_bridge_expect          (TornadisBridge         *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean        tornadis_bridge_submit_data     (TornadisBridge         *self,
                                                 const guint8           *calls,
                                                 gsize                   length,
                                                 GError                **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean        tornadis_bridge_submit_text     (TornadisBridge         *self,
                                                 const char             *calls,
                                                 GError                **error);
TORNADIS_AVAILABLE_IN_1_0
void            tornadis_bridge_submit_command  (TornadisBridge         *self,
                                                 TornadisCommand        *command);
TORNADIS_AVAILABLE_IN_1_0
void            tornadis_bridge_submit_pipeline (TornadisBridge         *self,
                                                 TornadisPipeline       *pipeline);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply  *tornadis_bridge_take_reply      (TornadisBridge         *self,
                                                 guint                   number);
TORNADIS_AVAILABLE_IN_1_0
gboolean        tornadis_bridge_stack_data      (TornadisPipeline       *pipeline,
                                                 const guint8           *calls,
                                                 gsize                   length,
                                                 GError                **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean        tornadis_bridge_stack_text      (TornadisPipeline       *pipeline,
                                                 const char             *calls,
                                                 GError                **error);
TORNADIS_AVAILABLE_IN_1_0
guint8         *tornadis_bridge_dup_data        (TornadisReply          *reply,
                                                 gboolean                decode,
                                                 gsize                  *length);
TORNADIS_AVAILABLE_IN_1_0
char           *tornadis_bridge_dup_text        (TornadisReply          *reply);

G_END_DECLS
