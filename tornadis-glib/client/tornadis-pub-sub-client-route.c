/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Subscriptions of TornadisPubSubClient that a plugin routes to other clients. */

#include "tornadis-glib/client/tornadis-pub-sub-client-private.h"

#include "tornadis-glib/client/tornadis-plugin-private.h"
#include "tornadis-glib/tornadis-error.h"

/* A server that is one of many has an heir when it sleeps. */
#define TARGET_PING_INTERVAL_MSEC 3000

static void
routed_changed (TornadisClient *client,
                TornadisSubscriptionKind kind,
                gboolean added,
                GBytes *name)
{
  tornadis_pub_sub_client_changed (client, kind, added, name,
                                   tornadis_subscriptions_get_n_confirmed (TORNADIS_PUB_SUB_CLIENT (client)->subscriptions));
}

/* Whether it is there for this client alone, or can be. */
static gboolean
routed_may_adopt (TornadisPubSubClient *self,
                  TornadisPubSubClient *target)
{
  if (target->whole != NULL)
    return target->whole == self;

  return target != self && target->router == NULL && !tornadis_pub_sub_client_is_used (TORNADIS_CLIENT (target)) &&
         tornadis_client_get_context (TORNADIS_CLIENT (target)) == tornadis_client_get_context (TORNADIS_CLIENT (self));
}

static TornadisSubscriptions *
routed_adopt (TornadisClient *client,
              TornadisClient *target_client)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (client);
  TornadisPubSubClient *target = TORNADIS_PUB_SUB_CLIENT (target_client);
  TornadisLink *link = tornadis_client_get_link (target_client);
  TornadisLinkSettings *settings = tornadis_link_get_settings (link);

  if (!routed_may_adopt (self, target))
    return NULL;

  g_set_weak_pointer (&target->whole, self);
  settings->ping_interval_msec = MIN (settings->ping_interval_msec, TARGET_PING_INTERVAL_MSEC);
  /* It is asked for one name at a time, of which it may have any number, and it keeps no messages. */
  settings->max_pending = G_MAXUINT;
  settings->max_queued_bytes = G_MAXSIZE;
  if (self->messages.full)
    tornadis_link_set_paused (link, TRUE);

  return target->subscriptions;
}

/* (nullable) (transfer full): the plugin that routes subscriptions of @kind. */
static TornadisPlugin *
pub_sub_find_plugin (TornadisPubSubClient *self,
                     TornadisSubscriptionKind kind)
{
  const TornadisClientPrivate *priv = tornadis_client_get_private (TORNADIS_CLIENT (self));
  g_autoptr (GPtrArray) attached = NULL;
  g_autoptr (GBytes) name = NULL;

  if (priv->attached == NULL)
    return NULL;

  attached = g_ptr_array_ref (priv->attached);
  name = g_bytes_new_static (NULL, 0);
  for (guint i = 0; i < attached->len; i++)
    {
      TornadisPlugin *plugin = g_ptr_array_index (attached, i);

      if (tornadis_plugin_route_subscription (plugin, self, kind, name, NULL))
        return g_object_ref (plugin);
    }

  return NULL;
}

gboolean
tornadis_pub_sub_client_route (TornadisPubSubClient *self,
                               TornadisSubscriptionKind kind,
                               gboolean subscribe,
                               GPtrArray *names,
                               GTask *task)
{
  static const TornadisSubscriptionRouterFuncs funcs = { routed_changed, tornadis_pub_sub_client_settled,
                                                         tornadis_pub_sub_client_emit_gap, routed_adopt };
  TornadisLink *link = tornadis_client_get_link (TORNADIS_CLIENT (self));
  g_autoptr (TornadisPlugin) plugin = NULL;

  plugin = pub_sub_find_plugin (self, kind);
  if (plugin == NULL)
    return FALSE;

  if (self->router == NULL)
    self->router = tornadis_subscription_router_new (TORNADIS_CLIENT (self), &funcs);
  if (!subscribe)
    {
      tornadis_subscription_router_unsubscribe (self->router, kind, names, task);
      return TRUE;
    }

  if (tornadis_link_is_shut_down (link) || (tornadis_link_get_state (link) == TORNADIS_CLIENT_STATE_DISCONNECTED &&
                                            !tornadis_link_get_settings (link)->autoconnect))
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED,
                               "The client is not connected, and is disposed or autoconnect is off");
      return TRUE;
    }

  /* Whether the client is connected, and when that is lost, is said of its own connection. */
  tornadis_link_connect (link);
  tornadis_subscription_router_subscribe (self->router, plugin, kind, names, task);

  return TRUE;
}

void
tornadis_pub_sub_client_reroute (TornadisClient *client,
                                 TornadisPlugin *plugin,
                                 const GError *error)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (client);

  if (self->router != NULL && tornadis_client_has_plugin (tornadis_client_get_private (client), plugin))
    tornadis_subscription_router_reroute (self->router, error);
}
