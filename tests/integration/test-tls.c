/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STALLING_SERVER "--stalling-server"

typedef struct
{
  TornadisHarnessRedis *redis;
  TornadisClient *client;
  GTlsDatabase *database;
} Tls;

static GTlsDatabase *
load_database (Tls *fixture,
               const char *name)
{
  g_autofree char *path = tornadis_harness_redis_get_file (fixture->redis, name);
  g_autoptr (GError) error = NULL;
  GTlsDatabase *database = g_tls_file_database_new (path, &error);

  g_assert_no_error (error);
  return database;
}

static void
set_up (Tls *fixture,
        gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->redis = tornadis_harness_redis_new_tls (data, &error);
  g_assert_no_error (error);
  fixture->database = load_database (fixture, "ca.pem");
  fixture->client = g_object_new (TORNADIS_TYPE_CLIENT,
                                  "host", "localhost", "port", tornadis_harness_redis_get_tls_port (fixture->redis),
                                  "tls", TRUE, "tls-database", fixture->database, "connect-timeout", 5,
                                  NULL);
}

static void
tear_down (Tls *fixture,
           gconstpointer data)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_finalized (fixture->client);
  g_object_unref (fixture->database);
  g_clear_object (&fixture->redis);
}

static void
assert_fails (TornadisClient *client)
{
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  g_assert_null (call (client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_test_message ("%s", error->message);
  g_assert_false (tornadis_client_is_connected (client));
  g_assert_cmpint (g_get_monotonic_time () - start, <, 8 * G_TIME_SPAN_SECOND);
}

static void
test_good (Tls *fixture,
           gconstpointer data)
{
  g_autofree char *large = g_strnfill (3000000, 'l');
  g_autofree char *value = g_strnfill (100000, 'v');
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  assert_call (fixture->client, "PONG", "PING", NULL);
  assert_call (fixture->client, "OK", "SET", "large", large, NULL);
  assert_call (fixture->client, "OK", "SET", "value", value, NULL);
  reply = call (fixture->client, &error, "GET", "value", NULL);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, value);

  tornadis_client_close (fixture->client);
  g_object_set (fixture->client, "host", "127.0.0.1", NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
test_uri (Tls *fixture,
          gconstpointer data)
{
  g_autofree char *uri = g_strdup_printf ("rediss://localhost:%u/1", tornadis_harness_redis_get_tls_port (fixture->redis));
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri (uri, &error);

  g_assert_no_error (error);
  /* The system does not trust the authority of the test. */
  assert_fails (client);
  g_object_set (client, "tls-database", fixture->database, NULL);
  assert_call (client, "PONG", "PING", NULL);
}

/* No more replies than the sockets' buffers hold: Redis 7.0 itself breaks off with “bad length” when its own
 * TLS writes are cut short. */
static void
test_many_calls (Tls *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autofree char *value = g_strnfill (100, 'v');
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2000; i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "ECHO", value, NULL });
  reply = call_pipeline (fixture->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 2000; i++)
    g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (reply, i)), ==, value);
}

static void
test_pub_sub (Tls *fixture,
              gconstpointer data)
{
  TornadisPubSubClient *client =
    g_object_new (TORNADIS_TYPE_PUB_SUB_CLIENT,
                  "host", "localhost", "port", tornadis_harness_redis_get_tls_port (fixture->redis),
                  "tls", TRUE, "tls-database", fixture->database, "max-pending", 10, NULL);
  GAsyncResult *result = NULL;

  tornadis_pub_sub_client_subscribe_async (client, (const char *[]) { "a", NULL }, NULL, store_result, &result);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (client, wait_for_result (&result), NULL));
  g_clear_object (&result);
  for (guint i = 0; i < 100; i++)
    assert_call (fixture->client, "(integer) 1", "PUBLISH", "a", "x", NULL);
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (TornadisMessage) message = NULL;

      tornadis_pub_sub_client_pop_message_async (client, 5, NULL, store_result, &result);
      message = tornadis_pub_sub_client_pop_message_finish (client, wait_for_result (&result), NULL);
      g_assert_cmpstr (tornadis_message_get_text (message), ==, "x");
      g_clear_object (&result);
    }
  assert_finalized (client);
}

