/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdlib.h>
#include <string.h>

#include "plugins/cache-util.h"

/* A client with the plugin, and one without that writes behind its back. */
typedef struct
{
  Fixture base;
  TornadisClient *other;
  TornadisPlugin *plugin; /* (unowned) */
} CacheFixture;

static void
set_up (CacheFixture *fixture,
        gconstpointer data)
{
  fixture_set_up (&fixture->base, NULL);
  g_object_set (fixture->base.client, "protocol", GPOINTER_TO_INT (data), NULL);
  fixture->other = cache_make_client (fixture->base.redis, TORNADIS_PROTOCOL_AUTO);
  fixture->plugin = cache_add (fixture->base.client);
  cache_connect (fixture->base.client, fixture->plugin, 1);
}

static void
tear_down (CacheFixture *fixture,
           gconstpointer data)
{
  if (fixture->plugin != NULL)
    cache_remove (fixture->base.client, fixture->plugin);
  tornadis_client_close (fixture->other);
  assert_finalized (fixture->other);
  fixture_tear_down (&fixture->base, NULL);
}

/* Another writes, and the word of it comes. */
static void
write_behind (CacheFixture *fixture,
              const char *key,
              const char *value)
{
  guint64 before = cache_get (fixture->plugin, "invalidations");

  assert_call (fixture->other, "OK", "SET", key, value, NULL);
  cache_wait_for (fixture->plugin, "invalidations", before + 1);
}

static void
test_basic (CacheFixture *fixture,
            gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;

  assert_call (fixture->other, "OK", "SET", "k", "1", NULL);
  assert_counted (plugin, "misses", TRUE, assert_call (client, "\"1\"", "GET", "k", NULL));
  for (guint i = 0; i < 10; i++)
    assert_hit (plugin, assert_call (client, "\"1\"", "get", "k", NULL));
  g_assert_cmpuint (cache_get (plugin, "entries"), ==, 1);
  g_assert_cmpuint (cache_get (plugin, "bytes"), >, 0);

  write_behind (fixture, "k", "2");
  g_assert_cmpuint (cache_get (plugin, "entries"), ==, 0);
  assert_no_hit (plugin, assert_call (client, "\"2\"", "GET", "k", NULL));
  assert_hit (plugin, assert_call (client, "\"2\"", "GET", "k", NULL));

  /* One that is not there is known not to be. */
  assert_no_hit (plugin, assert_call (client, "(nil)", "GET", "none", NULL));
  assert_hit (plugin, assert_call (client, "(nil)", "GET", "none", NULL));
  write_behind (fixture, "none", "3");
  assert_no_hit (plugin, assert_call (client, "\"3\"", "GET", "none", NULL));

  g_signal_emit_by_name (plugin, "clear");
  g_assert_cmpuint (cache_get (plugin, "entries"), ==, 0);
  assert_no_hit (plugin, assert_call (client, "\"3\"", "GET", "none", NULL));
}

static void
test_kinds (CacheFixture *fixture,
            gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;
  g_autoptr (GError) error = NULL;

  assert_call (fixture->other, "(integer) 1", "HSET", "h", "f", "v", NULL);
  assert_call (fixture->other, "(integer) 2", "RPUSH", "l", "a", "b", NULL);
  assert_call (fixture->other, "OK", "MSET", "a", "1", "b", "2", NULL);

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *all = call_text (client, "HGETALL", "h", NULL);

      g_assert_nonnull (strstr (all, "\"v\""));
      assert_call (client, "1) \"a\"\n2) \"b\"", "LRANGE", "l", "0", "-1", NULL);
      assert_call (client, "1) \"1\"\n2) \"2\"", "MGET", "a", "b", NULL);
      assert_call (client, "\"v\"", "HGET", "h", "f", NULL);
    }
  g_assert_cmpuint (cache_get (plugin, "hits"), ==, 4);
  g_assert_cmpuint (cache_get (plugin, "misses"), ==, 4);

  /* Each of its keys. */
  write_behind (fixture, "b", "3");
  assert_call (client, "1) \"1\"\n2) \"3\"", "MGET", "a", "b", NULL);
  write_behind (fixture, "a", "4");
  assert_call (client, "1) \"4\"\n2) \"3\"", "MGET", "a", "b", NULL);

  /* An error is the server's, each time. */
  for (guint i = 0; i < 2; i++)
    {
      g_assert_null (call (client, &error, "GET", "h", NULL));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
      g_clear_error (&error);
    }

  /* What is another each time, has no key, writes, or is unknown, goes to the server. */
  assert_no_hit (plugin, assert_call (client, "(integer) -1", "TTL", "a", NULL));
  assert_no_hit (plugin, assert_call (client, "(integer) -1", "TTL", "a", NULL));
  assert_no_hit (plugin, assert_call (client, "PONG", "PING", NULL));
  assert_no_hit (plugin, assert_call (client, "(integer) 5", "INCR", "a", NULL));
  assert_no_hit (plugin, assert_call (client, "(integer) 6", "INCR", "a", NULL));
  g_assert_null (call (client, NULL, "NOSUCH", "a", NULL));

  /* What may write is not tracked, and is not kept where it is asked for either. */
  g_object_set (plugin, "commands", (const char *[]){ "GETEX", "BITFIELD", NULL }, NULL);
  for (guint i = 0; i < 2; i++)
    {
      assert_no_hit (plugin, assert_call (client, "\"6\"", "GETEX", "a", NULL));
      assert_no_hit (plugin, assert_call (client, "1) (integer) 54", "BITFIELD", "a", "GET", "u8", "0", NULL));
    }
}

