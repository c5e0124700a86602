/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-map.h"

#include "cluster/cluster-candidates.h"
#include "cluster/cluster-view.h"

/* So many are asked at the same time how new their view is. One that was cut off, or asleep, says what was: it is not often
 * that several of those that are chosen at random were. */
#define ASKED_AT_ONCE 3
/* A node that takes longer is not waited for, as long as there are others. */
#define ASK_MSEC 2000
/* How long the others are waited for when one has answered. */
#define OTHERS_MSEC 200
/* Between two looks, doubled each time up to the most, and halved at random: what all clients of a cluster see at the same
 * time, such as a failover, does not make all of them ask at the same time. A failover takes some seconds; whatever is not
 * over after MAX_QUICK_LOOKS, or leaves nobody who answers, is something else. */
#define MIN_PAUSE_MSEC 50
#define QUICK_PAUSE_MSEC 400
#define MAX_QUICK_LOOKS 24
#define MAX_PAUSE_MSEC 5000
/* The first look is not at once either, but within this time. Calls that were redirected have found their way. */
#define SPREAD_MSEC 100
#define REDIRECTED_SPREAD_MSEC 500
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
  ClusterMapMoved moved;
  ClusterMapUsed is_used;
  gpointer user_data;        /* (unowned) */
  TornadisClient *model;     /* (unowned) (nullable) */
  ClusterTopology *topology; /* (owned) (nullable) */
  CommandTable *table;       /* (owned) */
  TornadisClient *spokesman; /* (owned) (nullable) whose commands those of the table are, not connected any more */

  guint64 epoch; /* of the topology */

  /* A look at the cluster. */
  GArray *waiters;        /* (owned) (element-type Waiter) */
  guint n_due;            /* so many of them, the first, are being told how the last look ended */
  GPtrArray *nodes;       /* (owned) (nullable) (element-type GNetworkAddress) who is asked; NULL: none is now */
  guint next;             /* of them */
  gboolean is_patient;    /* each is waited for as long as for any connection */
  gboolean was_impatient; /* one was not waited for so long, and no answer of it was heard */
  GPtrArray *views;       /* (owned) (element-type ClusterView) of those that are being asked, in their order */
  guint n_unheard;        /* of them */
  ClusterView *chosen;    /* (unowned) (nullable) of them */
  ClusterTopology *found; /* (owned) (nullable) what it has said, while it is asked for its commands */
  GSource *patience;      /* (owned) (nullable) with the others, when one has answered */
  GNetworkAddress *hint;  /* (owned) (nullable) for the next */
  GSource *timer;         /* (owned) (nullable) the next */
  gboolean is_soon;       /* it was asked for, and is not that of the period */
  gboolean is_asleep;     /* it was to be that of the period, but the plugin was not used */
  gboolean has_failed;    /* the last: nobody could say */
  guint pause_msec;       /* the next, and how many there were since it was calm */
  guint n_looks;
  gint64 ended_at; /* monotonic time; 0: never */
  guint64 n_refreshes;
};

static void ask_next (ClusterMap *self,
                      const GError *error);

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static GSource *
attach_timeout (guint msec,
                const char *name,
                GSourceFunc func,
                ClusterMap *self)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  GSource *source = g_timeout_source_new (msec);

  g_source_set_static_name (source, name);
  g_source_set_callback (source, func, self, NULL);
  g_source_attach (source, context);

  return source;
}

/* Nobody is asked any more. */
static void
map_drop_views (ClusterMap *self)
{
  clear_source (&self->patience);
  g_clear_pointer (&self->found, cluster_topology_unref);
  self->chosen = NULL;
  self->n_unheard = 0;
  g_ptr_array_set_size (self->views, 0);
}

static void
map_stop_asking (ClusterMap *self)
{
  map_drop_views (self);
  g_clear_pointer (&self->nodes, g_ptr_array_unref);
}

static void
map_begin (ClusterMap *self)
{
  clear_source (&self->timer);
  self->is_soon = FALSE;
  self->is_asleep = FALSE;
  self->nodes = cluster_candidates_new (self->hint, self->topology, self->seeds);
  g_clear_object (&self->hint);
  self->next = 0;
  self->is_patient = self->topology == NULL && self->nodes->len <= ASKED_AT_ONCE;
  self->was_impatient = FALSE;
  self->n_refreshes++;
  ask_next (self, NULL);
}

static gboolean
timer_cb (gpointer user_data)
{
  ClusterMap *self = user_data;

  if (self->is_soon || self->is_used (self->user_data))
    {
      map_begin (self);
      return G_SOURCE_REMOVE;
    }

  self->is_asleep = TRUE;
  g_clear_pointer (&self->timer, g_source_unref);
  return G_SOURCE_REMOVE;
}

