/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Live models of a server in its default configuration, which sends no notifications: they are told of changes by
 * CLIENT TRACKING. */

#include <string.h>

#include "integration/model-util.h"
#include "tornadis-glib/data/tornadis-key-pattern-private.h"

#define HELLO "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"
#define CHANNEL "__keyspace@0__:list"
#define SUBSCRIPTION "3\r\n$9\r\nsubscribe\r\n$19\r\n" CHANNEL "\r\n:1\r\n"
#define NO_SETTING "%1\r\n$22\r\nnotify-keyspace-events\r\n$0\r\n\r\n"

/* How many connections the server tells of keys, of all that match. */
static guint
count_tracking (TornadisHarnessRedis *redis)
{
  g_autofree char *list = tornadis_harness_redis_command (redis, "CLIENT LIST", NULL);
  g_auto (GStrv) lines = g_strsplit (list != NULL ? list : "", "\n", -1);
  guint n = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *flags = strstr (lines[i], " flags=");
      const char *end = flags != NULL ? strchr (flags + 1, ' ') : NULL;

      n += end != NULL && memchr (flags, 'B', (gsize) (end - flags)) != NULL;
    }

  return n;
}

static gboolean
has_text (TornadisClient *client,
          const char *key,
          const char *expected)
{
  g_autofree char *text = call_text (client, "GET", key, NULL);

  return g_str_equal (text, expected);
}

/* Whether what listens is there. */
static gboolean
has_listener (TornadisClient *client)
{
  g_autofree char *text = call_text (client, "PUBSUB", "NUMSUB", CHANNEL, NULL);

  return g_str_equal (text, "1) \"" CHANNEL "\"\n2) (integer) 1");
}

static TornadisListModel *
make_live_list (Fixture *fixture)
{
  TornadisListModel *model = tornadis_list_model_new (fixture->client, "list");

  wait_for_live (model);

  return model;
}

/* The client is of somebody who may not read the setting, nor call what @denied (nullable) says. */
static void
become_guest (Fixture *fixture,
              const char *denied)
{
  assert_call (fixture->client, "OK", "ACL", "SETUSER", "guest", "on", ">secret", "~*", "&*", "+@all", "-config", denied, NULL);
  g_object_set (fixture->client, "username", "guest", "password", "secret", NULL);
}

/* It listens, and shows what is read and nothing more. */
static void
assert_is_told_nothing (TornadisListModel *model,
                        TornadisClient *other)
{
  TornadisLiveModel *live = TORNADIS_LIVE_MODEL (model);

  wait_until (tornadis_live_model_get_ready (live));
  wait_until (has_listener (other));
  run (other, "RPUSH list a");
  tornadis_live_model_refresh (live);
  wait_for_rows (model, "a");
  g_assert_false (tornadis_live_model_get_live (live));
}

/* One of each, told by a connection of its own. */
static void
test_models (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) list = tornadis_list_model_new (fixture->client, "list");
  g_autoptr (TornadisSortedSetModel) best = tornadis_sorted_set_model_new (fixture->client, "best", FALSE);
  g_autoptr (TornadisHashModel) hash = tornadis_hash_model_new (fixture->client, "hash");
  g_autoptr (TornadisSetModel) set = tornadis_set_model_new (fixture->client, "set");
  g_autoptr (TornadisKeyModel) keys = tornadis_key_model_new (fixture->client, "*");

  wait_for_live (list);
  wait_for_live (best);
  wait_for_live (hash);
  wait_for_live (set);
  wait_for_live (keys);
  g_assert_cmpuint (count_tracking (fixture->redis), ==, 5);

  run (other, "RPUSH list a b c");
  run (other, "ZADD best 1 one 2 two");
  run (other, "HSET hash a 1 b 2");
  run (other, "SADD set x");
  wait_for_rows (list, "a b c");
  wait_for_rows (best, "one:1 two:2");
  wait_for_rows (hash, "a=1 b=2");
  wait_for_rows (set, "x");
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (keys)) == 4);
  run (other, "LSET list 1 x");
  run (other, "ZINCRBY best 5 one");
  run (other, "HDEL hash a");
  run (other, "SREM set x");
  wait_for_rows (list, "a x c");
  wait_for_rows (best, "two:2 one:6");
  wait_for_rows (hash, "b=2");
  wait_for_rows (set, "");
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (keys)) == 3);
}

