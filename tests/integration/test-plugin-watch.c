/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plugins that look on, plugins that call by themselves, and what they learn of a client. */

#include "integration/util.h"

#include <string.h>

#define WATCHER_TYPE_PLUGIN (watcher_plugin_get_type ())
G_DECLARE_FINAL_TYPE (WatcherPlugin, watcher_plugin, WATCHER, PLUGIN, TornadisPlugin)

struct _WatcherPlugin
{
  TornadisPlugin parent_instance;

  GString *log; /* (unowned) */
  guint n_acquired;
};

G_DEFINE_FINAL_TYPE (WatcherPlugin, watcher_plugin, TORNADIS_TYPE_PLUGIN)

static void
watcher_plugin_observe (TornadisPlugin *plugin,
                        TornadisClient *client,
                        TornadisCommand *command,
                        TornadisPipeline *pipeline,
                        TornadisReply *reply,
                        const GError *error,
                        gint64 elapsed)
{
  GString *log = WATCHER_PLUGIN (plugin)->log;
  g_autofree char *prefix = error != NULL ? tornadis_error_dup_prefix (error) : NULL;

  g_assert_true ((command != NULL) != (pipeline != NULL));
  g_assert_true ((reply != NULL) != (error != NULL));
  g_assert_cmpint (elapsed, >=, 0);
  g_assert_cmpint (elapsed, <, 10 * G_TIME_SPAN_SECOND);

  if (command != NULL)
    g_string_append (log, tornadis_command_get_name (command));
  else
    g_string_append_printf (log, "(%u)", tornadis_pipeline_get_number_of_stacked_calls (pipeline));

  if (prefix != NULL)
    g_string_append_printf (log, "=%s", prefix);
  else if (error != NULL)
    g_string_append_printf (log, "=%d", error->code);
  g_string_append_c (log, ' ');
}

static void
watcher_plugin_client_acquired (TornadisPlugin *plugin,
                                TornadisClient *client,
                                gint64 elapsed)
{
  g_assert_cmpint (elapsed, >=, 0);
  WATCHER_PLUGIN (plugin)->n_acquired++;
}

static void
watcher_plugin_class_init (WatcherPluginClass *klass)
{
  TORNADIS_PLUGIN_CLASS (klass)->observe = watcher_plugin_observe;
  TORNADIS_PLUGIN_CLASS (klass)->client_acquired = watcher_plugin_client_acquired;
}

static void
watcher_plugin_init (WatcherPlugin *self)
{
}

/* Holds every call until its own PING was answered, repeats one that failed, and answers NOTHING itself. */
#define PINGER_TYPE_PLUGIN (pinger_plugin_get_type ())
G_DECLARE_FINAL_TYPE (PingerPlugin, pinger_plugin, PINGER, PLUGIN, TornadisPlugin)

struct _PingerPlugin
{
  TornadisPlugin parent_instance;

  guint n_calls;
  guint n_done;
};

G_DEFINE_FINAL_TYPE (PingerPlugin, pinger_plugin, TORNADIS_TYPE_PLUGIN)

static void
pinged_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "PONG");
  tornadis_call_proceed (user_data);
}

static gboolean
pinger_plugin_call (TornadisPlugin *plugin,
                    TornadisCall *held)
{
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "nothing");

  PINGER_PLUGIN (plugin)->n_calls++;
  if (g_str_equal (tornadis_call_get_name (held), "NOTHING"))
    tornadis_call_return_error (held, error);
  else
    tornadis_plugin_submit (plugin, tornadis_call_get_client (held), ping, pinged_cb, g_object_ref (held), g_object_unref);

  return TRUE;
}

static void
pinger_plugin_call_done (TornadisPlugin *plugin,
                         TornadisCall *done)
{
  g_autoptr (GError) error = tornadis_call_dup_error (done);

  PINGER_PLUGIN (plugin)->n_done++;
  if (error != NULL && error->code == TORNADIS_ERROR_REPLY && tornadis_call_get_attempt (done) == 1)
    tornadis_call_retry (done, 0);
}

static void
pinger_plugin_class_init (PingerPluginClass *klass)
{
  TORNADIS_PLUGIN_CLASS (klass)->call = pinger_plugin_call;
  TORNADIS_PLUGIN_CLASS (klass)->call_done = pinger_plugin_call_done;
}

