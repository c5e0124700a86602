/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

static void
add (TornadisClient *client,
     const char *id)
{
  g_autofree char *added = call_text (client, "XADD", "s", id, "f", id, NULL);

  g_assert_nonnull (added);
}

static TornadisStreamConsumer *
make_consumer (gpointer caller,
               const char *name)
{
  return tornadis_stream_consumer_new (TORNADIS_CALLER (caller), "s", "g", name);
}

static TornadisStreamEntry *
next (TornadisStreamConsumer *consumer)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TornadisStreamEntry *entry;

  tornadis_stream_reader_next_async (TORNADIS_STREAM_READER (consumer), NULL, store_result, &result);
  entry = tornadis_stream_reader_next_finish (TORNADIS_STREAM_READER (consumer), wait_for_result (&result), &error);
  g_assert_no_error (error);

  return entry;
}

static TornadisStreamEntry *
assert_next (TornadisStreamConsumer *consumer,
             const char *id,
             guint delivery_count)
{
  TornadisStreamEntry *entry = next (consumer);

  g_assert_cmpstr (tornadis_stream_entry_get_id (entry), ==, id);
  g_assert_cmpuint (tornadis_stream_entry_get_delivery_count (entry), ==, delivery_count);

  return entry;
}

static void
skip (TornadisStreamConsumer *consumer,
      const char *id,
      guint delivery_count)
{
  tornadis_stream_entry_unref (assert_next (consumer, id, delivery_count));
}

static void
ack_next (TornadisStreamConsumer *consumer,
          const char *id,
          guint delivery_count)
{
  g_autoptr (TornadisStreamEntry) entry = assert_next (consumer, id, delivery_count);

  g_assert_true (tornadis_stream_consumer_ack (consumer, entry));
  g_assert_false (tornadis_stream_consumer_ack (consumer, entry));
}

static void
close_and_wait (TornadisStreamConsumer *consumer)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_stream_reader_close_async (TORNADIS_STREAM_READER (consumer), NULL, store_result, &result);
  g_assert_true (tornadis_stream_reader_close_finish (TORNADIS_STREAM_READER (consumer), wait_for_result (&result), &error));
  g_assert_no_error (error);
  g_assert_cmpuint (tornadis_stream_consumer_get_n_pending (consumer), ==, 0);
}

/* Ends as a process does that is killed, and the server has seen that: before, it would get new entries. */
static void
kill_consumer (Fixture *fixture,
               TornadisStreamConsumer **consumer)
{
  assert_finalized (g_steal_pointer (consumer));
  wait_until (count_blocked (fixture->redis) == 0);
}

static gboolean
n_pending_is (TornadisClient *client,
              gint64 expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = call (client, &error, "XPENDING", "s", "g", NULL);

  g_assert_no_error (error);

  return tornadis_reply_get_integer (tornadis_reply_get_element (reply, 0)) == expected;
}

/* Of the first entry that is pending. */
static gint64
get_n_deliveries (TornadisClient *client)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) rows = call (client, &error, "XPENDING", "s", "g", "-", "+", "1", NULL);

  g_assert_no_error (error);

  return tornadis_reply_get_integer (tornadis_reply_get_element (tornadis_reply_get_element (rows, 0), 3));
}

static void
collect_cb (TornadisStreamReader *reader,
            TornadisStreamEntry *entry,
            gpointer ids)
{
  g_string_append_printf (ids, "%s ", tornadis_stream_entry_get_id (entry));
}

static void
ack_cb (TornadisStreamConsumer *consumer,
        TornadisStreamEntry *entry,
        gpointer data)
{
  g_assert_true (tornadis_stream_consumer_ack (consumer, entry));
}

static void
keep_cb (TornadisStreamConsumer *consumer,
         TornadisStreamEntry *entry,
         gpointer entries)
{
  g_ptr_array_add (entries, tornadis_stream_entry_ref (entry));
}

static void
collect_id_cb (TornadisStreamConsumer *consumer,
               const char *id,
               gpointer ids)
{
  g_string_append_printf (ids, "%s ", id);
}

static void
count_cb (TornadisStreamReader *reader,
          const GError *error,
          gpointer count)
{
  (*(guint *) count)++;
}

/* The peer has read commands that are spelt so, arguments and all. */
static void
assert_received (TornadisHarnessPeer *peer,
                 const char *const *commands)
{
  g_autofree char *received = tornadis_harness_peer_get_received (peer);
  const char *rest = received;

  for (guint i = 0; commands[i] != NULL; i++)
    {
      const char *found = strstr (rest, commands[i]);

      if (found == NULL)
        g_error ("no \"%s\" in its place of \"%s\"", commands[i], received);
      rest = found + 1;
    }
}

static void
use_protocol (Fixture *fixture,
              TornadisProtocol protocol)
{
  assert_call (fixture->client, "OK", "FLUSHALL", NULL);
  g_object_set (fixture->client, "protocol", protocol, NULL);
  tornadis_client_close (fixture->client);
}

/* The group is made, and the acknowledgements of a turn are one command. */
static void
test_ack (Fixture *fixture,
          gconstpointer data)
{
  for (TornadisProtocol protocol = TORNADIS_PROTOCOL_RESP2; protocol <= TORNADIS_PROTOCOL_RESP3; protocol++)
    {
      g_autoptr (TornadisStreamConsumer) consumer = NULL;
      g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_stream_entry_unref);
      g_autoptr (GString) ids = g_string_new (NULL);
      gulong keep_id;

      use_protocol (fixture, protocol);
      assert_call (fixture->client, "OK", "CONFIG", "RESETSTAT", NULL);
      consumer = make_consumer (fixture->client, "c");
      g_signal_connect (consumer, "entry", G_CALLBACK (collect_cb), ids);
      keep_id = g_signal_connect (consumer, "entry", G_CALLBACK (keep_cb), entries);
      add (fixture->client, "1-0");
      add (fixture->client, "2-0");
      add (fixture->client, "3-0");
      tornadis_stream_reader_start (TORNADIS_STREAM_READER (consumer));
      wait_until (entries->len == 3);
      g_assert_cmpstr (ids->str, ==, "1-0 2-0 3-0 ");
      for (guint i = 0; i < entries->len; i++)
        g_assert_true (tornadis_stream_consumer_ack (consumer, entries->pdata[i]));
      wait_until (tornadis_stream_consumer_get_n_pending (consumer) == 0 && n_pending_is (fixture->client, 0));
      g_assert_cmpuint (count_calls (fixture->redis, "xack"), ==, 1);

      g_signal_handler_disconnect (consumer, keep_id);
      g_signal_connect (consumer, "entry", G_CALLBACK (ack_cb), NULL);
      add (fixture->client, "4-0");
      wait_until (ids->len == 16);
      close_and_wait (consumer);
      g_assert_true (n_pending_is (fixture->client, 0));
    }
}

