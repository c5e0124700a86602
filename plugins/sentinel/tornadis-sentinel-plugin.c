/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>
#include <tornadis-glib/tornadis-glib.h>

#include "common/client-properties.h"
#include "common/uri-hosts.h"
#include "sentinel/sentinel-connectable.h"

/* Finds the server of a name by Sentinels, and follows it when they make another one the master.
 *
 *   redis-sentinel://[user[:password]@]s1[:26379],s2,…/NAME[/db][?role=replica&sentinel-username=…]
 *
 * Each attempt to connect asks them anew (SentinelConnectable), and then the server, with ROLE, whether it is what they say.
 * What they report meanwhile is enough to look and not to believe: before clients leave the server that was the master, the
 * one that is said to be has to say so too. */

#define DEFAULT_PORT 26379
/* A server that is to be the master by what the sentinels say, and does not say so itself, is asked again after this. */
#define PROBE_MSEC 1000
#define MIN_AGAIN_MSEC 100
#define MAX_AGAIN_MSEC 5000

#define TORNADIS_TYPE_SENTINEL_PLUGIN (tornadis_sentinel_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TornadisSentinelPlugin, tornadis_sentinel_plugin, TORNADIS, SENTINEL_PLUGIN, TornadisPlugin)

struct _TornadisSentinelPlugin
{
  TornadisPlugin parent_instance;

  char *uri;  /* (owned) (nullable) */
  char *name; /* (owned) (nullable) of the master */
  int db;     /* of the URI, or -1 */
  SentinelRole role;
  SentinelLogin login;      /* (owned) */
  SentinelMonitor *monitor; /* (owned) (nullable) from the first client on */
  GHashTable *clients;      /* (owned) (element-type TornadisClient SentinelConnectable) the clients unowned */

  /* A report that is looked into. */
  GNetworkAddress *reported; /* (owned) (nullable) who is said to be the master, until it is known to be so */
  gint64 reported_epoch;
  GCancellable *probing; /* (owned) (nullable) of the question to it */
  GSource *again;        /* (owned) (nullable) asks again */
  guint again_msec;

  GNetworkAddress *master; /* (owned) (nullable) the last that has said itself that it is */
  guint64 switches;        /* from one master to another */
};

G_DEFINE_FINAL_TYPE (TornadisSentinelPlugin, tornadis_sentinel_plugin, TORNADIS_TYPE_PLUGIN)

typedef enum
{
  PROP_URI = 1,
  PROP_ROLE,
  PROP_SENTINEL_USERNAME,
  PROP_SENTINEL_PASSWORD,
  PROP_SENTINEL_PLAIN,
  PROP_SWITCHES,
} TornadisSentinelPluginProperty;

static GParamSpec *props[PROP_SWITCHES + 1];

/* Reports. */

/* Whether a client is, or is about to be, elsewhere than at the master that the sentinels name. */
static gboolean
client_is_elsewhere (TornadisClient *client,
                     SentinelConnectable *connectable,
                     GNetworkAddress *master)
{
  GNetworkAddress *server = sentinel_connectable_get_server (connectable);
  TornadisClientState state;

  g_object_get (client, "state", &state, NULL);
  switch (state)
    {
    case TORNADIS_CLIENT_STATE_CONNECTED:
    case TORNADIS_CLIENT_STATE_CONNECTING:
      return server != NULL && !uri_host_equal (server, master);
    case TORNADIS_CLIENT_STATE_WAITING:
      return TRUE;
    case TORNADIS_CLIENT_STATE_DISCONNECTED:
    default:
      return FALSE;
    }
}

/* (transfer container) (element-type TornadisClient): those that are elsewhere, each with a reference. */
static GPtrArray *
find_elsewhere (TornadisSentinelPlugin *self,
                GNetworkAddress *master)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer client, connectable;

  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, &client, &connectable))
    if (self->role == SENTINEL_ROLE_MASTER && client_is_elsewhere (client, connectable, master))
      g_ptr_array_add (found, g_object_ref (client));

  return found;
}

static void
stop_looking (TornadisSentinelPlugin *self)
{
  if (self->probing != NULL)
    g_cancellable_cancel (self->probing);
  g_clear_object (&self->probing);
  if (self->again != NULL)
    g_source_destroy (self->again);
  g_clear_pointer (&self->again, g_source_unref);
  g_clear_object (&self->reported);
}

/* @master has said that it is one. */
static void
sentinel_follow (TornadisSentinelPlugin *self,
                 GNetworkAddress *master)
{
  gboolean is_switch = self->master != NULL && !uri_host_equal (self->master, master);

  g_set_object (&self->master, master);
  if (!is_switch)
    return;

  self->switches++;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SWITCHES]);
}

