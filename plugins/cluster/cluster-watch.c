/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-watch.h"

#define PERIOD_MSEC 1000
#define N_ROUNDS 16
#define WATCH "tornadis-cluster-watch"

typedef struct
{
  ClusterWatchFunc func; /* (nullable) NULL: it was removed */
  gpointer user_data;    /* (unowned) */
  gboolean is_new;
} Entry;

/* Those whose turn it is at the same time. */
typedef struct
{
  GArray *entries; /* (owned) (element-type Entry) */
  GSource *source; /* (owned) (nullable) while there are any */
} Round;

typedef struct
{
  Round rounds[N_ROUNDS];
  guint next; /* that gets one */
} Watch;

static void
watch_free (gpointer data)
{
  Watch *self = data;

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      Round *round = &self->rounds[i];

      if (round->source != NULL)
        g_source_destroy (round->source);
      g_clear_pointer (&round->source, g_source_unref);
      g_array_unref (round->entries);
    }
  g_free (self);
}

/* That of the plugin, which owns it. */
static Watch *
get_watch (TornadisPlugin *plugin)
{
  Watch *self = g_object_get_data (G_OBJECT (plugin), WATCH);

  if (self != NULL)
    return self;

  self = g_new0 (Watch, 1);
  for (guint i = 0; i < N_ROUNDS; i++)
    self->rounds[i].entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_object_set_data_full (G_OBJECT (plugin), WATCH, self, watch_free);

  return self;
}

/* Others may be added and removed meanwhile. */
static gboolean
round_cb (gpointer user_data)
{
  Round *self = user_data;
  guint n_kept = 0;

  for (guint i = 0; i < self->entries->len; i++)
    {
      Entry entry = g_array_index (self->entries, Entry, i);
      gboolean goes_on = entry.is_new || entry.func == NULL || entry.func (entry.user_data);
      Entry *present = &g_array_index (self->entries, Entry, i);

      present->is_new = FALSE;
      if (!goes_on)
        present->func = NULL;
    }

  for (guint i = 0; i < self->entries->len; i++)
    {
      const Entry *entry = &g_array_index (self->entries, Entry, i);

      if (entry->func != NULL)
        g_array_index (self->entries, Entry, n_kept++) = *entry;
    }
  g_array_set_size (self->entries, n_kept);
  if (n_kept > 0)
    return G_SOURCE_CONTINUE;

  g_clear_pointer (&self->source, g_source_unref);
  return G_SOURCE_REMOVE;
}

guint
cluster_watch_add (TornadisPlugin *plugin,
                   GMainContext *context,
                   ClusterWatchFunc func,
                   gpointer user_data)
{
  Watch *self = get_watch (plugin);
  guint watch = self->next++ % N_ROUNDS;
  Round *round = &self->rounds[watch];
  /* One that begins now has all of its time. */
  const Entry entry = { func, user_data, round->source != NULL };

  g_array_append_val (round->entries, entry);
  if (round->source != NULL)
    return watch;

  round->source = g_timeout_source_new (PERIOD_MSEC);
  g_source_set_static_name (round->source, "[tornadis] cluster, looks at its nodes");
  g_source_set_callback (round->source, round_cb, round, NULL);
  g_source_attach (round->source, context);

  return watch;
}

void
cluster_watch_remove (TornadisPlugin *plugin,
                      guint watch,
                      gpointer user_data)
{
  Round *round = &get_watch (plugin)->rounds[watch];

  for (guint i = 0; i < round->entries->len; i++)
    {
      Entry *entry = &g_array_index (round->entries, Entry, i);

      if (entry->user_data == user_data)
        entry->func = NULL;
    }
}
