/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"
#include "plugins/gauge.h"
#include "plugins/util.h"

/* The reply of COMMAND, from a server that knows GET. */
#define COMMANDS "*1\\r\\n*6\\r\\n$3\\r\\nget\\r\\n:2\\r\\n*2\\r\\n+readonly\\r\\n+fast\\r\\n:1\\r\\n:1\\r\\n:1\\r\\n"

/* With delays that a test can wait for. */
static TornadisPlugin *
add_retry (TornadisClient *client,
           guint max_attempts)
{
  return add_plugin (client, "retry", "max-attempts", max_attempts, "max-delay-msec", 50, NULL);
}

static void
assert_counters (TornadisPlugin *plugin,
                 guint64 retries,
                 guint64 gave_up)
{
  guint64 retries_now, gave_up_now;

  g_object_get (plugin, "retries", &retries_now, "gave-up", &gave_up_now, NULL);
  g_assert_cmpuint (retries_now, ==, retries);
  g_assert_cmpuint (gave_up_now, ==, gave_up);
}

/* Starts what is then on its way when the server is lost, which reads nothing any more. */
static void
freeze (TornadisHarnessRedis *redis)
{
  tornadis_harness_redis_pause (redis);
}

static void
lose (TornadisHarnessRedis *redis)
{
  spin_for (20);
  tornadis_harness_redis_kill (redis);
}

static gboolean
restart_cb (gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_harness_redis_restart (user_data, &error);
  g_assert_no_error (error);
  return G_SOURCE_REMOVE;
}

typedef struct
{
  Fixture *fixture;
  GHashTable *values; /* (owned) that INCR has returned */
  Tally incrs;
  Tally gets;
  guint to_come;
  GThread *killer; /* (owned) (nullable) */
} Crowd;

/* From outside, as it happens: in the middle of a turn of the main loop. */
static gpointer
kill_thread (gpointer redis)
{
  g_usleep (500);
  tornadis_harness_redis_kill (redis);
  g_timeout_add (100, restart_cb, redis);
  return NULL;
}

static void crowd_go_on (Crowd *self);

static void
crowd_incr_cb (TornadisClient *client,
               TornadisReply *reply,
               GError *error,
               gpointer user_data)
{
  Crowd *self = user_data;

  if (reply != NULL)
    {
      gboolean new = g_hash_table_add (self->values, GINT_TO_POINTER (tornadis_reply_get_integer (reply)));

      g_assert_true (new);
    }
  tally_count_cb (client, reply, error, &self->incrs);

  if (self->incrs.n_ended == 300)
    self->killer = g_thread_new ("kill", kill_thread, self->fixture->redis);
  crowd_go_on (self);
}

static void
crowd_go_on (Crowd *self)
{
  g_autoptr (TornadisCommand) incr = tornadis_command_new_strv ((const char *[]){ "INCR", "n", NULL });
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", "n", NULL });

  if (self->to_come == 0)
    return;

  self->to_come--;
  /* Not before all is over. */
  if (self->to_come == 100)
    g_thread_join (g_steal_pointer (&self->killer));
  tornadis_client_submit (self->fixture->client, incr, crowd_incr_cb, self, NULL);
  tornadis_client_submit (self->fixture->client, get, tally_count_cb, &self->gets, NULL);
}

/* What a server that is killed in the middle, and comes again, makes of writes and reads. */
static void
test_restart (Fixture *fixture,
              gconstpointer data)
{
  Crowd crowd = { .fixture = fixture, .incrs.n_expected = 1000, .gets.n_expected = 1000, .to_come = 1000 };
  g_autoptr (TornadisReply) n = NULL;

  crowd.values = g_hash_table_new (NULL, NULL);
  add_retry (fixture->client, 100);
  assert_call (fixture->client, "PONG", "PING", NULL);

  for (guint i = 0; i < 50; i++)
    crowd_go_on (&crowd);
  tally_wait (&crowd.incrs);
  tally_wait (&crowd.gets);

  g_assert_cmpuint (crowd.gets.ok, ==, 1000);
  g_assert_cmpuint (crowd.incrs.ok + crowd.incrs.lost, ==, 1000);
  g_assert_cmpuint (g_hash_table_size (crowd.values), ==, crowd.incrs.ok);

  n = call (fixture->client, NULL, "INCR", "n", NULL);
  g_test_message ("%u acknowledged, %u lost, %d ran", crowd.incrs.ok, crowd.incrs.lost,
                  (int) tornadis_reply_get_integer (n) - 1);
  g_assert_cmpint (tornadis_reply_get_integer (n) - 1, >=, crowd.incrs.ok);
  g_assert_cmpint (tornadis_reply_get_integer (n) - 1, <=, crowd.incrs.ok + crowd.incrs.lost);
  g_hash_table_unref (crowd.values);
}

