/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* For plugins that are credentials. */

/* attach: the plugin is the credentials of @client, which may not have others. */
gboolean client_credentials_attach (TornadisPlugin *plugin,
                                    TornadisClient *client,
                                    GError **error);
/* detach */
void client_credentials_detach (TornadisPlugin *plugin,
                                TornadisClient *client);

G_END_DECLS
