/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plugins/reply-text.h"

#include <string.h>

static TornadisReply *parse (const char **text);

static TornadisReply *
from_resp (char *resp)
{
  g_autoptr (GBytes) bytes = g_bytes_new_take (resp, strlen (resp));
  g_autoptr (GError) error = NULL;
  TornadisReply *reply = tornadis_reply_new_from_resp (bytes, &error);

  g_assert_no_error (error);
  return reply;
}

static void
skip (const char **text,
      const char *what)
{
  *text += strspn (*text, what);
}

static TornadisReply *
parse_nested (const char **text,
              TornadisReplyKind kind,
              char close)
{
  g_autoptr (GPtrArray) elements = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_reply_unref);

  for ((*text)++, skip (text, " "); **text != close; skip (text, " ,:"))
    {
      g_assert_cmpint (**text, !=, '\0');
      g_ptr_array_add (elements, parse (text));
    }
  (*text)++;

  return tornadis_reply_new_nested (kind, (TornadisReply **) elements->pdata, elements->len);
}

static TornadisReply *
parse_string (const char **text)
{
  gsize length = strcspn (*text + 1, "'");
  g_autoptr (GBytes) bytes = g_bytes_new (*text + 1, length);

  *text += length + 2;
  return tornadis_reply_new_string (bytes);
}

static TornadisReply *
parse_verbatim (const char **text)
{
  g_autofree char *string = g_strndup (*text + 2, strcspn (*text + 2, "'"));

  *text += strlen (string) + 3;
  return from_resp (g_strdup_printf ("=%" G_GSIZE_FORMAT "\r\ntxt:%s\r\n", strlen (string) + 4, string));
}

static TornadisReply *
parse_word (const char **text)
{
  const char *begin = *text;
  gsize length = strcspn (begin, begin[0] == '-' && g_ascii_isalpha (begin[1]) ? ";" : " ,:]}");
  g_autofree char *word = g_strndup (begin, length);

  *text += length;
  skip (text, ";");
  if (strcmp (word, "null") == 0)
    return from_resp (g_strdup ("_\r\n"));
  if (strcmp (word, "true") == 0 || strcmp (word, "false") == 0)
    return from_resp (g_strdup_printf ("#%c\r\n", word[0]));
  if (word[0] == '+' || (word[0] == '-' && g_ascii_isalpha (word[1])))
    return from_resp (g_strconcat (word, "\r\n", NULL));

  g_assert_true (g_ascii_isdigit (word[0]) || word[0] == '-');
  if (strchr (word, '.') != NULL)
    return from_resp (g_strconcat (",", word, "\r\n", NULL));

  /* Most of what is written is of these, some by the ten thousands: without a reader for each. */
  return tornadis_reply_new_from_variant (g_variant_new_int64 (g_ascii_strtoll (word, NULL, 10)));
}

static TornadisReply *
parse (const char **text)
{
  switch (**text)
    {
    case '[':
      return parse_nested (text, TORNADIS_REPLY_KIND_ARRAY, ']');
    case '{':
      return parse_nested (text, TORNADIS_REPLY_KIND_MAP, '}');
    case '~':
      (*text)++;
      return parse_nested (text, TORNADIS_REPLY_KIND_SET, ']');
    case '>':
      (*text)++;
      return parse_nested (text, TORNADIS_REPLY_KIND_PUSH, ']');
    case '\'':
      return parse_string (text);
    case '=':
      return parse_verbatim (text);
    default:
      return parse_word (text);
    }
}

TornadisReply *
make_reply (const char *text)
{
  TornadisReply *reply = parse (&text);

  g_assert_cmpstr (text, ==, "");
  return reply;
}

TornadisReply *
flatten_reply (TornadisReply *reply)
{
  g_autoptr (GPtrArray) elements = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_reply_unref);
  TornadisReplyKind kind = tornadis_reply_get_kind (reply);
  gsize n = tornadis_reply_get_n_elements (reply);

  if (n == 0)
    return tornadis_reply_ref (reply);

  for (gsize i = 0; i < n; i++)
    g_ptr_array_add (elements, flatten_reply (tornadis_reply_get_element (reply, i)));

  return tornadis_reply_new_nested (kind == TORNADIS_REPLY_KIND_MAP ? TORNADIS_REPLY_KIND_ARRAY : kind,
                                    (TornadisReply **) elements->pdata, n);
}

gboolean
replies_are_equal (TornadisReply *reply,
                   TornadisReply *other)
{
  gsize n = tornadis_reply_get_n_elements (reply);
  gsize length, other_length;
  const guint8 *data = tornadis_reply_get_data (reply, &length);
  const guint8 *other_data = tornadis_reply_get_data (other, &other_length);

  if (tornadis_reply_get_kind (reply) != tornadis_reply_get_kind (other) || tornadis_reply_get_n_elements (other) != n ||
      length != other_length || (data != NULL && memcmp (data, other_data, length) != 0) ||
      (n == 0 && tornadis_reply_get_integer (reply) != tornadis_reply_get_integer (other)))
    return FALSE;

  for (gsize i = 0; i < n; i++)
    {
      if (!replies_are_equal (tornadis_reply_get_element (reply, i), tornadis_reply_get_element (other, i)))
        return FALSE;
    }

  return TRUE;
}

TornadisReply *
mutate_reply (TornadisReply *reply,
              int rarity,
              MakeReplyFunc make_odd)
{
  gsize n = tornadis_reply_get_n_elements (reply);
  g_autoptr (GPtrArray) elements = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_reply_unref);

  if (g_test_rand_int_range (0, rarity) == 0)
    return make_odd ();
  if (n == 0)
    return tornadis_reply_ref (reply);

  for (gsize i = 0; i < n; i++)
    g_ptr_array_add (elements, mutate_reply (tornadis_reply_get_element (reply, i), rarity, make_odd));
  return tornadis_reply_new_nested (tornadis_reply_get_kind (reply), (TornadisReply **) elements->pdata, n);
}
