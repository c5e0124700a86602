/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-sorted-set-model-private.h"

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/client/tornadis-pipeline.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

/**
 * TornadisSortedSetModel:
 *
 * A sorted set on a server as a [iface@Gio.ListModel], of any size: its pages are read as they are looked at. Its rows are in
 * the order of their scores, as a table of the best has them with [property@Tornadis.SortedSetModel:descending].
 *
 * Memory is bounded as that of a [class@Tornadis.ListModel]. A row is its member: one whose score has changed is the same
 * item with another [property@Tornadis.Item:score], and only if it has moved past others it is removed and added. The server
 * is asked where the members are that somebody holds (`ZRANK`), so what is between them stays as it is.
 *
 * Needs `ZMSCORE`, so Redis 6.2 or Valkey.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (TornadisSortedSetModel, tornadis_sorted_set_model, TORNADIS_TYPE_LIVE_MODEL)

typedef enum
{
  PROP_DESCENDING = 1,
} TornadisSortedSetModelProperty;

static GParamSpec *props[PROP_DESCENDING + 1];

static guint
sorted_set_model_get_n_items (TornadisLiveModel *model)
{
  return tornadis_positions_get_n_items (TORNADIS_SORTED_SET_MODEL (model)->positions);
}

static TornadisItem *
sorted_set_model_get_item (TornadisLiveModel *model,
                           guint position)
{
  return tornadis_positions_get_item (TORNADIS_SORTED_SET_MODEL (model)->positions, position);
}

static gboolean
sorted_set_model_event (TornadisLiveModel *model,
                        GBytes *key,
                        const char *event)
{
  return TRUE;
}

static gboolean
sorted_set_model_has_wanted (TornadisLiveModel *model)
{
  return tornadis_positions_has_wanted (TORNADIS_SORTED_SET_MODEL (model)->positions);
}

static TornadisCommand *
make_range (TornadisLiveModel *model,
            gint64 first,
            gint64 last)
{
  gboolean descending = TORNADIS_SORTED_SET_MODEL (model)->descending;
  TornadisCommand *command = tornadis_live_model_new_command (model, descending ? "ZREVRANGE" : "ZRANGE");

  tornadis_command_append_int64 (command, first);
  tornadis_command_append_int64 (command, last);
  tornadis_command_append_string (command, "WITHSCORES");

  return command;
}

static void
sorted_set_model_stack (TornadisLiveModel *model,
                        TornadisPipeline *pipeline,
                        gboolean changes)
{
  TornadisSortedSetModel *self = TORNADIS_SORTED_SET_MODEL (model);
  g_autoptr (TornadisCommand) length = tornadis_live_model_new_command (model, "ZCARD");
  g_autoptr (TornadisCommand) scores = NULL;

  tornadis_row_reader_clear (self->reader);
  g_clear_pointer (&self->asked, g_ptr_array_unref);
  tornadis_pipeline_stack_command (pipeline, length);
  tornadis_row_reader_stack_wanted (self->reader, pipeline);
  if (!changes)
    return;

  self->asked = tornadis_positions_dup_loaded (self->positions);
  if (self->asked->len == 0)
    return;

  tornadis_row_reader_stack_around (self->reader, pipeline, self->asked, FALSE);
  scores = tornadis_live_model_new_command (model, "ZMSCORE");
  for (guint i = 0; i < self->asked->len; i++)
    tornadis_command_append_bytes (scores, ((TornadisItem *) self->asked->pdata[i])->field);
  tornadis_pipeline_stack_command (pipeline, scores);
  self->first_rank = tornadis_pipeline_get_number_of_stacked_calls (pipeline);
  for (guint i = 0; i < self->asked->len; i++)
    {
      g_autoptr (TornadisCommand) rank = tornadis_live_model_new_command (model, self->descending ? "ZREVRANK" : "ZRANK");

      tornadis_command_append_bytes (rank, ((TornadisItem *) self->asked->pdata[i])->field);
      tornadis_pipeline_stack_command (pipeline, rank);
    }
}

/* The longest row of members that are in the same order as before: these stay, the others have moved. */
static GArray *
find_anchors (TornadisItem **items,
              const gint64 *ranks,
              guint n)
{
  g_autofree guint *tails = g_new (guint, n + 1); /* for each length the last of the best row of it */
  g_autofree guint *previous = g_new (guint, n);
  GArray *anchors = g_array_new (FALSE, FALSE, sizeof (TornadisAnchor));
  guint longest = 0;

  for (guint i = 0; i < n; i++)
    {
      guint low = 0;
      guint high = longest;

      if (ranks[i] < 0)
        continue;
      while (low < high)
        {
          guint middle = (low + high) / 2;

          if (ranks[tails[middle]] < ranks[i])
            low = middle + 1;
          else
            high = middle;
        }
      previous[i] = low > 0 ? tails[low - 1] : G_MAXUINT;
      tails[low] = i;
      longest = MAX (longest, low + 1);
    }

  g_array_set_size (anchors, longest);
  for (guint place = longest, i = longest > 0 ? tails[longest - 1] : 0; place > 0; i = previous[i])
    {
      TornadisAnchor *anchor = &g_array_index (anchors, TornadisAnchor, --place);

      anchor->before = items[i]->position;
      anchor->after = (guint) ranks[i];
    }

  return anchors;
}

