/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-queue.h"

#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-deadlines.h"
#include "tornadis-glib/wire/tornadis-slot.h"

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
 * these ids but on queue_is_out(), whether the server may have seen its first byte:
 *
 *   tombstone      It is out: it has no @func, but is written to its end, counted and in its order, so that it swallows
 *                  its reply. So is the slot of a call whose reply nobody wanted from the start.
 *   voided         Nothing of it is out, and nothing will be: it is counted nowhere and skipped everywhere. At the tail
 *                  it is dropped at once and its id is used again, at the head when the first slot is next looked at.
 *
 * When the link is lost, slots that are out complete and are removed, tombstones with them; the others wait again, or are
 * voided. */

#define FIRST_SIZE 16
/* Leaves ids below it for what is pushed to the front. */
#define FIRST_ID (G_GUINT64_CONSTANT (1) << 32)
/* A ring larger than this is given back when it is empty. */
#define KEEP_SIZE 4096
/* How many calls are completed between two looks at the clock. */
#define EXPIRE_CHECK 16

struct _TornadisQueue
{
  TornadisSlot *ring; /* (owned) (nullable) */
  gsize size;         /* a power of two */
  guint64 head;       /* id of the first slot */
  guint64 unsent;     /* id of the first slot that is not wholly written */
  guint64 next;       /* id of the first slot that is not wholly serialised */
  guint64 tail;       /* id behind the last slot */
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
};

static inline TornadisSlot *
queue_get_slot (TornadisQueue *self,
                guint64 id)
{
  return &self->ring[id & (self->size - 1)];
}

/* Whether the server may have seen some of it. */
static inline gboolean
queue_is_out (TornadisQueue *self,
              const TornadisSlot *slot)
{
  return slot->state == TORNADIS_SLOT_STARTED && slot->start < MAX (self->writer.written, self->writer.offered);
}

static inline void
queue_forget_bytes (TornadisQueue *self,
                    TornadisSlot *slot)
{
  self->n_bytes -= slot->n_bytes;
  slot->n_bytes = 0;
}

/* Removes the first slot from the ring; the copy that the caller has made owns what it held. */
static void
queue_pop (TornadisQueue *self)
{
  TornadisSlot *slot = queue_get_slot (self, self->head);

  queue_forget_bytes (self, slot);
  if (slot->state != TORNADIS_SLOT_VOIDED)
    self->n_calls -= tornadis_slot_get_n_calls (slot);

  self->head++;
  self->unsent = MAX (self->unsent, self->head);
  self->next = MAX (self->next, self->head);

  if (self->head == self->tail)
    {
      tornadis_deadlines_reset (&self->deadlines);
      if (self->size > KEEP_SIZE)
        {
          tornadis_deadlines_clear (&self->deadlines);
          g_clear_pointer (&self->ring, g_free);
          self->size = 0;
        }
    }
}

/* Removes the first slot, with what it holds. */
static void
queue_drop (TornadisQueue *self)
{
  TornadisSlot slot = *queue_get_slot (self, self->head);

  queue_pop (self);
  tornadis_slot_clear (&slot);
}

/* The first slot that still expects a reply. */
static inline TornadisSlot *
queue_peek (TornadisQueue *self)
{
  while (self->head < self->tail)
    {
      TornadisSlot *slot = queue_get_slot (self, self->head);

      if (G_LIKELY (slot->state != TORNADIS_SLOT_VOIDED))
        return slot;
      queue_pop (self);
    }

  return NULL;
}

static void
queue_grow (TornadisQueue *self)
{
  gsize size = self->size == 0 ? FIRST_SIZE : 2 * self->size;
  TornadisSlot *ring = g_new (TornadisSlot, size);

  for (guint64 id = self->head; id < self->tail; id++)
    ring[id & (size - 1)] = *queue_get_slot (self, id);

  g_free (self->ring);
  self->ring = ring;
  self->size = size;
}

