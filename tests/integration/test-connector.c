/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a connection is before the first call: who it is, what it is called, what it goes through; and what an error says
 * when there is none. */

#include "integration/util.h"

#include <stdlib.h>
#include <string.h>

#define DENIED "DENIED Redis is running in protected mode because protected mode is enabled"

static TornadisClient *
make_client_for_uri (const char *format,
                     ...) G_GNUC_PRINTF (1, 2);

static TornadisClient *
make_client_for_uri (const char *format,
                     ...)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = NULL;
  TornadisClient *client;
  va_list args;

  va_start (args, format);
  uri = g_strdup_vprintf (format, args);
  va_end (args);

  client = tornadis_client_new_for_uri (uri, &error);
  g_assert_no_error (error);
  return client;
}

/* The message of the error. */
static char *
connect_in_vain (TornadisClient *client,
                 int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (connect_and_wait (client, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, TORNADIS_ERROR, code);
  return g_strdup (error->message);
}

static void
assert_fails_with (TornadisClient *client,
                   int code,
                   const char *words)
{
  g_autofree char *message = connect_in_vain (client, code);

  g_assert_nonnull (strstr (message, words));
}

static void
assert_user (TornadisClient *client,
             const char *name)
{
  g_autofree char *quoted = g_strdup_printf ("\"%s\"", name);

  assert_call (client, quoted, "ACL", "WHOAMI", NULL);
}

static void
set_user (Fixture *fixture,
          const char *rules)
{
  g_autofree char *line = g_strconcat ("ACL SETUSER ", rules, NULL);
  g_autofree char *answer = tornadis_harness_redis_command (fixture->redis, line, NULL);

  g_assert_true (g_str_has_prefix (answer, "+OK"));
}

/* Half an identity is never dropped: the server decides. */
static void
test_username_alone (Fixture *fixture,
                     gconstpointer data)
{
  static const char *const passwords[] = { "", ":" };
  static const char *const options[] = { "?db=1", "?protocol=2", "?protocol=3" };
  static const char *const strangers[] = { "writer", "nobody" };
  guint port = tornadis_harness_redis_get_port (fixture->redis);

  set_user (fixture, "reader reset on nopass ~* +@all");
  set_user (fixture, "writer reset on >secret ~* +@all");

  for (guint i = 0; i < G_N_ELEMENTS (passwords) * G_N_ELEMENTS (options); i++)
    {
      const char *password = passwords[i % G_N_ELEMENTS (passwords)];
      const char *option = options[i / G_N_ELEMENTS (passwords)];
      g_autoptr (TornadisClient) over_tcp = make_client_for_uri ("redis://reader%s@127.0.0.1:%u%s", password, port, option);
      g_autoptr (TornadisClient) over_unix =
        make_client_for_uri ("unix://reader%s@%s%s", password, tornadis_harness_redis_get_socket_path (fixture->redis), option);

      assert_user (over_tcp, "reader");
      assert_user (over_unix, "reader");

      for (guint j = 0; j < G_N_ELEMENTS (strangers); j++)
        {
          g_autoptr (TornadisClient) stranger =
            make_client_for_uri ("redis://%s%s@127.0.0.1:%u%s", strangers[j], password, port, option);

          assert_fails_with (stranger, TORNADIS_ERROR_AUTHENTICATION, "WRONGPASS");
        }
    }
}

static void
test_username_property (Fixture *fixture,
                        gconstpointer data)
{
  static const char *const passwords[] = { NULL, "" };

  set_user (fixture, "reader reset on nopass ~* +@all");
  for (guint i = 0; i < G_N_ELEMENTS (passwords); i++)
    {
      tornadis_client_close (fixture->client);
      g_object_set (fixture->client, "username", "reader", "password", passwords[i], NULL);
      assert_user (fixture->client, "reader");

      tornadis_client_close (fixture->client);
      g_object_set (fixture->client, "username", "nobody", NULL);
      assert_fails_with (fixture->client, TORNADIS_ERROR_AUTHENTICATION, "WRONGPASS");
    }

  g_object_set (fixture->client, "username", NULL, "password", NULL, NULL);
  assert_user (fixture->client, "default");
}

/* An empty password is one, and is the default user's. */
static void
test_empty_password (Fixture *fixture,
                     gconstpointer data)
{
  guint port = tornadis_harness_redis_get_port (fixture->redis);
  g_autoptr (TornadisClient) client = make_client_for_uri ("redis://:@127.0.0.1:%u", port);
  g_autoptr (TornadisClient) resp2 = make_client_for_uri ("redis://:@127.0.0.1:%u?protocol=2", port);

  assert_user (client, "default");
  /* This server takes any password in RESP3 when it needs none, and none in RESP2. */
  assert_fails_with (resp2, TORNADIS_ERROR_AUTHENTICATION, "AUTH");

  tornadis_client_close (client);
  set_user (fixture, "default >secret");
  assert_fails_with (client, TORNADIS_ERROR_AUTHENTICATION, "WRONGPASS");
  assert_fails_with (resp2, TORNADIS_ERROR_AUTHENTICATION, "WRONGPASS");
}

static void
got_client_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  *(TornadisClient **) user_data = tornadis_client_pool_get_connected_client_finish (TORNADIS_CLIENT_POOL (object), result, &error);
  g_assert_no_error (error);
}

