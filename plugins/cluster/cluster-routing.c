/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the calls of a ClusterClient go. */

#include "cluster/cluster-client.h"

#include "cluster/cluster-answer.h"
#include "cluster/cluster-gather.h"
#include "cluster/cluster-pipeline.h"
#include "cluster/cluster-route.h"
#include "cluster/cluster-scan.h"
#include "cluster/cluster-split.h"
#include "cluster/cluster-transaction.h"
#include "cluster/cluster-trip.h"
#include "cluster/cluster-way.h"
#include "common/client-properties.h"
#include "common/commands.h"

#define SEVERAL_SLOTS "The keys of %s are in several slots of the cluster"

/* Nodes. */

/* How well a node suits those who read from a zone: not, perhaps, or well. */
static guint
rate_zone (const ClusterSettings *settings,
           const ClusterNode *node)
{
  const char *zone = settings->zones != NULL ? cluster_zones_find (settings->zones, node) : "";

  /* It says so to those who connect to it. */
  if (zone == NULL)
    return 1;

  return settings->zone != NULL && g_str_equal (zone, settings->zone) ? 2 : 0;
}

/* One of those that may be read from, at random; NULL: there is none besides the master, or it is the master. One that cannot be
 * reached is as none. */
static const ClusterNode *
choose_replica (ClusterClient *self,
                const ClusterNode *master,
                const GPtrArray *replicas)
{
  guint best = rate_zone (self->settings, master);
  const ClusterNode *chosen = NULL;
  gint32 n = best > 0 || self->settings->read_from == CLUSTER_READ_FROM_ANY;

  if (best == 2)
    return NULL;

  for (guint i = 0; i < replicas->len; i++)
    {
      const ClusterNode *replica = g_ptr_array_index (replicas, i);
      guint rate = rate_zone (self->settings, replica);

      if (rate < best || !cluster_links_can_reach (self->links, replica))
        continue;
      if (rate > best)
        n = 0;
      best = rate;
      if (g_random_int_range (0, ++n) == 0)
        chosen = replica;
    }

  return chosen;
}

/* (nullable): the slot is nobody's. */
static TornadisClient *
get_node_of_slot (ClusterClient *self,
                  guint slot,
                  gboolean reads)
{
  ClusterTopology *topology = cluster_map_get_topology (self->map);
  const ClusterNode *master = cluster_topology_get_master (topology, slot);
  const ClusterNode *replica = NULL;

  if (master == NULL)
    return NULL;
  if (reads && self->settings->read_from != CLUSTER_READ_FROM_MASTER)
    replica = choose_replica (self, master, cluster_topology_get_replicas (topology, slot));

  return cluster_links_get (self->links, replica != NULL ? replica : master);
}

TornadisClient *
cluster_client_get_master (ClusterClient *self,
                           guint slot)
{
  return get_node_of_slot (self, slot, FALSE);
}

TornadisClient *
cluster_client_get_home (ClusterClient *self)
{
  ClusterTopology *topology = cluster_map_get_topology (self->map);
  const GPtrArray *masters = cluster_topology_get_masters (topology);
  const ClusterNode *node = self->home != NULL ? cluster_topology_lookup_key (topology, self->home) : NULL;

  if (node == NULL || !node->is_master || node->health == CLUSTER_HEALTH_FAILED)
    {
      guint first = (guint) g_random_int_range (0, (gint32) masters->len);

      for (guint i = 0; i < masters->len; i++)
        {
          node = g_ptr_array_index (masters, (first + i) % masters->len);
          if (node->health != CLUSTER_HEALTH_FAILED && cluster_links_can_reach (self->links, node))
            break;
        }
      g_free (self->home);
      self->home = g_strdup (node->key);
    }

  return cluster_links_get (self->links, node);
}

