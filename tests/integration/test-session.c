/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a server keeps for a connection, and what becomes of it when the connection is lost or handed on. */

#include "integration/util.h"

#include <string.h>

static gint64
get_connection_id (TornadisClient *client)
{
  gint64 id;

  g_object_get (client, "connection-id", &id, NULL);
  return id;
}

static gboolean
get_flag (TornadisClient *client,
          const char *property)
{
  gboolean value;

  g_object_get (client, property, &value, NULL);
  return value;
}

/* The server ends the connection of @client, which knows of it then. */
static void
cut (Fixture *fixture,
     TornadisClient *client)
{
  g_autofree char *line = g_strdup_printf ("CLIENT KILL ID %" G_GINT64_FORMAT, get_connection_id (client));

  g_free (tornadis_harness_redis_command (fixture->redis, line, NULL));
  wait_until (!tornadis_client_is_connected (client));
}

static void
assert_value (Fixture *fixture,
              const char *key,
              const char *expected)
{
  g_autofree char *line = g_strconcat ("GET ", key, NULL);
  g_autofree char *value = tornadis_harness_redis_command (fixture->redis, line, NULL);
  g_autofree char *resp = expected != NULL ? g_strdup_printf ("$%zu\r\n%s", strlen (expected), expected) : g_strdup ("$-1");

  g_assert_cmpstr (g_strstrip (value), ==, resp);
}

static void
assert_lost (TornadisClient *client,
             const char *line)
{
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) argv);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_client_call_async (client, command, NULL, store_result, &result);
  g_assert_null (tornadis_client_call_finish (client, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_nonnull (strstr (error->message, argv[0]));
}

static void
test_watch_lost (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisPipeline) transaction = PIPELINE (TRUE, "SET stock 0");
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  assert_call (fixture->client, "OK", "SET", "stock", "1", NULL);
  g_assert_false (get_flag (fixture->client, "in-transaction"));
  assert_call (fixture->client, "OK", "WATCH", "stock", NULL);
  assert_call (fixture->client, "\"1\"", "GET", "stock", NULL);
  g_assert_true (get_flag (fixture->client, "in-transaction"));
  cut (fixture, fixture->client);
  g_assert_true (get_flag (fixture->client, "in-transaction"));
  g_free (tornadis_harness_redis_command (fixture->redis, "SET stock 100", NULL));

  g_assert_null (call_pipeline (fixture->client, transaction, NULL, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  assert_value (fixture, "stock", "100");

  /* That was its EXEC. */
  g_assert_false (get_flag (fixture->client, "in-transaction"));
  assert_call (fixture->client, "OK", "WATCH", "stock", NULL);
  g_clear_error (&error);
  g_assert_nonnull (reply = call_pipeline (fixture->client, transaction, NULL, &error));
  g_assert_no_error (error);
  assert_value (fixture, "stock", "0");
}

/* The loop of the documentation: whatever fails with LOST, it begins again. */
static void
test_watch_again (Fixture *fixture,
                  gconstpointer data)
{
  static const char *const steps[][3] = { { "WATCH", "k", NULL }, { "GET", "k", NULL } };
  g_autoptr (TornadisPipeline) transaction = PIPELINE (TRUE, "INCR k");

  for (guint lost_before = 0; lost_before <= G_N_ELEMENTS (steps); lost_before++)
    {
      guint n_attempts = 0;
      gboolean done = FALSE;

      g_free (tornadis_harness_redis_command (fixture->redis, "SET k 1", NULL));
      assert_call (fixture->client, "PONG", "PING", NULL);
      while (!done)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (TornadisReply) reply = NULL;

          g_assert_cmpuint (++n_attempts, <=, 3);
          for (guint i = 0; i < G_N_ELEMENTS (steps) && error == NULL; i++)
            {
              g_autoptr (TornadisReply) step = NULL;

              if (n_attempts == 1 && i == lost_before)
                cut (fixture, fixture->client);
              step = call (fixture->client, &error, steps[i][0], steps[i][1], NULL);
            }
          if (n_attempts == 1 && lost_before == G_N_ELEMENTS (steps))
            cut (fixture, fixture->client);
          if (error == NULL)
            reply = call_pipeline (fixture->client, transaction, NULL, &error);
          done = reply != NULL;
          if (!done)
            g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
        }
      assert_value (fixture, "k", "2");
      g_assert_cmpuint (n_attempts, ==, lost_before == 0 ? 1 : 2);
    }
}

static void
test_multi_lost (Fixture *fixture,
                 gconstpointer data)
{
  assert_call (fixture->client, "OK", "MULTI", NULL);
  assert_call (fixture->client, "QUEUED", "INCR", "n", NULL);
  cut (fixture, fixture->client);

  assert_lost (fixture->client, "INCR n");
  assert_lost (fixture->client, "GET n");
  assert_lost (fixture->client, "EXEC");
  assert_value (fixture, "n", NULL);
  assert_call (fixture->client, "(integer) 1", "INCR", "n", NULL);

  /* Nobody is there to read what the others end with. */
  assert_call (fixture->client, "OK", "MULTI", NULL);
  cut (fixture, fixture->client);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (TornadisCommand) incr = tornadis_command_new_strv ((const char *[]){ "INCR", "n", NULL });
      g_autoptr (TornadisCommand) multi = tornadis_command_new ("MULTI");

      tornadis_client_submit (fixture->client, multi, NULL, NULL, NULL);
      tornadis_client_submit (fixture->client, incr, NULL, NULL, NULL);
      spin_for (1);
    }
  assert_lost (fixture->client, "EXEC");
  assert_value (fixture, "n", "1");

  /* Closing is knowing. */
  assert_call (fixture->client, "OK", "MULTI", NULL);
  tornadis_client_close (fixture->client);
  assert_call (fixture->client, "(integer) 2", "INCR", "n", NULL);
}

