/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-session.h"

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/values/tornadis-secret.h"

static void
session_forget_queued (TornadisSession *self)
{
  self->n_queued = 0;
  g_clear_pointer (&self->effects, g_ptr_array_unref);
}

void
tornadis_session_set_login (TornadisSession *self,
                            GBytes *username,
                            GBytes *password)
{
  g_clear_pointer (&self->username, g_bytes_unref);
  self->username = username;
  g_clear_pointer (&self->password, g_bytes_unref);
  self->password = password;
}

void
tornadis_session_clear (TornadisSession *self)
{
  session_forget_queued (self);
  g_clear_pointer (&self->username, g_bytes_unref);
  g_clear_pointer (&self->password, g_bytes_unref);
  g_clear_pointer (&self->client_name, g_free);
  for (guint i = 0; i < TORNADIS_SESSION_N_SETTINGS; i++)
    g_clear_pointer (&self->settings[i], tornadis_command_unref);
}

void
tornadis_session_begin (TornadisSession *self,
                        int db,
                        GBytes *username,
                        GBytes *password,
                        const char *client_name)
{
  self->db = db;
  tornadis_session_set_login (self, username != NULL ? g_bytes_ref (username) : NULL, password != NULL ? g_bytes_ref (password) : NULL);
  g_free (self->client_name);
  self->client_name = g_strdup (client_name);
}

void
tornadis_session_end (TornadisSession *self,
                      TornadisTransaction lost)
{
  static const TornadisTransaction none = { FALSE, FALSE };

  session_forget_queued (self);
  self->answered = none;
  if (tornadis_transaction_is_open (lost))
    {
      self->lost = lost;
      self->loss_known = FALSE;
    }
  self->altered = FALSE;
  self->stale = TRUE;
}

void
tornadis_transaction_follow (TornadisTransaction *self,
                             TornadisCommandEffect effect)
{
  switch (effect)
    {
    case TORNADIS_COMMAND_MULTI:
      self->in_multi = TRUE;
      break;
    case TORNADIS_COMMAND_WATCH:
      /* Within MULTI it is an error, which leaves all as it is. */
      self->watching |= !self->in_multi;
      break;
    case TORNADIS_COMMAND_EXEC:
    case TORNADIS_COMMAND_DISCARD:
      /* Without MULTI too. */
      if (self->in_multi)
        self->in_multi = self->watching = FALSE;
      break;
    case TORNADIS_COMMAND_UNWATCH:
      self->watching &= self->in_multi;
      break;
    case TORNADIS_COMMAND_PLAIN:
    case TORNADIS_COMMAND_REFUSED:
    case TORNADIS_COMMAND_SELECT:
    case TORNADIS_COMMAND_AUTH:
    case TORNADIS_COMMAND_SET_NAME:
    case TORNADIS_COMMAND_READONLY:
    case TORNADIS_COMMAND_NO_EVICT:
    case TORNADIS_COMMAND_NO_TOUCH:
    case TORNADIS_COMMAND_OTHER:
    case TORNADIS_COMMAND_BLOCKING:
    default:
      break;
    }
}

void
tornadis_session_queued (TornadisSession *self,
                         TornadisCommandEffect effect)
{
  tornadis_transaction_follow (&self->expected, effect);
  self->n_unsettled += tornadis_session_is_unsettled_by (effect);
}

static char *
command_dup_arg (TornadisCommand *command,
                 gsize i)
{
  g_autoptr (GBytes) bytes = i < tornadis_command_get_n_args (command) ? tornadis_command_get_arg (command, i) : NULL;
  const char *data;
  gsize length;

  if (bytes == NULL)
    return NULL;

  /* Of an empty one there is none. */
  data = g_bytes_get_data (bytes, &length);
  return g_strndup (data != NULL ? data : "", length);
}

static TornadisSessionChange
session_apply_select (TornadisSession *self,
                      TornadisCommand *command)
{
  g_autofree char *text = command_dup_arg (command, 1);
  gint64 db = text != NULL ? g_ascii_strtoll (text, NULL, 10) : -1;

  if (db < 0 || db > G_MAXINT)
    return TORNADIS_SESSION_UNCHANGED;

  self->db = (int) db;
  return TORNADIS_SESSION_CHANGED_DB;
}

static TornadisSessionChange
session_apply_auth (TornadisSession *self,
                    TornadisCommand *command)
{
  gsize n_args = tornadis_command_get_n_args (command);

  if (n_args < 2)
    return TORNADIS_SESSION_UNCHANGED;

  tornadis_session_set_login (self, n_args > 2 ? tornadis_command_get_arg (command, 1) : NULL,
                              tornadis_secret_take (tornadis_command_get_arg (command, n_args - 1)));
  return TORNADIS_SESSION_CHANGED_USER;
}

