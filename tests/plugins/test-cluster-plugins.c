/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The other plugins with the plugin cluster, before it and behind it, while slots move and masters change. The plugin cache has
 * a file of its own. */

#include "plugins/cluster-util.h"

#include <string.h>

#include "integration/hook-plugin.h"
#include "integration/util.h"
#include "plugins/gauge.h"
#include "plugins/util.h"

/* @options are those of the URI. */
static TornadisClient *
make_full_client (TornadisHarnessCluster *cluster,
                  const char *options)
{
  g_autofree char *uri = make_cluster_uri (cluster, options);
  g_autoptr (GError) error = NULL;
  TornadisClient *client = tornadis_client_new_for_uri_full (uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);

  g_assert_no_error (error);
  return client;
}

/* (transfer none): the one that has the property. */
static TornadisPlugin *
find_plugin (TornadisClient *client,
             const char *property)
{
  GListModel *plugins = tornadis_client_get_plugins (client);

  for (guint i = 0; i < g_list_model_get_n_items (plugins); i++)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (plugins, i);

      if (g_object_class_find_property (G_OBJECT_GET_CLASS (plugin), property) != NULL)
        return plugin;
    }

  g_assert_not_reached ();
}

static void
assert_uri_refused (Scene *scene,
                    const char *options,
                    const char *words)
{
  g_autofree char *uri = make_cluster_uri (scene->cluster, options);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri_full (uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);

  g_assert_null (client);
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  if (strstr (error->message, words) == NULL)
    g_error ("“%s” does not say “%s”", error->message, words);
}

static char *
make_title (TornadisHarnessCluster *cluster,
            guint i)
{
  return g_strdup_printf ("127.0.0.1:%u", tornadis_harness_redis_get_port (tornadis_harness_cluster_get_node (cluster, i)));
}

/* That of the cluster as a whole. */
static char *
make_cluster_title (TornadisClient *client)
{
  char *title;

  g_object_get (client, "title", &title, NULL);
  g_assert_true (g_str_has_prefix (title, "cluster of 127.0.0.1:"));

  return title;
}

/* The slot of the key of a master. */
static guint
get_slot (Scene *scene,
          guint i)
{
  int slot = tornadis_harness_cluster_find_slot (scene->cluster, scene->keys[i], NULL);

  g_assert_cmpint (slot, >=, 0);
  return (guint) slot;
}

static void
move_slot (Scene *scene,
           guint slot,
           guint to)
{
  assert_done (tornadis_harness_cluster_migrate_slot, scene->cluster, slot, to);
}

/* Moves the slot of the second key there, so that a call is redirected: there and back again until the client did not know. */
static void
redirect (Scene *scene,
          TornadisClient *client,
          guint slot,
          guint to)
{
  TornadisPlugin *plugin = find_plugin (client, "redirects");
  guint64 before = get_count (plugin, "redirects");

  while (TRUE)
    {
      move_slot (scene, slot, to);
      assert_call (client, "\"value\"", "GET", scene->keys[1], NULL);
      if (get_count (plugin, "redirects") > before)
        return;
      move_slot (scene, slot, to == 1 ? 2 : 1);
    }
}

/* metrics */

/* What was counted of a server: @type "t" or "u". */
static guint64
get_server_count (TornadisPlugin *metrics,
                  const char *title,
                  const char *name)
{
  g_autoptr (GVariant) snapshot = NULL;
  g_autoptr (GVariant) server = NULL;
  g_autoptr (GVariant) value = NULL;

  g_object_get (metrics, "snapshot", &snapshot, NULL);
  server = g_variant_lookup_value (snapshot, title, G_VARIANT_TYPE_VARDICT);
  if (server == NULL)
    g_error ("nothing was counted of %s", title);
  value = g_variant_lookup_value (server, name, NULL);
  if (value == NULL)
    g_error ("%s was not counted of %s", name, title);

  return g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32) ? g_variant_get_uint32 (value) : g_variant_get_uint64 (value);
}

static guint
count_series (TornadisPlugin *metrics,
              const char *title)
{
  g_autoptr (GVariant) snapshot = NULL;
  g_autoptr (GVariant) server = NULL;
  g_autoptr (GVariant) commands = NULL;

  g_object_get (metrics, "snapshot", &snapshot, NULL);
  server = g_variant_lookup_value (snapshot, title, G_VARIANT_TYPE_VARDICT);
  commands = g_variant_lookup_value (server, "commands", G_VARIANT_TYPE ("aa{sv}"));

  return (guint) g_variant_n_children (commands);
}

