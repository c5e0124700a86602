/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the user calls. Most goes to the server as it is; what would leave the client out of step is done in its own way,
 * or said not to be. */

#include "prompt-session.h"

#include <string.h>

/* What HELLO says about a connection, and the client sends with its own. */
typedef struct
{
  TornadisProtocol protocol;
  char *username; /* (owned) (nullable) */
  char *password; /* (owned) (nullable): neither is said */
  char *name;     /* (owned) (nullable): likewise */
} Login;

/* One call of the user. */
typedef struct
{
  PromptSession *session;
  GPtrArray *words; /* (owned) (element-type GBytes) */
  PromptRanFunc func;
  gpointer user_data;
  GError *error;             /* (owned) (nullable) */
  GCancellable *cancellable; /* (owned) (nullable): of a HELLO that is tried */
  Login wanted;
  Login before;        /* of the client, before it was changed */
  gboolean was_wanted; /* before that: a connection */
} Run;

static void
login_clear (Login *self)
{
  g_free (self->username);
  g_free (self->password);
  g_free (self->name);
}

static void
login_apply (const Login *self,
             TornadisClient *client)
{
  g_object_set (client, "protocol", self->protocol, NULL);
  if (self->password != NULL)
    g_object_set (client, "username", self->username, "password", self->password, NULL);
  if (self->name != NULL)
    g_object_set (client, "client-name", self->name, NULL);
}

static TornadisCommand *
run_make_command (Run *self)
{
  return tornadis_command_new_bytes ((GBytes **) self->words->pdata, self->words->len);
}

static void
run_finish (Run *self,
            TornadisReply *reply,
            const GError *error)
{
  g_clear_object (&self->session->running);
  self->func (reply, error, self->user_data);
  g_ptr_array_unref (self->words);
  g_clear_error (&self->error);
  g_clear_object (&self->cancellable);
  login_clear (&self->wanted);
  login_clear (&self->before);
  g_free (self);
}

static void
run_failed_cb (gpointer user_data)
{
  Run *self = user_data;

  run_finish (self, NULL, self->error);
}

static void
run_fail (Run *self,
          const char *message)
{
  self->error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_USAGE, message);
  g_idle_add_once (run_failed_cb, self);
}

static void
run_ok (Run *self,
        const char *status)
{
  g_autofree char *resp = g_strdup_printf ("+%s\r\n", status);
  g_autoptr (GBytes) bytes = g_bytes_new (resp, strlen (resp));
  g_autoptr (TornadisReply) reply = tornadis_reply_new_from_resp (bytes, NULL);

  run_finish (self, reply, NULL);
}

/* Says why the client does not take a command, of which its own words may be good: those of a cluster are for programs. */
static void
run_refuse (Run *self,
            GError **error)
{
  g_autoptr (TornadisCommand) command = run_make_command (self);
  g_autofree char *text = NULL;

  /* That is not for reasons of a cluster. */
  if (self->session->in_transaction)
    return;

  text = tool_command_describe_error (command, *error);
  g_clear_error (error);
  g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, text);
}

static char *
dup_word (GPtrArray *words,
          guint i)
{
  gsize length;
  const char *data = g_bytes_get_data (g_ptr_array_index (words, i), &length);

  return g_strndup (data, length);
}

static gboolean
is_shutdown (GPtrArray *words)
{
  return prompt_words_have (words, 0, "SHUTDOWN") && !prompt_words_have (words, 1, "ABORT");
}

/* Whether a call that nobody waits for any more may change what the prompt shows, or what later commands mean. */
static gboolean
run_leaves_doubt (Run *self,
                  const GError *error)
{
  static const char *const names[] = { "SELECT", "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "AUTH", "CLIENT" };

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) &&
      !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT))
    return FALSE;
  if (self->session->in_transaction)
    return TRUE;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (prompt_words_have (self->words, 0, names[i]))
      return TRUE;

  return FALSE;
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Run *run = user_data;
  PromptSession *self = run->session;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);
  g_autoptr (TornadisReply) typed = NULL;

  if (prompt_words_have (run->words, 0, "WATCH") && reply != NULL)
    self->watching = TRUE;
  else if (prompt_words_have (run->words, 0, "MULTI") && reply != NULL)
    self->in_transaction = TRUE;
  prompt_tracking_follow (self->client, run->words, reply);
  /* The client counts WATCH as its beginning, too. Of one that is lost is said when there is another connection. */
  if (tornadis_client_is_connected (self->client) && !tornadis_client_is_in_transaction (self->client))
    {
      self->watching = FALSE;
      self->in_transaction = FALSE;
    }

  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE))
    run_refuse (run, &error);
  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST) && tornadis_client_is_in_transaction (self->client))
    prompt_session_hurry (self, TRUE);
  if (tornadis_client_is_connected (self->client) && run_leaves_doubt (run, error))
    prompt_session_leave (self);
  /* Its connection ends without a reply. */
  if (is_shutdown (run->words) && g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST))
    {
      prompt_session_stopped (self);
      g_clear_error (&error);
    }
  else
    {
      self->stopping = FALSE;
    }
  if (reply != NULL)
    {
      g_autoptr (TornadisCommand) command = run_make_command (run);

      typed = tool_command_type_reply (command, reply);
    }
  run_finish (run, typed, error);
}

