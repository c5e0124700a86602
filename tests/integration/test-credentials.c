/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients that ask for their login: when they connect, and again while they are connected. */

#include <string.h>

#include "integration/login.h"
#include "integration/util.h"

/* Does what the harness may, as the default user. */
static void
rule (Fixture *fixture,
      const char *format,
      ...) G_GNUC_PRINTF (2, 3);

static void
rule (Fixture *fixture,
      const char *format,
      ...)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;
  g_autofree char *reply = NULL;
  va_list arguments;

  va_start (arguments, format);
  line = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  reply = tornadis_harness_redis_command (fixture->redis, line, &error);
  g_assert_no_error (error);
  g_assert_true (*reply != '-');
}

static void
add_user (Fixture *fixture,
          const char *name,
          const char *password)
{
  rule (fixture, "ACL SETUSER %s on >%s ~* &* +@all", name, password);
}

static void
set_up (Fixture *fixture,
        gconstpointer data)
{
  fixture_set_up (fixture, NULL);
  add_user (fixture, "ann", "old");
  g_object_set (fixture->client, "protocol", GPOINTER_TO_INT (data), NULL);
}

static TestLogin *
use_login (TornadisClient *client,
           const char *username,
           const char *password)
{
  TestLogin *login = test_login_new (username, password);

  g_object_set (client, "credentials", login, NULL);
  return login;
}

static gboolean
is_user (TornadisClient *client,
         const char *name)
{
  g_autofree char *quoted = g_strdup_printf ("\"%s\"", name);
  g_autofree char *text = call_text (client, "ACL", "WHOAMI", NULL);

  return g_str_equal (text, quoted);
}

static void
count_cb (guint *count)
{
  (*count)++;
}

/* A login is asked for with each connection, and goes into no property. */
static void
test_connect (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "old");
  g_autofree char *username = NULL;
  g_autofree char *password = NULL;
  gboolean settled;

  g_assert_true (is_user (fixture->client, "ann"));
  g_assert_cmpuint (test_login_get_n_asked (login), ==, 1);
  g_object_get (fixture->client, "username", &username, "password", &password, "session-settled", &settled, NULL);
  g_assert_null (username);
  g_assert_null (password);
  g_assert_true (settled);

  tornadis_client_close (fixture->client);
  g_assert_true (is_user (fixture->client, "ann"));
  g_assert_cmpuint (test_login_get_n_asked (login), ==, 2);

  /* What it was given by URI or property counts again without them. */
  g_object_set (fixture->client, "credentials", NULL, NULL);
  g_assert_true (is_user (fixture->client, "ann"));
  tornadis_client_close (fixture->client);
  g_assert_true (is_user (fixture->client, "default"));
  g_assert_cmpuint (test_login_get_n_asked (login), ==, 2);

  /* A connection that is up follows when they are set, and holds no call up. */
  g_object_set (fixture->client, "credentials", login, NULL);
  wait_until (is_user (fixture->client, "ann"));
}

/* The server knows the client without any login. */
static void
test_nothing (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, NULL, NULL);

  g_assert_true (is_user (fixture->client, "default"));
  test_login_set (login, NULL, NULL);
  wait_until (test_login_get_n_asked (login) == 2);
  g_assert_true (is_user (fixture->client, "default"));
  g_assert_cmpuint (count_calls (fixture->redis, "auth"), ==, 0);
}

static void
assert_fails_to_connect (TornadisClient *client,
                         const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (connect_and_wait (client, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_null (strstr (error->message, "s3cret"));
}

/* There is none, or the server does not take it. */
static void
test_no_login (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "s3cret");

  assert_fails_to_connect (fixture->client, "WRONGPASS");
  test_login_set_failure (login, "the keyring is locked");
  assert_fails_to_connect (fixture->client, "the keyring is locked");
  test_login_set_failure (login, NULL);
  add_user (fixture, "ann", "s3cret");
  g_assert_true (is_user (fixture->client, "ann"));
}

/* A request that nobody answers fails with its last reference. */
static void
test_dropped_request (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "old");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  test_login_set_silent (login, TRUE);
  tornadis_client_connect_async (fixture->client, NULL, store_result, &result);
  wait_until (test_login_get_n_asked (login) == 1);
  g_clear_object (&login);
  g_object_set (fixture->client, "credentials", NULL, NULL);
  g_assert_false (tornadis_client_connect_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION);
}

