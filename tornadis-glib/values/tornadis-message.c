/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-message-private.h"

#include <string.h>

/**
 * TornadisMessage:
 *
 * A message that was published to a channel, as [class@Tornadis.PubSubClient] receives it.
 *
 * Channels and payloads are bytes: each can be had as it was sent, and as text for the usual case. A message
 * never changes, and the bytes it hands out are not copied.
 *
 * Messages of the channel `__redis__:invalidate`, by which a server with `CLIENT TRACKING` says which keys have
 * changed, have no payload but a list of keys: see [method@Tornadis.Message.get_reply].
 *
 * Equivalent of the list of `pmessage` or `message`, channel and payload that tornadis'
 * `PubSubClient.pubsub_pop_message()` returns.
 *
 * Since: 1.0
 */
G_DEFINE_BOXED_TYPE (TornadisMessage, tornadis_message, tornadis_message_ref, tornadis_message_unref)

/* A longer payload is not copied. */
#define MAX_COPIED 256
/* Longer names are not worth a place. */
#define MAX_CACHED_NAME 256
#define N_SLOTS 256

static inline gboolean
is_string (TornadisReply *reply)
{
  return tornadis_reply_kind_has_data (reply->kind);
}

/* What the server sends when keys have changed: their names, or nil for all of them. */
static gboolean
is_keys (TornadisReply *reply)
{
  if (reply->kind != TORNADIS_REPLY_KIND_ARRAY)
    return reply->kind == TORNADIS_REPLY_KIND_NIL;

  for (gsize i = 0; i < reply->length; i++)
    if (!is_string (tornadis_reply_get_elements (reply)[i]))
      return FALSE;

  return TRUE;
}

/* Names. */

static char *
make_text (TornadisReply *reply)
{
  if (reply == NULL || tornadis_reply_is_text (reply))
    return NULL;

  return g_utf8_make_valid (reply->data, (gssize) reply->length);
}

/* (transfer full): servers send strings. Anything else becomes an empty one, and what it holds is not kept. */
static TornadisReply *
make_name (TornadisReply *reply)
{
  return is_string (reply) ? tornadis_reply_ref (reply) : tornadis_reply_alloc (TORNADIS_REPLY_KIND_STRING, 0);
}

static TornadisMessageNames *
names_new (TornadisReply *channel,
           TornadisReply *pattern,
           gboolean is_shard)
{
  TornadisMessageNames *self = g_new (TornadisMessageNames, 1);

  self->ref_count = 1;
  self->channel = make_name (channel);
  self->pattern = pattern != NULL ? make_name (pattern) : NULL;
  self->channel_text = make_text (self->channel);
  self->pattern_text = make_text (self->pattern);
  self->is_shard = is_shard;
  self->detail = 0;
  self->n_without_detail = 0;

  return self;
}

static inline TornadisMessageNames *
names_ref (TornadisMessageNames *self)
{
  g_atomic_int_inc (&self->ref_count);

  return self;
}

static void
names_unref (TornadisMessageNames *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  tornadis_reply_unref (self->channel);
  g_clear_pointer (&self->pattern, tornadis_reply_unref);
  g_free (self->channel_text);
  g_free (self->pattern_text);
  g_free (self);
}

static inline gboolean
name_equal (TornadisReply *one,
            TornadisReply *other)
{
  return one == other || (one != NULL && other != NULL && one->length == other->length &&
                          memcmp (one->data, other->data, one->length) == 0);
}

static inline gboolean
names_are (const TornadisMessageNames *self,
           TornadisReply *channel,
           TornadisReply *pattern,
           gboolean is_shard)
{
  return self != NULL && self->is_shard == is_shard && name_equal (self->channel, channel) && name_equal (self->pattern, pattern);
}

static inline gboolean
is_cacheable (TornadisReply *name)
{
  return is_string (name) && name->length <= MAX_CACHED_NAME;
}

/* The end of a name is what tells it from others. */
static guint
hash_name (TornadisReply *name)
{
  guint64 bytes = 0;
  gsize n = MIN (name->length, sizeof bytes);

  memcpy (&bytes, name->data + name->length - n, n);
  bytes = (bytes ^ name->length) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  return (guint) (bytes >> 56) % N_SLOTS;
}

static TornadisMessageNames *
cache_look_up (TornadisMessageNamesCache *self,
               TornadisReply *channel,
               TornadisReply *pattern,
               gboolean is_shard)
{
  TornadisMessageNames **slot;

  /* With RESP2 there are other nodes each time. */
  if (names_are (self->last, channel, pattern, is_shard))
    return names_ref (self->last);

  if (self->slots == NULL)
    self->slots = g_new0 (TornadisMessageNames *, N_SLOTS);

  slot = &self->slots[hash_name (channel)];
  if (!names_are (*slot, channel, pattern, is_shard))
    {
      g_clear_pointer (slot, names_unref);
      *slot = names_new (channel, pattern, is_shard);
    }

  return names_ref (*slot);
}

