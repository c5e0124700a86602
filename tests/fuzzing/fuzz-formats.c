/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/fuzzing/fuzz-formats.h"

#include <math.h>
#include <string.h>

#include "introspection/bridge/tornadis-bridge-format.h"
#include "tornadis-glib/values/tornadis-reply-private.h"

/* Calls. */

static void
put_head (GString *out,
          char opcode,
          gsize value)
{
  guint32 number = GUINT32_TO_LE ((guint32) value);

  g_string_append_c (out, opcode);
  g_string_append_len (out, (const char *) &number, sizeof number);
}

GString *
fuzz_marshal_calls (GPtrArray *calls)
{
  GString *out = g_string_new (NULL);

  put_head (out, '[', calls->len);
  for (guint i = 0; i < calls->len; i++)
    {
      TornadisCommand *command = g_ptr_array_index (calls, i);
      gsize n = tornadis_command_get_n_args (command);

      put_head (out, '[', n);
      for (gsize j = 0; j < n; j++)
        {
          gsize length;
          const char *data = (const char *) tornadis_command_get_arg_data (command, j, &length);

          put_head (out, 's', length);
          g_string_append_len (out, data, (gssize) length);
        }
    }

  return out;
}

GString *
fuzz_json_calls (GPtrArray *calls)
{
  g_autoptr (GString) out = g_string_new ("[");

  for (guint i = 0; i < calls->len; i++)
    {
      TornadisCommand *command = g_ptr_array_index (calls, i);
      gsize n = tornadis_command_get_n_args (command);

      g_string_append (out, i > 0 ? ",[" : "[");
      for (gsize j = 0; j < n; j++)
        {
          gsize length;
          const char *data = (const char *) tornadis_command_get_arg_data (command, j, &length);

          if (!tornadis_bridge_data_is_text (data, length))
            return NULL;
          g_string_append (out, j > 0 ? ",\"" : "\"");
          for (gsize k = 0; k < length; k++)
            if ((guint8) data[k] < ' ' || data[k] == '"' || data[k] == '\\')
              g_string_append_printf (out, "\\u%04X", data[k]);
            else
              g_string_append_c (out, data[k]);
          g_string_append_c (out, '"');
        }
      g_string_append_c (out, ']');
    }
  g_string_append_c (out, ']');

  return g_steal_pointer (&out);
}

/* What is left of that which is read. */
typedef struct
{
  const char *p; /* (unowned) */
  const char *end;
  gboolean decode;
} Cursor;

static const char *
take (Cursor *self,
      gsize n)
{
  const char *taken = self->p;

  g_assert_cmpuint ((gsize) (self->end - self->p), >=, n);
  self->p += n;

  return taken;
}

static void
expect (Cursor *self,
        const char *text)
{
  g_assert_cmpmem (take (self, strlen (text)), strlen (text), text, strlen (text));
}

/* Marshalled. */

static guint32
take_head (Cursor *self,
           char opcode)
{
  guint32 number;

  g_assert_cmpint (*take (self, 1), ==, opcode);
  memcpy (&number, take (self, sizeof number), sizeof number);

  return GUINT32_FROM_LE (number);
}

/* An integer in decimal, without a sign that means nothing and zeros in front. */
static char *
take_integer (Cursor *self)
{
  g_autoptr (GString) reversed = g_string_new (NULL);
  g_autofree guint32 *digits = NULL;
  gint32 n;
  gboolean negative;

  if (*self->p == 'i')
    return g_strdup_printf ("%d", (gint32) take_head (self, 'i'));

  n = (gint32) take_head (self, 'l');
  negative = n < 0;
  n = ABS (n);
  digits = g_new (guint32, n);
  for (gint32 i = 0; i < n; i++)
    {
      guint16 digit;

      memcpy (&digit, take (self, sizeof digit), sizeof digit);
      digits[i] = GUINT16_FROM_LE (digit);
      g_assert_cmpuint (digits[i], <, 1 << 15);
    }
  g_assert_true (n == 0 || digits[n - 1] > 0);

  while (n > 0)
    {
      guint32 rest = 0;

      for (gint32 i = n; i-- > 0;)
        {
          rest = rest << 15 | digits[i];
          digits[i] = rest / 10;
          rest %= 10;
        }
      g_string_append_c (reversed, (char) ('0' + rest));
      while (n > 0 && digits[n - 1] == 0)
        n--;
    }
  if (reversed->len == 0)
    g_string_append_c (reversed, '0');
  else if (negative)
    g_string_append_c (reversed, '-');

  return g_strreverse (g_strdup (reversed->str));
}

