/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-queue-private.h"

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"

/* The states of a slot. Four ids divide the ring, which is in the order of the replies:
 *
 *   head          unsent             next          tail
 *    |   written    |   being written  |   waiting   |
 *
 *   waiting        Nothing of it is serialised, but for a pipeline at @next, which may be in part.
 *   being written  Its bytes are in the writer. While none of them is out, it can be taken back: it waits again, and so
 *                  does all that is behind it.
 *   written        The socket has its last byte. It counts no more in @n_bytes, but in @n_calls until its reply.
 *
 * A call may complete before its reply has come, cancelled or timed out. What becomes of its slot then depends not on
 * these ids but on tornadis_queue_is_out(), whether the server may have seen its first byte:
 *
 *   tombstone      It is out: it has no @func, but is written to its end, counted and in its order, so that it swallows
 *                  its reply. So is the slot of a call whose reply nobody wanted from the start.
 *   voided         Nothing of it is out, and nothing will be: it is counted nowhere and skipped everywhere. At the tail
 *                  it is dropped at once and its id is used again, at the head when the first slot is next looked at.
 *
 * When the link is lost, slots that are out complete and are removed, tombstones with them; the others wait again, or are
 * voided: see tornadis-queue-loss.c. */

#define FIRST_SIZE 4
/* Leaves ids below it for what is pushed to the front. */
#define FIRST_ID (G_GUINT64_CONSTANT (1) << 32)
/* A ring larger than this is given back when it is empty. */
#define KEEP_SIZE 4096
/* How many calls are completed between two looks at the clock. */
#define EXPIRE_CHECK 16

static inline void
queue_forget_bytes (TornadisQueue *self,
                    TornadisSlot *slot)
{
  self->n_bytes -= slot->n_bytes;
  slot->n_bytes = 0;
}

/* This and queue_skip_voided() are apart, so that what is called for each reply is short enough to be inline: 20
 * instructions. */
static G_NO_INLINE void
queue_emptied (TornadisQueue *self)
{
  tornadis_deadlines_reset (&self->deadlines);
  if (self->size > KEEP_SIZE)
    {
      tornadis_deadlines_clear (&self->deadlines);
      if (self->loss != NULL)
        tornadis_queue_leave_ring (self);
      g_clear_pointer (&self->ring, g_free);
      self->size = 0;
    }
}

/* The calls of @slot leave the queue. */
static inline void
queue_forget_calls (TornadisQueue *self,
                    TornadisSlot *slot)
{
  self->n_calls -= tornadis_slot_get_n_calls (slot);
  queue_forget_bytes (self, slot);
}

/* Removes the first slot, which is counted no more, from the ring; the copy that the caller has made owns what it held. */
static inline void
queue_pop (TornadisQueue *self)
{
  self->head++;
  if (G_UNLIKELY (self->unsent < self->head))
    {
      self->unsent = self->head;
      self->next = MAX (self->next, self->head);
    }

  if (self->head == self->tail)
    queue_emptied (self);
}

/* Removes the first slot, with what it holds. */
void
tornadis_queue_drop (TornadisQueue *self)
{
  TornadisSlot *head = tornadis_queue_get_slot (self, self->head);
  TornadisSlot slot = *head;

  if (slot.state != TORNADIS_SLOT_VOIDED)
    queue_forget_calls (self, head);
  queue_pop (self);
  tornadis_slot_clear (&slot);
}

static G_NO_INLINE TornadisSlot *
queue_skip_voided (TornadisQueue *self)
{
  while (self->head < self->tail)
    {
      TornadisSlot *slot = tornadis_queue_get_slot (self, self->head);

      if (slot->state != TORNADIS_SLOT_VOIDED)
        return slot;
      queue_pop (self);
    }

  return NULL;
}

static inline TornadisSlot *
queue_peek (TornadisQueue *self)
{
  TornadisSlot *slot;

  if (self->head == self->tail)
    return NULL;

  slot = tornadis_queue_get_slot (self, self->head);
  return G_LIKELY (slot->state != TORNADIS_SLOT_VOIDED) ? slot : queue_skip_voided (self);
}

