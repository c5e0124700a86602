/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What clients get of a main loop that others use, and leave them: in counts, which a busy machine does not change. How
 * long it takes is for the benchmark. */

#include "integration/util.h"

#define FRAME_PRIORITY (G_PRIORITY_HIGH_IDLE + 20)

typedef struct
{
  guint n_ended;
  guint n_failed;
  guint n_timed_out;
} Count;

static void
ended_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  Count *count = user_data;

  count->n_ended++;
  count->n_failed += error != NULL;
  count->n_timed_out += g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
}

static void
submit (TornadisClient *client,
        Count *count,
        const char * const *argv)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv (argv);

  tornadis_client_submit (client, command, count != NULL ? ended_cb : NULL, count, NULL);
}

typedef struct
{
  guint id;
  guint n_ticks;
  gint64 usec;
} Neighbour;

static gboolean
neighbour_cb (gpointer user_data)
{
  Neighbour *self = user_data;
  gint64 end = g_get_monotonic_time () + self->usec;

  self->n_ticks++;
  while (g_get_monotonic_time () < end)
    ;

  return G_SOURCE_CONTINUE;
}

/* Works so long at every turn of the main loop. */
static void
neighbour_start (Neighbour *self,
                 int priority,
                 gint64 usec)
{
  *self = (Neighbour){ .usec = usec };
  self->id = g_timeout_add_full (priority, 0, neighbour_cb, self, NULL);
}

static void
wait_until_ended (Count *count,
                  guint n)
{
  while (count->n_ended < n)
    g_main_context_iteration (NULL, TRUE);
}

static void
run_beside (Fixture *fixture,
            int priority,
            gint64 usec,
            guint n_calls)
{
  g_autofree char *large = g_strnfill (100 * 1000, 'x');
  Neighbour neighbour;
  Count count = { 0 };

  submit (fixture->client, NULL, (const char *[]) { "SET", "large", large, NULL });
  for (guint i = 0; i < n_calls; i++)
    submit (fixture->client, &count, (const char *[]) { i % 2 ? "GET" : "ECHO", "large", NULL });
  neighbour_start (&neighbour, priority, usec);
  wait_until_ended (&count, n_calls);
  g_source_remove (neighbour.id);
  g_assert_cmpuint (count.n_failed, ==, 0);
  g_assert_cmpuint (neighbour.n_ticks, >, 0);
}

/* A timer of 1 ms that works 3 ms: all replies come. */
static void
test_beside_timer (Fixture *fixture,
                   gconstpointer data)
{
  run_beside (fixture, G_PRIORITY_DEFAULT, 3000, 2000);
}

/* A window that takes 40 ms to draw, and draws all the time. */
static void
test_beside_frames (Fixture *fixture,
                    gconstpointer data)
{
  run_beside (fixture, FRAME_PRIORITY, 40 * 1000, 200);
}

/* Deadlines pass all the same. */
static void
test_deadline_beside_timer (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect PING\nsend \"+PONG\\r\\n\"\nstop-reading\n");
  TornadisClient *client = make_client (peer);
  Neighbour neighbour;
  Count count = { 0 };

  assert_call (client, "PONG", "PING", NULL);
  g_object_set (client, "call-timeout-msec", 50, NULL);
  neighbour_start (&neighbour, G_PRIORITY_DEFAULT, 3000);
  submit (client, &count, (const char *[]) { "GET", "k", NULL });
  wait_until_ended (&count, 1);
  g_assert_cmpuint (count.n_timed_out, ==, 1);
  /* One tick takes 3 ms at least. */
  g_assert_cmpuint (neighbour.n_ticks, <=, (50 + 16) / 3 + 2);
  g_source_remove (neighbour.id);
  assert_finalized (client);
}

