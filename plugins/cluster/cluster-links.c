/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-links.h"

#include <string.h>

#include "cluster/cluster-endpoint.h"
#include "cluster/cluster-node-plugins.h"
#include "cluster/cluster-watch.h"
#include "common/client-properties.h"

/* Redirections may name nodes that the topology does not know yet, or any host: so many of those are kept at the most. */
#define MAX_STRANGERS 16
/* The ClusterLink of a node's client. */
#define LINK "tornadis-cluster-link"

typedef struct
{
  TornadisClient *client; /* (owned) */
  gboolean is_connected;
  gboolean is_connecting;
  gboolean is_unreachable; /* the last attempt to connect has failed */
  gboolean is_tried;       /* it is being connected for nobody's call */
  gboolean is_given_up; /* it was closed since it has failed */
  gboolean is_used;     /* since it was looked at */
  guint n_silent;       /* how many times its PING had not been answered, since one was */
  guint64 n_probes;     /* how many PINGs it was sent, and how many it has answered */
  guint64 n_answers;
} ClusterLink;

struct _ClusterLinks
{
  TornadisPlugin *plugin; /* (unowned) */
  TornadisClient *client; /* (unowned) */
  TornadisPlugin *setup;  /* (owned) (nullable) */
  GMainContext *context;  /* (owned) that of the client */
  ClusterLinksFunc func;
  ClusterLinksSilent silent;
  gpointer user_data;        /* (unowned) */
  ClusterTopology *topology; /* (owned) (nullable) */
  GHashTable *links;         /* (owned) (element-type utf8 ClusterLink) by the node's key */
  ClusterLink **by_index;    /* (owned) (nullable) unowned each, of the nodes of the topology; NULL: not yet made */
  guint watch;               /* of cluster_watch_add(), while nodes are used */
  guint n_connected;
  guint n_making; /* links to which plugins are being added */
  GSource *later; /* (owned) (nullable) what is to be done then */
  gboolean is_watched;
  gboolean is_closing;
};

static void
link_free (gpointer data)
{
  ClusterLink *self = data;

  tornadis_client_close (self->client);
  g_object_unref (self->client);
  g_free (self);
}

/* It says so before calls complete. */
static void
connected_cb (ClusterLinks *self,
              GParamSpec *pspec,
              TornadisClient *client)
{
  ClusterLink *link = g_object_get_data (G_OBJECT (client), LINK);
  gboolean is_connected = tornadis_client_is_connected (client);

  if (link == NULL || link->is_connected == is_connected)
    return;

  link->is_connected = is_connected;
  link->is_given_up &= !is_connected;
  link->n_silent = 0;
  self->n_connected += is_connected ? 1 : -1;
  /* Of the loss the signal says why. */
  if (is_connected && !self->is_closing)
    self->func (self, NULL, self->user_data);
}

static void
state_cb (TornadisClient *client)
{
  ClusterLink *link = g_object_get_data (G_OBJECT (client), LINK);
  TornadisClientState state;

  if (link == NULL)
    return;

  g_object_get (client, "state", &state, NULL);
  if (state == TORNADIS_CLIENT_STATE_CONNECTED)
    link->is_unreachable = FALSE;
  else if (link->is_connecting && state != TORNADIS_CLIENT_STATE_CONNECTING)
    link->is_unreachable = TRUE;
  link->is_connecting = state == TORNADIS_CLIENT_STATE_CONNECTING;
}

static void
disconnected_cb (ClusterLinks *self,
                 const GError *error,
                 TornadisClient *client)
{
  if (!self->is_closing)
    self->func (self, error, self->user_data);
}

/* The attempt to connect has failed, and there will be another. */
static void
attempted_cb (ClusterLinks *self,
              guint attempt,
              guint delay,
              const GError *error,
              TornadisClient *client)
{
  if (!self->is_closing)
    self->func (self, error, self->user_data);
}

/* Each of them (element-type TornadisPlugin) may do anything, and remove the plugin that this belongs to. */
static void
invalidate (GPtrArray *plugins)
{
  static const char text[] = ">2\r\n$10\r\ninvalidate\r\n_\r\n";
  g_autoptr (GBytes) resp = g_bytes_new_static (text, strlen (text));
  g_autoptr (TornadisReply) push = tornadis_reply_new_from_resp (resp, NULL);

  for (guint i = 0; i < plugins->len; i++)
    {
      TornadisPlugin *plugin = g_ptr_array_index (plugins, i);
      const TornadisPluginClass *klass = TORNADIS_PLUGIN_GET_CLASS (plugin);

      if (klass->push != NULL && klass->push (plugin, push))
        break;
    }
}

