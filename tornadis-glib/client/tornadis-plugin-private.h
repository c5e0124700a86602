/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-plugin.h"

G_BEGIN_DECLS

/* These invoke the hooks, in the main context of the client. A hook that a class does not have agrees to everything. */

/* Sets an error whenever the plugin refuses, also when its hook has not. */
gboolean tornadis_plugin_attach          (TornadisPlugin    *self,
                                          TornadisClient    *client,
                                          GError           **error);
void     tornadis_plugin_detach          (TornadisPlugin    *self,
                                          TornadisClient    *client);
void     tornadis_plugin_setup           (TornadisPlugin    *self,
                                          TornadisPipeline  *commands);
gboolean tornadis_plugin_call            (TornadisPlugin    *self,
                                          TornadisCall      *call);
void     tornadis_plugin_call_done       (TornadisPlugin    *self,
                                          TornadisCall      *call);
gboolean tornadis_plugin_push            (TornadisPlugin    *self,
                                          TornadisReply     *push);
void     tornadis_plugin_client_acquired (TornadisPlugin    *self,
                                          TornadisClient    *client,
                                          gint64             elapsed);

G_END_DECLS