static void
test_own_writes (CacheFixture *fixture,
                 gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GAsyncResult) read = NULL;
  g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]){ "SET", "k", "2", NULL });
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", "k", NULL });

  assert_call (client, "OK", "SET", "k", "1", NULL);
  assert_call (client, "\"1\"", "GET", "k", NULL);
  assert_call (client, "OK", "MSET", "k", "1b", "other", "x", NULL);
  assert_call (client, "\"1b\"", "GET", "k", NULL);
  assert_hit (plugin, assert_call (client, "\"1b\"", "GET", "k", NULL));

  /* A read behind a write that is under way sees it. */
  tornadis_client_submit (client, set, NULL, NULL, NULL);
  tornadis_client_call_async (client, get, NULL, store_result, &read);
  {
    g_autoptr (TornadisReply) reply = tornadis_client_call_finish (client, wait_for_result (&read), NULL);

    g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "2");
  }
  assert_call (client, "\"2\"", "GET", "k", NULL);
  assert_hit (plugin, assert_call (client, "\"2\"", "GET", "k", NULL));

  /* Within a pipeline, and those of scripts as they are declared. */
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", "k", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "SET", "k", "3", NULL });
  assert_no_hit (plugin, tornadis_reply_unref (call_pipeline (client, pipeline, NULL, NULL)));
  assert_no_hit (plugin, assert_call (client, "\"3\"", "GET", "k", NULL));
  assert_call (client, "OK", "EVAL", "return redis.call('SET', KEYS[1], ARGV[1])", "1", "k", "4", NULL);
  assert_no_hit (plugin, assert_call (client, "\"4\"", "GET", "k", NULL));

  /* All at once. */
  assert_hit (plugin, assert_call (client, "\"4\"", "GET", "k", NULL));
  assert_call (client, "OK", "FLUSHALL", NULL);
  assert_no_hit (plugin, assert_call (client, "(nil)", "GET", "k", NULL));

  /* What only reads drops nothing. */
  assert_call (client, "(nil)", "GET", "k", NULL);
  assert_call (client, "(integer) 0", "PUBLISH", "channel", "x", NULL);
  assert_call (client, "(integer) -2", "TTL", "k", NULL);
  assert_hit (plugin, assert_call (client, "(nil)", "GET", "k", NULL));
}

static void
set_commands (CacheFixture *fixture,
              const char *commands)
{
  g_auto (GStrv) names = g_strsplit (commands, " ", -1);

  g_object_set (fixture->plugin, "commands", names, NULL);
}

/* What is sorted by patterns is of keys that no server tells of. */
static void
test_sort (CacheFixture *fixture,
           gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;

  set_commands (fixture, "GET SORT_RO");
  assert_call (fixture->other, "(integer) 2", "RPUSH", "l", "1", "2", NULL);
  assert_call (fixture->other, "OK", "MSET", "w_1", "1", "w_2", "2", "d_1", "a", "d_2", "b", NULL);

  assert_no_hit (plugin, assert_call (client, "1) \"1\"\n2) \"2\"", "SORT_RO", "l", NULL));
  assert_hit (plugin, assert_call (client, "1) \"1\"\n2) \"2\"", "SORT_RO", "l", NULL));
  /* None of these words is a pattern. */
  assert_no_hit (plugin, assert_call (client, "1) \"1\"", "SORT_RO", "l", "limit", "0", "1", "GET", "#", "BY", "nosort", NULL));
  assert_hit (plugin, assert_call (client, "1) \"1\"", "SORT_RO", "l", "limit", "0", "1", "GET", "#", "BY", "nosort", NULL));

  for (guint i = 0; i < 2; i++)
    {
      assert_no_hit (plugin, assert_call (client, "1) \"1\"\n2) \"2\"", "SORT_RO", "l", "BY", "w_*", NULL));
      assert_no_hit (plugin, assert_call (client, "1) \"a\"\n2) \"b\"", "SORT_RO", "l", "LIMIT", "0", "9", "get", "d_*", NULL));
    }
  assert_call (fixture->other, "OK", "MSET", "w_1", "3", "d_1", "c", NULL);
  assert_call (client, "1) \"2\"\n2) \"1\"", "SORT_RO", "l", "BY", "w_*", NULL);
  assert_call (client, "1) \"c\"\n2) \"b\"", "SORT_RO", "l", "LIMIT", "0", "9", "get", "d_*", NULL);
}

/* Redis 7.0 tells of the keys that a script names, later servers of those that it has read. */
static gboolean
tells_of_read_keys (CacheFixture *fixture)
{
  return get_server_version (fixture->base.redis, NULL) >= 702;
}

static void
test_scripts (CacheFixture *fixture,
              gconstpointer data)
{
  /* Reads the first that it names, or another; always names two. */
  static const char named[] = "return redis.call('GET', KEYS[1])";
  static const char other[] = "return redis.call('GET', ARGV[1])";
  static const char library[] = "#!lua name=test\n"
                                "redis.register_function{function_name='read', flags={'no-writes'},"
                                " callback=function(keys, args) return redis.call('GET', keys[1]) end}";
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;
  g_autofree char *sha = call_text (fixture->other, "SCRIPT", "LOAD", named, NULL);
  const char *const calls[][2] = { { "EVAL_RO", named }, { "EVALSHA_RO", sha }, { "FCALL_RO", "read" } };

  /* As redis-cli prints it. */
  sha[strlen (sha) - 1] = '\0';
  memmove (sha, sha + 1, strlen (sha));
  assert_call (fixture->other, "\"test\"", "FUNCTION", "LOAD", library, NULL);
  set_commands (fixture, "GET EVAL_RO EVALSHA_RO FCALL_RO");

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      const char *name = calls[i][0], *script = calls[i][1];
      guint64 before = cache_get (plugin, "invalidations");
      guint n_tracked = i == 0 ? 0 : tells_of_read_keys (fixture) ? 1 : 2;

      assert_call (fixture->other, "OK", "MSET", "k", "1", "unread", "1", NULL);
      /* A reply that an invalidation overtakes is not kept. */
      cache_wait_for (plugin, "invalidations", before + n_tracked);
      assert_no_hit (plugin, assert_call (client, "\"1\"", name, script, "2", "k", "unread", NULL));
      assert_hit (plugin, assert_call (client, "\"1\"", name, script, "2", "k", "unread", NULL));
      write_behind (fixture, "k", "2");
      assert_no_hit (plugin, assert_call (client, "\"2\"", name, script, "2", "k", "unread", NULL));
      assert_hit (plugin, assert_call (client, "\"2\"", name, script, "2", "k", "unread", NULL));

      /* What the program writes by itself. */
      assert_call (client, "OK", "SET", "k", "3", NULL);
      assert_no_hit (plugin, assert_call (client, "\"3\"", name, script, "2", "k", "unread", NULL));
    }

  /* One that reads what it does not name. */
  assert_call (fixture->other, "OK", "SET", "secret", "1", NULL);
  assert_no_hit (plugin, assert_call (client, "\"1\"", "EVAL_RO", other, "1", "k", "secret", NULL));
  assert_hit (plugin, assert_call (client, "\"1\"", "EVAL_RO", other, "1", "k", "secret", NULL));
  assert_call (client, "OK", "SET", "secret", "2", NULL);
  assert_no_hit (plugin, assert_call (client, "\"2\"", "EVAL_RO", other, "1", "k", "secret", NULL));
  if (tells_of_read_keys (fixture))
    {
      write_behind (fixture, "secret", "3");
      assert_no_hit (plugin, assert_call (client, "\"3\"", "EVAL_RO", other, "1", "k", "secret", NULL));
    }
  else
    {
      /* What it names it has not read, and yet it is told of. */
      write_behind (fixture, "k", "4");
      assert_no_hit (plugin, assert_call (client, "\"2\"", "EVAL_RO", other, "1", "k", "secret", NULL));
    }

  /* Other replies stay with their own keys. */
  assert_call (client, "\"1\"", "GET", "unread", NULL);
  write_behind (fixture, "k", "5");
  assert_hit (plugin, assert_call (client, "\"1\"", "GET", "unread", NULL));
}

