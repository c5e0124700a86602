/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tornadis-glib/values/tornadis-command-private.h"

/* The wire form of all arguments, with the large ones in their places. */
static GBytes *
expand (TornadisCommand *command)
{
  GByteArray *wire = g_byte_array_new ();
  gsize offset = 0;

  for (guint i = 0; command->large != NULL && i < command->large->args->len; i++)
    {
      const TornadisLargeArg *large = &g_array_index (command->large->args, TornadisLargeArg, i);

      g_assert_cmpuint (large->offset, >=, offset);
      g_assert_cmpuint (large->offset, <=, command->body_len);
      g_byte_array_append (wire, command->body + offset, (guint) (large->offset - offset));
      g_byte_array_append (wire, g_bytes_get_data (large->bytes, NULL), (guint) g_bytes_get_size (large->bytes));
      offset = large->offset;
    }
  g_byte_array_append (wire, command->body + offset, (guint) (command->body_len - offset));

  return g_byte_array_free_to_bytes (wire);
}

static void
assert_wire (TornadisCommand *command,
             gsize n_args,
             const char *expected,
             gsize length)
{
  g_autoptr (GBytes) wire = expand (command);

  g_assert_cmpmem (g_bytes_get_data (wire, NULL), g_bytes_get_size (wire), expected, length);
  g_assert_cmpuint (tornadis_command_get_wire_size (command), ==, length);
  g_assert_cmpuint (tornadis_command_get_n_args (command), ==, n_args);
}

#define assert_wire_literal(command, n_args, literal) assert_wire (command, n_args, literal, sizeof literal - 1)

static void
assert_arg_data (TornadisCommand *command,
                 gsize i,
                 const void *expected,
                 gsize length)
{
  gsize found_length = G_MAXSIZE;
  const guint8 *data = tornadis_command_get_arg_data (command, i, &found_length);

  g_assert_nonnull (data);
  g_assert_cmpmem (data, found_length, expected, length);
  g_assert_true (tornadis_command_get_arg_data (command, i, NULL) == data);
}

static void
assert_no_arg (TornadisCommand *command,
               gsize i)
{
  gsize length = G_MAXSIZE;

  g_assert_null (tornadis_command_get_arg (command, i));
  g_assert_null (tornadis_command_get_arg_data (command, i, &length));
  g_assert_cmpuint (length, ==, 0);
  g_assert_null (tornadis_command_get_arg_data (command, i, NULL));
}

static void
assert_arg (TornadisCommand *command,
            gsize i,
            const void *expected,
            gsize length)
{
  g_autoptr (GBytes) arg = tornadis_command_get_arg (command, i);

  g_autoptr (GPtrArray) args = tornadis_command_get_args (command);

  g_assert_nonnull (arg);
  g_assert_cmpmem (g_bytes_get_data (arg, NULL), g_bytes_get_size (arg), expected, length);
  g_assert_cmpuint (args->len, ==, tornadis_command_get_n_args (command));
  g_assert_true (g_bytes_equal (g_ptr_array_index (args, i), arg));
  assert_arg_data (command, i, expected, length);
}

static GBytes *
new_pattern_bytes (gsize length)
{
  guint8 *data = g_malloc (length);

  for (gsize i = 0; i < length; i++)
    data[i] = (guint8) (i * 7 + length);

  return g_bytes_new_take (data, length);
}

static void
test_strv (void)
{
  const char *argv[] = { "set", "key", "v alue", NULL };
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv (argv);

  assert_wire_literal (command, 3, "$3\r\nset\r\n$3\r\nkey\r\n$6\r\nv alue\r\n");
  g_assert_cmpstr (tornadis_command_get_name (command), ==, "SET");
  assert_arg (command, 0, "set", 3);
  assert_arg (command, 1, "key", 3);
  assert_arg (command, 2, "v alue", 6);
  assert_no_arg (command, 3);
  assert_no_arg (command, G_MAXSIZE);
}

static void
test_empty_vectors (void)
{
  const char *argv[] = { NULL };
  g_autoptr (TornadisCommand) from_strv = tornadis_command_new_strv (argv);
  g_autoptr (TornadisCommand) from_bytes = tornadis_command_new_bytes (NULL, 0);

  assert_wire_literal (from_strv, 0, "");
  assert_wire_literal (from_bytes, 0, "");
  g_assert_cmpstr (tornadis_command_get_name (from_strv), ==, "");
  assert_no_arg (from_strv, 0);
  g_assert_cmpint (tornadis_command_get_effect (from_bytes), ==, TORNADIS_COMMAND_PLAIN);
}

