/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>
#include <tornadis-glib/tornadis-glib.h>

#include "cluster/cluster-client.h"
#include "cluster/cluster-listener.h"
#include "cluster/cluster-node-plugins.h"
#include "cluster/cluster-notification.h"
#include "common/uri-hosts.h"

/* One client for all nodes of a cluster.
 *
 *   redis-cluster://[user[:password]@]h1[:port],h2,…[/db][?read-from=master|replica|any|az:NAME]
 *
 * Each call is forwarded to the node that has its keys, over a client of that node; what several nodes answer is put together.
 * All clients that have this plugin share what is known of the cluster (ClusterMap), and each has its own connections
 * (ClusterLinks). It serves clients of one main context. */

#define DEFAULT_PORT 6379
#define DEFAULT_FAILOVER_MSEC 10000

#define TORNADIS_TYPE_CLUSTER_PLUGIN (tornadis_cluster_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TornadisClusterPlugin, tornadis_cluster_plugin, TORNADIS, CLUSTER_PLUGIN, TornadisPlugin)

struct _TornadisClusterPlugin
{
  TornadisPlugin parent_instance;

  char *uri;       /* (owned) (nullable) */
  char *read_from; /* (owned) (nullable) as it was given */
  int db;          /* of the URI, or -1 */
  ClusterSettings settings;
  ClusterCounters counters;
  ClusterMap *map;       /* (owned) (nullable) from the first client on */
  TornadisPlugin *setup; /* (owned) (nullable) for the nodes' clients */
  char *title;           /* (owned) (nullable) what the cluster is called in errors */
  GHashTable *clients;   /* (owned) (element-type TornadisClient ClusterClient) both unowned */
  GHashTable *listeners; /* (owned) (element-type TornadisClient ClusterListener) both unowned: pub/sub clients */
  TornadisClient *last;  /* (unowned) (nullable) that was looked up last, with what was found */
  ClusterClient *found;  /* (unowned) */
};

G_DEFINE_FINAL_TYPE (TornadisClusterPlugin, tornadis_cluster_plugin, TORNADIS_TYPE_PLUGIN)

typedef enum
{
  PROP_URI = 1,
  PROP_READ_FROM,
  PROP_FAILOVER_TIMEOUT_MSEC,
  PROP_REDIRECTS,
  PROP_REFRESHES,
  PROP_FAILOVERS,
} TornadisClusterPluginProperty;

static GParamSpec *props[PROP_FAILOVERS + 1];

/* (nullable) */
static ClusterClient *
cluster_find_client (TornadisClusterPlugin *self,
                     TornadisClient *client)
{
  if (G_UNLIKELY (self->last != client))
    {
      self->found = g_hash_table_lookup (self->clients, client);
      self->last = client;
    }

  return self->found;
}

/* Replicas that have become masters since then. */
static void
cluster_count_failovers (TornadisClusterPlugin *self,
                         ClusterTopology *before)
{
  const GPtrArray *masters = cluster_topology_get_masters (cluster_map_get_topology (self->map));

  for (guint i = 0; i < masters->len; i++)
    {
      const ClusterNode *node = cluster_topology_lookup_key (before, ((const ClusterNode *) g_ptr_array_index (masters, i))->key);

      self->counters.n_failovers += node != NULL && !node->is_master;
    }
}

/* All (element-type ClusterClient) (transfer full), for what may remove the plugin from any of them. */
static GPtrArray *
cluster_list_clients (TornadisClusterPlugin *self)
{
  GPtrArray *clients = g_ptr_array_new_with_free_func (g_rc_box_release);
  GHashTableIter iter;
  gpointer client;

  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, NULL, &client))
    g_ptr_array_add (clients, g_rc_box_acquire (client));

  return clients;
}

