/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nodes that say of where keys are, or of what they cannot do now, what real ones do not say at will. */

#include "plugins/cluster-peers.h"

#include <string.h>

#include "integration/util.h"
#include "plugins/cluster-util.h"

/* Each says that the other has it, or itself, without end; the servers are not asked without end. */
static void
test_loop (Nodes *self,
           gconstpointer data)
{
  for (guint to_itself = 0; to_itself < 2; to_itself++)
    for (guint asks = 0; asks < 2; asks++)
      {
        guint before = count_received (self->peers[0], "GET") + count_received (self->peers[1], "GET");
        guint n;

        for (guint i = 0; i < N_PEERS; i++)
          answer (self->peers[i], "GET", "-%s {slot} 127.0.0.1:%u\r\n", asks ? "ASK" : "MOVED",
                  port_of (self->peers[to_itself ? i : 1 - i]));
        assert_refused (self->client, "GET " FIRST_KEY, TORNADIS_ERROR_PROTOCOL, "without end");
        n = count_received (self->peers[0], "GET") + count_received (self->peers[1], "GET") - before;
        g_assert_cmpuint (n, >, 5);
        g_assert_cmpuint (n, <, 20);
        if (asks)
          g_assert_cmpuint (count_received (self->peers[0], "ASKING") + count_received (self->peers[1], "ASKING"), >=, n - 1);
      }
  assert_call (self->client, "PONG", "PING", NULL);
}

/* When the call timeout is over the caller is not told where it should have gone: who reads a stream takes that for the end. */
static void
test_loop_timeout (Nodes *self,
                   gconstpointer data)
{
  g_object_set (self->client, "call-timeout-msec", 20, NULL);
  for (guint asks = 0; asks < 2; asks++)
    {
      for (guint i = 0; i < N_PEERS; i++)
        answer (self->peers[i], "GET", "-%s {slot} 127.0.0.1:%u\r\n", asks ? "ASK" : "MOVED", port_of (self->peers[1 - i]));
      for (guint i = 0; i < 5; i++)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (TornadisReply) reply = call (self->client, &error, "GET", FIRST_KEY, NULL);

          g_assert_null (reply);
          g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
        }
    }
}

/* A node says for a moment that another has it, as two do that are not of one mind yet. */
static void
test_moved (Nodes *self,
            gconstpointer data)
{
  static const char *const hosts[] = { "127.0.0.1", "", "?" };

  assert_both (self);
  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autofree char *moved = g_strdup_printf ("-MOVED {slot} %s:%u\r\n", hosts[i], port_of (self->peers[1]));
      g_autofree char *back = g_strdup_printf ("-MOVED {slot} %s:%u\r\n", hosts[i], port_of (self->peers[0]));
      g_autofree char *text = g_strdup_printf ("$1\r\n%zu\r\n", i);
      g_autofree char *expected = g_strdup_printf ("\"%zu\"", i);

      tornadis_harness_peer_set_answers (self->peers[0], "GET", (const char *[]){ moved, text, NULL });
      tornadis_harness_peer_set_answers (self->peers[1], "GET", (const char *[]){ back, back, NULL });
      assert_call (self->client, expected, "GET", FIRST_KEY, NULL);
    }
}

/* One that is not in the topology: it is believed, and looked at. */
static void
test_moved_elsewhere (Nodes *self,
                      gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) third = make_peer ("answer GET \"$5\\r\\nthird\\r\\n\"\nhandshake3\nserve\n");
  g_autofree char *shard = make_shard (0, 16383, port_of (third));
  guint n;

  assert_both (self);
  answer (third, "CLUSTER SHARDS", "*1\r\n%s", shard);
  answer (self->peers[0], "GET", "-MOVED {slot} 127.0.0.1:%u\r\n", port_of (third));
  assert_call (self->client, "\"third\"", "GET", FIRST_KEY, NULL);
  wait_until (count_received (third, "CLUSTER") >= 2);
  do
    {
      g_autofree char *text G_GNUC_UNUSED = call_text (self->client, "GET", SECOND_KEY, NULL);
    }
  while (count_received (third, "GET") == 1);
  n = count_received (self->peers[1], "GET");
  assert_call (self->client, "\"third\"", "GET", SECOND_KEY, NULL);
  g_assert_cmpuint (count_received (self->peers[1], "GET"), ==, n);
}