/* Wherever it stands: each node is a server, with its calls and its connection. The cluster is another, which has none of
 * these, but what happened to the calls. */
static void
test_metrics (Scene *scene,
              gconstpointer options)
{
  g_autoptr (TornadisClient) client = make_full_client (scene->cluster, options);
  g_autoptr (TornadisPlugin) metrics = g_object_ref (find_plugin (client, "prometheus"));
  TornadisPlugin *plugin = find_plugin (client, "redirects");
  g_autofree char *cluster = make_cluster_title (client);
  g_autofree char *text = NULL;
  g_autofree char *sample = NULL;
  guint64 n_redirects;
  g_autoptr (GVariant) snapshot = NULL;
  guint slot = get_slot (scene, 1);

  for (guint i = 0; i < N_MASTERS; i++)
    assert_call (client, "OK", "SET", scene->keys[i], "value", NULL);
  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *title = make_title (scene->cluster, i);

      g_assert_cmpuint (get_server_count (metrics, title, "connections"), ==, 1);
      g_assert_cmpuint (get_server_count (metrics, title, "connected"), ==, 1);
      g_assert_cmpuint (count_series (metrics, title), ==, 1);
    }
  g_object_get (metrics, "snapshot", &snapshot, NULL);
  g_assert_cmpuint (g_variant_n_children (snapshot), ==, N_MASTERS + 1);
  g_assert_cmpuint (get_count (metrics, "calls"), ==, N_MASTERS);
  g_assert_cmpuint (get_count (metrics, "connections"), ==, N_MASTERS);
  g_assert_cmpuint (get_server_count (metrics, cluster, "connections"), ==, 0);
  g_assert_cmpuint (get_server_count (metrics, cluster, "connected"), ==, 0);
  g_assert_cmpuint (count_series (metrics, cluster), ==, 0);
  g_assert_cmpuint (get_server_count (metrics, cluster, "redirects"), ==, 0);
  g_assert_cmpuint (get_server_count (metrics, cluster, "refreshes"), >=, 1);
  g_assert_cmpuint (get_server_count (metrics, cluster, "failovers"), ==, 0);

  redirect (scene, client, slot, 2);
  n_redirects = get_count (plugin, "redirects");
  g_assert_cmpuint (get_server_count (metrics, cluster, "redirects"), ==, n_redirects);
  g_assert_cmpuint (get_server_count (metrics, cluster, "refreshes"), ==, get_count (plugin, "refreshes"));
  g_object_get (metrics, "prometheus", &text, NULL);
  sample = g_strdup_printf ("tornadis_client_redirects_total{db_system_name=\"redis\",db_namespace=\"0\","
                            "server_address=\"%s\"} %" G_GUINT64_FORMAT "\n",
                            cluster, n_redirects);
  g_assert_nonnull (strstr (text, "# TYPE tornadis_client_redirects_total counter\n"));
  g_assert_nonnull (strstr (text, sample));
  g_assert_null (strstr (text, "tornadis_client_switches_total"));

  /* What was counted stays when the client is gone. */
  g_signal_emit_by_name (metrics, "reset");
  g_assert_cmpuint (get_server_count (metrics, cluster, "redirects"), ==, 0);
  redirect (scene, client, slot, 1);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  n_redirects = get_count (plugin, "redirects") - n_redirects;
  g_assert_cmpuint (n_redirects, >, 0);
  assert_client_finalized (g_steal_pointer (&client));
  g_assert_cmpuint (get_server_count (metrics, cluster, "redirects"), ==, n_redirects);
}

/* The clients of a pool have one cluster, whose events count once. */
static void
test_metrics_of_pool (Scene *scene,
                      gconstpointer options)
{
  g_autoptr (TornadisClient) client = make_full_client (scene->cluster, options);
  TornadisPlugin *metrics = find_plugin (client, "prometheus");
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (client);
  g_autofree char *cluster = make_cluster_title (client);
  TornadisClient *clients[3];

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      clients[i] = assert_take (pool);
      assert_call (clients[i], "(nil)", "GET", scene->keys[0], NULL);
    }
  g_assert_cmpuint (get_server_count (metrics, cluster, "refreshes"), ==, get_count (find_plugin (client, "refreshes"), "refreshes"));
  g_assert_cmpuint (get_server_count (metrics, cluster, "pool-waits"), ==, G_N_ELEMENTS (clients));
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      tornadis_client_pool_release_client (pool, clients[i]);
      g_object_unref (clients[i]);
    }
  tornadis_client_pool_destroy (pool);
}

