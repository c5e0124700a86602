/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lines of the prompt while they are typed: where the word at the cursor begins, and how a name is written there. What
 * words mean is in tool-line.c. */

#include "prompt.h"

#include <string.h>

static gboolean
is_blank (char c)
{
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Steps over one character of a line, with what a backslash stands before. @quote is that which is open. */
static gsize
step (const char *line,
      gsize length,
      gsize i,
      char *quote)
{
  char c = line[i];

  if (*quote == '\0' && (c == '"' || c == '\''))
    *quote = c;
  else if (*quote != '\0' && c == *quote)
    *quote = '\0';
  else if (c == '\\' && i + 1 < length && (*quote == '"' || (*quote == '\'' && line[i + 1] == '\'')))
    return 2;

  return 1;
}

/* Returns FALSE when there is no telling what the words are. */
gboolean
prompt_words_parse (PromptWords *self,
                    const char *line,
                    gsize length)
{
  g_autoptr (GString) last = NULL;
  const char *problem;
  char quote = '\0';

  self->words = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  self->start = 0;
  for (gsize i = 0; i < length;)
    {
      gboolean blank = quote == '\0' && is_blank (line[i]);

      i += step (line, length, i, &quote);
      if (blank)
        self->start = i;
    }

  if (!tool_line_split (line, self->start, self->words, &problem))
    return FALSE;

  /* The quote that is open is closed. */
  last = g_string_new_len (line + self->start, (gssize) (length - self->start));
  if (quote != '\0')
    g_string_append_c (last, quote);
  if (last->len == 0)
    {
      g_ptr_array_add (self->words, g_bytes_new_static ("", 0));
      return TRUE;
    }

  return last->str[0] != '#' && tool_line_split (last->str, last->len, self->words, &problem);
}

void
prompt_words_clear (PromptWords *self)
{
  g_clear_pointer (&self->words, g_ptr_array_unref);
}

/* Skips blanks, and the number of times that a command is to be called. */
const char *
prompt_words_skip_count (const char *line)
{
  const char *p, *end;

  while (is_blank (*line))
    line++;
  for (p = line; g_ascii_isdigit (*p); p++)
    ;
  for (end = p; is_blank (*end); end++)
    ;

  return p > line && end > p ? end : line;
}

gboolean
prompt_word_is (GBytes *word,
                const char *text)
{
  gsize length;
  const char *data = g_bytes_get_data (word, &length);

  return length == strlen (text) && g_ascii_strncasecmp (data, text, length) == 0;
}

/* Whether the word at @i is there, and is @text in any case. */
gboolean
prompt_words_have (GPtrArray *words,
                   guint i,
                   const char *text)
{
  return i < words->len && prompt_word_is (g_ptr_array_index (words, i), text);
}

char *
prompt_word_dup_lower (GBytes *word)
{
  gsize length;
  const char *data = g_bytes_get_data (word, &length);

  return g_ascii_strdown (data, (gssize) length);
}

static gboolean
is_plain (const char *data,
          gsize length)
{
  if (length == 0 || data[0] == '#' || !g_utf8_validate_len (data, (gssize) length, NULL))
    return FALSE;

  for (const char *p = data; p < data + length; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == '"' || c == '\'' || c == '\\' || !g_unichar_isgraph (c))
        return FALSE;
    }

  return TRUE;
}

/* Whether it can stand between single quotes, where only another one can be escaped: then a backslash at the end would escape
 * that which closes. */
static gboolean
fits_single_quotes (const char *data,
                    gsize length)
{
  if (!g_utf8_validate_len (data, length, NULL) || (length > 0 && data[length - 1] == '\\'))
    return FALSE;

  for (const char *p = data; p < data + length; p = g_utf8_next_char (p))
    if (!g_unichar_isprint (g_utf8_get_char (p)))
      return FALSE;

  return TRUE;
}

/* Appends a word as it can be typed, between quotes like @mark if that is none of '\0', and otherwise only where it needs them.
 * One that is not @closed is to be typed on. */
void
prompt_word_append_quoted (GString *string,
                           const char *data,
                           gsize length,
                           char mark,
                           gboolean closed)
{
  if (mark == '\0' && (is_plain (data, length) || (length == 0 && !closed)))
    {
      g_string_append_len (string, data, (gssize) length);
      return;
    }

  if (mark == '\'' && fits_single_quotes (data, length))
    {
      g_string_append_c (string, '\'');
      for (gsize i = 0; i < length; i++)
        {
          if (data[i] == '\'')
            g_string_append_c (string, '\\');
          g_string_append_c (string, data[i]);
        }
      if (closed)
        g_string_append_c (string, '\'');
      return;
    }

  g_string_append_c (string, '"');
  while (length > 0)
    {
      gsize width = 1;
      gunichar c = g_utf8_get_char_validated (data, (gssize) length);

      if (*data == '"')
        g_string_append (string, "\\\"");
      else if (*data != '\0' && c != (gunichar) -1 && c != (gunichar) -2 && g_unichar_isprint (c) && c != '\\')
        g_string_append_len (string, data, (gssize) (width = g_utf8_skip[(guint8) *data]));
      else
        tool_line_append (string, data, width);

      data += width;
      length -= width;
    }
  if (closed)
    g_string_append_c (string, '"');
}

/* The commands of what may have been pasted: a new line within quotes is part of a word. */
char **
prompt_lines_split (const char *text)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  gsize length = strlen (text), begin = 0;
  char quote = '\0';

  for (gsize i = 0; i < length;)
    {
      gboolean ends = quote == '\0' && (text[i] == '\n' || text[i] == '\r');
      gsize blanks = strspn (text + begin, " \t");

      if (!ends && text[begin + blanks] == '#')
        {
          i = begin + strcspn (text + begin, "\r\n");
          ends = i < length;
        }
      if (ends)
        {
          g_autofree char *line = g_strndup (text + begin, i - begin);

          g_strv_builder_add (builder, line);
          begin = ++i;
        }
      else if (i < length)
        {
          i += step (text, length, i, &quote);
        }
    }
  g_strv_builder_add (builder, text + begin);

  return g_strv_builder_end (builder);
}