/* Fills in the ranks of those that are asked for, -1 for what is not there. */
static gboolean
sorted_set_model_take_ranks (TornadisSortedSetModel *self,
                             TornadisReply *replies,
                             gint64 *ranks)
{
  TornadisReply *scores;

  if (tornadis_reply_get_n_elements (replies) != self->first_rank + self->asked->len)
    return FALSE;

  scores = tornadis_reply_get_element (replies, self->first_rank - 1);
  if (tornadis_reply_get_kind (scores) != TORNADIS_REPLY_KIND_ARRAY || tornadis_reply_get_n_elements (scores) != self->asked->len)
    return FALSE;

  for (guint i = 0; i < self->asked->len; i++)
    {
      TornadisReply *rank = tornadis_reply_get_element (replies, self->first_rank + i);
      gboolean is_there = tornadis_reply_get_kind (rank) == TORNADIS_REPLY_KIND_INTEGER;

      ranks[i] = is_there ? tornadis_reply_get_integer (rank) : -1;
      if (ranks[i] >= tornadis_row_reader_get_n_after (self->reader))
        return FALSE;
    }

  return TRUE;
}

static void
sorted_set_model_put_scores (TornadisSortedSetModel *self,
                             GPtrArray *asked,
                             TornadisReply *scores)
{
  for (guint i = 0; i < asked->len; i++)
    {
      TornadisItem *item = asked->pdata[i];
      TornadisReply *score = tornadis_reply_get_element (scores, i);

      if (item->position != TORNADIS_ITEM_NOWHERE && tornadis_reply_get_kind (score) != TORNADIS_REPLY_KIND_NIL)
        tornadis_positions_put (self->positions, item->position, item->field, item->bytes, tornadis_reply_get_double (score));
    }
}

static TornadisReading
sorted_set_model_apply (TornadisLiveModel *model,
                        TornadisReply *replies,
                        gboolean changes,
                        GError **error)
{
  TornadisSortedSetModel *self = TORNADIS_SORTED_SET_MODEL (model);
  g_autoptr (GPtrArray) asked = NULL;
  g_autoptr (GArray) anchors = NULL;
  TornadisReading outcome;

  if (!tornadis_row_reader_take (self->reader, replies, error))
    return TORNADIS_READING_CHANGED;

  if (changes)
    {
      g_autofree gint64 *ranks = g_new (gint64, self->asked->len + 1);

      if (self->asked->len > 0 && !sorted_set_model_take_ranks (self, replies, ranks))
        {
          g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "ZRANK: the replies are no ranks");
          return TORNADIS_READING_CHANGED;
        }
      asked = g_steal_pointer (&self->asked);
      anchors = find_anchors ((TornadisItem **) asked->pdata, ranks, asked->len);
    }
  outcome = tornadis_row_reader_apply (self->reader, asked, anchors);
  if (changes && asked->len > 0 && outcome == TORNADIS_READING_DONE)
    sorted_set_model_put_scores (self, asked, tornadis_reply_get_element (replies, self->first_rank - 1));
  tornadis_positions_abandon (self->positions);

  return outcome;
}

static void
sorted_set_model_abandon (TornadisLiveModel *model)
{
  TornadisSortedSetModel *self = TORNADIS_SORTED_SET_MODEL (model);

  g_clear_pointer (&self->asked, g_ptr_array_unref);
  tornadis_positions_abandon (self->positions);
}