/* limit */

#define LIMITS "limit.error-rate=0.5&limit.min-calls=2&limit.window-msec=1000000"
#define LONG "limit.open-msec=1000000&limit.max-open-msec=1000000"

static void
assert_open (TornadisPlugin *limit,
             const char *title)
{
  g_auto (GStrv) titles = NULL;

  g_object_get (limit, "open-servers", &titles, NULL);
  g_assert_cmpuint (g_strv_length (titles), ==, title != NULL ? 1 : 0);
  g_assert_cmpstr (titles[0], ==, title);
}

static gboolean
is_busy (TornadisClient *client,
         const char *key)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = call (client, &error, "GET", key, NULL);

  return reply == NULL && g_str_has_prefix (error->message, "BUSY ");
}

/* A script that does not end keeps the second master busy, from begin_script() to end_script(). */
static void
begin_script (Scene *scene,
              GAsyncResult **result)
{
  g_autoptr (TornadisCommand) script =
    tornadis_command_new_strv ((const char *[]){ "EVAL_RO", "while true do end", "1", scene->keys[1], NULL });
  g_autofree char *set G_GNUC_UNUSED = node_command (scene->cluster, 1, "CONFIG SET busy-reply-threshold 1");
  g_autoptr (TornadisClient) other = make_cluster_client (scene->cluster, NULL);

  tornadis_client_call_async (scene->client, script, NULL, store_result, result);
  wait_until (is_busy (other, scene->keys[1]));
}

static void
end_script (Scene *scene,
            GAsyncResult **result)
{
  g_autofree char *killed G_GNUC_UNUSED = node_command (scene->cluster, 1, "SCRIPT KILL");
  g_autofree char *set G_GNUC_UNUSED = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  reply = tornadis_client_call_finish (scene->client, wait_for_result (result), &error);
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  set = node_command (scene->cluster, 1, "CONFIG SET busy-reply-threshold 5000");
}

/* Calls until no more are sent to the busy master. */
static void
open_circuit (Scene *scene,
              TornadisClient *client)
{
  while (TRUE)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply = call (client, &error, "GET", scene->keys[1], NULL);

      g_assert_null (reply);
      if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY))
        break;
      g_assert_true (g_str_has_prefix (error->message, "BUSY "));
    }
}

static void
count_cb (guint *n)
{
  ++*n;
}

/* Behind it: the circuit of one node opens, those of the others stay closed. */
static void
test_limit (Scene *scene,
            gconstpointer options)
{
  g_autoptr (TornadisClient) client = make_full_client (scene->cluster, options);
  TornadisPlugin *limit = find_plugin (client, "open-servers");
  g_autofree char *title = make_title (scene->cluster, 1);
  g_autofree char *get = g_strdup_printf ("GET %s", scene->keys[1]);
  g_autoptr (GAsyncResult) result = NULL;
  guint n_notified = 0;

  g_signal_connect_swapped (limit, "notify::open-servers", G_CALLBACK (count_cb), &n_notified);
  for (guint i = 0; i < N_MASTERS; i++)
    assert_call (client, "OK", "SET", scene->keys[i], scene->keys[i], NULL);

  begin_script (scene, &result);
  open_circuit (scene, client);
  assert_open (limit, title);
  g_assert_cmpuint (n_notified, ==, 1);
  assert_refused (client, get, TORNADIS_ERROR_BUSY, "circuit open");
  for (guint i = 0; i < N_MASTERS; i += 2)
    {
      g_autofree char *text = g_strdup_printf ("\"%s\"", scene->keys[i]);

      for (guint k = 0; k < 5; k++)
        assert_call (client, text, "GET", scene->keys[i], NULL);
    }
  assert_open (limit, title);

  end_script (scene, &result);
  g_object_set (limit, "error-rate", 0.0, NULL);
  assert_open (limit, NULL);
  g_assert_cmpuint (n_notified, ==, 2);
  assert_call (client, "OK", "SET", scene->keys[1], "value", NULL);
  g_assert_cmpuint (get_count (limit, "refused"), ==, 2);
}

static gboolean
has_open (TornadisPlugin *limit)
{
  g_auto (GStrv) titles = NULL;

  g_object_get (limit, "open-servers", &titles, NULL);

  return titles[0] != NULL;
}

