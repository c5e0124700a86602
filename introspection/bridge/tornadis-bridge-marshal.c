/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What Python's marshal makes and takes apart, in version 2, which all versions of Python read. Outcomes are a dict, which
 * needs no length in front: the number of a call and its value. A tuple among the values, which replies have none of,
 * stands for an error or for a reply that has to be asked for; the number of a call whose outcome has any is given
 * inverted, and so negative. */

#include "introspection/bridge/tornadis-bridge-format.h"

#include <string.h>

#include "tornadis-glib/values/tornadis-reply-pack-private.h"

/* Python's marshal reads 1000 levels at least, but what looks for errors among them takes two calls of Python for each,
 * and programs need some too. */
#define MAX_DEPTH 200
/* Those of an integer without a bound; 600 decimal ones are 133 of them. */
#define DIGIT_BITS 15
#define MAX_DIGITS (TORNADIS_BRIDGE_MAX_DIGITS * 2 / 9 + 1)

typedef struct
{
  GString *out; /* (unowned) */
  guint depth;
  gboolean decode;
  gboolean failed; /* a string is not text, values are nested too deep, keys may be the same to Python, or there is no memory */
  gboolean has_specials;
  guint key_kinds; /* bits: the kinds of numbers among the keys of a map */
} Marshaller;

static void marshal_value (Marshaller *self, const TornadisReply *reply);

static inline char *
put_uint32 (char *p,
            guint32 value)
{
  value = GUINT32_TO_LE (value);
  memcpy (p, &value, sizeof value);
  return p + sizeof value;
}

/* An opcode and a number or a length. */
static inline void
put_head (GString *out,
          char opcode,
          guint32 value)
{
  char *p = tornadis_bridge_extend (out, 5);

  *p = opcode;
  put_uint32 (p + 1, value);
}

static void
put_string (GString *out,
            char opcode,
            const char *data,
            gsize length)
{
  char *p = tornadis_bridge_extend (out, 5 + length);

  *p = opcode;
  memcpy (put_uint32 (p + 1, (guint32) length), data, length);
}

static void
put_text (GString *out,
          const char *text)
{
  put_string (out, 'u', text, strlen (text));
}

/* The digits stand from the lowest to the highest, which is not 0. */
static void
put_long (GString *out,
          gboolean negative,
          const guint16 *digits,
          guint32 n_digits)
{
  put_head (out, 'l', negative ? -n_digits : n_digits);
  for (guint32 i = 0; i < n_digits; i++)
    {
      guint16 digit = GUINT16_TO_LE (digits[i]);

      memcpy (tornadis_bridge_extend (out, sizeof digit), &digit, sizeof digit);
    }
}

static void
put_integer (GString *out,
             gint64 value)
{
  guint64 rest = value < 0 ? -(guint64) value : (guint64) value;
  guint16 digits[64 / DIGIT_BITS + 1];
  guint32 n = 0;

  if (value >= G_MININT32 && value <= G_MAXINT32)
    {
      put_head (out, 'i', (guint32) (gint32) value);
      return;
    }

  for (; rest > 0; rest >>= DIGIT_BITS)
    digits[n++] = rest & ((1 << DIGIT_BITS) - 1);
  put_long (out, value < 0, digits, n);
}

/* @text is decimal, with a sign or without. */
static void
put_big_number (GString *out,
                const char *text)
{
  gboolean negative = *text == '-';
  guint16 digits[MAX_DIGITS];
  guint32 n = 0;

  for (const char *p = text + (negative || *text == '+'); *p != '\0'; p++)
    {
      guint32 carry = (guint32) g_ascii_digit_value (*p);

      for (guint32 i = 0; i < n; i++)
        {
          carry += digits[i] * 10u;
          digits[i] = carry & ((1 << DIGIT_BITS) - 1);
          carry >>= DIGIT_BITS;
        }
      if (carry > 0)
        digits[n++] = (guint16) carry;
    }

  put_long (out, negative, digits, n);
}

static void
put_double (GString *out,
            double value)
{
  char *p = tornadis_bridge_extend (out, 9);
  guint64 bits;

  memcpy (&bits, &value, sizeof bits);
  bits = GUINT64_TO_LE (bits);
  *p = 'g';
  memcpy (p + 1, &bits, sizeof bits);
}

static void
put_error (GString *out,
           const GError *error)
{
  g_autofree char *message = tornadis_bridge_dup_message (error->message);

  put_head (out, '(', 3);
  put_text (out, g_quark_to_string (error->domain));
  put_integer (out, error->code);
  put_text (out, message);
}