/* What is edited here comes back as a change of it, and changes nothing. */
static void
test_edit (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisHashModel) model = tornadis_hash_model_new (fixture->client, "hash");
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (GBytes) a = text_bytes ("a");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  Shadow *shadow = shadow_new (model);

  wait_for_live (model);
  tornadis_hash_model_put_async (model, a, a, NULL, store_result, &result);
  g_assert_true (tornadis_hash_model_put_finish (model, wait_for_result (&result), &error));
  run (other, "HSET hash b 2");
  wait_for_rows (model, "a b=2");
  g_assert_cmpuint (shadow_count (shadow), ==, 2);
  shadow_free (shadow);
}

/* The server tells of all keys that begin so. */
static void
test_longer_key (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) model = make_live_list (fixture);
  guint n_readings;

  run (other, "RPUSH list a");
  wait_for_rows (model, "a");
  n_readings = count_calls (fixture->redis, "llen");
  for (guint i = 0; i < 20; i++)
    run (other, "RPUSH list:longer x");
  run (other, "RPUSH list b");
  wait_for_rows (model, "a b");
  /* One that was begun for what came before, and one for the last. */
  g_assert_cmpuint (count_calls (fixture->redis, "llen"), <=, n_readings + 2);
}

/* Neither of which notifications tell of. */
static void
test_flush (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) list = make_live_list (fixture);
  g_autoptr (TornadisKeyModel) keys = tornadis_key_model_new (fixture->client, "l*");

  wait_for_live (keys);
  run (other, "RPUSH list a");
  wait_for_rows (list, "a");
  wait_for_rows (keys, "list");
  run (other, "FLUSHALL");
  wait_for_rows (list, "");
  wait_for_rows (keys, "");
  run (other, "RPUSH list b");
  wait_for_rows (list, "b");
  wait_for_rows (keys, "list");
  run (other, "FLUSHDB");
  wait_for_rows (list, "");
  wait_for_rows (keys, "");
}

/* The server tells of keys, and not in which database: what is read for nothing changes nothing. */
static void
test_other_database (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) list = make_live_list (fixture);
  guint n_readings;

  run (other, "RPUSH list a");
  wait_for_rows (list, "a");
  n_readings = count_calls (fixture->redis, "llen");
  run (other, "SELECT 1");
  run (other, "RPUSH list b");
  wait_until (count_calls (fixture->redis, "llen") > n_readings);
  run (other, "SELECT 0");
  run (other, "RPUSH list c");
  wait_for_rows (list, "a c");
}

static void
test_expiry (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) list = make_live_list (fixture);
  g_autoptr (TornadisKeyModel) keys = tornadis_key_model_new (fixture->client, "l*");

  wait_for_live (keys);
  run (other, "RPUSH list a");
  wait_for_rows (list, "a");
  wait_for_rows (keys, "list");
  run (other, "PEXPIRE list 1");
  wait_for_rows (list, "");
  wait_for_rows (keys, "");
}

/* The connection is lost, and later the server: what has changed meanwhile is found, and what changes afterwards is told. */
static void
test_gap (Fixture *fixture,
          gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) model = make_live_list (fixture);

  run (other, "RPUSH list a");
  wait_for_rows (model, "a");
  assert_call (other, "(integer) 1", "CLIENT", "KILL", "TYPE", "pubsub", NULL);
  wait_until (!tornadis_live_model_get_live (TORNADIS_LIVE_MODEL (model)));
  run (other, "RPUSH list b");
  wait_for_rows (model, "a b");
  wait_for_live (model);
  run (other, "RPUSH list c");
  wait_for_rows (model, "a b c");

  tornadis_harness_redis_kill (fixture->redis);
  wait_until (!tornadis_live_model_get_live (TORNADIS_LIVE_MODEL (model)));
  assert_done (tornadis_harness_redis_restart, fixture->redis);
  wait_for_rows (model, "");
  wait_for_live (model);
  run (other, "RPUSH list d");
  wait_for_rows (model, "d");
  g_assert_cmpuint (count_tracking (fixture->redis), ==, 1);
}