/* A connection was made as properties say that were set, or all is as before. */
static void
reconnected_cb (GObject *object,
                GAsyncResult *result,
                gpointer user_data)
{
  Run *run = user_data;
  PromptSession *self = run->session;
  g_autoptr (GError) error = NULL;

  if (tornadis_client_connect_finish (TORNADIS_CLIENT (object), result, &error))
    {
      /* Of HELLO it is said what the connection is like. */
      if (prompt_words_have (run->words, 0, "AUTH"))
        run_ok (run, "OK");
      else
        run_finish (run, NULL, NULL);
      return;
    }

  g_object_set (object, "protocol", run->before.protocol, "username", run->before.username, "password", run->before.password,
                "client-name", run->before.name, NULL);
  self->beginning = NULL;
  self->lost |= run->was_wanted;
  self->down = TRUE;
  if (run->was_wanted)
    prompt_session_try (self);
  run_finish (run, NULL, error);
}

static void
run_reconnect (Run *self,
               GCancellable *cancellable)
{
  TornadisClient *client = self->session->client;
  Login *before = &self->before;

  self->was_wanted = self->session->trying || tornadis_client_is_connected (client);
  g_object_get (client, "protocol", &before->protocol, "username", &before->username, "password", &before->password,
                "client-name", &before->name, NULL);
  login_apply (&self->wanted, client);
  if (prompt_words_have (self->words, 0, "HELLO"))
    self->session->beginning = "Connected anew";

  tornadis_client_close (client);
  self->session->trying = FALSE;
  tornadis_client_connect_async (client, cancellable, reconnected_cb, self);
}

/* What the server has said to HELLO, or to AUTH where that is sent instead, without what the client says before it. */
static GError *
dup_refusal (const GError *error)
{
  static const char *const marks[] = { ": HELLO: ", ": AUTH: " };

  for (guint i = 0; i < G_N_ELEMENTS (marks); i++)
    {
      const char *words = strstr (error->message, marks[i]);

      if (words != NULL && error->domain == TORNADIS_ERROR)
        return g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_REPLY, words + strlen (marks[i]));
    }

  return g_error_copy (error);
}

static void
tried_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  Run *run = user_data;
  g_autoptr (TornadisClient) probe = TORNADIS_CLIENT (object);
  g_autoptr (GError) error = NULL;

  if (tornadis_client_connect_finish (probe, result, &error))
    {
      tornadis_client_close (probe);
      run_reconnect (run, run->cancellable);
    }
  else
    {
      g_autoptr (GError) refusal = dup_refusal (error);

      run_finish (run, NULL, refusal);
    }
}

/* Tries what HELLO says on another connection: the one that is there, and what has begun on it, ends only for one that the
 * server takes. */
static void
run_try (Run *self,
         GCancellable *cancellable)
{
  TornadisClient *client = self->session->client;
  TornadisClient *probe = NULL;
  Login login = { 0 };
  guint db;

  if (tornadis_client_is_connected (client))
    probe = tool_options_make_client (&self->session->options, TORNADIS_TYPE_CLIENT);
  if (probe == NULL)
    {
      run_reconnect (self, cancellable);
      return;
    }

  g_object_get (client, "db", &db, "username", &login.username, "password", &login.password, NULL);
  g_object_set (probe, "db", db, "username", login.username, "password", login.password, NULL);
  login_clear (&login);
  login_apply (&self->wanted, probe);
  g_set_object (&self->cancellable, cancellable);
  tornadis_client_connect_async (probe, cancellable, tried_cb, self);
}

/* HELLO and AUTH are properties of the client, which it sends itself: of AUTH only where there is no connection without. */
static void
run_hello (Run *self,
           GCancellable *cancellable)
{
  GPtrArray *words = self->words;
  Login *wanted = &self->wanted;
  guint i = 2;

  wanted->protocol = TORNADIS_PROTOCOL_AUTO;
  if (prompt_words_have (words, 1, "2"))
    wanted->protocol = TORNADIS_PROTOCOL_RESP2;
  else if (prompt_words_have (words, 1, "3"))
    wanted->protocol = TORNADIS_PROTOCOL_RESP3;

  for (;;)
    {
      if (prompt_words_have (words, i, "AUTH") && i + 2 < words->len)
        {
          g_free (wanted->username);
          g_free (wanted->password);
          wanted->username = dup_word (words, i + 1);
          wanted->password = dup_word (words, i + 2);
          i += 3;
        }
      else if (prompt_words_have (words, i, "SETNAME") && i + 1 < words->len)
        {
          g_free (wanted->name);
          wanted->name = dup_word (words, i + 1);
          i += 2;
        }
      else
        {
          break;
        }
    }

  for (const char *p = wanted->name; p != NULL && *p != '\0'; p++)
    if (!g_ascii_isgraph (*p))
      {
        run_fail (self, "The name of a client has no spaces and no other characters than those of ASCII");
        return;
      }
  if (wanted->protocol == TORNADIS_PROTOCOL_AUTO || i < words->len)
    run_fail (self, "Here it is HELLO 2|3 [AUTH username password] [SETNAME name], which connects again");
  else
    run_try (self, cancellable);
}

