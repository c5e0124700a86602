/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

/* Three clients of one server: one without the plugin, who sees everything, and two with it. */
typedef struct
{
  TornadisHarnessRedis *redis;
  TornadisClient *raw;
  TornadisClient *a;
  TornadisClient *b;
  TornadisPlugin *plugin; /* of @a */
} World;

static TornadisPlugin *
add_prefix (TornadisClient *client,
            const char *prefix)
{
  g_autoptr (GError) error = NULL;
  TornadisPlugin *plugin = tornadis_client_add_plugin_by_name (client, "key-prefix", &error);

  g_assert_no_error (error);
  g_object_set (plugin, "prefix", prefix, NULL);
  return plugin;
}

static TornadisClient *
make_world_client (World *world)
{
  return tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (world->redis));
}

static void
world_set_up (World *world,
              gconstpointer data)
{
  TornadisProtocol protocol = (TornadisProtocol) GPOINTER_TO_INT (data);
  g_autoptr (GError) error = NULL;

  world->redis = tornadis_harness_redis_new (NULL, &error);
  g_assert_no_error (error);
  world->raw = make_world_client (world);
  world->a = make_world_client (world);
  world->b = make_world_client (world);
  world->plugin = add_prefix (world->a, "a:");
  add_prefix (world->b, "b:");
  g_object_set (world->a, "protocol", protocol, NULL);
  g_object_set (world->b, "protocol", protocol, NULL);
}

static void
world_tear_down (World *world,
                 gconstpointer data)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_finalized (world->raw);
  assert_finalized (world->a);
  assert_finalized (world->b);
  g_clear_object (&world->redis);
}

/* The command line's reply as text, or “!” and the error's message. */
static char *
run (TornadisClient *client,
     const char *line)
{
  g_auto (GStrv) argv = NULL;
  g_autoptr (TornadisCommand) command = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_shell_parse_argv (line, NULL, &argv, NULL));
  command = tornadis_command_new_strv ((const char *const *) argv);
  tornadis_client_call_async (client, command, NULL, store_result, &result);
  reply = tornadis_client_call_finish (client, wait_for_result (&result), &error);
  if (error != NULL)
    return g_strdup_printf ("!%s", error->message);
  return tornadis_reply_to_string (reply);
}

