/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a value is in a field of a hash, and back. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Whether values of a property can be told both ways. */
gboolean tornadis_record_text_has_type (GType type);
/* (nullable) (transfer full): %NULL for a value that is none, such as a string that is %NULL. */
GBytes *tornadis_record_text_from_value (const GValue *value);
/* Into a value that has its type already; whether it is one. */
gboolean tornadis_record_text_to_value (GBytes *text,
                                        GValue *value);

GBytes *tornadis_record_text_from_variant (GVariant *variant);
/* (nullable) (transfer full): not floating; %NULL if it is none of the type. */
GVariant *tornadis_record_text_to_variant (GBytes *text,
                                           const GVariantType *type);
/* (transfer full): not floating; whatever the text is, as what suits the type of a property best. */
GVariant *tornadis_record_text_tell (GBytes *text,
                                     GType type);

G_END_DECLS