/* A server that is there later than the model, and one that is another than before. */
static void
test_setting (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) model = NULL;

  run (other, "CONFIG SET notify-keyspace-events KA");
  model = make_live_list (fixture);
  g_assert_cmpuint (count_tracking (fixture->redis), ==, 0);

  /* It has its setting from the beginning again. */
  tornadis_harness_redis_kill (fixture->redis);
  wait_until (!tornadis_live_model_get_live (TORNADIS_LIVE_MODEL (model)));
  assert_done (tornadis_harness_redis_restart, fixture->redis);
  wait_until (count_tracking (fixture->redis) == 1);
  wait_for_live (model);
  run (other, "RPUSH list a");
  wait_for_rows (model, "a");

  tornadis_harness_redis_kill (fixture->redis);
  g_clear_object (&model);
  model = tornadis_list_model_new (fixture->client, "list");
  wait_until (tornadis_live_model_get_error (TORNADIS_LIVE_MODEL (model)) != NULL);
  assert_done (tornadis_harness_redis_restart, fixture->redis);
  wait_for_live (model);
  run (other, "RPUSH list b");
  wait_for_rows (model, "b");
}

/* Some classes are there, and others are not. */
static void
test_partial_setting (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) model = NULL;

  run (other, "CONFIG SET notify-keyspace-events Kl");
  model = make_live_list (fixture);
  run (other, "RPUSH list a");
  wait_for_rows (model, "a");
  run (other, "DEL list");
  wait_for_rows (model, "");
}

/* Who may not read the setting does without. */
static void
test_unknown_setting (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) model = NULL;

  become_guest (fixture, NULL);
  model = make_live_list (fixture);
  run (other, "RPUSH list a");
  wait_for_rows (model, "a");
}

/* Neither may be had: it is told of nothing. If notifications come all the same they are the proof. */
static void
test_refused (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) model = NULL;

  become_guest (fixture, "-client|tracking");
  model = tornadis_list_model_new (fixture->client, "list");
  assert_is_told_nothing (model, other);

  run (other, "CONFIG SET notify-keyspace-events KA");
  run (other, "RPUSH list b");
  wait_for_rows (model, "a b");
  g_assert_true (tornadis_live_model_get_live (TORNADIS_LIVE_MODEL (model)));
  g_assert_cmpuint (count_tracking (fixture->redis), ==, 0);
}

/* A server that speaks RESP2 alone has no form for what it would tell. */
static void
test_resp2 (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) model = NULL;

  g_object_set (fixture->client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  model = tornadis_list_model_new (fixture->client, "list");
  assert_is_told_nothing (model, other);
  g_assert_cmpuint (count_tracking (fixture->redis), ==, 0);
}

/* Any bytes. */
static void
test_bytes (Fixture *fixture,
            gconstpointer data)
{
  static const char name[] = "k\xff\0*[";
  g_autoptr (GBytes) key = g_bytes_new_static (name, sizeof name - 1);
  g_autoptr (TornadisSetModel) model = g_object_new (TORNADIS_TYPE_SET_MODEL, "client", fixture->client, "key-bytes", key, NULL);
  g_autoptr (TornadisCommand) command = tornadis_command_new ("SADD");

  wait_for_live (model);
  tornadis_command_append_bytes (command, key);
  tornadis_command_append_string (command, "a");
  tornadis_client_submit (fixture->client, command, NULL, NULL, NULL);
  wait_for_rows (model, "a");
}

