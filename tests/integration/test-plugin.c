/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-client-private.h"

/* A plugin whose hooks do what a test asks for, and write down that they were called. */
#define TEST_TYPE_PLUGIN (test_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TestPlugin, test_plugin, TEST, PLUGIN, TornadisPlugin)

typedef enum
{
  PASS,
  PROCEED,
  PROCEED_LATER,
  ANSWER,
  ANSWER_LATER,
  FAIL,
  FORGET,
  KEEP,
  ANSWER_TWICE,
  RETRY_ONCE,
  REPLACE,
  REFUSE,
  REMOVE_ITSELF,
  CALL_AGAIN,
  RETRY_ALWAYS,
  REMOVE_IN_SETUP,
  CALL_IN_SETUP,
  REPLACE_PIPELINE,
} Behaviour;

struct _TestPlugin
{
  TornadisPlugin parent_instance;

  const char *name;
  GString *log; /* (unowned) */
  Behaviour behaviour;
  guint delay; /* before another attempt, in milliseconds */
  TornadisCall *kept; /* (owned) (nullable) */
  TornadisReply *answer; /* (owned) */
  TornadisPipeline *pipeline; /* (unowned) */
  TornadisClient *client; /* (unowned) the last that it was attached to */
};

G_DEFINE_FINAL_TYPE (TestPlugin, test_plugin, TORNADIS_TYPE_PLUGIN)

static TornadisReply *
make_reply (const char *resp)
{
  g_autoptr (GBytes) bytes = g_bytes_new (resp, strlen (resp));
  g_autoptr (GError) error = NULL;
  TornadisReply *reply = tornadis_reply_new_from_resp (bytes, &error);

  g_assert_no_error (error);
  return reply;
}

static gboolean
test_plugin_attach (TornadisPlugin *plugin,
                    TornadisClient *client,
                    GError **error)
{
  TestPlugin *self = TEST_PLUGIN (plugin);

  self->client = client;
  g_string_append_printf (self->log, "%s+ ", self->name);
  return self->behaviour != REFUSE;
}

static void
test_plugin_detach (TornadisPlugin *plugin,
                    TornadisClient *client)
{
  TestPlugin *self = TEST_PLUGIN (plugin);

  g_string_append_printf (self->log, "%s- ", self->name);
}

static void
test_plugin_setup (TornadisPlugin *plugin,
                   TornadisPipeline *commands)
{
  TestPlugin *self = TEST_PLUGIN (plugin);

  g_string_append_printf (self->log, "%s* ", self->name);
  tornadis_pipeline_stack_strv (commands, (const char *[]) { "CLIENT", "SETNAME", self->name, NULL });

  if (self->behaviour == REMOVE_IN_SETUP)
    tornadis_client_remove_plugin (self->client, plugin);
  else if (self->behaviour == CALL_IN_SETUP)
    {
      g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");

      tornadis_client_submit (self->client, ping, NULL, NULL, NULL);
    }
}

static gboolean
later_cb (gpointer user_data)
{
  TestPlugin *self = user_data;
  g_autoptr (TornadisCall) held = g_steal_pointer (&self->kept);

  if (self->behaviour == ANSWER_LATER)
    tornadis_call_return_reply (held, self->answer);
  else
    tornadis_call_proceed (held);

  return G_SOURCE_REMOVE;
}

