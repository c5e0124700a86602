/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/uri-hosts.h"

#include <string.h>

/* Longer than any name may be. */
#define MAX_NAME_LENGTH 255

static gboolean
fail (GError **error,
      const char *problem)
{
  g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "Invalid URI: %s", problem);
  return FALSE;
}

static GNetworkAddress *
parse_host (const char *text,
            guint16 default_port)
{
  g_autofree char *uri = g_strconcat ("x://", text, NULL);
  g_autofree char *host = NULL;
  int port;

  if (strchr (text, '@') != NULL || !g_uri_split_network (uri, G_URI_FLAGS_PARSE_RELAXED, NULL, &host, &port, NULL) || port == 0)
    return NULL;

  return G_NETWORK_ADDRESS (g_network_address_new (*host != '\0' ? host : "127.0.0.1", port > 0 ? (guint16) port : default_port));
}

static char **
parse_path (const char *path)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_autofree char *part = NULL;

      if (*parts[i] == '\0')
        continue;
      part = g_uri_unescape_string (parts[i], NULL);
      if (part == NULL)
        return NULL;
      g_strv_builder_add (builder, part);
    }

  return g_strv_builder_end (builder);
}

gboolean
uri_hosts_parse (const char *uri,
                 guint16 default_port,
                 GPtrArray **hosts,
                 char ***path,
                 GError **error)
{
  const char *authority = uri != NULL ? strstr (uri, "://") : NULL;
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *list = NULL;
  g_autofree char *rest = NULL;
  g_auto (GStrv) each = NULL;
  gsize length;

  if (authority == NULL)
    return fail (error, "the scheme is not followed by //");

  authority += strlen ("://");
  length = strcspn (authority, "/?#");
  list = g_strndup (authority, length);
  each = g_strsplit (*list != '\0' ? list : ":", ",", -1);
  for (guint i = 0; each[i] != NULL; i++)
    {
      GNetworkAddress *host = *each[i] != '\0' ? parse_host (each[i], default_port) : NULL;

      if (host == NULL)
        return fail (error, "what stands between // and the path is not a list of HOST or HOST:PORT");
      g_ptr_array_add (found, host);
    }

  rest = g_strndup (authority + length, strcspn (authority + length, "?#"));
  *path = parse_path (rest);
  if (*path == NULL)
    return fail (error, "the path is not percent-encoded UTF-8");

  *hosts = g_steal_pointer (&found);
  return TRUE;
}

gboolean
uri_host_equal (GNetworkAddress *one,
                GNetworkAddress *other)
{
  return g_network_address_get_port (one) == g_network_address_get_port (other) &&
         g_ascii_strcasecmp (g_network_address_get_hostname (one), g_network_address_get_hostname (other)) == 0;
}

GNetworkAddress *
uri_host_new_for_replies (TornadisReply *name,
                          TornadisReply *port)
{
  const char *host = name != NULL ? tornadis_reply_get_text (name) : NULL;
  const char *digits = port != NULL ? tornadis_reply_get_text (port) : NULL;
  guint64 number;

  if (host == NULL || *host == '\0' || strlen (host) > MAX_NAME_LENGTH || digits == NULL ||
      !g_ascii_string_to_unsigned (digits, 10, 1, G_MAXUINT16, &number, NULL))
    return NULL;
  for (const char *p = host; *p != '\0'; p++)
    if (g_ascii_isspace (*p) || g_ascii_iscntrl (*p))
      return NULL;

  return G_NETWORK_ADDRESS (g_network_address_new (host, (guint16) number));
}

GSocketConnectable *
uri_host_renew (GNetworkAddress *self)
{
  return g_network_address_new (g_network_address_get_hostname (self), g_network_address_get_port (self));
}
