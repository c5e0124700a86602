/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The server that the prompt speaks to: which it is, whether it is there, and what is the same after it was not. Calls of
 * the user go over one client; what the prompt asks for itself goes over another, so that no transaction and no state of
 * the connection is disturbed; channels have a third. */

#include "prompt-session.h"

#include <string.h>

/* A connection that takes longer is spoken of. */
#define MOMENT_MSEC 500

/* Whether a plugin finds the master, which may be another one each time. */
static gboolean
follows_master (TornadisClient *client)
{
  GListModel *plugins = tornadis_client_get_plugins (client);

  for (guint i = 0; i < g_list_model_get_n_items (plugins); i++)
    {
      g_autoptr (GObject) plugin = g_list_model_get_item (plugins, i);

      if (g_object_class_find_property (G_OBJECT_GET_CLASS (plugin), "switches") != NULL &&
          g_object_class_find_property (G_OBJECT_GET_CLASS (plugin), "role") != NULL)
        return TRUE;
    }

  return FALSE;
}

/* Says what a new connection is like, and what has ended with the one before. */
static void
session_tell (PromptSession *self,
              const char *new_master)
{
  g_autoptr (GString) text = g_string_new (self->beginning != NULL ? self->beginning : "Connected again");

  if (self->beginning != NULL)
    {
      g_autofree char *username = NULL;
      guint protocol_version, db;

      g_object_get (self->client, "protocol-version", &protocol_version, "username", &username, "db", &db, NULL);
      if (protocol_version > 0)
        g_string_append_printf (text, "; RESP%u", protocol_version);
      g_string_append_printf (text, "; user %s; database %u", username != NULL ? username : "default", db);
    }
  if (new_master != NULL)
    g_string_append_printf (text, "; the master is %s now", new_master);
  if (self->in_transaction)
    g_string_append (text, "; the transaction is gone");
  if (self->watching)
    g_string_append (text, "; nothing is watched any more");
  if (prompt_tracking_is_on ())
    g_string_append (text, "; no keys are tracked any more");
  if (self->n_ended > 0)
    g_string_append_printf (text, "; %u %s ended", self->n_ended,
                            tool_text_choose (self->n_ended, "subscription has", "subscriptions have"));
  prompt_print_line (PROMPT_STYLE_NOTICE, "%s", text->str);
}

/* Connected, and all is known that is said about it. */
static void
session_is_up (PromptSession *self,
               const char *new_master)
{
  if (self->beginning != NULL || new_master != NULL || (self->lost && self->down))
    session_tell (self, new_master);

  /* The server may be another, unless it has only ended a connection that nobody used. */
  if (self->down || new_master != NULL || !prompt_commands_is_known ())
    prompt_commands_load (self->aside);

  g_clear_handle_id (&self->moment_source, g_source_remove);
  self->trying = self->failed = self->slow = self->down = self->lost = FALSE;
  self->in_transaction = self->watching = FALSE;
  prompt_tracking_clear ();
  self->beginning = NULL;
  self->n_ended = 0;
  self->changed (self->changed_data);
}

static void
got_address_cb (TornadisClient *client,
                TornadisReply *reply,
                GError *error,
                gpointer user_data)
{
  PromptSession *self = user_data;
  const char *text = reply != NULL ? tornadis_reply_get_text (reply) : NULL;
  const char *address = text != NULL ? strstr (text, " laddr=") : NULL;
  g_autofree char *before = NULL;

  if (address != NULL)
    {
      address += strlen (" laddr=");
      before = self->master;
      self->master = g_strndup (address, strcspn (address, " \r\n"));
    }
  if (tornadis_client_is_connected (client))
    session_is_up (self, before != NULL && strcmp (before, self->master) != 0 ? self->master : NULL);
}

static void
connected_cb (TornadisClient *client,
              GParamSpec *pspec,
              PromptSession *self)
{
  if (!tornadis_client_is_connected (client))
    return;

  /* Calls would be refused until that which is gone is ended. */
  if (tornadis_client_is_in_transaction (client))
    {
      g_autoptr (TornadisCommand) discard = tornadis_command_new ("DISCARD");

      tornadis_client_submit (client, discard, NULL, NULL, NULL);
    }
  if (follows_master (client))
    {
      g_autoptr (TornadisCommand) info = tornadis_command_new_strv ((const char *[]){ "CLIENT", "INFO", NULL });

      tornadis_client_submit (client, info, got_address_cb, self, NULL);
    }
  else
    {
      session_is_up (self, NULL);
    }
}

/* A connection is lost: if SHUTDOWN runs, that is what it was called for. Of a cluster it is that to one node. */
void
prompt_session_stopped (PromptSession *self)
{
  if (!self->stopping || self->down)
    return;

  if (tornadis_client_is_connected (self->client))
    self->stopping = FALSE;
  else
    self->down = TRUE;
  prompt_print_line (PROMPT_STYLE_NOTICE, "The server has shut down");
}

