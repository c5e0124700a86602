/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What Python's pickle takes apart and its marshal makes, both written in C. Outcomes are pickled with opcodes that
 * make plain values only. A tuple among the values, which replies have none of, stands for an error or for a reply that
 * has to be asked for; the number of a call whose outcome has any is given inverted, and so negative. */

#include "tornadis-glib/tornadis-bridge-private.h"

#include <string.h>

#include "tornadis-glib/tornadis-command-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/tornadis-reply-private.h"

typedef struct
{
  GString *out; /* (unowned) */
  gboolean decode;
  gboolean failed; /* a string is not text */
  gboolean has_specials;
} Pickler;

static void pickle_value (Pickler *self, const TornadisReply *reply);

static inline char *
put_uint32 (char *p,
            guint32 value)
{
  value = GUINT32_TO_LE (value);
  memcpy (p, &value, sizeof value);
  return p + sizeof value;
}

static void
put_string (GString *out,
            const char *data,
            gsize length,
            char short_opcode,
            char long_opcode)
{
  gsize head = length < 256 ? 2 : 5;
  char *p = tornadis_bridge_extend (out, head + length);

  if (head == 2)
    {
      p[0] = short_opcode;
      p[1] = (char) length;
    }
  else
    {
      p[0] = long_opcode;
      put_uint32 (p + 1, (guint32) length);
    }
  memcpy (p + head, data, length);
}

/* BINBYTES has a length of 32 bits, and a reply that is longer is never written. */
static void
put_bytes (GString *out,
           const char *data,
           gsize length)
{
  put_string (out, data, length, 'C', 'B');
}

static void
put_text (GString *out,
          const char *data,
          gsize length)
{
  put_string (out, data, length, '\x8c', 'X');
}

static void
put_integer (GString *out,
             gint64 value)
{
  char *p;

  if (value >= G_MININT32 && value <= G_MAXINT32)
    {
      p = tornadis_bridge_extend (out, 5);
      *p++ = 'J';
      put_uint32 (p, (guint32) (gint32) value);
      return;
    }

  p = tornadis_bridge_extend (out, 10);
  memcpy (p, "\x8a\x08", 2);
  value = GINT64_TO_LE (value);
  memcpy (p + 2, &value, sizeof value);
}

static void
put_double (GString *out,
            double value)
{
  char *p = tornadis_bridge_extend (out, 9);
  guint64 bits;

  memcpy (&bits, &value, sizeof bits);
  bits = GUINT64_TO_BE (bits);
  *p = 'G';
  memcpy (p + 1, &bits, sizeof bits);
}

static void
put_error (GString *out,
           const GError *error)
{
  const char *domain = g_quark_to_string (error->domain);
  g_autofree char *message = tornadis_bridge_dup_message (error->message);

  g_string_append_c (out, '(');
  put_text (out, domain, strlen (domain));
  put_integer (out, error->code);
  put_text (out, message, strlen (message));
  g_string_append_c (out, 't');
}

static void
pickle_string (Pickler *self,
               const TornadisReply *reply)
{
  if (!self->decode)
    put_bytes (self->out, reply->data, reply->length);
  else if (tornadis_bridge_is_text (reply))
    put_text (self->out, reply->data, reply->length);
  else
    self->failed = TRUE;
}

static void
pickle_big_number (Pickler *self,
                   const TornadisReply *reply)
{
  if (tornadis_bridge_is_number (reply))
    g_string_append_printf (self->out, "L%sL\n", reply->data);
  else
    pickle_string (self, reply);
}

/* A key is to be hashable: lists become tuples. */
static void
pickle_key (Pickler *self,
            const TornadisReply *reply)
{
  if (reply->kind == TORNADIS_REPLY_KIND_ERROR)
    {
      pickle_string (self, reply);
      return;
    }
  if (!tornadis_reply_kind_is_aggregate (reply->kind))
    {
      pickle_value (self, reply);
      return;
    }

  g_string_append_c (self->out, '(');
  for (gsize i = 0; i < reply->length; i++)
    pickle_key (self, reply->v.elements[i]);
  g_string_append_c (self->out, 't');
}