/* What they call back may change which there are, and who is the master. */
static void
move_clients (TornadisSentinelPlugin *self)
{
  g_autoptr (GNetworkAddress) master = g_steal_pointer (&self->reported);
  g_autoptr (GPtrArray) clients = find_elsewhere (self, master);
  g_autoptr (GError) error = NULL;

  sentinel_follow (self, master);
  error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "The master of “%s” is %s:%u now", self->name,
                       g_network_address_get_hostname (master), g_network_address_get_port (master));

  for (guint i = 0; i < clients->len; i++)
    {
      TornadisClient *client = g_ptr_array_index (clients, i);
      SentinelConnectable *connectable = g_hash_table_lookup (self->clients, client);

      if (connectable != NULL && client_is_elsewhere (client, connectable, master))
        tornadis_plugin_reconnect_client (TORNADIS_PLUGIN (self), client, error);
    }
}

static void look_into_report (TornadisSentinelPlugin *self);

static gboolean
again_cb (gpointer user_data)
{
  TornadisSentinelPlugin *self = user_data;

  g_clear_pointer (&self->again, g_source_unref);
  look_into_report (self);

  return G_SOURCE_REMOVE;
}

static void
look_again_later (TornadisSentinelPlugin *self)
{
  self->again = g_timeout_source_new ((guint) g_random_int_range ((gint32) self->again_msec / 2, (gint32) self->again_msec + 1));
  self->again_msec = MIN (self->again_msec * 2, MAX_AGAIN_MSEC);
  g_source_set_static_name (self->again, "[tornadis] sentinel, asks the new master again");
  g_source_set_callback (self->again, again_cb, self, NULL);
  g_source_attach (self->again, g_main_context_get_thread_default ());
}

static gboolean
is_role (TornadisReply *reply,
         const char *role)
{
  return tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_ARRAY && tornadis_reply_get_n_elements (reply) > 0 &&
         g_strcmp0 (tornadis_reply_get_text (tornadis_reply_get_element (reply, 0)), role) == 0;
}

typedef struct
{
  TornadisSentinelPlugin *plugin; /* (unowned) valid unless @cancelled is */
  GCancellable *cancelled;        /* (owned) */
} Probe;

static void
probed_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Probe *probe = user_data;
  TornadisSentinelPlugin *self = probe->plugin;
  g_autoptr (GCancellable) cancelled = probe->cancelled;
  g_autoptr (TornadisClient) client = g_object_ref (TORNADIS_CLIENT (object));
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (client, result, NULL);

  g_free (probe);
  tornadis_client_close (client);
  if (g_cancellable_is_cancelled (cancelled))
    return;

  g_clear_object (&self->probing);
  if (reply == NULL || !is_role (reply, "master"))
    {
      look_again_later (self);
      return;
    }

  g_object_ref (self);
  sentinel_monitor_confirm (self->monitor, self->reported_epoch, FALSE);
  move_clients (self);
  g_object_unref (self);
}

/* Asks the server that is said to be the master, as a client that is elsewhere would. */
static void
look_into_report (TornadisSentinelPlugin *self)
{
  g_autoptr (GPtrArray) clients = find_elsewhere (self, self->reported);
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (TornadisCommand) command = NULL;
  Probe *probe;

  if (clients->len == 0)
    {
      stop_looking (self);
      return;
    }

  client = g_object_new (TORNADIS_TYPE_CLIENT, NULL);
  sentinel_copy_properties (g_ptr_array_index (clients, 0), client);
  /* Which are for servers alone. */
  client_copy_named_properties (g_ptr_array_index (clients, 0), client, (const char *const[]){ "credentials", NULL });
  g_object_set (client,
                "host", g_network_address_get_hostname (self->reported),
                "port", (guint) g_network_address_get_port (self->reported),
                "call-timeout-msec", PROBE_MSEC,
                NULL);

  self->probing = g_cancellable_new ();
  probe = g_new (Probe, 1);
  *probe = (Probe){ self, g_object_ref (self->probing) };
  command = tornadis_command_new ("ROLE");
  tornadis_client_call_async (client, command, self->probing, probed_cb, probe);
}

static void
switched_cb (const SentinelView *view,
             gpointer user_data)
{
  TornadisSentinelPlugin *self = user_data;

  stop_looking (self);
  self->reported = g_object_ref (view->master);
  self->reported_epoch = view->epoch;
  self->again_msec = MIN_AGAIN_MSEC;
  look_into_report (self);
}

/* Hooks. */

static gboolean
sentinel_fail (GError **error,
               const char *problem)
{
  g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "Invalid URI: %s", problem);
  return FALSE;
}

