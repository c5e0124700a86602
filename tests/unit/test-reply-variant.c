/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include "tornadis-glib/values/tornadis-reply-private.h"

#define N_TREES 1000
#define MAX_DEPTH 6

/* A random reply as it stands on the wire; @depth levels are above it. */
static void
append_random (GString *resp,
               guint depth)
{
  static const char *const leaves[] = {
    "_\r\n",
    "$-1\r\n",
    "+OK\r\n",
    "+\r\n",
    "+not \xff text\r\n",
    "-WRONGTYPE not that\r\n",
    "-ERR\r\n",
    "-\r\n",
    "- begins with a space\r\n",
    "!9\r\nERR a\r\nb!\r\n",
    ":0\r\n",
    ":-9223372036854775808\r\n",
    ":9223372036854775807\r\n",
    "$0\r\n\r\n",
    "$5\r\nhello\r\n",
    "$4\r\n\xff\x01\x02\x03\r\n",
    ",2.5\r\n",
    ",-inf\r\n",
    ",nan\r\n",
    ",-0\r\n",
    "#t\r\n",
    "#f\r\n",
    "(123456789012345678901234567890\r\n",
    "=6\r\ntxt:hi\r\n",
    "=7\r\ntxt:\xc3\xbc!\r\n",
  };
  static const char opens[] = "*~%>";
  gint32 choice = g_test_rand_int_range (0, (gint32) G_N_ELEMENTS (leaves) + (depth < MAX_DEPTH ? 12 : 0));
  gint32 n;
  char open;

  if (choice < (gint32) G_N_ELEMENTS (leaves))
    {
      g_string_append (resp, leaves[choice]);
      return;
    }

  /* A push stands by itself. */
  open = opens[g_test_rand_int_range (0, depth == 0 ? 4 : 3)];
  n = g_test_rand_int_range (0, 5);
  g_string_append_printf (resp, "%c%d\r\n", open, n);
  for (gint32 i = 0; i < (open == '%' ? 2 * n : n); i++)
    append_random (resp, depth + 1);
}

static TornadisReply *
parse (const GString *resp)
{
  g_autoptr (GBytes) bytes = g_bytes_new (resp->str, resp->len);
  g_autoptr (GError) error = NULL;
  TornadisReply *reply = tornadis_reply_new_from_resp (bytes, &error);

  g_assert_no_error (error);
  return reply;
}

/* What a variant has no type for comes back as its nearest. */
static TornadisReplyKind
get_kind_afterwards (TornadisReply *reply)
{
  switch (tornadis_reply_get_kind (reply))
    {
    case TORNADIS_REPLY_KIND_SET:
    case TORNADIS_REPLY_KIND_PUSH:
      return TORNADIS_REPLY_KIND_ARRAY;
    case TORNADIS_REPLY_KIND_STATUS:
    case TORNADIS_REPLY_KIND_BIG_NUMBER:
    case TORNADIS_REPLY_KIND_VERBATIM:
      return tornadis_reply_get_text (reply) != NULL ? TORNADIS_REPLY_KIND_STATUS : TORNADIS_REPLY_KIND_STRING;
    case TORNADIS_REPLY_KIND_NIL:
    case TORNADIS_REPLY_KIND_ERROR:
    case TORNADIS_REPLY_KIND_INTEGER:
    case TORNADIS_REPLY_KIND_STRING:
    case TORNADIS_REPLY_KIND_ARRAY:
    case TORNADIS_REPLY_KIND_DOUBLE:
    case TORNADIS_REPLY_KIND_BOOLEAN:
    case TORNADIS_REPLY_KIND_MAP:
    default:
      return tornadis_reply_get_kind (reply);
    }
}

static void
assert_same (TornadisReply *reply,
             TornadisReply *again)
{
  double number = tornadis_reply_get_double (reply);
  gsize length, length_again;
  const guint8 *data = tornadis_reply_get_data (reply, &length);
  const guint8 *data_again = tornadis_reply_get_data (again, &length_again);

  g_assert_cmpint (tornadis_reply_get_kind (again), ==, get_kind_afterwards (reply));
  g_assert_cmpmem (data_again, length_again, data, length);
  g_assert_cmpint (tornadis_reply_get_integer (again), ==, tornadis_reply_get_integer (reply));
  g_assert_cmpint (tornadis_reply_get_boolean (again), ==, tornadis_reply_get_boolean (reply));
  if (isnan (number))
    g_assert_true (isnan (tornadis_reply_get_double (again)));
  else
    g_assert_cmpfloat (tornadis_reply_get_double (again), ==, number);

  g_assert_cmpuint (tornadis_reply_get_n_elements (again), ==, tornadis_reply_get_n_elements (reply));
  for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
    assert_same (tornadis_reply_get_element (reply, i), tornadis_reply_get_element (again, i));
}

