/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hostile servers, dead networks and wrong arguments: one clear error at the caller, and the client works after. */

#include "integration/util.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static guint
count_sockets (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/fd", name, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);

      n += target != NULL && g_str_has_prefix (target, "socket:");
    }

  return n;
}

/* A thread of the resolver may have one open for a moment longer than its answer took. */
static void
assert_sockets (guint most)
{
  wait_until (count_sockets () <= most);
}

static gsize
get_rss (void)
{
  g_autofree char *text = NULL;
  gsize pages[2] = { 0 };

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  g_assert_cmpint (sscanf (text, "%zu %zu", &pages[0], &pages[1]), ==, 2);
  return pages[1] * (gsize) sysconf (_SC_PAGESIZE);
}

/* Bytes after two GETs on the first connection; the second connection is good. */
typedef struct
{
  const char *name;
  const char *steps;
  int first_code;  /* of the error of the first GET, or -1: it is answered */
  int second_code;
  guint64 max_reply_size; /* 0: as it is */
} Garbage;

#define LOST TORNADIS_ERROR_LOST
#define PROTOCOL TORNADIS_ERROR_PROTOCOL

static const Garbage garbage[] = {
  { "unknown-type", "send \"@what\\r\\n\"\nsleep 1000", PROTOCOL, LOST },
  { "http", "send \"HTTP/1.1 400 Bad Request\\r\\n\\r\\n\"\nsleep 1000", PROTOCOL, LOST },
  { "bad-integer", "send \":12a\\r\\n\"\nsleep 1000", PROTOCOL, LOST },
  { "negative-bulk", "send \"$-2\\r\\n\"\nsleep 1000", PROTOCOL, LOST },
  { "negative-array", "send \"*-5\\r\\n\"\nsleep 1000", PROTOCOL, LOST },
  { "overflowing-array", "send \"*2305843009213693954\\r\\n\"\nsleep 1000", PROTOCOL, LOST },
  { "overflowing-map", "send \"%4611686018427387904\\r\\n\"\nsleep 1000", PROTOCOL, LOST },
  { "overflowing-integer", "send \":99999999999999999999\\r\\n\"\nsleep 1000", PROTOCOL, LOST },
  { "huge-bulk", "send \"$9999999999\\r\\nabc\"\nsleep 1000", PROTOCOL, LOST },
  { "bulk-without-end", "send \"$3\\r\\nabcde\\r\\n\"\nsleep 1000", PROTOCOL, LOST },
  { "tls-alert", "send \"\\x15\\x03\\x03\\x00\\x02\\x02\\x28\"\nsleep 1000", PROTOCOL, LOST },
  { "streamed-string", "send \"$?\\r\\n;4\\r\\nabcd\\r\\n;0\\r\\n\"\nsleep 1000", PROTOCOL, LOST },
  { "nested-arrays", "send-repeat 1000000 \"*1\\r\\n\"\nsleep 1000", PROTOCOL, LOST },
  { "nested-maps", "send-repeat 1000000 \"%1\\r\\n\"\nsleep 1000", PROTOCOL, LOST },
  { "nested-sets", "send-repeat 1000000 \"~1\\r\\n\"\nsleep 1000", PROTOCOL, LOST },
  { "endless-line", "send-repeat 1000000 \"+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\nsleep 1000", PROTOCOL, LOST, 16 << 20 },
  { "closed-in-bulk", "send \"+one\\r\\n$10\\r\\nabc\"\nclose", -1, LOST },
  { "reset-in-bulk", "send \"+one\\r\\n$10\\r\\nabc\"\nsleep 50\nreset", -1, LOST },
  { "closed-at-once", "close", LOST, LOST },
  { "closed-after-a-byte", "send \"$\"\nclose", LOST, LOST },
  { "half-closed", "send \"+one\\r\\n\"\nhalf-close\nsleep 1000", -1, LOST },
  { "three-replies", "send \"+one\\r\\n+two\\r\\n+three\\r\\n\"\nsleep 1000", -1, -1 },
  { "huge-array", "send \"*1000000000\\r\\n:1\\r\\n\"\nsleep 300\nclose", PROTOCOL, LOST },
  { "declared-bulk", "send \"$536870912\\r\\nabc\"\nsleep 300\nclose", LOST, LOST },
};