static void
assert_run (TornadisClient *client,
            const char *line,
            const char *expected)
{
  g_autofree char *text = run (client, line);

  if (g_strcmp0 (text, expected) != 0)
    g_error ("“%s” is “%s”, not “%s”", line, text, expected);
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* All keys that the server has, in order. */
static char *
list_keys (TornadisClient *client)
{
  g_autoptr (TornadisReply) reply = call (client, NULL, "KEYS", "*", NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
    g_ptr_array_add (names, (gpointer) tornadis_reply_get_text (tornadis_reply_get_element (reply, i)));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);

  return g_strjoinv (" ", (char **) names->pdata);
}

static void
assert_keys (TornadisClient *client,
             const char *expected)
{
  g_autofree char *keys = list_keys (client);

  g_assert_cmpstr (keys, ==, expected);
}

/* Neither sees anything of the other. */
static void
test_two_prefixes (World *world,
                   gconstpointer data)
{
  assert_run (world->a, "SET k 1", "OK");
  assert_run (world->b, "SET k 2", "OK");
  assert_run (world->b, "MSET x 1 y 2", "OK");
  assert_run (world->a, "GET k", "\"1\"");
  assert_run (world->b, "GET k", "\"2\"");
  assert_run (world->raw, "GET k", "(nil)");
  assert_keys (world->raw, "a:k b:k b:x b:y");
  assert_keys (world->a, "k");
  assert_keys (world->b, "k x y");
  assert_run (world->a, "EXISTS k x y", "(integer) 1");
  assert_run (world->b, "DEL k x y z", "(integer) 3");
  assert_run (world->a, "EXISTS k", "(integer) 1");
  assert_run (world->a, "RENAME k other", "OK");
  assert_keys (world->raw, "a:other");
}

/* Of all sorts: what is put before keys, and what is not. */
static void
test_commands (World *world,
               gconstpointer data)
{
  static const char *const cases[][2] = {
    { "PING", "PONG" },
    { "ECHO k", "\"k\"" },
    { "EVAL 'redis.call(\"set\", KEYS[1], ARGV[1]) return KEYS' 2 k l v", "1) \"a:k\"\n2) \"a:l\"" },
    { "GET k", "\"v\"" },
    { "COPY k l", "(integer) 1" },
    { "OBJECT ENCODING l", "\"embstr\"" },
    { "object refcount l", "(integer) 1" },
    { "MEMORY USAGE nothing", "(nil)" },
    { "BITOP AND d k l", "(integer) 1" },
    { "RPUSH list c a b", "(integer) 3" },
    { "LMOVE list other LEFT RIGHT", "\"c\"" },
    { "LMPOP 2 nothing other LEFT", "1) \"other\"\n2) 1) \"c\"" },
    { "BLMPOP 1 2 nothing list LEFT", "1) \"list\"\n2) 1) \"a\"" },
    { "BLPOP nothing list 1", "1) \"list\"\n2) \"b\"" },
    { "BRPOP nothing 0.01", "(nil)" },
    { "ZADD z 1 m 2 n 3 o", "(integer) 3" },
    { "ZUNIONSTORE zz 1 z WEIGHTS 2", "(integer) 3" },
    { "ZMPOP 1 zz MIN COUNT 3", NULL },
    { "ZADD z 1 m 2 n 3 o", "(integer) 0" },
    { "BZPOPMIN z 1", NULL },
    { "XADD s 1-1 f v", "\"1-1\"" },
    { "XADD t 1-1 f v", "\"1-1\"" },
    { "XGROUP CREATE s g 0", "OK" },
    { "XREADGROUP GROUP g c STREAMS s >", NULL },
    { "XREAD COUNT 5 STREAMS s t 0 0", NULL },
    { "XREAD STREAMS s $", "(nil)" },
    { "XINFO GROUPS nothing", "!ERR no such key" },
    { "PUBLISH channel x", "(integer) 0" },
    { "PUBSUB CHANNELS", "(empty array)" },
    { "COMMAND GETKEYS GET k", "1) \"k\"" },
    { "COMMAND GETKEYS GET a:k", "1) \"a:k\"" },
    { "DBSIZE", NULL },
    { "WATCH k", "OK" },
    { "UNWATCH", "OK" },
    { "TYPE k", "string" },
    { "GET", "!ERR wrong number of arguments for 'get' command" },
    { "KEYS", "!ERR wrong number of arguments for 'keys' command" },
    { "SCAN", "!ERR wrong number of arguments for 'scan' command" },
    { "SCAN 0 MATCH", "!ERR syntax error" },
    { "NOSUCHCOMMAND k", "!ERR unknown command 'NOSUCHCOMMAND', with args beginning with: 'k' " },
    { "EVAL script x k", "!It is not known which arguments of EVAL are keys" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = run (world->a, cases[i][0]);

      if (cases[i][1] != NULL && g_strcmp0 (text, cases[i][1]) != 0)
        g_error ("“%s” is “%s”, not “%s”", cases[i][0], text, cases[i][1]);
      g_assert_true (cases[i][1] != NULL ? TRUE : strstr (text, "a:") == NULL && text[0] != '!');
      /* No key of the raw server is without the prefix. */
      if (i % 4 == 0 || i == G_N_ELEMENTS (cases) - 1)
        {
          g_autofree char *keys = list_keys (world->raw);
          g_auto (GStrv) names = g_strsplit (keys, " ", -1);

          for (gsize j = 0; keys[0] != '\0' && names[j] != NULL; j++)
            g_assert_true (g_str_has_prefix (names[j], "a:"));
        }
    }

  {
    g_autoptr (TornadisReply) streams = call (world->a, NULL, "XREAD", "STREAMS", "s", "t", "0", "0", NULL);
    g_autoptr (TornadisReply) popped = call (world->a, NULL, "BZPOPMAX", "nothing", "z", "1", NULL);
    TornadisReply *first = tornadis_reply_get_element (streams, 0);

    if (tornadis_reply_get_kind (streams) == TORNADIS_REPLY_KIND_ARRAY)
      first = tornadis_reply_get_element (first, 0);
    g_assert_cmpstr (tornadis_reply_get_text (first), ==, "s");
    g_assert_cmpuint (tornadis_reply_get_n_elements (streams), ==,
                      tornadis_reply_get_kind (streams) == TORNADIS_REPLY_KIND_ARRAY ? 2 : 4);
    g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (popped, 0)), ==, "z");
    g_assert_cmpfloat (tornadis_reply_get_double (tornadis_reply_get_element (popped, 2)), ==, 3);
  }
}

/* What SCAN gives in the end, in any order. */
static guint
count_scanned (TornadisClient *client,
               const char *options,
               const char *wanted)
{
  g_autofree char *cursor = g_strdup ("0");
  guint n = 0;

  do
    {
      g_autofree char *line = g_strdup_printf ("SCAN %s %s", cursor, options);
      g_auto (GStrv) argv = g_strsplit (g_strstrip (line), " ", -1);
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) argv);
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (TornadisReply) reply = NULL;
      TornadisReply *names;

      tornadis_client_call_async (client, command, NULL, store_result, &result);
      reply = tornadis_client_call_finish (client, wait_for_result (&result), NULL);
      g_assert_nonnull (reply);
      names = tornadis_reply_get_element (reply, 1);
      for (gsize i = 0; i < tornadis_reply_get_n_elements (names); i++)
        n += g_pattern_match_simple (wanted, tornadis_reply_get_text (tornadis_reply_get_element (names, i)));
      g_free (cursor);
      cursor = g_strdup (tornadis_reply_get_text (tornadis_reply_get_element (reply, 0)));
    }
  while (strcmp (cursor, "0") != 0);

  return n;
}

