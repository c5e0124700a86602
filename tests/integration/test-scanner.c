/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <math.h>
#include <string.h>

#define N_KEYS 3000

static TornadisReply *
next (TornadisScanner *scanner,
      GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_scanner_next_async (scanner, NULL, store_result, &result);

  return tornadis_scanner_next_finish (scanner, wait_for_result (&result), error);
}

/* The next batch as redis-cli prints it, or "end". */
static void
assert_next (TornadisScanner *scanner,
             const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) batch = next (scanner, &error);
  g_autofree char *text = batch != NULL ? tornadis_reply_to_string (batch) : g_strdup ("end");

  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, expected);
}

static void
assert_fails (TornadisScanner *scanner,
              GQuark domain,
              int code,
              const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (next (scanner, &error));
  g_assert_error (error, domain, code);
  if (strstr (error->message, part) == NULL)
    g_error ("“%s” is not in “%s”", part, error->message);
}

/* How often each string is among the elements, of which one has so many parts; frees the scanner. */
static GHashTable *
count_all (TornadisScanner *scanner,
           guint n_parts)
{
  GHashTable *counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  while (TRUE)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) batch = next (scanner, &error);
      gsize n;

      g_assert_no_error (error);
      if (batch == NULL)
        break;
      g_assert_cmpint (tornadis_reply_get_kind (batch), ==, TORNADIS_REPLY_KIND_ARRAY);
      n = tornadis_reply_get_n_elements (batch);
      g_assert_cmpuint (n, >, 0);
      for (gsize i = 0; i < n; i += n_parts)
        {
          const char *text = tornadis_reply_get_text (tornadis_reply_get_element (batch, i));
          guint count = GPOINTER_TO_UINT (g_hash_table_lookup (counts, text));

          g_hash_table_insert (counts, g_strdup (text), GUINT_TO_POINTER (count + 1));
        }
    }

  /* It stays there. */
  assert_next (scanner, "end");
  g_object_unref (scanner);

  return counts;
}

static void
assert_counts (GHashTable *counts,
               const char *prefix,
               guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *key = g_strdup_printf ("%s%u", prefix, i);

      if (!g_hash_table_contains (counts, key))
        g_error ("%s was not given", key);
    }
  g_assert_cmpuint (g_hash_table_size (counts), ==, n);
  g_hash_table_unref (counts);
}

static GHashTable *
scan_key (gpointer caller,
          TornadisScannerKind kind,
          const char *key)
{
  return count_all (tornadis_scanner_new_for_key (TORNADIS_CALLER (caller), kind, key),
                    kind == TORNADIS_SCANNER_KIND_SET ? 1 : 2);
}

/* Calls with a line for each number, which stands between these, split at the spaces. */
static void
fill (TornadisClient *client,
      const char *before,
      const char *behind)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_KEYS; i++)
    {
      g_autofree char *line = g_strdup_printf ("%s%u%s", before, i, behind);
      g_auto (GStrv) words = g_strsplit (line, " ", -1);

      tornadis_pipeline_stack_strv (pipeline, (const char *const *) words);
    }
  replies = call_pipeline (client, pipeline, NULL, &error);
  g_assert_no_error (error);
}

