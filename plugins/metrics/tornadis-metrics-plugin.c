/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>
#include <tornadis-glib/tornadis-glib.h>

#include "metrics/metrics-server.h"
#include "metrics/metrics-sources.h"

/* Counts what goes over the connections of the clients that it is on: see README.md. It only observes, so that a call costs
 * next to nothing more. */

#define TORNADIS_TYPE_METRICS_PLUGIN (tornadis_metrics_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TornadisMetricsPlugin, tornadis_metrics_plugin, TORNADIS, METRICS_PLUGIN, TornadisPlugin)

/* A client that the plugin is on. */
typedef struct
{
  TornadisMetricsPlugin *metrics; /* (unowned) */
  TornadisClient *client;         /* (unowned) */
  MetricsServer *server;          /* (unowned) */
  GPtrArray *sources;             /* (owned) the other plugins that count something */
  GListModel *plugins;            /* (owned) of the client */
  gboolean was_connected;
  gboolean is_connected; /* over a connection of its own */
} MetricsClient;

struct _TornadisMetricsPlugin
{
  TornadisPlugin parent_instance;

  GHashTable *servers;     /* (owned) (element-type utf8 MetricsServer) by title, kept when their clients are disposed */
  GHashTable *clients;     /* (owned) (element-type TornadisClient MetricsClient) */
  MetricsSources *sources; /* (owned) */
  /* Of the last call. */
  TornadisClient *last_client; /* (unowned) (nullable) */
  MetricsServer *last_server;  /* (unowned) (nullable) */
};

G_DEFINE_FINAL_TYPE (TornadisMetricsPlugin, tornadis_metrics_plugin, TORNADIS_TYPE_PLUGIN)

typedef enum
{
  PROP_CALLS = 1,
  PROP_FAILURES,
  PROP_IN_FLIGHT,
  PROP_P50_USEC,
  PROP_P99_USEC,
  PROP_P999_USEC,
  PROP_BYTES_READ,
  PROP_BYTES_WRITTEN,
  PROP_CONNECTIONS,
  PROP_RECONNECTIONS,
  PROP_POOL_WAITS,
  PROP_SNAPSHOT,
  PROP_PROMETHEUS,
} TornadisMetricsPluginProperty;

static GParamSpec *props[PROP_PROMETHEUS + 1];

static MetricsClient *
metrics_get_client (TornadisMetricsPlugin *self,
                    TornadisClient *client)
{
  return g_hash_table_lookup (self->clients, client);
}

static void
connected_cb (TornadisClient *client,
              GParamSpec *pspec,
              gpointer user_data)
{
  MetricsClient *entry = metrics_get_client (user_data, client);

  if (entry == NULL || !metrics_client_has_connection (client))
    return;

  entry->is_connected = TRUE;
  entry->server->n_connections++;
  entry->server->n_reconnections += entry->was_connected ? 1 : 0;
  entry->was_connected = TRUE;
}

static void
disconnected_cb (TornadisClient *client,
                 const GError *error,
                 gpointer user_data)
{
  MetricsClient *entry = metrics_get_client (user_data, client);

  if (entry == NULL)
    return;

  entry->server->n_losses += error != NULL && entry->is_connected;
  entry->is_connected = FALSE;
}

static MetricsServer *
metrics_get_server (TornadisMetricsPlugin *self,
                    TornadisClient *client)
{
  g_autofree char *title = NULL;
  MetricsServer *server;

  g_object_get (client, "title", &title, NULL);
  server = g_hash_table_lookup (self->servers, title);
  if (server == NULL)
    {
      server = metrics_server_new (client);
      g_hash_table_insert (self->servers, server->title, server);
    }

  return server;
}

/* What is counted from now on belongs to another server: a plugin behind this one may have found it. */
static void
title_cb (TornadisClient *client,
          GParamSpec *pspec,
          gpointer user_data)
{
  TornadisMetricsPlugin *self = user_data;
  MetricsClient *entry = metrics_get_client (self, client);
  MetricsServer *before;

  if (entry == NULL)
    return;

  before = entry->server;
  metrics_sources_collect (entry->sources, before);
  metrics_server_remove_client (before, client);
  if (metrics_server_is_unused (before))
    g_hash_table_remove (self->servers, before->title);
  entry->server = metrics_get_server (self, client);
  metrics_server_add_client (entry->server, client);
  self->last_client = NULL;
}

