/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions of a cluster, by hand and as pipelines: of one slot, whose node they are bound to. */

#include "plugins/cluster-util.h"

#include <string.h>

#include "integration/util.h"

#define TWO_SLOTS "a transaction of a cluster is of one slot"

/* A line with the key of a master in place of %s. */
static void
assert_keyed (Scene *scene,
              const char *format,
              guint master,
              const char *expected)
{
  g_auto (GStrv) parts = g_strsplit (format, "%s", -1);
  g_autofree char *line = g_strjoinv (scene->keys[master], parts);

  assert_line (scene->client, line, expected);
}

static void
refuse_keyed (Scene *scene,
              const char *format,
              guint master,
              const char *words)
{
  g_auto (GStrv) parts = g_strsplit (format, "%s", -1);
  g_autofree char *line = g_strjoinv (scene->keys[master], parts);

  assert_refused (scene->client, line, TORNADIS_ERROR_USAGE, words);
}

/* The node that the first key chooses is that of all; there are others between, and it is free again afterwards. */
static void
test_by_hand (Scene *scene,
              gconstpointer data)
{
  for (guint i = 0; i < N_MASTERS; i++)
    {
      assert_line (scene->client, "MULTI", "OK");
      g_assert_true (tornadis_client_is_in_transaction (scene->client));
      assert_keyed (scene, "SET %s 5", i, "QUEUED");
      assert_keyed (scene, "INCR %s", i, "QUEUED");
      assert_line (scene->client, "ECHO text", "QUEUED");
      assert_line (scene->client, "EXEC", "1) OK\n2) (integer) 6\n3) \"text\"");
      g_assert_false (tornadis_client_is_in_transaction (scene->client));
      assert_keyed (scene, "GET %s", (i + 1) % N_MASTERS, i + 1 < N_MASTERS ? "(nil)" : "\"6\"");
    }
  g_assert_cmpuint (get_redirects (scene->client), ==, 0);
}

/* A second slot is refused, and EXEC then refuses all, as a server does. */
static void
test_by_hand_two_slots (Scene *scene,
                        gconstpointer data)
{
  assert_line (scene->client, "MULTI", "OK");
  assert_keyed (scene, "SET %s 1", 0, "QUEUED");
  refuse_keyed (scene, "SET %s 1", 1, TWO_SLOTS);
  refuse_keyed (scene, "MGET %s other", 0, TWO_SLOTS);
  refuse_keyed (scene, "DBSIZE", 0, "answered by several nodes");
  refuse_keyed (scene, "SCAN 0", 0, "answered by several nodes");
  assert_refused (scene->client, "EXEC", TORNADIS_ERROR_REPLY, "EXECABORT");
  g_assert_false (tornadis_client_is_in_transaction (scene->client));
  assert_keyed (scene, "EXISTS %s", 0, "(integer) 0");
  assert_keyed (scene, "EXISTS %s", 1, "(integer) 0");

  assert_line (scene->client, "MULTI", "OK");
  refuse_keyed (scene, "MGET %s other", 0, TWO_SLOTS);
  assert_refused (scene->client, "EXEC", TORNADIS_ERROR_REPLY, "EXECABORT");
  assert_line (scene->client, "MULTI", "OK");
  assert_keyed (scene, "SET %s 1", 0, "QUEUED");
  assert_line (scene->client, "PING", "QUEUED");
  assert_line (scene->client, "EXEC", "1) OK\n2) PONG");

  /* Of a WATCH that was refused the program knows before it begins, as with a server. */
  refuse_keyed (scene, "WATCH %s other", 0, TWO_SLOTS);
  assert_line (scene->client, "MULTI", "OK");
  assert_keyed (scene, "SET %s 2", 0, "QUEUED");
  assert_line (scene->client, "EXEC", "1) OK");
}