static gboolean
sentinel_make_monitor (TornadisSentinelPlugin *self,
                       GError **error)
{
  g_autoptr (GPtrArray) hosts = NULL;
  g_auto (GStrv) path = NULL;
  guint64 db = 0;
  SentinelLogin *login;

  if (self->uri == NULL)
    return sentinel_fail (error, "the plugin needs one, such as redis-sentinel://host1,host2/NAME");
  if (!uri_hosts_parse (self->uri, DEFAULT_PORT, &hosts, &path, error))
    return FALSE;
  if (path[0] == NULL)
    return sentinel_fail (error, "the name of the master is missing, as in redis-sentinel://host1,host2/NAME");
  if (path[1] != NULL && (!g_ascii_isdigit (*path[1]) || path[2] != NULL ||
                          !g_ascii_string_to_unsigned (path[1], 10, 0, G_MAXINT, &db, NULL)))
    return sentinel_fail (error, "what follows the name of the master is not the number of a database");

  self->name = g_strdup (path[0]);
  self->db = path[1] != NULL ? (int) db : -1;
  self->monitor = sentinel_monitor_new (self->name, hosts, switched_cb, self);
  login = sentinel_monitor_get_login (self->monitor);
  login->username = g_strdup (self->login.username);
  login->password = g_strdup (self->login.password);
  login->plain = self->login.plain;

  return TRUE;
}

static gboolean
tornadis_sentinel_plugin_attach (TornadisPlugin *plugin,
                                 TornadisClient *client,
                                 GError **error)
{
  TornadisSentinelPlugin *self = TORNADIS_SENTINEL_PLUGIN (plugin);
  SentinelConnectable *connectable;

  if (self->monitor == NULL && !sentinel_make_monitor (self, error))
    return FALSE;

  connectable = sentinel_connectable_new (self->monitor, self->name, self->role, client);
  g_hash_table_insert (self->clients, client, connectable);
  g_object_set (client, "connectable", connectable, NULL);
  if (self->db >= 0)
    g_object_set (client, "db", self->db, NULL);

  return TRUE;
}

static void
tornadis_sentinel_plugin_detach (TornadisPlugin *plugin,
                                 TornadisClient *client)
{
  TornadisSentinelPlugin *self = TORNADIS_SENTINEL_PLUGIN (plugin);
  /* Those who wait for the client may let go of it. */
  g_autoptr (TornadisSentinelPlugin) alive G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (SentinelConnectable) connectable = NULL;

  if (!g_hash_table_steal_extended (self->clients, client, NULL, (gpointer *) &connectable))
    return;

  sentinel_connectable_close (connectable);
  client_leave_connectable (client, G_SOCKET_CONNECTABLE (connectable));

  if (g_hash_table_size (self->clients) == 0)
    {
      stop_looking (self);
      sentinel_monitor_rest (self->monitor);
    }
}

static void
tornadis_sentinel_plugin_setup (TornadisPlugin *plugin,
                                TornadisPipeline *commands)
{
  tornadis_pipeline_stack_strv (commands, (const char *[]){ "ROLE", NULL });
}

static gboolean
tornadis_sentinel_plugin_setup_done (TornadisPlugin *plugin,
                                     TornadisClient *client,
                                     TornadisReply *replies,
                                     GError **error)
{
  TornadisSentinelPlugin *self = TORNADIS_SENTINEL_PLUGIN (plugin);
  TornadisReply *role = tornadis_reply_get_element (replies, 0);
  g_autoptr (GError) words = tornadis_reply_dup_error (role);
  gboolean is_master = is_role (role, "master");
  gboolean is_replica = is_role (role, "slave") || is_role (role, "replica");

  if (words != NULL)
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "It does not say what it is: ROLE: %s", words->message);
      return FALSE;
    }

  if (is_master ? self->role != SENTINEL_ROLE_REPLICA : is_replica && self->role != SENTINEL_ROLE_MASTER)
    {
      SentinelConnectable *connectable = g_hash_table_lookup (self->clients, client);

      if (connectable != NULL)
        sentinel_connectable_confirm (connectable);
      if (connectable != NULL && sentinel_connectable_get_server (connectable) != NULL)
        sentinel_follow (self, sentinel_connectable_get_server (connectable));
      return TRUE;
    }

  g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "The sentinels say that it is the %s of “%s”, but it is %s",
               self->role == SENTINEL_ROLE_MASTER ? "master" : "replica", self->name,
               is_master ? "a master" : is_replica ? "a replica"
                                                   : "none");
  return FALSE;
}

/* Properties. */