static void
map_changed_cb (ClusterTopology *before,
                gpointer user_data)
{
  TornadisClusterPlugin *self = user_data;
  g_autoptr (GPtrArray) clients = cluster_list_clients (self);
  g_autoptr (GPtrArray) listeners = g_ptr_array_new_with_free_func (g_object_unref);
  gboolean has_moved = before != NULL && cluster_topology_has_moved_slots (cluster_map_get_topology (self->map), before);
  GHashTableIter iter;
  gpointer client;

  if (before != NULL)
    cluster_count_failovers (self, before);
  if (self->settings.zones != NULL)
    cluster_zones_keep (self->settings.zones, cluster_map_get_topology (self->map));

  g_hash_table_iter_init (&iter, self->listeners);
  while (g_hash_table_iter_next (&iter, &client, NULL))
    g_ptr_array_add (listeners, g_object_ref (client));
  for (guint i = 0; i < clients->len; i++)
    cluster_client_update (g_ptr_array_index (clients, i));
  /* Calls may end, and their callers do anything, on any of the clients. */
  for (guint i = 0; i < clients->len; i++)
    cluster_client_follow_update (g_ptr_array_index (clients, i), has_moved);
  for (guint i = 0; i < listeners->len; i++)
    {
      ClusterListener *listener = g_hash_table_lookup (self->listeners, g_ptr_array_index (listeners, i));

      if (listener != NULL)
        cluster_listener_update (listener);
    }
}

/* What one client has learned of the cluster all of them know. */
static void
map_moved_cb (gpointer user_data)
{
  g_autoptr (GPtrArray) clients = cluster_list_clients (user_data);

  for (guint i = 0; i < clients->len; i++)
    {
      ClusterClient *client = g_ptr_array_index (clients, i);

      if (client->whole == client && !client->is_gone)
        cluster_links_invalidate (client->links);
    }
}

static gboolean
map_used_cb (gpointer user_data)
{
  TornadisClusterPlugin *self = user_data;
  GHashTableIter iter;
  gpointer client, each;

  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, NULL, &each))
    {
      const ClusterClient *used = each;

      if (used->whole == used && used->state != TORNADIS_CLIENT_STATE_DISCONNECTED)
        return TRUE;
    }

  g_hash_table_iter_init (&iter, self->listeners);
  while (g_hash_table_iter_next (&iter, &client, NULL))
    {
      TornadisClientState state;

      g_object_get (client, "state", &state, NULL);
      if (state != TORNADIS_CLIENT_STATE_DISCONNECTED)
        return TRUE;
    }

  return FALSE;
}

static gboolean
cluster_fail (GError **error,
              const char *problem)
{
  g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "Invalid URI: %s", problem);
  return FALSE;
}

static gboolean
cluster_parse_read_from (TornadisClusterPlugin *self,
                         GError **error)
{
  static const char zone[] = "az:";

  if (self->read_from == NULL || g_str_equal (self->read_from, "master"))
    self->settings.read_from = CLUSTER_READ_FROM_MASTER;
  else if (g_str_equal (self->read_from, "replica"))
    self->settings.read_from = CLUSTER_READ_FROM_REPLICA;
  else if (g_str_equal (self->read_from, "any"))
    self->settings.read_from = CLUSTER_READ_FROM_ANY;
  else if (g_str_has_prefix (self->read_from, zone) && self->read_from[strlen (zone)] != '\0')
    {
      self->settings.read_from = CLUSTER_READ_FROM_ZONE;
      g_free (self->settings.zone);
      self->settings.zone = g_strdup (self->read_from + strlen (zone));
    }
  else
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                           "read-from is none of master, replica, any and az:NAME");
      return FALSE;
    }

  return TRUE;
}

static gboolean
cluster_make_map (TornadisClusterPlugin *self,
                  GError **error)
{
  g_autoptr (GPtrArray) hosts = NULL;
  g_auto (GStrv) path = NULL;
  guint64 db = 0;

  if (self->uri == NULL)
    return cluster_fail (error, "the plugin needs one, such as redis-cluster://host1,host2");
  if (!cluster_parse_read_from (self, error) || !uri_hosts_parse (self->uri, DEFAULT_PORT, &hosts, &path, error))
    return FALSE;
  if (path[0] != NULL && (!g_ascii_isdigit (*path[0]) || path[1] != NULL ||
                          !g_ascii_string_to_unsigned (path[0], 10, 0, G_MAXINT, &db, NULL)))
    return cluster_fail (error, "what follows the hosts is not the number of a database");

  self->db = path[0] != NULL ? (int) db : -1;
  self->title = g_strdup_printf ("cluster of %s:%u", g_network_address_get_hostname (g_ptr_array_index (hosts, 0)),
                                 g_network_address_get_port (g_ptr_array_index (hosts, 0)));
  self->map = cluster_map_new (TORNADIS_PLUGIN (self), self->title, g_steal_pointer (&hosts), map_changed_cb, map_moved_cb,
                               map_used_cb, self);
  if (self->settings.read_from == CLUSTER_READ_FROM_ZONE)
    {
      self->settings.zones = cluster_zones_new ();
      self->setup = TORNADIS_PLUGIN (self->settings.zones);
    }
  else if (self->settings.read_from != CLUSTER_READ_FROM_MASTER)
    {
      self->setup = cluster_node_plugins_new_read_only ();
    }

  return TRUE;
}