static void
disconnected_cb (TornadisClient *client,
                 GError *error,
                 PromptSession *self)
{
  gboolean stopped;

  /* Closed by the prompt itself. */
  if (error == NULL)
    return;

  /* A call that it ended has said so. Servers end connections that are not used: nobody needs to know of one that is
   * replaced at once, unless something ended with it. */
  prompt_session_stopped (self);
  stopped = self->stopping;
  self->lost = TRUE;
  self->down |= self->in_transaction || self->watching || prompt_tracking_is_on ();
  self->stopping = FALSE;
  prompt_session_try (self);
  /* That it is not there is no news. */
  self->failed |= stopped;
  self->changed (self->changed_data);
}

static void
tried_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  PromptSession *self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean first;

  /* What succeeded is handled when the property has changed. */
  if (tornadis_client_connect_finish (TORNADIS_CLIENT (object), result, &error))
    return;
  /* Closed by the prompt itself. */
  if (self->client != (TornadisClient *) object || g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED))
    return;

  g_clear_handle_id (&self->moment_source, g_source_remove);
  first = !self->failed;
  self->failed = self->down = TRUE;
  self->trying = !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION) && !tool_error_is_no_cluster (error);
  /* A call that runs has the same outcome. */
  if (!self->trying && self->running == NULL)
    {
      g_autofree char *text = tool_options_describe_error (&self->options, error);

      prompt_print_line (PROMPT_STYLE_ERROR, "%s", text);
    }
  else if (self->trying && first)
    prompt_print_line (PROMPT_STYLE_NOTICE, "%s; trying again", error->message);
  if (self->trying)
    tornadis_client_connect_async (self->client, NULL, tried_cb, self);
  self->changed (self->changed_data);
}

static gboolean
moment_over_cb (gpointer user_data)
{
  PromptSession *self = user_data;
  g_autofree char *title = NULL;
  TornadisClientState state;

  g_object_get (self->client, "title", &title, "state", &state, NULL);
  self->moment_source = 0;
  self->slow = self->down = TRUE;
  /* Otherwise the next attempt has not begun, and it is said why. */
  if (state == TORNADIS_CLIENT_STATE_CONNECTING)
    prompt_print_line (PROMPT_STYLE_NOTICE, "Connecting to %s…", title);
  self->changed (self->changed_data);

  return G_SOURCE_REMOVE;
}

static void
session_watch_moment (PromptSession *self)
{
  if (self->moment_source == 0 && !self->slow)
    self->moment_source = g_timeout_add (MOMENT_MSEC, moment_over_cb, self);
}

/* Connects, for as long as it takes: the client spaces the attempts. */
void
prompt_session_try (PromptSession *self)
{
  if (self->trying)
    return;

  self->trying = TRUE;
  self->failed = self->slow = FALSE;
  if (self->down)
    session_watch_moment (self);
  tornadis_client_connect_async (self->client, NULL, tried_cb, self);
}

/* The user waits for a connection: if there is none, the next attempt is made now. @told: they know of a transaction that
 * is gone, and so the client forgets it; before, it refuses what was meant for that. */
void
prompt_session_hurry (PromptSession *self,
                      gboolean told)
{
  TornadisClientState state;

  if (!self->trying)
    return;

  session_watch_moment (self);
  g_object_get (self->client, "state", &state, NULL);
  if (state == TORNADIS_CLIENT_STATE_CONNECTED ||
      (!told && (state != TORNADIS_CLIENT_STATE_WAITING || tornadis_client_is_in_transaction (self->client))))
    return;

  tornadis_client_close (self->client);
  tornadis_client_connect_async (self->client, NULL, tried_cb, self);
}

/* Nobody knows any more how the session on this connection stands: another one is made. */
void
prompt_session_leave (PromptSession *self)
{
  self->trying = FALSE;
  tornadis_client_close (self->client);
  self->lost = self->down = TRUE;
  prompt_session_try (self);
  self->changed (self->changed_data);
}

/* What the user has chosen for the one client is so for the other, too, on its next connection. */
static void
chosen_cb (TornadisClient *client,
           GParamSpec *pspec,
           PromptSession *self)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, pspec->value_type);
  g_object_get_property (G_OBJECT (client), pspec->name, &value);
  g_object_set_property (G_OBJECT (self->aside), pspec->name, &value);
  tornadis_client_close (self->aside);
  /* What was asked at the beginning ends with its connection. */
  if (!prompt_commands_is_known ())
    prompt_commands_load (self->aside);
}

static gboolean
session_make_clients (PromptSession *self)
{
  TornadisClient *client = tool_options_make_client (&self->options, TORNADIS_TYPE_CLIENT);
  TornadisClient *aside = client != NULL ? tool_options_make_client (&self->options, TORNADIS_TYPE_CLIENT) : NULL;

  if (aside == NULL)
    {
      g_clear_object (&client);
      return FALSE;
    }

  g_clear_object (&self->client);
  g_clear_object (&self->aside);
  self->client = client;
  self->aside = aside;
  g_signal_connect (client, "notify::connected", G_CALLBACK (connected_cb), self);
  g_signal_connect (client, "disconnected", G_CALLBACK (disconnected_cb), self);
  g_signal_connect (client, "notify::db", G_CALLBACK (chosen_cb), self);
  g_signal_connect (client, "notify::username", G_CALLBACK (chosen_cb), self);
  g_signal_connect (client, "notify::password", G_CALLBACK (chosen_cb), self);
  prompt_complete_set_client (aside);

  return TRUE;
}

