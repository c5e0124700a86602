/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-table-reader-private.h"

#include "tornadis-glib/client/tornadis-pipeline.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

/* Of more it is not asked at once. */
#define MAX_AT_ONCE 10000

/* How many a scan is to look at in a step. */
#define SCAN_COUNT 1000

typedef enum
{
  STEP_NONE,   /* no reading is under way */
  STEP_LENGTH, /* it is asked how much there is */
  STEP_ALL,
  STEP_SCAN,
} Step;

typedef struct
{
  TornadisLiveModel *model; /* (unowned) */
  const TornadisTableCommands *commands;
  TornadisTable *table;  /* (owned) */
  Step step;             /* what was sent last */
  gboolean large;        /* there was too much for one reply */
  GBytes *cursor;        /* (owned) (nullable) where the scan is */
  GHashTable *touched;   /* (owned) (element-type GBytes gboolean) what is known since the reading began */
  GMainContext *context; /* (owned) */
  GSource *source;       /* (owned) (nullable) that will show what was touched */
} Reader;

static void
reader_free (gpointer data)
{
  Reader *self = data;

  g_assert (self->source == NULL);
  tornadis_table_free (self->table);
  g_clear_pointer (&self->cursor, g_bytes_unref);
  g_hash_table_unref (self->touched);
  g_main_context_unref (self->context);
  g_free (self);
}

void
tornadis_table_reader_attach (TornadisLiveModel *model,
                              const TornadisTableCommands *commands)
{
  Reader *self = g_new0 (Reader, 1);

  self->model = model;
  self->commands = commands;
  self->table = tornadis_table_new (model, commands->length == NULL);
  self->touched = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  self->context = g_main_context_ref_thread_default ();
  tornadis_live_model_set_data (model, self, reader_free);
}

TornadisTable *
tornadis_table_reader_get_table (TornadisLiveModel *model)
{
  Reader *self = tornadis_live_model_get_data (model);

  return self->table;
}

guint
tornadis_table_reader_get_n_items (TornadisLiveModel *model)
{
  return tornadis_table_get_n_items (tornadis_table_reader_get_table (model));
}

TornadisItem *
tornadis_table_reader_get_item (TornadisLiveModel *model,
                                guint position)
{
  TornadisItem *item = tornadis_table_get (tornadis_table_reader_get_table (model), position);

  return item != NULL ? g_object_ref (item) : NULL;
}

gboolean
tornadis_table_reader_event (TornadisLiveModel *model,
                             GBytes *key,
                             const char *event)
{
  return TRUE;
}

gboolean
tornadis_table_reader_has_wanted (TornadisLiveModel *model)
{
  return FALSE;
}

/* Puts what was touched into what is read. */
static void
reader_take_touched (Reader *self)
{
  GHashTableIter iter;
  gpointer name;
  gpointer is_there;

  g_hash_table_iter_init (&iter, self->touched);
  while (g_hash_table_iter_next (&iter, &name, &is_there))
    {
      gsize length;
      gconstpointer data = g_bytes_get_data (name, &length);

      if (is_there)
        tornadis_table_add (self->table, data, length, data, length);
      else
        tornadis_table_drop (self->table, name);
    }
  g_hash_table_remove_all (self->touched);
}

static gboolean
touched_cb (gpointer user_data)
{
  Reader *self = user_data;
  g_autoptr (TornadisLiveModel) model = g_object_ref (self->model);

  g_clear_pointer (&self->source, g_source_unref);
  /* Else at its end. */
  if (self->step == STEP_NONE)
    {
      tornadis_table_begin_partial (self->table);
      reader_take_touched (self);
      if (!tornadis_table_commit (self->table))
        tornadis_live_model_queue_reading (model, TRUE);
    }

  return G_SOURCE_REMOVE;
}

static void
reader_schedule (Reader *self)
{
  if (self->source != NULL || g_hash_table_size (self->touched) == 0)
    return;

  self->source = g_idle_source_new ();
  g_source_set_priority (self->source, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->source, touched_cb, self, NULL);
  g_source_attach (self->source, self->context);
}

