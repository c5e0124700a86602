/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-call.h"
#include "tornadis-glib/wire/tornadis-queue.h"

G_BEGIN_DECLS

/* Takes @command or @pipeline through the plugins of @chain (element-type TornadisPlugin), which is never changed, from
 * @first on, and to the client's connection. @func is called once, after this function has returned. @call (out)
 * (optional) (transfer none) is for tornadis_call_abort() until @func is called; %NULL when that is no longer possible. */
void tornadis_call_start (TornadisClient    *client,
                          GPtrArray         *chain,
                          guint              first,
                          TornadisCommand   *command,
                          TornadisPipeline  *pipeline,
                          guint              timeout_msec,
                          TornadisSlotFunc   func,
                          gpointer           user_data,
                          TornadisCall     **call);
/* Completes the call with @error, in whatever phase it is. */
void tornadis_call_abort (TornadisCall      *self,
                          const GError      *error);
/* The client is closed: from now on none of @calls (element-type TornadisCall) is repeated. Returns them (transfer full)
 * (element-type TornadisCall), for tornadis_call_complete_all() once the link is closed. */
GPtrArray *tornadis_call_stop_all     (const GQueue *calls);
/* Consumes @calls. Those that closing the link has not completed complete with CLOSED or LOST. */
void       tornadis_call_complete_all (GPtrArray    *calls);

G_END_DECLS
