/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-plugin-registry.h"

#include <gmodule.h>
#include <stdlib.h>
#include <string.h>

#include "tornadis-glib/client/tornadis-plugin-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/tornadis-plugin-dir.h"
#include "tornadis-glib/values/tornadis-option-private.h"

#define PREFIX "libtornadis-"
#define SUFFIX "." G_MODULE_SUFFIX

#ifdef TORNADIS_WITHOUT_MODULES
#define HAS_MODULES FALSE
#else
#define HAS_MODULES TRUE
#endif

/* GIO does not guard the list of a point's extensions, and threads may look for plugins at the same time. Not held while a
 * module is loaded, which registers its plugin. */
static GMutex registry_lock;

static GIOExtensionPoint *
get_extension_point (void)
{
  static GIOExtensionPoint *point = NULL;

  if (g_once_init_enter (&point))
    {
      GIOExtensionPoint *registered = g_io_extension_point_register (TORNADIS_PLUGIN_EXTENSION_POINT_NAME);

      g_io_extension_point_set_required_type (registered, TORNADIS_TYPE_PLUGIN);
      g_once_init_leave (&point, registered);
    }

  return point;
}

/* (transfer none) (nullable): it is there for good */
static GIOExtension *
find_extension (const char *name)
{
  GIOExtensionPoint *point = get_extension_point ();
  GIOExtension *extension;

  g_mutex_lock (&registry_lock);
  extension = g_io_extension_point_get_extension_by_name (point, name);
  g_mutex_unlock (&registry_lock);

  return extension;
}

/* [a-z0-9-]+ only, so that a name cannot lead out of a directory. */
static gboolean
is_name (const char *name)
{
  return *name != '\0' && strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen (name);
}

/* The directories of modules. The environment is ignored in a program with more rights than its user. */
static char **
get_directories (void)
{
  const char *path = secure_getenv ("TORNADIS_PLUGIN_PATH");
  g_auto (GStrv) entries = g_strsplit (path != NULL ? path : "", G_SEARCHPATH_SEPARATOR_S, -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  /* A module would bring the shared library into a program that has this one in it. */
  if (!HAS_MODULES)
    return g_strv_builder_end (builder);

  for (guint i = 0; entries[i] != NULL; i++)
    if (g_path_is_absolute (entries[i]))
      g_strv_builder_add (builder, entries[i]);
  g_strv_builder_add (builder, TORNADIS_PLUGIN_DIR);

  return g_strv_builder_end (builder);
}

static char *
find_module (const char *name)
{
  g_auto (GStrv) directories = get_directories ();
  g_autofree char *file = g_strconcat (PREFIX, name, SUFFIX, NULL);

  for (guint i = 0; directories[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (directories[i], file, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&path);
    }

  return NULL;
}

/* Opens a module for good: types cannot be unloaded. */
static gboolean
load_module (const char *name,
             const char *path,
             GError **error)
{
  GModule *module = g_module_open (path, G_MODULE_BIND_LAZY | G_MODULE_BIND_LOCAL);
  g_autofree char *symbol = g_strdup_printf ("tornadis_%s_plugin_register", name);
  void (*register_plugin) (void) = NULL;

  if (module == NULL)
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "Could not load the plugin “%s”: %s", name, g_module_error ());
      return FALSE;
    }

  g_strdelimit (symbol, "-", '_');
  if (!g_module_symbol (module, symbol, (gpointer *) &register_plugin) || register_plugin == NULL)
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "Could not load the plugin “%s”: the module has no function %s",
                   name, symbol);
      g_module_close (module);
      return FALSE;
    }

  g_module_make_resident (module);
  register_plugin ();

  return TRUE;
}

