/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"
#include "limit/circuit-breaker.h"
#include "limit/fair-queue.h"
#include "limit/token-bucket.h"
#include "plugins/gauge.h"
#include "plugins/util.h"

#define MSEC G_TIME_SPAN_MILLISECOND

static void
assert_counters (TornadisPlugin *plugin,
                 guint in_flight,
                 guint queued,
                 guint64 refused)
{
  guint in_flight_now, queued_now;
  guint64 refused_now;

  g_object_get (plugin, "in-flight", &in_flight_now, "queued", &queued_now, "refused", &refused_now, NULL);
  g_assert_cmpuint (in_flight_now, ==, in_flight);
  g_assert_cmpuint (queued_now, ==, queued);
  g_assert_cmpuint (refused_now, ==, refused);
}

static TornadisCircuitState
get_state (TornadisPlugin *plugin)
{
  TornadisCircuitState state;

  g_object_get (plugin, "state", &state, NULL);
  return state;
}

static TornadisPipeline *
make_increments (guint n)
{
  TornadisPipeline *pipeline = tornadis_pipeline_new ();

  for (guint i = 0; i < n; i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "INCR", "n", NULL });
  return pipeline;
}

static void
test_bucket (void)
{
  TokenBucket bucket = { .per_second = 10, .burst = 3 };
  gint64 now = 1000 * MSEC;

  /* Full at first, then one in 100 ms. */
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpint (token_bucket_get_time (&bucket, 1, now), ==, now);
      token_bucket_take (&bucket, 1, now);
    }
  g_assert_cmpint (token_bucket_get_time (&bucket, 1, now), ==, now + 100 * MSEC);
  g_assert_cmpint (token_bucket_get_time (&bucket, 1, now + 99 * MSEC), >, now + 99 * MSEC);
  g_assert_cmpint (token_bucket_get_time (&bucket, 1, now + 100 * MSEC), ==, now + 100 * MSEC);
  token_bucket_take (&bucket, 1, now + 100 * MSEC);

  /* No more than the burst after a long pause. */
  now += 10000 * MSEC;
  token_bucket_take (&bucket, 3, now);
  g_assert_cmpint (token_bucket_get_time (&bucket, 1, now), >, now);

  /* What is larger goes when it is full, and is paid off. */
  g_assert_cmpint (token_bucket_get_time (&bucket, 20, now), ==, now + 300 * MSEC);
  now += 300 * MSEC;
  token_bucket_take (&bucket, 20, now);
  g_assert_cmpint (token_bucket_get_time (&bucket, 1, now), ==, now + 1800 * MSEC);

  /* The least rate is no overflow, none is no bound. */
  bucket = (TokenBucket){ .per_second = 1e-300, .burst = 1 };
  token_bucket_take (&bucket, 1, now);
  g_assert_cmpint (token_bucket_get_time (&bucket, 1, now), >, now);
  bucket = (TokenBucket){ 0 };
  token_bucket_take (&bucket, 1000, now);
  g_assert_cmpint (token_bucket_get_time (&bucket, 1000, now), ==, now);
}

static void
test_fair_queue (void)
{
  FairQueue queue;
  FairItem items[7] = { 0 };
  static const char *const owners[] = { "a", "a", "a", "b", "c", "c", "a" };
  GString *order = g_string_new (NULL);
  const char *data;

  fair_queue_init (&queue);
  g_assert_null (fair_queue_peek (&queue));
  g_assert_null (fair_queue_pop (&queue));
  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    fair_queue_push (&queue, (gpointer) owners[i], &items[i], (gpointer) & "0123456"[i]);
  g_assert_cmpuint (queue.length, ==, 7);

  fair_queue_remove (&queue, &items[1]);
  fair_queue_remove (&queue, &items[1]);
  while ((data = fair_queue_peek (&queue)) != NULL)
    {
      g_assert_true (fair_queue_pop (&queue) == data);
      g_string_append_c (order, *data);
    }
  g_assert_cmpstr (order->str, ==, "034256");

  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    fair_queue_push (&queue, (gpointer) owners[i], &items[i], (gpointer) & "0123456"[i]);
  g_string_truncate (order, 0);
  while ((data = fair_queue_pop_of (&queue, (gpointer) owners[0])) != NULL)
    g_string_append_c (order, *data);
  while ((data = fair_queue_pop (&queue)) != NULL)
    g_string_append_c (order, *data);
  g_assert_cmpstr (order->str, ==, "0126345");
  g_string_free (order, TRUE);
  fair_queue_clear (&queue);
}

