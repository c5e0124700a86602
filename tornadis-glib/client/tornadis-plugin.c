/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-plugin-private.h"

#include "tornadis-glib/client/tornadis-call.h"
#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-pipeline.h"
#include "tornadis-glib/client/tornadis-prelude-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply.h"

/**
 * TornadisPlugin:
 *
 * What can be added to a client to see, change, answer or repeat its calls.
 *
 * A plugin is a subclass, in C, Python, JavaScript or Vala, that overrides some of the hooks; an instance of it is
 * added with [method@Tornadis.Client.add_plugin], to one client or to many, or to the client that a
 * [class@Tornadis.ClientPool] takes as its template. Hooks are called in the main context of the client. None may wait: a
 * plugin that has to holds the call, see [class@Tornadis.Call].
 *
 * The client's own commands (authentication, `PING`, restoring subscriptions) do not go through plugins, nor do calls
 * that the client refuses, such as `SUBSCRIBE`. [method@Tornadis.Client.connect_async] is a call of `HELLO` to plugins,
 * which fails as any other, and whose reply is the status `OK`.
 *
 * Since: 1.0
 */

/**
 * TornadisPluginClass::attach:
 * @self: a plugin
 * @client: the client that it is being added to
 * @error: return location for an error
 *
 * The plugin is being added to a client. By default it agrees.
 *
 * Returns: %FALSE to refuse
 *
 * Since: 1.0
 */

/**
 * TornadisPluginClass::detach:
 * @self: a plugin
 * @client: the client that it was on
 *
 * The plugin was removed from a client, or the client is being disposed. Calls in flight still go through it.
 *
 * Since: 1.0
 */

/**
 * TornadisPluginClass::setup:
 * @self: a plugin
 * @commands: where to append them
 *
 * A connection is being made; what is appended is sent on it after authentication, before any call. A command that
 * the server refuses fails the connection, unless the plugin has [vfunc@Tornadis.Plugin.setup_done].
 *
 * Since: 1.0
 */

/**
 * TornadisPluginClass::setup_done:
 * @self: a plugin
 * @client: the client that connects
 * @replies: an array of the replies to what [vfunc@Tornadis.Plugin.setup] of this plugin appended, those that are errors
 *   included
 * @error: return location for an error
 *
 * The server has answered. The plugin may find that it is not the right one: that counts as a failed attempt, calls that
 * waited for it complete with the words of @error as %TORNADIS_ERROR_CONNECT, or with the code of a %TORNADIS_ERROR. By
 * default a plugin agrees with whatever is no error.
 *
 * Returns: %FALSE to refuse the connection
 *
 * Since: 1.0
 */

/**
 * TornadisPluginClass::call:
 * @self: a plugin
 * @call: a call
 *
 * A call begins, or is made again. By default it is passed on to the next plugin and the server.
 *
 * Returns: %TRUE when the plugin holds the call and answers it later, or has already
 *
 * Since: 1.0
 */

/**
 * TornadisPluginClass::call_done:
 * @self: a plugin
 * @call: a call that this plugin has seen begin
 *
 * A call has its outcome, see [method@Tornadis.Call.get_reply] and [method@Tornadis.Call.dup_error].
 *
 * Since: 1.0
 */

/**
 * TornadisPluginClass::push:
 * @self: a plugin
 * @push: what the server sent of its own accord, of kind %TORNADIS_REPLY_KIND_PUSH or %TORNADIS_REPLY_KIND_STATUS
 *
 * A RESP3 push has come, such as an invalidation or a message; or, when `MONITOR` was called, with either protocol, a line
 * of text about a command that the server was sent by any of its clients.
 *
 * Returns: %TRUE when the plugin consumed it, so that nobody else sees it
 *
 * Since: 1.0
 */

/**
 * TornadisPluginClass::observe:
 * @self: a plugin
 * @client: the client that sent it
 * @command: (nullable): what was sent, when it was a command
 * @pipeline: (nullable): what was sent, when it was a pipeline
 * @reply: (nullable): the reply, or %NULL
 * @error: (nullable): why there is none, the server's own words included
 * @elapsed: the time from when it was queued, in microseconds, to the precision of a main-context iteration
 *
 * A command or a pipeline has been to the server, or could not be sent, and has its outcome.
 *
 * Unlike [vfunc@Tornadis.Plugin.call_done] this sees every attempt, commands as the plugins have changed them, and
 * no calls that a plugin answered; it cannot change anything. A plugin that overrides neither `call` nor `call_done`
 * makes calls hardly slower.
 *
 * Since: 1.0
 */

