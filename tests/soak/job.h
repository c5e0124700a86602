/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the workers do: one call after the other, each of one command or of several, made in one of the ways there are. */

#pragma once

#include "soak/run.h"

G_BEGIN_DECLS

typedef struct
{
  Run *run; /* (unowned) */
  guint number;
  guint n_values; /* that it has written */
} Worker;

/* A call that may be cancelled, at a moment that may be before it is made. */
typedef struct
{
  GCancellable *cancellable; /* (owned) (nullable) */
  guint id;                  /* of the source that cancels it, or 0 */
} Whim;

/* Does one operation after the other as long as there are any. */
void worker_begin (Run *run,
                   guint number);
/* One is over; what fails at once is not to keep the main loop from all else. */
void worker_go_on (Worker *self,
                   gboolean has_failed);
/* A name that nobody else gives to a value. */
char *worker_name (Worker *self);
void whim_begin (Whim *self,
                 Run *run);
void whim_clear (Whim *self);
void job_begin (Worker *worker);
/* Reads a retired key for the last time, as often as that takes, and checks what was done to it. */
void job_check_key (Run *run,
                    HistoryKey *key);
/* Reads a key with WATCH, and writes it in a transaction, over a connection of its own. */
void transaction_begin (Worker *worker);

G_END_DECLS