static void
pickle_list (Pickler *self,
             const TornadisReply *reply)
{
  /* Not doubled over and over for a long list of short values. */
  tornadis_bridge_extend (self->out, 2 + reply->length * 16);
  g_string_truncate (self->out, self->out->len - 2 - reply->length * 16);

  g_string_append_len (self->out, "](", 2);
  for (gsize i = 0; i < reply->length; i++)
    pickle_value (self, reply->v.elements[i]);
  g_string_append_c (self->out, 'e');
}

static void
pickle_map (Pickler *self,
            const TornadisReply *reply)
{
  g_string_append_len (self->out, "}(", 2);
  for (gsize i = 0; i + 1 < reply->length; i += 2)
    {
      pickle_key (self, reply->v.elements[i]);
      pickle_value (self, reply->v.elements[i + 1]);
    }
  g_string_append_c (self->out, 'u');
}

static void
pickle_value (Pickler *self,
              const TornadisReply *reply)
{
  switch (reply->kind)
    {
    case TORNADIS_REPLY_KIND_STRING:
    case TORNADIS_REPLY_KIND_STATUS:
    case TORNADIS_REPLY_KIND_VERBATIM:
      pickle_string (self, reply);
      break;
    case TORNADIS_REPLY_KIND_INTEGER:
      put_integer (self->out, reply->v.integer);
      break;
    case TORNADIS_REPLY_KIND_DOUBLE:
      put_double (self->out, reply->v.number);
      break;
    case TORNADIS_REPLY_KIND_BOOLEAN:
      g_string_append_c (self->out, reply->v.boolean ? '\x88' : '\x89');
      break;
    case TORNADIS_REPLY_KIND_BIG_NUMBER:
      pickle_big_number (self, reply);
      break;
    case TORNADIS_REPLY_KIND_ERROR:
      {
        g_autoptr (GError) error = tornadis_reply_get_error ((TornadisReply *) reply);

        put_error (self->out, error);
        self->has_specials = TRUE;
        break;
      }
    case TORNADIS_REPLY_KIND_MAP:
      pickle_map (self, reply);
      break;
    case TORNADIS_REPLY_KIND_ARRAY:
    case TORNADIS_REPLY_KIND_SET:
    case TORNADIS_REPLY_KIND_PUSH:
      pickle_list (self, reply);
      break;
    case TORNADIS_REPLY_KIND_NIL:
    default:
      g_string_append_c (self->out, 'N');
    }
}

static gboolean
pickle_append_reply (GString *out,
                     guint32 number,
                     TornadisReply *reply,
                     gboolean decode)
{
  Pickler pickler = { out, decode, FALSE, FALSE };
  gsize start = out->len;

  put_integer (out, (gint32) number);
  pickle_value (&pickler, reply);

  if (G_UNLIKELY (pickler.failed))
    {
      g_string_truncate (out, start);
      return FALSE;
    }
  if (G_UNLIKELY (pickler.has_specials))
    put_uint32 (out->str + start + 1, ~number);

  return TRUE;
}

static void
pickle_append_error (GString *out,
                     guint32 number,
                     const GError *error)
{
  put_integer (out, (gint32) ~number);
  put_error (out, error);
}

static void
pickle_append_kept (GString *out,
                    guint32 number)
{
  put_integer (out, (gint32) ~number);
  g_string_append_c (out, ')');
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
  if (self->end - self->p < 5 || strchr (opcodes, *self->p) == NULL)
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

      tornadis_command_append_data (command, self->p, length);
      self->p += length;
    }

  return TRUE;
}

static GPtrArray *
pickle_parse (const char *calls,
              gsize length,
              GError **error)
{
  Unmarshaller self = { calls, calls + length };
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

const TornadisBridgeFormat tornadis_bridge_pickle = {
  "\x80\x04](",
  "e.",
  pickle_append_reply,
  pickle_append_error,
  pickle_append_kept,
  pickle_parse,
};
