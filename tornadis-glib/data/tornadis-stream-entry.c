/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-stream-entry-private.h"

#include <string.h>

#include "tornadis-glib/values/tornadis-reply.h"

/**
 * TornadisStreamEntry:
 *
 * An entry of a stream, as [class@Tornadis.StreamReader] and [class@Tornadis.StreamConsumer] read it.
 *
 * Its fields are names and values in the order in which they were added, and are bytes. An entry never changes, and the bytes
 * it hands out are not copied.
 *
 * Since: 1.0
 */
G_DEFINE_BOXED_TYPE (TornadisStreamEntry, tornadis_stream_entry, tornadis_stream_entry_ref, tornadis_stream_entry_unref)

/* Both halves of "1526919030474-55". */
static gboolean
parse_id (const char *text,
          guint64 *milliseconds,
          guint64 *sequence)
{
  char *end;

  if (text == NULL || !g_ascii_isdigit (*text))
    return FALSE;
  *milliseconds = g_ascii_strtoull (text, &end, 10);
  if (*end++ != '-' || !g_ascii_isdigit (*end))
    return FALSE;
  *sequence = g_ascii_strtoull (end, &end, 10);

  return *end == '\0';
}

static gboolean
is_list (TornadisReply *reply)
{
  return tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_ARRAY;
}

TornadisStreamEntry *
tornadis_stream_entry_new (char *stream,
                           TornadisReply *reply)
{
  TornadisStreamEntry *self;
  TornadisReply *fields;
  guint64 milliseconds;
  guint64 sequence;

  if (!is_list (reply) || tornadis_reply_get_n_elements (reply) < 2 ||
      !parse_id (tornadis_reply_get_text (tornadis_reply_get_element (reply, 0)), &milliseconds, &sequence))
    return NULL;
  fields = tornadis_reply_get_element (reply, 1);
  if (is_list (fields) ? tornadis_reply_get_n_elements (fields) % 2 != 0
                       : tornadis_reply_get_kind (fields) != TORNADIS_REPLY_KIND_NIL)
    return NULL;

  self = g_new (TornadisStreamEntry, 1);
  *self = (TornadisStreamEntry){ .delivery_count = 1,
                                 .milliseconds = milliseconds,
                                 .sequence = sequence,
                                 .stream = g_ref_string_acquire (stream),
                                 .reply = tornadis_reply_ref (reply) };
  g_atomic_ref_count_init (&self->ref_count);

  return self;
}

gboolean
tornadis_stream_entry_set_key (TornadisStreamEntry *self,
                               const char *id)
{
  return parse_id (id, &self->milliseconds, &self->sequence);
}

gboolean
tornadis_stream_entry_is_deleted (TornadisStreamEntry *self)
{
  return !is_list (tornadis_reply_get_element (self->reply, 1));
}

guint
tornadis_stream_entry_hash (gconstpointer entry)
{
  const TornadisStreamEntry *self = entry;
  guint64 hash = (self->milliseconds * 31 + self->sequence) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  return (guint) (hash >> 32);
}

gboolean
tornadis_stream_entry_equal (gconstpointer one,
                             gconstpointer other)
{
  const TornadisStreamEntry *self = one;
  const TornadisStreamEntry *entry = other;

  return self->milliseconds == entry->milliseconds && self->sequence == entry->sequence;
}

int
tornadis_stream_entry_compare (const TornadisStreamEntry *one,
                               const TornadisStreamEntry *other)
{
  if (one->milliseconds != other->milliseconds)
    return one->milliseconds < other->milliseconds ? -1 : 1;
  if (one->sequence != other->sequence)
    return one->sequence < other->sequence ? -1 : 1;

  return 0;
}

gboolean
tornadis_stream_entry_has_same (TornadisStreamEntry *one,
                                TornadisStreamEntry *other)
{
  TornadisReply *fields = tornadis_reply_get_element (one->reply, 1);
  TornadisReply *others = tornadis_reply_get_element (other->reply, 1);
  gsize n = tornadis_reply_get_n_elements (fields);

  if (tornadis_stream_entry_compare (one, other) != 0 || tornadis_reply_get_n_elements (others) != n)
    return FALSE;

  for (gsize i = 0; i < n; i++)
    {
      gsize length;
      gsize other_length;
      const guint8 *data = tornadis_reply_get_data (tornadis_reply_get_element (fields, i), &length);
      const guint8 *other_data = tornadis_reply_get_data (tornadis_reply_get_element (others, i), &other_length);

      if (data == NULL || other_data == NULL || length != other_length || memcmp (data, other_data, length) != 0)
        return FALSE;
    }

  return TRUE;
}

TornadisReply *
tornadis_stream_reply_get_list (TornadisReply *reply)
{
  TornadisReplyKind kind = tornadis_reply_get_kind (reply);
  TornadisReply *list = NULL;

  /* A map, or with RESP2 a list of pairs. */
  if (kind == TORNADIS_REPLY_KIND_MAP && tornadis_reply_get_n_elements (reply) >= 2)
    list = tornadis_reply_get_element (reply, 1);
  else if (kind == TORNADIS_REPLY_KIND_ARRAY && tornadis_reply_get_n_elements (reply) >= 1)
    {
      TornadisReply *pair = tornadis_reply_get_element (reply, 0);

      if (is_list (pair) && tornadis_reply_get_n_elements (pair) >= 2)
        list = tornadis_reply_get_element (pair, 1);
    }

  return list != NULL && is_list (list) ? list : NULL;
}

