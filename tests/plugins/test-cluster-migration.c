/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A slot on its way from one node to another, step by step: what servers then say of its keys, and what callers get. */

#include "plugins/cluster-util.h"

#include <string.h>

#include "integration/util.h"

#define FROM 1
#define TO 2
#define N_KEYS 40

/* All keys are of one slot, that of keys[FROM]. */
typedef struct
{
  Scene scene;
  guint slot;
  char *keys[N_KEYS];
  char *values[N_KEYS];
} Migration;

static void
migration_set_up (Migration *self,
                  gconstpointer options)
{
  scene_set_up (&self->scene, options);
  self->slot = (guint) tornadis_harness_cluster_find_slot (self->scene.cluster, self->scene.keys[FROM], NULL);
  for (guint i = 0; i < N_KEYS; i++)
    {
      self->keys[i] = g_strdup_printf ("{%s}%u", self->scene.keys[FROM], i);
      self->values[i] = g_strdup_printf ("value of %s", self->keys[i]);
    }
  /* The client knows where everything is. */
  assert_call (self->scene.client, "(integer) 0", "DBSIZE", NULL);
}

static void
set (Migration *self,
     guint begin,
     guint end)
{
  for (guint i = begin; i < end; i++)
    assert_call (self->scene.client, "OK", "SET", self->keys[i], self->values[i], NULL);
}

static void
assert_value (Migration *self,
              guint i)
{
  g_autofree char *text = g_strdup_printf ("\"%s\"", self->values[i]);

  assert_call (self->scene.client, text, "GET", self->keys[i], NULL);
}

static void
begin (Migration *self)
{
  assert_done (tornadis_harness_cluster_begin_migration, self->scene.cluster, self->slot, TO);
}

static void
end (Migration *self)
{
  while (tornadis_harness_cluster_migrate_keys (self->scene.cluster, self->slot, TO, 100, NULL) > 0)
    ;
  assert_done (tornadis_harness_cluster_end_migration, self->scene.cluster, self->slot, TO);
}

static void
migration_tear_down (Migration *self,
                     gconstpointer options)
{
  if (tornadis_harness_cluster_find_master (self->scene.cluster, self->slot, NULL) == FROM)
    end (self);
  assert_done (tornadis_harness_cluster_migrate_slot, self->scene.cluster, self->slot, FROM);
  for (guint i = 0; i < N_KEYS; i++)
    {
      g_free (self->keys[i]);
      g_free (self->values[i]);
    }
  scene_tear_down (&self->scene, options);
}

/* One key is moved. */
static void
move_key (Migration *self,
          guint i)
{
  g_autofree char *moved = node_command (self->scene.cluster, FROM, "MIGRATE 127.0.0.1 %u %s 0 10000",
                                         tornadis_harness_redis_get_port (tornadis_harness_cluster_get_node (self->scene.cluster, TO)),
                                         self->keys[i]);

  g_assert_cmpstr (moved, ==, "+OK\r\n");
}

static guint
count_errors (Migration *self,
              const char *name)
{
  guint n = 0;

  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *info = node_command (self->scene.cluster, i, "INFO errorstats");
      g_autofree char *field = g_strdup_printf ("errorstat_%s:count=", name);
      const char *found = strstr (info, field);

      n += found != NULL ? (guint) g_ascii_strtoull (found + strlen (field), NULL, 10) : 0;
    }

  return n;
}

/* A key that is there, one that has left and one that is new. */
static void
test_one_key (Migration *self,
              gconstpointer data)
{
  g_autofree char *n = NULL;

  set (self, 0, 2);
  begin (self);
  assert_value (self, 0);
  g_assert_cmpuint (get_redirects (self->scene.client), ==, 0);
  move_key (self, 1);
  assert_value (self, 1);
  g_assert_cmpuint (get_redirects (self->scene.client), ==, 1);
  set (self, 2, 3);
  assert_value (self, 2);
  g_assert_cmpuint (get_redirects (self->scene.client), ==, 3);
  n = node_command (self->scene.cluster, TO, "CLUSTER COUNTKEYSINSLOT %u", self->slot);
  g_assert_cmpstr (n, ==, ":2\r\n");

  /* Afterwards one is redirected for all. */
  end (self);
  for (guint i = 0; i < 3; i++)
    assert_value (self, i);
  g_assert_cmpuint (get_redirects (self->scene.client), ==, 4);
}

/* A call that the nodes put off until the slot has moved. */
static void
assert_put_off (Migration *self,
                const char *line,
                const char *expected)
{
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) argv);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  guint n = count_errors (self, "TRYAGAIN");

  tornadis_client_call_async (self->scene.client, command, NULL, store_result, &result);
  wait_until (count_errors (self, "TRYAGAIN") >= n + 2);
  g_assert_null (result);
  end (self);
  reply = tornadis_client_call_finish (self->scene.client, wait_for_result (&result), &error);
  g_assert_no_error (error);
  text = tornadis_reply_to_string (reply);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_several_keys (Migration *self,
                   gconstpointer data)
{
  g_autofree char *line = g_strdup_printf ("EXISTS %s %s", self->keys[0], self->keys[1]);

  set (self, 0, 2);
  begin (self);
  assert_line (self->scene.client, line, "(integer) 2");
  move_key (self, 1);
  assert_put_off (self, line, "(integer) 2");
}