static inline TornadisClient *
find_node_of_key (ClusterClient *self,
                  TornadisCommand *command)
{
  const CommandEntry *entry = cluster_map_find_command (self->map, command);
  guint slot;

  if (G_UNLIKELY (!cluster_route_find_slot (entry, command, &slot)))
    return NULL;

  return get_node_of_slot (self, slot, (command_entry_get_flags (entry) & COMMAND_FLAG_READONLY) != 0);
}

TornadisClient *
cluster_client_find_node_of_key (ClusterClient *self,
                                 TornadisCommand *command)
{
  return find_node_of_key (self, command);
}

TornadisClient *
cluster_client_find_node (ClusterClient *self,
                          TornadisCommand *command)
{
  TornadisClient *node = find_node_of_key (self, command);
  ClusterWay way;

  if (node != NULL || !cluster_way_check (command, NULL))
    return node;

  way = cluster_way_find (self->map, command);
  if (way.kind == CLUSTER_WAY_SLOT)
    return get_node_of_slot (self, way.slot, way.reads);

  return way.kind == CLUSTER_WAY_ANY ? cluster_client_get_home (self) : NULL;
}

TornadisClient *
cluster_client_get_parts (ClusterClient *self)
{
  ClusterClient *whole = self->whole;

  if (whole->parts == NULL)
    {
      whole->parts = g_object_new (TORNADIS_TYPE_CLIENT, NULL);
      client_copy_properties (whole->client, whole->parts);
      g_object_set_data (G_OBJECT (whole->parts), CLUSTER_WHOLE, whole);
      tornadis_client_add_plugin (whole->parts, whole->plugin, NULL);
    }

  return whole->parts;
}

/* Routing. */

static void
route_to_slot (ClusterClient *self,
               TornadisCall *call,
               const ClusterTrip *trip,
               guint slot,
               gboolean reads)
{
  TornadisClient *node = get_node_of_slot (self, slot, reads && (trip == NULL || !trip->at_master));
  g_autoptr (GError) error = NULL;

  if (G_LIKELY (node != NULL))
    {
      tornadis_call_forward (call, node);
      return;
    }

  error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "%s: no node of the cluster has slot %u",
                       tornadis_call_get_name (call), slot);
  cluster_trip_put_off (self, call, error);
}

static void
route_parts (ClusterClient *self,
             TornadisCall *call,
             const ClusterWay *way)
{
  g_autoptr (GPtrArray) parts = cluster_split (way->entry, tornadis_call_get_command (call));

  if (parts != NULL)
    cluster_gather_parts (self, call, way->response, parts);
  else
    tornadis_call_forward (call, cluster_client_get_home (self));
}

static void
route_command (ClusterClient *self,
               TornadisCall *call,
               const ClusterTrip *trip)
{
  ClusterTopology *topology = cluster_map_get_topology (self->map);
  ClusterWay way = cluster_way_find (self->map, tornadis_call_get_command (call));

  switch (way.kind)
    {
    case CLUSTER_WAY_SLOT:
      route_to_slot (self, call, trip, way.slot, way.reads);
      break;
    case CLUSTER_WAY_SPLIT:
      route_parts (self, call, &way);
      break;
    case CLUSTER_WAY_NODES:
      cluster_gather_nodes (self, call, way.response, cluster_topology_get_nodes (topology));
      break;
    case CLUSTER_WAY_SHARDS:
      cluster_gather_nodes (self, call, way.response, cluster_topology_get_masters (topology));
      break;
    case CLUSTER_WAY_CURSOR:
      cluster_scan (self, call);
      break;
    case CLUSTER_WAY_NONE:
      cluster_answer_error (call, TORNADIS_ERROR_USAGE, SEVERAL_SLOTS, tornadis_call_get_name (call));
      break;
    case CLUSTER_WAY_ANY:
    default:
      tornadis_call_forward (call, cluster_client_get_home (self));
      break;
    }
}

