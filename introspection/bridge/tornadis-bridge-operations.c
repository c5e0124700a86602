/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a client or a pool does that is no call. Its outcome is told like that of one, since a callback of the language that
 * is called by itself costs more, and GJS loses some. */

#include "introspection/bridge/tornadis-bridge-carrier-private.h"

/* From any thread. What fails from now on was cancelled, as where the caller's is passed itself. */
static void
callers_cancelled_cb (GCancellable *callers,
                      GCancellable *own)
{
  g_cancellable_cancel (own);
}

TornadisBridgeCall *
tornadis_bridge_carrier_start (TornadisBridgeCarrier *self,
                               GCancellable *cancellable,
                               GError **error)
{
  GObject *owner = tornadis_bridge_carrier_get_owner (self, error);
  TornadisBridgeCall *call;

  if (owner == NULL)
    return NULL;

  tornadis_bridge_carrier_hold (self, owner);
  call = tornadis_bridge_call_new (self, tornadis_bridge_carrier_reserve (self, 1));
  call->cancellable = g_cancellable_new ();
  if (cancellable != NULL)
    {
      call->callers = g_object_ref (cancellable);
      call->callers_id = g_cancellable_connect (cancellable, G_CALLBACK (callers_cancelled_cb),
                                                g_object_ref (call->cancellable), g_object_unref);
    }

  return call;
}

void
tornadis_bridge_call_complete (TornadisBridgeCall *call,
                               const GError *error)
{
  TornadisBridgeCarrier *self = call->carrier;
  g_autoptr (GError) reason = NULL;

  if (error != NULL && (reason = tornadis_bridge_call_explain (call, error)) != NULL)
    error = reason;

  if (tornadis_bridge_carrier_is_alive (self))
    {
      TornadisBridgeChunk *chunk = tornadis_bridge_carrier_get_outcomes (self);

      if (error != NULL)
        self->format->append_error (chunk->outcomes, call->number, error);
      else
        self->format->append_true (chunk->outcomes, call->number);
      chunk->n_outcomes++;
    }

  tornadis_bridge_call_free (call);
}

void
tornadis_bridge_call_finish (TornadisBridgeCall *call,
                             GObject *object,
                             GAsyncResult *result,
                             GCallback finish)
{
  g_autoptr (GError) error = NULL;

  ((gboolean (*) (GObject *, GAsyncResult *, GError **)) finish) (object, result, &error);
  tornadis_bridge_call_complete (call, error);
}

static void
connected_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_client_connect_finish));
}

/**
 * tornadis_bridge_carrier_connect:
 * @self: a carrier of a client
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.Client.connect_async] as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the client is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_connect (TornadisBridgeCarrier *self,
                                 GCancellable *cancellable,
                                 GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_client_connect_async (TORNADIS_CLIENT (self->held), call->cancellable, connected_cb, call);

  return TRUE;
}

static void
subscribed_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_pub_sub_client_subscribe_bytes_finish));
}

/**
 * tornadis_bridge_carrier_subscribe:
 * @self: a carrier of a pub/sub client
 * @kind: what is subscribed to
 * @names: (array length=n_names): the names
 * @n_names: how many there are
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.PubSubClient.subscribe_bytes_async] as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the client is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_subscribe (TornadisBridgeCarrier *self,
                                   TornadisSubscriptionKind kind,
                                   GBytes **names,
                                   gsize n_names,
                                   GCancellable *cancellable,
                                   GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_pub_sub_client_subscribe_bytes_async (TORNADIS_PUB_SUB_CLIENT (self->held), kind, names, n_names, call->cancellable,
                                                 subscribed_cb, call);

  return TRUE;
}

static void
unsubscribed_cb (GObject *object,
                 GAsyncResult *result,
                 gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_pub_sub_client_unsubscribe_bytes_finish));
}

/**
 * tornadis_bridge_carrier_unsubscribe:
 * @self: a carrier of a pub/sub client
 * @kind: what was subscribed to
 * @names: (array length=n_names) (nullable): the names, or nothing for all of them
 * @n_names: how many there are
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.PubSubClient.unsubscribe_bytes_async] as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the client is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_unsubscribe (TornadisBridgeCarrier *self,
                                     TornadisSubscriptionKind kind,
                                     GBytes **names,
                                     gsize n_names,
                                     GCancellable *cancellable,
                                     GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_pub_sub_client_unsubscribe_bytes_async (TORNADIS_PUB_SUB_CLIENT (self->held), kind, names, n_names,
                                                   call->cancellable, unsubscribed_cb, call);

  return TRUE;
}

static void
got_client_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  TornadisBridgeCall *call = user_data;
  TornadisBridgeCarrier *self = call->carrier;
  TornadisClientPool *pool = TORNADIS_CLIENT_POOL (object);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_pool_get_connected_client_finish (pool, result, &error);

  if (client != NULL && !tornadis_bridge_carrier_is_alive (self))
    tornadis_client_pool_release_client (pool, client);
  else if (client != NULL)
    {
      if (self->clients == NULL)
        self->clients = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
      g_hash_table_insert (self->clients, GUINT_TO_POINTER (call->number), g_steal_pointer (&client));
    }

  tornadis_bridge_call_complete (call, error);
}

/**
 * tornadis_bridge_carrier_get_client:
 * @self: a carrier of a pool
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.ClientPool.get_connected_client_async] as a call, whose outcome is true: the client then has to be
 * taken with [method@TornadisBridge.Carrier.take_client].
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the pool is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_get_client (TornadisBridgeCarrier *self,
                                    GCancellable *cancellable,
                                    GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_client_pool_get_connected_client_async (TORNADIS_CLIENT_POOL (self->held), call->cancellable, got_client_cb, call);

  return TRUE;
}

/**
 * tornadis_bridge_carrier_take_client:
 * @self: a carrier of a pool
 * @number: the number of the call
 *
 * Takes the client of [method@TornadisBridge.Carrier.get_client].
 *
 * Returns: (transfer full) (nullable): the client, or %NULL when there is none of that number
 *
 * Since: 1.0
 */