void
cluster_links_invalidate (ClusterLinks *self)
{
  g_autoptr (GPtrArray) plugins = NULL;

  /* Of very many clients most have no other plugin than this. */
  if (g_list_model_get_n_items (tornadis_client_get_plugins (self->client)) < 2)
    return;

  plugins = cluster_node_plugins_get (self->client, self->plugin, self->setup);
  invalidate (plugins);
}

/* The clients of all nodes (element-type TornadisClient) (transfer full), for what may do anything to some of them. */
static GPtrArray *
links_get_clients (ClusterLinks *self)
{
  GPtrArray *clients = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  ClusterLink *link;

  g_hash_table_iter_init (&iter, self->links);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &link))
    g_ptr_array_add (clients, g_object_ref (link->client));

  return clients;
}

/* What the program sets is for the nodes that were made before, too. Who hears of it there may do anything. */
static void
property_changed_cb (ClusterLinks *self,
                     GParamSpec *pspec,
                     TornadisClient *client)
{
  g_autoptr (GPtrArray) nodes = links_get_clients (self);

  for (guint i = 0; i < nodes->len; i++)
    client_copy_property (client, g_ptr_array_index (nodes, i), pspec);
}

static void
plugins_changed_cb (ClusterLinks *self)
{
  g_autoptr (GPtrArray) plugins = cluster_node_plugins_get (self->client, self->plugin, self->setup);
  g_autoptr (GPtrArray) clients = links_get_clients (self);

  for (guint i = 0; i < clients->len; i++)
    cluster_node_plugins_set (g_ptr_array_index (clients, i), plugins);
}

static void
probed_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  ClusterLink *link = g_object_get_data (G_OBJECT (client), LINK);

  if (link == NULL)
    return;
  link->n_answers++;
  link->n_silent = 0;
}

static void
probe (ClusterLinks *self,
       ClusterLink *link)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("PING");

  link->n_probes++;
  /* Behind all of its plugins: this one is not on it. */
  tornadis_plugin_submit (self->plugin, link->client, command, probed_cb, NULL, NULL);
}

/* A node that has answered all is not asked whether it is there. */
static gboolean
owes_replies (const ClusterLink *self)
{
  guint n;

  g_object_get (self->client, "pending", &n, NULL);

  return n > 0;
}

/* A node that was asked something before the last look and has not answered since may be asleep, which nobody else may notice,
 * or run a long command, or have one that blocks: whether the others think that it has failed is asked less and less often. */
static gboolean
watch_cb (gpointer user_data)
{
  ClusterLinks *self = user_data;
  gboolean goes_on = FALSE, is_silent = FALSE;
  GHashTableIter iter;
  ClusterLink *link;

  g_hash_table_iter_init (&iter, self->links);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &link))
    {
      if (link->n_probes > link->n_answers || (link->is_used && !link->is_connected))
        {
          link->is_used = FALSE;
          link->n_silent++;
          is_silent |= (link->n_silent & (link->n_silent - 1)) == 0;
          goes_on = TRUE;
        }
      else if (link->is_used)
        {
          if (owes_replies (link))
            probe (self, link);
          link->is_used = FALSE;
          goes_on = TRUE;
        }
    }

  self->is_watched = goes_on;
  if (is_silent)
    self->silent (self, self->user_data);

  return goes_on;
}

static G_NO_INLINE void
links_watch (ClusterLinks *self)
{
  self->is_watched = TRUE;
  self->watch = cluster_watch_add (self->plugin, self->context, watch_cb, self);
}

static inline TornadisClient *
links_use (ClusterLinks *self,
           ClusterLink *link)
{
  link->is_used = TRUE;
  if (G_UNLIKELY (!self->is_watched))
    links_watch (self);

  return link->client;
}

static gboolean
nothing_cb (gpointer user_data)
{
  return G_SOURCE_REMOVE;
}

/* Whoever has it now does not know that its link is gone already. */
static void
keep_for_a_while (ClusterLinks *self,
                  TornadisClient *client)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_static_name (source, "[tornadis] cluster, a node is gone");
  g_source_set_callback (source, nothing_cb, g_object_ref (client), g_object_unref);
  g_source_attach (source, self->context);
}

/* A plugin that is put on it may run a main loop, in which the cluster turns out to be another one: the node, and the link with
 * it, may be gone then. The client is there until the main loop runs next. */
