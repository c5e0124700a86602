/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plugins/cluster-peers.h"

#include "integration/util.h"

/* All that is needed of COMMAND. */
#define COMMAND(name, flag) "*6\r\n+" name "\r\n:2\r\n*1\r\n+" flag "\r\n:1\r\n:1\r\n:1\r\n"
#define COMMANDS "*2\r\n" COMMAND ("get", "readonly") COMMAND ("set", "write")

void
answer (TornadisHarnessPeer *peer,
        const char *name,
        const char *format,
        ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  tornadis_harness_peer_set_answers (peer, name, (const char *[]){ text, NULL });
}

void
answer_once (TornadisHarnessPeer *peer,
             const char *name,
             const char *first,
             const char *then)
{
  tornadis_harness_peer_set_answers (peer, name, (const char *[]){ first, then, NULL });
}

guint
port_of (TornadisHarnessPeer *peer)
{
  return tornadis_harness_peer_get_port (peer);
}

char *
make_node (guint port,
           const char *role,
           const char *health)
{
  return g_strdup_printf ("*8\r\n+endpoint\r\n+127.0.0.1\r\n+port\r\n:%u\r\n+role\r\n+%s\r\n+health\r\n+%s\r\n", port, role, health);
}

char *
make_shard (guint first,
            guint last,
            guint port)
{
  g_autofree char *node = make_node (port, "master", "online");

  return g_strdup_printf ("*4\r\n+slots\r\n*2\r\n:%u\r\n:%u\r\n+nodes\r\n*1\r\n%s", first, last, node);
}

char *
make_shards (Nodes *self)
{
  g_autofree char *first = make_shard (0, SECOND_SLOT - 1, port_of (self->peers[0]));
  g_autofree char *second = make_shard (SECOND_SLOT, 16383, port_of (self->peers[1]));

  return g_strdup_printf ("*2\r\n%s%s", first, second);
}

TornadisClient *
make_client_of (const char *hosts,
                const char *options)
{
  g_autofree char *uri = g_strconcat ("redis-cluster://", hosts, "?", options, NULL);
  g_autoptr (GError) error = NULL;
  TornadisClient *client = tornadis_client_new_for_uri (uri, &error);

  g_assert_no_error (error);
  return client;
}

void
nodes_describe (Nodes *self,
                TornadisHarnessPeer *peer)
{
  g_autofree char *shards = make_shards (self);

  answer (peer, "CLUSTER SHARDS", "%s", shards);
  answer (peer, "COMMAND", "%s", COMMANDS);
}

void
nodes_set_up (Nodes *self,
              gconstpointer options)
{
  g_autofree char *hosts = NULL;

  for (guint i = 0; i < N_PEERS; i++)
    self->peers[i] = make_peer ("handshake3\nserve\n");
  for (guint i = 0; i < N_PEERS; i++)
    nodes_describe (self, self->peers[i]);
  hosts = g_strdup_printf ("127.0.0.1:%u", port_of (self->peers[0]));
  self->client = make_client_of (hosts, options != NULL ? options : "failover-timeout-msec=100");
}

void
nodes_tear_down (Nodes *self,
                 gconstpointer options)
{
  for (guint i = 0; i < N_PEERS; i++)
    {
      g_autofree char *failure = tornadis_harness_peer_get_failure (self->peers[i]);

      g_assert_cmpstr (failure, ==, NULL);
    }
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_client_finalized (self->client);
  for (guint i = 0; i < N_PEERS; i++)
    g_clear_object (&self->peers[i]);
}

void
assert_both (Nodes *self)
{
  assert_call (self->client, "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
  assert_call (self->client, "\"value-of-" SECOND_KEY "\"", "GET", SECOND_KEY, NULL);
}
