/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tornadis-glib/wire/tornadis-tls-handshake.h"

#define STALLING_SERVER "--stalling-server"
#define PROXY "--proxy"
#define N_AT_ONCE 30
/* More than begin before the line waits for one of them. */
#define N_DEAD 6

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
  g_clear_object (&fixture->database);
  g_clear_object (&fixture->redis);
}

static void
assert_fails_with (TornadisClient *client,
                   const char *cause)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *in_time = NULL;
  guint timeout;

  g_assert_null (call (client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_test_message ("%s", error->message);
  /* If because it took too long, then at the time that was set. */
  g_object_get (client, "connect-timeout", &timeout, NULL);
  in_time = g_strdup_printf ("within %u seconds", timeout);
  g_assert_true (strstr (error->message, " seconds") == NULL || g_str_has_suffix (error->message, in_time));
  g_assert_true (g_str_has_suffix (error->message, cause));
  g_assert_false (tornadis_client_is_connected (client));
}

static void
assert_fails (TornadisClient *client)
{
  assert_fails_with (client, "");
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
    tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "ECHO", value, NULL });
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

  tornadis_pub_sub_client_subscribe_async (client, (const char *[]){ "a", NULL }, NULL, store_result, &result);
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
  assert_fails_with (fixture->client, "its issuer is unknown");
  g_object_set (fixture->client, "tls-database", fixture->database, NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
test_wrong_host (Tls *fixture,
                 gconstpointer data)
{
  assert_fails_with (fixture->client, "it is for another host");
}

static void
test_expired (Tls *fixture,
              gconstpointer data)
{
  assert_fails_with (fixture->client, "it has expired");
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

/* Every connection is verified, also one that could go on with the session of a good one. */
static void
test_verified_again (Tls *fixture,
                     gconstpointer data)
{
  g_autoptr (GSocketConnectable) elsewhere = g_network_address_new ("elsewhere.test", 0);
  g_autoptr (GSocketConnectable) localhost = g_network_address_new ("localhost", 0);
  g_autoptr (GTlsDatabase) other = load_database (fixture, "other-ca.pem");

  for (guint i = 0; i < 3; i++)
    {
      tornadis_client_close (fixture->client);
      g_object_set (fixture->client, "tls-server-identity", localhost, "tls-database", fixture->database, NULL);
      assert_call (fixture->client, "PONG", "PING", NULL);
      tornadis_client_close (fixture->client);
      g_object_set (fixture->client, "tls-server-identity", elsewhere, NULL);
      assert_fails_with (fixture->client, "it is for another host");

      g_object_set (fixture->client, "tls-server-identity", localhost, NULL);
      assert_call (fixture->client, "PONG", "PING", NULL);
      tornadis_client_close (fixture->client);
      g_object_set (fixture->client, "tls-database", other, NULL);
      assert_fails_with (fixture->client, "its issuer is unknown");
    }
}

/* The error names what is wrong with the certificate. */
static void
test_causes (Tls *fixture,
             gconstpointer data)
{
  static const struct
  {
    GTlsCertificateFlags errors;
    const char *words;
  } cases[] = {
    { G_TLS_CERTIFICATE_UNKNOWN_CA, ": its issuer is unknown" },
    { G_TLS_CERTIFICATE_BAD_IDENTITY, ": it is for another host" },
    { G_TLS_CERTIFICATE_NOT_ACTIVATED, ": it is not valid yet" },
    { G_TLS_CERTIFICATE_EXPIRED, ": it has expired" },
    { G_TLS_CERTIFICATE_REVOKED, ": it was revoked" },
    { G_TLS_CERTIFICATE_INSECURE, ": its algorithm is insecure" },
    { G_TLS_CERTIFICATE_GENERIC_ERROR, ": it could not be verified" },
    { G_TLS_CERTIFICATE_UNKNOWN_CA | G_TLS_CERTIFICATE_EXPIRED, ": its issuer is unknown, it has expired" },
    { 1 << 30, " acceptable" },
  };
  g_autoptr (GTlsDatabase) other = load_database (fixture, "other-ca.pem");
  g_autoptr (GSocketConnectable) elsewhere = g_network_address_new ("elsewhere.test", 0);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = tornadis_tls_handshake_describe (cases[i].errors);

      g_assert_true (g_str_has_suffix (text, cases[i].words));
    }

  assert_fails_with (fixture->client, "certificate is not acceptable: it is not valid yet");
  g_object_set (fixture->client, "tls-database", other, "tls-server-identity", elsewhere, NULL);
  assert_fails_with (fixture->client, ": its issuer is unknown, it is for another host, it is not valid yet");
}

/* A user without a password, over TLS. */
static void
test_username_alone (Tls *fixture,
                     gconstpointer data)
{
  g_autofree char *uri = g_strdup_printf ("rediss://reader@localhost:%u", tornadis_harness_redis_get_tls_port (fixture->redis));
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri (uri, &error);

  g_assert_no_error (error);
  assert_call (fixture->client, "OK", "ACL", "SETUSER", "reader", "reset", "on", "nopass", "+@all", NULL);
  g_object_set (client, "tls-database", fixture->database, NULL);
  assert_call (client, "\"reader\"", "ACL", "WHOAMI", NULL);
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
  /* Redis may wait for the end of a line. */
  g_object_set (fixture->client, "port", tornadis_harness_redis_get_port (fixture->redis), "connect-timeout", 1, NULL);
  assert_fails (fixture->client);
  g_object_set (fixture->client, "tls", FALSE, "connect-timeout", 60, NULL);
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
  wait_until (!tornadis_client_is_connected (fixture->client));
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
start_process (Tls *fixture,
               const char *role,
               const char *kind,
               GSubprocess **process)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *certificate = tornadis_harness_redis_get_file (fixture->redis, "server.pem");
  g_autofree char *key = tornadis_harness_redis_get_file (fixture->redis, "server.key");
  g_autoptr (GDataInputStream) out = NULL;
  g_autofree char *line = NULL;
  g_autoptr (GError) error = NULL;

  *process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, role, certificate, key, kind, NULL);
  g_assert_no_error (error);
  out = g_data_input_stream_new (g_subprocess_get_stdout_pipe (*process));
  line = g_data_input_stream_read_line (out, NULL, NULL, &error);
  g_assert_no_error (error);

  return (guint) g_ascii_strtoull (line, NULL, 10);
}