/* (transfer full) */
static TornadisMessageNames *
cache_get_names (TornadisMessageNamesCache *self,
                 TornadisReply *channel,
                 TornadisReply *pattern,
                 gboolean is_shard)
{
  TornadisMessageNames *names;

  if (self->last != NULL && is_cacheable (channel) && (pattern == NULL || is_cacheable (pattern)))
    names = cache_look_up (self, channel, pattern, is_shard);
  else
    names = names_new (channel, pattern, is_shard);

  g_clear_pointer (&self->last, names_unref);
  self->last = names_ref (names);

  return names;
}

void
tornadis_message_names_cache_clear (TornadisMessageNamesCache *self)
{
  for (guint i = 0; self->slots != NULL && i < N_SLOTS; i++)
    g_clear_pointer (&self->slots[i], names_unref);
  g_clear_pointer (&self->slots, g_free);
  g_clear_pointer (&self->last, names_unref);
}

/* Messages. */

/* A million of 32 bytes, with the NUL behind them, are to take 96 MB as malloc counts. */
G_STATIC_ASSERT (sizeof (gpointer) > 8 || G_STRUCT_OFFSET (TornadisMessage, node.data) + 33 <= 88);

/* The last reference to a message is gone. */
static void
free_node (TornadisReply *node)
{
  TornadisMessage *self = (TornadisMessage *) (gpointer) ((guint8 *) node - G_STRUCT_OFFSET (TornadisMessage, node));

  if (self->payload != node)
    tornadis_reply_unref (self->payload);
  names_unref (self->names);
  g_free (self);
}

/* @length bytes are to stand in it. */
static inline TornadisMessage *
message_alloc (TornadisReplyKind kind,
               gsize length)
{
  TornadisMessage *self = g_malloc (G_STRUCT_OFFSET (TornadisMessage, node.data) + length + 1);

  self->place.serial = 0;
  self->payload = &self->node;
  self->node.ref_count = 1;
  self->node.kind = kind;
  self->node.offset = TORNADIS_REPLY_EMBEDDED;
  self->node.v.free_owner = free_node;
  self->node.length = length;
  self->node.data[length] = '\0';

  return self;
}

/* Servers send a string, or keys in its place. Anything else becomes an empty string, and what it holds is not kept. */
static inline TornadisMessage *
message_new_with_payload (TornadisReply *payload)
{
  TornadisMessage *self;

  if (G_LIKELY (is_string (payload) && payload->length <= MAX_COPIED))
    {
      self = message_alloc (payload->kind, payload->length);
      memcpy (self->node.data, payload->data, payload->length);
    }
  else if (is_string (payload) || is_keys (payload))
    {
      self = message_alloc (TORNADIS_REPLY_KIND_NIL, 0);
      self->payload = tornadis_reply_ref (payload);
    }
  else
    {
      self = message_alloc (TORNADIS_REPLY_KIND_STRING, 0);
    }

  return self;
}

TornadisMessage *
tornadis_message_new (TornadisReply *push,
                      TornadisSubscriptionKind kind,
                      TornadisMessageNamesCache *cache)
{
  gboolean has_pattern = kind == TORNADIS_SUBSCRIPTION_KIND_PATTERN;
  gboolean is_shard = kind == TORNADIS_SUBSCRIPTION_KIND_SHARD;
  TornadisReply **elements = push->v.elements;
  TornadisReply *pattern = has_pattern ? elements[1] : NULL;
  TornadisReply *channel = elements[has_pattern ? 2 : 1];
  TornadisMessage *self = message_new_with_payload (elements[has_pattern ? 3 : 2]);

  /* The reader gives the same nodes to all pushes that follow each other on one channel. */
  if (G_UNLIKELY (cache == NULL))
    self->names = names_new (channel, pattern, is_shard);
  else if (G_LIKELY (cache->last != NULL && cache->last->channel == channel && cache->last->pattern == pattern &&
                     cache->last->is_shard == is_shard))
    self->names = names_ref (cache->last);
  else
    self->names = cache_get_names (cache, channel, pattern, is_shard);

  tornadis_reply_unref (push);

  return self;
}

const char *
tornadis_message_peek_channel (TornadisMessage *self,
                               gsize *length)
{
  *length = self->names->channel->length;

  return self->names->channel->data;
}

const char *
tornadis_message_peek_pattern (TornadisMessage *self,
                               gsize *length)
{
  if (self->names->pattern == NULL)
    return NULL;

  *length = self->names->pattern->length;

  return self->names->pattern->data;
}

const char *
tornadis_message_peek_payload (TornadisMessage *self,
                               gsize *length)
{
  if (!is_string (self->payload))
    return NULL;

  *length = self->payload->length;

  return self->payload->data;
}

