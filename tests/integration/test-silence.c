/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which peers that say nothing are given up, and which are not. */

#include "integration/util.h"

#include "tornadis-glib/client/tornadis-client-private.h"

#define USER_TIMEOUT_MSEC 1000
/* A server that lives answers sooner, on a busy machine too. */
#define PING_INTERVAL_MSEC 250

static void
set_ping_interval (TornadisClient *client,
                   guint msec)
{
  tornadis_link_get_settings (tornadis_client_get_link (client))->ping_interval_msec = msec;
}

static void
lost_cb (TornadisClient *client,
         GError *error,
         gpointer user_data)
{
  (*(guint *) user_data)++;
}

/* A client that is up, of a server that is stopped from now on. */
static void
stop_server (Fixture *fixture,
             guint *n_lost)
{
  set_ping_interval (fixture->client, PING_INTERVAL_MSEC);
  assert_call (fixture->client, "PONG", "PING", NULL);
  *n_lost = 0;
  g_signal_connect (fixture->client, "disconnected", G_CALLBACK (lost_cb), n_lost);
  tornadis_harness_redis_pause (fixture->redis);
}

static GAsyncResult **
start_call (TornadisClient *client,
            GCancellable *cancellable,
            const char * const *argv)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv (argv);
  GAsyncResult **result = g_new0 (GAsyncResult *, 1);

  tornadis_client_call_async (client, command, cancellable, store_result, result);
  return result;
}

static char *
end_call (TornadisClient *client,
          GAsyncResult **result,
          GError **error)
{
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (client, wait_for_result (result), error);

  g_object_unref (*result);
  g_free (result);
  return reply != NULL ? tornadis_reply_to_string (reply) : NULL;
}

static void
assert_ends_lost (TornadisClient *client,
                  GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (end_call (client, result, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
}

/* A server that is stopped while its system lives is found by a call that waits. */
static void
test_stopped (Fixture *fixture,
              gconstpointer data)
{
  guint n_lost;

  stop_server (fixture, &n_lost);
  assert_ends_lost (fixture->client, start_call (fixture->client, NULL, (const char *[]) { "GET", "k", NULL }));
  g_assert_cmpuint (n_lost, ==, 1);

  tornadis_harness_redis_resume (fixture->redis);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_signal_handlers_disconnect_by_data (fixture->client, &n_lost);
}

/* So it is when nobody waited at first, and the timer is set for an idle limit that is far away. */
static void
test_stopped_when_idle (Fixture *fixture,
                        gconstpointer data)
{
  guint n_lost;

  g_object_set (fixture->client, "read-timeout", 3600, NULL);
  stop_server (fixture, &n_lost);
  /* So that the timer has found out that nobody waits. */
  spin_for (400);
  assert_ends_lost (fixture->client, start_call (fixture->client, NULL, (const char *[]) { "GET", "k", NULL }));
  g_assert_cmpuint (n_lost, ==, 1);

  tornadis_harness_redis_resume (fixture->redis);
  g_object_set (fixture->client, "read-timeout", 0, NULL);
}

/* Behind what may take long no answer is required, also when nobody waits for that any more. */
static void
test_behind_blocking (Fixture *fixture,
                      gconstpointer data)
{
  static const char *const blocking[][5] = {
    { "BLPOP", "nothing", "0", NULL },
    { "eval", "return 1", "0", NULL },
    { "MODULE.COMMAND", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (blocking); i++)
    /* With one that waits for data the connection is given up. */
    for (guint cancelled = 0; cancelled < (i == 0 ? 1 : 2); cancelled++)
      {
        g_autoptr (GCancellable) cancellable = g_cancellable_new ();
        g_autoptr (GError) error = NULL;
        GAsyncResult **first, **behind;
        g_autofree char *text = NULL;
        guint n_lost;

        stop_server (fixture, &n_lost);
        first = start_call (fixture->client, cancellable, blocking[i]);
        behind = start_call (fixture->client, NULL, (const char *[]) { "ECHO", "behind", NULL });
        spin_for (50);
        if (cancelled)
          g_cancellable_cancel (cancellable);
        spin_for (4 * PING_INTERVAL_MSEC);
        g_assert_cmpuint (n_lost, ==, 0);

        tornadis_harness_redis_resume (fixture->redis);
        if (i == 0)
          g_free (tornadis_harness_redis_command (fixture->redis, "RPUSH nothing x", NULL));
        g_free (end_call (fixture->client, first, &error));
        text = end_call (fixture->client, behind, NULL);
        g_assert_cmpstr (text, ==, "\"behind\"");
        g_signal_handlers_disconnect_by_data (fixture->client, &n_lost);
        tornadis_client_close (fixture->client);
      }
}

static TornadisClient *
make_tcp_client (guint port,
                 guint *n_lost)
{
  TornadisClient *client = tornadis_client_new ("127.0.0.1", (guint16) port);

  g_object_set (client, "tcp-user-timeout-msec", USER_TIMEOUT_MSEC, NULL);
  assert_call (client, "PONG", "PING", NULL);
  *n_lost = 0;
  g_signal_connect (client, "disconnected", G_CALLBACK (lost_cb), n_lost);

  return client;
}

/* A server that is alive, and takes nothing for three times the limit: with so much to be written that the socket takes no
 * more, and with so little that it takes all. */
static void
test_full_window (Fixture *fixture,
                  gconstpointer data)
{
  static const gsize sizes[] = { 20 * 1024 * 1024, 300 * 1024 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *value = g_strnfill (sizes[i], 'x');
      g_autofree char *text = NULL;
      GAsyncResult **result;
      guint n_lost;
      TornadisClient *client = make_tcp_client (tornadis_harness_redis_get_port (fixture->redis), &n_lost);

      tornadis_harness_redis_pause (fixture->redis);
      result = start_call (client, NULL, (const char *[]) { "SET", "large", value, NULL });
      spin_for (3 * USER_TIMEOUT_MSEC);
      g_assert_cmpuint (n_lost, ==, 0);

      tornadis_harness_redis_resume (fixture->redis);
      text = end_call (client, result, NULL);
      g_assert_cmpstr (text, ==, "OK");
      g_signal_handlers_disconnect_by_data (client, &n_lost);
      assert_finalized (client);
    }
}

/* A peer that acknowledges nothing any more is found, whether data is in flight or waits because its window is full. */
static void
test_cut_off (void)
{
  static const struct
  {
    const char *script;
    gsize size;
  } cases[] = {
    { "handshake\nexpect PING\ndeaf\nsend \"+PONG\\r\\n\"\nstop-reading\n", 10 },
    { "handshake\nexpect PING\nsend \"+PONG\\r\\n\"\nsleep 2500\ndeaf\nstop-reading\n", 20 * 1024 * 1024 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TornadisHarnessPeer) peer = make_peer (cases[i].script);
      g_autofree char *value = g_strnfill (cases[i].size, 'x');
      guint n_lost;
      TornadisClient *client = make_tcp_client (tornadis_harness_peer_get_port (peer), &n_lost);

      assert_ends_lost (client, start_call (client, NULL, (const char *[]) { "SET", "large", value, NULL }));
      g_assert_cmpuint (n_lost, ==, 1);
      g_signal_handlers_disconnect_by_data (client, &n_lost);
      assert_finalized (client);
    }
}

/* A PING would be part of what EXEC returns: none is sent while a pipeline holds MULTI open, answered or not. */
static void
test_in_multi (void)
{
  static const char *const scripts[] = {
    "handshake\nexpect GET\nexpect MULTI\nsleep 20000\n",
    "handshake\nexpect GET\nexpect MULTI\nsend \"$-1\\r\\n\"\nsleep 20000\n",
    "handshake\nexpect GET\nexpect MULTI\nsend \"$-1\\r\\n+OK\\r\\n\"\nexpect GET\nsleep 20000\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (scripts); i++)
    {
      g_autoptr (TornadisHarnessPeer) peer = make_peer (scripts[i]);
      TornadisClient *client = make_client (peer);
      g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

      tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "GET", "k", NULL });
      tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "MULTI", NULL });
      g_assert_true (connect_and_wait (client, NULL));
      set_ping_interval (client, 50);
      tornadis_client_submit_pipeline (client, pipeline, NULL, NULL, NULL);
      if (i == 2)
        {
          g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]) { "GET", "k", NULL });

          tornadis_client_submit (client, get, NULL, NULL, NULL);
        }
      spin_for (300);
      g_assert_true (tornadis_client_is_connected (client));
      g_assert_cmpuint (count_received (peer, "PING"), ==, 0);
      g_assert_null (tornadis_harness_peer_get_failure (peer));
      assert_finalized (client);
    }
}