static void
test_untrusted (Tls *fixture,
                gconstpointer data)
{
  g_autoptr (GTlsDatabase) other = load_database (fixture, "other-ca.pem");

  g_object_set (fixture->client, "tls-database", other, NULL);
  assert_fails (fixture->client);
  g_object_set (fixture->client, "tls-database", fixture->database, NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

/* Certificates for another host, and of another time. */
static void
test_wrong_certificate (Tls *fixture,
                        gconstpointer data)
{
  assert_fails (fixture->client);
}

static void
test_identity (Tls *fixture,
               gconstpointer data)
{
  g_autoptr (GSocketConnectable) identity = g_network_address_new ("elsewhere.test", 0);

  assert_fails (fixture->client);
  g_object_set (fixture->client, "tls-server-identity", identity, NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

/* Every connection is verified, also one that could go on where a good one left off. */
static void
test_verified_again (Tls *fixture,
                     gconstpointer data)
{
  g_autoptr (GSocketConnectable) elsewhere = g_network_address_new ("elsewhere.test", 0);
  g_autoptr (GSocketConnectable) localhost = g_network_address_new ("localhost", 0);
  g_autoptr (GTlsDatabase) other = load_database (fixture, "other-ca.pem");
  GType type = g_tls_backend_get_client_connection_type (g_tls_backend_get_default ());
  g_autoptr (GTypeClass) klass = g_type_class_ref (type);

  for (guint i = 0; i < 3; i++)
    {
      tornadis_client_close (fixture->client);
      g_object_set (fixture->client, "tls-server-identity", localhost, NULL);
      assert_call (fixture->client, "PONG", "PING", NULL);
      tornadis_client_close (fixture->client);
      g_object_set (fixture->client, "tls-server-identity", elsewhere, NULL);
      assert_fails (fixture->client);
    }

  /* Older versions of GIO's TLS go on with a session whatever the database is: docs/tls.md. */
  if (g_object_class_find_property ((GObjectClass *) klass, "session-resumption-enabled") == NULL)
    return;

  g_object_set (fixture->client, "tls-server-identity", NULL, NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
  tornadis_client_close (fixture->client);
  g_object_set (fixture->client, "tls-database", other, NULL);
  assert_fails (fixture->client);
}

static void
test_client_certificate (Tls *fixture,
                         gconstpointer data)
{
  g_autofree char *path = tornadis_harness_redis_get_file (fixture->redis, "client-both.pem");
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_file (path, &error);

  g_assert_no_error (error);
  assert_fails (fixture->client);
  g_object_set (fixture->client, "tls-certificate", certificate, NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

/* TLS to a server that speaks plain text, and the other way round. */
static void
test_mismatch (Tls *fixture,
               gconstpointer data)
{
  g_object_set (fixture->client, "port", tornadis_harness_redis_get_port (fixture->redis), NULL);
  assert_fails (fixture->client);
  g_object_set (fixture->client, "tls", FALSE, NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);

  tornadis_client_close (fixture->client);
  g_object_set (fixture->client, "port", tornadis_harness_redis_get_tls_port (fixture->redis), NULL);
  assert_fails (fixture->client);
}

static void
test_silent (Tls *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = tornadis_harness_peer_new ("stop-reading\n", NULL);

  g_object_set (fixture->client, "host", "127.0.0.1", "port", tornadis_harness_peer_get_port (peer), "connect-timeout", 1, NULL);
  assert_fails (fixture->client);
}

/* Over a unix socket there is no name to check, so one must be given. */
static void
test_unix (Tls *fixture,
           gconstpointer data)
{
  g_object_set (fixture->client, "unix-domain-socket", tornadis_harness_redis_get_socket_path (fixture->redis), NULL);
  assert_fails (fixture->client);
}

static void
test_restart (Tls *fixture,
              gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_true (tornadis_harness_redis_restart (fixture->redis, &error));
  spin_for (100);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

/* A TLS server that reads nothing for a second and then answers every ECHO with its argument: one connection. It is a
 * process of its own, because the leak checker does not get along with threads that end after they did TLS. */
static int
run_stalling_server (const char *certificate_path,
                     const char *key_path)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_files (certificate_path, key_path, NULL);
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GIOStream) stream = NULL;
  g_autoptr (GDataInputStream) in = NULL;
  GOutputStream *out;
  gboolean stalled = FALSE;

  /* Whatever becomes of the test. */
  alarm (120);
  g_print ("%u\n", g_socket_listener_add_any_inet_port (listener, NULL, NULL));
  fflush (stdout);
  connection = g_socket_listener_accept (listener, NULL, NULL, NULL);
  stream = g_tls_server_connection_new (G_IO_STREAM (connection), certificate, NULL);
  in = g_data_input_stream_new (g_io_stream_get_input_stream (stream));
  out = g_io_stream_get_output_stream (stream);
  g_data_input_stream_set_newline_type (in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);

  for (;;)
    {
      g_autofree char *count = g_data_input_stream_read_line (in, NULL, NULL, NULL);
      g_autofree char *name = NULL;
      g_autofree char *last = NULL;
      g_autofree char *answer = NULL;

      if (count == NULL || count[0] != '*')
        break;
      for (guint i = 0; i < (guint) atoi (count + 1); i++)
        {
          g_free (g_data_input_stream_read_line (in, NULL, NULL, NULL));
          g_free (last);
          last = g_data_input_stream_read_line (in, NULL, NULL, NULL);
          if (i == 0)
            name = g_strdup (last);
        }

      if (g_strcmp0 (name, "ECHO") == 0 && !stalled)
        {
          stalled = TRUE;
          g_usleep (G_USEC_PER_SEC);
        }
      if (g_strcmp0 (name, "HELLO") == 0)
        answer = g_strdup ("-ERR no\r\n");
      else
        answer = g_strdup_printf ("+%.8s\r\n", g_strcmp0 (name, "ECHO") == 0 ? last : "OK");
      if (!g_output_stream_write_all (out, answer, strlen (answer), NULL, NULL, NULL))
        break;
    }

  return 0;
}

/* Its port. */
static guint
start_stalling_server (Tls *fixture,
                       GSubprocess **server)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *certificate = tornadis_harness_redis_get_file (fixture->redis, "server.pem");
  g_autofree char *key = tornadis_harness_redis_get_file (fixture->redis, "server.key");
  g_autoptr (GDataInputStream) out = NULL;
  g_autofree char *line = NULL;
  g_autoptr (GError) error = NULL;

  *server = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, STALLING_SERVER, certificate, key, NULL);
  g_assert_no_error (error);
  out = g_data_input_stream_new (g_subprocess_get_stdout_pipe (*server));
  line = g_data_input_stream_read_line (out, NULL, NULL, &error);
  g_assert_no_error (error);

  return (guint) g_ascii_strtoull (line, NULL, 10);
}

typedef struct
{
  guint n_right;
  guint n_timed_out;
  guint n_left;
} Echoes;

typedef struct
{
  Echoes *echoes;
  guint number;
} Echo;

static void
echo_cb (TornadisClient *client,
         TornadisReply *reply,
         GError *error,
         gpointer user_data)
{
  g_autofree Echo *echo = user_data;
  g_autofree char *expected = g_strdup_printf ("%08u", echo->number);

  if (error != NULL)
    {
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
      echo->echoes->n_timed_out++;
    }
  else
    {
      g_assert_cmpstr (tornadis_reply_get_text (reply), ==, expected);
      echo->echoes->n_right++;
    }
  echo->echoes->n_left--;
}

static void
submit_echo (TornadisClient *client,
             Echoes *echoes,
             guint number)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("ECHO");
  g_autofree char *text = g_strdup_printf ("%08u%01000d", number, 0);
  Echo *echo = g_new (Echo, 1);

  *echo = (Echo) { echoes, number };
  echoes->n_left++;
  tornadis_command_append_string (command, text);
  tornadis_client_submit (client, command, echo_cb, echo, NULL);
}

/* A write that would block has already made a TLS record, which goes out later whatever becomes of its calls. */
static void
test_timed_out_while_blocked (Tls *fixture,
                              gconstpointer data)
{
  g_autoptr (GSubprocess) server = NULL;
  Echoes echoes = { 0 };

  g_object_set (fixture->client, "port", start_stalling_server (fixture, &server), "call-timeout-msec", 300, NULL);
  for (guint i = 0; i < 20000; i++)
    submit_echo (fixture->client, &echoes, i);
  while (echoes.n_left > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (echoes.n_timed_out, >, 0);

  g_object_set (fixture->client, "call-timeout-msec", 20000, NULL);
  echoes.n_right = echoes.n_timed_out = 0;
  for (guint i = 0; i < 200; i++)
    submit_echo (fixture->client, &echoes, 1000000 + i);
  while (echoes.n_left > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (echoes.n_right, ==, 200);

  tornadis_client_close (fixture->client);
  g_subprocess_force_exit (server);
  g_subprocess_wait (server, NULL, NULL);
}

static const char *const mutual_args[] = { "--tls-auth-clients", "yes", NULL };
static const char *const elsewhere_args[] = { "--tls-cert-file", "FILE:elsewhere.pem", "--tls-key-file", "FILE:elsewhere.key", NULL };
static const char *const expired_args[] = { "--tls-cert-file", "FILE:expired.pem", "--tls-key-file", "FILE:expired.key", NULL };
static const char *const old_args[] = { "--tls-protocols", "TLSv1.2", NULL };

#define ADD(name, args, func) g_test_add ("/tls/" name, Tls, args, set_up, func, tear_down)

int
main (int argc,
      char **argv)
{
  if (argc == 4 && g_str_equal (argv[1], STALLING_SERVER))
    return run_stalling_server (argv[2], argv[3]);

  g_test_init (&argc, &argv, NULL);

  ADD ("good", NULL, test_good);
  ADD ("good-1.2", old_args, test_good);
  ADD ("uri", NULL, test_uri);
  ADD ("many-calls", NULL, test_many_calls);
  ADD ("pub-sub", NULL, test_pub_sub);
  ADD ("untrusted", NULL, test_untrusted);
  ADD ("wrong-host", elsewhere_args, test_wrong_certificate);
  ADD ("expired", expired_args, test_wrong_certificate);
  ADD ("identity", elsewhere_args, test_identity);
  ADD ("verified-again", NULL, test_verified_again);
  ADD ("client-certificate", mutual_args, test_client_certificate);
  ADD ("mismatch", NULL, test_mismatch);
  ADD ("silent", NULL, test_silent);
  ADD ("unix", NULL, test_unix);
  ADD ("restart", NULL, test_restart);
  ADD ("timed-out-while-blocked", NULL, test_timed_out_while_blocked);

  return g_test_run ();
}
