/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/hook-plugin.h"

#include "introspection/bridge/tornadis-bridge-carrier.h"
#include "introspection/bridge/tornadis-bridge-values.h"
#include <string.h>

static TornadisReply *
parse (const char *resp)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new (resp, strlen (resp));
  TornadisReply *reply = tornadis_reply_new_from_resp (bytes, &error);

  g_assert_no_error (error);
  return reply;
}

static void
assert_text (const char *resp,
             const char *json)
{
  g_autoptr (TornadisReply) reply = parse (resp);
  g_autofree char *text = tornadis_bridge_dup_text (reply);

  g_assert_cmpstr (text, ==, json);
}

#define assert_data(resp, decode, marshalled) assert_data_of (resp, decode, marshalled, sizeof marshalled - 1)

static void
assert_data_of (const char *resp,
                gboolean decode,
                const char *marshalled,
                gsize expected_length)
{
  g_autoptr (TornadisReply) reply = parse (resp);
  gsize length;
  g_autofree guint8 *data = tornadis_bridge_dup_data (reply, decode, &length);

  g_assert_cmpmem (data, length, marshalled, expected_length);
}

static void
test_json (void)
{
  assert_text ("$3\r\nfoo\r\n", "[ 1,\"foo\"]");
  assert_text ("+OK\r\n", "[ 1,\"OK\"]");
  assert_text ("$0\r\n\r\n", "[ 1,\"\"]");
  assert_text ("$9\r\na\"b\\c\nd\x7f"
               "e\r\n",
               "[ 1,\"a\\u0022b\\u005cc\\u000ad\x7f"
               "e\"]");
  assert_text ("$2\r\n\xc3\xa4\r\n", "[ 1,\"\xc3\xa4\"]");
  /* Not UTF-8: a character for each byte. */
  assert_text ("$3\r\n\xff\"a\r\n", "[-1,{\"b\":\"\xc3\xbf\\u0022a\"}]");
  assert_text (":-7\r\n", "[ 1,-7]");
  assert_text (":9007199254740991\r\n", "[ 1,9007199254740991]");
  assert_text (":9007199254740992\r\n", "[-1,{\"i\":\"9007199254740992\"}]");
  assert_text ("(-123456789012345678901234567890\r\n", "[-1,{\"i\":\"-123456789012345678901234567890\"}]");
  assert_text ("_\r\n", "[ 1,null]");
  assert_text ("#t\r\n", "[ 1,true]");
  assert_text (",1.5\r\n", "[ 1,1.5]");
  assert_text (",-inf\r\n", "[-1,{\"d\":\"-Infinity\"}]");
  assert_text (",nan\r\n", "[-1,{\"d\":\"NaN\"}]");
  assert_text ("=7\r\ntxt:abc\r\n", "[ 1,\"abc\"]");
  assert_text ("*0\r\n", "[ 1,[]]");
  assert_text ("*3\r\n:1\r\n*1\r\n$1\r\na\r\n_\r\n", "[ 1,[1,[\"a\"],null]]");
  assert_text ("%1\r\n$1\r\nk\r\n~1\r\n:2\r\n", "[-1,{\"m\":[\"k\",[2]]}]");
  assert_text ("*2\r\n:1\r\n-ERR \"no\"\r\n", "[-1,[1,{\"e\":[\"tornadis-error-quark\",6,\"ERR \\u0022no\\u0022\"]}]]");
}

