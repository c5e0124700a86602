/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the drivers share: each runs one workload against a server's unix socket (or TCP port) and prints one line
 * of JSON, from which the script makes its table. Nothing here is timed but what stands between bench_start() and
 * bench_stop(). */

#pragma once

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BENCH_KEY "bench:32"
#define BENCH_LARGE_KEY "bench:large"
#define BENCH_LIST_KEY "bench:list"
#define BENCH_LONG_LIST_KEY "bench:long-list"
#define BENCH_CHANNEL "bench:channel"
#define BENCH_LARGE_SIZE ((gsize) 64 * 1024 * 1024)
#define BENCH_LIST_LENGTH 100000
#define BENCH_LONG_LIST_LENGTH 2000000
#define BENCH_BATCH 100

typedef struct
{
  const char *workload;
  const char *path;      /* of the server's unix socket */
  guint n;               /* how often */
  guint n_in_flight;
  guint port;            /* of the server's TLS port, or 0 */
  const char *ca_file;   /* (nullable) */
  gint64 started;        /* monotonic nanoseconds */
  gint64 ended;
  gint64 cpu;            /* nanoseconds of this process in between */
  gint64 peak_before;    /* KiB */
} Bench;

static inline gint64
bench_clock (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

/* Nanoseconds that this thread was ready and had no processor; 0 where the kernel does not tell. */
static inline gint64
bench_get_run_delay (void)
{
  g_autofree char *text = NULL;
  const char *second;

  if (!g_file_get_contents ("/proc/thread-self/schedstat", &text, NULL, NULL) || (second = strchr (text, ' ')) == NULL)
    return 0;

  return g_ascii_strtoll (second, NULL, 10);
}

/* A line of /proc/self/status, in KiB. */
static inline gint64
bench_get_memory (const char *field)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL) || (line = strstr (text, field)) == NULL)
    return 0;
  return g_ascii_strtoll (line + strlen (field), NULL, 10);
}

/* From here on VmHWM counts anew. */
static inline void
bench_reset_peak (Bench *bench)
{
  FILE *file = fopen ("/proc/self/clear_refs", "w");

  if (file != NULL)
    {
      fputs ("5", file);
      fclose (file);
    }
  bench->peak_before = bench_get_memory ("VmRSS:");
}

static inline void
bench_init (Bench *bench,
            int argc,
            char **argv)
{
  memset (bench, 0, sizeof *bench);
  if (argc < 5)
    {
      fprintf (stderr, "%s WORKLOAD SOCKET COUNT IN-FLIGHT [TLS-PORT CA-FILE]\n", argv[0]);
      exit (2);
    }
  bench->workload = argv[1];
  bench->path = argv[2];
  bench->n = (guint) atoi (argv[3]);
  bench->n_in_flight = (guint) atoi (argv[4]);
  bench->port = argc > 5 ? (guint) atoi (argv[5]) : 0;
  bench->ca_file = argc > 6 ? argv[6] : NULL;
}

static inline void
bench_start (Bench *bench)
{
  bench_reset_peak (bench);
  bench->cpu = -bench_clock (CLOCK_PROCESS_CPUTIME_ID);
  bench->started = bench_clock (CLOCK_MONOTONIC);
}

static inline void
bench_stop (Bench *bench)
{
  bench->ended = bench_clock (CLOCK_MONOTONIC);
  bench->cpu += bench_clock (CLOCK_PROCESS_CPUTIME_ID);
}

static inline void
bench_report (Bench *bench)
{
  double seconds = (double) (bench->ended - bench->started) / 1e9;
  gint64 peak = bench_get_memory ("VmHWM:");

  printf ("{\"ops\": %u, \"seconds\": %.6f, \"rate\": %.1f, \"cpu_usec\": %.4f, \"peak_kib\": %" G_GINT64_FORMAT
          ", \"peak_mb\": %.1f}\n",
          bench->n, seconds, bench->n / seconds, (double) bench->cpu / 1e3 / bench->n, peak - bench->peak_before,
          (double) peak * 1024 / 1e6);
}

static inline G_NORETURN void
bench_fail (const char *what)
{
  fprintf (stderr, "benchmark: %s\n", what);
  exit (1);
}

/* For what the library that is measured does not have. */
static inline G_NORETURN void
bench_skip (const char *what,
            const char *name)
{
  printf ("skip: %s %s\n", what, name);
  exit (0);
}
