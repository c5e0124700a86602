/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plugin mock. But for those with a fixture there is no server at all. */

#include "integration/util.h"

#include <stdlib.h>
#include <string.h>

static TornadisPlugin *
add_mock (TornadisClient *client)
{
  g_autoptr (GError) error = NULL;
  TornadisPlugin *mock = tornadis_client_add_plugin_by_name (client, "mock", &error);

  g_assert_no_error (error);
  return mock;
}

/* A client of a port on which nobody listens. */
static TornadisClient *
make_mocked (TornadisPlugin **mock)
{
  TornadisClient *client = tornadis_client_new ("127.0.0.1", 1);

  *mock = add_mock (client);
  return client;
}

static void
set (TornadisPlugin *mock,
     const char *property,
     const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = g_variant_parse (NULL, text, NULL, NULL, &error);

  g_assert_no_error (error);
  g_object_set (mock, property, value, NULL);
}

static void
assert_property (TornadisPlugin *mock,
                 const char *property,
                 const char *expected)
{
  g_autoptr (GVariant) value = NULL;
  g_autofree char *text = NULL;

  g_object_get (mock, property, &value, NULL);
  text = g_variant_print (value, FALSE);
  g_assert_cmpstr (text, ==, expected);
}

static guint
get_n_calls (TornadisPlugin *mock)
{
  guint n;

  g_object_get (mock, "n-calls", &n, NULL);
  return n;
}

static void
assert_state (TornadisClient *client,
              TornadisClientState expected)
{
  TornadisClientState state;
  guint protocol_version;

  g_object_get (client, "state", &state, "protocol-version", &protocol_version, NULL);
  g_assert_cmpuint (state, ==, expected);
  /* Not with a server. */
  g_assert_cmpuint (protocol_version, ==, 0);
}

#define assert_call_fails(client, code, text, ...)                                  \
  G_STMT_START                                                                      \
  {                                                                                 \
    g_autoptr (GError) call_error = NULL;                                           \
    g_autoptr (TornadisReply) call_reply = call (client, &call_error, __VA_ARGS__); \
                                                                                    \
    g_assert_null (call_reply);                                                     \
    g_assert_error (call_error, TORNADIS_ERROR, code);                              \
    g_assert_nonnull (strstr (call_error->message, text));                          \
  }                                                                                 \
  G_STMT_END

static void
test_answers (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);

  set (mock, "answers",
       "{'GET name': <'Ann'>, 'get n': <42>, 'HGETALL *': <{'k': 'v'}>, 'LRANGE l 0 ?1': <['a', 'b']>,"
       " 'GET gone': <()>, 'PING': <'PONG'>, 'LPUSH *': <('WRONGTYPE', 'not a list')>}");
  assert_call (client, "Ann", "GET", "name", NULL);
  assert_call (client, "Ann", "get", "name", NULL);
  assert_call (client, "(integer) 42", "GET", "n", NULL);
  assert_call (client, "1# k => v", "HGETALL", "x", NULL);
  assert_call (client, "1) a\n2) b", "LRANGE", "l", "0", "-1", NULL);
  assert_call (client, "(nil)", "GET", "gone", NULL);
  assert_call (client, "PONG", "PING", NULL);
  assert_call_fails (client, TORNADIS_ERROR_REPLY, "WRONGTYPE not a list", "LPUSH", "a", "b", NULL);
  /* What is close. */
  assert_call_fails (client, TORNADIS_ERROR_PLUGIN, "no answer to GET", "GET", "Name", NULL);
  assert_call_fails (client, TORNADIS_ERROR_PLUGIN, "no answer to GET", "GET", NULL);
  assert_call_fails (client, TORNADIS_ERROR_PLUGIN, "no answer to PING", "PING", "x", NULL);
  assert_call_fails (client, TORNADIS_ERROR_PLUGIN, "no answer to LRANGE", "LRANGE", "l", "0", "1", NULL);
  assert_state (client, TORNADIS_CLIENT_STATE_CONNECTED);

  set (mock, "answers", "{'PING': 'now'}");
  assert_call (client, "now", "PING", NULL);
  assert_call_fails (client, TORNADIS_ERROR_PLUGIN, "no answer to GET", "GET", "name", NULL);
  assert_property (mock, "answers", "{'PING': 'now'}");
  g_object_set (mock, "answers", NULL, NULL);
  assert_call_fails (client, TORNADIS_ERROR_PLUGIN, "no answer to PING", "PING", NULL);
}