/* The first slot that still expects a reply. */
TornadisSlot *
tornadis_queue_peek (TornadisQueue *self)
{
  return queue_peek (self);
}

static void
queue_grow (TornadisQueue *self)
{
  gsize size = self->size == 0 ? FIRST_SIZE : 2 * self->size;
  TornadisSlot *ring = g_new (TornadisSlot, size);

  for (guint64 id = self->head; id < self->tail; id++)
    ring[id & (size - 1)] = *tornadis_queue_get_slot (self, id);

  g_free (self->ring);
  self->ring = ring;
  self->size = size;
}

/* Voids a slot of which nothing is written. */
void
tornadis_queue_void_slot (TornadisQueue *self,
                          TornadisSlot *slot)
{
  queue_forget_calls (self, slot);
  if (self->session != NULL && tornadis_slot_has_effect (slot))
    self->session->stale = TRUE;
  tornadis_slot_clear (slot);
  slot->func = NULL;
  slot->state = TORNADIS_SLOT_VOIDED;

  /* What is lost is known by its id. */
  if (self->loss != NULL)
    return;
  while (self->tail > self->next && tornadis_queue_get_slot (self, self->tail - 1)->state == TORNADIS_SLOT_VOIDED)
    self->tail--;
}

/* Takes back the bytes of the slots from @id on, none of which may be out. */
static void
queue_rewind (TornadisQueue *self,
              guint64 id)
{
  tornadis_writer_truncate (&self->writer, tornadis_queue_get_slot (self, id)->start);

  /* There may be voided ones between those that are serialised. */
  for (guint64 i = id; i < self->tail && i <= self->next; i++)
    tornadis_slot_rewind (tornadis_queue_get_slot (self, i));

  self->next = id;
  self->unsent = MIN (self->unsent, id);
}

/* Consumes @error. */
void
tornadis_queue_add_completion (TornadisQueue *self,
                               GArray *completions,
                               const TornadisSlot *slot,
                               GError *error)
{
  TornadisCompletion completion = tornadis_slot_get_completion (slot, self->observe_func, self->observe_data);

  tornadis_completions_add (completions, &completion, error);
}

TornadisQueue *
tornadis_queue_new (void)
{
  TornadisQueue *self = g_new0 (TornadisQueue, 1);

  self->head = self->unsent = self->next = self->tail = FIRST_ID;
  self->limit = G_MAXUINT64;

  return self;
}

void
tornadis_queue_free (TornadisQueue *self)
{
  g_assert (self->loss == NULL);

  for (guint64 id = self->head; id < self->tail; id++)
    tornadis_slot_clear (tornadis_queue_get_slot (self, id));

  tornadis_deadlines_clear (&self->deadlines);
  tornadis_writer_clear (&self->writer);
  g_free (self->ring);
  g_free (self);
}

void
tornadis_queue_set_session (TornadisQueue *self,
                            TornadisSession *session,
                            TornadisSessionFunc func,
                            gpointer user_data)
{
  self->session = session;
  self->session_func = func;
  self->session_data = user_data;
}

void
tornadis_queue_set_observe_func (TornadisQueue *self,
                                 TornadisObserveFunc func,
                                 gpointer user_data)
{
  self->observe_func = func;
  self->observe_data = user_data;
}

gboolean
tornadis_queue_has_room (TornadisQueue *self,
                         gsize n_calls,
                         gsize n_bytes,
                         gsize max_calls,
                         gsize max_bytes)
{
  gsize n_pending = tornadis_queue_get_n_pending (self);

  if (n_pending > 0 && (n_pending >= max_calls || n_calls > max_calls - n_pending))
    return FALSE;

  return self->n_bytes == 0 || (self->n_bytes < max_bytes && n_bytes <= max_bytes - self->n_bytes);
}

/* Whether a call still waits for its reply, and has this deadline: its id may have been used again. */
static gboolean
slot_is_awaited_at (const TornadisDeadline *deadline,
                    gpointer user_data)
{
  TornadisQueue *self = user_data;
  const TornadisSlot *slot;

  if (deadline->id < self->head || deadline->id >= self->tail)
    return FALSE;

  slot = tornadis_queue_get_slot (self, deadline->id);
  return slot->func != NULL && slot->deadline == deadline->at;
}

