/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "introspection/bridge/tornadis-bridge-format.h"
#include "tests/fuzzing/fuzz-formats.h"
#include "tests/fuzzing/fuzz.h"
#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/values/tornadis-message-private.h"
#include "tornadis-glib/wire/tornadis-reader.h"

/* The messages of one input, as they go over to each of the languages. */
typedef struct
{
  const TornadisBridgeFormat *format;
  TornadisBridgeBatch batch;
} Bridge;

static Bridge bridges[2];

/* Text, and the bytes that it stands for. */
static void
check_name (const char *text,
            const char *data,
            gsize length)
{
  g_assert_true (g_utf8_validate (text, -1, NULL));
  if (tornadis_reply_data_is_text (data, length))
    g_assert_cmpmem (text, strlen (text), data, length);
}

static void
check_message (TornadisMessage *message)
{
  g_autoptr (GBytes) channel = tornadis_message_get_channel_bytes (message);
  g_autoptr (GBytes) payload = tornadis_message_get_payload (message);
  const char *text = tornadis_message_get_text (message);
  TornadisReply *reply = tornadis_message_get_reply (message);
  gsize length;
  const char *data = tornadis_message_peek_channel (message, &length);

  g_assert_cmpmem (data, length, g_bytes_get_data (channel, NULL), g_bytes_get_size (channel));
  check_name (tornadis_message_get_channel (message), data, length);
  data = tornadis_message_peek_pattern (message, &length);
  g_assert_cmpint (data != NULL, ==, tornadis_message_get_pattern (message) != NULL);
  if (data != NULL)
    check_name (tornadis_message_get_pattern (message), data, length);
  g_assert_false (data != NULL && tornadis_message_is_shard (message));

  data = tornadis_message_peek_payload (message, &length);
  g_assert_cmpint (data != NULL, ==, payload != NULL);
  g_assert_true (text == NULL || strlen (text) == length);
  g_assert_cmpint (text != NULL, ==, data != NULL && g_utf8_validate_len (data, length, NULL));
  g_assert_cmpuint (tornadis_message_get_size (message), >=, data != NULL ? length : 0);
  g_free (tornadis_reply_to_string (reply));
}

static void
bridge_add (Bridge *self,
            TornadisMessage *message)
{
  TornadisBridgeBatch *batch = &self->batch;
  gsize begin;

  if (batch->n_messages == TORNADIS_BRIDGE_MAX_MESSAGES)
    return;

  self->format->append_route (batch, message);
  batch->indices[batch->n_messages] = (guint8) batch->n_routes++;
  self->format->append_payload (batch, message);
  begin = batch->n_messages > 0 ? batch->ends[batch->n_messages - 1] : 0;
  batch->ends[batch->n_messages++] = batch->payloads->len;
  if (self->format == &tornadis_bridge_json)
    fuzz_check_json_payload (tornadis_message_get_reply (message), batch->payloads->str + begin + (begin > 0),
                             batch->payloads->len - begin - (begin > 0));
  else
    fuzz_check_marshal_payload (tornadis_message_get_reply (message), batch->payloads->str + begin,
                                batch->payloads->len - begin);
}

/* In two parts. */
static void
bridge_join (Bridge *self)
{
  TornadisBridgeBatch *batch = &self->batch;

  while (batch->n_told < batch->n_messages)
    {
      guint n = MAX (1, (batch->n_messages - batch->n_told) / 2);
      g_autoptr (GString) out = self->format->join (batch, n);

      batch->n_told += n;
      if (self->format == &tornadis_bridge_json)
        g_assert_true (g_utf8_validate_len (out->str, out->len, NULL) && g_str_has_suffix (out->str, "]}"));
      else
        g_assert_cmpint (out->str[0], ==, '(');
    }
}

static void
message_cb (TornadisPubSubClient *client,
            TornadisMessage *message,
            guint *n_messages)
{
  (*n_messages)++;
  check_message (message);
  for (guint i = 0; i < G_N_ELEMENTS (bridges); i++)
    bridge_add (&bridges[i], message);
}

/* The bytes are what a server sends to a client that is subscribed, of its own accord. */
int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize size)
{
  static TornadisClient *client;
  static guint n_messages;
  g_autoptr (TornadisReader) reader = tornadis_reader_new (MAX (size, 1), 1024 * 1024);
  TornadisReply *reply;
  gsize room;
  guint8 *place = tornadis_reader_reserve (reader, &room);

  if (client == NULL)
    {
      client = TORNADIS_CLIENT (tornadis_pub_sub_client_new ("127.0.0.1", 1));
      g_signal_connect (client, "message", G_CALLBACK (message_cb), &n_messages);
      bridges[0].format = &tornadis_bridge_json;
      bridges[1].format = &tornadis_bridge_marshal;
    }
  for (guint i = 0; i < G_N_ELEMENTS (bridges); i++)
    bridges[i].batch = (TornadisBridgeBatch){ .routes = g_string_new (NULL), .payloads = g_string_new (NULL) };

  memcpy (place, data, size);
  tornadis_reader_commit (reader, size);
  while ((reply = tornadis_reader_next (reader, NULL)) != NULL)
    {
      guint before = n_messages;

      /* As the link asks, which takes arrays for pushes in RESP2. */
      if (reply->kind != TORNADIS_REPLY_KIND_PUSH && reply->kind != TORNADIS_REPLY_KIND_ARRAY)
        tornadis_reply_unref (reply);
      else if (!tornadis_client_get_hooks (client)->push (client, reply))
        {
          g_assert_cmpuint (n_messages, ==, before);
          tornadis_reply_unref (reply);
        }
      g_assert_cmpuint (n_messages, <=, before + 1);
    }

  for (guint i = 0; i < G_N_ELEMENTS (bridges); i++)
    {
      bridge_join (&bridges[i]);
      g_string_free (bridges[i].batch.routes, TRUE);
      g_string_free (bridges[i].batch.payloads, TRUE);
    }

  return 0;
}
