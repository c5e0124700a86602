/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* There is no memory for what a server sends, or for what is made of it: the call fails, the connection ends, and the next one is
 * as good as ever. */

#include "integration/util.h"

#include <string.h>

#include "integration/memory-limit.h"
#include "introspection/bridge/tornadis-bridge-carrier.h"
#include "introspection/bridge/tornadis-bridge-values.h"
#include "tornadis-glib/values/tornadis-reply-pack-private.h"
#include "unit/reader-feed.h"

/* A reply that takes more than MEMORY_LIMIT at once, as it comes from the peer. */
typedef struct
{
  const char *name;
  const char *steps;
  gboolean packed;
  gsize limit; /* 0: MEMORY_LIMIT */
  gsize mapped_limit;
} Case;

#define LARGE "33554432\\r\\n"
#define REPEAT "send-repeat 1048576 \"0123456789abcdef0123456789abcdef\""
#define DIGITS "send-repeat 1048576 \"01234567890123456789012345678901\""

static const Case cases[] = {
  { "string", "send \"$" LARGE "\"\n" REPEAT },
  { "bulk-error", "send \"!" LARGE "\"\n" REPEAT },
  { "verbatim", "send \"=" LARGE "txt:\"\n" REPEAT },
  { "status", "send \"+\"\n" REPEAT },
  { "error", "send \"-ERR \"\n" REPEAT },
  { "big-number", "send \"(\"\n" DIGITS },
  { "in-array", "send \"*3\\r\\n:1\\r\\n$" LARGE "\"\n" REPEAT },
  { "in-map", "send \"%1\\r\\n+key\\r\\n$" LARGE "\"\n" REPEAT },
  { "in-push", "send \">2\\r\\n+key\\r\\n$" LARGE "\"\n" REPEAT },
  { "array", "send \"*2500000\\r\\n\"\nsend-repeat 2500000 \":1\\r\\n\"" },
  { "set-in-array", "send \"*2\\r\\n:1\\r\\n~2500000\\r\\n\"\nsend-repeat 2500000 \"#t\\r\\n\"" },
  { "map", "send \"%1250000\\r\\n\"\nsend-repeat 2500000 \"_\\r\\n\"" },
  { "attribute", "send \"|1250000\\r\\n\"\nsend-repeat 2500000 \":1\\r\\n\"" },
  { "pack-then-values", "send \"*2500000\\r\\n\"\nsend-repeat 2499999 \"$1\\r\\nx\\r\\n\"\nsend \":1\\r\\n\"", TRUE },
#ifndef MEMORY_LIMIT_IS_FIXED
  { "pack-begin", "send \"*400000\\r\\n\"\nsend-repeat 400000 \"$8\\r\\n01234567\\r\\n\"", TRUE, 300000, G_MAXSIZE },
  { "pack-segment", "send \"*400000\\r\\n\"\nsend-repeat 400000 \"$8\\r\\n01234567\\r\\n\"", TRUE, G_MAXSIZE, 300000 },
#endif
};

static void
outcome_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  GError **outcome = user_data;

  g_assert_null (*outcome);
  g_assert_null (reply);
  *outcome = g_error_copy (error);
}

static void
test_reply (gconstpointer data)
{
  const Case *test = data;
  g_autofree char *script =
    g_strdup_printf ("handshake\nexpect GET\nexpect GET\n%s\nsleep 1000\n---\nhandshake\necho-server\n", test->steps);
  g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "GET", "k", NULL });
  TornadisClient *client = make_client (peer);
  g_autoptr (GError) first = NULL;
  g_autoptr (GError) second = NULL;
  g_autoptr (GError) error = NULL;
  TornadisClientState state;

  tornadis_reply_pack_enable (test->packed ? 's' : 0);
  g_assert_true (connect_and_wait (client, &error));
  tornadis_client_submit (client, command, outcome_cb, &first, NULL);
  tornadis_client_submit (client, command, outcome_cb, &second, NULL);

  memory_limit_set (test->limit > 0 ? test->limit : MEMORY_LIMIT, test->mapped_limit > 0 ? test->mapped_limit : MEMORY_LIMIT);
  while (first == NULL || second == NULL)
    g_main_context_iteration (NULL, TRUE);
  memory_limit_clear ();

  g_assert_error (first, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (first->message, "There is no memory for "));
  g_assert_error (second, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_object_get (client, "state", &state, NULL);
  g_assert_cmpint (state, ==, TORNADIS_CLIENT_STATE_DISCONNECTED);

  assert_call (client, "\"value-of-z\"", "GET", "z", NULL);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 2);
  assert_finalized (client);
  tornadis_reply_pack_enable (0);
}