static void
test_ack_ids (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) cancelled = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  add (fixture->client, "1-0");
  add (fixture->client, "2-0");
  add (fixture->client, "3-0");
  skip (consumer, "1-0", 1);
  skip (consumer, "2-0", 1);
  skip (consumer, "3-0", 1);
  tornadis_stream_consumer_ack_ids_async (consumer, (const char *[]){ "1-0", "x", "9-9", "2-0", "1-0", NULL }, NULL, store_result,
                                          &result);
  g_assert_true (tornadis_stream_consumer_ack_ids_finish (consumer, wait_for_result (&result), &error));
  g_assert_no_error (error);
  g_assert_true (n_pending_is (fixture->client, 1));

  /* It is acknowledged nevertheless. */
  tornadis_stream_consumer_ack_ids_async (consumer, (const char *[]){ "3-0", NULL }, cancellable, store_result, &cancelled);
  g_cancellable_cancel (cancellable);
  g_assert_false (tornadis_stream_consumer_ack_ids_finish (consumer, wait_for_result (&cancelled), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  close_and_wait (consumer);
  g_assert_true (n_pending_is (fixture->client, 0));
}

static void
acked_again_cb (GObject *consumer,
                GAsyncResult *result,
                gpointer user_data)
{
  g_assert_true (tornadis_stream_consumer_ack_ids_finish (TORNADIS_STREAM_CONSUMER (consumer), result, NULL));
  g_assert_cmpuint (tornadis_stream_consumer_get_n_pending (TORNADIS_STREAM_CONSUMER (consumer)), ==, 0);
  *(gboolean *) user_data = TRUE;
}

static void
ack_again_cb (GObject *consumer,
              GAsyncResult *result,
              gpointer user_data)
{
  g_assert_true (tornadis_stream_consumer_ack_ids_finish (TORNADIS_STREAM_CONSUMER (consumer), result, NULL));
  tornadis_stream_consumer_ack_ids_async (TORNADIS_STREAM_CONSUMER (consumer), (const char *[]){ "1-0", NULL }, NULL,
                                          acked_again_cb, user_data);
}

/* In a callback of another. */
static void
test_ack_again (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  gboolean done = FALSE;

  add (fixture->client, "1-0");
  skip (consumer, "1-0", 1);
  tornadis_stream_consumer_ack_ids_async (consumer, (const char *[]){ "9-9", NULL }, NULL, ack_again_cb, &done);
  wait_until (done);
  g_assert_true (n_pending_is (fixture->client, 0));
}

/* All that was delivered is more than fits into a reply. */
static void
test_large (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = NULL;
  g_autofree char *value = g_strnfill (300000, 'x');

  g_object_set (fixture->client, "max-reply-size", (guint64) 1000000, NULL);
  for (guint i = 1; i <= 20; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);

      g_free (call_text (fixture->client, "XADD", "s", id, "f", value, NULL));
    }
  consumer = make_consumer (fixture->client, "c");
  for (guint i = 1; i <= 20; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);
      g_autoptr (TornadisStreamEntry) entry = next (consumer);

      g_assert_cmpstr (tornadis_stream_entry_get_id (entry), ==, id);
      g_assert_true (tornadis_stream_consumer_ack (consumer, entry));
    }
  close_and_wait (consumer);
  g_assert_true (n_pending_is (fixture->client, 0));
}

static void
test_bound (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  g_autoptr (GString) ids = g_string_new (NULL);

  for (guint i = 1; i <= 9; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);

      add (fixture->client, id);
    }
  tornadis_stream_reader_set_max_pending (TORNADIS_STREAM_READER (consumer), 4);
  g_signal_connect (consumer, "entry", G_CALLBACK (collect_cb), ids);
  tornadis_stream_reader_start (TORNADIS_STREAM_READER (consumer));
  wait_until (ids->len == 16);
  spin_for (50);
  g_assert_cmpstr (ids->str, ==, "1-0 2-0 3-0 4-0 ");
  g_assert_true (n_pending_is (fixture->client, 4));

  tornadis_stream_consumer_release_ids (consumer, (const char *[]){ "1-0", "2-0", "3-0", "4-0", "5-0", NULL });
  wait_until (ids->len == 32);
  g_assert_cmpstr (ids->str, ==, "1-0 2-0 3-0 4-0 5-0 6-0 7-0 8-0 ");
  g_assert_cmpuint (tornadis_stream_consumer_get_n_pending (consumer), ==, 4);
}

/* One that is dealt with makes place for one, however many others take long. */
static void
test_slow (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  g_autoptr (GString) ids = g_string_new (NULL);

  for (guint i = 1; i <= 9; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);

      add (fixture->client, id);
    }
  tornadis_stream_reader_set_max_pending (TORNADIS_STREAM_READER (consumer), 4);
  g_signal_connect (consumer, "entry", G_CALLBACK (collect_cb), ids);
  tornadis_stream_reader_start (TORNADIS_STREAM_READER (consumer));
  wait_until (ids->len == 16);
  for (guint i = 1; i <= 5; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);

      tornadis_stream_consumer_release_ids (consumer, (const char *[]){ id, NULL });
      wait_until (ids->len == 16 + i * 4);
      g_assert_cmpuint (tornadis_stream_consumer_get_n_pending (consumer), ==, 4);
    }
}

