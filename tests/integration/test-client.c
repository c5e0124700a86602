/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

static void
count_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  guint *n = user_data;

  g_assert_true ((reply == NULL) != (error == NULL));
  (*n)++;
}

static void
submit (TornadisClient *client,
        TornadisReplyFunc func,
        gpointer user_data,
        const char *const *argv)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv (argv);

  tornadis_client_submit (client, command, func, user_data, NULL);
}

#define SUBMIT(client, func, data, ...) submit (client, func, data, (const char *[]) { __VA_ARGS__, NULL })

static void
wait_for_count (guint *n,
                guint expected)
{
  gint64 patience = get_patience ();

  while (*n < expected && g_get_monotonic_time () < patience)
    g_main_context_iteration (NULL, TRUE);

  g_assert_cmpuint (*n, ==, expected);
}

static guint
get_total_connections (Fixture *fixture)
{
  g_autofree char *info = tornadis_harness_redis_command (fixture->redis, "INFO stats", NULL);
  const char *field = strstr (info, "total_connections_received:");

  g_assert_nonnull (field);
  return (guint) g_ascii_strtoull (strchr (field, ':') + 1, NULL, 10);
}

static void
test_defaults (void)
{
  g_autoptr (TornadisClient) client = g_object_new (TORNADIS_TYPE_CLIENT, NULL);
  g_autofree char *host = NULL;
  g_autofree char *unix_domain_socket = NULL;
  g_autofree char *username = NULL;
  g_autofree char *password = NULL;
  g_autofree char *client_name = NULL;
  g_autofree char *title = NULL;
  guint tcp_user_timeout, port, connect_timeout, read_timeout, call_timeout, read_page_size, write_page_size, max_pending, protocol_version, verify_replies;
  int db;
  gboolean autoconnect, tcp_nodelay, aggressive_write, busy_poll, tls, connected;
  guint64 max_queued_bytes, max_reply_size;
  TornadisProtocol protocol;
  TornadisClientState state;

  g_object_get (client,
                "host", &host, "port", &port, "unix-domain-socket", &unix_domain_socket, "username", &username,
                "password", &password, "db", &db, "client-name", &client_name, "protocol", &protocol,
                "autoconnect", &autoconnect, "connect-timeout", &connect_timeout, "read-timeout", &read_timeout,
                "call-timeout-msec", &call_timeout, "tcp-nodelay", &tcp_nodelay, "tcp-user-timeout-msec", &tcp_user_timeout, "aggressive-write", &aggressive_write,
                "busy-poll", &busy_poll, "read-page-size", &read_page_size, "write-page-size", &write_page_size, "tls", &tls,
                "max-pending", &max_pending, "max-queued-bytes", &max_queued_bytes, "max-reply-size", &max_reply_size,
                "state", &state, "connected", &connected, "title", &title, "protocol-version", &protocol_version,
                "verify-replies", &verify_replies, NULL);

  g_assert_cmpstr (host, ==, "127.0.0.1");
  g_assert_cmpuint (port, ==, 6379);
  g_assert_null (unix_domain_socket);
  g_assert_null (username);
  g_assert_null (password);
  g_assert_null (client_name);
  g_assert_cmpint (db, ==, 0);
  g_assert_cmpint (protocol, ==, TORNADIS_PROTOCOL_AUTO);
  g_assert_true (autoconnect);
  g_assert_cmpuint (connect_timeout, ==, 20);
  g_assert_cmpuint (read_timeout, ==, 0);
  g_assert_cmpuint (call_timeout, ==, 0);
  g_assert_true (tcp_nodelay);
  g_assert_cmpuint (tcp_user_timeout, ==, 30000);
  g_assert_false (aggressive_write);
  g_assert_true (busy_poll);
  g_assert_cmpuint (verify_replies, ==, 0);
  g_assert_cmpuint (read_page_size, ==, 65536);
  g_assert_cmpuint (write_page_size, ==, 65536);
  g_assert_false (tls);
  g_assert_cmpuint (max_pending, ==, 1048576);
  g_assert_cmpuint (max_queued_bytes, ==, 256 * 1024 * 1024);
  g_assert_cmpuint (max_reply_size, ==, 512 * 1024 * 1024);
  g_assert_cmpint (state, ==, TORNADIS_CLIENT_STATE_DISCONNECTED);
  g_assert_false (connected);
  g_assert_cmpstr (title, ==, "127.0.0.1:6379");
  g_assert_cmpuint (protocol_version, ==, 0);
}

static void
test_uri (Fixture *fixture,
          gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *tcp = g_strdup_printf ("redis://127.0.0.1:%u/3?client-name=editor&protocol=2&call-timeout-msec=9000",
                                          tornadis_harness_redis_get_port (fixture->redis));
  g_autofree char *path = g_uri_escape_string (tornadis_harness_redis_get_socket_path (fixture->redis), "/", TRUE);
  g_autofree char *unix_uri = g_strdup_printf ("unix://%s?db=2", path);
  g_autoptr (TornadisClient) over_tcp = tornadis_client_new_for_uri (tcp, &error);
  g_autoptr (TornadisClient) over_unix = NULL;
  g_autofree char *info = NULL;
  guint protocol_version;

  g_assert_no_error (error);
  over_unix = tornadis_client_new_for_uri (unix_uri, &error);
  g_assert_no_error (error);

  assert_call (over_tcp, "OK", "SET", "where", "three", NULL);
  assert_call (over_tcp, "\"editor\"", "CLIENT", "GETNAME", NULL);
  g_object_get (over_tcp, "protocol-version", &protocol_version, NULL);
  g_assert_cmpuint (protocol_version, ==, 2);

  info = call_text (over_unix, "CLIENT", "INFO", NULL);
  g_assert_nonnull (strstr (info, " db=2 "));
  g_assert_nonnull (strstr (info, " resp=3"));
}

