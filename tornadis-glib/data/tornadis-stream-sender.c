/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-stream-sender-private.h"

#include "tornadis-glib/client/tornadis-caller.h"
#include "tornadis-glib/data/tornadis-stream-link-private.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

struct _TornadisStreamSender
{
  guint ref_count;
  gpointer owner;         /* (unowned) (nullable) NULL: it was freed, and lives until what was called has ended */
  TornadisCaller *caller; /* (owned) */
  GMainContext *context;  /* (owned) */
  GQueue waiting;         /* (element-type Sending) (owned) to be tried again */
};

typedef struct
{
  TornadisStreamSender *sender; /* (owned) */
  TornadisCommand *command;     /* (owned) */
  TornadisStreamSentFunc func;
  gpointer data;
  GDestroyNotify data_destroy; /* (nullable) */
  guint n_failures;
  GSource *delay; /* (unowned) (nullable) attached, while it waits */
} Sending;

static void
sender_unref (TornadisStreamSender *self)
{
  if (--self->ref_count > 0)
    return;

  g_object_unref (self->caller);
  g_main_context_unref (self->context);
  g_free (self);
}

static void
sending_free (gpointer data)
{
  Sending *self = data;

  g_queue_remove (&self->sender->waiting, self);
  if (self->data_destroy != NULL)
    self->data_destroy (self->data);
  tornadis_command_unref (self->command);
  sender_unref (self->sender);
  g_free (self);
}

static void sending_call (Sending *self);

static gboolean
delay_cb (gpointer user_data)
{
  Sending *self = user_data;

  self->delay = NULL;
  g_queue_remove (&self->sender->waiting, self);
  sending_call (self);

  return G_SOURCE_REMOVE;
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Sending *self = user_data;
  TornadisStreamSender *sender = self->sender;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);

  if (reply == NULL && sender->owner != NULL && tornadis_stream_error_may_pass (error))
    {
      g_autoptr (GSource) delay = g_timeout_source_new (tornadis_stream_get_delay (self->n_failures++));

      self->delay = delay;
      g_queue_push_tail (&sender->waiting, self);
      /* The context has it, and its end is here or in delay_cb(). */
      g_source_set_callback (delay, delay_cb, self, NULL);
      g_source_attach (delay, sender->context);
      return;
    }

  if (sender->owner != NULL)
    self->func (sender->owner, self->data, reply, error);
  sending_free (self);
}

static void
sending_call (Sending *self)
{
  tornadis_caller_call_async (self->sender->caller, self->command, NULL, called_cb, self);
}

TornadisStreamSender *
tornadis_stream_sender_new (TornadisCaller *caller,
                            gpointer owner)
{
  TornadisStreamSender *self = g_new0 (TornadisStreamSender, 1);

  self->ref_count = 1;
  self->owner = owner;
  self->caller = g_object_ref (caller);
  self->context = g_main_context_ref_thread_default ();
  g_queue_init (&self->waiting);

  return self;
}

void
tornadis_stream_sender_free (TornadisStreamSender *self)
{
  Sending *sending;

  self->owner = NULL;
  while ((sending = g_queue_peek_head (&self->waiting)) != NULL)
    {
      g_source_destroy (sending->delay);
      sending_free (sending);
    }
  sender_unref (self);
}

void
tornadis_stream_sender_send (TornadisStreamSender *self,
                             TornadisCommand *command,
                             TornadisStreamSentFunc func,
                             gpointer data,
                             GDestroyNotify data_destroy)
{
  Sending *sending = g_new0 (Sending, 1);

  self->ref_count++;
  sending->sender = self;
  sending->command = tornadis_command_ref (command);
  sending->func = func;
  sending->data = data;
  sending->data_destroy = data_destroy;
  sending_call (sending);
}
