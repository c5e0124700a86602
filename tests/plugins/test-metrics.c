/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"
#include "plugins/util.h"

#include <string.h>

static TornadisPlugin *
add_metrics (TornadisClient *client)
{
  g_autoptr (GError) error = NULL;
  TornadisPlugin *metrics = tornadis_client_add_plugin_by_name (client, "metrics", &error);

  g_assert_no_error (error);
  return metrics;
}

static GVariant *
get_server (TornadisPlugin *metrics,
            guint i)
{
  g_autoptr (GVariant) snapshot = NULL;
  g_autoptr (GVariant) entry = NULL;

  g_object_get (metrics, "snapshot", &snapshot, NULL);
  g_assert_cmpuint (g_variant_n_children (snapshot), >, i);
  entry = g_variant_get_child_value (snapshot, i);

  return g_variant_get_child_value (entry, 1);
}

/* How many calls of a command ended so: @error is NULL when they went well. */
static guint64
get_calls (TornadisPlugin *metrics,
           const char *name,
           const char *error)
{
  g_autoptr (GVariant) server = get_server (metrics, 0);
  g_autoptr (GVariant) commands = g_variant_lookup_value (server, "commands", G_VARIANT_TYPE ("aa{sv}"));

  for (gsize i = 0; i < g_variant_n_children (commands); i++)
    {
      g_autoptr (GVariant) series = g_variant_get_child_value (commands, i);
      const char *series_name = NULL, *series_error = NULL;
      guint64 calls = 0;

      g_assert_true (g_variant_lookup (series, "name", "&s", &series_name));
      g_variant_lookup (series, "error", "&s", &series_error);
      if (g_str_equal (series_name, name) && g_strcmp0 (series_error, error) == 0)
        {
          g_assert_true (g_variant_lookup (series, "calls", "t", &calls));
          return calls;
        }
    }

  return 0;
}

static guint64
get_server_count (TornadisPlugin *metrics,
                  const char *name)
{
  g_autoptr (GVariant) server = get_server (metrics, 0);
  guint64 count = 0;

  g_assert_true (g_variant_lookup (server, name, "t", &count));
  return count;
}

static void
test_counts (Fixture *fixture,
             gconstpointer data)
{
  TornadisPlugin *metrics = add_metrics (fixture->client);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autofree char *value = g_strnfill (1000, 'v');
  double p50, p999;

  assert_call (fixture->client, "OK", "SET", "k", value, NULL);
  for (guint i = 0; i < 10; i++)
    tornadis_reply_unref (call (fixture->client, NULL, "get", "k", NULL));
  g_assert_null (call (fixture->client, NULL, "LPUSH", "k", "x", NULL));
  g_assert_null (call (fixture->client, NULL, "NO-SUCH", "k", NULL));
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", "k", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", "k", NULL });
  tornadis_reply_unref (call_pipeline (fixture->client, pipeline, NULL, NULL));
  g_object_set (pipeline, "atomic", TRUE, NULL);
  tornadis_reply_unref (call_pipeline (fixture->client, pipeline, NULL, NULL));

  g_assert_cmpuint (get_calls (metrics, "SET", NULL), ==, 1);
  g_assert_cmpuint (get_calls (metrics, "GET", NULL), ==, 10);
  g_assert_cmpuint (get_calls (metrics, "LPUSH", "WRONGTYPE"), ==, 1);
  g_assert_cmpuint (get_calls (metrics, "LPUSH", NULL), ==, 0);
  g_assert_cmpuint (get_calls (metrics, "NO-SUCH", "ERR"), ==, 1);
  g_assert_cmpuint (get_calls (metrics, "PIPELINE", NULL), ==, 1);
  g_assert_cmpuint (get_calls (metrics, "MULTI", NULL), ==, 1);
  g_assert_cmpuint (get_count (metrics, "calls"), ==, 15);
  g_assert_cmpuint (get_count (metrics, "failures"), ==, 2);
  g_assert_cmpuint (get_count (metrics, "bytes-read"), >, 14 * 1000);
  g_assert_cmpuint (get_count (metrics, "bytes-written"), >, 1000);
  g_assert_cmpuint (get_server_count (metrics, "connections"), ==, 1);
  g_object_get (metrics, "p50-usec", &p50, "p999-usec", &p999, NULL);
  g_assert_cmpfloat (p50, >, 0);
  g_assert_cmpfloat (p999, >=, p50);

  g_signal_emit_by_name (metrics, "reset");
  g_assert_cmpuint (get_count (metrics, "calls"), ==, 0);
  g_assert_cmpuint (get_count (metrics, "bytes-read"), ==, 0);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpuint (get_count (metrics, "calls"), ==, 1);
  g_assert_cmpuint (get_count (metrics, "bytes-read"), ==, strlen ("+PONG\r\n"));
}

