/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/tally.h"

struct _Tally
{
  GHashTable *counts; /* (owned) (element-type utf8 guint64) */
};

Tally *
tally_new (void)
{
  Tally *self = g_new (Tally, 1);

  self->counts = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);

  return self;
}

void
tally_count (Tally *self,
             const char *what)
{
  guint64 *count = g_hash_table_lookup (self->counts, what);

  if (count == NULL)
    {
      count = g_new0 (guint64, 1);
      g_hash_table_insert (self->counts, (gpointer) what, count);
    }
  (*count)++;
}

guint64
tally_get (Tally *self,
           const char *what)
{
  const guint64 *count = g_hash_table_lookup (self->counts, what);

  return count != NULL ? *count : 0;
}

char *
tally_print (Tally *self)
{
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (self->counts), (GCompareFunc) g_strcmp0);
  GString *text = g_string_new (NULL);

  for (const GList *at = names; at != NULL; at = at->next)
    g_string_append_printf (text, "%s%s %" G_GUINT64_FORMAT, text->len > 0 ? ", " : "", (const char *) at->data, tally_get (self, at->data));

  return g_string_free (text, FALSE);
}

void
tally_free (Tally *self)
{
  g_hash_table_unref (self->counts);
  g_free (self);
}