/* Each member by itself: a compiler builds a whole slot on the stack and copies it, 10 instructions more, or clears it with
 * a string instruction, which is slow. */
static inline void
slot_init (TornadisSlot *slot,
           const TornadisOrigin *caller)
{
  slot->func = caller->func;
  slot->user_data = caller->user_data;
  slot->command = NULL;
  slot->batch = NULL;
  slot->confirmations = NULL;
  slot->deadline = caller->deadline;
  slot->queued = caller->queued;
  slot->start = 0;
  slot->end = 0;
  slot->n_bytes = 0;
  slot->flags = TORNADIS_SLOT_DEFAULT;
  slot->state = TORNADIS_SLOT_WAITING;
  slot->notifies = caller->notifies;
  slot->may_block = FALSE;
}

static inline TornadisSlot *
queue_append (TornadisQueue *self,
              const TornadisOrigin *caller)
{
  TornadisSlot *slot;

  if (G_UNLIKELY (self->tail - self->head == self->size))
    queue_grow (self);

  slot = tornadis_queue_get_slot (self, self->tail++);
  slot_init (slot, caller);

  if (G_UNLIKELY (slot->deadline != 0))
    tornadis_deadlines_push (&self->deadlines, slot->deadline, self->tail - 1, slot_is_awaited_at, self);

  return slot;
}

static G_NO_INLINE void
queue_follow_command (TornadisQueue *self,
                      TornadisSlot *slot,
                      TornadisCommand *command)
{
  TornadisCommandEffect effect = tornadis_command_get_effect (command);

  if (effect == TORNADIS_COMMAND_REFUSED)
    slot->confirmations = tornadis_confirmations_new (command);
  if (self->session != NULL)
    tornadis_session_queued (self->session, effect);

  /* Those of a connection that is being made are alone anyway. */
  if (self->session != NULL && effect == TORNADIS_COMMAND_AUTH)
    {
      slot->batch = tornadis_batch_new_guarded (command);
      self->n_bytes += slot->batch->wire_size - slot->n_bytes;
      slot->n_bytes = slot->batch->wire_size;
      self->n_calls++;
      self->alone = self->tail - 1;
    }
}

static inline void
queue_set_command (TornadisQueue *self,
                   TornadisSlot *slot,
                   TornadisCommand *command,
                   TornadisSlotFlags flags)
{
  slot->command = tornadis_command_hold (command);
  slot->n_bytes = tornadis_command_get_wire_size (command);
  slot->flags = (guint8) flags;
  self->n_bytes += slot->n_bytes;
  self->n_calls++;
  if (G_UNLIKELY (command->effect != TORNADIS_COMMAND_PLAIN))
    queue_follow_command (self, slot, command);
}

/* The id of the call that stands at the end now, which may have to end at once. */
static inline guint64
queue_appended (TornadisQueue *self)
{
  guint64 id = self->tail - 1;

  if (G_UNLIKELY (self->loss != NULL))
    tornadis_queue_sort_late (self);

  return id;
}

guint64
tornadis_queue_push (TornadisQueue *self,
                     TornadisCommand *command,
                     TornadisSlotFlags flags,
                     const TornadisOrigin *caller)
{
  queue_set_command (self, queue_append (self, caller), command, flags);

  return queue_appended (self);
}

guint64
tornadis_queue_push_batch (TornadisQueue *self,
                           TornadisBatch *batch,
                           const TornadisOrigin *caller)
{
  TornadisSlot *slot = queue_append (self, caller);

  slot->batch = batch;
  slot->n_bytes = slot->batch->wire_size;
  if (self->session != NULL)
    tornadis_queue_follow_slot (self, slot);
  self->n_bytes += slot->n_bytes;
  self->n_calls += tornadis_batch_get_n_calls (slot->batch);

  return queue_appended (self);
}

