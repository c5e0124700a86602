/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What parts of the cluster's plugin tell one another, and calls that have parts. */

#include "plugins/cluster-peers.h"

#include <string.h>

#include "integration/hook-plugin.h"
#include "plugins/cluster-util.h"
#include "plugins/util.h"

typedef struct
{
  TornadisClient *client;  /* (unowned) that is called on */
  TornadisPlugin *cluster; /* (unowned) (nullable) that is removed from it instead */
  Calls calls;
} Told;

/* Many shards that nobody serves, and one of @peer. */
static void
say_another_cluster (Nodes *self,
                     guint n,
                     TornadisHarnessPeer *peer)
{
  g_autofree char *last = make_shard (n, 16383, port_of (peer));
  g_autoptr (GString) shards = g_string_new (NULL);

  g_string_printf (shards, "*%u\r\n", n + 1);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *shard = make_shard (i, i, i + 1);

      g_string_append (shards, shard);
    }
  for (guint i = 0; i < N_PEERS; i++)
    answer (self->peers[i], "CLUSTER SHARDS", "%s%s", shards->str, last);
}

static gboolean
told_hook (HookPlugin *self,
           Hook hook,
           TornadisClient *client,
           TornadisCall *call)
{
  Told *told = self->data;

  if (told == NULL || (hook != PUSH && (hook != CALL || !g_str_equal (tornadis_call_get_name (call), "PING"))))
    return FALSE;

  self->data = NULL;
  if (told->cluster != NULL)
    g_assert_true (tornadis_client_remove_plugin (told->client, told->cluster));
  for (guint i = 0; told->cluster == NULL && i < 2; i++)
    submit (told->client, i == 0 ? "GET " FIRST_KEY : "GET " SECOND_KEY, &told->calls);

  return FALSE;
}

/* A redirection has the cluster looked at. */
static void
make_it_look (Nodes *self,
              TornadisClient *client,
              Told *told)
{
  for (guint i = 0; i < N_PEERS; i++)
    answer_once (self->peers[i], "GET", "-MOVED 7629 127.0.0.1:1\r\n", "$1\r\nv\r\n");
  submit (client, "GET " FIRST_KEY, &told->calls);
}

/* Two clients share what is known of the cluster, which turns out to be a larger one: who is told of that by the one calls on the
 * other. */
static void
test_told_by_another (Nodes *self,
                      gconstpointer data)
{
  TornadisClient *clients[2] = { self->client, tornadis_client_new ("127.0.0.1", 1) };

  g_assert_true (tornadis_client_add_plugin (clients[1], get_cluster_plugin (self->client), NULL));
  for (guint i = 0; i < 2; i++)
    {
      assert_call (clients[i], "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
      assert_call (clients[i], "\"value-of-" SECOND_KEY "\"", "GET", SECOND_KEY, NULL);
    }

  /* It is not known which of the two hears of it first. */
  for (guint i = 0; i < 2; i++)
    {
      HookPlugin *behind = add_looking (clients[i], "b", told_hook, NULL);
      Told told = { .client = clients[1 - i] };

      behind->data = &told;
      say_another_cluster (self, 64 << i, self->peers[1 - i]);
      make_it_look (self, clients[i], &told);
      wait_until (behind->data == NULL);
      wait_for_calls (&told.calls);
      calls_clear (&told.calls);
      take_off (clients[i], behind);
    }
  assert_client_finalized (clients[1]);
}

/* All nodes that were known leave, and a plugin on their clients that sees what is called on them removes this one. */
static void
test_removed_when_nodes_leave (Nodes *self,
                               gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) third = make_peer ("handshake3\nserve\n---\nhandshake3\nserve\n");
  Told told = { .client = self->client, .cluster = get_cluster_plugin (self->client) };
  HookPlugin *behind = add_calling (self->client, "b", told_hook, NULL);

  nodes_describe (self, third);
  assert_both (self);
  behind->data = &told;
  say_another_cluster (self, 1, third);
  make_it_look (self, self->client, &told);
  wait_until (behind->data == NULL);
  wait_for_calls (&told.calls);
  calls_clear (&told.calls);
  take_off (self->client, behind);
}

#define ADD(path, options, function) g_test_add (path, Nodes, options, nodes_set_up, function, nodes_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/cluster-parts/told-by-another", "failover-timeout-msec=100", test_told_by_another);
  ADD ("/cluster-parts/removed-when-nodes-leave", "failover-timeout-msec=100", test_removed_when_nodes_leave);

  return g_test_run ();
}
