/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "metrics/metrics-server.h"

#include <string.h>

/* The upper bounds of the buckets of exported histograms, in microseconds: those of OpenTelemetry, which begin at a millisecond,
 * and smaller ones for servers nearby. */
static const gint64 boundaries[] = {
  50,
  100,
  250,
  500,
  1000,
  2500,
  5000,
  10000,
  25000,
  50000,
  100000,
  250000,
  500000,
  1000000,
  2500000,
  5000000,
  10000000,
};

static int
compare_titles (gconstpointer a,
                gconstpointer b)
{
  return strcmp ((*(MetricsServer *const *) a)->title, (*(MetricsServer *const *) b)->title);
}

static GPtrArray *
list_servers (GHashTable *servers)
{
  GPtrArray *list = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer server;

  g_hash_table_iter_init (&iter, servers);
  while (g_hash_table_iter_next (&iter, NULL, &server))
    g_ptr_array_add (list, server);
  g_ptr_array_sort (list, compare_titles);

  return list;
}

static void
add_times (GVariantDict *dict,
           const Histogram *times)
{
  g_variant_dict_insert (dict, "p50-usec", "d", histogram_get_quantile (times, 0.5));
  g_variant_dict_insert (dict, "p99-usec", "d", histogram_get_quantile (times, 0.99));
  g_variant_dict_insert (dict, "p999-usec", "d", histogram_get_quantile (times, 0.999));
}

static GVariant *
export_series (const MetricsSeries *series)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "name", "s", series->name);
  if (series->error_type != NULL)
    g_variant_dict_insert (&dict, "error", "s", series->error_type);
  g_variant_dict_insert (&dict, "calls", "t", series->times.total);
  g_variant_dict_insert (&dict, "total-usec", "t", series->usec);
  g_variant_dict_insert (&dict, "bytes-sent", "t", series->bytes_sent);
  g_variant_dict_insert (&dict, "bytes-received", "t", series->bytes_received);
  add_times (&dict, &series->times);

  return g_variant_dict_end (&dict);
}

static GVariant *
export_server (const MetricsServer *server)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GPtrArray) all = metrics_server_list (server);
  GVariantBuilder commands;
  guint64 read;
  guint64 written;

  g_variant_builder_init (&commands, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < all->len; i++)
    g_variant_builder_add_value (&commands, export_series (g_ptr_array_index (all, i)));

  metrics_server_get_bytes (server, &read, &written);
  g_variant_dict_insert (&dict, "in-flight", "u", metrics_server_get_in_flight (server));
  g_variant_dict_insert (&dict, "connected", "u", metrics_server_get_connected (server));
  g_variant_dict_insert (&dict, "connections", "t", server->n_connections);
  g_variant_dict_insert (&dict, "reconnections", "t", server->n_reconnections);
  g_variant_dict_insert (&dict, "losses", "t", server->n_losses);
  g_variant_dict_insert (&dict, "bytes-read", "t", read);
  g_variant_dict_insert (&dict, "bytes-written", "t", written);
  g_variant_dict_insert (&dict, "pool-waits", "t", server->waits.total);
  g_variant_dict_insert (&dict, "pool-wait-p99-usec", "d", histogram_get_quantile (&server->waits, 0.99));
  for (guint i = 0; i < METRICS_N_COUNTERS; i++)
    if (server->has_counter[i])
      g_variant_dict_insert (&dict, metrics_counters[i].property, "t", server->counters[i]);
  g_variant_dict_insert_value (&dict, "commands", g_variant_builder_end (&commands));

  return g_variant_dict_end (&dict);
}

GVariant *
metrics_export_variant (GHashTable *servers)
{
  g_autoptr (GPtrArray) list = list_servers (servers);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{sa{sv}}"));
  for (guint i = 0; i < list->len; i++)
    {
      const MetricsServer *server = g_ptr_array_index (list, i);

      g_variant_builder_add (&builder, "{s@a{sv}}", server->title, export_server (server));
    }

  return g_variant_builder_end (&builder);
}