static void
end_process (GSubprocess *process)
{
  g_subprocess_force_exit (process);
  g_subprocess_wait (process, NULL, NULL);
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

  *echo = (Echo){ echoes, number };
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

  /* So many calls may take longer to make than a connection may. */
  g_object_set (fixture->client, "port", start_process (fixture, STALLING_SERVER, NULL, &server),
                "connect-timeout", 0, "call-timeout-msec", 300, NULL);
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
  end_process (server);
}

/* What the library calls on its way to a handshake, in the place of GIO's. */
static struct
{
  GThread *thread;  /* (unowned) (nullable) of the main loop, while it is watched */
  guint n_turns;    /* of the main loop */
  guint n_begun;    /* handshakes */
  guint last_begun; /* in which turn */
  gint n_prepared;  /* atomic */
  GMutex lock;      /* of what follows */
  GCond released;
  gboolean held; /* no handshake gets prepared */
} watch;

void
g_tls_connection_handshake_async (GTlsConnection *connection,
                                  int io_priority,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  static __typeof__ (&g_tls_connection_handshake_async) original;

  if (original == NULL)
    *(void **) &original = dlsym (RTLD_NEXT, "g_tls_connection_handshake_async");

  if (watch.thread != NULL)
    {
      g_assert_cmpuint (watch.n_turns, >, watch.last_begun);
      watch.last_begun = watch.n_turns;
    }
  watch.n_begun++;
  original (connection, io_priority, cancellable, callback, user_data);
}

GType
g_tls_backend_get_client_connection_type (GTlsBackend *backend)
{
  __typeof__ (&g_tls_backend_get_client_connection_type) original;

  *(void **) &original = dlsym (RTLD_NEXT, "g_tls_backend_get_client_connection_type");

  /* It may take a while. */
  g_assert_true (g_thread_self () != watch.thread);
  g_atomic_int_inc (&watch.n_prepared);
  g_main_context_wakeup (NULL);
  g_mutex_lock (&watch.lock);
  while (watch.held)
    g_cond_wait (&watch.released, &watch.lock);
  g_mutex_unlock (&watch.lock);

  return original (backend);
}