static void
test_several_keys_absent (Migration *self,
                          gconstpointer data)
{
  g_autofree char *line = g_strdup_printf ("MSET %s 1 %s 2", self->keys[0], self->keys[1]);

  begin (self);
  assert_put_off (self, line, "OK");
}

static void
test_script (Migration *self,
             gconstpointer data)
{
  g_autofree char *declared = g_strdup_printf ("EVAL return{redis.call('GET',KEYS[1])} 1 %s", self->keys[1]);
  g_autofree char *hidden = g_strdup_printf ("EVAL return{redis.call('GET','%s')} 1 %s", self->keys[1], self->keys[0]);
  g_autofree char *text = g_strdup_printf ("1) \"%s\"", self->values[1]);

  set (self, 0, 2);
  begin (self);
  move_key (self, 1);
  assert_line (self->scene.client, declared, text);
  assert_refused (self->scene.client, hidden, TORNADIS_ERROR_REPLY, "non local key");
}

/* Keys that are there, that have left and that are new, in one pipeline. */
static void
test_pipeline (Migration *self,
               gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

  set (self, 0, N_KEYS);
  begin (self);
  for (guint i = 0; i < N_KEYS; i += 3)
    move_key (self, i);
  for (guint i = 0; i < N_KEYS; i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", self->keys[i], NULL });

  for (guint ended = 0; ended < 2; ended++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) replies = call_pipeline (self->scene.client, pipeline, NULL, &error);

      g_assert_no_error (error);
      for (guint i = 0; i < N_KEYS; i++)
        g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (replies, i)), ==, self->values[i]);
      if (!ended)
        end (self);
    }
}

static char *
call_atomic (Migration *self,
             guint first,
             guint second)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_pipeline_set_atomic (pipeline, TRUE);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "INCR", self->keys[first], NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "INCR", self->keys[second], NULL });
  replies = call_pipeline (self->scene.client, pipeline, NULL, &error);
  g_assert_no_error (error);

  return tornadis_reply_to_string (replies);
}

/* It runs as a whole where its keys are. */
static void
test_atomic (Migration *self,
             gconstpointer data)
{
  g_autofree char *here = NULL;
  g_autofree char *there = NULL;
  g_autofree char *after = NULL;
  g_autofree char *n = NULL;

  assert_call (self->scene.client, "OK", "SET", self->keys[0], "10", NULL);
  begin (self);
  here = call_atomic (self, 0, 0);
  g_assert_cmpstr (here, ==, "1) (integer) 11\n2) (integer) 12");
  there = call_atomic (self, 1, 1);
  g_assert_cmpstr (there, ==, "1) (integer) 1\n2) (integer) 2");
  n = node_command (self->scene.cluster, TO, "CLUSTER COUNTKEYSINSLOT %u", self->slot);
  g_assert_cmpstr (n, ==, ":1\r\n");
  end (self);
  after = call_atomic (self, 0, 1);
  g_assert_cmpstr (after, ==, "1) (integer) 13\n2) (integer) 3");
}

/* One of its keys is here and one there: it is put off, and runs once. */
static void
test_atomic_put_off (Migration *self,
                     gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  guint n;

  assert_call (self->scene.client, "OK", "SET", self->keys[0], "10", NULL);
  begin (self);
  n = count_errors (self, "TRYAGAIN");
  tornadis_pipeline_set_atomic (pipeline, TRUE);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "INCR", self->keys[0], NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "INCR", self->keys[1], NULL });
  tornadis_client_call_pipeline_async (self->scene.client, pipeline, NULL, store_result, &result);
  wait_until (result != NULL || count_errors (self, "TRYAGAIN") >= n + 2);
  g_assert_null (result);
  end (self);
  replies = tornadis_client_call_pipeline_finish (self->scene.client, wait_for_result (&result), &error);
  g_assert_no_error (error);
  text = tornadis_reply_to_string (replies);
  g_assert_cmpstr (text, ==, "1) (integer) 11\n2) (integer) 1");
}

