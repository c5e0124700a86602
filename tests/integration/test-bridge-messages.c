/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the bridge brings of messages, cancelled calls and operations, as JSON. */

#include "integration/util.h"
#include "introspection/bridge/tornadis-bridge-carrier.h"
#include "introspection/bridge/tornadis-bridge-values.h"

#include <string.h>

typedef struct
{
  Fixture fixture;
  TornadisPubSubClient *client;   /* (owned) */
  TornadisBridgeCarrier *carrier; /* (owned) */
  GPtrArray *told;                /* (owned) (element-type utf8) with what else happened */
  gboolean closes;                /* the client, when messages are told */
  gboolean runs_loop;             /* until more is told, when messages are told */
  guint usec;                     /* that what is told takes */
  void (*act) (gpointer stage);   /* (nullable) called once, when messages are told */
} Stage;

static void
told_cb (GObject *owner,
         const char *text,
         gboolean *taken,
         gpointer user_data)
{
  Stage *stage = user_data;

  *taken = TRUE;
  /* Who has calls under way is known there. */
  g_assert_true (stage->client == NULL || owner == (text[0] == '[' ? NULL : G_OBJECT (stage->client)));
  g_ptr_array_add (stage->told, g_strdup (text));
  if (stage->closes && text[0] == '{')
    {
      tornadis_bridge_carrier_drop_messages (stage->carrier);
      tornadis_client_close (TORNADIS_CLIENT (stage->client));
    }
  if (stage->act != NULL && text[0] == '{')
    {
      void (*act) (gpointer stage) = g_steal_pointer (&stage->act);

      act (stage);
    }
  g_usleep (stage->usec);
  if (stage->runs_loop)
    {
      guint n = stage->told->len;

      stage->runs_loop = FALSE;
      wait_until (stage->told->len > n);
    }
}

static void
stage_set_up (Stage *stage,
              gconstpointer data)
{
  fixture_set_up (&stage->fixture, data);
  stage->client = tornadis_pub_sub_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (stage->fixture.redis));
  stage->told = g_ptr_array_new_with_free_func (g_free);
  stage->carrier = tornadis_bridge_carrier_new_text (G_OBJECT (stage->client), told_cb, stage, NULL);
}

/* It is kept, with the client, until what has come is told. */
static void
assert_carrier_finalized (TornadisBridgeCarrier *carrier)
{
  wait_until (G_OBJECT (carrier)->ref_count == 1);
  assert_finalized (carrier);
}

static void
stage_tear_down (Stage *stage,
                 gconstpointer data)
{
  g_clear_object (&stage->client);
  assert_carrier_finalized (stage->carrier);
  g_ptr_array_unref (stage->told);
  fixture_tear_down (&stage->fixture, data);
}

/* Waits for what is told as number @n, from 0 on. */
static const char *
stage_wait (Stage *stage,
            guint n)
{
  wait_until (stage->told->len > n);

  return g_ptr_array_index (stage->told, n);
}

static void
stage_subscribe (Stage *stage,
                 TornadisSubscriptionKind kind,
                 const char *name)
{
  g_autoptr (GBytes) bytes = g_bytes_new (name, strlen (name));
  guint n = stage->told->len;

  g_assert_true (tornadis_bridge_carrier_subscribe (stage->carrier, kind, &bytes, 1, NULL, NULL));
  g_assert_nonnull (strstr (stage_wait (stage, n), "true"));
  g_ptr_array_set_size (stage->told, 0);
}

/* All of them come in one read of the client. */
static void
stage_publish (Stage *stage,
               const char *channel,
               guint n)
{
  g_autofree char *script = g_strdup_printf ("for i = 1, %u do redis.call('PUBLISH', '%s', i) end return 1", n, channel);

  assert_call (stage->fixture.client, "(integer) 1", "EVAL", script, "0", NULL);
}

/* From @n on there are, popped as often as it takes, the @payloads of one @route: those that were kept by then come
 * together. */