static void
append_escaped (GString *text,
                const char *value)
{
  g_autofree char *valid = g_utf8_make_valid (value, -1);

  for (const char *p = valid; *p != '\0'; p++)
    {
      if (*p == '\n')
        g_string_append (text, "\\n");
      else
        {
          if (*p == '"' || *p == '\\')
            g_string_append_c (text, '\\');
          g_string_append_c (text, *p);
        }
    }
}

static void
append_label (GString *text,
              const char *name,
              const char *value)
{
  g_string_append_printf (text, "%s%s=\"", text->len > 0 ? "," : "", name);
  append_escaped (text, value);
  g_string_append_c (text, '"');
}

static char *
make_server_labels (const MetricsServer *server)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *db = g_strdup_printf ("%d", server->db);
  g_autofree char *port = g_strdup_printf ("%u", server->port);

  append_label (text, "db_system_name", "redis");
  append_label (text, "db_namespace", db);
  append_label (text, "server_address", server->host);
  if (server->port != 0)
    append_label (text, "server_port", port);

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Appends seconds with all digits, in no locale. */
static void
append_seconds (GString *text,
                guint64 usec)
{
  g_string_append_printf (text, "%" G_GUINT64_FORMAT ".%06u", usec / 1000000, (guint) (usec % 1000000));
}

static void
append_histogram (GString *text,
                  const char *name,
                  const char *labels,
                  const Histogram *times,
                  guint64 usec)
{
  for (guint i = 0; i < G_N_ELEMENTS (boundaries); i++)
    {
      g_string_append_printf (text, "%s_bucket{%s,le=\"", name, labels);
      append_seconds (text, (guint64) boundaries[i]);
      g_string_append_printf (text, "\"} %" G_GUINT64_FORMAT "\n", histogram_count_up_to (times, boundaries[i]));
    }
  g_string_append_printf (text, "%s_bucket{%s,le=\"+Inf\"} %" G_GUINT64_FORMAT "\n", name, labels, times->total);
  g_string_append_printf (text, "%s_sum{%s} ", name, labels);
  append_seconds (text, usec);
  g_string_append_printf (text, "\n%s_count{%s} %" G_GUINT64_FORMAT "\n", name, labels, times->total);
}