/* Who does not answer is waited for as long as a connection may take, and is told when nobody waits any more. */
static void
test_silent (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "old");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  test_login_set_silent (login, TRUE);
  g_object_set (fixture->client, "connect-timeout", 1, NULL);
  g_assert_false (connect_and_wait (fixture->client, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_clear_error (&error);
  wait_until (test_login_get_n_cancelled (login) == 1);

  /* So is one of a client that is closed meanwhile. */
  g_object_set (fixture->client, "connect-timeout", 0, NULL);
  tornadis_client_connect_async (fixture->client, NULL, store_result, &result);
  wait_until (test_login_get_n_asked (login) == 2);
  tornadis_client_close (fixture->client);
  g_assert_false (tornadis_client_connect_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  wait_until (test_login_get_n_cancelled (login) == 2);

  /* The late answers are nobody's. */
  test_login_set_silent (login, FALSE);
  g_assert_true (is_user (fixture->client, "ann"));
  g_assert_cmpuint (test_login_get_n_asked (login), ==, 3);
}

typedef struct
{
  TornadisClient *client;
  guint n_in_flight;
  guint64 n_sent;
  guint64 n_replies; /* each is the number of its call */
  gboolean stopped;
} Load;

static void load_call (Load *self);

static void
load_replied_cb (TornadisClient *client,
                 TornadisReply *reply,
                 GError *error,
                 gpointer user_data)
{
  Load *self = user_data;
  g_autofree char *expected = g_strdup_printf ("%" G_GUINT64_FORMAT, self->n_replies++);

  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, expected);
  self->n_in_flight--;
  if (!self->stopped)
    load_call (self);
}

static void
load_call (Load *self)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("ECHO");

  tornadis_command_append_int64 (command, (gint64) self->n_sent++);
  self->n_in_flight++;
  tornadis_client_submit (self->client, command, load_replied_cb, self, NULL);
}

/* Passwords and users change under load; what was before is taken away, and no call notices. */
static void
test_rotation (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "old");
  Load load = { .client = fixture->client };
  guint n_lost = 0;

  g_signal_connect_swapped (fixture->client, "disconnected", G_CALLBACK (count_cb), &n_lost);
  for (guint i = 0; i < 50; i++)
    load_call (&load);
  g_assert_true (is_user (fixture->client, "ann"));

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *user = g_strdup_printf ("user%u", i);
      g_autofree char *password = g_strdup_printf ("password%u", i);

      add_user (fixture, user, password);
      test_login_set (login, user, password);
      wait_until (is_user (fixture->client, user));
      /* The server closes the connections of a user that it deletes. */
      if (i > 0)
        rule (fixture, "ACL DELUSER user%u", i - 1);
      else
        rule (fixture, "ACL DELUSER ann");
    }

  load.stopped = TRUE;
  wait_until (load.n_in_flight == 0);
  g_assert_cmpuint (load.n_sent, ==, load.n_replies);
  g_assert_cmpuint (n_lost, ==, 0);
  g_assert_cmpuint (count_calls (fixture->redis, "auth"), >=, 5);
  g_signal_handlers_disconnect_by_data (fixture->client, &n_lost);
}

/* The same login again, and a change while a login is on its way. */
static void
test_changes (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "old");
  guint n_auths;

  g_assert_true (is_user (fixture->client, "ann"));
  n_auths = count_calls (fixture->redis, "auth");
  test_login_set (login, "ann", "old");
  wait_until (test_login_get_n_asked (login) == 2);
  g_assert_true (is_user (fixture->client, "ann"));
  g_assert_cmpuint (count_calls (fixture->redis, "auth"), ==, n_auths);

  add_user (fixture, "bob", "new");
  test_login_set_silent (login, TRUE);
  test_login_set (login, "ann", "old");
  wait_until (test_login_get_n_asked (login) == 3);
  test_login_set (login, "bob", "new");
  test_login_set_silent (login, FALSE);
  wait_until (is_user (fixture->client, "bob"));
  wait_until (test_login_get_n_asked (login) == 4);
}