static void
test_transactions (CacheFixture *fixture,
                   gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;

  assert_call (client, "OK", "SET", "k", "1", NULL);
  assert_call (client, "\"1\"", "GET", "k", NULL);
  assert_hit (plugin, assert_call (client, "\"1\"", "GET", "k", NULL));

  assert_call (client, "OK", "WATCH", "k", NULL);
  assert_no_hit (plugin, assert_call (client, "\"1\"", "GET", "k", NULL));
  assert_call (client, "OK", "UNWATCH", NULL);
  assert_call (client, "\"1\"", "GET", "k", NULL);
  assert_hit (plugin, assert_call (client, "\"1\"", "GET", "k", NULL));

  g_object_set (plugin, "ping-interval-msec", 5, NULL);
  assert_call (client, "OK", "MULTI", NULL);
  assert_no_hit (plugin, assert_call (client, "QUEUED", "GET", "k", NULL));
  assert_call (client, "QUEUED", "SET", "k", "2", NULL);
  assert_call (client, "QUEUED", "UNWATCH", NULL);
  /* The plugin's own PINGs would be queued too. */
  spin_for (50);
  g_object_set (plugin, "ping-interval-msec", 0, NULL);
  assert_no_hit (plugin, assert_call (client, "1) \"1\"\n2) OK\n3) OK", "EXEC", NULL));
  cache_wait_for (plugin, "connections", 1);
  assert_no_hit (plugin, assert_call (client, "\"2\"", "GET", "k", NULL));
  assert_hit (plugin, assert_call (client, "\"2\"", "GET", "k", NULL));

  assert_call (client, "OK", "MULTI", NULL);
  assert_call (client, "QUEUED", "SET", "k", "3", NULL);
  assert_call (client, "OK", "DISCARD", NULL);
  assert_call (client, "\"2\"", "GET", "k", NULL);
  assert_hit (plugin, assert_call (client, "\"2\"", "GET", "k", NULL));
}

static void
kill_others (TornadisClient *client)
{
  tornadis_reply_unref (call (client, NULL, "CLIENT", "KILL", "TYPE", "normal", NULL));
  tornadis_reply_unref (call (client, NULL, "CLIENT", "KILL", "TYPE", "pubsub", NULL));
}

static void
test_flushes (CacheFixture *fixture,
              gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;
  guint64 before;

  assert_call (fixture->other, "OK", "SET", "k", "1", NULL);
  assert_call (client, "\"1\"", "GET", "k", NULL);
  before = cache_get (plugin, "invalidations");
  assert_call (fixture->other, "OK", "FLUSHALL", NULL);
  cache_wait_for (plugin, "invalidations", before + 1);
  assert_no_hit (plugin, assert_call (client, "(nil)", "GET", "k", NULL));

  /* Of which the server tells nobody. */
  assert_no_hit (plugin, assert_call (client, "OK", "SWAPDB", "0", "1", NULL));
  g_assert_cmpuint (cache_get (plugin, "entries"), ==, 0);

  /* A lost connection, of which the client hears before anything else. */
  assert_no_hit (plugin, assert_call (client, "(nil)", "GET", "k", NULL));
  kill_others (fixture->other);
  wait_until (cache_get (plugin, "entries") == 0);
  cache_connect (client, plugin, 1);
  assert_no_hit (plugin, assert_call (client, "(nil)", "GET", "k", NULL));
  assert_hit (plugin, assert_call (client, "(nil)", "GET", "k", NULL));
  write_behind (fixture, "k", "2");
  assert_no_hit (plugin, assert_call (client, "\"2\"", "GET", "k", NULL));

  tornadis_client_close (client);
  g_assert_cmpuint (cache_get (plugin, "entries"), ==, 0);
  g_assert_cmpuint (cache_get (plugin, "connections"), ==, 0);
}

/* The server remembers so many keys, and tells of one that it forgets as if it had changed. */
static void
test_full_table (CacheFixture *fixture,
                 gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;

  assert_call (fixture->other, "OK", "CONFIG", "SET", "tracking-table-max-keys", "1", NULL);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);

      assert_call (client, "(nil)", "GET", key, NULL);
    }
  wait_until (cache_get (plugin, "entries") == 1);
}