/* By hand it fails, and what was watched is not forgotten: nothing is written. Then it is done again. */
static void
test_by_hand (Migration *self,
              gconstpointer data)
{
  TornadisClient *client = self->scene.client;
  gboolean done = FALSE;

  set (self, 0, 1);
  assert_call (client, "OK", "WATCH", self->keys[0], NULL);
  assert_value (self, 0);
  begin (self);
  end (self);
  assert_call (client, "OK", "MULTI", NULL);
  {
    g_autoptr (GError) error = NULL;
    g_autoptr (TornadisReply) queued G_GNUC_UNUSED = call (client, NULL, "SET", self->keys[0], "x", NULL);
    g_autoptr (TornadisReply) reply = call (client, &error, "EXEC", NULL);

    g_assert_null (reply);
    g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
    g_assert_false (tornadis_client_is_in_transaction (client));
  }
  assert_value (self, 0);

  /* The program begins anew, and the cluster may be looked at meanwhile. */
  for (gint64 patience = get_patience (); !done && g_get_monotonic_time () < patience;)
    {
      g_autoptr (TornadisReply) watched G_GNUC_UNUSED = call (client, NULL, "WATCH", self->keys[0], NULL);
      g_autoptr (TornadisReply) multi G_GNUC_UNUSED = call (client, NULL, "MULTI", NULL);
      g_autoptr (TornadisReply) queued G_GNUC_UNUSED = call (client, NULL, "SET", self->keys[0], "y", NULL);
      g_autoptr (TornadisReply) reply = call (client, NULL, "EXEC", NULL);

      done = reply != NULL;
      spin_for (1);
    }
  assert_call (client, "\"y\"", "GET", self->keys[0], NULL);
}

/* WATCH of a key that has left is one at the node that has it, or the transaction fails. */
static void
test_watch (Migration *self,
            gconstpointer data)
{
  TornadisClient *client = self->scene.client;
  g_autoptr (TornadisClient) other = make_cluster_client (self->scene.cluster, NULL);
  g_autoptr (TornadisReply) watched = NULL;
  g_autoptr (TornadisReply) multi = NULL;
  g_autoptr (TornadisReply) queued = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  set (self, 0, 1);
  begin (self);
  move_key (self, 0);
  watched = call (client, NULL, "WATCH", self->keys[0], NULL);
  assert_call (other, "OK", "SET", self->keys[0], "other", NULL);
  multi = call (client, NULL, "MULTI", NULL);
  queued = call (client, NULL, "SET", self->keys[0], "x", NULL);
  reply = call (client, NULL, "EXEC", NULL);
  if (reply != NULL)
    g_assert_cmpint (tornadis_reply_get_kind (reply), ==, TORNADIS_REPLY_KIND_NIL);
  assert_call (other, "\"other\"", "GET", self->keys[0], NULL);
}

/* One that is blocked is sent on when the slot has moved, and goes on waiting there. */
static void
test_blocked (Migration *self,
              gconstpointer data)
{
  g_autoptr (TornadisClient) waiter = make_cluster_client (self->scene.cluster, NULL);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "BLPOP", self->keys[0], "0", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_client_call_async (waiter, command, NULL, store_result, &result);
  wait_until (count_blocked (tornadis_harness_cluster_get_node (self->scene.cluster, FROM)) == 1);
  begin (self);
  end (self);
  wait_until (count_blocked (tornadis_harness_cluster_get_node (self->scene.cluster, TO)) == 1);
  g_assert_null (result);
  assert_call (self->scene.client, "(integer) 1", "RPUSH", self->keys[0], "value", NULL);
  reply = tornadis_client_call_finish (waiter, wait_for_result (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (reply, 1)), ==, "value");
}

/* A slot that has moved is read from the replica of the node that has it now. */
static void
test_replica (Migration *self,
              gconstpointer data)
{
  g_autofree char *waited = NULL;
  g_autofree char *text = g_strdup_printf ("\"%s\"", self->values[0]);
  char *read = NULL;

  set (self, 0, 1);
  waited = node_command (self->scene.cluster, FROM, "WAIT 1 0");
  assert_value (self, 0);
  begin (self);
  end (self);
  /* The replica of the node that had it says that there is none, until it knows better. */
  do
    {
      g_free (read);
      read = call_text (self->scene.client, "GET", self->keys[0], NULL);
      g_assert_true (g_str_equal (read, text) || g_str_equal (read, "(nil)"));
    }
  while (!g_str_equal (read, text));
  g_free (read);
}

#define ADD_WITH(path, options, function) g_test_add (path, Migration, options, migration_set_up, function, migration_tear_down)
#define ADD(path, function) ADD_WITH (path, NULL, function)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/cluster-migration/one-key", test_one_key);
  ADD ("/cluster-migration/several-keys", test_several_keys);
  ADD ("/cluster-migration/several-keys-absent", test_several_keys_absent);
  ADD ("/cluster-migration/script", test_script);
  ADD ("/cluster-migration/pipeline", test_pipeline);
  ADD ("/cluster-migration/atomic", test_atomic);
  ADD ("/cluster-migration/atomic-put-off", test_atomic_put_off);
  ADD ("/cluster-migration/by-hand", test_by_hand);
  ADD ("/cluster-migration/watch", test_watch);
  ADD ("/cluster-migration/blocked", test_blocked);
  ADD_WITH ("/cluster-migration/replica", "read-from=replica", test_replica);

  return run_with_cluster (NULL);
}
