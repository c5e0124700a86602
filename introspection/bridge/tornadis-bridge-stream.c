/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Entries of a stream, many at a time, on the carrier of the reader's client or pool. */

#include "introspection/bridge/tornadis-bridge-carrier-private.h"

/* So many go over at a time. */
#define MAX_ENTRIES 256

/* How often each was delivered, or nil: each once. */
static TornadisReply *
make_counts (const guint *counts,
             guint n)
{
  g_autoptr (GVariant) variant = NULL;
  GVariantBuilder builder;
  guint i = 0;

  while (i < n && counts[i] == 1)
    i++;

  if (i == n)
    variant = g_variant_ref_sink (g_variant_new ("mx", FALSE, (gint64) 0));
  else
    {
      g_variant_builder_init (&builder, G_VARIANT_TYPE ("ax"));
      for (i = 0; i < n; i++)
        g_variant_builder_add (&builder, "x", (gint64) counts[i]);
      variant = g_variant_ref_sink (g_variant_builder_end (&builder));
    }

  return tornadis_reply_new_from_variant (variant);
}

/* (transfer full): the entry, and those that were read ahead behind it. */
static TornadisReply *
take_entries (TornadisStreamReader *reader,
              TornadisStreamEntry *first)
{
  TornadisReply *elements[MAX_ENTRIES + 1];
  guint counts[MAX_ENTRIES];
  TornadisStreamEntry *entry = first;
  TornadisReply *reply;
  guint n = 0;

  while (entry != NULL)
    {
      counts[n] = tornadis_stream_entry_get_delivery_count (entry);
      elements[++n] = tornadis_reply_ref (tornadis_stream_entry_get_reply (entry));
      tornadis_stream_entry_unref (entry);
      entry = n < MAX_ENTRIES ? tornadis_stream_reader_take_entry (reader) : NULL;
    }
  elements[0] = make_counts (counts, n);

  reply = tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, elements, n + 1);
  for (guint i = 0; i <= n; i++)
    tornadis_reply_unref (elements[i]);

  return reply;
}

static void
next_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  TornadisBridgeCall *call = user_data;
  TornadisStreamReader *reader = TORNADIS_STREAM_READER (object);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  TornadisStreamEntry *entry = tornadis_stream_reader_next_finish (reader, result, &error);

  if (entry != NULL && !tornadis_bridge_carrier_is_alive (call->carrier))
    {
      /* Nobody will have it. */
      if (TORNADIS_IS_STREAM_CONSUMER (reader))
        tornadis_stream_consumer_release (TORNADIS_STREAM_CONSUMER (reader), entry);
      tornadis_stream_entry_unref (entry);
    }
  else if (entry != NULL)
    reply = take_entries (reader, entry);

  tornadis_bridge_call_complete_reply (call, reply, error);
}

/**
 * tornadis_bridge_carrier_next_entries:
 * @self: a carrier
 * @reader: the reader
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.StreamReader.next_async] as a call, with what was read ahead: its outcome is a list of how often each
 * was delivered, or nil when each was once; and of entries, as [method@Tornadis.StreamEntry.get_reply].
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_next_entries (TornadisBridgeCarrier *self,
                                      TornadisStreamReader *reader,
                                      GCancellable *cancellable,
                                      GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_stream_reader_next_async (reader, call->cancellable, next_cb, call);

  return TRUE;
}

static void
acked_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_stream_consumer_ack_ids_finish));
}

/**
 * tornadis_bridge_carrier_ack_entries:
 * @self: a carrier
 * @ids: the ids, with a space between them
 * @consumer: the consumer
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.StreamConsumer.ack_ids_async] as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_ack_entries (TornadisBridgeCarrier *self,
                                     const char *ids,
                                     TornadisStreamConsumer *consumer,
                                     GCancellable *cancellable,
                                     GError **error)
{
  TornadisBridgeCall *call;
  g_auto (GStrv) split = NULL;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);
  g_return_val_if_fail (ids != NULL, FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  split = g_strsplit (ids, " ", -1);
  tornadis_stream_consumer_ack_ids_async (consumer, (const char *const *) split, call->cancellable, acked_cb, call);

  return TRUE;
}

static void
closed_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_stream_reader_close_finish));
}

/**
 * tornadis_bridge_carrier_close_reader:
 * @self: a carrier
 * @reader: the reader
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.StreamReader.close_async] as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_close_reader (TornadisBridgeCarrier *self,
                                      TornadisStreamReader *reader,
                                      GCancellable *cancellable,
                                      GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  tornadis_stream_reader_close_async (reader, call->cancellable, closed_cb, call);

  return TRUE;
}