/* Databases and users do not mix. */
static void
test_spaces (CacheFixture *fixture,
             gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;
  TornadisClient *second = cache_make_client (fixture->base.redis, GPOINTER_TO_INT (data));
  g_autoptr (GError) error = NULL;

  g_object_set (second, "db", 1, NULL);
  assert_call (second, "OK", "SET", "k", "one", NULL);
  assert_call (client, "OK", "SET", "k", "zero", NULL);
  g_assert_true (tornadis_client_add_plugin (second, plugin, &error));
  cache_connect (second, plugin, 2);

  for (guint i = 0; i < 2; i++)
    {
      assert_call (client, "\"zero\"", "GET", "k", NULL);
      assert_call (second, "\"one\"", "GET", "k", NULL);
    }
  g_assert_cmpuint (cache_get (plugin, "entries"), ==, 2);

  /* A SELECT, that is followed at once by a read. */
  assert_call (client, "\"zero\"", "GET", "k", NULL);
  {
    g_autoptr (TornadisCommand) select = tornadis_command_new_strv ((const char *[]){ "SELECT", "1", NULL });

    tornadis_client_submit (client, select, NULL, NULL, NULL);
    assert_no_hit (plugin, assert_call (client, "\"one\"", "GET", "k", NULL));
  }
  assert_call (client, "\"one\"", "GET", "k", NULL);
  spin_for (20);
  assert_hit (plugin, assert_call (client, "\"one\"", "GET", "k", NULL));
  assert_hit (plugin, assert_call (second, "\"one\"", "GET", "k", NULL));

  /* The property is of the next connection. */
  g_object_set (client, "db", 0, NULL);
  assert_no_hit (plugin, assert_call (client, "\"one\"", "GET", "k", NULL));
  tornadis_client_close (client);
  cache_connect (client, plugin, 2);
  assert_call (client, "\"zero\"", "GET", "k", NULL);
  assert_hit (plugin, assert_call (client, "\"zero\"", "GET", "k", NULL));

  assert_call (fixture->other, "OK", "ACL", "SETUSER", "bob", "on", ">secret", "+@all", "&*", "~public:*", NULL);
  assert_call (client, "OK", "AUTH", "bob", "secret", NULL);
  g_assert_null (call (client, &error, "GET", "k", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);

  g_assert_true (tornadis_client_remove_plugin (second, plugin));
  tornadis_client_close (second);
  assert_finalized (second);
}

/* What SELECT, AUTH and transactions make of a connection, in any order and without waiting. Each database has another value
 * for the one key, which each read has to get of the database that was chosen before it. */

#define N_DATABASES 3

typedef struct
{
  TornadisClient *client;
  int db;       /* as all that was called makes it */
  guint n_left; /* calls without an outcome */
} Wanderer;

typedef struct
{
  Wanderer *wanderer;
  int db;           /* of the read that is the last command, or -1: it is none */
  const char *text; /* what it is to be in its place (nullable) */
} Step;

static void wanderer_call (Wanderer *self,
                           char how,
                           const char *text,
                           const char *lines);

static void
stepped_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  g_autofree Step *step = user_data;
  g_autofree char *expected = g_strdup_printf ("%d", step->db);

  g_assert_no_error (error);
  step->wanderer->n_left--;
  while (tornadis_reply_get_n_elements (reply) > 0)
    reply = tornadis_reply_get_element (reply, tornadis_reply_get_n_elements (reply) - 1);
  if (step->text != NULL || step->db >= 0)
    g_assert_cmpstr (tornadis_reply_get_text (reply), ==, step->text != NULL ? step->text : expected);

  /* At once, ahead of what the client notifies; not within MULTI. */
  if (!tornadis_client_is_in_transaction (client) && g_test_rand_bit ())
    wanderer_call (step->wanderer, '.', NULL, "GET k");
}

/* Calls @lines, the commands of a pipeline, or of one that is atomic, if @how says so. */
static void
wanderer_call (Wanderer *self,
               char how,
               const char *text,
               const char *lines)
{
  g_auto (GStrv) commands = g_strsplit (lines, "|", -1);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  Step *step = g_new (Step, 1);

  *step = (Step){ self, -1, text };
  for (guint i = 0; commands[i] != NULL; i++)
    {
      g_auto (GStrv) argv = g_strsplit (commands[i], " ", -1);

      tornadis_pipeline_stack_strv (pipeline, (const char *const *) argv);
      if (g_str_equal (argv[0], "SELECT"))
        self->db = atoi (argv[1]);
      /* EXEC has the reply of what stands before it. */
      if (!g_str_equal (argv[0], "EXEC") || i == 0)
        step->db = g_str_equal (argv[0], "GET") || g_str_equal (argv[0], "EXEC") ? self->db : -1;
    }

  self->n_left++;
  tornadis_pipeline_set_atomic (pipeline, how == '!');
  if (how == '.')
    tornadis_client_submit (self->client, tornadis_pipeline_get_command (pipeline, 0), stepped_cb, step, NULL);
  else
    tornadis_client_submit_pipeline (self->client, pipeline, stepped_cb, step, NULL);
}

static void
wanderer_step (Wanderer *self)
{
  g_autofree char *select = g_strdup_printf ("SELECT %d", g_test_rand_int_range (0, N_DATABASES));
  g_autofree char *select_and_get = g_strconcat (select, "|GET k", NULL);
  g_autofree char *all = g_strconcat ("MULTI|", select, "|GET k|EXEC", NULL);

  switch (g_test_rand_int_range (0, 60))
    {
    case 0:
      wanderer_call (self, '.', "OK", select);
      break;
    case 1:
      wanderer_call (self, '|', NULL, select_and_get);
      break;
    case 2:
      wanderer_call (self, '!', NULL, select_and_get);
      break;
    case 3:
      wanderer_call (self, '|', NULL, all);
      break;
    case 4:
      wanderer_call (self, '.', "OK", "MULTI");
      wanderer_call (self, '.', "QUEUED", select);
      wanderer_call (self, '.', "QUEUED", "GET k");
      wanderer_call (self, '.', NULL, "EXEC");
      break;
    case 5:
      wanderer_call (self, '.', "OK", "WATCH k");
      wanderer_call (self, '.', NULL, "GET k");
      wanderer_call (self, g_test_rand_bit () ? '!' : '.', NULL, "GET k");
      wanderer_call (self, '.', "OK", "UNWATCH");
      break;
    case 6:
      wanderer_call (self, '.', "OK", g_test_rand_bit () ? "AUTH bob secret" : "AUTH default x");
      break;
    case 7:
      for (guint i = g_test_rand_int_range (0, 3); i > 0; i--)
        g_main_context_iteration (NULL, FALSE);
      break;
    case 8:
      while (self->n_left > 0)
        g_main_context_iteration (NULL, TRUE);
      break;
    default:
      wanderer_call (self, '.', NULL, "GET k");
      break;
    }
}

