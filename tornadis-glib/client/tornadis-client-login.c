/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Credentials of TornadisClient: when they are asked, and when the connection logs in again.
 *
 *   connecting   The connector asks, login_ask_for_attempt_cb(), and waits for the answer within its deadline.
 *   up           Asks because of a change, or at the time @renew; what is given goes to the link, unless it is what the
 *                connection has already. One question or AUTH at a time: a change meanwhile sets @changed.
 *   failed       There was no new login, or the server has refused it: the connection lives on while its own is valid. */

#include "tornadis-glib/client/tornadis-client-login-private.h"

#include "tornadis-glib/client/tornadis-credentials-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/values/tornadis-secret.h"

/* Two questions about one connection are this far apart, whatever the credentials do. */
#define SPACING_USEC (500 * G_TIME_SPAN_MILLISECOND)
/* A timer of GLib's counts milliseconds in 32 bits. */
#define MAX_WAIT_USEC G_TIME_SPAN_DAY

/* One request, shared by who asks and the callback. */
typedef struct
{
  grefcount ref_count;
  TornadisClientLogin *login; /* (unowned) (nullable) NULL once nobody waits for the answer */
  GCancellable *cancellable;  /* (owned) */
  gboolean is_live;           /* for a connection that is up */
} LoginQuestion;

struct _TornadisClientLogin
{
  TornadisClientPrivate *priv;      /* (unowned) */
  TornadisCredentials *credentials; /* (owned) (nullable) */
  gulong changed_id;
  LoginQuestion *attempt;  /* (unowned) (nullable) of the connector that waits for an answer */
  LoginQuestion *question; /* (owned) (nullable) for the connection that is up */
  TornadisLogin *present;  /* (owned) (nullable) that of the connection, if they have given it */
  TornadisLogin *next;     /* (owned) (nullable) the one that a connector or an AUTH is under way with */
  gint64 asked;            /* when the last question was asked, monotonic time */
  gint64 renew;            /* when a new login is to be asked for, real time; 0: never */
  GSource *timer;          /* (owned) (nullable) */
  char *failure;           /* (owned) (nullable) why there is no new login */
  gboolean refused : 1;    /* that is because the server did not take it */
  gboolean changed : 1;    /* since the last question was asked */
};

static void login_ask (TornadisClientLogin *self);
static void login_schedule (TornadisClientLogin *self);

static void
question_unref (gpointer data)
{
  LoginQuestion *self = data;

  if (!g_ref_count_dec (&self->ref_count))
    return;

  g_object_unref (self->cancellable);
  g_free (self);
}

static gboolean
cancel_cb (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

/* Nobody waits for the answer any more. Handlers of the cancellable run later: this may be within a garbage collection of
 * their language. */
static void
question_abandon (LoginQuestion *self)
{
  g_autoptr (GSource) source = NULL;

  if (self->login == NULL)
    return;

  source = g_idle_source_new ();
  g_source_set_static_name (source, "[tornadis] login cancelled");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, cancel_cb, g_object_ref (self->cancellable), g_object_unref);
  g_source_attach (source, self->login->priv->context);

  if (self->login->attempt == self)
    self->login->attempt = NULL;
  self->login = NULL;
}

static void
login_drop_question (TornadisClientLogin *self)
{
  if (self->question == NULL)
    return;

  question_abandon (self->question);
  g_clear_pointer (&self->question, question_unref);
}

static void
login_stop_timer (TornadisClientLogin *self)
{
  if (self->timer == NULL)
    return;

  g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

static void
login_start_timer (TornadisClientLogin *self,
                   gint64 usec,
                   GSourceFunc func)
{
  login_stop_timer (self);
  /* Not a moment too early, which would be waited for again. */
  self->timer = g_timeout_source_new ((guint) (CLAMP (usec, 0, MAX_WAIT_USEC) / 1000 + 1));
  g_source_set_static_name (self->timer, "[tornadis] login");
  g_source_set_callback (self->timer, func, self, NULL);
  g_source_attach (self->timer, self->priv->context);
}

static gboolean
login_is_connected (TornadisClientLogin *self)
{
  return tornadis_link_get_state (self->priv->link) == TORNADIS_CLIENT_STATE_CONNECTED;
}

static gboolean
login_has_expired (TornadisClientLogin *self)
{
  return self->present != NULL && self->present->expires != 0 && g_get_real_time () >= self->present->expires;
}

static void
login_close_expired (TornadisClientLogin *self)
{
  g_autoptr (GError) error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION,
                                          "The login has expired, and there is no other: %s", self->failure);

  self->renew = 0;
  login_stop_timer (self);
  tornadis_link_replace (self->priv->link, error);
}

