/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of TornadisClientPool: take a client, call, release. */

#include "tornadis-glib/client/tornadis-client-pool-private.h"

#include "tornadis-glib/client/tornadis-pipeline.h"
#include "tornadis-glib/client/tornadis-prelude-private.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

/* A call on a client of the pool. */
typedef struct
{
  TornadisCommand *command;   /* (owned) (nullable) */
  TornadisPipeline *pipeline; /* (owned) (nullable) */
} TornadisPoolCall;

static void
pool_call_free (gpointer data)
{
  TornadisPoolCall *call = data;

  g_clear_pointer (&call->command, tornadis_command_unref);
  g_clear_object (&call->pipeline);
  g_free (call);
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  TornadisClient *client = TORNADIS_CLIENT (object);
  TornadisPoolCall *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  TornadisReply *reply;

  if (call->command != NULL)
    reply = tornadis_client_call_finish (client, result, &error);
  else
    reply = tornadis_client_call_pipeline_finish (client, result, &error);

  tornadis_client_pool_release_client (g_task_get_source_object (task), client);

  if (reply != NULL)
    g_task_return_pointer (task, reply, (GDestroyNotify) tornadis_reply_unref);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
taken_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  TornadisPoolCall *call = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (GError) error = NULL;

  client = tornadis_client_pool_get_connected_client_finish (TORNADIS_CLIENT_POOL (object), result, &error);

  if (client == NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else if (call->command != NULL)
    tornadis_client_call_async (client, call->command, cancellable, called_cb, g_steal_pointer (&task));
  else
    tornadis_client_call_pipeline_async (client, call->pipeline, cancellable, called_cb, g_steal_pointer (&task));
}

static void
pool_call (TornadisClientPool *self,
           TornadisCommand *command,
           TornadisPipeline *pipeline,
           GTask *task)
{
  TornadisPoolCall *call = g_new0 (TornadisPoolCall, 1);

  call->command = command != NULL ? tornadis_command_ref (command) : NULL;
  call->pipeline = pipeline != NULL ? g_object_ref (pipeline) : NULL;
  g_task_set_task_data (task, call, pool_call_free);
  /* The client's call, or who waits for a client, has said already what counts when it was cancelled. */
  g_task_set_check_cancellable (task, FALSE);
  tornadis_client_pool_get_client_async (self, g_task_get_cancellable (task), taken_cb, g_object_ref (task));
}

/**
 * tornadis_client_pool_call_async:
 * @self: a pool
 * @command: the command; it cannot be changed any more
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the reply is there or the call has failed
 * @user_data: passed to @callback
 *
 * Takes a client, calls [method@Tornadis.Client.call_async] on it, and releases it. Cancelling does the same, and before
 * there is a client it leaves the place of the call to the next. A client that is not connected yet is
 * connected by the call: when that fails, the call fails, for plugins as well.
 *
 * Since: 1.0
 */
void
tornadis_client_pool_call_async (TornadisClientPool *self,
                                 TornadisCommand *command,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_CLIENT_POOL (self));
  g_return_if_fail (command != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_prelude_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_client_pool_call_async);
  pool_call (self, command, NULL, task);
}

/**
 * tornadis_client_pool_call_finish:
 * @self: a pool
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes a call started with [method@Tornadis.ClientPool.call_async], and gets its reply. Errors are those of
 * [method@Tornadis.Client.call_finish].
 *
 * Returns: (transfer full): the reply
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_client_pool_call_finish (TornadisClientPool *self,
                                  GAsyncResult *result,
                                  GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT_POOL (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tornadis_client_pool_call_pipeline_async:
 * @self: a pool
 * @pipeline: the commands
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the replies are there or the call has failed
 * @user_data: passed to @callback
 *
 * Takes a client, calls [method@Tornadis.Client.call_pipeline_async] on it, and releases it. What the pipeline
 * holds when a client has been found is what is sent.
 *
 * Since: 1.0
 */
void
tornadis_client_pool_call_pipeline_async (TornadisClientPool *self,
                                          TornadisPipeline *pipeline,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_CLIENT_POOL (self));
  g_return_if_fail (TORNADIS_IS_PIPELINE (pipeline));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_prelude_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_client_pool_call_pipeline_async);
  pool_call (self, NULL, pipeline, task);
}

/**
 * tornadis_client_pool_call_pipeline_finish:
 * @self: a pool
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes a call started with [method@Tornadis.ClientPool.call_pipeline_async], and gets its replies, as
 * [method@Tornadis.Client.call_pipeline_finish] does.
 *
 * Returns: (transfer full): the replies
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_client_pool_call_pipeline_finish (TornadisClientPool *self,
                                           GAsyncResult *result,
                                           GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT_POOL (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
