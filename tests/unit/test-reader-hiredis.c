/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <hiredis/hiredis.h>
#include <math.h>

#include "tests/unit/reader-feed.h"
#include "tests/unit/resp-corpus.h"
#include "tornadis-glib/wire/tornadis-reader.h"

/* What hiredis' reader takes, ours must take too, and make the same of it. The opposite is not asked: ours
 * looks at more (the end of a string) and knows more (0.14 has no RESP3 and nests 7 levels). */

#define MAX_REPLY_SIZE (512 * 1024 * 1024)
#define MAX_DEPTH 6
#define N_STREAMS 3000

/* Under valgrind, which slows all of it down, a tenth of them. */
static guint
get_n_streams (void)
{
  const char *slow = g_getenv ("TORNADIS_TEST_SLOW");

  return slow != NULL && g_ascii_strtoll (slow, NULL, 10) >= 10 ? N_STREAMS / 10 : N_STREAMS;
}

static void
assert_same (TornadisReply *ours,
             const redisReply *theirs)
{
  static const TornadisReplyKind kinds[] = {
    [REDIS_REPLY_STRING] = TORNADIS_REPLY_KIND_STRING,
    [REDIS_REPLY_ARRAY] = TORNADIS_REPLY_KIND_ARRAY,
    [REDIS_REPLY_INTEGER] = TORNADIS_REPLY_KIND_INTEGER,
    [REDIS_REPLY_NIL] = TORNADIS_REPLY_KIND_NIL,
    [REDIS_REPLY_STATUS] = TORNADIS_REPLY_KIND_STATUS,
    [REDIS_REPLY_ERROR] = TORNADIS_REPLY_KIND_ERROR,
#if HIREDIS_MAJOR >= 1
    [REDIS_REPLY_DOUBLE] = TORNADIS_REPLY_KIND_DOUBLE,
    [REDIS_REPLY_BOOL] = TORNADIS_REPLY_KIND_BOOLEAN,
    [REDIS_REPLY_MAP] = TORNADIS_REPLY_KIND_MAP,
    [REDIS_REPLY_SET] = TORNADIS_REPLY_KIND_SET,
    [REDIS_REPLY_PUSH] = TORNADIS_REPLY_KIND_PUSH,
    [REDIS_REPLY_BIGNUM] = TORNADIS_REPLY_KIND_BIG_NUMBER,
    [REDIS_REPLY_VERB] = TORNADIS_REPLY_KIND_VERBATIM,
#endif
  };

  g_assert_cmpint (theirs->type, <, G_N_ELEMENTS (kinds));
  g_assert_cmpint (ours->kind, ==, kinds[theirs->type]);

  if (tornadis_reply_kind_is_aggregate (ours->kind))
    {
      g_assert_cmpuint (ours->length, ==, theirs->elements);
      for (gsize i = 0; i < ours->length; i++)
        assert_same (tornadis_reply_get_elements (ours)[i], theirs->element[i]);
    }
  else if (ours->kind == TORNADIS_REPLY_KIND_INTEGER)
    g_assert_cmpint (ours->v.integer, ==, theirs->integer);
#if HIREDIS_MAJOR >= 1
  else if (ours->kind == TORNADIS_REPLY_KIND_DOUBLE)
    g_assert_true (ours->v.number == theirs->dval || (isnan (ours->v.number) && isnan (theirs->dval)));
  else if (ours->kind == TORNADIS_REPLY_KIND_BOOLEAN)
    g_assert_cmpint (ours->v.boolean, ==, theirs->integer != 0);
#endif
  else if (ours->kind != TORNADIS_REPLY_KIND_NIL)
    g_assert_cmpmem (ours->data, ours->length, theirs->str, theirs->len);
}

static void
append_random_bytes (GString *stream,
                     gsize length)
{
  static const char telling[] = "\r\n$*:+-0123456789";

  for (gsize i = 0; i < length; i++)
    {
      if (g_test_rand_bit ())
        g_string_append_c (stream, telling[g_test_rand_int_range (0, sizeof telling - 1)]);
      else
        g_string_append_c (stream, (char) g_test_rand_int_range (0, 256));
    }
}