/* Not among those that stand before this one: what has to do with a connection, and takes part in the calls that go over it,
 * would see calls without a connection there. */
static gboolean
cluster_check_outer (TornadisClient *client,
                     GError **error)
{
  GListModel *plugins = tornadis_client_get_plugins (client);

  for (guint i = 0; i < g_list_model_get_n_items (plugins); i++)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (plugins, i);
      const TornadisPluginClass *klass = TORNADIS_PLUGIN_GET_CLASS (plugin);

      if ((klass->call == NULL && klass->call_done == NULL) ||
          (klass->setup == NULL && klass->setup_done == NULL && klass->push == NULL))
        continue;

      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                   "The plugin %s needs the connections to the nodes: it has to stand behind cluster, as cache does in "
                   "plugins=cluster,cache",
                   G_OBJECT_TYPE_NAME (plugin));
      return FALSE;
    }

  return TRUE;
}

/* What it has subscribed to is at a server that is not the cluster's. */
static gboolean
cluster_check_listener (TornadisClient *client,
                        GError **error)
{
  gboolean is_subscribed;

  g_object_get (client, "subscribed", &is_subscribed, NULL);
  if (is_subscribed)
    g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "The client has subscriptions already");

  return !is_subscribed;
}

static gboolean
tornadis_cluster_plugin_attach (TornadisPlugin *plugin,
                                TornadisClient *client,
                                GError **error)
{
  TornadisClusterPlugin *self = TORNADIS_CLUSTER_PLUGIN (plugin);
  gboolean is_listener = TORNADIS_IS_PUB_SUB_CLIENT (client);
  ClusterClient *whole;

  if (self->map == NULL && !cluster_make_map (self, error))
    return FALSE;
  if (!(is_listener ? cluster_check_listener (client, error) : cluster_check_outer (client, error)))
    return FALSE;

  whole = g_object_get_data (G_OBJECT (client), CLUSTER_WHOLE);
  if (whole == NULL && g_hash_table_size (self->clients) + g_hash_table_size (self->listeners) == 0)
    cluster_map_set_model (self->map, client);
  if (self->db >= 0)
    g_object_set (client, "db", self->db, NULL);

  self->last = NULL;
  if (is_listener)
    g_hash_table_insert (self->listeners, client,
                         cluster_listener_new (plugin, TORNADIS_PUB_SUB_CLIENT (client), self->title, self->map, &self->settings,
                                               &self->counters));
  else
    g_hash_table_insert (self->clients, client,
                         cluster_client_new (plugin, client, whole, self->title, self->map, &self->settings, &self->counters,
                                             self->setup));

  return TRUE;
}

/* Any that is left is as good. */
static void
cluster_choose_model (TornadisClusterPlugin *self)
{
  GHashTableIter iter;
  TornadisClient *client = NULL;
  ClusterClient *each;

  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, (gpointer *) &client, (gpointer *) &each))
    {
      if (each->whole == each)
        {
          cluster_map_set_model (self->map, client);
          return;
        }
    }

  g_hash_table_iter_init (&iter, self->listeners);
  client = NULL;
  g_hash_table_iter_next (&iter, (gpointer *) &client, NULL);
  cluster_map_set_model (self->map, client);
}

static void
tornadis_cluster_plugin_detach (TornadisPlugin *plugin,
                                TornadisClient *client)
{
  TornadisClusterPlugin *self = TORNADIS_CLUSTER_PLUGIN (plugin);
  ClusterListener *listener = g_hash_table_lookup (self->listeners, client);
  ClusterClient *gone = g_hash_table_lookup (self->clients, client);

  self->last = NULL;
  if (listener != NULL)
    {
      g_hash_table_remove (self->listeners, client);
      cluster_listener_free (listener);
    }
  else if (gone != NULL)
    {
      g_hash_table_remove (self->clients, client);
      cluster_client_free (gone);
    }

  cluster_choose_model (self);
}

