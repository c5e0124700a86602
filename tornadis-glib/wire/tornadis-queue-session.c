/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a queue does for the session of its connection: commands and replies are followed, and what belongs to a transaction
 * that was taken back is not sent. */

#include "tornadis-glib/wire/tornadis-queue-private.h"

#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"

void
tornadis_slot_follow_transaction (const TornadisSlot *slot,
                                  TornadisTransaction *transaction)
{
  for (gsize i = tornadis_slot_get_first (slot); i < tornadis_slot_get_n_calls (slot); i++)
    tornadis_transaction_follow (transaction, tornadis_slot_get_effect (slot, i));
}

gboolean
tornadis_slot_begins_transaction (const TornadisSlot *slot)
{
  TornadisTransaction transaction = { FALSE, FALSE };

  tornadis_slot_follow_transaction (slot, &transaction);
  return tornadis_transaction_is_open (transaction);
}

/* Follows the commands of a slot whose replies have not come. */
void
tornadis_queue_follow_slot (TornadisQueue *self,
                            const TornadisSlot *slot)
{
  if (!tornadis_slot_has_effect (slot))
    return;

  for (gsize i = tornadis_slot_get_first (slot); i < tornadis_slot_get_n_calls (slot); i++)
    tornadis_session_queued (self->session, tornadis_slot_get_effect (slot, i));
}

/* The state of MULTI and WATCH that the connection will have once all that is ahead of @id has been answered. */
static TornadisTransaction
queue_get_transaction_at (TornadisQueue *self,
                          guint64 id)
{
  TornadisTransaction transaction = self->session->answered;

  for (guint64 ahead = self->head; ahead < id; ahead++)
    tornadis_slot_follow_transaction (tornadis_queue_get_slot (self, ahead), &transaction);

  return transaction;
}

/* Whether it is certain that the server queues the call @id for EXEC. */
gboolean
tornadis_queue_is_in_multi_at (TornadisQueue *self,
                               guint64 id)
{
  const TornadisSlot *slot = tornadis_queue_get_slot (self, id);

  if (!self->session->answered.in_multi)
    return FALSE;

  for (gsize i = tornadis_slot_get_first (slot); i < tornadis_slot_get_n_calls (slot); i++)
    if (tornadis_slot_get_effect (slot, i) == TORNADIS_COMMAND_EXEC || tornadis_slot_get_effect (slot, i) == TORNADIS_COMMAND_DISCARD)
      return FALSE;

  return queue_get_transaction_at (self, id).in_multi;
}

/* What a call that is taken back would have begun: MULTI, unless that was called ahead of it, or WATCH of any key. */
TornadisTransaction
tornadis_queue_get_begun (TornadisQueue *self,
                          guint64 id)
{
  const TornadisSlot *slot = tornadis_queue_get_slot (self, id);
  TornadisTransaction before, after, begun = { FALSE, FALSE };

  if (self->session == NULL || !tornadis_slot_begins_transaction (slot))
    return begun;

  before = after = queue_get_transaction_at (self, id);
  tornadis_slot_follow_transaction (slot, &after);
  tornadis_slot_follow_transaction (slot, &begun);

  return tornadis_transaction_get_begun (before, after, begun);
}

gboolean
tornadis_queue_admits_slot (TornadisQueue *self,
                            const TornadisSlot *slot)
{
  const TornadisBatch *batch = slot->batch;

  if (slot->notifies == TORNADIS_NOTIFIES_MAKER)
    return TRUE;

  return tornadis_session_admits (self->session, slot->command, batch != NULL ? batch->commands : NULL,
                                  batch != NULL && batch->atomic, FALSE);
}

/* A call that was not sent is dropped. When it was to begin a transaction and nobody waits for it, nobody is notified that
 * what is called next does not belong to one. */
