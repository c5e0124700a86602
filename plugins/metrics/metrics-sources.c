/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "metrics/metrics-sources.h"

struct _MetricsSources
{
  GHashTable *sources; /* (owned) (element-type TornadisPlugin Source) both unowned */
};

/* A GRcBox. */
typedef struct
{
  MetricsSources *all;    /* (unowned) */
  TornadisPlugin *plugin; /* (owned) */
  guint64 seen[METRICS_N_COUNTERS];
} Source;

/* FALSE: it counts no such thing. */
static gboolean
read_counter (TornadisPlugin *plugin,
              guint i,
              guint64 *value)
{
  const char *name = metrics_counters[i].property;
  const GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (plugin), name);

  if (pspec == NULL || pspec->value_type != G_TYPE_UINT64 || (pspec->flags & G_PARAM_READWRITE) != G_PARAM_READABLE)
    return FALSE;

  g_object_get (plugin, name, value, NULL);
  return TRUE;
}

static void
source_clear (gpointer data)
{
  Source *self = data;

  g_hash_table_remove (self->all->sources, self->plugin);
  g_object_unref (self->plugin);
}

static void
source_unref (gpointer data)
{
  g_rc_box_release_full (data, source_clear);
}

/* (transfer full) (nullable) */
static Source *
sources_take (MetricsSources *self,
              TornadisPlugin *plugin)
{
  Source *source = g_hash_table_lookup (self->sources, plugin);
  guint64 seen[METRICS_N_COUNTERS] = { 0 };
  gboolean counts = FALSE;

  if (source != NULL)
    return g_rc_box_acquire (source);

  for (guint i = 0; i < METRICS_N_COUNTERS; i++)
    counts |= read_counter (plugin, i, &seen[i]);
  if (!counts)
    return NULL;

  source = g_rc_box_new0 (Source);
  source->all = self;
  source->plugin = g_object_ref (plugin);
  memcpy (source->seen, seen, sizeof seen);
  g_hash_table_insert (self->sources, plugin, source);

  return source;
}

GPtrArray *
metrics_sources_find (MetricsSources *self,
                      TornadisClient *client)
{
  GListModel *plugins = tornadis_client_get_plugins (client);
  GPtrArray *found = g_ptr_array_new_with_free_func (source_unref);

  for (guint i = 0; i < g_list_model_get_n_items (plugins); i++)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (plugins, i);
      Source *source = sources_take (self, plugin);

      if (source != NULL)
        g_ptr_array_add (found, source);
    }

  return found;
}

void
metrics_sources_collect (GPtrArray *found,
                         MetricsServer *server)
{
  for (guint i = 0; i < found->len; i++)
    {
      Source *source = g_ptr_array_index (found, i);

      for (guint k = 0; k < METRICS_N_COUNTERS; k++)
        {
          guint64 value;

          if (!read_counter (source->plugin, k, &value))
            continue;
          server->has_counter[k] = TRUE;
          server->counters[k] += value - source->seen[k];
          source->seen[k] = value;
        }
    }
}

MetricsSources *
metrics_sources_new (void)
{
  MetricsSources *self = g_new (MetricsSources, 1);

  self->sources = g_hash_table_new (NULL, NULL);

  return self;
}

void
metrics_sources_free (MetricsSources *self)
{
  g_hash_table_unref (self->sources);
  g_free (self);
}