/* Whatever the order in which they are given. */
static void
test_most_specific (void)
{
  static const struct
  {
    const char *line;
    const char *calls[4];
  } lines[] = {
    { "SET user:1 x", { "SET", "user:1", "x", NULL } },
    { "SET user:1 *", { "SET", "user:1", "y", NULL } },
    { "SET user:? x", { "SET", "user:2", "x", NULL } },
    { "SET use* x", { "SET", "user", "x", NULL } },
    { "SET use* *", { "SET", "user", "y", NULL } },
    { "SET * x", { "SET", "k", "x", NULL } },
    { "SET ? y", { "SET", "k", "y", NULL } },
    { "SET", { "SET", NULL } },
    { "SET *", { "SET", "other", "z", NULL } },
    { "*", { "PING", NULL } },
  };

  for (guint round = 0; round < 50; round++)
    {
      TornadisPlugin *mock;
      g_autoptr (TornadisClient) client = make_mocked (&mock);
      g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));
      gint32 first = g_test_rand_int_range (0, G_N_ELEMENTS (lines));
      /* Steps that have no factor in common with the number of lines. */
      guint step = (guint[]){ 1, 3, 7, 9 }[round % 4];

      for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
        {
          const char *line = lines[((guint) first + i * step) % G_N_ELEMENTS (lines)].line;

          g_variant_builder_add (&builder, "{ss}", line, line);
        }
      g_object_set (mock, "answers", g_variant_builder_end (&builder), NULL);

      for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
        assert_call (client, lines[i].line, lines[i].calls[0], lines[i].calls[1], lines[i].calls[2], lines[i].calls[3], NULL);
    }
}

static void
test_errors (void)
{
  static const struct
  {
    const char *name;
    int code;
  } errors[] = {
    { "LOST", TORNADIS_ERROR_LOST },
    { "timeout", TORNADIS_ERROR_TIMEOUT },
    { "CLOSED", TORNADIS_ERROR_CLOSED },
    { "CONNECT", TORNADIS_ERROR_CONNECT },
    { "BUSY", TORNADIS_ERROR_BUSY },
  };
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);

  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      g_autofree char *text = g_strdup_printf ("{'GET *': <('error', '%s')>}", errors[i].name);

      set (mock, "answers", text);
      assert_call_fails (client, errors[i].code, "GET", "GET", "k", NULL);
    }

  set (mock, "answers", "{'GET *': ('error', 'LOTS')}");
  assert_call_fails (client, TORNADIS_ERROR_PLUGIN, "“LOTS”", "GET", "k", NULL);
}

static void
test_script (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);

  assert_property (mock, "script", "[]");
  set (mock, "answers", "{'GET n': <'table'>}");
  set (mock, "script", "[('GET n', <('error', 'LOST')>), ('GET *', <1>), ('GET n', <2>), ('SET *', <'OK'>)]");
  assert_call_fails (client, TORNADIS_ERROR_LOST, "GET", "GET", "n", NULL);
  /* In their order, whichever is the more specific. */
  assert_call (client, "(integer) 1", "GET", "n", NULL);
  assert_property (mock, "script", "[('GET n', <2>), ('SET *', <'OK'>)]");
  assert_call (client, "OK", "SET", "n", "3", NULL);
  assert_call (client, "(integer) 2", "GET", "n", NULL);
  assert_property (mock, "script", "[]");
  assert_call (client, "table", "GET", "n", NULL);
  assert_call_fails (client, TORNADIS_ERROR_PLUGIN, "no answer", "SET", "n", "3", NULL);
}

static TornadisReply *
answer_cb (TornadisPlugin *mock,
           TornadisCommand *command,
           gpointer user_data)
{
  g_autoptr (GBytes) arg = tornadis_command_get_arg (command, 1);

  if (arg == NULL)
    return NULL;
  return tornadis_reply_new_from_variant (g_variant_new_take_string (
    g_strdup_printf ("%s %.*s", (const char *) user_data, (int) g_bytes_get_size (arg), (const char *) g_bytes_get_data (arg, NULL))));
}

static void
test_handlers (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);
  gulong id;

  set (mock, "answers", "{'*': 'table'}");
  id = g_signal_connect (mock, "answer::ECHO", G_CALLBACK (answer_cb), (gpointer) "first");
  g_signal_connect (mock, "answer", G_CALLBACK (answer_cb), (gpointer) "second");
  g_signal_connect (mock, "answer::ECHO", G_CALLBACK (answer_cb), (gpointer) "third");
  assert_call (client, "first x", "echo", "x", NULL);
  assert_call (client, "second y", "GET", "y", NULL);
  /* None has one. */
  assert_call (client, "table", "ECHO", NULL);
  g_signal_handler_disconnect (mock, id);
  assert_call (client, "second x", "ECHO", "x", NULL);

  set (mock, "script", "[('ECHO *', 'script')]");
  assert_call (client, "script", "ECHO", "x", NULL);
  assert_call (client, "second x", "ECHO", "x", NULL);
}

