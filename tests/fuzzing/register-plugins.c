/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plugins that are linked into the program: a module would bring another library with it. */

#include <glib.h>

#define PLUGINS(X) \
  X (cache)        \
  X (cluster) X (key_prefix) X (limit) X (log) X (metrics) X (mock) X (retry) X (sentinel) X (trace)
#define DECLARE(name) void tornadis_##name##_plugin_register (void);
#define REGISTER(name) tornadis_##name##_plugin_register ();

PLUGINS (DECLARE)

static void __attribute__ ((constructor))
register_plugins (void)
{
  PLUGINS (REGISTER)
}
