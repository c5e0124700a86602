/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-enums.h>
#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_REPLY (tornadis_reply_get_type ())

TORNADIS_AVAILABLE_IN_1_0
GType              tornadis_reply_get_type       (void) G_GNUC_CONST;
TORNADIS_AVAILABLE_IN_1_0
TornadisReply     *tornadis_reply_new_from_resp  (GBytes         *resp,
                                                  GError        **error);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply     *tornadis_reply_new_from_variant (GVariant      *value);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply     *tornadis_reply_new_string     (GBytes         *value);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply     *tornadis_reply_new_nested     (TornadisReplyKind kind,
                                                  TornadisReply **elements,
                                                  gsize           n_elements);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply     *tornadis_reply_ref            (TornadisReply  *self);
TORNADIS_AVAILABLE_IN_1_0
void               tornadis_reply_unref          (TornadisReply  *self);
TORNADIS_AVAILABLE_IN_1_0
TornadisReplyKind  tornadis_reply_get_kind       (TornadisReply  *self);
TORNADIS_AVAILABLE_IN_1_0
gint64             tornadis_reply_get_integer    (TornadisReply  *self);
TORNADIS_AVAILABLE_IN_1_0
double             tornadis_reply_get_double     (TornadisReply  *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean           tornadis_reply_get_boolean    (TornadisReply  *self);
TORNADIS_AVAILABLE_IN_1_0
GBytes            *tornadis_reply_get_bytes      (TornadisReply  *self);
TORNADIS_AVAILABLE_IN_1_0
const guint8      *tornadis_reply_get_data       (TornadisReply  *self,
                                                  gsize          *len);
TORNADIS_AVAILABLE_IN_1_0
const char        *tornadis_reply_get_text       (TornadisReply  *self);
TORNADIS_AVAILABLE_IN_1_0
gsize              tornadis_reply_get_n_elements (TornadisReply  *self);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply     *tornadis_reply_get_element    (TornadisReply  *self,
                                                  gsize           i);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply     *tornadis_reply_lookup         (TornadisReply  *self,
                                                  const char     *key);
TORNADIS_AVAILABLE_IN_1_0
GVariant          *tornadis_reply_to_variant     (TornadisReply  *self);
TORNADIS_AVAILABLE_IN_1_0
char              *tornadis_reply_to_string      (TornadisReply  *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean           tornadis_reply_is_error       (TornadisReply  *self);
TORNADIS_AVAILABLE_IN_1_0
GError            *tornadis_reply_dup_error      (TornadisReply  *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisReply, tornadis_reply_unref)

G_END_DECLS
