/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-client.h"

#include "cluster/cluster-gather.h"
#include "cluster/cluster-route.h"
#include "cluster/cluster-scan.h"
#include "cluster/cluster-split.h"
#include "cluster/cluster-transaction.h"
#include "cluster/cluster-trip.h"
#include "cluster/cluster-way.h"
#include "common/client-properties.h"
#include "common/commands.h"

static void
fail_call (TornadisCall *call,
           TornadisError code,
           const char *format,
           ...) G_GNUC_PRINTF (3, 4);

static void
fail_call (TornadisCall *call,
           TornadisError code,
           const char *format,
           ...)
{
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  error = g_error_new_valist (TORNADIS_ERROR, (int) code, format, args);
  va_end (args);
  tornadis_call_return_error (call, error);
}

void
cluster_client_refuse_gone (TornadisCall *call)
{
  fail_call (call, TORNADIS_ERROR_CLOSED, "%s: the plugin was removed", tornadis_call_get_name (call));
}

/* Nodes. */

static gboolean
node_is_in_zone (const ClusterNode *node,
                 const char *zone)
{
  return node->zone != NULL && g_str_equal (node->zone, zone);
}

/* One of those that may be read from, at random; NULL: there is none besides the master. */
static const ClusterNode *
choose_replica (ClusterClient *self,
                const ClusterNode *master,
                const GPtrArray *replicas)
{
  const char *zone = self->settings->read_from == CLUSTER_READ_FROM_ZONE ? self->settings->zone : NULL;
  guint n = 0, chosen;

  if (replicas->len == 0 || (zone != NULL && node_is_in_zone (master, zone)))
    return NULL;

  for (guint i = 0; zone != NULL && i < replicas->len; i++)
    n += node_is_in_zone (g_ptr_array_index (replicas, i), zone);
  if (n == 0)
    {
      zone = NULL;
      n = replicas->len;
    }

  chosen = (guint) g_random_int_range (0, (gint32) (n + (self->settings->read_from == CLUSTER_READ_FROM_ANY)));
  for (guint i = 0; i < replicas->len; i++)
    {
      const ClusterNode *replica = g_ptr_array_index (replicas, i);

      if (zone != NULL && !node_is_in_zone (replica, zone))
        continue;
      if (chosen-- == 0)
        return replica;
    }

  return NULL;
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
          if (node->health != CLUSTER_HEALTH_FAILED)
            break;
        }
      g_free (self->home);
      self->home = g_strdup (node->key);
    }

  return cluster_links_get (self->links, node);
}

TornadisClient *
cluster_client_find_node (ClusterClient *self,
                          TornadisCommand *command)
{
  ClusterWay way = cluster_way_find (self->map, command);

  if (!cluster_way_check (command, NULL))
    return NULL;
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
      fail_call (call, TORNADIS_ERROR_USAGE, "The keys of %s are in several slots of the cluster", tornadis_call_get_name (call));
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
  ClusterWay way = cluster_way_find_for_all (self->map, tornadis_call_get_pipeline (call));

  if (way.kind == CLUSTER_WAY_SLOT)
    route_to_slot (self, call, trip, way.slot, FALSE);
  else if (way.kind == CLUSTER_WAY_ANY)
    tornadis_call_forward (call, cluster_client_get_home (self));
  else
    fail_call (call, TORNADIS_ERROR_USAGE, "The keys of a transaction are in several slots of the cluster");
}

/* Whether a command may be one of several. In a pipeline that is split, what is between MULTI and EXEC would be apart. */
static gboolean
check_stacked (ClusterClient *self,
               TornadisCommand *command,
               GError **error)
{
  static const char *const alone[] = { "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", NULL };

  if (g_strv_contains (alone, tornadis_command_get_name (command)))
    g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                 "%s cannot be part of a pipeline to a cluster: call it by itself, or make the pipeline atomic",
                 tornadis_command_get_name (command));
  else if (cluster_way_find (self->map, command).kind == CLUSTER_WAY_NONE)
    g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "The keys of %s are in several slots of the cluster",
                 tornadis_command_get_name (command));
  else
    return TRUE;

  return FALSE;
}

/* Whether all of them can be called on a cluster: else none is sent. */
static gboolean
check_commands (ClusterClient *self,
                TornadisCall *call)
{
  for (guint i = 0; i < call_get_n_commands (call); i++)
    {
      TornadisCommand *command = call_get_command (call, i);
      g_autoptr (GError) error = NULL;

      if (!cluster_way_check (command, &error) ||
          (tornadis_call_get_pipeline (call) != NULL && !check_stacked (self, command, &error)))
        {
          tornadis_call_return_error (call, error);
          return FALSE;
        }
    }

  return TRUE;
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
  else if (cluster_transaction_route (self, call) || !check_commands (self, call))
    return;
  else if (tornadis_call_get_pipeline (call) == NULL)
    route_command (self, call, trip);
  else if (call_is_atomic (call))
    route_atomic (self, call, trip);
  else
    cluster_gather_pipeline (self, call);
}

