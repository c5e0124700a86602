/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-client-pool.h"
#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-prelude-private.h"
#include "tornadis-glib/client/tornadis-pub-sub-client-private.h"
#include "tornadis-glib/values/tornadis-message-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"
#include "tornadis-glib/wire/tornadis-poller.h"

G_BEGIN_DECLS

/* What other libraries of this project need of this one's private half, as GLib's glib-private.h has it for GIO: one symbol
 * instead of one for each. They come from one build: this is no stable interface.
 *
 *   TORNADIS_PRIVATE_CALL (poller_get, context); */
typedef struct
{
  void             (*client_dispatch)          (TornadisClient         *self,
                                                TornadisCommand        *command,
                                                TornadisPipeline       *pipeline,
                                                TornadisSlotFunc        func,
                                                gpointer                user_data,
                                                TornadisDispatched     *dispatched);
  void             (*client_cancel)            (TornadisClient         *self,
                                                TornadisDispatched     *dispatched,
                                                gconstpointer           user_data,
                                                const GError           *error);
  void             (*client_set_flush)         (TornadisClient         *self,
                                                void                  (*flush) (gpointer user_data),
                                                gpointer                user_data);
  void             (*client_set_corked)        (TornadisClient         *self,
                                                gboolean                corked);
  gboolean         (*client_has_router)        (TornadisClient         *self);
  GMainContext    *(*client_get_context)       (TornadisClient         *self);
  void             (*client_expect_collector)  (void);

  void             (*prelude_set)              (TornadisPreludeFunc     func);

  GMainContext    *(*client_pool_get_context)  (TornadisClientPool     *self);

  TornadisDelivery *(*pub_sub_client_get_delivery)   (TornadisPubSubClient *self,
                                                      TornadisMessage      *message);
  guint64          (*pub_sub_client_get_n_kept)      (TornadisPubSubClient *self);
  void             (*pub_sub_client_keep_message)    (TornadisPubSubClient *self,
                                                      TornadisMessage      *message,
                                                      guint64               n_kept);
  TornadisMessage *(*pub_sub_client_take_message)    (TornadisPubSubClient *self);

  TornadisPoller  *(*poller_get)               (GMainContext           *context);
  void             (*poller_unref)             (TornadisPoller         *self);
  void             (*poller_item_init)         (TornadisPollerItem     *item,
                                                TornadisPoller         *poller,
                                                int                     fd,
                                                TornadisPollerItemFunc  func);
  void             (*poller_item_clear)        (TornadisPollerItem     *item);
  void             (*poller_item_queue)        (TornadisPollerItem     *item);
  void             (*poller_item_queue_first)  (TornadisPollerItem     *item);
  void             (*poller_item_unqueue)      (TornadisPollerItem     *item);

  void             (*cancel_watch_cancel)      (GCancellable           *cancellable,
                                                const GError           *reason);
  GError          *(*cancel_watch_dup_reason)  (GCancellable           *cancellable);

  void             (*command_append_data)      (TornadisCommand        *self,
                                                const char             *data,
                                                gsize                   length);

  TornadisMessage *(*message_new)              (TornadisReply          *push,
                                                TornadisSubscriptionKind kind,
                                                TornadisMessageNamesCache *names);
  const char      *(*message_peek_channel)     (TornadisMessage        *self,
                                                gsize                  *length);
  const char      *(*message_peek_pattern)     (TornadisMessage        *self,
                                                gsize                  *length);
  const char      *(*message_peek_payload)     (TornadisMessage        *self,
                                                gsize                  *length);

  TornadisReply  **(*reply_unpack)             (TornadisReply          *self);
  gboolean         (*reply_data_is_text)       (const char             *data,
                                                gsize                   length);
  TornadisReply   *(*reply_new_data)           (TornadisReplyKind       kind,
                                                const void             *data,
                                                gsize                   length);
  TornadisReply   *(*reply_new_array)          (TornadisReplyKind       kind,
                                                TornadisReply         **elements,
                                                gsize                   n_elements);
  void             (*reply_pack_enable)        (char                    mark);
  void             (*reply_pack_shift)         (TornadisReply          *self);

  gsize            (*number_text_from_int64)   (char                   *text,
                                                gint64                  value);
  gsize            (*number_text_from_double)  (char                   *text,
                                                double                  value);
  gboolean         (*number_text_is_integer)   (const char             *text,
                                                gsize                   length);
} TornadisPrivate;

TORNADIS_AVAILABLE_IN_1_0
const TornadisPrivate *tornadis__private__ (void);

#define TORNADIS_PRIVATE_CALL(function, ...) (tornadis__private__ ()->function (__VA_ARGS__))

G_END_DECLS
