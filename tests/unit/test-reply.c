/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-pack-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-reader.h"

static TornadisReply *
parse_bytes (const char *resp,
             gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (resp, size);
  g_autoptr (GError) error = NULL;
  TornadisReply *reply = tornadis_reply_new_from_resp (bytes, &error);

  g_assert_no_error (error);
  g_assert_nonnull (reply);

  return reply;
}

static TornadisReply *
parse (const char *resp)
{
  return parse_bytes (resp, strlen (resp));
}

/* What every getter says of a reply of every kind. */
static const struct
{
  const char *resp;
  TornadisReplyKind kind;
  gint64 integer;
  double number;
  gboolean boolean;
  const char *text;
  const char *data;
  gsize n_elements;
} getters[] = {
  { "_\r\n", TORNADIS_REPLY_KIND_NIL, 0, 0, FALSE, NULL, NULL, 0 },
  { "$-1\r\n", TORNADIS_REPLY_KIND_NIL, 0, 0, FALSE, NULL, NULL, 0 },
  { "+OK\r\n", TORNADIS_REPLY_KIND_STATUS, 0, 0, TRUE, "OK", "OK", 0 },
  { "+PONG\r\n", TORNADIS_REPLY_KIND_STATUS, 0, 0, FALSE, "PONG", "PONG", 0 },
  { "+OKAY\r\n", TORNADIS_REPLY_KIND_STATUS, 0, 0, FALSE, "OKAY", "OKAY", 0 },
  { "+12\r\n", TORNADIS_REPLY_KIND_STATUS, 12, 12, FALSE, "12", "12", 0 },
  { "-ERR no\r\n", TORNADIS_REPLY_KIND_ERROR, 0, 0, FALSE, "ERR no", "ERR no", 0 },
  { "-12\r\n", TORNADIS_REPLY_KIND_ERROR, 0, 0, FALSE, "12", "12", 0 },
  { ":42\r\n", TORNADIS_REPLY_KIND_INTEGER, 42, 42, TRUE, NULL, NULL, 0 },
  { ":0\r\n", TORNADIS_REPLY_KIND_INTEGER, 0, 0, FALSE, NULL, NULL, 0 },
  { ":-9223372036854775808\r\n", TORNADIS_REPLY_KIND_INTEGER, G_MININT64, -9223372036854775808.0, TRUE, NULL, NULL, 0 },
  { "$5\r\nhello\r\n", TORNADIS_REPLY_KIND_STRING, 0, 0, FALSE, "hello", "hello", 0 },
  { "$2\r\nOK\r\n", TORNADIS_REPLY_KIND_STRING, 0, 0, FALSE, "OK", "OK", 0 },
  { "$0\r\n\r\n", TORNADIS_REPLY_KIND_STRING, 0, 0, FALSE, "", "", 0 },
  { "$3\r\n-17\r\n", TORNADIS_REPLY_KIND_STRING, -17, -17, FALSE, "-17", "-17", 0 },
  { "$3\r\n 17\r\n", TORNADIS_REPLY_KIND_STRING, 0, 0, FALSE, " 17", " 17", 0 },
  { "$3\r\n17 \r\n", TORNADIS_REPLY_KIND_STRING, 0, 0, FALSE, "17 ", "17 ", 0 },
  { "$4\r\n0x11\r\n", TORNADIS_REPLY_KIND_STRING, 0, 0, FALSE, "0x11", "0x11", 0 },
  { "$3\r\n1.5\r\n", TORNADIS_REPLY_KIND_STRING, 0, 1.5, FALSE, "1.5", "1.5", 0 },
  { "$4\r\n-inf\r\n", TORNADIS_REPLY_KIND_STRING, 0, -HUGE_VAL, FALSE, "-inf", "-inf", 0 },
  { "$19\r\n9223372036854775807\r\n", TORNADIS_REPLY_KIND_STRING, G_MAXINT64, 9223372036854775807.0, FALSE,
    "9223372036854775807", "9223372036854775807", 0 },
  { "$19\r\n9223372036854775808\r\n", TORNADIS_REPLY_KIND_STRING, 0, 9223372036854775808.0, FALSE,
    "9223372036854775808", "9223372036854775808", 0 },
  { "$2\r\n\xc3\xbc\r\n", TORNADIS_REPLY_KIND_STRING, 0, 0, FALSE, "\xc3\xbc", "\xc3\xbc", 0 },
  { "$2\r\n\xff\xfe\r\n", TORNADIS_REPLY_KIND_STRING, 0, 0, FALSE, NULL, "\xff\xfe", 0 },
  { "*0\r\n", TORNADIS_REPLY_KIND_ARRAY, 0, 0, FALSE, NULL, NULL, 0 },
  { "*2\r\n:1\r\n:2\r\n", TORNADIS_REPLY_KIND_ARRAY, 0, 0, FALSE, NULL, NULL, 2 },
  { ",2.5\r\n", TORNADIS_REPLY_KIND_DOUBLE, 0, 2.5, FALSE, NULL, NULL, 0 },
  { ",inf\r\n", TORNADIS_REPLY_KIND_DOUBLE, 0, HUGE_VAL, FALSE, NULL, NULL, 0 },
  { "#t\r\n", TORNADIS_REPLY_KIND_BOOLEAN, 1, 1, TRUE, NULL, NULL, 0 },
  { "#f\r\n", TORNADIS_REPLY_KIND_BOOLEAN, 0, 0, FALSE, NULL, NULL, 0 },
  { "(77\r\n", TORNADIS_REPLY_KIND_BIG_NUMBER, 77, 77, FALSE, "77", "77", 0 },
  { "(100000000000000000000\r\n", TORNADIS_REPLY_KIND_BIG_NUMBER, 0, 1e20, FALSE, "100000000000000000000",
    "100000000000000000000", 0 },
  { "=6\r\ntxt:hi\r\n", TORNADIS_REPLY_KIND_VERBATIM, 0, 0, FALSE, "hi", "hi", 0 },
  { "%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n", TORNADIS_REPLY_KIND_MAP, 0, 0, FALSE, NULL, NULL, 4 },
  { "~1\r\n:1\r\n", TORNADIS_REPLY_KIND_SET, 0, 0, FALSE, NULL, NULL, 1 },
  { ">1\r\n+a\r\n", TORNADIS_REPLY_KIND_PUSH, 0, 0, FALSE, NULL, NULL, 1 },
};