static void
test_bytes (void)
{
  static const struct
  {
    const char *data;
    gsize length;
  } args[] = {
    { "SET", 3 },
    { "", 0 },
    { "a\0b", 3 },
    { "\r\n", 2 },
    { "$3\r\nGET\r\n", 9 },
    { "\377\376\0\200", 4 },
    { "", 0 },
  };
  GBytes *bytes[G_N_ELEMENTS (args)];
  g_autoptr (TornadisCommand) command = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (args); i++)
    bytes[i] = g_bytes_new (args[i].data, args[i].length);
  command = tornadis_command_new_bytes (bytes, G_N_ELEMENTS (args));

  assert_wire_literal (command, G_N_ELEMENTS (args),
                       "$3\r\nSET\r\n$0\r\n\r\n$3\r\na\0b\r\n$2\r\n\r\n\r\n$9\r\n$3\r\nGET\r\n\r\n"
                       "$4\r\n\377\376\0\200\r\n$0\r\n\r\n");
  for (gsize i = 0; i < G_N_ELEMENTS (args); i++)
    {
      assert_arg (command, i, args[i].data, args[i].length);
      g_bytes_unref (bytes[i]);
    }
  assert_no_arg (command, G_N_ELEMENTS (args));
}

static void
test_append (void)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("ZADD");
  g_autoptr (GBytes) member = g_bytes_new_static ("m\0", 2);

  tornadis_command_append_string (command, "key");
  tornadis_command_append_double (command, 1.5);
  tornadis_command_append_bytes (command, member);
  tornadis_command_append_int64 (command, -42);
  tornadis_command_append_string (command, "");

  assert_wire_literal (command, 6,
                       "$4\r\nZADD\r\n$3\r\nkey\r\n$3\r\n1.5\r\n$2\r\nm\0\r\n$3\r\n-42\r\n$0\r\n\r\n");
  g_assert_cmpstr (tornadis_command_get_name (command), ==, "ZADD");
  g_assert_cmpuint (tornadis_command_get_size (command), >, strlen ("ZADD"));
}

static void
test_int64 (void)
{
  static const struct
  {
    gint64 value;
    const char *text;
  } cases[] = {
    { 0, "0" },
    { 9, "9" },
    { 10, "10" },
    { -1, "-1" },
    { -10, "-10" },
    { G_MAXINT64, "9223372036854775807" },
    { G_MININT64, "-9223372036854775808" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new ("X");

      tornadis_command_append_int64 (command, cases[i].value);
      assert_arg (command, 1, cases[i].text, strlen (cases[i].text));
    }
}

static void
test_double (void)
{
  static const struct
  {
    double value;
    const char *text;
  } cases[] = {
    { 0.0, "0" },
    { -0.0, "-0" },
    { 1.0, "1" },
    { 0.1, "0.1" },
    { -2.5, "-2.5" },
    { 1.1 + 2.2, "3.3000000000000003" },
    { 1.0 / 3.0, "0.3333333333333333" },
    { 1e100, "1e+100" },
    { 123456789012345.0, "123456789012345" },
    { (double) INFINITY, "inf" },
    { (double) -INFINITY, "-inf" },
    { (double) NAN, "nan" },
    { (double) -NAN, "nan" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new ("X");

      tornadis_command_append_double (command, cases[i].value);
      assert_arg (command, 1, cases[i].text, strlen (cases[i].text));
    }
}

static void
test_double_reads_back (void)
{
  const double edges[] = { G_MAXDOUBLE, -G_MAXDOUBLE, G_MINDOUBLE, 5e-324, 9007199254740993.0, 4.9e-320 };

  for (guint i = 0; i < 2000; i++)
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new ("X");
      g_autoptr (GBytes) arg = NULL;
      g_autofree char *text = NULL;
      double value = i < G_N_ELEMENTS (edges) ? edges[i] : ldexp (g_test_rand_double (), (int) (i % 600) - 300);

      tornadis_command_append_double (command, value);
      arg = tornadis_command_get_arg (command, 1);
      text = g_strndup (g_bytes_get_data (arg, NULL), g_bytes_get_size (arg));
      g_assert_cmpfloat (g_ascii_strtod (text, NULL), ==, value);
      g_assert_null (strchr (text, ','));
    }
}

static void
test_lengths (void)
{
  static const gsize lengths[] = {
    0,
    1,
    9,
    10,
    11,
    50,
    60,
    61,
    62,
    63,
    64,
    65,
    66,
    67,
    68,
    80,
    99,
    100,
    101,
    250,
    999,
    1000,
    9999,
    10000,
    TORNADIS_LARGE_ARG_SIZE - 1,
    TORNADIS_LARGE_ARG_SIZE,
    TORNADIS_LARGE_ARG_SIZE + 1,
    99999,
    100000,
    1000000,
  };

  g_test_summary ("Arguments of every length at which the representation changes: digits of the header, inline room, by "
                  "reference");

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (GBytes) value = new_pattern_bytes (lengths[i]);
      g_autoptr (TornadisCommand) command = tornadis_command_new ("ECHO");
      g_autofree char *header = g_strdup_printf ("$4\r\nECHO\r\n$%" G_GSIZE_FORMAT "\r\n", lengths[i]);
      g_autoptr (GString) expected = g_string_new (header);

      g_string_append_len (expected, g_bytes_get_data (value, NULL), (gssize) lengths[i]);
      g_string_append (expected, "\r\n$4\r\nlast\r\n");

      tornadis_command_append_bytes (command, value);
      tornadis_command_append_string (command, "last");

      assert_wire (command, 3, expected->str, expected->len);
      assert_arg (command, 1, g_bytes_get_data (value, NULL), lengths[i]);
      assert_arg (command, 2, "last", 4);
      g_assert_cmpint (command->large != NULL, ==, lengths[i] >= TORNADIS_LARGE_ARG_SIZE);
    }
}

