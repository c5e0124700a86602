/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What JavaScript's JSON takes apart and makes by itself. An object among the values, which replies have none of, stands
 * for what JSON does not know, see TornadisBridgeTextFunc. */

#include "introspection/bridge/tornadis-bridge-format.h"

#include <math.h>
#include <string.h>

#include "tornadis-glib/values/tornadis-number-text-private.h"

/* Beyond this a JavaScript number is no longer exact. */
#define MAX_SAFE_INTEGER G_GINT64_CONSTANT (9007199254740991)

typedef enum
{
  JSON_PLAIN = 0,
  JSON_SPECIAL = 1 << 0,   /* some of it needed what JSON does not know */
  JSON_NO_MEMORY = 1 << 1, /* it is not whole */
} Json;

static Json json_value (GString *out, const TornadisReply *reply);

static inline gboolean
is_plain (guint8 c)
{
  return c >= 0x20 && c != '"' && c != '\\';
}

/* Without the quotes. */
static void
put_escaped (GString *out,
             guint8 c)
{
  if (is_plain (c))
    g_string_append_c (out, (char) c);
  else
    g_string_append_printf (out, "\\u%04x", c);
}

/* How many bytes of @data are plain, of which most text has no other: eight at a time for as long as they are. A byte is
 * below n, or has no bit that @mask has, when subtracting borrows from its highest bit. */
static gsize
count_plain (const char *data,
             gsize length)
{
  const guint64 ones = G_GUINT64_CONSTANT (0x0101010101010101);
  const guint64 highs = ones << 7;
  gsize n = 0;

  for (; n + sizeof (guint64) <= length; n += sizeof (guint64))
    {
      guint64 word;
      guint64 quotes;
      guint64 backslashes;

      memcpy (&word, data + n, sizeof word);
      quotes = word ^ ones * '"';
      backslashes = word ^ ones * '\\';
      /* What is beyond ASCII has its highest bit set already, and is plain. */
      if ((((word - ones * 0x20) | (quotes - ones) | (backslashes - ones)) & ~word & highs) != 0)
        break;
    }
  while (n < length && is_plain ((guint8) data[n]))
    n++;

  return n;
}

/* Whether @data can be written: at most six characters for each byte, which are counted where they are many. */
static gboolean
has_room (GString *out,
          const char *data,
          gsize length)
{
  gsize n = length;

  if (G_LIKELY (length < TORNADIS_BRIDGE_LARGE_SIZE / 6 && out->len < TORNADIS_BRIDGE_LARGE_SIZE - 6 * length))
    return TRUE;

  for (gsize i = 0; i < length; i++)
    if (!is_plain ((guint8) data[i]))
      n += 5;
    else if ((guint8) data[i] >= 0x80)
      n++;

  return tornadis_bridge_has_room (out, n);
}

/* @data is text. */
static void
put_text (GString *out,
          const char *data,
          gsize length)
{
  gsize n_plain = count_plain (data, length);
  char *p;

  p = tornadis_bridge_extend (out, 1 + n_plain);
  *p = '"';
  memcpy (p + 1, data, n_plain);

  for (gsize i = n_plain; i < length; i++)
    put_escaped (out, (guint8) data[i]);
  g_string_append_c (out, '"');
}

/* Each byte is the character of that number. */
static void
put_bytes (GString *out,
           const char *data,
           gsize length)
{
  g_string_append (out, "{\"b\":\"");
  for (gsize i = 0; i < length; i++)
    {
      guint8 c = (guint8) data[i];

      if (c < 0x80)
        {
          put_escaped (out, c);
        }
      else
        {
          char *p = tornadis_bridge_extend (out, 2);

          p[0] = (char) (0xc0 | c >> 6);
          p[1] = (char) (0x80 | (c & 0x3f));
        }
    }
  g_string_append (out, "\"}");
}

static Json
json_string (GString *out,
             const TornadisReply *reply)
{
  if (!has_room (out, reply->data, reply->length))
    return JSON_NO_MEMORY;

  if (G_LIKELY (tornadis_bridge_is_text (reply)))
    {
      put_text (out, reply->data, reply->length);
      return JSON_PLAIN;
    }

  put_bytes (out, reply->data, reply->length);
  return JSON_SPECIAL;
}

static Json
json_integer (GString *out,
              gint64 value)
{
  char text[TORNADIS_NUMBER_TEXT_SIZE];
  gsize length = TORNADIS_PRIVATE_CALL (number_text_from_int64, text, value);

  if (value < -MAX_SAFE_INTEGER || value > MAX_SAFE_INTEGER)
    {
      g_string_append_printf (out, "{\"i\":\"%s\"}", text);
      return JSON_SPECIAL;
    }

  g_string_append_len (out, text, (gssize) length);
  return JSON_PLAIN;
}