static void
test_getters (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (getters); i++)
    {
      g_autoptr (TornadisReply) reply = parse (getters[i].resp);
      g_autoptr (GBytes) bytes = tornadis_reply_get_bytes (reply);
      g_autofree char *escaped = g_strescape (getters[i].resp, NULL);
      gsize length = 99;
      const guint8 *data = tornadis_reply_get_data (reply, &length);

      g_test_message ("%s", escaped);
      g_assert_cmpint (tornadis_reply_get_kind (reply), ==, getters[i].kind);
      g_assert_cmpint (tornadis_reply_get_integer (reply), ==, getters[i].integer);
      g_assert_cmpfloat (tornadis_reply_get_double (reply), ==, getters[i].number);
      g_assert_cmpint (tornadis_reply_get_boolean (reply), ==, getters[i].boolean);
      g_assert_cmpstr (tornadis_reply_get_text (reply), ==, getters[i].text);
      g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, getters[i].n_elements);
      g_assert_null (tornadis_reply_get_element (reply, getters[i].n_elements));
      g_assert_null (tornadis_reply_get_element (reply, G_MAXSIZE));
      g_assert_cmpint (tornadis_reply_is_error (reply), ==, getters[i].kind == TORNADIS_REPLY_KIND_ERROR);
      g_assert_null (tornadis_reply_lookup (reply, "nothing"));

      if (getters[i].data == NULL)
        {
          g_assert_null (data);
          g_assert_cmpuint (length, ==, 0);
          g_assert_null (bytes);
          g_assert_null (tornadis_reply_get_data (reply, NULL));
        }
      else
        {
          gsize size = strlen (getters[i].data);

          g_assert_cmpmem (data, length, getters[i].data, size);
          g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), getters[i].data, size);
          g_assert_true (tornadis_reply_get_data (reply, NULL) == data);
        }
    }
}

static void
test_nan (void)
{
  static const char *const spellings[] = {
    ",nan\r\n",
    "$3\r\nnan\r\n",
    ",-nan\r\n",
    "$4\r\n-nan\r\n",
    ",nan(0x1)\r\n",
    "$8\r\nnan(0x1)\r\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++)
    {
      g_autoptr (TornadisReply) reply = parse (spellings[i]);

      g_assert_true (isnan (tornadis_reply_get_double (reply)));
    }
}

static void
test_bytes_with_zero (void)
{
  g_autoptr (TornadisReply) reply = parse_bytes ("$3\r\n1\0002\r\n", 9);
  gsize length;

  g_assert_null (tornadis_reply_get_text (reply));
  g_assert_cmpint (tornadis_reply_get_integer (reply), ==, 0);
  g_assert_cmpfloat (tornadis_reply_get_double (reply), ==, 0);
  tornadis_reply_get_data (reply, &length);
  g_assert_cmpuint (length, ==, 3);
  g_assert_null (tornadis_reply_lookup (reply, "1"));
}

static void
test_elements (void)
{
  g_autoptr (TornadisReply) map = parse ("%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n:2\r\n");

  g_assert_cmpuint (tornadis_reply_get_n_elements (map), ==, 4);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (map, 0)), ==, "a");
  g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (map, 1)), ==, 1);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (map, 2)), ==, "b");
  g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (map, 3)), ==, 2);
}

static void
test_lookup (void)
{
  static const char *const pairs = "\r\n$1\r\na\r\n:1\r\n+b\r\n$1\r\nz\r\n$1\r\na\r\n:3\r\n"
                                   ":5\r\n:4\r\n*0\r\n:5\r\n$0\r\n\r\n:6\r\n";
  static const char *const types[] = { "%6", "*12" };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree char *resp = g_strconcat (types[i], pairs, NULL);
      g_autoptr (TornadisReply) reply = parse (resp);

      g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_lookup (reply, "a")), ==, 1);
      g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_lookup (reply, "b")), ==, "z");
      g_assert_null (tornadis_reply_lookup (reply, "z"));
      g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_lookup (reply, "")), ==, 6);
      g_assert_null (tornadis_reply_lookup (reply, "5"));
      g_assert_null (tornadis_reply_lookup (reply, "A"));
      g_assert_null (tornadis_reply_lookup (reply, "ab"));
    }
}

