/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A cluster that is up, as one client: where commands go, and what is made of what several nodes say. */

#include "plugins/cluster-util.h"

#include <string.h>

#include "integration/util.h"

#define N_KEYS 300

/* Of as many keys as there are, on all nodes. */
static void
set_values (Scene *scene)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_KEYS; i++)
    {
      g_autofree char *key = g_strdup_printf ("many:%u", i);
      g_autofree char *value = g_strdup_printf ("value of %s", key);

      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "SET", key, value, NULL });
    }

  replies = call_pipeline (scene->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (tornadis_reply_get_n_elements (replies), ==, N_KEYS);
  for (guint i = 0; i < N_KEYS; i++)
    g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (replies, i)), ==, "OK");
}

typedef struct
{
  guint n_awaited;
  gboolean all;
} Values;

static void
value_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  Values *values = user_data;

  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (tornadis_reply_get_text (reply), "value of many:"));
  values->all = --values->n_awaited == 0;
}

typedef struct
{
  Values *values;
  char *expected;
} Expected;

static void
free_expected (gpointer data)
{
  g_free (((Expected *) data)->expected);
  g_free (data);
}

static void
expected_cb (TornadisClient *client,
             TornadisReply *reply,
             GError *error,
             gpointer user_data)
{
  Expected *expected = user_data;

  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, expected->expected);
  value_cb (client, reply, error, expected->values);
}

/* Each value names its key, many at a time, and nobody was asked for a key that it has not. */
static void
test_values (Scene *scene,
             gconstpointer data)
{
  Values values = { N_KEYS };

  set_values (scene);
  for (guint i = 0; i < N_KEYS; i++)
    {
      g_autofree char *key = g_strdup_printf ("many:%u", i);
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "GET", key, NULL });
      Expected *expected = g_new (Expected, 1);

      *expected = (Expected){ &values, g_strdup_printf ("value of %s", key) };
      tornadis_client_submit (scene->client, command, expected_cb, expected, free_expected);
    }
  g_assert_true (spin_until (&values.all, 60000));
  g_assert_cmpuint (get_redirects (scene->client), ==, 0);

  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *size = node_command (scene->cluster, i, "DBSIZE");

      g_assert_cmpstr (size, !=, ":0\r\n");
    }
  assert_call (scene->client, "(integer) 300", "DBSIZE", NULL);
}

