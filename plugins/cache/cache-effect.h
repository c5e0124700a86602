/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cache/cache-tracking.h"

G_BEGIN_DECLS

/* What commands do to the connection that they run on. */

/* A command is sent, alone or within a pipeline. Returns whether it changes the connection, so that its outcome matters. */
gboolean cache_effect_sent (CacheLink       *link,
                            TornadisCommand *command,
                            gboolean         in_pipeline);
/* It has its outcome: @known, when the server has said so, and @ok. */
void cache_effect_answered (CacheLink       *link,
                            TornadisCommand *command,
                            gboolean         known,
                            gboolean         ok);

G_END_DECLS
