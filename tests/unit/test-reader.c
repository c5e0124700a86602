/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/heap.h"
#include "tests/unit/reader-feed.h"
#include "tests/unit/resp-corpus.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/wire/tornadis-page.h"
#include "tornadis-glib/wire/tornadis-reader.h"

#define PAGE_SIZE 65536
#define MAX_PUSH_SIZE 300
#define MAX_REPLY_SIZE (512 * 1024 * 1024)
#define SENTINEL "+sentinel\r\n"
#define ELEMENT_COST 48

static void
dump_text (GString *out,
           const char *mark,
           TornadisReply *reply)
{
  g_string_append_printf (out, "%s\"", mark);
  for (gsize i = 0; i < reply->length; i++)
    {
      guint8 byte = (guint8) reply->data[i];

      if (byte == '"' || byte == '\\')
        g_string_append_printf (out, "\\%c", byte);
      else if (g_ascii_isprint (byte))
        g_string_append_c (out, (char) byte);
      else
        g_string_append_printf (out, "\\x%02x", byte);
    }
  g_string_append_c (out, '"');
  g_assert_cmpint (reply->data[reply->length], ==, '\0');
}

/* In the notation of vectors.txt. */
static void
dump (GString *out,
      TornadisReply *reply)
{
  static const char *const marks[] = {
    [TORNADIS_REPLY_KIND_STATUS] = "+",
    [TORNADIS_REPLY_KIND_ERROR] = "-",
    [TORNADIS_REPLY_KIND_STRING] = "",
    [TORNADIS_REPLY_KIND_ARRAY] = "[",
    [TORNADIS_REPLY_KIND_BIG_NUMBER] = "(",
    [TORNADIS_REPLY_KIND_VERBATIM] = "=",
    [TORNADIS_REPLY_KIND_MAP] = "{",
    [TORNADIS_REPLY_KIND_SET] = "~[",
    [TORNADIS_REPLY_KIND_PUSH] = ">[",
  };

  if (tornadis_reply_kind_is_aggregate (reply->kind))
    {
      g_string_append (out, marks[reply->kind]);
      for (gsize i = 0; i < reply->length; i++)
        {
          if (i > 0)
            g_string_append_c (out, ' ');
          dump (out, tornadis_reply_get_elements (reply)[i]);
        }
      g_string_append (out, reply->kind == TORNADIS_REPLY_KIND_MAP ? "}" : "]");
    }
  else if (reply->kind == TORNADIS_REPLY_KIND_NIL)
    g_string_append (out, "nil");
  else if (reply->kind == TORNADIS_REPLY_KIND_INTEGER)
    g_string_append_printf (out, ":%" G_GINT64_FORMAT, reply->v.integer);
  else if (reply->kind == TORNADIS_REPLY_KIND_DOUBLE)
    g_string_append_printf (out, ",%.17g", reply->v.number);
  else if (reply->kind == TORNADIS_REPLY_KIND_BOOLEAN)
    g_string_append (out, reply->v.boolean ? "#t" : "#f");
  else
    dump_text (out, marks[reply->kind], reply);
}

static void
feed_text (TornadisReader *reader,
           const char *text)
{
  reader_feed (reader, text, strlen (text));
}

/* All replies that are there, in the notation of vectors.txt. */
static void
take (TornadisReader *reader,
      GString *out)
{
  TornadisReply *reply;
  g_autoptr (GError) error = NULL;

  while ((reply = tornadis_reader_next (reader, &error)) != NULL)
    {
      if (out->len > 0)
        g_string_append_c (out, ' ');
      dump (out, reply);
      tornadis_reply_unref (reply);
    }

  if (error != NULL)
    {
      g_autoptr (GError) again = NULL;

      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
      g_string_assign (out, "!");
      g_string_append (out, error->message);

      feed_text (reader, SENTINEL);
      g_assert_null (tornadis_reader_next (reader, &again));
      g_assert_error (again, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
      g_assert_cmpstr (again->message, ==, error->message);
      g_assert_false (tornadis_reader_is_partial (reader));
    }
}

/* Feeds @first bytes and then pieces of @step. */
static char *
read_pieces (GString *input,
             gsize page_size,
             gsize first,
             gsize step)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new (page_size, MAX_REPLY_SIZE);
  GString *out = g_string_new (NULL);
  gsize done = 0;

  while (done < input->len && !g_str_has_prefix (out->str, "!"))
    {
      gsize size = MIN (done == 0 ? first : step, input->len - done);

      reader_feed (reader, input->str + done, size);
      done += size;
      take (reader, out);
    }

  if (tornadis_reader_is_partial (reader))
    g_string_append (out, "...");

  return g_string_free (out, FALSE);
}

static void
check_vector (RespVector *vector,
              gsize page_size,
              gsize first,
              gsize step)
{
  gboolean is_value = !g_str_has_prefix (vector->result, "!") && !g_str_equal (vector->result, "...");
  g_autofree char *result = NULL;

  if (is_value)
    {
      g_autoptr (GString) input = g_string_new_len (vector->input->str, (gssize) vector->input->len);
      g_autofree char *expected = g_strconcat (vector->result, " +\"sentinel\"", NULL);

      g_string_append (input, SENTINEL);
      result = read_pieces (input, page_size, first, step);
      if (!g_str_equal (result, expected))
        g_test_message ("%s, cut at %" G_GSIZE_FORMAT, vector->line, first);
      g_assert_cmpstr (result, ==, expected);
      return;
    }

  result = read_pieces (vector->input, page_size, first, step);
  if (!g_str_has_prefix (result, "!") || g_str_equal (vector->result, "..."))
    {
      if (!g_str_equal (result, vector->result))
        g_test_message ("%s, cut at %" G_GSIZE_FORMAT, vector->line, first);
      g_assert_cmpstr (result, ==, vector->result);
    }
  else if (strstr (result, vector->result + 1) == NULL)
    {
      g_test_message ("%s, cut at %" G_GSIZE_FORMAT, vector->line, first);
      g_assert_cmpstr (result, ==, vector->result);
    }
}

