/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-stream-model.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-caller.h"
#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/client/tornadis-pipeline.h"
#include "tornadis-glib/data/tornadis-item.h"
#include "tornadis-glib/data/tornadis-stream-reader-private.h"
#include "tornadis-glib/data/tornadis-stream-rows-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

/**
 * TornadisStreamModel:
 *
 * The newest entries of a stream as a [iface@Gio.ListModel], the oldest of them first: a log that is looked at.
 *
 * An item has the id of its entry, [property@Tornadis.Item:field] and [property@Tornadis.Item:name], and all of its fields in
 * [property@Tornadis.Item:entry]; its [property@Tornadis.Item:bytes] and [property@Tornadis.Item:text] are the value of the
 * first field.
 *
 * No more than [property@Tornadis.StreamModel:max-items] are in it, which are kept in memory: for new ones the oldest make place. It
 * reads them once, and is told of those that are added by a [class@Tornadis.StreamReader], which needs no notifications. Those
 * that others delete or trim are found by notifications, or by [method@Tornadis.LiveModel.refresh]: there each reads all that
 * it has once more, but for trimming, which asks for the oldest entry alone.
 *
 * A user who may not call `XREAD`, and a key with a NUL in it, have it read the stream anew with each notification.
 *
 * Since: 1.0
 */

#define DEFAULT_MAX_ITEMS 10000

struct _TornadisStreamModel
{
  TornadisLiveModel parent_instance;

  guint max_items;
  GMainContext *context;    /* (owned) */
  char *name;               /* (owned) a GRefString: the key */
  TornadisStreamRows *rows; /* (owned) (nullable) before it is constructed */

  TornadisStreamReader *reader; /* (owned) (nullable) before the first reading */
  TornadisStreamEntry *told;    /* (owned) (nullable) the last that it has told, or that it began behind */
  GPtrArray *arrived;           /* (owned) (element-type TornadisStreamEntry) that are to be appended */
  GSource *source;              /* (owned) (nullable) that will append them */
  gboolean reader_failed;
  gboolean reader_wanted; /* it may be tried again */
  gboolean doubtful;      /* what comes next may have been read before others deleted it */

  gboolean whole;            /* all is to be read, not only what the first entry is */
  gboolean reading_whole;    /* likewise of what is under way */
  TornadisStreamEntry *mark; /* (owned) (nullable) the last row when it was begun */
};

G_DEFINE_FINAL_TYPE (TornadisStreamModel, tornadis_stream_model, TORNADIS_TYPE_LIVE_MODEL)

typedef enum
{
  PROP_MAX_ITEMS = 1,
} TornadisStreamModelProperty;

static GParamSpec *props[PROP_MAX_ITEMS + 1];

static void
replace_entry (TornadisStreamEntry **place,
               TornadisStreamEntry *entry)
{
  g_autoptr (TornadisStreamEntry) old G_GNUC_UNUSED = *place;

  *place = entry != NULL ? tornadis_stream_entry_ref (entry) : NULL;
}

/* What the reader tells */

static gboolean
arrived_cb (gpointer user_data)
{
  TornadisStreamModel *self = user_data;
  g_autoptr (TornadisStreamModel) alive G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GPtrArray) entries = g_steal_pointer (&self->arrived);

  self->arrived = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_stream_entry_unref);
  g_clear_pointer (&self->source, g_source_unref);
  if (self->doubtful)
    {
      /* The reply that was under way then is told in one piece or in several, and the next is asked for behind it. */
      self->doubtful = tornadis_stream_reader_has_entries (self->reader);
      self->whole = TRUE;
      tornadis_live_model_queue_reading (TORNADIS_LIVE_MODEL (self), TRUE);
    }
  tornadis_stream_rows_append (self->rows, entries);

  return G_SOURCE_REMOVE;
}

