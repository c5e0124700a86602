/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of a script, on the client or the pool of a carrier. */

#include "introspection/bridge/tornadis-bridge-carrier-private.h"

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_script_call_finish (TORNADIS_SCRIPT (object), result, &error);

  tornadis_bridge_call_complete_reply (user_data, reply, error);
}

/**
 * tornadis_bridge_carrier_call_script:
 * @self: a carrier
 * @command: a command of the script
 * @script: the script
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.Script.call_async] as a call.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_call_script (TornadisBridgeCarrier *self,
                                     TornadisCommand *command,
                                     TornadisScript *script,
                                     GCancellable *cancellable,
                                     GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_script_call_async (script, TORNADIS_CALLER (self->held), command, call->cancellable, called_cb, call);

  return TRUE;
}

static void
pipeline_called_cb (GObject *object,
                    GAsyncResult *result,
                    gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) replies = tornadis_script_call_pipeline_finish (TORNADIS_SCRIPT (object), result, &error);

  tornadis_bridge_call_complete_reply (user_data, replies, error);
}

/**
 * tornadis_bridge_carrier_call_script_pipeline:
 * @self: a carrier
 * @pipeline: a pipeline with commands of the script
 * @script: the script
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.Script.call_pipeline_async] as a call.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_call_script_pipeline (TornadisBridgeCarrier *self,
                                              TornadisPipeline *pipeline,
                                              TornadisScript *script,
                                              GCancellable *cancellable,
                                              GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_script_call_pipeline_async (script, TORNADIS_CALLER (self->held), pipeline, call->cancellable, pipeline_called_cb,
                                       call);

  return TRUE;
}