static void
pinger_plugin_init (PingerPlugin *self)
{
}

static gpointer
add (TornadisClient *client,
     GType type)
{
  g_autoptr (TornadisPlugin) plugin = g_object_new (type, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (tornadis_client_add_plugin (client, plugin, &error));
  g_assert_no_error (error);

  return plugin;
}

static WatcherPlugin *
add_watcher (TornadisClient *client,
             GString *log)
{
  WatcherPlugin *watcher = add (client, WATCHER_TYPE_PLUGIN);

  watcher->log = log;
  return watcher;
}

/* What goes over the wire is seen, from the commands as they are sent to the outcome of each. */
static void
test_observe (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  WatcherPlugin *watcher = add_watcher (fixture->client, log);

  assert_call (fixture->client, "OK", "SET", "k", "v", NULL);
  g_assert_null (call (fixture->client, NULL, "LPUSH", "k", "x", NULL));
  g_assert_null (call (fixture->client, NULL, "SUBSCRIBE", "x", NULL));
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "PING", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "PING", NULL });
  tornadis_reply_unref (call_pipeline (fixture->client, pipeline, NULL, NULL));
  g_assert_cmpstr (log->str, ==, "SET LPUSH=WRONGTYPE SUBSCRIBE=7 (2) ");

  g_string_truncate (log, 0);
  tornadis_client_remove_plugin (fixture->client, TORNADIS_PLUGIN (watcher));
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpstr (log->str, ==, "");
}

/* Each attempt is one, and a call that a plugin answered is none, wherever the plugins stand. */
static void
test_observe_among_others (Fixture *fixture,
                           gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  PingerPlugin *pinger;

  add_watcher (fixture->client, log);
  pinger = add (fixture->client, PINGER_TYPE_PLUGIN);
  g_assert_null (call (fixture->client, NULL, "INCR", NULL));
  g_assert_cmpstr (log->str, ==, "PING INCR=ERR INCR=ERR ");
  g_assert_cmpuint (pinger->n_calls, ==, 1);
  g_assert_cmpuint (pinger->n_done, ==, 2);

  g_string_truncate (log, 0);
  g_assert_null (call (fixture->client, &error, "NOTHING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);
  g_assert_cmpstr (log->str, ==, "");
}

/* Calls that end with their client are seen too. */
static void
test_observe_lost (Fixture *fixture,
                   gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (TornadisClient) client =
    tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (TornadisCommand) command = tornadis_command_new_format ("BLPOP nothing 0");

  add_watcher (client, log);
  assert_call (client, "PONG", "PING", NULL);
  tornadis_client_submit (client, command, NULL, NULL, NULL);
  wait_until (count_blocked (fixture->redis) == 1);
  assert_finalized (g_steal_pointer (&client));
  g_assert_cmpstr (log->str, ==, "PING BLPOP=3 ");
}

/* A plugin's own call goes to the plugins behind it, and to none before it. */
static void
test_submit (Fixture *fixture,
             gconstpointer data)
{
  PingerPlugin *outer = add (fixture->client, PINGER_TYPE_PLUGIN);
  PingerPlugin *inner = add (fixture->client, PINGER_TYPE_PLUGIN);

  assert_call (fixture->client, "OK", "SET", "k", "v", NULL);
  g_assert_cmpuint (outer->n_calls, ==, 1);
  g_assert_cmpuint (outer->n_done, ==, 1);
  /* The outer one's PING, and the call. */
  g_assert_cmpuint (inner->n_calls, ==, 2);
  g_assert_cmpuint (inner->n_done, ==, 2);
}

static void
test_client_acquired (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  WatcherPlugin *watcher = add_watcher (fixture->client, log);
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (fixture->client);
  TornadisClient *taken;

  g_object_set (pool, "max-size", 1, NULL);
  for (guint i = 1; i <= 3; i++)
    {
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;

      tornadis_client_pool_get_connected_client_async (pool, NULL, store_result, &result);
      taken = tornadis_client_pool_get_connected_client_finish (pool, wait_for_result (&result), &error);
      g_assert_no_error (error);
      g_assert_cmpuint (watcher->n_acquired, ==, i);
      tornadis_client_pool_release_client (pool, taken);
      g_object_unref (taken);
    }
  tornadis_client_pool_destroy (pool);
}

/* Calls that a plugin answers at once, each of which makes the next, leave the main loop its turns. */
static gboolean
count_turn_cb (gpointer user_data)
{
  (*(guint *) user_data)++;
  return G_SOURCE_CONTINUE;
}

static void
again_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  guint *left = user_data;
  g_autoptr (TornadisCommand) command = tornadis_command_new ("NOTHING");

  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);
  if (--*left > 0)
    tornadis_client_submit (client, command, again_cb, left, NULL);
}

