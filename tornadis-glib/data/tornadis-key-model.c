/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-key-model.h"

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/client/tornadis-pipeline.h"
#include "tornadis-glib/data/tornadis-key-pattern-private.h"
#include "tornadis-glib/data/tornadis-table-reader-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

/**
 * TornadisKeyModel:
 *
 * The keys that match a pattern as a [iface@Gio.ListModel]: an item is a key, [property@Tornadis.Item:bytes] and
 * [property@Tornadis.Item:text].
 *
 * All rows are kept in memory, in the order in which they have come. They are scanned at first (`SCAN`), and again when
 * notifications may have been lost; in between the notifications say which key has come or is gone. Where the server tells only
 * that a key has changed (`CLIENT TRACKING`), the model asks whether it is there (`EXISTS`); it is told of all keys that begin as the
 * pattern does, of one that begins with a star of every change on the server. Of a cluster it has the keys of all nodes.
 *
 * Since: 1.0
 */

/* Of more keys it is not asked at once. */
#define MAX_ASKED 1000
/* Nor are more kept to be asked for: then all is scanned. */
#define MAX_UNSURE 10000

struct _TornadisKeyModel
{
  TornadisLiveModel parent_instance;

  GHashTable *unsure; /* (owned) (element-type GBytes) something has happened to them */
  GPtrArray *asked;   /* (owned) (element-type GBytes) in a reading that is under way: whether they are there */
};

G_DEFINE_FINAL_TYPE (TornadisKeyModel, tornadis_key_model, TORNADIS_TYPE_LIVE_MODEL)

/* Whether there is no room for it. */
static gboolean
key_model_ask (TornadisKeyModel *self,
               GBytes *key)
{
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (self);

  if (!tornadis_key_pattern_match (tornadis_live_model_get_key_bytes (model), key))
    return FALSE;
  if (g_hash_table_size (self->unsure) >= MAX_UNSURE)
    return TRUE;

  g_hash_table_add (self->unsure, g_bytes_ref (key));
  tornadis_live_model_queue_reading (model, FALSE);

  return FALSE;
}

static gboolean
key_model_event (TornadisLiveModel *model,
                 GBytes *key,
                 const char *event)
{
  static const char *const gone[] = { "del", "expired", "evicted", "rename_from", "move_from", NULL };

  if (key == NULL)
    return TRUE;
  if (event == NULL)
    return key_model_ask (TORNADIS_KEY_MODEL (model), key);

  tornadis_table_reader_touch (model, key, !g_strv_contains (gone, event));
  return FALSE;
}

static gboolean
key_model_has_wanted (TornadisLiveModel *model)
{
  return g_hash_table_size (TORNADIS_KEY_MODEL (model)->unsure) > 0;
}

static void
key_model_stack (TornadisLiveModel *model,
                 TornadisPipeline *pipeline,
                 gboolean changes)
{
  TornadisKeyModel *self = TORNADIS_KEY_MODEL (model);
  GHashTableIter iter;
  GBytes *key;

  if (changes)
    {
      tornadis_table_reader_stack (model, pipeline, changes);
      return;
    }

  /* They may be on any nodes of a cluster. */
  tornadis_pipeline_set_atomic (pipeline, FALSE);
  g_hash_table_iter_init (&iter, self->unsure);
  while (self->asked->len < MAX_ASKED && g_hash_table_iter_next (&iter, (gpointer *) &key, NULL))
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new ("EXISTS");

      tornadis_command_append_bytes (command, key);
      tornadis_pipeline_stack_command (pipeline, command);
      g_ptr_array_add (self->asked, g_bytes_ref (key));
      g_hash_table_iter_remove (&iter);
    }
}

static TornadisReading
key_model_apply (TornadisLiveModel *model,
                 TornadisReply *replies,
                 gboolean changes,
                 GError **error)
{
  TornadisKeyModel *self = TORNADIS_KEY_MODEL (model);

  if (changes)
    return tornadis_table_reader_apply (model, replies, changes, error);

  for (guint i = 0; i < self->asked->len; i++)
    {
      TornadisReply *reply = i < tornadis_reply_get_n_elements (replies) ? tornadis_reply_get_element (replies, i) : NULL;

      if (reply == NULL || tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_INTEGER)
        {
          g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "EXISTS: the reply is no number");
          return TORNADIS_READING_CHANGED;
        }
      tornadis_table_reader_touch (model, self->asked->pdata[i], tornadis_reply_get_integer (reply) > 0);
    }
  g_ptr_array_set_size (self->asked, 0);

  return TORNADIS_READING_DONE;
}

