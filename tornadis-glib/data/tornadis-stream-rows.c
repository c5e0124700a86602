/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-stream-rows-private.h"

#include <string.h>

#include "tornadis-glib/data/tornadis-item-private.h"

struct _TornadisStreamRows
{
  TornadisLiveModel *model; /* (unowned) */
  GBytes *key;              /* (owned) */
  GPtrArray *items;         /* (owned) of (owned) items, the id of each higher than that of the one before */
  guint max_items;
  guint generation; /* another with each change */
};

TornadisStreamRows *
tornadis_stream_rows_new (TornadisLiveModel *model,
                          guint max_items)
{
  TornadisStreamRows *self = g_new0 (TornadisStreamRows, 1);

  self->model = model;
  self->key = g_bytes_ref (tornadis_live_model_get_key_bytes (model));
  self->items = g_ptr_array_new_with_free_func (g_object_unref);
  self->max_items = max_items;

  return self;
}

void
tornadis_stream_rows_free (TornadisStreamRows *self)
{
  g_ptr_array_unref (self->items);
  g_bytes_unref (self->key);
  g_free (self);
}

void
tornadis_stream_rows_clear (TornadisStreamRows *self)
{
  g_ptr_array_set_size (self->items, 0);
  self->generation++;
}

guint
tornadis_stream_rows_get_n_items (TornadisStreamRows *self)
{
  return self->items->len;
}

TornadisItem *
tornadis_stream_rows_get (TornadisStreamRows *self,
                          guint position)
{
  return position < self->items->len ? self->items->pdata[position] : NULL;
}

static TornadisStreamEntry *
rows_get_entry (TornadisStreamRows *self,
                guint position)
{
  return tornadis_item_get_entry (self->items->pdata[position]);
}

TornadisStreamEntry *
tornadis_stream_rows_get_last (TornadisStreamRows *self)
{
  return self->items->len > 0 ? rows_get_entry (self, self->items->len - 1) : NULL;
}

/* Puts @n_added of @entries, from @first on, in the place of @n_removed rows, and tells of it. FALSE: the rows were changed
 * by who was told. */
static gboolean
rows_splice (TornadisStreamRows *self,
             guint position,
             guint n_removed,
             GPtrArray *entries,
             guint first,
             guint n_added)
{
  guint n_after = self->items->len - position - n_removed;
  guint generation;

  if (n_removed > 0)
    g_ptr_array_remove_range (self->items, position, n_removed);
  if (n_added > 0)
    {
      g_ptr_array_set_size (self->items, (gint) (position + n_added + n_after));
      memmove (self->items->pdata + position + n_added, self->items->pdata + position, n_after * sizeof (gpointer));
    }
  for (guint i = 0; i < n_added; i++)
    {
      TornadisItem *item = tornadis_item_new (self->key);

      tornadis_item_set_entry (item, entries->pdata[first + i]);
      self->items->pdata[position + i] = item;
    }

  generation = ++self->generation;
  tornadis_live_model_items_changed (self->model, position, n_removed, n_added);

  return self->generation == generation;
}

void
tornadis_stream_rows_append (TornadisStreamRows *self,
                             GPtrArray *entries)
{
  TornadisStreamEntry *last = tornadis_stream_rows_get_last (self);
  guint first = 0;
  guint n;
  guint n_over;

  while (last != NULL && first < entries->len && tornadis_stream_entry_compare (entries->pdata[first], last) <= 0)
    first++;
  if (entries->len - first > self->max_items)
    first = entries->len - self->max_items;
  n = entries->len - first;
  if (n == 0)
    return;

  n_over = self->items->len > self->max_items - n ? self->items->len - (self->max_items - n) : 0;
  if (n_over > 0 && !rows_splice (self, 0, n_over, NULL, 0, 0))
    return;
  rows_splice (self, self->items->len, 0, entries, first, n);
}

gboolean
tornadis_stream_rows_replace (TornadisStreamRows *self,
                              GPtrArray *entries)
{
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  guint old_end = self->items->len;
  guint new_end = entries->len;

  /* From the end, so that the positions of what is not looked at yet stay the same. */
  while (old_end > 0 || new_end > 0)
    {
      guint old = old_end;
      guint new = new_end;

      while (old > 0 || new > 0)
        {
          int order = old == 0   ? -1
                      : new == 0 ? 1
                                 : tornadis_stream_entry_compare (rows_get_entry (self, old - 1), entries->pdata[new - 1]);

          if (order == 0)
            break;
          if (order > 0)
            old--;
          else
            new --;
        }
      if ((old < old_end || new < new_end) && !rows_splice (self, old, old_end - old, entries, new, new_end - new))
        return FALSE;

      if (old > 0)
        g_ptr_array_add (kept, g_object_ref (self->items->pdata[old - 1]));
      old_end = old > 0 ? old - 1 : 0;
      new_end = new > 0 ? new - 1 : 0;
    }

  /* A stream that was deleted and made again can have other fields with the same id. */
  g_assert (entries->len == self->items->len && kept->len <= entries->len);
  for (guint i = 0, j = kept->len; i < entries->len && j > 0; i++)
    if (tornadis_stream_entry_compare (tornadis_item_get_entry (kept->pdata[j - 1]), entries->pdata[i]) == 0)
      tornadis_item_set_entry (kept->pdata[--j], entries->pdata[i]);

  return TRUE;
}

void
tornadis_stream_rows_trim (TornadisStreamRows *self,
                           TornadisStreamEntry *first,
                           TornadisStreamEntry *kept)
{
  guint n = 0;

  while (n < self->items->len && (first != NULL ? tornadis_stream_entry_compare (rows_get_entry (self, n), first) < 0
                                                : kept != NULL && tornadis_stream_entry_compare (rows_get_entry (self, n), kept) <= 0))
    n++;
  if (n > 0)
    rows_splice (self, 0, n, NULL, 0, 0);
}
