/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every order in which a reply and the word of a change can come, by a scripted peer. */

#include "plugins/cache-util.h"

/* A server that knows two commands, and tracks. */
#define UP                                                                                          \
  "handshake3\n"                                                                                    \
  "expect COMMAND\n"                                                                                \
  "send \"*2\\r\\n*6\\r\\n$3\\r\\nget\\r\\n:2\\r\\n*1\\r\\n+readonly\\r\\n:1\\r\\n:1\\r\\n:1\\r\\n" \
  "*6\\r\\n$3\\r\\nset\\r\\n:-3\\r\\n*1\\r\\n+write\\r\\n:1\\r\\n:1\\r\\n:1\\r\\n\"\n"              \
  "expect CLIENT\n"                                                                                 \
  "send \"+OK\\r\\n\"\n"                                                                            \
  "expect PING\n"                                                                                   \
  "send \"+PONG\\r\\n\"\n"
#define INVALIDATE ">2\\r\\n$10\\r\\ninvalidate\\r\\n*1\\r\\n$1\\r\\nk\\r\\n"
#define FLUSH ">2\\r\\n$10\\r\\ninvalidate\\r\\n_\\r\\n"
#define OLD "$3\\r\\nold\\r\\n"
#define NEW "$3\\r\\nnew\\r\\n"

typedef struct
{
  TornadisHarnessPeer *peer;
  TornadisClient *client;
  TornadisPlugin *plugin; /* (unowned) */
} Scene;

static void
scene_begin (Scene *scene,
             const char *script)
{
  scene->peer = make_peer (script);
  scene->client = make_client (scene->peer);
  scene->plugin = cache_add (scene->client);
  g_object_set (scene->plugin, "ping-interval-msec", 0, NULL);
  cache_connect (scene->client, scene->plugin, 1);
}

static void
scene_end (Scene *scene)
{
  g_autofree char *failure = tornadis_harness_peer_get_failure (scene->peer);

  g_assert_cmpstr (failure, ==, NULL);
  cache_remove (scene->client, scene->plugin);
  tornadis_client_close (scene->client);
  assert_finalized (scene->client);
  g_object_unref (scene->peer);
}

static void
send_get (Scene *scene,
          GCancellable *cancellable,
          GAsyncResult **result)
{
  g_autoptr (TornadisCommand) get = tornadis_command_new_strv ((const char *[]) { "GET", "k", NULL });

  tornadis_client_call_async (scene->client, get, cancellable, store_result, result);
}

static void
assert_got (Scene *scene,
            GAsyncResult **result,
            const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (scene->client, wait_for_result (result), &error);

  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, expected);
  g_clear_object (result);
}

/* The change was told ahead of the reply: this is of no use any more. */
static void
test_before_reply (gconstpointer push)
{
  g_autofree char *script = g_strdup_printf (UP "expect GET\nsend \"%s\"\nsend \"" OLD "\"\nexpect GET\nsend \"" NEW "\"\n",
                                             (const char *) push);
  Scene scene;

  scene_begin (&scene, script);
  assert_call (scene.client, "\"old\"", "GET", "k", NULL);
  g_assert_cmpuint (cache_get (scene.plugin, "invalidations"), ==, 1);
  g_assert_cmpuint (cache_get (scene.plugin, "entries"), ==, 0);
  assert_call (scene.client, "\"new\"", "GET", "k", NULL);
  assert_hit (scene.plugin, assert_call (scene.client, "\"new\"", "GET", "k", NULL));
  scene_end (&scene);
}

/* In one piece behind it. */
static void
test_after_reply (gconstpointer push)
{
  g_autofree char *script =
    g_strdup_printf (UP "expect GET\nsend \"" OLD "%s\"\nexpect GET\nsend \"" NEW "\"\n", (const char *) push);
  Scene scene;

  scene_begin (&scene, script);
  assert_call (scene.client, "\"old\"", "GET", "k", NULL);
  cache_wait_for (scene.plugin, "invalidations", 1);
  assert_call (scene.client, "\"new\"", "GET", "k", NULL);
  g_assert_cmpuint (cache_get (scene.plugin, "hits"), ==, 0);
  scene_end (&scene);
}