static void
test_calls (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);
  g_autoptr (TornadisCommand) binary = tornadis_command_new_format ("SET %b %s", "\xff\0k\xc3\xbc", (gsize) 5, "");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  set (mock, "answers", "{'SET \\\\xff* *': <'OK'>, '*': <1>}");
  assert_property (mock, "calls", "[]");
  assert_call (client, "(integer) 1", "get", "a b", NULL);
  tornadis_client_call_async (client, binary, NULL, store_result, &result);
  reply = tornadis_client_call_finish (client, wait_for_result (&result), NULL);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "OK");
  assert_property (mock, "calls", "[['GET', 'a b'], ['SET', '\\\\xff\\\\x00kü', '']]");
  g_assert_cmpuint (get_n_calls (mock), ==, 2);

  g_signal_emit_by_name (mock, "clear");
  assert_property (mock, "calls", "[]");
  g_assert_cmpuint (get_n_calls (mock), ==, 0);

  g_object_set (mock, "max-calls", 2, NULL);
  assert_call (client, "(integer) 1", "A", NULL);
  assert_call (client, "(integer) 1", "B", NULL);
  assert_call (client, "(integer) 1", "C", NULL);
  assert_property (mock, "calls", "[['B'], ['C']]");
  g_object_set (mock, "max-calls", 1, NULL);
  assert_property (mock, "calls", "[['C']]");
  g_object_set (mock, "max-calls", 0, NULL);
  assert_property (mock, "calls", "[]");
  g_assert_cmpuint (get_n_calls (mock), ==, 3);
}

static void
test_pipelines (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);

  set (mock, "answers", "{'GET *': <'v'>, 'LPUSH *': <('WRONGTYPE', 'no')>, 'INCR lost': <('error', 'LOST')>, 'INCR n': <1>}");
  for (guint atomic = 0; atomic < 2; atomic++)
    {
      g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
      g_autoptr (TornadisReply) replies = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *text = NULL;

      tornadis_pipeline_set_atomic (pipeline, atomic != 0);
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", "a", NULL });
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "LPUSH", "a", "b", NULL });
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "INCR", "n", NULL });
      replies = call_pipeline (client, pipeline, NULL, &error);
      g_assert_no_error (error);
      text = tornadis_reply_to_string (replies);
      g_assert_cmpstr (text, ==, "1) v\n2) (error) WRONGTYPE no\n3) (integer) 1");

      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "INCR", "lost", NULL });
      g_assert_null (call_pipeline (client, pipeline, NULL, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
      g_clear_error (&error);

      tornadis_pipeline_clear (pipeline);
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", "a", NULL });
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "EXISTS", "a", NULL });
      g_assert_null (call_pipeline (client, pipeline, NULL, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);
      g_assert_nonnull (strstr (error->message, "EXISTS"));
    }
  g_assert_cmpuint (get_n_calls (mock), ==, 2 * (3 + 4 + 2));
  assert_state (client, TORNADIS_CLIENT_STATE_CONNECTED);
}

static void
count_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  g_assert_no_error (error);
  ++*(guint *) user_data;
}

static void
count_cb_swapped (guint *n)
{
  ++*n;
}

static void
test_delay (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  gint64 start = g_get_monotonic_time ();
  guint n = 0;

  set (mock, "answers", "{'*': 'late'}");
  g_object_set (mock, "delay-msec", 30, NULL);
  assert_call (client, "late", "PING", NULL);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 29000);

  /* Those that are held are answered after it is gone. */
  tornadis_client_submit (client, ping, count_cb, &n, NULL);
  tornadis_client_remove_plugin (client, mock);
  while (n < 1)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_delay_ended (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  set (mock, "answers", "{'*': 'never'}");
  g_object_set (mock, "delay-msec", 3600000, NULL);

  tornadis_client_call_async (client, ping, cancellable, store_result, &result);
  spin_for (10);
  g_assert_null (result);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_call_finish (client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_clear_object (&result);

  g_object_set (client, "call-timeout-msec", 20, NULL);
  assert_call_fails (client, TORNADIS_ERROR_TIMEOUT, "PING", "PING", NULL);
  g_object_set (client, "call-timeout-msec", 0, NULL);

  tornadis_client_call_async (client, ping, NULL, store_result, &result);
  spin_for (10);
  tornadis_client_close (client);
  g_assert_null (tornadis_client_call_finish (client, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
}

static void
test_many (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);
  guint n = 0;

  set (mock, "answers", "{'GET *': <'v'>}");
  for (guint i = 0; i < 10000; i++)
    {
      g_autoptr (TornadisCommand) get = tornadis_command_new_format ("GET %d", (int) i);

      if (i == 5000)
        g_object_set (mock, "delay-msec", 1, NULL);
      tornadis_client_submit (client, get, count_cb, &n, NULL);
    }
  while (n < 10000)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (get_n_calls (mock), ==, 10000);
}

/* Clients of a pool share the one mock. */
static void
test_pool (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) template = make_mocked (&mock);
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (template);
  g_autoptr (TornadisClient) one = tornadis_client_pool_get_client_nowait (pool);
  g_autoptr (TornadisClient) two = tornadis_client_pool_get_client_nowait (pool);

  set (mock, "answers", "{'GET a': <1>, 'GET b': <2>}");
  assert_call (one, "(integer) 1", "GET", "a", NULL);
  assert_call (two, "(integer) 2", "GET", "b", NULL);
  assert_property (mock, "calls", "[['GET', 'a'], ['GET', 'b']]");
  tornadis_client_pool_release_client (pool, one);
  tornadis_client_pool_release_client (pool, two);
}

/* The mock is a connection to whoever asks: by connecting, by calls, by a pool. */
static void
test_connects (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);
  g_autoptr (GError) error = NULL;
  guint n_connected = 0, n_disconnected = 0;

  g_signal_connect_swapped (client, "notify::connected", G_CALLBACK (count_cb_swapped), &n_connected);
  g_signal_connect_swapped (client, "disconnected", G_CALLBACK (count_cb_swapped), &n_disconnected);
  set (mock, "answers", "{'*': <'any'>, 'GET lost': <('error', 'LOST')>}");
  assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  g_assert_true (connect_and_wait (client, &error));
  assert_state (client, TORNADIS_CLIENT_STATE_CONNECTED);
  tornadis_client_close (client);
  assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  assert_call (client, "any", "PING", NULL);
  assert_state (client, TORNADIS_CLIENT_STATE_CONNECTED);
  assert_call_fails (client, TORNADIS_ERROR_LOST, "GET", "GET", "lost", NULL);
  assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  g_assert_cmpuint (n_connected, ==, 4);
  g_assert_cmpuint (n_disconnected, ==, 2);

  /* As without the mock. */
  g_object_set (client, "autoconnect", FALSE, NULL);
  assert_call_fails (client, TORNADIS_ERROR_CLOSED, "autoconnect is off", "PING", NULL);
  g_object_set (mock, "delay-msec", 10, NULL);
  g_assert_true (connect_and_wait (client, &error));
  assert_call (client, "any", "PING", NULL);
  /* Nobody has called HELLO. */
  assert_property (mock, "calls", "[['PING'], ['GET', 'lost'], ['PING']]");
}

