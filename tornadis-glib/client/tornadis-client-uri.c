/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients from URIs. */

#include "tornadis-glib/client/tornadis-client-private.h"

#include <string.h>

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

/* Takes the options of a plugin, NAME.PROPERTY=VALUE, out of those of the URI. */
static char **
take_plugin_options (GPtrArray *options,
                     const char *plugin)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *prefix = g_strconcat (plugin, ".", NULL);

  for (guint i = 0; i + 1 < options->len;)
    {
      g_autofree char *assignment = NULL;

      if (!g_str_has_prefix (g_ptr_array_index (options, i), prefix))
        {
          i += 2;
          continue;
        }

      assignment = g_strconcat ((const char *) g_ptr_array_index (options, i) + strlen (prefix), "=",
                                g_ptr_array_index (options, i + 1), NULL);
      g_strv_builder_add (builder, assignment);
      g_ptr_array_remove_range (options, i, 2);
    }

  return g_strv_builder_end (builder);
}

/* Creates the plugins that plugins=NAME,NAME lists, outermost first. Their modules are loaded, which is the program's to
 * allow. */
static gboolean
take_plugins (GPtrArray *options,
              GPtrArray *plugins,
              TornadisUriFlags flags,
              GError **error)
{
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
    {
      g_auto (GStrv) assignments = take_plugin_options (options, names[i]);
      TornadisPlugin *plugin = tornadis_plugin_new_with_options (names[i], (const char *const *) assignments, error);

      if (plugin == NULL)
        return FALSE;
      g_ptr_array_add (plugins, plugin);
    }

  return TRUE;
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

  if (endpoint == NULL || !take_plugins (endpoint->options, plugins, flags, error))
    return NULL;

  client = g_object_new (type,
                         "username", endpoint->username,
                         "password", endpoint->password,
                         "db", endpoint->db,
                         "tls", endpoint->tls,
                         NULL);

  if (endpoint->unix_path != NULL)
    g_object_set (client, "unix-domain-socket", endpoint->unix_path, NULL);
  else
    g_object_set (client, "host", endpoint->host, "port", (guint) endpoint->port, NULL);

  for (guint i = 0; i + 1 < endpoint->options->len; i += 2)
    if (!set_option (client, g_ptr_array_index (endpoint->options, i), g_ptr_array_index (endpoint->options, i + 1), error))
      return NULL;

  for (guint i = 0; i < plugins->len; i++)
    if (!tornadis_client_add_plugin (TORNADIS_CLIENT (client), g_ptr_array_index (plugins, i), error))
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
 * `?plugins=metrics,retry&retry.max-attempts=3&retry.idempotent=SET,DEL`. Which modules there are to be loaded is up to
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