static void
end_some (CircuitBreaker *breaker,
          guint n,
          CircuitOutcome outcome,
          gint64 now)
{
  for (guint i = 0; i < n; i++)
    {
      guint era;

      g_assert_true (circuit_breaker_admit (breaker, now, &era));
      circuit_breaker_end (breaker, era, outcome, now);
    }
}

static void
test_breaker (void)
{
  CircuitBreaker breaker = { .error_rate = 0.5, .min_calls = 10, .window_msec = 1000, .open_msec = 100, .max_open_msec = 250, .probes = 2 };
  gint64 now = 100000 * MSEC;
  guint era, era2, old;

  /* Neither few calls nor a small share open it, and what is past is forgotten. */
  end_some (&breaker, 9, CIRCUIT_FAILURE, now);
  now += 1100 * MSEC;
  end_some (&breaker, 6, CIRCUIT_SUCCESS, now);
  end_some (&breaker, 5, CIRCUIT_FAILURE, now + 500 * MSEC);
  end_some (&breaker, 100, CIRCUIT_NO_OUTCOME, now + 500 * MSEC);
  g_assert_cmpint (breaker.state, ==, CIRCUIT_CLOSED);
  g_assert_true (circuit_breaker_admit (&breaker, now + 500 * MSEC, &old));
  now += 500 * MSEC;
  end_some (&breaker, 1, CIRCUIT_FAILURE, now);
  g_assert_cmpint (breaker.state, ==, CIRCUIT_OPEN);
  g_assert_false (circuit_breaker_honours (&breaker, old));
  g_assert_false (circuit_breaker_admit (&breaker, now + 99 * MSEC, &era));

  /* Half-open: two probes. One that is cancelled makes room for another; what began earlier is no probe. */
  now = circuit_breaker_get_time (&breaker);
  g_assert_true (circuit_breaker_admit (&breaker, now, &era));
  g_assert_cmpint (breaker.state, ==, CIRCUIT_HALF_OPEN);
  g_assert_true (circuit_breaker_admit (&breaker, now, &era2));
  g_assert_false (circuit_breaker_admit (&breaker, now, &era2));
  circuit_breaker_end (&breaker, old, CIRCUIT_SUCCESS, now);
  circuit_breaker_end (&breaker, old, CIRCUIT_FAILURE, now);
  g_assert_false (circuit_breaker_admit (&breaker, now, &era2));
  circuit_breaker_end (&breaker, era, CIRCUIT_NO_OUTCOME, now);
  g_assert_true (circuit_breaker_admit (&breaker, now, &era2));
  circuit_breaker_end (&breaker, era, CIRCUIT_SUCCESS, now);
  g_assert_cmpint (breaker.state, ==, CIRCUIT_HALF_OPEN);

  /* A failure opens it, for twice as long, up to the bound. */
  circuit_breaker_end (&breaker, era, CIRCUIT_FAILURE, now);
  g_assert_cmpint (breaker.state, ==, CIRCUIT_OPEN);
  g_assert_cmpint (circuit_breaker_get_time (&breaker), ==, now + 200 * MSEC);
  now += 200 * MSEC;
  end_some (&breaker, 1, CIRCUIT_FAILURE, now);
  g_assert_cmpint (circuit_breaker_get_time (&breaker), ==, now + 250 * MSEC);

  /* A probe that hangs is not waited for longer than this, and says nothing any more. */
  now += 250 * MSEC;
  breaker.probes = 1;
  g_assert_true (circuit_breaker_admit (&breaker, now, &era));
  g_assert_false (circuit_breaker_admit (&breaker, now + 99 * MSEC, &era2));
  g_assert_true (circuit_breaker_admit (&breaker, now + 100 * MSEC, &era2));
  circuit_breaker_end (&breaker, era, CIRCUIT_FAILURE, now);
  g_assert_cmpint (breaker.state, ==, CIRCUIT_HALF_OPEN);
  circuit_breaker_end (&breaker, era2, CIRCUIT_SUCCESS, now);
  g_assert_cmpint (breaker.state, ==, CIRCUIT_CLOSED);

  /* Closed, it begins anew, with the short time. */
  end_some (&breaker, 9, CIRCUIT_FAILURE, now);
  g_assert_cmpint (breaker.state, ==, CIRCUIT_CLOSED);
  end_some (&breaker, 1, CIRCUIT_FAILURE, now);
  g_assert_cmpint (circuit_breaker_get_time (&breaker), ==, now + 100 * MSEC);

  /* Fewer probes than have succeeded already. */
  now += 100 * MSEC;
  breaker.probes = 3;
  end_some (&breaker, 2, CIRCUIT_SUCCESS, now);
  breaker.probes = 2;
  g_assert_true (circuit_breaker_admit (&breaker, now, &era));
  g_assert_cmpint (breaker.state, ==, CIRCUIT_CLOSED);
}