static void
marshal_error (Marshaller *self,
               const TornadisReply *reply)
{
  g_autoptr (GError) error = tornadis_reply_dup_error ((TornadisReply *) reply);

  self->has_specials = TRUE;
  if (tornadis_bridge_has_room (self->out, strlen (error->message)))
    put_error (self->out, error);
  else
    self->failed = TRUE;
}

static void
marshal_string (Marshaller *self,
                const TornadisReply *reply)
{
  /* A length has 31 bits. */
  if (G_UNLIKELY (reply->length > G_MAXINT32 || !tornadis_bridge_has_room (self->out, reply->length)))
    self->failed = TRUE;
  else if (!self->decode)
    put_string (self->out, 's', reply->data, reply->length);
  else if (tornadis_bridge_is_text (reply))
    put_string (self->out, 'u', reply->data, reply->length);
  else
    self->failed = TRUE;
}

static void
marshal_big_number (Marshaller *self,
                    const TornadisReply *reply)
{
  if (tornadis_bridge_is_number (reply))
    put_big_number (self->out, reply->data);
  else
    marshal_string (self, reply);
}

/* To Python 1, 1.0 and True are the same key, of which a dict has one. Integers of all sizes are of one kind there. */
static void
note_kind_of_key (Marshaller *self,
                  TornadisReplyKind kind)
{
  if (kind == TORNADIS_REPLY_KIND_BIG_NUMBER)
    kind = TORNADIS_REPLY_KIND_INTEGER;
  if (kind == TORNADIS_REPLY_KIND_INTEGER || kind == TORNADIS_REPLY_KIND_DOUBLE || kind == TORNADIS_REPLY_KIND_BOOLEAN)
    self->key_kinds |= 1u << kind;

  /* Which of them are there twice, and what to do, is for Python to say. */
  if ((self->key_kinds & (self->key_kinds - 1)) != 0)
    self->failed = TRUE;
}

/* A key is to be hashable: lists become tuples. */
static void
marshal_key (Marshaller *self,
             const TornadisReply *reply)
{
  if (reply->kind == TORNADIS_REPLY_KIND_ERROR)
    {
      marshal_string (self, reply);
      return;
    }
  if (!tornadis_reply_kind_is_aggregate (reply->kind))
    {
      note_kind_of_key (self, reply->kind);
      marshal_value (self, reply);
      return;
    }

  put_head (self->out, '(', (guint32) reply->length);
  if (++self->depth > MAX_DEPTH)
    self->failed = TRUE;
  for (gsize i = 0; i < reply->length && !self->failed; i++)
    if (tornadis_bridge_has_room (self->out, 0))
      marshal_key (self, tornadis_bridge_get_elements (reply)[i]);
    else
      self->failed = TRUE;
  self->depth--;
}

/* The strings of a pack stand there as bytes are marshalled, and need but another letter to be text. */
static void
marshal_segment (Marshaller *self,
                 const TornadisReplyPack *pack)
{
  char *string;

  if (!tornadis_bridge_has_room (self->out, pack->size))
    {
      self->failed = TRUE;
      return;
    }

  string = tornadis_bridge_extend (self->out, pack->size);
  memcpy (string, pack->strings, pack->size);
  if (!self->decode)
    return;

  for (gsize i = 0; i < pack->length; i++)
    {
      gsize length = tornadis_reply_pack_get_length (string);

      *string = 'u';
      string += TORNADIS_REPLY_PACK_HEAD;
      if (!tornadis_bridge_data_is_text (string, length))
        {
          self->failed = TRUE;
          return;
        }
      string += length;
    }
}

gboolean
tornadis_bridge_has_parts (const TornadisReply *reply)
{
  return tornadis_reply_is_packed (reply) && reply->kind != TORNADIS_REPLY_KIND_MAP &&
         tornadis_reply_get_pack (reply)->next != NULL;
}

GString *
tornadis_bridge_marshal_part (const TornadisReply *reply,
                              gboolean decode)
{
  const TornadisReplyPack *pack = tornadis_reply_get_pack (reply);
  Marshaller marshaller = { NULL, 0, decode, FALSE, FALSE, 0 };

  if (pack->length == 0)
    pack = pack->next;

  marshaller.out = g_string_sized_new (pack->size + 5);
  put_head (marshaller.out, '[', (guint32) pack->length);
  marshal_segment (&marshaller, pack);
  if (!marshaller.failed)
    return marshaller.out;

  g_string_free (marshaller.out, TRUE);

  return NULL;
}