/* ASK is for this once, behind ASKING. */
static void
test_ask (Nodes *self,
          gconstpointer data)
{
  g_autofree char *ask = g_strdup_printf ("-ASK {slot} 127.0.0.1:%u\r\n", port_of (self->peers[1]));
  g_autofree char *received = NULL;

  assert_both (self);
  answer_once (self->peers[0], "GET", ask, "$4\r\nhere\r\n");
  answer (self->peers[1], "GET", "$5\r\nthere\r\n");
  assert_call (self->client, "\"there\"", "GET", FIRST_KEY, NULL);
  assert_call (self->client, "\"here\"", "GET", FIRST_KEY, NULL);
  received = tornadis_harness_peer_get_received (self->peers[1]);
  g_assert_nonnull (strstr (received, "ASKING\nGET " FIRST_KEY "\n"));
  g_assert_cmpuint (count_received (self->peers[1], "ASKING"), ==, 1);
}

/* An error of several lines, as RESP3 has them, from the node to which one of a pipeline was redirected. */
static void
test_lines (Nodes *self,
            gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "GET " FIRST_KEY, "PING");
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;

  assert_both (self);
  answer (self->peers[0], "GET", "-MOVED {slot} 127.0.0.1:%u\r\n", port_of (self->peers[1]));
  answer (self->peers[1], "GET", "!12\r\nERR one\r\ntwo\r\n");
  answer (self->peers[0], "PING", "+PONG\r\n");
  answer (self->peers[1], "PING", "+PONG\r\n");
  replies = call_pipeline (self->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (tornadis_reply_is_error (tornadis_reply_get_element (replies, 0)));
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (replies, 0)), ==, "ERR one  two");
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (replies, 1)), ==, "PONG");
}

/* What is cut off, or nonsense, is the server's word and no redirection. */
static void
test_nonsense (Nodes *self,
               gconstpointer data)
{
  static const char *const texts[] = {
    "-MO\r\n",
    "-MOVED\r\n",
    "-MOVED 1\r\n",
    "-MOVED x 127.0.0.1:1\r\n",
    "-MOVED 16384 127.0.0.1:1\r\n",
    "-MOVED 1 127.0.0.1:0\r\n",
    "-MOVED 1 127.0.0.1:99999\r\n",
    "-ASK 1 a b:1\r\n",
    "-ASK 1 \r\n",
    "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n",
    "-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n",
  };

  assert_both (self);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      guint n = count_received (self->peers[0], "GET");
      g_autofree char *words = g_strndup (texts[i] + 1, strlen (texts[i]) - 3);

      answer (self->peers[0], "GET", "%s", texts[i]);
      assert_refused (self->client, "GET " FIRST_KEY, TORNADIS_ERROR_REPLY, words);
      g_assert_cmpuint (count_received (self->peers[0], "GET"), ==, n + 1);
    }
}

/* The connection ends in the middle of a redirection: it may have run, and is not done again. */
static void
test_truncated (Nodes *self,
                gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("handshake3\nserve GET\nexpect GET\nsend \"-MO\"\nclose\n---\nhandshake3\nserve\n");
  g_autofree char *shard = make_shard (0, 16383, port_of (peer));

  answer (self->peers[0], "CLUSTER SHARDS", "*1\r\n%s", shard);
  answer (peer, "CLUSTER SHARDS", "*1\r\n%s", shard);
  assert_refused (self->client, "GET " FIRST_KEY, TORNADIS_ERROR_LOST, "");
  g_assert_cmpuint (count_received (peer, "GET"), ==, 1);
  assert_call (self->client, "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
}

/* What passes is waited for; what does not pass ends with the server's words. */
static void
test_passing (Nodes *self,
              gconstpointer data)
{
  static const char *const texts[] = {
    "CLUSTERDOWN The cluster is down",
    "CLUSTERDOWN Hash slot not served",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "LOADING Redis is loading the dataset in memory",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  };

  assert_both (self);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *text = g_strdup_printf ("-%s\r\n", texts[i]);
      g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "GET " FIRST_KEY, "GET " SECOND_KEY);
      g_autoptr (TornadisReply) replies = NULL;
      g_autoptr (GError) error = NULL;
      guint n = count_received (self->peers[0], "GET");

      tornadis_harness_peer_set_answers (self->peers[0], "GET", (const char *[]){ text, text, "$1\r\nv\r\n", NULL });
      g_object_set (get_cluster_plugin (self->client), "failover-timeout-msec", 60000, NULL);
      assert_call (self->client, "\"v\"", "GET", FIRST_KEY, NULL);
      g_assert_cmpuint (count_received (self->peers[0], "GET"), ==, n + 3);

      answer (self->peers[0], "GET", "%s", text);
      g_object_set (get_cluster_plugin (self->client), "failover-timeout-msec", 50, NULL);
      assert_refused (self->client, "GET " FIRST_KEY, TORNADIS_ERROR_REPLY, texts[i]);
      /* In a pipeline it is in its place. */
      replies = call_pipeline (self->client, pipeline, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (replies, 0)), ==, texts[i]);
      g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (replies, 1)), ==, "value-of-" SECOND_KEY);
    }
}