/* Voids a slot of which nothing is written. */
static void
queue_void_slot (TornadisQueue *self,
                 TornadisSlot *slot)
{
  self->n_calls -= tornadis_slot_get_n_calls (slot);
  queue_forget_bytes (self, slot);
  if (self->session != NULL && tornadis_slot_has_effect (slot))
    self->session->stale = TRUE;
  tornadis_slot_clear (slot);
  slot->func = NULL;
  slot->state = TORNADIS_SLOT_VOIDED;

  while (self->tail > self->next && queue_get_slot (self, self->tail - 1)->state == TORNADIS_SLOT_VOIDED)
    self->tail--;
}

/* Takes back the bytes of the slots from @id on, none of which may be out. */
static void
queue_rewind (TornadisQueue *self,
              guint64 id)
{
  tornadis_writer_truncate (&self->writer, queue_get_slot (self, id)->start);

  /* There may be voided ones between those that are serialised. */
  for (guint64 i = id; i < self->tail && i <= self->next; i++)
    tornadis_slot_rewind (queue_get_slot (self, i));

  self->next = id;
  self->unsent = MIN (self->unsent, id);
}

/* Consumes @error. */
static void
queue_add_completion (TornadisQueue *self,
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
  for (guint64 id = self->head; id < self->tail; id++)
    tornadis_slot_clear (queue_get_slot (self, id));

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
  if (self->n_calls > 0 && (self->n_calls >= max_calls || n_calls > max_calls - self->n_calls))
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

  slot = queue_get_slot (self, deadline->id);
  return slot->func != NULL && slot->deadline == deadline->at;
}

