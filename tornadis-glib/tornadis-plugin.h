/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_PLUGIN (tornadis_plugin_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (TornadisPlugin, tornadis_plugin, TORNADIS, PLUGIN, GObject)

/**
 * TornadisPluginClass:
 * @parent_class: the parent class
 * @attach: the plugin is added to a client; %FALSE with an error refuses
 * @detach: the plugin is removed from a client, or the client goes away
 * @setup: stacks commands to be sent on every new connection, after authentication
 * @call: a call begins; %TRUE: the plugin holds it and answers it later
 * @call_done: a call has its outcome; may ask for it to be made again
 * @push: the server sent data of its own accord; %TRUE: the plugin consumed it
 *
 * The hooks of a plugin. All are optional, none waits.
 *
 * Since: 1.0
 */
struct _TornadisPluginClass
{
  GObjectClass parent_class;

  gboolean (*attach)    (TornadisPlugin   *self,
                         TornadisClient   *client,
                         GError          **error);
  void     (*detach)    (TornadisPlugin   *self,
                         TornadisClient   *client);
  void     (*setup)     (TornadisPlugin   *self,
                         TornadisPipeline *commands);
  gboolean (*call)      (TornadisPlugin   *self,
                         TornadisCall     *call);
  void     (*call_done) (TornadisPlugin   *self,
                         TornadisCall     *call);
  gboolean (*push)      (TornadisPlugin   *self,
                         TornadisReply    *push);

  /*< private >*/
  gpointer padding[10];
};

TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_plugin_attach    (TornadisPlugin    *self,
                                    TornadisClient    *client,
                                    GError           **error);
TORNADIS_AVAILABLE_IN_1_0
void     tornadis_plugin_detach    (TornadisPlugin    *self,
                                    TornadisClient    *client);
TORNADIS_AVAILABLE_IN_1_0
void     tornadis_plugin_setup     (TornadisPlugin    *self,
                                    TornadisPipeline  *commands);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_plugin_call      (TornadisPlugin    *self,
                                    TornadisCall      *call);
TORNADIS_AVAILABLE_IN_1_0
void     tornadis_plugin_call_done (TornadisPlugin    *self,
                                    TornadisCall      *call);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_plugin_push      (TornadisPlugin    *self,
                                    TornadisReply     *push);

G_END_DECLS
