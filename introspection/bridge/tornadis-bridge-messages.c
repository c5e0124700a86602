/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages of a pub/sub client, for handlers in the language and for those that pop them. */

#include "introspection/bridge/tornadis-bridge-carrier-private.h"

#include <string.h>

/* So many are popped at a time. */
#define MAX_POPPED 256

/* Stands in GObject's list of handlers for one in the language. */
typedef struct
{
  TornadisBridgeCarrier *carrier; /* (owned) */
  gulong id;
} TornadisBridgeListener;

static inline gboolean
same_name (const TornadisReply *one,
           const TornadisReply *other)
{
  if (one == NULL || other == NULL)
    return one == other;

  return one->length == other->length && memcmp (one->data, other->data, one->length) == 0;
}

/* Whether messages are of one route: of one channel or shard channel, by the same pattern. Those that follow each other mostly
 * have the same names even in memory. */
static gboolean
same_route (gconstpointer one,
            gconstpointer other)
{
  const TornadisMessageNames *names = ((const TornadisMessage *) one)->names;
  const TornadisMessageNames *others = ((const TornadisMessage *) other)->names;

  return names == others || (names->is_shard == others->is_shard && same_name (names->channel, others->channel) &&
                             same_name (names->pattern, others->pattern));
}

static guint
hash_route (gconstpointer key)
{
  const TornadisReply *channel = ((const TornadisMessage *) key)->names->channel;
  guint hash = (guint) channel->length;

  /* The ends of names differ most. */
  for (gsize i = channel->length > 16 ? channel->length - 16 : 0; i < channel->length; i++)
    hash = hash * 33 + (guint8) channel->data[i];

  return hash;
}

static guint
chunk_add_route (TornadisBridgeChunk *chunk,
                 const TornadisBridgeFormat *format,
                 TornadisMessage *message)
{
  guint route = chunk->batch->n_routes++;

  format->append_route (chunk->batch, message);
  if (chunk->routes == NULL)
    chunk->routes = g_hash_table_new_full (hash_route, same_route, (GDestroyNotify) tornadis_message_unref, NULL);
  g_hash_table_insert (chunk->routes, tornadis_message_ref (message), GUINT_TO_POINTER (route));

  return route;
}

static guint
chunk_get_route (TornadisBridgeChunk *chunk,
                 const TornadisBridgeFormat *format,
                 TornadisMessage *message)
{
  gpointer route;

  if (chunk->last != NULL && same_route (chunk->last, message))
    return chunk->last_route;
  if (chunk->routes != NULL && g_hash_table_lookup_extended (chunk->routes, message, NULL, &route))
    return GPOINTER_TO_UINT (route);

  return chunk_add_route (chunk, format, message);
}

static void
chunk_add_message (TornadisBridgeChunk *chunk,
                   const TornadisBridgeFormat *format,
                   TornadisMessage *message)
{
  TornadisBridgeBatch *batch = chunk->batch;
  guint route = chunk_get_route (chunk, format, message);

  format->append_payload (batch, message);
  batch->indices[batch->n_messages] = (guint8) route;
  batch->ends[batch->n_messages++] = batch->payloads->len;
  if (chunk->last != NULL)
    tornadis_message_unref (chunk->last);
  chunk->last = tornadis_message_ref (message);
  chunk->last_route = route;
}

/* What a program emits by itself is handled before that returns, by each handler in its turn: behind what has come before,
 * unless it is a handler of that which emits it. */
static void
listener_tell_emitted (TornadisBridgeListener *listener,
                       TornadisMessage *message)
{
  TornadisBridgeCarrier *self = listener->carrier;
  TornadisBridgeChunk *chunk;

  if (self->n_notifying == 0)
    tornadis_bridge_carrier_tell_all (self);
  if (!tornadis_bridge_carrier_is_alive (self))
    return;

  chunk = tornadis_bridge_chunk_new_messages (self, FALSE);
  chunk->batch->handler_id = listener->id;
  chunk_add_message (chunk, self->format, message);
  tornadis_bridge_carrier_tell_at_once (self, chunk);
}

