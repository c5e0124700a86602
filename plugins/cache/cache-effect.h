/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cache/cache-tracking.h"

G_BEGIN_DECLS

/* What calls do to the connection that they run on, and transactions to what is written in them; the rest of it the client
 * knows. */

/* A command is on its way, alone or within a pipeline. Whether it ends a transaction. */
gboolean cache_effect_sent      (CacheLink       *link,
                                 TornadisCommand *command);
/* Whether what a call has written waits for the end of a transaction, as the server has said. @ended (out): the call has
 * ended one, with all that was waiting for it. */
gboolean cache_effect_is_queued (TornadisCall    *call,
                                 gboolean        *ended);

G_END_DECLS
