/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When a client connects, waits, and gives a peer up. */

#include "integration/util.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-client-private.h"

typedef struct
{
  guint n_scheduled;
  guint last_attempt;
  guint max_delay;
} Schedule;

static void
scheduled_cb (TornadisClient *client,
              guint attempt,
              guint delay_msec,
              GError *error,
              gpointer user_data)
{
  Schedule *schedule = user_data;

  g_assert_nonnull (error);
  schedule->n_scheduled++;
  schedule->last_attempt = attempt;
  schedule->max_delay = MAX (schedule->max_delay, delay_msec);
}

static void
count_cb (TornadisClient *client,
          gpointer user_data)
{
  (*(guint *) user_data)++;
}

static void
lost_cb (TornadisClient *client,
         GError *error,
         gpointer user_data)
{
  (*(guint *) user_data)++;
}

/* Attempts are spaced, more and more; a call made while waiting joins the next; success begins anew. */
static void
test_backoff (Fixture *fixture,
              gconstpointer data)
{
  Schedule schedule = { 0 };
  gint64 end = g_get_monotonic_time () + 3 * G_TIME_SPAN_SECOND;
  guint n_failed = 0;
  gulong id;

  id = g_signal_connect (fixture->client, "reconnect-scheduled", G_CALLBACK (scheduled_cb), &schedule);
  tornadis_harness_redis_kill (fixture->redis);
  while (g_get_monotonic_time () < end || schedule.last_attempt < 4)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (call (fixture->client, &error, "PING", NULL));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
      n_failed++;
    }
  g_test_message ("%u attempts, delays up to %u ms", n_failed, schedule.max_delay);
  g_assert_cmpuint (n_failed, <, 60);
  g_assert_cmpuint (schedule.n_scheduled, >, 1);
  g_assert_cmpuint (schedule.max_delay, <=, 5000);

  g_assert_true (tornadis_harness_redis_restart (fixture->redis, NULL));
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_signal_handler_disconnect (fixture->client, id);
}

/* A network that comes back ends the wait. */
static void
test_network_changed (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  TornadisClientState state = TORNADIS_CLIENT_STATE_DISCONNECTED;

  tornadis_harness_redis_kill (fixture->redis);
  /* Until the wait is long enough to be told from none. */
  do
    {
      g_clear_object (&result);
      tornadis_client_call_async (fixture->client, ping, NULL, store_result, &result);
      spin_for (400);
      g_object_get (fixture->client, "state", &state, NULL);
    }
  while (state != TORNADIS_CLIENT_STATE_WAITING);

  g_assert_true (tornadis_harness_redis_restart (fixture->redis, NULL));
  g_signal_emit_by_name (g_network_monitor_get_default (), "network-changed", TRUE);
  spin_for (1);
  g_object_get (fixture->client, "state", &state, NULL);
  g_assert_cmpint (state, !=, TORNADIS_CLIENT_STATE_WAITING);
  reply = tornadis_client_call_finish (fixture->client, wait_for_result (&result), NULL);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "PONG");
}

static void
set_ping_interval (gpointer client,
                   guint msec)
{
  tornadis_link_get_settings (tornadis_client_get_link (client))->ping_interval_msec = msec;
}

/* A link that only awaits messages is given up when the peer does not answer. */
static void
test_silent_subscription (Fixture *fixture,
                          gconstpointer data)
{
  TornadisPubSubClient *client =
    tornadis_pub_sub_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  GAsyncResult *result = NULL;
  guint n_lost = 0, n_gaps = 0;
  guint n_pings;
  gulong ids[2];

  set_ping_interval (client, 300);
  ids[0] = g_signal_connect (client, "disconnected", G_CALLBACK (lost_cb), &n_lost);
  ids[1] = g_signal_connect (client, "gap", G_CALLBACK (count_cb), &n_gaps);
  tornadis_pub_sub_client_subscribe_async (client, (const char *[]) { "a", NULL }, NULL, store_result, &result);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (client, wait_for_result (&result), NULL));
  g_clear_object (&result);

  /* It answers: nothing happens. */
  n_pings = count_calls (fixture->redis, "ping");
  wait_until (count_calls (fixture->redis, "ping") >= n_pings + 3);
  g_assert_cmpuint (n_lost, ==, 0);

  tornadis_harness_redis_pause (fixture->redis);
  wait_until (n_lost >= 1);
  tornadis_harness_redis_resume (fixture->redis);
  wait_until (n_gaps > 0);

  g_signal_handler_disconnect (client, ids[0]);
  g_signal_handler_disconnect (client, ids[1]);
  assert_finalized (client);
}

