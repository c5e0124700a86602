/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/wire/tornadis-deadlines.h"
#include "tornadis-glib/wire/tornadis-queue.h"
#include "tornadis-glib/wire/tornadis-slot.h"

G_BEGIN_DECLS

/* Calls that have to end: tornadis-queue-loss.c. */
typedef struct _TornadisLoss TornadisLoss;

struct _TornadisQueue
{
  TornadisSlot *ring; /* (owned) (nullable) */
  gsize size;         /* a power of two */
  guint64 head;       /* id of the first slot */
  guint64 unsent;     /* id of the first slot that is not wholly written */
  guint64 next;       /* id of the first slot that is not wholly serialised */
  guint64 tail;       /* id behind the last slot */
  guint64 alone;      /* id of the last slot that is to be alone on the wire; it may have completed */
  guint64 limit;      /* id of the first slot that must not be serialised */
  gsize n_calls;      /* commands that expect a reply */
  gsize n_bytes;      /* of commands that are not wholly written */
  guint64 n_read;     /* bytes, of all links */
  guint64 n_written;  /* likewise */
  TornadisDeadlines deadlines;
  TornadisWriter writer;
  TornadisSession *session;         /* (unowned) (nullable) */
  TornadisSessionFunc session_func; /* (nullable) */
  gpointer session_data;            /* (unowned) */
  TornadisObserveFunc observe_func; /* (nullable) */
  gpointer observe_data;            /* (unowned) */
  gboolean distrusted;              /* replies do not belong to their calls */
  TornadisLoss *loss;               /* (owned) (nullable) */
};

static inline TornadisSlot *
tornadis_queue_get_slot (TornadisQueue *self,
                guint64 id)
{
  return &self->ring[id & (self->size - 1)];
}

/* Whether the server may have seen some of it. */
static inline gboolean
tornadis_queue_is_out (TornadisQueue *self,
              const TornadisSlot *slot)
{
  return slot->state == TORNADIS_SLOT_STARTED && slot->start < MAX (self->writer.written, self->writer.offered);
}

/* The first slot that still expects a reply. */
TornadisSlot       *tornadis_queue_peek                  (TornadisQueue          *self);
/* Removes the first slot, with what it holds. */
void                tornadis_queue_drop                  (TornadisQueue          *self);
/* Of a slot that was not written: it takes no part in anything any more. */
void                tornadis_queue_void_slot             (TornadisQueue          *self,
                                                          TornadisSlot           *slot);
/* Consumes @error. */
void                tornadis_queue_add_completion        (TornadisQueue          *self,
                                                          GArray                 *completions,
                                                          const TornadisSlot     *slot,
                                                          GError                 *error);

/* tornadis-queue-loss.c */

/* Whether @id is a call that has to end, and was made with @user_data. */
gboolean tornadis_queue_has_lost (TornadisQueue *self,
                                  guint64 id,
                                  gconstpointer user_data);
/* Whether @id is such a call, and was not written. */
gboolean tornadis_queue_is_lost_unwritten (TornadisQueue *self,
                                           guint64 id);
/* Completes such a call now. */
gboolean tornadis_queue_cancel_lost (TornadisQueue *self,
                                     guint64 id,
                                     const GError *error);
/* The commands of those that have not ended; there must be a loss. */
gsize tornadis_queue_count_lost (TornadisQueue *self);
/* While there is a loss: the last call has just been queued. */
void tornadis_queue_sort_late (TornadisQueue *self);
/* The ring is empty: takes it, to free it in time. */
void tornadis_queue_leave_ring (TornadisQueue *self);

/* tornadis-queue-session.c */

/* Follows MULTI and WATCH over the commands of a slot that have no reply. */
void tornadis_slot_follow_transaction (const TornadisSlot *slot,
                                       TornadisTransaction *transaction);
gboolean tornadis_slot_begins_transaction (const TornadisSlot *slot);
/* Whether a call has nothing to do with the transaction that was lost. Follows what the call does to that. */
gboolean tornadis_queue_admits_slot (TornadisQueue *self,
                                     const TornadisSlot *slot);
/* Follows the commands of a slot whose replies have not come. */
void                tornadis_queue_follow_slot           (TornadisQueue          *self,
                                                          const TornadisSlot     *slot);
/* Follows what @reply, the next one to @slot, does to the session. */
void                tornadis_queue_follow_reply          (TornadisQueue          *self,
                                                          const TornadisSlot     *slot,
                                                          TornadisReply          *reply);
/* Whether it is certain that the server queues the call @id for EXEC. */
gboolean            tornadis_queue_is_in_multi_at        (TornadisQueue          *self,
                                                          guint64                 id);
/* A call that was not sent is dropped. */
void                tornadis_queue_follow_dropped        (TornadisQueue          *self,
                                                          const TornadisSlot     *slot);
/* What a call that is taken back would have begun. */
TornadisTransaction tornadis_queue_get_begun             (TornadisQueue          *self,
                                                          guint64                 id);
/* The call that began a transaction was taken back: so is what was meant for it, from @id on. */
void                tornadis_queue_take_back_transaction (TornadisQueue          *self,
                                                          guint64                 id,
                                                          TornadisTransaction     begun,
                                                          GArray                 *completions);

G_END_DECLS