/* What could not be sent has begun nothing, and changed nothing. */
static void
test_not_connected (void)
{
  static const char *const lines[] = { "WATCH k", "MULTI", "SELECT 3" };
  g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", 1);

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_auto (GStrv) argv = g_strsplit (lines[i], " ", -1);
      g_autoptr (GError) error = NULL;

      g_assert_null (call (client, &error, argv[0], argv[1], NULL));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
      g_assert_false (tornadis_client_is_in_transaction (client));
      g_assert_true (tornadis_client_is_session_settled (client));
    }
}

/* Properties that are set for the next connection do not say how this one is. */
static void
test_set_for_the_next (Fixture *fixture,
                       gconstpointer data)
{
  g_object_set (fixture->client, "db", 1, NULL);
  g_assert_true (tornadis_client_is_session_settled (fixture->client));
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_true (tornadis_client_is_session_settled (fixture->client));
  g_object_set (fixture->client, "db", 2, NULL);
  g_assert_false (tornadis_client_is_session_settled (fixture->client));
  g_object_set (fixture->client, "db", 1, NULL);
  g_assert_true (tornadis_client_is_session_settled (fixture->client));
  g_object_set (fixture->client, "username", "nobody", NULL);
  g_assert_false (get_flag (fixture->client, "session-settled"));
  g_object_set (fixture->client, "username", NULL, "password", NULL, NULL);
  g_assert_true (get_flag (fixture->client, "session-settled"));

  /* What a call makes of it is so at once, and what closes the client is the next connection's. */
  g_object_set (fixture->client, "db", 3, NULL);
  assert_call (fixture->client, "OK", "SELECT", "4", NULL);
  g_assert_true (tornadis_client_is_session_settled (fixture->client));
  g_object_set (fixture->client, "db", 3, NULL);
  tornadis_client_close (fixture->client);
  g_assert_true (tornadis_client_is_session_settled (fixture->client));
}