/* A command that blocks for good reason is left alone, and the PING behind it too. */
static void
test_blocking_call (Fixture *fixture,
                    gconstpointer data)
{
  g_autofree char *text = NULL;

  set_ping_interval (fixture->client, 100);
  text = call_text (fixture->client, "BLPOP", "nothing", "1", NULL);
  g_assert_cmpstr (text, ==, "(nil)");
  assert_call (fixture->client, "\"x\"", "ECHO", "x", NULL);
}

/* Calls that were not written yet go to the next link. */
static void
test_unwritten_calls (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect PING\nsend \"+PONG\\r\\n\"\nclose\n---\nhandshake\necho-server\n");
  TornadisClient *client = make_client (peer);

  assert_call (client, "PONG", "PING", NULL);
  /* It is closed, and the loop has not seen it yet. */
  while (tornadis_harness_peer_get_n_steps (peer) < 4)
    g_usleep (1000);
  assert_call (client, "\"value-of-k\"", "GET", "k", NULL);
  assert_finalized (client);
}

static gboolean
tick_cb (gpointer user_data)
{
  gint64 *ticks = user_data;
  gint64 now = g_get_monotonic_time ();

  if (ticks[0] != 0)
    ticks[1] = MAX (ticks[1], now - ticks[0]);
  ticks[0] = now;
  ticks[2]++;
  return G_SOURCE_CONTINUE;
}

static void
message_cb (TornadisPubSubClient *client,
            TornadisMessage *message,
            gpointer user_data)
{
  (*(guint *) user_data)++;
}

/* A flood of messages leaves a main loop its frames, at the priority that GTK draws with. */
static void
test_flood (void)
{
  g_autoptr (TornadisHarnessPeer) peer = tornadis_harness_peer_new (
    "handshake3\nexpect SUBSCRIBE\nsend \">3\\r\\n$9\\r\\nsubscribe\\r\\n$1\\r\\na\\r\\n:1\\r\\n\"\n"
    "send-repeat 500000 \">3\\r\\n$7\\r\\nmessage\\r\\n$1\\r\\na\\r\\n$5\\r\\nhello\\r\\n\"\n",
    NULL);
  TornadisPubSubClient *client = tornadis_pub_sub_client_new ("127.0.0.1", (guint16) tornadis_harness_peer_get_port (peer));
  gint64 ticks[3] = { 0 };
  guint n_messages = 0;
  guint id;

  g_signal_connect (client, "message", G_CALLBACK (message_cb), &n_messages);
  id = g_timeout_add_full (G_PRIORITY_HIGH_IDLE + 20, 5, tick_cb, ticks, NULL);
  tornadis_pub_sub_client_subscribe_async (client, (const char *[]) { "a", NULL }, NULL, NULL, NULL);
  while (n_messages < 500000)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (id);

  /* How late is for a benchmark; that it is not starved is for a test. */
  g_test_message ("%" G_GINT64_FORMAT " frames, the longest wait %" G_GINT64_FORMAT " us", ticks[2], ticks[1]);
  g_assert_cmpint (ticks[2], >, 5);
  tornadis_client_close (TORNADIS_CLIENT (client));
  spin_for (10);
  assert_finalized (client);
}

/* How calls end whose connection was lost. */
typedef struct
{
  TornadisClient *client;
  guint n_ended;
  guint n_of_turn;      /* since another source was dispatched */
  guint most;           /* of these */
  guint n_disconnected; /* how often "disconnected" was emitted, which comes behind all */
} Ends;

/* Takes a tenth of a millisecond, on a fast machine too: a turn has time for few. */
static void
end_cb (TornadisClient *client,
        TornadisReply *reply,
        GError *error,
        gpointer user_data)
{
  Ends *ends = user_data;
  gint64 start = g_get_monotonic_time ();

  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_cmpuint (ends->n_disconnected, ==, 0);
  g_assert_false (tornadis_client_is_connected (client));
  ends->n_ended++;
  ends->most = MAX (ends->most, ++ends->n_of_turn);
  while (g_get_monotonic_time () < start + 100)
    continue;
}

