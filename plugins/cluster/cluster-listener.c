/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-listener.h"

#include "cluster/cluster-connectable.h"
#include "cluster/cluster-node-plugins.h"
#include "cluster/cluster-places.h"
#include "cluster/cluster-trip.h"
#include "common/client-properties.h"

struct _ClusterListener
{
  TornadisPlugin *plugin;          /* (unowned) */
  TornadisPubSubClient *client;    /* (unowned) */
  ClusterMap *map;                 /* (unowned) */
  const ClusterSettings *settings; /* (unowned) */
  ClusterCounters *counters;       /* (unowned) */
  GMainContext *context;           /* (owned) that of the client */
  ClusterConnectable *connectable; /* (owned) of the client */
  GHashTable *nodes;               /* (owned) (element-type utf8 TornadisPubSubClient) owned, by the node's key */
  ClusterPlaces *places;           /* (owned) of the masters */
  gint64 since;                    /* monotonic time: when channels began to have no place, without a pause since then */
  gint64 asked_at;                 /* monotonic time: when a look was last asked for because of that */
  GError *last;                    /* (owned) (nullable) what the last node has said that did not take one */
  gboolean is_looking;             /* the map will say when it has looked */
  gboolean is_gone;                /* it was freed, and somebody is still at work with it */
};

/* The map looks more often than this for as long as it is asked to. */
#define CALM_MSEC 10000

static void
node_drop (gpointer data)
{
  TornadisPubSubClient *node = data;

  tornadis_client_close (TORNADIS_CLIENT (node));
  g_object_unref (node);
}

static GNetworkAddress *
choose_cb (gpointer user_data)
{
  ClusterListener *self = user_data;

  /* What is known may be why there is another attempt. */
  cluster_map_refresh (self->map, NULL, NULL, NULL);

  return cluster_map_choose_node (self->map);
}

/* Channels that still have no place wait for the next look. Calls wait for them as long as any call does. */
static void
looked_cb (const GError *error,
           gpointer user_data)
{
  ClusterListener *self = user_data;
  gint64 waited = g_get_monotonic_time () - self->since;
  g_autoptr (GError) late = NULL;

  self->is_looking = FALSE;
  if (error == NULL && waited > self->settings->failover_msec * G_TIME_SPAN_MILLISECOND)
    error = late = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "No node has taken the subscription for %u ms%s%s",
                                (guint) (waited / G_TIME_SPAN_MILLISECOND), self->last != NULL ? ": " : "",
                                self->last != NULL ? self->last->message : "");
  tornadis_plugin_reroute_subscriptions (self->plugin, self->client, error);
}

static void
listener_look (ClusterListener *self,
               const GError *why)
{
  gint64 now = g_get_monotonic_time ();

  if (self->since == 0 || now - self->asked_at > CALM_MSEC * G_TIME_SPAN_MILLISECOND)
    {
      self->since = now;
      g_clear_error (&self->last);
    }
  self->asked_at = now;
  if (why != NULL)
    {
      g_clear_error (&self->last);
      self->last = g_error_copy (why);
    }
  if (self->is_looking)
    {
      cluster_map_refresh (self->map, NULL, NULL, NULL);
      return;
    }

  self->is_looking = TRUE;
  cluster_map_refresh (self->map, NULL, looked_cb, self);
}

static void
disconnected_cb (ClusterListener *self,
                 const GError *error,
                 TornadisClient *node)
{
  /* Without an error it was closed, because nobody uses it any more. */
  if (error != NULL)
    cluster_map_refresh (self->map, NULL, NULL, NULL);
}

/* The attempt to connect has failed, and there will be another. */
static void
attempted_cb (ClusterListener *self,
              guint attempt,
              guint delay,
              const GError *error,
              TornadisClient *node)
{
  cluster_map_refresh (self->map, NULL, NULL, NULL);
}

/* The clients of all nodes (element-type TornadisClient) (transfer full), for what may do anything to some of them. */
static GPtrArray *
listener_get_clients (ClusterListener *self)
{
  GPtrArray *clients = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer client;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &client))
    g_ptr_array_add (clients, g_object_ref (client));

  return clients;
}

/* What the program sets is for the nodes that were made before, too. */
static void
property_changed_cb (ClusterListener *self,
                     GParamSpec *pspec,
                     TornadisClient *client)
{
  g_autoptr (GPtrArray) nodes = listener_get_clients (self);

  for (guint i = 0; i < nodes->len; i++)
    client_copy_property (client, g_ptr_array_index (nodes, i), pspec);
}