static void
test_patterns (World *world,
               gconstpointer data)
{
  /* As patterns these would match one another. */
  static const char *const prefixes[] = { "a:", "[ab]:", "*", "?:", "a\\:", "ä:", "^a" };

  for (gsize i = 0; i < G_N_ELEMENTS (prefixes); i++)
    {
      g_object_set (world->plugin, "prefix", prefixes[i], NULL);
      assert_run (world->a, "MSET one 1 two 2 three 3", "OK");
    }
  for (gsize i = 0; i < G_N_ELEMENTS (prefixes); i++)
    {
      g_object_set (world->plugin, "prefix", prefixes[i], NULL);
      assert_keys (world->a, "one three two");
      assert_run (world->a, "KEYS tw?", "1) \"two\"");
      assert_run (world->a, "KEYS [o]*", "1) \"one\"");
      g_assert_cmpuint (count_scanned (world->a, "", "*"), ==, 3);
      g_assert_cmpuint (count_scanned (world->a, "COUNT 2", "t*"), ==, 2);
      g_assert_cmpuint (count_scanned (world->a, "COUNT 100 MATCH t* TYPE string", "t*"), ==, 2);
      g_assert_cmpuint (count_scanned (world->a, "MATCH zzz match o*", "*"), ==, 1);
    }

  /* The members of a collection are no keys. */
  assert_run (world->a, "SADD set m", "(integer) 1");
  assert_run (world->a, "SSCAN set 0 MATCH *", "1) \"0\"\n2) 1) \"m\"");
}

static void
test_sort (World *world,
           gconstpointer data)
{
  assert_run (world->a, "RPUSH l 1 2 3", "(integer) 3");
  assert_run (world->a, "MSET w_1 30 w_2 20 w_3 10", "OK");
  assert_run (world->a, "HSET h_1 f x", "(integer) 1");
  assert_run (world->a, "SORT l BY w_* GET '#' GET w_*", "1) \"3\"\n2) \"10\"\n3) \"2\"\n4) \"20\"\n5) \"1\"\n6) \"30\"");
  assert_run (world->a, "SORT_RO l BY nosort GET h_*->f LIMIT 0 1", "1) \"x\"");
  assert_run (world->a, "SORT l BY w_* LIMIT 0 2 STORE d", "(integer) 2");
  assert_run (world->raw, "LRANGE a:d 0 -1", "1) \"3\"\n2) \"2\"");

  g_object_set (world->plugin, "prefix", "a*", NULL);
  assert_run (world->a, "RPUSH l 2 1", "(integer) 2");
  assert_run (world->a, "SORT l", "1) \"1\"\n2) \"2\"");
  assert_run (world->a, "SORT l BY nosort", "1) \"2\"\n2) \"1\"");
  assert_run (world->a, "SORT l BY w_*", "!The patterns of SORT cannot have a prefix with an asterisk");
}

static void
test_randomkey (World *world,
                gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

  assert_run (world->a, "RANDOMKEY", "(nil)");
  assert_run (world->b, "SET other 1", "OK");
  assert_run (world->a, "RANDOMKEY", "(nil)");
  assert_run (world->a, "SET mine 1", "OK");
  for (guint i = 0; i < 20; i++)
    assert_run (world->a, "RANDOMKEY", "\"mine\"");

  /* In a pipeline it cannot be asked again; nobody else's key is told. */
  for (guint i = 0; i < 50; i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "RANDOMKEY", NULL });
  {
    g_autoptr (TornadisReply) replies = call_pipeline (world->a, pipeline, NULL, NULL);
    g_autofree char *text = tornadis_reply_to_string (replies);

    g_assert_cmpuint (tornadis_reply_get_n_elements (replies), ==, 50);
    g_assert_nonnull (strstr (text, "\"mine\""));
    g_assert_null (strstr (text, "other"));
  }

  /* Its caller goes while it is being asked. */
  {
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    g_autoptr (TornadisCommand) command = tornadis_command_new ("RANDOMKEY");
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (GError) error = NULL;

    tornadis_harness_redis_pause (world->redis);
    tornadis_client_call_async (world->a, command, cancellable, store_result, &result);
    g_cancellable_cancel (cancellable);
    g_assert_null (tornadis_client_call_finish (world->a, wait_for_result (&result), &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    tornadis_harness_redis_resume (world->redis);
    /* The reply still comes, and nobody wants it. */
    assert_run (world->a, "PING", "PONG");
  }
}

static void
assert_pipeline (TornadisClient *client,
                 gboolean atomic,
                 const char *const *lines,
                 const char *expected)
{
  g_autoptr (TornadisPipeline) pipeline = make_pipeline (atomic, lines);
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  reply = call_pipeline (client, pipeline, NULL, &error);
  g_assert_no_error (error);
  text = tornadis_reply_to_string (reply);
  g_assert_cmpstr (text, ==, expected);

  /* The caller's own is as it was. */
  for (guint i = 0; lines[i] != NULL; i++)
    {
      TornadisCommand *command = tornadis_pipeline_get_command (pipeline, i);
      g_autoptr (GString) words = g_string_new (NULL);

      for (gsize j = 0; j < tornadis_command_get_n_args (command); j++)
        {
          g_autoptr (GBytes) arg = tornadis_command_get_arg (command, j);

          g_string_append_printf (words, "%s%.*s", j > 0 ? " " : "", (int) g_bytes_get_size (arg),
                                  (const char *) g_bytes_get_data (arg, NULL));
        }
      g_assert_cmpstr (words->str, ==, lines[i]);
    }
}

static void
test_pipelines (World *world,
                gconstpointer data)
{
  const char *const lines[] = { "SET k v", "KEYS *", "RPUSH list x", "BLPOP list 1", "PING", "GET k", NULL };
  const char *expected = "1) OK\n2) 1) \"k\"\n3) (integer) 1\n4) 1) \"list\"\n   2) \"x\"\n5) PONG\n6) \"v\"";
  const char *const by_hand[] = { "MULTI", "KEYS *", "GET k", NULL };
  const char *const whole[] = { "MULTI", "KEYS *", "GET k", "EXEC", "KEYS *", NULL };
  const char *const refused[] = { "SET refused 1", "EVAL script x", NULL };
  const char *const errors[] = { "GET k", "LPUSH k x", "KEYS nothing", NULL };

  assert_run (world->b, "SET k other", "OK");
  assert_pipeline (world->a, FALSE, lines, expected);
  assert_pipeline (world->a, TRUE, lines, expected);
  assert_pipeline (world->a, FALSE, errors,
                   "1) \"v\"\n2) (error) WRONGTYPE Operation against a key holding the wrong kind of value\n3) (empty array)");
  assert_pipeline (world->a, FALSE, whole, "1) OK\n2) QUEUED\n3) QUEUED\n4) 1) 1) \"k\"\n   2) \"v\"\n5) 1) \"k\"");

  /* A transaction that is open beyond the pipeline. */
  {
    g_autoptr (TornadisPipeline) pipeline = make_pipeline (FALSE, by_hand);
    g_autoptr (TornadisReply) reply = NULL;

    reply = call_pipeline (world->a, pipeline, NULL, NULL);
    assert_run (world->a, "LMPOP 1 list LEFT", "QUEUED");
    assert_run (world->a, "EXEC", "1) 1) \"k\"\n2) \"v\"\n3) (nil)");
  }

  /* Nothing of a pipeline is sent if a command of it is refused. */
  {
    g_autoptr (TornadisPipeline) pipeline = make_pipeline (FALSE, refused);
    g_autoptr (GError) error = NULL;

    g_assert_null (call_pipeline (world->a, pipeline, NULL, &error));
    g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);
    assert_run (world->a, "EXISTS refused", "(integer) 0");
  }
}