static TornadisPubSubClient *
make_messages_client (gpointer user_data)
{
  PromptSession *self = user_data;
  TornadisPubSubClient *client = tool_options_make_client (&self->options, TORNADIS_TYPE_PUB_SUB_CLIENT);
  g_autofree char *username = NULL;
  g_autofree char *password = NULL;

  g_object_get (self->client, "username", &username, "password", &password, NULL);
  if (client != NULL)
    g_object_set (client, "username", username, "password", password, NULL);

  return client;
}

/* Takes what is in @options. Returns: (nullable): NULL when they are wrong, which is printed */
PromptSession *
prompt_session_new (ToolOptions *options)
{
  PromptSession *self = g_new0 (PromptSession, 1);

  self->options = *options;
  *options = (ToolOptions){ 0 };
  if (!session_make_clients (self))
    {
      prompt_session_free (self);
      return NULL;
    }
  prompt_messages_set_make_func (make_messages_client, self);

  return self;
}

static void
session_drop_client (PromptSession *self)
{
  g_clear_handle_id (&self->moment_source, g_source_remove);
  prompt_messages_close ();
  prompt_tracking_clear ();
  prompt_commands_clear ();
  prompt_complete_set_client (NULL);
  if (self->client != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->client, self);
      tornadis_client_close (self->client);
    }
  if (self->aside != NULL)
    tornadis_client_close (self->aside);
  g_clear_pointer (&self->master, g_free);
}

void
prompt_session_free (PromptSession *self)
{
  session_drop_client (self);
  g_clear_object (&self->client);
  g_clear_object (&self->aside);
  g_clear_object (&self->running);
  tool_options_clear (&self->options);
  g_free (self);
}

/* Connects. @changed is called whenever there is something new about the connection. */
void
prompt_session_start (PromptSession *self,
                      GSourceOnceFunc changed,
                      gpointer user_data)
{
  self->changed = changed;
  self->changed_data = user_data;
  self->down = TRUE;
  prompt_session_try (self);
}

/* Whether it will be known in a moment whether there is a connection. */
gboolean
prompt_session_is_pending (PromptSession *self)
{
  return self->trying && self->down && !self->failed && !self->slow;
}

/* What stands before the line. */
char *
prompt_session_make_text (PromptSession *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GString) safe = g_string_new (NULL);
  g_autofree char *title = NULL;
  guint db;

  if (self->down)
    return g_strdup ("not connected> ");

  g_object_get (self->client, "title", &title, "db", &db, NULL);
  g_string_append (text, title);
  if (self->master != NULL)
    g_string_append_printf (text, " %s", self->master);
  if (db != 0)
    g_string_append_printf (text, "[%u]", db);
  if (self->in_transaction)
    g_string_append (text, "(TX)");
  g_string_append (text, "> ");
  tool_line_append (safe, text->str, text->len);

  return g_string_free (g_steal_pointer (&safe), FALSE);
}

/* Begins again, with other clients, as the options say. */
gboolean
prompt_session_restart (PromptSession *self,
                        const char *beginning)
{
  g_autoptr (TornadisClient) client = g_object_ref (self->client);
  g_autoptr (TornadisClient) aside = g_object_ref (self->aside);

  if (!session_make_clients (self))
    return FALSE;

  g_signal_handlers_disconnect_by_data (client, self);
  tornadis_client_close (client);
  tornadis_client_close (aside);
  self->n_ended += prompt_messages_close ();
  prompt_commands_clear ();
  g_clear_pointer (&self->master, g_free);
  g_clear_handle_id (&self->moment_source, g_source_remove);
  self->beginning = beginning;
  self->lost = self->trying = FALSE;
  self->down = TRUE;
  prompt_session_try (self);

  return TRUE;
}

/* Goes to another server, which @uri names, or host and port; all else stays as the options say. Takes what it is given. */
gboolean
prompt_session_move (PromptSession *self,
                     char *uri,
                     char *host,
                     int port)
{
  ToolOptions before = self->options;

  self->options.uri = uri;
  self->options.host = host;
  self->options.port = port;
  self->options.socket = NULL;
  self->options.cluster = FALSE;
  if (!prompt_session_restart (self, "Connected"))
    {
      g_free (uri);
      g_free (host);
      self->options.uri = before.uri;
      self->options.host = before.host;
      self->options.port = before.port;
      self->options.socket = before.socket;
      self->options.cluster = before.cluster;
      return FALSE;
    }

  g_free (before.uri);
  g_free (before.host);
  g_free (before.socket);
  return TRUE;
}
