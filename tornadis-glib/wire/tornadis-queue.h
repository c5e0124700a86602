/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/wire/tornadis-batch.h"
#include "tornadis-glib/wire/tornadis-completions.h"
#include "tornadis-glib/wire/tornadis-session.h"
#include "tornadis-glib/wire/tornadis-writer.h"

G_BEGIN_DECLS

/* The session has changed because of a reply: before the call that it belongs to completes; no callback of the program may
 * run within this. Or it blocks in vain: before the call that was cancelled completes; the connection may be closed within
 * this. */
typedef void (*TornadisSessionFunc) (TornadisSessionChange changes,
                                     gpointer              user_data);

typedef enum
{
  TORNADIS_SLOT_DEFAULT = 0,
  /* The library's own: dropped with the link instead of waiting for the next one, and sent whatever the bounds are. */
  TORNADIS_SLOT_LINK_ONLY = 1 << 0,
} TornadisSlotFlags;

/* The calls of one client in order, from the moment they are made until their reply: first those
 * that are written, then the one being written, then those that wait. It survives its links. */
typedef struct _TornadisQueue TornadisQueue;

TornadisQueue  *tornadis_queue_new             (void);
void            tornadis_queue_free            (TornadisQueue       *self);
/* @session is followed from now on. */
void            tornadis_queue_set_session     (TornadisQueue       *self,
                                                TornadisSession     *session,
                                                TornadisSessionFunc  func,
                                                gpointer             user_data);
void            tornadis_queue_set_observe_func (TornadisQueue      *self,
                                                 TornadisObserveFunc func,
                                                 gpointer            user_data);
/* Whether @n_calls more with @n_bytes in all are within the bounds. */
gboolean        tornadis_queue_has_room        (TornadisQueue       *self,
                                                gsize                n_calls,
                                                gsize                n_bytes,
                                                gsize                max_calls,
                                                gsize                max_bytes);
/* All of these copy @caller; the first two return an id for tornadis_queue_cancel(). */
guint64 tornadis_queue_push (TornadisQueue *self,
                             TornadisCommand *command,
                             TornadisSlotFlags flags,
                             const TornadisOrigin *caller);
/* @batch is (transfer full). */
guint64 tornadis_queue_push_batch (TornadisQueue *self,
                                   TornadisBatch *batch,
                                   const TornadisOrigin *caller);
/* Ahead of all others; only while nothing is written. */
void tornadis_queue_push_front (TornadisQueue *self,
                                TornadisCommand *command,
                                TornadisSlotFlags flags,
                                const TornadisOrigin *caller);
/* Completes a call now. One that is not yet written is removed; the slot of one that is stays and swallows the reply. */
gboolean        tornadis_queue_cancel          (TornadisQueue       *self,
                                                guint64              id,
                                                const GError        *error);
/* Whether @id is still the call that was made with @user_data: once one has left the queue its id may be used again, though
 * its caller may not have been notified yet. */
gboolean        tornadis_queue_is_of_caller    (TornadisQueue       *self,
                                                guint64              id,
                                                gconstpointer        user_data);
/* Whether the call was written, or part of it may have been. */
gboolean        tornadis_queue_is_written      (TornadisQueue       *self,
                                                guint64              id);
/* Of a call that still waits; 0: there is none. */
gint64          tornadis_queue_get_next_deadline (TornadisQueue     *self);
/* Completes calls whose deadline has passed, until about the monotonic time @until. Returns the next deadline, or 0; it has
 * passed too if the time did not suffice. */
gint64          tornadis_queue_expire          (TornadisQueue       *self,
                                                gint64               now,
                                                gint64               until);

/* Nothing more is written on this connection but the rest of a call that is partly written. */
void            tornadis_queue_hold_back       (TornadisQueue       *self);
/* Serialises waiting calls until about @page_size bytes are in the writer. */
TornadisWriter *tornadis_queue_fill            (TornadisQueue       *self,
                                                gsize                page_size);