static void
test_transactions (World *world,
                   gconstpointer data)
{
  assert_run (world->a, "SET k v", "OK");
  assert_run (world->a, "MULTI", "OK");
  /* In the words of the server. */
  {
    g_autofree char *nested = run (world->a, "MULTI");

    g_assert_true (g_str_has_prefix (nested, "!ERR "));
  }
  assert_run (world->a, "PING", "QUEUED");
  assert_run (world->a, "KEYS *", "QUEUED");
  assert_run (world->a, "RANDOMKEY", "QUEUED");
  assert_run (world->a, "NOSUCHCOMMAND", "!ERR unknown command 'NOSUCHCOMMAND', with args beginning with: ");
  assert_run (world->a, "EXEC", "!EXECABORT Transaction discarded because of previous errors.");
  assert_run (world->a, "MULTI", "OK");
  assert_run (world->a, "PING", "QUEUED");
  assert_run (world->a, "RANDOMKEY", "QUEUED");
  assert_run (world->a, "KEYS *", "QUEUED");
  assert_run (world->a, "EXEC", "1) PONG\n2) \"k\"\n3) 1) \"k\"");
  assert_run (world->a, "MULTI", "OK");
  assert_run (world->a, "KEYS *", "QUEUED");
  assert_run (world->a, "DISCARD", "OK");
  assert_run (world->a, "EXEC", "!ERR EXEC without MULTI");

  /* WATCH is of the key with the prefix. */
  assert_run (world->a, "WATCH k", "OK");
  assert_run (world->raw, "SET a:k changed", "OK");
  assert_run (world->a, "MULTI", "OK");
  assert_run (world->a, "GET k", "QUEUED");
  assert_run (world->a, "EXEC", "(nil)");

  /* What is atomic ends what was begun before it, and its replies are none of that. */
  {
    const char *const lines[] = { "KEYS *", NULL };
    g_autoptr (TornadisPipeline) pipeline = make_pipeline (TRUE, lines);

    assert_run (world->a, "MULTI", "OK");
    assert_run (world->a, "GET k", "QUEUED");
    g_assert_null (call_pipeline (world->a, pipeline, NULL, NULL));
    g_assert_false (tornadis_client_is_in_transaction (world->a));
    assert_pipeline (world->a, TRUE, lines, "1) 1) \"k\"");
    assert_run (world->a, "EVAL return{ok=ARGV[1]} 0 QUEUED", "QUEUED");
    assert_run (world->a, "MULTI", "OK");
    assert_run (world->a, "KEYS *", "QUEUED");
    assert_run (world->a, "EXEC", "1) 1) \"k\"");
  }

  /* What was queued on a connection that was lost is forgotten. */
  assert_run (world->a, "MULTI", "OK");
  assert_run (world->a, "KEYS *", "QUEUED");
  tornadis_client_close (world->a);
  assert_run (world->a, "MULTI", "OK");
  assert_run (world->a, "GET k", "QUEUED");
  assert_run (world->a, "KEYS *", "QUEUED");
  assert_run (world->a, "EXEC", "1) \"changed\"\n2) 1) \"k\"");
}