/* The same with a server that has read none of what is lost, so that all is known. */
static void
test_lost (Fixture *fixture,
           gconstpointer data)
{
  Tally incrs = { 0 }, gets = { 0 };
  TornadisPlugin *retry = add_retry (fixture->client, 100);
  guint64 retries;

  for (guint i = 0; i < 400; i++)
    tally_submit (&incrs, fixture->client, "INCR", 0);
  tally_wait (&incrs);

  freeze (fixture->redis);
  for (guint i = 0; i < 300; i++)
    {
      tally_submit (&incrs, fixture->client, "INCR", 0);
      tally_submit (&gets, fixture->client, "GET", 0);
    }
  lose (fixture->redis);
  wait_until (incrs.n_ended == 700);
  g_assert_cmpuint (incrs.lost, ==, 300);

  for (guint i = 0; i < 300; i++)
    {
      tally_submit (&incrs, fixture->client, "INCR", 0);
      tally_submit (&gets, fixture->client, "GET", 0);
    }
  g_timeout_add (100, restart_cb, fixture->redis);
  tally_wait (&incrs);
  tally_wait (&gets);
  g_assert_cmpuint (incrs.ok, ==, 700);
  g_assert_cmpuint (incrs.lost, ==, 300);
  g_assert_cmpuint (gets.ok, ==, 600);
  assert_call (fixture->client, "\"700\"", "GET", "0", NULL);
  g_object_get (retry, "retries", &retries, NULL);
  g_assert_cmpuint (retries, >=, 300);
}

static void
log_retrying_cb (TornadisPlugin *plugin,
                 TornadisClient *client,
                 const char *name,
                 guint attempt,
                 guint delay_msec,
                 GError *error,
                 GString *log)
{
  g_assert_true (TORNADIS_IS_CLIENT (client));
  g_assert_cmpuint (delay_msec, <=, 50);
  g_string_append_printf (log, "%s %u %s\n", name, attempt, error->message);
}