static void
test_bad_options (Fixture *fixture,
                  gconstpointer data)
{
  static const char *const bad[] = { "max-per-second=-1", "max-per-second=nan", "burst=0", "error-rate=1.5", "error-rate=-0.1",
                                     "min-calls=0", "open-msec=0", "probes=0", "window-msec=0", "max-in-flight=-1", "in-flight=1",
                                     "state=open", "no-such=1" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      const char *const options[] = { bad[i], NULL };
      g_autoptr (GError) error = NULL;

      g_assert_null (tornadis_plugin_new_with_options ("limit", options, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);
    }
}

/* 10,000 calls of four clients that share one plugin. */
static void
test_in_flight (Fixture *fixture,
                gconstpointer data)
{
  TornadisClient *clients[4];
  Tally tally = { 0 };
  TornadisPlugin *limit = add_plugin (fixture->client, "limit", "max-in-flight", 7, "max-queued", 20000, NULL);
  Gauge *gauge = gauge_new ();

  gauge_add (gauge, fixture->client);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      clients[i] = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
      tornadis_client_add_plugin (clients[i], limit, NULL);
      gauge_add (gauge, clients[i]);
    }

  for (guint i = 0; i < 10000; i++)
    tally_submit (&tally, clients[i % 4], "ECHO", i);
  assert_counters (limit, 7, 9993, 0);
  tally_wait (&tally);

  g_assert_cmpuint (tally.ok, ==, 10000);
  g_assert_cmpuint (gauge->max, ==, 7);
  assert_counters (limit, 0, 0, 0);

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    assert_client_finalized (clients[i]);
  gauge_take_off (gauge, fixture->client);
  g_object_unref (gauge);
}

/* One client has many calls waiting and another comes. */
static void
test_fair (Fixture *fixture,
           gconstpointer data)
{
  TornadisClient *other = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  Tally tally = { 0 };
  TornadisPlugin *limit = add_plugin (fixture->client, "limit", "max-in-flight", 1, NULL);
  Gauge *gauge = gauge_new ();

  gauge_add (gauge, fixture->client);
  tornadis_client_add_plugin (other, limit, NULL);
  gauge_add (gauge, other);

  for (guint i = 0; i < 6; i++)
    tally_submit (&tally, fixture->client, "ECHO", i);
  for (guint i = 10; i < 13; i++)
    tally_submit (&tally, other, "ECHO", i);
  tally_wait (&tally);
  g_assert_cmpstr (gauge->log->str, ==, "0 1 10 2 11 3 12 4 5 ");

  assert_client_finalized (other);
  gauge_take_off (gauge, fixture->client);
  g_object_unref (gauge);
}