/**
 * TornadisPluginClass::client_acquired:
 * @self: a plugin
 * @client: a client of a pool
 * @elapsed: how long it was waited for, in microseconds
 *
 * A [class@Tornadis.ClientPool] gives a client to a caller who asked for one.
 *
 * Since: 1.0
 */

/**
 * TornadisPluginClass::route: (skip)
 * @self: a plugin
 * @client: the client that the call is made on
 * @command: a command
 *
 * Of a plugin that forwards calls, see [method@Tornadis.Call.forward], and has its own client's calls to itself since no other
 * plugin takes part in them: where a command goes. It is what its `call` hook would forward the command to, and asked instead
 * of that, so that there is no [class@Tornadis.Call] unless the call fails; only then is there a `call_done`, in which the
 * call can be retried.
 *
 * For plugins in C that are in the way of every call.
 *
 * Returns: (transfer none) (nullable): another client of the same main context, which completes its calls before it is
 *   finalized as all do; or %NULL to have the `call` hook called
 *
 * Since: 1.0
 */

/**
 * TornadisPluginClass::route_subscription: (skip)
 * @self: a plugin
 * @client: the pub/sub client that subscribes
 * @kind: what the name is
 * @name: the name of a channel or pattern
 * @place: which of the places is asked for, from 0 on
 * @target: (out) (transfer none) (nullable) (optional): location for the client that is to have the subscription there, or for
 *   %NULL: nobody can have it now, and [method@Tornadis.Plugin.reroute_subscriptions] will be called. Without a location @place
 *   does not matter
 *
 * Who has a subscription, for plugins whose server is many: one client, or several at a time, each at a place of its own. The
 * number of places may become greater, and no two of them have the same client. At each place the subscription has ended at one
 * client before it begins at the next. The subscription is there when it is at all places.
 *
 * @target is a pub/sub client of the same main context that serves @client alone, or else calls fail with %TORNADIS_ERROR_USAGE:
 * its messages are those of @client, which pauses it with itself. It connects again, and restores its subscriptions, as any
 * other; where it may not, the hook [vfunc@Tornadis.Plugin.subscription_failed] is called. The plugin closes it when its server
 * is not to be believed any more.
 *
 * This is asked often, and must not do more than look.
 *
 * Returns: at how many places @name is to be; 0: the plugin does not route it, or with a location: nobody needs to have it at
 *   @place now
 *
 * Since: 1.0
 */

/**
 * TornadisPluginClass::subscription_failed: (skip)
 * @self: a plugin
 * @client: the pub/sub client that subscribes
 * @kind: what the name is
 * @name: the name of a channel or pattern
 * @target: the client that was to have it
 * @error: (nullable): why @target could not begin it; %NULL: the server has ended it, or does not let it be restored
 *
 * A subscription that was routed to @target is not there, and @client still wants it.
 *
 * Returns: %TRUE to keep it, and the calls that wait for it: the plugin calls
 *   [method@Tornadis.Plugin.reroute_subscriptions], later or from within. %FALSE: it is removed, and the calls fail
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

/* Sets an error where the hook that refused has not, as one in another language that raised an exception. Consumes
 * @refusal (nullable). */
static void
plugin_set_refusal (TornadisPlugin *self,
                    GError *refusal,
                    GError **error)
{
  if (refusal == NULL)
    g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "The plugin %s refused", G_OBJECT_TYPE_NAME (self));
  else
    g_propagate_error (error, refusal);
}