/* A server that is not yet ready. */
static void
test_loading (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\n"
    "expect COMMAND\nexpect GET\nsend \"" COMMANDS "-LOADING Redis is loading\\r\\n\"\n"
    "expect GET\nsend \"-LOADING Redis is loading\\r\\n\"\n"
    "expect GET\nsend \"$2\\r\\nok\\r\\n\"\n"
    "expect SET\nsend \"-LOADING for ever\\r\\n\"\n"
    "expect SET\nsend \"-LOADING for ever\\r\\n\"\n"
    "expect SET\nsend \"-LOADING Redis has said so\\r\\n\"\n"
    "expect SET\nsend \"-WRONGTYPE no\\r\\n\"\n"
    "expect EVAL\nsend \"-LOADING in a script\\r\\n\"\n"
    "expect EVAL\nsend \"-LOADING in a script\\r\\n\"\n"
    "expect EVAL\nsend \":1\\r\\n\"\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  TornadisPlugin *retry = add_retry (client, 3);
  Gauge *gauge = gauge_new ();
  const char *const idempotent[] = { "other", "eval", NULL };

  gauge_add (gauge, client);
  g_signal_connect (retry, "retrying", G_CALLBACK (log_retrying_cb), log);
  assert_call (client, "\"ok\"", "GET", "k", NULL);
  g_assert_cmpstr (log->str, ==, "GET 2 LOADING Redis is loading\nGET 3 LOADING Redis is loading\n");
  assert_counters (retry, 2, 0);
  /* The plugins behind see each attempt, and why. */
  g_assert_cmpuint (gauge->calls, ==, 4);
  g_assert_cmpuint (gauge->reasons, ==, 2);

  /* The last word of the server stays as it is. */
  g_assert_null (call (client, &error, "SET", "k", "v", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_assert_cmpstr (error->message, ==, "LOADING Redis has said so");
  g_clear_error (&error);
  assert_counters (retry, 4, 1);

  g_assert_null (call (client, NULL, "SET", "k", "v", NULL));
  assert_counters (retry, 4, 1);

  /* A script may have written before its error. */
  g_assert_null (call (client, NULL, "EVAL", "return 1", "0", NULL));
  assert_counters (retry, 4, 1);
  g_object_set (retry, "idempotent", idempotent, NULL);
  assert_call (client, "(integer) 1", "EVAL", "return 1", "0", NULL);
  assert_counters (retry, 5, 1);

  g_assert_null (tornadis_harness_peer_get_failure (peer));
  gauge_take_off (gauge, client);
  g_object_unref (gauge);
}

/* The name leads to another server by now. */
static void
test_wrong_server (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\n"
    "expect COMMAND\nexpect SET\nsend \"" COMMANDS "-READONLY no\\r\\n\"\nsleep 1000\n"
    "---\nhandshake\nexpect SET\nsend \"+OK\\r\\n\"\nsleep 1000\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  TornadisPlugin *retry = add_retry (client, 3);

  assert_call (client, "OK", "SET", "k", "v", NULL);
  assert_counters (retry, 1, 0);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 2);
  g_assert_null (tornadis_harness_peer_get_failure (peer));
}

/* It would be too large the next time as well. */
static void
test_too_large (Fixture *fixture,
                gconstpointer data)
{
  g_autofree char *value = g_strnfill (3 << 20, 'x');
  g_autoptr (GError) error = NULL;
  TornadisPlugin *retry = add_retry (fixture->client, 3);

  assert_call (fixture->client, "OK", "SET", "large", value, NULL);
  g_object_set (fixture->client, "max-reply-size", G_GUINT64_CONSTANT (2) << 20, NULL);
  g_assert_null (call (fixture->client, &error, "GET", "large", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
  assert_counters (retry, 0, 0);
  g_assert_cmpuint (count_calls (fixture->redis, "get"), ==, 1);
}

static void
promote_cb (TornadisPlugin *plugin,
            TornadisClient *client,
            const char *name,
            guint attempt,
            guint delay_msec,
            GError *error,
            TornadisHarnessRedis *replica)
{
  g_autofree char *prefix = tornadis_error_dup_prefix (error);
  g_autofree char *answer = tornadis_harness_redis_command (replica, "REPLICAOF NO ONE", NULL);

  g_assert_true (g_str_equal (prefix, "READONLY") || g_str_equal (prefix, "EXECABORT"));
  g_assert_nonnull (answer);
}

static void
demote (Fixture *fixture,
        TornadisHarnessRedis *replica)
{
  g_autofree char *line = g_strdup_printf ("REPLICAOF 127.0.0.1 %u", tornadis_harness_redis_get_port (fixture->redis));
  g_autofree char *answer = tornadis_harness_redis_command (replica, line, NULL);

  g_assert_nonnull (answer);
}

/* A replica that becomes the master meanwhile. */
static void
test_replica (Fixture *fixture,
              gconstpointer data)
{
  g_autofree char *port = g_strdup_printf ("%u", tornadis_harness_redis_get_port (fixture->redis));
  const char *const args[] = { "--replicaof", "127.0.0.1", port, NULL };
  g_autoptr (TornadisHarnessRedis) replica = tornadis_harness_redis_new (args, NULL);
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (replica));
  TornadisPlugin *retry = add_plugin (client, "retry", "max-attempts", 30, "max-delay-msec", 10, NULL);
  g_autoptr (TornadisPipeline) writes = PIPELINE (FALSE, "INCR n", "INCR n");
  g_autoptr (TornadisPipeline) mixed = PIPELINE (FALSE, "GET n", "INCR n");
  g_autoptr (TornadisPipeline) transaction = PIPELINE (TRUE, "INCR n", "GET n");
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;
  gulong id;

  id = g_signal_connect (retry, "retrying", G_CALLBACK (promote_cb), replica);
  assert_call (client, "OK", "SET", "n", "0", NULL);
  assert_counters (retry, 1, 0);

  /* All of a pipeline or nothing. */
  demote (fixture, replica);
  replies = call_pipeline (client, writes, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (replies, 1)), ==,
                   tornadis_reply_get_integer (tornadis_reply_get_element (replies, 0)) + 1);
  assert_counters (retry, 2, 0);
  g_clear_pointer (&replies, tornadis_reply_unref);

  demote (fixture, replica);
  replies = call_pipeline (client, transaction, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (tornadis_reply_get_n_elements (replies), ==, 2);
  assert_counters (retry, 3, 0);
  g_clear_pointer (&replies, tornadis_reply_unref);

  /* The first of it has run. */
  demote (fixture, replica);
  replies = call_pipeline (client, mixed, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (tornadis_reply_is_error (tornadis_reply_get_element (replies, 0)));
  g_assert_true (tornadis_reply_is_error (tornadis_reply_get_element (replies, 1)));
  assert_counters (retry, 3, 0);

  g_signal_handler_disconnect (retry, id);
  g_object_set (retry, "max-attempts", 3, NULL);
  g_assert_null (call (client, &error, "SET", "n", "0", NULL));
  g_assert_cmpstr (error->message, ==, "READONLY You can't write against a read only replica.");
  assert_counters (retry, 5, 1);
  assert_client_finalized (client);
}

/* What stands between WATCH or MULTI and EXEC is for the user to begin again. */
static void
test_transaction (Fixture *fixture,
                  gconstpointer data)
{
  TornadisPlugin *retry = add_retry (fixture->client, 100);
  g_autoptr (TornadisPipeline) unatomic = PIPELINE (FALSE, "WATCH k", "GET k");
  g_autoptr (TornadisPipeline) atomic = PIPELINE (TRUE, "GET k");
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  assert_call (fixture->client, "OK", "WATCH", "k", NULL);
  tornadis_harness_redis_kill (fixture->redis);
  wait_until (!tornadis_client_is_connected (fixture->client));
  g_assert_null (call (fixture->client, &error, "GET", "k", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  assert_counters (retry, 0, 0);
  g_clear_error (&error);

  /* Its user gives it up: from here on it is as ever. */
  g_timeout_add (50, restart_cb, fixture->redis);
  assert_call (fixture->client, "OK", "UNWATCH", NULL);
  assert_call (fixture->client, "(nil)", "GET", "k", NULL);

  /* In the same way for pipelines, of which the atomic one ends what was begun. */
  g_object_set (retry, "max-attempts", 2, NULL);
  g_assert_nonnull (reply = call_pipeline (fixture->client, unatomic, NULL, NULL));
  g_clear_pointer (&reply, tornadis_reply_unref);
  freeze (fixture->redis);
  {
    g_autoptr (GAsyncResult) first = NULL;
    g_autoptr (GAsyncResult) second = NULL;
    guint64 before, after;

    tornadis_client_call_pipeline_async (fixture->client, atomic, NULL, store_result, &first);
    tornadis_client_call_pipeline_async (fixture->client, atomic, NULL, store_result, &second);
    g_object_get (retry, "retries", &before, NULL);
    lose (fixture->redis);
    g_assert_null (tornadis_client_call_pipeline_finish (fixture->client, wait_for_result (&first), &error));
    g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
    g_clear_error (&error);
    g_object_get (retry, "retries", &after, NULL);
    g_assert_cmpuint (after, ==, before + 1);
    restart_cb (fixture->redis);
    g_assert_nonnull (reply = tornadis_client_call_pipeline_finish (fixture->client, wait_for_result (&second), &error));
    g_assert_no_error (error);
    g_clear_pointer (&reply, tornadis_reply_unref);
  }

  assert_call (fixture->client, "OK", "MULTI", NULL);
  assert_call (fixture->client, "QUEUED", "GET", "k", NULL);
  assert_call (fixture->client, "1) (nil)", "EXEC", NULL);
  freeze (fixture->redis);
  {
    g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", "k", NULL });
    g_autoptr (GAsyncResult) result = NULL;

    tornadis_client_call_async (fixture->client, get, NULL, store_result, &result);
    g_object_set (retry, "max-attempts", 100, NULL);
    lose (fixture->redis);
    restart_cb (fixture->redis);
    g_assert_nonnull (reply = tornadis_client_call_finish (fixture->client, wait_for_result (&result), NULL));
  }
}

/* Whether a call belongs to a transaction is known when it is sent: ahead of that another plugin may hold what begins
 * one. */
static void
test_held_in_transaction (gconstpointer begins)
{
  g_autofree char *script = g_strdup_printf (
    "handshake\nexpect COMMAND\nsend \"" COMMANDS "\"\nexpect PING\nsend \"+PONG\\r\\n\"\n"
    "expect %s\nsend \"+OK\\r\\n\"\nexpect GET\nclose\n---\nhandshake\necho-server\n",
    (const char *) begins);
  g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
  g_autoptr (TornadisClient) client = make_client (peer);
  TornadisPlugin *retry = add_retry (client, 100);
  const char *const lines[] = { "PING", begins, "GET k", "EXEC" };
  GAsyncResult *results[G_N_ELEMENTS (lines)] = { NULL };

  /* One after the other, while all have gone through the plugin before. */
  add_plugin (client, "limit", "max-in-flight", 1, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ lines[i], NULL });

      if (i == 1 || i == 2)
        tornadis_command_append_string (command, "k");
      tornadis_client_call_async (client, command, NULL, store_result, &results[i]);
    }

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply G_GNUC_UNUSED = tornadis_client_call_finish (client, wait_for_result (&results[i]), &error);

      if (i < 2)
        g_assert_no_error (error);
      else
        g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
      g_object_unref (results[i]);
    }
  assert_counters (retry, 0, 0);
  g_assert_cmpuint (count_received (peer, "GET"), ==, 1);
  assert_call (client, "\"value-of-k\"", "GET", "k", NULL);
}

/* The question what the server's commands do would be one more reply of EXEC. */
static void
test_asks_outside (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect COMMAND\nexpect PING\nsend \"-LOADING no\\r\\n+PONG\\r\\n\"\nclose\n---\n"
    "handshake\nexpect MULTI\nsend \"+OK\\r\\n\"\nexpect EXEC\nsend \"*0\\r\\n\"\n"
    "expect COMMAND\nexpect PING\nsend \"" COMMANDS "+PONG\\r\\n\"\nsleep 1000\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autofree char *failure = NULL;

  add_retry (client, 1);
  assert_call (client, "PONG", "PING", NULL);
  wait_until (!tornadis_client_is_connected (client));
  assert_call (client, "OK", "MULTI", NULL);
  assert_call (client, "(empty array)", "EXEC", NULL);
  assert_call (client, "PONG", "PING", NULL);
  failure = tornadis_harness_peer_get_failure (peer);
  g_assert_cmpstr (failure, ==, NULL);
}

/* Which commands are made again when the server has gone with them. */
static void
test_lost_kinds (Fixture *fixture,
                 gconstpointer data)
{
  static const struct
  {
    const char *line;
    gboolean again;
  } kinds[] = {
    { "GET k", TRUE },
    { "SET k v", TRUE }, /* named */
    { "APPEND k v", FALSE },
    { "PING", FALSE },
    { "NOSUCHCOMMAND", FALSE },
    { "XREAD STREAMS s 0", TRUE },
    { "XREAD BLOCK 0 STREAMS s $", FALSE },
    { "BLPOP l 0", FALSE }, /* named, but it blocks */
    { "OBJECT ENCODING k", TRUE },
    { "EVAL_RO return{1} 0", TRUE },
    { "EVAL return{1} 0", FALSE },
  };
  TornadisPlugin *retry = add_retry (fixture->client, 100);
  const char *const idempotent[] = { "set", "BLPOP", NULL };
  guint64 retries = 0, before = 0;

  g_object_set (retry, "idempotent", idempotent, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_auto (GStrv) argv = g_strsplit (kinds[i].line, " ", -1);
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) argv);
      g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "GET k", kinds[i].line);
      Tally tally = { .n_expected = 1 };

      g_test_message ("%s", kinds[i].line);
      assert_call (fixture->client, "PONG", "PING", NULL);
      freeze (fixture->redis);
      tornadis_client_submit (fixture->client, command, tally_count_cb, &tally, NULL);
      tally_submit_pipeline (&tally, fixture->client, pipeline);
      g_object_get (retry, "retries", &before, NULL);
      lose (fixture->redis);
      restart_cb (fixture->redis);
      tally_wait (&tally);
      g_object_get (retry, "retries", &retries, NULL);
      g_assert_cmpuint (tally.lost, ==, kinds[i].again ? 0 : 2);
      g_assert_cmpuint (retries - before, ==, kinds[i].again ? 2 : 0);
    }
}

