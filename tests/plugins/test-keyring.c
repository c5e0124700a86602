/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A real server whose password is in a real keyring, of a daemon on a bus of the test's own. */

#include <glib/gstdio.h>
#include <libsecret/secret.h>
#include <string.h>

#include "integration/util.h"

static const SecretSchema schema = {
  "org.example.Redis",
  SECRET_SCHEMA_NONE,
  { { "service", SECRET_SCHEMA_ATTRIBUTE_STRING }, { "username", SECRET_SCHEMA_ATTRIBUTE_STRING }, { NULL, 0 } },
};

static void
store (const char *service,
       const char *username,
       const char *password)
{
  g_autoptr (GError) error = NULL;

  secret_password_store_sync (&schema, SECRET_COLLECTION_SESSION, "test", password, NULL, &error,
                              "service", service, username != NULL ? "username" : NULL, username, NULL);
  g_assert_no_error (error);
}

static void
rule (Fixture *fixture,
      const char *line)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *reply = tornadis_harness_redis_command (fixture->redis, line, &error);

  g_assert_no_error (error);
  g_assert_true (*reply != '-');
}

static gboolean
is_user (TornadisClient *client,
         const char *name)
{
  g_autofree char *quoted = g_strdup_printf ("\"%s\"", name);
  g_autofree char *text = call_text (client, "ACL", "WHOAMI", NULL);

  return g_str_equal (text, quoted);
}

static void
assert_fails (TornadisClient *client,
              const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (connect_and_wait (client, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION);
  if (strstr (error->message, words) == NULL)
    g_error ("%s: %s", words, error->message);
}

static void
test_login (Fixture *fixture,
            gconstpointer data)
{
  TornadisPlugin *plugin = tornadis_client_add_plugin_by_name (fixture->client, "keyring", NULL);

  rule (fixture, "ACL SETUSER ann on >one ~* &* +@all");
  assert_fails (fixture->client, "no attributes");
  g_object_set (plugin, "attributes", (const char *[]){ "service", NULL }, NULL);
  assert_fails (fixture->client, "NAME:VALUE");
  g_object_set (plugin, "attributes", (const char *[]){ "service:login", NULL }, NULL);
  assert_fails (fixture->client, "no such password");

  store ("login", "ann", "one");
  g_assert_true (is_user (fixture->client, "ann"));

  /* The user is the item's, or the property's. */
  rule (fixture, "ACL SETUSER bob on >one ~* &* +@all");
  tornadis_client_close (fixture->client);
  g_object_set (plugin, "username", "bob", NULL);
  g_assert_true (is_user (fixture->client, "bob"));
}

static void
count_cb (guint *count)
{
  (*count)++;
}

/* Another password is stored: the connection that is up follows. */
static void
test_change (Fixture *fixture,
             gconstpointer data)
{
  TornadisPlugin *plugin = tornadis_client_add_plugin_by_name (fixture->client, "keyring", NULL);
  guint n_lost = 0;
  guint n_auths;

  g_object_set (plugin, "attributes", (const char *[]){ "service:change", "username:ann", NULL }, NULL);
  rule (fixture, "ACL SETUSER ann on >one >two ~* &* +@all");
  store ("change", "ann", "one");
  g_assert_true (is_user (fixture->client, "ann"));
  g_signal_connect_swapped (fixture->client, "disconnected", G_CALLBACK (count_cb), &n_lost);

  n_auths = count_calls (fixture->redis, "auth");
  store ("change", "ann", "two");
  wait_until (count_calls (fixture->redis, "auth") > n_auths);
  rule (fixture, "ACL SETUSER ann <one");
  g_assert_true (is_user (fixture->client, "ann"));
  g_assert_cmpuint (n_lost, ==, 0);
  g_signal_handlers_disconnect_by_data (fixture->client, &n_lost);
}

static GSubprocess *
start_daemon (const char *directory)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  g_autoptr (GError) error = NULL;
  GSubprocess *daemon;

  /* It has warnings of its own. */
  g_subprocess_launcher_unsetenv (launcher, "G_DEBUG");
  g_subprocess_launcher_setenv (launcher, "HOME", directory, TRUE);
  g_subprocess_launcher_setenv (launcher, "XDG_DATA_HOME", directory, TRUE);
  g_subprocess_launcher_setenv (launcher, "XDG_RUNTIME_DIR", directory, TRUE);
  daemon = g_subprocess_launcher_spawn (launcher, &error, "gnome-keyring-daemon", "--foreground", "--unlock",
                                        "--components=secrets", "--control-directory", directory, NULL);
  g_assert_no_error (error);
  g_output_stream_write_all (g_subprocess_get_stdin_pipe (daemon), "password", 8, NULL, NULL, &error);
  g_assert_no_error (error);
  g_output_stream_close (g_subprocess_get_stdin_pipe (daemon), NULL, &error);
  g_assert_no_error (error);

  return daemon;
}

static gboolean
is_owned (const char *name)
{
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  g_autoptr (GVariant) reply =
    g_dbus_connection_call_sync (bus, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "NameHasOwner",
                                 g_variant_new ("(s)", name), G_VARIANT_TYPE ("(b)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
  gboolean owned = FALSE;

  if (reply != NULL)
    g_variant_get (reply, "(b)", &owned);
  return owned;
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *inner = g_build_filename (path, name, NULL);

      remove_all (inner);
    }
  g_remove (path);
}

int
main (int argc,
      char **argv)
{
  /* Kept: with the last reference it would wait for the connection to go, which libsecret keeps. */
  static GTestDBus *bus;
  g_autoptr (GSubprocess) daemon = NULL;
  g_autofree char *directory = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("tornadis-keyring-XXXXXX", NULL);
  bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (bus);
  daemon = start_daemon (directory);
  wait_until (is_owned ("org.freedesktop.secrets"));

  g_test_add ("/keyring/login", Fixture, NULL, fixture_set_up, test_login, fixture_tear_down);
  g_test_add ("/keyring/change", Fixture, NULL, fixture_set_up, test_change, fixture_tear_down);
  status = g_test_run ();

  g_subprocess_force_exit (daemon);
  g_subprocess_wait (daemon, NULL, NULL);
  secret_service_disconnect ();
  g_test_dbus_stop (bus);
  remove_all (directory);

  return status;
}
