/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/values/tornadis-message.h"
#include "tornadis-glib/wire/tornadis-link.h"

G_BEGIN_DECLS

/* Messages that are kept, and tasks that wait for them: each task gets the message that has waited longest, in the order
 * of both. What is kept is bounded. */
typedef struct
{
  GMainContext *context;              /* (unowned) */
  const TornadisLinkSettings *bounds; /* (unowned) of which max_pending and max_queued_bytes count */
  void (*drained) (gpointer user_data); /* it was full, and half of that is left */
  gpointer user_data;                 /* (unowned) */
  TornadisMessage *first;             /* (owned) (nullable) by way of it all others, each with the next */
  TornadisMessage *last;              /* (unowned) (nullable) */
  gsize n_messages;                   /* from @first to @last */
  GQueue returned;                    /* (element-type TornadisMessage) (owned) that were given back: all came before @first */
  gsize n_bytes;                      /* of both */
  guint64 n_pushed;
  guint64 n_inserted;
  GQueue waiters;                     /* (element-type GTask) (owned) */
  GSource *delivery;                  /* (owned) (nullable) while what can be delivered has to wait */
  gboolean full;                      /* a bound was reached, until half of it is left */
} TornadisMessageQueue;

/* @context, @bounds and @user_data must stay for as long as the queue. */
void             tornadis_message_queue_init         (TornadisMessageQueue       *self,
                                                      GMainContext               *context,
                                                      const TornadisLinkSettings *bounds,
                                                      void                      (*drained) (gpointer user_data),
                                                      gpointer                    user_data);
/* Nobody waits any more. */
void             tornadis_message_queue_clear        (TornadisMessageQueue       *self);
/* TRUE: that made the queue full. */
gboolean         tornadis_message_queue_push         (TornadisMessageQueue       *self,
                                                      TornadisMessage            *message);
/* Likewise, for a message that came out of the queue: it goes to its place among those that are left. */
gboolean         tornadis_message_queue_push_back    (TornadisMessageQueue       *self,
                                                      TornadisMessage            *message);
/* Likewise, for a message that came when @n_pushed others had been pushed: it goes to its place among them. Those that came
 * together are inserted in their order. */
gboolean         tornadis_message_queue_insert       (TornadisMessageQueue       *self,
                                                      TornadisMessage            *message,
                                                      guint64                     n_pushed);
/* Takes the first message, of which there must be one. */
TornadisMessage *tornadis_message_queue_pop          (TornadisMessageQueue       *self);
/* Returns @task (transfer full), whose data it uses and whose source object keeps the queue: with a message, with %NULL
 * after @timeout seconds unless that is negative, or when it is cancelled. From the main loop, and in order. */
void             tornadis_message_queue_wait         (TornadisMessageQueue       *self,
                                                      GTask                      *task,
                                                      double                      timeout);
/* Those that wait now and have no message. */
void             tornadis_message_queue_fail_waiters (TornadisMessageQueue       *self,
                                                      const GError               *error);

static inline gsize
tornadis_message_queue_get_length (const TornadisMessageQueue *self)
{
  return self->n_messages + self->returned.length;
}

/* Whether there is a message for one more. */
static inline gboolean
tornadis_message_queue_has_message (const TornadisMessageQueue *self)
{
  return tornadis_message_queue_get_length (self) > self->waiters.length;
}

static inline gboolean
tornadis_message_queue_is_used (const TornadisMessageQueue *self)
{
  return tornadis_message_queue_get_length (self) > 0 || self->waiters.length > 0;
}

static inline gboolean
tornadis_message_queue_has_waiters (const TornadisMessageQueue *self)
{
  return self->waiters.length > tornadis_message_queue_get_length (self);
}

G_END_DECLS