static void
client_free (gpointer data)
{
  MetricsClient *self = data;

  g_ptr_array_unref (self->sources);
  g_object_unref (self->plugins);
  g_free (self);
}

static void
plugins_changed_cb (MetricsClient *self)
{
  g_autoptr (GPtrArray) before = g_steal_pointer (&self->sources);

  metrics_sources_collect (before, self->server);
  self->sources = metrics_sources_find (self->metrics->sources, self->client);
}

/* What the other plugins have counted by now. */
static void
metrics_collect (TornadisMetricsPlugin *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    metrics_sources_collect (((MetricsClient *) value)->sources, ((MetricsClient *) value)->server);
}

static gboolean
tornadis_metrics_plugin_attach (TornadisPlugin *plugin,
                                TornadisClient *client,
                                GError **error)
{
  TornadisMetricsPlugin *self = (TornadisMetricsPlugin *) plugin;
  MetricsClient *entry = g_new0 (MetricsClient, 1);

  entry->was_connected = entry->is_connected = metrics_client_has_connection (client);
  entry->plugins = g_object_ref (tornadis_client_get_plugins (client));
  entry->metrics = self;
  entry->client = client;
  entry->sources = metrics_sources_find (self->sources, client);
  entry->server = metrics_get_server (self, client);
  metrics_server_add_client (entry->server, client);
  g_hash_table_insert (self->clients, client, entry);

  g_signal_connect_object (client, "notify::connected", G_CALLBACK (connected_cb), self, 0);
  g_signal_connect_object (client, "disconnected", G_CALLBACK (disconnected_cb), self, 0);
  g_signal_connect_object (client, "notify::title", G_CALLBACK (title_cb), self, 0);
  g_signal_connect_swapped (entry->plugins, "items-changed", G_CALLBACK (plugins_changed_cb), entry);

  return TRUE;
}

static void
tornadis_metrics_plugin_detach (TornadisPlugin *plugin,
                                TornadisClient *client)
{
  TornadisMetricsPlugin *self = (TornadisMetricsPlugin *) plugin;
  MetricsClient *entry = g_hash_table_lookup (self->clients, client);

  if (entry == NULL)
    return;

  g_signal_handlers_disconnect_by_data (client, self);
  g_signal_handlers_disconnect_by_data (entry->plugins, entry);
  metrics_sources_collect (entry->sources, entry->server);
  metrics_server_remove_client (entry->server, client);
  self->last_client = NULL;
  g_hash_table_remove (self->clients, client);
}

static inline void
metrics_observe_command (MetricsServer *server,
                         TornadisCommand *command,
                         TornadisReply *reply,
                         const GError *error,
                         gint64 elapsed)
{
  MetricsSeries *series = metrics_server_get_series (server, tornadis_command_get_name (command), error);

  metrics_series_add_time (series, elapsed);
  metrics_series_add_bytes (series, tornadis_command_get_size (command), reply);
}

static void
metrics_observe_pipeline (MetricsServer *server,
                          TornadisPipeline *pipeline,
                          TornadisReply *reply,
                          const GError *error,
                          gint64 elapsed)
{
  const char *name = tornadis_pipeline_get_atomic (pipeline) ? "MULTI" : "PIPELINE";
  MetricsSeries *series = metrics_server_get_series (server, name, error);
  guint n = tornadis_pipeline_get_number_of_stacked_calls (pipeline);
  gsize n_sent = 0;

  for (guint i = 0; i < n; i++)
    n_sent += tornadis_command_get_size (tornadis_pipeline_get_command (pipeline, i));

  metrics_series_add_time (series, elapsed);
  metrics_series_add_bytes (series, n_sent, reply);
}

/* A call of another client than the last one, a pipeline, or a failure. Apart, so that most calls save no registers for
 * it: 11 instructions. */
static G_NO_INLINE void
metrics_observe_rare (TornadisPlugin *plugin,
                      TornadisClient *client,
                      TornadisCommand *command,
                      TornadisPipeline *pipeline,
                      TornadisReply *reply,
                      const GError *error,
                      gint64 elapsed)
{
  TornadisMetricsPlugin *self = (TornadisMetricsPlugin *) plugin;
  MetricsClient *entry = metrics_get_client (self, client);

  /* The plugin was removed while calls of the client are in flight. */
  if (entry == NULL)
    return;

  self->last_client = client;
  self->last_server = entry->server;
  if (command != NULL)
    metrics_observe_command (entry->server, command, reply, error, elapsed);
  else
    metrics_observe_pipeline (entry->server, pipeline, reply, error, elapsed);
}

