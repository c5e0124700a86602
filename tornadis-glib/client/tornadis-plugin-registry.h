/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

/**
 * TORNADIS_PLUGIN_EXTENSION_POINT_NAME:
 *
 * Name of the extension point that plugins implement.
 *
 * Since: 1.0
 */
#define TORNADIS_PLUGIN_EXTENSION_POINT_NAME "tornadis-plugin"

TORNADIS_AVAILABLE_IN_1_0
TornadisPlugin *tornadis_plugin_new_by_name      (const char         *name,
                                                  GError            **error);
TORNADIS_AVAILABLE_IN_1_0
TornadisPlugin *tornadis_plugin_new_with_options (const char         *name,
                                                  const char * const *options,
                                                  GError            **error);
TORNADIS_AVAILABLE_IN_1_0
char          **tornadis_plugin_list_names       (void);
TORNADIS_AVAILABLE_IN_1_0
gboolean        tornadis_plugin_register         (const char         *name,
                                                  GType               type);

G_END_DECLS
