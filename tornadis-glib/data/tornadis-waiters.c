/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-waiters-private.h"

static void
destroy_source (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

void
tornadis_waiters_add (GQueue *waiters,
                      GTask *task,
                      GCancellableSourceFunc cancelled)
{
  GCancellable *cancellable = g_task_get_cancellable (task);

  g_queue_push_tail (waiters, g_object_ref (task));
  if (cancellable != NULL)
    {
      GSource *source = g_cancellable_source_new (cancellable);

      g_task_attach_source (task, source, G_SOURCE_FUNC (cancelled));
      g_task_set_task_data (task, source, destroy_source);
    }
}

GTask *
tornadis_waiters_pop (GQueue *waiters)
{
  GTask *task = g_queue_pop_head (waiters);

  if (task != NULL)
    g_task_set_task_data (task, NULL, NULL);

  return task;
}

void
tornadis_waiters_return (GQueue *waiters,
                         const GError *error)
{
  GQueue present = *waiters;
  GTask *task;

  /* Who waits anew, as a callback may, waits for something else. */
  g_queue_init (waiters);
  while ((task = tornadis_waiters_pop (&present)) != NULL)
    {
      if (error != NULL)
        g_task_return_error (task, g_error_copy (error));
      else
        g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
}