static TornadisClient *
make_link (ClusterLinks *self,
           const char *key,
           const char *host,
           guint16 port)
{
  g_autoptr (GPtrArray) plugins = cluster_node_plugins_get (self->client, self->plugin, self->setup);
  g_autoptr (TornadisClient) client = NULL;
  ClusterLink *link = g_new0 (ClusterLink, 1);

  g_main_context_push_thread_default (self->context);
  link->client = g_object_new (TORNADIS_TYPE_CLIENT, NULL);
  g_main_context_pop_thread_default (self->context);
  client_copy_properties (self->client, link->client);
  g_object_set (link->client, "host", host, "port", (guint) port, NULL);
  g_signal_connect_swapped (link->client, "notify::connected", G_CALLBACK (connected_cb), self);
  g_signal_connect (link->client, "notify::state", G_CALLBACK (state_cb), NULL);
  g_signal_connect_swapped (link->client, "disconnected", G_CALLBACK (disconnected_cb), self);
  g_signal_connect_swapped (link->client, "reconnect-scheduled", G_CALLBACK (attempted_cb), self);
  g_object_set_data (G_OBJECT (link->client), LINK, link);
  g_hash_table_insert (self->links, g_strdup (key), link);
  client = g_object_ref (link->client);
  self->n_making++;
  cluster_node_plugins_set (client, plugins);
  if (--self->n_making == 0 && self->later != NULL)
    {
      g_source_attach (self->later, self->context);
      g_clear_pointer (&self->later, g_source_unref);
    }
  if (g_object_get_data (G_OBJECT (client), LINK) == link)
    links_use (self, link);
  else
    keep_for_a_while (self, client);

  return client;
}

TornadisClient *
cluster_links_get (ClusterLinks *self,
                   const ClusterNode *node)
{
  ClusterLink **at = &self->by_index[node->index];

  if (G_UNLIKELY (*at == NULL))
    *at = g_hash_table_lookup (self->links, node->key);
  if (G_UNLIKELY (*at == NULL))
    return make_link (self, node->key, node->host, node->port);

  return links_use (self, *at);
}

/* When whoever is at work is through: plugins that are on the clients of nodes may do anything. */
static void
links_call_later (ClusterLinks *self,
                  const char *name,
                  GSourceFunc func,
                  gpointer user_data,
                  GDestroyNotify destroy)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_static_name (source, name);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, user_data, destroy);
  g_source_attach (source, self->context);
}

static void
tried_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  ClusterLink *link = g_object_get_data (object, LINK);

  tornadis_client_connect_finish (TORNADIS_CLIENT (object), result, NULL);
  if (link != NULL)
    link->is_tried = FALSE;
}

static gboolean
try_cb (gpointer user_data)
{
  if (g_object_get_data (G_OBJECT (user_data), LINK) != NULL)
    tornadis_client_connect_async (user_data, NULL, tried_cb, NULL);

  return G_SOURCE_REMOVE;
}

gboolean
cluster_links_can_reach (ClusterLinks *self,
                         const ClusterNode *node)
{
  ClusterLink *link = self->by_index[node->index];

  if (link == NULL)
    link = g_hash_table_lookup (self->links, node->key);
  if (link == NULL || !link->is_unreachable)
    return TRUE;
  if (link->is_tried)
    return FALSE;

  /* Plugins that are on it may do anything, which is not for whoever chooses a node. */
  link->is_tried = TRUE;
  links_call_later (self, "[tornadis] cluster, tries a node again", try_cb, g_object_ref (link->client), g_object_unref);

  return FALSE;
}

/* The node is gone from the cluster: what it was asked before is waited for. */
static void
drained_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  tornadis_client_close (client);
}

static gboolean
drain_cb (gpointer user_data)
{
  GPtrArray *clients = user_data;

  for (guint i = 0; i < clients->len; i++)
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new ("PING");
      TornadisClient *client = g_ptr_array_index (clients, i);

      tornadis_client_submit (client, command, drained_cb, g_object_ref (client), g_object_unref);
    }

  return G_SOURCE_REMOVE;
}

/* Takes the links of nodes that the topology does not know. Their plugins see the PING, and may do anything: not before whoever is
 * at work with this is through. */
static void
forget_strangers (ClusterLinks *self)
{
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  const char *key;
  ClusterLink *link;

  g_hash_table_iter_init (&iter, self->links);
  while (g_hash_table_iter_next (&iter, (gpointer *) &key, (gpointer *) &link))
    {
      if (self->topology != NULL && cluster_topology_lookup_key (self->topology, key) != NULL)
        continue;

      g_signal_handlers_disconnect_by_data (link->client, self);
      g_object_set_data (G_OBJECT (link->client), LINK, NULL);
      if (link->is_connected)
        self->n_connected--;
      g_ptr_array_add (clients, link->client);
      g_free (link);
      g_free ((char *) key);
      g_hash_table_iter_steal (&iter);
    }

  if (clients->len == 0)
    return;

  links_call_later (self, "[tornadis] cluster, nodes are gone", drain_cb, g_steal_pointer (&clients),
                    (GDestroyNotify) g_ptr_array_unref);
}

TornadisClient *
cluster_links_get_at (ClusterLinks *self,
                      const char *host,
                      guint16 port)
{
  g_autofree char *key = cluster_endpoint_format (host, port);
  ClusterLink *link = g_hash_table_lookup (self->links, key);

  if (link == NULL)
    {
      guint n_known = self->topology != NULL ? cluster_topology_get_nodes (self->topology)->len : 0;

      if (g_hash_table_size (self->links) >= n_known + MAX_STRANGERS)
        forget_strangers (self);
      return make_link (self, key, host, port);
    }

  return links_use (self, link);
}