void
tornadis_queue_push_front (TornadisQueue *self,
                           TornadisCommand *command,
                           TornadisSlotFlags flags,
                           const TornadisOrigin *caller)
{
  TornadisSlot *slot;

  g_assert (self->writer.queued == 0 && caller->deadline == 0);

  if (self->tail - self->head == self->size)
    queue_grow (self);

  self->next = self->unsent = --self->head;
  slot = tornadis_queue_get_slot (self, self->head);
  slot_init (slot, caller);
  queue_set_command (self, slot, command, flags);
}

gboolean
tornadis_queue_cancel (TornadisQueue *self,
                       guint64 id,
                       const GError *error)
{
  TornadisSlot *slot;
  TornadisCompletion completion;
  GArray *completions = NULL;

  if (G_UNLIKELY (self->loss != NULL))
    {
      /* What is taken back with it must not be looked at before what is lost, and nothing is called back before that. */
      tornadis_queue_sort_out (self, G_MAXINT64);
      if (tornadis_queue_cancel_lost (self, id, error))
        return TRUE;
    }

  if (id < self->head || id >= self->tail)
    return FALSE;

  slot = tornadis_queue_get_slot (self, id);
  if (slot->func == NULL)
    return FALSE;

  completion = tornadis_slot_get_completion (slot, self->observe_func, self->observe_data);
  tornadis_completion_hold (&completion);
  slot->func = NULL;
  slot->queued = 0;

  if (tornadis_queue_is_out (self, slot))
    {
      gboolean blocks_in_vain = self->session != NULL && tornadis_slot_blocks (slot) && !tornadis_queue_is_in_multi_at (self, id);

      tornadis_slot_forget (slot);
      /* The connection is closed first: the function that is called below may make a call, and wait for it. */
      if (blocks_in_vain)
        self->session_func (TORNADIS_SESSION_BLOCKS_IN_VAIN, self->session_data);
    }
  else
    {
      TornadisTransaction begun = tornadis_queue_get_begun (self, id);

      if (slot->state == TORNADIS_SLOT_STARTED)
        queue_rewind (self, id);
      tornadis_queue_void_slot (self, slot);
      if (tornadis_transaction_is_open (begun))
        {
          completions = tornadis_completions_new ();
          tornadis_queue_take_back_transaction (self, id + 1, begun, completions);
        }
    }

  tornadis_completion_run (&completion, NULL, error);
  tornadis_completion_clear (&completion);
  if (completions != NULL)
    tornadis_completions_run (completions);

  return TRUE;
}

gboolean
tornadis_queue_is_of_caller (TornadisQueue *self,
                             guint64 id,
                             gconstpointer user_data)
{
  if (id >= self->head && id < self->tail && tornadis_queue_get_slot (self, id)->user_data == user_data)
    return TRUE;

  return G_UNLIKELY (self->loss != NULL) && tornadis_queue_has_lost (self, id, user_data);
}

gboolean
tornadis_queue_is_written (TornadisQueue *self,
                           guint64 id)
{
  return id != 0 && id < self->next && (self->loss == NULL || !tornadis_queue_is_lost_unwritten (self, id));
}

gint64
tornadis_queue_get_next_deadline (TornadisQueue *self)
{
  TornadisDeadline deadline;

  return tornadis_deadlines_peek (&self->deadlines, &deadline, slot_is_awaited_at, self) ? deadline.at : 0;
}

gint64
tornadis_queue_expire (TornadisQueue *self,
                       gint64 now,
                       gint64 until)
{
  TornadisDeadline deadline;
  guint n_expired = 0;

  if (self->loss != NULL && !tornadis_queue_sort_out (self, until))
    return now;

  while (tornadis_deadlines_peek (&self->deadlines, &deadline, slot_is_awaited_at, self))
    {
      g_autoptr (GError) error = NULL;

      if (deadline.at > now || (n_expired++ % EXPIRE_CHECK == EXPIRE_CHECK - 1 && g_get_monotonic_time () > until))
        return deadline.at;

      tornadis_deadlines_pop (&self->deadlines);
      error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, "No reply to %s within the call timeout",
                           tornadis_slot_get_name (tornadis_queue_get_slot (self, deadline.id)));
      tornadis_queue_cancel (self, deadline.id, error);
    }

  return 0;
}

