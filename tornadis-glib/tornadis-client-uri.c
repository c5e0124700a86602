/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/tornadis-client-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/wire/tornadis-endpoint.h"

static gboolean
parse_boolean (const char *text,
               gboolean *value)
{
  static const char *const yes[] = { "true", "yes", "on", "1", NULL };
  static const char *const no[] = { "false", "no", "off", "0", NULL };
  g_autofree char *lower = g_ascii_strdown (text, -1);

  *value = g_strv_contains (yes, lower);
  return *value || g_strv_contains (no, lower);
}

/* By nick or by number: protocol=resp3 and protocol=3 are the same. */
static gboolean
parse_enum (GParamSpecEnum *pspec,
            const char *text,
            int *value)
{
  g_autofree char *lower = g_ascii_strdown (text, -1);
  g_autofree char *resp = g_strconcat ("resp", text, NULL);
  GEnumValue *found = g_enum_get_value_by_nick (pspec->enum_class, lower);

  if (found == NULL)
    found = g_enum_get_value_by_nick (pspec->enum_class, resp);
  if (found == NULL)
    return FALSE;

  *value = found->value;
  return TRUE;
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
  guint64 number = 0;
  gboolean boolean = FALSE;
  int choice = 0;
  gboolean ok;

  if (pspec == NULL || (pspec->flags & G_PARAM_WRITABLE) == 0 || g_strv_contains (elsewhere, pspec->name) ||
      G_IS_PARAM_SPEC_OBJECT (pspec))
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "Unknown option “%s” in the URI", name);
      return FALSE;
    }

  g_value_init (&value, pspec->value_type);

  if (G_IS_PARAM_SPEC_STRING (pspec))
    {
      g_value_set_string (&value, text);
      ok = TRUE;
    }
  else if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    {
      ok = parse_boolean (text, &boolean);
      g_value_set_boolean (&value, boolean);
    }
  else if (G_IS_PARAM_SPEC_UINT (pspec))
    {
      const GParamSpecUInt *range = G_PARAM_SPEC_UINT (pspec);

      ok = g_ascii_string_to_unsigned (text, 10, range->minimum, range->maximum, &number, NULL);
      g_value_set_uint (&value, (guint) number);
    }
  else if (G_IS_PARAM_SPEC_UINT64 (pspec))
    {
      const GParamSpecUInt64 *range = G_PARAM_SPEC_UINT64 (pspec);

      ok = g_ascii_string_to_unsigned (text, 10, range->minimum, range->maximum, &number, NULL);
      g_value_set_uint64 (&value, number);
    }
  else
    {
      ok = G_IS_PARAM_SPEC_ENUM (pspec) && parse_enum (G_PARAM_SPEC_ENUM (pspec), text, &choice);
      if (ok)
        g_value_set_enum (&value, choice);
    }

  if (!ok)
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "Not a value for the option “%s” in the URI", name);
      return FALSE;
    }

  g_object_set_property (client, pspec->name, &value);
  return TRUE;
}

gpointer
tornadis_client_new_for_uri_typed (GType type,
                                   const char *uri,
                                   GError **error)
{
  g_autoptr (TornadisEndpoint) endpoint = tornadis_endpoint_parse (uri, error);
  g_autoptr (GObject) client = NULL;

  if (endpoint == NULL)
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

  return g_steal_pointer (&client);
}