static void
test_small_is_one_allocation (void)
{
  const char *argv[] = { "SET", "key:000000000001", "0123456789abcdef0123456789abcdef", NULL };
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv (argv);

  g_assert_true (command->body == command->inline_body);
  g_assert_null (command->large);
}

static void
test_many (void)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("MSET");
  g_autoptr (GString) expected = g_string_new ("$4\r\nMSET\r\n");

  for (gint64 i = 0; i < 10000; i++)
    {
      g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, i);

      tornadis_command_append_int64 (command, i);
      g_string_append_printf (expected, "$%" G_GSIZE_FORMAT "\r\n%s\r\n", strlen (text), text);
    }

  assert_wire (command, 10001, expected->str, expected->len);
  assert_arg (command, 10000, "9999", 4);
}

static void
test_large_by_reference (void)
{
  g_autoptr (GBytes) large1 = new_pattern_bytes (TORNADIS_LARGE_ARG_SIZE);
  g_autoptr (GBytes) large2 = new_pattern_bytes (TORNADIS_LARGE_ARG_SIZE * 3 + 1);
  g_autoptr (GBytes) small = g_bytes_new_static ("small", 5);
  GBytes *args[] = { large1, small, large2, large1, small, large2 };
  g_autoptr (TornadisCommand) command = tornadis_command_new_bytes (args, G_N_ELEMENTS (args));
  g_autoptr (GString) expected = g_string_new (NULL);

  g_test_summary ("Large arguments are the caller's own memory, first, last and next to each other");

  for (gsize i = 0; i < G_N_ELEMENTS (args); i++)
    {
      g_autoptr (GBytes) arg = tornadis_command_get_arg (command, i);

      g_assert_true (g_bytes_equal (arg, args[i]));
      assert_arg_data (command, i, g_bytes_get_data (args[i], NULL), g_bytes_get_size (args[i]));
      if (args[i] != small)
        {
          g_assert_true (g_bytes_get_data (arg, NULL) == g_bytes_get_data (args[i], NULL));
          g_assert_true (tornadis_command_get_arg_data (command, i, NULL) == g_bytes_get_data (args[i], NULL));
        }

      g_string_append_printf (expected, "$%" G_GSIZE_FORMAT "\r\n", g_bytes_get_size (args[i]));
      g_string_append_len (expected, g_bytes_get_data (args[i], NULL), (gssize) g_bytes_get_size (args[i]));
      g_string_append (expected, "\r\n");
    }

  assert_wire (command, G_N_ELEMENTS (args), expected->str, expected->len);
  g_assert_cmpuint (command->large->args->len, ==, 4);
  g_assert_cmpuint (command->body_len, <, 200);
  assert_no_arg (command, G_N_ELEMENTS (args));
}