static void
test_keys (Fixture *fixture,
           gconstpointer data)
{
  TornadisClient *client = fixture->client;
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (client);
  GHashTable *counts;

  /* Nothing to give is not an error. */
  g_assert_cmpuint (g_hash_table_size (counts = count_all (tornadis_scanner_new (TORNADIS_CALLER (client)), 1)), ==, 0);
  g_hash_table_unref (counts);

  fill (client, "SET key:", " x");
  assert_call (client, "(integer) 1", "SADD", "set", "a", NULL);
  assert_call (client, "(integer) 1", "SADD", "key:set", "a", NULL);

  counts = count_all (g_object_new (TORNADIS_TYPE_SCANNER, "caller", client, "pattern", "key:*", "key-type", "string", NULL), 1);
  assert_counts (counts, "key:", N_KEYS);
  counts = count_all (g_object_new (TORNADIS_TYPE_SCANNER, "caller", pool, "pattern", "key:?*", "key-type", "string", NULL), 1);
  assert_counts (counts, "key:", N_KEYS);
  counts = count_all (g_object_new (TORNADIS_TYPE_SCANNER, "caller", client, "key-type", "set", NULL), 1);
  g_assert_cmpuint (g_hash_table_size (counts), ==, 2);
  g_hash_table_unref (counts);
  counts = count_all (tornadis_scanner_new (TORNADIS_CALLER (client)), 1);
  g_assert_cmpuint (g_hash_table_size (counts), ==, N_KEYS + 2);
  g_hash_table_unref (counts);

  tornadis_client_pool_destroy (pool);
}

/* Large ones, which the server gives in pages, and small ones, which it gives at once; with both protocols. */
static void
test_elements (Fixture *fixture,
               gconstpointer data)
{
  TornadisClient *client = fixture->client;

  fill (client, "HSET hash f", " v");
  fill (client, "SADD set m", "");
  fill (client, "ZADD zset 1.5 m", "");
  assert_call (client, "(integer) 2", "HSET", "few", "f", "v", "g", "w", NULL);
  assert_call (client, "(integer) 4", "ZADD", "scores", "-inf", "a", "1e300", "b", "0", "c", "inf", "d", NULL);

  for (TornadisProtocol protocol = TORNADIS_PROTOCOL_RESP2; protocol <= TORNADIS_PROTOCOL_RESP3; protocol++)
    {
      g_autoptr (TornadisClient) other =
        g_object_new (TORNADIS_TYPE_CLIENT, "unix-domain-socket", tornadis_harness_redis_get_socket_path (fixture->redis),
                      "protocol", protocol, NULL);
      g_autoptr (TornadisScanner) few =
        tornadis_scanner_new_for_key (TORNADIS_CALLER (other), TORNADIS_SCANNER_KIND_HASH, "few");
      g_autoptr (TornadisScanner) scores =
        tornadis_scanner_new_for_key (TORNADIS_CALLER (other), TORNADIS_SCANNER_KIND_SORTED_SET, "scores");
      g_autoptr (TornadisReply) batch = NULL;
      const double expected[] = { -HUGE_VAL, 0, 1e300, HUGE_VAL };

      assert_counts (scan_key (other, TORNADIS_SCANNER_KIND_HASH, "hash"), "f", N_KEYS);
      assert_counts (scan_key (other, TORNADIS_SCANNER_KIND_SET, "set"), "m", N_KEYS);
      assert_counts (scan_key (other, TORNADIS_SCANNER_KIND_SORTED_SET, "zset"), "m", N_KEYS);
      assert_counts (scan_key (other, TORNADIS_SCANNER_KIND_SET, "absent"), "", 0);
      assert_next (few, "1) \"f\"\n2) \"v\"\n3) \"g\"\n4) \"w\"");

      batch = next (scores, NULL);
      for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
        {
          TornadisReply *score = tornadis_reply_get_element (batch, i * 2 + 1);

          g_assert_cmpint (tornadis_reply_get_kind (score), ==, TORNADIS_REPLY_KIND_DOUBLE);
          g_assert_cmpfloat (tornadis_reply_get_double (score), ==, expected[i]);
        }
    }
}

