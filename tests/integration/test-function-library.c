/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

#define NAME "#!lua name=counts\n"
#define COUNT "redis.register_function('count', function(keys, args) return redis.call('INCRBY', keys[1], args[1]) end)"
#define SAY(number) \
  "redis.register_function{function_name='say', callback=function() return " #number " end, flags={'no-writes'}}"

static gboolean
ensure (TornadisFunctionLibrary *library,
        gpointer caller,
        GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_function_library_ensure_async (library, TORNADIS_CALLER (caller), NULL, store_result, &result);

  return tornadis_function_library_ensure_finish (library, wait_for_result (&result), error);
}

static TornadisReply *
run_on (TornadisFunctionLibrary *library,
        gpointer caller,
        TornadisCommand *command,
        GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_function_library_call_async (library, TORNADIS_CALLER (caller), command, NULL, store_result, &result);

  return tornadis_function_library_call_finish (library, wait_for_result (&result), error);
}

static void
assert_counts (TornadisFunctionLibrary *library,
               gpointer caller,
               const char *key,
               gint64 expected)
{
  g_autoptr (TornadisCommand) command =
    tornadis_function_library_create_command (library, "count", 1, (const char *[]){ key, "1", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = run_on (library, caller, command, &error);

  g_assert_no_error (error);
  g_assert_cmpint (tornadis_reply_get_integer (reply), ==, expected);
}

static void
assert_says (TornadisFunctionLibrary *library,
             gpointer caller,
             gint64 expected)
{
  g_autoptr (TornadisCommand) command = tornadis_function_library_create_read_only_command (library, "say", 0, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = run_on (library, caller, command, &error);

  g_assert_no_error (error);
  g_assert_cmpint (tornadis_reply_get_integer (reply), ==, expected);
}

static void
assert_has (TornadisClient *client,
            const char *text)
{
  g_autofree char *list = call_text (client, "FUNCTION", "LIST", "WITHCODE", NULL);

  g_assert_nonnull (strstr (list, text));
}

static void
test_ensure (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisFunctionLibrary) first = tornadis_function_library_new (NAME SAY (1), 1);
  g_autoptr (TornadisFunctionLibrary) second = tornadis_function_library_new (NAME SAY (2), 2);

  for (TornadisProtocol protocol = TORNADIS_PROTOCOL_RESP2; protocol <= TORNADIS_PROTOCOL_RESP3; protocol++)
    {
      tornadis_client_close (fixture->client);
      g_object_set (fixture->client, "protocol", protocol, NULL);

      assert_done (ensure, first, fixture->client);
      assert_has (fixture->client, "-- tornadis-version: 1");
      assert_done (ensure, first, fixture->client);
      assert_says (first, fixture->client, 1);
      assert_done (ensure, second, fixture->client);
      assert_has (fixture->client, "-- tornadis-version: 2");
      assert_says (second, fixture->client, 2);
      /* A newer one stays. */
      assert_done (ensure, first, fixture->client);
      assert_says (first, fixture->client, 2);
      assert_call (fixture->client, "OK", "FUNCTION", "FLUSH", NULL);
    }
}

/* What others have loaded counts as version 0. */
static void
test_foreign (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisFunctionLibrary) none = tornadis_function_library_new (NAME SAY (0), 0);
  g_autoptr (TornadisFunctionLibrary) first = tornadis_function_library_new (NAME SAY (1), G_MAXUINT64);

  assert_call (fixture->client, "\"counts\"", "FUNCTION", "LOAD", NAME SAY (7), NULL);
  assert_done (ensure, none, fixture->client);
  assert_says (none, fixture->client, 7);
  assert_done (ensure, first, fixture->client);
  assert_says (first, fixture->client, 1);
  assert_has (fixture->client, "-- tornadis-version: 18446744073709551615");
}

static void
test_call (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisFunctionLibrary) library = tornadis_function_library_new (NAME COUNT, 1);

  g_assert_cmpstr (tornadis_function_library_get_name (library), ==, "counts");
  g_assert_cmpstr (tornadis_function_library_get_code (library), ==, NAME COUNT);
  g_assert_cmpuint (tornadis_function_library_get_version (library), ==, 1);
  assert_counts (library, fixture->client, "n", 1);
  assert_counts (library, fixture->client, "n", 2);
  g_assert_cmpuint (count_calls (fixture->redis, "function|load"), ==, 1);
  assert_call (fixture->client, "OK", "FUNCTION", "FLUSH", NULL);
  assert_counts (library, fixture->client, "n", 3);
  g_assert_cmpuint (count_calls (fixture->redis, "function|load"), ==, 2);
}