static void
test_lookup_in_odd_array (void)
{
  g_autoptr (TornadisReply) odd = parse ("*3\r\n+a\r\n:1\r\n+b\r\n");
  g_autoptr (TornadisReply) set = parse ("~2\r\n+a\r\n:1\r\n");

  g_test_summary ("A key without a value is none");

  g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_lookup (odd, "a")), ==, 1);
  g_assert_null (tornadis_reply_lookup (odd, "b"));
  g_assert_null (tornadis_reply_lookup (set, "a"));
}

static void
test_bytes_outlive_reply (void)
{
  TornadisReply *reply = parse ("$5\r\nhello\r\n");
  const guint8 *data = tornadis_reply_get_data (reply, NULL);
  GBytes *bytes = tornadis_reply_get_bytes (reply);
  GBytes *slice = g_bytes_new_from_bytes (bytes, 1, 3);

  g_assert_true (g_bytes_get_data (bytes, NULL) == data);
  tornadis_reply_unref (reply);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "hello", 5);
  g_bytes_unref (bytes);
  g_assert_cmpmem (g_bytes_get_data (slice, NULL), g_bytes_get_size (slice), "ell", 3);
  g_bytes_unref (slice);
}

/* What comes after so many bytes, fed one by one or more at a time: a reply, or an error, or nothing when all is fed. */
static TornadisReply *
feed (TornadisReader *reader,
      const GString *resp,
      gsize step,
      gsize *fed,
      GError **error)
{
  TornadisReply *reply = NULL;
  GError *local_error = NULL;

  for (*fed = 0; *fed < resp->len && reply == NULL && local_error == NULL;)
    {
      gsize room;
      guint8 *place = tornadis_reader_reserve (reader, &room);

      room = MIN (room, MIN (step, resp->len - *fed));
      memcpy (place, resp->str + *fed, room);
      tornadis_reader_commit (reader, room);
      *fed += room;
      reply = tornadis_reader_next (reader, &local_error);
      g_assert_true (reply != NULL || local_error != NULL || tornadis_reader_is_partial (reader));
    }

  if (local_error != NULL)
    g_propagate_error (error, local_error);
  return reply;
}

/* Strings of many lengths, the longest of which is @max. */
static void
append_string (GString *resp,
               guint i,
               guint max)
{
  guint length = i * 7 % (max + 1);

  g_string_append_printf (resp, "$%u\r\n", length);
  for (guint j = 0; j < length; j++)
    g_string_append_c (resp, (char) (i + j));
  g_string_append (resp, "\r\n");
}

static void
assert_string (TornadisReply *reply,
               guint i,
               guint max)
{
  gsize length;
  const guint8 *data = tornadis_reply_get_data (reply, &length);

  g_assert_cmpint (tornadis_reply_get_kind (reply), ==, TORNADIS_REPLY_KIND_STRING);
  g_assert_cmpuint (length, ==, i * 7 % (max + 1));
  for (guint j = 0; j < length; j++)
    g_assert_cmpuint (data[j], ==, (guint8) (i + j));
  g_assert_cmpuint (data[length], ==, 0);
}

static void
test_packed (void)
{
  static const char *const heads[] = { "*40\r\n", "%20\r\n", "~40\r\n" };
  static const char *const others[] = {
    NULL, "$-1\r\n", ":5\r\n", "*1\r\n$1\r\na\r\n", "$+1\r\na\r\n", "$0001\r\na\r\n", "|1\r\n+a\r\n:1\r\n_\r\n",
    "*17\r\n$1\r\na\r\n$1\r\nb\r\n$0\r\n\r\n*0\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n"
  };
  static const gsize steps[] = { 1, 7, 100, 100000 };
  guint places[] = { 0, 1, 20, 39 };
  g_autoptr (GString) strings = g_string_new (heads[0]);
  g_autoptr (TornadisReply) before = NULL;

  g_test_summary ("Long aggregates of short strings, with something else among them or not, read the same packed and as "
                  "nodes");

  for (guint i = 0; i < 40; i++)
    append_string (strings, i, 20);
  before = parse_bytes (strings->str, strings->len);
  g_assert_false (tornadis_reply_is_packed (before));
  tornadis_reply_pack_enable ('s');

  for (guint i = 0; i < G_N_ELEMENTS (heads) * G_N_ELEMENTS (others) * G_N_ELEMENTS (steps) * G_N_ELEMENTS (places) * 2; i++)
    {
      guint place = places[i % 4];
      gsize step = steps[i / 4 % 4];
      const char *other = others[i / 16 % G_N_ELEMENTS (others)];
      const char *head = heads[i / 16 / G_N_ELEMENTS (others) % G_N_ELEMENTS (heads)];
      /* Whether one of them is too long for it. */
      guint max = i % 2 == 0 ? 128 : 129;
      g_autoptr (TornadisReader) reader = tornadis_reader_new (i % 3 == 0 ? 1 : 65536, G_MAXSIZE);
      g_autoptr (GString) resp = g_string_new (head);
      g_autoptr (TornadisReply) reply = NULL;
      g_autoptr (GError) error = NULL;
      gsize fed;

      /* Sometimes a few in each segment. */
      tornadis_reply_pack_set_segment (i % 5 < 2 ? 300 : TORNADIS_REPLY_PACK_SEGMENT);

      for (guint j = 0; j < 40; j++)
        if (j == place && other != NULL)
          g_string_append (resp, other);
        else
          append_string (resp, j, max);

      reply = feed (reader, resp, step, &fed, &error);
      g_assert_no_error (error);
      g_assert_nonnull (reply);
      g_assert_cmpuint (fed, ==, resp->len);
      g_assert_false (tornadis_reader_is_partial (reader));
      g_assert_cmpint (tornadis_reply_is_packed (reply), ==, other == NULL && max == 128);
      if (tornadis_reply_is_packed (reply) && i % 5 >= 2)
        g_assert_null (tornadis_reply_get_pack (reply)->next);
      g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, 40);
      for (guint j = 0; j < 40; j++)
        if (j != place || other == NULL)
          assert_string (tornadis_reply_get_element (reply, j), j, max);
    }
  tornadis_reply_pack_set_segment (TORNADIS_REPLY_PACK_SEGMENT);
}