/* Credentials that answer with a change are not asked all the time. */
static void
test_restless (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "old");
  gint64 began = g_get_monotonic_time ();

  test_login_set_restless (login, TRUE);
  g_assert_true (is_user (fixture->client, "ann"));
  wait_until (test_login_get_n_asked (login) == 4);
  g_assert_cmpint (g_get_monotonic_time () - began, >=, 3 * 500 * G_TIME_SPAN_MILLISECOND);
  test_login_set_restless (login, FALSE);
}

/* It waits for the end of MULTI, and leaves WATCH as it is. */
static void
test_transaction (Fixture *fixture,
                  gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "old");
  guint n_auths;

  add_user (fixture, "bob", "new");
  assert_call (fixture->client, "OK", "WATCH", "key", NULL);
  n_auths = count_calls (fixture->redis, "auth");
  test_login_set (login, "bob", "new");
  wait_until (is_user (fixture->client, "bob"));
  rule (fixture, "SET key other");
  assert_call (fixture->client, "OK", "MULTI", NULL);
  assert_call (fixture->client, "QUEUED", "SET", "key", "mine", NULL);
  assert_call (fixture->client, "(nil)", "EXEC", NULL);

  assert_call (fixture->client, "OK", "MULTI", NULL);
  test_login_set (login, "ann", "old");
  wait_until (test_login_get_n_asked (login) == 3);
  /* Whatever was to go out, went. */
  assert_call (fixture->client, "QUEUED", "ECHO", "1", NULL);
  assert_call (fixture->client, "QUEUED", "ACL", "WHOAMI", NULL);
  g_assert_cmpuint (count_calls (fixture->redis, "auth"), ==, n_auths + 1);
  assert_call (fixture->client, "1) \"1\"\n2) \"bob\"", "EXEC", NULL);
  /* Right behind it. */
  g_assert_true (is_user (fixture->client, "ann"));
}

/* Behind a command that blocks it waits, and in front of the calls that come after. */
static void
test_blocking (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "old");
  g_autoptr (TornadisCommand) pop = tornadis_command_new_strv ((const char *[]){ "BLPOP", "list", "0", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->client, "connect-timeout", 1, NULL);
  add_user (fixture, "bob", "new");
  g_assert_true (is_user (fixture->client, "ann"));
  tornadis_client_call_async (fixture->client, pop, NULL, store_result, &result);
  wait_until (count_blocked (fixture->redis) == 1);
  test_login_set (login, "bob", "new");
  wait_until (test_login_get_n_asked (login) == 2);
  /* It is not the server that keeps it waiting. */
  spin_for (2500);
  rule (fixture, "RPUSH list element");
  reply = tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error);
  g_assert_no_error (error);
  g_assert_true (is_user (fixture->client, "bob"));
}

/* A login is renewed before it expires. */
static void
test_expiry (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "old");
  guint n_lost = 0;
  gint64 began = g_get_monotonic_time ();

  g_signal_connect_swapped (fixture->client, "disconnected", G_CALLBACK (count_cb), &n_lost);
  test_login_set_life_msec (login, 2000);
  g_assert_true (is_user (fixture->client, "ann"));
  wait_until (test_login_get_n_asked (login) == 2);
  g_assert_cmpint (g_get_monotonic_time () - began, >=, 1500 * G_TIME_SPAN_MILLISECOND);
  /* For ever from now on; there is no other time to wait for. */
  test_login_set_life_msec (login, 0);
  wait_until (test_login_get_n_asked (login) == 3);
  g_assert_true (is_user (fixture->client, "ann"));
  g_assert_cmpuint (n_lost, ==, 0);
  g_signal_handlers_disconnect_by_data (fixture->client, &n_lost);
}