static void
test_marshal (void)
{
  g_autoptr (GString) resp = g_string_new ("*20\r\n");
  g_autoptr (GString) bytes = g_string_new (NULL);
  g_autoptr (GString) text = g_string_new (NULL);

  assert_data ("$3\r\nfoo\r\n", FALSE, "{i\0\0\0\0s\3\0\0\0foo0");
  assert_data ("$3\r\nfoo\r\n", TRUE, "{i\0\0\0\0u\3\0\0\0foo0");
  assert_data ("$0\r\n\r\n", TRUE, "{i\0\0\0\0u\0\0\0\0"
                                   "0");
  assert_data (":-2\r\n", FALSE, "{i\0\0\0\0i\xfe\xff\xff\xff"
                                 "0");
  assert_data (":-2147483648\r\n", FALSE, "{i\0\0\0\0i\0\0\0\x80"
                                          "0");
  /* Digits of 15 bits. */
  assert_data (":2147483648\r\n", FALSE, "{i\0\0\0\0l\3\0\0\0\0\0\0\0\2\0"
                                         "0");
  assert_data (":-9223372036854775808\r\n", FALSE, "{i\0\0\0\0l\xfb\xff\xff\xff\0\0\0\0\0\0\0\0\x8\0"
                                                   "0");
  assert_data ("(-32769\r\n", FALSE, "{i\0\0\0\0l\xfe\xff\xff\xff\1\0\1\0"
                                     "0");
  assert_data ("(+000\r\n", FALSE, "{i\0\0\0\0l\0\0\0\0"
                                   "0");
  assert_data (",1.5\r\n", FALSE, "{i\0\0\0\0g\0\0\0\0\0\0\xf8\x3f"
                                  "0");
  assert_data ("#f\r\n", FALSE, "{i\0\0\0\0F0");
  assert_data ("*2\r\n_\r\n*0\r\n", FALSE, "{i\0\0\0\0[\2\0\0\0N[\0\0\0\0"
                                           "0");
  assert_data ("%1\r\n*1\r\n:1\r\n:2\r\n", FALSE, "{i\0\0\0\0{(\1\0\0\0i\1\0\0\0i\2\0\0\0"
                                                  "00");
  /* With an error in it the number is inverted. */
  assert_data ("*1\r\n-E x\r\n", FALSE, "{i\xff\xff\xff\xff[\1\0\0\0(\3\0\0\0u\x14\0\0\0tornadis-error-quarki\6\0\0\0u\3\0\0\0E x0");

  enable_packs ();
  g_string_append_len (bytes, "{i\0\0\0\0[\x14\0\0\0", 11);
  g_string_append_len (text, bytes->str, 11);
  for (guint i = 0; i < 20; i++)
    {
      g_string_append (resp, "$2\r\n\xc3\xa4\r\n");
      g_string_append_len (bytes, "s\2\0\0\0\xc3\xa4", 7);
      g_string_append_len (text, "u\2\0\0\0\xc3\xa4", 7);
    }
  g_string_append_c (bytes, '0');
  g_string_append_c (text, '0');
  assert_data_of (resp->str, FALSE, bytes->str, bytes->len);
  assert_data_of (resp->str, TRUE, text->str, text->len);
}

/* Python's marshal has a bound, which must not be reached. */
static void
test_too_deep (void)
{
  for (guint depth = 199; depth < 203; depth++)
    {
      g_autoptr (GString) resp = g_string_new (NULL);
      g_autoptr (TornadisReply) reply = NULL;
      g_autofree guint8 *data = NULL;
      gsize length;

      for (guint i = 0; i < depth; i++)
        g_string_append (resp, "*1\r\n");
      g_string_append (resp, "_\r\n");
      reply = parse (resp->str);
      data = tornadis_bridge_dup_data (reply, FALSE, &length);
      g_assert_cmpint (data != NULL, ==, depth <= 200);
    }
}

static void
test_not_text (void)
{
  g_autoptr (TornadisReply) reply = parse ("*1\r\n$1\r\n\xff\r\n");
  g_autoptr (GString) resp = g_string_new ("*20\r\n");
  g_autoptr (TornadisReply) packed = NULL;
  gsize length = 7;

  g_assert_null (tornadis_bridge_dup_data (reply, TRUE, &length));
  g_assert_cmpuint (length, ==, 0);

  enable_packs ();
  for (guint i = 0; i < 20; i++)
    g_string_append (resp, i == 19 ? "$1\r\n\xff\r\n" : "$1\r\na\r\n");
  packed = parse (resp->str);
  g_assert_null (tornadis_bridge_dup_data (packed, TRUE, &length));
}

#define LONG_LIST 50000

/* So many strings, of different lengths, 3 MB together; the one at @place is @other. */
static TornadisReply *
make_long_list (char kind,
                guint place,
                const char *other,
                gsize length)
{
  g_autoptr (GString) resp = g_string_new (NULL);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  TornadisReply *reply;

  enable_packs ();
  g_string_append_printf (resp, "%c%u\r\n", kind, kind == '%' ? LONG_LIST / 2 : LONG_LIST);
  for (guint i = 0; i < LONG_LIST; i++)
    if (i == place)
      {
        g_string_append_printf (resp, "$%zu\r\n", length);
        g_string_append_len (resp, other, (gssize) length);
        g_string_append (resp, "\r\n");
      }
    else
      {
        g_string_append_printf (resp, "$%u\r\n%0*u\r\n", 10 + i % 100, 10 + (int) (i % 100), i);
      }
  bytes = g_bytes_new (resp->str, resp->len);
  reply = tornadis_reply_new_from_resp (bytes, &error);
  g_assert_no_error (error);

  return reply;
}

