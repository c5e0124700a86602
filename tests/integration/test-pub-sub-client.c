/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

typedef struct
{
  TornadisHarnessRedis *redis;
  TornadisPubSubClient *client;
  TornadisClient *publisher;
  GString *log;
  guint n_messages;
} PubSub;

static void
set_up (PubSub *fixture,
        gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  const char *path;

  fixture->redis = tornadis_harness_redis_new (NULL, &error);
  g_assert_no_error (error);
  path = tornadis_harness_redis_get_socket_path (fixture->redis);
  fixture->client = tornadis_pub_sub_client_new_for_unix_socket (path);
  g_object_set (fixture->client, "protocol", GPOINTER_TO_INT (data), NULL);
  fixture->publisher = tornadis_client_new_for_unix_socket (path);
  fixture->log = g_string_new (NULL);
}

static void
tear_down (PubSub *fixture,
           gconstpointer data)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  if (fixture->client != NULL)
    assert_finalized (fixture->client);
  assert_finalized (fixture->publisher);
  g_clear_object (&fixture->redis);
  g_string_free (fixture->log, TRUE);
}

typedef void (*SubscribeFunc) (TornadisPubSubClient *,
                               const char *const *,
                               GCancellable *,
                               GAsyncReadyCallback,
                               gpointer);

static gboolean
subscribe (PubSub *fixture,
           SubscribeFunc func,
           const char *const *names,
           GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  func (fixture->client, names, NULL, store_result, &result);
  /* All finish functions do the same. */
  return tornadis_pub_sub_client_subscribe_finish (fixture->client, wait_for_result (&result), error);
}

static void
assert_subscribe (PubSub *fixture,
                  SubscribeFunc func,
                  const char *const *names)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (subscribe (fixture, func, names, &error));
  g_assert_no_error (error);
}

#define NAMES(...) ((const char *[]) { __VA_ARGS__, NULL })

static TornadisMessage *
pop (PubSub *fixture,
     double timeout,
     GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_pub_sub_client_pop_message_async (fixture->client, timeout, NULL, store_result, &result);
  return tornadis_pub_sub_client_pop_message_finish (fixture->client, wait_for_result (&result), error);
}

static void
assert_pop (PubSub *fixture,
            const char *channel,
            const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisMessage) message = pop (fixture, 10, &error);

  g_assert_no_error (error);
  g_assert_nonnull (message);
  g_assert_cmpstr (tornadis_message_get_channel (message), ==, channel);
  g_assert_cmpstr (tornadis_message_get_text (message), ==, text);
}

static gboolean
is_subscribed (PubSub *fixture)
{
  gboolean subscribed;

  g_object_get (fixture->client, "subscribed", &subscribed, NULL);
  return subscribed;
}

static void
log_message_cb (TornadisPubSubClient *client,
                TornadisMessage *message,
                gpointer user_data)
{
  PubSub *fixture = user_data;

  g_string_append_printf (fixture->log, "%s:%s=%s ", tornadis_message_get_pattern (message) != NULL ? tornadis_message_get_pattern (message) : "",
                          tornadis_message_get_channel (message), tornadis_message_get_text (message));
  fixture->n_messages++;
}

static void
log_subscription_cb (TornadisPubSubClient *client,
                     const char *name,
                     guint count,
                     gpointer user_data)
{
  g_string_append_printf (user_data, "%s(%u) ", name, count);
}

static void
wait_for_messages (PubSub *fixture,
                   guint n)
{
  gint64 patience = get_patience ();

  while (fixture->n_messages < n && g_get_monotonic_time () < patience)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->n_messages, ==, n);
}

static void
test_signals (PubSub *fixture,
              gconstpointer data)
{
  g_autoptr (GString) subscriptions = g_string_new (NULL);

  g_signal_connect (fixture->client, "subscription-added", G_CALLBACK (log_subscription_cb), subscriptions);
  g_signal_connect (fixture->client, "subscription-removed", G_CALLBACK (log_subscription_cb), subscriptions);
  g_signal_connect (fixture->client, "message", G_CALLBACK (log_message_cb), fixture);

  g_assert_false (is_subscribed (fixture));
  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a", "b"));
  assert_subscribe (fixture, tornadis_pub_sub_client_psubscribe_async, NAMES ("p*"));
  g_assert_true (is_subscribed (fixture));
  g_assert_cmpstr (subscriptions->str, ==, "a(1) b(2) p*(3) ");

  assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "a", "one", NULL);
  assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "pq", "two", NULL);
  wait_for_messages (fixture, 2);
  g_assert_cmpstr (fixture->log->str, ==, ":a=one p*:pq=two ");

  g_string_truncate (subscriptions, 0);
  assert_subscribe (fixture, tornadis_pub_sub_client_unsubscribe_async, NAMES ("b"));
  assert_subscribe (fixture, tornadis_pub_sub_client_unsubscribe_async, NULL);
  assert_subscribe (fixture, tornadis_pub_sub_client_punsubscribe_async, NULL);
  g_assert_cmpstr (subscriptions->str, ==, "b(2) a(1) p*(0) ");
  g_assert_false (is_subscribed (fixture));
  /* With nothing left, and of what never was. */
  assert_subscribe (fixture, tornadis_pub_sub_client_unsubscribe_async, NULL);
  assert_subscribe (fixture, tornadis_pub_sub_client_unsubscribe_async, NAMES ("never"));
  assert_call (fixture->publisher, "(integer) 0", "PUBLISH", "a", "three", NULL);
}

static void
test_details (PubSub *fixture,
              gconstpointer data)
{
  g_signal_connect (fixture->client, "message::news", G_CALLBACK (log_message_cb), fixture);
  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("news", "unheard-of"));

  assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "unheard-of", "x", NULL);
  assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "news", "y", NULL);
  wait_for_messages (fixture, 1);
  g_assert_cmpstr (fixture->log->str, ==, ":news=y ");
  /* What nobody was connected to is there to be popped, and made no quark. */
  assert_pop (fixture, "unheard-of", "x");
  g_assert_cmpuint (g_quark_try_string ("unheard-of"), ==, 0);
}

/* Publishes @n messages. */
static void
publish_many (PubSub *fixture,
              const char *channel,
              guint n)
{
  g_autofree char *count = g_strdup_printf ("%u", n);

  assert_call (fixture->publisher, "(nil)", "EVAL", "for i = 1, ARGV[2] do redis.call('PUBLISH', ARGV[1], 'x') end", "0", channel,
               count, NULL);
}

static void
count_message_cb (TornadisPubSubClient *client,
                  TornadisMessage *message,
                  gpointer user_data)
{
  (*(guint *) user_data)++;
}

#define N_BUSY 300