static Json
json_double (GString *out,
             double value)
{
  if (isfinite (value))
    {
      char text[TORNADIS_NUMBER_TEXT_SIZE];

      g_string_append_len (out, text, (gssize) TORNADIS_PRIVATE_CALL (number_text_from_double, text, value));
      return JSON_PLAIN;
    }

  g_string_append_printf (out, "{\"d\":\"%s\"}", isnan (value) ? "NaN" : value > 0 ? "Infinity"
                                                                                   : "-Infinity");
  return JSON_SPECIAL;
}

static Json
json_big_number (GString *out,
                 const TornadisReply *reply)
{
  if (!tornadis_bridge_is_number (reply))
    return json_string (out, reply);

  g_string_append_printf (out, "{\"i\":\"%s\"}", reply->data + (reply->data[0] == '+'));
  return JSON_SPECIAL;
}

static void
put_error (GString *out,
           const GError *error)
{
  const char *domain = g_quark_to_string (error->domain);
  g_autofree char *message = tornadis_bridge_dup_message (error->message);

  g_string_append (out, "{\"e\":[");
  put_text (out, domain, strlen (domain));
  g_string_append_printf (out, ",%d,", error->code);
  put_text (out, message, strlen (message));
  g_string_append (out, "]}");
}

static Json
json_list (GString *out,
           const TornadisReply *reply)
{
  Json json = JSON_PLAIN;

  g_string_append_c (out, '[');
  for (gsize i = 0; i < reply->length && (json & JSON_NO_MEMORY) == 0; i++)
    {
      if (!tornadis_bridge_has_room (out, 0))
        return JSON_NO_MEMORY;
      if (i > 0)
        g_string_append_c (out, ',');
      json |= json_value (out, tornadis_bridge_get_elements (reply)[i]);
    }
  g_string_append_c (out, ']');

  return json;
}

static Json
json_value (GString *out,
            const TornadisReply *reply)
{
  switch (reply->kind)
    {
    case TORNADIS_REPLY_KIND_STRING:
    case TORNADIS_REPLY_KIND_STATUS:
    case TORNADIS_REPLY_KIND_VERBATIM:
      return json_string (out, reply);
    case TORNADIS_REPLY_KIND_INTEGER:
      return json_integer (out, reply->v.integer);
    case TORNADIS_REPLY_KIND_DOUBLE:
      return json_double (out, reply->v.number);
    case TORNADIS_REPLY_KIND_BOOLEAN:
      g_string_append (out, reply->v.boolean ? "true" : "false");
      return JSON_PLAIN;
    case TORNADIS_REPLY_KIND_BIG_NUMBER:
      return json_big_number (out, reply);
    case TORNADIS_REPLY_KIND_ERROR:
      {
        g_autoptr (GError) error = tornadis_reply_dup_error ((TornadisReply *) reply);

        if (!has_room (out, error->message, strlen (error->message)))
          return JSON_NO_MEMORY;
        put_error (out, error);
        return JSON_SPECIAL;
      }
    case TORNADIS_REPLY_KIND_MAP:
      {
        Json json;

        g_string_append (out, "{\"m\":");
        json = json_list (out, reply);
        g_string_append_c (out, '}');
        return json | JSON_SPECIAL;
      }
    case TORNADIS_REPLY_KIND_ARRAY:
    case TORNADIS_REPLY_KIND_SET:
    case TORNADIS_REPLY_KIND_PUSH:
      return json_list (out, reply);
    case TORNADIS_REPLY_KIND_NIL:
    default:
      g_string_append (out, "null");
      return JSON_PLAIN;
    }
}

/* A comma between the outcomes; the sign of @number is only known later, so there is always room for one. */
static gsize
put_number (GString *out,
            guint32 number)
{
  /* A sign, 10 digits and a comma. printf would take longer than the whole of a short reply. */
  char text[12];
  char *p = text + sizeof text;
  gsize start;

  *--p = ',';
  p = tornadis_number_text_put_before (p, number);
  *--p = ' ';

  if (out->len > 1)
    g_string_append_c (out, ',');
  start = out->len;
  g_string_append_len (out, p, text + sizeof text - p);

  return start;
}

/* Of an outcome that is no plain value. */
static void
put_negative_number (GString *out,
                     guint32 number)
{
  gsize start = put_number (out, number);

  /* Not in one expression: the string may be elsewhere now. */
  out->str[start] = '-';
}