static void
test_packed_in_segments (void)
{
  const guint n = 100000;
  g_autoptr (GString) resp = g_string_new ("*100000\r\n");

  g_test_summary ("A packed list of megabytes has several segments, which can leave it one after the other");

  tornadis_reply_pack_enable ('s');
  for (guint i = 0; i < n; i++)
    append_string (resp, i, 128);

  /* So many are left before one is asked for. */
  for (guint n_shifted = 0; n_shifted < 10; n_shifted++)
    {
      TornadisReply *reply = parse_bytes (resp->str, resp->len);
      g_autoptr (TornadisReply) last = NULL;
      guint first = 0;
      guint n_segments = 0;

      g_assert_true (tornadis_reply_is_packed (reply));
      for (TornadisReplyPack *pack = tornadis_reply_get_pack (reply); pack != NULL; pack = pack->next)
        {
          g_assert_cmpuint (pack->size, <=, pack->room);
          g_assert_cmpuint (pack->room, <=, TORNADIS_REPLY_PACK_SEGMENT);
          g_assert_cmpuint (pack->length, >, 0);
          n_segments++;
        }
      g_assert_cmpuint (n_segments, ==, 7);

      for (guint i = 0; i < n_shifted; i++)
        {
          TornadisReplyPack *pack = tornadis_reply_get_pack (reply);
          gsize length;

          if (pack->length == 0 && pack->next != NULL)
            pack = pack->next;
          length = pack->length;
          g_assert_cmpint (length > 0, ==, i < n_segments);
          tornadis_reply_pack_shift (reply);
          first += length;
          g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, n - first);
        }

      if (n_shifted < n_segments)
        {
          for (guint i = first; i < n; i++)
            assert_string (tornadis_reply_get_element (reply, i - first), i, 128);
          last = tornadis_reply_ref (tornadis_reply_get_element (reply, n - 1 - first));
        }
      else
        {
          g_assert_null (tornadis_reply_get_element (reply, 0));
        }
      tornadis_reply_unref (reply);
      if (last != NULL)
        assert_string (last, n - 1, 128);
    }
}

static void
test_packed_wrong (void)
{
  static const char *const wrong[] = {
    "$\r\n", "$-2\r\n", "$1\rx", "$1x", "$a", "$1\r\nab\r", "$1\r\na\rx", "$99999999999999999999", "$00000000000000000000000\r\n",
    "$1000\r\n", "$100\r\n", "?", "\r\n", ">1\r\n+a\r\n"
  };

  g_test_summary ("Wrong bytes in a packed aggregate are reported as soon, and as well, as in one that is not packed");

  tornadis_reply_pack_enable ('s');
  for (guint i = 0; i < G_N_ELEMENTS (wrong) * 2; i++)
    {
      g_autofree char *message = NULL;
      gsize fed[2];

      for (guint k = 0; k < 2; k++)
        {
          /* A bound that two of the wrong lengths are beyond. */
          g_autoptr (TornadisReader) reader = tornadis_reader_new (64, 20 * 48 + 60);
          g_autoptr (GString) resp = g_string_new (k == 0 ? "*20\r\n" : "*20\r\n:1\r\n");
          g_autoptr (GError) error = NULL;
          gsize head = resp->len;

          for (guint j = 0; j < i % 2 * 10; j++)
            g_string_append (resp, "$3\r\nabc\r\n");
          g_string_append (resp, wrong[i / 2]);
          g_string_append (resp, "$3\r\nabc\r\n");

          g_assert_null (feed (reader, resp, 1, &fed[k], &error));
          g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
          fed[k] -= head;
          if (k == 0)
            message = g_strdup (error->message);
          else
            g_assert_cmpstr (error->message, ==, message);
        }
      g_assert_cmpuint (fed[0], ==, fed[1]);
    }
}

static gpointer
get_last (gpointer data)
{
  return tornadis_reply_get_element (data, 1999);
}

static void
test_packed_between_threads (void)
{
  g_autoptr (GString) resp = g_string_new ("*2000\r\n");

  g_test_summary ("The nodes of a packed reply are created when one is asked for, by many threads at once");

  tornadis_reply_pack_enable ('s');
  for (guint i = 0; i < 2000; i++)
    append_string (resp, i, 20);

  for (guint round = 0; round < 20; round++)
    {
      TornadisReply *reply = parse_bytes (resp->str, resp->len);
      g_autoptr (TornadisReply) last = NULL;
      GThread *threads[4];
      gpointer seen[4];

      g_assert_true (tornadis_reply_is_packed (reply));
      for (guint i = 0; i < 4; i++)
        threads[i] = g_thread_new ("get", get_last, reply);
      for (guint i = 0; i < 4; i++)
        seen[i] = g_thread_join (threads[i]);
      for (guint i = 0; i < 4; i++)
        g_assert_true (seen[i] == seen[0]);

      last = tornadis_reply_ref (seen[0]);
      tornadis_reply_unref (reply);
      assert_string (last, 1999, 20);
    }
}