static void
test_queue_bound (Fixture *fixture,
                  gconstpointer data)
{
  Tally tally = { 0 };
  TornadisPlugin *limit = add_plugin (fixture->client, "limit", "max-in-flight", 2, "max-queued", 3, NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 10; i++)
    tally_submit (&tally, fixture->client, "ECHO", i);
  assert_counters (limit, 2, 3, 5);
  g_assert_null (call (fixture->client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);
  g_assert_cmpstr (error->message, ==, "PING was not sent: too many calls wait already");
  tally_wait (&tally);
  g_assert_cmpuint (tally.ok, ==, 5);
  g_assert_cmpuint (tally.busy, ==, 5);

  /* No queue at all. */
  g_object_set (limit, "max-queued", 0, NULL);
  for (guint i = 0; i < 10; i++)
    tally_submit (&tally, fixture->client, "ECHO", i);
  tally_wait (&tally);
  g_assert_cmpuint (tally.ok, ==, 7);
  assert_counters (limit, 0, 0, 14);
}

/* What waits ends at once when nobody wants it any more, and leaves its place. */
static void
test_leaves_queue (Fixture *fixture,
                   gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisCommand) incr = tornadis_command_new_strv ((const char *[]){ "INCR", "n", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  Tally tally = { 0 };
  TornadisClient *other = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  TornadisPlugin *limit = add_plugin (fixture->client, "limit", "max-in-flight", 1, NULL);
  g_autoptr (TornadisCommand) block = tornadis_command_new_strv ((const char *[]){ "BLPOP", "list", "0", NULL });

  tornadis_client_add_plugin (other, limit, NULL);
  tally.n_expected++;
  tornadis_client_submit (other, block, tally_count_cb, &tally, NULL);

  tornadis_client_call_async (fixture->client, incr, cancellable, store_result, &result);
  assert_counters (limit, 1, 1, 0);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  assert_counters (limit, 1, 0, 0);

  g_object_set (fixture->client, "call-timeout-msec", 30, NULL);
  g_assert_null (call (fixture->client, &error, "INCR", "n", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  g_clear_error (&error);
  assert_counters (limit, 1, 0, 0);
  g_object_set (fixture->client, "call-timeout-msec", 0, NULL);

  g_clear_object (&result);
  tornadis_client_call_async (fixture->client, incr, NULL, store_result, &result);
  tally_submit (&tally, other, "INCR", 1);
  assert_counters (limit, 1, 2, 0);
  tornadis_client_close (fixture->client);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  assert_counters (limit, 1, 1, 0);

  /* A client that is closed in the middle of it all makes room for the others. */
  tornadis_client_close (other);
  tally_wait (&tally);
  g_assert_cmpuint (tally.lost + tally.other, ==, 2);
  assert_counters (limit, 0, 0, 0);
  assert_call (fixture->client, "(nil)", "GET", "n", NULL);
  assert_client_finalized (other);
}

static void
test_pipelines (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisPipeline) three = make_increments (3);
  g_autoptr (TornadisPipeline) hundred = make_increments (100);
  Tally tally = { 0 };
  TornadisPlugin *limit = add_plugin (fixture->client, "limit", "max-in-flight", 5, NULL);

  tally_submit_pipeline (&tally, fixture->client, three);
  assert_counters (limit, 3, 0, 0);
  tally_submit_pipeline (&tally, fixture->client, three);
  assert_counters (limit, 3, 1, 0);
  tally_submit_pipeline (&tally, fixture->client, hundred);
  tally_submit_pipeline (&tally, fixture->client, three);
  assert_counters (limit, 3, 3, 0);
  tally_wait (&tally);
  g_assert_cmpuint (tally.ok, ==, 4);
  assert_call (fixture->client, "\"109\"", "GET", "n", NULL);
  assert_counters (limit, 0, 0, 0);
}

static void
test_rate (Fixture *fixture,
           gconstpointer data)
{
  Tally tally = { 0 };
  gint64 start = g_get_monotonic_time ();
  TornadisPlugin *limit = add_plugin (fixture->client, "limit", "max-per-second", 100.0, "burst", 10, NULL);

  for (guint i = 0; i < 40; i++)
    tally_submit (&tally, fixture->client, "ECHO", i);
  assert_counters (limit, 10, 30, 0);
  tally_wait (&tally);
  g_assert_cmpuint (tally.ok, ==, 40);
  /* 30 of them at 10 ms each; that they take no longer is for the benchmark. */
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 299 * MSEC);

  /* So slow that the next would never come, until there is no bound any more. */
  g_object_set (limit, "max-per-second", 1e-6, "burst", 1, NULL);
  tally_submit (&tally, fixture->client, "ECHO", 1);
  tally_submit (&tally, fixture->client, "ECHO", 2);
  spin_for (20);
  g_assert_false (tally.all);
  g_object_set (limit, "max-per-second", 0.0, NULL);
  tally_wait (&tally);
}

/* Nothing that waits is lost with the plugin. */
static void
test_removed (Fixture *fixture,
              gconstpointer data)
{
  Tally tally = { 0 };
  TornadisPlugin *limit = g_object_ref (add_plugin (fixture->client, "limit", "max-in-flight", 1, NULL));

  for (guint i = 0; i < 100; i++)
    tally_submit (&tally, fixture->client, "ECHO", i);
  assert_counters (limit, 1, 99, 0);
  g_assert_true (tornadis_client_remove_plugin (fixture->client, limit));
  assert_counters (limit, 100, 0, 0);
  tally_wait (&tally);
  g_assert_cmpuint (tally.ok, ==, 100);
  assert_counters (limit, 0, 0, 0);
  assert_finalized (limit);
}

static void
test_pool (Fixture *fixture,
           gconstpointer data)
{
  Tally tally = { 0 };
  TornadisPlugin *limit = add_plugin (fixture->client, "limit", "max-in-flight", 3, NULL);
  Gauge *gauge = gauge_new ();
  TornadisClientPool *pool;

  gauge_add (gauge, fixture->client);
  pool = tornadis_client_pool_new (fixture->client);
  g_object_set (pool, "max-size", 10, NULL);
  for (guint i = 0; i < 200; i++)
    tally_submit_to_pool (&tally, pool, "INCR", 0);
  tally_wait (&tally);
  g_assert_cmpuint (tally.ok, ==, 200);
  g_assert_cmpuint (gauge->max, ==, 3);
  assert_counters (limit, 0, 0, 0);
  assert_call (fixture->client, "\"200\"", "GET", "0", NULL);

  assert_finalized (pool);
  gauge_take_off (gauge, fixture->client);
  g_object_unref (gauge);
}

static void
call_again_cb (TornadisClient *client,
               TornadisReply *reply,
               GError *error,
               gpointer user_data)
{
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  guint *n = user_data;

  /* Until the client is closed. */
  if (error == NULL)
    {
      ++*n;
      tornadis_client_submit (client, ping, call_again_cb, n, NULL);
    }
}

/* Callers who call again from their callbacks, behind a plugin that answers at once: the main loop goes on. */
static void
test_yields (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  guint n = 0;
  TornadisPlugin *limit = add_plugin (fixture->client, "limit", "max-in-flight", 1, NULL);
  Gauge *gauge = gauge_new ();

  gauge->answers = TRUE;
  gauge_add (gauge, fixture->client);
  for (guint i = 0; i < 3; i++)
    tornadis_client_submit (fixture->client, ping, call_again_cb, &n, NULL);
  wait_until (n > 3);
  gauge->answers = FALSE;
  spin_for (10);
  tornadis_client_close (fixture->client);
  spin_for (10);
  assert_counters (limit, 0, 0, 0);
  gauge_take_off (gauge, fixture->client);
  g_object_unref (gauge);
}

static void
log_state_cb (TornadisPlugin *plugin,
              GParamSpec *pspec,
              GString *log)
{
  GEnumClass *klass = G_PARAM_SPEC_ENUM (pspec)->enum_class;

  g_string_append_printf (log, "%s ", g_enum_get_value (klass, (int) get_state (plugin))->value_nick);
}

static void
wait_for_state (TornadisPlugin *plugin,
                TornadisCircuitState state)
{
  wait_until (get_state (plugin) == state);
}

/* The server goes and comes again. */
static void
test_circuit (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisCommand) block = tornadis_command_new_strv ((const char *[]){ "BLPOP", "list", "0", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  Tally tally = { 0 };
  TornadisPlugin *limit = add_plugin (fixture->client, "limit", "max-in-flight", 20, "error-rate", 0.5, "min-calls", 20, "open-msec", 1000, NULL);

  g_signal_connect (limit, "notify::state", G_CALLBACK (log_state_cb), log);
  assert_call (fixture->client, "PONG", "PING", NULL);

  /* The errors of commands are none of the server. */
  for (guint i = 0; i < 50; i++)
    tally_submit (&tally, fixture->client, "NOSUCHCOMMAND", i);
  tally_wait (&tally);
  g_assert_cmpuint (tally.other, ==, 50);
  g_assert_cmpint (get_state (limit), ==, CIRCUIT_CLOSED);
  g_object_set (limit, "window-msec", 10000, NULL);

  /* Those that are under way fail; those that wait are refused with the circuit. */
  tornadis_harness_redis_kill (fixture->redis);
  tally = (Tally){ 0 };
  for (guint i = 0; i < 30; i++)
    tally_submit (&tally, fixture->client, "ECHO", i);
  assert_counters (limit, 20, 10, 0);
  tally_wait (&tally);
  g_assert_cmpuint (tally.lost + tally.other, >=, 20);
  g_assert_cmpuint (tally.lost + tally.other + tally.busy, ==, 30);
  if (get_state (limit) == CIRCUIT_CLOSED)
    tally_submit (&tally, fixture->client, "ECHO", 1);
  wait_for_state (limit, CIRCUIT_OPEN);
  g_assert_null (call (fixture->client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);
  g_assert_cmpstr (error->message, ==, "PING was not sent: circuit open");
  g_clear_error (&error);

  /* A probe that fails opens it again. */
  g_object_set (limit, "open-msec", 50, "max-open-msec", 50, NULL);
  wait_for_state (limit, CIRCUIT_HALF_OPEN);
  g_assert_null (call (fixture->client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_clear_error (&error);
  g_assert_cmpint (get_state (limit), ==, CIRCUIT_OPEN);

  /* One that is cancelled says nothing. */
  g_assert_true (tornadis_harness_redis_restart (fixture->redis, &error));
  wait_for_state (limit, CIRCUIT_HALF_OPEN);
  g_object_set (limit, "open-msec", G_MAXINT, NULL);
  tornadis_client_call_async (fixture->client, block, cancellable, store_result, &result);
  g_assert_null (call (fixture->client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);
  g_clear_error (&error);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (get_state (limit), ==, CIRCUIT_HALF_OPEN);

  /* The reply of the one that blocks is still awaited on that connection. */
  tornadis_client_close (fixture->client);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpint (get_state (limit), ==, CIRCUIT_CLOSED);
  g_assert_cmpstr (log->str, ==, "open half-open open half-open closed ");

  /* Nor does a client that is closed. */
  g_object_set (limit, "min-calls", 1, NULL);
  tally_submit (&tally, fixture->client, "ECHO", 1);
  tornadis_client_close (fixture->client);
  g_assert_cmpint (get_state (limit), ==, CIRCUIT_CLOSED);
}

/* What servers say when they cannot serve. */
static void
test_unable (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\n"
    "expect GET\nsend \"-LOADING Redis is loading\\r\\n\"\n"
    "expect GET\nsend \"-OOM command not allowed\\r\\n\"\n"
    "expect GET\nexpect GET\nsend \"-WRONGTYPE no\\r\\n-BUSY a script runs\\r\\n\"\n"
    "expect MULTI\nexpect GET\nexpect EXEC\n"
    "send \"+OK\\r\\n-MASTERDOWN no\\r\\n-EXECABORT Transaction discarded because of previous errors.\\r\\n\"\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  TornadisPlugin *limit = add_plugin (client, "limit", "error-rate", 1.0, "min-calls", 1, NULL);
  g_autoptr (TornadisReply) replies = NULL;

  g_assert_null (call (client, NULL, "GET", "k", NULL));
  g_assert_cmpint (get_state (limit), ==, CIRCUIT_OPEN);

  /* To switch it off closes it. */
  g_object_set (limit, "error-rate", 0.0, NULL);
  g_assert_cmpint (get_state (limit), ==, CIRCUIT_CLOSED);
  g_object_set (limit, "error-rate", 1.0, NULL);
  g_assert_null (call (client, NULL, "GET", "k", NULL));
  g_assert_cmpint (get_state (limit), ==, CIRCUIT_CLOSED);

  g_object_set (limit, "window-msec", 1000, NULL);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", "k", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", "k", NULL });
  replies = call_pipeline (client, pipeline, NULL, NULL);
  g_assert_cmpuint (tornadis_reply_get_n_elements (replies), ==, 2);
  g_assert_cmpint (get_state (limit), ==, CIRCUIT_OPEN);

  g_object_set (limit, "error-rate", 0.0, NULL);
  g_object_set (limit, "error-rate", 1.0, NULL);
  tornadis_pipeline_clear (pipeline);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", "k", NULL });
  tornadis_pipeline_set_atomic (pipeline, TRUE);
  g_assert_null (call_pipeline (client, pipeline, NULL, NULL));
  g_assert_cmpint (get_state (limit), ==, CIRCUIT_OPEN);
  g_assert_null (tornadis_harness_peer_get_failure (peer));
}

/* Whatever connects to a server that is not there opens the circuit, and is refused then. */
static void
test_all_ways (void)
{
  for (Way way = 0; way < N_WAYS; way++)
    {
      g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", 1);
      TornadisPlugin *limit = add_plugin (client, "limit", "error-rate", 0.5, "min-calls", 3, "open-msec", 3600000, NULL);
      g_autoptr (GError) error = NULL;
      guint in_flight;

      for (guint i = 0; i < 3; i++)
        {
          g_assert_cmpint (get_state (limit), ==, CIRCUIT_CLOSED);
          g_assert_false (connect_by (way, client, &error));
          g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
          g_clear_error (&error);
        }
      g_assert_cmpint (get_state (limit), ==, CIRCUIT_OPEN);

      for (Way other = 0; other < N_WAYS; other++)
        {
          g_assert_false (connect_by (other, client, &error));
          g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);
          g_clear_error (&error);
        }
      g_object_get (limit, "in-flight", &in_flight, NULL);
      g_assert_cmpuint (in_flight, ==, 0);
    }
}

static void
count_notify_cb (guint *n_notified)
{
  (*n_notified)++;
}

/* What ends because its client is disposed says nothing of the server. */
static void
test_disposed (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect GET\nstop-reading\n");
  TornadisClient *client = make_client (peer);
  TornadisPlugin *limit = g_object_ref (add_plugin (client, "limit", "max-in-flight", 1, "error-rate", 0.1, "min-calls", 1, NULL));
  Tally tally = { 0 };
  guint n_notified = 0;

  g_signal_connect_swapped (limit, "notify", G_CALLBACK (count_notify_cb), &n_notified);
  tally_submit (&tally, client, "GET", 1);
  tally_submit (&tally, client, "GET", 2);
  wait_until (count_received (peer, "GET") == 1);
  assert_counters (limit, 1, 1, 0);
  g_object_run_dispose (G_OBJECT (client));
  g_assert_cmpuint (tally.n_ended, ==, 2);
  g_assert_cmpuint (n_notified, ==, 0);
  g_assert_cmpint (get_state (limit), ==, CIRCUIT_CLOSED);
  assert_counters (limit, 0, 0, 0);
  assert_client_finalized (client);
  assert_finalized (limit);
}

#define ADD(name, func) g_test_add ("/limit/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

/* A MULTI that is cancelled before it was sent takes with it what waits behind it, up to EXEC, for the connection or here. */
static void
test_transaction (Fixture *fixture,
                  gconstpointer data)
{
  static const char *const lines[] = { "BLPOP list 0", "MULTI", "SET a 1", "EXEC", "SET b 2", "GET a" };

  for (guint sent = 0; sent < 4; sent++)
    {
      TornadisPlugin *limit = add_plugin (fixture->client, "limit", "max-in-flight", 1 + sent, NULL);
      GAsyncResult *results[G_N_ELEMENTS (lines)] = { NULL };
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();

      assert_call (fixture->client, "PONG", "PING", NULL);
      if (sent)
        tornadis_client_close (fixture->client);
      for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
        {
          g_auto (GStrv) argv = g_strsplit (lines[i], " ", -1);
          g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) argv);

          tornadis_client_call_async (fixture->client, command, i == 1 ? cancellable : NULL, store_result, &results[i]);
        }
      g_cancellable_cancel (cancellable);
      wait_until (count_blocked (fixture->redis) == 1 && results[1] != NULL);
      g_free (tornadis_harness_redis_command (fixture->redis, "RPUSH list x", NULL));

      for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (TornadisReply) reply = tornadis_client_call_finish (fixture->client, wait_for_result (&results[i]), &error);

          if (i == 1)
            g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          else if (i == 2 || i == 3)
            g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
          else
            g_assert_no_error (error);
          if (i + 1 == G_N_ELEMENTS (lines))
            g_assert_cmpint (tornadis_reply_get_kind (reply), ==, TORNADIS_REPLY_KIND_NIL);
          g_object_unref (results[i]);
        }
      tornadis_client_remove_plugin (fixture->client, limit);
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/limit/bucket", test_bucket);
  g_test_add_func ("/limit/fair-queue", test_fair_queue);
  g_test_add_func ("/limit/breaker", test_breaker);
  ADD ("transaction", test_transaction);
  ADD ("bad-options", test_bad_options);
  ADD ("in-flight", test_in_flight);
  ADD ("fair", test_fair);
  ADD ("queue-bound", test_queue_bound);
  ADD ("leaves-queue", test_leaves_queue);
  ADD ("pipelines", test_pipelines);
  ADD ("rate", test_rate);
  ADD ("removed", test_removed);
  ADD ("pool", test_pool);
  ADD ("yields", test_yields);
  ADD ("circuit", test_circuit);
  g_test_add_func ("/limit/unable", test_unable);
  g_test_add_func ("/limit/disposed", test_disposed);
  g_test_add_func ("/limit/fault-14-all-ways", test_all_ways);

  return g_test_run ();
}
