/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/**
 * TornadisBridgeDataFunc:
 * @owner: the client or the pool of the carrier
 * @data: (array length=length): what was marshalled, or nothing
 * @length: the number of bytes
 * @user_data: (closure): what was given with the function
 *
 * Takes what a carrier of [ctor@TornadisBridge.Carrier.new_data] brings: outcomes of calls, messages, or nothing, which
 * asks for the calls that were announced with [method@TornadisBridge.Carrier.expect].
 *
 * Outcomes are a dict of the numbers of calls and values. A tuple among the values, which replies have none of, stands for
 * an error (domain, code and message), or when it has one member for a reply that has to be asked for: whether strings of it
 * are to be text, as was set when the call was submitted. The number of a call whose
 * outcome has tuples is given inverted (`~number`), and so negative; when the outcome itself is an error the call has
 * failed.
 *
 * Messages are a tuple: whether they are for those who pop them (or the id of the one handler that is to be called before the
 * function returns, for a message that the program emits), the routes, for each message the byte that is the number of its
 * route (or nothing, when there is but one route), the payloads, and what [method@TornadisBridge.Carrier.keep] is to be
 * given. A route is a tuple of the channel, its bytes (or nothing, when those are the text), the pattern and its bytes
 * likewise (or nothing), and whether it is a shard channel. A payload is text when it is, else bytes; a tuple stands for
 * keys: their list, or nothing.
 *
 * Since: 1.0
 */
typedef void (*TornadisBridgeDataFunc) (GObject      *owner,
                                        const guint8 *data,
                                        gsize         length,
                                        gpointer      user_data);

/**
 * TornadisBridgeTextFunc:
 * @owner: (nullable): the client or the pool of the carrier, but not with outcomes
 * @text: JSON, or an empty text
 * @taken: (out): set to %TRUE: @text was dealt with. A function that does not is called once more
 * @user_data: (closure): what was given with the function
 *
 * Takes what a carrier of [ctor@TornadisBridge.Carrier.new_text] brings: outcomes of calls, messages, or nothing, which
 * asks for the calls that were announced with [method@TornadisBridge.Carrier.expect].
 *
 * Outcomes are an array: the number of a call and its outcome in turn. An object among the values, which replies have none
 * of, stands for what JSON does not know: `m` has the keys and values of a map in turn, `b` a character for each byte of
 * bytes that are not text, `i` and `d` a number, `e` an error (domain, code and message), and `kept` says that the reply has
 * to be asked for. What is given is the number of the call and one more, and that negative when there are objects; when the
 * outcome itself is an error the call has failed.
 *
 * Messages are an object: `popped`, `routes`, `indices`, `payloads` and `kept`, as for [callback@TornadisBridge.DataFunc],
 * but with an array of numbers as `indices`, arrays as routes, `b` for bytes, and `k` for keys. `handler` is the id of the one
 * handler that is to be called; `all` stands with the last of those that were popped together.
 *
 * Since: 1.0
 */
typedef void (*TornadisBridgeTextFunc) (GObject    *owner,
                                        const char *text,
                                        gboolean   *taken,
                                        gpointer    user_data);

/**
 * TornadisBridgeLoneFunc:
 * @text: the reply
 * @taken: (out): set to %TRUE: @text was dealt with. A function that does not is called once more
 * @user_data: (closure): what was given with the function
 *
 * Takes the reply of a call that was made with [method@TornadisBridge.Carrier.submit_lone], when it is a string, short and
 * text.
 *
 * Since: 1.0
 */
typedef void (*TornadisBridgeLoneFunc) (const char *text,
                                        gboolean   *taken,
                                        gpointer    user_data);

#define TORNADIS_BRIDGE_TYPE_CARRIER (tornadis_bridge_carrier_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisBridgeCarrier, tornadis_bridge_carrier, TORNADIS_BRIDGE, CARRIER, GObject)

TORNADIS_AVAILABLE_IN_1_0
TornadisBridgeCarrier *tornadis_bridge_carrier_new_data        (GObject                  *owner,
                                                                TornadisBridgeDataFunc    func,
                                                                gpointer                  user_data,
                                                                GDestroyNotify            user_data_destroy);