static void
test_keys (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisClient) elsewhere = make_other (fixture);
  g_autoptr (TornadisKeyModel) model = NULL;
  guint n_scans, n_asked;
  Shadow *shadow;

  g_object_set (elsewhere, "db", 1, NULL);
  run (other, "MSET job:one 1 other 2");
  model = tornadis_key_model_new (fixture->client, "job:[a-z]*");
  wait_for_live (model);
  wait_for_rows (model, "job:one");
  shadow = shadow_new (model);
  run (other, "SET job:two 1");
  wait_for_rows (model, "job:one job:two");
  n_scans = count_calls (fixture->redis, "scan");
  n_asked = count_calls (fixture->redis, "exists");
  /* They begin so, and do not match. */
  for (guint i = 0; i < 20; i++)
    run (other, "INCR job:2");
  run (other, "RENAME job:one job:three");
  wait_for_rows (model, "job:two job:three");
  g_assert_cmpuint (count_calls (fixture->redis, "exists"), <, n_asked + 10);
  /* What others say of keys of the same names in another database is asked for, and is not so. */
  run (elsewhere, "SET job:elsewhere 1");
  run (elsewhere, "SET job:three 1");
  run (elsewhere, "DEL job:three");
  run (other, "PEXPIRE job:three 1");
  wait_for_rows (model, "job:two");
  run (other, "MSET job:a 1 job:b 2 job:c 3");
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == 4);
  run (other, "EVAL for|i=1,3000|do|redis.call('SET','job:n'..i,i)|end 0");
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == 3004);
  run (other, "EVAL for|i=2,3000|do|redis.call('DEL','job:n'..i)|end 0");
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == 5);
  /* It has not looked at all of them again, but for what was before the subscription: a look at so many is four scans. */
  g_assert_cmpuint (count_calls (fixture->redis, "scan"), <=, n_scans + 4);
  shadow_free (shadow);
}

static GString *
make_text (GRand *rand)
{
  static const char letters[] = "aabbc-^]*?[\\";
  GString *text = g_string_new (NULL);

  for (gint i = g_rand_int_range (rand, 1, 7); i > 0; i--)
    g_string_append_c (text, letters[g_rand_int_range (rand, 0, sizeof letters - 1)]);

  return text;
}

/* It matches what the server does, and all of that begins as it says. */
static void
test_patterns (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  g_autoptr (GHashTable) keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < 200; i++)
    {
      char *key = g_string_free (make_text (rand), FALSE);

      g_hash_table_add (keys, key);
      assert_call (fixture->client, "OK", "SET", key, "1", NULL);
    }

  for (guint i = 0; i < 500; i++)
    {
      g_autofree char *pattern = g_string_free (make_text (rand), FALSE);
      g_autoptr (GBytes) bytes = text_bytes (pattern);
      g_autoptr (GBytes) prefix = tornadis_key_pattern_dup_prefix (bytes);
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply = call (fixture->client, &error, "KEYS", pattern, NULL);
      gsize n = tornadis_reply_get_n_elements (reply);
      GHashTableIter iter;
      gpointer key;

      g_assert_no_error (error);
      for (gsize j = 0; j < n; j++)
        {
          g_autoptr (GBytes) matching = tornadis_reply_get_bytes (tornadis_reply_get_element (reply, j));
          gsize length;
          const char *text = g_bytes_get_data (matching, &length);

          g_test_message ("%s matches %.*s", pattern, (int) length, text);
          g_assert_true (tornadis_key_pattern_match (bytes, matching));
          g_assert_true (length >= g_bytes_get_size (prefix));
          g_assert_cmpmem (text, g_bytes_get_size (prefix), g_bytes_get_data (prefix, NULL), g_bytes_get_size (prefix));
        }
      g_hash_table_iter_init (&iter, keys);
      while (g_hash_table_iter_next (&iter, &key, NULL))
        {
          g_autoptr (GBytes) candidate = text_bytes (key);

          if (tornadis_key_pattern_match (bytes, candidate))
            n--;
        }
      g_test_message ("%s", pattern);
      g_assert_cmpuint (n, ==, 0);
    }
}

