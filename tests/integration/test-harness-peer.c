/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The peer as a node of a cluster that does what real ones do not do at will. */

#include "integration/util.h"

#include <string.h>

/* The error of a call, as a server says it. */
static void
assert_refused (TornadisClient *client,
                const char *message,
                const char *name,
                const char *key)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = call (client, &error, name, key, NULL);

  g_assert_null (reply);
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, message));
}

/* One text after the other, the last for good; a subcommand goes before its command; the rest as ever. */
static void
test_answers (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("answer INCR \":1\\r\\n\" \":2\\r\\n\"\n"
                                                    "answer CLUSTER SHARDS \"*0\\r\\n\"\n"
                                                    "answer CLUSTER \"-ERR other\\r\\n\"\n"
                                                    "handshake3\n"
                                                    "serve\n");
  g_autoptr (TornadisClient) client = make_client (peer);

  assert_call (client, "(integer) 1", "INCR", "k", NULL);
  assert_call (client, "(integer) 2", "incr", "k", NULL);
  assert_call (client, "(integer) 2", "INCR", "k", NULL);
  assert_call (client, "(empty array)", "CLUSTER", "SHARDS", NULL);
  assert_refused (client, "ERR other", "CLUSTER", "SLOTS");
  assert_call (client, "\"value-of-k\"", "GET", "k", NULL);
  assert_call (client, "OK", "ASKING", NULL);
  assert_refused (client, "unknown command", "FOO", "k");
}

static void
test_slot (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("answer GET \"-MOVED {slot} :{port}\\r\\n\"\n"
                                                    "answer PING \"+{slot}\\r\\n\"\n"
                                                    "handshake3\n"
                                                    "serve\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  /* As CLUSTER KEYSLOT says. */
  static const struct
  {
    const char *key;
    guint slot;
  } keys[] = { { "k", 7629 }, { "a{k}b", 7629 }, { "{k}{x}", 7629 }, { "123456789", 12739 }, { "", 0 }, { "{}k", 2865 }, { "{k", 2414 } };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autofree char *moved = g_strdup_printf ("MOVED %u :%u", keys[i].slot, tornadis_harness_peer_get_port (peer));

      assert_refused (client, moved, "GET", keys[i].key);
    }
  assert_call (client, "{slot}", "PING", NULL);
}

/* Each of two says that the other has what is asked for, though neither knew the other's port at first. */
static void
test_loop (void)
{
  g_autoptr (TornadisHarnessPeer) here = make_peer ("handshake3\nserve\n");
  g_autofree char *to_here =
    g_strdup_printf ("answer GET \"-MOVED {slot} 127.0.0.1:%u\\r\\n\"\nhandshake3\nserve\n", tornadis_harness_peer_get_port (here));
  g_autoptr (TornadisHarnessPeer) there = make_peer (to_here);
  g_autofree char *address = g_strdup_printf (" 127.0.0.1:%u", tornadis_harness_peer_get_port (there));
  g_autofree char *to_there = g_strconcat ("-MOVED {slot}", address, "\r\n", NULL);
  const char *const loop[] = { to_there, NULL };
  const char *const end[] = { "$1\r\nv\r\n", NULL };
  g_autoptr (TornadisClient) client = make_client (here);

  assert_call (client, "\"value-of-k\"", "GET", "k", NULL);
  tornadis_harness_peer_set_answers (here, "get", loop);
  for (guint i = 0; i < 3; i++)
    assert_refused (client, address, "GET", "k");
  tornadis_harness_peer_set_answers (here, "GET", end);
  assert_call (client, "\"v\"", "GET", "k", NULL);
}

/* All else is answered until the command comes that ends in the middle of its reply. */
static void
test_truncated (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake3\n"
                                                    "serve GET\n"
                                                    "expect GET\n"
                                                    "send \"-MO\"\n"
                                                    "close\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autofree char *received = NULL;
  g_autofree char *failure = tornadis_harness_peer_get_failure (peer);

  assert_call (client, "OK", "READONLY", NULL);
  assert_call (client, "OK", "SET", "k", "v", NULL);
  reply = call (client, &error, "GET", "k", NULL);
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  received = tornadis_harness_peer_get_received (peer);
  g_assert_true (g_str_has_suffix (received, "READONLY\nSET k v\nGET k\n"));
  g_assert_null (failure);
}

/* No answer to one command; the next one's comes in its place. */
static void
test_no_answer (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("answer GET \"\" \"$1\\r\\na\\r\\n$1\\r\\nb\\r\\n\"\n"
                                                    "handshake3\n"
                                                    "serve\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "GET x", "GET y");
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = call_pipeline (client, pipeline, NULL, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = tornadis_reply_to_string (reply);
  g_assert_cmpstr (text, ==, "1) \"a\"\n2) \"b\"");
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/harness-peer/answers", test_answers);
  g_test_add_func ("/harness-peer/slot", test_slot);
  g_test_add_func ("/harness-peer/loop", test_loop);
  g_test_add_func ("/harness-peer/truncated", test_truncated);
  g_test_add_func ("/harness-peer/no-answer", test_no_answer);

  return g_test_run ();
}