/* Two share a request, a change is told, and a third comes: it gets an answer of its own. */
static void
test_shared (void)
{
  GAsyncResult *results[4] = { NULL };
  Scene scene;

  scene_begin (&scene, UP "expect GET\nsend \"" INVALIDATE "\"\nexpect GET\nsend \"" OLD NEW "\"\n");
  send_get (&scene, NULL, &results[0]);
  send_get (&scene, NULL, &results[1]);
  cache_wait_for (scene.plugin, "invalidations", 1);
  send_get (&scene, NULL, &results[2]);
  send_get (&scene, NULL, &results[3]);
  assert_got (&scene, &results[0], "old");
  assert_got (&scene, &results[1], "old");
  assert_got (&scene, &results[2], "new");
  assert_got (&scene, &results[3], "new");
  g_assert_cmpuint (cache_get (scene.plugin, "misses"), ==, 2);
  g_assert_cmpuint (cache_get (scene.plugin, "shared"), ==, 2);
  assert_hit (scene.plugin, assert_call (scene.client, "\"new\"", "GET", "k", NULL));
  scene_end (&scene);
}

/* The program's own write comes between the request and the reply of another read. */
static void
test_own_write (void)
{
  g_autoptr (TornadisCommand) set = tornadis_command_new_strv ((const char *[]) { "SET", "k", "new", NULL });
  GAsyncResult *results[3] = { NULL };
  Scene scene;

  scene_begin (&scene, UP "expect GET\nexpect SET\nexpect GET\nsend \"" OLD "+OK\\r\\n" NEW "\"\nexpect GET\nsend \"" NEW "\"\n");
  send_get (&scene, NULL, &results[0]);
  tornadis_client_call_async (scene.client, set, NULL, store_result, &results[1]);
  /* Neither shares the first one's answer nor is kept: the write might come behind it. */
  send_get (&scene, NULL, &results[2]);
  assert_got (&scene, &results[0], "old");
  assert_got (&scene, &results[1], "OK");
  assert_got (&scene, &results[2], "new");
  g_assert_cmpuint (cache_get (scene.plugin, "entries"), ==, 0);
  assert_call (scene.client, "\"new\"", "GET", "k", NULL);
  assert_hit (scene.plugin, assert_call (scene.client, "\"new\"", "GET", "k", NULL));
  scene_end (&scene);
}

/* In the middle of the replies to a pipeline; of which none is kept. */
static void
test_pipeline (void)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  Scene scene;

  scene_begin (&scene, UP "expect GET\nsend \"" OLD "\"\nexpect GET\nexpect GET\nsend \"" OLD INVALIDATE NEW "\"\n"
                          "expect GET\nsend \"" NEW "\"\n");
  assert_call (scene.client, "\"old\"", "GET", "k", NULL);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "GET", "j", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "GET", "k", NULL });
  replies = call_pipeline (scene.client, pipeline, NULL, NULL);
  g_assert_cmpuint (tornadis_reply_get_n_elements (replies), ==, 2);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (replies, 1)), ==, "new");
  g_assert_cmpuint (cache_get (scene.plugin, "entries"), ==, 0);
  assert_call (scene.client, "\"new\"", "GET", "k", NULL);
  g_assert_cmpuint (cache_get (scene.plugin, "hits"), ==, 0);
  scene_end (&scene);
}

/* The link is lost under a request that three share: the one who sent it is told, the others go on by themselves on the
 * next link, which is not yet tracked when they are sent. */
