/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

#define COUNT "return redis.call('INCRBY', KEYS[1], ARGV[1])"

/* Calls the script with the arguments up to NULL and waits. */
static G_GNUC_NULL_TERMINATED TornadisReply *
run_on (TornadisScript *script,
        gpointer caller,
        GError **error,
        ...)
{
  g_autoptr (TornadisCommand) command = tornadis_script_create_command (script, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  const char *argument;
  va_list arguments;

  va_start (arguments, error);
  while ((argument = va_arg (arguments, const char *)) != NULL)
    tornadis_command_append_string (command, argument);
  va_end (arguments);

  tornadis_script_call_async (script, TORNADIS_CALLER (caller), command, NULL, store_result, &result);

  return tornadis_script_call_finish (script, wait_for_result (&result), error);
}

static void
assert_counts (TornadisScript *script,
               gpointer caller,
               gint64 expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = run_on (script, caller, &error, "n", "1", NULL);

  g_assert_no_error (error);
  g_assert_cmpint (tornadis_reply_get_integer (reply), ==, expected);
}

static TornadisReply *
run_pipeline (TornadisScript *script,
              TornadisClient *client,
              TornadisPipeline *pipeline,
              GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_script_call_pipeline_async (script, TORNADIS_CALLER (client), pipeline, NULL, store_result, &result);
  /* It has them as they were. */
  tornadis_pipeline_clear (pipeline);

  return tornadis_script_call_pipeline_finish (script, wait_for_result (&result), error);
}

static TornadisPipeline *
make_counting_pipeline (TornadisScript *script,
                        gboolean atomic)
{
  TornadisPipeline *pipeline = PIPELINE (atomic, "SET n 5");

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (TornadisCommand) command = tornadis_script_create_command (script, (const char *[]){ "n", "2", NULL });

      tornadis_pipeline_stack_command (pipeline, command);
    }

  return pipeline;
}

static void
assert_replies (TornadisReply *replies,
                const GError *error,
                const char *expected)
{
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = tornadis_reply_to_string (replies);
  g_assert_cmpstr (text, ==, expected);
}

static void
assert_pipeline_counts (TornadisScript *script,
                        TornadisClient *client,
                        gboolean atomic)
{
  g_autoptr (TornadisPipeline) pipeline = make_counting_pipeline (script, atomic);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) replies = run_pipeline (script, client, pipeline, &error);

  assert_replies (replies, error, "1) OK\n2) (integer) 7\n3) (integer) 9\n4) (integer) 11");
}

/* With the source until the digest is known, then by that, and with the source once more when the server has none. */
static void
test_call (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisScript) script = tornadis_script_new (COUNT, 1);
  g_autofree char *digest = NULL;

  g_assert_null (tornadis_script_get_digest (script));
  assert_counts (script, fixture->client, 1);
  wait_until (tornadis_script_get_digest (script) != NULL);
  digest = call_text (fixture->client, "SCRIPT", "EXISTS", tornadis_script_get_digest (script), NULL);
  g_assert_cmpstr (digest, ==, "1) (integer) 1");

  assert_counts (script, fixture->client, 2);
  g_assert_cmpuint (count_calls (fixture->redis, "eval"), ==, 1);
  g_assert_cmpuint (count_calls (fixture->redis, "evalsha"), ==, 1);

  assert_call (fixture->client, "OK", "SCRIPT", "FLUSH", NULL);
  assert_counts (script, fixture->client, 3);
  assert_counts (script, fixture->client, 4);
  g_assert_cmpuint (count_calls (fixture->redis, "eval"), ==, 2);
  /* It is there for good, not only until others are evaluated. */
  wait_until (count_calls (fixture->redis, "script|load") == 2);
}

/* It has run: it does not once more. */
static void
test_own_error (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisScript) script =
    tornadis_script_new ("redis.call('INCR', KEYS[1]) return redis.error_reply('NOSCRIPT of my own')", 1);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (run_on (script, fixture->client, &error, "runs", NULL));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
      g_assert_cmpstr (error->message, ==, "NOSCRIPT of my own");
      wait_until (tornadis_script_get_digest (script) != NULL);
    }
  assert_call (fixture->client, "\"2\"", "GET", "runs", NULL);
}

static void
test_pipeline (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisScript) script = tornadis_script_new (COUNT, 1);

  assert_pipeline_counts (script, fixture->client, FALSE);
  g_assert_cmpuint (count_calls (fixture->redis, "evalsha"), ==, 3);
  assert_call (fixture->client, "OK", "SCRIPT", "FLUSH", NULL);
  assert_pipeline_counts (script, fixture->client, FALSE);
  g_assert_cmpuint (count_calls (fixture->redis, "eval"), ==, 0);
}