/* An older version that has no such function is replaced when it is called. */
static void
test_call_older (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisFunctionLibrary) first = tornadis_function_library_new (NAME SAY (1), 1);
  g_autoptr (TornadisFunctionLibrary) second = tornadis_function_library_new (NAME SAY (2) "\n" COUNT, 2);
  g_autoptr (TornadisCommand) command = tornadis_function_library_create_command (first, "other", 0, NULL);
  g_autoptr (GError) error = NULL;

  assert_done (ensure, first, fixture->client);
  assert_counts (second, fixture->client, "n", 1);
  assert_says (second, fixture->client, 2);

  /* One that none has is called twice, and no more. */
  g_assert_null (run_on (first, fixture->client, command, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_assert_cmpstr (error->message, ==, "ERR Function not found");
  assert_says (second, fixture->client, 2);
}

/* It has run: it does not once more. */
static void
test_own_error (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisFunctionLibrary) library =
    tornadis_function_library_new (NAME "redis.register_function('fail', function(keys) redis.call('INCR', keys[1]) "
                                        "return redis.error_reply('ERR Function not found by me') end)",
                                   1);
  g_autoptr (TornadisCommand) command =
    tornadis_function_library_create_command (library, "fail", 1, (const char *[]){ "runs", NULL });

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (run_on (library, fixture->client, command, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
      g_assert_cmpstr (error->message, ==, "ERR Function not found by me");
    }
  assert_call (fixture->client, "\"2\"", "GET", "runs", NULL);
}

static void
test_read_only (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisFunctionLibrary) library = tornadis_function_library_new (NAME COUNT, 1);
  g_autoptr (TornadisCommand) command =
    tornadis_function_library_create_read_only_command (library, "count", 1, (const char *[]){ "n", "1", NULL });
  g_autoptr (GError) error = NULL;

  g_assert_null (run_on (library, fixture->client, command, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_assert_cmpuint (count_calls (fixture->redis, "fcall"), ==, 0);
  assert_call (fixture->client, "(nil)", "GET", "n", NULL);
}

static void
test_pool (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (fixture->client);
  g_autoptr (TornadisFunctionLibrary) library = tornadis_function_library_new (NAME COUNT, 1);

  assert_counts (library, pool, "n", 1);
  assert_done (ensure, library, pool);
  tornadis_client_pool_destroy (pool);
}

static void
assert_refused (Fixture *fixture,
                const char *code,
                TornadisError expected)
{
  g_autoptr (TornadisFunctionLibrary) library = tornadis_function_library_new (code, 1);
  g_autoptr (GError) error = NULL;

  g_assert_false (ensure (library, fixture->client, &error));
  g_assert_error (error, TORNADIS_ERROR, (int) expected);
}

static void
test_errors (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisFunctionLibrary) library = tornadis_function_library_new (NAME COUNT, 1);
  g_autoptr (TornadisCommand) other = tornadis_command_new ("PING");
  g_autoptr (GError) error = NULL;

  assert_refused (fixture, COUNT, TORNADIS_ERROR_USAGE);
  assert_refused (fixture, "", TORNADIS_ERROR_USAGE);
  assert_refused (fixture, "#!lua\n" COUNT, TORNADIS_ERROR_USAGE);
  assert_refused (fixture, "#!lua name=\n" COUNT, TORNADIS_ERROR_USAGE);
  assert_refused (fixture, "#!lua name=\"counts\"\n" COUNT, TORNADIS_ERROR_USAGE);
  assert_refused (fixture, "#!js name=counts\n" COUNT, TORNADIS_ERROR_USAGE);
  assert_refused (fixture, NAME "no Lua", TORNADIS_ERROR_REPLY);
  assert_done (ensure, library, fixture->client);
  assert_refused (fixture, "#!lua name=others\n" COUNT, TORNADIS_ERROR_REPLY);

  g_assert_null (run_on (library, fixture->client, other, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
}

/* Also where words are parted otherwise. */
static void
test_names (Fixture *fixture,
            gconstpointer data)
{
  const char *const heads[] = { "#!lua name=n\n", "#!lua  name=n \n", "#!LUA\tname=n\r\n" };

  for (guint i = 0; i < G_N_ELEMENTS (heads); i++)
    {
      g_autofree char *code = g_strconcat (heads[i], SAY (1) " -- the end", NULL);
      g_autoptr (TornadisFunctionLibrary) library = tornadis_function_library_new (code, i + 1);

      g_assert_cmpstr (tornadis_function_library_get_name (library), ==, "n");
      assert_done (ensure, library, fixture->client);
      assert_says (library, fixture->client, 1);
    }
  assert_has (fixture->client, "-- tornadis-version: 3");
}

/* FUNCTION LIST finds others too, of a name in other letters. */
static void
test_similar_names (Fixture *fixture,
                    gconstpointer data)
{
  const char *const others[] = { "Counts", "COUNTS", "countS", "cOunts" };
  g_autoptr (TornadisFunctionLibrary) first = tornadis_function_library_new (NAME SAY (1), 1);
  g_autoptr (TornadisFunctionLibrary) second = tornadis_function_library_new (NAME SAY (2), 2);

  assert_done (ensure, first, fixture->client);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autofree char *code =
        g_strdup_printf ("#!lua name=%s\nredis.register_function('other%u', function() return %u end)", others[i], i, i);
      g_autoptr (TornadisFunctionLibrary) other = tornadis_function_library_new (code, i % 2 == 0 ? 7 : 0);

      assert_done (ensure, other, fixture->client);
    }

  assert_done (ensure, first, fixture->client);
  assert_says (first, fixture->client, 1);
  assert_done (ensure, second, fixture->client);
  assert_says (second, fixture->client, 2);
  assert_call (fixture->client, "(integer) 2", "FCALL", "other2", "0", NULL);
}

/* Two at once, of which one replaces what the other has just loaded: the newer one is there in the end. */
static void
test_together (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisFunctionLibrary) first = tornadis_function_library_new (NAME SAY (1), 1);
  TornadisFunctionLibrary *versions[2] = {
    tornadis_function_library_new (NAME SAY (2), 2),
    tornadis_function_library_new (NAME SAY (3), 3),
  };
  g_autoptr (TornadisClient) other =
    tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  TornadisClient *clients[2] = { fixture->client, other };

  for (guint i = 0; i < 40; i++)
    {
      GAsyncResult *results[2] = { NULL, NULL };

      /* With and without an older one. */
      if (i % 4 < 2)
        assert_done (ensure, first, fixture->client);
      for (guint j = 0; j < 2; j++)
        tornadis_function_library_ensure_async (versions[(i + j) % 2], TORNADIS_CALLER (clients[j]), NULL, store_result,
                                                &results[j]);
      for (guint j = 0; j < 2; j++)
        {
          assert_done (tornadis_function_library_ensure_finish, versions[(i + j) % 2], wait_for_result (&results[j]));
          g_object_unref (results[j]);
        }
      assert_says (first, fixture->client, 3);
      assert_call (fixture->client, "OK", "FUNCTION", "FLUSH", NULL);
    }

  for (guint i = 0; i < 2; i++)
    assert_finalized (versions[i]);
}

#define LOADED "expect FUNCTION\nsend \"-ERR Library 'counts' already exists\\r\\n\"\n"
#define LIST(number) \
  "*1\\r\\n*4\\r\\n$12\\r\\nlibrary_name\\r\\n$6\\r\\ncounts\\r\\n$12\\r\\nlibrary_code\\r\\n$31\\r\\n#!lua\\n-- tornadis-version: 000" #number "\\r\\n"
#define REPLACED(number)                                          \
  "expect MULTI\nexpect FUNCTION\nexpect FUNCTION\nexpect EXEC\n" \
  "send \"+OK\\r\\n+QUEUED\\r\\n+QUEUED\\r\\n*2\\r\\n" LIST (number) "$6\\r\\ncounts\\r\\n\"\n"

/* What was newer, and was replaced all the same, is put back. */
static void
test_put_back (void)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("handshake\n" LOADED "expect FUNCTION\nsend \"" LIST (1) "\"\n" REPLACED (3) REPLACED (2));
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisFunctionLibrary) library = tornadis_function_library_new (NAME SAY (2), 2);
  g_autofree char *received = NULL;
  const char *replaced;

  assert_done (ensure, library, client);
  received = tornadis_harness_peer_get_received (peer);
  replaced = g_strrstr (received, "REPLACE");
  g_assert_nonnull (replaced);
  g_assert_nonnull (strstr (replaced, "tornadis-version: 0003"));
}

