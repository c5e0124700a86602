/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>
#include <string.h>
#include <tornadis-glib/tornadis-glib.h>

#include "common/client-credentials.h"
#include "common/wipe.h"
#include "password-file/password-line.h"

/* The login is in a file, and changes with it: see README.md. The directory is watched and not the file alone, which may be a
 * link to what is replaced elsewhere; whether it has changed is known when it has been read. */

/* What belongs together comes within this time. */
#define SETTLE_MSEC 100

#define TORNADIS_TYPE_PASSWORD_FILE_PLUGIN (tornadis_password_file_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TornadisPasswordFilePlugin, tornadis_password_file_plugin, TORNADIS, PASSWORD_FILE_PLUGIN, TornadisPlugin)

struct _TornadisPasswordFilePlugin
{
  TornadisPlugin parent_instance;

  char *path;              /* (owned) (nullable) */
  char *username;          /* (owned) (nullable) */
  char *line;              /* (owned) (nullable) what was last read */
  GFileMonitor *monitor;   /* (owned) (nullable) of the directory, once somebody has asked */
  GMainContext *context;   /* (owned) (nullable) that of the clients, with the monitor */
  GSource *settle;         /* (owned) (nullable) */
  GCancellable *cancelled; /* (owned) of the reading after a change */
  gboolean warned;         /* that others may read the file */
};

static void tornadis_password_file_plugin_credentials_init (TornadisCredentialsInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TornadisPasswordFilePlugin, tornadis_password_file_plugin, TORNADIS_TYPE_PLUGIN, G_IMPLEMENT_INTERFACE (TORNADIS_TYPE_CREDENTIALS, tornadis_password_file_plugin_credentials_init))

typedef enum
{
  PROP_PATH = 1,
  PROP_USERNAME,
} TornadisPasswordFilePluginProperty;

static GParamSpec *props[PROP_USERNAME + 1];

/* @read was read. Returns whether it was something else before. */
static gboolean
plugin_keep (TornadisPasswordFilePlugin *self,
             const PasswordLine *read)
{
  gboolean is_first = self->line == NULL;
  gboolean is_other = g_strcmp0 (self->line, read->line) != 0;

  if (read->is_exposed && !self->warned)
    g_warning ("The password in %s may be read, or changed, by others", self->path);
  self->warned = read->is_exposed;

  if (is_other)
    {
      wipe_free (self->line);
      self->line = g_strdup (read->line);
    }

  return is_other && !is_first;
}

static void
looked_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  /* That it is not there, or not whole, is known when it is asked for; it is about to be replaced. */
  g_autoptr (TornadisPasswordFilePlugin) self = user_data;
  g_autoptr (PasswordLine) read = password_line_read_finish (result, NULL);

  if (read != NULL && plugin_keep (self, read))
    g_signal_emit_by_name (self, "changed");
}

static gboolean
settled_cb (gpointer user_data)
{
  TornadisPasswordFilePlugin *self = user_data;
  g_autoptr (GFile) file = g_file_new_for_path (self->path);

  g_clear_pointer (&self->settle, g_source_unref);
  g_main_context_push_thread_default (self->context);
  password_line_read_async (file, self->cancelled, looked_cb, g_object_ref (self));
  g_main_context_pop_thread_default (self->context);

  return G_SOURCE_REMOVE;
}

static void
monitor_changed_cb (TornadisPasswordFilePlugin *self)
{
  if (self->settle != NULL)
    return;

  self->settle = g_timeout_source_new (SETTLE_MSEC);
  g_source_set_static_name (self->settle, "[tornadis] password file");
  g_source_set_callback (self->settle, settled_cb, self, NULL);
  g_source_attach (self->settle, self->context);
}

static void
plugin_unwatch (TornadisPasswordFilePlugin *self)
{
  if (self->settle != NULL)
    {
      g_source_destroy (self->settle);
      g_clear_pointer (&self->settle, g_source_unref);
    }
  if (self->monitor != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->monitor, self);
      g_file_monitor_cancel (self->monitor);
      g_clear_object (&self->monitor);
    }
  g_clear_pointer (&self->context, g_main_context_unref);
}

