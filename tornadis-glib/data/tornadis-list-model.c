/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-list-model-private.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/client/tornadis-pipeline.h"
#include "tornadis-glib/data/tornadis-row-reader-private.h"
#include "tornadis-glib/values/tornadis-command.h"

/**
 * TornadisListModel:
 *
 * A list on a server as a [iface@Gio.ListModel], of any length: its pages are read as they are looked at.
 *
 * ```c
 * static void
 * items_changed_cb (GListModel *model, guint position, guint removed, guint added, gpointer user_data)
 * {
 *   g_print ("%u elements\n", g_list_model_get_n_items (model));
 * }
 *
 * static GListModel *
 * show_log (TornadisClient *client)
 * {
 *   TornadisListModel *model = tornadis_list_model_new (client, "log");
 *
 *   g_signal_connect (model, "items-changed", G_CALLBACK (items_changed_cb), NULL);
 *   return G_LIST_MODEL (model);
 * }
 * ```
 *
 * # Memory
 *
 * The model knows the items that somebody holds, as a view does with what it shows, and the last 512 that were looked at, in
 * 8 MiB at most. So its memory is bounded however long the list is and however far it is scrolled.
 *
 * # Changes
 *
 * A change is found by comparing these items with the same rows of the list and those around them, so rows that stay keep
 * their items and move with them: a row that comes in front is one row more, and not a new list. What nobody looks at is
 * counted as the same. A row that is replaced in place (`LSET`) is the same item with another value; without notifications,
 * which say that it was replaced, only if no other was in the same turn of the main loop.
 *
 * # Editing
 *
 * An edit is shown at once and taken back if the server refuses it or the list is another meanwhile:
 * [method@Tornadis.ListModel.append_async] and the others. Those of a row in the midst need that it is loaded; the server makes
 * them only if it has the same value there, by a script.
 *
 * Since: 1.0
 */

/* The loaded rows among which one that has moved is looked for. */
#define MAX_COMPARED 1024

struct _TornadisListModel
{
  TornadisLiveModel parent_instance;

  TornadisPositions *positions; /* (owned) */
  TornadisRowReader *reader;    /* (owned) */
  gboolean replaced;            /* there was an LSET since the last reading of changes began */
  gboolean moved;               /* likewise anything else */
  gboolean reading_replaced;    /* the reading is only for the former */
};

G_DEFINE_FINAL_TYPE (TornadisListModel, tornadis_list_model, TORNADIS_TYPE_LIVE_MODEL)

TornadisPositions *
tornadis_list_model_get_positions (TornadisListModel *self)
{
  return self->positions;
}

static guint
list_model_get_n_items (TornadisLiveModel *model)
{
  return tornadis_positions_get_n_items (TORNADIS_LIST_MODEL (model)->positions);
}

static TornadisItem *
list_model_get_item (TornadisLiveModel *model,
                     guint position)
{
  return tornadis_positions_get_item (TORNADIS_LIST_MODEL (model)->positions, position);
}

static gboolean
list_model_event (TornadisLiveModel *model,
                  GBytes *key,
                  const char *event)
{
  TornadisListModel *self = TORNADIS_LIST_MODEL (model);

  if (g_strcmp0 (event, "lset") == 0)
    self->replaced = TRUE;
  else
    self->moved = TRUE;

  return TRUE;
}

static gboolean
list_model_has_wanted (TornadisLiveModel *model)
{
  return tornadis_positions_has_wanted (TORNADIS_LIST_MODEL (model)->positions);
}

static TornadisCommand *
make_range (TornadisLiveModel *model,
            gint64 first,
            gint64 last)
{
  TornadisCommand *command = tornadis_live_model_new_command (model, "LRANGE");

  tornadis_command_append_int64 (command, first);
  tornadis_command_append_int64 (command, last);

  return command;
}

static void
list_model_stack (TornadisLiveModel *model,
                  TornadisPipeline *pipeline,
                  gboolean changes)
{
  TornadisListModel *self = TORNADIS_LIST_MODEL (model);
  g_autoptr (TornadisCommand) length = tornadis_live_model_new_command (model, "LLEN");

  tornadis_row_reader_clear (self->reader);
  tornadis_pipeline_stack_command (pipeline, length);
  tornadis_row_reader_stack_wanted (self->reader, pipeline);
  if (changes)
    {
      g_autoptr (GPtrArray) loaded = tornadis_positions_dup_loaded (self->positions);

      tornadis_row_reader_stack_around (self->reader, pipeline, loaded, TRUE);
      self->reading_replaced = self->replaced && !self->moved;
      self->replaced = FALSE;
      self->moved = FALSE;
    }
}