static void
test_bad_replies (void)
{
#define NAMED "*1\\r\\n*4\\r\\n$12\\r\\nlibrary_name\\r\\n$6\\r\\ncounts\\r\\n"
  const char *const replies[] = { "+OK",
                                  ":1",
                                  "*1\\r\\n:1",
                                  "*1\\r\\n*0",
                                  NAMED "$12\\r\\nlibrary_code\\r\\n:1",
                                  NAMED "$7\\r\\nengines\\r\\n$3\\r\\nLUA",
                                  "*1\\r\\n*2\\r\\n$12\\r\\nlibrary_code\\r\\n$1\\r\\na",
                                  "$-1",
                                  "*-1" };

  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      g_autofree char *script = g_strdup_printf ("handshake\n" LOADED "expect FUNCTION\nsend \"%s\\r\\n\"\n", replies[i]);
      g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
      g_autoptr (TornadisClient) client = make_client (peer);
      g_autoptr (TornadisFunctionLibrary) library = tornadis_function_library_new (NAME COUNT, 1);
      g_autoptr (GError) error = NULL;

      g_assert_false (ensure (library, client, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
    }
}

/* It is never there when it is looked for: that has an end. */
static void
test_restless (void)
{
  g_autoptr (GString) script = g_string_new ("handshake\n");
  g_autoptr (TornadisHarnessPeer) peer = NULL;
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (TornadisFunctionLibrary) library = tornadis_function_library_new (NAME COUNT, 1);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 100; i++)
    g_string_append (script, LOADED "expect FUNCTION\nsend \"*0\\r\\n\"\n");
  peer = make_peer (script->str);
  client = make_client (peer);
  g_assert_false (ensure (library, client, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);
}

static void
assert_nodes_have (TornadisHarnessCluster *cluster,
                   const char *text)
{
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *list = tornadis_harness_cluster_command (cluster, i, "FUNCTION LIST WITHCODE", &error);

      g_assert_no_error (error);
      g_assert_nonnull (strstr (list, text));
    }
}