static void
test_wander (CacheFixture *fixture,
             gconstpointer data)
{
  Wanderer wanderers[2] = { { fixture->base.client }, { cache_make_client (fixture->base.redis, GPOINTER_TO_INT (data)) } };
  g_autoptr (TornadisPlugin) limit = tornadis_client_add_plugin_by_name (wanderers[0].client, "limit", NULL);
  guint64 hits = cache_get (fixture->plugin, "hits");

  g_object_ref (limit);
  g_object_set (limit, "max-in-flight", 3, NULL);
  assert_call (fixture->other, "OK", "ACL", "SETUSER", "bob", "on", ">secret", "+@all", "&*", "~*", NULL);
  for (int db = N_DATABASES - 1; db >= 0; db--)
    {
      g_autofree char *text = g_strdup_printf ("%d", db);

      assert_call (fixture->other, "OK", "SELECT", text, NULL);
      assert_call (fixture->other, "OK", "SET", "k", text, NULL);
    }
  g_assert_true (tornadis_client_add_plugin (wanderers[1].client, fixture->plugin, NULL));
  cache_connect (wanderers[1].client, fixture->plugin, 2);

  for (guint i = 0; i < 4000; i++)
    wanderer_step (&wanderers[i % 2]);
  wait_until (wanderers[0].n_left == 0 && wanderers[1].n_left == 0);
  g_test_message ("%" G_GUINT64_FORMAT " hits", cache_get (fixture->plugin, "hits") - hits);
  g_assert_cmpuint (cache_get (fixture->plugin, "hits") - hits, >, 10);

  g_assert_true (tornadis_client_remove_plugin (wanderers[0].client, limit));
  g_assert_true (tornadis_client_remove_plugin (wanderers[1].client, fixture->plugin));
  tornadis_client_close (wanderers[1].client);
  assert_finalized (wanderers[1].client);
}

static void
assert_refused (TornadisClient *client,
                const char *key)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *prefix = NULL;

  g_assert_null (call (client, &error, "GET", key, NULL));
  prefix = tornadis_error_dup_prefix (error);
  g_assert_cmpstr (prefix, ==, "NOPERM");
}

static void
read_at_once_cb (TornadisClient *client,
                 TornadisReply *reply,
                 GError *error,
                 gpointer user_data)
{
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", "k", NULL });

  g_assert_no_error (error);
  tornadis_client_call_async (client, get, NULL, store_result, user_data);
}

/* One user's replies are nobody else's, not for the time of one main-context iteration. */
static void
test_users (CacheFixture *fixture,
            gconstpointer data)
{
  /* One of them is no text. */
  static const char *const names[] = { "b\xf6h", "bob" };
  TornadisClient *client = fixture->base.client;

  assert_call (client, "OK", "SET", "k", "v", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (TornadisCommand) auth = tornadis_command_new_strv ((const char *[]){ "AUTH", names[i], "secret", NULL });
      g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", "k", NULL });
      g_autoptr (GAsyncResult) behind = NULL;
      g_autoptr (GAsyncResult) at_once = NULL;

      assert_call (fixture->other, "OK", "ACL", "SETUSER", names[i], "on", ">secret", "+@all", "&*", "~public:*", NULL);
      assert_call (client, "\"v\"", "GET", "k", NULL);
      assert_hit (fixture->plugin, assert_call (client, "\"v\"", "GET", "k", NULL));

      tornadis_client_submit (client, auth, read_at_once_cb, &at_once, NULL);
      tornadis_client_call_async (client, get, NULL, store_result, &behind);
      g_assert_null (tornadis_client_call_finish (client, wait_for_result (&behind), NULL));
      g_assert_null (tornadis_client_call_finish (client, wait_for_result (&at_once), NULL));
      assert_refused (client, "k");
      spin_for (5);
      assert_refused (client, "k");
      assert_call (client, "(nil)", "GET", "public:k", NULL);
      assert_hit (fixture->plugin, assert_call (client, "(nil)", "GET", "public:k", NULL));

      assert_call (client, "OK", "AUTH", "default", "x", NULL);
    }
}

/* Wherever SELECT stands, and whether or not anybody waits for its reply. */
static void
test_databases (CacheFixture *fixture,
                gconstpointer data)
{
  static const char *const ways[] = { "SELECT 1", "PING|SELECT 1", "!PING|SELECT 1", "MULTI|SELECT 1|EXEC", "MULTI|PING|DISCARD|SELECT 1" };
  Wanderer wanderer = { fixture->base.client, 0, 0 };
  TornadisClient *client = fixture->base.client;
  g_autoptr (TornadisCommand) select = tornadis_command_new_strv ((const char *[]){ "SELECT", "1", NULL });
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) selected = NULL;

  assert_call (fixture->other, "OK", "SET", "k", "0", NULL);
  assert_call (fixture->other, "OK", "SELECT", "1", NULL);
  assert_call (fixture->other, "OK", "SET", "k", "1", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      gboolean is_atomic = ways[i][0] == '!';

      assert_call (client, "OK", "SELECT", "0", NULL);
      spin_for (5);
      assert_call (client, "\"0\"", "GET", "k", NULL);
      assert_hit (fixture->plugin, assert_call (client, "\"0\"", "GET", "k", NULL));
      wanderer_call (&wanderer, is_atomic ? '!' : '|', NULL, ways[i] + is_atomic);
      wait_until (wanderer.n_left == 0);
      assert_call (client, "\"1\"", "GET", "k", NULL);
      spin_for (5);
      assert_call (client, "\"1\"", "GET", "k", NULL);
      assert_hit (fixture->plugin, assert_call (client, "\"1\"", "GET", "k", NULL));
    }

  /* One that was given up when the server had it already. */
  assert_call (client, "OK", "SELECT", "0", NULL);
  spin_for (5);
  assert_call (client, "\"0\"", "GET", "k", NULL);
  tornadis_harness_redis_pause (fixture->base.redis);
  tornadis_client_call_async (client, select, cancellable, store_result, &selected);
  spin_for (5);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_call_finish (client, wait_for_result (&selected), NULL));
  wanderer.db = 1;
  wanderer_call (&wanderer, '.', NULL, "GET k");
  tornadis_harness_redis_resume (fixture->base.redis);
  wait_until (wanderer.n_left == 0);
  spin_for (5);
  assert_call (client, "\"1\"", "GET", "k", NULL);
  assert_hit (fixture->plugin, assert_call (client, "\"1\"", "GET", "k", NULL));

  /* Set for the next connection, and back. */
  g_object_set (client, "db", 0, NULL);
  assert_no_hit (fixture->plugin, assert_call (client, "\"1\"", "GET", "k", NULL));
  g_object_set (client, "db", 1, NULL);
  assert_call (client, "\"1\"", "GET", "k", NULL);
  assert_hit (fixture->plugin, assert_call (client, "\"1\"", "GET", "k", NULL));
}