/* A handler gets the messages with its detail from when it is connected on, however many there were before. */
static void
test_details_later (PubSub *fixture,
                    gconstpointer data)
{
  guint n_all = 0;
  guint n_detailed = 0;
  guint n_quarks = 0;

  g_signal_connect (fixture->client, "message", G_CALLBACK (count_message_cb), &n_all);
  assert_subscribe (fixture, tornadis_pub_sub_client_psubscribe_async, NAMES ("*"));

  publish_many (fixture, "seldom", 10);
  wait_until (n_all == 10);
  g_signal_connect (fixture->client, "message::seldom", G_CALLBACK (count_message_cb), &n_detailed);
  publish_many (fixture, "seldom", 10);
  wait_until (n_all == 20);
  g_assert_cmpuint (n_detailed, ==, 10);

  n_all = n_detailed = 0;
  publish_many (fixture, "often", 3000);
  wait_until (n_all == 3000);
  g_signal_connect (fixture->client, "message::often", G_CALLBACK (count_message_cb), &n_detailed);
  publish_many (fixture, "often", 10);
  publish_many (fixture, "seldom", 1);
  wait_until (n_all == 3011);
  g_assert_cmpuint (n_detailed, ==, 11);

  /* Of however many channels with however many messages, most leave nothing behind. */
  n_all = 0;
  for (guint i = 0; i < N_BUSY; i++)
    {
      g_autofree char *channel = g_strdup_printf ("busy-%u", i);

      publish_many (fixture, channel, 150);
      wait_until (n_all == (i + 1) * 150);
      n_quarks += g_quark_try_string (channel) != 0;
    }
  g_assert_cmpuint (n_quarks, <=, 256);
  g_assert_cmpuint (n_detailed, ==, 11);
}

static void
test_pop (PubSub *fixture,
          gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (TornadisMessage) message = NULL;
  gint64 start;

  g_assert_null (pop (fixture, -1, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_clear_error (&error);

  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a"));
  start = g_get_monotonic_time ();
  g_assert_null (pop (fixture, 0.2, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 200 * 1000);
  g_assert_null (pop (fixture, 0, &error));
  g_assert_no_error (error);

  for (guint i = 0; i < 3; i++)
    assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "a", i == 0 ? "0" : i == 1 ? "1" : "2", NULL);
  assert_pop (fixture, "a", "0");
  assert_pop (fixture, "a", "1");
  assert_pop (fixture, "a", "2");

  /* Those who wait are served in order. */
  tornadis_pub_sub_client_pop_message_async (fixture->client, -1, NULL, store_result, &first);
  tornadis_pub_sub_client_pop_message_async (fixture->client, -1, NULL, store_result, &second);
  assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "a", "3", NULL);
  message = tornadis_pub_sub_client_pop_message_finish (fixture->client, wait_for_result (&first), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_message_get_text (message), ==, "3");
  g_assert_null (second);

  tornadis_client_close (TORNADIS_CLIENT (fixture->client));
  g_assert_null (tornadis_pub_sub_client_pop_message_finish (fixture->client, wait_for_result (&second), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
}

static void
test_pop_cancelled (PubSub *fixture,
                    gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a"));
  tornadis_pub_sub_client_pop_message_async (fixture->client, -1, cancellable, store_result, &result);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_pub_sub_client_pop_message_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* The message goes to the next one. */
  assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "a", "kept", NULL);
  assert_pop (fixture, "a", "kept");
}

static void
test_refused (PubSub *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GError) error = NULL;

  g_assert_null (call (TORNADIS_CLIENT (fixture->client), &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_clear_error (&error);

  tornadis_pipeline_stack_strv (pipeline, NAMES ("PING"));
  g_assert_null (call_pipeline (TORNADIS_CLIENT (fixture->client), pipeline, NULL, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_clear_error (&error);

  g_assert_false (subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NULL, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
}

static void
test_binary (PubSub *fixture,
             gconstpointer data)
{
  GBytes *args[] = { g_bytes_new_static ("PUBLISH", 7), g_bytes_new_static ("\xff\xfe", 2), g_bytes_new_static ("a\0\xff", 3) };
  g_autoptr (TornadisCommand) publish = tornadis_command_new_bytes (args, 3);
  g_autoptr (TornadisMessage) message = NULL;
  g_autoptr (GBytes) channel = NULL;
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;

  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("\xff\xfe"));
  tornadis_client_submit (fixture->publisher, publish, NULL, NULL, NULL);
  message = pop (fixture, 10, &error);
  g_assert_no_error (error);

  channel = tornadis_message_get_channel_bytes (message);
  payload = tornadis_message_get_payload (message);
  g_assert_cmpmem (g_bytes_get_data (channel, NULL), g_bytes_get_size (channel), "\xff\xfe", 2);
  g_assert_cmpmem (g_bytes_get_data (payload, NULL), g_bytes_get_size (payload), "a\0\xff", 3);
  g_assert_true (g_utf8_validate (tornadis_message_get_channel (message), -1, NULL));
  g_assert_null (tornadis_message_get_text (message));

  for (guint i = 0; i < 3; i++)
    g_bytes_unref (args[i]);
}

static gboolean
change_bytes (PubSub *fixture,
              gboolean subscribe,
              TornadisSubscriptionKind kind,
              GBytes **names,
              gsize n_names)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean ok;

  if (subscribe)
    tornadis_pub_sub_client_subscribe_bytes_async (fixture->client, kind, names, n_names, NULL, store_result, &result);
  else
    tornadis_pub_sub_client_unsubscribe_bytes_async (fixture->client, kind, names, n_names, NULL, store_result, &result);
  wait_for_result (&result);
  ok = subscribe ? tornadis_pub_sub_client_subscribe_bytes_finish (fixture->client, result, &error)
                 : tornadis_pub_sub_client_unsubscribe_bytes_finish (fixture->client, result, &error);
  g_assert_true (ok == (error == NULL));
  if (error != NULL)
    g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);

  return ok;
}

/* A name with a NUL is another one than what stands before it, also after it was restored. */
static void
test_names_of_bytes (PubSub *fixture,
                     gconstpointer data)
{
  g_autoptr (GBytes) with_nul = g_bytes_new_static ("a\0b", 3);
  g_autoptr (GBytes) binary = g_bytes_new_static ("\xff", 1);
  g_autoptr (GBytes) empty = g_bytes_new_static (NULL, 0);
  GBytes *names[] = { with_nul, binary, empty };
  static const char *const commands[] = { "PUBLISH", "PUBLISH", "SPUBLISH" };

  for (int kind = TORNADIS_SUBSCRIPTION_KIND_CHANNEL; kind <= TORNADIS_SUBSCRIPTION_KIND_SHARD; kind++)
    {
      g_autoptr (GBytes) name = g_bytes_new_static (commands[kind], strlen (commands[kind]));

      g_assert_false (change_bytes (fixture, TRUE, kind, NULL, 0));
      g_assert_true (change_bytes (fixture, TRUE, kind, names, G_N_ELEMENTS (names)));
      tornadis_client_close (TORNADIS_CLIENT (fixture->client));
      g_assert_true (connect_and_wait (TORNADIS_CLIENT (fixture->client), NULL));

      for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        {
          g_autoptr (TornadisCommand) publish = tornadis_command_new_bytes ((GBytes *[]) { name, names[i], binary }, 3);
          g_autoptr (TornadisMessage) message = NULL;
          g_autoptr (GBytes) channel = NULL;

          tornadis_client_submit (fixture->publisher, publish, NULL, NULL, NULL);
          message = pop (fixture, 10, NULL);
          g_assert_nonnull (message);
          channel = tornadis_message_get_channel_bytes (message);
          g_assert_true (g_bytes_equal (channel, names[i]));
        }
      assert_call (fixture->publisher, "(integer) 0", commands[kind], "a", "x", NULL);

      g_assert_true (change_bytes (fixture, FALSE, kind, names, 1));
      g_assert_true (is_subscribed (fixture));
      g_assert_true (change_bytes (fixture, FALSE, kind, NULL, 0));
      g_assert_false (is_subscribed (fixture));
    }
}

/* Where the server says which keys have changed: in RESP2 as a message, in RESP3 as a push of its own. */
static void
test_keys (PubSub *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisMessage) keys = NULL;
  g_autoptr (TornadisMessage) all = NULL;
  g_autofree char *subscriber = NULL;
  char *id;

  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("__redis__:invalidate"));
  subscriber = call_text (fixture->publisher, "CLIENT", "LIST", "TYPE", "pubsub", NULL);
  id = strstr (subscriber, "id=");
  g_assert_nonnull (id);
  *strchr (id, ' ') = '\0';
  assert_call (fixture->publisher, "OK", "CLIENT", "TRACKING", "ON", "REDIRECT", id + strlen ("id="), NULL);
  assert_call (fixture->publisher, "(nil)", "GET", "k", NULL);
  assert_call (fixture->publisher, "OK", "SET", "k", "1", NULL);
  assert_call (fixture->publisher, "OK", "FLUSHALL", NULL);

  keys = pop (fixture, 10, NULL);
  g_assert_cmpstr (tornadis_message_get_channel (keys), ==, "__redis__:invalidate");
  g_assert_null (tornadis_message_get_payload (keys));
  g_assert_null (tornadis_message_get_text (keys));
  g_assert_cmpint (tornadis_reply_get_kind (tornadis_message_get_reply (keys)), ==, TORNADIS_REPLY_KIND_ARRAY);
  g_assert_cmpuint (tornadis_reply_get_n_elements (tornadis_message_get_reply (keys)), ==, 1);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (tornadis_message_get_reply (keys), 0)), ==, "k");

  all = pop (fixture, 10, NULL);
  g_assert_null (tornadis_message_get_payload (all));
  g_assert_cmpint (tornadis_reply_get_kind (tornadis_message_get_reply (all)), ==, TORNADIS_REPLY_KIND_NIL);

  assert_subscribe (fixture, tornadis_pub_sub_client_unsubscribe_async, NULL);
}