void            tornadis_queue_advance         (TornadisQueue       *self,
                                                gsize                n_bytes);
/* Gives a reply, which came at @now, monotonic time, to the call that it belongs to, and consumes it; FALSE: nobody asked
 * for it, and it stays the caller's. */
gboolean        tornadis_queue_take_reply      (TornadisQueue       *self,
                                                TornadisReply       *reply,
                                                gint64               now);
/* The server has sent a confirmation of @name for @verb, a command that has confirmations instead of a reply. TRUE: it is
 * the next one that the first call waits for. With the last of its names the call leaves the queue, and @completion (out)
 * is for the caller to run and to clear; before that it does nothing. */
gboolean        tornadis_queue_confirm         (TornadisQueue       *self,
                                                const char          *verb,
                                                GBytes              *name,
                                                TornadisCompletion  *completion);
/* The connection is closed: what may have run completes with LOST, or with @error itself when that is of what the
 * server sent and so of the first of them; the rest with CLOSED unless @keep_unwritten. What waits to be written and
 * belongs to a transaction that was lost with the connection completes with LOST. tornadis_queue_sort_out() and
 * tornadis_queue_end_lost() have to follow. */
void tornadis_queue_lose (TornadisQueue *self,
                          gboolean keep_unwritten,
                          const GError *error);
/* There is no connection: all calls complete with @error. None may be written. The same have to follow. */
void tornadis_queue_fail (TornadisQueue *self,
                          const GError *error);
/* While calls end: all the others end too, behind them, in vain for a transaction or with CLOSED. Sorts all out. */
void tornadis_queue_lose_rest (TornadisQueue *self);
/* Sorts out which calls have to end, until about the monotonic time @until; TRUE: that is done. Nothing is called back.
 * Calls that are queued before it is done are treated as those before them. */
gboolean tornadis_queue_sort_out (TornadisQueue *self,
                                  gint64 until);
/* Completes these, until about the monotonic time @until; TRUE: there are no more. What is called back may do anything, to
 * the queue as well. */
gboolean tornadis_queue_end_lost (TornadisQueue *self,
                                  gint64 until);
/* Whether a call that is queued now is treated as those before the loss: it is not sorted out yet which of these have to end,
 * or none is notified yet of a SELECT or AUTH that was lost, for which it may be meant. */
gboolean tornadis_queue_is_sorting (TornadisQueue *self);
/* The replies of this connection are out of step: whatever waits for one completes with PROTOCOL when it is closed. */
void            tornadis_queue_distrust        (TornadisQueue       *self);
/* Commands in the queue. */
gsize           tornadis_queue_get_length      (TornadisQueue       *self);
/* With those that have left it because of a loss, and have not ended: there are bounds for both. */
gsize tornadis_queue_get_n_pending (TornadisQueue *self);
/* The state of MULTI and WATCH that the connection will have once all that is queued is answered. */
TornadisTransaction tornadis_queue_get_expected (TornadisQueue      *self);
/* How many commands are queued that may change what the server keeps for the connection. */
guint tornadis_queue_get_n_unsettled (TornadisQueue *self);
/* Whether there are none. */
gboolean        tornadis_queue_is_settled      (TornadisQueue       *self);
/* Whether the server can be expected to answer this call: it is written, and none ahead of it may block. */
gboolean        tornadis_queue_is_due          (TornadisQueue       *self,
                                                guint64              id);
/* Whether the server can be expected to answer the first call: it is written, and may not block. */
gboolean        tornadis_queue_first_is_due    (TornadisQueue       *self);

/* Bytes of all links. The queue itself counts what is written; this is for what is read. */
void            tornadis_queue_count_read      (TornadisQueue       *self,
                                                gsize                n_bytes);
guint64         tornadis_queue_get_n_read      (TornadisQueue       *self);
guint64         tornadis_queue_get_n_written   (TornadisQueue       *self);
gboolean        tornadis_queue_awaits_replies  (TornadisQueue       *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisQueue, tornadis_queue_free)

G_END_DECLS