static void
test_corpus (gconstpointer data)
{
  gsize page_size = GPOINTER_TO_SIZE (data);
  g_autoptr (GPtrArray) vectors = resp_corpus_load ();

  g_assert_cmpuint (vectors->len, >=, 150);
  for (guint i = 0; i < vectors->len; i++)
    {
      RespVector *vector = g_ptr_array_index (vectors, i);

      check_vector (vector, page_size, G_MAXSIZE, 1);
      check_vector (vector, page_size, 1, 1);
      for (gsize cut = 1; cut < vector->input->len; cut++)
        check_vector (vector, page_size, cut, G_MAXSIZE);
    }
}

static void
test_random_pieces (void)
{
  g_autoptr (GPtrArray) vectors = resp_corpus_load ();
  g_autoptr (GString) input = g_string_new (NULL);
  g_autoptr (GString) expected = g_string_new (NULL);

  g_test_summary ("All replies of the corpus come in one stream, in pieces of any size");

  for (guint i = 0; i < vectors->len; i++)
    {
      RespVector *vector = g_ptr_array_index (vectors, i);

      if (g_str_has_prefix (vector->result, "!") || g_str_equal (vector->result, "..."))
        continue;
      g_string_append_len (input, vector->input->str, (gssize) vector->input->len);
      g_string_append_printf (expected, "%s%s", expected->len > 0 ? " " : "", vector->result);
    }

  for (guint round = 0; round < 300; round++)
    {
      gsize limit = (gsize) g_test_rand_int_range (2, 300);
      g_autoptr (TornadisReader) reader = tornadis_reader_new ((gsize) g_test_rand_int_range (1, 600), MAX_REPLY_SIZE);
      g_autoptr (GString) out = g_string_new (NULL);

      for (gsize done = 0, size; done < input->len; done += size)
        {
          size = (gsize) g_test_rand_int_range (1, (gint32) limit);
          size = MIN (size, input->len - done);
          reader_feed (reader, input->str + done, size);
          if (g_test_rand_int_range (0, 3) > 0)
            take (reader, out);
          if (g_test_rand_int_range (0, 5) == 0)
            tornadis_reader_trim (reader);
        }
      take (reader, out);

      g_assert_cmpstr (out->str, ==, expected->str);
      g_assert_false (tornadis_reader_is_partial (reader));
    }
}

static char *
read_capture (const char *data,
              gsize size,
              gsize step,
              guint *n_replies)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new (4096, MAX_REPLY_SIZE);
  GString *out = g_string_new (NULL);

  *n_replies = 0;
  for (gsize done = 0; done < size; done += step)
    {
      g_autoptr (GError) error = NULL;
      TornadisReply *reply;

      reader_feed (reader, data + done, MIN (step, size - done));
      while ((reply = tornadis_reader_next (reader, &error)) != NULL)
        {
          g_autofree char *text = tornadis_reply_to_string (reply);

          g_string_append_printf (out, "%s\n", text);
          tornadis_reply_unref (reply);
          ++*n_replies;
        }
      g_assert_no_error (error);
    }
  g_assert_false (tornadis_reader_is_partial (reader));

  return g_string_free (out, FALSE);
}

static void
test_captures (void)
{
  static const struct
  {
    const char *name;
    guint n_replies;
    const char *part;
  } captures[] = {
    { "command-docs-resp2", 1, "\"Get the value of a key\"" },
    { "command-docs-resp3", 1, "1# \"summary\" => \"Get the value of a key\"" },
    { "command-info", 1, "2) (nil)" },
    { "debug-protocol-resp3", 14, "(double) 3.141" },
    { "errors", 4, "(error) WRONGTYPE " },
    { "hash-resp3", 1, "2# \"g\" => \"\\x00\\xff\\r\\n\"" },
    { "hello-resp3", 1, "2# \"version\" => \"7.0.15\"" },
    { "lua-deep", 1, "1) ..." },
    { "pushes-resp3", 8, "1) \"invalidate\"" },
    { "scores-resp3", 1, "(double) -inf" },
    { "stream-full-resp3", 1, "\"last-generated-id\"" },
    { "transaction", 5, "2) (error) WRONGTYPE " },
  };

  g_test_summary ("Streams that were recorded from servers are read in pieces of any size");

  for (guint i = 0; i < G_N_ELEMENTS (captures); i++)
    {
      static const gsize steps[] = { 1, 2, 7, 100, 5000 };
      g_autofree char *file = g_strconcat (captures[i].name, ".resp", NULL);
      g_autofree char *path = g_test_build_filename (G_TEST_DIST, "data", "resp", file, NULL);
      g_autofree char *data = NULL;
      g_autofree char *whole = NULL;
      g_autoptr (GError) error = NULL;
      gsize size;
      guint n_replies;

      g_file_get_contents (path, &data, &size, &error);
      g_assert_no_error (error);

      whole = read_capture (data, size, size, &n_replies);
      g_test_message ("%s: %s", captures[i].name, whole);
      g_assert_cmpuint (n_replies, ==, captures[i].n_replies);
      g_assert_nonnull (strstr (whole, captures[i].part));

      for (guint j = 0; j < G_N_ELEMENTS (steps); j++)
        {
          g_autofree char *again = read_capture (data, size, steps[j], &n_replies);

          g_assert_cmpstr (again, ==, whole);
        }
    }
}