/* Takes parts as long as there are any; returns how many. Together with what is left they are the list. */
static guint
take_parts (TornadisReply *reply,
            gboolean decode)
{
  guint n_parts = 0;
  guint n = 0;

  for (;;)
    {
      gsize length;
      g_autofree guint8 *part = tornadis_bridge_take_part (reply, decode, &length);
      const guint8 *p = part;
      guint32 n_strings;

      if (part == NULL)
        break;

      g_assert_cmpint (*p, ==, '[');
      memcpy (&n_strings, p + 1, sizeof n_strings);
      p += 5;
      for (guint32 i = 0; i < GUINT32_FROM_LE (n_strings); i++, n++)
        {
          guint32 string_length;

          g_assert_cmpint (*p, ==, decode ? 'u' : 's');
          memcpy (&string_length, p + 1, sizeof string_length);
          string_length = GUINT32_FROM_LE (string_length);
          p += 5;
          if (string_length >= 10)
            {
              g_autofree char *expected = g_strdup_printf ("%0*u", 10 + (int) (n % 100), n);

              g_assert_cmpmem (p, string_length, expected, strlen (expected));
            }
          p += string_length;
        }
      g_assert_true (p == part + length);
      g_assert_cmpuint (n + tornadis_reply_get_n_elements (reply), ==, LONG_LIST);
      n_parts++;
    }

  return n_parts;
}

static void
test_parts (void)
{
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (TornadisReply) reply = make_long_list (i < 2 ? '*' : '~', 40000, "\xc3\xa4\0b", 4);
      TornadisReply *other = tornadis_reply_ref (reply);
      gsize length = 7;

      /* Somebody else has it too. */
      g_assert_null (tornadis_bridge_take_part (reply, i % 2 == 0, &length));
      g_assert_cmpuint (length, ==, 0);
      g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, LONG_LIST);
      tornadis_reply_unref (other);

      g_assert_cmpuint (take_parts (reply, i % 2 == 0), >=, 3);
      g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, 0);
      g_free (tornadis_bridge_dup_data (reply, FALSE, &length));
      g_assert_cmpuint (length, ==, 12);
    }
}

/* What is not text stays, and so does what is behind it. */
static void
test_parts_not_text (void)
{
  g_autoptr (TornadisReply) reply = make_long_list ('*', LONG_LIST - 10, "\xff", 1);
  g_autoptr (GBytes) bytes = NULL;
  gsize length;

  g_assert_cmpuint (take_parts (reply, TRUE), >=, 2);
  g_assert_cmpuint (tornadis_reply_get_n_elements (reply), >, 10);
  g_assert_null (tornadis_bridge_take_part (reply, TRUE, &length));
  g_assert_null (tornadis_bridge_dup_data (reply, TRUE, &length));
  bytes = tornadis_reply_get_bytes (tornadis_reply_get_element (reply, tornadis_reply_get_n_elements (reply) - 10));
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "\xff", 1);
}

static void
test_parts_of_others (void)
{
  static const char *const others[] = { "*0\r\n", "$1\r\na\r\n", "_\r\n", ":1\r\n", "*1\r\n$1\r\na\r\n" };
  g_autoptr (TornadisReply) map = make_long_list ('%', G_MAXUINT, NULL, 0);
  g_autoptr (TornadisReply) list = make_long_list ('*', G_MAXUINT, NULL, 0);
  g_autofree guint8 *data = NULL;
  gsize length;
  gsize map_length;

  /* Whoever asked for an element may keep it without a reference. */
  g_assert_nonnull (tornadis_reply_get_element (list, 0));
  g_assert_null (tornadis_bridge_take_part (map, FALSE, &length));
  g_assert_null (tornadis_bridge_take_part (list, FALSE, &length));
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (TornadisReply) reply = parse (others[i]);

      g_assert_null (tornadis_bridge_take_part (reply, FALSE, &length));
    }

  /* All at once they still go: the strings of all segments, in order. */
  data = tornadis_bridge_dup_data (list, FALSE, &length);
  g_free (tornadis_bridge_dup_data (map, FALSE, &map_length));
  g_assert_cmpuint (length, ==, 5 + 5 + 1 + 1 + LONG_LIST * 5 + LONG_LIST / 100 * (100 * 10 + 99 * 100 / 2));
  g_assert_cmpuint (map_length, ==, length - 5 + 2);
  for (guint i = 0, at = 11; i < LONG_LIST; at += 5 + 10 + i % 100, i++)
    {
      g_autofree char *expected = g_strdup_printf ("%0*u", 10 + (int) (i % 100), i);

      g_assert_cmpmem (data + at + 5, strlen (expected), expected, strlen (expected));
    }
}