/* The type of the plugin, whose module is loaded if needed; or G_TYPE_INVALID. */
static GType
find_type (const char *name,
           GError **error)
{
  GIOExtension *extension;

  if (!is_name (name))
    {
      g_autofree char *printable = g_utf8_make_valid (name, -1);

      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "“%s” cannot be the name of a plugin", printable);
      return G_TYPE_INVALID;
    }

  extension = find_extension (name);
  if (extension == NULL)
    {
      g_autofree char *path = find_module (name);

      if (path == NULL)
        {
          g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "There is no plugin “%s”%s", name,
                       HAS_MODULES ? "" : ": a program with the library linked into it loads no modules");
          return G_TYPE_INVALID;
        }

      if (!load_module (name, path, error))
        return G_TYPE_INVALID;
      extension = find_extension (name);
    }

  if (extension == NULL)
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "The module of the plugin “%s” does not register it", name);
      return G_TYPE_INVALID;
    }

  return g_io_extension_get_type (extension);
}

GTypeClass *
tornadis_plugin_ref_class_by_name (const char *name,
                                   GError **error)
{
  GType type = find_type (name, error);

  return type != G_TYPE_INVALID ? g_type_class_ref (type) : NULL;
}

/**
 * tornadis_plugin_new_by_name:
 * @name: the name of a plugin, of lower case letters, digits and dashes
 * @error: return location for an error
 *
 * Creates a plugin by name: one that was registered with [func@Tornadis.Plugin.register], or one that the module
 * `libtornadis-NAME.so` registers. Modules are looked for in the absolute directories of the environment variable
 * `TORNADIS_PLUGIN_PATH`, which is ignored in setuid programs, and in the directory that pkg-config knows as
 * `plugindir`. A module exports the function `tornadis_NAME_plugin_register()`, with underscores for dashes, which
 * registers the name. It is never unloaded.
 *
 * The error is %TORNADIS_ERROR_PLUGIN.
 *
 * Returns: (transfer full): a new plugin
 *
 * Since: 1.0
 */
TornadisPlugin *
tornadis_plugin_new_by_name (const char *name,
                             GError **error)
{
  return tornadis_plugin_new_with_options (name, NULL, error);
}

/* Takes PROPERTY=VALUE apart, unless it is one of @names. The value may be secret, and is not repeated. */
static gboolean
parse_option (GObjectClass *klass,
              const char *plugin,
              const char *option,
              GPtrArray *names,
              const char **name,
              GValue *value,
              GError **error)
{
  const char *equals = strchr (option, '=');
  g_autofree char *property = equals != NULL ? g_strndup (option, (gsize) (equals - option)) : NULL;
  GParamSpec *pspec = property != NULL ? g_object_class_find_property (klass, property) : NULL;
  const char *problem = NULL;

  if (property == NULL || *property == '\0')
    problem = "an option has to be PROPERTY=VALUE";
  else if (pspec == NULL)
    problem = "there is no such property";
  else if ((pspec->flags & G_PARAM_WRITABLE) == 0)
    problem = "the property cannot be set";
  else if (g_ptr_array_find (names, pspec->name, NULL))
    problem = "the property is set twice";
  else if (!tornadis_option_parse (pspec, equals + 1, value))
    problem = "not a value for the property";

  if (problem != NULL)
    {
      g_autofree char *printable = g_utf8_make_valid (property != NULL ? property : "", -1);

      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "Could not set “%s” of the plugin “%s”: %s", printable, plugin,
                   problem);
      return FALSE;
    }

  *name = pspec->name;
  return TRUE;
}

/**
 * tornadis_plugin_new_with_options:
 * @name: the name of a plugin
 * @options: (array zero-terminated=1) (nullable): properties to set, each `PROPERTY=VALUE`
 * @error: return location for an error
 *
 * Creates a plugin as [ctor@Tornadis.Plugin.new_by_name], with properties from text such as `max-attempts=3`: numbers,
 * text, `true` or `false`, the nicks of enumerations and, with `|` or `,` between them, of flags, and texts with `,` or
 * `;` between them, where one that belongs to a text has a backslash before it.
 *
 * The error is %TORNADIS_ERROR_PLUGIN; it does not repeat values.
 *
 * Returns: (transfer full): a new plugin
 *
 * Since: 1.0
 */
