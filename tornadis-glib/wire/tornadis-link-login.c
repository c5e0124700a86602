/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Logging in: when a connection is made, and again while it is up. */

#include "tornadis-glib/wire/tornadis-link-private.h"

#include "tornadis-glib/tornadis-error.h"

/* How often it is looked whether a transaction has ended other than by a call that is queued. */
#define TRANSACTION_USEC G_TIME_SPAN_SECOND

void
tornadis_link_give_login (TornadisLink *self,
                          GBytes *username,
                          GBytes *password,
                          const GError *error)
{
  if (self->connector == NULL)
    return;

  if (error == NULL)
    tornadis_session_set_login (&self->session, username != NULL ? g_bytes_ref (username) : NULL,
                                password != NULL ? g_bytes_ref (password) : NULL);
  tornadis_connector_give_login (self->connector, username, password, error);
}

static void
login_cb (TornadisReply *reply,
          const GError *error,
          gpointer user_data)
{
  TornadisLink *self = user_data;

  self->login_id = 0;
  self->session.n_logins = 0;
  if (reply != NULL && !self->freed)
    self->funcs.login_completed (reply, self->user_data);
}

void
tornadis_link_send_login (TornadisLink *self)
{
  const TornadisOrigin origin = { .func = login_cb, .user_data = self, .notifies = TORNADIS_NOTIFIES_MAKER };
  g_autoptr (TornadisCommand) login = NULL;

  /* The server would queue it for EXEC. */
  if (self->connection == NULL || tornadis_queue_get_expected (self->queue).in_multi)
    return;

  login = g_steal_pointer (&self->login);
  self->login_asked = g_get_monotonic_time ();
  self->login_id = tornadis_queue_push (self->queue, login, TORNADIS_SLOT_LINK_ONLY, &origin);
  self->session.n_logins = 1;
  if (self->login_timeout_sec > 0)
    tornadis_link_arm (self, self->login_asked + self->login_timeout_sec * G_TIME_SPAN_SECOND);
  tornadis_connection_kick_later (self->connection);
}

void
tornadis_link_log_in (TornadisLink *self,
                      GBytes *username,
                      GBytes *password)
{
  if (self->connection == NULL)
    return;

  g_clear_pointer (&self->login, tornadis_command_unref);
  self->login = tornadis_command_new ("AUTH");
  if (username != NULL)
    tornadis_command_append_bytes (self->login, username);
  if (password != NULL)
    tornadis_command_append_bytes (self->login, password);
  else
    tornadis_command_append_string (self->login, "");

  tornadis_link_send_login (self);
  if (self->login != NULL)
    tornadis_link_arm (self, g_get_monotonic_time () + TRANSACTION_USEC);
}

gint64
tornadis_link_check_login (TornadisLink *self,
                           gint64 now)
{
  gint64 timeout = self->login_timeout_sec * G_TIME_SPAN_SECOND;

  if (self->login != NULL)
    {
      tornadis_link_send_login (self);
      if (self->login != NULL)
        return now + TRANSACTION_USEC;
    }

  if (self->login_id == 0 || timeout == 0)
    return 0;

  /* What is ahead of it may take as long as it likes. */
  if (!tornadis_queue_is_due (self->queue, self->login_id))
    self->login_asked = now;

  if (now >= self->login_asked + timeout)
    {
      g_autoptr (GError) error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT,
                                              "The server has not answered AUTH within %u seconds", self->login_timeout_sec);

      tornadis_link_lost (self, error);
      return 0;
    }

  return self->login_asked + timeout;
}

void
tornadis_link_forget_login (TornadisLink *self)
{
  g_clear_pointer (&self->login, tornadis_command_unref);
  self->login_id = 0;
  self->session.n_logins = 0;
}

void
tornadis_link_replace (TornadisLink *self,
                       const GError *error)
{
  if (self->connection == NULL)
    return;

  self->unusable = self->moves = TRUE;
  tornadis_connection_retire (self->connection, error);
}

gboolean
tornadis_link_is_settled (TornadisLink *self)
{
  /* Between the reply to a login and that to the ECHO behind it there is one less. */
  return tornadis_queue_get_n_unsettled (self->queue) <= self->session.n_logins;
}

gboolean
tornadis_link_is_idle (TornadisLink *self)
{
  /* Each with its ECHO. */
  return tornadis_queue_get_length (self->queue) == 2 * self->session.n_logins && tornadis_link_is_settled (self);
}
