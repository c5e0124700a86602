/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

static void
add (TornadisClient *client,
     const char *id,
     const char *value)
{
  g_autofree char *added = call_text (client, "XADD", "s", id, "f", value, NULL);

  g_assert_nonnull (added);
}

static TornadisStreamEntry *
next (gpointer reader,
      GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_stream_reader_next_async (reader, NULL, store_result, &result);

  return tornadis_stream_reader_next_finish (reader, wait_for_result (&result), error);
}

static void
assert_next (gpointer reader,
             const char *id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisStreamEntry) entry = next (reader, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_stream_entry_get_id (entry), ==, id);
  g_assert_cmpstr (tornadis_stream_reader_get_last_id (reader), ==, id);
}

static void
close_and_wait (gpointer reader)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean closed;

  tornadis_stream_reader_close_async (reader, NULL, store_result, &result);
  closed = tornadis_stream_reader_close_finish (reader, wait_for_result (&result), &error);
  g_assert_no_error (error);
  g_assert_true (closed);
}

static void
collect_cb (TornadisStreamReader *reader,
            TornadisStreamEntry *entry,
            gpointer ids)
{
  g_string_append_printf (ids, "%s ", tornadis_stream_entry_get_id (entry));
}

static void
count_cb (TornadisStreamReader *reader,
          const GError *error,
          gpointer count)
{
  (*(guint *) count)++;
}

/* Of what the server has, with each protocol, and what is added while it waits. */
static void
test_next (Fixture *fixture,
           gconstpointer data)
{
  for (TornadisProtocol protocol = TORNADIS_PROTOCOL_RESP2; protocol <= TORNADIS_PROTOCOL_RESP3; protocol++)
    {
      g_autoptr (TornadisStreamReader) reader = NULL;
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisStreamEntry) entry = NULL;

      assert_call (fixture->client, "OK", "FLUSHALL", NULL);
      g_object_set (fixture->client, "protocol", protocol, NULL);
      tornadis_client_close (fixture->client);
      reader = tornadis_stream_reader_new (TORNADIS_CALLER (fixture->client), "s", "0");
      add (fixture->client, "1-1", "one");
      add (fixture->client, "1-2", "two");

      assert_next (reader, "1-1");
      assert_next (reader, "1-2");
      g_assert_null (tornadis_stream_reader_take_entry (reader));

      tornadis_stream_reader_next_async (reader, NULL, store_result, &result);
      wait_until (count_blocked (fixture->redis) == 1);
      add (fixture->client, "2-18446744073709551615", "three");
      entry = tornadis_stream_reader_next_finish (reader, wait_for_result (&result), &error);
      g_assert_no_error (error);
      g_assert_cmpstr (tornadis_stream_entry_get_id (entry), ==, "2-18446744073709551615");
      g_assert_cmpstr (tornadis_stream_entry_lookup_text (entry, "f"), ==, "three");

      close_and_wait (reader);
    }
}

static void
test_entry (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisStreamReader) reader = tornadis_stream_reader_new (TORNADIS_CALLER (fixture->client), "s", "0");
  g_autoptr (TornadisCommand) command = tornadis_command_new_format ("XADD s 7-8 a 1 %b %b a 2", "\xff\0", (gsize) 2, "\xfe", (gsize) 1);
  g_autoptr (TornadisStreamEntry) entry = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) name = NULL;
  g_autoptr (GBytes) value = NULL;
  g_autoptr (GBytes) first = NULL;

  tornadis_client_submit (fixture->client, command, NULL, NULL, NULL);
  entry = next (reader, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_stream_entry_get_stream (entry), ==, "s");
  g_assert_cmpuint (tornadis_stream_entry_get_delivery_count (entry), ==, 1);
  g_assert_cmpuint (tornadis_stream_entry_get_n_fields (entry), ==, 3);
  name = tornadis_stream_entry_get_field_name (entry, 1);
  value = tornadis_stream_entry_get_field_value (entry, 1);
  first = tornadis_stream_entry_lookup (entry, "a");
  g_assert_cmpmem (g_bytes_get_data (name, NULL), g_bytes_get_size (name), "\xff\0", 2);
  g_assert_cmpmem (g_bytes_get_data (value, NULL), g_bytes_get_size (value), "\xfe", 1);
  g_assert_cmpmem (g_bytes_get_data (first, NULL), g_bytes_get_size (first), "1", 1);
  g_assert_null (tornadis_stream_entry_lookup (entry, "b"));
  g_assert_cmpstr (tornadis_stream_entry_lookup_text (entry, "a"), ==, "1");
  close_and_wait (reader);
}