/* Nothing that waits to be written runs by itself either. */
static void
test_unwritten (Fixture *fixture,
                gconstpointer data)
{
  static const char *const lines[] = { "WATCH k", "GET k", "SET k 1", "SET k 2", "EXEC", "GET other" };
  GAsyncResult *results[G_N_ELEMENTS (lines)] = { NULL };
  g_autofree char *large = g_strnfill (8 << 20, 'x');
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect WATCH\nsend \"+OK\\r\\n\"\nexpect GET\nclose\n---\nhandshake\necho-server\n");
  TornadisClient *client = make_client (peer);

  g_assert_true (connect_and_wait (client, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_auto (GStrv) argv = g_strsplit (lines[i], " ", -1);
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) argv);

      /* From the second SET on they wait for room on the wire, behind the first. */
      if (i == 2)
        tornadis_command_append_string (command, large);
      tornadis_client_call_async (client, command, NULL, store_result, &results[i]);
    }

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply G_GNUC_UNUSED = tornadis_client_call_finish (client, wait_for_result (&results[i]), &error);

      if (i == 0 || i == G_N_ELEMENTS (lines) - 1)
        g_assert_no_error (error);
      else
        g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
      g_object_unref (results[i]);
    }
  g_assert_cmpuint (count_received (peer, "EXEC"), ==, 0);
  assert_finalized (client);
}

static TornadisClientPool *
make_pool (Fixture *fixture,
           TornadisClient **template)
{
  *template = g_object_new (TORNADIS_TYPE_CLIENT, "unix-domain-socket",
                            tornadis_harness_redis_get_socket_path (fixture->redis), NULL);
  return tornadis_client_pool_new (*template);
}

/* A command alone, whatever it says. */
static void
call_line (TornadisClient *client,
           const char *line)
{
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) argv);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  tornadis_client_call_async (client, command, NULL, store_result, &result);
  reply = tornadis_client_call_finish (client, wait_for_result (&result), NULL);
}

/* Whether the next user of a pool gets the connection on which somebody made these calls. */
static gboolean
is_handed_on (TornadisClientPool *pool,
              const char *calls)
{
  g_auto (GStrv) lines = g_strsplit (calls, "; ", -1);
  g_autoptr (TornadisClient) client = assert_take (pool);
  g_autoptr (TornadisClient) next = NULL;
  gint64 id = get_connection_id (client);
  gboolean handed_on;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      gboolean atomic = lines[i][0] == '!';
      g_auto (GStrv) commands = g_strsplit (lines[i] + atomic, " | ", -1);
      g_autoptr (TornadisPipeline) pipeline = make_pipeline (atomic, (const char *const *) commands);
      g_autoptr (TornadisReply) reply = NULL;

      if (g_strv_length (commands) > 1 || atomic)
        reply = call_pipeline (client, pipeline, NULL, NULL);
      else
        call_line (client, commands[0]);
      g_assert_true (reply != NULL || g_strv_length (commands) == 1);
    }
  tornadis_client_pool_release_client (pool, client);

  next = assert_take (pool);
  handed_on = get_connection_id (next) == id;
  assert_call (next, "(integer) 0", "EXISTS", "only-elsewhere", NULL);
  tornadis_client_pool_release_client (pool, next);

  return handed_on;
}

static void
test_pristine (Fixture *fixture,
               gconstpointer data)
{
  static const struct
  {
    const char *calls;
    gboolean handed_on;
  } cases[] = {
    { "SET a 1", TRUE },
    { "CLIENT ID; CLIENT LIST; CLIENT GETNAME; ACL WHOAMI", TRUE },
    { "MULTI; SET a 1; EXEC", TRUE },
    { "WATCH a; !GET a", TRUE },
    { "WATCH a; UNWATCH", TRUE },
    { "SELECT 5; SELECT 0", TRUE },
    { "MULTI; SELECT 5; DISCARD", TRUE },
    { "CLIENT NOPE; SELECT nope; AUTH nope nope nope", TRUE },
    { "MULTI; SELECT 5; EXEC", FALSE },
    { "multi; select 5; exec", FALSE },
    { "!SELECT 5", FALSE },
    { "GET a | SELECT 5", FALSE },
    { "SELECT 5", FALSE },
    { "SELECT 5; SET only-elsewhere 1", FALSE },
    { "MULTI", FALSE },
    { "GET a | MULTI", FALSE },
    { "WATCH a", FALSE },
    { "WATCH a; EXEC", FALSE },
    { "CLIENT SETNAME mine", FALSE },
    { "client setname mine", FALSE },
    { "MULTI; CLIENT SETNAME mine; EXEC", FALSE },
    { "CLIENT TRACKING on", FALSE },
    { "CLIENT NO-EVICT on", FALSE },
    { "ACL SETUSER other on nopass +@all ~*; AUTH other x", FALSE },
    { "ACL SETUSER other off", FALSE },
  };
  g_autoptr (TornadisClient) template = NULL;
  g_autoptr (TornadisClientPool) pool = make_pool (fixture, &template);

  g_free (tornadis_harness_redis_command (fixture->redis, "ACL SETUSER other on nopass +@all ~*", NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].calls);
      g_assert_cmpint (is_handed_on (pool, cases[i].calls), ==, cases[i].handed_on);
    }
}