static void
test_connect_fails (void)
{
  g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", 1);
  TornadisPlugin *retry = tornadis_client_add_plugin_by_name (client, "retry", NULL);
  TornadisPlugin *mock = add_mock (client);
  g_autoptr (GError) error = NULL;
  guint64 retries;

  g_object_set (retry, "max-attempts", 2, "max-delay-msec", 1, NULL);
  set (mock, "answers", "{'PING': 'PONG'}");
  set (mock, "script", "[('HELLO', ('error', 'AUTHENTICATION')), ('HELLO', ('error', 'CONNECT'))]");
  g_assert_false (connect_and_wait (client, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION);
  assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  g_assert_true (connect_and_wait (client, NULL));
  g_object_get (retry, "retries", &retries, NULL);
  g_assert_cmpuint (retries, ==, 1);

  /* A call connects too. */
  tornadis_client_close (client);
  tornadis_client_remove_plugin (client, retry);
  set (mock, "script", "[('HELLO', ('error', 'CONNECT'))]");
  assert_call_fails (client, TORNADIS_ERROR_CONNECT, "HELLO", "PING", NULL);
  assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  assert_call (client, "PONG", "PING", NULL);
}

static void
test_connected_pool (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) template = make_mocked (&mock);
  TornadisClientPool *pool = tornadis_client_pool_new (template);
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (TornadisClient) first = NULL;

  set (mock, "answers", "{'PING': 'PONG'}");
  /* What a connection would be opened with. */
  g_object_set (template, "db", 3, "username", "somebody", "password", "secret", "client-name", "pooled", NULL);
  g_object_set (pool, "max-size", 1, NULL);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GAsyncResult) taken = NULL;
      g_autoptr (GAsyncResult) called = NULL;
      g_autoptr (TornadisClient) client = NULL;
      g_autoptr (TornadisReply) reply = NULL;

      tornadis_client_pool_get_connected_client_async (pool, NULL, store_result, &taken);
      client = tornadis_client_pool_get_connected_client_finish (pool, wait_for_result (&taken), NULL);
      /* One that is left in a transaction is for nobody else. */
      g_assert_true (i == 0 || (first == client) == (i < 3));
      g_set_object (&first, client);
      if (i == 2)
        assert_call (client, "OK", "MULTI", NULL);
      tornadis_client_pool_call_async (pool, ping, NULL, store_result, &called);
      tornadis_client_pool_release_client (pool, client);
      reply = tornadis_client_pool_call_finish (pool, wait_for_result (&called), NULL);
      g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "PONG");
    }
  assert_finalized (pool);
}

/* What the client refuses passes no test that has a mock. */
static void
test_refused (void)
{
  static const char *const lines[] = { "SUBSCRIBE news", "HELLO 3", "CLIENT REPLY OFF", "RESET" };
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GError) empty = NULL;

  set (mock, "answers", "{'*': 'OK'}");
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], " ", -1);
      g_autoptr (GError) error = NULL;

      assert_call_fails (client, TORNADIS_ERROR_USAGE, words[0], words[0], words[1], words[1] != NULL ? words[2] : NULL, NULL);
      tornadis_pipeline_clear (pipeline);
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "PING", NULL });
      tornadis_pipeline_stack_strv (pipeline, (const char *const *) words);
      g_assert_null (call_pipeline (client, pipeline, NULL, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
    }
  tornadis_pipeline_clear (pipeline);
  g_assert_null (call_pipeline (client, pipeline, NULL, &empty));
  g_assert_error (empty, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_assert_cmpuint (get_n_calls (mock), ==, 0);
}

static char *
print_outcome (TornadisReply *reply,
               const GError *error)
{
  g_autoptr (GVariant) value = reply != NULL ? tornadis_reply_to_variant (reply) : NULL;

  return error != NULL ? g_strdup (error->message) : g_variant_print (value, FALSE);
}

static char *
call_line (TornadisClient *client,
           const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) words);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_client_call_async (client, command, NULL, store_result, &result);
  reply = tornadis_client_call_finish (client, wait_for_result (&result), &error);

  return print_outcome (reply, error);
}