static void
marshal_elements (Marshaller *self,
                  const TornadisReply *reply)
{
  gboolean map = reply->kind == TORNADIS_REPLY_KIND_MAP;
  guint key_kinds = self->key_kinds;

  if (tornadis_reply_is_packed (reply))
    {
      for (const TornadisReplyPack *pack = tornadis_reply_get_pack (reply); pack != NULL && !self->failed; pack = pack->next)
        marshal_segment (self, pack);
      return;
    }

  if (++self->depth > MAX_DEPTH)
    self->failed = TRUE;
  self->key_kinds = 0;
  for (gsize i = 0; i < reply->length && !self->failed; i++)
    {
      const TornadisReply *element = tornadis_bridge_get_elements (reply)[i];

      if (!tornadis_bridge_has_room (self->out, 0))
        self->failed = TRUE;
      else if (map && i % 2 == 0)
        marshal_key (self, element);
      else
        marshal_value (self, element);
    }
  self->key_kinds = key_kinds;
  self->depth--;
}

static void
marshal_value (Marshaller *self,
               const TornadisReply *reply)
{
  switch (reply->kind)
    {
    case TORNADIS_REPLY_KIND_STRING:
    case TORNADIS_REPLY_KIND_STATUS:
    case TORNADIS_REPLY_KIND_VERBATIM:
      marshal_string (self, reply);
      break;
    case TORNADIS_REPLY_KIND_INTEGER:
      put_integer (self->out, reply->v.integer);
      break;
    case TORNADIS_REPLY_KIND_DOUBLE:
      put_double (self->out, reply->v.number);
      break;
    case TORNADIS_REPLY_KIND_BOOLEAN:
      g_string_append_c (self->out, reply->v.boolean ? 'T' : 'F');
      break;
    case TORNADIS_REPLY_KIND_BIG_NUMBER:
      marshal_big_number (self, reply);
      break;
    case TORNADIS_REPLY_KIND_ERROR:
      marshal_error (self, reply);
      break;
    case TORNADIS_REPLY_KIND_MAP:
      g_string_append_c (self->out, '{');
      marshal_elements (self, reply);
      g_string_append_c (self->out, '0');
      break;
    case TORNADIS_REPLY_KIND_ARRAY:
    case TORNADIS_REPLY_KIND_SET:
    case TORNADIS_REPLY_KIND_PUSH:
      put_head (self->out, '[', (guint32) reply->length);
      marshal_elements (self, reply);
      break;
    case TORNADIS_REPLY_KIND_NIL:
    default:
      g_string_append_c (self->out, 'N');
    }
}

static gboolean
marshal_append_reply (GString *out,
                      guint32 number,
                      TornadisReply *reply,
                      gboolean decode)
{
  Marshaller marshaller = { out, 0, decode, FALSE, FALSE, 0 };
  gsize start = out->len;

  put_head (out, 'i', number);
  marshal_value (&marshaller, reply);

  if (G_UNLIKELY (marshaller.failed))
    {
      g_string_truncate (out, start);
      return FALSE;
    }
  if (G_UNLIKELY (marshaller.has_specials))
    put_uint32 (out->str + start + 1, ~number);

  return TRUE;
}

static void
marshal_append_error (GString *out,
                      guint32 number,
                      const GError *error)
{
  put_head (out, 'i', ~number);
  put_error (out, error);
}

static void
marshal_append_kept (GString *out,
                     guint32 number,
                     gboolean decode)
{
  put_head (out, 'i', ~number);
  put_head (out, '(', 1);
  g_string_append_c (out, decode ? 'T' : 'F');
}

static void
marshal_append_true (GString *out,
                     guint32 number)
{
  put_head (out, 'i', number);
  g_string_append_c (out, 'T');
}

/* Text, and the bytes that are meant when they are not text themselves. */
static void
put_name (GString *out,
          const char *text,
          const char *data,
          gsize length)
{
  put_text (out, text);
  if (text == data || (strlen (text) == length && memcmp (text, data, length) == 0))
    g_string_append_c (out, 'N');
  else
    put_string (out, 's', data, length);
}

static void
marshal_append_route (TornadisBridgeBatch *batch,
                      TornadisMessage *message)
{
  gsize length;
  const char *data = TORNADIS_PRIVATE_CALL (message_peek_channel, message, &length);

  put_head (batch->routes, '(', 5);
  put_name (batch->routes, tornadis_message_get_channel (message), data, length);
  data = TORNADIS_PRIVATE_CALL (message_peek_pattern, message, &length);
  if (data != NULL)
    put_name (batch->routes, tornadis_message_get_pattern (message), data, length);
  else
    g_string_append (batch->routes, "NN");
  g_string_append_c (batch->routes, tornadis_message_is_shard (message) ? 'T' : 'F');
}