static void
test_binary (World *world,
             gconstpointer data)
{
  g_autoptr (GBytes) key = g_bytes_new_static ("\0\xff\r\n", 4);
  g_autofree char *filling = g_strnfill (100000, 'x');
  g_autoptr (GBytes) value = g_bytes_new (filling, 100000);
  g_autoptr (GBytes) name = g_bytes_new_static ("set", 3);
  g_autoptr (TornadisCommand) set = tornadis_command_new_bytes ((GBytes *[]){ name, key, value }, 3);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (TornadisReply) keys = NULL;
  g_autoptr (TornadisReply) length = NULL;
  gconstpointer data_of_key;
  gsize size;

  tornadis_client_call_async (world->a, set, NULL, store_result, &result);
  reply = tornadis_client_call_finish (world->a, wait_for_result (&result), NULL);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "OK");

  keys = call (world->a, NULL, "KEYS", "*", NULL);
  data_of_key = tornadis_reply_get_data (tornadis_reply_get_element (keys, 0), &size);
  g_assert_cmpmem (data_of_key, size, "\0\xff\r\n", 4);
  length = call (world->raw, NULL, "EVAL", "return redis.call('strlen', redis.call('keys', '*')[1])", "0", NULL);
  g_assert_cmpint (tornadis_reply_get_integer (length), ==, 100000);
}

/* A plugin that looks at what comes by, keeps it, or asks for it again. */
#define PEEK_TYPE_PLUGIN (peek_plugin_get_type ())
G_DECLARE_FINAL_TYPE (PeekPlugin, peek_plugin, PEEK, PLUGIN, TornadisPlugin)

struct _PeekPlugin
{
  TornadisPlugin parent_instance;

  GPtrArray *seen; /* (element-type GBytes) the last argument of each */
  guint attempts;
};

G_DEFINE_FINAL_TYPE (PeekPlugin, peek_plugin, TORNADIS_TYPE_PLUGIN)

static GBytes *
get_last (TornadisCall *call)
{
  TornadisCommand *command = tornadis_call_get_command (call);

  if (command == NULL)
    command = tornadis_pipeline_get_command (tornadis_call_get_pipeline (call), 0);
  return tornadis_command_get_arg (command, tornadis_command_get_n_args (command) - 1);
}

static gboolean
peek_plugin_call (TornadisPlugin *plugin,
                  TornadisCall *call)
{
  g_ptr_array_add (PEEK_PLUGIN (plugin)->seen, get_last (call));
  return FALSE;
}

static void
peek_plugin_call_done (TornadisPlugin *plugin,
                       TornadisCall *call)
{
  g_ptr_array_add (PEEK_PLUGIN (plugin)->seen, get_last (call));
  if (tornadis_call_get_attempt (call) < PEEK_PLUGIN (plugin)->attempts)
    tornadis_call_retry (call, 1);
}

static void
peek_plugin_finalize (GObject *object)
{
  g_ptr_array_unref (PEEK_PLUGIN (object)->seen);
  G_OBJECT_CLASS (peek_plugin_parent_class)->finalize (object);
}

static void
peek_plugin_class_init (PeekPluginClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = peek_plugin_finalize;
  TORNADIS_PLUGIN_CLASS (klass)->call = peek_plugin_call;
  TORNADIS_PLUGIN_CLASS (klass)->call_done = peek_plugin_call_done;
}

static void
peek_plugin_init (PeekPlugin *self)
{
  self->seen = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
}

static char *
join_seen (PeekPlugin *self)
{
  GString *joined = g_string_new (NULL);

  for (guint i = 0; i < self->seen->len; i++)
    {
      gsize length;
      const char *data = g_bytes_get_data (self->seen->pdata[i], &length);

      g_string_append_printf (joined, "%.*s ", (int) length, data);
    }

  return g_string_free (joined, FALSE);
}

/* Another attempt, asked for in front of the plugin or behind it, has the prefix once. */
static void
test_retries (World *world,
              gconstpointer data)
{
  for (guint where = 0; where < 2; where++)
    {
      TornadisClient *client = make_world_client (world);
      PeekPlugin *outer = g_object_new (PEEK_TYPE_PLUGIN, NULL);
      PeekPlugin *inner = g_object_new (PEEK_TYPE_PLUGIN, NULL);
      const char *const lines[] = { "INCR m", NULL };
      g_autofree char *outside = NULL;
      g_autofree char *inside = NULL;

      tornadis_client_add_plugin (client, TORNADIS_PLUGIN (outer), NULL);
      add_prefix (client, "p:");
      tornadis_client_add_plugin (client, TORNADIS_PLUGIN (inner), NULL);
      assert_run (client, "PING", "PONG");
      g_ptr_array_set_size (outer->seen, 0);
      g_ptr_array_set_size (inner->seen, 0);

      *(where == 0 ? &outer->attempts : &inner->attempts) = 3;
      assert_run (client, "INCR n", where == 0 ? "(integer) 3" : "(integer) 6");
      assert_pipeline (client, FALSE, lines, where == 0 ? "1) (integer) 3" : "1) (integer) 6");
      outside = join_seen (outer);
      inside = join_seen (inner);
      g_assert_cmpstr (outside, ==, where == 0 ? "n n n n m m m m " : "n n m m ");
      g_assert_cmpstr (inside, ==, where == 0 ? "p:n p:n p:n p:n p:n p:n p:m p:m p:m p:m p:m p:m " : "p:n p:n p:n p:n p:m p:m p:m p:m ");

      g_object_unref (outer);
      g_object_unref (inner);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      assert_finalized (client);
    }
  assert_keys (world->raw, "p:m p:n");
}