static void
map_begin_later (ClusterMap *self,
                 guint least_msec,
                 guint most_msec)
{
  clear_source (&self->timer);
  self->is_asleep = FALSE;
  self->timer = attach_timeout ((guint) g_random_int_range ((gint32) least_msec, (gint32) most_msec + 1),
                                "[tornadis] cluster, looks at it", timer_cb, self);
}

/* All nodes have been asked, or one could say. Each of those who wait may do anything, and make others forgotten. */
static void
map_end (ClusterMap *self,
         const GError *error)
{
  /* It owns this. */
  g_autoptr (TornadisPlugin) alive G_GNUC_UNUSED = g_object_ref (self->plugin);

  map_stop_asking (self);
  self->has_failed = error != NULL;
  self->ended_at = g_get_monotonic_time ();
  map_begin_later (self, PERIOD_MSEC / 2, PERIOD_MSEC);

  self->n_due = self->waiters->len;
  while (self->n_due > 0)
    {
      Waiter waiter = g_array_index (self->waiters, Waiter, 0);

      g_array_remove_index (self->waiters, 0);
      self->n_due--;
      waiter.func (error, waiter.user_data);
    }
}

/* The node that was chosen has said all that is wanted of it. */
static void
map_take (ClusterMap *self)
{
  g_autoptr (ClusterTopology) found = g_steal_pointer (&self->found);
  /* Nodes that have failed are closed now, and their calls end. */
  g_autoptr (TornadisPlugin) alive G_GNUC_UNUSED = g_object_ref (self->plugin);

  g_set_object (&self->spokesman, cluster_view_get_client (self->chosen));
  self->epoch = cluster_view_get_epoch (self->chosen);
  if (self->topology == NULL || !cluster_topology_equal (self->topology, found))
    {
      g_autoptr (ClusterTopology) before = g_steal_pointer (&self->topology);

      self->topology = g_steal_pointer (&found);
      self->changed (before, self->user_data);
    }
  map_end (self, NULL);
}

/* Whether this is not news: of a node that is cut off from those by which there was a change since. One that is not cut off is
 * believed, as the cluster may have been made anew. */
static gboolean
map_knows_better (ClusterMap *self,
                  const ClusterView *view)
{
  guint64 epoch = cluster_view_get_epoch (view);

  return self->topology != NULL && cluster_view_is_down (view) && epoch != 0 && epoch < self->epoch;
}

/* The best of those that have answered is asked for more; if there is none, others are asked. */
static void
map_choose (ClusterMap *self)
{
  g_autoptr (GError) why = NULL;

  clear_source (&self->patience);
  self->chosen = NULL;
  for (guint i = 0; i < self->views->len; i++)
    {
      ClusterView *view = g_ptr_array_index (self->views, i);
      const GError *error = cluster_view_get_error (view);

      if (cluster_view_is_usable (view) && map_knows_better (self, view))
        continue;
      if (cluster_view_is_usable (view) && (self->chosen == NULL || cluster_view_is_better (view, self->chosen)))
        self->chosen = view;
      if (error != NULL)
        {
          self->was_impatient |= g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
          g_clear_error (&why);
          why = g_error_copy (error);
        }
    }

  if (self->chosen != NULL)
    {
      cluster_view_describe (self->chosen);
    }
  else if (self->n_unheard == 0)
    {
      if (why == NULL)
        why = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "%s: its nodes are cut off from the others", self->title);
      ask_next (self, why);
    }
}

static gboolean
patience_cb (gpointer user_data)
{
  map_choose (user_data);

  return G_SOURCE_REMOVE;
}

static void
heard_cb (ClusterView *view,
          gpointer user_data)
{
  ClusterMap *self = user_data;

  self->n_unheard--;
  if (self->chosen != NULL)
    return;

  if (self->n_unheard == 0)
    map_choose (self);
  else if (self->patience == NULL && cluster_view_is_usable (view))
    {
      self->patience = attach_timeout (OTHERS_MSEC, "[tornadis] cluster, waits for nodes", patience_cb, self);
      /* Behind what others have said already: that this program has no time is not their fault. */
      g_source_set_priority (self->patience, G_PRIORITY_DEFAULT_IDLE);
    }
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
described_cb (ClusterView *view,
              gpointer user_data)
{
  ClusterMap *self = user_data;

  self->found = cluster_view_take_topology (view);
  if (self->found == NULL)
    map_choose (self);
  else if (command_table_is_ready (self->table, cluster_view_get_client (view), commands_known_cb, self))
    map_take (self);
}

/* Why a look has failed, for the calls that waited for it: none of them has run. @error (nullable) is why the last node was of
 * no use. */
static GError *
map_explain (ClusterMap *self,
             const GError *error)
{
  if (error == NULL)
    return g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "The plugin was removed");
  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT))
    return g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "%s: no node has described it in time", self->title);
  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST))
    return g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "%s: no node has described it: %s", self->title, error->message);

  return g_error_copy (error);
}