static inline TornadisSlot *
queue_append (TornadisQueue *self,
              const TornadisCaller *caller)
{
  TornadisSlot *slot;

  if (G_UNLIKELY (self->tail - self->head == self->size))
    queue_grow (self);

  slot = queue_get_slot (self, self->tail++);
  *slot = (TornadisSlot){ .func = caller->func, .user_data = caller->user_data, .deadline = caller->deadline, .queued = caller->queued };

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

static void
slot_follow_transaction (const TornadisSlot *slot,
                         TornadisTransaction *transaction)
{
  if (slot->command != NULL)
    tornadis_transaction_follow (transaction, tornadis_command_get_effect (slot->command));
  else if (slot->batch != NULL)
    for (gsize i = slot->batch->n_received; i < tornadis_batch_get_n_calls (slot->batch); i++)
      tornadis_transaction_follow (transaction, tornadis_batch_get_effect (slot->batch, i));
}

static gboolean
slot_begins_transaction (const TornadisSlot *slot)
{
  TornadisTransaction transaction = { FALSE, FALSE };

  slot_follow_transaction (slot, &transaction);
  return tornadis_transaction_is_open (transaction);
}

/* Follows the commands of a slot whose replies have not come. */
static void
slot_follow (const TornadisSlot *slot,
             TornadisSession *session)
{
  if (!tornadis_slot_has_effect (slot))
    return;

  if (slot->command != NULL)
    tornadis_session_queued (session, tornadis_command_get_effect (slot->command));
  else
    for (gsize i = slot->batch->n_received; i < tornadis_batch_get_n_calls (slot->batch); i++)
      tornadis_session_queued (session, tornadis_batch_get_effect (slot->batch, i));
}

guint64
tornadis_queue_push (TornadisQueue *self,
                     TornadisCommand *command,
                     TornadisSlotFlags flags,
                     const TornadisCaller *caller)
{
  queue_set_command (self, queue_append (self, caller), command, flags);

  return self->tail - 1;
}

guint64
tornadis_queue_push_batch (TornadisQueue *self,
                           GPtrArray *commands,
                           gboolean atomic,
                           const TornadisCaller *caller)
{
  TornadisSlot *slot = queue_append (self, caller);

  slot->batch = tornadis_batch_new (commands, atomic);
  slot->n_bytes = slot->batch->wire_size;
  if (self->session != NULL)
    slot_follow (slot, self->session);
  self->n_bytes += slot->n_bytes;
  self->n_calls += tornadis_batch_get_n_calls (slot->batch);

  return self->tail - 1;
}

void
tornadis_queue_push_front (TornadisQueue *self,
                           TornadisCommand *command,
                           TornadisSlotFlags flags,
                           TornadisSlotFunc func,
                           gpointer user_data)
{
  TornadisSlot *slot;

  g_assert (self->writer.queued == 0);

  if (self->tail - self->head == self->size)
    queue_grow (self);

  self->next = self->unsent = --self->head;
  slot = queue_get_slot (self, self->head);
  memset (slot, 0, sizeof *slot);
  slot->func = func;
  slot->user_data = user_data;
  queue_set_command (self, slot, command, flags);
}

/* Where the connection will stand once all that is ahead of @id has been answered. */
static TornadisTransaction
queue_get_transaction_at (TornadisQueue *self,
                          guint64 id)
{
  TornadisTransaction transaction = self->session->answered;

  for (guint64 ahead = self->head; ahead < id; ahead++)
    slot_follow_transaction (queue_get_slot (self, ahead), &transaction);

  return transaction;
}

/* Whether it is certain that what is called there is kept for EXEC. */
static gboolean
queue_is_in_multi_at (TornadisQueue *self,
                      guint64 id)
{
  const TornadisBatch *batch = queue_get_slot (self, id)->batch;
  TornadisTransaction transaction;

  if (!self->session->answered.in_multi)
    return FALSE;

  transaction = queue_get_transaction_at (self, id);
  for (gsize i = batch != NULL ? batch->n_received : 0; batch != NULL && i < tornadis_batch_get_n_calls (batch); i++)
    if (tornadis_batch_get_effect (batch, i) == TORNADIS_COMMAND_EXEC ||
        tornadis_batch_get_effect (batch, i) == TORNADIS_COMMAND_DISCARD)
      return FALSE;

  return transaction.in_multi;
}

/* What a call that is taken back would have begun: MULTI, unless that was called ahead of it, or WATCH of any key. */
static TornadisTransaction
queue_get_begun (TornadisQueue *self,
                 guint64 id)
{
  const TornadisSlot *slot = queue_get_slot (self, id);
  TornadisTransaction before, after, begun = { FALSE, FALSE };

  if (self->session == NULL || !slot_begins_transaction (slot))
    return begun;

  before = after = queue_get_transaction_at (self, id);
  slot_follow_transaction (slot, &after);
  slot_follow_transaction (slot, &begun);
  begun.in_multi = after.in_multi && !before.in_multi;
  begun.watching &= after.watching;

  return begun;
}

static gboolean
queue_admits_slot (TornadisQueue *self,
                   const TornadisSlot *slot)
{
  const TornadisBatch *batch = slot->batch;

  return tornadis_session_admits (self->session, slot->command, batch != NULL ? batch->commands : NULL,
                                  batch != NULL && batch->atomic, FALSE);
}

/* What began a transaction was taken back, and what is queued from @id on was meant for it: up to its end, none of it may
 * run by itself. Whoever asks for something from now on knows, unless another had been begun there by nobody. */
static void
queue_take_back_transaction (TornadisQueue *self,
                             guint64 id,
                             TornadisTransaction begun,
                             GArray *completions)
{
  gboolean known = TRUE;

  self->session->lost = begun;

  for (; id < self->tail && tornadis_transaction_is_open (self->session->lost); id++)
    {
      TornadisSlot *slot = queue_get_slot (self, id);

      if (slot->state == TORNADIS_SLOT_VOIDED || (slot->flags & TORNADIS_SLOT_LINK_ONLY) != 0 || queue_admits_slot (self, slot))
        continue;

      known = slot->func != NULL || (known && !slot_begins_transaction (slot));
      if (tornadis_slot_is_awaited (slot))
        queue_add_completion (self, completions, slot,
                              g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_LOST,
                                           "%s was not sent: nor was the WATCH or MULTI ahead of it",
                                           tornadis_slot_get_name (slot)));
      queue_void_slot (self, slot);
    }

  self->session->loss_known = FALSE;
  if (known)
    tornadis_session_forget_loss (self->session);
}