/* What nobody waited for is written by EXEC all the same. */
static void
test_queued_and_given_up (CacheFixture *fixture,
                          gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  g_autoptr (TornadisClient) second = cache_make_client (fixture->base.redis, GPOINTER_TO_INT (data));
  g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]){ "SET", "k", "new", NULL });
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;

  g_assert_true (tornadis_client_add_plugin (second, fixture->plugin, NULL));
  cache_connect (second, fixture->plugin, 2);
  assert_call (client, "OK", "SET", "k", "old", NULL);
  assert_call (client, "OK", "MULTI", NULL);
  tornadis_harness_redis_pause (fixture->base.redis);
  tornadis_client_call_async (client, set, cancellable, store_result, &result);
  spin_for (5);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_call_finish (client, wait_for_result (&result), NULL));
  tornadis_harness_redis_resume (fixture->base.redis);

  /* It may be written at any time from here on. */
  assert_call (second, "\"old\"", "GET", "k", NULL);
  assert_no_hit (fixture->plugin, assert_call (second, "\"old\"", "GET", "k", NULL));
  assert_call (client, "1) OK", "EXEC", NULL);
  assert_call (second, "\"new\"", "GET", "k", NULL);
  assert_hit (fixture->plugin, assert_call (second, "\"new\"", "GET", "k", NULL));
  g_assert_true (tornadis_client_remove_plugin (second, fixture->plugin));
  tornadis_client_close (second);
}

static void
test_limits (CacheFixture *fixture,
             gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;
  g_autofree char *large = g_strnfill (5000, 'x');

  g_object_set (plugin, "max-bytes", (guint64) 10000, NULL);
  assert_call (client, "OK", "SET", "large", large, NULL);
  tornadis_reply_unref (call (client, NULL, "GET", "large", NULL));
  assert_no_hit (plugin, tornadis_reply_unref (call (client, NULL, "GET", "large", NULL)));

  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *key = g_strdup_printf ("k%u", i);

      assert_call (client, "(nil)", "GET", key, NULL);
      g_assert_cmpuint (cache_get (plugin, "bytes"), <=, 10000);
    }
  g_assert_cmpuint (cache_get (plugin, "evictions"), >, 0);
  g_assert_cmpuint (cache_get (plugin, "evictions") + cache_get (plugin, "entries"), ==, 100);

  g_object_set (plugin, "ttl-msec", 20, NULL);
  spin_for (30);
  assert_no_hit (plugin, assert_call (client, "(nil)", "GET", "k99", NULL));
  g_object_set (plugin, "ttl-msec", 0, NULL);

  g_object_set (plugin, "keys", (const char *[]){ "user:*", NULL }, "exclude-keys", (const char *[]){ "*:secret", NULL }, NULL);
  assert_call (client, "(nil)", "GET", "user:1", NULL);
  assert_hit (plugin, assert_call (client, "(nil)", "GET", "user:1", NULL));
  assert_call (client, "(nil)", "GET", "user:1:secret", NULL);
  assert_no_hit (plugin, assert_call (client, "(nil)", "GET", "user:1:secret", NULL));
  assert_call (client, "1) (nil)\n2) (nil)", "MGET", "user:1", "x", NULL);
  assert_no_hit (plugin, assert_call (client, "1) (nil)\n2) (nil)", "MGET", "user:1", "x", NULL));
  g_object_set (plugin, "keys", NULL, "exclude-keys", NULL, NULL);

  /* A command that writes is not kept, whatever is asked for. */
  g_object_set (plugin, "commands", (const char *[]){ "strlen", "INCR", "BLPOP", NULL }, NULL);
  assert_call (client, "(integer) 0", "STRLEN", "s", NULL);
  assert_hit (plugin, assert_call (client, "(integer) 0", "STRLEN", "s", NULL));
  assert_call (client, "(nil)", "GET", "s", NULL);
  assert_no_hit (plugin, assert_call (client, "(nil)", "GET", "s", NULL));
  assert_call (client, "(integer) 1", "INCR", "s", NULL);
  assert_no_hit (plugin, assert_call (client, "(integer) 2", "INCR", "s", NULL));
  assert_no_hit (plugin, assert_call (client, "(integer) 1", "STRLEN", "s", NULL));
  g_object_set (plugin, "commands", NULL, NULL);
  {
    g_auto (GStrv) commands = NULL;

    g_object_get (plugin, "commands", &commands, NULL);
    g_assert_true (g_strv_contains ((const char *const *) commands, "GET"));
  }
  g_object_set (plugin, "max-bytes", (guint64) 0, NULL);
  assert_call (client, "\"2\"", "GET", "s", NULL);
  assert_no_hit (plugin, assert_call (client, "\"2\"", "GET", "s", NULL));
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
submit_many (TornadisClient *client,
             guint n,
             guint *count)
{
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", "k", NULL });

  for (guint i = 0; i < n; i++)
    tornadis_client_submit (client, get, count_cb, count, NULL);
}

static void
wait_for_count (guint *count,
                guint n)
{
  gint64 patience = get_patience ();

  while (*count < n && g_get_monotonic_time () < patience)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (*count, ==, n);
}

static void
test_shared (CacheFixture *fixture,
             gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;
  guint count = 0;

  submit_many (client, 10000, &count);
  wait_for_count (&count, 10000);
  g_assert_cmpuint (cache_get (plugin, "misses"), ==, 1);
  g_assert_cmpuint (cache_get (plugin, "shared"), ==, 9999);
  submit_many (client, 10000, &count);
  wait_for_count (&count, 20000);
  g_assert_cmpuint (cache_get (plugin, "hits"), ==, 10000);
}