static void
test_sharded (PubSub *fixture,
              gconstpointer data)
{
  assert_subscribe (fixture, tornadis_pub_sub_client_ssubscribe_async, NAMES ("shard"));
  assert_call (fixture->publisher, "(integer) 1", "SPUBLISH", "shard", "s", NULL);
  assert_pop (fixture, "shard", "s");
  assert_subscribe (fixture, tornadis_pub_sub_client_sunsubscribe_async, NULL);
  assert_call (fixture->publisher, "(integer) 0", "SPUBLISH", "shard", "s", NULL);
}

static void
in_handler_cb (TornadisPubSubClient *client,
               TornadisMessage *message,
               gpointer user_data)
{
  PubSub *fixture = user_data;
  const char *text = tornadis_message_get_text (message);

  fixture->n_messages++;
  if (g_str_equal (text, "subscribe"))
    tornadis_pub_sub_client_subscribe_async (client, NAMES ("more"), NULL, NULL, NULL);
  else if (g_str_equal (text, "unsubscribe"))
    tornadis_pub_sub_client_unsubscribe_async (client, NAMES ("a"), NULL, NULL, NULL);
  else if (g_str_equal (text, "close"))
    tornadis_client_close (TORNADIS_CLIENT (client));
  else if (g_str_equal (text, "drop"))
    g_clear_object (&fixture->client);
}

static void
publish_until (PubSub *fixture,
               const char *channel,
               const char *text,
               const char *receivers)
{
  gint64 patience = get_patience ();
  g_autofree char *answer = NULL;

  do
    {
      g_free (answer);
      answer = call_text (fixture->publisher, "PUBLISH", channel, text, NULL);
    }
  while (!g_str_equal (answer, receivers) && g_get_monotonic_time () < patience);

  g_assert_cmpstr (answer, ==, receivers);
}

static void
test_in_handler (PubSub *fixture,
                 gconstpointer data)
{
  TornadisPubSubClient *client = fixture->client;

  g_signal_connect (client, "message", G_CALLBACK (in_handler_cb), fixture);
  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a"));
  assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "a", "subscribe", NULL);
  publish_until (fixture, "more", "x", "(integer) 1");
  assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "a", "unsubscribe", NULL);
  publish_until (fixture, "a", "y", "(integer) 0");
  assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "more", "close", NULL);
  publish_until (fixture, "more", "z", "(integer) 0");

  /* Closed on purpose: it stays so until it is asked, and then has its subscriptions again. */
  spin_for (100);
  g_assert_false (tornadis_client_is_connected (TORNADIS_CLIENT (client)));
  g_assert_true (connect_and_wait (TORNADIS_CLIENT (client), NULL));
  publish_until (fixture, "more", "again", "(integer) 1");

  g_object_add_weak_pointer (G_OBJECT (client), (gpointer *) &client);
  publish_until (fixture, "more", "drop", "(integer) 1");
  publish_until (fixture, "more", "gone", "(integer) 0");
  g_assert_null (client);
}

static void
gap_cb (TornadisPubSubClient *client,
        gpointer user_data)
{
  (*(guint *) user_data)++;
}

static void
test_restored (PubSub *fixture,
               gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint n_gaps = 0;

  g_signal_connect (fixture->client, "gap", G_CALLBACK (gap_cb), &n_gaps);
  g_signal_connect (fixture->client, "message", G_CALLBACK (log_message_cb), fixture);
  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a", "b"));
  assert_subscribe (fixture, tornadis_pub_sub_client_psubscribe_async, NAMES ("p*"));
  assert_subscribe (fixture, tornadis_pub_sub_client_ssubscribe_async, NAMES ("s1", "s2"));
  assert_subscribe (fixture, tornadis_pub_sub_client_unsubscribe_async, NAMES ("b"));

  tornadis_harness_redis_kill (fixture->redis);
  wait_until (!tornadis_client_is_connected (TORNADIS_CLIENT (fixture->client)));
  g_assert_true (is_subscribed (fixture));
  g_assert_true (tornadis_harness_redis_restart (fixture->redis, &error));

  while (n_gaps == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (n_gaps, ==, 1);

  tornadis_client_close (fixture->publisher);
  publish_until (fixture, "a", "1", "(integer) 1");
  publish_until (fixture, "b", "2", "(integer) 0");
  publish_until (fixture, "pp", "3", "(integer) 1");
  assert_call (fixture->publisher, "(integer) 1", "SPUBLISH", "s2", "4", NULL);
  wait_for_messages (fixture, 3);
  g_assert_cmpstr (fixture->log->str, ==, ":a=1 p*:pp=3 :s2=4 ");
}

/* Killed twice within moments: all thousand channels are there again. */
static void
test_killed_twice (PubSub *fixture,
                   gconstpointer data)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  guint n_gaps = 0;

  for (guint i = 0; i < 1000; i++)
    g_ptr_array_add (names, g_strdup_printf ("channel-%u", i));
  g_ptr_array_add (names, NULL);

  g_signal_connect (fixture->client, "gap", G_CALLBACK (gap_cb), &n_gaps);
  g_signal_connect (fixture->client, "message", G_CALLBACK (log_message_cb), fixture);
  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, (const char *const *) names->pdata);

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *answer = tornadis_harness_redis_command (fixture->redis, "CLIENT KILL TYPE pubsub", NULL);

      g_assert_true (g_str_has_prefix (answer, ":"));
      spin_for (100);
    }
  while (n_gaps == 0)
    g_main_context_iteration (NULL, TRUE);

  for (guint i = 0; i < 1000; i++)
    publish_until (fixture, g_ptr_array_index (names, i), "x", "(integer) 1");
  wait_for_messages (fixture, 1000);
}