static gboolean
other_source_cb (gpointer user_data)
{
  ((Ends *) user_data)->n_of_turn = 0;
  return G_SOURCE_CONTINUE;
}

static void
ends_lost_cb (TornadisClient *client,
              GError *error,
              gpointer user_data)
{
  ((Ends *) user_data)->n_disconnected++;
}

#define N_LOST 1000
/* Each would need some of the stack, if one ended within the other. */
#define N_CLOSED 50000
#define PING "*1\r\n$4\r\nPING\r\n"

static guint64
get_bytes_written (TornadisClient *client)
{
  guint64 n_bytes;

  g_object_get (client, "bytes-written", &n_bytes, NULL);
  return n_bytes;
}

/* Writes N_LOST calls behind a BLPOP, and one more if that can be cancelled, and has the server close the connection. */
static void
lose_many (Fixture *fixture,
           Ends *ends,
           GCancellable *cancellable,
           GAsyncResult **result)
{
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (TornadisCommand) block = tornadis_command_new_strv ((const char *[]){ "BLPOP", "none", "0", NULL });
  g_autofree char *answer = NULL;
  guint64 before;

  *ends = (Ends){ .client = fixture->client };
  g_signal_connect (fixture->client, "disconnected", G_CALLBACK (ends_lost_cb), ends);
  tornadis_client_submit (fixture->client, block, NULL, NULL, NULL);
  wait_until (count_blocked (fixture->redis) == 1);
  before = get_bytes_written (fixture->client);
  for (guint i = 0; i < N_LOST; i++)
    tornadis_client_submit (fixture->client, ping, end_cb, ends, NULL);
  if (cancellable != NULL)
    tornadis_client_call_async (fixture->client, ping, cancellable, store_result, result);
  wait_until (get_bytes_written (fixture->client) >= before + (N_LOST + (cancellable != NULL)) * strlen (PING));
  answer = tornadis_harness_redis_command (fixture->redis, "CLIENT KILL TYPE normal SKIPME yes", NULL);
  g_assert_true (g_str_has_prefix (answer, ":1"));
}

/* Iterates until some have ended, and not all. */
static void
end_some (Ends *ends)
{
  while (ends->n_ended == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (ends->n_ended, <, N_LOST);
}

static void
test_many_lost (Fixture *fixture,
                gconstpointer data)
{
  Ends ends;
  guint id = g_idle_add_full (G_PRIORITY_DEFAULT, other_source_cb, &ends, NULL);

  g_test_summary ("Very many calls that are lost end in several turns, between which other sources have theirs");

  lose_many (fixture, &ends, NULL, NULL);
  while (ends.n_disconnected == 0)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (id);
  g_assert_cmpuint (ends.n_ended, ==, N_LOST);
  /* About 20 where nothing else runs; a starved poller may make up for it. */
  g_assert_cmpuint (ends.most, <=, N_LOST / 4);
  g_signal_handlers_disconnect_by_data (fixture->client, &ends);
}

static void
late_cb (TornadisClient *client,
         TornadisReply *reply,
         GError *error,
         gpointer user_data)
{
  Ends *ends = user_data;

  g_assert_no_error (error);
  g_assert_cmpuint (ends->n_ended, ==, N_LOST);
  ends->n_ended++;
}

static void
test_called_while_lost (Fixture *fixture,
                        gconstpointer data)
{
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (GAsyncResult) result = NULL;
  Ends ends;

  g_test_summary ("A call that is made while others end gets its reply behind them, from another connection");

  lose_many (fixture, &ends, NULL, NULL);
  end_some (&ends);
  tornadis_client_submit (fixture->client, ping, late_cb, &ends, NULL);
  /* Who asks for the connection alone gets it too. */
  tornadis_client_connect_async (fixture->client, NULL, store_result, &result);
  wait_until (ends.n_ended == N_LOST + 1);
  g_assert_true (tornadis_client_connect_finish (fixture->client, wait_for_result (&result), NULL));
  g_assert_cmpuint (ends.n_disconnected, ==, 1);
  g_signal_handlers_disconnect_by_data (fixture->client, &ends);
}

static void
test_connected_while_lost (Fixture *fixture,
                           gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  Ends ends;

  g_test_summary ("A connection that is asked for while calls end is made when they have");

  lose_many (fixture, &ends, NULL, NULL);
  end_some (&ends);
  tornadis_client_connect_async (fixture->client, NULL, store_result, &result);
  g_assert_true (tornadis_client_connect_finish (fixture->client, wait_for_result (&result), NULL));
  g_assert_cmpuint (ends.n_ended, ==, N_LOST);
  g_signal_handlers_disconnect_by_data (fixture->client, &ends);
}

static void
closed_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  Ends *ends = user_data;

  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  g_assert_cmpuint (ends->n_ended, ==, N_LOST);
  ends->n_ended++;
}