static void
append_random_line (GString *stream,
                    const char *type)
{
  g_string_append (stream, type);
  for (int i = g_test_rand_int_range (0, 40); i > 0; i--)
    g_string_append_c (stream, (char) g_test_rand_int_range (' ', 256));
  g_string_append (stream, "\r\n");
}

static gint64
random_integer (void)
{
  guint64 bits = (guint64) (guint32) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();

  return (gint64) bits >> g_test_rand_int_range (0, 64);
}

static void append_random_reply (GString *stream,
                                 guint depth);

static void
append_random_elements (GString *stream,
                        char type,
                        gsize per_entry,
                        guint depth)
{
  gsize n = depth == MAX_DEPTH ? 0 : (gsize) g_test_rand_int_range (0, 6);

  g_string_append_printf (stream, "%c%" G_GSIZE_FORMAT "\r\n", type, n);
  for (gsize i = 0; i < n * per_entry; i++)
    append_random_reply (stream, depth + 1);
}

#if HIREDIS_MAJOR >= 1
static void
append_random_resp3 (GString *stream,
                     guint depth)
{
  switch (g_test_rand_int_range (0, 7))
    {
    case 0:
      g_string_append (stream, "_\r\n");
      break;
    case 1:
      g_string_append (stream, g_test_rand_bit () ? "#t\r\n" : "#f\r\n");
      break;
    case 2:
      g_string_append_printf (stream, ",%.17g\r\n", g_test_rand_double_range (-1e6, 1e6));
      break;
    case 3:
      g_string_append_printf (stream, "(%" G_GINT64_FORMAT "%d\r\n", random_integer (), g_test_rand_int_range (0, 1000));
      break;
    case 4:
      g_string_append (stream, "=7\r\ntxt:a\r\n\r\n");
      break;
    case 5:
      append_random_elements (stream, '%', 2, depth);
      break;
    default:
      append_random_elements (stream, '~', 1, depth);
      break;
    }
}
#endif

static void
append_random_reply (GString *stream,
                     guint depth)
{
  gsize length;

#if HIREDIS_MAJOR >= 1
  if (g_test_rand_int_range (0, 3) == 0)
    {
      append_random_resp3 (stream, depth);
      return;
    }
#endif

  switch (g_test_rand_int_range (0, 8))
    {
    case 0:
      append_random_line (stream, "+");
      break;
    case 1:
      append_random_line (stream, "-");
      break;
    case 2:
      g_string_append_printf (stream, ":%" G_GINT64_FORMAT "\r\n", random_integer ());
      break;
    case 3:
      g_string_append (stream, g_test_rand_bit () ? "$-1\r\n" : "*-1\r\n");
      break;
    case 4:
    case 5:
      length = (gsize) (g_test_rand_int_range (0, 50) == 0 ? g_test_rand_int_range (0, 3000)
                                                           : g_test_rand_int_range (0, 40));
      g_string_append_printf (stream, "$%" G_GSIZE_FORMAT "\r\n", length);
      append_random_bytes (stream, length);
      g_string_append (stream, "\r\n");
      break;
    default:
      append_random_elements (stream, '*', 1, depth);
      break;
    }
}

typedef enum
{
  COMPARE_COMMON, /* only what both make of it */
  COMPARE_THEIRS, /* ours must get at least as far */
  COMPARE_ALL,    /* both must take all of it */
} CompareMode;

