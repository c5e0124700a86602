/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A tour of the library, against a private server: its unix socket is in TORNADIS_TOUR_SOCKET, and the command
 * in TORNADIS_TOUR_RESTART restarts it. A program of yours would continue in callbacks; so that it reads from top
 * to bottom, the tour waits for each outcome in a main loop. */

#include <stdlib.h>
#include <string.h>

#include <tornadis-glib/tornadis-glib.h>

static void
heading (const char *text)
{
  g_print ("\n-- %s\n", text);
}

/* The tour is a test too. */
static void
expect (gboolean condition,
        const char *what)
{
  if (condition)
    return;

  g_printerr ("Not as expected: %s\n", what);
  exit (1);
}

static void
store_result (GObject *object,
              GAsyncResult *result,
              gpointer location)
{
  *(GAsyncResult **) location = g_object_ref (result);
}

static void
wait_for (gpointer location)
{
  while (*(gpointer *) location == NULL)
    g_main_context_iteration (NULL, TRUE);
}

/* Calls a command of text arguments, prints the reply as redis-cli would, and returns it. */
static TornadisReply *
call (TornadisClient *client,
      GError **error,
      const char *const *argv)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv (argv);
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *line = g_strjoinv (" ", (char **) argv);
  g_autofree char *text = NULL;
  TornadisReply *reply;

  tornadis_client_call_async (client, command, NULL, store_result, &result);
  wait_for (&result);
  reply = tornadis_client_call_finish (client, result, error);
  if (reply != NULL)
    {
      text = tornadis_reply_to_string (reply);
      g_print ("%s\n%s\n", line, text);
    }
  return reply;
}

#define CALL(...) tornadis_reply_unref (call (client, NULL, (const char *[]) { __VA_ARGS__, NULL }))

static void
show_calls (TornadisClient *client)
{
  static const guint8 value[] = { 'a', 0, 0xff, '\r', '\n' };
  g_autoptr (TornadisCommand) set = tornadis_command_new ("SET");
  g_autoptr (TornadisReply) stored = NULL;
  g_autoptr (TornadisReply) refused = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static (value, sizeof value);
  g_autoptr (GError) error = NULL;
  g_autofree char *prefix = NULL;
  const guint8 *data;
  gsize length;

  heading ("Calls");
  CALL ("SET", "greeting", "hello");
  CALL ("INCRBY", "visits", "42");
  CALL ("HSET", "planet", "name", "Earth", "moons", "1");
  CALL ("HGETALL", "planet");

  heading ("A value of any bytes");
  tornadis_command_append_string (set, "binary");
  tornadis_command_append_bytes (set, bytes);
  tornadis_client_submit (client, set, NULL, NULL, NULL);
  stored = call (client, NULL, (const char *[]) { "GET", "binary", NULL });
  data = tornadis_reply_get_data (stored, &length);
  expect (length == sizeof value && memcmp (data, value, length) == 0, "the binary value");

  heading ("An error of the server");
  refused = call (client, &error, (const char *[]) { "LPUSH", "greeting", "x", NULL });
  expect (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY), "an error");
  prefix = tornadis_error_dup_prefix (error);
  g_print ("LPUSH greeting x\nprefix %s: %s\n", prefix, error->message);
  expect (g_str_equal (prefix, "WRONGTYPE"), "the prefix");
}

static void
show_pipeline (TornadisClient *client,
               gboolean atomic)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) replies = NULL;
  g_autofree char *text = NULL;

  heading (atomic ? "A transaction" : "A pipeline, with an error among the replies");
  tornadis_pipeline_set_atomic (pipeline, atomic);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "SET", "foo", "bar", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "LPUSH", "foo", "x", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "GET", "foo", NULL });
  tornadis_client_call_pipeline_async (client, pipeline, NULL, store_result, &result);
  wait_for (&result);
  replies = tornadis_client_call_pipeline_finish (client, result, NULL);
  expect (replies != NULL && tornadis_reply_get_n_elements (replies) == 3, "three replies");
  expect (tornadis_reply_is_error (tornadis_reply_get_element (replies, 1)), "an error among the replies");
  text = tornadis_reply_to_string (replies);
  g_print ("%s\n", text);
}

static void
message_cb (TornadisPubSubClient *pub_sub,
            TornadisMessage *message,
            gpointer count)
{
  g_print ("signal: %s says \"%s\"\n", tornadis_message_get_channel (message), tornadis_message_get_text (message));
  (*(guint *) count)++;
}

static void
gap_cb (TornadisPubSubClient *pub_sub,
        gpointer count)
{
  g_print ("signal: the subscriptions are restored, messages may be missing\n");
  (*(guint *) count)++;
}

static void
wait_for_count (guint *count,
                guint wanted)
{
  while (*count < wanted)
    g_main_context_iteration (NULL, TRUE);
}