static gboolean
test_plugin_call (TornadisPlugin *plugin,
                  TornadisCall *call)
{
  TestPlugin *self = TEST_PLUGIN (plugin);
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "not now");
  g_autoptr (TornadisCommand) ping = NULL;

  g_string_append_printf (self->log, "%s>%s%u ", self->name, tornadis_call_get_name (call), tornadis_call_get_attempt (call));

  switch (self->behaviour)
    {
    case PROCEED:
      tornadis_call_proceed (call);
      return TRUE;
    case PROCEED_LATER:
    case ANSWER_LATER:
      self->kept = g_object_ref (call);
      g_timeout_add (10, later_cb, self);
      return TRUE;
    case ANSWER:
      tornadis_call_return_reply (call, self->answer);
      return TRUE;
    case FAIL:
      tornadis_call_return_error (call, error);
      return TRUE;
    case FORGET:
      return TRUE;
    case KEEP:
      self->kept = g_object_ref (call);
      return TRUE;
    case ANSWER_TWICE:
      tornadis_call_return_reply (call, self->answer);
      tornadis_call_return_error (call, error);
      tornadis_call_proceed (call);
      return TRUE;
    case REPLACE_PIPELINE:
      tornadis_call_set_pipeline (call, self->pipeline);
      tornadis_pipeline_clear (self->pipeline);
      return FALSE;
    case REMOVE_ITSELF:
      tornadis_client_remove_plugin (tornadis_call_get_client (call), plugin);
      return FALSE;
    case CALL_AGAIN:
      self->behaviour = PASS;
      ping = tornadis_command_new ("PING");
      tornadis_client_submit (tornadis_call_get_client (call), ping, NULL, NULL, NULL);
      return FALSE;
    case PASS:
    case RETRY_ONCE:
    case RETRY_ALWAYS:
    case REPLACE:
    case REFUSE:
    case REMOVE_IN_SETUP:
    case CALL_IN_SETUP:
    default:
      return FALSE;
    }
}

static void
test_plugin_call_done (TornadisPlugin *plugin,
                       TornadisCall *call)
{
  TestPlugin *self = TEST_PLUGIN (plugin);
  g_autoptr (GError) error = tornadis_call_dup_error (call);
  g_autofree char *text =
    error != NULL ? g_strdup_printf ("!%d", error->code) : tornadis_reply_to_string (tornadis_call_get_reply (call));

  g_string_append_printf (self->log, "%s<%s ", self->name, text);
  g_assert_cmpint (tornadis_call_get_elapsed (call), >=, 0);
  g_assert_cmpint (tornadis_call_get_start_time (call), >, 0);

  if (self->behaviour == RETRY_ONCE && tornadis_call_get_attempt (call) == 1)
    tornadis_call_retry (call, 10);
  if (self->behaviour == RETRY_ALWAYS)
    tornadis_call_retry (call, self->delay);
  if (self->behaviour == REPLACE)
    tornadis_call_return_reply (call, self->answer);
}

static gboolean
test_plugin_push (TornadisPlugin *plugin,
                  TornadisReply *push)
{
  TestPlugin *self = TEST_PLUGIN (plugin);

  if (tornadis_reply_get_kind (push) == TORNADIS_REPLY_KIND_STATUS)
    g_string_append_printf (self->log, "%s=%s\n", self->name, strchr (tornadis_reply_get_text (push), ']'));
  else
    g_string_append_printf (self->log, "%s=%s ", self->name, tornadis_reply_get_text (tornadis_reply_get_element (push, 0)));
  return TRUE;
}

static void
test_plugin_finalize (GObject *object)
{
  TestPlugin *self = TEST_PLUGIN (object);

  g_clear_object (&self->kept);
  tornadis_reply_unref (self->answer);
  G_OBJECT_CLASS (test_plugin_parent_class)->finalize (object);
}

static void
test_plugin_class_init (TestPluginClass *klass)
{
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = test_plugin_finalize;
  plugin_class->attach = test_plugin_attach;
  plugin_class->detach = test_plugin_detach;
  plugin_class->setup = test_plugin_setup;
  plugin_class->call = test_plugin_call;
  plugin_class->call_done = test_plugin_call_done;
  plugin_class->push = test_plugin_push;
}

static void
test_plugin_init (TestPlugin *self)
{
  self->answer = make_reply ("+plugin\r\n");
  self->delay = 10;
}

static TestPlugin *
make_plugin (const char *name,
             GString *log,
             Behaviour behaviour)
{
  TestPlugin *plugin = g_object_new (TEST_TYPE_PLUGIN, NULL);

  plugin->name = name;
  plugin->log = log;
  plugin->behaviour = behaviour;
  return plugin;
}

static void
add (TornadisClient *client,
     TestPlugin *plugin)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (tornadis_client_add_plugin (client, TORNADIS_PLUGIN (plugin), &error));
  g_assert_no_error (error);
}