static void
tornadis_metrics_plugin_observe (TornadisPlugin *plugin,
                                 TornadisClient *client,
                                 TornadisCommand *command,
                                 TornadisPipeline *pipeline,
                                 TornadisReply *reply,
                                 const GError *error,
                                 gint64 elapsed)
{
  TornadisMetricsPlugin *self = (TornadisMetricsPlugin *) plugin;

  if (G_LIKELY (self->last_client == client && command != NULL && reply != NULL))
    metrics_observe_command (self->last_server, command, reply, NULL, elapsed);
  else
    metrics_observe_rare (plugin, client, command, pipeline, reply, error, elapsed);
}

static void
tornadis_metrics_plugin_client_acquired (TornadisPlugin *plugin,
                                         TornadisClient *client,
                                         gint64 elapsed)
{
  MetricsClient *entry = metrics_get_client ((TornadisMetricsPlugin *) plugin, client);

  if (entry == NULL)
    return;

  histogram_add (&entry->server->waits, elapsed);
  entry->server->wait_usec += (guint64) elapsed;
}

static void
tornadis_metrics_plugin_reset (TornadisMetricsPlugin *self)
{
  GHashTableIter iter;
  gpointer server;

  metrics_collect (self);
  g_hash_table_iter_init (&iter, self->servers);
  while (g_hash_table_iter_next (&iter, NULL, &server))
    metrics_server_reset (server);
}

/* Of all servers, commands and outcomes together. */
typedef struct
{
  Histogram times;
  guint64 n_failures;
  guint64 bytes_read;
  guint64 bytes_written;
  guint64 n_connections;
  guint64 n_reconnections;
  guint64 n_waits;
  guint in_flight;
} MetricsTotals;

static MetricsTotals *
metrics_make_totals (TornadisMetricsPlugin *self)
{
  MetricsTotals *totals = g_new0 (MetricsTotals, 1);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->servers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const MetricsServer *server = value;
      g_autoptr (GPtrArray) all = metrics_server_list (server);
      guint64 read;
      guint64 written;

      for (guint i = 0; i < all->len; i++)
        {
          const MetricsSeries *series = g_ptr_array_index (all, i);

          histogram_merge (&totals->times, &series->times);
          totals->n_failures += series->error_type != NULL ? series->times.total : 0;
        }

      metrics_server_get_bytes (server, &read, &written);
      totals->bytes_read += read;
      totals->bytes_written += written;
      totals->n_connections += server->n_connections;
      totals->n_reconnections += server->n_reconnections;
      totals->n_waits += server->waits.total;
      totals->in_flight += metrics_server_get_in_flight (server);
    }

  return totals;
}

