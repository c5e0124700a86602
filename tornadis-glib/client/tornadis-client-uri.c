/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients from URIs. */

#include "tornadis-glib/client/tornadis-client-private.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-plugin-private.h"
#include "tornadis-glib/client/tornadis-plugin-registry.h"
#include "tornadis-glib/client/tornadis-pub-sub-client.h"
#include "tornadis-glib/tornadis-enum-types.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-option-private.h"
#include "tornadis-glib/wire/tornadis-endpoint.h"

/* Enumerations by number too: protocol=resp3 and protocol=3 are the same. */
static gboolean
parse_option (GParamSpec *pspec,
              const char *text,
              GValue *value)
{
  g_autofree char *resp = NULL;

  if (tornadis_option_parse (pspec, text, value))
    return TRUE;
  if (pspec->value_type != TORNADIS_TYPE_PROTOCOL)
    return FALSE;

  resp = g_strconcat ("resp", text, NULL);
  g_value_unset (value);
  return tornadis_option_parse (pspec, resp, value);
}

/* Sets the property that a query option names. */
static gboolean
set_option (GObject *client,
            const char *name,
            const char *text,
            GError **error)
{
  static const char *const elsewhere[] = { "host", "port", "unix-domain-socket", "username", "password", "tls", "db", NULL };
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (client), name);
  g_auto (GValue) value = G_VALUE_INIT;

  if (pspec == NULL || (pspec->flags & G_PARAM_WRITABLE) == 0 || g_strv_contains (elsewhere, pspec->name) ||
      G_IS_PARAM_SPEC_OBJECT (pspec))
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "Unknown option “%s” in the URI", name);
      return FALSE;
    }

  if (!parse_option (pspec, text, &value))
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "Not a value for the option “%s” in the URI", name);
      return FALSE;
    }

  g_object_set_property (client, pspec->name, &value);
  return TRUE;
}

/* The property that an option is of @plugin: of the one that the scheme names (@klass) or with its name before it. */
static const char *
get_plugin_option (const char *option,
                   const char *plugin,
                   GObjectClass *klass)
{
  gsize length = strlen (plugin);

  if (strncmp (option, plugin, length) == 0 && option[length] == '.')
    return option + length + 1;

  return klass != NULL && g_object_class_find_property (klass, option) != NULL ? option : NULL;
}

/* Takes the options of a plugin out of those of the URI. */
static void
take_plugin_options (GPtrArray *options,
                     const char *plugin,
                     GObjectClass *klass,
                     GStrvBuilder *builder)
{
  for (guint i = 0; i + 1 < options->len;)
    {
      const char *property = get_plugin_option (g_ptr_array_index (options, i), plugin, klass);
      g_autofree char *assignment = NULL;

      if (property == NULL)
        {
          i += 2;
          continue;
        }

      assignment = g_strconcat (property, "=", g_ptr_array_index (options, i + 1), NULL);
      g_strv_builder_add (builder, assignment);
      g_ptr_array_remove_range (options, i, 2);
    }
}

static gboolean
take_plugin (TornadisEndpoint *endpoint,
             const char *name,
             GPtrArray *plugins,
             GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GTypeClass) klass = NULL;
  g_auto (GStrv) assignments = NULL;
  TornadisPlugin *plugin;

  if (g_strcmp0 (name, endpoint->plugin) == 0)
    {
      g_autofree char *assignment = g_strconcat ("uri=", endpoint->plugin_uri, NULL);

      klass = tornadis_plugin_ref_class_by_name (name, error);
      if (klass == NULL)
        return FALSE;
      if (g_object_class_find_property ((GObjectClass *) klass, "uri") == NULL)
        {
          g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "The plugin “%s” is not one that a scheme can name", name);
          return FALSE;
        }
      g_strv_builder_add (builder, assignment);
    }

  take_plugin_options (endpoint->options, name, (GObjectClass *) klass, builder);
  assignments = g_strv_builder_end (builder);
  plugin = tornadis_plugin_new_with_options (name, (const char *const *) assignments, error);
  if (plugin == NULL)
    return FALSE;

  g_ptr_array_add (plugins, plugin);
  return TRUE;
}

/* Creates the plugins that plugins=NAME,NAME lists, outermost first. Their modules are loaded, which is the program's to
 * allow; that of the scheme is the innermost where the list does not name it. */