/* Redis 8.0 and Valkey 8.1 may refuse AUTH without a reply while another is to be sent: whatever is in flight with it, each
 * call gets its own. */
static void
test_auth_in_flight (Fixture *fixture,
                     gconstpointer data)
{
  static const char *const lines[] = { "ECHO 1", "AUTH other no", "ECHO 2", "AUTH other yes", "ECHO 3", "ACL WHOAMI" };
  static const char *const expected[] = { "1", NULL, "2", "OK", "3", "other" };
  static const char *const refused[] = { "ECHO 1 | AUTH other yes", "!AUTH other yes" };
  GAsyncResult *results[G_N_ELEMENTS (lines)] = { NULL };
  g_autoptr (GError) error = NULL;

  g_free (tornadis_harness_redis_command (fixture->redis, "ACL SETUSER other on >yes ~* &* +@all", NULL));
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_auto (GStrv) argv = g_strsplit (lines[i], " ", -1);
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) argv);

      tornadis_client_call_async (fixture->client, command, NULL, store_result, &results[i]);
    }

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (TornadisReply) reply = NULL;

      g_clear_error (&error);
      reply = tornadis_client_call_finish (fixture->client, wait_for_result (&results[i]), &error);
      if (expected[i] != NULL)
        g_assert_cmpstr (tornadis_reply_get_text (reply), ==, expected[i]);
      else
        {
          g_autofree char *prefix = tornadis_error_dup_prefix (error);

          g_assert_cmpstr (prefix, ==, "WRONGPASS");
        }
      g_object_unref (results[i]);
    }

  /* Where there is no way to know. */
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      gboolean atomic = refused[i][0] == '!';
      g_auto (GStrv) commands = g_strsplit (refused[i] + atomic, " | ", -1);
      g_autoptr (TornadisPipeline) pipeline = make_pipeline (atomic, (const char *const *) commands);

      g_clear_error (&error);
      g_assert_null (call_pipeline (fixture->client, pipeline, NULL, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
    }
  assert_call (fixture->client, "OK", "MULTI", NULL);
  g_clear_error (&error);
  g_assert_null (call (fixture->client, &error, "AUTH", "other", "yes", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  assert_call (fixture->client, "OK", "DISCARD", NULL);
}

/* What the server has for those that are in a cluster. */
static void
test_pristine_in_cluster (Fixture *unused,
                          gconstpointer data)
{
  Fixture fixture = { tornadis_harness_redis_new ((const char *[]){ "--cluster-enabled", "yes", NULL }, NULL), NULL };
  g_autoptr (TornadisClient) template = NULL;
  g_autoptr (TornadisClientPool) pool = NULL;

  g_free (tornadis_harness_redis_command (fixture.redis, "CLUSTER ADDSLOTSRANGE 0 16383", NULL));
  wait_until (({
    g_autofree char *info = tornadis_harness_redis_command (fixture.redis, "CLUSTER INFO", NULL);
    strstr (info, "cluster_state:ok") != NULL;
  }));

  pool = make_pool (&fixture, &template);
  g_assert_true (is_handed_on (pool, "PING"));
  g_assert_false (is_handed_on (pool, "READONLY"));
  g_assert_false (is_handed_on (pool, "READONLY; READWRITE"));
  g_assert_false (is_handed_on (pool, "ASKING"));

  g_clear_object (&pool);
  g_object_unref (fixture.redis);
}

/* A connection that replaces one that was lost is as good, whatever was queued for that. */
static void
test_pristine_again (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisClient) template = NULL;
  g_autoptr (TornadisClientPool) pool = make_pool (fixture, &template);
  g_autoptr (TornadisClient) client = assert_take (pool);
  g_autoptr (TornadisClient) next = NULL;
  g_autoptr (TornadisCommand) select = tornadis_command_new_strv ((const char *[]) { "SELECT", "3", NULL });
  gint64 id;

  tornadis_client_submit (client, select, NULL, NULL, NULL);
  tornadis_client_close (client);
  assert_call (client, "PONG", "PING", NULL);
  id = get_connection_id (client);
  tornadis_client_pool_release_client (pool, client);
  next = assert_take (pool);
  g_assert_cmpint (get_connection_id (next), ==, id);
  tornadis_client_pool_release_client (pool, next);
}

/* The next connection is as the one before, where that can be asked for. */
static void
test_restored (Fixture *fixture,
               gconstpointer data)
{
  g_autofree char *name = NULL;
  g_autofree char *info = NULL;
  const char *flags;
  int db;

  assert_call (fixture->client, "OK", "MULTI", NULL);
  assert_call (fixture->client, "QUEUED", "SELECT", "5", NULL);
  assert_call (fixture->client, "QUEUED", "CLIENT", "SETNAME", "editor", NULL);
  assert_call (fixture->client, "QUEUED", "CLIENT", "NO-EVICT", "on", NULL);
  g_assert_false (get_flag (fixture->client, "session-settled") && !get_flag (fixture->client, "in-transaction"));
  assert_call (fixture->client, "1) OK\n2) OK\n3) OK", "EXEC", NULL);
  g_assert_true (get_flag (fixture->client, "session-settled"));
  cut (fixture, fixture->client);

  info = call_text (fixture->client, "CLIENT", "INFO", NULL);
  g_assert_nonnull (strstr (info, " db=5 "));
  g_assert_nonnull (strstr (info, " name=editor "));
  flags = strstr (info, " flags=");
  g_assert_nonnull (flags);
  g_assert_nonnull (memchr (flags + 7, 'e', strcspn (flags + 7, " ")));
  g_object_get (fixture->client, "db", &db, "client-name", &name, NULL);
  g_assert_cmpint (db, ==, 5);
  g_assert_cmpstr (name, ==, "editor");
}

/* The next server may be older, or no part of a cluster: it is connected to all the same. */
static void
test_restored_refused (Fixture *fixture,
                       gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect GET\nclose\n---\n"
                                                    "expect HELLO\nsend \"-ERR unknown command\\r\\n\"\n"
                                                    "expect CLIENT\nsend \":2\\r\\n\"\n"
                                                    "expect CLIENT\nsend \"-ERR unknown subcommand\\r\\n\"\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (GError) error = NULL;

  assert_call (client, "OK", "CLIENT", "NO-TOUCH", "on", NULL);
  g_assert_null (call (client, &error, "GET", "k", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  assert_call (client, "\"value-of-k\"", "GET", "k", NULL);
  g_assert_null (tornadis_harness_peer_get_failure (peer));
  assert_finalized (client);
}

/* A template that was used itself, or is changed later. */
static void
test_template (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisClient) template = NULL;
  g_autoptr (TornadisClientPool) pool = make_pool (fixture, &template);
  g_autoptr (TornadisClient) idle = NULL;
  gint64 id;

  assert_call (template, "OK", "SELECT", "3", NULL);
  assert_call (template, "OK", "CLIENT", "SETNAME", "first", NULL);
  g_assert_true (is_handed_on (pool, "PING"));
  idle = assert_take (pool);
  assert_call (idle, "\"first\"", "CLIENT", "GETNAME", NULL);
  id = get_connection_id (idle);
  tornadis_client_pool_release_client (pool, idle);
  g_clear_object (&idle);

  assert_call (template, "OK", "SELECT", "4", NULL);
  idle = assert_take (pool);
  g_assert_cmpint (get_connection_id (idle), !=, id);
  tornadis_client_pool_release_client (pool, idle);
  g_assert_true (is_handed_on (pool, "PING"));
}

/* Behind one address there is another server now: calls that were answered are, and the next goes there. */
static void
test_wrong_server (Fixture *fixture,
                   gconstpointer data)
{
  static const char *const words[] = {
    "-READONLY You can't write against a read only replica.",
    "-ERR READONLY You can't write against a read only replica.",
    "-ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write against a read only replica.",
  };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autofree char *script = g_strdup_printf ("handshake\nexpect SET\nexpect GET\nexpect GET\nsend \"%s\\r\\n\"\nwait\n"
                                                 "send \"$1\\r\\na\\r\\n$1\\r\\nb\\r\\n\"\nsleep 1000\n"
                                                 "---\nhandshake\necho-server\n",
                                                 words[i]);
      g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
      TornadisClient *client = make_client (peer);
      g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]){ "SET", "k", "1", NULL });
      g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", "k", NULL });
      GAsyncResult *results[4] = { NULL };
      g_autoptr (GError) error = NULL;

      g_assert_true (connect_and_wait (client, NULL));
      tornadis_client_call_async (client, set, NULL, store_result, &results[0]);
      tornadis_client_call_async (client, get, NULL, store_result, &results[1]);
      tornadis_client_call_async (client, get, NULL, store_result, &results[2]);
      g_assert_null (tornadis_client_call_finish (client, wait_for_result (&results[0]), &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);

      /* What is called from now on waits for the other server. */
      tornadis_client_call_async (client, get, NULL, store_result, &results[3]);
      spin_for (5);
      tornadis_harness_peer_go (peer);
      for (guint j = 1; j < 4; j++)
        {
          g_autoptr (TornadisReply) reply = NULL;

          g_clear_error (&error);
          reply = tornadis_client_call_finish (client, wait_for_result (&results[j]), &error);
          g_assert_no_error (error);
          g_assert_cmpstr (tornadis_reply_get_text (reply), ==, j == 1 ? "a" : j == 2 ? "b"
                                                                                      : "value-of-k");
        }
      g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 2);
      g_assert_null (tornadis_harness_peer_get_failure (peer));
      for (guint j = 0; j < 4; j++)
        g_object_unref (results[j]);
      assert_finalized (client);
    }
}

