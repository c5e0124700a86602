/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Where a URI of one of these forms leads:
 *   redis://[user[:password]]@host[:port][/db][?option=value&...]
 *   rediss://…                              (the same over TLS)
 *   unix://[user[:password]@]/path[?db=n&...] (also redis+unix://)
 * Every part is percent-decoded once; an IPv6 address stands in brackets. */
typedef struct
{
  char *host;        /* (owned) (nullable) */
  guint16 port;
  char *unix_path;   /* (owned) (nullable) */
  gboolean tls;
  char *username;    /* (owned) (nullable) */
  char *password;    /* (owned) (nullable) may be empty, which is not none */
  int db;
  GPtrArray *options; /* (owned) (element-type utf8): name, value, name, value, … */
} TornadisEndpoint;

TornadisEndpoint *tornadis_endpoint_parse (const char        *uri,
                                           GError           **error);
void              tornadis_endpoint_free  (TornadisEndpoint  *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisEndpoint, tornadis_endpoint_free)

G_END_DECLS
