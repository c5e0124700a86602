/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-message-queue.h"

#include "tornadis-glib/values/tornadis-message-private.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

/* A message stays in the queue until the callback of a task is called with it. It is not given to a task whose callback
 * would be called later, as that of one which was made in this main-context iteration: another message could overtake it,
 * and it would be lost with a task that is cancelled meanwhile. Then it is delivered in the next iteration. */

/* The data of a task that waits. */
typedef struct
{
  TornadisMessageQueue *queue; /* (unowned) */
  TornadisCancelWatch *watch;  /* (owned) (nullable) */
  GSource *timeout;            /* (owned) (nullable) */
  gint64 since;                /* time of the main-context iteration */
} TornadisPopWait;

void
tornadis_message_queue_init (TornadisMessageQueue *self,
                             GMainContext *context,
                             const TornadisLinkSettings *bounds,
                             void (*drained) (gpointer user_data),
                             gpointer user_data)
{
  *self = (TornadisMessageQueue){ .context = context, .bounds = bounds, .drained = drained, .user_data = user_data };
}

static void
message_queue_stop_delivery (TornadisMessageQueue *self)
{
  if (self->delivery == NULL)
    return;

  g_source_destroy (self->delivery);
  g_clear_pointer (&self->delivery, g_source_unref);
}

/* (transfer full): the one that came first. There is one. */
static TornadisMessage *
message_queue_take (TornadisMessageQueue *self)
{
  TornadisMessage *message = g_queue_pop_head (&self->returned);

  if (message != NULL)
    return message;

  message = self->first;
  self->first = message->place.next;
  if (self->first == NULL)
    self->last = NULL;
  /* None behind the first is missing. */
  message->place.serial = self->n_pushed + self->n_inserted - self->n_messages + 1;
  self->n_messages--;

  return message;
}

void
tornadis_message_queue_clear (TornadisMessageQueue *self)
{
  g_assert (self->waiters.length == 0);

  message_queue_stop_delivery (self);
  while (tornadis_message_queue_get_length (self) > 0)
    tornadis_message_unref (message_queue_take (self));
}

static gint64
get_iteration_time (void)
{
  GSource *source = g_main_current_source ();

  return source != NULL ? g_source_get_time (source) : 0;
}

/* Whether returning @task calls its callback at once: see g_task_return_pointer(). */
static gboolean
returns_at_once (GTask *task)
{
  const TornadisPopWait *wait = g_task_get_task_data (task);
  GSource *source = g_main_current_source ();

  return source != NULL && g_source_get_context (source) == g_task_get_context (task) &&
         g_source_get_time (source) > wait->since;
}

TornadisMessage *
tornadis_message_queue_pop (TornadisMessageQueue *self)
{
  TornadisMessage *message = message_queue_take (self);

  self->n_bytes -= tornadis_message_get_size (message);
  if (self->full && tornadis_message_queue_get_length (self) <= self->bounds->max_pending / 2 &&
      self->n_bytes <= self->bounds->max_queued_bytes / 2)
    {
      self->full = FALSE;
      self->drained (self->user_data);
    }

  return message;
}

static void message_queue_deliver (TornadisMessageQueue *self);

static gboolean
delivery_cb (gpointer user_data)
{
  TornadisMessageQueue *self = user_data;

  message_queue_stop_delivery (self);
  message_queue_deliver (self);

  return G_SOURCE_REMOVE;
}

static void
message_queue_deliver_later (TornadisMessageQueue *self)
{
  if (self->delivery != NULL)
    return;

  self->delivery = g_idle_source_new ();
  g_source_set_static_name (self->delivery, "[tornadis] message");
  g_source_set_priority (self->delivery, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->delivery, delivery_cb, self, NULL);
  g_source_attach (self->delivery, self->context);
}

/* Callbacks run in here, which may do anything. */
static void
message_queue_deliver (TornadisMessageQueue *self)
{
  GTask *first = g_queue_peek_head (&self->waiters);
  g_autoptr (GObject) alive G_GNUC_UNUSED = first != NULL ? g_object_ref (g_task_get_source_object (first)) : NULL;

  while (tornadis_message_queue_get_length (self) > 0 && self->waiters.length > 0)
    {
      g_autoptr (GTask) task = NULL;
      GTask *next = g_queue_peek_head (&self->waiters);
      gboolean cancelled = g_cancellable_is_cancelled (g_task_get_cancellable (next));

      if (!cancelled && !returns_at_once (next))
        {
          message_queue_deliver_later (self);
          return;
        }

      task = tornadis_cancel_watch_take_waiter (&self->waiters, next);
      if (cancelled)
        g_task_return_error_if_cancelled (task);
      else
        g_task_return_pointer (task, tornadis_message_queue_pop (self), (GDestroyNotify) tornadis_message_unref);
    }
}

