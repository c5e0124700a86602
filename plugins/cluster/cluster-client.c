/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection of a client of the application, as it looks to that, and its calls until the cluster is known. */

#include "cluster/cluster-client.h"

#include "cluster/cluster-answer.h"
#include "cluster/cluster-connect.h"
#include "cluster/cluster-transaction.h"
#include "cluster/cluster-trip.h"
#include "cluster/cluster-wait.h"
#include "common/client-properties.h"

#define REMOVED "%s: the plugin was removed"

void
cluster_client_refuse_gone (TornadisCall *call)
{
  cluster_answer_error (call, TORNADIS_ERROR_CLOSED, REMOVED, tornadis_call_get_name (call));
}

GError *
cluster_client_make_gone_error (TornadisCall *call)
{
  return g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, REMOVED, tornadis_call_get_name (call));
}

void
cluster_client_explain_gone (TornadisCall *call)
{
  g_autoptr (GError) error = tornadis_call_dup_error (call);

  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST) || g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED))
    cluster_answer_error (call, (TornadisError) error->code, REMOVED, tornadis_call_get_name (call));
}

void
cluster_client_explain (ClusterClient *self,
                        TornadisClient *sent,
                        const char *name,
                        GError **error)
{
  gboolean is_lost = g_error_matches (*error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_autofree char *title = NULL;

  if (!is_lost && !g_error_matches (*error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED))
    return;

  if (self->is_gone)
    {
      int code = (*error)->code;

      g_clear_error (error);
      *error = g_error_new (TORNADIS_ERROR, code, REMOVED, name);
    }
  else if (sent != NULL && cluster_links_has_given_up (sent))
    {
      g_object_get (sent, "title", &title, NULL);
      g_clear_error (error);
      *error = g_error_new (TORNADIS_ERROR, is_lost ? TORNADIS_ERROR_LOST : TORNADIS_ERROR_CONNECT,
                            "%s: the cluster says that its node %s has failed", name, title);
    }
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
  if (state != TORNADIS_CLIENT_STATE_DISCONNECTED)
    cluster_map_wake (self->map);
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

void
cluster_client_say_down (ClusterClient *self)
{
  if (!cluster_links_is_connected (self->links))
    client_say_state (self->whole, TORNADIS_CLIENT_STATE_DISCONNECTED, NULL);
}

/* They end: the program has closed the client, or the plugin is removed. */
static void
client_drop_waiting (ClusterClient *self)
{
  GQueue waiting = self->waiting;

  g_queue_init (&self->waiting);
  cluster_map_forget (self->map, self);
  while (!g_queue_is_empty (&waiting))
    {
      g_autoptr (TornadisCall) call = g_queue_pop_head (&waiting);

      if (self->is_gone && !tornadis_call_is_abandoned (call))
        cluster_client_refuse_gone (call);
    }
}

static gboolean
client_has_plugin (ClusterClient *self)
{
  GListModel *plugins = tornadis_client_get_plugins (self->client);

  for (guint i = 0; i < g_list_model_get_n_items (plugins); i++)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (plugins, i);

      if (plugin == self->plugin)
        return TRUE;
    }

  return FALSE;
}

/* The program has closed it, unless the plugin is being removed, of which it hears next. */
static void
state_cb (ClusterClient *self)
{
  TornadisClientState state;

  /* It may do so where it is told of another state. */
  g_object_get (self->client, "state", &state, NULL);
  if (state != TORNADIS_CLIENT_STATE_DISCONNECTED || self->state == state || !client_has_plugin (self))
    return;

  self->state = state;
  cluster_transaction_reset (self);
  cluster_links_close (self->links);
  if (self->parts != NULL)
    tornadis_client_close (self->parts);
  client_drop_waiting (self);
}

/* Hooks of other plugins, on the clients of nodes, may remove this one. */
static void
client_take_up (ClusterClient *self,
                TornadisCall *call)
{
  g_rc_box_acquire (self);
  if (G_UNLIKELY (cluster_is_connect (call)))
    cluster_connect (self, call);
  else
    cluster_client_route (self, call);
  g_rc_box_release (self);
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

      cluster_wait_end (call);
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
  g_autoptr (GError) error = NULL;

  if (self->state == TORNADIS_CLIENT_STATE_DISCONNECTED)
    {
      gboolean autoconnect = TRUE;

      if (self->whole == self && !cluster_is_connect (call))
        g_object_get (self->client, "autoconnect", &autoconnect, NULL);
      if (!autoconnect)
        {
          cluster_answer_error (call, TORNADIS_ERROR_CLOSED, "%s: the client is not connected", tornadis_call_get_name (call));
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

  /* It waits as it would for a connection. */
  if (!cluster_wait_begin (self, call, &error))
    {
      tornadis_call_return_error (call, error);
      return TRUE;
    }

  if (g_queue_is_empty (&self->waiting))
    cluster_map_refresh (self->map, NULL, known_cb, self);
  g_queue_push_tail (&self->waiting, g_object_ref (call));

  return TRUE;
}

/* Whether the plugin is still there: those may remove it who are told that there is no transaction. */
static gboolean
client_end_opener (ClusterClient *self,
                   TornadisCall *call)
{
  gboolean is_gone;

  g_rc_box_acquire (self);
  cluster_transaction_multi_done (self, call);
  is_gone = self->is_gone;
  g_rc_box_release (self);

  return !is_gone;
}

void
cluster_client_call_done (ClusterClient *self,
                          TornadisCall *call)
{
  TornadisClient *target = tornadis_call_get_target (call);
  ClusterTrip *trip;
  g_autoptr (GError) error = NULL;
  guint delay_msec;

  if (G_UNLIKELY (self->transaction.opener == call) && !client_end_opener (self, call))
    return;
  if (G_LIKELY (tornadis_call_get_reply (call) != NULL))
    {
      /* Somebody may keep it, as garbage collectors do. */
      if (G_UNLIKELY (self->whole->n_waiting_commands > 0))
        cluster_wait_end (call);
      return;
    }

  error = tornadis_call_dup_error (call);
  trip = cluster_trip_get (call);
  if (tornadis_call_is_abandoned (call))
    {
      cluster_wait_end (call);
      if (g_queue_remove (&self->waiting, call))
        g_object_unref (call);
      if (trip == NULL || trip->cancellable == NULL)
        return;
      cluster_trip_cancel (trip);
      /* What was made on its behalf may have been written. */
      if (trip->has_sent && g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED))
        {
          g_autoptr (GError) lost = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, error->message);

          tornadis_call_return_error (call, lost);
        }
      return;
    }

  if (target == NULL)
    {
      cluster_wait_end (call);
      return;
    }

  /* Those that are told of a state, or of slots that have moved, may remove the plugin. */
  g_rc_box_acquire (self);
  if (cluster_trip_go_on (self, call, target, &error, &delay_msec))
    {
      /* If there is no time for another attempt. That a slot is elsewhere is no answer for the caller, unless it has to begin a
       * transaction anew. */
      trip = cluster_trip_get (call);
      if (trip->target != NULL && !tornadis_call_is_in_transaction (call))
        cluster_answer_error (call, TORNADIS_ERROR_TIMEOUT, "%s was sent to another node until its time was over",
                              tornadis_call_get_name (call));
      tornadis_call_retry (call, delay_msec);
    }
  else
    {
      cluster_wait_end (call);
      tornadis_call_return_error (call, error);
    }
  g_rc_box_release (self);
}

void
cluster_client_update (ClusterClient *self)
{
  if (self->whole == self)
    cluster_links_set_topology (self->links, cluster_map_get_topology (self->map));
}

void
cluster_client_follow_update (ClusterClient *self,
                              gboolean has_moved)
{
  if (self->whole == self && !self->is_gone)
    cluster_links_follow_topology (self->links, has_moved);
}

ClusterClient *
cluster_client_new (TornadisPlugin *plugin,
                    TornadisClient *client,
                    ClusterClient *whole,
                    const char *title,
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
  self->connectable = cluster_connectable_new (title, NULL, NULL);
  g_object_set (client, "connectable", self->connectable, NULL);
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

/* Calls end within this. */
static void
client_free (ClusterClient *self)
{
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
  g_clear_object (&self->spare);
  g_clear_pointer (&self->home, g_free);
  client_leave_connectable (self->client, G_SOCKET_CONNECTABLE (self->connectable));
  g_clear_object (&self->connectable);
  g_rc_box_release (self);
}

static gboolean
free_cb (gpointer user_data)
{
  ClusterClient *self = user_data;
  TornadisPlugin *plugin = self->plugin;
  TornadisClient *client = self->client;

  if (cluster_links_is_making (self->links))
    {
      cluster_links_do_later (self->links, free_cb, self);
      return G_SOURCE_REMOVE;
    }

  client_free (self);
  g_object_unref (client);
  g_object_unref (plugin);

  return G_SOURCE_REMOVE;
}

void
cluster_client_free (ClusterClient *self)
{
  self->is_gone = TRUE;
  if (!cluster_links_is_making (self->links))
    {
      client_free (self);
      return;
    }

  /* Another plugin removes this one while it is put on the client of a node, by what is at work with all of these now. */
  g_object_ref (self->plugin);
  g_object_ref (self->client);
  cluster_links_do_later (self->links, free_cb, self);
}
