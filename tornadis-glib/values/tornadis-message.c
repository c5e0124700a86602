/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-message-private.h"

#include "tornadis-glib/values/tornadis-reply-private.h"

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

struct _TornadisMessage
{
  gatomicrefcount ref_count;
  TornadisReply *push;    /* (owned) */
  TornadisReply *channel; /* (unowned) of @push */
  TornadisReply *pattern; /* (unowned) (nullable) likewise */
  TornadisReply *payload; /* (unowned) likewise */
  char *channel_text;     /* (owned) (nullable): when the bytes are not UTF-8 text themselves */
  char *pattern_text;     /* (owned) (nullable): likewise */
  guint64 serial;
};

static inline gboolean
is_string (TornadisReply *reply)
{
  return tornadis_reply_get_data (reply, NULL) != NULL;
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

/* (transfer full) both ways. Servers send @n strings, of which the payload is the last, or keys in its place. Anything
 * else becomes an empty string, and what it holds is not kept. */
static TornadisReply *
take_elements (TornadisReply *push,
               gsize n)
{
  TornadisReply **elements;
  gboolean good = push->length == n;

  for (gsize i = 0; good && i < n; i++)
    good = is_string (push->v.elements[i]);

  if (G_LIKELY (good))
    return push;

  elements = g_new (TornadisReply *, n);
  for (gsize i = 0; i < n; i++)
    elements[i] = is_string (push->v.elements[i]) || (i == n - 1 && is_keys (push->v.elements[i]))
                    ? tornadis_reply_ref (push->v.elements[i])
                    : tornadis_reply_alloc (TORNADIS_REPLY_KIND_STRING, 0);
  tornadis_reply_unref (push);

  return tornadis_reply_new_array (TORNADIS_REPLY_KIND_ARRAY, elements, n);
}

static char *
make_text (TornadisReply *reply)
{
  if (tornadis_reply_is_text (reply))
    return NULL;

  return g_utf8_make_valid (reply->data, (gssize) reply->length);
}

TornadisMessage *
tornadis_message_new (TornadisReply *push,
                      gboolean has_pattern,
                      TornadisReply *text)
{
  TornadisMessage *self = g_new (TornadisMessage, 1);
  TornadisReply **elements;

  g_atomic_ref_count_init (&self->ref_count);
  self->push = take_elements (push, has_pattern ? 4 : 3);
  elements = self->push->v.elements;
  self->pattern = has_pattern ? elements[1] : NULL;
  self->channel = elements[has_pattern ? 2 : 1];
  self->payload = elements[has_pattern ? 3 : 2];
  self->channel_text = self->channel == text ? NULL : make_text (self->channel);
  self->pattern_text = has_pattern ? make_text (self->pattern) : NULL;
  self->serial = 0;

  return self;
}

TornadisReply *
tornadis_message_peek_text_channel (TornadisMessage *self)
{
  return self->channel_text == NULL ? self->channel : NULL;
}

const char *
tornadis_message_peek_channel (TornadisMessage *self,
                               gsize *length)
{
  *length = self->channel->length;

  return self->channel->data;
}

const char *
tornadis_message_peek_pattern (TornadisMessage *self,
                               gsize *length)
{
  if (self->pattern == NULL)
    return NULL;

  *length = self->pattern->length;

  return self->pattern->data;
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

/* The bytes that a message holds in memory, for queues that have a bound. */
gsize
tornadis_message_get_size (TornadisMessage *self)
{
  gsize size = sizeof *self + get_reply_size (self->channel) + get_reply_size (self->payload);

  if (self->pattern != NULL)
    size += get_reply_size (self->pattern);

  return size;
}

void
tornadis_message_set_serial (TornadisMessage *self,
                             guint64 serial)
{
  self->serial = serial;
}

guint64
tornadis_message_get_serial (const TornadisMessage *self)
{
  return self->serial;
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

  g_atomic_ref_count_inc (&self->ref_count);

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

  /* Nobody can take a reference while there is only one: the locked instruction is for shared ones. */
  if (g_atomic_int_get (&self->ref_count) != 1 && !g_atomic_ref_count_dec (&self->ref_count))
    return;

  tornadis_reply_unref (self->push);
  g_free (self->channel_text);
  g_free (self->pattern_text);
  g_free (self);
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

  return self->channel_text != NULL ? self->channel_text : self->channel->data;
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

  return tornadis_reply_get_bytes (self->channel);
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

  if (self->pattern == NULL)
    return NULL;

  return self->pattern_text != NULL ? self->pattern_text : self->pattern->data;
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