static void
key_model_abandon (TornadisLiveModel *model)
{
  TornadisKeyModel *self = TORNADIS_KEY_MODEL (model);

  for (guint i = 0; i < self->asked->len; i++)
    g_hash_table_add (self->unsure, g_bytes_ref (self->asked->pdata[i]));
  g_ptr_array_set_size (self->asked, 0);
  tornadis_table_reader_abandon (model);
}

static void
key_model_dispose (TornadisLiveModel *model)
{
  TornadisKeyModel *self = TORNADIS_KEY_MODEL (model);

  g_hash_table_remove_all (self->unsure);
  g_ptr_array_set_size (self->asked, 0);
  tornadis_table_reader_dispose (model);
}

/**
 * tornadis_key_model_new:
 * @client: the client to read and edit with
 * @pattern: which keys
 *
 * Creates a model of the keys that match a pattern, as `KEYS` has it.
 *
 * Returns: (transfer full): a new model
 *
 * Since: 1.0
 */
TornadisKeyModel *
tornadis_key_model_new (TornadisClient *client,
                        const char *pattern)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT (client), NULL);
  g_return_val_if_fail (pattern != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_KEY_MODEL, "client", client, "key", pattern, NULL);
}

/**
 * tornadis_key_model_remove_async:
 * @self: a model
 * @key: the key
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has done it or has refused to
 * @user_data: passed to @callback
 *
 * Removes a key (`UNLINK`). It is gone at once, and comes back if the call fails.
 *
 * Since: 1.0
 */
void
tornadis_key_model_remove_async (TornadisKeyModel *self, GBytes *key, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (self);
  g_autoptr (TornadisCommand) command = NULL;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_KEY_MODEL (self));
  g_return_if_fail (key != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_live_model_new_task (model, cancellable, callback, user_data, tornadis_key_model_remove_async);
  if (task == NULL)
    return;

  command = tornadis_command_new ("UNLINK");
  tornadis_command_append_bytes (command, key);

  tornadis_table_reader_edit (model, task, command, key, NULL);
}

/**
 * tornadis_key_model_remove_finish:
 * @self: a model
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.KeyModel.remove_async]. Errors are those of [method@Tornadis.Client.call_finish].
 *
 * Returns: whether it was done
 *
 * Since: 1.0
 */
gboolean
tornadis_key_model_remove_finish (TornadisKeyModel *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_KEY_MODEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
tornadis_key_model_constructed (GObject *object)
{
  static const TornadisTableCommands commands = { NULL, NULL, "SCAN", FALSE };
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (object);

  G_OBJECT_CLASS (tornadis_key_model_parent_class)->constructed (object);

  tornadis_table_reader_attach (model, &commands);
  tornadis_live_model_start (model);
}

static void
tornadis_key_model_finalize (GObject *object)
{
  TornadisKeyModel *self = TORNADIS_KEY_MODEL (object);

  g_hash_table_unref (self->unsure);
  g_ptr_array_unref (self->asked);

  G_OBJECT_CLASS (tornadis_key_model_parent_class)->finalize (object);
}

static void
tornadis_key_model_class_init (TornadisKeyModelClass *klass)
{
  static const TornadisLiveModelVirtuals virtuals = {
    .classes = "g$lshzxet",
    .is_pattern = TRUE,
    .event = key_model_event,
    .get_n_items = tornadis_table_reader_get_n_items,
    .get_item = tornadis_table_reader_get_item,
    .has_wanted = key_model_has_wanted,
    .stack = key_model_stack,
    .apply = key_model_apply,
    .abandon = key_model_abandon,
    .dispose = key_model_dispose,
  };
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = tornadis_key_model_constructed;
  object_class->finalize = tornadis_key_model_finalize;
  TORNADIS_LIVE_MODEL_CLASS (klass)->virtuals = &virtuals;
}

static void
tornadis_key_model_init (TornadisKeyModel *self)
{
  self->unsure = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  self->asked = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
}
