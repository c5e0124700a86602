/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "introspection/bridge/tornadis-bridge-values.h"
#include "tests/fuzzing/fuzz.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-pack-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-reader.h"

#define PAGE_SIZE 256
#define MAX_REPLY_SIZE (1024 * 1024)
/* What the reader counts for an element apart from its bytes. */
#define ELEMENT_COST 48

/* As Python takes long lists. */
static void
take_parts (TornadisReply *reply,
            gboolean decode)
{
  gsize n = tornadis_reply_get_n_elements (reply);
  gsize length;
  guint8 *part;

  while ((part = tornadis_bridge_take_part (reply, decode, &length)) != NULL)
    {
      gsize before = n;

      n = tornadis_reply_get_n_elements (reply);
      g_assert_cmpuint (n, <, before);
      g_assert_cmpuint (length, >=, 5 + 5 * (before - n));
      g_free (part);
    }
}

static gboolean
is_same_double (double a,
                double b)
{
  return memcmp (&a, &b, sizeof a) == 0;
}

/* What one accessor says follows from what the others do. */
static void
check_value (TornadisReply *reply)
{
  TornadisReplyKind kind = tornadis_reply_get_kind (reply);
  g_autoptr (GBytes) bytes = tornadis_reply_get_bytes (reply);
  g_autoptr (GError) error = tornadis_reply_dup_error (reply);
  const char *text = tornadis_reply_get_text (reply);
  gsize n = tornadis_reply_get_n_elements (reply);
  gint64 integer = tornadis_reply_get_integer (reply);
  double number = tornadis_reply_get_double (reply);
  gsize length;
  const guint8 *data = tornadis_reply_get_data (reply, &length);

  g_assert_cmpint (bytes != NULL, ==, tornadis_reply_kind_has_data (kind));
  g_assert_cmpint (data != NULL, ==, bytes != NULL);
  g_assert_cmpint (error != NULL, ==, tornadis_reply_is_error (reply));
  g_assert_true (error == NULL || g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY));
  if (bytes != NULL)
    {
      g_assert_true (g_bytes_get_data (bytes, NULL) == data || length == 0);
      g_assert_cmpuint (g_bytes_get_size (bytes), ==, length);
      g_assert_cmpint (data[length], ==, '\0');
      g_assert_cmpint (text != NULL, ==, g_utf8_validate_len ((const char *) data, length, NULL));
      g_assert_cmpuint (n, ==, 0);
    }
  if (text != NULL)
    g_assert_cmpuint (strlen (text), ==, length);
  if (kind == TORNADIS_REPLY_KIND_INTEGER)
    g_assert_true (is_same_double (number, (double) integer));
  if (kind == TORNADIS_REPLY_KIND_ERROR || kind == TORNADIS_REPLY_KIND_NIL)
    g_assert_true (integer == 0 && is_same_double (number, 0) && !tornadis_reply_get_boolean (reply));

  g_assert_null (tornadis_reply_get_element (reply, n));
  g_assert_true (kind != TORNADIS_REPLY_KIND_MAP || n % 2 == 0);
}

/* Every value of the tree, and that together they are no more than a reply may be. */
static void
check_values (TornadisReply *reply)
{
  g_autoptr (GPtrArray) left = g_ptr_array_new ();
  gsize cost = 0;

  g_ptr_array_add (left, reply);
  while (left->len > 0)
    {
      TornadisReply *value = g_ptr_array_steal_index_fast (left, left->len - 1);
      gsize n = tornadis_reply_get_n_elements (value);

      check_value (value);
      cost += value->length * (tornadis_reply_kind_has_data (value->kind) ? 1 : ELEMENT_COST);
      for (gsize i = 0; i < n; i++)
        g_ptr_array_add (left, tornadis_reply_get_element (value, i));
    }
  g_assert_cmpuint (cost, <=, MAX_REPLY_SIZE);
}

/* The first of those that have this key. */
static void
check_lookup (TornadisReply *reply)
{
  gboolean has_keys = reply->kind == TORNADIS_REPLY_KIND_MAP || reply->kind == TORNADIS_REPLY_KIND_ARRAY;
  gsize n = tornadis_reply_get_n_elements (reply);

  for (gsize i = 0; i + 1 < MIN (n, 20); i += 2)
    {
      const char *key = tornadis_reply_get_text (tornadis_reply_get_element (reply, i));
      gsize first = 0;

      if (key == NULL)
        continue;
      while (g_strcmp0 (tornadis_reply_get_text (tornadis_reply_get_element (reply, first)), key) != 0)
        first += 2;
      g_assert_true (tornadis_reply_lookup (reply, key) == (has_keys ? tornadis_reply_get_element (reply, first + 1) : NULL));
    }
}

/* A variant says all that it has room for: what is made of it makes the same again. */
static void
check_variant (TornadisReply *reply)
{
  g_autoptr (GVariant) variant = tornadis_reply_to_variant (reply);
  g_autoptr (TornadisReply) again = tornadis_reply_new_from_variant (variant);
  g_autoptr (GVariant) variant_again = tornadis_reply_to_variant (again);

  g_assert_false (g_variant_is_floating (variant));
  g_assert_true (g_variant_is_normal_form (variant));
  g_assert_true (g_variant_equal (variant, variant_again));
}

