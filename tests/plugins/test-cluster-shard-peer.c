/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nodes that say of shard channels what real ones do not say at will. */

#include "plugins/cluster-peers.h"

#include <string.h>

#include "integration/util.h"
#include "plugins/cluster-util.h"

#define CONFIRMED(name) ">3\r\n$10\r\nssubscribe\r\n$1\r\n" name "\r\n:1\r\n"
#define ENDED(name) ">3\r\n$12\r\nsunsubscribe\r\n$1\r\n" name "\r\n:0\r\n"
#define MESSAGE(name, text) ">3\r\n$8\r\nsmessage\r\n$1\r\n" name "\r\n$1\r\n" text "\r\n"

typedef struct
{
  Nodes nodes;
  TornadisPubSubClient *listener;
  guint n_added;
  guint n_removed;
  guint n_gaps;
} Ears;

static void
count_added_cb (TornadisPubSubClient *listener,
                const char *name,
                guint count,
                guint *n)
{
  (*n)++;
}

static void
count_gap_cb (TornadisPubSubClient *listener,
              guint *n)
{
  (*n)++;
}

static void
ears_set_up (Ears *self,
             gconstpointer options)
{
  g_autofree char *uri = NULL;
  g_autoptr (GError) error = NULL;

  nodes_set_up (&self->nodes, options);
  uri = g_strdup_printf ("redis-cluster://127.0.0.1:%u?%s", port_of (self->nodes.peers[0]), (const char *) options);
  self->listener = tornadis_pub_sub_client_new_for_uri (uri, &error);
  g_assert_no_error (error);
  g_signal_connect (self->listener, "subscription-added", G_CALLBACK (count_added_cb), &self->n_added);
  g_signal_connect (self->listener, "subscription-removed", G_CALLBACK (count_added_cb), &self->n_removed);
  g_signal_connect (self->listener, "gap", G_CALLBACK (count_gap_cb), &self->n_gaps);
}

static void
ears_tear_down (Ears *self,
                gconstpointer options)
{
  tornadis_client_close (TORNADIS_CLIENT (self->listener));
  g_clear_object (&self->listener);
  nodes_tear_down (&self->nodes, options);
}

static gboolean
subscribe (Ears *self,
           const char *name,
           GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_pub_sub_client_ssubscribe_async (self->listener, (const char *[]){ name, NULL }, NULL, store_result, &result);

  return tornadis_pub_sub_client_ssubscribe_finish (self->listener, wait_for_result (&result), error);
}

/* What passes is tried again. */
static void
test_passing (Ears *self,
              gconstpointer data)
{
  static const char *const texts[] = {
    "-CLUSTERDOWN Hash slot not served\r\n",
    "-LOADING Redis is loading the dataset in memory\r\n",
    "-TRYAGAIN\r\n",
    "-MOVED 7629 127.0.0.1:1\r\n",
    "-MASTERDOWN Link with MASTER is down\r\n",
    /* It ends within the same breath. */
    CONFIRMED (FIRST_KEY) ENDED (FIRST_KEY),
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GAsyncResult) ended = NULL;

      answer_once (self->nodes.peers[0], "SSUBSCRIBE", texts[i], CONFIRMED (FIRST_KEY));
      answer (self->nodes.peers[0], "SUNSUBSCRIBE", "%s", ENDED (FIRST_KEY));
      g_assert_true (subscribe (self, FIRST_KEY, &error));
      g_assert_no_error (error);
      wait_until (count_received (self->nodes.peers[0], "SSUBSCRIBE") == 2 * (i + 1));
      tornadis_pub_sub_client_sunsubscribe_async (self->listener, NULL, NULL, store_result, &ended);
      g_assert_true (tornadis_pub_sub_client_sunsubscribe_finish (self->listener, wait_for_result (&ended), &error));
      g_assert_no_error (error);
      g_assert_cmpuint (self->n_added, ==, i + 1);
      g_assert_cmpuint (self->n_removed, ==, i + 1);
    }
}

