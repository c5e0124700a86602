/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Does for a while what programs do with the library, all kinds of clients and plugins together, while servers are killed,
 * stopped and replaced and connections are cut, and sees to it that
 *
 * - no reply goes to another caller: every value names its key and who wrote it;
 * - every call ends;
 * - what callers see of one key could be: linearizability.h. Only where servers keep what they acknowledge: site.h;
 * - objects are finalized, and no source, file or memory is left.
 *
 * What it does is chosen by a seed, but when things happen is a matter of time: the same seed shows the same fault most times,
 * not always. */

#include <stdlib.h>

#include "heap.h"
#include "soak/live.h"
#include "soak/locks.h"
#include "soak/messages.h"
#include "soak/outside.h"
#include "soak/scans.h"
#include "soak/streams.h"

/* Of a round, when the time is what ends it. */
#define ROUND_OPERATIONS 1500
#define FIRST_OPERATIONS 50
/* More than caches of all sorts grow, and less than is lost when each round loses a little. */
#define MAX_GROWTH (512 * 1024)
/* GLib's TLS keeps the tickets that a server has given, of 2 KiB each, for ten minutes, also those that it does not take any more
 * after it was started anew. For that the others are not in one program with it. */
#define MAX_TLS_GROWTH (32 * 1024 * 1024)

static const char *const many_plugins[] = { "metrics", "log", "trace", "retry", "key-prefix:prefix=p:", "limit:max-in-flight=12,max-queued=20", NULL };
static const char *const cache_plugins[] = { "retry", "cache", NULL };
static const char *const group_plugins[] = { "metrics", "retry", NULL };

static const Kind kinds[] = {
  { "client", SITE_SERVER },
  { "pool", SITE_SERVER, .has_pool = TRUE },
  { "plugins", SITE_SERVER, many_plugins, .has_pool = TRUE },
  { "cache", SITE_SERVER, cache_plugins, .has_cache = TRUE, .has_few_workers = TRUE, .participants = { &outside_participant } },
  { "messages", SITE_SERVER, .participants = { &messages_participant } },
  { "data", SITE_SERVER, .has_pool = TRUE, .participants = { &streams_participant, &locks_participant, &scans_participant } },
  { "live", SITE_SERVER, .has_pool = TRUE, .has_few_workers = TRUE, .participants = { &live_participant } },
  { "tls", SITE_TLS, .has_pool = TRUE, .participants = { &messages_participant, &streams_participant, &live_participant } },
  { "cluster", SITE_CLUSTER, group_plugins, .has_pool = TRUE,
    .participants = { &messages_participant, &streams_participant, &locks_participant, &live_participant } },
  { "failover", SITE_FAILOVER, group_plugins, .may_lose = TRUE, .participants = { &messages_participant, &live_participant } },
  { "sentinel", SITE_SENTINEL, group_plugins, .may_lose = TRUE, .has_pool = TRUE, .participants = { &messages_participant, &live_participant } },
};

static gint64 seed = -1;
static gint seconds = 0;
static gint n_operations = 0;
static char **only = NULL;