/* The connection. */

/* Whoever is told may remove the plugin, with which this goes. */
static void
client_say_state (ClusterClient *self,
                  TornadisClientState state,
                  const GError *error)
{
  if (self->whole != self || self->state == state)
    return;

  self->state = state;
  if (error != NULL)
    tornadis_plugin_set_client_lost (self->plugin, self->client, error);
  else
    tornadis_plugin_set_client_state (self->plugin, self->client, state);
}

static void
links_cb (ClusterLinks *links,
          const GError *error,
          gpointer user_data)
{
  ClusterClient *self = user_data;

  if (error != NULL)
    cluster_map_refresh (self->map, NULL, NULL, NULL);
  if (cluster_links_is_connected (links))
    client_say_state (self, TORNADIS_CLIENT_STATE_CONNECTED, NULL);
  else if (self->state == TORNADIS_CLIENT_STATE_CONNECTED)
    client_say_state (self, TORNADIS_CLIENT_STATE_DISCONNECTED, error);
}

static void
silent_cb (ClusterLinks *links,
           gpointer user_data)
{
  cluster_map_refresh (((ClusterClient *) user_data)->map, NULL, NULL, NULL);
}

static void
client_drop_waiting (ClusterClient *self)
{
  cluster_map_forget (self->map, self);
  g_queue_clear_full (&self->waiting, g_object_unref);
}

/* The program has closed it. */
static void
state_cb (ClusterClient *self)
{
  TornadisClientState state;

  /* It may do so where it is told of another state. */
  g_object_get (self->client, "state", &state, NULL);
  if (state != TORNADIS_CLIENT_STATE_DISCONNECTED || self->state == state)
    return;

  self->state = state;
  cluster_transaction_reset (self);
  cluster_links_close (self->links);
  if (self->parts != NULL)
    tornadis_client_close (self->parts);
  client_drop_waiting (self);
}

static void
connected_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (TornadisCall) call = user_data;
  ClusterTrip *trip = cluster_trip_get (call);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  if (!tornadis_client_connect_finish (TORNADIS_CLIENT (object), result, &error))
    {
      if (!g_cancellable_is_cancelled (trip->cancellable))
        tornadis_call_return_error (call, error);
      return;
    }

  if (g_cancellable_is_cancelled (trip->cancellable))
    return;
  value = g_variant_ref_sink (g_variant_new_string ("OK"));
  reply = tornadis_reply_new_from_variant (value);
  tornadis_call_return_reply (call, reply);
}

static void
client_connect (ClusterClient *self,
                TornadisCall *call)
{
  tornadis_client_connect_async (cluster_client_get_home (self), cluster_trip_begin (call, FALSE), connected_cb, g_object_ref (call));
}

/* tornadis_client_connect_async(): programs cannot call it otherwise. */
static gboolean
is_connect (TornadisCall *call)
{
  TornadisCommand *command = tornadis_call_get_command (call);

  return command != NULL && command_is (command, "HELLO");
}

static void
client_take_up (ClusterClient *self,
                TornadisCall *call)
{
  if (G_UNLIKELY (is_connect (call)))
    client_connect (self, call);
  else
    cluster_client_route (self, call);
}

static void
known_cb (const GError *error,
          gpointer user_data)
{
  ClusterClient *self = g_rc_box_acquire (user_data);
  GQueue waiting = self->waiting;

  g_queue_init (&self->waiting);
  if (error != NULL)
    client_say_state (self, TORNADIS_CLIENT_STATE_DISCONNECTED, NULL);

  while (!g_queue_is_empty (&waiting))
    {
      g_autoptr (TornadisCall) call = g_queue_pop_head (&waiting);

      if (tornadis_call_is_abandoned (call))
        continue;
      if (error != NULL)
        tornadis_call_return_error (call, error);
      else if (self->is_gone)
        cluster_client_refuse_gone (call);
      else
        client_take_up (self, call);
    }
  g_rc_box_release (self);
}

/* Until the cluster is known calls wait as they would for a connection. */
static gboolean
client_has_room (ClusterClient *self)
{
  guint max_pending;

  g_object_get (self->client, "max-pending", &max_pending, NULL);

  return g_queue_get_length (&self->waiting) < max_pending;
}

/* Whether the plugin is still there. */
static gboolean
client_say_connecting (ClusterClient *self)
{
  gboolean is_gone;

  g_rc_box_acquire (self);
  client_say_state (self, TORNADIS_CLIENT_STATE_CONNECTING, NULL);
  is_gone = self->is_gone;
  g_rc_box_release (self);

  return !is_gone;
}