static gboolean
is_served (TornadisClient *client,
           const char *key)
{
  g_autoptr (TornadisReply) reply = call (client, NULL, "SET", key, "value", NULL);

  return reply != NULL;
}

/* It closes when the node serves again; meanwhile what the others have in flight does not count. */
static void
test_limit_closes (Scene *scene,
                   gconstpointer options)
{
  g_autoptr (TornadisClient) client = make_full_client (scene->cluster, options);
  TornadisPlugin *limit = find_plugin (client, "open-servers");
  g_autoptr (GAsyncResult) result = NULL;

  begin_script (scene, &result);
  open_circuit (scene, client);
  end_script (scene, &result);
  /* A probe that takes longer than the circuit stays open does not count: there is another one then. */
  wait_until (is_served (client, scene->keys[1]) && !has_open (limit));
}

/* Before it there is one server, the cluster. */
static void
test_limit_before (Scene *scene,
                   gconstpointer options)
{
  g_autoptr (TornadisClient) client = make_full_client (scene->cluster, options);
  TornadisPlugin *limit = find_plugin (client, "open-servers");
  g_autofree char *title = make_cluster_title (client);
  g_autofree char *get = g_strdup_printf ("GET %s", scene->keys[0]);
  g_autoptr (GAsyncResult) result = NULL;

  begin_script (scene, &result);
  open_circuit (scene, client);
  assert_open (limit, title);
  assert_refused (client, get, TORNADIS_ERROR_BUSY, "circuit open");
  end_script (scene, &result);
}

/* The bound is one for all nodes together. */
static void
test_limit_in_flight (Scene *scene,
                      gconstpointer options)
{
  g_autoptr (TornadisClient) client = make_full_client (scene->cluster, options);
  Gauge *gauge = gauge_new ();
  Tally tally = { 0 };

  gauge_add (gauge, client);
  for (guint i = 0; i < 300; i++)
    tally_submit (&tally, client, "INCR", i);
  tally_wait (&tally);
  g_assert_cmpuint (tally.ok, ==, 300);
  g_assert_cmpuint (gauge->calls, ==, 300);
  g_assert_cmpuint (gauge->max, ==, 4);
  gauge_take_off (gauge, client);
  assert_finalized (gauge);
  assert_line (client, "DBSIZE", "(integer) 300");
}

/* key-prefix */

static guint
scan_all (TornadisClient *client,
          const char *prefix)
{
  g_autoptr (GHashTable) found = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *cursor = g_strdup ("0");

  do
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply = call (client, &error, "SCAN", cursor, "COUNT", "7", NULL);
      TornadisReply *keys;

      g_assert_no_error (error);
      g_free (cursor);
      cursor = g_strdup (tornadis_reply_get_text (tornadis_reply_get_element (reply, 0)));
      keys = tornadis_reply_get_element (reply, 1);
      for (gsize i = 0; i < tornadis_reply_get_n_elements (keys); i++)
        {
          const char *key = tornadis_reply_get_text (tornadis_reply_get_element (keys, i));

          g_assert_true (g_str_has_prefix (key, prefix));
          g_hash_table_add (found, g_strdup (key));
        }
    }
  while (!g_str_equal (cursor, "0"));

  return g_hash_table_size (found);
}