/* Each says that the other has it: a call ends, and nodes are not asked without end; what was there before is kept until one
 * takes it. */
static void
test_loop (Ears *self,
           gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisMessage) message = NULL;
  guint n;

  answer (self->nodes.peers[0], "SSUBSCRIBE", CONFIRMED (FIRST_KEY));
  g_assert_true (subscribe (self, FIRST_KEY, &error));
  g_assert_no_error (error);

  /* The one that is there ends with the next call for its node. */
  for (guint i = 0; i < N_PEERS; i++)
    {
      g_autofree char *moved = g_strdup_printf ("-MOVED {slot} 127.0.0.1:%u\r\n", port_of (self->nodes.peers[1 - i]));
      g_autofree char *first = g_strconcat (i == 0 ? ENDED (FIRST_KEY) : "", moved, NULL);

      answer_once (self->nodes.peers[i], "SSUBSCRIBE", first, moved);
    }
  g_assert_false (subscribe (self, "{" FIRST_KEY "}", &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_assert_nonnull (strstr (error->message, "No node"));
  n = count_received (self->nodes.peers[0], "SSUBSCRIBE") + count_received (self->nodes.peers[1], "SSUBSCRIBE");
  g_assert_cmpuint (n, >=, 2);
  g_assert_cmpuint (n, <, 40);
  g_assert_cmpuint (self->n_removed, ==, 0);
  g_assert_cmpuint (self->n_gaps, ==, 0);

  for (guint i = 0; i < N_PEERS; i++)
    answer (self->nodes.peers[i], "SSUBSCRIBE", CONFIRMED (FIRST_KEY) MESSAGE (FIRST_KEY, "x"));
  wait_until (self->n_gaps == 1);
  message = pop_message (self->listener);
  g_assert_cmpstr (tornadis_message_get_text (message), ==, "x");
  g_assert_cmpuint (self->n_added, ==, 1);
  g_assert_cmpuint (self->n_removed, ==, 0);
}

/* What has been lost of one channel is said before its next message, though another one is not there yet. */
static void
test_gap_first (Ears *self,
                gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisMessage) message = NULL;

  answer (self->nodes.peers[0], "SSUBSCRIBE", CONFIRMED (FIRST_KEY));
  answer (self->nodes.peers[1], "SSUBSCRIBE", CONFIRMED (SECOND_KEY));
  g_assert_true (subscribe (self, FIRST_KEY, &error));
  g_assert_true (subscribe (self, SECOND_KEY, &error));
  g_assert_no_error (error);

  /* The first comes back with a message, the second is not answered: it ends with the next call for its node. */
  answer (self->nodes.peers[1], "SSUBSCRIBE", "%s", ENDED (SECOND_KEY));
  tornadis_pub_sub_client_ssubscribe_async (self->listener, (const char *[]){ "{" SECOND_KEY "}", NULL }, NULL, NULL, NULL);
  wait_until (count_received (self->nodes.peers[1], "SSUBSCRIBE") == 3);
  g_assert_cmpuint (self->n_gaps, ==, 0);
  answer_once (self->nodes.peers[0], "SSUBSCRIBE", ENDED (FIRST_KEY) "-ERR\r\n", CONFIRMED (FIRST_KEY) MESSAGE (FIRST_KEY, "x"));
  g_assert_false (subscribe (self, "{" FIRST_KEY "}", NULL));
  message = pop_message (self->listener);
  g_assert_cmpstr (tornadis_message_get_text (message), ==, "x");
  g_assert_cmpuint (self->n_gaps, ==, 1);
}

