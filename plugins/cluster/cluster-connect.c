/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis_client_connect_async(): any node will do. They are tried one after the other, and one that takes long is not waited
 * for alone. */

#include "cluster/cluster-connect.h"

#include "cluster/cluster-answer.h"
#include "cluster/cluster-trip.h"
#include "common/commands.h"

/* After this another one is tried, too. */
#define PATIENCE_MSEC 1000

/* It lives as long as an attempt is awaited. */
typedef struct
{
  ClusterClient *client;     /* (owned) */
  TornadisCall *call;        /* (owned) */
  GCancellable *cancellable; /* (owned) of the attempts; cancelled when nobody waits for the call any more */
  GHashTable *tried;         /* (owned) (element-type utf8) the keys of nodes */
  GSource *timer;            /* (owned) (nullable) the next attempt */
  GError *error;             /* (owned) (nullable) why the last one has failed */
  gint64 deadline;           /* monotonic time, or G_MAXINT64 */
  guint n_awaited;
  gboolean is_done;
} Connecting;

typedef struct
{
  Connecting *connecting; /* (owned) */
  char *key;              /* (owned) of the node */
  gboolean is_master;
} Attempt;

static void connecting_go_on (Connecting *self);

gboolean
cluster_is_connect (TornadisCall *call)
{
  TornadisCommand *command = tornadis_call_get_command (call);

  /* Programs cannot call it. */
  return command != NULL && command_is (command, "HELLO");
}

static void
connecting_stop_timer (Connecting *self)
{
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

static void
connecting_clear (gpointer data)
{
  Connecting *self = data;

  g_assert (self->is_done && self->timer == NULL);
  g_hash_table_unref (self->tried);
  g_clear_error (&self->error);
  g_object_unref (self->cancellable);
  g_object_unref (self->call);
  g_rc_box_release (self->client);
}

static void
connecting_unref (gpointer data)
{
  g_rc_box_release_full (data, connecting_clear);
}

/* The attempts that go on are given up. What the answer calls back may be anything. */
static void
connecting_end (Connecting *self,
                const GError *error)
{
  self->is_done = TRUE;
  g_cancellable_cancel (self->cancellable);
  if (error != NULL && !self->client->is_gone)
    cluster_client_say_down (self->client);

  if (self->client->is_gone)
    cluster_client_refuse_gone (self->call);
  else if (error != NULL)
    tornadis_call_return_error (self->call, error);
  else
    cluster_answer_line (self->call, "+OK");
}

/* The node that calls go to which any may serve comes first; then masters, then replicas, and last those that have failed.
 * NULL: all that are known have been tried. */
static const ClusterNode *
connecting_choose (Connecting *self)
{
  const GPtrArray *nodes = cluster_topology_get_nodes (cluster_map_get_topology (self->client->map));
  const ClusterNode *chosen = NULL;
  guint best = G_MAXUINT;
  gint32 n = 0;

  for (guint i = 0; i < nodes->len; i++)
    {
      const ClusterNode *node = g_ptr_array_index (nodes, i);
      guint rank = g_strcmp0 (node->key, self->client->home) == 0 ? 0 : node->is_master ? 1
                                                                                        : 2;

      if (node->health == CLUSTER_HEALTH_FAILED)
        rank = 3;
      if (rank > best || g_hash_table_contains (self->tried, node->key))
        continue;
      if (rank < best)
        n = 0;
      best = rank;
      /* Of those that are as good any, so that not all clients go to the same. */
      if (g_random_int_range (0, ++n) == 0)
        chosen = node;
    }

  return chosen;
}

static void
tried_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  Attempt *attempt = user_data;
  Connecting *self = attempt->connecting;
  g_autoptr (GError) error = NULL;
  gboolean is_connected = tornadis_client_connect_finish (TORNADIS_CLIENT (object), result, &error);

  self->n_awaited--;
  if (is_connected && !self->is_done && !g_cancellable_is_cancelled (self->cancellable))
    {
      if (attempt->is_master)
        {
          g_free (self->client->home);
          self->client->home = g_strdup (attempt->key);
        }
      connecting_stop_timer (self);
      connecting_end (self, NULL);
    }
  else if (!self->is_done)
    {
      g_clear_error (&self->error);
      self->error = g_steal_pointer (&error);
      connecting_go_on (self);
    }

  g_free (attempt->key);
  g_free (attempt);
  connecting_unref (self);
}

static void
connecting_try (Connecting *self,
                const ClusterNode *node)
{
  Attempt *attempt = g_new (Attempt, 1);

  *attempt = (Attempt){ g_rc_box_acquire (self), g_strdup (node->key), node->is_master };
  g_hash_table_add (self->tried, g_strdup (node->key));
  self->n_awaited++;
  tornadis_client_connect_async (cluster_links_get (self->client->links, node), self->cancellable, tried_cb, attempt);
}

static gboolean
timer_cb (gpointer user_data)
{
  connecting_go_on (user_data);

  return G_SOURCE_REMOVE;
}

static void
connecting_start_timer (Connecting *self)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  gint64 left = (self->deadline - g_get_monotonic_time ()) / G_TIME_SPAN_MILLISECOND + 1;

  self->timer = g_timeout_source_new ((guint) CLAMP (left, 0, PATIENCE_MSEC));
  g_source_set_static_name (self->timer, "[tornadis] cluster, connects to another node");
  g_source_set_callback (self->timer, timer_cb, g_rc_box_acquire (self), connecting_unref);
  g_source_attach (self->timer, context);
}

/* Tries another one, if there is any and there is time left. */
static void
connecting_go_on (Connecting *self)
{
  gboolean is_over = self->client->is_gone || g_get_monotonic_time () >= self->deadline;
  const ClusterNode *node = is_over ? NULL : connecting_choose (self);
  g_autoptr (GError) error = NULL;

  connecting_stop_timer (self);
  if (g_cancellable_is_cancelled (self->cancellable))
    {
      self->is_done = TRUE;
      return;
    }

  if (node != NULL)
    connecting_try (self, node);
  if (!is_over && self->n_awaited > 0)
    {
      connecting_start_timer (self);
      return;
    }

  error = self->error != NULL ? g_error_copy (self->error)
                              : g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT,
                                                     "No node of the cluster was connected within the connect timeout");
  connecting_end (self, error);
}

void
cluster_connect (ClusterClient *client,
                 TornadisCall *call)
{
  Connecting *self = g_rc_box_new0 (Connecting);
  guint timeout_sec;

  g_object_get (client->client, "connect-timeout", &timeout_sec, NULL);
  self->client = g_rc_box_acquire (client);
  self->call = g_object_ref (call);
  self->cancellable = g_object_ref (cluster_trip_begin (client, call, FALSE));
  self->tried = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->deadline = timeout_sec > 0 ? g_get_monotonic_time () + timeout_sec * G_TIME_SPAN_SECOND : G_MAXINT64;
  /* Chooses it. */
  cluster_client_get_home (client);
  connecting_go_on (self);
  connecting_unref (self);
}