/* Calls that end all at once leave others their turns, and those made later come to their ends too. */
static void
test_many_deadlines (void)
{
  /* Not so many that the sanitizers need longer for them than a silent server is given. */
  enum { N = 40 * 1000 };
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect PING\nsend \"+PONG\\r\\n\"\ndrain\n");
  TornadisClient *client = make_client (peer);
  Neighbour neighbour;
  Count count = { 0 };
  guint ticks_before = 0;

  assert_call (client, "PONG", "PING", NULL);
  g_object_set (client, "call-timeout-msec", 500, NULL);
  for (guint i = 0; i < N; i++)
    submit (client, &count, (const char *[]) { "GET", "k", NULL });
  neighbour_start (&neighbour, G_PRIORITY_DEFAULT, 0);
  while (count.n_ended < N)
    {
      g_main_context_iteration (NULL, TRUE);
      if (count.n_ended == 0)
        ticks_before = neighbour.n_ticks;
    }
  g_assert_cmpuint (count.n_timed_out, ==, N);
  g_assert_cmpuint (neighbour.n_ticks - ticks_before, >, 5);
  g_source_remove (neighbour.id);

  count = (Count){ 0 };
  for (guint i = 0; i < 1000; i++)
    submit (client, &count, (const char *[]) { "GET", "k", NULL });
  wait_until_ended (&count, 1000);
  g_assert_cmpuint (count.n_timed_out, ==, 1000);
  assert_finalized (client);
}

/* However many clients a context has: GLib polls one descriptor for them. */
static GPollFunc system_poll;
static guint n_polled;

static int
counting_poll (GPollFD *fds,
               guint n_fds,
               int timeout)
{
  n_polled = n_fds;
  return system_poll (fds, n_fds, timeout);
}

static void
test_many_clients (Fixture *fixture,
                   gconstpointer data)
{
  enum { N = 300 };
  TornadisClient *clients[N];
  Count count = { 0 };
  guint n_polled_for_one;

  system_poll = g_main_context_get_poll_func (NULL);
  g_main_context_set_poll_func (NULL, counting_poll);

  assert_call (fixture->client, "PONG", "PING", NULL);
  spin_for (1);
  n_polled_for_one = n_polled;

  for (guint i = 0; i < N; i++)
    {
      clients[i] = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
      submit (clients[i], &count, (const char *[]) { "PING", NULL });
    }
  wait_until_ended (&count, N);
  g_assert_cmpuint (count.n_failed, ==, 0);

  spin_for (1);
#ifdef TORNADIS_HAVE_EPOLL
  g_assert_cmpuint (n_polled, ==, n_polled_for_one);
#else
  g_assert_cmpuint (n_polled, ==, n_polled_for_one + N);
#endif

  g_main_context_set_poll_func (NULL, system_poll);
  for (guint i = 0; i < N; i++)
    assert_finalized (clients[i]);
}

static void
message_cb (TornadisPubSubClient *client,
            TornadisMessage *message,
            gpointer user_data)
{
  (*(guint *) user_data)++;
}

/* Subscribers that are flooded share what there is: all get all, and timers at GTK's priority tick meanwhile. */
static void
test_flooded_subscribers (Fixture *fixture,
                          gconstpointer data)
{
  enum { N = 20, N_MESSAGES = 2000 };
  TornadisPubSubClient *clients[N];
  guint n_messages[N] = { 0 };
  Neighbour neighbour;
  Count count = { 0 };
  guint n_done = 0;

  for (guint i = 0; i < N; i++)
    {
      g_autoptr (GAsyncResult) result = NULL;

      clients[i] = tornadis_pub_sub_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
      g_signal_connect (clients[i], "message", G_CALLBACK (message_cb), &n_messages[i]);
      tornadis_pub_sub_client_subscribe_async (clients[i], (const char *[]) { "news", NULL }, NULL, store_result, &result);
      g_assert_true (tornadis_pub_sub_client_subscribe_finish (clients[i], wait_for_result (&result), NULL));
    }

  neighbour_start (&neighbour, FRAME_PRIORITY, 0);
  for (guint i = 0; i < N_MESSAGES; i++)
    submit (fixture->client, &count, (const char *[]) { "PUBLISH", "news", "hello", NULL });
  while (n_done < N)
    {
      g_main_context_iteration (NULL, TRUE);
      n_done = 0;
      for (guint i = 0; i < N; i++)
        n_done += n_messages[i] == N_MESSAGES;
    }
  wait_until_ended (&count, N_MESSAGES);
  g_assert_cmpuint (neighbour.n_ticks, >, 5);
  g_source_remove (neighbour.id);
  for (guint i = 0; i < N; i++)
    assert_finalized (clients[i]);
}