/* The slot is nobody's. */
static void
test_unserved (Ears *self,
               gconstpointer data)
{
  g_autofree char *half = make_shard (0, SECOND_SLOT - 1, port_of (self->nodes.peers[0]));
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_PEERS; i++)
    answer (self->nodes.peers[i], "CLUSTER SHARDS", "*1\r\n%s", half);
  g_assert_false (subscribe (self, SECOND_KEY, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_assert_cmpuint (count_received (self->nodes.peers[0], "SSUBSCRIBE"), ==, 0);
}

/* The call timeout counts over all. */
static void
test_timeout (Ears *self,
              gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_object_set (self->listener, "call-timeout-msec", 50, NULL);
  answer (self->nodes.peers[0], "SSUBSCRIBE", "-CLUSTERDOWN The cluster is down\r\n");
  g_object_set (get_cluster_plugin (TORNADIS_CLIENT (self->listener)), "failover-timeout-msec", 600000, NULL);
  g_assert_false (subscribe (self, FIRST_KEY, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
}

/* As many calls wait as may. */
static void
test_busy (Ears *self,
           gconstpointer data)
{
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (self->listener, "max-pending", 2, NULL);
  answer (self->nodes.peers[0], "SSUBSCRIBE", "-CLUSTERDOWN The cluster is down\r\n");
  tornadis_pub_sub_client_ssubscribe_async (self->listener, (const char *[]){ FIRST_KEY, NULL }, NULL, store_result, &first);
  tornadis_pub_sub_client_ssubscribe_async (self->listener, (const char *[]){ FIRST_KEY, NULL }, NULL, store_result, &second);
  g_assert_false (subscribe (self, FIRST_KEY, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);
  g_clear_error (&error);
  answer (self->nodes.peers[0], "SSUBSCRIBE", CONFIRMED (FIRST_KEY));
  g_assert_true (tornadis_pub_sub_client_ssubscribe_finish (self->listener, wait_for_result (&first), &error));
  g_assert_true (tornadis_pub_sub_client_ssubscribe_finish (self->listener, wait_for_result (&second), &error));
  g_assert_no_error (error);
}

/* A call that nobody takes ends with what the last node has said. */
static void
test_words (Ears *self,
            gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  answer (self->nodes.peers[0], "SSUBSCRIBE", "-CLUSTERDOWN Hash slot not served\r\n");
  g_assert_false (subscribe (self, FIRST_KEY, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_assert_nonnull (strstr (error->message, "CLUSTERDOWN Hash slot not served"));
}

/* A client that has subscriptions already has them at another server. */
static void
test_late (Ears *self,
           gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) server = make_peer ("handshake3\nserve\n");
  g_autoptr (TornadisPubSubClient) listener = tornadis_pub_sub_client_new ("127.0.0.1", (guint16) port_of (server));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  answer (server, "SSUBSCRIBE", CONFIRMED (FIRST_KEY));
  tornadis_pub_sub_client_ssubscribe_async (listener, (const char *[]){ FIRST_KEY, NULL }, NULL, store_result, &result);
  g_assert_true (tornadis_pub_sub_client_ssubscribe_finish (listener, wait_for_result (&result), &error));
  g_assert_no_error (error);
  g_assert_false (tornadis_client_add_plugin (TORNADIS_CLIENT (listener), get_cluster_plugin (self->nodes.client), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  tornadis_client_close (TORNADIS_CLIENT (listener));
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, options, test) g_test_add (path, Ears, options, ears_set_up, test, ears_tear_down)
  ADD ("/cluster-shard-peer/passing", "failover-timeout-msec=60000", test_passing);
  ADD ("/cluster-shard-peer/loop", "failover-timeout-msec=100", test_loop);
  ADD ("/cluster-shard-peer/gap-first", "failover-timeout-msec=60000", test_gap_first);
  ADD ("/cluster-shard-peer/busy", "failover-timeout-msec=60000", test_busy);
  ADD ("/cluster-shard-peer/words", "failover-timeout-msec=100", test_words);
  ADD ("/cluster-shard-peer/late", "failover-timeout-msec=100", test_late);
  ADD ("/cluster-shard-peer/unserved", "failover-timeout-msec=100", test_unserved);
  ADD ("/cluster-shard-peer/timeout", "failover-timeout-msec=100", test_timeout);
#undef ADD

  return g_test_run ();
}
