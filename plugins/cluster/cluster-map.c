/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-map.h"

#include <string.h>

#include "cluster/cluster-connectable.h"
#include "common/client-properties.h"
#include "common/uri-hosts.h"

/* A node that takes longer is left for the next one. */
#define ASK_MSEC 2000
/* So many are asked at a time, the seeds among them: of hundreds of nodes some are up, or the network is not. */
#define MAX_ASKED 12
/* Between two looks, doubled each time up to the most, and halved at random: what all clients of a cluster see at the same
 * time, such as a failover, does not make all of them ask at the same time. A failover takes some seconds; whatever is not
 * over after MAX_QUICK_LOOKS is something else. */
#define MIN_PAUSE_MSEC 50
#define QUICK_PAUSE_MSEC 400
#define MAX_QUICK_LOOKS 24
#define MAX_PAUSE_MSEC 5000
/* How long nothing must have asked for a look until pauses are short again. */
#define CALM_MSEC 10000
/* Nobody tells of replicas that were added. */
#define PERIOD_MSEC 60000

typedef struct
{
  ClusterMapFunc func;
  gpointer user_data; /* (unowned) */
} Waiter;

struct _ClusterMap
{
  TornadisPlugin *plugin; /* (unowned) */
  char *title;            /* (owned) */
  GPtrArray *seeds;       /* (owned) (element-type GNetworkAddress) */
  ClusterMapChanged changed;
  gpointer user_data;        /* (unowned) */
  TornadisClient *model;     /* (unowned) (nullable) */
  ClusterTopology *topology; /* (owned) (nullable) */
  CommandTable *table;       /* (owned) */
  TornadisClient *spokesman; /* (owned) (nullable) whose commands those of the table are, not connected any more */

  /* A look at the cluster. */
  GArray *waiters;           /* (owned) (element-type Waiter) */
  guint n_due;               /* so many of them, the first, are being told how the last look ended */
  GPtrArray *nodes;          /* (owned) (nullable) (element-type GNetworkAddress) who is asked; NULL: none is now */
  guint next;                /* of them */
  TornadisClient *client;    /* (owned) (nullable) of the one that is asked now */
  ClusterTopology *found;    /* (owned) (nullable) what it has said, while it is asked for its commands */
  GCancellable *cancellable; /* (owned) (nullable) */
  GNetworkAddress *hint;     /* (owned) (nullable) for the next */
  GSource *timer;            /* (owned) (nullable) the next */
  gboolean is_soon;          /* it was asked for, and is not that of the period */
  guint pause_msec;          /* the next, and how many there were since it was calm */
  guint n_looks;
  gint64 ended_at; /* monotonic time; 0: never */
  guint64 n_refreshes;
};

typedef struct
{
  ClusterMap *map;           /* (unowned) valid unless it is cancelled */
  GCancellable *cancellable; /* (owned) */
} Question;

static void ask_next (ClusterMap *self,
                      const GError *error);

static void
shuffle (GPtrArray *array,
         guint from)
{
  for (guint i = array->len; i > from + 1; i--)
    {
      guint other = (guint) g_random_int_range ((gint32) from, (gint32) i);
      gpointer last = array->pdata[i - 1];

      array->pdata[i - 1] = array->pdata[other];
      array->pdata[other] = last;
    }
}

static gboolean
contains_node (GPtrArray *nodes,
               GNetworkAddress *node)
{
  for (guint i = 0; i < nodes->len; i++)
    {
      if (uri_host_equal (g_ptr_array_index (nodes, i), node))
        return TRUE;
    }

  return FALSE;
}

/* Takes @node (transfer full) if it is not there yet. */
static void
add_node (GPtrArray *nodes,
          GNetworkAddress *node)
{
  if (contains_node (nodes, node))
    g_object_unref (node);
  else
    g_ptr_array_add (nodes, node);
}

static GNetworkAddress *
address_of (const ClusterNode *node)
{
  return G_NETWORK_ADDRESS (g_network_address_new (node->host, node->port));
}

/* Who is to be asked, in this order: who is said to know more, half of the room for those that are known and not known to be
 * down, at random, and the seeds. */