static TornadisSessionChange
session_apply_name (TornadisSession *self,
                    TornadisCommand *command)
{
  char *name = command_dup_arg (command, 2);

  if (name == NULL)
    return TORNADIS_SESSION_UNCHANGED;

  g_free (self->client_name);
  self->client_name = *name != '\0' ? g_steal_pointer (&name) : NULL;
  g_free (name);
  return TORNADIS_SESSION_CHANGED_NAME;
}

static TornadisSessionChange
session_apply_setting (TornadisSession *self,
                       TornadisSessionSetting setting,
                       TornadisCommand *command)
{
  g_clear_pointer (&self->settings[setting], tornadis_command_unref);
  self->settings[setting] = tornadis_command_ref (command);
  return TORNADIS_SESSION_UNCHANGED;
}

/* A command ran, by itself or in EXEC. */
static TornadisSessionChange
session_apply (TornadisSession *self,
               TornadisCommand *command,
               TornadisReply *reply)
{
  if (command == NULL || tornadis_reply_is_error (reply))
    return TORNADIS_SESSION_UNCHANGED;

  switch (tornadis_command_get_effect (command))
    {
    case TORNADIS_COMMAND_SELECT:
      return session_apply_select (self, command);
    case TORNADIS_COMMAND_AUTH:
      return session_apply_auth (self, command);
    case TORNADIS_COMMAND_SET_NAME:
      return session_apply_name (self, command);
    case TORNADIS_COMMAND_READONLY:
      return session_apply_setting (self, TORNADIS_SESSION_READONLY, command);
    case TORNADIS_COMMAND_NO_EVICT:
      return session_apply_setting (self, TORNADIS_SESSION_NO_EVICT, command);
    case TORNADIS_COMMAND_NO_TOUCH:
      return session_apply_setting (self, TORNADIS_SESSION_NO_TOUCH, command);
    case TORNADIS_COMMAND_OTHER:
      self->altered = TRUE;
      return tornadis_command_is_monitor (command) ? TORNADIS_SESSION_MONITORS : TORNADIS_SESSION_UNCHANGED;
    case TORNADIS_COMMAND_PLAIN:
    case TORNADIS_COMMAND_REFUSED:
    case TORNADIS_COMMAND_MULTI:
    case TORNADIS_COMMAND_EXEC:
    case TORNADIS_COMMAND_DISCARD:
    case TORNADIS_COMMAND_WATCH:
    case TORNADIS_COMMAND_UNWATCH:
    case TORNADIS_COMMAND_BLOCKING:
    default:
      break;
    }

  return TORNADIS_SESSION_UNCHANGED;
}

/* EXEC or DISCARD was answered: the commands that the server had queued have run, each with its own outcome, or never will. */
static TornadisSessionChange
session_apply_queued (TornadisSession *self,
                      TornadisReply *reply)
{
  TornadisSessionChange changes = TORNADIS_SESSION_UNCHANGED;
  guint n_effects = self->effects != NULL ? MIN (self->effects->len, (guint) tornadis_reply_get_n_elements (reply)) : 0;

  for (guint i = 0; i < n_effects; i++)
    changes |= session_apply (self, g_ptr_array_index (self->effects, i), tornadis_reply_get_element (reply, i));
  session_forget_queued (self);

  return changes;
}

static void
effect_free (gpointer command)
{
  if (command != NULL)
    tornadis_command_unref (command);
}

/* The server has queued @command for EXEC. */
static void
session_add_queued (TornadisSession *self,
                    TornadisCommand *command,
                    TornadisCommandEffect effect)
{
  guint position = self->n_queued++;

  if (!tornadis_session_is_unsettled_by (effect))
    return;

  if (self->effects == NULL)
    self->effects = g_ptr_array_new_with_free_func (effect_free);
  g_ptr_array_set_size (self->effects, (int) position + 1);
  g_ptr_array_index (self->effects, position) = tornadis_command_ref (command);
}