/* What cannot be called on a cluster cannot within MULTI either, nor what ends that within a pipeline. */
static void
test_by_hand_refused (Scene *scene,
                      gconstpointer data)
{
  static const char *const refused[] = { "READONLY", "SELECT 1", "CLIENT NO-EVICT on" };

  for (guint i = 0; i < G_N_ELEMENTS (refused) + 2; i++)
    {
      assert_line (scene->client, "MULTI", "OK");
      assert_keyed (scene, "SET %s 1", 0, "QUEUED");
      if (i < G_N_ELEMENTS (refused))
        {
          assert_refused (scene->client, refused[i], TORNADIS_ERROR_USAGE, "cannot be called on a cluster");
        }
      else
        {
          g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "ECHO text", i % 2 ? "EXEC" : "READONLY");
          g_autoptr (GError) error = NULL;

          g_assert_null (call_pipeline (scene->client, pipeline, NULL, &error));
          g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
        }
      assert_refused (scene->client, "EXEC", TORNADIS_ERROR_REPLY, "EXECABORT");
      assert_keyed (scene, "EXISTS %s", 0, "(integer) 0");
    }
}

/* Of a pipeline with a command that is refused nothing is sent. */
static void
test_pipeline_refused (Scene *scene,
                       gconstpointer data)
{
  static const char *const refused[] = { "MULTI", "EXEC", "WATCH key", "RENAME key other", "SELECT 1" };

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "SET before 1", refused[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (call_pipeline (scene->client, pipeline, NULL, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      assert_line (scene->client, "EXISTS before", "(integer) 0");
    }
}

static void
test_by_hand_ends (Scene *scene,
                   gconstpointer data)
{
  assert_refused (scene->client, "EXEC", TORNADIS_ERROR_REPLY, "ERR EXEC without MULTI");
  assert_refused (scene->client, "DISCARD", TORNADIS_ERROR_REPLY, "ERR DISCARD without MULTI");
  assert_line (scene->client, "UNWATCH", "OK");

  assert_line (scene->client, "MULTI", "OK");
  assert_line (scene->client, "EXEC", "(empty array)");
  assert_line (scene->client, "MULTI", "OK");
  assert_line (scene->client, "DISCARD", "OK");
  g_assert_false (tornadis_client_is_in_transaction (scene->client));

  assert_line (scene->client, "MULTI", "OK");
  assert_keyed (scene, "SET %s 1", 1, "QUEUED");
  assert_refused (scene->client, "MULTI", TORNADIS_ERROR_REPLY, "ERR ");
  assert_line (scene->client, "DISCARD", "OK");
  assert_keyed (scene, "EXISTS %s", 1, "(integer) 0");

  /* One that has failed while it was queued. */
  assert_line (scene->client, "MULTI", "OK");
  assert_keyed (scene, "SET %s 1", 2, "QUEUED");
  assert_refused (scene->client, "INCR", TORNADIS_ERROR_REPLY, "ERR wrong number of arguments");
  assert_refused (scene->client, "EXEC", TORNADIS_ERROR_REPLY, "EXECABORT");
  assert_keyed (scene, "EXISTS %s", 2, "(integer) 0");
  g_assert_false (tornadis_client_is_in_transaction (scene->client));
}

/* Somebody else writes between. */
static void
test_watch (Scene *scene,
            gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_cluster_client (scene->cluster, NULL);

  for (guint i = 0; i < N_MASTERS; i++)
    for (guint disturbed = 0; disturbed < 2; disturbed++)
      {
        assert_call (other, "OK", "SET", scene->keys[i], "1", NULL);
        assert_keyed (scene, "WATCH %s", i, "OK");
        g_assert_true (tornadis_client_is_in_transaction (scene->client));
        assert_keyed (scene, "GET %s", i, "\"1\"");
        /* Reading elsewhere is free. */
        assert_line (scene->client, "EXISTS {else}where", "(integer) 0");
        if (disturbed)
          assert_call (other, "OK", "SET", scene->keys[i], "3", NULL);
        assert_line (scene->client, "MULTI", "OK");
        assert_keyed (scene, "SET %s 2", i, "QUEUED");
        assert_line (scene->client, "EXEC", disturbed ? "(nil)" : "1) OK");
        assert_keyed (scene, "GET %s", i, disturbed ? "\"3\"" : "\"2\"");
        assert_call (other, "OK", "SET", scene->keys[i], "2", NULL);
      }
}

static void
test_watch_two_slots (Scene *scene,
                      gconstpointer data)
{
  assert_keyed (scene, "WATCH %s", 0, "OK");
  refuse_keyed (scene, "WATCH %s", 1, TWO_SLOTS);
  assert_line (scene->client, "MULTI", "OK");
  refuse_keyed (scene, "SET %s 1", 2, TWO_SLOTS);
  assert_line (scene->client, "DISCARD", "OK");
  /* Now it is bound to none. */
  assert_keyed (scene, "WATCH %s", 1, "OK");
  assert_line (scene->client, "UNWATCH", "OK");
  g_assert_false (tornadis_client_is_in_transaction (scene->client));
  assert_keyed (scene, "WATCH %s", 2, "OK");
  assert_line (scene->client, "UNWATCH", "OK");
  refuse_keyed (scene, "WATCH %s other", 0, TWO_SLOTS);
  g_assert_false (tornadis_client_is_in_transaction (scene->client));
}

/* What is atomic ends what WATCH began, on its node. */
static void
test_watch_pipeline (Scene *scene,
                     gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_cluster_client (scene->cluster, NULL);
  g_autofree char *set = g_strdup_printf ("SET %s 2", scene->keys[1]);
  g_autofree char *elsewhere = g_strdup_printf ("SET %s 2", scene->keys[2]);
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (TRUE, set);
  g_autoptr (TornadisPipeline) wrong = PIPELINE (TRUE, elsewhere);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (TornadisReply) again = NULL;
  g_autofree char *text = NULL;

  assert_keyed (scene, "WATCH %s", 1, "OK");
  replies = call_pipeline (scene->client, wrong, NULL, &error);
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_assert_null (replies);
  g_clear_error (&error);
  assert_call (other, "OK", "SET", scene->keys[1], "1", NULL);
  replies = call_pipeline (scene->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tornadis_reply_get_kind (replies), ==, TORNADIS_REPLY_KIND_NIL);
  g_assert_false (tornadis_client_is_in_transaction (scene->client));

  again = call_pipeline (scene->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  text = tornadis_reply_to_string (again);
  g_assert_cmpstr (text, ==, "1) OK");
}

static void
test_atomic (Scene *scene,
             gconstpointer data)
{
  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *set = g_strdup_printf ("SET %s 1", scene->keys[i]);
      g_autofree char *push = g_strdup_printf ("LPUSH %s x", scene->keys[i]);
      g_autofree char *del = g_strdup_printf ("DEL %s %s", scene->keys[i], scene->keys[i]);
      g_autoptr (TornadisPipeline) pipeline = PIPELINE (TRUE, "ECHO text", set, push, del);
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) replies = call_pipeline (scene->client, pipeline, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (tornadis_reply_get_n_elements (replies), ==, 4);
      g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (replies, 1)), ==, "OK");
      g_assert_true (tornadis_reply_is_error (tornadis_reply_get_element (replies, 2)));
      g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (replies, 3)), ==, 1);
    }
}