static GPtrArray *
map_get_nodes (ClusterMap *self)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);
  const GPtrArray *known = self->topology != NULL ? cluster_topology_get_nodes (self->topology) : NULL;
  guint n_hints;

  if (self->hint != NULL)
    g_ptr_array_add (nodes, g_steal_pointer (&self->hint));

  n_hints = nodes->len;
  for (guint i = 0; known != NULL && i < known->len; i++)
    {
      const ClusterNode *node = g_ptr_array_index (known, i);

      if (node->health != CLUSTER_HEALTH_FAILED)
        add_node (nodes, address_of (node));
    }
  shuffle (nodes, n_hints);
  if (nodes->len > MAX_ASKED / 2)
    g_ptr_array_set_size (nodes, MAX_ASKED / 2);

  n_hints = nodes->len;
  for (guint i = 0; i < self->seeds->len; i++)
    add_node (nodes, g_object_ref (g_ptr_array_index (self->seeds, i)));
  shuffle (nodes, n_hints);
  if (nodes->len > MAX_ASKED)
    g_ptr_array_set_size (nodes, MAX_ASKED);

  return nodes;
}

static void
map_clear_timer (ClusterMap *self)
{
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

static void
map_stop_asking (ClusterMap *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->found, cluster_topology_unref);
  if (self->client != NULL)
    tornadis_client_close (self->client);
  g_clear_object (&self->client);
  g_clear_pointer (&self->nodes, g_ptr_array_unref);
}

static void
map_begin (ClusterMap *self)
{
  map_clear_timer (self);
  self->is_soon = FALSE;
  self->nodes = map_get_nodes (self);
  self->next = 0;
  self->n_refreshes++;
  ask_next (self, NULL);
}

static gboolean
timer_cb (gpointer user_data)
{
  map_begin (user_data);

  return G_SOURCE_REMOVE;
}

static void
map_begin_later (ClusterMap *self,
                 guint msec)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  map_clear_timer (self);
  self->timer = g_timeout_source_new (msec / 2 + (guint) g_random_int_range (0, (gint32) msec / 2 + 1));
  g_source_set_static_name (self->timer, "[tornadis] cluster, looks at it");
  g_source_set_callback (self->timer, timer_cb, self, NULL);
  g_source_attach (self->timer, context);
}

/* All nodes have been asked, or one could say. Each of those who wait may do anything, and make others forgotten. */
static void
map_end (ClusterMap *self,
         const GError *error)
{
  /* It owns this. */
  g_autoptr (TornadisPlugin) alive G_GNUC_UNUSED = g_object_ref (self->plugin);

  map_stop_asking (self);
  self->ended_at = g_get_monotonic_time ();
  map_begin_later (self, PERIOD_MSEC);

  self->n_due = self->waiters->len;
  while (self->n_due > 0)
    {
      Waiter waiter = g_array_index (self->waiters, Waiter, 0);

      g_array_remove_index (self->waiters, 0);
      self->n_due--;
      waiter.func (error, waiter.user_data);
    }
}

static void
question_free (Question *self)
{
  g_object_unref (self->cancellable);
  g_free (self);
}

static Question *
question_new (ClusterMap *self)
{
  Question *question = g_new (Question, 1);

  *question = (Question){ self, g_object_ref (self->cancellable) };

  return question;
}

/* The node that is asked has said all that is wanted of it. */
static void
map_take (ClusterMap *self)
{
  g_autoptr (ClusterTopology) found = g_steal_pointer (&self->found);
  /* Nodes that have failed are closed now, and their calls end. */
  g_autoptr (TornadisPlugin) alive G_GNUC_UNUSED = g_object_ref (self->plugin);

  g_set_object (&self->spokesman, self->client);
  if (self->topology == NULL || !cluster_topology_equal (self->topology, found))
    {
      g_clear_pointer (&self->topology, cluster_topology_unref);
      self->topology = g_steal_pointer (&found);
      self->changed (self->user_data);
    }
  map_end (self, NULL);
}