/* What is large is handed on, not copied. */
static void
test_large (World *world,
            gconstpointer data)
{
  PeekPlugin *inner = g_object_new (PEEK_TYPE_PLUGIN, NULL);
  g_autofree char *filling = g_strnfill (1 << 20, 'x');
  g_autoptr (GBytes) value = g_bytes_new (filling, 1 << 20);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "SET", "k", NULL });
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_client_add_plugin (world->a, TORNADIS_PLUGIN (inner), NULL);
  assert_run (world->a, "PING", "PONG");
  g_ptr_array_set_size (inner->seen, 0);
  tornadis_command_append_bytes (command, value);
  tornadis_client_call_async (world->a, command, NULL, store_result, &result);
  tornadis_reply_unref (tornadis_client_call_finish (world->a, wait_for_result (&result), NULL));
  g_assert_true (g_ptr_array_index (inner->seen, 0) == value);
  assert_run (world->raw, "STRLEN a:k", "(integer) 1048576");
  g_object_unref (inner);
}

static void
count_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  guint *n = user_data;

  g_assert_no_error (error);
  g_assert_cmpint (tornadis_reply_get_integer (reply), ==, ++*n);
}

/* In order, from the first one on, which waits for the table. */
static void
test_many (World *world,
           gconstpointer data)
{
  guint n = 0;

  for (guint i = 0; i < 10000; i++)
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "INCR", "n", NULL });

      tornadis_client_submit (world->a, command, count_cb, &n, NULL);
    }
  assert_run (world->a, "GET n", "\"10000\"");
  g_assert_cmpuint (n, ==, 10000);

  /* As many arguments as calls. */
  {
    g_autoptr (TornadisCommand) command = tornadis_command_new ("DEL");
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (TornadisReply) reply = NULL;

    for (guint i = 0; i < 10000; i++)
      tornadis_command_append_string (command, i == 5000 ? "n" : "x");
    tornadis_client_call_async (world->a, command, NULL, store_result, &result);
    reply = tornadis_client_call_finish (world->a, wait_for_result (&result), NULL);
    g_assert_cmpint (tornadis_reply_get_integer (reply), ==, 1);
  }
}

/* Calls of all sorts are under way when the plugin goes: they keep their prefix, and their replies lose it. */
static void
test_removed (World *world,
              gconstpointer data)
{
  g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]){ "SET", "k", "v", NULL });
  g_autoptr (TornadisCommand) keys = tornadis_command_new_strv ((const char *[]){ "KEYS", "*", NULL });
  g_autoptr (TornadisCommand) random_key = tornadis_command_new ("RANDOMKEY");
  TornadisPlugin *plugin = world->plugin;

  for (guint round = 0; round < 2; round++)
    {
      GAsyncResult *results[3] = { NULL };
      TornadisReply *replies[3];
      g_autofree char *text = NULL;

      /* In the first round they wait for the table. */
      tornadis_client_call_async (world->a, set, NULL, store_result, &results[0]);
      tornadis_client_call_async (world->a, keys, NULL, store_result, &results[1]);
      tornadis_client_call_async (world->a, random_key, NULL, store_result, &results[2]);
      g_object_add_weak_pointer (G_OBJECT (plugin), (gpointer *) &plugin);
      tornadis_client_remove_plugin (world->a, plugin);
      g_assert_nonnull (plugin);
      for (guint i = 0; i < 3; i++)
        replies[i] = tornadis_client_call_finish (world->a, wait_for_result (&results[i]), NULL);
      text = tornadis_reply_to_string (replies[1]);
      g_assert_cmpstr (tornadis_reply_get_text (replies[0]), ==, "OK");
      g_assert_cmpstr (text, ==, "1) \"k\"");
      g_assert_cmpstr (tornadis_reply_get_text (replies[2]), ==, "k");
      for (guint i = 0; i < 3; i++)
        {
          g_clear_object (&results[i]);
          tornadis_reply_unref (replies[i]);
        }
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_assert_null (plugin);

      assert_run (world->a, "GET k", "(nil)");
      assert_run (world->a, "GET a:k", "\"v\"");
      plugin = add_prefix (world->a, "a:");
      assert_run (world->a, "GET k", "\"v\"");
    }
}