static gpointer
unref_all (gpointer data)
{
  g_ptr_array_unref (data);
  return NULL;
}

static void
test_elements_of_long_reply (void)
{
  g_autoptr (GString) resp = g_string_new ("*1000\r\n");
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  TornadisReply *reply;
  GPtrArray *kept[2];
  GThread *thread;

  g_test_summary ("Elements of a long reply share memory, which each of them keeps");

  for (guint i = 0; i < 250; i++)
    {
      g_autofree char *text = g_strdup_printf ("element %u", i);
      g_autofree char *long_text = g_strnfill (i, 'x');

      g_string_append_printf (resp, "$%zu\r\n%s\r\n:%u\r\n*2\r\n_\r\n+s%u\r\n$%u\r\n%s\r\n",
                              strlen (text), text, i, i, i, long_text);
    }
  bytes = g_bytes_new (resp->str, resp->len);
  reply = tornadis_reply_new_from_resp (bytes, &error);
  g_assert_no_error (error);

  for (guint k = 0; k < G_N_ELEMENTS (kept); k++)
    {
      kept[k] = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_reply_unref);
      for (guint i = k; i < 1000; i += 7)
        g_ptr_array_add (kept[k], tornadis_reply_ref (tornadis_reply_get_element (reply, i)));
    }
  tornadis_reply_unref (reply);

  thread = g_thread_new ("unref", unref_all, kept[1]);
  for (guint i = 0; i < kept[0]->len; i++)
    {
      TornadisReply *element = g_ptr_array_index (kept[0], i);
      guint row = i * 7 / 4;
      g_autofree char *expected = i * 7 % 4 == 0   ? g_strdup_printf ("element %u", row)
                                  : i * 7 % 4 == 1 ? g_strdup_printf ("%u", row)
                                  : i * 7 % 4 == 2 ? g_strdup_printf ("s%u", row)
                                                   : g_strnfill (row, 'x');

      switch (i * 7 % 4)
        {
        case 1:
          g_assert_cmpint (tornadis_reply_get_integer (element), ==, row);
          break;
        case 2:
          g_assert_cmpint (tornadis_reply_get_kind (tornadis_reply_get_element (element, 0)), ==, TORNADIS_REPLY_KIND_NIL);
          g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (element, 1)), ==, expected);
          break;
        default:
          g_assert_cmpstr (tornadis_reply_get_text (element), ==, expected);
        }
    }
  g_thread_join (thread);
  g_ptr_array_unref (kept[0]);
}

static void
test_children_outlive_parent (void)
{
  TornadisReply *reply = parse ("*3\r\n*2\r\n+a\r\n:7\r\n*1\r\n+gone\r\n$4\r\nleaf\r\n");
  g_autoptr (TornadisReply) inner = tornadis_reply_ref (tornadis_reply_get_element (reply, 0));
  g_autoptr (TornadisReply) leaf = tornadis_reply_ref (tornadis_reply_get_element (reply, 2));
  g_autoptr (GBytes) bytes = tornadis_reply_get_bytes (tornadis_reply_get_element (
    tornadis_reply_get_element (reply, 1), 0));

  tornadis_reply_unref (reply);
  g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (inner, 1)), ==, 7);
  g_assert_cmpstr (tornadis_reply_get_text (leaf), ==, "leaf");
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "gone", 4);
}

/* As deep as the stack could not bear; the reader would refuse it. */
static TornadisReply *
make_deep (gsize depth)
{
  TornadisReply *reply = tornadis_reply_alloc (TORNADIS_REPLY_KIND_INTEGER, 0);

  reply->v.integer = 1;
  for (gsize i = 0; i < depth; i++)
    {
      TornadisReply **elements = g_new (TornadisReply *, 3);

      elements[0] = tornadis_reply_alloc (TORNADIS_REPLY_KIND_NIL, 0);
      elements[1] = reply;
      elements[2] = tornadis_reply_new_array (TORNADIS_REPLY_KIND_SET, NULL, 0);
      reply = tornadis_reply_new_array (TORNADIS_REPLY_KIND_ARRAY, elements, 3);
    }

  return reply;
}

static void
test_deep_free (void)
{
  TornadisReply *reply = make_deep (1000000);
  TornadisReply *middle = reply;
  g_autoptr (TornadisReply) inner = NULL;
  g_autoptr (TornadisReply) next = NULL;

  for (gsize i = 0; i < 500000; i++)
    middle = tornadis_reply_get_element (middle, 1);
  inner = tornadis_reply_ref (middle);
  tornadis_reply_unref (reply);

  g_assert_cmpuint (tornadis_reply_get_n_elements (inner), ==, 3);
  next = tornadis_reply_ref (tornadis_reply_get_element (inner, 1));
  g_assert_cmpuint (tornadis_reply_get_n_elements (next), ==, 3);
}

static void
test_wide_free (void)
{
  gsize n = 1000000;
  TornadisReply **elements = g_new (TornadisReply *, n);
  g_autoptr (TornadisReply) kept = NULL;

  for (gsize i = 0; i < n; i++)
    {
      elements[i] = tornadis_reply_alloc (TORNADIS_REPLY_KIND_INTEGER, 0);
      elements[i]->v.integer = (gint64) i;
    }
  kept = tornadis_reply_ref (elements[n / 2]);
  tornadis_reply_unref (tornadis_reply_new_array (TORNADIS_REPLY_KIND_ARRAY, elements, n));

  g_assert_cmpuint (tornadis_reply_get_integer (kept), ==, n / 2);
}

