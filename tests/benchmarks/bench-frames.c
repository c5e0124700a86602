/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bench-frames.h"

#include "bench.h"

/* As long as a turn may take. */
#define LIMIT_NSEC (4 * G_GINT64_CONSTANT (1000000))
#define MAX_SOURCES 4

/* The library's sources are found by their names, and each dispatch of theirs is a turn. */
typedef struct
{
  GSource *source;           /* (owned) */
  const GSourceFuncs *funcs; /* (unowned) the library's */
  GSourceFuncs funcs_timing; /* the same, but for dispatch */
} Timed;

static struct
{
  Timed sources[MAX_SOURCES];
  guint n_sources;
  gboolean counting;
  guint depth; /* a handler may run a main loop */
  guint n_turns;
  guint n_over;     /* longer than LIMIT_NSEC */
  gint64 longest;   /* nanoseconds of CPU time of this thread */
  gint64 used;      /* likewise, of all turns */
  gint64 cpu;       /* likewise, of everything since counting began */
  gint64 started;   /* monotonic microseconds */
  gint64 interval;  /* microseconds between two frames */
  gint64 frame;     /* monotonic microseconds: when the last began */
  gint64 frame_cpu; /* nanoseconds of CPU time of this thread, until then */
  gint64 gap;       /* likewise, the most between two frames */
  gint64 delay;     /* nanoseconds that this thread was ready and had no processor, until then */
  guint n_due;
  guint n_late;
  guint n_own;   /* of these: late also without the time in which this thread had no processor */
  gint64 latest; /* microseconds */
} bench;

static gboolean
timing_dispatch (GSource *source,
                 GSourceFunc callback,
                 gpointer user_data)
{
  gboolean result = G_SOURCE_CONTINUE;
  gint64 start = bench_clock (CLOCK_THREAD_CPUTIME_ID);
  gint64 used;

  bench.depth++;
  for (guint i = 0; i < bench.n_sources; i++)
    if (bench.sources[i].source == source)
      result = bench.sources[i].funcs->dispatch (source, callback, user_data);
  bench.depth--;

  if (!bench.counting || bench.depth > 0)
    return result;

  used = bench_clock (CLOCK_THREAD_CPUTIME_ID) - start;
  bench.n_turns++;
  bench.n_over += used > LIMIT_NSEC;
  bench.longest = MAX (bench.longest, used);
  bench.used += used;

  return result;
}

static void
time_source (GSource *source)
{
  Timed *timed = &bench.sources[bench.n_sources++];

  timed->source = g_source_ref (source);
  timed->funcs = source->source_funcs;
  timed->funcs_timing = *timed->funcs;
  timed->funcs_timing.dispatch = timing_dispatch;
  source->source_funcs = &timed->funcs_timing;
}

static void
find_sources (void)
{
  GMainContext *context = g_main_context_default ();
  /* Ids only grow. */
  g_autoptr (GSource) newest = g_idle_source_new ();
  guint last = g_source_attach (newest, context);

  g_source_destroy (newest);
  for (guint id = 1; id < last && bench.n_sources < MAX_SOURCES; id++)
    {
      GSource *source = g_main_context_find_source_by_id (context, id);
      const char *name = source != NULL ? g_source_get_name (source) : NULL;

      if (name != NULL && g_str_has_prefix (name, "[tornadis] connections"))
        time_source (source);
    }
}

/**
 * tornadis_bench_start:
 *
 * Counts turns of the library and frames from now on.
 *
 * Returns: %FALSE if the library has no sources in the default main context
 */
gboolean
tornadis_bench_start (void)
{
  if (bench.n_sources == 0)
    find_sources ();

  bench.counting = TRUE;
  bench.started = g_get_monotonic_time ();
  bench.cpu = -bench_clock (CLOCK_THREAD_CPUTIME_ID);

  return bench.n_sources > 0;
}

static void
add_frame (gint64 now)
{
  gint64 delay = bench_get_run_delay ();
  gint64 cpu = bench_clock (CLOCK_THREAD_CPUTIME_ID);
  gint64 gap = now - bench.frame;
  gint64 n_late;

  if (bench.frame != 0 && bench.counting)
    {
      /* Each is due an interval after the one before, and on time for as long. */
      n_late = MAX (0, gap / bench.interval - 1);
      bench.n_due += (guint) n_late + 1;
      bench.n_late += (guint) n_late;
      bench.n_own += (guint) MAX (0, (gap - (delay - bench.delay) / 1000) / bench.interval - 1);
      bench.latest = MAX (bench.latest, gap - bench.interval);
      bench.gap = MAX (bench.gap, cpu - bench.frame_cpu);
    }
  bench.frame = now;
  bench.frame_cpu = cpu;
  bench.delay = delay;
}

/**
 * tornadis_bench_add_frame:
 * @interval: microseconds between two frames, as the frame clock tells
 *
 * Counts a frame that begins. Those that were due since the last and never came are late.
 */
void
tornadis_bench_add_frame (gint64 interval)
{
  bench.interval = interval;
  add_frame (g_get_monotonic_time ());
}

/**
 * tornadis_bench_stop:
 *
 * Ends counting.
 *
 * Returns: (transfer full): the members of a JSON object
 */
char *
tornadis_bench_stop (void)
{
  double seconds = (double) (g_get_monotonic_time () - bench.started) / 1e6;

  if (bench.interval > 0)
    add_frame (g_get_monotonic_time ());
  bench.counting = FALSE;
  bench.cpu += bench_clock (CLOCK_THREAD_CPUTIME_ID);

  return g_strdup_printf ("\"seconds\": %.3f, \"turn_cpu_ms\": %.3f, \"turns\": %u, \"turns_over\": %u, \"turns_share\": %.4f, "
                          "\"cpu_share\": %.4f, \"frames\": %u, \"on_time\": %.5f, \"own_on_time\": %.5f, \"latest_ms\": %.3f, "
                          "\"gap_cpu_ms\": %.3f",
                          seconds, (double) bench.longest / 1e6, bench.n_turns, bench.n_over, (double) bench.used / 1e9 / seconds,
                          (double) bench.cpu / 1e9 / seconds, bench.n_due,
                          bench.n_due > 0 ? 1 - (double) bench.n_late / bench.n_due : 0,
                          bench.n_due > 0 ? 1 - (double) bench.n_own / bench.n_due : 0, (double) bench.latest / 1e3, (double) bench.gap / 1e6);
}