typedef struct
{
  int code; /* -2: not ended */
} Outcome;

static void
outcome_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  Outcome *outcome = user_data;

  g_assert_cmpint (outcome->code, ==, -2);
  if (error != NULL)
    g_assert_true (error->domain == TORNADIS_ERROR);
  outcome->code = error != NULL ? error->code : -1;
}

static void
test_garbage (gconstpointer data)
{
  const Garbage *test = data;
  g_autofree char *script = g_strdup_printf ("handshake\nexpect GET\nexpect GET\n%s\n---\nhandshake\necho-server\n", test->steps);
  g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "GET", "k", NULL });
  TornadisClient *client = make_client (peer);
  Outcome outcomes[2] = { { -2 }, { -2 } };
  g_autoptr (GError) error = NULL;
  gsize rss;

  if (test->max_reply_size != 0)
    g_object_set (client, "max-reply-size", test->max_reply_size, NULL);
  g_assert_true (connect_and_wait (client, &error));
  rss = get_rss ();

  for (guint i = 0; i < 2; i++)
    tornadis_client_submit (client, command, outcome_cb, &outcomes[i], NULL);
  while (outcomes[0].code == -2 || outcomes[1].code == -2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (outcomes[0].code, ==, test->first_code);
  g_assert_cmpint (outcomes[1].code, ==, test->second_code);
  g_assert_cmpuint (get_rss (), <, rss + 64 * 1024 * 1024);

  spin_for (100);
  if (test->second_code >= 0)
    g_assert_false (tornadis_client_is_connected (client));
  assert_call (client, "\"value-of-z\"", "GET", "z", NULL);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 2);
  assert_finalized (client);
}

/* Byte by byte. */
static void
test_dripped (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect GET\nexpect GET\nexpect GET\nexpect GET\n"
    "drip 1 \"+OK\\r\\n$5\\r\\na\\x00b\\r\\n\\r\\n*2\\r\\n:1\\r\\n$-1\\r\\n-ERR no\\r\\n\"\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  for (guint i = 0; i < 4; i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "GET", "k", NULL });
  reply = call_pipeline (client, pipeline, NULL, &error);
  g_assert_no_error (error);
  text = tornadis_reply_to_string (reply);
  g_assert_cmpstr (text, ==, "1) OK\n2) \"a\\x00b\\r\\n\"\n3) 1) (integer) 1\n   2) (nil)\n4) (error) ERR no");
  assert_finalized (client);
}

/* A reply that nobody asked for, on an idle link, is not given to the next call. */
static void
test_stale (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect PING\nsend \"+PONG\\r\\n\"\nwait\nsend \"$5\\r\\nstale\\r\\n\"\ndrain\n---\nhandshake\necho-server\n");
  TornadisClient *client = make_client (peer);

  assert_call (client, "PONG", "PING", NULL);
  /* The loop does not see it before the call is made. */
  tornadis_harness_peer_go (peer);
  while (tornadis_harness_peer_get_n_steps (peer) < 5)
    g_usleep (1000);
  assert_call (client, "\"value-of-k\"", "GET", "k", NULL);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 2);
  assert_finalized (client);
}

/* Two replies to one command: the second is not the next call's, which is made when the first one ends. */
static void
next_cb (TornadisClient *client,
         TornadisReply *reply,
         GError *error,
         gpointer user_data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "GET", "b", NULL });

  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "x");
  tornadis_client_call_async (client, command, NULL, store_result, user_data);
}