/* An error must not say that a command never ran when an attempt before it may have. */
static void
test_may_have_run (Fixture *fixture,
                   gconstpointer data)
{
  const char *const idempotent[] = { "SET", NULL };
  TornadisPlugin *retry = add_retry (fixture->client, 2);
  g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]){ "SET", "k", "v", NULL });
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", "k", NULL });
  g_autoptr (GAsyncResult) written = NULL;
  g_autoptr (GAsyncResult) read = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (retry, "idempotent", idempotent, NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
  freeze (fixture->redis);
  tornadis_client_call_async (fixture->client, set, NULL, store_result, &written);
  tornadis_client_call_async (fixture->client, get, NULL, store_result, &read);
  lose (fixture->redis);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&written), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_true (g_str_has_prefix (error->message, "An attempt to make SET may have run"));
  g_clear_error (&error);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&read), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  assert_counters (retry, 2, 2);
}

static void
cancel_cb (TornadisPlugin *plugin,
           TornadisClient *client,
           const char *name,
           guint attempt,
           guint delay_msec,
           GError *error,
           GCancellable *cancellable)
{
  g_cancellable_cancel (cancellable);
}

/* No delay holds up the end of a call. */
static void
test_ends_early (void)
{
  g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", 1);
  TornadisPlugin *retry = add_plugin (client, "retry", "max-attempts", G_MAXUINT, "min-delay-msec", G_MAXINT,
                                      "max-delay-msec", G_MAXINT, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (GAsyncResult) cancelled = NULL;
  g_autoptr (GAsyncResult) closed = NULL;
  g_autoptr (GError) error = NULL;
  guint64 gave_up, after, retries;
  gulong id = g_signal_connect (retry, "retrying", G_CALLBACK (cancel_cb), cancellable);

  tornadis_client_call_async (client, ping, cancellable, store_result, &cancelled);
  g_assert_null (tornadis_client_call_finish (client, wait_for_result (&cancelled), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_signal_handler_disconnect (retry, id);

  tornadis_client_call_async (client, ping, NULL, store_result, &closed);
  do
    {
      spin_for (5);
      g_object_get (retry, "retries", &retries, NULL);
    }
  while (retries < 2);
  g_assert_null (closed);
  tornadis_client_close (client);
  g_assert_null (tornadis_client_call_finish (client, wait_for_result (&closed), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_clear_error (&error);
  assert_counters (retry, 2, 0);

  /* A client that is closed in the handler. */
  id = g_signal_connect_swapped (retry, "retrying", G_CALLBACK (tornadis_client_close), client);
  g_assert_null (call (client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_clear_error (&error);
  g_signal_handler_disconnect (retry, id);

  /* Both bounds in time, and the switch. */
  g_object_set (retry, "min-delay-msec", 1, "max-delay-msec", 5, "max-time-msec", 100, NULL);
  g_assert_null (call (client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_clear_error (&error);
  g_object_get (retry, "gave-up", &gave_up, NULL);
  g_assert_cmpuint (gave_up, ==, 1);
  g_object_set (retry, "max-time-msec", 0, NULL);
  g_object_set (client, "call-timeout-msec", 100, NULL);
  g_assert_null (call (client, &error, "PING", NULL));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_object_set (client, "call-timeout-msec", 0, NULL);
  g_object_get (retry, "gave-up", &gave_up, NULL);
  g_object_set (retry, "retry-connect", FALSE, NULL);
  g_assert_null (call (client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_object_get (retry, "gave-up", &after, NULL);
  g_assert_cmpuint (after, ==, gave_up);
}

/* Nothing that has run into the call timeout is made again. */
static void
test_timeout (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect COMMAND\nsend \"" COMMANDS "\"\nexpect GET\nstop-reading\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  TornadisPlugin *retry = add_retry (client, 100);
  g_autoptr (GError) error = NULL;

  g_object_set (client, "call-timeout-msec", 200, NULL);
  g_assert_null (call (client, &error, "GET", "k", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  assert_counters (retry, 0, 0);
}

/* An error of MULTI does not tell whether what stands behind it ran. */
static void
test_multi_refused (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect COMMAND\nsend \"" COMMANDS "\"\nexpect MULTI\nexpect GET\nexpect EXEC\n"
    "send \"-LOADING wait\\r\\n$1\\r\\nv\\r\\n-ERR EXEC without MULTI\\r\\n\"\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (TRUE, "GET k");
  TornadisPlugin *retry = add_retry (client, 100);
  g_autoptr (GError) error = NULL;

  g_assert_null (call_pipeline (client, pipeline, NULL, &error));
  g_assert_cmpstr (error->message, ==, "LOADING wait");
  assert_counters (retry, 0, 0);
}

/* A plugin that was taken off while it waits still makes its calls again. */
static void
test_removed (Fixture *fixture,
              gconstpointer data)
{
  TornadisPlugin *retry = g_object_ref (add_retry (fixture->client, 100));
  Tally tally = { 0 };

  tornadis_harness_redis_kill (fixture->redis);
  for (guint i = 0; i < 10000; i++)
    tally_submit (&tally, fixture->client, "GET", i);
  spin_for (20);
  g_assert_true (tornadis_client_remove_plugin (fixture->client, retry));
  restart_cb (fixture->redis);
  tally_wait (&tally);
  g_assert_cmpuint (tally.ok, ==, 10000);
  assert_finalized (retry);
}

static void
test_pool (Fixture *fixture,
           gconstpointer data)
{
  TornadisPlugin *retry = add_retry (fixture->client, 100);
  TornadisClientPool *pool = tornadis_client_pool_new (fixture->client);
  Tally tally = { 0 };
  guint64 retries;

  g_object_set (pool, "max-size", 5, NULL);
  for (guint i = 0; i < 5; i++)
    tally_submit_to_pool (&tally, pool, "GET", i);
  tally_wait (&tally);

  /* What the server knows was asked on one of them for all. */
  freeze (fixture->redis);
  for (guint i = 0; i < 5; i++)
    tally_submit_to_pool (&tally, pool, "GET", i);
  lose (fixture->redis);
  restart_cb (fixture->redis);
  tally_wait (&tally);
  g_assert_cmpuint (tally.ok, ==, 10);
  g_object_get (retry, "retries", &retries, NULL);
  g_assert_cmpuint (retries, >=, 5);
  assert_finalized (pool);
}

/* Whatever connects is repeated until the server is there. */
static void
test_all_ways (Fixture *fixture,
               gconstpointer data)
{
  for (Way way = 0; way < N_WAYS; way++)
    {
      g_autoptr (TornadisClient) client =
        tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
      TornadisPlugin *retry = add_retry (client, 1000);
      g_autoptr (GError) error = NULL;
      guint64 retries;

      tornadis_harness_redis_kill (fixture->redis);
      g_timeout_add (100, restart_cb, fixture->redis);
      g_assert_true (connect_by (way, client, &error));
      g_assert_no_error (error);
      g_object_get (retry, "retries", &retries, NULL);
      g_assert_cmpuint (retries, >, 0);

      /* As often as it may. */
      tornadis_client_close (client);
      tornadis_harness_redis_kill (fixture->redis);
      g_object_set (retry, "max-attempts", 3, NULL);
      g_assert_false (connect_by (way, client, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
      assert_counters (retry, retries + 2, 1);
      g_clear_error (&error);

      g_object_set (retry, "retry-connect", FALSE, NULL);
      g_assert_false (connect_by (way, client, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
      assert_counters (retry, retries + 2, 1);
    }
}

/* Each attempt waits for its turn, and a circuit that has opened ends it. */
static void
test_outside_limit (Fixture *fixture,
                    gconstpointer data)
{
  TornadisPlugin *limit;
  Gauge *gauge = gauge_new ();
  Tally tally = { 0 };
  guint in_flight;

  add_retry (fixture->client, 100);
  limit = add_plugin (fixture->client, "limit", "max-in-flight", 3, NULL);
  gauge_add (gauge, fixture->client);
  tornadis_harness_redis_kill (fixture->redis);
  for (guint i = 0; i < 1000; i++)
    tally_submit (&tally, fixture->client, "INCR", 0);
  g_timeout_add (100, restart_cb, fixture->redis);
  tally_wait (&tally);
  g_assert_cmpuint (tally.ok, ==, 1000);
  g_assert_cmpuint (gauge->max, <=, 3);
  assert_call (fixture->client, "\"1000\"", "GET", "0", NULL);
  g_object_get (limit, "in-flight", &in_flight, NULL);
  g_assert_cmpuint (in_flight, ==, 0);

  tornadis_harness_redis_kill (fixture->redis);
  g_object_set (limit, "error-rate", 0.5, "min-calls", 5, NULL);
  tally = (Tally){ 0 };
  for (guint i = 0; i < 100; i++)
    tally_submit (&tally, fixture->client, "INCR", 0);
  tally_wait (&tally);
  g_assert_cmpuint (tally.busy + tally.lost, ==, 100);
  g_assert_cmpuint (tally.busy, >, 0);
  gauge_take_off (gauge, fixture->client);
  g_object_unref (gauge);
}

/* A call has its place with all its attempts and the time between them. */
static void
test_inside_limit (Fixture *fixture,
                   gconstpointer data)
{
  TornadisPlugin *limit = add_plugin (fixture->client, "limit", "max-in-flight", 3, NULL);
  TornadisPlugin *retry = add_retry (fixture->client, 100);
  Tally tally = { 0 };
  guint in_flight, queued;
  guint64 gave_up;

  tornadis_harness_redis_kill (fixture->redis);
  for (guint i = 0; i < 1000; i++)
    tally_submit (&tally, fixture->client, "INCR", 0);
  spin_for (100);
  g_object_get (limit, "in-flight", &in_flight, "queued", &queued, NULL);
  g_assert_cmpuint (in_flight, ==, 3);
  g_assert_cmpuint (queued, ==, 997);
  restart_cb (fixture->redis);
  tally_wait (&tally);
  g_assert_cmpuint (tally.ok, ==, 1000);
  g_object_get (retry, "gave-up", &gave_up, NULL);
  g_assert_cmpuint (gave_up, ==, 0);
  assert_call (fixture->client, "\"1000\"", "GET", "0", NULL);
}

static void
count_retrying_cb (guint *n_retrying)
{
  (*n_retrying)++;
}

/* A call that goes with its client is not made again, and nobody is notified of an attempt. */
static void
test_disposed (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect COMMAND\nsend \"" COMMANDS "\"\nexpect GET\nstop-reading\n");
  TornadisClient *client = make_client (peer);
  TornadisPlugin *retry = g_object_ref (add_retry (client, 100));
  Tally tally = { 0 };
  guint n_retrying = 0;

  g_signal_connect_swapped (retry, "retrying", G_CALLBACK (count_retrying_cb), &n_retrying);
  tally_submit (&tally, client, "GET", 1);
  wait_until (count_received (peer, "GET") == 1);
  g_object_run_dispose (G_OBJECT (client));
  g_assert_cmpuint (tally.lost, ==, 1);
  spin_for (100);
  g_assert_cmpuint (tally.n_ended, ==, 1);
  g_assert_cmpuint (n_retrying, ==, 0);
  assert_counters (retry, 0, 0);
  assert_client_finalized (client);
  assert_finalized (retry);
}

static void
test_bad_options (void)
{
  static const char *const bad[] = { "max-attempts=0", "max-attempts=x", "max-delay-msec=-1", "retry-connect=perhaps",
                                     "retries=1", "gave-up=1", "idempotent" };
  static const char *const good[] = { "max-attempts=5", "idempotent=set;del", NULL };
  g_autoptr (TornadisPlugin) plugin = NULL;
  g_auto (GStrv) idempotent = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      const char *const options[] = { bad[i], NULL };

      g_assert_null (tornadis_plugin_new_with_options ("retry", options, &error));
      g_assert_nonnull (error);
      g_clear_error (&error);
    }

  plugin = tornadis_plugin_new_with_options ("retry", good, &error);
  g_assert_no_error (error);
  g_object_get (plugin, "idempotent", &idempotent, NULL);
  g_assert_cmpstr (idempotent[0], ==, "SET");
  g_assert_cmpstr (idempotent[1], ==, "DEL");
}

#define ADD_WITH(name, args, func) g_test_add ("/retry/" name, Fixture, args, fixture_set_up, func, fixture_tear_down)
#define ADD(name, func) ADD_WITH (name, NULL, func)

static const char *const durable_args[] = { "--appendonly", "yes", "--appendfsync", "always", NULL };

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD_WITH ("restart", durable_args, test_restart);
  ADD_WITH ("lost", durable_args, test_lost);
  g_test_add_func ("/retry/loading", test_loading);
  g_test_add_func ("/retry/fault-05/wrong-server", test_wrong_server);
  ADD ("fault-10/too-large", test_too_large);
  ADD ("replica", test_replica);
  ADD ("transaction", test_transaction);
  g_test_add_data_func ("/retry/fault-03-held/watch", "WATCH", test_held_in_transaction);
  g_test_add_data_func ("/retry/fault-03-held/multi", "MULTI", test_held_in_transaction);
  g_test_add_func ("/retry/asks-outside", test_asks_outside);
  ADD ("lost-kinds", test_lost_kinds);
  ADD ("may-have-run", test_may_have_run);
  g_test_add_func ("/retry/ends-early", test_ends_early);
  g_test_add_func ("/retry/timeout", test_timeout);
  g_test_add_func ("/retry/multi-refused", test_multi_refused);
  ADD ("removed", test_removed);
  ADD ("pool", test_pool);
  ADD ("fault-14-all-ways", test_all_ways);
  ADD_WITH ("outside-limit", durable_args, test_outside_limit);
  ADD_WITH ("inside-limit", durable_args, test_inside_limit);
  g_test_add_func ("/retry/disposed", test_disposed);
  g_test_add_func ("/retry/bad-options", test_bad_options);

  return g_test_run ();
}