/* All that come in one turn of the main loop are one change. */
static void
entry_cb (TornadisStreamModel *self,
          TornadisStreamEntry *entry)
{
  replace_entry (&self->told, entry);
  g_ptr_array_add (self->arrived, tornadis_stream_entry_ref (entry));
  if (self->source != NULL)
    return;

  self->source = g_idle_source_new ();
  g_source_set_priority (self->source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (self->source, "[tornadis] stream model, entries have come");
  g_source_set_callback (self->source, arrived_cb, self, NULL);
  g_source_attach (self->source, self->context);
}

static void
failed_cb (TornadisStreamModel *self,
           const GError *error)
{
  /* What it has missed, or why. */
  self->reader_failed = TRUE;
  self->whole = TRUE;
  tornadis_live_model_queue_reading (TORNADIS_LIVE_MODEL (self), TRUE);
}

static void
stream_model_drop_reader (TornadisStreamModel *self)
{
  g_autoptr (TornadisStreamReader) reader = g_steal_pointer (&self->reader);

  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  g_ptr_array_set_size (self->arrived, 0);
  g_clear_pointer (&self->told, tornadis_stream_entry_unref);
  if (reader == NULL)
    return;

  g_signal_handlers_disconnect_by_data (reader, self);
  tornadis_stream_reader_close_async (reader, NULL, NULL, NULL);
}

/* Reads on behind the last row. */
static void
stream_model_follow (TornadisStreamModel *self)
{
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (self);
  TornadisStreamEntry *last = tornadis_stream_rows_get_last (self->rows);
  const char *start = last != NULL ? tornadis_stream_entry_get_id (last) : "0";

  stream_model_drop_reader (self);
  replace_entry (&self->told, last);
  self->reader_failed = strlen (self->name) != g_bytes_get_size (tornadis_live_model_get_key_bytes (model));
  if (self->reader_failed)
    return;

  g_main_context_push_thread_default (self->context);
  self->reader = tornadis_stream_reader_new (TORNADIS_CALLER (tornadis_live_model_get_client (model)), self->name, start);
  g_signal_connect_swapped (self->reader, "entry", G_CALLBACK (entry_cb), self);
  g_signal_connect_swapped (self->reader, "failed", G_CALLBACK (failed_cb), self);
  tornadis_stream_reader_start (self->reader);
  g_main_context_pop_thread_default (self->context);
}

/* Whether it is further than the stream is, which was deleted then and may begin anew; or may be tried again. */
static gboolean
stream_model_has_to_follow (TornadisStreamModel *self)
{
  TornadisStreamEntry *last = tornadis_stream_rows_get_last (self->rows);

  if (self->reader == NULL || self->reader_failed)
    return self->reader_wanted;

  return self->told != NULL && (last == NULL || tornadis_stream_entry_compare (self->told, last) > 0) && self->arrived->len == 0;
}

/* Readings */

static guint
stream_model_get_n_items (TornadisLiveModel *model)
{
  TornadisStreamModel *self = TORNADIS_STREAM_MODEL (model);

  return tornadis_stream_rows_get_n_items (self->rows);
}

static TornadisItem *
stream_model_get_item (TornadisLiveModel *model,
                       guint position)
{
  TornadisItem *item = tornadis_stream_rows_get (TORNADIS_STREAM_MODEL (model)->rows, position);

  return item != NULL ? g_object_ref (item) : NULL;
}

static gboolean
stream_model_event (TornadisLiveModel *model,
                    GBytes *key,
                    const char *event)
{
  TornadisStreamModel *self = TORNADIS_STREAM_MODEL (model);

  /* Of a group and its consumers. */
  if (key != NULL && g_str_has_prefix (event, "xgroup-"))
    return FALSE;

  if (key != NULL && g_str_equal (event, "xadd") && !self->reader_failed)
    return FALSE;

  if (key != NULL && g_str_equal (event, "xtrim"))
    return TRUE;

  self->whole = TRUE;
  self->doubtful = TRUE;
  self->reader_wanted |= key == NULL || !g_str_equal (event, "xadd");
  return TRUE;
}

static gboolean
stream_model_has_wanted (TornadisLiveModel *model)
{
  return FALSE;
}

static void
stream_model_stack (TornadisLiveModel *model,
                    TornadisPipeline *pipeline,
                    gboolean changes)
{
  TornadisStreamModel *self = TORNADIS_STREAM_MODEL (model);
  g_autoptr (TornadisCommand) command = NULL;

  self->reading_whole = self->whole;
  self->whole = FALSE;
  replace_entry (&self->mark, tornadis_stream_rows_get_last (self->rows));
  command = tornadis_live_model_new_command (model, self->reading_whole ? "XREVRANGE" : "XRANGE");
  tornadis_command_append_string (command, self->reading_whole ? "+" : "-");
  tornadis_command_append_string (command, self->reading_whole ? "-" : "+");
  tornadis_command_append_string (command, "COUNT");
  tornadis_command_append_int64 (command, self->reading_whole ? self->max_items : 1);
  tornadis_pipeline_stack_command (pipeline, command);
}

/* (nullable) (transfer full) (element-type TornadisStreamEntry): what there is, the oldest first. */
static GPtrArray *
stream_model_parse (TornadisStreamModel *self,
                    TornadisReply *reply)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_stream_entry_unref);
  gsize n = tornadis_reply_get_n_elements (reply);

  if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_ARRAY || n > (self->reading_whole ? self->max_items : 1))
    return NULL;

  for (gsize i = n; i > 0; i--)
    {
      TornadisStreamEntry *last = entries->len > 0 ? entries->pdata[entries->len - 1] : NULL;
      TornadisStreamEntry *entry = tornadis_stream_entry_new (self->name, tornadis_reply_get_element (reply, i - 1));

      if (entry == NULL)
        return NULL;
      g_ptr_array_add (entries, entry);
      if (last != NULL && tornadis_stream_entry_compare (last, entry) >= 0)
        return NULL;
    }

  return g_steal_pointer (&entries);
}