static void
test_no_server (void)
{
  g_autoptr (TornadisPubSubClient) client = tornadis_pub_sub_client_new_for_unix_socket ("/nonexistent/redis");
  g_autoptr (GAsyncResult) subscribed = NULL;
  g_autoptr (GAsyncResult) unsubscribed = NULL;
  g_autoptr (GError) error = NULL;
  TornadisClientState state;

  tornadis_pub_sub_client_subscribe_async (client, NAMES ("a"), NULL, store_result, &subscribed);
  g_assert_false (tornadis_pub_sub_client_subscribe_finish (client, wait_for_result (&subscribed), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);

  /* It does not go on trying for what it could not subscribe to. */
  spin_for (100);
  g_object_get (client, "state", &state, NULL);
  g_assert_cmpint (state, ==, TORNADIS_CLIENT_STATE_DISCONNECTED);

  g_clear_error (&error);
  tornadis_pub_sub_client_unsubscribe_async (client, NAMES ("a"), NULL, store_result, &unsubscribed);
  g_assert_true (tornadis_pub_sub_client_unsubscribe_finish (client, wait_for_result (&unsubscribed), &error));
  g_assert_no_error (error);
}

static void
overflow_cb (TornadisPubSubClient *client,
             gpointer user_data)
{
  (*(guint *) user_data)++;
}

static void
wait_for_overflow (const guint *n_overflows,
                   guint n_expected)
{
  wait_until (*n_overflows >= n_expected);
  g_assert_cmpuint (*n_overflows, ==, n_expected);
}

/* Nobody takes the messages: the client stops reading, and loses none. */
static void
test_back_pressure (PubSub *fixture,
                    gconstpointer data)
{
  guint n_overflows = 0;

  g_object_set (fixture->client, "max-pending", 100, NULL);
  g_signal_connect (fixture->client, "overflow", G_CALLBACK (overflow_cb), &n_overflows);
  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a"));

  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv (NAMES ("PUBLISH", "a", text));

      tornadis_client_submit (fixture->publisher, command, NULL, NULL, NULL);
    }
  assert_call (fixture->publisher, "PONG", "PING", NULL);
  wait_for_overflow (&n_overflows, 1);

  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      assert_pop (fixture, "a", text);
      /* With half of them gone it reads on, and is full again. */
      if (i == 60)
        wait_for_overflow (&n_overflows, 2);
    }
}

