/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Replies on standard output: raw, as a line, as JSON or as CSV. */

#include "tool.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

/* With as few digits as give the same number again, which the library finds: "(double) 1.5". */
static void
append_double (GString *string,
               TornadisReply *reply)
{
  g_autofree char *text = tornadis_reply_to_string (reply);

  g_string_append (string, strchr (text, ' ') + 1);
}

/* Appends text as a field of CSV: between quotes, where a quote is two. What a terminal would obey is escaped there. */
void
tool_csv_append_string (GString *string,
                        const char *data,
                        gsize length)
{
  static int is_terminal = -1;
  g_autoptr (GString) shown = NULL;

  if (is_terminal == -1)
    is_terminal = isatty (STDOUT_FILENO);
  if (is_terminal)
    {
      shown = g_string_new (NULL);
      tool_line_append (shown, data, length);
      data = shown->str;
      length = shown->len;
    }

  g_string_append_c (string, '"');
  for (gsize i = 0; i < length; i++)
    {
      if (data[i] == '"')
        g_string_append_c (string, '"');
      g_string_append_c (string, data[i]);
    }
  g_string_append_c (string, '"');
}

/* Appends bytes as the format has them. */
void
tool_string_append (GString *string,
                    const char *data,
                    gsize length,
                    ToolFormat format)
{
  switch (format)
    {
    case TOOL_FORMAT_JSON:
      tool_json_append_string (string, data, length);
      break;
    case TOOL_FORMAT_CSV:
      tool_csv_append_string (string, data, length);
      break;
    case TOOL_FORMAT_LINE:
      tool_line_append (string, data, length);
      break;
    case TOOL_FORMAT_RAW:
    default:
      g_string_append_len (string, data, (gssize) length);
      break;
    }
}

/* Likewise what a server says is wrong. */
void
tool_error_append (GString *string,
                   const char *data,
                   gsize length,
                   ToolFormat format)
{
  const char *intro = format == TOOL_FORMAT_JSON ? "{\"error\": " : format == TOOL_FORMAT_CSV ? "ERROR,"
                                                                                              : "(error) ";

  g_string_append (string, intro);
  tool_string_append (string, data, length, format);
  if (format == TOOL_FORMAT_JSON)
    g_string_append_c (string, '}');
}

static void
append_scalar (GString *string,
               TornadisReply *reply,
               ToolFormat format)
{
  const char *data;
  gsize length;

  switch (tornadis_reply_get_kind (reply))
    {
    case TORNADIS_REPLY_KIND_NIL:
      /* An empty line for scripts, as redis-cli does. */
      if (format == TOOL_FORMAT_LINE)
        g_string_append (string, "(nil)");
      else if (format == TOOL_FORMAT_CSV)
        g_string_append (string, "NULL");
      break;
    case TORNADIS_REPLY_KIND_INTEGER:
      g_string_append_printf (string, "%" G_GINT64_FORMAT, tornadis_reply_get_integer (reply));
      break;
    case TORNADIS_REPLY_KIND_DOUBLE:
      append_double (string, reply);
      break;
    case TORNADIS_REPLY_KIND_BOOLEAN:
      g_string_append (string, tornadis_reply_get_boolean (reply) ? "true" : "false");
      break;
    case TORNADIS_REPLY_KIND_ERROR:
      data = (const char *) tornadis_reply_get_data (reply, &length);
      tool_error_append (string, data, length, format);
      break;
    case TORNADIS_REPLY_KIND_STATUS:
    case TORNADIS_REPLY_KIND_STRING:
    case TORNADIS_REPLY_KIND_BIG_NUMBER:
    case TORNADIS_REPLY_KIND_VERBATIM:
    case TORNADIS_REPLY_KIND_ARRAY:
    case TORNADIS_REPLY_KIND_MAP:
    case TORNADIS_REPLY_KIND_SET:
    case TORNADIS_REPLY_KIND_PUSH:
    default:
      data = (const char *) tornadis_reply_get_data (reply, &length);
      tool_string_append (string, data, length, format);
      break;
    }
}

static gboolean
is_aggregate (TornadisReply *reply)
{
  TornadisReplyKind kind = tornadis_reply_get_kind (reply);

  return kind == TORNADIS_REPLY_KIND_ARRAY || kind == TORNADIS_REPLY_KIND_SET || kind == TORNADIS_REPLY_KIND_MAP ||
         kind == TORNADIS_REPLY_KIND_PUSH;
}

static char
get_separator (ToolFormat format)
{
  return format == TOOL_FORMAT_CSV ? ',' : format == TOOL_FORMAT_LINE ? '\t' : '\n';
}

static void
append_text (GString *string,
             TornadisReply *reply,
             ToolFormat format,
             gboolean nested)
{
  gsize n = tornadis_reply_get_n_elements (reply);
  gboolean brackets = nested && format == TOOL_FORMAT_LINE;

  if (!is_aggregate (reply))
    {
      append_scalar (string, reply, format);
      return;
    }

  if (brackets)
    g_string_append_c (string, '[');
  for (gsize i = 0; i < n; i++)
    {
      if (i > 0)
        g_string_append_c (string, get_separator (format));
      append_text (string, tornadis_reply_get_element (reply, i), format, TRUE);
    }
  if (brackets)
    g_string_append_c (string, ']');
}

/* Appends text as a JSON string. Bytes that are not text, because they are not UTF-8 or have a 0 among them, become
 * {"base64": "..."}. */
