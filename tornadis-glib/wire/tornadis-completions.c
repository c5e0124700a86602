/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-completions.h"

void
tornadis_completion_hold (TornadisCompletion *self)
{
  if (self->command != NULL)
    tornadis_command_ref (self->command);
  if (self->pipeline.commands != NULL)
    g_ptr_array_ref (self->pipeline.commands);
}

void
tornadis_completion_clear (TornadisCompletion *self)
{
  g_clear_pointer (&self->command, tornadis_command_unref);
  g_clear_pointer (&self->pipeline.commands, g_ptr_array_unref);
  g_clear_error (&self->error);
}

void
tornadis_completion_run (const TornadisCompletion *self,
                         TornadisReply *reply,
                         const GError *error)
{
  if (self->observe_func != NULL)
    self->observe_func (self->command, self->pipeline.commands != NULL ? &self->pipeline : NULL, reply, error,
                        g_get_monotonic_time () - self->queued, self->observe_data);
  if (self->func != NULL)
    self->func (reply, error, self->user_data);
}

GArray *
tornadis_completions_new (void)
{
  GArray *self = g_array_new (FALSE, FALSE, sizeof (TornadisCompletion));

  g_array_set_clear_func (self, (GDestroyNotify) tornadis_completion_clear);
  return self;
}

void
tornadis_completions_add (GArray *self,
                          const TornadisCompletion *completion,
                          GError *error)
{
  TornadisCompletion held = *completion;

  tornadis_completion_hold (&held);
  held.error = error;
  g_array_append_val (self, held);
}

void
tornadis_completions_run (GArray *self)
{
  for (guint i = 0; i < self->len; i++)
    {
      const TornadisCompletion *completion = &g_array_index (self, TornadisCompletion, i);

      tornadis_completion_run (completion, NULL, completion->error);
    }

  g_array_unref (self);
}