/* A message that comes before the confirmation of a later subscription belongs to its channel. */
static void
test_message_before_confirmation (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisHarnessPeer) peer = tornadis_harness_peer_new (
    "handshake\n"
    "expect SUBSCRIBE\n"
    "send \"*3\\r\\n$7\\r\\nmessage\\r\\n$1\\r\\na\\r\\n$5\\r\\nearly\\r\\n*3\\r\\n$9\\r\\nsubscribe\\r\\n$1\\r\\na\\r\\n:1\\r\\n\"\n"
    "expect SUBSCRIBE\n"
    "send \"*3\\r\\n$7\\r\\nmessage\\r\\n$1\\r\\na\\r\\n$3\\r\\none\\r\\n*3\\r\\n$9\\r\\nsubscribe\\r\\n$1\\r\\nb\\r\\n:2\\r\\n\"\n"
    "send \"*3\\r\\n$9\\r\\nsubscribe\\r\\n$1\\r\\nc\\r\\n:3\\r\\n*3\\r\\n$12\\r\\nsunsubscribe\\r\\n$1\\r\\nz\\r\\n:0\\r\\n\"\n"
    "expect SUBSCRIBE\n"
    "send \"-NOPERM no\\r\\n\"\n"
    "stop-reading\n",
    &error);
  g_autofree char *failure = NULL;
  PubSub fixture = { 0 };

  g_assert_no_error (error);
  fixture.client = tornadis_pub_sub_client_new ("127.0.0.1", tornadis_harness_peer_get_port (peer));
  assert_subscribe (&fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a"));
  assert_subscribe (&fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("b", "c"));
  g_assert_false (subscribe (&fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("d"), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  assert_pop (&fixture, "a", "early");
  assert_pop (&fixture, "a", "one");
  failure = tornadis_harness_peer_get_failure (peer);
  g_assert_null (failure);
  assert_finalized (fixture.client);
}

/* One that is cancelled, or refused, takes nothing from another that asks for the same name. */
static void
test_shared_names (PubSub *fixture,
                   gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_pub_sub_client_subscribe_async (fixture->client, NAMES ("a", "b"), cancellable, store_result, &first);
  tornadis_pub_sub_client_subscribe_async (fixture->client, NAMES ("a"), NULL, store_result, &second);
  g_cancellable_cancel (cancellable);
  g_assert_false (tornadis_pub_sub_client_subscribe_finish (fixture->client, wait_for_result (&first), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (fixture->client, wait_for_result (&second), NULL));
  g_assert_true (is_subscribed (fixture));
  assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "a", "x", NULL);
  assert_pop (fixture, "a", "x");
  publish_until (fixture, "b", "x", "(integer) 0");
}

/* Waiting for a message ends when none can come any more. */
static void
test_pop_without_hope (PubSub *fixture,
                       gconstpointer data)
{
  g_autoptr (GAsyncResult) waiting = NULL;
  g_autoptr (GError) error = NULL;

  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a"));
  tornadis_pub_sub_client_pop_message_async (fixture->client, -1, NULL, store_result, &waiting);
  assert_subscribe (fixture, tornadis_pub_sub_client_unsubscribe_async, NULL);
  g_assert_null (tornadis_pub_sub_client_pop_message_finish (fixture->client, wait_for_result (&waiting), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_clear_error (&error);

  /* Closed, it comes back for who waits; but not with autoconnect off. */
  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a"));
  tornadis_client_close (TORNADIS_CLIENT (fixture->client));
  g_clear_object (&waiting);
  tornadis_pub_sub_client_pop_message_async (fixture->client, -1, NULL, store_result, &waiting);
  publish_until (fixture, "a", "back", "(integer) 1");
  g_clear_pointer (&error, g_error_free);
  {
    g_autoptr (TornadisMessage) message =
      tornadis_pub_sub_client_pop_message_finish (fixture->client, wait_for_result (&waiting), &error);

    g_assert_no_error (error);
    g_assert_cmpstr (tornadis_message_get_text (message), ==, "back");
  }

  g_object_set (fixture->client, "autoconnect", FALSE, NULL);
  tornadis_client_close (TORNADIS_CLIENT (fixture->client));
  g_assert_null (pop (fixture, -1, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
}

static void
subscribe_b_cb (GObject *object,
                GAsyncResult *result,
                gpointer user_data)
{
  *(gboolean *) user_data = tornadis_pub_sub_client_subscribe_finish (TORNADIS_PUB_SUB_CLIENT (object), result, NULL);
}

/* A handler that waits for another subscription in a main loop of its own. */
static void
nested_cb (TornadisPubSubClient *client,
           const char *name,
           guint count,
           gpointer user_data)
{
  gboolean ok = FALSE;

  if (g_strcmp0 (name, "a") != 0)
    return;

  tornadis_pub_sub_client_subscribe_async (client, NAMES ("b"), NULL, subscribe_b_cb, &ok);
  g_assert_true (spin_until (&ok, 60000));
}

static void
test_nested (PubSub *fixture,
             gconstpointer data)
{
  g_signal_connect (fixture->client, "subscription-added", G_CALLBACK (nested_cb), NULL);
  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a"));
  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("c"));
}

static void
close_cb (TornadisClient *client,
          const GError *error,
          gpointer user_data)
{
  tornadis_client_close (client);
}

/* Who closes it when it is told of the loss does not want it back. */
static void
test_closed_in_handler (PubSub *fixture,
                        gconstpointer data)
{
  TornadisClientState state;

  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a"));
  g_signal_connect (fixture->client, "disconnected", G_CALLBACK (close_cb), NULL);
  assert_call (fixture->publisher, "(integer) 1", "CLIENT", "KILL", "TYPE", "pubsub", NULL);
  wait_until (!tornadis_client_is_connected (TORNADIS_CLIENT (fixture->client)));
  spin_for (300);
  g_object_get (fixture->client, "state", &state, NULL);
  g_assert_cmpint (state, ==, TORNADIS_CLIENT_STATE_DISCONNECTED);
}

static void
drop_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  gboolean *dropped = user_data;

  *dropped = TRUE;
  g_object_unref (object);
}

/* The last reference goes in the callback of what fails. */
static void
test_dropped_in_callback (void)
{
  TornadisPubSubClient *client = tornadis_pub_sub_client_new ("127.0.0.1", 1);
  gboolean dropped = FALSE;

  g_object_add_weak_pointer (G_OBJECT (client), (gpointer *) &client);
  tornadis_pub_sub_client_subscribe_async (client, NAMES ("a"), NULL, drop_cb, &dropped);
  g_assert_true (spin_until (&dropped, 60000));
  wait_until (client == NULL);
}

static void
log_removed_cb (TornadisPubSubClient *client,
                const char *name,
                guint count,
                gpointer user_data)
{
  g_string_append_printf (user_data, "-%s ", name);
}

/* A server that is not ready is asked again, on the same connection; one that forbids a name loses that one alone. */
static void
test_refused_at_restore (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect SUBSCRIBE\n"
    "send \"*3\\r\\n$9\\r\\nsubscribe\\r\\n$1\\r\\na\\r\\n:1\\r\\n\"\n"
    "wait\nclose\n---\n"
    "handshake\nexpect SUBSCRIBE\nsend \"-LOADING still\\r\\n\"\n"
    "expect SUBSCRIBE\nsend \"-CLUSTERDOWN still\\r\\n\"\n"
    "expect SUBSCRIBE\n"
    "send \"*3\\r\\n$9\\r\\nsubscribe\\r\\n$1\\r\\na\\r\\n:1\\r\\n\"\n"
    "sleep 50\nclose\n---\n"
    "handshake\nexpect SUBSCRIBE\nsend \"-NOPERM no\\r\\n\"\ndrain\n");
  g_autoptr (GString) log = g_string_new (NULL);
  PubSub fixture = { 0 };
  gint64 patience;

  fixture.client = tornadis_pub_sub_client_new ("127.0.0.1", tornadis_harness_peer_get_port (peer));
  g_object_set (fixture.client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  g_signal_connect (fixture.client, "subscription-removed", G_CALLBACK (log_removed_cb), log);
  assert_subscribe (&fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a"));

  tornadis_harness_peer_go (peer);
  patience = get_patience ();
  while (log->len == 0 && g_get_monotonic_time () < patience)
    {
      gboolean subscribed = is_subscribed (&fixture);

      /* Looked at before, for there may be the third just now. */
      if (tornadis_harness_peer_get_n_connections (peer) < 3)
        g_assert_true (subscribed);
      spin_for (20);
    }
  g_assert_cmpstr (log->str, ==, "-a ");
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 3);
  g_assert_false (is_subscribed (&fixture));
  assert_finalized (fixture.client);
}

static void
log_added_cb (TornadisPubSubClient *client,
              const char *name,
              guint count,
              gpointer user_data)
{
  g_string_append_printf (user_data, "+%s ", name);
}

static void
log_gap_cb (TornadisPubSubClient *client,
            gpointer user_data)
{
  g_string_append (user_data, "gap ");
}

/* A client of @peer, what it says of its subscriptions in @log. */
static TornadisPubSubClient *
make_logged_client (TornadisHarnessPeer *peer,
                    GString *log)
{
  TornadisPubSubClient *client = tornadis_pub_sub_client_new ("127.0.0.1", tornadis_harness_peer_get_port (peer));

  g_object_set (client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  g_signal_connect (client, "subscription-added", G_CALLBACK (log_added_cb), log);
  g_signal_connect (client, "subscription-removed", G_CALLBACK (log_removed_cb), log);
  g_signal_connect (client, "gap", G_CALLBACK (log_gap_cb), log);

  return client;
}

#define SEND_CONFIRMATION(verb, name) "send \"*3\\r\\n+" verb "\\r\\n+" name "\\r\\n:1\\r\\n\"\n"
#define SEND_MESSAGE(channel, text) "send \"*3\\r\\n+message\\r\\n+" channel "\\r\\n+" text "\\r\\n\"\n"

static void
assert_no_failure (TornadisHarnessPeer *peer)
{
  g_autofree char *failure = tornadis_harness_peer_get_failure (peer);

  g_assert_cmpstr (failure, ==, NULL);
}

/* What this server will never take is removed, alone, and the rest is there again. */
static void
test_refused_for_good (gconstpointer refusal)
{
  g_autofree char *script = g_strdup_printf (
    "handshake\n"
    "expect SUBSCRIBE\n" SEND_CONFIRMATION ("subscribe", "news")
    "expect SSUBSCRIBE\n" SEND_CONFIRMATION ("ssubscribe", "shard")
    "wait\nclose\n---\n"
    "handshake\n"
    "expect SSUBSCRIBE\nsend \"-%s\\r\\n\"\n"
    "expect SUBSCRIBE\n" SEND_CONFIRMATION ("subscribe", "news") SEND_MESSAGE ("news", "still"),
    (const char *) refusal);
  g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
  g_autoptr (GString) log = g_string_new (NULL);
  PubSub fixture = { .client = make_logged_client (peer, log) };

  assert_subscribe (&fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("news"));
  assert_subscribe (&fixture, tornadis_pub_sub_client_ssubscribe_async, NAMES ("shard"));
  tornadis_harness_peer_go (peer);
  assert_pop (&fixture, "news", "still");

  g_assert_cmpstr (log->str, ==, "+news +shard -shard gap ");
  g_assert_true (is_subscribed (&fixture));
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 2);
  assert_no_failure (peer);
  assert_finalized (fixture.client);
}

/* What passes is tried again on the same connection, while the rest is there. */
static void
test_refused_for_now (gconstpointer refusal)
{
  g_autofree char *script = g_strdup_printf (
    "handshake\n"
    "expect SUBSCRIBE\n" SEND_CONFIRMATION ("subscribe", "news")
    "expect SSUBSCRIBE\n" SEND_CONFIRMATION ("ssubscribe", "shard")
    "wait\nclose\n---\n"
    "handshake\n"
    "expect SSUBSCRIBE\nsend \"-%s\\r\\n\"\n"
    "expect SUBSCRIBE\n" SEND_CONFIRMATION ("subscribe", "news") SEND_MESSAGE ("news", "one")
    "expect SSUBSCRIBE\nsend \"-%s\\r\\n\"\n" SEND_MESSAGE ("news", "two")
    "expect SSUBSCRIBE\n" SEND_CONFIRMATION ("ssubscribe", "shard") SEND_MESSAGE ("news", "three"),
    (const char *) refusal, (const char *) refusal);
  g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
  g_autoptr (GString) log = g_string_new (NULL);
  PubSub fixture = { .client = make_logged_client (peer, log) };

  assert_subscribe (&fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("news"));
  assert_subscribe (&fixture, tornadis_pub_sub_client_ssubscribe_async, NAMES ("shard"));
  tornadis_harness_peer_go (peer);
  assert_pop (&fixture, "news", "one");
  g_assert_cmpstr (log->str, ==, "+news +shard gap ");
  assert_pop (&fixture, "news", "two");
  assert_pop (&fixture, "news", "three");

  g_assert_cmpstr (log->str, ==, "+news +shard gap gap ");
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 2);
  assert_no_failure (peer);
  assert_finalized (fixture.client);
}

/* One forbidden channel of many: each of the others is there again, though not all of them fit into the queue at once. */
static void
test_one_of_many_refused (PubSub *fixture,
                          gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);

  g_signal_connect (fixture->client, "subscription-removed", G_CALLBACK (log_removed_cb), log);
  g_signal_connect (fixture->client, "gap", G_CALLBACK (log_gap_cb), log);
  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a1", "a2", "b", "a3", "a4"));
  g_object_set (fixture->client, "max-pending", 1, NULL);

  /* The server cuts the connection of who loses a channel. */
  assert_call (fixture->publisher, "OK", "ACL", "SETUSER", "default", "resetchannels", "&a*", NULL);
  wait_until (strstr (log->str, "-b ") != NULL);
  for (guint i = 1; i <= 4; i++)
    {
      g_autofree char *name = g_strdup_printf ("a%u", i);

      publish_until (fixture, name, "x", "(integer) 1");
    }
  wait_until (g_str_has_suffix (log->str, "gap "));
  g_assert_true (is_subscribed (fixture));
  g_assert_null (strstr (log->str, "-a"));
}

/* A subscription that fails half-way leaves nothing behind, and says so. */
static void
test_lost_half_way (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect SUBSCRIBE\n" SEND_CONFIRMATION ("subscribe", "a") "wait\nclose\n---\nhandshake\ndrain\n");
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  PubSub fixture = { .client = make_logged_client (peer, log) };

  tornadis_pub_sub_client_subscribe_async (fixture.client, NAMES ("a", "b"), NULL, store_result, &result);
  wait_until (log->len > 0);
  g_assert_true (is_subscribed (&fixture));
  tornadis_harness_peer_go (peer);
  g_assert_false (tornadis_pub_sub_client_subscribe_finish (fixture.client, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_cmpstr (log->str, ==, "+a -a ");
  g_assert_false (is_subscribed (&fixture));
  spin_for (200);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 1);
  g_clear_object (&result);
  assert_finalized (fixture.client);
}

static void
test_closed_half_way (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect SUBSCRIBE\n" SEND_CONFIRMATION ("subscribe", "a") "drain\n");
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  PubSub fixture = { .client = make_logged_client (peer, log) };

  tornadis_pub_sub_client_subscribe_async (fixture.client, NAMES ("a", "b"), NULL, store_result, &result);
  wait_until (log->len > 0);
  tornadis_client_close (TORNADIS_CLIENT (fixture.client));
  g_assert_cmpstr (log->str, ==, "+a -a ");
  g_assert_false (tornadis_pub_sub_client_subscribe_finish (fixture.client, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_clear_object (&result);
  assert_finalized (fixture.client);
}

/* What the server confirms though its caller has given up is unsubscribed from. */
static void
test_given_up_half_way (gconstpointer data)
{
  gboolean times_out = GPOINTER_TO_INT (data);
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect SUBSCRIBE\n" SEND_CONFIRMATION ("subscribe", "a")
    "expect UNSUBSCRIBE\n" SEND_CONFIRMATION ("subscribe", "b") SEND_CONFIRMATION ("unsubscribe", "a")
    "expect UNSUBSCRIBE\n" SEND_CONFIRMATION ("unsubscribe", "b")
    "expect PSUBSCRIBE\n" SEND_CONFIRMATION ("psubscribe", "p"));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  PubSub fixture = { .client = make_logged_client (peer, log) };

  g_assert_true (connect_and_wait (TORNADIS_CLIENT (fixture.client), NULL));
  if (times_out)
    g_object_set (fixture.client, "call-timeout-msec", 1000, NULL);
  tornadis_pub_sub_client_subscribe_async (fixture.client, NAMES ("a", "b"), cancellable, store_result, &result);
  wait_until (log->len > 0);
  if (!times_out)
    g_cancellable_cancel (cancellable);
  g_assert_false (tornadis_pub_sub_client_subscribe_finish (fixture.client, wait_for_result (&result), &error));
  if (times_out)
    g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  else
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (is_subscribed (&fixture));

  g_object_set (fixture.client, "call-timeout-msec", 0, NULL);
  wait_until (g_str_has_suffix (log->str, "-b "));
  g_assert_cmpstr (log->str, ==, "+a +b -a -b ");
  assert_subscribe (&fixture, tornadis_pub_sub_client_psubscribe_async, NAMES ("p"));
  assert_no_failure (peer);
  g_clear_object (&result);
  assert_finalized (fixture.client);
}

/* Likewise when the server refuses what it has begun. */
static void
test_refused_half_way (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect SUBSCRIBE\n" SEND_CONFIRMATION ("subscribe", "a") "send \"-NOPERM no\\r\\n\"\n"
    "expect UNSUBSCRIBE\n" SEND_CONFIRMATION ("unsubscribe", "a"));
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  PubSub fixture = { .client = make_logged_client (peer, log) };

  g_assert_false (subscribe (&fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a", "b"), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  wait_until (g_str_has_suffix (log->str, "-a "));
  g_assert_cmpstr (log->str, ==, "+a -a ");
  g_assert_false (is_subscribed (&fixture));
  assert_no_failure (peer);
  assert_finalized (fixture.client);
}

/* The bounds are for the calls of the program. */
static void
test_given_up_in_full_queue (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect SUBSCRIBE\nwait\n" SEND_CONFIRMATION ("subscribe", "a") SEND_CONFIRMATION ("subscribe", "b")
    "expect UNSUBSCRIBE\n" SEND_CONFIRMATION ("unsubscribe", "a")
    "expect UNSUBSCRIBE\n" SEND_CONFIRMATION ("unsubscribe", "b"));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GAsyncResult) result = NULL;
  PubSub fixture = { .client = make_logged_client (peer, log) };

  g_object_set (fixture.client, "max-pending", 1, NULL);
  tornadis_pub_sub_client_subscribe_async (fixture.client, NAMES ("a", "b"), cancellable, store_result, &result);
  wait_until (count_received (peer, "SUBSCRIBE") == 1);
  g_cancellable_cancel (cancellable);
  g_assert_false (tornadis_pub_sub_client_subscribe_finish (fixture.client, wait_for_result (&result), NULL));
  tornadis_harness_peer_go (peer);

  wait_until (g_str_has_suffix (log->str, "-b "));
  g_assert_cmpstr (log->str, ==, "+a +b -a -b ");
  assert_no_failure (peer);
  g_clear_object (&result);
  assert_finalized (fixture.client);
}

typedef struct
{
  PubSub fixture;
  gboolean done;
} NestedLoss;

/* Runs a main loop until the next connection has refused to restore what was there. */
static void
lost_in_nested_loop_cb (GObject *object,
                        GAsyncResult *result,
                        gpointer user_data)
{
  NestedLoss *loss = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_false (tornadis_pub_sub_client_subscribe_finish (loss->fixture.client, result, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  assert_pop (&loss->fixture, "a", "refused");
  loss->done = TRUE;
}

/* That a connection was lost is notified late, when the next one is up: what that one has still to restore stays. */
static void
test_lost_in_nested_loop (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect SUBSCRIBE\n" SEND_CONFIRMATION ("subscribe", "a") "expect SUBSCRIBE\nclose\n---\n"
    "handshake\nexpect SUBSCRIBE\nsend \"-LOADING no\\r\\n\"\n" SEND_MESSAGE ("a", "refused")
    "expect SUBSCRIBE\n" SEND_CONFIRMATION ("subscribe", "a"));
  g_autoptr (GString) log = g_string_new (NULL);
  NestedLoss loss = { { .client = make_logged_client (peer, log) }, FALSE };

  assert_subscribe (&loss.fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a"));
  tornadis_pub_sub_client_subscribe_async (loss.fixture.client, NAMES ("b"), NULL, lost_in_nested_loop_cb, &loss);
  wait_until (loss.done && g_str_has_suffix (log->str, "gap "));
  g_assert_cmpstr (log->str, ==, "+a gap ");
  assert_no_failure (peer);
  assert_finalized (loss.fixture.client);
}

static void
lose_connection_cb (TornadisPubSubClient *client,
                    const char *name,
                    guint count,
                    gpointer peer)
{
  if (tornadis_harness_peer_get_n_connections (peer) > 1)
    return;

  tornadis_harness_peer_go (peer);
  wait_until (tornadis_harness_peer_get_n_connections (peer) > 1 && tornadis_client_is_connected (TORNADIS_CLIENT (client)));
}

/* What the server has confirmed is restored, also when the next connection is up before the call completes. */
static void
test_lost_in_handler (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect SUBSCRIBE\n" SEND_CONFIRMATION ("subscribe", "a") "wait\nclose\n---\n"
    "handshake\nexpect SUBSCRIBE\n" SEND_CONFIRMATION ("subscribe", "a") SEND_MESSAGE ("a", "again"));
  g_autoptr (GString) log = g_string_new (NULL);
  PubSub fixture = { .client = make_logged_client (peer, log) };

  g_signal_connect (fixture.client, "subscription-added", G_CALLBACK (lose_connection_cb), peer);
  tornadis_pub_sub_client_subscribe_async (fixture.client, NAMES ("a"), NULL, NULL, NULL);
  assert_pop (&fixture, "a", "again");
  g_assert_cmpstr (log->str, ==, "+a gap ");
  g_assert_true (is_subscribed (&fixture));
  assert_no_failure (peer);
  assert_finalized (fixture.client);
}

/* The last of the calls for a name decides, whenever those before it complete. */
static void
test_last_call_decides (PubSub *fixture,
                        gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GAsyncResult) result = NULL;

  g_signal_connect (fixture->client, "subscription-added", G_CALLBACK (log_added_cb), log);
  g_signal_connect (fixture->client, "subscription-removed", G_CALLBACK (log_removed_cb), log);
  tornadis_pub_sub_client_subscribe_async (fixture->client, NAMES ("a", "b"), NULL, NULL, NULL);
  tornadis_pub_sub_client_unsubscribe_async (fixture->client, NAMES ("a", "b"), NULL, NULL, NULL);
  tornadis_pub_sub_client_subscribe_async (fixture->client, NAMES ("b"), NULL, store_result, &result);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (fixture->client, wait_for_result (&result), NULL));
  g_assert_cmpstr (log->str, ==, "+a +b -a -b +b ");

  /* One that there is already is not added again, nor is one that there is not removed. */
  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("b"));
  assert_subscribe (fixture, tornadis_pub_sub_client_unsubscribe_async, NAMES ("never"));
  g_assert_cmpstr (log->str, ==, "+a +b -a -b +b ");

  tornadis_client_close (TORNADIS_CLIENT (fixture->client));
  g_assert_true (connect_and_wait (TORNADIS_CLIENT (fixture->client), NULL));
  publish_until (fixture, "b", "x", "(integer) 1");
  publish_until (fixture, "a", "x", "(integer) 0");
}

static void
log_popped_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisMessage) message =
    tornadis_pub_sub_client_pop_message_finish (TORNADIS_PUB_SUB_CLIENT (object), result, &error);

  g_string_append_printf (user_data, "%s ", error != NULL ? "error" : message != NULL ? tornadis_message_get_text (message) : "none");
}

