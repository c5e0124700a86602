/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happens to servers and connections: one thing after the other, in a thread, while the main loop goes on. */

#pragma once

#include "soak/site.h"
#include "soak/tally.h"

G_BEGIN_DECLS

typedef struct _Chaos Chaos;

/* What happens, and in which order, is chosen by @seed. */
Chaos *chaos_new (Site *site,
                  guint32 seed,
                  Tally *tally);
/* To be called again and again, with how many operations have ended: what comes next begins some operations after the end of
 * what was before, so that it is not a matter of time what they meet. */
void chaos_tick (Chaos *self,
                 guint64 n_done);
/* Begins nothing more; whether all is over and the servers are in order again. */
gboolean chaos_end (Chaos *self);
void chaos_free (Chaos *self);

G_END_DECLS
