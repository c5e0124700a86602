/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <string.h>

#include "tornadis-glib/values/tornadis-reply-private.h"

/* The vectors of tests/data/resp/vectors.txt, which says how they are written. */
typedef struct
{
  char *line;     /* (owned): the whole line, for messages */
  GString *input; /* (owned) */
  char *result;   /* (owned) */
} RespVector;

static inline void
resp_vector_free (gpointer data)
{
  RespVector *vector = data;

  g_free (vector->line);
  g_string_free (vector->input, TRUE);
  g_free (vector->result);
  g_free (vector);
}

static inline GString *
resp_unescape (const char *text)
{
  GString *bytes = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p++)
    {
      if (*p != '\\')
        {
          g_string_append_c (bytes, *p);
          continue;
        }

      p++;
      if (*p == 'r')
        g_string_append_c (bytes, '\r');
      else if (*p == 'n')
        g_string_append_c (bytes, '\n');
      else if (*p == 't')
        g_string_append_c (bytes, '\t');
      else if (*p == '\\')
        g_string_append_c (bytes, '\\');
      else if (*p == 'x')
        {
          g_string_append_c (bytes, (char) (g_ascii_xdigit_value (p[1]) * 16 + g_ascii_xdigit_value (p[2])));
          p += 2;
        }
      else
        g_error ("Unknown escape in \"%s\"", text);
    }

  return bytes;
}

static inline GPtrArray *
resp_corpus_load (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "data", "resp", "vectors.txt", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *vectors = g_ptr_array_new_with_free_func (resp_vector_free);

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);

  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *arrow = strstr (lines[i], " -> ");
      g_autofree char *input = NULL;
      RespVector *vector;

      if (lines[i][0] == '\0' || g_str_has_prefix (lines[i], "# ") || g_str_equal (lines[i], "#"))
        continue;

      g_assert_nonnull (arrow);
      input = g_strndup (lines[i], (gsize) (arrow - lines[i]));
      vector = g_new0 (RespVector, 1);
      vector->line = g_strdup (lines[i]);
      vector->input = resp_unescape (input);
      vector->result = g_strdup (arrow + strlen (" -> "));
      g_ptr_array_add (vectors, vector);
    }

  return vectors;
}