TornadisClient *
tornadis_bridge_carrier_take_client (TornadisBridgeCarrier *self,
                                     guint number)
{
  gpointer client = NULL;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), NULL);

  if (self->clients != NULL)
    g_hash_table_steal_extended (self->clients, GUINT_TO_POINTER (number), NULL, &client);

  return client;
}

static void
preconnected_cb (GObject *object,
                 GAsyncResult *result,
                 gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_client_pool_preconnect_finish));
}

/**
 * tornadis_bridge_carrier_preconnect:
 * @self: a carrier of a pool
 * @size: how many clients
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.ClientPool.preconnect_async] as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the pool is gone, or %TORNADIS_ERROR_USAGE, when @size is less than -1.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_preconnect (TornadisBridgeCarrier *self,
                                    int size,
                                    GCancellable *cancellable,
                                    GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  if (size < -1)
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "%d clients cannot be connected ahead", size);
      return FALSE;
    }

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_client_pool_preconnect_async (TORNADIS_CLIENT_POOL (self->held), size, call->cancellable, preconnected_cb, call);

  return TRUE;
}

/* The time is over, or it was cancelled. */
static gboolean
waited_cb (gpointer user_data)
{
  TornadisBridgeCall *call = user_data;
  g_autoptr (GError) error = NULL;

  g_cancellable_set_error_if_cancelled (call->cancellable, &error);
  tornadis_bridge_call_complete (call, error);

  return G_SOURCE_REMOVE;
}

/**
 * tornadis_bridge_carrier_wait:
 * @self: a carrier
 * @seconds: how long; negative: until it is cancelled
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Waits as a call, whose outcome is true when the time is over.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_wait (TornadisBridgeCarrier *self,
                              double seconds,
                              GCancellable *cancellable,
                              GError **error)
{
  g_autoptr (GSource) source = NULL;
  g_autoptr (GSource) child = NULL;
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  /* Nor is what is no number too long. */
  source = g_timeout_source_new (seconds > 0 ? (guint) MIN (seconds * 1000, (double) G_MAXUINT / 2) : 0);
  if (seconds < 0)
    g_source_set_ready_time (source, -1);
  g_source_set_static_name (source, "[tornadis] wait");
  child = g_cancellable_source_new (call->cancellable);
  g_source_set_dummy_callback (child);
  g_source_add_child_source (source, child);
  g_source_set_callback (source, waited_cb, call, NULL);
  g_source_attach (source, tornadis_bridge_carrier_get_context (self->held));

  return TRUE;
}