static gboolean
message_queue_added (TornadisMessageQueue *self,
                     TornadisMessage *message)
{
  self->n_bytes += tornadis_message_get_size (message);
  message_queue_deliver (self);

  if (self->full || !tornadis_message_queue_has_message (self) ||
      (tornadis_message_queue_get_length (self) < self->bounds->max_pending && self->n_bytes < self->bounds->max_queued_bytes))
    return FALSE;

  self->full = TRUE;
  return TRUE;
}

gboolean
tornadis_message_queue_push (TornadisMessageQueue *self,
                             TornadisMessage *message)
{
  tornadis_message_ref (message);
  message->place.next = NULL;
  if (self->last != NULL)
    self->last->place.next = message;
  else
    self->first = message;
  self->last = message;
  self->n_messages++;
  self->n_pushed++;

  return message_queue_added (self, message);
}

static int
compare_serials (gconstpointer one,
                 gconstpointer other,
                 gpointer user_data)
{
  return ((TornadisMessage *) one)->place.serial < ((TornadisMessage *) other)->place.serial ? -1 : 1;
}

gboolean
tornadis_message_queue_push_back (TornadisMessageQueue *self,
                                  TornadisMessage *message)
{
  g_queue_insert_sorted (&self->returned, tornadis_message_ref (message), compare_serials, NULL);

  return message_queue_added (self, message);
}

/* Behind @n_ahead of those that are chained, which are not fewer. */
static void
message_queue_chain (TornadisMessageQueue *self,
                     TornadisMessage *message,
                     guint64 n_ahead)
{
  TornadisMessage *previous = self->first;

  while (--n_ahead > 0)
    previous = previous->place.next;

  message->place.next = previous->place.next;
  previous->place.next = message;
  if (self->last == previous)
    self->last = message;
  self->n_messages++;
}

gboolean
tornadis_message_queue_insert (TornadisMessageQueue *self,
                               TornadisMessage *message,
                               guint64 n_pushed)
{
  guint64 n_behind = self->n_pushed - n_pushed;

  self->n_inserted++;
  if (n_behind < self->n_messages)
    {
      message_queue_chain (self, tornadis_message_ref (message), self->n_messages - n_behind);
      return message_queue_added (self, message);
    }

  /* It comes behind all that were popped. */
  message->place.serial = self->n_pushed + self->n_inserted - self->n_messages;

  return tornadis_message_queue_push_back (self, message);
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
    tornadis_cancel_watch_return_cancelled (task);

  return G_SOURCE_REMOVE;
}

static gboolean
pop_timeout_cb (gpointer user_data)
{
  g_autoptr (GTask) waiter = g_object_ref (user_data);
  TornadisPopWait *wait = g_task_get_task_data (waiter);
  g_autoptr (GTask) task = NULL;

  /* It may be that its message is to come in this iteration. */
  message_queue_deliver (wait->queue);
  if (g_task_get_task_data (waiter) != NULL)
    task = take_waiter (waiter);
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

  if (tornadis_message_queue_has_message (self))
    message_queue_deliver_later (self);

  wait->queue = self;
  wait->since = get_iteration_time ();
  wait->watch = tornadis_cancel_watch_new_for_task (task, pop_cancelled_cb);
  if (timeout >= 0)
    wait->timeout = attach_timeout (self, (guint) MIN (timeout * 1000, (double) G_MAXUINT / 2), task);
  g_task_set_task_data (task, wait, pop_wait_free);
  g_queue_push_tail (&self->waiters, task);
}

void
tornadis_message_queue_fail_waiters (TornadisMessageQueue *self,
                                     const GError *error)
{
  guint n_served = (guint) MIN (tornadis_message_queue_get_length (self), self->waiters.length);
  GTask *task;

  for (guint n = self->waiters.length - n_served; n > 0 && (task = g_queue_peek_nth (&self->waiters, n_served)) != NULL; n--)
    {
      tornadis_cancel_watch_take_waiter (&self->waiters, task);
      g_task_return_error (task, g_error_copy (error));
      g_object_unref (task);
    }
}
