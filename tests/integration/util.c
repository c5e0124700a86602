/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-private.h"

/* Nothing takes so long on the slowest machine. */
#define PATIENCE_MSEC 60000

void
fixture_set_up (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->redis = tornadis_harness_redis_new (data, &error);
  g_assert_no_error (error);
  fixture->client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
}

void
fixture_set_up_resp2 (Fixture *fixture,
                      gconstpointer data)
{
  fixture_set_up (fixture, data);
  g_object_set (fixture->client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
}

void
fixture_tear_down (Fixture *fixture,
                   gconstpointer data)
{
  /* A call that just ended may still hold the client in an idle source. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_client_finalized (fixture->client);
  g_clear_object (&fixture->redis);
}

TornadisHarnessCluster *
start_cluster (guint n_masters,
               guint n_replicas,
               const char *const *args)
{
  g_autoptr (GError) error = NULL;
  TornadisHarnessCluster *cluster = tornadis_harness_cluster_new (n_masters, n_replicas, args, &error);

  g_assert_no_error (error);
  return cluster;
}

char *
make_cluster_uri (TornadisHarnessCluster *cluster,
                  const char *options)
{
  g_autofree char *hosts = tornadis_harness_cluster_get_hosts (cluster, FALSE);

  return g_strconcat ("redis-cluster://", hosts, options != NULL ? "?" : "", options, NULL);
}

TornadisClient *
make_cluster_client (TornadisHarnessCluster *cluster,
                     const char *options)
{
  g_autofree char *uri = make_cluster_uri (cluster, options);
  g_autoptr (GError) error = NULL;
  TornadisClient *client = tornadis_client_new_for_uri (uri, &error);

  g_assert_no_error (error);
  return client;
}

void
assert_client_finalized (TornadisClient *client)
{
  GObject *alive = G_OBJECT (client);

  g_object_add_weak_pointer (alive, (gpointer *) &alive);
  g_object_unref (alive);
  while (alive != NULL && g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_null (alive);
}

TornadisHarnessPeer *
make_peer (const char *script)
{
  g_autoptr (GError) error = NULL;
  TornadisHarnessPeer *peer = tornadis_harness_peer_new (script, &error);

  g_assert_no_error (error);
  return peer;
}

TornadisClient *
make_client (TornadisHarnessPeer *peer)
{
  return tornadis_client_new ("127.0.0.1", (guint16) tornadis_harness_peer_get_port (peer));
}

static gboolean
timeout_cb (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static guint
slow (guint msec)
{
  const char *factor = g_getenv ("TORNADIS_TEST_SLOW");

  return factor != NULL ? msec * (guint) MAX (1, g_ascii_strtoll (factor, NULL, 10)) : msec;
}

gboolean
spin_until (gboolean *flag,
            guint msec)
{
  gboolean over = FALSE;
  guint id = g_timeout_add (slow (msec), timeout_cb, &over);

  while (!*flag && !over)
    g_main_context_iteration (NULL, TRUE);

  if (!over)
    g_source_remove (id);
  return *flag;
}

void
spin_for (guint msec)
{
  gboolean over = FALSE;

  g_timeout_add (msec, timeout_cb, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);

  /* On a busy machine the time may be over at once, before anything else had its turn. */
  for (guint i = 0; i < 100 && g_main_context_iteration (NULL, FALSE); i++)
    ;
}

gint64
get_patience (void)
{
  return g_get_monotonic_time () + slow (PATIENCE_MSEC) * G_TIME_SPAN_MILLISECOND;
}

static guint
get_info (TornadisHarnessRedis *redis,
          const char *section,
          const char *field)
{
  g_autofree char *command = g_strdup_printf ("INFO %s", section);
  g_autofree char *info = tornadis_harness_redis_command (redis, command, NULL);
  const char *found = info != NULL ? strstr (info, field) : NULL;

  return found != NULL ? (guint) g_ascii_strtoull (found + strlen (field), NULL, 10) : 0;
}

guint
count_blocked (TornadisHarnessRedis *redis)
{
  return get_info (redis, "clients", "blocked_clients:");
}

guint
count_calls (TornadisHarnessRedis *redis,
             const char *name)
{
  g_autofree char *field = g_strdup_printf ("cmdstat_%s:calls=", name);

  return get_info (redis, "commandstats", field);
}

guint
get_server_version (TornadisHarnessRedis *redis,
                    gboolean *is_valkey)
{
  g_autofree char *info = tornadis_harness_redis_command (redis, "INFO server", NULL);
  const char *valkey = strstr (info, "valkey_version:");
  const char *field = valkey != NULL ? valkey : strstr (info, "redis_version:");
  char *end;
  guint64 major;

  g_assert_nonnull (field);
  major = g_ascii_strtoull (strchr (field, ':') + 1, &end, 10);
  if (is_valkey != NULL)
    *is_valkey = valkey != NULL;

  return (guint) (100 * major + g_ascii_strtoull (end + 1, NULL, 10));
}

guint
count_received (TornadisHarnessPeer *peer,
                const char *name)
{
  g_autofree char *received = tornadis_harness_peer_get_received (peer);
  g_auto (GStrv) lines = g_strsplit (received, "\n", -1);
  guint n = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], " ", 2);

      n += g_strcmp0 (words[0], name) == 0;
    }

  return n;
}