static GString *
repeat (const char *text,
        gsize n)
{
  GString *string = g_string_new (NULL);

  for (gsize i = 0; i < n; i++)
    g_string_append (string, text);

  return string;
}

/* The one reply in @input within @max_reply_size, or the error. */
static TornadisReply *
read_one (GString *input,
          gsize step,
          gsize max_reply_size,
          GError **error)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new (PAGE_SIZE, max_reply_size);
  GError *local_error = NULL;

  for (gsize done = 0; done < input->len; done += step)
    {
      TornadisReply *reply;

      reader_feed (reader, input->str + done, MIN (step, input->len - done));
      reply = tornadis_reader_next (reader, &local_error);
      if (reply != NULL)
        {
          g_assert_cmpuint (done + step, >=, input->len);
          return reply;
        }
      if (local_error != NULL)
        {
          g_propagate_error (error, local_error);
          return NULL;
        }
    }

  return NULL;
}

static void
assert_accepted (GString *input,
                 gsize max_reply_size)
{
  static const gsize steps[] = { G_MAXSSIZE, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply = read_one (input, steps[i], max_reply_size, &error);

      g_assert_no_error (error);
      g_assert_nonnull (reply);
    }
}

static void
assert_refused (GString *input,
                gsize max_reply_size,
                const char *words)
{
  static const gsize steps[] = { G_MAXSSIZE, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (read_one (input, steps[i], max_reply_size, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
      g_assert_nonnull (strstr (error->message, words));
    }
}

static void
test_depth (void)
{
  static const struct
  {
    const char *open;
    const char *close;
  } kinds[] = {
    { "*1\r\n", ":1\r\n" },
    { "~1\r\n", ":1\r\n" },
    { "%1\r\n:1\r\n", ":1\r\n" },
    { "*2\r\n$3\r\nabc\r\n", "$-1\r\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (GString) within = repeat (kinds[i].open, TORNADIS_READER_MAX_DEPTH);
      g_autoptr (GString) beyond = repeat (kinds[i].open, TORNADIS_READER_MAX_DEPTH + 1);

      g_string_append (within, kinds[i].close);
      assert_accepted (within, MAX_REPLY_SIZE);
      g_string_append (beyond, kinds[i].close);
      assert_refused (beyond, MAX_REPLY_SIZE, "levels deep");
    }
}

static void
test_million_deep (void)
{
  static const char *const opens[] = { "*1\r\n", "%1\r\n", "~1\r\n", "|1\r\n", "%1\r\n+key\r\n", "*3\r\n:1\r\n*0\r\n" };
  g_autoptr (GString) pushes = repeat (">1\r\n", 1000000);

  for (guint i = 0; i < G_N_ELEMENTS (opens); i++)
    {
      g_autoptr (GString) input = repeat (opens[i], 1000000);

      assert_refused (input, MAX_REPLY_SIZE, "levels deep");
    }

  assert_refused (pushes, MAX_REPLY_SIZE, "A push stands inside a reply");
}

static GString *
make_line (const char *type,
           const char *fill,
           gsize length,
           gboolean ended)
{
  GString *line = repeat (fill, length / strlen (fill));

  g_string_prepend (line, type);
  if (ended)
    g_string_append (line, "\r\n");

  return line;
}

static void
test_line_length (void)
{
  static const struct
  {
    const char *type;
    const char *fill;
  } lines[] = { { "+", "a" }, { "-", "a" }, { "(", "7" }, { "+", "\r" }, { "-", "\na" } };
  static const gsize lengths[] = { 2, 32 * 1024, 32 * 1024 + 2, 64 * 1024, 64 * 1024 + 2, 1024 * 1024 };

  g_test_summary ("Only max-reply-size bounds a status, an error or a big number");

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    for (guint j = 0; j < G_N_ELEMENTS (lengths); j++)
      {
        gsize length = lengths[j];
        g_autoptr (GString) whole = make_line (lines[i].type, lines[i].fill, length, TRUE);
        g_autoptr (GString) endless = make_line (lines[i].type, lines[i].fill, length + 2, FALSE);

        assert_accepted (whole, length);
        assert_refused (whole, length - 1, "The reply is larger than");
        assert_refused (endless, length - 1, "The reply is larger than");
      }
}

static void
test_plain_line_length (void)
{
  static const char *const types[] = { "_", "#", "," };
  g_autoptr (GString) number = make_line (",", "1", 4096, TRUE);

  g_test_summary ("Nulls, booleans and doubles have a bound of their own, since their text is not kept");

  assert_accepted (number, 0);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (GString) beyond = make_line (types[i], "1", 4097, TRUE);
      g_autoptr (GString) endless = make_line (types[i], "1", 1024 * 1024, FALSE);

      assert_refused (beyond, MAX_REPLY_SIZE, "longer than 4096 bytes");
      assert_refused (endless, MAX_REPLY_SIZE, "longer than 4096 bytes");
    }
}

static void
test_long_lines_in_pieces (void)
{
  g_autoptr (GString) status = make_line ("+", "a\r", 150, TRUE);
  g_autoptr (GString) error = make_line ("-", "b\n", 300, TRUE);
  g_autoptr (GString) number = make_line ("(", "1234", 200, TRUE);
  g_autoptr (GString) input = g_string_new (NULL);
  g_autofree char *expected = NULL;

  g_test_summary ("Long lines stand among other elements, cut anywhere and in pages of any size");

  g_string_printf (input, "%s*4\r\n%s%s:7\r\n%s%s", status->str, status->str, number->str, error->str, number->str);
  expected = read_pieces (input, PAGE_SIZE, input->len, 1);
  g_assert_cmpuint (strlen (expected), >, 1000);

  for (gsize page_size = 64; page_size <= 1024; page_size *= 2)
    {
      for (gsize cut = 1; cut < input->len; cut++)
        {
          g_autofree char *cut_once = read_pieces (input, page_size, cut, G_MAXSIZE);
          g_autofree char *pieces = read_pieces (input, page_size, cut, cut);

          g_assert_cmpstr (cut_once, ==, expected);
          g_assert_cmpstr (pieces, ==, expected);
        }
    }
}

static void
test_malformed_long_number (void)
{
  g_autoptr (GString) number = make_line ("(", "7", 200000, FALSE);

  g_string_append (number, "x\r\n");
  assert_refused (number, MAX_REPLY_SIZE, "Malformed big number");
}

static GString *
make_string (gsize length)
{
  GString *input = g_string_new (NULL);

  g_string_append_printf (input, "$%" G_GSIZE_FORMAT "\r\n", length);
  g_string_set_size (input, input->len + length);
  memset (input->str + input->len - length, 'x', length);
  g_string_append (input, "\r\n");

  return input;
}

static void
test_reply_size (void)
{
  static const gsize limits[] = { 0, 1, 10, 1000, PAGE_SIZE - 10, PAGE_SIZE, PAGE_SIZE + 1, 1000000 };
  g_autoptr (GString) status = g_string_new ("+0123456789\r\n");
  g_autoptr (GString) nulls = repeat ("_\r\n", 10);
  g_autoptr (GString) pairs = repeat ("_\r\n", 10);
  g_autoptr (GString) attribute = g_string_new ("|1\r\n+k\r\n+v\r\n+0123456789\r\n");
  g_autoptr (GString) empty_attributes = repeat ("|0\r\n", 10);
  g_autoptr (GString) strings = g_string_new ("*2\r\n$10\r\n0123456789\r\n*1\r\n+0123456789\r\n");
  g_autoptr (GString) last = g_string_new ("*2\r\n+0123456789\r\n$10\r\n0123456789\r\n");

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autoptr (GString) within = make_string (limits[i]);
      g_autoptr (GString) beyond = make_string (limits[i] + 1);

      assert_accepted (within, limits[i]);
      assert_refused (beyond, limits[i], "The reply is larger than");
    }

  assert_accepted (status, 10);
  assert_refused (status, 9, "The reply is larger than 9 bytes");

  g_string_prepend (nulls, "*10\r\n");
  assert_accepted (nulls, 10 * ELEMENT_COST);
  assert_refused (nulls, 10 * ELEMENT_COST - 1, "The reply is larger than");

  g_string_prepend (pairs, "%5\r\n");
  assert_accepted (pairs, 10 * ELEMENT_COST);
  assert_refused (pairs, 10 * ELEMENT_COST - 1, "The reply is larger than");

  assert_accepted (attribute, 3 * ELEMENT_COST + 12);
  assert_refused (attribute, 3 * ELEMENT_COST + 11, "The reply is larger than");

  g_string_append (empty_attributes, "_\r\n");
  assert_accepted (empty_attributes, 10 * ELEMENT_COST);
  assert_refused (empty_attributes, 10 * ELEMENT_COST - 1, "The reply is larger than");

  assert_accepted (strings, 3 * ELEMENT_COST + 20);
  assert_refused (strings, 3 * ELEMENT_COST + 19, "The reply is larger than");

  assert_accepted (last, 2 * ELEMENT_COST + 20);
  assert_refused (last, 2 * ELEMENT_COST + 19, "The reply is larger than");
}

static void
test_reply_size_is_per_reply (void)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new (PAGE_SIZE, 3 * ELEMENT_COST + 12);
  g_autoptr (GString) out = g_string_new (NULL);

  g_test_summary ("max-reply-size bounds one reply, not the stream, and can change while one is read");

  for (guint i = 0; i < 3; i++)
    feed_text (reader, "|1\r\n+k\r\n+v\r\n+0123456789\r\n");
  take (reader, out);
  g_assert_cmpstr (out->str, ==, "+\"0123456789\" +\"0123456789\" +\"0123456789\"");

  tornadis_reader_set_max_reply_size (reader, 20);
  feed_text (reader, "$20\r\n");
  take (reader, out);
  tornadis_reader_set_max_reply_size (reader, 10);
  feed_text (reader, "01234567890123456789\r\n");
  take (reader, out);
  g_assert_cmpstr (out->str, ==, "!The reply is larger than 10 bytes");
}

