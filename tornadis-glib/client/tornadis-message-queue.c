/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-message-queue.h"

#include "tornadis-glib/values/tornadis-message-private.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

/* The data of a task that waits. */
typedef struct
{
  TornadisMessageQueue *queue; /* (unowned) */
  TornadisCancelWatch *watch;  /* (owned) (nullable) */
  GSource *timeout;            /* (owned) (nullable) */
} TornadisPopWait;

void
tornadis_message_queue_init (TornadisMessageQueue *self,
                             GMainContext *context,
                             const TornadisLinkSettings *bounds)
{
  *self = (TornadisMessageQueue){ .context = context, .bounds = bounds };
}

void
tornadis_message_queue_clear (TornadisMessageQueue *self)
{
  g_queue_clear_full (&self->messages, (GDestroyNotify) tornadis_message_unref);
}

gboolean
tornadis_message_queue_push (TornadisMessageQueue *self,
                             TornadisMessage *message)
{
  g_autoptr (GTask) task = tornadis_cancel_watch_take_waiter (&self->waiters, NULL);

  if (task != NULL)
    {
      g_task_return_pointer (task, tornadis_message_ref (message), (GDestroyNotify) tornadis_message_unref);
      return FALSE;
    }

  g_queue_push_tail (&self->messages, tornadis_message_ref (message));
  self->n_bytes += tornadis_message_get_size (message);

  if (self->full || (self->messages.length < self->bounds->max_pending && self->n_bytes < self->bounds->max_queued_bytes))
    return FALSE;

  self->full = TRUE;
  return TRUE;
}

TornadisMessage *
tornadis_message_queue_pop (TornadisMessageQueue *self,
                            gboolean *drained)
{
  TornadisMessage *message = g_queue_pop_head (&self->messages);

  self->n_bytes -= tornadis_message_get_size (message);
  *drained = self->full && self->messages.length <= self->bounds->max_pending / 2 &&
             self->n_bytes <= self->bounds->max_queued_bytes / 2;
  if (*drained)
    self->full = FALSE;

  return message;
}

static void
pop_wait_free (gpointer data)
{
  TornadisPopWait *wait = data;

  g_clear_pointer (&wait->watch, tornadis_cancel_watch_free);
  if (wait->timeout != NULL)
    {
      g_source_destroy (wait->timeout);
      g_source_unref (wait->timeout);
    }
  g_free (wait);
}

static GTask *
take_waiter (GTask *task)
{
  TornadisPopWait *wait = g_task_get_task_data (task);

  return tornadis_cancel_watch_take_waiter (&wait->queue->waiters, task);
}

static gboolean
pop_cancelled_cb (gpointer user_data)
{
  g_autoptr (GTask) task = take_waiter (user_data);

  if (task != NULL)
    g_task_return_error_if_cancelled (task);

  return G_SOURCE_REMOVE;
}

static gboolean
pop_timeout_cb (gpointer user_data)
{
  g_autoptr (GTask) task = take_waiter (user_data);

  if (task != NULL)
    g_task_return_pointer (task, NULL, NULL);

  return G_SOURCE_REMOVE;
}

static GSource *
attach_timeout (TornadisMessageQueue *self,
                guint msec,
                GTask *task)
{
  GSource *source = g_timeout_source_new (msec);

  g_source_set_static_name (source, "[tornadis] pub/sub");
  g_source_set_callback (source, pop_timeout_cb, task, NULL);
  g_source_attach (source, self->context);

  return source;
}

void
tornadis_message_queue_wait (TornadisMessageQueue *self,
                             GTask *task,
                             double timeout)
{
  TornadisPopWait *wait = g_new0 (TornadisPopWait, 1);

  wait->queue = self;
  wait->watch = tornadis_cancel_watch_new (task, pop_cancelled_cb);
  if (timeout >= 0)
    wait->timeout = attach_timeout (self, (guint) MIN (timeout * 1000, (double) G_MAXUINT / 2), task);
  g_task_set_task_data (task, wait, pop_wait_free);
  g_queue_push_tail (&self->waiters, task);
}

void
tornadis_message_queue_fail_waiters (TornadisMessageQueue *self,
                                     const GError *error)
{
  GTask *task;
  guint n = self->waiters.length;

  while (n-- > 0 && (task = tornadis_cancel_watch_take_waiter (&self->waiters, NULL)) != NULL)
    {
      g_task_return_error (task, g_error_copy (error));
      g_object_unref (task);
    }
}