static void
test_username_of_template (Fixture *fixture,
                           gconstpointer data)
{
  g_autoptr (TornadisClientPool) pool = NULL;
  g_autoptr (TornadisClient) client = NULL;

  set_user (fixture, "reader reset on nopass ~* +@all");
  g_object_set (fixture->client, "username", "reader", NULL);
  pool = tornadis_client_pool_new (fixture->client);
  tornadis_client_pool_get_connected_client_async (pool, NULL, got_client_cb, &client);
  wait_until (client != NULL);
  assert_user (client, "reader");
  tornadis_client_pool_release_client (pool, client);
  tornadis_client_pool_destroy (pool);
}

/* AUTH by call holds on the next connection, whatever bytes it has. */
static void
test_auth_by_call (Fixture *fixture,
                   gconstpointer data)
{
  static const char password[] = "a\0b";
  GBytes *rules[] = { g_bytes_new_static ("ACL", 3), g_bytes_new_static ("SETUSER", 7), g_bytes_new_static ("bytes", 5),
                      g_bytes_new_static (">a\0b", 4) };
  GBytes *auth[] = { g_bytes_new_static ("AUTH", 4), g_bytes_new_static ("bytes", 5), g_bytes_new_static (password, 3) };
  g_autoptr (TornadisCommand) set_bytes = tornadis_command_new_bytes (rules, G_N_ELEMENTS (rules));
  g_autoptr (TornadisCommand) auth_bytes = tornadis_command_new_bytes (auth, G_N_ELEMENTS (auth));

  set_user (fixture, "reader reset on nopass ~* +@all");
  set_user (fixture, "bytes reset on ~* +@all");
  tornadis_client_submit (fixture->client, set_bytes, NULL, NULL, NULL);

  assert_call (fixture->client, "OK", "AUTH", "reader", "", NULL);
  assert_user (fixture->client, "reader");
  tornadis_client_close (fixture->client);
  assert_user (fixture->client, "reader");

  tornadis_client_submit (fixture->client, auth_bytes, NULL, NULL, NULL);
  assert_user (fixture->client, "bytes");
  tornadis_client_close (fixture->client);
  assert_user (fixture->client, "bytes");

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    g_bytes_unref (rules[i]);
  for (guint i = 0; i < G_N_ELEMENTS (auth); i++)
    g_bytes_unref (auth[i]);
}

