/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

#include "plugins/reply-text.h"
#include "plugins/table-plugin.h"

/* The keys of a command line, with a space behind each, or "?". */
static char *
find_keys (TablePlugin *plugin,
           TornadisClient *client,
           const char *line)
{
  g_autoptr (TornadisCommand) command = split (line);
  g_autoptr (GArray) positions = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GError) error = NULL;
  GString *keys = g_string_new (NULL);

  if (!command_table_find_keys (plugin->table, client, command, positions, &error))
    {
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);
      g_assert_cmpuint (positions->len, ==, 0);
      return g_string_free (g_string_append (keys, "?"), FALSE);
    }

  g_assert_no_error (error);
  for (guint i = 0; i < positions->len; i++)
    {
      guint position = g_array_index (positions, guint, i);
      g_autoptr (GBytes) arg = tornadis_command_get_arg (command, position);

      g_assert_nonnull (arg);
      if (i > 0)
        g_assert_cmpuint (position, >, g_array_index (positions, guint, i - 1));
      g_string_append_len (keys, g_bytes_get_data (arg, NULL), (gssize) g_bytes_get_size (arg));
      g_string_append_c (keys, ' ');
    }

  return g_string_free (keys, FALSE);
}

static void
assert_keys (TablePlugin *plugin,
             TornadisClient *client,
             const char *line,
             const char *expected)
{
  g_autofree char *keys = find_keys (plugin, client, line);

  if (strcmp (keys, expected) != 0)
    g_error ("“%s”: the keys are “%s”, not “%s”", line, keys, expected);
}

/* Commands whose keys the server itself can tell, and which it can be asked for. */
static const char *const lines[] = {
  "GET k",
  "get k",
  "SET k v EX 10",
  "SET k v",
  "APPEND k v",
  "INCRBYFLOAT k 1.5",
  "MGET a b c d",
  "MSET a 1 b 2 c 3",
  "MSETNX a 1 b 2",
  "DEL a b c",
  "UNLINK a b",
  "EXISTS a b a",
  "TOUCH a",
  "EXPIRE k 10 NX",
  "PEXPIREAT k 99999999999",
  "TYPE k",
  "RENAME a b",
  "RENAMENX a b",
  "COPY a b DB 1 REPLACE",
  "MOVE k 1",
  "DUMP k",
  "RESTORE k 0 payload REPLACE",
  "PERSIST k",
  "TTL k",
  "GETEX k EX 10",
  "GETDEL k",
  "GETRANGE k 0 1",
  "SETRANGE k 0 x",
  "LCS a b IDX",
  "SETBIT k 1 1",
  "BITOP AND dest a b c",
  "BITFIELD k GET u8 0",
  "BITFIELD_RO k GET u8 0",
  "BITCOUNT k",
  "BITPOS k 1",
  "PFADD k a b",
  "PFCOUNT a b",
  "PFMERGE d a b",
  "HSET k f v g w",
  "HGETALL k",
  "HSCAN k 0 MATCH x",
  "HRANDFIELD k 2",
  "LPUSH k a b",
  "BLPOP a b c 1",
  "BRPOP a 1",
  "BRPOPLPUSH a b 1",
  "RPOPLPUSH a b",
  "LMOVE a b LEFT RIGHT",
  "BLMOVE a b LEFT RIGHT 1",
  "LMPOP 2 a b LEFT COUNT 3",
  "BLMPOP 1 3 a b c RIGHT",
  "SADD k a b",
  "SMOVE a b m",
  "SINTER a b c",
  "SINTERCARD 2 a b LIMIT 1",
  "SINTERSTORE d a b",
  "SUNION a b",
  "SUNIONSTORE d a",
  "SDIFF a",
  "SDIFFSTORE d a b",
  "SSCAN k 0",
  "SMISMEMBER k a b",
  "ZADD k 1 a 2 b",
  "ZUNION 2 a b WITHSCORES",
  "ZINTER 1 a",
  "ZDIFF 2 a b",
  "ZINTERCARD 2 a b",
  "ZUNIONSTORE d 2 a b WEIGHTS 1 2",
  "ZINTERSTORE d 1 a",
  "ZDIFFSTORE d 2 a b",
  "ZRANGESTORE d s 0 1",
  "ZRANGE k 0 1 REV",
  "ZMPOP 2 a b MIN",
  "BZMPOP 1 1 a MAX",
  "BZPOPMIN a b 1",
  "BZPOPMAX a 1",
  "ZSCAN k 0",
  "GEOADD k 1 2 m",
  "GEORADIUS k 1 2 3 km",
  "GEORADIUS k 1 2 3 km COUNT 5 STORE d",
  "GEORADIUSBYMEMBER k m 3 km STOREDIST d",
  "GEORADIUS_RO k 1 2 3 km",
  "GEOSEARCH k FROMMEMBER m BYRADIUS 1 km",
  "GEOSEARCHSTORE d s FROMMEMBER m BYRADIUS 1 km",
  "SORT k",
  "SORT k DESC LIMIT 0 5 ALPHA",
  "SORT k BY w_* GET '#' GET v_* STORE d",
  "SORT k LIMIT STORE 1 STORE d",
  "SORT k BY STORE GET STORE STORE d",
  "SORT_RO k BY w_* GET v_*",
  "EVAL 'return 1' 2 a b x y",
  "EVAL 'return 1' 0 x y",
  "EVALSHA 0123 1 a",
  "EVAL_RO 'return 1' 1 a b",
  "EVALSHA_RO 0123 2 a b c",
  "FCALL f 1 a b",
  "FCALL_RO f 2 a b",
  "XADD k * f v",
  "XREAD COUNT 2 STREAMS a b 0 0",
  "XREAD BLOCK 0 STREAMS a $",
  "XREAD STREAMS STREAMS 0",
  "xread streams a b c 0 0 0",
  "XREADGROUP GROUP g c COUNT 1 NOACK STREAMS a b > >",
  "XREADGROUP GROUP STREAMS c STREAMS a >",
  "XACK k g 1-1",
  "XCLAIM k g c 0 1-1",
  "XPENDING k g",
  "XTRIM k MAXLEN 5",
  "XSETID k 1-1",
  "XINFO STREAM k FULL",
  "xinfo groups k",
  "XINFO CONSUMERS k g",
  "XGROUP CREATE k g $ MKSTREAM",
  "XGROUP DELCONSUMER k g c",
  "OBJECT ENCODING k",
  "object freq k",
  "MEMORY USAGE k SAMPLES 0",
  "MIGRATE h 1 k 0 1",
  "MIGRATE h 1 k 0 1 COPY REPLACE",
  "MIGRATE h 1 '' 0 1 KEYS a b c",
  "MIGRATE h 1 '' 0 1 COPY AUTH KEYS KEYS a b",
  "MIGRATE h 1 '' 0 1 AUTH2 u KEYS KEYS a",
  "WATCH a b",
  "RESTORE-ASKING k 0 payload",
  "SUBSTR k 0 1",
  "PFDEBUG ENCODING k",
};