static void
test_lost (void)
{
  GAsyncResult *results[3] = { NULL };
  g_autoptr (GError) error = NULL;
  Scene scene;

  scene_begin (&scene, UP "expect GET\nclose\n---\nhandshake3\nexpect GET\nexpect GET\nexpect CLIENT\n"
                          "send \"" NEW NEW "+OK\\r\\n\"\nexpect GET\nsend \"" NEW "\"\n");
  for (guint i = 0; i < 3; i++)
    send_get (&scene, NULL, &results[i]);
  g_assert_null (tornadis_client_call_finish (scene.client, wait_for_result (&results[0]), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_clear_object (&results[0]);
  assert_got (&scene, &results[1], "new");
  assert_got (&scene, &results[2], "new");
  g_assert_cmpuint (cache_get (scene.plugin, "entries"), ==, 0);
  cache_wait_for (scene.plugin, "connections", 1);
  assert_no_hit (scene.plugin, assert_call (scene.client, "\"new\"", "GET", "k", NULL));
  assert_hit (scene.plugin, assert_call (scene.client, "\"new\"", "GET", "k", NULL));
  scene_end (&scene);
}

/* What was kept on the lost link is gone with it. */
static void
test_lost_between (void)
{
  Scene scene;

  scene_begin (&scene, UP "expect GET\nsend \"" OLD "\"\nclose\n---\nhandshake3\n"
                          "expect PING\nsend \"+PONG\\r\\n\"\nexpect GET\nsend \"" NEW "\"\n");
  assert_call (scene.client, "\"old\"", "GET", "k", NULL);
  while (tornadis_client_is_connected (scene.client))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (cache_get (scene.plugin, "entries"), ==, 0);
  cache_connect (scene.client, scene.plugin, 1);
  assert_no_hit (scene.plugin, assert_call (scene.client, "\"new\"", "GET", "k", NULL));
  scene_end (&scene);
}

/* A reply that came before tracking was acknowledged is not kept, though it was asked for on the same link. */
static void
test_untracked (void)
{
  GAsyncResult *result = NULL;
  Scene scene = { 0 };

  scene.peer = make_peer ("handshake3\nexpect COMMAND\nexpect CLIENT\nexpect GET\nsend \"*0\\r\\n+OK\\r\\n" OLD "\"\n");
  scene.client = make_client (scene.peer);
  scene.plugin = cache_add (scene.client);
  g_assert_true (connect_and_wait (scene.client, NULL));
  send_get (&scene, NULL, &result);
  assert_got (&scene, &result, "old");
  g_assert_cmpuint (cache_get (scene.plugin, "entries"), ==, 0);
  g_assert_cmpuint (cache_get (scene.plugin, "misses"), ==, 0);
  scene_end (&scene);
}

/* The first is cancelled when its request is with the server: the next asks again, and both answers find their way. */
static void
test_leader_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *results[3] = { NULL };
  g_autoptr (GError) error = NULL;
  Scene scene;

  scene_begin (&scene, UP "expect GET\nexpect GET\nsend \"" OLD NEW "\"\n");
  send_get (&scene, cancellable, &results[0]);
  send_get (&scene, NULL, &results[1]);
  send_get (&scene, NULL, &results[2]);
  wait_until (count_received (scene.peer, "GET") == 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_call_finish (scene.client, wait_for_result (&results[0]), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_object (&results[0]);
  assert_got (&scene, &results[1], "new");
  assert_got (&scene, &results[2], "new");
  assert_hit (scene.plugin, assert_call (scene.client, "\"new\"", "GET", "k", NULL));
  scene_end (&scene);
}

/* The server's error is for all who asked, and nobody after. */
static void
test_error_shared (void)
{
  GAsyncResult *results[2] = { NULL };
  Scene scene;

  scene_begin (&scene, UP "expect GET\nsend \"-BUSY running\\r\\n\"\nexpect GET\nsend \"" NEW "\"\n");
  send_get (&scene, NULL, &results[0]);
  send_get (&scene, NULL, &results[1]);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (tornadis_client_call_finish (scene.client, wait_for_result (&results[i]), &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
      g_assert_cmpstr (error->message, ==, "BUSY running");
      g_object_unref (results[i]);
    }
  assert_call (scene.client, "\"new\"", "GET", "k", NULL);
  scene_end (&scene);
}

/* Pushes that are not what they should be do no harm. */
static void
test_odd_pushes (void)
{
  Scene scene;

  scene_begin (&scene, UP "expect GET\nsend \"" OLD ">1\\r\\n$10\\r\\ninvalidate\\r\\n>2\\r\\n:1\\r\\n:2\\r\\n"
                          ">2\\r\\n$10\\r\\ninvalidate\\r\\n*3\\r\\n*0\\r\\n:1\\r\\n$0\\r\\n\\r\\n"
                          ">2\\r\\n$10\\r\\ninvalidate\\r\\n*0\\r\\n\"\nexpect GET\nsend \"" NEW "\"\n");
  assert_call (scene.client, "\"old\"", "GET", "k", NULL);
  assert_call (scene.client, "\"new\"", "GET", "j", NULL);
  assert_hit (scene.plugin, assert_call (scene.client, "\"old\"", "GET", "k", NULL));
  scene_end (&scene);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/cache-races/before-reply", INVALIDATE, test_before_reply);
  g_test_add_data_func ("/cache-races/flush-before-reply", FLUSH, test_before_reply);
  g_test_add_data_func ("/cache-races/after-reply", INVALIDATE, test_after_reply);
  g_test_add_data_func ("/cache-races/flush-after-reply", FLUSH, test_after_reply);
  g_test_add_func ("/cache-races/shared", test_shared);
  g_test_add_func ("/cache-races/own-write", test_own_write);
  g_test_add_func ("/cache-races/pipeline", test_pipeline);
  g_test_add_func ("/cache-races/lost", test_lost);
  g_test_add_func ("/cache-races/lost-between", test_lost_between);
  g_test_add_func ("/cache-races/untracked", test_untracked);
  g_test_add_func ("/cache-races/leader-cancelled", test_leader_cancelled);
  g_test_add_func ("/cache-races/error-shared", test_error_shared);
  g_test_add_func ("/cache-races/odd-pushes", test_odd_pushes);

  return g_test_run ();
}