static void
test_transaction (Fixture *fixture,
                  gconstpointer data)
{
  g_autoptr (TornadisScript) script = tornadis_script_new (COUNT, 1);

  assert_pipeline_counts (script, fixture->client, TRUE);
  assert_call (fixture->client, "OK", "SCRIPT", "FLUSH", NULL);
  assert_pipeline_counts (script, fixture->client, TRUE);
  g_assert_cmpuint (count_calls (fixture->redis, "eval"), ==, 2);
  g_assert_cmpuint (count_calls (fixture->redis, "evalsha"), ==, 4);
}

/* One call, and other scripts: as they are. */
static void
test_plain_pipeline (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisScript) script = tornadis_script_new (COUNT, 1);
  g_autoptr (TornadisScript) other = tornadis_script_new ("return 'other'", 0);
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "SET n 5");
  g_autoptr (TornadisCommand) command = tornadis_script_create_command (script, (const char *[]){ "n", "2", NULL });
  g_autoptr (TornadisCommand) other_command = tornadis_script_create_command (other, NULL);
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_pipeline_stack_command (pipeline, command);
  tornadis_pipeline_stack_command (pipeline, other_command);
  tornadis_pipeline_stack_command (pipeline, other_command);
  replies = run_pipeline (script, fixture->client, pipeline, &error);
  assert_replies (replies, error, "1) OK\n2) (integer) 7\n3) \"other\"\n4) \"other\"");
  g_assert_cmpuint (count_calls (fixture->redis, "script|load"), ==, 0);
}

static void
test_read_only (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisScript) script =
    g_object_new (TORNADIS_TYPE_SCRIPT, "source", COUNT, "n-keys", 1, "read-only", TRUE, NULL);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (run_on (script, fixture->client, &error, "n", "1", NULL));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
      wait_until (tornadis_script_get_digest (script) != NULL);
    }
  g_assert_cmpuint (count_calls (fixture->redis, "eval_ro") + count_calls (fixture->redis, "evalsha_ro"), ==, 2);
}

/* Without the right to load: always with the source. */
static void
test_refused (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisScript) script = tornadis_script_new (COUNT, 1);

  assert_call (fixture->client, "OK", "ACL", "SETUSER", "default", "-script|load", NULL);
  assert_counts (script, fixture->client, 1);
  assert_counts (script, fixture->client, 2);
  g_assert_null (tornadis_script_get_digest (script));
  assert_pipeline_counts (script, fixture->client, FALSE);
  assert_pipeline_counts (script, fixture->client, TRUE);
  assert_call (fixture->client, "OK", "ACL", "SETUSER", "default", "+script|load", NULL);
}

/* What one client may load, another may not. */
static void
test_refused_to_another (Fixture *fixture,
                         gconstpointer data)
{
  g_autoptr (TornadisScript) script = tornadis_script_new (COUNT, 1);
  g_autoptr (TornadisClient) other = g_object_new (TORNADIS_TYPE_CLIENT, "unix-domain-socket", tornadis_harness_redis_get_socket_path (fixture->redis),
                                                   "username", "other", "password", "any", NULL);

  assert_call (fixture->client, "OK", "ACL", "SETUSER", "other", "on", "nopass", "~*", "+@all", "-script|load", NULL);
  for (gboolean atomic = FALSE; atomic <= TRUE; atomic++)
    {
      assert_pipeline_counts (script, fixture->client, atomic);
      assert_call (fixture->client, "OK", "SCRIPT", "FLUSH", NULL);
      assert_pipeline_counts (script, other, atomic);
    }
}

/* In a transaction that is made by hand there is nothing but what its maker has called. */
static void
test_by_hand (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisScript) script = tornadis_script_new (COUNT, 1);
  g_autoptr (TornadisReply) queued = NULL;
  g_autoptr (GError) error = NULL;

  assert_call (fixture->client, "OK", "MULTI", NULL);
  queued = run_on (script, fixture->client, &error, "n", "1", NULL);
  assert_replies (queued, error, "QUEUED");
  assert_call (fixture->client, "1) (integer) 1", "EXEC", NULL);
  g_assert_null (tornadis_script_get_digest (script));
  assert_counts (script, fixture->client, 2);
  wait_until (tornadis_script_get_digest (script) != NULL);
  g_assert_cmpuint (strlen (tornadis_script_get_digest (script)), ==, 40);

  /* What the server has forgotten is not missing there. */
  assert_call (fixture->client, "OK", "SCRIPT", "FLUSH", NULL);
  assert_call (fixture->client, "OK", "MULTI", NULL);
  g_clear_pointer (&queued, tornadis_reply_unref);
  queued = run_on (script, fixture->client, &error, "n", "1", NULL);
  assert_replies (queued, error, "QUEUED");
  assert_call (fixture->client, "1) (integer) 3", "EXEC", NULL);
}

