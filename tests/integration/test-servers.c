/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What docs/servers.md says of one server, of whichever the tests run with: tests/unit/test_servers.py tells which row is held by
 * which test. What depends on the server goes by what INFO says of it. */

#include "integration/util.h"

#include <string.h>

/* Of the server that a test runs with. */
typedef struct
{
  guint version;
  gboolean is_valkey;
} Kind;

static Kind
get_kind (Fixture *fixture)
{
  Kind kind;

  kind.version = get_server_version (fixture->redis, &kind.is_valkey);
  return kind;
}

static gboolean
is_redis_7_0 (Kind kind)
{
  return !kind.is_valkey && kind.version < 702;
}

/* @protocol: the data of the test. */
static void
set_up (Fixture *fixture,
        gconstpointer protocol)
{
  fixture_set_up (fixture, NULL);
  g_object_set (fixture->client, "protocol", GPOINTER_TO_INT (protocol), NULL);
}

static TornadisCommand *
make_line_command (const char *line)
{
  g_auto (GStrv) argv = NULL;

  g_assert_true (g_shell_parse_argv (line, NULL, &argv, NULL));
  return tornadis_command_new_strv ((const char *const *) argv);
}

static TornadisReply *
call_line (TornadisClient *client,
           GError **error,
           const char *line)
{
  g_autoptr (TornadisCommand) command = make_line_command (line);
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_client_call_async (client, command, NULL, store_result, &result);
  return tornadis_client_call_finish (client, wait_for_result (&result), error);
}

/* As redis-cli prints it, in one line. */
static char *
print_flat (TornadisReply *reply)
{
  g_autofree char *text = tornadis_reply_to_string (reply);
  g_autoptr (GString) flat = g_string_new (NULL);

  for (const char *at = text; *at != '\0'; at++)
    if (!g_ascii_isspace (*at))
      g_string_append_c (flat, *at);
    else if (!g_ascii_isspace (at[1]))
      g_string_append_c (flat, ' ');

  return g_strdup (flat->str);
}

/* The reply, or what the error says. */
static char *
ask (TornadisClient *client,
     const char *line)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = call_line (client, &error, line);

  return reply != NULL ? print_flat (reply) : g_strdup (error->message);
}

static void
tell (TornadisClient *client,
      const char *line)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply G_GNUC_UNUSED = call_line (client, &error, line);

  g_assert_no_error (error);
}

static void
assert_said (TornadisClient *client,
             const char *line,
             const char *expected)
{
  g_autofree char *said = ask (client, line);

  if (!g_str_equal (said, expected))
    g_error ("%s: “%s”, not “%s”", line, said, expected);
}

static void
assert_has (TornadisClient *client,
            const char *line,
            const char *part)
{
  g_autofree char *said = ask (client, line);

  if (strstr (said, part) == NULL)
    g_error ("%s: no “%s” in “%s”", line, part, said);
}

static TornadisClient *
make_client_for_uri (TornadisHarnessRedis *redis,
                     const char *login,
                     const char *options)
{
  g_autofree char *uri = g_strdup_printf ("redis://%s127.0.0.1:%u%s", login, tornadis_harness_redis_get_port (redis), options);
  g_autoptr (GError) error = NULL;
  TornadisClient *client = tornadis_client_new_for_uri (uri, &error);

  g_assert_no_error (error);
  return client;
}

/* AUTH takes no password where none is needed, HELLO does, and so does AUTH with the name of the user who needs none. */
static void
test_needless_password (Fixture *fixture,
                        gconstpointer data)
{
  static const char *const takers[][2] = { { ":needless@", "" }, { ":needless@", "?protocol=3" }, { "default:needless@", "?protocol=2" } };
  g_autoptr (TornadisClient) refused = make_client_for_uri (fixture->redis, ":needless@", "?protocol=2");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (takers); i++)
    {
      g_autoptr (TornadisClient) client = make_client_for_uri (fixture->redis, takers[i][0], takers[i][1]);

      assert_said (client, "ACL WHOAMI", "\"default\"");
    }

  g_assert_false (connect_and_wait (refused, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION);
  g_assert_nonnull (strstr (error->message, "without any password configured"));
}

