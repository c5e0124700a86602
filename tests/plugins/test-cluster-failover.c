/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a client is in the middle of when a master is replaced by hand, or a slot moves: commands that block, transactions and
 * scans. */

#include "plugins/cluster-util.h"

#include <string.h>

#include "integration/util.h"

/* One shard, so that the first node is that of all keys; of the replicas one may sleep. */
typedef struct
{
  TornadisHarnessCluster *cluster;
  TornadisClient *client;
} Shard;

static void
shard_set_up (Shard *self,
              gconstpointer data)
{
  self->cluster = start_cluster (1, 2, NULL);
  self->client = make_cluster_client (self->cluster, NULL);
}

static void
shard_tear_down (Shard *self,
                 gconstpointer data)
{
  assert_client_finalized (self->client);
  g_clear_object (&self->cluster);
}

static void
fail_over (Shard *self,
           guint heir)
{
  assert_done (tornadis_harness_cluster_failover, self->cluster, heir, "");
}

/* Commands that wait at a master that becomes a replica end with what it says, and the connection with it: they have not run, but
 * it is for the program to know how long it still wants to wait. Made again they wait at the heir. */
static void
test_blocked (Shard *self,
              gconstpointer data)
{
  static const char *const lines[] = {
    "BLPOP list 0",
    "BLMOVE {list}s {list}other LEFT RIGHT 0",
    "BZPOPMIN sorted 0",
    "XREAD BLOCK 0 STREAMS stream $",
    "WAIT 2 0",
  };
  TornadisHarnessRedis *master = tornadis_harness_cluster_get_node (self->cluster, 0);
  TornadisHarnessRedis *sleeping = tornadis_harness_cluster_get_node (self->cluster, 2);
  TornadisClient *waiters[G_N_ELEMENTS (lines)];
  GAsyncResult *results[G_N_ELEMENTS (lines)] = { NULL };

  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    waiters[i] = make_cluster_client (self->cluster, NULL);
  assert_call (waiters[4], "OK", "SET", "before", "1", NULL);
  assert_call (waiters[4], "(integer) 2", "WAIT", "2", "0", NULL);
  /* One of the two that it waits for says nothing any more. */
  tornadis_harness_redis_pause (sleeping);
  assert_call (waiters[4], "OK", "SET", "key", "1", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], " ", -1);
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) words);

      tornadis_client_call_async (waiters[i], command, NULL, store_result, &results[i]);
    }
  wait_until (count_blocked (master) == G_N_ELEMENTS (lines));

  fail_over (self, 1);
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (tornadis_client_call_finish (waiters[i], wait_for_result (&results[i]), &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
      if (!g_str_has_prefix (error->message, "UNBLOCKED force unblock"))
        g_error ("%s: %s", lines[i], error->message);
      g_object_unref (results[i]);
    }
  tornadis_harness_redis_resume (sleeping);

  /* The connection was closed behind it, and the next call goes to the heir. */
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    assert_call (waiters[i], "\"1\"", "GET", "key", NULL);
  {
    g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "BLPOP", "list", "0", NULL });
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (TornadisReply) reply = NULL;

    tornadis_client_call_async (waiters[0], command, NULL, store_result, &result);
    wait_until (count_blocked (tornadis_harness_cluster_get_node (self->cluster, 1)) == 1);
    assert_call (self->client, "(integer) 1", "RPUSH", "list", "value", NULL);
    reply = tornadis_client_call_finish (waiters[0], wait_for_result (&result), NULL);
    g_assert_nonnull (reply);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    assert_client_finalized (waiters[i]);
}

/* By hand a transaction that was begun at the old master fails as the server says, and nothing of it has run; what was watched is
 * not forgotten. A program that begins anew gets through. */