/* More of them at once than it asks for. */
static void
test_many_keys (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisKeyModel) model = tornadis_key_model_new (fixture->client, "k*");

  wait_for_live (model);
  run (other, "SET k 1");
  wait_for_rows (model, "k");
  run (other, "EVAL for|i=1,30000|do|redis.call('SET','k'..i,i)|end 0");
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == 30001);
  run (other, "EVAL for|i=1,30000|do|redis.call('DEL','k'..i)|end 0");
  wait_for_rows (model, "k");
}

/* A key is asked for again when that fails. */
static void
test_keys_refused (Fixture *fixture,
                   gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisKeyModel) model = tornadis_key_model_new (fixture->client, "k*");

  wait_for_live (model);
  run (other, "ACL SETUSER default -exists");
  run (other, "SET k 1");
  wait_until (tornadis_live_model_get_error (TORNADIS_LIVE_MODEL (model)) != NULL);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (model)), ==, 0);
  run (other, "ACL SETUSER default +exists");
  wait_for_rows (model, "k");
  wait_until (tornadis_live_model_get_error (TORNADIS_LIVE_MODEL (model)) == NULL);
}

/* The plugin `cache` keeps what it reads, and is told on its own connection. */
static void
test_cache (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (GError) error = NULL;
  TornadisPlugin *cache = tornadis_client_add_plugin_by_name (fixture->client, "cache", &error);
  g_autoptr (TornadisListModel) model = NULL;
  guint n_connections;
  guint64 hits;

  g_assert_no_error (error);
  model = make_live_list (fixture);
  run (other, "MSET text one list:longer 1");
  g_object_get (cache, "connections", &n_connections, NULL);
  g_assert_cmpuint (n_connections, ==, 1);
  assert_call (fixture->client, "\"one\"", "GET", "text", NULL);
  run (other, "RPUSH list a");
  wait_for_rows (model, "a");
  assert_call (fixture->client, "\"one\"", "GET", "text", NULL);
  assert_call (fixture->client, "\"one\"", "GET", "text", NULL);
  g_object_get (cache, "hits", &hits, NULL);
  g_assert_cmpuint (hits, >=, 1);
  run (other, "SET text two");
  wait_until (has_text (fixture->client, "text", "\"two\""));
}

static void
test_dispose (Fixture *fixture,
              gconstpointer data)
{
  TornadisKeyModel *model;

  assert_finalized (tornadis_key_model_new (fixture->client, "*"));
  model = tornadis_key_model_new (fixture->client, "*");
  wait_for_live (model);
  for (guint i = 0; i < 10; i++)
    {
      run (fixture->client, "SET a 1");
      for (guint j = 0; j < i; j++)
        g_main_context_iteration (NULL, FALSE);
    }
  assert_finalized (model);
}

/* Pushes that are no such message, and then some that are. */
static void
test_bad_pushes (void)
{
  static const char *const pushes[] = {
    ">1\r\n$10\r\ninvalidate\r\n",
    ">3\r\n$10\r\ninvalidate\r\n*0\r\n:1\r\n",
    ">2\r\n:1\r\n*1\r\n$4\r\nlist\r\n",
    ">2\r\n*1\r\n$10\r\ninvalidate\r\n*1\r\n$4\r\nlist\r\n",
    ">2\r\n$10\r\ninvalidate\r\n*4\r\n:1\r\n*1\r\n$4\r\nlist\r\n_\r\n$0\r\n\r\n",
    ">2\r\n$10\r\ninvalidate\r\n*0\r\n",
  };
  g_autofree char *text = g_strjoin ("", ">" SUBSCRIPTION, pushes[0], pushes[1], pushes[2], pushes[3], pushes[4], pushes[5], NULL);
  g_autofree char *escaped = g_strescape (text, NULL);
  g_autofree char *script =
    g_strdup_printf ("answer MULTI \"+OK\\r\\n\"\nanswer LLEN \"+QUEUED\\r\\n\"\nhandshake3\nserve SUBSCRIBE\n"
                     "expect SUBSCRIBE\nsend \"%s\"\nwait\nsend \">2\\r\\n$10\\r\\ninvalidate\\r\\n*1\\r\\n$4\\r\\nlist\\r\\n\"\n"
                     "wait\nsend \">2\\r\\n+invalidate\\r\\n_\\r\\n\"\nserve\n",
                     escaped);
  g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisListModel) model = NULL;

  tornadis_harness_peer_set_answers (peer, "CONFIG", (const char *[]){ NO_SETTING, NULL });
  tornadis_harness_peer_set_answers (peer, "EXEC", (const char *[]){ "*1\r\n:0\r\n", NULL });
  model = tornadis_list_model_new (client, "list");
  wait_for_live (model);
  tornadis_harness_peer_set_answers (peer, "EXEC", (const char *[]){ "*1\r\n:1\r\n", NULL });
  tornadis_harness_peer_go (peer);
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == 1);
  tornadis_harness_peer_set_answers (peer, "EXEC", (const char *[]){ "*1\r\n:2\r\n", NULL });
  tornadis_harness_peer_go (peer);
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == 2);
  g_assert_true (tornadis_live_model_get_live (TORNADIS_LIVE_MODEL (model)));
}

