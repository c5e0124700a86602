/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-cancel-watch.h"

struct _TornadisCancelWatch
{
  GTask *task;               /* (unowned) */
  GCancellable *cancellable; /* (owned) */
  gulong cancelled_id;
  GSource *source; /* (owned) made by the thread that cancels */
};

/* From any thread. */
static void
cancelled_cb (GCancellable *cancellable,
              TornadisCancelWatch *self)
{
  g_source_attach (self->source, g_task_get_context (self->task));
}

TornadisCancelWatch *
tornadis_cancel_watch_new (GTask *task,
                           GSourceFunc func)
{
  TornadisCancelWatch *self;

  if (g_task_get_cancellable (task) == NULL)
    return NULL;

  self = g_new0 (TornadisCancelWatch, 1);
  self->task = task;
  self->cancellable = g_object_ref (g_task_get_cancellable (task));
  self->source = g_idle_source_new ();
  g_source_set_static_name (self->source, "[tornadis] cancelled");
  g_source_set_priority (self->source, g_task_get_priority (task));
  g_source_set_callback (self->source, func, task, NULL);
  self->cancelled_id = g_cancellable_connect (self->cancellable, G_CALLBACK (cancelled_cb), self, NULL);

  return self;
}

void
tornadis_cancel_watch_free (TornadisCancelWatch *self)
{
  /* Waits for a handler that runs in another thread just now. */
  g_cancellable_disconnect (self->cancellable, self->cancelled_id);
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_object_unref (self->cancellable);
  g_free (self);
}

GTask *
tornadis_cancel_watch_take_waiter (GQueue *waiters,
                                   GTask *task)
{
  if (task == NULL)
    task = g_queue_peek_head (waiters);
  if (task == NULL || !g_queue_remove (waiters, task))
    return NULL;

  g_task_set_task_data (task, NULL, NULL);
  return task;
}