/* Its own come first, in pages, and how often they were delivered. */
static void
test_own (Fixture *fixture,
          gconstpointer data)
{
  for (TornadisProtocol protocol = TORNADIS_PROTOCOL_RESP2; protocol <= TORNADIS_PROTOCOL_RESP3; protocol++)
    {
      g_autoptr (TornadisStreamConsumer) consumer = NULL;

      use_protocol (fixture, protocol);
      consumer = make_consumer (fixture->client, "c");
      add (fixture->client, "1-0");
      add (fixture->client, "2-0");
      add (fixture->client, "3-0");
      skip (consumer, "1-0", 1);
      kill_consumer (fixture, &consumer);

      add (fixture->client, "4-0");
      consumer = make_consumer (fixture->client, "c");
      tornadis_stream_reader_set_max_pending (TORNADIS_STREAM_READER (consumer), 2);
      ack_next (consumer, "1-0", 2);
      ack_next (consumer, "2-0", 2);
      ack_next (consumer, "3-0", 2);
      ack_next (consumer, "4-0", 1);
      close_and_wait (consumer);
      g_assert_true (n_pending_is (fixture->client, 0));
    }
}

/* Of one that is dead; what is under way here is not told once more. */
static void
test_claim (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) dead = make_consumer (fixture->client, "dead");
  g_autoptr (TornadisStreamConsumer) alive = make_consumer (fixture->client, "alive");
  g_autoptr (TornadisStreamEntry) kept = NULL;

  g_object_set (dead, "claim-idle-msec", 0, NULL);
  g_object_set (alive, "claim-idle-msec", 30, NULL);
  add (fixture->client, "1-0");
  add (fixture->client, "2-0");
  skip (dead, "1-0", 1);
  kill_consumer (fixture, &dead);

  add (fixture->client, "3-0");
  kept = next (alive);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TornadisStreamEntry) entry = next (alive);

      g_assert_cmpstr (tornadis_stream_entry_get_id (entry), !=, tornadis_stream_entry_get_id (kept));
      tornadis_stream_consumer_ack (alive, entry);
    }
  spin_for (100);
  g_assert_null (tornadis_stream_reader_take_entry (TORNADIS_STREAM_READER (alive)));
  tornadis_stream_consumer_ack (alive, kept);
  close_and_wait (alive);
  g_assert_true (n_pending_is (fixture->client, 0));
}

/* An entry that takes long is claimed by its own consumer again and again, which does not count: it is no dead letter for that. */
static void
test_claim_own (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  g_autoptr (TornadisStreamEntry) entry = NULL;

  g_object_set (consumer, "claim-idle-msec", 2, "max-deliveries", 2, "dead-letter-stream", "dead", NULL);
  add (fixture->client, "1-0");
  entry = assert_next (consumer, "1-0", 1);
  wait_until (count_calls (fixture->redis, "xclaim") >= 5);
  g_object_set (consumer, "claim-idle-msec", 0, NULL);
  wait_until (get_n_deliveries (fixture->client) == 1);
  g_assert_true (tornadis_stream_consumer_ack (consumer, entry));
  close_and_wait (consumer);
}

/* Rounds of claims in steps, with new entries in between: nobody starves. */
static void
test_claim_many (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) alive = make_consumer (fixture->client, "alive");
  guint n_told = 0;
  guint n_again = 0;

  assert_call (fixture->client, "OK", "XGROUP", "CREATE", "s", "g", "0", "MKSTREAM", NULL);
  for (guint i = 1; i <= 100; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);

      add (fixture->client, id);
      if (i == 60)
        g_free (call_text (fixture->client, "XREADGROUP", "GROUP", "g", "dead", "COUNT", "100", "STREAMS", "s", ">", NULL));
    }
  g_object_set (alive, "claim-idle-msec", 1, "max-pending", 10, NULL);
  spin_for (2);
  while (n_told < 100)
    {
      g_autoptr (TornadisStreamEntry) entry = next (alive);

      n_told++;
      n_again += tornadis_stream_entry_get_delivery_count (entry) == 2;
      g_assert_true (tornadis_stream_consumer_ack (alive, entry));
    }
  g_assert_cmpuint (n_again, ==, 60);
  close_and_wait (alive);
  g_assert_true (n_pending_is (fixture->client, 0));
}

/* What could not be dealt with comes again, and at last goes where dead letters go. */
/* Turned off in the middle of a round: the consumer waits for new entries, and does not ask for them again and again. */
static void
test_claim_turned_off (Fixture *fixture,
                       gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) dead = make_consumer (fixture->client, "dead");
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  g_autoptr (GString) ids = g_string_new (NULL);

  for (guint i = 1; i <= 300; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);

      add (fixture->client, id);
    }
  skip (dead, "1-0", 1);
  wait_until (n_pending_is (fixture->client, 300));
  kill_consumer (fixture, &dead);

  tornadis_stream_reader_set_max_pending (TORNADIS_STREAM_READER (consumer), 2);
  tornadis_stream_consumer_set_claim_idle_msec (consumer, 1);
  skip (consumer, "1-0", 2);
  tornadis_stream_consumer_set_claim_idle_msec (consumer, 0);
  tornadis_stream_consumer_release_ids (consumer, (const char *[]){ "1-0", NULL });
  skip (consumer, "2-0", 2);
  tornadis_stream_consumer_release_ids (consumer, (const char *[]){ "2-0", NULL });
  g_signal_connect (consumer, "entry", G_CALLBACK (collect_cb), ids);
  wait_until (count_blocked (fixture->redis) == 1);
  add (fixture->client, "301-0");
  wait_until (ids->len > 0);
  g_assert_cmpstr (ids->str, ==, "301-0 ");
}

