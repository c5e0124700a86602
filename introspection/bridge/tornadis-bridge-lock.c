/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a lock does, on the client or the pool of a carrier. */

#include "introspection/bridge/tornadis-bridge-carrier-private.h"

/* Who would hold it is gone. */
static void
let_go (TornadisBridgeCall *call,
        TornadisLock *lock,
        gboolean acquired)
{
  if (acquired && !tornadis_bridge_carrier_is_alive (call->carrier))
    tornadis_lock_release_async (lock, NULL, NULL, NULL);
}

static void
held_cb (TornadisLock *lock)
{
  if (tornadis_lock_is_held (lock))
    return;

  g_signal_handlers_disconnect_by_func (lock, held_cb, NULL);
  g_object_unref (lock);
}

/**
 * tornadis_bridge_keep_lock:
 * @lock: a lock
 *
 * Keeps the lock while it is held, until it is released or lost: a garbage collector would release what a program works under
 * and does not mention.
 *
 * Since: 1.0
 */
void
tornadis_bridge_keep_lock (TornadisLock *lock)
{
  g_return_if_fail (TORNADIS_IS_LOCK (lock));

  if (!tornadis_lock_is_held (lock) || g_signal_handler_find (lock, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, held_cb, NULL) != 0)
    return;

  g_signal_connect (g_object_ref (lock), "notify::held", G_CALLBACK (held_cb), NULL);
}

static void
acquired_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  TornadisLock *lock = TORNADIS_LOCK (object);
  g_autoptr (GError) error = NULL;

  let_go (user_data, lock, tornadis_lock_acquire_finish (lock, result, &error));
  tornadis_bridge_call_complete (user_data, error);
}

/**
 * tornadis_bridge_carrier_acquire_lock:
 * @self: a carrier
 * @lock: a lock of its owner
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.Lock.acquire_async] as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_acquire_lock (TornadisBridgeCarrier *self,
                                      TornadisLock *lock,
                                      GCancellable *cancellable,
                                      GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_lock_acquire_async (lock, call->cancellable, acquired_cb, call);

  return TRUE;
}

static void
tried_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  TornadisLock *lock = TORNADIS_LOCK (object);
  g_autoptr (GError) error = NULL;
  gboolean acquired = tornadis_lock_try_acquire_finish (lock, result, &error);
  g_autoptr (TornadisReply) reply = error == NULL ? tornadis_reply_new_from_variant (g_variant_new_boolean (acquired)) : NULL;

  let_go (user_data, lock, acquired);
  tornadis_bridge_call_complete_reply (user_data, reply, error);
}

/**
 * tornadis_bridge_carrier_try_acquire_lock:
 * @self: a carrier
 * @lock: a lock of its owner
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.Lock.try_acquire_async] as a call, whose outcome is true, or false when another has it.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_try_acquire_lock (TornadisBridgeCarrier *self,
                                          TornadisLock *lock,
                                          GCancellable *cancellable,
                                          GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_lock_try_acquire_async (lock, call->cancellable, tried_cb, call);

  return TRUE;
}

static void
released_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_lock_release_finish));
}

/**
 * tornadis_bridge_carrier_release_lock:
 * @self: a carrier
 * @lock: a lock of its owner
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.Lock.release_async] as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_release_lock (TornadisBridgeCarrier *self,
                                      TornadisLock *lock,
                                      GCancellable *cancellable,
                                      GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_lock_release_async (lock, call->cancellable, released_cb, call);

  return TRUE;
}
