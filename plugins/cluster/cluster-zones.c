/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-zones.h"

#include <string.h>

#include "cluster/cluster-endpoint.h"

/* Twice as many nodes as a cluster is advised to have at the most: redirections may name any. */
#define MAX_NODES 2000
#define FIELD "\navailability_zone:"

/* What is sent with each connection. */
enum
{
  COMMAND_READONLY,
  COMMAND_INFO,
};

struct _ClusterZones
{
  TornadisPlugin parent_instance;

  GHashTable *zones; /* (owned) (element-type utf8 utf8) by the key of the node */
};

G_DEFINE_FINAL_TYPE (ClusterZones, cluster_zones, TORNADIS_TYPE_PLUGIN)

static void
cluster_zones_setup (TornadisPlugin *plugin,
                     TornadisPipeline *commands)
{
  tornadis_pipeline_stack_strv (commands, (const char *[]){ "READONLY", NULL });
  tornadis_pipeline_stack_strv (commands, (const char *[]){ "INFO", "server", NULL });
}

/* (transfer full): empty where nothing is said of it, be it that the user may not ask. */
static char *
parse_zone (TornadisReply *info)
{
  const char *text = tornadis_reply_is_error (info) ? NULL : tornadis_reply_get_text (info);
  const char *zone = text != NULL ? strstr (text, FIELD) : NULL;

  if (zone == NULL)
    return g_strdup ("");

  zone += strlen (FIELD);
  return g_strndup (zone, strcspn (zone, "\r\n"));
}

static gboolean
cluster_zones_setup_done (TornadisPlugin *plugin,
                          TornadisClient *client,
                          TornadisReply *replies,
                          GError **error)
{
  ClusterZones *self = CLUSTER_ZONES (plugin);
  g_autoptr (GError) refusal = tornadis_reply_dup_error (tornadis_reply_get_element (replies, COMMAND_READONLY));
  g_autofree char *host = NULL;
  g_autofree char *key = NULL;
  guint port;

  if (refusal != NULL)
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "READONLY: %s", refusal->message);
      return FALSE;
    }

  g_object_get (client, "host", &host, "port", &port, NULL);
  key = cluster_endpoint_format (host, (guint16) port);
  if (g_hash_table_size (self->zones) < MAX_NODES || g_hash_table_contains (self->zones, key))
    g_hash_table_insert (self->zones, g_steal_pointer (&key), parse_zone (tornadis_reply_get_element (replies, COMMAND_INFO)));

  return TRUE;
}

static void
cluster_zones_finalize (GObject *object)
{
  g_hash_table_unref (CLUSTER_ZONES (object)->zones);

  G_OBJECT_CLASS (cluster_zones_parent_class)->finalize (object);
}

static void
cluster_zones_class_init (ClusterZonesClass *klass)
{
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = cluster_zones_finalize;
  plugin_class->setup = cluster_zones_setup;
  plugin_class->setup_done = cluster_zones_setup_done;
}

static void
cluster_zones_init (ClusterZones *self)
{
  self->zones = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

ClusterZones *
cluster_zones_new (void)
{
  return g_object_new (CLUSTER_TYPE_ZONES, NULL);
}

const char *
cluster_zones_find (ClusterZones *self,
                    const ClusterNode *node)
{
  return node->zone != NULL ? node->zone : g_hash_table_lookup (self->zones, node->key);
}

static gboolean
is_gone (gpointer key,
         gpointer value,
         gpointer topology)
{
  return cluster_topology_lookup_key (topology, key) == NULL;
}

void
cluster_zones_keep (ClusterZones *self,
                    ClusterTopology *topology)
{
  g_hash_table_foreach_remove (self->zones, is_gone, topology);
}