static void
test_dead_letters (Fixture *fixture,
                   gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  g_autoptr (GString) buried = g_string_new (NULL);

  g_object_set (consumer, "claim-idle-msec", 10, "max-deliveries", 3, "dead-letter-stream", "dead", NULL);
  g_signal_connect (consumer, "entry-buried", G_CALLBACK (collect_cb), buried);
  add (fixture->client, "1-0");
  for (guint i = 1; i <= 3; i++)
    {
      g_autoptr (TornadisStreamEntry) entry = assert_next (consumer, "1-0", i);

      g_assert_true (tornadis_stream_consumer_release (consumer, entry));
      g_assert_false (tornadis_stream_consumer_release (consumer, entry));
      g_assert_false (tornadis_stream_consumer_ack (consumer, entry));
    }
  wait_until (buried->len > 0);
  wait_until (n_pending_is (fixture->client, 0));
  g_assert_cmpstr (buried->str, ==, "1-0 ");

  {
    g_autoptr (GError) error = NULL;
    g_autoptr (TornadisReply) reply = call (fixture->client, &error, "XRANGE", "dead", "-", "+", NULL);
    TornadisReply *fields = tornadis_reply_get_element (tornadis_reply_get_element (reply, 0), 1);

    g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, 1);
    g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_lookup (fields, "f")), ==, "1-0");
    g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_lookup (fields, "dead-letter:stream")), ==, "s");
    g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_lookup (fields, "dead-letter:group")), ==, "g");
    g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_lookup (fields, "dead-letter:id")), ==, "1-0");
    g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_lookup (fields, "dead-letter:deliveries")), ==, "3");
  }
  close_and_wait (consumer);
}

/* Nothing is lost when there is no place for it: it stays pending. */
static void
test_no_place_for_dead_letters (Fixture *fixture,
                                gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  g_autoptr (TornadisStreamEntry) entry = NULL;
  guint n_failed = 0;

  assert_call (fixture->client, "OK", "SET", "dead", "no stream", NULL);
  g_object_set (consumer, "claim-idle-msec", 10, "max-deliveries", 1, "dead-letter-stream", "dead", NULL);
  g_signal_connect (consumer, "failed", G_CALLBACK (count_cb), &n_failed);
  add (fixture->client, "1-0");
  entry = assert_next (consumer, "1-0", 1);
  tornadis_stream_consumer_release (consumer, entry);
  wait_until (n_failed == 1);
  g_assert_true (n_pending_is (fixture->client, 1));
  close_and_wait (consumer);
}

/* Deleted while it is pending: told, and acknowledged. */
static void
test_deleted (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  g_autoptr (GString) deleted = g_string_new (NULL);

  for (guint i = 1; i <= 4; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);

      add (fixture->client, id);
    }
  for (guint i = 1; i <= 4; i++)
    tornadis_stream_entry_unref (next (consumer));
  kill_consumer (fixture, &consumer);
  assert_call (fixture->client, "(integer) 1", "XDEL", "s", "1-0", NULL);
  assert_call (fixture->client, "(integer) 1", "XDEL", "s", "3-0", NULL);

  consumer = make_consumer (fixture->client, "c");
  g_signal_connect (consumer, "entry-deleted", G_CALLBACK (collect_id_cb), deleted);
  ack_next (consumer, "2-0", 2);
  skip (consumer, "4-0", 2);
  g_assert_cmpstr (deleted->str, ==, "1-0 3-0 ");
  wait_until (n_pending_is (fixture->client, 1));
}

static void
test_deleted_claimed (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  g_autoptr (TornadisStreamConsumer) other = make_consumer (fixture->client, "other");
  g_autoptr (GString) deleted = g_string_new (NULL);

  add (fixture->client, "1-0");
  add (fixture->client, "2-0");
  skip (consumer, "1-0", 1);
  kill_consumer (fixture, &consumer);
  assert_call (fixture->client, "(integer) 1", "XDEL", "s", "1-0", NULL);

  g_object_set (other, "claim-idle-msec", 5, NULL);
  g_signal_connect (other, "entry-deleted", G_CALLBACK (collect_id_cb), deleted);
  ack_next (other, "2-0", 2);
  wait_until (deleted->len > 0);
  g_assert_cmpstr (deleted->str, ==, "1-0 ");
  wait_until (n_pending_is (fixture->client, 0));
  close_and_wait (other);
}

/* The group is deleted, and then the stream, while it blocks. */
static void
test_no_group (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  g_autoptr (GString) ids = g_string_new (NULL);

  g_signal_connect (consumer, "entry", G_CALLBACK (collect_cb), ids);
  g_signal_connect (consumer, "entry", G_CALLBACK (ack_cb), NULL);
  tornadis_stream_reader_start (TORNADIS_STREAM_READER (consumer));
  wait_until (count_blocked (fixture->redis) == 1);
  add (fixture->client, "1-0");
  wait_until (tornadis_stream_consumer_get_n_pending (consumer) == 0 && ids->len == 4);

  wait_until (count_blocked (fixture->redis) == 1);
  assert_call (fixture->client, "(integer) 1", "XGROUP", "DESTROY", "s", "g", NULL);
  add (fixture->client, "2-0");
  /* What was acknowledged is known no more. */
  wait_until (ids->len == 12);
  g_assert_cmpstr (ids->str, ==, "1-0 1-0 2-0 ");

  wait_until (count_blocked (fixture->redis) == 1);
  assert_call (fixture->client, "(integer) 1", "DEL", "s", NULL);
  add (fixture->client, "3-0");
  wait_until (ids->len == 16);
  g_assert_cmpstr (ids->str, ==, "1-0 1-0 2-0 3-0 ");
  close_and_wait (consumer);
}