static void
take_off (TornadisClient *client,
          TestPlugin *plugin)
{
  g_assert_true (tornadis_client_remove_plugin (client, TORNADIS_PLUGIN (plugin)));
  assert_finalized (plugin);
}

/* Outermost first, innermost last, and back; the plugins' commands before any call. */
static void
test_chain (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  TestPlugin *a = make_plugin ("a", log, PASS);
  TestPlugin *b = make_plugin ("b", log, PROCEED);
  TestPlugin *c = make_plugin ("c", log, PROCEED_LATER);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;

  add (fixture->client, a);
  add (fixture->client, b);
  add (fixture->client, c);
  assert_call (fixture->client, "\"c\"", "CLIENT", "GETNAME", NULL);
  g_assert_cmpstr (log->str, ==, "a+ b+ c+ a>CLIENT1 b>CLIENT1 c>CLIENT1 a* b* c* c<\"c\" b<\"c\" a<\"c\" ");

  g_string_truncate (log, 0);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "PING", NULL });
  replies = call_pipeline (fixture->client, pipeline, NULL, NULL);
  g_assert_cmpuint (tornadis_reply_get_n_elements (replies), ==, 1);
  g_assert_cmpstr (log->str, ==, "a>PIPELINE1 b>PIPELINE1 c>PIPELINE1 c<1) PONG b<1) PONG a<1) PONG ");

  g_assert_cmpuint (g_list_model_get_n_items (tornadis_client_get_plugins (fixture->client)), ==, 3);
  g_assert_false (tornadis_client_add_plugin (fixture->client, TORNADIS_PLUGIN (a), NULL));
  g_string_truncate (log, 0);
  take_off (fixture->client, b);
  take_off (fixture->client, a);
  take_off (fixture->client, c);
  g_assert_cmpstr (log->str, ==, "b- a- c- ");
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpstr (log->str, ==, "b- a- c- ");
}

static void
store_call_cb (TornadisClient *client,
               TornadisReply *reply,
               GError *error,
               gpointer user_data)
{
  g_string_append_printf (user_data, "[%s]", error != NULL ? "error" : tornadis_reply_get_text (reply));
}

static void
test_answers (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GString) answers = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  TestPlugin *outer = make_plugin ("o", log, PASS);
  TestPlugin *inner = make_plugin ("i", log, ANSWER);

  add (fixture->client, outer);
  add (fixture->client, inner);

  /* At once, but never before the function has returned. */
  tornadis_client_submit (fixture->client, ping, store_call_cb, answers, NULL);
  g_assert_cmpstr (answers->str, ==, "");
  wait_until (answers->len > 0);
  g_assert_cmpstr (answers->str, ==, "[plugin]");
  g_assert_cmpstr (log->str, ==, "o+ i+ o>PING1 i>PING1 i<plugin o<plugin ");
  g_assert_false (tornadis_client_is_connected (fixture->client));

  inner->behaviour = ANSWER_LATER;
  assert_call (fixture->client, "plugin", "PING", NULL);

  inner->behaviour = FAIL;
  g_assert_null (call (fixture->client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);
  g_clear_error (&error);

  /* An error reply of a plugin is one to the caller. */
  inner->behaviour = ANSWER;
  tornadis_reply_unref (inner->answer);
  inner->answer = make_reply ("-WRONGTYPE no\r\n");
  g_assert_null (call (fixture->client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_clear_error (&error);

  inner->behaviour = FORGET;
  g_assert_null (call (fixture->client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);

  inner->behaviour = REPLACE;
  tornadis_reply_unref (inner->answer);
  inner->answer = make_reply ("+replaced\r\n");
  assert_call (fixture->client, "replaced", "PING", NULL);

  take_off (fixture->client, outer);
  take_off (fixture->client, inner);
}

static void
test_answer_twice (Fixture *fixture,
                   gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  TestPlugin *plugin = make_plugin ("p", log, ANSWER_TWICE);

  add (fixture->client, plugin);
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_WARNING, "*answered already*");
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_WARNING, "*answered already*");
  assert_call (fixture->client, "plugin", "PING", NULL);
  g_test_assert_expected_messages ();
  take_off (fixture->client, plugin);
}

static void
test_retry (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  TestPlugin *outer = make_plugin ("o", log, PASS);
  TestPlugin *retry = make_plugin ("r", log, RETRY_ONCE);
  TestPlugin *inner = make_plugin ("i", log, PASS);

  add (fixture->client, outer);
  add (fixture->client, retry);
  add (fixture->client, inner);
  assert_call (fixture->client, "(integer) 2", "INCR", "n", NULL);
  g_assert_cmpstr (strstr (log->str, "o>"), ==,
                   "o>INCR1 r>INCR1 i>INCR1 o* r* i* i<(integer) 1 r<(integer) 1 i>INCR2 i<(integer) 2 r<(integer) 2 o<(integer) 2 ");
  take_off (fixture->client, outer);
  take_off (fixture->client, retry);
  take_off (fixture->client, inner);
}

/* The call that @result is to be of ends with this error. */
static void
assert_ends_with (Fixture *fixture,
                  GAsyncResult **result,
                  GQuark domain,
                  int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (result), &error));
  g_assert_true (g_error_matches (error, domain, code));
  g_clear_object (result);
}