static char *
call_transaction (TornadisClient *client,
                  gboolean atomic,
                  ...) G_GNUC_NULL_TERMINATED;

static char *
call_transaction (TornadisClient *client,
                  gboolean atomic,
                  ...)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  const char *line;
  va_list lines;

  tornadis_pipeline_set_atomic (pipeline, atomic);
  va_start (lines, atomic);
  while ((line = va_arg (lines, const char *)) != NULL)
    {
      g_auto (GStrv) words = g_strsplit (line, " ", -1);

      tornadis_pipeline_stack_strv (pipeline, (const char *const *) words);
    }
  va_end (lines);
  reply = call_pipeline (client, pipeline, NULL, &error);

  return print_outcome (reply, error);
}

/* Transactions of the mock are those of a server, which is asked the same. */
static void
test_as_a_server (Fixture *fixture,
                  gconstpointer data)
{
  static const char *const lines[] = {
    "EXEC",
    "DISCARD",
    "MULTI",
    "SET k v",
    "GET k",
    "LPUSH k x",
    "UNWATCH",
    "EXEC",
    "EXEC",
    "MULTI",
    "EXEC",
    "MULTI",
    "GET k",
    "DISCARD",
    "EXEC",
    "MULTI",
    "GET k",
    "NOPE",
    "GET k",
    "EXEC",
    "GET k",
    "MULTI",
    "SET k",
    "DISCARD",
    "WATCH k",
    "GET k",
    "UNWATCH",
    "WATCH k",
    "MULTI",
    "GET k",
    "EXEC",
    "exec",
    "multi",
    "get k",
    "Exec",
  };
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);
  g_autofree char *nope = call_line (fixture->client, "NOPE");
  g_autoptr (GVariant) pair = g_variant_ref_sink (g_variant_new ("(ss)", "ERR", nope + strlen ("ERR ")));
  g_autofree char *unknown = g_variant_print (pair, FALSE);
  g_autofree char *answers =
    g_strdup_printf ("{'SET k v': <'OK'>, 'GET *': <[byte 0x76]>, 'NOPE': <%s>,"
                     " 'SET k': <('ERR', 'wrong number of arguments for \\'set\\' command')>,"
                     " 'LPUSH *': <('WRONGTYPE', 'Operation against a key holding the wrong kind of value')>}",
                     unknown);

  set (mock, "answers", answers);
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autofree char *expected = call_line (fixture->client, lines[i]);
      g_autofree char *seen = call_line (client, lines[i]);

      g_test_message ("%s: %s", lines[i], seen);
      g_assert_cmpstr (seen, ==, expected);
    }

  for (guint i = 0; i < 2; i++)
    {
      TornadisClient *asked = i == 0 ? fixture->client : client;
      g_autofree char *runs = call_transaction (asked, TRUE, "SET k v", "LPUSH k x", "GET k", NULL);
      g_autofree char *aborts = call_transaction (asked, TRUE, "SET k v", "NOPE", NULL);
      g_autofree char *by_hand = call_transaction (asked, FALSE, "MULTI", "GET k", "EXEC", "GET k", NULL);
      g_autofree char *aborts_by_hand = call_transaction (asked, FALSE, "MULTI", "NOPE", "EXEC", NULL);
      static char *expected[4]; /* (owned) what the server said */

      if (i == 0)
        {
          expected[0] = g_steal_pointer (&runs);
          expected[1] = g_steal_pointer (&aborts);
          expected[2] = g_steal_pointer (&by_hand);
          expected[3] = g_steal_pointer (&aborts_by_hand);
          continue;
        }
      g_assert_cmpstr (runs, ==, expected[0]);
      g_assert_cmpstr (aborts, ==, expected[1]);
      g_assert_true (g_str_has_prefix (aborts, "EXECABORT"));
      g_assert_cmpstr (by_hand, ==, expected[2]);
      g_assert_cmpstr (aborts_by_hand, ==, expected[3]);
      for (guint j = 0; j < G_N_ELEMENTS (expected); j++)
        g_clear_pointer (&expected[j], g_free);
    }
}

/* As print_outcome() has it. */
#define NIL "nothing"

/* Adds 1 to a number until nobody has come between; how often that took. */
static guint
add_one (TornadisClient *client)
{
  guint n = 0;
  gboolean done = FALSE;

  while (!done)
    {
      g_autofree char *watched = call_line (client, "WATCH n");
      g_autofree char *value = call_line (client, "GET n");
      g_autofree char *line = g_strdup_printf ("SET n %d", atoi (value) + 1);
      g_autofree char *outcome = call_transaction (client, TRUE, line, NULL);

      g_assert_cmpstr (watched, ==, "'OK'");
      done = !g_str_equal (outcome, NIL);
      n++;
    }

  return n;
}