static gboolean
login_timer_cb (gpointer user_data)
{
  TornadisClientLogin *self = user_data;

  g_clear_pointer (&self->timer, g_source_unref);
  login_ask (self);

  return G_SOURCE_REMOVE;
}

static gboolean
login_expired_cb (gpointer user_data)
{
  TornadisClientLogin *self = user_data;

  g_clear_pointer (&self->timer, g_source_unref);
  /* Closes it, or waits for another part of a longer time. */
  login_schedule (self);

  return G_SOURCE_REMOVE;
}

/* Sets the timer for what is to be done next with a connection that is up, when nothing is under way. */
static void
login_schedule (TornadisClientLogin *self)
{
  gint64 now = g_get_real_time ();
  gint64 spacing = self->asked + SPACING_USEC - g_get_monotonic_time ();

  login_stop_timer (self);
  if (self->credentials == NULL || !login_is_connected (self))
    return;

  if (self->changed)
    login_start_timer (self, spacing, login_timer_cb);
  else if (self->failure != NULL && login_has_expired (self))
    login_close_expired (self);
  else if (self->refused && self->present != NULL && self->present->expires != 0)
    login_start_timer (self, self->present->expires - now, login_expired_cb);
  else if (self->renew != 0)
    login_start_timer (self, MAX (spacing, self->renew - now), login_timer_cb);
}

/* What is asked next is not before half of the time that is left. */
static void
login_fail (TornadisClientLogin *self,
            const char *reason,
            gboolean refused)
{
  gint64 now = g_get_real_time ();

  g_message ("%s: could not log in again: %s", tornadis_client_get_title (self->priv), reason);
  g_free (self->failure);
  self->failure = g_strdup (reason);
  self->refused = refused;
  self->renew = 0;
  if (!refused && self->present != NULL && self->present->expires != 0)
    self->renew = MAX (now, now + (self->present->expires - now) / 2);
  login_schedule (self);
}

/* @login (transfer full) is that of the connection. */
static void
login_set_present (TornadisClientLogin *self,
                   TornadisLogin *login)
{
  gint64 now = g_get_real_time ();

  g_clear_pointer (&self->present, tornadis_login_free);
  self->present = login;
  g_clear_pointer (&self->failure, g_free);
  self->refused = FALSE;
  self->renew = login->expires != 0 ? now + (login->expires - now) / 4 * 3 : 0;
}

static gboolean
login_is_of_session (const TornadisLogin *login,
                     const TornadisSession *session)
{
  return tornadis_client_bytes_equal (login->username, session->username) &&
         tornadis_client_bytes_equal (login->password, session->password);
}

/* In RESP2 a connection with subscriptions takes nothing but more of them. */
static gboolean
login_has_to_connect (TornadisClientLogin *self)
{
  return tornadis_client_get_hooks (self->priv->client)->refusal != NULL &&
         tornadis_link_get_protocol_version (self->priv->link) < 3;
}

/* The credentials have given @login (transfer full) for the connection that is up. */
static void
login_use (TornadisClientLogin *self,
           TornadisLogin *login)
{
  if (login_is_of_session (login, tornadis_link_get_session (self->priv->link)) ||
      (login->username == NULL && login->password == NULL))
    {
      login_set_present (self, login);
      login_schedule (self);
    }
  else if (login_has_to_connect (self))
    {
      g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST,
                                                      "The connection is made anew to log in again");

      tornadis_login_free (login);
      tornadis_link_replace (self->priv->link, error);
    }
  else
    {
      g_clear_pointer (&self->next, tornadis_login_free);
      self->next = login;
      tornadis_link_log_in (self->priv->link, login->username, login->password);
    }
}