/* Calls that are cut off count as what they are, and so do connections. */
static void
test_losses (Fixture *fixture,
             gconstpointer data)
{
  TornadisPlugin *metrics = add_metrics (fixture->client);
  g_autoptr (TornadisClient) killer =
    tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (TornadisCommand) command = tornadis_command_new_format ("BLPOP nothing 0");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint in_flight = 0;

  assert_call (fixture->client, "PONG", "PING", NULL);
  tornadis_client_call_async (fixture->client, command, NULL, store_result, &result);
  wait_until (count_blocked (fixture->redis) == 1);
  g_object_get (metrics, "in-flight", &in_flight, NULL);
  g_assert_cmpuint (in_flight, ==, 1);
  tornadis_reply_unref (call (killer, NULL, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", NULL));
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
  g_clear_object (&result);
  g_clear_error (&error);

  assert_call (fixture->client, "PONG", "PING", NULL);
  tornadis_client_call_async (fixture->client, command, cancellable, store_result, &result);
  wait_until (count_blocked (fixture->redis) == 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
  g_clear_object (&result);
  g_clear_error (&error);
  tornadis_client_close (fixture->client);

  g_assert_true (connect_and_wait (fixture->client, NULL));
  g_object_set (fixture->client, "call-timeout-msec", 500, NULL);
  g_assert_null (call (fixture->client, NULL, "BLPOP", "nothing", "0", NULL));

  g_assert_cmpuint (get_calls (metrics, "BLPOP", "lost"), ==, 1);
  g_assert_cmpuint (get_calls (metrics, "BLPOP", "cancelled"), ==, 1);
  g_assert_cmpuint (get_calls (metrics, "BLPOP", "timeout"), ==, 1);
  g_assert_cmpuint (get_server_count (metrics, "losses"), ==, 3);
  g_assert_cmpuint (get_server_count (metrics, "connections"), ==, 3);
  g_assert_cmpuint (get_server_count (metrics, "reconnections"), ==, 2);
}

/* The clients of a pool, and others, are counted together; what they did is not forgotten with them. */
static void
test_pool (Fixture *fixture,
           gconstpointer data)
{
  TornadisPlugin *metrics = add_metrics (fixture->client);
  TornadisClientPool *pool = tornadis_client_pool_new (fixture->client);
  TornadisClient *first = assert_take (pool);
  TornadisClient *second = assert_take (pool);
  guint64 read;

  assert_call (first, "PONG", "PING", NULL);
  assert_call (second, "PONG", "PING", NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpuint (get_calls (metrics, "PING", NULL), ==, 3);
  g_assert_cmpuint (get_server_count (metrics, "connections"), ==, 3);
  g_assert_cmpuint (get_count (metrics, "pool-waits"), ==, 2);
  read = get_count (metrics, "bytes-read");
  g_assert_cmpuint (read, ==, 3 * strlen ("+PONG\r\n"));

  tornadis_client_pool_release_client (pool, first);
  tornadis_client_pool_release_client (pool, second);
  g_object_unref (first);
  g_object_unref (second);
  tornadis_client_pool_destroy (pool);
  assert_finalized (pool);
  g_assert_cmpuint (get_calls (metrics, "PING", NULL), ==, 3);
  g_assert_cmpuint (get_count (metrics, "bytes-read"), ==, read);

  g_object_ref (metrics);
  tornadis_client_remove_plugin (fixture->client, metrics);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpuint (get_calls (metrics, "PING", NULL), ==, 3);
  assert_finalized (metrics);
}

/* Whatever connects counts, by what it was to the plugins, and each attempt. */
static void
test_all_ways (Fixture *fixture,
               gconstpointer data)
{
  static const char *const names[N_WAYS] = { "HELLO", "PING", "PING", "PIPELINE", "HELLO", "HELLO" };

  for (Way way = 0; way < N_WAYS; way++)
    {
      g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", 1);
      TornadisPlugin *metrics = add_metrics (client);

      /* With one that takes part in calls, and without. */
      for (guint round = 0; round < 2; round++)
        {
          g_assert_false (connect_by (way, client, NULL));
          g_assert_cmpuint (get_count (metrics, "failures"), ==, round + 1);
          g_assert_cmpuint (get_calls (metrics, names[way], "connect"), ==, round + 1);
          add_plugin (client, "limit", "burst", 1, NULL);
        }
    }

  for (Way way = 0; way < N_WAYS; way++)
    {
      g_autoptr (TornadisClient) client =
        tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
      TornadisPlugin *metrics = add_metrics (client);

      g_assert_true (connect_by (way, client, NULL));
      g_assert_cmpuint (get_count (metrics, "failures"), ==, 0);
      g_assert_cmpuint (get_calls (metrics, names[way], NULL), ==, 1);
      g_assert_cmpuint (get_server_count (metrics, "connections"), ==, 1);
      g_assert_cmpuint (get_count (metrics, "pool-waits"), ==, way >= WAY_POOL_CALL && way <= WAY_POOL_TAKE ? 1 : 0);
    }
}

/* Every line is one of a metric that was announced, in the form that Prometheus reads. */
static void
test_prometheus (Fixture *fixture,
                 gconstpointer data)
{
  TornadisPlugin *metrics = add_metrics (fixture->client);
  g_autoptr (GHashTable) announced = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean found = FALSE;

  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_null (call (fixture->client, NULL, "NO\"SUCH\\\n", NULL));
  g_object_get (metrics, "prometheus", &text, NULL);
  g_assert_true (g_str_has_suffix (text, "\n"));
  lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i + 1] != NULL; i++)
    {
      g_autofree char *name = g_strndup (lines[i], strcspn (lines[i], "{"));

      if (g_str_has_prefix (lines[i], "# TYPE "))
        {
          g_auto (GStrv) words = g_strsplit (lines[i], " ", -1);

          g_assert_true (g_hash_table_add (announced, g_strdup (words[2])));
          continue;
        }
      if (g_str_has_prefix (lines[i], "# HELP "))
        continue;

      g_assert_true (g_regex_match_simple ("^[a-z_]+\\{([a-z_]+=\"([^\"\\\\\n]|\\\\[n\"\\\\])*\",?)+\\} [0-9.]+$", lines[i], 0, 0));
      for (guint j = 0; j < 3; j++)
        {
          static const char *const suffixes[] = { "_bucket", "_sum", "_count" };

          if (g_str_has_suffix (name, suffixes[j]) && !g_hash_table_contains (announced, name))
            name[strlen (name) - strlen (suffixes[j])] = '\0';
        }
      g_assert_true (g_hash_table_contains (announced, name));
      found |= strstr (lines[i], "db_operation_name=\"PING\",le=\"+Inf\"} 1") != NULL;
    }
  g_assert_true (found);
}

/* Names that an application makes up do not take memory for ever. */
static void
test_bounded (Fixture *fixture,
              gconstpointer data)
{
  TornadisPlugin *metrics = add_metrics (fixture->client);

  g_object_set (fixture->client, "max-pending", 100000, NULL);
  for (guint i = 0; i < 1500; i++)
    {
      g_autofree char *name = g_strdup_printf ("NAME%u", i);
      g_autoptr (TornadisCommand) command = tornadis_command_new (name);

      tornadis_client_submit (fixture->client, command, NULL, NULL, NULL);
    }
  assert_call (fixture->client, "PONG", "PING", NULL);

  g_assert_cmpuint (get_count (metrics, "calls"), ==, 1501);
  g_assert_cmpuint (get_count (metrics, "failures"), ==, 1500);
  g_assert_cmpuint (get_calls (metrics, "_OTHER", "_OTHER"), ==, 500);
}

#define ADD(name, func) g_test_add ("/metrics/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("counts", test_counts);
  ADD ("losses", test_losses);
  ADD ("pool", test_pool);
  ADD ("fault-14-all-ways", test_all_ways);
  ADD ("prometheus", test_prometheus);
  ADD ("bounded", test_bounded);

  return g_test_run ();
}