/* A server that has no HELLO is spoken to in RESP2, unless it is to be RESP3; and a wrong password is the end. */
static void
test_hello_refused (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisHarnessRedis) redis =
    tornadis_harness_redis_new ((const char *[]){ "--rename-command", "HELLO", "HOWDY", "--requirepass", "secret", NULL }, &error);
  g_autoptr (TornadisClient) any = NULL;
  g_autoptr (TornadisClient) newer = NULL;
  g_autoptr (TornadisClient) wrong = NULL;
  guint protocol_version;

  g_assert_no_error (error);
  any = make_client_for_uri (redis, ":secret@", "?client-name=editor");
  newer = make_client_for_uri (redis, ":secret@", "?protocol=3");
  wrong = make_client_for_uri (redis, ":wrong@", "");

  assert_said (any, "CLIENT GETNAME", "\"editor\"");
  g_object_get (any, "protocol-version", &protocol_version, NULL);
  g_assert_cmpuint (protocol_version, ==, 2);

  g_assert_false (connect_and_wait (newer, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_clear_error (&error);
  g_assert_false (connect_and_wait (wrong, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION);
}

/* There may be more fields than the library reads, and lists among them. */
static void
test_hello_fields (Fixture *fixture,
                   gconstpointer data)
{
  static const char *const zone[] = { "--availability-zone", "here", NULL };
  Kind kind = get_kind (fixture);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisHarnessRedis) redis = tornadis_harness_redis_new (kind.is_valkey ? zone : NULL, &error);
  g_autofree char *fields = NULL;
  g_autoptr (TornadisClient) client = NULL;
  gint64 id;

  g_assert_no_error (error);
  fields = tornadis_harness_redis_command (redis, "HELLO", NULL);
  g_assert_true (g_str_has_prefix (fields, kind.is_valkey ? "*16\r\n" : "*14\r\n"));
  g_assert_cmpint (strstr (fields, "availability_zone") != NULL, ==, kind.is_valkey);
  g_assert_cmpint (strstr (fields, "vectorset") != NULL, ==, !kind.is_valkey && kind.version >= 800);

  client = make_client_for_uri (redis, "", "?protocol=3");
  tell (client, "PING");
  g_object_get (client, "connection-id", &id, NULL);
  g_assert_cmpint (id, >, 0);
  assert_has (client, "CLIENT INFO", is_redis_7_0 (kind) ? " resp=3" : " lib-name=tornadis-glib ");
}

/* What the server sends by itself and what it replies, in the order in which a client is told. */
typedef struct
{
  TornadisPlugin parent_instance;
  GString *order; /* (unowned) */
} OrderPlugin;

typedef TornadisPluginClass OrderPluginClass;

G_GNUC_UNUSED static GType order_plugin_get_type (void);
G_DEFINE_TYPE (OrderPlugin, order_plugin, TORNADIS_TYPE_PLUGIN)

static gboolean
order_plugin_push (TornadisPlugin *plugin,
                   TornadisReply *push)
{
  OrderPlugin *self = (OrderPlugin *) plugin;
  TornadisReply *keys = tornadis_reply_get_element (push, 1);

  g_string_append_printf (self->order, "%s", tornadis_reply_get_text (tornadis_reply_get_element (push, 0)));
  if (tornadis_reply_get_kind (keys) == TORNADIS_REPLY_KIND_NIL)
    g_string_append (self->order, " all");
  for (gsize i = 0; i < tornadis_reply_get_n_elements (keys); i++)
    g_string_append_printf (self->order, " %s", tornadis_reply_get_text (tornadis_reply_get_element (keys, i)));
  g_string_append (self->order, "; ");
  return TRUE;
}

static void
order_plugin_class_init (OrderPluginClass *klass)
{
  klass->push = order_plugin_push;
}

static void
order_plugin_init (OrderPlugin *self)
{
}

static void
order_reply (GString *order,
             TornadisReply *reply,
             GError *error)
{
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = print_flat (reply);
  g_string_append_printf (order, "%s; ", text);
}

static void
order_reply_cb (TornadisClient *client,
                TornadisReply *reply,
                GError *error,
                gpointer user_data)
{
  order_reply (user_data, reply, error);
}

static void
order_replies_cb (GObject *object,
                  GAsyncResult *result,
                  gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_pipeline_finish (TORNADIS_CLIENT (object), result, &error);

  order_reply (user_data, reply, error);
}

typedef struct
{
  const char *tracking;
  const char *lines; /* at the semicolons; what begins with + is a pipeline, which is written at once, with ! a transaction */
  const char *order;
  const char *redis_8;
} Order;

static void
test_order (Fixture *fixture,
            gconstpointer data)
{
  static const Order cases[] = {
    { "ON", "SET k 2;PING", "OK; invalidate k; PONG; " },
    { "ON", "!SET k 2|PING;PING", "1) OK 2) PONG; invalidate k; PONG; " },
    { "ON", "EVAL \"redis.call('SET',KEYS[1],2)\" 1 k;PING", "(nil); invalidate k; PONG; " },
    { "ON NOLOOP", "SET k 2;PING", "OK; PONG; " },
    /* Not one by one, but when all that was read of the connection is done; and each key once. */
    { "ON BCAST", "+SET k 2|PING|SET j 2|SET k 3", "1) OK 2) PONG 3) OK 4) OK; invalidate j k; " },
    { "ON BCAST", "!SET k 2|PING", "1) OK 2) PONG; invalidate k; " },
    { "ON", "FLUSHALL;PING", "OK; invalidate all; PONG; ", "invalidate all; OK; PONG; " },
    { "ON NOLOOP", "FLUSHALL;PING", "OK; invalidate all; PONG; ", "invalidate all; OK; PONG; " },
    { "ON", "FLUSHDB;PING", "OK; invalidate all; PONG; ", "invalidate all; OK; PONG; " },
    { "ON", "EVAL \"redis.call('FLUSHALL')\" 0;PING", "(nil); invalidate all; PONG; " },
    { "ON", "FLUSHALL ASYNC;PING", "OK; invalidate all; PONG; " },
    { "ON", "!FLUSHALL|PING;PING", "1) OK 2) PONG; invalidate all; PONG; " },
    /* Of what is in another database now nobody hears. */
    { "ON", "SWAPDB 0 1;GET k;SWAPDB 0 1;PING", "OK; (nil); OK; PONG; " },
    { "ON BCAST", "SWAPDB 0 1;GET k;SWAPDB 0 1;PING", "OK; (nil); OK; PONG; " },
  };
  Kind kind = get_kind (fixture);
  g_autoptr (GString) order = g_string_new (NULL);
  g_autoptr (TornadisPlugin) plugin = g_object_new (order_plugin_get_type (), NULL);
  g_autoptr (GError) error = NULL;

  ((OrderPlugin *) plugin)->order = order;
  g_assert_true (tornadis_client_add_plugin (fixture->client, plugin, &error));

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *expected = !kind.is_valkey && kind.version >= 800 && cases[i].redis_8 != NULL ? cases[i].redis_8 : cases[i].order;
      g_autofree char *tracking = g_strdup_printf ("CLIENT TRACKING %s", cases[i].tracking);
      g_auto (GStrv) lines = g_strsplit (cases[i].lines, ";", -1);

      tell (fixture->client, "FLUSHALL");
      tell (fixture->client, "SET k 1");
      tell (fixture->client, tracking);
      tell (fixture->client, "GET k");
      g_string_truncate (order, 0);
      for (guint j = 0; lines[j] != NULL; j++)
        {
          gboolean atomic = lines[j][0] == '!';
          gboolean together = atomic || lines[j][0] == '+';
          g_auto (GStrv) commands = g_strsplit (lines[j] + together, "|", -1);
          g_autoptr (TornadisPipeline) pipeline = make_pipeline (atomic, (const char *const *) commands);
          g_autoptr (TornadisCommand) command = make_line_command (commands[0]);

          if (together)
            tornadis_client_call_pipeline_async (fixture->client, pipeline, NULL, order_replies_cb, order);
          else
            tornadis_client_submit (fixture->client, command, order_reply_cb, order, NULL);
        }
      wait_until (order->len >= strlen (expected));
      /* Nothing more. */
      tell (fixture->client, "CLIENT TRACKING OFF");
      if (!g_str_equal (order->str, expected))
        g_error ("%s, %s: %s", cases[i].tracking, cases[i].lines, order->str);
    }

  tornadis_client_remove_plugin (fixture->client, plugin);
}