static void
test_held (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TestPlugin *plugin = make_plugin ("p", log, KEEP);

  add (fixture->client, plugin);

  /* Cancelling and the call timeout reach a call that a plugin holds; what the plugin does then is no matter. */
  tornadis_client_call_async (fixture->client, ping, cancellable, store_result, &result);
  g_cancellable_cancel (cancellable);
  assert_ends_with (fixture, &result, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (tornadis_call_is_abandoned (plugin->kept));
  tornadis_call_proceed (plugin->kept);
  g_clear_object (&plugin->kept);

  g_object_set (fixture->client, "call-timeout-msec", 50, NULL);
  g_assert_null (call (fixture->client, &error, "PING", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  tornadis_call_return_reply (plugin->kept, plugin->answer);
  g_clear_object (&plugin->kept);
  g_object_set (fixture->client, "call-timeout-msec", 0, NULL);

  /* Sent by the plugins, and cancelled on the connection. */
  plugin->behaviour = PASS;
  g_clear_error (&error);
  g_cancellable_reset (cancellable);
  {
    g_autoptr (TornadisCommand) blocking = tornadis_command_new_strv ((const char *[]) { "BLPOP", "list", "0", NULL });

    assert_call (fixture->client, "PONG", "PING", NULL);
    tornadis_client_call_async (fixture->client, blocking, cancellable, store_result, &result);
    wait_until (count_blocked (fixture->redis) == 1);
    g_cancellable_cancel (cancellable);
    g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_clear_object (&result);
  }
  g_free (tornadis_harness_redis_command (fixture->redis, "RPUSH list x", NULL));
  assert_call (fixture->client, "\"mine\"", "ECHO", "mine", NULL);
  take_off (fixture->client, plugin);
}

static void
test_changes_under_way (Fixture *fixture,
                        gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  TestPlugin *first = make_plugin ("f", log, REMOVE_ITSELF);
  TestPlugin *second = make_plugin ("s", log, CALL_AGAIN);
  TestPlugin *alive = g_object_ref (first);

  add (fixture->client, first);
  add (fixture->client, second);
  g_object_unref (first);
  assert_call (fixture->client, "\"x\"", "ECHO", "x", NULL);
  /* The call that was under way still told the one that was removed. */
  g_assert_nonnull (strstr (log->str, "f<\"x\""));
  g_assert_nonnull (strstr (log->str, "s>PING1"));
  g_string_truncate (log, 0);
  assert_call (fixture->client, "\"y\"", "ECHO", "y", NULL);
  g_assert_null (strstr (log->str, "f"));
  assert_finalized (alive);
  take_off (fixture->client, second);
}

static void
test_refused (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  TestPlugin *plugin = make_plugin ("p", log, REFUSE);

  g_assert_false (tornadis_client_add_plugin (fixture->client, TORNADIS_PLUGIN (plugin), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);
  g_assert_cmpuint (g_list_model_get_n_items (tornadis_client_get_plugins (fixture->client)), ==, 0);
  assert_finalized (plugin);
}

static void
test_push (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  TestPlugin *plugin = make_plugin ("p", log, PASS);

  add (fixture->client, plugin);
  assert_call (fixture->client, "OK", "CLIENT", "TRACKING", "ON", NULL);
  assert_call (fixture->client, "(nil)", "GET", "watched", NULL);
  assert_call (fixture->client, "OK", "SET", "watched", "1", NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_nonnull (strstr (log->str, "p=invalidate "));
  take_off (fixture->client, plugin);
}

/* The lines of MONITOR are pushes between the replies, which go to those who asked. */
static void
test_monitor (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  TestPlugin *plugin = make_plugin ("p", log, PASS);
  g_autoptr (TornadisClient) other =
    tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GError) error = NULL;

  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "PING", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "monitor", NULL });
  g_assert_null (call_pipeline (fixture->client, pipeline, NULL, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_clear_error (&error);
  assert_call (fixture->client, "OK", "MULTI", NULL);
  g_assert_null (call (fixture->client, &error, "MONITOR", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  assert_call (fixture->client, "OK", "DISCARD", NULL);

  /* Where nobody takes them they are dropped. */
  assert_call (fixture->client, "OK", "MONITOR", NULL);
  assert_call (other, "OK", "SET", "unheard", "1", NULL);
  assert_call (fixture->client, "\"mine\"", "ECHO", "mine", NULL);
  add (fixture->client, plugin);
  assert_call (other, "OK", "SET", "heard", "a\nb", NULL);
  assert_call (fixture->client, "\"mine, too\"", "ECHO", "mine, too", NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_nonnull (strstr (log->str, "p=] \"SET\" \"heard\" \"a\\nb\"\n"));
  g_assert_nonnull (strstr (log->str, "p=] \"ECHO\" \"mine, too\"\n"));
  g_assert_null (strstr (log->str, "unheard"));

  /* The next connection is none of that kind. */
  tornadis_client_close (fixture->client);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_string_truncate (log, 0);
  assert_call (other, "OK", "SET", "unheard", "1", NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_null (strstr (log->str, "p=]"));
  take_off (fixture->client, plugin);
}

/* A class says it for its subclasses, too, and not for the class above it. */
static void
test_description (void)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (TestPlugin) plugin = make_plugin ("p", log, PASS);
  g_autoptr (TornadisPlugin) named = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (tornadis_plugin_get_description (TORNADIS_PLUGIN (plugin)));
  tornadis_plugin_class_set_description (TORNADIS_PLUGIN_GET_CLASS (plugin), "does what a test asks for");
  g_assert_cmpstr (tornadis_plugin_get_description (TORNADIS_PLUGIN (plugin)), ==, "does what a test asks for");

  named = tornadis_plugin_new_by_name ("log", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_plugin_get_description (named), ==, "logs a line for each call: server, command, time, outcome");
}

static void
test_many (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);

  for (guint i = 0; i < 1000; i++)
    {
      g_autoptr (TestPlugin) plugin = make_plugin ("p", log, i % 2 == 0 ? PROCEED : PASS);

      add (fixture->client, plugin);
    }
  assert_call (fixture->client, "PONG", "PING", NULL);

  /* They write to the log when they go. */
  while (g_list_model_get_n_items (tornadis_client_get_plugins (fixture->client)) > 0)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (tornadis_client_get_plugins (fixture->client), 0);

      tornadis_client_remove_plugin (fixture->client, plugin);
    }
}

/* One instance on many clients, through the template of a pool. */
static void
test_pool (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  TestPlugin *plugin = make_plugin ("p", log, PASS);
  TornadisClientPool *pool;
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  add (fixture->client, plugin);
  pool = tornadis_client_pool_new (fixture->client);
  tornadis_client_pool_call_async (pool, ping, NULL, store_result, &result);
  reply = tornadis_client_pool_call_finish (pool, wait_for_result (&result), NULL);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "PONG");
  g_assert_cmpstr (log->str, ==, "p+ p+ p>PING1 p* p<PONG ");
  g_clear_object (&result);
  assert_finalized (pool);
  wait_until (g_str_has_suffix (log->str, "p- "));
  g_assert_cmpstr (log->str, ==, "p+ p+ p>PING1 p* p<PONG p- ");
  take_off (fixture->client, plugin);
}

/* The last reference to the client goes while a plugin holds a call of it. */
static void
test_last_reference (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GString) answers = g_string_new (NULL);
  TestPlugin *plugin = make_plugin ("p", log, KEEP);
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");

  add (client, plugin);
  g_object_add_weak_pointer (G_OBJECT (client), (gpointer *) &client);
  tornadis_client_submit (client, ping, store_call_cb, answers, NULL);
  g_object_unref (client);
  /* The call keeps it until it has its outcome. */
  g_assert_nonnull (client);
  tornadis_call_proceed (plugin->kept);
  g_clear_object (&plugin->kept);
  wait_until (client == NULL);
  g_assert_cmpstr (answers->str, ==, "[PONG]");
  assert_finalized (plugin);
}

static GLogWriterOutput
capture_cb (GLogLevelFlags level,
            const GLogField *fields,
            gsize n_fields,
            gpointer user_data)
{
  const char *domain = NULL, *message = NULL;

  for (gsize i = 0; i < n_fields; i++)
    {
      if (g_str_equal (fields[i].key, "GLIB_DOMAIN"))
        domain = fields[i].value;
      else if (g_str_equal (fields[i].key, "MESSAGE"))
        message = fields[i].value;
    }
  if (g_strcmp0 (domain, "Tornadis-log") == 0)
    g_string_append_printf (user_data, "%s\n", message);

  return G_LOG_WRITER_HANDLED;
}

/* The plugin that comes with the library, loaded by name. */
static void
test_log_subprocess (Fixture *fixture,
                     gconstpointer data)
{
  static GString *lines = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  TornadisPlugin *plugin;

  lines = g_string_new (NULL);
  g_log_set_writer_func (capture_cb, lines, NULL);

  plugin = tornadis_client_add_plugin_by_name (fixture->client, "log", &error);
  g_assert_no_error (error);
  g_object_set (plugin, "prefix", "redis: ", NULL);

  assert_call (fixture->client, "OK", "SET", "secret-key", "secret-value", NULL);
  g_assert_null (call (fixture->client, NULL, "LPUSH", "secret-key", "x", NULL));
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "PING", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "PING", NULL });
  tornadis_reply_unref (call_pipeline (fixture->client, pipeline, NULL, NULL));

  {
    g_auto (GStrv) split = g_strsplit (lines->str, "\n", -1);
    const char *path = tornadis_harness_redis_get_socket_path (fixture->redis);
    g_autofree char *set = g_strdup_printf ("redis: %s SET [0-9.]+ ms ok", path);
    g_autofree char *lpush = g_strdup_printf ("redis: %s LPUSH [0-9.]+ ms WRONGTYPE", path);
    g_autofree char *ping = g_strdup_printf ("redis: %s PIPELINE\\(2\\) [0-9.]+ ms ok", path);

    g_assert_cmpuint (g_strv_length (split), ==, 4);
    g_assert_true (g_regex_match_simple (set, split[0], 0, 0));
    g_assert_true (g_regex_match_simple (lpush, split[1], 0, 0));
    g_assert_true (g_regex_match_simple (ping, split[2], 0, 0));
    g_assert_null (strstr (lines->str, "secret"));
  }
}

static void
test_log (void)
{
  g_test_trap_subprocess ("/plugin/log/subprocess", 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

/* What a plugin does while it is asked for its commands. */
static void
test_in_setup (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  TestPlugin *first = make_plugin ("first", log, REMOVE_IN_SETUP);
  TestPlugin *second = make_plugin ("second", log, CALL_IN_SETUP);

  add (fixture->client, first);
  assert_call (fixture->client, "PONG", "PING", NULL);
  assert_finalized (first);

  tornadis_client_close (fixture->client);
  add (fixture->client, second);
  assert_call (fixture->client, "PONG", "PING", NULL);
  second->behaviour = PASS;
  {
    g_autofree char *clients = call_text (fixture->client, "CLIENT", "LIST", NULL);
    const char *found = strstr (clients, "name=second");

    g_assert_nonnull (found);
    g_assert_null (strstr (found + 1, "name=second"));
  }
  take_off (fixture->client, second);
}

/* Calls that a plugin holds, or is about to repeat, end with the client that is closed. */
static void
test_closed (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  TestPlugin *plugin = make_plugin ("p", log, KEEP);
  g_autoptr (TornadisCommand) command = tornadis_command_new ("PING");
  g_autoptr (GAsyncResult) held = NULL;
  g_autoptr (GAsyncResult) repeated = NULL;
  g_autoptr (GError) error = NULL;

  add (fixture->client, plugin);
  tornadis_client_call_async (fixture->client, command, NULL, store_result, &held);
  spin_for (20);
  g_assert_false (tornadis_call_is_abandoned (plugin->kept));
  tornadis_client_close (fixture->client);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&held), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_true (tornadis_call_is_abandoned (plugin->kept));
  g_clear_object (&plugin->kept);

  plugin->behaviour = RETRY_ALWAYS;
  tornadis_client_call_async (fixture->client, command, NULL, store_result, &repeated);
  wait_until (strstr (log->str, "p<PONG") != NULL);
  tornadis_client_close (fixture->client);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&repeated), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  spin_for (50);
  g_assert_false (tornadis_client_is_connected (fixture->client));
  take_off (fixture->client, plugin);
}

/* A call that waits to be repeated ends at once when it is cancelled. */
static void
test_cancelled_delay (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  TestPlugin *plugin = make_plugin ("p", log, RETRY_ALWAYS);
  g_autoptr (TornadisCommand) command = tornadis_command_new ("PING");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  plugin->delay = 60000;
  add (fixture->client, plugin);
  tornadis_client_call_async (fixture->client, command, cancellable, store_result, &result);
  while (strstr (log->str, "p<PONG") == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_cancellable_cancel (cancellable);
  g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  take_off (fixture->client, plugin);
}

/* The call timeout is that of the call, however often it is tried. */
static void
test_retry_in_time (Fixture *fixture,
                    gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  TestPlugin *plugin = make_plugin ("p", log, RETRY_ALWAYS);
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->client, "call-timeout-msec", 300, NULL);
  add (fixture->client, plugin);
  /* If each try had its own, it would never end. */
  g_assert_null (call (fixture->client, &error, "BLPOP", "nothing", "0", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  take_off (fixture->client, plugin);
}

/* A pipeline may be changed as soon as it was handed over, whoever has it now. */
static void
test_pipeline_changed (Fixture *fixture,
                       gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  TestPlugin *plugin = make_plugin ("p", log, PROCEED_LATER);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) replies = NULL;

  add (fixture->client, plugin);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "ECHO", "first", NULL });
  tornadis_client_call_pipeline_async (fixture->client, pipeline, NULL, store_result, &result);
  tornadis_pipeline_clear (pipeline);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "ECHO", "second", NULL });
  replies = tornadis_client_call_pipeline_finish (fixture->client, wait_for_result (&result), NULL);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (replies, 0)), ==, "first");
  take_off (fixture->client, plugin);
}

