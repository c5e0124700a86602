/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/values/tornadis-message.h"
#include "tornadis-glib/wire/tornadis-link.h"

G_BEGIN_DECLS

/* Messages that wait to be popped, or tasks that wait for messages: never both. What is kept is bounded. */
typedef struct
{
  GMainContext *context;              /* (unowned) where deadlines come */
  const TornadisLinkSettings *bounds; /* (unowned) of which max_pending and max_queued_bytes count */
  GQueue messages;                    /* (element-type TornadisMessage) (owned) */
  gsize n_bytes;                      /* of @messages */
  GQueue waiters;                     /* (element-type GTask) (owned) */
  gboolean full;                      /* a bound was reached, until half of it is left */
} TornadisMessageQueue;

/* Both must stay for as long as the queue. */
void             tornadis_message_queue_init         (TornadisMessageQueue       *self,
                                                      GMainContext               *context,
                                                      const TornadisLinkSettings *bounds);
/* Nobody waits any more. */
void             tornadis_message_queue_clear        (TornadisMessageQueue       *self);
/* For the task that waits longest, or to be kept. TRUE: that made the queue full. */
gboolean         tornadis_message_queue_push         (TornadisMessageQueue       *self,
                                                      TornadisMessage            *message);
/* Of a queue that has messages. (transfer full). @drained (out): that ended being full. */
TornadisMessage *tornadis_message_queue_pop          (TornadisMessageQueue       *self,
                                                      gboolean                   *drained);
/* Returns @task (transfer full), whose data it uses and whose source keeps the queue: with a message, with %NULL after
 * @timeout seconds unless that is negative, or when it is cancelled. */
void             tornadis_message_queue_wait         (TornadisMessageQueue       *self,
                                                      GTask                      *task,
                                                      double                      timeout);
/* Those that wait now. */
void             tornadis_message_queue_fail_waiters (TornadisMessageQueue       *self,
                                                      const GError               *error);

static inline gboolean
tornadis_message_queue_has_messages (const TornadisMessageQueue *self)
{
  return self->messages.length > 0;
}

static inline gboolean
tornadis_message_queue_has_waiters (const TornadisMessageQueue *self)
{
  return self->waiters.length > 0;
}

G_END_DECLS