/* The same of text that is a number. */
static char *
dup_integer (const TornadisReply *reply)
{
  gboolean negative = reply->data[0] == '-';
  const char *digits = reply->data + (negative || reply->data[0] == '+');

  while (digits[0] == '0' && digits[1] != '\0')
    digits++;

  return g_strconcat (negative && *digits != '0' ? "-" : "", digits, NULL);
}

static void
check_marshalled_string (Cursor *self,
                         const char *data,
                         gsize length,
                         gboolean is_text)
{
  guint32 n = take_head (self, is_text ? 'u' : 's');

  g_assert_cmpmem (take (self, n), n, data, length);
  g_assert_true (!is_text || tornadis_bridge_data_is_text (data, length));
}

static void
check_marshalled_error (Cursor *self,
                        TornadisReply *reply)
{
  g_autoptr (GError) error = tornadis_reply_dup_error (reply);
  const char *domain = g_quark_to_string (error->domain);

  g_assert_cmpuint (take_head (self, '('), ==, 3);
  check_marshalled_string (self, domain, strlen (domain), TRUE);
  g_assert_cmpint ((gint32) take_head (self, 'i'), ==, error->code);
  check_marshalled_string (self, error->message, strlen (error->message), TRUE);
}

/* Returns whether there is an error in it. */
static gboolean
check_marshalled (Cursor *self,
                  TornadisReply *reply,
                  gboolean is_key)
{
  gboolean has_errors = FALSE;
  gsize n = tornadis_reply_get_n_elements (reply);

  switch (reply->kind)
    {
    case TORNADIS_REPLY_KIND_ERROR:
      if (!is_key)
        {
          check_marshalled_error (self, reply);
          return TRUE;
        }
      check_marshalled_string (self, reply->data, reply->length, self->decode);
      return FALSE;
    case TORNADIS_REPLY_KIND_STRING:
    case TORNADIS_REPLY_KIND_STATUS:
    case TORNADIS_REPLY_KIND_VERBATIM:
      check_marshalled_string (self, reply->data, reply->length, self->decode);
      return FALSE;
    case TORNADIS_REPLY_KIND_BIG_NUMBER:
      if (tornadis_bridge_is_number (reply))
        {
          g_autofree char *expected = dup_integer (reply);
          g_autofree char *found = take_integer (self);

          g_assert_cmpstr (found, ==, expected);
        }
      else
        {
          check_marshalled_string (self, reply->data, reply->length, self->decode);
        }
      return FALSE;
    case TORNADIS_REPLY_KIND_INTEGER:
      {
        g_autofree char *expected = g_strdup_printf ("%" G_GINT64_FORMAT, tornadis_reply_get_integer (reply));
        g_autofree char *found = take_integer (self);

        g_assert_cmpstr (found, ==, expected);
        return FALSE;
      }
    case TORNADIS_REPLY_KIND_DOUBLE:
      {
        guint64 bits;
        double number = tornadis_reply_get_double (reply);

        expect (self, "g");
        memcpy (&bits, take (self, sizeof bits), sizeof bits);
        bits = GUINT64_FROM_LE (bits);
        g_assert_cmpmem (&bits, sizeof bits, &number, sizeof number);
        return FALSE;
      }
    case TORNADIS_REPLY_KIND_BOOLEAN:
      expect (self, tornadis_reply_get_boolean (reply) ? "T" : "F");
      return FALSE;
    case TORNADIS_REPLY_KIND_NIL:
      expect (self, "N");
      return FALSE;
    case TORNADIS_REPLY_KIND_MAP:
    case TORNADIS_REPLY_KIND_ARRAY:
    case TORNADIS_REPLY_KIND_SET:
    case TORNADIS_REPLY_KIND_PUSH:
    default:
      break;
    }

  if (reply->kind == TORNADIS_REPLY_KIND_MAP && !is_key)
    expect (self, "{");
  else
    g_assert_cmpuint (take_head (self, is_key ? '(' : '['), ==, n);
  for (gsize i = 0; i < n; i++)
    has_errors |= check_marshalled (self, tornadis_reply_get_element (reply, i),
                                    is_key || (reply->kind == TORNADIS_REPLY_KIND_MAP && i % 2 == 0));
  if (reply->kind == TORNADIS_REPLY_KIND_MAP && !is_key)
    expect (self, "0");

  return has_errors;
}

