/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gio/gio.h>

#include "tornadis-glib/tornadis-error.h"

static void
test_quark (void)
{
  g_assert_cmpstr (g_quark_to_string (TORNADIS_ERROR), ==, "tornadis-error-quark");
}

static void
test_prefix (void)
{
  static const struct
  {
    const char *message;
    const char *prefix;
  } cases[] = {
    { "ERR unknown command", "ERR" },
    { "WRONGTYPE Operation against a key holding the wrong kind of value", "WRONGTYPE" },
    { "MOVED 3999 127.0.0.1:6381", "MOVED" },
    { "NOSCRIPT", "NOSCRIPT" },
    { "MY_OWN-2 text", "MY_OWN-2" },
    { "ERR  two spaces", "ERR" },
    { "Err mixed case", NULL },
    { "ERR: with a colon", NULL },
    { "lower case", NULL },
    { " ERR after a space", NULL },
    { "ERR\ttab", NULL },
    { "\303\211RR not ASCII", NULL },
    { "", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_REPLY, cases[i].message);
      g_autofree char *prefix = tornadis_error_dup_prefix (error);

      g_assert_cmpstr (prefix, ==, cases[i].prefix);
    }
}

static void
test_prefix_of_other_errors (void)
{
  for (int code = TORNADIS_ERROR_CONNECT; code <= TORNADIS_ERROR_PLUGIN; code++)
    {
      g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, code, "ERR text");
      g_autofree char *prefix = tornadis_error_dup_prefix (error);

      g_assert_cmpstr (prefix, ==, code == TORNADIS_ERROR_REPLY ? "ERR" : NULL);
    }
}

static void
test_prefix_of_other_domains (void)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, TORNADIS_ERROR_REPLY, "ERR text");

  g_assert_null (tornadis_error_dup_prefix (error));
}

static void
test_prefix_of_null (void)
{
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*error != NULL*");
  g_assert_null (tornadis_error_dup_prefix (NULL));
  g_test_assert_expected_messages ();
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/error/quark", test_quark);
  g_test_add_func ("/error/prefix", test_prefix);
  g_test_add_func ("/error/prefix/other-errors", test_prefix_of_other_errors);
  g_test_add_func ("/error/prefix/other-domains", test_prefix_of_other_domains);
  g_test_add_func ("/error/prefix/null", test_prefix_of_null);

  return g_test_run ();
}