static void
commands_known_cb (const GError *error,
                   gpointer user_data)
{
  ClusterMap *self = user_data;

  /* A node was asked that is not waited for any more. */
  if (self->found == NULL)
    return;

  if (error != NULL)
    ask_next (self, error);
  else
    map_take (self);
}

static void
map_ask (ClusterMap *self,
         const char *what,
         GAsyncReadyCallback callback)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "CLUSTER", what, NULL });

  tornadis_client_call_async (self->client, command, self->cancellable, callback, question_new (self));
}

/* @topology (transfer full) (nullable) is what the node says. */
static void
map_hear (ClusterMap *self,
          ClusterTopology *topology,
          const GError *error)
{
  g_autoptr (GError) useless = NULL;

  if (topology == NULL)
    {
      ask_next (self, error);
      return;
    }

  self->found = topology;
  if (cluster_topology_get_n_slots (topology) == 0)
    {
      useless = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "%s: no node has slots", self->title);
      ask_next (self, useless);
      return;
    }

  if (command_table_is_ready (self->table, self->client, commands_known_cb, self))
    map_take (self);
}

/* Whether the server does not know that subcommand. */
static gboolean
is_too_old (const GError *error)
{
  return g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY) && g_str_has_prefix (error->message, "ERR") &&
         (strstr (error->message, "nknown subcommand") != NULL || strstr (error->message, "nknown command") != NULL);
}

static TornadisReply *
finish_question (ClusterMap **self,
                 GObject *object,
                 GAsyncResult *result,
                 gpointer user_data,
                 GError **error)
{
  Question *question = user_data;
  TornadisReply *reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, error);

  *self = g_cancellable_is_cancelled (question->cancellable) ? NULL : question->map;
  question_free (question);

  return reply;
}

static const char *
map_get_asked_host (ClusterMap *self)
{
  return g_network_address_get_hostname (g_ptr_array_index (self->nodes, self->next - 1));
}

static void
slots_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  ClusterMap *self;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = finish_question (&self, object, result, user_data, &error);
  ClusterTopology *topology = NULL;

  if (self == NULL)
    return;

  if (reply != NULL)
    topology = cluster_topology_new_from_slots (reply, map_get_asked_host (self), &error);
  map_hear (self, topology, error);
}

static void
shards_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  ClusterMap *self;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = finish_question (&self, object, result, user_data, &error);
  ClusterTopology *topology = NULL;
  gboolean use_tls;

  if (self == NULL)
    return;

  if (is_too_old (error))
    {
      map_ask (self, "SLOTS", slots_cb);
      return;
    }

  g_object_get (self->client, "tls", &use_tls, NULL);
  if (reply != NULL)
    topology = cluster_topology_new_from_shards (reply, map_get_asked_host (self), use_tls, &error);
  map_hear (self, topology, error);
}

/* @error (nullable) is why the one before was of no use. */
static void
ask_next (ClusterMap *self,
          const GError *error)
{
  g_autoptr (ClusterConnectable) connectable = NULL;
  g_autoptr (GSocketConnectable) identity = NULL;
  g_autoptr (TornadisClient) before = g_steal_pointer (&self->client);
  GNetworkAddress *node;

  g_clear_pointer (&self->found, cluster_topology_unref);
  if (self->next == self->nodes->len || self->model == NULL)
    {
      g_autoptr (GError) why = error != NULL ? g_error_copy (error)
                                             : g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "The plugin was removed");

      if (before != NULL)
        tornadis_client_close (before);
      map_end (self, why);
      return;
    }

  node = g_ptr_array_index (self->nodes, self->next++);
  connectable = cluster_connectable_new_fixed (self->title, node);
  if (self->cancellable == NULL)
    self->cancellable = g_cancellable_new ();
  self->client = g_object_new (TORNADIS_TYPE_CLIENT, NULL);
  client_copy_properties (self->model, self->client);
  g_object_get (self->client, "tls-server-identity", &identity, NULL);
  g_object_set (self->client,
                "connectable", connectable,
                /* The certificate is that of the node, unless the program knows better. */
                "tls-server-identity", identity != NULL ? identity : G_SOCKET_CONNECTABLE (node),
                "call-timeout-msec", ASK_MSEC,
                "db", 0,
                NULL);
  if (before != NULL)
    tornadis_client_close (before);
  map_ask (self, "SHARDS", shards_cb);
}