static gboolean
heap_is_counted (void)
{
  gsize before = get_heap_size ();
  g_autofree char *block = g_malloc (1000000);
  gsize after = get_heap_size ();

  block[0] = 'x';
  return after >= before + 1000000;
}

static void
test_nothing_ahead (void)
{
  static const char *const announcements[] = {
    "$536870912\r\nabc",
    "=536870912\r\ntxt:abc",
    "!536870912\r\nabc",
    "*11000000\r\n:1\r\n",
    "%5000000\r\n:1\r\n",
    "~11000000\r\n:1\r\n",
    ">11000000\r\n:1\r\n",
    "|5000000\r\n:1\r\n",
    "*5000000\r\n*3000000\r\n%1000000\r\n~900000\r\n|1\r\n$1000000\r\nabc",
  };
  gboolean counted = heap_is_counted ();

  g_test_summary ("A length that is only announced costs nothing");

  for (guint i = 0; i < G_N_ELEMENTS (announcements); i++)
    {
      gsize before = get_heap_size ();
      g_autoptr (TornadisReader) reader = tornadis_reader_new (PAGE_SIZE, MAX_REPLY_SIZE);
      g_autoptr (GError) error = NULL;
      gsize room;

      feed_text (reader, announcements[i]);
      g_assert_null (tornadis_reader_next (reader, &error));
      g_assert_no_error (error);
      g_assert_true (tornadis_reader_is_partial (reader));
      tornadis_reader_reserve (reader, &room);
      g_assert_cmpuint (room, <=, PAGE_SIZE);
      if (counted)
        g_assert_cmpuint (get_heap_size (), <, before + PAGE_SIZE * 3);
    }

  if (!counted)
    g_test_skip ("The heap is not counted here");
}