static void
test_inverse (void)
{
  g_test_summary ("Whatever to_variant makes comes back, and makes the same variant");

  for (guint i = 0; i < N_TREES; i++)
    {
      g_autoptr (GString) resp = g_string_new (NULL);
      g_autoptr (TornadisReply) reply = NULL;
      g_autoptr (TornadisReply) again = NULL;
      g_autoptr (GVariant) variant = NULL;
      g_autoptr (GVariant) variant_again = NULL;
      g_autoptr (GVariant) stored = NULL;
      g_autoptr (GBytes) bytes = NULL;

      append_random (resp, 0);
      reply = parse (resp);
      variant = tornadis_reply_to_variant (reply);
      again = tornadis_reply_new_from_variant (variant);
      variant_again = tornadis_reply_to_variant (again);
      g_assert_true (g_variant_equal (variant, variant_again));
      assert_same (reply, again);

      /* The same from a file. */
      bytes = g_variant_get_data_as_bytes (variant);
      stored = g_variant_ref_sink (g_variant_new_from_bytes (g_variant_get_type (variant), bytes, FALSE));
      tornadis_reply_unref (again);
      again = tornadis_reply_new_from_variant (stored);
      assert_same (reply, again);
    }
}

static void
test_inverse_deep (void)
{
  g_autoptr (GString) resp = g_string_new (NULL);
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (TornadisReply) again = NULL;
  g_autoptr (GVariant) variant = NULL;
  g_autoptr (GVariant) variant_again = NULL;

  g_test_summary ("What is too deep for to_variant is text from there on");

  for (guint i = 0; i < 60; i++)
    g_string_append (resp, i % 2 == 0 ? "*1\r\n" : "%1\r\n:1\r\n");
  g_string_append (resp, ":7\r\n");
  reply = parse (resp);
  variant = tornadis_reply_to_variant (reply);
  again = tornadis_reply_new_from_variant (variant);
  variant_again = tornadis_reply_to_variant (again);
  g_assert_true (g_variant_equal (variant, variant_again));
}