ClusterMap *
cluster_map_new (TornadisPlugin *plugin,
                 const char *title,
                 GPtrArray *seeds,
                 ClusterMapChanged changed,
                 gpointer user_data)
{
  ClusterMap *self = g_new0 (ClusterMap, 1);

  self->plugin = plugin;
  self->title = g_strdup (title);
  self->seeds = seeds;
  self->changed = changed;
  self->user_data = user_data;
  self->table = command_table_new (plugin);
  self->waiters = g_array_new (FALSE, FALSE, sizeof (Waiter));
  self->pause_msec = MIN_PAUSE_MSEC;

  return self;
}

void
cluster_map_free (ClusterMap *self)
{
  map_clear_timer (self);
  map_stop_asking (self);
  command_table_free (self->table);
  g_clear_object (&self->spokesman);
  g_clear_object (&self->hint);
  g_clear_pointer (&self->topology, cluster_topology_unref);
  g_array_unref (self->waiters);
  g_ptr_array_unref (self->seeds);
  g_free (self->title);
  g_free (self);
}

void
cluster_map_set_model (ClusterMap *self,
                       TornadisClient *model)
{
  self->model = model;
  if (model != NULL)
    return;

  map_clear_timer (self);
  self->is_soon = FALSE;
  map_stop_asking (self);
}

gboolean
cluster_map_is_ready (ClusterMap *self)
{
  return self->spokesman != NULL;
}

ClusterTopology *
cluster_map_get_topology (ClusterMap *self)
{
  return self->topology;
}

const CommandEntry *
cluster_map_find_command (ClusterMap *self,
                          TornadisCommand *command)
{
  return self->spokesman != NULL ? command_table_find (self->table, self->spokesman, command) : NULL;
}

void
cluster_map_refresh (ClusterMap *self,
                     GNetworkAddress *hint,
                     ClusterMapFunc func,
                     gpointer user_data)
{
  const Waiter waiter = { func, user_data };
  gint64 since = (g_get_monotonic_time () - self->ended_at) / G_TIME_SPAN_MILLISECOND;

  if (func != NULL)
    g_array_append_val (self->waiters, waiter);
  if (hint != NULL)
    g_set_object (&self->hint, hint);
  if (self->nodes != NULL)
    return;

  if (self->ended_at == 0 || since > CALM_MSEC)
    {
      self->pause_msec = MIN_PAUSE_MSEC;
      self->n_looks = 0;
      map_begin (self);
    }
  else if (!self->is_soon)
    {
      self->is_soon = TRUE;
      map_begin_later (self, self->pause_msec);
      self->n_looks++;
      self->pause_msec = MIN (self->pause_msec * 2, self->n_looks < MAX_QUICK_LOOKS ? QUICK_PAUSE_MSEC : MAX_PAUSE_MSEC);
    }
}

void
cluster_map_forget (ClusterMap *self,
                    gpointer user_data)
{
  for (guint i = self->waiters->len; i > 0; i--)
    {
      if (g_array_index (self->waiters, Waiter, i - 1).user_data != user_data)
        continue;

      g_array_remove_index (self->waiters, i - 1);
      if (i <= self->n_due)
        self->n_due--;
    }
}

GNetworkAddress *
cluster_map_choose_node (ClusterMap *self)
{
  const GPtrArray *masters = self->topology != NULL ? cluster_topology_get_masters (self->topology) : NULL;

  /* Now and then a seed: all that is known may be of yesterday. */
  if (masters != NULL && masters->len > 0 && g_random_int_range (0, 8) > 0)
    return address_of (g_ptr_array_index (masters, (guint) g_random_int_range (0, (gint32) masters->len)));

  return g_object_ref (g_ptr_array_index (self->seeds, (guint) g_random_int_range (0, (gint32) self->seeds->len)));
}

guint64
cluster_map_get_n_refreshes (ClusterMap *self)
{
  return self->n_refreshes;
}
