/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-reply-private.h"

#include <string.h>

#include "tornadis-glib/values/tornadis-number-text-private.h"

/* Replies as redis-cli prints them. */

#define STRING_MAX_DEPTH 128

static void
string_append_quoted (GString *string,
                      const char *data,
                      gsize length)
{
  g_string_append_c (string, '"');

  for (gsize i = 0; i < length; i++)
    {
      static const char special[] = "\\\"\n\r\t\a\b";
      static const char escape[] = "\\\"nrtab";
      const char *found = data[i] != '\0' ? strchr (special, data[i]) : NULL;

      if (found != NULL)
        {
          g_string_append_c (string, '\\');
          g_string_append_c (string, escape[found - special]);
        }
      else if (g_ascii_isprint (data[i]))
        {
          g_string_append_c (string, data[i]);
        }
      else
        {
          g_string_append_printf (string, "\\x%02x", (guint8) data[i]);
        }
    }

  g_string_append_c (string, '"');
}

static void
string_append_double (GString *string,
                      double number)
{
  char text[TORNADIS_NUMBER_TEXT_SIZE];

  g_string_append_len (string, text, (gssize) tornadis_number_text_from_double (text, number));
}

static void
string_append_text (GString *string,
                    TornadisReply *reply)
{
  g_autofree char *text = tornadis_reply_dup_text (reply);

  g_string_append (string, text);
}

static void string_append_aggregate (GString *string,
                                     GString *indent,
                                     TornadisReply *reply,
                                     guint depth);

static void
string_append_reply (GString *string,
                     GString *indent,
                     TornadisReply *reply,
                     guint depth)
{
  switch (reply->kind)
    {
    case TORNADIS_REPLY_KIND_STATUS:
    case TORNADIS_REPLY_KIND_VERBATIM:
      string_append_text (string, reply);
      break;
    case TORNADIS_REPLY_KIND_BIG_NUMBER:
      g_string_append (string, "(big number) ");
      string_append_text (string, reply);
      break;
    case TORNADIS_REPLY_KIND_ERROR:
      g_string_append (string, "(error) ");
      string_append_text (string, reply);
      break;
    case TORNADIS_REPLY_KIND_STRING:
      string_append_quoted (string, reply->data, reply->length);
      break;
    case TORNADIS_REPLY_KIND_INTEGER:
      g_string_append_printf (string, "(integer) %" G_GINT64_FORMAT, reply->v.integer);
      break;
    case TORNADIS_REPLY_KIND_DOUBLE:
      g_string_append (string, "(double) ");
      string_append_double (string, reply->v.number);
      break;
    case TORNADIS_REPLY_KIND_BOOLEAN:
      g_string_append (string, reply->v.boolean ? "(true)" : "(false)");
      break;
    case TORNADIS_REPLY_KIND_ARRAY:
    case TORNADIS_REPLY_KIND_MAP:
    case TORNADIS_REPLY_KIND_SET:
    case TORNADIS_REPLY_KIND_PUSH:
      string_append_aggregate (string, indent, reply, depth);
      break;
    case TORNADIS_REPLY_KIND_NIL:
    default:
      g_string_append (string, "(nil)");
      break;
    }
}

static const char *
reply_get_empty_text (TornadisReply *self)
{
  if (self->kind == TORNADIS_REPLY_KIND_MAP)
    return "(empty hash)";
  if (self->kind == TORNADIS_REPLY_KIND_SET)
    return "(empty set)";
  if (self->kind == TORNADIS_REPLY_KIND_PUSH)
    return "(empty push)";

  return "(empty array)";
}

/* One that takes more than a line begins on a line of its own. */
static void
string_append_map_value (GString *string,
                         GString *indent,
                         TornadisReply *value,
                         guint depth)
{
  gsize begin, head_length = 1 + indent->len;

  g_string_append (string, " => ");
  begin = string->len;
  g_string_append_printf (string, "\n%s", indent->str);
  string_append_reply (string, indent, value, depth);

  if (strchr (string->str + begin + head_length, '\n') == NULL)
    g_string_erase (string, (gssize) begin, (gssize) head_length);
}

/* @indent goes before every line but the first, which stands behind what the caller wrote. */
static void
string_append_aggregate (GString *string,
                         GString *indent,
                         TornadisReply *reply,
                         guint depth)
{
  gboolean map = reply->kind == TORNADIS_REPLY_KIND_MAP;
  gsize step = map ? 2 : 1;
  char mark = ')';
  gsize indent_length = indent->len;
  int width;

  if (reply->length == 0 || depth >= STRING_MAX_DEPTH)
    {
      g_string_append (string, reply->length == 0 ? reply_get_empty_text (reply) : "...");
      return;
    }

  if (map)
    mark = '#';
  else if (reply->kind == TORNADIS_REPLY_KIND_SET)
    mark = '~';

  width = (int) tornadis_number_text_count_digits (reply->length / step);
  for (gsize i = 0; i + step <= reply->length; i += step)
    {
      if (i > 0)
        {
          g_string_append_c (string, '\n');
          g_string_append_len (string, indent->str, (gssize) indent_length);
        }
      g_string_append_printf (string, "%*" G_GSIZE_FORMAT "%c ", width, i / step + 1, mark);

      g_string_append_printf (indent, "%*s", width + 2, "");
      string_append_reply (string, indent, tornadis_reply_get_elements (reply)[i], depth + 1);
      if (map)
        string_append_map_value (string, indent, tornadis_reply_get_elements (reply)[i + 1], depth + 1);
      g_string_truncate (indent, indent_length);
    }
}

/**
 * tornadis_reply_to_string:
 * @self: a reply
 *
 * Writes @self as `redis-cli` shows it on a terminal, without the end of the last line: for logs,
 * debuggers and people. What stands below 128 levels of ARRAY, SET, PUSH and MAP shows as `...`.
 *
 * Returns: (transfer full): UTF-8 text
 *
 * Since: 1.0
 */
char *
tornadis_reply_to_string (TornadisReply *self)
{
  g_autoptr (GString) indent = NULL;
  GString *string;

  g_return_val_if_fail (self != NULL, NULL);

  indent = g_string_new (NULL);
  string = g_string_new (NULL);
  string_append_reply (string, indent, self, 0);

  return g_string_free (string, FALSE);
}
