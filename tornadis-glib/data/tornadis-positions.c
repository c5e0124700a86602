/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-positions-private.h"

/* Of what nobody else holds. */
#define MAX_KEPT 512
#define MAX_KEPT_SIZE (8 * 1024 * 1024)

/* Pages of one reading: fewer when rows are large. */
#define MAX_PAGES 16
#define MAX_READ (4 * 1024 * 1024)

/* Changes that are made one by one; where there are more they are one. */
#define MAX_SPLICES 64

struct _TornadisPositions
{
  TornadisLiveModel *model; /* (unowned) */
  GBytes *key;              /* (owned) */
  GHashTable *items;        /* (owned) position -> (unowned) item, by a weak reference */
  GQueue kept;              /* of (owned) items, the last looked at is the first */
  gsize kept_size;
  GQueue wanted; /* of items, the last asked for is the last */
  GQueue requested;
  gsize row_size; /* of those that were read last, on average */
  guint n_items;
  guint generation;
};

TornadisPositions *
tornadis_positions_new (TornadisLiveModel *model)
{
  TornadisPositions *self = g_new0 (TornadisPositions, 1);

  self->model = model;
  self->key = g_bytes_ref (tornadis_live_model_get_key_bytes (model));
  self->items = g_hash_table_new (NULL, NULL);
  g_queue_init (&self->kept);
  g_queue_init (&self->wanted);
  g_queue_init (&self->requested);

  return self;
}

static void
positions_set_state (TornadisPositions *self,
                     TornadisItem *item,
                     TornadisItemState state)
{
  if (item->state == TORNADIS_ITEM_WANTED)
    g_queue_unlink (&self->wanted, &item->wanted_link);
  else if (item->state == TORNADIS_ITEM_REQUESTED)
    g_queue_unlink (&self->requested, &item->wanted_link);

  item->state = state;
  if (state == TORNADIS_ITEM_WANTED)
    g_queue_push_tail_link (&self->wanted, &item->wanted_link);
  else if (state == TORNADIS_ITEM_REQUESTED)
    g_queue_push_tail_link (&self->requested, &item->wanted_link);
}

/* The reference that it was kept by, or %NULL. */
static TornadisItem *
positions_unkeep (TornadisPositions *self,
                  TornadisItem *item)
{
  if (!item->kept)
    return NULL;

  item->kept = FALSE;
  self->kept_size -= item->kept_size;
  g_queue_unlink (&self->kept, &item->kept_link);

  return item;
}

static void
item_disposed_cb (gpointer data,
                  GObject *where)
{
  TornadisPositions *self = data;
  TornadisItem *item = (TornadisItem *) where;
  /* It is kept only where it was disposed by hand. */
  TornadisItem *kept = positions_unkeep (self, item);

  positions_set_state (self, item, TORNADIS_ITEM_SETTLED);
  g_hash_table_remove (self->items, GUINT_TO_POINTER (item->position));
  item->position = TORNADIS_ITEM_NOWHERE;
  g_clear_object (&kept);
}

/* It goes its own way; not from the table. */
static void
positions_release (TornadisPositions *self,
                   TornadisItem *item)
{
  g_autoptr (TornadisItem) kept = NULL;

  g_object_weak_unref (G_OBJECT (item), item_disposed_cb, self);
  positions_set_state (self, item, TORNADIS_ITEM_SETTLED);
  item->position = TORNADIS_ITEM_NOWHERE;
  kept = positions_unkeep (self, item);
}

/* An item is put in a row. */
static void
positions_adopt (TornadisPositions *self,
                 guint position,
                 TornadisItem *item)
{
  item->position = position;
  g_hash_table_insert (self->items, GUINT_TO_POINTER (position), item);
  g_object_weak_ref (G_OBJECT (item), item_disposed_cb, self);
}

static void
positions_keep (TornadisPositions *self,
                TornadisItem *item)
{
  if (item->kept)
    positions_unkeep (self, item);
  else
    g_object_ref (item);

  item->kept = TRUE;
  item->kept_size = tornadis_item_get_size (item);
  self->kept_size += item->kept_size;
  g_queue_push_head_link (&self->kept, &item->kept_link);

  while (self->kept.length > MAX_KEPT || (self->kept_size > MAX_KEPT_SIZE && self->kept.length > 1))
    g_object_unref (positions_unkeep (self, self->kept.tail->data));
}

void
tornadis_positions_clear (TornadisPositions *self)
{
  g_autoptr (GHashTable) items = g_steal_pointer (&self->items);
  GHashTableIter iter;
  gpointer item;

  self->items = g_hash_table_new (NULL, NULL);
  self->n_items = 0;
  self->generation++;
  g_hash_table_iter_init (&iter, items);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    {
      g_hash_table_iter_remove (&iter);
      positions_release (self, item);
    }

  g_assert (self->kept.length == 0 && self->wanted.length == 0 && self->requested.length == 0);
}

