/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a TornadisCall has to do with transactions: its client's while a plugin holds it, and its own when it is sent. */

#include "tornadis-glib/client/tornadis-call-private.h"

#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-pipeline-private.h"
#include "tornadis-glib/tornadis-error.h"

static GPtrArray *
call_peek_commands (TornadisCall *self)
{
  return self->pipeline != NULL ? tornadis_pipeline_peek_commands (self->pipeline) : NULL;
}

static gboolean
call_is_atomic (TornadisCall *self)
{
  return self->pipeline != NULL && tornadis_pipeline_get_atomic (self->pipeline);
}

/* An atomic pipeline is a transaction of its own, which ends what was watched. */
static void
call_follow (TornadisCall *self,
             TornadisTransaction *transaction)
{
  if (call_is_atomic (self))
    transaction->in_multi = transaction->watching = FALSE;
  else
    tornadis_transaction_follow_all (transaction, self->command, call_peek_commands (self));
}

static TornadisSessionConcern
call_get_concern (TornadisCall *self)
{
  if (self->connects)
    return TORNADIS_SESSION_NO_CONCERN;

  return tornadis_session_get_concern (self->command, call_peek_commands (self), call_is_atomic (self));
}

static gboolean
call_begins_or_ends (TornadisCall *self)
{
  return (call_get_concern (self) & TORNADIS_SESSION_CONCERN_TRANSACTION) != 0;
}

void
tornadis_call_begin_hold (TornadisCall *self)
{
  self->held = call_get_concern (self);
  tornadis_client_count_held (self->client, self->held, 1);
}

void
tornadis_call_end_hold (TornadisCall *self)
{
  tornadis_client_count_held (self->client, self->held, -1);
  self->held = TORNADIS_SESSION_NO_CONCERN;
}

void
tornadis_call_follow_stand_in (TornadisCall *self,
                               TornadisPlugin *plugin)
{
  const TornadisClientPrivate *priv = tornadis_client_get_private (self->client);

  if (G_UNLIKELY (priv->stand_in == plugin) && !self->connects)
    self->in_transaction |= priv->stand_in_transaction;
}

void
tornadis_call_follow_sent (TornadisCall *self,
                           TornadisTransaction before,
                           gboolean refused)
{
  self->in_transaction |= tornadis_transaction_is_open (before) || refused || call_begins_or_ends (self);
}

/* Whether a server may have it, which has failed. */
static gboolean
call_is_sent (TornadisCall *self,
              guint64 id)
{
  TornadisLink *link = tornadis_client_get_link (self->client);

  if (g_error_matches (self->error, TORNADIS_ERROR, TORNADIS_ERROR_LOST) ||
      g_error_matches (self->error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL) ||
      g_error_matches (self->error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY))
    return TRUE;

  return tornadis_link_get_state (link) == TORNADIS_CLIENT_STATE_CONNECTED &&
         tornadis_queue_is_written (tornadis_link_get_queue (link), id);
}

/* Whether it is a call of the program's. */
static gboolean
call_is_own (const TornadisCall *self)
{
  return self->first == 0 && !self->connects;
}

/* What the call would have begun, as tornadis_queue_get_begun(). */
static TornadisTransaction
call_get_begun (TornadisCall *self)
{
  TornadisTransaction before = tornadis_queue_get_expected (tornadis_link_get_queue (tornadis_client_get_link (self->client)));
  TornadisTransaction after, begun = { FALSE, FALSE };

  for (const GList *l = tornadis_client_get_private (self->client)->calls.head; l != &self->node; l = l->next)
    if (call_is_own (l->data) && ((TornadisCall *) l->data)->phase < PHASE_SENT)
      call_follow (l->data, &before);

  after = before;
  call_follow (self, &after);
  call_follow (self, &begun);

  return tornadis_transaction_get_begun (before, after, begun);
}

void
tornadis_call_take_back_behind (TornadisCall *self,
                                guint64 id)
{
  TornadisSession session = { .db = 0 };

  if (self->target != NULL || !call_is_own (self) || self->node.next == NULL || !call_begins_or_ends (self) || call_is_sent (self, id))
    return;

  session.lost = call_get_begun (self);
  for (const GList *l = self->node.next; l != NULL && tornadis_transaction_is_open (session.lost); l = l->next)
    {
      TornadisCall *call = l->data;

      /* What waits for the connection the queue has taken back. */
      if (call_is_own (call) &&
          !tornadis_session_admits (&session, call->command, call_peek_commands (call), call_is_atomic (call), FALSE))
        call->taken_back |= call->phase < PHASE_SENT;
    }
}

gboolean
tornadis_call_comes_between (TornadisCall *self)
{
  return self->attempt > 1 && !self->in_transaction &&
         tornadis_queue_get_expected (tornadis_link_get_queue (tornadis_client_get_link (tornadis_call_get_destination (self)))).in_multi;
}

/* A call of a plugin's own goes only through those behind it. */
TornadisNotifies
tornadis_call_get_notifies (TornadisCall *self)
{
  TornadisCall *forwarded = tornadis_call_get_forwarded (self);

  if (forwarded != NULL)
    return tornadis_call_get_notifies (forwarded);
  if (self->first > 0)
    return TORNADIS_NOTIFIES_MAKER;

  return self->func != tornadis_client_ignore_reply_cb ? TORNADIS_NOTIFIES_PLUGINS : TORNADIS_NOTIFIES_NOBODY;
}

static TornadisSession *
call_get_session (TornadisCall *self)
{
  return tornadis_link_get_session (tornadis_client_get_link (tornadis_call_get_destination (self)));
}

void
tornadis_call_follow_loss (TornadisCall *self)
{
  self->loss_id = call_get_session (self)->told_loss_id;
}

void
tornadis_call_note_loss (TornadisCall *self)
{
  if (G_LIKELY (self->error == NULL) || self->taken_back)
    return;

  call_get_session (self)->told_loss_id = self->loss_id;
  if (tornadis_call_get_notifies (self) == TORNADIS_NOTIFIES_PLUGINS && self->in_transaction &&
      g_error_matches (self->error, TORNADIS_ERROR, TORNADIS_ERROR_LOST))
    tornadis_session_know_loss (call_get_session (self), self->loss_id);
}

/**
 * tornadis_call_is_in_transaction:
 * @self: a call
 *
 * Gets whether the call belongs to a transaction: it stands between `WATCH` or `MULTI` and the end, or begins or ends one;
 * an atomic pipeline belongs to one only when it ends what `WATCH` began. It is known for certain once the call was sent;
 * before that this is what it would be if it were sent now.
 *
 * What belongs to a transaction is not made again by itself: [method@Tornadis.Call.retry] does nothing.
 *
 * Returns: whether it belongs to a transaction
 *
 * Since: 1.0
 */
gboolean
tornadis_call_is_in_transaction (TornadisCall *self)
{
  g_return_val_if_fail (TORNADIS_IS_CALL (self), FALSE);

  if (self->in_transaction || call_begins_or_ends (self))
    return TRUE;

  return (self->phase == PHASE_OFFERED || self->phase == PHASE_HELD) && tornadis_client_is_in_transaction (self->client);
}