/* Nor does a call that was made before it become part of it. */
static void
test_begun_meanwhile (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (TornadisScript) script = tornadis_script_new (COUNT, 1);
  g_autoptr (TornadisCommand) command = tornadis_script_create_command (script, (const char *[]){ "n", "1", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  assert_counts (script, fixture->client, 1);
  wait_until (tornadis_script_get_digest (script) != NULL);
  assert_call (fixture->client, "OK", "SCRIPT", "FLUSH", NULL);
  tornadis_script_call_async (script, TORNADIS_CALLER (fixture->client), command, NULL, store_result, &result);
  assert_call (fixture->client, "OK", "MULTI", NULL);
  g_assert_null (tornadis_script_call_finish (script, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  assert_call (fixture->client, "(empty array)", "EXEC", NULL);
}

static void
test_pool (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (fixture->client);
  g_autoptr (TornadisScript) script = tornadis_script_new (COUNT, 1);

  assert_counts (script, pool, 1);
  wait_until (tornadis_script_get_digest (script) != NULL);
  assert_counts (script, pool, 2);
  tornadis_client_pool_destroy (pool);
}

/* Each node learns of it. */
static void
test_cluster (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 0, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);
  g_autoptr (TornadisScript) script = tornadis_script_new (COUNT, 1);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;

  for (guint i = 0; i < 12; i++)
    {
      g_autofree char *key = g_strdup_printf ("n:%u", i);
      g_autoptr (TornadisCommand) command = tornadis_script_create_command (script, (const char *[]){ key, "1", NULL });
      g_autoptr (TornadisReply) reply = run_on (script, client, &error, key, "1", NULL);

      g_assert_no_error (error);
      g_assert_cmpint (tornadis_reply_get_integer (reply), ==, 1);
      tornadis_pipeline_stack_command (pipeline, command);
    }

  assert_call (client, "OK", "SCRIPT", "FLUSH", NULL);
  replies = run_pipeline (script, client, pipeline, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 12; i++)
    g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (replies, i)), ==, 2);
}

static void
test_usage (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisScript) script = tornadis_script_new (COUNT, 1);
  const char *const wrong[][5] = { { "GET", "n" }, { "EVAL", "return 1", "0" }, { "EVAL", COUNT, "1" }, { "EVAL", COUNT, "2", "a", "b" } };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new (wrong[i][0]);
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;

      for (guint j = 1; j < G_N_ELEMENTS (wrong[i]) && wrong[i][j] != NULL; j++)
        tornadis_command_append_string (command, wrong[i][j]);
      tornadis_script_call_async (script, TORNADIS_CALLER (fixture->client), command, NULL, store_result, &result);
      g_assert_null (tornadis_script_call_finish (script, wait_for_result (&result), &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
    }
}

/* The connection is lost while the server is asked for the digest; nothing is left behind. */
static void
test_lost (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect EVAL\nexpect SCRIPT\nreset\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisScript) script = tornadis_script_new (COUNT, 1);
  g_autoptr (GError) error = NULL;

  g_assert_null (run_on (script, client, &error, "n", "1", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_null (tornadis_script_get_digest (script));
  spin_for (0);
  assert_finalized (g_steal_pointer (&script));
}

static void
test_cancel (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect EVAL\nstop-reading\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisScript) script = tornadis_script_new (COUNT, 1);
  g_autoptr (TornadisCommand) command = tornadis_script_create_command (script, (const char *[]){ "n", "1", NULL });
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_script_call_async (script, TORNADIS_CALLER (client), command, cancellable, store_result, &result);
  wait_until (count_received (peer, "EVAL") == 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_script_call_finish (script, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

#define ADD(name, func) g_test_add ("/script/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("call", test_call);
  ADD ("own-error", test_own_error);
  ADD ("pipeline", test_pipeline);
  ADD ("transaction", test_transaction);
  ADD ("plain-pipeline", test_plain_pipeline);
  ADD ("read-only", test_read_only);
  ADD ("refused", test_refused);
  ADD ("refused-to-another", test_refused_to_another);
  ADD ("by-hand", test_by_hand);
  ADD ("begun-meanwhile", test_begun_meanwhile);
  ADD ("pool", test_pool);
  ADD ("usage", test_usage);
  g_test_add_func ("/script/cancel", test_cancel);
  g_test_add_func ("/script/cluster", test_cluster);
  g_test_add_func ("/script/lost", test_lost);

  return g_test_run ();
}