static void
count_cb (gpointer object,
          gpointer count)
{
  (*(guint *) count)++;
}

static void
keep_message_cb (TornadisPubSubClient *client,
                 TornadisMessage *message,
                 gpointer user_data)
{
  g_ptr_array_add (user_data, tornadis_message_ref (message));
}

/* It gets whole messages, is told that there were more, and subscribes again. */
static void
test_slow_subscriber (Fixture *fixture,
                      gconstpointer data)
{
  const char *path = tornadis_harness_redis_get_socket_path (fixture->redis);
  TornadisPubSubClient *subscriber = g_object_new (TORNADIS_TYPE_PUB_SUB_CLIENT, "unix-domain-socket", path, "protocol",
                                                   GPOINTER_TO_INT (data), NULL);
  static const char publish[] = "EVAL \"return redis.call('PUBLISH', 'news', string.rep('x', 300000))\" 0";
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_message_unref);
  g_autoptr (GAsyncResult) subscribed = NULL;
  g_autoptr (GError) error = NULL;
  guint n_gaps = 0;
  guint n_published = 0;
  gboolean heard = TRUE;
  guint n_whole;

  tell (fixture->client, "CONFIG SET client-output-buffer-limit 'pubsub 1000000 0 0'");
  g_signal_connect (subscriber, "gap", G_CALLBACK (count_cb), &n_gaps);
  g_signal_connect (subscriber, "message", G_CALLBACK (keep_message_cb), messages);
  tornadis_pub_sub_client_subscribe_async (subscriber, (const char *[]){ "news", NULL }, NULL, store_result, &subscribed);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (subscriber, wait_for_result (&subscribed), &error));
  g_assert_no_error (error);
  n_gaps = 0;

  /* While the main context does not iterate. */
  while (heard)
    {
      g_autofree char *answer = tornadis_harness_redis_command (fixture->redis, publish, NULL);

      heard = g_str_has_prefix (answer, ":1");
      n_published += heard;
    }

  wait_until (n_gaps == 1);
  n_whole = messages->len;
  g_assert_cmpuint (n_whole, <, n_published);
  wait_until (({
    g_autofree char *answer = tornadis_harness_redis_command (fixture->redis, "PUBLISH news last", NULL);
    g_str_has_prefix (answer, ":1");
  }));
  wait_until (messages->len > n_whole);
  for (guint i = 0; i < n_whole; i++)
    g_assert_cmpuint (g_bytes_get_size (tornadis_message_get_payload (messages->pdata[i])), ==, 300000);
  g_assert_cmpstr (tornadis_message_get_text (messages->pdata[n_whole]), ==, "last");

  g_clear_object (&subscribed);
  assert_finalized (subscriber);
}