static gboolean
take_plugins (TornadisEndpoint *endpoint,
              GPtrArray *plugins,
              TornadisUriFlags flags,
              GError **error)
{
  GPtrArray *options = endpoint->options;
  g_auto (GStrv) names = NULL;

  for (guint i = 0; names == NULL && i + 1 < options->len; i += 2)
    if (strcmp (g_ptr_array_index (options, i), "plugins") == 0)
      {
        names = g_strsplit (g_ptr_array_index (options, i + 1), ",", -1);
        g_ptr_array_remove_range (options, i, 2);
      }

  if (names != NULL && (flags & TORNADIS_URI_FLAGS_ALLOW_PLUGINS) == 0)
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "This program does not let a URI choose plugins");
      return FALSE;
    }

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    if (!take_plugin (endpoint, names[i], plugins, error))
      return FALSE;

  return endpoint->plugin == NULL || (names != NULL && g_strv_contains ((const char *const *) names, endpoint->plugin)) ||
         take_plugin (endpoint, endpoint->plugin, plugins, error);
}

/* A plugin may have found another one in the path. */
static gboolean
check_db (const TornadisEndpoint *endpoint,
          GObject *client,
          GError **error)
{
  int db;

  g_object_get (client, "db", &db, NULL);
  if (!endpoint->has_db_option || db == endpoint->db)
    return TRUE;

  g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                       "Invalid URI: the path and the db option name different databases");
  return FALSE;
}

gpointer
tornadis_client_new_for_uri_typed (GType type,
                                   const char *uri,
                                   TornadisUriFlags flags,
                                   GError **error)
{
  g_autoptr (TornadisEndpoint) endpoint = tornadis_endpoint_parse (uri, error);
  g_autoptr (GPtrArray) plugins = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GObject) client = NULL;

  if (endpoint == NULL || !take_plugins (endpoint, plugins, flags, error))
    return NULL;

  client = g_object_new (type,
                         "username", endpoint->username,
                         "password", endpoint->password,
                         "db", endpoint->db,
                         "tls", endpoint->tls,
                         NULL);

  if (endpoint->unix_path != NULL)
    g_object_set (client, "unix-domain-socket", endpoint->unix_path, NULL);
  else if (endpoint->host != NULL)
    g_object_set (client, "host", endpoint->host, "port", (guint) endpoint->port, NULL);

  for (guint i = 0; i + 1 < endpoint->options->len; i += 2)
    if (!set_option (client, g_ptr_array_index (endpoint->options, i), g_ptr_array_index (endpoint->options, i + 1), error))
      return NULL;

  for (guint i = 0; i < plugins->len; i++)
    if (!tornadis_client_add_plugin (TORNADIS_CLIENT (client), g_ptr_array_index (plugins, i), error))
      return NULL;

  if (!check_db (endpoint, client, error))
    return NULL;

  return g_steal_pointer (&client);
}

/**
 * tornadis_client_new_for_uri_full:
 * @uri: a URI
 * @flags: what it may decide
 * @error: return location for an error
 *
 * Creates a client of the server at @uri, as [ctor@Tornadis.Client.new_for_uri].
 *
 * With %TORNADIS_URI_FLAGS_ALLOW_PLUGINS its query may also add plugins by name, the outermost first, and set their
 * properties, as [ctor@Tornadis.Plugin.new_with_options] does:
 * `?plugins=metrics,retry&retry.max-attempts=3&retry.idempotent=SET,DEL`. The plugin that the scheme names is behind them,
 * unless the list has it too: then it stands there. Which modules there are to be loaded is up to
 * the machine and the environment of the program; that they are, to whoever wrote the URI. So do not allow it to one
 * that comes from elsewhere. Without the flag such a URI is %TORNADIS_ERROR_USAGE.
 *
 * An error is %TORNADIS_ERROR_USAGE, or %TORNADIS_ERROR_PLUGIN; it does not repeat the URI, which may hold a password.
 *
 * Returns: (transfer full): a new client
 *
 * Since: 1.0
 */
TornadisClient *
tornadis_client_new_for_uri_full (const char *uri,
                                  TornadisUriFlags flags,
                                  GError **error)
{
  g_return_val_if_fail (uri != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return tornadis_client_new_for_uri_typed (TORNADIS_TYPE_CLIENT, uri, flags, error);
}

/**
 * tornadis_pub_sub_client_new_for_uri_full:
 * @uri: a URI
 * @flags: what it may decide
 * @error: return location for an error
 *
 * Creates a pub/sub client of the server at @uri, as [ctor@Tornadis.Client.new_for_uri_full] does.
 *
 * Returns: (transfer full): a new client
 *
 * Since: 1.0
 */
TornadisPubSubClient *
tornadis_pub_sub_client_new_for_uri_full (const char *uri,
                                          TornadisUriFlags flags,
                                          GError **error)
{
  g_return_val_if_fail (uri != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return tornadis_client_new_for_uri_typed (TORNADIS_TYPE_PUB_SUB_CLIENT, uri, flags, error);
}