static gboolean
is_row (TornadisItem *item,
        const TornadisRow *row)
{
  gsize length;
  gconstpointer data = g_bytes_get_data (item->bytes, &length);

  return row != NULL && row->length == length && (length == 0 || memcmp (data, row->data, length) == 0);
}

static void
add_anchor (GArray *anchors,
            gint64 before,
            gint64 after)
{
  TornadisAnchor anchor = { (guint) before, (guint) after };

  g_array_append_val (anchors, anchor);
}

/* By how much most of the loaded rows have moved, to somewhere between @low and @high; %FALSE: none is there. */
static gboolean
list_model_find_shift (TornadisListModel *self,
                       TornadisItem **loaded,
                       guint n_loaded,
                       gint64 low,
                       gint64 high,
                       gint64 *shift,
                       guint *n_moved)
{
  g_autoptr (GHashTable) places = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  g_autoptr (GHashTable) votes = g_hash_table_new (NULL, NULL);
  GArray *rows = tornadis_row_reader_get_rows (self->reader);

  *n_moved = 0;
  for (guint i = 0; i < n_loaded && i < MAX_COMPARED; i++)
    {
      GPtrArray *items = g_hash_table_lookup (places, loaded[i]->bytes);

      /* A value that is everywhere tells nothing. */
      if (items == NULL)
        g_hash_table_insert (places, g_bytes_ref (loaded[i]->bytes), loaded[i]);
    }

  for (guint i = 0; i < rows->len; i++)
    {
      const TornadisRow *row = &g_array_index (rows, TornadisRow, i);
      g_autoptr (GBytes) bytes = NULL;
      TornadisItem *item;
      gint64 distance;
      guint n;

      if (row->index < low || row->index > high)
        continue;
      bytes = g_bytes_new_static (row->data, row->length);
      item = g_hash_table_lookup (places, bytes);
      if (item == NULL)
        continue;

      distance = (gint64) row->index - item->position;
      n = GPOINTER_TO_UINT (g_hash_table_lookup (votes, GINT_TO_POINTER ((gint) distance))) + 1;
      g_hash_table_insert (votes, GINT_TO_POINTER ((gint) distance), GUINT_TO_POINTER (n));
      if (n > *n_moved)
        {
          *n_moved = n;
          *shift = distance;
        }
    }

  return *n_moved > 0;
}

/* The rows that are the same: as many as are from the front, from the back, and of those between that have moved together. */
static GArray *
list_model_find_anchors (TornadisListModel *self,
                         GPtrArray *loaded,
                         gboolean *in_place)
{
  GArray *anchors = g_array_new (FALSE, FALSE, sizeof (TornadisAnchor));
  TornadisItem **items = (TornadisItem **) loaded->pdata;
  gint64 n_before = tornadis_positions_get_n_items (self->positions);
  gint64 n_after = tornadis_row_reader_get_n_after (self->reader);
  gint64 low = 0;            /* the first row that is free for those between */
  gint64 high = n_after - 1; /* the last one */
  gint64 shift = 0;
  guint n_moved;
  guint first = 0;
  guint end = loaded->len;

  for (; first < end && is_row (items[first], tornadis_row_reader_lookup (self->reader, items[first]->position)); first++)
    {
      add_anchor (anchors, items[first]->position, items[first]->position);
      low = (gint64) items[first]->position + 1;
    }
  for (; first < end; end--)
    {
      gint64 place = n_after - n_before + items[end - 1]->position;

      if (place < low || !is_row (items[end - 1], tornadis_row_reader_lookup (self->reader, place)))
        break;
      high = place - 1;
    }

  if (first < end)
    {
      gboolean found = list_model_find_shift (self, items + first, end - first, low, high, &shift, &n_moved);

      /* One alone whose value is nowhere else has another value, whatever was told. */
      *in_place = n_before == n_after && ((self->reading_replaced && (!found || shift == 0 || 2 * n_moved <= end - first)) ||
                                          (!found && end - first == 1));
      for (guint i = first; i < end && (found || *in_place); i++)
        {
          gint64 place = items[i]->position + (*in_place ? 0 : shift);

          if (place >= low && place <= high && (*in_place || is_row (items[i], tornadis_row_reader_lookup (self->reader, place))))
            add_anchor (anchors, items[i]->position, place);
        }
    }

  for (guint i = end; i < loaded->len; i++)
    add_anchor (anchors, items[i]->position, n_after - n_before + items[i]->position);

  return anchors;
}