gboolean
tornadis_plugin_attach (TornadisPlugin *self,
                        TornadisClient *client,
                        GError **error)
{
  GError *refusal = NULL;

  g_return_val_if_fail (TORNADIS_IS_PLUGIN (self), FALSE);
  g_return_val_if_fail (TORNADIS_IS_CLIENT (client), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  tornadis_prelude ();
  if (TORNADIS_PLUGIN_GET_CLASS (self)->attach (self, client, &refusal))
    return TRUE;

  plugin_set_refusal (self, refusal, error);
  return FALSE;
}

void
tornadis_plugin_detach (TornadisPlugin *self,
                        TornadisClient *client)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN (self));
  g_return_if_fail (TORNADIS_IS_CLIENT (client));

  if (TORNADIS_PLUGIN_GET_CLASS (self)->detach == NULL)
    return;

  tornadis_prelude ();
  TORNADIS_PLUGIN_GET_CLASS (self)->detach (self, client);
}

void
tornadis_plugin_setup (TornadisPlugin *self,
                       TornadisPipeline *commands)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN (self));
  g_return_if_fail (TORNADIS_IS_PIPELINE (commands));

  if (TORNADIS_PLUGIN_GET_CLASS (self)->setup == NULL)
    return;

  tornadis_prelude ();
  TORNADIS_PLUGIN_GET_CLASS (self)->setup (self, commands);
}

gboolean
tornadis_plugin_setup_done (TornadisPlugin *self,
                            TornadisClient *client,
                            TornadisReply *replies,
                            GError **error)
{
  GError *refusal = NULL;

  g_return_val_if_fail (TORNADIS_IS_PLUGIN (self), FALSE);
  g_return_val_if_fail (TORNADIS_IS_CLIENT (client), FALSE);
  g_return_val_if_fail (replies != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  tornadis_prelude ();
  if (TORNADIS_PLUGIN_GET_CLASS (self)->setup_done (self, client, replies, &refusal))
    return TRUE;

  plugin_set_refusal (self, refusal, error);
  return FALSE;
}

gboolean
tornadis_plugin_call (TornadisPlugin *self,
                      TornadisCall *call)
{
  g_return_val_if_fail (TORNADIS_IS_PLUGIN (self), FALSE);
  g_return_val_if_fail (TORNADIS_IS_CALL (call), FALSE);

  if (TORNADIS_PLUGIN_GET_CLASS (self)->call == NULL)
    return FALSE;

  tornadis_prelude ();

  return TORNADIS_PLUGIN_GET_CLASS (self)->call (self, call);
}

void
tornadis_plugin_call_done (TornadisPlugin *self,
                           TornadisCall *call)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN (self));
  g_return_if_fail (TORNADIS_IS_CALL (call));

  if (TORNADIS_PLUGIN_GET_CLASS (self)->call_done == NULL)
    return;

  tornadis_prelude ();
  TORNADIS_PLUGIN_GET_CLASS (self)->call_done (self, call);
}

gboolean
tornadis_plugin_push (TornadisPlugin *self,
                      TornadisReply *push)
{
  g_return_val_if_fail (TORNADIS_IS_PLUGIN (self), FALSE);
  g_return_val_if_fail (push != NULL, FALSE);

  if (TORNADIS_PLUGIN_GET_CLASS (self)->push == NULL)
    return FALSE;

  tornadis_prelude ();

  return TORNADIS_PLUGIN_GET_CLASS (self)->push (self, push);
}

void
tornadis_plugin_client_acquired (TornadisPlugin *self,
                                 TornadisClient *client,
                                 gint64 elapsed)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN (self));
  g_return_if_fail (TORNADIS_IS_CLIENT (client));

  if (TORNADIS_PLUGIN_GET_CLASS (self)->client_acquired == NULL)
    return;

  tornadis_prelude ();
  TORNADIS_PLUGIN_GET_CLASS (self)->client_acquired (self, client, elapsed);
}

guint
tornadis_plugin_route_subscription (TornadisPlugin *self,
                                    TornadisPubSubClient *client,
                                    TornadisSubscriptionKind kind,
                                    GBytes *name,
                                    guint place,
                                    TornadisPubSubClient **target)
{
  if (target != NULL)
    *target = NULL;
  if (TORNADIS_PLUGIN_GET_CLASS (self)->route_subscription == NULL)
    return 0;

  tornadis_prelude ();

  return TORNADIS_PLUGIN_GET_CLASS (self)->route_subscription (self, client, kind, name, place, target);
}

