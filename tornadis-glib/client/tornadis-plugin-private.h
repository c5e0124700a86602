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
/* Sets an error whenever the plugin refuses. */
gboolean tornadis_plugin_setup_done      (TornadisPlugin    *self,
                                          TornadisClient    *client,
                                          TornadisReply     *replies,
                                          GError           **error);
gboolean tornadis_plugin_call            (TornadisPlugin    *self,
                                          TornadisCall      *call);
void     tornadis_plugin_call_done       (TornadisPlugin    *self,
                                          TornadisCall      *call);
gboolean tornadis_plugin_push            (TornadisPlugin    *self,
                                          TornadisReply     *push);
void     tornadis_plugin_client_acquired (TornadisPlugin    *self,
                                          TornadisClient    *client,
                                          gint64             elapsed);
guint tornadis_plugin_route_subscription (TornadisPlugin *self,
                                          TornadisPubSubClient *client,
                                          TornadisSubscriptionKind kind,
                                          GBytes *name,
                                          guint place,
                                          TornadisPubSubClient **target);
gboolean tornadis_plugin_subscription_failed
                                         (TornadisPlugin       *self,
                                          TornadisPubSubClient *client,
                                          TornadisSubscriptionKind kind,
                                          GBytes               *name,
                                          TornadisPubSubClient *target,
                                          const GError         *error);

/* (transfer full) (nullable): the class of plugins of that name, whose module is loaded if needed. */
GTypeClass *tornadis_plugin_ref_class_by_name (const char  *name,
                                               GError     **error);

G_END_DECLS
