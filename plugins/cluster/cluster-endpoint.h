/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Addresses of nodes as servers write them. What they write is checked here, and nowhere believed before. */

/* No host name is longer, nor any address with the name of its interface. */
#define CLUSTER_MAX_HOST_LENGTH 255

/* Whether it is a host name or an address, IPv6 without brackets. It says nothing of whether there is such a host. */
gboolean cluster_host_is_valid   (const char *host,
                                  gsize       length);
/* (transfer full) "host:port" in lower case, IPv6 in brackets: the name of a node, by which two are the same. @host is
 * valid. */
char    *cluster_endpoint_format (const char *host,
                                  guint16     port);

G_END_DECLS
