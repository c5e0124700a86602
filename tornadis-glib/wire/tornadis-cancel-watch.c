/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-cancel-watch.h"

/* All watches of a cancellable: it has one handler of its signal for as long as it lives, since to connect one and to
 * disconnect it takes longer than a call does. */
typedef struct
{
  GMutex lock;           /* of what follows, and of all fields of the watches that may change */
  GQueue watches;        /* (element-type TornadisCancelWatch) (unowned) those that were not called back yet, the oldest first */
  gboolean is_connected; /* it is not once the cancellable was disposed, which may be used again all the same */
} CancelGroup;

/* Signals come in any thread, and may come from whoever is just about to free the watch: nothing waits for their end, as
 * g_cancellable_disconnect() would. */
struct _TornadisCancelWatch
{
  GList link;
  GQueue *queue;             /* (nullable) that it is in: the group's, or that of a TornadisCancelling */
  GCancellable *cancellable; /* (owned) so that the group lasts */
  CancelGroup *group;        /* (unowned) of it */
  GMainContext *context;     /* (owned) */
  int priority;
  GSourceFunc func;
  gpointer data;   /* (unowned) */
  GSource *source; /* (owned) (nullable) attached by the thread that cancels */
};

/* What is cancelled by tornadis_cancel_watch_cancel(), on the stack of this thread. */
typedef struct
{
  GCancellable *cancellable; /* (unowned) */
  GQueue watches;            /* (element-type TornadisCancelWatch) (unowned) */
} TornadisCancelling;

static GPrivate cancelling_now;

/* The watch is called back once. */
static void
cancel_watch_move (TornadisCancelWatch *self,
                   GQueue *queue)
{
  g_queue_unlink (self->queue, &self->link);
  self->queue = queue;
  if (queue != NULL)
    g_queue_push_tail_link (queue, &self->link);
}

static void
cancel_watch_call_back (TornadisCancelWatch *self)
{
  cancel_watch_move (self, NULL);
  self->source = g_idle_source_new ();
  g_source_set_static_name (self->source, "[tornadis] cancelled");
  g_source_set_priority (self->source, self->priority);
  g_source_set_callback (self->source, self->func, self->data, NULL);
  g_source_attach (self->source, self->context);
}

/* From any thread. */
static void
cancelled_cb (GCancellable *cancellable,
              CancelGroup *group)
{
  TornadisCancelling *cancelling = g_private_get (&cancelling_now);
  GList *link;

  g_mutex_lock (&group->lock);

  while ((link = group->watches.head) != NULL)
    {
      /* Not from within the signal: what is called back may connect to it, or wait for its end. */
      if (cancelling != NULL && cancelling->cancellable == cancellable)
        cancel_watch_move (link->data, &cancelling->watches);
      else
        cancel_watch_call_back (link->data);
    }

  g_mutex_unlock (&group->lock);
}

/* The cancellable is there still, and with that the group. */
static void
disconnected_cb (gpointer data,
                 GClosure *closure)
{
  CancelGroup *self = data;

  g_mutex_lock (&self->lock);
  self->is_connected = FALSE;
  g_mutex_unlock (&self->lock);
}

/* With the lock held. */
static G_NO_INLINE void
cancel_group_connect (CancelGroup *self,
                      GCancellable *cancellable)
{
  /* g_cancellable_connect() would not connect to one that was cancelled and may be reset. */
  g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (cancelled_cb), self, disconnected_cb, G_CONNECT_DEFAULT);
  self->is_connected = TRUE;
}

static void
cancel_group_free (gpointer data)
{
  CancelGroup *self = data;

  g_mutex_clear (&self->lock);
  g_free (self);
}

static GQuark
get_group_quark (void)
{
  static gsize quark;

  if (g_once_init_enter (&quark))
    g_once_init_leave (&quark, g_quark_from_static_string ("tornadis-cancel-group"));

  return (GQuark) quark;
}

static G_NO_INLINE CancelGroup *
cancel_group_make (GCancellable *cancellable)
{
  static GMutex lock;
  CancelGroup *self;

  g_mutex_lock (&lock);
  self = g_object_get_qdata (G_OBJECT (cancellable), get_group_quark ());
  if (self == NULL)
    {
      self = g_new0 (CancelGroup, 1);
      g_mutex_init (&self->lock);
      g_mutex_lock (&self->lock);
      cancel_group_connect (self, cancellable);
      g_mutex_unlock (&self->lock);
      g_object_set_qdata_full (G_OBJECT (cancellable), get_group_quark (), self, cancel_group_free);
    }
  g_mutex_unlock (&lock);

  return self;
}