/* With "$" what comes before the group is made again is not left out. */
static void
test_no_group_new_only (Fixture *fixture,
                        gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer =
    g_object_new (TORNADIS_TYPE_STREAM_CONSUMER, "caller", fixture->client, "stream", "s", "group", "g", "consumer-name", "c",
                  "start-id", "$", NULL);
  g_autoptr (GString) ids = g_string_new (NULL);
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (TRUE, "XGROUP DESTROY s g", "XADD s 3-0 f x");
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;

  add (fixture->client, "1-0");
  g_signal_connect (consumer, "entry", G_CALLBACK (collect_cb), ids);
  g_signal_connect (consumer, "entry", G_CALLBACK (ack_cb), NULL);
  tornadis_stream_reader_start (TORNADIS_STREAM_READER (consumer));
  wait_until (count_blocked (fixture->redis) == 1);
  add (fixture->client, "2-0");
  wait_until (ids->len == 4);
  wait_until (count_blocked (fixture->redis) == 1);
  replies = call_pipeline (fixture->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  wait_until (ids->len == 8);
  g_assert_cmpstr (ids->str, ==, "2-0 3-0 ");
  close_and_wait (consumer);
}

#define NO_ENTRIES "send \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*0\\r\\n\"\n"
#define ENTRY(id) "send \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*1\\r\\n*2\\r\\n$3\\r\\n" id "\\r\\n*2\\r\\n$1\\r\\nf\\r\\n$1\\r\\nx\\r\\n\"\n"

/* A group that was made again delivers from its beginning: what was on its way then, when the connection is lost, is not behind
 * what the group before has delivered. */
static void
test_no_group_lost (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\n"
                                                    "expect XREADGROUP\n" NO_ENTRIES
                                                    "expect XREADGROUP\n" ENTRY ("9-0") "expect XREADGROUP\nsend \"-NOGROUP none\\r\\n\"\n"
                                                                                        "expect XGROUP\nsend \"+OK\\r\\n\"\n"
                                                                                        "expect XREADGROUP\nreset\n---\n"
                                                                                        "handshake\n"
                                                                                        "expect XREADGROUP\n" ENTRY ("1-0") "expect XPENDING\n"
                                                                                                                            "send \"*1\\r\\n*4\\r\\n$3\\r\\n1-0\\r\\n$1\\r\\nc\\r\\n:5\\r\\n:2\\r\\n\"\n"
                                                                                                                            "wait\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (client, "c");

  tornadis_stream_consumer_set_claim_idle_msec (consumer, 0);
  skip (consumer, "9-0", 1);
  skip (consumer, "1-0", 2);
  assert_received (peer, (const char *[]){
                           "XGROUP CREATE s g 0 MKSTREAM",
                           "XREADGROUP GROUP g c COUNT 999 BLOCK 5000 STREAMS s >",
                           "XREADGROUP GROUP g c COUNT 999 STREAMS s 0", NULL });
  g_clear_object (&consumer);
  tornadis_harness_peer_go (peer);
}

/* With properties, as in JavaScript, as with the function. */
static void
test_start_id (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer =
    g_object_new (TORNADIS_TYPE_STREAM_CONSUMER, "caller", fixture->client, "stream", "s", "group", "g", "consumer-name", "c", NULL);
  g_autoptr (TornadisStreamReader) reader =
    g_object_new (TORNADIS_TYPE_STREAM_READER, "caller", fixture->client, "stream", "s", NULL);

  g_assert_cmpstr (tornadis_stream_reader_get_start_id (TORNADIS_STREAM_READER (consumer)), ==, "0");
  g_assert_cmpstr (tornadis_stream_reader_get_start_id (reader), ==, "$");
}

static void
test_failed (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  guint n_failed = 0;

  g_signal_connect (consumer, "failed", G_CALLBACK (count_cb), &n_failed);
  assert_call (fixture->client, "OK", "SET", "s", "no stream", NULL);
  tornadis_stream_reader_start (TORNADIS_STREAM_READER (consumer));
  wait_until (n_failed == 1);
  assert_call (fixture->client, "(integer) 1", "DEL", "s", NULL);
  add (fixture->client, "1-0");
  ack_next (consumer, "1-0", 1);
  close_and_wait (consumer);
}

/* Refused for good: told to who waits, and it may be tried again. */
static void
test_ack_refused (Fixture *fixture,
                  gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  g_autoptr (TornadisStreamEntry) entry = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) again = NULL;
  g_autoptr (GError) error = NULL;

  add (fixture->client, "1-0");
  entry = assert_next (consumer, "1-0", 1);
  assert_call (fixture->client, "OK", "ACL", "SETUSER", "default", "-xack", NULL);
  tornadis_stream_consumer_ack_ids_async (consumer, (const char *[]){ "1-0", NULL }, NULL, store_result, &result);
  g_assert_false (tornadis_stream_consumer_ack_ids_finish (consumer, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_clear_error (&error);

  assert_call (fixture->client, "OK", "ACL", "SETUSER", "default", "+xack", NULL);
  tornadis_stream_consumer_ack_ids_async (consumer, (const char *[]){ "1-0", NULL }, NULL, store_result, &again);
  g_assert_true (tornadis_stream_consumer_ack_ids_finish (consumer, wait_for_result (&again), &error));
  g_assert_true (n_pending_is (fixture->client, 0));
}

/* Closing waits for what the program has, and drops what it has not. */
static void
test_close (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
  g_autoptr (TornadisStreamEntry) one = NULL;
  g_autoptr (TornadisStreamEntry) two = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) impatient = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  add (fixture->client, "1-0");
  add (fixture->client, "2-0");
  add (fixture->client, "3-0");
  one = assert_next (consumer, "1-0", 1);
  two = assert_next (consumer, "2-0", 1);
  tornadis_stream_reader_close_async (TORNADIS_STREAM_READER (consumer), NULL, store_result, &result);
  tornadis_stream_reader_close_async (TORNADIS_STREAM_READER (consumer), cancellable, store_result, &impatient);
  g_cancellable_cancel (cancellable);
  g_assert_false (
    tornadis_stream_reader_close_finish (TORNADIS_STREAM_READER (consumer), wait_for_result (&impatient), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  tornadis_stream_consumer_ack (consumer, one);
  wait_until (n_pending_is (fixture->client, 2));
  g_assert_null (result);
  tornadis_stream_consumer_release (consumer, two);
  g_assert_true (tornadis_stream_reader_close_finish (TORNADIS_STREAM_READER (consumer), wait_for_result (&result), &error));
  g_assert_no_error (error);
  g_assert_true (n_pending_is (fixture->client, 2));
}

/* What was acknowledged last is sent when the consumer is dropped in the same turn. */
static void
test_drop (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");

  add (fixture->client, "1-0");
  ack_next (consumer, "1-0", 1);
  kill_consumer (fixture, &consumer);
  wait_until (n_pending_is (fixture->client, 0));
}

static void
assert_closed (GAsyncResult **result,
               TornadisStreamConsumer *consumer)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (tornadis_stream_consumer_ack_ids_finish (consumer, wait_for_result (result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  g_clear_object (result);
}

/* Disposed of while acknowledgements are to be sent, are sent, and before they are asked for: who waits is told, once. */
static void
test_dispose (Fixture *fixture,
              gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (TornadisStreamConsumer) consumer = make_consumer (fixture->client, "c");
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) result = NULL;
      const char *const ids[] = { "1-0", NULL };

      assert_call (fixture->client, "OK", "FLUSHALL", NULL);
      add (fixture->client, "1-0");
      skip (consumer, "1-0", 1);
      if (i == 2)
        g_object_run_dispose (G_OBJECT (consumer));
      tornadis_stream_consumer_ack_ids_async (consumer, ids, cancellable, store_result, &result);
      /* The first turn sends it. */
      if (i == 1)
        {
          tornadis_harness_redis_pause (fixture->redis);
          spin_for (0);
        }
      if (i < 2)
        g_object_run_dispose (G_OBJECT (consumer));
      if (i == 1)
        tornadis_harness_redis_resume (fixture->redis);
      assert_closed (&result, consumer);
      g_cancellable_cancel (cancellable);
      spin_for (0);
      assert_finalized (g_steal_pointer (&consumer));
      if (i < 2)
        wait_until (n_pending_is (fixture->client, 0));
    }
}

static void
test_pool (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (fixture->client);
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (pool, "c");

  add (fixture->client, "1-0");
  ack_next (consumer, "1-0", 1);
  close_and_wait (consumer);
  g_assert_true (n_pending_is (fixture->client, 0));
  tornadis_client_pool_destroy (pool);
}

static void
test_cluster (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 0, NULL);
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);
  g_autoptr (TornadisStreamConsumer) consumer = NULL;
  g_autoptr (TornadisStreamEntry) entry = NULL;
  g_autoptr (GString) buried = g_string_new (NULL);

  consumer = make_consumer (client, "c");
  /* Dead letters are on another node. */
  g_object_set (consumer, "claim-idle-msec", 10, "max-deliveries", 1, "dead-letter-stream", "dead", NULL);
  g_signal_connect (consumer, "entry-buried", G_CALLBACK (collect_cb), buried);
  add (client, "1-0");
  add (client, "2-0");
  ack_next (consumer, "1-0", 1);
  entry = assert_next (consumer, "2-0", 1);
  tornadis_stream_consumer_release (consumer, entry);
  wait_until (buried->len > 0);
  wait_until (n_pending_is (client, 0));
  assert_call (client, "(integer) 1", "XLEN", "dead", NULL);
  close_and_wait (consumer);
}

/* The connection is lost with new entries on their way: they are asked for behind the last that has come. */
static void
test_lost (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\n"
    "expect XREADGROUP\nsend \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*0\\r\\n\"\n"
    "expect XREADGROUP\nsend \"-ERR syntax error\\r\\n\"\n"
    "expect XAUTOCLAIM\nsend \"*3\\r\\n$3\\r\\n0-0\\r\\n*0\\r\\n*0\\r\\n\"\n"
    "expect XREADGROUP\n"
    "send \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*1\\r\\n*2\\r\\n$3\\r\\n1-0\\r\\n*2\\r\\n$1\\r\\nf\\r\\n$1\\r\\nx\\r\\n\"\n"
    "expect XREADGROUP\nreset\n---\n"
    "handshake\n"
    "expect XREADGROUP\n"
    "send \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*1\\r\\n*2\\r\\n$3\\r\\n2-0\\r\\n*2\\r\\n$1\\r\\nf\\r\\n$1\\r\\nx\\r\\n\"\n"
    "expect XPENDING\n"
    "send \"*1\\r\\n*4\\r\\n$3\\r\\n2-0\\r\\n$1\\r\\nc\\r\\n:5\\r\\n:2\\r\\n\"\n"
    "expect XREADGROUP\nsend \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*0\\r\\n\"\n"
    "expect XREADGROUP\nwait\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (client, "c");

  skip (consumer, "1-0", 1);
  skip (consumer, "2-0", 2);
  wait_until (count_received (peer, "XREADGROUP") == 7);
  g_clear_object (&consumer);
  assert_received (peer, (const char *[]){
                           "XREADGROUP GROUP g c COUNT 1000 STREAMS s 0",
                           "XREADGROUP GROUP g c COUNT 1000 CLAIM 60000 BLOCK 5000 STREAMS s >",
                           "XAUTOCLAIM s g c 60000 0-0 COUNT 1000",
                           "XREADGROUP GROUP g c COUNT 1000 BLOCK 5000 STREAMS s >",
                           "XREADGROUP GROUP g c COUNT 999 BLOCK 5000 STREAMS s >",
                           "XREADGROUP GROUP g c COUNT 999 STREAMS s 1-0",
                           "XPENDING s g 2-0 2-0 1000 c",
                           "XREADGROUP GROUP g c COUNT 998 STREAMS s 2-0", NULL });
  tornadis_harness_peer_go (peer);
}

/* The option of XREADGROUP: entries have behind their fields how often they were delivered before, as numbers or text. */
static void
test_claim_option (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\n"
    "expect XREADGROUP\nsend \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*0\\r\\n\"\n"
    "expect XREADGROUP\n"
    "send \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*4\\r\\n"
    "*4\\r\\n$3\\r\\n1-0\\r\\n*2\\r\\n$1\\r\\nf\\r\\n$1\\r\\nx\\r\\n:200\\r\\n:1\\r\\n"
    "*4\\r\\n$3\\r\\n2-0\\r\\n*2\\r\\n$1\\r\\nf\\r\\n$1\\r\\nx\\r\\n$3\\r\\n200\\r\\n$1\\r\\n4\\r\\n"
    "*4\\r\\n$3\\r\\n3-0\\r\\n*-1\\r\\n:200\\r\\n:4\\r\\n"
    "*4\\r\\n$3\\r\\n4-0\\r\\n*2\\r\\n$1\\r\\nf\\r\\n$1\\r\\nx\\r\\n:0\\r\\n:0\\r\\n\"\n"
    "expect XREADGROUP\nwait\n---\n"
    "handshake\nexpect XACK\nsend \":1\\r\\n\"\ndrain\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (client, "c");
  g_autoptr (GString) deleted = g_string_new (NULL);

  g_object_set (consumer, "claim-idle-msec", 100, NULL);
  g_signal_connect (consumer, "entry-deleted", G_CALLBACK (collect_id_cb), deleted);
  skip (consumer, "1-0", 2);
  skip (consumer, "2-0", 5);
  skip (consumer, "4-0", 1);
  g_assert_cmpstr (deleted->str, ==, "3-0 ");
  wait_until (tornadis_stream_consumer_get_n_pending (consumer) == 3 && count_received (peer, "XACK") == 1);
  g_clear_object (&consumer);
  tornadis_client_close (client);
  assert_received (peer, (const char *[]){
                           "XREADGROUP GROUP g c COUNT 1000 STREAMS s 0",
                           "XREADGROUP GROUP g c COUNT 1000 CLAIM 100 BLOCK 100 STREAMS s >",
                           "XREADGROUP GROUP g c COUNT 996 CLAIM 100 BLOCK 100 STREAMS s >", NULL });
  /* On a connection of its own, before or after the last of these. */
  assert_received (peer, (const char *[]){ "XACK s g 3-0", NULL });
  tornadis_harness_peer_go (peer);
}

#define DELIVERED_AGAIN                                                                                                     \
  "handshake\n"                                                                                                             \
  "expect XREADGROUP\nsend \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*0\\r\\n\"\n"                                                            \
  "expect XREADGROUP\n"                                                                                                     \
  "send \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*1\\r\\n*2\\r\\n$3\\r\\n1-0\\r\\n*2\\r\\n$1\\r\\nf\\r\\n$1\\r\\nx\\r\\n\"\n" \
  "expect XREADGROUP\nwait\n"                                                                                              \
  "send \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*2\\r\\n"                                                                             \
  "*4\\r\\n$3\\r\\n1-0\\r\\n*2\\r\\n$1\\r\\nf\\r\\n$1\\r\\nx\\r\\n:100\\r\\n:1\\r\\n"                                      \
  "*4\\r\\n$3\\r\\n2-0\\r\\n*2\\r\\n$1\\r\\nf\\r\\n$1\\r\\nx\\r\\n:0\\r\\n:0\\r\\n\"\n"                                    \
  "expect XREADGROUP\nwait\n---\n"

/* What was on its way when it was acknowledged is not told once more. But a group that was made again meanwhile has delivered
 * it, and waits. */
static void
test_ack_overtakes (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    DELIVERED_AGAIN "handshake\nexpect XACK\nsend \":1\\r\\n\"\nexpect XACK\nsend \":0\\r\\n\"\ndrain\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (client, "c");

  ack_next (consumer, "1-0", 1);
  wait_until (tornadis_stream_consumer_get_n_pending (consumer) == 0 && count_received (peer, "XREADGROUP") == 3);
  tornadis_harness_peer_go (peer);
  skip (consumer, "2-0", 1);
  wait_until (count_received (peer, "XACK") == 2);
  assert_received (peer, (const char *[]){ "XACK s g 1-0", "XACK s g 1-0", NULL });
  g_clear_object (&consumer);
  tornadis_client_close (client);
  tornadis_harness_peer_go (peer);
}

/* So too when it comes ahead of the answer to that. */
static void
test_ack_overtaken (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    DELIVERED_AGAIN "handshake\nexpect XACK\nexpect PING\nsend \":0\\r\\n+PONG\\r\\n\"\nexpect XACK\nsend \":1\\r\\n\"\ndrain\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (client, "c");

  ack_next (consumer, "1-0", 1);
  wait_until (count_received (peer, "XACK") == 1 && count_received (peer, "XREADGROUP") == 3);
  tornadis_harness_peer_go (peer);
  skip (consumer, "2-0", 1);
  assert_call (client, "PONG", "PING", NULL);
  wait_until (count_received (peer, "XACK") == 2);
  assert_received (peer, (const char *[]){ "XACK s g 1-0", "XACK s g 1-0", NULL });
  g_clear_object (&consumer);
  tornadis_client_close (client);
  tornadis_harness_peer_go (peer);
}

/* An acknowledgement whose answer is lost is sent again. */
static void
test_ack_lost (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\n"
    "expect XREADGROUP\nsend \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*0\\r\\n\"\n"
    "expect XREADGROUP\n"
    "send \"*1\\r\\n*2\\r\\n$1\\r\\ns\\r\\n*1\\r\\n*2\\r\\n$3\\r\\n1-0\\r\\n*2\\r\\n$1\\r\\nf\\r\\n$1\\r\\nx\\r\\n\"\n"
    "expect XREADGROUP\nwait\n---\n"
    "handshake\nexpect XACK\nreset\n---\n"
    "handshake\nexpect XACK\nsend \"-LOADING not yet\\r\\n\"\nexpect XACK\nsend \":0\\r\\n\"\nwait\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisStreamConsumer) consumer = make_consumer (client, "c");

  ack_next (consumer, "1-0", 1);
  close_and_wait (consumer);
  g_assert_cmpuint (count_received (peer, "XACK"), ==, 3);
  tornadis_client_close (client);
  assert_received (peer, (const char *[]){
                           "XACK s g 1-0",
                           "XACK s g 1-0",
                           "XACK s g 1-0", NULL });
  tornadis_harness_peer_go (peer);
}

/* Consumers that are killed, connections that are lost, a group that has to be made, entries that are not dealt with: each is
 * acknowledged at least once, and none is told twice at a time to one consumer. */

#define N_CONSUMERS 5
#define N_ENTRIES 3000

typedef struct
{
  GHashTable *acked;             /* (element-type utf8) (owned) */
  GHashTable *told[N_CONSUMERS]; /* (element-type utf8) (owned) those that a consumer has */
  gint64 last_new[N_CONSUMERS];  /* of the new entries of a consumer */
  TornadisStreamConsumer *consumers[N_CONSUMERS];
  guint n_told;
} Soak;

static void
soak_entry_cb (TornadisStreamConsumer *consumer,
               TornadisStreamEntry *entry,
               gpointer data)
{
  Soak *soak = data;
  const char *id = tornadis_stream_entry_get_id (entry);
  gint64 number = g_ascii_strtoll (id, NULL, 10);
  guint i = 0;

  while (soak->consumers[i] != consumer)
    i++;
  soak->n_told++;
  g_assert_true (g_hash_table_add (soak->told[i], g_strdup (id)));
  g_assert_cmpstr (tornadis_stream_entry_lookup_text (entry, "f"), ==, id);
  if (tornadis_stream_entry_get_delivery_count (entry) == 1)
    {
      g_assert_cmpint (number, >, soak->last_new[i]);
      soak->last_new[i] = number;
    }

  switch (g_test_rand_int_range (0, 8))
    {
    case 0:
      /* It fails. */
      g_hash_table_remove (soak->told[i], id);
      g_assert_true (tornadis_stream_consumer_release (consumer, entry));
      break;
    case 1:
      /* It hangs, until it is killed. */
      break;
    default:
      g_hash_table_remove (soak->told[i], id);
      g_hash_table_add (soak->acked, g_strdup (id));
      g_assert_true (tornadis_stream_consumer_ack (consumer, entry));
    }
}

static void
soak_start (Soak *soak,
            Fixture *fixture,
            guint i)
{
  g_autofree char *name = g_strdup_printf ("c%u", i);

  soak->last_new[i] = 0;
  soak->consumers[i] = make_consumer (fixture->client, name);
  g_object_set (soak->consumers[i], "claim-idle-msec", 40, "max-pending", g_test_rand_int_range (1, 60), NULL);
  g_signal_connect (soak->consumers[i], "entry", G_CALLBACK (soak_entry_cb), soak);
  tornadis_stream_reader_start (TORNADIS_STREAM_READER (soak->consumers[i]));
}

static void
test_soak (Fixture *fixture,
           gconstpointer data)
{
  Soak soak = { .acked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) };
  guint n_added = 0;
  gint64 end = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  for (guint i = 0; i < N_CONSUMERS; i++)
    {
      soak.told[i] = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      soak_start (&soak, fixture, i);
    }

  while (g_hash_table_size (soak.acked) < N_ENTRIES || !n_pending_is (fixture->client, 0))
    {
      guint i = (guint) g_test_rand_int_range (0, N_CONSUMERS);

      for (guint j = 0; j < 60 && n_added < N_ENTRIES; j++)
        {
          g_autofree char *id = g_strdup_printf ("%u-0", ++n_added);

          add (fixture->client, id);
        }
      /* Often while something is on its way. */
      spin_for ((guint) g_test_rand_int_range (0, 30));
      switch (g_test_rand_int_range (0, 4))
        {
        case 0:
          g_free (call_text (fixture->client, "CLIENT", "KILL", "TYPE", "normal", NULL));
          break;
        default:
          g_clear_object (&soak.consumers[i]);
          g_hash_table_remove_all (soak.told[i]);
          soak_start (&soak, fixture, i);
        }
      g_assert_cmpint (g_get_monotonic_time (), <, end);
    }

  g_test_message ("%u entries were told %u times", N_ENTRIES, soak.n_told);
  for (guint i = 1; i <= N_ENTRIES; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u-0", i);

      g_assert_true (g_hash_table_contains (soak.acked, id));
    }
  for (guint i = 0; i < N_CONSUMERS; i++)
    {
      g_clear_object (&soak.consumers[i]);
      g_hash_table_unref (soak.told[i]);
    }
  g_hash_table_unref (soak.acked);
}

