/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/login.h"

struct _TestLogin
{
  GObject parent_instance;

  char *username; /* (owned) (nullable) */
  char *password; /* (owned) (nullable) */
  char *failure;  /* (owned) (nullable) */
  guint life_msec;
  gboolean silent;
  gboolean restless;
  guint n_asked;
  GPtrArray *waiting; /* (owned) (element-type TornadisLoginRequest) */
};

static void test_login_credentials_init (TornadisCredentialsInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TestLogin, test_login, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE (TORNADIS_TYPE_CREDENTIALS, test_login_credentials_init))

static void
login_answer (TestLogin *self,
              TornadisLoginRequest *request)
{
  if (self->failure != NULL)
    {
      g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, self->failure);

      tornadis_login_request_return_error (request, error);
    }
  else
    {
      gint64 expires = self->life_msec > 0 ? g_get_real_time () + self->life_msec * G_TIME_SPAN_MILLISECOND : 0;

      tornadis_login_request_return_login (request, self->username, self->password, expires);
    }
}

static void
test_login_request_login (TornadisCredentials *credentials,
                          TornadisLoginRequest *request)
{
  TestLogin *self = TEST_LOGIN (credentials);

  self->n_asked++;
  if (self->silent)
    g_ptr_array_add (self->waiting, g_object_ref (request));
  else
    login_answer (self, request);
  if (self->restless)
    g_signal_emit_by_name (self, "changed");
}

static void
test_login_credentials_init (TornadisCredentialsInterface *iface)
{
  iface->request_login = test_login_request_login;
}

static void
test_login_finalize (GObject *object)
{
  TestLogin *self = TEST_LOGIN (object);

  g_free (self->username);
  g_free (self->password);
  g_free (self->failure);
  g_ptr_array_unref (self->waiting);

  G_OBJECT_CLASS (test_login_parent_class)->finalize (object);
}

static void
test_login_class_init (TestLoginClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_login_finalize;
}

static void
test_login_init (TestLogin *self)
{
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
}

TestLogin *
test_login_new (const char *username,
                const char *password)
{
  TestLogin *self = g_object_new (TEST_TYPE_LOGIN, NULL);

  self->username = g_strdup (username);
  self->password = g_strdup (password);

  return self;
}

void
test_login_set (TestLogin *self,
                const char *username,
                const char *password)
{
  g_free (self->username);
  g_free (self->password);
  self->username = g_strdup (username);
  self->password = g_strdup (password);
  g_signal_emit_by_name (self, "changed");
}

void
test_login_set_life_msec (TestLogin *self,
                          guint life_msec)
{
  self->life_msec = life_msec;
}

void
test_login_set_failure (TestLogin *self,
                        const char *failure)
{
  g_free (self->failure);
  self->failure = g_strdup (failure);
}

void
test_login_set_silent (TestLogin *self,
                       gboolean silent)
{
  g_autoptr (GPtrArray) waiting = self->waiting;

  self->silent = silent;
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < waiting->len; i++)
    login_answer (self, g_ptr_array_index (waiting, i));
}

void
test_login_set_restless (TestLogin *self,
                         gboolean restless)
{
  self->restless = restless;
}

guint
test_login_get_n_asked (TestLogin *self)
{
  return self->n_asked;
}

guint
test_login_get_n_cancelled (TestLogin *self)
{
  guint n = 0;

  for (guint i = 0; i < self->waiting->len; i++)
    n += g_cancellable_is_cancelled (tornadis_login_request_get_cancellable (g_ptr_array_index (self->waiting, i))) ? 1 : 0;

  return n;
}
