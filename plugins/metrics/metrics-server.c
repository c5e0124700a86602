/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "metrics/metrics-server.h"

#include <string.h>

/* Names come from applications and prefixes from servers: neither may make the tables grow without bound. */
#define MAX_COMMANDS 1000
#define MAX_FAILURES 1000
#define OTHER "_OTHER"
/* A reply is not measured below this depth. */
#define MAX_DEPTH 16

const struct MetricsCounter metrics_counters[METRICS_N_COUNTERS] = {
  { "redirects", "tornadis_client_redirects_total", "Calls that a node of a cluster has sent to another." },
  { "refreshes", "tornadis_client_refreshes_total", "Looks at which nodes a cluster has." },
  { "failovers", "tornadis_client_failovers_total", "Replicas of a cluster that were found to be masters." },
  { "switches", "tornadis_client_switches_total", "Times that sentinels had another master." },
};

static void
series_free (gpointer data)
{
  MetricsSeries *self = data;

  tornadis_command_unref (self->command);
  g_free (self->error_type);
  g_free (self);
}

static MetricsSeries *
series_new (const char *name,
            const char *error_type)
{
  MetricsSeries *self = g_new0 (MetricsSeries, 1);

  self->command = tornadis_command_new (name);
  self->name = tornadis_command_get_name (self->command);
  self->error_type = g_strdup (error_type);

  return self;
}

MetricsServer *
metrics_server_new (TornadisClient *client)
{
  MetricsServer *self = g_new0 (MetricsServer, 1);
  g_autoptr (GSocketConnectable) connectable = NULL;
  g_autofree char *path = NULL;

  g_object_get (client, "title", &self->title, "host", &self->host, "port", &self->port, "unix-domain-socket", &path,
                "connectable", &connectable, "db", &self->db, NULL);
  if (connectable != NULL || path != NULL)
    {
      g_free (self->host);
      self->host = connectable != NULL ? g_strdup (self->title) : g_steal_pointer (&path);
      self->port = 0;
    }

  self->commands = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, series_free);
  self->failures = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, series_free);
  self->clients = g_ptr_array_new ();

  return self;
}

void
metrics_server_free (MetricsServer *self)
{
  g_free (self->title);
  g_free (self->host);
  g_hash_table_unref (self->commands);
  g_hash_table_unref (self->failures);
  g_ptr_array_unref (self->clients);
  g_free (self);
}

/* What a client has transferred counts from when the plugin was added to it. */
static void
server_count_bytes (MetricsServer *self,
                    TornadisClient *client,
                    gboolean add)
{
  guint64 read;
  guint64 written;

  g_object_get (client, "bytes-read", &read, "bytes-written", &written, NULL);
  self->bytes_read += add ? read : -read;
  self->bytes_written += add ? written : -written;
}

void
metrics_server_reset (MetricsServer *self)
{
  self->last_name = NULL;
  self->last = NULL;
  g_hash_table_remove_all (self->commands);
  g_hash_table_remove_all (self->failures);
  memset (&self->waits, 0, sizeof self->waits);
  self->wait_usec = 0;
  self->n_connections = self->n_reconnections = self->n_losses = 0;
  memset (self->counters, 0, sizeof self->counters);
  self->bytes_read = self->bytes_written = 0;
  for (guint i = 0; i < self->clients->len; i++)
    server_count_bytes (self, g_ptr_array_index (self->clients, i), FALSE);
}

void
metrics_server_add_client (MetricsServer *self,
                           TornadisClient *client)
{
  g_ptr_array_add (self->clients, client);
  server_count_bytes (self, client, FALSE);
}

void
metrics_server_remove_client (MetricsServer *self,
                              TornadisClient *client)
{
  if (g_ptr_array_remove_fast (self->clients, client))
    server_count_bytes (self, client, TRUE);
}

gboolean
metrics_server_is_unused (MetricsServer *self)
{
  for (guint i = 0; i < METRICS_N_COUNTERS; i++)
    if (self->has_counter[i])
      return FALSE;

  return self->clients->len == 0 && self->n_connections == 0 && self->n_losses == 0 && self->waits.total == 0 &&
         g_hash_table_size (self->commands) == 0 && g_hash_table_size (self->failures) == 0;
}

static MetricsSeries *
server_get_command (MetricsServer *self,
                    const char *name)
{
  MetricsSeries *series = g_hash_table_lookup (self->commands, name);

  if (series == NULL && g_hash_table_size (self->commands) >= MAX_COMMANDS)
    {
      name = OTHER;
      series = g_hash_table_lookup (self->commands, name);
    }
  if (series == NULL)
    {
      series = series_new (name, NULL);
      g_hash_table_insert (self->commands, (gpointer) series->name, series);
    }

  return series;
}

