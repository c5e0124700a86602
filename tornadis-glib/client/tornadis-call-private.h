/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-call.h"
#include "tornadis-glib/wire/tornadis-queue.h"

G_BEGIN_DECLS

/* Takes @command or @pipeline through the plugins of @chain (element-type TornadisPlugin) from @first on, which nobody
 * changes any more, and to the client's connection. @func is called once, not from within. @call (out)
 * (optional) (transfer none) is for tornadis_call_abort() until @func is called; %NULL when that is no
 * longer possible. */
void tornadis_call_start (TornadisClient    *client,
                          GPtrArray         *chain,
                          guint              first,
                          TornadisCommand   *command,
                          TornadisPipeline  *pipeline,
                          guint              timeout_msec,
                          TornadisSlotFunc   func,
                          gpointer           user_data,
                          TornadisCall     **call);
/* Ends the call with @error wherever it is. */
void tornadis_call_abort (TornadisCall      *self,
                          const GError      *error);
/* The client is closed: none of @calls (element-type TornadisCall) is repeated any more (transfer full), and those that
 * the end of the link has not ended yet end with CLOSED or LOST. */
GPtrArray *tornadis_call_stop_all (const GQueue *calls);
void       tornadis_call_end_all  (GPtrArray    *calls);

G_END_DECLS
