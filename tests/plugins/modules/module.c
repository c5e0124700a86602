/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One source for all fixtures; how it is compiled says what is wrong with it. */

#include <gmodule.h>
#include <tornadis-glib/tornadis-glib.h>

#ifdef WRONG_TYPE
#define PARENT_TYPE G_TYPE_OBJECT
typedef GObject Parent;
typedef GObjectClass ParentClass;
#else
#define PARENT_TYPE TORNADIS_TYPE_PLUGIN
typedef TornadisPlugin Parent;
typedef TornadisPluginClass ParentClass;
#endif

#ifdef NEEDS_ABSENT
extern int absent (void);
#endif

G_MODULE_EXPORT void FUNCTION (void);

void
FUNCTION (void)
{
#if defined NEEDS_ABSENT
  g_assert_cmpint (absent (), ==, 0);
#elif !defined REGISTERS_NOTHING
  static GType type = 0;

  if (type == 0)
    type = g_type_register_static_simple (PARENT_TYPE, TYPE_NAME, sizeof (ParentClass), NULL, sizeof (Parent), NULL, 0);
  tornadis_plugin_register (NAME, type);
#endif
}