/* The error.type of OpenTelemetry: the server's prefix, or the name of an error of the library. */
static char *
make_error_type (const GError *error)
{
  g_autofree char *prefix = tornadis_error_dup_prefix (error);

  if (prefix != NULL)
    return g_utf8_make_valid (prefix, -1);

  if (error->domain == TORNADIS_ERROR)
    {
      g_autoptr (GEnumClass) klass = g_type_class_ref (TORNADIS_TYPE_ERROR);
      const GEnumValue *value = g_enum_get_value (klass, error->code);

      if (value != NULL)
        return g_strdup (value->value_nick);
    }

  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? g_strdup ("cancelled") : g_strdup (OTHER);
}

static MetricsSeries *
server_get_failure (MetricsServer *self,
                    const char *name,
                    const GError *error)
{
  g_autofree char *type = make_error_type (error);
  g_autofree char *key = g_strdup_printf ("%s %s", name, type);
  MetricsSeries *series = g_hash_table_lookup (self->failures, key);

  if (series == NULL && g_hash_table_size (self->failures) >= MAX_FAILURES)
    {
      g_free (key);
      g_free (type);
      key = g_strdup (OTHER " " OTHER);
      type = g_strdup (OTHER);
      name = OTHER;
      series = g_hash_table_lookup (self->failures, key);
    }
  if (series == NULL)
    {
      series = series_new (name, type);
      g_hash_table_insert (self->failures, g_steal_pointer (&key), series);
    }

  return series;
}

static gsize
measure_reply (TornadisReply *reply,
               guint depth)
{
  gsize n_bytes = 0;
  gsize n_elements;

  if (tornadis_reply_get_data (reply, &n_bytes) != NULL)
    return n_bytes;

  n_elements = depth < MAX_DEPTH ? tornadis_reply_get_n_elements (reply) : 0;
  for (gsize i = 0; i < n_elements; i++)
    n_bytes += measure_reply (tornadis_reply_get_element (reply, i), depth + 1);

  return n_bytes;
}

gsize
metrics_measure_elements (TornadisReply *reply)
{
  return measure_reply (reply, 0);
}

MetricsSeries *
metrics_server_find_series (MetricsServer *self,
                            const char *name,
                            const GError *error)
{
  if (error != NULL)
    return server_get_failure (self, name, error);

  if (self->last == NULL || strcmp (self->last_name, name) != 0)
    {
      self->last = server_get_command (self, name);
      self->last_name = self->last->name;
    }

  return self->last;
}

guint
metrics_server_get_in_flight (const MetricsServer *self)
{
  guint n = 0;

  for (guint i = 0; i < self->clients->len; i++)
    {
      guint pending;

      g_object_get (g_ptr_array_index (self->clients, i), "pending", &pending, NULL);
      n += pending;
    }

  return n;
}

gboolean
metrics_client_has_connection (TornadisClient *client)
{
  guint version;

  if (!tornadis_client_is_connected (client))
    return FALSE;
  g_object_get (client, "protocol-version", &version, NULL);

  return version != 0;
}

guint
metrics_server_get_connected (const MetricsServer *self)
{
  guint n = 0;

  for (guint i = 0; i < self->clients->len; i++)
    n += metrics_client_has_connection (g_ptr_array_index (self->clients, i)) ? 1 : 0;

  return n;
}

void
metrics_server_get_bytes (const MetricsServer *self,
                          guint64 *read,
                          guint64 *written)
{
  *read = self->bytes_read;
  *written = self->bytes_written;

  for (guint i = 0; i < self->clients->len; i++)
    {
      guint64 n_read;
      guint64 n_written;

      g_object_get (g_ptr_array_index (self->clients, i), "bytes-read", &n_read, "bytes-written", &n_written, NULL);
      *read += n_read;
      *written += n_written;
    }
}

static int
compare_series (gconstpointer a,
                gconstpointer b)
{
  const MetricsSeries *first = *(MetricsSeries *const *) a;
  const MetricsSeries *second = *(MetricsSeries *const *) b;
  int order = strcmp (first->name, second->name);

  return order != 0 ? order : g_strcmp0 (first->error_type, second->error_type);
}

GPtrArray *
metrics_server_list (const MetricsServer *self)
{
  GPtrArray *all = g_ptr_array_new ();
  GHashTable *const tables[] = { self->commands, self->failures };

  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    {
      GHashTableIter iter;
      gpointer series;

      g_hash_table_iter_init (&iter, tables[i]);
      while (g_hash_table_iter_next (&iter, NULL, &series))
        g_ptr_array_add (all, series);
    }
  g_ptr_array_sort (all, compare_series);

  return all;
}