/* Nobody publishes to a channel of its own connection, and nothing is sent after which replies could not be counted. */
static void
test_refused_here (Fixture *fixture,
                   gconstpointer data)
{
  const char *path = tornadis_harness_redis_get_socket_path (fixture->redis);
  TornadisPubSubClient *subscriber = g_object_new (TORNADIS_TYPE_PUB_SUB_CLIENT, "unix-domain-socket", path, NULL);
  static const char *const refused[] = { "SUBSCRIBE news", "CLIENT REPLY OFF", "CLIENT REPLY SKIP", "RESET", "HELLO 2" };
  g_autoptr (GError) error = NULL;

  g_assert_null (call_line (TORNADIS_CLIENT (subscriber), &error, "PUBLISH news x"));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      for (guint in_multi = 0; in_multi < 2; in_multi++)
        {
          if (in_multi)
            tell (fixture->client, "MULTI");
          g_clear_error (&error);
          g_assert_null (call_line (fixture->client, &error, refused[i]));
          g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
          if (in_multi)
            assert_said (fixture->client, "EXEC", "(empty array)");
        }
    }

  assert_finalized (subscriber);
}

static gboolean
is_in_transaction (Fixture *fixture)
{
  gboolean in_transaction;

  g_object_get (fixture->client, "in-transaction", &in_transaction, NULL);
  return in_transaction;
}