static void
test_large_string (void)
{
  g_autofree char *text = g_strnfill (TORNADIS_LARGE_ARG_SIZE, 'x');
  g_autofree char *expected = g_strdup (text);
  const char *argv[] = { "SET", "k", text, NULL };
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv (argv);

  g_test_summary ("A large string is copied: the caller may change theirs");

  g_assert_cmpuint (command->large->args->len, ==, 1);
  memset (text, 'y', TORNADIS_LARGE_ARG_SIZE);
  assert_arg (command, 2, expected, TORNADIS_LARGE_ARG_SIZE);
}

static void
test_name (void)
{
  static const struct
  {
    const char *argument;
    gsize length;
    const char *name;
  } cases[] = {
    { "get", 3, "GET" },
    { "Json.Set", 8, "JSON.SET" },
    { "", 0, "" },
    { "a\0b", 3, "A?B" },
    { "\r\n", 2, "??" },
    { "caf\303\251", 5, "CAF??" },
    { "\377\177\033", 3, "???" },
    { "abcdefghijklmnopqrstuvwxyz01234", 31, "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234" },
    { "abcdefghijklmnopqrstuvwxyz012345", 32, "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234" },
    { "abcdefghijklmnopqrstuvwxyz0123456789", 36, "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes) argument = g_bytes_new_static (cases[i].argument, cases[i].length);
      g_autoptr (TornadisCommand) command = tornadis_command_new_bytes (&argument, 1);

      g_assert_cmpstr (tornadis_command_get_name (command), ==, cases[i].name);
      assert_arg (command, 0, cases[i].argument, cases[i].length);
    }
}

/* Every byte at every place of short and longer names, each asked for twice: names of before may be found again. */
static void
test_name_bytes (void)
{
  for (gsize length = 1; length <= 10; length++)
    for (gsize place = 0; place < length; place++)
      for (guint byte = 0; byte < 512; byte++)
        {
          char name[] = "aBcDeFgHiJ";
          char expected[] = "ABCDEFGHIJ";
          guchar changed = (guchar) (byte / 2);
          g_autoptr (GBytes) argument = NULL;
          g_autoptr (TornadisCommand) command = NULL;

          name[place] = (char) changed;
          expected[place] = g_ascii_isprint (changed) ? g_ascii_toupper ((char) changed) : '?';
          expected[length] = '\0';
          argument = g_bytes_new (name, length);
          command = tornadis_command_new_bytes (&argument, 1);
          g_assert_cmpstr (tornadis_command_get_name (command), ==, expected);
        }
}

static void
test_name_that_is_large (void)
{
  g_autoptr (GBytes) argument = new_pattern_bytes (TORNADIS_LARGE_ARG_SIZE);
  g_autoptr (TornadisCommand) command = tornadis_command_new_bytes (&argument, 1);

  g_assert_cmpuint (strlen (tornadis_command_get_name (command)), ==, 31);
  g_assert_cmpint (tornadis_command_get_effect (command), ==, TORNADIS_COMMAND_PLAIN);
}

/* Upper, lower and mixed case. */
static char *
change_case (const char *text,
             guint how)
{
  char *changed = g_strdup (text);

  for (gsize i = 0; changed[i] != '\0'; i++)
    {
      if (how == 1 || (how == 2 && i % 2 == 0))
        changed[i] = g_ascii_tolower (changed[i]);
    }

  return changed;
}

static void
test_effects (void)
{
  static const struct
  {
    const char *words;
    TornadisCommandEffect effect;
  } cases[] = {
    { "GET k", TORNADIS_COMMAND_PLAIN },
    { "SET k v", TORNADIS_COMMAND_PLAIN },
    { "PING", TORNADIS_COMMAND_PLAIN },
    { "PUBLISH c m", TORNADIS_COMMAND_PLAIN },
    { "PUBSUB CHANNELS", TORNADIS_COMMAND_PLAIN },
    { "QUIT", TORNADIS_COMMAND_PLAIN },
    { "SELECT 1", TORNADIS_COMMAND_SELECT },
    { "AUTH x", TORNADIS_COMMAND_AUTH },
    { "MULTI", TORNADIS_COMMAND_MULTI },
    { "EXEC", TORNADIS_COMMAND_EXEC },
    { "DISCARD", TORNADIS_COMMAND_DISCARD },
    { "WATCH k", TORNADIS_COMMAND_WATCH },
    { "UNWATCH", TORNADIS_COMMAND_UNWATCH },
    { "READONLY", TORNADIS_COMMAND_READONLY },
    { "READWRITE", TORNADIS_COMMAND_READONLY },
    { "ASKING", TORNADIS_COMMAND_OTHER },
    { "CLIENT SETNAME REPLY", TORNADIS_COMMAND_SET_NAME },
    { "CLIENT NO-EVICT on", TORNADIS_COMMAND_NO_EVICT },
    { "CLIENT NO-TOUCH on", TORNADIS_COMMAND_NO_TOUCH },
    { "CLIENT TRACKING on", TORNADIS_COMMAND_OTHER },
    { "CLIENT SETINFO LIB-NAME x", TORNADIS_COMMAND_OTHER },
    { "ACL SETUSER a", TORNADIS_COMMAND_OTHER },
    { "ACL DELUSER a", TORNADIS_COMMAND_OTHER },
    { "ACL LOAD", TORNADIS_COMMAND_OTHER },
    { "BLPOP k 0", TORNADIS_COMMAND_BLOCKING },
    { "BRPOP k 0", TORNADIS_COMMAND_BLOCKING },
    { "BLMOVE a b LEFT LEFT 0", TORNADIS_COMMAND_BLOCKING },
    { "BLMPOP 0 1 a LEFT", TORNADIS_COMMAND_BLOCKING },
    { "BZMPOP 0 1 a MIN", TORNADIS_COMMAND_BLOCKING },
    { "BZPOPMAX a 0", TORNADIS_COMMAND_BLOCKING },
    { "BZPOPMIN a 0", TORNADIS_COMMAND_BLOCKING },
    { "BRPOPLPUSH a b 0", TORNADIS_COMMAND_BLOCKING },
    { "XREAD STREAMS s 0", TORNADIS_COMMAND_BLOCKING },
    { "XREADGROUP GROUP g c STREAMS s >", TORNADIS_COMMAND_BLOCKING },
    { "WAIT 1 0", TORNADIS_COMMAND_BLOCKING },
    { "WAITAOF 1 0 0", TORNADIS_COMMAND_BLOCKING },
    { "SUBSCRIBE c", TORNADIS_COMMAND_REFUSED },
    { "PSUBSCRIBE c", TORNADIS_COMMAND_REFUSED },
    { "SSUBSCRIBE c", TORNADIS_COMMAND_REFUSED },
    { "UNSUBSCRIBE", TORNADIS_COMMAND_REFUSED },
    { "PUNSUBSCRIBE", TORNADIS_COMMAND_REFUSED },
    { "SUNSUBSCRIBE", TORNADIS_COMMAND_REFUSED },
    { "MONITOR", TORNADIS_COMMAND_OTHER },
    { "SYNC", TORNADIS_COMMAND_REFUSED },
    { "PSYNC ? -1", TORNADIS_COMMAND_REFUSED },
    { "REPLCONF ACK 0", TORNADIS_COMMAND_REFUSED },
    { "HELLO 3", TORNADIS_COMMAND_REFUSED },
    { "RESET", TORNADIS_COMMAND_REFUSED },
    { "CLIENT REPLY OFF", TORNADIS_COMMAND_REFUSED },
    { "SCRIPT DEBUG YES", TORNADIS_COMMAND_REFUSED },

    /* only whole names, in their places */
    { "CLIENT", TORNADIS_COMMAND_PLAIN },
    { "CLIENT ID", TORNADIS_COMMAND_PLAIN },
    { "CLIENT LIST", TORNADIS_COMMAND_PLAIN },
    { "CLIENT REPL", TORNADIS_COMMAND_OTHER },
    { "CLIENT REPLYX", TORNADIS_COMMAND_OTHER },
    { "CLIENT DEBUG", TORNADIS_COMMAND_OTHER },
    { "ACL", TORNADIS_COMMAND_PLAIN },
    { "ACL WHOAMI", TORNADIS_COMMAND_PLAIN },
    { "ACL REPLY", TORNADIS_COMMAND_PLAIN },
    { "APP LOAD", TORNADIS_COMMAND_PLAIN },
    { "CLIENTS REPLY", TORNADIS_COMMAND_PLAIN },
    { "SCRIPT LOAD x", TORNADIS_COMMAND_PLAIN },
    { "SCRIPT REPLY", TORNADIS_COMMAND_PLAIN },
    { "SCRIPT EXISTS DEBUG", TORNADIS_COMMAND_PLAIN },
    { "GET SUBSCRIBE", TORNADIS_COMMAND_PLAIN },
    { "SET CLIENT REPLY", TORNADIS_COMMAND_PLAIN },
    { "SELECTX 1", TORNADIS_COMMAND_PLAIN },
    { "SELEC 1", TORNADIS_COMMAND_PLAIN },
    { "AUTHX", TORNADIS_COMMAND_PLAIN },
    { "MULTIX", TORNADIS_COMMAND_PLAIN },
    { "XMULTI", TORNADIS_COMMAND_PLAIN },
    { "RESETS", TORNADIS_COMMAND_PLAIN },
    { "SUBSCRIBES c", TORNADIS_COMMAND_PLAIN },
    { "SELECT REPLY", TORNADIS_COMMAND_SELECT },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      for (guint how = 0; how < 3; how++)
        {
          g_autofree char *text = change_case (cases[i].words, how);
          g_auto (GStrv) words = g_strsplit (text, " ", -1);
          g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) words);
          const char *hint = tornadis_command_get_refusal (command);

          g_test_message ("%s", text);
          g_assert_cmpint (tornadis_command_get_effect (command), ==, cases[i].effect);
          g_assert_cmpint (hint != NULL, ==, cases[i].effect == TORNADIS_COMMAND_REFUSED);
        }
    }
}

