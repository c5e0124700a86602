/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/data/tornadis-stream-reader.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_STREAM_CONSUMER (tornadis_stream_consumer_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisStreamConsumer, tornadis_stream_consumer, TORNADIS, STREAM_CONSUMER, TornadisStreamReader)

TORNADIS_AVAILABLE_IN_1_0
TornadisStreamConsumer *tornadis_stream_consumer_new (TornadisCaller *caller,
                                                      const char *stream,
                                                      const char *group,
                                                      const char *consumer_name);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_stream_consumer_get_group (TornadisStreamConsumer *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_stream_consumer_get_consumer_name (TornadisStreamConsumer *self);
TORNADIS_AVAILABLE_IN_1_0
guint tornadis_stream_consumer_get_claim_idle_msec (TornadisStreamConsumer *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_stream_consumer_set_claim_idle_msec (TornadisStreamConsumer *self,
                                                   guint claim_idle_msec);
TORNADIS_AVAILABLE_IN_1_0
guint tornadis_stream_consumer_get_max_deliveries (TornadisStreamConsumer *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_stream_consumer_set_max_deliveries (TornadisStreamConsumer *self,
                                                  guint max_deliveries);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_stream_consumer_get_dead_letter_stream (TornadisStreamConsumer *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_stream_consumer_set_dead_letter_stream (TornadisStreamConsumer *self,
                                                      const char *dead_letter_stream);
TORNADIS_AVAILABLE_IN_1_0
guint tornadis_stream_consumer_get_n_pending (TornadisStreamConsumer *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_stream_consumer_ack (TornadisStreamConsumer *self,
                                       TornadisStreamEntry *entry);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_stream_consumer_ack_ids_async (TornadisStreamConsumer *self,
                                             const char *const *ids,
                                             GCancellable *cancellable,
                                             GAsyncReadyCallback callback,
                                             gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_stream_consumer_ack_ids_finish (TornadisStreamConsumer *self,
                                                  GAsyncResult *result,
                                                  GError **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_stream_consumer_release (TornadisStreamConsumer *self,
                                           TornadisStreamEntry *entry);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_stream_consumer_release_ids (TornadisStreamConsumer *self,
                                           const char *const *ids);

G_END_DECLS
