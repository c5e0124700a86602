/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "cache/cache-bytes.h"

G_BEGIN_DECLS

/* Read-only commands whose replies say the same until one of their keys changes. */
extern const char *const cache_default_commands[];

/* Writes to @buffer what makes two requests the same: who asks (@space), the command and its arguments. FALSE: it has too
 * many. */
gboolean cache_request_write (GByteArray         *buffer,
                              guint               space,
                              TornadisCommand    *command,
                              CacheBytes         *request);
/* What the globs say, with `*` and `?`; @only and @exclude (nullable). */
gboolean cache_key_matches   (GPtrArray          *only,
                              GPtrArray          *exclude,
                              const CacheBytes   *key);
/* (transfer full) (nullable) (element-type GPatternSpec): NULL for none. */
GPtrArray *cache_globs_new   (const char * const *globs);

G_END_DECLS