/* A key and elements of any bytes. */
static void
test_binary (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (GBytes) key = g_bytes_new_static ("k\0\xff", 3);
  g_autoptr (TornadisCommand) command = tornadis_command_new_format ("SADD %b %b %b", "k\0\xff", (gsize) 3, "a\0b", (gsize) 3, "", (gsize) 0);
  g_autoptr (TornadisReply) batch = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) added = NULL;
  g_autoptr (TornadisScanner) scanner =
    g_object_new (TORNADIS_TYPE_SCANNER, "caller", fixture->client, "kind", TORNADIS_SCANNER_KIND_SET, "key", key, "unique", TRUE, NULL);
  gsize lengths = 0;

  tornadis_client_call_async (fixture->client, command, NULL, store_result, &result);
  added = tornadis_client_call_finish (fixture->client, wait_for_result (&result), NULL);
  g_assert_cmpint (tornadis_reply_get_integer (added), ==, 2);

  batch = next (scanner, NULL);
  g_assert_cmpuint (tornadis_reply_get_n_elements (batch), ==, 2);
  for (gsize i = 0; i < 2; i++)
    {
      gsize length;

      g_assert_nonnull (tornadis_reply_get_data (tornadis_reply_get_element (batch, i), &length));
      lengths += length;
    }
  g_assert_cmpuint (lengths, ==, 3);
  assert_next (scanner, "end");
}

#define ANSWER(cursor, page) "*2\\r\\n+" cursor "\\r\\n" page
#define NONE "*0\\r\\n"

/* Cursors are the server's words, and go back as they came. */
static void
test_cursors (void)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("handshake\nserve\nanswer SCAN \"" ANSWER ("18446744073709551615", "*1\\r\\n+a\\r\\n") "\" \"" ANSWER ("0-{06S}-0", NONE) "\" \"" ANSWER (
      "0B3a21-{06S}-96", "*1\\r\\n+b\\r\\n") "\" \"*3\\r\\n+0\\r\\n*1\\r\\n+c\\r\\n+later\\r\\n\"\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisScanner) scanner = g_object_new (TORNADIS_TYPE_SCANNER, "caller", client, "count", 7, "pattern", "p", NULL);
  g_autofree char *received = NULL;

  assert_next (scanner, "1) a");
  /* One without anything is passed over. */
  assert_next (scanner, "1) b");
  assert_next (scanner, "1) c");
  assert_next (scanner, "end");
  assert_next (scanner, "end");

  received = tornadis_harness_peer_get_received (peer);
  g_assert_nonnull (strstr (received, "SCAN 0 MATCH p COUNT 7\nSCAN 18446744073709551615 MATCH p COUNT 7\n"
                                      "SCAN 0-{06S}-0 MATCH p COUNT 7\nSCAN 0B3a21-{06S}-96 MATCH p COUNT 7\n"));
  g_assert_cmpuint (count_received (peer, "SCAN"), ==, 4);
}

static GArray *
get_counts (TornadisHarnessPeer *peer)
{
  g_autofree char *received = tornadis_harness_peer_get_received (peer);
  GArray *counts = g_array_new (FALSE, FALSE, sizeof (guint));

  for (const char *p = received; (p = strstr (p, " COUNT ")) != NULL; p++)
    {
      guint count = (guint) g_ascii_strtoull (p + strlen (" COUNT "), NULL, 10);

      g_array_append_val (counts, count);
    }

  return counts;
}

