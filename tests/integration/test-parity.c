/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis' manual and tornadis' own tests, one by one, under their names. */

#include "integration/util.h"

#include <string.h>

/* Client(autoconnect, password, db, host, port, unix_domain_socket, read_page_size, write_page_size,
 * connect_timeout, tcp_nodelay, aggressive_write, read_timeout) */
static void
test_client_init (Fixture *fixture,
                  gconstpointer data)
{
  g_autoptr (TornadisClient) client =
    g_object_new (TORNADIS_TYPE_CLIENT,
                  "autoconnect", TRUE, "password", NULL, "db", 2, "host", "localhost",
                  "port", tornadis_harness_redis_get_port (fixture->redis), "unix-domain-socket", NULL,
                  "read-page-size", 4096, "write-page-size", 4096, "connect-timeout", 5, "tcp-nodelay", TRUE,
                  "aggressive-write", TRUE, "read-timeout", 10, NULL);
  g_autofree char *info = call_text (client, "CLIENT", "INFO", NULL);

  g_assert_nonnull (strstr (info, " db=2 "));
}

static void
test_client_init_with_db (Fixture *fixture,
                          gconstpointer data)
{
  g_object_set (fixture->client, "db", 3, NULL);
  assert_call (fixture->client, "OK", "SET", "here", "1", NULL);
  tornadis_client_close (fixture->client);
  g_object_set (fixture->client, "db", 0, NULL);
  assert_call (fixture->client, "(nil)", "GET", "here", NULL);
}

/* call */
static void
test_client_ping (Fixture *fixture,
                  gconstpointer data)
{
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
test_client_reply_error (Fixture *fixture,
                         gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (call (fixture->client, &error, "BADCOMMAND", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
}

static void
callback_cb (TornadisClient *client,
             TornadisReply *reply,
             GError *error,
             gpointer user_data)
{
  *(int *) user_data = error != NULL ? error->code : -1;
}

/* async_call with a callback, which tornadis never called when autoconnect failed */
static void
test_client_autoconnect_callback (Fixture *fixture,
                                  gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("PING");
  g_autoptr (TornadisClient) nowhere = tornadis_client_new ("127.0.0.1", 1);
  int code = -2;

  tornadis_client_submit (fixture->client, command, callback_cb, &code, NULL);
  while (code == -2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (code, ==, -1);

  code = -2;
  tornadis_client_submit (nowhere, command, callback_cb, &code, NULL);
  while (code == -2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (code, ==, TORNADIS_ERROR_CONNECT);
}

/* async_call without a callback */
static void
test_client_discard (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "SET", "a", "b", NULL });

  tornadis_client_submit (fixture->client, command, NULL, NULL, NULL);
  assert_call (fixture->client, "\"b\"", "GET", "a", NULL);
}

/* connect, disconnect, is_connected */
static void
test_client_connect_disconnect (Fixture *fixture,
                                gconstpointer data)
{
  g_object_set (fixture->client, "autoconnect", FALSE, NULL);
  g_assert_false (tornadis_client_is_connected (fixture->client));
  g_assert_true (connect_and_wait (fixture->client, NULL));
  g_assert_true (connect_and_wait (fixture->client, NULL));
  g_assert_true (tornadis_client_is_connected (fixture->client));
  tornadis_client_close (fixture->client);
  tornadis_client_close (fixture->client);
  g_assert_false (tornadis_client_is_connected (fixture->client));
}

static void
test_client_server_close_connection (Fixture *fixture,
                                     gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->client, "autoconnect", FALSE, NULL);
  g_assert_true (connect_and_wait (fixture->client, NULL));
  assert_call (fixture->client, "OK", "QUIT", NULL);
  wait_until (!tornadis_client_is_connected (fixture->client));
  g_assert_null (call (fixture->client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
}

/* A megabyte, as tornadis' bigwrite. */
static void
test_connection_bigwrite (Fixture *fixture,
                          gconstpointer data)
{
  g_autofree char *value = g_strnfill (1024 * 1024, 'x');

  assert_call (fixture->client, "OK", "SET", "big", value, NULL);
  assert_call (fixture->client, "(integer) 1048576", "STRLEN", "big", NULL);
}

/* Pipeline: stack_call, number_of_stacked_calls, call(pipeline) */
static void
test_pipeline_basic (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) reply = NULL;
  g_autofree char *text = NULL;

  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "SET", "foo", "bar", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "GET", "foo", NULL });
  g_assert_cmpuint (tornadis_pipeline_get_number_of_stacked_calls (pipeline), ==, 2);
  reply = call_pipeline (fixture->client, pipeline, NULL, NULL);
  text = tornadis_reply_to_string (reply);
  g_assert_cmpstr (text, ==, "1) OK\n2) \"bar\"");
}

static void
test_pipeline_empty (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GError) error = NULL;

  g_assert_null (call_pipeline (fixture->client, pipeline, NULL, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
}

typedef void (*SubscribeFunc) (TornadisPubSubClient *,
                               const char *const *,
                               GCancellable *,
                               GAsyncReadyCallback,
                               gpointer);

static void
assert_subscribe (TornadisPubSubClient *client,
                  SubscribeFunc func,
                  const char *first,
                  const char *second)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  func (client, (const char *[]) { first, second, NULL }, NULL, store_result, &result);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (client, wait_for_result (&result), &error));
  g_assert_no_error (error);
}