static void
test_nothing_ahead_nested (void)
{
  g_autoptr (GString) input = repeat ("*600\r\n", TORNADIS_READER_MAX_DEPTH);
  g_autoptr (TornadisReader) reader = tornadis_reader_new (PAGE_SIZE, MAX_REPLY_SIZE);
  g_autoptr (GError) error = NULL;
  gsize before = get_heap_size ();

  g_test_summary ("Many levels of aggregates that each announce a lot cost little");

  for (gsize done = 0; done < input->len; done += 1000)
    {
      reader_feed (reader, input->str + done, MIN (1000, input->len - done));
      g_assert_null (tornadis_reader_next (reader, &error));
      g_assert_no_error (error);
    }

  g_assert_cmpuint (get_heap_size (), <, before + 2 * 1024 * 1024);
}

static void
test_long_line_in_memory (void)
{
  const gsize length = 16 * 1024 * 1024;
  g_autoptr (TornadisReader) reader = tornadis_reader_new (PAGE_SIZE, length);
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  gsize before = get_heap_size ();
  gboolean counted = heap_is_counted ();

  g_test_summary ("A long line is held once, and the page does not grow for it");

  feed_text (reader, "-");
  for (gsize done = 0, room; done < length; done += room)
    {
      guint8 *place = tornadis_reader_reserve (reader, &room);

      g_assert_cmpuint (room, <=, PAGE_SIZE);
      room = MIN (room, length - done);
      memset (place, 'x', room);
      tornadis_reader_commit (reader, room);
      g_assert_null (tornadis_reader_next (reader, &error));
      g_assert_no_error (error);
      if (counted)
        g_assert_cmpuint (get_heap_size (), <, before + MIN (2 * (done + room), length) + 4 * PAGE_SIZE);
    }
  feed_text (reader, "\r\n");

  reply = tornadis_reader_next (reader, &error);
  g_assert_no_error (error);
  g_assert_true (tornadis_reply_is_error (reply));
  g_assert_cmpuint (reply->length, ==, length);
  g_assert_cmpuint (strspn (reply->data, "x"), ==, length);
  if (counted)
    g_assert_cmpuint (get_heap_size (), <, before + length + 4 * PAGE_SIZE);
}

static void
check_large (const char *type,
             const char *prefix,
             TornadisReplyKind kind,
             gsize length)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new (PAGE_SIZE, MAX_REPLY_SIZE);
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (TornadisReply) next = NULL;
  g_autofree char *header = g_strdup_printf ("%s%" G_GSIZE_FORMAT "\r\n%s", type, length + strlen (prefix), prefix);
  g_autofree guint8 *expected = g_malloc (length);
  gsize before, done = 0, largest = 0;

  for (gsize i = 0; i < length; i++)
    expected[i] = (guint8) (i * 31 + i / 255);

  before = get_heap_size ();
  feed_text (reader, header);
  while (done < length)
    {
      gsize room;
      guint8 *place;

      g_assert_null (tornadis_reader_next (reader, NULL));
      place = tornadis_reader_reserve (reader, &room);
      largest = MAX (largest, room);
      g_assert_cmpuint (room, <=, MAX (done + PAGE_SIZE, PAGE_SIZE));
      room = MIN (room, length - done);
      memcpy (place, expected + done, room);
      tornadis_reader_commit (reader, room);
      done += room;
      g_assert_true (tornadis_reader_is_partial (reader));
    }
  g_assert_null (tornadis_reader_next (reader, NULL));

  g_assert_cmpuint (largest, >, PAGE_SIZE);
  if (heap_is_counted ())
    g_assert_cmpuint (get_heap_size (), <, before + length + PAGE_SIZE * 4);

  feed_text (reader, "\r");
  g_assert_null (tornadis_reader_next (reader, NULL));
  feed_text (reader, "\n" SENTINEL);
  reply = tornadis_reader_next (reader, NULL);
  g_assert_nonnull (reply);
  g_assert_cmpint (reply->kind, ==, kind);
  g_assert_cmpmem (reply->data, reply->length, expected, length);
  g_assert_cmpint (reply->data[length], ==, '\0');

  next = tornadis_reader_next (reader, NULL);
  g_assert_nonnull (next);
  g_assert_cmpstr (tornadis_reply_get_text (next), ==, "sentinel");
}

static void
test_large (void)
{
  check_large ("$", "", TORNADIS_REPLY_KIND_STRING, 10 * 1024 * 1024 + 77);
  check_large ("$", "", TORNADIS_REPLY_KIND_STRING, 16 * 1024 * 1024);
  check_large ("!", "", TORNADIS_REPLY_KIND_ERROR, 1000000);
  check_large ("=", "txt:", TORNADIS_REPLY_KIND_VERBATIM, 1000000);
}

static void
test_large_without_end (void)
{
  g_autoptr (GString) input = make_string (200000);

  input->str[input->len - 1] = 'x';
  assert_refused (input, MAX_REPLY_SIZE, "not followed by the end of its line");
}