static void
test_cluster (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 0, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);
  g_autoptr (TornadisFunctionLibrary) first = tornadis_function_library_new (NAME COUNT, 1);
  g_autoptr (TornadisFunctionLibrary) second = tornadis_function_library_new (NAME COUNT "\n" SAY (2), 2);

  assert_done (ensure, first, client);
  for (guint round = 1; round <= 4; round++)
    {
      g_autofree char *flushed = NULL;

      for (guint i = 0; i < 12; i++)
        {
          g_autofree char *key = g_strdup_printf ("n:%u", i);

          assert_counts (round < 3 ? first : second, client, key, round);
        }
      /* One that has it not: it is loaded there, though others have it. */
      if (round == 1)
        flushed = tornadis_harness_cluster_command (cluster, 1, "FUNCTION FLUSH", &error);
      g_assert_no_error (error);
      if (round == 2)
        assert_done (ensure, second, client);
    }

  assert_nodes_have (cluster, "-- tornadis-version: 2");
}

/* Masters that have different versions, or none: all come to have the newest. */
static void
test_cluster_versions (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 0, NULL);
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);
  TornadisFunctionLibrary *versions[] = {
    tornadis_function_library_new (NAME SAY (0), 0),
    tornadis_function_library_new (NAME SAY (1), 1),
    tornadis_function_library_new (NAME SAY (2), 2),
    tornadis_function_library_new (NAME SAY (3), 3),
  };

  for (guint newest = 0; newest < 3; newest++)
    {
      assert_call (client, "OK", "FUNCTION", "FLUSH", NULL);
      for (guint i = 0; i < 2; i++)
        {
          guint at = (newest + i) % 3;
          TornadisHarnessRedis *node = tornadis_harness_cluster_get_node (cluster, at);
          g_autoptr (TornadisClient) direct = tornadis_client_new ("127.0.0.1", tornadis_harness_redis_get_port (node));

          assert_done (ensure, versions[2 - i], direct);
        }

      /* Whichever of them it would be that was asked alone. */
      assert_done (ensure, versions[newest], client);
      assert_nodes_have (cluster, "-- tornadis-version: 2");
      assert_done (ensure, versions[3], client);
      assert_nodes_have (cluster, "-- tornadis-version: 3");
      assert_done (ensure, versions[1], client);
      assert_nodes_have (cluster, "-- tornadis-version: 3");
    }

  for (guint i = 0; i < G_N_ELEMENTS (versions); i++)
    assert_finalized (versions[i]);
}

