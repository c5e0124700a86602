/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-credentials-private.h"

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-secret.h"

/**
 * TornadisCredentials:
 *
 * Who logs in to a server, and with what password: for passwords that change, and tokens that expire.
 *
 * A client with [property@Tornadis.Client:credentials] asks them for a login each time it connects, within its
 * [property@Tornadis.Client:connect-timeout], and logs in with that. A connection that is up logs in again, with `AUTH`,
 * when they have changed, and when three quarters of the time have passed for which its login is valid. No call fails
 * for that or is answered out of turn: those that were made before are answered first, and those that are made meanwhile
 * wait for it. It is not sent between `MULTI` and `EXEC`, but does not wait for the end of a `WATCH`, which it leaves as
 * it is; behind a command that blocks it waits as anything does. A pub/sub client that speaks RESP2, where a subscriber
 * cannot log in, connects anew instead, with [signal@Tornadis.PubSubClient::gap].
 *
 * When the server refuses a new login, or there is none to be had, the connection stays as it is while the one that it
 * has is valid. What failed is asked for again before that ends; what was refused is not sent again before
 * [signal@Tornadis.Credentials::changed]. Then the connection is closed with %TORNADIS_ERROR_AUTHENTICATION, once what
 * was sent has been answered, and the next one asks anew. A server may also close the connection itself.
 *
 * The classes of any language may implement it, with one function:
 *
 * ```c
 * static void
 * token_request_login (TornadisCredentials *credentials, TornadisLoginRequest *request)
 * {
 *   Token *self = TOKEN (credentials);
 *
 *   tornadis_login_request_return_login (request, "editor", self->text, self->expires);
 * }
 * ```
 *
 * One object may be the credentials of any number of clients, each of which asks for itself: what is dear to make should
 * be kept until it changes or is about to expire. It belongs to the context of its clients.
 *
 * Since: 1.0
 */

/**
 * TornadisLoginRequest:
 *
 * A client's request for a login: what [iface@Tornadis.Credentials] answer, at once or later, and from any thread.
 *
 * It is answered with exactly one of [method@Tornadis.LoginRequest.return_login] and
 * [method@Tornadis.LoginRequest.return_error]. Anything after that is ignored with a warning. One that is dropped without
 * an answer has failed.
 *
 * Since: 1.0
 */

struct _TornadisLoginRequest
{
  GObject parent_instance;

  GTask *task;               /* (owned) (nullable) (atomic) NULL once it is answered */
  GCancellable *cancellable; /* (owned) */
};

G_DEFINE_FINAL_TYPE (TornadisLoginRequest, tornadis_login_request, G_TYPE_OBJECT)

G_DEFINE_INTERFACE (TornadisCredentials, tornadis_credentials, G_TYPE_OBJECT)

void
tornadis_login_free (TornadisLogin *self)
{
  g_clear_pointer (&self->username, g_bytes_unref);
  g_clear_pointer (&self->password, g_bytes_unref);
  g_free (self);
}

/* (transfer full) (nullable): what is to be answered, for whoever comes first. */
static GTask *
request_steal_task (TornadisLoginRequest *self)
{
  GTask *task = g_atomic_pointer_get (&self->task);

  return task != NULL && g_atomic_pointer_compare_and_exchange (&self->task, task, NULL) ? task : NULL;
}

static GTask *
request_take_task (TornadisLoginRequest *self)
{
  GTask *task = request_steal_task (self);

  if (task == NULL)
    g_warning ("Credentials tried to answer a request for a login a second time");

  return task;
}

static void
tornadis_login_request_dispose (GObject *object)
{
  TornadisLoginRequest *self = TORNADIS_LOGIN_REQUEST (object);
  g_autoptr (GTask) task = request_steal_task (self);

  if (task != NULL)
    g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION, "The credentials have given no login");

  G_OBJECT_CLASS (tornadis_login_request_parent_class)->dispose (object);
}

static void
tornadis_login_request_finalize (GObject *object)
{
  TornadisLoginRequest *self = TORNADIS_LOGIN_REQUEST (object);

  g_object_unref (self->cancellable);

  G_OBJECT_CLASS (tornadis_login_request_parent_class)->finalize (object);
}