static void
test_large_elements (void)
{
  g_autoptr (GString) input = g_string_new ("*3\r\n");
  g_autoptr (GString) string = make_string (300);

  g_test_summary ("Large strings are elements, cut anywhere around their ends");

  for (guint i = 0; i < 3; i++)
    g_string_append_len (input, string->str, (gssize) string->len);

  for (gsize step = 1; step < input->len; step++)
    {
      g_autoptr (TornadisReader) reader = tornadis_reader_new (64, MAX_REPLY_SIZE);
      g_autoptr (TornadisReply) reply = NULL;

      for (gsize done = 0; done < input->len; done += step)
        {
          g_assert_null (reply);
          reader_feed (reader, input->str + done, MIN (step, input->len - done));
          reply = tornadis_reader_next (reader, NULL);
        }

      g_assert_nonnull (reply);
      g_assert_cmpuint (reply->length, ==, 3);
      for (guint i = 0; i < 3; i++)
        {
          TornadisReply *element = tornadis_reply_get_elements (reply)[i];

          g_assert_cmpmem (element->data, element->length, string->str + 6, 300);
          g_assert_cmpint (element->data[300], ==, '\0');
        }
      g_assert_false (tornadis_reader_is_partial (reader));
    }
}

static void
test_long_arrays (void)
{
  static const gsize lengths[] = { 63, 64, 65, 8191, 8192, 8193, 1000000 };

  g_test_summary ("Arrays around the length from which the stack of values is given away instead of copied");

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (GString) input = g_string_new (NULL);
      g_autoptr (TornadisReply) reply = NULL;
      TornadisReply *inner;

      g_string_append_printf (input, "*2\r\n*%" G_GSIZE_FORMAT "\r\n", lengths[i]);
      for (gsize j = 0; j < lengths[i]; j++)
        g_string_append_printf (input, ":%" G_GSIZE_FORMAT "\r\n", j);
      g_string_append (input, "+end\r\n");

      reply = read_one (input, 5000, MAX_REPLY_SIZE, NULL);
      g_assert_nonnull (reply);
      g_assert_cmpuint (reply->length, ==, 2);
      inner = tornadis_reply_get_elements (reply)[0];
      g_assert_cmpuint (inner->length, ==, lengths[i]);
      for (gsize j = 0; j < lengths[i]; j++)
        g_assert_cmpuint (tornadis_reply_get_elements (inner)[j]->v.integer, ==, j);
      g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_elements (reply)[1]), ==, "end");
    }
}

static void
test_partial_and_trim (void)
{
  static const char *const pieces[] = { ":", "1", "\r", "*2\r\n", ":1\r\n", "|0\r\n", "$3\r\nab" };
  g_autoptr (TornadisReader) reader = tornadis_reader_new (1024 * 1024, MAX_REPLY_SIZE);
  g_autoptr (TornadisReply) reply = NULL;
  gsize before, room;

  /* A thread keeps the page that is spared when it has none. */
  tornadis_page_spare (tornadis_page_new (PAGE_SIZE), PAGE_SIZE);
  before = get_heap_size ();

  g_assert_false (tornadis_reader_is_partial (reader));
  tornadis_reader_trim (reader);

  tornadis_reader_reserve (reader, &room);
  g_assert_cmpuint (room, ==, 1024 * 1024);
  g_assert_false (tornadis_reader_is_partial (reader));
  tornadis_reader_trim (reader);
  g_assert_cmpuint (get_heap_size (), <, before + 4096);

  for (guint i = 0; i < 3; i++)
    {
      feed_text (reader, pieces[i]);
      g_assert_null (tornadis_reader_next (reader, NULL));
      tornadis_reader_trim (reader);
      g_assert_true (tornadis_reader_is_partial (reader));
    }
  feed_text (reader, "\n");
  reply = tornadis_reader_next (reader, NULL);
  g_assert_nonnull (reply);
  g_assert_false (tornadis_reader_is_partial (reader));
  g_clear_pointer (&reply, tornadis_reply_unref);

  for (guint i = 3; i < G_N_ELEMENTS (pieces); i++)
    {
      feed_text (reader, pieces[i]);
      g_assert_null (tornadis_reader_next (reader, NULL));
      tornadis_reader_trim (reader);
      g_assert_true (tornadis_reader_is_partial (reader));
    }
  feed_text (reader, "c\r\n");
  reply = tornadis_reader_next (reader, NULL);
  g_assert_nonnull (reply);
  g_assert_false (tornadis_reader_is_partial (reader));
  g_clear_pointer (&reply, tornadis_reply_unref);

  tornadis_reader_trim (reader);
  g_assert_cmpuint (get_heap_size (), <, before + 4096);
}

static void
test_attribute_is_partial (void)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new (PAGE_SIZE, MAX_REPLY_SIZE);
  g_autoptr (GString) out = g_string_new (NULL);

  g_test_summary ("An attribute before a reply counts as the beginning of that reply");

  feed_text (reader, "|1\r\n+a\r\n:1\r\n");
  take (reader, out);
  g_assert_cmpuint (out->len, ==, 0);
  g_assert_true (tornadis_reader_is_partial (reader));
  feed_text (reader, "+OK\r\n");
  take (reader, out);
  g_assert_cmpstr (out->str, ==, "+\"OK\"");
  g_assert_false (tornadis_reader_is_partial (reader));
}

static void
test_free_in_the_middle (void)
{
  g_autoptr (GString) input = repeat ("*2\r\n$3\r\nabc\r\n", 1000);
  g_autoptr (GString) string = make_string (200000);

  g_test_summary ("A reader is freed with open aggregates and a large string");

  g_string_append_len (input, string->str, 100000);
  for (gsize step = 1; step < 200; step += 40)
    {
      g_autoptr (TornadisReader) reader = tornadis_reader_new (256, MAX_REPLY_SIZE);

      for (gsize done = 0; done < input->len; done += step)
        {
          reader_feed (reader, input->str + done, MIN (step, input->len - done));
          g_assert_null (tornadis_reader_next (reader, NULL));
        }
      g_assert_true (tornadis_reader_is_partial (reader));
    }
}