static gpointer
drop_in_thread (gpointer data)
{
  GPtrArray *replies = data;

  for (guint i = 0; i < replies->len; i++)
    tornadis_reply_unref (g_ptr_array_index (replies, i));

  return NULL;
}

static void
test_shared_between_threads (void)
{
  enum
  {
    N_THREADS = 4,
    N_ARRAYS = 5000
  };
  g_autoptr (TornadisReply) shared = parse ("*1\r\n$6\r\nshared\r\n");
  GPtrArray *arrays[N_THREADS];
  GThread *threads[N_THREADS];

  g_test_summary ("One element is in many arrays that are freed at the same time");

  for (guint i = 0; i < N_THREADS; i++)
    {
      arrays[i] = g_ptr_array_new ();
      for (guint j = 0; j < N_ARRAYS; j++)
        {
          TornadisReply **elements = g_new (TornadisReply *, 2);

          elements[0] = tornadis_reply_ref (shared);
          elements[1] = tornadis_reply_ref (shared);
          g_ptr_array_add (arrays[i], tornadis_reply_new_array (TORNADIS_REPLY_KIND_ARRAY, elements, 2));
        }
    }

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("drop", drop_in_thread, arrays[i]);
  for (guint i = 0; i < N_THREADS; i++)
    {
      g_thread_join (threads[i]);
      g_ptr_array_unref (arrays[i]);
    }

  g_assert_true (g_atomic_ref_count_compare (&shared->ref_count, 1));
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (shared, 0)), ==, "shared");
}

static void
test_boxed (void)
{
  TornadisReply *reply = parse ("+OK\r\n");
  TornadisReply *copy = g_boxed_copy (TORNADIS_TYPE_REPLY, reply);

  g_assert_true (copy == reply);
  g_boxed_free (TORNADIS_TYPE_REPLY, reply);
  g_assert_cmpstr (tornadis_reply_get_text (copy), ==, "OK");
  tornadis_reply_unref (copy);
}