static void
login_answer_attempt (TornadisClientLogin *self,
                      TornadisLogin *login,
                      const GError *error)
{
  g_clear_pointer (&self->next, tornadis_login_free);
  self->next = login;
  tornadis_link_give_login (self->priv->link, login != NULL ? login->username : NULL, login != NULL ? login->password : NULL,
                            error);
}

static void
answered_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  LoginQuestion *question = user_data;
  TornadisClientLogin *self = question->login;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisLogin) login = tornadis_login_request_finish (result, &error);
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = self != NULL ? g_object_ref (self->priv->client) : NULL;

  if (self != NULL && !question->is_live)
    {
      question->login = NULL;
      self->attempt = NULL;
      login_answer_attempt (self, g_steal_pointer (&login), error);
    }
  else if (self != NULL)
    {
      question->login = NULL;
      g_clear_pointer (&self->question, question_unref);
      login_stop_timer (self);
      if (error != NULL)
        login_fail (self, error->message, FALSE);
      else
        login_use (self, g_steal_pointer (&login));
    }

  question_unref (question);
}

/* Asks; the question has a reference of the callback's, and one of the caller's. */
static void
login_put_question (TornadisClientLogin *self,
                    LoginQuestion *question)
{
  g_autoptr (TornadisCredentials) credentials = g_object_ref (self->credentials);
  g_autoptr (TornadisLoginRequest) request = NULL;
  GMainContext *context = self->priv->context;

  self->asked = g_get_monotonic_time ();
  self->changed = FALSE;
  g_ref_count_inc (&question->ref_count);

  g_main_context_push_thread_default (context);
  request = tornadis_login_request_new (question->cancellable, answered_cb, question);
  tornadis_credentials_request_login (credentials, request);
  g_main_context_pop_thread_default (context);
}

static LoginQuestion *
question_new (TornadisClientLogin *login,
              gboolean is_live)
{
  LoginQuestion *self = g_new0 (LoginQuestion, 1);

  g_ref_count_init (&self->ref_count);
  self->login = login;
  self->cancellable = g_cancellable_new ();
  self->is_live = is_live;

  return self;
}

static gboolean
question_timeout_cb (gpointer user_data)
{
  TornadisClientLogin *self = user_data;

  g_clear_pointer (&self->timer, g_source_unref);
  login_drop_question (self);
  login_fail (self, "the credentials do not answer", FALSE);

  return G_SOURCE_REMOVE;
}

/* Asks for the connection that is up. */
static void
login_ask (TornadisClientLogin *self)
{
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self->priv->client);
  guint timeout_sec = self->priv->connect_timeout_sec;

  login_stop_timer (self);
  self->question = question_new (self, TRUE);
  if (timeout_sec > 0)
    login_start_timer (self, timeout_sec * G_TIME_SPAN_SECOND, question_timeout_cb);
  login_put_question (self, self->question);
}

/* The connector asks. */
static void
ask_for_attempt_cb (gpointer user_data)
{
  LoginQuestion *question = user_data;
  TornadisClientLogin *self = question->login;

  /* They were taken away meanwhile: then as it would be without. */
  if (self->credentials == NULL)
    {
      TornadisClientPrivate *priv = self->priv;

      question_abandon (question);
      tornadis_link_give_login (priv->link, priv->username, priv->password, NULL);
      return;
    }

  /* May cancel the attempt, and free the client. */
  g_ref_count_inc (&question->ref_count);
  self->attempt = question;
  login_put_question (self, question);
  question_unref (question);
}

/* The attempt is over. */
static void
attempt_over_cb (gpointer user_data)
{
  LoginQuestion *question = user_data;

  question_abandon (question);
  question_unref (question);
}

static void
login_note_change (TornadisClientLogin *self)
{
  self->changed = TRUE;
  if (self->question == NULL && self->next == NULL)
    login_schedule (self);
}

static void
changed_cb (TornadisCredentials *credentials,
            gpointer user_data)
{
  login_note_change (user_data);
}

TornadisCredentials *
tornadis_client_login_get_credentials (const TornadisClientPrivate *priv)
{
  return priv->login != NULL ? priv->login->credentials : NULL;
}

