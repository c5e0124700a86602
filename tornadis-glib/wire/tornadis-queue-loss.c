/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How calls end when their connection was lost, or could not be made. There may be a million of them: all this is done in
 * parts, between which the main loop does other things.
 *
 *   WRITTEN    The calls that may have run leave the queue, and what they did to the session is followed.
 *   UNWRITTEN  Of those that wait, what relied on the former is voided, or all.
 *   FAILED     Instead of both: there was no connection, and all leave the queue.
 *   SORTED     Those that have left, or were voided, complete in the order in which they were made.
 *
 * Nothing is called back until all are sorted: callbacks find the queue and the session as they will be. No connection is
 * made before the last call has completed, so that no later one completes ahead of it.
 *
 * What the program calls meanwhile may rely on a call of whose end it is not notified yet. So it may begin another
 * transaction only once it is notified that the last was lost; until it is notified that a MULTI or WATCH was not sent, that
 * counts as lost; and until it is notified of a SELECT or AUTH, whatever it calls ends with these. */

#include "tornadis-glib/wire/tornadis-queue-private.h"

#include "tornadis-glib/tornadis-error.h"

/* How many calls are sorted between two looks at the clock. */
#define LOSS_CHECK 16
/* How many lost calls are allocated and freed at a time. */
#define PAGE_LENGTH 512
/* How many slots of a ring that is empty are freed at a time: the system needs 8 ms for a million at once. */
#define FREE_LENGTH 8192

typedef enum
{
  LOSS_WRITTEN,
  LOSS_UNWRITTEN,
  LOSS_FAILED,
  LOSS_SORTED,
} LossPhase;

/* Why a call ends. The error itself is made when it does. */
typedef enum
{
  CAUSE_REPLY,       /* what the server sent was no reply to it */
  CAUSE_LOST,        /* it may have run */
  CAUSE_TRANSACTION, /* what it was meant for was lost */
  CAUSE_MOVED,       /* it is not known where it would run */
  CAUSE_CLOSED,      /* it was not sent */
  CAUSE_FAILED,      /* there was no connection */
} LossCause;

typedef struct
{
  TornadisCompletion completion; /* (owned) */
  TornadisCommand *command;      /* (owned) (nullable) */
  const char *name;              /* (nullable) of what is no command */
  guint64 id;
  LossCause cause;
  guint n_calls; /* commands */
  guint loss_id; /* of the session */
  guint8 ended;  /* before its turn */
  guint8 tells;  /* the program is notified of the loss of the transaction that it belongs to */
  guint8 frees;  /* its caller is notified that the transaction which it belongs to has not begun */
} LostCall;

struct _TornadisLoss
{
  LossPhase phase;
  GError *error; /* (owned) */
  gboolean keep_unwritten;
  TornadisSession *session;        /* (unowned) (nullable) */
  TornadisTransaction transaction; /* as the connection has it behind what was looked at */
  gboolean is_first;               /* nothing was looked at */
  gboolean moved;                  /* it is not known whether the server has run a SELECT or AUTH, and what was called since
                                    * was meant for the database and the user that these chose */
  gboolean moved_by_exec;
  guint64 cursor;              /* the next slot that is not looked at */
  GPtrArray *pages;            /* (owned) (element-type LostCall) (nullable elements) PAGE_LENGTH to each, by their ids */
  guint n_lost;                /* in @pages */
  guint next;                  /* of these, the next to complete */
  TornadisTransaction dropped; /* of calls that were not sent */
  gboolean holds_dropped;      /* it counts as lost */
  guint moved_until;           /* behind the last SELECT or AUTH */
  gsize n_calls;               /* commands of those that have not completed */
  TornadisSlot *ring;          /* (owned) (nullable) empty */
  gsize ring_length;
};

static LostCall *
loss_get (TornadisLoss *self,
          guint i)
{
  return (LostCall *) g_ptr_array_index (self->pages, i / PAGE_LENGTH) + i % PAGE_LENGTH;
}

