/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients in threads, each with plugins of its own, and what may go from one to the other. Under ThreadSanitizer
 * (tests/run --tsan) this is where races in what clients share would be seen. */

#include "integration/util.h"

#include <pthread.h>

#define N_THREADS 64
#define N_ROUNDS 5

/* What all threads have. */
typedef struct
{
  TornadisHarnessRedis *redis;
  pthread_barrier_t barrier;
  TornadisCommand *incr;    /* (owned) that nobody has sent when they begin */
  TornadisReply *list;      /* (owned) that nobody has looked into */
  TornadisMessage *message; /* (owned) likewise */
  GMutex lock;
  GPtrArray *left; /* (element-type TornadisReply) (owned) guarded by @lock: what threads leave to others */
} Shared;

typedef struct
{
  Shared *shared;
  guint number;
  GMainContext *context; /* (owned) */
  TornadisClient *client;
  guint n_ended;
  gboolean heard;
} Worker;

static void
iterate_until (Worker *self,
               guint n_ended)
{
  while (self->n_ended < n_ended)
    g_main_context_iteration (self->context, TRUE);
}

/* Leaves its reply to the others, and takes one of theirs, whose last reference it may have. */
static void
leave_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  Worker *self = user_data;
  g_autoptr (TornadisReply) other = NULL;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  self->n_ended++;

  g_mutex_lock (&self->shared->lock);
  g_ptr_array_insert (self->shared->left, -1, tornadis_reply_ref (reply));
  other = g_ptr_array_steal_index (self->shared->left, 0);
  g_mutex_unlock (&self->shared->lock);

  text = tornadis_reply_to_string (other);
  g_assert_cmpstr (text, !=, "");
}

static void
count_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  g_assert_no_error (error);
  ((Worker *) user_data)->n_ended++;
}

static void
message_cb (TornadisPubSubClient *client,
            TornadisMessage *message,
            gpointer user_data)
{
  ((Worker *) user_data)->heard = TRUE;
}

static void
subscribed_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_pub_sub_client_subscribe_finish (TORNADIS_PUB_SUB_CLIENT (object), result, &error);
  g_assert_no_error (error);
  ((Worker *) user_data)->n_ended++;
}

static void
pipelined_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_pool_call_pipeline_finish (TORNADIS_CLIENT_POOL (object), result, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, 2);
  ((Worker *) user_data)->n_ended++;
}

/* Looks into what all look into at the same time. */
static void
look (const Shared *shared)
{
  g_autoptr (TornadisReply) list = tornadis_reply_ref (shared->list);
  g_autoptr (TornadisMessage) message = tornadis_message_ref (shared->message);
  g_autoptr (GVariant) variant = tornadis_reply_to_variant (list);
  g_autofree char *text G_GNUC_UNUSED = tornadis_reply_to_string (list);

  g_assert_cmpuint (g_variant_n_children (variant), ==, 3);
  for (gsize i = 0; i < tornadis_reply_get_n_elements (list); i++)
    {
      g_autoptr (TornadisReply) element = tornadis_reply_ref (tornadis_reply_get_element (list, i));

      g_assert_cmpstr (tornadis_reply_get_text (element), ==, i == 0 ? "a" : i == 1 ? "b"
                                                                                    : "c");
    }
  g_assert_cmpstr (tornadis_message_get_channel (message), ==, "news");
  g_assert_cmpstr (tornadis_message_get_text (message), ==, "hello");
}

static void
add_plugins (TornadisClient *client)
{
  const char *names[] = { "metrics", "retry", "limit", "cache", "trace" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;

      tornadis_client_add_plugin_by_name (client, names[i], &error);
      g_assert_no_error (error);
    }
}