static int
counting_poll (GPollFD *fds,
               guint n_fds,
               int timeout)
{
  watch.n_turns++;
  return g_poll (fds, n_fds, timeout);
}

static void
hold_line (gboolean held)
{
  g_mutex_lock (&watch.lock);
  watch.held = held;
  g_cond_broadcast (&watch.released);
  g_mutex_unlock (&watch.lock);
}

static void
watch_set_up (Tls *fixture,
              gconstpointer data)
{
  set_up (fixture, data);
  watch.n_turns = watch.n_begun = watch.last_begun = 0;
  g_atomic_int_set (&watch.n_prepared, 0);
  watch.thread = g_thread_self ();
  g_main_context_set_poll_func (NULL, counting_poll);
}

static void
watch_tear_down (Tls *fixture,
                 gconstpointer data)
{
  tear_down (fixture, data);
  g_main_context_set_poll_func (NULL, NULL);
  watch.thread = NULL;
}

static void
wait_until_prepared (int n)
{
  while (g_atomic_int_get (&watch.n_prepared) < n)
    g_main_context_iteration (NULL, TRUE);
}

static TornadisClient *
make_tls_client (Tls *fixture,
                 guint port)
{
  return g_object_new (TORNADIS_TYPE_CLIENT, "host", "127.0.0.1", "port", port, "connect-timeout", 0,
                       "tls", TRUE, "tls-database", fixture->database, NULL);
}

typedef struct
{
  guint n_left;
  guint n_pongs;
  GError *error; /* (owned) (nullable) */
} Pings;

static void
ping_cb (TornadisClient *client,
         TornadisReply *reply,
         GError *error,
         gpointer user_data)
{
  Pings *pings = user_data;

  pings->n_left--;
  if (error == NULL)
    pings->n_pongs++;
  else if (pings->error == NULL)
    pings->error = g_error_copy (error);
}

static void
submit_ping (TornadisClient *client,
             Pings *pings)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("PING");

  pings->n_left++;
  tornadis_client_submit (client, command, ping_cb, pings, NULL);
}

static void
wait_for_pings (Pings *pings)
{
  while (pings->n_left > 0)
    g_main_context_iteration (NULL, TRUE);
}

/* Many at once begin in as many turns of the main loop. */
static void
test_at_once (Tls *fixture,
              gconstpointer data)
{
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (g_object_unref);
  guint port = tornadis_harness_redis_get_tls_port (fixture->redis);
  Pings pings = { 0 };

  for (guint i = 0; i < N_AT_ONCE; i++)
    {
      TornadisClient *client = make_tls_client (fixture, port);

      g_ptr_array_add (clients, client);
      submit_ping (client, &pings);
    }

  wait_for_pings (&pings);
  g_assert_no_error (pings.error);
  g_assert_cmpuint (pings.n_pongs, ==, N_AT_ONCE);
  g_assert_cmpuint (watch.n_begun, ==, N_AT_ONCE);
  g_assert_cmpint (g_atomic_int_get (&watch.n_prepared), ==, N_AT_ONCE);
}

/* Each main context has a line of its own. */
static void
test_contexts (Tls *fixture,
               gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  guint port = tornadis_harness_redis_get_tls_port (fixture->redis);
  g_autoptr (TornadisClient) here = make_tls_client (fixture, port);
  g_autoptr (TornadisClient) there = NULL;
  Pings pings_here = { 0 };
  Pings pings_there = { 0 };

  g_main_context_push_thread_default (context);
  there = make_tls_client (fixture, port);
  g_main_context_pop_thread_default (context);

  hold_line (TRUE);
  submit_ping (here, &pings_here);
  wait_until_prepared (1);
  submit_ping (there, &pings_there);
  while (g_atomic_int_get (&watch.n_prepared) < 2)
    g_main_context_iteration (context, FALSE);
  hold_line (FALSE);

  while (pings_there.n_left > 0)
    g_main_context_iteration (context, TRUE);
  wait_for_pings (&pings_here);
  g_assert_cmpuint (pings_here.n_pongs + pings_there.n_pongs, ==, 2);

  g_clear_object (&there);
  while (g_main_context_iteration (context, FALSE))
    ;
}