/* EXEC is nil when it is told so, and what did not run takes nothing out of the script. */
static void
test_watch_loop (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);
  g_autofree char *queued = NULL;
  g_autofree char *nil = NULL;

  set (mock, "script", "[('GET n', <1>), ('EXEC', <()>), ('GET n', <5>), ('SET n 6', <'OK'>)]");
  g_assert_cmpuint (add_one (client), ==, 2);
  assert_property (mock, "script", "[]");
  assert_property (mock, "calls",
                   "[['WATCH', 'n'], ['GET', 'n'], ['SET', 'n', '2'], ['WATCH', 'n'], ['GET', 'n'], ['SET', 'n', '6']]");

  /* The same by single commands; and an error that EXEC is told. */
  set (mock, "script", "[('EXEC', <()>), ('SET *', <'OK'>), ('EXEC', <('EXECABORT', 'told')>)]");
  assert_call (client, "OK", "MULTI", NULL);
  queued = call_line (client, "SET n 1");
  g_assert_cmpstr (queued, ==, "'QUEUED'");
  nil = call_line (client, "EXEC");
  g_assert_cmpstr (nil, ==, NIL);
  assert_property (mock, "script", "[('SET *', <'OK'>), ('EXEC', <('EXECABORT', 'told')>)]");
  assert_call (client, "OK", "MULTI", NULL);
  assert_call_fails (client, TORNADIS_ERROR_REPLY, "EXECABORT told", "EXEC", NULL);
  assert_call_fails (client, TORNADIS_ERROR_REPLY, "ERR EXEC without MULTI", "EXEC", NULL);
}

static TornadisReply *
nil_every_other_time_cb (TornadisPlugin *mock,
                         TornadisCommand *command,
                         guint *n)
{
  return ++*n % 2 == 1 ? tornadis_reply_new_from_variant (g_variant_new ("()")) : NULL;
}

static TornadisReply *
count_runs_cb (TornadisPlugin *mock,
               TornadisCommand *command,
               guint *n)
{
  return tornadis_reply_new_from_variant (g_variant_new_uint32 (++*n));
}

/* A handler that tells EXEC is one of answer::EXEC; one of a command is asked when the command runs. */
static void
test_transaction_handlers (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *by_hand = NULL;
  guint n_execs = 0, n_runs = 0;

  /* What is for any command is not for EXEC. */
  set (mock, "answers", "{'*': 'any'}");
  g_signal_connect (mock, "answer", G_CALLBACK (answer_cb), (gpointer) "any");
  g_signal_connect (mock, "answer::INCR", G_CALLBACK (count_runs_cb), &n_runs);
  g_signal_connect (mock, "answer::EXEC", G_CALLBACK (nil_every_other_time_cb), &n_execs);
  first = call_transaction (client, TRUE, "INCR n", "PING", NULL);
  g_assert_cmpstr (first, ==, NIL);
  g_assert_cmpuint (n_runs, ==, 0);
  second = call_transaction (client, TRUE, "INCR n", "PING", NULL);
  g_assert_cmpuint (n_execs, ==, 2);
  g_assert_cmpuint (n_runs, ==, 0);
  g_assert_cmpstr (second, ==, "[<'any n'>, <'any'>]");
  by_hand = call_transaction (client, FALSE, "MULTI", "PING", "DISCARD", "MULTI", "PING", "EXEC", NULL);
  g_assert_cmpstr (by_hand, ==, "[<'OK'>, <'QUEUED'>, <'OK'>, <'OK'>, <'QUEUED'>, <@mv nothing>]");
}

/* Each client has its own. */
static void
test_transaction_of_each (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) one = make_mocked (&mock);
  g_autoptr (TornadisClient) two = tornadis_client_new ("127.0.0.1", 1);
  g_autofree char *exec = NULL;

  g_assert_true (tornadis_client_add_plugin (two, mock, NULL));
  set (mock, "answers", "{'GET *': <1>, 'GET lost': <('error', 'LOST')>}");
  assert_call (one, "OK", "MULTI", NULL);
  assert_call (one, "QUEUED", "GET", "k", NULL);
  assert_call (two, "(integer) 1", "GET", "k", NULL);
  exec = call_line (one, "EXEC");
  g_assert_cmpstr (exec, ==, "[<int64 1>]");

  /* It does not outlive the connection. */
  assert_call (one, "OK", "MULTI", NULL);
  tornadis_client_close (one);
  assert_call (one, "(integer) 1", "GET", "k", NULL);
  assert_call (one, "OK", "MULTI", NULL);
  assert_call_fails (one, TORNADIS_ERROR_LOST, "GET", "GET", "lost", NULL);
  assert_call (two, "(integer) 1", "GET", "k", NULL);
}

