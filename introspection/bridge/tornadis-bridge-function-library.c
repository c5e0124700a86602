/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of functions of a library, on the client or the pool of a carrier. */

#include "introspection/bridge/tornadis-bridge-carrier-private.h"

static void
ensured_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_function_library_ensure_finish));
}

/**
 * tornadis_bridge_carrier_ensure_library:
 * @self: a carrier
 * @library: the library
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.FunctionLibrary.ensure_async] as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_ensure_library (TornadisBridgeCarrier *self,
                                        TornadisFunctionLibrary *library,
                                        GCancellable *cancellable,
                                        GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_function_library_ensure_async (library, TORNADIS_CALLER (self->held), call->cancellable, ensured_cb, call);

  return TRUE;
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply =
    tornadis_function_library_call_finish (TORNADIS_FUNCTION_LIBRARY (object), result, &error);

  tornadis_bridge_call_complete_reply (user_data, reply, error);
}

/**
 * tornadis_bridge_carrier_call_function:
 * @self: a carrier
 * @command: a command of the library
 * @library: the library
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.FunctionLibrary.call_async] as a call.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_call_function (TornadisBridgeCarrier *self,
                                       TornadisCommand *command,
                                       TornadisFunctionLibrary *library,
                                       GCancellable *cancellable,
                                       GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_function_library_call_async (library, TORNADIS_CALLER (self->held), command, call->cancellable, called_cb, call);

  return TRUE;
}