static GSocketConnection *
connect_socket (guint port)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection =
    g_socket_client_connect_to_host (client, "127.0.0.1", (guint16) port, NULL, &error);

  g_assert_no_error (error);
  return connection;
}

static void
secured_cb (GSocketConnection *secured,
            const GError *error,
            gpointer user_data)
{
  g_assert_no_error (error);
  g_set_object ((GSocketConnection **) user_data, secured);
}

/* Who stands in line, is prepared, or is under way, ends when cancelled, and the others go on. */
static void
test_cancel (Tls *fixture,
             gconstpointer data)
{
  guint port = tornadis_harness_redis_get_tls_port (fixture->redis);
  g_autoptr (GSocketConnectable) identity = g_network_address_new ("localhost", 0);
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("stop-reading\n");
  GSocketConnection *connections[5];
  GSocketConnection *secured[5] = { NULL };
  TornadisTlsHandshake *handshakes[5];
  GSocket *sockets[5];

  hold_line (TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (connections); i++)
    {
      connections[i] = connect_socket (i == 4 ? tornadis_harness_peer_get_port (peer) : port);
      sockets[i] = g_socket_connection_get_socket (connections[i]);
      handshakes[i] = tornadis_tls_handshake_start (connections[i], identity, fixture->database, NULL,
                                                    g_main_context_default (), secured_cb, &secured[i]);
    }
  wait_until_prepared (1);

  tornadis_tls_handshake_cancel (handshakes[0]);
  tornadis_tls_handshake_cancel (handshakes[2]);
  /* The other is still in use, by the thread. */
  g_assert_false (g_socket_is_closed (sockets[0]));
  g_assert_true (g_socket_is_closed (sockets[2]));

  hold_line (FALSE);
  while (secured[1] == NULL || secured[3] == NULL || watch.n_begun < 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (g_socket_is_closed (sockets[0]));

  tornadis_tls_handshake_cancel (handshakes[4]);
  while (!g_socket_is_closed (sockets[4]))
    g_main_context_iteration (NULL, TRUE);

  g_assert_cmpuint (watch.n_begun, ==, 3);
  g_assert_cmpint (g_atomic_int_get (&watch.n_prepared), ==, 4);
  for (guint i = 0; i < G_N_ELEMENTS (connections); i++)
    {
      g_assert_true ((secured[i] != NULL) == (i == 1 || i == 3));
      g_socket_close (sockets[i], NULL);
      g_clear_object (&secured[i]);
      g_object_unref (connections[i]);
    }
}

/* The same for clients: their deadline counts while they wait. */
static void
test_waiting (Tls *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("stop-reading\n");
  guint peer_port = tornadis_harness_peer_get_port (peer);
  g_autoptr (TornadisClient) first = make_tls_client (fixture, peer_port);
  g_autoptr (TornadisClient) late = make_tls_client (fixture, peer_port);
  g_autoptr (TornadisClient) closed = make_tls_client (fixture, peer_port);
  Pings pings = { 0 };
  Pings pings_closed = { 0 };
  Pings pings_first = { 0 };

  hold_line (TRUE);
  submit_ping (first, &pings_first);
  wait_until_prepared (1);

  g_object_set (late, "connect-timeout", 1, NULL);
  assert_fails (late);

  submit_ping (closed, &pings_closed);
  while (tornadis_harness_peer_get_n_connections (peer) < 3 || g_main_context_iteration (NULL, FALSE))
    g_main_context_iteration (NULL, FALSE);
  tornadis_client_close (closed);
  wait_for_pings (&pings_closed);
  g_assert_error (pings_closed.error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);

  submit_ping (fixture->client, &pings);
  hold_line (FALSE);
  wait_for_pings (&pings);
  g_assert_cmpuint (pings.n_pongs, ==, 1);
  g_assert_cmpuint (watch.n_begun, ==, 2);

  g_assert_cmpuint (pings_first.n_left, ==, 1);
  tornadis_client_close (first);
  wait_for_pings (&pings_first);
  g_clear_error (&pings_first.error);
  g_clear_error (&pings_closed.error);
}

/* Peers that never answer hold nobody up. */
static void
test_dead_peers (Tls *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("stop-reading\n");
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (g_object_unref);
  Pings pings = { 0 };
  Pings pings_dead = { 0 };

  for (guint i = 0; i < N_DEAD; i++)
    {
      TornadisClient *client = make_tls_client (fixture, tornadis_harness_peer_get_port (peer));

      g_ptr_array_add (clients, client);
      submit_ping (client, &pings_dead);
    }
  while (watch.n_begun < N_DEAD)
    g_main_context_iteration (NULL, TRUE);

  submit_ping (fixture->client, &pings);
  wait_for_pings (&pings);
  g_assert_cmpuint (pings.n_pongs, ==, 1);
  g_assert_cmpuint (pings_dead.n_left, ==, N_DEAD);

  for (guint i = 0; i < N_DEAD; i++)
    tornadis_client_close (clients->pdata[i]);
  wait_for_pings (&pings_dead);
  g_clear_error (&pings_dead.error);
}

/* A connection that is up does not keep the authorities. */
static void
test_trimmed (Tls *fixture,
              gconstpointer data)
{
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_object_set (fixture->client, "tls-database", NULL, NULL);
  assert_finalized (fixture->database);
  fixture->database = NULL;
  assert_call (fixture->client, "PONG", "PING", NULL);
}

#define TYPE_ADDRESSES (addresses_get_type ())
G_DECLARE_FINAL_TYPE (Addresses, addresses, TEST, ADDRESSES, GSocketAddressEnumerator)

/* A host with several addresses, and its enumerator. */
struct _Addresses
{
  GSocketAddressEnumerator parent_instance;

  guint ports[2];
  guint n_given;
  const char *identity; /* (nullable) whom they say that the certificate has to be for */
};

static GSocketAddressEnumerator *
addresses_enumerate (GSocketConnectable *connectable)
{
  Addresses *copy = g_object_new (TYPE_ADDRESSES, NULL);

  memcpy (copy->ports, TEST_ADDRESSES (connectable)->ports, sizeof copy->ports);
  copy->identity = TEST_ADDRESSES (connectable)->identity;
  return G_SOCKET_ADDRESS_ENUMERATOR (copy);
}

static char *
addresses_to_string (GSocketConnectable *connectable)
{
  return g_strdup ("addresses");
}

static void
addresses_connectable_iface_init (GSocketConnectableIface *iface)
{
  iface->enumerate = addresses_enumerate;
  iface->to_string = addresses_to_string;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (Addresses, addresses, G_TYPE_SOCKET_ADDRESS_ENUMERATOR, G_IMPLEMENT_INTERFACE (G_TYPE_SOCKET_CONNECTABLE, addresses_connectable_iface_init))

static GSocketAddress *
addresses_next (GSocketAddressEnumerator *enumerator,
                GCancellable *cancellable,
                GError **error)
{
  Addresses *self = TEST_ADDRESSES (enumerator);
  GSocketAddress *address;

  if (self->n_given == G_N_ELEMENTS (self->ports))
    return NULL;

  address = g_inet_socket_address_new_from_string ("127.0.0.1", self->ports[self->n_given++]);
  if (self->identity != NULL)
    g_object_set_data_full (G_OBJECT (address), "tornadis-server-identity", g_network_address_new (self->identity, 0),
                            g_object_unref);
  return address;
}

static void
addresses_class_init (AddressesClass *klass)
{
  G_SOCKET_ADDRESS_ENUMERATOR_CLASS (klass)->next = addresses_next;
}

static void
addresses_init (Addresses *self)
{
}

/* Where TLS fails with one of a host's addresses, the next is tried. */
static void
test_addresses (Tls *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("close\n");
  g_autoptr (TornadisHarnessPeer) other = make_peer ("close\n");
  g_autoptr (GSocketConnectable) identity = g_network_address_new ("localhost", 0);
  g_autoptr (Addresses) addresses = g_object_new (TYPE_ADDRESSES, NULL);

  addresses->ports[0] = tornadis_harness_peer_get_port (peer);
  addresses->ports[1] = tornadis_harness_redis_get_tls_port (fixture->redis);
  g_object_set (fixture->client, "connectable", addresses, "tls-server-identity", identity, NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 1);

  tornadis_client_close (fixture->client);
  addresses->ports[1] = tornadis_harness_peer_get_port (other);
  assert_fails (fixture->client);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 2);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (other), ==, 1);
}