/* Messages "1" and so on, of which the first is kept and the others are still to be read. */
static void
publish_unread (PubSub *fixture,
                guint n)
{
  guint n_overflows = 0;
  gulong handler_id = g_signal_connect (fixture->client, "overflow", G_CALLBACK (overflow_cb), &n_overflows);

  g_object_set (fixture->client, "max-pending", 1, NULL);
  assert_subscribe (fixture, tornadis_pub_sub_client_subscribe_async, NAMES ("a"));
  for (guint i = 1; i <= n; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "a", text, NULL);
    }
  wait_for_overflow (&n_overflows, 1);
  g_signal_handler_disconnect (fixture->client, handler_id);
}

/* Callbacks are called in the order of the messages, whenever each was asked for. */
static void
test_pop_in_order (PubSub *fixture,
                   gconstpointer data)
{
  publish_unread (fixture, 3);
  for (guint i = 0; i < 3; i++)
    tornadis_pub_sub_client_pop_message_async (fixture->client, -1, NULL, log_popped_cb, fixture->log);
  wait_until (fixture->log->len >= strlen ("1 2 3 "));
  g_assert_cmpstr (fixture->log->str, ==, "1 2 3 ");
}

/* A message that came to who has given up goes to the next one, ahead of those that came after it. */
static void
test_pop_given_up (PubSub *fixture,
                   gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  publish_unread (fixture, 2);
  tornadis_pub_sub_client_pop_message_async (fixture->client, -1, cancellable, log_popped_cb, fixture->log);
  tornadis_pub_sub_client_pop_message_async (fixture->client, -1, NULL, log_popped_cb, fixture->log);
  g_cancellable_cancel (cancellable);
  wait_until (fixture->log->len >= strlen ("error 1 "));
  g_assert_true (g_str_equal (fixture->log->str, "error 1 ") || g_str_equal (fixture->log->str, "1 error "));
  assert_pop (fixture, "a", "2");
}

