/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-hash-model.h"

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/data/tornadis-table-reader-private.h"
#include "tornadis-glib/values/tornadis-command.h"

/**
 * TornadisHashModel:
 *
 * A hash on a server as a [iface@Gio.ListModel]: an item has a field, [property@Tornadis.Item:field] and
 * [property@Tornadis.Item:name], and its value, [property@Tornadis.Item:bytes] and [property@Tornadis.Item:text].
 *
 * All rows are kept in memory, in the order in which they have come: hashes have none. A `GtkSortListModel` sorts them. At each
 * change of the key it is read as a whole (`HGETALL`), or scanned when it has more than 10,000 fields; what is the same keeps
 * its item, and a value that has changed is another value of the same item.
 *
 * Since: 1.0
 */

struct _TornadisHashModel
{
  TornadisLiveModel parent_instance;
};

G_DEFINE_FINAL_TYPE (TornadisHashModel, tornadis_hash_model, TORNADIS_TYPE_LIVE_MODEL)

/**
 * tornadis_hash_model_new:
 * @client: the client to read and edit with
 * @key: the key of the hash
 *
 * Creates a model of a hash, whether it is there yet or not.
 *
 * Returns: (transfer full): a new model
 *
 * Since: 1.0
 */
TornadisHashModel *
tornadis_hash_model_new (TornadisClient *client,
                         const char *key)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT (client), NULL);
  g_return_val_if_fail (key != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_HASH_MODEL, "client", client, "key", key, NULL);
}

/**
 * tornadis_hash_model_put_async:
 * @self: a model
 * @field: the field
 * @value: its value
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has done it or has refused to
 * @user_data: passed to @callback
 *
 * Gives a field a value (`HSET`). It is shown at once, and taken back if the call fails.
 *
 * Since: 1.0
 */
void
tornadis_hash_model_put_async (TornadisHashModel *self, GBytes *field, GBytes *value, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (self);
  g_autoptr (TornadisCommand) command = NULL;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_HASH_MODEL (self));
  g_return_if_fail (field != NULL);
  g_return_if_fail (value != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_live_model_new_task (model, cancellable, callback, user_data, tornadis_hash_model_put_async);
  if (task == NULL)
    return;

  command = tornadis_live_model_new_command (model, "HSET");
  tornadis_command_append_bytes (command, field);
  tornadis_command_append_bytes (command, value);

  tornadis_table_reader_edit (model, task, command, field, value);
}

/**
 * tornadis_hash_model_put_finish:
 * @self: a model
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.HashModel.put_async]. Errors are those of [method@Tornadis.Client.call_finish].
 *
 * Returns: whether it was done
 *
 * Since: 1.0
 */
gboolean
tornadis_hash_model_put_finish (TornadisHashModel *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_HASH_MODEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tornadis_hash_model_remove_async:
 * @self: a model
 * @field: the field
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has done it or has refused to
 * @user_data: passed to @callback
 *
 * Removes a field (`HDEL`). It is gone at once, and comes back if the call fails.
 *
 * Since: 1.0
 */
void
tornadis_hash_model_remove_async (TornadisHashModel *self, GBytes *field, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (self);
  g_autoptr (TornadisCommand) command = NULL;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_HASH_MODEL (self));
  g_return_if_fail (field != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_live_model_new_task (model, cancellable, callback, user_data, tornadis_hash_model_remove_async);
  if (task == NULL)
    return;

  command = tornadis_live_model_new_command (model, "HDEL");
  tornadis_command_append_bytes (command, field);

  tornadis_table_reader_edit (model, task, command, field, NULL);
}

/**
 * tornadis_hash_model_remove_finish:
 * @self: a model
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.HashModel.remove_async]. Errors are those of [method@Tornadis.Client.call_finish].
 *
 * Returns: whether it was done
 *
 * Since: 1.0
 */
gboolean
tornadis_hash_model_remove_finish (TornadisHashModel *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_HASH_MODEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
tornadis_hash_model_constructed (GObject *object)
{
  static const TornadisTableCommands commands = { "HLEN", "HGETALL", "HSCAN", TRUE };
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (object);

  G_OBJECT_CLASS (tornadis_hash_model_parent_class)->constructed (object);

  tornadis_table_reader_attach (model, &commands);
  tornadis_live_model_start (model);
}

static void
tornadis_hash_model_class_init (TornadisHashModelClass *klass)
{
  static const TornadisLiveModelVirtuals virtuals = {
    .classes = "hgxe",
    .event = tornadis_table_reader_event,
    TORNADIS_TABLE_READER_VIRTUALS,
  };

  G_OBJECT_CLASS (klass)->constructed = tornadis_hash_model_constructed;
  TORNADIS_LIVE_MODEL_CLASS (klass)->virtuals = &virtuals;
}

static void
tornadis_hash_model_init (TornadisHashModel *self)
{
}