/* A connection that is to go is not given to the next. */
static void
release_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  tornadis_client_pool_release_client (user_data, client);
}

static void
test_wrong_server_in_pool (Fixture *fixture,
                           gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect SET\nsend \"-READONLY no\\r\\n\"\ndrain\n---\nhandshake\necho-server\n");
  g_autoptr (TornadisClient) template = make_client (peer);
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (template);
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (TornadisClient) next = NULL;
  g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]) { "SET", "k", "1", NULL });
  g_autoptr (GAsyncResult) result = NULL;

  g_object_set (pool, "max-size", 1, NULL);
  client = assert_take (pool);
  tornadis_client_pool_get_connected_client_async (pool, NULL, store_result, &result);
  tornadis_client_submit (client, set, release_cb, pool, NULL);
  next = tornadis_client_pool_get_connected_client_finish (pool, wait_for_result (&result), NULL);
  g_assert_true (tornadis_client_is_connected (next));
  g_assert_true (next != client);
  tornadis_client_pool_release_client (pool, next);
}

/* A reply that is too large is the error of its own call, and not of those behind it. */
static void
test_too_large (Fixture *fixture,
                gconstpointer data)
{
  g_autofree char *value = g_strnfill (3 << 20, 'x');
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (TornadisCommand) large = tornadis_command_new_strv ((const char *[]){ "GET", "large", NULL });
  g_autoptr (TornadisCommand) incr = tornadis_command_new_strv ((const char *[]){ "INCR", "n", NULL });
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GError) error = NULL;

  assert_call (fixture->client, "OK", "SET", "large", value, NULL);
  g_object_set (fixture->client, "max-reply-size", G_GUINT64_CONSTANT (2) << 20, NULL);
  /* Behind another call they go out in one write. */
  tornadis_client_submit (fixture->client, ping, NULL, NULL, NULL);
  tornadis_client_call_async (fixture->client, large, NULL, store_result, &first);
  tornadis_client_call_async (fixture->client, incr, NULL, store_result, &second);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&first), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (error->message, "GET"));
  g_clear_error (&error);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&second), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_cmpuint (count_calls (fixture->redis, "get"), ==, 1);
}