static void
test_two_replies (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect GET\nsend \"$1\\r\\nx\\r\\n$1\\r\\ny\\r\\n\"\ndrain\n---\nhandshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "GET", "a", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_client_submit (client, command, next_cb, &result, NULL);
  reply = tornadis_client_call_finish (client, wait_for_result (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "value-of-b");
  g_clear_object (&result);
  assert_finalized (client);
}

/* Pushes between replies do not move them. */
static void
test_pushes (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake3\nexpect GET\nsend \">2\\r\\n+foo\\r\\n:1\\r\\n>0\\r\\n>2\\r\\n$10\\r\\ninvalidate\\r\\n_\\r\\n$1\\r\\nx\\r\\n>1\\r\\n+late\\r\\n\"\necho-server\n");
  TornadisClient *client = make_client (peer);

  assert_call (client, "\"x\"", "GET", "k", NULL);
  assert_call (client, "\"value-of-z\"", "GET", "z", NULL);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 1);
  assert_finalized (client);
}

/* What was written is never written again. */
static void
test_never_resent (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect INCR\nreset\n---\nhandshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (GError) error = NULL;
  g_autofree char *received = NULL;

  g_assert_null (call (client, &error, "INCR", "counter", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_nonnull (strstr (error->message, "INCR"));
  g_assert_null (strstr (error->message, "counter"));
  assert_call (client, "PONG", "PING", NULL);
  received = tornadis_harness_peer_get_received (peer);
  g_assert_null (strstr (strstr (received, "INCR") + 4, "INCR"));
  assert_finalized (client);
}

static void
assert_connect_fails (TornadisClient *client,
                      const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (call (client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  if (strstr (error->message, text) == NULL)
    g_error ("“%s” is not in “%s”", text, error->message);
  /* Not because it took too long. Only a name may do that, where no server answers for it. */
  if (!g_str_has_suffix (text, ".invalid"))
    g_assert_null (strstr (error->message, " seconds"));
  g_assert_false (tornadis_client_is_connected (client));
}

static void
test_no_connection (void)
{
  TornadisClient *client = tornadis_client_new ("127.0.0.1", 1);
  g_autofree char *long_path = g_strnfill (200, 'x');
  guint n_sockets;

  assert_connect_fails (client, "127.0.0.1:1: ");
  /* This one keeps a socket for as long as the process lives. */
  g_network_monitor_get_default ();
  n_sockets = count_sockets ();
  g_object_set (client, "host", "no-such-host.invalid", NULL);
  assert_connect_fails (client, "no-such-host.invalid");
  g_object_set (client, "unix-domain-socket", "/nonexistent/socket", NULL);
  assert_connect_fails (client, "/nonexistent/socket: ");
  g_object_set (client, "unix-domain-socket", long_path, NULL);
  assert_connect_fails (client, "too long");
  assert_sockets (n_sockets);
  assert_finalized (client);
}

static void
test_connect_timeout (gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (data);
  TornadisClient *client = make_client (peer);
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  g_object_set (client, "connect-timeout", 1, "password", "s3cret", "db", 1, "client-name", "me", NULL);
  g_assert_false (connect_and_wait (client, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_assert_nonnull (strstr (error->message, "1 seconds"));
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 900 * 1000);
  assert_finalized (client);
}

/* What a server quotes of a command that it does not know. */
static void
test_password_quoted (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "expect HELLO\nsend \"-ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, `s3cret`\\r\\n\"\n---\n"
    "expect HELLO\nsend \"-ERR what is s3cret\\r\\n\"\n");
  TornadisClient *client = make_client (peer);

  g_object_set (client, "protocol", TORNADIS_PROTOCOL_RESP3, "password", "s3cret", NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (connect_and_wait (client, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
      g_assert_null (strstr (error->message, "s3cret"));
    }
  assert_finalized (client);
}

static void
test_too_many_clients (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("send \"-ERR max number of clients reached\\r\\n\"\nclose\n");
  TornadisClient *client = make_client (peer);

  assert_connect_fails (client, "max number of clients");
  assert_finalized (client);
}

static void
test_handshake_errors (void)
{
  static const char *const scripts[][2] = {
    { "expect HELLO\nsend \"-LOADING Redis is loading\\r\\n\"\ndrain\n", "LOADING" },
    { "expect HELLO\nsend \"-NOPROTO no\\r\\n\"\nexpect SELECT\nsend \"-ERR DB index is out of range\\r\\n\"\ndrain\n", "DB index" },
    { "expect HELLO\nsend \"garbage\\r\\n\"\ndrain\n", "" },
    { "expect HELLO\nclose\n", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (scripts); i++)
    {
      g_autoptr (TornadisHarnessPeer) peer = make_peer (scripts[i][0]);
      TornadisClient *client = make_client (peer);

      g_object_set (client, "db", 3, NULL);
      assert_connect_fails (client, scripts[i][1]);
      assert_finalized (client);
    }
}

/* A server that accepts and closes is not called again and again at once. */
static void
test_accept_and_close (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nclose\n");
  TornadisPubSubClient *client =
    tornadis_pub_sub_client_new ("127.0.0.1", (guint16) tornadis_harness_peer_get_port (peer));
  gint64 end = g_get_monotonic_time () + 3 * G_TIME_SPAN_SECOND;

  while (g_get_monotonic_time () < end)
    {
      g_autoptr (GAsyncResult) result = NULL;

      tornadis_pub_sub_client_subscribe_async (client, (const char *[]) { "a", NULL }, NULL, store_result, &result);
      wait_for_result (&result);
    }
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), <, 40);
  tornadis_client_close (TORNADIS_CLIENT (client));
  assert_finalized (client);
}

static void
message_cb (TornadisPubSubClient *client,
            TornadisMessage *message,
            GString *payloads)
{
  g_string_append_printf (payloads, "%s ", tornadis_message_get_text (message));
}

/* In RESP2 a message is an array like any other, and a long one of strings is packed once there is a bridge to Python. */
static void
test_long_message (void)
{
  g_autoptr (GString) script = g_string_new (
    "handshake\nexpect SUBSCRIBE\nsend \"*3\\r\\n$9\\r\\nsubscribe\\r\\n$1\\r\\na\\r\\n:1\\r\\n\"\nsend \"");
  g_autoptr (TornadisHarnessPeer) peer = NULL;
  g_autoptr (GString) payloads = g_string_new (NULL);
  g_autoptr (GAsyncResult) result = NULL;
  TornadisPubSubClient *client;

  for (guint length = 3; length < 40; length += 36)
    {
      g_string_append_printf (script, "*%u\\r\\n$7\\r\\nmessage\\r\\n$1\\r\\na\\r\\n$2\\r\\n%02u\\r\\n", length, length);
      for (guint i = 3; i < length; i++)
        g_string_append (script, "$1\\r\\nx\\r\\n");
    }
  g_string_append (script, "\"\ndrain\n");
  peer = make_peer (script->str);

  client = tornadis_pub_sub_client_new ("127.0.0.1", (guint16) tornadis_harness_peer_get_port (peer));
  enable_packs ();
  g_signal_connect (client, "message", G_CALLBACK (message_cb), payloads);
  tornadis_pub_sub_client_subscribe_async (client, (const char *[]) { "a", NULL }, NULL, store_result, &result);
  wait_for_result (&result);
  while (payloads->len < strlen ("03 39 "))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (payloads->str, ==, "03 39 ");
  g_clear_object (&result);
  tornadis_client_close (TORNADIS_CLIENT (client));
  assert_finalized (client);
}

/* The writer must read, or both sides wait for ever. */
static void
test_full_duplex (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autofree char *megabyte = g_strnfill (1024 * 1024, 'm');
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 32; i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "ECHO", megabyte, NULL });
  reply = call_pipeline (client, pipeline, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 32; i++)
    g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (reply, i)), ==, megabyte);
  assert_finalized (client);
}

static gboolean
tick_cb (gpointer user_data)
{
  (*(guint *) user_data)++;
  return G_SOURCE_CONTINUE;
}

/* A server that does not read: calls return at once, the loop goes on, and closing ends them all. */
static void
test_server_stops_reading (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nstop-reading\n");
  TornadisClient *client = make_client (peer);
  g_autofree char *megabyte = g_strnfill (1024 * 1024, 'm');
  Outcome outcomes[40];
  guint n_ticks = 0;
  guint id;

  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "SET", "k", megabyte, NULL });

      outcomes[i].code = -2;
      tornadis_client_submit (client, command, outcome_cb, &outcomes[i], NULL);
    }
  id = g_timeout_add (10, tick_cb, &n_ticks);
  wait_until (n_ticks > 20);
  g_source_remove (id);

  tornadis_client_close (client);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    g_assert_true (outcomes[i].code == TORNADIS_ERROR_LOST || outcomes[i].code == TORNADIS_ERROR_CLOSED);
  assert_finalized (client);
}