/* Two pages that were waited for long are followed by a smaller one. The bounds hold however long they take. */
static void
test_adapted (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nserve\nanswer SCAN \"" ANSWER ("1", "*1\\r\\n+a\\r\\n") "\"\n");
  g_autoptr (TornadisHarnessPeer) slow_peer =
    make_peer ("handshake\nexpect SSCAN\nsend \"" ANSWER ("1", "*1\\r\\n+a\\r\\n") "\"\nexpect SSCAN\nsleep 500\nsend \"" ANSWER ("1", "*1\\r\\n+a\\r\\n") "\"\nexpect SSCAN\nsleep 500\nsend \"" ANSWER ("1", "*1\\r\\n+a\\r\\n") "\"\nserve\nanswer SSCAN \"" ANSWER ("0", NONE) "\"\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisClient) slow_client = make_client (slow_peer);
  g_autoptr (TornadisScanner) scanner = tornadis_scanner_new (TORNADIS_CALLER (client));
  g_autoptr (TornadisScanner) slow_scanner =
    tornadis_scanner_new_for_key (TORNADIS_CALLER (slow_client), TORNADIS_SCANNER_KIND_SET, "set");
  g_autoptr (GArray) counts = NULL;
  guint before = 1000;

  for (guint i = 0; i < 50; i++)
    assert_next (scanner, "1) a");
  counts = get_counts (peer);
  /* One is asked for ahead. */
  g_assert_cmpuint (counts->len, >=, 50);
  g_assert_cmpuint (g_array_index (counts, guint, 0), ==, 1000);
  for (guint i = 0; i < counts->len; i++)
    {
      guint count = g_array_index (counts, guint, i);

      g_assert_true (count == before || count == MIN (before * 2, 10000) || count == MAX (before / 2, 1000));
      before = count;
    }

  g_assert_true (connect_and_wait (slow_client, NULL));
  for (guint i = 0; i < 3; i++)
    assert_next (slow_scanner, "1) a");
  assert_next (slow_scanner, "end");
  g_array_unref (counts);
  counts = get_counts (slow_peer);
  g_assert_cmpuint (g_array_index (counts, guint, 2), ==, g_array_index (counts, guint, 1));
  g_assert_cmpuint (g_array_index (counts, guint, 3), ==, g_array_index (counts, guint, 1) / 2);
}

static void
test_unique (void)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("handshake\nserve\nanswer HSCAN \"" ANSWER ("3", "*4\\r\\n$1\\r\\na\\r\\n$1\\r\\n1\\r\\n$1\\r\\nb\\r\\n$1\\r\\n1\\r\\n") "\" \"" ANSWER (
      "5", "*6\\r\\n$1\\r\\nb\\r\\n$1\\r\\n2\\r\\n$1\\r\\nc\\r\\n$1\\r\\na\\r\\n$1\\r\\nc\\r\\n$1\\r\\n3\\r\\n") "\" \"" ANSWER ("0", "*2\\r\\n$1\\r\\na\\r\\n$1\\r\\n9\\r\\n") "\"\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (GBytes) key = g_bytes_new_static ("hash", 4);
  g_autoptr (TornadisScanner) scanner =
    g_object_new (TORNADIS_TYPE_SCANNER, "caller", client, "kind", TORNADIS_SCANNER_KIND_HASH, "key", key, "unique", TRUE, NULL);

  assert_next (scanner, "1) \"a\"\n2) \"1\"\n3) \"b\"\n4) \"1\"");
  assert_next (scanner, "1) \"c\"\n2) \"a\"");
  assert_next (scanner, "end");
}

/* What there was room for is given, then it fails; with more room it goes on where it was. */
static void
test_bound (void)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("handshake\nserve\nanswer SCAN \"" ANSWER ("3", "*3\\r\\n+a\\r\\n+b\\r\\n+c\\r\\n") "\" \"" ANSWER ("0", "*2\\r\\n+a\\r\\n+d\\r\\n") "\"\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisScanner) scanner =
    g_object_new (TORNADIS_TYPE_SCANNER, "caller", client, "unique", TRUE, "max-unique-bytes", (guint64) 64, NULL);

  assert_next (scanner, "1) a\n2) b");
  for (guint i = 0; i < 2; i++)
    assert_fails (scanner, TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "SCAN: 2 elements");
  tornadis_scanner_set_max_unique_bytes (scanner, 100);
  assert_next (scanner, "1) c");
  assert_fails (scanner, TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "SCAN: 3 elements");
  tornadis_scanner_set_max_unique_bytes (scanner, 1000);
  assert_next (scanner, "1) d");
  assert_next (scanner, "end");
}