void
tornadis_positions_free (TornadisPositions *self)
{
  tornadis_positions_clear (self);
  g_hash_table_unref (self->items);
  g_bytes_unref (self->key);
  g_free (self);
}

guint
tornadis_positions_get_n_items (TornadisPositions *self)
{
  return self->n_items;
}

guint
tornadis_positions_get_generation (TornadisPositions *self)
{
  return self->generation;
}

TornadisItem *
tornadis_positions_lookup (TornadisPositions *self,
                           guint position)
{
  return g_hash_table_lookup (self->items, GUINT_TO_POINTER (position));
}

TornadisItem *
tornadis_positions_get_item (TornadisPositions *self,
                             guint position)
{
  TornadisItem *item;

  if (position >= self->n_items)
    return NULL;

  item = tornadis_positions_lookup (self, position);
  if (item != NULL)
    {
      g_object_ref (item);
    }
  else
    {
      item = tornadis_item_new (self->key);
      positions_adopt (self, position, item);
    }

  if (item->loading && item->state != TORNADIS_ITEM_REQUESTED)
    {
      positions_set_state (self, item, TORNADIS_ITEM_WANTED);
      tornadis_live_model_queue_reading (self->model, FALSE);
    }
  positions_keep (self, item);

  return item;
}

static gint
compare_positions (gconstpointer one,
                   gconstpointer other)
{
  const TornadisItem *a = *(TornadisItem *const *) one;
  const TornadisItem *b = *(TornadisItem *const *) other;

  return a->position < b->position ? -1 : a->position > b->position;
}

GPtrArray *
tornadis_positions_dup_loaded (TornadisPositions *self)
{
  GPtrArray *loaded = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer item;

  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    if (!((TornadisItem *) item)->loading)
      g_ptr_array_add (loaded, g_object_ref (item));
  g_ptr_array_sort (loaded, compare_positions);

  return loaded;
}

void
tornadis_positions_set_row_size (TornadisPositions *self,
                                 gsize row_size)
{
  self->row_size = row_size;
}

gboolean
tornadis_positions_has_wanted (TornadisPositions *self)
{
  return self->wanted.length > 0;
}

GArray *
tornadis_positions_take_wanted (TornadisPositions *self)
{
  GArray *pages = g_array_new (FALSE, FALSE, sizeof (TornadisRows));
  gsize max_pages = CLAMP (MAX_READ / (self->row_size * TORNADIS_PAGE_SIZE + 1), 1, MAX_PAGES);

  while (self->wanted.length > 0 && pages->len < max_pages)
    {
      TornadisItem *item = self->wanted.tail->data;
      TornadisRows page = { item->position - item->position % TORNADIS_PAGE_SIZE, 0 };

      page.length = MIN (TORNADIS_PAGE_SIZE, self->n_items - page.start);
      g_array_append_val (pages, page);
      for (guint i = 0; i < page.length; i++)
        {
          TornadisItem *other = tornadis_positions_lookup (self, page.start + i);

          if (other != NULL && other->state == TORNADIS_ITEM_WANTED)
            positions_set_state (self, other, TORNADIS_ITEM_REQUESTED);
        }
    }

  return pages;
}

void
tornadis_positions_abandon (TornadisPositions *self)
{
  while (self->requested.length > 0)
    positions_set_state (self, self->requested.head->data, TORNADIS_ITEM_WANTED);
}

void
tornadis_positions_put (TornadisPositions *self,
                        guint position,
                        GBytes *field,
                        GBytes *bytes,
                        double score)
{
  g_autoptr (TornadisItem) item = NULL;

  if (position >= self->n_items)
    return;

  item = tornadis_positions_lookup (self, position);
  if (item != NULL)
    {
      g_object_ref (item);
      positions_set_state (self, item, TORNADIS_ITEM_SETTLED);
    }
  else
    {
      item = tornadis_item_new (self->key);
      positions_adopt (self, position, item);
      positions_keep (self, item);
    }

  tornadis_item_set_content (item, field, bytes, score);
  if (item->kept)
    {
      self->kept_size -= item->kept_size;
      item->kept_size = tornadis_item_get_size (item);
      self->kept_size += item->kept_size;
    }
}