static CancelGroup *
cancel_group_get (GCancellable *cancellable)
{
  CancelGroup *self = g_object_get_qdata (G_OBJECT (cancellable), get_group_quark ());

  return G_LIKELY (self != NULL) ? self : cancel_group_make (cancellable);
}

TornadisCancelWatch *
tornadis_cancel_watch_new (GCancellable *cancellable,
                           GMainContext *context,
                           int priority,
                           GSourceFunc func,
                           gpointer data)
{
  CancelGroup *group;
  TornadisCancelWatch *self;

  if (cancellable == NULL)
    return NULL;

  group = cancel_group_get (cancellable);
  self = g_new (TornadisCancelWatch, 1);
  *self = (TornadisCancelWatch){
    .link = { .data = self },
    .queue = &group->watches,
    .cancellable = g_object_ref (cancellable),
    .group = group,
    .context = g_main_context_ref (context),
    .priority = priority,
    .func = func,
    .data = data,
  };

  g_mutex_lock (&group->lock);
  if (G_UNLIKELY (!group->is_connected))
    cancel_group_connect (group, cancellable);
  g_queue_push_tail_link (&group->watches, &self->link);
  /* Whoever cancels it from now on finds the watch, but perhaps nobody does any more. */
  if (g_cancellable_is_cancelled (cancellable))
    cancel_watch_call_back (self);
  g_mutex_unlock (&group->lock);

  return self;
}

TornadisCancelWatch *
tornadis_cancel_watch_new_for_task (GTask *task,
                                    GSourceFunc func)
{
  return tornadis_cancel_watch_new (g_task_get_cancellable (task), g_task_get_context (task), g_task_get_priority (task), func, task);
}

void
tornadis_cancel_watch_free (TornadisCancelWatch *self)
{
  g_mutex_lock (&self->group->lock);
  if (self->queue != NULL)
    cancel_watch_move (self, NULL);
  g_mutex_unlock (&self->group->lock);

  if (self->source != NULL)
    {
      g_source_destroy (self->source);
      g_source_unref (self->source);
    }
  g_main_context_unref (self->context);
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

static GQuark
get_reason_quark (void)
{
  return g_quark_from_static_string ("tornadis-cancel-reason");
}

/* In the thread of their owners, who alone free them. */
static TornadisCancelWatch *
cancelling_pop (TornadisCancelling *self,
                CancelGroup *group)
{
  TornadisCancelWatch *watch;

  g_mutex_lock (&group->lock);
  watch = g_queue_peek_head (&self->watches);
  if (watch != NULL)
    cancel_watch_move (watch, NULL);
  g_mutex_unlock (&group->lock);

  return watch;
}

void
tornadis_cancel_watch_cancel (GCancellable *cancellable,
                              const GError *reason)
{
  g_autoptr (GCancellable) alive = NULL;
  TornadisCancelling cancelling;
  TornadisCancelWatch *watch;
  CancelGroup *group;
  gpointer outer = g_private_get (&cancelling_now);

  if (g_cancellable_is_cancelled (cancellable))
    return;

  alive = g_object_ref (cancellable);
  group = cancel_group_get (alive);
  cancelling = (TornadisCancelling){ alive, G_QUEUE_INIT };
  if (reason != NULL)
    g_object_set_qdata_full (G_OBJECT (alive), get_reason_quark (), g_error_copy (reason), (GDestroyNotify) g_error_free);

  g_private_set (&cancelling_now, &cancelling);
  g_cancellable_cancel (alive);
  g_private_set (&cancelling_now, outer);

  while ((watch = cancelling_pop (&cancelling, group)) != NULL)
    watch->func (watch->data);
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

GError *
tornadis_cancel_watch_dup_error (GCancellable *cancellable)
{
  GError *error = tornadis_cancel_watch_dup_reason (cancellable);

  return error != NULL ? error : g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Operation was cancelled");
}

void
tornadis_cancel_watch_return_cancelled (GTask *task)
{
  /* Else the finish function would say CANCELLED in place of the reason. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_return_error (task, tornadis_cancel_watch_dup_error (g_task_get_cancellable (task)));
}

gboolean
tornadis_cancel_watch_return_error_if_cancelled (GTask *task)
{
  if (!g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    return FALSE;

  tornadis_cancel_watch_return_cancelled (task);
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