void
store_result (GObject *object,
              GAsyncResult *result,
              gpointer result_location)
{
  GAsyncResult **location = result_location;

  g_assert_null (*location);
  *location = g_object_ref (result);
}

GAsyncResult *
wait_for_result (GAsyncResult **result_location)
{
  gboolean over = FALSE;
  guint id = g_timeout_add (slow (PATIENCE_MSEC), timeout_cb, &over);

  while (*result_location == NULL && !over)
    g_main_context_iteration (NULL, TRUE);

  g_assert_false (over);
  g_source_remove (id);
  return *result_location;
}

TornadisMessage *
pop_message (TornadisPubSubClient *client)
{
  g_autoptr (GAsyncResult) popped = NULL;
  g_autoptr (GError) error = NULL;
  TornadisMessage *message;

  tornadis_pub_sub_client_pop_message_async (client, -1, NULL, store_result, &popped);
  message = tornadis_pub_sub_client_pop_message_finish (client, wait_for_result (&popped), &error);
  g_assert_no_error (error);
  g_assert_nonnull (message);

  return message;
}

TornadisClient *
take (TornadisClientPool *pool,
      GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_client_pool_get_connected_client_async (pool, NULL, store_result, &result);
  return tornadis_client_pool_get_connected_client_finish (pool, wait_for_result (&result), error);
}

TornadisClient *
assert_take (TornadisClientPool *pool)
{
  g_autoptr (GError) error = NULL;
  TornadisClient *client = take (pool, &error);

  g_assert_no_error (error);
  g_assert_true (tornadis_client_is_connected (client));
  return client;
}

TornadisPipeline *
make_pipeline (gboolean atomic,
               const char *const *lines)
{
  TornadisPipeline *pipeline = tornadis_pipeline_new ();

  tornadis_pipeline_set_atomic (pipeline, atomic);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) argv = g_strsplit (lines[i], " ", -1);

      tornadis_pipeline_stack_strv (pipeline, (const char *const *) argv);
    }

  return pipeline;
}

gboolean
connect_and_wait (TornadisClient *client,
                  GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_client_connect_async (client, NULL, store_result, &result);
  return tornadis_client_connect_finish (client, wait_for_result (&result), error);
}

static TornadisReply *
call_valist (TornadisClient *client,
             GError **error,
             va_list args)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (TornadisCommand) command = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  const char *arg;

  while ((arg = va_arg (args, const char *)) != NULL)
    g_ptr_array_add (argv, (gpointer) arg);
  g_ptr_array_add (argv, NULL);

  command = tornadis_command_new_strv ((const char *const *) argv->pdata);
  tornadis_client_call_async (client, command, NULL, store_result, &result);
  return tornadis_client_call_finish (client, wait_for_result (&result), error);
}

TornadisReply *
call (TornadisClient *client,
      GError **error,
      ...)
{
  TornadisReply *reply;
  va_list args;

  va_start (args, error);
  reply = call_valist (client, error, args);
  va_end (args);

  return reply;
}

char *
call_text (TornadisClient *client,
           ...)
{
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, client);
  reply = call_valist (client, &error, args);
  va_end (args);

  g_assert_no_error (error);
  return tornadis_reply_to_string (reply);
}

void
assert_call (TornadisClient *client,
             const char *expected,
             ...)
{
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, expected);
  reply = call_valist (client, &error, args);
  va_end (args);

  g_assert_no_error (error);
  text = tornadis_reply_to_string (reply);
  g_assert_cmpstr (text, ==, expected);
}

TornadisReply *
call_pipeline (TornadisClient *client,
               TornadisPipeline *pipeline,
               GCancellable *cancellable,
               GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_client_call_pipeline_async (client, pipeline, cancellable, store_result, &result);
  return tornadis_client_call_pipeline_finish (client, wait_for_result (&result), error);
}

void
enable_packs (void)
{
  TORNADIS_PRIVATE_CALL (reply_pack_enable, 's');
}