/* Arguments cannot become commands. */
static void
test_injection (void)
{
  static const char evil[] = "x\r\n*1\r\n$8\r\nFLUSHALL\r\n";
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autofree char *received = NULL;

  assert_call (client, "OK", "SET", "%s%n%b", evil, NULL);
  received = tornadis_harness_peer_get_received (peer);
  g_assert_nonnull (strstr (received, "SET %s%n%b x\\r\\n*1\\r\\n$8\\r\\nFLUSHALL\\r\\n\n"));
  assert_finalized (client);
}

/* Programmer's errors are criticals, and nothing else happens. */
static void
test_null_arguments (void)
{
  TornadisClient *client = tornadis_client_new ("127.0.0.1", 1);

  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*command != NULL*");
  tornadis_client_call_async (client, NULL, NULL, NULL, NULL);
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*command != NULL*");
  tornadis_client_submit (client, NULL, NULL, NULL, NULL);
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*TORNADIS_IS_PIPELINE*");
  tornadis_client_call_pipeline_async (client, NULL, NULL, NULL, NULL);
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*uri != NULL*");
  g_assert_null (tornadis_client_new_for_uri (NULL, NULL));
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*host != NULL*");
  g_assert_null (tornadis_client_new (NULL, 1));
  g_test_assert_expected_messages ();
  assert_finalized (client);
}