/* An array of names, or nothing. */
static void
put_keys (GString *out,
          TornadisReply *keys)
{
  Marshaller marshaller = { out, 0, FALSE, FALSE, FALSE };

  put_head (out, '(', 1);
  marshal_value (&marshaller, keys);
}

static void
marshal_append_payload (TornadisBridgeBatch *batch,
                        TornadisMessage *message)
{
  gsize length;
  const char *data = TORNADIS_PRIVATE_CALL (message_peek_payload, message, &length);

  if (G_UNLIKELY (data == NULL))
    put_keys (batch->payloads, tornadis_message_get_reply (message));
  else
    put_string (batch->payloads, TORNADIS_PRIVATE_CALL (reply_data_is_text, data, length) ? 'u' : 's', data, length);
}

static GString *
marshal_join (const TornadisBridgeBatch *batch,
              guint n)
{
  gsize length;
  const char *payloads = tornadis_bridge_batch_peek (batch, n, &length);
  GString *out = g_string_sized_new (batch->routes->len + length + n + 32);

  put_head (out, '(', 5);
  if (batch->handler_id != 0)
    put_integer (out, (gint64) batch->handler_id);
  else
    g_string_append_c (out, batch->popped ? 'T' : 'F');
  put_head (out, '[', batch->n_routes);
  g_string_append_len (out, batch->routes->str, (gssize) batch->routes->len);
  if (batch->n_routes > 1)
    put_string (out, 's', (const char *) batch->indices + batch->n_told, n);
  else
    g_string_append_c (out, 'N');
  put_head (out, '[', n);
  g_string_append_len (out, payloads, (gssize) length);
  /* Whether they are the last of those that were popped together; else what came with them. */
  if (batch->popped)
    g_string_append_c (out, batch->all && batch->n_told + n == batch->n_messages ? 'T' : 'F');
  else
    put_integer (out, (gint64) batch->n_kept);

  return out;
}

typedef struct
{
  const char *p; /* (unowned) */
  const char *end;
} Unmarshaller;

/* An opcode and a number of 32 bits that is not negative. */
static gboolean
unmarshal_head (Unmarshaller *self,
                const char *opcodes,
                guint32 *n)
{
  /* A NUL ends the opcodes, and is none of them. */
  if (self->end - self->p < 5 || *self->p == '\0' || strchr (opcodes, *self->p) == NULL)
    return FALSE;

  memcpy (n, self->p + 1, sizeof *n);
  *n = GUINT32_FROM_LE (*n);
  self->p += 5;

  return *n <= G_MAXINT32;
}

static gboolean
unmarshal_call (Unmarshaller *self,
                TornadisCommand *command)
{
  guint32 n_args;
  guint32 length;

  if (!unmarshal_head (self, "[(", &n_args))
    return FALSE;

  for (guint32 i = 0; i < n_args; i++)
    {
      if (!unmarshal_head (self, "s", &length) || (gsize) (self->end - self->p) < length)
        return FALSE;

      TORNADIS_PRIVATE_CALL (command_append_data, command, self->p, length);
      self->p += length;
    }

  return TRUE;
}

static GPtrArray *
marshal_parse (const char *calls,
               gsize length,
               GError **error)
{
  /* What is empty may be nowhere. */
  Unmarshaller self = { calls, calls != NULL ? calls + length : NULL };
  g_autoptr (GPtrArray) commands = tornadis_bridge_new_calls ();
  guint32 n_calls;

  if (!unmarshal_head (&self, "[", &n_calls))
    return tornadis_bridge_fail_parse (g_steal_pointer (&commands), error);

  for (guint32 i = 0; i < n_calls; i++)
    {
      g_ptr_array_add (commands, tornadis_command_new_bytes (NULL, 0));
      if (!unmarshal_call (&self, g_ptr_array_index (commands, i)))
        return tornadis_bridge_fail_parse (g_steal_pointer (&commands), error);
    }

  if (self.p != self.end)
    return tornadis_bridge_fail_parse (g_steal_pointer (&commands), error);

  return g_steal_pointer (&commands);
}

const TornadisBridgeFormat tornadis_bridge_marshal = {
  "{",
  "0",
  marshal_append_reply,
  marshal_append_error,
  marshal_append_kept,
  marshal_append_true,
  marshal_append_route,
  marshal_append_payload,
  marshal_join,
  marshal_parse,
};