static void
disconnected_cb (TornadisClient *client,
                 const GError *error,
                 GError **location)
{
  g_clear_error (location);
  *location = error != NULL ? g_error_copy (error) : NULL;
}

/* One that is refused leaves the connection as it is while the old one is valid. */
static void
test_refusal (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "old");
  g_autoptr (GError) lost = NULL;
  guint n_auths;

  g_signal_connect (fixture->client, "disconnected", G_CALLBACK (disconnected_cb), &lost);
  g_assert_true (is_user (fixture->client, "ann"));
  n_auths = count_calls (fixture->redis, "auth");

  g_test_expect_message ("Tornadis", G_LOG_LEVEL_MESSAGE, "*could not log in again: AUTH: WRONGPASS*");
  test_login_set (login, "ann", "s3cret");
  wait_until (count_calls (fixture->redis, "auth") == n_auths + 1);
  g_assert_true (is_user (fixture->client, "ann"));
  g_test_assert_expected_messages ();
  g_assert_cmpuint (count_calls (fixture->redis, "auth"), ==, n_auths + 1);

  /* The next change is tried again. */
  add_user (fixture, "ann", "s3cret");
  test_login_set (login, "ann", "s3cret");
  wait_until (count_calls (fixture->redis, "auth") == n_auths + 2);
  g_assert_true (is_user (fixture->client, "ann"));
  g_assert_no_error (lost);
  g_signal_handlers_disconnect_by_data (fixture->client, &lost);
}

/* With that it ends, and what is called later fails to connect. */
static void
test_refusal_when_expired (Fixture *fixture,
                           gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "old");
  g_autoptr (GError) lost = NULL;

  g_signal_connect (fixture->client, "disconnected", G_CALLBACK (disconnected_cb), &lost);
  test_login_set_life_msec (login, 2000);
  g_assert_true (is_user (fixture->client, "ann"));
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_MESSAGE, "*could not log in again: AUTH: WRONGPASS*");
  test_login_set (login, "ann", "s3cret");
  wait_until (lost != NULL);
  g_test_assert_expected_messages ();
  g_assert_error (lost, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION);
  g_assert_null (strstr (lost->message, "s3cret"));
  g_assert_cmpuint (test_login_get_n_asked (login), ==, 2);
  assert_fails_to_connect (fixture->client, "WRONGPASS");
  test_login_set (login, "ann", "old");
  g_assert_true (is_user (fixture->client, "ann"));
  g_signal_handlers_disconnect_by_data (fixture->client, &lost);
}

/* Who has none to give is asked again before the old one expires; then the connection is closed. */
static void
test_failure_when_expired (Fixture *fixture,
                           gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "old");
  g_autoptr (GError) lost = NULL;

  g_signal_connect (fixture->client, "disconnected", G_CALLBACK (disconnected_cb), &lost);
  test_login_set_life_msec (login, 3000);
  g_assert_true (is_user (fixture->client, "ann"));
  test_login_set_failure (login, "no network");
  test_login_set (login, "ann", "old");
  wait_until (test_login_get_n_asked (login) >= 3);
  g_assert_true (is_user (fixture->client, "ann"));
  wait_until (lost != NULL);
  g_assert_error (lost, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION);
  g_assert_nonnull (strstr (lost->message, "no network"));
  test_login_set_failure (login, NULL);
  g_assert_true (is_user (fixture->client, "ann"));
  g_signal_handlers_disconnect_by_data (fixture->client, &lost);
}

