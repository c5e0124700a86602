/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-enums.h>
#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_SCANNER (tornadis_scanner_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisScanner, tornadis_scanner, TORNADIS, SCANNER, GObject)

TORNADIS_AVAILABLE_IN_1_0
TornadisScanner *tornadis_scanner_new (TornadisCaller *caller);
TORNADIS_AVAILABLE_IN_1_0
TornadisScanner *tornadis_scanner_new_for_key (TornadisCaller *caller,
                                               TornadisScannerKind kind,
                                               const char *key);
TORNADIS_AVAILABLE_IN_1_0
TornadisCaller *tornadis_scanner_get_caller (TornadisScanner *self);
TORNADIS_AVAILABLE_IN_1_0
TornadisScannerKind tornadis_scanner_get_kind (TornadisScanner *self);
TORNADIS_AVAILABLE_IN_1_0
GBytes *tornadis_scanner_get_key (TornadisScanner *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_scanner_get_pattern (TornadisScanner *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_scanner_get_key_type (TornadisScanner *self);
TORNADIS_AVAILABLE_IN_1_0
guint tornadis_scanner_get_count (TornadisScanner *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_scanner_get_unique (TornadisScanner *self);
TORNADIS_AVAILABLE_IN_1_0
guint64 tornadis_scanner_get_max_unique_bytes (TornadisScanner *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_scanner_set_max_unique_bytes (TornadisScanner *self,
                                            guint64 max_unique_bytes);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_scanner_next_async (TornadisScanner *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply *tornadis_scanner_next_finish (TornadisScanner *self,
                                             GAsyncResult *result,
                                             GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_scanner_close (TornadisScanner *self);

G_END_DECLS
