/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/value.h"

#include <string.h>

#define PAD '.'

char *
value_make (const char *key,
            const char *name,
            guint padding)
{
  GString *value = g_string_new (NULL);
  gsize length;

  g_string_append_printf (value, "%s %s %u ", key, name, padding);
  length = value->len;
  g_string_set_size (value, length + padding);
  memset (value->str + length, PAD, padding);

  return g_string_free (value, FALSE);
}

char *
value_parse (const char *key,
             const char *data,
             gsize length)
{
  g_auto (GStrv) words = g_strsplit (data, " ", 4);
  g_autofree char *value = NULL;

  if (g_strv_length (words) != 4 || !g_str_equal (words[0], key) || strlen (words[3]) >= length)
    return NULL;

  value = value_make (key, words[1], (guint) strlen (words[3]));

  return strlen (value) == length && memcmp (value, data, length) == 0 ? g_strdup (words[1]) : NULL;
}