/* All have been asked. When nothing is known yet, those that may be slow have another chance, all at the same time. */
static gboolean
map_begin_again (ClusterMap *self)
{
  if (self->model == NULL || self->topology != NULL || self->is_patient || !self->was_impatient)
    return FALSE;

  self->is_patient = TRUE;
  self->next = 0;

  return TRUE;
}

/* @error (nullable) is why those before were of no use. */
static void
ask_next (ClusterMap *self,
          const GError *error)
{
  guint most, timeout_msec = ASK_MSEC;

  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT))
    self->was_impatient = TRUE;
  if (self->model == NULL || (self->next == self->nodes->len && !map_begin_again (self)))
    {
      g_autoptr (GError) why = map_explain (self, error);

      map_end (self, why);
      return;
    }

  map_drop_views (self);
  most = self->is_patient ? self->nodes->len : ASKED_AT_ONCE;
  if (self->is_patient)
    {
      g_object_get (self->model, "connect-timeout", &timeout_msec, NULL);
      timeout_msec *= 1000;
    }
  while (self->next < self->nodes->len && self->n_unheard < most)
    {
      GNetworkAddress *node = g_ptr_array_index (self->nodes, self->next++);

      g_ptr_array_add (self->views,
                       cluster_view_new (self->title, node, self->model, timeout_msec, heard_cb, described_cb, self));
      self->n_unheard++;
    }
}

ClusterMap *
cluster_map_new (TornadisPlugin *plugin,
                 const char *title,
                 GPtrArray *seeds,
                 ClusterMapChanged changed,
                 ClusterMapMoved moved,
                 ClusterMapUsed is_used,
                 gpointer user_data)
{
  ClusterMap *self = g_new0 (ClusterMap, 1);

  self->plugin = plugin;
  self->title = g_strdup (title);
  self->seeds = seeds;
  self->changed = changed;
  self->moved = moved;
  self->is_used = is_used;
  self->user_data = user_data;
  self->table = command_table_new (plugin);
  self->waiters = g_array_new (FALSE, FALSE, sizeof (Waiter));
  self->views = g_ptr_array_new_with_free_func ((GDestroyNotify) cluster_view_free);
  self->pause_msec = MIN_PAUSE_MSEC;

  return self;
}

void
cluster_map_free (ClusterMap *self)
{
  clear_source (&self->timer);
  map_stop_asking (self);
  g_ptr_array_unref (self->views);
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

  clear_source (&self->timer);
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
  gboolean is_calm = self->ended_at == 0 || g_get_monotonic_time () - self->ended_at > CALM_MSEC * G_TIME_SPAN_MILLISECOND;
  gboolean is_quick = self->n_looks < MAX_QUICK_LOOKS && !self->has_failed;

  if (func != NULL)
    g_array_append_val (self->waiters, waiter);
  if (hint != NULL)
    g_set_object (&self->hint, hint);
  if (self->nodes != NULL || self->is_soon)
    return;

  if (self->topology == NULL && is_calm)
    {
      map_begin (self);
      return;
    }

  self->is_soon = TRUE;
  if (is_calm)
    {
      self->pause_msec = MIN_PAUSE_MSEC;
      self->n_looks = 0;
      map_begin_later (self, 0, hint != NULL && func == NULL ? REDIRECTED_SPREAD_MSEC : SPREAD_MSEC);
    }
  else
    {
      self->pause_msec = MIN (self->pause_msec, is_quick ? QUICK_PAUSE_MSEC : MAX_PAUSE_MSEC);
      map_begin_later (self, self->pause_msec / 2, self->pause_msec);
      self->n_looks++;
      self->pause_msec *= 2;
    }
}

void
cluster_map_move (ClusterMap *self,
                  const ClusterRedirect *redirect,
                  const char *host)
{
  g_autoptr (GNetworkAddress) hint = G_NETWORK_ADDRESS (g_network_address_new (host, redirect->port));
  const ClusterNode *node;

  cluster_map_refresh (self, hint, NULL, NULL);
  node = self->topology != NULL ? cluster_topology_lookup (self->topology, host, redirect->port) : NULL;
  if (node != NULL && node != cluster_topology_get_master (self->topology, redirect->slot) &&
      cluster_topology_move_slot (self->topology, redirect->slot, node))
    self->moved (self->user_data);
}

void
cluster_map_wake (ClusterMap *self)
{
  if (self->is_asleep && self->model != NULL)
    map_begin (self);
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
    return cluster_candidates_get_address (g_ptr_array_index (masters, (guint) g_random_int_range (0, (gint32) masters->len)));

  return g_object_ref (g_ptr_array_index (self->seeds, (guint) g_random_int_range (0, (gint32) self->seeds->len)));
}

guint64
cluster_map_get_n_refreshes (ClusterMap *self)
{
  return self->n_refreshes;
}