static void
append_head (GString *text,
             const char *name,
             const char *type,
             const char *help)
{
  g_string_append_printf (text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
append_value (GString *text,
              const char *name,
              const char *labels,
              const char *more,
              guint64 value)
{
  g_string_append_printf (text, "%s{%s%s} %" G_GUINT64_FORMAT "\n", name, labels, more, value);
}

static void
append_durations (GString *text,
                  const MetricsServer *server,
                  const char *labels)
{
  g_autoptr (GPtrArray) all = metrics_server_list (server);

  for (guint i = 0; i < all->len; i++)
    {
      const MetricsSeries *series = g_ptr_array_index (all, i);
      g_autoptr (GString) own = g_string_new (labels);

      append_label (own, "db_operation_name", series->name);
      if (series->error_type != NULL)
        append_label (own, "error_type", series->error_type);
      append_histogram (text, "db_client_operation_duration_seconds", own->str, &series->times, series->usec);
    }
}

typedef void (*AppendServer) (GString *text,
                              const MetricsServer *server,
                              const char *labels);

static void
append_connections (GString *text,
                    const MetricsServer *server,
                    const char *labels)
{
  guint idle = 0;

  for (guint i = 0; i < server->clients->len; i++)
    {
      TornadisClient *client = g_ptr_array_index (server->clients, i);
      guint pending;

      g_object_get (client, "pending", &pending, NULL);
      idle += metrics_client_has_connection (client) && pending == 0 ? 1 : 0;
    }

  append_value (text, "db_client_connection_count", labels, ",db_client_connection_state=\"idle\"", idle);
  append_value (text, "db_client_connection_count", labels, ",db_client_connection_state=\"used\"",
                metrics_server_get_connected (server) - idle);
}

static void
append_waits (GString *text,
              const MetricsServer *server,
              const char *labels)
{
  append_histogram (text, "db_client_connection_wait_time_seconds", labels, &server->waits, server->wait_usec);
}

static void
append_in_flight (GString *text,
                  const MetricsServer *server,
                  const char *labels)
{
  append_value (text, "tornadis_client_commands_in_flight", labels, "", metrics_server_get_in_flight (server));
}

static void
append_links (GString *text,
              const MetricsServer *server,
              const char *labels)
{
  append_value (text, "tornadis_client_connections_total", labels, ",tornadis_kind=\"first\"",
                server->n_connections - server->n_reconnections);
  append_value (text, "tornadis_client_connections_total", labels, ",tornadis_kind=\"again\"", server->n_reconnections);
}

static void
append_losses (GString *text,
               const MetricsServer *server,
               const char *labels)
{
  append_value (text, "tornadis_client_connections_lost_total", labels, "", server->n_losses);
}

static void
append_bytes (GString *text,
              const MetricsServer *server,
              const char *labels)
{
  guint64 read;
  guint64 written;

  metrics_server_get_bytes (server, &read, &written);
  append_value (text, "tornadis_client_io_bytes_total", labels, ",network_io_direction=\"receive\"", read);
  append_value (text, "tornadis_client_io_bytes_total", labels, ",network_io_direction=\"transmit\"", written);
}

/* Of the servers that have it, if there are any. */
static void
append_counter (GString *text,
                guint counter,
                GPtrArray *servers,
                GPtrArray *labels)
{
  gboolean has_head = FALSE;

  for (guint i = 0; i < servers->len; i++)
    {
      const MetricsServer *server = g_ptr_array_index (servers, i);

      if (!server->has_counter[counter])
        continue;
      if (!has_head)
        append_head (text, metrics_counters[counter].family, "counter", metrics_counters[counter].help);
      has_head = TRUE;
      append_value (text, metrics_counters[counter].family, g_ptr_array_index (labels, i), "", server->counters[counter]);
    }
}

char *
metrics_export_prometheus (GHashTable *servers)
{
  static const struct
  {
    const char *name;
    const char *type;
    const char *help;
    AppendServer append;
  } families[] = {
    { "db_client_operation_duration_seconds", "histogram", "Duration of database client operations.", append_durations },
    { "db_client_connection_count", "gauge", "Connections that are up.", append_connections },
    { "db_client_connection_wait_time_seconds", "histogram", "The time it took to obtain a connection from a pool.",
      append_waits },
    { "tornadis_client_commands_in_flight", "gauge", "Commands without a reply.", append_in_flight },
    { "tornadis_client_connections_total", "counter", "Connections that came up.", append_links },
    { "tornadis_client_connections_lost_total", "counter", "Connections that were lost.", append_losses },
    { "tornadis_client_io_bytes_total", "counter", "Bytes of commands, replies and pushes.", append_bytes },
  };
  g_autoptr (GPtrArray) list = list_servers (servers);
  g_autoptr (GPtrArray) labels = g_ptr_array_new_with_free_func (g_free);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++)
    g_ptr_array_add (labels, make_server_labels (g_ptr_array_index (list, i)));

  /* The format wants all samples of one family together. */
  for (guint family = 0; family < G_N_ELEMENTS (families); family++)
    {
      append_head (text, families[family].name, families[family].type, families[family].help);
      for (guint i = 0; i < list->len; i++)
        families[family].append (text, g_ptr_array_index (list, i), g_ptr_array_index (labels, i));
    }
  for (guint i = 0; i < METRICS_N_COUNTERS; i++)
    append_counter (text, i, list, labels);

  return g_string_free (text, FALSE);
}
