/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/live.h"

#include <string.h>

#include "soak/value.h"

/* What a model or a record shows is a value of its key and its field; and when nothing happens any more it is what the server
 * has. Whether that notifies or not, which it does no more after it was started anew. */

#define N_EDITORS 3
#define N_RECORDS 3
#define N_NAMES 12
#define MAX_PADDING 50
/* Milliseconds. */
#define MAX_WAIT 10
#define LOAD_WAIT 100
/* What the list is cut to now and then. */
#define MAX_LENGTH "40"

enum
{
  HASH,
  SORTED_SET,
  LIST,
  N_MODELS,
};

static const char *const fields[] = { "a", "b", "c" };

typedef struct _Live Live;

typedef struct
{
  Live *live; /* (unowned) */
  guint number;
  guint n_values; /* that it has written */
  gboolean is_busy;
} Editor;

typedef struct
{
  Live *live;             /* (unowned) */
  TornadisRecord *record; /* (owned) */
  gboolean is_busy;
} Sheet;

struct _Live
{
  Run *run;                            /* (unowned) */
  TornadisClient *client;              /* (owned) asks the server at the end */
  char *keys[N_MODELS];                /* (owned) */
  char *room;                          /* (owned) the key of the records */
  TornadisLiveModel *models[N_MODELS]; /* (owned) */
  Sheet sheets[N_RECORDS];
  Editor editors[N_EDITORS];
  GPtrArray *held; /* (owned) (element-type TornadisItem) looked at last, so that they are loaded */
  gboolean is_ending;
  gboolean is_changing; /* what nobody is told of */
  gboolean is_asking;
  gboolean is_same; /* as the server's */
};

static void editor_go_on (Editor *self);
static void live_ask (Live *self);

/* Editing. */

static gboolean
go_on_cb (gpointer user_data)
{
  editor_go_on (user_data);

  return G_SOURCE_REMOVE;
}

static void
editor_end_one (Editor *self,
                const GError *error)
{
  Run *run = self->live->run;

  run->n_pending--;
  run->n_done++;
  tally_count (run->tally, "edits");
  if (error != NULL)
    run_take_error (run, error);
  g_timeout_add (run_random (run, MAX_WAIT), go_on_cb, self);
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply G_GNUC_UNUSED = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);

  editor_end_one (user_data, error);
}

static void
put_cb (GObject *object,
        GAsyncResult *result,
        gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_hash_model_put_finish (TORNADIS_HASH_MODEL (object), result, &error);
  editor_end_one (user_data, error);
}

static void
field_removed_cb (GObject *object,
                  GAsyncResult *result,
                  gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_hash_model_remove_finish (TORNADIS_HASH_MODEL (object), result, &error);
  editor_end_one (user_data, error);
}

static void
added_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_sorted_set_model_add_finish (TORNADIS_SORTED_SET_MODEL (object), result, &error);
  editor_end_one (user_data, error);
}

static void
member_removed_cb (GObject *object,
                   GAsyncResult *result,
                   gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_sorted_set_model_remove_finish (TORNADIS_SORTED_SET_MODEL (object), result, &error);
  editor_end_one (user_data, error);
}

static void
appended_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_list_model_append_finish (TORNADIS_LIST_MODEL (object), result, &error);
  editor_end_one (user_data, error);
}

static void
editor_call (Editor *self,
             const char *const *words)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv (words);

  tornadis_caller_call_async (run_pick_caller (self->live->run), command, NULL, called_cb, self);
}

/* A value of the field. */
static char *
editor_make_value (Editor *self,
                   const char *key,
                   const char *field)
{
  g_autofree char *name = g_strdup_printf ("%s-%u.%u", field, self->number, self->n_values++);

  return value_make (key, name, run_random (self->live->run, MAX_PADDING));
}