void
fuzz_check_marshal (TornadisReply *reply,
                    gboolean decode,
                    const guint8 *data,
                    gsize length)
{
  Cursor cursor = { (const char *) data, (const char *) data + length, decode };
  gint32 number;
  gboolean has_errors;

  expect (&cursor, "{");
  number = (gint32) take_head (&cursor, 'i');
  has_errors = check_marshalled (&cursor, reply, FALSE);
  expect (&cursor, "0");
  g_assert_true (cursor.p == cursor.end);
  g_assert_cmpint (number, ==, has_errors ? ~0 : 0);
}

/* JSON. */

/* Text in quotes, the characters of which are those of @data, or its bytes. */
static void
check_json_string (Cursor *self,
                   const char *data,
                   gsize length,
                   gboolean is_text)
{
  g_autoptr (GString) found = g_string_new (NULL);

  expect (self, "\"");
  while (*self->p != '"')
    {
      gunichar c;

      if (*self->p == '\\')
        {
          g_autofree char *digits = NULL;

          expect (self, "\\u");
          digits = g_strndup (take (self, 4), 4);
          c = (gunichar) g_ascii_strtoull (digits, NULL, 16);
        }
      else
        {
          c = g_utf8_get_char (self->p);
          g_assert_cmpuint (c, >=, ' ');
          take (self, g_utf8_skip[(guint8) *self->p]);
        }

      if (is_text)
        {
          g_string_append_unichar (found, c);
        }
      else
        {
          g_assert_cmpuint (c, <=, G_MAXUINT8);
          g_string_append_c (found, (char) c);
        }
    }
  expect (self, "\"");
  g_assert_cmpmem (found->str, found->len, data, length);
}

static void
check_json_error (Cursor *self,
                  TornadisReply *reply)
{
  g_autoptr (GError) error = tornadis_reply_dup_error (reply);
  const char *domain = g_quark_to_string (error->domain);
  g_autofree char *code = g_strdup_printf (",%d,", error->code);

  expect (self, "{\"e\":[");
  check_json_string (self, domain, strlen (domain), TRUE);
  expect (self, code);
  check_json_string (self, error->message, strlen (error->message), TRUE);
  expect (self, "]}");
}

static double
take_json_number (Cursor *self)
{
  char *end;
  double number = g_ascii_strtod (self->p, &end);

  g_assert_true (end > self->p && end <= self->end);
  self->p = end;

  return number;
}

