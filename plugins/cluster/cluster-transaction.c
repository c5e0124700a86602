/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-transaction.h"

#include "cluster/cluster-answer.h"
#include "cluster/cluster-trip.h"
#include "cluster/cluster-way.h"
#include "common/commands.h"

gboolean
cluster_transaction_has (TornadisCommand *command)
{
  static const char *const names[] = { "WATCH", "MULTI", "EXEC", "DISCARD", "UNWATCH", NULL };

  return g_strv_contains (names, tornadis_command_get_name (command));
}

static void
transaction_say (ClusterClient *client)
{
  const ClusterTransaction *self = &client->transaction;

  tornadis_plugin_set_client_in_transaction (client->plugin, client->client, self->watches || self->in_multi);
}

void
cluster_transaction_reset (ClusterClient *client)
{
  g_clear_object (&client->transaction.node);
  client->transaction = (ClusterTransaction){ .slot = -1, .number = client->transaction.number + 1 };
}

static void
transaction_end (ClusterClient *client)
{
  cluster_transaction_reset (client);
  transaction_say (client);
}

/* Whether the node does not know of it any more, since the connection to it was given up. Of one that was lost the node's client
 * itself says so. */
static gboolean
transaction_is_lost (const ClusterTransaction *self)
{
  return self->is_lost || ((self->in_multi || self->watches) && self->node != NULL && !self->owes_multi &&
                           !tornadis_client_is_in_transaction (self->node));
}

/* Of a transaction that was lost: whoever has called is about to be told. */
typedef struct
{
  ClusterClient *client; /* (owned) */
  guint number;          /* of the transaction */
} Telling;

static Telling *
telling_new (ClusterClient *client)
{
  Telling *self = g_new (Telling, 1);

  *self = (Telling){ g_rc_box_acquire (client), client->transaction.number };

  return self;
}

/* The caller knows. */
static void
telling_end (gpointer data)
{
  Telling *self = data;

  if (!self->client->is_gone && self->client->transaction.number == self->number)
    transaction_end (self->client);
  g_rc_box_release (self->client);
  g_free (self);
}

static gboolean
told_cb (gpointer user_data)
{
  return G_SOURCE_REMOVE;
}

/* A call goes when its caller was told, unless somebody keeps it, as garbage collectors do: then it is when there is nothing else
 * to do. */
static void
transaction_tell (ClusterClient *client,
                  TornadisCall *call)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (GSource) source = g_idle_source_new ();

  g_object_set_data_full (G_OBJECT (call), "tornadis-cluster-telling", telling_new (client), telling_end);
  g_source_set_static_name (source, "[tornadis] cluster, a transaction was lost");
  g_source_set_priority (source, G_PRIORITY_LOW);
  g_source_set_callback (source, told_cb, telling_new (client), telling_end);
  g_source_attach (source, context);
}

/* Nothing of it has run, and what belonged to it must not run by itself: as long as nobody knows, that is all up to its end. */
static void
transaction_lose (ClusterClient *client,
                  TornadisCall *call)
{
  ClusterTransaction *self = &client->transaction;
  TornadisCommand *command = tornadis_call_get_command (call);
  gboolean gives_up = command != NULL && (command_is (command, "DISCARD") || (command_is (command, "UNWATCH") && !self->in_multi));

  if (gives_up || (command != NULL ? command_is (command, "EXEC") : call_is_atomic (call)))
    {
      transaction_end (client);
    }
  else
    {
      self->is_lost = TRUE;
      self->in_multi |= command != NULL && command_is (command, "MULTI");
      transaction_tell (client, call);
    }

  if (gives_up)
    cluster_answer_line (call, "+OK");
  else
    cluster_answer_error (call, TORNADIS_ERROR_LOST, "%s: its transaction was lost with the connection to its node, or not begun there",
                          tornadis_call_get_name (call));
}

/* The call belongs to it, whatever it changes. */
static void
transaction_forward (ClusterClient *client,
                     TornadisCall *call)
{
  ClusterTransaction *self = &client->transaction;
  g_autoptr (TornadisClient) node = g_object_ref (self->node);

  if (self->owes_multi)
    {
      g_autoptr (TornadisCommand) multi = tornadis_command_new ("MULTI");

      self->owes_multi = FALSE;
      /* Plugins behind this one may refuse it, or remove this one. */
      tornadis_client_submit (node, multi, NULL, NULL, NULL);
      if (G_UNLIKELY (client->is_gone))
        {
          cluster_client_refuse_gone (call);
          return;
        }
      if (G_UNLIKELY (transaction_is_lost (self)))
        {
          transaction_lose (client, call);
          return;
        }
    }
  tornadis_call_forward (call, node);
}

