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
  GMainContext *context;     /* (owned) (nullable) NULL once the owner has freed the watch */
  int priority;
  GSourceFunc func;
  gpointer data;   /* (unowned) */
  GSource *source; /* (owned) (nullable) attached by the thread that cancels */
};

/* What is cancelled by tornadis_cancel_watch_cancel(), on the stack of this thread. */
typedef struct
{
  GCancellable *cancellable; /* (unowned) */
  GPtrArray *watches;        /* (owned) (element-type TornadisCancelWatch) */
} TornadisCancelling;

static GPrivate cancelling_now;

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
  TornadisCancelling *cancelling = g_private_get (&cancelling_now);

  /* Not from within the signal: what is called back may connect to it, or wait for its end. */
  if (cancelling != NULL && cancelling->cancellable == cancellable)
    {
      g_atomic_ref_count_inc (&self->ref_count);
      g_ptr_array_add (cancelling->watches, self);
      return;
    }

  g_mutex_lock (&self->lock);

  if (self->context != NULL && self->source == NULL)
    {
      self->source = g_idle_source_new ();
      g_source_set_static_name (self->source, "[tornadis] cancelled");
      g_source_set_priority (self->source, self->priority);
      g_source_set_callback (self->source, self->func, self->data, NULL);
      g_source_attach (self->source, self->context);
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
  self->context = g_main_context_ref (g_task_get_context (task));
  self->priority = g_task_get_priority (task);
  self->func = func;
  self->data = task;
  self->cancellable = g_object_ref (g_task_get_cancellable (task));
  g_atomic_ref_count_inc (&self->ref_count);
  self->cancelled_id = g_cancellable_connect (self->cancellable, G_CALLBACK (cancelled_cb), self, cancel_watch_unref);

  return self;
}

void
tornadis_cancel_watch_free (TornadisCancelWatch *self)
{
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->context, g_main_context_unref);
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

/* In the thread of its owner, who alone frees it. */
static void
cancel_watch_run (TornadisCancelWatch *self)
{
  gboolean freed;

  g_mutex_lock (&self->lock);
  freed = self->context == NULL;
  g_mutex_unlock (&self->lock);

  if (!freed)
    self->func (self->data);
}

static GQuark
get_reason_quark (void)
{
  return g_quark_from_static_string ("tornadis-cancel-reason");
}

void
tornadis_cancel_watch_cancel (GCancellable *cancellable,
                              const GError *reason)
{
  g_autoptr (GPtrArray) watches = NULL;
  g_autoptr (GCancellable) alive = NULL;
  TornadisCancelling cancelling;
  gpointer outer = g_private_get (&cancelling_now);

  if (g_cancellable_is_cancelled (cancellable))
    return;

  alive = g_object_ref (cancellable);
  watches = g_ptr_array_new_with_free_func (cancel_watch_unref);
  cancelling = (TornadisCancelling){ alive, watches };
  if (reason != NULL)
    g_object_set_qdata_full (G_OBJECT (alive), get_reason_quark (), g_error_copy (reason), (GDestroyNotify) g_error_free);

  g_private_set (&cancelling_now, &cancelling);
  g_cancellable_cancel (alive);
  g_private_set (&cancelling_now, outer);

  for (guint i = 0; i < watches->len; i++)
    cancel_watch_run (g_ptr_array_index (watches, i));
}

GError *
tornadis_cancel_watch_dup_reason (GCancellable *cancellable)
{
  const GError *reason;
  GError *error = NULL;

  if (!g_cancellable_set_error_if_cancelled (cancellable, &error))
    return NULL;

  reason = g_object_get_qdata (G_OBJECT (cancellable), get_reason_quark ());
  if (reason != NULL)
    {
      g_error_free (error);
      error = g_error_copy (reason);
    }

  return error;
}

gboolean
tornadis_cancel_watch_return_error_if_cancelled (GTask *task)
{
  GError *error = tornadis_cancel_watch_dup_reason (g_task_get_cancellable (task));

  if (error == NULL)
    return FALSE;

  /* Else the finish function would say CANCELLED. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_return_error (task, error);

  return TRUE;
}

void
tornadis_cancel_watch_return_error (GTask *task,
                                    GError *error)
{
  if (tornadis_cancel_watch_return_error_if_cancelled (task))
    g_error_free (error);
  else
    g_task_return_error (task, error);
}