/* Those that are where they were, with another value. */
static void
list_model_replace (TornadisListModel *self,
                    GPtrArray *loaded)
{
  for (guint i = 0; i < loaded->len; i++)
    {
      TornadisItem *item = loaded->pdata[i];
      const TornadisRow *row = item->position != TORNADIS_ITEM_NOWHERE ? tornadis_row_reader_lookup (self->reader, item->position) : NULL;
      g_autoptr (GBytes) bytes = NULL;

      if (row == NULL || is_row (item, row))
        continue;

      bytes = tornadis_item_copy_bytes (row->data, row->length);
      tornadis_positions_put (self->positions, item->position, NULL, bytes, 0);
    }
}

static TornadisReading
list_model_apply (TornadisLiveModel *model,
                  TornadisReply *replies,
                  gboolean changes,
                  GError **error)
{
  TornadisListModel *self = TORNADIS_LIST_MODEL (model);
  g_autoptr (GPtrArray) loaded = NULL;
  g_autoptr (GArray) anchors = NULL;
  gboolean in_place = FALSE;
  TornadisReading outcome;

  if (!tornadis_row_reader_take (self->reader, replies, error))
    return TORNADIS_READING_CHANGED;

  if (changes)
    {
      loaded = tornadis_positions_dup_loaded (self->positions);
      anchors = list_model_find_anchors (self, loaded, &in_place);
    }
  outcome = tornadis_row_reader_apply (self->reader, loaded, anchors);
  if (in_place && outcome == TORNADIS_READING_DONE)
    list_model_replace (self, loaded);
  tornadis_positions_abandon (self->positions);

  return outcome;
}

static void
list_model_abandon (TornadisLiveModel *model)
{
  TornadisListModel *self = TORNADIS_LIST_MODEL (model);

  /* Whatever it was for. */
  self->moved = TRUE;
  tornadis_positions_abandon (self->positions);
}

static void
list_model_dispose (TornadisLiveModel *model)
{
  tornadis_positions_clear (TORNADIS_LIST_MODEL (model)->positions);
}

/**
 * tornadis_list_model_new:
 * @client: the client to read and edit with
 * @key: the key of the list
 *
 * Creates a model of a list, whether it is there yet or not.
 *
 * Returns: (transfer full): a new model
 *
 * Since: 1.0
 */
TornadisListModel *
tornadis_list_model_new (TornadisClient *client,
                         const char *key)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT (client), NULL);
  g_return_val_if_fail (key != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_LIST_MODEL, "client", client, "key", key, NULL);
}

static void
tornadis_list_model_finalize (GObject *object)
{
  TornadisListModel *self = TORNADIS_LIST_MODEL (object);

  tornadis_row_reader_free (self->reader);
  tornadis_positions_free (self->positions);

  G_OBJECT_CLASS (tornadis_list_model_parent_class)->finalize (object);
}

static void
tornadis_list_model_constructed (GObject *object)
{
  TornadisListModel *self = TORNADIS_LIST_MODEL (object);

  G_OBJECT_CLASS (tornadis_list_model_parent_class)->constructed (object);

  self->positions = tornadis_positions_new (TORNADIS_LIVE_MODEL (self));
  self->reader = tornadis_row_reader_new (TORNADIS_LIVE_MODEL (self), self->positions, FALSE, make_range);
  tornadis_live_model_start (TORNADIS_LIVE_MODEL (self));
}

static void
tornadis_list_model_class_init (TornadisListModelClass *klass)
{
  static const TornadisLiveModelVirtuals virtuals = {
    .classes = "lgxe",
    .get_n_items = list_model_get_n_items,
    .get_item = list_model_get_item,
    .event = list_model_event,
    .has_wanted = list_model_has_wanted,
    .stack = list_model_stack,
    .apply = list_model_apply,
    .abandon = list_model_abandon,
    .dispose = list_model_dispose,
  };
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = tornadis_list_model_constructed;
  object_class->finalize = tornadis_list_model_finalize;
  TORNADIS_LIVE_MODEL_CLASS (klass)->virtuals = &virtuals;
}

static void
tornadis_list_model_init (TornadisListModel *self)
{
}
