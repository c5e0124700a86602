/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-key-model.h"

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/data/tornadis-table-reader-private.h"
#include "tornadis-glib/values/tornadis-command.h"

/**
 * TornadisKeyModel:
 *
 * The keys that match a pattern as a [iface@Gio.ListModel]: an item is a key, [property@Tornadis.Item:bytes] and
 * [property@Tornadis.Item:text].
 *
 * All rows are kept in memory, in the order in which they have come. They are scanned at first (`SCAN`), and again when
 * notifications may have been lost; in between the notifications say which key has come or is gone. Of a cluster it has the keys of
 * all nodes.
 *
 * Since: 1.0
 */

struct _TornadisKeyModel
{
  TornadisLiveModel parent_instance;
};

G_DEFINE_FINAL_TYPE (TornadisKeyModel, tornadis_key_model, TORNADIS_TYPE_LIVE_MODEL)

static gboolean
key_model_event (TornadisLiveModel *model,
                 GBytes *key,
                 const char *event)
{
  static const char *const gone[] = { "del", "expired", "evicted", "rename_from", "move_from", NULL };

  if (key == NULL)
    return TRUE;

  tornadis_table_reader_touch (model, key, !g_strv_contains (gone, event));
  return FALSE;
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
tornadis_key_model_class_init (TornadisKeyModelClass *klass)
{
  static const TornadisLiveModelVirtuals virtuals = {
    .classes = "g$lshzxet",
    .is_pattern = TRUE,
    .event = key_model_event,
    TORNADIS_TABLE_READER_VIRTUALS,
  };

  G_OBJECT_CLASS (klass)->constructed = tornadis_key_model_constructed;
  TORNADIS_LIVE_MODEL_CLASS (klass)->virtuals = &virtuals;
}

static void
tornadis_key_model_init (TornadisKeyModel *self)
{
}
