/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "tornadis-glib/values/tornadis-message-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"

static TornadisReply *
new_string (const char *data,
            gsize length)
{
  TornadisReply *reply = tornadis_reply_alloc (TORNADIS_REPLY_KIND_STRING, length);

  if (length > 0)
    memcpy (reply->data, data, length);

  return reply;
}

/* As the server pushes it. */
static TornadisMessage *
make_from_replies (TornadisReply *channel,
                   TornadisReply *pattern,
                   TornadisReply *payload)
{
  TornadisReply *kind = tornadis_reply_alloc (TORNADIS_REPLY_KIND_STRING, 0);
  TornadisReply **elements = g_new (TornadisReply *, 4);
  gsize n = 0;

  elements[n++] = kind;
  if (pattern != NULL)
    elements[n++] = tornadis_reply_ref (pattern);
  elements[n++] = tornadis_reply_ref (channel);
  elements[n++] = tornadis_reply_ref (payload);
  return tornadis_message_new (tornadis_reply_new_array (TORNADIS_REPLY_KIND_PUSH, elements, n),
                               pattern != NULL ? TORNADIS_SUBSCRIPTION_KIND_PATTERN : TORNADIS_SUBSCRIPTION_KIND_CHANNEL, NULL);
}

static TornadisMessage *
new_message (const char *channel,
             gsize channel_length,
             const char *payload,
             gsize payload_length)
{
  g_autoptr (TornadisReply) channel_reply = new_string (channel, channel_length);
  g_autoptr (TornadisReply) payload_reply = new_string (payload, payload_length);

  return make_from_replies (channel_reply, NULL, payload_reply);
}

static void
assert_bytes (GBytes *bytes,
              const char *data,
              gsize length)
{
  gsize n;
  const void *p = g_bytes_get_data (bytes, &n);

  g_assert_cmpmem (p, n, data, length);
  g_bytes_unref (bytes);
}

static void
test_text (void)
{
  g_autoptr (TornadisMessage) message = new_message ("news", 4, "caf\303\251", 5);

  g_assert_cmpstr (tornadis_message_get_channel (message), ==, "news");
  g_assert_null (tornadis_message_get_pattern (message));
  g_assert_cmpstr (tornadis_message_get_text (message), ==, "caf\303\251");
  assert_bytes (tornadis_message_get_channel_bytes (message), "news", 4);
  assert_bytes (tornadis_message_get_payload (message), "caf\303\251", 5);
}

static void
test_pattern (void)
{
  g_autoptr (TornadisReply) channel = new_string ("news.art", 8);
  g_autoptr (TornadisReply) pattern = new_string ("news.*", 6);
  g_autoptr (TornadisReply) payload = new_string ("x", 1);
  g_autoptr (TornadisMessage) message = make_from_replies (channel, pattern, payload);

  g_assert_cmpstr (tornadis_message_get_channel (message), ==, "news.art");
  g_assert_cmpstr (tornadis_message_get_pattern (message), ==, "news.*");
  g_assert_cmpstr (tornadis_message_get_text (message), ==, "x");
}

static void
test_binary_names (void)
{
  static const struct
  {
    const char *name;
    gsize length;
    const char *text;
  } cases[] = {
    { "", 0, "" },
    { "\377", 1, "\357\277\275" },
    { "a\377b", 3, "a\357\277\275b" },
    { "a\0b", 3, "a\357\277\275b" },
    { "ab\303", 3, "ab\357\277\275" },
    { "\355\240\200", 3, "\357\277\275\357\277\275\357\277\275" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TornadisReply) name = new_string (cases[i].name, cases[i].length);
      g_autoptr (TornadisReply) payload = new_string ("x", 1);
      g_autoptr (TornadisMessage) message = make_from_replies (name, name, payload);

      g_assert_cmpstr (tornadis_message_get_channel (message), ==, cases[i].text);
      g_assert_cmpstr (tornadis_message_get_pattern (message), ==, cases[i].text);
      assert_bytes (tornadis_message_get_channel_bytes (message), cases[i].name, cases[i].length);
    }
}

