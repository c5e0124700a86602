/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-row-reader-private.h"

#include "tornadis-glib/client/tornadis-pipeline.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

/* Rows that are read on both sides of the loaded ones: so far these may have moved and be found again. */
#define MARGIN 16

/* Loaded rows that are no further from each other are read together. */
#define MAX_GAP 64

/* What one of the replies has. */
typedef struct
{
  gint64 first; /* negative: from the end */
  guint reply;
  gboolean wanted;
} Range;

struct _TornadisRowReader
{
  TornadisLiveModel *model;     /* (unowned) */
  TornadisPositions *positions; /* (unowned) */
  gboolean has_scores;
  TornadisRowCommandFunc make_command;
  GArray *ranges;    /* (owned) of Range */
  GArray *rows;      /* (owned) of TornadisRow */
  GHashTable *index; /* (owned) of rows: their index -> their place among them, plus one */
  gsize size;        /* of all rows together */
  guint n_after;
};

TornadisRowReader *
tornadis_row_reader_new (TornadisLiveModel *model,
                         TornadisPositions *positions,
                         gboolean has_scores,
                         TornadisRowCommandFunc make_command)
{
  TornadisRowReader *self = g_new0 (TornadisRowReader, 1);

  self->model = model;
  self->positions = positions;
  self->has_scores = has_scores;
  self->make_command = make_command;
  self->ranges = g_array_new (FALSE, FALSE, sizeof (Range));
  self->rows = g_array_new (FALSE, FALSE, sizeof (TornadisRow));
  self->index = g_hash_table_new (NULL, NULL);

  return self;
}

void
tornadis_row_reader_free (TornadisRowReader *self)
{
  g_array_unref (self->ranges);
  g_array_unref (self->rows);
  g_hash_table_unref (self->index);
  g_free (self);
}

void
tornadis_row_reader_clear (TornadisRowReader *self)
{
  g_array_set_size (self->ranges, 0);
  g_array_set_size (self->rows, 0);
  self->size = 0;
  g_hash_table_remove_all (self->index);
}

static void
reader_stack (TornadisRowReader *self,
              TornadisPipeline *pipeline,
              gint64 first,
              gint64 last,
              gboolean wanted)
{
  Range range = { first, tornadis_pipeline_get_number_of_stacked_calls (pipeline), wanted };
  g_autoptr (TornadisCommand) command = self->make_command (self->model, first, last);

  tornadis_pipeline_stack_command (pipeline, command);
  g_array_append_val (self->ranges, range);
}

void
tornadis_row_reader_stack_wanted (TornadisRowReader *self,
                                  TornadisPipeline *pipeline)
{
  g_autoptr (GArray) pages = tornadis_positions_take_wanted (self->positions);

  for (guint i = 0; i < pages->len; i++)
    {
      const TornadisRows *page = &g_array_index (pages, TornadisRows, i);

      reader_stack (self, pipeline, page->start, (gint64) page->start + page->length - 1, TRUE);
    }
}

void
tornadis_row_reader_stack_around (TornadisRowReader *self,
                                  TornadisPipeline *pipeline,
                                  GPtrArray *loaded,
                                  gboolean from_end)
{
  gint64 n_before = tornadis_positions_get_n_items (self->positions);

  for (guint i = 0; i < loaded->len; i++)
    {
      gint64 first = ((TornadisItem *) loaded->pdata[i])->position;
      gint64 last = first;

      while (i + 1 < loaded->len && ((TornadisItem *) loaded->pdata[i + 1])->position - last <= MAX_GAP)
        last = ((TornadisItem *) loaded->pdata[++i])->position;

      reader_stack (self, pipeline, MAX (0, first - MARGIN), last + MARGIN, FALSE);
      if (from_end)
        reader_stack (self, pipeline, first - MARGIN - n_before, MIN (-1, last + MARGIN - n_before), FALSE);
    }
}

static void
reader_add (TornadisRowReader *self,
            gint64 index,
            const Range *range,
            TornadisReply *member,
            TornadisReply *score)
{
  TornadisRow row = { 0 };
  gpointer known;

  if (index >= self->n_after)
    return;

  known = g_hash_table_lookup (self->index, GUINT_TO_POINTER ((guint) index));
  if (known != NULL)
    {
      g_array_index (self->rows, TornadisRow, GPOINTER_TO_UINT (known) - 1).wanted |= range->wanted;
      return;
    }

  row.index = (guint) index;
  row.wanted = range->wanted;
  row.data = tornadis_reply_get_data (member, &row.length);
  row.score = score != NULL ? tornadis_reply_get_double (score) : 0;
  self->size += row.length;
  g_array_append_val (self->rows, row);
  g_hash_table_insert (self->index, GUINT_TO_POINTER (row.index), GUINT_TO_POINTER (self->rows->len));
}