/* The last references go where plugins cannot be told, as in a garbage collection: the main loop does it. */
static void
test_told_later (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GString) answers = g_string_new (NULL);
  TestPlugin *outer = make_plugin ("o", log, PASS);
  TestPlugin *inner = make_plugin ("i", log, KEEP);
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");

  add (client, outer);
  add (client, inner);
  g_object_add_weak_pointer (G_OBJECT (client), (gpointer *) &client);
  tornadis_client_submit (client, ping, store_call_cb, answers, NULL);
  g_string_truncate (log, 0);
  g_clear_object (&inner->kept);
  g_assert_cmpstr (log->str, ==, "");
  wait_until (answers->len > 0);
  g_assert_true (g_str_has_prefix (log->str, "i<"));
  g_assert_nonnull (strstr (log->str, "o<"));
  g_assert_cmpstr (answers->str, ==, "[error]");

  /* From now on, for the whole program. */
  tornadis_client_expect_collector ();
  g_string_truncate (log, 0);
  g_object_unref (client);
  g_assert_cmpstr (log->str, ==, "");
  g_assert_nonnull (client);
  wait_until (client == NULL);
  g_assert_cmpstr (log->str, ==, "o- i- ");
  assert_finalized (outer);
  assert_finalized (inner);
}

/* Between the last reference and the main loop the call is still ended by what else may end it. */
static void
test_closed_when_let_go (Fixture *fixture,
                         gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (GAsyncResult) result = NULL;
  TestPlugin *plugin = make_plugin ("p", log, KEEP);

  add (fixture->client, plugin);
  tornadis_client_call_async (fixture->client, ping, NULL, store_result, &result);
  g_clear_object (&plugin->kept);
  tornadis_client_close (fixture->client);
  assert_ends_with (fixture, &result, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);

  tornadis_client_call_async (fixture->client, ping, cancellable, store_result, &result);
  g_clear_object (&plugin->kept);
  g_cancellable_cancel (cancellable);
  assert_ends_with (fixture, &result, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  spin_for (20);
  take_off (fixture->client, plugin);
}

/* What the plugin puts in its place is sent, as it was then; the caller's own is as it was. */
static void
test_pipeline_replaced (Fixture *fixture,
                        gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  TestPlugin *plugin = make_plugin ("p", log, REPLACE_PIPELINE);
  TestPlugin *inner = make_plugin ("i", log, PASS);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisPipeline) other = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  g_autofree char *text = NULL;

  add (fixture->client, plugin);
  add (fixture->client, inner);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "ECHO", "mine", NULL });
  tornadis_pipeline_stack_strv (other, (const char *[]){ "ECHO", "other", NULL });
  tornadis_pipeline_stack_strv (other, (const char *[]){ "PING", NULL });
  tornadis_pipeline_set_atomic (other, TRUE);
  plugin->pipeline = other;
  replies = call_pipeline (fixture->client, pipeline, NULL, NULL);
  text = tornadis_reply_to_string (replies);
  g_assert_cmpstr (text, ==, "1) \"other\"\n2) PONG");
  g_assert_nonnull (strstr (log->str, "p>PIPELINE1 i>MULTI1 "));
  g_assert_cmpuint (tornadis_pipeline_get_number_of_stacked_calls (pipeline), ==, 1);
  g_assert_false (tornadis_pipeline_get_atomic (pipeline));
  take_off (fixture->client, plugin);
  take_off (fixture->client, inner);
}