static void
tornadis_login_request_class_init (TornadisLoginRequestClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = tornadis_login_request_dispose;
  object_class->finalize = tornadis_login_request_finalize;
}

static void
tornadis_login_request_init (TornadisLoginRequest *self)
{
}

TornadisLoginRequest *
tornadis_login_request_new (GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  TornadisLoginRequest *self = g_object_new (TORNADIS_TYPE_LOGIN_REQUEST, NULL);

  self->cancellable = g_object_ref (cancellable);
  self->task = g_task_new (NULL, NULL, callback, user_data);

  return self;
}

TornadisLogin *
tornadis_login_request_finish (GAsyncResult *result,
                               GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tornadis_login_request_get_cancellable:
 * @self: a request
 *
 * Gets what is cancelled when the client does not wait any more: it was closed, or its time is over. The request may be
 * answered all the same, which is without effect.
 *
 * Returns: (transfer none): the cancellable
 *
 * Since: 1.0
 */
GCancellable *
tornadis_login_request_get_cancellable (TornadisLoginRequest *self)
{
  g_return_val_if_fail (TORNADIS_IS_LOGIN_REQUEST (self), NULL);

  return self->cancellable;
}

/**
 * tornadis_login_request_return_login:
 * @self: a request
 * @username: (nullable): the user, or %NULL for the default user
 * @password: (nullable): the password, or %NULL for none
 * @expires: until when it is valid, in microseconds since 1970 as [func@GLib.get_real_time] has it; 0 when that is not known
 *
 * Answers the request. With neither user nor password nothing is sent to the server, which may know the client by its TLS
 * certificate or need no login. A time that has passed already counts as not known: clocks differ, and the server has the
 * last word.
 *
 * Since: 1.0
 */
void
tornadis_login_request_return_login (TornadisLoginRequest *self,
                                     const char *username,
                                     const char *password,
                                     gint64 expires)
{
  g_autoptr (GTask) task = NULL;
  TornadisLogin *login;

  g_return_if_fail (TORNADIS_IS_LOGIN_REQUEST (self));

  task = request_take_task (self);
  if (task == NULL)
    return;

  login = g_new (TornadisLogin, 1);
  login->username = tornadis_secret_new (username);
  login->password = tornadis_secret_new (password);
  login->expires = expires > g_get_real_time () ? expires : 0;
  g_task_return_pointer (task, login, (GDestroyNotify) tornadis_login_free);
}

/**
 * tornadis_login_request_return_error:
 * @self: a request
 * @error: why there is no login; its message must not have a password in it
 *
 * Answers the request: there is no login. A client that connects fails with %TORNADIS_ERROR_AUTHENTICATION and the message
 * of @error.
 *
 * Since: 1.0
 */
void
tornadis_login_request_return_error (TornadisLoginRequest *self,
                                     const GError *error)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_LOGIN_REQUEST (self));
  g_return_if_fail (error != NULL);

  task = request_take_task (self);
  if (task != NULL)
    g_task_return_error (task, g_error_copy (error));
}

static void
tornadis_credentials_default_init (TornadisCredentialsInterface *iface)
{
  /**
   * TornadisCredentials::changed:
   * @self: the credentials
   *
   * Emitted when there is another login than before: the clients that are connected ask for it. Not to be emitted
   * because somebody asks; a client that is told of a change before its request is answered asks again half a second later.
   *
   * Since: 1.0
   */
  g_signal_new ("changed", TORNADIS_TYPE_CREDENTIALS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

/**
 * tornadis_credentials_request_login: (virtual request_login)
 * @self: credentials
 * @request: the request
 *
 * Asks for a login; @request is answered, then or later. Clients call it when they need one; credentials that are made of
 * other ones may pass their request on.
 *
 * Since: 1.0
 */
void
tornadis_credentials_request_login (TornadisCredentials *self,
                                    TornadisLoginRequest *request)
{
  TornadisCredentialsInterface *iface;

  g_return_if_fail (TORNADIS_IS_CREDENTIALS (self));
  g_return_if_fail (TORNADIS_IS_LOGIN_REQUEST (request));

  iface = TORNADIS_CREDENTIALS_GET_IFACE (self);
  if (iface->request_login != NULL)
    iface->request_login (self, request);
}
