/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

/* Long enough for a busy machine, where a lock is to be renewed. */
#define EXPIRY_MSEC 3000

static TornadisLock *
make_lock (gpointer caller,
           guint expiry_msec)
{
  return g_object_new (TORNADIS_TYPE_LOCK, "caller", caller, "name", "lock", "expiry-msec", expiry_msec, NULL);
}

static gboolean
acquire (TornadisLock *lock,
         GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_lock_acquire_async (lock, NULL, store_result, &result);

  return tornadis_lock_acquire_finish (lock, wait_for_result (&result), error);
}

static gboolean
try_acquire (TornadisLock *lock,
             GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_lock_try_acquire_async (lock, NULL, store_result, &result);

  return tornadis_lock_try_acquire_finish (lock, wait_for_result (&result), error);
}

static gboolean
release (TornadisLock *lock,
         GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_lock_release_async (lock, NULL, store_result, &result);

  return tornadis_lock_release_finish (lock, wait_for_result (&result), error);
}

static void
assert_acquires (TornadisLock *lock)
{
  assert_done (acquire, lock);
  g_assert_true (tornadis_lock_is_held (lock));
}

static gboolean
exists (TornadisHarnessRedis *redis)
{
  g_autofree char *text = tornadis_harness_redis_command (redis, "EXISTS lock", NULL);

  return g_strcmp0 (text, ":1\r\n") == 0 || g_strcmp0 (text, "1") == 0 || g_strcmp0 (text, ":1") == 0;
}

static void
count_cb (guint *n)
{
  (*n)++;
}

static void
lost_cb (TornadisLock *lock,
         GError *error,
         gpointer user_data)
{
  GError **location = user_data;

  g_assert_null (*location);
  g_assert_false (tornadis_lock_is_held (lock));
  *location = g_error_copy (error);
}

static void
test_acquire (Fixture *fixture,
              gconstpointer data)
{
  for (TornadisProtocol protocol = TORNADIS_PROTOCOL_RESP2; protocol <= TORNADIS_PROTOCOL_RESP3; protocol++)
    {
      g_autoptr (TornadisLock) lock = tornadis_lock_new (TORNADIS_CALLER (fixture->client), "lock");
      g_autoptr (GError) error = NULL;
      g_autofree char *value = NULL;
      g_autofree char *expected = NULL;
      g_autofree char *ttl = NULL;
      guint n_notified = 0;

      tornadis_client_close (fixture->client);
      g_object_set (fixture->client, "protocol", protocol, NULL);
      g_signal_connect_swapped (lock, "notify::held", G_CALLBACK (count_cb), &n_notified);
      g_assert_cmpuint (tornadis_lock_get_expiry_msec (lock), ==, 30000);
      g_assert_cmpstr (tornadis_lock_get_name (lock), ==, "lock");
      g_assert_true (tornadis_lock_get_caller (lock) == TORNADIS_CALLER (fixture->client));
      g_assert_false (tornadis_lock_is_held (lock));
      g_assert_null (tornadis_lock_get_token (lock));

      assert_acquires (lock);
      g_assert_cmpuint (n_notified, ==, 1);
      value = call_text (fixture->client, "GET", "lock", NULL);
      expected = g_strdup_printf ("\"%s\"", tornadis_lock_get_token (lock));
      g_assert_cmpstr (value, ==, expected);
      ttl = call_text (fixture->client, "EVAL", "local t = redis.call('PTTL', 'lock') return t > 0 and t <= 30000", "0", NULL);
      g_assert_cmpstr (ttl, ==, "(integer) 1");

      g_assert_false (acquire (lock, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      g_clear_error (&error);
      g_assert_true (tornadis_lock_is_held (lock));

      assert_done (release, lock);
      g_assert_cmpuint (n_notified, ==, 2);
      g_assert_false (tornadis_lock_is_held (lock));
      g_assert_null (tornadis_lock_get_token (lock));
      g_assert_false (exists (fixture->redis));

      g_assert_false (release (lock, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
    }
}

static void
test_try (Fixture *fixture,
          gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, 30000);
  g_autoptr (TornadisLock) other = make_lock (fixture->client, 30000);
  g_autoptr (GError) error = NULL;

  assert_done (try_acquire, lock);
  g_assert_false (try_acquire (other, &error));
  g_assert_no_error (error);
  g_assert_false (tornadis_lock_is_held (other));
  assert_done (release, lock);
  assert_done (try_acquire, other);
  /* And not of its own. */
  g_assert_false (try_acquire (lock, &error));
  g_assert_no_error (error);
  assert_done (release, other);
}

static void
test_wait (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, 30000);
  g_autoptr (TornadisLock) other = make_lock (fixture->client, 30000);
  g_autoptr (GAsyncResult) result = NULL;
  guint n_attempts;

  assert_acquires (lock);
  tornadis_lock_acquire_async (other, NULL, store_result, &result);
  n_attempts = count_calls (fixture->redis, "pttl");
  wait_until (count_calls (fixture->redis, "pttl") >= n_attempts + 3);
  g_assert_null (result);
  assert_done (release, lock);
  assert_done (tornadis_lock_acquire_finish, other, wait_for_result (&result));
  g_assert_true (tornadis_lock_is_held (other));
  assert_done (release, other);
}

/* Who waits for what expires soon does not wait longer. */
static void
test_expires (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, 30000);

  assert_call (fixture->client, "OK", "SET", "lock", "of a dead program", "PX", "200", NULL);
  assert_acquires (lock);
  assert_done (release, lock);
}

static void
test_renew (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, EXPIRY_MSEC);
  g_autoptr (GError) lost = NULL;
  guint n_renewed;

  g_signal_connect (lock, "lost", G_CALLBACK (lost_cb), &lost);
  assert_acquires (lock);
  wait_until (count_calls (fixture->redis, "pexpire") == 2);
  g_assert_no_error (lost);
  g_assert_true (tornadis_lock_is_held (lock));
  assert_done (release, lock);

  /* And then no more. */
  n_renewed = count_calls (fixture->redis, "pexpire");
  spin_for (EXPIRY_MSEC / 3 + 200);
  g_assert_cmpuint (count_calls (fixture->redis, "pexpire"), ==, n_renewed);
}

