/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Edits of live models, on the carriers of their clients. */

#include "introspection/bridge/tornadis-bridge-carrier-private.h"

/* Of any edit: all finish in the same way. */
static void
list_edited_cb (GObject *object,
                GAsyncResult *result,
                gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_list_model_insert_finish));
}

static void
sorted_set_edited_cb (GObject *object,
                      GAsyncResult *result,
                      gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_sorted_set_model_add_finish));
}

/**
 * tornadis_bridge_carrier_edit_list:
 * @self: a carrier of the client of the model
 * @model: the model
 * @what: the name of the edit
 * @position: which row, where one is needed
 * @value: (nullable): the value, where one is needed
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.ListModel.append_async] and the other edits as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the client is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_edit_list (TornadisBridgeCarrier *self,
                                   TornadisListModel *model,
                                   const char *what,
                                   guint position,
                                   GBytes *value,
                                   GCancellable *cancellable,
                                   GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  if (g_str_equal (what, "remove"))
    tornadis_list_model_remove_async (model, position, call->cancellable, list_edited_cb, call);
  else if (g_str_equal (what, "replace"))
    tornadis_list_model_replace_async (model, position, value, call->cancellable, list_edited_cb, call);
  else
    tornadis_list_model_insert_async (model, position, value, call->cancellable, list_edited_cb, call);

  return TRUE;
}

/**
 * tornadis_bridge_carrier_edit_sorted_set:
 * @self: a carrier of the client of the model
 * @model: the model
 * @what: the name of the edit
 * @member: the member
 * @score: its score, where one is needed
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.SortedSetModel.add_async] and the other edits as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the client is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_edit_sorted_set (TornadisBridgeCarrier *self,
                                         TornadisSortedSetModel *model,
                                         const char *what,
                                         GBytes *member,
                                         double score,
                                         GCancellable *cancellable,
                                         GError **error)
{
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  if (g_str_equal (what, "remove"))
    tornadis_sorted_set_model_remove_async (model, member, call->cancellable, sorted_set_edited_cb, call);
  else
    tornadis_sorted_set_model_add_async (model, member, score, call->cancellable, sorted_set_edited_cb, call);

  return TRUE;
}

static void
hash_edited_cb (GObject *object,
                GAsyncResult *result,
                gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_hash_model_put_finish));
}

static void
set_edited_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_set_model_add_finish));
}

static void
key_removed_cb (GObject *object,
                GAsyncResult *result,
                gpointer user_data)
{
  tornadis_bridge_call_finish (user_data, object, result, G_CALLBACK (tornadis_key_model_remove_finish));
}

/**
 * tornadis_bridge_carrier_edit_table:
 * @self: a carrier of the client of the model
 * @model: a model of a hash, a set or keys
 * @what: the name of the edit
 * @name: the field, member or key
 * @value: (nullable): the value, where one is needed
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [method@Tornadis.HashModel.put_async] and the other edits as a call, whose outcome is true.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the client is gone.
 *
 * Returns: %TRUE if it was begun
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_edit_table (TornadisBridgeCarrier *self,
                                    TornadisLiveModel *model,
                                    const char *what,
                                    GBytes *name,
                                    GBytes *value,
                                    GCancellable *cancellable,
                                    GError **error)
{
  gboolean remove = g_str_equal (what, "remove");
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  call = tornadis_bridge_carrier_start (self, cancellable, error);
  if (call == NULL)
    return FALSE;

  if (TORNADIS_IS_KEY_MODEL (model))
    tornadis_key_model_remove_async (TORNADIS_KEY_MODEL (model), name, call->cancellable, key_removed_cb, call);
  else if (TORNADIS_IS_SET_MODEL (model) && remove)
    tornadis_set_model_remove_async (TORNADIS_SET_MODEL (model), name, call->cancellable, set_edited_cb, call);
  else if (TORNADIS_IS_SET_MODEL (model))
    tornadis_set_model_add_async (TORNADIS_SET_MODEL (model), name, call->cancellable, set_edited_cb, call);
  else if (remove)
    tornadis_hash_model_remove_async (TORNADIS_HASH_MODEL (model), name, call->cancellable, hash_edited_cb, call);
  else
    tornadis_hash_model_put_async (TORNADIS_HASH_MODEL (model), name, value, call->cancellable, hash_edited_cb, call);

  return TRUE;
}