TornadisSessionChange
tornadis_session_answered (TornadisSession *self,
                           TornadisCommandEffect effect,
                           TornadisCommand *command,
                           TornadisReply *reply)
{
  TornadisSessionChange changes = TORNADIS_SESSION_UNCHANGED;
  TornadisTransaction before = self->answered;
  gboolean ok = !tornadis_reply_is_error (reply);

  self->n_unsettled -= tornadis_session_is_unsettled_by (effect);

  if (before.in_multi && reply->kind == TORNADIS_REPLY_KIND_STATUS && tornadis_reply_equals_text (reply, "QUEUED"))
    {
      session_add_queued (self, command, effect);
      return TORNADIS_SESSION_UNCHANGED;
    }

  /* Whatever EXEC says within MULTI, the transaction is over. */
  if (ok || (effect == TORNADIS_COMMAND_EXEC && before.in_multi))
    tornadis_transaction_follow (&self->answered, effect);
  else if (effect != TORNADIS_COMMAND_PLAIN)
    self->stale = TRUE;

  if (before.in_multi && !self->answered.in_multi)
    changes = session_apply_queued (self, reply);
  else if (!before.in_multi)
    changes = session_apply (self, command, reply);

  return changes;
}

static TornadisSessionConcern
command_get_concern (TornadisCommand *command)
{
  TornadisCommandEffect effect = tornadis_command_get_effect (command);

  if (!tornadis_session_is_unsettled_by (effect))
    return TORNADIS_SESSION_NO_CONCERN;
  if (effect == TORNADIS_COMMAND_MULTI || effect == TORNADIS_COMMAND_WATCH || effect == TORNADIS_COMMAND_EXEC ||
      effect == TORNADIS_COMMAND_DISCARD)
    return TORNADIS_SESSION_CONCERN_KEPT | TORNADIS_SESSION_CONCERN_TRANSACTION;

  return TORNADIS_SESSION_CONCERN_KEPT;
}

TornadisSessionConcern
tornadis_session_get_concern (TornadisCommand *command,
                              GPtrArray *commands,
                              gboolean atomic)
{
  TornadisSessionConcern concern = TORNADIS_SESSION_NO_CONCERN;

  if (command != NULL)
    return command_get_concern (command);
  if (atomic)
    return TORNADIS_SESSION_CONCERN_KEPT;

  for (guint i = 0; i < commands->len; i++)
    concern |= command_get_concern (g_ptr_array_index (commands, i));

  return concern;
}

void
tornadis_transaction_follow_all (TornadisTransaction *self,
                                 TornadisCommand *command,
                                 GPtrArray *commands)
{
  for (guint i = 0; i < (command != NULL ? 1 : commands->len); i++)
    tornadis_transaction_follow (self,
                                 tornadis_command_get_effect (command != NULL ? command : g_ptr_array_index (commands, i)));
}

void
tornadis_session_lose_begun (TornadisSession *self)
{
  self->loss_id++;
  self->loss_known = FALSE;
}

void
tornadis_session_know_loss (TornadisSession *self,
                            guint loss_id)
{
  self->loss_known |= loss_id == self->loss_id && tornadis_transaction_is_open (self->lost);
}

void
tornadis_session_know_refusal (TornadisSession *self,
                               guint loss_id,
                               gboolean is_lost)
{
  if (loss_id != self->refusal_id)
    return;

  self->refusal_known = is_lost;
  if (!is_lost)
    self->refused.in_multi = self->refused.watching = FALSE;
}

void
tornadis_session_forget_loss (TornadisSession *self)
{
  self->lost.in_multi = self->lost.watching = FALSE;
  self->loss_known = FALSE;
}

void
tornadis_session_forget_all (TornadisSession *self)
{
  tornadis_session_forget_loss (self);
  self->refused.in_multi = self->refused.watching = FALSE;
}

/* Whether a call with this effect has nothing to do with @lost. */
static gboolean
begins_again (const TornadisTransaction *lost,
              TornadisCommandEffect effect,
              gboolean known)
{
  switch ((guint) effect)
    {
    case TORNADIS_COMMAND_WATCH:
    case TORNADIS_COMMAND_MULTI:
      return known;
    case TORNADIS_COMMAND_UNWATCH:
      return known || !lost->in_multi;
    default:
      return FALSE;
    }
}

/* Whether a call may be sent in spite of @lost, of the session, which is forgotten when it ends there. */
static gboolean
session_admits (TornadisSession *self,
                TornadisTransaction *lost,
                TornadisCommand *command,
                GPtrArray *commands,
                gboolean atomic,
                gboolean known)
{
  static const TornadisTransaction none = { FALSE, FALSE };
  TornadisCommand *first = command != NULL ? command : g_ptr_array_index (commands, 0);
  /* As if within MULTI: EXEC ends the lost transaction, even if only WATCH had been sent. */
  TornadisTransaction transaction = { TRUE, FALSE };
  TornadisTransaction begun = none;

  if (!tornadis_transaction_is_open (*lost))
    return TRUE;

  if (!atomic && begins_again (lost, tornadis_command_get_effect (first), known))
    {
      *lost = none;
      return TRUE;
    }

  tornadis_transaction_follow_all (&transaction, command, commands);
  tornadis_transaction_follow_all (&begun, command, commands);
  /* What ends the one may begin the next, which is lost as well. */
  if (atomic || !transaction.in_multi)
    *lost = none;
  lost->watching |= !atomic && transaction.watching;
  lost->in_multi |= !atomic && begun.in_multi && transaction.in_multi;
  if (tornadis_transaction_is_open (begun))
    tornadis_session_lose_begun (self);

  return FALSE;
}