/* Two programs at once: the newer one is on all masters in the end. */
static void
test_cluster_together (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 0, NULL);
  g_autoptr (TornadisFunctionLibrary) first = tornadis_function_library_new (NAME SAY (1), 1);
  TornadisFunctionLibrary *versions[2] = {
    tornadis_function_library_new (NAME SAY (2), 2),
    tornadis_function_library_new (NAME SAY (3), 3),
  };
  TornadisClient *clients[2];

  for (guint i = 0; i < 2; i++)
    clients[i] = make_cluster_client (cluster, NULL);

  for (guint i = 0; i < 12; i++)
    {
      GAsyncResult *results[2] = { NULL, NULL };

      if (i % 4 < 2)
        assert_done (ensure, first, clients[0]);
      for (guint j = 0; j < 2; j++)
        tornadis_function_library_ensure_async (versions[(i + j) % 2], TORNADIS_CALLER (clients[j]), NULL, store_result,
                                                &results[j]);
      for (guint j = 0; j < 2; j++)
        {
          assert_done (tornadis_function_library_ensure_finish, versions[(i + j) % 2], wait_for_result (&results[j]));
          g_object_unref (results[j]);
        }
      assert_nodes_have (cluster, "-- tornadis-version: 3");
      assert_call (clients[0], "OK", "FUNCTION", "FLUSH", NULL);
    }

  for (guint i = 0; i < 2; i++)
    {
      assert_finalized (versions[i]);
      assert_client_finalized (clients[i]);
    }
}

static void
test_lost (void)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("handshake\nexpect FCALL\nsend \"-ERR Function not found\\r\\n\"\nexpect FUNCTION\nreset\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisFunctionLibrary) library = tornadis_function_library_new (NAME COUNT, 1);
  g_autoptr (TornadisCommand) command = tornadis_function_library_create_command (library, "count", 0, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (run_on (library, client, command, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  spin_for (0);
  assert_finalized (g_steal_pointer (&library));
}

static void
test_cancel (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisFunctionLibrary) library = tornadis_function_library_new (NAME COUNT, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_function_library_ensure_async (library, TORNADIS_CALLER (fixture->client), cancellable, store_result, &result);
  g_cancellable_cancel (cancellable);
  g_assert_false (tornadis_function_library_ensure_finish (library, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

#define ADD(name, func) g_test_add ("/function-library/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("ensure", test_ensure);
  ADD ("foreign", test_foreign);
  ADD ("call", test_call);
  ADD ("call-older", test_call_older);
  ADD ("own-error", test_own_error);
  ADD ("read-only", test_read_only);
  ADD ("pool", test_pool);
  ADD ("errors", test_errors);
  ADD ("names", test_names);
  ADD ("similar-names", test_similar_names);
  g_test_add ("/function-library/similar-names/resp2", Fixture, NULL, fixture_set_up_resp2, test_similar_names, fixture_tear_down);
  ADD ("together", test_together);
  ADD ("cancel", test_cancel);
  g_test_add_func ("/function-library/put-back", test_put_back);
  g_test_add_func ("/function-library/bad-replies", test_bad_replies);
  g_test_add_func ("/function-library/restless", test_restless);
  g_test_add_func ("/function-library/cluster", test_cluster);
  g_test_add_func ("/function-library/cluster-versions", test_cluster_versions);
  g_test_add_func ("/function-library/cluster-together", test_cluster_together);
  g_test_add_func ("/function-library/lost", test_lost);

  return g_test_run ();
}
