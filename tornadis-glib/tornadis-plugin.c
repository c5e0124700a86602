/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/tornadis-plugin.h"

#include "tornadis-glib/tornadis-call.h"
#include "tornadis-glib/tornadis-client.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/tornadis-pipeline.h"
#include "tornadis-glib/tornadis-reply.h"

/**
 * TornadisPlugin:
 *
 * What can be added to a client to see, change, answer or repeat its calls.
 *
 * A plugin is a subclass, in C, Python, JavaScript or Vala, that overrides some of the hooks; an instance of it is
 * added with [method@Tornadis.Client.add_plugin], to one client or to many, or to the client that a
 * [class@Tornadis.ClientPool] is made after. Hooks are called in the main context of the client. None may wait: a
 * plugin that has to holds the call, see [class@Tornadis.Call].
 *
 * The client's own commands (authentication, `PING`, restoring subscriptions) do not go through plugins.
 *
 * Since: 1.0
 */

G_DEFINE_ABSTRACT_TYPE (TornadisPlugin, tornadis_plugin, G_TYPE_OBJECT)

static gboolean
tornadis_plugin_real_attach (TornadisPlugin *self,
                             TornadisClient *client,
                             GError **error)
{
  return TRUE;
}

static void
tornadis_plugin_class_init (TornadisPluginClass *klass)
{
  klass->attach = tornadis_plugin_real_attach;
}

static void
tornadis_plugin_init (TornadisPlugin *self)
{
}

/**
 * tornadis_plugin_attach:
 * @self: a plugin
 * @client: the client that it is being added to
 * @error: return location for an error
 *
 * Hook: the plugin is being added to a client. By default it agrees.
 *
 * Returns: %FALSE to refuse
 *
 * Since: 1.0
 */
gboolean
tornadis_plugin_attach (TornadisPlugin *self,
                        TornadisClient *client,
                        GError **error)
{
  g_autoptr (GError) refusal = NULL;

  g_return_val_if_fail (TORNADIS_IS_PLUGIN (self), FALSE);
  g_return_val_if_fail (TORNADIS_IS_CLIENT (client), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (TORNADIS_PLUGIN_GET_CLASS (self)->attach (self, client, &refusal))
    return TRUE;

  /* A hook in another language that raised an exception leaves no error. */
  if (refusal == NULL)
    g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "The plugin %s refused", G_OBJECT_TYPE_NAME (self));
  else
    g_propagate_error (error, g_steal_pointer (&refusal));

  return FALSE;
}

/**
 * tornadis_plugin_detach:
 * @self: a plugin
 * @client: the client that it was on
 *
 * Hook: the plugin was removed from a client, or the client goes away. Calls under way still go through it.
 *
 * Since: 1.0
 */
void
tornadis_plugin_detach (TornadisPlugin *self,
                        TornadisClient *client)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN (self));
  g_return_if_fail (TORNADIS_IS_CLIENT (client));

  if (TORNADIS_PLUGIN_GET_CLASS (self)->detach != NULL)
    TORNADIS_PLUGIN_GET_CLASS (self)->detach (self, client);
}

/**
 * tornadis_plugin_setup:
 * @self: a plugin
 * @commands: where to stack them
 *
 * Hook: a connection is being made; what is stacked is sent on it after authentication, before any call. A command
 * that the server refuses fails the connection.
 *
 * Since: 1.0
 */
void
tornadis_plugin_setup (TornadisPlugin *self,
                       TornadisPipeline *commands)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN (self));
  g_return_if_fail (TORNADIS_IS_PIPELINE (commands));

  if (TORNADIS_PLUGIN_GET_CLASS (self)->setup != NULL)
    TORNADIS_PLUGIN_GET_CLASS (self)->setup (self, commands);
}

/**
 * tornadis_plugin_call:
 * @self: a plugin
 * @call: a call
 *
 * Hook: a call begins, or is made again. By default it goes on.
 *
 * Returns: %TRUE when the plugin holds the call and answers it later, or has already
 *
 * Since: 1.0
 */
gboolean
tornadis_plugin_call (TornadisPlugin *self,
                      TornadisCall *call)
{
  g_return_val_if_fail (TORNADIS_IS_PLUGIN (self), FALSE);
  g_return_val_if_fail (TORNADIS_IS_CALL (call), FALSE);

  return TORNADIS_PLUGIN_GET_CLASS (self)->call != NULL && TORNADIS_PLUGIN_GET_CLASS (self)->call (self, call);
}

/**
 * tornadis_plugin_call_done:
 * @self: a plugin
 * @call: a call that this plugin has seen begin
 *
 * Hook: a call has its outcome, see [method@Tornadis.Call.get_reply] and [method@Tornadis.Call.get_error].
 *
 * Since: 1.0
 */
void
tornadis_plugin_call_done (TornadisPlugin *self,
                           TornadisCall *call)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN (self));
  g_return_if_fail (TORNADIS_IS_CALL (call));

  if (TORNADIS_PLUGIN_GET_CLASS (self)->call_done != NULL)
    TORNADIS_PLUGIN_GET_CLASS (self)->call_done (self, call);
}

/**
 * tornadis_plugin_push:
 * @self: a plugin
 * @push: what the server sent of its own accord, of kind %TORNADIS_REPLY_KIND_PUSH
 *
 * Hook: a RESP3 push has come, such as an invalidation or a message.
 *
 * Returns: %TRUE when the plugin consumed it, so that nobody else sees it
 *
 * Since: 1.0
 */
gboolean
tornadis_plugin_push (TornadisPlugin *self,
                      TornadisReply *push)
{
  g_return_val_if_fail (TORNADIS_IS_PLUGIN (self), FALSE);
  g_return_val_if_fail (push != NULL, FALSE);

  return TORNADIS_PLUGIN_GET_CLASS (self)->push != NULL && TORNADIS_PLUGIN_GET_CLASS (self)->push (self, push);
}
