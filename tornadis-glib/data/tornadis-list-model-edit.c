/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The edits of a list model. */

#include "tornadis-glib/data/tornadis-list-model-private.h"

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"

/* There is no command for these. The mark is in no list: by it the row is found again by its value. */
#define EDIT_ROW                                                                                                  \
  "local key, at, expected, what, value, mark = KEYS[1], tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]\n" \
  "if redis.call('LINDEX', key, at) ~= expected then\n"                                                           \
  "  return redis.error_reply('CHANGED the list has another value there')\n"                                      \
  "end\n"                                                                                                         \
  "if what == 'replace' then\n"                                                                                   \
  "  redis.call('LSET', key, at, value)\n"                                                                        \
  "  return 1\n"                                                                                                  \
  "end\n"                                                                                                         \
  "redis.call('LSET', key, at, mark)\n"                                                                           \
  "if what == 'remove' then\n"                                                                                    \
  "  redis.call('LREM', key, 1, mark)\n"                                                                          \
  "else\n"                                                                                                        \
  "  redis.call('LINSERT', key, 'BEFORE', mark, value)\n"                                                         \
  "  redis.call('LSET', key, at + 1, expected)\n"                                                                 \
  "end\n"                                                                                                         \
  "return 1"

typedef struct
{
  TornadisItem *item; /* (owned) */
  guint position;     /* where it was */
  GBytes *before;     /* (owned) (nullable) */
  GBytes *after;      /* (owned) (nullable) */
} Undo;

static Undo *
undo_new (TornadisItem *item,
          GBytes *after)
{
  Undo *self = g_new0 (Undo, 1);

  self->item = g_object_ref (item);
  self->position = item->position;
  self->before = item->bytes != NULL ? g_bytes_ref (item->bytes) : NULL;
  self->after = after != NULL ? g_bytes_ref (after) : NULL;

  return self;
}

static void
undo_free (gpointer data)
{
  Undo *self = data;

  g_object_unref (self->item);
  g_clear_pointer (&self->before, g_bytes_unref);
  g_clear_pointer (&self->after, g_bytes_unref);
  g_free (self);
}

static GBytes *
copy_value (GBytes *value)
{
  gsize length;
  gconstpointer data = g_bytes_get_data (value, &length);

  return tornadis_item_copy_bytes (data, length);
}

static TornadisCommand *
make_edit (TornadisListModel *self,
           TornadisItem *item,
           const char *what,
           GBytes *value)
{
  TornadisCommand *command = tornadis_command_new ("EVAL");
  g_autofree char *mark = g_uuid_string_random ();

  tornadis_command_append_string (command, EDIT_ROW);
  tornadis_command_append_int64 (command, 1);
  tornadis_command_append_bytes (command, tornadis_live_model_get_key_bytes (TORNADIS_LIVE_MODEL (self)));
  tornadis_command_append_int64 (command, item->position);
  tornadis_command_append_bytes (command, item->bytes);
  tornadis_command_append_string (command, what);
  if (value != NULL)
    tornadis_command_append_bytes (command, value);
  else
    tornadis_command_append_string (command, "");
  tornadis_command_append_string (command, mark);

  return command;
}

/* (transfer full) (nullable): the item of the row; %NULL: @task has failed */
static TornadisItem *
list_model_get_loaded (TornadisListModel *self,
                       guint position,
                       GTask *task)
{
  g_autoptr (TornadisItem) item = tornadis_positions_get_item (tornadis_list_model_get_positions (self), position);

  if (item == NULL)
    g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "there is no row %u", position);
  else if (item->loading)
    g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "row %u is not loaded yet", position);
  else
    return g_steal_pointer (&item);

  return NULL;
}

static void
undo_insert (TornadisLiveModel *model,
             gpointer data)
{
  TornadisPositions *positions = tornadis_list_model_get_positions (TORNADIS_LIST_MODEL (model));
  const Undo *undo = data;

  if (undo->item->position != TORNADIS_ITEM_NOWHERE)
    tornadis_positions_splice (positions, undo->item->position, 1, 0);
}