static void
assert_arg (TornadisPipeline *pipeline,
            guint i,
            guint arg,
            const char *expected,
            gsize length)
{
  g_autoptr (GBytes) bytes = tornadis_command_get_arg (tornadis_pipeline_get_command (pipeline, i), arg);

  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), expected, length);
}

static void
test_calls_of_json (void)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GError) error = NULL;
  const char *wrong[] = {
    "",
    "[",
    "]",
    "[[]",
    "[[],]",
    "[[\"a\"]",
    "[[\"a\",]]",
    "[[\"a\"\"b\"]]",
    "[\"a\"]",
    "[[1]]",
    "[[\"a\"]]x",
    "[[\"a]]",
    "[[\"\\x\"]]",
    "[[\"\\u12\"]]",
    "[[\"\\",
    "[[\"a\"],[\"b\"",
    "[[[\"a\"]]]",
    "{}",
    "[[\"\\ud800\\u\"]]",
  };

  g_assert_true (tornadis_bridge_stack_text (pipeline, "[]", &error));
  g_assert_no_error (error);
  g_assert_true (tornadis_bridge_stack_text (pipeline,
                                             "[[\"SET\",\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00e4\",\"\xc3\xa4\"],[]"
                                             ",[\"\\ud83d\\ude00\",\"\\ud83d\",\"\\ude00x\",\"\\ud83d\\u0041\",\"\"]]",
                                             &error));
  g_assert_no_error (error);
  g_assert_cmpuint (tornadis_pipeline_get_number_of_stacked_calls (pipeline), ==, 3);
  assert_arg (pipeline, 0, 1, "a\"\\/\b\f\n\r\t\0\xc3\xa4", 12);
  assert_arg (pipeline, 0, 2, "\xc3\xa4", 2);
  g_assert_cmpuint (tornadis_command_get_n_args (tornadis_pipeline_get_command (pipeline, 1)), ==, 0);
  assert_arg (pipeline, 2, 0, "\xf0\x9f\x98\x80", 4);
  assert_arg (pipeline, 2, 1, "\xef\xbf\xbd", 3);
  assert_arg (pipeline, 2, 2, "\xef\xbf\xbdx", 4);
  assert_arg (pipeline, 2, 3, "\xef\xbf\xbd"
                              "A",
              4);
  assert_arg (pipeline, 2, 4, "", 0);

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_false (tornadis_bridge_stack_text (pipeline, wrong[i], &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      g_clear_error (&error);
    }
  g_assert_cmpuint (tornadis_pipeline_get_number_of_stacked_calls (pipeline), ==, 3);
}

