/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Where a URI of one of these forms leads:
 *   redis://[user[:password]]@host[:port][/db][?option=value&...]  (also valkey://)
 *   rediss://…                                (the same over TLS; also valkeys://)
 *   unix://[user[:password]@]/path[?db=n&...] (also redis+unix:// and valkey+unix://)
 *   SCHEME-PLUGIN://[user[:password]@]host[:port],…[/path][?option=value&...], of the first four schemes
 * Every part is percent-decoded once; an IPv6 address stands in brackets. */
typedef struct
{
  char *host;        /* (owned) (nullable) NULL: a plugin knows */
  guint16 port;
  char *unix_path;   /* (owned) (nullable) */
  char *plugin;      /* (owned) (nullable) its name */
  char *plugin_uri;  /* (owned) (nullable) for it: as it was given, but without user, password and options */
  gboolean tls;
  char *username;    /* (owned) (nullable) */
  char *password;    /* (owned) (nullable) may be empty, which is not none */
  int db;
  gboolean has_db_option; /* which what a plugin finds in the path may not contradict */
  GPtrArray *options; /* (owned) (element-type utf8): name, value, name, value, … */
} TornadisEndpoint;

TornadisEndpoint *tornadis_endpoint_parse (const char        *uri,
                                           GError           **error);
void              tornadis_endpoint_free  (TornadisEndpoint  *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisEndpoint, tornadis_endpoint_free)

G_END_DECLS