/* What nobody waits for any more takes nothing. */
static void
test_given_up (Fixture *fixture,
               gconstpointer data)
{
  static const char *const calls[] = { "BLPOP list 0", "GET a | BRPOP list 0", "BLMOVE list other LEFT LEFT 0" };

  for (guint by_timeout = 0; by_timeout < 2; by_timeout++)
    for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
      {
        g_auto (GStrv) commands = g_strsplit (calls[i], " | ", -1);
        g_autoptr (TornadisPipeline) pipeline = make_pipeline (FALSE, (const char *const *) commands);
        g_autoptr (GCancellable) cancellable = g_cancellable_new ();
        g_autoptr (GAsyncResult) result = NULL;
        g_autoptr (GError) error = NULL;

        assert_call (fixture->client, "PONG", "PING", NULL);
        g_object_set (fixture->client, "call-timeout-msec", by_timeout ? 50 : 0, NULL);
        tornadis_client_call_pipeline_async (fixture->client, pipeline, cancellable, store_result, &result);
        g_object_set (fixture->client, "call-timeout-msec", 0, NULL);
        if (!by_timeout)
          {
            wait_until (count_blocked (fixture->redis) == 1);
            g_cancellable_cancel (cancellable);
          }
        g_assert_null (tornadis_client_call_pipeline_finish (fixture->client, wait_for_result (&result), &error));
        if (by_timeout)
          g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
        else
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

        wait_until (!tornadis_client_is_connected (fixture->client));
        wait_until (count_blocked (fixture->redis) == 0);
        assert_call (fixture->client, "(integer) 1", "RPUSH", "list", "x", NULL);
        assert_call (fixture->client, "\"x\"", "LPOP", "list", NULL);
      }
}