/* The server's own answer, in the order of the arguments. */
static char *
ask_server (TornadisClient *client,
            const char *line)
{
  g_autoptr (TornadisCommand) command = split (line);
  g_autoptr (TornadisCommand) getkeys = tornadis_command_new_strv ((const char *[]){ "COMMAND", "GETKEYS", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  GString *keys = g_string_new (NULL);

  for (gsize i = 0; i < tornadis_command_get_n_args (command); i++)
    {
      g_autoptr (GBytes) arg = tornadis_command_get_arg (command, i);

      tornadis_command_append_bytes (getkeys, arg);
    }
  tornadis_client_call_async (client, getkeys, NULL, store_result, &result);
  reply = tornadis_client_call_finish (client, wait_for_result (&result), &error);
  if (error != NULL && strstr (error->message, "no key arguments") != NULL)
    return g_string_free (keys, FALSE);
  if (error != NULL)
    g_error ("%s: %s", line, error->message);

  for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
    g_string_append_printf (keys, "%s ", tornadis_reply_get_text (tornadis_reply_get_element (reply, i)));

  return g_string_free (keys, FALSE);
}

static void
check_lines (Fixture *fixture)
{
  TablePlugin *plugin = make_table (fixture->client);

  assert_ready (plugin, fixture->client);
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (TornadisCommand) command = split (lines[i]);
      g_autofree char *name = g_strdup (tornadis_command_get_name (command));
      g_autofree char *expected = NULL;

      /* What an older server does not have. */
      if (!command_table_lookup (plugin->table, fixture->client, command, NULL))
        {
          g_test_message ("%s is unknown here", name);
          g_assert_true (strcmp (name, "GET") != 0 && strcmp (name, "EVAL") != 0 && strcmp (name, "OBJECT") != 0);
          continue;
        }
      expected = ask_server (fixture->client, lines[i]);
      assert_keys (plugin, fixture->client, lines[i], expected);
    }

  drop_table (fixture->client, plugin);
}

static void
test_like_the_server (Fixture *fixture,
                      gconstpointer data)
{
  check_lines (fixture);
}

static void
test_like_the_server_resp2 (Fixture *fixture,
                            gconstpointer data)
{
  g_object_set (fixture->client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  check_lines (fixture);
}

/* What the server cannot be asked, or says otherwise. */
static void
test_by_hand (Fixture *fixture,
              gconstpointer data)
{
  TablePlugin *plugin = make_table (fixture->client);
  static const struct
  {
    const char *line;
    const char *keys;
  } cases[] = {
    { "PING", "" },
    { "GET", "" },
    { "MSET a", "a " },
    { "PUBLISH channel x", "" },
    { "SPUBLISH channel x", "" },
    { "CONFIG GET x", "" },
    { "OBJECT", "" },
    { "OBJECT HELP", "" },
    { "OBJECT ENCODING", "" },
    { "EVAL script", "" },
    { "EVAL script '' a", "?" },
    { "OBJECT ''", "?" },
    { "'' a", "?" },
    { "EVAL script x a", "?" },
    { "EVAL script -1 a", "?" },
    { "EVAL script 99999999999999999999 a", "?" },
    { "EVAL script 2147483647 a b", "a b " },
    { "GEORADIUS k 1 2 3 km STORE a STORE b STOREDIST c", "k a b c " },
    { "SORT k STORE a STORE b", "k a b " },
    { "SORT k STORE", "k " },
    { "MIGRATE h 1 k 0 1 KEYS a", "?" },
    { "XREAD COUNT 1", "" },
    { "NOSUCHCOMMAND a", "?" },
    { "OBJECT NOSUCHSUBCOMMAND a", "?" },
    { "ANAMETHATISLONGERTHANTHELIBRARYCARESFOR a", "?" },
  };
  static const struct
  {
    const char *line;
    CommandFlags flags;
  } flagged[] = {
    { "GET k", COMMAND_FLAG_READONLY },
    { "set k v", COMMAND_FLAG_WRITE },
    { "BLPOP k 1", COMMAND_FLAG_WRITE | COMMAND_FLAG_BLOCKING },
    { "OBJECT ENCODING k", COMMAND_FLAG_READONLY },
    { "PUBLISH c m", COMMAND_FLAG_PUBSUB },
    { "SORT k", COMMAND_FLAG_WRITE | COMMAND_FLAG_MOVABLE_KEYS },
    { "PING", COMMAND_FLAG_NONE },
  };

  assert_ready (plugin, fixture->client);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_keys (plugin, fixture->client, cases[i].line, cases[i].keys);

  for (gsize i = 0; i < G_N_ELEMENTS (flagged); i++)
    {
      g_autoptr (TornadisCommand) command = split (flagged[i].line);
      CommandFlags flags;

      g_assert_true (command_table_lookup (plugin->table, fixture->client, command, &flags));
      g_assert_cmpuint (flags, ==, flagged[i].flags);
    }

  drop_table (fixture->client, plugin);
}

/* One COMMAND, however many ask, and on however many clients. */
static void
test_one_call (Fixture *fixture,
               gconstpointer data)
{
  TablePlugin *plugin = make_table (fixture->client);
  TornadisClient *other = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  Told told[3] = { 0 };
  g_autofree char *stats = NULL;

  tornadis_client_add_plugin (other, TORNADIS_PLUGIN (plugin), NULL);
  assert_call (fixture->client, "OK", "CONFIG", "RESETSTAT", NULL);
  g_assert_false (command_table_is_ready (plugin->table, fixture->client, told_cb, &told[0]));
  g_assert_false (command_table_is_ready (plugin->table, fixture->client, told_cb, &told[1]));
  g_assert_false (command_table_is_ready (plugin->table, other, told_cb, &told[2]));
  g_assert_true (spin_until (&told[2].told, 60000));
  for (gsize i = 0; i < G_N_ELEMENTS (told); i++)
    {
      g_assert_cmpuint (told[i].times, ==, 1);
      g_assert_no_error (told[i].error);
    }
  stats = tornadis_harness_redis_command (fixture->redis, "INFO commandstats", NULL);
  g_assert_nonnull (strstr (stats, "cmdstat_command:calls=1,"));

  command_table_forget (plugin->table, other);
  assert_ready (plugin, fixture->client);

  /* A client with another title is another server. */
  g_object_set (other, "unix-domain-socket", "/nowhere", NULL);
  memset (told, 0, sizeof told);
  g_assert_false (command_table_is_ready (plugin->table, other, told_cb, &told[0]));
  g_assert_true (spin_until (&told[0].told, 60000));
  g_assert_error (told[0].error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_clear_error (&told[0].error);

  tornadis_client_remove_plugin (other, TORNADIS_PLUGIN (plugin));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_finalized (other);
  drop_table (fixture->client, plugin);
}

/* What was looked up lately, and for whom, is forgotten with the rest. */
static void
test_forgets (Fixture *fixture,
              gconstpointer data)
{
  TablePlugin *plugin = make_table (fixture->client);

  assert_ready (plugin, fixture->client);
  for (guint i = 0; i < 2; i++)
    {
      const CommandEntry *get = find_entry (plugin, fixture->client, "GET a");

      g_assert_nonnull (get);
      g_assert_true (find_entry (plugin, fixture->client, "get b") == get);
      g_assert_cmpuint (command_entry_get_single_key (get), ==, 1);
      g_assert_null (find_entry (plugin, fixture->client, "NOSUCH a"));
      g_assert_true (find_entry (plugin, fixture->client, "SET a 1") != get);
      g_assert_true (find_entry (plugin, fixture->client, "OBJECT ENCODING a") != find_entry (plugin, fixture->client, "OBJECT"));

      command_table_forget (plugin->table, fixture->client);
      g_assert_null (find_entry (plugin, fixture->client, "GET a"));
      assert_ready (plugin, fixture->client);
    }

  g_assert_nonnull (find_entry (plugin, fixture->client, "GET a"));
  g_object_set (fixture->client, "unix-domain-socket", "/nowhere", NULL);
  g_assert_null (find_entry (plugin, fixture->client, "GET a"));

  drop_table (fixture->client, plugin);
}

/* Which of the commands have one key that is always the same argument, and no tip where they go. */
static void
test_single_key (Fixture *fixture,
                 gconstpointer data)
{
  static const struct
  {
    const char *line;
    guint key;
  } singles[] = {
    { "GET", 1 },
    { "ZADD a", 1 },
    { "OBJECT ENCODING", 2 },
    { "BITOP", 0 },
    { "MGET", 0 },
    { "DEL", 0 },
    { "RENAME", 0 },
    { "EVAL", 0 },
    { "SORT", 0 },
    { "XREAD", 0 },
    { "PING", 0 },
    { "SPUBLISH", 0 },
    { "PFCOUNT", 0 },
  };
  TablePlugin *plugin = make_table (fixture->client);

  assert_ready (plugin, fixture->client);
  for (gsize i = 0; i < G_N_ELEMENTS (singles); i++)
    {
      const CommandEntry *entry = find_entry (plugin, fixture->client, singles[i].line);

      g_test_message ("%s", singles[i].line);
      g_assert_nonnull (entry);
      g_assert_cmpuint (command_entry_get_single_key (entry), ==, singles[i].key);
    }

  drop_table (fixture->client, plugin);
}

/* What befalls one client is not told to the other, for whom it is asked again; and nobody is called any more once
 * the table is freed. */
static void
test_failures (Fixture *fixture,
               gconstpointer data)
{
  TablePlugin *plugin = make_table (fixture->client);
  TornadisClient *other = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  Told told[2] = { 0 };

  tornadis_client_add_plugin (other, TORNADIS_PLUGIN (plugin), NULL);
  g_assert_false (command_table_is_ready (plugin->table, other, told_cb, &told[0]));
  g_assert_false (command_table_is_ready (plugin->table, fixture->client, told_cb, &told[1]));
  tornadis_client_close (other);
  g_assert_true (spin_until (&told[1].told, 60000));
  g_assert_error (told[0].error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  g_assert_no_error (told[1].error);
  g_clear_error (&told[0].error);

  command_table_forget (plugin->table, other);
  memset (told, 0, sizeof told);
  g_assert_false (command_table_is_ready (plugin->table, fixture->client, told_cb, &told[0]));
  g_clear_pointer (&plugin->table, command_table_free);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_false (told[0].told);

  tornadis_client_remove_plugin (other, TORNADIS_PLUGIN (plugin));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_finalized (other);
  drop_table (fixture->client, plugin);
}

/* What Redis 5 says. */
static void
test_old_server (void)
{
  const char *resp = "*13\r\n"
                     "*6\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n"
                     "*6\r\n$4\r\nmset\r\n:-3\r\n*2\r\n+write\r\n+denyoom\r\n:1\r\n:-1\r\n:2\r\n"
                     "*6\r\n$5\r\nblpop\r\n:-3\r\n*2\r\n+write\r\n+noscript\r\n:1\r\n:-2\r\n:1\r\n"
                     "*6\r\n$4\r\nping\r\n:-1\r\n*2\r\n+stale\r\n+fast\r\n:0\r\n:0\r\n:0\r\n"
                     "*6\r\n$6\r\nobject\r\n:-2\r\n*2\r\n+readonly\r\n+random\r\n:2\r\n:2\r\n:1\r\n"
                     "*6\r\n$4\r\neval\r\n:-3\r\n*2\r\n+noscript\r\n+movablekeys\r\n:0\r\n:0\r\n:0\r\n"
                     "*6\r\n$11\r\nzunionstore\r\n:-4\r\n*3\r\n+write\r\n+denyoom\r\n+movablekeys\r\n:0\r\n:0\r\n:0\r\n"
                     "*6\r\n$4\r\nsort\r\n:-2\r\n*3\r\n+write\r\n+denyoom\r\n+movablekeys\r\n:1\r\n:1\r\n:1\r\n"
                     "*6\r\n$5\r\nxread\r\n:-4\r\n*2\r\n+readonly\r\n+movablekeys\r\n:1\r\n:1\r\n:1\r\n"
                     "*6\r\n$10\r\nxreadgroup\r\n:-7\r\n*2\r\n+write\r\n+movablekeys\r\n:1\r\n:1\r\n:1\r\n"
                     "*6\r\n$7\r\nmigrate\r\n:-6\r\n*2\r\n+write\r\n+movablekeys\r\n:0\r\n:0\r\n:0\r\n"
                     "*6\r\n$6\r\nmemory\r\n:-2\r\n*2\r\n+readonly\r\n+movablekeys\r\n:0\r\n:0\r\n:0\r\n"
                     "*6\r\n$8\r\nmodule.x\r\n:-2\r\n*1\r\n+movablekeys\r\n:1\r\n:1\r\n:1\r\n";
  static const struct
  {
    const char *line;
    const char *keys;
  } cases[] = {
    { "GET k", "k " },
    { "MSET a 1 b 2", "a b " },
    { "BLPOP a b 1", "a b " },
    { "PING x", "" },
    { "OBJECT ENCODING k", "k " },
    { "EVAL s 2 a b c", "a b " },
    { "ZUNIONSTORE d 2 a b WEIGHTS 1 2", "d a b " },
    { "SORT k BY x GET y STORE d", "k d " },
    { "XREAD BLOCK 0 STREAMS a b 0 0", "a b " },
    { "XREADGROUP GROUP STREAMS c STREAMS a >", "a " },
    { "MIGRATE h 1 '' 0 1 AUTH KEYS KEYS a b", "a b " },
    { "MIGRATE h 1 k 0 1", "k " },
    { "MEMORY USAGE k", "k " },
    { "MEMORY DOCTOR", "" },
    { "MODULE.X k", "?" },
  };
  g_autoptr (TornadisCommand) blpop = split ("BLPOP a 1");
  g_autoptr (TornadisCommand) eval = split ("EVAL s 0");
  CommandFlags flags;
  TornadisHarnessPeer *peer;
  TablePlugin *plugin;
  Told told = { 0 };
  TornadisClient *client = make_scripted_table (resp, &peer, &plugin, &told);

  g_assert_no_error (told.error);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_keys (plugin, client, cases[i].line, cases[i].keys);
  g_assert_true (command_table_lookup (plugin->table, client, blpop, &flags));
  g_assert_cmpuint (flags, ==, COMMAND_FLAG_WRITE | COMMAND_FLAG_BLOCKING);
  g_assert_true (command_table_lookup (plugin->table, client, eval, &flags));
  g_assert_cmpuint (flags, ==, COMMAND_FLAG_MOVABLE_KEYS);

  drop_scripted_table (client, peer, plugin);
}

/* What is not what COMMAND answers. */
static void
test_hostile_replies (void)
{
  static const char *const replies[] = {
    "+OK\r\n",
    ":1\r\n",
    "_\r\n",
    "*0\r\n",
    "*1\r\n_\r\n",
    "*1\r\n*0\r\n",
    "*1\r\n$3\r\nget\r\n",
    "*1\r\n*6\r\n:1\r\n:2\r\n*0\r\n:1\r\n:1\r\n:1\r\n",
    "*1\r\n*6\r\n$3\r\nget\r\n:2\r\n*0\r\n+x\r\n:1\r\n:1\r\n",
    "*1\r\n*5\r\n$3\r\nget\r\n:2\r\n*0\r\n:1\r\n:1\r\n",
    "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*0\r\n:1\r\n:1\r\n:1\r\n*0\r\n*0\r\n*0\r\n*1\r\n:1\r\n",
    "-ERR unknown command\r\n",
    "-NOPERM no\r\n",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      TornadisHarnessPeer *peer;
      TablePlugin *plugin;
      Told told = { 0 };
      TornadisClient *client = make_scripted_table (replies[i], &peer, &plugin, &told);

      g_assert_error (told.error, TORNADIS_ERROR, (replies[i][0] == '-' ? TORNADIS_ERROR_REPLY : TORNADIS_ERROR_PLUGIN));
      g_clear_error (&told.error);
      drop_scripted_table (client, peer, plugin);
    }
}

/* One command x with one key specification, or with other numbers. */
#define NEW(specs) "*1\r\n*10\r\n$1\r\nx\r\n:-2\r\n*0\r\n:0\r\n:0\r\n:0\r\n*0\r\n*0\r\n*1\r\n" specs "*0\r\n"
#define NUMBERS(first, last, step) "*1\r\n*6\r\n$1\r\nx\r\n:-2\r\n*0\r\n:" first "\r\n:" last "\r\n:" step "\r\n"
#define SPEC(flags, begin, find) "%3\r\n$5\r\nflags\r\n" flags "$12\r\nbegin_search\r\n" begin "$9\r\nfind_keys\r\n" find
#define INDEX(i) "%2\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n%1\r\n$5\r\nindex\r\n" i
#define KEYWORD(word, from) \
  "%2\r\n$4\r\ntype\r\n$7\r\nkeyword\r\n$4\r\nspec\r\n%2\r\n$7\r\nkeyword\r\n" word "$9\r\nstartfrom\r\n" from
#define RANGE(last, step, limit) \
  "%2\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n%3\r\n$7\r\nlastkey\r\n" last "$7\r\nkeystep\r\n" step "$5\r\nlimit\r\n" limit
#define KEYNUM(number, first, step)                                                                               \
  "%2\r\n$4\r\ntype\r\n$6\r\nkeynum\r\n$4\r\nspec\r\n%3\r\n$9\r\nkeynumidx\r\n" number "$8\r\nfirstkey\r\n" first \
  "$7\r\nkeystep\r\n" step
#define ONE RANGE (":0\r\n", ":1\r\n", ":0\r\n")

static void
test_odd_specs (void)
{
  static const struct
  {
    const char *resp;
    const char *line;
    const char *keys;
  } cases[] = {
    { NEW (SPEC ("~0\r\n", INDEX (":2\r\n"), ONE)), "x a b c", "b " },
    { NEW (SPEC ("~0\r\n", INDEX (":2\r\n"), RANGE (":-2\r\n", ":2\r\n", ":0\r\n"))), "x a b c d e f", "b d " },
    { NEW (SPEC ("~0\r\n", INDEX (":1\r\n"), KEYNUM (":0\r\n", ":1\r\n", ":2\r\n"))), "x 2 a 1 b 2 c 3", "a b " },
    { NEW (SPEC ("~0\r\n", KEYWORD ("$1\r\nk\r\n", ":-2\r\n"), RANGE (":-1\r\n", ":1\r\n", ":0\r\n"))), "x k a K b c", "b c " },
    { NEW (SPEC ("~1\r\n+not_key\r\n", INDEX (":1\r\n"), ONE)), "x a", "" },
    { NEW (SPEC ("~1\r\n+incomplete\r\n", INDEX (":1\r\n"), ONE)), "x a", "?" },
    { NEW (SPEC ("~0\r\n", INDEX (":0\r\n"), ONE)), "x a", "?" },
    { NEW (SPEC ("~0\r\n", INDEX (":-1\r\n"), ONE)), "x a", "?" },
    { NEW (SPEC ("~0\r\n", INDEX (":9223372036854775807\r\n"), ONE)), "x a", "?" },
    { NEW (SPEC ("~0\r\n", INDEX ("$1\r\n1\r\n"), ONE)), "x a", "?" },
    { NEW (SPEC ("~0\r\n", KEYWORD ("_\r\n", ":1\r\n"), ONE)), "x a", "?" },
    { NEW (SPEC ("~0\r\n", KEYWORD ("$1\r\nk\r\n", ":0\r\n"), ONE)), "x a", "?" },
    { NEW (SPEC ("~0\r\n", KEYWORD ("$1\r\nk\r\n", ":-2147483648\r\n"), ONE)), "x k a", "" },
    { NEW (SPEC ("~0\r\n", INDEX (":1\r\n"), RANGE (":-1\r\n", ":0\r\n", ":0\r\n"))), "x a", "?" },
    { NEW (SPEC ("~0\r\n", INDEX (":1\r\n"), RANGE (":-1\r\n", ":-1\r\n", ":0\r\n"))), "x a", "?" },
    { NEW (SPEC ("~0\r\n", INDEX (":1\r\n"), RANGE (":-1\r\n", ":1\r\n", ":-9\r\n"))), "x a", "?" },
    { NEW (SPEC ("~0\r\n", INDEX (":2147483647\r\n"), RANGE (":2147483647\r\n", ":2147483647\r\n", ":0\r\n"))), "x a", "" },
    { NEW (SPEC ("~0\r\n", INDEX (":1\r\n"), RANGE (":-2147483648\r\n", ":1\r\n", ":2147483647\r\n"))), "x a", "" },
    { NEW (SPEC ("~0\r\n", INDEX (":1\r\n"), KEYNUM (":0\r\n", ":0\r\n", ":2147483647\r\n"))), "x 2147483647 a", "2147483647 " },
    { NEW (SPEC ("~0\r\n", INDEX (":1\r\n"), KEYNUM (":-1\r\n", ":1\r\n", ":1\r\n"))), "x 1 a", "?" },
    { NEW (SPEC ("_\r\n", "_\r\n", "_\r\n")), "x a", "?" },
    { NEW (":1\r\n"), "x a", "?" },
    { NEW (SPEC ("~0\r\n", "%1\r\n$4\r\ntype\r\n$5\r\nindex\r\n", ONE)), "x a", "?" },
    { NUMBERS ("1", "-1", "1"), "x a b", "a b " },
    { NUMBERS ("1", "-1", "0"), "x a b", "?" },
    { NUMBERS ("1", "-1", "-1"), "x a b", "?" },
    { NUMBERS ("-1", "1", "1"), "x a b", "?" },
    { NUMBERS ("2", "1", "1"), "x a b", "?" },
    { NUMBERS ("9223372036854775807", "-9223372036854775808", "9223372036854775807"), "x a b", "?" },
    { NUMBERS ("1", "9223372036854775807", "1"), "x a b", "?" },
    { NUMBERS ("2147483647", "2147483647", "2147483647"), "x a b", "" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TornadisHarnessPeer *peer;
      TablePlugin *plugin;
      Told told = { 0 };
      TornadisClient *client = make_scripted_table (cases[i].resp, &peer, &plugin, &told);

      g_assert_no_error (told.error);
      g_test_message ("%" G_GSIZE_FORMAT ": %s", i, cases[i].line);
      assert_keys (plugin, client, cases[i].line, cases[i].keys);
      drop_scripted_table (client, peer, plugin);
    }
}

/* One command x with tips. */
#define TIPS(tips) "*1\r\n*8\r\n$1\r\nx\r\n:-2\r\n*0\r\n:0\r\n:0\r\n:0\r\n*0\r\n" tips

static void
test_tips (void)
{
  static const struct
  {
    const char *resp;
    CommandRequest request;
    CommandResponse response;
  } cases[] = {
    { TIPS ("*0\r\n"), COMMAND_REQUEST_NONE, COMMAND_RESPONSE_NONE },
    { TIPS ("*2\r\n+response_policy:agg_min\r\n+request_policy:all_nodes\r\n"), COMMAND_REQUEST_ALL_NODES, COMMAND_RESPONSE_AGG_MIN },
    { TIPS ("~2\r\n+request_policy:all_shards\r\n+response_policy:special\r\n"), COMMAND_REQUEST_ALL_SHARDS, COMMAND_RESPONSE_SPECIAL },
    { TIPS ("*1\r\n$26\r\nrequest_policy:multi_shard\r\n"), COMMAND_REQUEST_MULTI_SHARD, COMMAND_RESPONSE_NONE },
    { TIPS ("*1\r\n+request_policy:special\r\n"), COMMAND_REQUEST_SPECIAL, COMMAND_RESPONSE_NONE },
    { TIPS ("*1\r\n+response_policy:one_succeeded\r\n"), COMMAND_REQUEST_NONE, COMMAND_RESPONSE_ONE_SUCCEEDED },
    { TIPS ("*1\r\n+response_policy:all_succeeded\r\n"), COMMAND_REQUEST_NONE, COMMAND_RESPONSE_ALL_SUCCEEDED },
    { TIPS ("*1\r\n+response_policy:agg_logical_and\r\n"), COMMAND_REQUEST_NONE, COMMAND_RESPONSE_AGG_LOGICAL_AND },
    { TIPS ("*1\r\n+response_policy:agg_logical_or\r\n"), COMMAND_REQUEST_NONE, COMMAND_RESPONSE_AGG_LOGICAL_OR },
    { TIPS ("*1\r\n+response_policy:agg_max\r\n"), COMMAND_REQUEST_NONE, COMMAND_RESPONSE_AGG_MAX },
    { TIPS ("*1\r\n+response_policy:agg_sum\r\n"), COMMAND_REQUEST_NONE, COMMAND_RESPONSE_AGG_SUM },
    /* Of words that are new, or none, nothing is made. */
    { TIPS ("*3\r\n+request_policy:\r\n+request_policy\r\n+request_policy:ALL_NODES\r\n"), COMMAND_REQUEST_NONE, COMMAND_RESPONSE_NONE },
    { TIPS ("*3\r\n:1\r\n$-1\r\n*1\r\n+request_policy:all_nodes\r\n"), COMMAND_REQUEST_NONE, COMMAND_RESPONSE_NONE },
    { TIPS ("+request_policy:all_nodes\r\n"), COMMAND_REQUEST_NONE, COMMAND_RESPONSE_NONE },
    { TIPS ("$-1\r\n"), COMMAND_REQUEST_NONE, COMMAND_RESPONSE_NONE },
    { NUMBERS ("0", "0", "0"), COMMAND_REQUEST_NONE, COMMAND_RESPONSE_NONE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TornadisCommand) command = split ("x a");
      TornadisHarnessPeer *peer;
      TablePlugin *plugin;
      Told told = { 0 };
      TornadisClient *client = make_scripted_table (cases[i].resp, &peer, &plugin, &told);
      const CommandEntry *entry = command_table_find (plugin->table, client, command);

      g_assert_no_error (told.error);
      g_test_message ("%" G_GSIZE_FORMAT, i);
      g_assert_nonnull (entry);
      g_assert_cmpint (command_entry_get_request (entry), ==, cases[i].request);
      g_assert_cmpint (command_entry_get_response (entry), ==, cases[i].response);
      drop_scripted_table (client, peer, plugin);
    }
}

/* Which commands have their keys in one run of arguments, and where it ends. */
static void
test_key_run (Fixture *fixture,
              gconstpointer data)
{
  static const struct
  {
    const char *line;
    guint first, last, step; /* 0, 0, 0: there is none */
  } runs[] = {
    { "GET k", 1, 1, 1 },
    { "GET", 0, 0, 0 },
    { "MGET a b c", 1, 3, 1 },
    { "MSET a 1 b 2", 1, 3, 2 },
    { "MSET a 1 b", 1, 3, 2 },
    { "BLPOP a b 1", 1, 2, 1 },
    { "OBJECT ENCODING k", 2, 2, 1 },
    { "PING", 0, 0, 0 },
    { "EVAL s 2 a b", 0, 0, 0 },
    { "ZUNIONSTORE d 2 a b", 0, 0, 0 },
    { "XREAD STREAMS a b 0 0", 0, 0, 0 },
    { "SORT k", 0, 0, 0 },
    { "SPUBLISH c m", 0, 0, 0 },
  };
  TablePlugin *plugin = make_table (fixture->client);

  assert_ready (plugin, fixture->client);
  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      g_autoptr (TornadisCommand) command = split (runs[i].line);
      const CommandEntry *entry = command_table_find (plugin->table, fixture->client, command);
      guint first = 0, last = 0, step = 0;

      g_test_message ("%s", runs[i].line);
      g_assert_nonnull (entry);
      g_assert_cmpint (command_entry_get_key_run (entry, tornadis_command_get_n_args (command), &first, &last, &step), ==,
                       runs[i].step != 0);
      g_assert_cmpuint (first, ==, runs[i].first);
      g_assert_cmpuint (last, ==, runs[i].last);
      g_assert_cmpuint (step, ==, runs[i].step);
    }

  drop_table (fixture->client, plugin);
}

/* Where a server says that what it says is not all, what is known by the name counts. */
static void
test_incomplete (void)
{
  static const struct
  {
    const char *line;
    const char *keys;
  } cases[] = {
    { "XREAD COUNT 1 BLOCK 0 STREAMS a b 0 0", "a b " },
    { "XREADGROUP GROUP STREAMS c STREAMS a b > >", "a b " },
    { "GEORADIUS k 1 2 3 m STORE d", "k d " },
    { "GEORADIUSBYMEMBER k m 3 km ASC STOREDIST d", "k d " },
    { "SORT k BY w GET x STORE d", "k d " },
    { "MIGRATE h 1 k 0 1", "k " },
    { "EVAL s 2 a b c", "a b " },
    { "FCALL_RO f 1 a b", "a " },
    { "ZINTERSTORE d 2 a b", "d a b " },
    { "LMPOP 2 a b LEFT", "a b " },
    { "BZMPOP 0 1 a MIN", "a " },
    { "UNHEARDOF k", "?" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gsize length = strcspn (cases[i].line, " ");
      g_autofree char *name = g_ascii_strdown (cases[i].line, (gssize) length);
      g_autofree char *head = g_strdup_printf ("*1\r\n*10\r\n$%" G_GSIZE_FORMAT "\r\n%s\r\n", length, name);
      g_autofree char *resp = g_strconcat (head, ":-2\r\n*0\r\n:0\r\n:0\r\n:0\r\n*0\r\n*0\r\n*1\r\n",
                                           SPEC ("~1\r\n+incomplete\r\n", INDEX (":1\r\n"), ONE), "*0\r\n", NULL);
      TornadisHarnessPeer *peer;
      TablePlugin *plugin;
      Told told = { 0 };
      TornadisClient *client = make_scripted_table (resp, &peer, &plugin, &told);

      g_assert_no_error (told.error);
      assert_keys (plugin, client, cases[i].line, cases[i].keys);
      drop_scripted_table (client, peer, plugin);
    }
}

/* A plugin behind that of the table, which answers COMMAND. */
#define ANSWER_TYPE_PLUGIN (answer_plugin_get_type ())
G_DECLARE_FINAL_TYPE (AnswerPlugin, answer_plugin, ANSWER, PLUGIN, TornadisPlugin)

struct _AnswerPlugin
{
  TornadisPlugin parent_instance;

  TornadisReply *answer; /* (unowned) */
};

G_DEFINE_FINAL_TYPE (AnswerPlugin, answer_plugin, TORNADIS_TYPE_PLUGIN)

static gboolean
answer_plugin_call (TornadisPlugin *plugin,
                    TornadisCall *call)
{
  tornadis_call_return_reply (call, ANSWER_PLUGIN (plugin)->answer);
  return TRUE;
}

static void
answer_plugin_class_init (AnswerPluginClass *klass)
{
  TORNADIS_PLUGIN_CLASS (klass)->call = answer_plugin_call;
}

static void
answer_plugin_init (AnswerPlugin *self)
{
}

static TornadisReply *
make_odd_reply (void)
{
  static const char *const odd[] = {
    ":0\r\n",
    ":-1\r\n",
    ":2\r\n",
    ":9223372036854775807\r\n",
    ":-9223372036854775808\r\n",
    "$-1\r\n",
    "$0\r\n\r\n",
    "$2\r\n\xff\0\r\n",
    "*0\r\n",
    "%0\r\n",
    "*1\r\n:1\r\n",
    "$6\r\nkeynum\r\n",
    "#t\r\n",
    ",1.5\r\n",
    ":2147483647\r\n",
  };
  const char *chosen = odd[g_test_rand_int_range (0, G_N_ELEMENTS (odd))];
  g_autoptr (GBytes) resp = g_bytes_new (chosen, chosen[1] == '2' && chosen[0] == '$' ? 8 : strlen (chosen));
  TornadisReply *reply = tornadis_reply_new_from_resp (resp, NULL);

  g_assert_nonnull (reply);
  return reply;
}

/* What the server says, but for some of it: never a key that is not an argument, and no crash. */
static void
test_mutated_replies (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (TornadisReply) reply = call (fixture->client, NULL, "COMMAND", NULL);
  TablePlugin *plugin = make_table (fixture->client);
  AnswerPlugin *answering = g_object_new (ANSWER_TYPE_PLUGIN, NULL);
  guint understood = 0;

  tornadis_client_add_plugin (fixture->client, TORNADIS_PLUGIN (answering), NULL);
  for (guint round = 0; round < 30; round++)
    {
      /* Of so many nodes, only a few may be wrong for the whole to be understood. */
      g_autoptr (TornadisReply) mutated = mutate_reply (reply, round % 3 == 0 ? 100 : 20000, make_odd_reply);
      Told told = { 0 };

      answering->answer = mutated;
      command_table_forget (plugin->table, fixture->client);
      g_assert_false (command_table_is_ready (plugin->table, fixture->client, told_cb, &told));
      g_assert_true (spin_until (&told.told, 60000));
      understood += told.error == NULL;
      g_clear_error (&told.error);
      for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
        g_free (find_keys (plugin, fixture->client, lines[i]));
    }
  g_assert_cmpuint (understood, >, 0);

  tornadis_client_remove_plugin (fixture->client, TORNADIS_PLUGIN (answering));
  g_object_unref (answering);
  drop_table (fixture->client, plugin);
}

#define ADD(name, func) g_test_add ("/command-table/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("like-the-server", test_like_the_server);
  ADD ("like-the-server-resp2", test_like_the_server_resp2);
  ADD ("by-hand", test_by_hand);
  ADD ("one-call", test_one_call);
  ADD ("forgets", test_forgets);
  ADD ("failures", test_failures);
  ADD ("mutated-replies", test_mutated_replies);
  ADD ("key-run", test_key_run);
  ADD ("single-key", test_single_key);
  g_test_add_func ("/command-table/old-server", test_old_server);
  g_test_add_func ("/command-table/hostile-replies", test_hostile_replies);
  g_test_add_func ("/command-table/odd-specs", test_odd_specs);
  g_test_add_func ("/command-table/tips", test_tips);
  g_test_add_func ("/command-table/fault-16-incomplete", test_incomplete);

  return g_test_run ();
}