static gboolean
tornadis_cluster_plugin_call (TornadisPlugin *plugin,
                              TornadisCall *call)
{
  TornadisClusterPlugin *self = TORNADIS_CLUSTER_PLUGIN (plugin);
  ClusterClient *client = cluster_find_client (self, tornadis_call_get_client (call));

  if (G_LIKELY (client != NULL))
    return cluster_client_call (client, call);
  if (g_hash_table_contains (self->listeners, tornadis_call_get_client (call)))
    return FALSE;

  /* It was removed while another plugin had the call, or until it was to be made again: without it the call would go to the server
   * that the client itself is of. */
  cluster_client_refuse_gone (call);
  return TRUE;
}

static TornadisClient *
tornadis_cluster_plugin_route (TornadisPlugin *plugin,
                               TornadisClient *client,
                               TornadisCommand *command)
{
  ClusterClient *known = cluster_find_client (TORNADIS_CLUSTER_PLUGIN (plugin), client);

  return known != NULL ? cluster_client_route_quickly (known, command) : NULL;
}

/* Shard channels are at the master of their slot, notifications at every master; other channels and patterns at any node. */
static guint
tornadis_cluster_plugin_route_subscription (TornadisPlugin *plugin,
                                            TornadisPubSubClient *client,
                                            TornadisSubscriptionKind kind,
                                            GBytes *name,
                                            guint place,
                                            TornadisPubSubClient **target)
{
  ClusterListener *listener = g_hash_table_lookup (TORNADIS_CLUSTER_PLUGIN (plugin)->listeners, client);

  if (listener == NULL)
    return 0;

  if (kind == TORNADIS_SUBSCRIPTION_KIND_SHARD)
    {
      if (target != NULL)
        *target = cluster_listener_route (listener, name);
      return 1;
    }

  if (!cluster_notification_is_one (kind, name))
    return 0;

  if (target != NULL && !cluster_listener_route_place (listener, place, target))
    return 0;

  return cluster_listener_count_places (listener);
}

static gboolean
tornadis_cluster_plugin_subscription_failed (TornadisPlugin *plugin,
                                             TornadisPubSubClient *client,
                                             TornadisSubscriptionKind kind,
                                             GBytes *name,
                                             TornadisPubSubClient *target,
                                             const GError *error)
{
  ClusterListener *listener = g_hash_table_lookup (TORNADIS_CLUSTER_PLUGIN (plugin)->listeners, client);

  return listener != NULL && cluster_listener_fail (listener, target, error);
}

static void
tornadis_cluster_plugin_call_done (TornadisPlugin *plugin,
                                   TornadisCall *call)
{
  ClusterClient *client = cluster_find_client (TORNADIS_CLUSTER_PLUGIN (plugin), tornadis_call_get_client (call));

  if (G_LIKELY (client != NULL))
    cluster_client_call_done (client, call);
  else if (tornadis_call_get_target (call) != NULL && !tornadis_call_is_abandoned (call))
    cluster_client_explain_gone (call);
}

