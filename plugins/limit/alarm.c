/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "limit/alarm.h"

static gboolean
alarm_dispatch (GSource *source,
                GSourceFunc callback,
                gpointer user_data)
{
  g_source_set_ready_time (source, -1);

  return callback (user_data);
}

static GSourceFuncs alarm_funcs = {
  .dispatch = alarm_dispatch,
};

void
alarm_set (Alarm *self,
           gint64 at)
{
  if (self->source == NULL)
    {
      if (at == 0)
        return;
      self->source = g_source_new (&alarm_funcs, sizeof (GSource));
      g_source_set_static_name (self->source, "[tornadis] limit");
      g_source_set_callback (self->source, self->func, self->user_data, NULL);
      g_source_attach (self->source, g_main_context_get_thread_default ());
    }

  g_source_set_ready_time (self->source, at != 0 ? at : -1);
}

void
alarm_clear (Alarm *self)
{
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}
