/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <stdlib.h>
#include <string.h>

static void
stack (TornadisPipeline *pipeline,
       const char *line)
{
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);

  tornadis_pipeline_stack_strv (pipeline, (const char *const *) argv);
}

static void
assert_pipeline (TornadisClient *client,
                 TornadisPipeline *pipeline,
                 const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = call_pipeline (client, pipeline, NULL, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = tornadis_reply_to_string (reply);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_object (void)
{
  TornadisPipeline *pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisCommand) command = tornadis_command_new ("PING");
  gboolean atomic;
  guint n;

  g_assert_cmpuint (tornadis_pipeline_get_number_of_stacked_calls (pipeline), ==, 0);
  g_assert_null (tornadis_pipeline_get_command (pipeline, 0));
  tornadis_pipeline_stack_command (pipeline, command);
  stack (pipeline, "GET k");
  g_object_get (pipeline, "number-of-stacked-calls", &n, "atomic", &atomic, NULL);
  g_assert_cmpuint (n, ==, 2);
  g_assert_false (atomic);
  g_assert_true (tornadis_pipeline_get_command (pipeline, 0) == command);
  g_assert_cmpstr (tornadis_command_get_name (tornadis_pipeline_get_command (pipeline, 1)), ==, "GET");

  /* A stacked command cannot be changed. */
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*");
  tornadis_command_append_string (command, "more");
  g_test_assert_expected_messages ();
  g_assert_cmpuint (tornadis_command_get_n_args (command), ==, 1);

  g_object_set (pipeline, "atomic", TRUE, NULL);
  g_assert_true (tornadis_pipeline_get_atomic (pipeline));
  tornadis_pipeline_clear (pipeline);
  g_assert_cmpuint (tornadis_pipeline_get_number_of_stacked_calls (pipeline), ==, 0);
  g_assert_finalize_object (pipeline);
}

static void
test_replies (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

  stack (pipeline, "SET foo bar");
  stack (pipeline, "GET foo");
  stack (pipeline, "LPUSH foo x");
  stack (pipeline, "INCR n");
  assert_pipeline (fixture->client, pipeline,
                   "1) OK\n2) \"bar\"\n3) (error) WRONGTYPE Operation against a key holding the wrong kind of value\n4) (integer) 1");
  /* Not used up, and may be added to. */
  stack (pipeline, "PING");
  assert_pipeline (fixture->client, pipeline,
                   "1) OK\n2) \"bar\"\n3) (error) WRONGTYPE Operation against a key holding the wrong kind of value\n4) (integer) 2\n5) PONG");
}

static void
test_empty (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GError) error = NULL;

  g_assert_null (call_pipeline (fixture->client, pipeline, NULL, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_assert_cmpstr (error->message, ==, "empty pipeline");
  g_clear_error (&error);

  stack (pipeline, "PING");
  stack (pipeline, "SUBSCRIBE a");
  g_assert_null (call_pipeline (fixture->client, pipeline, NULL, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

/* What is sent is what it held then. */
static void
test_changed_under_way (Fixture *fixture,
                        gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (TornadisReply) first_reply = NULL;
  g_autoptr (TornadisReply) second_reply = NULL;

  stack (pipeline, "PING");
  tornadis_client_call_pipeline_async (fixture->client, pipeline, NULL, store_result, &first);
  stack (pipeline, "ECHO x");
  tornadis_client_call_pipeline_async (fixture->client, pipeline, NULL, store_result, &second);
  tornadis_pipeline_clear (pipeline);

  first_reply = tornadis_client_call_pipeline_finish (fixture->client, wait_for_result (&first), NULL);
  second_reply = tornadis_client_call_pipeline_finish (fixture->client, wait_for_result (&second), NULL);
  g_assert_cmpuint (tornadis_reply_get_n_elements (first_reply), ==, 1);
  g_assert_cmpuint (tornadis_reply_get_n_elements (second_reply), ==, 2);
}

static void
count_cb (TornadisPipeline *pipeline,
          GParamSpec *pspec,
          gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_stack_commands (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisCommand) one = tornadis_command_new_strv ((const char *[]){ "ECHO", "1", NULL });
  g_autoptr (TornadisCommand) two = tornadis_command_new_strv ((const char *[]){ "ECHO", "2", NULL });
  TornadisCommand *commands[] = { two, one, two };
  TornadisCommand **stacked;
  gsize n_stacked;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) before = NULL;
  guint n_notified = 0;

  g_test_summary ("Several at once, with one notification; what is in flight is what it was");

  g_signal_connect (pipeline, "notify::number-of-stacked-calls", G_CALLBACK (count_cb), &n_notified);
  tornadis_pipeline_stack_commands (pipeline, NULL, 0);
  g_assert_cmpuint (n_notified, ==, 0);
  tornadis_pipeline_stack_command (pipeline, one);
  tornadis_client_call_pipeline_async (fixture->client, pipeline, NULL, store_result, &result);
  tornadis_pipeline_stack_commands (pipeline, commands, G_N_ELEMENTS (commands));
  g_assert_cmpuint (n_notified, ==, 2);
  g_assert_cmpuint (tornadis_pipeline_get_number_of_stacked_calls (pipeline), ==, 4);

  before = tornadis_client_call_pipeline_finish (fixture->client, wait_for_result (&result), NULL);
  g_assert_cmpuint (tornadis_reply_get_n_elements (before), ==, 1);
  assert_pipeline (fixture->client, pipeline, "1) \"1\"\n2) \"2\"\n3) \"1\"\n4) \"2\"");

  stacked = tornadis_pipeline_get_commands (pipeline, &n_stacked);
  g_assert_cmpuint (n_stacked, ==, 4);
  g_assert_true (stacked[0] == one && stacked[1] == two && stacked[2] == one && stacked[3] == two);
  tornadis_pipeline_clear (pipeline);
  tornadis_pipeline_get_commands (pipeline, &n_stacked);
  g_assert_cmpuint (n_stacked, ==, 0);

  /* They cannot be changed any more. */
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*");
  tornadis_command_append_string (two, "more");
  g_test_assert_expected_messages ();
  g_assert_cmpuint (tornadis_command_get_n_args (two), ==, 2);
}

static void
test_atomic (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisClient) other = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (GError) error = NULL;
  g_autofree char *prefix = NULL;

  tornadis_pipeline_set_atomic (pipeline, TRUE);
  stack (pipeline, "SET a 1");
  stack (pipeline, "LPUSH a x");
  stack (pipeline, "INCR a");
  assert_pipeline (fixture->client, pipeline,
                   "1) OK\n2) (error) WRONGTYPE Operation against a key holding the wrong kind of value\n3) (integer) 2");

  /* A watched key has changed: nothing ran, and that is no error. */
  assert_call (fixture->client, "OK", "WATCH", "a", NULL);
  assert_call (other, "OK", "SET", "a", "7", NULL);
  assert_pipeline (fixture->client, pipeline, "(nil)");
  assert_call (fixture->client, "\"7\"", "GET", "a", NULL);

  /* A command that the server does not take: nothing ran, and the error names it. */
  tornadis_pipeline_clear (pipeline);
  stack (pipeline, "SET a 8");
  stack (pipeline, "NOSUCHCOMMAND x");
  g_assert_null (call_pipeline (fixture->client, pipeline, NULL, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  prefix = tornadis_error_dup_prefix (error);
  g_assert_cmpstr (prefix, ==, "EXECABORT");
  g_assert_nonnull (strstr (error->message, "Command 2, NOSUCHCOMMAND"));
  assert_call (fixture->client, "\"7\"", "GET", "a", NULL);
}

/* More than the sockets' buffers hold, both ways. */
static void
test_many (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autofree char *value = g_strnfill (200, 'v');
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 100000; i++)
    {
      g_autofree char *text = g_strdup_printf ("%s-%u", value, i);

      tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "ECHO", text, NULL });
    }
  reply = call_pipeline (fixture->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, 100000);
  for (guint i = 0; i < 100000; i++)
    {
      const char *text = tornadis_reply_get_text (tornadis_reply_get_element (reply, i));

      g_assert_cmpuint (strtoul (text + 201, NULL, 10), ==, i);
    }
}

/* One write, with nothing between the commands. */
static void
test_contiguous (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (TornadisReply) reply = NULL;
  g_autofree char *received = NULL;

  for (guint i = 0; i < 3; i++)
    stack (pipeline, "ECHO x");
  tornadis_client_submit (client, ping, NULL, NULL, NULL);
  tornadis_client_submit_pipeline (client, pipeline, NULL, NULL, NULL);
  tornadis_client_submit (client, ping, NULL, NULL, NULL);
  reply = call_pipeline (client, pipeline, NULL, &error);
  g_assert_no_error (error);
  received = tornadis_harness_peer_get_received (peer);
  g_assert_nonnull (strstr (received, "PING\nECHO x\nECHO x\nECHO x\nPING\nECHO x\n"));
  assert_finalized (client);
}

/* Lost half-way: one error for all of it. */
static void
test_cut (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\necho-server 2\nclose\n---\nhandshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

  for (guint i = 0; i < 5; i++)
    stack (pipeline, "ECHO x");
  g_assert_null (call_pipeline (client, pipeline, NULL, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  assert_call (client, "PONG", "PING", NULL);
  assert_finalized (client);
}

/* SELECT in a pipeline is remembered as any other. */
static void
test_select (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  int db;

  stack (pipeline, "SELECT 3");
  stack (pipeline, "SET here 1");
  assert_pipeline (fixture->client, pipeline, "1) OK\n2) OK");
  g_object_get (fixture->client, "db", &db, NULL);
  g_assert_cmpint (db, ==, 3);
  tornadis_client_close (fixture->client);
  assert_call (fixture->client, "\"1\"", "GET", "here", NULL);
}

#define ADD(name, func) g_test_add ("/pipeline/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pipeline/object", test_object);
  ADD ("replies", test_replies);
  ADD ("empty", test_empty);
  ADD ("changed-under-way", test_changed_under_way);
  ADD ("stack-commands", test_stack_commands);
  ADD ("atomic", test_atomic);
  ADD ("many", test_many);
  ADD ("select", test_select);
  g_test_add_func ("/pipeline/contiguous", test_contiguous);
  g_test_add_func ("/pipeline/cut", test_cut);

  return g_test_run ();
}