/* Whatever becomes of the transaction, it is over for the library when it is over at the server. */
static void
test_transactions (Fixture *fixture,
                   gconstpointer data)
{
  Kind kind = get_kind (fixture);

  tell (fixture->client, "MULTI");
  assert_has (fixture->client, "WATCH k", "not allowed");
  g_assert_true (is_in_transaction (fixture));
  tell (fixture->client, "INCR n");
  if (kind.is_valkey)
    assert_has (fixture->client, "EXEC", "EXECABORT");
  else
    assert_said (fixture->client, "EXEC", "1) (integer) 1");
  g_assert_false (is_in_transaction (fixture));
  assert_said (fixture->client, "PING", "PONG");

  /* Not permitted, so that nothing is watched any more and the transaction is over. */
  tell (fixture->client, "ACL SETUSER guest on nopass ~* &* +@all -exec");
  tell (fixture->client, "AUTH guest x");
  tell (fixture->client, "WATCH k");
  g_assert_true (is_in_transaction (fixture));
  tell (fixture->client, "MULTI");
  tell (fixture->client, "SET k 1");
  assert_has (fixture->client, "EXEC", "NOPERM");
  g_assert_false (is_in_transaction (fixture));
  assert_said (fixture->client, "GET k", "(nil)");
  if (!is_redis_7_0 (kind))
    assert_has (fixture->client, "CLIENT INFO", " watch=0 ");
}

/* The program is told what the server says. */
static void
test_passed_on (Fixture *fixture,
                gconstpointer data)
{
  static const char blocking[] = "EVAL \"return redis.call('BLPOP', KEYS[1], 0)\" 1 list";
  Kind kind = get_kind (fixture);
  g_autoptr (GError) error = NULL;
  g_autofree char *prefix = NULL;

  if (is_redis_7_0 (kind))
    assert_has (fixture->client, blocking, "not allowed from script");
  else
    assert_said (fixture->client, blocking, "(nil)");

  g_assert_null (call_line (fixture->client, &error, "NOSUCH secret"));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_assert_nonnull (strstr (error->message, "'secret'"));
  prefix = tornadis_error_dup_prefix (error);
  g_assert_cmpstr (prefix, ==, "ERR");

  if (kind.is_valkey)
    assert_said (fixture->client, "EVAL \"return server.call('PING')\" 0", "PONG");
  else
    assert_has (fixture->client, "EVAL \"return server.call('PING')\" 0", "nonexistent global variable 'server'");

  tell (fixture->client, "ACL SETUSER guest on nopass -@all +auth");
  tell (fixture->client, "AUTH guest x");
  assert_has (fixture->client, "GET k",
              is_redis_7_0 (kind) ? "NOPERM this user has no permissions" : "NOPERM User guest has no permissions");
}