/* A server that knows nothing of it, or agrees in a protocol that has no form for it. */
static void
test_old_server (gconstpointer data)
{
  gboolean is_resp2 = data != NULL;
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("answer MULTI \"+OK\\r\\n\"\nanswer LLEN \"+QUEUED\\r\\n\"\nserve\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisListModel) model = NULL;
  TornadisLiveModel *live;

  tornadis_harness_peer_set_answers (peer, "HELLO",
                                     (const char *[]){ is_resp2 ? "-ERR unknown command 'HELLO'\r\n" : HELLO, NULL });
  tornadis_harness_peer_set_answers (peer, "CLIENT", (const char *[]){ is_resp2 ? "+OK\r\n" : "-ERR Unknown subcommand\r\n", NULL });
  tornadis_harness_peer_set_answers (peer, "CONFIG", (const char *[]){ "-ERR unknown command\r\n", NULL });
  tornadis_harness_peer_set_answers (peer, "EXEC", (const char *[]){ "*1\r\n:0\r\n", NULL });
  tornadis_harness_peer_set_answers (peer, "SUBSCRIBE", (const char *[]){ is_resp2 ? "*" SUBSCRIPTION : ">" SUBSCRIPTION, NULL });
  model = tornadis_list_model_new (client, "list");
  live = TORNADIS_LIVE_MODEL (model);
  wait_until (tornadis_live_model_get_ready (live) && count_received (peer, "SUBSCRIBE") == 1);
  /* A reading for what was before the subscription. */
  wait_until (count_received (peer, "EXEC") > 1);
  g_assert_false (tornadis_live_model_get_live (live));
  g_assert_null (tornadis_live_model_get_error (live));
}

#define ADD(name, func) g_test_add ("/model-tracking/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("models", test_models);
  ADD ("edit", test_edit);
  ADD ("longer-key", test_longer_key);
  ADD ("flush", test_flush);
  ADD ("other-database", test_other_database);
  ADD ("expiry", test_expiry);
  ADD ("gap", test_gap);
  ADD ("setting", test_setting);
  ADD ("partial-setting", test_partial_setting);
  ADD ("unknown-setting", test_unknown_setting);
  ADD ("refused", test_refused);
  ADD ("resp2", test_resp2);
  ADD ("bytes", test_bytes);
  ADD ("keys", test_keys);
  ADD ("many-keys", test_many_keys);
  ADD ("patterns", test_patterns);
  ADD ("keys-refused", test_keys_refused);
  ADD ("cache", test_cache);
  ADD ("dispose", test_dispose);
  g_test_add_func ("/model-tracking/bad-pushes", test_bad_pushes);
  g_test_add_data_func ("/model-tracking/old-server", NULL, test_old_server);
  g_test_add_data_func ("/model-tracking/old-server/resp2", "", test_old_server);

  return g_test_run ();
}
