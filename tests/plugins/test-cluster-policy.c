/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

#include "cluster/cluster-merge.h"
#include "cluster/cluster-route.h"
#include "cluster/cluster-slot.h"
#include "cluster/cluster-split.h"
#include "plugins/reply-text.h"
#include "plugins/table-plugin.h"

typedef struct
{
  const char *line;
  ClusterRequest request;
  ClusterResponse response;
} Case;

#define CASE(line, request, response)                            \
  {                                                              \
    line, CLUSTER_REQUEST_##request, CLUSTER_RESPONSE_##response \
  }

/* What all servers come to, whether they give tips, wrong ones, or none. */
static const Case cases[] = {
  CASE ("GET k", BY_KEY, NONE),
  CASE ("SET k v", BY_KEY, NONE),
  CASE ("HGETALL k", BY_KEY, NONE),
  CASE ("EVAL s 1 k", BY_KEY, NONE),
  CASE ("TIME", BY_KEY, NONE),
  CASE ("CONFIG GET *", BY_KEY, NONE),
  CASE ("PUBLISH c m", BY_KEY, NONE),
  CASE ("CLIENT ID", BY_KEY, NONE),
  CASE ("CLUSTER", BY_KEY, NONE),
  CASE ("MSETNX a 1 b 2", BY_KEY, NONE),
  CASE ("SPUBLISH c m", BY_CHANNEL, NONE),
  CASE ("SSUBSCRIBE c", BY_CHANNEL, NONE),
  CASE ("sunsubscribe c", BY_CHANNEL, NONE),
  CASE ("CLUSTERSCAN 0-{06S}-0", BY_CHANNEL, NONE),
  CASE ("CLUSTER COUNTKEYSINSLOT 5", BY_SLOT, NONE),
  CASE ("CLUSTER GETKEYSINSLOT 5 10", BY_SLOT, NONE),
  CASE ("MGET a b", MULTI_SHARD, NONE),
  CASE ("MSET a 1 b 2", MULTI_SHARD, ALL_SUCCEEDED),
  CASE ("DEL a b", MULTI_SHARD, AGG_SUM),
  CASE ("UNLINK a b", MULTI_SHARD, AGG_SUM),
  CASE ("EXISTS a b", MULTI_SHARD, AGG_SUM),
  CASE ("touch a b", MULTI_SHARD, AGG_SUM),
  CASE ("SCAN 0", CURSOR, NONE),
  CASE ("RANDOMKEY", ALL_SHARDS, ANY),
  CASE ("DBSIZE", ALL_SHARDS, AGG_SUM),
  CASE ("FLUSHALL ASYNC", ALL_SHARDS, ALL_SUCCEEDED),
  CASE ("FLUSHDB", ALL_SHARDS, ALL_SUCCEEDED),
  CASE ("WAIT 1 0", ALL_SHARDS, AGG_MIN),
  CASE ("WAITAOF 1 0 0", ALL_SHARDS, AGG_MIN),
  CASE ("INFO", ALL_SHARDS, BY_NODE),
  CASE ("SAVE", ALL_SHARDS, ALL_SUCCEEDED),
  CASE ("LASTSAVE", ALL_SHARDS, AGG_MIN),
  CASE ("SCRIPT LOAD s", ALL_NODES, ALL_SUCCEEDED),
  CASE ("SCRIPT FLUSH", ALL_NODES, ALL_SUCCEEDED),
  CASE ("script exists a", ALL_SHARDS, AGG_LOGICAL_AND),
  CASE ("SCRIPT KILL", ALL_SHARDS, ONE_SUCCEEDED),
  CASE ("FUNCTION LIST", ALL_SHARDS, JOIN),
  CASE ("FUNCTION LOAD s", ALL_SHARDS, ALL_SUCCEEDED),
  CASE ("FUNCTION DELETE l", ALL_SHARDS, ALL_SUCCEEDED),
  CASE ("FUNCTION FLUSH", ALL_SHARDS, ALL_SUCCEEDED),
  CASE ("FUNCTION RESTORE p", ALL_SHARDS, ALL_SUCCEEDED),
  CASE ("FUNCTION KILL", ALL_SHARDS, ONE_SUCCEEDED),
  CASE ("CONFIG SET a b", ALL_NODES, ALL_SUCCEEDED),
  CASE ("CONFIG RESETSTAT", ALL_NODES, ALL_SUCCEEDED),
  CASE ("CONFIG REWRITE", ALL_NODES, ALL_SUCCEEDED),
  CASE ("ACL SETUSER u", ALL_NODES, ALL_SUCCEEDED),
  CASE ("ACL LOAD", ALL_NODES, ALL_SUCCEEDED),
  CASE ("SLOWLOG LEN", ALL_NODES, AGG_SUM),
  CASE ("SLOWLOG RESET", ALL_NODES, ALL_SUCCEEDED),
  CASE ("LATENCY RESET", ALL_NODES, AGG_SUM),
  CASE ("CLIENT LIST", ALL_NODES, LINES),
  CASE ("CLIENT PAUSE 1", ALL_NODES, ALL_SUCCEEDED),
  CASE ("CLIENT SETNAME x", ALL_NODES, ALL_SUCCEEDED),
  CASE ("CLIENT KILL 127.0.0.1:5", ALL_NODES, ONE_SUCCEEDED),
  CASE ("CLIENT KILL USER x", ALL_NODES, AGG_SUM),
  CASE ("CLIENT KILL USER x ID 5", BY_KEY, NONE),
  CASE ("client kill id 5", BY_KEY, NONE),
  CASE ("PUBSUB CHANNELS", ALL_NODES, UNION),
  CASE ("PUBSUB NUMPAT", ALL_NODES, AGG_SUM),
  CASE ("PUBSUB NUMSUB c", ALL_NODES, SUM_BY_NAME),
  CASE ("PUBSUB SHARDCHANNELS", ALL_NODES, UNION),
  CASE ("PUBSUB SHARDNUMSUB c", ALL_NODES, SUM_BY_NAME),
};

