/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-table-private.h"

struct _TornadisTable
{
  TornadisLiveModel *model; /* (unowned) */
  GBytes *key;              /* (owned) */
  GPtrArray *rows;          /* (owned) of (owned) items, each of which knows its position */
  GHashTable *names;        /* (owned) the field of an item -> (unowned) item */
  GHashTable *coming;       /* (owned) likewise of (owned) items that the reading has found */
  GPtrArray *news;          /* (owned) of (owned) those among them that are new, in order */
  gboolean are_keys;
  guint pass;
  guint generation;
};

TornadisTable *
tornadis_table_new (TornadisLiveModel *model,
                    gboolean are_keys)
{
  TornadisTable *self = g_new0 (TornadisTable, 1);

  self->model = model;
  self->key = g_bytes_ref (tornadis_live_model_get_key_bytes (model));
  self->are_keys = are_keys;
  self->rows = g_ptr_array_new_with_free_func (g_object_unref);
  self->names = g_hash_table_new (g_bytes_hash, g_bytes_equal);
  self->coming = g_hash_table_new (g_bytes_hash, g_bytes_equal);
  self->news = g_ptr_array_new_with_free_func (g_object_unref);

  return self;
}

static void
table_forget_news (TornadisTable *self)
{
  g_hash_table_remove_all (self->coming);
  g_ptr_array_set_size (self->news, 0);
}

void
tornadis_table_clear (TornadisTable *self)
{
  table_forget_news (self);
  g_hash_table_remove_all (self->names);
  for (guint i = 0; i < self->rows->len; i++)
    ((TornadisItem *) self->rows->pdata[i])->position = TORNADIS_ITEM_NOWHERE;
  g_ptr_array_set_size (self->rows, 0);
  self->generation++;
}

void
tornadis_table_free (TornadisTable *self)
{
  tornadis_table_clear (self);
  g_ptr_array_unref (self->rows);
  g_ptr_array_unref (self->news);
  g_hash_table_unref (self->names);
  g_hash_table_unref (self->coming);
  g_bytes_unref (self->key);
  g_free (self);
}

guint
tornadis_table_get_n_items (TornadisTable *self)
{
  return self->rows->len;
}

TornadisItem *
tornadis_table_get (TornadisTable *self,
                    guint position)
{
  return position < self->rows->len ? self->rows->pdata[position] : NULL;
}

TornadisItem *
tornadis_table_lookup (TornadisTable *self,
                       GBytes *name)
{
  return g_hash_table_lookup (self->names, name);
}

TornadisItem *
tornadis_table_new_item (TornadisTable *self,
                         GBytes *name)
{
  return tornadis_item_new (self->are_keys ? name : self->key);
}

static void
table_renumber (TornadisTable *self,
                guint first)
{
  for (guint i = first; i < self->rows->len; i++)
    ((TornadisItem *) self->rows->pdata[i])->position = i;
}

/* Removes rows that are one behind the other, and tells of it. */
static void
table_remove_run (TornadisTable *self,
                  guint first,
                  guint n)
{
  for (guint i = first; i < first + n; i++)
    {
      TornadisItem *item = self->rows->pdata[i];

      g_hash_table_remove (self->names, item->field);
      item->position = TORNADIS_ITEM_NOWHERE;
    }
  g_ptr_array_remove_range (self->rows, first, n);
  table_renumber (self, first);
  self->generation++;
  tornadis_live_model_items_changed (self->model, first, n, 0);
}

void
tornadis_table_begin (TornadisTable *self)
{
  table_forget_news (self);
  self->pass++;
}