gboolean
tornadis_plugin_subscription_failed (TornadisPlugin *self,
                                     TornadisPubSubClient *client,
                                     TornadisSubscriptionKind kind,
                                     GBytes *name,
                                     TornadisPubSubClient *target,
                                     const GError *error)
{
  if (TORNADIS_PLUGIN_GET_CLASS (self)->subscription_failed == NULL)
    return FALSE;

  tornadis_prelude ();

  return TORNADIS_PLUGIN_GET_CLASS (self)->subscription_failed (self, client, kind, name, target, error);
}

/* With the type, not in the class: that of a subclass begins as a copy, which would share the string. */
static GQuark
description_quark (void)
{
  static GQuark quark;

  if (quark == 0)
    quark = g_quark_from_static_string ("tornadis-plugin-description");

  return quark;
}

/**
 * tornadis_plugin_class_set_description:
 * @klass: the class of a plugin
 * @description: what the plugin does, in a line
 *
 * Says what the plugin does, for those who choose among plugins: “answers reads from memory”. To be called when the class is
 * initialized; its subclasses have it, too, unless they have one of their own.
 *
 * Since: 1.0
 */
void
tornadis_plugin_class_set_description (TornadisPluginClass *klass,
                                       const char *description)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN_CLASS (klass));
  g_return_if_fail (description != NULL);

  /* A class may have lent it to others, and is never freed. */
  g_type_set_qdata (G_TYPE_FROM_CLASS (klass), description_quark (), (gpointer) g_intern_string (description));
}

/**
 * tornadis_plugin_get_description:
 * @self: a plugin
 *
 * Gets what the plugin does, in a line, as its class has it.
 *
 * Returns: (nullable): a description, or %NULL if it has none
 *
 * Since: 1.0
 */
const char *
tornadis_plugin_get_description (TornadisPlugin *self)
{
  const char *description = NULL;

  g_return_val_if_fail (TORNADIS_IS_PLUGIN (self), NULL);

  for (GType type = G_OBJECT_TYPE (self); description == NULL && type != G_TYPE_OBJECT; type = g_type_parent (type))
    description = g_type_get_qdata (type, description_quark ());

  return description;
}

/**
 * tornadis_plugin_submit:
 * @self: a plugin
 * @client: a client that it is on
 * @command: the command; it cannot be changed any more
 * @func: (scope notified) (closure user_data) (nullable): called with the outcome; %NULL discards it
 * @user_data: passed to @func
 * @user_data_destroy: (nullable): frees @user_data, after @func was called
 *
 * Submits a call of the plugin's own, as [method@Tornadis.Client.submit], that goes only through the plugins behind
 * this one: it neither comes back to the plugin itself nor waits behind a plugin that waits for this one.
 *
 * Since: 1.0
 */
void
tornadis_plugin_submit (TornadisPlugin *self,
                        TornadisClient *client,
                        TornadisCommand *command,
                        TornadisReplyFunc func,
                        gpointer user_data,
                        GDestroyNotify user_data_destroy)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN (self));
  g_return_if_fail (TORNADIS_IS_CLIENT (client));
  g_return_if_fail (command != NULL);

  tornadis_client_submit_behind (client, self, command, func, user_data, user_data_destroy);
}

/**
 * tornadis_plugin_reconnect_client:
 * @self: a plugin
 * @client: a client that it is on
 * @error: why, with a code of %TORNADIS_ERROR
 *
 * Has @client leave its server for another at once, because the plugin has learned that it is the wrong one.
 *
 * A connection that is up is lost: calls that were written complete with %TORNADIS_ERROR_LOST and the words of @error, the
 * others wait for the next connection, and [signal@Tornadis.Client::disconnected] has @error. An attempt to connect begins
 * anew, for those who wait for it too, and one that was put off is made now. Where nobody wants a connection nothing
 * happens, nor when the plugin is not on the client.
 *
 * Since: 1.0
 */
void
tornadis_plugin_reconnect_client (TornadisPlugin *self,
                                  TornadisClient *client,
                                  const GError *error)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN (self));
  g_return_if_fail (TORNADIS_IS_CLIENT (client));
  g_return_if_fail (error != NULL);

  tornadis_client_reconnect (client, self, error);
}