static void
stage_assert_popped (Stage *stage,
                     guint n,
                     const char *route,
                     const char *payloads)
{
  g_autofree char *head = g_strdup_printf ("{\"popped\":true,\"all\":true,\"routes\":[%s],\"indices\":null,\"payloads\":[", route);
  g_autoptr (GString) popped = g_string_new (NULL);

  for (; popped->len < strlen (payloads); n += 2)
    {
      const char *batch;

      g_assert_true (tornadis_bridge_carrier_pop (stage->carrier, NULL, NULL));
      batch = stage_wait (stage, n);
      g_assert_true (g_str_has_prefix (batch, head) && g_str_has_suffix (batch, "]}"));
      g_string_append_printf (popped, "%s%.*s", popped->len > 0 ? "," : "", (int) (strlen (batch) - strlen (head) - 2),
                              batch + strlen (head));
      g_assert_nonnull (strstr (stage_wait (stage, n + 1), "true"));
    }
  g_assert_cmpstr (popped->str, ==, payloads);
}

static void
test_handlers (Stage *stage,
               gconstpointer data)
{
  gulong all = tornadis_bridge_carrier_listen (stage->carrier, NULL, FALSE);
  gulong news = tornadis_bridge_carrier_listen (stage->carrier, "news", TRUE);

  g_assert_true (g_signal_handler_is_connected (stage->client, all));
  g_assert_true (g_signal_handler_is_connected (stage->client, news));
  stage_subscribe (stage, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, "news");
  stage_subscribe (stage, TORNADIS_SUBSCRIPTION_KIND_PATTERN, "n*");

  /* Each is told once, however many handlers it has. */
  stage_publish (stage, "news", 1);
  g_assert_cmpstr (stage_wait (stage, 0), ==,
                   "{\"popped\":false,\"kept\":0,\"routes\":[[\"news\",null,null,null,false],[\"news\",null,\"n*\",null,false]],"
                   "\"indices\":[  0,  1],\"payloads\":[\"1\",\"1\"]}");

  /* Those that are blocked hear of nothing, and no other than theirs. */
  g_signal_handler_block (stage->client, all);
  stage_publish (stage, "nobody", 1);
  stage_publish (stage, "news", 1);
  g_assert_nonnull (strstr (stage_wait (stage, 1), "[[\"news\",null,null,null,false],"));
  g_signal_handler_unblock (stage->client, all);

  /* What nobody is connected for is kept. */
  g_signal_handler_disconnect (stage->client, all);
  g_signal_handler_disconnect (stage->client, news);
  stage_publish (stage, "nobody", 3);
  stage_assert_popped (stage, 2, "[\"nobody\",null,\"n*\",null,false]", "\"1\",\"2\",\"3\"");
}

/* Many are told in order, some at a time; what a program emits itself is told within. */
static void
test_many (Stage *stage,
           gconstpointer data)
{
  g_autoptr (GBytes) channel = g_bytes_new_static ("news", 4);
  g_autoptr (GBytes) payload = g_bytes_new_static ("\xff\"", 2);
  g_autoptr (TornadisMessage) message = tornadis_bridge_make_message (channel, NULL, payload, NULL, 0, FALSE);
  guint expected = 1;

  tornadis_bridge_carrier_listen (stage->carrier, "news", FALSE);
  stage_subscribe (stage, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, "news");
  stage_publish (stage, "news", 3000);
  for (guint n = 0; expected <= 3000; n++)
    {
      const char *p = strstr (stage_wait (stage, n), "\"payloads\":[") + strlen ("\"payloads\":[");
      guint n_messages = 0;

      for (; *p != ']' && *p != '}'; p = strpbrk (p + 1, ",]") + 1, n_messages++)
        {
          g_autofree char *text = g_strdup_printf ("\"%u\"", expected++);

          g_assert_true (g_str_has_prefix (p, text));
        }
      g_assert_cmpuint (n_messages, <=, 256);
    }

  g_ptr_array_set_size (stage->told, 0);
  g_signal_emit_by_name (stage->client, "message::news", message);
  g_assert_cmpuint (stage->told->len, ==, 1);
  g_assert_nonnull (strstr (stage_wait (stage, 0), "\"payloads\":[{\"b\":\"\xc3\xbf\\u0022\"}]"));
}