static void
test_payload_that_is_no_text (void)
{
  static const struct
  {
    const char *payload;
    gsize length;
  } cases[] = {
    { "\377", 1 },
    { "a\0b", 3 },
    { "\0", 1 },
    { "abc\303", 4 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TornadisMessage) message = new_message ("c", 1, cases[i].payload, cases[i].length);

      g_assert_null (tornadis_message_get_text (message));
      assert_bytes (tornadis_message_get_payload (message), cases[i].payload, cases[i].length);
    }
}

static void
test_empty_payload (void)
{
  g_autoptr (TornadisMessage) message = new_message ("c", 1, "", 0);

  g_assert_cmpstr (tornadis_message_get_text (message), ==, "");
  assert_bytes (tornadis_message_get_payload (message), "", 0);
}

static void
test_zero_copy (void)
{
  static const gsize lengths[] = { 0, 7, 256, 257, 100000 };

  g_test_summary ("The payload is the message's own memory, a long one the reply's, and outlives both");

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (TornadisReply) channel = new_string ("c", 1);
      g_autofree char *expected = g_strnfill (lengths[i], 'x');
      TornadisReply *payload = new_string (expected, lengths[i]);
      TornadisMessage *message = make_from_replies (channel, NULL, payload);
      const char *data = lengths[i] > 256 ? payload->data : tornadis_message_get_text (message);
      g_autoptr (TornadisReply) reply = NULL;
      g_autoptr (GBytes) bytes = NULL;

      tornadis_reply_unref (payload);
      g_assert_true (tornadis_message_get_text (message) == data);

      bytes = tornadis_message_get_payload (message);
      g_assert_true (g_bytes_get_data (bytes, NULL) == data);
      reply = tornadis_reply_ref (tornadis_message_get_reply (message));
      g_assert_true (tornadis_reply_get_text (reply) == data);

      tornadis_message_unref (message);
      g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), expected, lengths[i]);
      g_assert_cmpint (tornadis_reply_get_kind (reply), ==, TORNADIS_REPLY_KIND_STRING);
      g_clear_pointer (&bytes, g_bytes_unref);
      g_assert_cmpstr (tornadis_reply_get_text (reply), ==, expected);
    }
}

/* What a message came with may be an element of another reply, in a tree that is freed as a whole. */
static void
test_nested_payload (void)
{
  for (guint i = 0; i < 2; i++)
    {
      TornadisMessage *message = new_message ("c", 1, "x", 1);
      TornadisReply *inner[] = { tornadis_message_get_reply (message), tornadis_message_get_reply (message) };
      g_autoptr (TornadisReply) array = tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, inner, 2);
      g_autoptr (TornadisReply) outer = tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, &array, 1);

      if (i == 0)
        tornadis_message_unref (message);
      g_clear_pointer (&array, tornadis_reply_unref);
      g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (tornadis_reply_get_element (outer, 0), 1)), ==, "x");
      g_clear_pointer (&outer, tornadis_reply_unref);
      if (i == 1)
        {
          g_assert_cmpstr (tornadis_message_get_text (message), ==, "x");
          g_assert_cmpstr (tornadis_message_get_channel (message), ==, "c");
          tornadis_message_unref (message);
        }
    }
}

static TornadisReply *
make_push (const char *channel,
           const char *pattern)
{
  TornadisReply **elements = g_new (TornadisReply *, 4);
  gsize n = 0;

  elements[n++] = new_string ("message", 7);
  if (pattern != NULL)
    elements[n++] = new_string (pattern, strlen (pattern));
  elements[n++] = new_string (channel, strlen (channel));
  elements[n++] = new_string ("x", 1);
  return tornadis_reply_new_array (TORNADIS_REPLY_KIND_PUSH, elements, n);
}