TornadisPlugin *
tornadis_plugin_new_with_options (const char *name,
                                  const char *const *options,
                                  GError **error)
{
  g_autoptr (GTypeClass) klass = NULL;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GArray) values = g_array_new (FALSE, TRUE, sizeof (GValue));
  GType type;

  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  type = find_type (name, error);
  if (type == G_TYPE_INVALID)
    return NULL;

  klass = g_type_class_ref (type);
  g_array_set_clear_func (values, (GDestroyNotify) g_value_unset);

  for (guint i = 0; options != NULL && options[i] != NULL; i++)
    {
      const char *property = NULL;

      g_array_set_size (values, values->len + 1);
      if (!parse_option ((GObjectClass *) klass, name, options[i], names, &property, &g_array_index (values, GValue, i), error))
        return NULL;
      g_ptr_array_add (names, (gpointer) property);
    }

  return TORNADIS_PLUGIN (g_object_new_with_properties (type, names->len, (const char **) names->pdata,
                                                        (const GValue *) (gpointer) values->data));
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/**
 * tornadis_plugin_list_names:
 *
 * Lists the names of all plugins that can be created: the registered ones, and those of modules, which are not loaded.
 *
 * Returns: (transfer full) (array zero-terminated=1): names in order
 *
 * Since: 1.0
 */
char **
tornadis_plugin_list_names (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) directories = get_directories ();
  GPtrArray *names = g_ptr_array_new ();
  GIOExtensionPoint *point = get_extension_point ();
  GHashTableIter iter;
  gpointer name;

  g_mutex_lock (&registry_lock);
  for (GList *l = g_io_extension_point_get_extensions (point); l != NULL; l = l->next)
    g_hash_table_add (seen, g_strdup (g_io_extension_get_name (l->data)));
  g_mutex_unlock (&registry_lock);

  for (guint i = 0; directories[i] != NULL; i++)
    {
      g_autoptr (GDir) dir = g_dir_open (directories[i], 0, NULL);
      const char *file;

      while (dir != NULL && (file = g_dir_read_name (dir)) != NULL)
        if (g_str_has_prefix (file, PREFIX) && g_str_has_suffix (file, SUFFIX))
          {
            g_autofree char *candidate = g_strndup (file + strlen (PREFIX), strlen (file) - strlen (PREFIX) - strlen (SUFFIX));

            if (is_name (candidate))
              g_hash_table_add (seen, g_steal_pointer (&candidate));
          }
    }

  g_hash_table_iter_init (&iter, seen);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);

  return (char **) g_ptr_array_free (names, FALSE);
}

/**
 * tornadis_plugin_register:
 * @name: a name, of lower case letters, digits and dashes
 * @type: a type derived from [class@Tornadis.Plugin] that is not abstract
 *
 * Registers a plugin by name, for the rest of the program's life.
 *
 * Returns: %FALSE when the name or the type is not valid, the name is in use, or the type has another name
 *
 * Since: 1.0
 */
gboolean
tornadis_plugin_register (const char *name,
                          GType type)
{
  GIOExtensionPoint *point = get_extension_point ();
  GIOExtension *extension = NULL;

  g_return_val_if_fail (name != NULL, FALSE);

  if (!is_name (name) || !g_type_is_a (type, TORNADIS_TYPE_PLUGIN) || G_TYPE_IS_ABSTRACT (type))
    return FALSE;

  g_mutex_lock (&registry_lock);
  /* If the type is registered already this is the extension under the other name. */
  if (g_io_extension_point_get_extension_by_name (point, name) == NULL)
    extension = g_io_extension_point_implement (TORNADIS_PLUGIN_EXTENSION_POINT_NAME, type, name, 0);
  g_mutex_unlock (&registry_lock);

  return extension != NULL && g_str_equal (g_io_extension_get_name (extension), name);
}