static void
test_closed_while_lost (Fixture *fixture,
                        gconstpointer data)
{
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  Ends ends;

  g_test_summary ("close() ends the rest at once, and behind it what was called since");

  lose_many (fixture, &ends, NULL, NULL);
  end_some (&ends);
  tornadis_client_submit (fixture->client, ping, closed_cb, &ends, NULL);
  tornadis_client_close (fixture->client);
  g_assert_cmpuint (ends.n_ended, ==, N_LOST + 1);
  g_assert_cmpuint (ends.n_disconnected, ==, 1);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_signal_handlers_disconnect_by_data (fixture->client, &ends);
}

static void
test_disposed_while_lost (Fixture *fixture,
                          gconstpointer data)
{
  Ends ends;

  g_test_summary ("So does the end of the client");

  lose_many (fixture, &ends, NULL, NULL);
  end_some (&ends);
  assert_finalized (fixture->client);
  g_assert_cmpuint (ends.n_ended, ==, N_LOST);
  fixture->client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
}

static void
test_cancelled_while_lost (Fixture *fixture,
                           gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  Ends ends;

  g_test_summary ("A call that is cancelled while others end does not wait for them");

  lose_many (fixture, &ends, cancellable, &result);
  end_some (&ends);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (ends.n_ended, <, N_LOST);
  wait_until (ends.n_disconnected == 1);
  g_signal_handlers_disconnect_by_data (fixture->client, &ends);
}

typedef struct
{
  Ends ends;
  gboolean looped;
} Nested;

static void
nested_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  Nested *nested = user_data;

  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  while (nested->ends.n_disconnected == 0)
    g_main_context_iteration (NULL, TRUE);
  nested->looped = TRUE;
}

static void
test_loop_while_lost (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (TornadisCommand) block = tornadis_command_new_strv ((const char *[]){ "BLPOP", "none", "0", NULL });
  Nested nested = { 0 };

  g_test_summary ("In a main loop that runs in a callback of a lost call the others end");

  tornadis_client_submit (fixture->client, block, nested_cb, &nested, NULL);
  lose_many (fixture, &nested.ends, NULL, NULL);
  wait_until (nested.looped);
  g_assert_cmpuint (nested.ends.n_ended, ==, N_LOST);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_signal_handlers_disconnect_by_data (fixture->client, &nested.ends);
}

static void
close_again_cb (TornadisClient *client,
                TornadisReply *reply,
                GError *error,
                gpointer user_data)
{
  guint *n_ended = user_data;

  g_assert_nonnull (error);
  (*n_ended)++;
  tornadis_client_close (client);
}

static void
test_closed_by_each (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  TornadisClient *client;
  guint n_ended = 0;

  g_test_summary ("Each of very many calls may close the client when it ends");

  for (guint i = 0; i < N_CLOSED; i++)
    tornadis_client_submit (fixture->client, ping, close_again_cb, &n_ended, NULL);
  tornadis_client_close (fixture->client);
  g_assert_cmpuint (n_ended, ==, N_CLOSED);
  assert_call (fixture->client, "PONG", "PING", NULL);

  n_ended = 0;
  client = tornadis_client_new_for_unix_socket ("/nonexistent/socket");
  for (guint i = 0; i < N_CLOSED; i++)
    tornadis_client_submit (client, ping, close_again_cb, &n_ended, NULL);
  wait_until (n_ended == N_CLOSED);
  assert_finalized (client);
}