/* The next to complete, which must exist. The caller owns what is in it. */
static LostCall
loss_take (TornadisLoss *self)
{
  LostCall call = *loss_get (self, self->next++);

  if (self->next % PAGE_LENGTH == 0)
    g_clear_pointer (&g_ptr_array_index (self->pages, (self->next - 1) / PAGE_LENGTH), g_free);

  return call;
}

static GError *
loss_make_error (const TornadisLoss *self,
                 const LostCall *call)
{
  const char *name = call->command != NULL ? tornadis_command_get_name (call->command) : call->name;

  switch (call->cause)
    {
    case CAUSE_REPLY:
      return g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "The reply to %s: %s", name, self->error->message);
    case CAUSE_LOST:
      return g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "The connection was lost while %s waited for its reply: %s", name,
                          self->error->message);
    case CAUSE_TRANSACTION:
      return tornadis_session_new_loss_error (name);
    case CAUSE_MOVED:
      return g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_LOST,
                          "%s was not sent: the connection was lost with the SELECT or AUTH before it", name);
    case CAUSE_CLOSED:
      return g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "The connection was closed before %s was sent: %s", name,
                          self->error->message);
    case CAUSE_FAILED:
      return g_error_copy (self->error);
    default:
      g_assert_not_reached ();
    }
}

/* Leaves @call empty. */
static void
loss_complete (TornadisLoss *self,
               LostCall *call,
               const GError *error)
{
  LostCall own = *call;

  call->ended = TRUE;
  self->n_calls -= own.n_calls;
  if (self->session != NULL)
    self->session->told_loss_id = own.loss_id;
  tornadis_completion_run (&own.completion, NULL, error);
  tornadis_completion_clear (&own.completion);
  g_clear_pointer (&own.command, tornadis_command_unref);
}

/* It is the turn of @call, which may have been cancelled before: all before it have ended. */
static void
loss_free_dropped (TornadisLoss *self,
                   const LostCall *call)
{
  /* Who is notified of an earlier one may have gone on to the last. */
  if (!call->frees || !self->holds_dropped || call->loss_id != self->session->loss_id)
    return;

  self->holds_dropped = FALSE;
  tornadis_session_forget_loss (self->session);
}

static void
loss_free (gpointer data)
{
  TornadisLoss *self = data;

  g_assert (self->next == self->n_lost && self->n_calls == 0);
  g_clear_error (&self->error);
  g_ptr_array_unref (self->pages);
  g_free (self->ring);
}

static gboolean
time_is_up (guint *n_done,
            gint64 until)
{
  return ++*n_done % LOSS_CHECK == 0 && g_get_monotonic_time () >= until;
}

/* Whether SELECT or AUTH is among the commands of a slot that have no reply. The library's own AUTH is not for what was
 * called behind it. */
static gboolean
slot_moves (const TornadisSlot *slot)
{
  if ((slot->flags & TORNADIS_SLOT_LINK_ONLY) != 0)
    return FALSE;

  for (gsize i = tornadis_slot_get_first (slot); i < tornadis_slot_get_n_calls (slot); i++)
    if (tornadis_session_is_moved_by (tornadis_slot_get_effect (slot, i)))
      return TRUE;

  return FALSE;
}