/* Before anything is sent. */
static void
test_atomic_refused (Scene *scene,
                     gconstpointer data)
{
  g_autofree char *first = g_strdup_printf ("SET %s 1", scene->keys[0]);
  g_autofree char *second = g_strdup_printf ("SET %s 1", scene->keys[1]);
  g_autofree char *both = g_strdup_printf ("MSET %s 1 %s 1", scene->keys[0], scene->keys[1]);
  const char *const others[] = { second, both, "DBSIZE", "WAIT 1 0", "SCAN 0", "SELECT 1" };
  static const char *const reasons[] = { "several slots", "several slots", "DBSIZE: it is answered by several nodes",
                                         "WAIT: it is answered by several nodes", "SCAN: it is answered by several nodes",
                                         "set the property db" };
  guint n = count_calls_of_all (scene->cluster, "multi");

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (TornadisPipeline) pipeline = PIPELINE (TRUE, first, others[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) replies G_GNUC_UNUSED = call_pipeline (scene->client, pipeline, NULL, &error);

      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      g_assert_nonnull (strstr (error->message, reasons[i]));
    }
  g_assert_cmpuint (count_calls_of_all (scene->cluster, "multi"), ==, n);
  assert_keyed (scene, "EXISTS %s", 0, "(integer) 0");
}

