/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

TORNADIS_AVAILABLE_IN_1_0
gboolean         tornadis_bridge_stack_data       (TornadisPipeline  *pipeline,
                                                   const guint8      *calls,
                                                   gsize              length,
                                                   GError           **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean         tornadis_bridge_stack_text       (TornadisPipeline  *pipeline,
                                                   const char        *calls,
                                                   GError           **error);
TORNADIS_AVAILABLE_IN_1_0
guint8          *tornadis_bridge_dup_data         (TornadisReply     *reply,
                                                   gboolean           decode,
                                                   gsize             *length);
TORNADIS_AVAILABLE_IN_1_0
guint8          *tornadis_bridge_take_part        (TornadisReply     *reply,
                                                   gboolean           decode,
                                                   gsize             *length);
TORNADIS_AVAILABLE_IN_1_0
char            *tornadis_bridge_dup_text         (TornadisReply     *reply);
TORNADIS_AVAILABLE_IN_1_0
TornadisMessage *tornadis_bridge_make_message     (GBytes            *channel,
                                                   GBytes            *pattern,
                                                   GBytes            *payload,
                                                   GBytes           **keys,
                                                   gsize              n_keys,
                                                   gboolean           is_shard);
TORNADIS_AVAILABLE_IN_1_0
void             tornadis_bridge_expect_collector (void);

G_END_DECLS