/* A connectable that leads to many servers says with each address whom the certificate has to be for; it is the address where
 * it does not. This certificate is for 127.0.0.1 and localhost. */
static void
test_address_identity (Tls *fixture,
                       gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("close\n");
  g_autoptr (GSocketConnectable) localhost = g_network_address_new ("localhost", 0);
  g_autoptr (Addresses) addresses = g_object_new (TYPE_ADDRESSES, NULL);

  addresses->ports[0] = tornadis_harness_peer_get_port (peer);
  addresses->ports[1] = tornadis_harness_redis_get_tls_port (fixture->redis);
  g_object_set (fixture->client, "connectable", addresses, NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);

  tornadis_client_close (fixture->client);
  addresses->identity = "localhost";
  assert_call (fixture->client, "PONG", "PING", NULL);

  tornadis_client_close (fixture->client);
  addresses->identity = "elsewhere.test";
  assert_fails_with (fixture->client, "it is for another host");

  g_object_set (fixture->client, "tls-server-identity", localhost, NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
test_address_of_another (Tls *fixture,
                         gconstpointer data)
{
  g_autoptr (Addresses) addresses = g_object_new (TYPE_ADDRESSES, NULL);

  addresses->ports[0] = addresses->ports[1] = tornadis_harness_redis_get_tls_port (fixture->redis);
  g_object_set (fixture->client, "connectable", addresses, NULL);
  assert_fails_with (fixture->client, "it is for another host");
  addresses->identity = "elsewhere.test";
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static gpointer
splice_thread (gpointer user_data)
{
  GIOStream **streams = user_data;

  g_output_stream_splice (g_io_stream_get_output_stream (streams[1]), g_io_stream_get_input_stream (streams[0]),
                          G_OUTPUT_STREAM_SPLICE_NONE, NULL, NULL);
  return NULL;
}

/* A proxy of HTTP, which is spoken to over TLS when it is one of HTTPS: one connection. */
static int
run_proxy (const char *certificate_path,
           const char *key_path,
           const char *kind)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_files (certificate_path, key_path, NULL);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GString) request = g_string_new (NULL);
  g_auto (GStrv) words = NULL;
  GIOStream *streams[2];
  GIOStream *back[2];
  char byte;

  alarm (120);
  g_print ("%u\n", g_socket_listener_add_any_inet_port (listener, NULL, NULL));
  fflush (stdout);
  streams[0] = G_IO_STREAM (g_socket_listener_accept (listener, NULL, NULL, NULL));
  if (g_str_equal (kind, "https"))
    streams[0] = g_tls_server_connection_new (streams[0], certificate, NULL);

  while (!g_str_has_suffix (request->str, "\r\n\r\n") &&
         g_input_stream_read (g_io_stream_get_input_stream (streams[0]), &byte, 1, NULL, NULL) == 1)
    g_string_append_c (request, byte);
  words = g_strsplit (request->str, " ", 3);
  g_assert_cmpstr (words[0], ==, "CONNECT");
  streams[1] = G_IO_STREAM (g_socket_client_connect_to_host (client, words[1], 0, NULL, NULL));
  g_output_stream_printf (g_io_stream_get_output_stream (streams[0]), NULL, NULL, NULL, "HTTP/1.0 200 OK\r\n\r\n");

  back[0] = streams[1];
  back[1] = streams[0];
  g_thread_unref (g_thread_new ("splice", splice_thread, back));
  splice_thread (streams);

  return 0;
}

/* TLS to the server goes through the proxy. */
static void
test_proxy (Tls *fixture,
            gconstpointer kind)
{
  g_autoptr (GSubprocess) proxy = NULL;
  guint port = start_process (fixture, PROXY, kind, &proxy);
  g_autofree char *uri = g_strdup_printf ("%s://127.0.0.1:%u", (const char *) kind, port);
  g_autoptr (GProxyResolver) resolver = g_simple_proxy_resolver_new (uri, NULL);
  g_autofree char *large = g_strnfill (300000, 'l');

  /* The proxy's own certificate is GIO's to check. */
  g_tls_backend_set_default_database (g_tls_backend_get_default (), fixture->database);
  /* A script that has to start first, on a machine that may be busy. */
  g_object_set (fixture->client, "proxy-resolver", resolver, "connect-timeout", 60, NULL);
  assert_call (fixture->client, "OK", "SET", "large", large, NULL);
  assert_call (fixture->client, "(integer) 300000", "STRLEN", "large", NULL);
  tornadis_client_close (fixture->client);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), NULL);
  end_process (proxy);
}

