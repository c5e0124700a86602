/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A real server whose passwords are in a file. */

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "integration/util.h"
#include "plugins/util.h"

typedef struct
{
  Fixture base;
  char *directory;        /* (owned) */
  char *path;             /* (owned) */
  TornadisPlugin *plugin; /* (unowned) */
} File;

/* As programs write such files: whole, or not at all. */
static void
put (File *self,
     const char *text,
     int mode)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (self->path, text, (gssize) strlen (text), G_FILE_SET_CONTENTS_CONSISTENT, mode, &error);
  g_assert_no_error (error);
  g_assert_no_errno (g_chmod (self->path, (mode_t) mode));
}

static void
rule (File *self,
      const char *line)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *reply = tornadis_harness_redis_command (self->base.redis, line, &error);

  g_assert_no_error (error);
  g_assert_true (*reply != '-');
}

static void
set_up (File *self,
        gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture_set_up (&self->base, NULL);
  self->directory = g_dir_make_tmp ("tornadis-password-XXXXXX", &error);
  g_assert_no_error (error);
  self->path = g_build_filename (self->directory, "password", NULL);
  self->plugin = add_plugin (self->base.client, "password-file", "path", self->path, NULL);
  rule (self, "ACL SETUSER ann on >one >a:b ~* &* +@all");
}

static void
tear_down (File *self,
           gconstpointer data)
{
  g_unlink (self->path);
  g_assert_no_errno (g_rmdir (self->directory));
  g_free (self->directory);
  g_free (self->path);
  fixture_tear_down (&self->base, NULL);
}

static gboolean
is_user (File *self,
         const char *name)
{
  g_autofree char *quoted = g_strdup_printf ("\"%s\"", name);
  g_autofree char *text = call_text (self->base.client, "ACL", "WHOAMI", NULL);

  return g_str_equal (text, quoted);
}

static void
assert_fails (File *self,
              const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (connect_and_wait (self->base.client, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION);
  if (strstr (error->message, words) == NULL)
    g_error ("%s: %s", words, error->message);
}

static void
test_lines (File *self,
            gconstpointer data)
{
  static const struct
  {
    const char *text;
    const char *username; /* (nullable) the property */
    const char *user;     /* (nullable) who one is; NULL: nobody */
  } lines[] = {
    { "ann:one\n", NULL, "ann" },
    { "ann:a:b", NULL, "ann" },
    { "ann:one\r\nwhat follows is nothing\n", NULL, "ann" },
    { "a:b\n", "ann", "ann" },
    { "one\n", "ann", "ann" },
    { "ann:two\n", NULL, NULL },
    { "own\n", NULL, "default" },
    { ":own\n", NULL, "default" },
    { "one\n", NULL, NULL },
  };

  rule (self, "ACL SETUSER boss on nopass ~* &* +@all");
  rule (self, "CONFIG SET requirepass own");

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      put (self, lines[i].text, 0600);
      g_object_set (self->plugin, "username", lines[i].username, NULL);
      tornadis_client_close (self->base.client);
      if (lines[i].user != NULL)
        g_assert_true (is_user (self, lines[i].user));
      else
        assert_fails (self, "WRONGPASS");
    }
}

static void
test_not_there (File *self,
                gconstpointer data)
{
  static const char *const texts[] = { "", "\n", "\nann:one\n" };

  assert_fails (self, self->path);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      put (self, texts[i], 0600);
      assert_fails (self, "first line");
    }

  g_object_set (self->plugin, "path", NULL, NULL);
  assert_fails (self, "no path");
  g_object_set (self->plugin, "path", "/dev/zero", NULL);
  assert_fails (self, "first line");
}

static void
disconnected_cb (TornadisClient *client,
                 const GError *error,
                 guint *n_lost)
{
  (*n_lost)++;
}

/* The file is replaced, written over, or is a link of which something is: the connection that is up follows. */
static void
test_change (File *self,
             gconstpointer data)
{
  g_autofree char *other = g_build_filename (self->directory, "other", NULL);
  g_autofree char *link = g_build_filename (self->directory, "link", NULL);
  g_autoptr (GError) error = NULL;
  guint n_lost = 0;

  rule (self, "ACL SETUSER bob on >two ~* &* +@all");
  rule (self, "ACL SETUSER cay on >three ~* &* +@all");
  put (self, "ann:one\n", 0600);
  g_signal_connect (self->base.client, "disconnected", G_CALLBACK (disconnected_cb), &n_lost);
  g_assert_true (is_user (self, "ann"));

  put (self, "bob:two\n", 0600);
  wait_until (is_user (self, "bob"));
  rule (self, "ACL DELUSER ann");

  g_file_set_contents_full (self->path, "cay:three\n", -1, G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error (error);
  wait_until (is_user (self, "cay"));
  rule (self, "ACL DELUSER bob");

  /* As containers are given secrets: the path leads through a link that is replaced. */
  rule (self, "ACL SETUSER dee on >four ~* &* +@all");
  g_file_set_contents_full (other, "dee:four\n", -1, G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error (error);
  g_assert_no_errno (symlink ("other", link));
  g_assert_no_errno (g_rename (link, self->path));
  wait_until (is_user (self, "dee"));
  rule (self, "ACL DELUSER cay");
  g_assert_true (is_user (self, "dee"));

  g_assert_cmpuint (n_lost, ==, 0);
  g_signal_handlers_disconnect_by_data (self->base.client, &n_lost);
  g_assert_no_errno (g_unlink (other));
}

static void
test_mode (File *self,
           gconstpointer data)
{
  put (self, "ann:one\n", 0640);
  g_assert_true (is_user (self, "ann"));
  tornadis_client_close (self->base.client);

  /* Said once, until it is as it should be. */
  put (self, "ann:one\n", 0644);
  g_test_expect_message ("Tornadis-password-file", G_LOG_LEVEL_WARNING, "*may be read*");
  g_assert_true (is_user (self, "ann"));
  g_test_assert_expected_messages ();
  tornadis_client_close (self->base.client);
  g_assert_true (is_user (self, "ann"));
}

/* One plugin is that of all clients of a pool, and another is refused. */
static void
test_clients (File *self,
              gconstpointer data)
{
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (self->base.client);
  g_autoptr (TornadisCredentials) credentials = NULL;
  g_autoptr (GError) error = NULL;
  TornadisClient *clients[2];

  put (self, "ann:one\n", 0600);
  g_assert_null (tornadis_client_add_plugin_by_name (self->base.client, "password-file", &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      clients[i] = assert_take (pool);
      assert_call (clients[i], "\"ann\"", "ACL", "WHOAMI", NULL);
    }
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    tornadis_client_pool_release_client (pool, clients[i]);
  tornadis_client_pool_destroy (pool);

  tornadis_client_remove_plugin (self->base.client, self->plugin);
  g_object_get (self->base.client, "credentials", &credentials, NULL);
  g_assert_null (credentials);
  assert_call (self->base.client, "\"default\"", "ACL", "WHOAMI", NULL);
}

#define ADD(name, func) g_test_add ("/password-file/" name, File, NULL, set_up, func, tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("lines", test_lines);
  ADD ("not-there", test_not_there);
  ADD ("change", test_change);
  ADD ("mode", test_mode);
  ADD ("clients", test_clients);

  return g_test_run ();
}