gboolean
cluster_client_call (ClusterClient *self,
                     TornadisCall *call)
{
  if (self->state == TORNADIS_CLIENT_STATE_DISCONNECTED)
    {
      gboolean autoconnect = TRUE;

      if (self->whole == self && !is_connect (call))
        g_object_get (self->client, "autoconnect", &autoconnect, NULL);
      if (!autoconnect)
        {
          fail_call (call, TORNADIS_ERROR_CLOSED, "%s: the client is not connected", tornadis_call_get_name (call));
          return TRUE;
        }
      if (!client_say_connecting (self))
        {
          cluster_client_refuse_gone (call);
          return TRUE;
        }
    }

  if (G_LIKELY (cluster_map_is_ready (self->map) && g_queue_is_empty (&self->waiting)))
    {
      client_take_up (self, call);
      return TRUE;
    }

  if (!client_has_room (self))
    {
      fail_call (call, TORNADIS_ERROR_BUSY, "%s: too many calls wait for the cluster", tornadis_call_get_name (call));
      return TRUE;
    }

  if (g_queue_is_empty (&self->waiting))
    cluster_map_refresh (self->map, NULL, known_cb, self);
  g_queue_push_tail (&self->waiting, g_object_ref (call));

  return TRUE;
}

TornadisClient *
cluster_client_route_quickly (ClusterClient *self,
                              TornadisCommand *command)
{
  const CommandEntry *entry;
  guint slot;

  if (G_UNLIKELY (self->state != TORNADIS_CLIENT_STATE_CONNECTED || !g_queue_is_empty (&self->waiting) ||
                  self->transaction.in_multi || self->transaction.watches || !cluster_map_is_ready (self->map)))
    return NULL;

  entry = cluster_map_find_command (self->map, command);
  if (G_UNLIKELY (!cluster_route_find_slot (entry, command, &slot)))
    return NULL;

  return get_node_of_slot (self, slot, (command_entry_get_flags (entry) & COMMAND_FLAG_READONLY) != 0);
}

void
cluster_client_call_done (ClusterClient *self,
                          TornadisCall *call)
{
  TornadisClient *target = tornadis_call_get_target (call);
  ClusterTrip *trip;
  g_autoptr (GError) error = NULL;
  guint delay_msec;

  if (G_LIKELY (tornadis_call_get_reply (call) != NULL))
    return;

  error = tornadis_call_dup_error (call);
  trip = cluster_trip_get (call);
  if (tornadis_call_is_abandoned (call))
    {
      if (g_queue_remove (&self->waiting, call))
        g_object_unref (call);
      if (trip == NULL || trip->cancellable == NULL)
        return;
      g_cancellable_cancel (trip->cancellable);
      /* What was made on its behalf may have been written. */
      if (trip->has_sent && g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED))
        {
          g_autoptr (GError) lost = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, error->message);

          tornadis_call_return_error (call, lost);
        }
      return;
    }

  if (target == NULL)
    return;

  if (cluster_trip_go_on (self, call, target, &error, &delay_msec))
    tornadis_call_retry (call, delay_msec);
  else
    tornadis_call_return_error (call, error);
}

void
cluster_client_update (ClusterClient *self)
{
  if (self->whole == self && !self->is_gone)
    cluster_links_set_topology (self->links, cluster_map_get_topology (self->map));
}

ClusterClient *
cluster_client_new (TornadisPlugin *plugin,
                    TornadisClient *client,
                    ClusterClient *whole,
                    ClusterMap *map,
                    const ClusterSettings *settings,
                    ClusterCounters *counters,
                    TornadisPlugin *setup)
{
  ClusterClient *self = g_rc_box_new0 (ClusterClient);

  self->plugin = plugin;
  self->client = client;
  self->whole = whole != NULL ? whole : self;
  self->map = map;
  self->settings = settings;
  self->counters = counters;
  self->transaction.slot = -1;
  g_queue_init (&self->waiting);
  if (whole != NULL)
    {
      self->links = whole->links;
      self->state = TORNADIS_CLIENT_STATE_CONNECTED;
      return self;
    }

  self->links = cluster_links_new (plugin, client, setup, links_cb, silent_cb, self);
  if (cluster_map_get_topology (map) != NULL)
    cluster_client_update (self);
  g_signal_connect_swapped (client, "notify::state", G_CALLBACK (state_cb), self);

  return self;
}

void
cluster_client_free (ClusterClient *self)
{
  /* Calls end within this. */
  self->is_gone = TRUE;
  client_drop_waiting (self);
  cluster_transaction_reset (self);
  if (self->whole == self)
    {
      g_signal_handlers_disconnect_by_func (self->client, state_cb, self);
      if (self->parts != NULL)
        tornadis_client_remove_plugin (self->parts, self->plugin);
      g_clear_object (&self->parts);
      cluster_links_free (self->links);
    }
  g_clear_pointer (&self->home, g_free);
  g_rc_box_release (self);
}