/* What is added from the start on, also to a stream that is not there. */
static void
test_new_only (Fixture *fixture,
               gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TornadisStreamReader) reader = tornadis_stream_reader_new (TORNADIS_CALLER (fixture->client), "s", "$");
      g_autoptr (GString) ids = g_string_new (NULL);

      g_signal_connect (reader, "entry", G_CALLBACK (collect_cb), ids);
      tornadis_stream_reader_start (reader);
      wait_until (count_blocked (fixture->redis) == 1);
      add (fixture->client, i == 0 ? "1-1" : "2-1", "x");
      add (fixture->client, i == 0 ? "1-2" : "2-2", "x");
      wait_until (ids->len == 8);
      g_assert_cmpstr (ids->str, ==, i == 0 ? "1-1 1-2 " : "2-1 2-2 ");
      close_and_wait (reader);
    }
}

/* What is not asked for stays on the server. */
static void
test_bound (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisStreamReader) reader = tornadis_stream_reader_new (TORNADIS_CALLER (fixture->client), "s", "0");

  for (guint i = 1; i <= 40; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);

      add (fixture->client, id, "x");
    }
  tornadis_stream_reader_set_max_pending (reader, 8);
  assert_next (reader, "1-0");
  spin_for (50);
  g_assert_cmpuint (count_calls (fixture->redis, "xread"), ==, 1);
  for (guint i = 2; i <= 40; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);

      assert_next (reader, id);
    }
  g_assert_cmpuint (count_calls (fixture->redis, "xread"), <=, 11);
  close_and_wait (reader);
}

/* It goes on where it was. */
static void
test_lost (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisStreamReader) reader = tornadis_stream_reader_new (TORNADIS_CALLER (fixture->client), "s", "0");
  g_autoptr (GString) ids = g_string_new (NULL);
  guint n_interrupted = 0;

  g_signal_connect (reader, "entry", G_CALLBACK (collect_cb), ids);
  g_signal_connect (reader, "interrupted", G_CALLBACK (count_cb), &n_interrupted);
  tornadis_stream_reader_start (reader);
  for (guint i = 1; i <= 5; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);
      g_autofree char *killed = NULL;

      wait_until (count_blocked (fixture->redis) == 1);
      add (fixture->client, id, "x");
      wait_until (ids->len == i * 4);
      wait_until (count_blocked (fixture->redis) == 1);
      killed = call_text (fixture->client, "CLIENT", "KILL", "TYPE", "normal", NULL);
      g_assert_cmpstr (killed, ==, "(integer) 1");
      wait_until (n_interrupted == i);
    }
  g_assert_cmpstr (ids->str, ==, "1-0 2-0 3-0 4-0 5-0 ");
  close_and_wait (reader);
}

/* The server is away for a while: who waits gets the entry then. */
static void
test_restart (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisHarnessRedis) redis =
    tornadis_harness_redis_new ((const char *[]){ "--appendonly", "yes", "--appendfsync", "always", NULL }, &error);
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (TornadisStreamReader) reader = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisStreamEntry) entry = NULL;
  guint n_interrupted = 0;

  g_assert_no_error (error);
  client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (redis));
  reader = tornadis_stream_reader_new (TORNADIS_CALLER (client), "s", "0");
  add (client, "1-0", "x");
  assert_next (reader, "1-0");

  g_signal_connect (reader, "interrupted", G_CALLBACK (count_cb), &n_interrupted);
  tornadis_stream_reader_next_async (reader, NULL, store_result, &result);
  wait_until (count_blocked (redis) == 1);
  tornadis_harness_redis_kill (redis);
  wait_until (n_interrupted >= 3);
  assert_done (tornadis_harness_redis_restart, redis);
  wait_until (count_blocked (redis) == 1);
  add (client, "2-0", "x");
  entry = tornadis_stream_reader_next_finish (reader, wait_for_result (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_stream_entry_get_id (entry), ==, "2-0");
  close_and_wait (reader);
}