static void
test_from_resp (void)
{
  const char *head = "$6291456\r\n";
  const gsize length = 6291456;
  g_autoptr (GByteArray) resp = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

#ifdef MEMORY_LIMIT_IS_FIXED
  g_test_skip ("the bytes themselves would be too many");
  return;
#endif

  g_byte_array_append (resp, (const guint8 *) head, (guint) strlen (head));
  g_byte_array_set_size (resp, (guint) (strlen (head) + length));
  memset (resp->data + strlen (head), 'x', length);
  g_byte_array_append (resp, (const guint8 *) "\r\n", 2);
  bytes = g_byte_array_free_to_bytes (g_steal_pointer (&resp));

  memory_limit_set (length / 2, G_MAXSIZE);
  reply = tornadis_reply_new_from_resp (bytes, &error);
  memory_limit_clear ();
  g_assert_null (reply);
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);

  reply = tornadis_reply_new_from_resp (bytes, NULL);
  g_assert_cmpuint (reply->length, ==, length);
}

#ifndef MEMORY_LIMIT_IS_FIXED

/* What was read already has to be moved into an array of its own, or stays where it is. */
static void
test_last_element (gconstpointer data)
{
  const char *begin = data;
  gboolean is_first = strchr (begin, ':') == NULL;
  g_autoptr (TornadisReader) reader = tornadis_reader_new (65536, 512 * 1024 * 1024);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  reader_feed (reader, begin, strlen (begin));
  for (guint i = 1; i < 1000000; i++)
    {
      reader_feed (reader, ":1\r\n", 4);
      if (i % 1000 == 0)
        g_assert_null (tornadis_reader_next (reader, NULL));
    }
  g_assert_null (tornadis_reader_next (reader, NULL));

  memory_limit_set (1024 * 1024, G_MAXSIZE);
  reader_feed (reader, ":1\r\n:2\r\n", 8);
  reply = tornadis_reader_next (reader, &error);
  memory_limit_clear ();

  g_assert_cmpint (reply != NULL, ==, is_first);
  if (is_first)
    g_assert_cmpuint (tornadis_reply_get_n_elements (tornadis_reply_get_element (reply, 0)), ==, 1000000);
  else
    g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
}

/* A command of many arguments is written as it is, without a copy. */
static void
test_write (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "RPUSH", "list", NULL });
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GBytes) value = g_bytes_new_take (g_malloc0 (10000000), 10000000);
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  g_assert_true (connect_and_wait (fixture->client, &error));
  for (guint i = 0; i < 600000; i++)
    {
      tornadis_command_append_string (command, "element");
      if (i == 300000)
        tornadis_command_append_bytes (command, value);
    }
  tornadis_pipeline_stack_command (pipeline, command);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "STRLEN", "nothing", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "LINDEX", "list", "-1", NULL });

  memory_limit_set (1024 * 1024, G_MAXSIZE);
  reply = call_pipeline (fixture->client, pipeline, NULL, &error);
  memory_limit_clear ();
  g_assert_no_error (error);
  text = tornadis_reply_to_string (reply);
  g_assert_cmpstr (text, ==, "1) (integer) 600001\n2) (integer) 0\n3) \"element\"");
}

#endif

static void
count_cb (gpointer client,
          guint *count)
{
  (*count)++;
}

static void
disconnected_cb (gpointer client,
                 const GError *error,
                 GError **problem)
{
  g_assert_null (*problem);
  *problem = g_error_copy (error);
}

/* A message that is too large ends the connection; the subscription is restored, and the gap is told. */
static void
test_message (Fixture *fixture,
              gconstpointer data)
{
  TornadisPubSubClient *client =
    tornadis_pub_sub_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) problem = NULL;
  guint n_gaps = 0;

  g_signal_connect (client, "gap", G_CALLBACK (count_cb), &n_gaps);
  g_signal_connect (client, "disconnected", G_CALLBACK (disconnected_cb), &problem);
  tornadis_pub_sub_client_subscribe_async (client, (const char *[]){ "news", NULL }, NULL, store_result, &result);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (client, wait_for_result (&result), &error));
  g_clear_object (&result);

  memory_limit_set (MEMORY_LIMIT, G_MAXSIZE);
  assert_call (fixture->client, "(integer) 1", "EVAL", "return redis.call ('PUBLISH', 'news', string.rep ('x', 10485760))", "0",
               NULL);
  wait_until (n_gaps == 1);
  memory_limit_clear ();
  g_assert_error (problem, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);

  assert_call (fixture->client, "(integer) 1", "PUBLISH", "news", "small", NULL);
  message = pop_message (client);
  g_assert_cmpstr (tornadis_message_get_text (message), ==, "small");
  assert_finalized (client);
}

