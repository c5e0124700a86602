/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What tornadis keys has found: the biggest key of each type and sums, or the keys that are used most. */

#include "keys.h"

#include <string.h>

static KeysType *
keys_type_new (const char *name,
               KeysMode mode)
{
  static const struct
  {
    const char *name;
    const char *command;
    const char *unit;
  } known[] = {
    { "string", "STRLEN", "bytes" },
    { "list", "LLEN", "items" },
    { "set", "SCARD", "members" },
    { "hash", "HLEN", "fields" },
    { "zset", "ZCARD", "members" },
    { "stream", "XLEN", "entries" },
  };
  KeysType *self = g_new0 (KeysType, 1);

  self->name = g_strdup (name);
  self->unit = mode == KEYS_BIG ? "" : "bytes";
  for (guint i = 0; mode == KEYS_BIG && i < G_N_ELEMENTS (known); i++)
    if (strcmp (name, known[i].name) == 0)
      {
        self->command = known[i].command;
        self->unit = known[i].unit;
      }

  return self;
}

static void
keys_type_free (KeysType *self)
{
  g_free (self->name);
  g_clear_pointer (&self->biggest.key, g_bytes_unref);
  g_free (self);
}

void
keys_found_init (KeysFound *self,
                 KeysMode mode)
{
  self->mode = mode;
  self->types = g_ptr_array_new_with_free_func ((GDestroyNotify) keys_type_free);
}

void
keys_found_clear (KeysFound *self)
{
  g_clear_pointer (&self->types, g_ptr_array_unref);
  for (guint i = 0; i < self->n_hot; i++)
    g_bytes_unref (self->hot[i].key);
  self->n_hot = 0;
}

/* Of any name, which a module may have chosen. */
KeysType *
keys_found_get_type (KeysFound *self,
                     const char *name)
{
  KeysType *type;

  for (guint i = 0; i < self->types->len; i++)
    {
      type = g_ptr_array_index (self->types, i);
      if (strcmp (type->name, name) == 0)
        return type;
    }

  type = keys_type_new (name, self->mode);
  g_ptr_array_add (self->types, type);
  return type;
}

static void
found_add_hot (KeysFound *self,
               GBytes *key,
               gint64 size)
{
  guint i = self->n_hot;

  /* SCAN may name a key again. */
  for (guint j = 0; j < self->n_hot; j++)
    if (g_bytes_equal (self->hot[j].key, key))
      return;

  while (i > 0 && self->hot[i - 1].size < size)
    i--;
  if (i == KEYS_N_HOT)
    return;

  if (self->n_hot == KEYS_N_HOT)
    g_bytes_unref (self->hot[--self->n_hot].key);
  memmove (self->hot + i + 1, self->hot + i, (self->n_hot - i) * sizeof (KeysKey));
  self->hot[i] = (KeysKey){ g_bytes_ref (key), size };
  self->n_hot++;
}

/* @type is NULL where that is of no interest. */
void
keys_found_add (KeysFound *self,
                KeysType *type,
                GBytes *key,
                gint64 size)
{
  self->n_keys++;
  self->n_bytes += g_bytes_get_size (key);

  if (type == NULL)
    {
      found_add_hot (self, key, size);
      return;
    }

  type->n_keys++;
  type->total += size;
  if (type->biggest.key == NULL || size > type->biggest.size)
    {
      g_clear_pointer (&type->biggest.key, g_bytes_unref);
      type->biggest = (KeysKey){ g_bytes_ref (key), size };
    }
}

static void
append_key (GString *output,
            GBytes *key,
            void (*append) (GString *string,
                            const char *data,
                            gsize length))
{
  gsize length;
  const char *data = g_bytes_get_data (key, &length);

  append (output, data, length);
}

static void
found_print_json (KeysFound *self,
                  GString *output)
{
  g_string_append_printf (output, "{\"sampled\": %" G_GUINT64_FORMAT ", \"keys\": %" G_GINT64_FORMAT
                                  ", \"name_bytes\": %" G_GUINT64_FORMAT, self->n_keys, self->n_all, self->n_bytes);
  g_string_append (output, self->mode == KEYS_HOT ? ", \"hot\": [" : ", \"types\": {");

  for (guint i = 0; i < self->n_hot; i++)
    {
      g_string_append (output, i > 0 ? ", {\"key\": " : "{\"key\": ");
      append_key (output, self->hot[i].key, tool_json_append_string);
      g_string_append_printf (output, ", \"frequency\": %" G_GINT64_FORMAT "}", self->hot[i].size);
    }

  for (guint i = 0; i < self->types->len; i++)
    {
      const KeysType *type = g_ptr_array_index (self->types, i);

      g_string_append (output, i > 0 ? ", " : "");
      tool_json_append_string (output, type->name, strlen (type->name));
      g_string_append_printf (output, ": {\"keys\": %" G_GUINT64_FORMAT ", \"total\": %" G_GINT64_FORMAT
                                      ", \"unit\": \"%s\", \"biggest\": {\"key\": ", type->n_keys, type->total, type->unit);
      append_key (output, type->biggest.key, tool_json_append_string);
      g_string_append_printf (output, ", \"size\": %" G_GINT64_FORMAT "}}", type->biggest.size);
    }

  g_string_append (output, self->mode == KEYS_HOT ? "]}\n" : "}}\n");
}