static void
editor_edit_hash (Editor *self,
                  gboolean by_model,
                  gboolean removes)
{
  Live *live = self->live;
  TornadisHashModel *model = TORNADIS_HASH_MODEL (live->models[HASH]);
  g_autofree char *field = g_strdup_printf ("f%u", run_random (live->run, N_NAMES));
  g_autofree char *value = editor_make_value (self, live->keys[HASH], field);
  g_autoptr (GBytes) field_bytes = g_bytes_new (field, strlen (field));
  g_autoptr (GBytes) value_bytes = g_bytes_new (value, strlen (value));

  if (by_model && removes)
    tornadis_hash_model_remove_async (model, field_bytes, NULL, field_removed_cb, self);
  else if (by_model)
    tornadis_hash_model_put_async (model, field_bytes, value_bytes, NULL, put_cb, self);
  else if (removes)
    editor_call (self, (const char *[]){ "HDEL", live->keys[HASH], field, NULL });
  else
    editor_call (self, (const char *[]){ "HSET", live->keys[HASH], field, value, NULL });
}

static void
editor_edit_sorted_set (Editor *self,
                        gboolean by_model,
                        gboolean removes)
{
  Live *live = self->live;
  TornadisSortedSetModel *model = TORNADIS_SORTED_SET_MODEL (live->models[SORTED_SET]);
  g_autofree char *name = g_strdup_printf ("m%u", run_random (live->run, N_NAMES));
  g_autofree char *member = value_make (live->keys[SORTED_SET], name, 0);
  g_autofree char *score = g_strdup_printf ("%u", run_random (live->run, N_NAMES));
  g_autoptr (GBytes) bytes = g_bytes_new (member, strlen (member));

  if (by_model && removes)
    tornadis_sorted_set_model_remove_async (model, bytes, NULL, member_removed_cb, self);
  else if (by_model)
    tornadis_sorted_set_model_add_async (model, bytes, g_ascii_strtod (score, NULL), NULL, added_cb, self);
  else if (removes)
    editor_call (self, (const char *[]){ "ZREM", live->keys[SORTED_SET], member, NULL });
  else
    editor_call (self, (const char *[]){ "ZADD", live->keys[SORTED_SET], score, member, NULL });
}

static void
editor_edit_list (Editor *self,
                  gboolean by_model,
                  gboolean removes)
{
  Live *live = self->live;
  g_autofree char *value = editor_make_value (self, live->keys[LIST], "row");
  g_autoptr (GBytes) bytes = g_bytes_new (value, strlen (value));

  if (by_model)
    tornadis_list_model_append_async (TORNADIS_LIST_MODEL (live->models[LIST]), bytes, NULL, appended_cb, self);
  else if (removes)
    editor_call (self, (const char *[]){ "LTRIM", live->keys[LIST], "1", MAX_LENGTH, NULL });
  else
    editor_call (self, (const char *[]){ "LPUSH", live->keys[LIST], value, NULL });
}

static void
editor_edit_record (Editor *self,
                    gboolean by_record)
{
  Live *live = self->live;
  TornadisRecord *record = live->sheets[run_random (live->run, N_RECORDS)].record;
  const char *field = fields[run_random (live->run, G_N_ELEMENTS (fields))];
  g_autofree char *value = editor_make_value (self, live->room, field);

  if (by_record && tornadis_record_get_loaded (record))
    {
      tornadis_record_set_field (record, field, g_variant_new_string (value));
      editor_end_one (self, NULL);
    }
  else
    editor_call (self, (const char *[]){ "HSET", live->room, field, value, NULL });
}

static void
editor_go_on (Editor *self)
{
  Run *run = self->live->run;
  gboolean by_ourselves = run_random (run, 2) == 0;
  gboolean removes = run_random (run, 4) == 0;

  self->is_busy = run_take (run);
  if (!self->is_busy)
    return;

  run->n_pending++;
  switch (run_random (run, N_MODELS + 1))
    {
    case HASH:
      editor_edit_hash (self, by_ourselves, removes);
      break;
    case SORTED_SET:
      editor_edit_sorted_set (self, by_ourselves, removes);
      break;
    case LIST:
      editor_edit_list (self, by_ourselves, removes);
      break;
    default:
      editor_edit_record (self, by_ourselves);
      break;
    }
}

/* What is shown. */

/* It names the key, and the field that it is of (nullable). */
static void
live_check_value (Live *self,
                  const char *key,
                  const char *field,
                  const char *text)
{
  g_autofree char *name = text != NULL ? value_parse (key, text, strlen (text)) : NULL;
  g_autofree char *start = field != NULL ? g_strconcat (field, "-", NULL) : NULL;

  if (name == NULL || (start != NULL && !g_str_has_prefix (name, start)))
    run_fail (self->run, "%s of %s shows: %s", field != NULL ? field : "a row", key, text);
}