/* The slots are those of the names with the prefix; names in replies are without it. */
static void
test_key_prefix (Scene *scene,
                 gconstpointer options)
{
  g_autoptr (TornadisClient) client = make_full_client (scene->cluster, options);
  g_autoptr (TornadisPipeline) atomic = PIPELINE (TRUE, "SET {tag}a 1", "SET {tag}b 2");
  g_autoptr (TornadisPipeline) mixed = PIPELINE (FALSE, "GET own-3", "KEYS own-1?", "MGET own-1 none own-2");
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (TornadisReply) keys = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 40; i++)
    {
      g_autofree char *own = g_strdup_printf ("own-%u", i);
      g_autofree char *other = g_strdup_printf ("other-%u", i);
      g_autofree char *name = g_strdup_printf ("p:own-%u", i);
      g_autofree char *text = g_strdup_printf ("\"%s\"", own);

      assert_call (scene->client, "OK", "SET", other, "other", NULL);
      assert_call (client, "OK", "SET", own, own, NULL);
      assert_call (client, text, "GET", own, NULL);
      assert_call (scene->client, text, "GET", name, NULL);
    }
  assert_line (client, "MSET own-0 a own-1 b own-2 c", "OK");
  assert_line (client, "MGET own-2 other-1 own-0", "1) \"c\"\n2) (nil)\n3) \"a\"");
  assert_line (client, "EXISTS own-0 own-1 other-1", "(integer) 2");

  keys = call (client, &error, "KEYS", "*", NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (tornadis_reply_get_n_elements (keys), ==, 40);
  for (gsize i = 0; i < 40; i++)
    g_assert_true (g_str_has_prefix (tornadis_reply_get_text (tornadis_reply_get_element (keys, i)), "own-"));
  g_assert_cmpuint (scan_all (client, "own-"), ==, 40);
  replies = call_pipeline (client, mixed, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (replies, 0)), ==, "own-3");
  g_assert_cmpuint (tornadis_reply_get_n_elements (tornadis_reply_get_element (replies, 1)), ==, 10);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (tornadis_reply_get_element (replies, 2), 2)), ==, "c");

  /* What is in braces is in one slot, as without the prefix. */
  g_clear_pointer (&replies, tornadis_reply_unref);
  replies = call_pipeline (client, atomic, NULL, &error);
  g_assert_no_error (error);
  assert_line (client, "RENAME {tag}a {tag}c", "OK");
  assert_refused (client, "RENAME own-0 own-1", TORNADIS_ERROR_USAGE, "several slots");
  assert_line (client, "MULTI", "OK");
  assert_line (client, "GET {tag}c", "QUEUED");
  assert_line (client, "EXEC", "1) \"1\"");
  assert_line (client, "UNLINK own-0 own-1 own-2 {tag}b {tag}c", "(integer) 5");
  g_assert_cmpuint (get_redirects (client), ==, 0);
}

/* A slot that moves has the keys with the prefix. */
static void
test_key_prefix_moves (Scene *scene,
                       gconstpointer options)
{
  g_autoptr (TornadisClient) client = make_full_client (scene->cluster, options);
  g_autofree char *first = g_strdup_printf ("{%s}1", scene->keys[1]);
  g_autofree char *second = g_strdup_printf ("{%s}2", scene->keys[1]);
  guint slot = get_slot (scene, 1);

  assert_call (client, "OK", "MSET", first, "1", second, "2", NULL);
  assert_done (tornadis_harness_cluster_begin_migration, scene->cluster, slot, 2);
  g_assert_cmpint (tornadis_harness_cluster_migrate_keys (scene->cluster, slot, 2, 1, NULL), ==, 1);
  assert_call (client, "\"1\"", "GET", first, NULL);
  assert_call (client, "\"2\"", "GET", second, NULL);
  g_assert_cmpuint (get_redirects (client), ==, 1);
  g_assert_cmpint (tornadis_harness_cluster_migrate_keys (scene->cluster, slot, 2, 1, NULL), ==, 1);
  assert_done (tornadis_harness_cluster_end_migration, scene->cluster, slot, 2);
  assert_call (client, "1) \"1\"\n2) \"2\"", "MGET", first, second, NULL);
  move_slot (scene, slot, 1);
}

/* A prefix with something in braces puts all keys into one slot, on one node. */
static void
test_key_prefix_in_braces (Scene *scene,
                           gconstpointer options)
{
  g_autoptr (TornadisClient) client = make_full_client (scene->cluster, options);
  g_autoptr (TornadisPipeline) atomic = PIPELINE (TRUE, "SET a 1", "SET b 2", "SET {c}d 3");
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;
  guint n_nodes = 0;

  replies = call_pipeline (client, atomic, NULL, &error);
  g_assert_no_error (error);
  assert_line (client, "RENAME a z", "OK");
  assert_line (client, "MSETNX x 1 y 2", "(integer) 1");
  g_assert_cmpuint (scan_all (client, ""), ==, 5);
  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *size = node_command (scene->cluster, i, "DBSIZE");

      n_nodes += !g_str_equal (size, ":0\r\n");
    }
  g_assert_cmpuint (n_nodes, ==, 1);
  g_assert_cmpuint (get_redirects (client), ==, 0);
}