gboolean
tornadis_queue_cancel (TornadisQueue *self,
                       guint64 id,
                       const GError *error)
{
  TornadisSlot *slot;
  TornadisCompletion completion;
  GArray *completions = NULL;

  if (id < self->head || id >= self->tail)
    return FALSE;

  slot = queue_get_slot (self, id);
  if (slot->func == NULL)
    return FALSE;

  completion = tornadis_slot_get_completion (slot, self->observe_func, self->observe_data);
  tornadis_completion_hold (&completion);
  slot->func = NULL;
  slot->queued = 0;

  if (queue_is_out (self, slot))
    {
      gboolean blocks_in_vain = self->session != NULL && tornadis_slot_blocks (slot) && !queue_is_in_multi_at (self, id);

      tornadis_slot_forget (slot);
      /* The connection goes first: whoever is called back may call, and wait for it. */
      if (blocks_in_vain)
        self->session_func (TORNADIS_SESSION_BLOCKS_IN_VAIN, NULL, self->session_data);
    }
  else
    {
      TornadisTransaction begun = queue_get_begun (self, id);

      if (slot->state == TORNADIS_SLOT_STARTED)
        queue_rewind (self, id);
      queue_void_slot (self, slot);
      if (tornadis_transaction_is_open (begun))
        {
          completions = tornadis_completions_new ();
          queue_take_back_transaction (self, id + 1, begun, completions);
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
  return id >= self->head && id < self->tail && queue_get_slot (self, id)->user_data == user_data;
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

  while (tornadis_deadlines_peek (&self->deadlines, &deadline, slot_is_awaited_at, self))
    {
      g_autoptr (GError) error = NULL;

      if (deadline.at > now || (n_expired++ % EXPIRE_CHECK == EXPIRE_CHECK - 1 && g_get_monotonic_time () > until))
        return deadline.at;

      tornadis_deadlines_pop (&self->deadlines);
      error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, "No reply to %s within the call timeout",
                           tornadis_slot_get_name (queue_get_slot (self, deadline.id)));
      tornadis_queue_cancel (self, deadline.id, error);
    }

  return 0;
}

void
tornadis_queue_hold_back (TornadisQueue *self)
{
  /* Behind what is out, and not behind voided ones, whose ids are others' soon. */
  self->limit = self->unsent;

  for (guint64 id = self->unsent; id < self->tail; id++)
    {
      const TornadisSlot *slot = queue_get_slot (self, id);

      if (queue_is_out (self, slot))
        self->limit = id + 1;
      else if (slot->state != TORNADIS_SLOT_VOIDED)
        {
          if (slot->state == TORNADIS_SLOT_STARTED)
            queue_rewind (self, id);
          break;
        }
    }
}

TornadisWriter *
tornadis_queue_fill (TornadisQueue *self,
                     gsize page_size)
{
  guint64 end = MIN (self->tail, self->limit);

  while (self->next < end && tornadis_writer_get_pending (&self->writer) < page_size)
    {
      TornadisSlot *slot = queue_get_slot (self, self->next);

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
      TornadisSlot *slot = queue_get_slot (self, self->unsent);

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

/* How servers, and proxies in front of them, say that they take no writes: in an error of their own, or in what a
 * script quotes of it. */
static gboolean
reply_is_of_wrong_server (TornadisReply *reply)
{
  return reply->kind == TORNADIS_REPLY_KIND_ERROR &&
         (g_str_has_prefix (reply->data, "READONLY ") || g_str_has_prefix (reply->data, "ERR READONLY ") ||
          strstr (reply->data, "-READONLY ") != NULL);
}

static gboolean
reply_has_one_of_wrong_server (TornadisReply *reply)
{
  if (reply->kind != TORNADIS_REPLY_KIND_ARRAY)
    return reply_is_of_wrong_server (reply);

  for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
    if (reply_is_of_wrong_server (tornadis_reply_get_element (reply, i)))
      return TRUE;

  return FALSE;
}

/* Follows what @reply, which answers @command or the next command of @batch, does to the session. */
static G_NO_INLINE void
queue_follow_reply (TornadisQueue *self,
                    TornadisCommand *command,
                    const TornadisBatch *batch,
                    TornadisReply *reply)
{
  TornadisCommandEffect effect = TORNADIS_COMMAND_PLAIN;
  TornadisSessionChange changes;

  if (batch != NULL)
    {
      command = tornadis_batch_get_command (batch, batch->n_received);
      effect = tornadis_batch_get_effect (batch, batch->n_received);
    }
  else if (command != NULL)
    effect = tornadis_command_get_effect (command);

  changes = tornadis_session_answered (self->session, effect, command, reply);
  if (effect == TORNADIS_COMMAND_EXEC ? reply_has_one_of_wrong_server (reply) : reply_is_of_wrong_server (reply))
    changes |= TORNADIS_SESSION_WRONG_SERVER;

  if (changes != TORNADIS_SESSION_UNCHANGED)
    self->session_func (changes, reply, self->session_data);
}

/* Whether @reply, to the first call, matters to the session. */
static inline gboolean
queue_has_to_follow (TornadisQueue *self,
                     const TornadisSlot *head,
                     const TornadisReply *reply)
{
  if (self->session == NULL)
    return FALSE;

  return head->command == NULL || head->command->effect != TORNADIS_COMMAND_PLAIN ||
         reply->kind == TORNADIS_REPLY_KIND_ERROR || self->session->answered.in_multi;
}

gboolean
tornadis_queue_take_reply (TornadisQueue *self,
                           TornadisReply *reply)
{
  TornadisSlot *head = queue_peek (self);
  TornadisSlot slot;

  if (head == NULL || !queue_is_out (self, head) ||
      (head->batch != NULL && head->batch->n_received >= head->batch->n_sent) ||
      (G_UNLIKELY (head->confirmations != NULL) && reply->kind != TORNADIS_REPLY_KIND_ERROR))
    return FALSE;

  if (G_UNLIKELY (queue_has_to_follow (self, head, reply)))
    queue_follow_reply (self, head->command, head->batch, reply);

  if (head->batch != NULL)
    {
      reply = tornadis_batch_collect (head->batch, reply, head->func != NULL);
      if (reply == NULL)
        return TRUE;
    }

  slot = *head;
  queue_pop (self);

  if (G_UNLIKELY (slot.queued != 0))
    {
      TornadisCompletion completion = tornadis_slot_get_completion (&slot, self->observe_func, self->observe_data);

      tornadis_completion_run (&completion, reply, NULL);
    }
  else if (G_LIKELY (slot.func != NULL))
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
  TornadisSlot *head = queue_peek (self);

  *completion = (TornadisCompletion){ 0 };

  if (head == NULL || head->confirmations == NULL || !queue_is_out (self, head) ||
      !tornadis_confirmations_take (head->confirmations, verb, name))
    return FALSE;

  if (tornadis_confirmations_is_complete (head->confirmations))
    {
      *completion = tornadis_slot_get_completion (head, self->observe_func, self->observe_data);
      tornadis_completion_hold (completion);
      queue_drop (self);
    }

  return TRUE;
}

/* Completes a call that may have run with LOST, unless @error is about what the server sent, which was the reply to the
 * first of them. */
static void
queue_lose_slot (TornadisQueue *self,
                 GArray *completions,
                 TornadisSlot *slot,
                 gboolean is_first,
                 const GError *error)
{
  if (!tornadis_slot_is_awaited (slot))
    return;

  if (is_first && g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL))
    queue_add_completion (self, completions, slot,
                          g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "The reply to %s: %s",
                                       tornadis_slot_get_name (slot), error->message));
  else
    queue_add_completion (self, completions, slot,
                          g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_LOST,
                                       "The connection was lost while %s waited for its reply: %s",
                                       tornadis_slot_get_name (slot), error->message));
}