static void
test_transaction (Shard *self,
                  gconstpointer data)
{
  static const char *const allowed[] = { "MOVED", "EXECABORT", NULL };

  for (guint in_multi = 0; in_multi < 2; in_multi++)
    {
      static const char *const lines[] = { "MULTI", "SET key new", "EXEC" };
      gboolean is_through = FALSE;

      assert_call (self->client, "OK", "SET", "key", "old", NULL);
      assert_done (tornadis_harness_cluster_wait_until_ok, self->cluster);
      assert_call (self->client, "OK", "WATCH", "key", NULL);
      if (in_multi)
        {
          assert_call (self->client, "OK", "MULTI", NULL);
          assert_call (self->client, "QUEUED", "SET", "key", "newer", NULL);
        }
      fail_over (self, in_multi ? 2 : 1);
      for (gsize i = in_multi; i < G_N_ELEMENTS (lines); i++)
        {
          g_auto (GStrv) words = g_strsplit (lines[i], " ", -1);
          g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) words);
          g_autoptr (GAsyncResult) result = NULL;
          g_autoptr (TornadisReply) reply = NULL;
          g_autoptr (GError) error = NULL;

          tornadis_client_call_async (self->client, command, NULL, store_result, &result);
          reply = tornadis_client_call_finish (self->client, wait_for_result (&result), &error);
          g_test_message ("%s: %s", lines[i], error != NULL ? error->message : "OK");
          if (error != NULL && error->code == TORNADIS_ERROR_REPLY)
            {
              g_autofree char *prefix = tornadis_error_dup_prefix (error);

              g_assert_true (g_strv_contains (allowed, prefix));
            }
          else if (error != NULL)
            {
              g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
            }
          if (i == 2)
            g_assert_null (reply);
        }
      g_assert_false (tornadis_client_is_in_transaction (self->client));
      assert_call (self->client, "\"old\"", "GET", "key", NULL);

      for (gint64 patience = get_patience (); !is_through && g_get_monotonic_time () < patience;)
        {
          g_autoptr (TornadisReply) watched G_GNUC_UNUSED = call (self->client, NULL, "WATCH", "key", NULL);
          g_autoptr (TornadisReply) multi G_GNUC_UNUSED = call (self->client, NULL, "MULTI", NULL);
          g_autoptr (TornadisReply) queued G_GNUC_UNUSED = call (self->client, NULL, "SET", "key", "again", NULL);
          g_autoptr (TornadisReply) reply = call (self->client, NULL, "EXEC", NULL);

          is_through = reply != NULL;
          spin_for (1);
        }
      g_assert_true (is_through);
      assert_call (self->client, "\"again\"", "GET", "key", NULL);
    }
}

#define N_KEYS 300

/* Keys whose slot stays where it is are all seen, however others move in the middle of the scan; and none that is not there. */
static void
test_scan (Scene *scene,
           gconstpointer data)
{
  TornadisClient *client = scene->client;
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *moving = g_strdup_printf ("{%s}", scene->keys[1]);
  guint slot = (guint) tornadis_harness_cluster_find_slot (scene->cluster, scene->keys[1], NULL);
  g_autofree char *cursor = g_strdup ("0");
  guint n_calls = 0;

  for (guint i = 0; i < N_KEYS; i++)
    {
      /* A third is of the slot that moves. */
      g_autofree char *key = g_strdup_printf ("%s%u", i % 3 == 0 ? moving : "stays", i);

      assert_call (client, "OK", "SET", key, "1", NULL);
    }

  do
    {
      g_autoptr (TornadisReply) reply = NULL;
      g_autoptr (GError) error = NULL;
      TornadisReply *keys;

      /* From the second to the third, of which it is seen again, and back to the first, of which nothing is seen any more. */
      if (n_calls == 4)
        assert_done (tornadis_harness_cluster_begin_migration, scene->cluster, slot, 2);
      if (n_calls == 6)
        g_assert_cmpint (tornadis_harness_cluster_migrate_keys (scene->cluster, slot, 2, N_KEYS / 6, NULL), >=, 0);
      if (n_calls == 8)
        assert_done (tornadis_harness_cluster_migrate_slot, scene->cluster, slot, 2);
      if (n_calls == 10)
        assert_done (tornadis_harness_cluster_migrate_slot, scene->cluster, slot, 0);
      n_calls++;
      reply = call (client, &error, "SCAN", cursor, "COUNT", "10", NULL);
      g_assert_no_error (error);
      keys = tornadis_reply_get_element (reply, 1);
      for (gsize i = 0; i < tornadis_reply_get_n_elements (keys); i++)
        g_hash_table_add (seen, g_strdup (tornadis_reply_get_text (tornadis_reply_get_element (keys, i))));
      g_free (cursor);
      cursor = g_strdup (tornadis_reply_get_text (tornadis_reply_get_element (reply, 0)));
    }
  while (!g_str_equal (cursor, "0"));
  g_assert_cmpuint (n_calls, >, 10);

  for (guint i = 0; i < N_KEYS; i++)
    {
      g_autofree char *key = g_strdup_printf ("%s%u", i % 3 == 0 ? moving : "stays", i);

      if (!g_hash_table_remove (seen, key) && i % 3 != 0)
        g_error ("%s was not seen", key);
    }
  g_assert_cmpuint (g_hash_table_size (seen), ==, 0);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/cluster-failover/blocked", Shard, NULL, shard_set_up, test_blocked, shard_tear_down);
  g_test_add ("/cluster-failover/transaction", Shard, NULL, shard_set_up, test_transaction, shard_tear_down);
  g_test_add ("/cluster-failover/scan", Scene, NULL, scene_set_up, test_scan, scene_tear_down);

  return run_with_cluster (NULL);
}