void
tornadis_table_add (TornadisTable *self,
                    gconstpointer name,
                    gsize name_length,
                    gconstpointer value,
                    gsize value_length)
{
  g_autoptr (GBytes) key = g_bytes_new_static (name, name_length);
  TornadisItem *item = g_hash_table_lookup (self->names, key);
  g_autoptr (GBytes) bytes = NULL;

  if (item == NULL)
    item = g_hash_table_lookup (self->coming, key);
  if (item == NULL)
    {
      g_autoptr (GBytes) field = tornadis_item_copy_bytes (name, name_length);

      item = tornadis_table_new_item (self, field);
      bytes = value != name ? tornadis_item_copy_bytes (value, value_length) : g_bytes_ref (field);
      tornadis_item_set_content (item, field, bytes, 0);
      g_ptr_array_add (self->news, item);
      g_hash_table_insert (self->coming, field, item);
      return;
    }

  item->pass = self->pass;
  if (value == name)
    return;

  /* Whoever is told of it may do anything, so it is told when all is known. */
  bytes = g_bytes_new_static (value, value_length);
  g_clear_pointer (&item->coming, g_bytes_unref);
  if (!g_bytes_equal (bytes, item->bytes))
    item->coming = tornadis_item_copy_bytes (value, value_length);
}

void
tornadis_table_begin_partial (TornadisTable *self)
{
  tornadis_table_begin (self);
  for (guint i = 0; i < self->rows->len; i++)
    ((TornadisItem *) self->rows->pdata[i])->pass = self->pass;
}

void
tornadis_table_drop (TornadisTable *self,
                     GBytes *name)
{
  TornadisItem *item = g_hash_table_lookup (self->names, name);

  if (item != NULL)
    item->pass = 0;
  item = g_hash_table_lookup (self->coming, name);
  if (item != NULL)
    {
      g_hash_table_remove (self->coming, name);
      g_ptr_array_remove (self->news, item);
    }
}

gboolean
tornadis_table_commit (TornadisTable *self)
{
  g_autoptr (GPtrArray) changed = g_ptr_array_new_with_free_func (g_object_unref);
  guint generation = self->generation;
  guint n_before;

  for (guint i = 0; i < self->rows->len; i++)
    if (((TornadisItem *) self->rows->pdata[i])->coming != NULL)
      g_ptr_array_add (changed, g_object_ref (self->rows->pdata[i]));

  for (guint end = self->rows->len; end > 0;)
    {
      guint first = end;

      while (first > 0 && ((TornadisItem *) self->rows->pdata[first - 1])->pass != self->pass)
        first--;
      if (first == end)
        {
          end--;
          continue;
        }
      table_remove_run (self, first, end - first);
      if (self->generation != ++generation)
        return FALSE;
      end = first;
    }

  n_before = self->rows->len;
  for (guint i = 0; i < self->news->len; i++)
    {
      TornadisItem *item = self->news->pdata[i];

      item->position = self->rows->len;
      g_hash_table_insert (self->names, item->field, item);
      g_ptr_array_add (self->rows, g_object_ref (item));
    }
  table_forget_news (self);
  if (self->rows->len > n_before)
    {
      self->generation++;
      tornadis_live_model_items_changed (self->model, n_before, 0, self->rows->len - n_before);
      if (self->generation != ++generation)
        return FALSE;
    }

  for (guint i = 0; i < changed->len; i++)
    {
      TornadisItem *item = changed->pdata[i];
      g_autoptr (GBytes) bytes = g_steal_pointer (&item->coming);

      if (bytes != NULL && item->position != TORNADIS_ITEM_NOWHERE)
        tornadis_item_set_content (item, item->field, bytes, 0);
    }

  return TRUE;
}

void
tornadis_table_insert (TornadisTable *self,
                       guint position,
                       TornadisItem *item)
{
  guint place = MIN (position, self->rows->len);

  if (item->position != TORNADIS_ITEM_NOWHERE || tornadis_table_lookup (self, item->field) != NULL)
    return;

  g_hash_table_insert (self->names, item->field, item);
  g_ptr_array_insert (self->rows, (gint) place, g_object_ref (item));
  table_renumber (self, place);
  self->generation++;
  tornadis_live_model_items_changed (self->model, place, 0, 1);
}

void
tornadis_table_remove (TornadisTable *self,
                       TornadisItem *item)
{
  if (item->position != TORNADIS_ITEM_NOWHERE)
    table_remove_run (self, item->position, 1);
}