static void
test_to_string (void)
{
  static const struct
  {
    const char *resp;
    const char *text;
  } texts[] = {
    { "_\r\n", "(nil)" },
    { "+OK\r\n", "OK" },
    { "-ERR no\r\n", "(error) ERR no" },
    { ":-5\r\n", "(integer) -5" },
    { "$0\r\n\r\n", "\"\"" },
    { "$11\r\n\"\\\n\r\t\a\b \x01\x7f\xff\r\n", "\"\\\"\\\\\\n\\r\\t\\a\\b \\x01\\x7f\\xff\"" },
    { "$2\r\n\xc3\xbc\r\n", "\"\\xc3\\xbc\"" },
    { ",3.1400000000000001\r\n", "(double) 3.14" },
    { ",0.30000000000000004\r\n", "(double) 0.30000000000000004" },
    { ",-inf\r\n", "(double) -inf" },
    { ",nan\r\n", "(double) nan" },
    { "#t\r\n", "(true)" },
    { "#f\r\n", "(false)" },
    { "(123\r\n", "(big number) 123" },
    { "=9\r\ntxt:a\nb\tc\r\n", "a\nb\tc" },
    { "+\xff\r\n", "\xef\xbf\xbd" },
    { "-\xff\r\n", "(error) \xef\xbf\xbd" },
    { "*0\r\n", "(empty array)" },
    { "%0\r\n", "(empty hash)" },
    { "~0\r\n", "(empty set)" },
    { ">0\r\n", "(empty push)" },
    { "*2\r\n:1\r\n*2\r\n:2\r\n*1\r\n$1\r\na\r\n", "1) (integer) 1\n2) 1) (integer) 2\n   2) 1) \"a\"" },
    { "*2\r\n*2\r\n:1\r\n:2\r\n:3\r\n", "1) 1) (integer) 1\n   2) (integer) 2\n2) (integer) 3" },
    { "*10\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n*2\r\n:1\r\n:2\r\n",
      " 1) (nil)\n 2) (nil)\n 3) (nil)\n 4) (nil)\n 5) (nil)\n 6) (nil)\n 7) (nil)\n 8) (nil)\n 9) (nil)\n"
      "10) 1) (integer) 1\n    2) (integer) 2" },
    { "%2\r\n$1\r\nk\r\n$1\r\nv\r\n+n\r\n:1\r\n", "1# \"k\" => \"v\"\n2# n => (integer) 1" },
    { "%1\r\n$1\r\nk\r\n*1\r\n:1\r\n", "1# \"k\" => 1) (integer) 1" },
    { "%1\r\n$1\r\nk\r\n*2\r\n:1\r\n:2\r\n", "1# \"k\" => \n   1) (integer) 1\n   2) (integer) 2" },
    { "%1\r\n+a\r\n%1\r\n+b\r\n~2\r\n:1\r\n:2\r\n", "1# a => \n   1# b => \n      1~ (integer) 1\n      2~ (integer) 2" },
    { "~2\r\n:1\r\n~1\r\n:2\r\n", "1~ (integer) 1\n2~ 1~ (integer) 2" },
    { ">2\r\n+a\r\n:1\r\n", "1) a\n2) (integer) 1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (TornadisReply) reply = parse (texts[i].resp);
      g_autofree char *text = tornadis_reply_to_string (reply);

      g_assert_cmpstr (text, ==, texts[i].text);
    }
}

static void
test_to_variant (void)
{
  static const struct
  {
    const char *resp;
    const char *variant;
  } variants[] = {
    { "_\r\n", "@mv nothing" },
    { ":-5\r\n", "int64 -5" },
    { ",2.5\r\n", "2.5" },
    { "#t\r\n", "true" },
    { "+OK\r\n", "'OK'" },
    { "+\xff\r\n", "[byte 0xff]" },
    { "(123\r\n", "'123'" },
    { "=6\r\ntxt:hi\r\n", "'hi'" },
    { "$2\r\nhi\r\n", "[byte 0x68, 0x69]" },
    { "$0\r\n\r\n", "@ay []" },
    { "-WRONGTYPE not that\r\n", "('WRONGTYPE', 'WRONGTYPE not that')" },
    { "-ERR\r\n", "('ERR', 'ERR')" },
    { "-\r\n", "('', '')" },
    { "*0\r\n", "@av []" },
    { "*2\r\n:1\r\n*1\r\n+a\r\n", "[<int64 1>, <[<'a'>]>]" },
    { "~1\r\n#f\r\n", "[<false>]" },
    { ">1\r\n_\r\n", "[<@mv nothing>]" },
    { "%0\r\n", "@a(vv) []" },
    { "%1\r\n+a\r\n:1\r\n", "[(<'a'>, <int64 1>)]" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
    {
      g_autoptr (TornadisReply) reply = parse (variants[i].resp);
      g_autoptr (GVariant) variant = tornadis_reply_to_variant (reply);
      g_autofree char *text = g_variant_print (variant, TRUE);

      g_assert_false (g_variant_is_floating (variant));
      g_assert_cmpstr (text, ==, variants[i].variant);
    }
}

static void
test_variant_outlives_reply (void)
{
  TornadisReply *reply = parse ("*1\r\n$5\r\nhello\r\n");
  g_autoptr (GVariant) variant = tornadis_reply_to_variant (reply);
  g_autoptr (GVariant) element = NULL;
  g_autoptr (GVariant) bytes = NULL;
  const char *data;
  gsize length;

  tornadis_reply_unref (reply);
  element = g_variant_get_child_value (variant, 0);
  bytes = g_variant_get_variant (element);
  data = g_variant_get_fixed_array (bytes, &length, 1);
  g_assert_cmpmem (data, length, "hello", 5);
}

static void
test_to_variant_deep (void)
{
  static const char *const opens[] = { "*1\r\n", "%1\r\n:1\r\n" };

  g_test_summary ("The deepest that is given as containers must survive being stored and read again, and what is below "
                  "must be text");

  for (guint i = 0; i < G_N_ELEMENTS (opens); i++)
    {
      g_autoptr (GString) resp = g_string_new (NULL);
      g_autoptr (TornadisReply) reply = NULL;
      g_autoptr (GVariant) variant = NULL;
      g_autoptr (GVariant) stored = NULL;
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GBytes) bytes = NULL;

      for (guint j = 0; j < 40; j++)
        g_string_append (resp, opens[i]);
      g_string_append (resp, ":7\r\n");
      reply = parse (resp->str);
      variant = tornadis_reply_to_variant (reply);

      bytes = g_variant_get_data_as_bytes (variant);
      stored = g_variant_new_from_bytes (g_variant_get_type (variant), bytes, FALSE);
      g_variant_ref_sink (stored);
      g_assert_true (g_variant_is_normal_form (stored));
      g_assert_true (g_variant_equal (stored, variant));

      value = g_variant_ref (stored);
      for (guint j = 0; j < 32; j++)
        {
          g_autoptr (GVariant) entry = g_variant_get_child_value (value, 0);
          g_autoptr (GVariant) boxed = i == 0 ? g_variant_ref (entry) : g_variant_get_child_value (entry, 1);

          g_variant_unref (value);
          value = g_variant_get_variant (boxed);
        }
      g_assert_true (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING));
      g_assert_cmpstr (g_variant_get_string (value, NULL), ==,
                       i == 0 ? "1) 1) 1) 1) 1) 1) 1) 1) (integer) 7"
                              : "1# (integer) 1 => 1# (integer) 1 => 1# (integer) 1 => 1# (integer) 1 => "
                                "1# (integer) 1 => 1# (integer) 1 => 1# (integer) 1 => 1# (integer) 1 => (integer) 7");
    }
}

static void
test_convert_deep (void)
{
  g_autoptr (TornadisReply) reply = make_deep (100000);
  g_autofree char *text = tornadis_reply_to_string (reply);
  g_autoptr (GVariant) variant = tornadis_reply_to_variant (reply);

  g_test_summary ("Converting a deep reply needs no recursion");

  g_assert_true (g_str_has_prefix (text, "1) (nil)\n2) 1) (nil)\n   2) 1) (nil)\n"));
  g_assert_nonnull (strstr (text, "2) ...\n"));
  g_assert_cmpuint (g_variant_n_children (variant), ==, 3);
}

static void
test_get_error (void)
{
  g_autoptr (TornadisReply) error_reply = parse ("-WRONGTYPE not that\r\n");
  g_autoptr (TornadisReply) long_reply = parse ("!9\r\nERR a\r\nb\xff\r\n");
  g_autoptr (TornadisReply) status = parse ("+OK\r\n");
  g_autoptr (GError) error = tornadis_reply_dup_error (error_reply);
  g_autoptr (GError) long_error = tornadis_reply_dup_error (long_reply);

  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_assert_cmpstr (error->message, ==, "WRONGTYPE not that");
  g_assert_error (long_error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_assert_cmpstr (long_error->message, ==, "ERR a\r\nb\xef\xbf\xbd");
  g_assert_null (tornadis_reply_dup_error (status));
}

static void
test_new_from_resp_errors (void)
{
  static const char *const wrong[] = {
    "",
    "+OK",
    "+OK\r\n+OK\r\n",
    "+OK\r\n+",
    "*2\r\n:1\r\n",
    "@",
    "$3\r\nab",
    "|0\r\n",
    "$2\r\nabcd\r\n",
    "$9223372036854775807\r\nab",
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (wrong[i], strlen (wrong[i]));
      g_autoptr (GError) error = NULL;

      g_assert_null (tornadis_reply_new_from_resp (bytes, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
      g_assert_null (tornadis_reply_new_from_resp (bytes, NULL));
    }
}

static void
test_new_from_resp_large (void)
{
  gsize length = 3000000;
  g_autofree char *value = g_strnfill (length, 'v');
  g_autofree char *resp = g_strdup_printf ("*2\r\n$%" G_GSIZE_FORMAT "\r\n%s\r\n:1\r\n", length, value);
  g_autoptr (TornadisReply) reply = parse (resp);

  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (reply, 0)), ==, value);
  g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (reply, 1)), ==, 1);
}

