/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/client/tornadis-client.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_PLUGIN (tornadis_plugin_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (TornadisPlugin, tornadis_plugin, TORNADIS, PLUGIN, GObject)

/**
 * TornadisPluginClass:
 * @parent_class: the parent class
 * @attach: the plugin is added to a client; %FALSE with an error refuses
 * @detach: the plugin is removed from a client, or the client is disposed
 * @setup: appends commands to be sent on every new connection, after authentication
 * @setup_done: those have been answered; %FALSE with an error refuses the connection
 * @call: a call begins; %TRUE: the plugin holds it and answers it later
 * @call_done: a call has its outcome; may ask for it to be made again
 * @push: the server sent data of its own accord; %TRUE: the plugin consumed it
 * @observe: a command or a pipeline was sent and has its outcome
 * @client_acquired: a pool has given a client to a caller
 * @route: to which other client a command goes, if no other plugin takes part in calls
 * @route_subscription: which other clients have a subscription of a pub/sub client
 * @subscription_failed: that client does not have it; %TRUE: it is to be routed again
 *
 * The hooks of a plugin. All are optional, none may wait.
 *
 * Since: 1.0
 */
struct _TornadisPluginClass
{
  GObjectClass parent_class;

  gboolean (*attach)          (TornadisPlugin   *self,
                               TornadisClient   *client,
                               GError          **error);
  void     (*detach)          (TornadisPlugin   *self,
                               TornadisClient   *client);
  void     (*setup)           (TornadisPlugin   *self,
                               TornadisPipeline *commands);
  gboolean (*setup_done)      (TornadisPlugin   *self,
                               TornadisClient   *client,
                               TornadisReply    *replies,
                               GError          **error);
  gboolean (*call)            (TornadisPlugin   *self,
                               TornadisCall     *call);
  void     (*call_done)       (TornadisPlugin   *self,
                               TornadisCall     *call);
  gboolean (*push)            (TornadisPlugin   *self,
                               TornadisReply    *push);
  void     (*observe)         (TornadisPlugin   *self,
                               TornadisClient   *client,
                               TornadisCommand  *command,
                               TornadisPipeline *pipeline,
                               TornadisReply    *reply,
                               const GError     *error,
                               gint64            elapsed);
  void     (*client_acquired) (TornadisPlugin   *self,
                               TornadisClient   *client,
                               gint64            elapsed);

  TornadisClient *
           (*route)           (TornadisPlugin   *self,
                               TornadisClient   *client,
                               TornadisCommand  *command);
  guint (*route_subscription) (TornadisPlugin *self,
                               TornadisPubSubClient *client,
                               TornadisSubscriptionKind kind,
                               GBytes *name,
                               guint place,
                               TornadisPubSubClient **target);
  gboolean (*subscription_failed)
                              (TornadisPlugin       *self,
                               TornadisPubSubClient *client,
                               TornadisSubscriptionKind kind,
                               GBytes               *name,
                               TornadisPubSubClient *target,
                               const GError         *error);

  /*< private >*/
  gpointer padding[6];
};

TORNADIS_AVAILABLE_IN_1_0
void     tornadis_plugin_class_set_description
                                   (TornadisPluginClass *klass,
                                    const char        *description);
TORNADIS_AVAILABLE_IN_1_0
const char *
         tornadis_plugin_get_description
                                   (TornadisPlugin    *self);
TORNADIS_AVAILABLE_IN_1_0
void     tornadis_plugin_submit    (TornadisPlugin    *self,
                                    TornadisClient    *client,
                                    TornadisCommand   *command,
                                    TornadisReplyFunc  func,
                                    gpointer           user_data,
                                    GDestroyNotify     user_data_destroy);
TORNADIS_AVAILABLE_IN_1_0
void     tornadis_plugin_reconnect_client
                                   (TornadisPlugin    *self,
                                    TornadisClient    *client,
                                    const GError      *error);
TORNADIS_AVAILABLE_IN_1_0
void     tornadis_plugin_set_client_state
                                   (TornadisPlugin    *self,
                                    TornadisClient    *client,
                                    TornadisClientState state);
TORNADIS_AVAILABLE_IN_1_0
void     tornadis_plugin_set_client_lost
                                   (TornadisPlugin    *self,
                                    TornadisClient    *client,
                                    const GError      *error);
TORNADIS_AVAILABLE_IN_1_0
void     tornadis_plugin_set_client_in_transaction
                                   (TornadisPlugin    *self,
                                    TornadisClient    *client,
                                    gboolean           in_transaction);
TORNADIS_AVAILABLE_IN_1_0
void     tornadis_plugin_reroute_subscriptions
                                   (TornadisPlugin    *self,
                                    TornadisPubSubClient *client,
                                    const GError      *error);

G_END_DECLS