void
tornadis_queue_hold_back (TornadisQueue *self)
{
  /* Behind the slots that are out, and not behind voided ones, whose ids will be used again. */
  self->limit = self->unsent;

  for (guint64 id = self->unsent; id < self->tail; id++)
    {
      const TornadisSlot *slot = tornadis_queue_get_slot (self, id);

      if (tornadis_queue_is_out (self, slot))
        self->limit = id + 1;
      else if (slot->state != TORNADIS_SLOT_VOIDED)
        {
          if (slot->state == TORNADIS_SLOT_STARTED)
            queue_rewind (self, id);
          break;
        }
    }
}

/* Id of the first slot that must not be serialised now: one that is to be alone on the wire waits for all that is ahead of
 * it, and what is behind waits for its reply. */
static G_NO_INLINE guint64
queue_get_fill_end (TornadisQueue *self)
{
  guint64 end = MIN (self->tail, self->limit);
  gboolean is_first = TRUE;

  for (guint64 id = self->head; id < end && id <= self->alone; id++)
    {
      const TornadisSlot *slot = tornadis_queue_get_slot (self, id);

      if (slot->state == TORNADIS_SLOT_VOIDED)
        continue;
      if (tornadis_slot_is_alone (slot))
        return is_first ? id + 1 : id;
      is_first = FALSE;
    }

  return end;
}

TornadisWriter *
tornadis_queue_fill (TornadisQueue *self,
                     gsize page_size)
{
  guint64 end = G_UNLIKELY (self->alone >= self->head) ? queue_get_fill_end (self) : MIN (self->tail, self->limit);

  while (self->next < end && tornadis_writer_get_pending (&self->writer) < page_size)
    {
      TornadisSlot *slot = tornadis_queue_get_slot (self, self->next);

      if (slot->state != TORNADIS_SLOT_VOIDED)
        {
          if (slot->state == TORNADIS_SLOT_WAITING)
            {
              slot->state = TORNADIS_SLOT_STARTED;
              slot->start = self->writer.queued;
            }

          if (slot->batch != NULL)
            {
              if (!tornadis_batch_fill (slot->batch, &self->writer, page_size))
                break;
            }
          else
            tornadis_writer_add_command (&self->writer, slot->command);

          slot->end = self->writer.queued;
        }

      self->next++;
    }

  return &self->writer;
}

void
tornadis_queue_advance (TornadisQueue *self,
                        gsize n_bytes)
{
  tornadis_writer_advance (&self->writer, n_bytes);
  self->n_written += n_bytes;

  while (self->unsent < self->next)
    {
      TornadisSlot *slot = tornadis_queue_get_slot (self, self->unsent);

      if (slot->state != TORNADIS_SLOT_VOIDED)
        {
          if (slot->end > self->writer.written)
            break;
          tornadis_slot_release_values (slot);
          queue_forget_bytes (self, slot);
        }

      self->unsent++;
    }
}

/* Whether @reply, to the first call, matters to the session. */
static inline gboolean
queue_has_to_follow (TornadisQueue *self,
                     const TornadisSlot *head,
                     const TornadisReply *reply)
{
  if (self->session == NULL)
    return FALSE;

  return (head->command != NULL ? head->command->effect != TORNADIS_COMMAND_PLAIN : head->batch == NULL || head->batch->has_effects) ||
         reply->kind == TORNADIS_REPLY_KIND_ERROR || self->session->answered.in_multi;
}

static G_NO_INLINE void
queue_observe_batch (TornadisQueue *self,
                     const TornadisBatch *batch,
                     TornadisReply *reply,
                     gint64 elapsed)
{
  const TornadisObservedPipeline pipeline = { batch->commands, batch->atomic };

  self->observe_func (NULL, &pipeline, reply, NULL, elapsed, self->observe_data);
}