/* Languages. */

/* In Lua: what makes long lists of text, of what has to be escaped, of bytes, of errors and of numbers. */
static const char *const scripts[] = {
  "local t = {} for i = 1, 150 do t[i] = string.rep ('x', 100000) end return t",
  "local t = {} for i = 1, 150 do t[i] = string.rep ('\\n', 60000) end return t",
  "local t = {} for i = 1, 150 do t[i] = string.rep ('\\255', 60000) end return t",
  "local t = {} for i = 1, 150 do t[i] = {err = string.rep ('x', 100000)} end return t",
  "local t = {} for i = 1, 150 do t[i] = {} for j = 1, 7000 do t[i][j] = 1234567890123 end end return t",
};

static void
told_text_cb (GObject *owner,
              const char *text,
              gboolean *taken,
              gpointer user_data)
{
  char **told = user_data;

  *taken = TRUE;
  g_assert_null (*told);
  *told = g_strdup (text);
}

static void
told_data_cb (GObject *owner,
              const guint8 *data,
              gsize length,
              gpointer user_data)
{
  GBytes **told = user_data;

  g_assert_null (*told);
  *told = g_bytes_new (data, length);
}

/* It is kept until what has come is told. */
static void
assert_carrier_finalized (TornadisBridgeCarrier *carrier)
{
  wait_until (G_OBJECT (carrier)->ref_count == 1);
  assert_finalized (carrier);
}

/* What cannot be encoded has to be asked for, as what is too long for its language has. */
static void
check_encoding (TornadisClient *client,
                const char *script)
{
  static const char kept[] = "{i\xff\xff\xff\xff(\1\0\0\0F0";
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "EVAL", script, "0", NULL });
  g_autofree char *text = NULL;
  g_autoptr (GBytes) bytes = NULL;
  TornadisBridgeCarrier *carrier;
  g_autoptr (TornadisReply) reply = NULL;
  gsize length;

  memory_limit_set (MEMORY_LIMIT, G_MAXSIZE);

  carrier = tornadis_bridge_carrier_new_text (G_OBJECT (client), told_text_cb, &text, NULL);
  g_assert_true (tornadis_bridge_carrier_submit_command (carrier, command, NULL, NULL));
  while (text == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (text, ==, "[-1,{\"kept\":true}]");
  reply = tornadis_bridge_carrier_take_reply (carrier, 0);
  g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, 150);
  assert_carrier_finalized (carrier);

  g_assert_null (tornadis_bridge_dup_text (reply));
  g_assert_null (tornadis_bridge_dup_data (reply, FALSE, &length));
  g_clear_pointer (&reply, tornadis_reply_unref);

  carrier = tornadis_bridge_carrier_new_data (G_OBJECT (client), told_data_cb, &bytes, NULL);
  g_assert_true (tornadis_bridge_carrier_submit_command (carrier, command, NULL, NULL));
  while (bytes == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), kept, sizeof kept - 1);
  assert_carrier_finalized (carrier);
  tornadis_reply_pack_enable (0);

  memory_limit_clear ();
}

static void
test_encoding (Fixture *fixture,
               gconstpointer data)
{
  g_assert_true (connect_and_wait (fixture->client, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (scripts); i++)
    check_encoding (fixture->client, scripts[i]);
  assert_call (fixture->client, "PONG", "PING", NULL);
}

static void
test_nothing (void)
{
  g_test_skip ("memory cannot be limited here");
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  if (!memory_limit_works ())
    {
      g_test_add_func ("/memory/skipped", test_nothing);
      return g_test_run ();
    }

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/memory/reply/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_reply);
    }
  g_test_add_func ("/memory/reply/from-resp", test_from_resp);
#ifndef MEMORY_LIMIT_IS_FIXED
  g_test_add_data_func ("/memory/reply/last-of-first", "*2\r\n*1000000\r\n", test_last_element);
  g_test_add_data_func ("/memory/reply/last-of-second", "*3\r\n:1\r\n*1000000\r\n", test_last_element);
  g_test_add ("/memory/write", Fixture, NULL, fixture_set_up, test_write, fixture_tear_down);
#endif
  g_test_add ("/memory/message", Fixture, NULL, fixture_set_up, test_message, fixture_tear_down);
  g_test_add ("/memory/encoding", Fixture, NULL, fixture_set_up, test_encoding, fixture_tear_down);

  return g_test_run ();
}