static void
test_names (void)
{
  TornadisMessageNamesCache cache = { NULL };
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_message_unref);
  g_autofree char *long_name = g_strnfill (300, 'n');

  g_test_summary ("Messages of a channel have its names in common, and keep them without the cache");

  for (guint i = 0; i < 3000; i++)
    {
      g_autofree char *channel = i % 7 == 0 ? g_strdup (long_name) : g_strdup_printf ("%u%s", i % 1000, i % 3 == 0 ? "\xff" : "");
      g_autofree char *pattern = i % 2 == 0 ? g_strdup_printf ("%u*", i % 5) : NULL;
      g_autofree char *text = g_utf8_make_valid (channel, -1);
      TornadisSubscriptionKind kind = i % 2 == 0 ? TORNADIS_SUBSCRIPTION_KIND_PATTERN
                                      : i % 5 == 0 ? TORNADIS_SUBSCRIPTION_KIND_SHARD
                                                   : TORNADIS_SUBSCRIPTION_KIND_CHANNEL;
      TornadisMessage *message = tornadis_message_new (make_push (channel, pattern), kind, &cache);

      g_assert_cmpint (tornadis_message_is_shard (message), ==, kind == TORNADIS_SUBSCRIPTION_KIND_SHARD);
      g_assert_cmpstr (tornadis_message_get_channel (message), ==, text);
      g_assert_cmpstr (tornadis_message_get_pattern (message), ==, pattern);
      g_ptr_array_add (messages, message);
      g_ptr_array_add (messages, tornadis_message_new (make_push (channel, pattern), kind, &cache));
      g_assert_true ((message->names == ((TornadisMessage *) g_ptr_array_index (messages, 2 * i + 1))->names) ==
                     (strlen (channel) <= 256));
    }

  tornadis_message_names_cache_clear (&cache);
  for (guint i = 0; i < 3000; i++)
    {
      g_autofree char *channel = i % 7 == 0 ? g_strdup (long_name) : g_strdup_printf ("%u%s", i % 1000, i % 3 == 0 ? "\357\277\275" : "");

      g_assert_cmpstr (tornadis_message_get_channel (g_ptr_array_index (messages, 2 * i)), ==, channel);
    }
}

static void
test_other_kinds (void)
{
  for (int kind = TORNADIS_REPLY_KIND_NIL; kind <= TORNADIS_REPLY_KIND_PUSH; kind++)
    {
      g_autoptr (TornadisReply) odd = NULL;
      g_autoptr (TornadisMessage) message = NULL;
      gboolean has_bytes, has_keys;

      if (tornadis_reply_kind_is_aggregate (kind))
        {
          TornadisReply **elements = g_new (TornadisReply *, 2);

          elements[0] = new_string ("key", 3);
          elements[1] = new_string ("other", 5);
          odd = tornadis_reply_new_array (kind, elements, 2);
        }
      else
        {
          odd = tornadis_reply_alloc (kind, 0);
        }

      has_bytes = tornadis_reply_get_data (odd, NULL) != NULL;
      has_keys = kind == TORNADIS_REPLY_KIND_NIL || kind == TORNADIS_REPLY_KIND_ARRAY;
      message = make_from_replies (odd, odd, odd);
      g_assert_cmpstr (tornadis_message_get_channel (message), ==, "");
      g_assert_cmpstr (tornadis_message_get_pattern (message), ==, "");
      assert_bytes (tornadis_message_get_channel_bytes (message), "", 0);
      if (has_keys)
        {
          g_assert_null (tornadis_message_get_text (message));
          g_assert_null (tornadis_message_get_payload (message));
          g_assert_true (tornadis_message_get_reply (message) == odd);
        }
      else
        {
          g_assert_cmpstr (tornadis_message_get_text (message), ==, "");
          assert_bytes (tornadis_message_get_payload (message), "", 0);
        }

      /* what cannot be shown is not kept either, or it would hold memory that the size does not tell */
      g_assert_true (g_atomic_ref_count_compare (&odd->ref_count, has_bytes ? 3 : has_keys ? 2 : 1));
    }
}

