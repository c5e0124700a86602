/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lines of words, quoted as redis-cli has it, and the other way round: any bytes on one line. */

#include "tool.h"

#include <string.h>

static gboolean
is_blank (char c)
{
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Reads what follows a backslash between double quotes. Returns the number of bytes that it takes. */
static gsize
unescape (const char *rest,
          gsize length,
          char *c)
{
  static const char names[] = "nrtba";
  static const char values[] = "\n\r\t\b\a";
  const char *found = *rest != '\0' ? strchr (names, *rest) : NULL;

  if (length >= 3 && rest[0] == 'x' && g_ascii_isxdigit (rest[1]) && g_ascii_isxdigit (rest[2]))
    {
      *c = (char) (g_ascii_xdigit_value (rest[1]) * 16 + g_ascii_xdigit_value (rest[2]));
      return 3;
    }

  *c = found != NULL ? values[found - names] : *rest;
  return 1;
}

/* Splits a line into words, which are appended to @words as #GBytes. An empty line and a comment have none. */
gboolean
tool_line_split (const char *line,
                 gsize length,
                 GPtrArray *words,
                 const char **problem)
{
  gsize i = 0;

  for (;;)
    {
      g_autoptr (GString) word = NULL;
      char quote = '\0';

      while (i < length && is_blank (line[i]))
        i++;
      if (i == length || (words->len == 0 && line[i] == '#'))
        return TRUE;

      word = g_string_new (NULL);
      while (i < length && (quote != '\0' || !is_blank (line[i])))
        {
          char c = line[i++];

          if (quote == '\0' && (c == '"' || c == '\''))
            {
              quote = c;
            }
          else if (quote != '\0' && c == quote)
            {
              quote = '\0';
              if (i < length && !is_blank (line[i]))
                {
                  *problem = "no space after a closing quote";
                  return FALSE;
                }
            }
          else
            {
              if (quote == '"' && c == '\\' && i < length)
                i += unescape (line + i, length - i, &c);
              else if (quote == '\'' && c == '\\' && i < length && line[i] == '\'')
                c = line[i++];
              g_string_append_c (word, c);
            }
        }

      if (quote != '\0')
        {
          *problem = "a quote is not closed";
          return FALSE;
        }

      g_ptr_array_add (words, g_string_free_to_bytes (g_steal_pointer (&word)));
    }
}

/* The character that begins here, or (gunichar) -1 for a byte that is none. Returns the number of bytes. */
static gsize
read_char (const char *data,
           gsize length,
           gunichar *c)
{
  *c = g_utf8_get_char_validated (data, (gssize) length);
  /* A 0 byte reads as an incomplete character. */
  if (*data != '\0' && *c != (gunichar) -1 && *c != (gunichar) -2)
    return g_utf8_skip[(guint8) *data];

  *c = (gunichar) -1;
  return 1;
}

static void
append_hex (GString *string,
            const char *data,
            gsize width)
{
  for (gsize i = 0; i < width; i++)
    g_string_append_printf (string, "\\x%02x", (guint8) data[i]);
}

/* Appends bytes so that they stay on their line and change nothing on a terminal: control characters, backslashes
 * and what is not UTF-8 become \n, \t, \\ and \xNN. */
void
tool_line_append (GString *string,
                  const char *data,
                  gsize length)
{
  static const char special[] = "\\\n\r\t\b\a";
  static const char escape[] = "\\nrtba";

  while (length > 0)
    {
      gunichar c;
      gsize width = 0;
      const char *found;

      /* Most is plain. */
      while (width < length && data[width] >= ' ' && data[width] <= '~' && data[width] != '\\')
        width++;
      if (width > 0)
        {
          g_string_append_len (string, data, (gssize) width);
          data += width;
          length -= width;
          continue;
        }

      width = read_char (data, length, &c);
      if (c < 0x80 && (found = strchr (special, (char) c)) != NULL)
        {
          g_string_append_c (string, '\\');
          g_string_append_c (string, escape[found - special]);
        }
      else if (c != (gunichar) -1 && !g_unichar_iscntrl (c))
        {
          g_string_append_len (string, data, (gssize) width);
        }
      else
        {
          append_hex (string, data, width);
        }

      data += width;
      length -= width;
    }
}

/* Appends text as it may reach a terminal: of control characters only new lines and tabs are left. In JSON they are
 * written its way. */
void
tool_line_append_shown (GString *string,
                        const char *data,
                        gsize length,
                        gboolean json)
{
  while (length > 0)
    {
      gsize width = 0;
      gunichar c;

      while (width < length && ((data[width] >= ' ' && data[width] <= '~') || data[width] == '\n'))
        width++;
      if (width > 0)
        {
          g_string_append_len (string, data, (gssize) width);
          data += width;
          length -= width;
          continue;
        }

      width = read_char (data, length, &c);
      if (*data == '\t' || (width > 1 && !g_unichar_iscntrl (c)))
        g_string_append_len (string, data, (gssize) width);
      else if (json)
        g_string_append_printf (string, "\\u%04x", width > 1 ? c : (guint8) *data);
      else
        append_hex (string, data, width);

      data += width;
      length -= width;
    }
}