/* Returns whether there is something in it that JSON does not know. */
static gboolean
check_json (Cursor *self,
            TornadisReply *reply)
{
  gboolean is_map = reply->kind == TORNADIS_REPLY_KIND_MAP;
  gboolean has_specials = is_map;

  switch (reply->kind)
    {
    case TORNADIS_REPLY_KIND_ERROR:
      check_json_error (self, reply);
      return TRUE;
    case TORNADIS_REPLY_KIND_BIG_NUMBER:
      if (tornadis_bridge_is_number (reply))
        {
          expect (self, "{\"i\":");
          check_json_string (self, reply->data + (reply->data[0] == '+'), reply->length - (reply->data[0] == '+'), TRUE);
          expect (self, "}");
          return TRUE;
        }
      G_GNUC_FALLTHROUGH;
    case TORNADIS_REPLY_KIND_STRING:
    case TORNADIS_REPLY_KIND_STATUS:
    case TORNADIS_REPLY_KIND_VERBATIM:
      if (tornadis_bridge_is_text (reply))
        {
          check_json_string (self, reply->data, reply->length, TRUE);
          return FALSE;
        }
      expect (self, "{\"b\":");
      check_json_string (self, reply->data, reply->length, FALSE);
      expect (self, "}");
      return TRUE;
    case TORNADIS_REPLY_KIND_INTEGER:
      {
        gint64 integer = tornadis_reply_get_integer (reply);
        gboolean is_safe = ABS ((double) integer) <= 9007199254740991.0;
        g_autofree char *expected = g_strdup_printf (is_safe ? "%" G_GINT64_FORMAT : "{\"i\":\"%" G_GINT64_FORMAT "\"}", integer);

        expect (self, expected);
        return !is_safe;
      }
    case TORNADIS_REPLY_KIND_DOUBLE:
      {
        double number = tornadis_reply_get_double (reply);

        if (isfinite (number))
          {
            g_assert_true (take_json_number (self) == number);
            return FALSE;
          }
        expect (self, "{\"d\":\"");
        expect (self, isnan (number) ? "NaN" : number > 0 ? "Infinity"
                                                          : "-Infinity");
        expect (self, "\"}");
        return TRUE;
      }
    case TORNADIS_REPLY_KIND_BOOLEAN:
      expect (self, tornadis_reply_get_boolean (reply) ? "true" : "false");
      return FALSE;
    case TORNADIS_REPLY_KIND_NIL:
      expect (self, "null");
      return FALSE;
    case TORNADIS_REPLY_KIND_MAP:
    case TORNADIS_REPLY_KIND_ARRAY:
    case TORNADIS_REPLY_KIND_SET:
    case TORNADIS_REPLY_KIND_PUSH:
    default:
      break;
    }

  if (is_map)
    expect (self, "{\"m\":");
  expect (self, "[");
  for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
    {
      if (i > 0)
        expect (self, ",");
      has_specials |= check_json (self, tornadis_reply_get_element (reply, i));
    }
  expect (self, is_map ? "]}" : "]");

  return has_specials;
}

void
fuzz_check_json (TornadisReply *reply,
                 const char *json)
{
  Cursor cursor = { json, json + strlen (json), FALSE };
  char sign;
  gboolean has_specials;

  expect (&cursor, "[");
  sign = *take (&cursor, 1);
  expect (&cursor, "1,");
  has_specials = check_json (&cursor, reply);
  expect (&cursor, "]");
  g_assert_true (cursor.p == cursor.end);
  g_assert_cmpint (sign, ==, has_specials ? '-' : ' ');
}

void
fuzz_check_marshal_payload (TornadisReply *payload,
                            const char *data,
                            gsize length)
{
  Cursor cursor = { data, data + length, FALSE };

  if (tornadis_reply_kind_has_data (payload->kind))
    {
      check_marshalled_string (&cursor, payload->data, payload->length, tornadis_reply_is_text (payload));
    }
  else
    {
      g_assert_cmpuint (take_head (&cursor, '('), ==, 1);
      check_marshalled (&cursor, payload, FALSE);
    }
  g_assert_true (cursor.p == cursor.end);
}

void
fuzz_check_json_payload (TornadisReply *payload,
                         const char *json,
                         gsize length)
{
  Cursor cursor = { json, json + length, FALSE };

  if (tornadis_reply_kind_has_data (payload->kind))
    {
      gboolean is_text = tornadis_reply_is_text (payload);

      expect (&cursor, is_text ? "" : "{\"b\":");
      check_json_string (&cursor, payload->data, payload->length, is_text);
      expect (&cursor, is_text ? "" : "}");
    }
  else if (payload->kind == TORNADIS_REPLY_KIND_ARRAY)
    {
      expect (&cursor, "{\"k\":[");
      for (gsize i = 0; i < tornadis_reply_get_n_elements (payload); i++)
        {
          gsize key_length;
          const guint8 *key = tornadis_reply_get_data (tornadis_reply_get_element (payload, i), &key_length);

          expect (&cursor, i > 0 ? ",{\"b\":" : "{\"b\":");
          check_json_string (&cursor, (const char *) key, key_length, FALSE);
          expect (&cursor, "}");
        }
      expect (&cursor, "]}");
    }
  else
    {
      expect (&cursor, "{\"k\":null}");
    }
  g_assert_true (cursor.p == cursor.end);
}
