/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-private.h"

#include "tornadis-glib/client/tornadis-client-pool-private.h"
#include "tornadis-glib/client/tornadis-prelude-private.h"
#include "tornadis-glib/client/tornadis-pub-sub-client-private.h"
#include "tornadis-glib/values/tornadis-command-private.h"
#include "tornadis-glib/values/tornadis-number-text-private.h"
#include "tornadis-glib/values/tornadis-reply-pack-private.h"

const TornadisPrivate *
tornadis__private__ (void)
{
  static const TornadisPrivate table = {
    .client_dispatch = tornadis_client_dispatch,
    .client_cancel = tornadis_client_cancel,
    .client_set_flush = tornadis_client_set_flush,
    .client_set_corked = tornadis_client_set_corked,
    .client_has_router = tornadis_client_has_router,
    .client_get_context = tornadis_client_get_context,
    .client_expect_collector = tornadis_client_expect_collector,

    .prelude_set = tornadis_prelude_set,

    .client_pool_get_context = tornadis_client_pool_get_context,

    .pub_sub_client_get_delivery = tornadis_pub_sub_client_get_delivery,
    .pub_sub_client_get_n_kept = tornadis_pub_sub_client_get_n_kept,
    .pub_sub_client_keep_message = tornadis_pub_sub_client_keep_message,
    .pub_sub_client_take_message = tornadis_pub_sub_client_take_message,

    .poller_get = tornadis_poller_get,
    .poller_unref = tornadis_poller_unref,
    .poller_item_init = tornadis_poller_item_init,
    .poller_item_clear = tornadis_poller_item_clear,
    .poller_item_queue = tornadis_poller_item_queue,
    .poller_item_queue_first = tornadis_poller_item_queue_first,
    .poller_item_unqueue = tornadis_poller_item_unqueue,

    .cancel_watch_cancel = tornadis_cancel_watch_cancel,
    .cancel_watch_dup_reason = tornadis_cancel_watch_dup_reason,

    .command_append_data = tornadis_command_append_data,

    .message_new = tornadis_message_new,
    .message_peek_channel = tornadis_message_peek_channel,
    .message_peek_pattern = tornadis_message_peek_pattern,
    .message_peek_payload = tornadis_message_peek_payload,

    .reply_unpack = tornadis_reply_unpack,
    .reply_data_is_text = tornadis_reply_data_is_text,
    .reply_new_data = tornadis_reply_new_data,
    .reply_new_array = tornadis_reply_new_array,
    .reply_pack_enable = tornadis_reply_pack_enable,
    .reply_pack_shift = tornadis_reply_pack_shift,

    .number_text_from_int64 = tornadis_number_text_from_int64,
    .number_text_from_double = tornadis_number_text_from_double,
    .number_text_is_integer = tornadis_number_text_is_integer,
  };

  return &table;
}