static void
test_by_hand (void)
{
  static const struct
  {
    const char *variant;
    TornadisReplyKind kind;
    const char *text;
  } values[] = {
    { "'OK'", TORNADIS_REPLY_KIND_STATUS, "OK" },
    { "''", TORNADIS_REPLY_KIND_STATUS, "" },
    { "objectpath '/a'", TORNADIS_REPLY_KIND_STATUS, "/a" },
    { "signature 'as'", TORNADIS_REPLY_KIND_STATUS, "as" },
    { "@ay [0x68, 0x00]", TORNADIS_REPLY_KIND_STRING, "\"h\\x00\"" },
    { "@ay []", TORNADIS_REPLY_KIND_STRING, "\"\"" },
    { "byte 255", TORNADIS_REPLY_KIND_INTEGER, "(integer) 255" },
    { "int16 -3", TORNADIS_REPLY_KIND_INTEGER, "(integer) -3" },
    { "uint16 65535", TORNADIS_REPLY_KIND_INTEGER, "(integer) 65535" },
    { "-3", TORNADIS_REPLY_KIND_INTEGER, "(integer) -3" },
    { "uint32 4294967295", TORNADIS_REPLY_KIND_INTEGER, "(integer) 4294967295" },
    { "int64 -9223372036854775808", TORNADIS_REPLY_KIND_INTEGER, "(integer) -9223372036854775808" },
    { "uint64 9223372036854775807", TORNADIS_REPLY_KIND_INTEGER, "(integer) 9223372036854775807" },
    { "uint64 9223372036854775808", TORNADIS_REPLY_KIND_BIG_NUMBER, "(big number) 9223372036854775808" },
    { "handle 2", TORNADIS_REPLY_KIND_INTEGER, "(integer) 2" },
    { "2.5", TORNADIS_REPLY_KIND_DOUBLE, "(double) 2.5" },
    { "true", TORNADIS_REPLY_KIND_BOOLEAN, "(true)" },
    { "false", TORNADIS_REPLY_KIND_BOOLEAN, "(false)" },
    { "['a', 'b']", TORNADIS_REPLY_KIND_ARRAY, "1) a\n2) b" },
    { "[1, 2]", TORNADIS_REPLY_KIND_ARRAY, "1) (integer) 1\n2) (integer) 2" },
    { "[b'a', b'b']", TORNADIS_REPLY_KIND_ARRAY, "1) \"a\\x00\"\n2) \"b\\x00\"" },
    { "[<'a'>, <1>, <@mv nothing>]", TORNADIS_REPLY_KIND_ARRAY, "1) a\n2) (integer) 1\n3) (nil)" },
    { "@as []", TORNADIS_REPLY_KIND_ARRAY, "(empty array)" },
    { "[@ms 'a', nothing]", TORNADIS_REPLY_KIND_ARRAY, "1) a\n2) (nil)" },
    { "{'k': 'v'}", TORNADIS_REPLY_KIND_MAP, "1# k => v" },
    { "{'k': <1>, 'l': <['a']>}", TORNADIS_REPLY_KIND_MAP, "1# k => (integer) 1\n2# l => 1) a" },
    { "{1: true}", TORNADIS_REPLY_KIND_MAP, "1# (integer) 1 => (true)" },
    { "@a{sv} {}", TORNADIS_REPLY_KIND_MAP, "(empty hash)" },
    { "[(<'k'>, <1>)]", TORNADIS_REPLY_KIND_MAP, "1# k => (integer) 1" },
    { "{'k', 1}", TORNADIS_REPLY_KIND_MAP, "1# k => (integer) 1" },
    { "(1, 'a')", TORNADIS_REPLY_KIND_ARRAY, "1) (integer) 1\n2) a" },
    { "('a',)", TORNADIS_REPLY_KIND_ARRAY, "1) a" },
    { "('a', 'b', 'c')", TORNADIS_REPLY_KIND_ARRAY, "1) a\n2) b\n3) c" },
    { "[(1, 'a')]", TORNADIS_REPLY_KIND_ARRAY, "1) 1) (integer) 1\n   2) a" },
    { "('WRONGTYPE', 'WRONGTYPE not that')", TORNADIS_REPLY_KIND_ERROR, "(error) WRONGTYPE not that" },
    { "('WRONGTYPE', 'not that')", TORNADIS_REPLY_KIND_ERROR, "(error) WRONGTYPE not that" },
    { "('ERR', 'ERRATIC server')", TORNADIS_REPLY_KIND_ERROR, "(error) ERR ERRATIC server" },
    { "('ERR', 'ERR')", TORNADIS_REPLY_KIND_ERROR, "(error) ERR" },
    { "('', 'no')", TORNADIS_REPLY_KIND_ERROR, "(error) no" },
    { "()", TORNADIS_REPLY_KIND_NIL, "(nil)" },
    { "@mv nothing", TORNADIS_REPLY_KIND_NIL, "(nil)" },
    { "@ms nothing", TORNADIS_REPLY_KIND_NIL, "(nil)" },
    { "@mv just <1>", TORNADIS_REPLY_KIND_INTEGER, "(integer) 1" },
    { "<<<'a'>>>", TORNADIS_REPLY_KIND_STATUS, "a" },
  };

  g_test_summary ("Variants written by hand become replies, shown as redis-cli does");

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) variant = g_variant_parse (NULL, values[i].variant, NULL, NULL, &error);
      g_autoptr (TornadisReply) reply = NULL;
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      g_test_message ("%s", values[i].variant);
      reply = tornadis_reply_new_from_variant (variant);
      text = tornadis_reply_to_string (reply);
      g_assert_cmpint (tornadis_reply_get_kind (reply), ==, values[i].kind);
      g_assert_cmpstr (text, ==, values[i].text);
    }
}

static void
test_ownership (void)
{
  GVariant *variant = g_variant_ref_sink (g_variant_new_string ("kept"));
  g_autoptr (TornadisReply) reply = tornadis_reply_new_from_variant (variant);
  g_autoptr (TornadisReply) consumed = tornadis_reply_new_from_variant (g_variant_new_string ("consumed"));

  g_variant_unref (variant);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "kept");
  g_assert_cmpstr (tornadis_reply_get_text (consumed), ==, "consumed");
}

static void
test_not_normal (void)
{
  static const char *const types[] = { "s", "v", "av", "a(vv)", "(ss)", "a{sv}", "mv", "aas", "b", "(svx)" };

  g_test_summary ("Variants that are not in normal form become some reply");

  for (guint i = 0; i < 4000; i++)
    {
      guint8 noise[24];
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GVariant) variant = NULL;
      g_autoptr (TornadisReply) reply = NULL;
      g_autofree char *text = NULL;

      for (guint j = 0; j < sizeof noise; j++)
        noise[j] = (guint8) g_test_rand_int_range (0, j % 3 == 0 ? 256 : 24);
      bytes = g_bytes_new (noise, (gsize) g_test_rand_int_range (0, sizeof noise));
      variant = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (types[i % G_N_ELEMENTS (types)]), bytes, FALSE));
      reply = tornadis_reply_new_from_variant (variant);
      text = tornadis_reply_to_string (reply);
      g_assert_nonnull (text);
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/reply-variant/inverse", test_inverse);
  g_test_add_func ("/reply-variant/inverse-deep", test_inverse_deep);
  g_test_add_func ("/reply-variant/by-hand", test_by_hand);
  g_test_add_func ("/reply-variant/ownership", test_ownership);
  g_test_add_func ("/reply-variant/not-normal", test_not_normal);

  return g_test_run ();
}