/* A timer of silence that fires during a flood does nothing, since there was none. */
static void
test_flood_past_timers (Fixture *fixture,
                        gconstpointer data)
{
  Count count = { 0 };
  guint n_made = 0;
  gint64 end = g_get_monotonic_time () + 2500 * G_TIME_SPAN_MILLISECOND;

  g_object_set (fixture->client, "read-timeout", 1, "call-timeout-msec", 20000, NULL);
  while (g_get_monotonic_time () < end || count.n_ended < n_made)
    {
      while (n_made < count.n_ended + 200 && g_get_monotonic_time () < end)
        {
          submit (fixture->client, &count, (const char *[]) { "ECHO", "x", NULL });
          n_made++;
        }
      g_main_context_iteration (NULL, TRUE);
    }
  g_assert_cmpuint (count.n_failed, ==, 0);
  g_object_set (fixture->client, "read-timeout", 0, NULL);
}

typedef struct
{
  Count *count;
  guint n_expected;
  gboolean in_time;
} Within;

/* A dialog that waits for others' replies in a main loop of its own. */
static void
within_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  Within *self = user_data;
  gint64 end = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;

  g_assert_no_error (error);
  while (self->count->n_ended < self->n_expected && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  self->in_time = self->count->n_ended >= self->n_expected;
}

static void
submit_to (TornadisClient *client,
           TornadisReplyFunc func,
           gpointer user_data,
           const char *name)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new (name);

  tornadis_client_submit (client, command, func, user_data, NULL);
}

/* Replies that came with that of the callback, and are in no socket any more. */
static void
test_nested_over_others (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect A\nexpect B\nexpect C\nsend \"+1\\r\\n+2\\r\\n+3\\r\\n\"\n");
  TornadisClient *client = make_client (peer);
  Count count = { 0 };
  Within within = { .count = &count, .n_expected = 2 };

  submit_to (client, within_cb, &within, "A");
  submit_to (client, ended_cb, &count, "B");
  submit_to (client, ended_cb, &count, "C");
  wait_until_ended (&count, 2);
  g_assert_true (within.in_time);
  g_assert_cmpuint (count.n_failed, ==, 0);
  assert_finalized (client);
}

/* They win over deadlines that pass while the callback works. */
static void
late_within_cb (TornadisClient *client,
                TornadisReply *reply,
                GError *error,
                gpointer user_data)
{
  g_usleep (1100 * 1000);
  within_cb (client, reply, error, user_data);
}

static void
test_nested_deadline (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect A\nexpect B\nexpect C\nsend \"+1\\r\\n+2\\r\\n+3\\r\\n\"\n");
  TornadisClient *client = make_client (peer);
  Count count = { 0 };
  Within within = { .count = &count, .n_expected = 2 };

  g_object_set (client, "call-timeout-msec", 1000, NULL);
  submit_to (client, late_within_cb, &within, "A");
  submit_to (client, ended_cb, &count, "B");
  submit_to (client, ended_cb, &count, "C");
  wait_until_ended (&count, 2);
  g_assert_true (within.in_time);
  g_assert_cmpuint (count.n_failed, ==, 0);
  assert_finalized (client);
}

/* Nor does one that waits hold up other deadlines. */
static void
within_timeout_cb (TornadisClient *client,
                   TornadisReply *reply,
                   GError *error,
                   gpointer user_data)
{
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  within_cb (client, NULL, NULL, user_data);
}

static void
test_nested_timeout (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nstop-reading\n");
  TornadisClient *client = make_client (peer);
  Count count = { 0 };
  Within within = { .count = &count, .n_expected = 2 };

  g_object_set (client, "call-timeout-msec", 100, NULL);
  submit_to (client, within_timeout_cb, &within, "A");
  submit_to (client, ended_cb, &count, "B");
  g_object_set (client, "call-timeout-msec", 200, NULL);
  submit_to (client, ended_cb, &count, "C");
  wait_until_ended (&count, 2);
  g_assert_true (within.in_time);
  g_assert_cmpuint (count.n_timed_out, ==, 2);
  assert_finalized (client);
}

/* Until the server has answered all that was sent, without the main loop, and deadlines have passed. */
static void
let_deadlines_pass (Fixture *fixture)
{
  for (guint i = 0; i < 2; i++)
    g_free (tornadis_harness_redis_command (fixture->redis, "PING", NULL));
  g_usleep (150 * 1000);
}

