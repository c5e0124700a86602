/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nodes that say of their cluster, or of themselves, what real ones do not say at will, or nothing at all. */

#include "plugins/cluster-peers.h"

#include <string.h>

#include "integration/hook-plugin.h"
#include "integration/util.h"
#include "matrix/fake-resolver.h"
#include "plugins/cluster-util.h"

static void
test_halves (Nodes *self,
             gconstpointer data)
{
  assert_both (self);
  for (guint i = 0; i < N_PEERS; i++)
    {
      g_autofree char *received = tornadis_harness_peer_get_received (self->peers[i]);

      g_assert_cmpuint (count_received (self->peers[i], "GET"), ==, 1);
      g_assert_nonnull (strstr (received, i == 0 ? "GET " FIRST_KEY : "GET " SECOND_KEY));
    }
}

/* Redis 6. */
static void
test_slots (Nodes *self,
            gconstpointer data)
{
  answer (self->peers[0], "CLUSTER SHARDS",
          "-ERR Unknown subcommand or wrong number of arguments for 'SHARDS'. Try CLUSTER HELP.\r\n");
  answer (self->peers[0], "CLUSTER SLOTS",
          "*2\r\n*3\r\n:0\r\n:%d\r\n*2\r\n$0\r\n\r\n:%u\r\n*3\r\n:%d\r\n:16383\r\n*3\r\n$1\r\n?\r\n:%u\r\n$2\r\nid\r\n",
          SECOND_SLOT - 1, port_of (self->peers[0]), SECOND_SLOT, port_of (self->peers[1]));
  assert_both (self);
}

/* What cannot be is an error, of which another seed does not know, and which does not replace what is known. */
static void
test_malformed (Nodes *self,
                gconstpointer data)
{
  static const char *const texts[] = {
    "+OK\r\n",
    ":1\r\n",
    "_\r\n",
    "*0\r\n",
    "%0\r\n",
    "*1\r\n*0\r\n",
    "*1\r\n+x\r\n",
    "*1\r\n*4\r\n+slots\r\n*1\r\n:0\r\n+nodes\r\n*0\r\n",
    "*1\r\n*4\r\n+slots\r\n*2\r\n:0\r\n:16384\r\n+nodes\r\n*0\r\n",
    "*1\r\n*4\r\n+slots\r\n*2\r\n:-1\r\n:5\r\n+nodes\r\n*0\r\n",
    "*1\r\n*4\r\n+slots\r\n*2\r\n:7\r\n:5\r\n+nodes\r\n*0\r\n",
    "*1\r\n*4\r\n+slots\r\n*4\r\n:0\r\n:5\r\n:5\r\n:9\r\n+nodes\r\n*0\r\n",
    "*1\r\n*4\r\n+slots\r\n*2\r\n:0\r\n:16383\r\n+nodes\r\n*1\r\n*8\r\n+endpoint\r\n+127.0.0.1\r\n+port\r\n:0\r\n+role\r\n"
    "+master\r\n+health\r\n+online\r\n",
    "*1\r\n*4\r\n+slots\r\n*2\r\n:0\r\n:16383\r\n+nodes\r\n*1\r\n*8\r\n+endpoint\r\n+a b\r\n+port\r\n:1\r\n+role\r\n"
    "+master\r\n+health\r\n+online\r\n",
  };
  g_autofree char *hosts = g_strdup_printf ("127.0.0.1:%u,127.0.0.1:%u", port_of (self->peers[0]), port_of (self->peers[1]));
  guint n;

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *alone = g_strdup_printf ("127.0.0.1:%u", port_of (self->peers[0]));
      g_autoptr (TornadisClient) lonely = make_client_of (alone, "");
      g_autoptr (TornadisClient) client = make_client_of (hosts, "");
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply = NULL;

      answer (self->peers[0], "CLUSTER SHARDS", "%s", texts[i]);
      reply = call (lonely, &error, "GET", FIRST_KEY, NULL);
      if (reply != NULL)
        g_error ("%s is a cluster", texts[i]);
      if (!g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL) &&
          !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT))
        g_error ("%s: %s", texts[i], error->message);
      assert_call (client, "\"value-of-" SECOND_KEY "\"", "GET", SECOND_KEY, NULL);
    }

  {
    g_autofree char *shards = make_shards (self);

    answer (self->peers[0], "CLUSTER SHARDS", "%s", shards);
    assert_both (self);
    for (guint i = 0; i < N_PEERS; i++)
      answer (self->peers[i], "CLUSTER SHARDS", "%s", texts[3]);
    n = count_received (self->peers[0], "CLUSTER") + count_received (self->peers[1], "CLUSTER");
    answer_once (self->peers[0], "GET", "-CLUSTERDOWN The cluster is down\r\n", "$1\r\nv\r\n");
    assert_call (self->client, "\"v\"", "GET", FIRST_KEY, NULL);
    wait_until (count_received (self->peers[0], "CLUSTER") + count_received (self->peers[1], "CLUSTER") >= n + 2);
    assert_call (self->client, "\"v\"", "GET", FIRST_KEY, NULL);
    assert_call (self->client, "\"value-of-" SECOND_KEY "\"", "GET", SECOND_KEY, NULL);
  }
}