static void
test_effects_of_binary_names (void)
{
  static const struct
  {
    const char *name;
    gsize length;
  } names[] = {
    { "AUTH\0", 5 },
    { "MULTI\0", 6 },
    { "SYN\0", 4 },
    { "SYNC ", 5 },
    { " SYNC", 5 },
    { "\0SYNC", 5 },
    { "MONITO\322", 7 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GBytes) name = g_bytes_new_static (names[i].name, names[i].length);
      g_autoptr (TornadisCommand) command = tornadis_command_new_bytes (&name, 1);

      g_assert_cmpint (tornadis_command_get_effect (command), ==, TORNADIS_COMMAND_PLAIN);
      g_assert_null (tornadis_command_get_refusal (command));
    }
}

static void
test_refusal_hints (void)
{
  const char *subscribe[] = { "subscribe", "c", NULL };
  const char *hello[] = { "hello", NULL };
  g_autoptr (TornadisCommand) command1 = tornadis_command_new_strv (subscribe);
  g_autoptr (TornadisCommand) command2 = tornadis_command_new_strv (hello);

  g_assert_nonnull (strstr (tornadis_command_get_refusal (command1), "TornadisPubSubClient"));
  g_assert_nonnull (strstr (tornadis_command_get_refusal (command2), "protocol"));
}