static gboolean
json_append_reply (GString *out,
                   guint32 number,
                   TornadisReply *reply,
                   gboolean decode)
{
  gsize length = out->len;
  /* -1 less the number, so that 0 has a sign too. */
  gsize start = put_number (out, number + 1);
  Json json = json_value (out, reply);

  if (G_UNLIKELY ((json & JSON_NO_MEMORY) != 0))
    {
      g_string_truncate (out, length);
      return FALSE;
    }
  if ((json & JSON_SPECIAL) != 0)
    out->str[start] = '-';

  return TRUE;
}

static void
json_append_error (GString *out,
                   guint32 number,
                   const GError *error)
{
  put_negative_number (out, number + 1);
  put_error (out, error);
}

static void
json_append_kept (GString *out,
                  guint32 number,
                  gboolean decode)
{
  put_negative_number (out, number + 1);
  g_string_append (out, "{\"kept\":true}");
}

static void
json_append_true (GString *out,
                  guint32 number)
{
  put_number (out, number + 1);
  g_string_append (out, "true");
}

/* Text, and the bytes that are meant when they are not text themselves. */
static void
put_name (GString *out,
          const char *text,
          const char *data,
          gsize length)
{
  gsize text_length = strlen (text);

  put_text (out, text, text_length);
  g_string_append_c (out, ',');
  if (text == data || (text_length == length && memcmp (text, data, length) == 0))
    g_string_append (out, "null");
  else
    put_bytes (out, data, length);
}

static void
json_append_route (TornadisBridgeBatch *batch,
                   TornadisMessage *message)
{
  GString *out = batch->routes;
  gsize length;
  const char *data = TORNADIS_PRIVATE_CALL (message_peek_channel, message, &length);

  g_string_append (out, out->len > 0 ? ",[" : "[");
  put_name (out, tornadis_message_get_channel (message), data, length);
  g_string_append_c (out, ',');
  data = TORNADIS_PRIVATE_CALL (message_peek_pattern, message, &length);
  if (data != NULL)
    put_name (out, tornadis_message_get_pattern (message), data, length);
  else
    g_string_append (out, "null,null");
  g_string_append (out, tornadis_message_is_shard (message) ? ",true]" : ",false]");
}

/* An array of names as bytes, or nothing. */
static void
put_keys (GString *out,
          TornadisReply *keys)
{
  if (keys->kind != TORNADIS_REPLY_KIND_ARRAY)
    {
      g_string_append (out, "{\"k\":null}");
      return;
    }

  g_string_append (out, "{\"k\":[");
  for (gsize i = 0; i < keys->length; i++)
    {
      const TornadisReply *key = tornadis_bridge_get_elements (keys)[i];

      if (i > 0)
        g_string_append_c (out, ',');
      put_bytes (out, key->data, key->length);
    }
  g_string_append (out, "]}");
}

static void
json_append_payload (TornadisBridgeBatch *batch,
                     TornadisMessage *message)
{
  GString *out = batch->payloads;
  gsize length;
  const char *data = TORNADIS_PRIVATE_CALL (message_peek_payload, message, &length);

  if (out->len > 0)
    g_string_append_c (out, ',');
  if (G_UNLIKELY (data == NULL))
    put_keys (out, tornadis_message_get_reply (message));
  else if (G_LIKELY (TORNADIS_PRIVATE_CALL (reply_data_is_text, data, length)))
    put_text (out, data, length);
  else
    put_bytes (out, data, length);
}

static GString *
json_join (const TornadisBridgeBatch *batch,
           guint n)
{
  gsize length;
  const char *payloads = tornadis_bridge_batch_peek (batch, n, &length);
  GString *out = g_string_sized_new (batch->routes->len + length + 4 * n + 64);

  if (batch->popped)
    g_string_append (out, "{\"popped\":true");
  else
    g_string_append_printf (out, "{\"popped\":false,\"kept\":%" G_GUINT64_FORMAT, batch->n_kept);
  if (batch->all && batch->n_told + n == batch->n_messages)
    g_string_append (out, ",\"all\":true");
  if (batch->handler_id != 0)
    g_string_append_printf (out, ",\"handler\":%lu", batch->handler_id);
  g_string_append (out, ",\"routes\":[");
  g_string_append_len (out, batch->routes->str, (gssize) batch->routes->len);
  g_string_append (out, "],\"indices\":");
  if (batch->n_routes > 1)
    {
      for (guint i = 0; i < n; i++)
        {
          char *p = tornadis_bridge_extend (out, 4);
          guint index = batch->indices[batch->n_told + i];

          p[0] = i > 0 ? ',' : '[';
          p[1] = index < 100 ? ' ' : (char) ('0' + index / 100);
          p[2] = index < 10 ? ' ' : (char) ('0' + index / 10 % 10);
          p[3] = (char) ('0' + index % 10);
        }
      g_string_append_c (out, ']');
    }
  else
    g_string_append (out, "null");
  g_string_append (out, ",\"payloads\":[");
  /* A comma stands before each but the first of the batch. */
  if (batch->n_told > 0)
    {
      payloads++;
      length--;
    }
  g_string_append_len (out, payloads, (gssize) length);
  g_string_append (out, "]}");

  return out;
}