typedef struct
{
  guint n_loops;
  gboolean connects;
  guint n_pongs;
  GAsyncResult *result; /* (owned) (nullable) */
} Again;

static void
pong_cb (TornadisClient *client,
         TornadisReply *reply,
         GError *error,
         gpointer user_data)
{
  g_assert_no_error (error);
  ((Again *) user_data)->n_pongs++;
}

static void
again_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  Again *again = user_data;
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");

  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  if (again->connects)
    tornadis_client_connect_async (client, NULL, store_result, &again->result);
  else
    tornadis_client_submit (client, ping, pong_cb, again, NULL);
  for (guint i = 0; i < again->n_loops; i++)
    g_main_context_iteration (NULL, FALSE);
}

static void
test_asked_for_in_close (Fixture *fixture,
                         gconstpointer data)
{
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  Again again = { .connects = TRUE };

  g_test_summary ("What a callback asks for within close() is made after it");

  tornadis_client_submit (fixture->client, ping, again_cb, &again, NULL);
  tornadis_client_close (fixture->client);
  g_assert_true (tornadis_client_connect_finish (fixture->client, wait_for_result (&again.result), NULL));
  g_clear_object (&again.result);
}

static void
slow_cb (TornadisClient *client,
         TornadisReply *reply,
         GError *error,
         gpointer user_data)
{
  gint64 start = g_get_monotonic_time ();

  while (g_get_monotonic_time () < start + 1000)
    continue;
}

static void
test_called_in_close (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  Again again = { .n_loops = 2 };

  g_test_summary ("So is a call, if the callback lets a main loop run for a moment");

  tornadis_client_submit (fixture->client, ping, again_cb, &again, NULL);
  for (guint i = 0; i < 200; i++)
    tornadis_client_submit (fixture->client, ping, slow_cb, NULL, NULL);
  tornadis_client_close (fixture->client);
  wait_until (again.n_pongs == 1);
}

static void
close_on_notify_cb (TornadisClient *client,
                    GParamSpec *pspec,
                    gpointer user_data)
{
  if (!tornadis_client_is_connected (client))
    tornadis_client_close (client);
}

static void
test_closed_by_handler (Fixture *fixture,
                        gconstpointer data)
{
  TornadisClientState state;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  Ends ends;
  gulong id;

  g_test_summary ("A client that is closed when it hears of the loss does not connect, whoever asked for that before");

  lose_many (fixture, &ends, NULL, NULL);
  end_some (&ends);
  tornadis_client_connect_async (fixture->client, NULL, store_result, &result);
  id = g_signal_connect (fixture->client, "notify::connected", G_CALLBACK (close_on_notify_cb), NULL);
  g_assert_false (tornadis_client_connect_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  g_object_get (fixture->client, "state", &state, NULL);
  g_assert_cmpint (state, ==, TORNADIS_CLIENT_STATE_DISCONNECTED);
  g_signal_handler_disconnect (fixture->client, id);
  g_signal_handlers_disconnect_by_data (fixture->client, &ends);
}

#define ADD(name, func) g_test_add ("/link/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("backoff", test_backoff);
  ADD ("network-changed", test_network_changed);
  ADD ("silent-subscription", test_silent_subscription);
  ADD ("blocking-call", test_blocking_call);
  ADD ("many-lost", test_many_lost);
  ADD ("many-lost/called", test_called_while_lost);
  ADD ("many-lost/cancelled", test_cancelled_while_lost);
  ADD ("many-lost/closed", test_closed_while_lost);
  ADD ("many-lost/closed-by-each", test_closed_by_each);
  ADD ("many-lost/closed-by-handler", test_closed_by_handler);
  ADD ("many-lost/asked-for-in-close", test_asked_for_in_close);
  ADD ("many-lost/called-in-close", test_called_in_close);
  ADD ("many-lost/connected", test_connected_while_lost);
  ADD ("many-lost/disposed", test_disposed_while_lost);
  ADD ("many-lost/loop", test_loop_while_lost);
  g_test_add_func ("/link/unwritten-calls", test_unwritten_calls);
  g_test_add_func ("/link/flood", test_flood);

  return g_test_run ();
}