static void
test_uri_bad (void)
{
  static const char *const uris[] = {
    "redis://h?nonsense=1", "redis://h?state=connected", "redis://h?password=x", "redis://h?protocol=9", "redis://h?autoconnect=maybe",
    "redis://h?connect-timeout=-1", "redis://h?connectable=x", "http://h", "", "redis://h:70000",
  };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;
      TornadisClient *client = tornadis_client_new_for_uri (uris[i], &error);

      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      g_assert_null (client);
    }
}

static void
test_connectable (Fixture *fixture,
                  gconstpointer data)
{
  g_autoptr (GSocketConnectable) address =
    g_network_address_new ("localhost", tornadis_harness_redis_get_port (fixture->redis));
  g_autoptr (TornadisClient) client =
    g_object_new (TORNADIS_TYPE_CLIENT, "unix-domain-socket", "/nowhere", "connectable", address, NULL);

  assert_call (client, "PONG", "PING", NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
test_connect (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  TornadisClientState state;

  g_assert_false (tornadis_client_is_connected (fixture->client));
  g_assert_true (connect_and_wait (fixture->client, &error));
  g_assert_true (tornadis_client_is_connected (fixture->client));
  g_assert_true (connect_and_wait (fixture->client, &error));
  g_assert_no_error (error);
  g_object_get (fixture->client, "state", &state, NULL);
  g_assert_cmpint (state, ==, TORNADIS_CLIENT_STATE_CONNECTED);

  tornadis_client_close (fixture->client);
  g_assert_false (tornadis_client_is_connected (fixture->client));
  tornadis_client_close (fixture->client);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
test_connect_cancelled (Fixture *fixture,
                        gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_client_connect_async (fixture->client, cancellable, store_result, &first);
  tornadis_client_connect_async (fixture->client, NULL, store_result, &second);
  g_cancellable_cancel (cancellable);

  g_assert_false (tornadis_client_connect_finish (fixture->client, wait_for_result (&first), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_true (tornadis_client_connect_finish (fixture->client, wait_for_result (&second), &error));
  g_assert_no_error (error);
}

/* However many calls wait, one connection is made. */
static void
test_single_flight (Fixture *fixture,
                    gconstpointer data)
{
  guint before = get_total_connections (fixture);
  guint n = 0;

  for (guint i = 0; i < 100; i++)
    SUBMIT (fixture->client, count_cb, &n, "PING");
  wait_for_count (&n, 100);

  /* One is the client's, the other asks. */
  g_assert_cmpuint (get_total_connections (fixture), ==, before + 2);
}

typedef struct
{
  guint next;
  guint errors;
} Order;

static void
order_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  Order *order = user_data;
  g_autofree char *expected = g_strdup_printf ("%u", order->next++);

  g_assert_no_error (error);
  if (g_strcmp0 (tornadis_reply_get_text (reply), expected) != 0)
    order->errors++;
}

static void
test_order (Fixture *fixture,
            gconstpointer data)
{
  Order order = { 0 };

  for (guint i = 0; i < 10000; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      SUBMIT (fixture->client, order_cb, &order, "ECHO", text);
    }

  wait_for_count (&order.next, 10000);
  g_assert_cmpuint (order.errors, ==, 0);
}

static void
test_binary (Fixture *fixture,
             gconstpointer data)
{
  static const char value[] = "a\0b\r\n\xff\xfe$3\r\n";
  GBytes *args[] = { g_bytes_new_static ("SET", 3), g_bytes_new_static ("k\0k", 3), g_bytes_new_static (value, sizeof value - 1) };
  GBytes *get_args[] = { g_bytes_new_static ("GET", 3), args[1] };
  g_autoptr (TornadisCommand) set = tornadis_command_new_bytes (args, 3);
  g_autoptr (TornadisCommand) get = tornadis_command_new_bytes (get_args, 2);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  const guint8 *bytes;
  gsize length;

  tornadis_client_submit (fixture->client, set, NULL, NULL, NULL);
  tornadis_client_call_async (fixture->client, get, NULL, store_result, &result);
  reply = tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error);
  g_assert_no_error (error);

  bytes = tornadis_reply_get_data (reply, &length);
  g_assert_cmpmem (bytes, length, value, sizeof value - 1);
  g_assert_null (tornadis_reply_get_text (reply));

  assert_call (fixture->client, "OK", "SET", "empty", "", NULL);
  assert_call (fixture->client, "\"\"", "GET", "empty", NULL);

  for (guint i = 0; i < 3; i++)
    g_bytes_unref (args[i]);
  g_bytes_unref (get_args[0]);
}

static void
test_error_reply (Fixture *fixture,
                  gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *prefix = NULL;

  assert_call (fixture->client, "OK", "SET", "text", "abc", NULL);
  g_assert_null (call (fixture->client, &error, "LPUSH", "text", "x", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_assert_cmpstr (error->message, ==, "WRONGTYPE Operation against a key holding the wrong kind of value");
  prefix = tornadis_error_dup_prefix (error);
  g_assert_cmpstr (prefix, ==, "WRONGTYPE");
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
test_refused (Fixture *fixture,
              gconstpointer data)
{
  static const char *const commands[][3] = {
    { "SUBSCRIBE", "a" }, { "psubscribe", "a" }, { "UNSUBSCRIBE" }, { "SYNC" }, { "PSYNC", "?" },
    { "hello", "3" }, { "RESET" }, { "CLIENT", "REPLY" }, { "SSUBSCRIBE", "a" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (call (fixture->client, &error, commands[i][0], commands[i][1], commands[i][2], NULL));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
    }

  assert_call (fixture->client, "PONG", "PING", NULL);
}

/* Programs with many files have numbers for them that do not go into a set of select(). */
static void
test_many_files (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisPubSubClient) subscriber = tornadis_pub_sub_client_new ("127.0.0.1", tornadis_harness_redis_get_port (fixture->redis));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GArray) files = g_array_new (FALSE, FALSE, sizeof (int));
  struct rlimit limit, more;
  int file = 0;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  more = (struct rlimit){ MAX (limit.rlim_cur, 4 * FD_SETSIZE), limit.rlim_max };
  if (setrlimit (RLIMIT_NOFILE, &more) != 0)
    {
      g_test_skip ("this process may not have so many files");
      return;
    }

  while (file < FD_SETSIZE + 16)
    {
      file = open ("/dev/null", O_RDONLY | O_CLOEXEC);
      g_assert_cmpint (file, >=, 0);
      g_array_append_val (files, file);
    }

  assert_call (fixture->client, "OK", "SET", "key", "value", NULL);
  assert_call (fixture->client, "\"value\"", "GET", "key", NULL);
  tornadis_pub_sub_client_subscribe_async (subscriber, (const char *[]){ "channel", NULL }, NULL, store_result, &result);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (subscriber, wait_for_result (&result), NULL));
  assert_call (fixture->client, "(integer) 1", "PUBLISH", "channel", "text", NULL);

  for (guint i = 0; i < files->len; i++)
    close (g_array_index (files, int, i));
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

static void
test_no_arguments (Fixture *fixture,
                   gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_bytes (NULL, 0);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_client_call_async (fixture->client, command, NULL, store_result, &result);
  g_assert_null (result);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
}

static void
test_autoconnect_off (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->client, "autoconnect", FALSE, NULL);
  g_assert_null (call (fixture->client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  g_clear_error (&error);

  g_assert_true (connect_and_wait (fixture->client, &error));
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
test_authentication (Fixture *fixture,
                     gconstpointer data)
{
  static const struct
  {
    const char *username;
    const char *password;
    TornadisProtocol protocol;
    gboolean ok;
  } cases[] = {
    { NULL, "s3cret", TORNADIS_PROTOCOL_AUTO, TRUE },
    { NULL, "s3cret", TORNADIS_PROTOCOL_RESP2, TRUE },
    { "alice", "wonderland", TORNADIS_PROTOCOL_AUTO, TRUE },
    { "alice", "wonderland", TORNADIS_PROTOCOL_RESP2, TRUE },
    { NULL, "wr0ng", TORNADIS_PROTOCOL_AUTO, FALSE },
    { NULL, "wr0ng", TORNADIS_PROTOCOL_RESP2, FALSE },
    { "alice", "wr0ng", TORNADIS_PROTOCOL_AUTO, FALSE },
    { "nobody", "wr0ng", TORNADIS_PROTOCOL_RESP2, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      tornadis_client_close (fixture->client);
      g_object_set (fixture->client, "username", cases[i].username, "password", cases[i].password, "protocol", cases[i].protocol,
                    NULL);

      if (cases[i].ok)
        {
          assert_call (fixture->client, "PONG", "PING", NULL);
          continue;
        }

      g_assert_false (connect_and_wait (fixture->client, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION);
      g_assert_null (strstr (error->message, "wr0ng"));
      g_assert_nonnull (strstr (error->message, "WRONGPASS"));
      g_assert_false (tornadis_client_is_connected (fixture->client));
    }
}

/* Without a password a server that wants one refuses commands, and the calls say so. */
static void
test_authentication_missing (Fixture *fixture,
                             gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (call (fixture->client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION);
  g_clear_error (&error);

  g_object_set (fixture->client, "password", "s3cret", NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
test_bad_db (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->client, "db", 99, NULL);
  g_assert_null (call (fixture->client, &error, "SET", "a", "b", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_assert_nonnull (strstr (error->message, "DB index is out of range"));
  g_assert_false (tornadis_client_is_connected (fixture->client));

  g_object_set (fixture->client, "db", 1, NULL);
  assert_call (fixture->client, "OK", "SET", "a", "b", NULL);
}

static void
kill_links (Fixture *fixture)
{
  g_autofree char *answer = tornadis_harness_redis_command (fixture->redis, "CLIENT KILL TYPE normal SKIPME yes", NULL);

  g_assert_true (g_str_has_prefix (answer, ":"));
}

static void
wait_for_state (TornadisClient *client,
                TornadisClientState wanted)
{
  gint64 patience = get_patience ();
  TornadisClientState state;

  do
    {
      g_main_context_iteration (NULL, FALSE);
      g_object_get (client, "state", &state, NULL);
    }
  while (state != wanted && g_get_monotonic_time () < patience);

  g_assert_cmpint (state, ==, wanted);
}

static void
count_signal_cb (TornadisClient *client,
                 GError *error,
                 gpointer user_data)
{
  (*(int *) user_data)++;
}

/* SELECT and AUTH that succeeded hold on the next link. */
static void
test_remembered (Fixture *fixture,
                 gconstpointer data)
{
  g_autofree char *info = NULL;
  int db;

  g_object_set (fixture->client, "password", "s3cret", NULL);
  assert_call (fixture->client, "OK", "SELECT", "4", NULL);
  assert_call (fixture->client, "OK", "AUTH", "alice", "wonderland", NULL);
  g_object_get (fixture->client, "db", &db, NULL);
  g_assert_cmpint (db, ==, 4);

  tornadis_client_close (fixture->client);
  info = call_text (fixture->client, "CLIENT", "INFO", NULL);
  g_assert_nonnull (strstr (info, " db=4 "));
  g_assert_nonnull (strstr (info, " user=alice "));
}

static void
test_idle_loss (Fixture *fixture,
                gconstpointer data)
{
  /* Static, because the last one is emitted when the fixture goes. */
  static int connected = 0;

  assert_call (fixture->client, "PONG", "PING", NULL);
  g_signal_connect (fixture->client, "disconnected", G_CALLBACK (count_signal_cb), &connected);
  kill_links (fixture);

  /* The loop has not seen the loss yet; the call must not be lost with it. */
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpint (connected, ==, 1);

  kill_links (fixture);
  wait_for_state (fixture->client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpint (connected, ==, 2);
}

static void
lost_cb (TornadisClient *client,
         TornadisReply *reply,
         GError *error,
         gpointer user_data)
{
  guint *n = user_data;

  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  (*n)++;
}

static void
test_loss_with_calls (Fixture *fixture,
                      gconstpointer data)
{
  guint n = 0;

  assert_call (fixture->client, "PONG", "PING", NULL);
  SUBMIT (fixture->client, lost_cb, &n, "BLPOP", "nothing", "0");
  SUBMIT (fixture->client, lost_cb, &n, "INCR", "counter");
  /* The first is written at once, the second from the main loop. */
  spin_for (1);
  wait_until (count_blocked (fixture->redis) == 1);
  kill_links (fixture);
  wait_for_count (&n, 2);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
test_restart (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  TornadisReply *reply;
  gint64 patience;

  assert_call (fixture->client, "PONG", "PING", NULL);
  tornadis_harness_redis_kill (fixture->redis);
  wait_for_state (fixture->client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  reply = call (fixture->client, &error, "PING", NULL);
  g_assert_null (reply);
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_clear_error (&error);

  g_assert_true (tornadis_harness_redis_restart (fixture->redis, &error));
  patience = get_patience ();
  do
    {
      g_clear_error (&error);
      reply = call (fixture->client, &error, "PING", NULL);
    }
  while (reply == NULL && g_get_monotonic_time () < patience);

  g_assert_nonnull (reply);
  tornadis_reply_unref (reply);
}

static void
closed_or_lost_cb (TornadisClient *client,
                   TornadisReply *reply,
                   GError *error,
                   gpointer user_data)
{
  guint *n = user_data;

  g_assert_true (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED) ||
                 g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST));
  (*n)++;
}

static void
test_close_with_calls (Fixture *fixture,
                       gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisCommand) command = tornadis_command_new ("PING");
  g_autoptr (GError) error = NULL;
  guint n = 0;

  /* While connecting. */
  SUBMIT (fixture->client, closed_or_lost_cb, &n, "PING");
  tornadis_client_call_async (fixture->client, command, NULL, store_result, &result);
  tornadis_client_close (fixture->client);
  g_assert_cmpuint (n, ==, 1);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);

  /* While waiting for replies. */
  assert_call (fixture->client, "PONG", "PING", NULL);
  n = 0;
  for (guint i = 0; i < 100; i++)
    SUBMIT (fixture->client, closed_or_lost_cb, &n, "PING");
  tornadis_client_close (fixture->client);
  g_assert_cmpuint (n, ==, 100);
  spin_for (50);
  g_assert_cmpuint (n, ==, 100);
}

static void
close_in_callback_cb (TornadisClient *client,
                      TornadisReply *reply,
                      GError *error,
                      gpointer user_data)
{
  tornadis_client_close (client);
  count_cb (client, reply, error, user_data);
}

static void
test_close_in_callback (Fixture *fixture,
                        gconstpointer data)
{
  guint n = 0;

  SUBMIT (fixture->client, close_in_callback_cb, &n, "PING");
  for (guint i = 0; i < 10; i++)
    SUBMIT (fixture->client, count_cb, &n, "PING");
  wait_for_count (&n, 11);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
unref_in_callback_cb (TornadisClient *client,
                      TornadisReply *reply,
                      GError *error,
                      gpointer user_data)
{
  count_cb (client, reply, error, user_data);
  g_object_unref (client);
}

static void
test_unref_in_callback (Fixture *fixture,
                        gconstpointer data)
{
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  guint n = 0;

  g_object_add_weak_pointer (G_OBJECT (client), (gpointer *) &client);
  SUBMIT (client, unref_in_callback_cb, &n, "PING");
  SUBMIT (client, count_cb, &n, "PING");
  wait_for_count (&n, 2);
  g_assert_null (client);
}

/* A call made with a task keeps the client; one made with submit ends with it. */
static void
test_drop_with_calls (Fixture *fixture,
                      gconstpointer data)
{
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (TornadisCommand) command = tornadis_command_new ("PING");
  guint n = 0;

  SUBMIT (client, closed_or_lost_cb, &n, "PING");
  g_assert_finalize_object (client);
  g_assert_cmpuint (n, ==, 1);

  client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  {
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (TornadisReply) reply = NULL;
    g_autoptr (GError) error = NULL;
    TornadisClient *alive = client;

    tornadis_client_call_async (client, command, NULL, store_result, &result);
    g_object_unref (client);
    reply = tornadis_client_call_finish (alive, wait_for_result (&result), &error);
    g_assert_no_error (error);
    g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "PONG");
  }
}

static void
again_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  guint *n = user_data;

  g_assert_no_error (error);
  if (++(*n) < 1000)
    SUBMIT (client, again_cb, user_data, "PING");
}

static void
test_call_in_callback (Fixture *fixture,
                       gconstpointer data)
{
  guint n = 0;

  SUBMIT (fixture->client, again_cb, &n, "PING");
  wait_for_count (&n, 1000);
}

static void
nested_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  gboolean *done = user_data;

  /* A dialog that runs a main loop of its own. */
  assert_call (client, "\"inner\"", "ECHO", "inner", NULL);
  *done = TRUE;
}

static void
test_nested_loop (Fixture *fixture,
                  gconstpointer data)
{
  gboolean done = FALSE;
  guint n = 0;

  SUBMIT (fixture->client, nested_cb, &done, "PING");
  SUBMIT (fixture->client, count_cb, &n, "PING");
  g_assert_true (spin_until (&done, 60000));
  wait_for_count (&n, 1);
}

static void
timeout_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  g_assert_nonnull (strstr (error->message, "BLPOP"));
  (*(guint *) user_data)++;
}

static void
test_call_timeout (Fixture *fixture,
                   gconstpointer data)
{
  gint64 start;
  guint n = 0;

  assert_call (fixture->client, "PONG", "PING", NULL);
  g_object_set (fixture->client, "call-timeout-msec", 200, NULL);
  start = g_get_monotonic_time ();
  SUBMIT (fixture->client, timeout_cb, &n, "BLPOP", "list", "0");
  wait_for_count (&n, 1);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 200 * 1000);

  /* Behind the blocking command, whose late reply must not be taken for this one's. */
  g_object_set (fixture->client, "call-timeout-msec", 0, NULL);
  g_free (tornadis_harness_redis_command (fixture->redis, "RPUSH list late", NULL));
  assert_call (fixture->client, "\"mine\"", "ECHO", "mine", NULL);
}

/* Replies that have arrived while the loop was busy are not timed out. */
static void
test_busy_loop (Fixture *fixture,
                gconstpointer data)
{
  Order order = { 0 };

  assert_call (fixture->client, "PONG", "PING", NULL);
  g_object_set (fixture->client, "call-timeout-msec", 300, NULL);
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      SUBMIT (fixture->client, order_cb, &order, "ECHO", text);
    }
  g_main_context_iteration (NULL, FALSE);
  while (count_calls (fixture->redis, "echo") < 100)
    g_usleep (1000);
  g_usleep (600 * 1000);
  wait_for_count (&order.next, 100);
}

static void
test_read_timeout (Fixture *fixture,
                   gconstpointer data)
{
  static gboolean gone = FALSE;

  g_object_set (fixture->client, "read-timeout", 1, NULL);
  g_signal_connect (fixture->client, "disconnected", G_CALLBACK (count_signal_cb), &gone);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_true (spin_until (&gone, 60000));
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
busy_cb (TornadisClient *client,
         TornadisReply *reply,
         GError *error,
         gpointer user_data)
{
  guint *counts = user_data;

  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY))
    counts[1]++;
  else
    {
      g_assert_no_error (error);
      counts[0]++;
    }
}

static void
test_max_pending (Fixture *fixture,
                  gconstpointer data)
{
  guint counts[2] = { 0 };

  g_object_set (fixture->client, "max-pending", 10, NULL);
  for (guint i = 0; i < 25; i++)
    SUBMIT (fixture->client, busy_cb, counts, "PING");
  g_assert_cmpuint (counts[1], ==, 0);
  wait_for_count (&counts[0], 10);
  g_assert_cmpuint (counts[1], ==, 15);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
test_max_queued_bytes (Fixture *fixture,
                       gconstpointer data)
{
  g_autofree char *value = g_strnfill (100000, 'x');
  guint counts[2] = { 0 };

  g_object_set (fixture->client, "max-queued-bytes", G_GUINT64_CONSTANT (150000), NULL);
  for (guint i = 0; i < 5; i++)
    SUBMIT (fixture->client, busy_cb, counts, "SET", "k", value);
  wait_for_count (&counts[0], 1);
  g_assert_cmpuint (counts[1], ==, 4);

  /* With nothing queued, one is always taken. */
  g_object_set (fixture->client, "max-queued-bytes", G_GUINT64_CONSTANT (10), NULL);
  assert_call (fixture->client, "OK", "SET", "k", value, NULL);
}

static void
test_max_reply_size (Fixture *fixture,
                     gconstpointer data)
{
  g_autofree char *value = g_strnfill (100000, 'x');
  g_autoptr (GError) error = NULL;

  assert_call (fixture->client, "OK", "SET", "k", value, NULL);
  g_object_set (fixture->client, "max-reply-size", G_GUINT64_CONSTANT (50000), NULL);
  g_assert_null (call (fixture->client, &error, "GET", "k", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
  g_object_set (fixture->client, "max-reply-size", G_GUINT64_CONSTANT (100000), NULL);
  g_clear_error (&error);
  tornadis_reply_unref (call (fixture->client, &error, "GET", "k", NULL));
  g_assert_no_error (error);
}

/* A script may say as much as it likes in a status or an error, which are lines. */
static void
test_long_lines (Fixture *fixture,
                 gconstpointer data)
{
  g_autofree char *words = g_strnfill (1000000, 'x');
  g_autofree char *text = g_strconcat ("OOPS ", words, NULL);

  for (TornadisProtocol protocol = TORNADIS_PROTOCOL_RESP2; protocol <= TORNADIS_PROTOCOL_RESP3; protocol++)
    {
      g_autoptr (GError) error = NULL;

      g_object_set (fixture->client, "protocol", protocol, NULL);
      tornadis_client_close (fixture->client);

      assert_call (fixture->client, text, "EVAL", "return redis.status_reply(ARGV[1])", "0", text, NULL);
      g_assert_null (call (fixture->client, &error, "EVAL", "return redis.error_reply(ARGV[1])", "0", text, NULL));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
      g_assert_cmpstr (error->message, ==, text);

      /* The same connection as before. */
      g_assert_true (tornadis_client_is_connected (fixture->client));
      assert_call (fixture->client, "PONG", "PING", NULL);
    }
}

/* The server's own deep and long replies. */
static void
test_deep_replies (Fixture *fixture,
                   gconstpointer data)
{
  for (TornadisProtocol protocol = TORNADIS_PROTOCOL_RESP2; protocol <= TORNADIS_PROTOCOL_RESP3; protocol++)
    {
      g_autoptr (TornadisReply) docs = NULL;
      g_autoptr (TornadisReply) deep = NULL;
      g_autoptr (GVariant) variant = NULL;
      g_autofree char *text = NULL;
      g_autoptr (GError) error = NULL;
      TornadisReply *walk;
      guint depth = 0;

      g_object_set (fixture->client, "protocol", protocol, NULL);
      tornadis_client_close (fixture->client);

      docs = call (fixture->client, &error, "COMMAND", "DOCS", NULL);
      g_assert_no_error (error);
      g_assert_cmpuint (tornadis_reply_get_n_elements (docs), >, 400);
      g_assert_nonnull (tornadis_reply_lookup (docs, "get"));

      deep = call (fixture->client, &error, "EVAL", "local a={} local b={a} a[1]=b return a", "0", NULL);
      g_assert_no_error (error);
      for (walk = deep; tornadis_reply_get_n_elements (walk) > 0; walk = tornadis_reply_get_element (walk, 0))
        depth++;
      g_assert_cmpuint (depth, >, 1000);
      text = tornadis_reply_to_string (deep);
      variant = tornadis_reply_to_variant (deep);
      assert_call (fixture->client, "PONG", "PING", NULL);
    }
}

static void
test_large_values (Fixture *fixture,
                   gconstpointer data)
{
  const gsize size = 64 * 1024 * 1024;
  g_autofree char *value = g_malloc (size);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]) { "SET", "large", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) stored = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  const guint8 *received;
  gsize length;

  for (gsize i = 0; i < size; i++)
    value[i] = (char) (i * 31 >> 3);
  bytes = g_bytes_new_static (value, size);
  tornadis_command_append_bytes (set, bytes);

  tornadis_client_call_async (fixture->client, set, NULL, store_result, &result);
  stored = tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error);
  g_assert_no_error (error);

  reply = call (fixture->client, &error, "GET", "large", NULL);
  g_assert_no_error (error);
  received = tornadis_reply_get_data (reply, &length);
  g_assert_cmpmem (received, length, value, size);
}

static void
test_protocols (Fixture *fixture,
                gconstpointer data)
{
  static const struct
  {
    TornadisProtocol protocol;
    TornadisReplyKind kind;
    guint version;
  } cases[] = {
    { TORNADIS_PROTOCOL_AUTO, TORNADIS_REPLY_KIND_MAP, 3 },
    { TORNADIS_PROTOCOL_RESP3, TORNADIS_REPLY_KIND_MAP, 3 },
    { TORNADIS_PROTOCOL_RESP2, TORNADIS_REPLY_KIND_ARRAY, 2 },
  };

  assert_call (fixture->client, "(integer) 2", "HSET", "h", "f", "1", "g", "2", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TornadisReply) reply = NULL;
      g_autoptr (GError) error = NULL;
      guint version;

      tornadis_client_close (fixture->client);
      g_object_set (fixture->client, "protocol", cases[i].protocol, NULL);
      reply = call (fixture->client, &error, "HGETALL", "h", NULL);
      g_assert_no_error (error);
      g_assert_cmpint (tornadis_reply_get_kind (reply), ==, cases[i].kind);
      g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_lookup (reply, "g")), ==, "2");
      g_object_get (fixture->client, "protocol-version", &version, NULL);
      g_assert_cmpuint (version, ==, cases[i].version);
    }
}

static void
note_cb (GObject *object,
         GParamSpec *pspec,
         gpointer user_data)
{
  g_string_append_printf (user_data, "%s=%d ", pspec->name, tornadis_client_is_connected (TORNADIS_CLIENT (object)));
}

static void
disconnected_cb (TornadisClient *client,
                 GError *error,
                 gpointer user_data)
{
  g_string_append_printf (user_data, "disconnected(%s) ", error != NULL ? "error" : "");
}

static void
test_signals (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);

  g_signal_connect (fixture->client, "notify::connected", G_CALLBACK (note_cb), log);
  g_signal_connect (fixture->client, "disconnected", G_CALLBACK (disconnected_cb), log);

  assert_call (fixture->client, "PONG", "PING", NULL);
  kill_links (fixture);
  wait_for_state (fixture->client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  assert_call (fixture->client, "PONG", "PING", NULL);
  tornadis_client_close (fixture->client);

  g_assert_cmpstr (log->str, ==,
                   "connected=1 connected=0 disconnected(error) connected=1 connected=0 disconnected() ");
}

static gpointer
context_thread (gpointer user_data)
{
  Fixture *fixture = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  TornadisClient *client;
  guint n = 0;

  g_main_context_push_thread_default (context);
  client = tornadis_client_new ("127.0.0.1", tornadis_harness_redis_get_port (fixture->redis));
  for (guint i = 0; i < 1000; i++)
    SUBMIT (client, count_cb, &n, "PING");
  while (n < 1000)
    g_main_context_iteration (context, TRUE);
  g_assert_finalize_object (client);
  g_main_context_pop_thread_default (context);

  return NULL;
}

/* Clients in contexts of their own, each in its thread. */
static void
test_contexts (Fixture *fixture,
               gconstpointer data)
{
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("context", context_thread, fixture);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

typedef struct
{
  Fixture *fixture;
  TornadisCommand *command;
  pthread_barrier_t *barrier;
} SharedCommand;

static gpointer
shared_command_thread (gpointer user_data)
{
  SharedCommand *shared = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  TornadisClient *client;
  guint n = 0;

  g_main_context_push_thread_default (context);
  client = tornadis_client_new ("127.0.0.1", tornadis_harness_redis_get_port (shared->fixture->redis));
  pthread_barrier_wait (shared->barrier);
  for (guint i = 0; i < 100; i++)
    tornadis_client_submit (client, shared->command, count_cb, &n, NULL);
  while (n < 100)
    g_main_context_iteration (context, TRUE);
  g_assert_finalize_object (client);
  g_main_context_pop_thread_default (context);

  return NULL;
}

static void
test_shared_command (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("INCR");
  pthread_barrier_t barrier;
  SharedCommand shared = { fixture, command, &barrier };
  GThread *threads[2];

  g_test_summary ("A command that two threads submit for the first time at once is sealed and sent by both");

  tornadis_command_append_string (command, "n");
  pthread_barrier_init (&barrier, NULL, G_N_ELEMENTS (threads));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("shared", shared_command_thread, &shared);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  pthread_barrier_destroy (&barrier);

  assert_call (fixture->client, "\"200\"", "GET", "n", NULL);
}

static void
destroy_cb (gpointer user_data)
{
  (*(guint *) user_data) += 100;
}

static void
test_submit_destroy (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("PING");
  guint n = 0;

  tornadis_client_submit (fixture->client, command, count_cb, &n, destroy_cb);
  wait_for_count (&n, 101);
  tornadis_client_submit (fixture->client, command, NULL, &n, destroy_cb);
  wait_for_count (&n, 201);
  tornadis_client_submit (fixture->client, command, NULL, NULL, NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
test_aggressive_write (Fixture *fixture,
                       gconstpointer data)
{
  Order order = { 0 };

  g_object_set (fixture->client, "aggressive-write", TRUE, "tcp-nodelay", FALSE, "read-page-size", 1024, "write-page-size", 1024, NULL);
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      SUBMIT (fixture->client, order_cb, &order, "ECHO", text);
      if (i % 100 == 50)
        g_main_context_iteration (NULL, FALSE);
    }
  wait_for_count (&order.next, 1000);
  g_assert_cmpuint (order.errors, ==, 0);
}

static guint n_sleeps; /* polls that may have waited */

static int
count_sleep (GPollFD *fds,
             guint n_fds,
             int timeout)
{
  n_sleeps += timeout != 0;
  return g_poll (fds, n_fds, timeout);
}

/* Whether the reply to a call was found before the main loop slept. It is there by then. */
static gboolean
finds_reply (Fixture *fixture,
             TornadisClient *client)
{
  GMainContext *context = g_main_context_default ();
  guint n = 0;

  /* The last time that something was looked for in vain, if ever, is long enough ago. */
  spin_for (20);
  SUBMIT (client, count_cb, &n, "PING");
  /* The server has answered what came before: twice, because the first may have been read together with that. */
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *answer = tornadis_harness_redis_command (fixture->redis, "PING", &error);

      g_assert_no_error (error);
      g_assert_nonnull (answer);
    }

  n_sleeps = 0;
  g_main_context_set_poll_func (context, count_sleep);
  wait_for_count (&n, 1);
  g_main_context_set_poll_func (context, NULL);

  return n_sleeps == 0;
}

static void
test_busy_poll (Fixture *fixture,
                gconstpointer data)
{
  g_autofree char *path = g_uri_escape_string (tornadis_harness_redis_get_socket_path (fixture->redis), "/", TRUE);
  g_autofree char *uri = g_strdup_printf ("unix://%s?busy-poll=false", path);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri (uri, &error);

  g_assert_no_error (error);
  g_assert_true (connect_and_wait (client, &error));
  for (guint i = 0; i < 3; i++)
    g_assert_false (finds_reply (fixture, client));
  g_object_set (client, "busy-poll", TRUE, NULL);
  g_assert_true (finds_reply (fixture, client));

  /* From the start. Where that was in vain while the connection was made, some calls are left out. */
  g_assert_true (connect_and_wait (fixture->client, &error));
  wait_until (finds_reply (fixture, fixture->client));
  g_object_set (fixture->client, "busy-poll", FALSE, NULL);
  g_assert_false (finds_reply (fixture, fixture->client));
}

static const char *const password_args[] = { "--requirepass", "s3cret", "--user", "alice", "on", ">wonderland", "~*", "&*", "+@all", NULL };

#define ADD(name, func) g_test_add ("/client/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
#define ADD_WITH(name, args, func) g_test_add ("/client/" name, Fixture, args, fixture_set_up, func, fixture_tear_down)

/* What the library does with properties, the program's own reads and writes apart. */
static struct
{
  void (*get) (GObject *object,
               guint id,
               GValue *value,
               GParamSpec *pspec);
  guint n_read;
  guint n_notified;
} properties;

static void
count_get_property (GObject *object,
                    guint id,
                    GValue *value,
                    GParamSpec *pspec)
{
  properties.n_read++;
  properties.get (object, id, value, pspec);
}

static void
count_notify_cb (GObject *object,
                 GParamSpec *pspec,
                 gpointer user_data)
{
  g_test_message ("%s", pspec->name);
  properties.n_notified++;
}

static void
count_message_cb (TornadisPubSubClient *client,
                  TornadisMessage *message,
                  guint *n_messages)
{
  (*n_messages)++;
}

/* Calls, transactions and messages read no property and notify none. */
static void
test_quiet (Fixture *fixture,
            gconstpointer data)
{
  GObjectClass *klass = g_type_class_ref (TORNADIS_TYPE_CLIENT);
  g_autoptr (TornadisPubSubClient) pub_sub =
    tornadis_pub_sub_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (TRUE, "GET a", "INCR b");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint n_messages = 0;

  properties.get = klass->get_property;
  klass->get_property = count_get_property;
  g_signal_connect (fixture->client, "notify", G_CALLBACK (count_notify_cb), NULL);
  g_signal_connect (pub_sub, "notify", G_CALLBACK (count_notify_cb), NULL);
  g_object_get (fixture->client, "db", &n_messages, NULL);
  g_assert_cmpuint (properties.n_read, ==, 1);
  assert_call (fixture->client, "OK", "SELECT", "0", NULL);
  tornadis_pub_sub_client_subscribe_async (pub_sub, (const char *[]){ "news", NULL }, NULL, store_result, &result);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (pub_sub, wait_for_result (&result), &error));
  g_assert_no_error (error);
  g_clear_object (&result);
  g_assert_cmpuint (properties.n_notified, >, 0);
  properties.n_read = properties.n_notified = 0;

  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (TornadisReply) replies = call_pipeline (fixture->client, pipeline, NULL, &error);
      gulong id = i % 2 == 0 ? g_signal_connect (pub_sub, "message", G_CALLBACK (count_message_cb), &n_messages) : 0;

      g_assert_no_error (error);
      g_assert_nonnull (replies);
      assert_call (fixture->client, "OK", "SELECT", "0", NULL);
      assert_call (fixture->client, "OK", "MULTI", NULL);
      assert_call (fixture->client, "QUEUED", "PING", NULL);
      assert_call (fixture->client, "1) PONG", "EXEC", NULL);
      g_assert_null (call (fixture->client, NULL, "INCR", NULL));
      assert_call (fixture->client, "(integer) 1", "PUBLISH", "news", "x", NULL);
      if (id != 0)
        {
          wait_until (n_messages == i / 2 + 1);
          g_signal_handler_disconnect (pub_sub, id);
        }
      else
        {
          g_autoptr (TornadisMessage) message = NULL;

          tornadis_pub_sub_client_pop_message_async (pub_sub, -1, NULL, store_result, &result);
          message = tornadis_pub_sub_client_pop_message_finish (pub_sub, wait_for_result (&result), &error);
          g_assert_no_error (error);
          g_assert_nonnull (message);
          g_clear_object (&result);
        }
    }
  g_assert_cmpuint (properties.n_read, ==, 0);
  g_assert_cmpuint (properties.n_notified, ==, 0);

  klass->get_property = properties.get;
  g_type_class_unref (klass);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/client/defaults", test_defaults);
  g_test_add_func ("/client/uri-bad", test_uri_bad);
  ADD ("uri", test_uri);
  ADD ("connectable", test_connectable);
  ADD ("connect", test_connect);
  ADD ("connect-cancelled", test_connect_cancelled);
  ADD ("single-flight", test_single_flight);
  ADD ("order", test_order);
  ADD ("binary", test_binary);
  ADD ("error-reply", test_error_reply);
  ADD ("refused", test_refused);
  ADD ("no-arguments", test_no_arguments);
  ADD ("many-files", test_many_files);
  ADD ("autoconnect-off", test_autoconnect_off);
  ADD_WITH ("authentication", password_args, test_authentication);
  ADD_WITH ("authentication-missing", password_args, test_authentication_missing);
  ADD_WITH ("remembered", password_args, test_remembered);
  ADD ("bad-db", test_bad_db);
  ADD ("idle-loss", test_idle_loss);
  ADD ("loss-with-calls", test_loss_with_calls);
  ADD ("restart", test_restart);
  ADD ("close-with-calls", test_close_with_calls);
  ADD ("close-in-callback", test_close_in_callback);
  ADD ("unref-in-callback", test_unref_in_callback);
  ADD ("drop-with-calls", test_drop_with_calls);
  ADD ("call-in-callback", test_call_in_callback);
  ADD ("nested-loop", test_nested_loop);
  ADD ("call-timeout", test_call_timeout);
  ADD ("busy-loop", test_busy_loop);
  ADD ("read-timeout", test_read_timeout);
  ADD ("max-pending", test_max_pending);
  ADD ("max-queued-bytes", test_max_queued_bytes);
  ADD ("max-reply-size", test_max_reply_size);
  ADD ("fault-10-long-lines", test_long_lines);
  ADD ("deep-replies", test_deep_replies);
  ADD ("large-values", test_large_values);
  ADD ("protocols", test_protocols);
  ADD ("signals", test_signals);
  ADD ("contexts", test_contexts);
  ADD ("fault-18-shared-command", test_shared_command);
  ADD ("submit-destroy", test_submit_destroy);
  ADD ("aggressive-write", test_aggressive_write);
  ADD ("busy-poll", test_busy_poll);
  ADD ("quiet", test_quiet);

  return g_test_run ();
}
