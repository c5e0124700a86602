/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients of TornadisClientPool that are connected before anybody asks for one. */

#include "tornadis-glib/client/tornadis-client-pool-private.h"

#include "tornadis-glib/client/tornadis-prelude-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

typedef struct
{
  TornadisCancelWatch *watch; /* (owned) (nullable) */
  GError *error;              /* (owned) (nullable) the first */
  guint n_left;
  gboolean cancelled; /* the task has returned, or is about to */
} TornadisPreconnect;

static void
preconnect_free (gpointer data)
{
  TornadisPreconnect *preconnect = data;

  g_clear_pointer (&preconnect->watch, tornadis_cancel_watch_free);
  g_clear_error (&preconnect->error);
  g_free (preconnect);
}

static gboolean
preconnect_cancelled_cb (gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (G_TASK (user_data));
  TornadisClientPool *self = g_task_get_source_object (task);
  TornadisPreconnect *preconnect = g_task_get_task_data (task);
  g_autoptr (GError) reason = tornadis_cancel_watch_dup_error (g_task_get_cancellable (task));

  g_clear_pointer (&preconnect->watch, tornadis_cancel_watch_free);
  preconnect->cancelled = TRUE;

  tornadis_client_pool_leave_attempts (self, task);
  tornadis_client_pool_give_up (self, reason);
  tornadis_cancel_watch_return_cancelled (task);

  return G_SOURCE_REMOVE;
}

/* @error (transfer full) (nullable). */
static void
preconnect_step (GTask *task,
                 GError *error)
{
  TornadisPreconnect *preconnect = g_task_get_task_data (task);

  if (error != NULL && preconnect->error == NULL)
    preconnect->error = error;
  else
    g_clear_error (&error);

  if (--preconnect->n_left > 0 || preconnect->cancelled)
    return;

  g_clear_pointer (&preconnect->watch, tornadis_cancel_watch_free);
  /* One that it has joined may go on, where a plugin has refused it that. */
  tornadis_client_pool_leave_attempts (g_task_get_source_object (task), task);
  if (preconnect->error != NULL)
    g_task_return_error (task, g_steal_pointer (&preconnect->error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
preconnected_cb (GObject *object,
                 GAsyncResult *result,
                 gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  TornadisClientPool *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (!tornadis_client_pool_connected (self, TORNADIS_CLIENT (object), result, &error))
    tornadis_client_pool_serve (self);
  preconnect_step (task, error);
}

/* Called after the one that the connection is made for. */
static void
joined_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  tornadis_client_connect_finish (TORNADIS_CLIENT (object), result, &error);
  preconnect_step (task, error);
}

/* Waits for at most @n_wanted connections that are being made already. */
static void
preconnect_join (TornadisClientPool *self,
                 guint n_wanted,
                 GTask *task)
{
  TornadisPreconnect *preconnect = g_task_get_task_data (task);
  GList *connecting = g_hash_table_get_keys (self->connecting);

  /* Plugins run in here, which may destroy the pool. */
  for (GList *l = connecting; l != NULL; l = l->next)
    g_object_ref (l->data);
  for (GList *l = connecting; l != NULL && n_wanted > 0; l = l->next, n_wanted--)
    {
      TornadisPoolAttempt *attempt = g_hash_table_lookup (self->connecting, l->data);

      if (attempt != NULL)
        attempt->preconnects = g_slist_prepend (attempt->preconnects, task);
      preconnect->n_left++;
      tornadis_client_connect_async (l->data, NULL, joined_cb, g_object_ref (task));
    }
  g_list_free_full (connecting, g_object_unref);
}

/**
 * tornadis_client_pool_preconnect_async:
 * @self: a pool
 * @size: how many clients there are to be, -1 for [property@Tornadis.ClientPool:max-size]
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when they are connected
 * @user_data: passed to @callback
 *
 * Creates and connects clients until there are @size, or [property@Tornadis.ClientPool:max-size] if that is less,
 * counting those that are taken. Cancelling completes this at once, and ends the attempts to connect that nobody else waits
 * for; clients that are connected already are idle. Each is connected as with [method@Tornadis.Client.connect_async], through the template's plugins.
 *
 * Equivalent of tornadis' `ClientPool.preconnect()`.
 *
 * Since: 1.0
 */
void
tornadis_client_pool_preconnect_async (TornadisClientPool *self,
                                       int size,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  TornadisPreconnect *preconnect;
  guint n_up;

  g_return_if_fail (TORNADIS_IS_CLIENT_POOL (self));
  g_return_if_fail (size >= -1);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_prelude_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_client_pool_preconnect_async);

  if (tornadis_cancel_watch_return_error_if_cancelled (task))
    return;

  if (size < 0 && self->max_size < 0)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                               "How many clients to connect must be said when the pool has no max-size");
      return;
    }

  if (size < 0 || (self->max_size >= 0 && size > self->max_size))
    size = self->max_size;

  preconnect = g_new0 (TornadisPreconnect, 1);
  g_task_set_task_data (task, preconnect, preconnect_free);
  /* One step is this function's own, so that the task also returns when there is nothing to do. */
  preconnect->n_left = 1;
  preconnect->watch = tornadis_cancel_watch_new_for_task (task, preconnect_cancelled_cb);

  tornadis_client_pool_drop_idle (self, FALSE);
  n_up = g_hash_table_size (self->busy) + self->idle.length;
  if (n_up < (guint) size)
    preconnect_join (self, (guint) size - n_up, task);

  while (tornadis_client_pool_get_size (self) < (guint) size)
    {
      g_autoptr (GError) error = NULL;
      TornadisClient *client = tornadis_client_pool_make_client (self, &error);

      if (client == NULL)
        {
          preconnect->error = g_steal_pointer (&error);
          break;
        }

      preconnect->n_left++;
      tornadis_client_pool_connect (self, client, task, preconnected_cb, g_object_ref (task));
    }

  tornadis_client_pool_notify_counts (self);
  preconnect_step (task, NULL);
}

/**
 * tornadis_client_pool_preconnect_finish:
 * @self: a pool
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes an operation started with [method@Tornadis.ClientPool.preconnect_async]. When some clients could not be
 * connected the error is that of the first; the others are in the pool.
 *
 * Returns: %TRUE when all are connected
 *
 * Since: 1.0
 */
gboolean
tornadis_client_pool_preconnect_finish (TornadisClientPool *self,
                                        GAsyncResult *result,
                                        GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT_POOL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
