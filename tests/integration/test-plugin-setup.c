/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plugins that know which server is the right one: chosen by a URI's scheme, they look at the replies to their setup and
 * have a client leave its server. */

#include "integration/util.h"

#include <string.h>

/* A plugin that a scheme can name; what it does is the test's. */
typedef struct
{
  TornadisPlugin parent_instance;

  char *uri;
  guint level;
  const char *const *lines; /* (nullable) for setup */
  const char *refusal;      /* (nullable) */
  GError *error;            /* (nullable) (owned) to refuse with */
  gboolean reconnects;      /* instead of refusing */
  gboolean closes;
  TornadisClient *dropped; /* (owned) (nullable) let go of in the hook */
  GString *log;            /* (owned) */
} ChoosingPlugin;

typedef TornadisPluginClass ChoosingPluginClass;

GType choosing_plugin_get_type (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ChoosingPlugin, g_object_unref)

G_DEFINE_TYPE (ChoosingPlugin, choosing_plugin, TORNADIS_TYPE_PLUGIN)

typedef enum
{
  PROP_URI = 1,
  PROP_LEVEL,
} ChoosingProperty;

static void
choosing_plugin_setup (TornadisPlugin *plugin,
                       TornadisPipeline *commands)
{
  ChoosingPlugin *self = (ChoosingPlugin *) plugin;

  for (guint i = 0; self->lines != NULL && self->lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (self->lines[i], " ", -1);

      tornadis_pipeline_stack_strv (commands, (const char *const *) words);
    }
}

static gboolean
choosing_plugin_setup_done (TornadisPlugin *plugin,
                            TornadisClient *client,
                            TornadisReply *replies,
                            GError **error)
{
  ChoosingPlugin *self = (ChoosingPlugin *) plugin;
  g_autoptr (GError) wrong = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "wrong");

  g_assert_cmpint (tornadis_reply_get_kind (replies), ==, TORNADIS_REPLY_KIND_ARRAY);
  for (gsize i = 0; i < tornadis_reply_get_n_elements (replies); i++)
    {
      g_autofree char *text = tornadis_reply_to_string (tornadis_reply_get_element (replies, i));

      g_string_append_printf (self->log, "%s;", text);
    }
  g_string_append_c (self->log, '|');

  if (self->closes)
    tornadis_client_close (client);
  g_clear_object (&self->dropped);
  if (self->reconnects)
    tornadis_plugin_reconnect_client (plugin, client, wrong);
  self->reconnects = self->closes = FALSE;

  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  else if (self->refusal != NULL)
    {
      self->refusal = NULL;
      return FALSE;
    }
  else
    return TRUE;

  return FALSE;
}

static void
choosing_plugin_set_property (GObject *object,
                              guint property_id,
                              const GValue *value,
                              GParamSpec *pspec)
{
  ChoosingPlugin *self = (ChoosingPlugin *) object;

  switch ((ChoosingProperty) property_id)
    {
    case PROP_URI:
      self->uri = g_value_dup_string (value);
      break;
    case PROP_LEVEL:
      self->level = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
      break;
    }
}

static void
choosing_plugin_finalize (GObject *object)
{
  ChoosingPlugin *self = (ChoosingPlugin *) object;

  g_free (self->uri);
  g_clear_error (&self->error);
  g_string_free (self->log, TRUE);
  G_OBJECT_CLASS (choosing_plugin_parent_class)->finalize (object);
}

