/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The other plugins on a client whose master is another one after a while. */

#include "integration/util.h"
#include "plugins/util.h"

#include <string.h>

typedef struct
{
  TornadisHarnessSentinel *group;
  TornadisClient *client;
  TornadisClient *other; /* without plugins but that of the scheme */
} Group;

static TornadisClient *
make_sentinel_client (Group *fixture,
                      const char *options)
{
  g_autofree char *uri = tornadis_harness_sentinel_make_uri (fixture->group, options);
  g_autoptr (GError) error = NULL;
  TornadisClient *client = tornadis_client_new_for_uri_full (uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);

  g_assert_no_error (error);
  return client;
}

/* @data are the options of the URI. */
static void
set_up (Group *fixture,
        gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->group = tornadis_harness_sentinel_new (NULL, NULL, &error);
  g_assert_no_error (error);
  fixture->client = make_sentinel_client (fixture, data);
  fixture->other = make_sentinel_client (fixture, NULL);
}

static void
tear_down (Group *fixture,
           gconstpointer data)
{
  tornadis_client_close (fixture->client);
  tornadis_client_close (fixture->other);
  spin_for (1);
  assert_client_finalized (fixture->client);
  assert_client_finalized (fixture->other);
  g_clear_object (&fixture->group);
}

static TornadisPlugin *
get_plugin (TornadisClient *client,
            guint i)
{
  g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (G_LIST_MODEL (tornadis_client_get_plugins (client)), i);

  return plugin;
}

/* Waits until both clients are at another master. */
static void
fail_over (Group *fixture)
{
  g_autoptr (GError) error = NULL;

  /* Knows of none before it was connected. */
  assert_call (fixture->other, "PONG", "PING", NULL);
  g_assert_true (tornadis_harness_sentinel_failover (fixture->group, &error));
  g_assert_no_error (error);
  wait_until (get_count (get_plugin (fixture->client, 1), "switches") == 1 &&
              get_count (get_plugin (fixture->other, 0), "switches") == 1);
}

static void
kill_master (Group *fixture)
{
  int master = tornadis_harness_sentinel_find_master (fixture->group);

  tornadis_harness_redis_kill (tornadis_harness_sentinel_get_server (fixture->group, (guint) master));
}

/* What is in memory is what the old master said; the new one announces changes too. */
static void
test_cache (Group *fixture,
            gconstpointer data)
{
  TornadisPlugin *cache = get_plugin (fixture->client, 0);
  guint64 hits;

  assert_call (fixture->other, "OK", "SET", "key", "old", NULL);
  assert_call (fixture->client, "\"old\"", "GET", "key", NULL);
  wait_until (get_count (cache, "connections") == 1);
  assert_call (fixture->client, "\"old\"", "GET", "key", NULL);
  assert_call (fixture->client, "\"old\"", "GET", "key", NULL);
  g_assert_cmpuint (get_count (cache, "hits"), >=, 1);
  g_assert_cmpuint (get_count (cache, "entries"), ==, 1);

  fail_over (fixture);
  g_assert_cmpuint (get_count (cache, "entries"), ==, 0);
  assert_call (fixture->other, "OK", "SET", "key", "new", NULL);
  assert_call (fixture->client, "\"new\"", "GET", "key", NULL);

  wait_until (get_count (cache, "connections") == 1);
  assert_call (fixture->client, "\"new\"", "GET", "key", NULL);
  hits = get_count (cache, "hits");
  assert_call (fixture->client, "\"new\"", "GET", "key", NULL);
  g_assert_cmpuint (get_count (cache, "hits"), ==, hits + 1);
  assert_call (fixture->other, "OK", "SET", "key", "newer", NULL);
  wait_until (get_count (cache, "entries") == 0);
  assert_call (fixture->client, "\"newer\"", "GET", "key", NULL);
}

/* They are the calls of one server, whichever it is; its connections and the switches are counted. */
static void
test_metrics (Group *fixture,
              gconstpointer data)
{
  TornadisPlugin *metrics = get_plugin (fixture->client, 0);
  g_autoptr (GVariant) snapshot = NULL;
  g_autoptr (GVariant) server = NULL;
  g_autofree char *text = NULL;
  guint64 switches;

  assert_call (fixture->client, "OK", "SET", "key", "value", NULL);
  fail_over (fixture);
  assert_call (fixture->client, "OK", "SET", "key", "value", NULL);
  g_assert_cmpuint (get_count (metrics, "calls"), ==, 2);
  g_assert_cmpuint (get_count (metrics, "connections"), ==, get_count (metrics, "reconnections") + 1);
  g_assert_cmpuint (get_count (metrics, "reconnections"), >=, 1);

  g_object_get (metrics, "snapshot", &snapshot, "prometheus", &text, NULL);
  g_assert_cmpuint (g_variant_n_children (snapshot), ==, 1);
  server = g_variant_lookup_value (snapshot, "main", G_VARIANT_TYPE_VARDICT);
  g_assert_nonnull (server);
  g_assert_true (g_variant_lookup (server, "switches", "t", &switches));
  g_assert_cmpuint (switches, ==, 1);
  g_assert_false (g_variant_lookup (server, "redirects", "t", &switches));
  g_assert_nonnull (strstr (text, "\ntornadis_client_switches_total{db_system_name=\"redis\",db_namespace=\"0\","
                                  "server_address=\"main\"} 1\n"));
  g_assert_null (strstr (text, "tornadis_client_redirects_total"));
}