static void
items_changed_cb (TornadisLiveModel *model,
                  guint position,
                  guint n_removed,
                  guint n_added,
                  gpointer user_data)
{
  Live *self = user_data;
  guint i = 0;

  while (self->models[i] != model)
    i++;
  tally_count (self->run->tally, "changes");
  for (guint row = position; row < position + n_added; row++)
    {
      g_autoptr (TornadisItem) item = g_list_model_get_item (G_LIST_MODEL (model), row);

      if (!tornadis_item_get_loading (item))
        live_check_value (self, self->keys[i], i == HASH ? tornadis_item_get_name (item) : i == LIST ? "row" : NULL,
                          tornadis_item_get_text (item));
    }
}

static void
field_changed_cb (TornadisRecord *record,
                  const char *name,
                  gpointer user_data)
{
  GVariant *value = tornadis_record_get_field (record, name);
  Live *self = user_data;

  tally_count (self->run->tally, "field-changes");
  if (*g_variant_get_string (value, NULL) != '\0')
    live_check_value (self, self->room, name, g_variant_get_string (value, NULL));
}

static void
write_failed_cb (TornadisRecord *record,
                 GError *error,
                 gpointer user_data)
{
  run_take_error (((Live *) user_data)->run, error);
}

static void G_GNUC_NORETURN
invalid_cb (TornadisRecord *record,
            const char *name,
            GBytes *text,
            gpointer user_data)
{
  run_fail (((Live *) user_data)->run, "%s of a record is no text", name);
}

static gboolean load_cb (gpointer user_data);

static void
loaded_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Sheet *self = user_data;
  Run *run = self->live->run;
  g_autoptr (GError) error = NULL;

  self->is_busy = !tornadis_record_load_finish (self->record, result, &error);
  if (!self->is_busy)
    return;

  run_take_error (run, error);
  /* On a slow machine no connection is made in as little as others are content with. */
  g_object_set (tornadis_record_get_client (self->record), "call-timeout-msec", 0, NULL);
  g_timeout_add (LOAD_WAIT, load_cb, self);
}

static void
sheet_load (Sheet *self)
{
  self->is_busy = TRUE;
  tornadis_record_load_async (self->record, NULL, loaded_cb, self);
}

static gboolean
load_cb (gpointer user_data)
{
  sheet_load (user_data);

  return G_SOURCE_REMOVE;
}

static void
flushed_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  Sheet *self = user_data;

  /* What fails is told by a signal, too. */
  tornadis_record_flush_finish (self->record, result, NULL);
  self->is_busy = FALSE;
}

/* At the end. */

static gboolean
is_row (Live *self,
        GListModel *model,
        guint row,
        TornadisReply *expected)
{
  g_autoptr (TornadisItem) item = g_list_model_get_item (model, row);
  const char *text = expected != NULL ? tornadis_reply_get_text (expected) : NULL;

  g_ptr_array_add (self->held, g_object_ref (item));

  return text != NULL && !tornadis_item_get_loading (item) && g_strcmp0 (tornadis_item_get_text (item), text) == 0;
}

static gboolean
is_list (Live *self,
         TornadisLiveModel *model,
         TornadisReply *list)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (model));
  gboolean is_same = n == tornadis_reply_get_n_elements (list);

  for (guint row = 0; row < n && is_same; row++)
    is_same = is_row (self, G_LIST_MODEL (model), row, tornadis_reply_get_element (list, row));

  return is_same;
}

static gboolean
is_hash (Live *self,
         TornadisLiveModel *model,
         TornadisReply *pairs)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (model));
  gboolean is_same = 2 * n == tornadis_reply_get_n_elements (pairs);

  for (guint row = 0; row < n && is_same; row++)
    {
      g_autoptr (TornadisItem) item = g_list_model_get_item (G_LIST_MODEL (model), row);

      is_same = is_row (self, G_LIST_MODEL (model), row, tornadis_reply_lookup (pairs, tornadis_item_get_name (item)));
    }

  return is_same;
}