/* Calls @step, the commands of a pipeline, or of one that is atomic, and waits while @lose (nullable) takes the connection
 * away. What came of it, and what the client says then. */
static char *
take_step (TornadisClient *client,
           const char *step,
           void (*lose) (gpointer data),
           gpointer data)
{
  gboolean atomic = step[0] == '!';
  g_auto (GStrv) lines = g_strsplit (step + atomic, "|", -1);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  if (g_str_equal (step, "close"))
    {
      tornadis_client_close (client);
      return g_strdup_printf ("close%s ", tornadis_client_is_in_transaction (client) ? "*" : "");
    }

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], " ", -1);

      tornadis_pipeline_stack_strv (pipeline, (const char *const *) words);
    }
  tornadis_pipeline_set_atomic (pipeline, atomic);

  if (atomic || lines[1] != NULL)
    tornadis_client_call_pipeline_async (client, pipeline, NULL, store_result, &result);
  else
    tornadis_client_call_async (client, tornadis_pipeline_get_command (pipeline, 0), NULL, store_result, &result);
  if (lose != NULL)
    lose (data);
  reply = tornadis_client_call_finish (client, wait_for_result (&result), &error);

  return g_strdup_printf ("%s%s ", error == NULL ? "ok" : error->code == TORNADIS_ERROR_LOST ? "lost" : "error",
                          tornadis_client_is_in_transaction (client) ? "*" : "");
}

static void
lose_server (gpointer redis)
{
  g_autoptr (GError) error = NULL;

  spin_for (5);
  tornadis_harness_redis_kill (redis);
  tornadis_harness_redis_restart (redis, &error);
  g_assert_no_error (error);
}

/* The connection of a mocked client is lost as that of any other, and what becomes of a transaction is the same. */
static void
test_lost_as_a_client (Fixture *fixture,
                       gconstpointer data)
{
  /* The one with a "~" is lost. */
  static const char *const cases[] = {
    "~GET k;GET k",
    "WATCH k;~GET k;GET k;EXEC;GET k",
    "WATCH k;~GET k;!GET k;GET k",
    "WATCH k;~GET k;WATCH k;GET k;UNWATCH",
    "WATCH k;~GET k;UNWATCH;GET k",
    "WATCH k;~GET k;MULTI;GET k;EXEC",
    "WATCH k;~GET k;close;GET k",
    "WATCH k;~GET k;GET k|EXEC;GET k",
    "WATCH k;~!GET k;GET k",
    "WATCH k;UNWATCH;~GET k;GET k",
    "WATCH k;EXEC;~GET k;GET k;EXEC",
    "~WATCH k;GET k;MULTI;EXEC",
    "MULTI;~GET k;UNWATCH;GET k;DISCARD;GET k",
    "MULTI;~GET k;EXEC|WATCH k;GET k;UNWATCH;GET k",
    "MULTI;~GET k;EXEC|WATCH k;GET k;MULTI;EXEC;GET k",
    "WATCH k;~GET k;EXEC|MULTI;GET k;EXEC;GET k",
    "MULTI;GET k;~EXEC;GET k",
    "~MULTI;GET k;MULTI;GET k;EXEC",
    "~MULTI|GET k|EXEC;GET k",
    "~MULTI|GET k;GET k;EXEC;GET k",
    "MULTI;close;GET k",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (GStrv) steps = g_strsplit (cases[i], ";", -1);
      TornadisPlugin *mock;
      g_autoptr (TornadisClient) client = make_mocked (&mock);

      set (mock, "answers", "{'GET *': 1}");
      assert_call (fixture->client, "PONG", "PING", NULL);
      for (guint j = 0; steps[j] != NULL; j++)
        {
          gboolean is_lost = steps[j][0] == '~';
          const char *step = steps[j] + is_lost;
          g_auto (GStrv) lines = g_strsplit (step + (step[0] == '!'), "|", -1);
          g_autofree char *script = g_strdup_printf (is_lost ? "[('%s', ('error', 'LOST'))]" : "@a(s(ss)) []", lines[0]);
          g_autofree char *expected = NULL;
          g_autofree char *seen = NULL;

          if (is_lost)
            tornadis_harness_redis_pause (fixture->redis);
          expected = take_step (fixture->client, step, is_lost ? lose_server : NULL, fixture->redis);
          set (mock, "script", script);
          seen = take_step (client, step, NULL, NULL);
          g_test_message ("%s: %s: %s", cases[i], step, seen);
          g_assert_cmpstr (seen, ==, expected);
        }
      tornadis_client_close (fixture->client);
    }
}