/* A thousand connections made and lost leave nothing behind. */
static void
test_nothing_left (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect GET\nclose\n");
  TornadisClient *client = make_client (peer);
  guint n_sockets = 0;

  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (call (client, &error, "GET", "k", NULL));
      tornadis_client_close (client);
      if (i == 20)
        n_sockets = count_sockets ();
    }
  assert_sockets (n_sockets + 5);
  assert_finalized (client);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (garbage); i++)
    {
      g_autofree char *path = g_strconcat ("/bad-input/garbage/", garbage[i].name, NULL);

      g_test_add_data_func (path, &garbage[i], test_garbage);
    }

  g_test_add_func ("/bad-input/dripped", test_dripped);
  g_test_add_func ("/bad-input/stale", test_stale);
  g_test_add_func ("/bad-input/two-replies", test_two_replies);
  g_test_add_func ("/bad-input/pushes", test_pushes);
  g_test_add_func ("/bad-input/long-message", test_long_message);
  g_test_add_func ("/bad-input/never-resent", test_never_resent);
  g_test_add_func ("/bad-input/no-connection", test_no_connection);
  g_test_add_data_func ("/bad-input/connect-timeout/silent", "stop-reading\n", test_connect_timeout);
  g_test_add_data_func ("/bad-input/connect-timeout/auth", "expect HELLO\nsend \"-ERR unknown command\\r\\n\"\nstop-reading\n",
                        test_connect_timeout);
  g_test_add_data_func ("/bad-input/connect-timeout/select",
                        "expect HELLO\nsend \"-ERR unknown command\\r\\n\"\nexpect AUTH\nsend \"+OK\\r\\n\"\nstop-reading\n",
                        test_connect_timeout);
  g_test_add_func ("/bad-input/password-quoted", test_password_quoted);
  g_test_add_func ("/bad-input/too-many-clients", test_too_many_clients);
  g_test_add_func ("/bad-input/handshake-errors", test_handshake_errors);
  g_test_add_func ("/bad-input/accept-and-close", test_accept_and_close);
  g_test_add_func ("/bad-input/full-duplex", test_full_duplex);
  g_test_add_func ("/bad-input/server-stops-reading", test_server_stops_reading);
  g_test_add_func ("/bad-input/injection", test_injection);
  g_test_add_func ("/bad-input/null-arguments", test_null_arguments);
  g_test_add_func ("/bad-input/nothing-left", test_nothing_left);

  return g_test_run ();
}