static void
test_key_prefix (Group *fixture,
                 gconstpointer data)
{
  assert_call (fixture->client, "OK", "SET", "key", "value", NULL);
  assert_call (fixture->client, "(integer) 2", "WAIT", "2", "0", NULL);
  fail_over (fixture);
  assert_call (fixture->client, "\"value\"", "GET", "key", NULL);
  assert_call (fixture->client, "OK", "SET", "second", "value", NULL);
  assert_call (fixture->other, "(integer) 2", "EXISTS", "app:key", "app:second", NULL);
}

/* Who repeats for long enough does not notice that the master has died. */
static void
test_retry (Group *fixture,
            gconstpointer data)
{
  TornadisPlugin *retry = get_plugin (fixture->client, 0);
  int master = tornadis_harness_sentinel_find_master (fixture->group);
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *const[]){ "GET", "key", NULL });
  g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *const[]){ "SET", "key", "lost", NULL });
  Tally reads = { .n_expected = 1 };
  Tally writes = { .n_expected = 1 };

  assert_call (fixture->client, "OK", "SET", "key", "value", NULL);
  assert_call (fixture->client, "(integer) 2", "WAIT", "2", "0", NULL);
  /* What was written, and may have run, is repeated only if it reads. */
  tornadis_harness_redis_pause (tornadis_harness_sentinel_get_server (fixture->group, (guint) master));
  tornadis_client_submit (fixture->client, get, tally_count_cb, &reads, NULL);
  tornadis_client_submit (fixture->client, set, tally_count_cb, &writes, NULL);
  spin_for (10);
  tornadis_harness_redis_kill (tornadis_harness_sentinel_get_server (fixture->group, (guint) master));
  tally_wait (&writes);
  g_assert_cmpuint (writes.lost, ==, 1);
  tally_wait (&reads);
  g_assert_cmpuint (reads.ok, ==, 1);
  assert_call (fixture->client, "\"value\"", "GET", "key", NULL);
  g_assert_cmpuint (get_count (retry, "retries"), >=, 1);
  g_assert_cmpuint (get_count (retry, "gave-up"), ==, 0);
  assert_call (fixture->client, "OK", "SET", "key", "new", NULL);
}

/* The circuit is open while there is no master, and closed when there is one. */
static void
test_limit (Group *fixture,
            gconstpointer data)
{
  TornadisPlugin *limit = get_plugin (fixture->client, 0);
  guint n_refused = 0;

  assert_call (fixture->client, "OK", "SET", "key", "value", NULL);
  kill_master (fixture);
  for (gboolean again = TRUE; again || n_refused == 0;)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply = call (fixture->client, &error, "SET", "key", "value", NULL);

      again = reply == NULL;
      if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY))
        {
          g_auto (GStrv) titles = NULL;

          g_object_get (limit, "open-servers", &titles, NULL);
          g_assert_cmpstr (titles[0], ==, "main");
          n_refused++;
          spin_for (1);
        }
      else if (error != NULL)
        g_assert_true (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST) ||
                       g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT));
      if (!again)
        g_assert_cmpuint (n_refused, >, 0);
    }
  g_assert_cmpuint (get_count (limit, "refused"), ==, n_refused);
  g_assert_cmpuint (get_count (limit, "in-flight"), ==, 0);
}

static guint
count_traced (const char *first,
              const char *second)
{
  guint n = 0;

  for (guint i = 0; i < messages->len; i++)
    n += strstr (messages->pdata[i], first) != NULL && strstr (messages->pdata[i], second) != NULL ? 1 : 0;

  return n;
}

/* Every exchange is shown, with the words of why one was lost. */
static void
test_trace (Group *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const[]){ "BLPOP", "nothing", "0", NULL });
  Tally tally = { .n_expected = 1 };
  int master = tornadis_harness_sentinel_find_master (fixture->group);

  assert_call (fixture->client, "OK", "SET", "key", "value", NULL);
  g_assert_cmpuint (count_traced ("SET", "main"), ==, 1);

  tornadis_client_submit (fixture->client, command, tally_count_cb, &tally, NULL);
  wait_until (count_blocked (tornadis_harness_sentinel_get_server (fixture->group, (guint) master)) == 1);
  fail_over (fixture);
  wait_until (tally.n_ended == 1);
  g_assert_cmpuint (tally.ok, ==, 0);
  g_assert_cmpuint (count_traced ("BLPOP", "main"), ==, 1);
  assert_call (fixture->client, "OK", "SET", "key", "value", NULL);
  g_assert_cmpuint (count_traced ("SET", "main"), ==, 2);
}

#define ADD(name, options, func) g_test_add ("/sentinel-plugins/" name, Group, options, set_up, func, tear_down)

int
main (int argc,
      char **argv)
{
  int status;

  keep_messages ();
  g_test_init (&argc, &argv, NULL);

  ADD ("cache", "?plugins=cache", test_cache);
  ADD ("cache-resp2", "?plugins=cache&protocol=resp2", test_cache);
  ADD ("metrics", "?plugins=metrics", test_metrics);
  ADD ("key-prefix", "?plugins=key-prefix&key-prefix.prefix=app:", test_key_prefix);
  ADD ("retry", "?plugins=retry&retry.max-attempts=10000&retry.max-time-msec=0&retry.max-delay-msec=100&retry.retry-connect=true",
       test_retry);
  ADD ("limit", "?plugins=limit&limit.error-rate=0.5&limit.min-calls=2&limit.open-msec=200&limit.max-open-msec=400", test_limit);
  ADD ("trace", "?plugins=trace&trace.level=message", test_trace);

  status = g_test_run ();
  g_ptr_array_unref (messages);
  return status;
}