/* A name that no server takes is not set, and a URI with one is an error. */
static void
test_bad_name (Fixture *fixture,
               gconstpointer data)
{
  static const char *const names[] = { "two words", "caf\303\251", "line\n", "\177", " " };
  guint port = tornadis_harness_redis_get_port (fixture->redis);
  g_autofree char *name = NULL;

  g_object_set (fixture->client, "client-name", "~good!", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *escaped = g_uri_escape_string (names[i], NULL, FALSE);
      g_autofree char *uri = g_strdup_printf ("redis://127.0.0.1:%u?client-name=%s", port, escaped);
      g_autoptr (GError) error = NULL;

      g_auto (GValue) value = G_VALUE_INIT;

      /* What GObject asks before it sets one; how loudly it refuses depends on its version. */
      g_value_init (&value, G_TYPE_STRING);
      g_value_set_string (&value, names[i]);
      g_assert_false (g_param_value_is_valid (g_object_class_find_property (G_OBJECT_GET_CLASS (fixture->client), "client-name"),
                                              &value));

      g_assert_null (tornadis_client_new_for_uri (uri, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      g_assert_nonnull (strstr (error->message, "client-name"));
    }

  g_object_get (fixture->client, "client-name", &name, NULL);
  g_assert_cmpstr (name, ==, "~good!");
  assert_call (fixture->client, "\"~good!\"", "CLIENT", "GETNAME", NULL);
}

/* A server that does not take the name is connected to all the same. */
static void
test_name_refused (Fixture *fixture,
                   gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("expect HELLO\nsend \"-ERR unknown command 'HELLO'\\r\\n\"\n"
               "expect CLIENT\nsend \"-ERR unknown command 'CLIENT'\\r\\n\"\n"
               "expect CLIENT\nsend \"-ERR unknown command 'CLIENT'\\r\\n\"\necho-server\n");
  g_autoptr (TornadisClient) client = make_client (peer);

  g_object_set (client, "client-name", "editor", NULL);
  assert_call (client, "PONG", "PING", NULL);
  g_assert_cmpuint (count_received (peer, "CLIENT"), ==, 2);

  set_user (fixture, "poor reset on nopass +ping");
  g_object_set (fixture->client, "username", "poor", "client-name", "editor", NULL);
  for (TornadisProtocol protocol = TORNADIS_PROTOCOL_AUTO; protocol <= TORNADIS_PROTOCOL_RESP3; protocol++)
    {
      tornadis_client_close (fixture->client);
      g_object_set (fixture->client, "protocol", protocol, NULL);
      assert_call (fixture->client, "PONG", "PING", NULL);
    }
}

/* What a connection says of itself is no error, and is what the server knows. */
static void
test_no_errors_left (Fixture *fixture,
                     gconstpointer data)
{
  static const char *const options[] = { "", "?client-name=editor&db=3", "?protocol=2", "?protocol=2&client-name=editor" };
  guint port = tornadis_harness_redis_get_port (fixture->redis);
  g_autofree char *errors = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (TornadisClient) client = make_client_for_uri ("redis://127.0.0.1:%u%s", port, options[i]);
      g_autofree char *info = NULL;

      assert_call (client, "PONG", "PING", NULL);
      info = call_text (client, "CLIENT", "INFO", NULL);
      if (get_server_version (fixture->redis, NULL) >= 702 && strstr (options[i], "protocol=2") == NULL)
        g_assert_nonnull (strstr (info, " lib-name=tornadis-glib lib-ver=" TORNADIS_VERSION_S));
      else
        g_assert_null (strstr (info, "tornadis"));
    }

  errors = tornadis_harness_redis_command (fixture->redis, "INFO errorstats", NULL);
  g_assert_null (strstr (errors, "errorstat_"));
}

/* SETINFO is for servers whose version has it. */
static void
test_asked_by_version (void)
{
  static const struct
  {
    const char *server;
    const char *version;
    guint n_asked;
  } cases[] = {
    { "redis", "6.2.14", 0 },
    { "redis", "7.0.15", 0 },
    { "redis", "7.1.242", 0 },
    { "redis", "7.2.0", 2 },
    { "redis", "7.10.0", 2 },
    { "redis", "8.0.2", 2 },
    { "redis", "10.0.0", 2 },
    { "valkey", "8.1.1", 2 },
    { "keydb", "6.3.4", 0 },
    { "other", "unstable", 0 },
    { "other", "", 0 },
    { "other", "255.255.255", 2 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *script =
        g_strdup_printf ("expect HELLO\nsend \"%%3\\r\\n+server\\r\\n+%s\\r\\n+version\\r\\n+%s\\r\\n+proto\\r\\n:3\\r\\n\"\n"
                         "%secho-server\n",
                         cases[i].server, cases[i].version,
                         cases[i].n_asked > 0 ? "expect CLIENT\nsend \"+OK\\r\\n\"\nexpect CLIENT\nsend \"+OK\\r\\n\"\n" : "");
      g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
      g_autoptr (TornadisClient) client = make_client (peer);

      assert_call (client, "PONG", "PING", NULL);
      g_assert_cmpuint (count_received (peer, "CLIENT"), ==, cases[i].n_asked);
    }
}

/* Whatever comes first here, the end of the stream, a reset or the words: these are what the error says. */
static void
test_last_words (void)
{
  static const struct
  {
    const char *script; /* %s: the words */
    const char *words;
    TornadisProtocol protocol;
  } cases[] = {
    { "send \"-%s\\r\\n\"\nclose\n", DENIED, TORNADIS_PROTOCOL_AUTO },
    { "expect HELLO\nsend \"-%s\\r\\n\"\nclose\n", DENIED, TORNADIS_PROTOCOL_AUTO },
    { "expect HELLO\nsend \"-%s\\r\\n\"\nreset\n", DENIED, TORNADIS_PROTOCOL_AUTO },
    { "send \"-%s\\r\\n\"\nclose\n", DENIED, TORNADIS_PROTOCOL_RESP2 },
    { "expect CLIENT\nsend \"-%s\\r\\n\"\nclose\n", DENIED, TORNADIS_PROTOCOL_RESP2 },
    { "send \"-%s\\r\\n\"\nclose\n", DENIED, TORNADIS_PROTOCOL_RESP3 },
    { "send \"-%s\\r\\n\"\nclose\n", "ERR max number of clients reached", TORNADIS_PROTOCOL_AUTO },
    { "expect HELLO\nsend \"-%s\\r\\n\"\nreset\n", "ERR max number of clients reached", TORNADIS_PROTOCOL_AUTO },
    { "expect CLIENT\nsend \"-%s\\r\\n\"\nclose\n", "ERR max number of clients reached", TORNADIS_PROTOCOL_RESP2 },
    { "expect HELLO\nsend \"-%s\\r\\n\"\n", "LOADING Redis is loading the dataset in memory", TORNADIS_PROTOCOL_AUTO },
    { "expect HELLO\nsend \"-%s\\r\\n\"\n", "BUSY Redis is busy running a script", TORNADIS_PROTOCOL_AUTO },
    /* Words that nobody knows. */
    { "expect HELLO\nsend \"-%s\\r\\n\"\nclose\n", "ERR go away", TORNADIS_PROTOCOL_AUTO },
    { "expect HELLO\nsend \"-%s\\r\\n\"\nreset\n", "ERR go away", TORNADIS_PROTOCOL_AUTO },
    { "expect HELLO\nsend \"-%s\\r\\n\"\nexpect CLIENT\nclose\n", "ERR go away", TORNADIS_PROTOCOL_AUTO },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (GStrv) parts = g_strsplit (cases[i].script, "%s", 2);
      g_autofree char *script = g_strconcat (parts[0], cases[i].words, parts[1], NULL);
      g_autoptr (TornadisHarnessPeer) peer = make_peer (script);

      for (guint j = 0; j < 8; j++)
        {
          g_autoptr (TornadisClient) client = make_client (peer);

          g_object_set (client, "protocol", cases[i].protocol, NULL);
          assert_fails_with (client, TORNADIS_ERROR_CONNECT, cases[i].words);
        }
    }
}

/* Words from before the connection went on are not the last. */
static void
test_other_words (void)
{
  static const char *const scripts[][2] = {
    { "expect SELECT\nsend \"-ERR DB index is out of range\\r\\n\"\nclose\n", "SELECT: ERR DB index" },
    { "expect SELECT\nsend \"+OK\\r\\n\"\nexpect CLIENT\nclose\n", "" },
    { "expect SELECT\nsend \"+OK\\r\\n\"\nexpect CLIENT\nsend \"-ERR no CLIENT\\r\\n\"\nclose\n", "ERR no CLIENT" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (scripts); i++)
    {
      g_autofree char *script = g_strconcat ("expect HELLO\nsend \"-ERR unknown command\\r\\n\"\n", scripts[i][0], NULL);
      g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
      g_autoptr (TornadisClient) client = make_client (peer);
      g_autofree char *message = NULL;

      g_object_set (client, "db", 3, "client-name", "editor", NULL);
      message = connect_in_vain (client, TORNADIS_ERROR_CONNECT);
      g_assert_nonnull (strstr (message, scripts[i][1]));
      g_assert_null (strstr (message, "unknown command"));
    }
}

static void
test_password_needed (Fixture *fixture,
                      gconstpointer data)
{
  for (TornadisProtocol protocol = TORNADIS_PROTOCOL_AUTO; protocol <= TORNADIS_PROTOCOL_RESP3; protocol++)
    for (int db = 0; db < 2; db++)
      {
        g_autofree char *message = NULL;

        g_object_set (fixture->client, "protocol", protocol, "db", db, NULL);
        message = connect_in_vain (fixture->client, TORNADIS_ERROR_AUTHENTICATION);
        g_assert_nonnull (strstr (message, "requires a password"));
        g_assert_null (strstr (message, "HELLO"));
      }
}

#define ENVIRONMENT_TEST "/connect/fault-13-no-proxy-of-the-environment"

/* In a process whose environment names a proxy for everything. */
static void
test_environment_subprocess (void)
{
  const char *port = g_getenv ("TORNADIS_TEST_PORT");
  g_autoptr (TornadisClient) client = NULL;

  if (port == NULL)
    return;

  client = tornadis_client_new ("127.0.0.1", (guint16) atoi (port));
  assert_call (client, "PONG", "PING", NULL);
  tornadis_client_close (client);
  g_object_set (client, "host", "localhost", NULL);
  assert_call (client, "PONG", "PING", NULL);
}

static void
test_environment (Fixture *fixture,
                  gconstpointer data)
{
  static const char *const names[] = { "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY" };
  g_autoptr (TornadisHarnessPeer) proxy = make_peer ("send \"HTTP/1.0 403 Forbidden\\r\\n\\r\\n\"\nclose\n");
  g_autofree char *uri = g_strdup_printf ("http://127.0.0.1:%u", tornadis_harness_peer_get_port (proxy));
  g_autofree char *port = g_strdup_printf ("%u", tornadis_harness_redis_get_port (fixture->redis));

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_setenv (names[i], uri, TRUE);
  g_setenv ("TORNADIS_TEST_PORT", port, TRUE);
  g_test_trap_subprocess (ENVIRONMENT_TEST "/subprocess", 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (proxy), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_unsetenv (names[i]);
  g_unsetenv ("TORNADIS_TEST_PORT");
}

/* One that was asked for is used, and the error names it without its password. */
static void
test_proxy_named (void)
{
  g_autoptr (TornadisHarnessPeer) proxy = make_peer ("send \"HTTP/1.0 403 Forbidden\\r\\n\\r\\n\"\nclose\n");
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("send \"-" DENIED "\\r\\n\"\nclose\n");
  guint port = tornadis_harness_peer_get_port (proxy);
  g_autofree char *named = g_strdup_printf (" through the proxy http://127.0.0.1:%u: ", port);
  g_autofree char *uri = g_strdup_printf ("http://user:hush@127.0.0.1:%u", port);
  g_autoptr (GProxyResolver) resolver = g_simple_proxy_resolver_new (uri, NULL);
  g_autoptr (GProxyResolver) dead = g_simple_proxy_resolver_new ("http://127.0.0.1:1", NULL);
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autofree char *message = NULL;
  g_autofree char *direct = NULL;
  g_autofree char *refused = NULL;

  g_object_set (client, "proxy-resolver", resolver, NULL);
  message = connect_in_vain (client, TORNADIS_ERROR_CONNECT);
  g_assert_nonnull (strstr (message, named));
  g_assert_null (strstr (message, "hush"));
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (proxy), ==, 1);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 0);

  g_object_set (client, "proxy-resolver", dead, NULL);
  refused = connect_in_vain (client, TORNADIS_ERROR_CONNECT);
  g_assert_nonnull (strstr (refused, " through the proxy http://127.0.0.1:1: "));

  g_object_set (client, "proxy-resolver", NULL, NULL);
  direct = connect_in_vain (client, TORNADIS_ERROR_CONNECT);
  g_assert_null (strstr (direct, "proxy http"));
  g_assert_nonnull (strstr (direct, DENIED));
}

/* A connectable may bring a proxy of its own. */
static void
test_proxy_of_connectable (void)
{
  g_autoptr (TornadisHarnessPeer) proxy = make_peer ("send \"HTTP/1.0 403 Forbidden\\r\\n\\r\\n\"\ndrain\n");
  guint port = tornadis_harness_peer_get_port (proxy);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address =
    g_proxy_address_new (loopback, (guint16) port, "http", "redis.example.org", 6379, NULL, NULL);
  g_autoptr (TornadisClient) client = g_object_new (TORNADIS_TYPE_CLIENT, "connectable", address, NULL);
  g_autofree char *message = connect_in_vain (client, TORNADIS_ERROR_CONNECT);

  g_assert_nonnull (strstr (message, " through the proxy "));
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (proxy), ==, 1);
}

static const char *const password_args[] = { "--requirepass", "s3cret", NULL };

#define ADD(name, args, func) g_test_add ("/connect/" name, Fixture, args, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("fault-01-username-alone", NULL, test_username_alone);
  ADD ("fault-01-username-property", NULL, test_username_property);
  ADD ("fault-01-empty-password", NULL, test_empty_password);
  ADD ("fault-01-template", NULL, test_username_of_template);
  ADD ("fault-01-auth-by-call", NULL, test_auth_by_call);
  ADD ("fault-06-bad-name", NULL, test_bad_name);
  ADD ("fault-06-name-refused", NULL, test_name_refused);
  ADD ("fault-06-no-errors-left", NULL, test_no_errors_left);
  g_test_add_func ("/connect/fault-06-asked-by-version", test_asked_by_version);
  g_test_add_func ("/connect/fault-09-last-words", test_last_words);
  g_test_add_func ("/connect/fault-09-other-words", test_other_words);
  ADD ("fault-09-password-needed", password_args, test_password_needed);
  g_test_add (ENVIRONMENT_TEST, Fixture, NULL, fixture_set_up, test_environment, fixture_tear_down);
  g_test_add_func (ENVIRONMENT_TEST "/subprocess", test_environment_subprocess);
  g_test_add_func ("/connect/fault-13-proxy-named", test_proxy_named);
  g_test_add_func ("/connect/fault-13-proxy-of-connectable", test_proxy_of_connectable);

  return g_test_run ();
}