static void
test_http_proxy (Tls *fixture,
                 gconstpointer data)
{
  test_proxy (fixture, "http");
}

static void
test_https_proxy (Tls *fixture,
                  gconstpointer data)
{
  test_proxy (fixture, "https");
}

static const char *const mutual_args[] = { "--tls-auth-clients", "yes", NULL };
static const char *const elsewhere_args[] = { "--tls-cert-file", "FILE:elsewhere.pem", "--tls-key-file", "FILE:elsewhere.key", NULL };
static const char *const expired_args[] = { "--tls-cert-file", "FILE:expired.pem", "--tls-key-file", "FILE:expired.key", NULL };
static const char *const early_args[] = { "--tls-cert-file", "FILE:early.pem", NULL };
static const char *const old_args[] = { "--tls-protocols", "TLSv1.2", NULL };

#define ADD(name, args, func) g_test_add ("/tls/" name, Tls, args, set_up, func, tear_down)
#define ADD_WATCHED(name, args, func) g_test_add ("/tls/" name, Tls, args, watch_set_up, func, watch_tear_down)

#ifdef __SANITIZE_ADDRESS__
/* GCC 12's leak sanitizer may crash when it looks at the thread-local storage of a module that was loaded later, such as
 * GIO's TLS, in threads that come and go. Valgrind looks for leaks here. */