static void
test_repeated_pushes (void)
{
  static const char *const pushes[] = {
    ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\none\r\n",
    ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\ntwo\r\n",
    ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$0\r\n\r\n",
    ">3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$3\r\none\r\n",
    "+OK\r\n",
    ">3\r\n$7\r\nmessage\r\n$1\r\nb\r\n*2\r\n:1\r\n$1\r\nx\r\n",
    ">4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\na\r\n$3\r\none\r\n",
    ">4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\na\r\n$3\r\ntwo\r\n",
    ">4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nb\r\n$3\r\ntwo\r\n",
    ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n",
    ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n",
    "|1\r\n+ttl\r\n:3\r\n>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\none\r\n",
    ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\none\r\n",
    ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n",
    ">2\r\n$10\r\ninvalidate\r\n_\r\n",
    ">3\r\n:7\r\n$1\r\na\r\n$3\r\none\r\n",
    ">3\r\n:7\r\n$1\r\na\r\n$3\r\ntwo\r\n",
    ">1\r\n$1\r\nx\r\n",
    ">5\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\ne\r\n",
    ">5\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nD\r\n$1\r\nE\r\n",
  };
  g_autoptr (GString) stream = g_string_new (NULL);
  g_autoptr (GString) expected = g_string_new (NULL);

  g_test_summary ("Pushes begin as the one before did, or nearly so, in pieces of every size");

  for (guint i = 0; i < 2 * G_N_ELEMENTS (pushes); i++)
    {
      g_autoptr (TornadisReader) reader = tornadis_reader_new (65536, G_MAXSIZE);
      const char *push = pushes[i % G_N_ELEMENTS (pushes)];

      g_string_append (stream, push);
      feed_text (reader, push);
      take (reader, expected);
    }

  for (gsize piece = 1; piece <= stream->len; piece++)
    {
      g_autoptr (TornadisReader) reader = tornadis_reader_new (piece % 2 == 0 ? 64 : 65536, G_MAXSIZE);
      g_autoptr (GString) out = g_string_new (NULL);

      for (gsize done = 0; done < stream->len; done += piece)
        {
          reader_feed (reader, stream->str + done, MIN (piece, stream->len - done));
          take (reader, out);
          if (piece % 3 == 0)
            tornadis_reader_trim (reader);
        }
      g_assert_cmpstr (out->str, ==, expected->str);
    }
}

/* What one push and what follows it give, in pieces of @step. */
static char *
read_pushes (const char *first,
             const char *second,
             gsize step)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new (512, MAX_PUSH_SIZE);
  GString *out = g_string_new (NULL);
  gsize length = strlen (second);

  feed_text (reader, first);
  take (reader, out);
  g_string_truncate (out, 0);
  for (gsize done = 0; done < length && !g_str_has_prefix (out->str, "!"); done += step)
    {
      reader_feed (reader, second + done, MIN (step, length - done));
      take (reader, out);
    }
  if (tornadis_reader_is_partial (reader))
    g_string_append (out, "...");

  return g_string_free (out, FALSE);
}

static void
test_push_ends (void)
{
  static const char *const begins[] = { ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n", ">4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\na\r\n" };
  static const char *const ends[] = {
    "$3\r\none\r\n",
    "$3\r\none\r\n+OK\r\n",
    "$03\r\none\r\n",
    "$+3\r\none\r\n",
    "$0\r\n\r\n",
    "$-1\r\n",
    "$-2\r\n",
    "$\r\n\r\n",
    "$x\r\n",
    "$?\r\n",
    "$3\rXone\r\n",
    "$3X\none\r\n",
    "$3\r\noneX\n",
    "$3\r\none\rX",
    "$3\r\ntoo long\r\n",
    "$9223372036854775807\r\nx\r\n",
    "$18446744073709551615\r\nx\r\n",
    "$18446744073709551619\r\none\r\n",
    "$99999999999999999999999999999999999\r\nx\r\n",
    "+OK\r\n",
    ":1\r\n",
    "_\r\n",
    ">1\r\n:1\r\n",
    "*1\r\n:1\r\n",
  };
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_free);

  g_test_summary ("What ends a push is the same whether it begins as the one before or not");

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    g_ptr_array_add (all, g_strdup (ends[i]));
  /* On both sides of what a reply may take. */
  for (guint length = 1; length < MAX_PUSH_SIZE; length++)
    {
      g_autofree char *data = g_strnfill (length, 'x');

      g_ptr_array_add (all, g_strdup_printf ("$%u\r\n%s\r\n", length, data));
    }

  for (guint i = 0; i < G_N_ELEMENTS (begins); i++)
    for (guint j = 0; j < all->len; j++)
      {
        g_autofree char *first = g_strconcat (begins[i], ends[0], NULL);
        g_autofree char *second = g_strconcat (begins[i], g_ptr_array_index (all, j), NULL);
        g_autofree char *expected = read_pushes (">3\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n", second, G_MAXUINT);

        for (gsize step = 1; step <= strlen (second); step += j < G_N_ELEMENTS (ends) ? 1 : 37)
          {
            g_autofree char *result = read_pushes (first, second, step);

            g_assert_cmpstr (result, ==, expected);
          }
      }
}