/* What does not pass is told to who waits, and it goes on when it is asked again. */
static void
test_failed (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisStreamReader) reader = tornadis_stream_reader_new (TORNADIS_CALLER (fixture->client), "s", "0");
  g_autoptr (GError) error = NULL;
  guint n_failed = 0;

  g_signal_connect (reader, "failed", G_CALLBACK (count_cb), &n_failed);
  assert_call (fixture->client, "OK", "SET", "s", "no stream", NULL);
  g_assert_null (next (reader, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_assert_cmpuint (n_failed, ==, 1);

  assert_call (fixture->client, "(integer) 1", "DEL", "s", NULL);
  add (fixture->client, "1-0", "x");
  assert_next (reader, "1-0");
  close_and_wait (reader);
}

static void
test_cancel (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisStreamReader) reader = tornadis_stream_reader_new (TORNADIS_CALLER (fixture->client), "s", "0");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) at_once = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_stream_reader_next_async (reader, cancellable, store_result, &result);
  wait_until (count_blocked (fixture->redis) == 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_stream_reader_next_finish (reader, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  tornadis_stream_reader_next_async (reader, cancellable, store_result, &at_once);
  g_assert_null (tornadis_stream_reader_next_finish (reader, wait_for_result (&at_once), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* Nothing is lost by that. */
  add (fixture->client, "1-0", "x");
  assert_next (reader, "1-0");
  close_and_wait (reader);
}

static void
test_close (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisStreamReader) reader = tornadis_stream_reader_new (TORNADIS_CALLER (fixture->client), "s", "0");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_stream_reader_next_async (reader, NULL, store_result, &result);
  wait_until (count_blocked (fixture->redis) == 1);
  close_and_wait (reader);
  g_assert_null (tornadis_stream_reader_next_finish (reader, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  wait_until (count_blocked (fixture->redis) == 0);

  g_clear_error (&error);
  g_assert_true (tornadis_stream_reader_is_closed (reader));
  g_assert_null (next (reader, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  close_and_wait (reader);
}

/* Dropped while it blocks, or while it connects: it stops. */
static void
test_drop (Fixture *fixture,
           gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      TornadisStreamReader *reader = tornadis_stream_reader_new (TORNADIS_CALLER (fixture->client), "s", "0");
      g_autoptr (GString) ids = g_string_new (NULL);

      g_signal_connect (reader, "entry", G_CALLBACK (collect_cb), ids);
      tornadis_stream_reader_start (reader);
      if (i == 0)
        wait_until (count_blocked (fixture->redis) == 1);
      assert_finalized (reader);
      wait_until (count_blocked (fixture->redis) == 0);
      add (fixture->client, "*", "x");
      spin_for (20);
      g_assert_cmpuint (ids->len, ==, 0);
    }
}

static void
drop_cb (TornadisStreamReader *reader,
         TornadisStreamEntry *entry,
         gpointer owner)
{
  g_clear_object ((TornadisStreamReader **) owner);
}

/* In a handler, with entries left to tell. */
static void
test_drop_in_handler (Fixture *fixture,
                      gconstpointer data)
{
  TornadisStreamReader *reader = tornadis_stream_reader_new (TORNADIS_CALLER (fixture->client), "s", "0");
  g_autoptr (GString) ids G_GNUC_UNUSED = g_string_new (NULL);

  for (guint i = 0; i < 3; i++)
    add (fixture->client, "*", "x");
  g_signal_connect (reader, "entry", G_CALLBACK (drop_cb), &reader);
  tornadis_stream_reader_start (reader);
  wait_until (reader == NULL);
  spin_for (0);
}

/* A client of the pool is taken, and given back when it is closed. */
static void
test_pool (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (fixture->client);
  g_autoptr (TornadisStreamReader) reader = tornadis_stream_reader_new (TORNADIS_CALLER (pool), "s", "0");
  guint size;

  add (fixture->client, "1-0", "x");
  assert_next (reader, "1-0");
  wait_until (count_blocked (fixture->redis) == 1);
  assert_finalized (g_steal_pointer (&reader));
  wait_until (count_blocked (fixture->redis) == 0);
  spin_for (0);
  g_object_get (pool, "size", &size, NULL);
  g_assert_cmpuint (size, <=, 1);
  tornadis_client_pool_destroy (pool);
}

static void
test_cluster (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 0, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);
  g_autoptr (TornadisStreamReader) reader = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisStreamEntry) entry = NULL;

  reader = tornadis_stream_reader_new (TORNADIS_CALLER (client), "s", "0");
  add (client, "1-0", "x");
  assert_next (reader, "1-0");
  tornadis_stream_reader_next_async (reader, NULL, store_result, &result);
  spin_for (50);
  /* The client itself does not block. */
  add (client, "2-0", "x");
  entry = tornadis_stream_reader_next_finish (reader, wait_for_result (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_stream_entry_get_id (entry), ==, "2-0");
  close_and_wait (reader);
}

/* More than fits into a reply: fewer are asked for at a time. */
static void
test_large (Fixture *fixture,
            gconstpointer data)
{
  g_autofree char *value = g_strnfill (300000, 'x');
  g_autoptr (TornadisStreamReader) reader = NULL;

  g_object_set (fixture->client, "max-reply-size", (guint64) 1000000, NULL);
  for (guint i = 1; i <= 20; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);

      add (fixture->client, id, value);
    }
  reader = tornadis_stream_reader_new (TORNADIS_CALLER (fixture->client), "s", "0");
  for (guint i = 1; i <= 20; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);

      assert_next (reader, id);
    }
  close_and_wait (reader);
}

static gboolean
has_received (TornadisHarnessPeer *peer,
              const char *line)
{
  g_autofree char *received = tornadis_harness_peer_get_received (peer);

  return strstr (received, line) != NULL;
}

/* A read that blocks is answered before the client would give it up. */
static void
test_timeouts (void)
{
  /* None passes while the read waits to be written, however busy the machine is. */
  const char *const expected[] = { "XREAD COUNT 1000 BLOCK 4500 STREAMS s 0\n", "XREAD COUNT 1000 BLOCK 4000 STREAMS s 0\n",
                                   "XREAD COUNT 1000 BLOCK 5000 STREAMS s 0\n" };
  const guint timeouts[][2] = { { 9000, 0 }, { 30000, 8 }, { G_MAXUINT, 3600 } };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect XREAD\nwait\n");
      g_autoptr (TornadisClient) client = make_client (peer);
      g_autoptr (TornadisStreamReader) reader = tornadis_stream_reader_new (TORNADIS_CALLER (client), "s", "0");

      g_object_set (client, "call-timeout-msec", timeouts[i][0], "read-timeout", timeouts[i][1], NULL);
      tornadis_stream_reader_start (reader);
      wait_until (count_received (peer, "XREAD") >= 1);
      g_assert_true (has_received (peer, expected[i]));
      g_clear_object (&reader);
      tornadis_harness_peer_go (peer);
    }
}

/* Fewer are asked for after each read that took too long, down to one; and never for ever. */
static void
test_too_slow (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect XREAD\nwait\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisStreamReader) reader = tornadis_stream_reader_new (TORNADIS_CALLER (client), "s", "0");

  g_object_set (client, "call-timeout-msec", 1, NULL);
  tornadis_stream_reader_start (reader);
  wait_until (has_received (peer, "XREAD COUNT 1 BLOCK 1 STREAMS s 0\n"));
  g_assert_false (has_received (peer, "COUNT 0"));
  g_assert_false (has_received (peer, "BLOCK 0"));
  g_clear_object (&reader);
  tornadis_harness_peer_go (peer);
}