/* Several listeners of one emission tell the message once. */
static void
message_cb (TornadisPubSubClient *client,
            TornadisMessage *message,
            gpointer user_data)
{
  TornadisBridgeListener *listener = user_data;
  TornadisBridgeCarrier *self = listener->carrier;
  TornadisDelivery *delivery = TORNADIS_PRIVATE_CALL (pub_sub_client_get_delivery, client, message);

  if (!tornadis_bridge_carrier_is_alive (self))
    return;

  tornadis_bridge_carrier_hold (self, G_OBJECT (client));
  if (G_UNLIKELY (delivery == NULL))
    {
      listener_tell_emitted (listener, message);
      tornadis_bridge_carrier_let_go (self);
    }
  else if (!delivery->told)
    {
      delivery->told = TRUE;
      chunk_add_message (tornadis_bridge_carrier_get_messages (self, FALSE), self->format, message);
    }
}

static void
listener_free (gpointer data,
               GClosure *closure)
{
  TornadisBridgeListener *listener = data;

  g_hash_table_remove (listener->carrier->listeners, GSIZE_TO_POINTER (listener->id));
  g_object_unref (listener->carrier);
  g_free (listener);
}

/**
 * tornadis_bridge_carrier_listen:
 * @self: a carrier of a pub/sub client
 * @detail: (nullable): a channel
 * @after: whether it comes after handlers that are not
 *
 * Connects a handler of [signal@Tornadis.PubSubClient::message] that stands for one in the language, and can be blocked and
 * disconnected like any other. The messages that reach one of them, or several, are brought once each.
 *
 * Returns: the handler's id; 0 when the client was disposed of
 *
 * Since: 1.0
 */
gulong
tornadis_bridge_carrier_listen (TornadisBridgeCarrier *self,
                                const char *detail,
                                gboolean after)
{
  TornadisBridgeListener *listener;
  GClosure *closure;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), 0);
  g_return_val_if_fail (self->owner == NULL || TORNADIS_IS_PUB_SUB_CLIENT (self->owner), 0);

  if (self->owner == NULL)
    return 0;

  listener = g_new0 (TornadisBridgeListener, 1);
  listener->carrier = g_object_ref (self);
  closure = g_cclosure_new (G_CALLBACK (message_cb), listener, listener_free);

  listener->id = g_signal_connect_closure_by_id (self->owner, g_signal_lookup ("message", TORNADIS_TYPE_PUB_SUB_CLIENT),
                                                 g_quark_from_string (detail), closure, after);
  g_hash_table_insert (self->listeners, GSIZE_TO_POINTER (listener->id), closure);

  return listener->id;
}

/**
 * tornadis_bridge_carrier_is_listening:
 * @self: a carrier of a pub/sub client
 * @handler_id: of [method@TornadisBridge.Carrier.listen]
 *
 * Gets whether a handler is connected and not blocked, whoever has disconnected or blocked it.
 *
 * Returns: %TRUE if it would be called
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_is_listening (TornadisBridgeCarrier *self,
                                      gulong handler_id)
{
  GClosure *closure;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  closure = g_hash_table_lookup (self->listeners, GSIZE_TO_POINTER (handler_id));

  return closure != NULL && self->owner != NULL &&
         g_signal_handler_find (self->owner, G_SIGNAL_MATCH_CLOSURE | G_SIGNAL_MATCH_UNBLOCKED, 0, 0, closure, NULL, NULL) != 0;
}

/**
 * tornadis_bridge_carrier_count_listeners:
 * @self: a carrier of a pub/sub client
 *
 * Counts the handlers of [method@TornadisBridge.Carrier.listen] that are still connected.
 *
 * Returns: how many there are
 *
 * Since: 1.0
 */
guint
tornadis_bridge_carrier_count_listeners (TornadisBridgeCarrier *self)
{
  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), 0);

  return g_hash_table_size (self->listeners);
}

static void
popped_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  TornadisBridgeCall *call = user_data;
  TornadisBridgeCarrier *self = call->carrier;
  TornadisPubSubClient *client = TORNADIS_PUB_SUB_CLIENT (object);
  TornadisBridgeChunk *chunk = NULL;
  g_autoptr (GError) error = NULL;
  TornadisMessage *message = tornadis_pub_sub_client_pop_message_finish (client, result, &error);

  if (!tornadis_bridge_carrier_is_alive (self) && message != NULL)
    {
      tornadis_pub_sub_client_unpop_message (client, message);
      g_clear_pointer (&message, tornadis_message_unref);
    }

  for (guint n = 0; message != NULL; n++)
    {
      chunk = tornadis_bridge_carrier_get_messages (self, TRUE);
      chunk_add_message (chunk, self->format, message);
      tornadis_message_unref (message);
      message = n + 1 < MAX_POPPED ? TORNADIS_PRIVATE_CALL (pub_sub_client_take_message, client) : NULL;
    }
  /* The outcome may come a turn later. */
  if (chunk != NULL)
    chunk->batch->all = TRUE;

  tornadis_bridge_call_complete (call, error);
}