/* It was thought to be a master: the connection is given up, and where to is asked again. */
static void
test_read_only (Nodes *self,
                gconstpointer data)
{
  guint n;

  assert_both (self);
  n = tornadis_harness_peer_get_n_connections (self->peers[0]);
  answer_once (self->peers[0], "GET", "-READONLY You can't write against a read only replica.\r\n", "$1\r\nv\r\n");
  g_object_set (get_cluster_plugin (self->client), "failover-timeout-msec", 60000, NULL);
  assert_call (self->client, "\"v\"", "GET", FIRST_KEY, NULL);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (self->peers[0]), >, n);
}

/* The transaction was not run, since a command was not queued; where its slot is now, it is. */
static void
test_atomic (Nodes *self,
             gconstpointer data)
{
  g_autofree char *moved = g_strdup_printf ("-MOVED {slot} 127.0.0.1:%u\r\n", port_of (self->peers[1]));
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (TRUE, "GET " FIRST_KEY, "SET " FIRST_KEY " v");
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  assert_both (self);
  for (guint i = 0; i < N_PEERS; i++)
    {
      answer (self->peers[i], "MULTI", "+OK\r\n");
      answer (self->peers[i], "GET", "%s", i == 0 ? moved : "+QUEUED\r\n");
      answer (self->peers[i], "SET", "%s", i == 0 ? moved : "+QUEUED\r\n");
      answer (self->peers[i], "EXEC", "%s", i == 0 ? "-EXECABORT Transaction discarded because of previous errors.\r\n" : "*2\r\n_\r\n+OK\r\n");
    }
  replies = call_pipeline (self->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  text = tornadis_reply_to_string (replies);
  g_assert_cmpstr (text, ==, "1) (nil)\n2) OK");
}

/* However many calls are redirected, the cluster is not asked as often. */
static void
test_storm (Nodes *self,
            gconstpointer data)
{
  g_autofree char *moved = g_strdup_printf ("-MOVED {slot} 127.0.0.1:%u\r\n", port_of (self->peers[0]));
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GError) error = NULL;
  guint64 refreshes;

  assert_both (self);
  answer (self->peers[1], "GET", "%s", moved);
  for (guint i = 0; i < 500; i++)
    {
      g_autofree char *key = g_strdup_printf ("key:%u", i);

      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", key, NULL });
    }
  replies = call_pipeline (self->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 500; i++)
    {
      g_autofree char *value = g_strdup_printf ("value-of-key:%u", i);

      g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (replies, i)), ==, value);
    }
  g_assert_cmpuint (get_redirects (self->client), >, 100);
  g_object_get (get_cluster_plugin (self->client), "refreshes", &refreshes, NULL);
  g_assert_cmpuint (refreshes, <, 20);
}

#define ADD_WITH(path, options, function) g_test_add (path, Nodes, options, nodes_set_up, function, nodes_tear_down)
#define ADD(path, function) ADD_WITH (path, NULL, function)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/cluster-follow/loop", test_loop);
  ADD ("/cluster-follow/loop-timeout", test_loop_timeout);
  ADD ("/cluster-follow/moved", test_moved);
  ADD ("/cluster-follow/moved-elsewhere", test_moved_elsewhere);
  ADD ("/cluster-follow/ask", test_ask);
  ADD ("/cluster-follow/lines", test_lines);
  ADD ("/cluster-follow/nonsense", test_nonsense);
  ADD ("/cluster-follow/truncated", test_truncated);
  ADD ("/cluster-follow/passing", test_passing);
  ADD ("/cluster-follow/read-only", test_read_only);
  ADD ("/cluster-follow/atomic", test_atomic);
  ADD ("/cluster-follow/storm", test_storm);

  return g_test_run ();
}