/* Sorts out what waits to be written, after the connection was lost. */
static void
queue_sift_unwritten (TornadisQueue *self,
                      GArray *completions,
                      gboolean keep,
                      const char *reason)
{
  for (guint64 id = self->head; id < self->tail; id++)
    {
      TornadisSlot *slot = queue_get_slot (self, id);
      GError *error = NULL;

      tornadis_slot_rewind (slot);

      if (slot->state == TORNADIS_SLOT_VOIDED)
        continue;

      if (self->session != NULL && !queue_admits_slot (self, slot))
        {
          error = tornadis_session_new_loss_error (tornadis_slot_get_name (slot));
          self->session->loss_known = slot->func != NULL || (self->session->loss_known && !slot_begins_transaction (slot));
        }
      else if (!keep || (slot->flags & TORNADIS_SLOT_LINK_ONLY) != 0)
        error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "The connection was closed before %s was sent: %s",
                             tornadis_slot_get_name (slot), reason);
      else
        continue;

      if (tornadis_slot_is_awaited (slot))
        queue_add_completion (self, completions, slot, error);
      else
        g_error_free (error);
      queue_void_slot (self, slot);
    }
}

GArray *
tornadis_queue_link_lost (TornadisQueue *self,
                          gboolean keep_unwritten,
                          const GError *error)
{
  TornadisTransaction transaction = { FALSE, FALSE };
  GArray *completions = tornadis_completions_new ();
  TornadisSlot *slot;
  gboolean is_first = TRUE;
  gboolean known = FALSE;

  if (self->session != NULL)
    transaction = self->session->answered;

  for (; (slot = queue_peek (self)) != NULL && queue_is_out (self, slot); is_first = FALSE)
    {
      queue_lose_slot (self, completions, slot, is_first, error);
      slot_follow_transaction (slot, &transaction);
      known = slot->func != NULL || (known && !slot_begins_transaction (slot));
      queue_drop (self);
    }

  tornadis_writer_clear (&self->writer);
  self->next = self->unsent = self->head;
  self->limit = G_MAXUINT64;

  if (self->session != NULL)
    {
      tornadis_session_end (self->session, transaction);
      self->session->loss_known |= known && tornadis_transaction_is_open (transaction);
    }
  queue_sift_unwritten (self, completions, keep_unwritten, error->message);

  return completions;
}