static gpointer
work (gpointer user_data)
{
  Worker *self = user_data;
  const char *path = tornadis_harness_redis_get_socket_path (self->shared->redis);
  g_autofree char *key = g_strdup_printf ("key:%u", self->number);
  g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]){ "SET", key, "value", NULL });
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]){ "GET", key, NULL });
  g_autoptr (TornadisCommand) publish = tornadis_command_new_strv ((const char *[]){ "PUBLISH", key, "x", NULL });
  TornadisPubSubClient *listener;
  TornadisClientPool *pool;
  guint expected = 0;

  self->context = g_main_context_new ();
  g_main_context_push_thread_default (self->context);
  self->client = tornadis_client_new_for_unix_socket (path);
  /* Where threads take turns, as under valgrind, the last waits for long. */
  g_object_set (self->client, "connect-timeout", 0, NULL);
  add_plugins (self->client);
  listener = tornadis_pub_sub_client_new_for_unix_socket (path);
  g_object_set (listener, "connect-timeout", 0, NULL);
  g_signal_connect (listener, "message", G_CALLBACK (message_cb), self);
  pool = g_object_new (TORNADIS_TYPE_CLIENT_POOL, "template", self->client, "max-size", 1, NULL);

  pthread_barrier_wait (&self->shared->barrier);
  look (self->shared);
  tornadis_pub_sub_client_subscribe_async (listener, (const char *[]){ key, NULL }, NULL, subscribed_cb, self);
  iterate_until (self, expected += 1);
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

      tornadis_pipeline_stack_command (pipeline, set);
      tornadis_pipeline_stack_command (pipeline, get);
      tornadis_client_submit (self->client, set, count_cb, self, NULL);
      tornadis_client_submit (self->client, get, leave_cb, self, NULL);
      tornadis_client_submit (self->client, self->shared->incr, leave_cb, self, NULL);
      tornadis_client_submit (self->client, publish, count_cb, self, NULL);
      tornadis_client_pool_call_pipeline_async (pool, pipeline, NULL, pipelined_cb, self);
      iterate_until (self, expected += 5);
    }
  while (!self->heard)
    g_main_context_iteration (self->context, TRUE);

  g_object_unref (pool);
  assert_finalized (listener);
  /* Plugins with a detach hook hold it until the main loop has had its turn. */
  g_object_add_weak_pointer (G_OBJECT (self->client), (gpointer *) &self->client);
  g_object_unref (self->client);
  while (self->client != NULL && g_main_context_iteration (self->context, FALSE))
    continue;
  g_assert_null (self->client);
  g_main_context_pop_thread_default (self->context);
  g_main_context_unref (self->context);
  return NULL;
}

static void
test_clients (Fixture *fixture,
              gconstpointer data)
{
  Shared shared = { .redis = fixture->redis, .incr = tornadis_command_new ("INCR") };
  GThread *threads[N_THREADS];
  Worker workers[N_THREADS] = { 0 };
  g_autoptr (TornadisPubSubClient) listener = NULL;
  GAsyncResult *result = NULL;

  g_test_summary ("Clients, pools and listeners in 64 threads, with plugins, and values that they share");

  tornadis_command_append_string (shared.incr, "n");
  g_free (call_text (fixture->client, "RPUSH", "list", "a", "b", "c", NULL));
  shared.list = call (fixture->client, NULL, "LRANGE", "list", "0", "-1", NULL);
  listener = tornadis_pub_sub_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  tornadis_pub_sub_client_subscribe_async (listener, (const char *[]){ "news", NULL }, NULL, store_result, &result);
  g_object_unref (wait_for_result (&result));
  assert_call (fixture->client, "(integer) 1", "PUBLISH", "news", "hello", NULL);
  shared.message = pop_message (listener);
  shared.left = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_reply_unref);
  g_mutex_init (&shared.lock);
  pthread_barrier_init (&shared.barrier, NULL, N_THREADS);

  for (guint i = 0; i < N_THREADS; i++)
    {
      workers[i] = (Worker){ .shared = &shared, .number = i };
      threads[i] = g_thread_new ("worker", work, &workers[i]);
    }
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);

  {
    g_autofree char *expected = g_strdup_printf ("\"%d\"", N_THREADS * N_ROUNDS);

    assert_call (fixture->client, expected, "GET", "n", NULL);
  }
  pthread_barrier_destroy (&shared.barrier);
  g_mutex_clear (&shared.lock);
  g_ptr_array_unref (shared.left);
  tornadis_command_unref (shared.incr);
  tornadis_reply_unref (shared.list);
  tornadis_message_unref (shared.message);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/threads/clients", Fixture, NULL, fixture_set_up, test_clients, fixture_tear_down);

  return g_test_run ();
}