/**
 * tornadis_bridge_carrier_pop:
 * @self: a carrier of a pub/sub client
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.PubSubClient.pop_message_async] as a call, whose outcome is true: before it come the messages, which
 * are as many as are kept and may go over together.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the client is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_pop (TornadisBridgeCarrier *self,
                             GCancellable *cancellable,
                             GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_pub_sub_client_pop_message_async (TORNADIS_PUB_SUB_CLIENT (self->held), -1, call->cancellable, popped_cb, call);

  return TRUE;
}

/**
 * tornadis_bridge_carrier_bring_popped:
 * @self: a carrier of a pub/sub client
 *
 * Brings the messages that were popped now, ahead of all else: what is kept in the library came after them.
 *
 * Since: 1.0
 */
void
tornadis_bridge_carrier_bring_popped (TornadisBridgeCarrier *self)
{
  GList *next;

  g_return_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self));

  g_object_ref (self);
  for (GList *link = self->chunks.head; link != NULL; link = next)
    {
      TornadisBridgeChunk *chunk = link->data;

      next = link->next;
      if (chunk->batch == NULL || !chunk->batch->popped)
        continue;
      g_queue_unlink (&self->chunks, link);
      tornadis_bridge_carrier_tell_at_once (self, chunk);
      /* Others may have come or gone. */
      next = self->chunks.head;
    }
  g_object_unref (self);
}

static void
carrier_change_listeners (TornadisBridgeCarrier *self,
                          void (*change) (gpointer instance, gulong handler_id))
{
  GHashTableIter iter;
  gpointer handler_id;

  g_hash_table_iter_init (&iter, self->listeners);
  while (g_hash_table_iter_next (&iter, &handler_id, NULL))
    if (g_signal_handler_is_connected (self->owner, GPOINTER_TO_SIZE (handler_id)))
      change (self->owner, GPOINTER_TO_SIZE (handler_id));
}

/* Whether another handler than ours would be called for @message. */
static gboolean
carrier_has_rival (TornadisBridgeCarrier *self,
                   TornadisMessage *message)
{
  guint signal_id = g_signal_lookup ("message", TORNADIS_TYPE_PUB_SUB_CLIENT);
  GQuark detail = g_quark_try_string (tornadis_message_get_channel (message));
  gboolean has_rival;

  carrier_change_listeners (self, g_signal_handler_block);
  /* That one is for the detail says nothing of those for all. */
  has_rival = g_signal_has_handler_pending (self->owner, signal_id, 0, FALSE) ||
              (detail != 0 && g_signal_has_handler_pending (self->owner, signal_id, detail, FALSE));
  carrier_change_listeners (self, g_signal_handler_unblock);

  return has_rival;
}

/**
 * tornadis_bridge_carrier_keep:
 * @self: a carrier of a pub/sub client
 * @message: a message that it has brought
 * @n_kept: what came with it
 *
 * Keeps a message that it has brought for handlers and that none was connected for in the language: it is to be popped, in
 * its place among others. Unless a handler that is none of the language's has had it.
 *
 * Returns: %TRUE if it is kept
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_keep (TornadisBridgeCarrier *self,
                              TornadisMessage *message,
                              guint64 n_kept)
{
  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);
  g_return_val_if_fail (message != NULL, FALSE);

  if (!TORNADIS_IS_PUB_SUB_CLIENT (self->owner) || carrier_has_rival (self, message))
    return FALSE;

  TORNADIS_PRIVATE_CALL (pub_sub_client_keep_message, TORNADIS_PUB_SUB_CLIENT (self->owner), message, n_kept);
  return TRUE;
}

/**
 * tornadis_bridge_carrier_drop_messages:
 * @self: a carrier of a pub/sub client
 *
 * Drops the messages for handlers that have come and are not brought yet, as when the client is closed by a handler.
 *
 * Since: 1.0
 */
void
tornadis_bridge_carrier_drop_messages (TornadisBridgeCarrier *self)
{
  GList *next;

  g_return_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self));

  for (GList *link = self->chunks.head; link != NULL; link = next)
    {
      TornadisBridgeChunk *chunk = link->data;

      next = link->next;
      if (chunk->batch == NULL || chunk->batch->popped)
        continue;
      g_queue_unlink (&self->chunks, link);
      tornadis_bridge_chunk_free (chunk);
    }
}