static void
tornadis_cluster_plugin_get_property (GObject *object,
                                      guint prop_id,
                                      GValue *value,
                                      GParamSpec *pspec)
{
  TornadisClusterPlugin *self = TORNADIS_CLUSTER_PLUGIN (object);

  switch ((TornadisClusterPluginProperty) prop_id)
    {
    case PROP_URI:
      g_value_set_string (value, self->uri);
      break;
    case PROP_READ_FROM:
      g_value_set_string (value, self->read_from != NULL ? self->read_from : "master");
      break;
    case PROP_FAILOVER_TIMEOUT_MSEC:
      g_value_set_uint (value, self->settings.failover_msec);
      break;
    case PROP_REDIRECTS:
      g_value_set_uint64 (value, self->counters.n_redirects);
      break;
    case PROP_REFRESHES:
      g_value_set_uint64 (value, self->map != NULL ? cluster_map_get_n_refreshes (self->map) : 0);
      break;
    case PROP_FAILOVERS:
      g_value_set_uint64 (value, self->counters.n_failovers);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_cluster_plugin_set_property (GObject *object,
                                      guint prop_id,
                                      const GValue *value,
                                      GParamSpec *pspec)
{
  TornadisClusterPlugin *self = TORNADIS_CLUSTER_PLUGIN (object);

  switch ((TornadisClusterPluginProperty) prop_id)
    {
    case PROP_URI:
      self->uri = g_value_dup_string (value);
      break;
    case PROP_READ_FROM:
      self->read_from = g_value_dup_string (value);
      break;
    case PROP_FAILOVER_TIMEOUT_MSEC:
      self->settings.failover_msec = g_value_get_uint (value);
      break;
    case PROP_REDIRECTS:
    case PROP_REFRESHES:
    case PROP_FAILOVERS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_cluster_plugin_finalize (GObject *object)
{
  TornadisClusterPlugin *self = TORNADIS_CLUSTER_PLUGIN (object);

  g_clear_pointer (&self->map, cluster_map_free);
  g_hash_table_unref (self->clients);
  g_hash_table_unref (self->listeners);
  g_clear_object (&self->setup);
  g_free (self->settings.zone);
  g_free (self->read_from);
  g_free (self->title);
  g_free (self->uri);

  G_OBJECT_CLASS (tornadis_cluster_plugin_parent_class)->finalize (object);
}

static void
tornadis_cluster_plugin_class_init (TornadisClusterPluginClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  const GParamFlags counts = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);

  tornadis_plugin_class_set_description (TORNADIS_PLUGIN_CLASS (klass),
                                         "makes one client of all nodes of a Redis or Valkey Cluster; named by redis-cluster://");
  object_class->get_property = tornadis_cluster_plugin_get_property;
  object_class->set_property = tornadis_cluster_plugin_set_property;
  object_class->finalize = tornadis_cluster_plugin_finalize;
  plugin_class->attach = tornadis_cluster_plugin_attach;
  plugin_class->detach = tornadis_cluster_plugin_detach;
  plugin_class->call = tornadis_cluster_plugin_call;
  plugin_class->call_done = tornadis_cluster_plugin_call_done;
  plugin_class->route = tornadis_cluster_plugin_route;
  plugin_class->route_subscription = tornadis_cluster_plugin_route_subscription;
  plugin_class->subscription_failed = tornadis_cluster_plugin_subscription_failed;

  /* Some nodes, and the database where a cluster has several: SCHEME://host[:port],…[/db]. */
  props[PROP_URI] = g_param_spec_string ("uri", NULL, NULL, NULL, flags);
  /* Who answers commands that only read: master, replica (the master if there is none), any, or az:NAME, a node of that
   * availability zone. */
  props[PROP_READ_FROM] = g_param_spec_string ("read-from", NULL, NULL, NULL, flags);
  /* How long a call that has not run is kept while there is nobody to serve it, in milliseconds. */
  props[PROP_FAILOVER_TIMEOUT_MSEC] = g_param_spec_uint ("failover-timeout-msec", NULL, NULL, 0, G_MAXINT, DEFAULT_FAILOVER_MSEC,
                                                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
  /* How often calls were redirected, how often the cluster was looked at, and how often a replica was found to be a master. */
  props[PROP_REDIRECTS] = g_param_spec_uint64 ("redirects", NULL, NULL, 0, G_MAXUINT64, 0, counts);
  props[PROP_REFRESHES] = g_param_spec_uint64 ("refreshes", NULL, NULL, 0, G_MAXUINT64, 0, counts);
  props[PROP_FAILOVERS] = g_param_spec_uint64 ("failovers", NULL, NULL, 0, G_MAXUINT64, 0, counts);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_cluster_plugin_init (TornadisClusterPlugin *self)
{
  self->clients = g_hash_table_new (NULL, NULL);
  self->listeners = g_hash_table_new (NULL, NULL);
}

/* What the registry looks for in libtornadis-cluster.so. */
G_MODULE_EXPORT void tornadis_cluster_plugin_register (void);

void
tornadis_cluster_plugin_register (void)
{
  tornadis_plugin_register ("cluster", TORNADIS_TYPE_CLUSTER_PLUGIN);
}