static void
run_auth (Run *self,
          GCancellable *cancellable)
{
  guint n = self->words->len;

  g_object_get (self->session->client, "protocol", &self->wanted.protocol, NULL);
  self->wanted.username = n == 3 ? dup_word (self->words, 1) : NULL;
  self->wanted.password = dup_word (self->words, n - 1);
  run_reconnect (self, cancellable);
}

static void
messages_done_cb (gpointer user_data)
{
  Run *self = user_data;

  run_finish (self, NULL, NULL);
}

/* What would leave the client out of step is done in another way, or said to be so. Returns FALSE for a plain call. */
static gboolean
run_special (Run *self,
             GCancellable *cancellable)
{
  GPtrArray *words = self->words;
  TornadisClient *client = self->session->client;
  gboolean in_transaction = self->session->in_transaction;

  if (prompt_messages_take_command (words) && in_transaction)
    run_fail (self, "Channels have a connection of their own here, which is not part of the transaction");
  else if (prompt_messages_take_command (words))
    prompt_messages_run (words, cancellable, messages_done_cb, self);
  else if (prompt_words_have (words, 0, "MONITOR"))
    run_fail (self, "MONITOR does not end: leave the prompt, and call “tornadis monitor”");
  else if (prompt_words_have (words, 0, "CLIENT") && prompt_words_have (words, 1, "REPLY"))
    run_fail (self, "CLIENT REPLY would leave the prompt without replies");
  else if (prompt_words_have (words, 0, "RESET"))
    run_fail (self, "RESET has no arguments here");
  else if (prompt_words_have (words, 0, "HELLO") && in_transaction)
    run_fail (self, "HELLO connects again here, which would end the transaction: EXEC or DISCARD first");
  else if (prompt_words_have (words, 0, "HELLO"))
    run_hello (self, cancellable);
  else if (prompt_words_have (words, 0, "AUTH") && words->len >= 2 && words->len <= 3 && !tornadis_client_is_connected (client))
    run_auth (self, cancellable);
  else
    return FALSE;

  return TRUE;
}

static void
move (PromptSession *self,
      GPtrArray *words)
{
  g_autofree char *place = words->len > 1 ? dup_word (words, 1) : g_strdup ("");
  g_autofree char *number = words->len == 3 ? dup_word (words, 2) : NULL;
  guint64 port = 0;

  if (words->len == 2 && strstr (place, "://") != NULL)
    prompt_session_move (self, g_steal_pointer (&place), NULL, TOOL_NOT_GIVEN);
  else if (number != NULL && g_ascii_string_to_unsigned (number, 10, 1, G_MAXUINT16, &port, NULL))
    prompt_session_move (self, NULL, g_steal_pointer (&place), (int) port);
  else if (number != NULL)
    prompt_print_line (PROMPT_STYLE_ERROR, "%s is no port: that is a number from 1 to 65535", number);
  else
    prompt_print_line (PROMPT_STYLE_ERROR, "It is connect HOST PORT, or connect URI");
}

/* Runs a command. Returns FALSE if that was one of the prompt, which has no reply. */
gboolean
prompt_session_run (PromptSession *self,
                    GPtrArray *words,
                    GCancellable *cancellable,
                    PromptRanFunc func,
                    gpointer user_data)
{
  g_autoptr (TornadisCommand) command = NULL;
  Run *run;

  if (prompt_words_have (words, 0, "connect"))
    {
      move (self, words);
      return FALSE;
    }
  /* All is as it was at the start. */
  if (prompt_words_have (words, 0, "RESET") && words->len == 1)
    {
      prompt_session_restart (self, "Reset");
      return FALSE;
    }

  run = g_new0 (Run, 1);
  run->session = self;
  run->words = g_ptr_array_ref (words);
  run->func = func;
  run->user_data = user_data;
  g_set_object (&self->running, cancellable);
  self->stopping = is_shutdown (words);
  if (run_special (run, cancellable))
    return TRUE;

  prompt_session_hurry (self, FALSE);
  prompt_tracking_prepare (self->client, words);
  command = run_make_command (run);
  tornadis_client_call_async (self->client, command, cancellable, called_cb, run);

  return TRUE;
}