static const GOptionEntry entries[] = {
  { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "What is done is chosen by it; random", "N" },
  { "seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "How long to go on; 60", "N" },
  { "operations", 0, 0, G_OPTION_ARG_INT, &n_operations, "One round of so many operations of each kind, however long it takes", "N" },
  { "only", 0, 0, G_OPTION_ARG_STRING_ARRAY, &only, "A kind, one of several; all but tls", "KIND" },
  { NULL },
};

typedef struct
{
  Tally *tally;  /* (owned) */
  Tally *events; /* (owned) */
  guint n_rounds;
  gsize first; /* bytes that were allocated after the second round, when all that is made once is there */
  gsize last;  /* after the last */
} Progress;

static gboolean
is_wanted (const Kind *kind)
{
  return only == NULL ? kind->site != SITE_TLS : g_strv_contains ((const char *const *) only, kind->name);
}

static void
check_only (void)
{
  for (guint i = 0; only != NULL && only[i] != NULL; i++)
    {
      gboolean is_known = FALSE;

      for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
        is_known |= g_str_equal (only[i], kinds[k].name);
      if (!is_known)
        g_error ("There is no kind %s", only[i]);
    }
}

static void
do_round (const Kind *kind,
          Site **sites,
          Progress *progress)
{
  static gboolean has_begun = FALSE;
  gsize max_growth = kind->site == SITE_TLS ? MAX_TLS_GROWTH : MAX_GROWTH;

  if (sites[kind->site] == NULL)
    sites[kind->site] = site_new (kind->site);
  if (!has_begun)
    run_round (kind, sites[kind->site], (guint64) seed, 0, FIRST_OPERATIONS, TRUE, progress->tally, progress->events);
  has_begun = TRUE;

  progress->n_rounds++;
  run_round (kind, sites[kind->site], (guint64) seed, progress->n_rounds, n_operations > 0 ? (guint) n_operations : ROUND_OPERATIONS,
             FALSE, progress->tally, progress->events);
  progress->last = get_heap_size ();
  if (progress->n_rounds == 2)
    progress->first = progress->last;
  else if (progress->n_rounds > 2 && progress->last > progress->first + max_growth)
    g_error ("Seed %" G_GINT64_FORMAT ", %s: %zu bytes were allocated after round 2, and %zu are after round %u", seed, kind->name,
             progress->first, progress->last, progress->n_rounds);
}

static GLogWriterOutput
write_log (GLogLevelFlags level,
           const GLogField *fields,
           gsize n_fields,
           gpointer user_data)
{
  /* What the plugin log says of each call. */
  return level >= G_LOG_LEVEL_MESSAGE ? G_LOG_WRITER_HANDLED : g_log_writer_default (level, fields, n_fields, user_data);
}

int
main (int argc,
      char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("- all kinds of clients while all sorts of things happen");
  Progress progress[G_N_ELEMENTS (kinds)] = { { NULL } };
  Site *sites[N_SITES] = { NULL };
  g_autoptr (GError) error = NULL;
  gint64 end;

  /* So that it can be run by hand. */
  g_setenv ("TORNADIS_PLUGIN_PATH", PLUGIN_DIR, FALSE);
  g_setenv ("GSETTINGS_BACKEND", "memory", FALSE);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    g_error ("%s", error->message);
  check_only ();
  if (seed < 0)
    seed = g_random_int ();
  g_print ("seed %" G_GINT64_FORMAT "\n", seed);
  g_log_set_writer_func (write_log, NULL, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);

  /* Has a socket and a source for as long as the program runs. */
  g_network_monitor_get_default ();
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      progress[i].tally = tally_new ();
      progress[i].events = tally_new ();
    }
  end = g_get_monotonic_time () + (seconds > 0 ? seconds : 60) * G_USEC_PER_SEC;
  do
    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
      if (is_wanted (&kinds[i]) && (n_operations > 0 || progress[i].n_rounds == 0 || g_get_monotonic_time () < end))
        do_round (&kinds[i], sites, &progress[i]);
  while (n_operations == 0 && g_get_monotonic_time () < end);

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *tally = tally_print (progress[i].tally);
      g_autofree char *events = tally_print (progress[i].events);

      if (progress[i].n_rounds > 0)
        g_print ("%s: %u rounds: %s; %s\n", kinds[i].name, progress[i].n_rounds, tally, events);
      if (progress[i].n_rounds > 2)
        g_print ("%s: %" G_GINT64_FORMAT " bytes more are allocated than after the second round\n", kinds[i].name,
                 (gint64) progress[i].last - (gint64) progress[i].first);
      tally_free (progress[i].tally);
      tally_free (progress[i].events);
    }
  for (guint i = 0; i < N_SITES; i++)
    g_clear_pointer (&sites[i], site_free);
  g_strfreev (only);

  return 0;
}