void
tornadis_queue_follow_dropped (TornadisQueue *self,
                               const TornadisSlot *slot)
{
  TornadisTransaction begun = { FALSE, FALSE };

  if (self->session == NULL || !tornadis_queue_admits_slot (self, slot) || !tornadis_slot_notifies_nobody (slot) ||
      !tornadis_slot_begins_transaction (slot))
    return;

  tornadis_slot_follow_transaction (slot, &begun);
  self->session->lost = begun;
  self->session->loss_known = FALSE;
}

/* The call that began a transaction was taken back, and what is queued from @id on was meant for it: up to its end, none of
 * it may run outside of one. The callers are notified of that, and so the loss is forgotten. */
void
tornadis_queue_take_back_transaction (TornadisQueue *self,
                                      guint64 id,
                                      TornadisTransaction begun,
                                      GArray *completions)
{
  self->session->lost = begun;

  for (; id < self->tail && tornadis_transaction_is_open (self->session->lost); id++)
    {
      TornadisSlot *slot = tornadis_queue_get_slot (self, id);

      if (slot->state == TORNADIS_SLOT_VOIDED || (slot->flags & TORNADIS_SLOT_LINK_ONLY) != 0 || tornadis_queue_admits_slot (self, slot))
        continue;

      if (tornadis_slot_is_awaited (slot))
        tornadis_queue_add_completion (self, completions, slot,
                                       g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_LOST,
                                                    "%s was not sent: the WATCH or MULTI before it was not sent either",
                                                    tornadis_slot_get_name (slot)));
      tornadis_queue_void_slot (self, slot);
    }

  tornadis_session_forget_loss (self->session);
}

/* How servers, and proxies in front of them, say that they take no writes: in an error of their own, or in what a
 * script quotes of it. */
static gboolean
reply_is_of_wrong_server (TornadisReply *reply)
{
  return reply->kind == TORNADIS_REPLY_KIND_ERROR &&
         (g_str_has_prefix (reply->data, "READONLY ") || g_str_has_prefix (reply->data, "ERR READONLY ") ||
          strstr (reply->data, "-READONLY ") != NULL || strstr (reply->data, ": READONLY ") != NULL);
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

/* Follows what @reply, the next one to @slot, does to the session. */
void
tornadis_queue_follow_reply (TornadisQueue *self,
                             const TornadisSlot *slot,
                             TornadisReply *reply)
{
  gsize i = tornadis_slot_get_first (slot);
  TornadisCommand *command = slot->batch != NULL ? tornadis_batch_get_command (slot->batch, i) : slot->command;
  TornadisCommandEffect effect = tornadis_slot_get_effect (slot, i);
  TornadisSessionChange changes;

  changes = tornadis_session_answered (self->session, effect, command, reply);
  if (effect == TORNADIS_COMMAND_EXEC ? reply_has_one_of_wrong_server (reply) : reply_is_of_wrong_server (reply))
    changes |= TORNADIS_SESSION_WRONG_SERVER;

  if (changes != TORNADIS_SESSION_UNCHANGED)
    self->session_func (changes, self->session_data);
}

/* Follows all that is queued anew, if some of it was taken back or refused. */
static void
queue_freshen_session (TornadisQueue *self)
{
  TornadisSession *session = self->session;

  if (!session->stale)
    return;

  session->stale = FALSE;
  session->expected = session->answered;
  session->n_unsettled = 0;

  for (guint64 id = self->head; id < self->tail; id++)
    {
      const TornadisSlot *slot = tornadis_queue_get_slot (self, id);

      if (slot->state != TORNADIS_SLOT_VOIDED)
        tornadis_queue_follow_slot (self, slot);
    }
}

TornadisTransaction
tornadis_queue_get_expected (TornadisQueue *self)
{
  queue_freshen_session (self);

  return self->session->expected;
}

guint
tornadis_queue_get_n_unsettled (TornadisQueue *self)
{
  queue_freshen_session (self);

  return self->session->n_unsettled;
}

gboolean
tornadis_queue_is_settled (TornadisQueue *self)
{
  return tornadis_queue_get_n_unsettled (self) == 0;
}