static void
show_pub_sub (TornadisClient *client,
              TornadisPubSubClient *pub_sub,
              guint *n_messages)
{
  g_autoptr (GAsyncResult) subscribed = NULL;
  g_autoptr (GAsyncResult) psubscribed = NULL;
  g_autoptr (GAsyncResult) popped = NULL;
  g_autoptr (TornadisMessage) message = NULL;

  heading ("Pub/sub: signals, and messages to pop");
  g_signal_connect (pub_sub, "message::news", G_CALLBACK (message_cb), n_messages);
  tornadis_pub_sub_client_subscribe_async (pub_sub, (const char *[]) { "news", NULL }, NULL, store_result, &subscribed);
  tornadis_pub_sub_client_psubscribe_async (pub_sub, (const char *[]) { "log.*", NULL }, NULL, store_result, &psubscribed);
  wait_for (&subscribed);
  wait_for (&psubscribed);

  CALL ("PUBLISH", "news", "the sun is up");
  CALL ("PUBLISH", "log.door", "open");
  wait_for_count (n_messages, 1);
  tornadis_pub_sub_client_pop_message_async (pub_sub, 5, NULL, store_result, &popped);
  wait_for (&popped);
  message = tornadis_pub_sub_client_pop_message_finish (pub_sub, popped, NULL);
  expect (message != NULL, "a message to pop");
  g_print ("popped: %s says \"%s\", by %s\n", tornadis_message_get_channel (message), tornadis_message_get_text (message),
           tornadis_message_get_pattern (message));
}

static void
show_pool (TornadisClient *client)
{
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (client);
  g_autoptr (TornadisClient) blocked = NULL;
  g_autoptr (TornadisCommand) pop = tornadis_command_new_strv ((const char *[]) { "BLPOP", "jobs", "10", NULL });
  g_autoptr (TornadisCommand) push = tornadis_command_new_strv ((const char *[]) { "LPUSH", "jobs", "paint the fence", NULL });
  g_autoptr (GAsyncResult) taken = NULL;
  g_autoptr (GAsyncResult) popped = NULL;
  g_autoptr (GAsyncResult) pushed = NULL;
  g_autoptr (TornadisReply) job = NULL;
  g_autofree char *text = NULL;
  guint size;

  heading ("A pool: one client waits for a job, another brings it");
  g_object_set (pool, "max-size", 4, NULL);
  tornadis_client_pool_get_connected_client_async (pool, NULL, store_result, &taken);
  wait_for (&taken);
  blocked = tornadis_client_pool_get_connected_client_finish (pool, taken, NULL);
  expect (blocked != NULL, "a client");
  tornadis_client_call_async (blocked, pop, NULL, store_result, &popped);
  tornadis_client_pool_call_async (pool, push, NULL, store_result, &pushed);
  wait_for (&popped);
  job = tornadis_client_call_finish (blocked, popped, NULL);
  text = tornadis_reply_to_string (job);
  tornadis_client_pool_release_client (pool, blocked);
  wait_for (&pushed);
  g_object_get (pool, "size", &size, NULL);
  g_print ("%s\n(%u clients)\n", text, size);
  expect (size == 2, "two clients");
}

static void
show_plugin (TornadisClient *client)
{
  g_autoptr (GError) error = NULL;
  TornadisPlugin *plugin;

  heading ("A plugin: one line for each call");
  plugin = tornadis_client_add_plugin_by_name (client, "log", &error);
  expect (plugin != NULL, "the log plugin");
  CALL ("GET", "greeting");
  tornadis_client_remove_plugin (client, plugin);
}

static void
show_restart (TornadisClient *client,
              TornadisPubSubClient *pub_sub,
              guint *n_messages)
{
  guint n_gaps = 0;
  gulong id = g_signal_connect (pub_sub, "gap", G_CALLBACK (gap_cb), &n_gaps);
  g_autoptr (TornadisReply) reply = NULL;

  heading ("The server is restarted");
  expect (system (g_getenv ("TORNADIS_TOUR_RESTART")) == 0, "the restart");

  /* A call that had already been sent would fail with TORNADIS_ERROR_LOST, for it may have run. */
  while (reply == NULL)
    {
      g_autoptr (GError) error = NULL;

      reply = call (client, &error, (const char *[]) { "PING", NULL });
      if (reply == NULL)
        g_print ("PING\n%s\n", error->message);
    }

  wait_for_count (&n_gaps, 1);
  CALL ("PUBLISH", "news", "all is well again");
  wait_for_count (n_messages, 2);
  g_signal_handler_disconnect (pub_sub, id);
}

int
main (void)
{
  g_autoptr (TornadisClient) client = tornadis_client_new_for_unix_socket (g_getenv ("TORNADIS_TOUR_SOCKET"));
  g_autoptr (TornadisPubSubClient) pub_sub = tornadis_pub_sub_client_new_for_unix_socket (g_getenv ("TORNADIS_TOUR_SOCKET"));
  guint n_messages = 0;

  show_calls (client);
  show_pipeline (client, FALSE);
  show_pipeline (client, TRUE);
  show_pub_sub (client, pub_sub, &n_messages);
  show_pool (client);
  show_plugin (client);
  show_restart (client, pub_sub, &n_messages);

  return 0;
}