/* A server that does not answer AUTH: when the connection is made, and later. */
static void
test_unanswered (void)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("expect HELLO\nsend \"-ERR unknown command\\r\\n\"\nexpect AUTH\nstop-reading\n---\n"
               "handshake\nexpect GET\nsend \"+1\\r\\n\"\nexpect AUTH\nstop-reading\n---\n"
               "handshake\necho-server");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TestLogin) login = use_login (client, "ann", "s3cret");
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", "k", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) lost = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (client, "connect-timeout", 1, NULL);
  g_assert_false (connect_and_wait (client, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_clear_error (&error);

  /* What was called behind it has not run, and goes with the next connection. */
  g_signal_connect (client, "disconnected", G_CALLBACK (disconnected_cb), &lost);
  assert_call (client, "1", "GET", "k", NULL);
  test_login_set (login, "ann", "other");
  wait_until (count_received (peer, "AUTH") == 3);
  tornadis_client_call_async (client, get, NULL, store_result, &result);
  reply = tornadis_client_call_finish (client, wait_for_result (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "value-of-k");
  g_assert_error (lost, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
}

static guint
get_pending (TornadisClient *client)
{
  guint pending;

  g_object_get (client, "pending", &pending, NULL);
  return pending;
}

/* All clients of a pool follow, those too that are idle, and are kept. */
static void
test_pool (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TestLogin) login = use_login (fixture->client, "ann", "old");
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (fixture->client);
  TornadisClient *clients[4];
  gint64 ids[G_N_ELEMENTS (clients)];
  guint size;

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    clients[i] = assert_take (pool);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      g_assert_true (is_user (clients[i], "ann"));
      g_object_get (clients[i], "connection-id", &ids[i], NULL);
    }
  tornadis_client_pool_release_client (pool, clients[2]);
  tornadis_client_pool_release_client (pool, clients[3]);

  add_user (fixture, "bob", "new");
  test_login_set (login, "bob", "new");
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      gint64 id;

      wait_until (is_user (clients[i], "bob"));
      g_object_get (clients[i], "connection-id", &id, NULL);
      g_assert_cmpint (id, ==, ids[i]);
    }

  rule (fixture, "ACL DELUSER ann");
  /* In the middle of a login they are given to others as well. */
  add_user (fixture, "cay", "newest");
  test_login_set_silent (login, TRUE);
  test_login_set (login, "cay", "newest");
  wait_until (test_login_get_n_asked (login) == 12);
  tornadis_harness_redis_pause (fixture->redis);
  test_login_set_silent (login, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    wait_until (get_pending (clients[i]) > 0);
  tornadis_client_pool_release_client (pool, clients[0]);
  tornadis_client_pool_release_client (pool, clients[1]);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    clients[i] = assert_take (pool);
  tornadis_harness_redis_resume (fixture->redis);
  g_object_get (pool, "size", &size, NULL);
  g_assert_cmpuint (size, ==, G_N_ELEMENTS (clients));
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      gint64 id;

      g_assert_true (is_user (clients[i], "cay"));
      g_object_get (clients[i], "connection-id", &id, NULL);
      g_assert_true (id == ids[0] || id == ids[1] || id == ids[2] || id == ids[3]);
    }

  /* One that its user has made somebody else's is not given to others. */
  assert_call (clients[0], "OK", "AUTH", "bob", "new", NULL);
  g_assert_true (is_user (clients[0], "bob"));
  g_object_ref (clients[0]);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    tornadis_client_pool_release_client (pool, clients[i]);
  g_assert_false (tornadis_client_is_connected (clients[0]));
  g_object_unref (clients[0]);
  tornadis_client_pool_destroy (pool);
}