/* In the context of who asks. Where there is nothing to watch with, each connection reads the file all the same. */
static void
plugin_watch (TornadisPasswordFilePlugin *self,
              GFile *file)
{
  g_autoptr (GFile) directory = g_file_get_parent (file);

  if (self->monitor != NULL || directory == NULL)
    return;

  self->monitor = g_file_monitor_directory (directory, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
  if (self->monitor == NULL)
    return;

  self->context = g_main_context_ref_thread_default ();
  g_signal_connect_swapped (self->monitor, "changed", G_CALLBACK (monitor_changed_cb), self);
}

/* A reading for a request. */
typedef struct
{
  TornadisPasswordFilePlugin *plugin; /* (owned) */
  TornadisLoginRequest *request;      /* (owned) */
} Asked;

static void
asked_free (Asked *self)
{
  g_object_unref (self->plugin);
  g_object_unref (self->request);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Asked, asked_free)

static void
read_for_request_cb (GObject *object,
                     GAsyncResult *result,
                     gpointer user_data)
{
  g_autoptr (Asked) asked = user_data;
  TornadisPasswordFilePlugin *self = asked->plugin;
  g_autoptr (GError) error = NULL;
  g_autoptr (PasswordLine) read = password_line_read_finish (result, &error);

  if (read == NULL)
    {
      g_prefix_error (&error, "%s: ", self->path);
      tornadis_login_request_return_error (asked->request, error);
      return;
    }

  /* Others than who has asked may have the old one. */
  if (plugin_keep (self, read))
    g_signal_emit_by_name (self, "changed");

  if (self->username != NULL && *self->username != '\0')
    {
      tornadis_login_request_return_login (asked->request, self->username, read->line, 0);
    }
  else
    {
      const char *username;
      const char *password = password_line_split (read->line, &username);

      tornadis_login_request_return_login (asked->request, username, password, 0);
      wipe ((char *) password, strlen (password));
    }
}

static void
tornadis_password_file_plugin_request_login (TornadisCredentials *credentials,
                                             TornadisLoginRequest *request)
{
  TornadisPasswordFilePlugin *self = (TornadisPasswordFilePlugin *) credentials;
  g_autoptr (GFile) file = NULL;
  Asked *asked;

  if (self->path == NULL || *self->path == '\0')
    {
      g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "password-file has no path");

      tornadis_login_request_return_error (request, error);
      return;
    }

  file = g_file_new_for_path (self->path);
  plugin_watch (self, file);
  asked = g_new (Asked, 1);
  *asked = (Asked){ g_object_ref (self), g_object_ref (request) };
  password_line_read_async (file, tornadis_login_request_get_cancellable (request), read_for_request_cb, asked);
}

static void
tornadis_password_file_plugin_credentials_init (TornadisCredentialsInterface *iface)
{
  iface->request_login = tornadis_password_file_plugin_request_login;
}

static void
tornadis_password_file_plugin_get_property (GObject *object,
                                            guint prop_id,
                                            GValue *value,
                                            GParamSpec *pspec)
{
  const TornadisPasswordFilePlugin *self = (TornadisPasswordFilePlugin *) object;

  switch ((TornadisPasswordFilePluginProperty) prop_id)
    {
    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_USERNAME:
      g_value_set_string (value, self->username);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_password_file_plugin_set_property (GObject *object,
                                            guint prop_id,
                                            const GValue *value,
                                            GParamSpec *pspec)
{
  TornadisPasswordFilePlugin *self = (TornadisPasswordFilePlugin *) object;
  char **field = NULL;

  switch ((TornadisPasswordFilePluginProperty) prop_id)
    {
    case PROP_PATH:
      field = &self->path;
      break;
    case PROP_USERNAME:
      field = &self->username;
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }

  if (g_strcmp0 (*field, g_value_get_string (value)) == 0)
    return;

  g_free (*field);
  *field = g_value_dup_string (value);
  if (field == &self->path)
    plugin_unwatch (self);
  g_signal_emit_by_name (self, "changed");
}

static void
tornadis_password_file_plugin_dispose (GObject *object)
{
  TornadisPasswordFilePlugin *self = (TornadisPasswordFilePlugin *) object;

  plugin_unwatch (self);
  g_cancellable_cancel (self->cancelled);

  G_OBJECT_CLASS (tornadis_password_file_plugin_parent_class)->dispose (object);
}

static void
tornadis_password_file_plugin_finalize (GObject *object)
{
  TornadisPasswordFilePlugin *self = (TornadisPasswordFilePlugin *) object;

  g_free (self->path);
  g_free (self->username);
  wipe_free (self->line);
  g_object_unref (self->cancelled);

  G_OBJECT_CLASS (tornadis_password_file_plugin_parent_class)->finalize (object);
}

static void
tornadis_password_file_plugin_class_init (TornadisPasswordFilePluginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  tornadis_plugin_class_set_description (plugin_class, "logs in with a password that is in a file, and follows it when it changes");
  object_class->get_property = tornadis_password_file_plugin_get_property;
  object_class->set_property = tornadis_password_file_plugin_set_property;
  object_class->dispose = tornadis_password_file_plugin_dispose;
  object_class->finalize = tornadis_password_file_plugin_finalize;
  plugin_class->attach = client_credentials_attach;
  plugin_class->detach = client_credentials_detach;

  props[PROP_PATH] =
    g_param_spec_string ("path", NULL, "The file, whose first line is USER:PASSWORD or a password", NULL, flags);

  /* With it all of the line is the password. */
  props[PROP_USERNAME] =
    g_param_spec_string ("username", NULL, "The user, when the first line is nothing but the password", NULL, flags);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_password_file_plugin_init (TornadisPasswordFilePlugin *self)
{
  self->cancelled = g_cancellable_new ();
}

/* What the registry looks for in libtornadis-password-file.so. */
G_MODULE_EXPORT void tornadis_password_file_plugin_register (void);

void
tornadis_password_file_plugin_register (void)
{
  tornadis_plugin_register ("password-file", TORNADIS_TYPE_PASSWORD_FILE_PLUGIN);
}