/* What only tips say. */
static const Case tipped[] = {
  CASE ("PING", BY_KEY, NONE),
  CASE ("MEMORY PURGE", ALL_SHARDS, ALL_SUCCEEDED),
  CASE ("MEMORY STATS", ALL_SHARDS, BY_NODE),
  CASE ("FUNCTION STATS", ALL_SHARDS, BY_NODE),
  CASE ("LATENCY LATEST", ALL_NODES, BY_NODE),
  /* These have a rule, and of the reply no tip. */
  CASE ("KEYS *", ALL_SHARDS, JOIN),
  CASE ("SLOWLOG GET", ALL_NODES, JOIN),
};

static void
assert_policy (const CommandEntry *entry,
               const Case *expected)
{
  g_autoptr (TornadisCommand) command = split (expected->line);
  ClusterPolicy policy = cluster_policy_find (entry, command);

  if (policy.request != expected->request || policy.response != expected->response)
    g_error ("%s: %d, %d", expected->line, policy.request, policy.response);
}

static void
test_real (Fixture *fixture,
           gconstpointer data)
{
  TablePlugin *plugin = make_table (fixture->client);

  assert_ready (plugin, fixture->client);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_policy (find_entry (plugin, fixture->client, cases[i].line), &cases[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (tipped); i++)
    {
      const CommandEntry *entry = find_entry (plugin, fixture->client, tipped[i].line);

      g_assert_nonnull (entry);
      assert_policy (entry, &tipped[i]);
    }

  drop_table (fixture->client, plugin);
}

/* As before Redis 7, or for a command that the server does not know. */
static void
test_without_tips (void)
{
  static const Case untipped[] = {
    CASE ("PING", BY_KEY, NONE),
    CASE ("NOSUCH a", BY_KEY, NONE),
    CASE ("KEYS *", ALL_SHARDS, JOIN),
    CASE ("SLOWLOG GET", ALL_NODES, JOIN),
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_policy (NULL, &cases[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (untipped); i++)
    assert_policy (NULL, &untipped[i]);
}

#define COMMAND(name, numbers, tips) "*8\r\n+" name "\r\n:-2\r\n*1\r\n+readonly\r\n" numbers "*0\r\n" tips
#define ALL_BUT_LAST ":1\r\n:-2\r\n:1\r\n"
#define PAIRS ":2\r\n:-1\r\n:2\r\n"
#define NO_KEYS ":0\r\n:0\r\n:0\r\n"

static const char scripted[] =
  "*9\r\n" COMMAND ("json.mget", ALL_BUT_LAST, "*1\r\n+request_policy:multi_shard\r\n")
    COMMAND ("x.pairs", PAIRS, "*2\r\n+response_policy:agg_max\r\n+request_policy:multi_shard\r\n")
      COMMAND ("x.special", PAIRS, "*2\r\n+request_policy:multi_shard\r\n+response_policy:special\r\n")
        COMMAND ("x.cursor", NO_KEYS, "*1\r\n+request_policy:special\r\n")
          COMMAND ("x.new", NO_KEYS, "*2\r\n+request_policy:new_word\r\n+response_policy:agg_sum\r\n")
            COMMAND ("x.odd", NO_KEYS, "*5\r\n:1\r\n*1\r\n+request_policy:all_nodes\r\n+request_policy:\r\n$-1\r\n"
                                       "+request_policy:all_nodes\r\n")
              COMMAND ("x.text", NO_KEYS, "+request_policy:all_nodes\r\n")
                COMMAND ("x.or", NO_KEYS, "%1\r\n+request_policy:all_shards\r\n+response_policy:agg_logical_or\r\n")
  /* A server's word against ours, where ours is no more than a guess. */
  COMMAND ("info", NO_KEYS, "*2\r\n+request_policy:all_nodes\r\n+response_policy:one_succeeded\r\n");

static void
test_scripted (void)
{
  static const Case expected[] = {
    CASE ("JSON.MGET a b $", MULTI_SHARD, NONE),
    CASE ("X.PAIRS o a 1 b 2", MULTI_SHARD, AGG_MAX),
    CASE ("X.SPECIAL o a 1 b 2", BY_KEY, NONE),
    CASE ("X.CURSOR", BY_KEY, NONE),
    CASE ("X.NEW", BY_KEY, NONE),
    CASE ("X.ODD", ALL_NODES, NONE),
    CASE ("X.TEXT", BY_KEY, NONE),
    CASE ("X.OR", ALL_SHARDS, AGG_LOGICAL_OR),
    CASE ("INFO", ALL_NODES, ONE_SUCCEEDED),
  };
  TornadisHarnessPeer *peer;
  TablePlugin *plugin;
  Told told = { 0 };
  TornadisClient *client = make_scripted_table (scripted, &peer, &plugin, &told);

  g_assert_no_error (told.error);
  for (gsize i = 0; i < G_N_ELEMENTS (expected); i++)
    assert_policy (find_entry (plugin, client, expected[i].line), &expected[i]);

  drop_scripted_table (client, peer, plugin);
}

/* The parts of a command line, with what keys they are, or "?". */
static char *
describe_split (const CommandEntry *entry,
                const char *line)
{
  g_autoptr (TornadisCommand) command = split (line);
  g_autoptr (GPtrArray) parts = cluster_split (entry, command);
  GString *text = g_string_new (parts == NULL ? "?" : NULL);

  for (guint i = 0; parts != NULL && i < parts->len; i++)
    {
      const ClusterPart *part = g_ptr_array_index (parts, i);
      g_autoptr (GPtrArray) args = tornadis_command_get_args (part->command);

      for (guint j = 0; j < args->len; j++)
        {
          gsize length;
          const char *data = g_bytes_get_data (g_ptr_array_index (args, j), &length);

          g_string_append_printf (text, "%.*s ", (int) length, data);
        }
      for (guint j = 0; j < part->positions->len; j++)
        g_string_append_printf (text, "%s%u", j == 0 ? "(" : " ", g_array_index (part->positions, guint, j));
      g_string_append (text, i + 1 < parts->len ? "), " : ")");
    }

  return g_string_free (text, FALSE);
}

static void
assert_split (TablePlugin *plugin,
              TornadisClient *client,
              const char *line,
              const char *expected)
{
  const CommandEntry *entry = find_entry (plugin, client, line);
  g_autofree char *parts = NULL;

  g_assert_nonnull (entry);
  parts = describe_split (entry, line);
  if (strcmp (parts, expected) != 0)
    g_error ("“%s” was split into “%s”, not “%s”", line, parts, expected);
}

static void
test_split (Fixture *fixture,
            gconstpointer data)
{
  static const char *const lines[][2] = {
    { "MGET a{1} b{2} c{1}", "MGET a{1} c{1} (0 2), MGET b{2} (1)" },
    { "mget a", "mget a (0)" },
    { "MGET {1}a {1}b", "MGET {1}a {1}b (0 1)" },
    { "MSET {2}a 1 {1}b 2 {2}a 3", "MSET {2}a 1 {2}a 3 (0 2), MSET {1}b 2 (1)" },
    { "MSET {2}a 1 {1}b", "?" },
    { "MSET a", "?" },
    { "MGET", "?" },
    { "DEL {1}a {2}b {1}a", "DEL {1}a {1}a (0 2), DEL {2}b (1)" },
    { "UNLINK {1}a {2}b", "UNLINK {1}a (0), UNLINK {2}b (1)" },
    { "EXISTS {1}a {2}b", "EXISTS {1}a (0), EXISTS {2}b (1)" },
    { "TOUCH {1}a {2}b", "TOUCH {1}a (0), TOUCH {2}b (1)" },
    /* An argument says how many keys there are, or not all are where one run is. */
    { "EVAL s 2 {1}a {2}b", "?" },
    { "ZUNION 2 {1}a {2}b", "?" },
    { "ZUNIONSTORE {1}d 2 {1}a {2}b", "?" },
    { "XREAD STREAMS {1}a {2}b 0 0", "?" },
    { "SORT {1}a STORE {2}b", "?" },
    { "PING", "?" },
  };
  TablePlugin *plugin = make_table (fixture->client);

  assert_ready (plugin, fixture->client);
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    assert_split (plugin, fixture->client, lines[i][0], lines[i][1]);

  drop_table (fixture->client, plugin);
}

static void
test_split_scripted (void)
{
  static const char *const lines[][2] = {
    { "JSON.MGET {1}a {2}b {1}c $", "JSON.MGET {1}a {1}c $ (0 2), JSON.MGET {2}b $ (1)" },
    { "JSON.MGET {1}a $", "JSON.MGET {1}a $ (0)" },
    { "JSON.MGET $", "?" },
    { "X.PAIRS option {1}a 1 {2}b 2", "X.PAIRS option {1}a 1 (0), X.PAIRS option {2}b 2 (1)" },
    { "X.PAIRS option {1}a 1 {2}b", "?" },
    { "X.PAIRS option", "?" },
    { "X.CURSOR a b", "?" },
  };
  TornadisHarnessPeer *peer;
  TablePlugin *plugin;
  Told told = { 0 };
  TornadisClient *client = make_scripted_table (scripted, &peer, &plugin, &told);

  g_assert_no_error (told.error);
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    assert_split (plugin, client, lines[i][0], lines[i][1]);

  drop_scripted_table (client, peer, plugin);
}

/* What the parts are answered is, merged, what the whole is. */
static void
check_merged (TablePlugin *plugin,
              TornadisClient *client,
              TornadisCommand *command)
{
  const CommandEntry *entry = command_table_find (plugin->table, client, command);
  ClusterPolicy policy = cluster_policy_find (entry, command);
  g_autoptr (GPtrArray) parts = cluster_split (entry, command);
  g_autoptr (GArray) positions = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autofree ClusterAnswer *answers = NULL;
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (TornadisReply) merged = NULL;
  g_autoptr (GError) error = NULL;
  guint slot = G_MAXUINT;

  g_assert_cmpint (policy.request, ==, CLUSTER_REQUEST_MULTI_SHARD);
  g_assert_nonnull (parts);
  g_assert_true (command_entry_find_keys (entry, command, positions));
  g_assert_cmpint (cluster_split_find_slot (command, positions, &slot), ==, parts->len == 1);
  g_assert_true (parts->len > 1 || slot == ((ClusterPart *) g_ptr_array_index (parts, 0))->slot);
  for (guint i = 0; i < parts->len; i++)
    tornadis_pipeline_stack_command (pipeline, ((ClusterPart *) g_ptr_array_index (parts, i))->command);
  tornadis_pipeline_stack_command (pipeline, command);

  replies = call_pipeline (client, pipeline, NULL, &error);
  g_assert_no_error (error);
  answers = g_new0 (ClusterAnswer, parts->len);
  for (guint i = 0; i < parts->len; i++)
    {
      answers[i].node = "h:1";
      answers[i].reply = tornadis_reply_get_element (replies, i);
      answers[i].positions = ((ClusterPart *) g_ptr_array_index (parts, i))->positions;
    }

  merged = cluster_merge (policy.response, answers, parts->len, &error);
  g_assert_no_error (error);
  g_assert_true (replies_are_equal (merged, tornadis_reply_get_element (replies, parts->len)));
}

static TornadisCommand *
make_command (const char *name)
{
  TornadisCommand *command = tornadis_command_new (name);
  int n = g_test_rand_int_range (1, 60);
  int n_tags = g_test_rand_bit () ? 1 : 5;

  for (int i = 0; i < n; i++)
    {
      g_autofree char *key = g_strdup_printf ("%d{%d}", g_test_rand_int_range (0, 30), g_test_rand_int_range (0, n_tags));

      tornadis_command_append_string (command, key);
      if (strcmp (name, "MSET") == 0)
        tornadis_command_append_int64 (command, i);
    }

  return command;
}

static void
test_split_and_merged (Fixture *fixture,
                       gconstpointer data)
{
  static const char *const names[] = { "MSET", "MGET", "EXISTS", "TOUCH" };
  TablePlugin *plugin = make_table (fixture->client);

  assert_ready (plugin, fixture->client);
  for (guint round = 0; round < 200; round++)
    {
      g_autoptr (TornadisCommand) command = make_command (names[round % G_N_ELEMENTS (names)]);

      check_merged (plugin, fixture->client, command);
    }

  drop_table (fixture->client, plugin);
}

/* Replies of a real server to what goes to all nodes, as if there were two: their kinds go together. */
static void
test_merged_real (Fixture *fixture,
                  gconstpointer data)
{
  static const struct
  {
    const char *line;
    TornadisReplyKind kind;
  } lines[] = {
    { "DBSIZE", TORNADIS_REPLY_KIND_INTEGER },
    { "KEYS *", TORNADIS_REPLY_KIND_ARRAY },
    { "FLUSHALL", TORNADIS_REPLY_KIND_STATUS },
    { "INFO server", TORNADIS_REPLY_KIND_VERBATIM },
    { "CLIENT LIST", TORNADIS_REPLY_KIND_VERBATIM },
    { "RANDOMKEY", TORNADIS_REPLY_KIND_NIL },
    { "SCRIPT EXISTS a b", TORNADIS_REPLY_KIND_ARRAY },
    { "SCRIPT LOAD 'return 1'", TORNADIS_REPLY_KIND_STRING },
    { "SCRIPT KILL", TORNADIS_REPLY_KIND_ERROR },
    { "PUBSUB CHANNELS", TORNADIS_REPLY_KIND_ARRAY },
    { "PUBSUB NUMSUB a b", TORNADIS_REPLY_KIND_ARRAY },
    { "PUBSUB SHARDNUMSUB a b", TORNADIS_REPLY_KIND_ARRAY },
    { "PUBSUB NUMPAT", TORNADIS_REPLY_KIND_INTEGER },
    { "LATENCY RESET", TORNADIS_REPLY_KIND_INTEGER },
    { "LATENCY LATEST", TORNADIS_REPLY_KIND_MAP },
    { "LATENCY DOCTOR", TORNADIS_REPLY_KIND_VERBATIM },
    { "MEMORY STATS", TORNADIS_REPLY_KIND_MAP },
    { "SLOWLOG GET", TORNADIS_REPLY_KIND_ARRAY },
    { "SLOWLOG LEN", TORNADIS_REPLY_KIND_INTEGER },
    { "WAIT 0 0", TORNADIS_REPLY_KIND_INTEGER },
    { "LASTSAVE", TORNADIS_REPLY_KIND_INTEGER },
    { "CONFIG SET maxmemory 0", TORNADIS_REPLY_KIND_STATUS },
    { "CLIENT KILL USER nobody", TORNADIS_REPLY_KIND_ERROR },
    { "ACL DELUSER nobody", TORNADIS_REPLY_KIND_INTEGER },
    { "FUNCTION FLUSH", TORNADIS_REPLY_KIND_STATUS },
    { "FUNCTION LIST", TORNADIS_REPLY_KIND_ARRAY },
  };
  TablePlugin *plugin = make_table (fixture->client);

  assert_ready (plugin, fixture->client);
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (TornadisCommand) command = split (lines[i].line);
      ClusterPolicy policy = cluster_policy_find (command_table_find (plugin->table, fixture->client, command), command);
      g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
      g_autoptr (TornadisReply) replies = NULL;
      g_autoptr (TornadisReply) merged = NULL;
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", lines[i].line);
      tornadis_pipeline_stack_command (pipeline, command);
      tornadis_pipeline_stack_command (pipeline, command);
      replies = call_pipeline (fixture->client, pipeline, NULL, &error);
      g_assert_no_error (error);
      merged = cluster_merge (policy.response,
                              (ClusterAnswer[]){ { .node = "h:1", .reply = tornadis_reply_get_element (replies, 0) },
                                                 { .node = "h:2", .reply = tornadis_reply_get_element (replies, 1) } },
                              2, &error);
      g_assert_no_error (error);
      g_assert_cmpint (tornadis_reply_get_kind (merged), ==, lines[i].kind);
    }

  drop_table (fixture->client, plugin);
}

static void
test_find_slot (void)
{
  static const struct
  {
    const char *line;
    guint positions[3];
    guint n;
    gboolean found;
  } lines[] = {
    { "GET foo", { 1 }, 1, TRUE },
    { "MGET foo {foo}1 foo", { 1, 2, 3 }, 3, TRUE },
    { "MSET foo {bar} {foo} {baz}", { 1, 3 }, 2, TRUE },
    { "MGET foo bar", { 1, 2 }, 2, FALSE },
    { "PING foo", { 0 }, 0, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (TornadisCommand) command = split (lines[i].line);
      g_autoptr (GArray) positions = g_array_new (FALSE, FALSE, sizeof (guint));
      guint slot = 0;

      g_array_append_vals (positions, lines[i].positions, lines[i].n);
      g_assert_cmpint (cluster_split_find_slot (command, positions, &slot), ==, lines[i].found);
      if (lines[i].found)
        g_assert_cmpuint (slot, ==, cluster_slot_of ("foo", 3));
    }
}

/* A command of this name, which may have a subcommand behind a bar, and nothing but keys behind it. */
static TornadisCommand *
make_keyed (const char *name)
{
  g_auto (GStrv) words = g_strsplit (name, "|", 2);
  TornadisCommand *command = tornadis_command_new_strv ((const char *const *) words);

  for (guint i = 0; i < 9; i++)
    {
      g_autofree char *key = g_strdup_printf ("key %u", i);

      tornadis_command_append_string (command, key);
    }

  return command;
}

/* TRUE: it goes by a slot that is found at once. Then it goes there by all that is known of it, too. */
static gboolean
check_route (TablePlugin *plugin,
             TornadisClient *client,
             const char *name)
{
  g_autoptr (TornadisCommand) command = make_keyed (name);
  g_autoptr (GArray) positions = g_array_new (FALSE, FALSE, sizeof (guint));
  const CommandEntry *entry = command_table_find (plugin->table, client, command);
  guint slot = G_MAXUINT, expected = 0;

  g_test_message ("%s", name);
  if (!cluster_route_find_slot (entry, command, &slot))
    {
      g_assert_cmpuint (slot, ==, G_MAXUINT);
      return FALSE;
    }

  g_assert_cmpint (cluster_policy_find (entry, command).request, ==, CLUSTER_REQUEST_BY_KEY);
  g_assert_cmpint (cluster_policy_find (NULL, command).request, ==, CLUSTER_REQUEST_BY_KEY);
  g_assert_true (command_entry_find_keys (entry, command, positions));
  g_assert_true (cluster_split_find_slot (command, positions, &expected));
  g_assert_cmpuint (slot, ==, expected);
  return TRUE;
}

static void
test_route (Fixture *fixture,
            gconstpointer data)
{
  TablePlugin *plugin = make_table (fixture->client);
  g_autoptr (TornadisCommand) keyless = split ("GET");
  g_autoptr (TornadisReply) names = NULL;
  g_autoptr (GError) error = NULL;
  guint n = 0, slot;

  assert_ready (plugin, fixture->client);
  names = call (fixture->client, &error, "COMMAND", "LIST", NULL);
  g_assert_no_error (error);
  for (gsize i = 0; i < tornadis_reply_get_n_elements (names); i++)
    n += check_route (plugin, fixture->client, tornadis_reply_get_text (tornadis_reply_get_element (names, i)));

  g_assert_cmpuint (n, >, 100);
  g_assert_true (check_route (plugin, fixture->client, "get"));
  g_assert_true (check_route (plugin, fixture->client, "object|encoding"));
  g_assert_false (cluster_route_find_slot (find_entry (plugin, fixture->client, "GET"), keyless, &slot));
  g_assert_false (cluster_route_find_slot (NULL, keyless, &slot));

  drop_table (fixture->client, plugin);
}

#define ADD(name, func) g_test_add ("/cluster-" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("policy/real", test_real);
  g_test_add_func ("/cluster-policy/without-tips", test_without_tips);
  g_test_add_func ("/cluster-policy/scripted", test_scripted);
  ADD ("policy/merged-real", test_merged_real);
  ADD ("route/real", test_route);
  ADD ("split/real", test_split);
  g_test_add_func ("/cluster-split/scripted", test_split_scripted);
  ADD ("split/merged", test_split_and_merged);
  g_test_add_func ("/cluster-split/find-slot", test_find_slot);

  return g_test_run ();
}
