/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names and modules. What is registered stays so for the life of a process, so most cases have one of their own. */

#include <glib/gstdio.h>
#include <tornadis-glib/tornadis-glib.h>

#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The user with no rights. */
#define NOBODY 65534

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

/* Nothing but a type of its own. */
G_DECLARE_FINAL_TYPE (OtherPlugin, other_plugin, OTHER, PLUGIN, TornadisPlugin)

struct _OtherPlugin
{
  TornadisPlugin parent_instance;
};

G_DEFINE_FINAL_TYPE (OtherPlugin, other_plugin, TORNADIS_TYPE_PLUGIN)

static void
other_plugin_class_init (OtherPluginClass *klass)
{
}

static void
other_plugin_init (OtherPlugin *self)
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
  /* A type has one name. */
  g_assert_false (tornadis_plugin_register ("mine-3", TEST_TYPE_PLUGIN));
  assert_no_plugin ("mine-3", "no plugin");
  /* A module is not looked for when the name is taken. */
  g_assert_true (tornadis_plugin_register ("good-one", other_plugin_get_type ()));

  plugin = tornadis_plugin_new_by_name ("mine-2", &error);
  g_assert_no_error (error);
  g_assert_true (TEST_IS_PLUGIN (plugin));
  g_clear_object (&plugin);
  plugin = tornadis_plugin_new_by_name ("good-one", &error);
  g_assert_no_error (error);
  g_assert_true (OTHER_IS_PLUGIN (plugin));
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
  g_assert_cmpstr (G_OBJECT_TYPE_NAME (plugin), ==, "Fixture-good-one");
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
  assert_no_plugin ("other-name", "does not register it");
  assert_no_plugin ("needs-absent", "libtornadis-test-absent.so.99");
  /* And once more. */
  assert_no_plugin ("missing-symbol", "no function");
  assert_no_plugin ("needs-absent", "Could not load");
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
  g_assert_cmpuint (g_type_from_name ("Fixture-good-one"), ==, 0);
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
count_existing_cb (const char *domain,
                   GLogLevelFlags level,
                   const char *message,
                   gpointer user_data)
{
  g_assert_nonnull (strstr (message, "existing type 'FixtureSameType'"));
  (*(guint *) user_data)++;
}

/* The type of a module that came too late is not that of the first. */
static void
test_same_type (void)
{
  g_autoptr (TornadisPlugin) plugin = NULL;
  g_autoptr (GError) error = NULL;
  guint n_existing = 0;

  plugin = tornadis_plugin_new_by_name ("same-type-1", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (G_OBJECT_TYPE_NAME (plugin), ==, "FixtureSameType");
  /* GLib's own word, a warning or a critical one by its version. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_log_set_handler ("GLib-GObject", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL, count_existing_cb, &n_existing);
  assert_no_plugin ("same-type-2", "does not register it");
  g_assert_cmpuint (n_existing, ==, 1);
}

static gboolean
is_listed (const char *name)
{
  g_auto (GStrv) names = tornadis_plugin_list_names ();

  return g_strv_contains ((const char *const *) names, name);
}

/* Directories that are none, or that must not be read, hide nothing and do no harm. */
/* A directory that other users may be let into, which that of TMPDIR need not be. */
static char *
make_public_directory (void)
{
  char *directory = g_mkdtemp (g_strdup ("/tmp/tornadis-XXXXXX"));

  g_assert_nonnull (directory);
  return directory;
}

static void
test_unreadable_directory (void)
{
  g_autofree char *directory = make_public_directory ();
  g_autofree char *file = g_build_filename (directory, "libtornadis-hidden.so", NULL);
  g_autofree char *open = make_public_directory ();
  g_autofree char *visible = g_build_filename (open, "libtornadis-visible.so", NULL);
  g_autofree char *path = g_strdup_printf ("/no/such:%s:/dev/null:%s", directory, open);
  uid_t user = geteuid ();

  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_assert_true (g_file_set_contents (visible, "", 0, NULL));
  g_setenv ("TORNADIS_PLUGIN_PATH", path, TRUE);
  g_assert_true (is_listed ("hidden"));
  g_assert_cmpint (g_chmod (directory, 0), ==, 0);
  g_assert_cmpint (g_chmod (open, 0755), ==, 0);
  /* Root reads everything. */
  if (user == 0)
    g_assert_cmpint (seteuid (NOBODY), ==, 0);

  g_assert_false (is_listed ("hidden"));
  assert_no_plugin ("hidden", "no plugin");
  g_assert_true (is_listed ("visible"));
  assert_no_plugin ("visible", "Could not load");

  g_assert_cmpint (seteuid (user), ==, 0);
  g_assert_cmpint (g_chmod (directory, 0700), ==, 0);
  g_unlink (file);
  g_rmdir (directory);
  g_unlink (visible);
  g_rmdir (open);
}

static void
become_nobody_cb (gpointer user_data)
{
  if (setgid (NOBODY) != 0 || setuid (NOBODY) != 0)
    _exit (99);
}

/* What the program prints that lists plugins, when another user runs it. */
static char *
run_as_nobody (const char *program,
               const char *directory)
{
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "TORNADIS_PLUGIN_PATH", directory, TRUE);
  const char *argv[] = { program, NULL };
  g_autoptr (GError) error = NULL;
  char *output = NULL;
  int status;

  /* The sanitizer's search for leaks does not work in a setuid program. */
  environment = g_environ_setenv (environment, "ASAN_OPTIONS", "detect_leaks=0", TRUE);
  g_spawn_sync ("/", (char **) argv, environment, G_SPAWN_DEFAULT, become_nobody_cb, NULL, &output, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, NULL));
  return output;
}

/* The variable is for programs that have no more rights than who runs them. */
static void
test_setuid (void)
{
  g_autofree char *directory = make_public_directory ();
  g_autofree char *program = g_build_filename (directory, "list-plugins", NULL);
  g_autofree char *module = g_build_filename (directory, "libtornadis-planted.so", NULL);
  g_autofree char *contents = NULL;
  g_autofree char *plain = NULL;
  g_autofree char *privileged = NULL;
  struct statvfs fs;
  gsize size;

  g_assert_cmpint (statvfs (directory, &fs), ==, 0);
  if (geteuid () != 0)
    g_test_skip ("only root can make a setuid program of root");
  else if ((fs.f_flag & (ST_NOSUID | ST_NOEXEC)) != 0 || prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0)
    g_test_skip ("no setuid programs here");
  else
    {
      g_assert_true (g_file_get_contents (g_getenv ("TORNADIS_TEST_LIST_PLUGINS"), &contents, &size, NULL));
      g_assert_true (g_file_set_contents (program, contents, (gssize) size, NULL));
      g_assert_true (g_file_set_contents (module, "", 0, NULL));
      g_assert_cmpint (g_chmod (directory, 0755), ==, 0);

      g_assert_cmpint (g_chmod (program, 0755), ==, 0);
      plain = run_as_nobody (program, directory);
      g_assert_true (g_str_has_prefix (plain, "65534 65534 "));
      g_assert_nonnull (strstr (plain, "planted"));

      g_assert_cmpint (g_chmod (program, 04755), ==, 0);
      privileged = run_as_nobody (program, directory);
      g_assert_true (g_str_has_prefix (privileged, "65534 0 "));
      g_assert_null (strstr (privileged, "planted"));
    }

  g_unlink (program);
  g_unlink (module);
  g_rmdir (directory);
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
  ADD ("same-type", test_same_type);
  ADD ("unreadable-directory", test_unreadable_directory);
  g_test_add_func ("/plugin-registry/setuid", test_setuid);

  return g_test_run ();
}