void
tornadis_table_reader_touch (TornadisLiveModel *model,
                             GBytes *name,
                             gboolean is_there)
{
  Reader *self = tornadis_live_model_get_data (model);

  g_hash_table_insert (self->touched, g_bytes_ref (name), GINT_TO_POINTER (is_there));
  reader_schedule (self);
}

void
tornadis_table_reader_stack (TornadisLiveModel *model,
                             TornadisPipeline *pipeline,
                             gboolean changes)
{
  Reader *self = tornadis_live_model_get_data (model);
  g_autoptr (TornadisCommand) command = NULL;

  if (self->step == STEP_NONE)
    {
      tornadis_table_begin (self->table);
      self->large = self->commands->length == NULL;
    }

  if (self->step == STEP_NONE && !self->large)
    {
      self->step = STEP_LENGTH;
      command = tornadis_live_model_new_command (model, self->commands->length);
    }
  else if (!self->large)
    {
      self->step = STEP_ALL;
      command = tornadis_live_model_new_command (model, self->commands->all);
    }
  else
    {
      self->step = STEP_SCAN;
      command = self->commands->length == NULL ? tornadis_command_new (self->commands->scan)
                                               : tornadis_live_model_new_command (model, self->commands->scan);
      if (self->cursor != NULL)
        tornadis_command_append_bytes (command, self->cursor);
      else
        tornadis_command_append_string (command, "0");
      if (self->commands->length == NULL)
        {
          /* It goes over all nodes of a cluster, which a transaction does not. */
          tornadis_pipeline_set_atomic (pipeline, FALSE);
          tornadis_command_append_string (command, "MATCH");
          tornadis_command_append_bytes (command, tornadis_live_model_get_key_bytes (model));
        }
      tornadis_command_append_string (command, "COUNT");
      tornadis_command_append_int64 (command, SCAN_COUNT);
    }

  tornadis_pipeline_stack_command (pipeline, command);
}

/* Rows of an array, a set or a map. */
static gboolean
reader_take_rows (Reader *self,
                  TornadisReply *rows)
{
  gsize n = tornadis_reply_get_n_elements (rows);
  gsize width = self->commands->has_values ? 2 : 1;

  if (n % width != 0)
    return FALSE;

  for (gsize i = 0; i < n; i += width)
    {
      gsize name_length;
      gsize value_length;
      const guint8 *name = tornadis_reply_get_data (tornadis_reply_get_element (rows, i), &name_length);
      const guint8 *value = tornadis_reply_get_data (tornadis_reply_get_element (rows, i + width - 1), &value_length);

      if (name == NULL || value == NULL)
        return FALSE;
      tornadis_table_add (self->table, name, name_length, value, value_length);
    }

  return TRUE;
}

static TornadisReading
reader_take (Reader *self,
             TornadisReply *reply)
{
  TornadisReply *cursor;
  gsize length;

  if (self->step == STEP_LENGTH)
    {
      self->large = tornadis_reply_get_integer (reply) > MAX_AT_ONCE;
      return tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_INTEGER ? TORNADIS_READING_MORE : TORNADIS_READING_CHANGED;
    }
  if (self->step == STEP_ALL)
    return reader_take_rows (self, reply) ? TORNADIS_READING_DONE : TORNADIS_READING_CHANGED;

  if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_ARRAY || tornadis_reply_get_n_elements (reply) != 2)
    return TORNADIS_READING_CHANGED;
  cursor = tornadis_reply_get_element (reply, 0);
  if (tornadis_reply_get_data (cursor, &length) == NULL || !reader_take_rows (self, tornadis_reply_get_element (reply, 1)))
    return TORNADIS_READING_CHANGED;
  g_clear_pointer (&self->cursor, g_bytes_unref);
  if (g_strcmp0 (tornadis_reply_get_text (cursor), "0") == 0)
    return TORNADIS_READING_DONE;
  self->cursor = tornadis_item_copy_bytes (tornadis_reply_get_data (cursor, NULL), length);

  return TORNADIS_READING_MORE;
}

