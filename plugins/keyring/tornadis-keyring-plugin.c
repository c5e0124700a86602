/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>
#include <libsecret/secret.h>
#include <tornadis-glib/tornadis-glib.h>

#include "common/client-credentials.h"
#include "keyring/keyring-item.h"

/* The login is an item of the user's keyring: see README.md. That one may have changed is told by signals of the service that
 * keeps it; clients that have the login which they find then do nothing. */

/* What belongs together comes within this time. */
#define SETTLE_MSEC 100

#define TORNADIS_TYPE_KEYRING_PLUGIN (tornadis_keyring_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TornadisKeyringPlugin, tornadis_keyring_plugin, TORNADIS, KEYRING_PLUGIN, TornadisPlugin)

struct _TornadisKeyringPlugin
{
  TornadisPlugin parent_instance;

  char **attributes;       /* (owned) (nullable) */
  char *username;          /* (owned) (nullable) */
  GDBusConnection *bus;    /* (owned) (nullable) where changes are told */
  guint subscription;      /* 0: none */
  gboolean watches;        /* or is about to */
  GMainContext *context;   /* (owned) (nullable) that of the clients */
  GSource *settle;         /* (owned) (nullable) */
  GCancellable *cancelled; /* (owned) of looking for the service */
};

static void tornadis_keyring_plugin_credentials_init (TornadisCredentialsInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TornadisKeyringPlugin, tornadis_keyring_plugin, TORNADIS_TYPE_PLUGIN, G_IMPLEMENT_INTERFACE (TORNADIS_TYPE_CREDENTIALS, tornadis_keyring_plugin_credentials_init))

typedef enum
{
  PROP_ATTRIBUTES = 1,
  PROP_USERNAME,
} TornadisKeyringPluginProperty;

static GParamSpec *props[PROP_USERNAME + 1];

static gboolean
settled_cb (gpointer user_data)
{
  TornadisKeyringPlugin *self = user_data;

  g_clear_pointer (&self->settle, g_source_unref);
  g_signal_emit_by_name (self, "changed");

  return G_SOURCE_REMOVE;
}

static void
item_changed_cb (GDBusConnection *bus,
                 const char *sender,
                 const char *path,
                 const char *interface,
                 const char *signal,
                 GVariant *parameters,
                 gpointer user_data)
{
  TornadisKeyringPlugin *self = user_data;

  if (self->settle != NULL || (!g_str_equal (signal, "ItemCreated") && !g_str_equal (signal, "ItemChanged")))
    return;

  self->settle = g_timeout_source_new (SETTLE_MSEC);
  g_source_set_static_name (self->settle, "[tornadis] keyring");
  g_source_set_callback (self->settle, settled_cb, self, NULL);
  g_source_attach (self->settle, self->context);
}

static void
got_service_cb (GObject *object,
                GAsyncResult *result,
                gpointer user_data)
{
  g_autoptr (TornadisKeyringPlugin) self = user_data;
  /* Without one, as with a keyring that is a file, each connection asks all the same. */
  g_autoptr (SecretService) service = secret_service_get_finish (result, NULL);

  if (service == NULL || g_cancellable_is_cancelled (self->cancelled))
    return;

  self->bus = g_object_ref (g_dbus_proxy_get_connection (G_DBUS_PROXY (service)));
  self->subscription =
    g_dbus_connection_signal_subscribe (self->bus, g_dbus_proxy_get_name (G_DBUS_PROXY (service)),
                                        "org.freedesktop.Secret.Collection", NULL, NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                        item_changed_cb, self, NULL);
}

/* In the context of who asks. */
static void
keyring_watch (TornadisKeyringPlugin *self)
{
  if (self->watches)
    return;

  self->watches = TRUE;
  self->context = g_main_context_ref_thread_default ();
  secret_service_get (SECRET_SERVICE_NONE, self->cancelled, got_service_cb, g_object_ref (self));
}

static void
found_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  g_autoptr (TornadisLoginRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (KeyringItem) item = keyring_item_find_finish (result, &error);

  if (item != NULL)
    tornadis_login_request_return_login (request, item->username, secret_value_get_text (item->password), 0);
  else
    tornadis_login_request_return_error (request, error);
}