/* The call ends, the connection lives. */
static void
test_unblocked (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "BLPOP", "list", "0", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *prefix = NULL;
  g_autofree char *unblock = NULL;
  g_autofree char *answer = NULL;
  gint64 id, id_after;

  tell (fixture->client, "PING");
  g_object_get (fixture->client, "connection-id", &id, NULL);
  tornadis_client_call_async (fixture->client, command, NULL, store_result, &result);
  wait_until (count_blocked (fixture->redis) == 1);
  unblock = g_strdup_printf ("CLIENT UNBLOCK %" G_GINT64_FORMAT " ERROR", id);
  answer = tornadis_harness_redis_command (fixture->redis, unblock, NULL);
  g_assert_cmpstr (answer, ==, ":1\r\n");

  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  prefix = tornadis_error_dup_prefix (error);
  g_assert_cmpstr (prefix, ==, "UNBLOCKED");
  tell (fixture->client, "PING");
  g_object_get (fixture->client, "connection-id", &id_after, NULL);
  g_assert_cmpint (id_after, ==, id);
}

/* What a line is answered with in RESP2, and where RESP3 has another shape, in that. */
static const struct
{
  const char *line;
  const char *resp2;
  const char *resp3;
} shapes[] = {
  { "ZRANGE z 0 -1 WITHSCORES", "1) \"a\" 2) \"1.5\" 3) \"b\" 4) \"2\"",
    "1) 1) \"a\" 2) (double) 1.5 2) 1) \"b\" 2) (double) 2" },
  { "ZPOPMIN one", "1) \"a\" 2) \"1.5\"", "1) \"a\" 2) (double) 1.5" },
  { "ZPOPMIN one 1", "1) \"a\" 2) \"1.5\"", "1) 1) \"a\" 2) (double) 1.5" },
  { "ZMPOP 1 one MIN", "1) \"one\" 2) 1) 1) \"a\" 2) \"1.5\"", "1) \"one\" 2) 1) 1) \"a\" 2) (double) 1.5" },
  { "ZSCAN one 0", "1) \"0\" 2) 1) \"a\" 2) \"1.5\"", NULL },
  { "HRANDFIELD h 5 WITHVALUES", "1) \"f\" 2) \"v\"", "1) 1) \"f\" 2) \"v\"" },
  { "HGETALL h", "1) \"f\" 2) \"v\"", "1# \"f\" => \"v\"" },
  { "HSCAN h 0", "1) \"0\" 2) 1) \"f\" 2) \"v\"", NULL },
  { "SRANDMEMBER s", "\"m\"", NULL },
  { "SRANDMEMBER s 1", "1) \"m\"", NULL },
  { "SPOP s", "\"m\"", NULL },
  { "SPOP s 1", "1) \"m\"", "1~ \"m\"" },
  { "XREAD STREAMS x 1-1", "1) 1) \"x\" 2) 1) 1) \"2-1\" 2) 1) \"f\" 2) \"v\"",
    "1# \"x\" => 1) 1) \"2-1\" 2) 1) \"f\" 2) \"v\"" },
  { "XREAD STREAMS x $", "(nil)", NULL },
  { "XREADGROUP GROUP g c STREAMS x >", "(nil)", NULL },
  { "XREADGROUP GROUP fresh c STREAMS x 0", "1) 1) \"x\" 2) (empty array)", "1# \"x\" => (empty array)" },
  { "XPENDING x g", "1) (integer) 1 2) \"1-1\" 3) \"1-1\" 4) 1) 1) \"c\" 2) \"1\"", NULL },
  { "XPENDING x fresh", "1) (integer) 0 2) (nil) 3) (nil) 4) (nil)", NULL },
  { "XAUTOCLAIM x g c 0 0 COUNT 1", "1) \"0-0\" 2) (empty array) 3) 1) \"1-1\"", NULL },
  { "XACK x gone 1-1", "(integer) 0", NULL },
  { "XACK absent g 1-1", "(integer) 0", NULL },
  { "LPOP absent", "(nil)", NULL },
  { "LPOP absent 1", "(nil)", NULL },
  { "LMPOP 1 absent LEFT", "(nil)", NULL },
  { "ZMPOP 1 absent MIN", "(nil)", NULL },
  { "HRANDFIELD absent 1", "(empty array)", NULL },
  { "SPOP absent 1", "(empty array)", "(empty set)" },
  { "ZPOPMIN absent", "(empty array)", NULL },
  { "GEODIST geo p p", "\"0.0000\"", NULL },
  { "GEOSEARCH geo FROMMEMBER p BYRADIUS 1 km WITHDIST", "1) 1) \"p\" 2) \"0.0000\"", NULL },
  { "INCRBYFLOAT n 0.5", "\"0.5\"", NULL },
};