/* What the route of that number is, in any batch: '0' for that of "nobody", '1' for "news" and '2' for that by its pattern. */
static char
get_label (const char *text,
           guint route)
{
  const char *p = strstr (text, "\"routes\":[[") + strlen ("\"routes\":[[");

  for (; route > 0; route--)
    p = strstr (p, "],[") + strlen ("],[");
  if (g_str_has_prefix (p, "\"nobody\",null,\"n*\","))
    return '0';
  g_assert_true (g_str_has_prefix (p, "\"news\",null,"));

  return g_str_has_prefix (p, "\"news\",null,\"n*\",") ? '2' : '1';
}

/* Appends the label of the route and the payload, of a digit, of each message; returns how many there are. They may come in
 * more than one read of the client, and so in batches that number the routes anew. */
static guint
append_messages (GString *out,
                 const char *text)
{
  const char *index = strstr (text, "\"indices\":");
  const char *payload = strstr (text, "\"payloads\":[");
  guint n = 0;

  g_assert_nonnull (index);
  g_assert_nonnull (payload);
  index += strlen ("\"indices\":");
  payload += strlen ("\"payloads\":[");
  for (; *payload == '"'; payload += strlen ("\"0\","), n++)
    {
      guint route = *index == '[' ? (guint) (index[1 + strlen ("  0,") * n + 2] - '0') : 0;

      g_string_append_printf (out, "%c%c ", get_label (text, route), payload[1]);
    }
  if (*index == '[')
    g_assert_cmpint (index[strlen ("  0,") * n], ==, ']');
  g_assert_cmpstr (payload - 1, ==, "]}");

  return n;
}

/* What takes long gets few messages at a time: at first, when that is not known yet, and then fewer, even of what had come
 * before it was known. All are told in order, each with its route, also when a main loop is run meanwhile: the second
 * time is then within the first. */
static void
test_slow (Stage *stage,
           gconstpointer data)
{
  g_autoptr (GString) expected = g_string_new ("00 ");
  g_autoptr (GString) told = g_string_new (NULL);

  tornadis_bridge_carrier_listen (stage->carrier, NULL, FALSE);
  stage_subscribe (stage, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, "news");
  stage_subscribe (stage, TORNADIS_SUBSCRIPTION_KIND_PATTERN, "n*");
  stage->usec = 20 * 1000;
  stage->runs_loop = TRUE;
  assert_call (stage->fixture.client, "(integer) 1", "EVAL",
               "redis.call('PUBLISH', 'nobody', 0)"
               "for i = 1, 50 do redis.call('PUBLISH', 'news', i % 10) end return 1",
               "0", NULL);
  for (guint i = 1; i <= 50; i++)
    g_string_append_printf (expected, "1%u 2%u ", i % 10, i % 10);

  for (guint n = 0; told->len < expected->len; n++)
    g_assert_cmpuint (append_messages (told, stage_wait (stage, n)), <=, n <= 1 ? 16 : 8);
  g_assert_cmpstr (told->str, ==, expected->str);
}

static void
happened_cb (Stage *stage)
{
  g_ptr_array_add (stage->told, g_strdup ("disconnected"));
}

/* Messages come before anything else that the client emits after them. */
static void
test_order (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect SUBSCRIBE\nsend \"*3\\r\\n$9\\r\\nsubscribe\\r\\n$4\\r\\nnews\\r\\n:1\\r\\n\"\nwait\n"
    "send \"*3\\r\\n$7\\r\\nmessage\\r\\n$4\\r\\nnews\\r\\n$1\\r\\nx\\r\\n\"\nclose\n---\nhandshake\ndrain\n");
  Stage stage = { .told = g_ptr_array_new_with_free_func (g_free) };

  stage.client = tornadis_pub_sub_client_new ("127.0.0.1", tornadis_harness_peer_get_port (peer));
  g_object_set (stage.client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  stage.carrier = tornadis_bridge_carrier_new_text (G_OBJECT (stage.client), told_cb, &stage, NULL);
  tornadis_bridge_carrier_listen (stage.carrier, NULL, FALSE);
  stage_subscribe (&stage, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, "news");
  g_signal_connect_swapped (stage.client, "disconnected", G_CALLBACK (happened_cb), &stage);

  tornadis_harness_peer_go (peer);
  g_assert_nonnull (strstr (stage_wait (&stage, 0), "\"payloads\":[\"x\"]"));
  g_assert_cmpstr (stage_wait (&stage, 1), ==, "disconnected");

  g_object_unref (stage.client);
  assert_carrier_finalized (stage.carrier);
  g_ptr_array_unref (stage.told);
}