typedef struct
{
  TornadisHarnessRedis *redis;
  GAsyncResult *result; /* (owned) */
} Again;

static void
next_again_cb (GObject *reader,
               GAsyncResult *result,
               gpointer user_data)
{
  Again *again = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_null (tornadis_stream_reader_next_finish (TORNADIS_STREAM_READER (reader), result, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_free (tornadis_harness_redis_command (again->redis, "DEL s", NULL));
  tornadis_stream_reader_next_async (TORNADIS_STREAM_READER (reader), NULL, store_result, &again->result);
}

/* Who is told of a failure and waits anew is not told of the same once more. */
static void
test_failed_again (Fixture *fixture,
                   gconstpointer data)
{
  g_autoptr (TornadisStreamReader) reader = tornadis_stream_reader_new (TORNADIS_CALLER (fixture->client), "s", "0");
  g_autoptr (TornadisStreamEntry) entry = NULL;
  g_autoptr (GError) error = NULL;
  Again again = { fixture->redis, NULL };

  assert_call (fixture->client, "OK", "SET", "s", "no stream", NULL);
  tornadis_stream_reader_next_async (reader, NULL, next_again_cb, &again);
  wait_until (count_blocked (fixture->redis) == 1);
  add (fixture->client, "1-0", "x");
  entry = tornadis_stream_reader_next_finish (reader, wait_for_result (&again.result), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_stream_entry_get_id (entry), ==, "1-0");
  g_object_unref (again.result);
  close_and_wait (reader);
}

/* Replies of other shapes are no entries, and no end. */
static void
test_bad_shapes (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\n"
                                                    "expect XREAD\nsend \"+OK\\r\\n\"\n"
                                                    "expect XREAD\nsend \"*1\\r\\n:1\\r\\n\"\n"
                                                    "expect XREAD\nsend \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n:5\\r\\n\"\n"
                                                    "expect XREAD\nsend \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*5\\r\\n:5\\r\\n*0\\r\\n"
                                                    "*2\\r\\n$2\\r\\nxy\\r\\n*0\\r\\n*2\\r\\n$3\\r\\n1-1\\r\\n*1\\r\\n:1\\r\\n"
                                                    "*2\\r\\n$3\\r\\n1-2\\r\\n*2\\r\\n:1\\r\\n:2\\r\\n\"\n"
                                                    "expect XREAD\nclose\n---\nhandshake\necho-server\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisStreamReader) reader = tornadis_stream_reader_new (TORNADIS_CALLER (client), "s", "0");
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisStreamEntry) entry = next (reader, &error);
  g_autoptr (GBytes) name = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_stream_entry_get_id (entry), ==, "1-2");
  name = tornadis_stream_entry_get_field_name (entry, 0);
  g_assert_cmpuint (g_bytes_get_size (name), ==, 0);
  close_and_wait (reader);
}

#define ADD(name, func) g_test_add ("/stream-reader/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("next", test_next);
  ADD ("entry", test_entry);
  ADD ("new-only", test_new_only);
  ADD ("bound", test_bound);
  ADD ("lost", test_lost);
  ADD ("failed", test_failed);
  ADD ("failed-again", test_failed_again);
  ADD ("large", test_large);
  ADD ("cancel", test_cancel);
  ADD ("close", test_close);
  ADD ("drop", test_drop);
  ADD ("drop-in-handler", test_drop_in_handler);
  ADD ("pool", test_pool);
  g_test_add_func ("/stream-reader/restart", test_restart);
  g_test_add_func ("/stream-reader/cluster", test_cluster);
  g_test_add_func ("/stream-reader/bad-shapes", test_bad_shapes);
  g_test_add_func ("/stream-reader/timeouts", test_timeouts);
  g_test_add_func ("/stream-reader/too-slow", test_too_slow);

  return g_test_run ();
}