static void
test_shapes (Fixture *fixture,
             gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      g_autoptr (TornadisPipeline) made =
        PIPELINE (TRUE, "FLUSHALL", "ZADD z 1.5 a 2 b", "ZADD one 1.5 a", "HSET h f v", "SADD s m", "XADD x 1-1 f v", "XADD x 2-1 f v",
                  "XGROUP CREATE x g 0", "XREADGROUP GROUP g c STREAMS x >", "XACK x g 2-1", "XDEL x 1-1", "XGROUP CREATE x fresh $",
                  "GEOADD geo 13 38 p");
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) replies G_GNUC_UNUSED = call_pipeline (fixture->client, made, NULL, &error);

      g_assert_no_error (error);
      assert_said (fixture->client, shapes[i].line,
                   GPOINTER_TO_INT (data) == TORNADIS_PROTOCOL_RESP3 && shapes[i].resp3 != NULL ? shapes[i].resp3 : shapes[i].resp2);
    }
}

/* Texts of one number, which is read as that. */
static void
test_numbers (Fixture *fixture,
              gconstpointer data)
{
  Kind kind = get_kind (fixture);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) score = NULL;
  g_autoptr (TornadisReply) position = NULL;
  double longitude;

  tell (fixture->client, "ZADD z 0.1 a");
  tell (fixture->client, "GEOADD geo 13.361389 38.115556 p");
  assert_said (fixture->client, "EVAL \"return redis.call('ZSCORE', KEYS[1], 'a')\" 1 z",
               is_redis_7_0 (kind) ? "\"0.10000000000000001\"" : "\"0.1\"");
  assert_said (fixture->client, "EVAL \"return redis.call('GEOPOS', KEYS[1], 'p')[1][1]\" 1 geo",
               !kind.is_valkey && kind.version >= 800 ? "\"13.361389338970184\"" : "\"13.36138933897018433\"");

  score = call_line (fixture->client, &error, "ZSCORE z a");
  g_assert_no_error (error);
  g_assert_cmpfloat (tornadis_reply_get_double (score), ==, 0.1);
  position = call_line (fixture->client, &error, "GEOPOS geo p");
  g_assert_no_error (error);
  longitude = tornadis_reply_get_double (tornadis_reply_get_element (tornadis_reply_get_element (position, 0), 0));
  g_assert_true (longitude > 13.3613 && longitude < 13.3614);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, protocol, func) \
  g_test_add ("/servers/" name, Fixture, GINT_TO_POINTER (TORNADIS_PROTOCOL_##protocol), set_up, func, fixture_tear_down)
#define ADD_BOTH(name, func)        \
  ADD (name "/resp2", RESP2, func); \
  ADD (name "/resp3", RESP3, func)
  ADD ("needless-password", AUTO, test_needless_password);
  g_test_add_func ("/servers/hello-refused", test_hello_refused);
  ADD ("hello-fields", AUTO, test_hello_fields);
  ADD ("order", RESP3, test_order);
  ADD_BOTH ("slow-subscriber", test_slow_subscriber);
  ADD_BOTH ("refused-here", test_refused_here);
  ADD_BOTH ("transactions", test_transactions);
  ADD_BOTH ("passed-on", test_passed_on);
  ADD_BOTH ("unblocked", test_unblocked);
  ADD_BOTH ("shapes", test_shapes);
  ADD_BOTH ("numbers", test_numbers);

  return g_test_run ();
}