/* The first of many gives up, and one in the middle. */
static void
test_cancelled (CacheFixture *fixture,
                gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", "k", NULL });
  GAsyncResult *results[5] = { NULL };
  GCancellable *cancellables[5];

  tornadis_harness_redis_pause (fixture->base.redis);
  for (guint i = 0; i < 5; i++)
    {
      cancellables[i] = g_cancellable_new ();
      tornadis_client_call_async (client, get, cancellables[i], store_result, &results[i]);
    }
  g_assert_cmpuint (cache_get (plugin, "shared"), ==, 4);
  spin_for (20);

  /* Each at once; the next takes the place of the first. */
  for (guint i = 0; i < 4; i++)
    {
      static const guint order[] = { 2, 0, 1, 4 };
      g_autoptr (GError) error = NULL;
      guint which = order[i];

      g_cancellable_cancel (cancellables[which]);
      g_assert_null (tornadis_client_call_finish (client, wait_for_result (&results[which]), &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
  g_assert_null (results[3]);

  tornadis_harness_redis_resume (fixture->base.redis);
  {
    g_autoptr (GError) error = NULL;
    g_autoptr (TornadisReply) reply = tornadis_client_call_finish (client, wait_for_result (&results[3]), &error);

    g_assert_no_error (error);
    g_assert_cmpint (tornadis_reply_get_kind (reply), ==, TORNADIS_REPLY_KIND_NIL);
  }
  assert_hit (plugin, assert_call (client, "(nil)", "GET", "k", NULL));

  for (guint i = 0; i < 5; i++)
    {
      g_object_unref (results[i]);
      g_object_unref (cancellables[i]);
    }
}

/* All wait no longer than their own time, and the last of them leaves nothing behind. */
static void
test_timeout (CacheFixture *fixture,
              gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", "k", NULL });
  GAsyncResult *results[3] = { NULL };

  g_object_set (client, "call-timeout-msec", 50, NULL);
  tornadis_harness_redis_pause (fixture->base.redis);
  for (guint i = 0; i < 3; i++)
    tornadis_client_call_async (client, get, NULL, store_result, &results[i]);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (tornadis_client_call_finish (client, wait_for_result (&results[i]), &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
      g_object_unref (results[i]);
    }
  tornadis_harness_redis_resume (fixture->base.redis);
  g_object_set (client, "call-timeout-msec", 0, NULL);
  assert_call (client, "(nil)", "GET", "k", NULL);
}

/* Taken off while some wait: these go on by themselves. */
static void
test_removed (CacheFixture *fixture,
              gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = g_steal_pointer (&fixture->plugin);
  guint count = 0;

  submit_many (client, 100, &count);
  g_assert_cmpuint (cache_get (plugin, "shared"), ==, 99);
  cache_remove (client, plugin);
  wait_for_count (&count, 100);
  assert_call (client, "(nil)", "GET", "k", NULL);
}

static void
test_pool (CacheFixture *fixture,
           gconstpointer data)
{
  TornadisPlugin *plugin = fixture->plugin;
  TornadisClient *second = cache_make_client (fixture->base.redis, GPOINTER_TO_INT (data));
  g_autoptr (GError) error = NULL;

  g_assert_true (tornadis_client_add_plugin (second, plugin, &error));
  cache_connect (second, plugin, 2);

  /* One's reply is the other's hit, and one's write drops the other's. */
  assert_call (fixture->base.client, "OK", "SET", "k", "1", NULL);
  assert_call (fixture->base.client, "\"1\"", "GET", "k", NULL);
  assert_hit (plugin, assert_call (second, "\"1\"", "GET", "k", NULL));
  assert_call (second, "OK", "SET", "k", "2", NULL);
  assert_no_hit (plugin, assert_call (fixture->base.client, "\"2\"", "GET", "k", NULL));
  write_behind (fixture, "k", "3");
  assert_no_hit (plugin, assert_call (second, "\"3\"", "GET", "k", NULL));

  /* The loss of either costs all. */
  tornadis_client_close (second);
  g_assert_cmpuint (cache_get (plugin, "entries"), ==, 0);
  g_assert_cmpuint (cache_get (plugin, "connections"), ==, 1);
  assert_finalized (second);
}

/* A connection that nothing is heard of is not trusted, and is again when it answers. */
static void
test_silence (CacheFixture *fixture,
              gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;

  guint n_pings;

  assert_call (client, "(nil)", "GET", "k", NULL);
  g_object_set (plugin, "ping-interval-msec", 250, NULL);
  n_pings = count_calls (fixture->base.redis, "ping");
  wait_until (count_calls (fixture->base.redis, "ping") >= n_pings + 3);
  assert_hit (plugin, assert_call (client, "(nil)", "GET", "k", NULL));

  tornadis_harness_redis_pause (fixture->base.redis);
  wait_until (cache_get (plugin, "connections") == 0);
  g_assert_cmpuint (cache_get (plugin, "entries"), ==, 0);
  tornadis_harness_redis_resume (fixture->base.redis);
  cache_wait_for (plugin, "connections", 1);
  g_object_set (plugin, "ping-interval-msec", 0, NULL);
  assert_no_hit (plugin, assert_call (client, "(nil)", "GET", "k", NULL));
  assert_hit (plugin, assert_call (client, "(nil)", "GET", "k", NULL));
}

/* A server that will not tell costs the cache alone. */
static void
test_refused (CacheFixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisClient) client = cache_make_client (fixture->base.redis, GPOINTER_TO_INT (data));
  g_autofree char *problem = NULL;
  TornadisPlugin *plugin;

  assert_call (fixture->other, "OK", "ACL", "SETUSER", "bob", "on", ">secret", "+@all", "-client|tracking", "&*", "~*", NULL);
  g_object_set (client, "username", "bob", "password", "secret", NULL);
  plugin = cache_add (client);
  assert_call (client, "OK", "SET", "k", "1", NULL);
  wait_until ((g_object_get (plugin, "problem", &problem, NULL), problem != NULL));
  g_assert_nonnull (strstr (problem, "NOPERM"));
  assert_call (client, "\"1\"", "GET", "k", NULL);
  assert_no_hit (plugin, assert_call (client, "\"1\"", "GET", "k", NULL));
  g_assert_cmpuint (cache_get (plugin, "connections"), ==, 0);
  g_assert_true (tornadis_client_is_connected (client));

  /* It may be again, on the next connection. */
  assert_call (fixture->other, "OK", "ACL", "SETUSER", "bob", "+client|tracking", NULL);
  tornadis_client_close (client);
  cache_connect (client, plugin, 1);
  g_clear_pointer (&problem, g_free);
  g_object_get (plugin, "problem", &problem, NULL);
  g_assert_null (problem);
  cache_remove (client, plugin);
  tornadis_client_close (client);
}

/* The user turns it off by himself. */
static void
test_tracking_off (CacheFixture *fixture,
                   gconstpointer data)
{
  TornadisClient *client = fixture->base.client;
  TornadisPlugin *plugin = fixture->plugin;

  assert_call (client, "(nil)", "GET", "k", NULL);
  assert_call (client, "OK", "CLIENT", "TRACKING", "OFF", NULL);
  assert_call (fixture->other, "OK", "SET", "k", "1", NULL);
  assert_no_hit (plugin, assert_call (client, "\"1\"", "GET", "k", NULL));
  assert_no_hit (plugin, assert_call (client, "\"1\"", "GET", "k", NULL));
}

/* Keys that another plugin changes: ahead of this one they are the server's; behind it they are not, and nothing is
 * kept. */
static void
test_key_prefix (CacheFixture *fixture,
                 gconstpointer data)
{
  for (guint first = 0; first < 2; first++)
    {
      g_autoptr (TornadisClient) client = cache_make_client (fixture->base.redis, GPOINTER_TO_INT (data));
      TornadisPlugin *cache = first == 0 ? cache_add (client) : NULL;
      TornadisPlugin *prefix = tornadis_client_add_plugin_by_name (client, "key-prefix", NULL);

      g_object_set (prefix, "prefix", "app:", NULL);
      if (first == 1)
        cache = cache_add (client);
      assert_call (fixture->other, "OK", "SET", "app:k", "1", NULL);
      cache_connect (client, cache, 1);
      assert_call (client, "\"1\"", "GET", "k", NULL);
      assert_counted (cache, "hits", first == 1, assert_call (client, "\"1\"", "GET", "k", NULL));
      assert_call (fixture->other, "OK", "SET", "app:k", "2", NULL);
      cache_wait_for (cache, "invalidations", 1);
      assert_call (client, "\"2\"", "GET", "k", NULL);
      tornadis_client_remove_plugin (client, prefix);
      cache_remove (client, cache);
      tornadis_client_close (client);
    }
}

#define TYPE_MOVING (moving_get_type ())
G_DECLARE_FINAL_TYPE (Moving, moving, TEST, MOVING, GObject)

/* Leads now to one server and now to another, as sentinels do. */
struct _Moving
{
  GObject parent_instance;

  guint port;
};

static GSocketAddressEnumerator *
moving_enumerate (GSocketConnectable *connectable)
{
  g_autoptr (GSocketConnectable) address = g_network_address_new ("127.0.0.1", (guint16) TEST_MOVING (connectable)->port);

  return g_socket_connectable_enumerate (address);
}

static char *
moving_to_string (GSocketConnectable *connectable)
{
  return g_strdup ("moving");
}

static void
moving_init_interface (GSocketConnectableIface *iface)
{
  iface->enumerate = moving_enumerate;
  iface->to_string = moving_to_string;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (Moving, moving, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE (G_TYPE_SOCKET_CONNECTABLE, moving_init_interface))

static void
moving_class_init (MovingClass *klass)
{
}

static void
moving_init (Moving *self)
{
}

/* A client that is led to another server is told of the changes there: its redirect goes with it, although the connection of that
 * to the first one is not lost. */
static void
test_led_elsewhere (CacheFixture *fixture,
                    gconstpointer data)
{
  g_autoptr (TornadisHarnessRedis) second = tornadis_harness_redis_new (NULL, NULL);
  TornadisHarnessRedis *servers[] = { fixture->base.redis, second };
  g_autoptr (Moving) moving = g_object_new (TYPE_MOVING, NULL);
  g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", 1);
  TornadisPlugin *plugin = cache_add (client);

  g_object_set (client, "connectable", moving, "protocol", GPOINTER_TO_INT (data), NULL);
  for (guint i = 0; i < 4; i++)
    {
      TornadisHarnessRedis *server = servers[i % 2];
      g_autofree char *killed G_GNUC_UNUSED = NULL;
      g_autoptr (TornadisClient) other = cache_make_client (server, TORNADIS_PROTOCOL_AUTO);

      moving->port = tornadis_harness_redis_get_port (server);
      cache_connect (client, plugin, 1);
      assert_call (other, "OK", "SET", "k", "old", NULL);
      assert_no_hit (plugin, assert_call (client, "\"old\"", "GET", "k", NULL));
      assert_hit (plugin, assert_call (client, "\"old\"", "GET", "k", NULL));
      assert_call (other, "OK", "SET", "k", "new", NULL);
      wait_until (cache_get (plugin, "entries") == 0);
      assert_no_hit (plugin, assert_call (client, "\"new\"", "GET", "k", NULL));

      killed = tornadis_harness_redis_command (server, "CLIENT KILL TYPE normal", NULL);
      wait_until (!tornadis_client_is_connected (client));
      tornadis_client_close (other);
    }
  cache_remove (client, plugin);
}

#define ADD(name, func)                                                                                               \
  g_test_add ("/cache/resp3/" name, CacheFixture, GINT_TO_POINTER (TORNADIS_PROTOCOL_AUTO), set_up, func, tear_down); \
  g_test_add ("/cache/resp2/" name, CacheFixture, GINT_TO_POINTER (TORNADIS_PROTOCOL_RESP2), set_up, func, tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("led-elsewhere", test_led_elsewhere);
  ADD ("basic", test_basic);
  ADD ("kinds", test_kinds);
  ADD ("own-writes", test_own_writes);
  ADD ("transactions", test_transactions);
  ADD ("flushes", test_flushes);
  ADD ("full-table", test_full_table);
  ADD ("spaces", test_spaces);
  ADD ("wander", test_wander);
  ADD ("users", test_users);
  ADD ("databases", test_databases);
  ADD ("queued-and-given-up", test_queued_and_given_up);
  ADD ("limits", test_limits);
  ADD ("shared", test_shared);
  ADD ("cancelled", test_cancelled);
  ADD ("timeout", test_timeout);
  ADD ("removed", test_removed);
  ADD ("pool", test_pool);
  ADD ("silence", test_silence);
  ADD ("refused", test_refused);
  ADD ("tracking-off", test_tracking_off);
  ADD ("key-prefix", test_key_prefix);
  ADD ("fault-16-sort", test_sort);
  ADD ("fault-16-scripts", test_scripts);

  return g_test_run ();
}
