/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The server that the prompt speaks to: which it is, whether it is there, and what is the same after it was not. Calls of
 * the user go over one client; what the prompt asks for itself goes over another, so that no transaction and no state of
 * the connection is disturbed; channels have a third. */

#include "prompt-session.h"

#include <string.h>

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

/* Connected, and all is known that is said about it. */
static void
session_is_up (PromptSession *self,
               const char *new_master)
{
  const char *transaction = self->in_transaction ? "; the transaction is gone" : "";
  const char *watched = self->watching ? "; nothing is watched any more" : "";

  self->trying = FALSE;
  self->failed = FALSE;
  if (new_master != NULL)
    prompt_print_line (PROMPT_STYLE_NOTICE, "Connected again; the master is %s now%s%s", new_master, transaction, watched);
  else if (self->lost || self->in_transaction || self->watching)
    prompt_print_line (PROMPT_STYLE_NOTICE, "Connected again%s%s", transaction, watched);
  self->lost = FALSE;
  self->in_transaction = FALSE;
  self->watching = FALSE;

  /* The server may be another. */
  prompt_commands_load (self->aside);
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

static void
disconnected_cb (TornadisClient *client,
                 GError *error,
                 PromptSession *self)
{
  gboolean given_up = self->running != NULL && g_cancellable_is_cancelled (self->running);

  /* Closed by the prompt itself. */
  if (error == NULL)
    return;

  if (!given_up)
    {
      prompt_print_line (PROMPT_STYLE_NOTICE, "%s", error->message);
      self->lost = TRUE;
    }
  prompt_session_try (self);
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
  if (self->client != (TornadisClient *) object)
    return;

  first = !self->failed;
  self->failed = TRUE;
  self->trying = !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION);
  /* A call that runs has the same outcome. */
  if (!self->trying && self->running == NULL)
    prompt_print_line (PROMPT_STYLE_ERROR, "%s", error->message);
  else if (self->trying && first)
    prompt_print_line (PROMPT_STYLE_NOTICE, "%s; trying again", error->message);
  if (self->trying)
    tornadis_client_connect_async (self->client, NULL, tried_cb, self);
  self->changed (self->changed_data);
}

/* Connects, for as long as it takes: the client spaces the attempts. */
void
prompt_session_try (PromptSession *self)
{
  if (self->trying)
    return;

  self->trying = TRUE;
  self->failed = FALSE;
  tornadis_client_connect_async (self->client, NULL, tried_cb, self);
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
  prompt_messages_close ();
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
  prompt_session_try (self);
}

gboolean
prompt_session_is_trying (PromptSession *self)
{
  return self->trying;
}

/* Whether an attempt to connect has failed, and there is no connection yet. */
gboolean
prompt_session_has_failed (PromptSession *self)
{
  return self->failed;
}

/* What stands before the line. */
char *
prompt_session_make_text (PromptSession *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GString) safe = g_string_new (NULL);
  g_autofree char *title = NULL;
  guint db;

  if (!tornadis_client_is_connected (self->client))
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
prompt_session_restart (PromptSession *self)
{
  g_autoptr (TornadisClient) client = g_object_ref (self->client);
  g_autoptr (TornadisClient) aside = g_object_ref (self->aside);

  if (!session_make_clients (self))
    return FALSE;

  g_signal_handlers_disconnect_by_data (client, self);
  tornadis_client_close (client);
  tornadis_client_close (aside);
  prompt_messages_close ();
  prompt_commands_clear ();
  g_clear_pointer (&self->master, g_free);
  self->lost = self->in_transaction = self->watching = self->trying = FALSE;
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
  if (!prompt_session_restart (self))
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