static void
queue_add_lost (TornadisQueue *self,
                guint64 id,
                LossCause cause)
{
  TornadisLoss *loss = self->loss;
  const TornadisSlot *slot = tornadis_queue_get_slot (self, id);
  LostCall *call;

  if (loss->session != NULL && tornadis_slot_begins_transaction (slot))
    tornadis_session_lose_begun (loss->session);
  if (slot_moves (slot))
    {
      loss->moved = TRUE;
      loss->moved_until = loss->n_lost + 1;
    }
  /* What was called meanwhile has ended it. */
  if (loss->holds_dropped && !tornadis_transaction_is_open (self->session->lost))
    {
      loss->holds_dropped = FALSE;
      loss->dropped = (TornadisTransaction){ FALSE, FALSE };
    }
  /* Of those of whom nobody is notified the session knows. */
  if (cause > CAUSE_TRANSACTION && (tornadis_transaction_is_open (loss->dropped) || !tornadis_slot_notifies_nobody (slot)))
    tornadis_slot_follow_transaction (slot, &loss->dropped);
  if (!tornadis_slot_is_awaited (slot))
    return;

  if (loss->n_lost % PAGE_LENGTH == 0)
    g_ptr_array_add (loss->pages, g_new (LostCall, PAGE_LENGTH));
  call = loss_get (loss, loss->n_lost++);
  *call = (LostCall){ .completion = tornadis_slot_get_completion (slot, self->observe_func, self->observe_data),
                      .command = slot->command != NULL ? tornadis_command_ref (slot->command) : NULL,
                      .name = slot->command != NULL ? NULL : tornadis_slot_get_name (slot),
                      .id = id,
                      .cause = cause,
                      .loss_id = loss->session != NULL ? loss->session->loss_id : 0,
                      .n_calls = (guint) tornadis_slot_get_n_calls (slot),
                      .tells = tornadis_slot_notifies_program (slot) && cause <= CAUSE_TRANSACTION,
                      .frees = !tornadis_slot_notifies_nobody (slot) && tornadis_transaction_is_open (loss->dropped) };
  loss->n_calls += call->n_calls;
  tornadis_completion_hold (&call->completion);
}

/* All that is serialised and not out waits again. */
static void
queue_forget_connection (TornadisQueue *self)
{
  for (guint64 id = self->head; id < self->tail && id <= self->next; id++)
    tornadis_slot_rewind (tornadis_queue_get_slot (self, id));

  self->distrusted = FALSE;
  tornadis_writer_clear (&self->writer);
  self->next = self->unsent = self->head;
  self->limit = G_MAXUINT64;
}

