/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/job.h"

/* Milliseconds. */
#define MAX_WAIT 10
#define MAX_WHIM 20

char *
worker_name (Worker *self)
{
  return g_strdup_printf ("w%u.%u", self->number, ++self->n_values);
}

static gboolean
go_on_cb (gpointer user_data)
{
  worker_go_on (user_data, FALSE);

  return G_SOURCE_REMOVE;
}

void
worker_go_on (Worker *self,
              gboolean has_failed)
{
  Run *run = self->run;

  if (has_failed)
    g_timeout_add (1 + run_random (run, MAX_WAIT), go_on_cb, self);
  else if (!run_take (run))
    {
      run->n_workers--;
      g_free (self);
    }
  else if (run->kind->has_pool && run_random (run, 8) == 0)
    transaction_begin (self);
  else
    job_begin (self);
}

void
worker_begin (Run *run,
              guint number)
{
  Worker *self = g_new0 (Worker, 1);

  self->run = run;
  self->number = number;
  run->n_workers++;
  worker_go_on (self, FALSE);
}

static gboolean
cancel_cb (gpointer user_data)
{
  Whim *self = user_data;

  self->id = 0;
  g_cancellable_cancel (self->cancellable);

  return G_SOURCE_REMOVE;
}

void
whim_begin (Whim *self,
            Run *run)
{
  guint how = run_random (run, 40);

  if (how > 4)
    return;
  self->cancellable = g_cancellable_new ();
  if (how == 0)
    g_cancellable_cancel (self->cancellable);
  else if (how == 1)
    self->id = g_idle_add (cancel_cb, self);
  else
    self->id = g_timeout_add (run_random (run, MAX_WHIM), cancel_cb, self);
}

void
whim_clear (Whim *self)
{
  g_clear_handle_id (&self->id, g_source_remove);
  g_clear_object (&self->cancellable);
}