/* Replies that arrive while the main loop stands still are read before deadlines that have passed meanwhile, of however
 * many clients, even when each has something to write. */
static void
test_deadlines_after_block (Fixture *fixture,
                            gconstpointer data)
{
  enum
  {
    N = 150
  };
  TornadisClient *clients[N];
  Count count = { 0 };

  for (guint i = 0; i < N; i++)
    {
      clients[i] = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
      submit (clients[i], &count, (const char *[]){ "PING", NULL });
    }
  wait_until_ended (&count, N);
  for (guint i = 0; i < N; i++)
    {
      g_object_set (clients[i], "call-timeout-msec", 100, NULL);
      submit (clients[i], &count, (const char *[]){ "PING", NULL });
    }
  let_deadlines_pass (fixture);
  for (guint i = 0; i < N; i++)
    {
      g_object_set (clients[i], "call-timeout-msec", 10000, NULL);
      submit (clients[i], &count, (const char *[]){ "PING", NULL });
    }
  wait_until_ended (&count, 3 * N);
  g_assert_cmpuint (count.n_timed_out, ==, 0);
  for (guint i = 0; i < N; i++)
    assert_finalized (clients[i]);
}

static void
slow_cb (TornadisClient *client,
         TornadisReply *reply,
         GError *error,
         gpointer user_data)
{
  g_usleep (150 * 1000);
  ended_cb (client, reply, error, user_data);
}

/* Nor does it help a deadline that another's callback takes longer than it would wait. */
static void
test_deadlines_beside_slow_callback (Fixture *fixture,
                                     gconstpointer data)
{
  enum
  {
    N = 4
  };
  TornadisClient *clients[N];
  Count count = { 0 };

  for (guint i = 0; i < N; i++)
    {
      clients[i] = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
      submit (clients[i], &count, (const char *[]){ "PING", NULL });
    }
  wait_until_ended (&count, N);
  for (guint i = 0; i < N; i++)
    {
      g_object_set (clients[i], "call-timeout-msec", 100, NULL);
      submit_to (clients[i], slow_cb, &count, "PING");
    }
  let_deadlines_pass (fixture);
  wait_until_ended (&count, 2 * N);
  g_assert_cmpuint (count.n_timed_out, ==, 0);
  for (guint i = 0; i < N; i++)
    assert_finalized (clients[i]);
}

static void
slow_submit_cb (TornadisClient *client,
                TornadisReply *reply,
                GError *error,
                gpointer user_data)
{
  submit_to (client, NULL, NULL, "PING");
  g_usleep (200);
  ended_cb (client, reply, error, user_data);
}

/* What arrived before the server closed is read to its end, however long that takes and whatever is written meanwhile. */
static void
test_replies_before_reset (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect PING\nsend-repeat 500 \"+OK\\r\\n\"\nreset\n");
  TornadisClient *client = make_client (peer);
  Count count = { 0 };

  for (guint i = 0; i < 500; i++)
    submit_to (client, slow_submit_cb, &count, "PING");
  wait_until_ended (&count, 500);
  g_assert_cmpuint (count.n_failed, ==, 0);
  g_object_unref (client);
}

#define ADD(name, func) g_test_add ("/share/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("beside-timer", test_beside_timer);
  ADD ("beside-frames", test_beside_frames);
  g_test_add_func ("/share/deadline-beside-timer", test_deadline_beside_timer);
  g_test_add_func ("/share/many-deadlines", test_many_deadlines);
  g_test_add_func ("/share/nested-over-others", test_nested_over_others);
  g_test_add_func ("/share/nested-deadline", test_nested_deadline);
  g_test_add_func ("/share/nested-timeout", test_nested_timeout);
  ADD ("deadlines-after-block", test_deadlines_after_block);
  ADD ("deadlines-beside-slow-callback", test_deadlines_beside_slow_callback);
  g_test_add_func ("/share/replies-before-reset", test_replies_before_reset);
  ADD ("many-clients", test_many_clients);
  ADD ("flooded-subscribers", test_flooded_subscribers);
  ADD ("flood-past-timers", test_flood_past_timers);

  return g_test_run ();
}