/* Cancelled, timed out and closed while the table is awaited, and the client let go. */
static void
test_ended_while_waiting (World *world,
                          gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", "k", NULL });
  g_autoptr (GAsyncResult) cancelled = NULL;
  g_autoptr (GAsyncResult) kept = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  tornadis_client_call_async (world->a, get, cancellable, store_result, &cancelled);
  tornadis_client_call_async (world->a, get, NULL, store_result, &kept);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_call_finish (world->a, wait_for_result (&cancelled), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  reply = tornadis_client_call_finish (world->a, wait_for_result (&kept), &error);
  g_assert_no_error (error);

  g_clear_object (&kept);
  tornadis_client_call_async (world->b, get, NULL, store_result, &kept);
  tornadis_client_close (world->b);
  g_assert_null (tornadis_client_call_finish (world->b, wait_for_result (&kept), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  assert_run (world->b, "GET k", "(nil)");
}

/* One plugin on the clients of a pool. */
static void
test_pool (World *world,
           gconstpointer data)
{
  TornadisClientPool *pool = tornadis_client_pool_new (world->a);
  g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]){ "SET", "k", "v", NULL });
  g_autoptr (TornadisCommand) keys = tornadis_command_new_strv ((const char *[]){ "KEYS", "*", NULL });
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GAsyncResult) listed = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autofree char *text = NULL;

  tornadis_client_pool_call_async (pool, set, NULL, store_result, &first);
  tornadis_client_pool_call_async (pool, set, NULL, store_result, &second);
  tornadis_reply_unref (tornadis_client_pool_call_finish (pool, wait_for_result (&first), NULL));
  tornadis_reply_unref (tornadis_client_pool_call_finish (pool, wait_for_result (&second), NULL));
  tornadis_client_pool_call_async (pool, keys, NULL, store_result, &listed);
  reply = tornadis_client_pool_call_finish (pool, wait_for_result (&listed), NULL);
  text = tornadis_reply_to_string (reply);
  g_assert_cmpstr (text, ==, "1) \"k\"");
  assert_keys (world->raw, "a:k");

  g_clear_object (&first);
  g_clear_object (&second);
  g_clear_object (&listed);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_finalized (pool);
}

static void
test_properties (World *world,
                 gconstpointer data)
{
  g_autofree char *prefix = NULL;
  g_autoptr (GError) error = NULL;

  g_object_get (world->plugin, "prefix", &prefix, NULL);
  g_assert_cmpstr (prefix, ==, "a:");
  g_assert_false (tornadis_client_add_plugin (world->a, world->plugin, &error));
  g_assert_nonnull (error);

  /* None: nothing changes, and the server is not asked either. */
  g_object_set (world->plugin, "prefix", NULL, NULL);
  g_clear_pointer (&prefix, g_free);
  g_object_get (world->plugin, "prefix", &prefix, NULL);
  g_assert_cmpstr (prefix, ==, "");
  assert_run (world->raw, "CONFIG RESETSTAT", "OK");
  assert_run (world->a, "SET k v", "OK");
  assert_run (world->raw, "GET k", "\"v\"");
  {
    g_autofree char *stats = run (world->raw, "INFO commandstats");

    g_assert_null (strstr (stats, "cmdstat_command"));
  }

  /* Two prefixes on one client: the outer one is the inner part of the name. */
  g_object_set (world->plugin, "prefix", "a:", NULL);
  add_prefix (world->a, "z:");
  assert_run (world->a, "SET k 2", "OK");
  assert_run (world->raw, "GET z:a:k", "\"2\"");
  assert_keys (world->a, "k");
}

/* How often COMMAND was asked since the statistics were reset. */
static void
assert_asked (World *world,
              guint n)
{
  g_autofree char *stats = run (world->raw, "INFO commandstats");
  g_autofree char *expected = g_strdup_printf ("cmdstat_command:calls=%u,", n);

  g_assert_cmpint (strstr (stats, n > 0 ? expected : "cmdstat_command:") != NULL, ==, n > 0);
}

/* A command that the table does not have makes the server be asked again, once for each name. */
static void
test_unknown (World *world,
              gconstpointer data)
{
  assert_run (world->raw, "CONFIG RESETSTAT", "OK");
  for (guint i = 0; i < 3; i++)
    {
      assert_run (world->a, "NOSUCHCOMMAND k", "!ERR unknown command 'NOSUCHCOMMAND', with args beginning with: 'k' ");
      assert_run (world->a, "GET k", "(nil)");
    }
  assert_asked (world, 2);

  /* Within MULTI the question would be queued too; after WATCH it would not. */
  assert_run (world->raw, "CONFIG RESETSTAT", "OK");
  assert_run (world->a, "MULTI", "OK");
  assert_run (world->a, "NOSUCHINMULTI k", "!ERR unknown command 'NOSUCHINMULTI', with args beginning with: 'k' ");
  assert_run (world->a, "DISCARD", "OK");
  assert_asked (world, 0);
  assert_run (world->a, "WATCH k", "OK");
  assert_run (world->a, "NOSUCHINWATCH k", "!ERR unknown command 'NOSUCHINWATCH', with args beginning with: 'k' ");
  assert_asked (world, 1);

  /* When what was watched is lost it is as any other call. */
  {
    g_autoptr (GError) error = NULL;

    tornadis_reply_unref (call (world->raw, NULL, "CLIENT", "KILL", "TYPE", "normal", NULL));
    wait_until (!tornadis_client_is_connected (world->a));
    g_assert_null (call (world->a, &error, "NOSUCHWHENLOST", "k", NULL));
    g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
    assert_run (world->a, "UNWATCH", "OK");
  }

  /* Those behind it wait with it, and have their prefix. */
  {
    g_autoptr (TornadisCommand) unknown = tornadis_command_new ("NOSUCHEITHER");
    g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]){ "SET", "k", "v", NULL });

    tornadis_client_submit (world->a, unknown, NULL, NULL, NULL);
    tornadis_client_submit (world->a, set, NULL, NULL, NULL);
    assert_run (world->a, "GET k", "\"v\"");
    assert_keys (world->raw, "a:k");
  }
}

