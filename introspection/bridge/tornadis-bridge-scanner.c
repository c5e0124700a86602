/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Batches of a scanner, on the client or the pool of a carrier. */

#include "introspection/bridge/tornadis-bridge-carrier-private.h"

static void
next_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) batch = tornadis_scanner_next_finish (TORNADIS_SCANNER (object), result, &error);

  /* The end. */
  if (batch == NULL && error == NULL)
    batch = tornadis_reply_new_from_variant (g_variant_new_tuple (NULL, 0));

  tornadis_bridge_call_complete_reply (user_data, batch, error);
}

/**
 * tornadis_bridge_carrier_scan:
 * @self: a carrier
 * @scanner: a scanner that calls on the owner
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.Scanner.next_async] as a call. Its outcome is nothing (NIL) at the end.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_scan (TornadisBridgeCarrier *self,
                              TornadisScanner *scanner,
                              GCancellable *cancellable,
                              GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_scanner_next_async (scanner, call->cancellable, next_cb, call);

  return TRUE;
}