void
tool_json_append_string (GString *string,
                         const char *data,
                         gsize length)
{
  if (!g_utf8_validate_len (data, length, NULL))
    {
      g_autofree char *encoded = g_base64_encode ((const guchar *) data, length);

      g_string_append_printf (string, "{\"base64\": \"%s\"}", encoded);
      return;
    }

  g_string_append_c (string, '"');
  for (gsize i = 0; i < length; i++)
    {
      static const char special[] = "\"\\\n\r\t\b\f";
      static const char escape[] = "\"\\nrtbf";
      const char *found = strchr (special, data[i]);

      if (found != NULL)
        {
          g_string_append_c (string, '\\');
          g_string_append_c (string, escape[found - special]);
        }
      else if (g_ascii_iscntrl (data[i]))
        {
          g_string_append_printf (string, "\\u%04x", (guint8) data[i]);
        }
      else
        {
          g_string_append_c (string, data[i]);
        }
    }
  g_string_append_c (string, '"');
}

static void
append_json_data (GString *string,
                  TornadisReply *reply)
{
  gsize length;
  const char *data = (const char *) tornadis_reply_get_data (reply, &length);

  tool_json_append_string (string, data, length);
}

/* JSON has no infinity, and no number that is not a number. */
static void
append_json_double (GString *string,
                    TornadisReply *reply)
{
  const char *quote = isfinite (tornadis_reply_get_double (reply)) ? "" : "\"";

  g_string_append (string, quote);
  append_double (string, reply);
  g_string_append (string, quote);
}

static void append_json (GString *string,
                         TornadisReply *reply);

/* An object when all its keys are text, else an array of pairs. */
static void
append_json_map (GString *string,
                 TornadisReply *reply)
{
  gsize n = tornadis_reply_get_n_elements (reply);
  gboolean is_object = TRUE;

  for (gsize i = 0; i < n; i += 2)
    is_object = is_object && tornadis_reply_get_text (tornadis_reply_get_element (reply, i)) != NULL;

  g_string_append_c (string, is_object ? '{' : '[');
  for (gsize i = 0; i + 1 < n; i += 2)
    {
      if (i > 0)
        g_string_append (string, ", ");
      if (is_object)
        {
          append_json_data (string, tornadis_reply_get_element (reply, i));
          g_string_append (string, ": ");
          append_json (string, tornadis_reply_get_element (reply, i + 1));
        }
      else
        {
          g_string_append_c (string, '[');
          append_json (string, tornadis_reply_get_element (reply, i));
          g_string_append (string, ", ");
          append_json (string, tornadis_reply_get_element (reply, i + 1));
          g_string_append_c (string, ']');
        }
    }
  g_string_append_c (string, is_object ? '}' : ']');
}

static void
append_json (GString *string,
             TornadisReply *reply)
{
  switch (tornadis_reply_get_kind (reply))
    {
    case TORNADIS_REPLY_KIND_NIL:
      g_string_append (string, "null");
      break;
    case TORNADIS_REPLY_KIND_STATUS:
    case TORNADIS_REPLY_KIND_STRING:
    case TORNADIS_REPLY_KIND_BIG_NUMBER:
    case TORNADIS_REPLY_KIND_VERBATIM:
      append_json_data (string, reply);
      break;
    case TORNADIS_REPLY_KIND_DOUBLE:
      append_json_double (string, reply);
      break;
    case TORNADIS_REPLY_KIND_MAP:
      append_json_map (string, reply);
      break;
    case TORNADIS_REPLY_KIND_ARRAY:
    case TORNADIS_REPLY_KIND_SET:
    case TORNADIS_REPLY_KIND_PUSH:
      g_string_append_c (string, '[');
      for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
        {
          if (i > 0)
            g_string_append (string, ", ");
          append_json (string, tornadis_reply_get_element (reply, i));
        }
      g_string_append_c (string, ']');
      break;
    case TORNADIS_REPLY_KIND_ERROR:
    case TORNADIS_REPLY_KIND_INTEGER:
    case TORNADIS_REPLY_KIND_BOOLEAN:
    default:
      append_scalar (string, reply, TOOL_FORMAT_JSON);
      break;
    }
}

/* Appends a reply as a terminal shows it, with the end of its last line: the lines of text, which a server may end in its
 * own way, are lines. */
void
tool_reply_append_shown (GString *string,
                         TornadisReply *reply)
{
  g_autofree char *text = tornadis_reply_to_string (reply);
  gboolean is_text = tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_VERBATIM;

  for (const char *line = text; *line != '\0';)
    {
      gsize length = strcspn (line, "\n");
      gboolean has_return = is_text && length > 0 && line[length - 1] == '\r';

      tool_line_append_shown (string, line, has_return ? length - 1 : length, FALSE);
      line += length;
      if (*line == '\n')
        line++;
      g_string_append_c (string, '\n');
    }

  if (*text == '\0')
    g_string_append_c (string, '\n');
}

/* Appends a reply with the end of its last line. A list without elements has no line when it is raw. */
void
tool_reply_append (GString *string,
                   TornadisReply *reply,
                   ToolFormat format)
{
  if (format == TOOL_FORMAT_JSON)
    append_json (string, reply);
  else
    append_text (string, reply, format, FALSE);

  if (format != TOOL_FORMAT_RAW || !is_aggregate (reply) || tornadis_reply_get_n_elements (reply) > 0)
    g_string_append_c (string, '\n');
}