static gboolean
is_record (TornadisRecord *record,
           TornadisReply *pairs)
{
  /* It is well again, and says so. */
  if (!tornadis_record_get_live (record) || tornadis_record_get_error (record) != NULL)
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      GVariant *value = tornadis_record_get_field (record, fields[i]);
      TornadisReply *expected = tornadis_reply_lookup (pairs, fields[i]);

      if (g_strcmp0 (g_variant_get_string (value, NULL), expected != NULL ? tornadis_reply_get_text (expected) : "") != 0)
        return FALSE;
    }

  return TRUE;
}

static gboolean
live_compare (Live *self,
              TornadisReply *replies)
{
  g_autoptr (GPtrArray) held G_GNUC_UNUSED = g_steal_pointer (&self->held);
  gboolean is_same;

  /* Those before live on until these are there. */
  self->held = g_ptr_array_new_with_free_func (g_object_unref);
  is_same = is_hash (self, self->models[HASH], tornadis_reply_get_element (replies, HASH)) &&
            is_list (self, self->models[SORTED_SET], tornadis_reply_get_element (replies, SORTED_SET)) &&
            is_list (self, self->models[LIST], tornadis_reply_get_element (replies, LIST));
  for (guint i = 0; i < N_MODELS && is_same; i++)
    is_same = tornadis_live_model_get_live (self->models[i]);
  for (guint i = 0; i < N_RECORDS && is_same; i++)
    is_same = is_record (self->sheets[i].record, tornadis_reply_get_element (replies, N_MODELS));

  return is_same;
}

static gboolean
ask_cb (gpointer user_data)
{
  live_ask (user_data);

  return G_SOURCE_REMOVE;
}

static void
asked_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  Live *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) replies = tornadis_client_call_pipeline_finish (TORNADIS_CLIENT (object), result, &error);

  if (error != NULL)
    run_take_error (self->run, error);
  else
    self->is_same = live_compare (self, replies);
  self->is_asking = !self->is_same;
  if (self->is_asking)
    g_timeout_add (MAX_WAIT, ask_cb, self);
}

static void
live_ask (Live *self)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

  self->is_asking = TRUE;
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "HGETALL", self->keys[HASH], NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "ZRANGE", self->keys[SORTED_SET], "0", "-1", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "LRANGE", self->keys[LIST], "0", "-1", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "HGETALL", self->room, NULL });
  tornadis_client_call_pipeline_async (self->client, pipeline, NULL, asked_cb, self);
}

static void
changed_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  Live *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) replies G_GNUC_UNUSED = tornadis_client_call_pipeline_finish (TORNADIS_CLIENT (object), result, &error);

  if (error != NULL)
    run_take_error (self->run, error);
  self->is_changing = FALSE;
}

/* While those who would be told are not connected. */
static void
live_change_unseen (Live *self)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autofree char *value = value_make (self->keys[HASH], "f0-unseen", 0);
  g_autofree char *member = value_make (self->keys[SORTED_SET], "unseen", 0);
  g_autofree char *row = value_make (self->keys[LIST], "row-unseen", 0);
  g_autofree char *field = value_make (self->room, "a-unseen", 0);

  tornadis_pipeline_set_atomic (pipeline, TRUE);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "CLIENT", "KILL", "TYPE", "pubsub", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "HSET", self->keys[HASH], "f0", value, NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "ZADD", self->keys[SORTED_SET], "0", member, NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "RPUSH", self->keys[LIST], row, NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "HSET", self->room, "a", field, NULL });
  self->is_changing = TRUE;
  tornadis_client_call_pipeline_async (self->client, pipeline, NULL, changed_cb, self);
}

static TornadisClient *
live_pick_client (Live *self)
{
  TornadisClient *client = run_pick_client (self->run);

  /* There is no tracking in RESP2. */
  g_object_set (client, "protocol", TORNADIS_PROTOCOL_AUTO, NULL);

  return client;
}

/* A group has to notify at all of its servers, or at none. */
static void
live_set_notifications (Live *self)
{
  if (self->run->site->server != NULL && run_random (self->run, 2) == 0)
    g_free (tornadis_harness_redis_command (self->run->site->server, "CONFIG SET notify-keyspace-events KA", NULL));
}

