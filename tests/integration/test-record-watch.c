/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of a record, and of who loads it, where the server does not tell of changes, or ceases to. */

#include "integration/util.h"

static const char *const notifying[] = { "--notify-keyspace-events", "Kghxe$", NULL };

static TornadisClient *
make_other (Fixture *fixture)
{
  return tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
}

static TornadisRecord *
make_lamp (TornadisClient *client)
{
  GVariantDict fields = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&fields, "level", "i", 5);

  return tornadis_record_new (client, "lamp", g_variant_dict_end (&fields));
}

static int
get_level (TornadisRecord *lamp)
{
  return g_variant_get_int32 (tornadis_record_get_field (lamp, "level"));
}

static gboolean
load (TornadisRecord *record,
      GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_record_load_async (record, NULL, store_result, &result);

  return tornadis_record_load_finish (record, wait_for_result (&result), error);
}

static void
assert_loads (TornadisRecord *record)
{
  g_autoptr (GError) error = NULL;
  gboolean is_loaded = load (record, &error);

  g_assert_no_error (error);
  g_assert_true (is_loaded);
}

/* The client is of somebody who can't find out whether the server tells. */
static void
become_guest (Fixture *fixture)
{
  assert_call (fixture->client, "OK", "ACL", "SETUSER", "guest", "on", "nopass", "~*", "&*", "+@all", "-config", "-client|tracking", NULL);
  g_object_set (fixture->client, "username", "guest", "password", "any", NULL);
}

static void
count_cb (GObject *object,
          GParamSpec *pspec,
          gpointer count)
{
  ++*(guint *) count;
}

static void
loaded_cb (GObject *object,
           GAsyncResult *result,
           gpointer count)
{
  g_autoptr (GError) error = NULL;
  gboolean is_loaded = tornadis_record_load_finish (TORNADIS_RECORD (object), result, &error);

  g_assert_no_error (error);
  g_assert_true (is_loaded);
  ++*(guint *) count;
}

/* In each turn of the main loop somebody wants it: before it listens, while it is read, and after that. */
static void
try_many (Fixture *fixture,
          gboolean is_told)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  TornadisRecord *lamp = make_lamp (fixture->client);
  guint n_ended = 0;
  guint n_begun = 0;

  assert_call (other, "(integer) 1", "HSET", "lamp", "level", "7", NULL);
  while (n_ended == 0)
    {
      tornadis_record_load_async (lamp, NULL, loaded_cb, &n_ended);
      n_begun++;
      g_main_context_iteration (NULL, TRUE);
    }
  wait_until (n_ended == n_begun);
  g_assert_cmpint (get_level (lamp), ==, 7);
  g_assert_cmpint (tornadis_record_get_live (lamp), ==, is_told);
  assert_finalized (lamp);
}

static void
test_many (Fixture *fixture,
           gconstpointer data)
{
  try_many (fixture, TRUE);
}

static void
test_unknown (Fixture *fixture,
              gconstpointer data)
{
  become_guest (fixture);
  try_many (fixture, FALSE);
}

