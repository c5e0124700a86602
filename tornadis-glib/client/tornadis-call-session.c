/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a TornadisCall has to do with transactions: its client's while a plugin holds it, and its own when it is sent. */

#include "tornadis-glib/client/tornadis-call-private.h"

#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-pipeline-private.h"
#include "tornadis-glib/tornadis-error.h"

static TornadisSessionConcern
call_get_concern (TornadisCall *self)
{
  if (self->connects)
    return TORNADIS_SESSION_NO_CONCERN;

  return tornadis_session_get_concern (self->command,
                                       self->pipeline != NULL ? tornadis_pipeline_peek_commands (self->pipeline) : NULL,
                                       self->pipeline != NULL && tornadis_pipeline_get_atomic (self->pipeline));
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
  if (G_LIKELY (self->error == NULL))
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