static void
route_atomic (ClusterClient *self,
              TornadisCall *call,
              const ClusterTrip *trip)
{
  TornadisCommand *several = NULL;
  ClusterWay way = cluster_way_find_for_all (self->map, tornadis_call_get_pipeline (call), &several);

  if (way.kind == CLUSTER_WAY_SLOT)
    route_to_slot (self, call, trip, way.slot, FALSE);
  else if (way.kind == CLUSTER_WAY_ANY)
    tornadis_call_forward (call, cluster_client_get_home (self));
  else if (several != NULL)
    cluster_answer_error (call, TORNADIS_ERROR_USAGE, "%s: " CLUSTER_TRANSACTION_SEVERAL, tornadis_command_get_name (several));
  else
    cluster_answer_error (call, TORNADIS_ERROR_USAGE, SEVERAL_SLOTS, "a transaction");
}

/* Whether a command may be one of several. In a pipeline that is split, what is between MULTI and EXEC would be apart. */
static gboolean
check_stacked (ClusterClient *self,
               TornadisCommand *command,
               GError **error)
{
  if (cluster_transaction_has (command))
    g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                 "%s cannot be part of a pipeline to a cluster: call it by itself, or make the pipeline atomic",
                 tornadis_command_get_name (command));
  else if (cluster_way_find (self->map, command).kind == CLUSTER_WAY_NONE)
    g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, SEVERAL_SLOTS, tornadis_command_get_name (command));
  else
    return TRUE;

  return FALSE;
}

/* See cluster_client_find_node_of_key(). */
static gboolean
has_one_key (ClusterClient *self,
             TornadisCommand *command)
{
  const CommandEntry *entry = cluster_map_find_command (self->map, command);
  guint position = entry != NULL ? command_entry_get_single_key (entry) : 0;

  return position > 0 && position < tornadis_command_get_n_args (command);
}

/* Whether all of them can be called on a cluster: else none is sent. */
static gboolean
check_commands (ClusterClient *self,
                TornadisCall *call)
{
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (call);
  guint n = call_get_n_commands (call);

  for (guint i = 0; i < n; i++)
    {
      TornadisCommand *command = pipeline != NULL ? tornadis_pipeline_get_command (pipeline, i) : tornadis_call_get_command (call);
      g_autoptr (GError) error = NULL;

      if (G_LIKELY (has_one_key (self, command)))
        continue;
      if (!cluster_way_check (command, &error) ||
          (pipeline != NULL && !check_stacked (self, command, &error)))
        {
          tornadis_call_return_error (call, error);
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
is_plain_pipeline (TornadisCall *call)
{
  return tornadis_call_get_pipeline (call) != NULL && !call_is_atomic (call);
}

void
cluster_client_route (ClusterClient *self,
                      TornadisCall *call)
{
  ClusterTrip *trip = cluster_trip_get (call);

  if (trip != NULL && trip->target != NULL && cluster_transaction_follow (self, call, trip->target, trip->asking))
    return;
  else if (trip != NULL && trip->target != NULL && trip->asking)
    cluster_trip_ask (self, call, trip);
  else if (trip != NULL && trip->target != NULL)
    tornadis_call_forward (call, trip->target);
  else if (cluster_transaction_route (self, call) || (is_plain_pipeline (call) && cluster_pipeline_send_keys (self, call)) ||
           !check_commands (self, call))
    return;
  else if (tornadis_call_get_pipeline (call) == NULL)
    route_command (self, call, trip);
  else if (call_is_atomic (call))
    route_atomic (self, call, trip);
  else
    cluster_pipeline_send (self, call);
}

TornadisClient *
cluster_client_route_quickly (ClusterClient *self,
                              TornadisCommand *command)
{
  if (G_UNLIKELY (self->state != TORNADIS_CLIENT_STATE_CONNECTED || self->waiting.head != NULL ||
                  self->transaction.in_multi || self->transaction.watches || !cluster_map_is_ready (self->map)))
    return NULL;

  return find_node_of_key (self, command);
}
