/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/client/tornadis-client.h>

G_BEGIN_DECLS

/**
 * TornadisBridgeDataFunc:
 * @client: the client of the bridge
 * @outcomes: (array length=length): a marshalled dict of numbers of calls and their outcomes, or nothing
 * @length: the number of bytes
 * @user_data: (closure): what was given with the function
 *
 * Takes what a bridge of [ctor@Tornadis.Bridge.new_data] brings: outcomes of calls, or nothing, which asks for the
 * calls that were announced with [method@Tornadis.Bridge.expect].
 *
 * A tuple among the values, which replies have none of, stands for an error (domain, code and message), or when it is
 * empty for a reply that has to be asked for. The number of a call whose outcome has tuples is told inverted (`~number`),
 * and so negative; when the outcome itself is an error the call has failed.
 *
 * Since: 1.0
 */
typedef void (*TornadisBridgeDataFunc) (TornadisClient *client,
                                        const guint8   *outcomes,
                                        gsize           length,
                                        gpointer        user_data);

/**
 * TornadisBridgeTextFunc:
 * @client: the client of the bridge
 * @outcomes: a JSON array: the number of a call and its outcome in turn, or an empty text
 * @taken: (out): set to %TRUE: @outcomes are dealt with. A function that does not is called once more
 * @user_data: (closure): what was given with the function
 *
 * Takes what a bridge of [ctor@Tornadis.Bridge.new_text] brings: outcomes of calls, or nothing, which asks for the
 * calls that were announced with [method@Tornadis.Bridge.expect].
 *
 * An object among the values, which replies have none of, stands for what JSON does not know: `m` has the keys and values
 * of a map in turn, `b` a character for each byte of bytes that are not text, `i` and `d` a number, `e` an error (domain,
 * code and message), and `kept` says that the reply has to be asked for. What is told is the number of the call and one
 * more, and that negative when there are objects; when the outcome itself is an error the call has failed.
 *
 * Since: 1.0
 */
typedef void (*TornadisBridgeTextFunc) (TornadisClient *client,
                                        const char     *outcomes,
                                        gboolean       *taken,
                                        gpointer        user_data);

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
gboolean        tornadis_bridge_expect          (TornadisBridge         *self,
                                                 GError                **error);
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
gboolean        tornadis_bridge_submit_command  (TornadisBridge         *self,
                                                 TornadisCommand        *command,
                                                 GError                **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean        tornadis_bridge_submit_pipeline (TornadisBridge         *self,
                                                 TornadisPipeline       *pipeline,
                                                 GError                **error);
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
TORNADIS_AVAILABLE_IN_1_0
void            tornadis_bridge_expect_collector (void);

G_END_DECLS