static void
undo_remove (TornadisLiveModel *model,
             gpointer data)
{
  TornadisPositions *positions = tornadis_list_model_get_positions (TORNADIS_LIST_MODEL (model));
  const Undo *undo = data;

  if (undo->item->position == TORNADIS_ITEM_NOWHERE)
    tornadis_positions_insert (positions, undo->position, undo->item);
}

static void
undo_replace (TornadisLiveModel *model,
              gpointer data)
{
  TornadisPositions *positions = tornadis_list_model_get_positions (TORNADIS_LIST_MODEL (model));
  const Undo *undo = data;

  if (undo->item->position != TORNADIS_ITEM_NOWHERE && g_bytes_equal (undo->item->bytes, undo->after))
    tornadis_positions_put (positions, undo->item->position, NULL, undo->before, 0);
}

static gboolean
list_model_edit_finish (TornadisListModel *self,
                        GAsyncResult *result,
                        GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
list_model_insert (TornadisListModel *self,
                   guint position,
                   GBytes *value,
                   TornadisCommand *command,
                   GTask *task)
{
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (self);
  g_autoptr (TornadisItem) item = tornadis_item_new (tornadis_live_model_get_key_bytes (model));
  g_autoptr (GBytes) bytes = copy_value (value);

  tornadis_item_set_content (item, NULL, bytes, 0);
  /* It is counted before anything is told: who is told of the row may edit as well. */
  tornadis_live_model_edit (model, task, command, undo_insert, undo_new (item, NULL), undo_free);
  tornadis_positions_insert (tornadis_list_model_get_positions (self), position, item);
}

/**
 * tornadis_list_model_append_async:
 * @self: a model
 * @value: the new element
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has it or has refused it
 * @user_data: passed to @callback
 *
 * Adds a row at the end (`RPUSH`). It is shown at once, and taken back if the call fails.
 *
 * Since: 1.0
 */
void
tornadis_list_model_append_async (TornadisListModel *self,
                                  GBytes *value,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_return_if_fail (TORNADIS_IS_LIST_MODEL (self));

  tornadis_list_model_insert_async (self, G_MAXUINT, value, cancellable, callback, user_data);
}

/**
 * tornadis_list_model_append_finish:
 * @self: a model
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.ListModel.append_async]. Errors are those of [method@Tornadis.Client.call_finish].
 *
 * Returns: whether it was done
 *
 * Since: 1.0
 */
gboolean
tornadis_list_model_append_finish (TornadisListModel *self,
                                   GAsyncResult *result,
                                   GError **error)
{
  return tornadis_list_model_insert_finish (self, result, error);
}

/**
 * tornadis_list_model_insert_async:
 * @self: a model
 * @position: which row it is going to be; beyond the last it is appended
 * @value: the new element
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has it or has refused it
 * @user_data: passed to @callback
 *
 * Adds a row in front of another. It is shown at once, and taken back if the call fails. In the midst it needs that the row at
 * @position is loaded, and is refused with the prefix `CHANGED` when the list has another value there meanwhile.
 *
 * Since: 1.0
 */
void
tornadis_list_model_insert_async (TornadisListModel *self,
                                  guint position,
                                  GBytes *value,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (self);
  g_autoptr (TornadisCommand) command = NULL;
  g_autoptr (GTask) task = NULL;
  guint n_items;

  g_return_if_fail (TORNADIS_IS_LIST_MODEL (self));
  g_return_if_fail (value != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_live_model_new_task (model, cancellable, callback, user_data, tornadis_list_model_insert_async);
  if (task == NULL)
    return;

  n_items = g_list_model_get_n_items (G_LIST_MODEL (self));
  if (position > 0 && position < n_items)
    {
      g_autoptr (TornadisItem) item = list_model_get_loaded (self, position, task);

      if (item == NULL)
        return;
      command = make_edit (self, item, "insert", value);
    }
  else
    {
      command = tornadis_live_model_new_command (model, position == 0 ? "LPUSH" : "RPUSH");
      tornadis_command_append_bytes (command, value);
    }

  list_model_insert (self, position, value, command, task);
}

/**
 * tornadis_list_model_insert_finish:
 * @self: a model
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.ListModel.insert_async]. Errors are those of [method@Tornadis.Client.call_finish], and
 * %TORNADIS_ERROR_USAGE when the row is not loaded.
 *
 * Returns: whether it was done
 *
 * Since: 1.0
 */
gboolean
tornadis_list_model_insert_finish (TornadisListModel *self,
                                   GAsyncResult *result,
                                   GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_LIST_MODEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return list_model_edit_finish (self, result, error);
}

/**
 * tornadis_list_model_replace_async:
 * @self: a model
 * @position: a row, which has to be loaded
 * @value: its new value
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has it or has refused it
 * @user_data: passed to @callback
 *
 * Gives a row another value. It is shown at once, and taken back if the call fails. It is refused with the prefix `CHANGED`
 * when the list has another value there meanwhile.
 *
 * Since: 1.0
 */
void
tornadis_list_model_replace_async (TornadisListModel *self,
                                   guint position,
                                   GBytes *value,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  g_autoptr (TornadisCommand) command = NULL;
  g_autoptr (TornadisItem) item = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_LIST_MODEL (self));
  g_return_if_fail (value != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_live_model_new_task (TORNADIS_LIVE_MODEL (self), cancellable, callback, user_data,
                                       tornadis_list_model_replace_async);
  if (task == NULL)
    return;
  item = list_model_get_loaded (self, position, task);
  if (item == NULL)
    return;

  bytes = copy_value (value);
  command = make_edit (self, item, "replace", value);
  tornadis_live_model_edit (TORNADIS_LIVE_MODEL (self), task, command, undo_replace, undo_new (item, bytes), undo_free);
  tornadis_positions_put (tornadis_list_model_get_positions (self), position, NULL, bytes, 0);
}

/**
 * tornadis_list_model_replace_finish:
 * @self: a model
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.ListModel.replace_async]. Errors are those of [method@Tornadis.Client.call_finish], and
 * %TORNADIS_ERROR_USAGE when the row is not loaded.
 *
 * Returns: whether it was done
 *
 * Since: 1.0
 */
gboolean
tornadis_list_model_replace_finish (TornadisListModel *self,
                                    GAsyncResult *result,
                                    GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_LIST_MODEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return list_model_edit_finish (self, result, error);
}

/**
 * tornadis_list_model_remove_async:
 * @self: a model
 * @position: a row, which has to be loaded
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has removed it or has refused to
 * @user_data: passed to @callback
 *
 * Removes a row. It is gone at once, and comes back if the call fails. It is refused with the prefix `CHANGED` when the list
 * has another value there meanwhile.
 *
 * Since: 1.0
 */
void
tornadis_list_model_remove_async (TornadisListModel *self,
                                  guint position,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (TornadisCommand) command = NULL;
  g_autoptr (TornadisItem) item = NULL;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_LIST_MODEL (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_live_model_new_task (TORNADIS_LIVE_MODEL (self), cancellable, callback, user_data,
                                       tornadis_list_model_remove_async);
  if (task == NULL)
    return;
  item = list_model_get_loaded (self, position, task);
  if (item == NULL)
    return;

  command = make_edit (self, item, "remove", NULL);
  tornadis_live_model_edit (TORNADIS_LIVE_MODEL (self), task, command, undo_remove, undo_new (item, NULL), undo_free);
  tornadis_positions_splice (tornadis_list_model_get_positions (self), position, 1, 0);
}

/**
 * tornadis_list_model_remove_finish:
 * @self: a model
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.ListModel.remove_async]. Errors are those of [method@Tornadis.Client.call_finish], and
 * %TORNADIS_ERROR_USAGE when the row is not loaded.
 *
 * Returns: whether it was done
 *
 * Since: 1.0
 */
gboolean
tornadis_list_model_remove_finish (TornadisListModel *self,
                                   GAsyncResult *result,
                                   GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_LIST_MODEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return list_model_edit_finish (self, result, error);
}
