/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-endpoint.h"

#include <gio/gio.h>
#include <string.h>

gboolean
cluster_host_is_valid (const char *host,
                       gsize length)
{
  gboolean has_colon = FALSE;
  char text[CLUSTER_MAX_HOST_LENGTH + 1];
  char *zone;

  if (length == 0 || length > CLUSTER_MAX_HOST_LENGTH)
    return FALSE;

  /* A NUL is none of them either. */
  for (gsize i = 0; i < length; i++)
    {
      if (host[i] == '\0' || (!g_ascii_isalnum (host[i]) && strchr ("-._:%", host[i]) == NULL))
        return FALSE;
      has_colon |= host[i] == ':';
    }

  memcpy (text, host, length);
  text[length] = '\0';
  zone = strchr (text, '%');
  if (zone != NULL)
    *zone = '\0';

  if (has_colon)
    {
      /* g_hostname_is_ip_address() takes a lone colon for one. */
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);

      return address != NULL && g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6;
    }

  /* Only an IPv6 address has an interface behind it, and no name begins so. */
  return zone == NULL && text[0] != '-' && text[0] != '.';
}

char *
cluster_endpoint_format (const char *host,
                         guint16 port)
{
  g_autofree char *lower = g_ascii_strdown (host, -1);

  return g_strdup_printf (strchr (lower, ':') != NULL ? "[%s]:%u" : "%s:%u", lower, port);
}
