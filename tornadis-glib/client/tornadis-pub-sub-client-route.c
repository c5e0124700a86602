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

/* (nullable) (transfer full): the plugin that routes subscriptions to @name. */
static TornadisPlugin *
pub_sub_find_plugin (TornadisPubSubClient *self,
                     TornadisSubscriptionKind kind,
                     GBytes *name)
{
  const TornadisClientPrivate *priv = tornadis_client_get_private (TORNADIS_CLIENT (self));
  g_autoptr (GPtrArray) attached = NULL;

  if (priv->attached == NULL)
    return NULL;

  attached = g_ptr_array_ref (priv->attached);
  for (guint i = 0; i < attached->len; i++)
    {
      TornadisPlugin *plugin = g_ptr_array_index (attached, i);

      if (tornadis_plugin_route_subscription (plugin, self, kind, name, 0, NULL) > 0)
        return g_object_ref (plugin);
    }

  return NULL;
}

/* Whether a call for @name is the router's, and whether it is wanted already; @plugin (transfer full) (nullable) routes it. */
static gboolean
pub_sub_is_routed (TornadisPubSubClient *self,
                   TornadisSubscriptionKind kind,
                   GBytes *name,
                   TornadisPlugin **plugin,
                   gboolean *is_wanted)
{
  gboolean is_known = self->router != NULL && tornadis_subscription_router_has (self->router, kind, name, is_wanted);

  *plugin = pub_sub_find_plugin (self, kind, name);
  if (is_known || *plugin != NULL)
    {
      *is_wanted &= is_known;
      return TRUE;
    }

  *is_wanted = tornadis_subscriptions_wants (self->subscriptions, kind, name);

  return FALSE;
}

static void
pub_sub_call_router (TornadisPubSubClient *self,
                     TornadisPlugin *plugin,
                     TornadisSubscriptionKind kind,
                     gboolean subscribe,
                     GPtrArray *names,
                     GTask *task)
{
  static const TornadisSubscriptionRouterFuncs funcs = { routed_changed, tornadis_pub_sub_client_settled,
                                                         tornadis_pub_sub_client_emit_gap, routed_adopt };
  TornadisLink *link = tornadis_client_get_link (TORNADIS_CLIENT (self));

  if (self->router == NULL)
    self->router = tornadis_subscription_router_new (TORNADIS_CLIENT (self), &funcs);
  if (!subscribe)
    {
      tornadis_subscription_router_unsubscribe (self->router, kind, names, task);
      return;
    }

  if (tornadis_link_is_shut_down (link) || (tornadis_link_get_state (link) == TORNADIS_CLIENT_STATE_DISCONNECTED &&
                                            !tornadis_link_get_settings (link)->autoconnect))
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED,
                               "The client is not connected, and is disposed or autoconnect is off");
      return;
    }

  /* Whether the client is connected, and when that is lost, is said of its own connection. */
  tornadis_link_connect (link);
  tornadis_subscription_router_subscribe (self->router, plugin, kind, names, task);
}

/* A call whose names are partly here, and partly with the router. */
typedef struct
{
  GTask *task;      /* (owned) */
  GPtrArray *fresh; /* (owned) (element-type GBytes) that nobody had asked for before */
  GError *error;    /* (owned) (nullable) the first */
  TornadisSubscriptionKind kind;
  gboolean subscribe;
  guint n_left;
} SplitCall;

static void
half_done_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  SplitCall *call = user_data;
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (object);
  g_autoptr (GTask) task = NULL;
  g_autoptr (GPtrArray) fresh = NULL;

  g_task_propagate_boolean (G_TASK (result), call->error == NULL ? &call->error : NULL);
  if (--call->n_left > 0)
    return;

  task = g_steal_pointer (&call->task);
  fresh = g_steal_pointer (&call->fresh);
  if (call->error != NULL && call->subscribe && fresh->len > 0)
    {
      /* All of them, or none. */
      g_autoptr (GTask) undo = g_task_new (self, NULL, NULL, NULL);

      if (!tornadis_pub_sub_client_route (self, call->kind, FALSE, fresh, undo))
        tornadis_subscriptions_unsubscribe (self->subscriptions, call->kind, fresh, undo);
    }

  if (call->error != NULL)
    g_task_return_error (task, call->error);
  else
    g_task_return_boolean (task, TRUE);
  g_free (call);
}

static void
pub_sub_split (TornadisPubSubClient *self,
               TornadisPlugin *plugin,
               TornadisSubscriptionKind kind,
               gboolean subscribe,
               GPtrArray *routed,
               GPtrArray *here,
               GPtrArray *fresh,
               GTask *task)
{
  SplitCall *call = g_new0 (SplitCall, 1);
  g_autoptr (GTask) first = g_task_new (self, g_task_get_cancellable (task), half_done_cb, call);
  g_autoptr (GTask) second = g_task_new (self, g_task_get_cancellable (task), half_done_cb, call);

  *call = (SplitCall){ g_object_ref (task), g_ptr_array_ref (fresh), NULL, kind, subscribe, 2 };
  g_task_set_source_tag (first, pub_sub_split);
  g_task_set_source_tag (second, pub_sub_split);
  g_task_set_check_cancellable (task, FALSE);
  pub_sub_call_router (self, plugin, kind, subscribe, routed, first);
  if (subscribe)
    tornadis_subscriptions_subscribe (self->subscriptions, kind, here, second);
  else
    tornadis_subscriptions_unsubscribe (self->subscriptions, kind, here, second);
}

gboolean
tornadis_pub_sub_client_route (TornadisPubSubClient *self,
                               TornadisSubscriptionKind kind,
                               gboolean subscribe,
                               GPtrArray *names,
                               GTask *task)
{
  g_autoptr (TornadisPlugin) plugin = NULL;
  g_autoptr (GPtrArray) routed = NULL;
  g_autoptr (GPtrArray) here = NULL;
  g_autoptr (GPtrArray) fresh = NULL;

  if (self->router == NULL && tornadis_client_get_private (TORNADIS_CLIENT (self))->attached == NULL)
    return FALSE;

  routed = tornadis_subscription_names_new_array ();
  here = tornadis_subscription_names_new_array ();
  fresh = tornadis_subscription_names_new_array ();
  for (guint i = 0; i < names->len; i++)
    {
      GBytes *name = g_ptr_array_index (names, i);
      g_autoptr (TornadisPlugin) found = NULL;
      gboolean is_wanted = FALSE;

      g_ptr_array_add (pub_sub_is_routed (self, kind, name, &found, &is_wanted) ? routed : here, g_bytes_ref (name));
      if (!is_wanted)
        g_ptr_array_add (fresh, g_bytes_ref (name));
      if (found != NULL)
        g_set_object (&plugin, found);
    }

  /* Without names all are meant. */
  if (names->len == 0 ? self->router == NULL : routed->len == 0)
    return FALSE;

  if (names->len > 0 && here->len == 0)
    pub_sub_call_router (self, plugin, kind, subscribe, names, task);
  else
    pub_sub_split (self, plugin, kind, subscribe, routed, here, fresh, task);

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