/* A handler that closes the client sees no more of what has come. */
static void
test_closes (Stage *stage,
             gconstpointer data)
{
  tornadis_bridge_carrier_listen (stage->carrier, NULL, FALSE);
  stage_subscribe (stage, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, "news");
  stage->closes = TRUE;
  stage_publish (stage, "news", 2000);
  stage_wait (stage, 0);
  stage->closes = FALSE;
  /* It has come round to whatever was left. */
  g_assert_true (tornadis_bridge_carrier_expect (stage->carrier, NULL));
  g_assert_cmpstr (stage_wait (stage, 1), ==, "");
}

static void
test_restored (Stage *stage,
               gconstpointer data)
{
  g_autoptr (GBytes) channel = g_bytes_new_static ("news", 4);
  g_autoptr (GBytes) pattern = g_bytes_new_static ("n\xff*", 3);
  g_autoptr (GBytes) key = g_bytes_new_static ("k", 1);
  g_autoptr (TornadisMessage) about_keys = tornadis_bridge_make_message (channel, pattern, NULL, &key, 1, FALSE);
  g_autoptr (TornadisMessage) about_all = tornadis_bridge_make_message (channel, NULL, NULL, NULL, 0, FALSE);
  gulong handler;

  stage_subscribe (stage, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, "news");
  stage_publish (stage, "news", 1);
  g_assert_true (tornadis_bridge_carrier_keep (stage->carrier, about_keys, 0));
  g_assert_true (tornadis_bridge_carrier_keep (stage->carrier, about_all, 0));

  /* One that is somebody else's has had it. */
  handler = g_signal_connect_swapped (stage->client, "message", G_CALLBACK (happened_cb), stage);
  g_assert_false (tornadis_bridge_carrier_keep (stage->carrier, about_all, 0));
  g_signal_handler_disconnect (stage->client, handler);

  /* It may be that the message was not there yet. */
  wait_until (tornadis_bridge_carrier_pop (stage->carrier, NULL, NULL));
  g_assert_true (g_str_has_prefix (stage_wait (stage, 0),
                                   "{\"popped\":true,\"all\":true,\"routes\":[[\"news\",null,\"n\xef\xbf\xbd*\",{\"b\":\"n\xc3\xbf*\"},false],"
                                   "[\"news\",null,null,null,false]],\"indices\":[  0,  1"));
  g_assert_nonnull (strstr (stage_wait (stage, 0), "\"payloads\":[{\"k\":[{\"b\":\"k\"}]},{\"k\":null}"));
}

/* Of a pop that was cancelled no message is lost. */
static void
test_cancelled (Stage *stage,
                gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  stage_subscribe (stage, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, "news");
  g_assert_true (tornadis_bridge_carrier_pop (stage->carrier, NULL, NULL));
  tornadis_bridge_carrier_cancel (stage->carrier, 1);
  g_assert_nonnull (strstr (stage_wait (stage, 0), "-2,{\"e\":[\"g-io-error-quark\",19,"));
  g_assert_true (tornadis_bridge_carrier_wait (stage->carrier, 0.001, NULL, NULL));
  g_assert_cmpstr (stage_wait (stage, 1), ==, "[ 3,true]");
  g_assert_true (tornadis_bridge_carrier_wait (stage->carrier, 1e9, cancellable, NULL));
  g_cancellable_cancel (cancellable);
  g_assert_nonnull (strstr (stage_wait (stage, 2), "-4,{\"e\":[\"g-io-error-quark\",19,"));
  tornadis_bridge_carrier_cancel (stage->carrier, 3);
  tornadis_bridge_carrier_cancel (stage->carrier, 1000);

  stage_publish (stage, "news", 1);
  g_assert_true (tornadis_bridge_carrier_pop (stage->carrier, NULL, NULL));
  g_assert_nonnull (strstr (stage_wait (stage, 3), "\"payloads\":[\"1\"]"));
}