/* The reading does not know of what has come since it was begun. */
static void
stream_model_add_since (TornadisStreamModel *self,
                        GPtrArray *entries)
{
  TornadisStreamEntry *top = entries->len > 0 ? entries->pdata[entries->len - 1] : NULL;
  guint n = tornadis_stream_rows_get_n_items (self->rows);
  guint first = n;

  while (first > 0)
    {
      TornadisStreamEntry *entry = tornadis_item_get_entry (tornadis_stream_rows_get (self->rows, first - 1));

      if ((self->mark != NULL && tornadis_stream_entry_compare (entry, self->mark) <= 0) ||
          (top != NULL && tornadis_stream_entry_compare (entry, top) <= 0))
        break;
      first--;
    }
  for (; first < n; first++)
    g_ptr_array_add (entries,
                     tornadis_stream_entry_ref (tornadis_item_get_entry (tornadis_stream_rows_get (self->rows, first))));
  if (entries->len > self->max_items)
    g_ptr_array_remove_range (entries, 0, entries->len - self->max_items);
}

static TornadisReading
stream_model_apply (TornadisLiveModel *model,
                    TornadisReply *replies,
                    gboolean changes,
                    GError **error)
{
  TornadisStreamModel *self = TORNADIS_STREAM_MODEL (model);
  g_autoptr (GPtrArray) entries = NULL;

  if (tornadis_reply_get_n_elements (replies) == 1)
    entries = stream_model_parse (self, tornadis_reply_get_element (replies, 0));
  if (entries == NULL)
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "%s: the replies are no entries", G_OBJECT_TYPE_NAME (model));
      return TORNADIS_READING_CHANGED;
    }

  if (!self->reading_whole)
    {
      tornadis_stream_rows_trim (self->rows, entries->len > 0 ? entries->pdata[0] : NULL, self->mark);
      return TORNADIS_READING_DONE;
    }

  stream_model_add_since (self, entries);
  if (!tornadis_stream_rows_replace (self->rows, entries))
    {
      self->whole = TRUE;
      return TORNADIS_READING_CHANGED;
    }
  if (stream_model_has_to_follow (self))
    stream_model_follow (self);
  self->reader_wanted = FALSE;

  return TORNADIS_READING_DONE;
}

static void
stream_model_abandon (TornadisLiveModel *model)
{
  TornadisStreamModel *self = TORNADIS_STREAM_MODEL (model);

  self->whole |= self->reading_whole;
  /* Both may fail for the same reason. */
  self->reader_wanted = TRUE;
}

static void
stream_model_dispose (TornadisLiveModel *model)
{
  TornadisStreamModel *self = TORNADIS_STREAM_MODEL (model);

  stream_model_drop_reader (self);
  tornadis_stream_rows_clear (self->rows);
}