static gboolean
queue_sort_written (TornadisQueue *self,
                    guint *n_done,
                    gint64 until)
{
  TornadisLoss *loss = self->loss;
  gboolean is_of_server = g_error_matches (loss->error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
  TornadisSlot *slot;

  while ((slot = tornadis_queue_peek (self)) != NULL && tornadis_queue_is_out (self, slot))
    {
      /* What the server sent was the reply to the first of them. */
      queue_add_lost (self, self->head, is_of_server && (loss->is_first || self->distrusted) ? CAUSE_REPLY : CAUSE_LOST);
      loss->is_first = FALSE;
      tornadis_slot_follow_transaction (slot, &loss->transaction);
      tornadis_queue_drop (self);

      if (time_is_up (n_done, until))
        return FALSE;
    }

  queue_forget_connection (self);
  if (self->session != NULL)
    tornadis_session_end (self->session, loss->transaction);
  if (loss->moved_by_exec && !loss->transaction.in_multi)
    {
      loss->moved = TRUE;
      loss->moved_until = loss->n_lost;
    }
  loss->cursor = self->head;
  loss->phase = LOSS_UNWRITTEN;

  return TRUE;
}

/* Whether a call that waits is kept, and why not. */
static gboolean
queue_keeps (TornadisQueue *self,
             const TornadisSlot *slot,
             LossCause *cause)
{
  const TornadisLoss *loss = self->loss;

  if (self->session != NULL && !tornadis_queue_admits_slot (self, slot))
    {
      *cause = CAUSE_TRANSACTION;
      return FALSE;
    }

  if (loss->keep_unwritten && !loss->moved && (slot->flags & TORNADIS_SLOT_LINK_ONLY) == 0)
    return TRUE;

  tornadis_queue_follow_dropped (self, slot);
  *cause = loss->keep_unwritten && loss->moved ? CAUSE_MOVED : CAUSE_CLOSED;
  return FALSE;
}

/* What is called from now on, while the caller of a MULTI that was not sent is not notified, may be meant for that. */
static void
queue_hold_dropped (TornadisQueue *self)
{
  TornadisLoss *loss = self->loss;

  if (self->session == NULL || !tornadis_transaction_is_open (loss->dropped) || tornadis_transaction_is_open (self->session->lost))
    return;

  self->session->lost = loss->dropped;
  self->session->loss_known = FALSE;
  loss->holds_dropped = TRUE;
}

static void
queue_sort_waiting (TornadisQueue *self,
                    guint64 id)
{
  TornadisSlot *slot = tornadis_queue_get_slot (self, id);
  LossCause cause;

  if (slot->state == TORNADIS_SLOT_VOIDED || queue_keeps (self, slot, &cause))
    return;

  queue_add_lost (self, id, cause);
  tornadis_queue_void_slot (self, slot);
  /* Where none ahead is kept it leaves the queue, in time rather than with all others at once. */
  tornadis_queue_peek (self);
}

static gboolean
queue_sort_unwritten (TornadisQueue *self,
                      guint *n_done,
                      gint64 until)
{
  TornadisLoss *loss = self->loss;

  /* Voided ones may have left it at the head. */
  for (loss->cursor = MAX (loss->cursor, self->head); loss->cursor < self->tail; loss->cursor++)
    {
      queue_sort_waiting (self, loss->cursor);
      if (time_is_up (n_done, until))
        {
          loss->cursor++;
          return FALSE;
        }
    }

  queue_hold_dropped (self);
  loss->phase = LOSS_SORTED;
  return TRUE;
}

static gboolean
queue_sort_failed (TornadisQueue *self,
                   guint *n_done,
                   gint64 until)
{
  TornadisSlot *slot;

  while ((slot = tornadis_queue_peek (self)) != NULL)
    {
      tornadis_queue_follow_dropped (self, slot);
      queue_add_lost (self, self->head, CAUSE_FAILED);
      tornadis_queue_drop (self);

      if (time_is_up (n_done, until))
        return FALSE;
    }

  tornadis_writer_clear (&self->writer);
  if (self->session != NULL)
    self->session->stale = TRUE;
  queue_hold_dropped (self);
  self->loss->phase = LOSS_SORTED;
  return TRUE;
}

static void
queue_begin_loss (TornadisQueue *self,
                  LossPhase phase,
                  gboolean keep_unwritten,
                  const GError *error)
{
  TornadisLoss *loss = g_rc_box_new0 (TornadisLoss);

  g_assert (self->loss == NULL);
  loss->phase = phase;
  loss->error = g_error_copy (error);
  loss->keep_unwritten = keep_unwritten;
  loss->is_first = TRUE;
  loss->pages = g_ptr_array_new_with_free_func (g_free);
  loss->session = self->session;
  if (self->session != NULL)
    {
      /* No call that is lost may have begun it. */
      if (tornadis_transaction_is_open (self->session->answered))
        tornadis_session_lose_begun (self->session);
      loss->transaction = self->session->answered;
      loss->moved_by_exec = tornadis_session_is_moved_by_exec (self->session);
    }
  self->loss = loss;
}

void
tornadis_queue_lose (TornadisQueue *self,
                     gboolean keep_unwritten,
                     const GError *error)
{
  queue_begin_loss (self, LOSS_WRITTEN, keep_unwritten, error);
}

void
tornadis_queue_fail (TornadisQueue *self,
                     const GError *error)
{
  queue_begin_loss (self, LOSS_FAILED, FALSE, error);
}

/* Whether the caller of a SELECT or AUTH that was lost is not notified yet: what is called was meant for what it chose. */
static gboolean
loss_is_moved (const TornadisLoss *self)
{
  return self->next < self->moved_until;
}

gboolean
tornadis_queue_is_sorting (TornadisQueue *self)
{
  return self->loss != NULL && (self->loss->phase != LOSS_SORTED || loss_is_moved (self->loss));
}

void
tornadis_queue_sort_late (TornadisQueue *self)
{
  if (self->loss->phase != LOSS_SORTED || !loss_is_moved (self->loss))
    return;

  self->loss->keep_unwritten = self->loss->moved = TRUE;
  queue_sort_waiting (self, self->tail - 1);
  queue_hold_dropped (self);
}

gboolean
tornadis_queue_sort_out (TornadisQueue *self,
                         gint64 until)
{
  guint n_done = 0;

  if (self->loss == NULL)
    return TRUE;

  if (self->loss->phase == LOSS_FAILED)
    return queue_sort_failed (self, &n_done, until);

  if (self->loss->phase == LOSS_WRITTEN && !queue_sort_written (self, &n_done, until))
    return FALSE;

  return self->loss->phase == LOSS_SORTED || queue_sort_unwritten (self, &n_done, until);
}

void
tornadis_queue_lose_rest (TornadisQueue *self)
{
  TornadisLoss *loss = self->loss;

  tornadis_queue_sort_out (self, G_MAXINT64);
  loss->keep_unwritten = FALSE;
  loss->moved_until = 0;
  loss->cursor = self->head;
  loss->phase = LOSS_UNWRITTEN;
  tornadis_queue_sort_out (self, G_MAXINT64);
}

/* A part of it. */
static void
loss_free_ring (TornadisLoss *self)
{
  if (self->ring_length <= FREE_LENGTH)
    {
      g_clear_pointer (&self->ring, g_free);
      return;
    }

  self->ring_length -= FREE_LENGTH;
  self->ring = g_renew (TornadisSlot, self->ring, self->ring_length);
}

gboolean
tornadis_queue_end_lost (TornadisQueue *self,
                         gint64 until)
{
  TornadisLoss *loss = self->loss;
  gboolean is_up = FALSE;
  gboolean done;

  if (loss == NULL)
    return TRUE;

  /* What is called back may end all the others, and begin with another loss. */
  g_rc_box_acquire (loss);
  while (loss->next < loss->n_lost && !is_up)
    {
      LostCall call = loss_take (loss);
      g_autoptr (GError) error = NULL;

      loss_free_dropped (loss, &call);
      if (!call.ended)
        {
          /* From now on it may begin another one; not before, as what it calls may be meant for the one that is lost. */
          if (call.tells && self->session != NULL)
            tornadis_session_know_loss (self->session, call.loss_id);
          error = loss_make_error (loss, &call);
          loss_complete (loss, &call, error);
        }
      /* One callback may take long. */
      is_up = g_get_monotonic_time () >= until;
    }
  while (loss->ring != NULL && !is_up)
    {
      loss_free_ring (loss);
      is_up = g_get_monotonic_time () >= until;
    }

  done = loss->next == loss->n_lost && loss->ring == NULL;
  if (done && self->loss == loss)
    {
      self->loss = NULL;
      g_rc_box_release_full (loss, loss_free);
    }
  g_rc_box_release_full (loss, loss_free);

  return done;
}

void
tornadis_queue_leave_ring (TornadisQueue *self)
{
  TornadisLoss *loss = self->loss;

  g_free (loss->ring);
  loss->ring = g_steal_pointer (&self->ring);
  loss->ring_length = self->size;
}

gsize
tornadis_queue_count_lost (TornadisQueue *self)
{
  return self->loss->n_calls;
}

/* One that has not completed (transfer none) (nullable). */
static LostCall *
queue_find_lost (TornadisQueue *self,
                 guint64 id)
{
  TornadisLoss *loss = self->loss;
  guint from = loss->next, to = loss->n_lost;

  while (from < to)
    {
      guint middle = from + (to - from) / 2;
      LostCall *call = loss_get (loss, middle);

      if (call->id == id)
        return call->ended || call->completion.func == NULL ? NULL : call;
      if (call->id < id)
        from = middle + 1;
      else
        to = middle;
    }

  return NULL;
}

gboolean
tornadis_queue_has_lost (TornadisQueue *self,
                         guint64 id,
                         gconstpointer user_data)
{
  const LostCall *call = queue_find_lost (self, id);

  return call != NULL && call->completion.user_data == user_data;
}

gboolean
tornadis_queue_is_lost_unwritten (TornadisQueue *self,
                                  guint64 id)
{
  const LostCall *call = queue_find_lost (self, id);

  return call != NULL && call->cause > CAUSE_LOST;
}

gboolean
tornadis_queue_cancel_lost (TornadisQueue *self,
                            guint64 id,
                            const GError *error)
{
  LostCall *call = queue_find_lost (self, id);

  if (call == NULL)
    return FALSE;

  loss_complete (self->loss, call, error);
  return TRUE;
}
