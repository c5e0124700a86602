/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-key-pattern-private.h"

#include <string.h>

static GBytes *
bytes_of (const char *text)
{
  return g_bytes_new_static (text, strlen (text));
}

static void
test_match (void)
{
  static const struct
  {
    const char *pattern;
    const char *matching; /* separated by spaces */
    const char *others;
  } cases[] = {
    { "job", "job", "jo jobs Job j" },
    { "*", "a ab * [", "" },
    { "job:*", "job: job:1 job:*", "job jobs:1 xjob:1" },
    { "*:1", ":1 job:1 :1:1 :1x:1", "job:2 1 :11" },
    { "a*b*c", "abc axbxc abbc abcc aabbcc", "ab ac acb abcd" },
    { "**a**", "a xa ax xax", "b" },
    { "h?llo", "hello h?llo", "hllo heello" },
    { "h[ae]llo", "hello hallo", "hillo h[ae]llo" },
    { "h[^e]llo", "hallo hbllo h^llo", "hello hllo" },
    { "h[a-c]llo", "hallo hbllo hcllo", "hdllo h-llo" },
    { "h[c-a]llo", "hallo hbllo hcllo", "hdllo h-llo" },
    { "h[\\]a]llo", "h]llo hallo", "h\\llo hllo" },
    { "h[a-]llo", "", "hallo h-llo h]llo" },
    { "h[a", "ha", "hb h[a h" },
    { "h[]a", "", "ha h] h]a h[]a" },
    { "h[^]a", "hxa h]a", "ha hxb" },
    { "\\*a\\?\\[\\\\", "*a?[\\", "aa?[\\ *aa[\\ \\*a\\?\\[\\\\" },
    { "\\a", "a", "\\a" },
    { "a\\", "a\\", "a" },
    { "gr\xc3\xb6*", "gr\xc3\xb6\xc3\x9f" "e", "gro" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes) pattern = bytes_of (cases[i].pattern);
      g_auto (GStrv) matching = g_strsplit (cases[i].matching, " ", -1);
      g_auto (GStrv) others = g_strsplit (cases[i].others, " ", -1);

      for (guint j = 0; matching[j] != NULL; j++)
        {
          g_autoptr (GBytes) key = bytes_of (matching[j]);

          g_test_message ("%s %s", cases[i].pattern, matching[j]);
          g_assert_true (tornadis_key_pattern_match (pattern, key));
        }
      for (guint j = 0; others[j] != NULL; j++)
        {
          g_autoptr (GBytes) key = bytes_of (others[j]);

          g_test_message ("%s not %s", cases[i].pattern, others[j]);
          g_assert_false (tornadis_key_pattern_match (pattern, key));
        }
    }
}

/* It takes no longer with many stars. */
static void
test_stars (void)
{
  g_autoptr (GString) pattern = g_string_new (NULL);
  g_autoptr (GString) key = g_string_new (NULL);
  g_autoptr (GBytes) pattern_bytes = NULL;
  g_autoptr (GBytes) key_bytes = NULL;

  for (guint i = 0; i < 200; i++)
    {
      g_string_append (pattern, "*a");
      g_string_append (key, "aaaaa");
    }
  g_string_append_c (pattern, 'b');
  pattern_bytes = g_bytes_new (pattern->str, pattern->len);
  key_bytes = g_bytes_new (key->str, key->len);
  g_assert_false (tornadis_key_pattern_match (pattern_bytes, key_bytes));
}

static void
assert_prefix (const char *pattern,
               const char *expected)
{
  g_autoptr (GBytes) bytes = bytes_of (pattern);
  g_autoptr (GBytes) prefix = tornadis_key_pattern_dup_prefix (bytes);
  g_autoptr (GBytes) wanted = bytes_of (expected);

  g_assert_true (g_bytes_equal (prefix, wanted));
}

static void
test_prefix (void)
{
  assert_prefix ("", "");
  assert_prefix ("*", "");
  assert_prefix ("job", "job");
  assert_prefix ("job:*:done", "job:");
  assert_prefix ("h?llo", "h");
  assert_prefix ("h[ae]llo", "h");
  assert_prefix ("\\[a\\*]*", "[a*]");
  assert_prefix ("a\\", "a\\");
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/key-pattern/match", test_match);
  g_test_add_func ("/key-pattern/stars", test_stars);
  g_test_add_func ("/key-pattern/prefix", test_prefix);

  return g_test_run ();
}