TornadisReading
tornadis_table_reader_apply (TornadisLiveModel *model,
                             TornadisReply *replies,
                             gboolean changes,
                             GError **error)
{
  Reader *self = tornadis_live_model_get_data (model);
  TornadisReading outcome = TORNADIS_READING_CHANGED;

  if (tornadis_reply_get_n_elements (replies) == 1)
    outcome = reader_take (self, tornadis_reply_get_element (replies, 0));
  if (outcome == TORNADIS_READING_CHANGED)
    g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "%s: the replies are no rows", G_OBJECT_TYPE_NAME (model));
  if (outcome != TORNADIS_READING_DONE)
    return outcome;

  reader_take_touched (self);
  self->step = STEP_NONE;

  return tornadis_table_commit (self->table) ? TORNADIS_READING_DONE : TORNADIS_READING_CHANGED;
}

void
tornadis_table_reader_abandon (TornadisLiveModel *model)
{
  Reader *self = tornadis_live_model_get_data (model);

  self->step = STEP_NONE;
  g_clear_pointer (&self->cursor, g_bytes_unref);
  reader_schedule (self);
}

void
tornadis_table_reader_dispose (TornadisLiveModel *model)
{
  Reader *self = tornadis_live_model_get_data (model);

  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  tornadis_table_clear (self->table);
}

/* Edits */

typedef struct
{
  TornadisItem *item; /* (owned) */
  guint position;     /* where it was, or TORNADIS_ITEM_NOWHERE */
  GBytes *before;     /* (owned) (nullable) the value that it had */
} Undo;

static void
undo_free (gpointer data)
{
  Undo *self = data;

  g_object_unref (self->item);
  g_clear_pointer (&self->before, g_bytes_unref);
  g_free (self);
}

static void
undo_edit (TornadisLiveModel *model,
           gpointer data)
{
  TornadisTable *table = tornadis_table_reader_get_table (model);
  const Undo *undo = data;

  if (undo->position == TORNADIS_ITEM_NOWHERE)
    tornadis_table_remove (table, undo->item);
  else if (undo->item->position == TORNADIS_ITEM_NOWHERE)
    tornadis_table_insert (table, undo->position, undo->item);
  else
    tornadis_item_set_content (undo->item, undo->item->field, undo->before, 0);
}

void
tornadis_table_reader_edit (TornadisLiveModel *model,
                            GTask *task,
                            TornadisCommand *command,
                            GBytes *name,
                            GBytes *value)
{
  TornadisTable *table = tornadis_table_reader_get_table (model);
  g_autoptr (TornadisItem) item = tornadis_table_lookup (table, name);
  g_autoptr (GBytes) field = tornadis_item_copy_bytes (g_bytes_get_data (name, NULL), g_bytes_get_size (name));
  g_autoptr (GBytes) bytes = NULL;
  Undo *undo = NULL;

  if (value == name)
    bytes = g_bytes_ref (field);
  else if (value != NULL)
    bytes = tornadis_item_copy_bytes (g_bytes_get_data (value, NULL), g_bytes_get_size (value));

  if (item != NULL)
    g_object_ref (item);
  else if (value != NULL)
    item = tornadis_table_new_item (table, field);

  if (item != NULL)
    {
      undo = g_new0 (Undo, 1);
      undo->item = g_object_ref (item);
      undo->position = item->position;
      undo->before = item->bytes != NULL ? g_bytes_ref (item->bytes) : NULL;
    }
  tornadis_live_model_edit (model, task, command, undo != NULL ? undo_edit : NULL, undo, undo != NULL ? undo_free : NULL);

  if (item == NULL)
    return;
  if (value == NULL)
    {
      tornadis_table_remove (table, item);
      return;
    }
  tornadis_item_set_content (item, field, bytes, 0);
  tornadis_table_insert (table, G_MAXUINT, item);
}
