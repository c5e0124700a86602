/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_STREAM_ENTRY (tornadis_stream_entry_get_type ())

TORNADIS_AVAILABLE_IN_1_0
GType tornadis_stream_entry_get_type (void) G_GNUC_CONST;
TORNADIS_AVAILABLE_IN_1_0
TornadisStreamEntry *tornadis_stream_entry_ref (TornadisStreamEntry *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_stream_entry_unref (TornadisStreamEntry *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_stream_entry_get_stream (TornadisStreamEntry *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_stream_entry_get_id (TornadisStreamEntry *self);
TORNADIS_AVAILABLE_IN_1_0
guint tornadis_stream_entry_get_delivery_count (TornadisStreamEntry *self);
TORNADIS_AVAILABLE_IN_1_0
guint tornadis_stream_entry_get_n_fields (TornadisStreamEntry *self);
TORNADIS_AVAILABLE_IN_1_0
GBytes *tornadis_stream_entry_get_field_name (TornadisStreamEntry *self,
                                              guint i);
TORNADIS_AVAILABLE_IN_1_0
GBytes *tornadis_stream_entry_get_field_value (TornadisStreamEntry *self,
                                               guint i);
TORNADIS_AVAILABLE_IN_1_0
GBytes *tornadis_stream_entry_lookup (TornadisStreamEntry *self,
                                      const char *name);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_stream_entry_lookup_text (TornadisStreamEntry *self,
                                               const char *name);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply *tornadis_stream_entry_get_reply (TornadisStreamEntry *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisStreamEntry, tornadis_stream_entry_unref)

G_END_DECLS