static void
test_format (void)
{
  g_autofree char *large = g_strnfill (TORNADIS_LARGE_ARG_SIZE + 5, 'z');
  g_autofree char *expected = g_strdup_printf ("$4\r\nECHO\r\n$%d\r\n%s\r\n", TORNADIS_LARGE_ARG_SIZE + 5, large);
  g_autoptr (TornadisCommand) string = tornadis_command_new_format ("SET %s %s", "a b", "");
  g_autoptr (TornadisCommand) bytes = tornadis_command_new_format ("SET %b %b", "k\r\n", (size_t) 3,
                                                                   "\0\377", (size_t) 2);
  g_autoptr (TornadisCommand) number = tornadis_command_new_format ("SETEX key:%d %lld %f", -7, 1LL << 40, 0.5);
  g_autoptr (TornadisCommand) percent = tornadis_command_new_format ("  ECHO   100%%  ");
  g_autoptr (TornadisCommand) by_reference = tornadis_command_new_format ("ECHO %s", large);
  g_autoptr (TornadisCommand) empty = tornadis_command_new_format ("");

  assert_wire_literal (string, 3, "$3\r\nSET\r\n$3\r\na b\r\n$0\r\n\r\n");
  assert_wire_literal (bytes, 3, "$3\r\nSET\r\n$3\r\nk\r\n\r\n$2\r\n\0\377\r\n");
  assert_wire_literal (number, 4, "$5\r\nSETEX\r\n$6\r\nkey:-7\r\n$13\r\n1099511627776\r\n$8\r\n0.500000\r\n");
  assert_wire_literal (percent, 2, "$4\r\nECHO\r\n$4\r\n100%\r\n");
  assert_wire (by_reference, 2, expected, strlen (expected));
  g_assert_cmpuint (by_reference->large->args->len, ==, 1);
  assert_wire_literal (empty, 0, "");
  g_assert_cmpstr (tornadis_command_get_name (number), ==, "SETEX");
}