static void
sorted_set_model_dispose (TornadisLiveModel *model)
{
  TornadisSortedSetModel *self = TORNADIS_SORTED_SET_MODEL (model);

  g_clear_pointer (&self->asked, g_ptr_array_unref);
  tornadis_positions_clear (self->positions);
}

/**
 * tornadis_sorted_set_model_new:
 * @client: the client to read and edit with
 * @key: the key of the sorted set
 * @descending: whether the highest score is the first row
 *
 * Creates a model of a sorted set, whether it is there yet or not.
 *
 * Returns: (transfer full): a new model
 *
 * Since: 1.0
 */
TornadisSortedSetModel *
tornadis_sorted_set_model_new (TornadisClient *client,
                               const char *key,
                               gboolean descending)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT (client), NULL);
  g_return_val_if_fail (key != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_SORTED_SET_MODEL, "client", client, "key", key, "descending", descending, NULL);
}

/**
 * tornadis_sorted_set_model_get_descending: (get-property descending)
 * @self: a model
 *
 * Gets whether the highest score is the first row.
 *
 * Returns: whether it is descending
 *
 * Since: 1.0
 */
gboolean
tornadis_sorted_set_model_get_descending (TornadisSortedSetModel *self)
{
  g_return_val_if_fail (TORNADIS_IS_SORTED_SET_MODEL (self), FALSE);

  return self->descending;
}

static void
tornadis_sorted_set_model_get_property (GObject *object,
                                        guint prop_id,
                                        GValue *value,
                                        GParamSpec *pspec)
{
  TornadisSortedSetModel *self = TORNADIS_SORTED_SET_MODEL (object);

  switch ((TornadisSortedSetModelProperty) prop_id)
    {
    case PROP_DESCENDING:
      g_value_set_boolean (value, self->descending);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_sorted_set_model_set_property (GObject *object,
                                        guint prop_id,
                                        const GValue *value,
                                        GParamSpec *pspec)
{
  TornadisSortedSetModel *self = TORNADIS_SORTED_SET_MODEL (object);

  switch ((TornadisSortedSetModelProperty) prop_id)
    {
    case PROP_DESCENDING:
      self->descending = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_sorted_set_model_finalize (GObject *object)
{
  TornadisSortedSetModel *self = TORNADIS_SORTED_SET_MODEL (object);

  tornadis_row_reader_free (self->reader);
  tornadis_positions_free (self->positions);

  G_OBJECT_CLASS (tornadis_sorted_set_model_parent_class)->finalize (object);
}

static void
tornadis_sorted_set_model_constructed (GObject *object)
{
  TornadisSortedSetModel *self = TORNADIS_SORTED_SET_MODEL (object);

  G_OBJECT_CLASS (tornadis_sorted_set_model_parent_class)->constructed (object);

  self->positions = tornadis_positions_new (TORNADIS_LIVE_MODEL (self));
  self->reader = tornadis_row_reader_new (TORNADIS_LIVE_MODEL (self), self->positions, TRUE, make_range);
  tornadis_live_model_start (TORNADIS_LIVE_MODEL (self));
}

static void
tornadis_sorted_set_model_class_init (TornadisSortedSetModelClass *klass)
{
  static const TornadisLiveModelVirtuals virtuals = {
    .classes = "zgxe",
    .get_n_items = sorted_set_model_get_n_items,
    .get_item = sorted_set_model_get_item,
    .event = sorted_set_model_event,
    .has_wanted = sorted_set_model_has_wanted,
    .stack = sorted_set_model_stack,
    .apply = sorted_set_model_apply,
    .abandon = sorted_set_model_abandon,
    .dispose = sorted_set_model_dispose,
  };
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = tornadis_sorted_set_model_constructed;
  object_class->get_property = tornadis_sorted_set_model_get_property;
  object_class->set_property = tornadis_sorted_set_model_set_property;
  object_class->finalize = tornadis_sorted_set_model_finalize;
  TORNADIS_LIVE_MODEL_CLASS (klass)->virtuals = &virtuals;

  /**
   * TornadisSortedSetModel:descending: (getter get_descending)
   *
   * Whether the highest score is the first row.
   *
   * Since: 1.0
   */
  props[PROP_DESCENDING] =
    g_param_spec_boolean ("descending", NULL, NULL, FALSE,
                          G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_sorted_set_model_init (TornadisSortedSetModel *self)
{
}