/* Whether @way leads to the node that it is bound to, which it then is. Else the call is answered. */
static gboolean
transaction_bind (ClusterClient *client,
                  TornadisCall *call,
                  const ClusterWay *way)
{
  ClusterTransaction *self = &client->transaction;
  TornadisClient *node = NULL;
  const char *problem = NULL;

  if (way->kind == CLUSTER_WAY_NONE || way->kind == CLUSTER_WAY_SPLIT ||
      (way->kind == CLUSTER_WAY_SLOT && self->slot >= 0 && way->slot != (guint) self->slot))
    problem = "a transaction of a cluster is of one slot";
  else if (way->kind != CLUSTER_WAY_SLOT && way->kind != CLUSTER_WAY_ANY)
    problem = CLUSTER_TRANSACTION_SEVERAL;
  else if (self->node != NULL && (way->kind == CLUSTER_WAY_ANY || self->slot >= 0))
    return TRUE;
  else
    {
      node = way->kind == CLUSTER_WAY_SLOT ? cluster_client_get_master (client, way->slot) : cluster_client_get_home (client);
      if (node == NULL)
        problem = "no node of the cluster has its slot now";
      /* What came before had no key, and went to any node. */
      else if (self->node != NULL && self->node != node)
        problem = "a transaction of a cluster begins with a key";
    }

  if (problem != NULL)
    {
      self->is_spoiled |= self->in_multi;
      cluster_answer_error (call, TORNADIS_ERROR_USAGE, "%s: %s", tornadis_call_get_name (call), problem);
      return FALSE;
    }

  g_set_object (&self->node, node);
  if (way->kind == CLUSTER_WAY_SLOT)
    self->slot = (int) way->slot;

  return TRUE;
}

static void
route_watch (ClusterClient *client,
             TornadisCall *call)
{
  ClusterTransaction *self = &client->transaction;
  ClusterWay way = cluster_way_find (client->map, tornadis_call_get_command (call));

  if (!transaction_bind (client, call, &way))
    return;

  self->watches = TRUE;
  transaction_say (client);
  if (self->in_multi)
    transaction_forward (client, call);
  else
    cluster_trip_send (client, call, self->node);
}

static void
route_multi (ClusterClient *client,
             TornadisCall *call)
{
  ClusterTransaction *self = &client->transaction;

  if (self->in_multi && self->owes_multi)
    {
      cluster_answer_error (call, TORNADIS_ERROR_USAGE, "MULTI: MULTI calls can not be nested");
      return;
    }

  if (!self->in_multi)
    {
      self->in_multi = TRUE;
      self->owes_multi = self->node == NULL;
      self->opener = self->node != NULL ? call : NULL;
      transaction_say (client);
    }
  if (self->node != NULL)
    tornadis_call_forward (call, self->node);
  else
    cluster_answer_line (call, "+OK");
}

static void
route_end (ClusterClient *client,
           TornadisCall *call,
           const char *empty)
{
  ClusterTransaction *self = &client->transaction;
  g_autoptr (TornadisClient) node = self->node != NULL ? g_object_ref (self->node) : NULL;
  gboolean was_multi = self->in_multi;

  if (self->is_spoiled && was_multi && command_is (tornadis_call_get_command (call), "EXEC"))
    {
      g_autoptr (TornadisCommand) discard = tornadis_command_new ("DISCARD");

      if (node != NULL)
        tornadis_client_submit (node, discard, NULL, NULL, NULL);
      transaction_end (client);
      cluster_answer_line (call, "-EXECABORT Transaction discarded because of previous errors.");
      return;
    }

  if (node != NULL)
    tornadis_call_forward (call, node);
  else if (!was_multi)
    tornadis_call_forward (call, cluster_client_get_home (client));
  transaction_end (client);
  if (node == NULL && was_multi)
    cluster_answer_line (call, empty);
}

static void
route_unwatch (ClusterClient *client,
               TornadisCall *call)
{
  ClusterTransaction *self = &client->transaction;

  if (self->in_multi && self->node != NULL)
    {
      transaction_forward (client, call);
      return;
    }

  if (self->node != NULL)
    tornadis_call_forward (call, self->node);
  else
    cluster_answer_line (call, self->in_multi ? "+QUEUED" : "+OK");
  if (!self->in_multi)
    transaction_end (client);
}