gint64
tornadis_stream_reply_get_number (TornadisReply *reply)
{
  const char *text;

  if (tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_INTEGER)
    return tornadis_reply_get_integer (reply);
  text = tornadis_reply_get_text (reply);

  return text != NULL ? g_ascii_strtoll (text, NULL, 10) : 0;
}

/**
 * tornadis_stream_entry_ref:
 * @self: an entry
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TornadisStreamEntry *
tornadis_stream_entry_ref (TornadisStreamEntry *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);

  return self;
}

/**
 * tornadis_stream_entry_unref:
 * @self: (transfer full): an entry
 *
 * Drops a reference.
 *
 * Since: 1.0
 */
void
tornadis_stream_entry_unref (TornadisStreamEntry *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_ref_string_release (self->stream);
  tornadis_reply_unref (self->reply);
  g_free (self);
}

/**
 * tornadis_stream_entry_get_stream:
 * @self: an entry
 *
 * Gets the key of the stream that it is from, as the reader was given it.
 *
 * Returns: the key
 *
 * Since: 1.0
 */
const char *
tornadis_stream_entry_get_stream (TornadisStreamEntry *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->stream;
}

/**
 * tornadis_stream_entry_get_id:
 * @self: an entry
 *
 * Gets its id, such as `1526919030474-55`.
 *
 * Returns: the id
 *
 * Since: 1.0
 */
const char *
tornadis_stream_entry_get_id (TornadisStreamEntry *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return tornadis_reply_get_text (tornadis_reply_get_element (self->reply, 0));
}

/**
 * tornadis_stream_entry_get_delivery_count:
 * @self: an entry
 *
 * Gets how often the server has delivered it to a consumer of its group, this time included. It is 1 of an entry of
 * [class@Tornadis.StreamReader], and where the server does not say.
 *
 * Returns: the count
 *
 * Since: 1.0
 */
guint
tornadis_stream_entry_get_delivery_count (TornadisStreamEntry *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->delivery_count;
}

/**
 * tornadis_stream_entry_get_n_fields:
 * @self: an entry
 *
 * Gets how many fields it has. A name may stand more than once.
 *
 * Returns: the number of fields
 *
 * Since: 1.0
 */
guint
tornadis_stream_entry_get_n_fields (TornadisStreamEntry *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return (guint) (tornadis_reply_get_n_elements (tornadis_reply_get_element (self->reply, 1)) / 2);
}

static GBytes *
entry_get_part (TornadisStreamEntry *self,
                guint i)
{
  TornadisReply *fields = tornadis_reply_get_element (self->reply, 1);
  GBytes *part = tornadis_reply_get_bytes (tornadis_reply_get_element (fields, i));

  return part != NULL ? part : g_bytes_new (NULL, 0);
}

/**
 * tornadis_stream_entry_get_field_name:
 * @self: an entry
 * @i: which field, from 0
 *
 * Gets the name of a field.
 *
 * Returns: (transfer full): its bytes
 *
 * Since: 1.0
 */
GBytes *
tornadis_stream_entry_get_field_name (TornadisStreamEntry *self,
                                      guint i)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (i < tornadis_stream_entry_get_n_fields (self), NULL);

  return entry_get_part (self, 2 * i);
}

/**
 * tornadis_stream_entry_get_field_value:
 * @self: an entry
 * @i: which field, from 0
 *
 * Gets the value of a field.
 *
 * Returns: (transfer full): its bytes
 *
 * Since: 1.0
 */
GBytes *
tornadis_stream_entry_get_field_value (TornadisStreamEntry *self,
                                       guint i)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (i < tornadis_stream_entry_get_n_fields (self), NULL);

  return entry_get_part (self, 2 * i + 1);
}

/**
 * tornadis_stream_entry_lookup:
 * @self: an entry
 * @name: a name
 *
 * Gets the value of the first field with that name.
 *
 * Returns: (transfer full) (nullable): its bytes, or %NULL if there is none
 *
 * Since: 1.0
 */
GBytes *
tornadis_stream_entry_lookup (TornadisStreamEntry *self,
                              const char *name)
{
  TornadisReply *value;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (name != NULL, NULL);

  value = tornadis_reply_lookup (tornadis_reply_get_element (self->reply, 1), name);

  return value != NULL ? tornadis_reply_get_bytes (value) : NULL;
}

/**
 * tornadis_stream_entry_lookup_text:
 * @self: an entry
 * @name: a name
 *
 * Gets the value of the first field with that name, as text.
 *
 * Returns: (nullable): the text, which belongs to the entry; %NULL if there is no such field, or if it is not text
 *
 * Since: 1.0
 */
const char *
tornadis_stream_entry_lookup_text (TornadisStreamEntry *self,
                                   const char *name)
{
  TornadisReply *value;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (name != NULL, NULL);

  value = tornadis_reply_lookup (tornadis_reply_get_element (self->reply, 1), name);

  return value != NULL ? tornadis_reply_get_text (value) : NULL;
}

/**
 * tornadis_stream_entry_get_reply:
 * @self: an entry
 *
 * Gets what the server has sent: a list of the id and the list of names and values in turn.
 *
 * Returns: (transfer none): the list
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_stream_entry_get_reply (TornadisStreamEntry *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->reply;
}
