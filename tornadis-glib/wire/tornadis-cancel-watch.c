/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-cancel-watch.h"

/* Shared by the owner and the closure of the signal. The closure may be running in another thread, or be what calls the
 * owner: g_cancellable_disconnect(), which waits for it, could wait for ever. */
struct _TornadisCancelWatch
{
  gatomicrefcount ref_count;
  GCancellable *cancellable; /* (owned) */
  gulong cancelled_id;       /* 0: it was cancelled already */
  GMutex lock;               /* of what follows */
  GTask *task;               /* (unowned) (nullable) NULL once the owner has freed the watch */
  GSourceFunc func;
  GSource *source; /* (owned) (nullable) attached by the thread that cancels */
};

static void
cancel_watch_unref (gpointer data)
{
  TornadisCancelWatch *self = data;

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_mutex_clear (&self->lock);
  g_object_unref (self->cancellable);
  g_free (self);
}

/* From any thread. */
static void
cancelled_cb (GCancellable *cancellable,
              TornadisCancelWatch *self)
{
  g_mutex_lock (&self->lock);

  if (self->task != NULL && self->source == NULL)
    {
      self->source = g_idle_source_new ();
      g_source_set_static_name (self->source, "[tornadis] cancelled");
      g_source_set_priority (self->source, g_task_get_priority (self->task));
      g_source_set_callback (self->source, self->func, self->task, NULL);
      g_source_attach (self->source, g_task_get_context (self->task));
    }

  g_mutex_unlock (&self->lock);
}

TornadisCancelWatch *
tornadis_cancel_watch_new (GTask *task,
                           GSourceFunc func)
{
  TornadisCancelWatch *self;

  if (g_task_get_cancellable (task) == NULL)
    return NULL;

  self = g_new0 (TornadisCancelWatch, 1);
  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  self->task = task;
  self->func = func;
  self->cancellable = g_object_ref (g_task_get_cancellable (task));
  g_atomic_ref_count_inc (&self->ref_count);
  self->cancelled_id = g_cancellable_connect (self->cancellable, G_CALLBACK (cancelled_cb), self, cancel_watch_unref);

  return self;
}

void
tornadis_cancel_watch_free (TornadisCancelWatch *self)
{
  g_mutex_lock (&self->lock);
  self->task = NULL;
  if (self->source != NULL)
    {
      g_source_destroy (self->source);
      g_clear_pointer (&self->source, g_source_unref);
    }
  g_mutex_unlock (&self->lock);

  if (self->cancelled_id != 0)
    g_signal_handler_disconnect (self->cancellable, self->cancelled_id);
  cancel_watch_unref (self);
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
