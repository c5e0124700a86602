/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "introspection/bridge/tornadis-bridge-values.h"
#include "tests/fuzzing/fuzz.h"
#include "tornadis-glib/values/tornadis-reply-pack-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-reader.h"

#define PAGE_SIZE 256
#define MAX_REPLY_SIZE (1024 * 1024)

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

static void
use_reply (TornadisReply *reply)
{
  g_autofree char *text = tornadis_reply_to_string (reply);
  g_autoptr (GVariant) variant = tornadis_reply_to_variant (reply);
  g_autoptr (GBytes) bytes = tornadis_reply_get_bytes (reply);
  g_autoptr (GError) error = tornadis_reply_dup_error (reply);
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
  g_assert_cmpuint (g_variant_get_size (variant), <=, G_MAXSSIZE);
  g_assert_cmpint (error != NULL, ==, tornadis_reply_is_error (reply));
  if (bytes != NULL)
    g_assert_cmpint (reply->data[g_bytes_get_size (bytes)], ==, '\0');

  tornadis_reply_get_integer (reply);
  tornadis_reply_get_double (reply);
  tornadis_reply_get_boolean (reply);
  tornadis_reply_lookup (reply, "key");
  if (n > 0)
    last = tornadis_reply_ref (tornadis_reply_get_element (reply, n - 1));

  tornadis_reply_unref (reply);
  g_clear_pointer (&last, tornadis_reply_unref);
}

/* The bytes are the stream, and read from the end they say in what pieces it comes. */
int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize size)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new (PAGE_SIZE, MAX_REPLY_SIZE);
  gsize done = 0;
  gsize n_pieces = 0;

  /* As for Python: it goes both ways, because most arrays are too short for it. */
  tornadis_reply_pack_enable ('s');
  tornadis_reply_pack_set_segment (200);

  while (done < size)
    {
      g_autoptr (GError) error = NULL;
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
      if (choice % 4 == 0)
        continue;

      while ((reply = tornadis_reader_next (reader, &error)) != NULL)
        {
          if (choice % 4 == 2)
            take_parts (reply, choice % 8 == 2);
          use_reply (reply);
        }
      if (error != NULL)
        break;
      if (choice % 4 == 1)
        tornadis_reader_trim (reader);
    }

  return 0;
}
