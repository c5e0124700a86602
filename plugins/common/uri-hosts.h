/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* Takes apart the URI that a plugin was given because its scheme names it: @hosts (out) (transfer full) (element-type
 * GNetworkAddress), of which one without a name is 127.0.0.1, and the parts of the path, decoded, in @path (out) (transfer
 * full). FALSE with TORNADIS_ERROR_USAGE, which does not repeat it. */
gboolean uri_hosts_parse (const char *uri,
                          guint16 default_port,
                          GPtrArray **hosts,
                          char ***path,
                          GError **error);

/* The same name and port. */
gboolean uri_host_equal (GNetworkAddress *one,
                         GNetworkAddress *other);

/* A name (nullable) and a port (nullable), as servers tell them; NULL: that is no address. */
GNetworkAddress *uri_host_new_for_replies (TornadisReply *name,
                                           TornadisReply *port);
/* Another one (transfer full) of the same name, which is looked up anew: a GNetworkAddress keeps the addresses that it has been
 * resolved to for as long as it is there. */
GSocketConnectable *uri_host_renew (GNetworkAddress *self);

G_END_DECLS
