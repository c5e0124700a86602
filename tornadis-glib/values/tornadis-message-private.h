/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/values/tornadis-message.h"
#include "tornadis-glib/values/tornadis-reply.h"

G_BEGIN_DECLS

/* Consumes @push, whose first elements are the kind, the pattern if it has one, the channel and the
 * payload. @text (nullable) is a channel that is known to be text. */
TornadisMessage *tornadis_message_new      (TornadisReply   *push,
                                            gboolean         has_pattern,
                                            TornadisReply   *text);
/* The channel, (transfer none), if it is text. */
TornadisReply   *tornadis_message_peek_text_channel (TornadisMessage *self);
/* The bytes of its channel. */
const char      *tornadis_message_peek_channel (TornadisMessage *self,
                                                gsize           *length);
/* (nullable): the bytes of its pattern. */
const char      *tornadis_message_peek_pattern (TornadisMessage *self,
                                                gsize           *length);
/* (nullable): the bytes that were published; NULL: it is about keys. */
const char      *tornadis_message_peek_payload (TornadisMessage *self,
                                                gsize           *length);
gsize            tornadis_message_get_size (TornadisMessage *self);
/* Its number among those that were kept to be popped, set before anybody else has the message. */
void             tornadis_message_set_serial (TornadisMessage *self,
                                              guint64 serial);
guint64          tornadis_message_get_serial (const TornadisMessage *self);

G_END_DECLS