static void
test_push_names (void)
{
  static const char *const names[] = {
    "$1\r\na\r\n",
    "$1\r\nb\r\n",
    "$1\r\nc\r\n",
    "$01\r\na\r\n",
    "$00000001\r\na\r\n",
    "$+1\r\na\r\n",
    "$0\r\n\r\n",
    "$-1\r\n",
    "$\r\na\r\n",
    "$2\r\na\r\n",
    "$2\r\naa\r\n",
    "$1\rXa\r\n",
    "$1\r\naX\n",
    "$1\r\na\rX",
    "$1\r\nab\r\n",
    "$18446744073709551617\r\na\r\n",
    "$36893488147419103233\r\na\r\n",
    ":1\r\n",
    "*1\r\n$1\r\na\r\n",
  };
  const char *kind = ">3\r\n$7\r\nmessage\r\n";
  const char *end = "$3\r\none\r\n";
  g_autofree char *before = g_strconcat (kind, names[0], end, kind, names[1], end, NULL);

  g_test_summary ("The name of a push is the same whether it is one of before or not");

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *push = g_strconcat (kind, names[i], end, kind, names[0], end, NULL);
      g_autofree char *expected = read_pushes ("", push, G_MAXUINT);

      for (gsize step = 1; step <= strlen (push); step++)
        {
          g_autofree char *result = read_pushes (before, push, step);

          g_assert_cmpstr (result, ==, expected);
        }
    }
}

/* However often the name has changed, a reply may take as much as ever. */
static void
test_push_limit (void)
{
  const char *kind = ">3\r\n$7\r\nmessage\r\n";
  const char *end = "$3\r\none\r\n";
  g_autofree char *longer = g_strnfill (40, 'b');
  g_autoptr (GString) before = g_string_new (NULL);

  for (guint i = 0; i < 3; i++)
    g_string_append_printf (before, "%s$1\r\na\r\n%s%s$40\r\n%s\r\n%s", kind, end, kind, longer, end);

  for (guint length = 1; length < MAX_PUSH_SIZE; length++)
    {
      g_autofree char *data = g_strnfill (length, 'x');
      g_autofree char *push = g_strdup_printf ("%s$1\r\na\r\n$%u\r\n%s\r\n", kind, length, data);
      g_autofree char *expected = read_pushes ("", push, G_MAXUINT);
      g_autofree char *result = read_pushes (before->str, push, G_MAXUINT);

      g_assert_cmpstr (result, ==, expected);
    }
}

#define N_CHANNELS 1000

/* More channels than are kept, of all lengths, some of which differ in their beginning alone. */
static void
test_push_channels (void)
{
  g_autoptr (GString) stream = g_string_new (NULL);
  g_autoptr (GString) expected = g_string_new (NULL);
  g_autoptr (TornadisReader) reader = tornadis_reader_new (4096, MAX_REPLY_SIZE);
  g_autoptr (GString) out = g_string_new (NULL);

  for (guint i = 0; i < 20 * N_CHANNELS; i++)
    {
      /* Most often one of a few, so that they come again. */
      guint n = (guint) g_test_rand_int_range (0, g_test_rand_int_range (0, 4) == 0 ? N_CHANNELS : 5);
      g_autofree char *padding = g_strnfill (n % 300, '.');
      g_autofree char *channel = g_strdup_printf ("%u%s", n / 3, padding);

      g_string_append_printf (stream, ">3\r\n$7\r\nmessage\r\n$%zu\r\n%s\r\n$1\r\n%c\r\n", strlen (channel), channel,
                              'a' + (int) (i % 26));
      g_string_append_printf (expected, "%s>[\"message\" \"%s\" \"%c\"]", i > 0 ? " " : "", channel, 'a' + (int) (i % 26));
    }

  for (gsize done = 0, size; done < stream->len; done += size)
    {
      size = (gsize) g_test_rand_int_range (1, 3000);
      size = MIN (size, stream->len - done);
      reader_feed (reader, stream->str + done, size);
      take (reader, out);
    }
  g_assert_cmpstr (out->str, ==, expected->str);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#ifdef M_PERTURB
  /* New memory is not zero by chance. */
  mallopt (M_PERTURB, 0x55);
#endif

  g_test_add_data_func ("/reader/corpus", GSIZE_TO_POINTER (PAGE_SIZE), test_corpus);
  g_test_add_data_func ("/reader/corpus-small-page", GSIZE_TO_POINTER (1), test_corpus);
  g_test_add_func ("/reader/random-pieces", test_random_pieces);
  g_test_add_func ("/reader/captures", test_captures);
  g_test_add_func ("/reader/depth", test_depth);
  g_test_add_func ("/reader/million-deep", test_million_deep);
  g_test_add_func ("/reader/fault-10-line-length", test_line_length);
  g_test_add_func ("/reader/plain-line-length", test_plain_line_length);
  g_test_add_func ("/reader/fault-10-long-lines-in-pieces", test_long_lines_in_pieces);
  g_test_add_func ("/reader/fault-10-long-line-in-memory", test_long_line_in_memory);
  g_test_add_func ("/reader/malformed-long-number", test_malformed_long_number);
  g_test_add_func ("/reader/reply-size", test_reply_size);
  g_test_add_func ("/reader/reply-size-is-per-reply", test_reply_size_is_per_reply);
  g_test_add_func ("/reader/nothing-ahead", test_nothing_ahead);
  g_test_add_func ("/reader/nothing-ahead-nested", test_nothing_ahead_nested);
  g_test_add_func ("/reader/large", test_large);
  g_test_add_func ("/reader/large-without-end", test_large_without_end);
  g_test_add_func ("/reader/large-elements", test_large_elements);
  g_test_add_func ("/reader/long-arrays", test_long_arrays);
  g_test_add_func ("/reader/partial-and-trim", test_partial_and_trim);
  g_test_add_func ("/reader/attribute-is-partial", test_attribute_is_partial);
  g_test_add_func ("/reader/free-in-the-middle", test_free_in_the_middle);
  g_test_add_func ("/reader/repeated-pushes", test_repeated_pushes);
  g_test_add_func ("/reader/push-ends", test_push_ends);
  g_test_add_func ("/reader/push-names", test_push_names);
  g_test_add_func ("/reader/push-limit", test_push_limit);
  g_test_add_func ("/reader/push-channels", test_push_channels);

  return g_test_run ();
}
