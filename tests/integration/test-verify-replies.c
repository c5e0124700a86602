/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The check that replies belong to their calls. */

#include <string.h>

#include "integration/util.h"

/* What the peer reads is the command's name. */
#define GETS "expect GET\nexpect GET\nexpect GET\n"

static void
get_async (TornadisClient *client,
           GAsyncResult **result)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("GET");

  tornadis_command_append_string (command, "key");
  tornadis_client_call_async (client, command, NULL, store_result, result);
}

static void
assert_got (TornadisClient *client,
            GAsyncResult **result,
            const char *expected)
{
  g_autoptr (GAsyncResult) done = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  done = g_object_ref (wait_for_result (result));
  reply = tornadis_client_call_finish (client, done, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, expected);
  g_clear_object (result);
}

static void
assert_out_of_step (TornadisClient *client,
                    GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (tornadis_client_call_finish (client, wait_for_result (result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (error->message, "GET"));
  g_assert_null (strstr (error->message, "key"));
  g_clear_object (result);
}

static void
test_right (Fixture *fixture,
            gconstpointer data)
{
  for (TornadisProtocol protocol = TORNADIS_PROTOCOL_RESP2; protocol <= TORNADIS_PROTOCOL_RESP3; protocol++)
    {
      GAsyncResult *results[30] = { NULL };
      g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "GET key", "ECHO me", "GET key");
      g_autoptr (TornadisPipeline) transaction = PIPELINE (TRUE, "GET key", "ECHO me", "GET key");
      g_autoptr (TornadisReply) replies = NULL;
      g_autoptr (TornadisReply) of_transaction = NULL;

      tornadis_client_close (fixture->client);
      g_object_set (fixture->client, "protocol", protocol, "verify-replies", 0, NULL);
      assert_call (fixture->client, "OK", "SET", "key", "value", NULL);
      assert_call (fixture->client, "OK", "CONFIG", "RESETSTAT", NULL);
      g_object_set (fixture->client, "verify-replies", 3, NULL);

      for (guint i = 0; i < G_N_ELEMENTS (results); i++)
        get_async (fixture->client, &results[i]);
      for (guint i = 0; i < G_N_ELEMENTS (results); i++)
        assert_got (fixture->client, &results[i], "value");

      replies = call_pipeline (fixture->client, pipeline, NULL, NULL);
      g_assert_cmpuint (tornadis_reply_get_n_elements (replies), ==, 3);
      of_transaction = call_pipeline (fixture->client, transaction, NULL, NULL);
      g_assert_cmpuint (tornadis_reply_get_n_elements (of_transaction), ==, 3);

      /* Those of the program are two. */
      wait_until (count_calls (fixture->redis, "echo") == 10 + 2 + 2);
      g_object_set (fixture->client, "verify-replies", 0, NULL);
      assert_call (fixture->client, "\"value\"", "GET", "key", NULL);
      g_assert_cmpuint (count_calls (fixture->redis, "echo"), ==, 10 + 2 + 2);
    }
}

/* It would be among what EXEC returns. */
static void
test_transaction (Fixture *fixture,
                  gconstpointer data)
{
  g_object_set (fixture->client, "verify-replies", 1, NULL);
  assert_call (fixture->client, "OK", "CONFIG", "RESETSTAT", NULL);
  assert_call (fixture->client, "OK", "MULTI", NULL);
  assert_call (fixture->client, "QUEUED", "SET", "key", "value", NULL);
  assert_call (fixture->client, "QUEUED", "GET", "key", NULL);
  assert_call (fixture->client, "1) OK\n2) \"value\"", "EXEC", NULL);
  wait_until (count_calls (fixture->redis, "echo") == 2);
}

static void
test_forbidden (Fixture *fixture,
                gconstpointer data)
{
  assert_call (fixture->client, "OK", "ACL", "SETUSER", "mute", "on", "nopass", "~*", "+@all", "-echo", NULL);
  tornadis_client_close (fixture->client);
  g_object_set (fixture->client, "username", "mute", "password", "any", "verify-replies", 1, NULL);
  for (guint i = 0; i < 5; i++)
    assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_true (tornadis_client_is_connected (fixture->client));
}

/* Subscribed in RESP2 a client may not echo; in RESP3 it may. */
static void
test_subscribed (Fixture *fixture,
                 gconstpointer data)
{
  for (TornadisProtocol protocol = TORNADIS_PROTOCOL_RESP2; protocol <= TORNADIS_PROTOCOL_RESP3; protocol++)
    {
      g_autoptr (TornadisPubSubClient) listener = tornadis_pub_sub_client_new_like (fixture->client, NULL);
      g_autoptr (TornadisMessage) message = NULL;
      g_autoptr (GAsyncResult) result = NULL;

      g_object_set (listener, "protocol", protocol, "verify-replies", 1, NULL);
      tornadis_pub_sub_client_subscribe_async (listener, (const char *const[]){ "news", NULL }, NULL, store_result, &result);
      g_assert_true (tornadis_pub_sub_client_subscribe_finish (listener, wait_for_result (&result), NULL));
      assert_call (fixture->client, "(integer) 1", "PUBLISH", "news", "now", NULL);
      message = pop_message (listener);
      g_assert_true (tornadis_client_is_connected (TORNADIS_CLIENT (listener)));
    }
}

/* One reply too many: nobody has a wrong one any more once that is noticed, and the next connection is right. */
static void
test_out_of_step (gconstpointer data)
{
  g_autofree char *script = g_strconcat (
    "handshake\n" GETS, data, "expect GET\nwait\ndrain\n---\n"
    "handshake\nexpect GET\nsend \"$5\\r\\nright\\r\\n\"\nexpect GET\nsend \"$5\\r\\nagain\\r\\n\"\ndrain\n", NULL);
  g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
  g_autoptr (TornadisClient) client = make_client (peer);
  GAsyncResult *results[5] = { NULL };

  g_object_set (client, "verify-replies", 3, NULL);
  g_assert_true (connect_and_wait (client, NULL));
  for (guint i = 0; i < 4; i++)
    get_async (client, &results[i]);
  assert_got (client, &results[0], "a");
  assert_got (client, &results[1], "forged");
  assert_got (client, &results[2], "b");
  assert_out_of_step (client, &results[3]);

  get_async (client, &results[4]);
  assert_got (client, &results[4], "right");
  get_async (client, &results[4]);
  assert_got (client, &results[4], "again");
}

int
main (int argc, char **argv)
{
#define ADD(path, test) g_test_add (path, Fixture, NULL, fixture_set_up, test, fixture_tear_down)

  g_test_init (&argc, &argv, NULL);

  ADD ("/verify-replies/right", test_right);
  ADD ("/verify-replies/transaction", test_transaction);
  ADD ("/verify-replies/forbidden", test_forbidden);
  ADD ("/verify-replies/subscribed", test_subscribed);
  g_test_add_data_func ("/verify-replies/value", "expect ECHO\nsend \"+a\\r\\n+forged\\r\\n+b\\r\\n+c\\r\\n$3\\r\\ntag\\r\\n\"\n",
                        test_out_of_step);
  g_test_add_data_func ("/verify-replies/other-tag", "expect ECHO\nsend \"+a\\r\\n+forged\\r\\n+b\\r\\n$33\\r\\n0123456789abcdef.0000000000000000\\r\\n\"\n",
                        test_out_of_step);
  g_test_add_data_func ("/verify-replies/error", "expect ECHO\nsend \"+a\\r\\n+forged\\r\\n+b\\r\\n-ERR no such thing\\r\\n\"\n",
                        test_out_of_step);
  g_test_add_data_func ("/verify-replies/list", "expect ECHO\nsend \"+a\\r\\n+forged\\r\\n+b\\r\\n*1\\r\\n+x\\r\\n\"\n", test_out_of_step);

#undef ADD

  return g_test_run ();
}
