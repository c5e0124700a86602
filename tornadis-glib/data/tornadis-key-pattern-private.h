/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Patterns of keys, as KEYS and SCAN have them: a key that the server tells of without having matched it is matched here. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What each key begins with that matches. */
GBytes *tornadis_key_pattern_dup_prefix (GBytes *pattern);
gboolean tornadis_key_pattern_match (GBytes *pattern,
                                     GBytes *key);

G_END_DECLS