TORNADIS_AVAILABLE_IN_1_0
TornadisBridgeCarrier *tornadis_bridge_carrier_new_text        (GObject                  *owner,
                                                                TornadisBridgeTextFunc    func,
                                                                gpointer                  user_data,
                                                                GDestroyNotify            user_data_destroy);
TORNADIS_AVAILABLE_IN_1_0
void                   tornadis_bridge_carrier_set_decode      (TornadisBridgeCarrier    *self,
                                                                gboolean                  decode);
TORNADIS_AVAILABLE_IN_1_0
void                   tornadis_bridge_set_lone_func           (TornadisBridgeCarrier    *carrier,
                                                                TornadisBridgeLoneFunc    func,
                                                                gpointer                  user_data,
                                                                GDestroyNotify            user_data_destroy);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_expect          (TornadisBridgeCarrier    *self,
                                                                GError                  **error);

/* tornadis-bridge-calls.c */

TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_submit_data     (TornadisBridgeCarrier    *self,
                                                                const guint8             *calls,
                                                                gsize                     length,
                                                                GError                  **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_submit_text     (TornadisBridgeCarrier    *self,
                                                                const char               *calls,
                                                                GError                  **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_submit_lone     (TornadisBridgeCarrier    *self,
                                                                const char               *words,
                                                                guint                     n_words);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_submit_command  (TornadisBridgeCarrier    *self,
                                                                TornadisCommand          *command,
                                                                GCancellable             *cancellable,
                                                                GError                  **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_submit_pipeline (TornadisBridgeCarrier    *self,
                                                                TornadisPipeline         *pipeline,
                                                                GCancellable             *cancellable,
                                                                GError                  **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_cancel          (TornadisBridgeCarrier    *self,
                                                                guint                     number);
TORNADIS_AVAILABLE_IN_1_0
guint                  tornadis_bridge_carrier_expire          (TornadisBridgeCarrier    *self,
                                                                const guint              *numbers,
                                                                gsize                     n_numbers,
                                                                const char * const       *messages);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply         *tornadis_bridge_carrier_take_reply      (TornadisBridgeCarrier    *self,
                                                                guint                     number);

/* tornadis-bridge-operations.c */

TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_connect         (TornadisBridgeCarrier    *self,
                                                                GCancellable             *cancellable,
                                                                GError                  **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_subscribe       (TornadisBridgeCarrier    *self,
                                                                TornadisSubscriptionKind  kind,
                                                                GBytes                  **names,
                                                                gsize                     n_names,
                                                                GCancellable             *cancellable,
                                                                GError                  **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_unsubscribe     (TornadisBridgeCarrier    *self,
                                                                TornadisSubscriptionKind  kind,
                                                                GBytes                  **names,
                                                                gsize                     n_names,
                                                                GCancellable             *cancellable,
                                                                GError                  **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_get_client      (TornadisBridgeCarrier    *self,
                                                                GCancellable             *cancellable,
                                                                GError                  **error);
TORNADIS_AVAILABLE_IN_1_0
TornadisClient        *tornadis_bridge_carrier_take_client     (TornadisBridgeCarrier    *self,
                                                                guint                     number);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_preconnect      (TornadisBridgeCarrier    *self,
                                                                int                       size,
                                                                GCancellable             *cancellable,
                                                                GError                  **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_wait            (TornadisBridgeCarrier    *self,
                                                                double                    seconds,
                                                                GCancellable             *cancellable,
                                                                GError                  **error);

/* tornadis-bridge-scanner.c */

TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_scan (TornadisBridgeCarrier *self,
                                       TornadisScanner *scanner,
                                       GCancellable *cancellable,
                                       GError **error);

/* tornadis-bridge-keyspace.c */

TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_start_keyspace (TornadisBridgeCarrier *self,
                                                 TornadisKeyspace *keyspace,
                                                 GCancellable *cancellable,
                                                 GError **error);
/* tornadis-bridge-models.c */

TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_edit_list (TornadisBridgeCarrier *self,
                                            TornadisListModel *model,
                                            const char *what,
                                            guint position,
                                            GBytes *value,
                                            GCancellable *cancellable,
                                            GError **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_edit_sorted_set (TornadisBridgeCarrier *self,
                                                  TornadisSortedSetModel *model,
                                                  const char *what,
                                                  GBytes *member,
                                                  double score,
                                                  GCancellable *cancellable,
                                                  GError **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_edit_table (TornadisBridgeCarrier *self,
                                             TornadisLiveModel *model,
                                             const char *what,
                                             GBytes *name,
                                             GBytes *value,
                                             GCancellable *cancellable,
                                             GError **error);

/* tornadis-bridge-record.c */

TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_load_record (TornadisBridgeCarrier *self,
                                              TornadisRecord *record,
                                              GCancellable *cancellable,
                                              GError **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_flush_record (TornadisBridgeCarrier *self,
                                               TornadisRecord *record,
                                               GCancellable *cancellable,
                                               GError **error);

/* tornadis-bridge-script.c */

TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_call_script (TornadisBridgeCarrier *self,
                                              TornadisCommand *command,
                                              TornadisScript *script,
                                              GCancellable *cancellable,
                                              GError **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_call_script_pipeline (TornadisBridgeCarrier *self,
                                                       TornadisPipeline *pipeline,
                                                       TornadisScript *script,
                                                       GCancellable *cancellable,
                                                       GError **error);

/* tornadis-bridge-function-library.c */

TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_ensure_library (TornadisBridgeCarrier *self,
                                                 TornadisFunctionLibrary *library,
                                                 GCancellable *cancellable,
                                                 GError **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_call_function (TornadisBridgeCarrier *self,
                                                TornadisCommand *command,
                                                TornadisFunctionLibrary *library,
                                                GCancellable *cancellable,
                                                GError **error);

/* tornadis-bridge-lock.c */

TORNADIS_AVAILABLE_IN_1_0
void tornadis_bridge_keep_lock (TornadisLock *lock);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_acquire_lock (TornadisBridgeCarrier *self,
                                               TornadisLock *lock,
                                               GCancellable *cancellable,
                                               GError **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_try_acquire_lock (TornadisBridgeCarrier *self,
                                                   TornadisLock *lock,
                                                   GCancellable *cancellable,
                                                   GError **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_release_lock (TornadisBridgeCarrier *self,
                                               TornadisLock *lock,
                                               GCancellable *cancellable,
                                               GError **error);

/* tornadis-bridge-stream.c */

TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_next_entries (TornadisBridgeCarrier *self,
                                               TornadisStreamReader *reader,
                                               GCancellable *cancellable,
                                               GError **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_ack_entries (TornadisBridgeCarrier *self,
                                              const char *ids,
                                              TornadisStreamConsumer *consumer,
                                              GCancellable *cancellable,
                                              GError **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_carrier_close_reader (TornadisBridgeCarrier *self,
                                               TornadisStreamReader *reader,
                                               GCancellable *cancellable,
                                               GError **error);

/* tornadis-bridge-messages.c */

TORNADIS_AVAILABLE_IN_1_0
gulong                 tornadis_bridge_carrier_listen          (TornadisBridgeCarrier    *self,
                                                                const char               *detail,
                                                                gboolean                  after);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_is_listening    (TornadisBridgeCarrier    *self,
                                                                gulong                    handler_id);
TORNADIS_AVAILABLE_IN_1_0
guint                  tornadis_bridge_carrier_count_listeners (TornadisBridgeCarrier    *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_pop             (TornadisBridgeCarrier    *self,
                                                                GCancellable             *cancellable,
                                                                GError                  **error);
TORNADIS_AVAILABLE_IN_1_0
void                   tornadis_bridge_carrier_bring_popped    (TornadisBridgeCarrier    *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean               tornadis_bridge_carrier_keep            (TornadisBridgeCarrier    *self,
                                                                TornadisMessage          *message,
                                                                guint64                   n_kept);
TORNADIS_AVAILABLE_IN_1_0
void                   tornadis_bridge_carrier_drop_messages   (TornadisBridgeCarrier    *self);

G_END_DECLS