/* A carrier that is gone before its client, and the other way round. */
static void
test_gone (Stage *stage,
           gconstpointer data)
{
  TornadisBridgeCarrier *carrier = stage->carrier;

  g_assert_cmpuint (tornadis_bridge_carrier_listen (carrier, NULL, FALSE), !=, 0);
  stage_subscribe (stage, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, "news");
  stage_publish (stage, "news", 10);
  g_object_run_dispose (G_OBJECT (stage->client));
  g_assert_cmpuint (tornadis_bridge_carrier_listen (carrier, NULL, FALSE), ==, 0);
}

static void
drop_client (gpointer data)
{
  Stage *stage = data;

  g_clear_object (&stage->client);
}

static void
dispose_client (gpointer data)
{
  Stage *stage = data;

  g_object_run_dispose (G_OBJECT (stage->client));
}

static void
dispose_carrier (gpointer data)
{
  Stage *stage = data;

  g_object_run_dispose (G_OBJECT (stage->carrier));
}

static void
drop_client_and_run_loop (gpointer data)
{
  Stage *stage = data;
  guint n = stage->told->len;

  g_clear_object (&stage->client);
  wait_until (stage->told->len > n);
  /* The rest, which may be told by now. */
  spin_for (1);
}

static void
stage_act (Stage *stage,
           void (*act) (gpointer stage))
{
  tornadis_bridge_carrier_listen (stage->carrier, NULL, FALSE);
  stage_subscribe (stage, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, "news");
  stage->act = act;
  stage_publish (stage, "news", 2000);
  stage_wait (stage, 0);
}

/* The client or the carrier goes while a batch is told of which more is left. */
static void
test_dropped (Stage *stage,
              gconstpointer data)
{
  stage_act (stage, drop_client);
}

static void
test_dropped_within_loop (Stage *stage,
                          gconstpointer data)
{
  stage_act (stage, drop_client_and_run_loop);
}

static void
test_client_disposed (Stage *stage,
                      gconstpointer data)
{
  stage_act (stage, dispose_client);
}

static void
test_carrier_disposed (Stage *stage,
                       gconstpointer data)
{
  stage_act (stage, dispose_carrier);
  g_assert_cmpuint (stage->told->len, ==, 1);
  /* Messages that come now are nobody's. */
  stage_publish (stage, "news", 1);
  spin_for (1);
  g_assert_cmpuint (stage->told->len, ==, 1);
}

/* Before the client says that it is disconnected it tells what has come, and then it is dropped. */
static void
test_dropped_by_peer (gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake\nexpect SUBSCRIBE\nsend \"*3\\r\\n$9\\r\\nsubscribe\\r\\n$4\\r\\nnews\\r\\n:1\\r\\n\"\nwait\n"
    "send \"*3\\r\\n$7\\r\\nmessage\\r\\n$4\\r\\nnews\\r\\n$1\\r\\nx\\r\\n\"\nclose\n---\nhandshake\ndrain\n");
  Stage stage = { .told = g_ptr_array_new_with_free_func (g_free), .act = (void (*) (gpointer)) data };

  stage.client = tornadis_pub_sub_client_new ("127.0.0.1", tornadis_harness_peer_get_port (peer));
  g_object_set (stage.client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  stage.carrier = tornadis_bridge_carrier_new_text (G_OBJECT (stage.client), told_cb, &stage, NULL);
  tornadis_bridge_carrier_listen (stage.carrier, NULL, FALSE);
  stage_subscribe (&stage, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, "news");

  tornadis_harness_peer_go (peer);
  stage_wait (&stage, 0);
  spin_for (1);

  g_clear_object (&stage.client);
  assert_carrier_finalized (stage.carrier);
  g_ptr_array_unref (stage.told);
}

