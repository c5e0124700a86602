/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-endings.h"

void
tornadis_ending_hold (TornadisEnding *self)
{
  if (self->command != NULL)
    tornadis_command_ref (self->command);
  if (self->commands != NULL)
    g_ptr_array_ref (self->commands);
}

void
tornadis_ending_clear (TornadisEnding *self)
{
  g_clear_pointer (&self->command, tornadis_command_unref);
  g_clear_pointer (&self->commands, g_ptr_array_unref);
  g_clear_error (&self->error);
}

void
tornadis_ending_tell (const TornadisEnding *self,
                      TornadisReply *reply,
                      const GError *error)
{
  if (self->observe_func != NULL)
    self->observe_func (self->command, self->commands, self->atomic, reply, error, self->queued, self->observe_data);
  if (self->func != NULL)
    self->func (reply, error, self->user_data);
}

GArray *
tornadis_endings_new (void)
{
  GArray *self = g_array_new (FALSE, FALSE, sizeof (TornadisEnding));

  g_array_set_clear_func (self, (GDestroyNotify) tornadis_ending_clear);
  return self;
}

void
tornadis_endings_add (GArray *self,
                      const TornadisEnding *ending,
                      GError *error)
{
  TornadisEnding held = *ending;

  tornadis_ending_hold (&held);
  held.error = error;
  g_array_append_val (self, held);
}

void
tornadis_endings_run (GArray *self)
{
  for (guint i = 0; i < self->len; i++)
    {
      const TornadisEnding *ending = &g_array_index (self, TornadisEnding, i);

      tornadis_ending_tell (ending, NULL, ending->error);
    }

  g_array_unref (self);
}