static void
tornadis_metrics_plugin_get_property (GObject *object,
                                      guint prop_id,
                                      GValue *value,
                                      GParamSpec *pspec)
{
  TornadisMetricsPlugin *self = (TornadisMetricsPlugin *) object;
  g_autofree MetricsTotals *totals = metrics_make_totals (self);

  switch ((TornadisMetricsPluginProperty) prop_id)
    {
    case PROP_CALLS:
      g_value_set_uint64 (value, totals->times.total);
      break;
    case PROP_FAILURES:
      g_value_set_uint64 (value, totals->n_failures);
      break;
    case PROP_IN_FLIGHT:
      g_value_set_uint (value, totals->in_flight);
      break;
    case PROP_P50_USEC:
      g_value_set_double (value, histogram_get_quantile (&totals->times, 0.5));
      break;
    case PROP_P99_USEC:
      g_value_set_double (value, histogram_get_quantile (&totals->times, 0.99));
      break;
    case PROP_P999_USEC:
      g_value_set_double (value, histogram_get_quantile (&totals->times, 0.999));
      break;
    case PROP_BYTES_READ:
      g_value_set_uint64 (value, totals->bytes_read);
      break;
    case PROP_BYTES_WRITTEN:
      g_value_set_uint64 (value, totals->bytes_written);
      break;
    case PROP_CONNECTIONS:
      g_value_set_uint64 (value, totals->n_connections);
      break;
    case PROP_RECONNECTIONS:
      g_value_set_uint64 (value, totals->n_reconnections);
      break;
    case PROP_POOL_WAITS:
      g_value_set_uint64 (value, totals->n_waits);
      break;
    case PROP_SNAPSHOT:
      metrics_collect (self);
      g_value_set_variant (value, metrics_export_variant (self->servers));
      break;
    case PROP_PROMETHEUS:
      metrics_collect (self);
      g_value_take_string (value, metrics_export_prometheus (self->servers));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_metrics_plugin_finalize (GObject *object)
{
  TornadisMetricsPlugin *self = (TornadisMetricsPlugin *) object;

  g_hash_table_unref (self->clients);
  g_hash_table_unref (self->servers);
  metrics_sources_free (self->sources);

  G_OBJECT_CLASS (tornadis_metrics_plugin_parent_class)->finalize (object);
}

static void
tornadis_metrics_plugin_class_init (TornadisMetricsPluginClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);

  tornadis_plugin_class_set_description (TORNADIS_PLUGIN_CLASS (klass),
                                         "counts and times what goes to the server, by server and command; for Prometheus, too");
  object_class->get_property = tornadis_metrics_plugin_get_property;
  object_class->finalize = tornadis_metrics_plugin_finalize;
  plugin_class->attach = tornadis_metrics_plugin_attach;
  plugin_class->detach = tornadis_metrics_plugin_detach;
  plugin_class->observe = tornadis_metrics_plugin_observe;
  plugin_class->client_acquired = tornadis_metrics_plugin_client_acquired;

  /* Commands and pipelines that have been to a server, each attempt by itself. */
  props[PROP_CALLS] = g_param_spec_uint64 ("calls", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  /* Those of them that failed, with an error of the server's included. */
  props[PROP_FAILURES] = g_param_spec_uint64 ("failures", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  /* Commands that have no reply yet. */
  props[PROP_IN_FLIGHT] = g_param_spec_uint ("in-flight", NULL, NULL, 0, G_MAXUINT, 0, flags);
  /* How long half of all calls took at most, in microseconds; then 99 % and 99.9 %. */
  props[PROP_P50_USEC] = g_param_spec_double ("p50-usec", NULL, NULL, 0, G_MAXDOUBLE, 0, flags);
  props[PROP_P99_USEC] = g_param_spec_double ("p99-usec", NULL, NULL, 0, G_MAXDOUBLE, 0, flags);
  props[PROP_P999_USEC] = g_param_spec_double ("p999-usec", NULL, NULL, 0, G_MAXDOUBLE, 0, flags);
  props[PROP_BYTES_READ] = g_param_spec_uint64 ("bytes-read", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  props[PROP_BYTES_WRITTEN] = g_param_spec_uint64 ("bytes-written", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  /* Connections that came up, and those of them that were not the first of their client. */
  props[PROP_CONNECTIONS] = g_param_spec_uint64 ("connections", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  props[PROP_RECONNECTIONS] = g_param_spec_uint64 ("reconnections", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  /* How often pools have given a client to a caller. */
  props[PROP_POOL_WAITS] = g_param_spec_uint64 ("pool-waits", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  /* All of it, by server and command. */
  props[PROP_SNAPSHOT] =
    g_param_spec_variant ("snapshot", NULL, NULL, G_VARIANT_TYPE ("a{sa{sv}}"), NULL, flags);
  /* All of it, in the text format of Prometheus, with the names of OpenTelemetry. */
  props[PROP_PROMETHEUS] = g_param_spec_string ("prometheus", NULL, NULL, NULL, flags);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);

  /* Resets all counts. */
  g_signal_new_class_handler ("reset", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
                              G_CALLBACK (tornadis_metrics_plugin_reset), NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
tornadis_metrics_plugin_init (TornadisMetricsPlugin *self)
{
  self->servers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) metrics_server_free);
  self->clients = g_hash_table_new_full (NULL, NULL, NULL, client_free);
  self->sources = metrics_sources_new ();
}

/* What the registry looks for in libtornadis-metrics.so. */
G_MODULE_EXPORT void tornadis_metrics_plugin_register (void);

void
tornadis_metrics_plugin_register (void)
{
  tornadis_plugin_register ("metrics", TORNADIS_TYPE_METRICS_PLUGIN);
}
