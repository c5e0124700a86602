/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names and modules. What is registered stays so for the life of a process, so most cases have one of their own. */

#include <glib/gstdio.h>
#include <tornadis-glib/tornadis-glib.h>

#include <string.h>

#define TEST_TYPE_PLUGIN (test_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TestPlugin, test_plugin, TEST, PLUGIN, TornadisPlugin)

struct _TestPlugin
{
  TornadisPlugin parent_instance;
};

G_DEFINE_FINAL_TYPE (TestPlugin, test_plugin, TORNADIS_TYPE_PLUGIN)

static void
test_plugin_class_init (TestPluginClass *klass)
{
}

static void
test_plugin_init (TestPlugin *self)
{
}

static void
assert_no_plugin (const char *name,
                  const char *text)
{
  g_autoptr (GError) error = NULL;
  TornadisPlugin *plugin = tornadis_plugin_new_by_name (name, &error);

  g_assert_null (plugin);
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);
  g_assert_nonnull (strstr (error->message, text));
}

static void
test_register (void)
{
  g_autoptr (TornadisPlugin) plugin = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = NULL;

  g_assert_false (tornadis_plugin_register ("", TEST_TYPE_PLUGIN));
  g_assert_false (tornadis_plugin_register ("Upper", TEST_TYPE_PLUGIN));
  g_assert_false (tornadis_plugin_register ("a/b", TEST_TYPE_PLUGIN));
  g_assert_false (tornadis_plugin_register ("abstract", TORNADIS_TYPE_PLUGIN));
  g_assert_false (tornadis_plugin_register ("object", G_TYPE_OBJECT));
  g_assert_false (tornadis_plugin_register ("none", G_TYPE_INVALID));
  g_assert_true (tornadis_plugin_register ("mine-2", TEST_TYPE_PLUGIN));
  g_assert_false (tornadis_plugin_register ("mine-2", TEST_TYPE_PLUGIN));

  plugin = tornadis_plugin_new_by_name ("mine-2", &error);
  g_assert_no_error (error);
  g_assert_true (TEST_IS_PLUGIN (plugin));
  names = tornadis_plugin_list_names ();
  g_assert_true (g_strv_contains ((const char *const *) names, "mine-2"));
}

static void
test_bad_names (void)
{
  static const char *const names[] = { "", "../good-one", "good_one", "Good-One", "good-one.so", "/etc/passwd", "\xff" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    assert_no_plugin (names[i], "cannot be the name");
  assert_no_plugin ("no-such-plugin", "no plugin");
}

static void
test_good_module (void)
{
  g_autoptr (TornadisPlugin) plugin = NULL;
  g_autoptr (TornadisPlugin) again = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_new ("localhost", 1);
  g_autoptr (GError) error = NULL;

  plugin = tornadis_plugin_new_by_name ("good-one", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (G_OBJECT_TYPE_NAME (plugin), ==, "FixturePlugin");
  again = tornadis_plugin_new_by_name ("good-one", &error);
  g_assert_no_error (error);
  g_assert_true (again != plugin);
  g_assert_nonnull (tornadis_client_add_plugin_by_name (client, "good-one", &error));
}

static void
test_bad_modules (void)
{
  assert_no_plugin ("missing-symbol", "no function tornadis_missing_symbol_plugin_register");
  assert_no_plugin ("registers-nothing", "does not register it");
  assert_no_plugin ("wrong-type", "does not register it");
  /* And once more. */
  assert_no_plugin ("missing-symbol", "no function");
  assert_no_plugin ("wrong-type", "does not register it");
}

/* A file that is no module. */
static void
test_no_module (void)
{
  g_autofree char *directory = g_dir_make_tmp ("tornadis-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "libtornadis-broken.so", NULL);
  gboolean written = g_file_set_contents (path, "not a module", -1, NULL);

  g_assert_true (written);
  g_setenv ("TORNADIS_PLUGIN_PATH", directory, TRUE);
  assert_no_plugin ("broken", "Could not load");
  g_unlink (path);
  g_rmdir (directory);
}

/* Listing loads nothing. */
static void
test_list (void)
{
  g_auto (GStrv) names = tornadis_plugin_list_names ();

  g_assert_true (g_strv_contains ((const char *const *) names, "good-one"));
  g_assert_true (g_strv_contains ((const char *const *) names, "wrong-type"));
  for (guint i = 1; names[i] != NULL; i++)
    g_assert_cmpstr (names[i - 1], <, names[i]);
  g_assert_cmpuint (g_type_from_name ("FixturePlugin"), ==, 0);
}

/* Entries of the path that are not absolute would depend on where a program is started. */
static void
test_relative_path (void)
{
  g_setenv ("TORNADIS_PLUGIN_PATH", ".:tests/plugins", TRUE);
  g_assert_cmpint (g_chdir (g_getenv ("TORNADIS_TEST_MODULE_DIR")), ==, 0);
  assert_no_plugin ("good-one", "no plugin");
}

static void
run_alone (gconstpointer data)
{
  g_autofree char *path = g_strconcat ("/plugin-registry/alone/", data, NULL);

  g_test_trap_subprocess (path, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

#define ADD(name, func)                                         \
  g_test_add_func ("/plugin-registry/alone/" name "/subprocess", func); \
  g_test_add_data_func ("/plugin-registry/" name, name "/subprocess", run_alone)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("register", test_register);
  ADD ("bad-names", test_bad_names);
  ADD ("good-module", test_good_module);
  ADD ("bad-modules", test_bad_modules);
  ADD ("no-module", test_no_module);
  ADD ("list", test_list);
  ADD ("relative-path", test_relative_path);

  return g_test_run ();
}