/* Each of a great many, and of all lengths. */
static void
test_unique_keys (Fixture *fixture,
                  gconstpointer data)
{
  g_autofree char *long_key = g_strnfill (200000, 'x');
  g_autoptr (GHashTable) counts = NULL;
  GHashTableIter iter;
  gpointer count;

  fill (fixture->client, "SET key:", " x");
  assert_call (fixture->client, "OK", "SET", long_key, "1", NULL);
  counts = count_all (g_object_new (TORNADIS_TYPE_SCANNER, "caller", fixture->client, "unique", TRUE, NULL), 1);
  g_assert_cmpuint (g_hash_table_size (counts), ==, N_KEYS + 1);
  g_hash_table_iter_init (&iter, counts);
  while (g_hash_table_iter_next (&iter, NULL, &count))
    g_assert_cmpuint (GPOINTER_TO_UINT (count), ==, 1);
}

/* What no server answers is refused; and asked for again. */
static void
test_bad_replies (void)
{
  static const char *const pages[] = {
    "+OK\\r\\n",
    ":0\\r\\n",
    "$-1\\r\\n",
    "*0\\r\\n",
    "*1\\r\\n+0\\r\\n",
    "*2\\r\\n:0\\r\\n*0\\r\\n",
    "*2\\r\\n+\\r\\n*0\\r\\n",
    "*2\\r\\n-0\\r\\n*0\\r\\n",
    "*2\\r\\n$-1\\r\\n*0\\r\\n",
    "*2\\r\\n*0\\r\\n*0\\r\\n",
    "*2\\r\\n+0\\r\\n+a\\r\\n",
    "*2\\r\\n+0\\r\\n*-1\\r\\n",
    "*2\\r\\n+0\\r\\n*1\\r\\n+a\\r\\n",
    "*2\\r\\n+0\\r\\n*2\\r\\n+a\\r\\n+b\\r\\n",
    "*2\\r\\n+0\\r\\n*2\\r\\n+a\\r\\n+1x\\r\\n",
    "*2\\r\\n+0\\r\\n*2\\r\\n+a\\r\\n*0\\r\\n",
    "*2\\r\\n+0\\r\\n*2\\r\\n*0\\r\\n+1\\r\\n",
  };
  g_autoptr (GBytes) key = g_bytes_new_static ("k", 1);

  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    {
      g_autofree char *script = g_strdup_printf ("handshake\nserve\nanswer ZSCAN \"%s\" \"%s\"\n", pages[i],
                                                 ANSWER ("0", "*2\\r\\n+a\\r\\n+1.5\\r\\n"));
      g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
      g_autoptr (TornadisClient) client = make_client (peer);
      g_autoptr (TornadisScanner) scanner = g_object_new (TORNADIS_TYPE_SCANNER, "caller", client, "kind", TORNADIS_SCANNER_KIND_SORTED_SET,
                                                          "key", key, "unique", TRUE, NULL);

      g_test_message ("%s", pages[i]);
      assert_fails (scanner, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "ZSCAN: ");
      /* Of a page that was taken the element stays where it is. */
      if (i < 13)
        assert_next (scanner, "1) a\n2) (double) 1.5");
      else
        assert_fails (scanner, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "ZSCAN: ");
    }
}

/* After an error and after a lost connection the same page is asked for again. */
static void
test_errors (void)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("handshake\nexpect SCAN\nsend \"" ANSWER ("7", "*1\\r\\n+a\\r\\n") "\"\nexpect SCAN\nsend \"-LOADING later\\r\\n\"\n"
                                                                                  "expect SCAN\nreset\n---\nhandshake\nserve\nanswer SCAN \"" ANSWER ("0", "*1\\r\\n+b\\r\\n") "\"\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisScanner) scanner = tornadis_scanner_new (TORNADIS_CALLER (client));
  g_autofree char *received = NULL;

  assert_next (scanner, "1) a");
  assert_fails (scanner, TORNADIS_ERROR, TORNADIS_ERROR_REPLY, "LOADING");
  assert_fails (scanner, TORNADIS_ERROR, TORNADIS_ERROR_LOST, "");
  assert_next (scanner, "1) b");
  assert_next (scanner, "end");
  received = tornadis_harness_peer_get_received (peer);
  g_assert_nonnull (strstr (g_strrstr (received, "HELLO"), "SCAN 7 "));
}

