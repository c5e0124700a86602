/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-caller.h"

#include "tornadis-glib/client/tornadis-pipeline.h"

/**
 * TornadisCaller:
 *
 * What commands are called on: a client, or a pool of clients.
 *
 * Classes that work with what is on a server, such as scripts or locks, take any of them. The methods are those that
 * [class@Tornadis.Client] and [class@Tornadis.ClientPool] have by the same names.
 *
 * Other classes may implement it, for instance to have calls answered in a test; in JavaScript none can, as virtual functions
 * with a callback are refused there. Then it is what they promise, too: each
 * call ends exactly once, later, in the thread-default main context in which it was made, with a reply or an error; and an
 * error reply of the server's is the error `TORNADIS_ERROR_REPLY` of a call, and stays in its place in a pipeline.
 *
 * Since: 1.0
 */

G_DEFINE_INTERFACE (TornadisCaller, tornadis_caller, G_TYPE_OBJECT)

static void
tornadis_caller_default_init (TornadisCallerInterface *iface)
{
}

/**
 * tornadis_caller_call_async:
 * @self: a caller
 * @command: the command; it cannot be changed any more
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the reply is there or the call has failed
 * @user_data: passed to @callback
 *
 * Calls a command: [method@Tornadis.Client.call_async] or [method@Tornadis.ClientPool.call_async].
 *
 * Since: 1.0
 */
void
tornadis_caller_call_async (TornadisCaller *self,
                            TornadisCommand *command,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_return_if_fail (TORNADIS_IS_CALLER (self));
  g_return_if_fail (command != NULL);

  TORNADIS_CALLER_GET_IFACE (self)->call_async (self, command, cancellable, callback, user_data);
}

/**
 * tornadis_caller_call_finish:
 * @self: a caller
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes a call started with [method@Tornadis.Caller.call_async], and gets its reply. Errors are those of
 * [method@Tornadis.Client.call_finish].
 *
 * Returns: (transfer full): the reply
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_caller_call_finish (TornadisCaller *self,
                             GAsyncResult *result,
                             GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_CALLER (self), NULL);

  return TORNADIS_CALLER_GET_IFACE (self)->call_finish (self, result, error);
}

/**
 * tornadis_caller_call_pipeline_async:
 * @self: a caller
 * @pipeline: the commands
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the replies are there or the call has failed
 * @user_data: passed to @callback
 *
 * Calls the commands of a pipeline: [method@Tornadis.Client.call_pipeline_async] or
 * [method@Tornadis.ClientPool.call_pipeline_async].
 *
 * Since: 1.0
 */
void
tornadis_caller_call_pipeline_async (TornadisCaller *self,
                                     TornadisPipeline *pipeline,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  g_return_if_fail (TORNADIS_IS_CALLER (self));
  g_return_if_fail (TORNADIS_IS_PIPELINE (pipeline));

  TORNADIS_CALLER_GET_IFACE (self)->call_pipeline_async (self, pipeline, cancellable, callback, user_data);
}

/**
 * tornadis_caller_call_pipeline_finish:
 * @self: a caller
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes a call started with [method@Tornadis.Caller.call_pipeline_async], and gets its replies. Errors are those of
 * [method@Tornadis.Client.call_pipeline_finish].
 *
 * Returns: (transfer full): an array of one reply for each command
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_caller_call_pipeline_finish (TornadisCaller *self,
                                      GAsyncResult *result,
                                      GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_CALLER (self), NULL);

  return TORNADIS_CALLER_GET_IFACE (self)->call_pipeline_finish (self, result, error);
}
