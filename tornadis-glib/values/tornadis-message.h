/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>
#include <tornadis-glib/values/tornadis-reply.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_MESSAGE (tornadis_message_get_type ())

TORNADIS_AVAILABLE_IN_1_0
GType            tornadis_message_get_type          (void) G_GNUC_CONST;
TORNADIS_AVAILABLE_IN_1_0
TornadisMessage *tornadis_message_ref               (TornadisMessage *self);
TORNADIS_AVAILABLE_IN_1_0
void             tornadis_message_unref             (TornadisMessage *self);
TORNADIS_AVAILABLE_IN_1_0
const char      *tornadis_message_get_channel       (TornadisMessage *self);
TORNADIS_AVAILABLE_IN_1_0
GBytes          *tornadis_message_get_channel_bytes (TornadisMessage *self);
TORNADIS_AVAILABLE_IN_1_0
const char      *tornadis_message_get_pattern       (TornadisMessage *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean         tornadis_message_is_shard          (TornadisMessage *self);
TORNADIS_AVAILABLE_IN_1_0
GBytes          *tornadis_message_get_payload       (TornadisMessage *self);
TORNADIS_AVAILABLE_IN_1_0
const char      *tornadis_message_get_text          (TornadisMessage *self);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply   *tornadis_message_get_reply         (TornadisMessage *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisMessage, tornadis_message_unref)

G_END_DECLS