GArray *
tornadis_queue_fail_all (TornadisQueue *self,
                         const GError *error)
{
  GArray *completions = tornadis_completions_new ();
  TornadisSlot *slot;

  while ((slot = queue_peek (self)) != NULL)
    {
      if (tornadis_slot_is_awaited (slot))
        queue_add_completion (self, completions, slot, g_error_copy (error));
      queue_drop (self);
    }

  tornadis_writer_clear (&self->writer);
  if (self->session != NULL)
    self->session->stale = TRUE;

  return completions;
}

gsize
tornadis_queue_get_length (TornadisQueue *self)
{
  return self->n_calls;
}

/* Follows all that is queued anew, after some of it was taken back or refused. */
static void
queue_follow_again (TornadisQueue *self)
{
  TornadisSession *session = self->session;

  session->stale = FALSE;
  session->expected = session->answered;
  session->n_unsettled = 0;

  for (guint64 id = self->head; id < self->tail; id++)
    {
      const TornadisSlot *slot = queue_get_slot (self, id);

      if (slot->state != TORNADIS_SLOT_VOIDED)
        slot_follow (slot, session);
    }
}

TornadisTransaction
tornadis_queue_get_expected (TornadisQueue *self)
{
  if (self->session->stale)
    queue_follow_again (self);

  return self->session->expected;
}

gboolean
tornadis_queue_is_settled (TornadisQueue *self)
{
  if (self->session->stale)
    queue_follow_again (self);

  return self->session->n_unsettled == 0;
}

gboolean
tornadis_queue_is_due (TornadisQueue *self,
                       guint64 id)
{
  if (id < self->head || id >= self->unsent)
    return FALSE;

  for (guint64 ahead = self->head; ahead < id; ahead++)
    if (tornadis_slot_may_block (queue_get_slot (self, ahead)))
      return FALSE;

  return TRUE;
}

gboolean
tornadis_queue_first_is_due (TornadisQueue *self)
{
  TornadisSlot *head = queue_peek (self);

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
  TornadisSlot *head = queue_peek (self);

  return head != NULL && queue_is_out (self, head);
}