static void
tornadis_keyring_plugin_request_login (TornadisCredentials *credentials,
                                       TornadisLoginRequest *request)
{
  TornadisKeyringPlugin *self = (TornadisKeyringPlugin *) credentials;

  keyring_watch (self);
  keyring_item_find_async (self->attributes, self->username, tornadis_login_request_get_cancellable (request), found_cb,
                           g_object_ref (request));
}

static void
tornadis_keyring_plugin_credentials_init (TornadisCredentialsInterface *iface)
{
  iface->request_login = tornadis_keyring_plugin_request_login;
}

static void
tornadis_keyring_plugin_get_property (GObject *object,
                                      guint prop_id,
                                      GValue *value,
                                      GParamSpec *pspec)
{
  const TornadisKeyringPlugin *self = (TornadisKeyringPlugin *) object;

  switch ((TornadisKeyringPluginProperty) prop_id)
    {
    case PROP_ATTRIBUTES:
      g_value_set_boxed (value, self->attributes);
      break;
    case PROP_USERNAME:
      g_value_set_string (value, self->username);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_keyring_plugin_set_property (GObject *object,
                                      guint prop_id,
                                      const GValue *value,
                                      GParamSpec *pspec)
{
  TornadisKeyringPlugin *self = (TornadisKeyringPlugin *) object;

  switch ((TornadisKeyringPluginProperty) prop_id)
    {
    case PROP_ATTRIBUTES:
      g_strfreev (self->attributes);
      self->attributes = g_value_dup_boxed (value);
      break;
    case PROP_USERNAME:
      g_free (self->username);
      self->username = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }

  g_signal_emit_by_name (self, "changed");
}

static void
tornadis_keyring_plugin_dispose (GObject *object)
{
  TornadisKeyringPlugin *self = (TornadisKeyringPlugin *) object;

  g_cancellable_cancel (self->cancelled);
  if (self->subscription != 0)
    g_dbus_connection_signal_unsubscribe (self->bus, self->subscription);
  self->subscription = 0;
  g_clear_object (&self->bus);
  if (self->settle != NULL)
    {
      g_source_destroy (self->settle);
      g_clear_pointer (&self->settle, g_source_unref);
    }

  G_OBJECT_CLASS (tornadis_keyring_plugin_parent_class)->dispose (object);
}

static void
tornadis_keyring_plugin_finalize (GObject *object)
{
  TornadisKeyringPlugin *self = (TornadisKeyringPlugin *) object;

  g_strfreev (self->attributes);
  g_free (self->username);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_object_unref (self->cancelled);

  G_OBJECT_CLASS (tornadis_keyring_plugin_parent_class)->finalize (object);
}

static void
tornadis_keyring_plugin_class_init (TornadisKeyringPluginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  tornadis_plugin_class_set_description (plugin_class, "logs in with a password of the user's keyring");
  object_class->get_property = tornadis_keyring_plugin_get_property;
  object_class->set_property = tornadis_keyring_plugin_set_property;
  object_class->dispose = tornadis_keyring_plugin_dispose;
  object_class->finalize = tornadis_keyring_plugin_finalize;
  plugin_class->attach = client_credentials_attach;
  plugin_class->detach = client_credentials_detach;

  /* One item has to have all of them. */
  props[PROP_ATTRIBUTES] =
    g_param_spec_boxed ("attributes", NULL, "What the item in the keyring has, each NAME:VALUE", G_TYPE_STRV, flags);

  props[PROP_USERNAME] =
    g_param_spec_string ("username", NULL, "The user, when it is not in the item's attribute username", NULL, flags);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_keyring_plugin_init (TornadisKeyringPlugin *self)
{
  self->cancelled = g_cancellable_new ();
}

/* What the registry looks for in libtornadis-keyring.so. */
G_MODULE_EXPORT void tornadis_keyring_plugin_register (void);

void
tornadis_keyring_plugin_register (void)
{
  tornadis_plugin_register ("keyring", TORNADIS_TYPE_KEYRING_PLUGIN);
}