static void
test_format_effect (void)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_format ("client %s on", "reply");

  g_assert_cmpint (tornadis_command_get_effect (command), ==, TORNADIS_COMMAND_REFUSED);
}

/* The message is structured, which g_test_expect_message() does not see. */
static void
test_format_invalid (void)
{
  if (g_test_subprocess ())
    {
      g_log_set_always_fatal (G_LOG_LEVEL_ERROR);
      exit (tornadis_command_new_format ("SET %y sesame", 1) == NULL ? EXIT_SUCCESS : EXIT_FAILURE);
    }

  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*CRITICAL*tornadis_command_new_format: the format is invalid*");
  g_test_trap_assert_stderr_unmatched ("*sesame*");
}

static void
test_sealed (void)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("GET");
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);

  tornadis_command_append_string (command, "k");
  tornadis_command_seal (command);

  for (guint i = 0; i < 4; i++)
    g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*sealed*");
  tornadis_command_append_string (command, "x");
  tornadis_command_append_bytes (command, bytes);
  tornadis_command_append_int64 (command, 1);
  tornadis_command_append_double (command, 1.0);
  g_test_assert_expected_messages ();

  assert_wire_literal (command, 2, "$3\r\nGET\r\n$1\r\nk\r\n");
}

static void
test_null_arguments (void)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("GET");
  GBytes *args[] = { NULL };

  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*name != NULL*");
  g_assert_null (tornadis_command_new (NULL));
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*argv != NULL*");
  g_assert_null (tornadis_command_new_strv (NULL));
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*args != NULL*");
  g_assert_null (tornadis_command_new_bytes (NULL, 1));
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*args?i? != NULL*");
  g_assert_null (tornadis_command_new_bytes (args, 1));
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*format != NULL*");
  g_assert_null (tornadis_command_new_format (NULL));
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*value != NULL*");
  tornadis_command_append_string (command, NULL);
  g_test_expect_message ("Tornadis", G_LOG_LEVEL_CRITICAL, "*value != NULL*");
  tornadis_command_append_bytes (command, NULL);
  g_test_assert_expected_messages ();

  assert_wire_literal (command, 1, "$3\r\nGET\r\n");
}

static void
test_boxed (void)
{
  TornadisCommand *command = tornadis_command_new ("GET");
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, TORNADIS_TYPE_COMMAND);
  g_value_set_boxed (&value, command);
  g_assert_true (g_value_get_boxed (&value) == command);
  tornadis_command_unref (command);

  g_assert_cmpstr (tornadis_command_get_name (g_value_get_boxed (&value)), ==, "GET");
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command/strv", test_strv);
  g_test_add_func ("/command/empty-vectors", test_empty_vectors);
  g_test_add_func ("/command/bytes", test_bytes);
  g_test_add_func ("/command/append", test_append);
  g_test_add_func ("/command/int64", test_int64);
  g_test_add_func ("/command/double", test_double);
  g_test_add_func ("/command/double/reads-back", test_double_reads_back);
  g_test_add_func ("/command/lengths", test_lengths);
  g_test_add_func ("/command/small-is-one-allocation", test_small_is_one_allocation);
  g_test_add_func ("/command/many", test_many);
  g_test_add_func ("/command/large/by-reference", test_large_by_reference);
  g_test_add_func ("/command/large/string", test_large_string);
  g_test_add_func ("/command/name", test_name);
  g_test_add_func ("/command/name-bytes", test_name_bytes);
  g_test_add_func ("/command/name/large", test_name_that_is_large);
  g_test_add_func ("/command/effects", test_effects);
  g_test_add_func ("/command/effects/binary-names", test_effects_of_binary_names);
  g_test_add_func ("/command/effects/hints", test_refusal_hints);
  g_test_add_func ("/command/format", test_format);
  g_test_add_func ("/command/format/effect", test_format_effect);
  g_test_add_func ("/command/format/invalid", test_format_invalid);
  g_test_add_func ("/command/sealed", test_sealed);
  g_test_add_func ("/command/null-arguments", test_null_arguments);
  g_test_add_func ("/command/boxed", test_boxed);

  return g_test_run ();
}