#define ADD(name, func) g_test_add ("/stream-consumer/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
#define ADD_BOTH(name, func) \
  ADD (name, func);          \
  g_test_add ("/stream-consumer/" name "/resp2", Fixture, NULL, fixture_set_up_resp2, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("ack", test_ack);
  ADD ("ack-ids", test_ack_ids);
  ADD ("ack-again", test_ack_again);
  ADD ("large", test_large);
  ADD ("ack-refused", test_ack_refused);
  ADD ("bound", test_bound);
  ADD ("slow", test_slow);
  ADD ("own", test_own);
  ADD ("claim", test_claim);
  ADD_BOTH ("claim-own", test_claim_own);
  ADD ("claim-many", test_claim_many);
  ADD ("claim-turned-off", test_claim_turned_off);
  ADD ("dead-letters", test_dead_letters);
  ADD ("no-place-for-dead-letters", test_no_place_for_dead_letters);
  ADD_BOTH ("deleted", test_deleted);
  ADD_BOTH ("deleted-claimed", test_deleted_claimed);
  ADD_BOTH ("no-group", test_no_group);
  ADD ("no-group-new-only", test_no_group_new_only);
  ADD ("start-id", test_start_id);
  ADD ("failed", test_failed);
  ADD ("close", test_close);
  ADD ("drop", test_drop);
  ADD ("dispose", test_dispose);
  ADD ("pool", test_pool);
  ADD ("soak", test_soak);
  g_test_add_func ("/stream-consumer/cluster", test_cluster);
  g_test_add_func ("/stream-consumer/lost", test_lost);
  g_test_add_func ("/stream-consumer/no-group-lost", test_no_group_lost);
  g_test_add_func ("/stream-consumer/claim-option", test_claim_option);
  g_test_add_func ("/stream-consumer/ack-overtakes", test_ack_overtakes);
  g_test_add_func ("/stream-consumer/ack-overtaken", test_ack_overtaken);
  g_test_add_func ("/stream-consumer/ack-lost", test_ack_lost);

  return g_test_run ();
}