/* A pub/sub client: in RESP3 as any other, in RESP2 with another connection. */
static void
test_pub_sub (Fixture *fixture,
              gconstpointer data)
{
  gboolean resp3 = GPOINTER_TO_INT (data) != TORNADIS_PROTOCOL_RESP2;
  g_autoptr (TornadisPubSubClient) client = g_object_new (TORNADIS_TYPE_PUB_SUB_CLIENT,
                                                          "unix-domain-socket", tornadis_harness_redis_get_socket_path (fixture->redis),
                                                          "protocol", GPOINTER_TO_INT (data), NULL);
  g_autoptr (TestLogin) login = use_login (TORNADIS_CLIENT (client), "ann", "old");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint n_gaps = 0;
  guint n_lost = 0;

  g_signal_connect_swapped (client, "gap", G_CALLBACK (count_cb), &n_gaps);
  g_signal_connect_swapped (client, "disconnected", G_CALLBACK (count_cb), &n_lost);
  tornadis_pub_sub_client_subscribe_async (client, (const char *[]){ "news", NULL }, NULL, store_result, &result);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (client, wait_for_result (&result), &error));
  g_assert_no_error (error);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TornadisMessage) message = NULL;
      g_autofree char *user = g_strdup_printf ("user%u", i);
      g_autofree char *marked = g_strdup_printf ("user=%s", user);
      gboolean there = FALSE;

      add_user (fixture, user, "new");
      test_login_set (login, user, "new");
      while (!there)
        {
          g_autofree char *list = tornadis_harness_redis_command (fixture->redis, "CLIENT LIST TYPE pubsub", NULL);

          there = list != NULL && strstr (list, marked) != NULL;
          spin_for (1);
        }
      rule (fixture, i > 0 ? "ACL DELUSER user0" : "ACL DELUSER ann");
      rule (fixture, "PUBLISH news %u", i);
      message = pop_message (client);
      g_assert_cmpint (tornadis_message_get_text (message)[0], ==, (char) ('0' + i));
    }

  if (resp3)
    {
      g_assert_cmpuint (n_gaps, ==, 0);
      g_assert_cmpuint (n_lost, ==, 0);
    }
  else
    {
      g_assert_cmpuint (n_gaps, ==, 2);
      g_assert_cmpuint (n_lost, ==, 2);
    }
  g_signal_handlers_disconnect_by_data (client, &n_gaps);
  g_signal_handlers_disconnect_by_data (client, &n_lost);
}

/* One that is disposed while it asks or logs in. */
static void
test_dispose (Fixture *fixture,
              gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
      g_autoptr (TestLogin) login = use_login (client, "ann", "old");

      test_login_set_silent (login, i == 0);
      if (i == 0)
        tornadis_client_connect_async (client, NULL, NULL, NULL);
      else
        g_assert_true (is_user (client, "ann"));
      wait_until (test_login_get_n_asked (login) == 1);
      if (i == 1)
        {
          test_login_set_silent (login, TRUE);
          test_login_set (login, "ann", "new");
          wait_until (test_login_get_n_asked (login) == 2);
        }
      if (i == 0)
        {
          g_object_run_dispose (G_OBJECT (client));
          while (g_main_context_iteration (NULL, FALSE))
            ;
        }
      assert_client_finalized (client);
      if (i < 2)
        wait_until (test_login_get_n_cancelled (login) == 1);
      test_login_set_silent (login, FALSE);
      test_login_set (login, "nobody", "is there");
      while (g_main_context_iteration (NULL, FALSE))
        ;
      assert_finalized (g_steal_pointer (&login));
    }
}

int
main (int argc,
      char **argv)
{
  static const struct
  {
    const char *name;
    void (*func) (Fixture *, gconstpointer);
    gboolean one; /* the protocol makes no difference */
  } tests[] = {
    { "connect", test_connect },
    { "nothing", test_nothing },
    { "no-login", test_no_login },
    { "dropped-request", test_dropped_request },
    { "silent", test_silent, TRUE },
    { "rotation", test_rotation },
    { "changes", test_changes },
    { "restless", test_restless, TRUE },
    { "transaction", test_transaction },
    { "blocking", test_blocking, TRUE },
    { "expiry", test_expiry, TRUE },
    { "refusal", test_refusal },
    { "refusal-when-expired", test_refusal_when_expired, TRUE },
    { "failure-when-expired", test_failure_when_expired, TRUE },
    { "pool", test_pool },
    { "pub-sub", test_pub_sub },
    { "dispose", test_dispose },
  };

  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    for (guint protocol = tests[i].one ? TORNADIS_PROTOCOL_RESP3 : TORNADIS_PROTOCOL_RESP2; protocol <= TORNADIS_PROTOCOL_RESP3; protocol++)
      {
        g_autofree char *path = g_strdup_printf ("/credentials/%s/resp%u", tests[i].name, protocol == TORNADIS_PROTOCOL_RESP2 ? 2 : 3);

        g_test_add (path, Fixture, GUINT_TO_POINTER (protocol), set_up, tests[i].func, fixture_tear_down);
      }
  g_test_add_func ("/credentials/unanswered", test_unanswered);

  return g_test_run ();
}