static void
plugins_changed_cb (ClusterListener *self)
{
  g_autoptr (GPtrArray) plugins = cluster_node_plugins_get (TORNADIS_CLIENT (self->client), self->plugin, NULL);
  g_autoptr (GPtrArray) clients = listener_get_clients (self);

  for (guint i = 0; i < clients->len; i++)
    cluster_node_plugins_set (g_ptr_array_index (clients, i), plugins);
}

/* (transfer none) (nullable). A plugin that is put on it may do anything: the listener, and the node with it, may be gone then. */
static TornadisPubSubClient *
make_node (ClusterListener *self,
           const ClusterNode *node)
{
  g_autoptr (GPtrArray) plugins = cluster_node_plugins_get (TORNADIS_CLIENT (self->client), self->plugin, NULL);
  g_autofree char *key = g_strdup (node->key);
  TornadisPubSubClient *client;
  gboolean is_there;

  g_main_context_push_thread_default (self->context);
  client = g_object_new (TORNADIS_TYPE_PUB_SUB_CLIENT, NULL);
  g_main_context_pop_thread_default (self->context);
  client_copy_properties (TORNADIS_CLIENT (self->client), TORNADIS_CLIENT (client));
  g_object_set (client, "host", node->host, "port", (guint) node->port, NULL);
  g_signal_connect_swapped (client, "disconnected", G_CALLBACK (disconnected_cb), self);
  g_signal_connect_swapped (client, "reconnect-scheduled", G_CALLBACK (attempted_cb), self);
  g_hash_table_insert (self->nodes, g_strdup (node->key), g_object_ref (client));

  g_rc_box_acquire (self);
  cluster_node_plugins_set (TORNADIS_CLIENT (client), plugins);
  is_there = !self->is_gone && g_hash_table_lookup (self->nodes, key) == client;
  g_object_unref (client);
  g_rc_box_release (self);

  return is_there ? client : NULL;
}

/* (transfer none) (nullable): NULL: not now. */
static TornadisPubSubClient *
listener_find_client (ClusterListener *self,
                      const ClusterNode *node)
{
  TornadisPubSubClient *client;

  if (node == NULL || node->health == CLUSTER_HEALTH_FAILED)
    {
      listener_look (self, NULL);
      return NULL;
    }

  client = g_hash_table_lookup (self->nodes, node->key);

  return client != NULL ? client : make_node (self, node);
}

TornadisPubSubClient *
cluster_listener_route (ClusterListener *self,
                        GBytes *name)
{
  ClusterTopology *topology = cluster_map_get_topology (self->map);
  gsize length;
  const void *data = g_bytes_get_data (name, &length);

  return listener_find_client (self, topology != NULL ? cluster_topology_get_master (topology, cluster_slot_of (data, length)) : NULL);
}

guint
cluster_listener_count_places (ClusterListener *self)
{
  cluster_places_update (self->places, cluster_map_get_topology (self->map));

  /* There is one that waits until the masters are known. */
  return MAX (1, cluster_places_get_n (self->places));
}

gboolean
cluster_listener_route_place (ClusterListener *self,
                              guint place,
                              TornadisPubSubClient **target)
{
  ClusterTopology *topology = cluster_map_get_topology (self->map);
  const ClusterNode *node = NULL;

  cluster_places_update (self->places, topology);
  if (place < cluster_places_get_n (self->places))
    {
      const char *key = cluster_places_get_key (self->places, place);

      if (key == NULL)
        return FALSE;
      node = cluster_topology_lookup_key (topology, key);
    }
  *target = listener_find_client (self, node);

  return TRUE;
}

static gboolean
fail_with_reply (ClusterListener *self,
                 TornadisPubSubClient *target,
                 const GError *error)
{
  g_autofree char *host = NULL;
  ClusterRedirect redirect;

  switch (cluster_redirect_parse (error->message, strlen (error->message), &redirect))
    {
    case CLUSTER_REDIRECT_MOVED:
    case CLUSTER_REDIRECT_ASK:
      self->counters->n_redirects++;
      host = cluster_trip_dup_host (&redirect, TORNADIS_CLIENT (target));
      break;
    case CLUSTER_REDIRECT_TRYAGAIN:
    case CLUSTER_REDIRECT_CLUSTERDOWN:
    case CLUSTER_REDIRECT_LOADING:
    case CLUSTER_REDIRECT_READONLY:
    case CLUSTER_REDIRECT_MASTERDOWN:
    case CLUSTER_REDIRECT_UNBLOCKED:
      break;
    case CLUSTER_REDIRECT_NONE:
    default:
      return FALSE;
    }

  /* Plugins of other clients that are told may remove this one. */
  g_rc_box_acquire (self);
  if (redirect.kind == CLUSTER_REDIRECT_MOVED && host != NULL)
    cluster_map_move (self->map, &redirect, host);
  if (!self->is_gone)
    listener_look (self, error);
  g_rc_box_release (self);

  return TRUE;
}