static char *
pop (TornadisPubSubClient *client,
     double deadline,
     GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisMessage) message = NULL;

  tornadis_pub_sub_client_pop_message_async (client, deadline, NULL, store_result, &result);
  message = tornadis_pub_sub_client_pop_message_finish (client, wait_for_result (&result), error);
  if (message == NULL)
    return NULL;

  return g_strdup_printf ("%s %s %s", tornadis_message_get_pattern (message) != NULL ? tornadis_message_get_pattern (message) : "-",
                          tornadis_message_get_channel (message), tornadis_message_get_text (message));
}

/* pubsub_subscribe, pubsub_psubscribe, pubsub_unsubscribe, pubsub_punsubscribe, pubsub_pop_message(deadline) */
static void
test_pubsub (Fixture *fixture,
             gconstpointer data)
{
  TornadisPubSubClient *client =
    tornadis_pub_sub_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (GError) error = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *third = NULL;
  gboolean subscribed;

  assert_subscribe (client, tornadis_pub_sub_client_subscribe_async, "null", "channel1");
  assert_subscribe (client, tornadis_pub_sub_client_psubscribe_async, "null_pattern", "pattern*");
  assert_call (fixture->client, "(integer) 1", "PUBLISH", "null", "value0", NULL);
  assert_call (fixture->client, "(integer) 1", "PUBLISH", "pattern1", "value1", NULL);
  first = pop (client, 1, &error);
  g_assert_cmpstr (first, ==, "- null value0");
  second = pop (client, 1, &error);
  g_assert_cmpstr (second, ==, "pattern* pattern1 value1");
  third = pop (client, 1, &error);
  g_assert_null (third);
  g_assert_no_error (error);

  assert_subscribe (client, tornadis_pub_sub_client_unsubscribe_async, "null", "channel1");
  assert_subscribe (client, tornadis_pub_sub_client_punsubscribe_async, "null_pattern", "pattern*");
  g_object_get (client, "subscribed", &subscribed, NULL);
  g_assert_false (subscribed);
  g_assert_null (pop (client, 1, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_clear_error (&error);

  /* call and async_call are refused */
  g_assert_null (call (TORNADIS_CLIENT (client), &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  assert_finalized (client);
}

/* Unsubscribing without a name, tornadis' issue 17. */
static void
test_pubsub_issue17 (Fixture *fixture,
                     gconstpointer data)
{
  TornadisPubSubClient *client =
    tornadis_pub_sub_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));

  assert_subscribe (client, tornadis_pub_sub_client_subscribe_async, "a", "b");
  assert_subscribe (client, tornadis_pub_sub_client_unsubscribe_async, NULL, NULL);
  assert_subscribe (client, tornadis_pub_sub_client_punsubscribe_async, NULL, NULL);
  assert_finalized (client);
}

/* ClientPool(max_size, client_timeout, autoclose), get_connected_client, get_client_nowait, release_client, preconnect,
 * destroy */
static void
test_pool (Fixture *fixture,
           gconstpointer data)
{
  TornadisClientPool *pool =
    g_object_new (TORNADIS_TYPE_CLIENT_POOL, "template", fixture->client, "max-size", 2, "client-timeout", 10, "autoclose", TRUE, NULL);
  g_autoptr (GAsyncResult) connected = NULL;
  g_autoptr (GAsyncResult) preconnected = NULL;
  g_autoptr (TornadisClient) first = NULL;
  g_autoptr (TornadisClient) second = NULL;
  guint idle;

  tornadis_client_pool_get_connected_client_async (pool, NULL, store_result, &connected);
  first = tornadis_client_pool_get_connected_client_finish (pool, wait_for_result (&connected), NULL);
  g_assert_true (tornadis_client_is_connected (first));
  second = tornadis_client_pool_get_client_nowait (pool);
  g_assert_nonnull (second);
  g_assert_false (tornadis_client_is_connected (second));
  g_assert_null (tornadis_client_pool_get_client_nowait (pool));
  tornadis_client_pool_release_client (pool, first);
  tornadis_client_pool_release_client (pool, second);

  tornadis_client_pool_preconnect_async (pool, -1, NULL, store_result, &preconnected);
  g_assert_true (tornadis_client_pool_preconnect_finish (pool, wait_for_result (&preconnected), NULL));
  g_object_get (pool, "idle", &idle, NULL);
  g_assert_cmpuint (idle, ==, 2);
  tornadis_client_pool_destroy (pool);
  g_object_get (pool, "idle", &idle, NULL);
  g_assert_cmpuint (idle, ==, 0);
  g_clear_object (&connected);
  g_clear_object (&preconnected);
  assert_finalized (pool);
}

#define ADD(name, func) g_test_add ("/parity/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("client/init", test_client_init);
  ADD ("client/init_with_db", test_client_init_with_db);
  ADD ("client/ping", test_client_ping);
  ADD ("client/reply_error", test_client_reply_error);
  ADD ("client/autoconnect_callback", test_client_autoconnect_callback);
  ADD ("client/discard", test_client_discard);
  ADD ("client/connect_disconnect", test_client_connect_disconnect);
  ADD ("client/server_close_connection", test_client_server_close_connection);
  ADD ("connection/bigwrite", test_connection_bigwrite);
  ADD ("pipeline/basic", test_pipeline_basic);
  ADD ("pipeline/empty", test_pipeline_empty);
  ADD ("pubsub/pubsub", test_pubsub);
  ADD ("pubsub/issue17", test_pubsub_issue17);
  ADD ("pool/pool", test_pool);

  return g_test_run ();
}