/* The node closes the connection between: what WATCH and MULTI began is not taken up on the next one. */
static void
test_lost (Scene *scene,
           gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_cluster_client (scene->cluster, NULL);
  g_autofree char *set = g_strdup_printf ("SET %s 2", scene->keys[1]);
  g_autofree char *watch = g_strdup_printf ("WATCH %s", scene->keys[1]);

  for (guint in_multi = 0; in_multi < 2; in_multi++)
    {
      g_autofree char *killed = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply = NULL;
      g_autoptr (TornadisReply) queued = NULL;

      assert_line (scene->client, watch, "OK");
      if (in_multi)
        {
          assert_line (scene->client, "MULTI", "OK");
          assert_line (scene->client, set, "QUEUED");
        }
      killed = node_command (scene->cluster, 1, "CLIENT KILL TYPE normal");
      assert_call (other, "OK", "SET", scene->keys[1], "1", NULL);
      if (!in_multi)
        {
          g_autoptr (TornadisReply) multi G_GNUC_UNUSED = call (scene->client, NULL, "MULTI", NULL);
        }
      queued = call (scene->client, NULL, "SET", scene->keys[1], "2", NULL);
      reply = call (scene->client, &error, "EXEC", NULL);
      g_assert_null (reply);
      g_assert_nonnull (error);
      assert_call (other, "\"1\"", "GET", scene->keys[1], NULL);

      tornadis_client_close (scene->client);
      g_assert_false (tornadis_client_is_in_transaction (scene->client));
      assert_line (scene->client, watch, "OK");
      assert_line (scene->client, "MULTI", "OK");
      assert_line (scene->client, set, "QUEUED");
      assert_line (scene->client, "EXEC", "1) OK");
    }
}

/* Each client of a pool has its own connections, so its own transaction. */
static void
test_pool (Scene *scene,
           gconstpointer data)
{
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (scene->client);
  g_autoptr (TornadisClient) one = assert_take (pool);
  g_autoptr (TornadisClient) other = assert_take (pool);
  g_autofree char *set = g_strdup_printf ("SET %s 1", scene->keys[0]);
  g_autofree char *get = g_strdup_printf ("GET %s", scene->keys[0]);

  assert_line (one, "MULTI", "OK");
  assert_line (one, set, "QUEUED");
  assert_line (other, get, "(nil)");
  assert_line (other, "MULTI", "OK");
  assert_line (other, get, "QUEUED");
  assert_line (one, "EXEC", "1) OK");
  assert_line (other, "EXEC", "1) \"1\"");

  tornadis_client_pool_release_client (pool, one);
  tornadis_client_pool_release_client (pool, other);
  tornadis_client_pool_destroy (pool);
}

#define ADD(path, function) g_test_add (path, Scene, NULL, scene_set_up, function, scene_tear_down)

/* What was begun and not ended is not handed on: who takes a client of the pool next begins with another slot. */
static void
test_pool_released (Scene *scene,
                    gconstpointer data)
{
  static const char *const begun[] = { "WATCH %s", "MULTI" };
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (scene->client);

  g_object_set (pool, "max-size", 1, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (begun); i++)
    {
      g_autoptr (TornadisClient) one = assert_take (pool);
      g_autoptr (TornadisClient) other = NULL;
      g_auto (GStrv) parts = g_strsplit (begun[i], "%s", -1);
      g_autofree char *line = g_strjoinv (scene->keys[0], parts);
      g_autofree char *watch = g_strdup_printf ("WATCH %s", scene->keys[1]);

      assert_line (one, line, "OK");
      tornadis_client_pool_release_client (pool, one);

      other = assert_take (pool);
      g_assert_false (tornadis_client_is_in_transaction (other));
      assert_line (other, watch, "OK");
      tornadis_client_pool_release_client (pool, other);
    }
  tornadis_client_pool_destroy (pool);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/cluster-transaction/by-hand", test_by_hand);
  ADD ("/cluster-transaction/by-hand-two-slots", test_by_hand_two_slots);
  ADD ("/cluster-transaction/pipeline-refused", test_pipeline_refused);
  ADD ("/cluster-transaction/by-hand-ends", test_by_hand_ends);
  ADD ("/cluster-transaction/by-hand-refused", test_by_hand_refused);
  ADD ("/cluster-transaction/watch", test_watch);
  ADD ("/cluster-transaction/watch-two-slots", test_watch_two_slots);
  ADD ("/cluster-transaction/watch-pipeline", test_watch_pipeline);
  ADD ("/cluster-transaction/atomic", test_atomic);
  ADD ("/cluster-transaction/atomic-refused", test_atomic_refused);
  ADD ("/cluster-transaction/lost", test_lost);
  ADD ("/cluster-transaction/pool", test_pool);
  ADD ("/cluster-transaction/pool-released", test_pool_released);

  return run_with_cluster (NULL);
}