static void
test_answered_again (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("NOTHING");
  guint left = 10 * 1000 * 1000;
  guint turns = 0;
  guint source = g_idle_add_full (G_PRIORITY_DEFAULT, count_turn_cb, &turns, NULL);

  add (fixture->client, PINGER_TYPE_PLUGIN);
  tornadis_client_submit (fixture->client, command, again_cb, &left, NULL);
  while (turns < 10)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
  g_assert_cmpuint (left, >, 1);

  left = 1;
  while (left > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_properties (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_format ("BLPOP nothing 0.05");
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *id_text = NULL;
  g_autofree char *id_of_server = NULL;
  g_autofree char *value = g_strnfill (10000, 'v');
  guint64 read = 0, written = 0, read_before = 0, written_before = 0;
  gint64 id = -1;
  guint pending = 0;

  g_object_get (fixture->client, "connection-id", &id, "pending", &pending, "bytes-read", &read_before, NULL);
  g_assert_cmpint (id, ==, 0);
  g_assert_cmpuint (pending, ==, 0);
  g_assert_cmpuint (read_before, ==, 0);

  id_of_server = call_text (fixture->client, "CLIENT", "ID", NULL);
  g_object_get (fixture->client, "connection-id", &id, "bytes-read", &read_before, "bytes-written", &written_before, NULL);
  id_text = g_strdup_printf ("(integer) %" G_GINT64_FORMAT, id);
  g_assert_cmpstr (id_of_server, ==, id_text);

  assert_call (fixture->client, "OK", "SET", "k", value, NULL);
  g_object_get (fixture->client, "bytes-read", &read, "bytes-written", &written, NULL);
  g_assert_cmpuint (read - read_before, ==, strlen ("+OK\r\n"));
  g_assert_cmpuint (written - written_before, ==, strlen ("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10000\r\n\r\n") + 10000);

  tornadis_client_call_async (fixture->client, command, NULL, store_result, &result);
  g_object_get (fixture->client, "pending", &pending, NULL);
  g_assert_cmpuint (pending, ==, 1);
  tornadis_reply_unref (tornadis_client_call_finish (fixture->client, wait_for_result (&result), NULL));

  /* It counts on over the next connection, which has a number of its own. */
  tornadis_client_close (fixture->client);
  read_before = read;
  written_before = written;
  g_object_get (fixture->client, "connection-id", &id, "pending", &pending, NULL);
  g_assert_cmpint (id, ==, 0);
  g_assert_cmpuint (pending, ==, 0);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_object_get (fixture->client, "connection-id", &id, "bytes-read", &read, "bytes-written", &written, NULL);
  g_assert_cmpint (id, >, 0);
  g_assert_cmpuint (read, >, read_before);
  g_assert_cmpuint (written, >, written_before);

  tornadis_client_close (fixture->client);
  g_object_set (fixture->client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  g_free (id_of_server);
  id_of_server = call_text (fixture->client, "CLIENT", "ID", NULL);
  g_object_get (fixture->client, "connection-id", &id, NULL);
  g_free (id_text);
  id_text = g_strdup_printf ("(integer) %" G_GINT64_FORMAT, id);
  g_assert_cmpstr (id_of_server, ==, id_text);
}

/* A URI adds plugins in order, with their properties, when the program allows it. */
static void
test_uri (void)
{
  static const struct
  {
    const char *uri;
    int code;
  } bad[] = {
    { "redis://h?plugins=log,", TORNADIS_ERROR_PLUGIN },
    { "redis://h?plugins=../log", TORNADIS_ERROR_PLUGIN },
    { "redis://h?plugins=no-such-plugin", TORNADIS_ERROR_PLUGIN },
    { "redis://h?plugins=log&log.secret=hush", TORNADIS_ERROR_PLUGIN },
    { "redis://h?plugins=log&log.=hush", TORNADIS_ERROR_PLUGIN },
    { "redis://h?plugins=log&logs.prefix=hush", TORNADIS_ERROR_USAGE },
    { "redis://h?log.prefix=hush", TORNADIS_ERROR_USAGE },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client =
    tornadis_client_new_for_uri_full ("redis://h?log.prefix=a%3Db%26%20&plugins=log&db=3",
                                      TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);
  g_autoptr (TornadisClient) listener = NULL;
  g_autoptr (TornadisPlugin) plugin = NULL;
  g_autofree char *prefix = NULL;

  g_assert_no_error (error);
  plugin = g_list_model_get_item (tornadis_client_get_plugins (client), 0);
  g_object_get (plugin, "prefix", &prefix, NULL);
  g_assert_cmpstr (prefix, ==, "a=b& ");
  g_assert_cmpuint (g_list_model_get_n_items (tornadis_client_get_plugins (client)), ==, 1);

  listener = TORNADIS_CLIENT (tornadis_pub_sub_client_new_for_uri_full ("redis://h?plugins=log",
                                                                        TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (tornadis_client_get_plugins (listener)), ==, 1);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_null (tornadis_client_new_for_uri_full (bad[i].uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error));
      g_assert_error (error, TORNADIS_ERROR, bad[i].code);
      g_assert_null (strstr (error->message, "hush"));
      g_clear_error (&error);
    }
}

/* Without being allowed to, a URI loads no code, not even what is not there. */
static void
test_uri_not_allowed (void)
{
  static const char *const uris[] = { "redis://h?plugins=log", "redis://h?plugins=", "redis://h?plugins=no-such-plugin",
                                      "unix:///s?db=1&plugins=log&log.prefix=hush" };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    for (guint j = 0; j < 4; j++)
      {
        g_autoptr (GError) error = NULL;
        gpointer client = NULL;

        if (j == 0)
          client = tornadis_client_new_for_uri (uris[i], &error);
        else if (j == 1)
          client = tornadis_client_new_for_uri_full (uris[i], TORNADIS_URI_FLAGS_NONE, &error);
        else if (j == 2)
          client = tornadis_pub_sub_client_new_for_uri (uris[i], &error);
        else
          client = tornadis_pub_sub_client_new_for_uri_full (uris[i], TORNADIS_URI_FLAGS_NONE, &error);

        g_assert_null (client);
        g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
        g_assert_nonnull (strstr (error->message, "plugins"));
        g_assert_null (strstr (error->message, "hush"));
      }
}

/* Lists of texts and of flags in a URI. */
static void
test_uri_lists (void)
{
  static const struct
  {
    const char *list;
    const char *names; /* with a blank between them */
  } cases[] = {
    { "SET,DEL", "SET DEL" },
    { "SET;DEL", "SET DEL" },
    { "SET%2CDEL", "SET DEL" },
    { "SET", "SET" },
    { "", "" },
    { "A,B;C,D", "A B C D" },
    /* One that belongs to a text, and a backslash that does not stand before one. */
    { "A%5C,B,C%5C;D,%5CE", "A,B C;D \\E" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *uri = g_strconcat ("redis://h?plugins=retry&retry.idempotent=", cases[i].list, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisClient) client = tornadis_client_new_for_uri_full (uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);
      g_autoptr (TornadisPlugin) plugin = NULL;
      g_auto (GStrv) names = NULL;
      g_autofree char *joined = NULL;

      g_assert_no_error (error);
      plugin = g_list_model_get_item (tornadis_client_get_plugins (client), 0);
      g_object_get (plugin, "idempotent", &names, NULL);
      joined = g_strjoinv (" ", names);
      g_assert_cmpstr (joined, ==, cases[i].names);
    }
}

#define ADD(name, func) g_test_add ("/plugin-watch/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("observe", test_observe);
  ADD ("observe-among-others", test_observe_among_others);
  ADD ("observe-lost", test_observe_lost);
  ADD ("submit", test_submit);
  ADD ("client-acquired", test_client_acquired);
  ADD ("answered-again", test_answered_again);
  ADD ("properties", test_properties);
  g_test_add_func ("/plugin-watch/uri", test_uri);
  g_test_add_func ("/plugin-watch/fault-18-uri-not-allowed", test_uri_not_allowed);
  g_test_add_func ("/plugin-watch/fault-18-uri-lists", test_uri_lists);

  return g_test_run ();
}