/* Four hexadecimal digits, or -1. */
static int
parse_hex (const char *p)
{
  int value = 0;

  for (guint i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value (p[i]);

      if (digit < 0)
        return -1;
      value = value * 16 + digit;
    }

  return value;
}

/* What stands behind "\u"; half of a character becomes U+FFFD, as when JavaScript encodes text itself. */
static const char *
parse_unicode (const char *p,
               GString *argument)
{
  int unit = parse_hex (p);

  if (unit < 0)
    return NULL;

  p += 4;
  if (unit >= 0xd800 && unit < 0xdc00 && p[0] == '\\' && p[1] == 'u')
    {
      int low = parse_hex (p + 2);

      if (low >= 0xdc00 && low < 0xe000)
        {
          g_string_append_unichar (argument, 0x10000 + (gunichar) ((unit - 0xd800) << 10 | (low - 0xdc00)));
          return p + 6;
        }
    }
  g_string_append_unichar (argument, unit >= 0xd800 && unit < 0xe000 ? 0xfffd : (gunichar) unit);

  return p;
}

static const char *
parse_escaped (const char *p,
               GString *argument)
{
  static const char escapes[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  const char *escape;

  if (*p == 'u')
    return parse_unicode (p + 1, argument);
  if (*p == '\0' || (escape = strchr (escapes, *p)) == NULL)
    return NULL;

  g_string_append_c (argument, meanings[escape - escapes]);
  return p + 1;
}

/* What stands behind the opening quote; where it goes on, or %NULL. */
static const char *
parse_argument (const char *p,
                TornadisCommand *command)
{
  gsize length = strcspn (p, "\"\\");
  g_autoptr (GString) argument = NULL;

  if (G_LIKELY (p[length] == '"'))
    {
      TORNADIS_PRIVATE_CALL (command_append_data, command, p, length);
      return p + length + 1;
    }

  argument = g_string_new (NULL);
  while (p != NULL)
    {
      length = strcspn (p, "\"\\");
      g_string_append_len (argument, p, (gssize) length);
      p += length;
      if (*p == '\0')
        return NULL;
      if (*p == '"')
        {
          TORNADIS_PRIVATE_CALL (command_append_data, command, argument->str, argument->len);
          return p + 1;
        }
      p = parse_escaped (p + 1, argument);
    }

  return NULL;
}

static const char *
parse_call (const char *p,
            TornadisCommand *command)
{
  if (*p++ != '[')
    return NULL;
  if (*p == ']')
    return p + 1;

  while (p != NULL && *p == '"')
    {
      p = parse_argument (p + 1, command);
      if (p != NULL && *p == ']')
        return p + 1;
      if (p == NULL || *p++ != ',')
        return NULL;
    }

  return NULL;
}

static GPtrArray *
json_parse (const char *calls,
            gsize length,
            GError **error)
{
  g_autoptr (GPtrArray) commands = tornadis_bridge_new_calls ();
  const char *p = calls;

  if (strcmp (p, "[]") == 0)
    return g_steal_pointer (&commands);

  /* The opening bracket, or the comma before the next. */
  for (char expected = '['; *p++ == expected; expected = ',')
    {
      TornadisCommand *command = tornadis_command_new_bytes (NULL, 0);

      g_ptr_array_add (commands, command);
      p = parse_call (p, command);
      if (p == NULL)
        break;
      if (strcmp (p, "]") == 0)
        return g_steal_pointer (&commands);
    }

  return tornadis_bridge_fail_parse (g_steal_pointer (&commands), error);
}

const TornadisBridgeFormat tornadis_bridge_json = {
  "[",
  "]",
  json_append_reply,
  json_append_error,
  json_append_kept,
  json_append_true,
  json_append_route,
  json_append_payload,
  json_join,
  json_parse,
};