void
cluster_links_set_topology (ClusterLinks *self,
                            ClusterTopology *topology)
{
  cluster_topology_ref (topology);
  g_clear_pointer (&self->topology, cluster_topology_unref);
  self->topology = topology;
  g_free (self->by_index);
  self->by_index = g_new0 (ClusterLink *, cluster_topology_get_nodes (topology)->len);
  forget_strangers (self);
}

void
cluster_links_follow_topology (ClusterLinks *self,
                               gboolean has_moved)
{
  GHashTableIter iter;
  const char *key;
  ClusterLink *link;
  g_autoptr (GPtrArray) failed = g_ptr_array_new_with_free_func (g_object_unref);

  g_hash_table_iter_init (&iter, self->links);
  while (g_hash_table_iter_next (&iter, (gpointer *) &key, (gpointer *) &link))
    {
      const ClusterNode *node = cluster_topology_lookup_key (self->topology, key);

      if (node == NULL || node->health != CLUSTER_HEALTH_FAILED)
        continue;
      link->is_given_up = TRUE;
      link->is_unreachable = FALSE;
      g_ptr_array_add (failed, g_object_ref (link->client));
    }

  /* From here on this may be gone. */
  if (has_moved)
    cluster_links_invalidate (self);
  /* One that only sleeps acknowledges, when it wakes, what it will lose: nobody is to believe it. */
  for (guint i = 0; i < failed->len; i++)
    if (cluster_links_has_given_up (g_ptr_array_index (failed, i)))
      tornadis_client_close (g_ptr_array_index (failed, i));
}

gboolean
cluster_links_is_connected (ClusterLinks *self)
{
  return self->n_connected > 0;
}

gboolean
cluster_links_is_making (ClusterLinks *self)
{
  return self->n_making > 0;
}

void
cluster_links_do_later (ClusterLinks *self,
                        GSourceFunc func,
                        gpointer user_data)
{
  g_assert (self->n_making > 0 && self->later == NULL);

  self->later = g_idle_source_new ();
  g_source_set_static_name (self->later, "[tornadis] cluster, the plugin was removed");
  g_source_set_priority (self->later, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->later, func, user_data, NULL);
}

gboolean
cluster_links_has_given_up (TornadisClient *node)
{
  const ClusterLink *link = g_object_get_data (G_OBJECT (node), LINK);

  return link != NULL && link->is_given_up;
}

TornadisClient *
cluster_links_get_client (ClusterLinks *self)
{
  return self->client;
}

void
cluster_links_close (ClusterLinks *self)
{
  g_autoptr (GPtrArray) clients = links_get_clients (self);

  self->is_closing = TRUE;
  for (guint i = 0; i < clients->len; i++)
    tornadis_client_close (g_ptr_array_index (clients, i));
  self->is_closing = FALSE;
}

ClusterLinks *
cluster_links_new (TornadisPlugin *plugin,
                   TornadisClient *client,
                   TornadisPlugin *setup,
                   ClusterLinksFunc func,
                   ClusterLinksSilent silent,
                   gpointer user_data)
{
  ClusterLinks *self = g_new0 (ClusterLinks, 1);

  self->plugin = plugin;
  self->client = client;
  self->setup = setup != NULL ? g_object_ref (setup) : NULL;
  self->context = g_main_context_ref_thread_default ();
  self->func = func;
  self->silent = silent;
  self->user_data = user_data;
  self->links = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, link_free);
  g_signal_connect_swapped (tornadis_client_get_plugins (client), "items-changed", G_CALLBACK (plugins_changed_cb), self);
  g_signal_connect_swapped (client, "notify", G_CALLBACK (property_changed_cb), self);

  return self;
}

void
cluster_links_free (ClusterLinks *self)
{
  GHashTableIter iter;
  ClusterLink *link;

  g_signal_handlers_disconnect_by_data (tornadis_client_get_plugins (self->client), self);
  g_signal_handlers_disconnect_by_data (self->client, self);
  self->is_closing = TRUE;
  g_hash_table_iter_init (&iter, self->links);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &link))
    {
      g_signal_handlers_disconnect_by_data (link->client, self);
      g_object_set_data (G_OBJECT (link->client), LINK, NULL);
    }
  if (self->is_watched)
    cluster_watch_remove (self->plugin, self->watch, self);
  g_clear_pointer (&self->later, g_source_unref);
  g_hash_table_unref (self->links);
  g_clear_pointer (&self->topology, cluster_topology_unref);
  g_clear_object (&self->setup);
  g_main_context_unref (self->context);
  g_free (self->by_index);
  g_free (self);
}
