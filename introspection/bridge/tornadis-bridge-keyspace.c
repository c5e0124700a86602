/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A keyspace is started, by the carrier of the client that it is like. */

#include "introspection/bridge/tornadis-bridge-carrier-private.h"

static void
started_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_keyspace_start_finish));
}

/**
 * tornadis_bridge_carrier_start_keyspace:
 * @self: a carrier
 * @keyspace: the keyspace
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.Keyspace.start_async] as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_start_keyspace (TornadisBridgeCarrier *self,
                                        TornadisKeyspace *keyspace,
                                        GCancellable *cancellable,
                                        GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_keyspace_start_async (keyspace, call->cancellable, started_cb, call);

  return TRUE;
}