static gboolean
is_part_of_transaction (const ClusterTransaction *self,
                        TornadisCall *call)
{
  TornadisCommand *command = tornadis_call_get_command (call);

  if (self->in_multi || command == NULL)
    return self->in_multi || call_is_atomic (call);

  return cluster_transaction_has (command);
}

static void
transaction_unwatch (ClusterClient *client)
{
  ClusterTransaction *self = &client->transaction;

  /* Else what it watches would be the end of another transaction there. */
  if (self->node != NULL && tornadis_client_is_in_transaction (self->node))
    {
      g_autoptr (TornadisCommand) unwatch = tornadis_command_new ("UNWATCH");

      tornadis_client_submit (self->node, unwatch, NULL, NULL, NULL);
    }
  transaction_end (client);
}

/* Whether a server knows nothing of what has failed so. */
static gboolean
was_refused (const GError *error)
{
  return g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY) ||
         g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT) ||
         g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED) ||
         g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
}

void
cluster_transaction_multi_done (ClusterClient *client,
                                TornadisCall *call)
{
  ClusterTransaction *self = &client->transaction;
  g_autoptr (GError) error = tornadis_call_dup_error (call);

  if (self->opener != call)
    return;

  self->opener = NULL;
  /* What is watched is so still. */
  if (error != NULL && was_refused (error) && self->node != NULL && tornadis_client_is_in_transaction (self->node))
    {
      self->in_multi = FALSE;
      transaction_say (client);
    }
}

gboolean
cluster_transaction_follow (ClusterClient *client,
                            TornadisCall *call,
                            TornadisClient *node,
                            gboolean asking)
{
  ClusterTransaction *self = &client->transaction;
  TornadisCommand *command = tornadis_call_get_command (call);

  if (command == NULL || !self->watches || self->in_multi || !command_is (command, "WATCH"))
    return FALSE;

  if (!asking && !tornadis_client_is_in_transaction (self->node))
    {
      g_set_object (&self->node, node);
      cluster_trip_send (client, call, node);
      return TRUE;
    }

  transaction_unwatch (client);
  cluster_answer_error (call, TORNADIS_ERROR_LOST, "%s: its slot is on its way to another node", tornadis_call_get_name (call));

  return TRUE;
}

/* Whether all commands of a call within it can be called. Else it is answered. */
static gboolean
transaction_check (ClusterClient *client,
                   TornadisCall *call)
{
  ClusterTransaction *self = &client->transaction;
  gboolean is_pipeline = tornadis_call_get_pipeline (call) != NULL;
  guint n = call_get_n_commands (call);

  for (guint i = 0; i < n; i++)
    {
      TornadisCommand *command = call_get_command (call, i);
      g_autoptr (GError) error = NULL;

      if (is_pipeline && cluster_transaction_has (command))
        g_set_error (&error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "%s cannot be part of a pipeline within a transaction",
                     tornadis_command_get_name (command));
      else if (cluster_way_check (command, &error))
        continue;

      self->is_spoiled |= self->in_multi;
      tornadis_call_return_error (call, error);
      return FALSE;
    }

  return TRUE;
}

gboolean
cluster_transaction_route (ClusterClient *client,
                           TornadisCall *call)
{
  ClusterTransaction *self = &client->transaction;
  TornadisCommand *command = tornadis_call_get_command (call);
  gboolean is_open = self->in_multi || self->watches;
  ClusterWay way;

  if (G_UNLIKELY (transaction_is_lost (self) && is_part_of_transaction (self, call)))
    {
      transaction_lose (client, call);
      return TRUE;
    }

  if (command == NULL)
    {
      /* An atomic pipeline ends what WATCH began. */
      if (!is_open || (!self->in_multi && !call_is_atomic (call)))
        return FALSE;
      way = cluster_way_find_for_all (client->map, tornadis_call_get_pipeline (call), NULL);
      if (transaction_check (client, call) && transaction_bind (client, call, &way))
        {
          transaction_forward (client, call);
          if (call_is_atomic (call))
            transaction_end (client);
        }
      return TRUE;
    }

  if (command_is (command, "WATCH"))
    route_watch (client, call);
  else if (command_is (command, "MULTI"))
    route_multi (client, call);
  else if (command_is (command, "EXEC"))
    route_end (client, call, "*0");
  else if (command_is (command, "DISCARD"))
    route_end (client, call, "+OK");
  else if (command_is (command, "UNWATCH"))
    route_unwatch (client, call);
  else if (self->in_multi)
    {
      way = cluster_way_find (client->map, command);
      if (transaction_check (client, call) && transaction_bind (client, call, &way))
        transaction_forward (client, call);
    }
  else
    return FALSE;

  return TRUE;
}