static void
close_cb (Stage *stage)
{
  g_assert_cmpuint (stage->told->len, ==, 0);
  tornadis_client_close (TORNADIS_CLIENT (stage->client));
  g_assert_cmpuint (stage->told->len, ==, 1);
}

/* Another carrier of the same client goes: this one still tells what has come before the client is closed. */
static void
test_second (Stage *stage,
             gconstpointer data)
{
  TornadisBridgeCarrier *first = g_steal_pointer (&stage->carrier);

  stage->carrier = tornadis_bridge_carrier_new_text (G_OBJECT (stage->client), told_cb, stage, NULL);
  assert_finalized (first);
  tornadis_bridge_carrier_listen (stage->carrier, NULL, FALSE);
  stage_subscribe (stage, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, "news");
  g_signal_connect_swapped (stage->client, "message", G_CALLBACK (close_cb), stage);
  stage_publish (stage, "news", 1);
  g_assert_nonnull (strstr (stage_wait (stage, 0), "\"payloads\":[\"1\"]"));
}

/* In whatever order calls are cancelled, each is found. */
static void
test_cancel_order (Stage *stage,
                   gconstpointer data)
{
  static const guint order[] = { 3, 2, 4, 0, 7, 1, 5, 6 };

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    g_assert_true (tornadis_bridge_carrier_wait (stage->carrier, -1, NULL, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    tornadis_bridge_carrier_cancel (stage->carrier, order[i]);
  for (guint n = 0, n_told = 0; n_told < G_N_ELEMENTS (order); n++)
    for (const char *p = stage_wait (stage, n); (p = strstr (p, "{\"e\":[\"g-io-error-quark\",19,")) != NULL; p++)
      n_told++;
}

/* A client that nobody takes of the pool's carrier. */
static void
test_not_taken (void)
{
  g_autoptr (TornadisHarnessRedis) redis = tornadis_harness_redis_new (NULL, NULL);
  TornadisClient *template_client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (redis));
  TornadisClientPool *pool = tornadis_client_pool_new (template_client);
  Stage stage = { .told = g_ptr_array_new_with_free_func (g_free) };
  TornadisBridgeCarrier *carrier = tornadis_bridge_carrier_new_text (G_OBJECT (pool), told_cb, &stage, NULL);

  g_assert_true (tornadis_bridge_carrier_get_client (carrier, NULL, NULL));
  g_assert_true (tornadis_bridge_carrier_get_client (carrier, NULL, NULL));
  stage_wait (&stage, 0);
  /* The other still waits. */
  g_object_run_dispose (G_OBJECT (carrier));
  g_object_run_dispose (G_OBJECT (pool));
  spin_for (5);
  g_object_unref (template_client);
  g_object_unref (pool);
  spin_for (5);
  assert_finalized (carrier);
  g_ptr_array_unref (stage.told);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, test) g_test_add ("/bridge-messages/" name, Stage, NULL, stage_set_up, test, stage_tear_down)
  ADD ("handlers", test_handlers);
  ADD ("many", test_many);
  ADD ("slow", test_slow);
  g_test_add_func ("/bridge-messages/order", test_order);
  ADD ("closes", test_closes);
  ADD ("restored", test_restored);
  ADD ("cancelled", test_cancelled);
  ADD ("gone", test_gone);
  ADD ("dropped", test_dropped);
  ADD ("dropped-within-loop", test_dropped_within_loop);
  ADD ("client-disposed", test_client_disposed);
  ADD ("carrier-disposed", test_carrier_disposed);
  g_test_add_data_func ("/bridge-messages/dropped-by-peer", drop_client, test_dropped_by_peer);
  g_test_add_data_func ("/bridge-messages/disposed-by-peer", dispose_client, test_dropped_by_peer);
  g_test_add_data_func ("/bridge-messages/carrier-disposed-by-peer", dispose_carrier, test_dropped_by_peer);
  ADD ("second", test_second);
  ADD ("cancel-order", test_cancel_order);
  g_test_add_func ("/bridge-messages/not-taken", test_not_taken);

  return g_test_run ();
}