static void
test_wrong_type (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisScanner) scanner =
    tornadis_scanner_new_for_key (TORNADIS_CALLER (fixture->client), TORNADIS_SCANNER_KIND_HASH, "text");

  assert_call (fixture->client, "OK", "SET", "text", "x", NULL);
  assert_fails (scanner, TORNADIS_ERROR, TORNADIS_ERROR_REPLY, "WRONGTYPE");
}

/* Cancelled it has lost nothing, and one batch at a time is asked for. */
static void
test_cancel (void)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("handshake\nexpect SCAN\nwait\nsend \"" ANSWER ("7", "*1\\r\\n+a\\r\\n") "\"\nserve\nanswer SCAN \"" ANSWER ("7", "*1\\r\\n+a\\r\\n") "\" \"" ANSWER (
      "0", "*1\\r\\n+b\\r\\n") "\"\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisScanner) scanner = tornadis_scanner_new (TORNADIS_CALLER (client));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) after = NULL;
  g_autoptr (GAsyncResult) again = NULL;
  g_autoptr (TornadisReply) batch = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_scanner_next_async (scanner, cancellable, store_result, &result);
  assert_fails (scanner, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "asked for");
  wait_until (count_received (peer, "SCAN") == 1);
  g_cancellable_cancel (cancellable);
  /* The next may be asked for at once, and the cancellable used for something else. */
  tornadis_scanner_next_async (scanner, NULL, store_result, &after);
  g_cancellable_reset (cancellable);
  g_assert_null (tornadis_scanner_next_finish (scanner, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  tornadis_harness_peer_go (peer);
  batch = tornadis_scanner_next_finish (scanner, wait_for_result (&after), NULL);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (batch, 0)), ==, "a");
  /* Before it has begun. */
  g_cancellable_cancel (cancellable);
  tornadis_scanner_next_async (scanner, cancellable, store_result, &again);
  g_assert_null (tornadis_scanner_next_finish (scanner, wait_for_result (&again), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  assert_next (scanner, "1) b");
  assert_next (scanner, "end");
  g_assert_cmpuint (count_received (peer, "SCAN"), ==, 3);
}

/* Closed and disposed of with a call under way, which ends, and keeps nothing. */
static void
test_close (void)
{
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect SCAN\nwait\nserve\n");
      g_autoptr (TornadisClient) client = make_client (peer);
      TornadisScanner *scanner = tornadis_scanner_new (TORNADIS_CALLER (client));
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_true (tornadis_scanner_get_caller (scanner) == TORNADIS_CALLER (client));
      tornadis_scanner_next_async (scanner, NULL, store_result, &result);
      /* While it is connected, and while it is answered. */
      if (i > 0)
        wait_until (count_received (peer, "SCAN") == 1);
      if (i == 2)
        g_object_run_dispose (G_OBJECT (scanner));
      else
        tornadis_scanner_close (scanner);
      g_assert_null (result);
      g_assert_null (tornadis_scanner_next_finish (scanner, wait_for_result (&result), &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
      assert_fails (scanner, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "SCAN: ");
      g_assert_null (tornadis_scanner_get_caller (scanner));
      tornadis_scanner_close (scanner);
      g_clear_object (&result);
      spin_for (0);
      assert_finalized (scanner);
      assert_client_finalized (g_steal_pointer (&client));
    }
}

#define TWO_PAGES \
  "handshake\nexpect SCAN\nsend \"" ANSWER ("7", "*1\\r\\n+a\\r\\n") "\"\nexpect SCAN\nsend \"" ANSWER ("8", "*1\\r\\n+b\\r\\n") "\"\n"

/* Who has asked twice most likely asks again. What fails then is not seen, and asked for again. */
static void
test_ahead (void)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer (TWO_PAGES "expect SCAN\nwait\nsend \"-LOADING later\\r\\n\"\nserve\nanswer SCAN 8 \"" ANSWER ("0", "*1\\r\\n+c\\r\\n") "\"\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisScanner) scanner = tornadis_scanner_new (TORNADIS_CALLER (client));

  assert_next (scanner, "1) a");
  spin_for (0);
  g_assert_cmpuint (count_received (peer, "SCAN"), ==, 1);
  assert_next (scanner, "1) b");
  wait_until (count_received (peer, "SCAN") == 3);
  tornadis_harness_peer_go (peer);
  assert_call (client, "PONG", "PING", NULL);
  assert_next (scanner, "1) c");
  assert_next (scanner, "end");
  g_assert_cmpuint (count_received (peer, "SCAN"), ==, 4);
}

/* What was asked for ahead keeps no scanner, and reaches nobody else. */
static void
test_ahead_left (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (TWO_PAGES "expect SCAN\nwait\nsend \"" ANSWER ("0", NONE) "\"\nserve\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  TornadisScanner *scanner = tornadis_scanner_new (TORNADIS_CALLER (client));

  assert_next (scanner, "1) a");
  assert_next (scanner, "1) b");
  wait_until (count_received (peer, "SCAN") == 3);
  spin_for (0);
  assert_finalized (scanner);
  tornadis_harness_peer_go (peer);
  assert_call (client, "PONG", "PING", NULL);
  spin_for (0);
  assert_client_finalized (g_steal_pointer (&client));
}

static void
test_usage (Fixture *fixture,
            gconstpointer data)
{
  TornadisClient *client = fixture->client;
  g_autoptr (GBytes) key = g_bytes_new_static ("k", 1);
  g_autoptr (TornadisScanner) no_key = g_object_new (TORNADIS_TYPE_SCANNER, "caller", client, "kind", TORNADIS_SCANNER_KIND_SET, NULL);
  g_autoptr (TornadisScanner) no_kind = g_object_new (TORNADIS_TYPE_SCANNER, "caller", client, "key", key, NULL);
  g_autoptr (TornadisScanner) typed = g_object_new (TORNADIS_TYPE_SCANNER, "caller", client, "kind", TORNADIS_SCANNER_KIND_SET,
                                                    "key", key, "key-type", "set", NULL);

  assert_fails (no_key, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "SSCAN: there is no key");
  assert_fails (no_kind, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "SCAN: a key");
  assert_fails (typed, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "SSCAN: a type");
  g_assert_true (tornadis_scanner_get_key (typed) == key);
  g_assert_cmpint (tornadis_scanner_get_kind (typed), ==, TORNADIS_SCANNER_KIND_SET);
  g_assert_cmpstr (tornadis_scanner_get_key_type (typed), ==, "set");
  g_assert_null (tornadis_scanner_get_pattern (typed));
  g_assert_cmpuint (tornadis_scanner_get_count (typed), ==, 0);
  g_assert_false (tornadis_scanner_get_unique (typed));
  g_assert_cmpuint (tornadis_scanner_get_max_unique_bytes (typed), ==, 256 * 1024 * 1024);
}

/* All masters' keys, and those of a slot that stays where it is when another moves in between. */
static void
test_cluster (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 0, NULL);
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);
  g_autoptr (TornadisScanner) scanner = NULL;
  g_autoptr (TornadisReply) batch = NULL;
  guint slot = (guint) tornadis_harness_cluster_find_slot (cluster, "moves", NULL);
  int master = tornadis_harness_cluster_find_master (cluster, slot, NULL);

  fill (client, "SET key:", " x");
  fill (client, "SADD set m", "");
  assert_counts (count_all (g_object_new (TORNADIS_TYPE_SCANNER, "caller", client, "pattern", "key:*", NULL), 1), "key:", N_KEYS);
  assert_counts (scan_key (client, TORNADIS_SCANNER_KIND_SET, "set"), "m", N_KEYS);

  assert_call (client, "OK", "SET", "moves", "x", NULL);
  scanner = g_object_new (TORNADIS_TYPE_SCANNER, "caller", client, "pattern", "key:*", "count", 10, "unique", TRUE, NULL);
  batch = next (scanner, NULL);
  assert_done (tornadis_harness_cluster_migrate_slot, cluster, slot, ((guint) master + 1) % 3);
  {
    GHashTable *counts = count_all (g_object_ref (scanner), 1);

    for (gsize i = 0; i < tornadis_reply_get_n_elements (batch); i++)
      g_hash_table_add (counts, g_strdup (tornadis_reply_get_text (tornadis_reply_get_element (batch, i))));
    for (guint i = 0; i < N_KEYS; i++)
      {
        g_autofree char *key = g_strdup_printf ("key:%u", i);

        if (!g_hash_table_remove (counts, key) && (guint) tornadis_harness_cluster_find_slot (cluster, key, NULL) != slot)
          g_error ("%s was not given", key);
      }
    g_assert_cmpuint (g_hash_table_size (counts), ==, 0);
    g_hash_table_unref (counts);
  }
}

/* A replica that takes the place of its master has its keys in another order: none of them is left out. */
static void
test_failover (void)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 1, NULL);
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);
  g_autoptr (TornadisScanner) scanner = NULL;
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  int master = tornadis_harness_cluster_find_master (cluster, 0, NULL);
  int replica = tornadis_harness_cluster_find_replica (cluster, (guint) master, NULL);
  gboolean failed_over = FALSE;

  fill (client, "SET key:", " x");
  assert_done (tornadis_harness_cluster_wait_until_ok, cluster);
  scanner = g_object_new (TORNADIS_TYPE_SCANNER, "caller", client, "count", 10, NULL);
  while (TRUE)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) batch = next (scanner, &error);

      if (batch == NULL && error == NULL)
        break;
      /* Until the client knows of the new master, who asks asks again. */
      for (gsize i = 0; batch != NULL && i < tornadis_reply_get_n_elements (batch); i++)
        g_hash_table_add (seen, g_strdup (tornadis_reply_get_text (tornadis_reply_get_element (batch, i))));

      /* In the middle of the first master. */
      if (!failed_over && g_hash_table_size (seen) > N_KEYS / 6)
        {
          g_autofree char *acknowledged G_GNUC_UNUSED = tornadis_harness_cluster_command (cluster, (guint) master, "WAIT 1 0", NULL);

          tornadis_harness_redis_kill (tornadis_harness_cluster_get_node (cluster, (guint) master));
          assert_done (tornadis_harness_cluster_failover, cluster, (guint) replica, "TAKEOVER");
          failed_over = TRUE;
        }
    }
  g_assert_true (failed_over);
  assert_counts (g_steal_pointer (&seen), "key:", N_KEYS);
}

#define ADD(name, func) g_test_add ("/scanner/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("keys", test_keys);
  ADD ("elements", test_elements);
  ADD ("binary", test_binary);
  ADD ("unique-keys", test_unique_keys);
  ADD ("wrong-type", test_wrong_type);
  ADD ("usage", test_usage);
  g_test_add_func ("/scanner/cursors", test_cursors);
  g_test_add_func ("/scanner/adapted", test_adapted);
  g_test_add_func ("/scanner/unique", test_unique);
  g_test_add_func ("/scanner/bound", test_bound);
  g_test_add_func ("/scanner/bad-replies", test_bad_replies);
  g_test_add_func ("/scanner/errors", test_errors);
  g_test_add_func ("/scanner/cancel", test_cancel);
  g_test_add_func ("/scanner/close", test_close);
  g_test_add_func ("/scanner/ahead", test_ahead);
  g_test_add_func ("/scanner/ahead-left", test_ahead_left);
  g_test_add_func ("/scanner/cluster", test_cluster);

  g_test_add_func ("/scanner/failover", test_failover);

  return g_test_run ();
}