static gboolean
is_string (TornadisReply *reply)
{
  return reply != NULL && tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_STRING;
}

static gboolean
reader_take_range (TornadisRowReader *self,
                   const Range *range,
                   TornadisReply *reply)
{
  gint64 first = range->first >= 0 ? range->first : MAX (0, range->first + self->n_after);
  gsize n_elements = tornadis_reply_get_n_elements (reply);
  gsize i = 0;

  if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_ARRAY)
    return FALSE;

  for (gint64 index = first; i < n_elements; index++)
    {
      TornadisReply *member = tornadis_reply_get_element (reply, i++);
      TornadisReply *score = NULL;

      if (self->has_scores && tornadis_reply_get_kind (member) == TORNADIS_REPLY_KIND_ARRAY)
        {
          /* RESP3 has pairs. */
          if (tornadis_reply_get_n_elements (member) != 2)
            return FALSE;
          score = tornadis_reply_get_element (member, 1);
          member = tornadis_reply_get_element (member, 0);
        }
      else if (self->has_scores)
        {
          if (i == n_elements)
            return FALSE;
          score = tornadis_reply_get_element (reply, i++);
        }
      if (!is_string (member))
        return FALSE;
      reader_add (self, index, range, member, score);
    }

  return TRUE;
}

gboolean
tornadis_row_reader_take (TornadisRowReader *self,
                          TornadisReply *replies,
                          GError **error)
{
  TornadisReply *length = tornadis_reply_get_element (replies, 0);
  gboolean done = length != NULL && tornadis_reply_get_kind (length) == TORNADIS_REPLY_KIND_INTEGER &&
                  tornadis_reply_get_integer (length) >= 0 && tornadis_reply_get_integer (length) < G_MAXUINT;

  if (done)
    self->n_after = (guint) tornadis_reply_get_integer (length);
  for (guint i = 0; done && i < self->ranges->len; i++)
    {
      const Range *range = &g_array_index (self->ranges, Range, i);
      TornadisReply *reply = range->reply < tornadis_reply_get_n_elements (replies) ? tornadis_reply_get_element (replies, range->reply) : NULL;

      done = reply != NULL && reader_take_range (self, range, reply);
    }

  if (!done)
    g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "%s: the replies are no rows", G_OBJECT_TYPE_NAME (self->model));

  if (self->rows->len > 0)
    tornadis_positions_set_row_size (self->positions, self->size / self->rows->len);

  return done;
}

guint
tornadis_row_reader_get_n_after (TornadisRowReader *self)
{
  return self->n_after;
}

GArray *
tornadis_row_reader_get_rows (TornadisRowReader *self)
{
  return self->rows;
}

const TornadisRow *
tornadis_row_reader_lookup (TornadisRowReader *self,
                            gint64 index)
{
  guint place;

  if (index < 0 || index >= self->n_after)
    return NULL;

  place = GPOINTER_TO_UINT (g_hash_table_lookup (self->index, GUINT_TO_POINTER ((guint) index)));

  return place != 0 ? &g_array_index (self->rows, TornadisRow, place - 1) : NULL;
}

static gboolean
is_within (GArray *added,
           guint index)
{
  for (guint i = 0; i < added->len; i++)
    {
      const TornadisRows *rows = &g_array_index (added, TornadisRows, i);

      if (index >= rows->start && index - rows->start < rows->length)
        return TRUE;
    }

  return FALSE;
}

TornadisReading
tornadis_row_reader_apply (TornadisRowReader *self,
                           GPtrArray *loaded,
                           GArray *anchors)
{
  g_autoptr (GArray) added = g_array_new (FALSE, FALSE, sizeof (TornadisRows));
  guint generation;

  if (anchors != NULL ? !tornadis_positions_move (self->positions, loaded, anchors, self->n_after, added)
                      : self->n_after != tornadis_positions_get_n_items (self->positions))
    return TORNADIS_READING_CHANGED;

  generation = tornadis_positions_get_generation (self->positions);
  for (guint i = 0; i < self->rows->len; i++)
    {
      const TornadisRow *row = &g_array_index (self->rows, TornadisRow, i);
      TornadisItem *item = tornadis_positions_lookup (self->positions, row->index);
      g_autoptr (GBytes) bytes = NULL;

      if (item != NULL ? !item->loading : !row->wanted && !is_within (added, row->index))
        continue;

      bytes = tornadis_item_copy_bytes (row->data, row->length);
      tornadis_positions_put (self->positions, row->index, self->has_scores ? bytes : NULL, bytes, row->score);
      if (tornadis_positions_get_generation (self->positions) != generation)
        return TORNADIS_READING_CHANGED;
    }

  return TORNADIS_READING_DONE;
}