gboolean
cluster_listener_fail (ClusterListener *self,
                       TornadisPubSubClient *target,
                       const GError *error)
{
  if (error == NULL)
    {
      listener_look (self, NULL);
      return TRUE;
    }
  if (error->domain != TORNADIS_ERROR)
    return FALSE;

  switch ((TornadisError) error->code)
    {
    case TORNADIS_ERROR_REPLY:
      return fail_with_reply (self, target, error);
    case TORNADIS_ERROR_CONNECT:
    case TORNADIS_ERROR_CLOSED:
    case TORNADIS_ERROR_LOST:
    case TORNADIS_ERROR_TIMEOUT:
    case TORNADIS_ERROR_PROTOCOL:
    /* Users are made at each node. */
    case TORNADIS_ERROR_AUTHENTICATION:
      listener_look (self, error);
      return TRUE;
    case TORNADIS_ERROR_USAGE:
    case TORNADIS_ERROR_BUSY:
    case TORNADIS_ERROR_PLUGIN:
    default:
      return FALSE;
    }
}

void
cluster_listener_update (ClusterListener *self)
{
  ClusterTopology *topology = cluster_map_get_topology (self->map);
  /* Whoever is told of what ends may remove the plugin, with which this goes. */
  g_autoptr (TornadisPlugin) plugin = g_object_ref (self->plugin);
  g_autoptr (TornadisPubSubClient) listening = g_object_ref (self->client);
  g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  const char *key;
  TornadisPubSubClient *client;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, (gpointer *) &key, (gpointer *) &client))
    {
      const ClusterNode *node = cluster_topology_lookup_key (topology, key);

      if (node != NULL && node->health != CLUSTER_HEALTH_FAILED)
        continue;

      g_signal_handlers_disconnect_by_data (client, self);
      g_ptr_array_add (gone, client);
      g_free ((char *) key);
      g_hash_table_iter_steal (&iter);
    }

  /* What these had ends, and is routed anew. */
  for (guint i = 0; i < gone->len; i++)
    tornadis_client_close (g_ptr_array_index (gone, i));
  tornadis_plugin_reroute_subscriptions (plugin, listening, NULL);
}

ClusterListener *
cluster_listener_new (TornadisPlugin *plugin,
                      TornadisPubSubClient *client,
                      const char *title,
                      ClusterMap *map,
                      const ClusterSettings *settings,
                      ClusterCounters *counters)
{
  ClusterListener *self = g_rc_box_new0 (ClusterListener);

  self->plugin = plugin;
  self->client = client;
  self->map = map;
  self->settings = settings;
  self->counters = counters;
  self->context = g_main_context_ref_thread_default ();
  self->nodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, node_drop);
  self->places = cluster_places_new ();
  self->connectable = cluster_connectable_new (title, choose_cb, self);
  g_object_set (client, "connectable", self->connectable, NULL);

  g_signal_connect_swapped (tornadis_client_get_plugins (TORNADIS_CLIENT (client)), "items-changed", G_CALLBACK (plugins_changed_cb),
                            self);
  g_signal_connect_swapped (client, "notify", G_CALLBACK (property_changed_cb), self);

  return self;
}

void
cluster_listener_free (ClusterListener *self)
{
  GHashTableIter iter;
  gpointer client;

  self->is_gone = TRUE;
  g_signal_handlers_disconnect_by_data (tornadis_client_get_plugins (TORNADIS_CLIENT (self->client)), self);
  g_signal_handlers_disconnect_by_data (self->client, self);
  cluster_map_forget (self->map, self);
  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &client))
    g_signal_handlers_disconnect_by_data (client, self);
  g_hash_table_unref (self->nodes);
  cluster_places_free (self->places);

  cluster_connectable_close (self->connectable);
  client_leave_connectable (TORNADIS_CLIENT (self->client), G_SOCKET_CONNECTABLE (self->connectable));
  g_object_unref (self->connectable);
  g_main_context_unref (self->context);
  g_clear_error (&self->last);
  g_rc_box_release (self);
}