/* One that is there is not missed for a deadline that has passed. */
static void
test_pop_at_once (PubSub *fixture,
                  gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisMessage) message = NULL;

  publish_unread (fixture, 1);
  message = pop (fixture, 0, &error);
  g_assert_no_error (error);
  g_assert_nonnull (message);
}

static void
test_unpop (PubSub *fixture,
            gconstpointer data)
{
  TornadisMessage *messages[3];
  guint n_overflows = 0;

  publish_unread (fixture, 4);
  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      messages[i] = pop (fixture, 10, NULL);
      g_assert_nonnull (messages[i]);
    }
  tornadis_pub_sub_client_unpop_message (fixture->client, messages[1]);
  tornadis_pub_sub_client_unpop_message (fixture->client, messages[2]);
  tornadis_pub_sub_client_unpop_message (fixture->client, messages[0]);
  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    tornadis_message_unref (messages[i]);
  assert_pop (fixture, "a", "1");
  assert_pop (fixture, "a", "2");
  assert_pop (fixture, "a", "3");
  assert_pop (fixture, "a", "4");

  /* To who waits already, whatever the bounds are. */
  tornadis_pub_sub_client_pop_message_async (fixture->client, -1, NULL, log_popped_cb, fixture->log);
  assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "a", "5", NULL);
  wait_until (fixture->log->len > 0);
  g_signal_connect (fixture->client, "overflow", G_CALLBACK (overflow_cb), &n_overflows);
  assert_call (fixture->publisher, "(integer) 1", "PUBLISH", "a", "6", NULL);
  wait_for_overflow (&n_overflows, 1);
  messages[0] = pop (fixture, 10, NULL);
  tornadis_pub_sub_client_pop_message_async (fixture->client, -1, NULL, log_popped_cb, fixture->log);
  tornadis_pub_sub_client_unpop_message (fixture->client, messages[0]);
  tornadis_message_unref (messages[0]);
  wait_until (fixture->log->len >= strlen ("5 6 "));
  g_assert_cmpstr (fixture->log->str, ==, "5 6 ");
  g_assert_cmpuint (n_overflows, ==, 1);
}