/* One that has not been sent, or waits for nothing, leaves the connection alone. */
static void
test_given_up_unsent (Fixture *fixture,
                      gconstpointer data)
{
  static const char *const calls[] = { "XREAD STREAMS s 0", "LPOP list", "SET a 1" };
  gint64 id;

  assert_call (fixture->client, "PONG", "PING", NULL);
  id = get_connection_id (fixture->client);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_auto (GStrv) argv = g_strsplit (calls[i], " ", -1);
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) argv);
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) result = NULL;

      tornadis_harness_redis_pause (fixture->redis);
      tornadis_client_call_async (fixture->client, command, cancellable, store_result, &result);
      spin_for (2);
      g_cancellable_cancel (cancellable);
      g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), NULL));
      tornadis_harness_redis_resume (fixture->redis);
      assert_call (fixture->client, "PONG", "PING", NULL);
      g_assert_cmpint (get_connection_id (fixture->client), ==, id);
    }
}

static void
nested_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  gboolean *done = user_data;

  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  g_object_set (client, "call-timeout-msec", 0, NULL);
  /* It does not go where nothing is answered any more. */
  assert_call (client, "OK", "SET", "a", "1", NULL);
  *done = TRUE;
}

/* Who gave it up may call, and wait, at once. */
static void
test_given_up_nested (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "BLPOP", "list", "0", NULL });

  for (guint aggressive = 0; aggressive < 2; aggressive++)
    {
      gboolean done = FALSE;

      g_object_set (fixture->client, "aggressive-write", aggressive == 1, NULL);
      assert_call (fixture->client, "PONG", "PING", NULL);
      g_object_set (fixture->client, "call-timeout-msec", 20, NULL);
      tornadis_client_submit (fixture->client, command, nested_cb, &done, NULL);
      wait_until (done);
      wait_until (count_blocked (fixture->redis) == 0);
    }
}

