/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The edits of a model of a sorted set. */

#include "tornadis-glib/data/tornadis-sorted-set-model-private.h"

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"

typedef struct
{
  TornadisItem *item; /* (owned) */
  guint position;     /* where it was, or TORNADIS_ITEM_NOWHERE */
  double before;
} Undo;

static Undo *
undo_new (TornadisItem *item)
{
  Undo *self = g_new0 (Undo, 1);

  self->item = g_object_ref (item);
  self->position = item->position;
  self->before = item->score;

  return self;
}

static void
undo_free (gpointer data)
{
  Undo *self = data;

  g_object_unref (self->item);
  g_free (self);
}

/* Puts it in another row, or in none, with a score. The caller has a reference. */
static void
sorted_set_model_place (TornadisSortedSetModel *self,
                        TornadisItem *item,
                        guint position,
                        double score)
{
  if (item->position != position && item->position != TORNADIS_ITEM_NOWHERE)
    tornadis_positions_splice (self->positions, item->position, 1, 0);
  if (position != TORNADIS_ITEM_NOWHERE && item->position == TORNADIS_ITEM_NOWHERE)
    tornadis_positions_insert (self->positions, position, item);
  if (item->position != TORNADIS_ITEM_NOWHERE)
    tornadis_positions_put (self->positions, item->position, item->field, item->bytes, score);
}

static void
undo_place (TornadisLiveModel *model,
            gpointer data)
{
  const Undo *undo = data;

  sorted_set_model_place (TORNADIS_SORTED_SET_MODEL (model), undo->item, undo->position, undo->before);
}

/* (nullable): the item of a member, if it is there */
static TornadisItem *
find_member (GPtrArray *loaded,
             GBytes *member)
{
  for (guint i = 0; i < loaded->len; i++)
    if (g_bytes_equal (((TornadisItem *) loaded->pdata[i])->field, member))
      return loaded->pdata[i];

  return NULL;
}

/* Where it is with that score, if all rows are loaded. */
static guint
sorted_set_model_find_place (TornadisSortedSetModel *self,
                             GPtrArray *loaded,
                             TornadisItem *item,
                             GBytes *member,
                             double score)
{
  guint place = 0;

  for (guint i = 0; i < loaded->len; i++)
    {
      TornadisItem *other = loaded->pdata[i];
      gint order = other->score < score ? -1 : other->score > score;

      if (order == 0)
        order = g_bytes_compare (other->field, member);
      place += other != item && (self->descending ? order > 0 : order < 0);
    }

  return place;
}

/**
 * tornadis_sorted_set_model_add_async:
 * @self: a model
 * @member: the member
 * @score: its score
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has it or has refused it
 * @user_data: passed to @callback
 *
 * Adds a member or gives it another score (`ZADD`). It is shown at once as far as the model knows where, and taken back if the
 * call fails: the score of a member that is loaded; its place, and a new member, if all rows are loaded, and else when the
 * server has answered.
 *
 * Since: 1.0
 */
void
tornadis_sorted_set_model_add_async (TornadisSortedSetModel *self,
                                     GBytes *member,
                                     double score,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (self);
  g_autoptr (TornadisCommand) command = NULL;
  g_autoptr (GPtrArray) loaded = NULL;
  g_autoptr (TornadisItem) item = NULL;
  g_autoptr (GTask) task = NULL;
  gboolean all;
  guint place;

  g_return_if_fail (TORNADIS_IS_SORTED_SET_MODEL (self));
  g_return_if_fail (member != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_live_model_new_task (model, cancellable, callback, user_data, tornadis_sorted_set_model_add_async);
  if (task == NULL)
    return;

  command = tornadis_live_model_new_command (model, "ZADD");
  tornadis_command_append_double (command, score);
  tornadis_command_append_bytes (command, member);

  loaded = tornadis_positions_dup_loaded (self->positions);
  all = loaded->len == tornadis_positions_get_n_items (self->positions) && tornadis_live_model_get_ready (model);
  item = find_member (loaded, member);
  place = all ? sorted_set_model_find_place (self, loaded, item, member, score) : TORNADIS_ITEM_NOWHERE;
  if (item != NULL)
    {
      g_object_ref (item);
      if (!all)
        place = item->position;
    }
  else if (all)
    {
      g_autoptr (GBytes) bytes = tornadis_item_copy_bytes (g_bytes_get_data (member, NULL), g_bytes_get_size (member));

      item = tornadis_item_new (tornadis_live_model_get_key_bytes (model));
      tornadis_item_set_content (item, bytes, bytes, score);
    }

  tornadis_live_model_edit (model, task, command, item != NULL ? undo_place : NULL, item != NULL ? undo_new (item) : NULL,
                            item != NULL ? undo_free : NULL);
  if (item != NULL)
    sorted_set_model_place (self, item, place, score);
}

/**
 * tornadis_sorted_set_model_add_finish:
 * @self: a model
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.SortedSetModel.add_async]. Errors are those of [method@Tornadis.Client.call_finish].
 *
 * Returns: whether it was done
 *
 * Since: 1.0
 */
gboolean
tornadis_sorted_set_model_add_finish (TornadisSortedSetModel *self,
                                      GAsyncResult *result,
                                      GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_SORTED_SET_MODEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tornadis_sorted_set_model_remove_async:
 * @self: a model
 * @member: the member
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has removed it or has refused to
 * @user_data: passed to @callback
 *
 * Removes a member (`ZREM`). If it is loaded it is gone at once, and comes back if the call fails.
 *
 * Since: 1.0
 */
void
tornadis_sorted_set_model_remove_async (TornadisSortedSetModel *self,
                                        GBytes *member,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data)
{
  TornadisLiveModel *model = TORNADIS_LIVE_MODEL (self);
  g_autoptr (TornadisCommand) command = NULL;
  g_autoptr (GPtrArray) loaded = NULL;
  g_autoptr (GTask) task = NULL;
  TornadisItem *item;

  g_return_if_fail (TORNADIS_IS_SORTED_SET_MODEL (self));
  g_return_if_fail (member != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_live_model_new_task (model, cancellable, callback, user_data, tornadis_sorted_set_model_remove_async);
  if (task == NULL)
    return;

  command = tornadis_live_model_new_command (model, "ZREM");
  tornadis_command_append_bytes (command, member);
  loaded = tornadis_positions_dup_loaded (self->positions);
  item = find_member (loaded, member);
  tornadis_live_model_edit (model, task, command, item != NULL ? undo_place : NULL, item != NULL ? undo_new (item) : NULL,
                            item != NULL ? undo_free : NULL);
  if (item != NULL)
    sorted_set_model_place (self, item, TORNADIS_ITEM_NOWHERE, item->score);
}

/**
 * tornadis_sorted_set_model_remove_finish:
 * @self: a model
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.SortedSetModel.remove_async]. Errors are those of [method@Tornadis.Client.call_finish].
 *
 * Returns: whether it was done
 *
 * Since: 1.0
 */
gboolean
tornadis_sorted_set_model_remove_finish (TornadisSortedSetModel *self,
                                         GAsyncResult *result,
                                         GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_SORTED_SET_MODEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
