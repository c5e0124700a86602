/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-set-model.h"

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/data/tornadis-table-reader-private.h"
#include "tornadis-glib/values/tornadis-command.h"

/**
 * TornadisSetModel:
 *
 * A set on a server as a [iface@Gio.ListModel]: an item is a member, [property@Tornadis.Item:bytes] and
 * [property@Tornadis.Item:text].
 *
 * All rows are kept in memory, in the order in which they have come: sets have none. A `GtkSortListModel` sorts them. At each
 * change of the key it is read as a whole (`SMEMBERS`), or scanned when it has more than 10,000 members.
 *
 * Since: 1.0
 */

struct _TornadisSetModel
{
  TornadisLiveModel parent_instance;
};

G_DEFINE_FINAL_TYPE (TornadisSetModel, tornadis_set_model, TORNADIS_TYPE_LIVE_MODEL)

/**
 * tornadis_set_model_new:
 * @client: the client to read and edit with
 * @key: the key of the set
 *
 * Creates a model of a set, whether it is there yet or not.
 *
 * Returns: (transfer full): a new model
 *
 * Since: 1.0
 */
TornadisSetModel *
tornadis_set_model_new (TornadisClient *client,
                        const char *key)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT (client), NULL);
  g_return_val_if_fail (key != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_SET_MODEL, "client", client, "key", key, NULL);
}

/**
 * tornadis_set_model_add_async:
 * @self: a model
 * @member: the member
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has done it or has refused to
 * @user_data: passed to @callback
 *
 * Adds a member (`SADD`). It is shown at once, and taken back if the call fails.
 *
 * Since: 1.0
 */
void
tornadis_set_model_add_async (TornadisSetModel *self, GBytes *member, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (self);
  g_autoptr (TornadisCommand) command = NULL;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_SET_MODEL (self));
  g_return_if_fail (member != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_live_model_new_task (model, cancellable, callback, user_data, tornadis_set_model_add_async);
  if (task == NULL)
    return;

  command = tornadis_live_model_new_command (model, "SADD");
  tornadis_command_append_bytes (command, member);

  tornadis_table_reader_edit (model, task, command, member, member);
}

/**
 * tornadis_set_model_add_finish:
 * @self: a model
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.SetModel.add_async]. Errors are those of [method@Tornadis.Client.call_finish].
 *
 * Returns: whether it was done
 *
 * Since: 1.0
 */
gboolean
tornadis_set_model_add_finish (TornadisSetModel *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_SET_MODEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tornadis_set_model_remove_async:
 * @self: a model
 * @member: the member
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has done it or has refused to
 * @user_data: passed to @callback
 *
 * Removes a member (`SREM`). It is gone at once, and comes back if the call fails.
 *
 * Since: 1.0
 */
void
tornadis_set_model_remove_async (TornadisSetModel *self, GBytes *member, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (self);
  g_autoptr (TornadisCommand) command = NULL;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_SET_MODEL (self));
  g_return_if_fail (member != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_live_model_new_task (model, cancellable, callback, user_data, tornadis_set_model_remove_async);
  if (task == NULL)
    return;

  command = tornadis_live_model_new_command (model, "SREM");
  tornadis_command_append_bytes (command, member);

  tornadis_table_reader_edit (model, task, command, member, NULL);
}

/**
 * tornadis_set_model_remove_finish:
 * @self: a model
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.SetModel.remove_async]. Errors are those of [method@Tornadis.Client.call_finish].
 *
 * Returns: whether it was done
 *
 * Since: 1.0
 */
gboolean
tornadis_set_model_remove_finish (TornadisSetModel *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_SET_MODEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
tornadis_set_model_constructed (GObject *object)
{
  static const TornadisTableCommands commands = { "SCARD", "SMEMBERS", "SSCAN", FALSE };
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (object);

  G_OBJECT_CLASS (tornadis_set_model_parent_class)->constructed (object);

  tornadis_table_reader_attach (model, &commands);
  tornadis_live_model_start (model);
}

static void
tornadis_set_model_class_init (TornadisSetModelClass *klass)
{
  static const TornadisLiveModelVirtuals virtuals = {
    .classes = "sgxe",
    .event = tornadis_table_reader_event,
    TORNADIS_TABLE_READER_VIRTUALS,
  };

  G_OBJECT_CLASS (klass)->constructed = tornadis_set_model_constructed;
  TORNADIS_LIVE_MODEL_CLASS (klass)->virtuals = &virtuals;
}

static void
tornadis_set_model_init (TornadisSetModel *self)
{
}