static void
test_new (void)
{
  g_autoptr (GBytes) zero = g_bytes_new_static ("a\0b", 3);
  g_autoptr (GBytes) nothing = g_bytes_new (NULL, 0);
  g_autoptr (TornadisReply) parsed = parse ("*2\r\n:1\r\n$1\r\nx\r\n");
  TornadisReply *elements[] = {
    tornadis_reply_new_string (zero),
    tornadis_reply_ref (tornadis_reply_get_element (parsed, 1)),
  };
  static const TornadisReplyKind kinds[] = { TORNADIS_REPLY_KIND_ARRAY, TORNADIS_REPLY_KIND_MAP, TORNADIS_REPLY_KIND_SET,
                                             TORNADIS_REPLY_KIND_PUSH };
  g_autoptr (TornadisReply) empty = tornadis_reply_new_string (nothing);
  g_autoptr (TornadisReply) none = tornadis_reply_new_nested (TORNADIS_REPLY_KIND_MAP, NULL, 0);
  gsize length;

  g_assert_cmpint (tornadis_reply_get_kind (elements[0]), ==, TORNADIS_REPLY_KIND_STRING);
  g_assert_cmpmem (tornadis_reply_get_data (elements[0], &length), length, "a\0b", 3);
  g_assert_cmpstr (tornadis_reply_get_text (empty), ==, "");
  g_assert_cmpuint (tornadis_reply_get_n_elements (none), ==, 0);

  /* What an aggregate is made of outlives what it was part of, and is not copied. */
  g_clear_pointer (&parsed, tornadis_reply_unref);
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (TornadisReply) made = tornadis_reply_new_nested (kinds[i], elements, 2);

      g_assert_cmpint (tornadis_reply_get_kind (made), ==, kinds[i]);
      g_assert_true (tornadis_reply_get_element (made, 0) == elements[0]);
      g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (made, 1)), ==, "x");
      g_assert_null (tornadis_reply_get_element (made, 2));
    }
  tornadis_reply_unref (elements[0]);
  tornadis_reply_unref (elements[1]);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/reply/getters", test_getters);
  g_test_add_func ("/reply/fault-10-nan", test_nan);
  g_test_add_func ("/reply/bytes-with-zero", test_bytes_with_zero);
  g_test_add_func ("/reply/elements", test_elements);
  g_test_add_func ("/reply/lookup", test_lookup);
  g_test_add_func ("/reply/lookup-in-odd-array", test_lookup_in_odd_array);
  g_test_add_func ("/reply/bytes-outlive-reply", test_bytes_outlive_reply);
  g_test_add_func ("/reply/children-outlive-parent", test_children_outlive_parent);
  g_test_add_func ("/reply/elements-of-long-reply", test_elements_of_long_reply);
  g_test_add_func ("/reply/packed", test_packed);
  g_test_add_func ("/reply/packed-in-segments", test_packed_in_segments);
  g_test_add_func ("/reply/packed-wrong", test_packed_wrong);
  g_test_add_func ("/reply/packed-between-threads", test_packed_between_threads);
  g_test_add_func ("/reply/deep-free", test_deep_free);
  g_test_add_func ("/reply/wide-free", test_wide_free);
  g_test_add_func ("/reply/shared-between-threads", test_shared_between_threads);
  g_test_add_func ("/reply/boxed", test_boxed);
  g_test_add_func ("/reply/to-string", test_to_string);
  g_test_add_func ("/reply/to-variant", test_to_variant);
  g_test_add_func ("/reply/variant-outlives-reply", test_variant_outlives_reply);
  g_test_add_func ("/reply/to-variant-deep", test_to_variant_deep);
  g_test_add_func ("/reply/convert-deep", test_convert_deep);
  g_test_add_func ("/reply/get-error", test_get_error);
  g_test_add_func ("/reply/new", test_new);
  g_test_add_func ("/reply/new-from-resp-errors", test_new_from_resp_errors);
  g_test_add_func ("/reply/new-from-resp-large", test_new_from_resp_large);

  return g_test_run ();
}