static gsize
get_reply_size (TornadisReply *reply)
{
  gsize size = sizeof *reply;

  if (reply->kind != TORNADIS_REPLY_KIND_ARRAY)
    return size + reply->length + 1;

  for (gsize i = 0; i < reply->length; i++)
    size += sizeof (gpointer) + get_reply_size (tornadis_reply_get_elements (reply)[i]);

  return size;
}

/* The bytes that a message holds in memory, for queues that have a bound. Its names count, though others may have them
 * too. */
gsize
tornadis_message_get_size (TornadisMessage *self)
{
  gsize size = G_STRUCT_OFFSET (TornadisMessage, node) + get_reply_size (self->payload) + get_reply_size (self->names->channel);

  if (self->names->pattern != NULL)
    size += get_reply_size (self->names->pattern);

  return size;
}

/**
 * tornadis_message_ref:
 * @self: a message
 *
 * Takes a reference, from any thread.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TornadisMessage *
tornadis_message_ref (TornadisMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_int_inc (&self->node.ref_count);

  return self;
}

/**
 * tornadis_message_unref:
 * @self: (transfer full): a message
 *
 * Drops a reference, from any thread; the last one frees the message.
 *
 * Since: 1.0
 */
void
tornadis_message_unref (TornadisMessage *self)
{
  g_return_if_fail (self != NULL);

  tornadis_reply_unref (&self->node);
}

/**
 * tornadis_message_get_channel:
 * @self: a message
 *
 * Gets the channel that the message was published to, as text.
 *
 * In a name that is not UTF-8 text, U+FFFD stands for every byte that is none;
 * [method@Tornadis.Message.get_channel_bytes] gives the name as it is.
 *
 * Returns: (transfer none): the channel, valid as long as the message
 *
 * Since: 1.0
 */
const char *
tornadis_message_get_channel (TornadisMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->names->channel_text != NULL ? self->names->channel_text : self->names->channel->data;
}

/**
 * tornadis_message_get_channel_bytes:
 * @self: a message
 *
 * Gets the channel that the message was published to, as the bytes that the server sent.
 *
 * Returns: (transfer full): the bytes, which are not copied
 *
 * Since: 1.0
 */
GBytes *
tornadis_message_get_channel_bytes (TornadisMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return tornadis_reply_get_bytes (self->names->channel);
}

/**
 * tornadis_message_get_pattern:
 * @self: a message
 *
 * Gets the pattern that brought the message, as text: that of a
 * [method@Tornadis.PubSubClient.psubscribe_async] which matches the channel.
 *
 * In a pattern that is not UTF-8 text, U+FFFD stands for every byte that is none.
 *
 * Returns: (transfer none) (nullable): the pattern, valid as long as the message, or %NULL when the
 *   subscription is to the channel itself
 *
 * Since: 1.0
 */
const char *
tornadis_message_get_pattern (TornadisMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (self->names->pattern == NULL)
    return NULL;

  return self->names->pattern_text != NULL ? self->names->pattern_text : self->names->pattern->data;
}

/**
 * tornadis_message_is_shard:
 * @self: a message
 *
 * Gets whether the message was published to a shard channel, with `SPUBLISH`: it then came by a
 * [method@Tornadis.PubSubClient.ssubscribe_async]. A channel and a shard channel can have the same name.
 *
 * Returns: %TRUE if its channel is a shard channel
 *
 * Since: 1.0
 */
gboolean
tornadis_message_is_shard (TornadisMessage *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->names->is_shard;
}

/**
 * tornadis_message_get_payload:
 * @self: a message
 *
 * Gets what was published.
 *
 * Returns: (transfer full) (nullable): the bytes, which are not copied; %NULL in a message about keys, see
 *   [method@Tornadis.Message.get_reply]
 *
 * Since: 1.0
 */
GBytes *
tornadis_message_get_payload (TornadisMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return tornadis_reply_get_bytes (self->payload);
}

/**
 * tornadis_message_get_text:
 * @self: a message
 *
 * Gets what was published, as text.
 *
 * Returns: (transfer none) (nullable): the text, valid as long as the message, or %NULL when the payload is not
 *   UTF-8 text or has a NUL in it, and in a message about keys
 *
 * Since: 1.0
 */
const char *
tornadis_message_get_text (TornadisMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return tornadis_reply_get_text (self->payload);
}

/**
 * tornadis_message_get_reply:
 * @self: a message
 *
 * Gets what came with the message as the server sent it.
 *
 * That is a %TORNADIS_REPLY_KIND_STRING with the payload, but in messages of the channel `__redis__:invalidate`
 * that the server itself sends: there it is a %TORNADIS_REPLY_KIND_ARRAY of the keys that have changed, or a
 * %TORNADIS_REPLY_KIND_NIL when all keys may have.
 *
 * Returns: (transfer none): the reply, valid as long as the message
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_message_get_reply (TornadisMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->payload;
}