/* Keys stand in many places; wherever they are, nobody needs to be redirected. {t} is what counts of them. */
static void
test_key_positions (Scene *scene,
                    gconstpointer data)
{
  static const struct
  {
    const char *line;
    const char *expected;
  } lines[] = {
    { "SET {t}a 1", "OK" },
    { "get {t}a", "\"1\"" },
    { "OBJECT REFCOUNT {t}none", "(nil)" },
    { "EVAL return{KEYS[1],ARGV[1]} 1 {t}a x", "1) \"{t}a\"\n2) \"x\"" },
    { "XADD {t}x 1-1 f v", "\"1-1\"" },
    { "XREAD COUNT 1 STREAMS {t}x {t}y 1-1 0-0", "(nil)" },
    { "BITOP AND {t}c {t}a {t}b", "(integer) 1" },
    { "RPUSH {t}l 2 1", "(integer) 2" },
    { "SORT {t}l STORE {t}m", "(integer) 2" },
    { "LMPOP 2 {t}none {t}m LEFT", "1) \"{t}m\"\n2) 1) \"1\"" },
    { "ZADD {t}z 1 m", "(integer) 1" },
    { "ZUNIONSTORE {t}u 2 {t}z {t}w", "(integer) 1" },
    { "COPY {t}a {t}d", "(integer) 1" },
    { "MSETNX {t}e 1 {t}f 2", "(integer) 1" },
    { "MIGRATE 127.0.0.1 1 {t}none 0 100", "NOKEY" },
    { "DEL {t}a {t}c {t}d {t}e {t}f", "(integer) 5" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      assert_line (scene->client, lines[i].line, lines[i].expected);
      if (get_redirects (scene->client) > 0)
        g_error ("%s was redirected", lines[i].line);
    }
}

/* Commands of many keys over all nodes: as if there were one. */
static void
test_split (Scene *scene,
            gconstpointer data)
{
  char **k = scene->keys;
  TornadisClient *client = scene->client;

  assert_call (client, "OK", "MSET", k[2], "c", k[0], "a", k[1], "b", NULL);
  assert_call (client, "1) \"a\"\n2) (nil)\n3) \"c\"\n4) \"b\"\n5) \"a\"", "MGET", k[0], "none", k[2], k[1], k[0], NULL);
  assert_call (client, "(integer) 4", "EXISTS", k[0], k[1], k[2], k[0], "none", NULL);
  assert_call (client, "(integer) 3", "TOUCH", k[0], k[1], k[2], "none", NULL);
  assert_call (client, "(integer) 2", "UNLINK", k[0], "none", k[2], NULL);
  assert_call (client, "(integer) 1", "LPUSH", k[0], "x", NULL);
  assert_call (client, "1) \"b\"\n2) (nil)", "MGET", k[1], k[0], NULL);
  assert_call (client, "(integer) 2", "DEL", k[0], k[1], k[2], NULL);
  g_assert_cmpuint (get_redirects (client), ==, 0);
}

/* What cannot be split is not sent. */
static void
test_several_slots (Scene *scene,
                    gconstpointer data)
{
  static const char *const commands[] = { "sinter", "rename", "sunionstore", "pfcount", "bitop", "eval", "msetnx" };
  g_autofree char *sinter = g_strdup_printf ("SINTER %s %s", scene->keys[0], scene->keys[1]);
  g_autofree char *rename = g_strdup_printf ("RENAME %s %s", scene->keys[0], scene->keys[2]);
  g_autofree char *store = g_strdup ("SUNIONSTORE {a}x {b}x");
  g_autofree char *msetnx = g_strdup_printf ("MSETNX %s 1 %s 2", scene->keys[0], scene->keys[1]);
  const char *const lines[] = { sinter, rename, store, msetnx, "PFCOUNT {a}x {b}x", "BITOP AND {a}d {b}x {a}x",
                                "EVAL return 2 {a}x {b}x" };
  guint before[G_N_ELEMENTS (commands)];

  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    before[i] = count_calls_of_all (scene->cluster, commands[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    assert_refused (scene->client, lines[i], TORNADIS_ERROR_USAGE, "several slots");
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    g_assert_cmpuint (count_calls_of_all (scene->cluster, commands[i]), ==, before[i]);
}

static void
test_all_nodes (Scene *scene,
                gconstpointer data)
{
  static const char *const library = "#!lua name=lib\nredis.register_function{function_name='f', callback=function(k) return k[1] end, flags={'no-writes'}}";
  TornadisClient *client = scene->client;
  g_autoptr (TornadisReply) keys = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *sha = NULL;
  g_autofree char *info = NULL;
  g_autofree char *random = NULL;

  assert_call (client, "(nil)", "RANDOMKEY", NULL);
  set_values (scene);
  keys = call (client, &error, "KEYS", "many:*", NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (tornadis_reply_get_n_elements (keys), ==, N_KEYS);
  random = call_text (client, "RANDOMKEY", NULL);
  g_assert_true (g_str_has_prefix (random, "\"many:"));

  /* A script and a function that are loaded once are everywhere. */
  sha = call_text (client, "SCRIPT", "LOAD", "return KEYS[1]", NULL);
  g_assert_cmpuint (strlen (sha), ==, 42);
  sha[41] = '\0';
  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *text = g_strdup_printf ("\"%s\"", scene->keys[i]);

      assert_call (client, text, "EVALSHA", sha + 1, "1", scene->keys[i], NULL);
    }
  assert_call (client, "1) (integer) 1\n2) (integer) 0", "SCRIPT", "EXISTS", sha + 1, "0000000000000000000000000000000000000000", NULL);
  assert_call (client, "\"lib\"", "FUNCTION", "LOAD", "REPLACE", library, NULL);
  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *text = g_strdup_printf ("\"%s\"", scene->keys[i]);

      assert_call (client, text, "FCALL", "f", "1", scene->keys[i], NULL);
    }

  assert_call (client, "(integer) 1", "WAIT", "1", "0", NULL);
  assert_call (client, "OK", "CONFIG", "SET", "lua-time-limit", "4321", NULL);
  for (guint i = 0; i < 2 * N_MASTERS; i++)
    {
      g_autofree char *limit = node_command (scene->cluster, i, "CONFIG GET lua-time-limit");

      g_assert_nonnull (strstr (limit, "4321"));
    }

  info = call_text (client, "INFO", "server", NULL);
  for (guint i = 0; i < N_MASTERS; i++)
    {
      TornadisHarnessRedis *node = tornadis_harness_cluster_get_node (scene->cluster, i);
      g_autofree char *title = g_strdup_printf ("# Node 127.0.0.1:%u", tornadis_harness_redis_get_port (node));

      g_assert_nonnull (strstr (info, title));
    }

  assert_call (client, "OK", "FLUSHALL", NULL);
  assert_call (client, "(integer) 0", "DBSIZE", NULL);
  assert_call (client, "PONG", "PING", NULL);
  assert_call (client, "\"text\"", "ECHO", "text", NULL);
}

/* An error of one node is that of the command. */
static void
test_part_fails (Scene *scene,
                 gconstpointer data)
{
  g_autofree char *refused G_GNUC_UNUSED = node_command (scene->cluster, 1, "CONFIG SET maxmemory 1");
  g_autofree char *line = g_strdup_printf ("MSET %s a %s b %s c", scene->keys[0], scene->keys[1], scene->keys[2]);
  g_autofree char *back = NULL;

  assert_refused (scene->client, line, TORNADIS_ERROR_REPLY, "OOM");
  assert_call (scene->client, "1) \"a\"\n2) (nil)\n3) \"c\"", "MGET", scene->keys[0], scene->keys[1], scene->keys[2], NULL);
  back = node_command (scene->cluster, 1, "CONFIG SET maxmemory 0");
  assert_line (scene->client, line, "OK");
}

/* The replies of all nodes in the order of the commands, errors in their places. */
static void
test_pipeline (Scene *scene,
               gconstpointer data)
{
  char **k = scene->keys;
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "SET other 1");
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;
  TornadisReply *values;

  for (guint i = 0; i < N_MASTERS; i++)
    {
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "SET", k[i], k[i], NULL });
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "LPUSH", k[i], "x", NULL });
    }
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "MGET", k[2], k[0], "none", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "NOSUCHCOMMAND", k[1], NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "ECHO", "text", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "INCR", "other", NULL });

  replies = call_pipeline (scene->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (tornadis_reply_get_n_elements (replies), ==, 11);
  for (guint i = 0; i < 11; i++)
    {
      TornadisReply *reply = tornadis_reply_get_element (replies, i);
      const char *words = tornadis_reply_get_text (reply);

      if (i < 7 && i % 2 == 1)
        g_assert_cmpstr (words, ==, "OK");
      else if (i == 2 || i == 4 || i == 6)
        g_assert_true (tornadis_reply_is_error (reply) && g_str_has_prefix (words, "WRONGTYPE"));
      else if (i == 8)
        g_assert_true (tornadis_reply_is_error (reply) && g_str_has_prefix (words, "ERR unknown command"));
    }
  values = tornadis_reply_get_element (replies, 7);
  g_assert_cmpuint (tornadis_reply_get_n_elements (values), ==, 3);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (values, 0)), ==, k[2]);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (values, 1)), ==, k[0]);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (replies, 9)), ==, "text");
  g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (replies, 10)), ==, 2);
}