static void
found_print_csv (KeysFound *self,
                 GString *output)
{
  g_string_append (output, self->mode == KEYS_HOT ? "\"frequency\",\"key\"\n"
                                                  : "\"type\",\"keys\",\"total\",\"unit\",\"biggest\",\"key\"\n");

  for (guint i = 0; i < self->n_hot; i++)
    {
      g_string_append_printf (output, "%" G_GINT64_FORMAT ",", self->hot[i].size);
      append_key (output, self->hot[i].key, tool_csv_append_string);
      g_string_append_c (output, '\n');
    }

  for (guint i = 0; i < self->types->len; i++)
    {
      const KeysType *type = g_ptr_array_index (self->types, i);

      tool_csv_append_string (output, type->name, strlen (type->name));
      g_string_append_printf (output, ",%" G_GUINT64_FORMAT ",%" G_GINT64_FORMAT ",\"%s\",%" G_GINT64_FORMAT ",", type->n_keys,
                              type->total, type->unit, type->biggest.size);
      append_key (output, type->biggest.key, tool_csv_append_string);
      g_string_append_c (output, '\n');
    }
}

/* Names are escaped wherever this goes: each stands on one line. */
static void
found_print_table (KeysFound *self,
                   GString *output)
{
  g_string_append_printf (output, "%" G_GUINT64_FORMAT " of %" G_GINT64_FORMAT " %s, %s %" G_GUINT64_FORMAT " %s, %.2f on average\n",
                          self->n_keys, self->n_all, tool_text_choose ((guint64) self->n_all, "key", "keys"),
                          tool_text_choose (self->n_keys, "its name has", "their names have"), self->n_bytes,
                          tool_text_choose (self->n_bytes, "byte", "bytes"),
                          self->n_keys > 0 ? (double) self->n_bytes / (double) self->n_keys : 0);
  if (self->n_keys > 0)
    g_string_append (output, self->mode == KEYS_HOT ? "\nfrequency key\n"
                                                    : "\ntype             keys   share          total      average"
                                                      "      biggest unit    key\n");

  for (guint i = 0; i < self->n_hot; i++)
    {
      g_string_append_printf (output, "%9" G_GINT64_FORMAT " ", self->hot[i].size);
      append_key (output, self->hot[i].key, tool_line_append);
      g_string_append_c (output, '\n');
    }

  for (guint i = 0; i < self->types->len; i++)
    {
      const KeysType *type = g_ptr_array_index (self->types, i);
      gsize before = output->len;

      tool_line_append (output, type->name, strlen (type->name));
      g_string_append_printf (output, "%*s %10" G_GUINT64_FORMAT " %6.2f%% %14" G_GINT64_FORMAT " %12.2f %12" G_GINT64_FORMAT
                                      " %-7s ",
                              (int) MAX (0, 10 - (gssize) (output->len - before)), "", type->n_keys,
                              100 * (double) type->n_keys / (double) self->n_keys, type->total,
                              (double) type->total / (double) type->n_keys, type->biggest.size, type->unit);
      append_key (output, type->biggest.key, tool_line_append);
      g_string_append_c (output, '\n');
    }
}

static int
compare_types (gconstpointer a,
               gconstpointer b)
{
  const KeysType *one = *(KeysType *const *) a;
  const KeysType *other = *(KeysType *const *) b;

  if (one->n_keys != other->n_keys)
    return one->n_keys > other->n_keys ? -1 : 1;
  return strcmp (one->name, other->name);
}

void
keys_found_print (KeysFound *self,
                  ToolFormat format)
{
  GString *output = tool_output_begin ();

  /* Keys of the type may all have gone. */
  for (guint i = self->types->len; i > 0; i--)
    if (((KeysType *) g_ptr_array_index (self->types, i - 1))->n_keys == 0)
      g_ptr_array_remove_index (self->types, i - 1);
  g_ptr_array_sort (self->types, compare_types);

  if (format == TOOL_FORMAT_JSON)
    found_print_json (self, output);
  else if (format == TOOL_FORMAT_CSV)
    found_print_csv (self, output);
  else
    found_print_table (self, output);
  tool_output_commit ();
}