/* What tornadis_completion_run() does first, of a slot that has left the queue. */
static inline void
queue_observe (TornadisQueue *self,
               const TornadisSlot *slot,
               TornadisReply *reply,
               gint64 now)
{
  if (self->observe_func == NULL)
    return;

  if (G_LIKELY (slot->command != NULL))
    self->observe_func (slot->command, NULL, reply, NULL, now - slot->queued, self->observe_data);
  else if (slot->batch != NULL)
    queue_observe_batch (self, slot->batch, reply, now - slot->queued);
}

gboolean
tornadis_queue_take_reply (TornadisQueue *self,
                           TornadisReply *reply,
                           gint64 now)
{
  TornadisSlot *head = queue_peek (self);
  TornadisSlot slot;

  if (head == NULL || !tornadis_queue_is_out (self, head) ||
      (head->batch != NULL && head->batch->n_received >= head->batch->n_sent) ||
      (G_UNLIKELY (head->confirmations != NULL) && reply->kind != TORNADIS_REPLY_KIND_ERROR))
    return FALSE;

  if (head->batch != NULL && G_UNLIKELY (head->batch->nonce != NULL))
    {
      reply = tornadis_batch_read_guarded (head->batch, reply);
      tornadis_writer_wipe (&self->writer);
    }

  if (G_UNLIKELY (queue_has_to_follow (self, head, reply)))
    tornadis_queue_follow_reply (self, head, reply);

  if (head->batch != NULL)
    {
      reply = tornadis_batch_collect (head->batch, reply, head->func != NULL);
      if (reply == NULL)
        return TRUE;
    }

  slot = *head;
  queue_forget_calls (self, head);
  queue_pop (self);

  if (slot.queued != 0)
    queue_observe (self, &slot, reply, now);
  if (G_LIKELY (slot.func != NULL))
    slot.func (reply, NULL, slot.user_data);

  tornadis_slot_clear (&slot);
  tornadis_reply_unref (reply);

  return TRUE;
}

gboolean
tornadis_queue_confirm (TornadisQueue *self,
                        const char *verb,
                        GBytes *name,
                        TornadisCompletion *completion)
{
  TornadisSlot *head = tornadis_queue_peek (self);

  *completion = (TornadisCompletion){ 0 };

  if (head == NULL || head->confirmations == NULL || !tornadis_queue_is_out (self, head) ||
      !tornadis_confirmations_take (head->confirmations, verb, name))
    return FALSE;

  if (tornadis_confirmations_is_complete (head->confirmations))
    {
      *completion = tornadis_slot_get_completion (head, self->observe_func, self->observe_data);
      tornadis_completion_hold (completion);
      tornadis_queue_drop (self);
    }

  return TRUE;
}

void
tornadis_queue_distrust (TornadisQueue *self)
{
  self->distrusted = TRUE;
}

gsize
tornadis_queue_get_n_pending (TornadisQueue *self)
{
  return self->n_calls + (G_UNLIKELY (self->loss != NULL) ? tornadis_queue_count_lost (self) : 0);
}

gsize
tornadis_queue_get_length (TornadisQueue *self)
{
  return self->n_calls;
}

gboolean
tornadis_queue_is_due (TornadisQueue *self,
                       guint64 id)
{
  if (id < self->head || id >= self->unsent)
    return FALSE;

  for (guint64 ahead = self->head; ahead < id; ahead++)
    if (tornadis_slot_may_block (tornadis_queue_get_slot (self, ahead)))
      return FALSE;

  return TRUE;
}

gboolean
tornadis_queue_first_is_due (TornadisQueue *self)
{
  TornadisSlot *head = tornadis_queue_peek (self);

  return head != NULL && self->head < self->unsent && !tornadis_slot_may_block (head);
}

void
tornadis_queue_count_read (TornadisQueue *self,
                           gsize n_bytes)
{
  self->n_read += n_bytes;
}

guint64
tornadis_queue_get_n_read (TornadisQueue *self)
{
  return self->n_read;
}

guint64
tornadis_queue_get_n_written (TornadisQueue *self)
{
  return self->n_written;
}

gboolean
tornadis_queue_awaits_replies (TornadisQueue *self)
{
  TornadisSlot *head = tornadis_queue_peek (self);

  return head != NULL && tornadis_queue_is_out (self, head);
}