static void
sheet_begin (Sheet *self,
             Live *live)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    g_variant_dict_insert (&dict, fields[i], "s", "");
  self->live = live;
  self->record = run_track (live->run, tornadis_record_new (live_pick_client (live), live->room, g_variant_dict_end (&dict)));
  g_signal_connect (self->record, "field-changed", G_CALLBACK (field_changed_cb), live);
  g_signal_connect (self->record, "write-failed", G_CALLBACK (write_failed_cb), live);
  g_signal_connect (self->record, "invalid", G_CALLBACK (invalid_cb), live);
  sheet_load (self);
}

static gpointer
live_begin (Run *run)
{
  static const char *const names[N_MODELS] = { "hash", "zset", "list" };
  Live *self = g_new0 (Live, 1);

  self->run = run;
  self->held = g_ptr_array_new_with_free_func (g_object_unref);
  live_set_notifications (self);
  /* All in one slot. */
  for (guint i = 0; i < N_MODELS; i++)
    self->keys[i] = g_strdup_printf ("%s:{live}:%s", run->prefix, names[i]);
  self->room = g_strdup_printf ("%s:{live}:room", run->prefix);
  self->client = g_object_ref (live_pick_client (self));
  self->models[HASH] = TORNADIS_LIVE_MODEL (tornadis_hash_model_new (live_pick_client (self), self->keys[HASH]));
  self->models[SORTED_SET] =
    TORNADIS_LIVE_MODEL (tornadis_sorted_set_model_new (live_pick_client (self), self->keys[SORTED_SET], FALSE));
  self->models[LIST] = TORNADIS_LIVE_MODEL (tornadis_list_model_new (live_pick_client (self), self->keys[LIST]));
  for (guint i = 0; i < N_MODELS; i++)
    g_signal_connect (run_track (run, self->models[i]), "items-changed", G_CALLBACK (items_changed_cb), self);
  for (guint i = 0; i < N_RECORDS; i++)
    sheet_begin (&self->sheets[i], self);
  for (guint i = 0; i < N_EDITORS; i++)
    {
      self->editors[i] = (Editor){ self, i };
      editor_go_on (&self->editors[i]);
    }

  return self;
}

/* What is to be tried again in half a minute is tried at once. */
static void
live_hurry (Live *self)
{
  for (guint i = 0; i < self->run->clients->len; i++)
    g_object_set (self->run->clients->pdata[i], "call-timeout-msec", 0, NULL);
  for (guint i = 0; i < N_MODELS; i++)
    if (tornadis_live_model_get_error (self->models[i]) != NULL)
      tornadis_live_model_refresh (self->models[i]);
  for (guint i = 0; i < N_RECORDS; i++)
    {
      Sheet *sheet = &self->sheets[i];

      if (tornadis_record_get_error (sheet->record) != NULL)
        {
          sheet_load (sheet);
        }
      else
        {
          sheet->is_busy = TRUE;
          tornadis_record_flush_async (sheet->record, NULL, flushed_cb, sheet);
        }
    }
}

static gboolean
live_is_busy (Live *self)
{
  gboolean is_busy = FALSE;

  for (guint i = 0; i < N_EDITORS; i++)
    is_busy |= self->editors[i].is_busy;
  for (guint i = 0; i < N_RECORDS; i++)
    is_busy |= self->sheets[i].is_busy;

  return is_busy;
}

static gboolean
live_end (gpointer data)
{
  Live *self = data;

  if (live_is_busy (self))
    return FALSE;

  if (!self->is_ending)
    {
      self->is_ending = TRUE;
      live_hurry (self);
      if (self->run->site->server != NULL)
        live_change_unseen (self);
    }
  else if (!self->is_changing && !self->is_asking && !self->is_same)
    {
      live_ask (self);
    }

  return self->is_same;
}

static void
live_free (gpointer data)
{
  Live *self = data;

  for (guint i = 0; i < N_RECORDS; i++)
    {
      g_signal_handlers_disconnect_by_data (self->sheets[i].record, self);
      g_object_unref (self->sheets[i].record);
    }
  for (guint i = 0; i < N_MODELS; i++)
    {
      g_signal_handlers_disconnect_by_data (self->models[i], self);
      g_object_unref (self->models[i]);
      g_free (self->keys[i]);
    }
  g_ptr_array_unref (self->held);
  g_object_unref (self->client);
  g_free (self->room);
  g_free (self);
}

const Participant live_participant = { live_begin, live_end, live_free };