static void
tornadis_sentinel_plugin_get_property (GObject *object,
                                       guint prop_id,
                                       GValue *value,
                                       GParamSpec *pspec)
{
  TornadisSentinelPlugin *self = TORNADIS_SENTINEL_PLUGIN (object);

  switch ((TornadisSentinelPluginProperty) prop_id)
    {
    case PROP_URI:
      g_value_set_string (value, self->uri);
      break;
    case PROP_ROLE:
      g_value_set_enum (value, self->role);
      break;
    case PROP_SENTINEL_USERNAME:
      g_value_set_string (value, self->login.username);
      break;
    case PROP_SENTINEL_PASSWORD:
      g_value_set_string (value, self->login.password);
      break;
    case PROP_SENTINEL_PLAIN:
      g_value_set_boolean (value, self->login.plain);
      break;
    case PROP_SWITCHES:
      g_value_set_uint64 (value, self->switches);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_sentinel_plugin_set_property (GObject *object,
                                       guint prop_id,
                                       const GValue *value,
                                       GParamSpec *pspec)
{
  TornadisSentinelPlugin *self = TORNADIS_SENTINEL_PLUGIN (object);

  switch ((TornadisSentinelPluginProperty) prop_id)
    {
    case PROP_URI:
      self->uri = g_value_dup_string (value);
      break;
    case PROP_ROLE:
      self->role = (SentinelRole) g_value_get_enum (value);
      break;
    case PROP_SENTINEL_USERNAME:
      self->login.username = g_value_dup_string (value);
      break;
    case PROP_SENTINEL_PASSWORD:
      self->login.password = g_value_dup_string (value);
      break;
    case PROP_SENTINEL_PLAIN:
      self->login.plain = g_value_get_boolean (value);
      break;
    case PROP_SWITCHES:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_sentinel_plugin_finalize (GObject *object)
{
  TornadisSentinelPlugin *self = TORNADIS_SENTINEL_PLUGIN (object);

  stop_looking (self);
  g_hash_table_unref (self->clients);
  g_clear_pointer (&self->monitor, sentinel_monitor_free);
  g_clear_object (&self->master);
  g_free (self->login.username);
  g_free (self->login.password);
  g_free (self->name);
  g_free (self->uri);

  G_OBJECT_CLASS (tornadis_sentinel_plugin_parent_class)->finalize (object);
}

static void
tornadis_sentinel_plugin_class_init (TornadisSentinelPluginClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);

  tornadis_plugin_class_set_description (TORNADIS_PLUGIN_CLASS (klass),
                                         "finds the master, or a replica, by Redis Sentinel, and follows it; named by redis-sentinel://");
  object_class->get_property = tornadis_sentinel_plugin_get_property;
  object_class->set_property = tornadis_sentinel_plugin_set_property;
  object_class->finalize = tornadis_sentinel_plugin_finalize;
  plugin_class->attach = tornadis_sentinel_plugin_attach;
  plugin_class->detach = tornadis_sentinel_plugin_detach;
  plugin_class->setup = tornadis_sentinel_plugin_setup;
  plugin_class->setup_done = tornadis_sentinel_plugin_setup_done;

  /* The sentinels, the name and the database: SCHEME://host[:port],…/NAME[/db]. */
  props[PROP_URI] = g_param_spec_string ("uri", NULL, NULL, NULL, flags);
  /* Which of the servers; a replica is taken at random, and with prefer-replica the master where there is none. */
  props[PROP_ROLE] = g_param_spec_enum ("role", NULL, NULL, sentinel_role_get_type (), SENTINEL_ROLE_MASTER, flags);
  /* For the sentinels, which are not sent those of the servers. */
  props[PROP_SENTINEL_USERNAME] = g_param_spec_string ("sentinel-username", NULL, NULL, NULL, flags);
  props[PROP_SENTINEL_PASSWORD] = g_param_spec_string ("sentinel-password", NULL, NULL, NULL, flags);
  /* Whether the sentinels are asked without TLS, where the servers are connected to with it. */
  props[PROP_SENTINEL_PLAIN] = g_param_spec_boolean ("sentinel-plain", NULL, NULL, FALSE, flags);
  /* How often another server was found to be the master than before. */
  props[PROP_SWITCHES] =
    g_param_spec_uint64 ("switches", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_sentinel_plugin_init (TornadisSentinelPlugin *self)
{
  self->clients = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
}

/* What the registry looks for in libtornadis-sentinel.so. */
G_MODULE_EXPORT void tornadis_sentinel_plugin_register (void);

void
tornadis_sentinel_plugin_register (void)
{
  tornadis_plugin_register ("sentinel", TORNADIS_TYPE_SENTINEL_PLUGIN);
}