gboolean
tornadis_session_admits (TornadisSession *self,
                         TornadisCommand *command,
                         GPtrArray *commands,
                         gboolean atomic,
                         gboolean known)
{
  gboolean admits = session_admits (self, &self->lost, command, commands, atomic, known && self->loss_known);

  self->loss_known &= tornadis_transaction_is_open (self->lost);

  return admits;
}

static void
session_set_refused (TornadisSession *self,
                     TornadisTransaction refused)
{
  self->refused = refused;
  self->refusal_known = FALSE;
  self->refusal_id = self->loss_id;
}

gboolean
tornadis_session_admits_now (TornadisSession *self,
                             TornadisCommand *command,
                             GPtrArray *commands,
                             gboolean atomic,
                             gboolean is_sorting)
{
  guint loss_id = self->loss_id;
  gboolean admits = session_admits (self, &self->refused, command, commands, atomic, self->refusal_known);
  gboolean begins = loss_id != self->loss_id;

  if (!is_sorting)
    admits &= tornadis_session_admits (self, command, commands, atomic, TRUE);
  if (begins)
    session_set_refused (self, self->refused);

  return admits;
}

gboolean
tornadis_session_refuse (TornadisSession *self,
                         TornadisCommand *command,
                         GPtrArray *commands,
                         gboolean atomic,
                         gboolean is_sorting)
{
  TornadisTransaction begun = { FALSE, FALSE };
  guint loss_id = self->loss_id;

  if (!tornadis_session_admits_now (self, command, commands, atomic, is_sorting) || atomic)
    return loss_id != self->loss_id;

  tornadis_transaction_follow_all (&begun, command, commands);
  if (!tornadis_transaction_is_open (begun))
    return FALSE;

  tornadis_session_lose_begun (self);
  session_set_refused (self, begun);

  return TRUE;
}

GError *
tornadis_session_new_loss_error (const char *name)
{
  return g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_LOST,
                      "%s was not sent: the transaction that WATCH or MULTI had begun was lost with the connection", name);
}

GPtrArray *
tornadis_session_dup_settings (TornadisSession *self)
{
  GPtrArray *commands = NULL;

  for (guint i = 0; i < TORNADIS_SESSION_N_SETTINGS; i++)
    if (self->settings[i] != NULL)
      {
        if (commands == NULL)
          commands = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_command_unref);
        g_ptr_array_add (commands, tornadis_command_ref (self->settings[i]));
      }

  return commands;
}

gboolean
tornadis_session_is_pristine (const TornadisSession *self)
{
  if (tornadis_session_has_lost (self) || self->altered || self->n_unsettled > self->n_logins || tornadis_transaction_is_open (self->answered))
    return FALSE;

  for (guint i = 0; i < TORNADIS_SESSION_N_SETTINGS; i++)
    if (self->settings[i] != NULL)
      return FALSE;

  return TRUE;
}

gboolean
tornadis_session_is_moved_by_exec (const TornadisSession *self)
{
  for (guint i = 0; self->effects != NULL && i < self->effects->len; i++)
    {
      TornadisCommand *command = g_ptr_array_index (self->effects, i);

      if (command != NULL && tornadis_session_is_moved_by (tornadis_command_get_effect (command)))
        return TRUE;
    }

  return FALSE;
}

gboolean
tornadis_session_command_blocks (TornadisCommand *command)
{
  gsize n_args = tornadis_command_get_n_args (command);

  if (tornadis_command_get_effect (command) != TORNADIS_COMMAND_BLOCKING)
    return FALSE;

  /* Its arguments may have been released already. */
  if (!g_str_has_prefix (tornadis_command_get_name (command), "XREAD") || n_args == 1)
    return TRUE;

  /* A group or a consumer may have the name of an option. */
  for (gsize i = g_str_equal (tornadis_command_get_name (command), "XREADGROUP") ? 4 : 1; i < n_args; i++)
    {
      g_autofree char *arg = command_dup_arg (command, i);

      if (g_ascii_strcasecmp (arg, "STREAMS") == 0)
        return FALSE;
      if (g_ascii_strcasecmp (arg, "BLOCK") == 0)
        return TRUE;
    }

  return FALSE;
}
