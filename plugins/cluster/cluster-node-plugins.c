/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-node-plugins.h"

/* Lets replicas serve what they have: on the nodes' clients of a plugin that reads from replicas. */
#define CLUSTER_TYPE_READ_ONLY_PLUGIN (cluster_read_only_plugin_get_type ())
G_DECLARE_FINAL_TYPE (ClusterReadOnlyPlugin, cluster_read_only_plugin, CLUSTER, READ_ONLY_PLUGIN, TornadisPlugin)

struct _ClusterReadOnlyPlugin
{
  TornadisPlugin parent_instance;
};

G_DEFINE_FINAL_TYPE (ClusterReadOnlyPlugin, cluster_read_only_plugin, TORNADIS_TYPE_PLUGIN)

static void
cluster_read_only_plugin_setup (TornadisPlugin *plugin,
                                TornadisPipeline *commands)
{
  tornadis_pipeline_stack_strv (commands, (const char *[]){ "READONLY", NULL });
}

static void
cluster_read_only_plugin_class_init (ClusterReadOnlyPluginClass *klass)
{
  TORNADIS_PLUGIN_CLASS (klass)->setup = cluster_read_only_plugin_setup;
}

static void
cluster_read_only_plugin_init (ClusterReadOnlyPlugin *self)
{
}

/* Whether it does not matter where it stands: it takes no part in calls, and has to do with connections to servers. */
static gboolean
only_looks_on (TornadisPlugin *plugin)
{
  const TornadisPluginClass *klass = TORNADIS_PLUGIN_GET_CLASS (plugin);

  return klass->call == NULL && klass->call_done == NULL &&
         (klass->observe != NULL || klass->setup != NULL || klass->setup_done != NULL || klass->push != NULL);
}

GPtrArray *
cluster_node_plugins_get (TornadisClient *client,
                          TornadisPlugin *cluster,
                          TornadisPlugin *first)
{
  GListModel *all = tornadis_client_get_plugins (client);
  GPtrArray *plugins = g_ptr_array_new_with_free_func (g_object_unref);
  gboolean is_behind = FALSE;

  if (first != NULL)
    g_ptr_array_add (plugins, g_object_ref (first));

  for (guint i = 0; i < g_list_model_get_n_items (all); i++)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (all, i);

      if (is_behind || only_looks_on (plugin))
        g_ptr_array_add (plugins, g_object_ref (plugin));
      is_behind |= plugin == cluster;
    }

  return plugins;
}

void
cluster_node_plugins_set (TornadisClient *node,
                          GPtrArray *plugins)
{
  GListModel *present = tornadis_client_get_plugins (node);
  guint i = 0;

  /* Those that are the same from the first on stay. */
  for (; i < plugins->len; i++)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (present, i);

      if (plugin != g_ptr_array_index (plugins, i))
        break;
    }

  while (g_list_model_get_n_items (present) > i)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (present, i);

      tornadis_client_remove_plugin (node, plugin);
    }

  for (; i < plugins->len; i++)
    {
      g_autoptr (GError) error = NULL;

      if (!tornadis_client_add_plugin (node, g_ptr_array_index (plugins, i), &error))
        g_warning ("A plugin is not on a node of the cluster: %s", error->message);
    }
}

TornadisPlugin *
cluster_node_plugins_new_read_only (void)
{
  return g_object_new (CLUSTER_TYPE_READ_ONLY_PLUGIN, NULL);
}