/* What failed is forgotten once it is read, also by who does not know whether it is told. */
static void
test_error (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (GError) error = NULL;
  TornadisRecord *lamp = NULL;

  become_guest (fixture);
  lamp = make_lamp (fixture->client);
  assert_call (other, "OK", "SET", "lamp", "text", NULL);
  g_assert_false (load (lamp, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_assert_error (tornadis_record_get_error (lamp), TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  assert_call (other, "(integer) 1", "DEL", "lamp", NULL);
  assert_loads (lamp);
  g_assert_no_error (tornadis_record_get_error (lamp));
  assert_finalized (lamp);
}

typedef struct
{
  TornadisClient *other;
  guint n_failed;
  guint n_loaded;
} Retry;

/* It is a hash again, which who has failed wants to have seen. */
static void
retry_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  Retry *retry = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_false (tornadis_record_load_finish (TORNADIS_RECORD (object), result, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  retry->n_failed++;
  assert_call (retry->other, "(integer) 1", "DEL", "lamp", NULL);
  tornadis_record_load_async (TORNADIS_RECORD (object), NULL, loaded_cb, &retry->n_loaded);
}

static void
test_retry (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  Retry retry = { .other = other };
  TornadisRecord *lamp = make_lamp (fixture->client);

  assert_call (other, "OK", "SET", "lamp", "text", NULL);
  tornadis_record_load_async (lamp, NULL, retry_cb, &retry);
  wait_until (retry.n_loaded == 1);
  g_assert_cmpuint (retry.n_failed, ==, 1);
  g_assert_no_error (tornadis_record_get_error (lamp));
  g_assert_true (tornadis_record_get_live (lamp));
  assert_finalized (lamp);
}

/* The server is away: that is told once, and nothing goes on. */
static void
test_away (Fixture *fixture,
           gconstpointer data)
{
  TornadisRecord *lamp = make_lamp (fixture->client);
  g_autoptr (GError) error = NULL;
  guint n_errors = 0;

  g_signal_connect (lamp, "notify::error", G_CALLBACK (count_cb), &n_errors);
  tornadis_harness_redis_kill (fixture->redis);
  g_assert_false (load (lamp, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_assert_error (tornadis_record_get_error (lamp), TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_assert_true (tornadis_harness_redis_restart (fixture->redis, NULL));
  spin_for (1500);
  g_assert_cmpuint (n_errors, ==, 1);
  g_assert_false (tornadis_record_get_loaded (lamp));
  assert_loads (lamp);
  g_assert_true (tornadis_record_get_live (lamp));
  g_assert_no_error (tornadis_record_get_error (lamp));
  g_assert_cmpuint (n_errors, ==, 2);
  assert_finalized (lamp);
}

/* Nobody does anything for it when the server tells again. */
static void
test_off (Fixture *fixture,
          gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  TornadisRecord *lamp = NULL;
  guint n_errors = 0;

  g_object_set (fixture->client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  lamp = make_lamp (fixture->client);
  assert_loads (lamp);
  g_signal_connect (lamp, "notify::error", G_CALLBACK (count_cb), &n_errors);
  assert_call (other, "OK", "CONFIG", "SET", "notify-keyspace-events", "", NULL);
  assert_call (other, "(integer) 1", "CLIENT", "KILL", "TYPE", "pubsub", NULL);
  wait_until (tornadis_record_get_error (lamp) != NULL);
  g_assert_error (tornadis_record_get_error (lamp), TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_assert_false (tornadis_record_get_live (lamp));

  /* Each time that it looks, it finds the same. */
  wait_until (count_calls (fixture->redis, "config|get") >= 4);
  g_assert_cmpuint (n_errors, ==, 1);
  assert_call (other, "(integer) 1", "HSET", "lamp", "level", "8", NULL);
  assert_call (other, "OK", "CONFIG", "SET", "notify-keyspace-events", "KA", NULL);
  wait_until (tornadis_record_get_live (lamp));
  wait_until (get_level (lamp) == 8);
  wait_until (tornadis_record_get_error (lamp) == NULL);
  assert_call (other, "(integer) 0", "HSET", "lamp", "level", "9", NULL);
  wait_until (get_level (lamp) == 9);
  g_assert_cmpuint (n_errors, ==, 2);
  assert_finalized (lamp);
}

/* Nor when it may subscribe again. */
static void
test_forbidden (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  TornadisRecord *lamp = NULL;

  assert_call (other, "OK", "ACL", "SETUSER", "guest", "on", "nopass", "~*", "&*", "+@all", NULL);
  g_object_set (fixture->client, "username", "guest", "password", "any", NULL);
  lamp = make_lamp (fixture->client);
  assert_loads (lamp);
  g_assert_true (tornadis_record_get_live (lamp));
  assert_call (other, "OK", "ACL", "SETUSER", "guest", "resetchannels", NULL);
  wait_until (!tornadis_record_get_live (lamp));
  wait_until (tornadis_record_get_error (lamp) != NULL);
  assert_call (other, "(integer) 1", "HSET", "lamp", "level", "8", NULL);
  assert_call (other, "OK", "ACL", "SETUSER", "guest", "&*", NULL);
  wait_until (tornadis_record_get_live (lamp));
  wait_until (get_level (lamp) == 8);
  wait_until (tornadis_record_get_error (lamp) == NULL);
  assert_finalized (lamp);
}

/* Whether it is told is no news as long as it is not. */
static void
test_model (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisHashModel) model = NULL;
  guint n_told = 0;

  g_object_set (fixture->client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  model = tornadis_hash_model_new (fixture->client, "lamp");
  g_signal_connect (model, "notify::live", G_CALLBACK (count_cb), &n_told);
  wait_until (count_calls (fixture->redis, "subscribe") == 1);
  wait_until (tornadis_live_model_get_ready (TORNADIS_LIVE_MODEL (model)));
  spin_for (100);
  g_assert_false (tornadis_live_model_get_live (TORNADIS_LIVE_MODEL (model)));
  g_assert_cmpuint (n_told, ==, 0);
}

/* It subscribes without an answer about the setting, and asks for it again. */
static void
test_unasked (void)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("answer HELLO \"%2\\r\\n$6\\r\\nserver\\r\\n$5\\r\\nredis\\r\\n$5\\r\\nproto\\r\\n:3\\r\\n\"\n"
               "answer CLIENT \"-ERR unknown command\\r\\n\"\n"
               "answer CONFIG \"%1\\r\\n$22\\r\\nnotify-keyspace-events\\r\\n$2\\r\\nKA\\r\\n\"\n"
               "answer HGETALL \"%0\\r\\n\"\n"
               "answer SUBSCRIBE \">3\\r\\n$9\\r\\nsubscribe\\r\\n$19\\r\\n__keyspace@0__:lamp\\r\\n:1\\r\\n\"\n"
               "handshake3\nserve CONFIG\nexpect CONFIG\nclose\n"
               "---\n"
               "serve\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  TornadisRecord *lamp = make_lamp (client);

  assert_loads (lamp);
  wait_until (tornadis_record_get_live (lamp));
  assert_finalized (lamp);
}

/* What is lost is a connection of what listens that has no subscription: those of a cluster are on others. */
static void
test_cluster (gconstpointer setting)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 0, setting);
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);
  g_autoptr (TornadisClient) other = make_cluster_client (cluster, NULL);
  TornadisRecord *lamp = make_lamp (client);

  assert_loads (lamp);
  g_assert_true (tornadis_record_get_live (lamp));
  for (int i = 0; i < 3; i++)
    {
      g_autofree char *level = g_strdup_printf ("%d", i);

      for (guint node = 0; node < 3; node++)
        g_free (tornadis_harness_cluster_command (cluster, node, "CLIENT KILL TYPE normal SKIPME yes", NULL));
      wait_until (!tornadis_client_is_connected (other));
      assert_call (other, i == 0 ? "(integer) 1" : "(integer) 0", "HSET", "lamp", "level", level, NULL);
      wait_until (get_level (lamp) == i);
      wait_until (tornadis_record_get_live (lamp));
    }
  assert_finalized (lamp);
}

#define ADD(name, setting) \
  g_test_add ("/record-watch/" #name, Fixture, setting, fixture_set_up, test_##name, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD (many, NULL);
  ADD (unknown, NULL);
  ADD (error, NULL);
  ADD (retry, NULL);
  ADD (away, NULL);
  ADD (off, notifying);
  ADD (forbidden, NULL);
  ADD (model, NULL);
  g_test_add_func ("/record-watch/unasked", test_unasked);
  g_test_add_data_func ("/record-watch/cluster", NULL, test_cluster);
  g_test_add_data_func ("/record-watch/cluster/notifying", notifying, test_cluster);

  return g_test_run ();
}