/* MULTI and EXEC count as what they are, wherever it is counted. */
static void
test_atomic_counts (Fixture *fixture,
                    gconstpointer data)
{
  g_autoptr (TornadisPipeline) transaction = PIPELINE (TRUE, "GET a", "GET b");
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint pending;

  assert_call (fixture->client, "PONG", "PING", NULL);
  g_object_set (fixture->client, "max-pending", 4, NULL);
  tornadis_client_submit (fixture->client, ping, NULL, NULL, NULL);
  g_assert_null (call_pipeline (fixture->client, transaction, NULL, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);

  assert_call (fixture->client, "PONG", "PING", NULL);
  tornadis_client_call_pipeline_async (fixture->client, transaction, NULL, store_result, &result);
  g_object_get (fixture->client, "pending", &pending, NULL);
  g_assert_cmpuint (pending, ==, 4);
  tornadis_reply_unref (tornadis_client_call_pipeline_finish (fixture->client, wait_for_result (&result), NULL));
}

/* What is called before the program is notified that there was no room for a MULTI may be meant for that. */
static void
test_no_room (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisPipeline) begin = PIPELINE (FALSE, "MULTI", "SET a 1");
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]){ "SET", "b", "2", NULL });

  for (guint knows = 0; knows < 2; knows++)
    {
      g_autoptr (GAsyncResult) begun = NULL;
      g_autoptr (GAsyncResult) written = NULL;
      g_autoptr (GError) error = NULL;

      assert_call (fixture->client, "PONG", "PING", NULL);
      g_object_set (fixture->client, "max-pending", 2, NULL);
      tornadis_client_submit (fixture->client, ping, NULL, NULL, NULL);
      if (knows)
        tornadis_client_call_pipeline_async (fixture->client, begin, NULL, store_result, &begun);
      else
        tornadis_client_submit_pipeline (fixture->client, begin, NULL, NULL, NULL);
      tornadis_client_call_async (fixture->client, set, NULL, store_result, &written);
      g_object_set (fixture->client, "max-pending", 100, NULL);

      g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&written), &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
      g_clear_error (&error);
      if (knows)
        {
          g_assert_null (tornadis_client_call_pipeline_finish (fixture->client, wait_for_result (&begun), &error));
          g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);
          g_clear_error (&error);
          assert_call (fixture->client, "OK", "SET", "c", "3", NULL);
        }
      else
        {
          assert_lost (fixture->client, "SET c 3");
          assert_lost (fixture->client, "EXEC");
        }
      assert_value (fixture, "b", NULL);
    }
  assert_value (fixture, "c", "3");
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/session/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("fault-02/pristine", test_pristine);
  ADD ("fault-02/pristine-in-cluster", test_pristine_in_cluster);
  ADD ("fault-02/pristine-again", test_pristine_again);
  ADD ("fault-02/restored", test_restored);
  ADD ("fault-02/restored-refused", test_restored_refused);
  ADD ("auth-in-flight", test_auth_in_flight);
  g_test_add ("/session/auth-in-flight/resp2", Fixture, NULL, fixture_set_up_resp2, test_auth_in_flight, fixture_tear_down);
  ADD ("fault-03/watch-lost", test_watch_lost);
  ADD ("fault-03/watch-again", test_watch_again);
  ADD ("fault-03/multi-lost", test_multi_lost);
  ADD ("fault-03/unwritten", test_unwritten);
  g_test_add_func ("/session/fault-03/not-connected", test_not_connected);
  ADD ("fault-02/set-for-the-next", test_set_for_the_next);
  ADD ("fault-04/template", test_template);
  ADD ("fault-05/wrong-server", test_wrong_server);
  ADD ("fault-05/wrong-server-in-pool", test_wrong_server_in_pool);
  ADD ("fault-10/too-large", test_too_large);
  ADD ("fault-17/given-up", test_given_up);
  ADD ("fault-17/given-up-unsent", test_given_up_unsent);
  ADD ("fault-17/given-up-nested", test_given_up_nested);
  ADD ("fault-18/atomic-counts", test_atomic_counts);
  ADD ("fault-03/no-room", test_no_room);

  return g_test_run ();
}