/* What all nodes answer, and what is split, is done between what is before it and what is behind it. */
static void
test_pipeline_order (Scene *scene,
                     gconstpointer data)
{
  char **k = scene->keys;
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *number = g_strdup_printf ("%u", i);

      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "SET", k[0], number, NULL });
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "SET", k[1], number, NULL });
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "MGET", k[1], k[0], NULL });
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "DBSIZE", NULL });
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "DEL", k[0], k[1], NULL });
    }

  replies = call_pipeline (scene->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 20; i++)
    {
      TornadisReply *values = tornadis_reply_get_element (replies, 5 * i + 2);
      g_autofree char *number = g_strdup_printf ("%u", i);

      g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (values, 0)), ==, number);
      g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (values, 1)), ==, number);
      g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (replies, 5 * i + 3)), ==, 2);
      g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (replies, 5 * i + 4)), ==, 2);
    }
}

/* One command that cannot be called at all: none is. */
static void
test_pipeline_refused (Scene *scene,
                       gconstpointer data)
{
  g_autofree char *set = g_strdup_printf ("SET %s 1", scene->keys[0]);
  g_autofree char *rename = g_strdup_printf ("RENAME %s %s", scene->keys[0], scene->keys[1]);
  const char *const refused[] = { rename, "READONLY" };

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, set, "DBSIZE", refused[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) replies G_GNUC_UNUSED = call_pipeline (scene->client, pipeline, NULL, &error);

      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      assert_call (scene->client, "(integer) 0", "EXISTS", scene->keys[0], NULL);
    }
}