/* No PING goes out on a connection that is to be given up because its server takes no writes; what is awaited there has to
 * come all the same, unless it may take long. */
static void
test_wrong_server (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect SET\nexpect GET\nsend \"-READONLY no\\r\\n\"\nstop-reading\n---\n"
    "handshake\nexpect SET\nexpect XREAD\nsend \"-READONLY no\\r\\n\"\nwait\nsend \"$1\\r\\nx\\r\\n\"\ndrain\n---\n"
    "handshake\necho-server\n");
  TornadisClient *client = make_client (peer);
  g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]) { "SET", "k", "1", NULL });
  GAsyncResult **result;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  set_ping_interval (client, 50);
  tornadis_client_submit (client, set, NULL, NULL, NULL);
  result = start_call (client, NULL, (const char *[]) { "GET", "k", NULL });
  g_assert_null (end_call (client, result, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);

  tornadis_client_submit (client, set, NULL, NULL, NULL);
  result = start_call (client, NULL, (const char *[]) { "XREAD", "BLOCK", "0", "STREAMS", "s", "$", NULL });
  spin_for (300);
  tornadis_harness_peer_go (peer);
  g_clear_error (&error);
  text = end_call (client, result, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, "\"x\"");
  assert_call (client, "\"value-of-k\"", "GET", "k", NULL);
  g_assert_null (tornadis_harness_peer_get_failure (peer));
  assert_finalized (client);
}

#define ADD(name, func) g_test_add ("/silence/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("stopped", test_stopped);
  ADD ("stopped-when-idle", test_stopped_when_idle);
  ADD ("behind-blocking", test_behind_blocking);
  ADD ("full-window", test_full_window);
  g_test_add_func ("/silence/cut-off", test_cut_off);
  g_test_add_func ("/silence/fault-18/in-multi", test_in_multi);
  g_test_add_func ("/silence/fault-05/wrong-server", test_wrong_server);

  return g_test_run ();
}
