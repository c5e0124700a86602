/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/wire/tornadis-completions.h"
#include "tornadis-glib/wire/tornadis-writer.h"

G_BEGIN_DECLS

/* A command whose success changes what the next link must be told got its reply. */
typedef void (*TornadisEffectFunc) (TornadisCommand *command,
                                    TornadisReply   *reply,
                                    gpointer         user_data);

typedef enum
{
  TORNADIS_SLOT_DEFAULT = 0,
  /* Dropped with the link instead of going to the next one. */
  TORNADIS_SLOT_LINK_ONLY = 1 << 0,
} TornadisSlotFlags;

/* The calls of one client in order, from the moment they are made until their reply: first those
 * that are written, then the one being written, then those that wait. It survives its links. */
typedef struct _TornadisQueue TornadisQueue;

TornadisQueue  *tornadis_queue_new             (void);
void            tornadis_queue_free            (TornadisQueue       *self);
void            tornadis_queue_set_effect_func (TornadisQueue       *self,
                                                TornadisEffectFunc   func,
                                                gpointer             user_data);

void            tornadis_queue_set_observe_func (TornadisQueue      *self,
                                                 TornadisObserveFunc func,
                                                 gpointer            user_data);
/* The next call that is pushed is to be observed, and was made at the monotonic time @now; 0: is not. */
void            tornadis_queue_observe_next    (TornadisQueue       *self,
                                                gint64               now);
/* Whether @n_calls more with @n_bytes in all are within the bounds. */
gboolean        tornadis_queue_has_room        (TornadisQueue       *self,
                                                gsize                n_calls,
                                                gsize                n_bytes,
                                                gsize                max_calls,
                                                gsize                max_bytes);
/* Both take a reference to what they send and return an id for tornadis_queue_cancel(). @deadline is
 * monotonic time, 0 for none; @func %NULL discards the reply. */
guint64         tornadis_queue_push            (TornadisQueue       *self,
                                                TornadisCommand     *command,
                                                TornadisSlotFlags    flags,
                                                gint64               deadline,
                                                TornadisSlotFunc     func,
                                                gpointer             user_data);
guint64         tornadis_queue_push_batch      (TornadisQueue       *self,
                                                GPtrArray           *commands,
                                                gboolean             atomic,
                                                gint64               deadline,
                                                TornadisSlotFunc     func,
                                                gpointer             user_data);
/* Ahead of all others; only while nothing is written. */
void            tornadis_queue_push_front      (TornadisQueue       *self,
                                                TornadisCommand     *command,
                                                TornadisSlotFlags    flags,
                                                TornadisSlotFunc     func,
                                                gpointer             user_data);
/* Ends a call now. Not yet written: it is removed. Else its place stays and swallows the reply. */
gboolean        tornadis_queue_cancel          (TornadisQueue       *self,
                                                guint64              id,
                                                const GError        *error);
/* Of a call that still waits; 0: there is none. */
gint64          tornadis_queue_get_next_deadline (TornadisQueue     *self);
/* Ends calls whose deadline has passed, until about the monotonic time @until; the next deadline, which has passed too
 * when time ran out, or 0. */
gint64          tornadis_queue_expire          (TornadisQueue       *self,
                                                gint64               now,
                                                gint64               until);
/* Whether the server can be expected to answer this call: it is written, and none ahead of it may block. */
gboolean        tornadis_queue_is_due          (TornadisQueue       *self,
                                                guint64              id);

/* Serialises waiting calls until about @page_size bytes are in the writer. */
TornadisWriter *tornadis_queue_fill            (TornadisQueue       *self,
                                                gsize                page_size);
void            tornadis_queue_advance         (TornadisQueue       *self,
                                                gsize                n_bytes);
/* Gives a reply to the call that it belongs to, and takes it over; FALSE: nobody asked for it, and it
 * stays the caller's. */
gboolean        tornadis_queue_take_reply      (TornadisQueue       *self,
                                                TornadisReply       *reply);
/* The server confirms @name for a call of @verb, which has that in place of a reply. TRUE: it is the next one that the
 * first call waits for. With the last of its names the call is out of the queue, and @completion (out) is for the caller
 * to run and to clear; before that it does nothing. */
gboolean        tornadis_queue_confirm         (TornadisQueue       *self,
                                                const char          *verb,
                                                GBytes              *name,
                                                TornadisCompletion  *completion);
/* The link is gone: ends what may have run with LOST; the rest with CLOSED unless @keep_unwritten. Those who made the
 * calls are told by tornadis_completions_run(), which has to follow. */
GArray         *tornadis_queue_link_lost       (TornadisQueue       *self,
                                                gboolean             keep_unwritten,
                                                const char          *reason);
/* Ends all calls with @error; none may be written. Likewise. */
GArray         *tornadis_queue_fail_all        (TornadisQueue       *self,
                                                const GError        *error);
/* Whether a single command with this effect waits for its reply or to be written. */
gboolean        tornadis_queue_has_effect      (TornadisQueue       *self,
                                                TornadisCommandEffect effect);

gsize           tornadis_queue_get_length      (TornadisQueue       *self);
/* Bytes of all links: those that were written are counted here, those that were read have to be told. */
void            tornadis_queue_count_read      (TornadisQueue       *self,
                                                gsize                n_bytes);
guint64         tornadis_queue_get_n_read      (TornadisQueue       *self);
guint64         tornadis_queue_get_n_written   (TornadisQueue       *self);
gboolean        tornadis_queue_awaits_replies  (TornadisQueue       *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisQueue, tornadis_queue_free)

G_END_DECLS
