/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_ITEM (tornadis_item_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisItem, tornadis_item, TORNADIS, ITEM, GObject)

TORNADIS_AVAILABLE_IN_1_0
GBytes *tornadis_item_get_key (TornadisItem *self);
TORNADIS_AVAILABLE_IN_1_0
GBytes *tornadis_item_get_field (TornadisItem *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_item_get_name (TornadisItem *self);
TORNADIS_AVAILABLE_IN_1_0
double tornadis_item_get_score (TornadisItem *self);
TORNADIS_AVAILABLE_IN_1_0
GBytes *tornadis_item_get_bytes (TornadisItem *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_item_get_text (TornadisItem *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_item_get_loading (TornadisItem *self);
TORNADIS_AVAILABLE_IN_1_0
TornadisStreamEntry *tornadis_item_get_entry (TornadisItem *self);

G_END_DECLS