/* Behind it the node would be that of the name without the prefix. */
static void
test_key_prefix_behind (Scene *scene,
                        gconstpointer options)
{
  g_autoptr (GError) error = NULL;

  assert_uri_refused (scene, "plugins=cluster,key-prefix&key-prefix.prefix=p:", "has to stand before");
  g_assert_null (tornadis_client_add_plugin_by_name (scene->client, "key-prefix", &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  assert_line (scene->client, "DBSIZE", "(integer) 0");
}

/* trace */

/* That the next message begins with @what, names the server and ends with @outcome. */
static void
assert_traced (const char *what,
               const char *server,
               const char *outcome)
{
  g_autofree char *line = NULL;
  g_autofree char *named = g_strdup_printf (" %s ", server);

  g_assert_cmpuint (messages->len, >, 0);
  line = g_ptr_array_steal_index (messages, 0);
  if (!g_str_has_prefix (line, what) || strstr (line, named) == NULL || !g_str_has_suffix (line, outcome))
    g_error ("“%s” is not of %s, %s, %s", line, what, server, outcome);
}

/* Before it: what a call was, with the node that served it in the end. */
static void
test_trace (Scene *scene,
            gconstpointer options)
{
  g_autoptr (TornadisClient) client = make_full_client (scene->cluster, options);
  g_autofree char *cluster = make_cluster_title (client);
  g_autofree char *second = make_title (scene->cluster, 1);
  g_autofree char *third = make_title (scene->cluster, 2);
  guint slot = get_slot (scene, 1);

  g_ptr_array_set_size (messages, 0);
  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *title = make_title (scene->cluster, i);

      assert_call (client, "OK", "SET", scene->keys[i], "value", NULL);
      assert_traced ("SET", title, " ok");
    }
  assert_call (client, "(integer) 2", "EXISTS", scene->keys[0], scene->keys[1], NULL);
  assert_traced ("EXISTS", cluster, " ok");
  assert_refused (client, "RENAME a b", TORNADIS_ERROR_USAGE, "several slots");
  assert_traced ("RENAME", cluster, " usage");

  move_slot (scene, slot, 2);
  assert_call (client, "\"value\"", "GET", scene->keys[1], NULL);
  assert_traced ("GET", third, " ok");
  move_slot (scene, slot, 1);
  assert_call (client, "\"value\"", "GET", scene->keys[1], NULL);
  assert_traced ("GET", second, " ok");
  g_assert_cmpuint (messages->len, ==, 0);
}

/* Behind it: each exchange with a node, redirections among them. */
static void
test_trace_behind (Scene *scene,
                   gconstpointer options)
{
  g_autoptr (TornadisClient) client = make_full_client (scene->cluster, options);
  g_autofree char *first = make_title (scene->cluster, 0);
  g_autofree char *second = make_title (scene->cluster, 1);
  g_autofree char *third = make_title (scene->cluster, 2);
  guint slot = get_slot (scene, 1);

  g_ptr_array_set_size (messages, 0);
  assert_call (client, "OK", "SET", scene->keys[1], "value", NULL);
  assert_traced ("SET", second, " ok");
  assert_call (client, "(integer) 1", "EXISTS", scene->keys[1], scene->keys[0], NULL);
  g_assert_cmpuint (messages->len, ==, 2);
  if (strstr (g_ptr_array_index (messages, 0), first) != NULL)
    g_ptr_array_add (messages, g_ptr_array_steal_index (messages, 0));
  assert_traced ("EXISTS", second, " ok");
  assert_traced ("EXISTS", first, " ok");

  assert_done (tornadis_harness_cluster_begin_migration, scene->cluster, slot, 2);
  g_assert_cmpint (tornadis_harness_cluster_migrate_keys (scene->cluster, slot, 2, 1, NULL), ==, 1);
  assert_call (client, "\"value\"", "GET", scene->keys[1], NULL);
  assert_traced ("GET", second, " ASK");
  assert_traced ("PIPELINE(2)", third, " ok");
  assert_done (tornadis_harness_cluster_end_migration, scene->cluster, slot, 2);
  assert_call (client, "\"value\"", "GET", scene->keys[1], NULL);
  /* Unless the client has looked at the cluster meanwhile. */
  if (messages->len == 2)
    assert_traced ("GET", second, " MOVED");
  assert_traced ("GET", third, " ok");
  move_slot (scene, slot, 1);
  g_assert_cmpuint (messages->len, ==, 0);
}

/* Any plugin */

static TornadisPlugin *
make_cluster_plugin (Scene *scene)
{
  g_autofree char *uri = make_cluster_uri (scene->cluster, NULL);
  g_autofree char *option = g_strconcat ("uri=", uri, NULL);
  g_autoptr (GError) error = NULL;
  TornadisPlugin *plugin = tornadis_plugin_new_with_options ("cluster", (const char *const[]){ option, NULL }, &error);

  g_assert_no_error (error);
  return plugin;
}

/* One that takes no part in calls is on the nodes' clients wherever it stands: it sees connections made. Behind the plugin it is
 * told when a slot has left a node. */
static void
test_hooks (Scene *scene,
            gconstpointer options)
{
  g_autoptr (TornadisPlugin) plugin = make_cluster_plugin (scene);
  g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", 1);
  HookPlugin *before = add_looking (client, "before", NULL, NULL);
  HookPlugin *behind;
  g_autoptr (GError) error = NULL;
  guint slot = get_slot (scene, 1);
  guint n_pushes;

  g_assert_true (tornadis_client_add_plugin (client, plugin, &error));
  g_assert_no_error (error);
  behind = add_calling (client, "behind", NULL, NULL);
  assert_call (client, "OK", "MSET", scene->keys[0], "a", scene->keys[1], "b", scene->keys[2], "c", NULL);
  g_assert_cmpuint (before->n[SETUP], ==, N_MASTERS);
  g_assert_cmpuint (before->n[OBSERVE], ==, N_MASTERS);
  g_assert_cmpuint (behind->n[SETUP], ==, N_MASTERS);
  g_assert_cmpuint (behind->n[CALL], ==, N_MASTERS);
  g_assert_cmpuint (before->n[PUSH] + behind->n[PUSH], ==, 0);

  move_slot (scene, slot, 2);
  assert_call (client, "\"b\"", "GET", scene->keys[1], NULL);
  g_assert_cmpuint (before->n[PUSH], >=, 1);
  n_pushes = behind->n[PUSH];
  g_assert_cmpuint (n_pushes, >=, 1);
  move_slot (scene, slot, 1);
  assert_call (client, "\"b\"", "GET", scene->keys[1], NULL);
  g_assert_cmpuint (behind->n[PUSH], >, n_pushes);

  take_off (client, behind);
  take_off (client, before);
}

/* One that needs connections, and takes part in calls, would see these without a connection. */
static void
test_hooks_before (Scene *scene,
                   gconstpointer options)
{
  g_autoptr (TornadisPlugin) plugin = make_cluster_plugin (scene);
  g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", 1);
  HookPlugin *before = add_calling (client, "before", NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (tornadis_client_add_plugin (client, plugin, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_assert_nonnull (strstr (error->message, "CallingPlugin"));
  take_off (client, before);
}

/* A master dies */

static void
store_error_cb (TornadisClient *client,
                TornadisReply *reply,
                GError *error,
                gpointer user_data)
{
  *(GError **) user_data = error != NULL ? g_error_copy (error) : g_error_new (G_IO_ERROR, G_IO_ERROR_EXISTS, "it has a reply");
}

/* (out): how the call ended. */
static void
submit_argv (TornadisClient *client,
             GError **ended,
             const char *const *argv)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv (argv);

  tornadis_client_submit (client, command, store_error_cb, ended, NULL);
}

/* retry before it repeats what was lost and only reads, but not what belongs to a transaction; metrics knows that a replica
 * has taken over. */
static void
test_dead_master (void)
{
  TornadisHarnessCluster *cluster = start_cluster (N_MASTERS, 1, NULL);
  g_autoptr (TornadisClient) client =
    make_full_client (cluster, "failover-timeout-msec=60000&plugins=retry,metrics&retry.max-attempts=1000&retry.max-delay-msec=50");
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (client);
  g_autoptr (TornadisClient) watcher = assert_take (pool);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) set_error = NULL;
  g_autoptr (GError) watched_error = NULL;
  g_autofree char *key = make_key (0, "key");
  g_autofree char *title = make_cluster_title (client);
  g_autofree char *waited G_GNUC_UNUSED = NULL;
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", key, NULL });
  TornadisHarnessRedis *node = tornadis_harness_cluster_get_node (cluster, 0);
  guint n_gets;

  assert_call (client, "OK", "SET", key, "value", NULL);
  waited = node_command (cluster, 0, "WAIT 1 0");
  /* It knows by now what only reads. */
  assert_call (client, "\"value\"", "GET", key, NULL);
  assert_call (watcher, "OK", "WATCH", key, NULL);
  n_gets = count_calls (node, "get");

  tornadis_harness_redis_pause (node);
  tornadis_client_call_async (client, get, NULL, store_result, &result);
  submit_argv (client, &set_error, (const char *[]){ "SET", key, "new", NULL });
  submit_argv (watcher, &watched_error, (const char *[]){ "GET", key, NULL });
  spin_for (10);
  g_assert_cmpuint (n_gets, ==, 1);
  tornadis_harness_redis_kill (node);
  wait_until (set_error != NULL && watched_error != NULL);
  g_assert_error (set_error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_error (watched_error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  reply = tornadis_client_call_finish (client, wait_for_result (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "value");
  g_assert_cmpuint (get_count (find_plugin (client, "retries"), "retries"), ==, 1);

  wait_until (get_count (find_plugin (client, "failovers"), "failovers") == 1);
  g_assert_cmpuint (get_server_count (find_plugin (client, "prometheus"), title, "failovers"), ==, 1);
  tornadis_client_pool_release_client (pool, watcher);
  tornadis_client_pool_destroy (pool);
  g_object_unref (cluster);
}

/* limit behind it fails calls of a dead node at once, and has nothing against the heir, which the client finds although no
 * call is sent to the old master any more. */
static void
test_limit_of_dead_master (void)
{
  TornadisHarnessCluster *cluster = start_cluster (N_MASTERS, 1, NULL);
  g_autoptr (TornadisClient) client = make_full_client (cluster, "plugins=cluster,limit&" LIMITS "&" LONG);
  TornadisPlugin *limit = find_plugin (client, "open-servers");
  g_autofree char *key = make_key (0, "key");
  g_autofree char *title = make_title (cluster, 0);
  gboolean is_served = FALSE;

  assert_call (client, "OK", "SET", key, "value", NULL);
  tornadis_harness_redis_kill (tornadis_harness_cluster_get_node (cluster, 0));
  while (!is_served)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply = call (client, &error, "SET", key, "value", NULL);

      is_served = reply != NULL;
      g_assert_true (is_served || error->domain == TORNADIS_ERROR);
      spin_for (1);
    }
  g_assert_cmpuint (get_count (limit, "refused"), >, 0);
  assert_open (limit, title);
  g_object_unref (cluster);
}

#define ADD_WITH(path, options, function) \
  g_test_add ("/cluster-plugins/" path, Scene, options, plugins_set_up, function, scene_tear_down)

/* The options are those of the test's own client. */
static void
plugins_set_up (Scene *scene,
                gconstpointer options)
{
  scene_set_up (scene, NULL);
}

int
main (int argc,
      char **argv)
{
  int status;

  keep_messages ();
  g_test_init (&argc, &argv, NULL);

  ADD_WITH ("metrics", "plugins=metrics", test_metrics);
  ADD_WITH ("metrics-behind", "plugins=cluster,metrics", test_metrics);
  ADD_WITH ("metrics-of-pool", "plugins=metrics", test_metrics_of_pool);
  ADD_WITH ("limit", "plugins=cluster,limit&" LIMITS "&" LONG, test_limit);
  ADD_WITH ("limit-closes", "plugins=cluster,limit&" LIMITS "&limit.open-msec=200&limit.max-open-msec=200", test_limit_closes);
  ADD_WITH ("limit-before", "plugins=limit&" LIMITS "&" LONG, test_limit_before);
  ADD_WITH ("limit-in-flight", "plugins=cluster,limit&limit.max-in-flight=4", test_limit_in_flight);
  ADD_WITH ("key-prefix", "plugins=key-prefix&key-prefix.prefix=p:", test_key_prefix);
  ADD_WITH ("key-prefix-moves", "plugins=key-prefix&key-prefix.prefix=p:", test_key_prefix_moves);
  ADD_WITH ("key-prefix-in-braces", "plugins=key-prefix&key-prefix.prefix={p}:", test_key_prefix_in_braces);
  ADD_WITH ("key-prefix-behind", NULL, test_key_prefix_behind);
  ADD_WITH ("trace", "plugins=trace&trace.level=message", test_trace);
  ADD_WITH ("trace-behind", "plugins=cluster,trace&trace.level=message", test_trace_behind);
  ADD_WITH ("hooks", NULL, test_hooks);
  ADD_WITH ("hooks-before", NULL, test_hooks_before);
  g_test_add_func ("/cluster-plugins/dead-master", test_dead_master);
  g_test_add_func ("/cluster-plugins/limit-of-dead-master", test_limit_of_dead_master);

  status = run_with_cluster (NULL);
  g_ptr_array_unref (messages);
  return status;
}