/* How many replies both readers made of @stream, which they get in pieces of their own. */
static gsize
compare (GString *stream,
         CompareMode mode)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new ((gsize) g_test_rand_int_range (64, 2000), MAX_REPLY_SIZE);
  g_autoptr (GError) error = NULL;
  redisReader *oracle = redisReaderCreate ();
  GQueue ours = G_QUEUE_INIT;
  GQueue theirs = G_QUEUE_INIT;
  gsize n_same = 0;
  gboolean oracle_failed = FALSE;

  for (gsize done = 0, size; done < stream->len && error == NULL; done += size)
    {
      TornadisReply *reply;

      size = (gsize) g_test_rand_int_range (1, 500);
      size = MIN (size, stream->len - done);
      reader_feed (reader, stream->str + done, size);
      while ((reply = tornadis_reader_next (reader, &error)) != NULL)
        g_queue_push_tail (&ours, reply);
    }

  for (gsize done = 0, size; done < stream->len && !oracle_failed; done += size)
    {
      void *reply = NULL;

      size = (gsize) g_test_rand_int_range (1, 500);
      size = MIN (size, stream->len - done);
      redisReaderFeed (oracle, stream->str + done, size);
      while (redisReaderGetReply (oracle, &reply) == REDIS_OK && reply != NULL)
        g_queue_push_tail (&theirs, reply);
      oracle_failed = oracle->err != 0;
    }

  if (mode == COMPARE_THEIRS)
    g_assert_cmpuint (ours.length, >=, theirs.length);
  if (mode == COMPARE_ALL)
    {
      g_assert_no_error (error);
      g_assert_false (oracle_failed);
      g_assert_cmpuint (ours.length, ==, theirs.length);
    }

  while (ours.length > 0 && theirs.length > 0)
    {
      TornadisReply *our = g_queue_pop_head (&ours);
      redisReply *their = g_queue_pop_head (&theirs);

      assert_same (our, their);
      tornadis_reply_unref (our);
      freeReplyObject (their);
      n_same++;
    }

  g_queue_clear_full (&ours, (GDestroyNotify) tornadis_reply_unref);
  g_queue_clear_full (&theirs, freeReplyObject);
  redisReaderFree (oracle);

  return n_same;
}

static void
test_random (void)
{
  gsize n_replies = 0;

  for (guint i = 0; i < get_n_streams (); i++)
    {
      g_autoptr (GString) stream = g_string_new (NULL);
      guint n = (guint) g_test_rand_int_range (1, 10);

      for (guint j = 0; j < n; j++)
        append_random_reply (stream, 0);

      g_assert_cmpuint (compare (stream, COMPARE_ALL), ==, n);
      n_replies += n;
    }

  g_assert_cmpuint (n_replies, >=, get_n_streams ());
}

static void
test_damaged (void)
{
  static const char telling[] = "\r\n$*:+-0123456789";
  gsize n_replies = 0;

  g_test_summary ("Streams with some bytes changed: as far as both readers get, they must agree");

  for (guint i = 0; i < get_n_streams (); i++)
    {
      g_autoptr (GString) stream = g_string_new (NULL);

      for (guint j = 0; j < 10; j++)
        append_random_reply (stream, 0);
      for (int j = g_test_rand_int_range (1, 4); j > 0; j--)
        stream->str[g_test_rand_int_range (0, (gint32) stream->len)] =
            telling[g_test_rand_int_range (0, sizeof telling - 1)];

      n_replies += compare (stream, COMPARE_COMMON);
    }

  g_assert_cmpuint (n_replies, >=, get_n_streams ());
}

static void
test_corpus (void)
{
  g_autoptr (GPtrArray) vectors = resp_corpus_load ();
  gsize n_replies = 0;

  for (guint i = 0; i < vectors->len; i++)
    {
      RespVector *vector = g_ptr_array_index (vectors, i);

      /* Where ours is strict on purpose, hiredis' opinion does not matter; and what knows attributes there
       * gives them as replies. */
      if (!g_str_has_prefix (vector->result, "!") && strchr (vector->input->str, '|') == NULL)
        n_replies += compare (vector->input, COMPARE_THEIRS);
    }

  g_assert_cmpuint (n_replies, >=, 40);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/reader-hiredis/random", test_random);
  g_test_add_func ("/reader-hiredis/damaged", test_damaged);
  g_test_add_func ("/reader-hiredis/corpus", test_corpus);

  return g_test_run ();
}