/* All keys of all nodes, each once as long as none moves. */
static void
test_scan (Scene *scene,
           gconstpointer data)
{
  g_autoptr (GHashTable) found = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *cursor = g_strdup ("0");

  set_values (scene);
  assert_call (scene->client, "(integer) 1", "LPUSH", "many:list", "x", NULL);
  assert_call (scene->client, "OK", "SET", "different", "x", NULL);
  do
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply =
        call (scene->client, &error, "SCAN", cursor, "MATCH", "many:*", "COUNT", "20", "TYPE", "string", NULL);
      TornadisReply *keys;

      g_assert_no_error (error);
      g_free (cursor);
      cursor = g_strdup (tornadis_reply_get_text (tornadis_reply_get_element (reply, 0)));
      keys = tornadis_reply_get_element (reply, 1);
      for (gsize i = 0; i < tornadis_reply_get_n_elements (keys); i++)
        g_assert_true (g_hash_table_add (found, g_strdup (tornadis_reply_get_text (tornadis_reply_get_element (keys, i)))));
    }
  while (!g_str_equal (cursor, "0"));

  g_assert_cmpuint (g_hash_table_size (found), ==, N_KEYS);
  for (guint i = 0; i < N_KEYS; i++)
    {
      g_autofree char *key = g_strdup_printf ("many:%u", i);

      g_assert_true (g_hash_table_contains (found, key));
    }

  assert_refused (scene->client, "SCAN x", TORNADIS_ERROR_USAGE, "cursor");
  assert_refused (scene->client, "SCAN", TORNADIS_ERROR_USAGE, "cursor");
  assert_refused (scene->client, "SCAN 3", TORNADIS_ERROR_USAGE, "cursor");
  assert_refused (scene->client, "SCAN 0 COUNT x", TORNADIS_ERROR_REPLY, "ERR");
}

/* What belongs to one connection, of which there are several. */
static void
test_refused (Scene *scene,
              gconstpointer data)
{
  static const char *const lines[] = {
    "SELECT 1",
    "AUTH x",
    "READONLY",
    "readwrite",
    "ASKING",
    "MONITOR",
    "CLIENT SETNAME x",
    "client tracking on",
    "CLIENT CACHING YES",
    "CLIENT NO-EVICT on",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    assert_refused (scene->client, lines[i], TORNADIS_ERROR_USAGE, "on a cluster");
  assert_refused (scene->client, "SUBSCRIBE c", TORNADIS_ERROR_USAGE, "");
  assert_call (scene->client, "PONG", "PING", NULL);
}

/* A channel is no key, and has a slot all the same; counts are of all nodes. */
static void
test_channels (Scene *scene,
               gconstpointer data)
{
  for (guint i = 0; i < N_MASTERS; i++)
    assert_call (scene->client, "(integer) 0", "SPUBLISH", scene->keys[i], "m", NULL);
  g_assert_cmpuint (get_redirects (scene->client), ==, 0);
  assert_call (scene->client, "1) \"c\"\n2) (integer) 0", "PUBSUB", "NUMSUB", "c", NULL);
}

/* The program's first call is not the only one that waits until the cluster is known. */
static void
test_first_calls (Scene *scene,
                  gconstpointer data)
{
  Values values = { 0 };
  guint64 refreshes;

  set_values (scene);
  g_clear_object (&scene->client);
  scene->client = make_cluster_client (scene->cluster, NULL);
  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *key = g_strdup_printf ("many:%u", i);
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "GET", key, NULL });

      values.n_awaited++;
      tornadis_client_submit (scene->client, command, value_cb, &values, NULL);
    }
  g_assert_true (spin_until (&values.all, 60000));
  g_object_get (get_cluster_plugin (scene->client), "refreshes", &refreshes, NULL);
  g_assert_cmpuint (refreshes, ==, 1);
}

#define ADD(path, function) g_test_add (path, Scene, NULL, scene_set_up, function, scene_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/cluster/values", test_values);
  ADD ("/cluster/key-positions", test_key_positions);
  ADD ("/cluster/split", test_split);
  ADD ("/cluster/several-slots", test_several_slots);
  ADD ("/cluster/all-nodes", test_all_nodes);
  ADD ("/cluster/part-fails", test_part_fails);
  ADD ("/cluster/pipeline", test_pipeline);
  ADD ("/cluster/pipeline-order", test_pipeline_order);
  ADD ("/cluster/pipeline-refused", test_pipeline_refused);
  ADD ("/cluster/scan", test_scan);
  ADD ("/cluster/refused", test_refused);
  ADD ("/cluster/channels", test_channels);
  ADD ("/cluster/first-calls", test_first_calls);

  return run_with_cluster (NULL);
}
