/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-secret.h"

#include <string.h>

static void
test_wipe (void)
{
  char text[] = "s3cret";
  static const char nothing[sizeof text];

  tornadis_secret_wipe (text, 3);
  g_assert_cmpmem (text, sizeof text, "\0\0\0ret", sizeof text);
  tornadis_secret_wipe (text, sizeof text);
  g_assert_cmpmem (text, sizeof text, nothing, sizeof nothing);
  tornadis_secret_wipe (NULL, 0);
  tornadis_secret_free (NULL);
}

/* The bytes are the same, of all lengths, and are in memory of their own where somebody else has them too. */
static void
test_bytes (void)
{
  g_autoptr (GBytes) shared = g_bytes_new ("s3cret", 6);
  g_autoptr (GBytes) taken = tornadis_secret_take (g_bytes_ref (shared));
  g_autoptr (GBytes) alone = tornadis_secret_take (g_bytes_new ("s3cret", 6));
  g_autoptr (GBytes) empty = tornadis_secret_take (g_bytes_new (NULL, 0));
  g_autoptr (GBytes) text = tornadis_secret_new ("s3cret");
  g_autoptr (GBytes) no_text = tornadis_secret_new ("");

  g_assert_true (g_bytes_equal (shared, taken));
  g_assert_true (g_bytes_get_data (shared, NULL) != g_bytes_get_data (taken, NULL));
  g_clear_pointer (&taken, g_bytes_unref);
  g_assert_cmpmem (g_bytes_get_data (shared, NULL), g_bytes_get_size (shared), "s3cret", 6);
  g_assert_true (g_bytes_equal (shared, alone));
  g_assert_true (g_bytes_equal (shared, text));
  g_assert_cmpuint (g_bytes_get_size (empty), ==, 0);
  g_assert_cmpuint (g_bytes_get_size (no_text), ==, 0);
  g_assert_null (tornadis_secret_take (NULL));
  g_assert_null (tornadis_secret_new (NULL));
}

static void
test_censor (void)
{
  static const struct
  {
    const char *words;
    const char *password; /* (nullable) */
    const char *censored;
  } samples[] = {
    { "WRONGPASS invalid", "s3cret", "WRONGPASS invalid" },
    { "what is s3cret, or s3crets?", "s3cret", "what is ***, or ***s?" },
    { "ERR unknown command 'AUTH', with args beginning with: 's3cret'", NULL, "ERR unknown command 'AUTH'" },
    { "NOPERM", "", "NOPERM" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
    {
      g_autoptr (GBytes) password = tornadis_secret_new (samples[i].password);
      g_autofree char *censored = tornadis_secret_censor (samples[i].words, password);

      g_assert_cmpstr (censored, ==, samples[i].censored);
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/secret/wipe", test_wipe);
  g_test_add_func ("/secret/bytes", test_bytes);
  g_test_add_func ("/secret/censor", test_censor);

  return g_test_run ();
}
