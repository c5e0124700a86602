/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One source for all fixtures; how it is compiled says what is wrong with it. */

#include <gmodule.h>
#include <tornadis-glib/tornadis-glib.h>

#ifdef WRONG_TYPE
#define PARENT_TYPE G_TYPE_OBJECT
typedef GObject FixturePlugin;
typedef GObjectClass FixturePluginClass;
#else
#define PARENT_TYPE TORNADIS_TYPE_PLUGIN
typedef TornadisPlugin FixturePlugin;
typedef TornadisPluginClass FixturePluginClass;
#endif

GType fixture_plugin_get_type (void);

G_DEFINE_TYPE (FixturePlugin, fixture_plugin, PARENT_TYPE)

static void
fixture_plugin_class_init (FixturePluginClass *klass)
{
}

static void
fixture_plugin_init (FixturePlugin *self)
{
}

G_MODULE_EXPORT void FUNCTION (void);

void
FUNCTION (void)
{
#ifndef REGISTERS_NOTHING
  tornadis_plugin_register (NAME, fixture_plugin_get_type ());
#endif
}
