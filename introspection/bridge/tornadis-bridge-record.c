/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A record is loaded and flushed, by the carrier of its client. */

#include "introspection/bridge/tornadis-bridge-carrier-private.h"

static void
loaded_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_record_load_finish));
}

/**
 * tornadis_bridge_carrier_load_record:
 * @self: a carrier
 * @record: the record
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.Record.load_async] as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_load_record (TornadisBridgeCarrier *self,
                                     TornadisRecord *record,
                                     GCancellable *cancellable,
                                     GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_record_load_async (record, call->cancellable, loaded_cb, call);

  return TRUE;
}

static void
flushed_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_record_flush_finish));
}

/**
 * tornadis_bridge_carrier_flush_record:
 * @self: a carrier
 * @record: the record
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.Record.flush_async] as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_flush_record (TornadisBridgeCarrier *self,
                                      TornadisRecord *record,
                                      GCancellable *cancellable,
                                      GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_record_flush_async (record, call->cancellable, flushed_cb, call);

  return TRUE;
}