/* Nobody has the slot, and then somebody. */
static void
test_not_served (Nodes *self,
                 gconstpointer data)
{
  g_autofree char *half = make_shard (0, SECOND_SLOT - 1, port_of (self->peers[0]));
  g_autofree char *shards = make_shards (self);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "GET", SECOND_KEY, NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  answer (self->peers[0], "CLUSTER SHARDS", "*1\r\n%s", half);
  assert_call (self->client, "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
  assert_refused (self->client, "GET " SECOND_KEY, TORNADIS_ERROR_CONNECT, "no node of the cluster has slot");

  g_object_set (get_cluster_plugin (self->client), "failover-timeout-msec", 60000, NULL);
  tornadis_client_call_async (self->client, command, NULL, store_result, &result);
  answer (self->peers[0], "CLUSTER SHARDS", "%s", shards);
  reply = tornadis_client_call_finish (self->client, wait_for_result (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "value-of-" SECOND_KEY);
}

/* Two masters in one shard, as after a failover: the one that is up has the slots. */
static void
test_two_masters (Nodes *self,
                  gconstpointer data)
{
  for (guint up = 0; up < 2; up++)
    {
      g_autofree char *first = make_node (port_of (self->peers[0]), "master", up == 0 ? "online" : "fail");
      g_autofree char *second = make_node (port_of (self->peers[1]), "master", up == 1 ? "online" : "fail");
      g_autofree char *hosts = g_strdup_printf ("127.0.0.1:%u", port_of (self->peers[0]));
      g_autoptr (TornadisClient) client = make_client_of (hosts, "");

      answer (self->peers[0], "CLUSTER SHARDS", "*1\r\n*4\r\n+slots\r\n*2\r\n:0\r\n:16383\r\n+nodes\r\n*2\r\n%s%s", first, second);
      answer (self->peers[0], "GET", "$1\r\n0\r\n");
      answer (self->peers[1], "GET", "$1\r\n1\r\n");
      assert_call (client, up ? "\"1\"" : "\"0\"", "GET", FIRST_KEY, NULL);
    }
}

/* A seed that accepts and says nothing is left for the next. */
static void
test_silent_seed (Nodes *self,
                  gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) silent = make_peer ("stop-reading\n");
  g_autofree char *hosts = g_strdup_printf ("127.0.0.1:%u,127.0.0.1:%u", port_of (silent), port_of (self->peers[0]));

  /* Who is asked first is chosen at random. */
  for (guint i = 0; i < 20 && tornadis_harness_peer_get_n_connections (silent) == 0; i++)
    {
      g_autoptr (TornadisClient) client = make_client_of (hosts, "");

      assert_call (client, "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
    }
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (silent), >, 0);
}

/* A seed takes longer to say what the cluster is than any is waited for when there are others. Nobody else does: so it is
 * waited for as long as a connection may take. */
static void
test_slow_seed (Nodes *self,
                gconstpointer others)
{
  g_autoptr (TornadisHarnessPeer) slow = make_peer ("handshake3\nsleep 2300\nserve\n");
  g_autofree char *hosts = g_strdup_printf ("127.0.0.1:%u%s", port_of (slow), (const char *) others);
  g_autoptr (TornadisClient) client = make_client_of (hosts, "");

  nodes_describe (self, slow);
  g_object_set (client, "connect-timeout", 60, NULL);
  assert_call (client, "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
}

/* It answers HELLO and not what is asked of it then, or goes: the call has not run. */
static void
test_mute_seed (Nodes *self,
                gconstpointer data)
{
  static const struct
  {
    const char *script;
    const char *unanswered;
  } seeds[] = {
    { "handshake3\nserve\n", "CLUSTER INFO" },
    { "handshake3\nserve\n", "CLUSTER SHARDS" },
    { "handshake3\nserve\n", "COMMAND" },
    { "handshake3\nexpect CLUSTER\nclose\n", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (seeds); i++)
    {
      g_autoptr (TornadisHarnessPeer) mute = make_peer (seeds[i].script);
      g_autofree char *hosts = g_strdup_printf ("127.0.0.1:%u", port_of (mute));
      g_autoptr (TornadisClient) client = make_client_of (hosts, "");

      nodes_describe (self, mute);
      if (seeds[i].unanswered != NULL)
        answer (mute, seeds[i].unanswered, "%s", "");
      g_object_set (client, "connect-timeout", 1, NULL);
      assert_refused (client, "GET " FIRST_KEY, TORNADIS_ERROR_CONNECT, "no node has described it");
      g_assert_cmpuint (count_received (mute, "GET"), ==, 0);
    }
}

/* A node that sleeps, until the others have an heir for it. What was written to it may have run; what was not goes to the heir. */
static void
test_silent_node (Nodes *self,
                  gconstpointer data)
{
  gboolean answers_first = data != NULL;
  g_autoptr (TornadisHarnessPeer) silent = make_peer (answers_first ? "handshake3\nserve GET\nexpect GET\nstop-reading\n" : "stop-reading\n");
  g_autofree char *first = make_shard (0, SECOND_SLOT - 1, port_of (self->peers[0]));
  g_autofree char *second = make_shard (SECOND_SLOT, 16383, port_of (silent));
  g_autofree char *heir = make_node (port_of (self->peers[1]), "master", "online");
  g_autofree char *dead = make_node (port_of (silent), "master", "fail");
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "GET", SECOND_KEY, NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (get_cluster_plugin (self->client), "failover-timeout-msec", 60000, NULL);
  for (guint i = 0; i < N_PEERS; i++)
    answer (self->peers[i], "CLUSTER SHARDS", "*2\r\n%s%s", first, second);
  assert_call (self->client, "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
  tornadis_client_call_async (self->client, command, NULL, store_result, &result);
  wait_until (tornadis_harness_peer_get_n_connections (silent) > 0 && (!answers_first || count_received (silent, "GET") == 1));
  assert_call (self->client, "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
  g_assert_null (result);
  for (guint i = 0; i < N_PEERS; i++)
    answer (self->peers[i], "CLUSTER SHARDS", "*2\r\n%s*4\r\n+slots\r\n*2\r\n:%d\r\n:16383\r\n+nodes\r\n*2\r\n%s%s", first,
            SECOND_SLOT, dead, heir);
  reply = tornadis_client_call_finish (self->client, wait_for_result (&result), &error);
  if (answers_first)
    {
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
    }
  else
    {
      g_assert_no_error (error);
      g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "value-of-" SECOND_KEY);
    }
  assert_call (self->client, "\"value-of-" SECOND_KEY "\"", "GET", SECOND_KEY, NULL);
}

/* The application closes its client while a call waits for a node that does not answer: it was not written. */
static void
test_silent_node_closed (Nodes *self,
                         gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) silent = make_peer ("stop-reading\n");
  g_autofree char *hosts = g_strdup_printf ("127.0.0.1:%u", port_of (self->peers[0]));
  g_autoptr (TornadisClient) client = make_client_of (hosts, data);
  g_autofree char *first = make_shard (0, SECOND_SLOT - 1, port_of (self->peers[0]));
  g_autofree char *second = make_shard (SECOND_SLOT, 16383, port_of (silent));
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "GET", SECOND_KEY, NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  answer (self->peers[0], "CLUSTER SHARDS", "*2\r\n%s%s", first, second);
  tornadis_client_call_async (client, command, NULL, store_result, &result);
  wait_until (tornadis_harness_peer_get_n_connections (silent) > 0);
  g_assert_null (result);
  tornadis_client_close (client);
  reply = tornadis_client_call_finish (client, wait_for_result (&result), &error);
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
}

/* It is no cluster, or does not let one in. */
static void
test_refuses (Nodes *self,
              gconstpointer data)
{
  static const struct
  {
    const char *text;
    const char *words;
  } refusals[] = {
    { "-ERR This instance has cluster support disabled\r\n", "cluster support disabled" },
    { "-NOAUTH Authentication required.\r\n", "NOAUTH" },
    { "-NOPERM this user has no permissions to run the 'cluster' command\r\n", "NOPERM" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autoptr (GError) error = NULL;

      answer (self->peers[0], "CLUSTER", "%s", refusals[i].text);
      answer (self->peers[0], "CLUSTER SHARDS", "%s", refusals[i].text);
      assert_refused (self->client, "GET " FIRST_KEY, TORNADIS_ERROR_REPLY, refusals[i].words);
      g_assert_false (connect_and_wait (self->client, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
      g_assert_false (tornadis_client_is_connected (self->client));
    }
  {
    g_autofree char *shards = make_shards (self);

    answer (self->peers[0], "CLUSTER SHARDS", "%s", shards);
    assert_both (self);
  }
}

/* A replica that cannot serve: its master can. */
static void
test_replica (Nodes *self,
              gconstpointer data)
{
  g_autofree char *moved = g_strdup_printf ("-MOVED {slot} 127.0.0.1:%u\r\n", port_of (self->peers[0]));
  const char *const texts[] = { "-LOADING Redis is loading\r\n", "-MASTERDOWN Link with MASTER is down\r\n", moved };
  g_autofree char *master = make_node (port_of (self->peers[0]), "master", "online");
  g_autofree char *replica = make_node (port_of (self->peers[1]), "replica", "online");

  answer (self->peers[0], "CLUSTER SHARDS", "*1\r\n*4\r\n+slots\r\n*2\r\n:0\r\n:16383\r\n+nodes\r\n*2\r\n%s%s", master, replica);
  assert_both (self);
  g_assert_cmpuint (count_received (self->peers[0], "GET"), ==, 0);
  g_assert_cmpuint (count_received (self->peers[1], "READONLY"), ==, 1);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      answer (self->peers[1], "GET", "%s", texts[i]);
      assert_both (self);
    }
}

/* Each reads from the node of the zone that was named, be it master or replica; if there is none there, from any replica. Where
 * each node says it of itself alone, that is so after the first calls. */
static void
check_zones (Nodes *self,
             gboolean each_for_itself)
{
  static const char *const zones[][N_PEERS] = { { "a", "b" }, { "b", "a" }, { "c", "d" }, { "", "" }, { "a", "" } };

  for (gsize i = 0; i < G_N_ELEMENTS (zones); i++)
    {
      g_autoptr (GString) nodes = g_string_new (NULL);
      g_autofree char *hosts = g_strdup_printf ("127.0.0.1:%u", port_of (self->peers[0]));
      g_autoptr (TornadisClient) client = make_client_of (hosts, "read-from=az:a");
      TornadisHarnessPeer *expected = self->peers[*zones[i][0] == 'a' ? 0 : 1];
      guint n_right = 0, n_calls = 0;

      for (guint j = 0; j < N_PEERS; j++)
        {
          g_autofree char *info = g_strdup_printf ("# Server\r\nredis_mode:cluster\r\navailability_zone:%s\r\n", zones[i][j]);

          g_string_append_printf (nodes, "*10\r\n+endpoint\r\n+127.0.0.1\r\n+port\r\n:%u\r\n+role\r\n+%s\r\n+health\r\n+online\r\n"
                                         "+availability-zone\r\n+%s\r\n",
                                  port_of (self->peers[j]), j == 0 ? "master" : "replica", each_for_itself ? "" : zones[i][j]);
          if (each_for_itself)
            answer (self->peers[j], "INFO", "$%" G_GSIZE_FORMAT "\r\n%s\r\n", strlen (info), info);
          else
            answer (self->peers[j], "INFO", "-NOPERM no\r\n");
        }
      answer (self->peers[0], "CLUSTER SHARDS", "*1\r\n*4\r\n+slots\r\n*2\r\n:0\r\n:16383\r\n+nodes\r\n*2\r\n%s", nodes->str);

      /* So many in a row are not by chance. */
      while (n_right < 50 && n_calls++ < 500)
        {
          guint n = count_received (expected, "GET");

          assert_call (client, "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
          n_right = count_received (expected, "GET") > n ? n_right + 1 : 0;
        }
      g_assert_cmpuint (n_right, ==, 50);
      if (!each_for_itself && *zones[i][0] != '\0' && *zones[i][1] != '\0')
        g_assert_cmpuint (n_calls, ==, 50);
    }
}

static void
test_zone (Nodes *self,
           gconstpointer data)
{
  check_zones (self, FALSE);
}

/* Valkey 8. */
static void
test_own_zone (Nodes *self,
               gconstpointer data)
{
  check_zones (self, TRUE);
}

/* A replica that nobody listens at, whatever is said of it. */
typedef struct
{
  TornadisClient *client; /* (unowned) (nullable) */
  guint n_attempts;
} Dead;

static void
count_attempt_cb (Dead *dead)
{
  dead->n_attempts++;
}

static gboolean
find_dead_hook (HookPlugin *self,
                Hook hook,
                TornadisClient *client,
                TornadisCall *call)
{
  Dead *dead = self->data;
  guint port;

  if (hook != ATTACH)
    return FALSE;

  g_object_get (client, "port", &port, NULL);
  if (port != 1)
    return FALSE;

  dead->client = client;
  g_signal_connect_swapped (client, "reconnect-scheduled", G_CALLBACK (count_attempt_cb), dead);
  return FALSE;
}

/* Whether a value is read without waiting for the next attempt to connect to it. */
static gboolean
is_read_at_once (TornadisClient *client,
                 const Dead *dead)
{
  guint n = dead->n_attempts;

  assert_call (client, "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);

  return dead->client != NULL && n > 0 && dead->n_attempts == n;
}

/* As long as a replica cannot be reached its master is as good, or another one. */
static void
test_dead_replica (Nodes *self,
                   gconstpointer data)
{
  g_autofree char *master = make_node (port_of (self->peers[0]), "master", "online");
  g_autofree char *gone = make_node (1, "replica", "online");
  g_autofree char *there = make_node (port_of (self->peers[1]), "replica", "online");
  Dead dead = { NULL };
  HookPlugin *plugin = add_looking (self->client, "finds", find_dead_hook, &dead);

  answer (self->peers[0], "CLUSTER SHARDS", "*1\r\n*4\r\n+slots\r\n*2\r\n:0\r\n:16383\r\n+nodes\r\n*2\r\n%s%s", master, gone);
  wait_until (is_read_at_once (self->client, &dead));
  g_assert_cmpuint (count_received (self->peers[0], "GET"), >, 0);

  answer (self->peers[0], "CLUSTER SHARDS", "*1\r\n*4\r\n+slots\r\n*2\r\n:0\r\n:16383\r\n+nodes\r\n*3\r\n%s%s%s", master, gone,
          there);
  wait_until (is_read_at_once (self->client, &dead) && count_received (self->peers[1], "GET") > 0);
  take_off (self->client, plugin);
}

/* Nor does what any node may answer go where one has just failed. */
static void
test_dead_home (Nodes *self,
                gconstpointer data)
{
  g_autofree char *first = make_shard (0, SECOND_SLOT - 1, port_of (self->peers[0]));
  g_autofree char *second = make_shard (SECOND_SLOT, 16383, 1);

  answer (self->peers[0], "CLUSTER SHARDS", "*2\r\n%s%s", first, second);
  answer (self->peers[0], "ECHO", "$1\r\nx\r\n");
  for (guint i = 0; i < 20; i++)
    {
      assert_refused (self->client, "GET " SECOND_KEY, TORNADIS_ERROR_CONNECT, "");
      assert_line (self->client, "ECHO x", "\"x\"");
    }
}

static gboolean
has_value (TornadisClient *client)
{
  g_autoptr (TornadisReply) reply = call (client, NULL, "GET", FIRST_KEY, NULL);

  return reply != NULL;
}

/* A name is looked up each time: all nodes may have come back with other addresses. */
static void
test_renumbered (Nodes *self,
                 gconstpointer data)
{
  FakeResolver *resolver = fake_resolver_install ();
  g_autofree char *hosts = g_strdup_printf ("server.test:%u", port_of (self->peers[0]));
  g_autoptr (TornadisClient) client = make_client_of (hosts, "failover-timeout-msec=100");
  g_autoptr (TornadisPubSubClient) listener = NULL;
  g_autofree char *uri = g_strconcat ("redis-cluster://", hosts, NULL);
  g_autoptr (GAsyncResult) result = NULL;

  fake_resolver_set_addresses (resolver, (const char *[]){ "127.0.0.2", NULL });
  assert_refused (client, "GET " FIRST_KEY, TORNADIS_ERROR_CONNECT, "refused");
  fake_resolver_set_addresses (resolver, (const char *[]){ "127.0.0.1", NULL });
  wait_until (has_value (client));

  fake_resolver_set_addresses (resolver, (const char *[]){ "127.0.0.2", NULL });
  listener = tornadis_pub_sub_client_new_for_uri (uri, NULL);
  tornadis_client_connect_async (TORNADIS_CLIENT (listener), NULL, store_result, &result);
  g_assert_false (tornadis_client_connect_finish (TORNADIS_CLIENT (listener), wait_for_result (&result), NULL));
  g_clear_object (&result);
  fake_resolver_set_addresses (resolver, (const char *[]){ "127.0.0.1", NULL });
  tornadis_client_connect_async (TORNADIS_CLIENT (listener), NULL, store_result, &result);
  g_assert_true (tornadis_client_connect_finish (TORNADIS_CLIENT (listener), wait_for_result (&result), NULL));
}

/* As Valkey 9.1 says it: the cursor is no key, and what is special about the command is for clients to know. */
#define CLUSTERSCAN_ENTRY                                                                                       \
  "*10\r\n+clusterscan\r\n:-2\r\n*2\r\n+readonly\r\n+touches_arbitrary_keys\r\n:0\r\n:0\r\n:0\r\n*0\r\n"        \
  "*3\r\n$23\r\nnondeterministic_output\r\n$22\r\nrequest_policy:special\r\n$23\r\nresponse_policy:special\r\n" \
  "*1\r\n%3\r\n+flags\r\n*1\r\n+not_key\r\n"                                                                    \
  "+begin_search\r\n%2\r\n+type\r\n+index\r\n+spec\r\n%1\r\n+index\r\n:1\r\n"                                   \
  "+find_keys\r\n%2\r\n+type\r\n+range\r\n+spec\r\n%3\r\n+lastkey\r\n:0\r\n+keystep\r\n:1\r\n+limit\r\n:0\r\n*0\r\n"
#define SCAN_ENTRY "*6\r\n+scan\r\n:-2\r\n*1\r\n+readonly\r\n:0\r\n:0\r\n:0\r\n"
#define PAGE(cursor, keys) "*2\r\n+" cursor "\r\n" keys

/* The servers walk from slot to slot; what is sent is what the program says, and goes to the master of the slot, also when it
 * moves. */
static void
test_walk (Nodes *self,
           gconstpointer data)
{
  answer (self->peers[0], "COMMAND", "*2\r\n%s%s", SCAN_ENTRY, CLUSTERSCAN_ENTRY);
  answer (self->peers[1], "CLUSTERSCAN 0", PAGE ("0-{06S}-0", "*0\r\n"));
  answer (self->peers[0], "CLUSTERSCAN 0-{06S}-0", PAGE ("0B3a21-{06S}-96", "*2\r\n+k1\r\n+k2\r\n"));
  answer (self->peers[0], "CLUSTERSCAN 0B3a21-{06S}-96", "-MOVED 0 127.0.0.1:%u\r\n", port_of (self->peers[1]));
  answer (self->peers[1], "CLUSTERSCAN 0B3a21-{06S}-96", PAGE ("0", "*1\r\n+k3\r\n"));

  assert_line (self->client, "SCAN 0 COUNT 100", "1) 0-{06S}-0\n2) (empty array)");
  assert_line (self->client, "SCAN 0-{06S}-0 COUNT 100", "1) 0B3a21-{06S}-96\n2) 1) k1\n   2) k2");
  assert_line (self->client, "CLUSTERSCAN 0-{06S}-0", "1) 0B3a21-{06S}-96\n2) 1) k1\n   2) k2");
  assert_line (self->client, "SCAN 0B3a21-{06S}-96 COUNT 100", "1) 0\n2) 1) k3");
  {
    g_autofree char *received = tornadis_harness_peer_get_received (self->peers[1]);

    g_assert_nonnull (strstr (received, "CLUSTERSCAN 0 COUNT 100\n"));
    g_assert_nonnull (strstr (received, "CLUSTERSCAN 0B3a21-{06S}-96 COUNT 100\n"));
  }
}

/* Some node does not have it yet, or the user may not use it: a scan that begins does without. */
static void
test_walk_refused (Nodes *self,
                   gconstpointer data)
{
  static const char *const refusals[] = {
    "-NOPERM User default has no permissions to run the 'clusterscan' command\r\n",
    "-ERR unknown command 'CLUSTERSCAN', with args beginning with: '0' \r\n",
  };

  answer (self->peers[0], "COMMAND", "*2\r\n%s%s", SCAN_ENTRY, CLUSTERSCAN_ENTRY);
  for (guint i = 0; i < N_PEERS; i++)
    answer (self->peers[i], "SCAN", "*2\r\n+0\r\n*1\r\n+k%u\r\n", i);
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      for (guint j = 0; j < N_PEERS; j++)
        answer (self->peers[j], "CLUSTERSCAN", "%s", refusals[i]);
      assert_line (self->client, "SCAN 0", "1) \"1\"\n2) 1) k0");
      assert_line (self->client, "SCAN 1", "1) \"0\"\n2) 1) k1");
      assert_refused (self->client, "SCAN 0-{06S}-0", TORNADIS_ERROR_REPLY, "");
    }
}

#define ADD_WITH(path, options, function) g_test_add (path, Nodes, options, nodes_set_up, function, nodes_tear_down)
#define ADD(path, function) ADD_WITH (path, NULL, function)

static void
nodes_set_up_plainly (Nodes *self,
                      gconstpointer data)
{
  nodes_set_up (self, NULL);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/cluster-peer/halves", test_halves);
  ADD ("/cluster-peer/slots", test_slots);
  ADD ("/cluster-peer/malformed", test_malformed);
  ADD ("/cluster-peer/not-served", test_not_served);
  ADD ("/cluster-peer/two-masters", test_two_masters);
  ADD ("/cluster-peer/silent-seed", test_silent_seed);
  g_test_add ("/cluster-peer/slow-seed", Nodes, "", nodes_set_up_plainly, test_slow_seed, nodes_tear_down);
  g_test_add ("/cluster-peer/slow-seed-among-useless", Nodes, ",127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:4",
              nodes_set_up_plainly, test_slow_seed, nodes_tear_down);
  ADD ("/cluster-peer/mute-seed", test_mute_seed);
  ADD ("/cluster-peer/silent-node", test_silent_node);
  ADD_WITH ("/cluster-peer/silent-node-that-answered", "failover-timeout-msec=60000", test_silent_node);
  ADD_WITH ("/cluster-peer/silent-node-closed", "failover-timeout-msec=60000", test_silent_node_closed);
  ADD_WITH ("/cluster-peer/silent-node-closed-without-patience", "failover-timeout-msec=0", test_silent_node_closed);
  ADD ("/cluster-peer/refuses", test_refuses);
  ADD_WITH ("/cluster-peer/replica", "read-from=replica", test_replica);
  ADD ("/cluster-peer/zone", test_zone);
  ADD ("/cluster-peer/own-zone", test_own_zone);
  ADD ("/cluster-peer/walk", test_walk);
  ADD_WITH ("/cluster-peer/walk-reading-from-any", "read-from=any", test_walk);
  ADD ("/cluster-peer/walk-refused", test_walk_refused);
  g_test_add ("/cluster-peer/dead-home", Nodes, "failover-timeout-msec=0", nodes_set_up, test_dead_home, nodes_tear_down);
  g_test_add ("/cluster-peer/dead-replica", Nodes, "read-from=replica&failover-timeout-msec=60000", nodes_set_up, test_dead_replica,
              nodes_tear_down);
  ADD ("/cluster-peer/renumbered", test_renumbered);

  return g_test_run ();
}