/* What goes through a plugin that repeats calls is not repeated within a transaction of the mock either. */
static void
test_transaction_not_repeated (void)
{
  TornadisClient *client = tornadis_client_new ("127.0.0.1", 1);
  TornadisPlugin *retry = tornadis_client_add_plugin_by_name (client, "retry", NULL);
  TornadisPlugin *mock = add_mock (client);
  guint64 retries;

  g_object_set (retry, "max-delay-msec", 1, NULL);
  set (mock, "script", "[('GET k', ('LOADING', 'no')), ('GET k', ('LOADING', 'no')), ('GET k', ('LOADING', 'no'))]");
  set (mock, "answers", "{'GET *': <1>, 'COMMAND': <[1]>}");
  assert_call (client, "OK", "WATCH", "k", NULL);
  assert_call_fails (client, TORNADIS_ERROR_REPLY, "LOADING no", "GET", "k", NULL);
  assert_call (client, "OK", "UNWATCH", NULL);
  assert_call (client, "(integer) 1", "GET", "k", NULL);
  g_object_get (retry, "retries", &retries, NULL);
  g_assert_cmpuint (retries, ==, 2);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_client_finalized (client);
}

static TornadisReply *
remove_cb (TornadisPlugin *mock,
           TornadisCommand *command,
           TornadisClient *client)
{
  tornadis_client_remove_plugin (client, mock);
  return NULL;
}

/* By a handler that is asked for the answer. */
static void
test_removed_meanwhile (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);
  g_autofree char *outcome = NULL;

  set (mock, "answers", "{'GET *': <1>}");
  g_signal_connect (mock, "answer::GET", G_CALLBACK (remove_cb), client);
  outcome = call_transaction (client, FALSE, "MULTI", "GET k", "EXEC", NULL);
  g_assert_cmpstr (outcome, ==, "[<'OK'>, <'QUEUED'>, <[<int64 1>]>]");
  assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);
}

/* What has no answer goes on to the server. */
static void
test_not_strict (Fixture *fixture,
                 gconstpointer data)
{
  TornadisPlugin *mock = add_mock (fixture->client);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  g_autofree char *text = NULL;

  g_object_set (mock, "strict", FALSE, NULL);
  set (mock, "answers", "{'GET mocked': <'mock'>, 'PING': <'mock'>}");
  assert_call (fixture->client, "mock", "GET", "mocked", NULL);
  assert_state (fixture->client, TORNADIS_CLIENT_STATE_DISCONNECTED);
  assert_call (fixture->client, "OK", "SET", "mocked", "real", NULL);
  assert_call (fixture->client, "mock", "GET", "mocked", NULL);
  assert_call (fixture->client, "(nil)", "GET", "other", NULL);
  g_assert_cmpuint (get_n_calls (mock), ==, 4);

  /* As a whole. */
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "PING", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", "mocked", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "EXISTS", "mocked", NULL });
  replies = call_pipeline (fixture->client, pipeline, NULL, NULL);
  text = tornadis_reply_to_string (replies);
  g_assert_cmpstr (text, ==, "1) PONG\n2) \"real\"\n3) (integer) 1");

  /* And everything, when the mock has gone. */
  tornadis_client_remove_plugin (fixture->client, mock);
  assert_call (fixture->client, "\"real\"", "GET", "mocked", NULL);
}

/* Lines that nothing is like. */
static void
test_odd_lines (void)
{
  TornadisPlugin *mock;
  g_autoptr (TornadisClient) client = make_mocked (&mock);

  set (mock, "answers", "{'': 'x', '  ': 'y', ' PING  ': 'blanks'}");
  assert_call (client, "blanks", "PING", NULL);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/mock/answers", test_answers);
  g_test_add_func ("/mock/most-specific", test_most_specific);
  g_test_add_func ("/mock/errors", test_errors);
  g_test_add_func ("/mock/script", test_script);
  g_test_add_func ("/mock/handlers", test_handlers);
  g_test_add_func ("/mock/calls", test_calls);
  g_test_add_func ("/mock/pipelines", test_pipelines);
  g_test_add_func ("/mock/delay", test_delay);
  g_test_add_func ("/mock/delay-ended", test_delay_ended);
  g_test_add_func ("/mock/many", test_many);
  g_test_add_func ("/mock/pool", test_pool);
  g_test_add ("/mock/not-strict", Fixture, NULL, fixture_set_up, test_not_strict, fixture_tear_down);
  g_test_add_func ("/mock/odd-lines", test_odd_lines);
  g_test_add_func ("/mock/fault-15-refused", test_refused);
  g_test_add_func ("/mock/fault-15-connects", test_connects);
  g_test_add_func ("/mock/fault-15-connect-fails", test_connect_fails);
  g_test_add_func ("/mock/fault-15-connected-pool", test_connected_pool);
  g_test_add ("/mock/fault-15-as-a-server", Fixture, NULL, fixture_set_up, test_as_a_server, fixture_tear_down);
  g_test_add_func ("/mock/fault-15-watch-loop", test_watch_loop);
  g_test_add_func ("/mock/fault-15-transaction-handlers", test_transaction_handlers);
  g_test_add_func ("/mock/fault-15-transaction-of-each", test_transaction_of_each);
  g_test_add_func ("/mock/fault-15-removed-meanwhile", test_removed_meanwhile);
  g_test_add ("/mock/fault-03-lost-as-a-client", Fixture, NULL, fixture_set_up, test_lost_as_a_client, fixture_tear_down);
  g_test_add_func ("/mock/fault-03-not-repeated", test_transaction_not_repeated);

  return g_test_run ();
}