/* A user who may not ask; later he may. */
static void
test_not_permitted (World *world,
                    gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  assert_run (world->raw, "ACL SETUSER default -command", "OK");
  g_assert_null (call (world->a, &error, "GET", "k", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);
  g_assert_nonnull (strstr (error->message, "NOPERM"));
  assert_run (world->raw, "ACL SETUSER default +command", "OK");
  assert_run (world->a, "SET k v", "OK");
  assert_keys (world->raw, "a:k");
}

static void
test_not_reachable (void)
{
  g_autoptr (TornadisClient) client = tornadis_client_new_for_unix_socket ("/nowhere/at/all");
  g_autoptr (GError) error = NULL;

  add_prefix (client, "a:");
  g_assert_null (call (client, &error, "GET", "k", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
}

/* What the peer reads when the client calls the two commands, behind its COMMAND. */
static void
test_old_server (void)
{
  const char *script = "handshake\nexpect COMMAND\n"
                       "send \"*3\\r\\n"
                       "*6\\r\\n$3\\r\\nget\\r\\n:2\\r\\n*1\\r\\n+readonly\\r\\n:1\\r\\n:1\\r\\n:1\\r\\n"
                       "*6\\r\\n$4\\r\\neval\\r\\n:-3\\r\\n*1\\r\\n+movablekeys\\r\\n:0\\r\\n:0\\r\\n:0\\r\\n"
                       "*6\\r\\n$5\\r\\nmod.x\\r\\n:-3\\r\\n*1\\r\\n+movablekeys\\r\\n:0\\r\\n:0\\r\\n:0\\r\\n\"\n"
                       "expect GET\nsend \"$-1\\r\\n\"\nexpect EVAL\nsend \":1\\r\\n\"\n";
  g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
  TornadisClient *client = make_client (peer);
  g_autofree char *received = NULL;
  g_autofree char *failure = NULL;

  add_prefix (client, "old:");
  assert_run (client, "GET k", "(nil)");
  assert_run (client, "EVAL script 1 k x", "(integer) 1");
  assert_run (client, "MOD.X k", "!It is not known which arguments of MOD.X are keys");
  received = tornadis_harness_peer_get_received (peer);
  g_assert_nonnull (strstr (received, "GET old:k"));
  g_assert_nonnull (strstr (received, "EVAL script 1 old:k x"));
  failure = tornadis_harness_peer_get_failure (peer);
  g_assert_null (failure);
  assert_finalized (client);
}

/* The link goes while COMMAND is under way: nothing has run. */
static void
test_lost (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect COMMAND\nclose\n---\nhandshake\nexpect COMMAND\n"
                                                    "send \"+nonsense\\r\\n\"\nclose\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (GError) error = NULL;

  add_prefix (client, "a:");
  g_assert_null (call (client, &error, "INCR", "k", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);
  g_clear_error (&error);
  g_assert_null (call (client, &error, "INCR", "k", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_finalized (client);
}

#define ADD(name, func, protocol) \
  g_test_add ("/key-prefix/" name, World, GINT_TO_POINTER (protocol), world_set_up, func, world_tear_down)
#define ADD_BOTH(name, func)                          \
  ADD (name "/resp3", func, TORNADIS_PROTOCOL_RESP3); \
  ADD (name "/resp2", func, TORNADIS_PROTOCOL_RESP2)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD_BOTH ("two-prefixes", test_two_prefixes);
  ADD_BOTH ("commands", test_commands);
  ADD_BOTH ("patterns", test_patterns);
  ADD_BOTH ("sort", test_sort);
  ADD_BOTH ("randomkey", test_randomkey);
  ADD_BOTH ("pipelines", test_pipelines);
  ADD_BOTH ("transactions", test_transactions);
  ADD ("binary", test_binary, TORNADIS_PROTOCOL_AUTO);
  ADD ("retries", test_retries, TORNADIS_PROTOCOL_AUTO);
  ADD ("large", test_large, TORNADIS_PROTOCOL_AUTO);
  ADD ("many", test_many, TORNADIS_PROTOCOL_AUTO);
  ADD ("removed", test_removed, TORNADIS_PROTOCOL_AUTO);
  ADD ("ended-while-waiting", test_ended_while_waiting, TORNADIS_PROTOCOL_AUTO);
  ADD ("pool", test_pool, TORNADIS_PROTOCOL_AUTO);
  ADD ("properties", test_properties, TORNADIS_PROTOCOL_AUTO);
  ADD ("unknown", test_unknown, TORNADIS_PROTOCOL_AUTO);
  ADD ("not-permitted", test_not_permitted, TORNADIS_PROTOCOL_AUTO);
  g_test_add_func ("/key-prefix/not-reachable", test_not_reachable);
  g_test_add_func ("/key-prefix/old-server", test_old_server);
  g_test_add_func ("/key-prefix/lost", test_lost);

  return g_test_run ();
}