static void
test_keys (void)
{
  static const char resp[] = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*2\r\n$3\r\nk\xff\0\r\n$6\r\nlonger\r\n";
  static const char nested[] = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n*1\r\n*1\r\n$1\r\nx\r\n";
  g_autoptr (GBytes) bytes = g_bytes_new_static (resp, sizeof resp - 1);
  g_autoptr (GBytes) nested_bytes = g_bytes_new_static (nested, sizeof nested - 1);
  g_autoptr (TornadisMessage) message =
    tornadis_message_new (tornadis_reply_new_from_resp (bytes, NULL), TORNADIS_SUBSCRIPTION_KIND_CHANNEL, NULL);
  g_autoptr (TornadisMessage) odd =
    tornadis_message_new (tornadis_reply_new_from_resp (nested_bytes, NULL), TORNADIS_SUBSCRIPTION_KIND_CHANNEL, NULL);
  g_autoptr (TornadisMessage) empty = new_message ("__redis__:invalidate", 20, "", 0);
  TornadisReply *keys = tornadis_message_get_reply (message);

  g_assert_null (tornadis_message_get_payload (message));
  g_assert_null (tornadis_message_get_text (message));
  g_assert_cmpuint (tornadis_reply_get_n_elements (keys), ==, 2);
  assert_bytes (tornadis_reply_get_bytes (tornadis_reply_get_element (keys, 0)), "k\xff\0", 3);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (keys, 1)), ==, "longer");
  g_assert_cmpuint (tornadis_message_get_size (message), >, tornadis_message_get_size (empty) + 3 + 6);

  assert_bytes (tornadis_message_get_payload (odd), "", 0);
  g_assert_cmpint (tornadis_reply_get_kind (tornadis_message_get_reply (odd)), ==, TORNADIS_REPLY_KIND_STRING);
}

static void
test_size (void)
{
  g_autoptr (TornadisMessage) empty = new_message ("", 0, "", 0);
  g_autoptr (TornadisMessage) full = new_message ("channel", 7, "payload--", 9);
  g_autoptr (TornadisReply) string = new_string ("12345", 5);
  g_autoptr (TornadisMessage) with_pattern = make_from_replies (string, string, string);
  g_autoptr (TornadisMessage) without = make_from_replies (string, NULL, string);

  /* Structs of pointers and words. */
  g_assert_cmpuint (tornadis_message_get_size (empty), >=, 8 * sizeof (gpointer));
  g_assert_cmpuint (tornadis_message_get_size (empty), <=, 256);
  g_assert_cmpuint (tornadis_message_get_size (full), ==, tornadis_message_get_size (empty) + 16);
  g_assert_cmpuint (tornadis_message_get_size (with_pattern), >=, tornadis_message_get_size (without) + 5);
}

static void
test_boxed (void)
{
  g_autoptr (TornadisMessage) message = new_message ("c", 1, "x", 1);
  g_auto (GValue) value = G_VALUE_INIT;
  TornadisMessage *copy;

  g_value_init (&value, TORNADIS_TYPE_MESSAGE);
  g_value_set_boxed (&value, message);
  g_assert_true (g_value_get_boxed (&value) == message);

  copy = tornadis_message_ref (message);
  g_assert_true (copy == message);
  tornadis_message_unref (copy);
  g_assert_cmpstr (tornadis_message_get_channel (g_value_get_boxed (&value)), ==, "c");
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/message/text", test_text);
  g_test_add_func ("/message/pattern", test_pattern);
  g_test_add_func ("/message/binary-names", test_binary_names);
  g_test_add_func ("/message/payload-that-is-no-text", test_payload_that_is_no_text);
  g_test_add_func ("/message/empty-payload", test_empty_payload);
  g_test_add_func ("/message/zero-copy", test_zero_copy);
  g_test_add_func ("/message/nested-payload", test_nested_payload);
  g_test_add_func ("/message/names", test_names);
  g_test_add_func ("/message/other-kinds", test_other_kinds);
  g_test_add_func ("/message/fault-08-keys", test_keys);
  g_test_add_func ("/message/size", test_size);
  g_test_add_func ("/message/boxed", test_boxed);

  return g_test_run ();
}