#define ADD(name, func) g_test_add ("/plugin/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("chain", test_chain);
  ADD ("answers", test_answers);
  ADD ("answer-twice", test_answer_twice);
  ADD ("retry", test_retry);
  ADD ("held", test_held);
  ADD ("changes-under-way", test_changes_under_way);
  ADD ("refused", test_refused);
  ADD ("push", test_push);
  ADD ("monitor", test_monitor);
  g_test_add ("/plugin/monitor/resp2", Fixture, NULL, fixture_set_up_resp2, test_monitor, fixture_tear_down);
  g_test_add_func ("/plugin/description", test_description);
  ADD ("many", test_many);
  ADD ("pool", test_pool);
  ADD ("last-reference", test_last_reference);
  ADD ("in-setup", test_in_setup);
  ADD ("closed", test_closed);
  ADD ("cancelled-delay", test_cancelled_delay);
  ADD ("retry-in-time", test_retry_in_time);
  ADD ("pipeline-changed", test_pipeline_changed);
  ADD ("closed-when-let-go", test_closed_when_let_go);
  ADD ("pipeline-replaced", test_pipeline_replaced);
  ADD ("log/subprocess", test_log_subprocess);
  g_test_add_func ("/plugin/log", test_log);
  ADD ("told-later", test_told_later);

  return g_test_run ();
}