gboolean
tornadis_client_login_set_credentials (TornadisClientPrivate *priv,
                                       TornadisCredentials *credentials)
{
  TornadisClientLogin *self = priv->login;

  if (credentials == tornadis_client_login_get_credentials (priv))
    return FALSE;

  if (self == NULL)
    {
      self = priv->login = g_new0 (TornadisClientLogin, 1);
      self->priv = priv;
    }

  if (self->credentials != NULL)
    g_clear_signal_handler (&self->changed_id, self->credentials);
  login_drop_question (self);
  login_stop_timer (self);
  g_set_object (&self->credentials, credentials);

  if (credentials != NULL)
    {
      self->changed_id = g_signal_connect (credentials, "changed", G_CALLBACK (changed_cb), self);
      login_note_change (self);
    }

  return TRUE;
}

gboolean
tornadis_client_login_fill_options (TornadisClientPrivate *priv,
                                    TornadisConnectorOptions *options)
{
  if (priv->login != NULL)
    g_clear_pointer (&priv->login->next, tornadis_login_free);
  if (tornadis_client_login_get_credentials (priv) == NULL)
    return FALSE;

  options->ask_login = ask_for_attempt_cb;
  options->login_data = question_new (priv->login, FALSE);
  options->login_data_destroy = attempt_over_cb;

  return TRUE;
}

void
tornadis_client_login_ready (TornadisClientPrivate *priv)
{
  TornadisClientLogin *self = priv->login;

  if (self == NULL)
    return;

  if (self->next != NULL)
    login_set_present (self, g_steal_pointer (&self->next));
  else if (self->present == NULL)
    /* It was made with something else. */
    self->changed = TRUE;
  login_schedule (self);
}

void
tornadis_client_login_completed (TornadisClientPrivate *priv,
                                 TornadisReply *reply)
{
  TornadisClientLogin *self = priv->login;
  g_autoptr (TornadisLogin) login = g_steal_pointer (&self->next);

  if (tornadis_reply_is_error (reply))
    {
      g_autoptr (GError) error = tornadis_reply_dup_error (reply);
      g_autofree char *words = tornadis_secret_censor (error->message, login->password);
      g_autofree char *reason = g_strconcat ("AUTH: ", words, NULL);

      login_fail (self, reason, TRUE);
    }
  else
    {
      login_set_present (self, g_steal_pointer (&login));
      login_schedule (self);
    }
}

void
tornadis_client_login_stop (TornadisClientPrivate *priv)
{
  TornadisClientLogin *self = priv->login;

  if (self == NULL || login_is_connected (self))
    return;

  login_drop_question (self);
  login_stop_timer (self);
  g_clear_pointer (&self->present, tornadis_login_free);
  if (self->attempt == NULL)
    g_clear_pointer (&self->next, tornadis_login_free);
  g_clear_pointer (&self->failure, g_free);
  self->refused = FALSE;
  self->renew = 0;
}

gboolean
tornadis_client_login_is_of_session (const TornadisClientPrivate *priv,
                                     GBytes *username,
                                     GBytes *password)
{
  const TornadisSession *session = tornadis_link_get_session (priv->link);
  const TornadisClientLogin *self = priv->login;

  if (tornadis_client_login_get_credentials (priv) == NULL)
    return tornadis_client_bytes_equal (session->username, username) &&
           tornadis_client_bytes_equal (session->password, password);

  /* The reply to an AUTH counts before that to the ECHO behind it. */
  return (self->present != NULL && login_is_of_session (self->present, session)) ||
         (self->next != NULL && login_is_of_session (self->next, session));
}

void
tornadis_client_login_free (TornadisClientPrivate *priv)
{
  TornadisClientLogin *self = priv->login;

  if (self == NULL)
    return;

  login_drop_question (self);
  login_stop_timer (self);
  g_clear_pointer (&self->present, tornadis_login_free);
  g_free (self->failure);
  if (self->attempt != NULL)
    question_abandon (self->attempt);
  g_clear_pointer (&self->next, tornadis_login_free);
  if (self->credentials != NULL)
    g_clear_signal_handler (&self->changed_id, self->credentials);
  g_clear_object (&self->credentials);
  g_free (g_steal_pointer (&priv->login));
}