/* A script cache that is flushed and a connection that is lost meanwhile do not matter. */
static void
test_renew_again (Fixture *fixture,
                  gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, EXPIRY_MSEC);
  g_autoptr (GError) lost = NULL;
  guint n_renewed;

  g_signal_connect (lock, "lost", G_CALLBACK (lost_cb), &lost);
  assert_acquires (lock);
  wait_until (count_calls (fixture->redis, "pexpire") == 1);
  assert_call (fixture->client, "OK", "SCRIPT", "FLUSH", NULL);
  tornadis_client_close (fixture->client);
  n_renewed = count_calls (fixture->redis, "pexpire");
  wait_until (count_calls (fixture->redis, "pexpire") > n_renewed);
  g_assert_no_error (lost);
  assert_done (release, lock);
}

/* Another has it: it is not renewed for them, nor released. */
static void
test_stolen (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, EXPIRY_MSEC);
  g_autoptr (GError) lost = NULL;
  g_autoptr (GError) error = NULL;
  guint n_notified = 0;

  g_signal_connect (lock, "lost", G_CALLBACK (lost_cb), &lost);
  assert_acquires (lock);
  g_signal_connect_swapped (lock, "notify::held", G_CALLBACK (count_cb), &n_notified);
  assert_call (fixture->client, "OK", "SET", "lock", "another", NULL);
  wait_until (lost != NULL);
  g_assert_error (lost, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_cmpuint (n_notified, ==, 1);
  g_assert_null (tornadis_lock_get_token (lock));

  g_assert_false (release (lock, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  assert_call (fixture->client, "\"another\"", "GET", "lock", NULL);
  g_clear_error (&error);
  g_assert_false (release (lock, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
}

/* As after a failover to a replica that has not got it; it can be acquired again. */
static void
test_forgotten (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, EXPIRY_MSEC);
  g_autoptr (GError) lost = NULL;

  g_signal_connect (lock, "lost", G_CALLBACK (lost_cb), &lost);
  assert_acquires (lock);
  tornadis_harness_redis_kill (fixture->redis);
  assert_done (tornadis_harness_redis_restart, fixture->redis);
  wait_until (lost != NULL);
  g_assert_error (lost, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  assert_acquires (lock);
  assert_done (release, lock);
}

/* It is found out before it is released. */
static void
test_release_forgotten (Fixture *fixture,
                        gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, 30000);
  g_autoptr (GError) error = NULL;

  assert_acquires (lock);
  assert_call (fixture->client, "(integer) 1", "DEL", "lock", NULL);
  g_assert_true (tornadis_lock_is_held (lock));
  g_assert_false (release (lock, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
}

/* Whatever is ready when the main loop goes on. */
static void
test_stall (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, EXPIRY_MSEC / 3);
  g_autoptr (GError) lost = NULL;
  gboolean held;

  g_signal_connect (lock, "lost", G_CALLBACK (lost_cb), &lost);
  assert_acquires (lock);
  g_usleep ((EXPIRY_MSEC / 3 + 1) * 1000);
  g_object_get (lock, "held", &held, NULL);
  g_assert_false (held);
  wait_until (lost != NULL);
  g_assert_error (lost, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  g_assert_cmpuint (count_calls (fixture->redis, "pexpire"), ==, 0);
}

/* A renewal in flight in a stall: its reply, which is there, comes too late. */
static void
test_stall_renewing (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, EXPIRY_MSEC);
  g_autoptr (GError) lost = NULL;
  g_autoptr (GError) error = NULL;

  g_signal_connect (lock, "lost", G_CALLBACK (lost_cb), &lost);
  assert_acquires (lock);
  /* The other process sees it before its reply was read here. */
  while (count_calls (fixture->redis, "pexpire") == 0)
    g_main_context_iteration (NULL, FALSE);
  g_usleep ((EXPIRY_MSEC + 1) * 1000);
  g_assert_false (tornadis_lock_is_held (lock));
  wait_until (lost != NULL);
  g_assert_error (lost, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  g_assert_false (release (lock, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
}

/* It is lost when it has expired, not when the connection is given up. */
static void
test_silent_server (Fixture *fixture,
                    gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, EXPIRY_MSEC / 3);
  g_autoptr (GError) lost = NULL;

  g_signal_connect (lock, "lost", G_CALLBACK (lost_cb), &lost);
  assert_acquires (lock);
  tornadis_harness_redis_pause (fixture->redis);
  wait_until (lost != NULL);
  g_assert_error (lost, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  tornadis_harness_redis_resume (fixture->redis);
  assert_call (fixture->client, "PONG", "PING", NULL);
  assert_acquires (lock);
  assert_done (release, lock);
}

/* Those that connecting fails with are told, of which the last is in the reason. */
static void
test_dead_server (Fixture *fixture,
                  gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, EXPIRY_MSEC / 3);
  g_autoptr (GError) lost = NULL;

  g_signal_connect (lock, "lost", G_CALLBACK (lost_cb), &lost);
  assert_acquires (lock);
  tornadis_harness_redis_kill (fixture->redis);
  wait_until (lost != NULL);
  g_assert_error (lost, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  g_assert_false (g_str_has_suffix (lost->message, "no reply in time"));
  assert_done (tornadis_harness_redis_restart, fixture->redis);
}

/* A reply that comes when what it says is over. */
static void
test_late_reply (void)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("handshake\nexpect EVAL\nwait\nsend \"*2\\r\\n:1\\r\\n:0\\r\\n\"\nexpect SCRIPT\nsend \"+x\\r\\n\"\nexpect-any\n"
               "send \":1\\r\\n\"\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisLock) lock = make_lock (client, 10);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gint64 begin = g_get_monotonic_time ();

  tornadis_lock_acquire_async (lock, NULL, store_result, &result);
  wait_until (g_get_monotonic_time () - begin > 20 * 1000);
  tornadis_harness_peer_go (peer);
  g_assert_false (tornadis_lock_acquire_finish (lock, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  g_assert_false (tornadis_lock_is_held (lock));
  /* It is released, as the server may have it. */
  wait_until (count_received (peer, "EVAL") == 2);
}

/* The server counts from when it renews, which may be as soon as it was asked, and not from when its answer comes. */
static void
test_late_renewal (void)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("handshake\nexpect EVAL\nsend \"*2\\r\\n:1\\r\\n:0\\r\\n\"\nexpect SCRIPT\nsend \"+x\\r\\n\"\nexpect-any\n"
               "wait\nsend \":1\\r\\n\"\nexpect SCRIPT\ndrain\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisLock) lock = make_lock (client, EXPIRY_MSEC / 3);
  g_autoptr (GError) lost = NULL;
  gint64 asked;

  g_signal_connect (lock, "lost", G_CALLBACK (lost_cb), &lost);
  assert_acquires (lock);
  wait_until (count_received (peer, "EVAL") == 2 || lost != NULL);
  asked = g_get_monotonic_time ();
  g_usleep (EXPIRY_MSEC / 12 * 1000);
  tornadis_harness_peer_go (peer);
  /* Behind the answer its script is loaded. */
  wait_until (count_received (peer, "SCRIPT") == 2 || lost != NULL);
  g_usleep ((gulong) MAX (asked + EXPIRY_MSEC / 3 * 1000 - g_get_monotonic_time (), 0));
  g_assert_false (tornadis_lock_is_held (lock));
}

static void
test_bad_replies (void)
{
  const char *const replies[] = { "+OK", ":1", "*1\\r\\n:1", "*2\\r\\n:1\\r\\n+1", "*2\\r\\n*0\\r\\n:1", "$-1", "*-1" };

  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      g_autofree char *script = g_strdup_printf ("handshake\nexpect EVAL\nsend \"%s\\r\\n\"\n", replies[i]);
      g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
      g_autoptr (TornadisClient) client = make_client (peer);
      g_autoptr (TornadisLock) lock = make_lock (client, 30000);
      g_autoptr (GError) error = NULL;

      g_assert_false (try_acquire (lock, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
      g_assert_false (tornadis_lock_is_held (lock));
    }
}

static void
test_cancel_wait (Fixture *fixture,
                  gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, 30000);
  g_autoptr (TornadisLock) other = make_lock (fixture->client, 30000);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint n_attempts;

  assert_acquires (lock);
  n_attempts = count_calls (fixture->redis, "pttl");
  tornadis_lock_acquire_async (other, cancellable, store_result, &result);
  wait_until (count_calls (fixture->redis, "pttl") >= n_attempts + 2);
  g_assert_null (result);
  g_cancellable_cancel (cancellable);
  g_assert_false (tornadis_lock_acquire_finish (other, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_object (&result);
  g_clear_error (&error);

  tornadis_lock_acquire_async (other, cancellable, store_result, &result);
  g_assert_false (tornadis_lock_acquire_finish (other, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* It can be acquired again at once, whether it waits or an attempt is in flight. */
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GCancellable) own = g_cancellable_new ();
      g_autoptr (GAsyncResult) cancelled = NULL;
      g_autoptr (GError) reason = NULL;

      n_attempts = count_calls (fixture->redis, "pttl");
      tornadis_lock_acquire_async (other, own, store_result, &cancelled);
      if (i == 0)
        wait_until (count_calls (fixture->redis, "pttl") > n_attempts);
      else
        spin_for (0);
      g_cancellable_cancel (own);
      g_assert_false (try_acquire (other, &reason));
      g_assert_no_error (reason);
      g_assert_false (tornadis_lock_acquire_finish (other, wait_for_result (&cancelled), &reason));
      g_assert_error (reason, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }

  g_assert_true (tornadis_lock_is_held (lock));
  assert_done (release, lock);
  assert_acquires (other);
  assert_done (release, other);
}

/* The server acquires it all the same: it does not stay so. */
static void
test_cancel_attempt (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, 3600000);
  g_autoptr (TornadisLock) other = make_lock (fixture->client, 3600000);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) again = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  assert_call (fixture->client, "PONG", "PING", NULL);
  tornadis_harness_redis_pause (fixture->redis);
  tornadis_lock_acquire_async (lock, cancellable, store_result, &result);
  spin_for (1);
  g_cancellable_cancel (cancellable);
  g_assert_false (tornadis_lock_acquire_finish (lock, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (tornadis_lock_is_held (lock));
  tornadis_harness_redis_resume (fixture->redis);
  assert_acquires (other);
  g_assert_cmpuint (count_calls (fixture->redis, "set"), ==, 2);
  assert_done (release, other);
  g_clear_object (&result);
  g_clear_error (&error);

  /* And what is acquired anew at once is not taken for that. */
  g_cancellable_reset (cancellable);
  tornadis_harness_redis_pause (fixture->redis);
  tornadis_lock_acquire_async (lock, cancellable, store_result, &result);
  spin_for (1);
  g_cancellable_cancel (cancellable);
  tornadis_lock_acquire_async (lock, NULL, store_result, &again);
  g_assert_false (tornadis_lock_acquire_finish (lock, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  tornadis_harness_redis_resume (fixture->redis);
  assert_done (tornadis_lock_acquire_finish, lock, wait_for_result (&again));
  g_assert_true (tornadis_lock_is_held (lock));
  assert_done (release, lock);
}

static void
test_cancel_release (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, 3600000);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    {
      /* In flight, and before. */
      assert_acquires (lock);
      tornadis_harness_redis_pause (fixture->redis);
      tornadis_lock_release_async (lock, cancellable, store_result, &result);
      g_assert_false (tornadis_lock_is_held (lock));
      spin_for (1);
      g_cancellable_cancel (cancellable);
      g_assert_false (tornadis_lock_release_finish (lock, wait_for_result (&result), &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_object (&result);
      g_clear_error (&error);
      tornadis_harness_redis_resume (fixture->redis);
      wait_until (!exists (fixture->redis));
    }
}

/* The reply to what has acquired it is lost: the same object finds its own token. */
static void
test_lost_reply (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, 3600000);
  g_autoptr (TornadisLock) other = make_lock (fixture->client, 3600000);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  assert_call (fixture->client, "PONG", "PING", NULL);
  tornadis_harness_redis_pause (fixture->redis);
  tornadis_lock_acquire_async (lock, NULL, store_result, &result);
  spin_for (1);
  tornadis_client_close (fixture->client);
  g_assert_false (tornadis_lock_acquire_finish (lock, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_clear_error (&error);
  tornadis_harness_redis_resume (fixture->redis);
  wait_until (exists (fixture->redis));

  g_assert_false (try_acquire (other, &error));
  g_assert_no_error (error);
  assert_acquires (lock);
  assert_done (release, lock);
}

static void
test_dispose (Fixture *fixture,
              gconstpointer data)
{
  TornadisLock *lock = make_lock (fixture->client, 3600000);

  assert_acquires (lock);
  assert_finalized (lock);
  wait_until (!exists (fixture->redis));

  /* With a renewal in flight, which does not keep it. */
  lock = make_lock (fixture->client, EXPIRY_MSEC);
  assert_acquires (lock);
  while (count_calls (fixture->redis, "pexpire") == 0)
    g_main_context_iteration (NULL, FALSE);
  assert_finalized (lock);
  wait_until (!exists (fixture->redis));

  /* While another's is waited for: it goes when that has ended. */
  assert_call (fixture->client, "OK", "SET", "lock", "another", "PX", "100", NULL);
  lock = make_lock (fixture->client, 3600000);
  g_object_add_weak_pointer (G_OBJECT (lock), (gpointer *) &lock);
  tornadis_lock_acquire_async (lock, NULL, NULL, NULL);
  g_object_unref (lock);
  wait_until (lock == NULL);
  wait_until (!exists (fixture->redis));
}

static void
test_fencing (Fixture *fixture,
              gconstpointer data)
{
  TornadisLock *locks[2];
  gint64 last = 0;

  for (guint i = 0; i < G_N_ELEMENTS (locks); i++)
    locks[i] = g_object_new (TORNADIS_TYPE_LOCK, "caller", fixture->client, "name", "lock", "fencing-key", "count", NULL);

  for (guint i = 0; i < 4; i++)
    {
      TornadisLock *lock = locks[i % 2];

      assert_acquires (lock);
      g_assert_cmpint (tornadis_lock_get_fencing_number (lock), >, last);
      last = tornadis_lock_get_fencing_number (lock);
      assert_done (release, lock);
      g_assert_cmpint (tornadis_lock_get_fencing_number (lock), ==, last);
    }
  g_assert_cmpstr (tornadis_lock_get_fencing_key (locks[0]), ==, "count");

  for (guint i = 0; i < G_N_ELEMENTS (locks); i++)
    assert_finalized (locks[i]);
}

static void
test_wrong_type (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisLock) lock = make_lock (fixture->client, 30000);
  g_autoptr (GError) error = NULL;

  assert_call (fixture->client, "(integer) 1", "LPUSH", "lock", "x", NULL);
  g_assert_false (acquire (lock, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  assert_call (fixture->client, "(integer) 1", "DEL", "lock", NULL);
  assert_acquires (lock);
  assert_done (release, lock);
}

static void
test_pool (Fixture *fixture,
           gconstpointer data)
{
  TornadisClientPool *pool = tornadis_client_pool_new (fixture->client);
  TornadisLock *lock = make_lock (pool, EXPIRY_MSEC);

  assert_acquires (lock);
  wait_until (count_calls (fixture->redis, "pexpire") == 1);
  g_assert_true (tornadis_lock_is_held (lock));
  assert_done (release, lock);
  assert_finalized (lock);

  /* Behind what nobody waits for. */
  g_object_add_weak_pointer (G_OBJECT (pool), (gpointer *) &pool);
  g_object_unref (pool);
  wait_until (pool == NULL);
}

static void
test_cluster (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 0, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);

  for (guint i = 0; i < 6; i++)
    {
      g_autofree char *name = g_strdup_printf ("{%u}:lock", i);
      g_autofree char *fencing_key = g_strdup_printf ("{%u}:count", i);
      g_autoptr (TornadisLock) lock =
        g_object_new (TORNADIS_TYPE_LOCK, "caller", client, "name", name, "fencing-key", fencing_key, NULL);
      g_autoptr (TornadisLock) other = tornadis_lock_new (TORNADIS_CALLER (client), name);

      assert_acquires (lock);
      g_assert_cmpint (tornadis_lock_get_fencing_number (lock), ==, 1);
      g_assert_false (try_acquire (other, &error));
      g_assert_no_error (error);
      assert_done (release, lock);
      assert_acquires (other);
      assert_done (release, other);
    }
}

/* The heir has the key: it goes on being renewed there. */
static void
test_failover (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 1, NULL);
  g_autoptr (GError) lost = NULL;
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);
  g_autoptr (TornadisLock) lock = NULL;
  int slot = tornadis_harness_cluster_find_slot (cluster, "lock", NULL);
  int master = tornadis_harness_cluster_find_master (cluster, (guint) slot, NULL);
  int replica = tornadis_harness_cluster_find_replica (cluster, (guint) master, NULL);

  g_assert_cmpint (replica, >=, 0);
  lock = make_lock (client, 3 * EXPIRY_MSEC);
  g_signal_connect (lock, "lost", G_CALLBACK (lost_cb), &lost);
  assert_acquires (lock);
  assert_done (tornadis_harness_cluster_failover, cluster, (guint) replica, "");
  wait_until (count_calls (tornadis_harness_cluster_get_node (cluster, (guint) replica), "pexpire") > 0);
  g_assert_no_error (lost);
  assert_done (release, lock);
}

/* One of those that count by reading and writing, which is right only under the lock. */
typedef struct
{
  TornadisClient *client;
  TornadisLock *lock;
  guint n_left;
} Counter;

static void counter_go_on (Counter *self);

static void
counter_released_cb (GObject *object,
                     GAsyncResult *result,
                     gpointer user_data)
{
  Counter *self = user_data;

  assert_done (tornadis_lock_release_finish, self->lock, result);
  self->n_left--;
  counter_go_on (self);
}

static void
counter_set_cb (TornadisClient *client,
                TornadisReply *reply,
                GError *error,
                gpointer user_data)
{
  Counter *self = user_data;

  g_assert_no_error (error);
  tornadis_lock_release_async (self->lock, NULL, counter_released_cb, self);
}

static void
counter_got_cb (TornadisClient *client,
                TornadisReply *reply,
                GError *error,
                gpointer user_data)
{
  const char *text = tornadis_reply_get_text (reply);
  g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]){ "SET", "n", NULL });

  tornadis_command_append_int64 (set, text != NULL ? atoi (text) + 1 : 1);
  tornadis_client_submit (client, set, counter_set_cb, user_data, NULL);
}

static void
counter_acquired_cb (GObject *object,
                     GAsyncResult *result,
                     gpointer user_data)
{
  Counter *self = user_data;
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", "n", NULL });

  assert_done (tornadis_lock_acquire_finish, self->lock, result);
  tornadis_client_submit (self->client, get, counter_got_cb, self, NULL);
}

static void
counter_go_on (Counter *self)
{
  if (self->n_left > 0)
    tornadis_lock_acquire_async (self->lock, NULL, counter_acquired_cb, self);
}

static void
test_exclusive (Fixture *fixture,
                gconstpointer data)
{
  Counter counters[4];
  guint n_left = 1;

  for (guint i = 0; i < G_N_ELEMENTS (counters); i++)
    {
      counters[i].client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
      counters[i].lock = make_lock (counters[i].client, 30000);
      counters[i].n_left = 10;
      counter_go_on (&counters[i]);
    }

  while (n_left > 0)
    {
      g_main_context_iteration (NULL, TRUE);
      n_left = 0;
      for (guint i = 0; i < G_N_ELEMENTS (counters); i++)
        n_left += counters[i].n_left;
    }
  assert_call (fixture->client, "\"40\"", "GET", "n", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (counters); i++)
    {
      assert_call (counters[i].client, "PONG", "PING", NULL);
      assert_finalized (counters[i].lock);
      assert_client_finalized (counters[i].client);
    }
}

/* Behind what nobody waits for, which keeps the client. */
static void
tear_down (Fixture *fixture,
           gconstpointer data)
{
  assert_call (fixture->client, "PONG", "PING", NULL);
  fixture_tear_down (fixture, data);
}

#define ADD(name, func) g_test_add ("/lock/" name, Fixture, NULL, fixture_set_up, func, tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("acquire", test_acquire);
  ADD ("try", test_try);
  ADD ("wait", test_wait);
  ADD ("expires", test_expires);
  ADD ("renew", test_renew);
  ADD ("renew-again", test_renew_again);
  ADD ("stolen", test_stolen);
  ADD ("forgotten", test_forgotten);
  ADD ("release-forgotten", test_release_forgotten);
  ADD ("stall", test_stall);
  ADD ("stall-renewing", test_stall_renewing);
  ADD ("silent-server", test_silent_server);
  ADD ("dead-server", test_dead_server);
  ADD ("cancel-wait", test_cancel_wait);
  ADD ("cancel-attempt", test_cancel_attempt);
  ADD ("cancel-release", test_cancel_release);
  ADD ("lost-reply", test_lost_reply);
  ADD ("dispose", test_dispose);
  ADD ("fencing", test_fencing);
  ADD ("wrong-type", test_wrong_type);
  ADD ("pool", test_pool);
  ADD ("exclusive", test_exclusive);
  g_test_add_func ("/lock/late-reply", test_late_reply);
  g_test_add_func ("/lock/late-renewal", test_late_renewal);
  g_test_add_func ("/lock/bad-replies", test_bad_replies);
  g_test_add_func ("/lock/cluster", test_cluster);
  g_test_add_func ("/lock/failover", test_failover);

  return g_test_run ();
}