#define ADD(name, func)                                                                                                  \
  g_test_add ("/pub-sub-client/resp3/" name, PubSub, GINT_TO_POINTER (TORNADIS_PROTOCOL_RESP3), set_up, func, tear_down); \
  g_test_add ("/pub-sub-client/resp2/" name, PubSub, GINT_TO_POINTER (TORNADIS_PROTOCOL_RESP2), set_up, func, tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("signals", test_signals);
  ADD ("details", test_details);
  ADD ("details-later", test_details_later);
  ADD ("pop", test_pop);
  ADD ("pop-cancelled", test_pop_cancelled);
  ADD ("refused", test_refused);
  ADD ("binary", test_binary);
  ADD ("fault-08-names-of-bytes", test_names_of_bytes);
  ADD ("fault-08-keys", test_keys);
  ADD ("sharded", test_sharded);
  ADD ("in-handler", test_in_handler);
  ADD ("restored", test_restored);
  ADD ("killed-twice", test_killed_twice);
  ADD ("back-pressure", test_back_pressure);
  ADD ("shared-names", test_shared_names);
  ADD ("pop-without-hope", test_pop_without_hope);
  ADD ("nested", test_nested);
  ADD ("closed-in-handler", test_closed_in_handler);
  g_test_add_func ("/pub-sub-client/dropped-in-callback", test_dropped_in_callback);
  g_test_add_func ("/pub-sub-client/refused-at-restore", test_refused_at_restore);
  ADD ("fault-08-pop-in-order", test_pop_in_order);
  ADD ("fault-08-pop-given-up", test_pop_given_up);
  ADD ("fault-08-unpop", test_unpop);
  ADD ("pop-at-once", test_pop_at_once);
  ADD ("last-call-decides", test_last_call_decides);
  ADD ("fault-18-one-of-many-refused", test_one_of_many_refused);
  g_test_add_data_func ("/pub-sub-client/fault-07-moved-while-restoring", "MOVED 1234 10.0.0.9:6379", test_refused_for_good);
  g_test_add_data_func ("/pub-sub-client/fault-07-forbidden-while-restoring", "NOPERM no", test_refused_for_good);
  g_test_add_data_func ("/pub-sub-client/fault-07-unknown-while-restoring", "ERR unknown command", test_refused_for_good);
  g_test_add_data_func ("/pub-sub-client/fault-07-cross-slot-while-restoring", "CROSSSLOT no", test_refused_for_good);
  g_test_add_data_func ("/pub-sub-client/fault-07-cluster-down-while-restoring", "CLUSTERDOWN no", test_refused_for_now);
  g_test_add_data_func ("/pub-sub-client/fault-07-try-again-while-restoring", "TRYAGAIN no", test_refused_for_now);
  g_test_add_func ("/pub-sub-client/fault-07-lost-half-way", test_lost_half_way);
  g_test_add_func ("/pub-sub-client/fault-07-closed-half-way", test_closed_half_way);
  g_test_add_data_func ("/pub-sub-client/fault-07-cancelled-half-way", GINT_TO_POINTER (FALSE), test_given_up_half_way);
  g_test_add_data_func ("/pub-sub-client/fault-07-timed-out-half-way", GINT_TO_POINTER (TRUE), test_given_up_half_way);
  g_test_add_func ("/pub-sub-client/fault-07-refused-half-way", test_refused_half_way);
  g_test_add_func ("/pub-sub-client/fault-07-given-up-in-full-queue", test_given_up_in_full_queue);
  g_test_add_func ("/pub-sub-client/fault-07-lost-in-nested-loop", test_lost_in_nested_loop);
  g_test_add_func ("/pub-sub-client/fault-07-lost-in-handler", test_lost_in_handler);
  g_test_add_func ("/pub-sub-client/no-server", test_no_server);
  g_test_add_func ("/pub-sub-client/message-before-confirmation", test_message_before_confirmation);

  return g_test_run ();
}
