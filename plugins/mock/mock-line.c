/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mock/mock-line.h"

#include <string.h>

struct _MockLine
{
  char *text;             /* (owned) as it was given */
  GVariant *answer;       /* (owned) */
  GStrv words;            /* (owned) the first in upper case; without the last one of an open line */
  GPatternSpec **pattern; /* (owned) (element owned) one for each word */
  guint n_words;
  gboolean open; /* its last word is a *, which stands for all remaining arguments */
};

static MockLine *
mock_line_new (const char *line,
               GVariant *answer)
{
  MockLine *self = g_new0 (MockLine, 1);
  g_auto (GStrv) parts = g_strsplit_set (line, " \t\r\n", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_autofree char *name = NULL;

      if (*parts[i] == '\0')
        continue;
      name = self->n_words++ == 0 ? g_utf8_strup (parts[i], -1) : NULL;
      g_strv_builder_add (builder, name != NULL ? name : parts[i]);
    }

  self->text = g_strdup (line);
  self->answer = g_variant_ref (answer);
  self->words = g_strv_builder_end (builder);
  if (self->n_words > 0 && strcmp (self->words[self->n_words - 1], "*") == 0)
    {
      self->open = TRUE;
      g_clear_pointer (&self->words[--self->n_words], g_free);
    }

  self->pattern = g_new (GPatternSpec *, self->n_words);
  for (guint i = 0; i < self->n_words; i++)
    self->pattern[i] = g_pattern_spec_new (self->words[i]);

  return self;
}

static void
mock_line_free (MockLine *self)
{
  for (guint i = 0; i < self->n_words; i++)
    g_pattern_spec_free (self->pattern[i]);
  g_free (self->pattern);
  g_strfreev (self->words);
  g_variant_unref (self->answer);
  g_free (self->text);
  g_free (self);
}

static gboolean
mock_line_matches (const MockLine *self,
                   GStrv words)
{
  guint n = g_strv_length (words);

  if (self->open ? n < self->n_words : n != self->n_words)
    return FALSE;

  for (guint i = 0; i < self->n_words; i++)
    {
      if (!g_pattern_spec_match (self->pattern[i], strlen (words[i]), words[i], NULL))
        return FALSE;
    }

  return TRUE;
}

/* How specific a word is: entirely, or the more the more characters of its own it has. */
static guint
count_fixed (const char *word)
{
  guint n = 0;

  if (strpbrk (word, "*?") == NULL)
    return G_MAXUINT;

  for (; *word != '\0'; word++)
    n += *word != '*' && *word != '?';

  return n;
}

static int
mock_line_compare (const MockLine *self,
                   const MockLine *other)
{
  for (guint i = 0; i < MIN (self->n_words, other->n_words); i++)
    {
      guint fixed = count_fixed (self->words[i]);
      guint other_fixed = count_fixed (other->words[i]);

      if (fixed != other_fixed)
        return fixed > other_fixed ? -1 : 1;
    }

  if (self->n_words != other->n_words)
    return self->n_words > other->n_words ? -1 : 1;

  return self->open - other->open;
}

GVariant *
mock_line_get_answer (const MockLine *self)
{
  return self->answer;
}

GPtrArray *
mock_lines_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) mock_line_free);
}

static GVariant *
unbox (GVariant *value)
{
  g_variant_ref (value);
  while (g_variant_is_of_type (value, G_VARIANT_TYPE_VARIANT))
    {
      GVariant *inside = g_variant_get_variant (value);

      g_variant_unref (value);
      value = inside;
    }

  return value;
}

void
mock_lines_read (GPtrArray *lines,
                 GVariant *pairs)
{
  g_ptr_array_set_size (lines, 0);

  for (gsize i = 0; pairs != NULL && i < g_variant_n_children (pairs); i++)
    {
      g_autoptr (GVariant) pair = g_variant_get_child_value (pairs, i);
      g_autoptr (GVariant) line = g_variant_get_child_value (pair, 0);
      g_autoptr (GVariant) answer = g_variant_get_child_value (pair, 1);
      g_autoptr (GVariant) inside = unbox (answer);

      g_ptr_array_add (lines, mock_line_new (g_variant_get_string (line, NULL), inside));
    }
}

GVariant *
mock_lines_to_variant (GPtrArray *lines)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sv)"));
  for (guint i = 0; i < lines->len; i++)
    {
      MockLine *line = g_ptr_array_index (lines, i);

      g_variant_builder_add (&builder, "(sv)", line->text, line->answer);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static int
compare_lines (gconstpointer a,
               gconstpointer b)
{
  return mock_line_compare (*(MockLine *const *) a, *(MockLine *const *) b);
}

void
mock_lines_sort (GPtrArray *lines)
{
  g_ptr_array_sort (lines, compare_lines);
}

MockLine *
mock_lines_find (GPtrArray *lines,
                 GStrv words,
                 gboolean named,
                 guint *position)
{
  for (guint i = 0; i < lines->len; i++)
    {
      MockLine *line = g_ptr_array_index (lines, i);

      if (mock_line_matches (line, words) && (!named || (line->n_words > 0 && strpbrk (line->words[0], "*?") == NULL)))
        {
          *position = i;
          return line;
        }
    }

  return NULL;
}

static char *
data_to_text (const char *data,
              gsize length)
{
  const char *end = data + length;
  GString *text = g_string_sized_new (length);

  while (data < end)
    {
      const char *stop;

      /* A 0 byte is not valid text either. */
      g_utf8_validate_len (data, (gsize) (end - data), &stop);
      g_string_append_len (text, data, stop - data);
      if (stop < end)
        g_string_append_printf (text, "\\x%02x", (guint8) *stop++);
      data = stop;
    }

  return g_string_free (text, FALSE);
}

GStrv
mock_command_get_words (TornadisCommand *command)
{
  gsize n = tornadis_command_get_n_args (command);
  GStrv words = g_new0 (char *, n + 1);

  for (gsize i = 0; i < n; i++)
    {
      gsize length;
      const char *data = (const char *) tornadis_command_get_arg_data (command, i, &length);
      g_autofree char *text = data_to_text (data, length);

      words[i] = i == 0 ? g_utf8_strup (text, -1) : g_steal_pointer (&text);
    }

  return words;
}