/**
 * tornadis_stream_model_new:
 * @client: the client to read with
 * @key: the key of the stream
 * @max_items: how many entries are in it at the most, at least 1
 *
 * Creates a model of a stream, whether it is there yet or not.
 *
 * Returns: (transfer full): a new model
 *
 * Since: 1.0
 */
TornadisStreamModel *
tornadis_stream_model_new (TornadisClient *client,
                           const char *key,
                           guint max_items)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT (client), NULL);
  g_return_val_if_fail (key != NULL, NULL);
  g_return_val_if_fail (max_items >= 1 && max_items <= G_MAXINT32, NULL);

  return g_object_new (TORNADIS_TYPE_STREAM_MODEL, "client", client, "key", key, "max-items", max_items, NULL);
}

/**
 * tornadis_stream_model_get_max_items: (get-property max-items)
 * @self: a model
 *
 * Gets how many entries are in it at the most.
 *
 * Returns: the number of entries
 *
 * Since: 1.0
 */
guint
tornadis_stream_model_get_max_items (TornadisStreamModel *self)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_MODEL (self), 0);

  return self->max_items;
}

static void
tornadis_stream_model_get_property (GObject *object,
                                    guint prop_id,
                                    GValue *value,
                                    GParamSpec *pspec)
{
  TornadisStreamModel *self = TORNADIS_STREAM_MODEL (object);

  switch ((TornadisStreamModelProperty) prop_id)
    {
    case PROP_MAX_ITEMS:
      g_value_set_uint (value, self->max_items);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_stream_model_set_property (GObject *object,
                                    guint prop_id,
                                    const GValue *value,
                                    GParamSpec *pspec)
{
  TornadisStreamModel *self = TORNADIS_STREAM_MODEL (object);

  switch ((TornadisStreamModelProperty) prop_id)
    {
    case PROP_MAX_ITEMS:
      self->max_items = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_stream_model_constructed (GObject *object)
{
  TornadisStreamModel *self = TORNADIS_STREAM_MODEL (object);
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (object);

  G_OBJECT_CLASS (tornadis_stream_model_parent_class)->constructed (object);

  self->name = g_ref_string_new (g_bytes_get_data (tornadis_live_model_get_key_bytes (model), NULL));
  self->rows = tornadis_stream_rows_new (model, self->max_items);
  tornadis_live_model_start (model);
}

static void
tornadis_stream_model_finalize (GObject *object)
{
  TornadisStreamModel *self = TORNADIS_STREAM_MODEL (object);

  g_clear_pointer (&self->mark, tornadis_stream_entry_unref);
  g_ptr_array_unref (self->arrived);
  tornadis_stream_rows_free (self->rows);
  g_ref_string_release (self->name);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (tornadis_stream_model_parent_class)->finalize (object);
}

static void
tornadis_stream_model_class_init (TornadisStreamModelClass *klass)
{
  static const TornadisLiveModelVirtuals virtuals = {
    .classes = "tgxe",
    .get_n_items = stream_model_get_n_items,
    .get_item = stream_model_get_item,
    /* Most changes are entries that are added, which it reads by itself. */
    .needs_events = TRUE,
    .event = stream_model_event,
    .has_wanted = stream_model_has_wanted,
    .stack = stream_model_stack,
    .apply = stream_model_apply,
    .abandon = stream_model_abandon,
    .dispose = stream_model_dispose,
  };
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = tornadis_stream_model_constructed;
  object_class->get_property = tornadis_stream_model_get_property;
  object_class->set_property = tornadis_stream_model_set_property;
  object_class->finalize = tornadis_stream_model_finalize;
  TORNADIS_LIVE_MODEL_CLASS (klass)->virtuals = &virtuals;

  /**
   * TornadisStreamModel:max-items: (getter get_max_items)
   *
   * How many entries are in it at the most: the newest.
   *
   * Since: 1.0
   */
  props[PROP_MAX_ITEMS] = g_param_spec_uint ("max-items", NULL, NULL, 1, G_MAXINT32, DEFAULT_MAX_ITEMS,
                                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_stream_model_init (TornadisStreamModel *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->arrived = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_stream_entry_unref);
  self->whole = TRUE;
  self->reader_wanted = TRUE;
}