static void
choosing_plugin_class_init (ChoosingPluginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  klass->setup = choosing_plugin_setup;
  klass->setup_done = choosing_plugin_setup_done;
  object_class->set_property = choosing_plugin_set_property;
  object_class->finalize = choosing_plugin_finalize;
  g_object_class_install_property (object_class, PROP_URI,
                                   g_param_spec_string ("uri", NULL, NULL, NULL,
                                                        G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (object_class, PROP_LEVEL,
                                   g_param_spec_uint ("level", NULL, NULL, 0, 9, 0, G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
}

static void
choosing_plugin_init (ChoosingPlugin *self)
{
  self->log = g_string_new (NULL);
}

static ChoosingPlugin *
add_choosing (TornadisClient *client,
              const char *const *lines)
{
  ChoosingPlugin *self = g_object_new (choosing_plugin_get_type (), NULL);

  self->lines = lines;
  g_assert_true (tornadis_client_add_plugin (client, TORNADIS_PLUGIN (self), NULL));
  g_object_unref (self);

  return self;
}

typedef struct
{
  char *text; /* (owned) (nullable) */
  GError *error;
  gboolean ended;
} Outcome;

static void
outcome_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  Outcome *outcome = user_data;

  g_assert_false (outcome->ended);
  outcome->ended = TRUE;
  outcome->text = reply != NULL ? g_strdup (tornadis_reply_get_text (reply)) : NULL;
  outcome->error = error != NULL ? g_error_copy (error) : NULL;
}

static void
outcome_clear (Outcome *outcome)
{
  g_free (outcome->text);
  g_clear_error (&outcome->error);
}

static void
submit_echo (TornadisClient *client,
             const char *text,
             Outcome *outcome)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("ECHO");

  *outcome = (Outcome){ NULL };
  tornadis_command_append_string (command, text);
  tornadis_client_submit (client, command, outcome_cb, outcome, NULL);
}

static void
set_gone (gpointer data,
          GObject *object)
{
  *(gboolean *) data = TRUE;
}

/* Setup. */

static void
test_replies (Fixture *fixture,
              gconstpointer data)
{
  static const char *const ours[] = { "ECHO one", "NOTHING", "GET nothing", NULL };
  static const char *const others[] = { "ECHO two", NULL };
  ChoosingPlugin *one = add_choosing (fixture->client, ours);
  ChoosingPlugin *none = add_choosing (fixture->client, NULL);
  ChoosingPlugin *two = add_choosing (fixture->client, others);

  assert_call (fixture->client, "PONG", "PING", NULL);
  /* Each has its own, errors too, and one that sent nothing is asked all the same. */
  g_assert_true (g_str_has_prefix (one->log->str, "\"one\";(error) ERR unknown command"));
  g_assert_true (g_str_has_suffix (one->log->str, ";(nil);|"));
  g_assert_cmpstr (none->log->str, ==, "|");
  g_assert_cmpstr (two->log->str, ==, "\"two\";|");

  /* And so for each connection. */
  tornadis_client_close (fixture->client);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpstr (two->log->str, ==, "\"two\";|\"two\";|");
}

static void
test_refused (Fixture *fixture,
              gconstpointer data)
{
  static const char *const lines[] = { "ROLE", NULL };
  ChoosingPlugin *outer = add_choosing (fixture->client, NULL);
  ChoosingPlugin *self = add_choosing (fixture->client, lines);
  ChoosingPlugin *inner = add_choosing (fixture->client, NULL);
  const struct
  {
    GQuark domain;
    int code;
    int expected;
  } refusals[] = {
    { TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION, TORNADIS_ERROR_AUTHENTICATION },
    { TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, TORNADIS_ERROR_CONNECT },
    { G_IO_ERROR, G_IO_ERROR_FAILED, TORNADIS_ERROR_CONNECT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autoptr (GError) error = NULL;

      self->error = g_error_new_literal (refusals[i].domain, refusals[i].code, "not a replica");
      g_assert_null (call (fixture->client, &error, "PING", NULL));
      g_assert_error (error, TORNADIS_ERROR, refusals[i].expected);
      g_assert_nonnull (strstr (error->message, ": not a replica"));
      g_assert_false (tornadis_client_is_connected (fixture->client));
    }
  g_assert_cmpuint (outer->log->len, ==, 3);
  g_assert_cmpuint (inner->log->len, ==, 0);

  /* One without a word, as of a hook in another language. */
  self->refusal = "";
  {
    g_autoptr (GError) error = NULL;

    g_assert_false (connect_and_wait (fixture->client, &error));
    g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);
  }

  /* The next attempt may find it right. */
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpstr (inner->log->str, ==, "|");
}

static void
test_closed_meanwhile (Fixture *fixture,
                       gconstpointer data)
{
  ChoosingPlugin *self = add_choosing (fixture->client, NULL);

  for (guint refuses = 0; refuses < 2; refuses++)
    {
      g_autoptr (GError) error = NULL;

      self->closes = TRUE;
      self->refusal = refuses ? "" : NULL;
      g_assert_null (call (fixture->client, &error, "PING", NULL));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
      g_assert_false (tornadis_client_is_connected (fixture->client));
    }
  assert_call (fixture->client, "PONG", "PING", NULL);
}

/* The first of two plugins lets go of the client, which nobody else has. */
static void
test_dropped_meanwhile (Fixture *fixture,
                        gconstpointer data)
{
  for (guint refuses = 0; refuses < 2; refuses++)
    {
      TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
      ChoosingPlugin *first = g_object_ref (add_choosing (client, NULL));
      gboolean gone = FALSE;
      Outcome lost;

      add_choosing (client, NULL);
      g_object_weak_ref (G_OBJECT (client), set_gone, &gone);
      first->dropped = client;
      first->refusal = refuses ? "" : NULL;
      /* Unlike a task this keeps no reference. */
      submit_echo (client, "lost", &lost);
      wait_until (gone);
      g_assert_error (lost.error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
      g_assert_cmpstr (first->log->str, ==, "|");
      outcome_clear (&lost);
      g_object_unref (first);
    }
}

/* Another attempt is made from within the one that is looked at. */
static void
test_reconnect_meanwhile (Fixture *fixture,
                          gconstpointer data)
{
  ChoosingPlugin *self = add_choosing (fixture->client, NULL);

  for (guint refuses = 0; refuses < 2; refuses++)
    {
      self->reconnects = TRUE;
      self->refusal = refuses ? "" : NULL;
      assert_call (fixture->client, "PONG", "PING", NULL);
      tornadis_client_close (fixture->client);
    }
  g_assert_cmpstr (self->log->str, ==, "||||");
}

/* Leaving the server. */

typedef struct
{
  TornadisHarnessPeer *wrong;
  TornadisHarnessPeer *right;
  TornadisClient *client;
  ChoosingPlugin *plugin; /* (unowned) */
  GError *disconnected;   /* (owned) (nullable) the last */
  guint n_disconnected;
} Move;

static void
disconnected_cb (TornadisClient *client,
                 const GError *error,
                 Move *move)
{
  g_clear_error (&move->disconnected);
  move->disconnected = error != NULL ? g_error_copy (error) : NULL;
  move->n_disconnected++;
}

static void
move_init (Move *move,
           const char *script)
{
  *move = (Move){ make_peer (script), make_peer ("handshake\necho-server\n---\nhandshake\necho-server\n") };
  move->client = make_client (move->wrong);
  move->plugin = add_choosing (move->client, NULL);
  g_signal_connect (move->client, "disconnected", G_CALLBACK (disconnected_cb), move);
}

static void
move_on (Move *move)
{
  g_autoptr (GError) wrong = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "another is the master");

  g_object_set (move->client, "port", tornadis_harness_peer_get_port (move->right), NULL);
  tornadis_plugin_reconnect_client (TORNADIS_PLUGIN (move->plugin), move->client, wrong);
}

static void
move_clear (Move *move)
{
  g_clear_error (&move->disconnected);
  assert_finalized (move->client);
  g_object_unref (move->wrong);
  g_object_unref (move->right);
}

/* What was written is lost, with the plugin's words, and what was not goes to the right server, at once. */
static void
test_reconnect_connected (void)
{
  Move move;
  Outcome written, waiting;

  move_init (&move, "handshake\nexpect PING\nsend \"+PONG\\r\\n\"\nexpect ECHO\nwait\n");
  assert_call (move.client, "PONG", "PING", NULL);

  submit_echo (move.client, "written", &written);
  wait_until (count_received (move.wrong, "ECHO") == 1);
  submit_echo (move.client, "waiting", &waiting);
  move_on (&move);
  g_assert_true (written.ended);
  g_assert_error (written.error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_assert_nonnull (strstr (written.error->message, "another is the master"));
  g_assert_cmpuint (move.n_disconnected, ==, 1);
  g_assert_error (move.disconnected, TORNADIS_ERROR, TORNADIS_ERROR_LOST);

  wait_until (waiting.ended);
  g_assert_cmpstr (waiting.text, ==, "waiting");
  g_assert_cmpuint (count_received (move.wrong, "ECHO"), ==, 1);

  outcome_clear (&written);
  outcome_clear (&waiting);
  move_clear (&move);
}

/* Nobody wants another: the next call does. */
static void
test_reconnect_idle (void)
{
  Move move;

  move_init (&move, "handshake\nexpect PING\nsend \"+PONG\\r\\n\"\nwait\n");
  move_on (&move);
  spin_for (1);
  g_assert_cmpint (tornadis_harness_peer_get_n_connections (move.right), ==, 0);

  g_object_set (move.client, "port", tornadis_harness_peer_get_port (move.wrong), NULL);
  assert_call (move.client, "PONG", "PING", NULL);
  move_on (&move);
  g_assert_false (tornadis_client_is_connected (move.client));
  g_assert_cmpuint (move.n_disconnected, ==, 1);
  assert_call (move.client, "\"x\"", "ECHO", "x", NULL);
  g_assert_cmpuint (move.n_disconnected, ==, 1);
  move_clear (&move);
}

/* The wrong server accepts and says nothing more: without this the attempt had all of connect-timeout. */
static void
test_reconnect_connecting (void)
{
  Move move;
  Outcome waiting;
  g_autoptr (GAsyncResult) result = NULL;

  move_init (&move, "expect-any\nwait\n");
  tornadis_client_connect_async (move.client, NULL, store_result, &result);
  submit_echo (move.client, "waiting", &waiting);
  wait_until (tornadis_harness_peer_get_n_connections (move.wrong) == 1);
  move_on (&move);
  g_assert_true (tornadis_client_connect_finish (move.client, wait_for_result (&result), NULL));
  g_clear_object (&result);
  wait_until (waiting.ended);
  g_assert_cmpstr (waiting.text, ==, "waiting");
  g_assert_cmpuint (move.n_disconnected, ==, 0);
  outcome_clear (&waiting);
  move_clear (&move);
}

static gboolean
is_waiting (TornadisClient *client)
{
  TornadisClientState state;

  g_object_get (client, "state", &state, NULL);
  return state == TORNADIS_CLIENT_STATE_WAITING;
}

/* Many attempts have failed, and the next was put off. */
static void
test_reconnect_waiting (void)
{
  Move move;
  Outcome waiting = { 0 };

  move_init (&move, "handshake\nclose\n");
  /* How long it is put off is random, and may have passed when it is looked at. */
  do
    {
      outcome_clear (&waiting);
      submit_echo (move.client, "waiting", &waiting);
      wait_until (waiting.ended || is_waiting (move.client));
    }
  while (waiting.ended);

  move_on (&move);
  wait_until (waiting.ended);
  g_assert_cmpstr (waiting.text, ==, "waiting");
  outcome_clear (&waiting);
  move_clear (&move);
}

/* A plugin that is on another client, or on none, has no say. */
static void
test_reconnect_stranger (void)
{
  g_autoptr (ChoosingPlugin) stranger = g_object_new (choosing_plugin_get_type (), NULL);
  g_autoptr (GError) wrong = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "wrong");
  Move move;

  move_init (&move, "handshake\necho-server\n");
  assert_call (move.client, "\"x\"", "ECHO", "x", NULL);
  tornadis_plugin_reconnect_client (TORNADIS_PLUGIN (stranger), move.client, wrong);
  g_assert_true (tornadis_client_is_connected (move.client));
  move_clear (&move);
}

/* Schemes. */

static void
test_schemes (void)
{
  static const struct
  {
    const char *uri;
    const char *given; /* to the plugin */
    guint level;
    int db;
    gboolean tls;
    const char *username;
    const char *password;
    const char *name;
  } uris[] = {
    { "redis-choosing://h1:1,h2/main/2", "redis-choosing://h1:1,h2/main/2" },
    { "valkeys-choosing://joe:s%40@[::1]:7,h2/x?level=3&client-name=a&db=4", "valkeys-choosing://[::1]:7,h2/x", 3, 4, TRUE, "joe",
      "s@", "a" },
    { "REDIS-CHOOSING://?choosing.level=9", "REDIS-CHOOSING://", 9 },
  };
  static const struct
  {
    const char *uri;
    int code;
  } bad[] = {
    { "redis-choosing://h?level=10", TORNADIS_ERROR_PLUGIN },
    { "redis-choosing://h?uri=x", TORNADIS_ERROR_PLUGIN },
    { "redis-choosing://h?nothing=x", TORNADIS_ERROR_USAGE },
    { "redis-choosing://h?host=x", TORNADIS_ERROR_USAGE },
    { "redis-choosing://h?plugins=log", TORNADIS_ERROR_USAGE },
    { "redis-log://h", TORNADIS_ERROR_USAGE },
    { "redis-no-such://h", TORNADIS_ERROR_PLUGIN },
    { "redis-a_b://h", TORNADIS_ERROR_USAGE },
    { "redis-://h", TORNADIS_ERROR_PLUGIN },
  };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisClient) client = NULL;
      g_autoptr (ChoosingPlugin) plugin = NULL;
      g_autofree char *username = NULL, *password = NULL, *name = NULL;
      gboolean tls;
      int db;

      g_test_message ("%s", uris[i].uri);
      if (i % 2 == 0)
        client = tornadis_client_new_for_uri (uris[i].uri, &error);
      else
        client = TORNADIS_CLIENT (tornadis_pub_sub_client_new_for_uri (uris[i].uri, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (g_list_model_get_n_items (tornadis_client_get_plugins (client)), ==, 1);
      plugin = g_list_model_get_item (tornadis_client_get_plugins (client), 0);
      g_assert_cmpstr (plugin->uri, ==, uris[i].given);
      g_assert_cmpuint (plugin->level, ==, uris[i].level);
      g_object_get (client, "username", &username, "password", &password, "client-name", &name, "db", &db, "tls", &tls, NULL);
      g_assert_cmpstr (username, ==, uris[i].username);
      g_assert_cmpstr (password, ==, uris[i].password);
      g_assert_cmpstr (name, ==, uris[i].name);
      g_assert_cmpint (db, ==, uris[i].db);
      g_assert_cmpint (tls, ==, uris[i].tls);
    }

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", bad[i].uri);
      g_assert_null (tornadis_client_new_for_uri (bad[i].uri, &error));
      g_assert_error (error, TORNADIS_ERROR, bad[i].code);
    }
}

/* The scheme's plugin is the innermost, or where the list has it. */
static void
test_scheme_among_plugins (void)
{
  static const char *const uris[][2] = {
    { "redis-choosing://h?plugins=log", "2 1" },
    { "redis-choosing://h?plugins=log,choosing&choosing.level=1", "2 1" },
    { "redis-choosing://h?plugins=choosing,log&level=2&log.prefix=x", "1 2" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisClient) client = tornadis_client_new_for_uri_full (uris[i][0], TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);
      GListModel *plugins;

      g_assert_no_error (error);
      plugins = tornadis_client_get_plugins (client);
      g_assert_cmpuint (g_list_model_get_n_items (plugins), ==, 2);
      for (guint k = 0; k < 2; k++)
        {
          g_autoptr (GObject) plugin = g_list_model_get_item (plugins, k);

          g_assert_cmpint (G_OBJECT_TYPE (plugin) == choosing_plugin_get_type (), ==, uris[i][1][2 * k] == '1');
        }
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  tornadis_plugin_register ("choosing", choosing_plugin_get_type ());

#define ADD(path, func) g_test_add ("/plugin-setup/" path, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("replies", test_replies);
  ADD ("refused", test_refused);
  ADD ("closed-meanwhile", test_closed_meanwhile);
  ADD ("dropped-meanwhile", test_dropped_meanwhile);
  ADD ("reconnect-meanwhile", test_reconnect_meanwhile);
  g_test_add_func ("/plugin-setup/reconnect/connected", test_reconnect_connected);
  g_test_add_func ("/plugin-setup/reconnect/idle", test_reconnect_idle);
  g_test_add_func ("/plugin-setup/reconnect/connecting", test_reconnect_connecting);
  g_test_add_func ("/plugin-setup/reconnect/waiting", test_reconnect_waiting);
  g_test_add_func ("/plugin-setup/reconnect/stranger", test_reconnect_stranger);
  g_test_add_func ("/plugin-setup/schemes", test_schemes);
  g_test_add_func ("/plugin-setup/scheme-among-plugins", test_scheme_among_plugins);

  return g_test_run ();
}