/**
 * tornadis_plugin_set_client_state:
 * @self: a plugin
 * @client: a client that it is on
 * @state: how the connection is
 *
 * Says that the plugin stands for the connection of @client, because it answers the client's calls by other means, and
 * how that is. From then on [property@Tornadis.Client:state] and [property@Tornadis.Client:connected] are what the plugin
 * said last, whatever the client's own connection does, and [signal@Tornadis.Client::disconnected] is emitted when it was
 * %TORNADIS_CLIENT_STATE_CONNECTED and is no longer.
 *
 * A plugin that answers the `HELLO` of [method@Tornadis.Client.connect_async] with a reply has thereby said that it is
 * connected. [method@Tornadis.Client.close] sets the state to %TORNADIS_CLIENT_STATE_DISCONNECTED, which the plugin
 * learns by `notify::state`. When the plugin is removed the client's own connection counts again. Nothing happens when the
 * plugin is not on the client.
 *
 * Since: 1.0
 */
void
tornadis_plugin_set_client_state (TornadisPlugin *self,
                                  TornadisClient *client,
                                  TornadisClientState state)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN (self));
  g_return_if_fail (TORNADIS_IS_CLIENT (client));

  tornadis_client_set_stand_in (client, self, state, NULL);
}

/**
 * tornadis_plugin_set_client_lost:
 * @self: a plugin
 * @client: a client that it is on
 * @error: why
 *
 * Says that the connection of @client, for which the plugin stands, was lost: the state is
 * %TORNADIS_CLIENT_STATE_DISCONNECTED, and [signal@Tornadis.Client::disconnected] has @error. What follows is said with
 * [method@Tornadis.Plugin.set_client_state].
 *
 * Since: 1.0
 */
void
tornadis_plugin_set_client_lost (TornadisPlugin *self,
                                 TornadisClient *client,
                                 const GError *error)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN (self));
  g_return_if_fail (TORNADIS_IS_CLIENT (client));
  g_return_if_fail (error != NULL);

  tornadis_client_set_stand_in (client, self, TORNADIS_CLIENT_STATE_DISCONNECTED, error);
}

/**
 * tornadis_plugin_set_client_in_transaction:
 * @self: a plugin
 * @client: a client that it is on
 * @in_transaction: whether a command that is called now belongs to a transaction
 *
 * Sets [property@Tornadis.Client:in-transaction] of @client, for whose connection the plugin stands: it answers `WATCH` and
 * `MULTI` too. [method@Tornadis.Client.close] resets it, with which the program gives up a transaction that was lost.
 * Nothing happens when the plugin does not stand for the connection.
 *
 * Since: 1.0
 */
void
tornadis_plugin_set_client_in_transaction (TornadisPlugin *self,
                                           TornadisClient *client,
                                           gboolean in_transaction)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN (self));
  g_return_if_fail (TORNADIS_IS_CLIENT (client));

  tornadis_client_set_stand_in_transaction (client, self, in_transaction);
}

/**
 * tornadis_plugin_reroute_subscriptions: (skip)
 * @self: a plugin
 * @client: a pub/sub client that it is on
 * @error: (nullable): why it cannot be helped
 *
 * Has the hook [vfunc@Tornadis.Plugin.route_subscription] asked again for all subscriptions of @client, because the plugin has
 * learned where they belong. One that belongs elsewhere ends where it is before it begins there, and
 * [signal@Tornadis.PubSubClient::gap] is emitted. A client that has none of them any more is closed, until it is used again.
 *
 * With @error calls for names that no client has, and that none has been asked for but in vain, fail with it; subscriptions that
 * were there before are kept until they have a place.
 *
 * Since: 1.0
 */
void
tornadis_plugin_reroute_subscriptions (TornadisPlugin *self,
                                       TornadisPubSubClient *client,
                                       const GError *error)
{
  g_return_if_fail (TORNADIS_IS_PLUGIN (self));
  g_return_if_fail (TORNADIS_IS_CLIENT (client));
  g_return_if_fail (tornadis_client_get_hooks (TORNADIS_CLIENT (client))->reroute != NULL);

  tornadis_client_get_hooks (TORNADIS_CLIENT (client))->reroute (TORNADIS_CLIENT (client), self, error);
}