/* With the item of the row that is added, or %NULL. */
static void
positions_splice (TornadisPositions *self,
                  guint position,
                  guint n_removed,
                  guint n_added,
                  TornadisItem *item)
{
  g_autoptr (GPtrArray) gone = g_ptr_array_new ();

  g_assert (position <= self->n_items && n_removed <= self->n_items - position);

  /* Nothing is behind it in the most frequent case. */
  if (position < self->n_items)
    {
      g_autoptr (GHashTable) old = g_steal_pointer (&self->items);
      GHashTableIter iter;
      gpointer data;

      self->items = g_hash_table_new (NULL, NULL);
      g_hash_table_iter_init (&iter, old);
      while (g_hash_table_iter_next (&iter, NULL, &data))
        {
          TornadisItem *other = data;

          if (other->position >= position && other->position - position < n_removed)
            {
              g_ptr_array_add (gone, other);
              continue;
            }
          if (other->position >= position)
            other->position = other->position - n_removed + n_added;
          g_hash_table_insert (self->items, GUINT_TO_POINTER (other->position), other);
        }
    }

  for (guint i = 0; i < gone->len; i++)
    positions_release (self, gone->pdata[i]);
  self->n_items = self->n_items - n_removed + n_added;
  self->generation++;
  if (item != NULL)
    {
      positions_adopt (self, position, item);
      positions_keep (self, item);
    }
  tornadis_live_model_items_changed (self->model, position, n_removed, n_added);
}

void
tornadis_positions_splice (TornadisPositions *self,
                           guint position,
                           guint n_removed,
                           guint n_added)
{
  positions_splice (self, position, n_removed, n_added, NULL);
}

void
tornadis_positions_insert (TornadisPositions *self,
                           guint position,
                           TornadisItem *item)
{
  g_assert (item->position == TORNADIS_ITEM_NOWHERE);

  positions_splice (self, MIN (position, self->n_items), 0, 1, item);
}

typedef struct
{
  guint before;
  guint n_before;
  guint after;
  guint n_after;
} Splice;

/* Between two rows that stay. @loaded are rows that are gone, in order. */
static void
add_splice (GArray *splices,
            Splice gap,
            TornadisItem **loaded,
            guint n_loaded,
            gboolean at_end)
{
  guint n_head = gap.n_before; /* rows at its head that are not known to be gone */
  guint n_tail = gap.n_before;

  if (n_loaded > 0)
    {
      n_head = loaded[0]->position - gap.before;
      n_tail = gap.before + gap.n_before - 1 - loaded[n_loaded - 1]->position;
    }
  else if (gap.n_before == gap.n_after)
    {
      return;
    }

  /* At an end of the model that is where it has grown or shrunk; in its midst the place is any. */
  if (at_end || n_loaded > 0)
    {
      n_head = MIN (n_head, gap.n_after);
      n_tail = MIN (n_tail, MIN (gap.n_after, gap.n_before) - n_head);
    }
  else
    {
      n_tail = MIN (n_tail, gap.n_after);
      n_head = MIN (n_head, MIN (gap.n_after, gap.n_before) - n_tail);
    }

  gap.before += n_head;
  gap.after += n_head;
  gap.n_before -= n_head + n_tail;
  gap.n_after -= n_head + n_tail;
  g_array_append_val (splices, gap);
}

static GArray *
find_splices (TornadisPositions *self,
              GPtrArray *loaded,
              GArray *anchors,
              guint n_after)
{
  GArray *splices = g_array_new (FALSE, FALSE, sizeof (Splice));
  Splice gap = { 0 };
  guint first = 0; /* of the loaded ones, those of the gap and behind it */

  for (guint i = 0; i <= anchors->len; i++)
    {
      gboolean at_end = i == anchors->len;
      TornadisAnchor end = { self->n_items, n_after };
      guint n = first;

      if (!at_end)
        end = g_array_index (anchors, TornadisAnchor, i);
      while (n < loaded->len && ((TornadisItem *) loaded->pdata[n])->position < end.before)
        n++;

      gap.n_before = end.before - gap.before;
      gap.n_after = end.after - gap.after;
      add_splice (splices, gap, (TornadisItem **) loaded->pdata + first, n - first, at_end);

      first = n + 1;
      gap.before = end.before + 1;
      gap.after = end.after + 1;
    }

  return splices;
}

gboolean
tornadis_positions_move (TornadisPositions *self,
                         GPtrArray *loaded,
                         GArray *anchors,
                         guint n_after,
                         GArray *added)
{
  g_autoptr (GArray) splices = find_splices (self, loaded, anchors, n_after);
  guint generation = self->generation;

  if (splices->len > MAX_SPLICES)
    {
      Splice *first = &g_array_index (splices, Splice, 0);
      Splice last = g_array_index (splices, Splice, splices->len - 1);

      first->n_before = last.before + last.n_before - first->before;
      first->n_after = last.after + last.n_after - first->after;
      g_array_set_size (splices, 1);
    }

  for (guint i = 0; i < splices->len; i++)
    {
      const Splice *splice = &g_array_index (splices, Splice, i);
      TornadisRows rows = { splice->after, splice->n_after };

      if (rows.length > 0)
        g_array_append_val (added, rows);
    }

  /* From behind, so that what is in front is where it was. */
  for (guint i = splices->len; i > 0; i--)
    {
      const Splice *splice = &g_array_index (splices, Splice, i - 1);

      tornadis_positions_splice (self, splice->before, splice->n_before, splice->n_after);
      if (self->generation != ++generation)
        return FALSE;
    }

  return TRUE;
}