static void
test_calls_of_marshal (void)
{
  static const char calls[] = "[\2\0\0\0[\2\0\0\0s\3\0\0\0GETs\2\0\0\0k\0(\1\0\0\0s\0\0\0\0";
  static const gsize opcodes[] = { 0, 5, 10, 18, 25, 30 };
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GError) error = NULL;
  gsize length = sizeof calls - 1;

  g_assert_true (tornadis_bridge_stack_data (pipeline, (const guint8 *) calls, length, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (tornadis_pipeline_get_number_of_stacked_calls (pipeline), ==, 2);
  assert_arg (pipeline, 0, 0, "GET", 3);
  assert_arg (pipeline, 0, 1, "k\0", 2);
  assert_arg (pipeline, 1, 0, "", 0);

  /* Cut off anywhere, and with any byte replaced: an error, or other arguments, but nothing beyond. */
  for (gsize i = 0; i < length; i++)
    {
      g_autofree guint8 *cut = g_memdup2 (calls, MAX (i, 1));
      g_autofree guint8 *wrong = g_memdup2 (calls, length);

      g_assert_false (tornadis_bridge_stack_data (pipeline, cut, i, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      g_clear_error (&error);

      wrong[i] = 0xff;
      tornadis_bridge_stack_data (pipeline, wrong, length, NULL);
    }

  /* What would be a list, or bytes, has no opcode. */
  for (gsize i = 0; i < G_N_ELEMENTS (opcodes); i++)
    {
      g_autofree guint8 *wrong = g_memdup2 (calls, length);

      wrong[opcodes[i]] = 0;
      g_assert_false (tornadis_bridge_stack_data (pipeline, wrong, length, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      g_clear_error (&error);
    }

  g_assert_false (tornadis_bridge_stack_data (pipeline, NULL, 0, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
}

/* A bridge to "JavaScript" and what it told. */
typedef struct
{
  TornadisBridgeCarrier *carrier;
  GPtrArray *told; /* (owned) (element-type utf8) */
  gboolean submits_when_asked;
  gboolean runs_loop;
  guint n_refusals;
} Listener;

static void
told_cb (GObject *owner,
         const char *outcomes,
         gboolean *taken,
         gpointer user_data)
{
  Listener *listener = user_data;

  *taken = listener->n_refusals == 0;
  if (!*taken)
    {
      listener->n_refusals--;
      return;
    }

  g_ptr_array_add (listener->told, g_strdup (outcomes));
  if (outcomes[0] == '\0' && listener->submits_when_asked)
    tornadis_bridge_carrier_submit_text (listener->carrier, "[[\"ECHO\",\"asked\"]]", NULL);
  if (listener->runs_loop)
    {
      guint n = listener->told->len;

      listener->runs_loop = FALSE;
      g_assert_true (tornadis_bridge_carrier_expect (listener->carrier, NULL));
      while (listener->told->len < n + 2)
        g_main_context_iteration (NULL, TRUE);
    }
}

static void
listener_init (Listener *listener,
               TornadisClient *client)
{
  *listener = (Listener){ NULL };
  listener->told = g_ptr_array_new_with_free_func (g_free);
  listener->carrier = tornadis_bridge_carrier_new_text (G_OBJECT (client), told_cb, listener, NULL);
}

static void
listener_clear (Listener *listener)
{
  assert_finalized (listener->carrier);
  g_ptr_array_unref (listener->told);
}

static const char *
listener_wait (Listener *listener,
               guint n)
{
  while (listener->told->len < n)
    g_main_context_iteration (NULL, TRUE);

  return g_ptr_array_index (listener->told, n - 1);
}

/* Waits until the outcome that begins so was told, alone or with others. */
static void
listener_wait_for (Listener *listener,
                   const char *expected)
{
  for (guint i = 0;; i++)
    if (strstr (listener_wait (listener, i + 1), expected) != NULL)
      return;
}

static void
test_turn (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Listener listener;

  g_assert_true (connect_and_wait (fixture->client, NULL));
  listener_init (&listener, fixture->client);
  g_assert_true (tornadis_bridge_carrier_submit_text (listener.carrier, "[[\"SET\",\"k\",\"v\"],[\"GET\",\"k\"],[\"LPUSH\",\"k\",\"x\"],"
                                                               "[\"SUBSCRIBE\",\"c\"],[],[\"ECHO\",\"e\"]]",
                                              &error));
  g_assert_no_error (error);
  g_assert_cmpuint (listener.told->len, ==, 0);

  /* What is refused is told too, each in its own place. */
  listener_wait_for (&listener, " 1,\"OK\"");
  listener_wait_for (&listener, " 2,\"v\"");
  listener_wait_for (&listener, "-3,{\"e\":[\"tornadis-error-quark\",6,\"WRONGTYPE ");
  listener_wait_for (&listener, "-4,{\"e\":[\"tornadis-error-quark\",7,\"SUBSCRIBE ");
  listener_wait_for (&listener, "-5,{\"e\":[\"tornadis-error-quark\",7,");
  listener_wait_for (&listener, " 6,\"e\"");

  g_ptr_array_set_size (listener.told, 0);
  g_assert_false (tornadis_bridge_carrier_submit_text (listener.carrier, "nonsense", &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_assert_true (tornadis_bridge_carrier_submit_text (listener.carrier, "[[\"ECHO\",\"next\"]]", NULL));
  g_assert_cmpstr (listener_wait (&listener, 1), ==, "[ 7,\"next\"]");
  listener_clear (&listener);
}

static void
test_expect (Fixture *fixture,
             gconstpointer data)
{
  Listener listener;

  listener_init (&listener, fixture->client);
  listener.submits_when_asked = TRUE;
  g_assert_true (tornadis_bridge_carrier_expect (listener.carrier, NULL));
  g_assert_cmpstr (listener_wait (&listener, 1), ==, "");
  g_assert_cmpstr (listener_wait (&listener, 2), ==, "[ 1,\"asked\"]");

  /* Submitting in time: nothing is asked. */
  g_assert_true (tornadis_bridge_carrier_expect (listener.carrier, NULL));
  tornadis_bridge_carrier_submit_text (listener.carrier, "[[\"ECHO\",\"a\"]]", NULL);
  g_assert_cmpstr (listener_wait (&listener, 3), ==, "[ 2,\"a\"]");

  /* A function that could not be called is called once more. */
  listener.n_refusals = 1;
  tornadis_bridge_carrier_submit_text (listener.carrier, "[[\"ECHO\",\"again\"]]", NULL);
  g_assert_cmpstr (listener_wait (&listener, 4), ==, "[ 3,\"again\"]");

  /* Within a main loop that runs within the function. */
  listener.runs_loop = TRUE;
  tornadis_bridge_carrier_submit_text (listener.carrier, "[[\"ECHO\",\"b\"]]", NULL);
  g_assert_cmpstr (listener_wait (&listener, 7), ==, "[ 5,\"asked\"]");
  listener_clear (&listener);
}

static void
test_many (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (GString) calls = g_string_new ("[");
  guint next = 1;
  Listener listener;

  for (guint i = 0; i < 5000; i++)
    g_string_append_printf (calls, "%s[\"ECHO\",\"%u\"]", i > 0 ? "," : "", i + 1);
  g_string_append_c (calls, ']');

  listener_init (&listener, fixture->client);
  g_assert_true (tornadis_bridge_carrier_submit_text (listener.carrier, calls->str, NULL));
  for (guint n = 1; next <= 5000; n++)
    {
      const char *p = listener_wait (&listener, n);
      guint n_outcomes = 0;

      /* In order, and not too many at a time. */
      for (p = strchr (p, '[') + 1; *p != '\0'; p = strpbrk (p + 1, ",]") + 1)
        {
          g_autofree char *expected = g_strdup_printf (" %u,\"%u\"", next, next);

          g_assert_true (g_str_has_prefix (p, expected));
          p = strchr (p, '"');
          next++;
          n_outcomes++;
        }
      g_assert_cmpuint (n_outcomes, <=, 256);
    }
  listener_clear (&listener);
}

static void
test_kept (Fixture *fixture,
           gconstpointer data)
{
  g_autofree char *value = g_strnfill (100000, 'x');
  g_autoptr (TornadisCommand) command = tornadis_command_new_format ("SET big %s", value);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) reply = NULL;
  Listener listener;

  listener_init (&listener, fixture->client);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "STRLEN", "big", NULL });
  g_assert_true (tornadis_bridge_carrier_submit_command (listener.carrier, command, NULL, NULL));
  tornadis_bridge_carrier_submit_text (listener.carrier, "[[\"GET\",\"big\"]]", NULL);
  g_assert_true (tornadis_bridge_carrier_submit_pipeline (listener.carrier, pipeline, NULL, NULL));
  listener_wait_for (&listener, " 1,\"OK\"");
  listener_wait_for (&listener, "-2,{\"kept\":true}");
  listener_wait_for (&listener, " 3,[100000]");

  reply = tornadis_bridge_carrier_take_reply (listener.carrier, 1);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, value);
  g_assert_null (tornadis_bridge_carrier_take_reply (listener.carrier, 1));
  g_assert_null (tornadis_bridge_carrier_take_reply (listener.carrier, 2));
  listener_clear (&listener);
}

static void
told_data_cb (GObject *owner,
              const guint8 *data,
              gsize length,
              gpointer user_data)
{
  GByteArray **told = user_data;

  *told = g_byte_array_append (g_byte_array_new (), data, (guint) length);
}

/* A long list is asked for, or never is. */
static void
test_kept_list (Fixture *fixture,
                gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      GByteArray *told = NULL;
      TornadisBridgeCarrier *carrier =
        tornadis_bridge_carrier_new_data (G_OBJECT (fixture->client), told_data_cb, &told, NULL);
      g_autoptr (TornadisCommand) command = tornadis_command_new_format (
        "EVAL %s 0", "local t = {} for i = 1, 30000 do t[i] = string.rep (string.char (97 + i % 26), 100) end return t");

      g_assert_true (tornadis_bridge_carrier_submit_command (carrier, command, NULL, NULL));
      while (told == NULL)
        g_main_context_iteration (NULL, TRUE);
      g_assert_cmpmem (told->data, told->len, "{i\xff\xff\xff\xff(\1\0\0\0F"
                                              "0",
                       13);
      g_byte_array_unref (told);

      /* All of it, some of it, or nothing. */
      if (i < 2)
        {
          g_autoptr (TornadisReply) reply = tornadis_bridge_carrier_take_reply (carrier, 0);
          gsize before = 30000;
          gsize length;
          guint8 *part;

          g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, before);
          while ((part = tornadis_bridge_take_part (reply, FALSE, &length)) != NULL)
            {
              g_free (part);
              g_assert_cmpuint (tornadis_reply_get_n_elements (reply), <, before);
              before = tornadis_reply_get_n_elements (reply);
              if (i == 1)
                break;
            }
          g_assert_cmpint (before > 0, ==, i == 1);
        }
      assert_finalized (carrier);
    }
}

/* The client is kept for as long as calls are under way, and no longer. */
static void
test_client_gone (Fixture *fixture,
                  gconstpointer data)
{
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (GError) error = NULL;
  Listener listener;

  listener_init (&listener, client);
  g_object_add_weak_pointer (G_OBJECT (client), (gpointer *) &client);
  tornadis_bridge_carrier_submit_text (listener.carrier, "[[\"PING\"]]", NULL);
  g_object_unref (client);
  g_assert_nonnull (client);
  listener_wait_for (&listener, " 1,\"PONG\"");
  wait_until (client == NULL);

  g_assert_false (tornadis_bridge_carrier_submit_text (listener.carrier, "[[\"PING\"]]", &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (tornadis_bridge_carrier_expect (listener.carrier, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  listener_clear (&listener);
}

/* Closing ends the calls, which is told before it returns. */
static void
test_closed (Fixture *fixture,
             gconstpointer data)
{
  Listener listener;

  g_assert_true (connect_and_wait (fixture->client, NULL));
  listener_init (&listener, fixture->client);
  tornadis_bridge_carrier_submit_text (listener.carrier, "[[\"BLPOP\",\"none\",\"0\"],[\"PING\"]]", NULL);
  wait_until (count_blocked (fixture->redis) == 1);
  tornadis_client_close (fixture->client);
  g_assert_cmpuint (listener.told->len, ==, 1);
  listener_wait_for (&listener, "-1,{\"e\":[\"tornadis-error-quark\",");
  listener_wait_for (&listener, "-2,{\"e\":[\"tornadis-error-quark\",");
  listener_clear (&listener);
}

typedef struct
{
  GError *error; /* (owned) (nullable) of the last call */
  gboolean abandoned;
  guint n;
} Ended;

static gboolean
ended_hook (HookPlugin *plugin,
            Hook which,
            TornadisClient *client,
            TornadisCall *call)
{
  Ended *ended = plugin->data;

  if (which != CALL_DONE)
    return FALSE;

  g_clear_error (&ended->error);
  ended->error = tornadis_call_dup_error (call);
  ended->abandoned = tornadis_call_is_abandoned (call);
  ended->n++;
  return FALSE;
}

/* A call that is given up has ended, at the server too, when the function returns, and plugins know why. */
static void
test_given_up (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisCommand) command = make_command ("BLPOP none 0");
  Ended ended = { NULL };
  HookPlugin *plugin = add_calling (fixture->client, "plugin", ended_hook, &ended);
  Listener listener;

  g_assert_true (connect_and_wait (fixture->client, NULL));
  listener_init (&listener, fixture->client);
  for (guint i = 0; i < 4; i++)
    {
      gboolean expires = (i & 1) != 0;
      const char *message[] = { "too long", NULL };
      gint64 end;
      guint before;
      gboolean done;

      if ((i & 2) != 0)
        g_assert_true (tornadis_bridge_carrier_submit_command (listener.carrier, command, NULL, NULL));
      else
        g_assert_true (tornadis_bridge_carrier_submit_text (listener.carrier, "[[\"BLPOP\",\"none\",\"0\"]]", NULL));
      wait_until (count_blocked (fixture->redis) == 1);
      before = ended.n;
      done = expires ? tornadis_bridge_carrier_expire (listener.carrier, &i, 1, message) == 1
                     : tornadis_bridge_carrier_cancel (listener.carrier, i);
      g_assert_true (done);
      g_assert_cmpuint (ended.n, ==, before + 1);
      if (expires)
        g_assert_error (ended.error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
      else
        g_assert_error (ended.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (!ended.abandoned, ==, expires);
      g_assert_false (tornadis_client_is_connected (fixture->client));
      /* Without the main loop. */
      end = get_patience ();
      while (count_blocked (fixture->redis) > 0)
        g_assert_cmpint (g_get_monotonic_time (), <, end);
      listener_wait_for (&listener, expires ? "\"too long\"" : "\"g-io-error-quark\",19,");
      g_assert_false (tornadis_bridge_carrier_cancel (listener.carrier, i));
      g_ptr_array_set_size (listener.told, 0);
    }
  listener_clear (&listener);
  g_clear_error (&ended.error);
  take_off (fixture->client, plugin);
}

/* Of calls that are over together one closes the connection: the others are over too, and do not count as lost. */
static void
test_expired_together (Fixture *fixture,
                       gconstpointer data)
{
  const guint numbers[] = { 0, 1, 2, 99 };
  const char *messages[] = { "first", "second", "third", "none", NULL };
  g_autofree char *lost = g_strdup_printf ("\"tornadis-error-quark\",%d,", TORNADIS_ERROR_LOST);
  Listener listener;

  g_assert_true (connect_and_wait (fixture->client, NULL));
  listener_init (&listener, fixture->client);
  g_assert_true (tornadis_bridge_carrier_submit_text (
    listener.carrier, "[[\"BLPOP\",\"none\",\"0\"],[\"GET\",\"a\"],[\"BLPOP\",\"none\",\"0\"],[\"GET\",\"b\"]]", NULL));
  wait_until (count_blocked (fixture->redis) == 1);
  g_assert_cmpuint (tornadis_bridge_carrier_expire (listener.carrier, numbers, G_N_ELEMENTS (numbers), messages), ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *expected = g_strdup_printf ("%d,\"%s\"", TORNADIS_ERROR_TIMEOUT, messages[i]);

      listener_wait_for (&listener, expected);
    }
  /* This one had time. */
  listener_wait_for (&listener, lost);
  listener_clear (&listener);
}

/* A lock is kept while it is held, whether it is released or lost then. */
static void
test_keep_lock (Fixture *fixture,
                gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      TornadisLock *lock = g_object_new (TORNADIS_TYPE_LOCK, "caller", fixture->client, "name", "lock", "expiry-msec", 1500, NULL);
      TornadisLock *left = lock;
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;

      tornadis_bridge_keep_lock (lock);
      tornadis_lock_acquire_async (lock, NULL, store_result, &result);
      tornadis_lock_acquire_finish (lock, wait_for_result (&result), &error);
      g_assert_no_error (error);
      tornadis_bridge_keep_lock (lock);
      tornadis_bridge_keep_lock (lock);
      g_object_add_weak_pointer (G_OBJECT (lock), (gpointer *) &left);
      g_clear_object (&result);
      g_object_unref (lock);
      g_assert_nonnull (left);

      if (i == 0)
        tornadis_lock_release_async (left, NULL, NULL, NULL);
      else
        assert_call (fixture->client, "OK", "SET", "lock", "another", NULL);
      wait_until (left == NULL);
      /* What the lock had sent last may still be answered, and holds the client until then. */
      assert_call (fixture->client, "PONG", "PING", NULL);
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/bridge/json", test_json);
  g_test_add_func ("/bridge/marshal", test_marshal);
  g_test_add_func ("/bridge/too-deep", test_too_deep);
  g_test_add_func ("/bridge/not-text", test_not_text);
  g_test_add_func ("/bridge/parts", test_parts);
  g_test_add_func ("/bridge/parts-not-text", test_parts_not_text);
  g_test_add_func ("/bridge/parts-of-others", test_parts_of_others);
  g_test_add_func ("/bridge/calls-of-json", test_calls_of_json);
  g_test_add_func ("/bridge/calls-of-marshal", test_calls_of_marshal);
  g_test_add ("/bridge/turn", Fixture, NULL, fixture_set_up, test_turn, fixture_tear_down);
  g_test_add ("/bridge/expect", Fixture, NULL, fixture_set_up, test_expect, fixture_tear_down);
  g_test_add ("/bridge/many", Fixture, NULL, fixture_set_up, test_many, fixture_tear_down);
  g_test_add ("/bridge/kept", Fixture, NULL, fixture_set_up, test_kept, fixture_tear_down);
  g_test_add ("/bridge/kept-list", Fixture, NULL, fixture_set_up, test_kept_list, fixture_tear_down);
  g_test_add ("/bridge/client-gone", Fixture, NULL, fixture_set_up, test_client_gone, fixture_tear_down);
  g_test_add ("/bridge/closed", Fixture, NULL, fixture_set_up, test_closed, fixture_tear_down);
  g_test_add ("/bridge/given-up", Fixture, NULL, fixture_set_up, test_given_up, fixture_tear_down);
  g_test_add ("/bridge/expired-together", Fixture, NULL, fixture_set_up, test_expired_together, fixture_tear_down);
  g_test_add ("/bridge/keep-lock", Fixture, NULL, fixture_set_up, test_keep_lock, fixture_tear_down);

  return g_test_run ();
}
