/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a TornadisCall says of itself, and what of it a plugin may replace. */

#include "tornadis-glib/client/tornadis-call-private.h"

#include "tornadis-glib/client/tornadis-pipeline-private.h"
#include "tornadis-glib/values/tornadis-command-private.h"
#include "tornadis-glib/values/tornadis-reply.h"

/**
 * tornadis_call_get_command:
 * @self: a call
 *
 * Gets the command, when the call is of one.
 *
 * Returns: (transfer none) (nullable): the command, or %NULL for a pipeline
 *
 * Since: 1.0
 */
TornadisCommand *
tornadis_call_get_command (TornadisCall *self)
{
  g_return_val_if_fail (TORNADIS_IS_CALL (self), NULL);

  return self->command;
}

/**
 * tornadis_call_get_pipeline:
 * @self: a call
 *
 * Gets the pipeline, when the call is of one. A plugin must not change it, but may replace it, see
 * [method@Tornadis.Call.set_pipeline].
 *
 * Returns: (transfer none) (nullable): the pipeline, or %NULL for a command
 *
 * Since: 1.0
 */
TornadisPipeline *
tornadis_call_get_pipeline (TornadisCall *self)
{
  g_return_val_if_fail (TORNADIS_IS_CALL (self), NULL);

  return self->pipeline;
}

/**
 * tornadis_call_set_command:
 * @self: a call of a command
 * @command: what to send in its place
 *
 * Replaces the command, for the plugins behind this one and the server.
 *
 * Since: 1.0
 */
void
tornadis_call_set_command (TornadisCall *self,
                           TornadisCommand *command)
{
  g_return_if_fail (TORNADIS_IS_CALL (self));
  g_return_if_fail (self->command != NULL);
  g_return_if_fail (command != NULL);

  tornadis_command_ref (command);
  tornadis_command_unref (self->command);
  self->command = command;
  self->changed = TRUE;
  tornadis_command_seal (command);
}

/**
 * tornadis_call_set_pipeline:
 * @self: a call of a pipeline
 * @pipeline: what to send in its place, as it is now
 *
 * Replaces the pipeline, for the plugins behind this one and the server. The caller's own stays as it is. The reply
 * is that of @pipeline: a plugin that stacks more or fewer commands owes the caller one that they expect.
 *
 * Since: 1.0
 */
void
tornadis_call_set_pipeline (TornadisCall *self,
                            TornadisPipeline *pipeline)
{
  TornadisPipeline *old;

  g_return_if_fail (TORNADIS_IS_CALL (self));
  g_return_if_fail (self->pipeline != NULL);
  g_return_if_fail (TORNADIS_IS_PIPELINE (pipeline));

  old = self->pipeline;
  self->pipeline = tornadis_pipeline_copy (pipeline);
  self->changed = TRUE;
  g_object_unref (old);
}

/**
 * tornadis_call_get_client:
 * @self: a call
 *
 * Gets the client that the call was made on.
 *
 * Returns: (transfer none): the client
 *
 * Since: 1.0
 */
TornadisClient *
tornadis_call_get_client (TornadisCall *self)
{
  g_return_val_if_fail (TORNADIS_IS_CALL (self), NULL);

  return self->client;
}

/**
 * tornadis_call_get_name:
 * @self: a call
 *
 * Gets the name of the command in upper case, `PIPELINE`, or `MULTI` for a pipeline that is atomic.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
tornadis_call_get_name (TornadisCall *self)
{
  g_return_val_if_fail (TORNADIS_IS_CALL (self), NULL);

  if (self->command != NULL)
    return tornadis_command_get_name (self->command);
  return tornadis_pipeline_get_atomic (self->pipeline) ? "MULTI" : "PIPELINE";
}

/**
 * tornadis_call_get_attempt:
 * @self: a call
 *
 * Gets which attempt this is, from 1.
 *
 * Returns: the number of the attempt
 *
 * Since: 1.0
 */
guint
tornadis_call_get_attempt (TornadisCall *self)
{
  g_return_val_if_fail (TORNADIS_IS_CALL (self), 0);

  return self->attempt;
}

/**
 * tornadis_call_get_start_time:
 * @self: a call
 *
 * Gets when the call was made, as [func@GLib.get_monotonic_time].
 *
 * Returns: the time in microseconds
 *
 * Since: 1.0
 */
gint64
tornadis_call_get_start_time (TornadisCall *self)
{
  g_return_val_if_fail (TORNADIS_IS_CALL (self), 0);

  return self->start_time;
}

/**
 * tornadis_call_get_elapsed:
 * @self: a call
 *
 * Gets how long the call has been in flight, or took when it has its outcome, all attempts together.
 *
 * Returns: the time in microseconds
 *
 * Since: 1.0
 */
gint64
tornadis_call_get_elapsed (TornadisCall *self)
{
  g_return_val_if_fail (TORNADIS_IS_CALL (self), 0);

  return (self->end_time != 0 ? self->end_time : g_get_monotonic_time ()) - self->start_time;
}

/**
 * tornadis_call_get_reply:
 * @self: a call
 *
 * Gets the reply, once there is one.
 *
 * Returns: (transfer none) (nullable): the reply, or %NULL while there is none and when the call failed
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_call_get_reply (TornadisCall *self)
{
  g_return_val_if_fail (TORNADIS_IS_CALL (self), NULL);

  return self->reply;
}

/**
 * tornadis_call_dup_error:
 * @self: a call
 *
 * Gets why the call failed, an error of the server included. While another attempt is made this is why the one
 * before failed.
 *
 * Returns: (transfer full) (nullable): a copy of the error, or %NULL
 *
 * Since: 1.0
 */
GError *
tornadis_call_dup_error (TornadisCall *self)
{
  g_return_val_if_fail (TORNADIS_IS_CALL (self), NULL);

  return self->error != NULL ? g_error_copy (self->error) : NULL;
}

/**
 * tornadis_call_is_abandoned:
 * @self: a call
 *
 * Gets whether the call was completed by other than the server and the plugins: it was cancelled, it timed out while a
 * plugin held it, or its client was closed. Its outcome says nothing about the server, and
 * [method@Tornadis.Call.retry] does nothing.
 *
 * Returns: whether nobody waits for the call any more
 *
 * Since: 1.0
 */
gboolean
tornadis_call_is_abandoned (TornadisCall *self)
{
  g_return_val_if_fail (TORNADIS_IS_CALL (self), FALSE);

  return self->abandoned;
}

/**
 * tornadis_call_get_target:
 * @self: a call
 *
 * Gets the client to which the call was forwarded, see [method@Tornadis.Call.forward]; in `call_done` that of the outcome.
 *
 * Returns: (transfer none) (nullable): the client, or %NULL
 *
 * Since: 1.0
 */
TornadisClient *
tornadis_call_get_target (TornadisCall *self)
{
  g_return_val_if_fail (TORNADIS_IS_CALL (self), NULL);

  return self->target;
}