static void
check_same (TornadisReply *reply,
            TornadisReply *other)
{
  g_autoptr (GPtrArray) left = g_ptr_array_new ();

  g_ptr_array_add (left, reply);
  g_ptr_array_add (left, other);
  while (left->len > 0)
    {
      TornadisReply *b = g_ptr_array_steal_index_fast (left, left->len - 1);
      TornadisReply *a = g_ptr_array_steal_index_fast (left, left->len - 1);

      g_assert_cmpint (a->kind, ==, b->kind);
      if (tornadis_reply_kind_has_data (a->kind))
        g_assert_cmpmem (a->data, a->length, b->data, b->length);
      g_assert_cmpuint (tornadis_reply_get_n_elements (a), ==, tornadis_reply_get_n_elements (b));
      g_assert_cmpint (tornadis_reply_get_integer (a), ==, tornadis_reply_get_integer (b));
      g_assert_true (is_same_double (tornadis_reply_get_double (a), tornadis_reply_get_double (b)));
      g_assert_cmpint (tornadis_reply_get_boolean (a), ==, tornadis_reply_get_boolean (b));
      for (gsize i = 0; i < tornadis_reply_get_n_elements (a); i++)
        {
          g_ptr_array_add (left, tornadis_reply_get_element (a, i));
          g_ptr_array_add (left, tornadis_reply_get_element (b, i));
        }
    }
}

static void
use_reply (TornadisReply *reply)
{
  g_autofree char *text = tornadis_reply_to_string (reply);
  g_autofree char *json = tornadis_bridge_dup_text (reply);
  gsize length;
  g_autofree guint8 *values = tornadis_bridge_dup_data (reply, FALSE, &length);
  gsize text_length;
  g_autofree guint8 *texts = tornadis_bridge_dup_data (reply, TRUE, &text_length);
  TornadisReply *last = NULL;
  gsize n = tornadis_reply_get_n_elements (reply);

  g_assert_true (g_utf8_validate (text, -1, NULL));
  g_assert_true (g_utf8_validate (json, -1, NULL));
  /* None when it is nested too deep, or is no text. */
  g_assert_true (values == NULL || values[length - 1] == '0');
  g_assert_true (texts == NULL || (values != NULL && text_length == length));

  check_values (reply);
  check_lookup (reply);
  check_variant (reply);
  if (n > 0)
    last = tornadis_reply_ref (tornadis_reply_get_element (reply, n - 1));

  tornadis_reply_unref (reply);
  if (last != NULL)
    check_values (last);
  g_clear_pointer (&last, tornadis_reply_unref);
}

/* All replies, with the bytes in one piece, and each value a node of its own. */
static GPtrArray *
read_whole (const guint8 *data,
            gsize size,
            gboolean *is_partial,
            GError **error)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new (size, MAX_REPLY_SIZE);
  GPtrArray *replies = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_reply_unref);
  TornadisReply *reply;
  gsize room;
  guint8 *place = tornadis_reader_reserve (reader, &room);

  tornadis_reply_pack_enable (0);
  g_assert_cmpuint (room, >=, size);
  memcpy (place, data, size);
  tornadis_reader_commit (reader, size);
  while ((reply = tornadis_reader_next (reader, error)) != NULL)
    g_ptr_array_add (replies, reply);
  *is_partial = tornadis_reader_is_partial (reader);

  return replies;
}

static void
check_single (const guint8 *data,
              gsize size,
              GPtrArray *replies,
              gboolean is_partial,
              const GError *problem)
{
  g_autoptr (GBytes) resp = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_reply_new_from_resp (resp, &error);

  fuzz_check_error (reply != NULL, error, TORNADIS_ERROR);
  g_assert_true (error == NULL || error->code == TORNADIS_ERROR_PROTOCOL);
  /* One that is larger than others may be is none with a problem. */
  if (problem == NULL)
    g_assert_cmpint (reply != NULL, ==, replies->len == 1 && !is_partial);
  if (reply != NULL && replies->len == 1)
    check_same (reply, g_ptr_array_index (replies, 0));
}

/* The bytes are the stream, and read from the end they say in what pieces it comes. */
int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize size)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new (PAGE_SIZE, MAX_REPLY_SIZE);
  g_autoptr (GPtrArray) replies = NULL;
  g_autoptr (GError) problem = NULL;
  g_autoptr (GError) error = NULL;
  gboolean is_partial;
  guint n_replies = 0;
  gsize done = 0;
  gsize n_pieces = 0;

  if (size == 0)
    return 0;

  replies = read_whole (data, size, &is_partial, &problem);
  check_single (data, size, replies, is_partial, problem);

  /* As for Python: it goes both ways, because most arrays are too short for it. */
  tornadis_reply_pack_enable ('s');
  tornadis_reply_pack_set_segment (200);

  while (done < size && error == NULL)
    {
      TornadisReply *reply;
      guint8 choice = data[size - 1 - n_pieces++ % size];
      gsize piece = MIN ((gsize) 1 + choice, size - done);
      gsize room;
      guint8 *place = tornadis_reader_reserve (reader, &room);

      g_assert_cmpuint (room, >, 0);
      piece = MIN (piece, room);
      memcpy (place, data + done, piece);
      tornadis_reader_commit (reader, piece);
      done += piece;

      /* Sometimes bytes pile up. */
      if (choice % 4 == 0 && done < size)
        continue;

      while ((reply = tornadis_reader_next (reader, &error)) != NULL)
        {
          g_assert_cmpuint (n_replies, <, replies->len);
          if (choice % 4 == 2)
            take_parts (reply, choice % 8 == 2);
          else
            check_same (reply, g_ptr_array_index (replies, n_replies));
          n_replies++;
          use_reply (reply);
        }
      if (choice % 4 == 1)
        tornadis_reader_trim (reader);
    }

  /* What comes in pieces is what comes at once. */
  g_assert_cmpuint (n_replies, ==, replies->len);
  g_assert_cmpstr (error != NULL ? error->message : NULL, ==, problem != NULL ? problem->message : NULL);
  if (error != NULL)
    g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
  else
    g_assert_cmpint (tornadis_reader_is_partial (reader), ==, is_partial);

  return 0;
}