int __lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return 1;
}
#endif

int
main (int argc,
      char **argv)
{
  if (argc == 4 && g_str_equal (argv[1], STALLING_SERVER))
    return run_stalling_server (argv[2], argv[3]);
  if (argc == 5 && g_str_equal (argv[1], PROXY))
    return run_proxy (argv[2], argv[3], argv[4]);

  g_test_init (&argc, &argv, NULL);

  ADD ("good", NULL, test_good);
  ADD ("good-1.2", old_args, test_good);
  ADD ("uri", NULL, test_uri);
  ADD ("many-calls", NULL, test_many_calls);
  ADD ("pub-sub", NULL, test_pub_sub);
  ADD ("untrusted", NULL, test_untrusted);
  ADD ("fault-12-wrong-host", elsewhere_args, test_wrong_host);
  ADD ("fault-12-expired", expired_args, test_expired);
  ADD ("fault-12-causes", early_args, test_causes);
  ADD ("identity", elsewhere_args, test_identity);
  ADD ("fault-11-verified-again", NULL, test_verified_again);
  ADD ("fault-11-verified-again-1.2", old_args, test_verified_again);
  ADD ("fault-01-username-alone", NULL, test_username_alone);
  ADD ("client-certificate", mutual_args, test_client_certificate);
  ADD ("mismatch", NULL, test_mismatch);
  ADD ("silent", NULL, test_silent);
  ADD ("unix", NULL, test_unix);
  ADD ("restart", NULL, test_restart);
  ADD ("timed-out-while-blocked", NULL, test_timed_out_while_blocked);
  ADD_WATCHED ("at-once", NULL, test_at_once);
  ADD_WATCHED ("at-once-1.2", old_args, test_at_once);
  ADD_WATCHED ("contexts", NULL, test_contexts);
  ADD_WATCHED ("cancel", NULL, test_cancel);
  ADD_WATCHED ("waiting", NULL, test_waiting);
  ADD_WATCHED ("dead-peers", NULL, test_dead_peers);
  ADD ("trimmed", NULL, test_trimmed);
  ADD ("addresses", NULL, test_addresses);
  ADD ("address-identity", NULL, test_address_identity);
  ADD ("address-of-another", elsewhere_args, test_address_of_another);
  ADD ("http-proxy", NULL, test_http_proxy);
  ADD ("https-proxy", NULL, test_https_proxy);

  return g_test_run ();
}
